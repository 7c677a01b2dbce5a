/* Files of a log: absolute paths from names, descriptors and current directories; accesses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/strace_private.h"
#include "model/constants.h"

static bool is_missing(const struct st_call *c)
{
	return c->result == ST_ERROR && (c->value == ENOENT || c->value == ENOTDIR);
}

static bool is_refused(const struct st_call *c)
{
	return c->result == ST_ERROR &&
	       (c->value == EACCES || c->value == EPERM || c->value == EROFS);
}

static void add_file(struct strace *s, struct st_task *t, const char *path, uint32_t access,
		     uint32_t phases)
{
	import_file(&s->im, path, false, access, phases, t->program);
}

static void add_directory(struct strace *s, struct st_task *t, const char *path, uint32_t access,
			  uint32_t phases)
{
	char name[PATH_MAX + 1];

	snprintf(name, sizeof(name), "%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/");
	add_file(s, t, name, access, phases);
}

/* Links are followed in the file system that the options give, if any. */
static void resolve(struct strace *s, bool follow, char path[PATH_MAX])
{
	char real[PATH_MAX];
	bool directory;

	import_normalise(path);
	if (s->im.o->resolve && s->im.o->resolve(s->im.o->ctx, path, follow, real, &directory))
		snprintf(path, PATH_MAX, "%s", real);
}

/* The folder that a relative name begins in: "" when it is not known. */
static const char *base_of(struct strace *s, struct st_task *t, int fd, struct st_text annotation,
			   char out[PATH_MAX])
{
	const struct st_fd *f;

	if (st_annotation(annotation, out, PATH_MAX)) {
		if (fd == ST_AT_FDCWD && (!t->fs->cwd || strcmp(t->fs->cwd, out) != 0)) {
			free(t->fs->cwd);
			t->fs->cwd = xstrdup(out);
		}
		return out;
	}
	if (fd == ST_AT_FDCWD)
		return t->fs->cwd ? t->fs->cwd : "";
	f = st_fd_find(t, fd);
	(void)s;
	return f && f->path && *f->path == '/' ? f->path : "";
}

static void unknown_base(struct strace *s)
{
	import_lost(&s->im, "paths");
	if (!s->relative)
		import_incomplete(&s->im, "names relative to a folder that the log does not tell "
					  "(strace -y tells it)");
	s->relative = true;
}

/* The file behind a descriptor itself. */
static bool descriptor_path(struct st_task *t, struct st_text arg, char out[PATH_MAX])
{
	struct st_text annotation;
	const struct st_fd *f;
	int fd;

	if (!st_descriptor(arg, &fd, &annotation) || fd < 0)
		return false;
	if (st_annotation(annotation, out, PATH_MAX))
		return true;
	f = st_fd_find(t, fd);
	if (!f || !f->path || *f->path != '/')
		return false;
	snprintf(out, PATH_MAX, "%s", f->path);
	return true;
}

static void raw_path(struct strace *s)
{
	if (!s->raw_paths)
		import_incomplete(&s->im, "names of files are not in the log (raw arguments)");
	s->raw_paths = true;
}

/* The path of a row's argument; false when it is not known (which is counted when it matters). */
static bool path_of(struct strace *s, struct st_task *t, const struct st_call *c,
		    const struct capture_path *at, bool follow, char out[PATH_MAX])
{
	struct st_text annotation = { NULL, 0 };
	char name[PATH_MAX], base[PATH_MAX];
	const char *from;
	int fd = ST_AT_FDCWD;
	bool cut;

	if (at->dirfd != CAPTURE_CWD) {
		if ((unsigned)at->dirfd >= c->n)
			return false;
		if (at->path == CAPTURE_NONE)
			return descriptor_path(t, c->args[at->dirfd], out);
		if (!st_descriptor(c->args[at->dirfd], &fd, &annotation))
			return false;
	}
	if ((unsigned)at->path >= c->n)
		return false;
	if (!st_string(c->args[at->path], name, sizeof(name), &cut)) {
		if (st_text_is(c->args[at->path], "NULL"))
			return at->dirfd != CAPTURE_CWD &&
			       descriptor_path(t, c->args[at->dirfd], out);
		if (st_begins(c->args[at->path], "0x"))
			raw_path(s);
		return false;
	}
	if (!*name)
		return at->dirfd != CAPTURE_CWD && descriptor_path(t, c->args[at->dirfd], out);
	if (cut) {
		import_lost(&s->im, "paths");
		return false;
	}
	from = *name == '/' ? "/" : base_of(s, t, fd, annotation, base);
	if (*name == '/' && annotation.n)
		base_of(s, t, fd, annotation, base); /* it tells the current folder */
	if (!*from) {
		unknown_base(s);
		return false;
	}
	if ((size_t)snprintf(out, PATH_MAX, "%s/%s", *name == '/' ? "" : from, name) >= PATH_MAX)
		return false;
	resolve(s, follow, out);
	return true;
}

