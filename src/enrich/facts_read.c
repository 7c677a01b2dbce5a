/* Facts from lines. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/watch_members.h"
#include "enrich/enrich_private.h"
#include "enrich/facts.h"
#include "enrich/facts_private.h"
#include "enrich/process_private.h"

/* An object, and where it stands. */
struct from {
	const struct json_doc *d;
	const struct json_path *at;
	struct json_object *o;
	struct err *e;
};

static int get_number(const struct from *f, const char *key, uint32_t *out)
{
	uint64_t v = *out;
	int err = json_get_u64(f->d, f->at, f->o, key, false, UINT32_MAX, &v, f->e);

	*out = (uint32_t)v;
	return err;
}

/* Bytes that the caller frees; *out stays when there are none. */
static int get_bytes(const struct from *f, const char *key, char **out)
{
	const char *s = NULL;
	int err = json_get_str(f->d, f->at, f->o, key, false, &s, f->e);

	if (err == 0 && s)
		*out = json_bytes(xstrdup(s));
	return err;
}

static int wrong(const struct from *f, const char *key, const char *expected)
{
	return json_err(f->d, &(struct json_path){ f->at, key, 0 }, f->e, EINVAL, "expected %s",
			expected);
}

static int get_strings(const struct from *f, const char *key, char **out, size_t *len)
{
	cleanup_buf struct buf b = { 0 };
	struct json_object *v = NULL;
	size_t n;

	if (!json_object_object_get_ex(f->o, key, &v))
		return 0;
	if (json_object_is_type(v, json_type_string)) {
		/* Longer as it is written than as the bytes that it stands for. */
		buf_append(&b, json_object_get_string(v), (size_t)json_object_get_string_len(v));
		if (b.len)
			b.len = json_bytes_n(b.p, b.len);
	} else if (!json_object_is_type(v, json_type_array)) {
		return wrong(f, key, "an array of strings");
	}
	n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(v, i);
		cleanup_free char *s = NULL;

		if (!json_object_is_type(one, json_type_string))
			return wrong(f, key, "an array of strings");
		s = json_bytes(xstrdup(json_object_get_string(one)));
		buf_append(&b, s, strlen(s) + 1);
	}
	if (b.len > WATCH_PART_MAX)
		return wrong(f, key, "4096 bytes at most");
	*len = b.len;
	*out = buf_take(&b);
	return 0;
}

static int read_program(const struct from *f, struct program *g)
{
	struct json_path at = { f->at, "proc", 0 };
	struct json_object *proc = NULL;
	int err = get_bytes(f, "exe", &g->exepath);

	if (err == 0)
		err = get_strings(f, "argv", &g->argv, &g->argv_len);
	if (err == 0)
		err = get_strings(f, "env", &g->env, &g->env_len);
	if (err == 0)
		err = get_bytes(f, "cwd", &g->cwd);
	if (err == 0)
		err = get_bytes(f, "cgroup", &g->cgroup);
	if (err == 0 && json_object_object_get_ex(f->o, "proc", &proc))
		err = watch_members_set(watch_proc_members, &g->facts, f->d, &at, proc, f->e);
	program_join(g);
	return err;
}

/* Fills in all that the object says; `at` is its place. */
static int read_process(const struct from *f, struct process *p)
{
	cleanup_free char *comm = NULL;
	int err = get_number(f, "ppid", &p->ppid);

	p->vpid = p->pid;
	if (err == 0)
		err = get_number(f, "vpid", &p->vpid);
	if (err == 0)
		err = get_number(f, "tty", &p->tty);
	if (err == 0)
		err = get_number(f, "loginuid", &p->loginuid);
	if (err == 0)
		err = get_bytes(f, "comm", &comm);
	if (err == 0 && comm)
		memcpy(p->comm, comm, strnlen(comm, sizeof(p->comm) - 1));
	return err;
}

static const char *const process_keys[] = { "pid",	"ppid",	  "vpid", "start", "tty",
					    "loginuid", "comm",	  "exe",  "argv",  "env",
					    "cwd",	"cgroup", "proc", NULL };

static int check_keys(const struct from *f, const char *const *known)
{
	json_object_object_foreach (f->o, key, v) {
		size_t i = 0;

		(void)v;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return json_err(f->d, &(struct json_path){ f->at, key, 0 }, f->e, EINVAL,
					"there is no such member");
	}
	return 0;
}

/* Fills in all that the object says; `at` is its place. */
static int read_subject(struct processes *ps, const struct json_doc *d, const struct json_path *at,
			struct json_object *o, struct err *e)
{
	struct from f = { d, at, o, e };
	uint64_t pid = 0, start = 0;
	struct program *g;
	struct process *p;
	int err = check_keys(&f, process_keys);

