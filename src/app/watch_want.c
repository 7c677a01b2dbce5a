/* From what the rules need of each kind of event to what the sensor is asked for. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch_cut.h"
#include "app/watch_session.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/event.h"

static void want_access(struct watch_clause *c, unsigned open)
{
	if (open == NEED_WRITE) {
		c->any = O_WRONLY | O_RDWR;
	} else if (open == NEED_READ) {
		c->mask = O_WRONLY;
		c->value = 0;
	}
}

/* Flags of the calls that open, by the number of their argument. */
static int flags_argument(const char *call)
{
	return !strcmp(call, "open")				     ? 1
	       : !strcmp(call, "openat") || !strcmp(call, "openat2") ? 2
								     : -1;
}

struct budget {
	size_t groups; /* of each clause */
	size_t limit;  /* of a text (watch_cut.h) */
};

/* A group for which there is no room is not asked for. */
static uint32_t want_group(struct watch *w, const struct rules_need_group *g, size_t limit)
{
	struct watch_text v[RULES_NEED_TEXTS];
	char room[RULES_NEED_TEXTS][WATCH_CUT_LONGEST + 1];
	int n;

	for (size_t i = 0; i < g->n; i++) {
		size_t most = g->v[i].subject == NEED_GIVEN ? WATCH_CUT_NAMES : SIZE_MAX;

		v[i] = watch_cut_none(&g->v[i]);
		v[i] = watch_cut(&v[i], limit < most ? limit : most, room[i]);
	}
	/* Names of programs are compared apart from paths: a group of both cannot be asked for. */
	for (size_t i = 1; i < g->n; i++)
		if ((v[i].subject == WATCH_S_COMM) != (v[0].subject == WATCH_S_COMM))
			return 0;
	n = watch_group(w, v, g->n);
	return n < 0 ? 0 : 1u << n;
}

static void want_ends(struct watch_clause *c, const struct rules_need *need)
{
	size_t n = 0;

	_Static_assert(NEED_IPV4 == WATCH_F_IPV4 && NEED_IPV6 == WATCH_F_IPV6 &&
			       NEED_ANY_FAMILY == WATCH_F_ANY,
		       "families");
	_Static_assert((int)RULES_NEED_PORTS <= WATCH_PORTS, "ports");
	c->families = need->family == NEED_ANY_FAMILY ? 0 : (uint8_t)need->family;
	for (size_t i = 0; i < need->nets_n && n < WATCH_NETS; i++) {
		const struct rules_need_net *net = &need->nets[i];

		if (!net->bits || net->bits > 32)
			continue;
		c->net_mask[n] = __builtin_bswap32(~0u << (32 - net->bits));
		memcpy(&c->net[n++], net->addr, sizeof(c->net[0]));
	}
	memcpy(c->port, need->ports, need->ports_n * sizeof(c->port[0]));
	c->ports_n = (uint8_t)need->ports_n;
}

/* Those with the fewest texts come first: there is room for some texts only. */
static void want_groups(struct watch *w, const struct rules_need *need, const struct budget *budget,
			struct watch_clause *c)
{
	bool taken[RULES_NEED_GROUPS] = { false };

	for (size_t n = 0; n < need->groups_n && n < budget->groups; n++) {
		size_t best = RULES_NEED_GROUPS;

		for (size_t i = 0; i < need->groups_n; i++)
			if (!taken[i] &&
			    (best == RULES_NEED_GROUPS || need->groups[i].n < need->groups[best].n))
				best = i;
		taken[best] = true;
		c->groups |= want_group(w, &need->groups[best], budget->limit);
	}
}

static void make_clause(struct watch *w, const char *call, const struct rules_need *need,
			const struct budget *budget, struct watch_clause *c)
{
	int flags = flags_argument(call);

	*c = (struct watch_clause){ 0 };
	if (need->result == NEED_SUCCESS)
		c->result = WATCH_SUCCESS;
	else if (need->result == NEED_FAILURE)
		c->result = WATCH_FAILURE;
	c->results = need->results;
	c->container = need->where == NEED_CONTAINER;
	if (flags >= 0) {
		c->arg = (uint8_t)flags;
		want_access(c, need->open);
	}
	if (need->arg.asked) {
		c->arg = (uint8_t)need->arg.arg;
		c->any = need->arg.any;
		c->mask = need->arg.mask;
		c->value = need->arg.value;
		c->numbers = need->arg.numbers;
	}
	want_groups(w, need, budget, c);
	want_ends(c, need);
}

/* Calls without which a field would be what it was when the program began. */
static const struct {
	const char *call;
	enum ev_field_id fields[4]; /* up to one that is 0 */
} followed[] = {
	{ "chdir", { EV_PROC_CWD } },
	{ "fchdir", { EV_PROC_CWD } },
	{ "setsid", { EV_PROC_SNAME, EV_PROC_SID, EV_PROC_SID_EXE, EV_PROC_SID_EXEPATH } },
};

static const struct watch_clause succeeds = { .result = WATCH_SUCCESS };

