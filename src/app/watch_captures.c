#include "app/watch_captures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/watch_capture.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sensor/capture.h"

enum {
	DEFAULT_S = 5, /* as Falco's capture.default_duration */
	MAX_S = 24 * 3600,
	DEFAULT_MIB = 16,
	MAX_MIB = 64 * 1024,
	DEFAULT_FILES = 100,
	MAX_FILES = 100000,
	BEFORE_BYTES = 128 * 1024, /* of each half of what is kept of the past */
	LOOK_EACH = 64,		   /* records */
	SAME_NAME = 16,		   /* tries */
};

#define NAME_BEGIN "capture-"
#define NAME_END   ".gz"

struct watch_captures {
	char *dir;
	bool all; /* every rule that fires, not only those that say so */
	uint64_t duration, size_max;
	size_t files_max;
	struct capture_writer *writer; /* NULL: none is being written */
	char *path;
	uint64_t until; /* CLOCK_BOOTTIME, ns; also of one that ended early: until then no other */
	uint64_t lost;	/* before it began */
	uint64_t records;
	struct buf before[2]; /* records; the older half, the newer one */
};

int watch_captures_new(struct watch_captures **out, const struct args *a, struct err *e)
{
	const char *dir = args_value(a, "captures"), *mode = args_value(a, "captures-mode");
	uint64_t seconds, mib, files;
	struct watch_captures *c;

	if (args_time(a, "captures-time", 's', DEFAULT_S, 1, MAX_S, &seconds, e) < 0 ||
	    args_u64(a, "captures-size", DEFAULT_MIB, 1, MAX_MIB, &mib, e) < 0 ||
	    args_u64(a, "captures-files", DEFAULT_FILES, 1, MAX_FILES, &files, e) < 0)
		return -EINVAL;
	if (!dir)
		return 0;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "--captures=%s: cannot make the folder", dir);
	if (access(dir, R_OK | W_OK | X_OK) < 0)
		return err_errno(e, errno, "--captures=%s: cannot read and write there", dir);
	c = xcalloc(1, sizeof(*c));
	c->dir = xstrdup(dir);
	c->all = mode && !strcmp(mode, "all_rules");
	c->duration = seconds * 1000000000u;
	c->size_max = mib << 20;
	c->files_max = files;
	*out = c;
	return 0;
}

void watch_captures_free(struct watch_captures *c)
{
	if (!c)
		return;
	capture_writer_free(c->writer);
	buf_free(&c->before[0]);
	buf_free(&c->before[1]);
	free(c->path);
	free(c->dir);
	free(c);
}

/* ---- the folder */

static int is_ours(const struct dirent *d)
{
	size_t len = strlen(d->d_name), begin = strlen(NAME_BEGIN), end = strlen(NAME_END);

	return len > begin + end && !strncmp(d->d_name, NAME_BEGIN, begin) &&
	       !strcmp(d->d_name + len - end, NAME_END);
}

/* Deletes the oldest, so that there is room for one more. Their names are in the order of time. */
static int make_room(const struct watch_captures *c, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(c->dir, &names, is_ours, alphasort);

	if (n < 0)
		return err_errno(e, errno, "cannot read %s", c->dir);
	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", c->dir, names[i]->d_name);

		if ((size_t)(n - i) >= c->files_max && unlink(path) < 0)
			log_warn("%s: cannot delete it: %s", path, err_text(errno));
		free(names[i]);
	}
	free(names);
	return 0;
}

static char *path_of(const struct watch_captures *c, uint64_t time)
{
	time_t sec = (time_t)(time / 1000000000u);
	struct tm tm;
	char text[32];

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &tm);
	return xasprintf("%s/" NAME_BEGIN "%s.%09" PRIu64 "Z" NAME_END, c->dir, text,
			 time % 1000000000u);
}

static int create(struct watch_session *s, uint64_t time, struct err *e)
{
	struct watch_captures *c = s->captures;
	int err = make_room(c, e);

	if (err < 0)
		return err;
	err = -EEXIST;
	for (unsigned i = 0; err == -EEXIST && i < SAME_NAME; i++) {
		free(c->path);
		c->path = path_of(c, time + i);
		err = capture_create(&c->writer, c->path, O_EXCL | O_NOFOLLOW, s->hostname, s->boot,
				     e);
	}
	return err;
}

/* ---- one capture */

