#include "respond/decide.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { PLACES_MAX = 4096 };

/* The times of the last actions, as many as the limit allows. */
struct window {
	uint64_t *at;
	unsigned n;
};

/* What is known of one container; "" is the host. */
struct place {
	unsigned on; /* 1u << enum respond_action */
	struct window window;
};

struct respond_decider {
	const struct respond_policy *p;
	struct map places;
	struct place **all;
	size_t all_n, all_cap;
	struct window total;
};

struct respond_decider *respond_decider_new(const struct respond_policy *p)
{
	struct respond_decider *d = xcalloc(1, sizeof(*d));

	d->p = p;
	return d;
}

void respond_decider_free(struct respond_decider *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->all_n; i++) {
		free(d->all[i]->window.at);
		free(d->all[i]);
	}
	free(d->all);
	free(d->total.at);
	map_free(&d->places);
	free(d);
}

/* NULL when there are too many containers; then only the limit over all holds. */
static struct place *place_of(struct respond_decider *d, const char *container)
{
	void **at = map_find(&d->places, container, strlen(container));
	struct place *p;

	if (at || d->all_n >= PLACES_MAX)
		return at ? *at : NULL;
	p = xcalloc(1, sizeof(*p));
	*vec_push(d->all, d->all_n, d->all_cap) = p;
	*map_at(&d->places, container, strlen(container)) = p;
	return p;
}

static unsigned used(const struct window *w, const struct respond_limit *l, uint64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n; i++)
		n += now - w->at[i] < l->within;
	return n;
}

static unsigned left(const struct window *w, const struct respond_limit *l, uint64_t now)
{
	unsigned n = used(w, l, now);

	return n < l->actions ? l->actions - n : 0;
}

/* Takes the place of the oldest one when there are as many as the limit allows. */
static void note(struct window *w, const struct respond_limit *l, uint64_t now)
{
	unsigned oldest = 0;

	if (!l->actions)
		return;
	if (!w->at)
		w->at = xcalloc(l->actions, sizeof(*w->at));
	if (w->n < l->actions) {
		w->at[w->n++] = now;
		return;
	}
	for (unsigned i = 1; i < w->n; i++)
		if (w->at[i] < w->at[oldest])
			oldest = i;
	w->at[oldest] = now;
}

unsigned respond_decider_left(struct respond_decider *d, const char *container, uint64_t now)
{
	struct place *p = place_of(d, container);
	unsigned total = left(&d->total, &d->p->total, now);
	unsigned own = p ? left(&p->window, &d->p->per_container, now) : total;

	return own < total ? own : total;
}

void respond_decider_count(struct respond_decider *d, const char *container, uint64_t now,
			   unsigned n)
{
	struct place *p = place_of(d, container);

	while (n--) {
		note(&d->total, &d->p->total, now);
		if (p)
			note(&p->window, &d->p->per_container, now);
	}
}

void respond_decider_set(struct respond_decider *d, const char *container, enum respond_action a,
			 bool on)
{
	struct place *p = place_of(d, container);

	if (p && on)
		p->on |= 1u << a;
	else if (p)
		p->on &= ~(1u << a);
}

static const char *allowed_by(const struct respond_policy *p, const struct respond_subject *s)
{
	for (size_t i = 0; i < p->allow_n; i++) {
		const struct respond_match *m = &p->allow[i];

		if (respond_match(m, s))
			return m->container   ? m->container
			       : m->image     ? m->image
			       : m->namespace ? m->namespace
			       : m->pod	      ? m->pod
			       : m->program   ? m->program
			       : m->user      ? m->user
			       : m->rule      ? m->rule
					      : m->tag;
	}
	return NULL;
}

bool respond_may(const struct respond_decider *d, const struct respond_request *q,
		 const struct respond_subject *s, const char *is_protected,
		 struct respond_result *out)
{
	bool about_container = respond_action_is_container(q->action);
	const char *by;

	if (is_protected)
		respond_say(out, RESPOND_REFUSED, "never done to %s", is_protected);
	else if (about_container && !q->container[0])
		respond_say(out, RESPOND_REFUSED, "the process is in no container");
	else if (!q->container[0] && !d->p->host)
		respond_say(out, RESPOND_REFUSED,
			    "a process of the host (the policy does not say host: true)");
	else if ((by = allowed_by(d->p, s)))
		respond_say(out, RESPOND_REFUSED, "on the allow-list: %s", by);
	else
		return true;
	return false;
}

void respond_decide(struct respond_decider *d, const struct respond_request *q,
		    const struct respond_subject *s, const char *is_protected, uint64_t now,
		    struct respond_result *out)
{
	struct place *p = place_of(d, q->container);

	if (!respond_may(d, q, s, is_protected, out))
		return;
	if (p && p->on >> q->action & 1) {
		respond_say(out, RESPOND_ALREADY, "done before");
		return;
	}
	if (p && !left(&p->window, &d->p->per_container, now)) {
		respond_say(out, RESPOND_REFUSED, "more than %u actions for one container",
			    d->p->per_container.actions);
		return;
	}
	if (!left(&d->total, &d->p->total, now)) {
		respond_say(out, RESPOND_REFUSED, "more than %u actions in all",
			    d->p->total.actions);
		return;
	}
	respond_decider_count(d, q->container, now, 1);
	if (d->p->enforce)
		respond_say(out, RESPOND_DONE, "to be done");
	else
		respond_say(out, RESPOND_DRY, "would be done");
}