static bool is_followed(const struct rules *r, const char *call)
{
	for (size_t i = 0; i < ARRAY_SIZE(followed); i++)
		for (size_t k = 0; !strcmp(followed[i].call, call) && k < 4; k++)
			if (followed[i].fields[k] && rules_use(r, followed[i].fields[k]))
				return true;
	return false;
}

static int want_followed(struct watch *w, const struct rules *r, struct err *e)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(followed); i++)
		if (is_followed(r, followed[i].call))
			err = watch_want(w, followed[i].call, &succeeds, 1, e);
	return err;
}

static int want_call(struct watch *w, const char *call, const struct rules_need *needs, size_t n,
		     const struct budget *budget, bool follow, struct err *e)
{
	/* Programs that were executed are events of their own; the call tells failures. */
	bool executes = !strcmp(call, "execve") || !strcmp(call, "execveat");
	struct watch_clause clauses[RULES_NEED_RULES + 1];
	size_t wanted = 0;

	_Static_assert((int)RULES_NEED_RULES <= WATCH_CLAUSES, "clauses");
	for (size_t i = 0; i < n; i++) {
		if (executes && !(needs[i].result & NEED_FAILURE))
			continue;
		make_clause(w, call, &needs[i], budget, &clauses[wanted]);
		if (executes)
			clauses[wanted].result = WATCH_FAILURE;
		wanted++;
	}
	if (wanted && follow && wanted < WATCH_CLAUSES)
		clauses[wanted++] = succeeds;
	else if (follow)
		return watch_want(w, call, NULL, 0, e); /* all of them */
	return wanted ? watch_want(w, call, clauses, wanted, e) : 0;
}

/* Calls by how often they are made. */
enum often { OFTEN_NAMED, OFTEN_OPENED, RARE };

/* Threads of servers give themselves names, in one group; files are opened all the time. */
static enum often how_often(const char *call)
{
	if (!strcmp(call, "prctl"))
		return OFTEN_NAMED;
	return flags_argument(call) >= 0 ? OFTEN_OPENED : RARE;
}

/*
 * There is room for some groups of texts only. Calls that are made all the time come first, each of
 * their clauses with one group before any has a second; what is rare takes what is left.
 */
static const struct round {
	enum often calls;
	size_t groups; /* of each clause */
} rounds[] = { { OFTEN_NAMED, 1 },
	       { OFTEN_OPENED, 1 },
	       { OFTEN_OPENED, RULES_NEED_GROUPS },
	       { RARE, RULES_NEED_GROUPS } };

static int want_round(struct watch *w, const struct rules *r, const struct round *round,
		      size_t limit, struct err *e)
{
	const struct budget budget = { round->groups, limit };
	struct ev_set wanted = rules_wanted(r, EV_SYSCALL);

	for (unsigned type = 0; type < ev_type_count(); type++) {
		struct rules_need needs[RULES_NEED_RULES];
		size_t n;
		int err;

		if (!ev_set_has(&wanted, type) || !ev_type_is_syscall(type) ||
		    how_often(ev_type_name(type)) != round->calls)
			continue;
		n = rules_needs(r, EV_SYSCALL, type, needs);
		err = want_call(w, ev_type_name(type), needs, n, &budget,
				is_followed(r, ev_type_name(type)), e);
		if (err < 0 && err != -ENOENT) /* a call of another architecture */
			return err;
	}
	return 0;
}

int watch_session_want(struct watch *w, const struct rules *r, struct err *e)
{
	size_t limit = watch_cut_limit(r);
	int err = want_followed(w, r, e);

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(rounds); i++)
		err = want_round(w, r, &rounds[i], limit, e);
	return err;
}

struct name_list {
	char **v;
	size_t n, cap;
};

static void take_name(struct ev_text name, void *arg)
{
	struct name_list *l = arg;

	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->v[i]) == name.len && !memcmp(l->v[i], name.p, name.len))
			return;
	*vec_push(l->v, l->n, l->cap) = xasprintf("%.*s", (int)name.len, name.p);
}

void watch_session_names(struct watch_session *s)
{
	struct name_list l = { 0 };

	rules_names(s->rules, take_name, &l);
	if (enrich_ask_names(s->enrich, (const char *const *)l.v, l.n) < 0)
		log_warn("no thread to ask for the addresses of names; conditions on them stay "
			 "false");
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i]);
	free(l.v);
}

static bool uses(const struct rules *r, enum ev_field_id from, enum ev_field_id to)
{
	for (unsigned id = from; id <= to; id++)
		if (rules_use(r, id))
			return true;
	return false;
}

void watch_session_options(struct watch_options *o, const struct rules *r)
{
	enum { DNS_BYTES = 512 }; /* of a message over UDP: RFC 1035, 2.3.4 */

	o->env |= uses(r, EV_PROC_ENV, EV_PROC_AENV);
	o->stdio |= uses(r, EV_PROC_STDIN_TYPE, EV_PROC_STDERR_NAME);
	if (uses(r, EV_DNS_NAME, EV_DNS_ADDRESSES))
		o->data_max = DNS_BYTES;
}
