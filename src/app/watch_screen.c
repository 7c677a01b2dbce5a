#include "app/watch_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/plural.h"

enum {
	DRAW_NS = 250000000,
	SECONDS = 60, /* of which rates are remembered */
	FINDINGS = 200,
	PRIORITIES = 8, /* enum rules_priority */
	CONTAINERS = 512,
	MESSAGES = 4,
	TEXT = 160,
	WIDTH_MAX = 400,
	HEIGHT_MAX = 200,
};

struct finding_line {
	uint64_t time, count;
	unsigned priority;
	char rule[TEXT], container[TEXT], who[TEXT];
};

struct container_line {
	char id[16], name[TEXT], image[TEXT];
	uint64_t events, before, findings; /* before: at the last whole second */
	unsigned rate, worst;		   /* worst: a priority */
	uint64_t seen;
};

struct watch_screen {
	struct termios tty;
	bool keys; /* standard input is a terminal too */
	bool color, blocks;
	int messages, err; /* where standard error goes, and what it was */
	char message[MESSAGES][TEXT];
	size_t message_n;
	uint64_t begun, drawn, second; /* ns, ns, s of CLOCK_MONOTONIC */
	uint64_t records;	       /* at the last whole second */
	unsigned rates[SECONDS];
	struct finding_line findings[FINDINGS];
	uint64_t by_priority[PRIORITIES];
	size_t findings_n;
	struct container_line *containers[CONTAINERS];
	size_t containers_n;
	struct map by_id;
	struct buf frame;
	unsigned width, height, line;
};

/* ---- the terminal, which is given back whatever happens */

static struct watch_screen *shown;
static const char enter[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
static const char leave[] = "\x1b[?25h\x1b[?1049l";

static void give_back(void)
{
	struct watch_screen *s = shown;
	ssize_t n;

	if (!s)
		return;
	shown = NULL;
	n = write(STDOUT_FILENO, leave, sizeof(leave) - 1);
	(void)n;
	if (s->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->tty);
	dup2(s->err, STDERR_FILENO);
}

static void on_crash(int sig)
{
	give_back();
	signal(sig, SIG_DFL);
	raise(sig);
}

static bool is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

static bool is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_set(names[i]))
			return strcasestr(getenv(names[i]), "utf-8") ||
			       strcasestr(getenv(names[i]), "utf8");
	return false;
}

static void take_keys(struct watch_screen *s)
{
	struct termios raw;

	s->keys = tcgetattr(STDIN_FILENO, &s->tty) == 0;
	if (!s->keys)
		return;
	raw = s->tty;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

struct watch_screen *watch_screen_new(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT };
	const char *term = getenv("TERM");
	struct watch_screen *s;
	int fds[2];

	if (!isatty(STDOUT_FILENO) || !term || !*term || !strcmp(term, "dumb") ||
	    pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->color = !is_set("NO_COLOR");
	s->blocks = is_utf8();
	s->begun = clock_ns(CLOCK_MONOTONIC);
	s->messages = fds[0];
	s->err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	fflush(stdout);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	take_keys(s);
	shown = s;
	atexit(give_back);
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], on_crash);
	io_write_all(STDOUT_FILENO, enter, sizeof(enter) - 1);
	return s;
}

void watch_screen_free(struct watch_screen *s)
{
	if (!s)
		return;
	give_back();
	for (size_t i = 0; i < s->message_n; i++)
		fprintf(stderr, "%s\n", s->message[i]);
	for (size_t i = 0; i < s->containers_n; i++)
		free(s->containers[i]);
	map_free(&s->by_id);
	buf_free(&s->frame);
	close(s->messages);
	close(s->err);
	free(s);
}

/* ---- what it knows */

