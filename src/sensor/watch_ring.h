/*
 * Reading BPF ring buffers without libbpf's callbacks, so that several can be read in the order of
 * time. Layout: Linux, kernel/bpf/ringbuf.c and tools/lib/bpf/ringbuf.c: a page with the reader's
 * position, a page with the writer's, the data; each record has an 8-byte header (length and two
 * flags, then an offset that is of no use here) and begins at a multiple of 8. The data are there
 * twice, one behind the other, so a record that begins at the end goes on.
 *
 * The data are kernel memory. Only the part where the reader is at is mapped, so that a ring that
 * is large for bad times is none of the process's memory in good ones.
 */
#ifndef SENSOR_WATCH_RING_H
#define SENSOR_WATCH_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct watch_ring {
	int fd; /* owned */
	size_t size;
	unsigned long *consumer;
	const unsigned long *producer;
	const unsigned char *data; /* the mapped part */
	size_t from, span; /* where it begins; records that begin in its `span` bytes are whole */
	unsigned long pos; /* of the next record */
};

enum { WATCH_RING_RECORD_MAX = 32 * 1024 };

/* The descriptor of a new ring of `size` bytes, a power of two and a multiple of the page size. */
int watch_ring_make(size_t size, struct err *e);
/* Takes the descriptor over, also when it fails. */
int watch_ring_map(struct watch_ring *r, int fd, size_t size, struct err *e);
void watch_ring_free(struct watch_ring *r);
/*
 * The next record and its length, NULL when there is none; it stays until watch_ring_next(). Of
 * WATCH_RING_RECORD_MAX bytes at most.
 */
const void *watch_ring_peek(struct watch_ring *r, size_t *len);
/* Behind the record that watch_ring_peek() gave. The writer learns of it by watch_ring_release().
 */
void watch_ring_next(struct watch_ring *r);
void watch_ring_release(struct watch_ring *r);

#endif
