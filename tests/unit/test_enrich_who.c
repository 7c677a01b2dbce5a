/*
 * event.who: random lives of processes, in which everything changes that a record can change. Two
 * events with the same number must have the same values in all fields with EV_WHO; and numbers have
 * to stay where nothing changes, or they are of no use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bpf/watch_rec.h"
#include "enrich/enrich.h"
#include "model/event_fields.h"
#include "model/syscalls.h"
#include "random_below.h"
#include "record_part.h"

enum { EVENTS = 20000, PIDS = 24, FIRST_PID = 100 };

static struct {
	struct watch_rec rec;
	char parts[4096];
} made;

/* What the kernel would say of each process; generation 0: it does not run. */
static struct one {
	unsigned generation;
	char comm[16];
	uint32_t uid, gid, tty, loginuid;
	uint64_t caps;
} all[PIDS];

static void part(unsigned kind, const void *bytes, size_t len)
{
	record_part(&made.rec, kind, 0, 0, bytes, len);
}

static void begin(unsigned kind, uint32_t n)
{
	static uint64_t now = 1000000000;
	const struct one *o = &all[n];

	memset(&made, 0, sizeof(made));
	made.rec.size = sizeof(made.rec);
	made.rec.kind = (uint16_t)kind;
	made.rec.time = now += 1000000;
	made.rec.pid = made.rec.tid = made.rec.vpid = FIRST_PID + n;
	made.rec.start = 50000000u * (n + 1000 * o->generation);
	made.rec.uid = o->uid;
	made.rec.gid = o->gid;
	made.rec.tty = o->tty;
	made.rec.loginuid = o->loginuid;
	made.rec.cap_effective = made.rec.cap_permitted = o->caps;
	memcpy(made.rec.comm, o->comm, sizeof(o->comm));
}

static void name(struct one *o)
{
	static const char *const names[] = { "sh", "bash", "nginx", "worker", "java" };

	memset(o->comm, 0, sizeof(o->comm));
	snprintf(o->comm, sizeof(o->comm), "%s", names[random_below(5)]);
}

static void fork_one(uint32_t n)
{
	static unsigned generation;
	uint32_t parent = random_below(PIDS);

	all[n] = all[parent];
	all[n].generation = ++generation;
	begin(WATCH_FORK, n);
	made.rec.arg[0] = FIRST_PID + parent;
}

static void execute(uint32_t n)
{
	static const char *const groups[] = {
		"/", "/user.slice",
		"/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"/docker/1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	};
	const char *group = groups[random_below(4)];
	struct watch_proc facts = { .vpid = FIRST_PID + n, .exe_mode = 0100755 };
	char argv[64], path[32];
	int len;

	name(&all[n]);
	begin(WATCH_EXEC, n);
	facts.sid = FIRST_PID + random_below(PIDS);
	facts.vpgid = FIRST_PID + random_below(PIDS);
	facts.layer = random_below(3);
	facts.exe_ino = random_below(4);
	part(WATCH_P_PROC, &facts, sizeof(facts));
	len = snprintf(path, sizeof(path), "/bin/%s", all[n].comm);
	part(WATCH_P_EXE, path, (size_t)len);
	len = snprintf(argv, sizeof(argv), "%s%c-c%cx%u", all[n].comm, 0, 0, random_below(3));
	part(WATCH_P_ARGV, argv, (size_t)len + 1);
	part(WATCH_P_CGROUP, group, strlen(group));
}

/* One of the things that happen to a process; mostly nothing that matters. */
static void happen(void)
{
	uint32_t n = random_below(PIDS);
	struct one *o = &all[n];

	switch (random_below(24)) {
	case 0:
	case 1:
		fork_one(n);
		return;
	case 2:
		execute(n);
		return;
	case 3:
		begin(WATCH_EXIT, n);
		return;
	case 4:
		name(o);
		break;
	case 5:
		o->uid = random_below(3);
		break;
	case 6:
		o->gid = random_below(3);
		break;
	case 7:
		o->caps = random_below(8);
		break;
	case 8:
		o->tty = random_below(3);
		o->loginuid = random_below(3);
		break;
	}
	begin(WATCH_CALL, n);
	made.rec.nr = (uint16_t)sc_nr(sc_abi_native(), random_below(16) ? "listen" : "setsid");
}

