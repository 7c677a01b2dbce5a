/* Each check of lint, with a profile on which it fires and one on which it is silent; corrections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"
#include "profile/libseccomp.h"
#include "profile/lint_private.h"
#include "random_profile.h"

/* A profile for x86-64 with these rules, ERRNO by default. */
#define RULES(...)                                                                        \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\"]," \
	"\"syscalls\":[" __VA_ARGS__ "]}"
/* The same with other members. */
#define PROFILE(members, ...) "{" members ",\"syscalls\":[" __VA_ARGS__ "]}"
#define X86_64		      "\"architectures\":[\"SCMP_ARCH_X86_64\"]"
#define DEFLT		      "\"defaultAction\":\"SCMP_ACT_ERRNO\""
#define RULE(names, action, ...) \
	"{\"names\":[" names "],\"action\":\"SCMP_ACT_" action "\"" __VA_ARGS__ "}"
#define ALLOW(names, ...) RULE(names, "ALLOW", __VA_ARGS__)
#define ARGS(...)	  ",\"args\":[" __VA_ARGS__ "]"
#define ARG(index, op, value) \
	"{\"index\":" #index ",\"value\":" #value ",\"op\":\"SCMP_CMP_" #op "\"}"
#define ARG2(index, op, value, two)                                                               \
	"{\"index\":" #index ",\"value\":" #value ",\"valueTwo\":" #two ",\"op\":\"SCMP_CMP_" #op \
	"\"}"

/* What runc and crun need, with and without no_new_privs. */
#define RUNTIME                                                                             \
	ALLOW("\"capget\",\"capset\",\"chdir\",\"close\",\"epoll_ctl\",\"execve\","         \
	      "\"faccessat2\",\"fchown\",\"fcntl\",\"fstat\",\"fstatfs\",\"futex\","        \
	      "\"getcwd\",\"getdents64\",\"getpid\",\"getppid\",\"newfstatat\",\"openat\"," \
	      "\"prctl\",\"read\",\"rt_sigreturn\",\"setgid\",\"setgroups\",\"setuid\","    \
	      "\"write\",\"ioctl\",\"rt_sigaction\",\"rt_sigprocmask\",\"setresgid\","      \
	      "\"setresuid\",\"statx\",\"openat2\"")

struct lint_case {
	const char *id;
	const char *fires; /* a profile on which the check fires */
	const char *pointer;
	enum lint_severity severity;
	const char *what; /* in the text of the finding */
	const char *silent;
	enum lint_engine engine;
	const char *libseccomp;
};

