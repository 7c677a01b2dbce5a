/* Any bytes as a command line, and as a configuration file that includes itself. */
#include <errno.h>

#include "elf/asked.h"
#include "fuzz.h"

struct text {
	const uint8_t *data;
	size_t size;
};

static int open_text(void *ctx, const char *path, size_t max, struct elf_bytes *out, struct err *e)
{
	const struct text *t = ctx;

	(void)max;
	(void)e;
	if (path[0] != '/')
		abort();
	*out = (struct elf_bytes){ .data = t->data, .len = t->size, .path = xstrdup(path) };
	return 0;
}

static int list_one(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg, struct err *e)
{
	(void)ctx;
	(void)path;
	(void)e;
	return each(arg, "one.conf");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct asked_source source = { .files = { "/etc/x" },
						    .option = "-c",
						    .also = { "?/etc/y" },
						    .include = { "include" },
						    .include_folder = "include_dir" };
	struct text text = { data, size };
	struct elf_files files = { open_text, list_one, &text };
	cleanup_asked struct asked a = { 0 };
	cleanup_free char *line = fuzz_text(data, size);
	char **argv = asked_split(line);

	asked_read(&a, &files, &source, (char *const *const *)&argv, argv ? 1 : 0);
	for (size_t i = 0; i < a.n && i < 16; i++)
		asked_for(&a, a.v[i]);
	if (!argv && !a.unknown)
		abort();
	asked_split_free(argv);
	return 0;
}
