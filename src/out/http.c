/* http and https: one POST for each finding. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "out/sink_private.h"

enum { REPLY_MAX = 512 };

struct http_sink {
	CURL *curl;
	bool full; /* boltseal's JSON, not Falco's */
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

static int http_open(void **state, const char *spec, const struct sink_target *t, struct err *e)
{
	const char *fragment = strchr(spec, '#');
	struct http_sink *s;
	int err = check_url(spec, e);

	if (err < 0)
		return err;
	if (fragment && strcmp(fragment, "#full") && strcmp(fragment, "#falco"))
		return err_set(e, EINVAL, "'%s': expected #full or #falco", spec);
	s = xcalloc(1, sizeof(*s));
	s->target = t;
	s->full = fragment && !strcmp(fragment, "#full");
	s->curl = curl_easy_init();
	if (!s->curl)
		mem_exhausted();
	configure(s, spec);
	*state = s;
	return 0;
}

static void http_free(void *state)
{
	struct http_sink *s = state;

	curl_easy_cleanup(s->curl);
	buf_free(&s->reply);
	free(s);
}

/*
 * What the receiver will say of this finding each time. All else may be put right on the other side
 * while the finding waits: a wrong address, a missing permission, an overload.
 */
static bool is_refusal(long status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

static int judge(struct http_sink *s, CURLcode code, struct err *e)
{
	long status = 0;

	if (code != CURLE_OK)
		return err_set(e, EIO, "%s", *s->error ? s->error : curl_easy_strerror(code));
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	err_set(e, EIO, "answered %ld: %.*s", status, (int)strcspn(buf_str(&s->reply), "\r\n"),
		buf_str(&s->reply));
	return is_refusal(status) ? SINK_REFUSED : -EIO;
}

static int http_deliver(void *state, const struct finding *f, const struct buf *json, struct err *e)
{
	cleanup_buf struct buf falco = { 0 };
	cleanup_free char *key = xasprintf("Idempotency-Key: %s", f->id);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct http_sink *s = state;
	const struct buf *body = s->full ? json : &falco;
	CURLcode code;

	headers = curl_slist_append(headers, key);
	finding_write_falco(f, &falco);
	s->reply.len = 0;
	*s->error = '\0';
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body->p);
	code = curl_easy_perform(s->curl);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return judge(s, code, e);
}

const struct sink_kind sink_http = { "http:", http_open, http_deliver, http_free };
const struct sink_kind sink_https = { "https:", http_open, http_deliver, http_free };
