#include "sensor/record_ptrace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/version.h"
#include "sensor/record_ptrace_private.h"

enum { WAKE_NS = 250 * 1000 * 1000, DETACH_WAKES = 40 };

struct record_ptrace_keep {
	struct pt_recorder *r;
};

static struct pt_task **bucket(struct pt_recorder *r, pid_t tid)
{
	return &r->tasks[(unsigned)tid & (PT_TASK_BUCKETS - 1)];
}

struct pt_task *pt_task_find(struct pt_recorder *r, pid_t tid)
{
	struct pt_task *t = *bucket(r, tid);

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

struct pt_task *pt_task_new(struct pt_recorder *r, pid_t tid)
{
	struct pt_task *t = xcalloc(1, sizeof(*t));

	t->tid = tid;
	t->program = -1;
	t->next = *bucket(r, tid);
	*bucket(r, tid) = t;
	r->tasks_n++;
	return t;
}

static void task_drop(struct pt_recorder *r, struct pt_task *t)
{
	struct pt_task **at = bucket(r, t->tid);

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	pt_pending_clear(&t->pend);
	free(t);
	r->tasks_n--;
}

static void recorder_free(struct pt_recorder *r)
{
	for (size_t i = 0; i < PT_TASK_BUCKETS; i++)
		while (r->tasks[i])
			task_drop(r, r->tasks[i]);
	if (r->failed_fd >= 0)
		close(r->failed_fd);
	free(r);
}

/* Every stop ends here. A task that died meanwhile tells so by its wait status. */
static void resume(const struct pt_recorder *r, const struct pt_task *t, int sig)
{
	bool stops = r->recording && !t->quiet && (r->filter ? t->want_exit : true);

	ptrace(stops ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0, sig);
}

static void on_entry(struct pt_recorder *r, struct pt_task *t, uint32_t arch, uint64_t nr,
		     const void *raw)
{
	uint64_t args[SC_MAX_ARGS];
	int abi = pt_abi(arch, &nr);

	memcpy(args, raw, sizeof(args));
	t->want_exit = false;
	if (t->quiet)
		return;
	if (abi < 0) {
		if (r->recording)
			pt_lost(r, "calls");
		return;
	}
	if (r->recording)
		pt_entry(r, t, (enum sc_abi)abi, (uint32_t)nr, args);
	pt_keep_traced(r, t->tid, (enum sc_abi)abi, nr, args);
}

static void on_syscall(struct pt_recorder *r, struct pt_task *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0)
		return;
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_ENTRY:
		on_entry(r, t, info.arch, info.entry.nr, info.entry.args);
		break;
	case PTRACE_SYSCALL_INFO_SECCOMP:
		on_entry(r, t, info.arch, info.seccomp.nr, info.seccomp.args);
		break;
	case PTRACE_SYSCALL_INFO_EXIT:
		if (r->recording && !t->quiet)
			pt_exit(r, t, info.exit.rval);
		break;
	}
}

static pid_t event_pid(pid_t tid)
{
	unsigned long v = 0;

	return ptrace(PTRACE_GETEVENTMSG, tid, 0, &v) ? 0 : (pid_t)v;
}

