/* ELF files of any content: reading, scanning and walking stay inside of the file and come to an
 * end. */
#include <stddef.h>

#include "elf/analyze.h"
#include "elf/cache.h"
#include "fuzz.h"

struct one_file {
	const uint8_t *data;
	size_t size;
};

static int open_one(void *ctx, const char *path, size_t max, struct elf_bytes *out, struct err *e)
{
	const struct one_file *f = ctx;

	if (strcmp(path, "/program") || f->size > max)
		return err_set(e, ENOENT, "%s: none", path);
	*out = (struct elf_bytes){ .data = f->data, .len = f->size, .path = xstrdup(path) };
	return 0;
}

static int list_none(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		     void *arg, struct err *e)
{
	(void)ctx;
	(void)each;
	(void)arg;
	return err_set(e, ENOENT, "%s: none", path);
}

/* Facts survive being written and read. */
static void round_trip(const struct elf_facts *f)
{
	cleanup_buf struct buf first = { 0 }, second = { 0 };
	cleanup_elf_facts struct elf_facts again;

	elf_facts_write(f, &first);
	if (elf_facts_read(&again, (const uint8_t *)buf_str(&first), first.len))
		abort();
	elf_facts_write(&again, &second);
	if (first.len != second.len || memcmp(buf_str(&first), buf_str(&second), first.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct one_file f = { data, size };
	struct elf_files files = { .open = open_one, .list = list_none, .ctx = &f };
	cleanup_elf_analysis struct elf_analysis a = { 0 };
	cleanup_elf_facts struct elf_facts facts = { 0 };
	cleanup_workload struct workload w;
	struct elf_options opt = { 0 };
	struct err e;

	/* The same bytes as facts of the cache. */
	if (elf_facts_read(&facts, data, size) == 0)
		round_trip(&facts);
	wl_init(&w);
	if (elf_analyze(&a, &files, "/program", &opt, &e))
		return 0;
	round_trip(&a.linker.objects[0]->facts);
	elf_analysis_model(&a, &w);
	for (size_t i = 0; i < w.syscalls_n && i < 4; i++) {
		cleanup_buf struct buf way = { 0 };

		if (!elf_analysis_explain(&a, w.syscalls[i].abi, w.syscalls[i].nr, &way))
			abort();
	}
	return 0;
}
