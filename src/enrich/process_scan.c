#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "enrich/facts_private.h"
#include "enrich/process_private.h"

enum { MAX_BYTES = WATCH_PART_MAX };

static char *proc_file(uint32_t pid, const char *name, size_t *len)
{
	char path[64];
	cleanup_fclose FILE *f = NULL;
	char *text = xcalloc(1, MAX_BYTES + 1);

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	f = fopen(path, "re");
	*len = f ? fread(text, 1, MAX_BYTES, f) : 0;
	if (!f) {
		free(text);
		return NULL;
	}
	return text;
}

static char *proc_link(uint32_t pid, const char *name)
{
	char path[64], target[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	return xstrdup(target);
}

/* Fields of /proc/PID/stat behind the name in parentheses (proc(5)); [3] is the state. */
static bool read_stat(struct process *p, struct watch_proc *facts)
{
	size_t len;
	cleanup_free char *text = proc_file(p->pid, "stat", &len);
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

static void read_status(struct process *p, struct watch_proc *facts)
{
	size_t len;
	cleanup_free char *text = proc_file(p->pid, "status", &len);

	if (!text)
		return;
	p->vpid = facts->vpid = innermost(text, "\nNSpid:");
	facts->vpgid = innermost(text, "\nNSpgid:");
	facts->sid = innermost(text, "\nNSsid:");
	facts->cap_inheritable = hex_after(text, "\nCapInh:");
	facts->cap_permitted = hex_after(text, "\nCapPrm:");
	facts->cap_effective = hex_after(text, "\nCapEff:");
}

/* The path that tells the container: the longest one of all hierarchies. */
static char *read_cgroup(uint32_t pid)
{
	size_t len;
	cleanup_free char *text = proc_file(pid, "cgroup", &len);
	const char *best = NULL;
	char *next;

	for (char *line = text; line && *line; line = next) {
		char *colon = strchr(line, ':'), *path = colon ? strchr(colon + 1, ':') : NULL;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (path && (!best || strlen(path + 1) > strlen(best)))
			best = path + 1;
	}
	return best ? xstrdup(best) : NULL;
}

static void read_executable(uint32_t pid, struct program *g)
{
	char path[64];
	struct stat st;

	g->exepath = proc_link(pid, "exe");
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	if (!g->exepath || stat(path, &st) < 0)
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
static uint32_t mount_namespace(uint32_t pid)
{
	cleanup_free char *name = proc_link(pid, "ns/mnt");
	const char *number = name ? strchr(name, '[') : NULL;

	return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

static bool read_proc(struct processes *ps, struct process *p)
{
	struct program *g;
	char text[32];
	char path[64];

	if (processes_outside(ps)->offline)
		return false;
	g = program_new();
	if (!read_stat(p, &g->facts)) {
		program_put(g);
		return false;
	}
	read_status(p, &g->facts);
	snprintf(path, sizeof(path), "/proc/%u/loginuid", p->pid);
	p->loginuid = io_read_small(path, text, sizeof(text)) < 0
			      ? ~0u
			      : (uint32_t)strtoul(text, NULL, 10);
	g->argv = proc_file(p->pid, "cmdline", &g->argv_len);
	g->env = proc_file(p->pid, "environ", &g->env_len);
	g->cwd = proc_link(p->pid, "cwd");
	g->cgroup = read_cgroup(p->pid);
	read_executable(p->pid, g);
	g->facts.mnt_ns = mount_namespace(p->pid);
	g->time = p->start;
	program_join(g);
	process_run(ps, p, g);
	process_adopt(ps, p, p->ppid);
	return true;
}

bool process_read_proc(struct processes *ps, struct process *p)
{
	bool found = read_proc(ps, p);

	if (found) {
		p->told = true;
		fact_process(processes_outside(ps), p);
	}
	return found;
}

/* Parents first, so that whoever reads it knows them. */
static void tell(struct processes *ps, struct process *p)
{
	while (p && !p->told) {
		struct process *first = p;

		while (first->parent && !first->parent->told)
			first = first->parent;
		first->told = true;
		fact_process(processes_outside(ps), first);
		if (first == p)
			return;
	}
}

size_t processes_scan(struct processes *ps)
{
	cleanup_closedir DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);
		struct process *p;

		if (!pid || processes_find(ps, pid))
			continue;
		p = processes_add(ps, pid, 0);
		if (!p)
			break;
		if (read_proc(ps, p))
			n++;
		else
			processes_ended(ps, p);
	}
	/* Parents may have come behind their children. */
	if (d)
		rewinddir(d);
	while (d && (e = readdir(d))) {
		struct process *p = processes_find(ps, (uint32_t)strtoul(e->d_name, NULL, 10));

		if (p && !p->parent)
			process_adopt(ps, p, p->ppid);
	}
	if (d && processes_outside(ps)->tell) {
		rewinddir(d);
		while ((e = readdir(d)))
			tell(ps, processes_find(ps, (uint32_t)strtoul(e->d_name, NULL, 10)));
	}
	return n;
}
