/* proc.*, thread.*, user.*, group.* */
#include <stdio.h>
#include <string.h>

#include "enrich/enrich_private.h"
#include "model/caps.h"

static bool same_mounts(const struct process *a, const struct process *b)
{
	return a->program->facts.mnt_ns == b->program->facts.mnt_ns;
}

const struct process *process_of_root(const struct enrich *e)
{
	const struct process *oldest = e->p, *p = e->p, *first;

	for (unsigned i = 0; p && i < MAX_ANCESTORS; i++, p = p->parent)
		if (same_mounts(p, oldest))
			oldest = p;
	first = oldest->container ? processes_find(e->processes, oldest->container->first) : NULL;
	return first && first->program && first->container == oldest->container &&
			       same_mounts(first, oldest)
		       ? first
		       : oldest;
}

static const struct user *user_of(struct enrich *e, uint32_t uid)
{
	const struct process *p = process_of_root(e);

	return users_find(e->users, p->pid, p->program->facts.mnt_ns, uid);
}

static const char *exe_of(const struct process *p)
{
	const char *s = process_arg(p, 0);

	return s ? s : p->comm;
}

/* "name args" or "exe args". */
static const char *line_of(struct enrich *e, const char *first, const struct process *p)
{
	return p->program->args && *p->program->args ? scratch_join(e, first, p->program->args)
						     : first;
}

enum what { NAME, EXE, EXEPATH, ARGS, CMDLINE };

static const char *about(struct enrich *e, const struct process *p, enum what w)
{
	if (!p)
		return NULL;
	switch (w) {
	case NAME:
		return p->comm;
	case EXE:
		return exe_of(p);
	case EXEPATH:
		return p->program->exepath ? p->program->exepath : "";
	case ARGS:
		return p->program->args;
	case CMDLINE:
		return line_of(e, p->comm, p);
	}
	return NULL;
}

/* The names of those ancestors that are in the same container; on the host, of all. */
static bool container_ancestors(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	const struct process *p = e->p;
	size_t n = 0;

	for (int64_t left = ref->index; ref->arg == EV_ARG_INDEX; left--) {
		if (!p || p->container != e->p->container)
			return false;
		if (left <= 0)
			return give_text(out, p->comm);
		p = p->parent;
	}
	for (p = p->parent; p && p->container == e->p->container && n < MAX_ANCESTORS;
	     p = p->parent)
		e->list[n++].s = (struct ev_text){ p->comm, strlen(p->comm) };
	return n && give_list(e, out, n);
}

/* An ancestor by number, or all of them from the parent up. */
static bool ancestors(struct enrich *e, const struct ev_ref *ref, enum what w,
		      struct ev_values *out)
{
	const struct process *p;
	size_t n = 0;

	if (ref->arg == EV_ARG_INDEX)
		return ref->index < 1000 &&
		       give_text(out, about(e, process_ancestor(e->p, (unsigned)ref->index), w));
	for (p = e->p->parent; p && n < MAX_ANCESTORS; p = p->parent) {
		const char *s = about(e, p, w);

		if (s)
			e->list[n++].s = (struct ev_text){ s, strlen(s) };
	}
	return n && give_list(e, out, n);
}

static bool ancestor_pids(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	const struct process *p;
	size_t n = 0;

	if (ref->arg == EV_ARG_INDEX) {
		p = ref->index < 1000 ? process_ancestor(e->p, (unsigned)ref->index) : NULL;
		return p && give_signed(out, p->pid);
	}
	for (p = e->p->parent; p && n < MAX_ANCESTORS; p = p->parent)
		e->list[n++].i = p->pid;
	return n && give_list(e, out, n);
}

static struct ev_text trimmed(const char *s, size_t len)
{
	while (len && *s == ' ')
		s++, len--;
	while (len && s[len - 1] == ' ')
		len--;
	return (struct ev_text){ s, len };
}

static bool environment(struct enrich *e, const struct process *p, const struct ev_ref *ref,
			struct ev_values *out)
{
	const struct program *g = p->program;
	struct ev_text t;
	size_t len;
	const char *s;
	char *all;

