#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/store_private.h"

/* A member of the JSON form; of a body that is none, nothing. */
#define MEMBER(path) "lower(json_extract(iif(json_valid(body),body,'{}'),'$." path "'))"

/* The texts of a filter, and what each is a condition on. */
static const struct {
	size_t at; /* in struct store_filter */
	const char *name, *sql;
} texts[] = {
	{ offsetof(struct store_filter, rule), ":rule", "lower(rule) GLOB lower(:rule)" },
	{ offsetof(struct store_filter, type), ":type", "lower(type) GLOB lower(:type)" },
	{ offsetof(struct store_filter, image), ":image", "lower(image) GLOB lower(:image)" },
	{ offsetof(struct store_filter, namespace), ":namespace",
	  MEMBER("container.namespace") " GLOB lower(:namespace)" },
	{ offsetof(struct store_filter, host), ":host", MEMBER("hostname") " GLOB lower(:host)" },
	{ offsetof(struct store_filter, container), ":container",
	  "lower(container) GLOB lower(:container)||'*' OR lower(container_name) GLOB "
	  "lower(:container) OR lower(pod) GLOB lower(:container)" },
	{ offsetof(struct store_filter, program), ":program",
	  MEMBER("process.exe") " GLOB lower(:program) OR " MEMBER(
		  "process.name") " GLOB lower(:program)" },
	{ offsetof(struct store_filter, technique), ":technique",
	  MEMBER("technique") " GLOB lower(:technique) OR " MEMBER(
		  "technique") " GLOB lower(:technique)||'.*'" },
	{ offsetof(struct store_filter, id), ":id", "substr(id,1,length(:id))=:id" },
};

static const char *text_of(const struct store_filter *w, size_t i)
{
	return *(const char *const *)((const char *)w + texts[i].at);
}

static void put_where(struct buf *b, const struct store_filter *w)
{
	buf_puts(b, " FROM finding WHERE 1");
	if (w->severity)
		buf_puts(b, " AND severity>=:severity");
	if (w->since)
		buf_puts(b, " AND last>=:since");
	if (w->until)
		buf_puts(b, " AND first<:until");
	if (w->after)
		buf_puts(b, " AND seq>:after");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (text_of(w, i))
			buf_printf(b, " AND (%s)", texts[i].sql);
}

/* Those that do not stand in the query have the index 0, which fails without harm. */
static void bind_number(sqlite3_stmt *q, const char *name, uint64_t v)
{
	sqlite3_bind_int64(q, sqlite3_bind_parameter_index(q, name), (sqlite3_int64)v);
}

static void bind(sqlite3_stmt *q, const struct store_filter *w)
{
	bind_number(q, ":severity", w->severity);
	bind_number(q, ":since", w->since);
	bind_number(q, ":until", w->until);
	bind_number(q, ":after", w->after);
	bind_number(q, ":limit", w->limit ? w->limit : UINT64_MAX); /* -1: no limit */
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		sqlite3_bind_text(q, sqlite3_bind_parameter_index(q, texts[i].name), text_of(w, i),
				  -1, SQLITE_STATIC);
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
	buf_puts(&sql, " LIMIT :limit");
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

/* "SELECT what FROM finding WHERE filter rest", ready for its first row. */
static int ask(struct store *s, const char *what, const struct store_filter *w, const char *rest,
	       sqlite3_stmt **out, struct err *e)
{
	cleanup_buf struct buf sql = { 0 };
	int err;

	buf_printf(&sql, "SELECT %s", what);
	put_where(&sql, w);
	buf_puts(&sql, rest);
	err = store_prepare(s, buf_str(&sql), out, e);
	if (err == 0)
		bind(*out, w);
	return err;
}

static int count_by(struct store *s, const char *what, const struct store_filter *w,
		    const char *order, struct store_count *out, size_t max, size_t *n,
		    struct err *e)
{
	cleanup_free char *columns = xasprintf("%s,count(*),sum(count)", what);
	cleanup_stmt sqlite3_stmt *q = NULL;
	int err = ask(s, columns, w, order, &q, e), code;

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
	return code == SQLITE_DONE || code == SQLITE_ROW
		       ? 0
		       : store_error(s, code, "cannot be read", e);
}

static int count_severities(struct store *s, const struct store_filter *w, struct store_stats *out,
			    struct err *e)
{
	static const unsigned lowest[] = { 90, 70, 40, 10, 0 };
	struct store_count by[FINDING_SEVERITY_MAX + 1];
	size_t n, k = 0;
	int err = count_by(s, "severity", w, " GROUP BY 1 ORDER BY 1 DESC", by, ARRAY_SIZE(by), &n,
			   e);

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

static int totals(struct store *s, const struct store_filter *w, struct store_stats *out,
		  struct err *e)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	uint64_t pages = 0, size = 0;
	int err = ask(
		    s,
		    "count(*),coalesce(sum(count),0),coalesce(min(first),0),coalesce(max(last),0)",
		    w, "", &q, e),
	    code;

	if (err < 0)
		return err;
	code = sqlite3_step(q);
	if (code != SQLITE_ROW)
		return store_error(s, code, "cannot be read", e);
	out->findings = (uint64_t)sqlite3_column_int64(q, 0);
	out->events = (uint64_t)sqlite3_column_int64(q, 1);
	out->first = (uint64_t)sqlite3_column_int64(q, 2);
	out->last = (uint64_t)sqlite3_column_int64(q, 3);
	err = store_number(s, "PRAGMA page_count", &pages, e);
	if (err == 0)
		err = store_number(s, "PRAGMA page_size", &size, e);
	out->bytes = pages * size;
	return err;
}

int store_get_stats(struct store *s, const struct store_filter *w, struct store_stats *out,
		    struct err *e)
{
	static const struct {
		const char *what;
		size_t at;
	} tops[] = {
		{ "rule", offsetof(struct store_stats, rules) },
		{ "type", offsetof(struct store_stats, types) },
		{ "coalesce(container_name,container,'host')",
		  offsetof(struct store_stats, containers) },
	};
	int err;

	*out = (struct store_stats){ 0 };
	err = totals(s, w, out, e);
	if (err == 0)
		err = count_severities(s, w, out, e);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(tops); i++) {
		struct store_top *top = (struct store_top *)((char *)out + tops[i].at);

		err = count_by(s, tops[i].what, w, " GROUP BY 1 ORDER BY 2 DESC,1", top->row,
			       STORE_TOP, &top->n, e);
	}
	return err;
}
