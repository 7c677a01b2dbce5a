/* evt.arg.NAME, evt.args: arguments of calls by the names that Falco gives them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "enrich/enrich_private.h"
#include "model/constants.h"

enum { MAX_ERRNO = 4095 /* include/linux/err.h */ };

const char *errno_name(int64_t result)
{
	/* Results that only the kernel's own code and tracers see (include/linux/errno.h). */
	static const struct {
		int code;
		const char *name;
	} inside[] = { { 512, "ERESTARTSYS" },
		       { 513, "ERESTARTNOINTR" },
		       { 514, "ERESTARTNOHAND" },
		       { 516, "ERESTART_RESTARTBLOCK" } };
	int code;

	if (result < -MAX_ERRNO)
		return NULL;
	code = (int)-result;
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++)
		if (inside[i].code == code)
			return inside[i].name;
	return strerrorname_np(code);
}

/* The names of open flags, in the order in which Falco prints them (driver/flags_table.c). */
static const struct {
	const char *name;
	uint64_t bits;
} open_names[] = {
	{ "O_LARGEFILE", 0100000 }, { "O_DIRECTORY", O_DIRECTORY }, { "O_DIRECT", O_DIRECT },
	{ "O_TRUNC", O_TRUNC },	    { "O_SYNC", O_SYNC },	    { "O_NONBLOCK", O_NONBLOCK },
	{ "O_EXCL", O_EXCL },	    { "O_DSYNC", O_DSYNC },	    { "O_APPEND", O_APPEND },
	{ "O_CREAT", O_CREAT },
};

static void word(struct buf *b, const char *name)
{
	if (b->len)
		buf_putc(b, '|');
	buf_puts(b, name);
}

static const char *open_flags_text(struct enrich *e, uint64_t flags)
{
	const struct watch_fd *d = e->fd_part ? watch_part_bytes(e->fd_part) : NULL;
	struct buf *b = &e->names;

	b->len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(open_names); i++)
		if ((flags & open_names[i].bits) == open_names[i].bits &&
		    !(open_names[i].bits == O_DSYNC && (flags & O_SYNC) == O_SYNC))
			word(b, open_names[i].name);
	word(b, (flags & O_ACCMODE) == O_RDWR	  ? "O_RDWR"
		: (flags & O_ACCMODE) == O_WRONLY ? "O_WRONLY"
						  : "O_RDONLY");
	if (flags & O_CLOEXEC)
		word(b, "O_CLOEXEC");
	if ((flags & O_TMPFILE) == O_TMPFILE)
		word(b, "O_TMPFILE");
	if (d && d->created)
		word(b, "O_F_CREATED");
	if (d && d->layer)
		word(b, d->layer == WATCH_UPPER ? "FD_UPPER_LAYER" : "FD_LOWER_LAYER");
	return scratch_printf(e, "%s", buf_str(b));
}

static const char *mode_text(struct enrich *e, uint64_t mode)
{
	static const char *const names[] = { "S_IXOTH", "S_IWOTH", "S_IROTH", "S_IXGRP",
					     "S_IWGRP", "S_IRGRP", "S_IXUSR", "S_IWUSR",
					     "S_IRUSR", "S_ISVTX", "S_ISGID", "S_ISUID" };
	struct buf *b = &e->names;

	b->len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mode >> i & 1)
			word(b, names[i]);
	if ((mode & S_IFMT) == S_IFBLK)
		word(b, "S_IFBLK");
	return b->len ? scratch_printf(e, "%s", buf_str(b)) : NULL;
}

static const char *words_of(struct enrich *e, int arg, uint64_t value)
{
	const struct sc_desc *d = sc_by_nr(sc_abi_native(), e->rec->nr);

	e->names.len = 0;
	const_arg(d, sc_abi_native(), (unsigned)arg, value, NULL, &e->names);
	return scratch_printf(e, "%s", e->names.len ? buf_str(&e->names) : "");
}

