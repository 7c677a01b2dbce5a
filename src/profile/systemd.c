/* A drop-in for a systemd service: what its program was seen to need, as systemd.exec(5) says it.
 */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/constants.h"
#include "profile/equivalents.h"
#include "profile/platform_private.h"
#include "profile/seen.h"

enum { LINE_MAX_WIDTH = 90 };

/* The text of a unit in the making. */
struct unit {
	const struct workload *w;
	const struct gen_options *o;
	const struct gen_container *c;
	struct buf *out, *notes;
};

static bool called(const struct workload *w, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seen_called(w, names[i], WL_PROGRAM_PHASES))
			return true;
	return false;
}

static bool needs_cap(const struct workload *w, const char *name)
{
	struct gen_caps c;

	gen_caps(w, &c);
	return c.needed >> bcap_by_name(name)->nr & 1;
}

/* Whether the program touched something below the directory with one of these accesses. */
static bool touched(const struct workload *w, const char *dir, uint32_t access)
{
	size_t n = strlen(dir);

	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];

		if (f->prov.phases & WL_PROGRAM_PHASES && f->access & access &&
		    !strncmp(f->path, dir, n) && (f->path[n] == '/' || !f->path[n]))
			return true;
	}
	return false;
}

#define ANY_ACCESS   (~(uint32_t)WL_F_MISSING)
#define WRITE_ACCESS (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META | WL_F_LINK)

/* ---- system calls ---- */

/* Whether `name` is a word of the list that systemd-analyze prints. */
static bool is_known(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, " \t\n");

		if (*p == '#') { /* a remark, or a name that is not in every architecture */
			p += strcspn(p, "\n");
			continue;
		}
		if (len == n && !strncmp(p, name, n))
			return true;
		p += len + (p[len] != '\0');
	}
	return false;
}

static bool is_always(const char *name)
{
	for (size_t i = 0; gen_always[i]; i++)
		if (!strcmp(gen_always[i], name))
			return true;
	return false;
}

/* Another name for a call that was seen; never clone3, whose flags no filter can see. */
static bool is_equivalent(const struct unit *u, const char *name)
{
	const char *const *group;
	size_t n;

	if (!strcmp(name, "clone3"))
		return false;
	for (size_t i = 0; (group = equivalents_group(i, u->o->equivalents, &n)); i++) {
		bool in = false;

		for (size_t k = 0; k < n; k++)
			in = in || !strcmp(group[k], name);
		if (in && called(u->w, group, n))
			return true;
	}
	return false;
}

static bool in_use(const struct workload *w, const struct sc_desc *d)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		if (d->nr[abi] >= 0 && seen_abi(w, (enum sc_abi)abi, WL_PROGRAM_PHASES))
			return true;
	return false;
}

static bool wanted(const struct unit *u, const struct sc_desc *d)
{
	if (!in_use(u->w, d) || (!strcmp(d->name, "clone3") && !u->o->clone3))
		return false;
	return seen_called(u->w, d->name, WL_PROGRAM_PHASES) || is_always(d->name) ||
	       is_equivalent(u, d->name);
}

/* One directive with many words, on lines of a bounded length; later lines add to the first. */
struct words {
	struct buf *out;
	const char *key, *before; /* "SystemCallFilter", "" or "~" */
	size_t width;
};

static void put_word(struct words *l, const char *word)
{
	size_t n = strlen(word);

	if (l->width && l->width + 1 + n <= LINE_MAX_WIDTH) {
		buf_printf(l->out, " %s", word);
		l->width += 1 + n;
		return;
	}
	buf_printf(l->out, "%s%s=%s%s", l->width ? "\n" : "", l->key, l->before, word);
	l->width = strlen(l->key) + 1 + strlen(l->before) + n;
}

