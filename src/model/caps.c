#include "model/caps.h"

#include <stddef.h>
#include <strings.h>

#define LOW    BCAP_RISK_LOW
#define HIGH   BCAP_RISK_HIGH
#define HOST   BCAP_RISK_HOST
#define DOCKER true
#define NOT    false
#define V(...)              \
	{                   \
		__VA_ARGS__ \
	}

/* clang-format off */
#define CAP(nr, upper, lower, since, risk, docker, guards) \
	[nr] = { nr, "CAP_" upper, lower, since, risk, docker, guards }

static const struct bcap_desc caps[BCAP_COUNT] = {
	CAP(0, "CHOWN", "chown", V(2, 2, 0), LOW, DOCKER,
	    "Changing the owner and the group of any file."),
	CAP(1, "DAC_OVERRIDE", "dac_override", V(2, 2, 0), HIGH, DOCKER,
	    "Reading, writing and executing files whatever their permission bits and ACLs say."),
	CAP(2, "DAC_READ_SEARCH", "dac_read_search", V(2, 2, 0), HOST, NOT,
	    "Reading any file and searching any directory. Also open_by_handle_at, which reaches "
	    "files of the host from inside a container."),
	CAP(3, "FOWNER", "fowner", V(2, 2, 0), LOW, DOCKER,
	    "What is reserved to a file's owner: chmod, utime, attributes, ACLs, deleting from "
	    "sticky directories."),
	CAP(4, "FSETID", "fsetid", V(2, 2, 0), LOW, DOCKER,
	    "Keeping the set-user-ID and set-group-ID bits when a file changes, and setting the "
	    "latter for a group the process is not in."),
	CAP(5, "KILL", "kill", V(2, 2, 0), LOW, DOCKER,
	    "Sending signals to processes of any user that the PID namespace shows."),
	CAP(6, "SETGID", "setgid", V(2, 2, 0), LOW, DOCKER,
	    "Taking any group ID and supplementary groups, also in user namespace maps and in "
	    "credentials passed over sockets."),
	CAP(7, "SETUID", "setuid", V(2, 2, 0), LOW, DOCKER,
	    "Taking any user ID, also in user namespace maps and in credentials passed over "
	    "sockets."),
	CAP(8, "SETPCAP", "setpcap", V(2, 2, 0), LOW, DOCKER,
	    "Adding from the bounding set to the inheritable set, dropping from the bounding set, "
	    "and changing the secure bits."),
	CAP(9, "LINUX_IMMUTABLE", "linux_immutable", V(2, 2, 0), HIGH, NOT,
	    "Setting and clearing the immutable and append-only attributes of files, which protect "
	    "logs and binaries."),
	CAP(10, "NET_BIND_SERVICE", "net_bind_service", V(2, 2, 0), LOW, DOCKER,
	    "Binding to the ports below net.ipv4.ip_unprivileged_port_start (1024)."),
	CAP(11, "NET_BROADCAST", "net_broadcast", V(2, 2, 0), LOW, NOT,
	    "Broadcasts and multicast listening. The kernel does not check it."),
	CAP(12, "NET_ADMIN", "net_admin", V(2, 2, 0), HIGH, NOT,
	    "Interfaces, addresses, routes, firewall rules, traffic control, promiscuous mode. In "
	    "the host's network namespace that is the host's whole network."),
	CAP(13, "NET_RAW", "net_raw", V(2, 2, 0), HIGH, DOCKER,
	    "Raw and packet sockets and binding to any address: reading and forging traffic of the "
	    "network that the container is on."),
	CAP(14, "IPC_LOCK", "ipc_lock", V(2, 2, 0), LOW, NOT,
	    "Locking memory beyond RLIMIT_MEMLOCK and allocating huge pages."),
	CAP(15, "IPC_OWNER", "ipc_owner", V(2, 2, 0), LOW, NOT,
	    "Using System V IPC objects whatever their permissions say."),
	CAP(16, "SYS_MODULE", "sys_module", V(2, 2, 0), HOST, NOT,
	    "Loading and unloading kernel modules, which is running any code in the kernel."),
	CAP(17, "SYS_RAWIO", "sys_rawio", V(2, 2, 0), HOST, NOT,
	    "I/O ports, /dev/mem, /proc/kcore, MSRs, raw SCSI commands: memory and devices below "
	    "every check of the kernel."),
	CAP(18, "SYS_CHROOT", "sys_chroot", V(2, 2, 0), LOW, DOCKER,
	    "chroot, and entering another mount namespace with setns."),
	CAP(19, "SYS_PTRACE", "sys_ptrace", V(2, 2, 0), HOST, NOT,
	    "Tracing any process, reading and writing its memory, its /proc entries and files. With "
	    "the host's PID namespace that is every process of the host."),
	CAP(20, "SYS_PACCT", "sys_pacct", V(2, 2, 0), LOW, NOT,
	    "Turning process accounting on and off with acct."),
	CAP(21, "SYS_ADMIN", "sys_admin", V(2, 2, 0), HOST, NOT,
	    "mount, setns, most namespaces, quotas, swap and a long tail of administration. So much "
	    "that it is nearly root."),
	CAP(22, "SYS_BOOT", "sys_boot", V(2, 2, 0), HOST, NOT,
	    "reboot, and kexec_load and kexec_file_load, which start another kernel."),
	CAP(23, "SYS_NICE", "sys_nice", V(2, 2, 0), HIGH, NOT,
	    "Raising priorities, real-time scheduling, CPU affinity, I/O classes and moving pages of "
	    "any process: it can starve the others."),
	CAP(24, "SYS_RESOURCE", "sys_resource", V(2, 2, 0), HIGH, NOT,
	    "Going beyond resource limits, quotas, reserved file system space, IPC and namespace "
	    "limits: it can use the host up."),
	CAP(25, "SYS_TIME", "sys_time", V(2, 2, 0), HIGH, NOT,
	    "Setting the system clock and the hardware clock, which the whole host shares."),
	CAP(26, "SYS_TTY_CONFIG", "sys_tty_config", V(2, 2, 0), LOW, NOT,
	    "vhangup and privileged ioctls of virtual terminals."),
	CAP(27, "MKNOD", "mknod", V(2, 4, 0), HIGH, DOCKER,
	    "Creating device nodes. What they open is decided by the device cgroup, if there is "
	    "one."),
	CAP(28, "LEASE", "lease", V(2, 4, 0), LOW, NOT,
	    "Taking leases on files of other users."),
	CAP(29, "AUDIT_WRITE", "audit_write", V(2, 6, 11), LOW, DOCKER,
	    "Writing records to the kernel's audit log."),
	CAP(30, "AUDIT_CONTROL", "audit_control", V(2, 6, 11), HIGH, NOT,
	    "Turning auditing on and off, changing its rules, setting login IDs: blinding the "
	    "host's audit."),
	CAP(31, "SETFCAP", "setfcap", V(2, 6, 24), LOW, DOCKER,
	    "Setting capabilities on files, and (from 5.12) mapping user ID 0 into a new user "
	    "namespace."),
	CAP(32, "MAC_OVERRIDE", "mac_override", V(2, 6, 25), HIGH, NOT,
	    "Ignoring mandatory access control, in Smack."),
	CAP(33, "MAC_ADMIN", "mac_admin", V(2, 6, 25), HOST, NOT,
	    "Loading and replacing mandatory access control policy: AppArmor profiles, Smack rules, "
	    "labels that SELinux does not know."),
	CAP(34, "SYSLOG", "syslog", V(2, 6, 37), HIGH, NOT,
	    "Reading and clearing the kernel log, and seeing kernel addresses that "
	    "kernel.kptr_restrict hides."),
	CAP(35, "WAKE_ALARM", "wake_alarm", V(3, 0, 0), LOW, NOT,
	    "Timers that wake the system up."),
	CAP(36, "BLOCK_SUSPEND", "block_suspend", V(3, 5, 0), LOW, NOT,
	    "Keeping the system from suspending."),
	CAP(37, "AUDIT_READ", "audit_read", V(3, 16, 0), HIGH, NOT,
	    "Reading the audit log over its multicast netlink socket: what every process of the "
	    "host does."),
	CAP(38, "PERFMON", "perfmon", V(5, 8, 0), HIGH, NOT,
	    "perf_event_open and BPF programs for tracing, which show what the kernel and other "
	    "processes do."),
	CAP(39, "BPF", "bpf", V(5, 8, 0), HIGH, NOT,
	    "Loading privileged BPF programs and creating maps. With PERFMON or NET_ADMIN, programs "
	    "that read kernel memory or handle all packets."),
	CAP(40, "CHECKPOINT_RESTORE", "checkpoint_restore", V(5, 9, 0), HIGH, NOT,
	    "Choosing the PID of a new process, and reading what checkpointing needs of other "
	    "processes in /proc (map_files, exe)."),
};
/* clang-format on */

static const char *const risk_names[] = {
	[BCAP_RISK_LOW] = "low",
	[BCAP_RISK_HIGH] = "high",
	[BCAP_RISK_HOST] = "host",
};

const struct bcap_desc *bcap_by_nr(unsigned nr)
{
	return nr < BCAP_COUNT ? &caps[nr] : NULL;
}

const struct bcap_desc *bcap_by_name(const char *name)
{
	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	for (unsigned i = 0; i < BCAP_COUNT; i++)
		if (!strcasecmp(name, caps[i].aa_name))
			return &caps[i];
	return NULL;
}

const char *bcap_risk_name(enum bcap_risk risk)
{
	return (unsigned)risk <= BCAP_RISK_HOST ? risk_names[risk] : NULL;
}

uint64_t bcap_docker_default_mask(void)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < BCAP_COUNT; i++)
		if (caps[i].docker_default)
			mask |= UINT64_C(1) << i;
	return mask;
}
