#include "enrich/enrich.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/path.h"
#include "enrich/enrich_private.h"

#define NO -1
/* Arguments as in the manual pages; which descriptor is the event's: falcosecurity/libs. */
static const struct call_shape shapes[] = {
	{ "accept", NO, NO, FD_RET, false, NO, NO },
	{ "accept4", NO, NO, FD_RET, false, 3, NO },
	{ "access", 0, NO, NO, false, NO, 1 },
	{ "bind", NO, NO, 0, false, NO, NO },
	{ "bpf", NO, NO, FD_RET, false, NO, NO },
	{ "chdir", 0, NO, NO, false, NO, NO },
	{ "chmod", 0, NO, NO, false, NO, 1 },
	{ "chown", 0, NO, NO, false, NO, NO },
	{ "chroot", 0, NO, NO, false, NO, NO },
	{ "connect", NO, NO, 0, false, NO, NO },
	{ "creat", 0, NO, FD_RET, true, NO, 1 },
	{ "dup", NO, NO, 0, false, NO, NO },
	{ "dup2", NO, NO, 0, false, NO, NO },
	{ "dup3", NO, NO, 0, false, 2, NO },
	{ "execve", 0, NO, NO, false, NO, NO },
	{ "execveat", 1, NO, NO, false, 4, NO },
	{ "fchdir", NO, NO, 0, false, NO, NO },
	{ "fchmod", NO, NO, 0, false, NO, 1 },
	{ "fchmodat", 1, NO, NO, false, NO, 2 },
	{ "fchmodat2", 1, NO, NO, false, 3, 2 },
	{ "fchown", NO, NO, 0, false, NO, NO },
	{ "fchownat", 1, NO, NO, false, 4, NO },
	{ "file_setattr", 1, NO, NO, false, NO, NO },
	{ "finit_module", NO, NO, 0, false, 2, NO },
	{ "ftruncate", NO, NO, 0, false, NO, NO },
	{ "futimesat", 1, NO, 0, false, NO, NO },
	{ "io_uring_setup", NO, NO, FD_RET, false, NO, NO },
	{ "ioctl", NO, NO, 0, false, NO, NO },
	{ "lchown", 0, NO, NO, false, NO, NO },
	{ "link", 0, 1, NO, false, NO, NO },
	{ "linkat", 1, 3, NO, false, 4, NO },
	{ "listen", NO, NO, 0, false, NO, NO },
	{ "memfd_create", NO, NO, FD_RET, false, 1, NO },
	{ "mkdir", 0, NO, NO, false, NO, 1 },
	{ "mkdirat", 1, NO, NO, false, NO, 2 },
	{ "mknod", 0, NO, NO, false, NO, 1 },
	{ "mknodat", 1, NO, NO, false, NO, 2 },
	{ "mmap", NO, NO, 4, false, 3, NO },
	{ "mount", 1, NO, NO, false, 3, NO },
	{ "open", 0, NO, FD_RET, true, 1, 2 },
	{ "open_by_handle_at", NO, NO, FD_RET, true, 2, NO },
	{ "openat", 1, NO, FD_RET, true, 2, 3 },
	{ "openat2", 1, NO, FD_RET, true, 2, 3 },
	{ "pidfd_send_signal", NO, NO, 0, false, NO, NO },
	{ "pread64", NO, NO, 0, false, NO, NO },
	{ "pwrite64", NO, NO, 0, false, NO, NO },
	{ "read", NO, NO, 0, false, NO, NO },
	{ "recvfrom", NO, NO, 0, false, 3, NO },
	{ "recvmsg", NO, NO, 0, false, 2, NO },
	{ "rename", 0, 1, NO, false, NO, NO },
	{ "renameat", 1, 3, NO, false, NO, NO },
	{ "renameat2", 1, 3, NO, false, 4, NO },
	{ "rmdir", 0, NO, NO, false, NO, NO },
	{ "sendmmsg", NO, NO, 0, false, 3, NO },
	{ "sendmsg", NO, NO, 0, false, 2, NO },
	{ "sendto", NO, NO, 0, false, 3, NO },
	{ "sendfile", NO, NO, 1, false, NO, NO },
	{ "setns", NO, NO, 0, false, 1, NO },
	{ "shutdown", NO, NO, 0, false, NO, NO },
	{ "socket", NO, NO, FD_RET, false, NO, NO },
	{ "splice", NO, NO, 0, false, 5, NO },
	{ "symlink", 1, NO, NO, false, NO, NO },
	{ "symlinkat", 2, NO, NO, false, NO, NO },
	{ "truncate", 0, NO, NO, false, NO, NO },
	{ "umount2", 0, NO, NO, false, 1, NO },
	{ "unlink", 0, NO, NO, false, NO, NO },
	{ "unlinkat", 1, NO, NO, false, 2, NO },
	{ "userfaultfd", NO, NO, FD_RET, false, 0, NO },
	{ "utime", 0, NO, NO, false, NO, NO },
	{ "utimensat", 1, NO, 0, false, 3, NO },
	{ "utimes", 0, NO, NO, false, NO, NO },
	{ "write", NO, NO, 0, false, NO, NO },
};

