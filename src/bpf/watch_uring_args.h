/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Watching: what an operation of an io_uring was given, as the arguments of its call. */
#ifndef BPF_WATCH_URING_ARGS_H
#define BPF_WATCH_URING_ARGS_H

#include "uring_types.h"
#include "watch_filter.h"

#define PF_EXITING   0x00000004 /* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010 /* threads that the kernel made for io_uring */
#define SLOT_ALLOC   (~0u)	/* IORING_FILE_INDEX_ALLOC: the result says which */

/* Bits of io_kiocb.flags that are those of the submission (linux/io_uring.h, IOSQE_*). */
#define REQUEST_FIXED_FILE 1
#define REQUEST_NO_CQE	   64

#if defined(__TARGET_ARCH_x86)
#define O_LARGEFILE 0100000
#else
#define O_LARGEFILE 0400000
#endif

enum { URING_NAMES = 2, URING_NAME = 256, URING_KEPT = 4096, URING_FDS = 8192, URING_SHOTS = 1024 };

/* linux/io_uring.h; Debian 12's does not have all. */
enum {
	URING_READV = 1,
	URING_WRITEV = 2,
	URING_READ_FIXED = 4,
	URING_WRITE_FIXED = 5,
	URING_SENDMSG = 9,
	URING_RECVMSG = 10,
	URING_ACCEPT = 13,
	URING_CONNECT = 16,
	URING_FALLOCATE = 17,
	URING_OPENAT = 18,
	URING_CLOSE = 19,
	URING_READ = 22,
	URING_WRITE = 23,
	URING_SEND = 26,
	URING_RECV = 27,
	URING_OPENAT2 = 28,
	URING_SHUTDOWN = 34,
	URING_RENAMEAT = 35,
	URING_UNLINKAT = 36,
	URING_MKDIRAT = 37,
	URING_SYMLINKAT = 38,
	URING_LINKAT = 39,
	URING_SOCKET = 45,
	URING_SEND_ZC = 47,
	URING_SENDMSG_ZC = 48,
	URING_FTRUNCATE = 55,
	URING_BIND = 56,
	URING_LISTEN = 57,
};

#define BIT_OF(op) (1ull << URING_##op)
/* What they were given is there at their submission only. */
#define URING_NAMED                                                               \
	(BIT_OF(OPENAT) | BIT_OF(OPENAT2) | BIT_OF(RENAMEAT) | BIT_OF(UNLINKAT) | \
	 BIT_OF(MKDIRAT) | BIT_OF(SYMLINKAT) | BIT_OF(LINKAT) | BIT_OF(CONNECT) | BIT_OF(BIND))

/* Set before load. */
const volatile __u16
	uring_call[WATCH_URING_OPS];	       /* number of the call, plus one; 0: not asked for */
const volatile __u8 uring_submit_at;	       /* which argument of its tracepoint is the request */
const volatile __u8 uring_by_cqe;	       /* that of completions has the struct io_uring_cqe */
const volatile __u32 uring_creds, uring_again; /* io_kiocb.flags: REQ_F_CREDS, _APOLL_MULTISHOT */

/* Shared with the loader through memory. */
__u64 uring_from; /* CLOCK_BOOTTIME: all requests since then were seen when they were submitted */

/* What a request was given. */
struct uring_given {
	__u64 arg[WATCH_ARGS];
	__u64 data; /* first bytes of a message, in the caller's memory */
	__u32 data_len;
	__u32 slot; /* of the ring's table that the file goes to, plus one; or SLOT_ALLOC */
	__u32 names, len[URING_NAMES];
	__u8 contained, told, direct, long_names;
	char name[URING_NAMES][URING_NAME]; /* or struct sockaddr */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uring_given);
} uring_now SEC(".maps");

/* By request. What is left by requests that never come to an end makes room for others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, URING_KEPT);
	__type(key, __u64);
	__type(value, struct uring_given);
} uring_kept SEC(".maps");

/* Names that are longer. */
struct uring_name_key {
	__u64 request;
	__u64 which;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 512);
	__type(key, struct uring_name_key);
	__type(value, char[WALK_MAX]);
} uring_names SEC(".maps");

