/* Expected outputs of generators, and the models that they are of. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/workload.h"

#define GOLDEN "tests/golden/"

/* With UPDATE_GOLDEN set the file is written instead. */
static inline void check_golden(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf(GOLDEN "%s", name);
	cleanup_buf struct buf want = { 0 };
	struct err e;

	if (getenv("UPDATE_GOLDEN")) {
		assert_int_equal(0, io_write_file(path, text, strlen(text), &e));
		return;
	}
	assert_int_equal(0, io_read_file(path, 1 << 20, &want, &e));
	assert_string_equal(buf_str(&want), text);
}

static inline void load_golden(struct workload *w, const char *name)
{
	cleanup_free char *path = xasprintf(GOLDEN "%s.workload.json", name);
	struct err e = { 0 };

	wl_init(w);
	if (wl_load(w, path, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void has(const struct buf *text, const char *line)
{
	if (!strstr(buf_str(text), line))
		fail_msg("'%s' is not in:\n%s", line, buf_str(text));
}

static inline void lacks(const struct buf *text, const char *line)
{
	if (strstr(buf_str(text), line))
		fail_msg("'%s' is in:\n%s", line, buf_str(text));
}

#endif
