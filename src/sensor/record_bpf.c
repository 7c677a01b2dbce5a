#include "sensor/record_bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "bpf/attach.h"
#include "model/capture.h"
#include "sensor/bpf_said.h"
#include "sensor/record_bpf_impl.h"

/* Commands that prepare and start containers by the OCI runtime interface. */
static const char *const runtime_names[REC_RUNTIMES] = { "runc", "crun", "youki", "docker-runc" };

_Static_assert((int)REC_PHASES == (int)WL_PHASE_COUNT && (int)REC_ARGS == (int)WL_MAX_ARGS &&
		       (int)REC_PATHS == (int)CAPTURE_MAX_PATHS,
	       "bpf/record.h agrees with the model");

int record_bpf_abi(unsigned rec_abi)
{
#if defined(__x86_64__)
	static const enum sc_abi abis[REC_ABIS] = { SC_X86_64, SC_I386, SC_X32 };

	return abis[rec_abi];
#else
	return rec_abi == 0 ? SC_AARCH64 : -1; /* 32-bit ARM has no table */
#endif
}

/* ---- load */

static void fill_spec(struct rec_spec *s, const struct capture *c, const struct sc_desc *d,
		      enum sc_abi abi)
{
	s->kind = (__u8)c->kind;
	s->args_n = c->args_n;
	s->flags_arg = c->flags_arg;
	s->directory = (__u8)c->directory;
	for (unsigned i = 0; i < c->args_n; i++) {
		s->arg[i] = c->arg[i];
		s->mask[i] = capture_value(c, d, abi, i, ~UINT64_C(0));
	}
	for (unsigned i = 0; i < CAPTURE_MAX_PATHS; i++) {
		s->path[i].dirfd = c->path[i].dirfd;
		s->path[i].path = c->path[i].path;
		s->path[i].access = c->path[i].access;
	}
}

static bool same_spec(const struct rec_spec *a, const struct rec_spec *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* One spec for each capture row and each set of argument widths that an ABI gives it. */
static int fill_tables(struct record_bpf *r, struct err *e)
{
	struct record_bpf_prog__rodata *ro = r->skel->rodata;
	struct rec_spec *specs = (struct rec_spec *)ro->specs;
	unsigned n = 1;

	for (size_t i = 0; i < capture_count(); i++) {
		const struct capture *c = capture_at(i);
		const struct sc_desc *d = sc_by_name(c->name);

		for (unsigned a = 0; d && a < REC_ABIS; a++) {
			int abi = record_bpf_abi(a), nr = abi < 0 ? -1 : d->nr[abi];
			struct rec_spec s = { 0 };
			unsigned k = 1;

			if (nr < 0 || nr >= REC_NRS)
				continue;
			fill_spec(&s, c, d, (enum sc_abi)abi);
			while (k < n && !same_spec(&specs[k], &s))
				k++;
			if (k == n) {
				if (n == REC_SPECS)
					return err_set(e, E2BIG,
						       "too many kinds of captured calls");
				specs[n++] = s;
			}
			((__u8(*)[REC_NRS])ro->spec_of)[a][nr] = (__u8)k;
		}
	}
	return 0;
}

static unsigned pid_max(void)
{
	char text[32];
	unsigned long v;

	if (io_read_small("/proc/sys/kernel/pid_max", text, sizeof(text)) < 0)
		return 4194304;
	v = strtoul(text, NULL, 10);
	return v < 300 || v > 4194304 ? 4194304 : (unsigned)v;
}

static const char *tracefs_root(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/events/syscalls/sys_exit_openat/id", roots[i]);
		if (access(path, R_OK) == 0)
			return roots[i];
	}
	return NULL;
}

static bool btf_has(const struct btf *btf, const char *name, unsigned kind)
{
	return btf && btf__find_by_name_kind(btf, name, kind) >= 0;
}

