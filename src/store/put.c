#include <string.h>

#include "store/store_private.h"

static const char insert[] =
	"INSERT INTO finding(id,key,type,severity,rule,container,container_name,pod,image,"
	"first,last,count,body,seq) "
	"VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14) "
	"ON CONFLICT(id) DO UPDATE SET count=count+excluded.count,last=max(last,excluded.last)";

static void bind_text(sqlite3_stmt *q, int i, const char *text)
{
	if (text)
		sqlite3_bind_text(q, i, text, -1, SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(q, i);
}

int store_insert(struct store *s, const struct finding *f, uint64_t seq)
{
	cleanup_buf struct buf body = { 0 };
	sqlite3_stmt *q;
	int code;

	if (!s->insert) {
		code = sqlite3_prepare_v2(s->db, insert, -1, &s->insert, NULL);
		if (code != SQLITE_OK)
			return code;
	}
	q = s->insert;
	finding_write(f, &body);
	bind_text(q, 1, f->id);
	bind_text(q, 2, f->key);
	bind_text(q, 3, f->type);
	sqlite3_bind_int64(q, 4, f->severity);
	bind_text(q, 5, f->rule);
	bind_text(q, 6, f->container.id);
	bind_text(q, 7, f->container.name);
	bind_text(q, 8, f->container.pod);
	bind_text(q, 9, f->container.image);
	sqlite3_bind_int64(q, 10, (sqlite3_int64)f->first_seen);
	sqlite3_bind_int64(q, 11, (sqlite3_int64)f->last_seen);
	sqlite3_bind_int64(q, 12, (sqlite3_int64)f->count);
	bind_text(q, 13, buf_str(&body));
	if (seq)
		sqlite3_bind_int64(q, 14, (sqlite3_int64)seq);
	code = sqlite3_step(q);
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return code;
}

/* SQLite's code, SQLITE_OK when all of it is on the disk. */
static int put_all(struct store *s, struct finding *const *f, size_t n)
{
	int code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (code != SQLITE_OK)
		return code;
	for (size_t i = 0; i < n; i++) {
		code = store_insert(s, f[i], 0);
		if (code != SQLITE_DONE)
			break;
	}
	if (code == SQLITE_DONE || !n)
		code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

/* A connection that a failed replacement took away is made again. */
static int reconnect(struct store *s, struct err *e)
{
	int err = s->db ? 0 : store_connect(s, e);

	return err == -EBADMSG ? store_replace(s, e) : err;
}

int store_put(struct store *s, struct finding *const *f, size_t n, struct err *e)
{
	int err = reconnect(s, e), code;

	if (err < 0)
		return err;
	code = put_all(s, f, n);
	if (store_damaged(code)) {
		err = store_replace(s, e);
		if (err < 0)
			return err;
		code = put_all(s, f, n);
	}
	return code == SQLITE_OK ? 0 : store_error(s, code, "findings cannot be stored", e);
}

int store_set_handed(struct store *s, const char *name, uint64_t seq, struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = reconnect(s, e), code;

	if (err == 0)
		err = store_prepare(s, "INSERT OR REPLACE INTO state VALUES(?1,?2)", &q, e);
	if (err < 0)
		return err;
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)seq);
	code = sqlite3_step(q);
	return code == SQLITE_DONE ? 0 : store_error(s, code, "cannot be changed", e);
}

int store_get_handed(struct store *s, const char *name, uint64_t *seq, struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = store_prepare(s, "SELECT value FROM state WHERE name=?1", &q, e), code;

	if (err < 0)
		return err;
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	code = sqlite3_step(q);
	if (code == SQLITE_DONE)
		return err_set(e, ENOENT, "%s: knows no output %s", s->path, name);
	if (code != SQLITE_ROW)
		return store_error(s, code, "cannot be read", e);
	*seq = (uint64_t)sqlite3_column_int64(q, 0);
	return 0;
}

int store_last(struct store *s, uint64_t *seq, struct err *e)
{
	return store_number(s, "SELECT coalesce(max(seq),0) FROM finding", seq, e);
}

/* ---- retention */

enum { PRUNE_ROWS = 2000 /* in one transaction, so that writers wait for little */ };

static int delete_rows(struct store *s, const char *sql, uint64_t a, uint64_t b, uint64_t *deleted,
		       struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = store_prepare(s, sql, &q, e), code;

	if (err < 0)
		return err;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)a);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)b);
	code = sqlite3_step(q);
	if (code != SQLITE_DONE)
		return store_error(s, code, "old findings cannot be deleted", e);
	*deleted += (uint64_t)sqlite3_changes(s->db);
	return 0;
}

static int prune_age(struct store *s, uint64_t now, uint64_t *deleted, struct err *e)
{
	uint64_t age = s->o.max_age_s * 1000000000u;

	if (now < age)
		return 0;
	return delete_rows(s,
			   "DELETE FROM finding WHERE seq IN "
			   "(SELECT seq FROM finding WHERE last<?1 ORDER BY last LIMIT ?2)",
			   now - age, PRUNE_ROWS, deleted, e);
}

static int oldest(struct store *s, uint64_t n, uint64_t *deleted, struct err *e)
{
	return delete_rows(s,
			   "DELETE FROM finding WHERE seq IN "
			   "(SELECT seq FROM finding ORDER BY last LIMIT ?1)",
			   n < PRUNE_ROWS ? n : PRUNE_ROWS, 0, deleted, e);
}

static int used_bytes(struct store *s, uint64_t *out, struct err *e)
{
	uint64_t pages, free_pages, size;
	int err = store_number(s, "PRAGMA page_count", &pages, e);

	if (err == 0)
		err = store_number(s, "PRAGMA freelist_count", &free_pages, e);
	if (err == 0)
		err = store_number(s, "PRAGMA page_size", &size, e);
	if (err == 0)
		*out = (pages - free_pages) * size;
	return err;
}

int store_prune(struct store *s, uint64_t now, uint64_t *deleted, struct err *e)
{
	uint64_t count = 0, bytes = 0, before = *deleted;
	int err = reconnect(s, e);

	if (err == 0)
		err = prune_age(s, now, deleted, e);
	if (err == 0)
		err = store_number(s, "SELECT count(*) FROM finding", &count, e);
	if (err == 0 && count > s->o.max_count)
		err = oldest(s, count - s->o.max_count, deleted, e);
	if (err == 0)
		err = used_bytes(s, &bytes, e);
	/* A twentieth more than what is too much, so that it does not come back at once. */
	if (err == 0 && bytes > s->o.max_bytes)
		err = oldest(s, count * (bytes - s->o.max_bytes) / bytes + count / 20 + 1, deleted,
			     e);
	if (err == 0 && *deleted != before)
		err = store_exec(s, "PRAGMA incremental_vacuum(4096)", e);
	return err;
}
