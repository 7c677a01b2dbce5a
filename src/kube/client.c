#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "kube/kube_private.h"

enum { TRIES = 4, RETRY_MAX_S = 5, CONNECT_MS = 5000, MESSAGE_MAX = 500 };

/* ---- the client */

/* With tls-server-name: "https://NAME:PORT/…", "Host: HOST:PORT" and "::HOST:PORT". */
static void aim_elsewhere(struct kube *k)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL, *url = NULL;

	if (curl_url_set(u, CURLUPART_URL, k->config.server, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_HOST, k->config.tls_name, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK) {
		k->base = xstrdup(k->config.server);
	} else {
		cleanup_free char *to = xasprintf("::%s:%s", host, port);

		url[strlen(url) - (url[strlen(url) - 1] == '/')] = '\0';
		k->base = xstrdup(url);
		k->host = xasprintf("Host: %s:%s", host, port);
		k->connect_to = curl_slist_append(NULL, to);
	}
	curl_free(host);
	curl_free(port);
	curl_free(url);
	curl_url_cleanup(u);
}

struct kube *kube_new(struct kube_config *config, const struct kube_options *o)
{
	static const struct kube_options none;
	struct kube *k = xcalloc(1, sizeof(*k));

	k->config = *config;
	*config = (struct kube_config){ 0 };
	k->o = o ? *o : none;
	k->manager = xstrdup(k->o.manager ? k->o.manager : "boltseal");
	k->o.timeout_ms = k->o.timeout_ms ? k->o.timeout_ms : KUBE_TIMEOUT_MS;
	k->o.retry_min_ms = k->o.retry_min_ms ? k->o.retry_min_ms : 250;
	k->o.retry_max_ms = k->o.retry_max_ms ? k->o.retry_max_ms : 30000;
	k->o.watch_seconds = k->o.watch_seconds ? k->o.watch_seconds : 300;
	k->easy = curl_easy_init();
	k->multi = curl_multi_init();
	if (!k->easy || !k->multi)
		mem_exhausted();
	if (k->config.tls_name)
		aim_elsewhere(k);
	else
		k->base = xstrdup(k->config.server);
	return k;
}

void kube_free(struct kube *k)
{
	if (!k)
		return;
	while (k->watches)
		kube_watch_end(k->watches);
	curl_easy_cleanup(k->easy);
	curl_multi_cleanup(k->multi);
	curl_slist_free_all(k->connect_to);
	kube_credential_free(&k->cred);
	kube_config_free(&k->config);
	free(k->manager);
	free(k->base);
	free(k->host);
	free(k);
}

const char *kube_server(const struct kube *k)
{
	return k->config.server;
}

const char *kube_namespace(const struct kube *k)
{
	return k->config.ns;
}

void kube_wake(struct kube *k)
{
	curl_multi_wakeup(k->multi);
}

static void put_part(struct buf *b, const char *part)
{
	char *escaped = curl_easy_escape(NULL, part, 0);

	if (!escaped)
		mem_exhausted();
	buf_printf(b, "/%s", escaped);
	curl_free(escaped);
}

char *kube_path(const char *api_version, const char *plural, const char *ns, const char *name,
		const char *sub)
{
	struct buf b = { 0 };

	buf_printf(&b, strchr(api_version, '/') ? "/apis/%s" : "/api/%s", api_version);
	if (ns) {
		buf_puts(&b, "/namespaces");
		put_part(&b, ns);
	}
	put_part(&b, plural);
	if (name)
		put_part(&b, name);
	if (sub)
		put_part(&b, sub);
	return buf_take(&b);
}

/* ---- a transfer */

void transfer_free(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	free(t->url);
	*t = (struct transfer){ 0 };
}

static void add_header(struct transfer *t, const char *text)
{
	struct curl_slist *list = curl_slist_append(t->headers, text);

	if (!list)
		mem_exhausted();
	t->headers = list;
}

static void set_pem(CURL *c, CURLoption blob, CURLoption file, const struct kube_pem *p)
{
	struct curl_blob b = { (void *)p->data, p->len, CURL_BLOB_COPY };

	if (p->data)
		curl_easy_setopt(c, blob, &b);
	else if (p->file)
		curl_easy_setopt(c, file, p->file);
}

