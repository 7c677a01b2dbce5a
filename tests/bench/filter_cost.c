/*
 * filter_cost PROFILE.json [ROUNDS]: what a filter costs a system call, and what it costs to make
 * one. PROFILE is Docker's default profile. Every variant runs once in each round, in a process of
 * its own; printed are the fastest batch of all rounds and the median of the rounds' fastest.
 * Prints the tables of docs/BENCHMARKS.md.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libseccomp_filter.h"

enum { BATCH = 500, BATCHES = 400, MAX_ROUNDS = 1000, MAKE_ROUNDS = 100 };

enum maker { NONE, OURS, LIB_LINEAR, LIB_TREE, MAKERS };
static const char *const maker_names[] = { "no filter", "boltseal", "libseccomp, linear",
					   "libseccomp, tree" };

struct variant {
	const char *rule; /* on the measured call */
	enum maker maker;
	bool many; /* three architectures */
	struct sp_filter f;
	double ns[MAX_ROUNDS];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "filter_cost: %s\n", what);
	exit(1);
}

static void load_profile(struct sp_profile *p, const char *path, bool many)
{
	struct sp_host h = { .native = SC_X86_64, .caps = 0xa80425fb, .kernel = { 6, 18, 0 } };
	struct err e = { 0 };

	if (sp_load(p, path, &h, NULL, &e) < 0)
		die(e.msg);
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		p->abi[i] = i == SC_X86_64 || (many && (i == SC_I386 || i == SC_X32));
}

static void make(const struct sp_profile *p, enum maker maker, struct sp_filter *f)
{
	struct err e = { 0 };

	if (maker == OURS && sp_compile(p, f, &e) < 0)
		die(e.msg);
	if (maker > OURS && lib_filter(p, maker == LIB_TREE ? 2 : 1, f) < 0)
		die("libseccomp refuses the profile");
}

/* What is allowed without conditions, and getppid with the rule that is measured. */
static void measured_profile(struct sp_profile *p, const char *path, bool many, bool conditional)
{
	cleanup_sp_profile struct sp_profile base = { 0 };
	const struct sp_ret allow = { SP_ALLOW, 0 };
	struct sp_rule *r;

	load_profile(&base, path, many);
	sp_init(p);
	memcpy(p->abi, base.abi, sizeof(p->abi));
	r = sp_rule_add(p, allow, NULL);
	for (size_t i = 0; i < base.rules_n; i++)
		for (size_t k = 0; k < base.rules[i].names_n && !base.rules[i].conds_n; k++)
			if (base.rules[i].ret.action == SP_ALLOW &&
			    strcmp(base.rules[i].names[k], "getppid"))
				sp_rule_name(p, r, base.rules[i].names[k]);
	r = sp_rule_add(p, allow, NULL);
	sp_rule_name(p, r, "getppid");
	if (conditional)
		sp_rule_cond(r, 0, SP_EQ, 7, 0);
}

/* In a process of its own: the fastest batch, in ns for a call. */
static double fastest(const struct sp_filter *f)
{
	double best = 1e18;

	for (int i = 0; i < BATCHES; i++) {
		double start = now(), took;

		for (int k = 0; k < BATCH; k++)
			syscall(SYS_getppid, 7ul, 0ul, 0ul, 0ul, 0ul, 0ul);
		took = (now() - start) / BATCH;
		best = took < best ? took : best;
	}
	(void)f;
	return best;
}

static double measure(const struct sp_filter *f)
{
	struct sock_fprog prog = { (unsigned short)f->n, f->insn };
	double ns = 0;
	int fd[2];
	pid_t pid;

	if (pipe(fd) < 0)
		die("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (pid == 0) {
		if (f->n && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			     syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				     SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) < 0))
			_exit(1);
		ns = fastest(f);
		_exit(write(fd[1], &ns, sizeof(ns)) != sizeof(ns));
	}
	close(fd[1]);
	if (read(fd[0], &ns, sizeof(ns)) != sizeof(ns))
		die("the measured process failed");
	close(fd[0]);
	waitpid(pid, NULL, 0);
	return ns;
}

static int double_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void calls(const char *path, size_t rounds)
{
	static struct variant v[1 + 2 * 2 * 3];
	size_t n = 1;

	v[0].rule = "";
	for (int many = 0; many < 2; many++) {
		for (int conditional = 0; conditional < 2; conditional++) {
			for (enum maker m = OURS; m < MAKERS; m++) {
				cleanup_sp_profile struct sp_profile p;

				v[n].rule = conditional ? "argument checked" : "allowed";
				v[n].maker = m;
				v[n].many = many;
				measured_profile(&p, path, many, conditional);
				make(&p, m, &v[n++].f);
			}
		}
	}
	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < n; i++)
			v[i].ns[r] = measure(&v[i].f);
	printf("\n### ns for a getppid, %zu rounds\n\n"
	       "| getppid is | architectures | filter | instructions | minimum | median |\n"
	       "| --- | --- | --- | --- | --- | --- |\n",
	       rounds);
	for (size_t i = 0; i < n; i++) {
		qsort(v[i].ns, rounds, sizeof(double), double_cmp);
		printf("| %s | %s | %s | %zu | %.1f | %.1f |\n", v[i].rule,
		       !i	   ? ""
		       : v[i].many ? "3"
				   : "1",
		       maker_names[v[i].maker], v[i].f.n, v[i].ns[0], v[i].ns[rounds / 2]);
		sp_filter_free(&v[i].f);
	}
}

static double timed(const struct sp_profile *p, enum maker maker, bool prove)
{
	cleanup_sp_filter struct sp_filter f = { 0 };
	double start = now();
	struct err e = { 0 };

	if (prove && sp_compile_proven(p, NULL, &f, &e) != 0)
		die(e.msg);
	if (!prove)
		make(p, maker, &f);
	return (now() - start) / 1e6;
}

static void making(const char *path)
{
	static const struct {
		const char *name;
		enum maker maker;
		bool prove;
	} ways[] = {
		{ "boltseal: compile", OURS, false },
		{ "boltseal: check, compile, prove", OURS, true },
		{ "libseccomp, linear", LIB_LINEAR, false },
		{ "libseccomp, tree", LIB_TREE, false },
	};
	static double ms[2][ARRAY_SIZE(ways)][MAKE_ROUNDS];

	printf("\n### ms to make the filter of the profile, %d rounds\n\n"
	       "| | 1 architecture: minimum | median | 3 architectures: minimum | median |\n"
	       "| --- | --- | --- | --- | --- |\n",
	       MAKE_ROUNDS);
	for (int many = 0; many < 2; many++) {
		cleanup_sp_profile struct sp_profile p = { 0 };

		load_profile(&p, path, many);
		for (size_t r = 0; r < MAKE_ROUNDS; r++)
			for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
				ms[many][i][r] = timed(&p, ways[i].maker, ways[i].prove);
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
			qsort(ms[many][i], MAKE_ROUNDS, sizeof(double), double_cmp);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		printf("| %s | %.3f | %.3f | %.3f | %.3f |\n", ways[i].name, ms[0][i][0],
		       ms[0][i][MAKE_ROUNDS / 2], ms[1][i][0], ms[1][i][MAKE_ROUNDS / 2]);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 20;
	cpu_set_t one;

	if (argc < 2)
		die("expected Docker's default profile");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	calls(argv[1], rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds);
	making(argv[1]);
	return 0;
}