/* The native number of a call whose result is looked at, -1 for others. */
static int native_open_nr(const struct capture *c)
{
	int nr = c->kind == CAPTURE_OPEN ? sc_nr(sc_abi_native(), c->name) : -1;

	return nr < REC_NRS ? nr : -1;
}

/* How checks of capabilities are seen, from the worst on. */
enum cap_hook { CAP_UNSEEN, CAP_KPROBE, CAP_FEXIT, CAP_TRACEPOINT };

static enum cap_hook best_cap_hook(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool tracepoint = btf_has(btf, "btf_trace_cap_capable", BTF_KIND_TYPEDEF);

	btf__free(btf);
	if (tracepoint)
		return CAP_TRACEPOINT;
	if (attach_try(BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "cap_capable") == 0)
		return CAP_FEXIT;
	return attach_has_kprobe("cap_capable") && attach_has_kprobe("cap_task_prctl") ? CAP_KPROBE
										       : CAP_UNSEEN;
}

static void use_cap_hook(struct record_bpf *r, enum cap_hook hook)
{
	struct record_bpf_prog *s = r->skel;

	bpf_program__set_autoload(s->progs.on_cap_capable, hook == CAP_TRACEPOINT);
	bpf_program__set_autoload(s->progs.after_cap_capable, hook == CAP_FEXIT);
	bpf_program__set_autoload(s->progs.after_cap_task_prctl, hook == CAP_FEXIT);
	bpf_program__set_autoload(s->progs.at_cap_capable, hook == CAP_KPROBE);
	bpf_program__set_autoload(s->progs.at_cap_task_prctl, hook == CAP_KPROBE);
	r->caps = hook != CAP_UNSEEN;
}

/* Where maps must not grow, those of programs at single events and kprobes are there as a whole. */
static void fix_maps(struct record_bpf *r)
{
	enum { FILES = 16384 }; /* 8 MB; paths come by the ring, and wait here when it is full */
	struct bpf_map *const maps[] = { r->skel->maps.files, r->skel->maps.files_long,
					 r->skel->maps.caps, r->skel->maps.cap_counts };

	if (attach_with_growing_maps())
		return;
	bpf_map__set_max_entries(r->skel->maps.files, FILES);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		bpf_map__set_map_flags(maps[i], 0);
}

static const char task_work[] = "bpf_task_work_schedule_resume_impl";

/* Whether the kernel's function takes what Linux 6.18 gives it: five arguments, the last of no
 * type. */
static bool has_task_work(const struct btf *btf)
{
	int id = btf ? btf__find_by_name_kind(btf, task_work, BTF_KIND_FUNC) : -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || btf_vlen(t) != 5)
		return false;
	t = btf__type_by_id(btf, btf_params(t)[4].type);
	return t && btf_is_ptr(t) && !t->type;
}

/*
 * libbpf refuses all programs when one names a function that the kernel has with other arguments,
 * be it loaded or not. By another name it is one that the kernel lacks, which may be (__weak).
 */
