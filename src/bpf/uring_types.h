/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The kernel's types of io_uring, and only the members that are read (see ktypes.h). A request
 * begins with what its operation keeps: struct io_open, io_rename … lie at its first byte
 * (io_kiocb_to_cmd(), include/linux/io_uring_types.h).
 */
#ifndef BPF_URING_TYPES_H
#define BPF_URING_TYPES_H

#include "ktypes.h"

struct io_cqe {
	__u64 user_data;
	__s32 res;
	int fd; /* as the caller gave it, until there is a result */
} KTYPE;

struct io_wq_work_node {
	struct io_wq_work_node *next;
} KTYPE;

struct io_wq_work_list {
	struct io_wq_work_node *first, *last;
} KTYPE;

/* A table of files without descriptors: Linux 6.13, and before. */
struct io_rsrc_node {
	unsigned long file_ptr;
} KTYPE;

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
} KTYPE;

struct io_fixed_file {
	unsigned long file_ptr;
} KTYPE;

struct io_file_table {
	struct io_rsrc_data data;
} KTYPE;

struct io_file_table___6_1 {
	struct io_fixed_file *files;
} KTYPE;

struct io_submit_state {
	struct io_wq_work_list compl_reqs;
} KTYPE;

struct io_ring_ctx {
	struct io_file_table file_table;
	struct io_submit_state submit_state;
	unsigned int nr_user_files; /* until 6.12 */
} KTYPE;

struct io_uring_task {
	struct task_struct *task; /* Linux 6.13 */
} KTYPE;

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags; /* the lower half, since 6.9 */
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_uring_task *tctx; /* Linux 6.13 */
	struct io_wq_work_node comp_list;
	void *async_data;
	const struct cred *creds;
} KTYPE;

struct io_kiocb___6_12 {
	struct task_struct *task;
} KTYPE;

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
} KTYPE;

struct filename {
	const char *name;
	const char *uptr; /* where the caller has it; until 6.19 */
} KTYPE;

/* Since Linux 7.0 a name is in such a structure: its only member points to it. */
struct delayed_filename {
	void *name;
};

struct io_open___7_0 {
	struct delayed_filename filename;
} KTYPE;

struct io_rename___7_0 {
	struct delayed_filename oldpath, newpath;
} KTYPE;

struct io_unlink___7_0 {
	struct delayed_filename filename;
} KTYPE;

struct io_mkdir___7_0 {
	struct delayed_filename filename;
} KTYPE;

struct io_link___7_0 {
	struct delayed_filename oldpath, newpath;
} KTYPE;

struct open_how {
	__u64 flags, mode;
} KTYPE;

struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
} KTYPE;

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
} KTYPE;

struct io_unlink {
	int dfd, flags;
	struct filename *filename;
} KTYPE;

struct io_mkdir {
	int dfd;
	__u16 mode;
	struct filename *filename;
} KTYPE;

/* Of symbolic links too. */
struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
} KTYPE;

struct io_connect {
	void *addr;
	int addr_len;
} KTYPE;

struct io_accept {
	void *addr;
	int *addr_len;
	int flags;
	__u32 file_slot;
} KTYPE;

struct io_socket {
	int domain, type, protocol;
	__u32 file_slot;
} KTYPE;

struct io_bind {
	int addr_len;
} KTYPE;

struct io_listen {
	int backlog;
} KTYPE;

struct io_ftrunc {
	__s64 len;
} KTYPE;

struct io_shutdown {
	int how;
} KTYPE;

struct io_close {
	int fd;
	__u32 file_slot;
} KTYPE;

struct io_sync {
	__s64 len, off;
	int mode;
} KTYPE;

struct io_sr_msg {
	void *buf; /* or struct msghdr */
	unsigned int len;
	unsigned int msg_flags;
	void *addr; /* until 6.9 */
	__u16 addr_len;
} KTYPE;

/* It keeps the address of connect(2) until 6.9. */
struct io_async_connect {
	int address;
} KTYPE;

struct msghdr {
	void *msg_name;
	int msg_namelen;
} KTYPE;

struct kernel_sockaddr_storage {
	char bytes[128]; /* only its address is used */
};

struct io_async_msghdr {
	struct msghdr msg;
	struct kernel_sockaddr_storage addr;
} KTYPE;

struct io_rw {
	__u64 addr;
	__u32 len;
} KTYPE;

#endif
