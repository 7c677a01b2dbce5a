/* From records to events: processes, containers, paths, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "bpf/watch_rec.h"
#include "enrich/enrich_private.h"
#include "enrich/facts.h"
#include "model/event_fields.h"
#include "model/syscalls.h"
#include "record_part.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CGROUP "/docker/" ID

/* ---- records made by hand */

static struct {
	struct watch_rec rec;
	char parts[8192];
} made;
static uint64_t clock_ns = 1000000000;

static struct watch_rec *begin(unsigned kind, uint32_t pid, const char *comm)
{
	memset(&made, 0, sizeof(made));
	made.rec.size = sizeof(made.rec);
	made.rec.kind = (uint16_t)kind;
	made.rec.time = clock_ns += 1000000;
	made.rec.pid = made.rec.tid = made.rec.vpid = pid;
	made.rec.start = 5000000000u + pid;
	made.rec.loginuid = ~0u;
	snprintf(made.rec.comm, sizeof(made.rec.comm), "%s", comm);
	return &made.rec;
}

static void part(unsigned kind, unsigned arg, const void *bytes, size_t len)
{
	record_part(&made.rec, kind, arg, 0, bytes, len);
}

static void text(unsigned kind, unsigned arg, const char *s)
{
	part(kind, arg, s, strlen(s));
}

static struct watch_rec *fork_of(uint32_t parent, uint32_t pid, const char *comm)
{
	struct watch_rec *r = begin(WATCH_FORK, pid, comm);

	r->arg[0] = parent;
	return r;
}

static struct watch_rec *exec_of(uint32_t pid, const char *path, const char *argv, size_t argv_len,
				 const char *cgroup)
{
	const char *slash = strrchr(path, '/');
	struct watch_rec *r = begin(WATCH_EXEC, pid, slash ? slash + 1 : path);
	struct watch_proc facts = { .vpid = pid, .sid = 100, .exe_mode = 0100755 };

	part(WATCH_P_PROC, 0, &facts, sizeof(facts));
	text(WATCH_P_EXE, 0, path);
	text(WATCH_P_FILENAME, 0, path);
	part(WATCH_P_ARGV, 0, argv, argv_len);
	text(WATCH_P_CWD, 0, "/srv");
	text(WATCH_P_CGROUP, 0, cgroup);
	return r;
}

static struct watch_rec *call_of(uint32_t pid, const char *comm, const char *name, int64_t ret)
{
	struct watch_rec *r = begin(WATCH_CALL, pid, comm);
	int nr = sc_nr(sc_abi_native(), name);

	assert_true(nr >= 0);
	r->nr = (uint16_t)nr;
	r->ret = ret;
	return r;
}

/* ---- asking */

static struct enrich *fresh(void)
{
	struct enrich_options o = { .places = { "/nonexistent", "/nonexistent", "/nonexistent",
						"/nonexistent" } };

	return enrich_new(&o);
}

static const struct event *put(struct enrich *e)
{
	assert_true(record_is_valid(&made, made.rec.size));
	return enrich_record(e, &made.rec, 0);
}

/* The field as text; NULL when it has no value. */
static const char *ask(const struct event *ev, const char *field)
{
	static char out[4096];
	struct ev_values v = { 0 };
	const char *bracket = strchr(field, '[');
	struct ev_text name = { field, bracket ? (size_t)(bracket - field) : strlen(field) };
	struct ev_text arg = { 0 };
	struct ev_ref ref;

	if (bracket)
		arg = (struct ev_text){ bracket + 1, strlen(bracket) - 2 };
	assert_non_null(ev);
	assert_int_equal(ev_ref_parse(NULL, name, arg, &ref), EV_REF_OK);
	if (!ev->ops->read(ev, &ref, &v))
		return NULL;
	out[0] = '\0';
	for (size_t i = 0; i < v.n; i++) {
		size_t at = strlen(out);
		char ip[64];

		if (i)
			out[at++] = ' ';
		switch (ev_kind_class(ref.kind)) {
		case EV_C_STRING:
		case EV_C_BYTES:
			snprintf(out + at, sizeof(out) - at, "%.*s", (int)v.v[i].s.len, v.v[i].s.p);
			break;
		case EV_C_SIGNED:
			snprintf(out + at, sizeof(out) - at, "%lld", (long long)v.v[i].i);
			break;
		case EV_C_ADDR:
		case EV_C_NET:
			inet_ntop(v.v[i].a.len == 4 ? AF_INET : AF_INET6, v.v[i].a.b, ip,
				  sizeof(ip));
			snprintf(out + at, sizeof(out) - at, "%s", ip);
			break;
		default:
			snprintf(out + at, sizeof(out) - at, "%llu", (unsigned long long)v.v[i].u);
		}
	}
	return out;
}

#define assert_field(ev, field, want) assert_string_equal(ask(ev, field), want)
#define assert_no_field(ev, field)    assert_null(ask(ev, field))

/* ---- processes */

static void family(struct enrich *e)
{
	exec_of(100, "/usr/sbin/sshd", "sshd\0-D", 8, "/");
	put(e);
	fork_of(100, 101, "sshd");
	put(e);
	exec_of(101, "/bin/bash", "-bash", 6, "/");
	put(e);
	fork_of(101, 102, "bash");
	put(e);
	exec_of(102, "/usr/bin/curl", "curl\0-o\0x y\0http://a", 21, "/");
}

static void ancestors(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	family(e);
	ev = put(e);
	assert_string_equal(ev_type_name(ev->type), "execve");
	assert_field(ev, "proc.name", "curl");
	assert_field(ev, "proc.exe", "curl");
	assert_field(ev, "proc.exepath", "/usr/bin/curl");
	assert_field(ev, "proc.args", "-o x y http://a");
	assert_field(ev, "proc.args[1]", "x y");
	assert_field(ev, "proc.cmdline", "curl -o x y http://a");
	assert_field(ev, "proc.cwd", "/srv/");
	assert_field(ev, "proc.pname", "bash");
	assert_field(ev, "proc.aname[2]", "sshd");
	assert_no_field(ev, "proc.aname[3]");
	assert_field(ev, "proc.aname", "bash sshd");
	assert_field(ev, "proc.apid", "101 100");
	assert_field(ev, "proc.aargs[0]", "-o x y http://a");
	assert_field(ev, "proc.aargs[1]", "");
	assert_field(ev, "proc.pcmdline", "bash");
	assert_field(ev, "container.id", "host");
	assert_no_field(ev, "container.image.repository");
	enrich_free(e);
}

/* Those of the same container; what started it is not among them. */
static void container_ancestors(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	exec_of(100, "/usr/bin/make", "make", 5, "/");
	ev = put(e);
	assert_no_field(ev, "proc.caname");
	assert_field(ev, "proc.caname[0]", "make");
	fork_of(100, 101, "make");
	put(e);
	exec_of(101, "/bin/sh", "sh", 3, CGROUP);
	ev = put(e);
	assert_field(ev, "proc.aname", "make");
	assert_no_field(ev, "proc.caname");
	fork_of(101, 102, "sh");
	put(e);
	exec_of(102, "/usr/bin/ninja", "ninja", 6, CGROUP);
	put(e);
	fork_of(102, 103, "ninja");
	put(e);
	exec_of(103, "/bin/cc", "cc", 3, CGROUP);
	ev = put(e);
	assert_field(ev, "proc.aname", "ninja sh make");
	assert_field(ev, "proc.caname", "ninja sh");
	assert_field(ev, "proc.caname[2]", "sh");
	assert_no_field(ev, "proc.caname[3]");
	enrich_free(e);
}

