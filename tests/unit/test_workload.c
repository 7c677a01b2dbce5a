/* The workload model's file: round trips, what is refused and where, merging as an algebra. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/workload.h"
#include "patience.h"

/* xorshift64*: the same models on every run. */
static uint64_t rng_state;

static uint64_t rnd(void)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return rng_state * UINT64_C(2685821657736338717);
}

static unsigned below(unsigned n)
{
	return (unsigned)(rnd() >> 33) % n;
}

static const char *const some_programs[] = { "/bin/sh", "/usr/sbin/nginx", "/opt/x y\n", "",
					     "/bin/\xff\xfe" };
static const char *const some_calls[] = {
	"read", "openat", "socket", "accept4", "clone3", "ioctl"
};
static const char *const some_paths[] = { "/etc/passwd",       "/etc/nginx/",	     "/tmp/a\"b\\c",
					  "/srv/\xc3\xa4\x80", "/srv/\xef\xa0\x80x", "/var/lib/*",
					  "/proc/@{pid}/stat" };

static void random_prov(struct workload *w, struct wl_prov *p)
{
	for (unsigned i = 0; i < 1 + below(3); i++)
		wl_prov_add(p, 1u << below(WL_PHASE_COUNT), (int)below((unsigned)w->programs_n),
			    (int)below((unsigned)w->sources_n));
}

static void random_sources(struct workload *w)
{
	for (unsigned i = 0; i < 1 + below(3); i++) {
		int at = wl_source_add(w, (enum wl_source_kind)below(WL_SOURCE_KIND_COUNT));
		struct wl_source *s = &w->sources[at];
		static const char *const starts[] = { "", "2026-01-01T00:00:00Z",
						      "2026-01-02T00:00:00Z" };

		s->started = wl_string(w, starts[below(3)]);
		s->target = wl_string(w, below(2) ? "command x" : "");
		s->runs = below(3);
		if (!below(3)) {
			s->complete = false;
			s->incomplete_reason = below(2) ? wl_string(w, "interrupted") : NULL;
		}
		s->supplement = !below(3);
		if (!below(2))
			wl_loss_add(w, at, "files", 1 + below(2));
		if (!below(3))
			wl_loss_add(w, at, "arguments", UINT64_MAX);
	}
}

static void random_programs(struct workload *w)
{
	for (unsigned i = 0; i < 1 + below(4); i++) {
		int at = wl_program_add(w, some_programs[below(ARRAY_SIZE(some_programs))]);

		wl_set_add(&w->programs[at].parents, below((unsigned)w->programs_n));
		wl_set_add(&w->programs[at].sources, below((unsigned)w->sources_n));
		if (!below(3))
			w->programs[at].interpreter = wl_string(w,
								below(2) ? "/lib/ld.so" : "/bin/a");
	}
}

static void random_syscalls(struct workload *w)
{
	for (unsigned i = 0; i < below(6); i++) {
		enum sc_abi abi = below(4) ? SC_X86_64 : SC_I386;
		struct wl_syscall *s = wl_syscall_add_name(
			w, abi, sc_by_name(some_calls[below(ARRAY_SIZE(some_calls))]));

		if (!below(4))
			s = wl_syscall_add(w, abi, 3000 + below(3));
		random_prov(w, &s->prov);
		for (unsigned k = 0; k < below(4); k++) {
			uint8_t index[] = { 0, 1, 2 };
			uint64_t value[] = { 1 + below(3), UINT64_MAX - below(2), below(2) };

			random_prov(w, &wl_call_add(s, 1 + below(3), index, value)->prov);
			if (!below(3))
				random_prov(w, &wl_rule_add(s, 2, index, value, value)->prov);
		}
	}
}

/* Everything but the identity, which is not symmetric under merging. */
static void random_model(struct workload *w, uint64_t seed)
{
	rng_state = seed * 0x9e3779b97f4a7c15u + 1;
	wl_init(w);
	w->identity.name = wl_string(w, "n");
	w->identity.arch = wl_string(w, "x86_64");
	random_sources(w);
	random_programs(w);
	random_syscalls(w);
	for (unsigned i = 0; i < below(4); i++)
		random_prov(w, &wl_cap_add(w, below(4) ? below(41) : 50,
					   (enum wl_cap_result)below(2), below(2) ? "bind" : "",
					   below(2) ? "inet_bind" : "", below(2), below(2))
					->prov);
	for (unsigned i = 0; i < below(6); i++) {
		const char *path = some_paths[below(ARRAY_SIZE(some_paths))];

		random_prov(w, &wl_file_add(w, path, below(3) == 0 && wl_pattern_valid(path),
					    1u << below(WL_F_BITS))
					->prov);
	}
	for (unsigned i = 0; i < below(4); i++)
		random_prov(w, &wl_net_add(w, (enum wl_net_op)below(WL_NET_OP_COUNT),
					   below(3) ? AF_INET : AF_NETLINK,
					   below(4) ? (uint16_t)(1 + below(4)) : 0,
					   (uint16_t)(below(2) * 6), below(2) ? "10.0.0.1" : "",
					   (uint16_t)(below(2) * 65535))
					->prov);
}

static char *text_of(struct workload *w)
{
	struct buf b = { 0 };

	wl_write(w, &b);
	assert_false(b.overflow);
	return buf_take(&b);
}

