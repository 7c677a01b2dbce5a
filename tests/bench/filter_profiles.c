/*
 * filter_profiles [PROFILES [LIBSECCOMP [LIVE]]]: random profiles, compared with what their filters
 * do in the simulator (a part of them by proof), and in the running kernel. Beside them, of the
 * same sets of rules, how many of libseccomp's filters do something else. Prints the tables of
 * docs/BENCHMARKS.md; exits with 1 when one of boltseal's filters differs.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/live_filter.h"
#include "libseccomp_filter.h"

enum {
	CALLS = 10,	    /* tried on each profile */
	LIB_CALLS = 200,    /* tried on each where libseccomp takes part */
	PROVE_EVERY = 10,   /* of the profiles, one is proven */
	PATIENCE_MS = 2000, /* for one call of libseccomp */
};

enum values { ANY64, ANY32 };

static const struct class
{
	const char *name;
	uint32_t ops; /* bits */
	enum values values;
	unsigned max_rules;
} classes[] = {
#define ALL ((1u << SP_OP_COUNT) - 1)
	{ "any operator, 64-bit values, up to 2 rules", ALL, ANY64, 2 },
	{ "any operator, 64-bit values, up to 3 rules", ALL, ANY64, 3 },
	{ "any operator, 64-bit values, up to 8 rules", ALL, ANY64, 8 },
	{ "any operator, 32-bit values, up to 2 rules", ALL, ANY32, 2 },
	{ "any operator, 32-bit values, up to 4 rules", ALL, ANY32, 4 },
	{ "EQ and NE, 64-bit values, up to 3 rules", 1u << SP_EQ | 1u << SP_NE, ANY64, 3 },
	{ "EQ and MASKED_EQ, 64-bit values, up to 3 rules", 1u << SP_EQ | 1u << SP_MASKED_EQ, ANY64,
	  3 },
	/* The last: several calls, all actions, one to four architectures. */
	{ "all actions, several calls and architectures, up to 8 rules", 0, ANY64, 8 },
};

static void class_cond(const struct class *c, struct source *s, struct sp_rule *r, uint8_t index)
{
	enum sp_op op;
	uint64_t v, v2 = 0;

	do
		op = (enum sp_op)source_below(s, SP_OP_COUNT);
	while (!(c->ops >> op & 1));
	v = source_value(s);
	if (op == SP_MASKED_EQ)
		v2 = source_value(s) & v;
	if (c->values == ANY32) {
		v = (uint32_t)v;
		v2 = (uint32_t)v2;
	}
	sp_rule_cond(r, index, op, v, v2);
}

/* One call with 64-bit arguments, allowed by each rule; a condition at most on each argument. */
static void class_profile(const struct class *c, struct source *s, struct sp_profile *p)
{
	unsigned rules = 1 + source_below(s, c->max_rules);

	if (!c->ops) {
		random_profile(p, s, c->max_rules, false);
		return;
	}
	sp_init(p);
	p->abi[SC_X86_64] = true;
	for (unsigned i = 0; i < rules; i++) {
		struct sp_rule *r = sp_rule_add(p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
		unsigned which = 1 + source_below(s, 3); /* argument 0, 1 or both */

		sp_rule_name(p, r, "mincore");
		for (uint8_t k = 0; k < 2; k++)
			if (which >> k & 1)
				class_cond(c, s, r, k);
	}
}

static void class_call(const struct class *c, struct source *s, const struct sp_profile *p,
		       struct seccomp_data *sd)
{
	random_call(s, p, sd);
	if (!c->ops) {
		return;
	}
	sd->arch = sc_abi_audit_arch(SC_X86_64);
	sd->nr = sc_nr(SC_X86_64, "mincore");
	for (unsigned i = 0; i < 2 && c->values == ANY32; i++)
		sd->args[i] = (uint32_t)sd->args[i];
}

static uint64_t seed_of(size_t class, size_t i)
{
	uint64_t x = (class + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * UINT64_C(0xbf58476d1ce4e5b9);

	return (x ^ x >> 31) | 1;
}

/* Whether the filter differs from the profile on one of `calls` calls. */
static bool differs(const struct class *c, struct source *s, const struct sp_profile *p,
		    const struct sp_filter *f, unsigned calls)
{
	for (unsigned k = 0; k < calls; k++) {
		struct seccomp_data sd;

		class_call(c, s, p, &sd);
		if (sp_ret_cmp(sp_ret_of_word(sp_run(f, &sd)), meaning(p, &sd)))
			return true;
	}
	return false;
}

struct counts {
	size_t profiles, differ, proven, unproven, insns;
};

static void ours(size_t class, size_t first, size_t n, unsigned calls, struct counts *out)
{
	const struct class *c = &classes[class];

	for (size_t i = first; i < first + n; i++) {
		struct source s = { .state = seed_of(class, i) };
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct err e = { 0 };
		int r;

		class_profile(c, &s, &p);
		out->profiles++;
		if (sp_compile(&p, &f, &e) < 0 || sp_filter_check(&f, &e) < 0 ||
		    differs(c, &s, &p, &f, calls)) {
			out->differ++;
			fprintf(stderr, "class %zu, profile %zu: %s\n", class, i, e.msg);
			continue;
		}
		out->insns += f.n;
		if (i % PROVE_EVERY)
			continue;
		r = sp_prove(&p, &f, &e);
		out->proven += r == 0;
		out->unproven += r > 0;
		if (r < 0) {
			out->differ++;
			fprintf(stderr, "class %zu, profile %zu: %s\n", class, i, e.msg);
		}
	}
}

/* Shared with the process that calls libseccomp. */
struct progress {
	volatile size_t next; /* the profile in work */
	volatile size_t differ, refused;
};

static void lib_worker(size_t class, size_t n, struct progress *g)
{
	const struct class *c = &classes[class];
	struct rlimit memory = { 2ul << 30, 2ul << 30 };

	setrlimit(RLIMIT_AS, &memory);
	for (; g->next < n; g->next++) {
		struct source s = { .state = seed_of(class, g->next) };
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };

		class_profile(c, &s, &p);
		if (lib_filter(&p, 1, &f) < 0 || sp_filter_check(&f, NULL) < 0)
			g->refused++;
		else if (differs(c, &s, &p, &f, LIB_CALLS))
			g->differ++;
	}
	_exit(0);
}

/* True when it ended by itself. */
static bool watch(pid_t pid, const struct progress *g)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	size_t at = g->next;
	int waited = 0;

	for (;;) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		nanosleep(&tick, NULL);
		waited = g->next == at ? waited + 20 : 0;
		at = g->next;
		if (waited < PATIENCE_MS)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return false;
	}
}