static const struct lint_case cases[] = {
	{ .id = "arg-width",
	  .fires = RULES(ALLOW("\"socket\"", ARGS(ARG(0, GT, 40)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_HIGH,
	  .what = "socket(0x100000028, 0, 0) slips through: a runtime that compares 64 bits gives "
		  "it ALLOW, and the kernel sees a call that should get ERRNO EPERM",
	  .silent = RULES(ALLOW("\"socket\"", ARGS(ARG2(0, MASKED_EQ, 4294967295, 41)))) },
	{ .id = "arg-width",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			   RULE("\"socket\"", "ERRNO", ARGS(ARG(0, EQ, 40)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_HIGH,
	  .what = "socket(0x100000028, 0, 0) slips through",
	  .silent = RULES(ALLOW("\"mmap\"", ARGS(ARG(1, LT, 4096)))) },
	{ .id = "arg-width", /* refused, which breaks at most the caller */
	  .fires = RULES(ALLOW("\"personality\"", ARGS(ARG(0, EQ, 8)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_LOW,
	  .what = "personality(0x100000008) gets ERRNO EPERM",
	  .silent = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_X86\"]",
			    ALLOW("\"personality\"", ARGS(ARG(0, EQ, 8)))) },
	{ .id = "arg-same-index",
	  .fires = RULES(ALLOW("\"lseek\"", ARGS(ARG(1, GE, 10) "," ARG(1, LE, 20)))),
	  .pointer = "/syscalls/0/args",
	  .severity = LINT_HIGH,
	  .what = "any one of them is enough",
	  .silent = RULES(ALLOW("\"lseek\"", ARGS(ARG(1, GE, 10) "," ARG(2, LE, 20)))) },
	{ .id = "arg-too-many",
	  .fires = RULES(
		  ALLOW("\"futex\"",
			ARGS(ARG(0, EQ, 0) "," ARG(1, EQ, 1) "," ARG(2, EQ, 2) "," ARG(
				3, EQ, 0) "," ARG(4, EQ, 0) "," ARG(5, EQ, 5) "," ARG(1, EQ, 1)))),
	  .pointer = "/syscalls/0/args",
	  .severity = LINT_HIGH,
	  .what = "7 conditions",
	  .silent = RULES(ALLOW("\"futex\"", ARGS(ARG(0, EQ, 0) "," ARG(1, EQ, 1)))) },
	{ .id = "arg-mask",
	  .fires = RULES(ALLOW("\"clone\"", ARGS(ARG2(0, MASKED_EQ, 0, 2114060288)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_HIGH,
	  .what = "are the two swapped?",
	  .silent = RULES(ALLOW("\"clone\"", ARGS(ARG2(0, MASKED_EQ, 2114060288, 0)))) },
	{ .id = "rule-order", /* the condition is dropped */
	  .fires = RULES(ALLOW("\"kill\"") "," RULE("\"kill\"", "KILL", ARGS(ARG(1, EQ, 9)))),
	  .pointer = "/syscalls/1",
	  .severity = LINT_HIGH,
	  .what = "/syscalls/0 (ALLOW) and /syscalls/1 (KILL_THREAD) both match kill(0, 9): "
		  "libseccomp drops the conditions",
	  .silent = RULES(ALLOW("\"kill\"", ARGS(ARG2(1, MASKED_EQ, 4294967295, 1))) "," RULE(
		  "\"kill\"", "KILL", ARGS(ARG2(1, MASKED_EQ, 4294967295, 9)))) },
	{ .id = "rule-order",
	  .fires = RULES(ALLOW("\"kill\"") "," RULE("\"read\",\"kill\"", "KILL")),
	  .pointer = "/syscalls/1",
	  .severity = LINT_HIGH,
	  .what = "the one that stands first",
	  .silent = RULES(ALLOW("\"kill\"") "," ALLOW("\"kill\"")) },
	{ .id = "rule-order",
	  .fires = RULES(ALLOW("\"lseek\"", ARGS(ARG(1, EQ, 1))) "," RULE("\"lseek\"", "KILL",
									  ARGS(ARG(2, EQ, 2)))),
	  .pointer = "/syscalls/1",
	  .severity = LINT_MEDIUM,
	  .what = "or it refuses them",
	  .silent = RULES(ALLOW("\"lseek\"", ARGS(ARG(1, EQ, 1))) "," RULE("\"lseek\"", "KILL",
									   ARGS(ARG(1, EQ, 2)))) },
	{ .id = "rule-is-default",
	  .fires = RULES(ALLOW("\"kill\"") "," RULE("\"kill\"", "ERRNO", ARGS(ARG(1, EQ, 9)))),
	  .pointer = "/syscalls/1",
	  .severity = LINT_HIGH,
	  .what = "runc and crun leave the rule out, and kill(0, 9) gets ALLOW by /syscalls/0",
	  .silent = RULES(ALLOW("\"kill\"") "," RULE("\"read\"", "ERRNO", ",\"errnoRet\":38")) },
	{ .id = "rule-is-default",
	  .fires = RULES(ALLOW("\"kill\"") "," RULE("\"read\"", "ERRNO", ",\"errnoRet\":1")),
	  .pointer = "/syscalls/1",
	  .severity = LINT_LOW,
	  .what = "the default action anyway",
	  .silent = RULES(ALLOW("\"kill\"")) },
	{ .id = "clone3-allowed",
	  .fires = RULES(ALLOW("\"clone\"", ARGS(ARG2(0, MASKED_EQ, 2114060288, 0))) "," ALLOW(
		  "\"read\",\"clone3\"")),
	  .pointer = "/syscalls/1/names/1",
	  .severity = LINT_HIGH,
	  .what = "from memory",
	  .silent = RULES(ALLOW("\"clone\",\"clone3\"")) },
	{ .id = "namespaces",
	  .fires = RULES(ALLOW("\"clone\"")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_HIGH,
	  .what = "without any condition",
	  .silent = RULES(ALLOW("\"clone\"", ARGS(ARG2(0, MASKED_EQ, 2114060288, 0)))) },
	{ .id = "namespaces",
	  .fires = RULES(ALLOW("\"unshare\"", ARGS(ARG2(0, MASKED_EQ, 131072, 0)))),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_HIGH,
	  .what = "the conditions let CLONE_NEWUSER through",
	  .silent = RULES(ALLOW("\"unshare\"", ARGS(ARG2(0, MASKED_EQ, 268435456, 0)))) },
	{ .id = "dangerous-call",
	  .fires = RULES(ALLOW("\"read\",\"bpf\"")),
	  .pointer = "/syscalls/0/names/1",
	  .severity = LINT_HIGH,
	  .what = "Docker's default profile allows it with CAP_SYS_ADMIN or CAP_BPF only",
	  .silent = RULES(RULE("\"bpf\"", "KILL") "," ALLOW("\"keyctl\"", ARGS(ARG(0, EQ, 0)))) },
	{ .id = "default-allow",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			   RULE("\"bpf\"", "ERRNO")),
	  .pointer = "/defaultAction",
	  .severity = LINT_HIGH,
	  .what = "among it delete_module",
	  .silent = RULES(ALLOW("\"read\"")) },
	{ .id = "default-log",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_LOG\"," X86_64, ALLOW("\"read\"")),
	  .pointer = "/defaultAction",
	  .severity = LINT_HIGH,
	  .what = "audit log",
	  .silent = RULES(RULE("\"read\"", "LOG")) },
	{ .id = "denial-incomplete",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			   RULE("\"open\"", "ERRNO")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "open is refused, and openat, creat, which can do the same, allowed",
	  .silent = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			    RULE("\"open\",\"openat\",\"openat2\",\"creat\"", "ERRNO")) },
	{ .id = "denial-incomplete",
	  .fires = RULES(RULE("\"execve\"", "KILL") "," ALLOW("\"execveat\"")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "execveat",
	  .silent = RULES(RULE("\"faccessat2\"", "ERRNO",
			       ",\"errnoRet\":38") "," ALLOW("\"access\",\"faccessat\"")) },
	{ .id = "multiplexer",
	  .fires = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"]",
			   ALLOW("\"socket\"", ARGS(ARG2(0, MASKED_EQ, 4294967295, 2)))),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "socketcall",
	  .silent = RULES(ALLOW("\"socket\"", ARGS(ARG2(0, MASKED_EQ, 4294967295, 2)))) },
	{ .id = "multiplexer",
	  .fires = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"]",
			   ALLOW("\"shmget\"", ARGS(ARG(1, LT, 4096)))),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "through ipc",
	  .silent = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"]",
			    ALLOW("\"shmget\",\"socket\"")) },
	{ .id = "rule-limit-void",
	  .fires = RULES(ALLOW("\"read\",\"kill\"") "," ALLOW("\"kill\"", ARGS(ARG(1, EQ, 15)))),
	  .pointer = "/syscalls/1/args",
	  .severity = LINT_MEDIUM,
	  .what = "/syscalls/0 has the same action without any",
	  .silent = RULES(ALLOW("\"read\"") "," ALLOW("\"kill\"", ARGS(ARG(1, EQ, 15)))) },
	{ .id = "arg-never",
	  .fires = RULES(ALLOW("\"socket\"", ARGS(ARG(0, GT, 4294967295)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_MEDIUM,
	  .what = "SCMP_CMP_GT with 0xffffffff can never hold for argument 0 of socket",
	  .silent = RULES(ALLOW("\"lseek\"", ARGS(ARG(1, GT, 4294967295)))) },
	{ .id = "arg-never",
	  .fires = RULES(RULE("\"socket\"", "KILL", ARGS(ARG(0, EQ, 1) "," ARG(0, EQ, 2)))),
	  .pointer = "/syscalls/0/args",
	  .severity = LINT_HIGH,
	  .what = "exclude one another",
	  .silent = RULES(ALLOW("\"socket\"", ARGS(ARG(0, GE, 1) "," ARG(0, LE, 2)))) },
	{ .id = "errno-zero",
	  .fires = RULES(RULE("\"setuid\"", "ERRNO", ",\"errnoRet\":0")),
	  .pointer = "/syscalls/0/errnoRet",
	  .severity = LINT_MEDIUM,
	  .what = "they succeeded",
	  .silent = RULES(RULE("\"setuid\"", "ERRNO", ",\"errnoRet\":2")) },
	{ .id = "base-missing",
	  .fires = RULES(ALLOW("\"read\"")),
	  .pointer = "/syscalls",
	  .severity = LINT_HIGH,
	  .what = "no container starts without",
	  .silent = RULES(RUNTIME),
	  .engine = LINT_CRUN },
	{ .id = "base-missing",
	  .fires = RULES(ALLOW("\"read\"")),
	  .pointer = "/syscalls",
	  .severity = LINT_HIGH,
	  .what = "runc of any version",
	  .silent = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
	  .engine = LINT_DOCKER },
	{ .id = "errno-unused",
	  .fires = RULES(ALLOW("\"read\"", ",\"errnoRet\":1")),
	  .pointer = "/syscalls/0/errnoRet",
	  .severity = LINT_HIGH,
	  .what = "errnoRet with SCMP_ACT_ALLOW",
	  .silent = RULES(RULE("\"read\"", "ERRNO", ",\"errnoRet\":5")) },
	{ .id = "errno-unused",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_KILL\",\"defaultErrnoRet\":1", ""),
	  .pointer = "/defaultErrnoRet",
	  .severity = LINT_HIGH,
	  .what = "defaultErrnoRet with",
	  .silent = PROFILE(DEFLT ",\"defaultErrnoRet\":1", "") },
	{ .id = "errno-range",
	  .fires = RULES(RULE("\"read\"", "ERRNO", ",\"errnoRet\":5000")),
	  .pointer = "/syscalls/0/errnoRet",
	  .severity = LINT_HIGH,
	  .what = "5000",
	  .silent = RULES(RULE("\"read\"", "ERRNO", ",\"errnoRet\":4095")) },
	{ .id = "errno-range",
	  .fires = RULES(RULE("\"read\"", "ERRNO", ",\"errno\":\"ENOPE\"")),
	  .pointer = "/syscalls/0/errno",
	  .severity = LINT_HIGH,
	  .what = "\"ENOPE\" is no errno",
	  .silent = RULES(RULE("\"read\"", "ERRNO", ",\"errno\":\"ENOSYS\"")) },
	{ .id = "arg-index",
	  .fires = RULES(ALLOW("\"read\"", ARGS(ARG(6, EQ, 0)))),
	  .pointer = "/syscalls/0/args/0/index",
	  .severity = LINT_HIGH,
	  .what = "0 to 5",
	  .silent = RULES(ALLOW("\"futex\"", ARGS(ARG(5, EQ, 0)))) },
	{ .id = "notify-write",
	  .fires = PROFILE(DEFLT ",\"listenerPath\":\"/run/l\"", RULE("\"write\"", "NOTIFY")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_HIGH,
	  .what = "runc refuses",
	  .silent = PROFILE(DEFLT ",\"listenerPath\":\"/run/l\"", RULE("\"mkdir\"", "NOTIFY")) },
	{ .id = "default-tracer",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_NOTIFY\"", ""),
	  .pointer = "/defaultAction",
	  .severity = LINT_HIGH,
	  .what = "runc refuses",
	  .silent = PROFILE(DEFLT, "") },
	{ .id = "default-tracer",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_TRACE\"", ""),
	  .pointer = "/defaultAction",
	  .severity = LINT_MEDIUM,
	  .what = "ENOSYS",
	  .silent = PROFILE("\"defaultAction\":\"SCMP_ACT_TRAP\"", "") },
	{ .id = "listener-missing",
	  .fires = RULES(RULE("\"mkdir\"", "NOTIFY")),
	  .pointer = "/syscalls/0/action",
	  .severity = LINT_HIGH,
	  .what = "no listenerPath",
	  .silent = PROFILE(DEFLT ",\"listenerPath\":\"/run/l\"", RULE("\"mkdir\"", "NOTIFY")) },
	{ .id = "tracer-missing",
	  .fires = RULES(RULE("\"mkdir\"", "TRACE")),
	  .pointer = "/syscalls/0/action",
	  .severity = LINT_MEDIUM,
	  .what = "without a tracer",
	  .silent = RULES(RULE("\"mkdir\"", "TRAP")) },
	{ .id = "flag-unknown",
	  .fires = PROFILE(DEFLT ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOGS\"]", ""),
	  .pointer = "/flags/0",
	  .severity = LINT_HIGH,
	  .what = "SECCOMP_FILTER_FLAG_LOGS",
	  .silent = PROFILE(DEFLT ",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]", "") },
	{ .id = "flag-listener",
	  .fires = PROFILE(DEFLT ",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]", ""),
	  .pointer = "/flags",
	  .severity = LINT_HIGH,
	  .what = "EINVAL",
	  .silent = PROFILE(DEFLT ",\"flags\":[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]",
			    RULE("\"mkdir\"", "NOTIFY")) },
	{ .id = "arch-unknown",
	  .fires = PROFILE(DEFLT ",\"architectures\":[\"x86_64\"]", ""),
	  .pointer = "/architectures/0",
	  .severity = LINT_HIGH,
	  .what = "is no architecture",
	  .silent = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_S390X\"]", "") },
	{ .id = "arch-unknown",
	  .fires = PROFILE(DEFLT ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
				 "\"subArchitectures\":[\"SCMP_ARCH_NATIVE\"]}]",
			   ""),
	  .pointer = "/archMap/0/subArchitectures/0",
	  .severity = LINT_HIGH,
	  .what = "runc refuses",
	  .silent = PROFILE(DEFLT ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]", "") },
	{ .id = "arch-both",
	  .fires = PROFILE(
		  DEFLT "," X86_64 ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]", ""),
	  .pointer = "/archMap",
	  .severity = LINT_HIGH,
	  .what = "refuse",
	  .silent = PROFILE(DEFLT "," X86_64 ",\"archMap\":[]", "") },
	{ .id = "name-and-names",
	  .fires = RULES(ALLOW("\"read\"", ",\"name\":\"write\"")),
	  .pointer = "/syscalls/0/name",
	  .severity = LINT_HIGH,
	  .what = "refuse",
	  .silent = RULES(ALLOW("\"read\"")) },
	{ .id = "condition-unknown",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"caps\":[\"SYS_ADMIN\"]}")),
	  .pointer = "/syscalls/0/includes/caps/0",
	  .severity = LINT_MEDIUM,
	  .what = "not compared with CAP_SYS_ADMIN",
	  .silent = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}")) },
	{ .id = "condition-unknown",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"excludes\":{\"arches\":[\"amd46\"]}")),
	  .pointer = "/syscalls/0/excludes/arches/0",
	  .severity = LINT_MEDIUM,
	  .what = "is no architecture",
	  .silent = RULES(ALLOW("\"bpf\"", ",\"excludes\":{\"arches\":[\"amd64\"]}")) },
	{ .id = "condition-unknown",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"minKernel\":\"4.8.1\"}")),
	  .pointer = "/syscalls/0/includes/minKernel",
	  .severity = LINT_HIGH,
	  .what = "4.8.1",
	  .silent = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"minKernel\":\"4.8\"}")) },
	{ .id = "engine-members",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}")),
	  .pointer = "/syscalls/0/includes",
	  .severity = LINT_HIGH,
	  .what = "containerd ignores it: the rule counts on every host",
	  .silent = RULES(ALLOW("\"read\"", ",\"includes\":{},\"comment\":\"x\"")),
	  .engine = LINT_CONTAINERD },
	{ .id = "engine-members",
	  .fires = PROFILE(DEFLT ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]", ""),
	  .pointer = "/archMap",
	  .severity = LINT_MEDIUM,
	  .what = "native architecture only",
	  .silent = PROFILE(DEFLT "," X86_64, ""),
	  .engine = LINT_CRUN },
	{ .id = "engine-members",
	  .fires = RULES("{\"name\":\"read\",\"action\":\"SCMP_ACT_ALLOW\"}"),
	  .pointer = "/syscalls/0/name",
	  .severity = LINT_HIGH,
	  .what = "knows `names` only",
	  .silent = RULES(ALLOW("\"read\"")),
	  .engine = LINT_CONTAINERD },
	{ .id = "engine-members",
	  .fires = RULES(RULE("\"read\"", "ERRNO", ",\"errno\":\"ENOSYS\"")),
	  .pointer = "/syscalls/0/errno",
	  .severity = LINT_MEDIUM,
	  .what = "answers EPERM",
	  .silent = RULES(RULE("\"read\"", "ERRNO", ",\"errno\":\"ENOSYS\",\"errnoRet\":38")),
	  .engine = LINT_DOCKER },
	{ .id = "engine-members",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"minKernel\":\"4.8\"}")),
	  .pointer = "/syscalls/0/includes/minKernel",
	  .severity = LINT_LOW,
	  .what = "podman ignores",
	  .silent = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}")),
	  .engine = LINT_PODMAN },
	{ .id = "engine-members",
	  .fires = RULES(ALLOW("\"bpf\"", ",\"includes\":{\"minKernel\":\"4.8\"}")),
	  .pointer = "/",
	  .severity = LINT_INFO,
	  .what = "conditions of 1 rules",
	  .silent = RULES(ALLOW("\"bpf\"")) },
	{ .id = "names-missing",
	  .fires = RULES("{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}"),
	  .pointer = "/syscalls/0",
	  .severity = LINT_MEDIUM,
	  .what = "names no system call",
	  .silent = RULES(ALLOW("\"read\"")) },
	{ .id = "clone3-refused",
	  .fires = RULES(ALLOW("\"clone\"")),
	  .pointer = "/defaultAction",
	  .severity = LINT_HIGH,
	  .what = "clone3 gets ERRNO EPERM",
	  .silent = RULES(ALLOW("\"clone\"") "," RULE("\"clone3\"", "ERRNO", ",\"errnoRet\":38")) },
	{ .id = "clone3-refused", /* runc answers ENOSYS beyond the greatest number that is named */
	  .fires = RULES(ALLOW("\"clone\",\"openat2\"")),
	  .pointer = "/defaultAction",
	  .severity = LINT_HIGH,
	  .what = "glibc 2.34",
	  .silent = RULES(ALLOW("\"clone\"")),
	  .engine = LINT_DOCKER },
	{ .id = "new-call-refused",
	  .fires = RULES(RULE("\"faccessat2\"", "KILL")),
	  .pointer = "/syscalls/0",
	  .severity = LINT_MEDIUM,
	  .what = "faccessat2 (Linux 5.8) gets KILL_THREAD",
	  .silent = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38}" },
	{ .id = "name-unknown",
	  .fires = RULES(ALLOW("\"raed\"")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "is \"read\" meant? the call that is meant stays refused",
	  .silent = RULES(ALLOW("\"read\",\"riscv_flush_icache\"")) },
	{ .id = "name-unknown",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"", RULE("\"xyzzyxyzzy\"", "KILL")),
	  .pointer = "/syscalls/0/names/0",
	  .severity = LINT_MEDIUM,
	  .what = "stays allowed",
	  .silent = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"", RULE("\"mount\"", "KILL")) },
	{ .id = "name-libseccomp",
	  .fires = RULES(ALLOW("\"read\",\"mseal\"")),
	  .pointer = "/syscalls/0/names",
	  .severity = LINT_MEDIUM,
	  .what = "knows calls up to Linux 5.17, so the runtime skips mseal",
	  .silent = RULES(ALLOW("\"read\",\"futex_waitv\"")),
	  .libseccomp = "2.5.4" },
	{ .id = "name-libseccomp",
	  .fires = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			   RULE("\"mseal\"", "KILL")),
	  .pointer = "/syscalls/0/names",
	  .severity = LINT_HIGH,
	  .what = "mseal",
	  .silent = PROFILE("\"defaultAction\":\"SCMP_ACT_ALLOW\"," X86_64,
			    RULE("\"mount\"", "KILL")),
	  .libseccomp = "2.5.5" },
	{ .id = "default-errno",
	  .fires = PROFILE(DEFLT ",\"defaultErrnoRet\":38", ""),
	  .pointer = "/defaultErrnoRet",
	  .severity = LINT_LOW,
	  .what = "ERRNO ENOSYS",
	  .silent = PROFILE(DEFLT ",\"defaultErrnoRet\":1", "") },
	{ .id = "rule-conflict",
	  .fires = RULES(RULE("\"kill\"", "ERRNO", ",\"errnoRet\":3") "," RULE("\"kill\"", "ERRNO",
									       ",\"errnoRet\":4")),
	  .pointer = "/syscalls/1",
	  .severity = LINT_MEDIUM,
	  .what = "/syscalls/0 (ERRNO ESRCH) and /syscalls/1 (ERRNO EINTR) both decide kill(0, 0)",
	  .silent = RULES(RULE("\"kill\"", "ERRNO", ",\"errnoRet\":3") "," RULE(
		  "\"kill\"", "ERRNO", ",\"errnoRet\":4" ARGS(ARG(1, EQ, 9)))) },
	{ .id = "arg-beyond",
	  .fires = RULES(ALLOW("\"read\"", ARGS(ARG(3, EQ, 0)))),
	  .pointer = "/syscalls/0/args/0/index",
	  .severity = LINT_MEDIUM,
	  .what = "read has 3 arguments, the last is argument 2",
	  .silent = RULES(ALLOW("\"read\"", ARGS(ARG(2, EQ, 0)))) },
	{ .id = "arg-pointer",
	  .fires = RULES(ALLOW("\"read\"", ARGS(ARG(1, EQ, 4096)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_MEDIUM,
	  .what = "argument 1 of read (buf) is an address",
	  .silent = RULES(ALLOW("\"read\"", ARGS(ARG(1, NE, 0)))) },
	{ .id = "arch-native",
	  .fires = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_AARCH64\"]", ""),
	  .pointer = "/architectures",
	  .severity = LINT_MEDIUM,
	  .what = "SCMP_ARCH_X86_64",
	  .silent = PROFILE(DEFLT "," X86_64, "") },
	{ .id = "listener-metadata",
	  .fires = PROFILE(DEFLT ",\"listenerMetadata\":\"x\"", ""),
	  .pointer = "/listenerMetadata",
	  .severity = LINT_MEDIUM,
	  .what = "without listenerPath",
	  .silent = PROFILE(DEFLT ",\"listenerPath\":\"/l\",\"listenerMetadata\":\"x\"", "") },
	{ .id = "duplicate-key",
	  .fires = RULES(ALLOW("\"read\"", ",\"action\":\"SCMP_ACT_LOG\"")),
	  .pointer = "/syscalls/0/action",
	  .severity = LINT_MEDIUM,
	  .what = "was there before",
	  .silent = RULES(ALLOW("\"read\"") "," ALLOW("\"write\"")) },
	{ .id = "unknown-member",
	  .fires = RULES(ALLOW("\"read\"", ",\"arg\":[]")),
	  .pointer = "/syscalls/0/arg",
	  .severity = LINT_MEDIUM,
	  .what = "is \"args\" meant?",
	  .silent = RULES(ALLOW("\"read\"", ",\"args\":[]")) },
	{ .id = "unknown-member",
	  .fires = PROFILE(DEFLT ",\"x-made-by\":\"me\"", ""),
	  .pointer = "/x-made-by",
	  .severity = LINT_LOW,
	  .what = "no engine knows",
	  .silent = PROFILE(DEFLT, "") },
	{ .id = "rule-dead",
	  .fires = RULES(ALLOW("\"read\",\"write\"") "," ALLOW("\"write\"")),
	  .pointer = "/syscalls/1",
	  .severity = LINT_LOW,
	  .what = "without effect for write",
	  .silent = RULES(ALLOW("\"read\"") "," ALLOW("\"write\"")) },
	{ .id = "rule-dead", /* two halves make a whole */
	  .fires = RULES(ALLOW("\"kill\"", ARGS(ARG2(1, MASKED_EQ, 1, 0))) "," ALLOW(
		  "\"kill\"", ARGS(ARG2(1, MASKED_EQ, 1,
					1))) "," ALLOW("\"kill\"", ARGS(ARG2(0, MASKED_EQ, 1, 1)))),
	  .pointer = "/syscalls/2",
	  .severity = LINT_LOW,
	  .what = "without effect for kill",
	  .silent = RULES(ALLOW("\"kill\"", ARGS(ARG2(1, MASKED_EQ, 3, 0))) "," ALLOW(
		  "\"kill\"",
		  ARGS(ARG2(1, MASKED_EQ, 1, 1))) "," ALLOW("\"kill\"",
							    ARGS(ARG2(0, MASKED_EQ, 1, 1)))) },
	{ .id = "arg-always",
	  .fires = RULES(ALLOW("\"read\"", ARGS(ARG(0, GE, 0)))),
	  .pointer = "/syscalls/0/args/0",
	  .severity = LINT_LOW,
	  .what = "holds for every value",
	  .silent = RULES(ALLOW("\"read\"", ARGS(ARG(0, GE, 1)))) },
	{ .id = "arg-value-two",
	  .fires = RULES(ALLOW("\"lseek\"", ARGS(ARG2(1, EQ, 1, 2)))),
	  .pointer = "/syscalls/0/args/0/valueTwo",
	  .severity = LINT_LOW,
	  .what = "SCMP_CMP_EQ",
	  .silent = RULES(ALLOW("\"lseek\"", ARGS(ARG2(1, EQ, 1, 0)))) },
	{ .id = "name-twice",
	  .fires = RULES(ALLOW("\"read\",\"write\",\"read\"")),
	  .pointer = "/syscalls/0/names/2",
	  .severity = LINT_LOW,
	  .what = "read stands twice",
	  .silent = RULES(ALLOW("\"read\",\"write\"")) },
	{ .id = "name-old-form",
	  .fires = RULES("{\"name\":\"read\",\"action\":\"SCMP_ACT_ALLOW\"}"),
	  .pointer = "/syscalls/0/name",
	  .severity = LINT_LOW,
	  .what = "one name",
	  .silent = RULES(ALLOW("\"read\"")) },
	{ .id = "listener-unused",
	  .fires = PROFILE(DEFLT ",\"listenerPath\":\"/l\"", ""),
	  .pointer = "/listenerPath",
	  .severity = LINT_LOW,
	  .what = "no rule has SCMP_ACT_NOTIFY",
	  .silent = PROFILE(DEFLT ",\"listenerPath\":\"/l\"", RULE("\"mkdir\"", "NOTIFY")) },
	{ .id = "arch-x32",
	  .fires = PROFILE(DEFLT ",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"]", ""),
	  .pointer = "/architectures/1",
	  .severity = LINT_LOW,
	  .what = "x32 is listed",
	  .silent = PROFILE(DEFLT "," X86_64, "") },
	{ .id = "arch-x86",
	  .fires = PROFILE(DEFLT ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
				 "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}]",
			   ""),
	  .pointer = "/archMap",
	  .severity = LINT_INFO,
	  .what = "32-bit",
	  .silent = PROFILE(DEFLT ",\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","
				  "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}]",
			    "") },
	{ .id = "arch-only-native",
	  .fires = PROFILE(DEFLT, ""),
	  .pointer = "/",
	  .severity = LINT_INFO,
	  .what = "neither",
	  .silent = PROFILE(DEFLT "," X86_64, "") },
	{ .id = "kill-thread",
	  .fires = RULES(RULE("\"bpf\"", "KILL")),
	  .pointer = "/syscalls/0/action",
	  .severity = LINT_INFO,
	  .what = "SCMP_ACT_KILL ends",
	  .silent = RULES(RULE("\"bpf\"", "KILL_PROCESS")) },
	{ .id = "name-no-arch",
	  .fires = RULES(ALLOW("\"read\",\"socketcall\"")),
	  .pointer = "/syscalls/0/names",
	  .severity = LINT_INFO,
	  .what = "socketcall",
	  .silent = RULES(ALLOW("\"read\"")) },
};

static struct lint_options options(const struct lint_case *c)
{
	struct lint_options o;

	lint_options_default(&o);
	o.host = (struct sp_host){ SC_X86_64, 0xa80425fb, { 6, 1, 0 } };
	if (c) {
		o.engine = c->engine;
		o.libseccomp = c->libseccomp;
	}
	return o;
}

static void lint(const char *text, const struct lint_options *o, struct lint_report *r)
{
	struct err e = { 0 };

	if (lint_profile("p", text, strlen(text), o, r, &e) < 0)
		fail_msg("%s\n%s", e.msg, text);
	assert_false(r->incomplete);
}

static const struct lint_finding *find(const struct lint_report *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->findings[i].check->id, id))
			return &r->findings[i];
	return NULL;
}

