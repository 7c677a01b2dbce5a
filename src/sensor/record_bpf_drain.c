/* From the kernel's maps to the models. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "sensor/exe.h"
#include "sensor/ksyms.h"
#include "sensor/record_bpf_impl.h"
#include "sensor/root_path.h"

/*
 * Models grow no further than this before names that come and go become patterns; one that has more
 * files than that after it, until it has doubled.
 */
enum { GENERALISE_AT = 5000 };

static const char *const lost_words[REC_LOST_COUNT] = {
	[REC_LOST_FILES] = "files",	  [REC_LOST_ARGS] = "arguments",
	[REC_LOST_NET] = "network",	  [REC_LOST_CAPS] = "capabilities",
	[REC_LOST_PROGRAMS] = "programs", [REC_LOST_TASKS] = "tasks",
	[REC_LOST_EVENTS] = "events",	  [REC_LOST_CALLS] = "unknown system call numbers",
};

/* Calls visit(r, key, value, arg) for every entry; it says whether the entry is to be deleted. */
typedef bool visit_fn(struct record_bpf *r, const void *key, const void *value, void *arg);

static void each_entry(struct record_bpf *r, struct bpf_map *map, visit_fn *visit, void *arg)
{
	int fd = bpf_map__fd(map);
	size_t ks = bpf_map__key_size(map), vs = bpf_map__value_size(map);
	cleanup_free char *key = xcalloc(1, ks), *next = xcalloc(1, ks), *value = xcalloc(1, vs);
	size_t left = 4 * (size_t)bpf_map__max_entries(map);
	bool more = bpf_map_get_next_key(fd, NULL, next) == 0;

	while (more && left--) {
		memcpy(key, next, ks);
		more = bpf_map_get_next_key(fd, key, next) == 0;
		if (bpf_map_lookup_elem(fd, key, value) == 0 && visit(r, key, value, arg))
			bpf_map_delete_elem(fd, key);
	}
}

static struct rec_slot *slot_of_program(struct record_bpf *r, unsigned prog)
{
	return &r->slots[r->skel->bss->prog_slot[prog] % REC_SLOTS];
}

static bool is_dropped(struct record_bpf *r, unsigned prog)
{
	return r->skel->bss->slot_state[r->skel->bss->prog_slot[prog] % REC_SLOTS] == REC_DROPPED;
}

/* Index of the program in its slot's model, -1 when it is not known by a path. */
static int model_program(struct record_bpf *r, struct workload *w, unsigned prog)
{
	int i = r->prog_path[prog] ? wl_program_add(w, r->prog_path[prog]) : -1;

	return i < 0 ? -1 : i;
}

static void prov_add(struct record_bpf *r, struct rec_slot *s, struct wl_prov *p, unsigned phase,
		     unsigned prog)
{
	wl_prov_add(p, WL_PHASE_BIT(phase), model_program(r, s->w, prog), s->source);
}

/* ---- files */

static void add_file(struct record_bpf *r, struct rec_slot *s, const char *path, uint32_t access,
		     unsigned phase, unsigned prog)
{
	struct wl_file *f = wl_file_add(s->w, path, false, access);

	if (!f) {
		wl_loss_add(s->w, s->source, "files", 1);
		return;
	}
	prov_add(r, s, &f->prov, phase, prog);
	if (s->w->files_n > GENERALISE_AT && s->w->files_n / 2 > s->files_left) {
		wl_generalise(s->w);
		s->files_left = s->w->files_n;
	}
}

static void with_slash(char path[PATH_MAX])
{
	size_t n = strlen(path);

	if (n && path[n - 1] != '/' && n + 1 < PATH_MAX)
		strcpy(path + n, "/");
}

/*
 * What an attempt to execute a name comes to. The name of a program that ran is known otherwise. A
 * script's interpreter may be a script again; the kernel follows five of them (exec_binprm).
 */
static void add_exec_attempt(struct record_bpf *r, struct rec_slot *s, const char *path,
			     bool exists, unsigned flags, const struct rec_file_key *k)
{
	enum { MAX_SCRIPTS = 5 };
	char at[PATH_MAX];
	struct exe_info info;

	/* busybox executes /proc/self/exe; such names mean something to the caller alone. */
	if (!exists && !strncmp(path, "/proc/", 6))
		return;
	if (!exists && !(flags & REC_P_RAN)) {
		add_file(r, s, path, WL_F_MISSING, k->phase, k->prog);
		return;
	}
	add_file(r, s, path, WL_F_EXEC | WL_F_READ, k->phase, k->prog);
	snprintf(at, sizeof(at), "%s", path);
	for (unsigned i = 0; i < MAX_SCRIPTS && exists; i++) {
		/* A relative one begins in a folder that is not known any more. */
		if (exe_describe(s->root_fd, at, &info) || info.kind != EXE_SCRIPT ||
		    info.interpreter[0] != '/')
			return;
		exists = root_path_resolve(s->root_fd, info.interpreter, true, at, NULL);
		add_file(r, s, at, exists ? WL_F_EXEC | WL_F_READ | WL_F_MAP : WL_F_MISSING,
			 k->phase, k->prog);
	}
}

