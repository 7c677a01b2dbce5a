#include "enrich/process.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/watch_rec.h"
#include "enrich/process_private.h"

enum {
	BUCKETS = 8192,
	/* /proc has start times in ticks of 10 ms (proc(5), USER_HZ). */
	START_SLACK = 20000000,
	MAX_PROCESSES = 262144,
	/*
	 * Ancestors in a row that are kept though they ended, and how many altogether keep the
	 * arguments and the environment of their program.
	 */
	ENDED_ROW = 32,
	MANY_KEPT = 16384,
};

struct processes {
	struct process *bucket[BUCKETS];
	struct containers *containers;
	const struct outside *outside;
	size_t running, kept;
	uint64_t changes; /* of what descendants see of their ancestors */
	struct recovery recovery;
};

const struct outside *processes_outside(const struct processes *ps)
{
	return ps->outside;
}

struct recovery *processes_recovery(struct processes *ps)
{
	return &ps->recovery;
}

struct processes *processes_new(struct containers *c, const struct outside *o)
{
	struct processes *ps = xcalloc(1, sizeof(*ps));

	ps->containers = c;
	ps->outside = o;
	return ps;
}

struct program *program_new(void)
{
	struct program *g = xcalloc(1, sizeof(*g));

	g->refs = 1;
	return g;
}

void program_put(struct program *g)
{
	if (!g || --g->refs)
		return;
	free(g->argv);
	free(g->env);
	free(g->args);
	free(g->exepath);
	free(g->cwd);
	free(g->cgroup);
	free(g);
}

/* argv[1…] with blanks between them. */
void program_join(struct program *g)
{
	size_t first = g->argv_len ? strnlen(g->argv, g->argv_len) + 1 : 0, n;

	free(g->args);
	n = g->argv_len > first ? g->argv_len - first : 0;
	g->args = xcalloc(1, n + 1);
	if (!n)
		return;
	memcpy(g->args, g->argv + first, n);
	for (size_t i = 0; i + 1 < n; i++)
		if (!g->args[i])
			g->args[i] = ' ';
}

/* Gives up a reference; ancestors that nobody else needs go with it. */
static void release(struct processes *ps, struct process *p)
{
	while (p && !--p->refs) {
		struct process *parent = p->parent;

		program_put(p->program);
		container_put(ps->containers, p->container);
		free(p->cwd);
		free(p);
		ps->kept--;
		p = parent;
	}
}

/* What it was found to be does not hold any more, neither for it nor for its descendants. */
static void changed(struct processes *ps, struct process *p)
{
	p->who = 0;
	ps->changes += p->refs > p->in_table;
}

static void set_parent(struct processes *ps, struct process *p, struct process *parent)
{
	struct process *old = p->parent;

	if (parent == old || parent == p)
		return;
	/* Who has no children is nobody's ancestor. */
	for (struct process *a = p->refs > p->in_table ? parent : NULL; a; a = a->parent)
		if (a == p)
			return; /* no circles, whatever the records say */
	p->parent = parent;
	changed(ps, p);
	if (parent)
		parent->refs++;
	release(ps, old);
}

/*
 * A process that forks and ends, and whose child does the same, again and again, must not leave a
 * row without end: the farthest ones are left out of it.
 */
static void shorten_row(struct processes *ps, struct process *p)
{
	struct process *last = p->parent && p->parent->in_table ? p->parent : p, *above;
	unsigned n = 0;

	while (last->parent && !last->parent->in_table && n++ < ENDED_ROW)
		last = last->parent;
	above = last->parent;
	if (!above || above->in_table)
		return;
	while (above && !above->in_table)
		above = above->parent;
	set_parent(ps, last, above);
}

/* What is long of a program that nobody runs any more. */
static void forget_arguments(struct processes *ps, struct process *p)
{
	struct program *g = p->program;

	if (!g || g->refs > 1)
		return;
	free(g->argv);
	free(g->env);
	g->argv = g->env = NULL;
	g->argv_len = g->env_len = 0;
	program_join(g);
	changed(ps, p);
}

static struct process **slot_of(const struct processes *ps, uint32_t pid)
{
	struct process *const *p = &ps->bucket[pid % BUCKETS];

	while (*p && (*p)->pid != pid)
		p = &(*p)->next;
	return (struct process **)p;
}

struct process *processes_find(const struct processes *ps, uint32_t pid)
{
	return *slot_of(ps, pid);
}

struct process *processes_find_seen(const struct processes *ps, const struct process *by,
				    uint32_t pid)
{
	if (by->vpid == by->pid || !by->container)
		return processes_find(ps, pid);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct process *p = ps->bucket[i]; p; p = p->next)
			if (p->vpid == pid && p->container == by->container)
				return p;
	return NULL;
}

static void leave_table(struct processes *ps, struct process *p)
{
	struct process **at = slot_of(ps, p->pid);

	if (*at != p)
		return;
	*at = p->next;
	p->in_table = false;
	ps->running--;
	if (++ps->kept > MANY_KEPT && p->refs > 1)
		forget_arguments(ps, p);
	release(ps, p);
}

