/* What is known about calls, for the checks: dangers, fallbacks, equivalents, libseccomp. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/lint_private.h"

/*
 * `docker` as in the default profile of moby/profiles (2026-06-30); test_lint compares with it.
 * The effects are those of the manual page of the call.
 */
const struct lint_danger lint_dangers[] = {
	{ "_sysctl", LINT_LOW, "", "reads and changes kernel settings on old kernels" },
	{ "acct", LINT_LOW, "CAP_SYS_PACCT", "makes the kernel log every process into a file" },
	{ "add_key", LINT_MEDIUM, "",
	  "puts keys into the kernel, whose keyrings are shared by containers of one user" },
	{ "bpf", LINT_HIGH, "CAP_SYS_ADMIN or CAP_BPF",
	  "runs programs inside the kernel, and its verifier is attacked often" },
	{ "chroot", LINT_LOW, "CAP_SYS_CHROOT",
	  "leaves a chroot that was set up without pivot_root" },
	{ "clock_settime", LINT_MEDIUM, "CAP_SYS_TIME", "sets the clock of the host" },
	{ "clock_settime64", LINT_MEDIUM, "CAP_SYS_TIME", "sets the clock of the host" },
	{ "delete_module", LINT_HIGH, "CAP_SYS_MODULE", "takes modules out of the kernel" },
	{ "fanotify_init", LINT_LOW, "CAP_SYS_ADMIN", "watches and holds up file access" },
	{ "finit_module", LINT_HIGH, "CAP_SYS_MODULE", "loads code into the kernel" },
	{ "fsconfig", LINT_HIGH, "CAP_SYS_ADMIN", "sets up a file system to mount" },
	{ "fsmount", LINT_HIGH, "CAP_SYS_ADMIN", "mounts a file system" },
	{ "fsopen", LINT_HIGH, "CAP_SYS_ADMIN", "begins to mount a file system" },
	{ "fspick", LINT_HIGH, "CAP_SYS_ADMIN", "changes a mounted file system" },
	{ "init_module", LINT_HIGH, "CAP_SYS_MODULE", "loads code into the kernel" },
	{ "io_uring_enter", LINT_HIGH, "",
	  "carries out file and socket operations that no seccomp filter sees" },
	{ "io_uring_register", LINT_HIGH, "",
	  "prepares file and socket operations that no seccomp filter sees" },
	{ "io_uring_setup", LINT_HIGH, "",
	  "opens a way for file and socket operations that no seccomp filter sees" },
	{ "ioperm", LINT_HIGH, "CAP_SYS_RAWIO", "gives access to I/O ports of the hardware" },
	{ "iopl", LINT_HIGH, "CAP_SYS_RAWIO", "gives access to all I/O ports of the hardware" },
	{ "kcmp", LINT_LOW, "CAP_SYS_PTRACE",
	  "tells what processes share, down to the order of "
	  "kernel addresses" },
	{ "kexec_file_load", LINT_HIGH, "", "loads another kernel to boot into" },
	{ "kexec_load", LINT_HIGH, "", "loads another kernel to boot into" },
	{ "keyctl", LINT_MEDIUM, "",
	  "reads and changes the kernel's keyrings, which containers of one user share" },
	{ "lookup_dcookie", LINT_LOW, "CAP_SYS_ADMIN", "tells paths of the host" },
	{ "mbind", LINT_LOW, "CAP_SYS_NICE", "changes on which memory of the host data lies" },
	{ "migrate_pages", LINT_LOW, "", "moves memory of other processes between nodes" },
	{ "mount", LINT_HIGH, "CAP_SYS_ADMIN", "mounts file systems" },
	{ "mount_setattr", LINT_HIGH, "CAP_SYS_ADMIN", "changes read-only and other mount flags" },
	{ "move_mount", LINT_HIGH, "CAP_SYS_ADMIN", "puts a mount at another place" },
	{ "move_pages", LINT_LOW, "", "tells and changes where memory of processes lies" },
	{ "nfsservctl", LINT_LOW, "", "is left over from old kernels" },
	{ "open_by_handle_at", LINT_HIGH, "CAP_DAC_READ_SEARCH",
	  "opens any file of a file system by its number, outside the container too" },
	{ "open_tree", LINT_HIGH, "CAP_SYS_ADMIN", "copies mounts" },
	{ "open_tree_attr", LINT_HIGH, "", "copies mounts with other flags" },
	{ "perf_event_open", LINT_MEDIUM, "CAP_SYS_ADMIN or CAP_PERFMON",
	  "watches other processes and the kernel, and had many kernel bugs" },
	{ "personality", LINT_MEDIUM, "",
	  "turns off address randomisation, and makes readable "
	  "memory executable" },
	{ "pidfd_getfd", LINT_MEDIUM, "CAP_SYS_PTRACE", "takes open files of other processes" },
	{ "pivot_root", LINT_MEDIUM, "", "changes the root of the mount namespace" },
	{ "process_madvise", LINT_LOW, "CAP_SYS_PTRACE", "changes memory of other processes" },
	{ "process_vm_readv", LINT_LOW, NULL, "reads memory of other processes" },
	{ "process_vm_writev", LINT_LOW, NULL, "writes memory of other processes" },
	{ "ptrace", LINT_LOW, NULL,
	  "controls other processes; before Linux 4.8 it also changes calls behind the filter" },
	{ "quotactl", LINT_LOW, "CAP_SYS_ADMIN", "changes disk quotas of the host" },
	{ "quotactl_fd", LINT_LOW, "CAP_SYS_ADMIN", "changes disk quotas of the host" },
	{ "reboot", LINT_MEDIUM, "CAP_SYS_BOOT", "restarts or stops the machine" },
	{ "request_key", LINT_MEDIUM, "",
	  "asks for keys, for which the kernel may start a program on the host" },
	{ "set_mempolicy", LINT_LOW, "CAP_SYS_NICE", "changes on which memory data lies" },
	{ "setdomainname", LINT_LOW, "CAP_SYS_ADMIN", "changes the NIS name" },
	{ "sethostname", LINT_LOW, "CAP_SYS_ADMIN", "changes the host name" },
	{ "setns", LINT_HIGH, "CAP_SYS_ADMIN", "enters namespaces of others" },
	{ "settimeofday", LINT_MEDIUM, "CAP_SYS_TIME", "sets the clock of the host" },
	{ "stime", LINT_MEDIUM, "CAP_SYS_TIME", "sets the clock of the host" },
	{ "swapoff", LINT_MEDIUM, "", "changes the swap of the host" },
	{ "swapon", LINT_MEDIUM, "", "changes the swap of the host" },
	{ "sysfs", LINT_LOW, "", "is left over from old kernels" },
	{ "syslog", LINT_MEDIUM, "CAP_SYS_ADMIN or CAP_SYSLOG",
	  "reads the kernel's log, with addresses and secrets of the host" },
	{ "umount2", LINT_MEDIUM, "CAP_SYS_ADMIN", "takes away mounts that hide files" },
	{ "uselib", LINT_LOW, "", "is left over from old kernels" },
	{ "userfaultfd", LINT_MEDIUM, "",
	  "holds up the kernel at chosen places, with which races in it are won" },
	{ "ustat", LINT_LOW, "", "is left over from old kernels" },
	{ "vhangup", LINT_LOW, "CAP_SYS_TTY_CONFIG", "ends the terminal session" },
	{ "vm86", LINT_LOW, "", "runs 16-bit code, with an own way into the kernel" },
	{ "vm86old", LINT_LOW, "", "runs 16-bit code, with an own way into the kernel" },
	{ 0 },
};