static void put_calls(struct unit *u, const char *known)
{
	struct words l = { u->out, u->o->complain ? "SystemCallLog" : "SystemCallFilter",
			   u->o->complain ? "~" : "", 0 };

	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		if (!wanted(u, d))
			continue;
		if (known && !is_known(known, d->name))
			gen_note(u->notes,
				 "%s is left out, since this systemd does not know it: it will "
				 "answer ENOSYS",
				 d->name);
		else
			put_word(&l, d->name);
	}
	buf_putc(u->out, '\n');
	for (size_t i = 0; i < u->w->syscalls_n; i++)
		if (!u->w->syscalls[i].desc && u->w->syscalls[i].prov.phases & WL_PROGRAM_PHASES)
			gen_note(u->notes,
				 "the call with the number %u has no name and is left out",
				 u->w->syscalls[i].nr);
	if (!u->o->complain)
		buf_puts(u->out, "SystemCallErrorNumber=ENOSYS\n");
}

static void put_architectures(struct unit *u)
{
	buf_puts(u->out, "SystemCallArchitectures=native");
	if (seen_abi(u->w, SC_I386, WL_PROGRAM_PHASES))
		buf_puts(u->out, " x86");
	if (seen_abi(u->w, SC_X32, WL_PROGRAM_PHASES))
		buf_puts(u->out, " x32");
	buf_putc(u->out, '\n');
}

/* ---- arguments of calls, as far as there are directives ---- */

static void put_families(struct unit *u)
{
	static const char *const calls[] = { "socket", "socketpair" };
	cleanup_seen struct seen all = { 0 };
	bool known = !seen_called(u->w, "socketcall", WL_PROGRAM_PHASES);
	uint64_t last = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		cleanup_seen struct seen s = { 0 };

		seen_sockets(u->w, calls[i], WL_PROGRAM_PHASES, u->o->equivalents != GEN_EQ_OFF,
			     &s);
		known = known && s.state != SEEN_UNKNOWN;
		for (size_t k = 0; k < s.n; k++)
			seen_add(&all, s.rows[k].v, 1);
	}
	seen_sort(&all);
	for (size_t i = 0; i < all.n; i++)
		known = known && const_name(CONST_FAMILY, all.rows[i].v[0]);
	if (!known) {
		gen_note(u->notes, "RestrictAddressFamilies is left out, since not all sockets are "
				   "in the model");
		return;
	}
	buf_puts(u->out, "RestrictAddressFamilies=");
	if (!all.n)
		buf_puts(u->out, "none");
	for (size_t i = 0; i < all.n; i++) {
		if (all.rows[i].v[0] != last)
			buf_printf(u->out, "%s%s", i ? " " : "",
				   const_name(CONST_FAMILY, all.rows[i].v[0]));
		last = all.rows[i].v[0];
	}
	buf_putc(u->out, '\n');
}

/* Collects one argument of a call; false when its values are not all known. */
static bool add_bits(const struct workload *w, const char *name, uint8_t index, uint64_t *bits)
{
	static const uint64_t mask[] = { UINT64_MAX };
	cleanup_seen struct seen s = { 0 };

	seen_collect(w, name, WL_PROGRAM_PHASES, 1, &index, mask, &s);
	for (size_t i = 0; i < s.n; i++)
		*bits |= s.rows[i].v[0];
	return s.state != SEEN_UNKNOWN;
}

static void put_namespaces(struct unit *u)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} kinds[] = {
		{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWIPC, "ipc" }, { CLONE_NEWNET, "net" },
		{ CLONE_NEWNS, "mnt" },	       { CLONE_NEWPID, "pid" }, { CLONE_NEWUSER, "user" },
		{ CLONE_NEWUTS, "uts" },
	};
	uint64_t flags = 0;
	const char *sep = "";
	bool known = add_bits(u->w, "clone", 0, &flags);

	known = add_bits(u->w, "clone3", 0, &flags) && known;
	known = add_bits(u->w, "unshare", 0, &flags) && known;
	/* setns with 0 takes any kind. */
	if (!known || seen_called(u->w, "setns", WL_PROGRAM_PHASES)) {
		gen_note(u->notes, "RestrictNamespaces is left out, since not all flags of clone, "
				   "unshare and setns are in the model");
		return;
	}
	buf_puts(u->out, "RestrictNamespaces=");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(flags & kinds[i].flag))
			continue;
		buf_printf(u->out, "%s%s", sep, kinds[i].name);
		sep = " ";
	}
	buf_puts(u->out, *sep ? "\n" : "true\n");
}

