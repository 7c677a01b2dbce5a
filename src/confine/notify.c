#include "confine/notify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/version.h"
#include "model/syscalls.h"

static int kernel_check(struct err *e)
{
	if (!version_kernel_at_least(5, 9))
		return err_set(e, ENOSYS,
			       "complain mode needs Linux 5.9 (seccomp notification with "
			       "\"continue\" and its end); this kernel is older");
	return 0;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

int notify_init(struct notify *n, uint32_t (*decide)(void *, const struct seccomp_data *),
		void *ctx, struct err *e)
{
	struct seccomp_notif_sizes sizes = { 0 };
	int r = kernel_check(e);

	*n = (struct notify){ .decide = decide, .ctx = ctx };
	if (r < 0)
		return r;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_errno(e, errno, "the kernel has no seccomp notification");
	n->request_size = larger(sizes.seccomp_notif, sizeof(*n->request));
	n->response_size = larger(sizes.seccomp_notif_resp, sizeof(*n->response));
	n->request = xcalloc(1, n->request_size);
	n->response = xcalloc(1, n->response_size);
	return 0;
}

void notify_free(struct notify *n)
{
	free(n->entries);
	free(n->request);
	free(n->response);
	map_free(&n->index);
	arena_free(&n->arena);
	*n = (struct notify){ 0 };
}

int notify_abi(uint32_t audit_arch, uint32_t *nr)
{
	bool x32 = audit_arch == sc_abi_audit_arch(SC_X86_64) && (*nr & SC_X32_BIT);

	if (x32) {
		*nr &= ~SC_X32_BIT;
		return SC_X32;
	}
	for (int abi = 0; abi < SC_ABI_COUNT; abi++)
		if (sc_abi_audit_arch(abi) == audit_arch)
			return abi;
	return -1;
}

/* Keeps what does not differ from run to run, at the width that the kernel looks at. */
static void plain_values(const struct seccomp_data *sd, uint64_t out[6])
{
	uint32_t nr = sd->nr < 0 ? UINT32_MAX : (uint32_t)sd->nr;
	int abi = notify_abi(sd->arch, &nr);
	const struct sc_desc *d = abi < 0 ? NULL : sc_by_nr(abi, nr);
	const struct sc_arg *args;
	unsigned args_n = 0;

	for (unsigned i = 0; i < 6; i++)
		out[i] = d ? 0 : sd->args[i];
	if (!d)
		return;
	args = sc_args(d, abi, &args_n);
	for (unsigned i = 0; i < args_n; i++) {
		unsigned width = sc_arg_width(abi, args[i].kind);

		if (sc_arg_is_pointer(args[i].kind))
			continue;
		out[i] = width < 64 ? sd->args[i] & ((1ull << width) - 1) : sd->args[i];
	}
}

static void sample_add(struct notify_entry *entry, const uint64_t value[6])
{
	for (unsigned i = 0; i < entry->samples_n; i++) {
		struct notify_sample *s = &entry->sample[i];

		if (!memcmp(s->value, value, sizeof(s->value))) {
			s->count++;
			return;
		}
	}
	if (entry->samples_n == NOTIFY_MAX_SAMPLES) {
		entry->other_samples++;
		return;
	}
	memcpy(entry->sample[entry->samples_n].value, value, sizeof(entry->sample[0].value));
	entry->sample[entry->samples_n++].count = 1;
}

static struct notify_entry *entry_at(struct notify *n, const struct seccomp_data *sd,
				     uint32_t action, const char *program)
{
	cleanup_free char *key = xasprintf("%x %x %x %s", sd->arch, (unsigned)sd->nr, action,
					   program);
	void **slot = map_find(&n->index, key, strlen(key));
	struct notify_entry *entry;

	if (slot)
		return &n->entries[(uintptr_t)*slot - 1];
	if (n->entries_n == NOTIFY_MAX_ENTRIES)
		return NULL;
	entry = vec_push(n->entries, n->entries_n, n->entries_cap);
	entry->audit_arch = sd->arch;
	entry->nr = (uint32_t)sd->nr;
	entry->action = action;
	entry->program = arena_strdup(&n->arena, program);
	*map_at(&n->index, key, strlen(key)) = (void *)(uintptr_t)n->entries_n;
	return entry;
}

void notify_record(struct notify *n, const struct seccomp_data *sd, pid_t pid, const char *comm,
		   const char *program)
{
	struct notify_entry *entry = entry_at(n, sd, n->decide(n->ctx, sd), program);
	uint64_t value[6];

	if (!entry) {
		n->lost++;
		return;
	}
	if (!entry->count++) {
		entry->pid = pid;
		snprintf(entry->comm, sizeof(entry->comm), "%s", comm);
	}
	plain_values(sd, value);
	sample_add(entry, value);
}

/* Reads who calls; both are "" when /proc does not have the thread. */
static void read_caller(pid_t pid, char comm[16], char program[PATH_MAX])
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, program, PATH_MAX - 1);
	program[len < 0 ? 0 : len] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (io_read_small(path, comm, 16) < 0)
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

int notify_answer(struct notify *n, int listener, struct err *e)
{
	char program[PATH_MAX], comm[16];

	memset(n->request, 0, n->request_size);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n->request) < 0)
		/* ENOENT: the caller was interrupted or died in between */
		return errno == ENOENT || errno == EINTR
			       ? 0
			       : err_errno(e, errno, "receiving a seccomp notification");
	read_caller((pid_t)n->request->pid, comm, program);
	/* Only now is it sure that what was read belongs to this caller, not to a later pid. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &n->request->id) < 0)
		comm[0] = program[0] = '\0';
	notify_record(n, &n->request->data, (pid_t)n->request->pid, comm, program);
	memset(n->response, 0, n->response_size);
	n->response->id = n->request->id;
	n->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, n->response) < 0 && errno != ENOENT &&
	    errno != EINTR)
		return err_errno(e, errno, "answering a seccomp notification");
	return 0;
}
