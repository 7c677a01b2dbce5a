/*
 * The ptrace recorder on real programs: this file's own ones (run as "test --as NAME"), the shell,
 * 32-bit code; both ways of recording, attaching, detaching, and strace as a second opinion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "sensor/record_ptrace.h"

#if defined(__x86_64__)
#define NATIVE SC_X86_64
#else
#define NATIVE SC_AARCH64
#endif

static char self[4096];
static char dir[] = "/tmp/test-record-ptrace-XXXXXX";

/* ---- the traced programs: a failure is a number that the test sees as the exit status */

#define MUST(x)                                     \
	do {                                        \
		if (!(x)) {                         \
			perror(#x);                 \
			_exit(__LINE__ % 200 + 20); \
		}                                   \
	} while (0)

static void *call_getsid(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		MUST(syscall(SYS_getsid, 0) >= 0);
	return NULL;
}

static void *call_getpgid(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		MUST(syscall(SYS_getpgid, 0) >= 0);
	return NULL;
}

static int as_threads(const char *arg)
{
	pthread_t a, b;

	(void)arg;
	MUST(!pthread_create(&a, NULL, call_getsid, NULL));
	MUST(!pthread_create(&b, NULL, call_getpgid, NULL));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}

static void *execute(void *arg)
{
	(void)arg;
	usleep(30000); /* the others sleep by then */
	execl("/proc/self/exe", "test", "--as", "getppid", "", NULL);
	_exit(99);
}

static void *sleep_on(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* execve by a thread that is not the leader, while others live. */
static int as_thread_exec(const char *arg)
{
	pthread_t t;

	(void)arg;
	MUST(!pthread_create(&t, NULL, sleep_on, NULL));
	MUST(!pthread_create(&t, NULL, execute, NULL));
	for (;;)
		pause();
}

static int as_getppid(const char *arg)
{
	(void)arg;
	return syscall(SYS_getppid) > 0 ? 0 : 1;
}

#if defined(__x86_64__)
/* getpid is 20 on i386 and 39 on x86-64 and x32. */
static int as_other_abis(const char *arg)
{
	long pid;

	(void)arg;
	__asm__ volatile("int $0x80" : "=a"(pid) : "0"(20L) : "memory", "r8", "r9", "r10", "r11");
	MUST(pid == getpid() || pid == -ENOSYS);
	pid = syscall(0x40000000 | 39);
	MUST(pid == getpid() || errno == ENOSYS);
	return 0;
}
#endif

static int as_server(const char *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one, port = atoi(arg);
	pid_t pid;

	a.sin_port = htons((uint16_t)port);
	MUST(fd >= 0);
	MUST(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
	syscall(SYS_getsid, 0);
	syscall(SYS_epoll_pwait, -1, 0, 0, 0, 0, 0); /* before listen: still starting */
	MUST(!listen(fd, 4));
	MUST(!getsockname(fd, (struct sockaddr *)&a, &n));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		int c = socket(AF_INET, SOCK_STREAM, 0);

		_exit(connect(c, (struct sockaddr *)&a, n) ? 1 : 0);
	}
	one = accept(fd, NULL, NULL);
	MUST(one >= 0);
	syscall(SYS_getpgid, 0);
	MUST(waitpid(pid, NULL, 0) == pid);
	return 0;
}

static int as_sockets(const char *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = htons(9) };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) },
				  .sin_port = htons(9) };
	struct msghdr msg = { .msg_name = &in, .msg_namelen = sizeof(in) };
	int u = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);
	int d6 = socket(AF_INET6, SOCK_DGRAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/none.sock", arg);
	(void)!connect(u, (struct sockaddr *)&un, sizeof(un));
	memcpy(un.sun_path, "\0abs", 4);
	MUST(!bind(u, (struct sockaddr *)&un,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 4)));
	(void)!sendto(d6, "x", 1, 0, (struct sockaddr *)&in6, sizeof(in6));
	(void)!sendmsg(d, &msg, 0);
	return 0;
}

static void touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0);
	close(fd);
}