static int read_text(struct workload *w, const char *text, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = json_parse(&d, "m.json", text, strlen(text), e);

	return r < 0 ? r : wl_read(w, &d, e);
}

static void copy_model(struct workload *to, struct workload *from)
{
	cleanup_free char *text = text_of(from);
	struct err e = { 0 };

	if (read_text(to, text, &e))
		fail_msg("%s\n%s", e.msg, text);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		cleanup_workload struct workload a, b;
		cleanup_free char *ta = NULL, *tb = NULL;

		random_model(&a, seed);
		ta = text_of(&a);
		copy_model(&b, &a);
		tb = text_of(&b);
		assert_string_equal(ta, tb);
		assert_int_equal(a.files_n, b.files_n);
		assert_int_equal(a.nets_n, b.nets_n);
		assert_int_equal(a.syscalls_n, b.syscalls_n);
	}
}

/* Filling in another order gives the same bytes. */
static void test_order_does_not_matter(void **state)
{
	cleanup_workload struct workload a = { 0 }, b = { 0 };
	cleanup_free char *ta = NULL, *tb = NULL;
	size_t n = ARRAY_SIZE(some_calls);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *x = some_calls[i], *y = some_calls[n - 1 - i];
		cleanup_free char *px = xasprintf("/%s", x), *py = xasprintf("/%s", y);

		wl_prov_add(&wl_syscall_add_name(&a, SC_X86_64, sc_by_name(x))->prov, 1,
			    wl_program_add(&a, px), -1);
		wl_prov_add(&wl_syscall_add_name(&b, SC_X86_64, sc_by_name(y))->prov, 1,
			    wl_program_add(&b, py), -1);
		wl_file_add(&a, px, false, 1);
		wl_file_add(&b, py, false, 1);
	}
	ta = text_of(&a);
	tb = text_of(&b);
	assert_string_equal(ta, tb);
}

static void test_sort_keeps_lookups(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		cleanup_workload struct workload w;
		size_t files, calls, uses = 0, nets;

		random_model(&w, seed);
		wl_sort(&w);
		files = w.files_n;
		calls = w.syscalls_n;
		nets = w.nets_n;
		for (size_t i = 0; i < w.programs_n; i++)
			assert_int_equal(wl_program_find(&w, w.programs[i].path), i);
		for (size_t i = 0; i < calls; i++)
			assert_ptr_equal(wl_syscall_add(&w, w.syscalls[i].abi, w.syscalls[i].nr),
					 &w.syscalls[i]);
		for (size_t i = 0; i < files; i++)
			assert_ptr_equal(wl_file_add(&w, w.files[i].path, w.files[i].pattern, 0),
					 &w.files[i]);
		for (size_t i = 0; i < w.caps_n; i++)
			uses += w.caps[i].uses_n;
		for (size_t i = 0; i < w.caps_n; i++)
			for (size_t k = 0; k < w.caps[i].uses_n; k++) {
				const struct wl_cap_use *u = &w.caps[i].uses[k];

				assert_ptr_equal(wl_cap_add(&w, w.caps[i].nr, w.caps[i].result,
							    u->syscall, u->function, u->speculative,
							    u->inferred),
						 u);
				uses--;
			}
		assert_int_equal(uses, 0);
		assert_int_equal(w.files_n, files);
		assert_int_equal(w.syscalls_n, calls);
		assert_int_equal(w.nets_n, nets);
	}
}

static char *merged(uint64_t a, uint64_t b)
{
	cleanup_workload struct workload x, y;
	struct err e = { 0 };

	random_model(&x, a);
	random_model(&y, b);
	assert_int_equal(wl_merge(&x, &y, &e), 0);
	return text_of(&x);
}

static void test_merge_idempotent(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		cleanup_workload struct workload w;
		cleanup_free char *once = NULL, *twice = merged(seed, seed);

		random_model(&w, seed);
		once = text_of(&w);
		assert_string_equal(once, twice);
	}
}

static void test_merge_commutative(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		cleanup_free char *ab = merged(seed, seed + 1000), *ba = merged(seed + 1000, seed);

		assert_string_equal(ab, ba);
	}
}

static void test_merge_associative(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		cleanup_workload struct workload a, b, c, a2, b2, c2;
		cleanup_free char *left = NULL, *right = NULL;

		random_model(&a, seed);
		random_model(&a2, seed);
		random_model(&b, seed + 1000);
		random_model(&b2, seed + 1000);
		random_model(&c, seed + 2000);
		random_model(&c2, seed + 2000);
		assert_int_equal(wl_merge(&a, &b, NULL), 0);
		assert_int_equal(wl_merge(&a, &c, NULL), 0);
		assert_int_equal(wl_merge(&b2, &c2, NULL), 0);
		assert_int_equal(wl_merge(&a2, &b2, NULL), 0);
		left = text_of(&a);
		right = text_of(&a2);
		assert_string_equal(left, right);
	}
}

static const struct wl_prov *find_file(const struct workload *w, const struct wl_file *f)
{
	for (size_t i = 0; i < w->files_n; i++)
		if (!strcmp(w->files[i].path, f->path) && w->files[i].pattern == f->pattern) {
			assert_int_equal(w->files[i].access & f->access, f->access);
			return &w->files[i].prov;
		}
	fail_msg("%s is lost", f->path);
	return NULL;
}