void processes_ended(struct processes *ps, struct process *p)
{
	if (p && p->in_table)
		leave_table(ps, p);
}

void processes_drop(struct processes *ps, bool (*ended)(const struct process *p, void *arg),
		    void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct process *p = ps->bucket[i], *next; p; p = next) {
			next = p->next;
			if (ended(p, arg))
				leave_table(ps, p);
		}
}

void processes_each(struct processes *ps, void (*fn)(struct process *p, void *arg), void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct process *p = ps->bucket[i]; p; p = p->next)
			fn(p, arg);
}

void processes_free(struct processes *ps)
{
	if (!ps)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (ps->bucket[i])
			leave_table(ps, ps->bucket[i]);
	free(ps->recovery.pids);
	free(ps);
}

/* A new process in the table, in place of one that had the pid before. */
struct process *processes_add(struct processes *ps, uint32_t pid, uint64_t start)
{
	struct process *old = processes_find(ps, pid), *p;

	if (old)
		leave_table(ps, old);
	if (ps->running >= MAX_PROCESSES)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->pid = pid;
	p->start = start;
	p->refs = 1;
	p->in_table = true;
	p->loginuid = ~0u;
	p->next = ps->bucket[pid % BUCKETS];
	ps->bucket[pid % BUCKETS] = p;
	ps->running++;
	return p;
}

void process_adopt(struct processes *ps, struct process *p, uint32_t ppid)
{
	p->ppid = ppid;
	set_parent(ps, p, ppid ? processes_find(ps, ppid) : NULL);
}

/* Where a Docker daemon keeps its containers follows from how it was started. */
static void note_docker_root(struct processes *ps, const struct process *p)
{
	static const char option[] = "--data-root";
	const char *arg = process_arg(p, 0), *slash = arg ? strrchr(arg, '/') : NULL, *value;

	if (!arg || strcmp(slash ? slash + 1 : arg, "dockerd") != 0)
		return;
	for (size_t i = 1; (arg = process_arg(p, i)); i++) {
		size_t len = sizeof(option) - 1;

		if (strncmp(arg, option, len) != 0)
			continue;
		value = arg[len] == '=' ? arg + len + 1 : process_arg(p, i + 1);
		if (value)
			containers_docker_root(ps->containers, value);
	}
}

/* Who runs as long as the container does: its files can be read through it. */
static void note_first(struct processes *ps, struct process *p)
{
	struct container *c = p->container;
	const struct process *first = c ? processes_find(ps, c->first) : NULL;

	if (c && (!first || first->container != c))
		c->first = p->pid;
}

void process_run(struct processes *ps, struct process *p, struct program *g)
{
	struct container *old = p->container;

	program_put(p->program);
	p->program = g;
	process_went(p, NULL, 0);
	p->sid = 0;
	changed(ps, p);
	p->container = containers_get(ps->containers, g->cgroup);
	container_put(ps->containers, old);
	note_first(ps, p);
	/* The folder of a daemon in a container is one of the container. */
	if (!p->container)
		note_docker_root(ps, p);
}

bool process_same_start(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= START_SLACK;
}

static char *part_text(const struct watch_rec *rec, unsigned kind, size_t *len)
{
	const struct watch_part *p = watch_part_find(rec, kind, 0);
	char *s;

	if (len)
		*len = p ? p->len : 0;
	if (!p)
		return NULL;
	s = xcalloc(1, (size_t)p->len + 1);
	memcpy(s, watch_part_bytes(p), p->len);
	return s;
}

static struct program *program_of(const struct watch_rec *rec)
{
	const struct watch_part *facts = watch_part_find(rec, WATCH_P_PROC, 0);
	struct program *g = program_new();

	g->argv = part_text(rec, WATCH_P_ARGV, &g->argv_len);
	g->env = part_text(rec, WATCH_P_ENVP, &g->env_len);
	g->exepath = part_text(rec, WATCH_P_EXE, NULL);
	g->cwd = part_text(rec, WATCH_P_CWD, NULL);
	g->cgroup = part_text(rec, WATCH_P_CGROUP, NULL);
	g->time = rec->time;
	if (facts) {
		memcpy(&g->facts, watch_part_bytes(facts), sizeof(g->facts));
		g->has_facts = true;
	}
	program_join(g);
	return g;
}

/* The process of a record that is about one that should be known already. */
static struct process *known(struct processes *ps, const struct watch_rec *rec)
{
	struct process *p = processes_find(ps, rec->pid);

	if (p && process_same_start(p->start, rec->start))
		return p;
	p = processes_add(ps, rec->pid, rec->start);
	if (p && !process_read_proc(ps, p)) {
		p->program = program_new();
		program_join(p->program);
	}
	return p;
}

