#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "enrich/facts_private.h"
#include "enrich/process_private.h"

enum { MAX_BYTES = WATCH_PART_MAX, MAX_ANCESTORS = 64 };

static char *proc_file(const struct outside *o, uint32_t pid, const char *name, size_t *len)
{
	cleanup_buf struct buf b = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	*len = 0;
	if (outside_read(o, path, MAX_BYTES, &b) < 0)
		return NULL;
	*len = b.len;
	return buf_take(&b);
}

static char *proc_link(const struct outside *o, uint32_t pid, const char *name)
{
	char path[64], target[4096];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return outside_link(o, path, target, sizeof(target)) ? xstrdup(target) : NULL;
}

/* Fields of /proc/PID/stat behind the name in parentheses (proc(5)); [3] is the state. */
static bool read_stat(const struct outside *o, struct process *p, struct watch_proc *facts)
{
	size_t len;
	cleanup_free char *text = proc_file(o, p->pid, "stat", &len);
	char *end = text ? strrchr(text, ')') : NULL, *name = text ? strchr(text, '(') : NULL;
	unsigned long long start = 0;
	int ppid = 0, pgrp = 0, sid = 0, tty = 0;

	if (!end || !name || end < name)
		return false;
	if (sscanf(end + 1,
		   " %*c %d %d %d %d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d %*d %llu",
		   &ppid, &pgrp, &sid, &tty, &start) != 5)
		return false;
	*end = '\0';
	snprintf(p->comm, sizeof(p->comm), "%s", name + 1);
	p->ppid = (uint32_t)ppid;
	p->tty = (uint32_t)tty;
	facts->ppid = (uint32_t)ppid;
	facts->pgid = facts->vpgid = (uint32_t)pgrp;
	facts->sid = (uint32_t)sid;
	if (!p->start)
		p->start = start * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
	return true;
}

/* The last number of a line "NSpid:	12	1": in the process's own namespace. */
static uint32_t innermost(const char *text, const char *key)
{
	const char *line = strstr(text, key);
	uint32_t last = 0;

	if (!line)
		return 0;
	for (const char *s = line + strlen(key); *s && *s != '\n';) {
		char *end;
		unsigned long v = strtoul(s, &end, 10);

		if (end == s) {
			s++;
			continue;
		}
		last = (uint32_t)v;
		s = end;
	}
	return last;
}

static uint64_t hex_after(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static void read_status(const struct outside *o, struct process *p, struct watch_proc *facts)
{
	size_t len;
	cleanup_free char *text = proc_file(o, p->pid, "status", &len);

	if (!text)
		return;
	p->vpid = facts->vpid = innermost(text, "\nNSpid:");
	facts->vpgid = innermost(text, "\nNSpgid:");
	facts->sid = innermost(text, "\nNSsid:");
	facts->cap_inheritable = hex_after(text, "\nCapInh:");
	facts->cap_permitted = hex_after(text, "\nCapPrm:");
	facts->cap_effective = hex_after(text, "\nCapEff:");
}

/* The path that tells the container: the longest one of all hierarchies, of those that have an id.
 */
static char *read_cgroup(const struct outside *o, uint32_t pid)
{
	size_t len;
	cleanup_free char *text = proc_file(o, pid, "cgroup", &len);
	char id[CONTAINER_ID_MAX], *next;
	enum container_engine engine;
	bool best_has = false, has;
	const char *best = NULL;

	for (char *line = text; line && *line; line = next) {
		char *colon = strchr(line, ':'), *path = colon ? strchr(colon + 1, ':') : NULL;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!path)
			continue;
		path++;
		has = container_id_of(path, id, &engine);
		if (!best || has > best_has || (has == best_has && strlen(path) > strlen(best))) {
			best = path;
			best_has = has;
		}
	}
	return best ? xstrdup(best) : NULL;
}

static void read_executable(const struct outside *o, uint32_t pid, struct program *g)
{
	char path[64];
	struct stat st;

	g->exepath = proc_link(o, pid, "exe");
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	if (!g->exepath || outside_stat(o, path, &st) < 0)
		return;
	g->facts.exe_ino = st.st_ino;
	g->facts.exe_mode = st.st_mode;
	g->facts.exe_uid = st.st_uid;
	g->facts.exe_mtime = (uint64_t)st.st_mtim.tv_sec * 1000000000u +
			     (uint64_t)st.st_mtim.tv_nsec;
	g->facts.exe_ctime = (uint64_t)st.st_ctim.tv_sec * 1000000000u +
			     (uint64_t)st.st_ctim.tv_nsec;
	g->facts.memfd = !strncmp(g->exepath, "/memfd:", 7);
}

