/* The probes behind the table in probe.c. */
#ifndef PROBE_PRIVATE_H
#define PROBE_PRIVATE_H

#include <stdint.h>

#include "probe/probe.h"

__attribute__((format(printf, 3, 4))) void probe_set(struct probe_result *r, enum probe_state s,
						     const char *fmt, ...);
/* The number in a small file, or -1. */
long probe_number(const char *path);
/* This process's effective capabilities, 0 when /proc does not say. */
uint64_t probe_effective_caps(void);
/* Whether the running kernel's release is at least this one. */

/* probe_kernel.c */
void probe_kernel(struct probe_result *r);
void probe_arch(struct probe_result *r);
void probe_ia32(struct probe_result *r);  /* x86-64 */
void probe_x32(struct probe_result *r);	  /* x86-64 */
void probe_arm32(struct probe_result *r); /* AArch64 */
void probe_ptrace(struct probe_result *r);
void probe_tracefs(struct probe_result *r);
void probe_seccomp(struct probe_result *r);
void probe_seccomp_actions(struct probe_result *r);
void probe_seccomp_notify(struct probe_result *r);
void probe_seccomp_bitmap(struct probe_result *r);

/* probe_lsm.c */
void probe_landlock(struct probe_result *r);
void probe_lsm(struct probe_result *r);
void probe_apparmor(struct probe_result *r);
void probe_apparmor_parser(struct probe_result *r);
void probe_selinux(struct probe_result *r);
void probe_bpf_lsm(struct probe_result *r);

/* Whether control groups of version 2 are mounted in one of the usual places. */
bool probe_has_cgroup2(void);

/* probe_bpf.c, the user of libbpf */
/* 0 when a program can be attached to an LSM hook, or a negative errno. */
int probe_lsm_program(void);
void probe_cgroup_bpf(struct probe_result *r);
void probe_bpffs(struct probe_result *r);
void probe_btf(struct probe_result *r);
void probe_bpf(struct probe_result *r);
void probe_bpf_memory(struct probe_result *r);
void probe_bpf_unprivileged(struct probe_result *r);
void probe_raw_tracepoint(struct probe_result *r);
void probe_tp_btf(struct probe_result *r);
void probe_ringbuf(struct probe_result *r);
void probe_fexit(struct probe_result *r);
void probe_cap_events(struct probe_result *r);
void probe_call_hooks(struct probe_result *r);
void probe_io_uring(struct probe_result *r);

/* probe_host.c */
void probe_privileges(struct probe_result *r);
void probe_cgroup(struct probe_result *r);
void probe_freeze(struct probe_result *r);
void probe_fanotify(struct probe_result *r);
void probe_yara(struct probe_result *r);
void probe_docker(struct probe_result *r);
void probe_podman(struct probe_result *r);
void probe_containerd(struct probe_result *r);
void probe_runc(struct probe_result *r);
void probe_crun(struct probe_result *r);

#endif
