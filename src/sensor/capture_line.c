#include "sensor/capture_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/watch_members.h"
#include "model/syscalls.h"

enum { BUCKETS = 4096, MAX_PROCESSES = 262144 };

/* What the last line said of a process; of `rec` only the members of `kept` count. */
struct known {
	struct known *next;
	struct watch_rec rec;
};

struct capture_processes {
	struct known *bucket[BUCKETS];
	size_t n;
};

static const char *const kept[] = { "start",	"vpid", "uid",		 "gid",
				    "loginuid", "tty",	"cap_permitted", "cap_effective" };

static const char *const kind_names[] = {
	[WATCH_EXEC] = "exec",
	[WATCH_FORK] = "fork",
	[WATCH_EXIT] = "exit",
};

struct capture_processes *capture_processes_new(void)
{
	return xcalloc(1, sizeof(struct capture_processes));
}

void capture_processes_free(struct capture_processes *ps)
{
	for (size_t i = 0; ps && i < BUCKETS; i++) {
		for (struct known *k = ps->bucket[i], *next; k; k = next) {
			next = k->next;
			free(k);
		}
	}
	free(ps);
}

static struct known **slot_of(struct capture_processes *ps, uint32_t pid)
{
	struct known **k = &ps->bucket[pid % BUCKETS];

	while (*k && (*k)->rec.pid != pid)
		k = &(*k)->next;
	return k;
}

static void remember(struct capture_processes *ps, const struct watch_rec *rec)
{
	struct known **k = slot_of(ps, rec->pid), *gone = *k;

	if (rec->kind == WATCH_EXIT) {
		if (gone) {
			*k = gone->next;
			free(gone);
			ps->n--;
		}
		return;
	}
	if (!gone) {
		if (ps->n == MAX_PROCESSES)
			return;
		*k = xcalloc(1, sizeof(**k));
		ps->n++;
	}
	(*k)->rec = *rec;
}

/* The record's members of its process, as they are when a line does not say. */
static void expect(struct capture_processes *ps, struct watch_rec *r)
{
	struct known *k = *slot_of(ps, r->pid);
	struct watch_rec from = { .loginuid = ~0u, .vpid = r->pid };

	if (k) {
		from = k->rec;
	} else if (r->kind == WATCH_FORK) {
		k = *slot_of(ps, (uint32_t)r->arg[0]);
		if (k)
			from = k->rec;
		from.vpid = r->pid;
		from.start = r->time;
	}
	r->tid = r->pid;
	r->start = from.start;
	r->vpid = from.vpid;
	r->uid = from.uid;
	r->gid = from.gid;
	r->loginuid = from.loginuid;
	r->tty = from.tty;
	r->cap_permitted = from.cap_permitted;
	r->cap_effective = from.cap_effective;
	memcpy(r->comm, from.comm, sizeof(r->comm));
}

/* ---- out */

static void put_args(struct buf *b, const struct watch_rec *rec)
{
	unsigned n = WATCH_ARGS;

	while (n && !rec->arg[n - 1])
		n--;
	if (!n)
		return;
	buf_puts(b, ",\"args\":[");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s%" PRId64, i ? "," : "", (int64_t)rec->arg[i]);
	buf_putc(b, ']');
}

static void put_kind(struct buf *b, const struct watch_rec *rec)
{
	const struct sc_desc *d = sc_by_nr(sc_abi_native(), rec->nr);

	if (rec->kind != WATCH_CALL)
		buf_printf(b, "{\"kind\":\"%s\"", kind_names[rec->kind]);
	else if (d)
		buf_printf(b, "{\"call\":\"%s\"", d->name);
	else
		buf_printf(b, "{\"call\":\"#%u\"", rec->nr);
}

void capture_line_put(struct capture_processes *ps, const struct watch_rec *rec, struct buf *b)
{
	struct watch_rec usual = {
		.kind = rec->kind, .time = rec->time, .pid = rec->pid, .arg = { rec->arg[0] }
	};

	expect(ps, &usual);
	usual.time = ~rec->time; /* these two always */
	usual.pid = ~rec->pid;
	put_kind(b, rec);
	for (const struct watch_member *m = watch_rec_members; m->name; m++) {
		uint64_t v = watch_member_get(m, rec);

		if (v != watch_member_get(m, &usual))
			watch_member_put(b, m, v);
	}
	if (strncmp(rec->comm, usual.comm, sizeof(rec->comm)) != 0) {
		buf_puts(b, ",\"comm\":");
		json_put_bytes_n(b, rec->comm, strnlen(rec->comm, sizeof(rec->comm)));
	}
	put_args(b, rec);
	capture_put_parts(b, rec);
	buf_putc(b, '}');
	remember(ps, rec);
}

/* ---- in */

bool capture_line_is_record(const struct json_doc *d)
{
	return json_object_object_get_ex(d->root, "call", NULL) ||
	       json_object_object_get_ex(d->root, "kind", NULL);
}

static int call_number(const char *name)
{
	char *end;
	unsigned long n;

	if (*name != '#')
		return sc_nr(sc_abi_native(), name);
	n = strtoul(name + 1, &end, 10);
	return name[1] && !*end && n < UINT16_MAX ? (int)n : -1;
}