/* Each program by path, each source by all that tells it from others here. */
static void assert_prov_kept(const struct workload *a, const struct wl_prov *pa,
			     const struct workload *b, const struct wl_prov *pb)
{
	assert_int_equal(pb->phases & pa->phases, pa->phases);
	for (size_t i = 0; i < pa->programs.n; i++) {
		int at = wl_program_find(b, a->programs[pa->programs.v[i]].path);

		assert_true(at >= 0 && wl_set_has(&pb->programs, (uint32_t)at));
	}
	for (size_t i = 0; i < pa->sources.n; i++) {
		const struct wl_source *s = &a->sources[pa->sources.v[i]];
		bool found = false;

		for (size_t k = 0; k < pb->sources.n && !found; k++) {
			const struct wl_source *t = &b->sources[pb->sources.v[k]];

			found = s->kind == t->kind && !strcmp(s->started, t->started) &&
				!strcmp(s->target, t->target) && s->runs == t->runs &&
				s->complete == t->complete && s->loss_n == t->loss_n;
		}
		assert_true(found);
	}
}

static void test_merge_keeps_provenance(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		cleanup_workload struct workload all, part;

		random_model(&all, seed + 5000);
		random_model(&part, seed);
		assert_int_equal(wl_merge(&all, &part, NULL), 0);
		for (size_t i = 0; i < part.files_n; i++)
			assert_prov_kept(&part, &part.files[i].prov, &all,
					 find_file(&all, &part.files[i]));
		for (size_t i = 0; i < part.syscalls_n; i++) {
			const struct wl_syscall *s = &part.syscalls[i];
			struct wl_syscall *t = wl_syscall_add(&all, s->abi, s->nr);

			assert_prov_kept(&part, &s->prov, &all, &t->prov);
			for (size_t k = 0; k < s->calls_n; k++) {
				size_t before = t->calls_n;
				const struct wl_call *c = &s->calls[k];
				const struct wl_call *d =
					c->rule ? wl_rule_add(t, c->n, c->index, c->mask, c->value)
						: wl_call_add(t, c->n, c->index, c->value);

				assert_int_equal(t->calls_n, before);
				assert_prov_kept(&part, &c->prov, &all, &d->prov);
			}
		}
		for (size_t i = 0; i < part.nets_n; i++) {
			const struct wl_net *n = &part.nets[i];
			size_t before = all.nets_n;
			const struct wl_net *m = wl_net_add(&all, n->op, n->family, n->type,
							    n->protocol, n->address, n->port);

			assert_int_equal(all.nets_n, before);
			assert_prov_kept(&part, &n->prov, &all, &m->prov);
		}
	}
}

static void test_merge_identity(void **state)
{
	cleanup_workload struct workload a = { 0 }, b = { 0 };
	struct err e = { 0 };
	static const char *entry[] = { "nginx", "-g" };

	(void)state;
	b.identity.name = "b";
	b.identity.image = "img";
	b.identity.digest = "sha256:1";
	b.identity.entrypoint = entry;
	b.identity.entrypoint_n = 2;
	b.sequences = "{}";
	a.identity.name = "a";
	a.identity.digest = "sha256:2";
	assert_int_equal(wl_merge(&a, &b, &e), 0);
	assert_string_equal(a.identity.name, "a");
	assert_null(a.identity.image); /* not the image of another digest */
	assert_string_equal(a.identity.digest, "sha256:2");
	assert_int_equal(a.identity.entrypoint_n, 2);
	assert_string_equal(a.identity.entrypoint[1], "-g");
	assert_string_equal(a.sequences, "{}");
	a.identity.arch = "x86_64";
	b.identity.arch = "aarch64";
	wl_file_add(&b, "/x", false, WL_F_READ);
	assert_int_equal(wl_merge(&a, &b, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "x86_64 and aarch64"));
	assert_int_equal(a.files_n, 0);
	assert_int_equal(wl_merge(&a, &a, &e), 0);
}

static void test_merge_limit(void **state)
{
	cleanup_workload struct workload a = { 0 }, b = { 0 };
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < WL_MAX_PROGRAMS; i++) {
		cleanup_free char *path = xasprintf("/p%d", i);

		assert_true(wl_program_add(&a, path) >= 0);
	}
	assert_true(wl_program_add(&a, "/one-more") == -E2BIG);
	assert_true(wl_program_add(&b, "/p7") >= 0);
	assert_int_equal(wl_merge(&a, &b, &e), 0);
	wl_program_add(&b, "/one-more");
	assert_int_equal(wl_merge(&a, &b, &e), -E2BIG);
	assert_int_equal(a.programs_n, WL_MAX_PROGRAMS);
}

#define HEAD "{\"format\": \"boltseal.workload/1\",\n\"identity\": {\"arch\": \"x86_64\"}"
#define SRC  ",\n\"sources\": [{\"kind\": \"ebpf\", \"runs\": 1, \"complete\": true}]"
#define PROG ",\n\"programs\": [{\"path\": \"/bin/sh\"}]"