static int as_files(const char *arg)
{
	int fd, d;

	MUST(!chdir(arg));
	touch("new"); /* created */
	touch("old"); /* was there */
	MUST(open("no/such", O_RDONLY) < 0);
	MUST(open("./deep/../deep/link/../none", O_RDONLY) < 0);
	MUST(!mkdir("made", 0700));
	MUST(!rename("made", "moved"));
	MUST(!rmdir("moved"));
	MUST(!rename("new", "renamed"));
	MUST(!link("renamed", "hard"));
	MUST(!unlink("hard"));
	MUST(unlink("absent") < 0);
	MUST(!symlink("old", "soft"));
	MUST(!chmod("soft", 0600)); /* follows: the target */
	MUST(!symlink("target", "dangling"));
	MUST(open("dangling", O_WRONLY | O_CREAT, 0600) >= 0);
	fd = open("soft", O_RDWR | O_APPEND);
	MUST(fd >= 0);
	MUST(!flock(fd, LOCK_EX));
	MUST(!fchmod(fd, 0640));
	d = open("deep", O_RDONLY | O_DIRECTORY);
	MUST(d >= 0);
	MUST(openat(d, "inner", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0);
	MUST(open(".", O_TMPFILE | O_RDWR, 0600) >= 0 || errno == EOPNOTSUPP);
	MUST(syscall(SYS_memfd_create, "m", 0) >= 0);
	MUST(open("/proc/self/nothing", O_RDONLY) < 0);
	MUST(open("/proc/self/comm", O_RDONLY) >= 0);
	return 0;
}

/* Names with "(deleted)" at the end; files below a chroot. */
static int as_chroot(const char *arg)
{
	MUST(!chroot(arg));
	MUST(!chdir("/"));
	touch("/x (deleted)");
	touch("old");
	MUST(open("/deep/none", O_RDONLY) < 0);
	return 0;
}

static int as_caps(const char *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(1) };
	gid_t g = 65534;
	int fd;

	MUST(!chdir(arg));
	touch("mine");
	MUST(!fchownat(AT_FDCWD, "mine", 1234, (gid_t)-1, 0));
	MUST(!fchmodat(AT_FDCWD, "mine", 0600, 0));
	MUST(open("mine", O_RDWR) >= 0); /* another's: CAP_DAC_OVERRIDE */
	MUST(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	MUST(fd >= 0);
	MUST(!setgroups(1, &g));
	MUST(!setresgid(g, g, g));
	MUST(!setresuid(g, g, g));
	MUST(!setresuid(g, g, g)); /* no change: needs nothing */
	MUST(chroot("/") < 0);
	MUST(bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0);
	return 0;
}

static int as_keeps_ids(const char *arg)
{
	(void)arg;
	MUST(!setresuid(getuid(), getuid(), getuid()));
	MUST(!setresgid(getgid(), (gid_t)-1, getgid()));
	return 0;
}

static volatile sig_atomic_t got_usr1;

static void on_usr1(int sig)
{
	(void)sig;
	got_usr1++;
}

static int getuid_twice(void *arg)
{
	(void)arg;
	syscall(SYS_getuid);
	return syscall(SYS_getuid) == (long)getuid() ? 0 : 1;
}

/* A child that asks not to be traced with its parent, as sanitizers and debuggers do. */
static int as_untraced(const char *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	uint64_t args[11] = { CLONE_UNTRACED | CLONE_VFORK, 0, 0, 0, SIGCHLD };
	int status;
	long pid;

	(void)arg;
	pid = clone(getuid_twice, stack + sizeof(stack), CLONE_UNTRACED | SIGCHLD, NULL);
	MUST(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && !status);
	pid = syscall(SYS_clone3, args, sizeof(args));
	if (!pid) {
		syscall(SYS_getsid, 0);
		_exit(0);
	}
	MUST(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && !status);
	return 0;
}

/* Signals reach the program once each; a stopped child stays stopped until it is continued. */
static int as_signals(const char *arg)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	int status, i;
	pid_t pid;

	(void)arg;
	MUST(!sigaction(SIGUSR1, &sa, NULL));
	for (i = 0; i < 10; i++)
		MUST(!raise(SIGUSR1));
	MUST(got_usr1 == 10);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		raise(SIGSTOP);
		_exit(7);
	}
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	usleep(20000);
	MUST(waitpid(pid, &status, WNOHANG | WUNTRACED) == 0);
	MUST(!kill(pid, SIGCONT));
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		raise(SIGTERM);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	return 0;
}

enum { TICKS = 100000 }; /* some minutes: nothing runs for ever when a test is killed */

static void *tick(void *arg)
{
	long nr = *(long *)arg;

	for (int i = 0; i < TICKS; i++) {
		syscall(nr, 0);
		usleep(1000);
	}
	return NULL;
}

/* Runs until killed, or long enough: two threads and a child, each with a call of its own; says
 * when they are up.
 */
static int as_ticker(const char *arg)
{
	static long calls[] = { SYS_getsid, SYS_getpgid, SYS_getuid };
	char name[4200];
	pthread_t t;
	pid_t pid = fork();

	MUST(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		tick(&calls[2]);
		_exit(0);
	}
	MUST(!pthread_create(&t, NULL, tick, &calls[0]));
	MUST(!pthread_create(&t, NULL, tick, &calls[1]));
	snprintf(name, sizeof(name), "%s/ticks", arg);
	for (int i = 0; i < TICKS; i++) {
		int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);

		MUST(fd >= 0 && write(fd, ".", 1) == 1);
		close(fd);
		usleep(1000);
	}
	return 0;
}

/* More values of one argument than are kept, and a number that no kernel has. */
static int as_flood(const char *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 5000; i++)
		syscall(SYS_ioctl, -1, 0x10000 + i, 0);
	MUST(syscall(3000) < 0);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const char *arg);
} programs[] = {
	{ "threads", as_threads },
	{ "thread_exec", as_thread_exec },
	{ "getppid", as_getppid },
#if defined(__x86_64__)
	{ "other_abis", as_other_abis },
#endif
	{ "server", as_server },
	{ "sockets", as_sockets },
	{ "files", as_files },
	{ "chroot", as_chroot },
	{ "caps", as_caps },
	{ "keeps_ids", as_keeps_ids },
	{ "signals", as_signals },
	{ "untraced", as_untraced },
	{ "ticker", as_ticker },
	{ "flood", as_flood },
};

static int run_as(const char *name, const char *arg)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (!strcmp(programs[i].name, name))
			return programs[i].run(arg);
	return 127;
}

