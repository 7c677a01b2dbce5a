/* What a call does with files: their paths, the accesses, and what the mode bits say to them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "sensor/record_ptrace_private.h"

/* Where a call has the AT_SYMLINK_NOFOLLOW flag. */
static const struct {
	const char *name;
	int8_t arg; /* -1: never follows */
} nofollow[] = {
	{ "lchown", -1 },  { "lchown32", -1 }, { "lsetxattr", -1 }, { "lremovexattr", -1 },
	{ "fchownat", 4 }, { "utimensat", 3 }, { "fchmodat2", 3 },
};

void pt_add_file(struct pt_recorder *r, struct pt_task *t, const char *path, bool pattern,
		 uint32_t access)
{
	struct wl_file *f;

	if (!access)
		return;
	f = wl_file_add(r->w, path, pattern, access);
	if (f)
		wl_prov_add(&f->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
	else
		pt_lost(r, "files");
}

/* CAP_DAC_*: whether the mode bits alone open the file; asked only where creds are at hand. */
static uint64_t dac_needed(struct pt_task *t, const struct stat *st, unsigned want,
			   const char *acl_of)
{
	const struct task_creds *c = pt_creds(t);
	uint64_t need = c ? infer_access(c, st, want, false) : 0;

	if (need && acl_of && getxattr(acl_of, "system.posix_acl_access", NULL, 0) > 0)
		need = infer_access(c, st, want, true);
	return need;
}

/* A new or removed name: the folder has to be writable. */
static uint64_t dac_parent(struct pt_task *t, const struct task_path *p)
{
	return p->parent.st_mode ? dac_needed(t, &p->parent, INFER_WRITE | INFER_EXECUTE, NULL) : 0;
}

static int dirfd_of(const struct pt_pending *p, const struct capture_path *c)
{
	return c->dirfd == CAPTURE_CWD ? AT_FDCWD : (int)(int32_t)p->args[c->dirfd];
}

static bool follows(const struct pt_pending *p, const struct capture_path *c)
{
	if (c->access & (WL_F_CREATE | WL_F_DELETE | WL_F_LINK))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(nofollow); i++)
		if (!strcmp(nofollow[i].name, p->call->desc->name))
			return nofollow[i].arg >= 0 &&
			       !(p->args[nofollow[i].arg] & AT_SYMLINK_NOFOLLOW);
	return true;
}

/* The path of a row; -ENOENT also when the task passed no usable pointer. */
static int named_path(struct pt_recorder *r, struct pt_task *t, const struct capture_path *c,
		      bool follow, struct task_path *out)
{
	struct pt_pending *p = &t->pend;
	char name[PATH_MAX], link[32];
	int n = 0, err;

	name[0] = '\0';
	if (c->path != CAPTURE_NONE && p->args[c->path]) {
		n = task_read_string(t->tid, p->args[c->path], name, sizeof(name));
		if (n < 0)
			return n;
	}
	if (n > 0) {
		err = task_path_resolve(t->tid, dirfd_of(p, c), name, follow, out);
		if (err && err != -ENOENT)
			pt_lost(r, "paths");
		return err;
	}
	/* The descriptor itself: fchmod(2), AT_EMPTY_PATH, futimens(3). */
	if (c->dirfd == CAPTURE_CWD || dirfd_of(p, c) < 0)
		return -ENOENT;
	snprintf(link, sizeof(link), "fd/%d", dirfd_of(p, c));
	err = task_path_link(t->tid, link, out);
	return !err && out->deleted ? -ENOENT : err;
}

/* CAPTURE_FD and its kin: one access to the file behind a descriptor. */
void pt_descriptor_access(struct pt_recorder *r, struct pt_task *t, struct task_path *path)
{
	const struct capture_path *c = &t->pend.call->cap->path[0];

	if (named_path(r, t, c, true, path))
		path->exists = false;
	else
		pt_add_file(r, t, path->path, false, c->access);
}

void pt_paths_entry(struct pt_recorder *r, struct pt_task *t, struct task_path *first)
{
	struct pt_pending *p = &t->pend;

	for (unsigned i = 0; i < CAPTURE_MAX_PATHS && p->call->cap->path[i].access; i++) {
		const struct capture_path *c = &p->call->cap->path[i];
		struct task_path second, *at = i ? &second : first;

		if (named_path(r, t, c, follows(p, c), at)) {
			at->exists = false;
			at->path[0] = '\0';
			continue;
		}
		p->path[i] = xstrdup(at->path);
		p->exists[i] = at->exists;
		if (c->access & (WL_F_CREATE | WL_F_DELETE))
			p->caps |= dac_parent(t, at);
		t->want_exit = true;
	}
}

