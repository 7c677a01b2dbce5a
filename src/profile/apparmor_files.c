#include "profile/apparmor_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/generate_private.h"

/* Permissions of a file rule, apparmor.d(5). */
enum {
	AA_M = 1 << 0, /* map executable */
	AA_R = 1 << 1,
	AA_W = 1 << 2,	/* write, append, create, delete, change attributes */
	AA_A = 1 << 3,	/* append only; excludes w */
	AA_K = 1 << 4,	/* lock */
	AA_L = 1 << 5,	/* name of a new hard link */
	AA_IX = 1 << 6, /* execute, in the same profile */
};

enum group { GROUP_EXEC, GROUP_CODE, GROUP_WRITE, GROUP_READ, GROUP_MISSING, GROUP_COUNT };

static const char *const titles[GROUP_COUNT] = {
	[GROUP_EXEC] = "Programs that are executed, in this same profile",
	[GROUP_CODE] = "Libraries and other code that is mapped",
	[GROUP_WRITE] = "Files that are written, created, deleted or locked",
	[GROUP_READ] = "Files that are read",
	[GROUP_MISSING] = "Looked for, not there",
};

struct aa_rule {
	char *path; /* as in the profile */
	unsigned perm;
	bool missing;  /* nothing but looked for */
	char *comment; /* NULL without one */
};

struct rules {
	struct aa_rule *v;
	size_t n, cap;
};

static void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].path);
		free(r->v[i].comment);
	}
	free(r->v);
}

static void add_rule(struct rules *r, char *path, unsigned perm, bool missing, char *comment)
{
	struct aa_rule *a = vec_push(r->v, r->n, r->cap);

	*a = (struct aa_rule){ path, perm, missing, comment };
}

/*
 * One byte that stands for itself. A backslash as a number: the parser takes a quote behind one for
 * a part of the name, also behind two at the name's end.
 */
static void literal_byte(unsigned char c, struct buf *out)
{
	if (c < ' ' || c == 0x7f || c == '\\')
		buf_printf(out, "\\%03o", c);
	else if (strchr("\"[]{}*?^,", c))
		buf_printf(out, "\\%c", c);
	else
		buf_putc(out, (char)c);
}

/* Copies one element of a pattern; returns how many bytes of it were taken. */
static size_t pattern_element(const char *p, struct buf *out)
{
	static const char pid[] = "@{pid}";

	if (*p == '\\' && p[1]) {
		literal_byte((unsigned char)p[1], out);
		return 2;
	}
	if (!strncmp(p, pid, strlen(pid))) {
		buf_puts(out, pid);
		return strlen(pid);
	}
	if (*p == '*')
		buf_putc(out, '*');
	else
		literal_byte((unsigned char)*p, out);
	return 1;
}

void aa_path(const char *path, bool pattern, struct buf *out)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "/._+-:=~%@{}*";
	cleanup_buf struct buf text = { 0 };
	bool quote;

	for (const char *p = path; *p;) {
		if (pattern) {
			p += pattern_element(p, &text);
		} else {
			literal_byte((unsigned char)*p, &text);
			p++;
		}
	}
	quote = buf_str(&text)[strspn(buf_str(&text), bare)] != '\0';
	buf_printf(out, "%s%s%s", quote ? "\"" : "", buf_str(&text), quote ? "\"" : "");
}

static char *path_text(const char *path, bool pattern)
{
	struct buf b = { 0 };

	aa_path(path, pattern, &b);
	return buf_take(&b);
}

static unsigned perm_of(uint32_t access)
{
	unsigned perm = 0;

	if (access & (WL_F_READ | WL_F_MISSING))
		perm |= AA_R;
	if (access & (WL_F_WRITE | WL_F_CREATE | WL_F_DELETE | WL_F_META))
		perm |= AA_W;
	if (access & WL_F_APPEND)
		perm |= AA_A;
	if (access & WL_F_EXEC)
		perm |= AA_IX | AA_M | AA_R; /* the kernel maps what it executes */
	if (access & WL_F_MAP)
		perm |= AA_M | AA_R;
	if (access & WL_F_LOCK)
		perm |= AA_K;
	return perm;
}

static char *provenance(const struct workload *w, const struct wl_file *f)
{
	struct buf b = { 0 };

	gen_programs(w, &f->prov.programs, 3, &b);
	buf_puts(&b, b.len ? ": " : "");
	gen_phases(f->prov.phases & WL_PROGRAM_PHASES, &b);
	if (f->access & WL_F_REFUSED)
		buf_puts(&b, "; refused at least once");
	return buf_take(&b);
}

static void add_files(const struct workload *w, struct rules *r, struct buf *notes)
{
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_file *f = &w->files[i];
		unsigned perm = perm_of(f->access);
		bool missing = !(f->access & ~(uint32_t)(WL_F_MISSING | WL_F_CHDIR | WL_F_REFUSED));

		if (!(f->prov.phases & WL_PROGRAM_PHASES) || !perm)
			continue;
		if (f->pattern && perm & AA_IX)
			gen_note(notes, "the pattern '%.200s' may be executed as a whole", f->path);
		add_rule(r, path_text(f->path, f->pattern), perm, missing,
			 perm & (AA_IX | AA_W | AA_A) || f->access & WL_F_REFUSED ? provenance(w, f)
										  : NULL);
	}
}