/* The directive also refuses mprotect(PROT_EXEC) and shmat(SHM_EXEC) at any time. */
static void put_memory(struct unit *u)
{
	static const char *const maps[] = { "mmap", "mmap2" };
	static const char *const protects[] = { "mprotect", "pkey_mprotect" };
	static const uint64_t mask[] = { UINT32_MAX };
	static const uint8_t prot = 2;
	bool ok = !seen_called(u->w, "shmat", WL_PROGRAM_PHASES);

	for (size_t i = 0; i < 4; i++) {
		const char *name = i < 2 ? maps[i] : protects[i - 2];
		uint64_t bad = i < 2 ? PROT_WRITE | PROT_EXEC : PROT_EXEC;
		cleanup_seen struct seen s = { 0 };

		seen_collect(u->w, name, WL_PROGRAM_PHASES, 1, &prot, mask, &s);
		ok = ok && s.state != SEEN_UNKNOWN;
		for (size_t k = 0; k < s.n; k++)
			ok = ok && (s.rows[k].v[0] & bad) != bad;
	}
	if (ok)
		buf_puts(u->out, "MemoryDenyWriteExecute=true\n");
	else
		gen_note(u->notes, "MemoryDenyWriteExecute is left out: the program makes memory "
				   "executable after it was written, or may do so");
}

/* ---- switches that hold when nothing in the model speaks against them ---- */

static bool uses_devices(const struct workload *w)
{
	static const char *const common[] = {
		"/dev/null",	"/dev/zero",   "/dev/full",   "/dev/random",
		"/dev/urandom", "/dev/tty",    "/dev/ptmx",   "/dev/pts",
		"/dev/shm",	"/dev/log",    "/dev/fd",     "/dev/stdin",
		"/dev/stdout",	"/dev/stderr", "/dev/mqueue", "/dev/",
	};

	for (size_t i = 0; i < w->files_n; i++) {
		const char *path = w->files[i].path;
		bool known = false;

		if (strncmp(path, "/dev/", 5) != 0 ||
		    !(w->files[i].prov.phases & WL_PROGRAM_PHASES) ||
		    !(w->files[i].access & ANY_ACCESS))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(common); k++) {
			size_t n = strlen(common[k]);

			known = known || !strcmp(path, common[k]) ||
				(n > 5 && !strncmp(path, common[k], n) && path[n] == '/');
		}
		if (!known)
			return true;
	}
	return false;
}

static bool reads_processes(const struct workload *w)
{
	return touched(w, "/proc/@{pid}", ANY_ACCESS);
}

/* What is in /proc besides processes, "/proc/self" and what it is linked to. */
static bool reads_proc_files(const struct workload *w)
{
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];

		if (f->prov.phases & WL_PROGRAM_PHASES && f->access & ANY_ACCESS &&
		    !strncmp(f->path, "/proc/", 6) && f->path[6] != '@' &&
		    strncmp(f->path + 6, "self", 4) != 0 &&
		    strncmp(f->path + 6, "thread-self", 11) != 0)
			return true;
	}
	return false;
}

static void put_switch(struct unit *u, const char *name, bool against)
{
	if (!against)
		buf_printf(u->out, "%s=true\n", name);
}