static void add_fd(unsigned arg, int fd, uint32_t mode, const char *name)
{
	struct {
		struct watch_fd d;
		char name[256];
	} f = { .d = { .fd = fd, .mode = mode, .ino = 7 } };

	snprintf(f.name, sizeof(f.name), "%s", name);
	part(WATCH_P_FD, arg, &f, sizeof(f.d) + strlen(name));
}

/* Folder, session and name as they became after the program began; children inherit them. */
static void changes(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	exec_of(100, "/usr/bin/app", "app", 4, "/");
	put(e);
	call_of(100, "app", "chdir", 0);
	text(WATCH_P_PATH, 0, "/var/./lib/");
	put(e);
	call_of(100, "app", "setsid", 100);
	ev = put(e);
	assert_field(ev, "proc.cwd", "/var/lib/");
	assert_field(ev, "proc.sid", "100");
	call_of(100, "app", "chdir", -ENOENT);
	text(WATCH_P_PATH, 0, "/none");
	assert_field(put(e), "proc.cwd", "/var/lib/");
	call_of(100, "app", "chdir", 0);
	text(WATCH_P_PATH, 0, "sub");
	text(WATCH_P_BASE, 0, "/var/lib/sub");
	assert_field(put(e), "proc.cwd", "/var/lib/sub/");
	/* The first thread was given another name; what another thread is called does not count. */
	fork_of(100, 101, "worker")->arg[1] = 100;
	put(e);
	fork_of(100, 102, "thread")->arg[1] = 105;
	ev = put(e);
	assert_field(ev, "proc.pname", "worker");
	assert_field(ev, "proc.cwd", "/var/lib/sub/");
	assert_field(ev, "proc.sname", "worker");
	call_of(102, "thread", "fchdir", 0);
	add_fd(0, 3, 0040755, "/srv");
	assert_field(put(e), "proc.cwd", "/srv/");
	exec_of(102, "/bin/sh", "sh", 3, "/");
	ev = put(e);
	assert_field(ev, "proc.cwd", "/srv/"); /* of the record */
	assert_field(ev, "proc.sid", "100");
	enrich_free(e);
}

static void ended_ancestors(void **state)
{
	struct enrich *e = fresh();
	struct enrich_stats s;
	const struct event *ev;

	(void)state;
	family(e);
	put(e);
	begin(WATCH_EXIT, 101, "bash");
	put(e);
	call_of(102, "curl", "listen", 0);
	ev = put(e);
	/* The shell is gone, and still the one who started it. */
	assert_field(ev, "proc.pname", "bash");
	assert_field(ev, "proc.aname[2]", "sshd");
	enrich_stats(e, &s);
	assert_int_equal(s.processes, 2);
	assert_int_equal(s.kept, 1);
	begin(WATCH_EXIT, 102, "curl");
	put(e);
	begin(WATCH_EXIT, 100, "sshd");
	put(e);
	begin(WATCH_EXIT, 4000000, "other"); /* the last one leaves with the next record */
	put(e);
	enrich_stats(e, &s);
	assert_int_equal(s.kept, 0);
	enrich_free(e);
}

static void reused_pid(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	family(e);
	put(e);
	/* The same number, another start: nothing of the old one counts. */
	call_of(102, "newcomer", "listen", 0)->start += 10000000000u;
	ev = put(e);
	assert_field(ev, "proc.name", "newcomer");
	assert_field(ev, "proc.args", "");
	enrich_free(e);
}

static void many_processes(void **state)
{
	struct enrich *e = fresh();
	struct enrich_stats s;

	(void)state;
	exec_of(100, "/sbin/init", "init", 5, "/");
	put(e);
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t pid = 1000000 + i % 30000;

		fork_of(100, pid, "init")->start = clock_ns;
		put(e);
		exec_of(pid, "/bin/true", "true", 5, CGROUP)->start = clock_ns;
		put(e);
		begin(WATCH_EXIT, pid, "true")->start = clock_ns;
		put(e);
	}
	begin(WATCH_EXIT, 100, "init");
	put(e);
	enrich_stats(e, &s);
	assert_in_range(s.processes, 0, 30002);
	assert_in_range(s.kept, 0, 2);
	enrich_free(e);
}

/* Each forks, executes something and ends: rows of those that ended have an end, too. */
static void walking_process(void **state)
{
	struct enrich *e = fresh();
	struct enrich_stats s;
	const struct event *ev;

	(void)state;
	exec_of(100, "/usr/sbin/sshd", "sshd", 5, "/");
	put(e);
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t pid = 1000 + i % 20000;

		fork_of(i ? 1000 + (i - 1) % 20000 : 100, pid, "walker")->start = clock_ns;
		put(e);
		exec_of(pid, "/tmp/walker", "walker", 7, "/")->start = clock_ns;
		put(e);
		if (!i)
			continue;
		begin(WATCH_EXIT, 1000 + (i - 1) % 20000, "walker")->start = 0;
		made.rec.start = clock_ns - 4000000; /* that of the one before */
		put(e);
	}
	call_of(1000 + 99999 % 20000, "walker", "listen", 0)->start = clock_ns - 3000000;
	ev = put(e);
	assert_field(ev, "proc.aname[32]", "walker");
	assert_field(ev, "proc.aname[34]", "sshd");
	enrich_stats(e, &s);
	assert_in_range(s.kept, 32, 40);
	assert_in_range(s.processes, 2, 3);
	enrich_free(e);
}

/* ---- records that were lost */

static void wait_for_name(pid_t pid, const char *name)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	for (int i = 0; i < 2000 && strncmp(text, name, strlen(name)) != 0; i++) {
		usleep(5000);
		if (io_read_small(path, text, sizeof(text)) < 0)
			break;
	}
	assert_memory_equal(text, name, strlen(name));
}

static uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* To 10 ms, as /proc has it. */
static uint64_t start_of(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	assert_int_equal(io_read_small(path, text, sizeof(text)), 0);
	sscanf(strrchr(text, ')') + 1,
	       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	       &ticks);
	return ticks * (1000000000u / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static pid_t sleeping_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	wait_for_name(pid, "sleep");
	return pid;
}

/* All of it, at a time up to which all records were taken. */
static void recover(struct enrich *e)
{
	enrich_lost(e);
	for (int i = 0; i < 10000; i++)
		enrich_recover(e, boot_ns());
}

/*
 * A process executed a program and one ended, of which there was no record; the table has them as
 * they are once /proc was read. One that the table does not have is found with its ancestors.
 */
static void lost_records(void **state)
{
	struct enrich *e = fresh();
	uint32_t self = (uint32_t)getpid(), ghost = 4194300;
	pid_t child = sleeping_child(), other = sleeping_child();
	uint64_t start = start_of(child);
	const struct event *ev;
	char ppid[16];

	(void)state;
	snprintf(ppid, sizeof(ppid), "%u", self);
	call_of(self, "test_enrich", "listen", 0)->start = start_of((pid_t)self);
	put(e);
	assert_non_null(processes_find(e->processes, (uint32_t)getppid()));
	exec_of(self, "/tests/old", "old\0-x", 7, "/")->start = start_of((pid_t)self);
	put(e);
	fork_of(self, (uint32_t)child, "old")->start = start;
	put(e);
	fork_of(self, ghost, "old")->start = start;
	put(e);
	call_of((uint32_t)child, "sleep", "listen", 0)->start = start;
	ev = put(e);
	assert_field(ev, "proc.cmdline", "sleep -x"); /* nobody knows better yet */

	recover(e);
	call_of((uint32_t)child, "sleep", "listen", 0)->start = start;
	ev = put(e);
	assert_field(ev, "proc.cmdline", "sleep 60");
	assert_field(ev, "proc.ppid", ppid);
	assert_null(processes_find(e->processes, ghost));
	assert_non_null(processes_find(e->processes, (uint32_t)other));
	kill(child, SIGKILL);
	kill(other, SIGKILL);
	waitpid(child, NULL, 0);
	waitpid(other, NULL, 0);
	enrich_free(e);
}

/* ---- signals */

/* A fork for each, of this process, so that they are known. */
static void known(struct enrich *e, uint32_t pid, const char *comm)
{
	fork_of((uint32_t)getpid(), pid, comm);
	put(e);
}

static void signalled(void **state)
{
	const uint32_t group[] = { 4000001, 4000002, 4000009 }, one[] = { 4000001 };
	const uint32_t nobody[] = { 4000009 };
	struct enrich *e = fresh();
	const struct event *ev;
	struct watch_rec *r;

	(void)state;
	known(e, 4000001, "auditd");
	known(e, 4000002, "sleep");
	known(e, 4000003, "bash");

	r = call_of(4000003, "bash", "kill", 0);
	r->arg[0] = (uint64_t)-4000001;
	r->arg[1] = SIGTERM;
	part(WATCH_P_SIGNALLED, 1, group, sizeof(group));
	ev = put(e);
	assert_field(ev, "evt.arg.pid", "auditd sleep");
	assert_field(ev, "evt.arg.sig", "SIGTERM");
	assert_field(ev, "evt.args", "res=0 pid=-4000001(auditd,sleep) sig=15(SIGTERM)");

	r = call_of(4000003, "bash", "pidfd_send_signal", 0);
	r->arg[0] = 5;
	r->arg[1] = SIGSTOP;
	add_fd(0, 5, 0, "[pidfd]");
	part(WATCH_P_SIGNALLED, 1, one, sizeof(one));
	ev = put(e);
	assert_field(ev, "evt.arg.pid", "auditd");
	assert_field(ev, "evt.arg.sig", "SIGSTOP");
	assert_field(ev, "fd.num", "5");

	r = call_of(4000003, "bash", "tkill", 0);
	r->arg[0] = 77; /* a thread of it */
	r->arg[1] = SIGKILL;
	part(WATCH_P_SIGNALLED, 1, one, sizeof(one));
	ev = put(e);
	assert_field(ev, "evt.arg.pid", "auditd");
	assert_field(ev, "evt.args", "res=0 tid=77 sig=9(SIGKILL) pid=4000001(auditd)");

	/* Nothing is known of whom it went to: what the number says. */
	r = call_of(4000003, "bash", "kill", 0);
	r->arg[0] = 4000002;
	part(WATCH_P_SIGNALLED, 1, nobody, sizeof(nobody));
	assert_field(put(e), "evt.arg.pid", "sleep");
	call_of(4000003, "bash", "pidfd_send_signal", -9)->arg[1] = SIGTERM;
	assert_null(ask(put(e), "evt.arg.pid"));
	enrich_free(e);
}

/* ---- paths and descriptors */

static void opened(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;
	struct watch_rec *r = call_of(50, "cat", "openat", 3);

	(void)state;
	r->arg[0] = (uint64_t)(int64_t)AT_FDCWD;
	r->arg[2] = O_RDONLY | O_CLOEXEC;
	text(WATCH_P_PATH, 1, "../etc//./shadow");
	text(WATCH_P_BASE, 1, "/srv");
	add_fd(WATCH_RET, 3, 0100600, "/etc/shadow");
	ev = put(e);
	assert_field(ev, "fd.name", "/etc/shadow");
	assert_field(ev, "fd.nameraw", "../etc/./shadow");
	assert_field(ev, "fd.directory", "/etc");
	assert_field(ev, "fd.filename", "shadow");
	assert_field(ev, "fd.typechar", "f");
	assert_field(ev, "fd.num", "3");
	assert_field(ev, "evt.is_open_read", "1");
	assert_field(ev, "evt.is_open_write", "0");
	assert_field(ev, "evt.res", "SUCCESS");
	assert_field(ev, "evt.arg.flags", "O_RDONLY|O_CLOEXEC");
	assert_field(ev, "evt.arg.name", "/etc/shadow");
	assert_null(enrich_again(e)); /* the same file by both names */
	enrich_free(e);
}

static void opened_by_link(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	call_of(50, "cat", "openat", 4);
	text(WATCH_P_PATH, 1, "/tmp/link");
	add_fd(WATCH_RET, 4, 0100600, "/etc/shadow");
	ev = put(e);
	assert_field(ev, "fd.name", "/tmp/link");
	ev = enrich_again(e);
	assert_field(ev, "fd.name", "/etc/shadow");
	assert_null(enrich_again(e));
	enrich_free(e);
}

/* By an operation of an io_uring, into a place of its table. */
static void opened_in_ring(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;
	struct watch_rec *r;

	(void)state;
	r = call_of(50, "cat", "openat", 2);
	r->uring = WATCH_URING | WATCH_URING_DIRECT | WATCH_URING_ASYNC;
	text(WATCH_P_PATH, 1, "/tmp/link");
	add_fd(WATCH_RET, 2, 0100600, "/etc/shadow");
	ev = put(e);
	assert_field(ev, "evt.io_uring", "1");
	assert_field(ev, "fd.is_direct", "1");
	assert_field(ev, "fd.num", "2");
	ev = enrich_again(e);
	assert_field(ev, "fd.name", "/etc/shadow");
	call_of(50, "cat", "openat", 3);
	text(WATCH_P_PATH, 1, "/etc/shadow");
	ev = put(e);
	assert_field(ev, "evt.io_uring", "0");
	assert_field(ev, "fd.is_direct", "0");
	enrich_free(e);
}

static void not_opened(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	call_of(50, "cat", "openat", -ENOENT);
	text(WATCH_P_PATH, 1, "/etc/missing");
	ev = put(e);
	assert_field(ev, "fd.num", "-1");
	assert_field(ev, "fd.name", "/etc/missing");
	assert_field(ev, "fd.typechar", "f");
	assert_field(ev, "evt.res", "ENOENT");
	assert_field(ev, "evt.failed", "1");
	enrich_free(e);
}

/* What a call was given counts first, then what is there at its end. */
static void given(void **state)
{
	struct sockaddr_in then = { .sin_family = AF_INET, .sin_port = htons(4301) };
	struct sockaddr_in now = { .sin_family = AF_INET, .sin_port = htons(4302) };
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = SOCK_STREAM,
			      .protocol = IPPROTO_TCP };
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	call_of(50, "mv", "renameat", -ENOENT);
	text(WATCH_P_PATH, 1, "/tmp/public");
	text(WATCH_P_PATH, 3, "sub/new");
	text(WATCH_P_BASE, 3, "/srv");
	text(WATCH_P_GIVEN, 1, "/tmp/../etc/secret");
	ev = put(e);
	assert_field(ev, "evt.arg.oldpath", "/tmp/../etc/secret");
	assert_field(ev, "fs.path.source", "/etc/secret");
	assert_field(ev, "fs.path.target", "/srv/sub/new");
	ev = enrich_again(e);
	assert_field(ev, "fs.path.source", "/tmp/public");
	assert_field(ev, "fs.path.target", "/srv/sub/new");
	assert_null(enrich_again(e));

	call_of(50, "cat", "openat", 3)->arg[0] = (uint64_t)AT_FDCWD;
	text(WATCH_P_PATH, 1, "/tmp/public");
	text(WATCH_P_GIVEN, 1, "/tmp/link");
	add_fd(WATCH_RET, 3, 0100644, "/etc/secret");
	ev = put(e);
	assert_field(ev, "fd.name", "/tmp/link");
	assert_field(enrich_again(e), "fd.name", "/tmp/public");
	assert_field(enrich_again(e), "fd.name", "/etc/secret");
	assert_null(enrich_again(e));

	call_of(50, "nc", "connect", -EHOSTUNREACH)->arg[0] = 5;
	inet_pton(AF_INET, "192.0.2.7", &then.sin_addr);
	inet_pton(AF_INET, "192.0.2.8", &now.sin_addr);
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_ADDR, 1, &now, sizeof(now));
	part(WATCH_P_GIVEN, 1, &then, sizeof(then));
	assert_field(put(e), "fd.name", "0.0.0.0:0->192.0.2.7:4301");
	assert_field(enrich_again(e), "fd.name", "0.0.0.0:0->192.0.2.8:4302");
	assert_null(enrich_again(e));
	enrich_free(e);
}