	if (ref->arg == EV_ARG_KEY) {
		s = process_env(p, ref->key.p, ref->key.len, &len);
		t = s ? trimmed(s, len) : (struct ev_text){ "", 0 };
		return give_bytes(out, t.p, t.len);
	}
	len = g->env_len;
	while (len && !g->env[len - 1])
		len--;
	all = scratch_text(e, len);
	if (!all)
		return false;
	if (len)
		memcpy(all, g->env, len);
	for (size_t i = 0; i < len; i++)
		if (!all[i])
			all[i] = ' ';
	return give_bytes(out, all, len);
}

static bool ancestor_environment(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	const struct process *p = e->p;

	if (ref->arg == EV_ARG_INDEX) {
		struct ev_ref all = { .field = ref->field, .arg = EV_ARG_NONE };

		p = ref->index < 1000 ? process_ancestor(p, (unsigned)ref->index) : NULL;
		return p && environment(e, p, &all, out);
	}
	for (unsigned i = 0; p && i < 20; i++, p = p->parent) {
		size_t len;
		const char *s = ref->arg == EV_ARG_KEY
					? process_env(p, ref->key.p, ref->key.len, &len)
					: NULL;

		if (s)
			return give_bytes(out, s, len);
	}
	return false;
}

/* The oldest ancestor of the same session: its leader, if it still runs. */
static const struct process *session_leader(const struct process *p)
{
	uint32_t sid = process_sid(p);
	const struct process *best = p;

	if (!sid)
		return NULL;
	for (; p && process_sid(p) == sid; p = p->parent) {
		best = p;
		if (p->vpid == sid)
			break;
	}
	return best;
}

static const struct process *group_leader(const struct process *p)
{
	uint32_t pgid = p->program->facts.vpgid;

	for (; p; p = p->parent)
		if (p->vpid == pgid)
			return p;
	return NULL;
}

static bool capabilities(struct enrich *e, uint64_t mask, struct ev_values *out)
{
	e->names.len = 0;
	for (unsigned i = 0; i < BCAP_COUNT; i++)
		if (mask >> i & 1) {
			if (e->names.len)
				buf_putc(&e->names, ' ');
			buf_puts(&e->names, bcap_by_nr(i)->name);
		}
	return give_text(out, scratch_join(e, e->names.len ? buf_str(&e->names) : "", NULL));
}

static bool cwd(struct enrich *e, struct ev_values *out)
{
	const struct watch_part *p = watch_part_find(e->rec, WATCH_P_CWD, 0);
	const char *s = p ? part_text(e, p) : process_cwd(e->p);

	if (!s)
		return false;
	if (*s && s[strlen(s) - 1] == '/')
		return give_text(out, s);
	return give_text(out, scratch_printf(e, "%s/", s));
}

static bool user_name(struct enrich *e, uint32_t uid, struct ev_values *out)
{
	const struct user *u = user_of(e, uid);

	if (u && u->name && *u->name)
		return give_text(out, scratch_join(e, u->name, NULL));
	return give_text(out, uid ? "<NA>" : "root");
}

static bool read_user(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct process *root;
	const struct user *u;
	const char *s;

	switch (id) {
	case EV_USER_UID:
		return give_number(out, e->rec->uid);
	case EV_USER_RUID:
		return e->p->program->has_facts && give_number(out, e->p->program->facts.uid);
	case EV_USER_LOGINUID:
		return give_signed(out, (int32_t)e->p->loginuid);
	case EV_USER_NAME:
		return user_name(e, e->rec->uid, out);
	case EV_USER_LOGINNAME:
		return e->p->loginuid == ~0u ? give_text(out, "<NA>")
					     : user_name(e, e->p->loginuid, out);
	case EV_USER_HOMEDIR:
	case EV_USER_SHELL:
		u = user_of(e, e->rec->uid);
		s = !u ? NULL : id == EV_USER_SHELL ? u->shell : u->home;
		return give_text(out, s ? scratch_join(e, s, NULL) : "<NA>");
	case EV_GROUP_GID:
		return give_number(out, e->rec->gid);
	case EV_GROUP_NAME:
		root = process_of_root(e);
		s = users_group(e->users, root->pid, root->program->facts.mnt_ns, e->rec->gid);
		if (s)
			return give_text(out, scratch_join(e, s, NULL));
		return give_text(out, e->rec->gid ? "<NA>" : "root");
	}
	return false;
}