static void put_switches(struct unit *u)
{
	static const char *const modules[] = { "init_module", "finit_module", "delete_module" };
	static const char *const clocks[] = { "clock_settime", "settimeofday", "adjtimex",
					      "clock_adjtime", "stime" };
	static const char *const hostname[] = { "sethostname", "setdomainname" };
	static const char *const scheduler[] = { "sched_setscheduler", "sched_setattr",
						 "sched_setparam" };
	static const char *const modes[] = { "chmod", "fchmod", "fchmodat", "fchmodat2" };
	static const char *const syslog[] = { "syslog" };
	static const char *const personality[] = { "personality" };
	const struct workload *w = u->w;
	bool raw_io = needs_cap(w, "CAP_SYS_RAWIO") || needs_cap(w, "CAP_MKNOD");

	put_switch(u, "LockPersonality", called(w, personality, 1));
	put_switch(u, "RestrictRealtime", called(w, scheduler, ARRAY_SIZE(scheduler)));
	put_switch(u, "RestrictSUIDSGID", called(w, modes, ARRAY_SIZE(modes)));
	put_switch(u, "PrivateDevices", uses_devices(w) || raw_io);
	put_switch(u, "ProtectKernelTunables",
		   touched(w, "/proc/sys", WRITE_ACCESS) || touched(w, "/sys", WRITE_ACCESS) ||
			   touched(w, "/proc/kcore", ANY_ACCESS));
	put_switch(u, "ProtectKernelModules",
		   called(w, modules, ARRAY_SIZE(modules)) || needs_cap(w, "CAP_SYS_MODULE") ||
			   touched(w, "/usr/lib/modules", ANY_ACCESS) ||
			   touched(w, "/lib/modules", ANY_ACCESS));
	put_switch(u, "ProtectKernelLogs",
		   called(w, syslog, 1) || needs_cap(w, "CAP_SYSLOG") ||
			   touched(w, "/dev/kmsg", ANY_ACCESS) ||
			   touched(w, "/proc/kmsg", ANY_ACCESS));
	put_switch(u, "ProtectControlGroups", touched(w, "/sys/fs/cgroup", WRITE_ACCESS));
	put_switch(u, "ProtectClock",
		   called(w, clocks, ARRAY_SIZE(clocks)) || needs_cap(w, "CAP_SYS_TIME") ||
			   needs_cap(w, "CAP_WAKE_ALARM"));
	put_switch(u, "ProtectHostname", called(w, hostname, ARRAY_SIZE(hostname)));
	if (!reads_processes(w))
		buf_puts(u->out, "ProtectProc=invisible\n");
	if (!reads_proc_files(w))
		buf_puts(u->out, "ProcSubset=pid\n");
}

/* ---- files ---- */

/* As one word of a list of paths: quotes, C escapes, and no specifiers. */
static void put_path(const char *path, struct buf *out)
{
	bool quote = path[strcspn(path, " \t\n\"'\\;")] != '\0';

	buf_puts(out, quote ? "\"" : "");
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c == '%')
			buf_puts(out, "%%");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_puts(out, quote ? "\"" : "");
}

static void put_paths_line(struct unit *u, const char *key, const char *path)
{
	buf_printf(u->out, "%s=-", key);
	put_path(path, u->out);
	buf_putc(u->out, '\n');
}

static void put_writes(struct unit *u)
{
	static const char *const homes[] = { "/home", "/root", "/run/user" };
	cleanup_places struct places p = { 0 };
	bool reads = false, writes = false;

	places_find(u->w, u->c->volumes, u->c->volumes_n, &p);
	buf_puts(u->out, "ProtectSystem=strict\n");
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		reads = reads || touched(u->w, homes[i], ANY_ACCESS);
		writes = writes || touched(u->w, homes[i], WRITE_ACCESS);
	}
	if (!writes)
		buf_printf(u->out, "ProtectHome=%s\n", reads ? "read-only" : "true");
	for (size_t i = 0; i < p.n; i++) {
		if (strcmp(p.v[i].dir, "/"))
			put_paths_line(u, "ReadWritePaths", p.v[i].dir);
		else
			gen_note(u->notes, "the program writes files in the root directory itself: "
					   "they are refused; name each of them in "
					   "ReadWritePaths");
	}
}

struct strings {
	char **v;
	size_t n, cap;
};

static void strings_free(struct strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

static void add_string(struct strings *s, char *text)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->v[i], text)) {
			free(text);
			return;
		}
	}
	*vec_push(s->v, s->n, s->cap) = text;
}

static int string_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

/* Programs one by one; libraries by their directory, since their names change with updates. */
static bool collect_code(const struct unit *u, struct strings *s)
{
	for (size_t i = 0; i < u->w->files_n; i++) {
		const struct wl_file *f = &u->w->files[i];

		if (!(f->access & (WL_F_EXEC | WL_F_MAP)) ||
		    !(f->prov.phases & WL_PROGRAM_PHASES) || *f->path != '/')
			continue;
		if (f->pattern)
			return false;
		add_string(s, f->access & WL_F_EXEC ? xstrdup(f->path) : directory_of(f->path));
	}
	for (size_t i = 0; i < u->w->programs_n; i++) {
		const struct wl_program *p = &u->w->programs[i];

		if (*p->path == '/' && touched(u->w, p->path, WL_F_EXEC) && p->interpreter &&
		    *p->interpreter == '/')
			add_string(s, xstrdup(p->interpreter));
	}
	return true;
}

