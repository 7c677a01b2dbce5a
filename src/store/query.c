#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/store_private.h"

/* Conditions; their numbers are those of the parameters. */
static void put_where(struct buf *b, const struct store_filter *w)
{
	buf_puts(b, " FROM finding WHERE 1");
	if (w->severity)
		buf_puts(b, " AND severity>=?1");
	if (w->rule)
		buf_puts(b, " AND rule GLOB ?2");
	if (w->container)
		buf_puts(b,
			 " AND (container GLOB ?3||'*' OR container_name GLOB ?3 OR pod GLOB ?3)");
	if (w->id)
		buf_puts(b, " AND substr(id,1,length(?4))=?4");
	if (w->since)
		buf_puts(b, " AND last>=?5");
	if (w->until)
		buf_puts(b, " AND first<?6");
	if (w->after)
		buf_puts(b, " AND seq>?7");
}

static void bind(sqlite3_stmt *q, const struct store_filter *w)
{
	/* Only the parameters that stand in the query can be bound; others fail without harm. */
	sqlite3_bind_int64(q, 1, w->severity);
	sqlite3_bind_text(q, 2, w->rule, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, w->container, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 4, w->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)w->since);
	sqlite3_bind_int64(q, 6, (sqlite3_int64)w->until);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)w->after);
	sqlite3_bind_int64(q, 8, w->limit ? (sqlite3_int64)w->limit : -1);
}

/* Columns: body, last, count, seq. */
static int give(struct store *s, sqlite3_stmt *q, store_each each, void *ctx, struct err *e)
{
	const char *body = (const char *)sqlite3_column_text(q, 0);
	uint64_t seq = (uint64_t)sqlite3_column_int64(q, 3);
	cleanup_finding struct finding *f = NULL;

	/* One bad row must not hide the others. */
	if (!body || finding_read(&f, "finding", body, strlen(body), NULL) < 0) {
		s->unreadable++;
		return 0;
	}
	f->last_seen = (uint64_t)sqlite3_column_int64(q, 1);
	f->count = (uint64_t)sqlite3_column_int64(q, 2);
	return each(f, seq, ctx, e);
}

int store_query(struct store *s, const struct store_filter *w, store_each each, void *ctx,
		struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	cleanup_buf struct buf sql = { 0 };
	int err, code;

	buf_puts(&sql, "SELECT body,last,count,seq");
	put_where(&sql, w);
	buf_puts(&sql, w->by_seq	 ? " ORDER BY seq"
		       : w->oldest_first ? " ORDER BY last,seq"
					 : " ORDER BY last DESC,seq DESC");
	buf_puts(&sql, " LIMIT ?8");
	err = store_prepare(s, buf_str(&sql), &q, e);
	if (err < 0)
		return err;
	bind(q, w);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		err = give(s, q, each, ctx, e);
		if (err)
			return err;
	}
	return code == SQLITE_DONE ? 0 : store_error(s, code, "cannot be read", e);
}

uint64_t store_unreadable(const struct store *s)
{
	return s->unreadable;
}

/* ---- statistics */

static int count_of(struct store *s, const char *sql, struct store_count *out, size_t max,
		    size_t *n, struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = store_prepare(s, sql, &q, e), code;

	if (err < 0)
		return err;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW && *n < max) {
		struct store_count *c = &out[(*n)++];
		const char *name = (const char *)sqlite3_column_text(q, 0);

		snprintf(c->name, sizeof(c->name), "%s", name ? name : "");
		c->findings = (uint64_t)sqlite3_column_int64(q, 1);
		c->events = (uint64_t)sqlite3_column_int64(q, 2);
	}
	return code == SQLITE_DONE ? 0 : store_error(s, code, "cannot be read", e);
}

static int count_severities(struct store *s, struct store_stats *out, struct err *e)
{
	struct store_count by[FINDING_SEVERITY_MAX + 1];
	size_t n, k = 0;
	int err = count_of(s,
			   "SELECT severity,count(*),sum(count) FROM finding GROUP BY 1 "
			   "ORDER BY 1 DESC",
			   by, ARRAY_SIZE(by), &n, e);
	static const unsigned lowest[] = { 90, 70, 40, 10, 0 };

	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(lowest); i++)
		snprintf(out->severities[i].name, sizeof(out->severities[i].name), "%s",
			 finding_severity_name(lowest[i]));
	for (size_t i = 0; i < n; i++) {
		unsigned severity = (unsigned)atoi(by[i].name);

		while (severity < lowest[k])
			k++;
		out->severities[k].findings += by[i].findings;
		out->severities[k].events += by[i].events;
	}
	return 0;
}

#define TOP " GROUP BY 1 ORDER BY 2 DESC,1 LIMIT 10"

int store_get_stats(struct store *s, struct store_stats *out, struct err *e)
{
	uint64_t pages = 0, size = 0;
	int err;

	*out = (struct store_stats){ 0 };
	err = store_number(s, "SELECT count(*) FROM finding", &out->findings, e);
	if (err == 0)
		err = store_number(s, "SELECT coalesce(sum(count),0) FROM finding", &out->events,
				   e);
	if (err == 0)
		err = store_number(s, "SELECT coalesce(min(first),0) FROM finding", &out->first, e);
	if (err == 0)
		err = store_number(s, "SELECT coalesce(max(last),0) FROM finding", &out->last, e);
	if (err == 0)
		err = store_number(s, "PRAGMA page_count", &pages, e);
	if (err == 0)
		err = store_number(s, "PRAGMA page_size", &size, e);
	out->bytes = pages * size;
	if (err == 0)
		err = count_severities(s, out, e);
	if (err == 0)
		err = count_of(s, "SELECT rule,count(*),sum(count) FROM finding" TOP, out->rules,
			       STORE_TOP, &out->rules_n, e);
	if (err == 0)
		err = count_of(s,
			       "SELECT coalesce(container_name,container,'host'),count(*),"
			       "sum(count) FROM finding" TOP,
			       out->containers, STORE_TOP, &out->containers_n, e);
	return err;
}
