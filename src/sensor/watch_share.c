#include "sensor/watch_share.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "sensor/watch_hooks.h"
#include "sensor/watch_kill.h"
#include "sensor/watch_private.h"

/* A plan: this head, then what was asked for, each with its own. */
struct plan_head {
	uint64_t ring_bytes;
	uint32_t data_max, hooks, flags, self;
};

enum { PLAN_ENV = 1, PLAN_CWD = 2, PLAN_STDIO = 4, PLAN_GIVEN = 8, PLAN_NO_REFUSED = 16 };

enum plan_kind {
	PLAN_WANT = 1,
	PLAN_GROUP,
	PLAN_DRIFT,
	PLAN_ALSO,
	PLAN_KEEP,
	PLAN_KILL,
	PLAN_KILL_PATH,
};

struct plan_item {
	uint32_t kind,
		n;     /* clauses, texts; of PLAN_ALSO: when it succeeds; of PLAN_KILL_PATH: bits */
	char call[32]; /* PLAN_WANT, PLAN_ALSO, PLAN_KEEP, PLAN_KILL ("": executed programs) */
};

struct plan_text {
	uint32_t subject, place, len; /* the text follows */
};

static void put_item(struct watch *w, enum plan_kind kind, size_t n, const char *call)
{
	struct plan_item item;

	memset(&item, 0, sizeof(item));
	item.kind = kind;
	item.n = (uint32_t)n;
	strncpy(item.call, call, sizeof(item.call) - 1);
	buf_append(&w->plan, &item, sizeof(item));
}

void watch_plan_want(struct watch *w, const char *call, const struct watch_clause *clauses,
		     size_t n)
{
	put_item(w, PLAN_WANT, n, call);
	buf_append(&w->plan, clauses, n * sizeof(*clauses));
}

void watch_plan_drift(struct watch *w)
{
	put_item(w, PLAN_DRIFT, 0, "");
}

void watch_plan_also(struct watch *w, const char *call, bool success)
{
	put_item(w, PLAN_ALSO, success, call);
}

void watch_plan_keep(struct watch *w, const char *call, const struct watch_kept *k)
{
	put_item(w, PLAN_KEEP, 0, call);
	buf_append(&w->plan, k, sizeof(*k));
}

void watch_plan_kill(struct watch *w, const char *call, const struct watch_kill *k)
{
	put_item(w, PLAN_KILL, 0, call ? call : "");
	buf_append(&w->plan, k, sizeof(*k));
}

void watch_plan_kill_path(struct watch *w, const char *path, bool prefix, uint32_t bits)
{
	struct plan_text text = { 0, prefix, (uint32_t)strlen(path) };

	put_item(w, PLAN_KILL_PATH, bits, "");
	buf_append(&w->plan, &text, sizeof(text));
	buf_append(&w->plan, path, text.len);
}

void watch_plan_group(struct watch *w, const struct watch_text *v, size_t n)
{
	put_item(w, PLAN_GROUP, n, "");
	for (size_t i = 0; i < n; i++) {
		struct plan_text text = { v[i].subject, v[i].place, (uint32_t)strlen(v[i].text) };

		buf_append(&w->plan, &text, sizeof(text));
		buf_append(&w->plan, v[i].text, text.len);
	}
}

void watch_plan_put(const struct watch *w, struct buf *out)
{
	const struct watch_options *o = &w->o;
	struct plan_head head = { .ring_bytes = o->ring_bytes,
				  .data_max = o->data_max,
				  .hooks = o->hooks,
				  .self = w->self };

	head.flags = (o->env ? PLAN_ENV : 0) | (o->cwd ? PLAN_CWD : 0) |
		     (o->stdio ? PLAN_STDIO : 0) | (o->given ? PLAN_GIVEN : 0) |
		     (o->no_refused ? PLAN_NO_REFUSED : 0);
	buf_append(out, &head, sizeof(head));
	buf_append(out, buf_str(&w->plan), w->plan.len);
}

/* The bytes that were not looked at yet. */
struct rest {
	const char *p;
	size_t len;
};

static bool take(struct rest *r, void *out, size_t len)
{
	if (r->len < len)
		return false;
	if (len)
		memcpy(out, r->p, len);
	r->p += len;
	r->len -= len;
	return true;
}

static int take_want(struct watch *w, const struct plan_item *item, struct rest *r, struct err *e)
{
	struct watch_clause clauses[WATCH_CLAUSES];

	if (item->n > WATCH_CLAUSES || !take(r, clauses, item->n * sizeof(*clauses)))
		return err_set(e, EINVAL, "a plan is cut");
	return watch_want(w, item->call, clauses, item->n, e);
}

static int take_keep(struct watch *w, const struct plan_item *item, struct rest *r, struct err *e)
{
	struct watch_kept k;

	if (!take(r, &k, sizeof(k)))
		return err_set(e, EINVAL, "a plan is cut");
	return watch_keep(w, item->call, &k, e);
}

static int take_group(struct watch *w, const struct plan_item *item, struct rest *r, struct err *e)
{
	enum { TEXTS_MAX = 65536, TEXT_MAX = 4096 };
	struct watch_text *v = item->n <= TEXTS_MAX ? xcalloc(item->n + 1, sizeof(*v)) : NULL;
	int err = v ? 0 : err_set(e, EINVAL, "a plan is out of its bounds");

	for (uint32_t i = 0; i < item->n && err == 0; i++) {
		struct plan_text text = { 0 };
		char *s = NULL;

		if (take(r, &text, sizeof(text)) && text.len <= TEXT_MAX && r->len >= text.len &&
		    text.subject <= WATCH_S_COMM && text.place <= WATCH_AT_LAST)
			s = xasprintf("%.*s", (int)text.len, r->p);
		if (!s) {
			err = err_set(e, EINVAL, "a plan is cut");
			break;
		}
		r->p += text.len;
		r->len -= text.len;
		v[i] = (struct watch_text){ s, text.subject, text.place };
	}
	if (err == 0)
		watch_group(w, v, item->n);
	for (uint32_t i = 0; v && i < item->n; i++)
		free((char *)(uintptr_t)v[i].text);
	free(v);
	return err;
}