static void two_paths(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	call_of(50, "mv", "renameat2", 0)->arg[4] = 1;
	text(WATCH_P_PATH, 1, "a");
	text(WATCH_P_BASE, 1, "/srv");
	text(WATCH_P_PATH, 3, "/b/../c");
	ev = put(e);
	assert_field(ev, "fs.path.source", "/srv/a");
	assert_field(ev, "fs.path.target", "/c");
	assert_field(ev, "fs.path.targetraw", "/b/../c");
	assert_no_field(ev, "fs.path.name");
	assert_field(ev, "evt.arg.oldpath", "/srv/a");
	assert_field(ev, "evt.arg.newpath", "/b/../c");
	assert_field(ev, "evt.arg.flags", "RENAME_NOREPLACE");
	assert_no_field(ev, "fd.name");
	enrich_free(e);
}

static void connection(void **state)
{
	struct enrich *e = fresh();
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = SOCK_STREAM,
			      .protocol = IPPROTO_TCP,
			      .state = 1,
			      .lport = 40000,
			      .rport = 443,
			      .laddr = { 10, 0, 0, 2 },
			      .raddr = { 93, 184, 216, 34 } };
	const struct event *ev;

	(void)state;
	call_of(50, "curl", "connect", 0)->arg[0] = 5;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	ev = put(e);
	assert_field(ev, "fd.name", "10.0.0.2:40000->93.184.216.34:443");
	assert_field(ev, "fd.type", "ipv4");
	assert_field(ev, "fd.l4proto", "tcp");
	assert_field(ev, "fd.sip", "93.184.216.34");
	assert_field(ev, "fd.sport", "443");
	assert_field(ev, "fd.cport", "40000");
	assert_field(ev, "fd.rip", "93.184.216.34");
	assert_field(ev, "fd.lport", "40000");
	assert_field(ev, "fd.ip", "10.0.0.2 93.184.216.34");
	assert_field(ev, "fd.connected", "1");
	assert_field(ev, "fd.is_server", "0");
	assert_field(ev, "evt.arg.fd", "<4t>10.0.0.2:40000->93.184.216.34:443");
	/* The same socket on the side that accepted, with addresses of IPv6. */
	d.family = AF_INET6;
	memset(d.laddr, 0, sizeof(d.laddr));
	memset(d.raddr, 0, sizeof(d.raddr));
	d.laddr[15] = 1;
	memcpy(d.raddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x03", 16);
	call_of(51, "nginx", "accept4", 6);
	part(WATCH_P_FD, WATCH_RET, &d, sizeof(d));
	ev = put(e);
	assert_field(ev, "fd.name", "10.0.0.3:443->::1:40000");
	assert_field(ev, "fd.is_server", "1");
	assert_field(ev, "fd.num", "6");
	enrich_free(e);
}

/* A record of a DNS message over UDP, from or to port 53. */
static void dns_of(const char *call, const void *message, size_t len)
{
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = SOCK_DGRAM,
			      .protocol = IPPROTO_UDP,
			      .lport = 40000,
			      .rport = 53,
			      .laddr = { 10, 0, 0, 2 },
			      .raddr = { 10, 0, 0, 1 } };

	call_of(50, "curl", call, (int64_t)len)->arg[0] = 5;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_DATA, 1, message, len);
}

#define QUESTION     "\4WWW1\7example\3com\0\0\1\0\1"
#define ANSWER(data) "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" data

