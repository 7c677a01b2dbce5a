#include "sensor/watch_ring.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SPAN = 256 * 1024 }; /* mapped at a time; a power of two */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int watch_ring_make(size_t size, struct err *e)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "watch_ring", 0, 0, (unsigned)size, NULL);

	return fd < 0 ? err_errno(e, errno, "cannot make a ring buffer of %zu bytes", size) : fd;
}

/* Bytes behind the part's span, for a record that begins in it. */
static size_t behind(const struct watch_ring *r)
{
	return r->size < WATCH_RING_RECORD_MAX ? r->size : WATCH_RING_RECORD_MAX;
}

/* Maps the part that begins at `from`, in place of the one before. */
static bool show(struct watch_ring *r, size_t from)
{
	void *at = (void *)(uintptr_t)r->data;
	void *p = mmap(at, r->span + behind(r), PROT_READ, MAP_SHARED | (at ? MAP_FIXED : 0), r->fd,
		       (off_t)(2 * page_size() + from));

	if (p == MAP_FAILED)
		return false;
	r->data = p;
	r->from = from;
	return true;
}

int watch_ring_map(struct watch_ring *r, int fd, size_t size, struct err *e)
{
	size_t page = page_size();
	unsigned char *p;

	*r = (struct watch_ring){ .fd = fd, .size = size, .span = size < SPAN ? size : SPAN };
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (p == MAP_FAILED)
		return err_errno(e, errno, "cannot map a ring buffer");
	r->consumer = (unsigned long *)(void *)p;
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (p == MAP_FAILED)
		return err_errno(e, errno, "cannot map a ring buffer");
	r->producer = (const unsigned long *)(const void *)p;
	return show(r, 0) ? 0 : err_errno(e, errno, "cannot map a ring buffer");
}

void watch_ring_free(struct watch_ring *r)
{
	if (r->consumer)
		munmap(r->consumer, page_size());
	if (r->producer)
		munmap((void *)(uintptr_t)r->producer, page_size());
	if (r->data)
		munmap((void *)(uintptr_t)r->data, r->span + behind(r));
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct watch_ring){ .fd = -1 };
}

/* In the part that is mapped. */
static const unsigned char *at(const struct watch_ring *r, unsigned long pos)
{
	return r->data + ((pos & (r->size - 1)) - r->from);
}

static uint32_t header_at(const struct watch_ring *r, unsigned long pos)
{
	return __atomic_load_n((const uint32_t *)(const void *)at(r, pos), __ATOMIC_ACQUIRE);
}

static unsigned long step(uint32_t header)
{
	unsigned long len = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
}

const void *watch_ring_peek(struct watch_ring *r, size_t *len)
{
	unsigned long end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	while (r->pos < end) {
		size_t from = r->pos & (r->size - 1) & ~(r->span - 1);
		uint32_t header;

		/* Without memory for it, it is tried again later. */
		if (from != r->from && !show(r, from))
			return NULL;
		header = header_at(r, r->pos);
		if (header & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			*len = header;
			return at(r, r->pos) + BPF_RINGBUF_HDR_SZ;
		}
		r->pos += step(header);
	}
	return NULL;
}

void watch_ring_next(struct watch_ring *r)
{
	r->pos += step(header_at(r, r->pos));
}

void watch_ring_release(struct watch_ring *r)
{
	__atomic_store_n(r->consumer, r->pos, __ATOMIC_RELEASE);
}
