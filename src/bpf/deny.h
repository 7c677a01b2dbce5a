/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the LSM programs and their loader share: what is refused to a control group. */
#ifndef BPF_DENY_H
#define BPF_DENY_H

#include <linux/types.h>

/* By the id of a control group of version 2. */
struct deny_group {
	__u64 capabilities; /* 1 << number */
	__u32 operations;   /* 1u << enum deny_operation */
	__u32 pad;
};

/* In the order of RESPOND_OPERATIONS (respond/request.h). */
enum deny_operation {
	DENY_FILE,
	DENY_EXEC,
	DENY_NETWORK,
	DENY_MOUNT,
	DENY_PTRACE,
	DENY_MODULE,
	DENY_CAPABILITY,
	DENY_BPF,
};

#endif
