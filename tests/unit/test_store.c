/* The store under faults: kill -9, a lock, damage, a full disk; queries and retention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "finding_sample.h"
#include "store/store.h"
#include "temp_folder.h"

static struct store *open_store(const char *path, const struct store_options *o)
{
	struct store *s = NULL;
	struct err e = { 0 };

	if (store_open(&s, path, o, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static int put(struct store *s, unsigned from, unsigned n, struct err *e)
{
	struct finding *f[256];
	int err;

	assert_true(n <= 256);
	for (unsigned i = 0; i < n; i++)
		f[i] = finding_sample(from + i);
	err = store_put(s, f, n, e);
	for (unsigned i = 0; i < n; i++)
		finding_free(f[i]);
	return err;
}

static int count_one(const struct finding *f, uint64_t seq, void *ctx, struct err *e)
{
	(void)f;
	(void)seq;
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

static unsigned count(struct store *s, const struct store_filter *w)
{
	struct err e = { 0 };
	unsigned n = 0;

	if (store_query(s, w, count_one, &n, &e) < 0)
		fail_msg("%s", e.msg);
	return n;
}

static unsigned count_all(struct store *s)
{
	return count(s, &(struct store_filter){ 0 });
}

struct seen {
	char id[FINDING_ID + 1];
	uint64_t count, first, last;
};

static int see(const struct finding *f, uint64_t seq, void *ctx, struct err *e)
{
	struct seen *out = ctx;

	(void)seq;
	(void)e;
	memcpy(out->id, f->id, sizeof(out->id));
	out->count = f->count;
	out->first = f->first_seen;
	out->last = f->last_seen;
	return 1;
}

static void test_repeats(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	cleanup_finding struct finding *f = finding_sample(0);
	struct seen seen = { 0 };
	struct err e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(store_put(s, &f, 1, &e), 0);
	f->count = 4;
	f->last_seen += 10;
	assert_int_equal(store_put(s, &f, 1, &e), 0);
	/* One that comes late makes nothing older. */
	f->count = 1;
	f->last_seen -= 5;
	assert_int_equal(store_put(s, &f, 1, &e), 0);
	assert_int_equal(count_all(s), 1);
	assert_int_equal(store_query(s, &(struct store_filter){ 0 }, see, &seen, &e), 1);
	assert_int_equal(seen.count, 6);
	assert_int_equal(seen.last, SAMPLE_TIME + 10);
	assert_int_equal(seen.first, SAMPLE_TIME);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(store_notice(s));
}