/* ---- the recorder's side */

/* Records a command to its end; its wait status. */
static int record(struct workload *w, char *const *argv, bool filter)
{
	struct record_ptrace_keep *keep = NULL;
	struct record_ptrace_options o = { .argv = argv, .keep = filter ? &keep : NULL };
	struct err e = { 0 };
	int status = -1, r;

	wl_init(w);
	r = record_ptrace(w, wl_source_add(w, WL_PTRACE), &o, &status, &e);
	if (r)
		fail_msg("record_ptrace: %s", e.msg);
	assert_null(keep);
	return status;
}

static void record_as(struct workload *w, const char *name, const char *arg, bool filter)
{
	char *argv[] = { self, (char *)"--as", (char *)name, (char *)arg, NULL };

	assert_int_equal(record(w, argv, filter), 0);
}

static const struct wl_syscall *call(const struct workload *w, enum sc_abi abi, const char *name)
{
	const struct wl_syscall *s = wl_syscall_find(w, abi, name);

	if (!s)
		fail_msg("%s %s was not recorded", sc_abi_name(abi), name);
	return s;
}

/* The accesses to a file, 0 when it is not in the model. `name` below the test's folder. */
static uint32_t access_of(const struct workload *w, const char *name)
{
	char path[4200];

	snprintf(path, sizeof(path), name[0] == '/' ? "%s%s" : "%s/%s", name[0] == '/' ? "" : dir,
		 name);
	for (size_t i = 0; i < w->files_n; i++)
		if (!strcmp(w->files[i].path, path))
			return w->files[i].access;
	return 0;
}

static const struct wl_program *program_at(const struct workload *w, const char *path)
{
	for (size_t i = 0; i < w->programs_n; i++)
		if (!strcmp(w->programs[i].path, path))
			return &w->programs[i];
	fail_msg("program %s was not recorded", path);
	return NULL;
}

static const struct wl_cap_use *cap_use(const struct workload *w, unsigned nr,
					enum wl_cap_result result, const char *by)
{
	for (size_t i = 0; i < w->caps_n; i++)
		for (size_t j = 0;
		     w->caps[i].nr == nr && w->caps[i].result == result && j < w->caps[i].uses_n;
		     j++)
			if (!strcmp(w->caps[i].uses[j].syscall, by))
				return &w->caps[i].uses[j];
	return NULL;
}

static const struct wl_net *net(const struct workload *w, enum wl_net_op op, uint16_t family,
				const char *address)
{
	for (size_t i = 0; i < w->nets_n; i++)
		if (w->nets[i].op == op && w->nets[i].family == family &&
		    !strcmp(w->nets[i].address, address))
			return &w->nets[i];
	fail_msg("%s of family %u, %s was not recorded", wl_net_op_name(op), family, address);
	return NULL;
}

static uint64_t lost(const struct workload *w, const char *what)
{
	for (size_t i = 0; i < w->sources[0].loss_n; i++)
		if (!strcmp(w->sources[0].loss[i].what, what))
			return w->sources[0].loss[i].count;
	return 0;
}

/* Both ways have to see the same calls. */
static void assert_same_calls(const struct workload *a, const struct workload *b)
{
	for (size_t i = 0; i < a->syscalls_n; i++) {
		const char *name = a->syscalls[i].desc->name;

		if (strcmp(name, "futex") && strcmp(name, "restart_syscall"))
			call(b, a->syscalls[i].abi, name);
	}
}

static void test_ls(void **state)
{
	char *argv[] = { (char *)"ls", (char *)"-l", (char *)"/", NULL };
	struct workload w, plain;
	const struct wl_program *p;
	const struct wl_call *c;
	bool executable = false;

	(void)state;
	assert_int_equal(record(&w, argv, true), 0);
	assert_int_equal(record(&plain, argv, false), 0);
	assert_same_calls(&w, &plain);
	assert_same_calls(&plain, &w);
	assert_int_equal(w.programs_n, 1);
	p = program_at(&w, "/usr/bin/ls");
	assert_non_null(p->interpreter);
	assert_int_equal(access_of(&w, p->interpreter), WL_F_READ | WL_F_MAP);
	assert_int_equal(access_of(&w, "/usr/bin/ls"), WL_F_EXEC | WL_F_READ | WL_F_MAP);
	assert_int_equal(access_of(&w, "/"), WL_F_READ);
	assert_int_equal(access_of(&w, "/etc/ld.so.cache"),
			 access("/etc/ld.so.cache", F_OK) ? WL_F_MISSING : WL_F_READ);
	call(&w, NATIVE, "execve");
	call(&w, NATIVE, "exit_group");
	c = call(&w, NATIVE, "mmap")->calls;
	for (size_t i = 0; i < call(&w, NATIVE, "mmap")->calls_n; i++) {
		assert_int_equal(c[i].n, 2);
		assert_int_equal(c[i].index[0], 2);
		executable |= (c[i].value[0] & PROT_EXEC) != 0;
	}
	assert_true(executable);
	for (size_t i = 0; i < w.syscalls_n; i++)
		assert_int_equal(w.syscalls[i].prov.phases, WL_PHASE_BIT(WL_START));
	assert_true(w.sources[0].complete);
	assert_int_equal(w.sources[0].loss_n, 0);
	wl_free(&w);
	wl_free(&plain);
}

