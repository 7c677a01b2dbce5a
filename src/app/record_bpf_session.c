/* Recording with eBPF: commands, running processes, cgroups. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "app/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "sensor/record_bpf.h"

enum { POLL_MS = 50, CGROUP_FILE_MAX = 1024 * 1024 };

static void free_recorder(struct record_bpf **r)
{
	record_bpf_free(*r);
}

void record_prefer(void)
{
	enum { NICE = -10 };

	setpriority(PRIO_PROCESS, 0, NICE);
}

/* Until the slot's last thread has ended, or the recording is over. */
static int follow_slot(struct recording *rec, struct record_bpf *r, unsigned slot, struct err *e)
{
	int err = 0;

	record_prefer();
	while (err == 0 && record_bpf_live(r, slot) && !record_over(rec)) {
		err = record_bpf_poll(r, POLL_MS, NULL, NULL, e);
		log_progress_update(&rec->progress, "recording, %u threads; Ctrl-C ends it",
				    record_bpf_live(r, slot));
	}
	return err ? err : record_bpf_collect(r, e);
}

static void add_first_execve(struct recording *rec)
{
	enum sc_abi abi = sc_abi_native();
	struct wl_syscall *s = wl_syscall_add_name(&rec->model, abi, sc_by_name("execve"));

	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), -1, rec->source);
}

int record_command_bpf(struct recording *rec, char **argv, struct err *e)
{
	cleanup(free_recorder) struct record_bpf *r = NULL;
	struct record_child child;
	unsigned slot;
	int err = record_bpf_new(&r, &(struct record_bpf_options){ 0 }, e);

	if (err < 0)
		return err;
	err = record_child_start(&child, argv, rec->own_terminal, e);
	if (err < 0)
		return err;
	err = record_bpf_follow_child(r, child.pid, &slot, e);
	if (err < 0) {
		record_child_abort(&child);
		return err;
	}
	record_bpf_keep(r, slot, &rec->model, rec->source);
	err = record_child_go(&child, argv[0], e);
	if (err == 0)
		err = follow_slot(rec, r, slot, e);
	if (err < 0)
		return err;
	add_first_execve(rec);
	if (record_bpf_live(r, slot))
		waitpid(child.pid, &rec->command_status, WNOHANG);
	else if (waitpid(child.pid, &rec->command_status, 0) < 0)
		rec->command_status = -1;
	return 0;
}

int record_running_bpf(struct recording *rec, const pid_t *pids, size_t n, struct err *e)
{
	cleanup(free_recorder) struct record_bpf *r = NULL;
	unsigned slot;
	int err = record_bpf_new(&r, &(struct record_bpf_options){ 0 }, e);

	if (err == 0)
		err = record_bpf_follow_running(r, pids, n, &slot, e);
	if (err < 0)
		return err;
	record_bpf_keep(r, slot, &rec->model, rec->source);
	record_incomplete(rec, "the workload was running already: its start was not seen");
	return follow_slot(rec, r, slot, e);
}

/* ---- cgroups */

static size_t read_procs(const char *dir, pid_t *out, size_t n, size_t max)
{
	cleanup_buf struct buf b = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	if (io_read_file(path, CGROUP_FILE_MAX, &b, NULL) < 0)
		return n;
	for (const char *p = buf_str(&b); *p && n < max;) {
		char *end;
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		if (pid > 0)
			out[n++] = (pid_t)pid;
		p = end + (*end == '\n');
	}
	return n;
}

static size_t read_procs_below(const char *dir, pid_t *out, size_t n, size_t max, unsigned depth)
{
	cleanup_closedir DIR *d = opendir(dir);

	n = read_procs(dir, out, n, max);
	for (struct dirent *ent; d && depth && (ent = readdir(d));) {
		char path[PATH_MAX];

		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, ent->d_name) < (int)sizeof(path))
			n = read_procs_below(path, out, n, max, depth - 1);
	}
	return n;
}

int record_cgroup_bpf(struct recording *rec, const char *path, struct err *e)
{
	enum { MAX_DEPTH = 16 };
	cleanup(free_recorder) struct record_bpf *r = NULL;
	cleanup_free pid_t *pids = xcalloc(RECORD_MAX_PIDS, sizeof(*pids));
	struct record_bpf_options o = { 0 };
	const char *root = strncmp(path, "/sys/", 5) ? "/sys/fs/cgroup/" : "";
	cleanup_free char *dir = xasprintf("%s%s", root, path);
	struct stat st;
	unsigned slot;
	size_t n;
	int err;

	if (stat(dir, &st) < 0)
		return err_errno(e, errno, "no cgroup %s", dir);
	o.cgroup_id = st.st_ino;
	err = record_bpf_new(&r, &o, e);
	if (err == 0)
		err = record_bpf_follow_cgroup(r, &slot, e);
	if (err < 0)
		return err;
	record_bpf_keep(r, slot, &rec->model, rec->source);
	n = read_procs_below(dir, pids, 0, RECORD_MAX_PIDS, MAX_DEPTH);
	for (size_t i = 0; i < n; i++)
		record_bpf_add_running(r, slot, pids[i]);
	if (n)
		record_incomplete(rec, "the workload was running already: its start was not seen");
	record_prefer();
	/* A cgroup outlives its processes: new ones may come until the recording is ended. */
	while (err == 0 && !record_over(rec) && stat(dir, &st) == 0)
		err = record_bpf_poll(r, POLL_MS, NULL, NULL, e);
	return err ? err : record_bpf_collect(r, e);
}
