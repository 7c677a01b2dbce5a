#include "http/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "http/tls.h"

enum {
	HEADERS_MAX = 32 * 1024, /* of one request: beyond it 431 */
	DISCARD_FACTOR = 4,	 /* so much more than max_body is read for an orderly 413 */
	BACKLOG = 512,
	TICK_MS = 500, /* of the keeper */
	RELOAD_TICKS = 4,
	CA_MAX = 1024 * 1024,
};

/* A connection; `since`: when the request on the way began, 0 between requests. Milliseconds. */
struct conn {
	struct conn *next, **at;
	int fd;
	uint64_t since;
};

/* A request on the way. */
struct incoming {
	struct buf body;
	size_t seen; /* bytes of the body, also those that were not kept */
	bool too_large;
};

struct http {
	struct http_options o;
	char *strings[4];
	char *ca_text;
	struct MHD_Daemon *daemon;
	struct http_tls *tls;
	int listener; /* -1 once it is closed */
	unsigned port;
	bool leaving;
	pthread_t keeper;
	bool kept;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool stop;
	struct conn *conns;
	struct http_stats stats;
};

/* ---- addresses */

bool http_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	size_t len = colon ? (size_t)(colon - text) : 0;
	cleanup_free char *host = NULL;
	unsigned long number;
	char *end;

	*out = (struct sockaddr_storage){ 0 };
	number = strtoul(port, &end, 10);
	if (*port < '0' || *port > '9' || *end || number > 65535)
		return false;
	if (colon == text || (len > 2 && text[0] == '[' && text[len - 1] == ']')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)number);
		if (colon == text)
			return true; /* in6addr_any is all zero */
		host = xasprintf("%.*s", (int)len - 2, text + 1);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	host = colon ? xasprintf("%.*s", (int)len, text) : xstrdup("127.0.0.1");
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)number);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static int listen_at(struct http *h, struct err *e)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int on = 1, off = 0, fd;

	if (!http_address(h->o.address, &a))
		return err_set(e, EINVAL,
			       "'%s': expected [ADDRESS:]PORT with a numeric address, or :PORT for "
			       "all addresses",
			       h->o.address);
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && h->o.address[0] == ':') { /* a kernel without IPv6 */
		struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
		in_port_t port = ((struct sockaddr_in6 *)&a)->sin6_port;

		a = (struct sockaddr_storage){ 0 };
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return err_errno(e, errno, "%s: cannot make a socket", h->o.address);
	h->listener = fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.ss_family == AF_INET6 && h->o.address[0] == ':')
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&a,
		 a.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					 : sizeof(struct sockaddr_in)) < 0 ||
	    listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return err_errno(e, errno, "%s: cannot listen", h->o.address);
	h->port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
						: ((struct sockaddr_in *)&a)->sin_port);
	return 0;
}

/* ---- connections */

static void conn_opened(struct http *h, struct MHD_Connection *c, void **slot)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->fd = info ? info->connect_fd : -1;
	conn->since = clock_ms(CLOCK_MONOTONIC);
	*slot = conn;
	if (h->tls) {
		info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		if (info && info->tls_session)
			gnutls_session_set_ptr(info->tls_session, h->tls);
	}
	pthread_mutex_lock(&h->lock);
	conn->next = h->conns;
	conn->at = &h->conns;
	if (conn->next)
		conn->next->at = &conn->next;
	h->conns = conn;
	h->stats.open++;
	pthread_mutex_unlock(&h->lock);
}

static void conn_closed(struct http *h, void **slot)
{
	struct conn *conn = take_ptr(*slot);

	if (!conn)
		return;
	pthread_mutex_lock(&h->lock);
	*conn->at = conn->next;
	if (conn->next)
		conn->next->at = conn->at;
	h->stats.open--;
	pthread_mutex_unlock(&h->lock);
	free(conn);
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **slot,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_opened(ctx, c, slot);
	else
		conn_closed(ctx, slot);
}

static void set_since(struct http *h, struct MHD_Connection *c, uint64_t since, int active)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *conn = info ? info->socket_context : NULL;

	pthread_mutex_lock(&h->lock);
	if (conn)
		conn->since = since;
	h->stats.active += (uint64_t)(int64_t)active;
	pthread_mutex_unlock(&h->lock);
}

/* The request line is there. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
	(void)uri;
	set_since(ctx, c, clock_ms(CLOCK_MONOTONIC), 0);
	return NULL;
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct incoming *in = take_ptr(*state);

	(void)code;
	if (!in)
		return;
	buf_free(&in->body);
	free(in);
	set_since(ctx, c, 0, -1);
}

/* ---- requests */

