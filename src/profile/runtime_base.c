#include "profile/runtime_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/version.h"

/*
 * Measured with strace over a static program that only exits, x86-64, Linux 6.18: the calls of the
 * thread that installed the filter, from there to its execve. Joined over `run` as root and as
 * another user, with and without a terminal, and `exec`; runc 25 starts of each, crun 10. With
 * no_new_privs a runtime can install the filter last; without, it needs CAP_SYS_ADMIN for it and so
 * installs the filter before it gives up its capabilities and user. crun's exec does the same in
 * both cases. futex and rt_sigreturn come from Go's scheduler in some of the starts only.
 */
static const char *const runc_115[] = {
	"capget", "capset",    "chdir",	     "close",	"epoll_ctl", "execve", "faccessat2",
	"fchown", "fcntl",     "fstat",	     "fstatfs", "futex",     "getcwd", "getdents64",
	"getpid", "getppid",   "newfstatat", "openat",	"prctl",     "read",   "rt_sigreturn",
	"setgid", "setgroups", "setuid",     "write",	NULL,
};
static const char *const runc_115_nnp[] = {
	"close",  "epoll_ctl", "execve",       "fstatfs", "futex", "getdents64",
	"getpid", "openat",    "rt_sigreturn", "write",	  NULL,
};
static const char *const crun_181[] = {
	"capset", "close",	  "execve",	    "fchown",	 "ioctl",     "openat",	   "prctl",
	"read",	  "rt_sigaction", "rt_sigprocmask", "setgroups", "setresgid", "setresuid", "statx",
	"write",  NULL,
};
static const char *const crun_181_nnp[] = {
	"capset", "close",     "execve",    "fchown",	 "ioctl", "openat", "prctl",
	"read",	  "setgroups", "setresgid", "setresuid", "statx", "write",  NULL,
};

/*
 * Not measured, a precaution: what Go's scheduler, memory management and pre-emption may call at
 * any moment in a process that starts on a slower or busier machine.
 */
static const char *const go_runtime[] = {
	"epoll_pwait",	  "futex",	  "gettid",	 "mmap",	"munmap", "nanosleep",
	"rt_sigprocmask", "rt_sigreturn", "sched_yield", "sigaltstack", "tgkill", NULL,
};
/* Reported by users, not measured: runc 1.2.8, 1.3.3 and later do not start without them. */
static const char *const runc_procfs[] = { "openat2", "statx", NULL };

struct base_row {
	const char *runtime;
	struct version version;
	bool no_new_privs;
	const char *const *names;
};

static const struct base_row rows[] = {
	{ "crun", { { 1, 8, 1 } }, false, crun_181 },
	{ "crun", { { 1, 8, 1 } }, true, crun_181_nnp },
	{ "runc", { { 1, 1, 5 } }, false, runc_115 },
	{ "runc", { { 1, 1, 5 } }, true, runc_115_nnp },
};

/* Names that a range of versions of a runtime needs besides the nearest row. */
struct base_extra {
	const char *runtime;
	struct version from, before; /* from <= version < before */
	const char *const *names;
};

#define ANY_VERSION ~0u, ~0u, ~0u
static const struct base_extra extras[] = {
	{ "runc", { { 0, 0, 0 } }, { { ANY_VERSION } }, go_runtime },
	{ "runc", { { 1, 2, 8 } }, { { 1, 3, 0 } }, runc_procfs },
	{ "runc", { { 1, 3, 3 } }, { { ANY_VERSION } }, runc_procfs },
};

/* How far two versions are apart; the major number counts most. */
static unsigned long distance(const struct version *a, const struct version *b)
{
	unsigned long d = 0;

	for (size_t i = 0; i < ARRAY_SIZE(a->part); i++) {
		long diff = (long)a->part[i] - (long)b->part[i];

		d = d * 1000000 + (unsigned long)labs(diff);
	}
	return d;
}

static const struct base_row *nearest_row(const char *runtime, const struct version *v, bool nnp)
{
	const struct base_row *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct base_row *r = &rows[i];

		if (strcmp(r->runtime, runtime) || r->no_new_privs != nnp)
			continue;
		if (!best || (v && distance(&r->version, v) < distance(&best->version, v)))
			best = r;
	}
	return best;
}

bool runtime_base_has(const struct runtime_base *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->names[i], name))
			return true;
	return false;
}

static void add_names(struct runtime_base *b, const char *const *names)
{
	for (; *names; names++)
		if (!runtime_base_has(b, *names) && b->n < RUNTIME_BASE_MAX)
			b->names[b->n++] = *names;
}

static void add_label(struct runtime_base *b, const char *runtime, const char *version,
		      const struct base_row *row, bool exact)
{
	const unsigned *m = row->version.part;
	size_t used = strlen(b->label);
	char *at = b->label + used;
	size_t room = sizeof(b->label) - used;
	const char *sep = used ? ", " : "";

	if (exact)
		snprintf(at, room, "%s%s %u.%u.%u", sep, runtime, m[0], m[1], m[2]);
	else
		snprintf(at, room, "%s%s %.20s (measured: %u.%u.%u)", sep, runtime,
			 version ? version : "of any version", m[0], m[1], m[2]);
}

static void add_runtime(struct runtime_base *b, const char *runtime, const char *version,
			const struct version *v, bool nnp)
{
	const struct base_row *row = nearest_row(runtime, v, nnp);
	bool exact = v && version_cmp(v, &row->version) == 0;

	add_names(b, row->names);
	for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
		const struct base_extra *x = &extras[i];

		if (strcmp(x->runtime, runtime))
			continue;
		if (!v || (version_cmp(v, &x->from) >= 0 && version_cmp(v, &x->before) < 0))
			add_names(b, x->names);
	}
	add_label(b, runtime, version, row, exact);
	b->exact = b->exact && exact;
}

bool runtime_base_known(const char *runtime)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].runtime, runtime))
			return true;
	return false;
}

static bool listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

bool runtime_base_certain(const char *runtime, const char *name, bool version_known)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].runtime, runtime) && listed(rows[i].names, name))
			return true;
	return version_known && !listed(go_runtime, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int runtime_base_find(const char *runtime, const char *version, bool no_new_privs,
		      struct runtime_base *out, struct err *e)
{
	struct version v = { 0 };

	if (version && !version_parse(version, &v, NULL))
		return err_set(e, EINVAL, "runtime version '%.60s': expected numbers such as 1.1.5",
			       version);
	if (runtime && !runtime_base_known(runtime))
		return err_set(e, EINVAL, "unknown container runtime '%s': expected runc or crun",
			       runtime);
	if (!runtime && version)
		return err_set(e, EINVAL, "runtime version '%s' given without a runtime", version);
	*out = (struct runtime_base){ .exact = true };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool first = i == 0 || strcmp(rows[i].runtime, rows[i - 1].runtime);

		if (first && (!runtime || !strcmp(rows[i].runtime, runtime)))
			add_runtime(out, rows[i].runtime, version, version ? &v : NULL,
				    no_new_privs);
	}
	qsort(out->names, out->n, sizeof(*out->names), by_name);
	return 0;
}
