/* Attacks with and on processes: running other programs, reading or taking over the server. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

enum { CHILD_WORKED = 7 };

/* The errno with which a child failed before it executed its program. */
static volatile int *child_errno;

static pid_t child_begin(void)
{
	void *p = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED)
		return -1;
	child_errno = p;
	return fork();
}

__attribute__((noreturn)) static void child_failed(void)
{
	*child_errno = errno;
	_exit(1);
}

/*
 * Waits for a child that should end with CHILD_WORKED. -ECANCELED: its program was executed and
 * ended with another status.
 */
static int child_result(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	if (*child_errno)
		return -*child_errno;
	if (WIFSIGNALED(status))
		return -EINTR;
	return WEXITSTATUS(status) == CHILD_WORKED ? ATTACK_DONE : -ECANCELED;
}

static int run_sh(const char *command)
{
	pid_t pid = child_begin();

	if (pid == 0) {
		/* The lowest free descriptor becomes standard output. */
		close(STDOUT_FILENO);
		if (open("/dev/null", O_WRONLY) != STDOUT_FILENO)
			child_failed();
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		child_failed();
	}
	return child_result(pid);
}

static int run_shell(void)
{
	return run_sh("exit 7");
}

static int run_commands(void)
{
	return run_sh("id && cat /etc/passwd && exit 7");
}

/* A program that never is in a file: copies itself to memory and executes that. */
static int run_fileless(void)
{
	static char *const argv[] = { "x", "--child", NULL };
	static char *const envp[] = { NULL };
	static char block[65536];
	ssize_t n;
	pid_t pid;
	int from, fd;

	fd = (int)syscall(SYS_memfd_create, "x", 0);
	if (fd < 0)
		return -errno;
	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			return -errno;
	if (n < 0)
		return -errno;
	pid = child_begin();
	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
		child_failed();
	}
	return child_result(pid);
}

static int run_shellcode(void)
{
#if defined(__x86_64__)
	static const unsigned char code[] = { 0xb8, 0x07, 0, 0, 0, 0xc3 }; /* mov $7,%eax; ret */
#elif defined(__aarch64__)
	static const unsigned char code[] = { 0xe0, 0, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6 };
#endif
	union {
		void *data;
		int (*call)(void);
	} m;

	m.data = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (m.data == MAP_FAILED)
		return -errno;
	memcpy(m.data, code, sizeof(code));
	__builtin___clear_cache(m.data, (char *)m.data + sizeof(code));
	return m.call() == CHILD_WORKED ? ATTACK_DONE : -ENOEXEC;
}

/* Attaches without stopping the process; the kernel detaches when this process ends. */
static int run_ptrace(void)
{
	return attack_result(ptrace(PTRACE_SEIZE, attack_find_process("nginx"), NULL, NULL));
}

static int run_read_memory(void)
{
	static char byte;
	struct iovec local = { &byte, 1 };
	struct iovec remote = { &byte, 1 };
	long r = process_vm_readv(attack_find_process("nginx"), &local, 1, &remote, 1, 0);

	/* The address may be unmapped there; then the call was allowed all the same. */
	return r < 0 && errno != EFAULT ? -errno : ATTACK_DONE;
}

static int run_pidfd_getfd(void)
{
	long pidfd = syscall(SYS_pidfd_open, attack_find_process("nginx"), 0);

	if (pidfd < 0)
		return -errno;
	return attack_result_fd(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}

static int run_no_aslr(void)
{
	return attack_result(personality(ADDR_NO_RANDOMIZE | 0x0100000)); /* ADDR_COMPAT_LAYOUT */
}

static int run_user_namespace(void)
{
	return attack_result(syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS));
}

/* The same by the newer call, whose arguments a filter cannot see. */
static int run_clone3_namespace(void)
{
	uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(CHILD_WORKED);
	return pid < 0 ? -errno : ATTACK_DONE;
}

static int run_setns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return attack_result(syscall(SYS_setns, fd, CLONE_NEWNET));
}

#if defined(__x86_64__)
/* getpid by the 32-bit entry: its numbers mean other calls, a filter must tell them apart. */
static int run_int80(void)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "r8", "r9", "r10", "r11", "memory");
	return r > 0 ? ATTACK_DONE : r;
}
#endif

const struct attack attacks_process[] = {
	{ "shell", "starts a shell", run_shell },
	{ "commands", "runs commands in it (id, cat)", run_commands },
	{ "fileless-program", "runs a program from memory", run_fileless },
	{ "shellcode", "executes code from writable memory", run_shellcode },
	{ "ptrace", "takes over an nginx process", run_ptrace },
	{ "read-memory", "reads the memory of an nginx process", run_read_memory },
	{ "steal-descriptor", "copies a descriptor of an nginx process", run_pidfd_getfd },
	{ "personality", "switches off address randomisation", run_no_aslr },
	{ "user-namespace", "becomes root of a new user namespace", run_user_namespace },
	{ "clone3-namespace", "the same with clone3", run_clone3_namespace },
	{ "join-namespace", "joins another process's namespace", run_setns },
#if defined(__x86_64__)
	{ "32-bit-call", "calls the kernel by its 32-bit entry", run_int80 },
#endif
	{ NULL, NULL, NULL },
};