/* Bytes of other texts and of terminals' commands become "?". */
static void set_text(char out[TEXT], const char *s)
{
	size_t n = 0;

	for (; s && *s && n < TEXT - 1; s++)
		out[n++] = (unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f ? '?' : *s;
	out[n] = '\0';
}

/* The container's line; one that was not heard of for long makes room. */
static struct container_line *line_of(struct watch_screen *s, const struct container *c)
{
	struct container_line **at = (struct container_line **)map_at(&s->by_id, c->short_id,
								      strlen(c->short_id));

	if (!*at && s->containers_n < CONTAINERS) {
		*at = xcalloc(1, sizeof(**at));
		snprintf((*at)->id, sizeof((*at)->id), "%s", c->short_id);
		(*at)->worst = 8;
		s->containers[s->containers_n++] = *at;
	}
	if (*at && (!*(*at)->name || !*(*at)->image)) {
		set_text((*at)->name, c->pod_name ? c->pod_name : c->name);
		set_text((*at)->image, c->image);
	}
	return *at;
}

void watch_screen_event(struct watch_screen *s, const struct process *p)
{
	struct container_line *l = p && p->container ? line_of(s, p->container) : NULL;

	if (!l)
		return;
	l->events++;
	l->seen = clock_ns(CLOCK_MONOTONIC);
}

static bool is_same(const struct finding_line *a, const struct finding_line *b)
{
	return !strcmp(a->rule, b->rule) && !strcmp(a->container, b->container) &&
	       !strcmp(a->who, b->who);
}

void watch_screen_finding(struct watch_screen *s, uint64_t time, unsigned priority,
			  const char *rule, const char *container, const char *who)
{
	struct finding_line f = { .time = time, .priority = priority, .count = 1 };
	size_t at = 0;

	set_text(f.rule, rule);
	set_text(f.container, container);
	set_text(f.who, who);
	for (size_t i = 0; i < s->containers_n; i++)
		if (*container && !strcmp(s->containers[i]->id, container)) {
			s->containers[i]->findings++;
			if (priority < s->containers[i]->worst)
				s->containers[i]->worst = priority;
		}
	s->by_priority[priority < PRIORITIES ? priority : PRIORITIES - 1]++;
	/* The same again moves up, however much stands between. */
	while (at < s->findings_n && !is_same(&s->findings[at], &f))
		at++;
	if (at < s->findings_n)
		f.count = s->findings[at].count + 1;
	else if (s->findings_n < FINDINGS)
		s->findings_n++;
	else
		at = FINDINGS - 1;
	memmove(s->findings + 1, s->findings, at * sizeof(f));
	s->findings[0] = f;
}

static void add_message(struct watch_screen *s, const char *text)
{
	if (s->message_n == MESSAGES)
		memmove(s->message[0], s->message[1], (MESSAGES - 1) * sizeof(s->message[0]));
	else
		s->message_n++;
	set_text(s->message[s->message_n - 1], text);
}

static void read_messages(struct watch_screen *s)
{
	char text[4096];
	ssize_t n = read(s->messages, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *line = text, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		add_message(s, line);
	}
}

static void count_seconds(struct watch_screen *s, const struct watch_screen_numbers *n)
{
	uint64_t second = clock_ns(CLOCK_MONOTONIC) / 1000000000u, passed = second - s->second;

	if (!s->second || !passed) {
		s->second = second;
		return;
	}
	for (uint64_t i = 0; i < passed && i < SECONDS; i++)
		memmove(s->rates + 1, s->rates, (SECONDS - 1) * sizeof(*s->rates));
	for (uint64_t i = 0; i < passed && i < SECONDS; i++)
		s->rates[i] = (unsigned)((n->records - s->records) / passed);
	for (size_t i = 0; i < s->containers_n; i++) {
		struct container_line *l = s->containers[i];

		l->rate = (unsigned)((l->events - l->before) / passed);
		l->before = l->events;
	}
	s->records = n->records;
	s->second = second;
}

/* ---- the picture */

enum style { PLAIN, BOLD, DIM, RED, YELLOW, GREEN, CYAN, BAR };

static const char *const styles[] = {
	[PLAIN] = "\x1b[0m",   [BOLD] = "\x1b[1m",   [DIM] = "\x1b[2m",	  [RED] = "\x1b[1;31m",
	[YELLOW] = "\x1b[33m", [GREEN] = "\x1b[32m", [CYAN] = "\x1b[36m", [BAR] = "\x1b[7m",
};

static enum style style_of(unsigned priority)
{
	return priority <= 3 ? RED : priority == 4 ? YELLOW : priority == 5 ? CYAN : DIM;
}

/* In four columns, for those who see no colours. */
static const char *const words[PRIORITIES] = { "EMRG", "ALRT", "CRIT", "ERR ",
					       "WARN", "NOTE", "INFO", "DBG " };

static void put_style(struct watch_screen *s, enum style style)
{
	if (s->color)
		buf_puts(&s->frame, styles[style]);
}

/* A text in so many columns; returns how many are left of `room`. */
__attribute__((format(printf, 4, 5))) static unsigned put(struct watch_screen *s, unsigned room,
							  enum style style, const char *fmt, ...)
{
	char text[WIDTH_MAX + 1];
	va_list ap;
	size_t len;

	if (s->line >= s->height)
		return 0;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = strnlen(text, room);
	if (style)
		put_style(s, style);
	buf_append(&s->frame, text, len);
	if (style)
		put_style(s, PLAIN);
	return room - (unsigned)len;
}

/* False when the picture is full: nothing more goes into it. */
static bool end_line(struct watch_screen *s)
{
	if (s->line >= s->height)
		return false;
	buf_puts(&s->frame, "\x1b[K");
	if (++s->line >= s->height)
		return false;
	buf_puts(&s->frame, "\r\n");
	return true;
}

static void put_rates(struct watch_screen *s, unsigned room)
{
	static const char *const high[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char low[] = "_.-:=+*#";
	unsigned most = 1, n = room < SECONDS ? room : SECONDS;

	if (s->line >= s->height)
		return;
	for (unsigned i = 0; i < n; i++)
		most = s->rates[i] > most ? s->rates[i] : most;
	put_style(s, GREEN);
	for (unsigned i = n; i-- > 0;) {
		unsigned level = (unsigned)((uint64_t)s->rates[i] * 7 / most);

		if (s->blocks)
			buf_puts(&s->frame, high[level]);
		else
			buf_putc(&s->frame, low[level]);
	}
	put_style(s, PLAIN);
}

static void put_head(struct watch_screen *s, const struct watch_screen_numbers *n)
{
	uint64_t up = (clock_ns(CLOCK_MONOTONIC) - s->begun) / 1000000000u, findings = 0;
	char text[WIDTH_MAX + 1], host[TEXT];
	unsigned room;

	set_text(host, n->hostname);
	snprintf(text, sizeof(text),
		 " boltseal watch   %s   %zu rule%s   %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64
		 "   q ends",
		 host, n->rules, plural(n->rules), up / 3600, up / 60 % 60, up % 60);
	put(s, s->width, BAR, "%-*s", (int)s->width, text);
	end_line(s);
	room = put(s, s->width, PLAIN, " events/s %8u  ", s->rates[0]);
	put_rates(s, room > 2 ? room - 2 : 0);
	end_line(s);
	for (unsigned i = 0; i < PRIORITIES; i++)
		findings += s->by_priority[i];
	room = put(s, s->width, PLAIN, " findings %8" PRIu64 "  ", findings);
	for (unsigned i = 0; i < PRIORITIES; i++)
		if (s->by_priority[i])
			room = put(s, room, style_of(i), "%.*s %" PRIu64 "  ",
				   (int)strcspn(words[i], " "), words[i], s->by_priority[i]);
	end_line(s);
	room = put(s, s->width, PLAIN, " processes %7zu  containers %zu  ", n->processes,
		   n->containers);
	put(s, room, n->lost ? RED : DIM, "lost %" PRIu64, n->lost);
	end_line(s);
	end_line(s);
}

static int by_activity(const void *a, const void *b)
{
	const struct container_line *x = *(struct container_line *const *)a,
				    *y = *(struct container_line *const *)b;

	if (x->worst != y->worst)
		return x->worst < y->worst ? -1 : 1;
	if (x->rate != y->rate)
		return x->rate > y->rate ? -1 : 1;
	return x->seen > y->seen ? -1 : x->seen < y->seen;
}

static void put_containers(struct watch_screen *s, unsigned lines)
{
	unsigned wide = s->width > 60 ? (s->width - 42) / 2 : 12;

	put(s, s->width, BOLD, " %-12s  %-*.*s  %-*.*s  %8s  %8s", "CONTAINER", (int)wide,
	    (int)wide, "NAME", (int)wide, (int)wide, "IMAGE", "EVENTS/S", "FINDINGS");
	end_line(s);
	qsort(s->containers, s->containers_n, sizeof(*s->containers), by_activity);
	for (size_t i = 0; i < s->containers_n && i + 1 < lines; i++) {
		const struct container_line *l = s->containers[i];
		unsigned room = put(s, s->width, PLAIN, " %-12s  %-*.*s  %-*.*s  %8u  ", l->id,
				    (int)wide, (int)wide, l->name, (int)wide, (int)wide, l->image,
				    l->rate);

		put(s, room, l->findings ? style_of(l->worst) : DIM, "%8" PRIu64, l->findings);
		end_line(s);
	}
	if (!s->containers_n) {
		put(s, s->width, DIM, " none so far");
		end_line(s);
	}
	end_line(s);
}

/* What people call the container of this id. */
static const char *name_of(const struct watch_screen *s, const char *id)
{
	for (size_t i = 0; *id && i < s->containers_n; i++)
		if (!strcmp(s->containers[i]->id, id) && *s->containers[i]->name)
			return s->containers[i]->name;
	return *id ? id : "host";
}

static void put_finding(struct watch_screen *s, const struct finding_line *f)
{
	time_t sec = (time_t)(f->time / 1000000000u);
	struct tm tm;
	char when[16], times[24] = "";
	unsigned room;

	localtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	if (f->count > 1)
		snprintf(times, sizeof(times), " x%" PRIu64, f->count);
	room = put(s, s->width, DIM, " %s  ", when);
	room = put(s, room, style_of(f->priority), "%s  %s%s",
		   words[f->priority < PRIORITIES ? f->priority : PRIORITIES - 1], f->rule, times);
	room = put(s, room, PLAIN, "  %s", name_of(s, f->container));
	put(s, room, DIM, "  %s", f->who);
}

static void put_findings(struct watch_screen *s, unsigned lines)
{
	time_t now = time(NULL);
	struct tm tm;
	char zone[16] = "";

	/* Whose clock it is: everything else that boltseal tells is in UTC. */
	localtime_r(&now, &tm);
	strftime(zone, sizeof(zone), "%Z", &tm);
	put(s, s->width, BOLD, " LATEST FINDINGS  (%s)", zone);
	if (!end_line(s))
		return;
	for (size_t i = 0; i < s->findings_n && i + 1 < lines; i++) {
		put_finding(s, &s->findings[i]);
		if (!end_line(s))
			return;
	}
	if (!s->findings_n) {
		put(s, s->width, DIM, " none so far");
		end_line(s);
	}
}

static void measure(struct watch_screen *s)
{
	struct winsize w = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	s->width = !w.ws_col ? 80 : w.ws_col > WIDTH_MAX ? WIDTH_MAX : w.ws_col;
	s->height = !w.ws_row ? 24 : w.ws_row > HEIGHT_MAX ? HEIGHT_MAX : w.ws_row;
}

/* Lines of the head with the empty one below; fewer lines than SMALL have no containers. */
enum { HEAD_LINES = 5, SMALL = 16 };

static void draw(struct watch_screen *s, const struct watch_screen_numbers *n)
{
	unsigned messages = (unsigned)s->message_n, shown_n, rest;

	measure(s);
	s->frame.len = 0;
	s->line = 0;
	buf_puts(&s->frame, "\x1b[H");
	put_head(s, n);
	/* On a small terminal the findings are what counts. */
	rest = s->height > HEAD_LINES ? s->height - HEAD_LINES : 0;
	if (s->height >= SMALL) {
		rest -= messages + 1; /* an empty line between both lists */
		shown_n = s->containers_n ? (unsigned)s->containers_n : 1;
		shown_n = shown_n + 1 < rest / 2 ? shown_n + 1 : rest / 2;
		put_containers(s, shown_n);
		rest -= shown_n;
	}
	put_findings(s, rest);
	buf_puts(&s->frame, "\x1b[J");
	for (unsigned i = 0; i < messages && s->height >= SMALL; i++) {
		buf_printf(&s->frame, "\x1b[%u;1H", s->height - messages + i + 1);
		put(s, s->width, strstr(s->message[i], "warning") ? YELLOW : DIM, "%s",
		    s->message[i]);
		buf_puts(&s->frame, "\x1b[K");
	}
	io_write_all(STDOUT_FILENO, s->frame.p, s->frame.len);
}

static bool wants_to_end(const struct watch_screen *s)
{
	char key;

	while (s->keys && read(STDIN_FILENO, &key, 1) == 1)
		if (key == 'q' || key == 'Q')
			return true;
	return false;
}

bool watch_screen_draw(struct watch_screen *s, const struct watch_screen_numbers *n)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - s->drawn < DRAW_NS)
		return false;
	s->drawn = now;
	read_messages(s);
	count_seconds(s, n);
	draw(s, n);
	return wants_to_end(s);
}
