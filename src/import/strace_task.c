/* Processes of a log: what they share with the one that made them, and their descriptors. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/strace_private.h"

static void fd_clear(struct st_fd *f)
{
	free(f->path);
	free(f->address);
	*f = (struct st_fd){ .fd = f->fd };
}

static void fds_unref(struct strace *s, struct st_fds *f)
{
	if (--f->refs)
		return;
	for (size_t i = 0; i < f->n; i++)
		fd_clear(&f->v[i]);
	s->fds_n -= f->n;
	free(f->v);
	free(f);
}

static void fs_unref(struct st_fs *f)
{
	if (--f->refs)
		return;
	free(f->cwd);
	free(f);
}

static void phase_unref(struct st_phase *p)
{
	if (!--p->refs)
		free(p);
}

static void task_free(struct strace *s, struct st_task *t)
{
	fds_unref(s, t->fds);
	fs_unref(t->fs);
	phase_unref(t->phase);
	buf_free(&t->pending);
	buf_free(&t->held);
	free(t);
}

static struct st_task **bucket(struct strace *s, pid_t pid)
{
	return &s->tasks[(unsigned)pid & (ST_BUCKETS - 1)];
}

struct st_task *st_task_find(struct strace *s, pid_t pid)
{
	struct st_task *t = *bucket(s, pid);

	while (t && t->pid != pid)
		t = t->next;
	return t;
}

static struct st_task *task_new(struct strace *s, pid_t pid)
{
	struct st_task *t = xcalloc(1, sizeof(*t));

	t->pid = pid;
	t->program = -1;
	t->abi = s->im.o->arch;
	t->uid = t->gid = -1;
	t->next = *bucket(s, pid);
	*bucket(s, pid) = t;
	s->tasks_n++;
	return t;
}

static struct st_phase *phase_new(void)
{
	struct st_phase *p = xcalloc(1, sizeof(*p));

	p->refs = 1;
	p->phase = WL_START;
	return p;
}

/* The only process that is just making one; NULL when there are several or none. */
static struct st_task *forking(struct strace *s)
{
	struct st_task *last = st_task_find(s, s->last);

	return last && last->forking ? last : NULL;
}

struct st_task *st_task_get(struct strace *s, pid_t pid)
{
	struct st_task *t = st_task_find(s, pid), *from;

	if (t)
		return t;
	if (s->tasks_n >= ST_MAX_TASKS) {
		import_lost(&s->im, "processes");
		return NULL;
	}
	from = s->split ? NULL : forking(s);
	if (from)
		return st_task_fork(s, from, pid, false, false);
	t = task_new(s, pid);
	t->fds = xcalloc(1, sizeof(*t->fds));
	t->fds->refs = 1;
	t->fs = xcalloc(1, sizeof(*t->fs));
	t->fs->refs = 1;
	if (!s->split && !s->phase)
		s->phase = phase_new();
	t->phase = s->split ? phase_new() : s->phase;
	if (!s->split)
		t->phase->refs++;
	return t;
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct st_fds *fds_copy(struct strace *s, const struct st_fds *from)
{
	struct st_fds *f = xcalloc(1, sizeof(*f));

	f->refs = 1;
	for (size_t i = 0; i < from->n && s->fds_n < ST_MAX_FDS; i++) {
		struct st_fd *to = vec_push(f->v, f->n, f->cap);

		*to = from->v[i];
		to->path = copy(to->path);
		to->address = copy(to->address);
		s->fds_n++;
	}
	return f;
}

struct st_task *st_task_fork(struct strace *s, struct st_task *from, pid_t pid, bool files, bool fs)
{
	struct st_task *t = st_task_find(s, pid);