static void test_shell(void **state)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c",
			 (char *)"for i in 1 2 3; do echo $i | cat | tr 1 2; done; (exit 3)",
			 NULL };

	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;
		const struct wl_program *cat;

		assert_int_equal(record(&w, argv, filter), 3 << 8);
		cat = program_at(&w, "/usr/bin/cat");
		program_at(&w, "/usr/bin/tr");
		assert_int_equal(cat->parents.n, 1);
		assert_string_equal(w.programs[cat->parents.v[0]].path, "/usr/bin/dash");
		assert_int_equal(call(&w, NATIVE, "pipe2")->prov.programs.n, 1);
		assert_true(call(&w, NATIVE, "read")->prov.programs.n >= 2);
		wl_free(&w);
	}
}

static void test_threads(void **state)
{
	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;

		record_as(&w, "threads", "", filter);
		call(&w, NATIVE, "getsid");
		call(&w, NATIVE, "getpgid");
		assert_int_equal(w.programs_n, 1);
		wl_free(&w);
		record_as(&w, "thread_exec", "", filter);
		call(&w, NATIVE, "getppid");
		assert_int_equal(w.programs_n, 1);
		assert_int_equal(w.programs[0].parents.n, 1);
		for (size_t i = 0; i < w.files_n; i++) /* /proc/self/exe is the program */
			if (w.files[i].access & WL_F_EXEC)
				assert_string_equal(w.files[i].path, self);
		wl_free(&w);
	}
}

static void test_other_abis(void **state)
{
	(void)state;
#if defined(__x86_64__)
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;

		record_as(&w, "other_abis", "", filter);
		call(&w, SC_I386, "getpid");
		call(&w, SC_X32, "getpid");
		assert_null(wl_syscall_find(&w, SC_I386, "writev"));
		assert_null(wl_syscall_find(&w, SC_I386, "getpgrp"));
		wl_free(&w);
	}
#else
	skip();
#endif
}

/* A program of 32 bits, with the old call that multiplexes sockets. */
static void test_i386(void **state)
{
	static const char text[] =
		"#include <sys/socket.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
		"#include <netinet/in.h>\n#include <fcntl.h>\n"
		"int main(void){struct sockaddr_in a={.sin_family=AF_INET};\n"
		"long s[]={AF_INET,SOCK_STREAM,0};int fd=syscall(SYS_socketcall,1,s);\n"
		"a.sin_addr.s_addr=htonl(INADDR_LOOPBACK);\n"
		"long b[]={fd,(long)&a,sizeof a};if(syscall(SYS_socketcall,2,b))return 1;\n"
		"long l[]={fd,1};if(syscall(SYS_socketcall,4,l))return 2;\n"
		"return open(\"/etc/hostname\",O_RDONLY)<0;}\n";
	char cmd[16384], exe[4200], *argv[] = { exe, NULL };
	struct workload w;
	struct err e;

	(void)state;
	snprintf(exe, sizeof(exe), "%s/m32", dir);
	snprintf(cmd, sizeof(cmd), "%s/m32.c", dir);
	assert_int_equal(io_write_file(cmd, text, sizeof(text) - 1, &e), 0);
	snprintf(cmd, sizeof(cmd),
		 "gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -o %s %s.c 2>/dev/null", exe,
		 exe);
	if (system(cmd)) {
		print_message("no 32-bit compiler\n");
		skip();
	}
	assert_int_equal(record(&w, argv, true), 0);
	call(&w, SC_I386, "socketcall");
	call(&w, SC_I386, "exit_group");
	assert_int_equal(call(&w, SC_I386, "socketcall")->calls_n, 3);
	net(&w, WL_NET_BIND, AF_INET, "127.0.0.1");
	assert_int_equal(net(&w, WL_NET_LISTEN, AF_INET, "127.0.0.1")->type, SOCK_STREAM);
	assert_true(program_at(&w, exe)->interpreter != NULL);
	assert_int_equal(access_of(&w, "/etc/hostname"), WL_F_READ);
	/* The initial execve is the recorder's: of its own ABI. */
	call(&w, NATIVE, "execve");
	wl_free(&w);
}

static void test_serving(void **state)
{
	struct workload w;
	const struct wl_net *n;

	(void)state;
	record_as(&w, "server", "0", true);
	assert_int_equal(call(&w, NATIVE, "getsid")->prov.phases, WL_PHASE_BIT(WL_START));
	assert_int_equal(call(&w, NATIVE, "epoll_pwait")->prov.phases, WL_PHASE_BIT(WL_START));
	assert_int_equal(call(&w, NATIVE, "listen")->prov.phases, WL_PHASE_BIT(WL_START));
	assert_int_equal(call(&w, NATIVE, "accept")->prov.phases, WL_PHASE_BIT(WL_SERVING));
	assert_int_equal(call(&w, NATIVE, "getpgid")->prov.phases, WL_PHASE_BIT(WL_SERVING));
	n = net(&w, WL_NET_LISTEN, AF_INET, "127.0.0.1");
	assert_int_equal(n->type, SOCK_STREAM);
	assert_int_equal(n->protocol, IPPROTO_TCP);
	assert_true(n->port > 0);
	assert_int_equal(net(&w, WL_NET_BIND, AF_INET, "127.0.0.1")->port, 0);
	wl_free(&w);
}