static const char *descriptor_text(struct enrich *e, int64_t fd)
{
	char letter = 'o';

	if (fd == AT_FDCWD)
		return "AT_FDCWD";
	if (fd < 0)
		return errno_name(fd);
	fd_type_name(e, &letter);
	return scratch_printf(e, "<%c%s>%s", letter, fd_l4_letter(e), fd_name(e) ? fd_name(e) : "");
}

struct argument {
	const char *raw, *resolved; /* resolved NULL: there is none */
};

/* ---- what the kernel's programs put in the place of arguments that a call does not have */

/* Attributes of files: of ioctl(FS_IOC_SETFLAGS), and of FS_IOC_FSSETXATTR, file_setattr(2). */
static const struct {
	const char *name;
	uint32_t flag, xflag; /* linux/fs.h; xflag 0: only the first has it */
} attributes[] = {
	{ "FS_SECRM_FL", FS_SECRM_FL, 0 },
	{ "FS_SYNC_FL", FS_SYNC_FL, FS_XFLAG_SYNC },
	{ "FS_IMMUTABLE_FL", FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE },
	{ "FS_APPEND_FL", FS_APPEND_FL, FS_XFLAG_APPEND },
	{ "FS_NODUMP_FL", FS_NODUMP_FL, FS_XFLAG_NODUMP },
	{ "FS_NOATIME_FL", FS_NOATIME_FL, FS_XFLAG_NOATIME },
	{ "FS_PROJINHERIT_FL", FS_PROJINHERIT_FL, FS_XFLAG_PROJINHERIT },
};

/* What stands there is read with 32 bits, whichever size the request says. */
#define WITHOUT_SIZE(request) ((request) & ~(uint64_t)(_IOC_SIZEMASK << _IOC_SIZESHIFT))

static bool sets_attributes(const struct enrich *e, bool *extended)
{
	uint64_t request = WITHOUT_SIZE(e->rec->arg[1]);

	*extended = strcmp(e->shape->name, "ioctl") || request == WITHOUT_SIZE(FS_IOC_FSSETXATTR);
	return *extended || request == WITHOUT_SIZE(FS_IOC_SETFLAGS);
}

static bool attributes_argument(struct enrich *e, struct argument *a)
{
	uint64_t v = (uint32_t)e->rec->arg[WATCH_AT_ATTRIBUTES];
	bool extended;

	if (!e->shape || !sets_attributes(e, &extended))
		return false;
	e->names.len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (v & (extended ? attributes[i].xflag : attributes[i].flag))
			word(&e->names, attributes[i].name);
	a->raw = scratch_printf(e, "%llu", (unsigned long long)v);
	a->resolved = e->names.len ? scratch_printf(e, "%s", buf_str(&e->names)) : NULL;
	return true;
}

/* A time that is set: in ns since 1970, or WATCH_TIME_NOW, WATCH_TIME_KEPT. */
static bool time_parameter(const struct enrich *e, const char *name, int64_t *v)
{
	int64_t mtime = (int64_t)e->rec->arg[WATCH_AT_MTIME];
	int64_t now = (int64_t)(e->boot + e->rec->time);

	if (!strcmp(name, "atime")) {
		*v = (int64_t)e->rec->arg[WATCH_AT_ATIME];
	} else if (!strcmp(name, "mtime")) {
		*v = mtime;
	} else if (!strcmp(name, "mtime_age")) {
		if (mtime == WATCH_TIME_NOW || mtime == WATCH_TIME_KEPT)
			return false;
		if (mtime >= now)
			*v = 0;
		else if (__builtin_sub_overflow(now, mtime, v))
			*v = INT64_MAX;
	} else {
		return false;
	}
	return true;
}