/* The finding at this place, or any of the check. */
static const struct lint_finding *find_at(const struct lint_report *r, const char *id,
					  const char *pointer)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->findings[i].check->id, id) &&
		    !strcmp(r->findings[i].pointer, pointer))
			return &r->findings[i];
	return find(r, id);
}

static void test_fires(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lint_case *c = &cases[i];
		struct lint_options o = options(c);
		cleanup_lint_report struct lint_report r = { 0 };
		const struct lint_finding *f;

		lint(c->fires, &o, &r);
		f = find_at(&r, c->id, c->pointer);
		if (!f)
			fail_msg("%s is silent on %s", c->id, c->fires);
		if (strcmp(f->pointer, c->pointer) || f->severity != c->severity ||
		    !strstr(f->what, c->what))
			fail_msg("%s: %s %s: %s, expected %s %s: %s", c->id,
				 lint_severity_name(f->severity), f->pointer, f->what,
				 lint_severity_name(c->severity), c->pointer, c->what);
		assert_true(f->line == 1 && f->col >= 1);
	}
}

static void test_silent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lint_case *c = &cases[i];
		struct lint_options o = options(c);
		cleanup_lint_report struct lint_report r = { 0 };
		const struct lint_finding *f;

		lint(c->silent, &o, &r);
		f = find(&r, c->id);
		if (f)
			fail_msg("%s fires on %s: %s", c->id, c->silent, f->what);
	}
}

