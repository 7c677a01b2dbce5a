/* A damaged file: moved aside, and what can be read of it put into a new one. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "store/store_private.h"

#define MAGIC "SQLite format 3"

/*
 * Whether the file may be moved: it begins as a database does, or its name says that it is one. A
 * name given by mistake must not move a file of somebody else.
 */
static bool is_ours(const char *path)
{
	size_t len = strlen(path);
	char begin[sizeof(MAGIC)] = { 0 };
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (len > 3 && !strcmp(path + len - 3, ".db"))
		return true;
	return fd >= 0 && read(fd, begin, sizeof(begin)) == sizeof(begin) &&
	       !memcmp(begin, MAGIC, sizeof(MAGIC));
}

static void move(const char *from, const char *to, const char *suffix)
{
	cleanup_free char *a = xasprintf("%s%s", from, suffix), *b = xasprintf("%s%s", to, suffix);

	rename(a, b);
}

char *store_aside_name(const char *path)
{
	time_t now = time(NULL);
	char *name = NULL;
	struct tm tm;
	char when[32];

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0; i < 1000; i++) {
		free(name);
		name = i ? xasprintf("%s.damaged-%s.%u", path, when, i)
			 : xasprintf("%s.damaged-%s", path, when);
		if (access(name, F_OK) < 0)
			break;
	}
	return name;
}

static bool save_row(struct store *s, sqlite3_stmt *q, uint64_t seq)
{
	const char *body = (const char *)sqlite3_column_text(q, 0);
	cleanup_finding struct finding *f = NULL;

	if (!body || finding_read(&f, "finding", body, strlen(body), NULL) < 0)
		return false;
	f->last_seen = (uint64_t)sqlite3_column_int64(q, 1);
	f->count = (uint64_t)sqlite3_column_int64(q, 2);
	return store_insert(s, f, seq) == SQLITE_DONE;
}

/* Rows above `after` until the first page that cannot be read; the last one's number. */
static bool save_rows(struct store *s, sqlite3 *old, const char *order, uint64_t *after,
		      uint64_t *saved)
{
	cleanup_free char *sql =
		xasprintf("SELECT body,last,count,seq FROM finding NOT INDEXED WHERE seq>%" PRIu64
			  " ORDER BY seq %s",
			  *after, order);
	cleanup_stmt sqlite3_stmt *q = NULL;
	int code = sqlite3_prepare_v2(old, sql, -1, &q, NULL);

	if (code != SQLITE_OK)
		return false;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*after = (uint64_t)sqlite3_column_int64(q, 3);
		*saved += save_row(s, q, *after);
	}
	return code == SQLITE_DONE;
}

/* From the beginning until the damage, then from the end; what outputs were handed. */
static void save_all(struct store *s, sqlite3 *old, uint64_t *saved)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	uint64_t after = 0;

	if (!save_rows(s, old, "ASC", &after, saved))
		save_rows(s, old, "DESC", &after, saved);
	if (sqlite3_prepare_v2(old, "SELECT name,value FROM state", -1, &q, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(q) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);

		if (name)
			store_set_handed(s, name, (uint64_t)sqlite3_column_int64(q, 1), NULL);
	}
}

/*
 * A head that is gone (sqlite.org/fileformat2.html, 1.3) is that of the new file, which has the
 * same tables; without what depends on the contents: the size of the file and its free pages.
 */
static void mend_head(struct store *s, const char *aside)
{
	enum { HEAD = 100, CHANGES = 24, FREE_PAGES = 32, VALID_FOR = 92 };
	cleanup_close int from = open(s->path, O_RDONLY | O_CLOEXEC), to = -1;
	char head[HEAD], bad[HEAD];

	sqlite3_exec(s->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	to = open(aside, O_RDWR | O_CLOEXEC);
	if (from < 0 || to < 0 || pread(from, head, HEAD, 0) != HEAD ||
	    pread(to, bad, HEAD, 0) != HEAD || !memcmp(head, bad, sizeof(MAGIC)))
		return;
	memset(head + CHANGES, 0, 8);
	memset(head + FREE_PAGES, 0, 8);
	memset(head + VALID_FOR, 0xff, 4);
	if (pwrite(to, head, HEAD, 0) != HEAD)
		return; /* then nothing of it can be read */
}

static uint64_t save(struct store *s, const char *aside)
{
	sqlite3 *old = NULL;
	uint64_t saved = 0;

	mend_head(s, aside);
	if (sqlite3_open_v2(aside, &old, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
		/* Otherwise a file that is shorter than its head says cannot be read at all. */
		sqlite3_exec(old, "PRAGMA writable_schema=ON", NULL, NULL, NULL);
		save_all(s, old, &saved);
		if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			saved = 0;
		}
	}
	sqlite3_close(old);
	return saved;
}

int store_replace(struct store *s, struct err *e)
{
	cleanup_free char *aside = store_aside_name(s->path);
	uint64_t saved;
	int err;

	store_disconnect(s);
	if (!is_ours(s->path))
		return err_set(e, EINVAL, "%s: is no findings database", s->path);
	if (rename(s->path, aside) < 0)
		return err_errno(e, errno, "%s: is damaged and cannot be moved to %s", s->path,
				 aside);
	move(s->path, aside, "-wal");
	move(s->path, aside, "-shm");
	err = store_connect(s, e);
	if (err < 0)
		return err;
	saved = save(s, aside);
	free(s->notice);
	s->notice = xasprintf("%s was damaged: it is now %s, and a new one has the %" PRIu64
			      " findings that could be read",
			      s->path, aside, saved);
	return 0;
}