/* Devices, pipes and the like are there already, whatever O_CREAT says. */
static bool exists_always(const char *path)
{
	return !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9) != 0 &&
	       strncmp(path, "/dev/mqueue/", 12) != 0;
}

/* An O_TMPFILE file is called "#inode" in the folder that was named. */
static void add_tmpfile(struct strace *s, struct st_task *t, const char *folder, uint32_t access,
			uint32_t phases)
{
	cleanup_buf struct buf pattern = { 0 };

	for (const char *c = folder; *c; c++) {
		if (strchr("*@\\", *c))
			buf_putc(&pattern, '\\');
		buf_putc(&pattern, *c);
	}
	buf_printf(&pattern, "%s#*", pattern.len && pattern.p[pattern.len - 1] == '/' ? "" : "/");
	import_file(&s->im, buf_str(&pattern), true, access | WL_F_CREATE, phases, t->program);
}

static void opened(struct strace *s, struct st_task *t, const struct st_call *c, const char *name,
		   uint64_t flags, uint32_t phases)
{
	uint32_t access = capture_open_access(flags);
	bool tmpfile = (flags & O_TMPFILE) == O_TMPFILE;
	bool directory = flags & O_DIRECTORY;
	char path[PATH_MAX], real[PATH_MAX];
	struct st_fd *f;

	if (!st_annotation(c->path, path, sizeof(path)))
		snprintf(path, sizeof(path), "%s", name);
	f = st_fd_new(s, t, (int)c->value);
	if (f && *path && !tmpfile)
		f->path = xstrdup(path);
	if (*path == '/' && s->im.o->resolve)
		s->im.o->resolve(s->im.o->ctx, path, true, real, &directory);
	if (exists_always(path))
		access &= ~(uint32_t)WL_F_CREATE;
	if (tmpfile && *name)
		add_tmpfile(s, t, name, access, phases);
	else if (*path == '/' && !c->deleted && directory)
		add_directory(s, t, path, access, phases);
	else if (*path == '/' && !c->deleted)
		add_file(s, t, path, access, phases);
}

static bool open_flags(const struct st_call *c, const struct capture *cap, uint64_t *flags)
{
	if (!strcmp(cap->name, "creat")) {
		*flags = O_CREAT | O_WRONLY | O_TRUNC;
		return true;
	}
	if (cap->flags_arg == CAPTURE_NONE) /* openat2 */
		return c->n > 2 && st_open_flags(st_member(c->args[2], "flags"), flags);
	return (unsigned)cap->flags_arg < c->n && st_open_flags(c->args[cap->flags_arg], flags);
}

static void record_open(struct strace *s, struct st_task *t, const struct st_call *c,
			const struct capture *cap, uint32_t phases)
{
	char path[PATH_MAX] = "";
	uint64_t flags;

	if (c->result == ST_NO_RESULT)
		return;
	if (!open_flags(c, cap, &flags)) {
		import_lost(&s->im, "files");
		return;
	}
	if (!path_of(s, t, c, &cap->path[0], true, path))
		*path = '\0';
	if (c->result == ST_VALUE)
		opened(s, t, c, path, flags, phases);
	else if (*path && is_missing(c))
		add_file(s, t, path, WL_F_MISSING, phases);
	else if (*path && is_refused(c))
		add_file(s, t, path, WL_F_REFUSED | capture_open_access(flags), phases);
}

static bool follows(const struct st_call *c, const struct capture_path *at)
{
	if (at->access & (WL_F_CREATE | WL_F_DELETE | WL_F_LINK))
		return false;
	if (c->name[0] == 'l') /* lchown, lsetxattr … */
		return false;
	return !c->n || !st_flag(c->args[c->n - 1], "AT_SYMLINK_NOFOLLOW", AT_SYMLINK_NOFOLLOW);
}

static void change_directory(struct strace *s, struct st_task *t, const char *path)
{
	(void)s;
	free(t->fs->cwd);
	t->fs->cwd = xstrdup(path);
}

