/* evt.*, syscall.type */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "enrich/enrich_private.h"

/* The flags of an open, whichever of its forms it was. */
static uint64_t open_flags(const struct enrich *e)
{
	if (e->shape->flags < 0)
		return O_CREAT | O_WRONLY | O_TRUNC; /* creat(2) */
	return e->rec->arg[e->shape->flags];
}

static bool is_create(const struct enrich *e)
{
	uint64_t flags = open_flags(e);
	const struct watch_fd *d = e->fd_part ? watch_part_bytes(e->fd_part) : NULL;

	return e->rec->ret >= 0 && ((d && d->created) || (flags & O_TMPFILE) == O_TMPFILE);
}

static bool read_open(struct enrich *e, unsigned id, struct ev_values *out)
{
	uint64_t flags, access;

	if (!is_open(e))
		return give_bool(out, false);
	flags = open_flags(e);
	access = flags & O_ACCMODE;
	switch (id) {
	case EV_EVT_IS_OPEN_READ:
		return give_bool(out, access == O_RDONLY || access == O_RDWR);
	case EV_EVT_IS_OPEN_WRITE:
		return give_bool(out, access == O_WRONLY || access == O_RDWR);
	case EV_EVT_IS_OPEN_EXEC:
		return give_bool(out,
				 e->shape->mode >= 0 &&
					 (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) &&
					 e->rec->arg[e->shape->mode] & 0111);
	case EV_EVT_IS_OPEN_CREATE:
		return give_bool(out, is_create(e));
	}
	return false;
}

static bool has_result(const struct enrich *e)
{
	return e->rec->kind == WATCH_CALL || e->rec->kind == WATCH_EXEC;
}

static bool result_text(struct enrich *e, struct ev_values *out)
{
	const char *name;

	if (!has_result(e))
		return false;
	if (e->rec->ret >= 0)
		return give_text(out, "SUCCESS");
	name = errno_name(e->rec->ret);
	return give_text(
		out, name ? name : scratch_printf(e, "%llu", 0 - (unsigned long long)e->rec->ret));
}

static const struct watch_part *data_part(const struct enrich *e)
{
	const struct watch_part *p = NULL;

	while ((p = watch_part_next(e->rec, p)))
		if (p->kind == WATCH_P_DATA)
			break;
	return p;
}

/* Calls by what they do; the rest is "other". */
static const char *category(const struct enrich *e)
{
	char letter;

	if (e->rec->kind != WATCH_CALL)
		return "process";
	if (!e->shape)
		return "other";
	if (fd_type_name(e, &letter) && strchr("46un", letter))
		return "net";
	return e->shape->path >= 0 || e->shape->fd >= 0 ? "file" : "other";
}

static bool is_io(const struct enrich *e, const char *const *names)
{
	for (; e->shape && *names; names++)
		if (!strcmp(*names, e->shape->name))
			return true;
	return false;
}

static bool hostname(struct enrich *e, struct ev_values *out)
{
	char name[256] = "";

	return gethostname(name, sizeof(name) - 1) == 0 &&
	       give_text(out, scratch_printf(e, "%s", name));
}

bool read_event_field(struct enrich *e, const struct ev_ref *ref, struct ev_values *out)
{
	static const char *const reads[] = { "read", "pread64", "recvfrom", "recvmsg", NULL };
	static const char *const writes[] = { "write", "pwrite64", "sendto", "sendmsg", NULL };
	const struct watch_part *p;

	switch (ref->field->id) {
	case EV_EVT_RES:
		return result_text(e, out);
	case EV_EVT_RAWRES:
		return has_result(e) && give_signed(out, e->rec->ret);
	case EV_EVT_FAILED:
		return give_bool(out, has_result(e) && e->rec->ret < 0);
	case EV_EVT_COUNT_ERROR:
		return give_number(out, has_result(e) && e->rec->ret < 0);
	case EV_EVT_IS_OPEN_READ:
	case EV_EVT_IS_OPEN_WRITE:
	case EV_EVT_IS_OPEN_EXEC:
	case EV_EVT_IS_OPEN_CREATE:
		return read_open(e, ref->field->id, out);
	case EV_EVT_IS_IO:
		return give_bool(out, is_io(e, reads) || is_io(e, writes));
	case EV_EVT_IS_IO_READ:
		return give_bool(out, is_io(e, reads));
	case EV_EVT_IS_IO_WRITE:
		return give_bool(out, is_io(e, writes));
	case EV_EVT_IO_DIR:
		return is_io(e, reads)	  ? give_text(out, "read")
		       : is_io(e, writes) ? give_text(out, "write")
					  : false;
	case EV_EVT_COUNT:
	case EV_EVT_COUNT_EXIT:
		return give_number(out, 1);
	case EV_EVT_TYPE_IS:
		return give_number(out, e->ev.base.type == ref->index);
	case EV_SYSCALL_TYPE:
		return ev_type_is_syscall(e->ev.base.type) &&
		       give_text(out, ev_type_name(e->ev.base.type));
	case EV_EVT_CATEGORY:
		return give_text(out, category(e));
	case EV_EVT_BUFFER:
		p = data_part(e);
		return p && give_bytes(out, watch_part_bytes(p), p->len);
	case EV_EVT_BUFLEN:
		return data_part(e) && e->rec->ret >= 0 && give_number(out, (uint64_t)e->rec->ret);
	case EV_EVT_HOSTNAME:
		return hostname(e, out);
	case EV_EVT_IO_URING:
		return give_bool(out, e->rec->uring != 0);
	case EV_EVT_IS_ASYNC:
		return give_bool(out, false);
	case EV_EVT_ABSPATH:
		return give_text(out, event_path(e, 0));
	case EV_EVT_ARG:
	case EV_EVT_RAWARG:
		return read_argument(e, ref, out);
	case EV_EVT_ARGS:
	case EV_EVT_INFO:
		return read_all_arguments(e, out);
	case EV_EVT_DIR:
		return give_text(out, "<");
	}
	return false;
}
