#include "bpf/attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"

#if defined(__x86_64__)
#define SOME_CALL "__x64_sys_openat"
#else
#define SOME_CALL "__arm64_sys_openat"
#endif

/* r0 = 0; exit */
static const struct bpf_insn return_0[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

int attach_try(enum bpf_prog_type type, enum bpf_attach_type attach, const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : -ENOENT;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach,
		    .attach_btf_id = id < 0 ? 0 : (uint32_t)id);
	cleanup_close int prog = -1;
	cleanup_close int link = -1;

	btf__free(btf);
	if (id < 0)
		return -ENOENT;
	prog = bpf_prog_load(type, "boltseal_probe", "GPL", return_0, ARRAY_SIZE(return_0), &opts);
	if (prog < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, prog);
	return link < 0 ? -errno : 0;
}

/* ---- preemption */

/* Where the kernel keeps this variable; 0: it does not say. */
static uint64_t address_of(const char *variable)
{
	cleanup_fclose FILE *f = fopen("/proc/kallsyms", "re");
	char line[256], name[sizeof(line)], kind;
	uint64_t addr;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 " %c %s", &addr, &kind, name) == 3 &&
		    !strcmp(name, variable))
			return addr;
	return 0;
}

/* The 32 bits there, read by a program. */
static int read_kernel(uint64_t addr, int32_t *value)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 3, .imm = (int32_t)addr },
		{ .imm = (int32_t)(addr >> 32) },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_LDX | BPF_W | BPF_MEM, .src_reg = 10, .off = -8 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	cleanup_close int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "boltseal_probe",
					       "GPL", insns, ARRAY_SIZE(insns), NULL);
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (prog < 0 || bpf_prog_test_run_opts(prog, &opts) < 0)
		return -errno;
	*value = (int32_t)opts.retval;
	return 0;
}

/* What a kernel that decides when it is started has decided (kernel/sched/core.c). */
static enum attach_preemption decided(void)
{
	enum { UNDEFINED = -1, NONE, VOLUNTARY, FULL };
	uint64_t addr = address_of("preempt_dynamic_mode");
	int32_t mode = UNDEFINED;

	if (!addr || read_kernel(addr, &mode) < 0)
		return ATTACH_SELDOM_PREEMPTED;
	return mode == NONE || mode == VOLUNTARY ? ATTACH_NOT_PREEMPTED
	       : mode == FULL			 ? ATTACH_PREEMPTED
						 : ATTACH_SELDOM_PREEMPTED;
}

enum attach_preemption attach_preemption(void)
{
	char *word, *save = NULL;
	struct utsname u;

	if (uname(&u) < 0)
		return ATTACH_SELDOM_PREEMPTED;
	/* "#1 SMP PREEMPT_DYNAMIC Debian …": init/Makefile */
	for (word = strtok_r(u.version, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!strcmp(word, "PREEMPT_DYNAMIC"))
			return decided();
		if (!strcmp(word, "PREEMPT") || !strcmp(word, "PREEMPT_RT"))
			return ATTACH_PREEMPTED;
		if (!strcmp(word, "PREEMPT_LAZY"))
			return ATTACH_SELDOM_PREEMPTED;
	}
	return ATTACH_NOT_PREEMPTED;
}

bool attach_to_calls(char *why, size_t size)
{
	int rc = attach_try(BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, SOME_CALL);

	why[0] = '\0';
	if (rc == -ENOENT)
		snprintf(why, size, "%s is no function of this kernel's BTF", SOME_CALL);
	else if (rc < 0)
		snprintf(why, size, "no program can be attached to %s: %s", SOME_CALL,
			 err_text(-rc));
	else if (attach_preemption() == ATTACH_PREEMPTED)
		snprintf(why, size, "this kernel is fully preemptible");
	return !why[0];
}

/* The allocator that such maps got then is what made them safe (kernel/bpf/memalloc.c). */
bool attach_with_growing_maps(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) > 0;

	btf__free(btf);
	return has;
}

/* The kernel's functions for programs by which libbpf knows it too (probe_memcg_account()). */
static bool counts_as_locked(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	bool old = t;

	for (unsigned i = 0; t && old && i < btf_vlen(t); i++)
		old = strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off),
			     "BPF_FUNC_ktime_get_coarse_ns") != 0;
	btf__free(btf);
	return old;
}

bool attach_lacks_memory(uint64_t *limit)
{
	enum { ENOUGH = 64 * 1024 * 1024 };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit have;

	if (getrlimit(RLIMIT_MEMLOCK, &have) < 0 || have.rlim_cur >= ENOUGH ||
	    !counts_as_locked() || setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		return false;
	*limit = have.rlim_cur;
	return true;
}

int attach_no_right(struct err *e)
{
	uint64_t limit;

	if (attach_lacks_memory(&limit))
		return err_set(
			e, EPERM,
			"no right to load BPF programs: this kernel counts their maps as locked "
			"memory, of which %" PRIu64
			" KiB are permitted (needs CAP_SYS_RESOURCE, or a higher limit: "
			"ulimit -l, LimitMEMLOCK=)",
			limit / 1024);
	return err_set(e, EPERM,
		       "no right to load BPF programs (needs CAP_BPF and CAP_PERFMON, or "
		       "CAP_SYS_ADMIN)");
}

bool attach_has_kprobe(const char *function)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .kprobe_func = (uintptr_t)function };
	cleanup_close int fd = -1;
	char type[16];

	if (io_read_small("/sys/bus/event_source/devices/kprobe/type", type, sizeof(type)) < 0)
		return false;
	attr.type = (uint32_t)strtoul(type, NULL, 10);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0;
}

bool attach_has_call_events(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/events/syscalls/sys_exit_openat/id", roots[i]);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}