const char *http_query(const struct http_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result send_reply(struct http *h, struct MHD_Connection *c, struct http_reply *r)
{
	size_t len = r->body.len;
	char *text = buf_take(&r->body);
	struct MHD_Response *m = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!m) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
				r->type ? r->type : "text/plain; charset=utf-8");
	if (r->allow)
		MHD_add_response_header(m, MHD_HTTP_HEADER_ALLOW, r->allow);
	if (__atomic_load_n(&h->leaving, __ATOMIC_RELAXED))
		MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(c, r->status ? r->status : MHD_HTTP_OK, m);
	MHD_destroy_response(m);
	return result;
}

static enum MHD_Result too_large(struct http *h, struct MHD_Connection *c)
{
	struct http_reply r = { .status = MHD_HTTP_CONTENT_TOO_LARGE };

	buf_printf(&r.body, "request entity is too large; limit is %zu bytes\n", h->o.max_body);
	pthread_mutex_lock(&h->lock);
	h->stats.refused++;
	pthread_mutex_unlock(&h->lock);
	return send_reply(h, c, &r);
}

static bool client_verified(struct http *h, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info;
	unsigned status = 0;

	if (!h->ca_text)
		return false;
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && gnutls_certificate_verify_peers2(info->tls_session, &status) == 0 && !status;
}

static enum MHD_Result handle(struct http *h, struct MHD_Connection *c, const char *url,
			      const char *method, struct incoming *in)
{
	struct http_request q = { .method = method,
				  .path = url,
				  .body = buf_str(&in->body),
				  .len = in->body.len,
				  .connection = c };
	struct http_reply r = { 0 };

	set_since(h, c, 0, 0); /* it has arrived */
	if (in->too_large)
		return too_large(h, c);
	q.type = MHD_lookup_connection_value(q.connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_CONTENT_TYPE);
	q.type = q.type ? q.type : "";
	q.client_verified = client_verified(h, c);
	h->o.handle(&q, &r, h->o.ctx);
	return send_reply(h, c, &r);
}

/* The headers are there: the first call for a request. */
static enum MHD_Result begin(struct http *h, struct MHD_Connection *c, void **state)
{
	const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	struct incoming *in = xcalloc(1, sizeof(*in));

