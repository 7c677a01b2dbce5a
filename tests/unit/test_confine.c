/* src/confine: filters, Landlock plans, capabilities, the child and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "confine/confine.h"
#include "confine/landlock.h"
#include "confine/notify.h"

extern char **environ;

static char *dir; /* of this run */

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
	cleanup_free char *path = in_dir(name);
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static int set_up(void **state)
{
	char template[] = "/tmp/boltseal-confine-XXXXXX";

	(void)state;
	if (!mkdtemp(template) || chmod(template, 0755) < 0)
		return -1;
	dir = xstrdup(template);
	return 0;
}

static int tear_down(void **state)
{
	cleanup_free char *command = xasprintf("rm -rf '%s'", dir);

	(void)state;
	free(take_ptr(dir));
	return system(command) == 0 ? 0 : -1;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* ---- filters ---- */

static void test_complain_replaces_denials_only(void **state)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 13),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 7),
	};
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_complain(f, ARRAY_SIZE(f), &e), 0);
	assert_int_equal(f[0].k, 0);
	assert_int_equal(f[1].k, SECCOMP_RET_ALLOW);
	assert_int_equal(f[2].k, SECCOMP_RET_LOG);
	for (size_t i = 3; i < ARRAY_SIZE(f); i++)
		assert_int_equal(f[i].k, SECCOMP_RET_USER_NOTIF);
}

static void test_complain_refuses_computed_values(void **state)
{
	struct sock_filter f[] = { BPF_STMT(BPF_RET | BPF_A, 0) };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_complain(f, 1, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "instruction 0"));
}

static void test_load_refuses_bad_sizes(void **state)
{
	(void)state;
	assert_int_equal(seccomp_load(NULL, 0, 0), -EINVAL);
	assert_int_equal(seccomp_load(NULL, BPF_MAXINSNS + 1, 0), -EINVAL);
}

/* ---- finding the program ---- */

static void test_resolve(void **state)
{
	cleanup_free char *good = in_dir("bin/good"), *plain = in_dir("bin/plain");
	cleanup_free char *bin = in_dir("bin"), *search = xasprintf("/nonexistent:%s", bin);
	cleanup_free char *found = NULL, *direct = NULL;
	char *none = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(bin, 0755), 0);
	make_file("bin/good", "#!/bin/sh\n", 0755);
	make_file("bin/plain", "x", 0644);
	assert_int_equal(confine_resolve("good", search, &found, &e), 0);
	assert_string_equal(found, good);
	assert_int_equal(confine_resolve(good, "", &direct, &e), 0);
	assert_string_equal(direct, good);
	assert_int_equal(confine_resolve("plain", search, &none, &e), -EACCES);
	assert_non_null(strstr(e.msg, plain));
	assert_int_equal(confine_resolve("absent", search, &none, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "absent: command not found"));
	assert_int_equal(confine_resolve("", search, &none, &e), -ENOENT);
	assert_int_equal(confine_resolve(bin, search, &none, &e), -EISDIR);
	assert_null(none);
}

/* ---- running ---- */

/* Runs `sh -c script` as `c` says. The result of confine_start or confine_wait. */
static int run_script(struct confine *c, const char *script, struct notify *n,
		      struct confine_end *end, struct err *e)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	cleanup_confine_child struct confine_child ch = { 0 };
	int r;

	c->path = c->path ? c->path : "/bin/sh";
	c->argv = argv;
	c->envp = environ;
	r = confine_start(c, &ch, e);
	return r < 0 ? r : confine_wait(&ch, n, end, e);
}

static void test_exit_status_and_signal(void **state)
{
	struct confine c = { .ruleset = -1, .no_new_privs = true };
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(run_script(&c, "exit 42", NULL, &end, &e), 0);
	assert_false(end.killed);
	assert_int_equal(end.value, 42);
	assert_int_equal(run_script(&c, "kill -USR1 $$", NULL, &end, &e), 0);
	assert_true(end.killed);
	assert_int_equal(end.value, SIGUSR1);
}