static const struct {
	const char *text, *message; /* the message has the place */
} refused[] = {
	{ "[]", "m.json:1:1: /: expected an object, found an array" },
	{ "{}", "the member \"format\" is missing" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", "this is a seccomp profile" },
	{ "{\"format\": 1}", "m.json:1:12: /format: expected a string, found a whole number" },
	{ "{\"format\": \"boltseal.workload/3\"}",
	  "m.json:1:12: /format: the format \"boltseal.workload/3\" is not supported, only "
	  "\"boltseal.workload/2\" and \"boltseal.workload/1\" are" },
	{ "{\"format\": \"other\"}", "\"other\" is not a workload model" },
	{ "{\"format\": \"boltseal.workload/1\"}", "the member \"identity\" is missing" },
	{ "{\"format\": \"boltseal.workload/1\", \"identity\": {\"arch\": \"mips\"}}",
	  "/identity/arch: \"mips\" is not one of x86_64, aarch64" },
	{ HEAD ", \"sources\": {}}", "/sources: expected an array, found an object" },
	{ HEAD ", \"sources\": [7]}", "/sources/0: expected an object, found a whole number" },
	{ HEAD ", \"sources\": [{\"runs\": 1, \"complete\": true}]}",
	  "/sources/0: the member \"kind\" is missing" },
	{ HEAD ", \"sources\": [{\"kind\": \"guess\", \"runs\": 1, \"complete\": true}]}",
	  "/sources/0/kind: \"guess\" is not one of ebpf, ptrace, static, import" },
	{ HEAD ", \"sources\": [{\"kind\": \"ebpf\", \"runs\": 1}]}",
	  "the member \"complete\" is missing" },
	{ HEAD ", \"sources\": [{\"kind\": \"ebpf\", \"complete\": true}]}",
	  "the member \"runs\" is missing" },
	{ HEAD ", \"sources\": [{\"kind\": \"ebpf\", \"runs\": -1, \"complete\": true}]}",
	  "/sources/0/runs: expected a number from 0, found -1" },
	{ HEAD ", \"sources\": [{\"kind\": \"ebpf\", \"runs\": 1, \"complete\": true, "
	       "\"incomplete_reason\": \"x\"}]}",
	  "\"complete\" is true, but there is an \"incomplete_reason\"" },
	{ HEAD ", \"sources\": [{\"kind\": \"ebpf\", \"runs\": 1, \"complete\": true, "
	       "\"lost\": {\"files\": \"many\"}}]}",
	  "/sources/0/lost/files: expected a whole number, found a string" },
	{ HEAD ", \"programs\": [{\"interpreter\": \"x\"}]}",
	  "/programs/0: the member \"path\" is missing" },
	{ HEAD ", \"programs\": [{\"path\": \"/a\"}, {\"path\": \"/a\"}]}",
	  "/programs/1: the program \"/a\" stands twice" },
	{ HEAD ", \"programs\": [{\"path\": \"/a\", \"parents\": [\"/b\"]}]}",
	  "/programs/0/parents/0: the program \"/b\" is not in the list \"programs\"" },
	{ HEAD ", \"programs\": [{\"path\": \"/a\", \"sources\": [0]}]}",
	  "/programs/0/sources/0: this is the source with index 0, but there are 0" },
	{ HEAD SRC ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"sources\": [1]}]}}",
	  "/syscalls/x86_64/0/sources/0: this is the source with index 1, but there is 1" },
	{ HEAD ", \"syscalls\": {\"amd64\": []}}",
	  "/syscalls/amd64: \"amd64\" is not one of x86_64, i386, x32, aarch64" },
	{ HEAD ", \"syscalls\": {\"x86_64\": {}}}",
	  "/syscalls/x86_64: expected an array, found an object" },
	{ HEAD ",\n\"syscalls\": {\"x86_64\": [\n  {\"name\": \"opnat\"}]}}",
	  "m.json:4:12: /syscalls/x86_64/0/name: unknown system call \"opnat\"; did you mean "
	  "\"openat\"?" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"frobnicate\"}]}}",
	  "unknown system call \"frobnicate\"" },
	{ HEAD ", \"syscalls\": {\"aarch64\": [{\"name\": \"open\"}]}}",
	  "the system call open does not exist in aarch64" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{}]}}",
	  "/syscalls/x86_64/0: expected a member \"name\" or \"number\"" },
	{ HEAD ", \"syscalls\": {\"x32\": [{\"number\": 1073741824}]}}",
	  "/syscalls/x32/0/number: expected at most 1073741823, found 1073741824" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"phases\": [\"boot\"]}]}}",
	  "/phases/0: \"boot\" is not one of runtime, runtime_sealed, start, serving" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"phases\": [3]}]}}",
	  "/phases/0: expected a string, found a whole number" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"programs\": [null]}]}}",
	  "/programs/0: expected a string, found null" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": [{}]}]}}",
	  "/arguments/0: the member \"index\" is missing" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": "
	       "[{\"index\": [], \"value\": []}]}]}}",
	  "/arguments/0/index: expected 1 to 3 arguments, found 0" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": "
	       "[{\"index\": [0, 1], \"value\": [1]}]}]}}",
	  "/arguments/0/value: expected 2 values as in \"index\"" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": "
	       "[{\"index\": [6], \"value\": [1]}]}]}}",
	  "/arguments/0/index/0: expected at most 5, found 6" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": "
	       "[{\"index\": [1, 1], \"value\": [1, 2]}]}]}}",
	  "/arguments/0/index/1: the argument 1 stands twice" },
	{ HEAD ", \"syscalls\": {\"x86_64\": [{\"name\": \"read\", \"arguments\": "
	       "[{\"index\": [0], \"value\": [18446744073709551616]}]}]}}",
	  "the number 18446744073709551616 is beyond 64 bits" },
	{ HEAD ", \"capabilities\": [{\"name\": \"CAP_NONSENSE\", \"result\": \"granted\", "
	       "\"uses\": []}]}",
	  "/capabilities/0/name: unknown capability \"CAP_NONSENSE\"" },
	{ HEAD ", \"capabilities\": [{\"result\": \"granted\", \"uses\": []}]}",
	  "/capabilities/0: the member \"number\" is missing" },
	{ HEAD ", \"capabilities\": [{\"name\": \"CAP_CHOWN\", \"result\": \"maybe\", "
	       "\"uses\": []}]}",
	  "/capabilities/0/result: \"maybe\" is not one of granted, refused" },
	{ HEAD ", \"capabilities\": [{\"name\": \"CAP_CHOWN\", \"result\": \"granted\"}]}",
	  "the member \"uses\" is missing" },
	{ HEAD ", \"capabilities\": [{\"name\": \"CAP_CHOWN\", \"result\": \"granted\", "
	       "\"uses\": [{\"inferred\": 1}]}]}",
	  "/uses/0/inferred: expected true or false, found a whole number" },
	{ HEAD ", \"files\": [{\"access\": [\"read\"]}]}", "the member \"path\" is missing" },
	{ HEAD ", \"files\": [{\"path\": \"/x\"}]}", "the member \"access\" is missing" },
	{ HEAD ", \"files\": [{\"path\": \"x\", \"access\": [\"read\"]}]}",
	  "/files/0/path: expected an absolute path" },
	{ HEAD ", \"files\": [{\"path\": \"/x\", \"access\": [\"eat\"]}]}",
	  "/files/0/access/0: \"eat\" is not one of read, write" },
	{ HEAD ", \"files\": [{\"path\": \"/x@y\", \"pattern\": true, \"access\": [\"read\"]}]}",
	  "/files/0/path: not a pattern" },
	{ HEAD ", \"files\": [{\"path\": \"/x\\u0000y\", \"access\": [\"read\"]}]}",
	  "/files/0/path: the string contains a NUL character" },
	{ HEAD PROG ", \"files\": [{\"path\": \"/x\", \"access\": [], \"programs\": "
		    "[\"/bin/sh\\u0000\"]}]}",
	  "/files/0/programs/0: the string contains a NUL character" },
	{ HEAD ", \"network\": [{\"op\": \"shout\", \"family\": \"AF_INET\"}]}",
	  "/network/0/op: \"shout\" is not one of listen, bind, connect, send" },
	{ HEAD ", \"network\": [{\"op\": \"listen\"}]}", "the member \"family\" is missing" },
	{ HEAD ", \"network\": [{\"op\": \"listen\", \"family\": \"AF_MOON\"}]}",
	  "/network/0/family: unknown family \"AF_MOON\"" },
	{ HEAD ", \"network\": [{\"op\": \"listen\", \"family\": 65536}]}",
	  "/network/0/family: expected at most 65535, found 65536" },
	{ HEAD ", \"network\": [{\"op\": \"listen\", \"family\": 2, \"type\": "
	       "\"SOCK_CLOEXEC\"}]}",
	  "/network/0/type: unknown type \"SOCK_CLOEXEC\"" },
	{ HEAD ", \"network\": [{\"op\": \"listen\", \"family\": \"AF_UNIX\", \"protocol\": "
	       "\"IPPROTO_TCP\"}]}",
	  "/network/0/protocol: unknown protocol \"IPPROTO_TCP\"" },
	{ HEAD ", \"network\": [{\"op\": \"listen\", \"family\": 2, \"port\": 70000}]}",
	  "/network/0/port: expected at most 65535, found 70000" },
	{ HEAD ", \"sequences\": []}", "/sequences: expected an object, found an array" },
	{ HEAD ", \"files\": [], \"files\": []}", "the key \"files\" stands twice" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct workload w;
		struct err e = { 0 };

		wl_init(&w);
		if (read_text(&w, refused[i].text, &e) >= 0)
			fail_msg("accepted: %s", refused[i].text);
		if (!strstr(e.msg, refused[i].message))
			fail_msg("%s\ngave: %s\nnot:  %s", refused[i].text, e.msg,
				 refused[i].message);
		assert_int_equal(strncmp(e.msg, "m.json:", 7), 0);
		assert_null(w.sources);
		assert_null(w.files);
		assert_int_equal(w.programs_n, 0);
	}
}

