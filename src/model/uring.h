/* Operations of io_uring that stand for system calls. */
#ifndef MODEL_URING_H
#define MODEL_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uring_operation {
	uint8_t op; /* linux/io_uring.h: IORING_OP_* */
	const char *call;
};

/*
 * All of them. Of an operation with two rows the first counts whose call somebody asks for:
 * io_uring has one for read(2) and pread(2), and one for renameat(2) and renameat2(2).
 */
const struct uring_operation *uring_operations(size_t *n);
/* Whether there is one for this call. */
bool uring_does(const char *call);

#endif