static void test_sockets(void **state)
{
	char path[4200];
	struct workload w;
	const struct wl_net *n;

	(void)state;
	record_as(&w, "sockets", dir, true);
	snprintf(path, sizeof(path), "%s/none.sock", dir);
	assert_int_equal(net(&w, WL_NET_CONNECT, AF_UNIX, path)->type, SOCK_STREAM);
	net(&w, WL_NET_BIND, AF_UNIX, "@abs");
	n = net(&w, WL_NET_SEND, AF_INET6, "::1");
	assert_int_equal(n->port, 9);
	assert_int_equal(n->type, SOCK_DGRAM);
	n = net(&w, WL_NET_SEND, AF_INET, "127.0.0.1");
	assert_int_equal(n->protocol, IPPROTO_UDP);
	assert_int_equal(access_of(&w, "none.sock"), 0);
	wl_free(&w);
}

static void prepare_files(void)
{
	char cmd[16384];

	snprintf(cmd, sizeof(cmd),
		 "cd %s && rm -rf * && mkdir -p deep/far && touch old && ln -s far deep/link", dir);
	assert_int_equal(system(cmd), 0);
}

static void test_files(void **state)
{
	static const struct {
		const char *name;
		uint32_t access;
	} want[] = {
		{ "new", WL_F_WRITE | WL_F_CREATE | WL_F_READ | WL_F_DELETE },
		{ "old", WL_F_WRITE | WL_F_READ | WL_F_APPEND | WL_F_LOCK | WL_F_META },
		{ "no/such", WL_F_MISSING },
		{ "deep/none", WL_F_MISSING }, /* link/.. is where the link leads to */
		{ "made/", WL_F_CREATE | WL_F_READ | WL_F_DELETE },
		{ "moved/", WL_F_CREATE | WL_F_WRITE | WL_F_DELETE },
		{ "renamed", WL_F_CREATE | WL_F_WRITE | WL_F_LINK },
		{ "hard", WL_F_CREATE | WL_F_LINK | WL_F_DELETE },
		{ "absent", WL_F_MISSING },
		{ "soft", WL_F_CREATE },
		{ "dangling", WL_F_CREATE },
		{ "target", WL_F_CREATE | WL_F_WRITE },
		{ "deep/", WL_F_READ },
		{ "deep/inner", WL_F_WRITE | WL_F_CREATE },
		{ "#*", WL_F_READ | WL_F_WRITE | WL_F_CREATE },
		{ "", WL_F_CHDIR },
	};

	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;
		size_t below = 0, of_proc = 0;
		char end[8];
		int pid;

		prepare_files();
		record_as(&w, "files", dir, filter);
		for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
			if (access_of(&w, want[i].name) != want[i].access)
				fail_msg("%s: accesses 0x%x", want[i].name,
					 access_of(&w, want[i].name));
		for (size_t i = 0; i < w.files_n; i++) {
			below += !strncmp(w.files[i].path, dir, strlen(dir));
			assert_null(strstr(w.files[i].path, "memfd"));
			assert_null(strstr(w.files[i].path, "/self/"));
			assert_null(strstr(w.files[i].path, "(deleted)"));
			if (sscanf(w.files[i].path, "/proc/%d/%7s", &pid, end) == 2)
				of_proc += !strcmp(end, "comm") || !strcmp(end, "nothing");
		}
		assert_int_equal(below, sizeof(want) / sizeof(*want));
		assert_int_equal(of_proc, 2); /* comm and nothing, below its process id */
		wl_free(&w);
	}
}

static void test_chroot(void **state)
{
	struct workload w;

	(void)state;
	if (geteuid())
		skip();
	prepare_files();
	record_as(&w, "chroot", dir, true);
	assert_int_equal(access_of(&w, "/x (deleted)"), WL_F_WRITE | WL_F_CREATE);
	assert_int_equal(access_of(&w, "/old"), WL_F_WRITE);
	assert_int_equal(access_of(&w, "/deep/none"), WL_F_MISSING);
	assert_int_equal(access_of(&w, "") & WL_F_CHDIR, WL_F_CHDIR);
	assert_non_null(cap_use(&w, CAP_SYS_CHROOT, WL_CAP_GRANTED, "chroot"));
	wl_free(&w);
}