static void put_code(struct unit *u)
{
	cleanup(strings_free) struct strings s = { 0 };

	if (!collect_code(u, &s)) {
		gen_note(u->notes, "NoExecPaths is left out, since names of programs or libraries "
				   "are patterns in the model");
		return;
	}
	if (!s.n)
		return;
	qsort(s.v, s.n, sizeof(*s.v), string_cmp);
	buf_puts(u->out, "NoExecPaths=/\n");
	for (size_t i = 0; i < s.n; i++)
		put_paths_line(u, "ExecPaths", s.v[i]);
}

/* ---- identity ---- */

static void put_caps(struct unit *u)
{
	struct gen_caps c;
	bool user = u->c->user && strcmp(u->c->user, "0") && strncmp(u->c->user, "0:", 2) != 0;

	gen_caps(u->w, &c);
	for (unsigned line = 0; line < (user && c.needed ? 2u : 1u); line++) {
		const char *sep = "";

		buf_puts(u->out, line ? "AmbientCapabilities=" : "CapabilityBoundingSet=");
		for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
			if (!(c.needed >> nr & 1))
				continue;
			buf_printf(u->out, "%s%s", sep, bcap_by_nr(nr)->name);
			sep = " ";
		}
		buf_putc(u->out, '\n');
	}
	if (!u->c->user && c.needed)
		gen_note(u->notes, "a unit with User= needs its capabilities as "
				   "AmbientCapabilities too (--user UID:GID writes both)");
}

static void put_identity(struct unit *u)
{
	const struct gen_container *c = u->c;
	const char *group = c->user ? strchr(c->user, ':') : NULL;

	if (c->user)
		buf_printf(u->out, "User=%.*s\n", (int)strcspn(c->user, ":"), c->user);
	if (group)
		buf_printf(u->out, "Group=%s\n", group + 1);
	if (platform_nnp(u->w, c, u->notes))
		buf_puts(u->out, "NoNewPrivileges=true\n");
	put_caps(u);
	if (c->apparmor)
		buf_printf(u->out, "AppArmorProfile=%s\n", c->apparmor);
	if (c->selinux)
		buf_printf(u->out, "SELinuxContext=system_u:system_r:%s:s0\n", c->selinux);
}

/* With nothing but loopback and unix sockets the service needs no network. */
static void put_addresses(struct unit *u)
{
	bool inet = false;

	for (size_t i = 0; i < u->w->nets_n; i++) {
		const struct wl_net *n = &u->w->nets[i];

		if (n->prov.phases & WL_PROGRAM_PHASES &&
		    (n->family == AF_INET || n->family == AF_INET6) &&
		    strncmp(n->address, "127.", 4) != 0 && strcmp(n->address, "::1") != 0)
			inet = true;
	}
	if (!inet && u->w->nets_n)
		buf_puts(u->out, "IPAddressDeny=any\nIPAddressAllow=localhost\n");
}

void gen_systemd(const struct workload *w, const struct gen_options *o,
		 const struct gen_container *c, const struct gen_systemd *s, struct buf *out,
		 struct buf *notes)
{
	struct unit u = { w, o, c, out, notes };

	buf_printf(out,
		   "# Drop-in for a service, generated by boltseal from the workload %s.\n"
		   "# Install as /etc/systemd/system/UNIT.service.d/boltseal.conf\n"
		   "[Service]\n",
		   c->name);
	if (o->complain) {
		put_calls(&u, s->known_calls);
		gen_note(notes,
			 "complain: system calls are logged; nothing else is in the unit, since "
			 "the other directives only enforce");
		return;
	}
	put_identity(&u);
	put_architectures(&u);
	put_calls(&u, s->known_calls);
	put_families(&u);
	put_namespaces(&u);
	put_memory(&u);
	put_switches(&u);
	put_writes(&u);
	put_code(&u);
	put_addresses(&u);
	gen_note(notes, "a unit filters calls by name: of their arguments only what the Restrict "
			"directives know is limited, and one error number holds for all calls");
	gen_note(notes, "the commands of ExecStartPre=, ExecReload= and so on run under the same "
			"restrictions: record them too");
}