/* Our own child executed the command: the recording begins with this call. */
static void on_command(struct pt_recorder *r, struct pt_task *t)
{
	enum sc_abi abi = PT_NATIVE_ABI;
	struct wl_syscall *s;

	pt_exec(r, t, &t->pend);
	t->quiet = r->starting = false;
	s = wl_syscall_add(r->w, abi, (uint32_t)sc_nr(abi, "execve"));
	wl_prov_add(&s->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
	if (!r->filter) /* refused by the kernel: nothing to protect the processes from */
		ptrace(PTRACE_SETOPTIONS, t->tid, 0, PT_OPTIONS);
}

/*
 * execve by another thread than the leader: the caller takes the leader's id over, the other
 * threads are gone (ptrace(2), "execve(2) under ptrace").
 */
static void on_exec(struct pt_recorder *r, struct pt_task *t)
{
	pid_t former = event_pid(t->tid);
	struct pt_task *caller = former && former != t->tid ? pt_task_find(r, former) : NULL;

	if (caller) {
		pt_pending_clear(&t->pend);
		t->pend = caller->pend;
		t->program = caller->program;
		memset(&caller->pend, 0, sizeof(caller->pend));
		task_drop(r, caller);
	}
	t->want_exit = false;
	t->executed = true;
	if (r->recording) {
		if (t->quiet)
			on_command(r, t);
		else
			pt_exec(r, t, &t->pend);
	}
	t->quiet = false;
	pt_pending_clear(&t->pend);
}

/* Its child runs the same program, until it executes another one. */
static void on_child(struct pt_recorder *r, const struct pt_task *t)
{
	pid_t pid = event_pid(t->tid);
	struct pt_task *child;

	if (!pid)
		return;
	child = pt_task_find(r, pid);
	if (!child)
		child = pt_task_new(r, pid);
	if (!child->executed)
		child->program = t->program;
}

/*
 * A child may stop before its parent tells of it; its process or its parent is asked then. One
 * without any that is traced is looked up.
 */
static struct pt_task *early_child(struct pt_recorder *r, pid_t tid)
{
	struct pt_task *t = pt_task_new(r, tid), *from = NULL;
	struct task_creds c;

	if (!r->recording)
		return t;
	if (!task_creds_read(tid, &c))
		from = pt_task_find(r, c.tgid != tid ? c.tgid : c.ppid);
	t->program = from ? from->program : pt_program(r, tid);
	return t;
}

static bool stops_group(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void on_stop(struct pt_recorder *r, struct pt_task *t, int status)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case 0:
		if (sig != (SIGTRAP | 0x80))
			break; /* a signal for the task, which it gets */
		on_syscall(r, t);
		sig = 0;
		break;
	case PTRACE_EVENT_STOP:
		if (stops_group(sig)) {
			ptrace(PTRACE_LISTEN, t->tid, 0, 0);
			return;
		}
		sig = 0;
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_child(r, t);
		sig = 0;
		break;
	case PTRACE_EVENT_EXEC:
		on_exec(r, t);
		sig = 0;
		break;
	case PTRACE_EVENT_SECCOMP:
		r->filter = true;
		on_syscall(r, t);
		sig = 0;
		break;
	default:
		sig = 0;
	}
	resume(r, t, sig);
}

static void on_status(struct pt_recorder *r, pid_t tid, int status)
{
	struct pt_task *t = pt_task_find(r, tid);

	if (WIFSTOPPED(status)) {
		on_stop(r, t ? t : early_child(r, tid), status);
		return;
	}
	if (tid == r->command) {
		r->command_status = status;
		if (r->starting)
			r->command_failed = pt_start_failed(r);
		r->starting = false;
	}
	if (t)
		task_drop(r, t);
}

/* True when it was ended by *stop, false when nothing is left to be traced. */
static bool trace(struct pt_recorder *r, const volatile sig_atomic_t *stop)
{
	while (r->tasks_n) {
		int status;
		pid_t tid;

		if (stop && *stop && !r->starting)
			return true;
		tid = waitpid(-1, &status, __WALL);
		if (tid > 0)
			on_status(r, tid, status);
		else if (errno != EINTR)
			return false;
	}
	return false;
}

/* Asks every task to stop; one that is gone and has been waited for is forgotten. */
static void interrupt_all(struct pt_recorder *r)
{
	for (size_t i = 0; i < PT_TASK_BUCKETS; i++) {
		for (struct pt_task *t = r->tasks[i], *next; t; t = next) {
			next = t->next;
			if (ptrace(PTRACE_INTERRUPT, t->tid, 0, 0) && errno == ESRCH &&
			    kill(t->tid, 0))
				task_drop(r, t);
		}
	}
}

