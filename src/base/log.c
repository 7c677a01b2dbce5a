#include "base/log.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { FIRST_MS = 1000, REDRAW_MS = 100, WIDTH_DEFAULT = 80 };

static struct log_progress *current; /* what a message must not be written into */

static bool terminal(FILE *f)
{
	const char *term = getenv("TERM");

	return isatty(fileno(f)) && !(term && !strcmp(term, "dumb"));
}

const char *log_style(FILE *f, enum log_style style)
{
	static const char *const sequences[] = {
		[LOG_PLAIN] = "\033[0m", [LOG_BOLD] = "\033[1m",   [LOG_DIM] = "\033[2m",
		[LOG_RED] = "\033[31m",	 [LOG_GREEN] = "\033[32m", [LOG_YELLOW] = "\033[33m",
	};
	const char *no = getenv("NO_COLOR");

	return terminal(f) && !(no && *no) ? sequences[style] : "";
}

static void hide(struct log_progress *p)
{
	if (p && p->visible) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		p->visible = false;
	}
}

__attribute__((format(printf, 3, 0))) static void message(enum log_style style, const char *kind,
							  const char *fmt, va_list ap)
{
	hide(current);
	fprintf(stderr, "boltseal: %s%s%s", log_style(stderr, style), kind,
		style == LOG_PLAIN ? "" : log_style(stderr, LOG_PLAIN));
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(LOG_YELLOW, "warning: ", fmt, ap);
	va_end(ap);
}

void log_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(LOG_PLAIN, "", fmt, ap);
	va_end(ap);
}

void log_notes(const struct buf *lines)
{
	const char *p = buf_str(lines), *end;

	for (; (end = strchr(p, '\n')); p = end + 1)
		log_note("%.*s", (int)(end - p), p);
}

void log_progress_begin(struct log_progress *p)
{
	*p = (struct log_progress){ .on = terminal(stderr),
				    .next = clock_ms(CLOCK_MONOTONIC) + FIRST_MS };
	current = p;
}

void log_progress_update(struct log_progress *p, const char *fmt, ...)
{
	struct winsize w = { 0 };
	char line[256];
	uint64_t now;
	va_list ap;
	int width;

	if (!p->on)
		return;
	now = clock_ms(CLOCK_MONOTONIC);
	if (now < p->next)
		return;
	p->next = now + REDRAW_MS;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	ioctl(STDERR_FILENO, TIOCGWINSZ, &w);
	width = w.ws_col > 1 ? w.ws_col - 1 : WIDTH_DEFAULT;
	fprintf(stderr, "\r\033[K%.*s", width, line);
	fflush(stderr);
	p->visible = true;
}

void log_progress_end(struct log_progress *p)
{
	hide(p);
	p->on = false;
	if (current == p)
		current = NULL;
}