/* Every check of the table has a case, and says all that users need. */
static void test_table(void **state)
{
	struct map ids = { 0 };

	(void)state;
	for (const struct lint_check *c = lint_checks; c->id; c++) {
		bool has_case = false;

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			has_case |= !strcmp(cases[i].id, c->id);
		if (!has_case)
			fail_msg("no case for %s", c->id);
		assert_null(*map_at(&ids, c->id, strlen(c->id)));
		*map_at(&ids, c->id, strlen(c->id)) = &ids;
		assert_true(c->title && c->why && c->fix && c->reference && c->run);
	}
	map_free(&ids);
}

static void test_places(void **state)
{
	static const char text[] =
		"{\n"
		"  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n"
		"  \"architectures\": [ \"SCMP_ARCH_X86_64\" ],\n"
		"  \"syscalls\": [\n"
		"    { \"names\": [ \"read\" ], \"action\": \"SCMP_ACT_ALLOW\",\n"
		"      \"a~b/c\": 1, \"args\": [\n"
		"      { \"index\": 0, \"value\": 3, \"op\": \"SCMP_CMP_NE\" } ] }\n"
		"  ]\n}\n";
	struct lint_options o = options(NULL);
	cleanup_lint_report struct lint_report r = { 0 };
	const struct lint_finding *f;

	(void)state;
	lint(text, &o, &r);
	f = find(&r, "arg-width");
	assert_non_null(f);
	assert_string_equal("/syscalls/0/args/0", f->pointer);
	assert_int_equal(7, f->line);
	assert_int_equal(7, f->col);
	f = find(&r, "unknown-member");
	assert_non_null(f);
	assert_string_equal("/syscalls/0/a~0b~1c", f->pointer);
	assert_int_equal(6, f->line);
	/* Severe ones first. */
	for (size_t i = 1; i < r.n; i++)
		assert_true(r.findings[i - 1].severity >= r.findings[i].severity);
}

