/* Which processes belong to which workload: slots, and words of threads. */
#include "sensor/record_bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "sensor/record_bpf_impl.h"

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

void record_bpf_give_slot(struct record_bpf *r, unsigned slot)
{
	__u32 i = slot;

	__atomic_store_n(&r->skel->bss->slot_state[i], REC_FREE, __ATOMIC_SEQ_CST);
	bpf_map_update_elem(bpf_map__fd(r->skel->maps.free_slots), NULL, &i, BPF_ANY);
}

void record_bpf_open_root(struct record_bpf *r, unsigned slot, pid_t pid)
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
	record_bpf_open_root(r, (unsigned)s, pid);
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
			record_bpf_open_root(r, slot, pid);
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
		record_bpf_give_slot(r, (unsigned)s);
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

	record_bpf_open_root(r, slot, pid);
	follow_threads(r, slot, pid, (__u16)REC_W(slot, prog));
}

void record_bpf_keep(struct record_bpf *r, unsigned slot, struct workload *w, int source)
{
	r->slots[slot].w = w;
	r->slots[slot].source = source;
	record_bpf_replay(r, slot);
	__atomic_store_n(&r->skel->bss->slot_state[slot], REC_KEPT, __ATOMIC_SEQ_CST);
}

void record_bpf_forget_threads(struct record_bpf *r, unsigned slot)
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
	record_bpf_forget_threads(r, slot);
	r->slots[slot].w = NULL;
	r->slots[slot].dropped_polls = 0;
}

unsigned record_bpf_live(const struct record_bpf *r, unsigned slot)
{
	return __atomic_load_n(&r->skel->bss->slot_live[slot], __ATOMIC_SEQ_CST);
}