/* ---- values */

bool give_bytes(struct ev_values *out, const char *p, size_t len)
{
	out->one.s = (struct ev_text){ p, len };
	out->v = &out->one;
	out->n = 1;
	return true;
}

bool give_text(struct ev_values *out, const char *s)
{
	return s && give_bytes(out, s, strlen(s));
}

bool give_number(struct ev_values *out, uint64_t v)
{
	out->one.u = v;
	out->v = &out->one;
	out->n = 1;
	return true;
}

bool give_signed(struct ev_values *out, int64_t v)
{
	out->one.i = v;
	out->v = &out->one;
	out->n = 1;
	return true;
}

bool give_bool(struct ev_values *out, bool v)
{
	return give_number(out, v);
}

bool give_list(struct enrich *e, struct ev_values *out, size_t n)
{
	/* Values are kept by who asks until the next event, and there can be several lists. */
	size_t skip = -(uintptr_t)(e->scratch + e->scratch_n) % _Alignof(struct ev_value);
	char *room = scratch_text(e, skip + n * sizeof(*e->list));

	if (!room)
		return false;
	if (n)
		memcpy(room + skip, e->list, n * sizeof(*e->list));
	out->v = (struct ev_value *)(void *)(room + skip);
	out->n = n;
	return true;
}

/* A value is left out, but not of the process's next events. */
static void no_room(struct enrich *e)
{
	e->stats.scratch_full++;
	if (e->p)
		e->p->who = 0;
}

char *scratch_text(struct enrich *e, size_t len)
{
	char *s = e->scratch + e->scratch_n;

	if (len >= sizeof(e->scratch) - e->scratch_n) {
		no_room(e);
		return NULL;
	}
	e->scratch_n += len + 1;
	s[len] = '\0';
	return s;
}

const char *scratch_printf(struct enrich *e, const char *fmt, ...)
{
	size_t room = sizeof(e->scratch) - e->scratch_n;
	char *s = e->scratch + e->scratch_n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		no_room(e);
		return NULL;
	}
	e->scratch_n += (size_t)n + 1;
	return s;
}

const char *scratch_join(struct enrich *e, const char *a, const char *b)
{
	size_t n = strlen(a), m = b ? strlen(b) + 1 : 0;
	char *s = scratch_text(e, n + m);

	if (!s)
		return NULL;
	memcpy(s, a, n);
	if (b) {
		s[n] = ' ';
		memcpy(s + n + 1, b, m - 1);
	}
	return s;
}

const char *part_text(struct enrich *e, const struct watch_part *p)
{
	char *s = p ? scratch_text(e, p->len) : NULL;

	if (s)
		memcpy(s, watch_part_bytes(p), p->len);
	return s;
}