static void test_accepted(void **state)
{
	static const char text[] = HEAD SRC PROG
		",\n"
		"\"future\": [1, {\"a\": 2.5}],\n"
		"\"syscalls\": {\"x86_64\": ["
		"{\"number\": 0, \"note\": \"a known number\"},"
		"{\"name\": \"socket\", \"phases\": [\"serving\"], \"sources\": [0, 0],"
		" \"arguments\": [{\"index\": [0, 1, 2], \"value\": [2, 524289, 0],"
		" \"text\": \"a lie\", \"programs\": [\"/bin/sh\", \"/bin/sh\"]}]},"
		"{\"name\": \"socket\", \"phases\": [\"start\"]}, {\"number\": 999}]},\n"
		"\"capabilities\": [{\"number\": 41, \"result\": \"refused\", \"uses\": [{}]}],\n"
		"\"network\": [{\"op\": \"connect\", \"family\": 2, \"type\": 1, \"protocol\": 6,"
		" \"address\": null}],\n"
		"\"sequences\": {\"length\": 6, \"x\": [1.50, \"\\u00e4\"]}}";
	cleanup_workload struct workload w;
	cleanup_free char *out = NULL;
	const struct wl_syscall *s;
	struct err e = { 0 };

	(void)state;
	if (read_text(&w, text, &e))
		fail_msg("%s", e.msg);
	s = wl_syscall_find(&w, SC_X86_64, "socket");
	assert_int_equal(s->prov.phases, WL_PROGRAM_PHASES);
	assert_int_equal(s->prov.sources.n, 1);
	assert_int_equal(s->calls_n, 1);
	assert_int_equal(s->calls[0].prov.programs.n, 1);
	assert_non_null(wl_syscall_find(&w, SC_X86_64, "read"));
	out = text_of(&w);
	assert_non_null(strstr(out, "\n      {\"name\": \"read\"}"));
	assert_non_null(strstr(out, "\n      {\"number\": 999}"));
	assert_non_null(strstr(out, "\"text\": \"AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0\""));
	assert_null(strstr(out, "a lie"));
	assert_null(strstr(out, "future"));
	assert_non_null(strstr(out, "{\"number\": 41, \"result\": \"refused\""));
	assert_non_null(strstr(out, "\"family\": \"AF_INET\", \"type\": \"SOCK_STREAM\", "
				    "\"protocol\": \"IPPROTO_TCP\"}"));
	assert_non_null(
		strstr(out, "\"sequences\": {\"length\":6,\"x\":[1.50,\"\xc3\xa4\"]}\n}\n"));
}

