#include "bpf/watch_members.h"

#include <inttypes.h>
#include <string.h>

#include "bpf/watch.h"

#define MEMBER(type, field, is_signed)                                                             \
	{                                                                                          \
#field, offsetof(struct type, field), sizeof(((struct type *)0)->field), is_signed \
	}
#define REC(field)  MEMBER(watch_rec, field, false)
#define FD(field)   MEMBER(watch_fd, field, false)
#define PROC(field) MEMBER(watch_proc, field, false)

const struct watch_member watch_rec_members[] = {
	REC(time),
	REC(pid),
	REC(tid),
	REC(start),
	REC(vpid),
	REC(uid),
	REC(gid),
	REC(loginuid),
	REC(tty),
	REC(cap_permitted),
	REC(cap_effective),
	MEMBER(watch_rec, ret, true),
	REC(uring),
	{ "missing", offsetof(struct watch_rec, parts), sizeof(__u32), false },
	{ 0 },
};

const struct watch_member watch_fd_members[] = {
	MEMBER(watch_fd, fd, true),
	FD(mode),
	FD(ino),
	FD(dev),
	FD(created),
	FD(layer),
	FD(flags),
	FD(family),
	FD(type),
	FD(protocol),
	FD(state),
	{ 0 },
};

const struct watch_member watch_proc_members[] = {
	PROC(ppid),
	PROC(vpid),
	PROC(vtid),
	PROC(vpgid),
	PROC(pgid),
	PROC(sid),
	PROC(uid),
	PROC(gid),
	PROC(loginuid),
	PROC(tty),
	PROC(exe_ino),
	PROC(exe_mtime),
	PROC(exe_ctime),
	PROC(exe_dev),
	PROC(exe_mode),
	PROC(exe_uid),
	PROC(layer),
	PROC(memfd),
	PROC(exe_deleted),
	PROC(mnt_ns),
	PROC(ns_start),
	PROC(cap_inheritable),
	PROC(cap_permitted),
	PROC(cap_effective),
	{ 0 },
};

const struct watch_member *watch_member_find(const struct watch_member *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

uint64_t watch_member_get(const struct watch_member *m, const void *from)
{
	const char *at = (const char *)from + m->offset;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (m->size) {
	case 2:
		memcpy(&v16, at, sizeof(v16));
		return m->is_signed ? (uint64_t)(int16_t)v16 : v16;
	case 4:
		memcpy(&v32, at, sizeof(v32));
		return m->is_signed ? (uint64_t)(int32_t)v32 : v32;
	default:
		memcpy(&v64, at, sizeof(v64));
		return v64;
	}
}

void watch_member_put(struct buf *b, const struct watch_member *m, uint64_t value)
{
	if (b->len && b->p[b->len - 1] != '{')
		buf_putc(b, ',');
	if (m->is_signed)
		buf_printf(b, "\"%s\":%" PRId64, m->name, (int64_t)value);
	else
		buf_printf(b, "\"%s\":%" PRIu64, m->name, value);
}

void watch_members_put(struct buf *b, const struct watch_member *table, const void *from)
{
	for (; table->name; table++) {
		uint64_t v = watch_member_get(table, from);

		if (v)
			watch_member_put(b, table, v);
	}
}

static void store(const struct watch_member *m, void *to, uint64_t v)
{
	char *at = (char *)to + m->offset;
	uint32_t v32 = (uint32_t)v;
	uint16_t v16 = (uint16_t)v;

	if (m->size == 2)
		memcpy(at, &v16, sizeof(v16));
	else if (m->size == 4)
		memcpy(at, &v32, sizeof(v32));
	else
		memcpy(at, &v, sizeof(v));
}

int watch_member_set(const struct watch_member *m, void *to, const struct json_doc *d,
		     const struct json_path *at, struct json_object *v, struct err *e)
{
	unsigned bits = m->size * 8u;
	int64_t s;

	if (!json_object_is_type(v, json_type_int))
		return json_err(d, at, e, EINVAL, "expected a whole number, found %s",
				json_type_word(v));
	s = json_object_get_int64(v); /* saturates */
	if (s < 0 ? bits < 64 && s < -(INT64_C(1) << (bits - 1))
		  : bits < 64 && s >= INT64_C(1) << (m->is_signed ? bits - 1 : bits))
		return json_err(d, at, e, ERANGE, "expected a number of %u bits", bits);
	store(m, to, s < 0 ? (uint64_t)s : json_object_get_uint64(v));
	return 0;
}

int watch_members_set(const struct watch_member *table, void *to, const struct json_doc *d,
		      const struct json_path *at, struct json_object *o, struct err *e)
{
	if (!json_object_is_type(o, json_type_object))
		return json_err(d, at, e, EINVAL, "expected an object, found %s",
				json_type_word(o));
	json_object_object_foreach (o, key, v) {
		const struct watch_member *m = watch_member_find(table, key);
		struct json_path here = { at, key, 0 };
		int err;

		if (!m)
			return json_err(d, &here, e, EINVAL, "there is no such member");
		err = watch_member_set(m, to, d, &here, v, e);
		if (err < 0)
			return err;
	}
	return 0;
}
