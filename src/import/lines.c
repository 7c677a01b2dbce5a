#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/import.h"

enum { SIZE = IMPORT_MAX_LINE + 65536 };

int lines_open(struct lines *l, const struct import_input *in, struct err *e)
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
	l->buf = xcalloc(1, SIZE + 1);
	return 0;
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
		n = TEMP_FAILURE_RETRY(read(l->fd, l->buf + l->end, room));
		if (n < 0)
			return err_errno(e, errno, "%s: cannot read", l->name);
	}
	l->eof = n == 0;
	l->end += (size_t)n;
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
