#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "kube/kube_private.h"

enum { ERROR_BODY_MAX = 64 * 1024, PAGE_TIMEOUTS = 3 };

static void put_escaped(struct buf *b, const char *key, const char *value)
{
	char *escaped;

	if (!value || !*value)
		return;
	escaped = curl_easy_escape(NULL, value, 0);
	if (!escaped)
		mem_exhausted();
	buf_printf(b, "%s%s=%s", b->len ? "&" : "", key, escaped);
	curl_free(escaped);
}

char *kube_query_text(const struct kube_query *q, const char *extra)
{
	struct buf b = { 0 };

	put_escaped(&b, "labelSelector", q->labels);
	put_escaped(&b, "fieldSelector", q->fields);
	buf_printf(&b, "%s%s", b.len ? "&" : "", extra);
	return buf_take(&b);
}

void kube_add_kind(const struct kube_query *q, const char *text, size_t len, struct buf *out)
{
	const char *v;
	size_t n;

	if (!q->kind || !len || kube_member(text, len, "kind", &v, &n)) {
		buf_append(out, text, len);
		return;
	}
	buf_printf(out, "{\"apiVersion\":\"%s\",\"kind\":\"%s\"%s", q->api_version, q->kind,
		   text[1 + strspn(text + 1, " \t\r\n")] == '}' ? "" : ",");
	buf_append(out, text + 1, len - 1);
}

struct listing {
	const struct kube_query *q;
	kube_each each;
	void *ctx;
	CURL *easy;
	struct kube_stream stream;
	struct buf item, refused;
	int result;
	struct err *e;
};

static void listing_free(struct listing *l)
{
	kube_stream_free(&l->stream);
	buf_free(&l->item);
	buf_free(&l->refused);
}

static int on_item(const char *text, size_t len, void *ctx, struct err *e)
{
	struct listing *l = ctx;

	l->item.len = 0;
	kube_add_kind(l->q, text, len, &l->item);
	return l->each(l->item.p, l->item.len, l->ctx, e);
}

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct listing *l = arg;
	long http = 0;

	(void)one;
	curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &http);
	if (http != 200) {
		buf_append(&l->refused, data, n);
		return n;
	}
	l->result = kube_stream_feed(&l->stream, data, n, l->e);
	return l->result < 0 ? 0 : n;
}

static int page(struct kube *k, struct listing *l, const char *query, bool refresh, long *http,
		struct err *e)
{
	const struct kube_call call = { .method = "GET", .path = l->q->path, .query = query };
	cleanup_transfer struct transfer t = { 0 };
	int r = kube_prepare(k, k->easy, &t, &call, refresh, e);
	CURLcode code;

	*http = 0;
	if (r < 0)
		return r;
	kube_stream_reset(&l->stream);
	l->refused.len = 0;
	l->refused.max = ERROR_BODY_MAX;
	curl_easy_setopt(k->easy, CURLOPT_TIMEOUT_MS, (long)k->o.timeout_ms * PAGE_TIMEOUTS);
	curl_easy_setopt(k->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(k->easy, CURLOPT_WRITEDATA, l);
	curl_easy_setopt(k->easy, CURLOPT_ACCEPT_ENCODING, "");
	code = curl_easy_perform(k->easy);
	if (l->result < 0)
		return l->result;
	if (code != CURLE_OK)
		return kube_transfer_error(&call, code, &t, e);
	curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, http);
	if (*http != 200)
		return kube_status_error(&call, *http, l->refused.p, l->refused.len, e);
	r = kube_stream_end(&l->stream, e);
	return r < 0 ? err_prefix(e, "GET %s", l->q->path) : 0;
}

/* The token of the next page, "" behind the last. Caller frees. */
static char *next_page(const struct listing *l, char *version)
{
	const struct buf *rest = &l->stream.rest;
	const char *meta, *v;
	size_t n, vn;

	if (version)
		kube_object_version(buf_str(rest), rest->len, version, KUBE_VERSION_MAX);
	if (!kube_member(buf_str(rest), rest->len, "metadata", &meta, &n) ||
	    !kube_member(meta, n, "continue", &v, &vn) || vn < 2 || *v != '"')
		return xstrdup("");
	return xasprintf("%.*s", (int)vn - 2, v + 1);
}

static int list(struct kube *k, struct listing *l, char *version, struct err *e)
{
	cleanup_free char *from = xstrdup("");
	bool refresh = false, refreshed = false;

	do {
		cleanup_buf struct buf extra = { 0 };
		cleanup_free char *query = NULL;
		long http;
		int r;

		if (l->q->cached)
			buf_puts(&extra, "resourceVersion=0");
		else
			buf_printf(&extra, "limit=%d", KUBE_CHUNK);
		put_escaped(&extra, "continue", from);
		query = kube_query_text(l->q, buf_str(&extra));
		r = page(k, l, query, refresh, &http, e);
		refresh = http == 401 && !refreshed;
		if (refresh) {
			refreshed = true;
			continue;
		}
		if (r < 0)
			return r;
		free(from);
		from = next_page(l, version);
		if (!*from)
			return 0;
	} while (true);
}

int kube_list(struct kube *k, const struct kube_query *q, kube_each each, void *ctx, char *version,
	      struct err *e)
{
	cleanup(listing_free) struct listing l = {
		.q = q,
		.each = each,
		.ctx = ctx,
		.easy = k->easy,
		.e = e,
		.stream = { .mode = KUBE_STREAM_ITEMS, .object = on_item },
	};

	l.stream.ctx = &l;
	return list(k, &l, version, e);
}
