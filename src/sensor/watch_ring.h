/*
 * Reading BPF ring buffers without libbpf's callbacks, so that several can be read in the order of
 * time. Layout: Linux, kernel/bpf/ringbuf.c and tools/lib/bpf/ringbuf.c: a page with the reader's
 * position, a page with the writer's, the data; each record has an 8-byte header (length and two
 * flags, then an offset that is of no use here) and begins at a multiple of 8.
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
	const unsigned char *data;
	unsigned long pos;   /* of the next record */
	unsigned char *copy; /* for a record that begins at the end and goes on at the start */
	size_t copy_cap;
};

/* The descriptor of a new ring of `size` bytes, a power of two and a multiple of the page size. */
int watch_ring_make(size_t size, struct err *e);
/* Takes the descriptor over, also when it fails. */
int watch_ring_map(struct watch_ring *r, int fd, size_t size, struct err *e);
void watch_ring_free(struct watch_ring *r);
/* The next record and its length, NULL when there is none; it stays until watch_ring_next(). */
const void *watch_ring_peek(struct watch_ring *r, size_t *len);
/* Behind the record that watch_ring_peek() gave. The writer learns of it by watch_ring_release().
 */
void watch_ring_next(struct watch_ring *r);
void watch_ring_release(struct watch_ring *r);

#endif
