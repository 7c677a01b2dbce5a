/* A capture through enrichment, with every field that needs no argument. */
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enrich/enrich.h"
#include "enrich/facts.h"
#include "fuzz.h"
#include "fuzz_fields.h"
#include "sensor/capture.h"
#include "unit/record_part.h"

static void judge(struct enrich *en, const struct capture_item *item, uint64_t boot)
{
	const struct event *ev;
	struct err e;

	if (item->what != CAPTURE_RECORD) {
		enrich_fact(en, item->name, item->doc, &e);
		return;
	}
	if (!record_is_valid(item->rec, item->rec->size))
		__builtin_trap();
	ev = enrich_record(en, item->rec, boot);
	if (ev)
		fuzz_read_fields(ev);
	ev = ev ? enrich_again(en) : NULL;
	if (ev)
		fuzz_read_fields(ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enrich_options o = { .outside.offline = true };
	cleanup_capture struct capture_reader *r = NULL;
	struct enrich *en = enrich_new(&o);
	struct capture_item item;
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct err e;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size && capture_open(&r, path, &e) == 0)
		while (capture_next(r, &item, &e) > 0)
			judge(en, &item, capture_boot(r));
	enrich_free(en);
	if (fd >= 0)
		close(fd);
	return 0;
}
