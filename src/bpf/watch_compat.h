/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Watching: calls by the 32-bit entry, told as the native calls that they are. */
#ifndef BPF_WATCH_COMPAT_H
#define BPF_WATCH_COMPAT_H

#include "syscall_args.h"
#include "watch.h"

#define SYS_SEND 9 /* linux/net.h: without an address */
#define SYS_RECV 10

/* Set before load. */
const volatile struct watch_compat compat_of[WATCH_NRS]; /* by number of the 32-bit ABI */
const volatile __u16 socketcall_of[WATCH_SOCKETCALLS];	 /* by operation: native, plus one */

#if defined(__TARGET_ARCH_x86)

/* What its structures in memory have. */
static __always_inline enum watch_width width_of(__u32 nr)
{
	return compat_of[nr & (WATCH_NRS - 1)].how == WATCH_C_TIME64 ? WIDTH_TIME64 : WIDTH_32;
}

/* WATCH_NRS: none that is known. */
static __always_inline __u32 native_number(const struct pt_regs *regs, __u32 nr)
{
	const volatile struct watch_compat *c = &compat_of[nr & (WATCH_NRS - 1)];
	__u32 native = c->nr;

	if (c->how == WATCH_C_SOCKETCALL && (__u32)REGISTER(regs, bx) < WATCH_SOCKETCALLS)
		native = socketcall_of[REGISTER(regs, bx) & (WATCH_SOCKETCALLS - 1)];
	return native ? native - 1 : WATCH_NRS;
}

/* Arguments that stand in memory. They may be others now than they were for the kernel. */
static __always_inline void read_block(__u64 a[6], __u64 from)
{
	__u32 block[6] = {};

	bpf_probe_read_user(block, sizeof(block), (void *)from);
	for (int i = 0; i < 6; i++)
		a[i] = block[i];
}

static __always_inline void read_compat_args(__u64 a[6], const struct pt_regs *regs, __u32 nr)
{
	__u32 how = compat_of[nr & (WATCH_NRS - 1)].how;
	__u64 kept;

	a[0] = (__u32)REGISTER(regs, bx);
	a[1] = (__u32)REGISTER(regs, cx);
	a[2] = (__u32)REGISTER(regs, dx);
	a[3] = (__u32)REGISTER(regs, si);
	a[4] = (__u32)REGISTER(regs, di);
	a[5] = (__u32)REGISTER(regs, bp);
	switch (how) {
	case WATCH_C_SOCKETCALL:
		kept = a[0];
		read_block(a, a[1]);
		if (kept == SYS_SEND || kept == SYS_RECV)
			a[4] = a[5] = 0;
		break;
	case WATCH_C_MMAP:
		read_block(a, a[0]);
		break;
	case WATCH_C_MMAP2:
		a[5] <<= 12;
		break;
	case WATCH_C_CLONE:
		kept = a[3];
		a[3] = a[4];
		a[4] = kept;
		break;
	case WATCH_C_JOIN_1:
		a[1] |= a[2] << 32;
		break;
	case WATCH_C_JOIN_3:
		a[3] |= a[4] << 32;
		break;
	case WATCH_C_ONE:
		a[1] = 0;
		break;
	}
}

#else

static __always_inline enum watch_width width_of(__u32 nr)
{
	return WIDTH_32;
}

static __always_inline __u32 native_number(const struct pt_regs *regs, __u32 nr)
{
	return WATCH_NRS;
}

static __always_inline void read_compat_args(__u64 a[6], const struct pt_regs *regs, __u32 nr)
{
}

#endif
#endif
