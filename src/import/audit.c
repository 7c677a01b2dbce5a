/* Audit logs and kernel logs: what seccomp, AppArmor and SELinux refused or would have refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "import/audit_private.h"
#include "model/capture.h"

/* No record with the arguments came: the call was made with any. */
static void flush_event(struct audit *a, struct au_event *ev)
{
	if (!ev->unargued)
		return;
	ev->unargued = false;
	wl_prov_add(&wl_syscall_add(a->im.w, ev->abi, ev->nr)->any, WL_PHASE_BIT(WL_START),
		    ev->program, a->im.source);
}

struct au_event *au_event(struct audit *a, uint64_t serial)
{
	struct au_event *ev = &a->ring[serial % AU_RING];

	if (ev->serial != serial) {
		flush_event(a, ev);
		*ev = (struct au_event){ .serial = serial, .program = -1 };
	}
	return ev;
}

void au_unsupported(struct audit *a, const char *what, const char *which)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %.60s", what, which);
	for (unsigned i = 0; i < a->named_n; i++)
		if (!strcmp(a->named[i], text))
			return;
	if (a->named_n == AU_NAMED)
		return;
	a->named[a->named_n++] = wl_string(a->im.w, text);
	import_note(&a->im, "a model does not express: %s", text);
}

static void on_seccomp(struct audit *a, const struct au_record *r)
{
	struct au_event *ev = au_event(a, r->serial);
	const struct capture *cap;
	char exe[PATH_MAX];
	struct wl_syscall *s;
	uint64_t arch, nr;
	int abi = -1;

	if (!au_number(r, "arch", 16, &arch) || !au_number(r, "syscall", 10, &nr)) {
		import_lost(&a->im, "calls");
		return;
	}
	for (int i = 0; i < SC_ABI_COUNT; i++)
		if (i != SC_X32 && sc_abi_audit_arch((enum sc_abi)i) == (uint32_t)arch)
			abi = i;
	if (abi == SC_X86_64 && (nr & SC_X32_BIT)) {
		abi = SC_X32;
		nr &= ~(uint64_t)SC_X32_BIT;
	}
	if (abi < 0 || nr > sc_max_nr((enum sc_abi)abi) + 1024) {
		au_unsupported(a, "call of architecture", au_get(r, "arch"));
		import_lost(&a->im, "calls");
		return;
	}
	a->seccomp++;
	ev->seccomp = true;
	ev->abi = (enum sc_abi)abi;
	ev->nr = (uint32_t)nr;
	if (au_text(r, "exe", exe, sizeof(exe)) && *exe == '/')
		ev->program = import_program(&a->im, exe);
	s = wl_syscall_add(a->im.w, ev->abi, ev->nr);
	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), ev->program, a->im.source);
	cap = s->desc ? capture_by_name(s->desc->name) : NULL;
	ev->unargued = cap && cap->args_n;
	a->unargued += ev->unargued;
}

/* The arguments of a call that a SECCOMP record of the same event named: a0 to a3. */
static void on_syscall(struct audit *a, const struct au_record *r)
{
	static const char *const names[] = { "a0", "a1", "a2", "a3" };
	struct au_event *ev = au_event(a, r->serial);
	uint64_t value[WL_MAX_ARGS];
	const struct capture *cap;
	struct wl_syscall *s;
	struct wl_call *c;

	if (!ev->unargued)
		return;
	s = wl_syscall_add(a->im.w, ev->abi, ev->nr);
	cap = capture_by_name(s->desc->name);
	if (cap->kind == CAPTURE_CLONE3)
		return;
	for (unsigned i = 0; i < cap->args_n; i++) {
		uint64_t raw;

		if (cap->arg[i] > 3 || !au_number(r, names[cap->arg[i]], 16, &raw))
			return;
		value[i] = capture_value(cap, s->desc, s->abi, i, raw);
	}
	if (s->calls_n >= IMPORT_MAX_VALUES)
		return;
	ev->unargued = false;
	a->unargued--;
	c = wl_call_add(s, cap->args_n, cap->arg, value);
	wl_prov_add(&c->prov, WL_PHASE_BIT(WL_START), ev->program, a->im.source);
}

/* Whether a label is of the profile: its name, a child "NAME//x", or "u:r:NAME:s0" of SELinux. */
static bool label_is(const char *label, const char *name)
{
	size_t n = strlen(name);
	const char *at;

	if (!label)
		return false;
	if (!strncmp(label, name, n) &&
	    (!label[n] || label[n] == ' ' || !strncmp(label + n, "//", 2)))
		return true;
	for (at = label; (at = strchr(at, ':')); at++)
		if (!strncmp(at + 1, name, n) && (at[1 + n] == ':' || !at[1 + n]))
			return true;
	return false;
}

static bool wanted(const struct audit *a, const struct au_record *r, bool names_container)
{
	const struct import_options *o = a->im.o;
	char comm[64];

	if (o->profile && !label_is(au_get(r, "profile"), o->profile) &&
	    !label_is(au_get(r, "subj"), o->profile) &&
	    !label_is(au_get(r, "scontext"), o->profile))
		return false;
	if (o->comm && (!au_text(r, "comm", comm, sizeof(comm)) || strcmp(comm, o->comm) != 0))
		return false;
	return !o->container || names_container;
}