/* What cannot be read as a profile is an error with its place. */
static void test_unreadable(void **state)
{
	static const struct {
		const char *text, *message;
	} refused[] = {
		{ "", "p:1:1: not valid JSON" },
		{ "[]", "expected a seccomp profile" },
		{ "{}", "\"defaultAction\" is missing" },
		{ "{\"format\":\"boltseal.workload/1\"}", "expected a seccomp profile, found" },
		{ "{\"defaultAction\":\"SCMP_ACT_MAYBE\"}",
		  "p:1:18: /defaultAction: unknown action" },
		{ RULES(ALLOW("1")), "/syscalls/0/names/0: expected a string" },
		{ RULES(ALLOW("\"read\"",
			      ARGS("{\"index\":\"0\",\"value\":0,\"op\":\"SCMP_CMP_EQ\"}"))),
		  "/syscalls/0/args/0/index: expected a whole number" },
		{ RULES(ALLOW("\"read\"", ARGS(ARG(0, SAME, 0)))), "unknown operator" },
		{ RULES("7"), "/syscalls/0: expected an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct lint_options o = options(NULL);
		cleanup_lint_report struct lint_report r = { 0 };
		struct err e = { 0 };
		char *out = NULL;

		assert_int_equal(-EINVAL, lint_profile("p", refused[i].text,
						       strlen(refused[i].text), &o, &r, &e) < 0
						  ? -EINVAL
						  : 0);
		if (!strstr(e.msg, refused[i].message))
			fail_msg("%s, expected %s", e.msg, refused[i].message);
		assert_true(lint_fix("p", refused[i].text, strlen(refused[i].text), &o, &out, &e) <
			    0);
		assert_null(out);
	}
}

static void test_too_much(void **state)
{
	struct lint_options o = options(NULL);
	cleanup_lint_report struct lint_report r = { 0 };
	cleanup_buf struct buf text = { 0 };

	(void)state;
	buf_puts(&text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"action\":"
			"\"SCMP_ACT_ALLOW\",\"names\":[\"read\"");
	for (int i = 0; i < LINT_MAX_FINDINGS + 10; i++)
		buf_printf(&text, ",\"no_call_%d\"", i);
	buf_puts(&text, "]}]}");
	assert_int_equal(0, lint_profile("p", buf_str(&text), text.len, &o, &r, NULL));
	assert_true(r.incomplete);
	assert_int_equal(LINT_MAX_FINDINGS, r.n);
}

static void read_profile(const char *text, const struct sp_host *h, struct sp_profile *p)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf unknown = { 0 };
	struct err e = { 0 };

	if (json_parse(&d, "fixed", text, strlen(text), &e) < 0 ||
	    sp_read(p, &d, h, &unknown, &e) < 0)
		fail_msg("%s\n%s", e.msg, text);
}

