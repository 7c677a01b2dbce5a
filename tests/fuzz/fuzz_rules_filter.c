/* Conditions from any bytes: what compiles is asked of two events, twice with the same answer. */
#include "fuzz.h"
#include "support/event_memory.h"
#include "support/filter.h"

static void ask(struct filter *f, const char *type)
{
	static const char *const fields[] = {
		"proc.name",	  "cat",      "fd.name",    "/etc/shadow",
		"proc.args",	  "-a b c",   "proc.aname", "sh",
		"proc.aname",	  "init",     "fd.ip",	    "10.0.0.1",
		"fd.net",	  "10.0.0.1", "fd.num",	    "3",
		"evt.is_io_read", "true",     "fd.types",   "file",
		"proc.args[0]",	  "-a",	      "fd.sport",   "53"
	};
	cleanup_ev_memory struct ev_memory m = { 0 };
	struct err e;
	bool first;

	if (ev_memory_init(&m, type, NULL, &e))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i += 2)
		if (ev_memory_add(&m, fields[i], fields[i + 1], &e))
			abort();
	ev_memory_add_bytes(&m, "evt.buffer", (struct ev_text){ "a\0b\xff", 4 }, &e);
	first = filter_eval(f, &m.ev);
	if (filter_eval(f, &m.ev) != first)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter *f;
	struct err e = { 0 };

	if (filter_compile(&f, "input", (const char *)data, size, NULL, &e))
		return 0;
	ask(f, "openat");
	ask(f, "procexit");
	filter_free(f);
	return 0;
}
