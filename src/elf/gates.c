#include "elf/gates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/syscalls.h"

enum {
	MAX_NAMES = 16,
	MAX_REFS = 256, /* the functions meant are small */
};

/*
 * Names are those of glibc's exported functions and of system calls. A function that is not
 * exported and that calls all of `signature` (or makes these system calls itself) is the one meant;
 * in it, calls of `held` are kept back, all of it when there are none.
 */
struct gate {
	const char *what;
	const char *signature[MAX_NAMES];
	const char *held[MAX_NAMES];
	const char *openers[MAX_NAMES]; /* "name*": all that begin so */
};

#define SPAWN_CHILD                                                         \
	{                                                                   \
		"sched_setparam", "sched_setscheduler", "setsid", "setpgid" \
	}

static const struct gate gates[] = {
	{ "attributes of posix_spawn(3): scheduling, session, group, user",
	  SPAWN_CHILD,
	  { "sched_setparam", "sched_setscheduler", "setsid", "setpgid", "setresuid", "setresgid" },
	  { "posix_spawnattr_setflags" } },
	{ "posix_spawn(3) in another directory by descriptor",
	  SPAWN_CHILD,
	  { "fchdir" },
	  { "posix_spawn_file_actions_addfchdir_np" } },
	{ "posix_spawn(3) in another directory",
	  SPAWN_CHILD,
	  { "chdir" },
	  { "posix_spawn_file_actions_addchdir_np" } },
	{ "posix_spawn(3) that closes all descriptors",
	  SPAWN_CHILD,
	  { "close_range" },
	  { "posix_spawn_file_actions_addclosefrom_np" } },
	{ "posix_spawn(3) that takes the terminal",
	  SPAWN_CHILD,
	  { "getpgid", "getpgrp", "tcsetpgrp" },
	  { "posix_spawn_file_actions_addtcsetpgrp_np" } },
	{ "mutexes with a priority ceiling",
	  { "sched_get_priority_max", "sched_get_priority_min" },
	  { NULL },
	  { "pthread_mutexattr_setprotocol", "pthread_mutexattr_setprioceiling",
	    "pthread_mutex_setprioceiling" } },
	{ "mutexes with a priority ceiling",
	  { "sched_getparam", "sched_getscheduler" },
	  { NULL },
	  { "pthread_mutexattr_setprotocol", "pthread_mutexattr_setprioceiling",
	    "pthread_mutex_setprioceiling" } },
	{ "the end of threads that used Sun RPC",
	  { ">svc_unregister" },
	  { NULL },
	  { "svc*", "clnt*", "xprt_*", "pmap_*", "callrpc", "registerrpc", "auth*", "key_*",
	    "__rpc_*", "getrpcport", "xdr_*", "_rpc_*" } },
	{ "threads with a scheduling policy",
	  { "sched_setaffinity", "sched_setscheduler" },
	  { "sched_setscheduler" },
	  { "pthread_attr_setsched*", "pthread_attr_setinheritsched", "pthread_setattr_default_np",
	    "thrd_*" } },
	{ "threads with a scheduling policy",
	  { "@pthread_create" },
	  { "sched_getparam", "sched_getscheduler" },
	  { "pthread_attr_setinheritsched", "pthread_setattr_default_np" } },
	{ "threads that begin on certain processors",
	  { "sched_setaffinity", "sched_setscheduler" },
	  { "sched_setaffinity" },
	  { "pthread_attr_setaffinity_np", "pthread_setattr_default_np" } },
	{ "names of hosts from DNS",
	  { "_nss_dns_gethostbyname4_r", "_nss_dns_gethostbyaddr2_r" },
	  { NULL },
	  { "gethostby*", "getaddrinfo*", "getnet*", "gethostent*", "getnameinfo", "sethostent",
	    "gethostid", "clnt*", "callrpc", "getrpcport", "rcmd*", "rexec*", "ruserok*",
	    "iruserok*" } },
};

enum { DNS_GATE = ARRAY_SIZE(gates) - 1 };

unsigned gates_count(void)
{
	return ARRAY_SIZE(gates);
}

const char *gates_what(unsigned row)
{
	return gates[row].what;
}

static bool matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return !strncmp(pattern, name, n - 1);
	return !strcmp(pattern, name);
}