/* Of requests without names: what else is not there at the end. */
struct uring_fd {
	__s32 fd;
	__u32 contained;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, URING_FDS);
	__type(key, __u64);
	__type(value, struct uring_fd);
} uring_fds SEC(".maps");

/* Requests that complete again and again: their completions only say what the caller calls them. */
struct uring_shot_key {
	__u64 ring, user_data;
};

struct uring_shot {
	__s32 fd;
	__u32 contained;
	__u32 op, slot;
	__u64 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, URING_SHOTS);
	__type(key, struct uring_shot_key);
	__type(value, struct uring_shot);
} uring_shots SEC(".maps");

/* ---- what it was given */

#define OF(to, type, raw, member) PEEK(to, TYPED(type, (void *)(raw)), member)
/* The same of a pointer that is handed on as a number: of others the verifier knows the type. */
#define NUMBER_OF(to, type, raw, member) \
	BPF_CORE_READ_INTO((void **)&(to), (struct type *)(raw), member)

/* A name that the kernel has copied. */
#define NAME_OF(to, type, raw, member)                                                       \
	do {                                                                                 \
		if (bpf_core_field_exists(((struct type##___7_0 *)0)->member))               \
			bpf_probe_read_kernel(                                               \
				&(to), sizeof(to),                                           \
				(void *)(raw) +                                              \
					bpf_core_field_offset(struct type##___7_0, member)); \
		else                                                                         \
			OF(to, type, raw, member);                                           \
	} while (0)

static __always_inline struct uring_given *given_room(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&uring_now, &zero);
}

/* A name that the kernel has copied. */
static __always_inline void give_name(struct uring_given *g, __u32 arg, const void *filename)
{
	const char *name = NULL, *at = NULL;
	__u32 i = g->names & (URING_NAMES - 1);
	long n;

	if (filename) {
		OF(name, filename, filename, name);
		if (bpf_core_field_exists(((struct filename *)0)->uptr))
			OF(at, filename, filename, uptr);
	}
	g->arg[arg] = (__u64)at;
	n = bpf_probe_read_kernel_str(g->name[i], URING_NAME, name);
	g->len[i] = n > 0 ? n - 1 : 0;
	g->names++;
}

/* An address: the kernel's copy, or the caller's. */
static __always_inline void give_address(struct uring_given *g, const void *kernel,
					 const void *user, __u32 len)
{
	long failed;

	asm volatile("" : "+r"(len));
	if (len > 128)
		len = 128; /* struct sockaddr_storage */
	failed = kernel ? bpf_probe_read_kernel(g->name[0], len, kernel)
			: bpf_probe_read_user(g->name[0], len, user);
	g->len[0] = failed ? 0 : len;
	g->names = 1;
}

/* Whether it begins with a family that is looked at: of Unix, IPv4 or IPv6. */
static __always_inline bool is_address(const void *at)
{
	__u16 family = 0;

	bpf_probe_read_kernel(&family, sizeof(family), at);
	return family == 1 || family == 2 || family == 10;
}

/*
 * Where the kernel keeps an address from its submission on; NULL: it copies it later. In newer
 * kernels, also in 6.12 and 6.18, the address stands there alone, which no type tells: otherwise
 * there are pointers.
 */
static __always_inline void *kept_address(__u64 raw)
{
	void *data = NULL;

	if (bpf_core_type_exists(struct io_async_connect))
		return NULL;
	OF(data, io_kiocb, raw, async_data);
	if (!data || is_address(data))
		return data;
	return data + bpf_core_field_offset(struct io_async_msghdr, addr);
}

static __always_inline void give_open(struct uring_given *g, __u64 raw)
{
	struct filename *name = NULL;
	int dfd;

	OF(dfd, io_open, raw, dfd);
	NAME_OF(name, io_open, raw, filename);
	OF(g->slot, io_open, raw, file_slot);
	OF(g->arg[2], io_open, raw, how.flags);
	OF(g->arg[3], io_open, raw, how.mode);
	g->arg[0] = (__s64)dfd;
	g->arg[2] &= ~(__u64)O_LARGEFILE; /* the kernel adds it */
	give_name(g, 1, name);
}

static __always_inline void give_two_names(struct uring_given *g, __u64 raw, __u32 op)
{
	struct filename *from = NULL, *to = NULL;
	int old, new, flags;

	if (op == URING_RENAMEAT) {
		OF(old, io_rename, raw, old_dfd);
		OF(new, io_rename, raw, new_dfd);
		NAME_OF(from, io_rename, raw, oldpath);
		NAME_OF(to, io_rename, raw, newpath);
		OF(flags, io_rename, raw, flags);
	} else {
		OF(old, io_link, raw, old_dfd);
		OF(new, io_link, raw, new_dfd);
		NAME_OF(from, io_link, raw, oldpath);
		NAME_OF(to, io_link, raw, newpath);
		OF(flags, io_link, raw, flags);
	}
	if (op == URING_SYMLINKAT) {
		give_name(g, 0, from);
		g->arg[1] = (__s64) new;
		give_name(g, 2, to);
		return;
	}
	g->arg[0] = (__s64)old;
	give_name(g, 1, from);
	g->arg[2] = (__s64) new;
	give_name(g, 3, to);
	g->arg[4] = (__u32)flags;
}

static __always_inline void give_one_name(struct uring_given *g, __u64 raw, __u32 op)
{
	struct filename *name = NULL;
	__u32 more = 0;
	__u16 mode;
	int dfd;

	if (op == URING_UNLINKAT) {
		OF(dfd, io_unlink, raw, dfd);
		NAME_OF(name, io_unlink, raw, filename);
		OF(more, io_unlink, raw, flags);
	} else {
		OF(dfd, io_mkdir, raw, dfd);
		NAME_OF(name, io_mkdir, raw, filename);
		OF(mode, io_mkdir, raw, mode);
		more = mode;
	}
	g->arg[0] = (__s64)dfd;
	g->arg[2] = more;
	give_name(g, 1, name);
}

static __always_inline void give_connect(struct uring_given *g, __u64 raw)
{
	void *addr;
	__u32 len;

	OF(addr, io_connect, raw, addr);
	OF(len, io_connect, raw, addr_len);
	g->arg[1] = (__u64)addr;
	g->arg[2] = len;
	give_address(g, kept_address(raw), addr, len);
}

static __always_inline void give_bind(struct uring_given *g, __u64 raw)
{
	__u32 len = 0;

	if (bpf_core_type_exists(struct io_bind)) {
		OF(len, io_bind, raw, addr_len);
		give_address(g, kept_address(raw), NULL, len);
	}
	g->arg[2] = len;
}

/* The address of a message that is sent, and where its first bytes are. */
static __always_inline void give_message(struct uring_given *g, __u64 raw, bool whole)
{
	struct io_sr_msg *own = (void *)raw;
	struct user_msghdr m = {};
	struct user_iovec v = {};
	struct build *b = build_get();
	void *data = NULL, *name = NULL;
	__u64 user = 0;
	__u16 short_len;
	__u32 len = 0;

	if (whole) {
		if (!b || read_msghdr(b, &m, g->arg[1]))
			return;
		if (m.iov_len && !read_iovec(b, &v, m.iov)) {
			g->data = v.base;
			g->data_len = v.len;
		}
		user = m.name;
		len = m.name_len;
	}
	if (!bpf_core_field_exists(own->addr)) {
		OF(data, io_kiocb, raw, async_data);
		if (!data)
			return;
		OF(name, io_async_msghdr, data, msg.msg_name);
		OF(len, io_async_msghdr, data, msg.msg_namelen);
		data = name ? data + bpf_core_field_offset(struct io_async_msghdr, addr) : NULL;
		user = name ? 1 : 0;
	} else if (!whole) {
		OF(name, io_sr_msg, raw, addr);
		OF(short_len, io_sr_msg, raw, addr_len);
		user = (__u64)name;
		len = short_len;
	}
	if (!user || !len)
		return;
	if (!whole) {
		g->arg[4] = user == 1 ? 0 : user;
		g->arg[5] = len;
	}
	give_address(g, data, (void *)user, len);
}

static __always_inline void give_transfer(struct uring_given *g, __u64 raw, __u32 op)
{
	bool whole = op == URING_SENDMSG || op == URING_SENDMSG_ZC || op == URING_RECVMSG;
	bool sends = op != URING_RECV && op != URING_RECVMSG;
	__u32 len, flags;
	void *buf;

	OF(buf, io_sr_msg, raw, buf);
	OF(len, io_sr_msg, raw, len);
	OF(flags, io_sr_msg, raw, msg_flags);
	g->arg[1] = (__u64)buf;
	if (whole) {
		g->arg[2] = flags;
	} else {
		g->arg[2] = len;
		g->arg[3] = flags;
	}
	if (sends)
		give_message(g, raw, whole);
}

static __always_inline void give_accept(struct uring_given *g, __u64 raw)
{
	void *addr, *len;
	__u32 flags;

	OF(addr, io_accept, raw, addr);
	OF(len, io_accept, raw, addr_len);
	OF(flags, io_accept, raw, flags);
	OF(g->slot, io_accept, raw, file_slot);
	g->arg[1] = (__u64)addr;
	g->arg[2] = (__u64)len;
	g->arg[3] = flags;
}

static __always_inline void give_socket(struct uring_given *g, __u64 raw)
{
	int domain, type, protocol;

	OF(domain, io_socket, raw, domain);
	OF(type, io_socket, raw, type);
	OF(protocol, io_socket, raw, protocol);
	OF(g->slot, io_socket, raw, file_slot);
	g->arg[0] = (__s64)domain;
	g->arg[1] = (__s64)type;
	g->arg[2] = (__s64)protocol;
}

static __always_inline void give_numbers(struct uring_given *g, __u64 raw, __u32 op)
{
	__u32 len, fd;
	__s64 v;

	switch (op) {
	case URING_LISTEN:
		if (bpf_core_type_exists(struct io_listen)) {
			OF(fd, io_listen, raw, backlog);
			g->arg[1] = fd;
		}
		break;
	case URING_FTRUNCATE:
		if (bpf_core_type_exists(struct io_ftrunc)) {
			OF(v, io_ftrunc, raw, len);
			g->arg[1] = v;
		}
		break;
	case URING_SHUTDOWN:
		OF(fd, io_shutdown, raw, how);
		g->arg[1] = fd;
		break;
	case URING_FALLOCATE:
		OF(fd, io_sync, raw, mode);
		g->arg[1] = fd;
		OF(v, io_sync, raw, off);
		g->arg[2] = v;
		OF(v, io_sync, raw, len);
		g->arg[3] = v;
		break;
	default: /* reads and writes */
		OF(g->arg[1], io_rw, raw, addr);
		OF(len, io_rw, raw, len);
		g->arg[2] = len;
	}
}

/* Into given_room(): all but the descriptor that stands beside the operation's own data. */
__noinline int uring_read(__u64 raw, __u32 op)
{
	struct uring_given *g = given_room();
	__u32 fd;

	if (!g)
		return 0;
	__builtin_memset(g, 0, offsetof(struct uring_given, name));
	switch (op) {
	case URING_OPENAT:
	case URING_OPENAT2:
		give_open(g, raw);
		break;
	case URING_RENAMEAT:
	case URING_SYMLINKAT:
	case URING_LINKAT:
		give_two_names(g, raw, op);
		break;
	case URING_UNLINKAT:
	case URING_MKDIRAT:
		give_one_name(g, raw, op);
		break;
	case URING_CONNECT:
		give_connect(g, raw);
		break;
	case URING_BIND:
		give_bind(g, raw);
		break;
	case URING_SEND:
	case URING_SEND_ZC:
	case URING_SENDMSG:
	case URING_SENDMSG_ZC:
	case URING_RECV:
	case URING_RECVMSG:
		give_transfer(g, raw, op);
		break;
	case URING_ACCEPT:
		give_accept(g, raw);
		break;
	case URING_SOCKET:
		give_socket(g, raw);
		break;
	case URING_CLOSE:
		OF(fd, io_close, raw, fd);
		g->arg[0] = fd;
		break;
	default:
		give_numbers(g, raw, op);
	}
	return 0;
}

static __always_inline bool has_descriptor(__u32 op)
{
	const __u64 without = (URING_NAMED & ~(BIT_OF(CONNECT) | BIT_OF(BIND))) | BIT_OF(SOCKET) |
			      BIT_OF(CLOSE);

	return !(without >> op & 1);
}

#endif