static void dns(void **state)
{
	static const char question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION;
	static const char answer[] = "\x12\x34\x81\x80\0\1\0\2\0\0\0\0" QUESTION ANSWER(
		"\xa9\xfe\xa9\xfe") ANSWER("\12\0\0\7");
	static const char loop[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1";
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	dns_of("sendto", question, sizeof(question) - 1);
	ev = put(e);
	assert_field(ev, "dns.name", "www1.example.com");
	assert_field(ev, "dns.domains", "www1.example.com example.com com");
	assert_field(ev, "dns.type", "A");
	assert_field(ev, "dns.is_response", "0");
	assert_null(ask(ev, "dns.addresses"));
	dns_of("recvfrom", answer, sizeof(answer) - 1);
	ev = put(e);
	assert_field(ev, "dns.is_response", "1");
	assert_field(ev, "dns.addresses", "169.254.169.254 10.0.0.7");
	/* Cut off at every byte: no value, or that of what is there. */
	for (size_t len = 0; len < sizeof(answer) - 1; len++) {
		dns_of("recvfrom", answer, len);
		ev = put(e);
		ask(ev, "dns.addresses");
		if (len < 12 + sizeof(QUESTION) - 1)
			assert_null(ask(ev, "dns.name"));
	}
	dns_of("sendto", loop, sizeof(loop) - 1);
	assert_null(ask(put(e), "dns.name"));
	enrich_free(e);
}

/* Lists stay until the next event, whatever is asked meanwhile. */
static void two_lists(void **state)
{
	struct enrich *e = fresh();
	struct ev_values names = { 0 }, pids = { 0 };
	struct ev_ref name = { .field = ev_field_at(EV_PROC_ANAME), .arg = EV_ARG_NONE };
	struct ev_ref pid = { .field = ev_field_at(EV_PROC_APID), .arg = EV_ARG_NONE };
	const struct event *ev;

	(void)state;
	exec_of(50, "/bin/parent", "parent", 7, "/");
	put(e);
	fork_of(50, 51, "parent");
	put(e);
	exec_of(51, "/bin/child", "child", 6, "/");
	ev = put(e);
	assert_true(ev->ops->read(ev, &name, &names) && ev->ops->read(ev, &pid, &pids));
	assert_int_equal(names.v[0].s.len, 6);
	assert_memory_equal(names.v[0].s.p, "parent", 6);
	assert_int_equal(pids.v[0].i, 50);
	enrich_free(e);
}

/* What is open as the first descriptors of a program that is executed. */
static void stdio(void **state)
{
	struct watch_fd d = { .fd = 0,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = SOCK_STREAM,
			      .protocol = IPPROTO_TCP,
			      .lport = 40000,
			      .rport = 4444,
			      .laddr = { 10, 0, 0, 2 },
			      .raddr = { 192, 0, 2, 7 } };
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	exec_of(50, "/bin/sh", "sh", 3, "/");
	part(WATCH_P_FD, 0, &d, sizeof(d));
	add_fd(1, 1, 0100644, "/tmp/out");
	ev = put(e);
	assert_field(ev, "proc.stdin.type", "ipv4");
	assert_field(ev, "proc.stdout.type", "file");
	assert_field(ev, "proc.stdout.name", "/tmp/out");
	assert_null(ask(ev, "proc.stderr.type"));
	assert_null(ask(ev, "fd.name"));
	assert_field(ev, "proc.is_exe_deleted", "0");
	assert_field(ev, "user.ruid", "0");

	/* Streams without a name: a pipe from a neighbour, one end of a pair of sockets. */
	exec_of(50, "/bin/sh", "sh", 3, "/");
	d = (struct watch_fd){ .fd = 0, .mode = 0010600, .ino = 4711 };
	part(WATCH_P_FD, 0, &d, sizeof(d));
	d = (struct watch_fd){ .fd = 1, .mode = 0140777, .ino = 4712, .family = AF_UNIX };
	part(WATCH_P_FD, 1, &d, sizeof(d));
	ev = put(e);
	assert_field(ev, "proc.stdin.type", "pipe");
	assert_field(ev, "proc.stdin.name", "pipe:[4711]");
	assert_field(ev, "proc.stdout.type", "unix");
	assert_field(ev, "proc.stdout.name", "socket:[4712]");
	enrich_free(e);
}

/* A datagram of a socket that is not connected, to or from 192.0.2.`host`. */
static const struct event *datagram(struct enrich *e, const char *call, uint64_t ino, uint8_t host,
				    uint16_t peer_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(peer_port) };
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .ino = ino,
			      .family = AF_INET,
			      .type = SOCK_DGRAM,
			      .protocol = IPPROTO_UDP,
			      .lport = 40000 };

	sa.sin_addr.s_addr = htonl(0xc0000200u | host);
	call_of(50, "nc", call, 3)->arg[0] = 5;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_ADDR, 4, &sa, sizeof(sa));
	return put(e);
}

/* fd.name_changed: the first message, and each to or from somebody else than the one before. */
static void peers(void **state)
{
	static const struct {
		const char *call;
		uint64_t ino;
		uint8_t host;
		uint16_t port;
		const char *changed;
	} rows[] = {
		{ "sendto", 7, 1, 4444, "1" },	 { "sendto", 7, 1, 4444, "0" },
		{ "recvfrom", 7, 1, 4444, "0" }, { "recvfrom", 7, 2, 4444, "1" },
		{ "sendto", 7, 2, 4445, "1" },	 { "sendto", 8, 2, 4445, "1" },
		{ "sendto", 7, 2, 4445, "0" },
	};
	struct enrich *e = fresh();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct event *ev = datagram(e, rows[i].call, rows[i].ino, rows[i].host,
						  rows[i].port);

		assert_field(ev, "fd.name_changed", rows[i].changed);
		assert_field(ev, "fd.connected", "0");
	}
	enrich_free(e);
}

static int fact(struct enrich *e, const char *text)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct err err;

	assert_int_equal(json_parse(&d, "fact", text, strlen(text), &err), 0);
	return enrich_fact(e, "name", &d, &err);
}

/* Names that were learned of addresses; a thread learns them of the resolver. */
static void names(void **state)
{
	struct enrich *e = fresh();
	const char *const ask_for[] = { "localhost" };
	const struct event *ev;

	(void)state;
	ev = datagram(e, "sendto", 7, 1, 4444);
	assert_field(ev, "fd.sip.name", ""); /* an address without a name */
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2.1\",\"name\":\"b.test\"}}"), 0);
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2.1\",\"name\":\"a.test\"}}"), 0);
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2.1\",\"name\":\"a.test\"}}"), 0);
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"::1\",\"name\":\"six.test\"}}"), 0);
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2\",\"name\":\"a.test\"}}"),
			 -EINVAL);
	assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2.1\"}}"), -ENOENT);
	ev = datagram(e, "sendto", 7, 1, 4444);
	assert_field(ev, "fd.sip.name", "a.test b.test");
	assert_field(ev, "fd.rip.name", "a.test b.test");
	assert_field(ev, "fd.cip.name", "");
	call_of(50, "nc", "close", 0);
	assert_no_field(put(e), "fd.sip.name");
	for (int i = 0; i < 2; i++)
		assert_int_equal(fact(e, "{\"name\":{\"address\":\"192.0.2.1\",\"name\":\"a.test\","
					 "\"gone\":true}}"),
				 0);
	ev = datagram(e, "sendto", 7, 1, 4444);
	assert_field(ev, "fd.sip.name", "b.test");
	enrich_free(e);

	e = fresh();
	assert_int_equal(enrich_ask_names(e, ask_for, 1), 0);
	for (int i = 0; i < 400; i++) {
		struct watch_fd d = { .fd = 5,
				      .mode = 0140777,
				      .family = AF_INET,
				      .type = SOCK_STREAM,
				      .protocol = IPPROTO_TCP,
				      .rport = 80,
				      .raddr = { 127, 0, 0, 1 } };

		enrich_take_names(e);
		call_of(50, "nc", "connect", 0)->arg[0] = 5;
		part(WATCH_P_FD, 0, &d, sizeof(d));
		ev = put(e);
		if (*ask(ev, "fd.sip.name"))
			break;
		usleep(5000);
	}
	assert_field(ev, "fd.sip.name", "localhost");
	assert_int_equal(enrich_ask_names(e, NULL, 0), 0);
	enrich_free(e);
}

static void refused_connection(void **state)
{
	struct enrich *e = fresh();
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(4444) };
	struct watch_fd d = { .fd = 5,
			      .mode = 0140777,
			      .family = AF_INET,
			      .type = SOCK_STREAM,
			      .protocol = IPPROTO_TCP,
			      .lport = 40000 };
	const struct event *ev;

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &sa.sin_addr);
	call_of(50, "nc", "connect", -ECONNREFUSED)->arg[0] = 5;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_ADDR, 1, &sa, sizeof(sa));
	ev = put(e);
	assert_field(ev, "fd.name", "0.0.0.0:40000->192.0.2.7:4444");
	assert_field(ev, "fd.sport", "4444");
	assert_field(ev, "evt.res", "ECONNREFUSED");

	/* As the kernel leaves a socket whose connection was waited for. */
	d.lport = 0;
	inet_pton(AF_INET, "192.0.2.7", d.raddr);
	call_of(50, "nc", "connect", -ECONNREFUSED)->arg[0] = 5;
	part(WATCH_P_FD, 0, &d, sizeof(d));
	part(WATCH_P_ADDR, 1, &sa, sizeof(sa));
	ev = put(e);
	assert_field(ev, "fd.name", "0.0.0.0:0->192.0.2.7:4444");
	assert_field(ev, "fd.sport", "4444");
	enrich_free(e);
}

