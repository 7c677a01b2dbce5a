#include "app/watch_live.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/delivery.h"
#include "app/keeper.h"
#include "app/service.h"
#include "app/watch_capture.h"
#include "app/watch_drift.h"
#include "app/watch_own.h"
#include "app/watch_respond.h"
#include "app/watch_screen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plural.h"
#include "baseline/baseline.h"
#include "model/syscalls.h"

enum { MAX_RING_MIB = 1024, RING_MIB = 8 };
/* How often the rings are looked at; seldom once there were few records so many times in a row. */
enum { POLL_MS = 25, QUIET_POLL_MS = 100, QUIET_POLLS = 8, FEW_RECORDS = 4 };
/* A time of day that jumps further was set, and not slewed. */
#define CLOCK_SET_NS INT64_C(1000000000)
/* What is younger than this may still be on its way when records are taken. */
#define SETTLE_NS    UINT64_C(10000000)

static volatile sig_atomic_t stop, reload;

static void on_signal(int sig)
{
	*(sig == SIGHUP ? &reload : &stop) = 1;
}

/* ---- the sensor */

/* The words of --hooks, and what is said of each. */
static const struct {
	const char *word, *text;
} hooks[] = {
	[WATCH_HOOKS_AUTO] = { "auto", "" },
	[WATCH_FUNCTIONS] = { "functions", "at the kernel's functions" },
	[WATCH_TRACEPOINTS] = { "tracepoints", "by a tracepoint each" },
	[WATCH_TRACEPOINT] = { "tracepoint", "by one tracepoint for all" },
};

static enum watch_hooks hooks_asked(const struct args *a)
{
	const char *word = args_value(a, "hooks");

	for (unsigned i = 0; word && i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hooks[i].word, word))
			return (enum watch_hooks)i;
	return WATCH_HOOKS_AUTO;
}

/* A sensor for these rules, which has begun, and which of them its rows are. */
static int sense(struct watching *w, const struct rules *rules, struct watch **out, unsigned *slot,
		 struct respond_rows *rows, struct err *e)
{
	struct watch_options o = { .env = args_has(w->args, "environment"),
				   .given = args_has(w->args, "entry"),
				   .hooks = hooks_asked(w->args),
				   .no_refused = args_has(w->args, "no-refused") };
	uint64_t mib;
	int err = args_u64(w->args, "ring", RING_MIB, 1, MAX_RING_MIB, &mib, e);

	if (err < 0)
		return err;
	o.ring_bytes = (size_t)mib << 20;
	watch_session_options(&o, rules);
	err = watch_new(out, &o, e);
	if (err < 0)
		return err;
	err = watch_session_want(*out, rules, e);
	if (err == 0 && w->session.drift)
		err = watch_drift_want(*out, e);
	if (err == 0 && w->session.respond)
		watch_respond_prepare(w->session.respond, rules, watch_kills(*out), rows);
	if (err == 0)
		err = w->keeper ? keeper_start(w->keeper, *out, slot, e) : watch_start(*out, e);
	rows->slot = *slot;
	if (err < 0) {
		watch_free(*out);
		*out = NULL;
	} else if (!w->keeper && watch_uring_unseen(*out)) {
		log_warn("what programs do through io_uring is not seen: %s",
			 watch_uring_unseen(*out));
	}
	return err;
}

bool watching_sees_host(void)
{
	const ino_t first = 0xeffffffc; /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == first;
}

static int start(struct watching *w, struct err *e)
{
	const char *capture = args_value(w->args, "capture");
	struct enrich_options o = { .scan = true };
	struct respond_rows rows = { 0 };
	int err = sense(w, w->rules, &w->session.sensor, &w->slot, &rows, e);

	if (err < 0)
		return err;
	if (w->session.respond)
		watch_respond_use(w->session.respond, w->rules, &rows);
	if (w->session.drift)
		watch_drift_use(w->session.drift, w->session.sensor);
	watch_session_clock(&w->session);
	o.outside.env = args_has(w->args, "environment");
	o.outside.no_proc = !watching_sees_host();
	if (w->keeper)
		keeper_serve(w->keeper, &o.outside);
	if (capture)
		err = watch_capture_begin(&w->session, capture, &o, e);
	/* What happens meanwhile waits in the rings. */
	if (err == 0)
		w->session.enrich = enrich_new(&o);
	if (err == 0)
		watch_session_names(&w->session);
	return err;
}

/* ---- losses */

