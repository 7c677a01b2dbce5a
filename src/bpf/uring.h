/* What the running kernel lets programs see of io_uring, by its type information. */
#ifndef BPF_URING_H
#define BPF_URING_H

#include <stdbool.h>
#include <stdint.h>

struct uring_kernel {
	bool there; /* requests can be watched; else `why` says in a few words what is missing */
	bool none;  /* because the kernel was built without io_uring */
	char why[120];
	const char *submit;    /* tracepoint at the submission of a request; static */
	unsigned submit_at;    /* which of its arguments the request is */
	bool by_cqe;	       /* that of completions has the struct io_uring_cqe */
	uint32_t creds, again; /* io_kiocb.flags: REQ_F_CREDS, REQ_F_APOLL_MULTISHOT; 0: unknown */
};

void uring_look(struct uring_kernel *k);

#endif