/* ---- containers */

static void container_ids(void **state)
{
	static const struct {
		const char *cgroup;
		int engine; /* -1: the host */
	} rows[] = {
		{ "/", -1 },
		{ "/user.slice/user-0.slice/session-1.scope", -1 },
		{ "/docker/" ID, CONTAINER_DOCKER },
		{ "/system.slice/docker-" ID ".scope", CONTAINER_DOCKER },
		{ "/machine.slice/libpod-" ID ".scope/container", CONTAINER_PODMAN },
		{ "/machine.slice/libpod-payload-" ID, CONTAINER_PODMAN },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", CONTAINER_CRIO },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		  CONTAINER_CONTAINERD },
		{ "/system.slice/kubepods-pod1.slice:cri-containerd:" ID, CONTAINER_CONTAINERD },
		{ "/ecs/task/" ID, CONTAINER_DOCKER },
		{ "/kubepods/burstable/pod1/" ID, CONTAINER_UNKNOWN },
		{ "/docker/" ID "/init.scope", CONTAINER_DOCKER },
		{ "/docker/" ID "0", -1 },
		{ "/docker/0123456789abcdef", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char id[CONTAINER_ID_MAX] = "";
		enum container_engine engine;
		bool found = container_id_of(rows[i].cgroup, id, &engine);

		if (found != (rows[i].engine >= 0) ||
		    (found &&
		     (engine != (enum container_engine)rows[i].engine || strcmp(id, ID) != 0)))
			fail_msg("%s: %d %s", rows[i].cgroup, found ? (int)engine : -1, id);
	}
}

static void write_file(const char *folder, const char *name, const char *content)
{
	char path[512];
	struct err e = { 0 };

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(io_write_file(path, content, strlen(content), &e), 0);
}

static void docker_files(void **state)
{
	char root[] = "/tmp/boltseal-enrich-XXXXXX", folder[512], command[600];
	struct enrich_options o = { .places = { root, "/nonexistent", "/nonexistent",
						"/nonexistent" } };
	struct enrich *e;
	const struct event *ev;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/containers", root);
	mkdir(folder, 0700);
	snprintf(folder, sizeof(folder), "%s/containers/" ID, root);
	mkdir(folder, 0700);
	write_file(folder, "config.v2.json",
		   "{\"Name\":\"/web\",\"Image\":\"sha256:12\",\"Config\":{\"Image\":"
		   "\"registry:5000/team/web:1.2\",\"Labels\":{\"io.kubernetes.pod.name\":\"p\","
		   "\"io.kubernetes.pod.namespace\":\"n\",\"team\":\"red\"}},\"MountPoints\":{"
		   "\"/data\":{\"Source\":\"/srv/data\",\"RW\":true,\"Relabel\":\"z\"}}}");
	write_file(folder, "hostconfig.json",
		   "{\"Privileged\":true,\"PidMode\":\"host\",\"NetworkMode\":\"none\","
		   "\"IpcMode\":\"private\"}");
	e = enrich_new(&o);
	exec_of(50, "/bin/sh", "sh", 3, CGROUP);
	ev = put(e);
	assert_field(ev, "container.id", "0123456789ab");
	assert_field(ev, "container.full_id", ID);
	assert_field(ev, "container.name", "web");
	assert_field(ev, "container.type", "docker");
	assert_field(ev, "container.image", "registry:5000/team/web:1.2");
	assert_field(ev, "container.image.repository", "registry:5000/team/web");
	assert_field(ev, "container.image.tag", "1.2");
	assert_field(ev, "container.privileged", "1");
	assert_field(ev, "container.host_pid", "1");
	assert_field(ev, "container.host_network", "0");
	assert_field(ev, "container.mount.dest[/srv/*]", "/data");
	assert_field(ev, "container.mount.source[/data]", "/srv/data");
	assert_field(ev, "container.mounts", "/srv/data:/data:z:true:");
	assert_field(ev, "container.label[team]", "red");
	assert_field(ev, "k8s.pod.name", "p");
	assert_field(ev, "k8s.ns.name", "n");
	/* What a container starts is in it. */
	fork_of(50, 51, "sh");
	ev = put(e);
	assert_field(ev, "container.name", "web");
	enrich_free(e);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* Images that are named by their id, or have a digest. */
static void docker_images(void **state)
{
#define HASH "sha256:aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
	static const struct {
		const char *given, *image, *repository, *tag, *digest;
	} cases[] = {
		{ "registry:5000/team/web:1", "registry:5000/team/web:1", "registry:5000/team/web",
		  "1", "sha256:77" },
		{ "other:2", "other:2", "other", "2", NULL },
		{ HASH, "registry:5000/team/web:1", "registry:5000/team/web", "1", "sha256:77" },
		{ "aaaaaaaaaaaa", "registry:5000/team/web:1", "registry:5000/team/web", "1",
		  "sha256:77" },
		{ "aaaaaaaaaaab", "aaaaaaaaaaab", "aaaaaaaaaaab", NULL, NULL }, /* a name */
	};
	char root[] = "/tmp/boltseal-enrich-XXXXXX", folder[512], text[1024], command[600];
	struct enrich_options o = { .places = { root, "/nonexistent", "/nonexistent",
						"/nonexistent" } };

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p %s/containers/%s %s/image/vfs", root, ID,
		 root);
	assert_int_equal(system(command), 0);
	snprintf(folder, sizeof(folder), "%s/image/vfs", root);
	write_file(folder, "repositories.json",
		   "{\"Repositories\":{\"registry:5000/team/web\":{\"registry:5000/team/"
		   "web:1\":\"" HASH "\",\"registry:5000/team/web@sha256:77\":\"" HASH
		   "\"},\"broken\":7}}");
	snprintf(folder, sizeof(folder), "%s/containers/" ID, root);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct enrich *e;
		const struct event *ev;

		snprintf(text, sizeof(text),
			 "{\"Name\":\"/web\",\"Image\":\"" HASH "\",\"Driver\":\"vfs\","
			 "\"Config\":{\"Image\":\"%s\"}}",
			 cases[i].given);
		write_file(folder, "config.v2.json", text);
		e = enrich_new(&o);
		exec_of(50, "/bin/sh", "sh", 3, CGROUP);
		ev = put(e);
		assert_field(ev, "container.image", cases[i].image);
		assert_field(ev, "container.image.repository", cases[i].repository);
		if (cases[i].tag)
			assert_field(ev, "container.image.tag", cases[i].tag);
		else
			assert_no_field(ev, "container.image.tag");
		if (cases[i].digest)
			assert_field(ev, "container.image.digest", cases[i].digest);
		else
			assert_no_field(ev, "container.image.digest");
		enrich_free(e);
	}
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* An engine in a pod's container: whose the pod is, and why no more is known. */
static void nested_container(void **state)
{
#define INNER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	char root[] = "/tmp/boltseal-enrich-XXXXXX", folder[512], command[600];
	struct enrich_options o = { .places = { "/nonexistent", "/nonexistent", root,
						"/nonexistent" } };
	struct enrich *e;
	const struct event *ev;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/vfs-containers/" ID "/userdata", root);
	snprintf(command, sizeof(command), "mkdir -p %s", folder);
	assert_int_equal(system(command), 0);
	write_file(folder, "config.json",
		   "{\"annotations\":{\"io.kubernetes.cri-o.ImageRef\":\"77\","
		   "\"io.kubernetes.cri-o.KubeName\":\"build-0\","
		   "\"io.kubernetes.cri-o.Namespace\":\"ci\","
		   "\"io.kubernetes.container.name\":\"dind\"}}");
	snprintf(folder, sizeof(folder), "%s/vfs-images", root);
	mkdir(folder, 0700);
	write_file(folder, "images.json",
		   "[7,{\"id\":\"76\",\"digest\":\"sha256:1\"},{\"id\":\"77\",\"digest\":\"sha256:"
		   "2\"}]");
	e = enrich_new(&o);
	exec_of(50, "/bin/dockerd", "dockerd\0--data-root\0/srv", 24,
		"/kubepods.slice/crio-" ID ".scope");
	ev = put(e);
	assert_field(ev, "container.name", "dind");
	assert_field(ev, "container.image.digest", "sha256:2");
	assert_string_equal(enrich_process(e)->container->missing,
			    "its image does not stand in the engine's files");
	exec_of(51, "/bin/sh", "sh", 3, "/kubepods.slice/crio-" ID ".scope/docker/" INNER);
	ev = put(e);
	assert_field(ev, "container.id", "fedcba987654");
	assert_no_field(ev, "container.name");
	assert_field(ev, "k8s.pod.name", "build-0");
	assert_field(ev, "k8s.ns.name", "ci");
	assert_string_equal(enrich_process(e)->container->missing,
			    "it was started in container 0123456789ab, dind, by an engine whose "
			    "files are not read");
	enrich_free(e);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

/* ---- users of a container that made its files itself */

static int open_passwd(const char *path, int flags, void *file)
{
	int fd = strstr(path, "passwd") ? open(file, flags | O_CLOEXEC) : -1;

	return fd < 0 ? -ENOENT : fd;
}

static void odd_passwd(void **state)
{
	char root[] = "/tmp/boltseal-enrich-XXXXXX", path[128], command[600];
	struct outside o = { .open = open_passwd, .opener = path };
	struct users *u = users_new(&o);
	const struct user *found;
	struct stat st;
	FILE *f;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p %s/root/etc %s/root/run", root, root);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/root/run/passwd", root);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "\n:::\nbad\nx:x\nnoid:x::\nneg:x:-1:\nbig:x:4294967299:\nweb:x:33:33:::\n");
	while (ftell(f) < 1024 * 1024 - 9)
		fputs(ftell(f) < 1000000 ? "filler:x:99999:9:filler:/nowhere:/bin/false\n" : "\n",
		      f);
	fputs("cut:x:7777:0::/:\n", f); /* the mebibyte ends behind "cut:x:777" */
	fclose(f);
	found = users_find(u, 1, 1, 33);
	assert_non_null(found);
	assert_string_equal(found->name, "web");
	assert_null(users_find(u, 1, 1, 3));
	assert_null(users_find(u, 1, 1, 777));
	/* Many containers with such files do not fill the memory, and find theirs again. */
	for (uint64_t key = 2; key < 100; key++)
		assert_non_null(users_find(u, 1, key, 33));
	assert_non_null(users_find(u, 1, 1, 33));
	users_free(u);

	/* Links lead to files of the container, and nowhere else. */
	snprintf(command, sizeof(command),
		 "ln -s /run/passwd %s/root/etc/passwd; "
		 "ln -s /../../../../../../etc/hosts %s/root/etc/group",
		 root, root);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/root/etc/passwd", root);
	fd = outside_open_in_root(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size > 1000000);
	close(fd);
	snprintf(path, sizeof(path), "%s/root/etc/group", root);
	assert_int_equal(outside_open_in_root(path, O_RDONLY), -ENOENT);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

static void unknown_container(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	exec_of(50, "/bin/sh", "sh", 3, CGROUP);
	ev = put(e);
	assert_field(ev, "container.id", "0123456789ab");
	assert_no_field(ev, "container.name");
	assert_no_field(ev, "container.privileged");
	enrich_free(e);
}

/* ---- records from elsewhere */

static void invalid_records(void **state)
{
	struct watch_part *p;

	(void)state;
	call_of(50, "cat", "openat", 3);
	text(WATCH_P_PATH, 1, "/etc/shadow");
	assert_true(record_is_valid(&made, made.rec.size));
	assert_false(record_is_valid(&made, made.rec.size - 8));
	assert_false(record_is_valid(&made, sizeof(made.rec) - 1));
	p = (struct watch_part *)(void *)(&made.rec + 1);
	p->len = 60000;
	assert_false(record_is_valid(&made, made.rec.size));
	p->len = 11;
	p->kind = WATCH_P_FD; /* too short for a description */
	assert_false(record_is_valid(&made, made.rec.size));
	made.rec.kind = 99;
	assert_false(record_is_valid(&made, made.rec.size));
}

/* Lines of facts, as a capture has them. */
static void take_facts(struct enrich *e, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		cleanup_json_doc struct json_doc d = { 0 };
		char name[16] = "";
		struct err err;

		sscanf(lines, "{\"%15[a-z]", name);
		assert_int_equal(json_parse(&d, "t", lines, len, &err), 0);
		if (enrich_fact(e, name, &d, &err) < 0)
			fail_msg("%s", err.msg);
		lines += len + 1;
	}
}