/* ---- paths */

const char *event_raw_path(struct enrich *e, unsigned n, size_t *len)
{
	int arg = !e->shape ? NO : n ? e->shape->path2 : e->shape->path;
	const struct watch_part *p = NULL;

	if (arg >= 0 && e->memory == AS_GIVEN)
		p = watch_part_find(e->rec, WATCH_P_GIVEN, (unsigned)arg);
	if (arg >= 0 && !p)
		p = watch_part_find(e->rec, WATCH_P_PATH, (unsigned)arg);
	if (!p)
		return NULL;
	*len = p->len;
	return watch_part_bytes(p);
}

static const char *path_made(struct enrich *e, unsigned n, size_t len)
{
	char *out = e->path[n];

	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	e->path_made[n] = true;
	return out;
}

const char *event_path(struct enrich *e, unsigned n)
{
	char *out = e->path[n];
	const struct watch_part *base;
	const char *raw;
	size_t len = 0, raw_len;

	if (e->path_made[n])
		return out;
	raw = event_raw_path(e, n, &raw_len);
	if (!raw)
		return NULL;
	if (!raw_len || *raw != '/') {
		base = watch_part_find(e->rec, WATCH_P_BASE,
				       (unsigned)(n ? e->shape->path2 : e->shape->path));
		if (base)
			len = path_append(out, 0, sizeof(e->path[n]) - 1, watch_part_bytes(base),
					  base->len);
	}
	len = path_append(out, len, sizeof(e->path[n]) - 1, raw, raw_len);
	return path_made(e, n, len);
}

/* ---- events */

static bool read_field(const struct event *ev, const struct ev_ref *ref, struct ev_values *out)
{
	struct enrich *e = ((const struct enrich_event *)(const void *)ev)->all;
	unsigned id = ref->field->id; /* the table has them in this order */

	if (id < EV_PROC_EXE)
		return read_event_field(e, ref, out);
	if (id < EV_FD_NUM)
		return read_process_field(e, ref, out);
	if (id < EV_CONTAINER_ID)
		return read_fd_field(e, ref, out);
	return read_container_field(e, ref, out);
}

static const struct event_ops ops = { .read = read_field };

static void know_calls(struct enrich *e)
{
	for (unsigned nr = 0; nr < WATCH_NRS; nr++) {
		const struct sc_desc *d = sc_by_nr(sc_abi_native(), nr);

		e->type_of_nr[nr] = (int16_t)(d ? ev_type_by_name(d->name) : -1);
		for (size_t i = 0; d && i < ARRAY_SIZE(shapes); i++)
			if (!strcmp(shapes[i].name, d->name))
				e->shape_of_nr[nr] = &shapes[i];
	}
	e->nr_chdir = sc_nr(sc_abi_native(), "chdir");
	e->nr_fchdir = sc_nr(sc_abi_native(), "fchdir");
	e->nr_setsid = sc_nr(sc_abi_native(), "setsid");
	e->type_clone = ev_type_by_name("clone");
	e->type_exec = ev_type_by_name("execve");
	e->type_exit = ev_type_by_name("procexit");
}

struct enrich *enrich_new(const struct enrich_options *o)
{
	struct enrich *e = xcalloc(1, sizeof(*e));

	e->outside = o->outside;
	e->containers = containers_new(&o->places, &e->outside);
	e->processes = processes_new(e->containers, &e->outside);
	e->users = users_new(&e->outside);
	e->names_of = names_new(&e->outside);
	e->ev.base.ops = &ops;
	e->ev.base.source = EV_SYSCALL;
	e->ev.all = e;
	know_calls(e);
	if (o->scan && !o->outside.no_proc)
		processes_scan(e->processes);
	return e;
}

void enrich_free(struct enrich *e)
{
	if (!e)
		return;
	processes_free(e->processes);
	containers_free(e->containers);
	users_free(e->users);
	names_free(e->names_of);
	buf_free(&e->names);
	buf_free(&e->line);
	free(e);
}

