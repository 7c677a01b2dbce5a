/* Attacks on the kernel: reaching code in which container escapes were found. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

static int run_mount(void)
{
	return attack_result(mount("none", "/tmp", "tmpfs", 0, NULL));
}

/* In a user namespace of its own the attacker has all capabilities over a mount namespace. */
static int run_mount_in_namespace(void)
{
	if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return attack_result(mount("none", "/tmp", "tmpfs", 0, NULL));
}

static int run_fsopen(void)
{
	if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return attack_result_fd(syscall(SYS_fsopen, "tmpfs", 0));
}

static int run_pivot_root(void)
{
	long r = syscall(SYS_pivot_root, ".", ".");

	/* EINVAL, EBUSY: the kernel began to work on it. */
	return r && errno != EINVAL && errno != EBUSY ? -errno : ATTACK_DONE;
}

/* The answer to bytes that are no module: the loader was reached. */
static int module_result(long r)
{
	return r && errno != ENOEXEC && errno != EINVAL ? -errno : ATTACK_DONE;
}

static int run_init_module(void)
{
	static const char garbage[128] = "not a module";

	return module_result(syscall(SYS_init_module, garbage, sizeof(garbage), ""));
}

static int run_finit_module(void)
{
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return module_result(syscall(SYS_finit_module, fd, "", 0));
}

/* More segments than KEXEC_SEGMENT_MAX (linux/kexec.h, 16): EINVAL, nothing is loaded. */
static int run_kexec(void)
{
	long r = syscall(SYS_kexec_load, 0UL, 1000UL, NULL, 0UL);

	return r && errno != EINVAL ? -errno : ATTACK_DONE;
}

static int run_bpf_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return attack_result_fd(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int run_io_uring(void)
{
	struct io_uring_params p = { 0 };

	return attack_result_fd(syscall(SYS_io_uring_setup, 4, &p));
}

static int run_userfaultfd(void)
{
	return attack_result_fd(syscall(SYS_userfaultfd, 1)); /* UFFD_USER_MODE_ONLY */
}

static int run_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return attack_result_fd(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int run_add_key(void)
{
	return attack_result(syscall(SYS_add_key, "user", "attack", "x", 1, -2)); /* process ring */
}

static int run_keyctl(void)
{
	return attack_result(syscall(SYS_keyctl, 0, -3, 1)); /* GET_KEYRING_ID, session, create */
}

static int run_dmesg(void)
{
	static char text[256];

	return attack_result(syscall(SYS_syslog, 3, text, sizeof(text))); /* READ_ALL */
}

/* A page of a read-only file in a pipe: how "dirty pipe" began. */
static int run_splice(void)
{
	int fd[2], file;

	if (syscall(SYS_pipe2, fd, O_CLOEXEC))
		return -errno;
	file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	return attack_result(syscall(SYS_splice, file, NULL, fd[1], NULL, 1UL, 0));
}

const struct attack attacks_kernel[] = {
	{ "mount", "mounts a file system", run_mount },
	{ "namespace-mount", "the same as root of a user namespace", run_mount_in_namespace },
	{ "fsopen", "the newer mount interface (CVE-2022-0185)", run_fsopen },
	{ "pivot-root", "exchanges the root file system", run_pivot_root },
	{ "load-module", "loads a kernel module", run_init_module },
	{ "load-module-file", "the same from a file", run_finit_module },
	{ "kexec", "loads another kernel", run_kexec },
	{ "bpf", "makes a BPF map", run_bpf_map },
	{ "io-uring", "opens an io_uring, which filters cannot see into", run_io_uring },
	{ "userfaultfd", "stops the kernel in a page fault", run_userfaultfd },
	{ "perf", "opens a performance event", run_perf },
	{ "add-key", "fills the kernel's key store", run_add_key },
	{ "keyctl", "uses the session key ring (CVE-2016-0728)", run_keyctl },
	{ "kernel-log", "reads the kernel's log", run_dmesg },
	{ "dirty-pipe", "splices a read-only file into a pipe", run_splice },
	{ NULL, NULL, NULL },
};