/*
 * Calls that libraries try first, and for which they have another way when the kernel answers
 * ENOSYS. clone3 has a check of its own.
 */
const struct lint_new_call lint_new_calls[] = {
	{ "clock_gettime64", "32-bit programs do not get the time" },
	{ "clock_nanosleep_time64", "32-bit programs cannot sleep" },
	{ "close_range", "programs that close what they inherited before they start others fail" },
	{ "copy_file_range", "copying files fails" },
	{ "epoll_pwait2", "event loops fail" },
	{ "faccessat2", "glibc 2.33 and later says that files are not accessible" },
	{ "fchmodat2", "glibc 2.39 and later cannot change modes without following links" },
	{ "futex_time64", "threads of 32-bit programs cannot wait" },
	{ "futex_waitv", "programs that wait for several locks at once fail" },
	{ "getrandom", "programs do not get random numbers" },
	{ "openat2", "programs that open files below a folder only, and runc, fail" },
	{ "preadv2", "reading with flags fails" },
	{ "pwritev2", "writing with flags fails" },
	{ "renameat2", "renaming files fails" },
	{ "rseq", "glibc 2.35 and later registers it for every thread" },
	{ "statx", "programs cannot tell what kind of file something is" },
	{ 0 },
};

const struct lint_same lint_same_work[] = {
	{ { "execve", "execveat" }, 2 },
	{ { "init_module", "finit_module" }, 2 },
	{ { "kexec_load", "kexec_file_load" }, 2 },
	{ { "mount", "move_mount" }, 2 },
	{ { "quotactl", "quotactl_fd" }, 2 },
	{ { "umount", "umount2" }, 2 },
	{ { NULL }, 0 },
};