/* Of those with these mounts; `p` is one of them. */
static void ask_for(struct enrich *e, const struct process *root, const struct asked *who)
{
	enum { AGAIN_NS = 1000000000 };
	struct asked *a =
		&e->asked[(who->mnt_ns ^ who->uid * 31 ^ who->gid * 7 ^ who->loginuid) % ASKED];

	if (a->time && who->time - a->time < AGAIN_NS && a->mnt_ns == who->mnt_ns &&
	    a->uid == who->uid && a->gid == who->gid && a->loginuid == who->loginuid)
		return;
	*a = *who;
	users_find(e->users, root->pid, who->mnt_ns, who->uid);
	users_group(e->users, root->pid, who->mnt_ns, who->gid);
	if (who->loginuid != ~0u)
		users_find(e->users, root->pid, who->mnt_ns, who->loginuid);
}

/* What the rules of a replay may ask for, whatever those of today do. */
static void ask_for_users(struct enrich *e)
{
	const struct process *root = process_of_root(e);
	const struct watch_rec *r = e->rec;

	ask_for(e, root,
		&(struct asked){ r->time ? r->time : 1, root->program->facts.mnt_ns, r->uid, r->gid,
				 r->loginuid });
}

static void ask_for_process(struct process *p, void *enrich)
{
	struct enrich *e = enrich;

	ask_for(e, p,
		&(struct asked){ e->rec ? e->rec->time : 1, p->program->facts.mnt_ns, p->uid,
				 p->gid, p->loginuid });
}

void enrich_tell(struct enrich *e, void (*tell)(const char *json, void *ctx), void *ctx)
{
	e->outside.tell = tell;
	e->outside.ctx = ctx;
}

void enrich_tell_known(struct enrich *e)
{
	memset(e->asked, 0, sizeof(e->asked));
	users_tell_again(e->users);
	containers_tell(e->containers);
	names_tell(e->names_of);
	processes_tell(e->processes);
	processes_each(e->processes, ask_for_process, e);
	if (e->p)
		ask_for_users(e);
}

void enrich_settle(struct enrich *e)
{
	processes_ended(e->processes, e->ended);
	e->ended = NULL;
}

/*
 * Calls that change what is known of their process. A relative path is told together with the
 * folder that the process is in when the call returns: the one that it went to.
 */
static void follow(struct enrich *e)
{
	const struct watch_rec *r = e->rec;
	const struct watch_part *base, *fd;
	const char *path;

	if (r->kind != WATCH_CALL || r->ret < 0)
		return;
	if (r->nr == e->nr_setsid)
		process_began_session(e->processes, e->p);
	if (r->nr == e->nr_chdir) {
		base = watch_part_find(r, WATCH_P_BASE, 0);
		path = event_path(e, 0);
		if (base)
			process_went(e->p, watch_part_bytes(base), base->len);
		else if (path)
			process_went(e->p, path, strlen(path));
	}
	fd = r->nr == e->nr_fchdir ? watch_part_find(r, WATCH_P_FD, 0) : NULL;
	if (fd)
		process_went(e->p, (const char *)watch_part_bytes(fd) + sizeof(struct watch_fd),
			     fd->len - sizeof(struct watch_fd));
}

static void use_memory(struct enrich *e, unsigned which)
{
	e->memory = which;
	e->path_made[0] = e->path_made[1] = false;
}

static bool has_given(const struct watch_rec *rec)
{
	const struct watch_part *p = NULL;

	while ((p = watch_part_next(rec, p)))
		if (p->kind == WATCH_P_GIVEN)
			return true;
	return false;
}

