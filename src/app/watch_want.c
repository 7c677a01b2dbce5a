/* What leaves the kernel: the calls that rules ask for, under the conditions that they have. */
#include <fcntl.h>
#include <string.h>

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

/* Groups of prefixes are bits of a byte, so that many calls can have paths of their own. */
enum { GROUPS = 8 };

static int want_call(struct watch *w, const char *name, const struct rules_need *need,
		     unsigned *groups, struct err *e)
{
	const struct watch_call *call = watch_call_find(name);
	struct watch_clause c = { 0 };
	int flags = flags_argument(name), arg = path_argument(call);
	bool two_paths = call && arg >= 0 && !call->ret_fd;
	uint8_t group = 0;

	if (need->result == NEED_SUCCESS)
		c.result = WATCH_SUCCESS;
	else if (need->result == NEED_FAILURE)
		c.result = WATCH_FAILURE;
	if (flags >= 0) {
		c.arg = (uint8_t)flags;
		want_access(&c, need->open);
	}
	/* Paths are those of fd.name, which only calls that open have. */
	if (need->paths_n && arg >= 0 && !two_paths && *groups < GROUPS)
		group = (uint8_t)(1u << (*groups)++);
	want_paths(w, &c, need, arg, group);
	return watch_want(w, name, &c, 1, e);
}

int watch_session_want(struct watch *w, const struct rules *r, struct err *e)
{
	struct ev_set wanted = rules_wanted(r, EV_SYSCALL);
	unsigned groups = 0;

	for (unsigned type = 0; type < ev_type_count(); type++) {
		const char *name = ev_type_name(type);
		struct rules_need need;
		int err;

		if (!ev_set_has(&wanted, type) || !ev_type_is_syscall(type))
			continue;
		rules_needs(r, EV_SYSCALL, type, &need);
		if (!need.wanted)
			continue;
		/* Programs that were executed are events of their own; the call tells failures. */
		if (!strcmp(name, "execve") || !strcmp(name, "execveat")) {
			if (!(need.result & NEED_FAILURE))
				continue;
			need.result = NEED_FAILURE;
		}
		err = want_call(w, name, &need, &groups, e);
		if (err == -ENOENT)
			continue; /* a call of another architecture */
		if (err < 0)
			return err;
	}
	return 0;
}