	if (t && t != from && t->program < 0) { /* its lines came before its parent's result */
		t->program = from->program;
		return t;
	}
	if (t || s->tasks_n >= ST_MAX_TASKS)
		return t;
	t = task_new(s, pid);
	t->abi = from->abi;
	t->program = from->program;
	t->uid = from->uid;
	t->gid = from->gid;
	t->fds = files ? from->fds : fds_copy(s, from->fds);
	t->fs = fs ? from->fs : xcalloc(1, sizeof(*t->fs));
	if (files)
		t->fds->refs++;
	if (fs)
		t->fs->refs++;
	else
		*t->fs = (struct st_fs){ .refs = 1, .cwd = copy(from->fs->cwd) };
	if (s->split) {
		t->phase = phase_new();
		t->phase->phase = from->phase->phase;
		t->phase->listening = from->phase->listening;
	} else {
		t->phase = from->phase;
		t->phase->refs++;
	}
	return t;
}

/* Descriptors are no longer shared; which of them are closed does not matter (struct st_fd). */
void st_task_exec(struct strace *s, struct st_task *t)
{
	struct st_fds *own;

	if (t->fds->refs == 1)
		return;
	own = fds_copy(s, t->fds);
	fds_unref(s, t->fds);
	t->fds = own;
}

void st_task_drop(struct strace *s, pid_t pid)
{
	struct st_task **at = bucket(s, pid), *t;

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	t = *at;
	if (!t)
		return;
	*at = t->next;
	task_free(s, t);
	s->tasks_n--;
}

struct st_task *st_task_any(struct strace *s)
{
	for (size_t i = 0; s->tasks_n && i < ST_BUCKETS; i++)
		if (s->tasks[i])
			return s->tasks[i];
	return NULL;
}

bool st_task_rename(struct strace *s, pid_t from, pid_t to)
{
	struct st_task **at = bucket(s, from), *t;

	while (*at && (*at)->pid != from)
		at = &(*at)->next;
	t = *at;
	if (!t)
		return false;
	*at = t->next;
	t->pid = to;
	t->next = *bucket(s, to);
	*bucket(s, to) = t;
	if (s->last == from)
		s->last = to;
	return true;
}

void st_tasks_free(struct strace *s, void (*last)(struct strace *s, struct st_task *t))
{
	for (size_t i = 0; i < ST_BUCKETS; i++) {
		while (s->tasks[i]) {
			last(s, s->tasks[i]);
			st_task_drop(s, s->tasks[i]->pid);
		}
	}
	if (s->phase)
		phase_unref(s->phase);
	s->phase = NULL;
}

/* Where the descriptor is, or belongs. */
static size_t fd_place(const struct st_fds *f, int fd)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->v[mid].fd < fd)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct st_fd *st_fd_find(const struct st_task *t, int fd)
{
	size_t i = fd_place(t->fds, fd);

	return i < t->fds->n && t->fds->v[i].fd == fd ? &t->fds->v[i] : NULL;
}

struct st_fd *st_fd_new(struct strace *s, struct st_task *t, int fd)
{
	struct st_fds *f = t->fds;
	size_t i = fd_place(f, fd);

	if (fd < 0)
		return NULL;
	if (i < f->n && f->v[i].fd == fd) {
		fd_clear(&f->v[i]);
		return &f->v[i];
	}
	if (s->fds_n >= ST_MAX_FDS) {
		import_lost(&s->im, "descriptors");
		return NULL;
	}
	(void)vec_push(f->v, f->n, f->cap);
	memmove(&f->v[i + 1], &f->v[i], (f->n - 1 - i) * sizeof(*f->v));
	f->v[i] = (struct st_fd){ .fd = fd };
	s->fds_n++;
	return &f->v[i];
}

void st_fd_copy(struct strace *s, struct st_task *t, int from, int to)
{
	const struct st_fd *f = st_fd_find(t, from);
	struct st_fd copied, *n;

	if (from == to)
		return;
	copied = f ? *f : (struct st_fd){ 0 };
	copied.path = copy(copied.path);
	copied.address = copy(copied.address);
	copied.fd = to;
	n = st_fd_new(s, t, to);
	if (n) {
		*n = copied;
		return;
	}
	free(copied.path);
	free(copied.address);
}
