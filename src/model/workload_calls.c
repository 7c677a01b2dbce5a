/* Argument sets of calls: which are known, to whom, and who leaves them open. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

/* The index holds places plus 1, since NULL means a new key. */
static void **call_slot(struct wl_syscall *s, const struct wl_call *c)
{
	struct {
		uint8_t n, rule, index[6];
		uint64_t value[WL_MAX_ARGS], mask[WL_MAX_ARGS];
	} key = { .n = c->n, .rule = c->rule };

	memcpy(key.index, c->index, c->n);
	memcpy(key.value, c->value, c->n * sizeof(*c->value));
	memcpy(key.mask, c->mask, c->n * sizeof(*c->mask));
	return map_at(&s->calls_index, &key, sizeof(key));
}

void wl_call_index(struct wl_syscall *s, size_t i)
{
	*call_slot(s, &s->calls[i]) = (void *)(uintptr_t)(i + 1);
}

static struct wl_call *add(struct wl_syscall *s, const struct wl_call *call)
{
	void **slot = call_slot(s, call);

	if (*slot)
		return &s->calls[(size_t)(uintptr_t)*slot - 1];
	*vec_push(s->calls, s->calls_n, s->calls_cap) = *call;
	*slot = (void *)(uintptr_t)s->calls_n;
	return &s->calls[s->calls_n - 1];
}

struct wl_call *wl_call_add(struct wl_syscall *s, unsigned n, const uint8_t *index,
			    const uint64_t *value)
{
	struct wl_call c = { .n = (uint8_t)n, .mask = { UINT64_MAX, UINT64_MAX, UINT64_MAX } };

	memcpy(c.index, index, n);
	memcpy(c.value, value, n * sizeof(*value));
	return add(s, &c);
}

struct wl_call *wl_rule_add(struct wl_syscall *s, unsigned n, const uint8_t *index,
			    const uint64_t *mask, const uint64_t *value)
{
	struct wl_call c = { .n = (uint8_t)n, .rule = true };

	memcpy(c.index, index, n);
	memcpy(c.mask, mask, n * sizeof(*mask));
	memcpy(c.value, value, n * sizeof(*value));
	return add(s, &c);
}

void wl_open_prov(const struct wl_syscall *s, struct wl_prov *out)
{
	cleanup_prov struct wl_prov covered = { 0 };
	bool source = false;

	if (!s->calls_n) {
		wl_prov_join(out, &s->prov);
		return;
	}
	wl_prov_join(out, &s->any);
	wl_prov_join(&covered, &s->any);
	for (size_t i = 0; i < s->calls_n; i++)
		wl_prov_join(&covered, &s->calls[i].prov);
	for (size_t i = 0; i < s->prov.sources.n; i++) {
		if (wl_set_has(&covered.sources, s->prov.sources.v[i]))
			continue;
		wl_set_add(&out->sources, s->prov.sources.v[i]);
		source = true;
	}
	if (source) { /* which of the phases and programs it stands for is not known */
		struct wl_prov all = { s->prov.phases, s->prov.programs, { 0 } };

		wl_prov_join(out, &all);
	} else if (s->prov.phases & ~covered.phases) {
		struct wl_prov rest = s->prov;

		rest.phases &= ~covered.phases;
		wl_prov_join(out, &rest);
	}
}

void wl_settle(struct workload *w)
{
	for (size_t i = 0; i < w->syscalls_n; i++) {
		struct wl_syscall *s = &w->syscalls[i];
		struct wl_prov open = { 0 };

		if (s->calls_n)
			wl_open_prov(s, &open);
		wl_prov_free(&s->any);
		s->any = open;
	}
}

static bool all_static(const struct workload *w, const struct wl_set *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		if (w->sources[sources->v[i]].kind != WL_STATIC)
			return false;
	return sources->n;
}

/* The provenance of the argument sets alone, those that more than an analysis knows. */
static bool recorded_prov(const struct workload *w, const struct wl_syscall *s, struct wl_prov *out)
{
	bool any = false;

	for (size_t i = 0; i < s->calls_n; i++) {
		any = any || !all_static(w, &s->calls[i].prov.sources);
		wl_prov_join(out, &s->calls[i].prov);
	}
	return any;
}

void wl_prefer_recorded(struct workload *w, struct buf *names)
{
	for (size_t i = 0; i < w->syscalls_n; i++) {
		struct wl_syscall *s = &w->syscalls[i];
		cleanup_prov struct wl_prov open = { 0 }, kept = { 0 };

		wl_open_prov(s, &open);
		if (!s->calls_n || !all_static(w, &open.sources) || !recorded_prov(w, s, &kept))
			continue;
		wl_prov_free(&s->prov);
		wl_prov_free(&s->any);
		s->prov = kept;
		kept = (struct wl_prov){ 0 };
		if (s->desc)
			buf_printf(names, "%s\n", s->desc->name);
	}
}

bool wl_incomplete(const struct workload *w)
{
	size_t supplements = 0;

	for (size_t i = 0; i < w->sources_n; i++) {
		if (!w->sources[i].complete || w->sources[i].loss_n)
			return true;
		supplements += w->sources[i].supplement;
	}
	return w->sources_n && supplements == w->sources_n;
}