void pt_open_entry(struct pt_recorder *r, struct pt_task *t)
{
	struct pt_pending *p = &t->pend;
	const struct capture *cap = p->call->cap;
	struct task_path at;

	if (cap->flags_arg != CAPTURE_NONE)
		p->flags = (uint32_t)p->args[cap->flags_arg];
	else if (!strcmp(cap->name, "creat"))
		p->flags = O_CREAT | O_WRONLY | O_TRUNC;
	else if (task_read(t->tid, p->args[2], &p->flags, sizeof(p->flags)))
		return; /* openat2: struct open_how begins with the flags */
	t->want_exit = true;
	p->exists[0] = true;
	if (!(p->flags & O_CREAT))
		return;
	if (!named_path(r, t, &cap->path[0], !(p->flags & (O_NOFOLLOW | O_EXCL)), &at)) {
		/* A link is left over only when it leads nowhere: its target is made. */
		p->exists[0] = at.exists && !S_ISLNK(at.st.st_mode);
		if (!at.exists)
			p->caps |= dac_parent(t, &at);
	}
}

static bool is_missing(int64_t rval)
{
	return rval == -ENOENT || rval == -ENOTDIR;
}

static bool is_refused(int64_t rval)
{
	return rval == -EACCES || rval == -EPERM || rval == -EROFS;
}

/* An O_TMPFILE file is called "#inode" by whoever asks for its path. */
static void add_tmpfile(struct pt_recorder *r, struct pt_task *t, const char *path, uint32_t access)
{
	char pattern[2 * PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = 0;

	for (const char *c = path; c <= slash; c++) {
		if (strchr("*@\\", *c))
			pattern[n++] = '\\';
		pattern[n++] = *c;
	}
	snprintf(pattern + n, sizeof(pattern) - n, "#*");
	pt_add_file(r, t, pattern, true, access | WL_F_CREATE);
}

static unsigned wanted(uint32_t access)
{
	return (access & WL_F_READ ? INFER_READ : 0) |
	       (access & (WL_F_WRITE | WL_F_APPEND) ? INFER_WRITE : 0);
}

static void opened(struct pt_recorder *r, struct pt_task *t, int fd)
{
	struct pt_pending *p = &t->pend;
	uint32_t access = capture_open_access(p->flags);
	bool tmpfile = (p->flags & O_TMPFILE) == O_TMPFILE;
	char link[32], name[64];
	struct task_path at;
	int err;

	snprintf(link, sizeof(link), "fd/%d", fd);
	err = task_path_link(t->tid, link, &at);
	if (err) {
		if (err != -ENOENT)
			pt_lost(r, "paths");
		return;
	}
	if (p->exists[0] && !tmpfile)
		access &= ~(uint32_t)WL_F_CREATE;
	if (tmpfile && at.deleted)
		add_tmpfile(r, t, at.path, access);
	else if (!at.deleted)
		pt_add_file(r, t, at.path, false, access);
	if (!at.exists || at.deleted || !p->exists[0])
		return;
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", t->tid, fd);
	p->caps |= dac_needed(t, &at.st, wanted(access), name);
}

void pt_open_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval)
{
	const struct capture_path *c = &t->pend.call->cap->path[0];
	struct task_path at;
	uint32_t access;

	if (rval >= 0) {
		opened(r, t, (int)rval);
		return;
	}
	if (!is_missing(rval) && !is_refused(rval))
		return;
	if (named_path(r, t, c, true, &at))
		return;
	if (is_missing(rval)) {
		pt_add_file(r, t, at.path, false, WL_F_MISSING);
		return;
	}
	access = capture_open_access(t->pend.flags);
	pt_add_file(r, t, at.path, false, WL_F_REFUSED | access);
	if (rval == -EACCES && at.exists)
		t->pend.caps |= dac_needed(t, &at.st, wanted(access), NULL);
}

static void add_directory(struct pt_recorder *r, struct pt_task *t, const char *path,
			  uint32_t access)
{
	cleanup_free char *name = xasprintf("%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/");

	pt_add_file(r, t, name, false, access);
}

static void paths_done(struct pt_recorder *r, struct pt_task *t)
{
	const struct pt_pending *p = &t->pend;
	const char *name = p->call->desc->name;
	bool directory = !strncmp(name, "mkdir", 5);

	/* What a folder is renamed to is a folder. */
	if (!strncmp(name, "rename", 6) && p->path[0])
		directory = p->path[0][strlen(p->path[0]) - 1] == '/';
	for (unsigned i = 0; i < CAPTURE_MAX_PATHS; i++) {
		if (!p->path[i])
			continue;
		if (directory)
			add_directory(r, t, p->path[i], p->call->cap->path[i].access);
		else
			pt_add_file(r, t, p->path[i], false, p->call->cap->path[i].access);
	}
}

/* Of two names the first that does not exist is what ENOENT was about. */
static void paths_missing(struct pt_recorder *r, struct pt_task *t)
{
	const struct pt_pending *p = &t->pend;

	for (unsigned i = 0; i < CAPTURE_MAX_PATHS; i++) {
		if (p->path[i] && !p->exists[i]) {
			pt_add_file(r, t, p->path[i], false, WL_F_MISSING);
			return;
		}
	}
}

void pt_paths_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval)
{
	const struct pt_pending *p = &t->pend;

	if (rval >= 0) {
		paths_done(r, t);
	} else if (is_missing(rval)) {
		paths_missing(r, t);
	} else if (is_refused(rval)) {
		for (unsigned i = 0; i < CAPTURE_MAX_PATHS; i++)
			if (p->path[i])
				pt_add_file(r, t, p->path[i], false,
					    WL_F_REFUSED | p->call->cap->path[i].access);
	}
}
