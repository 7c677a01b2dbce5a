#include "app/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "http/http.h"

#define PREFIX "metrics:"

enum { CONNECTIONS = 16, BODY_MAX = 1 };

struct metrics {
	char *path; /* of the file, or NULL */
	struct http *http;
	metrics_render render;
	_Atomic(metrics_health) health;
	void *ctx;
};

bool metrics_is_spec(const char *spec)
{
	return !strncmp(spec, PREFIX, strlen(PREFIX));
}

static void answer(const struct http_request *q, struct http_reply *r, void *ctx)
{
	struct metrics *m = ctx;
	metrics_health health = m->health;
	bool ready = !strcmp(q->path, "/readyz"), get = !strcmp(q->method, "GET");

	if (!get && strcmp(q->method, "HEAD") != 0) {
		r->status = 405;
		r->allow = "GET";
	} else if (health && (ready || !strcmp(q->path, "/healthz"))) {
		r->status = health(ready, &r->body, m->ctx) ? 200 : 503;
		return;
	} else if (strcmp(q->path, "/metrics") != 0 && strcmp(q->path, "/") != 0) {
		r->status = 404;
	}
	if (r->status) {
		buf_puts(&r->body, "GET /metrics\n");
		return;
	}
	r->type = "text/plain; version=0.0.4; charset=utf-8";
	m->render(&r->body, m->ctx);
}

static int listen_at(struct metrics *m, const char *address, const char *spec, struct err *e)
{
	struct http_options o = { .address = address,
				  .max_body = BODY_MAX,
				  .connections = CONNECTIONS,
				  .handle = answer,
				  .ctx = m };
	int r = http_start(&m->http, &o, e);

	if (r == -EINVAL)
		return err_set(e, EINVAL, "'%s': expected metrics:[ADDRESS:]PORT or metrics:/FILE",
			       spec);
	return r < 0 ? err_prefix(e, "%s", spec) : 0;
}

void metrics_set_health(struct metrics *m, metrics_health health)
{
	m->health = health;
}

int metrics_new(struct metrics **out, const char *spec, metrics_render render, void *ctx,
		struct err *e)
{
	struct metrics *m = xcalloc(1, sizeof(*m));
	const char *where = spec + strlen(PREFIX);
	int r;

	m->render = render;
	m->ctx = ctx;
	if (*where == '/')
		m->path = xstrdup(where);
	r = m->path ? metrics_write(m, e) : listen_at(m, where, spec, e);
	if (r < 0) {
		metrics_free(m);
		return r;
	}
	*out = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	http_stop(m->http);
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