static void test_filters(void **state)
{
	static const struct {
		struct store_filter filter;
		unsigned n;
	} cases[] = {
		{ { 0 }, 20 },
		{ { .limit = 3 }, 3 },
		{ { .severity = 30 }, 20 },
		{ { .severity = 31 }, 0 },
		{ { .rule = "Terminal shell in container" }, 20 },
		{ { .rule = "Terminal*" }, 20 },
		{ { .rule = "terminal SHELL*" }, 20 },
		{ { .rule = "Terminal" }, 0 },
		{ { .type = "execution:*" }, 20 },
		{ { .type = "Impact:*" }, 0 },
		{ { .image = "*nginx*" }, 20 },
		{ { .image = "nginx" }, 0 },
		{ { .program = "/bin/sh" }, 20 },
		{ { .program = "sh" }, 20 },
		{ { .program = "/bin/bash" }, 0 },
		{ { .technique = "t1059" }, 20 },
		{ { .technique = "T105" }, 0 },
		{ { .technique = "T1059.004" }, 0 },
		{ { .host = "node*" }, 20 },
		{ { .host = "other" }, 0 },
		{ { .namespace = "*" }, 0 },
		{ { .container = "web-1" }, 3 },
		{ { .container = "3ad7b26ded6d0003" }, 1 },
		{ { .container = "3ad7" }, 20 },
		{ { .container = "web-*" }, 20 },
		{ { .since = SAMPLE_TIME + 15 }, 5 },
		{ { .until = SAMPLE_TIME + 15 }, 15 },
		{ { .since = SAMPLE_TIME + 5, .until = SAMPLE_TIME + 15, .limit = 100 }, 10 },
		{ { .after = 18 }, 2 },
		{ { .id = "nothing" }, 0 },
		{ { .rule = "' OR 1=1 --" }, 0 },
	};
	cleanup_free char *path = in_folder("f.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	struct store_stats stats;
	struct seen seen = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(put(s, 0, 20, &e), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(count(s, &cases[i].filter), cases[i].n);
	assert_int_equal(store_query(s, &(struct store_filter){ 0 }, see, &seen, &e), 1);
	assert_int_equal(seen.first, SAMPLE_TIME + 19);
	seen.id[13] = '\0';
	assert_int_equal(count(s, &(struct store_filter){ .id = seen.id }), 1);
	assert_int_equal(
		store_query(s, &(struct store_filter){ .oldest_first = true }, see, &seen, &e), 1);
	assert_int_equal(seen.first, SAMPLE_TIME);
	assert_int_equal(store_get_stats(s, &(struct store_filter){ 0 }, &stats, &e), 0);
	assert_int_equal(stats.findings, 20);
	assert_string_equal(stats.severities[3].name, "low");
	assert_int_equal(stats.severities[3].findings, 20);
	assert_int_equal(stats.containers.n, 7);
	assert_string_equal(stats.containers.row[0].name, "web-0");
	assert_int_equal(stats.types.n, 1);
	assert_int_equal(
		store_get_stats(s, &(struct store_filter){ .container = "web-1" }, &stats, &e), 0);
	assert_int_equal(stats.findings, 3);
	assert_int_equal(stats.severities[3].findings, 3);
	assert_int_equal(stats.containers.n, 1);
	assert_int_equal(stats.first, SAMPLE_TIME + 1);
}

/*
 * A child puts findings and says after each which it was; it is killed in between, again and again.
 * Everything that it said is there.
 */
static void put_forever(const char *path, unsigned from, int fd)
{
	cleanup_store struct store *s = NULL;
	struct err e = { 0 };

	if (store_open(&s, path, &(struct store_options){ 0 }, &e) < 0)
		_exit(1);
	for (unsigned i = from;; i++) {
		if (put(s, i, 1, &e) < 0 || write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static unsigned run_and_kill(const char *path, unsigned from, useconds_t us)
{
	unsigned next = from, i;
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		put_forever(path, from, p[1]);
	close(p[1]);
	/* At least one, then at any moment. */
	assert_int_equal(read(p[0], &i, sizeof(i)), sizeof(i));
	next = i + 1;
	usleep(us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(p[0], &i, sizeof(i)) == sizeof(i))
		next = i + 1;
	close(p[0]);
	return next;
}

static void test_killed(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	unsigned acknowledged = 0;

	(void)state;
	for (unsigned round = 0; round < 12; round++)
		acknowledged = run_and_kill(path, acknowledged, 700 * round);
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	unsigned there = count_all(s);

	assert_null(store_notice(s));
	assert_true(acknowledged >= 12);
	assert_true(there >= acknowledged);
	/* Each round may have stored one more that it could not say. */
	assert_true(there <= acknowledged + 12);
	for (unsigned i = 0; i < acknowledged; i++) {
		cleanup_finding struct finding *f = finding_sample(i);

		assert_int_equal(count(s, &(struct store_filter){ .id = f->id }), 1);
	}
}

static void test_locked(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ .busy_ms = 50 });
	struct err e = { 0 };
	sqlite3 *other = NULL;

	(void)state;
	assert_int_equal(put(s, 0, 1, &e), 0);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(put(s, 1, 5, &e), -EBUSY);
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(count_all(s), 1);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_int_equal(put(s, 1, 5, &e), 0);
	assert_int_equal(count_all(s), 6);
}

/* Readers see the store while it is written. */
static void test_read_only(void **state)
{
	cleanup_free char *path = in_folder("f.db"), *none = in_folder("none.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	struct store *no = NULL;

	(void)state;
	assert_int_equal(put(s, 0, 3, &e), 0);
	cleanup_store struct store *r = open_store(path, &(struct store_options){ .read_only = 1 });

	assert_int_equal(count_all(r), 3);
	assert_int_equal(put(s, 3, 3, &e), 0);
	assert_int_equal(count_all(r), 6);
	assert_true(put(r, 6, 1, &e) < 0);
	assert_int_equal(store_open(&no, none, &(struct store_options){ .read_only = 1 }, &e),
			 -ENOENT);
	assert_int_equal(access(none, F_OK), -1);
}

/*
 * A copy in a place where nothing can be written, by somebody who is not root; with a log beside it
 * that says why not.
 */
static void test_read_only_place(void **state)
{
	cleanup_free char *path = in_folder("f.db"), *log = xasprintf("%s-wal", path);
	struct store *s = open_store(path, &(struct store_options){ 0 }), *r = NULL;
	struct store_options read_only = { .read_only = 1 };
	struct err e = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(put(s, 0, 3, &e), 0);
	store_close(s);
	assert_int_equal(access(log, F_OK), -1);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(folder, 0555), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		bool root = geteuid() == 0;

		if (root && setuid(65534))
			_exit(1);
		if (store_open(&r, path, &read_only, &e) < 0)
			_exit(2);
		_exit(count_all(r) == 3 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	chmod(folder, 0700);
	chmod(path, 0600);
	assert_int_equal(status, 0);
}

static void spoil(const char *path, off_t at, size_t len)
{
	cleanup_close int fd = open(path, O_WRONLY);
	char junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	for (size_t done = 0; done < len; done += sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at + (off_t)done), sizeof(junk));
}

static size_t damaged_files(const char *path)
{
	cleanup_free char *pattern = xasprintf("%s.damaged-*Z", path); /* not their -wal */
	glob_t g = { 0 };
	size_t n = glob(pattern, 0, NULL, &g) ? 0 : g.gl_pathc;

	globfree(&g);
	return n;
}

static off_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

/* Pages in the middle: what stands before and behind them is saved. */
static void test_damaged(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	unsigned saved;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(put(s, 200 * i, 200, &e), 0);
	assert_int_equal(store_set_handed(s, "x", 700, &e), 0);
	store_close(s);
	spoil(path, file_size(path) / 2 / 4096 * 4096, 8 * 4096);
	s = open_store(path, &(struct store_options){ 0 });
	assert_non_null(store_notice(s));
	assert_non_null(strstr(store_notice(s), "was damaged"));
	assert_int_equal(damaged_files(path), 1);
	saved = count_all(s);
	assert_true(saved > 400 && saved < 800);
	assert_int_equal(put(s, 1000, 10, &e), 0);
	assert_int_equal(count_all(s), saved + 10);
	store_close(s);
}

/* Nothing can be read of it any more. */
static void test_destroyed(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };

	(void)state;
	assert_int_equal(put(s, 0, 100, &e), 0);
	store_close(s);
	spoil(path, 0, (size_t)file_size(path));
	s = open_store(path, &(struct store_options){ 0 });
	assert_non_null(strstr(store_notice(s), " 0 findings"));
	assert_int_equal(count_all(s), 0);
	assert_int_equal(put(s, 0, 1, &e), 0);
	store_close(s);
	assert_int_equal(damaged_files(path), 1);
}

/* Damaged while it is in use: the findings in hand are in the new one. */
static void test_damaged_in_use(void **state)
{
	static const char change[] = "UPDATE finding SET count=count+1 WHERE seq=1;"
				     "PRAGMA wal_checkpoint(TRUNCATE)";
	cleanup_free char *path = in_folder("f.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	sqlite3 *other = NULL;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(put(s, 200 * i, 200, &e), 0);
	/* A change by another connection, so that nothing is taken from the cache. */
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, change, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	spoil(path, 4096, (size_t)file_size(path) - 4096);
	assert_int_equal(put(s, 5000, 3, &e), 0);
	assert_non_null(strstr(store_notice(s), "was damaged"));
	assert_int_equal(damaged_files(path), 1);
	assert_int_equal(count(s, &(struct store_filter){ .since = SAMPLE_TIME + 5000 }), 3);
}

/* The first bytes are gone, the rest is there: all of it is read with the head of a new one. */
static void test_head_gone(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	cleanup_close int fd = -1;
	char nothing[100] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(put(s, 200 * i, 200, &e), 0);
	store_close(s);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, nothing, sizeof(nothing), 0), sizeof(nothing));
	s = open_store(path, &(struct store_options){ 0 });
	assert_non_null(strstr(store_notice(s), " 800 findings"));
	assert_int_equal(count_all(s), 800);
	store_close(s);
	assert_int_equal(damaged_files(path), 1);
}

/* The end is gone. */
static void test_truncated(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	unsigned saved;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(put(s, 200 * i, 200, &e), 0);
	store_close(s);
	assert_int_equal(truncate(path, file_size(path) / 2 + 100), 0);
	s = open_store(path, &(struct store_options){ 0 });
	assert_non_null(strstr(store_notice(s), "was damaged"));
	saved = count_all(s);
	if (saved < 100 || saved >= 800)
		fail_msg("%u saved", saved);
	assert_int_equal(put(s, 1000, 10, &e), 0);
	store_close(s);
}

/*
 * A log of ten transactions, left by a process that was killed, with its bytes at `at` (below 0:
 * from the end) spoiled or, with `cut`, without its end: what the next one has, and says.
 */
static unsigned with_log(off_t at, bool cut, const char *said)
{
	cleanup_free char *path = in_folder("f.db"), *log = xasprintf("%s-wal", path),
			  *all = xasprintf("rm -f %s*", path);
	cleanup_store struct store *s = NULL;
	struct err e = { 0 };
	unsigned n;
	pid_t pid;
	int status;

	assert_int_equal(system(all), 0);
	s = open_store(path, &(struct store_options){ 0 });
	store_close(take_ptr(s)); /* the tables are in the file */
	pid = fork();
	if (!pid) {
		s = open_store(path, &(struct store_options){ 0 });
		for (unsigned i = 0; i < 10; i++)
			put(s, 10 * i, 10, &e);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (at < 0)
		at += file_size(log);
	if (cut)
		assert_int_equal(truncate(log, at), 0);
	else if (at)
		spoil(log, at, 4096);
	s = open_store(path, &(struct store_options){ 0 });
	if (!said != !store_notice(s) || (said && !strstr(store_notice(s), said)))
		fail_msg("at %ld: %s", (long)at, store_notice(s) ? store_notice(s) : "nothing");
	n = count_all(s);
	assert_int_equal(put(s, 5000, 1, &e), 0);
	assert_int_equal(count_all(s), n + 1);
	return n;
}

static void test_log_damaged(void **state)
{
	unsigned n;

	(void)state;
	assert_int_equal(with_log(0, false, NULL), 100);
	n = with_log(60000, false, "with the findings stored last are lost; a copy of it is ");
	assert_true(n < 100);
	assert_int_equal(with_log(16, false, "stored last may be missing; a copy of it is "), 0);
	/* The last frame, half written, as by a machine that lost its power. */
	assert_int_equal(with_log(-2000, true, NULL), 90);
}

static void test_refused(void **state)
{
	cleanup_free char *other = in_folder("other.db"), *text = in_folder("text"),
			  *newer = in_folder("newer.db");
	struct store *s = NULL;
	struct err e = { 0 };
	sqlite3 *db = NULL;
	FILE *f;

	(void)state;
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, other, &(struct store_options){ 0 }, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "another program"));
	/* A file that is no database and does not say so by its name stays where it is. */
	f = fopen(text, "w");
	assert_non_null(f);
	for (unsigned i = 0; i < 1000; i++)
		fputs("no database\n", f);
	fclose(f);
	assert_int_equal(store_open(&s, text, &(struct store_options){ 0 }, &e), -EINVAL);
	assert_int_equal(file_size(text), 12000);
	assert_int_equal(damaged_files(text), 0);
	s = open_store(newer, &(struct store_options){ 0 });
	store_close(s);
	assert_int_equal(sqlite3_open(newer, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=9", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(&s, newer, &(struct store_options){ 0 }, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "version 9"));
	assert_int_equal(store_open(&s, folder, &(struct store_options){ 0 }, &e), -EISDIR);
}

static void test_retention(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store_options o = { .max_age_s = 1, .max_count = 100, .max_bytes = 400 * 1024 };
	cleanup_store struct store *s = open_store(path, &o);
	uint64_t deleted = 0;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(put(s, 0, 150, &e), 0);
	assert_int_equal(store_prune(s, SAMPLE_TIME, &deleted, &e), 0);
	assert_int_equal(deleted, 50);
	assert_int_equal(count(s, &(struct store_filter){ .until = SAMPLE_TIME + 50 }), 0);
	assert_int_equal(count_all(s), 100);
	assert_int_equal(store_prune(s, SAMPLE_TIME + 1000000120, &deleted, &e), 0);
	assert_int_equal(deleted, 120);
	assert_int_equal(store_prune(s, SAMPLE_TIME + 2000000000, &deleted, &e), 0);
	assert_int_equal(count_all(s), 0);
}

static void test_size_bound(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store_options o = { .max_bytes = 512 * 1024 };
	cleanup_store struct store *s = open_store(path, &o);
	uint64_t deleted = 0;
	struct store_stats stats;
	struct err e = { 0 };

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		assert_int_equal(put(s, 100 * i, 100, &e), 0);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(store_prune(s, SAMPLE_TIME, &deleted, &e), 0);
	}
	assert_int_equal(store_get_stats(s, &(struct store_filter){ 0 }, &stats, &e), 0);
	assert_int_equal(stats.findings + deleted, 3000);
	assert_true(stats.findings > 100);
	/* Of the newest. */
	assert_int_equal(count(s, &(struct store_filter){ .since = SAMPLE_TIME + 2950 }), 50);
	assert_in_range(stats.bytes, 1, 700 * 1024);
}

static void test_handed(void **state)
{
	cleanup_free char *path = in_folder("f.db");
	struct store *s = open_store(path, &(struct store_options){ 0 });
	uint64_t seq = 1;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(store_get_handed(s, "a", &seq, &e), -ENOENT);
	assert_int_equal(put(s, 0, 9, &e), 0);
	assert_int_equal(store_last(s, &seq, &e), 0);
	assert_int_equal(seq, 9);
	assert_int_equal(store_set_handed(s, "a", 6, &e), 0);
	assert_int_equal(store_set_handed(s, "b", 8, &e), 0);
	assert_int_equal(store_set_handed(s, "a", 7, &e), 0);
	store_close(s);
	s = open_store(path, &(struct store_options){ 0 });
	assert_int_equal(store_get_handed(s, "a", &seq, &e), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(store_get_handed(s, "b", &seq, &e), 0);
	assert_int_equal(seq, 8);
	store_close(s);
}

/* A row that is no finding hides no other, and is counted. */
static void test_unreadable(void **state)
{
	static const char change[] = "UPDATE finding SET body='{}' WHERE seq=2";
	cleanup_free char *path = in_folder("f.db");
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });
	struct err e = { 0 };
	sqlite3 *other = NULL;

	(void)state;
	assert_int_equal(put(s, 0, 3, &e), 0);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, change, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_int_equal(count_all(s), 2);
	assert_int_equal(store_unreadable(s), 1);
}

/* In a mount namespace of its own; the exit code tells. 77: not possible here. */
static int full_disk(void)
{
	cleanup_free char *path = in_folder("f.db"), *filler = in_folder("filler");
	struct err e = { 0 };
	unsigned i = 0, stored;
	int fd, err = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=2m") < 0)
		return 77;
	cleanup_store struct store *s = open_store(path, &(struct store_options){ 0 });

	fd = open(filler, O_WRONLY | O_CREAT, 0600);
	if (put(s, i++, 1, &e) < 0 || fd < 0 || fallocate(fd, 0, 0, 1 << 20) < 0)
		return 1;
	while (i < 100000 && (err = put(s, i, 1, &e)) == 0)
		i++;
	if (err != -ENOSPC || !strstr(e.msg, "full") || count_all(s) != i)
		return 2;
	/* There is room again: the same finding is taken, and nothing is missing. */
	close(fd);
	unlink(filler);
	if (put(s, i++, 1, &e) < 0)
		return 3;
	stored = count_all(s);
	return stored == i && !store_notice(s) ? 0 : 4;
}

static void test_full_disk(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_repeats),   T(test_filters),    T(test_killed),
		T(test_locked),	   T(test_read_only),  T(test_read_only_place),
		T(test_damaged),   T(test_destroyed),  T(test_damaged_in_use),
		T(test_head_gone), T(test_truncated),  T(test_log_damaged),
		T(test_refused),   T(test_retention),  T(test_size_bound),
		T(test_handed),	   T(test_unreadable), T(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
