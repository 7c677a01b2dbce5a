#include "enrich/names.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "enrich/facts_private.h"

enum {
	AGAIN_S = 120,
	KEPT_S = 3600,
	PAIRS_MAX = 16 * NAMES_MAX,
};

struct pair {
	struct ev_addr addr;
	char *name;
	time_t seen; /* CLOCK_MONOTONIC: when the resolver last gave it; 0: from a capture */
};

struct pairs {
	struct pair *v;
	size_t n, cap;
};

/* What the thread and its owner share; the last of the two frees it. */
struct asking {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned users;
	bool stop;
	struct pairs found; /* since names_take */
	char **names;	    /* the thread's alone */
	size_t names_n;
};

struct names {
	const struct outside *outside;
	struct pairs known; /* sorted by address */
	struct asking *asking;
};

static void pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	*p = (struct pairs){ 0 };
}

/* ---- the thread */

static void asking_free(struct asking *a)
{
	for (size_t i = 0; i < a->names_n; i++)
		free(a->names[i]);
	free(a->names);
	pairs_free(&a->found);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Gives one user's hold back; `stop`: the others are to end. */
static void asking_leave(struct asking *a, bool stop)
{
	bool last;

	pthread_mutex_lock(&a->lock);
	last = --a->users == 0;
	a->stop |= stop;
	pthread_cond_broadcast(&a->wake);
	pthread_mutex_unlock(&a->lock);
	if (last)
		asking_free(a);
}

static bool address_of(const struct sockaddr *sa, struct ev_addr *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*out = (struct ev_addr){ 0 };
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		out->len = 4;
		memcpy(out->b, &v4.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		out->len = 16;
		memcpy(out->b, &v6.sin6_addr, 16);
	}
	return out->len;
}

static void found(struct asking *a, const char *name, const struct addrinfo *list)
{
	struct ev_addr addr;

	pthread_mutex_lock(&a->lock);
	for (; list && a->found.n < PAIRS_MAX; list = list->ai_next)
		if (address_of(list->ai_addr, &addr))
			*vec_push(a->found.v, a->found.n, a->found.cap) =
				(struct pair){ addr, xstrdup(name), clock_s(CLOCK_MONOTONIC) };
	pthread_mutex_unlock(&a->lock);
}

/* Until the time has come to ask again; false: to end. */
static bool pause_between(struct asking *a)
{
	struct timespec until = clock_after(CLOCK_MONOTONIC, AGAIN_S * 1000);
	bool stop;

	pthread_mutex_lock(&a->lock);
	while (!a->stop && pthread_cond_timedwait(&a->wake, &a->lock, &until) != ETIMEDOUT)
		;
	stop = a->stop;
	pthread_mutex_unlock(&a->lock);
	return !stop;
}

static bool stopped(struct asking *a)
{
	bool stop;

	pthread_mutex_lock(&a->lock);
	stop = a->stop;
	pthread_mutex_unlock(&a->lock);
	return stop;
}

static void *ask(void *arg)
{
	/* One kind of socket, or each address would be there once for every kind. */
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct asking *a = arg;

	do {
		for (size_t i = 0; i < a->names_n && !stopped(a); i++) {
			struct addrinfo *list = NULL;

			if (getaddrinfo(a->names[i], NULL, &hints, &list) == 0) {
				found(a, a->names[i], list);
				freeaddrinfo(list);
			}
		}
	} while (pause_between(a));
	asking_leave(a, false);
	return NULL;
}

static struct asking *asking_new(const char *const *list, size_t count)
{
	struct asking *a = xcalloc(1, sizeof(*a));
	pthread_condattr_t attr;

	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->wake, &attr);
	pthread_condattr_destroy(&attr);
	a->users = 2;
	a->names = xcalloc(count, sizeof(*a->names));
	for (; a->names_n < count; a->names_n++)
		a->names[a->names_n] = xstrdup(list[a->names_n]);
	return a;
}