/* What sensors saw and lost, those that ended included; what was lost is added to `all`. */
static struct watch_stats counts(const struct watching *w, struct watch_loss *all)
{
	struct watch_stats s = { .lost_nrs = w->lost.nrs, .lost_cpus = w->lost.cpus };

	*all = w->lost;
	if (w->session.sensor) {
		watch_stats(w->session.sensor, &s);
		watch_loss_add(all, &s);
	}
	s.records += w->records;
	return s;
}

static void tell_losses(struct watching *w)
{
	cleanup_buf struct buf text = { 0 };
	struct watch_stats s;

	watch_stats(w->session.sensor, &s);
	watch_loss_tell(w->rules, &s, &w->told, &text);
	if (text.len)
		watch_own(&w->session, OWN_LOST, "records found no room: %s", buf_str(&text));
	if (watch_loss_processes(&s) != w->lost_processes)
		enrich_lost(w->session.enrich);
	w->lost_processes = watch_loss_processes(&s);
}

/* ---- new rules */

struct until {
	struct watch_session *session;
	uint64_t time;
};

static void judge_until(const struct watch_rec *rec, void *arg)
{
	struct until *u = arg;

	if (rec->time <= u->time)
		watch_session_record(rec, u->session);
}

/* Rules on their way, which a thread reads and makes a sensor for, while watching goes on. */
struct watch_loading {
	pthread_t thread;
	atomic_bool done;
	struct watching *w;
	struct rules *rules;
	struct baseline *models; /* NULL: there is no drift */
	struct watch *sensor;
	unsigned slot;
	struct respond_rows rows;
	int err;
	struct err e;
};

/*
 * Both sensors see all that happens at one moment: what came before it is the old one's, what
 * comes behind it the new one's. The kernel kills by the one or by the other in the same way.
 */
static uint64_t moment(struct watching *w, const struct watch_loading *l)
{
	uint64_t at = 0, now;

	if (w->session.respond)
		at = watch_respond_follow(w->session.respond, l->rules, &l->rows);
	now = clock_ns(CLOCK_BOOTTIME);
	if (at > now)
		nanosleep(&(struct timespec){ .tv_nsec = (long)(at - now) }, NULL);
	return at ? at : now;
}

static int hand_over(struct watching *w, struct watch_loading *l, struct err *e)
{
	struct until u = { &w->session, moment(w, l) };
	struct watch_stats s;
	int err;

	nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL); /* until those are complete */
	err = watch_poll(w->session.sensor, 0, judge_until, &u, e);
	tell_losses(w);
	watch_stats(w->session.sensor, &s);
	w->records += s.records;
	watch_loss_add(&w->lost, &s);
	w->told = (struct watch_loss){ 0 };
	w->lost_processes = 0;
	watch_free(w->session.sensor);
	if (w->keeper)
		keeper_stop(w->keeper, w->slot);
	w->session.sensor = take_ptr(l->sensor);
	if (w->session.respond)
		watch_respond_use(w->session.respond, l->rules, &l->rows);
	if (w->session.drift) {
		watch_drift_models(w->session.drift, take_ptr(l->models));
		watch_drift_use(w->session.drift, w->session.sensor);
	}
	w->session.since = u.time;
	w->slot = l->slot;
	return err < 0 ? err : 0;
}

static void *load_again(void *arg)
{
	struct watch_loading *l = arg;

	l->err = watching_load(&l->rules, l->w->args, &l->e);
	if (l->err >= 0 && l->w->session.drift)
		l->err = watch_drift_load(&l->models, l->w->args, &l->e);
	if (l->err >= 0)
		l->err = sense(l->w, l->rules, &l->sensor, &l->slot, &l->rows, &l->e);
	l->done = true;
	return NULL;
}