/*
 * Whether a directory is older than the recording: then a mkdir(2) of it, which is seen when it
 * begins, failed since it was there ("mkdir -p").
 */
static bool is_older(const struct record_bpf *r, int rootfd, const char *path)
{
	struct statx sx;

	return statx(rootfd, path + 1, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &sx) == 0 &&
	       sx.stx_mask & STATX_BTIME && sx.stx_btime.tv_sec < r->started.tv_sec;
}

static void add_name(struct record_bpf *r, struct rec_slot *s, const struct rec_file_key *k,
		     const char *text, size_t len, size_t base, unsigned flags)
{
	bool follow = !(k->access & (WL_F_CREATE | WL_F_DELETE | WL_F_LINK)), exists = false;
	char path[PATH_MAX], real[PATH_MAX];
	struct stat st = { 0 };

	if (len + 2 > sizeof(path) || base > len) {
		wl_loss_add(s->w, s->source, "files", 1);
		return;
	}
	memcpy(path, text, base);
	path[base] = '/';
	memcpy(path + base + 1, text + base, len - base);
	path[len + 1] = '\0';
	root_path_normalise(path);
	if (s->root_open)
		exists = root_path_resolve(s->root_fd, path, follow, real, &st);
	else
		strcpy(real, path);
	if (exists && flags & REC_P_DIR && k->access == WL_F_CREATE &&
	    (!real[1] || is_older(r, s->root_fd, real)))
		return;
	if (flags & REC_P_DIR || (exists && S_ISDIR(st.st_mode)))
		with_slash(real);
	if (k->access == WL_F_EXEC)
		add_exec_attempt(r, s, real, exists, flags, k);
	else
		add_file(r, s, real, k->access, k->phase, k->prog);
}

static void add_path(struct record_bpf *r, struct rec_slot *s, const struct rec_file_key *k,
		     const char *text, size_t len, size_t base, unsigned flags)
{
	char path[PATH_MAX];

	if (flags & REC_P_TRUNCATED) {
		wl_loss_add(s->w, s->source, "files", 1);
		return;
	}
	if (flags & REC_P_DETACHED)
		return; /* has no path that a rule could name */
	if (flags & REC_P_NAME) {
		add_name(r, s, k, text, len, base, flags);
		return;
	}
	if (len + 2 > sizeof(path))
		return;
	memcpy(path, text, len);
	path[len] = '\0';
	if (!len || flags & REC_P_DIR)
		with_slash(len ? path : strcpy(path, "/"));
	add_file(r, s, path, k->access, k->phase, k->prog);
}

struct path_view {
	const struct rec_file_key *key;
	const char *text;
	unsigned len, base, flags;
};

static void learn_program(struct record_bpf *r, const struct path_view *v)
{
	char **path = &r->prog_path[v->key->prog];

	if (!(v->flags & REC_P_PROGRAM) || *path)
		return;
	*path = xcalloc(1, v->len + 1);
	memcpy(*path, v->text, v->len);
}

/* An entry whose slot nobody has decided on yet waits in the slot. */
static void postpone(struct rec_slot *s, const struct path_view *v)
{
	struct rec_pending *p;

	if (s->pending_n >= REC_PENDING_MAX) {
		s->pending_lost++;
		return;
	}
	p = vec_push(s->pending, s->pending_n, s->pending_cap);
	p->key = *v->key;
	p->len = v->len;
	p->base = v->base;
	p->flags = v->flags;
	p->text = xcalloc(1, v->len + 1);
	memcpy(p->text, v->text, v->len);
}

static void take_path(struct record_bpf *r, const struct path_view *v)
{
	struct rec_slot *s = slot_of_program(r, v->key->prog);

	if (is_dropped(r, v->key->prog))
		return;
	learn_program(r, v);
	if (s->w)
		add_path(r, s, v->key, v->text, v->len, v->base, v->flags);
	else
		postpone(s, v);
}

static bool valid_text(unsigned len, unsigned base, size_t max)
{
	return len <= max && base <= len;
}