/* "mnt:[4026531841]" */
static uint32_t mount_namespace(const struct outside *o, uint32_t pid)
{
	cleanup_free char *name = proc_link(o, pid, "ns/mnt");
	const char *number = name ? strchr(name, '[') : NULL;

	return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

static bool read_proc(struct processes *ps, struct process *p)
{
	const struct outside *o = processes_outside(ps);
	cleanup_free char *loginuid = NULL;
	struct program *g;
	size_t len;

	if (o->offline)
		return false;
	g = program_new();
	if (!read_stat(o, p, &g->facts)) {
		program_put(g);
		return false;
	}
	read_status(o, p, &g->facts);
	loginuid = proc_file(o, p->pid, "loginuid", &len);
	p->loginuid = loginuid && len ? (uint32_t)strtoul(loginuid, NULL, 10) : ~0u;
	g->argv = proc_file(o, p->pid, "cmdline", &g->argv_len);
	g->env = proc_file(o, p->pid, "environ", &g->env_len);
	g->cwd = proc_link(o, p->pid, "cwd");
	g->cgroup = read_cgroup(o, p->pid);
	read_executable(o, p->pid, g);
	g->facts.mnt_ns = mount_namespace(o, p->pid);
	g->time = p->start;
	program_join(g);
	process_run(ps, p, g);
	process_adopt(ps, p, p->ppid);
	return true;
}

/* With ancestors that nobody told of, as far as `depth` of them. */
static bool read_family(struct processes *ps, struct process *p, unsigned depth)
{
	struct process *up;

	if (!read_proc(ps, p))
		return false;
	if (!p->parent && p->ppid && depth && !processes_find(ps, p->ppid)) {
		up = processes_add(ps, p->ppid, 0);
		if (up && !read_family(ps, up, depth - 1))
			processes_ended(ps, up);
		process_adopt(ps, p, p->ppid);
	}
	p->told = true;
	fact_process(processes_outside(ps), p, p->ppid);
	return true;
}

bool process_read_proc(struct processes *ps, struct process *p)
{
	return read_family(ps, p, MAX_ANCESTORS);
}

/* The name at the end of argv[0]. */
static const char *called(const char *argv, size_t len)
{
	const char *slash = len ? strrchr(argv, '/') : NULL;

	return len ? slash ? slash + 1 : argv : "";
}

/*
 * Whether the process has executed something since: its executable is another file, or its
 * arguments are others. A program may write to its arguments; that changes the first of them.
 */
static bool has_executed(const struct outside *o, const struct process *p)
{
	const struct program *g = p->program;
	cleanup_free char *exe = proc_link(o, p->pid, "exe"), *argv = NULL;
	struct process now = { .pid = p->pid };
	struct watch_proc facts = { 0 };
	struct stat st = { 0 };
	char path[64];
	size_t len;

	if (!exe)
		return false; /* a thread of the kernel, or it is gone */
	snprintf(path, sizeof(path), "/proc/%u/exe", p->pid);
	if (!g->exepath || (strcmp(exe, g->exepath) != 0 && outside_stat(o, path, &st) == 0 &&
			    st.st_ino != g->facts.exe_ino))
		return true;
	argv = proc_file(o, p->pid, "cmdline", &len);
	if (!argv || !len || (len == g->argv_len && !memcmp(argv, g->argv, len)))
		return false;
	if (g->argv_len && !strcmp(argv, g->argv))
		return true;
	return read_stat(o, &now, &facts) &&
	       !strncmp(now.comm, called(argv, len), sizeof(now.comm) - 1);
}

void process_compare_proc(struct processes *ps, uint32_t pid)
{
	const struct outside *o = processes_outside(ps);
	struct process *p = processes_find(ps, pid), now = { .pid = pid };
	struct watch_proc facts = { 0 };

	if (o->offline || !read_stat(o, &now, &facts))
		return;
	if (p && process_same_start(p->start, now.start)) {
		if (has_executed(o, p))
			process_read_proc(ps, p);
		return;
	}
	p = processes_add(ps, pid, 0);
	if (p && !process_read_proc(ps, p))
		processes_ended(ps, p);
}

size_t processes_scan(struct processes *ps)
{
	cleanup_free uint32_t *pids = NULL;
	size_t found, n = 0;

	outside_pids(processes_outside(ps), &pids, &found);
	for (size_t i = 0; i < found; i++) {
		struct process *p;

		if (processes_find(ps, pids[i]))
			continue;
		p = processes_add(ps, pids[i], 0);
		if (!p)
			break;
		if (read_proc(ps, p))
			n++;
		else
			processes_ended(ps, p);
	}
	/* Parents may have come behind their children. */
	for (size_t i = 0; i < found; i++) {
		struct process *p = processes_find(ps, pids[i]);

		if (p && !p->parent)
			process_adopt(ps, p, p->ppid);
	}
	processes_tell(ps);
	return n;
}
