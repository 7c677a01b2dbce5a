#include "probe/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "probe/probe_private.h"

static const char host[] = "Host";
static const char recording[] = "Recording";
static const char sealing[] = "Sealing";
static const char responding[] = "Responding";
static const char containers[] = "Containers";

static const struct probe_feature features[] = {
	{ "kernel", host, "kernel release", "chooses what to try; 5.10 is the oldest for eBPF",
	  "boot a kernel of at least 5.10", probe_kernel },
	{ "arch", host, "architecture", "selects the system call tables",
	  "boltseal knows x86-64 and AArch64", probe_arch },
	{ "privileges", host, "privileges of this process",
	  "recording containers and loading eBPF need them; recording and sealing own programs do "
	  "not",
	  "run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE", probe_privileges },
	{ "cgroup", host, "control groups", "tells which process belongs to which container",
	  "mount cgroup2 on /sys/fs/cgroup", probe_cgroup },
#ifdef __x86_64__
	{ "ia32", host, "32-bit x86 programs",
	  "profiles say what happens to system calls that come this way", "", probe_ia32 },
	{ "x32", host, "x32 programs",
	  "profiles say what happens to system calls that come this way", "", probe_x32 },
#else
	{ "arm32", host, "32-bit Arm programs",
	  "profiles end them; watch and record say that there was one, and do not see its calls",
	  "", probe_arm32 },
#endif
	{ "btf", recording, "type information of the kernel (BTF)",
	  "fits the recording programs to this kernel's structures",
	  "use a kernel with CONFIG_DEBUG_INFO_BTF", probe_btf },
	{ "bpf", recording, "loading eBPF programs",
	  "records with eBPF: whole containers, little cost",
	  "run as root or with CAP_BPF and CAP_PERFMON; until then record uses ptrace", probe_bpf },
	{ "bpf_memory", recording, "memory for eBPF maps", "has what the programs see",
	  "add CAP_SYS_RESOURCE, or raise the limit: ulimit -l, LimitMEMLOCK= of a service",
	  probe_bpf_memory },
	{ "ringbuf", recording, "eBPF ring buffer", "carries events from the kernel",
	  "use Linux 5.8 or later, as root or with CAP_BPF", probe_ringbuf },
	{ "raw_tracepoint", recording, "raw tracepoints", "see every system call's begin and end",
	  "run as root or with CAP_BPF and CAP_PERFMON", probe_raw_tracepoint },
	{ "tp_btf", recording, "typed tracepoints (tp_btf)",
	  "see processes start, execute and end with the kernel's own types",
	  "use Linux 5.5 or later with BTF, as root or with CAP_BPF and CAP_PERFMON",
	  probe_tp_btf },
	{ "fexit", recording, "returns of kernel functions (fexit)",
	  "see capability checks where there is no tracepoint for them",
	  "use a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, if cap_events needs it",
	  probe_fexit },
	{ "cap_events", recording, "capability checks",
	  "records which capabilities a program needs, and where",
	  "use Linux 6.14 or later (tracepoint cap_capable) or one with fexit programs or "
	  "kprobes; until then boltseal concludes capabilities from calls and results",
	  probe_cap_events },
	{ "call_hooks", recording, "hooks of single system calls",
	  "watch hooks what rules ask for; at functions, other calls cost nothing",
	  "mount tracefs on /sys/kernel/tracing; use a kernel with "
	  "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS that is not fully preemptible",
	  probe_call_hooks },
	{ "io_uring", recording, "operations of io_uring",
	  "watch sees what programs do by them as the system calls that they stand for",
	  "use Linux 5.19 or later with its type information, or set kernel.io_uring_disabled to 2",
	  probe_io_uring },
	{ "tracefs", recording, "tracefs with system call events",
	  "lets record ask for the return of the open calls alone; without it every return is "
	  "looked at",
	  "mount -t tracefs none /sys/kernel/tracing", probe_tracefs },
	{ "ptrace", recording, "ptrace",
	  "records programs without eBPF, for example without privileges",
	  "lower kernel.yama.ptrace_scope, or permit ptrace in the container's seccomp profile",
	  probe_ptrace },
	{ "bpf_unprivileged", recording, "eBPF is closed to other users",
	  "nothing; an open one widens the kernel's attack surface",
	  "sysctl kernel.unprivileged_bpf_disabled=1", probe_bpf_unprivileged },
	{ "seccomp", sealing, "seccomp filters",
	  "run and container runtimes enforce profiles with them",
	  "use a kernel with CONFIG_SECCOMP_FILTER", probe_seccomp },
	{ "seccomp_actions", sealing, "seccomp actions", "profiles may use them all",
	  "use Linux 5.0 or later", probe_seccomp_actions },
	{ "seccomp_notify", sealing, "seccomp notification", "run --mode complain needs it",
	  "use Linux 5.9 or later", probe_seccomp_notify },
	{ "seccomp_bitmap", sealing, "seccomp allow bitmap",
	  "lets allowed calls pass without running the filter", "use Linux 5.11 or later",
	  probe_seccomp_bitmap },
	{ "landlock", sealing, "Landlock", "run --landlock restricts files and TCP ports with it",
	  "use Linux 5.13 or later with \"landlock\" in the boot option lsm=", probe_landlock },
	{ "lsm", sealing, "active security modules", "tells which profiles can be enforced",
	  "mount -t securityfs none /sys/kernel/security", probe_lsm },
	{ "apparmor", sealing, "AppArmor", "enforces the AppArmor profiles that generate writes",
	  "boot with apparmor in lsm= (or apparmor=1 security=apparmor)", probe_apparmor },
	{ "apparmor_parser", sealing, "apparmor_parser", "checks and loads AppArmor profiles",
	  "install the package apparmor, if AppArmor is to be used", probe_apparmor_parser },
	{ "selinux", sealing, "SELinux", "enforces the SELinux policies that generate writes",
	  "boot with selinux in lsm= (or security=selinux), if it is to be used", probe_selinux },
	{ "freeze", responding, "stopping and ending containers",
	  "watch --respond freezes, quarantines and kills containers",
	  "mount cgroup2 on /sys/fs/cgroup", probe_freeze },
	{ "cgroup_bpf", responding, "eBPF programs on control groups",
	  "watch --respond cuts containers off the network",
	  "mount cgroup2 on /sys/fs/cgroup; run as root or with CAP_BPF and CAP_NET_ADMIN",
	  probe_cgroup_bpf },
	{ "fanotify", responding, "fanotify permission events",
	  "watch --respond refuses executions by hash, model and YARA rule",
	  "use Linux 5.0 or later with CONFIG_FANOTIFY_ACCESS_PERMISSIONS, as root",
	  probe_fanotify },
	{ "bpf_lsm", responding, "eBPF security module",
	  "watch --respond and respond deny refuse operations to containers",
	  "boot with bpf in lsm=; use a kernel that attaches eBPF programs to its functions",
	  probe_bpf_lsm },
	{ "bpffs", responding, "bpffs at /sys/fs/bpf",
	  "keeps refusals by LSM programs when boltseal ends", "mount -t bpf none /sys/fs/bpf",
	  probe_bpffs },
	{ "yara", responding, "YARA rules", "decide about executions",
	  "build boltseal with libyara-dev", probe_yara },
	{ "docker", containers, "Docker", "record --container finds containers and images there",
	  "", probe_docker },
	{ "podman", containers, "Podman", "record --container finds containers and images there",
	  "", probe_podman },
	{ "containerd", containers, "containerd", "record --container finds containers there", "",
	  probe_containerd },
	{ "runc", containers, "runc", "its phases before the program are kept apart in recordings",
	  "", probe_runc },
	{ "crun", containers, "crun", "its phases before the program are kept apart in recordings",
	  "", probe_crun },
};

