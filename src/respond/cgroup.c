#include "respond/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"

enum {
	WAIT_STEP_MS = 5,
	WAIT_MS = 500, /* for the kernel to stop or end all of a group */
	KILL_ROUNDS = 100,
};

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
}

const char *cgroup_unified_root(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					      "/proc/1/root/sys/fs/cgroup",
					      "/proc/1/root/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct statfs fs;

		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	}
	return NULL;
}

/* The length of the path down to the component with the container's id; 0: there is none. */
static size_t own_length(const char *path, const char *id)
{
	const char *at = strstr(path, id), *end;

	if (!*id || !at)
		return 0;
	end = strchr(at, '/');
	return end ? (size_t)(end - path) : strlen(path);
}

static bool is_plain(const char *path)
{
	return path[0] == '/' && path[1] && !strstr(path, "/../") && !strstr(path, "//") &&
	       (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

/* As this process sees control groups, or (in a container that shares the host's processes) init.
 */
static const char *const views[] = { "", "/proc/1/root" };

/* The folder below a root, in one of the views; its number, or 0 when there is none. */
static uint64_t set_folder(char *out, const char *root, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		snprintf(out, CGROUP_FOLDER_MAX, "%s%s%s", views[i], root, path);
		if (stat(out, &st) == 0 && S_ISDIR(st.st_mode))
			return st.st_ino;
	}
	out[0] = '\0';
	return 0;
}

bool cgroup_find(const struct respond_request *q, struct cgroup_place *out,
		 struct respond_result *why)
{
	const char *root = cgroup_unified_root();
	size_t len;

	*out = (struct cgroup_place){ 0 };
	if (memchr(q->cgroup, '\0', sizeof(q->cgroup)) == NULL || !is_plain(q->cgroup)) {
		respond_say(why, RESPOND_FAILED, "the control group is not known");
		return false;
	}
	len = q->container[0] || !(q->flags & RESPOND_ASKED) ? own_length(q->cgroup, q->container)
							     : strlen(q->cgroup);
	if (!len) {
		respond_say(why, RESPOND_REFUSED, "the control group %.200s is not the container's",
			    q->cgroup);
		return false;
	}
	snprintf(out->path, sizeof(out->path), "%.*s", (int)len, q->cgroup);
	if (root)
		set_folder(out->v2, root, out->path);
	set_folder(out->v1, "/sys/fs/cgroup/freezer", out->path);
	if (out->v2[0] || out->v1[0])
		return true;
	respond_say(why, RESPOND_FAILED, "there is no control group %.200s any more", out->path);
	return false;
}

/* Of the hierarchy by which events name groups: cgroup_of() in src/bpf/watch_parts.h. */
static uint64_t find_by_path(char *folder, const char *path)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory",
					     "/sys/fs/cgroup" };
	uint64_t number = 0;

	for (size_t i = 0; is_plain(path) && !number && i < ARRAY_SIZE(roots); i++)
		number = set_folder(folder, roots[i], path);
	return number;
}

uint64_t cgroup_number(const char *path)
{
	char folder[CGROUP_FOLDER_MAX];

	return find_by_path(folder, path);
}

bool cgroup_is_gone(const struct cgroup_place *p)
{
	return p->path[0] && !p->v2[0] && !p->v1[0];
}

static int write_file(const char *folder, const char *name, const char *text)
{
	char path[CGROUP_FOLDER_MAX + 32];
	cleanup_close int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return io_write_all(fd, text, strlen(text));
}