static int type_of(const struct enrich *e, const struct watch_rec *rec)
{
	switch (rec->kind) {
	case WATCH_CALL:
		return rec->nr < WATCH_NRS ? e->type_of_nr[rec->nr] : -1;
	case WATCH_NEW_CALL:
	case WATCH_NEW_ARGS:
		return rec->nr < WATCH_NRS ? e->type_of_nr[rec->nr] : -1;
	case WATCH_EXEC:
		return e->type_exec;
	case WATCH_FORK:
		return e->type_clone;
	case WATCH_EXIT:
		return e->type_exit;
	}
	return -1;
}

const struct event *enrich_record(struct enrich *e, const struct watch_rec *rec, uint64_t boot)
{
	int type = type_of(e, rec);

	enrich_settle(e);
	e->stats.records++;
	e->rec = rec;
	e->boot = boot;
	e->memory = AS_READ;
	e->scratch_n = 0;
	e->path_made[0] = e->path_made[1] = false;
	e->p = processes_apply(e->processes, rec);
	if (rec->kind == WATCH_EXIT)
		e->ended = e->p;
	if (!e->p)
		return NULL;
	if (e->outside.tell)
		ask_for_users(e);
	if (type < 0)
		return NULL;
	e->shape = rec->kind == WATCH_CALL ? e->shape_of_nr[rec->nr] : NULL;
	e->fd_part = NULL;
	if (e->shape && e->shape->fd >= 0)
		e->fd_part = watch_part_find(rec, WATCH_P_FD,
					     e->shape->fd == FD_RET ? WATCH_RET
								    : (unsigned)e->shape->fd);
	follow(e);
	if (e->shape && has_given(rec))
		use_memory(e, AS_GIVEN);
	e->ev.base.type = (uint16_t)type;
	e->ev.base.time = boot + rec->time;
	e->ev.base.uptime = rec->time;
	e->ev.base.num = ++e->stats.events;
	e->ev.base.who = processes_who(e->processes, e->p);
	return &e->ev.base;
}

static const struct event *as_opened(struct enrich *e)
{
	const struct watch_fd *d;
	const char *named, *opened;
	size_t len;

	if (!is_open(e) || !e->fd_part || e->memory == AS_OPENED || e->fd_part->flags)
		return NULL;
	d = watch_part_bytes(e->fd_part);
	opened = (const char *)(d + 1);
	len = e->fd_part->len - sizeof(*d);
	named = event_path(e, 0);
	if (!len || (named && strlen(named) == len && !memcmp(named, opened, len)))
		return NULL;
	e->memory = AS_OPENED;
	len = path_append(e->path[0], 0, sizeof(e->path[0]) - 1, opened, len);
	if (!len)
		e->path[0][len++] = '/';
	e->path[0][len] = '\0';
	e->path_made[0] = true;
	return &e->ev.base;
}

const struct event *enrich_again(struct enrich *e)
{
	if (e->memory == AS_GIVEN) {
		use_memory(e, AS_READ);
		return &e->ev.base;
	}
	return as_opened(e);
}

int enrich_ask_names(struct enrich *e, const char *const *names, size_t n)
{
	return names_ask(e->names_of, names, n);
}

void enrich_take_names(struct enrich *e)
{
	names_take(e->names_of);
}

void enrich_lost(struct enrich *e)
{
	processes_lost(e->processes);
}

bool enrich_container_runs(const struct enrich *e, const char *id)
{
	const struct container *c = containers_find(e->containers, id);

	return c && c->refs;
}

void enrich_tick(struct enrich *e)
{
	containers_look_again(e->containers);
}

void enrich_recover(struct enrich *e, uint64_t seen)
{
	if (e->outside.offline || e->outside.no_proc)
		return;
	enrich_settle(e);
	processes_recover(e->processes, seen);
	e->p = NULL; /* it may be another one now */
}

const struct process *enrich_process(const struct enrich *e)
{
	return e->p;
}

void enrich_stats(const struct enrich *e, struct enrich_stats *s)
{
	*s = e->stats;
	s->processes = processes_count(e->processes, &s->kept);
	s->containers = containers_count(e->containers);
}