static void set_comm(struct processes *ps, struct process *p, const struct watch_rec *rec)
{
	if (!memcmp(p->comm, rec->comm, sizeof(p->comm) - 1))
		return;
	memcpy(p->comm, rec->comm, sizeof(p->comm) - 1);
	changed(ps, p);
}

static struct process *forked(struct processes *ps, const struct watch_rec *rec)
{
	struct process *p = processes_find(ps, rec->pid), *parent;

	/* /proc had it already. */
	if (p && p->program && process_same_start(p->start, rec->start))
		return p;
	p = processes_add(ps, rec->pid, rec->start);
	if (!p)
		return NULL;
	process_adopt(ps, p, (uint32_t)rec->arg[0]);
	shorten_row(ps, p);
	parent = p->parent; /* none where a file says that a process is its own parent */
	if (!parent || !parent->program) {
		if (!process_read_proc(ps, p)) {
			p->program = program_new();
			program_join(p->program);
		}
		return p;
	}
	p->program = parent->program;
	p->program->refs++;
	p->container = container_ref(parent->container);
	p->sid = parent->sid;
	if (parent->cwd)
		p->cwd = xstrdup(parent->cwd);
	/* A thread can have a name of its own; the first one's is the process's. */
	if (rec->arg[1] == rec->arg[0])
		set_comm(ps, parent, rec);
	return p;
}

static struct process *executed(struct processes *ps, const struct watch_rec *rec)
{
	struct process *p = processes_find(ps, rec->pid);
	struct program *g = program_of(rec);

	if (!p || !process_same_start(p->start, rec->start))
		p = processes_add(ps, rec->pid, rec->start);
	if (!p) {
		program_put(g);
		return NULL;
	}
	process_run(ps, p, g);
	if (!p->parent && g->has_facts)
		process_adopt(ps, p, g->facts.ppid);
	return p;
}

/* What each record says of its process. */
static void take_record(struct processes *ps, struct process *p, const struct watch_rec *rec)
{
	set_comm(ps, p, rec);
	if (p->vpid != rec->vpid || p->start != rec->start) {
		p->vpid = rec->vpid;
		p->start = rec->start;
		changed(ps, p);
	}
	if (p->tty == rec->tty && p->loginuid == rec->loginuid && p->uid == rec->uid &&
	    p->gid == rec->gid && p->cap_permitted == rec->cap_permitted &&
	    p->cap_effective == rec->cap_effective)
		return;
	p->tty = rec->tty;
	p->loginuid = rec->loginuid;
	p->uid = rec->uid;
	p->gid = rec->gid;
	p->cap_permitted = rec->cap_permitted;
	p->cap_effective = rec->cap_effective;
	p->who = 0;
}

struct process *processes_apply(struct processes *ps, const struct watch_rec *rec)
{
	struct process *p = rec->kind == WATCH_FORK   ? forked(ps, rec)
			    : rec->kind == WATCH_EXEC ? executed(ps, rec)
						      : known(ps, rec);

	if (!p)
		return NULL;
	take_record(ps, p, rec);
	return p;
}

/* Of all tables of processes, because rules may outlive one. */
static _Atomic uint64_t last_who;

uint64_t processes_who(struct processes *ps, struct process *p)
{
	uint64_t now = ps->changes + containers_changes(ps->containers);

	if (!p->who || p->who_at != now) {
		p->who = ++last_who;
		p->who_at = now;
	}
	return p->who;
}

void process_went(struct process *p, const char *folder, size_t len)
{
	free(p->cwd);
	p->cwd = folder ? xasprintf("%.*s", (int)len, folder) : NULL;
}

void process_began_session(struct processes *ps, struct process *p)
{
	p->sid = p->vpid;
	changed(ps, p);
}

const char *process_cwd(const struct process *p)
{
	return p->cwd ? p->cwd : p->program->cwd;
}

uint32_t process_sid(const struct process *p)
{
	return p->sid ? p->sid : p->program->facts.sid;
}

size_t processes_count(const struct processes *ps, size_t *kept)
{
	if (kept)
		*kept = ps->kept;
	return ps->running;
}

const struct process *process_ancestor(const struct process *p, unsigned n)
{
	while (p && n--)
		p = p->parent;
	return p;
}

const char *process_arg(const struct process *p, size_t n)
{
	const struct program *g = p->program;
	const char *s = g->argv, *end = s ? s + g->argv_len : NULL;

	for (; s && s < end; s += strnlen(s, (size_t)(end - s)) + 1)
		if (!n--)
			return s;
	return NULL;
}

const char *process_env(const struct process *p, const char *name, size_t len, size_t *value_len)
{
	const struct program *g = p->program;
	const char *s = g->env, *end = s ? s + g->env_len : NULL;

	while (s && s < end) {
		size_t n = strnlen(s, (size_t)(end - s));

		if (n > len && s[len] == '=' && !memcmp(s, name, len)) {
			*value_len = n - len - 1;
			return s + len + 1;
		}
		s += n + 1;
	}
	return NULL;
}