static void hide_task_work(struct record_bpf_prog *s)
{
	const struct btf *btf = bpf_object__btf(s->obj);
	int id = btf__find_by_name_kind(btf, task_work, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	if (t)
		((char *)btf__name_by_offset(btf, t->name_off))[0] = '_';
}

static int configure(struct record_bpf *r, const struct record_bpf_options *o, enum cap_hook hook,
		     struct err *e)
{
	struct record_bpf_prog *s = r->skel;
	struct record_bpf_prog__rodata *ro = s->rodata;
	struct btf *btf = btf__load_vmlinux_btf();

	r->task_work = has_task_work(btf) && btf_has(btf, "bpf_preempt_disable", BTF_KIND_FUNC);
	btf__free(btf);
	if (!r->task_work)
		hide_task_work(s);
	if (!btf)
		return err_set(e, EOPNOTSUPP,
			       "the kernel has no BTF (/sys/kernel/btf/vmlinux): "
			       "built without CONFIG_DEBUG_INFO_BTF");
	ro->watch_runtimes = o->watch_runtimes;
	ro->cgroup_id = o->cgroup_id;
	for (size_t i = 0; i < ARRAY_SIZE(runtime_names) && runtime_names[i]; i++)
		snprintf((char *)ro->runtimes[i], sizeof(ro->runtimes[i]), "%s", runtime_names[i]);
	for (size_t i = 0; i < capture_count(); i++) {
		int nr = native_open_nr(capture_at(i));

		if (nr >= 0)
			((__u8 *)ro->is_open)[nr] = 1;
	}
	if (sysconf(_SC_PAGESIZE) > (long)ro->stack_size)
		*(uint32_t *)&ro->stack_size = (uint32_t)sysconf(_SC_PAGESIZE);
	bpf_program__set_autoload(s->progs.on_sys_enter, !r->task_work);
	bpf_program__set_autoload(s->progs.on_sys_enter_works, r->task_work);
	r->per_call_exit = tracefs_root() != NULL;
	bpf_program__set_autoload(s->progs.on_exit_call, r->per_call_exit);
	bpf_program__set_autoload(s->progs.on_sys_exit, !r->per_call_exit);
	bpf_program__set_autoload(s->progs.on_cgroup_attach, o->cgroup_id != 0);
	use_cap_hook(r, hook);
	fix_maps(r);
	r->tids_n = pid_max() / REC_TIDS_CHUNK + 1;
	bpf_map__set_max_entries(s->maps.tids, r->tids_n);
	return fill_tables(r, e);
}

static int load(struct record_bpf *r, const struct record_bpf_options *o, enum cap_hook hook,
		struct err *e)
{
	int err;

	bpf_said_begin();
	r->skel = record_bpf_prog__open();
	if (!r->skel)
		return err_errno(e, errno, "cannot open the BPF programs");
	err = configure(r, o, hook, e);
	if (err < 0)
		return err;
	memset(r->skel->bss->todo[0], 1, sizeof(r->skel->bss->todo[0]));
	err = record_bpf_prog__load(r->skel);
	if (err == -EPERM) /* the verifier's refusal is EACCES or EINVAL */
		return attach_no_right(e);
	if (err < 0)
		return err_set(e, EOPNOTSUPP, "the kernel refuses the BPF programs (%s)%s%s",
			       err_text(-err), *bpf_said() ? ": " : "", bpf_said());
	return 0;
}

static void detach_exits(struct record_bpf *r)
{
	while (r->links_n)
		bpf_link__destroy(r->links[--r->links_n]);
}

/*
 * The events at the return of the open calls; they cost every call of the machine a little. Not for
 * other calls with paths: taking an event away again takes the kernel some 50 ms.
 */
static int attach_exits(struct record_bpf *r, struct err *e)
{
	for (size_t i = 0; r->per_call_exit && i < capture_count(); i++) {
		const char *name = capture_at(i)->name;
		struct bpf_link *link;
		char event[64];

		if (native_open_nr(capture_at(i)) < 0 || r->links_n == REC_EXITS_MAX)
			continue;
		snprintf(event, sizeof(event), "sys_exit_%s", name);
		link = bpf_program__attach_tracepoint(r->skel->progs.on_exit_call, "syscalls",
						      event);
		if (!link) {
			detach_exits(r);
			return err_errno(e, EOPNOTSUPP, "cannot attach to syscalls:%s", event);
		}
		r->links[r->links_n++] = link;
	}
	return 0;
}

static int attach(struct record_bpf *r, struct err *e)
{
	int err = record_bpf_prog__attach(r->skel);

	if (err < 0)
		return err_set(e, err == -EPERM ? EPERM : EOPNOTSUPP,
			       "cannot attach the BPF programs: %s", err_text(-err));
	r->skel->bss->at_exit = !r->task_work;
	return r->skel->bss->at_exit ? attach_exits(r, e) : 0;
}

static int on_event(void *ctx, void *data, size_t size);

/* Every slot and every program is free. */
static int fill_free(struct record_bpf *r, struct err *e)
{
	const struct {
		struct bpf_map *map;
		__u32 n;
	} maps[] = { { r->skel->maps.free_slots, REC_SLOTS },
		     { r->skel->maps.free_programs, REC_PROGRAMS } };

	for (size_t m = 0; m < ARRAY_SIZE(maps); m++)
		for (__u32 i = 1; i < maps[m].n; i++)
			if (bpf_map_update_elem(bpf_map__fd(maps[m].map), NULL, &i, BPF_ANY) < 0)
				return err_errno(e, errno, "cannot fill the BPF maps");
	return 0;
}

static int map_shared(struct record_bpf *r, struct err *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	r->tids_size = ((size_t)r->tids_n * REC_TIDS_CHUNK * sizeof(__u16) + page - 1) &
		       ~(page - 1);
	p = mmap(NULL, r->tids_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 bpf_map__fd(r->skel->maps.tids), 0);
	if (p == MAP_FAILED)
		return err_errno(e, errno, "cannot map the table of threads");
	r->tids = p;
	r->ring = ring_buffer__new(bpf_map__fd(r->skel->maps.events), on_event, r, NULL);
	if (!r->ring ||
	    ring_buffer__add(r->ring, bpf_map__fd(r->skel->maps.paths), record_bpf_on_path, r) < 0)
		return err_errno(e, errno, "cannot open the ring buffers");
	return 0;
}

int record_bpf_new(struct record_bpf **out, const struct record_bpf_options *o, struct err *e)
{
	struct record_bpf *r = xcalloc(1, sizeof(*r));
	int err;

	clock_gettime(CLOCK_REALTIME, &r->started);
	err = load(r, o, best_cap_hook(), e);
	if (err == -EOPNOTSUPP && r->skel) {
		/* Without a hook for capability checks everything else still works. */
		record_bpf_prog__destroy(r->skel);
		r->skel = NULL;
		err = load(r, o, CAP_UNSEEN, e);
	}
	malloc_trim(0); /* the kernel's type information, some 20 MB, was needed for loading only */
	if (err == 0)
		err = fill_free(r, e);
	if (err == 0)
		err = map_shared(r, e);
	if (err == 0)
		err = attach(r, e);
	if (err < 0) {
		record_bpf_free(r);
		return err;
	}
	*out = r;
	return 0;
}

void record_bpf_free(struct record_bpf *r)
{
	if (!r)
		return;
	detach_exits(r);
	ring_buffer__free(r->ring);
	if (r->tids)
		munmap(r->tids, r->tids_size);
	if (r->skel)
		record_bpf_prog__destroy(r->skel);
	for (unsigned i = 0; i < REC_PROGRAMS; i++)
		free(r->prog_path[i]);
	for (unsigned i = 0; i < REC_SLOTS; i++) {
		if (r->slots[i].root_open)
			close(r->slots[i].root_fd);
		record_bpf_forget_pending(&r->slots[i]);
	}
	free(r);
}

/* ---- following */

static int take_slot(struct record_bpf *r, struct err *e)
{
	struct record_bpf_prog__bss *b = r->skel->bss;

	__u32 i;

	if (bpf_map_lookup_and_delete_elem(bpf_map__fd(r->skel->maps.free_slots), NULL, &i) < 0)
		return err_set(e, EBUSY, "all %d workloads that can be followed at once are in use",
			       REC_SLOTS - 1);
	b->slot_phase[i] = WL_START;
	b->slot_listens[i] = b->slot_started[i] = 0;
	b->slot_command[i] = 1;
	b->slot_live[i] = b->slot_filters[i] = 0;
	__atomic_store_n(&b->slot_state[i], REC_KEPT, __ATOMIC_SEQ_CST);
	return (int)i;
}

static void give_slot(struct record_bpf *r, unsigned slot)
{
	__u32 i = slot;

	__atomic_store_n(&r->skel->bss->slot_state[i], REC_FREE, __ATOMIC_SEQ_CST);
	bpf_map_update_elem(bpf_map__fd(r->skel->maps.free_slots), NULL, &i, BPF_ANY);
}

static void open_root(struct record_bpf *r, unsigned slot, pid_t pid)
{
	struct rec_slot *s = &r->slots[slot];
	char path[64];
	int fd;

	if (s->root_open)
		return;
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	s->root_fd = fd;
	s->root_open = true;
}

static __u16 *tid_word(struct record_bpf *r, pid_t tid)
{
	if (tid <= 0 || (size_t)tid >= (size_t)r->tids_n * REC_TIDS_CHUNK)
		return NULL;
	return &r->tids[tid];
}

int record_bpf_follow_child(struct record_bpf *r, pid_t pid, unsigned *slot, struct err *e)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	__u16 *word = tid_word(r, pid);
	int s;

	if (!word)
		return err_set(e, ERANGE, "process id %d is beyond the kernel's pid_max", pid);
	s = take_slot(r, e);
	if (s < 0)
		return s;
	open_root(r, (unsigned)s, pid);
	b->slot_live[s] = 1;
	__atomic_fetch_add(&b->prog_live[0], 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&b->runtime_tasks, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(word, (__u16)(REC_W(s, 0) | REC_W_RUNTIME), __ATOMIC_SEQ_CST);
	*slot = (unsigned)s;
	return 0;
}

/* The id of a running process's executable; its path is known to us, not to the kernel's maps. */
static unsigned running_program(struct record_bpf *r, unsigned slot, pid_t pid)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	struct rec_program key = { .slot = slot };
	char link[64], path[PATH_MAX];
	struct stat st;
	__u32 taken;
	__u8 id = 0;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || stat(link, &st) < 0)
		return 0;
	path[n] = '\0';
	key.ino = st.st_ino;
	key.dev = (__u32)(major(st.st_dev) << 20 | minor(st.st_dev)); /* the kernel's dev_t */
	if (bpf_map_lookup_elem(bpf_map__fd(r->skel->maps.programs), &key, &id) == 0)
		return id;
	if (bpf_map_lookup_and_delete_elem(bpf_map__fd(r->skel->maps.free_programs), NULL, &taken) <
	    0)
		return 0;
	id = (__u8)taken;
	b->prog_used[id] = 1;
	b->prog_slot[id] = (__u8)slot;
	bpf_map_update_elem(bpf_map__fd(r->skel->maps.programs), &key, &id, BPF_ANY);
	r->prog_path[id] = xstrdup(path);
	return id;
}

