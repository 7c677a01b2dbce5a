/* From who finds to store and sink, while the store is locked and over the end of a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/delivery.h"
#include "base/io.h"
#include "base/mem.h"
#include "finding_sample.h"
#include "temp_folder.h"

static struct delivery *begin(const char *store, const char *sink)
{
	struct delivery_options o = { .store = store,
				      .limits = { .busy_ms = 10 },
				      .window_ns = UINT64_C(3600) * 1000000000 };
	struct delivery *d = NULL;
	struct err e = { 0 };

	if (delivery_new(&d, &o, &e) < 0 || delivery_add_sink(d, sink, &e) < 0 ||
	    delivery_start(d, &e) < 0)
		fail_msg("%s", e.msg);
	return d;
}

/* Of the present, since the store looks for what is recent. */
static void add(struct delivery *d, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		struct finding *f = finding_sample(i);

		f->last_seen = (uint64_t)time(NULL) * 1000000000u + i;
		delivery_add(d, f);
	}
}

static unsigned lines_of(const char *path)
{
	cleanup_buf struct buf b = { 0 };
	unsigned n = 0;

	if (io_read_file(path, 1 << 26, &b, NULL) < 0)
		return 0;
	for (const char *p = buf_str(&b); (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void expect_stored(const char *path, uint64_t findings, uint64_t events)
{
	cleanup_store struct store *s = NULL;
	struct store_stats t;
	struct err e = { 0 };

	assert_int_equal(store_open(&s, path, &(struct store_options){ .read_only = true }, &e), 0);
	assert_int_equal(store_get_stats(s, &(struct store_filter){ 0 }, &t, &e), 0);
	assert_int_equal(t.findings, findings);
	assert_int_equal(t.events, events);
}

/* Adding goes on at once; what waited is stored and delivered once the lock is gone. */
static void test_locked(void **state)
{
	cleanup_free char *store = xasprintf("%s/f.db", folder), *out = xasprintf("%s/out", folder),
			  *sink = xasprintf("file:%s", out);
	struct delivery *d = begin(store, sink);
	struct timespec begun, now;
	sqlite3 *other = NULL;

	(void)state;
	assert_int_equal(sqlite3_open(store, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	add(d, 0, 100);
	add(d, 0, 100);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(now.tv_sec - begun.tv_sec < 5);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	assert_int_equal(lines_of(out), 0);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_false(delivery_end(d));
	delivery_free(d);
	expect_stored(store, 100, 200);
	assert_int_equal(lines_of(out), 100);
}

/* The next run counts what the last one found, and sends what is new. */
static void test_two_runs(void **state)
{
	cleanup_free char *store = xasprintf("%s/f.db", folder), *out = xasprintf("%s/out", folder),
			  *sink = xasprintf("file:%s", out);
	struct delivery *d = begin(store, sink);

	(void)state;
	add(d, 0, 20);
	assert_false(delivery_end(d));
	delivery_free(d);
	d = begin(store, sink);
	add(d, 10, 20);
	assert_false(delivery_end(d));
	delivery_free(d);
	expect_stored(store, 30, 40);
	assert_int_equal(lines_of(out), 30);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_locked), T(test_two_runs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