	in->body.max = h->o.max_body;
	*state = in;
	set_since(h, c, clock_ms(CLOCK_MONOTONIC), 1);
	if (length && strtoull(length, NULL, 10) >= h->o.max_body) {
		in->too_large = true;
		return too_large(h, c); /* before the body is read */
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **state)
{
	struct incoming *in = *state;
	struct http *h = ctx;

	(void)version;
	if (!in)
		return begin(h, c, state);
	if (!*data_len)
		return handle(h, c, url, method, in);
	in->seen += *data_len;
	if (in->seen >= h->o.max_body) {
		in->too_large = true;
		buf_free(&in->body);
		if (in->seen / DISCARD_FACTOR >= h->o.max_body)
			return MHD_NO;
	} else {
		buf_append(&in->body, data, *data_len);
	}
	*data_len = 0;
	return MHD_YES;
}

/* ---- the keeper: gives up slow requests, reads certificates again */

static void give_up_slow(struct http *h)
{
	uint64_t limit = (uint64_t)h->o.request_s * 1000, now = clock_ms(CLOCK_MONOTONIC);

	for (struct conn *c = h->conns; c; c = c->next) {
		if (!c->since || now - c->since < limit)
			continue;
		/* Its thread sees the end and closes it; the number stays ours until then. */
		shutdown(c->fd, SHUT_RDWR);
		c->since = 0;
		h->stats.refused++;
	}
}

static void reload(struct http *h)
{
	struct err e = { 0 };
	int r = http_tls_reload(h->tls, &e);

	if (!r)
		return;
	pthread_mutex_lock(&h->lock);
	*(r > 0 ? &h->stats.reloads : &h->stats.reload_failures) += 1;
	pthread_mutex_unlock(&h->lock);
	if (h->o.note)
		h->o.note(h->o.ctx, r<0, r> 0 ? "the certificate was read again" : e.msg);
}

static void *keep(void *ctx)
{
	struct http *h = ctx;
	unsigned ticks = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		struct timespec until = clock_after(CLOCK_MONOTONIC, TICK_MS);

		pthread_cond_timedwait(&h->wake, &h->lock, &until);
		give_up_slow(h);
		if (h->tls && !h->stop && ++ticks % RELOAD_TICKS == 0) {
			pthread_mutex_unlock(&h->lock);
			reload(h);
			pthread_mutex_lock(&h->lock);
		}
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* ---- start and end */

static int retrieve(gnutls_session_t session, const gnutls_datum_t *ca, int ca_n,
		    const gnutls_pk_algorithm_t *algos, int algos_n, gnutls_pcert_st **chain,
		    unsigned *n, gnutls_privkey_t *key)
{
	struct http_tls *tls = gnutls_session_get_ptr(session);

	(void)ca, (void)ca_n, (void)algos, (void)algos_n;
	return tls ? http_tls_retrieve(tls, chain, n, key) : -1;
}

/* What the library would print itself; requests that it refuses are no news. */
static void quiet(void *ctx, const char *fmt, va_list ap)
{
	(void)ctx, (void)fmt, (void)ap;
}

static int start_daemon(struct http *h, struct err *e)
{
	static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"
				   "%SERVER_PRECEDENCE";
	struct MHD_OptionItem extra[8];
	unsigned n = 0, flags = MHD_USE_INTERNAL_POLLING_THREAD;

	if (h->o.threads)
		flags |= MHD_USE_EPOLL | MHD_USE_ITC;
	if (h->tls) {
		flags |= MHD_USE_TLS;
		extra[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
						      (void *)retrieve };
		extra[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities };
	}
	if (h->ca_text)
		extra[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, h->ca_text };
	if (h->o.threads > 1)
		extra[n++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE,
						      (intptr_t)h->o.threads, NULL };
	if (h->o.per_ip)
		extra[n++] = (struct MHD_OptionItem){ MHD_OPTION_PER_IP_CONNECTION_LIMIT,
						      (intptr_t)h->o.per_ip, NULL };
	extra[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	h->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
		MHD_OPTION_LISTEN_SOCKET, h->listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
		h, MHD_OPTION_CONNECTION_LIMIT, h->o.connections, MHD_OPTION_CONNECTION_TIMEOUT,
		h->o.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, extra, MHD_OPTION_END);
	if (!h->daemon)
		return err_errno(e, errno ? errno : EIO, "%s: cannot start the server",
				 h->o.address);
	return 0;
}

static int prepare(struct http *h, struct err *e)
{
	cleanup_buf struct buf ca = { 0 };
	int r = 0;

	if (h->o.certificate)
		r = http_tls_new(&h->tls, h->o.certificate, h->o.key, e);
	if (r == 0 && h->o.client_ca) {
		r = io_read_file(h->o.client_ca, CA_MAX, &ca, e);
		h->ca_text = r == 0 ? buf_take(&ca) : NULL;
	}
	return r == 0 ? listen_at(h, e) : r;
}

static void set_defaults(struct http *h)
{
	const char *const given[] = { h->o.address, h->o.certificate, h->o.key, h->o.client_ca };
	pthread_condattr_t clock;

	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		h->strings[i] = given[i] ? xstrdup(given[i]) : NULL;
	h->o.address = h->strings[0];
	h->o.certificate = h->strings[1];
	h->o.key = h->strings[2];
	h->o.client_ca = h->strings[3];
	h->o.connections = h->o.connections ? h->o.connections : 64;
	h->o.idle_s = h->o.idle_s ? h->o.idle_s : 10;
	h->o.request_s = h->o.request_s ? h->o.request_s : 10;
	h->o.max_body = h->o.max_body ? h->o.max_body : 1;
	h->listener = -1;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &clock);
	pthread_condattr_destroy(&clock);
}

int http_start(struct http **out, const struct http_options *o, struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));
	int r;

	h->o = *o;
	set_defaults(h);
	r = prepare(h, e);
	if (r == 0)
		r = start_daemon(h, e);
	if (r == 0 && (errno = pthread_create(&h->keeper, NULL, keep, h)) != 0)
		r = err_errno(e, errno, "cannot start a thread");
	h->kept = r == 0;
	if (r < 0) {
		http_stop(h);
		return r;
	}
	*out = h;
	return 0;
}

unsigned http_port(const struct http *h)
{
	return h->port;
}

void http_get_stats(struct http *h, struct http_stats *out)
{
	pthread_mutex_lock(&h->lock);
	*out = h->stats;
	pthread_mutex_unlock(&h->lock);
	out->not_after = h->tls ? http_tls_not_after(h->tls) : 0;
}

void http_leave(struct http *h)
{
	__atomic_store_n(&h->leaving, true, __ATOMIC_RELAXED);
}

void http_drain(struct http *h, unsigned timeout_s)
{
	uint64_t end = clock_ms(CLOCK_MONOTONIC) + (uint64_t)timeout_s * 1000;
	struct http_stats s;

	http_leave(h);
	if (h->o.threads && h->listener >= 0) {
		MHD_quiesce_daemon(h->daemon);
		close_p(&h->listener);
		h->listener = -1;
	}
	for (;;) {
		struct timespec pause = { .tv_nsec = 5000000 };

		http_get_stats(h, &s);
		if (!s.active || clock_ms(CLOCK_MONOTONIC) >= end)
			return;
		nanosleep(&pause, NULL);
	}
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	if (h->kept) {
		pthread_mutex_lock(&h->lock);
		h->stop = true;
		pthread_cond_signal(&h->wake);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->keeper, NULL);
	}
	/* The library closes a listening socket that it still has. */
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	else if (h->listener >= 0)
		close_p(&h->listener);
	http_tls_free(h->tls);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	for (size_t i = 0; i < ARRAY_SIZE(h->strings); i++)
		free(h->strings[i]);
	free(h->ca_text);
	free(h);
}