static void test_mask_and_descriptors_are_restored(void **state)
{
	struct confine c = { .ruleset = -1, .no_new_privs = true };
	int before = dup(STDIN_FILENO), after;
	struct confine_end end;
	sigset_t old, now;
	struct err e = { 0 };

	(void)state;
	close(before);
	sigprocmask(SIG_SETMASK, NULL, &old);
	assert_int_equal(run_script(&c, "exit 0", NULL, &end, &e), 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	for (int sig = 1; sig < 32; sig++)
		assert_int_equal(sigismember(&old, sig), sigismember(&now, sig));
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(before, after);
}

static void test_the_program_has_no_foreign_descriptors(void **state)
{
	struct confine c = { .ruleset = -1, .no_new_privs = true };
	cleanup_free char *out = in_dir("fds"), *script = NULL;
	struct confine_end end;
	char text[512] = "";
	struct err e = { 0 };

	(void)state;
	script = xasprintf("for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && "
			   "readlink /proc/$$/fd/$f; done >%s; exit 0",
			   out);
	assert_int_equal(run_script(&c, script, NULL, &end, &e), 0);
	assert_int_equal(io_read_small(out, text, sizeof(text)), 0);
	assert_null(strstr(text, "signalfd"));
	assert_null(strstr(text, "seccomp"));
}

static void test_exec_errors_are_told(void **state)
{
	cleanup_free char *broken = in_dir("broken"), *orphan = in_dir("orphan");
	struct confine c = { .ruleset = -1, .no_new_privs = true, .path = broken };
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	make_file("broken", "no program\n", 0755);
	make_file("orphan", "#!/nonexistent/interpreter\n", 0755);
	assert_int_equal(run_script(&c, "", NULL, &end, &e), -ENOEXEC);
	assert_non_null(strstr(e.msg, broken));
	c.path = orphan;
	assert_int_equal(run_script(&c, "", NULL, &end, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "interpreter"));
	c.path = "/nonexistent/program";
	assert_int_equal(run_script(&c, "", NULL, &end, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent/program"));
}

/* Returns `action` for every call, the child's exit included. */
static void everything(struct sock_filter f[1], uint32_t action)
{
	f[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

static void test_a_refused_exec_is_told_without_any_call(void **state)
{
	struct sock_filter f[1];
	struct confine c = { .ruleset = -1, .no_new_privs = true, .filter = f, .filter_n = 1 };
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	everything(f, SECCOMP_RET_ERRNO | ENOTTY);
	assert_int_equal(run_script(&c, "exit 0", NULL, &end, &e), -ENOTTY);
	assert_non_null(strstr(e.msg, "/bin/sh: cannot execute"));
}

static void test_a_filter_the_kernel_refuses(void **state)
{
	struct sock_filter f[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096),
				   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct confine c = {
		.ruleset = -1, .no_new_privs = true, .filter = f, .filter_n = ARRAY_SIZE(f)
	};
	cleanup_free char *mark = in_dir("mark"), *script = xasprintf("touch %s", mark);
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(run_script(&c, script, NULL, &end, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "loading the seccomp filter"));
	assert_int_equal(access(mark, F_OK), -1);
}

/* Calls with number `nr` (native) get `action`. */
static void only(struct sock_filter f[4], uint32_t nr, uint32_t action)
{
	f[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, nr));
	f[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	f[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	f[3] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void test_killed_by_the_filter(void **state)
{
	struct sock_filter f[4];
	struct confine c = { .ruleset = -1, .no_new_privs = true, .filter = f, .filter_n = 4 };
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	only(f, SYS_umask, SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run_script(&c, "umask; exit 0", NULL, &end, &e), 0);
	assert_true(end.killed);
	assert_int_equal(end.value, SIGSYS);
}

static void test_the_log_names_the_call(void **state)
{
	cleanup_close int log = killed_watch();
	struct sock_filter f[4];
	uint32_t arch = 0, nr = 0;
	int status;
	pid_t pid;

	(void)state;
	if (log < 0)
		skip();
	only(f, SYS_umask, SECCOMP_RET_KILL_PROCESS);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && seccomp_load(f, 4, 0) == 0)
			syscall(SYS_umask, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	if (!killed_find(log, pid, &arch, &nr))
		skip(); /* an audit daemon took it, or this is not the initial pid namespace */
	assert_int_equal(nr, SYS_umask);
	assert_int_not_equal(arch, 0);
	assert_false(killed_find(log, pid, &arch, &nr));
}

static void test_signals_are_handed_on(void **state)
{
	struct confine c = {
		.path = "/bin/sleep", .envp = environ, .ruleset = -1, .no_new_privs = true
	};
	char *argv[] = { (char *)"sleep", (char *)"60", NULL };
	cleanup_confine_child struct confine_child ch = { 0 };
	struct confine_end end;
	struct err e = { 0 };

	(void)state;
	c.argv = argv;
	assert_int_equal(confine_start(&c, &ch, &e), 0);
	raise(SIGTERM);
	assert_int_equal(confine_wait(&ch, NULL, &end, &e), 0);
	assert_true(end.killed);
	assert_int_equal(end.value, SIGTERM);
}

/* ---- user and capabilities ---- */

/* The value of a line of /proc/PID/status that a script wrote. */
static uint64_t status_bits(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	assert_non_null(at);
	return strtoull(at + strlen(key), NULL, 16);
}

static void run_for_status(struct confine *c, char *text, size_t size)
{
	cleanup_free char *out = in_dir("status");
	cleanup_free char *script = xasprintf("cat /proc/self/status >%s", out);
	struct confine_end end;
	struct err e = { 0 };

	make_file("status", "", 0666);
	if (run_script(c, script, NULL, &end, &e) < 0)
		fail_msg("%s", e.msg);
	assert_false(end.killed);
	assert_int_equal(end.value, 0);
	assert_int_equal(io_read_small(out, text, size), 0);
}

#define BIT(nr) (1ull << (nr))

static void test_capabilities_of_user_0(void **state)
{
	const uint64_t set = BIT(CAP_CHOWN) | BIT(CAP_NET_BIND_SERVICE);
	struct confine c = { .ruleset = -1, .set_caps = true, .caps = set };
	char text[4096];

	(void)state;
	need_root();
	for (int nnp = 0; nnp < 2; nnp++) {
		c.no_new_privs = nnp;
		run_for_status(&c, text, sizeof(text));
		assert_int_equal(status_bits(text, "CapBnd:"), set);
		assert_int_equal(status_bits(text, "CapPrm:"), set);
		assert_int_equal(status_bits(text, "CapEff:"), set);
		assert_int_equal(status_bits(text, "CapInh:"), 0);
		assert_int_equal(status_bits(text, "CapAmb:"), 0);
		assert_int_equal(status_bits(text, "NoNewPrivs:"), nnp);
	}
}

static void test_capabilities_of_another_user(void **state)
{
	const uint64_t set = BIT(CAP_NET_BIND_SERVICE);
	const gid_t groups[] = { 4321, 4322 };
	struct sock_filter f[4];
	struct confine c = { .ruleset = -1,
			     .set_caps = true,
			     .caps = set,
			     .set_user = true,
			     .uid = 4711,
			     .gid = 4321,
			     .groups = groups,
			     .groups_n = 2,
			     .filter = f,
			     .filter_n = 4 };
	char text[4096];

	(void)state;
	need_root();
	only(f, SYS_umask, SECCOMP_RET_ERRNO | EPERM);
	for (int nnp = 0; nnp < 2; nnp++) {
		/* Without no_new_privs CAP_SYS_ADMIN loads the filter; the program must not have
		 * it. */
		c.no_new_privs = nnp;
		run_for_status(&c, text, sizeof(text));
		assert_int_equal(status_bits(text, "CapBnd:"), set);
		assert_int_equal(status_bits(text, "CapPrm:"), set);
		assert_int_equal(status_bits(text, "CapEff:"), set);
		assert_int_equal(status_bits(text, "CapAmb:"), set);
		assert_int_equal(status_bits(text, "NoNewPrivs:"), nnp);
		assert_int_equal(status_bits(text, "Seccomp:"), 2);
		assert_non_null(strstr(text, "Uid:\t4711\t4711\t4711\t4711\n"));
		assert_non_null(strstr(text, "Gid:\t4321\t4321\t4321\t4321\n"));
		assert_non_null(strstr(text, "Groups:\t4321 4322"));
	}
}

static void test_a_change_of_user_alone_leaves_nothing(void **state)
{
	const gid_t group = 4321;
	struct sock_filter f[4];
	struct confine c = { .ruleset = -1,
			     .set_user = true,
			     .uid = 4711,
			     .gid = 4321,
			     .groups = &group,
			     .groups_n = 1,
			     .filter = f,
			     .filter_n = 4 };
	char text[4096];

	(void)state;
	need_root();
	only(f, SYS_umask, SECCOMP_RET_ERRNO | EPERM);
	run_for_status(&c, text, sizeof(text));
	assert_int_equal(status_bits(text, "CapPrm:"), 0);
	assert_int_equal(status_bits(text, "CapEff:"), 0);
	assert_int_equal(status_bits(text, "CapAmb:"), 0);
	assert_int_equal(status_bits(text, "NoNewPrivs:"), 0);
}

/* In a child that has given up everything: what confine_start says. */
static void test_what_is_missing_is_named(void **state)
{
	struct sock_filter f[4];
	int status;
	pid_t pid;

	(void)state;
	only(f, SYS_umask, SECCOMP_RET_ERRNO | EPERM);
	pid = fork();
	if (pid == 0) {
		struct confine drop = { .ruleset = -1, .set_caps = true, .no_new_privs = true };
		struct confine want = { .ruleset = -1,
					.set_caps = true,
					.caps = BIT(CAP_CHOWN),
					.no_new_privs = true };
		struct confine privileged = { .ruleset = -1, .filter = f, .filter_n = 4 };
		struct err e = { 0 };

		if (capabilities_limit(&drop) < 0 || capabilities_set(&drop) < 0)
			_exit(1);
		if (capabilities_check(&want, &e) != -EPERM || !strstr(e.msg, "CAP_CHOWN"))
			_exit(2);
		if (capabilities_check(&privileged, &e) != -EPERM ||
		    !strstr(e.msg, "CAP_SYS_ADMIN"))
			_exit(3);
		_exit(capabilities_check(&drop, &e) < 0 ? 4 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- complaining ---- */

static uint32_t always_eperm(void *ctx, const struct seccomp_data *sd)
{
	(void)ctx;
	(void)sd;
	return SECCOMP_RET_ERRNO | EPERM;
}

static void test_denied_calls_are_made_and_counted(void **state)
{
	struct sock_filter f[4];
	struct confine c = {
		.ruleset = -1, .no_new_privs = true, .filter = f, .filter_n = 4, .listener = true
	};
	const char *script = "kill -0 $$; kill -0 $$; kill -CONT $$; "
			     "(sleep 0.3; kill -0 $PPID) & exit 5";
	cleanup_notify struct notify n = { 0 };
	struct confine_end end;
	struct err e = { 0 };
	const struct notify_entry *entry;

	(void)state;
	if (notify_init(&n, always_eperm, NULL, &e) < 0)
		skip();
	only(f, SYS_kill, SECCOMP_RET_USER_NOTIF);
	if (run_script(&c, script, &n, &end, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(end.value, 5);
	assert_false(end.unattended);
	assert_int_equal(n.entries_n, 1);
	entry = &n.entries[0];
	assert_int_equal(entry->nr, SYS_kill);
	assert_int_equal(entry->action, SECCOMP_RET_ERRNO | EPERM);
	/* The last one is of a process that outlives the command. */
	assert_int_equal(entry->count, 4);
	assert_int_equal(entry->samples_n, 3);
	assert_int_equal(entry->sample[0].value[0], entry->pid);
	assert_int_equal(entry->sample[0].value[1], 0);
	assert_int_equal(entry->sample[0].count, 2);
	assert_int_equal(entry->sample[1].value[1], SIGCONT);
	assert_int_equal(entry->sample[2].value[0], getpid());
	assert_string_equal(entry->comm, "sh");
	assert_non_null(strstr(entry->program, "/bin/"));
	assert_int_equal(n.lost, 0);
}

static void test_the_table_is_bounded(void **state)
{
	cleanup_notify struct notify n = { .decide = always_eperm };
	struct seccomp_data sd = { .nr = SYS_socket, .arch = sc_abi_audit_arch(sc_abi_native()) };

	(void)state;
	for (unsigned i = 0; i < NOTIFY_MAX_SAMPLES + 3; i++) {
		sd.args[0] = i;
		notify_record(&n, &sd, 1, "p", "/p");
	}
	assert_int_equal(n.entries_n, 1);
	assert_int_equal(n.entries[0].count, NOTIFY_MAX_SAMPLES + 3);
	assert_int_equal(n.entries[0].samples_n, NOTIFY_MAX_SAMPLES);
	assert_int_equal(n.entries[0].other_samples, 3);
	for (int i = 0; i < NOTIFY_MAX_ENTRIES; i++) {
		char program[32];

		snprintf(program, sizeof(program), "/q%d", i);
		notify_record(&n, &sd, 1, "q", program);
	}
	assert_int_equal(n.entries_n, NOTIFY_MAX_ENTRIES);
	assert_int_equal(n.lost, 1);
	assert_string_equal(n.entries[1].program, "/q0");
}

static void test_values_are_kept_without_noise(void **state)
{
	cleanup_notify struct notify n = { .decide = always_eperm };
	/* write(fd, buffer, count): high bits of an int and the pointer do not count. */
	struct seccomp_data sd = { .nr = 1,
				   .arch = sc_abi_audit_arch(SC_X86_64),
				   .args = { 0xffffffff00000002, 0x7fff12345678, 5, 99 } };

	(void)state;
	notify_record(&n, &sd, 1, "p", "/p");
	assert_int_equal(n.entries[0].sample[0].value[0], 2);
	assert_int_equal(n.entries[0].sample[0].value[1], 0);
	assert_int_equal(n.entries[0].sample[0].value[2], 5);
	assert_int_equal(n.entries[0].sample[0].value[3], 0);
}

static void test_abi_of_a_call(void **state)
{
	uint32_t nr = SC_X32_BIT | 5;

	(void)state;
	assert_int_equal(notify_abi(sc_abi_audit_arch(SC_X86_64), &nr), SC_X32);
	assert_int_equal(nr, 5);
	assert_int_equal(notify_abi(sc_abi_audit_arch(SC_X86_64), &nr), SC_X86_64);
	assert_int_equal(notify_abi(sc_abi_audit_arch(SC_I386), &nr), SC_I386);
	assert_int_equal(notify_abi(sc_abi_audit_arch(SC_AARCH64), &nr), SC_AARCH64);
	assert_int_equal(notify_abi(12345, &nr), -1);
}

/* ---- Landlock ---- */

#define ALL_PHASES WL_PROGRAM_PHASES

static void add_file(struct workload *w, const char *path, bool pattern, uint32_t access)
{
	struct wl_file *f = wl_file_add(w, path, pattern, access);

	assert_non_null(f);
	wl_prov_add(&f->prov, WL_PHASE_BIT(WL_START), -1, -1);
}

static void add_net(struct workload *w, enum wl_net_op op, uint16_t family, uint16_t type,
		    const char *address, uint16_t port)
{
	struct wl_net *n = wl_net_add(w, op, family, type, 0, address, port);

	wl_prov_add(&n->prov, WL_PHASE_BIT(WL_SERVING), -1, -1);
}

static uint64_t rights_at(const struct landlock_plan *p, const char *path)
{
	for (size_t i = 0; i < p->rules_n; i++)
		if (!strcmp(p->rules[i].path, path))
			return p->rules[i].rights;
	return 0;
}

static uint64_t rights_at_port(const struct landlock_plan *p, uint16_t port)
{
	for (size_t i = 0; i < p->ports_n; i++)
		if (p->ports[i].port == port)
			return p->ports[i].rights;
	return 0;
}

static void test_plan_of_files(void **state)
{
	cleanup_free char *have = in_dir("have"), *made = in_dir("made"), *gone = in_dir("gone");
	cleanup_free char *logs = in_dir("logs/"), *pattern = in_dir("logs/*.log");
	cleanup_free char *logs_dir = in_dir("logs"), *odd = in_dir("a\\*b/**");
	cleanup_free char *odd_dir = in_dir("a*b"), *odd_beneath = in_dir("a*b/");
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_workload struct workload w;

	(void)state;
	make_file("have", "x", 0644);
	assert_int_equal(mkdir(logs_dir, 0755), 0);
	assert_int_equal(mkdir(odd_dir, 0755), 0);
	wl_init(&w);
	add_file(&w, have, false, WL_F_READ);
	add_file(&w, made, false, WL_F_WRITE | WL_F_CREATE);
	add_file(&w, gone, false, WL_F_READ);
	add_file(&w, logs, false, WL_F_READ);
	add_file(&w, pattern, true, WL_F_APPEND | WL_F_DELETE);
	add_file(&w, odd, true, WL_F_READ);
	add_file(&w, "/dev/null", false, WL_F_WRITE);
	add_file(&w, "/etc/hosts", false, WL_F_MISSING);
	landlock_plan_model(&p, &w, ALL_PHASES, LANDLOCK_ABI_MAX, -1);
	assert_int_equal(rights_at(&p, have), LANDLOCK_ACCESS_FS_READ_FILE);
	assert_int_equal(rights_at(&p, gone), 0);
	assert_int_equal(rights_at(&p, "/etc/hosts"), 0);
	assert_int_equal(rights_at(&p, logs), /* of the directory and of the pattern */
			 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
				 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER);
	assert_int_equal(rights_at(&p, dir),
			 LANDLOCK_ACCESS_FS_WRITE_FILE | LL_FS_TRUNCATE |
				 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
				 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
				 LANDLOCK_ACCESS_FS_REFER);
	assert_int_equal(rights_at(&p, "/dev/null"),
			 LANDLOCK_ACCESS_FS_WRITE_FILE | LL_FS_TRUNCATE | LL_FS_IOCTL_DEV);
	assert_int_equal(rights_at(&p, odd_beneath), LANDLOCK_ACCESS_FS_READ_FILE);
	assert_int_equal(p.widened, 3);
	assert_non_null(strstr(buf_str(&p.notes), "gone: does not exist; left out"));
}

static void test_plan_knows_the_kernel(void **state)
{
	static const struct {
		int abi;
		uint64_t fs, net, scoped;
	} kernels[] = {
		{ 1, (1u << 13) - 1, 0, 0 },
		{ 2, (1u << 14) - 1, 0, 0 },
		{ 3, (1u << 15) - 1, 0, 0 },
		{ 4, (1u << 15) - 1, 3, 0 },
		{ 5, (1u << 16) - 1, 3, 0 },
		{ 6, (1u << 16) - 1, 3, LL_SCOPE_ABSTRACT },
		{ 7, (1u << 16) - 1, 3, LL_SCOPE_ABSTRACT },
		{ 99, (1u << 16) - 1, 3, LL_SCOPE_ABSTRACT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
		cleanup_landlock_plan struct landlock_plan p = { 0 };
		cleanup_workload struct workload w;

		wl_init(&w);
		add_file(&w, "/dev/null", false, WL_F_WRITE);
		landlock_plan_model(&p, &w, ALL_PHASES, kernels[i].abi, -1);
		assert_int_equal(p.handled_fs, kernels[i].fs);
		assert_int_equal(p.handled_net, kernels[i].net);
		assert_int_equal(p.scoped, kernels[i].scoped);
		assert_int_equal(rights_at(&p, "/dev/null") & ~kernels[i].fs, 0);
	}
}

static void test_plan_of_ports(void **state)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 }, any = { 0 };
	cleanup_workload struct workload w;

	(void)state;
	wl_init(&w);
	add_net(&w, WL_NET_LISTEN, AF_INET6, SOCK_STREAM, "::", 8080);
	add_net(&w, WL_NET_CONNECT, AF_INET, SOCK_STREAM, "10.0.0.1", 5432);
	add_net(&w, WL_NET_CONNECT, AF_INET, SOCK_DGRAM, "10.0.0.1", 53);
	add_net(&w, WL_NET_CONNECT, AF_UNIX, SOCK_STREAM, "/run/x", 0);
	landlock_plan_model(&p, &w, ALL_PHASES, 7, -1);
	assert_int_equal(p.ports_n, 2);
	assert_int_equal(rights_at_port(&p, 8080), LL_NET_BIND);
	assert_int_equal(rights_at_port(&p, 5432), LL_NET_CONNECT);
	assert_int_equal(p.handled_net, LL_NET_BIND | LL_NET_CONNECT);
	assert_int_equal(p.scoped, LL_SCOPE_ABSTRACT);
	add_net(&w, WL_NET_CONNECT, AF_INET, SOCK_STREAM, "", 0);
	add_net(&w, WL_NET_CONNECT, AF_UNIX, SOCK_STREAM, "@bus", 0);
	landlock_plan_model(&any, &w, ALL_PHASES, 7, -1);
	assert_int_equal(any.handled_net, LL_NET_BIND);
	assert_int_equal(any.scoped, 0);
}

static void test_plan_leaves_other_phases_out(void **state)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_workload struct workload w;
	struct wl_file *f;

	(void)state;
	wl_init(&w);
	f = wl_file_add(&w, "/etc/passwd", false, WL_F_READ);
	wl_prov_add(&f->prov, WL_PHASE_BIT(WL_RUNTIME), -1, -1);
	landlock_plan_model(&p, &w, ALL_PHASES, 7, -1);
	assert_int_equal(p.rules_n, 0);
}

static void test_programs_and_interpreters_may_execute(void **state)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_workload struct workload w;
	int index;

	(void)state;
	wl_init(&w);
	index = wl_program_add(&w, "/bin/sh");
	assert_true(index >= 0);
	w.programs[index].interpreter = wl_string(&w, "/etc/passwd"); /* any file that exists */
	landlock_plan_model(&p, &w, ALL_PHASES, 7, -1);
	assert_int_equal(rights_at(&p, "/bin/sh"),
			 LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE);
	assert_int_equal(rights_at(&p, "/etc/passwd"),
			 LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE);
}

static void test_landlock_restricts(void **state)
{
	cleanup_free char *in = in_dir("inside"), *out = in_dir("outside"), *new = in_dir("new/f");
	cleanup_free char *new_dir = in_dir("new");
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_workload struct workload w;
	cleanup_close int ruleset = -1;
	int abi = landlock_abi(), status;
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	if (abi < 0)
		skip();
	make_file("inside", "x", 0644);
	make_file("outside", "x", 0644);
	assert_int_equal(mkdir(new_dir, 0755), 0);
	wl_init(&w);
	add_file(&w, in, false, WL_F_READ);
	add_file(&w, new, false, WL_F_WRITE | WL_F_CREATE);
	landlock_plan_model(&p, &w, ALL_PHASES, abi, -1);
	ruleset = landlock_ruleset(&p, &e);
	if (ruleset < 0)
		fail_msg("%s", e.msg);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_restrict(ruleset) < 0)
			_exit(1);
		if (open(in, O_RDONLY) < 0)
			_exit(2);
		if (open(in, O_WRONLY) >= 0 || errno != EACCES)
			_exit(3);
		if (open(out, O_RDONLY) >= 0 || errno != EACCES)
			_exit(4);
		if (open(new, O_WRONLY | O_CREAT, 0600) < 0)
			_exit(5);
		_exit(unlink(new) == 0 || errno != EACCES ? 6 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* errno of binding a TCP socket to the port on the loopback, 0 when it was bound. */
static int bind_error(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
}

static void test_landlock_restricts_ports(void **state)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_workload struct workload w;
	cleanup_close int ruleset = -1;
	int abi = landlock_abi(), status;
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	if (abi < 4)
		skip();
	wl_init(&w);
	add_net(&w, WL_NET_BIND, AF_INET, SOCK_STREAM, "127.0.0.1", 0);
	add_net(&w, WL_NET_BIND, AF_INET, SOCK_STREAM, "127.0.0.1", 18097);
	landlock_plan_model(&p, &w, ALL_PHASES, abi, -1);
	ruleset = landlock_ruleset(&p, &e);
	if (ruleset < 0)
		fail_msg("%s", e.msg);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_restrict(ruleset) < 0)
			_exit(1);
		if (bind_error(0) == EACCES || bind_error(18097) == EACCES)
			_exit(2);
		_exit(bind_error(18096) == EACCES ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complain_replaces_denials_only),
		cmocka_unit_test(test_complain_refuses_computed_values),
		cmocka_unit_test(test_load_refuses_bad_sizes),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_exit_status_and_signal),
		cmocka_unit_test(test_mask_and_descriptors_are_restored),
		cmocka_unit_test(test_the_program_has_no_foreign_descriptors),
		cmocka_unit_test(test_exec_errors_are_told),
		cmocka_unit_test(test_a_refused_exec_is_told_without_any_call),
		cmocka_unit_test(test_a_filter_the_kernel_refuses),
		cmocka_unit_test(test_killed_by_the_filter),
		cmocka_unit_test(test_the_log_names_the_call),
		cmocka_unit_test(test_signals_are_handed_on),
		cmocka_unit_test(test_capabilities_of_user_0),
		cmocka_unit_test(test_capabilities_of_another_user),
		cmocka_unit_test(test_a_change_of_user_alone_leaves_nothing),
		cmocka_unit_test(test_what_is_missing_is_named),
		cmocka_unit_test(test_denied_calls_are_made_and_counted),
		cmocka_unit_test(test_the_table_is_bounded),
		cmocka_unit_test(test_values_are_kept_without_noise),
		cmocka_unit_test(test_abi_of_a_call),
		cmocka_unit_test(test_plan_of_files),
		cmocka_unit_test(test_plan_knows_the_kernel),
		cmocka_unit_test(test_plan_of_ports),
		cmocka_unit_test(test_plan_leaves_other_phases_out),
		cmocka_unit_test(test_programs_and_interpreters_may_execute),
		cmocka_unit_test(test_landlock_restricts),
		cmocka_unit_test(test_landlock_restricts_ports),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