static void no_fixable(const char *text, const struct lint_options *o)
{
	cleanup_lint_report struct lint_report r = { 0 };

	lint(text, o, &r);
	for (size_t i = 0; i < r.n; i++)
		if (r.findings[i].fixable)
			fail_msg("still there: %s: %s\n%s", r.findings[i].check->id,
				 r.findings[i].what, text);
}

static char *fix(const char *text, const struct lint_options *o)
{
	struct err e = { 0 };
	char *out = NULL;

	if (lint_fix("p", text, strlen(text), o, &out, &e) < 0)
		fail_msg("%s\n%s", e.msg, text);
	return out;
}

/* Corrected profiles have nothing left that can be corrected; correcting again changes nothing. */
static void test_fix_cases(void **state)
{
	size_t fixed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct lint_case *c = &cases[i];
		struct lint_options o = options(c);
		cleanup_lint_report struct lint_report r = { 0 };
		cleanup_free char *out = fix(c->fires, &o), *again = fix(out, &o);
		const struct lint_finding *f;

		no_fixable(out, &o);
		assert_string_equal(out, again);
		lint(c->fires, &o, &r);
		f = find(&r, c->id);
		if (f && f->fixable) {
			cleanup_lint_report struct lint_report left = { 0 };

			fixed++;
			lint(out, &o, &left);
			assert_null(find(&left, c->id));
		}
	}
	assert_true(fixed > 20);
}

