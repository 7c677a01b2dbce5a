/* file:PATH: one JSON object a line. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "out/sink_private.h"

struct file_sink {
	char *path;
	int fd; /* -1: not open */
};

static int file_open(void **state, const char *spec, const struct sink_target *t, struct err *e)
{
	const char *path = spec + strlen(sink_file.prefix);
	struct file_sink *s;

	(void)t;
	if (!*path)
		return err_set(e, EINVAL, "'%s': expected file:PATH", spec);
	s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	s->fd = -1;
	*state = s;
	return 0;
}

/* The file of this name now: it may have been moved away to begin a new one. */
static int reopen(struct file_sink *s, struct stat *st, struct err *e)
{
	struct stat now;

	if (s->fd >= 0 && fstat(s->fd, st) == 0 && stat(s->path, &now) == 0 &&
	    st->st_ino == now.st_ino && st->st_dev == now.st_dev)
		return 0;
	if (s->fd >= 0)
		close(s->fd);
	/* Without O_NONBLOCK, a pipe without reader would keep the thread for ever. */
	s->fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		     0600);
	if (s->fd < 0 || fstat(s->fd, st) < 0)
		return err_errno(e, errno, "cannot open %s", s->path);
	return 0;
}

static int file_deliver(void *state, const struct finding *f, const struct buf *json, struct err *e)
{
	cleanup_buf struct buf line = { 0 };
	struct file_sink *s = state;
	struct stat st;
	int err = reopen(s, &st, e);

	(void)f;
	if (err < 0)
		return err;
	buf_append(&line, json->p, json->len);
	buf_putc(&line, '\n');
	err = io_write_all(s->fd, line.p, line.len);
	if (err == 0 && fdatasync(s->fd) < 0 && errno != EINVAL && errno != EROFS)
		err = -errno;
	if (err == 0)
		return 0;
	/* No half line stays before the next attempt. */
	if (S_ISREG(st.st_mode) && ftruncate(s->fd, st.st_size) < 0)
		return err_errno(e, errno, "cannot shorten %s", s->path);
	return err_errno(e, -err, "cannot write to %s", s->path);
}

static void file_free(void *state)
{
	struct file_sink *s = state;

	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

const struct sink_kind sink_file = { "file:", file_open, file_deliver, file_free };
