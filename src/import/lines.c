#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "import/import.h"

enum { SIZE = IMPORT_MAX_LINE + 65536 };

static void set_limits(struct lines *l, const struct import_options *o)
{
	uint64_t seconds = o && o->max_seconds ? o->max_seconds : IMPORT_SECONDS;
	struct stat st;

	l->left = o && o->max_bytes ? o->max_bytes : IMPORT_LOG_BYTES;
	if (l->fd >= 0 && (fstat(l->fd, &st) || !S_ISREG(st.st_mode)))
		l->deadline = (int64_t)clock_ms(CLOCK_MONOTONIC) + (int64_t)seconds * 1000;
}

int lines_open(struct lines *l, const struct import_input *in, const struct import_options *o,
	       struct err *e)
{
	*l = (struct lines){ .name = in->name, .fd = -1 };
	if (in->data) {
		l->mem = in->data;
		l->mem_left = in->len;
	} else if (!strcmp(in->name, "-")) {
		l->name = "standard input";
		l->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		l->fd = open(in->name, O_RDONLY | O_CLOEXEC);
	}
	if (!in->data && l->fd < 0)
		return err_errno(e, errno, "%s: cannot open", l->name);
	set_limits(l, o);
	l->buf = xcalloc(1, SIZE + 1);
	return 0;
}

/* Waits until there is something to read, or its end. False: the time is over. */
static bool wait_readable(const struct lines *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	int64_t left;

	if (!l->deadline)
		return true;
	while ((left = l->deadline - (int64_t)clock_ms(CLOCK_MONOTONIC)) > 0)
		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) > 0)
			return true;
	return false;
}

/* Up to `room` bytes of the input; 0 at its end or when a limit ends it. */
static ssize_t read_some(struct lines *l, char *to, size_t room)
{
	if (room > l->left)
		room = (size_t)l->left;
	if (!room)
		l->stopped = "--max-size";
	else if (!wait_readable(l))
		l->stopped = "--max-time";
	if (l->stopped)
		return 0;
	return TEMP_FAILURE_RETRY(read(l->fd, to, room));
}

void lines_note_limit(const struct lines *l, struct import *im)
{
	if (l->stopped)
		import_incomplete(im, "%s was read up to the limit of %s, to line %llu", l->name,
				  l->stopped, (unsigned long long)l->no);
}

/* More bytes behind those that wait; there is room. */
static int fill(struct lines *l, struct err *e)
{
	size_t room = SIZE - l->end;
	ssize_t n;

	if (l->mem) {
		n = (ssize_t)(l->mem_left < room ? l->mem_left : room);
		memcpy(l->buf + l->end, l->mem, (size_t)n);
		l->mem += n;
		l->mem_left -= (size_t)n;
	} else {
		n = read_some(l, l->buf + l->end, room);
		if (n < 0)
			return err_errno(e, errno, "%s: cannot read", l->name);
	}
	l->eof = n == 0;
	l->end += (size_t)n;
	l->left -= l->mem ? 0 : (size_t)n;
	return 0;
}

static void plain_text(char *text, size_t len)
{
	for (char *nul = text; (nul = memchr(nul, '\0', len - (size_t)(nul - text)));)
		*nul = '?';
	text[len] = '\0';
	if (len && text[len - 1] == '\r')
		text[len - 1] = '\0';
}

/* Drops the rest of a line that is too long. */
static int skip_rest(struct lines *l, struct err *e)
{
	for (;;) {
		char *nl = memchr(l->buf + l->pos, '\n', l->end - l->pos);

		if (nl) {
			l->pos = (size_t)(nl - l->buf) + 1;
			return 0;
		}
		/* The line itself stays at the front, since the caller gets it. */
		l->end = l->pos;
		if (l->eof)
			return 0;
		if (fill(l, e))
			return -e->code;
	}
}

int lines_next(struct lines *l, char **text, struct err *e)
{
	struct err mine;

	e = e ? e : &mine;
	for (;;) {
		char *start = l->buf + l->pos, *nl = memchr(start, '\n', l->end - l->pos);
		size_t len = nl ? (size_t)(nl - start) : l->end - l->pos;

		l->cut = len > IMPORT_MAX_LINE;
		l->partial = !nl && l->eof;
		if (nl || l->cut || (l->eof && len)) {
			l->no++;
			l->pos += len + (nl ? 1 : 0);
			if (l->cut && !nl) {
				memmove(l->buf, start, len);
				start = l->buf;
				l->end = len;
				l->pos = IMPORT_MAX_LINE + 1;
				if (skip_rest(l, e))
					return -e->code;
			}
			*text = start;
			plain_text(start, l->cut ? IMPORT_MAX_LINE : len);
			return 1;
		}
		if (l->eof)
			return 0;
		memmove(l->buf, start, len);
		l->pos = 0;
		l->end = len;
		if (fill(l, e))
			return -e->code;
	}
}

void lines_close(struct lines *l)
{
	close_p(&l->fd);
	free(l->buf);
	*l = (struct lines){ .fd = -1 };
}