static void collect(const char *json, void *out)
{
	buf_printf(out, "%s\n", json);
}

static void told(struct enrich *e, struct buf *out)
{
	enrich_tell(e, collect, out);
	enrich_tell_known(e);
	enrich_tell(e, NULL, NULL);
}

/* What is known when a capture begins makes another one know the same. */
static void told_later(void **state)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct enrich_options offline = { .outside.offline = true };
	struct enrich *a = enrich_new(&offline), *b = enrich_new(&offline);
	cleanup_buf struct buf facts = { 0 }, one = { 0 }, two = { 0 };

	(void)state;
	buf_printf(&facts,
		   "{\"container\":{\"id\":\"%s\",\"engine\":\"docker\",\"name\":\"web\"}}\n"
		   "{\"name\":{\"address\":\"192.0.2.1\",\"name\":\"a.example\"}}\n"
		   "{\"process\":{\"pid\":1,\"start\":1,\"comm\":\"init\",\"cwd\":\"/\"}}\n"
		   "{\"process\":{\"pid\":8200,\"ppid\":1,\"start\":2,\"comm\":\"ended\"}}\n"
		   "{\"process\":{\"pid\":8201,\"ppid\":1,\"start\":2,\"comm\":\"replaced\"}}\n"
		   "{\"process\":{\"pid\":20,\"ppid\":8200,\"start\":3,\"comm\":\"cat\","
		   "\"argv\":[\"cat\",\"x\"],\"cgroup\":\"/docker/%s\"}}\n"
		   "{\"process\":{\"pid\":21,\"ppid\":8201,\"start\":3,\"comm\":\"dog\"}}\n"
		   "{\"gone\":{\"pid\":8200}}\n"
		   "{\"process\":{\"pid\":8201,\"ppid\":1,\"start\":4,\"comm\":\"new\"}}\n",
		   id, id);
	take_facts(a, buf_str(&facts));
	told(a, &one);
	assert_non_null(strstr(buf_str(&one), "\"name\":\"web\""));
	assert_non_null(strstr(buf_str(&one), "a.example"));
	assert_non_null(strstr(buf_str(&one), "\"pid\":20,\"ppid\":8200"));
	assert_non_null(strstr(buf_str(&one), "{\"gone\":{\"pid\":8200}}"));
	/* Somebody else has the number of its parent. */
	assert_null(strstr(buf_str(&one), "\"ppid\":8201"));
	assert_null(strstr(buf_str(&one), "replaced"));
	take_facts(b, buf_str(&one));
	told(b, &two);
	assert_string_equal(buf_str(&one), buf_str(&two));
	assert_null(processes_find(b->processes, 8200));
	assert_string_equal(process_ancestor(processes_find(b->processes, 20), 1)->comm, "ended");
	enrich_free(a);
	enrich_free(b);
}