static int take_kill(struct watch *w, const struct plan_item *item, struct rest *r, struct err *e)
{
	struct watch_kill k;

	if (!take(r, &k, sizeof(k)))
		return err_set(e, EINVAL, "a plan is cut");
	if (watch_kill_rule(w->kills, *item->call ? item->call : NULL, &k) < 0)
		return err_set(e, EINVAL, "a plan wants the kernel to kill for what it cannot");
	return 0;
}

static int take_kill_path(struct watch *w, const struct plan_item *item, struct rest *r,
			  struct err *e)
{
	char path[WATCH_KILL_PATH + 1] = "";
	struct plan_text text;

	if (!take(r, &text, sizeof(text)) || text.len >= sizeof(path) || text.place > 1 ||
	    !take(r, path, text.len) || strlen(path) != text.len ||
	    watch_kill_path(w->kills, path, text.place, item->n) < 0)
		return err_set(e, EINVAL, "a plan is cut, or has too many paths");
	return 0;
}

static int take_items(struct watch *w, struct rest *r, bool kills, struct err *e)
{
	int err = 0;

	while (r->len && err == 0) {
		struct plan_item item;

		if (!take(r, &item, sizeof(item)) || item.call[sizeof(item.call) - 1])
			return err_set(e, EINVAL, "a plan is cut");
		if (item.kind == PLAN_WANT)
			err = take_want(w, &item, r, e);
		else if (item.kind == PLAN_GROUP)
			err = take_group(w, &item, r, e);
		else if (item.kind == PLAN_DRIFT)
			watch_drift(w);
		else if (item.kind == PLAN_ALSO)
			err = watch_also(w, item.call, item.n, e);
		else if (item.kind == PLAN_KEEP)
			err = take_keep(w, &item, r, e);
		else if ((item.kind == PLAN_KILL || item.kind == PLAN_KILL_PATH) && !kills)
			err = err_set(e, EPERM,
				      "killing in the kernel: not asked for by --respond=enforce");
		else if (item.kind == PLAN_KILL)
			err = take_kill(w, &item, r, e);
		else if (item.kind == PLAN_KILL_PATH)
			err = take_kill_path(w, &item, r, e);
		else
			err = err_set(e, EINVAL, "a plan asks for something else");
	}
	return err;
}

static struct watch_options options_of(const struct plan_head *h)
{
	return (struct watch_options){
		.ring_bytes = h->ring_bytes,
		.data_max = h->data_max,
		.hooks = h->hooks,
		.env = h->flags & PLAN_ENV,
		.cwd = h->flags & PLAN_CWD,
		.stdio = h->flags & PLAN_STDIO,
		.given = h->flags & PLAN_GIVEN,
		.no_refused = h->flags & PLAN_NO_REFUSED,
	};
}

int watch_plan_take(struct watch **out, const void *bytes, size_t len, bool kills, struct err *e)
{
	enum { RING_MAX = 1 << 30 };
	struct rest r = { bytes, len };
	struct plan_head head;
	struct watch_options o;
	struct watch *w;
	int err;

	if (!take(&r, &head, sizeof(head)) || head.ring_bytes > RING_MAX ||
	    head.hooks > WATCH_TRACEPOINT)
		return err_set(e, EINVAL, "a plan is out of its bounds");
	o = options_of(&head);
	err = watch_new(&w, &o, e);
	if (err < 0)
		return err;
	w->self = head.self;
	err = take_items(w, &r, kills, e);
	if (err < 0)
		watch_free(w);
	else
		*out = w;
	return err;
}

size_t watch_share(const struct watch *w, int fds[WATCH_SHARED_MAX], enum watch_hooks *hooks)
{
	size_t n = 0;

	fds[n++] = bpf_map__fd(w->skel->maps.bss);
	for (unsigned i = 0; i < w->cpus; i++)
		fds[n++] = w->rings[i].fd;
	*hooks = w->hooks.used;
	return n;
}

void watch_count(const struct watch *w)
{
	watch_hooks_count(w);
}

int watch_join(struct watch *w, const int *fds, size_t n, enum watch_hooks hooks, struct err *e)
{
	void *p = MAP_FAILED;
	int err = 0;

	if (n >= 2) {
		p = mmap(NULL, sizeof(*w->bss), PROT_READ, MAP_SHARED, fds[0], 0);
		close(fds[0]);
	}
	if (p == MAP_FAILED)
		return err_errno(e, n < 2 ? EINVAL : errno, "cannot map what the programs count");
	w->shared = p;
	w->bss = p;
	w->hooks.used = hooks;
	watch_kills_free(w->kills); /* those are of the other process's programs */
	w->kills = NULL;
	watch_bpf_prog__destroy(w->skel);
	w->skel = NULL;
	err = watch_use_rings(w, (unsigned)(n - 1), e);
	for (unsigned i = 0; i < w->cpus && err == 0; i++)
		err = watch_use_ring(w, i, fds[i + 1], e);
	return err;
}
