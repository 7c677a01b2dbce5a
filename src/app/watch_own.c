#include "app/watch_own.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "app/delivery.h"
#include "app/watch_screen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/event_text.h"
#include "model/finding.h"

/* Calls by the 32-bit entry of x86 are looked at from then on; those of Arm have no table. */
#ifdef __x86_64__
#define UNSEEN_WHAT                                                                              \
	"A 32-bit program was executed while nothing looked at such calls: the kernel's "        \
	"tracepoints for single calls leave them out. What it called in its first milliseconds " \
	"was not seen. From then on such calls are seen, as long as 32-bit programs run; "       \
	"programs that it executes and processes that it starts always are."
#define UNSEEN_REMEDY                                                                              \
	"Find out whether it has to be a 32-bit program. A kernel that is started with "           \
	"ia32_emulation=0 runs none. One that allows programs at its functions (boltseal doctor) " \
	"lets all of their calls be seen."
#else
#define UNSEEN_WHAT                                                                               \
	"A 32-bit program was executed. Its calls are not seen, now and later, nor are those of " \
	"other 32-bit programs; programs that it executes and processes that it starts are."
#define UNSEEN_REMEDY                                                                            \
	"Find out whether it has to be a 32-bit program. A generated seccomp profile ends such " \
	"programs. A kernel that knows arm64.no32bit_el0 and is started with it runs none."
#endif

static const struct {
	const char *rule, *type, *priority, *description, *remedy;
	unsigned severity;
} kinds[] = {
	[OWN_GAP] = { "Watching was interrupted", "Agent:Runtime/Gap", "Warning",
		      "The last run of boltseal watch ended without notice. What happened until it "
		      "watched again was not seen. What it had stored is there.",
		      "Find out what ended it: the system's log, lack of memory, a person. Look at "
		      "what was started and changed in that time.",
		      50 },
	[OWN_LOST] = { "Events were lost", "Agent:Runtime/EventsLost", "Warning",
		       "More happened than there was room for: records of the kernel were dropped.",
		       "Make the ring buffers larger (--ring), or ask for less: boltseal rules "
		       "explain shows what each rule wants. A flood may also be meant to hide "
		       "something.",
		       50 },
	[OWN_UNSEEN] = { "Calls of a 32-bit program were not seen", "Agent:Runtime/Unseen",
			 "Notice", UNSEEN_WHAT, UNSEEN_REMEDY, 30 },
	[OWN_RELOAD] = { "Rules could not be loaded", "Agent:Runtime/RulesNotLoaded", "Error",
			 "New rules or models have an error. The old ones are used on.",
			 "Correct them (boltseal rules check FILE) and send SIGHUP again.", 40 },
	[OWN_CLOCK] = { "The clock was set", "Agent:Runtime/ClockSet", "Notice",
			"The system's clock jumped. Times of findings before and after do not "
			"compare.",
			"Look at who set it when no time service did.", 20 },
};

void watch_tell(struct watch_session *s, struct finding *f)
{
	cleanup_buf struct buf b = { 0 };

	if (s->screen)
		watch_screen_finding(s->screen, f->last_seen,
				     f->severity >= 40 ? RP_ERROR : RP_NOTICE, f->rule, "",
				     "boltseal");
	if (!s->screen || s->out != stdout) {
		if (s->json)
			finding_write_falco(f, &b);
		else
			buf_puts(&b, f->output);
		fprintf(s->out, "%s\n", buf_str(&b));
		watch_flush(s);
	}
	if (s->delivery)
		delivery_add(s->delivery, f);
	else
		finding_free(f);
}

void watch_own(struct watch_session *s, enum watch_own what, const char *fmt, ...)
{
	struct finding *f = finding_new();
	cleanup_buf struct buf evidence = { 0 }, output = { 0 };
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->rule = f->title = kinds[what].rule;
	f->type = kinds[what].type;
	f->priority = kinds[what].priority;
	f->description = kinds[what].description;
	f->remedy = kinds[what].remedy;
	f->severity = kinds[what].severity;
	f->source = "boltseal";
	f->hostname = s->hostname;
	f->uid = f->loginuid = -1;
	f->apart = true;
	f->last_seen = f->first_seen = clock_ns(CLOCK_REALTIME);
	ev_time_put(EV_EVT_TIME, f->last_seen, &output);
	buf_printf(&output, ": %s %s: %s", f->priority, f->rule, text);
	f->output = arena_strdup(&f->arena, buf_str(&output));
	buf_puts(&evidence, "{\"boltseal.text\":");
	json_put_bytes(&evidence, text);
	buf_putc(&evidence, '}');
	f->evidence = arena_strdup(&f->arena, buf_str(&evidence));
	finding_set_key(f, what == OWN_LOST ? NULL : text);
	finding_set_id(f);
	watch_tell(s, f);
}

/* ---- alive */

/* Until when all that happened was seen, and all that was found is stored. */
static void write_alive(struct watch_session *s, uint64_t seen)
{
	uint64_t waiting = s->delivery ? delivery_waiting(s->delivery) : 0;
	char line[64];
	int len = snprintf(line, sizeof(line), "boltseal-alive/1 %020" PRIu64 "\n",
			   waiting && waiting < seen ? waiting : seen);

	/* On a full disk the time before stands there. */
	if (s->alive >= 0 && pwrite(s->alive, line, (size_t)len, 0) < 0)
		return;
}

/* The file of the last run is there: it did not end by itself. */
static void tell_gap(struct watch_session *s)
{
	cleanup_buf struct buf from = { 0 }, to = { 0 };
	uint64_t last = 0, now = clock_ns(CLOCK_REALTIME);
	char text[64];

	if (io_read_small(s->alive_path, text, sizeof(text)) < 0)
		return;
	finding_put_time(&to, now);
	if (sscanf(text, "boltseal-alive/1 %" SCNu64, &last) != 1 || !last) {
		watch_own(s, OWN_GAP, "nothing was seen up to %s; since when is not known",
			  buf_str(&to));
		return;
	}
	finding_put_time(&from, last);
	watch_own(s, OWN_GAP, "nothing was seen from %s to %s%s", buf_str(&from), buf_str(&to),
		  last > now ? "; the clock was set back in between" : "");
}

void watch_alive_begin(struct watch_session *s, const char *store)
{
	bool ended; /* the last run did so by itself */

	s->alive = -1;
	if (!store)
		return;
	s->alive_path = xasprintf("%s.alive", store);
	ended = access(s->alive_path, F_OK) < 0;
	s->alive = open(s->alive_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->alive < 0)
		log_warn("cannot write to %s: %s; an end without notice will not be told",
			 s->alive_path, strerror(errno));
	if (s->alive >= 0 && flock(s->alive, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		log_warn("%s: another boltseal watch uses this store; an end of this one without "
			 "notice will not be told",
			 store);
		close(s->alive);
		s->alive = -1;
		return;
	}
	if (!ended)
		tell_gap(s);
	write_alive(s, clock_ns(CLOCK_REALTIME));
}

void watch_alive_tick(struct watch_session *s, uint64_t seen)
{
	write_alive(s, seen);
}

void watch_alive_end(struct watch_session *s, bool asked)
{
	if (s->alive >= 0) {
		close(s->alive);
		if (asked)
			unlink(s->alive_path);
	}
	s->alive = -1;
	free(s->alive_path);
	s->alive_path = NULL;
}