static void detach_one(struct pt_recorder *r, pid_t tid, int status)
{
	struct pt_task *t = pt_task_find(r, tid);
	int event = status >> 16, sig = WSTOPSIG(status);
	pid_t child;

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE) {
		child = event_pid(tid);
		if (child && !pt_task_find(r, child))
			pt_task_new(r, child);
	}
	if (event || sig == (SIGTRAP | 0x80))
		sig = 0;
	ptrace(PTRACE_DETACH, tid, 0, sig);
	if (t)
		task_drop(r, t);
}

/*
 * Leaves every task running, or stopped where it was. A task in an uninterruptible wait does not
 * stop; after ten seconds the rest is left to the kernel, which detaches when the tracer exits.
 */
static void detach_all(struct pt_recorder *r)
{
	unsigned wakes = 0;

	r->recording = false;
	interrupt_all(r);
	while (r->tasks_n && wakes < DETACH_WAKES) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno != EINTR)
			return;
		if (tid < 0)
			wakes++;
		else if (WIFSTOPPED(status))
			detach_one(r, tid, status);
		else
			on_status(r, tid, status);
	}
}

static void wake(int sig)
{
	(void)sig;
}

struct waker {
	bool set;
	timer_t timer;
	struct sigaction old;
};

/*
 * waitpid() sleeps on when the caller's signal comes between the look at *stop and the call; a
 * timer ends that sleep, and it bounds detaching.
 */
static void waker_start(struct waker *k)
{
	struct sigaction sa = { .sa_handler = wake };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMAX };
	struct itimerspec every = { { 0, WAKE_NS }, { 0, WAKE_NS } };
	sigset_t set;

	k->set = !timer_create(CLOCK_MONOTONIC, &ev, &k->timer);
	if (!k->set)
		return;
	sigaction(SIGRTMAX, &sa, &k->old);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	timer_settime(k->timer, 0, &every, NULL);
}

static void waker_stop(struct waker *k)
{
	if (!k->set)
		return;
	timer_delete(k->timer);
	sigaction(SIGRTMAX, &k->old, NULL);
}

/* PTRACE_GET_SYSCALL_INFO came with Linux 5.3. */
static int check_kernel(struct err *e)
{
	if (!version_kernel_at_least(5, 3))
		return err_set(e, ENOSYS,
			       "ptrace: this kernel is too old, Linux 5.3 or newer is needed");
	return 0;
}

static void finish(struct pt_recorder *r, const struct record_ptrace_options *o, bool stopped)
{
	if (!stopped || !r->filter) {
		detach_all(r);
		recorder_free(r);
		return;
	}
	r->recording = false;
	*o->keep = xcalloc(1, sizeof(**o->keep));
	(*o->keep)->r = r;
}

int record_ptrace(struct workload *w, int source, const struct record_ptrace_options *o,
		  int *status, struct err *e)
{
	struct pt_recorder *r;
	struct waker waker;
	bool stopped;
	int err = check_kernel(e);

	if (err)
		return err;
	r = xcalloc(1, sizeof(*r));
	r->w = w;
	r->source = source;
	r->phase = WL_START;
	r->recording = true;
	r->command_status = r->failed_fd = -1;
	pt_calls_init(r);
	if (o->keep)
		*o->keep = NULL;
	waker_start(&waker);
	err = pt_attach(r, o->pids, o->pids_n, e);
	if (!err && o->argv)
		err = pt_start(r, o->argv, o->own_session, o->keep && !o->pids_n, e);
	stopped = !err && trace(r, o->stop);
	if (r->command_failed)
		err = err_errno(e, r->command_failed, "%s: cannot execute", o->argv[0]);
	if (!err)
		*status = r->command_status;
	finish(r, o, stopped);
	waker_stop(&waker);
	return err;
}

void record_ptrace_serve(struct record_ptrace_keep *k)
{
	trace(k->r, NULL);
	recorder_free(k->r);
	free(k);
}