	if (err == 0)
		err = json_get_u64(d, at, o, "pid", true, WATCH_PID_MAX, &pid, e);
	if (err == 0)
		err = json_get_u64(d, at, o, "start", false, INT64_MAX, &start, e);
	if (err < 0)
		return err;
	p = processes_add(ps, (uint32_t)pid, start);
	if (!p)
		return json_err(d, at, e, E2BIG, "there are too many processes");
	g = program_new();
	err = read_process(&f, p);
	if (err == 0)
		err = read_program(&f, g);
	g->time = start;
	process_run(ps, p, g);
	process_adopt(ps, p, p->ppid);
	return err;
}

/* ---- containers */

static const char *kept(struct container *c, const char *s)
{
	char *copy = arena_strdup(&c->arena, s);

	return json_bytes(copy);
}

static int read_labels(struct container *c, const struct from *f)
{
	struct json_object *o = NULL;
	int err = json_get_object(f->d, f->at, f->o, "labels", false, &o, f->e);

	if (err < 0 || !o)
		return err;
	c->labels = arena_alloc(&c->arena,
				((size_t)json_object_object_length(o) + 1) * sizeof(*c->labels));
	json_object_object_foreach (o, key, v) {
		if (!json_object_is_type(v, json_type_string))
			return wrong(f, "labels", "strings only");
		c->labels[c->labels_n].key = kept(c, key);
		c->labels[c->labels_n++].value = kept(c, json_object_get_string(v));
	}
	return 0;
}

static int read_mount(struct container *c, const struct from *f, struct container_mount *m)
{
	const struct {
		const char *key, **out;
	} texts[] = { { "source", &m->source },
		      { "dest", &m->dest },
		      { "mode", &m->mode },
		      { "propagation", &m->propagation } };
	static const char *const known[] = { "source", "dest", "mode", "propagation", "rw", NULL };
	int err = 0;

	if (!json_object_is_type(f->o, json_type_object))
		return json_err(f->d, f->at, f->e, EINVAL, "expected an object");
	err = check_keys(f, known);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && err == 0; i++) {
		const char *s = NULL;

		err = json_get_str(f->d, f->at, f->o, texts[i].key, i == 1, &s, f->e);
		if (err == 0 && s)
			*texts[i].out = kept(c, s);
	}
	return err < 0 ? err : json_get_bool(f->d, f->at, f->o, "rw", false, &m->rw, f->e);
}

static int read_mounts(struct container *c, const struct from *f)
{
	struct json_path here = { f->at, "mounts", 0 };
	struct json_object *list = NULL;
	int err = json_get_array(f->d, f->at, f->o, "mounts", false, &list, f->e);
	size_t n = list ? json_object_array_length(list) : 0;

	if (!n)
		return err;
	c->mounts = arena_alloc(&c->arena, n * sizeof(*c->mounts));
	for (size_t i = 0; i < n && err == 0; i++) {
		struct json_path at = { &here, NULL, i };
		struct from one = { f->d, &at, json_object_array_get_idx(list, i), f->e };

		err = read_mount(c, &one, &c->mounts[i]);
		c->mounts_n = err == 0 ? i + 1 : i;
	}
	return err;
}

static int read_flag(const struct from *f, const char *key, int *out)
{
	bool v = false;
	int err;

	*out = -1;
	if (!json_object_object_get_ex(f->o, key, NULL))
		return 0;
	err = json_get_bool(f->d, f->at, f->o, key, false, &v, f->e);
	*out = v;
	return err;
}

static bool is_container_key(const char *key)
{
	static const char *const others[] = { "id", "engine", "started", "labels", "mounts" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(others[i], key))
			return true;
	for (const struct container_text *t = container_texts; t->name; t++)
		if (!strcmp(t->name, key))
			return true;
	for (const struct container_text *t = container_flags; t->name; t++)
		if (!strcmp(t->name, key))
			return true;
	return false;
}

static int read_engine(struct container *c, const struct from *f)
{
	const char *name = NULL;
	int err = json_get_str(f->d, f->at, f->o, "engine", false, &name, f->e);

	if (err < 0 || !name)
		return err;
	for (c->engine = 0; c->engine < CONTAINER_ENGINES; c->engine++)
		if (!strcmp(name, container_engine_name(c->engine)))
			return 0;
	c->engine = CONTAINER_UNKNOWN;
	return wrong(f, "engine", "docker, podman, cri-o, containerd or unknown");
}

static int read_container(struct container *c, const struct json_doc *d, const struct json_path *at,
			  struct json_object *o, struct err *e)
{
	struct from f = { d, at, o, e };
	int err;

