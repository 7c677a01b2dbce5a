/* Names of argument values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/capture.h"
#include "model/constants.h"
#include "model/constants_tables.h"

static const struct {
	const char *call;
	uint8_t n, index[WL_MAX_ARGS];
	uint64_t value[WL_MAX_ARGS];
	const char *text;
} cases[] = {
	{ "socket", 3, { 0, 1, 2 }, { 2, 524289, 0 }, "AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0" },
	{ "socket",
	  3,
	  { 0, 1, 2 },
	  { 10, 2 | 04000 | 02000000, 17 },
	  "AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_UDP" },
	{ "socket", 3, { 0, 1, 2 }, { 16, 3, 0 }, "AF_NETLINK, SOCK_RAW, NETLINK_ROUTE" },
	{ "socket", 3, { 0, 1, 2 }, { 1, 1, 6 }, "AF_UNIX, SOCK_STREAM, 6" },
	{ "socket", 3, { 0, 1, 2 }, { 999, 0, 5000 }, "999, 0, 0x1388" },
	{ "socket", 1, { 2 }, { 6 }, "6" }, /* without the family the number says nothing */
	{ "socketpair", 3, { 0, 1, 2 }, { 1, 1, 0 }, "AF_UNIX, SOCK_STREAM, 0" },
	{ "setsockopt", 2, { 1, 2 }, { 1, 2 }, "SOL_SOCKET, SO_REUSEADDR" },
	{ "setsockopt", 2, { 1, 2 }, { 6, 1 }, "SOL_TCP, TCP_NODELAY" },
	{ "setsockopt", 2, { 1, 2 }, { 41, 26 }, "SOL_IPV6, IPV6_V6ONLY" },
	{ "getsockopt", 2, { 1, 2 }, { 0, 80 }, "SOL_IP, 80" },
	{ "getsockopt", 2, { 1, 2 }, { 4000, 1 }, "4000, 1" },
	{ "clone",
	  1,
	  { 0 },
	  { 0x3d0f00 },
	  "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|"
	  "CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID" },
	{ "clone", 1, { 0 }, { 0x1200011 }, "SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID" },
	{ "clone", 1, { 0 }, { 17 }, "SIGCHLD" },
	{ "clone", 1, { 0 }, { 0 }, "0" },
	{ "clone3", 1, { 0 }, { 0x100000000 | 0x80 }, "CLONE_NEWTIME|CLONE_CLEAR_SIGHAND" },
	{ "unshare", 1, { 0 }, { 0x10000000 | 0x20000 }, "CLONE_NEWNS|CLONE_NEWUSER" },
	{ "setns", 1, { 1 }, { 0x40000000 }, "CLONE_NEWNET" },
	{ "prctl", 1, { 0 }, { 38 }, "PR_SET_NO_NEW_PRIVS" },
	{ "prctl", 1, { 0 }, { 0x53564d41 }, "PR_SET_VMA" },
	{ "prctl", 1, { 0 }, { 77777 }, "0x12fd1" },
	{ "ioctl", 1, { 1 }, { 0x5401 }, "TCGETS" },
	{ "ioctl", 1, { 1 }, { 0x5413 }, "TIOCGWINSZ" },
	{ "ioctl", 1, { 1 }, { 0x5421 }, "FIONBIO" },
	{ "ioctl", 1, { 1 }, { 0x541b }, "FIONREAD" },
	{ "ioctl", 1, { 1 }, { 0x8912 }, "SIOCGIFCONF" },
	{ "ioctl", 1, { 1 }, { 0xdeadbeef }, "0xdeadbeef" },
	{ "fcntl", 1, { 1 }, { 1030 }, "F_DUPFD_CLOEXEC" },
	{ "fcntl", 1, { 1 }, { 6 }, "F_SETLK" },
	{ "fcntl64", 1, { 1 }, { 13 }, "F_SETLK64" },
	{ "mmap", 2, { 2, 3 }, { 0, 0x22 }, "PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS" },
	{ "mmap",
	  2,
	  { 2, 3 },
	  { 5, 0x812 },
	  "PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_FIXED|"
	  "MAP_DENYWRITE" },
	{ "mprotect", 1, { 2 }, { 1 }, "PROT_READ" },
	{ "mprotect", 1, { 2 }, { 0x80000001 }, "PROT_READ|0x80000000" },
	{ "madvise", 1, { 2 }, { 4 }, "MADV_DONTNEED" },
	{ "memfd_create", 1, { 1 }, { 3 }, "MFD_CLOEXEC|MFD_ALLOW_SEALING" },
	{ "futex", 1, { 1 }, { 128 }, "FUTEX_WAIT|FUTEX_PRIVATE_FLAG" },
	{ "futex",
	  1,
	  { 1 },
	  { 9 | 128 | 256 },
	  "FUTEX_WAIT_BITSET|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME" },
	{ "kill", 1, { 1 }, { 15 }, "SIGTERM" },
	{ "kill", 1, { 1 }, { 0 }, "0" },
	{ "tgkill", 1, { 2 }, { 34 }, "34" },
	{ "ptrace", 1, { 0 }, { 0x4206 }, "PTRACE_SEIZE" },
	{ "keyctl", 1, { 0 }, { 1 }, "KEYCTL_JOIN_SESSION_KEYRING" },
	{ "bpf", 1, { 0 }, { 5 }, "BPF_PROG_LOAD" },
	{ "personality", 1, { 0 }, { 0xffffffff }, "0xffffffff" }, /* asks for the present one */
	{ "personality", 1, { 0 }, { 0x0040000 }, "PER_LINUX|ADDR_NO_RANDOMIZE" },
	{ "arch_prctl", 1, { 0 }, { 0x1002 }, "ARCH_SET_FS" },
	{ "prlimit64", 1, { 1 }, { 7 }, "RLIMIT_NOFILE" },
	{ "seccomp",
	  2,
	  { 0, 1 },
	  { 1, 9 },
	  "SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_NEW_LISTENER" },
	{ "seccomp", 2, { 0, 1 }, { 2, 1 }, "SECCOMP_GET_ACTION_AVAIL, 1" },
	{ "mount", 1, { 3 }, { 4096 | 16384 }, "MS_BIND|MS_REC" },
	{ "umount2", 1, { 1 }, { 2 }, "MNT_DETACH" },
	{ "mknod", 1, { 1 }, { 0020000 }, "S_IFCHR" },
	{ "renameat2", 1, { 4 }, { 1 }, "RENAME_NOREPLACE" },
	{ "semctl", 1, { 2 }, { 16 | 256 }, "SETVAL|IPC_64" },
	{ "quotactl", 1, { 0 }, { 0x80000701 }, "Q_GETQUOTA|GRPQUOTA" },
	{ "sched_setscheduler", 1, { 1 }, { 0x40000000 | 2 }, "SCHED_RR|SCHED_RESET_ON_FORK" },
	{ "membarrier", 1, { 0 }, { 16 }, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED" },
	{ "io_uring_register", 1, { 1 }, { 2 }, "IORING_REGISTER_FILES" },
	{ "reboot", 1, { 2 }, { 0x1234567 }, "LINUX_REBOOT_CMD_RESTART" },
	{ "lseek", 1, { 1 }, { UINT64_MAX }, "-1" },
	{ "getpid", 1, { 0 }, { UINT64_MAX }, "0xffffffffffffffff" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload w = { 0 };
		cleanup_buf struct buf b = { 0 };
		const struct sc_desc *d = sc_by_name(cases[i].call);
		enum sc_abi abi = d->nr[SC_X86_64] >= 0 ? SC_X86_64 : SC_I386;
		struct wl_syscall *s = wl_syscall_add_name(&w, abi, d);

		const_call(s, wl_call_add(s, cases[i].n, cases[i].index, cases[i].value), &b);
		if (strcmp(buf_str(&b), cases[i].text))
			fail_msg("%s: %s, not %s", cases[i].call, buf_str(&b), cases[i].text);
	}
}