static void make_script(const char *name, const char *text)
{
	char path[4200];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(io_write_file(path, text, strlen(text), &e), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void test_script(void **state)
{
	char path[4200], text[4300], *argv[] = { path, NULL };
	struct workload w;

	(void)state;
	make_script("inner", "#!/bin/sh -e\nexec /bin/true\n");
	snprintf(text, sizeof(text), "#!%s/inner\n", dir);
	make_script("outer", text);
	snprintf(path, sizeof(path), "%s/outer", dir);
	assert_int_equal(record(&w, argv, true), 0);
	assert_int_equal(access_of(&w, "outer"), WL_F_EXEC | WL_F_READ);
	assert_int_equal(access_of(&w, "inner"), WL_F_EXEC | WL_F_READ);
	assert_int_equal(w.programs_n, 2);
	program_at(&w, "/usr/bin/dash");
	assert_int_equal(program_at(&w, "/usr/bin/true")->parents.n, 1);
	wl_free(&w);
}

static void test_caps(void **state)
{
	struct workload w;

	(void)state;
	if (geteuid())
		skip();
	record_as(&w, "caps", dir, true);
	assert_non_null(cap_use(&w, CAP_CHOWN, WL_CAP_GRANTED, "fchownat"));
	assert_non_null(cap_use(&w, CAP_FOWNER, WL_CAP_GRANTED, "fchmodat"));
	assert_non_null(cap_use(&w, CAP_DAC_OVERRIDE, WL_CAP_GRANTED, "openat"));
	assert_non_null(cap_use(&w, CAP_NET_RAW, WL_CAP_GRANTED, "socket"));
	assert_non_null(cap_use(&w, CAP_SETGID, WL_CAP_GRANTED, "setgroups"));
	assert_non_null(cap_use(&w, CAP_SETGID, WL_CAP_GRANTED, "setresgid"));
	assert_non_null(cap_use(&w, CAP_SETUID, WL_CAP_GRANTED, "setresuid"));
	assert_null(cap_use(&w, CAP_SETUID, WL_CAP_REFUSED, "setresuid"));
	assert_non_null(cap_use(&w, CAP_SYS_CHROOT, WL_CAP_REFUSED, "chroot"));
	assert_non_null(cap_use(&w, CAP_NET_BIND_SERVICE, WL_CAP_REFUSED, "bind"));
	assert_true(cap_use(&w, CAP_CHOWN, WL_CAP_GRANTED, "fchownat")->inferred);
	assert_true(wl_cap_needed(&w, CAP_CHOWN, WL_PROGRAM_PHASES));
	assert_false(wl_cap_needed(&w, CAP_SYS_CHROOT, WL_PROGRAM_PHASES));
	wl_free(&w);
	record_as(&w, "keeps_ids", "", true);
	assert_int_equal(w.caps_n, 0);
	wl_free(&w);
}

static void test_signals(void **state)
{
	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;

		record_as(&w, "signals", "", filter);
		call(&w, NATIVE, "rt_sigreturn");
		wl_free(&w);
	}
}

static void test_untraced(void **state)
{
	(void)state;
	for (int filter = 0; filter < 2; filter++) {
		struct workload w;

		record_as(&w, "untraced", "", filter);
		call(&w, NATIVE, "getuid");
		call(&w, NATIVE, "getsid");
		assert_int_equal(call(&w, NATIVE, "clone3")->calls[0].value[0],
				 CLONE_UNTRACED | CLONE_VFORK);
		wl_free(&w);
	}
}

static void test_limits(void **state)
{
	struct workload w;

	(void)state;
	record_as(&w, "flood", "", true);
	assert_int_equal(call(&w, NATIVE, "ioctl")->calls_n, 4096);
	assert_int_equal(lost(&w, "arguments"), 5000 - 4096);
	assert_int_equal(lost(&w, "calls"), 1);
	assert_true(wl_incomplete(&w));
	wl_free(&w);
}

static void test_errors(void **state)
{
	static const char *const bad[] = { "no-such-program-anywhere", "/nonexistent/x",
					   "/etc/passwd" };
	struct record_ptrace_keep *keep;
	pid_t none = 0x3ffffff;
	struct workload w;
	struct err e;
	int status = 77;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(*bad); i++) {
		char *argv[] = { (char *)bad[i / 2], NULL };
		struct record_ptrace_options o = { .argv = argv, .keep = i % 2 ? &keep : NULL };

		wl_init(&w);
		assert_int_equal(record_ptrace(&w, wl_source_add(&w, WL_PTRACE), &o, &status, &e),
				 i < 4 ? -ENOENT : -EACCES);
		assert_non_null(strstr(e.msg, bad[i / 2]));
		assert_int_equal(status, 77);
		assert_int_equal(w.syscalls_n + w.programs_n + w.files_n, 0);
		wl_free(&w);
	}
	wl_init(&w);
	assert_int_equal(
		record_ptrace(&w, wl_source_add(&w, WL_PTRACE),
			      &(struct record_ptrace_options){ .pids = &none, .pids_n = 1 },
			      &status, &e),
		-ESRCH);
	wl_free(&w);
}

/* ---- stopping: the target runs on */

static volatile sig_atomic_t stop;

/* Bytes that the traced program wrote to a file of the test's folder. */
static off_t written(const char *file)
{
	char name[4200];
	struct stat st;

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	return stat(name, &st) ? 0 : st.st_size;
}

static off_t ticks(void)
{
	return written("ticks");
}

/* What the traced program must have done before recording stops, on a machine that is busy too. */
static struct {
	const char *file;
	off_t until;
	int patience; /* tenths of a second */
} expected;

static void on_alarm(int sig)
{
	struct itimerval again = { .it_value = { 0, 100000 } };

	(void)sig;
	if (expected.file && written(expected.file) < expected.until && expected.patience--)
		setitimer(ITIMER_REAL, &again, NULL);
	else
		stop = 1;
}

static void stop_after(long ms)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval t = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	stop = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

/* And when the file has grown by 5 bytes, within 20 s. */
static void stop_after_growth(long ms, const char *file)
{
	expected.file = file;
	expected.until = written(file) + 5;
	expected.patience = 200;
	stop_after(ms);
}

