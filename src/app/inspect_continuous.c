/* Inspecting again whenever something changes, and saying what that changed. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "inspect/report.h"

enum {
	SETTLE_MS = 200, /* after a change, for what else changes with it */
	WATCH_EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
		       IN_DELETE_SELF | IN_MOVE_SELF,
	MAX_FOLDERS = 64,
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	stopped = signal;
}

/* ---- files that may change */

static void watch_folder(int fd, const char *path, unsigned depth)
{
	cleanup_closedir DIR *d = NULL;
	struct dirent *de;

	if (inotify_add_watch(fd, path, WATCH_EVENTS | IN_ONLYDIR) < 0)
		log_warn("%s: its changes are not noticed: %s", path, strerror(errno));
	d = depth < MAX_FOLDERS ? opendir(path) : NULL;
	while (d && (de = readdir(d))) {
		cleanup_free char *name = xasprintf("%s/%s", path, de->d_name);
		struct stat st;

		if (*de->d_name != '.' && lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
			watch_folder(fd, name, depth + 1);
	}
}

/* Of a file the folder is watched: editors and kubectl put a new file in its place. */
static void watch_path(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		watch_folder(fd, path, 0);
		return;
	}
	folder = slash ? xasprintf("%.*s/", (int)(slash - path), path) : xstrdup(".");
	inotify_add_watch(fd, folder, WATCH_EVENTS);
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* Until a file changes, `interval` seconds are over (0: never) or a signal comes. */
static void wait_for_change(int fd, unsigned interval)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int timeout = interval ? (int)(interval * 1000) : -1;

	if (poll(&p, 1, timeout) <= 0)
		return;
	do
		drain(fd);
	while (!stopped && poll(&p, 1, SETTLE_MS) > 0);
}

/* ---- what changed */

/* The findings of one inspection that count, in the order of their fingerprints. */
struct state {
	struct entry {
		uint64_t print;
		char *text, *json;
	} * v;
	size_t n, cap;
	unsigned score;
	size_t problems;
};

static void state_free(struct state *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].text);
		free(s->v[i].json);
	}
	free(s->v);
	*s = (struct state){ 0 };
}

static int by_print(const void *a, const void *b)
{
	uint64_t x = ((const struct entry *)a)->print, y = ((const struct entry *)b)->print;

	return x < y ? -1 : x > y;
}

static char *describe(const struct ins_report *r, const struct ins_finding *f)
{
	cleanup_buf struct buf b = { 0 };

	buf_printf(&b, "%-8s %s  ", ins_severity_name(f->severity), f->check->id);
	ins_subject_name(&r->subjects[f->subject], &b);
	buf_printf(&b, ": %s (", f->message);
	rep_place(&f->place, &b);
	buf_puts(&b, ")");
	return xstrdup(buf_str(&b));
}

static void take_state(const struct ins_report *r, struct state *out)
{
	for (size_t i = 0; i < r->findings_n; i++) {
		const struct ins_finding *f = &r->findings[i];
		cleanup_buf struct buf json = { 0 };
		struct entry *e;

		if (!rep_counts(f))
			continue;
		rep_finding_json(r, f, &json);
		e = vec_push(out->v, out->n, out->cap);
		e->print = f->fingerprint;
		e->text = describe(r, f);
		e->json = xstrdup(buf_str(&json));
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_print);
	out->score = r->score;
	out->problems = r->problems_n;
}

static void put_change(const struct entry *e, bool appeared, bool json, const char *time,
		       struct buf *out)
{
	if (json)
		buf_printf(out, "{\"time\":\"%s\",\"change\":\"%s\",\"finding\":%s}\n", time,
			   appeared ? "new" : "resolved", e->json);
	else
		buf_printf(out, "%s  %s  %s\n", time, appeared ? "new     " : "resolved", e->text);
}

static void put_changes(const struct state *old, const struct state *now, bool json, time_t at,
			struct buf *out)
{
	char time[32];
	size_t i = 0, k = 0;

	rep_time(at, time);
	while (i < old->n || k < now->n) {
		int order = i == old->n ? 1 : k == now->n ? -1 : by_print(&old->v[i], &now->v[k]);

		if (order < 0)
			put_change(&old->v[i++], false, json, time, out);
		else if (order > 0)
			put_change(&now->v[k++], true, json, time, out);
		else
			i++, k++;
	}
	if (json || (old->score == now->score && !out->len))
		return;
	buf_printf(out, "%s  score %u -> %u\n", time, old->score, now->score);
}

/* ---- the loop */

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: poll returns */

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* One inspection: the first is reported whole, the others by what they changed. */
static int once(struct args *a, struct state *last, bool first, bool json, struct err *e)
{
	cleanup(inspect_free) struct inspect in = { 0 };
	cleanup(state_free) struct state now = { 0 }, old = *last;
	cleanup_buf struct buf out = { 0 };

	*last = (struct state){ 0 };
	if (inspect_all(&in, a, e) != EXIT_OK)
		return EXIT_ERROR;
	for (size_t i = 0;
	     i < in.report.problems_n && (first || in.report.problems_n != old.problems); i++)
		log_warn("%s", in.report.problems[i].text);
	take_state(&in.report, &now);
	if (first)
		ins_format_find(json ? "json" : "text")->write(&in.report, &out);
	else
		put_changes(&old, &now, json, in.report.now, &out);
	*last = now;
	now = (struct state){ 0 };
	return io_write_file(NULL, buf_str(&out), out.len, e) < 0 ? EXIT_ERROR : EXIT_OK;
}

int inspect_continuous(struct args *a, struct err *e)
{
	const char *format = args_value(a, "format");
	bool json = format && !strcmp(format, "json"), live = inspect_has_live(a);
	cleanup(state_free) struct state state = { 0 };
	uint64_t interval = 0;
	bool first = true;

	if (format && !json && strcmp(format, "text"))
		return usage_error(a, e, "--continuous prints text or json");
	if (args_has(a, "output") || args_has(a, "fix"))
		return usage_error(a, e, "--continuous goes neither with --output nor with --fix");
	if (args_time(a, "interval", 's', live ? 30 : 0, 1, 86400, &interval, e) < 0)
		return EXIT_ERROR;
	catch_signals();
	while (!stopped) {
		cleanup_close int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		struct err why = { 0 };

		if (fd < 0)
			return err_errno(e, errno, "cannot watch files"), EXIT_ERROR;
		/* Watched before they are read, so that no change falls between. */
		for (size_t i = 0; i < args_count(a); i++)
			watch_path(fd, args_at(a, i));
		if (once(a, &state, first, json, &why) != EXIT_OK) {
			if (first) {
				*e = why;
				return EXIT_ERROR;
			}
			log_warn("%s; trying again", why.msg);
			interval = interval ? interval : 5;
		}
		first = false;
		if (!stopped)
			wait_for_change(fd, (unsigned)interval);
	}
	return EXIT_OK;
}