/* Whether the program did something itself, after the runtime had started it. */
static bool program_ran(const struct workload *w, uint32_t program)
{
	for (size_t i = 0; i < w->syscalls_n; i++) {
		const struct wl_prov *p = &w->syscalls[i].prov;

		if (!(p->phases & ~WL_PROGRAM_PHASES) && wl_set_has(&p->programs, program))
			return true;
	}
	for (size_t i = 0; i < w->files_n; i++) {
		const struct wl_prov *p = &w->files[i].prov;

		if (!(p->phases & ~WL_PROGRAM_PHASES) && wl_set_has(&p->programs, program))
			return true;
	}
	return false;
}

/* ELF interpreters are mapped; the interpreters of scripts are executed. */
static unsigned interpreter_perm(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return !strncmp(name, "ld", 2) && strstr(name, ".so") ? AA_M | AA_R : AA_IX | AA_M | AA_R;
}

static void add_programs(const struct workload *w, struct rules *r)
{
	for (size_t i = 0; i < w->programs_n; i++) {
		const struct wl_program *p = &w->programs[i];

		if (!program_ran(w, (uint32_t)i))
			continue;
		if (*p->path == '/')
			add_rule(r, path_text(p->path, false), AA_IX | AA_M | AA_R, false, NULL);
		if (p->interpreter && *p->interpreter == '/')
			add_rule(r, path_text(p->interpreter, false),
				 interpreter_perm(p->interpreter), false, NULL);
	}
	if (w->identity.entrypoint_n && *w->identity.entrypoint[0] == '/')
		add_rule(r, path_text(w->identity.entrypoint[0], false), AA_IX | AA_M | AA_R, false,
			 xstrdup("entry point"));
}

/* What code executes by name, and nobody saw. */
static void add_named(const struct workload *w, bool allow, struct rules *r, struct buf *notes)
{
	for (uint32_t i = 0; i < w->programs_n; i++) {
		const struct wl_program *p = &w->programs[i];
		cleanup_buf struct buf by = { 0 };

		if (*p->path != '/' || !wl_program_only_named(w, i))
			continue;
		gen_programs(w, &p->parents, 3, &by);
		if (!allow) {
			gen_note(notes,
				 "the code of %s executes %.200s; no recording saw it, and it is "
				 "refused (--unseen=all)",
				 buf_str(&by), p->path);
			continue;
		}
		add_rule(r, path_text(p->path, false), AA_IX | AA_M | AA_R, false,
			 xasprintf("%s: not recorded, its code executes it", buf_str(&by)));
		if (p->interpreter && *p->interpreter == '/')
			add_rule(r, path_text(p->interpreter, false),
				 interpreter_perm(p->interpreter), false, NULL);
	}
}

/* Sockets in the file system are connected to and made through their path. */
static void add_sockets(const struct workload *w, struct rules *r)
{
	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];

		if (n->family != AF_UNIX || *n->address != '/' ||
		    !(n->prov.phases & WL_PROGRAM_PHASES))
			continue;
		add_rule(r, path_text(n->address, false), AA_R | AA_W, false,
			 xasprintf("unix socket, %s", wl_net_op_name(n->op)));
		/* The address is as the program wrote it; /var/run is a link to /run nearly
		 * everywhere. */
		if (!strncmp(n->address, "/var/run/", 9))
			add_rule(r, path_text(n->address + 4, false), AA_R | AA_W, false,
				 xasprintf("unix socket, %s", wl_net_op_name(n->op)));
	}
}

/* What the runtime opened as standard streams is checked again when the program starts. */
static void add_streams(struct rules *r)
{
	static const char *const streams[] = { "/dev/null", "/dev/console", "/dev/pts/[0-9]*" };

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		add_rule(r, xstrdup(streams[i]), AA_R | AA_W, false, xstrdup("standard streams"));
}

static int rule_cmp(const void *pa, const void *pb)
{
	return strcmp(((const struct aa_rule *)pa)->path, ((const struct aa_rule *)pb)->path);
}

/* Sorts, and joins what is about the same path. */
static void merge_rules(struct rules *r)
{
	size_t out = 0;

	if (!r->n)
		return;
	qsort(r->v, r->n, sizeof(*r->v), rule_cmp);
	for (size_t i = 0; i < r->n; i++) {
		struct aa_rule *a = &r->v[i], *into = out ? &r->v[out - 1] : NULL;

		if (!into || strcmp(into->path, a->path)) {
			r->v[out++] = *a;
			continue;
		}
		into->perm |= a->perm;
		into->missing = into->missing && a->missing;
		/* The longer one, so that the order of equal paths does not matter. */
		if (a->comment && (!into->comment || strcmp(a->comment, into->comment) > 0)) {
			free(into->comment);
			into->comment = take_ptr(a->comment);
		}
		free(a->comment);
		free(a->path);
	}
	r->n = out;
}