int record_bpf_on_path(void *ctx, void *data, size_t size)
{
	const size_t head = offsetof(struct rec_path_entry, text);
	struct rec_path_entry e;

	if (size < head)
		return 0;
	memcpy(&e, data, head);
	if (!valid_text(e.len, e.base, size - head))
		return 0;
	take_path(ctx,
		  &(struct path_view){ &e.key, (const char *)data + head, e.len, e.base, e.flags });
	return 0;
}

void record_bpf_replay(struct record_bpf *r, unsigned slot)
{
	struct rec_slot *s = &r->slots[slot];

	for (size_t i = 0; s->w && i < s->pending_n; i++) {
		const struct rec_pending *p = &s->pending[i];

		add_path(r, s, &p->key, p->text, p->len, p->base, p->flags);
	}
	if (s->w && s->pending_lost)
		wl_loss_add(s->w, s->source, "files", s->pending_lost);
	record_bpf_forget_pending(s);
}

void record_bpf_forget_pending(struct rec_slot *s)
{
	for (size_t i = 0; i < s->pending_n; i++)
		free(s->pending[i].text);
	free(s->pending);
	s->pending = NULL;
	s->pending_n = s->pending_cap = 0;
	s->pending_lost = 0;
}

static bool visit_short(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_path *p = value;

	(void)arg;
	if (valid_text(p->len, p->base, sizeof(p->text)))
		take_path(r, &(struct path_view){ key, p->text, p->len, p->base, p->flags });
	__atomic_fetch_sub(&r->skel->bss->files_n, 1, __ATOMIC_SEQ_CST);
	return true;
}

static bool visit_long(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_path_entry *p = value;

	(void)arg;
	if (valid_text(p->len, p->base, sizeof(p->text)))
		take_path(r, &(struct path_view){ key, p->text, p->len, p->base, p->flags });
	__atomic_fetch_sub(&r->skel->bss->files_n, 1, __ATOMIC_SEQ_CST);
	return true;
}

void record_bpf_drain(struct record_bpf *r)
{
	ring_buffer__consume(r->ring);
	if (r->skel->bss->files_n) {
		each_entry(r, r->skel->maps.files, visit_short, NULL);
		each_entry(r, r->skel->maps.files_long, visit_long, NULL);
	}
}

/* ---- programs */

static void add_interpreter(struct record_bpf *r, struct rec_slot *s, unsigned prog)
{
	struct exe_info info;
	char real[PATH_MAX];
	int i = model_program(r, s->w, prog);

	if (i < 0 || !s->root_open || exe_describe(s->root_fd, r->prog_path[prog], &info) < 0 ||
	    !info.interpreter[0])
		return;
	root_path_resolve(s->root_fd, info.interpreter, true, real, NULL);
	s->w->programs[i].interpreter = wl_string(s->w, real);
	add_file(r, s, real, WL_F_READ | WL_F_MAP, WL_START, prog);
}

static void add_programs(struct record_bpf *r)
{
	for (unsigned p = 1; p < REC_PROGRAMS; p++) {
		struct rec_slot *s = slot_of_program(r, p);
		int i;

		if (!s->w || !r->prog_path[p])
			continue;
		i = model_program(r, s->w, p);
		if (i < 0) {
			wl_loss_add(s->w, s->source, "programs", 1);
			continue;
		}
		wl_set_add(&s->w->programs[i].sources, (uint32_t)s->source);
		add_interpreter(r, s, p);
	}
}

static bool visit_edge(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_edge *k = key;
	struct rec_slot *s = slot_of_program(r, k->child);
	int parent, child;

	(void)value;
	(void)arg;
	if (!s->w || !k->parent)
		return false;
	parent = model_program(r, s->w, k->parent);
	child = model_program(r, s->w, k->child);
	if (parent >= 0 && child >= 0)
		wl_set_add(&s->w->programs[child].parents, (uint32_t)parent);
	return false;
}

/* ---- system calls */

static void add_seen(struct record_bpf *r, struct rec_slot *s, unsigned prog, unsigned phase)
{
	for (unsigned a = 0; a < REC_ABIS; a++) {
		int abi = record_bpf_abi(a);

		for (unsigned nr = 0; nr < REC_NRS; nr++) {
			if (!r->skel->bss->seen[prog][phase][a][nr])
				continue;
			if (abi < 0)
				wl_loss_add(s->w, s->source, "calls of an ABI without a table", 1);
			else
				prov_add(r, s, &wl_syscall_add(s->w, (enum sc_abi)abi, nr)->prov,
					 phase, prog);
		}
	}
}

/*
 * The runtime's own programs belong to no slot: what they did before the container's program goes
 * to every kept container.
 */
