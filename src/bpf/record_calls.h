/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What a system call tells besides its number: argument values, addresses, paths. */
#ifndef BPF_RECORD_CALLS_H
#define BPF_RECORD_CALLS_H

#include "record_paths.h"
#include "syscall_args.h"

__noinline int observe_args(void)
{
	struct call *c = call_get();
	const volatile struct rec_spec *spec;
	struct rec_call k = {};
	__u8 one = 1;
	int r;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	k.prog = c->prog;
	k.phase = c->phase;
	k.abi = c->abi;
	k.nr = c->nr;
	k.n = spec->args_n;
	k.spec = c->spec;
	if (spec->kind == K_CLONE3) {
		__u64 flags = 0;

		if (bpf_probe_read_user(&flags, sizeof(flags), (void *)c->a[0]))
			return 0; /* EFAULT: nothing is cloned */
		k.value[0] = flags;
	} else {
		for (int i = 0; i < REC_ARGS; i++)
			if (i < k.n)
				k.value[i] = arg_at(c, spec->arg[i]) & spec->mask[i];
	}
	if (bpf_map_lookup_elem(&calls, &k))
		return 0;
	r = bpf_map_update_elem(&calls, &k, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_ARGS);
	return 0;
}

/* ---- network */

static __always_inline struct socket *socket_of_fd(__u32 fd)
{
	struct file *f = file_of_fd(fd);

	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return BPF_CORE_READ(f, private_data);
}

static __always_inline void store_net(const struct rec_net *k)
{
	__u8 one = 1;
	int r;

	if (bpf_map_lookup_elem(&nets, k))
		return;
	r = bpf_map_update_elem(&nets, k, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_NET);
}

static __always_inline int observe_unix(struct call *c, __u8 op, __u16 type, __u64 addr, __u32 len)
{
	struct scratch *s = scratch_get();
	__u8 one = 1;
	int r;

	if (!s || len <= 2 || len > 110)
		return 0;
	__builtin_memset(&s->unix_name, 0, sizeof(s->unix_name));
	s->unix_name.prog = c->prog;
	s->unix_name.phase = c->phase;
	s->unix_name.op = op;
	s->unix_name.type = type;
	len -= 2;
	s->unix_name.len = len;
	if (bpf_probe_read_user(s->unix_name.name, at_most(len, sizeof(s->unix_name.name)),
				(void *)(addr + 2)))
		return 0;
	if (bpf_map_lookup_elem(&unixes, &s->unix_name))
		return 0;
	r = bpf_map_update_elem(&unixes, &s->unix_name, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_NET);
	return 0;
}

/* A call with a socket address in user memory. */
__noinline int observe_address(__u32 fd, __u8 op, __u64 addr, __u32 len)
{
	struct call *c = call_get();
	struct rec_net k = { .op = op };
	struct socket *sock = socket_of_fd(fd);
	struct {
		__u16 family, port;
		__u32 v4;
		__u8 v6[16];
		__u32 scope;
	} sa = { 0 };

	if (!c || !sock || !addr || len < 2)
		return 0;
	k.prog = c->prog;
	k.phase = c->phase;
	if (bpf_probe_read_user(&sa, at_most(len, sizeof(sa)), (void *)addr))
		return 0;
	k.family = sa.family;
	k.type = BPF_CORE_READ(sock, type);
	k.protocol = BPF_CORE_READ(sock, sk, sk_protocol);
	if (sa.family == AF_UNIX)
		return observe_unix(c, op, k.type, addr, len);
	if (sa.family == AF_INET) {
		k.port = bpf_ntohs(sa.port);
		__builtin_memcpy(k.addr, &sa.v4, 4);
	} else if (sa.family == AF_INET6) {
		k.port = bpf_ntohs(sa.port);
		__builtin_memcpy(k.addr, sa.v6, 16);
	}
	if (op == NET_BIND && k.type == SOCK_DGRAM &&
	    (sa.family == AF_INET || sa.family == AF_INET6))
		slot_listens[c->slot & (REC_SLOTS - 1)] = 1;
	store_net(&k);
	return 0;
}