static bool type_is(const struct au_record *r, const char *name, const char *number)
{
	return !strcmp(r->type, name) || !strcmp(r->type, number);
}

static void on_record(struct audit *a, const struct au_record *r, bool names_container)
{
	bool seccomp = type_is(r, "SECCOMP", "1326");

	a->records++;
	if (type_is(r, "SYSCALL", "1300")) {
		on_syscall(a, r);
		return;
	}
	if (type_is(r, "CWD", "1307")) {
		struct au_event *ev = au_event(a, r->serial);

		if (!au_text(r, "cwd", ev->cwd, sizeof(ev->cwd)) || ev->cwd[0] != '/')
			ev->cwd[0] = '\0';
		return;
	}
	if (type_is(r, "PATH", "1302")) {
		au_path(a, r);
		return;
	}
	if ((!seccomp && !au_get(r, "apparmor") && !r->perms) || !wanted(a, r, names_container))
		return;
	a->matched++;
	if (!a->first || r->sec < a->first)
		a->first = r->sec;
	if (r->sec > a->last)
		a->last = r->sec;
	if (seccomp)
		on_seccomp(a, r);
	else if (au_get(r, "apparmor"))
		au_apparmor(a, r);
	else
		au_selinux(a, r);
}

/*
 * What the kernel says when it drops records: kernel/audit.c (audit_log_lost, kauditd_printk_skb),
 * and the ratelimit of lib/ratelimit.c.
 */
static void on_kernel_line(struct audit *a, const char *text)
{
	static const char *const dropped[] = {
		"kauditd_printk_skb: ",
		"audit: audit_lost=",
		"audit: rate limit exceeded",
		"audit: backlog limit exceeded",
		"audit: kauditd hold queue overflow",
	};

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (strstr(text, dropped[i]))
			a->dropped = true;
}

static int read_log(struct audit *a, const struct import_input *in, struct err *e)
{
	cleanup_lines struct lines l = { .fd = -1 };
	struct au_record r;
	char *text;
	int rc = lines_open(&l, in, a->im.o, e);

	while (rc >= 0 && (rc = lines_next(&l, &text, e)) > 0) {
		bool names = a->im.o->container && strstr(text, a->im.o->container);

		a->im.lines++;
		if (l.partial && text[0])
			import_note(&a->im, "%s:%llu: the last line is cut off", l.name,
				    (unsigned long long)l.no);
		if (au_parse(text, &r))
			on_record(a, &r, names);
		else if (strstr(text, "type=1326") || strstr(text, "type=SECCOMP") ||
			 strstr(text, "apparmor="))
			import_skip(&a->im, l.name, l.no, text);
		else
			on_kernel_line(a, text);
	}
	lines_note_limit(&l, &a->im);
	return rc;
}

static const char *timestamp(struct workload *w, uint64_t sec)
{
	time_t t = (time_t)sec;
	char text[40];
	struct tm tm;

	if (!sec || sec > UINT32_MAX || !gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return "";
	return wl_string(w, text);
}

static int finish(struct audit *a, const struct import_input *in, int r, struct err *e)
{
	struct wl_source *s = &a->im.w->sources[a->im.source];

	if (r >= 0 && !a->records)
		r = err_set(e, EINVAL, "%s: no audit record in its %llu lines", in->name,
			    (unsigned long long)a->im.lines);
	if (r >= 0 && !a->matched)
		r = err_set(e, ENODATA,
			    "%s: of its %llu audit records none is of seccomp, AppArmor or "
			    "SELinux%s",
			    in->name, (unsigned long long)a->records,
			    a->im.o->profile || a->im.o->comm || a->im.o->container
				    ? " and passes the options"
				    : "");
	if (r >= 0) {
		s->started = timestamp(a->im.w, a->first);
		s->ended = timestamp(a->im.w, a->last);
		a->im.w->identity.arch = wl_string(a->im.w, sc_abi_name(a->im.o->arch));
		import_note(&a->im, "%llu records of seccomp, %llu of AppArmor and SELinux",
			    (unsigned long long)a->seccomp, (unsigned long long)a->lsm);
		if (a->unargued)
			import_note(&a->im, "records of seccomp have no arguments: the calls in "
					    "them are allowed with any");
		if (a->dropped)
			import_incomplete(&a->im,
					  "the kernel dropped records, as the log says: repeat the "
					  "run with sysctl kernel.printk_ratelimit=0, or with "
					  "auditd");
		a->im.supplement = true;
		import_note(&a->im, "a log has only what a profile did not allow: merge it into "
				    "the model that the profile was made from");
	}
	import_end(&a->im);
	return r < 0 ? r : 0;
}

int import_audit(struct workload *w, const struct import_input *in, size_t n,
		 const struct import_options *o, struct buf *notes, struct err *e)
{
	cleanup_free struct audit *a = calloc(1, sizeof(*a));
	cleanup_buf struct buf target = { 0 };
	int r = 0;

	if (!a)
		return err_errno(e, ENOMEM, "audit");
	buf_printf(&target, "audit log %s%s", in[0].name, n > 1 ? " and others" : "");
	import_begin(&a->im, w, o, notes, buf_str(&target));
	for (size_t i = 0; i < n && r >= 0; i++)
		r = read_log(a, &in[i], e);
	for (unsigned i = 0; i < AU_RING; i++)
		flush_event(a, &a->ring[i]);
	return finish(a, &in[0], r, e);
}