/*
 * Which kernel's calls each release of libseccomp knows: its CHANGELOG, and the first line of its
 * src/syscalls.csv. Debian 12 added those up to Linux 6.7 to its 2.5.4 (debian/changelog).
 */
static const struct {
	const char *version;
	struct sc_kver kernel;
} libseccomps[] = {
	{ "2.2.0", { 3, 19, 0 } }, { "2.3.0", { 4, 5, 0 } },  { "2.3.2", { 4, 10, 0 } },
	{ "2.3.3", { 4, 15, 0 } }, { "2.4.0", { 5, 0, 0 } },  { "2.4.2", { 5, 4, 0 } },
	{ "2.5.0", { 5, 8, 0 } },  { "2.5.2", { 5, 14, 0 } }, { "2.5.3", { 5, 15, 0 } },
	{ "2.5.4", { 5, 17, 0 } }, { "2.5.5", { 6, 7, 0 } },  { "2.5.6", { 6, 13, 0 } },
	{ "2.6.0", { 6, 13, 0 } }, { "2.6.1", { 7, 1, 0 } },
};
static const char patched_254[] = "2.5.4-1+deb12u1";

/* "2.5.4", with anything but a digit behind it. */
static bool version_numbers(const char *s, unsigned v[3])
{
	for (int i = 0; i < 3; i++) {
		char *end;
		unsigned long n;

		if (*s < '0' || *s > '9')
			return false;
		n = strtoul(s, &end, 10);
		if (n > 1000)
			return false;
		v[i] = (unsigned)n;
		if (i < 2 && *end != '.')
			return false;
		s = end + 1;
	}
	return true;
}

bool lint_libseccomp_knows(const char *version, struct sc_kver *out)
{
	unsigned want[3], v[3];
	bool found = false;

	if (!version_numbers(version, want))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(libseccomps); i++) {
		bool newer = false;

		version_numbers(libseccomps[i].version, v);
		for (int k = 0; k < 3; k++) {
			newer = v[k] > want[k];
			if (v[k] != want[k])
				break;
		}
		if (newer)
			break;
		*out = libseccomps[i].kernel;
		found = true;
	}
	if (!strncmp(version, patched_254, strlen(patched_254)))
		*out = (struct sc_kver){ 6, 7, 0 };
	return found;
}