/* Waits, at most five seconds, until the ticker has written more. */
static bool ticks_on(void)
{
	off_t from = ticks();

	for (int i = 0; i < 500 && ticks() < from + 5; i++)
		usleep(10000);
	return ticks() >= from + 5;
}

static pid_t tracer_of(pid_t pid)
{
	char name[64], text[4096], *at;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	if (io_read_small(name, text, sizeof(text)))
		return -1;
	at = strstr(text, "\nTracerPid:");
	return at ? atoi(at + 11) : -1;
}

static pid_t start_ticker(void)
{
	pid_t pid;

	prepare_files();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		execl(self, "test", "--as", "ticker", dir, NULL);
		_exit(127);
	}
	assert_true(ticks_on());
	return pid;
}

static void test_attach(void **state)
{
	pid_t pid = start_ticker();
	struct record_ptrace_options o = { .pids = &pid, .pids_n = 1, .stop = &stop };
	int status = 0;
	struct workload w;
	struct err e = { 0 };

	(void)state;
	wl_init(&w);
	stop_after_growth(400, "ticks");
	if (record_ptrace(&w, wl_source_add(&w, WL_PTRACE), &o, &status, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(status, -1);
	call(&w, NATIVE, "write");
	call(&w, NATIVE, "getsid");
	call(&w, NATIVE, "getpgid");
	call(&w, NATIVE, "getuid"); /* the child that was there before */
	assert_true(access_of(&w, "ticks") & WL_F_APPEND);
	assert_false(w.sources[0].complete);
	assert_int_equal(w.programs_n, 1);
	wl_free(&w);
	assert_int_equal(tracer_of(pid), 0);
	assert_true(ticks_on());
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Attached to while one thread after the other is born and dies. */
static void test_attach_churn(void **state)
{
	char cmd[4300];
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", cmd, NULL };
	struct record_ptrace_options o = { .pids_n = 1, .stop = &stop };
	int status = 0;
	struct workload w;
	struct err e = { 0 };
	pid_t pid;

	(void)state;
	snprintf(cmd, sizeof(cmd),
		 "for i in $(seq 20000); do (:); /bin/true | /bin/true; echo >>%s/churn; done",
		 dir);
	pid = fork();
	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	o.pids = &pid;
	for (int i = 0; i < 2000 && !written("churn"); i++)
		usleep(10000);
	for (int i = 0; i < 5; i++) {
		wl_init(&w);
		stop_after_growth(200, "churn");
		if (record_ptrace(&w, wl_source_add(&w, WL_PTRACE), &o, &status, &e))
			fail_msg("%s", e.msg);
		program_at(&w, "/usr/bin/true");
		wl_free(&w);
		assert_int_equal(tracer_of(pid), 0);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_stop_plain(void **state)
{
	char *argv[] = { self, (char *)"--as", (char *)"ticker", dir, NULL };
	struct record_ptrace_options o = { .argv = argv, .stop = &stop, .own_session = true };
	int status = 0;
	struct workload w;
	struct err e = { 0 };
	char name[64];
	pid_t pid = 0;
	FILE *f;

	(void)state;
	prepare_files();
	wl_init(&w);
	stop_after_growth(500, "ticks");
	if (record_ptrace(&w, wl_source_add(&w, WL_PTRACE), &o, &status, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(status, -1);
	call(&w, NATIVE, "getsid");
	assert_true(w.sources[0].complete);
	wl_free(&w);
	assert_true(ticks_on());
	snprintf(name, sizeof(name), "/proc/self/task/%d/children", getpid());
	f = fopen(name, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	assert_int_equal(tracer_of(pid), 0);
	assert_int_equal(getpgid(pid), pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The tracer of a recording with a filter: hands a status over, then serves. */
static _Noreturn void serving_tracer(struct record_ptrace_front *f)
{
	char *argv[] = { self, (char *)"--as", (char *)"ticker", dir, NULL };
	struct record_ptrace_keep *keep = NULL;
	struct record_ptrace_options o = { .argv = argv, .stop = &stop, .keep = &keep };
	struct workload w;
	struct err e = { 0 };
	int status = 0, result = 42;

	wl_init(&w);
	stop_after_growth(500, "ticks");
	if (record_ptrace(&w, wl_source_add(&w, WL_PTRACE), &o, &status, &e))
		_exit(1);
	if (!keep || status != -1 || !wl_syscall_find(&w, NATIVE, "getsid"))
		result = 1;
	wl_free(&w);
	record_ptrace_release(f, result);
	if (keep)
		record_ptrace_serve(keep);
	_exit(43);
}

static void test_stop_filter(void **state)
{
	struct record_ptrace_front f;
	char name[64];
	struct err e;
	pid_t pid = 0;
	int status, r;
	FILE *list;

	(void)state;
	prepare_files();
	r = record_ptrace_split(&f, &e);
	if (!r)
		serving_tracer(&f);
	assert_int_equal(r, 1);
	assert_int_equal(record_ptrace_front_wait(&f), 42);
	/* The tracer lives on, and so does the target. */
	assert_int_equal(waitpid(f.tracer, &status, WNOHANG), 0);
	assert_true(ticks_on());
	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", f.tracer, f.tracer);
	list = fopen(name, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%d", &pid), 1);
	fclose(list);
	assert_int_equal(tracer_of(pid), f.tracer);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(f.tracer, &status, 0), f.tracer);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 43);
}

static void ask_to_end(void)
{
	raise(SIGTERM);
}

/* A front whose tracer does nothing; `early`: it is asked to end while it becomes two. */
static pid_t start_front(bool early)
{
	struct record_ptrace_front f;
	struct err e;
	int fds[2], r;
	pid_t pid;
	char c;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGTERM, SIG_DFL); /* this process was a front before */
		if (early)
			pthread_atfork(NULL, ask_to_end, NULL);
		r = record_ptrace_split(&f, &e);
		if (!r) {
			(void)!write(fds[1], "t", 1);
			alarm(30);
			pause();
			_exit(6);
		}
		_exit(record_ptrace_front_wait(&f));
	}
	close(fds[1]);
	if (!early)
		assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

/* A tracer that ends without a word: the front has its status; a signal to the front reaches it. */
static void test_front(void **state)
{
	struct record_ptrace_front f;
	struct err e;
	int r = record_ptrace_split(&f, &e), status;

	(void)state;
	if (!r)
		_exit(5);
	assert_int_equal(r, 1);
	assert_int_equal(record_ptrace_front_wait(&f), 5);
	for (int early = 0; early < 2; early++) {
		pid_t pid = start_front(early);

		if (!early)
			assert_int_equal(kill(pid, SIGTERM), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
	}
}

/* ---- strace as the second opinion */

struct names {
	const char *v[600];
	size_t n;
};

static void names_add(struct names *s, const char *name)
{
	const struct sc_desc *d = sc_by_name(name);

	if (!d || !strcmp(name, "futex") || !strcmp(name, "restart_syscall"))
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == d->name)
			return;
	assert_true(s->n < sizeof(s->v) / sizeof(*s->v));
	s->v[s->n++] = d->name;
}

static bool names_have(const struct names *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i], name))
			return true;
	return false;
}

/* Lines are "PID name(args) = …"; others are signals, exits and remarks. */
static void read_strace(const char *path, struct names *out)
{
	char line[16384], name[64];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %63[a-z0-9_](", name) == 1)
			names_add(out, name);
	fclose(f);
}

static void compare_with_strace(char *const *argv)
{
	struct names theirs = { .n = 0 }, ours = { .n = 0 };
	char log[4200], cmd[32768];
	struct workload w;
	size_t n;

	prepare_files();
	snprintf(log, sizeof(log), "%s.strace", dir);
	n = (size_t)snprintf(cmd, sizeof(cmd), "strace -f -o %s", log);
	for (size_t i = 0; argv[i]; i++)
		n += (size_t)snprintf(cmd + n, sizeof(cmd) - n, " '%s'", argv[i]);
	snprintf(cmd + n, sizeof(cmd) - n, " >/dev/null 2>&1");
	(void)!system(cmd);
	read_strace(log, &theirs);
	unlink(log);
	prepare_files();
	record(&w, argv, true);
	for (size_t i = 0; i < w.syscalls_n; i++)
		names_add(&ours, w.syscalls[i].desc->name);
	wl_free(&w);
	for (size_t i = 0; i < theirs.n; i++)
		if (!names_have(&ours, theirs.v[i]))
			fail_msg("%s: only strace saw %s", argv[0], theirs.v[i]);
	for (size_t i = 0; i < ours.n; i++)
		if (!names_have(&theirs, ours.v[i]))
			fail_msg("%s: only the recorder saw %s", argv[0], ours.v[i]);
	assert_true(ours.n > 10);
}

static void test_strace(void **state)
{
	char *cases[][5] = {
		{ (char *)"/bin/ls", (char *)"-l", (char *)"/", NULL },
		{ (char *)"/bin/sh", (char *)"-c",
		  (char *)"for i in 1 2 3; do echo $i | cat | tr 1 2; done >/dev/null", NULL },
		{ self, (char *)"--as", (char *)"threads", (char *)"", NULL },
		{ self, (char *)"--as", (char *)"files", dir, NULL },
		{ self, (char *)"--as", (char *)"signals", (char *)"", NULL },
#if defined(__x86_64__)
		{ self, (char *)"--as", (char *)"other_abis", (char *)"", NULL },
#endif
	};

	(void)state;
	if (system("strace -V >/dev/null 2>&1")) {
		print_message("no strace\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		compare_with_strace(cases[i]);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[4200];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ls),	     cmocka_unit_test(test_shell),
		cmocka_unit_test(test_threads),	     cmocka_unit_test(test_other_abis),
		cmocka_unit_test(test_i386),	     cmocka_unit_test(test_serving),
		cmocka_unit_test(test_sockets),	     cmocka_unit_test(test_files),
		cmocka_unit_test(test_chroot),	     cmocka_unit_test(test_script),
		cmocka_unit_test(test_caps),	     cmocka_unit_test(test_signals),
		cmocka_unit_test(test_untraced),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_errors),	     cmocka_unit_test(test_attach),
		cmocka_unit_test(test_attach_churn), cmocka_unit_test(test_stop_plain),
		cmocka_unit_test(test_stop_filter),  cmocka_unit_test(test_front),
		cmocka_unit_test(test_strace),
	};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc >= 4 && !strcmp(argv[1], "--as"))
		_exit(run_as(argv[2], argv[3])); /* no leak check: it wants to trace */
	if (n < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