static bool read_thread(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct program *g = e->p->program;

	switch (id) {
	case EV_THREAD_CAP_PERMITTED:
		return capabilities(e, e->rec->cap_permitted, out);
	case EV_THREAD_CAP_EFFECTIVE:
		return capabilities(e, e->rec->cap_effective, out);
	case EV_THREAD_CAP_INHERITABLE:
		return capabilities(e, g->facts.cap_inheritable, out);
	case EV_THREAD_CGROUPS:
		return give_text(out, g->cgroup);
	case EV_THREAD_TID:
		return give_signed(out, e->rec->tid);
	case EV_THREAD_VTID:
		/* Of other threads than the first only the number on the host is known. */
		return e->rec->tid == e->rec->pid && give_signed(out, e->p->vpid);
	case EV_THREAD_ISMAIN:
		return give_bool(out, e->rec->tid == e->rec->pid);
	}
	return false;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* root may write whatever it is; else the permissions say. */
bool exe_is_writable(const struct enrich *e)
{
	const struct watch_proc *f = &e->p->program->facts;
	uint32_t bits = f->exe_uid == e->rec->uid ? 0202 : 0002;

	return !e->rec->uid || f->exe_mode & bits;
}

static bool read_executable(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct program *g = e->p->program;
	const struct watch_proc *f = &g->facts;

	switch (id) {
	case EV_PROC_IS_EXE_UPPER_LAYER:
		return give_bool(out, f->layer == WATCH_UPPER);
	case EV_PROC_IS_EXE_LOWER_LAYER:
		return give_bool(out, f->layer == WATCH_LOWER);
	case EV_PROC_IS_EXE_FROM_MEMFD:
		return give_bool(out, f->memfd && g->exepath && strstr(g->exepath, "memfd:"));
	case EV_PROC_IS_EXE_DELETED:
		return g->has_facts && give_bool(out, f->exe_deleted && !f->memfd);
	case EV_PROC_IS_EXE_WRITABLE:
		return give_bool(out, exe_is_writable(e));
	case EV_PROC_EXE_INO:
		return f->exe_ino && give_signed(out, (int64_t)f->exe_ino);
	case EV_PROC_EXE_INO_CTIME:
		return f->exe_ctime && give_number(out, f->exe_ctime);
	case EV_PROC_EXE_INO_MTIME:
		return f->exe_mtime && give_number(out, f->exe_mtime);
	case EV_PROC_EXE_INO_CTIME_DURATION_PROC_START:
		return f->exe_ctime && give_number(out, since(e->boot + g->time, f->exe_ctime));
	case EV_PROC_EXE_INO_CTIME_DURATION_PIDNS_START:
		return f->exe_ctime && f->ns_start &&
		       give_number(out, since(f->exe_ctime, e->boot + f->ns_start));
	}
	return false;
}

static size_t args_n(const struct process *p)
{
	size_t n = 0;

	while (process_arg(p, n))
		n++;
	return n;
}

static bool read_numbers(struct enrich *e, unsigned id, struct ev_values *out)
{
	const struct process *p = e->p, *parent = p->parent;
	const struct watch_proc *f = &p->program->facts;

	switch (id) {
	case EV_PROC_PID:
		return give_signed(out, p->pid);
	case EV_PROC_PPID:
		return give_signed(out, parent ? parent->pid : f->ppid);
	case EV_PROC_VPID:
		return p->vpid && give_signed(out, p->vpid);
	case EV_PROC_PVPID:
		return parent && parent->vpid && give_signed(out, parent->vpid);
	case EV_PROC_SID:
		return give_signed(out, process_sid(p));
	case EV_PROC_VPGID:
		return give_signed(out, f->vpgid);
	case EV_PROC_PGID:
		return give_signed(out, f->pgid);
	case EV_PROC_IS_SID_LEADER:
		return give_bool(out, process_sid(p) == p->vpid);
	case EV_PROC_IS_VPGID_LEADER:
		return give_bool(out, f->vpgid == p->vpid);
	case EV_PROC_IS_PGID_LEADER:
		return give_bool(out, f->pgid == p->pid);
	case EV_PROC_TTY:
		return give_number(out, p->tty);
	case EV_PROC_DURATION:
		return give_number(out, since(e->rec->time, p->start));
	case EV_PROC_PPID_DURATION:
		return parent && give_number(out, since(e->rec->time, parent->start));
	case EV_PROC_PID_TS:
		return give_number(out, e->boot + p->start);
	case EV_PROC_PPID_TS:
		return parent && give_number(out, e->boot + parent->start);
	case EV_PROC_PIDNS_INIT_START_TS:
		return f->ns_start && give_number(out, e->boot + f->ns_start);
	case EV_PROC_CMDNARGS:
		return give_number(out, args_n(p) ? args_n(p) - 1 : 0);
	case EV_PROC_CMDLENARGS:
		return give_number(out, strlen(p->program->args));
	}
	return false;
}

bool read_process_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	const struct process *p = e->p, *leader;
	unsigned id = ref->field->id;

	switch (id) {
	case EV_PROC_NAME:
		return give_text(out, p->comm);
	case EV_PROC_EXE:
		return give_text(out, exe_of(p));
	case EV_PROC_EXEPATH:
		return give_text(out, about(e, p, EXEPATH));
	case EV_PROC_CMDLINE:
		return give_text(out, about(e, p, CMDLINE));
	case EV_PROC_EXELINE:
		return give_text(out, line_of(e, exe_of(p), p));
	case EV_PROC_PNAME:
		return give_text(out, about(e, p->parent, NAME));
	case EV_PROC_PEXE:
		return give_text(out, about(e, p->parent, EXE));
	case EV_PROC_PEXEPATH:
		return give_text(out, about(e, p->parent, EXEPATH));
	case EV_PROC_PCMDLINE:
		return give_text(out, about(e, p->parent, CMDLINE));
	case EV_PROC_ANAME:
		return ancestors(e, ref, NAME, out);
	case EV_PROC_CANAME:
		return container_ancestors(e, ref, out);
	case EV_PROC_AEXE:
		return ancestors(e, ref, EXE, out);
	case EV_PROC_AEXEPATH:
		return ancestors(e, ref, EXEPATH, out);
	case EV_PROC_AARGS:
		return ancestors(e, ref, ARGS, out);
	case EV_PROC_ACMDLINE:
		return ancestors(e, ref, CMDLINE, out);
	case EV_PROC_APID:
		return ancestor_pids(e, ref, out);
	case EV_PROC_AENV:
		return ancestor_environment(e, ref, out);
	case EV_PROC_ENV:
		return environment(e, p, ref, out);
	case EV_PROC_ARGS:
		if (ref->arg == EV_ARG_INDEX)
			return give_text(out, process_arg(p, (size_t)ref->index + 1));
		return give_text(out, p->program->args);
	case EV_PROC_CWD:
		return cwd(e, out);
	case EV_PROC_STDIN_TYPE:
	case EV_PROC_STDOUT_TYPE:
	case EV_PROC_STDERR_TYPE:
	case EV_PROC_STDIN_NAME:
	case EV_PROC_STDOUT_NAME:
	case EV_PROC_STDERR_NAME:
		return read_stdio_field(e, id, out);
	case EV_PROC_SNAME:
		leader = session_leader(p);
		return give_text(out, leader ? leader->comm : "");
	case EV_PROC_SID_EXE:
		return give_text(out, about(e, session_leader(p), EXE));
	case EV_PROC_SID_EXEPATH:
		return give_text(out, about(e, session_leader(p), EXEPATH));
	case EV_PROC_VPGID_NAME:
	case EV_PROC_PGID_NAME:
		return give_text(out, about(e, group_leader(p), NAME));
	case EV_PROC_VPGID_EXE:
	case EV_PROC_PGID_EXE:
		return give_text(out, about(e, group_leader(p), EXE));
	case EV_PROC_VPGID_EXEPATH:
	case EV_PROC_PGID_EXEPATH:
		return give_text(out, about(e, group_leader(p), EXEPATH));
	}
	return read_numbers(e, id, out) || read_executable(e, id, out) || read_thread(e, id, out) ||
	       read_user(e, id, out);
}
