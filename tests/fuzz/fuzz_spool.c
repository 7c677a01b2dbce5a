/* A spool file of any bytes: it is opened, read to its end, and takes and gives one more. */
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "out/spool.h"

static void use(struct spool *s)
{
	cleanup_buf struct buf b = { 0 };
	struct spool_stats n, after;
	struct err e = { 0 };
	uint64_t given = 0;

	spool_get_stats(s, &n);
	while (spool_next(s, &b, &e) == 1) {
		given++;
		if (b.len > SPOOL_TEXT_MAX || memchr(b.p, '\n', b.len) || spool_done(s, &e))
			abort();
	}
	spool_get_stats(s, &after);
	if (given != n.waiting || after.waiting || after.bytes)
		abort();
	if (spool_append(s, "x", 1, &e))
		abort();
	spool_release(s);
	if (spool_next(s, &b, &e) != 1 || b.len != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct spool *s = NULL;
	struct err e = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/boltseal-fuzz-spool-%d", (int)getpid());
	f = fopen(path, "w");
	if (!f)
		return 0;
	fwrite(data, 1, size, f);
	fclose(f);
	if (spool_open(&s, path, 1 << 20, NULL, NULL, &e) == 0) {
		use(s);
		spool_close(s);
	}
	unlink(path);
	return 0;
}