/* Marks every thread of the process that is not yet marked; how many there were. */
static unsigned follow_threads(struct record_bpf *r, unsigned slot, pid_t pid, __u16 word)
{
	cleanup_closedir DIR *d = NULL;
	char path[64];
	unsigned fresh = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	for (struct dirent *ent; d && (ent = readdir(d));) {
		pid_t tid = (pid_t)strtol(ent->d_name, NULL, 10);
		__u16 *w = tid_word(r, tid);
		__u16 none = 0;

		if (!w || !__atomic_compare_exchange_n(w, &none, word, false, __ATOMIC_SEQ_CST,
						       __ATOMIC_SEQ_CST))
			continue;
		__atomic_fetch_add(&r->skel->bss->slot_live[slot], 1, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&r->skel->bss->prog_live[REC_W_PROG(word)], 1, __ATOMIC_SEQ_CST);
		fresh++;
	}
	return fresh;
}

/* Whether `pid` is one of the processes or descends from one (by the parents of the moment). */
static bool descends(const pid_t *parent, size_t n, pid_t pid, const pid_t *roots, size_t roots_n)
{
	for (unsigned depth = 0; depth < 256 && pid > 1 && (size_t)pid < n; depth++) {
		for (size_t i = 0; i < roots_n; i++)
			if (roots[i] == pid)
				return true;
		pid = parent[pid];
	}
	return false;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[1024], *p;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (io_read_small(path, text, sizeof(text)) < 0)
		return 0;
	p = strrchr(text, ')');
	return p && sscanf(p + 1, " %*c %d", &ppid) == 1 ? ppid : 0;
}

