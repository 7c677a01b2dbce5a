/* Reading the filters of a process that runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/process_filters.h"

enum { ERRNO_OLD = 900, ERRNO_NEW = 901 };

static volatile sig_atomic_t usr1;

static void on_usr1(int sig)
{
	(void)sig;
	usr1++;
}

/* getppid answers `code`. */
static int load(int code)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(insn) / sizeof(*insn), insn };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

struct child {
	pid_t pid;
	int ask,
		answer; /* a byte to `ask`: the child answers with the errno of getppid, SIGUSR1s */
};

static void child_main(int in, int out, int filters)
{
	char c;

	signal(SIGUSR1, on_usr1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if ((filters > 0 && load(ERRNO_OLD) < 0) || (filters > 1 && load(ERRNO_NEW) < 0))
		_exit(1);
	for (;;) {
		int32_t v[2] = { 0 };

		if (read(in, &c, 1) != 1) {
			if (errno == EINTR)
				continue;
			_exit(0);
		}
		v[0] = syscall(SYS_getppid) < 0 ? errno : 0;
		v[1] = usr1;
		if (write(out, v, sizeof(v)) != sizeof(v))
			_exit(2);
	}
}

static void child_start(struct child *c, int filters)
{
	int to[2], from[2];

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		close(to[1]);
		close(from[0]);
		child_main(to[0], from[1], filters);
	}
	close(to[0]);
	close(from[1]);
	c->ask = to[1];
	c->answer = from[0];
}

static void child_ask(const struct child *c, int32_t v[2])
{
	assert_int_equal(write(c->ask, "", 1), 1);
	assert_int_equal(read(c->answer, v, 2 * sizeof(*v)), 2 * sizeof(*v));
}

static void child_end(struct child *c)
{
	int status;

	close(c->ask);
	close(c->answer);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A right that this test lacks is no failure. */
static void read_ok(pid_t pid, struct process_filters *f)
{
	struct err e = { 0 };
	int r = process_filters_read(pid, f, &e);

	if (r == -EACCES || r == -EOPNOTSUPP) {
		print_message("skipped: %s\n", e.msg);
		skip();
	}
	if (r < 0)
		fail_msg("%s", e.msg);
}

static void newest_comes_first(void **state)
{
	cleanup_process_filters struct process_filters f = { 0 };
	struct child c;
	int32_t v[2];

	(void)state;
	child_start(&c, 2);
	child_ask(&c, v); /* now its filters are loaded */
	assert_int_equal(v[0], ERRNO_NEW);
	read_ok(c.pid, &f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.filter[0].n, 4);
	assert_int_equal(f.filter[0].insn[2].k, SECCOMP_RET_ERRNO | ERRNO_NEW);
	assert_int_equal(f.filter[1].insn[2].k, SECCOMP_RET_ERRNO | ERRNO_OLD);
	child_ask(&c, v);
	assert_int_equal(v[0], ERRNO_NEW);
	child_end(&c);
}

static void none_is_none(void **state)
{
	cleanup_process_filters struct process_filters f = { 0 };
	struct child c;
	int32_t v[2];

	(void)state;
	child_start(&c, 0);
	read_ok(c.pid, &f);
	assert_int_equal(f.n, 0);
	child_ask(&c, v);
	assert_int_equal(v[0], 0);
	child_end(&c);
}

/* Signals that arrive while it is read are not lost, and a stopped process stays stopped. */
static void process_runs_on(void **state)
{
	struct child c;
	int32_t v[2];
	int status;

	(void)state;
	child_start(&c, 1);
	child_ask(&c, v);
	for (int i = 1; i <= 200; i++) {
		cleanup_process_filters struct process_filters f = { 0 };

		assert_int_equal(kill(c.pid, SIGUSR1), 0);
		read_ok(c.pid, &f);
		assert_int_equal(f.n, 1);
		child_ask(&c, v);
		assert_int_equal(v[0], ERRNO_OLD);
		assert_int_equal(v[1], i);
	}
	assert_int_equal(kill(c.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	for (int i = 0; i < 2; i++) {
		cleanup_process_filters struct process_filters f = { 0 };

		read_ok(c.pid, &f);
		assert_int_equal(f.n, 1);
	}
	assert_int_equal(kill(c.pid, SIGCONT), 0);
	child_ask(&c, v);
	child_end(&c);
}

static void refusals_say_why(void **state)
{
	struct process_filters f;
	struct err e = { 0 };
	struct child c;
	int32_t v[2];
	pid_t tracer;
	int status;

	(void)state;
	assert_int_equal(process_filters_read(0x7ffffff0, &f, &e), -ESRCH);
	assert_non_null(strstr(e.msg, "no such thread"));
	child_start(&c, 1);
	child_ask(&c, v);
	assert_int_equal(ptrace(PTRACE_SEIZE, c.pid, NULL, NULL), 0);
	tracer = fork();
	if (tracer == 0)
		_exit(process_filters_read(c.pid, &f, &e) == -EACCES &&
				      strstr(e.msg, "something else")
			      ? 0
			      : 1);
	assert_int_equal(waitpid(tracer, &status, 0), tracer);
	assert_int_equal(status, 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, c.pid, NULL, NULL), 0);
	assert_int_equal(waitpid(c.pid, &status, __WALL), c.pid);
	assert_int_equal(ptrace(PTRACE_DETACH, c.pid, NULL, NULL), 0);
	child_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_comes_first),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(process_runs_on),
		cmocka_unit_test(refusals_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