static void add_syscalls(struct record_bpf *r, struct rec_slot *s, unsigned slot)
{
	for (unsigned p = 0; p < REC_PROGRAMS; p++) {
		bool own = p && r->skel->bss->prog_slot[p] == slot;
		bool shared = !p || (r->skel->bss->prog_used[p] && !r->skel->bss->prog_slot[p]);

		for (unsigned phase = 0; phase < REC_PHASES; phase++) {
			bool runtime = phase == WL_RUNTIME || phase == WL_SEALED;

			if (own || (shared && (!runtime || !r->skel->bss->slot_command[slot])))
				add_seen(r, s, p, phase);
		}
	}
}

static bool visit_call(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_call *k = key;
	struct rec_slot *s = slot_of_program(r, k->prog);
	const struct rec_spec *spec = (const struct rec_spec *)&r->skel->rodata->specs[k->spec];
	int abi = record_bpf_abi(k->abi);

	(void)value;
	(void)arg;
	if (s->w && abi >= 0) {
		struct wl_syscall *sc = wl_syscall_add(s->w, (enum sc_abi)abi, k->nr);

		prov_add(r, s, &wl_call_add(sc, k->n, spec->arg, (const uint64_t *)k->value)->prov,
			 k->phase, k->prog);
	}
	return false;
}

/* ---- network */

static bool visit_net(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_net *k = key;
	struct rec_slot *s = slot_of_program(r, k->prog);
	char addr[INET6_ADDRSTRLEN] = "";

	(void)value;
	(void)arg;
	if (!s->w)
		return false;
	if (k->family == AF_INET || k->family == AF_INET6)
		inet_ntop(k->family, k->addr, addr, sizeof(addr));
	prov_add(r, s,
		 &wl_net_add(s->w, (enum wl_net_op)k->op, k->family, k->type, k->protocol, addr,
			     k->port)
			  ->prov,
		 k->phase, k->prog);
	return false;
}

static bool visit_unix(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_unix *k = key;
	struct rec_slot *s = slot_of_program(r, k->prog);
	char name[sizeof(k->name) + 2] = "";
	size_t len = k->len < sizeof(k->name) ? k->len : sizeof(k->name);

	(void)value;
	(void)arg;
	if (!s->w)
		return false;
	memcpy(name, k->name, len);
	if (!name[0])
		name[0] = '@'; /* abstract: unix(7) */
	prov_add(r, s, &wl_net_add(s->w, (enum wl_net_op)k->op, AF_UNIX, k->type, 0, name, 0)->prov,
		 k->phase, k->prog);
	return false;
}

/* ---- capabilities */

struct cap_list {
	struct rec_cap *v;
	uint64_t (*stack)[REC_STACK_DEPTH];
	size_t n, cap;
};

static bool visit_cap(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_cap *k = key;
	struct cap_list *l = arg;
	struct rec_slot *s = slot_of_program(r, k->prog);

	(void)value;
	if (s->w && (WL_PHASE_BIT(k->phase) & WL_PROGRAM_PHASES))
		*vec_push(l->v, l->n, l->cap) = *k;
	return false;
}

/* Functions that only pass a check on: the one that needed the capability is above them. */
static bool is_cap_plumbing(const char *f)
{
	static const char *const words[] = {
		"bpf_",		  "__bpf_",	    "trace_",		"__traceiter_",
		"__probestub_",	  "cap_capable",    "security_capable", "ns_capable",
		"capable",	  "has_capability", "has_ns_cap",	"file_ns_capable",
		"privileged_wrt", "capable_wrt",    "inode_owner_or_",	"ptracer_capable",
		"__cap_capable",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(f, words[i], strlen(words[i])))
			return true;
	return false;
}

/* Checks that the kernel makes without CAP_OPT_AUDIT; refusing them changes nothing (cap_capable).
 */
static bool is_speculative(const char *f)
{
	return strstr(f, "noaudit") || strstr(f, "vm_enough_memory") ||
	       !strcmp(f, "ptrace_has_cap");
}

static const char *caller_of_check(const struct ksyms *names, const uint64_t *ip, bool *speculative)
{
	const char *f = "";

	for (unsigned i = 0; i < REC_STACK_DEPTH && ip[i]; i++) {
		f = ksyms_name(names, ip[i]);
		if (is_speculative(f))
			*speculative = true;
		if (*f && !is_cap_plumbing(f) && !is_speculative(f))
			return f;
	}
	return "";
}

