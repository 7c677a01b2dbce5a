#include "baseline/classes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* The first that names a call is its class. Techniques: attack.mitre.org, Containers and Linux. */
static const struct call_class classes[] = {
	{ "KernelModule", "Persistence", 90, "T1547.006",
	  "init_module finit_module delete_module create_module query_module" },
	{ "Mount", "PrivilegeEscalation", 80, "T1611",
	  "mount umount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen "
	  "fsmount fsconfig fspick mount_setattr" },
	{ "Namespace", "PrivilegeEscalation", 80, "T1611",
	  "unshare setns open_by_handle_at name_to_handle_at" },
	{ "KernelTracing", "DefenseEvasion", 80, "T1014", "bpf perf_event_open lookup_dcookie" },
	{ "Reboot", "Impact", 80, "T1529", "kexec_load kexec_file_load reboot" },
	{ "HardwareAccess", "PrivilegeEscalation", 80, "T1611", "iopl ioperm" },
	{ "ProcessInjection", "DefenseEvasion", 70, "T1055",
	  "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp" },
	{ "IoUring", "DefenseEvasion", 60, "T1562",
	  "io_uring_setup io_uring_enter io_uring_register" },
	{ "PageFault", "PrivilegeEscalation", 60, "T1068", "userfaultfd" },
	{ "Keyring", "CredentialAccess", 60, "T1552", "add_key request_key keyctl" },
	{ "HostAdministration", "DefenseEvasion", 60, "T1562",
	  "swapon swapoff sethostname setdomainname acct syslog quotactl quotactl_fd vhangup "
	  "nfsservctl sysfs _sysctl" },
	{ "Clock", "DefenseEvasion", 50, "T1070.006",
	  "settimeofday clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64 "
	  "stime" },
	{ "AnonymousExecutable", "DefenseEvasion", 50, "T1620", "memfd_create memfd_secret" },
	{ "Credentials", "PrivilegeEscalation", 50, "T1548",
	  "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset "
	  "setuid32 setgid32 setreuid32 setregid32 setresuid32 setresgid32 setfsuid32 "
	  "setfsgid32 setgroups32" },
	{ "Personality", "DefenseEvasion", 40, NULL, "personality modify_ldt vm86 vm86old" },
	{ "Execution", "Execution", 40, "T1059", "execve execveat" },
	{ "Network", "Backdoor", 40, "T1095",
	  "socket socketpair socketcall connect bind listen accept accept4 sendto sendmsg sendmmsg "
	  "recvfrom recvmsg recvmmsg recvmmsg_time64 shutdown getsockname getpeername setsockopt "
	  "getsockopt" },
	{ "ProcessCreation", "Execution", 30, NULL, "fork vfork clone clone3" },
	{ "Signal", "Impact", 30, NULL,
	  "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open" },
	{ "Device", "Behavior", 30, NULL, "mknod mknodat" },
	{ "FileAttributes", "DefenseEvasion", 30, "T1222.002",
	  "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat chown32 fchown32 lchown32 "
	  "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
	  "removexattrat file_setattr utime utimes futimesat utimensat utimensat_time64" },
	{ "FileChange", "Behavior", 30, NULL,
	  "creat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir link linkat symlink "
	  "symlinkat truncate ftruncate truncate64 ftruncate64 fallocate" },
	{ "FileWatching", "Discovery", 30, NULL,
	  "fanotify_init fanotify_mark inotify_init inotify_init1 inotify_add_watch "
	  "inotify_rm_watch" },
	{ "SharedMemory", "Behavior", 20, NULL,
	  "shmget shmat shmctl shmdt semget semop semctl semtimedop semtimedop_time64 msgget "
	  "msgsnd msgrcv msgctl ipc mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify "
	  "mq_getsetattr" },
	{ "ProcessControl", "Behavior", 20, NULL,
	  "prctl arch_prctl seccomp landlock_create_ruleset landlock_add_rule "
	  "landlock_restrict_self prlimit64 setrlimit setpriority sched_setscheduler "
	  "sched_setattr sched_setparam sched_setaffinity ioprio_set setsid setpgid" },
	{ "Other", "Behavior", 20, NULL, "" },
};

const struct call_class *call_class_of(const char *call)
{
	for (size_t i = 0; call && i < ARRAY_SIZE(classes); i++)
		if (text_has_word(classes[i].calls, call))
			return &classes[i];
	return &classes[ARRAY_SIZE(classes) - 1];
}

unsigned call_class_count(void)
{
	return ARRAY_SIZE(classes);
}

const struct call_class *call_class_at(unsigned i)
{
	return &classes[i];
}

unsigned call_class_index(const struct call_class *c)
{
	return (unsigned)(c - classes);
}

bool call_is_common(const char *call)
{
	return text_has_word("exit exit_group rt_sigreturn sigreturn restart_syscall execve "
			     "clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
			     "gettimeofday time getcpu sched_yield rseq set_robust_list",
			     call);
}