/* One pass over /proc: marks the processes and their descendants. How many threads were new. */
static unsigned follow_pass(struct record_bpf *r, unsigned slot, const pid_t *pids, size_t n)
{
	size_t max = (size_t)r->tids_n * REC_TIDS_CHUNK;
	cleanup_free pid_t *parent = xcalloc(max, sizeof(*parent));
	cleanup_closedir DIR *d = opendir("/proc");
	unsigned fresh = 0;

	for (struct dirent *ent; d && (ent = readdir(d));) {
		pid_t pid = (pid_t)strtol(ent->d_name, NULL, 10);

		if (pid > 0 && (size_t)pid < max)
			parent[pid] = parent_of(pid);
	}
	for (pid_t pid = 1; (size_t)pid < max; pid++) {
		unsigned prog;

		if (!parent[pid] || !descends(parent, max, pid, pids, n))
			continue;
		prog = running_program(r, slot, pid);
		if (prog)
			open_root(r, slot, pid);
		fresh += follow_threads(r, slot, pid, (__u16)REC_W(slot, prog));
	}
	return fresh;
}

int record_bpf_follow_running(struct record_bpf *r, const pid_t *pids, size_t n, unsigned *slot,
			      struct err *e)
{
	enum { MAX_PASSES = 20 };
	unsigned total = 0;
	int s = take_slot(r, e);

