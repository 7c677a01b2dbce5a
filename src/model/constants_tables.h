/* The rows behind constants.h; only constants*.c include this. */
#ifndef MODEL_CONSTANTS_TABLES_H
#define MODEL_CONSTANTS_TABLES_H

#include <stddef.h>
#include <stdint.h>

struct const_row {
	uint64_t value;
	const char *name;
};

/*
 * The bits in `enum_mask` hold one value out of many; the other bits are flags. A row belongs to
 * the flags when it has a bit outside the mask. A row with the value 0 names the empty value of the
 * masked bits, or of everything when the mask is 0.
 */
struct const_table {
	const struct const_row *rows;
	size_t n;
	uint64_t enum_mask;
};

#define CONST_ONE_OF UINT64_MAX
#define CONST_FLAGS  UINT64_C(0)
#define CONST_N(name)         \
	{                     \
		(name), #name \
	}
/* A value that the oldest supported headers lack; the kernel release that brought it stands beside.
 */
#define CONST_V(name, value)   \
	{                      \
		(value), #name \
	}
#define CONST_TABLE(id, mask, ...)                                   \
	static const struct const_row id##_rows[] = { __VA_ARGS__ }; \
	const struct const_table id = { id##_rows, sizeof(id##_rows) / sizeof(id##_rows[0]), mask }

struct sc_desc;
struct wl_call;

/* constants.c: the table of an argument, whose meaning may depend on others; NULL: none. */
const struct const_table *const_table_of(const struct sc_desc *d, unsigned index,
					 const struct wl_call *c);

/* constants_net.c */
extern const struct const_table const_family, const_socktype, const_ipproto, const_netlink,
	const_sol, const_so, const_ip, const_ipv6, const_tcp, const_udp, const_sol_netlink,
	const_sol_packet, const_socketcall;

/* constants_process.c */
extern const struct const_table const_clone, const_clone3, const_setns, const_prctl,
	const_arch_prctl, const_personality, const_ptrace, const_seccomp_op, const_seccomp_filter,
	const_rlimit, const_signal, const_sched, const_prio, const_futex, const_membarrier,
	const_modify_ldt, const_kcmp, const_keyctl, const_bpf, const_semctl, const_shmctl,
	const_msgctl, const_ipc, const_syslog, const_reboot;

/* constants_file.c */
extern const struct const_table const_fcntl, const_ioctl, const_mount, const_umount, const_mknod,
	const_rename, const_prot, const_mmap, const_madvise, const_memfd, const_quota,
	const_io_uring_register;

#endif