/* The documented layout, byte by byte. */
static void test_layout(void **state)
{
	static const char want[] =
		"{\n"
		"  \"format\": \"boltseal.workload/2\",\n"
		"  \"identity\": {\"name\": \"web\", \"arch\": \"x86_64\"},\n"
		"  \"sources\": [\n"
		"    {\"kind\": \"ptrace\", \"target\": \"pid 1\", \"runs\": 1, \"complete\": "
		"false, \"incomplete_reason\": \"killed\", \"lost\": {\"files\": 3}}\n"
		"  ],\n"
		"  \"programs\": [\n"
		"    {\"path\": \"/a\", \"sources\": [0]},\n"
		"    {\"path\": \"/b\", \"parents\": [\"/a\"]}\n"
		"  ],\n"
		"  \"syscalls\": {\n"
		"    \"x86_64\": [\n"
		"      {\"name\": \"close\", \"phases\": [\"start\", \"serving\"], "
		"\"programs\": [\"/a\", \"/b\"], \"sources\": [0]},\n"
		"      {\"name\": \"kill\", \"arguments\": [\n"
		"        {\"index\": [1], \"value\": [9], \"text\": \"SIGKILL\"},\n"
		"        {\"index\": [1], \"value\": [15], \"text\": \"SIGTERM\"}\n"
		"      ]}\n"
		"    ],\n"
		"    \"i386\": [\n"
		"      {\"name\": \"waitpid\"}\n"
		"    ]\n"
		"  },\n"
		"  \"capabilities\": [\n"
		"    {\"name\": \"CAP_CHOWN\", \"result\": \"granted\", \"uses\": [\n"
		"      {\"syscall\": \"chown\", \"speculative\": true, \"phases\": [\"start\"]}\n"
		"    ]}\n"
		"  ],\n"
		"  \"files\": [\n"
		"    {\"path\": \"/proc/@{pid}/\", \"pattern\": true, \"access\": [\"read\", "
		"\"missing\"]}\n"
		"  ],\n"
		"  \"network\": [\n"
		"    {\"op\": \"listen\", \"family\": \"AF_INET\", \"type\": \"SOCK_STREAM\", "
		"\"address\": \"0.0.0.0\", \"port\": 80}\n"
		"  ]\n"
		"}\n";
	cleanup_workload struct workload w = { 0 };
	cleanup_free char *got = NULL;
	struct wl_syscall *s;
	int src = wl_source_add(&w, WL_PTRACE), a, b;

	(void)state;
	w.identity.name = "web";
	w.identity.arch = "x86_64";
	w.sources[src].target = "pid 1";
	w.sources[src].complete = false;
	w.sources[src].incomplete_reason = "killed";
	wl_loss_add(&w, src, "files", 3);
	b = wl_program_add(&w, "/b");
	a = wl_program_add(&w, "/a");
	wl_set_add(&w.programs[b].parents, (uint32_t)a);
	wl_set_add(&w.programs[a].sources, (uint32_t)src);
	wl_syscall_add_name(&w, SC_I386, sc_by_name("waitpid"));
	s = wl_syscall_add_name(&w, SC_X86_64, sc_by_name("kill"));
	wl_call_add(s, 1, (uint8_t[]){ 1 }, (uint64_t[]){ 15 });
	wl_call_add(s, 1, (uint8_t[]){ 1 }, (uint64_t[]){ 9 });
	s = wl_syscall_add_name(&w, SC_X86_64, sc_by_name("close"));
	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, b, src);
	wl_prov_add(&s->prov, 0, a, -1);
	wl_prov_add(&wl_cap_add(&w, 0, WL_CAP_GRANTED, "chown", "", true, false)->prov,
		    WL_PHASE_BIT(WL_START), -1, -1);
	wl_file_add(&w, "/proc/@{pid}/", true, WL_F_READ | WL_F_MISSING);
	wl_net_add(&w, WL_NET_LISTEN, AF_INET, SOCK_STREAM, 0, "0.0.0.0", 80);
	got = text_of(&w);
	assert_string_equal(got, want);
}

