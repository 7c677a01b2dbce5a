/* The recorder's programs: what they are told, how they are loaded and attached. */
#include "sensor/record_bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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
int record_bpf_native_open(const struct capture *c)
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
		int nr = record_bpf_native_open(capture_at(i));

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

void record_bpf_detach_exits(struct record_bpf *r)
{
	while (r->links_n)
		bpf_link__destroy(r->links[--r->links_n]);
}

/*
 * The events at the return of the open calls; they cost every call of the machine a little. Not for
 * other calls with paths: taking an event away again takes the kernel some 50 ms.
 */
int record_bpf_attach_exits(struct record_bpf *r, struct err *e)
{
	for (size_t i = 0; r->per_call_exit && i < capture_count(); i++) {
		const char *name = capture_at(i)->name;
		struct bpf_link *link;
		char event[64];

		if (record_bpf_native_open(capture_at(i)) < 0 || r->links_n == REC_EXITS_MAX)
			continue;
		snprintf(event, sizeof(event), "sys_exit_%s", name);
		link = bpf_program__attach_tracepoint(r->skel->progs.on_exit_call, "syscalls",
						      event);
		if (!link) {
			record_bpf_detach_exits(r);
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
	return r->skel->bss->at_exit ? record_bpf_attach_exits(r, e) : 0;
}

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
	r->ring = ring_buffer__new(bpf_map__fd(r->skel->maps.events), record_bpf_on_event, r, NULL);
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
	record_bpf_detach_exits(r);
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