static void stop_asking(struct names *n)
{
	if (n->asking)
		asking_leave(n->asking, true);
	n->asking = NULL;
}

int names_ask(struct names *n, const char *const *list, size_t count)
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	stop_asking(n);
	if (n->outside->offline || !count)
		return 0;
	n->asking = asking_new(list, count < NAMES_MAX ? count : NAMES_MAX);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, ask, n->asking);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		asking_leave(n->asking, true);
		stop_asking(n);
		return -err;
	}
	pthread_detach(thread);
	return 0;
}

/* ---- the table */

static int compare_addresses(const struct ev_addr *a, const struct ev_addr *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->b, b->b, a->len);
}

static int compare_pairs(const struct pair *p, const struct pair *q)
{
	int order = compare_addresses(&p->addr, &q->addr);

	return order ? order : strcmp(p->name, q->name);
}

/* The first pair that is not before this one; without a name: the first with its address. */
static size_t first_of(const struct pairs *p, const struct pair *wanted)
{
	size_t from = 0, to = p->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (compare_pairs(&p->v[mid], wanted) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Takes the name over. */
static bool add(struct names *n, struct pair *p)
{
	struct pairs *k = &n->known;
	size_t at = first_of(k, p);
	bool old = at < k->n && !compare_pairs(&k->v[at], p);

	if (old || k->n >= PAIRS_MAX) {
		if (old)
			k->v[at].seen = p->seen;
		free(p->name);
		return old;
	}
	fact_name(n->outside, &p->addr, p->name, false);
	*vec_push(k->v, k->n, k->cap) = *p;
	memmove(&k->v[at + 1], &k->v[at], (k->n - 1 - at) * sizeof(*k->v));
	k->v[at] = *p;
	return true;
}

static void forget(struct names *n, time_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->known.n; i++) {
		struct pair *p = &n->known.v[i];

		if (p->seen && p->seen < before) {
			fact_name(n->outside, &p->addr, p->name, true);
			free(p->name);
		} else {
			n->known.v[kept++] = *p;
		}
	}
	n->known.n = kept;
}

void names_take(struct names *n)
{
	struct pairs fresh;

	if (!n->asking)
		return;
	pthread_mutex_lock(&n->asking->lock);
	fresh = n->asking->found;
	n->asking->found = (struct pairs){ 0 };
	pthread_mutex_unlock(&n->asking->lock);
	for (size_t i = 0; i < fresh.n; i++)
		add(n, &fresh.v[i]);
	if (fresh.n)
		forget(n, clock_s(CLOCK_MONOTONIC) - KEPT_S);
	free(fresh.v);
}

void names_gone(struct names *n, const struct ev_addr *a, const char *name)
{
	struct pair wanted = { .addr = *a, .name = (char *)(uintptr_t)name };
	struct pairs *k = &n->known;
	size_t at = first_of(k, &wanted);

	if (at == k->n || compare_pairs(&k->v[at], &wanted))
		return;
	free(k->v[at].name);
	memmove(&k->v[at], &k->v[at + 1], (--k->n - at) * sizeof(*k->v));
}

bool names_know(struct names *n, const struct ev_addr *a, const char *name)
{
	struct pair p = { *a, xstrdup(name), 0 };

	return add(n, &p);
}

size_t names_of(const struct names *n, const struct ev_addr *a, const char **out, size_t max)
{
	static char first[] = ""; /* before every name */
	size_t count = 0;

	for (size_t i = first_of(&n->known, &(struct pair){ .addr = *a, .name = first });
	     i < n->known.n && count < max && !compare_addresses(&n->known.v[i].addr, a); i++)
		out[count++] = n->known.v[i].name;
	return count;
}

void names_tell(const struct names *n)
{
	for (size_t i = 0; i < n->known.n; i++)
		fact_name(n->outside, &n->known.v[i].addr, n->known.v[i].name, false);
}

struct names *names_new(const struct outside *o)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->outside = o;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	stop_asking(n);
	pairs_free(&n->known);
	free(n);
}