static void test_unknown_call(void **state)
{
	cleanup_workload struct workload w = { 0 };
	cleanup_buf struct buf b = { 0 };
	struct wl_syscall *s = wl_syscall_add(&w, SC_X86_64, 4000);

	(void)state;
	assert_null(s->desc);
	const_call(s, wl_call_add(s, 2, (uint8_t[]){ 0, 1 }, (uint64_t[]){ 5, UINT64_MAX }), &b);
	assert_string_equal(buf_str(&b), "5, 0xffffffffffffffff");
}

/* Every argument that recorders keep has names, save those that are plain numbers. */
static void test_captured_have_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < capture_count(); i++) {
		const struct capture *c = capture_at(i);
		const struct sc_desc *d = sc_by_name(c->name);
		struct wl_call call = { .n = c->args_n };

		assert_non_null(d);
		memcpy(call.index, c->arg, sizeof(call.index));
		for (unsigned k = 0; k < c->args_n; k++) {
			bool named = false;

			/* level SOL_SOCKET, family AF_NETLINK, operation SET_MODE_FILTER */
			call.value[0] = strcmp(c->name, "socket") && strcmp(c->name, "socketpair")
						? 1
						: 16;
			for (unsigned bit = 0; bit < 33 && !named; bit++) {
				cleanup_buf struct buf b = { 0 };

				const_arg(d, SC_X86_64, c->arg[k],
					  bit ? UINT64_C(1) << (bit - 1) : 0, &call, &b);
				named = strpbrk(buf_str(&b), "_") != NULL || strstr(b.p, "SEM") ||
					strstr(b.p, "SIG") || strstr(b.p, "ldt");
			}
			/* no command of these has a single bit */
			if (!strcmp(c->name, "ioctl") || !strcmp(c->name, "personality") ||
			    !strcmp(c->name, "arch_prctl") || !strcmp(c->name, "reboot") ||
			    !strcmp(c->name, "quotactl"))
				continue;
			if (!named)
				fail_msg("argument %u of %s has no names", c->arg[k], c->name);
		}
	}
}