static void begin_loading(struct watching *w)
{
	struct watch_loading *l = xcalloc(1, sizeof(*l));
	sigset_t all, old;

	reload = 0;
	l->w = w;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&l->thread, NULL, load_again, l) == 0) {
		w->loading = l;
		service_reloading();
	} else {
		log_warn("no thread to load the rules; they stay as they are");
		free(l);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void watching_stop_loading(struct watching *w)
{
	struct watch_loading *l = w->loading;

	if (!l)
		return;
	pthread_join(l->thread, NULL);
	rules_free(l->rules);
	baseline_free(l->models);
	watch_free(l->sensor);
	free(l);
	w->loading = NULL;
}

static void end_loading(struct watching *w)
{
	struct watch_loading *l = w->loading;

	if (w->session.delivery)
		delivery_count_reload(w->session.delivery, l->err < 0);
	if (l->err >= 0) {
		l->err = hand_over(w, l, &l->e);
		watching_use(w, l->rules);
		watch_session_names(&w->session);
		l->rules = NULL;
		log_note("watching with %zu rule%s, loaded again", rules_count(w->rules),
			 plural(rules_count(w->rules)));
		service_ready("watching with %zu rule%s, loaded again", rules_count(w->rules),
			      plural(rules_count(w->rules)));
	} else {
		log_warn("%s; the rules stay as they are", l->e.msg);
		service_ready("the rules stay as they are: %s", l->e.msg);
		watch_own(&w->session, OWN_RELOAD, "%s", l->e.msg);
	}
	watching_stop_loading(w);
}

static void look_for_rules(struct watching *w)
{
	if (w->loading && w->loading->done)
		end_loading(w);
	else if (reload && !w->loading)
		begin_loading(w);
}

/* ---- each second */

void watching_tell(struct watching *w)
{
	struct watch_loss all;
	struct watch_stats s = counts(w, &all);
	struct rules_engine_stats r;
	struct enrich_stats n;

	if (!w->session.delivery)
		return;
	enrich_stats(w->session.enrich, &n);
	rules_engine_get_stats(w->session.engine, &r);
	delivery_set_sensor(w->session.delivery,
			    &(struct delivery_sensor){ .records = s.records,
						       .events = n.events,
						       .lost = s.lost,
						       .rules = rules_count(w->rules),
						       .processes = n.processes,
						       .containers = n.containers,
						       .keys_evicted = r.keys_evicted,
						       .regex_gave_up = r.regex_gave_up,
						       .values_left_out = r.scratch_full });
}

/* `seen`: ns since 1970; what happened before it was judged. */
static void each_second(struct watching *w, uint64_t seen)
{
	watching_tell(w);
	watch_capture_flush(&w->session);
	watch_alive_tick(&w->session, seen);
	watch_drift_tick(&w->session);
	tell_losses(w);
	enrich_tick(w->session.enrich);
	service_alive();
}

static bool is_over(const struct watching *w, int64_t begun, int64_t now, uint64_t seconds)
{
	return stop || (seconds && (uint64_t)(now - begun) >= seconds) ||
	       (w->session.limit && w->session.findings >= w->session.limit);
}

static bool show(struct watching *w)
{
	struct watch_screen_numbers n = { .rules = rules_count(w->rules),
					  .hostname = w->session.hostname };
	struct watch_loss all;
	struct watch_stats s = counts(w, &all);
	struct enrich_stats es;

	enrich_stats(w->session.enrich, &es);
	n.records = s.records;
	n.lost = s.lost;
	n.processes = es.processes;
	n.containers = es.containers;
	return watch_screen_draw(w->session.screen, &n);
}

/* Nobody waits for what is only told; a ring that fills wakes before the time is over. */
static int pause_ms(const struct watching *w, unsigned quiet)
{
	const struct watch_session *s = &w->session;

	return quiet < QUIET_POLLS || s->respond || s->drift || s->screen ? POLL_MS : QUIET_POLL_MS;
}

/* What was done before the signal, which may have come after the rings were read. */
static int read_rest(struct watching *w, struct err *e)
{
	const struct timespec settle = { .tv_nsec = SETTLE_NS };
	int n;

	nanosleep(&settle, NULL);
	n = watch_poll(w->session.sensor, 0, watch_session_record, &w->session, e);
	return n < 0 ? n : 0;
}

static int loop(struct watching *w, uint64_t seconds, struct err *e)
{
	unsigned quiet = 0;
	int64_t begun = clock_s(CLOCK_MONOTONIC), now, told = 0;

	for (;;) {
		uint64_t seen = clock_ns(CLOCK_BOOTTIME) - SETTLE_NS;
		int n = watch_poll(w->session.sensor, pause_ms(w, quiet), watch_session_record,
				   &w->session, e);
		int64_t jump;

		if (n < 0)
			return n;
		quiet = n < FEW_RECORDS ? quiet + (quiet < QUIET_POLLS) : 0;
		now = clock_s(CLOCK_MONOTONIC);
		if (is_over(w, begun, now, seconds))
			return stop ? read_rest(w, e) : 0;
		enrich_take_names(w->session.enrich);
		enrich_recover(w->session.enrich, seen);
		jump = watch_session_clock(&w->session);
		if (jump > CLOCK_SET_NS || jump < -CLOCK_SET_NS)
			watch_own(&w->session, OWN_CLOCK, "by %" PRId64 " s", jump / CLOCK_SET_NS);
		if (w->session.respond)
			watch_respond_tick(w->session.respond, &w->session);
		if (now != told)
			each_second(w, w->session.boot + seen);
		told = now;
		look_for_rules(w);
		if (w->session.screen && show(w))
			return 0;
	}
}

/* ---- the end */

/* What was lost, so that nobody takes silence for peace. */
static bool lost(const struct watching *w)
{
	cleanup_buf struct buf text = { 0 };
	struct watch_loss all, none = { 0 };
	struct watch_stats s = counts(w, &all);

	if (!s.lost)
		return false;
	watch_loss_tell(w->rules, &s, &none, &text);
	log_warn("%" PRIu64 " record%s found no room in the ring buffers (--ring makes them "
		 "larger)%s%s",
		 s.lost, plural(s.lost), text.len ? ": " : "", text.len ? buf_str(&text) : "");
	return true;
}

/* What bounds of memory and time made rules miss. */
static void tell_bounds(const struct watching *w)
{
	struct rules_engine_stats r;

	rules_engine_get_stats(w->session.engine, &r);
	if (r.keys_evicted)
		log_warn("%" PRIu64 " count%s or sequence%s forgotten for newer keys",
			 r.keys_evicted, plural(r.keys_evicted),
			 r.keys_evicted == 1 ? " was" : "s were");
	if (r.regex_gave_up)
		log_warn("%" PRIu64 " match%s of a regular expression took too long and counted as "
			 "none",
			 r.regex_gave_up, plural_end(r.regex_gave_up, "es"));
	if (r.scratch_full)
		log_warn("%" PRIu64 " value%s of transformers found no room", r.scratch_full,
			 plural(r.scratch_full));
}

static void statistics(const struct watching *w)
{
	struct watch_loss all;
	struct watch_stats s = counts(w, &all);
	struct enrich_stats n;

	tell_bounds(w);
	enrich_stats(w->session.enrich, &n);
	log_note("%" PRIu64 " record%s, %" PRIu64 " event%s, %" PRIu64 " finding%s, %" PRIu64
		 " lost; %zu process%s, %zu ended one%s kept, %zu container%s",
		 s.records, plural(s.records), n.events, plural(n.events), w->session.findings,
		 plural(w->session.findings), s.lost, n.processes, plural_end(n.processes, "es"),
		 n.kept, plural(n.kept), n.containers, plural(n.containers));
}

/* Rules that want a file of the events around them. */
static void tell_captures(const struct watching *w)
{
	size_t n = 0;

	for (size_t i = 0; i < rules_count(w->rules); i++) {
		const struct rule_info *info = rules_at(w->rules, i);

		n += info->capture && info->enabled && !info->dropped;
	}
	if (n && !w->session.capture && !w->session.captures)
		log_warn("%zu rule%s want%s a capture (capture: true); --captures=DIR says where, "
			 "--capture=FILE writes all events",
			 n, plural(n), n == 1 ? "s" : "");
}

static void tell_what(const struct watching *w)
{
	cleanup_buf struct buf models = { 0 };

	tell_captures(w);
	if (w->session.drift)
		watch_drift_describe(w->session.drift, &models);
	log_note("watching with %zu rule%s%s%s; system calls are hooked %s", rules_count(w->rules),
		 plural(rules_count(w->rules)), models.len ? ", " : "", buf_str(&models),
		 hooks[watch_hooks_used(w->session.sensor)].text);
	service_ready("watching with %zu rule%s", rules_count(w->rules),
		      plural(rules_count(w->rules)));
}

void watching_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

int watching_run(struct watching *w, uint64_t seconds, struct err *e)
{
	struct watch_loss all;
	bool incomplete, stored;
	int err;

	if (start(w, e) < 0)
		return EXIT_ERROR;
	watch_alive_begin(&w->session, w->store);
	tell_what(w);
	if (args_has(w->args, "live"))
		w->session.screen = watch_screen_new();
	err = loop(w, seconds, e);
	service_stopping();
	watch_screen_free(w->session.screen);
	w->session.screen = NULL;
	if (err < 0)
		return EXIT_ERROR;
	statistics(w);
	watching_tell(w);
	incomplete = !watch_capture_end(&w->session, counts(w, &all).lost);
	stored = !w->session.delivery || !delivery_end(w->session.delivery);
	watch_alive_end(&w->session, stored && !(w->keeper && keeper_is_alone(w->keeper)));
	incomplete |= !stored;
	return lost(w) || incomplete ? EXIT_INCOMPLETE : EXIT_OK;
}
