#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/confine.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int seccomp_load(const struct sock_filter *filter, size_t n, uint32_t flags)
{
	struct sock_fprog prog = {
		.len = (unsigned short)n,
		.filter = (struct sock_filter *)filter,
	};
	long r;

	if (n == 0 || n > BPF_MAXINSNS)
		return -EINVAL;
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC; /* there is one thread */
	else
		flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r < 0 && errno == EINVAL && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)) {
		flags &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	}
	return r < 0 ? -errno : (int)r;
}

int seccomp_complain(struct sock_filter *filter, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t action = filter[i].k & SECCOMP_RET_ACTION_FULL;

		if (BPF_CLASS(filter[i].code) != BPF_RET)
			continue;
		if (BPF_RVAL(filter[i].code) != BPF_K)
			return err_set(e, EINVAL,
				       "filter: instruction %zu returns a computed value, "
				       "expected a constant",
				       i);
		if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG)
			filter[i].k = SECCOMP_RET_USER_NOTIF;
	}
	return 0;
}