/* Whether the file has the text; waits for it. */
static bool wait_for(const char *folder, const char *name, const char *text)
{
	char path[CGROUP_FOLDER_MAX + 32], have[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (unsigned ms = 0; ms < WAIT_MS; ms += WAIT_STEP_MS) {
		if (io_read_small(path, have, sizeof(have)) < 0)
			return false;
		if (strstr(have, text))
			return true;
		pause_ms(WAIT_STEP_MS);
	}
	return false;
}

bool cgroup_is_frozen(const struct cgroup_place *p)
{
	char path[CGROUP_FOLDER_MAX + 32], have[64];

	if (p->v2[0]) {
		snprintf(path, sizeof(path), "%s/cgroup.freeze", p->v2);
		if (io_read_small(path, have, sizeof(have)) == 0 && have[0] == '1')
			return true;
	}
	if (!p->v1[0])
		return false;
	snprintf(path, sizeof(path), "%s/freezer.state", p->v1);
	return io_read_small(path, have, sizeof(have)) == 0 && have[0] == 'F';
}

void cgroup_freeze(const struct cgroup_place *p, struct respond_result *out)
{
	int err = -ENOENT;

	if (p->v2[0] && (err = write_file(p->v2, "cgroup.freeze", "1")) == 0) {
		bool all = wait_for(p->v2, "cgroup.events", "frozen 1");

		respond_say(out, RESPOND_DONE, "frozen (cgroup v2 %s)%s", p->path,
			    all ? "" : "; the kernel is still stopping processes");
		return;
	}
	if (p->v1[0] && (err = write_file(p->v1, "freezer.state", "FROZEN")) == 0) {
		bool all = wait_for(p->v1, "freezer.state", "FROZEN");

		respond_say(out, RESPOND_DONE, "frozen (cgroup v1 freezer %s)%s", p->path,
			    all ? "" : "; the kernel is still stopping processes");
		return;
	}
	respond_say(out, RESPOND_FAILED, "cannot freeze %s: %s", p->path, strerror(-err));
}

void cgroup_thaw(const struct cgroup_place *p, struct respond_result *out)
{
	int v2 = p->v2[0] ? write_file(p->v2, "cgroup.freeze", "0") : -ENOENT;
	int v1 = p->v1[0] ? write_file(p->v1, "freezer.state", "THAWED") : -ENOENT;

	if (v2 == 0 || v1 == 0)
		respond_say(out, RESPOND_DONE, "thawed (%s)", p->path);
	else
		respond_say(out, RESPOND_FAILED, "cannot thaw %s: %s", p->path, strerror(-v2));
}

/* ---- processes */

struct walk {
	void (*each)(int pid, void *ctx);
	void *ctx;
};

static void each_of(const char *folder, const struct walk *w)
{
	cleanup_free char *path = xasprintf("%s/cgroup.procs", folder);
	cleanup_fclose FILE *f = fopen(path, "re");
	cleanup_closedir DIR *dir = opendir(folder);
	const struct dirent *d;
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 0) /* 0: of a pid namespace that is not ours */
			w->each(pid, w->ctx);
	while (dir && (d = readdir(dir))) {
		cleanup_free char *sub = NULL;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		sub = xasprintf("%s/%s", folder, d->d_name);
		each_of(sub, w);
	}
}

void cgroup_each(const struct cgroup_place *p, void (*each)(int pid, void *ctx), void *ctx)
{
	each_of(p->v2[0] ? p->v2 : p->v1, &(struct walk){ each, ctx });
}

static void is_self(int pid, void *ctx)
{
	*(bool *)ctx |= pid == getpid();
}

bool cgroup_has_self(const char *path)
{
	char folder[CGROUP_FOLDER_MAX];
	bool found = false;

	if (find_by_path(folder, path))
		each_of(folder, &(struct walk){ is_self, &found });
	return found;
}

static void count_and_kill(int pid, void *ctx)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		++*(unsigned *)ctx;
}

static void count(int pid, void *ctx)
{
	(void)pid;
	++*(unsigned *)ctx;
}

/* Without cgroup.kill: stopped, so that nothing is born meanwhile, killed, let go. */
static void kill_one_by_one(const struct cgroup_place *p, struct respond_result *out)
{
	struct respond_result ignored;
	unsigned first = 0, left = 0;

	cgroup_freeze(p, &ignored);
	cgroup_each(p, count_and_kill, &first);
	cgroup_thaw(p, &ignored);
	for (unsigned i = 0; i < KILL_ROUNDS; i++) {
		left = 0;
		cgroup_each(p, count_and_kill, &left);
		if (!left)
			break;
		pause_ms(WAIT_STEP_MS);
	}
	if (left)
		respond_say(out, RESPOND_FAILED, "%u processes of %s do not end", left, p->path);
	else
		respond_say(out, RESPOND_DONE, "killed %u processes of %s, one by one", first,
			    p->path);
}

void cgroup_kill(const struct cgroup_place *p, struct respond_result *out)
{
	unsigned n = 0, left = 0;

	cgroup_each(p, count, &n);
	if (!p->v2[0] || write_file(p->v2, "cgroup.kill", "1") < 0) { /* before Linux 5.14 */
		kill_one_by_one(p, out);
		return;
	}
	if (p->v1[0]) /* a process that the other freezer holds ends when it is let go */
		write_file(p->v1, "freezer.state", "THAWED");
	for (unsigned ms = 0; ms < WAIT_MS; ms += WAIT_STEP_MS) {
		left = 0;
		cgroup_each(p, count, &left);
		if (!left)
			break;
		pause_ms(WAIT_STEP_MS);
	}
	respond_say(out, RESPOND_DONE, "killed %u processes (cgroup.kill of %s)%s", n, p->path,
		    left ? "; the kernel is still ending some" : "");
}