	if (s < 0)
		return s;
	r->skel->bss->slot_started[s] = 1;
	/* What a marked thread starts is marked by the kernel; repeat until nothing new is found.
	 */
	for (unsigned pass = 0; pass < MAX_PASSES; pass++) {
		unsigned fresh = follow_pass(r, (unsigned)s, pids, n);

		total += fresh;
		if (!fresh)
			break;
	}
	if (!total) {
		give_slot(r, (unsigned)s);
		return err_set(e, ESRCH, "no such process: %d", n ? pids[0] : 0);
	}
	*slot = (unsigned)s;
	return 0;
}

int record_bpf_follow_cgroup(struct record_bpf *r, unsigned *slot, struct err *e)
{
	int s = take_slot(r, e);

	if (s < 0)
		return s;
	r->skel->bss->slot_started[s] = 1;
	__atomic_store_n(&r->skel->bss->cgroup_slot, (__u32)s, __ATOMIC_SEQ_CST);
	*slot = (unsigned)s;
	return 0;
}

void record_bpf_add_running(struct record_bpf *r, unsigned slot, pid_t pid)
{
	unsigned prog = running_program(r, slot, pid);

	open_root(r, slot, pid);
	follow_threads(r, slot, pid, (__u16)REC_W(slot, prog));
}

void record_bpf_keep(struct record_bpf *r, unsigned slot, struct workload *w, int source)
{
	r->slots[slot].w = w;
	r->slots[slot].source = source;
	record_bpf_replay(r, slot);
	__atomic_store_n(&r->skel->bss->slot_state[slot], REC_KEPT, __ATOMIC_SEQ_CST);
}

static void forget_threads(struct record_bpf *r, unsigned slot)
{
	size_t n = (size_t)r->tids_n * REC_TIDS_CHUNK;

	for (size_t i = 0; i < n; i++) {
		__u16 w = r->tids[i];

		if (!w || REC_W_SLOT(w) != slot)
			continue;
		r->tids[i] = 0;
		__atomic_fetch_sub(&r->skel->bss->prog_live[REC_W_PROG(w)], 1, __ATOMIC_SEQ_CST);
		if (w & REC_W_RUNTIME)
			__atomic_fetch_sub(&r->skel->bss->runtime_tasks, 1, __ATOMIC_SEQ_CST);
	}
}

