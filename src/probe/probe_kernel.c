#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/version.h"
#include "model/syscalls.h"
#include "probe/probe_private.h"

void probe_kernel(struct probe_result *r)
{
	struct utsname u;

	if (uname(&u) < 0)
		probe_set(r, PROBE_NO, "unknown");
	else
		probe_set(r, version_kernel_at_least(5, 10) ? PROBE_YES : PROBE_LIMITED, "%s %s",
			  u.sysname, u.release);
}

void probe_arch(struct probe_result *r)
{
	struct utsname u;

	if (uname(&u) < 0)
		probe_set(r, PROBE_NO, "unknown");
	else
		probe_set(r, sc_abi_parse(u.machine) >= 0 ? PROBE_YES : PROBE_NO, "%s", u.machine);
}

/* Runs `call` in a child, which a kernel without the entry may kill. */
static bool child_can(bool (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(call() ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#ifdef __x86_64__
/* getpid, number 20 on i386, by its entry. */
static bool call_ia32(void)
{
	long ret = 20;

	__asm__ volatile("int $0x80" : "+a"(ret) : : "memory", "r8", "r9", "r10", "r11");
	return ret == getpid();
}

static bool call_x32(void)
{
	return syscall((long)(SC_X32_BIT | SYS_getpid)) == getpid();
}

void probe_ia32(struct probe_result *r)
{
	if (child_can(call_ia32))
		probe_set(r, PROBE_YES, "the kernel runs them");
	else
		probe_set(r, PROBE_NO, "the kernel refuses them");
}

void probe_x32(struct probe_result *r)
{
	if (child_can(call_x32))
		probe_set(r, PROBE_YES, "the kernel runs them");
	else
		probe_set(r, PROBE_NO, "the kernel refuses them");
}
#else
/* arch/arm64/kernel/sys.c: refused where no processor has 32-bit programs. */
static bool has_arm32(void)
{
	return personality(PER_LINUX32) >= 0;
}

void probe_arm32(struct probe_result *r)
{
	if (child_can(has_arm32))
		probe_set(r, PROBE_LIMITED,
			  "the processors run them; boltseal has no table of their calls");
	else
		probe_set(r, PROBE_NO, "the processors do not run them");
}
#endif

void probe_ptrace(struct probe_result *r)
{
	long scope = probe_number("/proc/sys/kernel/yama/ptrace_scope");
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid <= 0 || !WIFSTOPPED(status)) {
		probe_set(r, PROBE_NO, "the kernel refuses it");
		return;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (scope >= 0)
		probe_set(r, PROBE_YES, "works; kernel.yama.ptrace_scope is %ld", scope);
	else
		probe_set(r, PROBE_YES, "works");
}

void probe_tracefs(struct probe_result *r)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[128];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (access(path, F_OK) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/events/syscalls", places[i]);
		if (access(path, F_OK) == 0)
			probe_set(r, PROBE_YES, "%s", places[i]);
		else
			probe_set(r, PROBE_LIMITED, "%s, without events/syscalls", places[i]);
		return;
	}
	probe_set(r, PROBE_NO, "not mounted, or not readable for this user");
}

void probe_seccomp(struct probe_result *r)
{
	/* With an address that is not there the kernel says EFAULT when it knows the operation. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT)
		probe_set(r, PROBE_YES, "seccomp(2) takes filters");
	else
		probe_set(r, PROBE_NO, "seccomp(2): %s", strerror(errno));
}

void probe_seccomp_actions(struct probe_result *r)
{
	static const struct {
		const char *name;
		uint32_t word;
	} actions[] = {
		{ "kill_process", SECCOMP_RET_KILL_PROCESS },
		{ "kill_thread", SECCOMP_RET_KILL_THREAD },
		{ "trap", SECCOMP_RET_TRAP },
		{ "errno", SECCOMP_RET_ERRNO },
		{ "user_notif", SECCOMP_RET_USER_NOTIF },
		{ "trace", SECCOMP_RET_TRACE },
		{ "log", SECCOMP_RET_LOG },
		{ "allow", SECCOMP_RET_ALLOW },
	};
	char text[PROBE_DETAIL_MAX] = "";
	size_t have = 0, n = sizeof(actions) / sizeof(actions[0]);

	for (size_t i = 0; i < n; i++) {
		uint32_t word = actions[i].word;

		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &word) < 0)
			continue;
		if (have++)
			strcat(text, " ");
		strcat(text, actions[i].name);
	}
	probe_set(r,
		  have == n ? PROBE_YES
		  : have    ? PROBE_LIMITED
			    : PROBE_NO,
		  "%s", have ? text : "the kernel does not say which it has");
}

void probe_seccomp_notify(struct probe_result *r)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		probe_set(r, PROBE_NO, "seccomp(2): %s", strerror(errno));
	else if (!version_kernel_at_least(5, 9))
		probe_set(r, PROBE_LIMITED, "without an end of the service (Linux 5.9)");
	else
		probe_set(r, PROBE_YES, "with \"continue\"");
}

void probe_seccomp_bitmap(struct probe_result *r)
{
	/* The kernel has no way to ask; /proc/PID/seccomp_cache is only there for debugging. */
	if (version_kernel_at_least(5, 11))
		probe_set(r, PROBE_YES, "by the kernel's release");
	else
		probe_set(r, PROBE_NO, "this kernel runs the filter for every call");
}