static int get_kind(const struct json_doc *d, struct watch_rec *r, struct err *e)
{
	const char *call = NULL, *kind = NULL;
	int err = json_get_str(d, NULL, d->root, "call", false, &call, e), nr;

	if (err == 0)
		err = json_get_str(d, NULL, d->root, "kind", false, &kind, e);
	if (err < 0)
		return err;
	if (kind) {
		for (r->kind = WATCH_EXEC; r->kind <= WATCH_EXIT; r->kind++)
			if (!strcmp(kind, kind_names[r->kind]))
				return 0;
		return json_err(d, &(struct json_path){ NULL, "kind", 0 }, e, EINVAL,
				"expected exec, fork or exit");
	}
	nr = call ? call_number(call) : -1;
	if (nr < 0)
		return json_err(d, &(struct json_path){ NULL, "call", 0 }, e, EINVAL,
				"%s has no such system call", sc_abi_name(sc_abi_native()));
	r->kind = WATCH_CALL;
	r->nr = (uint16_t)nr;
	return 0;
}

static int get_args(const struct json_doc *d, struct watch_rec *r, struct err *e)
{
	static const struct watch_member number = { "", 0, sizeof(__u64), true };
	struct json_path here = { NULL, "args", 0 };
	struct json_object *list = NULL;
	int err = json_get_array(d, NULL, d->root, "args", false, &list, e);
	size_t n = list ? json_object_array_length(list) : 0;

	if (n > WATCH_ARGS)
		return json_err(d, &here, e, EINVAL, "expected %d numbers at most", WATCH_ARGS);
	for (size_t i = 0; i < n && err == 0; i++) {
		struct json_path at = { &here, NULL, i };

		err = watch_member_set(&number, &r->arg[i], d, &at,
				       json_object_array_get_idx(list, i), e);
	}
	return err;
}

static int get_comm(const struct json_doc *d, struct json_object *v, const struct json_path *at,
		    struct watch_rec *r, struct err *e)
{
	cleanup_free char *s = NULL;

	if (!json_object_is_type(v, json_type_string))
		return json_err(d, at, e, EINVAL, "expected a string, found %s", json_type_word(v));
	s = json_bytes(xstrdup(json_object_get_string(v)));
	if (strlen(s) >= sizeof(r->comm))
		return json_err(d, at, e, EINVAL, "expected %zu bytes at most",
				sizeof(r->comm) - 1);
	memset(r->comm, 0, sizeof(r->comm));
	memcpy(r->comm, s, strlen(s));
	return 0;
}

static bool is_said(const char *key)
{
	return !strcmp(key, "call") || !strcmp(key, "kind") || !strcmp(key, "args");
}

static int get_member(const struct json_doc *d, const char *key, struct json_object *v,
		      struct capture_rec *out, struct err *e)
{
	const struct watch_member *m = watch_member_find(watch_rec_members, key);
	struct json_path at = { NULL, key, 0 };
	int err;

	if (is_said(key))
		return 0;
	if (m)
		return watch_member_set(m, &out->rec, d, &at, v, e);
	if (!strcmp(key, "comm"))
		return get_comm(d, v, &at, &out->rec, e);
	err = capture_add_part(out, key, d, &at, v, e);
	if (err == 0)
		err = json_err(d, &at, e, EINVAL, "there is no such member");
	return err < 0 ? err : 0;
}

int capture_line_get(struct capture_processes *ps, const struct json_doc *d,
		     struct capture_rec *out, struct err *e)
{
	struct watch_rec *r = &out->rec;
	uint64_t pid = 0, time = 0;
	int err;

	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	err = get_kind(d, r, e);
	if (err == 0)
		err = get_args(d, r, e);
	if (err == 0)
		err = json_get_u64(d, NULL, d->root, "pid", true, WATCH_PID_MAX, &pid, e);
	if (err == 0)
		err = json_get_u64(d, NULL, d->root, "time", true, INT64_MAX, &time, e);
	if (err < 0)
		return err;
	r->time = time;
	r->pid = (uint32_t)pid;
	expect(ps, r);
	json_object_object_foreach (d->root, key, v) {
		err = get_member(d, key, v, out, e);
		if (err < 0)
			return err;
	}
	remember(ps, r);
	return 0;
}

void capture_line_process(struct capture_processes *ps, const struct json_doc *d)
{
	struct watch_rec r = { .loginuid = ~0u, .kind = WATCH_EXEC };
	struct json_object *o, *v;
	uint64_t pid;

	if (!json_object_object_get_ex(d->root, "process", &o) ||
	    json_get_u64(d, NULL, o, "pid", true, WATCH_PID_MAX, &pid, NULL) < 0)
		return;
	r.pid = r.vpid = (uint32_t)pid;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_object_get_ex(o, kept[i], &v))
			watch_member_set(watch_member_find(watch_rec_members, kept[i]), &r, d, NULL,
					 v, NULL);
	if (json_object_object_get_ex(o, "comm", &v))
		get_comm(d, v, NULL, &r, NULL);
	remember(ps, &r);
}