size_t probe_count(void)
{
	return ARRAY_SIZE(features);
}

const struct probe_feature *probe_at(size_t i)
{
	return &features[i];
}

const char *probe_state_name(enum probe_state s)
{
	static const char *const names[PROBE_STATE_COUNT] = { "yes", "limited", "no" };

	return names[s];
}

static bool works(const struct probe_result *results, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (!strcmp(features[i].id, id))
			return results[i].state == PROBE_YES;
	return false;
}

void probe_conclude(const struct probe_result *results, struct probe_verdict *v)
{
	v->record_ebpf = works(results, "btf") && works(results, "bpf") &&
			 works(results, "bpf_memory") && works(results, "ringbuf") &&
			 works(results, "raw_tracepoint") && works(results, "tp_btf");
	v->record_ptrace = works(results, "ptrace");
	v->seal = works(results, "seccomp");
}

void probe_set(struct probe_result *r, enum probe_state s, const char *fmt, ...)
{
	va_list ap;

	r->state = s;
	va_start(ap, fmt);
	vsnprintf(r->detail, sizeof(r->detail), fmt, ap);
	va_end(ap);
}

long probe_number(const char *path)
{
	char text[32], *end;
	long v;

	if (io_read_small(path, text, sizeof(text)) < 0)
		return -1;
	v = strtol(text, &end, 10);
	return end == text ? -1 : v;
}

uint64_t probe_effective_caps(void)
{
	char text[4096];
	const char *at;

	if (io_read_small("/proc/self/status", text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\nCapEff:");
	return at ? strtoull(at + strlen("\nCapEff:"), NULL, 16) : 0;
}
