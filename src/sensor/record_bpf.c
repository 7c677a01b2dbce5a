/* What the recorder's programs tell, and what is switched on and off while they run. */
#include "sensor/record_bpf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/capture.h"
#include "sensor/record_bpf_impl.h"

/*
 * Whether that the last thread of a slot ended is news. Two that end at once may both tell of it;
 * by the time of the second one the slot may belong to others.
 */
static bool is_gone(struct record_bpf *r, unsigned slot)
{
	bool before = r->slots[slot].gone;

	if (record_bpf_live(r, slot))
		return false;
	r->slots[slot].gone = true;
	return !before;
}

int record_bpf_on_event(void *ctx, void *data, size_t size)
{
	static const enum record_bpf_event_kind kinds[] = {
		[REC_EV_RUNTIME] = RECORD_RUNTIME,
		[REC_EV_STARTED] = RECORD_STARTED,
		[REC_EV_GONE] = RECORD_GONE,
	};
	struct record_bpf *r = ctx;
	struct rec_event ev;
	struct record_bpf_event out;

	if (size < sizeof(ev))
		return 0;
	memcpy(&ev, data, sizeof(ev));
	if (ev.slot >= REC_SLOTS || (ev.kind == REC_EV_GONE && !is_gone(r, ev.slot)))
		return 0;
	if (ev.kind == REC_EV_JOINED) {
		record_bpf_add_running(r, ev.slot, (pid_t)ev.pid);
		return 0;
	}
	if (ev.kind >= ARRAY_SIZE(kinds))
		return 0;
	if (ev.kind == REC_EV_STARTED)
		record_bpf_open_root(r, ev.slot, (pid_t)ev.pid);
	out = (struct record_bpf_event){
		.kind = kinds[ev.kind],
		.slot = ev.slot,
		.pid = (pid_t)ev.pid,
		.started = ev.started != 0,
		.argv = ev.argv,
		.argv_len = ev.argv_len < REC_ARGV ? ev.argv_len : REC_ARGV,
	};
	if (r->handler)
		r->handler(&out, r->handler_arg);
	return 0;
}

/* The only kept slot with nothing else going on, or 0. */
static unsigned sole_slot(const struct record_bpf_prog__bss *b)
{
	unsigned found = 0;

	if (b->runtime_tasks)
		return 0;
	for (unsigned i = 1; i < REC_SLOTS; i++) {
		if (b->slot_state[i] == REC_CANDIDATE || (b->slot_state[i] == REC_KEPT && found))
			return 0;
		if (b->slot_state[i] == REC_KEPT && b->slot_live[i])
			found = i;
	}
	return found;
}

/*
 * Tells the programs which calls need no more looking at: those that every live executable of the
 * workload has made in the present phase. The programs switch back to looking at everything when
 * the phase or the set of executables changes; then our exchange fails, and the next poll tries
 * again.
 */
static void update_todo(struct record_bpf *r)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	__u64 was = __atomic_load_n(&b->mode, __ATOMIC_SEQ_CST);
	unsigned slot = sole_slot(b), next = (was & 3) == 1 ? 2 : 1;
	unsigned phase = slot ? b->slot_phase[slot] : 0;

	if (!slot)
		return;
	for (unsigned a = 0; a < REC_ABIS; a++) {
		for (unsigned nr = 0; nr < REC_NRS; nr++) {
			bool todo = false;

			for (unsigned p = 0; p < REC_PROGRAMS && !todo; p++)
				todo = b->prog_live[p] && b->seen[p][phase][a][nr] != REC_SEEN_ALL;
			b->todo[next][a][nr] = todo;
		}
	}
	__atomic_compare_exchange_n(&b->mode, &was, (was & ~UINT64_C(3)) | next, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* The native open calls are to be looked at when they begin. */
static void look_at_entry(struct record_bpf *r)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	bool changed = false;

	for (size_t i = 0; i < capture_count(); i++) {
		int nr = record_bpf_native_open(capture_at(i));

		for (unsigned p = 0; nr >= 0 && p < REC_PROGRAMS; p++) {
			for (unsigned ph = 0; ph < REC_PHASES; ph++) {
				if (b->seen[p][ph][0][nr] != REC_SEEN_ALL)
					continue;
				b->seen[p][ph][0][nr] = REC_SEEN;
				changed = true;
			}
		}
	}
	if (changed)
		b->mode = (b->mode & ~UINT64_C(3)) + 4;
}

/* Whether the workload opens so much that an event for it costs less than task work for each. */
static bool opens_much(struct record_bpf *r)
{
	enum { WINDOW_MS = 100, MUCH = 100 };
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (now - r->window > WINDOW_MS) {
		r->window = now;
		r->window_opens = r->skel->bss->opens_n;
	}
	return r->skel->bss->opens_n - r->window_opens >= MUCH;
}

/*
 * Events at the return of the open calls cost every system call some time. While the workload
 * opens nothing they are switched off. An open is then seen at its entry, and either read at its
 * return by task work, or by name. More opens switch the events on; so does a runtime that prepares
 * a container.
 */
static void switch_exits(struct record_bpf *r)
{
	enum { QUIET_POLLS = 3 };
	struct record_bpf_prog__bss *b = r->skel->bss;
	bool quiet = b->opens_n == r->opens_seen && !b->runtime_tasks;

	r->opens_seen = b->opens_n;
	if (!r->per_call_exit)
		return;
	if (b->at_exit) {
		r->quiet_polls = quiet ? r->quiet_polls + 1 : 0;
		if (r->quiet_polls < QUIET_POLLS)
			return;
		b->at_exit = 0;
		look_at_entry(r);
		record_bpf_detach_exits(r);
	} else if (quiet) {
		look_at_entry(r); /* a call that was under way may have marked its number */
	} else if ((!r->task_work || b->runtime_tasks || opens_much(r)) &&
		   record_bpf_attach_exits(r, NULL) == 0) {
		b->at_exit = 1;
		r->quiet_polls = 0;
	}
}

/* A dropped slot is free again once no thread can still carry its number. */
static void recycle_dropped(struct record_bpf *r)
{
	enum { QUIET_POLLS = 3 };
	struct record_bpf_prog__bss *b = r->skel->bss;

	for (unsigned i = 1; i < REC_SLOTS; i++) {
		if (b->slot_state[i] != REC_DROPPED || ++r->slots[i].dropped_polls < QUIET_POLLS)
			continue;
		record_bpf_forget_threads(r, i);
		record_bpf_purge(r, i);
		if (r->slots[i].root_open)
			close(r->slots[i].root_fd);
		r->slots[i] = (struct rec_slot){ 0 };
		record_bpf_give_slot(r, i);
	}
}

int record_bpf_poll(struct record_bpf *r, int timeout_ms, record_bpf_handler *handler, void *arg,
		    struct err *e)
{
	int n;

	r->handler = handler;
	r->handler_arg = arg;
	n = ring_buffer__poll(r->ring, timeout_ms);
	if (n < 0 && n != -EINTR)
		return err_errno(e, -n, "cannot wait for events");
	recycle_dropped(r);
	record_bpf_drain(r);
	switch_exits(r);
	update_todo(r);
	return 0;
}
