/* What leaves the kernel: the calls that rules ask for, under the conditions that they have. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "app/watch_session.h"
#include "sensor/watch_calls.h"

static int path_argument(const struct watch_call *c)
{
	for (int i = 0; c && i < WATCH_ARGS; i++)
		if (c->arg[i] == WATCH_A_PATH)
			return i;
	return -1;
}

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

static void want_paths(struct watch *w, struct watch_clause *c, const struct rules_need *need,
		       int arg, uint8_t group)
{
	c->path = 0xff;
	if (arg < 0 || !need->paths_n || !group)
		return;
	c->path = (uint8_t)arg;
	c->group = group;
	for (size_t i = 0; i < need->paths_n; i++)
		watch_prefix(w, need->paths[i].text, group);
}

static void want_ports(struct watch_clause *c, const struct watch_call *call,
		       const struct rules_need *need)
{
	if (!call || call->arg[0] != WATCH_A_FD || need->ports_n > WATCH_PORTS)
		return;
	c->ports_n = (uint8_t)need->ports_n;
	memcpy(c->ports, need->ports, need->ports_n * sizeof(*need->ports));
}

/*
 * Groups of prefixes are bits of a byte, so that calls can have paths of their own. The last is
 * shared by those that came too late for one.
 */
enum { GROUPS = 8 };

struct wanting {
	struct watch *w;
	unsigned groups;
};

static uint8_t next_group(struct wanting *g)
{
	if (g->groups < GROUPS)
		g->groups++;
	return (uint8_t)(1u << (g->groups - 1));
}

static struct watch_clause clause_of(struct wanting *g, const char *name,
				     const struct rules_need *need)
{
	const struct watch_call *call = watch_call_find(name);
	struct watch_clause c = { 0 };
	int flags = flags_argument(name), arg = path_argument(call);
	uint8_t group = 0;

	if (need->result == NEED_SUCCESS)
		c.result = WATCH_SUCCESS;
	else if (need->result == NEED_FAILURE)
		c.result = WATCH_FAILURE;
	if (flags >= 0) {
		c.arg = (uint8_t)flags;
		want_access(&c, need->open);
	}
	if (need->map == NEED_EXEC_MAP) {
		c.arg = 2;
		c.any = PROT_EXEC;
	}
	/* Paths are those of fd.name, which only calls that open have. */
	if (need->paths_n && arg >= 0 && call->ret_fd)
		group = next_group(g);
	want_paths(g->w, &c, need, arg, group);
	want_ports(&c, call, need);
	return c;
}

static int want_call(struct wanting *g, const struct rules *r, unsigned type, struct err *e)
{
	const char *name = ev_type_name(type);
	struct rules_need need[RULES_NEED_PARTS];
	struct watch_clause clauses[RULES_NEED_PARTS];
	size_t n = rules_needs_parts(r, EV_SYSCALL, type, need), kept = 0;

	for (size_t i = 0; i < n; i++) {
		/* Programs that were executed are events of their own; the call tells failures. */
		if (!strcmp(name, "execve") || !strcmp(name, "execveat")) {
			if (!(need[i].result & NEED_FAILURE))
				continue;
			need[i].result = NEED_FAILURE;
		}
		clauses[kept++] = clause_of(g, name, &need[i]);
	}
	return kept ? watch_want(g->w, name, clauses, kept, e) : 0;
}

int watch_session_want(struct watch *w, const struct rules *r, struct err *e)
{
	struct ev_set wanted = rules_wanted(r, EV_SYSCALL);
	struct wanting g = { .w = w };

	for (unsigned type = 0; type < ev_type_count(); type++) {
		int err;

		if (!ev_set_has(&wanted, type) || !ev_type_is_syscall(type))
			continue;
		err = want_call(&g, r, type, e);
		if (err < 0 && err != -ENOENT) /* a call of another architecture */
			return err;
	}
	return 0;
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