/* Every byte but NUL and "/" in a name survives, alone and between others. */
static void test_path_bytes(void **state)
{
	cleanup_workload struct workload w = { 0 }, back;
	char path[] = "/-?-";

	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		path[2] = (char)c;
		assert_non_null(wl_file_add(&w, path, false, WL_F_READ));
	}
	assert_non_null(wl_file_add(&w, "/\xc3", false, WL_F_READ));
	assert_non_null(wl_file_add(&w, "/\xef\xa0\x80", false, WL_F_READ));
	assert_non_null(wl_file_add(&w, "/\xed\xa0\x80", false, WL_F_READ));
	assert_non_null(wl_file_add(&w, "/\xf4\x90\x80\x80", false, WL_F_READ));
	assert_non_null(wl_file_add(&w, "/\xc0\xaf", false, WL_F_READ));
	copy_model(&back, &w);
	assert_int_equal(back.files_n, w.files_n);
	for (size_t i = 0; i < w.files_n; i++)
		assert_string_equal(back.files[i].path, w.files[i].path);
}

static void test_values_exact(void **state)
{
	static const uint64_t values[] = {
		0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX
	};
	cleanup_workload struct workload w = { 0 }, back;
	const struct wl_syscall *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		wl_call_add(wl_syscall_add_name(&w, SC_X86_64, sc_by_name("ioctl")), 1,
			    (uint8_t[]){ 1 }, &values[i]);
	copy_model(&back, &w);
	s = wl_syscall_find(&back, SC_X86_64, "ioctl");
	assert_int_equal(s->calls_n, ARRAY_SIZE(values));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(s->calls[i].value[0] == values[i]);
}

static void test_file_door(void **state)
{
	cleanup_workload struct workload w = { 0 };
	cleanup_free char *longest = xcalloc(1, WL_MAX_PATH + 2);

	(void)state;
	assert_null(wl_file_add(&w, "", false, 1));
	assert_null(wl_file_add(&w, "pipe:[1]", false, 1));
	assert_null(wl_file_add(&w, "/a\\", true, 1));
	memset(longest, '/', WL_MAX_PATH + 1);
	assert_null(wl_file_add(&w, longest, false, 1));
	longest[WL_MAX_PATH] = '\0';
	assert_non_null(wl_file_add(&w, longest, false, 1));
	assert_int_equal(w.files_n, 1);
}