static const struct {
	const char *name;
	const struct const_table *table;
} tables[] = {
#define T(t)           \
	{              \
#t, &t \
	}
	T(const_family),      T(const_socktype),
	T(const_ipproto),     T(const_netlink),
	T(const_sol),	      T(const_so),
	T(const_ip),	      T(const_ipv6),
	T(const_tcp),	      T(const_udp),
	T(const_sol_netlink), T(const_sol_packet),
	T(const_clone),	      T(const_clone3),
	T(const_setns),	      T(const_prctl),
	T(const_ptrace),      T(const_arch_prctl),
	T(const_personality), T(const_seccomp_op),
	T(const_rlimit),      T(const_signal),
	T(const_sched),	      T(const_prio),
	T(const_futex),	      T(const_membarrier),
	T(const_modify_ldt),  T(const_kcmp),
	T(const_keyctl),      T(const_bpf),
	T(const_semctl),      T(const_shmctl),
	T(const_msgctl),      T(const_ipc),
	T(const_syslog),      T(const_reboot),
	T(const_fcntl),	      T(const_ioctl),
	T(const_mount),	      T(const_umount),
	T(const_mknod),	      T(const_rename),
	T(const_prot),	      T(const_mmap),
	T(const_madvise),     T(const_memfd),
	T(const_quota),	      T(const_io_uring_register),
	T(const_socketcall),  T(const_seccomp_filter),
};

/* Of two names of one number the second would never be seen. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct const_table *t = tables[i].table;

		for (size_t a = 0; a < t->n; a++) {
			assert_true(t->rows[a].name[0] != '(' && t->rows[a].name[0] != '0');
			for (size_t b = 0; b < a; b++) {
				assert_true(strcmp(t->rows[a].name, t->rows[b].name));
				if (t->rows[a].value == t->rows[b].value)
					fail_msg("%s: %s and %s", tables[i].name, t->rows[a].name,
						 t->rows[b].name);
			}
		}
	}
}

static void test_names_and_values(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_string_equal(const_name(CONST_FAMILY, AF_UNIX), "AF_UNIX");
	assert_null(const_name(CONST_FAMILY, 12345));
	assert_true(const_value(CONST_FAMILY, "AF_VSOCK", &v));
	assert_int_equal(v, AF_VSOCK);
	assert_false(const_value(CONST_FAMILY, "AF_MOON", &v));
	for (uint64_t i = 0; i < 300; i++) {
		const char *name = const_name(CONST_IPPROTO, i);

		assert_true(!name || (const_value(CONST_IPPROTO, name, &v) && v == i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_unknown_call),
		cmocka_unit_test(test_captured_have_names),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names_and_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
