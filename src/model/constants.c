#include "model/constants.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/constants_tables.h"

/* An argument whose values have names. The meaning of those without a table depends on another. */
struct arg_row {
	const char *call;
	uint8_t index;
	const struct const_table *table;
};

static const struct arg_row arg_rows[] = {
	{ "arch_prctl", 0, &const_arch_prctl },
	{ "bpf", 0, &const_bpf },
	{ "clone", 0, &const_clone },
	{ "clone3", 0, &const_clone3 },
	{ "fcntl", 1, &const_fcntl },
	{ "fcntl64", 1, &const_fcntl },
	{ "futex", 1, &const_futex },
	{ "getsockopt", 1, &const_sol },
	{ "getsockopt", 2, NULL },
	{ "io_uring_register", 1, &const_io_uring_register },
	{ "ioctl", 1, &const_ioctl },
	{ "ipc", 0, &const_ipc },
	{ "kcmp", 2, &const_kcmp },
	{ "keyctl", 0, &const_keyctl },
	{ "kill", 1, &const_signal },
	{ "madvise", 2, &const_madvise },
	{ "membarrier", 0, &const_membarrier },
	{ "memfd_create", 1, &const_memfd },
	{ "mknod", 1, &const_mknod },
	{ "mknodat", 2, &const_mknod },
	{ "mmap", 2, &const_prot },
	{ "mmap", 3, &const_mmap },
	{ "mmap2", 2, &const_prot },
	{ "mmap2", 3, &const_mmap },
	{ "modify_ldt", 0, &const_modify_ldt },
	{ "mount", 3, &const_mount },
	{ "mprotect", 2, &const_prot },
	{ "msgctl", 1, &const_msgctl },
	{ "personality", 0, &const_personality },
	{ "pidfd_send_signal", 1, &const_signal },
	{ "pkey_mprotect", 2, &const_prot },
	{ "prctl", 0, &const_prctl },
	{ "prlimit64", 1, &const_rlimit },
	{ "process_madvise", 3, &const_madvise },
	{ "ptrace", 0, &const_ptrace },
	{ "quotactl", 0, &const_quota },
	{ "reboot", 2, &const_reboot },
	{ "renameat2", 4, &const_rename },
	{ "rt_sigqueueinfo", 1, &const_signal },
	{ "rt_tgsigqueueinfo", 2, &const_signal },
	{ "sched_setscheduler", 1, &const_sched },
	{ "seccomp", 0, &const_seccomp_op },
	{ "seccomp", 1, NULL },
	{ "semctl", 2, &const_semctl },
	{ "setns", 1, &const_setns },
	{ "setpriority", 0, &const_prio },
	{ "setrlimit", 0, &const_rlimit },
	{ "setsockopt", 1, &const_sol },
	{ "setsockopt", 2, NULL },
	{ "shmctl", 1, &const_shmctl },
	{ "socket", 0, &const_family },
	{ "socket", 1, &const_socktype },
	{ "socket", 2, NULL },
	{ "socketcall", 0, &const_socketcall },
	{ "socketpair", 0, &const_family },
	{ "socketpair", 1, &const_socktype },
	{ "socketpair", 2, NULL },
	{ "syslog", 0, &const_syslog },
	{ "tgkill", 2, &const_signal },
	{ "tkill", 1, &const_signal },
	{ "umount2", 1, &const_umount },
	{ "unshare", 0, &const_clone3 },
};

static const struct const_table *const sets[] = {
	[CONST_FAMILY] = &const_family,	  [CONST_SOCKTYPE] = &const_socktype,
	[CONST_IPPROTO] = &const_ipproto, [CONST_NETLINK] = &const_netlink,
	[CONST_SIGNAL] = &const_signal,
};

static const char *row_name(const struct const_table *t, uint64_t value)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].value == value)
			return t->rows[i].name;
	return NULL;
}

const char *const_name(enum const_set set, uint64_t value)
{
	return row_name(sets[set], value);
}

bool const_value(enum const_set set, const char *name, uint64_t *value)
{
	const struct const_table *t = sets[set];

	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->rows[i].name, name)) {
			*value = t->rows[i].value;
			return true;
		}
	}
	return false;
}