void record_bpf_drop(struct record_bpf *r, unsigned slot)
{
	__atomic_store_n(&r->skel->bss->slot_state[slot], REC_DROPPED, __ATOMIC_SEQ_CST);
	forget_threads(r, slot);
	r->slots[slot].w = NULL;
	r->slots[slot].dropped_polls = 0;
}

unsigned record_bpf_live(const struct record_bpf *r, unsigned slot)
{
	return __atomic_load_n(&r->skel->bss->slot_live[slot], __ATOMIC_SEQ_CST);
}

/* ---- events and housekeeping */

/*
 * Whether that the last thread of a slot ended is news. Two that end at once may both tell of it;
 * by the time of the second one the slot may belong to others.
 */
static bool is_gone(struct record_bpf *r, unsigned slot)
{
	bool before = r->slots[slot].gone;

	if (record_bpf_live(r, slot))
		return false;
	r->slots[slot].gone = true;
	return !before;
}

static int on_event(void *ctx, void *data, size_t size)
{
	static const enum record_bpf_event_kind kinds[] = {
		[REC_EV_RUNTIME] = RECORD_RUNTIME,
		[REC_EV_STARTED] = RECORD_STARTED,
		[REC_EV_GONE] = RECORD_GONE,
	};
	struct record_bpf *r = ctx;
	struct rec_event ev;
	struct record_bpf_event out;

	if (size < sizeof(ev))
		return 0;
	memcpy(&ev, data, sizeof(ev));
	if (ev.slot >= REC_SLOTS || (ev.kind == REC_EV_GONE && !is_gone(r, ev.slot)))
		return 0;
	if (ev.kind == REC_EV_JOINED) {
		record_bpf_add_running(r, ev.slot, (pid_t)ev.pid);
		return 0;
	}
	if (ev.kind >= ARRAY_SIZE(kinds))
		return 0;
	if (ev.kind == REC_EV_STARTED)
		open_root(r, ev.slot, (pid_t)ev.pid);
	out = (struct record_bpf_event){
		.kind = kinds[ev.kind],
		.slot = ev.slot,
		.pid = (pid_t)ev.pid,
		.started = ev.started != 0,
		.argv = ev.argv,
		.argv_len = ev.argv_len < REC_ARGV ? ev.argv_len : REC_ARGV,
	};
	if (r->handler)
		r->handler(&out, r->handler_arg);
	return 0;
}

/* The only kept slot with nothing else going on, or 0. */
static unsigned sole_slot(const struct record_bpf_prog__bss *b)
{
	unsigned found = 0;

	if (b->runtime_tasks)
		return 0;
	for (unsigned i = 1; i < REC_SLOTS; i++) {
		if (b->slot_state[i] == REC_CANDIDATE || (b->slot_state[i] == REC_KEPT && found))
			return 0;
		if (b->slot_state[i] == REC_KEPT && b->slot_live[i])
			found = i;
	}
	return found;
}

/*
 * Tells the programs which calls need no more looking at: those that every live executable of the
 * workload has made in the present phase. The programs switch back to looking at everything when
 * the phase or the set of executables changes; then our exchange fails, and the next poll tries
 * again.
 */