__noinline int observe_listen(void)
{
	struct call *c = call_get();
	struct rec_net k = { .op = NET_LISTEN };
	struct socket *sock;
	struct sock *sk;

	if (!c)
		return 0;
	sock = socket_of_fd(c->a[0]);
	if (!sock)
		return 0;
	k.prog = c->prog;
	k.phase = c->phase;
	slot_listens[c->slot & (REC_SLOTS - 1)] = 1;
	sk = BPF_CORE_READ(sock, sk);
	k.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	k.type = BPF_CORE_READ(sock, type);
	k.protocol = BPF_CORE_READ(sk, sk_protocol);
	if (k.family == AF_UNIX)
		return 0; /* its name is in the bind */
	k.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (k.family == AF_INET)
		bpf_probe_read_kernel(
			k.addr, 4, __builtin_preserve_access_index(&sk->__sk_common.skc_rcv_saddr));
	else if (k.family == AF_INET6)
		bpf_probe_read_kernel(
			k.addr, 16,
			__builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
	store_net(&k);
	return 0;
}

__noinline int observe_sendmsg(void)
{
	struct call *c = call_get();
	__u64 name = 0;
	__u32 len = 0;

	if (!c)
		return 0;
	if (c->abi == 0) { /* struct user_msghdr: pointer, int */
		bpf_probe_read_user(&name, 8, (void *)c->a[1]);
		bpf_probe_read_user(&len, 4, (void *)(c->a[1] + 8));
	} else {
		bpf_probe_read_user(&name, 4, (void *)c->a[1]);
		bpf_probe_read_user(&len, 4, (void *)(c->a[1] + 4));
	}
	return name ? observe_address(c->a[0], NET_SEND, name, len) : 0;
}

static __always_inline bool is_lock_command(__u32 cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_SETLK64 || cmd == F_SETLKW64 ||
	       cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

static __always_inline void begin_serving(struct call *c)
{
	__u32 slot = c->slot & (REC_SLOTS - 1);

	if (c->phase != START || !slot_listens[slot])
		return;
	slot_phase[slot] = SERVING;
	look_again();
	c->phase = SERVING;
}

static __always_inline int observe_call(struct call *c)
{
	const volatile struct rec_spec *spec = spec_at(c->spec);

	if (spec->args_n)
		observe_args();
	switch (spec->kind) {
	case K_OPEN:
		__sync_fetch_and_add(&opens_n, 1);
		return observe_name(dirfd_at(c, spec->path[0].dirfd), arg_at(c, spec->path[0].path),
				    access_asked(open_flags(c, spec)), 0);
	case K_PLAIN:
	case K_EXEC:
		return observe_paths();
	case K_MMAP:
		if (c->a[2] & PROT_EXEC && (int)c->a[4] >= 0)
			observe_fd(c, c->a[4], F_MAP);
		return 0;
	case K_FCNTL:
		if (!is_lock_command(c->a[1]))
			return 0;
		/* fall through */
	case K_FD:
		return observe_fd(c, c->a[0], spec->path[0].access);
	case K_BIND:
		return observe_address(c->a[0], NET_BIND, c->a[1], c->a[2]);
	case K_CONNECT:
		return observe_address(c->a[0], NET_CONNECT, c->a[1], c->a[2]);
	case K_SENDTO:
		return c->a[4] ? observe_address(c->a[0], NET_SEND, c->a[4], c->a[5]) : 0;
	case K_SENDMSG:
		return observe_sendmsg();
	case K_LISTEN:
		return observe_listen();
	}
	return 0;
}

static __always_inline void read_args(struct call *c, const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	if (c->abi == 1) {
		c->a[0] = (__u32)BPF_CORE_READ(regs, bx);
		c->a[1] = (__u32)BPF_CORE_READ(regs, cx);
		c->a[2] = (__u32)BPF_CORE_READ(regs, dx);
		c->a[3] = (__u32)BPF_CORE_READ(regs, si);
		c->a[4] = (__u32)BPF_CORE_READ(regs, di);
		c->a[5] = (__u32)BPF_CORE_READ(regs, bp);
		return;
	}
#endif
	read_native_args(c->a, regs);
}

#endif