/* A capture of days has more users than are known at one time. */
static void many_users(void **state)
{
	struct enrich_options offline = { .outside.offline = true };
	struct enrich *e = enrich_new(&offline);
	char line[96];

	(void)state;
	for (unsigned uid = 0; uid < 100000; uid++) {
		snprintf(line, sizeof(line), "{\"user\":{\"uid\":%u,\"name\":\"u%u\"}}\n", uid,
			 uid);
		take_facts(e, line);
	}
	assert_null(users_find(e->users, 1, 0, 1));
	assert_string_equal(users_find(e->users, 1, 0, 99999)->name, "u99999");
	assert_string_equal(users_find(e->users, 1, 0, 99999 - 32768)->name, "u67231");
	take_facts(e, "{\"user\":{\"uid\":67231}}\n");
	assert_null(users_find(e->users, 1, 0, 67231));
	enrich_free(e);
}

/* Labels are chosen by who made the image; a line of a capture has a mebibyte at most. */
static void large_labels(void **state)
{
	struct enrich_options offline = { .outside.offline = true };
	struct enrich *e = enrich_new(&offline);
	cleanup_buf struct buf line = { 0 }, out = { 0 };
	const char *newline;

	(void)state;
	buf_puts(&line, "{\"container\":{\"id\":\"" ID "\",\"name\":\"web\",\"pod_name\":\"");
	for (unsigned i = 0; i < 2000000; i++)
		buf_putc(&line, 'p');
	buf_puts(&line, "\",\"labels\":{\"first\":\"1\",\"large\":\"");
	for (unsigned i = 0; i < 2000000; i++)
		buf_putc(&line, 'x');
	buf_puts(&line, "\",\"last\":\"2\"},\"mounts\":[{\"dest\":\"/srv\"}]}}\n");
	take_facts(e, buf_str(&line));
	told(e, &out);
	newline = strchr(buf_str(&out), '\n');
	assert_non_null(newline);
	assert_in_range(newline - buf_str(&out), 100, 1024 * 1024);
	assert_non_null(strstr(buf_str(&out),
			       "\"name\":\"web\",\"labels\":{\"first\":\"1\",\"last\":\"2\"},"
			       "\"mounts\":[{\"dest\":\"/srv\""));
	assert_string_equal(newline + 1,
			    "{\"note\":\"container 0123456789ab: 2 of its names, labels "
			    "and mounts are left out, its line would be too long\"}\n");
	enrich_free(e);
}

/* A row of processes of which each has begun the next: parents are told before their children. */
static void long_row(void **state)
{
	enum { ROW = 20000 };
	struct enrich_options offline = { .outside.offline = true };
	struct enrich *e = enrich_new(&offline);
	cleanup_buf struct buf out = { 0 };
	const char *at;
	char line[96];

	(void)state;
	for (unsigned i = 1; i <= ROW; i++) {
		/* The last one is found first. */
		snprintf(line, sizeof(line), "{\"process\":{\"pid\":%u,\"ppid\":%u,\"start\":1}}\n",
			 8192 * 4 - i, i > 1 ? 8192 * 4 - i + 1 : 0);
		take_facts(e, line);
	}
	told(e, &out);
	at = buf_str(&out);
	for (unsigned i = 1; i <= ROW; i++) {
		snprintf(line, sizeof(line), "{\"process\":{\"pid\":%u,", 8192 * 4 - i);
		if (strncmp(at, line, strlen(line)) != 0)
			fail_msg("%u: %.40s", i, at);
		at = strchr(at, '\n') + 1;
	}
	enrich_free(e);
}

/* Numbers that only a capture made by hand has, or a file of a time before all others. */
static void extreme_numbers(void **state)
{
	struct enrich *e = fresh();
	const struct event *ev;

	(void)state;
	fork_of(1, 50, "sh");
	put(e);
	call_of(50, "sh", "openat", INT64_MIN);
	ev = put(e);
	assert_field(ev, "evt.res", "9223372036854775808");
	assert_field(ev, "evt.arg.fd", "-9223372036854775808");
	call_of(50, "sh", "openat", -4294967298);
	assert_field(put(e), "evt.res", "4294967298");
	call_of(50, "sh", "utimensat", 0)->arg[WATCH_AT_MTIME] = (uint64_t)(INT64_MIN + 1);
	assert_field(put(e), "evt.rawarg.mtime_age", "9223372036854775807");
	enrich_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ancestors),
		cmocka_unit_test(ended_ancestors),
		cmocka_unit_test(reused_pid),
		cmocka_unit_test(many_processes),
		cmocka_unit_test(walking_process),
		cmocka_unit_test(lost_records),
		cmocka_unit_test(signalled),
		cmocka_unit_test(opened),
		cmocka_unit_test(opened_by_link),
		cmocka_unit_test(opened_in_ring),
		cmocka_unit_test(not_opened),
		cmocka_unit_test(given),
		cmocka_unit_test(two_paths),
		cmocka_unit_test(connection),
		cmocka_unit_test(dns),
		cmocka_unit_test(two_lists),
		cmocka_unit_test(stdio),
		cmocka_unit_test(peers),
		cmocka_unit_test(changes),
		cmocka_unit_test(names),
		cmocka_unit_test(container_ancestors),
		cmocka_unit_test(refused_connection),
		cmocka_unit_test(container_ids),
		cmocka_unit_test(docker_files),
		cmocka_unit_test(docker_images),
		cmocka_unit_test(nested_container),
		cmocka_unit_test(odd_passwd),
		cmocka_unit_test(unknown_container),
		cmocka_unit_test(invalid_records),
		cmocka_unit_test(told_later),
		cmocka_unit_test(many_users),
		cmocka_unit_test(large_labels),
		cmocka_unit_test(long_row),
		cmocka_unit_test(extreme_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
