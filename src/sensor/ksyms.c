#include "sensor/ksyms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"

static int by_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Offers the symbol to every address that it may cover: the nearest start below wins. */
static void offer(struct ksyms *k, size_t *name_of, uint64_t start, size_t name_off)
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (k->v[mid].addr < start)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Addresses of one function lie close together: stop where a nearer symbol is known. */
	for (size_t i = lo; i < k->n && (!k->v[i].start || k->v[i].start < start); i++) {
		k->v[i].start = start;
		name_of[i] = name_off;
	}
}

static int read_symbols(struct ksyms *k, size_t *name_of, struct buf *names)
{
	cleanup_fclose FILE *f = fopen("/proc/kallsyms", "re");
	bool visible = false;
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		unsigned long long start;
		char type, name[256];
		size_t off = names->len;

		if (sscanf(line, "%llx %c %255s", &start, &type, name) != 3 ||
		    !strchr("tTwW", type))
			continue;
		if (start)
			visible = true;
		if (!k->n || start > k->v[k->n - 1].addr || !start)
			continue;
		offer(k, name_of, start, off);
		/* Keep the name only if it was taken by some address. */
		for (size_t i = 0; i < k->n; i++) {
			if (name_of[i] == off && k->v[i].start == start) {
				buf_append(names, name, strlen(name) + 1);
				break;
			}
		}
	}
	return visible ? 0 : -EACCES;
}

int ksyms_resolve(struct ksyms *k, const uint64_t *addr, size_t n)
{
	cleanup_free size_t *name_of = xcalloc(n + 1, sizeof(*name_of));
	cleanup_buf struct buf names = { 0 };
	int r;

	*k = (struct ksyms){ 0 };
	buf_putc(&names, '\0'); /* offset 0 is "" */
	k->v = xcalloc(n + 1, sizeof(*k->v));
	for (size_t i = 0; i < n; i++)
		k->v[i].addr = addr[i];
	qsort(k->v, n, sizeof(*k->v), by_addr);
	for (size_t i = 0; i < n; i++)
		if (!k->n || k->v[i].addr != k->v[k->n - 1].addr)
			k->v[k->n++] = k->v[i];
	r = read_symbols(k, name_of, &names);
	if (r < 0) {
		ksyms_free(k);
		return r;
	}
	k->names = buf_take(&names);
	for (size_t i = 0; i < k->n; i++)
		k->v[i].name = k->names + name_of[i];
	return 0;
}

const char *ksyms_name(const struct ksyms *k, uint64_t addr)
{
	struct ksym key = { .addr = addr };
	const struct ksym *s = k->n ? bsearch(&key, k->v, k->n, sizeof(*k->v), by_addr) : NULL;

	return s ? s->name : "";
}

void ksyms_free(struct ksyms *k)
{
	free(k->v);
	free(k->names);
	*k = (struct ksyms){ 0 };
}