/* prctl(2): the second argument is a text, or a number. */
static bool prctl_argument(struct enrich *e, const char *name, struct argument *a)
{
	uint64_t option = e->rec->arg[0];
	bool text = option == PR_SET_NAME || option == PR_GET_NAME;
	const struct watch_part *p = watch_part_find(e->rec, WATCH_P_TEXT, 1);

	if (!strcmp(name, "arg2_str")) {
		a->raw = text && p ? part_text(e, p) : NULL;
		return a->raw != NULL;
	}
	a->raw = scratch_printf(e, "%lld", text ? 0LL : (long long)e->rec->arg[1]);
	return true;
}

/*
 * The processes that a signal was sent to, by their names in e->list; 0: they are not known, or the
 * parameter is about something else. *first: the number of the first on this machine.
 */
static size_t signalled(struct enrich *e, const struct ev_param *param, uint32_t *first)
{
	const struct watch_part *p = NULL;
	size_t n = 0;

	if (param->kind != EV_PID || strcmp(param->name, "pid"))
		return 0;
	while ((p = watch_part_next(e->rec, p)) && p->kind != WATCH_P_SIGNALLED)
		;
	for (size_t at = 0; p && at + sizeof(*first) <= p->len; at += sizeof(*first)) {
		const struct process *who;
		const char *name;
		uint32_t pid;

		memcpy(&pid, (const char *)watch_part_bytes(p) + at, sizeof(pid));
		if (!at)
			*first = pid;
		who = processes_find(e->processes, pid);
		name = who ? scratch_printf(e, "%s", who->comm) : NULL;
		if (name && n < ARRAY_SIZE(e->list))
			e->list[n++].s = (struct ev_text){ name, strlen(name) };
	}
	return n;
}

/* "auditd,sleep", also for calls that name a descriptor or a thread. */
static bool signalled_argument(struct enrich *e, const struct ev_param *param, int arg,
			       struct argument *a)
{
	uint32_t first = 0;
	size_t n = signalled(e, param, &first);

	e->names.len = 0;
	for (size_t i = 0; i < n; i++)
		buf_printf(&e->names, "%s%s", i ? "," : "", e->list[i].s.p);
	a->resolved = n ? scratch_printf(e, "%s", buf_str(&e->names)) : NULL;
	a->raw = scratch_printf(e, "%d", arg < 0 ? (int)first : (int)e->rec->arg[arg]);
	return a->resolved != NULL;
}

static bool path_argument(struct enrich *e, int arg, struct argument *a)
{
	unsigned n = e->shape && arg == e->shape->path2;
	size_t len;
	const char *raw = event_raw_path(e, n, &len);

	if (!raw || !e->shape || (arg != e->shape->path && arg != e->shape->path2))
		return false;
	a->raw = scratch_printf(e, "%.*s", (int)len, raw);
	a->resolved = len && *raw == '/' ? NULL : event_path(e, n);
	return a->raw != NULL;
}

/* The parameters that are no argument of the call. */
static bool other_parameter(struct enrich *e, const char *name, enum ev_kind kind,
			    struct argument *a)
{
	const struct watch_fd *d = e->fd_part ? watch_part_bytes(e->fd_part) : NULL;
	const struct watch_part *p = NULL;
	int64_t v;

	if (!strcmp(name, "attributes"))
		return attributes_argument(e, a);
	if (e->rec->kind == WATCH_CALL && time_parameter(e, name, &v)) {
		a->raw = scratch_printf(e, "%lld", (long long)v);
		return true;
	}
	if (!strcmp(name, "res")) {
		a->raw = scratch_printf(e, "%lld", (long long)e->rec->ret);
		a->resolved = e->rec->ret < 0 ? errno_name(e->rec->ret)
			      : kind == EV_FD ? descriptor_text(e, e->rec->ret)
					      : NULL;
		return true;
	}
	if (!strcmp(name, "fd") && e->shape && e->shape->fd >= 0) {
		int64_t fd = e->shape->fd == FD_RET ? e->rec->ret
						    : (int32_t)e->rec->arg[e->shape->fd];

		a->raw = scratch_printf(e, "%lld", (long long)fd);
		a->resolved = descriptor_text(e, fd);
		return true;
	}
	if (!strcmp(name, "tuple") && e->fd_part) {
		a->raw = fd_name(e);
		return a->raw != NULL;
	}
	if (d && (!strcmp(name, "dev") || !strcmp(name, "ino"))) {
		a->raw = scratch_printf(e, "%llu",
					name[0] == 'd' ? (unsigned long long)d->dev : d->ino);
		return true;
	}
	if (!strcmp(name, "data"))
		while ((p = watch_part_next(e->rec, p)))
			if (p->kind == WATCH_P_DATA) {
				a->raw = part_text(e, p);
				return a->raw != NULL;
			}
	return false;
}