static void record_paths(struct strace *s, struct st_task *t, const struct st_call *c,
			 const struct capture *cap, uint32_t phases)
{
	bool directory = cap->directory == CAPTURE_DIRECTORY ||
			 (cap->directory == CAPTURE_DIRECTORY_BY_FLAG && c->n > 2 &&
			  st_flag(c->args[2], "AT_REMOVEDIR", AT_REMOVEDIR));

	for (unsigned i = 0; i < CAPTURE_MAX_PATHS && cap->path[i].access; i++) {
		const struct capture_path *at = &cap->path[i];
		char path[PATH_MAX];

		if (!path_of(s, t, c, at, follows(c, at), path))
			continue;
		if (is_missing(c)) {
			add_file(s, t, path, WL_F_MISSING, phases);
			return; /* of two names the first, as far as a log can tell */
		}
		if (is_refused(c))
			add_file(s, t, path, WL_F_REFUSED | at->access, phases);
		if (c->result != ST_VALUE)
			continue;
		if (directory)
			add_directory(s, t, path, at->access, phases);
		else
			add_file(s, t, path, at->access, phases);
		if (!strcmp(cap->name, "chdir"))
			change_directory(s, t, path);
	}
}

static void record_descriptor(struct strace *s, struct st_task *t, const struct st_call *c,
			      const struct capture_path *at, uint32_t phases)
{
	char path[PATH_MAX];

	if (c->result == ST_ERROR || !path_of(s, t, c, at, true, path))
		return;
	if (at->access & WL_F_CHDIR) {
		change_directory(s, t, path);
		add_directory(s, t, path, at->access, phases);
	} else {
		add_file(s, t, path, at->access, phases);
	}
}

/* F_SETLK, F_SETLKW, their 64-bit forms of i386 and those of open file descriptions. */
static bool is_lock(const struct st_call *c)
{
	static const uint8_t commands[] = { 6, 7, 13, 14, 37, 38 };
	uint64_t v;

	if (c->n < 2 || !const_parse(sc_by_name("fcntl"), 1, NULL, c->args[1].p, c->args[1].n, &v))
		return false;
	return v < 256 && memchr(commands, (int)v, sizeof(commands));
}

static bool maps_code(const struct st_call *c)
{
	return c->n > 4 && st_flag(c->args[2], "PROT_EXEC", PROT_EXEC) &&
	       !st_flag(c->args[3], "MAP_ANONYMOUS", MAP_ANONYMOUS);
}

/* What is listed is a folder: only then it is sure, when the flags of its open(2) did not say so.
 */
void st_listing(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases)
{
	char path[PATH_MAX];

	if (c->n && c->result == ST_VALUE && descriptor_path(t, c->args[0], path))
		add_directory(s, t, path, WL_F_READ, phases);
}

void st_files(struct strace *s, struct st_task *t, const struct st_call *c,
	      const struct capture *cap, uint32_t phases)
{
	switch (cap->kind) {
	case CAPTURE_OPEN:
		record_open(s, t, c, cap, phases);
		break;
	case CAPTURE_EXEC:
		if (c->result != ST_VALUE)
			record_paths(s, t, c, cap, phases);
		break;
	case CAPTURE_PLAIN:
		record_paths(s, t, c, cap, phases);
		break;
	case CAPTURE_MMAP:
		if (maps_code(c))
			record_descriptor(s, t, c, &cap->path[0], phases);
		break;
	case CAPTURE_FCNTL:
		if (is_lock(c))
			record_descriptor(s, t, c, &cap->path[0], phases);
		break;
	case CAPTURE_FD:
		record_descriptor(s, t, c, &cap->path[0], phases);
		break;
	default:
		break;
	}
}

/* From the file that was asked for to the one that runs, and its dynamic loader. */
static void interpreters(struct strace *s, struct st_task *t, char path[PATH_MAX], uint32_t phases)
{
	const struct import_options *o = s->im.o;
	char next[PATH_MAX];
	bool script = true;

	for (unsigned i = 0; i < 5 && o->interpreter; i++) {
		if (!o->interpreter(o->ctx, path, next, &script) || !script)
			break;
		add_file(s, t, path, WL_F_EXEC | WL_F_READ, phases);
		snprintf(path, PATH_MAX, "%s", next);
	}
	t->program = import_program(&s->im, path);
	add_file(s, t, path, WL_F_EXEC | WL_F_READ | WL_F_MAP, phases);
	if (o->interpreter && !script) {
		/* The last look found an ELF file with a loader. */
		if (t->program >= 0)
			s->im.w->programs[t->program].interpreter = wl_string(s->im.w, next);
		add_file(s, t, next, WL_F_READ | WL_F_MAP, phases);
	}
}

void st_exec(struct strace *s, struct st_task *t, const struct st_call *c, uint32_t phases)
{
	const struct capture *cap = capture_by_name(c->name);
	int parent = t->program;
	char path[PATH_MAX];

	s->started |= parent < 0;
	if (path_of(s, t, c, &cap->path[0], true, path))
		interpreters(s, t, path, phases);
	else
		t->program = import_program(&s->im, "");
	st_task_exec(s, t);
	if (parent >= 0 && t->program >= 0)
		wl_set_add(&s->im.w->programs[t->program].parents, (uint32_t)parent);
}