static void add_caps(struct record_bpf *r)
{
	struct cap_list l = { 0 };
	cleanup_free uint64_t *addrs = NULL;
	struct ksyms names = { 0 };
	int fd = bpf_map__fd(r->skel->maps.stacks);

	each_entry(r, r->skel->maps.caps, visit_cap, &l);
	l.stack = xcalloc(l.n + 1, sizeof(*l.stack));
	addrs = xcalloc(l.n + 1, sizeof(*l.stack));
	for (size_t i = 0; i < l.n; i++) {
		__u32 id = (__u32)l.v[i].stack;

		if (l.v[i].stack >= 0)
			bpf_map_lookup_elem(fd, &id, l.stack[i]);
		memcpy(addrs + i * REC_STACK_DEPTH, l.stack[i], sizeof(*l.stack));
	}
	ksyms_resolve(&names, addrs, l.n * REC_STACK_DEPTH);
	for (size_t i = 0; i < l.n; i++) {
		const struct rec_cap *k = &l.v[i];
		struct rec_slot *s = slot_of_program(r, k->prog);
		bool speculative = k->known && k->speculative;
		const char *f = caller_of_check(&names, l.stack[i], &speculative);
		int abi = record_bpf_abi(k->abi);
		const struct sc_desc *d = abi >= 0 && k->nr < REC_NRS
						  ? sc_by_nr((enum sc_abi)abi, k->nr)
						  : NULL;
		struct wl_cap_use *u = wl_cap_add(s->w, k->cap,
						  k->granted ? WL_CAP_GRANTED : WL_CAP_REFUSED,
						  d ? d->name : "", f, speculative, false);

		prov_add(r, s, &u->prov, k->phase, k->prog);
	}
	ksyms_free(&names);
	free(l.v);
	free(l.stack);
}

/* ---- all together */

static void add_losses(struct record_bpf *r, struct rec_slot *s)
{
	for (unsigned i = 0; i < REC_LOST_COUNT; i++)
		if (r->skel->bss->lost[i])
			wl_loss_add(s->w, s->source, lost_words[i], r->skel->bss->lost[i]);
}

int record_bpf_collect(struct record_bpf *r, struct err *e)
{
	(void)e;
	record_bpf_drain(r);
	add_programs(r);
	each_entry(r, r->skel->maps.edges, visit_edge, NULL);
	each_entry(r, r->skel->maps.calls, visit_call, NULL);
	each_entry(r, r->skel->maps.nets, visit_net, NULL);
	each_entry(r, r->skel->maps.unixes, visit_unix, NULL);
	add_caps(r);
	for (unsigned i = 1; i < REC_SLOTS; i++)
		if (r->slots[i].w)
			add_syscalls(r, &r->slots[i], i);
	for (unsigned i = 1; i < REC_SLOTS; i++)
		if (r->slots[i].w)
			add_losses(r, &r->slots[i]);
	return 0;
}

/* ---- forgetting */

struct purge {
	unsigned slot;
	size_t prog_at; /* where the program id stands in the key */
};

static bool visit_purge(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct purge *p = arg;

	(void)value;
	return r->skel->bss->prog_slot[((const __u8 *)key)[p->prog_at]] == p->slot;
}

static bool visit_purge_program(struct record_bpf *r, const void *key, const void *value, void *arg)
{
	const struct rec_program *k = key;

	(void)r;
	(void)value;
	return k->slot == ((const struct purge *)arg)->slot;
}

void record_bpf_purge(struct record_bpf *r, unsigned slot)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	struct purge p = { .slot = slot };

	record_bpf_drain(r);
	record_bpf_forget_pending(&r->slots[slot]);
	each_entry(r, r->skel->maps.calls, visit_purge, &p);
	each_entry(r, r->skel->maps.nets, visit_purge, &p);
	each_entry(r, r->skel->maps.unixes, visit_purge, &p);
	each_entry(r, r->skel->maps.caps, visit_purge, &p);
	each_entry(r, r->skel->maps.cap_counts, visit_purge, &p);
	p.prog_at = offsetof(struct rec_edge, child);
	each_entry(r, r->skel->maps.edges, visit_purge, &p);
	each_entry(r, r->skel->maps.programs, visit_purge_program, &p);
	for (unsigned i = 1; i < REC_PROGRAMS; i++) {
		if (b->prog_slot[i] != slot || !b->prog_used[i])
			continue;
		memset(b->seen[i], 0, sizeof(b->seen[i]));
		free(r->prog_path[i]);
		r->prog_path[i] = NULL;
		b->prog_live[i] = 0;
		b->prog_slot[i] = 0;
		b->prog_generation[i]++;
		__atomic_store_n(&b->prog_used[i], 0, __ATOMIC_SEQ_CST);
		bpf_map_update_elem(bpf_map__fd(r->skel->maps.free_programs), NULL, &i, BPF_ANY);
	}
}