static const char *user_text(struct enrich *e, uint32_t uid)
{
	const struct user *u = users_find(e->users, e->p->pid, e->p->program->facts.mnt_ns, uid);

	return u && u->name ? scratch_printf(e, "%s", u->name) : uid == ~0u ? "<NONE>" : "<NA>";
}

static bool argument(struct enrich *e, const struct ev_param *param, struct argument *a)
{
	int arg = ev_param_arg(e->ev.base.type, param->name);
	const struct watch_part *text;
	struct process *p;
	uint64_t v;

	*a = (struct argument){ 0 };
	if (e->rec->kind == WATCH_CALL && signalled_argument(e, param, arg, a))
		return true;
	*a = (struct argument){ 0 };
	if (e->rec->kind != WATCH_CALL || arg < 0)
		return other_parameter(e, param->name, param->kind, a);
	v = e->rec->arg[arg];
	switch (param->kind) {
	case EV_FSPATH:
	case EV_FSRELPATH:
		return path_argument(e, arg, a);
	case EV_CHARBUF:
		if (!strcmp(param->name, "arg2_str"))
			return prctl_argument(e, param->name, a);
		text = watch_part_find(e->rec, WATCH_P_TEXT, (unsigned)arg);
		a->raw = text ? part_text(e, text) : NULL;
		return a->raw != NULL;
	case EV_FD:
		a->raw = scratch_printf(e, "%d", (int)v);
		if ((int)v == AT_FDCWD)
			a->resolved = "AT_FDCWD";
		else if (e->shape && e->shape->fd == arg)
			a->resolved = descriptor_text(e, (int)v);
		return true;
	case EV_UID:
		a->raw = scratch_printf(e, "%d", (int)v);
		a->resolved = user_text(e, (uint32_t)v);
		return true;
	case EV_PID:
		p = processes_find_seen(e->processes, e->p, (uint32_t)v);
		a->raw = scratch_printf(e, "%d", (int)v);
		a->resolved = p ? p->comm : NULL;
		return true;
	case EV_SIGTYPE:
		a->raw = scratch_printf(e, "%d", (int)v);
		a->resolved = const_name(CONST_SIGNAL, (uint32_t)v);
		return true;
	case EV_INT64:
		if (!strcmp(param->name, "arg2_int"))
			return prctl_argument(e, param->name, a);
		a->raw = scratch_printf(e, "%lld", (long long)v);
		return true;
	case EV_MODE:
		a->raw = scratch_printf(e, "0%llo", (unsigned long long)v);
		a->resolved = mode_text(e, v);
		return true;
	case EV_FLAGS16:
	case EV_FLAGS32:
	case EV_ENUM16:
	case EV_ENUM32:
		a->raw = scratch_printf(e, "%llu", (unsigned long long)v);
		a->resolved = is_open(e) ? open_flags_text(e, v) : words_of(e, arg, v);
		return true;
	case EV_INT32:
		a->raw = scratch_printf(e, "%d", (int)v);
		return true;
	default:
		a->raw = scratch_printf(e, "%llu", (unsigned long long)v);
		return true;
	}
}