uint32_t gates_opened_by(const char *name)
{
	uint32_t r = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
		for (unsigned k = 0; k < MAX_NAMES && gates[i].openers[k]; k++)
			if (matches(gates[i].openers[k], name))
				r |= 1u << i;
	return r;
}

static bool is_named(const struct link_object *o, uint64_t target, const char *name)
{
	for (uint32_t s = link_defined(o, name); s; s = o->same_name[s])
		if (o->image.syms[s].value == target)
			return true;
	return false;
}

static int number_of(const struct link_object *o, const char *name)
{
	return sc_nr(o->image.machine == ELF_X86_64 ? SC_X86_64 : SC_AARCH64, name);
}

bool gates_hold_call(unsigned row, const struct link_object *o, uint64_t target)
{
	if (!gates[row].held[0])
		return true;
	for (unsigned k = 0; k < MAX_NAMES && gates[row].held[k]; k++)
		if (is_named(o, target, gates[row].held[k]))
			return true;
	return false;
}

bool gates_hold_number(unsigned row, const struct link_object *o, uint32_t nr)
{
	if (!gates[row].held[0])
		return true;
	for (unsigned k = 0; k < MAX_NAMES && gates[row].held[k]; k++)
		if (number_of(o, gates[row].held[k]) == (int)nr)
			return true;
	return false;
}

static bool makes_call(const struct link_object *o, const struct elf_function *f, const char *name)
{
	const struct elf_facts *x = &o->facts;
	int nr = number_of(o, name);

	for (uint32_t k = 0; k < f->sites_n; k++)
		if (x->sites[f->sites + k].numbers_n == 1 &&
		    (int)x->numbers[x->sites[f->sites + k].numbers] == nr)
			return true;
	return false;
}

static bool calls(const struct link_object *o, const struct elf_function *f, const char *name)
{
	const struct elf_facts *x = &o->facts;
	bool through = *name == '>';

	if (!through && makes_call(o, f, name))
		return true;
	for (uint32_t k = 0; k < f->refs_n && k < MAX_REFS; k++) {
		const struct elf_ref *r = &x->refs[f->refs + k];
		const struct elf_function *to = &x->functions[r->to];

		if (r->kind != ELF_REF_CODE && r->kind != ELF_REF_TAKEN)
			continue;
		if (through ? to != f && calls(o, to, name + 1) : is_named(o, to->start, name))
			return true;
	}
	return false;
}

static bool is_exported(const struct elf_image *m, const struct elf_function *f)
{
	for (size_t i = 0; i < m->syms_n; i++)
		if (m->syms[i].defined && m->syms[i].value == f->start)
			return true;
	return false;
}

static bool fits(const struct link_object *o, const struct elf_function *f, const char *signature)
{
	if (*signature == '@')
		return is_named(o, f->start, signature + 1);
	return calls(o, f, signature);
}

uint32_t *gates_of(const struct link_object *o)
{
	const struct elf_facts *x = &o->facts;
	uint32_t *rows;

	if (!link_defined(o, "gnu_get_libc_version"))
		return NULL;
	rows = xcalloc(x->functions_n + 1, sizeof(*rows));
	for (size_t f = 0; f < x->functions_n; f++)
		for (unsigned i = 0; i < ARRAY_SIZE(gates); i++) {
			bool all = true;

			for (unsigned k = 0; all && k < MAX_NAMES && gates[i].signature[k]; k++)
				all = fits(o, &x->functions[f], gates[i].signature[k]);
			if (all && (*gates[i].signature[0] == '@' ||
				    !is_exported(&o->image, &x->functions[f])))
				rows[f] |= 1u << i;
		}
	return rows;
}

/* DNS for anything but hosts and networks opens its gate: any lookup may use it then. */
uint32_t gates_open_always(const struct elf_files *files)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	cleanup_free char *text = NULL;
	char *lines = NULL;

	if (elf_files_open(files, "/etc/nsswitch.conf", ELF_MAX_TEXT, &b, NULL))
		return 0; /* the built-in default has it for hosts and networks only */
	text = xcalloc(b.len + 1, 1);
	memcpy(text, b.data, b.len);
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t");
		if (strstr(line, "dns") && strncmp(line, "hosts", 5) != 0 &&
		    strncmp(line, "networks", 8) != 0)
			return 1u << DNS_GATE;
	}
	return 0;
}