/* Calls that do not return, or do not survive, are skipped and counted. */
static size_t theirs(size_t class, size_t n, struct progress *g)
{
	size_t lost = 0;

	while (g->next < n) {
		size_t before = g->next;
		pid_t pid = fork();

		if (pid == 0)
			lib_worker(class, n, g);
		if (pid < 0)
			exit(1);
		watch(pid, g);
		if (g->next < n) {
			lost++;
			g->next = (g->next > before ? g->next : before) + 1;
		}
	}
	return lost;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t all_classes(size_t n)
{
	struct counts total = { 0 };
	double start = seconds();

	printf("\n### boltseal: profile and filter\n\n| rules | profiles | proven | differ |\n"
	       "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		struct counts c = { 0 };

		ours(i, 0, n / ARRAY_SIZE(classes), CALLS, &c);
		printf("| %s | %zu | %zu | %zu |\n", classes[i].name, c.profiles, c.proven,
		       c.differ);
		fflush(stdout);
		total.profiles += c.profiles;
		total.proven += c.proven;
		total.unproven += c.unproven;
		total.differ += c.differ;
		total.insns += c.insns;
	}
	printf("| all | %zu | %zu | %zu |\n\n%.0f s; %zu calls on each, %zu too large for a proof; "
	       "%.1f instructions on average.\n",
	       total.profiles, total.proven, total.differ, seconds() - start, (size_t)CALLS,
	       total.unproven, (double)total.insns / (double)total.profiles);
	return total.differ;
}

static size_t beside_libseccomp(size_t n)
{
	const struct scmp_version *v = seccomp_version();
	size_t wrong = 0;

	printf("\n### The same sets of rules, %d calls on each\n\n"
	       "| rules | profiles | boltseal: differ | libseccomp %u.%u.%u: differ | refused | "
	       "without result |\n| --- | --- | --- | --- | --- | --- |\n",
	       LIB_CALLS, v->major, v->minor, v->micro);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(classes); i++) {
		struct progress *g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		struct counts c = { 0 };
		size_t lost;

		if (g == MAP_FAILED)
			return 1;
		ours(i, 0, n, LIB_CALLS, &c);
		lost = theirs(i, n, g);
		printf("| %s | %zu | %zu | %zu | %zu | %zu |\n", classes[i].name, n, c.differ,
		       g->differ, g->refused, lost);
		fflush(stdout);
		wrong += c.differ;
		munmap(g, sizeof(*g));
	}
	return wrong;
}

static size_t in_the_kernel(size_t n)
{
	struct source s = { .state = 0x11fe11fe };
	bool i386 = has_i386();
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct seccomp_data sd[LIVE_CALLS];
		int status = 0;
		pid_t pid;

		live_profile(&p, &s);
		if (sp_compile(&p, &f, NULL) < 0)
			return n;
		live_calls(&s, &p, sd);
		pid = fork();
		if (pid == 0)
			_exit(live_child(&f, sd, i386));
		if (waitpid(pid, &status, 0) != pid || status != 0)
			wrong++;
	}
	printf("\n### In the running kernel\n\n%zu filters loaded, %d calls made under each%s: %zu "
	       "differ.\n",
	       n, LIVE_CALLS, i386 ? "" : " (none of i386, which this kernel does not serve)",
	       wrong);
	return wrong;
}

static size_t number(int argc, char **argv, int i, size_t fallback)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
	size_t wrong = all_classes(number(argc, argv, 1, 1000000));

	wrong += beside_libseccomp(number(argc, argv, 2, 5000));
	wrong += in_the_kernel(number(argc, argv, 3, 2000));
	return wrong != 0;
}