/* The exact text of one correction. */
static void test_fix_text(void **state)
{
	struct lint_options o = options(NULL);
	cleanup_free char *out = fix(RULES(ALLOW("\"socket\",\"read\"") "," RULE(
					     "\"socket\"", "ERRNO", ARGS(ARG(0, GE, 4294967294)))),
				     &o);

	(void)state;
	/* The exception is taken out of the permission, since a rule with the default action
	 * would be left out. */
	assert_non_null(strstr(out, "\"read\""));
	assert_null(strstr(out, "SCMP_CMP_GE"));
	assert_null(strstr(out, "\"action\": \"SCMP_ACT_ERRNO\""));
	assert_non_null(strstr(out, "\"value\": 2147483648,\n          \"valueTwo\": 0,"));
}

static void same_meaning(const struct sp_profile *p, const struct sp_profile *q)
{
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct err e = { 0 };

	if (sp_compile(q, &f, &e) < 0 || sp_prove(p, &f, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Random profiles mean the same when corrected, by proof and by evaluation. */
static void test_fix_random(void **state)
{
	struct source s = { .state = 0x1234567 };
	size_t changed = 0;

	(void)state;
	for (int i = 0; i < 150; i++) {
		struct lint_options o = options(NULL);
		cleanup_sp_profile struct sp_profile p = { 0 }, q = { 0 };
		cleanup_free char *text = NULL, *out = NULL;
		struct seccomp_data sd;

		random_profile(&p, &s, 6, i % 2);
		p.bad_arch = (struct sp_ret){ SP_KILL_PROCESS, 0 };
		text = sp_write(&p, SP_DIALECT_OCI);
		out = fix(text, &o);
		read_profile(out, &o.host, &q);
		changed += strcmp(text, out) != 0;
		same_meaning(&p, &q);
		for (int k = 0; k < 200; k++) {
			struct sp_ret a, b;

			random_call(&s, &p, &sd);
			a = meaning(&p, &sd);
			b = meaning(&q, &sd);
			assert_int_equal(0, sp_ret_cmp(a, b));
		}
	}
	assert_true(changed > 75);
}

/* A file of ../shared, or NULL and the test is skipped. */
static char *shared_file(const char *name)
{
	const char *shared = getenv("BOLTSEAL_SHARED");
	cleanup_free char *path = NULL;
	struct buf b = { 0 };

	if (asprintf(&path, "%s/testdata/seccomp/%s", shared ? shared : "../shared", name) < 0 ||
	    access(path, R_OK) < 0)
		return NULL;
	assert_int_equal(0, io_read_file(path, SP_MAX_BYTES, &b, NULL));
	return buf_take(&b);
}

/* The number of findings of at least this severity, of those that are not of `but`. */
static size_t severe(const struct lint_report *r, enum lint_severity least, const char *but)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->findings[i].severity >= least && !strstr(but, r->findings[i].check->id);
	return n;
}

static void test_docker_default(void **state)
{
	cleanup_free char *text = shared_file("docker-default.json");
	struct lint_options o = options(NULL);
	cleanup_lint_report struct lint_report r = { 0 };
	const struct lint_finding *f;

	(void)state;
	if (!text)
		skip();
	o.engine = LINT_DOCKER;
	lint(text, &o, &r);
	assert_int_equal(1, r.count[LINT_HIGH]);
	f = find(&r, "arg-width");
	assert_non_null(f);
	assert_string_equal("/syscalls/4/args/0", f->pointer);
	assert_non_null(strstr(f->what, "socket(0x100000028, 0, 0) slips through"));
	/* Beyond that only: 32-bit callers reach socket through socketcall. */
	assert_int_equal(1, r.count[LINT_MEDIUM]);
	assert_non_null(find(&r, "multiplexer"));
}

static void test_podman_default(void **state)
{
	cleanup_free char *text = shared_file("podman-default.json");
	struct lint_options o = options(NULL);
	cleanup_lint_report struct lint_report r = { 0 };

	(void)state;
	if (!text)
		skip();
	o.engine = LINT_PODMAN;
	lint(text, &o, &r);
	assert_int_equal(0, severe(&r, LINT_MEDIUM,
				   "rule-order namespaces dangerous-call new-call-refused"));
	assert_string_equal("/syscalls/16", find(&r, "rule-order")->pointer);
	/* With less capabilities its rules on netlink sockets count, which compare 64 bits. */
	lint_report_free(&r);
	o.host.caps = 0;
	lint(text, &o, &r);
	assert_non_null(find(&r, "arg-width"));
	assert_int_equal(LINT_HIGH, find(&r, "arg-width")->severity);
	assert_non_null(strstr(find(&r, "arg-width")->what, "socket("));
}

/* The corrected defaults mean the same on every host. */
static void test_fix_defaults(void **state)
{
	static const char *const names[] = { "docker-default.json", "podman-default.json" };
	static const uint64_t caps[] = { 0, 0xa80425fb, UINT64_C(0x1ffffffffff) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(caps); i++) {
		struct lint_options o = options(NULL);
		cleanup_free char *text = shared_file(names[i % 2]), *out = NULL;

		if (!text)
			skip();
		out = fix(text, &o);
		for (unsigned native = 0; native < 2; native++) {
			cleanup_sp_profile struct sp_profile p = { 0 }, q = { 0 };

			o.host.caps = caps[i / 2];
			o.host.native = native ? SC_AARCH64 : SC_X86_64;
			read_profile(text, &o.host, &p);
			read_profile(out, &o.host, &q);
			same_meaning(&p, &q);
			if (!native)
				no_fixable(out, &o);
		}
	}
}

/* For an engine without Docker's conditions they are decided. */
static void test_fix_engine(void **state)
{
	cleanup_free char *text = shared_file("docker-default.json"), *out = NULL;
	struct lint_options o = options(NULL);
	cleanup_sp_profile struct sp_profile p = { 0 }, q = { 0 };

	(void)state;
	if (!text)
		skip();
	o.engine = LINT_CONTAINERD;
	out = fix(text, &o);
	assert_null(strstr(out, "includes"));
	assert_null(strstr(out, "excludes"));
	assert_null(strstr(out, "archMap"));
	read_profile(text, &o.host, &p);
	o.host.caps = 0; /* no longer asked */
	read_profile(out, &o.host, &q);
	same_meaning(&p, &q);
}

/* What boltseal generates. */
static void test_generated(void **state)
{
	static const char *const files[] = {
		"tests/golden/web.seccomp.docker.json",
		"tests/golden/web.seccomp.nnp.oci.json",
		"tests/golden/web.seccomp.podman.json",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct lint_options o = options(NULL);
		cleanup_lint_report struct lint_report r = { 0 };
		cleanup_buf struct buf text = { 0 };

		o.runtime = "runc";
		o.runtime_version = "1.1.5";
		o.no_new_privs = strstr(files[i], "nnp") != NULL;
		assert_int_equal(0, io_read_file(files[i], SP_MAX_BYTES, &text, NULL));
		lint(buf_str(&text), &o, &r);
		if (severe(&r, LINT_LOW, ""))
			fail_msg("%s: %s: %s", files[i], r.findings[0].check->id,
				 r.findings[0].what);
	}
}

/* "CAP_A or CAP_B" of the table against the capabilities that let Docker's profile have the call.
 */
static void check_danger(const struct lint_danger *d, struct json_object *rules)
{
	cleanup_buf struct buf caps = { 0 };
	bool always = false;

	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *r = json_object_array_get_idx(rules, i);
		struct json_object *names = json_object_object_get(r, "names");
		struct json_object *in = json_object_object_get(r, "includes");
		struct json_object *list = in ? json_object_object_get(in, "caps") : NULL;
		bool named = false;

		for (size_t k = 0; k < json_object_array_length(names); k++)
			named |=
				!strcmp(json_object_get_string(json_object_array_get_idx(names, k)),
					d->name);
		if (!named || json_object_object_get(r, "args") ||
		    strcmp(json_object_get_string(json_object_object_get(r, "action")),
			   "SCMP_ACT_ALLOW"))
			continue;
		always |= !list;
		if (list)
			buf_printf(&caps, "%s%s", caps.len ? " or " : "",
				   json_object_get_string(json_object_array_get_idx(list, 0)));
	}
	if (always ? d->docker != NULL : !d->docker || strcmp(d->docker, buf_str(&caps)))
		fail_msg("%s: '%s', Docker's profile: '%s'", d->name,
			 d->docker ? d->docker : "always", always ? "always" : buf_str(&caps));
}

static void test_dangers(void **state)
{
	cleanup_free char *text = shared_file("docker-default.json");
	cleanup_json struct json_object *o = text ? json_tokener_parse(text) : NULL;

	(void)state;
	for (const struct lint_danger *d = lint_dangers; d->name; d++) {
		assert_non_null(sc_by_name(d->name));
		if (o)
			check_danger(d, json_object_object_get(o, "syscalls"));
	}
	for (const struct lint_new_call *n = lint_new_calls; n->name; n++)
		assert_non_null(sc_by_name(n->name));
	for (size_t i = 0; lint_same_work[i].n; i++)
		for (size_t k = 0; k < lint_same_work[i].n; k++)
			assert_non_null(sc_by_name(lint_same_work[i].names[k]));
	if (!text)
		skip();
}

static void test_libseccomp_versions(void **state)
{
	static const struct {
		const char *version;
		unsigned major, minor; /* 0: no version */
	} table[] = {
		{ "2.5.4", 5, 17 },   { "2.5.4-1+b3", 5, 17 }, { "2.5.4-1+deb12u1", 6, 7 },
		{ "2.5.1", 5, 8 },    { "2.6.0", 6, 13 },      { "3.0.0", 7, 1 },
		{ "2.5.6-1", 6, 13 }, { "2.1.0", 0, 0 },       { "2.5", 5, 8 },
		{ "new", 0, 0 },      { "2.5.999999", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct sc_kver v = { 0 };

		assert_int_equal(table[i].major != 0,
				 libseccomp_kernel(table[i].version, &v, NULL) == 0);
		if (table[i].major)
			assert_true(v.major == table[i].major && v.minor == table[i].minor);
	}
}

/* The library that is installed knows all that its row says; a distribution may have added more. */
static void test_libseccomp_here(void **state)
{
	const struct scmp_version *v = seccomp_version();
	char version[64];
	struct sc_kver knows;

	(void)state;
	snprintf(version, sizeof(version), "%u.%u.%u%s", v->major, v->minor, v->micro,
		 v->micro == 4 && seccomp_syscall_resolve_name("futex_wake") != __NR_SCMP_ERROR
			 ? "-1+deb12u1"
			 : "");
	assert_int_equal(libseccomp_kernel(version, &knows, NULL), 0);
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		if (sc_kver_cmp(d->since, knows) <= 0 &&
		    seccomp_syscall_resolve_name(d->name) == __NR_SCMP_ERROR)
			fail_msg("libseccomp %s does not know %s", version, d->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fires),		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_table),		cmocka_unit_test(test_places),
		cmocka_unit_test(test_unreadable),	cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_fix_cases),	cmocka_unit_test(test_fix_text),
		cmocka_unit_test(test_fix_random),	cmocka_unit_test(test_docker_default),
		cmocka_unit_test(test_podman_default),	cmocka_unit_test(test_fix_defaults),
		cmocka_unit_test(test_fix_engine),	cmocka_unit_test(test_generated),
		cmocka_unit_test(test_dangers),		cmocka_unit_test(test_libseccomp_versions),
		cmocka_unit_test(test_libseccomp_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
