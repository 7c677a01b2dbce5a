#include "sensor/watch_ring.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int watch_ring_make(size_t size, struct err *e)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "watch_ring", 0, 0, (unsigned)size, NULL);

	return fd < 0 ? err_errno(e, errno, "cannot make a ring buffer of %zu bytes", size) : fd;
}

int watch_ring_map(struct watch_ring *r, int fd, size_t size, struct err *e)
{
	size_t page = page_size();
	unsigned char *p;

	*r = (struct watch_ring){ .fd = fd, .size = size };
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (p == MAP_FAILED)
		return err_errno(e, errno, "cannot map a ring buffer");
	r->consumer = (unsigned long *)(void *)p;
	p = mmap(NULL, page + size, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (p == MAP_FAILED)
		return err_errno(e, errno, "cannot map a ring buffer");
	r->producer = (const unsigned long *)(const void *)p;
	r->data = p + page;
	return 0;
}

void watch_ring_free(struct watch_ring *r)
{
	if (r->consumer)
		munmap(r->consumer, page_size());
	if (r->producer)
		munmap((void *)(uintptr_t)r->producer, page_size() + r->size);
	if (r->fd >= 0)
		close(r->fd);
	free(r->copy);
	*r = (struct watch_ring){ .fd = -1 };
}

static uint32_t header_at(const struct watch_ring *r, unsigned long pos)
{
	return __atomic_load_n((const uint32_t *)(const void *)(r->data + (pos & (r->size - 1))),
			       __ATOMIC_ACQUIRE);
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
		uint32_t header = header_at(r, r->pos);
		size_t at = (r->pos + BPF_RINGBUF_HDR_SZ) & (r->size - 1), first;

		if (header & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (header & BPF_RINGBUF_DISCARD_BIT) {
			r->pos += step(header);
			continue;
		}
		*len = header;
		first = r->size - at;
		if (*len <= first)
			return r->data + at;
		if (*len > r->copy_cap) {
			r->copy_cap = *len;
			r->copy = xreallocarray(r->copy, r->copy_cap, 1);
		}
		memcpy(r->copy, r->data + at, first);
		memcpy(r->copy + first, r->data, *len - first);
		return r->copy;
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