static bool find_param(const struct enrich *e, const struct ev_ref *ref, struct ev_param *out)
{
	int n = (int)ref->index;

	if (ref->arg == EV_ARG_KEY)
		n = ev_param_index(e->ev.base.type, ref->key.p, ref->key.len);
	return n >= 0 && ev_param_at(e->ev.base.type, (unsigned)n, out);
}

/* Of a program that was executed, the process has the answers. */
static bool exec_argument(struct enrich *e, const struct ev_param *param, struct ev_values *out)
{
	const struct watch_part *p = watch_part_find(e->rec, WATCH_P_FILENAME, 0);

	if (!strcmp(param->name, "filename"))
		return p && give_text(out, part_text(e, p));
	if (!strcmp(param->name, "exe"))
		return give_text(out, process_arg(e->p, 0));
	if (!strcmp(param->name, "args"))
		return give_text(out, e->p->program->args);
	if (!strcmp(param->name, "comm"))
		return give_text(out, e->p->comm);
	if (!strcmp(param->name, "trusted_exepath"))
		return give_text(out, e->p->program->exepath);
	if (!strcmp(param->name, "flags")) {
		const struct watch_proc *f = &e->p->program->facts;

		e->names.len = 0;
		if (exe_is_writable(e))
			word(&e->names, "EXE_WRITABLE");
		if (f->layer == WATCH_UPPER)
			word(&e->names, "EXE_UPPER_LAYER");
		if (f->memfd)
			word(&e->names, "EXE_FROM_MEMFD");
		if (f->layer == WATCH_LOWER)
			word(&e->names, "EXE_LOWER_LAYER");
		return give_text(out,
				 scratch_printf(e, "%s", e->names.len ? buf_str(&e->names) : "0"));
	}
	return !strcmp(param->name, "res") && give_text(out, "0");
}

bool read_argument(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	struct ev_param param;
	struct argument a;
	uint32_t first;
	int64_t v;
	size_t n;
	int arg;

	if (!find_param(e, ref, &param))
		return false;
	if (e->rec->kind == WATCH_EXEC)
		return ref->field->id == EV_EVT_ARG && exec_argument(e, &param, out);
	if (ref->field->id == EV_EVT_RAWARG) {
		arg = ev_param_arg(e->ev.base.type, param.name);
		if (ev_kind_class(ref->kind) == EV_C_STRING)
			return argument(e, &param, &a) && give_text(out, a.raw);
		if (!strcmp(param.name, "res"))
			return give_signed(out, e->rec->ret);
		if (e->rec->kind == WATCH_CALL && time_parameter(e, param.name, &v))
			return give_signed(out, v);
		if (!strcmp(param.name, "attributes"))
			return argument(e, &param, &a) &&
			       give_number(out, (uint32_t)e->rec->arg[WATCH_AT_ATTRIBUTES]);
		return arg >= 0 && e->rec->kind == WATCH_CALL && give_number(out, e->rec->arg[arg]);
	}
	n = e->rec->kind == WATCH_CALL ? signalled(e, &param, &first) : 0;
	if (n)
		return give_list(e, out, n);
	return argument(e, &param, &a) && give_text(out, a.resolved ? a.resolved : a.raw);
}

bool read_all_arguments(struct enrich *e, struct ev_values *out)
{
	struct buf *all = &e->line;
	struct ev_param param;

	all->len = 0;

	for (unsigned n = 0; ev_param_at(e->ev.base.type, n, &param); n++) {
		struct argument a;

		if (e->rec->kind == WATCH_EXEC) {
			struct ev_values v;

			if (exec_argument(e, &param, &v))
				buf_printf(all, "%s%s=%.*s", all->len ? " " : "", param.name,
					   (int)v.v->s.len, v.v->s.p);
			continue;
		}
		if (!argument(e, &param, &a))
			continue;
		buf_printf(all, "%s%s=%s", all->len ? " " : "", param.name, a.raw);
		if (a.resolved)
			buf_printf(all, "(%s)", a.resolved);
	}
	return give_text(out, scratch_printf(e, "%s", all->len ? buf_str(all) : ""));
}