bool const_word(enum const_set set, const char *prefix, const char *word, uint16_t *value)
{
	char text[64];
	uint64_t v;
	int n = snprintf(text, sizeof(text), "%s%s", prefix, word);

	if (n < 0 || (size_t)n >= sizeof(text))
		return false;
	for (char *c = text; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	if (!const_value(set, text, &v))
		return false;
	*value = (uint16_t)v;
	return true;
}

static bool recorded(const struct wl_call *c, unsigned index, uint64_t *value)
{
	for (unsigned i = 0; c && i < c->n; i++) {
		if (c->index[i] == index) {
			*value = c->value[i];
			return true;
		}
	}
	return false;
}

static const struct const_table *protocols(uint64_t family)
{
	if (family == AF_INET || family == AF_INET6)
		return &const_ipproto;
	return family == AF_NETLINK ? &const_netlink : NULL;
}

static const struct const_table *options(uint64_t level)
{
	switch (level) {
	case 0:
		return &const_ip;
	case 1:
		return &const_so;
	case 6:
		return &const_tcp;
	case 17:
		return &const_udp;
	case 41:
		return &const_ipv6;
	case 263:
		return &const_sol_packet;
	case 270:
		return &const_sol_netlink;
	}
	return NULL;
}

/* The tables of arguments that mean what another one says. */
static const struct const_table *depending(const struct arg_row *a, const struct wl_call *c)
{
	uint64_t other;

	if (!recorded(c, a->index == 2 && strstr(a->call, "sockopt") ? 1 : 0, &other))
		return NULL;
	if (!strcmp(a->call, "seccomp"))
		return other == 1 ? &const_seccomp_filter : NULL;
	return strstr(a->call, "sockopt") ? options(other) : protocols(other);
}

const struct const_table *const_table_of(const struct sc_desc *d, unsigned index,
					 const struct wl_call *c)
{
	for (size_t i = 0; d && i < ARRAY_SIZE(arg_rows); i++)
		if (arg_rows[i].index == index && !strcmp(arg_rows[i].call, d->name))
			return arg_rows[i].table ? arg_rows[i].table : depending(&arg_rows[i], c);
	return NULL;
}

/* Small numbers as people write them, large ones in hexadecimal, -1 as -1. */
static void put_number(const struct sc_desc *d, enum sc_abi abi, unsigned index, uint64_t value,
		       struct buf *out)
{
	unsigned n = 0;
	const struct sc_arg *args = d ? sc_args(d, abi, &n) : NULL;

	if (args && index < n && sc_arg_signed(args[index].kind)) {
		int64_t v = sc_arg_width(abi, args[index].kind) == 32 ? (int32_t)value
								      : (int64_t)value;
		if (v > -4096 && v < 0) {
			buf_printf(out, "%d", (int)v);
			return;
		}
	}
	if (value < 4096)
		buf_printf(out, "%u", (unsigned)value);
	else
		buf_printf(out, "0x%llx", (unsigned long long)value);
}

static void put_part(struct buf *out, size_t start, const char *name)
{
	if (out->len > start)
		buf_putc(out, '|');
	buf_puts(out, name);
}

/* True when at least the masked part or one flag had a name. */
static bool put_names(const struct const_table *t, uint64_t value, struct buf *out)
{
	size_t start = out->len;
	uint64_t rest = value;
	const char *name = row_name(t, value & t->enum_mask);

	if ((uint32_t)value == UINT32_MAX) /* -1 is no set of flags: personality(2) asks with it */
		return false;
	if (t->enum_mask && name) {
		put_part(out, start, name);
		rest &= ~t->enum_mask;
	}
	for (size_t i = 0; i < t->n; i++) {
		uint64_t bits = t->rows[i].value;

		if ((bits & ~t->enum_mask) && (rest & bits) == bits) {
			put_part(out, start, t->rows[i].name);
			rest &= ~bits;
		}
	}
	if (!value && !t->enum_mask && name)
		put_part(out, start, name);
	if (out->len > start && rest)
		buf_printf(out, "|0x%llx", (unsigned long long)rest);
	return out->len > start;
}

void const_arg(const struct sc_desc *d, enum sc_abi abi, unsigned index, uint64_t value,
	       const struct wl_call *c, struct buf *out)
{
	const struct const_table *t = const_table_of(d, index, c);

	if (!t || !put_names(t, value, out))
		put_number(d, abi, index, value, out);
}

uint64_t const_enum_bits(const struct sc_desc *d, unsigned index)
{
	const struct const_table *t = const_table_of(d, index, NULL);

	return t ? t->enum_mask : 0;
}

/* "family is AF_UNIX", "(flags & CLONE_NEWNS) is 0" */
static void put_condition(const struct wl_syscall *s, const struct wl_call *c, unsigned i,
			  struct buf *out)
{
	unsigned n = 0, index = c->index[i], bits = 64;
	const struct sc_arg *args = s->desc ? sc_args(s->desc, s->abi, &n) : NULL;
	cleanup_buf struct buf name = { 0 };
	uint64_t all;

	if (index < n) {
		buf_puts(&name, args[index].name);
		bits = sc_arg_width(s->abi, args[index].kind);
	} else {
		buf_printf(&name, "argument %u", index);
	}
	all = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
	if ((c->mask[i] & all) == all) {
		buf_printf(out, "%s is ", buf_str(&name));
		const_arg(s->desc, s->abi, index, c->value[i], NULL, out);
		return;
	}
	buf_printf(out, "(%s & ", buf_str(&name));
	const_arg(s->desc, s->abi, index, c->mask[i], NULL, out);
	buf_puts(out, ") is ");
	const_arg(s->desc, s->abi, index, c->value[i], NULL, out);
}

void const_call(const struct wl_syscall *s, const struct wl_call *c, struct buf *out)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (i)
			buf_puts(out, ", ");
		if (c->rule)
			put_condition(s, c, i, out);
		else
			const_arg(s->desc, s->abi, c->index[i], c->value[i], c, out);
	}
}