static void test_many_sources_refused(void **state)
{
	struct buf b = { 0 };
	struct workload w;
	struct err e = { 0 };

	(void)state;
	buf_puts(&b, HEAD ", \"sources\": [");
	for (int i = 0; i <= WL_MAX_SOURCES; i++)
		buf_printf(&b, "%s{\"kind\": \"import\", \"runs\": 0, \"complete\": true}",
			   i ? "," : "");
	buf_puts(&b, "]}");
	assert_int_equal(read_text(&w, b.p, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "/sources/10000: more than 10000 sources"));
	buf_free(&b);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 20 MB: linear behaviour takes a few seconds even under sanitizers, quadratic takes hours. */
static void test_large_model(void **state)
{
	cleanup_workload struct workload w = { 0 }, back;
	cleanup_free char *text = NULL;
	int src = wl_source_add(&w, WL_EBPF), program = wl_program_add(&w, "/usr/bin/something");
	double start, took;

	(void)state;
	for (int i = 0; i < 120000; i++) {
		cleanup_free char *path =
			xasprintf("/srv/data/%08x/some/longer/path/%d/name-%d.html",
				  (unsigned)i * 2654435761u, i % 100, i);

		wl_prov_add(&wl_file_add(&w, path, false, WL_F_READ | WL_F_WRITE)->prov,
			    WL_PROGRAM_PHASES, program, src);
	}
	text = text_of(&w);
	assert_true(strlen(text) > 20 * 1000 * 1000);
	start = seconds();
	assert_int_equal(read_text(&back, text, NULL), 0);
	took = seconds() - start;
	print_message("%zu bytes read in %.2f s\n", strlen(text), took);
	assert_int_equal(back.files_n, 120000);
	assert_true(took < 60 * patience());
}

static void test_save_and_load(void **state)
{
	char dir[] = "/tmp/boltseal-test-XXXXXX";
	cleanup_free char *path = NULL;
	cleanup_workload struct workload w, back, none;
	cleanup_free char *a = NULL, *b = NULL;
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/m.json", dir);
	random_model(&w, 7);
	assert_int_equal(wl_save(&w, path, &e), 0);
	assert_int_equal(wl_load(&back, path, &e), 0);
	a = text_of(&w);
	b = text_of(&back);
	assert_string_equal(a, b);
	unlink(path);
	assert_int_equal(wl_load(&none, path, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "m.json"));
	assert_int_equal(none.files_n, 0);
	rmdir(dir);
}

/* A call of which a recording has the arguments, and an analysis does not. */
#define SOURCES(format)                                                                   \
	"{\"format\": \"boltseal.workload/" format "\", \"identity\": {}, \"sources\": [" \
	"{\"kind\": \"ebpf\", \"runs\": 1, \"complete\": true},"                          \
	"{\"kind\": \"static\", \"runs\": 0, \"complete\": true}],"
#define SOCKET(more)                                                                              \
	"\"syscalls\": {\"x86_64\": [{\"name\": \"socket\", \"phases\": [\"start\", "             \
	"\"serving\"], \"sources\": [0, 1]," more " \"arguments\": [{\"index\": [0], \"value\": " \
	"[2], \"phases\": [\"start\"], \"sources\": [0]}]}]}}"

/* A file of the first format says the same without the member. */
static void test_open_arguments(void **state)
{
	static const char *const texts[] = {
		SOURCES("1") SOCKET(""),
		SOURCES("2") SOCKET("\"any_arguments\": {\"phases\": [\"start\", \"serving\"], "
				    "\"sources\": [1]},"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_workload struct workload w;
		cleanup_buf struct buf names = { 0 };
		const struct wl_syscall *s;
		struct err e;

		if (read_text(&w, texts[i], &e))
			fail_msg("%s", e.msg);
		s = wl_syscall_find(&w, SC_X86_64, "socket");
		assert_int_equal(s->any.phases, WL_PROGRAM_PHASES);
		assert_int_equal(s->any.sources.n, 1);
		assert_int_equal(s->any.sources.v[0], 1);
		wl_prefer_recorded(&w, &names);
		assert_string_equal(buf_str(&names), "socket\n");
		assert_int_equal(s->any.phases, 0);
		assert_int_equal(s->prov.phases, WL_PHASE_BIT(WL_START));
		assert_int_equal(s->prov.sources.n, 1);
		w.sources[1].kind = WL_IMPORT;
		wl_prefer_recorded(&w, &names);
		assert_string_equal(buf_str(&names), "socket\n");
	}
}

static void one_call(struct workload *w, enum wl_source_kind kind, bool argument, bool supplement)
{
	struct wl_syscall *s;
	int source;

	wl_init(w);
	source = wl_source_add(w, kind);
	w->sources[source].target = wl_string(w, wl_source_kind_name(kind));
	w->sources[source].supplement = supplement;
	s = wl_syscall_add_name(w, SC_X86_64, sc_by_name("socket"));
	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), -1, source);
	if (argument)
		wl_prov_add(&wl_call_add(s, 1, (uint8_t[]){ 0 }, (uint64_t[]){ 2 })->prov,
			    WL_PHASE_BIT(WL_START), -1, source);
}

/* Merging keeps who leaves arguments open; a log of denials completes a recording. */
static void test_merge_keeps_arguments(void **state)
{
	static const struct {
		enum wl_source_kind kind;
		bool argument, supplement, open;
	} cases[] = {
		{ WL_STATIC, false, false, true },
		{ WL_EBPF, true, false, false },
		{ WL_IMPORT, true, true, false },
		{ WL_IMPORT, false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload a, b;
		bool turned = i >= ARRAY_SIZE(cases);
		size_t k = i % ARRAY_SIZE(cases);
		const struct wl_syscall *s;

		one_call(turned ? &b : &a, WL_PTRACE, true, false);
		one_call(turned ? &a : &b, cases[k].kind, cases[k].argument, cases[k].supplement);
		assert_int_equal(wl_incomplete(turned ? &a : &b), cases[k].supplement);
		assert_int_equal(wl_merge(&a, &b, NULL), 0);
		assert_false(wl_incomplete(&a));
		s = wl_syscall_find(&a, SC_X86_64, "socket");
		assert_int_equal(s->calls_n, 1);
		assert_int_equal(s->any.sources.n, cases[k].open);
		if (cases[k].open)
			assert_int_equal(a.sources[s->any.sources.v[0]].kind, cases[k].kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_sort_keeps_lookups),
		cmocka_unit_test(test_merge_idempotent),
		cmocka_unit_test(test_merge_commutative),
		cmocka_unit_test(test_merge_associative),
		cmocka_unit_test(test_merge_keeps_provenance),
		cmocka_unit_test(test_merge_identity),
		cmocka_unit_test(test_merge_limit),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_path_bytes),
		cmocka_unit_test(test_values_exact),
		cmocka_unit_test(test_file_door),
		cmocka_unit_test(test_many_sources_refused),
		cmocka_unit_test(test_large_model),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_open_arguments),
		cmocka_unit_test(test_merge_keeps_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