static enum group group_of(const struct aa_rule *a)
{
	if (a->missing)
		return GROUP_MISSING;
	if (a->perm & AA_IX)
		return GROUP_EXEC;
	if (a->perm & (AA_W | AA_A | AA_K | AA_L))
		return GROUP_WRITE;
	return a->perm & AA_M ? GROUP_CODE : GROUP_READ;
}

static void print_rule(const struct aa_rule *a, struct buf *out)
{
	unsigned p = a->perm;

	buf_printf(out, "  %s %s%s%s%s%s,", a->path, p & AA_M ? "m" : "", p & AA_R ? "r" : "",
		   p & AA_W   ? "w"
		   : p & AA_A ? "a"
			      : "",
		   p & AA_K ? "k" : "", p & AA_IX ? "ix" : "");
	if (a->comment && *a->comment)
		buf_printf(out, " # %s", a->comment);
	buf_putc(out, '\n');
}

static void print_groups(const struct rules *r, struct buf *out)
{
	for (unsigned g = 0; g < GROUP_COUNT; g++) {
		bool any = false;

		for (size_t i = 0; i < r->n; i++) {
			if (group_of(&r->v[i]) != g)
				continue;
			if (!any)
				buf_printf(out, "\n  # %s\n", titles[g]);
			any = true;
			print_rule(&r->v[i], out);
		}
	}
}

static bool is_link(const struct wl_file *f, bool made)
{
	return f->access & WL_F_LINK && f->prov.phases & WL_PROGRAM_PHASES &&
	       (!made || f->access & WL_F_CREATE);
}

/*
 * Hard links. A plain `l` would demand that the link has no permission that the target lacks; a
 * rule with both names does not. The model does not pair them, so all pairs are allowed.
 */
static void print_links(const struct workload *w, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < w->files_n; i++) {
		if (!is_link(&w->files[i], true))
			continue;
		for (size_t k = 0; k < w->files_n; k++) {
			const struct wl_file *new = &w->files[i], *target = &w->files[k];

			if (!is_link(target, false) || (k == i && !target->pattern))
				continue;
			buf_puts(out, any ? "  link " : "\n  # Hard links\n  link ");
			any = true;
			aa_path(new->path, new->pattern, out);
			buf_puts(out, " -> ");
			aa_path(target->path, target->pattern, out);
			buf_puts(out, ",\n");
		}
	}
}

void aa_files(const struct workload *w, bool named, struct buf *out, struct buf *notes)
{
	cleanup(rules_free) struct rules r = { 0 };

	add_files(w, &r, notes);
	add_programs(w, &r);
	add_named(w, named, &r, notes);
	add_sockets(w, &r);
	add_streams(&r);
	merge_rules(&r);
	print_groups(&r, out);
	print_links(w, out);
}

/* Docker's template has the first ones; the others start programs on the host or change its
 * modules. */
static const struct {
	const char *rule;
	const char *sample; /* a path that it covers */
	uint32_t access;    /* what a model must not have for it */
} denials[] = {
	{ "/proc/sysrq-trigger rwklx", "/proc/sysrq-trigger", ~0u },
	{ "/proc/kcore rwklx", "/proc/kcore", ~0u },
	{ "/sys/firmware/** rwklx", "/sys/firmware/", ~0u },
	{ "/sys/kernel/security/** rwklx", "/sys/kernel/security/", ~0u },
	{ "/sys/devices/virtual/powercap/** rwklx", "/sys/devices/virtual/powercap/", ~0u },
	{ "/proc/sys/kernel/core_pattern wl", "/proc/sys/kernel/core_pattern",
	  ~(uint32_t)(WL_F_READ | WL_F_MISSING | WL_F_REFUSED) },
	{ "/proc/sys/kernel/modprobe wl", "/proc/sys/kernel/modprobe",
	  ~(uint32_t)(WL_F_READ | WL_F_MISSING | WL_F_REFUSED) },
	{ "/sys/kernel/uevent_helper wl", "/sys/kernel/uevent_helper",
	  ~(uint32_t)(WL_F_READ | WL_F_MISSING | WL_F_REFUSED) },
};

/* Whether the file entry can mean something that the denial covers. */
static bool contradicts(const struct wl_file *f, const char *sample)
{
	size_t n = strlen(sample);
	cleanup_free char *inside = NULL;

	if (sample[n - 1] != '/')
		return wl_file_matches(f, sample);
	inside = xasprintf("%sx", sample);
	return !strncmp(f->path, sample, n) || wl_file_matches(f, inside);
}

void aa_denials(const struct workload *w, struct buf *out)
{
	bool any = false;

	for (size_t d = 0; d < ARRAY_SIZE(denials); d++) {
		bool used = false;

		for (size_t i = 0; i < w->files_n && !used; i++)
			used = w->files[i].prov.phases & WL_PROGRAM_PHASES &&
			       w->files[i].access & denials[d].access &&
			       contradicts(&w->files[i], denials[d].sample);
		if (used)
			continue;
		if (!any)
			buf_puts(out, "\n  # Never, whatever rules are added\n");
		any = true;
		buf_printf(out, "  deny %s,\n", denials[d].rule);
	}
}
