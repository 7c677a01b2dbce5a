#include "sensor/watch.h"
#include "bpf/attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/syscalls.h"
#include "sensor/bpf_said.h"
#include "sensor/watch_calls.h"
#include "sensor/watch_drift.h"
#include "sensor/watch_hooks.h"
#include "sensor/watch_kill.h"
#include "sensor/watch_narrow.h"
#include "sensor/watch_private.h"
#include "sensor/watch_uring.h"

enum {
	DEFAULT_BYTES = 8 * 1024 * 1024,
	DEFAULT_DATA = 80,
	/*
	 * A record is complete this long after the time that it bears: the programs that write
	 * them are not interrupted by other tasks.
	 */
	SETTLE_NS = 1000000,
};

/* Paths that do not mean what they say. */
static void add_odd_paths(struct watch_texts_builder *b)
{
	static const struct {
		const char *text;
		enum watch_place place;
		uint64_t bits;
	} rows[] = {
		{ "//", WATCH_AT_PART, WATCH_NOT_NORMAL | WATCH_DOUBLED },
		{ "/./", WATCH_AT_PART, WATCH_NOT_NORMAL },
		{ "/../", WATCH_AT_PART, WATCH_NOT_NORMAL },
		{ "/", WATCH_AT_SUFFIX, WATCH_NOT_NORMAL },
		{ "/.", WATCH_AT_SUFFIX, WATCH_NOT_NORMAL },
		{ "/..", WATCH_AT_SUFFIX, WATCH_NOT_NORMAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		watch_texts_add(b, rows[i].place, rows[i].text, strlen(rows[i].text), rows[i].bits);
}

int watch_new(struct watch **out, const struct watch_options *o, struct err *e)
{
	/*
	 * Types that this kernel does not have are not looked for in its modules, whose types only
	 * CAP_SYS_ADMIN may list (libbpf 1.1 gives up then).
	 */
	const struct bpf_object_open_opts from = { .sz = sizeof(from),
						   .btf_custom_path = "/sys/kernel/btf/vmlinux" };
	struct watch *w = xcalloc(1, sizeof(*w));

	w->o = *o;
	w->epoll = -1;
	w->self = (uint32_t)getpid();
	if (!w->o.ring_bytes)
		w->o.ring_bytes = DEFAULT_BYTES;
	if (!w->o.data_max)
		w->o.data_max = DEFAULT_DATA;
	bpf_said_begin();
	w->skel = watch_bpf_prog__open_opts(&from);
	if (!w->skel) {
		watch_free(w);
		return err_errno(e, errno, "cannot open the BPF programs");
	}
	w->kills = watch_kills_new(w);
	w->texts = watch_texts_new();
	add_odd_paths(w->texts);
	*out = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->links_n; i++)
		bpf_link__destroy(w->links[i]);
	free(w->links);
	watch_narrow_free(w->narrow);
	watch_hooks_free(w);
	watch_kills_free(w->kills);
	if (w->skel)
		watch_bpf_prog__destroy(w->skel);
	if (w->shared)
		munmap(w->shared, sizeof(*w->bss));
	for (unsigned i = 0; w->rings && i < w->cpus; i++)
		watch_ring_free(&w->rings[i]);
	if (w->epoll >= 0)
		close(w->epoll);
	free(w->rings);
	free(w->heads);
	free(w->wants);
	for (size_t i = 0; i < w->groups_n; i++)
		buf_free(&w->groups[i].key);
	watch_texts_free(w->texts);
	buf_free(&w->plan);
	free(w);
}

struct watch_kills *watch_kills(struct watch *w)
{
	return w->kills;
}

struct want *watch_want_of(struct watch *w, int nr)
{
	for (size_t i = 0; i < w->wants_n; i++)
		if (w->wants[i].nr == nr)
			return &w->wants[i];
	return NULL;
}

/* The groups that a call can answer, of those that a clause wants; by subject. */
static uint32_t groups_about(const struct watch *w, uint32_t groups, uint32_t subjects)
{
	uint32_t found = 0;

	for (size_t i = 0; i < w->groups_n; i++)
		if (groups >> i & 1 && !(w->groups[i].subjects & ~subjects))
			found |= 1u << i;
	return found;
}

/* The argument that conditions on texts can be about: the path that is opened, or a name. */
static int text_argument(const struct watch_call *c)
{
	if (c && c->text)
		return c->text;
	for (int i = 0; c && c->ret_fd == WATCH_OPENS && i < WATCH_ARGS; i++)
		if (c->arg[i] == WATCH_A_PATH)
			return i;
	return -1;
}

/* The tables that say at once which clauses hold; what does not fit there is slow. */
static void by_result(struct watch_spec *spec, const struct watch_clause *c, uint16_t bit)
{
	bool fits = !((c->any | c->mask | c->value) & ~UINT64_C(7)) &&
		    (spec->low == c->arg || !(c->any | c->mask | c->value));

	if (c->result != WATCH_FAILURE)
		spec->by_failed[0] |= bit;
	if (c->result != WATCH_SUCCESS)
		spec->by_failed[1] |= bit;
	if (!fits || c->results || c->numbers)
		spec->slow |= bit;
	for (unsigned v = 0; v < ARRAY_SIZE(spec->by_low); v++)
		if (spec->low != c->arg || (!fits && (v & c->mask) == (c->value & 7 & c->mask)) ||
		    (fits && (!c->any || v & c->any) && (v & c->mask) == c->value))
			spec->by_low[v] |= bit;
}

/* One needle for a call: that of the first clause that has one. */
static void by_needle(const struct watch *w, struct watch_spec *spec, const struct watch_clause *c,
		      uint16_t bit)
{
	for (size_t i = 0; i < w->groups_n; i++) {
		const char *needle = w->groups[i].needle;
		uint64_t words[3];

		if (!(c->groups >> i & 1) || !needle[0])
			continue;
		for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
			words[k] = (unsigned char)needle[k] * 0x0101010101010101u;
		if (!spec->needled)
			memcpy(spec->needle, words, sizeof(words));
		if (!memcmp(spec->needle, words, sizeof(words)))
			spec->needled |= bit;
	}
}

/* Brings a clause into the form that the programs want, and notes what it asks for. */
static void add_clause(const struct watch *w, struct want *want, const struct watch_call *call,
		       const struct watch_clause *given)
{
	enum { COMM = 1u << WATCH_S_COMM, RAW = 1u << WATCH_S_RAW, PATH = 1u << WATCH_S_PATH };
	struct watch_clause *c = &want->clauses[want->spec.clauses];
	uint16_t bit = (uint16_t)(1u << want->spec.clauses++);
	bool has_text = text_argument(call) >= 0, has_path = has_text && !call->text;
	bool has_socket = call && call->arg[0] == WATCH_A_FD && !call->ret_fd;

	*c = *given;
	c->groups = groups_about(w, c->groups,
				 has_path   ? COMM | RAW | PATH
				 : has_text ? COMM | RAW
					    : COMM);
	c->given = groups_about(w, c->groups, COMM | RAW);
	c->comm = groups_about(w, c->groups, COMM);
	if (!has_socket) {
		c->families = 0;
		c->ports_n = 0;
		memset(c->net_mask, 0, sizeof(c->net_mask));
	}
	if (c->container)
		want->spec.containers |= bit;
	if (c->comm)
		want->spec.comms |= bit;
	if (c->groups & ~c->comm)
		want->spec.paths |= bit;
	if (c->families || c->ports_n || c->net_mask[0])
		want->spec.sockets |= bit;
	by_result(&want->spec, c, bit);
	by_needle(w, &want->spec, c, bit);
}

int watch_want(struct watch *w, const char *call, const struct watch_clause *clauses, size_t n,
	       struct err *e)
{
	const struct watch_call *c = watch_call_find(call);
	int nr = sc_nr(sc_abi_native(), call), path = text_argument(c);
	struct want *want;

	if (nr < 0 || nr >= WATCH_NRS)
		return err_set(e, ENOENT, "'%s' is no system call of %s that can be watched", call,
			       sc_abi_name(sc_abi_native()));
	if (n > WATCH_CLAUSES)
		return err_set(e, E2BIG, "%s: %zu conditions, expected at most %d", call, n,
			       WATCH_CLAUSES);
	want = watch_want_of(w, nr);
	if (!want) {
		if (w->wants_n + 1 >= WATCH_SPECS)
			return err_set(e, E2BIG, "more than %d system calls", WATCH_SPECS - 1);
		want = vec_push(w->wants, w->wants_n, w->wants_cap);
	}
	watch_plan_want(w, call, clauses, n);
	*want = (struct want){ .nr = nr };
	snprintf(want->call, sizeof(want->call), "%s", call);
	for (unsigned i = 0; c && i < WATCH_ARGS; i++) {
		want->spec.arg[i] = c->arg[i];
		want->spec.dir[i] = (int8_t)(c->dir[i] - 1);
		want->spec.ret_fd = c->ret_fd;
	}
	want->spec.path = path < 0 ? WATCH_ARGS : (uint8_t)path;
	for (size_t i = n; i-- > 0;)
		if (clauses[i].any | clauses[i].mask | clauses[i].numbers)
			want->spec.low = clauses[i].arg;
	want->spec.data_max = (uint16_t)(w->o.data_max > WATCH_PART_MAX ? WATCH_PART_MAX
									: w->o.data_max);
	for (size_t i = 0; i < n; i++)
		add_clause(w, want, c, &clauses[i]);
	return 0;
}

int watch_group(struct watch *w, const struct watch_text *v, size_t n)
{
	struct group g = { 0 };

	for (size_t i = 0; i < n; i++) {
		buf_printf(&g.key, "%d %d %s\n", v[i].subject, v[i].place, v[i].text);
		g.subjects |= 1u << v[i].subject;
	}
	for (size_t i = 0; i < w->groups_n; i++)
		if (!strcmp(buf_str(&w->groups[i].key), buf_str(&g.key))) {
			buf_free(&g.key);
			return (int)i;
		}
	for (size_t i = 0; i < n && w->groups_n < WATCH_GROUPS; i++) {
		uint64_t bit = watch_texts_bits(v[i].subject, 1u << w->groups_n);

		if (!watch_texts_add(w->texts, v[i].place, v[i].text, strlen(v[i].text), bit)) {
			buf_free(&g.key);
			return -1;
		}
	}
	if (w->groups_n == WATCH_GROUPS) {
		buf_free(&g.key);
		return -1;
	}
	watch_plan_group(w, v, n);
	if (n == 1 && v[0].subject == WATCH_S_RAW && v[0].place <= WATCH_AT_PART &&
	    strlen(v[0].text) >= sizeof(g.needle) && v[0].text[0] != '/' && v[0].text[1] != '/')
		memcpy(g.needle, v[0].text, sizeof(g.needle));
	w->groups[w->groups_n] = g;
	return (int)w->groups_n++;
}

static bool kernel_has(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

/* Capabilities are told by the tracepoint of Linux 6.14. */
static void configure_drift(struct watch *w)
{
	struct watch_bpf_prog__rodata *ro = w->skel->rodata;
	const struct watch_drifting *d = &w->drift;
	struct btf *btf = d->on ? btf__load_vmlinux_btf() : NULL;
	bool event = btf &&
		     btf__find_by_name_kind(btf, "btf_trace_cap_capable", BTF_KIND_TYPEDEF) > 0;

	btf__free(btf);
	*(uint32_t *)&ro->host_ns = watch_host_space();
	*(uint8_t *)&ro->want_drift = d->on;
	for (unsigned i = 1; i < d->kept_n; i++) {
		((struct watch_kept *)ro->kept)[i] = d->kept[i];
		((uint8_t *)ro->kept_of)[d->kept_nr[i]] = (uint8_t)i;
	}
	w->drift.caps = event;
	if (!d->on) { /* these are there as a whole from the start */
		bpf_map__set_max_entries(w->skel->maps.namespaces, 1);
		bpf_map__set_max_entries(w->skel->maps.asked, 1);
		bpf_map__set_max_entries(w->skel->maps.told, 1);
	}
	bpf_program__set_autoload(w->skel->progs.on_enter, d->on);
	bpf_program__set_autoload(w->skel->progs.on_capable, event);
}

/* Whom signals reach is told as long as somebody asks for calls that send them. */
static void configure_signals(struct watch *w)
{
	bool wanted = false;

	for (size_t i = 0; i < w->wants_n; i++)
		wanted |= memchr(w->wants[i].spec.arg, WATCH_A_SIGNAL, WATCH_ARGS) != NULL;
	bpf_program__set_autoload(w->skel->progs.on_signal, wanted);
	if (!wanted)
		bpf_map__set_max_entries(w->skel->maps.signals, 1);
}

static void configure(struct watch *w)
{
	struct watch_bpf_prog__rodata *ro = w->skel->rodata;

	*(uint32_t *)&ro->self = w->self;
	*(uint8_t *)&ro->want_env = w->o.env;
	*(uint8_t *)&ro->want_cwd = w->o.cwd;
	*(uint8_t *)&ro->want_stdio = w->o.stdio;
	*(uint8_t *)&ro->want_given = w->o.given;
	bpf_program__set_autoload(w->skel->progs.on_given, w->o.given);
	bpf_program__set_autoattach(w->skel->progs.on_given, false);
	if (!w->o.given)
		bpf_map__set_max_entries(w->skel->maps.given_calls, 1);
	watch_kills_configure(w->kills);
	*(uint8_t *)&ro->can_cast = kernel_has("bpf_rdonly_cast");
	if (sysconf(_SC_PAGESIZE) > (long)ro->stack_size)
		*(uint32_t *)&ro->stack_size = (uint32_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < w->wants_n; i++) {
		((struct watch_spec *)ro->specs)[i + 1] = w->wants[i].spec;
		((uint8_t *)ro->spec_of)[w->wants[i].nr] = (uint8_t)(i + 1);
	}
	configure_drift(w);
	configure_signals(w);
	watch_uring_plan(w);
}

static int load(struct watch *w, struct err *e)
{
	int err = watch_hooks_plan(w, e);

	if (err < 0)
		return err;
	configure(w);
	err = watch_bpf_prog__load(w->skel);
	malloc_trim(0); /* the kernel's type information was needed for loading only */
	if (err == -EPERM)
		return attach_no_right(e);
	if (err < 0)
		return err_set(e, EOPNOTSUPP, "the kernel refuses the BPF programs (%s)%s%s",
			       err_text(-err), *bpf_said() ? ": " : "", bpf_said());
	for (size_t i = 0; i < w->wants_n; i++)
		memcpy(w->skel->bss->clauses[i + 1], w->wants[i].clauses,
		       sizeof(w->wants[i].clauses));
	watch_texts_build(w->texts, &w->skel->bss->texts);
	return watch_kills_load(w->kills, e);
}

static size_t bytes_of_a_ring(const struct watch *w)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	while (size * 2 * w->cpus <= w->o.ring_bytes)
		size *= 2;
	return size;
}

int watch_use_rings(struct watch *w, unsigned cpus, struct err *e)
{
	w->cpus = cpus;
	w->rings = xcalloc(w->cpus, sizeof(*w->rings));
	w->heads = xcalloc(w->cpus, sizeof(*w->heads));
	for (unsigned i = 0; i < w->cpus; i++)
		w->rings[i].fd = -1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	return w->epoll < 0 ? err_errno(e, errno, "epoll_create1") : 0;
}

int watch_use_ring(struct watch *w, unsigned i, int fd, struct err *e)
{
	/* Edges only: records alone wake nobody, a ring that fills does. */
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int err = watch_ring_map(&w->rings[i], fd, bytes_of_a_ring(w), e);

	if (err == 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		err = err_errno(e, errno, "cannot use the ring buffer of processor %u", i);
	return err;
}

static int make_rings(struct watch *w, struct err *e)
{
	int n = get_nprocs_conf();
	int err = watch_use_rings(w, n < 1 ? 1 : n > WATCH_CPUS ? WATCH_CPUS : (unsigned)n, e);

	for (uint32_t i = 0; i < w->cpus && err == 0; i++) {
		int fd = watch_ring_make(bytes_of_a_ring(w), e);

		err = fd < 0 ? fd : watch_use_ring(w, i, fd, e);
		if (err == 0 &&
		    bpf_map_update_elem(bpf_map__fd(w->skel->maps.rings), &i, &fd, BPF_ANY) < 0)
			err = err_errno(e, errno, "cannot use the ring buffer of processor %u", i);
	}
	return err;
}

int watch_start(struct watch *w, struct err *e)
{
	int err = load(w, e);

	if (err == 0)
		err = make_rings(w, e);
	if (err < 0)
		return err;
	w->bss = w->skel->bss;
	err = watch_bpf_prog__attach(w->skel);
	if (err < 0)
		return err_set(e, err == -EPERM ? EPERM : EOPNOTSUPP,
			       "cannot attach the BPF programs: %s", err_text(-err));
	err = watch_hooks_attach(w, e);
	if (err == 0 && w->uring)
		watch_uring_started(w);
	return err;
}

_Static_assert(sizeof(struct watch_rec) + WATCH_PARTS_BYTES < WATCH_RING_RECORD_MAX, "records");

static void look(struct watch *w, unsigned cpu, uint64_t horizon)
{
	struct head *h = &w->heads[cpu];
	size_t len;

	h->rec = watch_ring_peek(&w->rings[cpu], &len);
	h->time = h->rec ? h->rec->time : UINT64_MAX;
	if (h->time > horizon)
		h->rec = NULL;
}

static int earliest(const struct watch *w)
{
	int best = -1;

	for (unsigned i = 0; i < w->cpus; i++)
		if (w->heads[i].rec && (best < 0 || w->heads[i].time < w->heads[best].time))
			best = (int)i;
	return best;
}

int watch_poll(struct watch *w, int timeout_ms, watch_fn *fn, void *arg, struct err *e)
{
	struct epoll_event ev[8];
	uint64_t horizon;
	int n = 0, cpu;

	if (epoll_wait(w->epoll, ev, ARRAY_SIZE(ev), timeout_ms) < 0 && errno != EINTR)
		return err_errno(e, errno, "cannot wait for events");
	horizon = clock_ns(CLOCK_BOOTTIME) - SETTLE_NS;
	for (unsigned i = 0; i < w->cpus; i++)
		look(w, i, horizon);
	while ((cpu = earliest(w)) >= 0) {
		fn(w->heads[cpu].rec, arg);
		watch_ring_next(&w->rings[cpu]);
		if ((++n & 63) == 0)
			watch_ring_release(&w->rings[cpu]);
		look(w, (unsigned)cpu, horizon);
	}
	for (unsigned i = 0; i < w->cpus; i++)
		watch_ring_release(&w->rings[i]);
	w->records += (uint64_t)n;
	return n;
}

void watch_stats(const struct watch *w, struct watch_stats *s)
{
	const struct watch_bpf_prog__bss *b = w->bss;

	if (w->skel)
		watch_hooks_count(w);
	*s = (struct watch_stats){
		.records = w->records,
		.lost_nrs = (const uint64_t *)b->lost,
		.lost_cpus = (const uint64_t *)b->lost_cpus,
		.cpus = w->cpus,
	};
	for (unsigned i = 0; i < ARRAY_SIZE(s->lost_kinds); i++) {
		s->lost_kinds[i] = b->lost_kinds[i];
		s->lost += b->lost_kinds[i];
	}
}