static void set_tls(const struct kube *k, CURL *c)
{
	const struct kube_config *f = &k->config;
	bool by_plugin = k->cred.cert.data;

	set_pem(c, CURLOPT_CAINFO_BLOB, CURLOPT_CAINFO, &f->ca);
	set_pem(c, CURLOPT_SSLCERT_BLOB, CURLOPT_SSLCERT, by_plugin ? &k->cred.cert : &f->cert);
	set_pem(c, CURLOPT_SSLKEY_BLOB, CURLOPT_SSLKEY, by_plugin ? &k->cred.key : &f->key);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, f->insecure ? 0L : 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, f->insecure ? 0L : 2L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static int add_bearer(struct transfer *t, const char *token, struct err *e)
{
	cleanup_free char *h = NULL;
	size_t n = strcspn(token, " \t\r\n");

	if (!n || token[n + strspn(token + n, " \t\r\n")])
		return err_set(e, EINVAL, "the token is empty or more than one word");
	h = xasprintf("Authorization: Bearer %.*s", (int)n, token);
	add_header(t, h);
	return 0;
}

static int add_token(struct kube *k, struct transfer *t, struct err *e)
{
	cleanup_buf struct buf file = { 0 };
	const char *token = k->cred.token ? k->cred.token : k->config.token;

	if (!token && k->config.token_file) {
		if (io_read_file(k->config.token_file, KUBE_TOKEN_MAX, &file, e) < 0)
			return -e->code;
		token = buf_str(&file);
	}
	if (!token)
		return 0;
	return add_bearer(t, token, e) < 0
		       ? err_prefix(e, "%s", k->config.token_file ? k->config.token_file : "token")
		       : 0;
}

static int set_identity(struct kube *k, CURL *c, struct transfer *t, bool refresh, struct err *e)
{
	int r = kube_credential_get(&k->config, &k->cred, refresh, e);

	if (r == 0)
		r = add_token(k, t, e);
	if (r < 0)
		return r;
	if (k->config.as) {
		cleanup_free char *h = xasprintf("Impersonate-User: %s", k->config.as);

		add_header(t, h);
	}
	if (k->config.user) {
		curl_easy_setopt(c, CURLOPT_USERNAME, k->config.user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, k->config.password ? k->config.password : "");
	}
	return 0;
}

static void set_transport(struct kube *k, CURL *c)
{
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, 10L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "boltseal/" BOLTSEAL_VERSION);
	curl_easy_setopt(c, CURLOPT_CONNECT_TO, k->connect_to);
	if (k->config.proxy_url)
		curl_easy_setopt(c, CURLOPT_PROXY, k->config.proxy_url);
}

static void set_body(CURL *c, struct transfer *t, const struct kube_call *call)
{
	cleanup_free char *type = xasprintf(
		"Content-Type: %s", call->content_type ? call->content_type : "application/json");

	if (!call->body)
		return;
	add_header(t, type);
	add_header(t, "Expect:");
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
}

int kube_prepare(struct kube *k, CURL *c, struct transfer *t, const struct kube_call *call,
		 bool refresh, struct err *e)
{
	int r;

	transfer_free(t);
	curl_easy_reset(c);
	r = set_identity(k, c, t, refresh, e);
	if (r < 0)
		return r;
	t->url = xasprintf("%s%s%s%s", k->base, call->path, call->query ? "?" : "",
			   call->query ? call->query : "");
	add_header(t, "Accept: application/json");
	if (k->host)
		add_header(t, k->host);
	set_transport(k, c);
	set_tls(k, c);
	set_body(c, t, call);
	curl_easy_setopt(c, CURLOPT_URL, t->url);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
	return 0;
}

/* ---- errors */

static int status_errno(long http, const char *reason)
{
	static const struct {
		long http;
		int code;
	} codes[] = { { 400, EINVAL }, { 401, EACCES }, { 403, EPERM },
		      { 404, ENOENT }, { 409, EBUSY },	{ 410, ESTALE },
		      { 415, EINVAL }, { 422, EINVAL }, { 429, EAGAIN } };

	if (http == 409 && !strcmp(reason, "AlreadyExists"))
		return EEXIST;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].http == http)
			return codes[i].code;
	return EIO;
}

int kube_status_error(const struct kube_call *call, long http, const char *body, size_t len,
		      struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const char *message = NULL, *reason = NULL;
	struct err ignored;

	if (json_parse(&d, "answer", body ? body : "", len, &ignored) == 0 &&
	    json_object_is_type(d.root, json_type_object)) {
		json_get_str(&d, NULL, d.root, "message", false, &message, &ignored);
		json_get_str(&d, NULL, d.root, "reason", false, &reason, &ignored);
	}
	if (!message || !*message)
		message = reason;
	if (message && *message)
		return err_set(e, status_errno(http, reason ? reason : ""), "%s %s: %.*s",
			       call->method, call->path, MESSAGE_MAX, message);
	return err_set(e, status_errno(http, ""), "%s %s: the server answered %ld", call->method,
		       call->path, http);
}

int kube_transfer_error(const struct kube_call *call, CURLcode code, const struct transfer *t,
			struct err *e)
{
	int number = code == CURLE_OPERATION_TIMEDOUT ? ETIMEDOUT
		     : code == CURLE_COULDNT_CONNECT  ? ECONNREFUSED
		     : code == CURLE_OUT_OF_MEMORY    ? ENOMEM
						      : EIO;

