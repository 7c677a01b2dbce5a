/* http and https: one POST for each finding. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/finding_ocsf.h"
#include "out/sink_extras.h"
#include "out/sink_private.h"

enum { REPLY_MAX = 512, HEADERS_MAX = 65536 };

struct http_sink {
	CURL *curl;
	struct sink_extras x;
	const struct sink_target *target;
	char error[CURL_ERROR_SIZE];
	struct buf reply; /* its beginning, for messages */
};

static size_t take_reply(char *data, size_t one, size_t n, void *arg)
{
	struct http_sink *s = arg;
	size_t room = REPLY_MAX - s->reply.len;

	(void)one;
	buf_append(&s->reply, data, n < room ? n : room);
	return n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http_sink *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	return *s->target->stop;
}

static void configure(struct http_sink *s, const char *url)
{
	CURL *c = s->curl;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)s->target->timeout_ms);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "boltseal/" BOLTSEAL_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_reply);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	sink_extras_tls(&s->x, c);
}

static int check_url(const char *spec, struct err *e)
{
	CURLU *u = curl_url();
	CURLUcode code = curl_url_set(u, CURLUPART_URL, spec, 0);

	curl_url_cleanup(u);
	if (code == CURLUE_OK)
		return 0;
	return err_set(e, EINVAL, "'%s': %s", spec, curl_url_strerror(code));
}

static void http_free(void *state)
{
	struct http_sink *s = state;

	curl_easy_cleanup(s->curl);
	buf_free(&s->reply);
	sink_extras_free(&s->x);
	free(s);
}

/*
 * Adds the file's lines. It is read for every finding: a token in it may be replaced at any time by
 * another one.
 */
static int add_headers(const struct http_sink *s, struct curl_slist **list, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	unsigned number = 0;
	int err = s->x.headers ? io_read_file(s->x.headers, HEADERS_MAX, &text, e) : 0;

	for (char *line = text.len ? text.p : NULL, *next; err == 0 && line; line = next) {
		next = strchr(line, '\n');
		line[strcspn(line, "\r\n")] = '\0';
		next = next ? next + 1 : NULL;
		number++;
		if (!*line || *line == '#')
			continue;
		if (!strchr(line, ':') || *line == ':' || *line == ' ')
			err = err_set(e, EINVAL, "%s:%u: expected 'Name: value'", s->x.headers,
				      number);
		else
			*list = curl_slist_append(*list, line);
	}
	return err;
}

static int http_open(void **state, const char *spec, const struct sink_target *t, struct err *e)
{
	struct http_sink *s;
	struct curl_slist *headers = NULL;
	int err = check_url(spec, e);

	if (err < 0)
		return err;
	s = xcalloc(1, sizeof(*s));
	s->target = t;
	s->curl = curl_easy_init();
	if (!s->curl)
		mem_exhausted();
	err = sink_extras_read(&s->x, spec, SINK_EXTRAS_HTTP | SINK_EXTRAS_TLS, e);
	if (err == 0)
		err = add_headers(s, &headers, e);
	curl_slist_free_all(headers);
	if (err < 0) {
		http_free(s);
		return err;
	}
	configure(s, spec);
	*state = s;
	return 0;
}

/*
 * What the receiver will say of this finding each time. All else may be put right on the other side
 * while the finding waits: a wrong address, a missing permission, an overload.
 */
static bool is_refusal(long status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static int gzip(const struct buf *in, struct buf *out, struct err *e)
{
	enum { GZIP_WINDOW = 15 + 16 }; /* zlib.h: 16 more for gzip's head */
	z_stream z = { .next_in = (Bytef *)in->p, .avail_in = (uInt)in->len };
	int code = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
				Z_DEFAULT_STRATEGY);
	size_t max = code == Z_OK ? deflateBound(&z, (uLong)in->len) : 0;
	cleanup_free char *room = xcalloc(1, max + 1);

	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)max;
	if (code == Z_OK)
		code = deflate(&z, Z_FINISH);
	buf_append(out, room, z.total_out);
	deflateEnd(&z);
	return code == Z_STREAM_END ? 0 : err_set(e, EIO, "cannot be compressed");
}

static int judge(struct http_sink *s, CURLcode code, struct err *e)
{
	long status = 0;
	curl_off_t after = 0;

	if (code != CURLE_OK)
		return err_set(e, EIO, "%s", *s->error ? s->error : curl_easy_strerror(code));
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &after);
	if (status >= 200 && status < 300)
		return 0;
	err_set(e, EIO, "answered %ld: %.*s", status, (int)strcspn(buf_str(&s->reply), "\r\n"),
		buf_str(&s->reply));
	*s->target->retry_after_s = after > 0 ? (uint64_t)after : 0;
	return is_refusal(status) ? SINK_REFUSED : -EIO;
}

/* The body as it is sent: in the form that was asked for, compressed if that was. */
static int make_body(const struct http_sink *s, const struct finding *f, const struct buf *json,
		     struct buf *out, struct err *e)
{
	cleanup_buf struct buf plain = { 0 };

	if (s->x.form == SINK_FULL)
		buf_append(&plain, json->p, json->len);
	else if (s->x.form == SINK_OCSF)
		finding_write_ocsf(f, &plain);
	else
		finding_write_falco(f, &plain);
	if (s->x.gzip)
		return gzip(&plain, out, e);
	buf_append(out, plain.p, plain.len);
	return 0;
}

static int http_deliver(void *state, const struct finding *f, const struct buf *json, struct err *e)
{
	cleanup_buf struct buf body = { 0 };
	cleanup_free char *key = xasprintf("Idempotency-Key: %s", f->id);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct http_sink *s = state;
	CURLcode code;
	int err;

	headers = curl_slist_append(headers, key);
	if (s->x.gzip)
		headers = curl_slist_append(headers, "Content-Encoding: gzip");
	err = add_headers(s, &headers, e);
	if (err == 0)
		err = make_body(s, f, json, &body, e);
	if (err < 0) {
		curl_slist_free_all(headers);
		return err;
	}
	s->reply.len = 0;
	*s->error = '\0';
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body.p);
	code = curl_easy_perform(s->curl);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return judge(s, code, e);
}

const struct sink_kind sink_http = { "http:", http_open, http_deliver, http_free };
const struct sink_kind sink_https = { "https:", http_open, http_deliver, http_free };
