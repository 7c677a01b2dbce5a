#include "out/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"

#define PREFIX "metrics:"

enum { CONNECTIONS = 16, TIMEOUT_S = 10 };

struct metrics {
	char *path; /* of the file, or NULL */
	struct MHD_Daemon *daemon;
	metrics_render render;
	_Atomic(metrics_health) health;
	void *ctx;
};

bool metrics_is_spec(const char *spec)
{
	return !strncmp(spec, PREFIX, strlen(PREFIX));
}

/* ---- text */

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_label(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
}

void metrics_number(struct buf *out, const char *name, uint64_t value, ...)
{
	const char *label;
	bool any = false;
	va_list ap;

	buf_puts(out, name);
	va_start(ap, value);
	while ((label = va_arg(ap, const char *))) {
		buf_printf(out, "%c%s=\"", any ? ',' : '{', label);
		put_label(out, va_arg(ap, const char *));
		buf_putc(out, '"');
		any = true;
	}
	va_end(ap);
	buf_printf(out, "%s %" PRIu64 "\n", any ? "}" : "", value);
}

/* ---- over HTTP */

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type,
			     const char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, (void *)text,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state)
{
	static const char plain[] = "text/plain; charset=utf-8", none[] = "GET /metrics\n";
	cleanup_buf struct buf out = { 0 };
	struct metrics *m = ctx;
	metrics_health health = m->health;
	bool ready = !strcmp(url, "/readyz"), good;

	(void)version, (void)data, (void)state;
	if (*data_len)
		return MHD_NO;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, plain, none, strlen(none));
	if (health && (ready || !strcmp(url, "/healthz"))) {
		good = health(ready, &out, m->ctx);
		return reply(c, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, plain,
			     buf_str(&out), out.len);
	}
	if (strcmp(url, "/metrics") && strcmp(url, "/"))
		return reply(c, MHD_HTTP_NOT_FOUND, plain, none, strlen(none));
	m->render(&out, m->ctx);
	return reply(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out),
		     out.len);
}

/* "PORT", "ADDRESS:PORT", "[ADDRESS]:PORT". */
static bool parse_address(const char *text, struct sockaddr_storage *out)
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
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		host = xasprintf("%.*s", (int)len - 2, text + 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)number);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	host = colon ? xasprintf("%.*s", (int)len, text) : xstrdup("127.0.0.1");
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)number);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

void metrics_set_health(struct metrics *m, metrics_health health)
{
	m->health = health;
}

static int listen_at(struct metrics *m, const char *spec, struct err *e)
{
	struct sockaddr_storage a;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD;

	if (!parse_address(spec + strlen(PREFIX), &a))
		return err_set(e, EINVAL, "'%s': expected metrics:[ADDRESS:]PORT or metrics:/FILE",
			       spec);
	if (a.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	m->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, m, MHD_OPTION_SOCK_ADDR, &a,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
				     MHD_OPTION_END);
	if (!m->daemon)
		return err_errno(e, errno ? errno : EADDRINUSE, "%s: cannot listen", spec);
	return 0;
}

int metrics_new(struct metrics **out, const char *spec, metrics_render render, void *ctx,
		struct err *e)
{
	struct metrics *m = xcalloc(1, sizeof(*m));
	const char *where = spec + strlen(PREFIX);
	int err;

	m->render = render;
	m->ctx = ctx;
	if (*where == '/')
		m->path = xstrdup(where);
	err = m->path ? metrics_write(m, e) : listen_at(m, spec, e);
	if (err < 0) {
		metrics_free(m);
		return err;
	}
	*out = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	if (m->daemon)
		MHD_stop_daemon(m->daemon);
	free(m->path);
	free(m);
}

int metrics_write(struct metrics *m, struct err *e)
{
	cleanup_buf struct buf out = { 0 };

	if (!m->path)
		return 0;
	m->render(&out, m->ctx);
	return io_write_file(m->path, buf_str(&out), out.len, e);
}