	json_object_object_foreach (o, key, v) {
		(void)v;
		if (!is_container_key(key))
			return json_err(d, &(struct json_path){ at, key, 0 }, e, EINVAL,
					"there is no such member");
	}
	err = read_engine(c, &f);
	for (const struct container_text *t = container_texts; t->name && err == 0; t++) {
		const char *s = NULL;

		err = json_get_str(d, at, o, t->name, false, &s, e);
		*container_text_of(c, t) = s ? kept(c, s) : NULL;
	}
	for (const struct container_text *t = container_flags; t->name && err == 0; t++)
		err = read_flag(&f, t->name, container_flag_of(c, t));
	if (err == 0)
		err = json_get_u64(d, at, o, "started", false, INT64_MAX, &c->started, e);
	if (err == 0)
		err = read_labels(c, &f);
	return err < 0 ? err : read_mounts(c, &f);
}

static int take_container(struct enrich *en, const struct from *f)
{
	const char *id = NULL;
	int err = json_get_str(f->d, f->at, f->o, "id", true, &id, f->e);
	struct container *c;

	if (err < 0)
		return err;
	c = containers_know(en->containers, id);
	if (!c)
		return wrong(f, "id", "64 hexadecimal digits");
	return read_container(c, f->d, f->at, f->o, f->e);
}

/* ---- users and groups */

static int take_user(struct enrich *en, const struct from *f, bool group)
{
	static const char *const user_keys[] = { "uid", "mnt_ns", "name", "home", "shell", NULL };
	static const char *const group_keys[] = { "gid", "mnt_ns", "name", NULL };
	uint64_t id = 0, mnt_ns = 0;
	struct user u = { 0 };
	int err = check_keys(f, group ? group_keys : user_keys);

	if (err == 0)
		err = json_get_u64(f->d, f->at, f->o, group ? "gid" : "uid", true, UINT32_MAX, &id,
				   f->e);
	if (err == 0)
		err = json_get_u64(f->d, f->at, f->o, "mnt_ns", false, UINT32_MAX, &mnt_ns, f->e);
	if (err == 0)
		err = json_get_str(f->d, f->at, f->o, "name", false, &u.name, f->e);
	if (err == 0)
		err = json_get_str(f->d, f->at, f->o, "home", false, &u.home, f->e);
	if (err == 0)
		err = json_get_str(f->d, f->at, f->o, "shell", false, &u.shell, f->e);
	if (err == 0)
		users_know(en->users, mnt_ns, (uint32_t)id, group, &u);
	return err;
}

/* ---- names of addresses */

static int take_name(struct enrich *en, const struct from *f)
{
	static const char *const keys[] = { "address", "name", "gone", NULL };
	const char *address = NULL, *name = NULL;
	struct ev_addr a = { 0 };
	bool gone = false;
	int err = check_keys(f, keys);

	if (err == 0)
		err = json_get_str(f->d, f->at, f->o, "address", true, &address, f->e);
	if (err == 0)
		err = json_get_str(f->d, f->at, f->o, "name", true, &name, f->e);
	if (err == 0)
		err = json_get_bool(f->d, f->at, f->o, "gone", false, &gone, f->e);
	if (err < 0)
		return err;
	a.len = strchr(address, ':') ? 16 : 4;
	if (inet_pton(a.len == 4 ? AF_INET : AF_INET6, address, a.b) != 1)
		return wrong(f, "address", "an IPv4 or IPv6 address");
	if (gone) {
		names_gone(en->names_of, &a, name);
		return 0;
	}
	return names_know(en->names_of, &a, name)
		       ? 0
		       : json_err(f->d, f->at, f->e, E2BIG, "there are too many names");
}

static int take_gone(struct enrich *en, const struct from *f)
{
	static const char *const keys[] = { "pid", NULL };
	uint32_t pid = 0;
	int err = check_keys(f, keys);

	if (err == 0)
		err = get_number(f, "pid", &pid);
	if (err == 0)
		processes_ended(en->processes, processes_find(en->processes, pid));
	return err;
}

int enrich_fact(struct enrich *en, const char *name, const struct json_doc *d, struct err *e)
{
	struct json_path at = { NULL, name, 0 };
	struct from f = { d, &at, NULL, e };
	int err = json_get_object(d, NULL, d->root, name, true, &f.o, e);

	if (err < 0)
		return err;
	enrich_settle(en);
	en->p = NULL;
	if (!strcmp(name, "process"))
		return read_subject(en->processes, d, &at, f.o, e);
	if (!strcmp(name, "gone"))
		return take_gone(en, &f);
	if (!strcmp(name, "container"))
		return take_container(en, &f);
	if (!strcmp(name, "user") || !strcmp(name, "group"))
		return take_user(en, &f, *name == 'g');
	if (!strcmp(name, "name"))
		return take_name(en, &f);
	return json_err(d, &at, e, EINVAL,
			"expected process, gone, container, user, group, name, clock, note or "
			"end");
}
