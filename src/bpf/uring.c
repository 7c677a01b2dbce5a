#include "bpf/uring.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* What the programs read of requests (bpf/watch_uring.h); operations that came later are not here.
 */
static const struct {
	const char *type, *member;
} needed[] = {
	{ "io_kiocb", "file" },
	{ "io_kiocb", "opcode" },
	{ "io_kiocb", "cqe" },
	{ "io_kiocb", "ctx" },
	{ "io_kiocb", "comp_list" },
	{ "io_kiocb", "async_data" },
	{ "io_kiocb", "creds" },
	{ "io_ring_ctx", "file_table" },
	{ "io_ring_ctx", "submit_state" },
	{ "io_open", "filename" },
	{ "io_rename", "oldpath" },
	{ "io_unlink", "filename" },
	{ "io_mkdir", "filename" },
	{ "io_link", "oldpath" },
	{ "io_connect", "addr" },
	{ "io_accept", "addr" },
	{ "io_socket", "domain" },
	{ "io_sr_msg", "buf" },
	{ "io_close", "fd" },
	{ "io_shutdown", "how" },
	{ "io_sync", "mode" },
	{ "io_rw", "addr" },
	{ "io_async_msghdr", "addr" },
};

static bool has_member(const struct btf *btf, uint32_t type, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, type);
	const struct btf_member *m;

	while (t && btf_is_mod(t))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_composite(t))
		return false;
	m = btf_members(t);
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		const char *own = btf__name_by_offset(btf, m[i].name_off);

		if (*own ? !strcmp(own, name) : has_member(btf, m[i].type, name))
			return true;
	}
	return false;
}

/* The arguments of a tracepoint, behind the first that is its program's own; NULL: none such. */
static const struct btf_type *arguments(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *t;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) ? t : NULL;
}

/* Which of the arguments points to this structure, -1: none. */
static int argument_of(const struct btf *btf, const struct btf_type *proto, const char *type)
{
	for (unsigned i = 1; i < btf_vlen(proto); i++) {
		const struct btf_type *t = btf__type_by_id(btf, btf_params(proto)[i].type);

		t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
		while (t && btf_is_mod(t))
			t = btf__type_by_id(btf, t->type);
		if (t && btf_is_struct(t) && !strcmp(btf__name_by_offset(btf, t->name_off), type))
			return (int)i - 1;
	}
	return -1;
}

/* 1 shifted by the value of a constant; the enumerations of these have no name. */
static uint32_t bit_named(const struct btf *btf, const char *constant)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_enum(t))
			continue;
		for (unsigned i = 0; i < btf_vlen(t); i++)
			if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), constant))
				return (uint32_t)btf_enum(t)[i].val < 32 ? 1u << btf_enum(t)[i].val
									 : 0;
	}
	return 0;
}

static bool look_at_tracepoints(struct uring_kernel *k, const struct btf *btf)
{
	static const char *const submits[] = { "io_uring_submit_req", "io_uring_submit_sqe" };
	const struct btf_type *complete = arguments(btf, "io_uring_complete"), *submit = NULL;
	int at;

	for (size_t i = 0; i < ARRAY_SIZE(submits) && !submit; i++) {
		submit = arguments(btf, submits[i]);
		k->submit = submits[i];
	}
	if (!complete || !submit) {
		k->none = true;
		snprintf(k->why, sizeof(k->why), "the kernel was built without io_uring");
		return false;
	}
	at = argument_of(btf, submit, "io_kiocb");
	/* (ctx, req, user_data, res, cflags, …), since 6.14 (ctx, req, cqe) */
	k->by_cqe = argument_of(btf, complete, "io_uring_cqe") == 2;
	if (at < 0 || at > 1 || (!k->by_cqe && btf_vlen(complete) < 8)) {
		snprintf(k->why, sizeof(k->why),
			 "the tracepoint of its completions does not have the request");
		return false;
	}
	k->submit_at = (unsigned)at;
	return true;
}

void uring_look(struct uring_kernel *k)
{
	struct btf *btf = btf__load_vmlinux_btf();

	memset(k, 0, sizeof(*k));
	if (!btf) {
		snprintf(k->why, sizeof(k->why), "the kernel has no type information");
		return;
	}
	k->there = look_at_tracepoints(k, btf);
	for (size_t i = 0; k->there && i < ARRAY_SIZE(needed); i++) {
		int id = btf__find_by_name_kind(btf, needed[i].type, BTF_KIND_STRUCT);

		if (id >= 0 && has_member(btf, (uint32_t)id, needed[i].member))
			continue;
		k->there = false;
		snprintf(k->why, sizeof(k->why), "the kernel's types have no %s.%s", needed[i].type,
			 needed[i].member);
	}
	if (k->there) {
		k->creds = bit_named(btf, "REQ_F_CREDS_BIT");
		k->again = bit_named(btf, "REQ_F_APOLL_MULTISHOT_BIT");
	}
	btf__free(btf);
}