static uint64_t lost_now(const struct watch_session *s)
{
	struct watch_stats stats = { 0 };

	if (s->sensor)
		watch_stats(s->sensor, &stats);
	return stats.lost;
}

/*
 * When it cannot be written any more (a full disk) it is cut. One of which nothing was written
 * goes: it would take the place of an older one.
 */
static void check(struct watch_captures *c, int err, const struct err *e)
{
	struct stat st;

	if (err == 0)
		return;
	log_warn("%s", e->msg);
	capture_writer_free(c->writer);
	c->writer = NULL;
	if (lstat(c->path, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size)
		unlink(c->path);
}

static void end(struct watch_session *s)
{
	struct watch_captures *c = s->captures;
	uint64_t lost = lost_now(s);
	struct err e;

	check(c, capture_end(c->writer, lost > c->lost ? lost - c->lost : 0, &e), &e);
	capture_writer_free(c->writer);
	c->writer = NULL;
	watch_capture_tell(s);
}

static void put(struct watch_captures *c, const struct watch_rec *rec)
{
	struct err e;

	if (c->writer)
		check(c, capture_put(c->writer, rec, &e), &e);
}

/* What was seen last; the kernel made each record a multiple of 8 bytes long. */
static void put_before(struct watch_captures *c)
{
	for (unsigned half = 0; half < 2; half++) {
		struct buf *b = &c->before[half];

		for (size_t at = 0; at < b->len;) {
			const struct watch_rec *rec = (const void *)(b->p + at);

			put(c, rec);
			at += rec->size;
		}
		b->len = 0;
	}
}

static void keep(struct watch_captures *c, const struct watch_rec *rec)
{
	struct buf older = c->before[0];

	if (c->before[1].len + rec->size > BEFORE_BYTES) {
		c->before[0] = c->before[1];
		c->before[1] = older;
		c->before[1].len = 0;
	}
	buf_append(&c->before[1], rec, rec->size);
}

static bool begin(struct watch_session *s, uint64_t time)
{
	struct watch_captures *c = s->captures;
	struct err e;

	if (create(s, time, &e) < 0) {
		log_warn("no capture: %s", e.msg);
		return false;
	}
	c->lost = lost_now(s);
	c->records = 0;
	s->telling_known = true;
	watch_capture_tell(s);
	enrich_tell_known(s->enrich);
	s->telling_known = false;
	put_before(c);
	return c->writer;
}

const char *watch_captures_fired(struct watch_session *s, size_t rule, uint64_t time)
{
	const struct rule_info *info = rules_at(s->rules, rule);
	struct watch_captures *c = s->captures;
	uint64_t now = time - s->boot, until;

	if (!c || !(c->all || info->capture))
		return NULL;
	if (!c->writer && now < c->until)
		return NULL; /* it grew too large */
	if (!c->writer && !begin(s, time)) {
		c->until = now + c->duration;
		return NULL;
	}
	until = now + (info->capture_duration ? info->capture_duration * 1000000 : c->duration);
	if (until > c->until)
		c->until = until;
	return c->path;
}

void watch_captures_record(struct watch_session *s, const struct watch_rec *rec)
{
	struct watch_captures *c = s->captures;

	if (!c)
		return;
	if (c->writer && rec->time > c->until)
		end(s);
	if (!c->writer) {
		keep(c, rec);
		return;
	}
	put(c, rec);
	if (c->writer && ++c->records % LOOK_EACH == 0 && capture_size(c->writer) > c->size_max) {
		log_warn("%s: the capture ends, it has its size (--captures-size)", c->path);
		end(s);
	}
}

void watch_captures_fact(struct watch_session *s, const char *json)
{
	struct watch_captures *c = s->captures;
	struct err e;

	if (c && c->writer)
		check(c, capture_put_fact(c->writer, json, &e), &e);
}

bool watch_captures_writes(const struct watch_session *s)
{
	return s->captures && s->captures->writer;
}

void watch_captures_clock(struct watch_session *s)
{
	struct err e;

	if (watch_captures_writes(s))
		check(s->captures, capture_put_clock(s->captures->writer, s->boot, &e), &e);
}

void watch_captures_tick(struct watch_session *s)
{
	struct err e;

	if (!watch_captures_writes(s))
		return;
	if (clock_ns(CLOCK_BOOTTIME) > s->captures->until)
		end(s);
	else
		check(s->captures, capture_flush(s->captures->writer, &e), &e);
}

void watch_captures_end(struct watch_session *s)
{
	if (watch_captures_writes(s))
		end(s);
}
