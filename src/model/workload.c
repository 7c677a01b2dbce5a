#include "model/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

static const char *const phase_names[WL_PHASE_COUNT] = {
	[WL_RUNTIME] = "runtime",
	[WL_SEALED] = "runtime_sealed",
	[WL_START] = "start",
	[WL_SERVING] = "serving",
};

static const char *const source_kind_names[WL_SOURCE_KIND_COUNT] = {
	[WL_EBPF] = "ebpf",	[WL_PTRACE] = "ptrace", [WL_STATIC] = "static",
	[WL_IMPORT] = "import", [WL_POLICY] = "policy",
};

static const char *const net_op_names[WL_NET_OP_COUNT] = {
	[WL_NET_LISTEN] = "listen",
	[WL_NET_BIND] = "bind",
	[WL_NET_CONNECT] = "connect",
	[WL_NET_SEND] = "send",
};

static const char *const cap_result_names[WL_CAP_RESULT_COUNT] = {
	[WL_CAP_GRANTED] = "granted",
	[WL_CAP_REFUSED] = "refused",
};

static const char *const access_names[WL_F_BITS] = {
	"read", "write", "append", "create",  "delete",	 "exec",  "map",
	"lock", "link",	 "meta",   "missing", "refused", "chdir", "mount",
};

const char *wl_phase_name(enum wl_phase p)
{
	return phase_names[p];
}

int wl_phase_parse(const char *name)
{
	for (int i = 0; i < WL_PHASE_COUNT; i++)
		if (!strcmp(name, phase_names[i]))
			return i;
	return -1;
}

const char *wl_source_kind_name(enum wl_source_kind k)
{
	return source_kind_names[k];
}

const char *wl_net_op_name(enum wl_net_op op)
{
	return net_op_names[op];
}

const char *wl_cap_result_name(enum wl_cap_result r)
{
	return cap_result_names[r];
}

const char *wl_access_name(unsigned bit)
{
	return access_names[bit];
}

void wl_init(struct workload *w)
{
	*w = (struct workload){ 0 };
}

static void syscall_free(struct wl_syscall *s)
{
	for (size_t i = 0; i < s->calls_n; i++)
		wl_prov_free(&s->calls[i].prov);
	free(s->calls);
	map_free(&s->calls_index);
	wl_prov_free(&s->any);
	wl_prov_free(&s->prov);
}

static void cap_free(struct wl_cap *c)
{
	for (size_t i = 0; i < c->uses_n; i++)
		wl_prov_free(&c->uses[i].prov);
	free(c->uses);
}

void wl_free(struct workload *w)
{
	for (size_t i = 0; i < w->sources_n; i++)
		free(w->sources[i].loss);
	for (size_t i = 0; i < w->programs_n; i++) {
		free(w->programs[i].parents.v);
		free(w->programs[i].sources.v);
	}
	for (size_t i = 0; i < w->syscalls_n; i++)
		syscall_free(&w->syscalls[i]);
	for (size_t i = 0; i < w->caps_n; i++)
		cap_free(&w->caps[i]);
	for (size_t i = 0; i < w->files_n; i++)
		wl_prov_free(&w->files[i].prov);
	for (size_t i = 0; i < w->nets_n; i++)
		wl_prov_free(&w->nets[i].prov);
	free(w->sources);
	free(w->programs);
	free(w->syscalls);
	free(w->caps);
	free(w->files);
	free(w->nets);
	map_free(&w->strings);
	map_free(&w->program_index);
	map_free(&w->syscall_index);
	map_free(&w->cap_index);
	map_free(&w->file_index);
	map_free(&w->net_index);
	arena_free(&w->arena);
	arena_free(&w->paths);
	wl_init(w);
}

const char *wl_string(struct workload *w, const char *s)
{
	void **slot;

	if (!s)
		return NULL;
	slot = map_at(&w->strings, s, strlen(s));
	if (!*slot)
		*slot = arena_strdup(&w->arena, s);
	return *slot;
}