	return err_set(e, number, "%s %s: %s", call->method, call->path,
		       *t->error ? t->error : curl_easy_strerror(code));
}

/* ---- calls */

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct buf *b = arg;

	(void)one;
	buf_append(b, data, n);
	return b->overflow ? 0 : n;
}

static void pause_s(long seconds)
{
	struct timespec t = { .tv_sec = seconds > RETRY_MAX_S ? RETRY_MAX_S : seconds };

	if (seconds <= 0)
		t.tv_nsec = 200 * 1000000L;
	nanosleep(&t, NULL);
}

/* One attempt; *http gets the answer's code, 0 without one. */
static int attempt(struct kube *k, const struct kube_call *call, bool refresh, struct buf *body,
		   long *http, struct err *e)
{
	cleanup_transfer struct transfer t = { 0 };
	int r = kube_prepare(k, k->easy, &t, call, refresh, e);
	CURLcode code;

	*http = 0;
	body->len = 0;
	if (r < 0)
		return r;
	curl_easy_setopt(k->easy, CURLOPT_TIMEOUT_MS, (long)k->o.timeout_ms);
	curl_easy_setopt(k->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(k->easy, CURLOPT_WRITEDATA, body);
	code = curl_easy_perform(k->easy);
	if (body->overflow)
		return err_set(e, EFBIG, "%s %s: the answer is larger than %zu bytes", call->method,
			       call->path, body->max);
	if (code != CURLE_OK)
		return kube_transfer_error(call, code, &t, e);
	curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, http);
	return *http / 100 == 2 ? 0 : kube_status_error(call, *http, body->p, body->len, e);
}

int kube_call(struct kube *k, const struct kube_call *c, struct buf *reply, struct err *e)
{
	cleanup_buf struct buf body = { .max = KUBE_REPLY_MAX };
	bool refresh = false;
	int r = 0;

	for (unsigned n = 0; n < TRIES; n++) {
		curl_off_t wait = 0;
		long http;

		r = attempt(k, c, refresh, &body, &http, e);
		if (http == 401 && !refresh && (k->config.exec.command || k->config.token_file)) {
			refresh = true;
			continue;
		}
		if (http != 429)
			break;
		curl_easy_getinfo(k->easy, CURLINFO_RETRY_AFTER, &wait);
		pause_s((long)wait);
	}
	if (r == 0 && reply)
		buf_append(reply, buf_str(&body), body.len);
	return r;
}

static int call_json(struct kube *k, const struct kube_call *c, struct json_doc *out, struct err *e)
{
	cleanup_buf struct buf reply = { 0 };
	int r = kube_call(k, c, &reply, e);

	if (r < 0 || !out)
		return r;
	r = json_parse(out, c->path, buf_str(&reply), reply.len, e);
	return r < 0 ? r : 0;
}

int kube_get(struct kube *k, const char *path, struct json_doc *out, struct err *e)
{
	return call_json(k, &(struct kube_call){ .method = "GET", .path = path }, out, e);
}

static int send_json(struct kube *k, struct kube_call *c, struct json_object *o,
		     struct json_doc *out, struct err *e)
{
	c->body = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &c->body_len);
	return call_json(k, c, out, e);
}

int kube_create(struct kube *k, const char *path, struct json_object *o, struct json_doc *out,
		struct err *e)
{
	cleanup_free char *query = xasprintf("fieldManager=%s", k->manager);

	return send_json(k, &(struct kube_call){ .method = "POST", .path = path, .query = query },
			 o, out, e);
}

int kube_replace(struct kube *k, const char *path, struct json_object *o, struct json_doc *out,
		 struct err *e)
{
	cleanup_free char *query = xasprintf("fieldManager=%s", k->manager);

	return send_json(k, &(struct kube_call){ .method = "PUT", .path = path, .query = query }, o,
			 out, e);
}

int kube_delete(struct kube *k, const char *path, struct err *e)
{
	int r = kube_call(k, &(struct kube_call){ .method = "DELETE", .path = path }, NULL, e);

	return r == -ENOENT ? 0 : r;
}

int kube_patch(struct kube *k, const char *path, enum kube_patch kind, struct json_object *o,
	       struct json_doc *out, struct err *e)
{
	static const char *const types[] = {
		[KUBE_PATCH_JSON] = "application/json-patch+json",
		[KUBE_PATCH_MERGE] = "application/merge-patch+json",
		[KUBE_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
		[KUBE_PATCH_APPLY] = "application/apply-patch+yaml",
	};
	cleanup_free char *query = xasprintf("fieldManager=%s%s", k->manager,
					     kind == KUBE_PATCH_APPLY ? "&force=true" : "");
	struct kube_call c = {
		.method = "PATCH", .path = path, .query = query, .content_type = types[kind]
	};

	return send_json(k, &c, o, out, e);
}
