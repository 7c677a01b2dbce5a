#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/attach.h"
#include "bpf/uring.h"
#include "probe/probe_private.h"

/* r0 = 0; exit */
static const struct bpf_insn return_0[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static int load(enum bpf_prog_type type, const struct bpf_prog_load_opts *opts)
{
	return bpf_prog_load(type, "boltseal_probe", "GPL", return_0, ARRAY_SIZE(return_0), opts);
}

static void refused(struct probe_result *r, const char *what, int error)
{
	probe_set(r, PROBE_NO, "%s: %s", what, err_text(error));
}

void probe_btf(struct probe_result *r)
{
	struct stat st;

	if (stat("/sys/kernel/btf/vmlinux", &st) < 0)
		refused(r, "/sys/kernel/btf/vmlinux", errno);
	else
		probe_set(r, PROBE_YES, "/sys/kernel/btf/vmlinux, %lld KiB",
			  (long long)st.st_size / 1024);
}

void probe_bpf(struct probe_result *r)
{
	cleanup_close int fd = load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL);

	if (fd < 0)
		refused(r, "bpf(2)", errno);
	else
		probe_set(r, PROBE_YES, "a program was loaded");
}

void probe_bpf_memory(struct probe_result *r)
{
	uint64_t limit;

	if (attach_lacks_memory(&limit))
		probe_set(r, PROBE_NO,
			  "the kernel counts it as locked, and permits %" PRIu64 " KiB",
			  limit / 1024);
	else
		probe_set(r, PROBE_YES, "not limited by RLIMIT_MEMLOCK");
}

void probe_bpf_unprivileged(struct probe_result *r)
{
	long v = probe_number("/proc/sys/kernel/unprivileged_bpf_disabled");

	if (v < 0)
		probe_set(r, PROBE_LIMITED, "the kernel does not say");
	else
		probe_set(r, v ? PROBE_YES : PROBE_LIMITED,
			  "kernel.unprivileged_bpf_disabled is %ld", v);
}

void probe_raw_tracepoint(struct probe_result *r)
{
	cleanup_close int prog = load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL);
	cleanup_close int link = -1;

	if (prog < 0) {
		refused(r, "bpf(2)", errno);
		return;
	}
	link = bpf_raw_tracepoint_open("sys_enter", prog);
	if (link < 0)
		refused(r, "sys_enter", errno);
	else
		probe_set(r, PROBE_YES, "attached to sys_enter");
}

/* The kernel's type number of a tracepoint, or a negative errno. */
static int tracepoint_id(const char *type)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	if (!btf)
		return -errno;
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	btf__free(btf);
	return id;
}

void probe_tp_btf(struct probe_result *r)
{
	int id = tracepoint_id("btf_trace_sched_process_exec");
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = id < 0 ? 0 : (uint32_t)id);
	cleanup_close int prog = -1;
	cleanup_close int link = -1;

	if (id < 0) {
		refused(r, "type of sched_process_exec", -id);
		return;
	}
	prog = load(BPF_PROG_TYPE_TRACING, &opts);
	if (prog < 0) {
		refused(r, "bpf(2)", errno);
		return;
	}
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link < 0)
		refused(r, "sched_process_exec", errno);
	else
		probe_set(r, PROBE_YES, "attached to sched_process_exec");
}

void probe_ringbuf(struct probe_result *r)
{
	cleanup_close int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "boltseal_probe", 0, 0,
					      (uint32_t)sysconf(_SC_PAGESIZE), NULL);

	if (fd < 0)
		refused(r, "bpf(2)", errno);
	else
		probe_set(r, PROBE_YES, "a map was made");
}

static int try_fexit(const char *function)
{
	return attach_try(BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, function);
}

int probe_lsm_program(void)
{
	return attach_try(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_file_open");
}

void probe_cgroup_bpf(struct probe_result *r)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);
	cleanup_close int prog = load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, &opts);

	if (prog < 0)
		refused(r, "bpf(2)", errno);
	else if (!probe_has_cgroup2())
		probe_set(r, PROBE_NO, "no hierarchy of version 2 is mounted");
	else
		probe_set(r, PROBE_YES, "a program for connect4 was loaded");
}

void probe_bpffs(struct probe_result *r)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs) == 0 && fs.f_type == BPF_FS_MAGIC)
		probe_set(r, PROBE_YES, "mounted");
	else
		probe_set(r, PROBE_NO, "not mounted");
}

void probe_fexit(struct probe_result *r)
{
	int rc = try_fexit("cap_capable");

	if (rc == -ENOENT)
		probe_set(r, PROBE_NO, "cap_capable is no function of this kernel's BTF");
	else if (rc < 0)
		refused(r, "cap_capable", -rc);
	else
		probe_set(r, PROBE_YES, "attached to cap_capable");
}

void probe_cap_events(struct probe_result *r)
{
	if (tracepoint_id("btf_trace_cap_capable") > 0)
		probe_set(r, PROBE_YES, "tracepoint cap_capable");
	else if (try_fexit("cap_capable") == 0)
		probe_set(r, PROBE_YES, "the return of the kernel's cap_capable()");
	else if (attach_has_kprobe("cap_capable"))
		probe_set(r, PROBE_YES, "a kprobe at the kernel's cap_capable()");
	else
		probe_set(r, PROBE_LIMITED,
			  "neither the tracepoint cap_capable nor fexit programs nor kprobes");
}

void probe_call_hooks(struct probe_result *r)
{
	char why[160];

	if (attach_to_calls(why, sizeof(why)))
		probe_set(r, PROBE_YES, "at the kernel's functions (fexit)%s",
			  attach_preemption() == ATTACH_NOT_PREEMPTED
				  ? ""
				  : "; what real-time tasks hide is counted");
	else if (attach_has_call_events())
		probe_set(r, PROBE_LIMITED, "tracepoints of single calls: %s", why);
	else
		probe_set(r, PROBE_LIMITED, "one tracepoint for all: %s; no tracefs", why);
}

void probe_io_uring(struct probe_result *r)
{
	struct uring_kernel k;

	uring_look(&k);
	if (k.there)
		probe_set(r, PROBE_YES, "tracepoints %s and io_uring_complete", k.submit);
	else if (k.none || probe_number("/proc/sys/kernel/io_uring_disabled") == 2)
		probe_set(r, PROBE_YES, "programs cannot use it");
	else
		probe_set(r, PROBE_LIMITED, "not seen: %s", k.why);
}