/* The place of `v`, or where it would stand. */
static size_t set_place(const struct wl_set *s, uint32_t v)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->v[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool wl_set_has(const struct wl_set *s, uint32_t v)
{
	size_t i = set_place(s, v);

	return i < s->n && s->v[i] == v;
}

void wl_set_add(struct wl_set *s, uint32_t v)
{
	size_t i = set_place(s, v);

	if (i < s->n && s->v[i] == v)
		return;
	(void)vec_push(s->v, s->n, s->cap);
	memmove(&s->v[i + 1], &s->v[i], (s->n - 1 - i) * sizeof(*s->v));
	s->v[i] = v;
}

void wl_set_push(struct wl_set *s, uint32_t v)
{
	*vec_push(s->v, s->n, s->cap) = v;
}

static int number_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void wl_set_normalise(struct wl_set *s)
{
	size_t n = 0;

	if (s->n < 2)
		return;
	qsort(s->v, s->n, sizeof(*s->v), number_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (!n || s->v[n - 1] != s->v[i])
			s->v[n++] = s->v[i];
	s->n = n;
}

void wl_prov_add(struct wl_prov *p, uint32_t phases, int program, int source)
{
	p->phases |= phases;
	if (program >= 0)
		wl_set_add(&p->programs, (uint32_t)program);
	if (source >= 0)
		wl_set_add(&p->sources, (uint32_t)source);
}

static void set_join(struct wl_set *into, const struct wl_set *from)
{
	for (size_t i = 0; i < from->n; i++)
		wl_set_add(into, from->v[i]);
}

void wl_prov_join(struct wl_prov *into, const struct wl_prov *from)
{
	into->phases |= from->phases;
	set_join(&into->programs, &from->programs);
	set_join(&into->sources, &from->sources);
}

void wl_prov_free(struct wl_prov *p)
{
	free(p->programs.v);
	free(p->sources.v);
	*p = (struct wl_prov){ 0 };
}

int wl_source_add(struct workload *w, enum wl_source_kind kind)
{
	struct wl_source *s = vec_push(w->sources, w->sources_n, w->sources_cap);

	s->kind = kind;
	s->runs = 1;
	s->complete = true;
	s->target = s->started = s->ended = s->kernel = s->version = "";
	return (int)w->sources_n - 1;
}

void wl_loss_add(struct workload *w, int source, const char *what, uint64_t count)
{
	struct wl_source *s = &w->sources[source];
	size_t i = 0;

	while (i < s->loss_n && strcmp(s->loss[i].what, what) < 0)
		i++;
	if (i < s->loss_n && !strcmp(s->loss[i].what, what)) {
		s->loss[i].count += count;
		return;
	}
	(void)vec_push(s->loss, s->loss_n, s->loss_cap);
	memmove(&s->loss[i + 1], &s->loss[i], (s->loss_n - 1 - i) * sizeof(*s->loss));
	s->loss[i] = (struct wl_loss){ wl_string(w, what), count };
}

/* Index values are stored as index + 1, since NULL means a new key. */
static size_t index_get(void **slot)
{
	return (size_t)(uintptr_t)*slot - 1;
}

static void index_set(void **slot, size_t i)
{
	*slot = (void *)(uintptr_t)(i + 1);
}

int wl_program_find(const struct workload *w, const char *path)
{
	void **slot = map_find(&w->program_index, path, strlen(path));

	return slot ? (int)index_get(slot) : -1;
}

bool wl_program_only_named(const struct workload *w, uint32_t program)
{
	const struct wl_program *p = &w->programs[program];

	for (size_t i = 0; i < p->sources.n; i++)
		if (w->sources[p->sources.v[i]].kind != WL_STATIC)
			return false;
	for (size_t i = 0; i < w->syscalls_n; i++)
		if (wl_set_has(&w->syscalls[i].prov.programs, program))
			return false;
	return p->parents.n && p->sources.n;
}

int wl_program_add(struct workload *w, const char *path)
{
	int known = wl_program_find(w, path);
	struct wl_program *p;

	if (known >= 0)
		return known;
	if (w->programs_n >= WL_MAX_PROGRAMS)
		return -E2BIG;
	index_set(map_at(&w->program_index, path, strlen(path)), w->programs_n);
	p = vec_push(w->programs, w->programs_n, w->programs_cap);
	p->path = wl_string(w, path);
	return (int)w->programs_n - 1;
}

static void **syscall_slot(struct workload *w, enum sc_abi abi, uint32_t nr)
{
	uint32_t key[2] = { (uint32_t)abi, nr };

	return map_at(&w->syscall_index, key, sizeof(key));
}

struct wl_syscall *wl_syscall_add(struct workload *w, enum sc_abi abi, uint32_t nr)
{
	void **slot = syscall_slot(w, abi, nr);
	struct wl_syscall *s;

	if (*slot)
		return &w->syscalls[index_get(slot)];
	index_set(slot, w->syscalls_n);
	s = vec_push(w->syscalls, w->syscalls_n, w->syscalls_cap);
	s->abi = abi;
	s->nr = nr;
	s->desc = sc_by_nr(abi, nr);
	return s;
}

struct wl_syscall *wl_syscall_add_name(struct workload *w, enum sc_abi abi,
				       const struct sc_desc *desc)
{
	return wl_syscall_add(w, abi, (uint32_t)desc->nr[abi]);
}

const struct wl_syscall *wl_syscall_find(const struct workload *w, enum sc_abi abi,
					 const char *name)
{
	int nr = sc_nr(abi, name);
	uint32_t key[2] = { (uint32_t)abi, (uint32_t)nr };
	void **slot = nr < 0 ? NULL : map_find(&w->syscall_index, key, sizeof(key));

	return slot ? &w->syscalls[index_get(slot)] : NULL;
}

static struct wl_cap *cap_at(struct workload *w, unsigned nr, enum wl_cap_result result)
{
	struct wl_cap *c;

	for (size_t i = 0; i < w->caps_n; i++)
		if (w->caps[i].nr == nr && w->caps[i].result == result)
			return &w->caps[i];
	c = vec_push(w->caps, w->caps_n, w->caps_cap);
	c->nr = nr;
	c->result = result;
	return c;
}

static void **use_slot(struct workload *w, const struct wl_cap *c, const char *syscall,
		       const char *function, bool speculative, bool inferred)
{
	cleanup_free char *key = xasprintf("%u %d %d%d %zu %s %s", c->nr, c->result, speculative,
					   inferred, strlen(syscall), syscall, function);

	return map_at(&w->cap_index, key, strlen(key));
}

struct wl_cap_use *wl_cap_add(struct workload *w, unsigned nr, enum wl_cap_result result,
			      const char *syscall, const char *function, bool speculative,
			      bool inferred)
{
	struct wl_cap *c = cap_at(w, nr, result);
	void **slot = use_slot(w, c, syscall, function, speculative, inferred);
	struct wl_cap_use *u;

	if (*slot)
		return &c->uses[index_get(slot)];
	index_set(slot, c->uses_n);
	u = vec_push(c->uses, c->uses_n, c->uses_cap);
	u->syscall = wl_string(w, syscall);
	u->function = wl_string(w, function);
	u->speculative = speculative;
	u->inferred = inferred;
	return u;
}

static char *file_key(const char *path, bool pattern)
{
	return xasprintf("%c%s", pattern ? 'p' : 'f', path);
}

const struct wl_file *wl_file_find(const struct workload *w, const char *path, bool pattern)
{
	cleanup_free char *key = file_key(path, pattern);
	void **slot = map_find(&w->file_index, key, strlen(key));

	return slot ? &w->files[index_get(slot)] : NULL;
}

struct wl_file *wl_file_add(struct workload *w, const char *path, bool pattern, uint32_t access)
{
	cleanup_free char *key = file_key(path, pattern);
	void **slot = map_find(&w->file_index, key, strlen(key));
	struct wl_file *f;

	if (path[0] != '/' || strlen(path) > WL_MAX_PATH || (pattern && !wl_pattern_valid(path)))
		return NULL;

	if (slot) {
		f = &w->files[index_get(slot)];
	} else {
		if (w->files_n >= WL_MAX_FILES)
			return NULL;
		index_set(map_at(&w->file_index, key, strlen(key)), w->files_n);
		f = vec_push(w->files, w->files_n, w->files_cap);
		f->path = arena_strdup(&w->paths,
				       path); /* not interned: the index finds equal ones */
		f->pattern = pattern;
	}
	f->access |= access;
	return f;
}

static void **net_slot(struct workload *w, enum wl_net_op op, uint16_t family, uint16_t type,
		       uint16_t protocol, const char *address, uint16_t port)
{
	cleanup_free char *key = xasprintf("%d %u %u %u %u %s", op, family, type, protocol, port,
					   address);

	return map_at(&w->net_index, key, strlen(key));
}

struct wl_net *wl_net_add(struct workload *w, enum wl_net_op op, uint16_t family, uint16_t type,
			  uint16_t protocol, const char *address, uint16_t port)
{
	void **slot = net_slot(w, op, family, type, protocol, address, port);
	struct wl_net *n;

	if (*slot)
		return &w->nets[index_get(slot)];
	index_set(slot, w->nets_n);
	n = vec_push(w->nets, w->nets_n, w->nets_cap);
	n->op = op;
	n->family = family;
	n->type = type;
	n->protocol = protocol;
	n->port = port;
	n->address = wl_string(w, address);
	return n;
}

static void reindex_syscall(struct workload *w, size_t i)
{
	struct wl_syscall *s = &w->syscalls[i];

	index_set(syscall_slot(w, s->abi, s->nr), i);
	map_free(&s->calls_index);
	for (size_t j = 0; j < s->calls_n; j++)
		wl_call_index(s, j);
}

static void reindex_cap(struct workload *w, const struct wl_cap *c)
{
	for (size_t i = 0; i < c->uses_n; i++) {
		const struct wl_cap_use *u = &c->uses[i];

		index_set(use_slot(w, c, u->syscall, u->function, u->speculative, u->inferred), i);
	}
}

void wl_reindex(struct workload *w)
{
	map_free(&w->program_index);
	map_free(&w->syscall_index);
	map_free(&w->cap_index);
	map_free(&w->file_index);
	map_free(&w->net_index);
	for (size_t i = 0; i < w->programs_n; i++) {
		const char *path = w->programs[i].path;

		index_set(map_at(&w->program_index, path, strlen(path)), i);
	}
	for (size_t i = 0; i < w->syscalls_n; i++)
		reindex_syscall(w, i);
	for (size_t i = 0; i < w->caps_n; i++)
		reindex_cap(w, &w->caps[i]);
	for (size_t i = 0; i < w->files_n; i++) {
		cleanup_free char *key = file_key(w->files[i].path, w->files[i].pattern);

		index_set(map_at(&w->file_index, key, strlen(key)), i);
	}
	for (size_t i = 0; i < w->nets_n; i++) {
		const struct wl_net *n = &w->nets[i];

		index_set(net_slot(w, n->op, n->family, n->type, n->protocol, n->address, n->port),
			  i);
	}
}

bool wl_cap_needed(const struct workload *w, unsigned nr, uint32_t phases)
{
	for (size_t i = 0; i < w->caps_n; i++) {
		const struct wl_cap *c = &w->caps[i];

		if (c->nr != nr || c->result != WL_CAP_GRANTED)
			continue;
		for (size_t j = 0; j < c->uses_n; j++)
			if (!c->uses[j].speculative && (c->uses[j].prov.phases & phases))
				return true;
	}
	return false;
}