static void append(const struct event *ev, const struct ev_ref *ref, struct buf *out)
{
	struct ev_values v = { 0 };
	bool text = ev_kind_class(ref->kind) == EV_C_STRING;

	buf_printf(out, "%s[%d]:", ref->field->name, (int)ref->index);
	if (!ev->ops->read(ev, ref, &v)) {
		buf_puts(out, " none\n");
		return;
	}
	for (size_t i = 0; i < v.n; i++)
		if (text)
			buf_printf(out, " '%.*s'", (int)v.v[i].s.len, v.v[i].s.p);
		else
			buf_printf(out, " %lld", (long long)v.v[i].i);
	buf_putc(out, '\n');
}

/* All fields with EV_WHO; where a number may follow, with some of them too. */
static char *describe(const struct event *ev)
{
	struct buf out = { 0 };

	for (unsigned id = 0; id < EV_FIELD_COUNT; id++) {
		const struct ev_field *f = ev_field_at(id);
		struct ev_ref ref = { .field = f, .kind = f->kind };

		if (!(f->flags & EV_WHO) || f->arg == EV_F_KEY_REQ || f->arg == EV_F_DOTTED)
			continue;
		if (f->arg != EV_F_INDEX_REQ)
			append(ev, &ref, &out);
		ref.arg = EV_ARG_INDEX;
		for (; f->arg == EV_F_INDEX && ref.index < 4; ref.index++)
			append(ev, &ref, &out);
	}
	return buf_take(&out);
}

static void same_values(void **state)
{
	struct enrich_options o = { .outside.offline = true };
	struct enrich *e = enrich_new(&o);
	char **known = xcalloc(EVENTS + 1, sizeof(*known));
	unsigned events = 0, again = 0;

	(void)state;
	for (uint32_t i = 0; i < EVENTS; i++) {
		const struct event *ev;
		char *now;

		happen();
		ev = enrich_record(e, &made.rec, 0);
		if (!ev)
			continue;
		events++;
		assert_in_range(ev->who, 1, EVENTS); /* the first table of this program */
		now = describe(ev);
		if (!known[ev->who]) {
			known[ev->who] = now;
			continue;
		}
		again++;
		assert_string_equal(known[ev->who], now);
		free(now);
	}
	print_message("%u events, %u of a number that was there before\n", events, again);
	assert_true(events > EVENTS / 2 && again > events / 5);
	for (uint32_t i = 0; i <= EVENTS; i++)
		free(known[i]);
	free(known);
	enrich_free(e);
}

/* Calls alone change nothing. */
static void stays(void **state)
{
	struct enrich_options o = { .outside.offline = true };
	struct enrich *e = enrich_new(&o);
	uint64_t who = 0;

	(void)state;
	memset(all, 0, sizeof(all));
	for (uint32_t n = 0; n < PIDS; n++) {
		execute(n);
		enrich_record(e, &made.rec, 0);
	}
	for (int i = 0; i < 100; i++) {
		const struct event *ev;

		begin(WATCH_CALL, 3);
		made.rec.nr = (uint16_t)sc_nr(sc_abi_native(), "listen");
		ev = enrich_record(e, &made.rec, 0);
		assert_non_null(ev);
		if (i)
			assert_int_equal(ev->who, who);
		who = ev->who;
		begin(WATCH_CALL, 5);
		made.rec.nr = (uint16_t)sc_nr(sc_abi_native(), "dup");
		ev = enrich_record(e, &made.rec, 0);
		assert_int_not_equal(ev->who, who);
	}
	enrich_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_values),
		cmocka_unit_test(stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