static void update_todo(struct record_bpf *r)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	__u64 was = __atomic_load_n(&b->mode, __ATOMIC_SEQ_CST);
	unsigned slot = sole_slot(b), next = (was & 3) == 1 ? 2 : 1;
	unsigned phase = slot ? b->slot_phase[slot] : 0;

	if (!slot)
		return;
	for (unsigned a = 0; a < REC_ABIS; a++) {
		for (unsigned nr = 0; nr < REC_NRS; nr++) {
			bool todo = false;

			for (unsigned p = 0; p < REC_PROGRAMS && !todo; p++)
				todo = b->prog_live[p] && b->seen[p][phase][a][nr] != REC_SEEN_ALL;
			b->todo[next][a][nr] = todo;
		}
	}
	__atomic_compare_exchange_n(&b->mode, &was, (was & ~UINT64_C(3)) | next, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* The native open calls are to be looked at when they begin. */
static void look_at_entry(struct record_bpf *r)
{
	struct record_bpf_prog__bss *b = r->skel->bss;
	bool changed = false;

	for (size_t i = 0; i < capture_count(); i++) {
		int nr = native_open_nr(capture_at(i));

		for (unsigned p = 0; nr >= 0 && p < REC_PROGRAMS; p++) {
			for (unsigned ph = 0; ph < REC_PHASES; ph++) {
				if (b->seen[p][ph][0][nr] != REC_SEEN_ALL)
					continue;
				b->seen[p][ph][0][nr] = REC_SEEN;
				changed = true;
			}
		}
	}
	if (changed)
		b->mode = (b->mode & ~UINT64_C(3)) + 4;
}

/* Whether the workload opens so much that an event for it costs less than task work for each. */
static bool opens_much(struct record_bpf *r)
{
	enum { WINDOW_MS = 100, MUCH = 100 };
	struct timespec ts;
	int64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	if (now - r->window > WINDOW_MS) {
		r->window = now;
		r->window_opens = r->skel->bss->opens_n;
	}
	return r->skel->bss->opens_n - r->window_opens >= MUCH;
}

/*
 * Events at the return of the open calls cost every system call some time. While the workload
 * opens nothing they are switched off. An open is then seen at its entry, and either read at its
 * return by task work, or by name. More opens switch the events on; so does a runtime that prepares
 * a container.
 */
static void switch_exits(struct record_bpf *r)
{
	enum { QUIET_POLLS = 3 };
	struct record_bpf_prog__bss *b = r->skel->bss;
	bool quiet = b->opens_n == r->opens_seen && !b->runtime_tasks;

	r->opens_seen = b->opens_n;
	if (!r->per_call_exit)
		return;
	if (b->at_exit) {
		r->quiet_polls = quiet ? r->quiet_polls + 1 : 0;
		if (r->quiet_polls < QUIET_POLLS)
			return;
		b->at_exit = 0;
		look_at_entry(r);
		detach_exits(r);
	} else if (quiet) {
		look_at_entry(r); /* a call that was under way may have marked its number */
	} else if ((!r->task_work || b->runtime_tasks || opens_much(r)) &&
		   attach_exits(r, NULL) == 0) {
		b->at_exit = 1;
		r->quiet_polls = 0;
	}
}

/* A dropped slot is free again once no thread can still carry its number. */
static void recycle_dropped(struct record_bpf *r)
{
	enum { QUIET_POLLS = 3 };
	struct record_bpf_prog__bss *b = r->skel->bss;

	for (unsigned i = 1; i < REC_SLOTS; i++) {
		if (b->slot_state[i] != REC_DROPPED || ++r->slots[i].dropped_polls < QUIET_POLLS)
			continue;
		forget_threads(r, i);
		record_bpf_purge(r, i);
		if (r->slots[i].root_open)
			close(r->slots[i].root_fd);
		r->slots[i] = (struct rec_slot){ 0 };
		give_slot(r, i);
	}
}

int record_bpf_poll(struct record_bpf *r, int timeout_ms, record_bpf_handler *handler, void *arg,
		    struct err *e)
{
	int n;

	r->handler = handler;
	r->handler_arg = arg;
	n = ring_buffer__poll(r->ring, timeout_ms);
	if (n < 0 && n != -EINTR)
		return err_errno(e, -n, "cannot wait for events");
	recycle_dropped(r);
	record_bpf_drain(r);
	switch_exits(r);
	update_todo(r);
	return 0;
}
