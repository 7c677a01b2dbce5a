#include "respond/exec_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "respond/procinfo.h"

enum { GUARDED_MAX = 1024, MOUNTS_TEXT = 1024 * 1024 };

struct guarded {
	char id[RESPOND_ID_MAX], cgroup[RESPOND_CGROUP_MAX];
};

struct exec_guard {
	exec_decide_fn *decide;
	void *ctx;
	int fan, wake; /* fanotify; eventfd that ends the thread */
	bool running;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	struct guarded *all;
	size_t n, cap;
};

/* ---- answers, in the thread */

/* The guarded container that the process is in, copied; false: none. */
static bool whose(struct exec_guard *g, pid_t pid, char id[RESPOND_ID_MAX])
{
	char cgroup[RESPOND_CGROUP_MAX];
	bool found = false;

	if (procinfo_cgroup(pid, cgroup, sizeof(cgroup)) < 0)
		return false;
	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->n && !found; i++)
		if (strstr(cgroup, g->all[i].id)) {
			memcpy(id, g->all[i].id, RESPOND_ID_MAX);
			found = true;
		}
	pthread_mutex_unlock(&g->lock);
	return found;
}

static uint32_t answer_for(struct exec_guard *g, const struct fanotify_event_metadata *m)
{
	struct exec_asked a = { .pid = (uint32_t)m->pid };
	char link[64];
	ssize_t n;

	if (m->pid <= 0 || m->pid == getpid() || !whose(g, m->pid, a.container))
		return FAN_ALLOW;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", m->fd);
	n = readlink(link, a.path, sizeof(a.path) - 1);
	if (n < 0)
		return FAN_ALLOW;
	return g->decide(g->ctx, &a, m->fd) ? FAN_DENY : FAN_ALLOW;
}

static void answer(struct exec_guard *g, const struct fanotify_event_metadata *m)
{
	struct fanotify_response r = { .fd = m->fd, .response = FAN_ALLOW };

	if (m->fd < 0)
		return;
	if (m->mask & FAN_OPEN_EXEC_PERM)
		r.response = answer_for(g, m);
	if (write(g->fan, &r, sizeof(r)) < 0)
		r.response = 0; /* the process that asked is gone */
	close(m->fd);
}

static void *run(void *arg)
{
	_Alignas(struct fanotify_event_metadata) char events[4096];
	struct exec_guard *g = arg;
	struct pollfd fds[] = { { .fd = g->fan, .events = POLLIN },
				{ .fd = g->wake, .events = POLLIN } };

	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 || errno == EINTR) {
		const struct fanotify_event_metadata *m = (const void *)events;
		ssize_t len;

		if (fds[1].revents)
			break;
		len = read(g->fan, events, sizeof(events));
		if (len < 0 && errno != EAGAIN && errno != EINTR)
			break;
		for (; len > 0 && FAN_EVENT_OK(m, len); m = FAN_EVENT_NEXT(m, len))
			answer(g, m);
	}
	return NULL;
}

/* ---- where it is asked */

/* mountinfo has blanks and others as \040 (proc(5)). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned v;

		if (*s == '\\' && sscanf(s + 1, "%3o", &v) == 1 && strlen(s) >= 4) {
			*to++ = (char)v;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* File systems of the kernel, from which nothing is executed. */
static bool has_programs(const char *type, const char *options)
{
	static const char *const none[] = { "proc",	"sysfs",  "cgroup",   "cgroup2", "devpts",
					    "mqueue",	"bpf",	  "tracefs",  "debugfs", "nsfs",
					    "devtmpfs", "pstore", "hugetlbfs" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (!strcmp(type, none[i]))
			return false;
	return !strstr(options, "noexec");
}

/*
 * One line of mountinfo. The whole file system where it is the container's own (overlay), so that
 * another mount of it is no way around; elsewhere this mount, since others use the same disk.
 */
static int mark_line(struct exec_guard *g, pid_t pid, char *line)
{
	cleanup_free char *path = NULL;
	char where[RESPOND_PATH_MAX], options[512], type[64] = "";
	char *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*d %*d %*s %*s %4095s %511s", where, options) != 2 ||
	    sscanf(dash, " - %63s", type) != 1 || !has_programs(type, options))
		return 0;
	unescape(where);
	path = xasprintf("/proc/%d/root%s", pid, strcmp(where, "/") ? where : "/.");
	if (fanotify_mark(g->fan,
			  FAN_MARK_ADD |
				  (strcmp(type, "overlay") ? FAN_MARK_MOUNT : FAN_MARK_FILESYSTEM),
			  FAN_OPEN_EXEC_PERM, AT_FDCWD, path) < 0)
		return strcmp(where, "/") ? 0 : -errno; /* a mount may be hidden below another */
	return 1;
}

static int mark_all(struct exec_guard *g, pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/mountinfo", pid);
	cleanup_buf struct buf text = { 0 };
	int marked = 0, err = io_read_file(path, MOUNTS_TEXT, &text, NULL);
	char *save = NULL;

	if (err < 0)
		return err;
	for (char *line = strtok_r(text.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		err = mark_line(g, pid, line);
		if (err < 0)
			return err;
		marked += err;
	}
	return marked;
}

/* ---- the way in */

/* Containers that are gone make room. */
static void sweep(struct exec_guard *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++)
		if (cgroup_number(g->all[i].cgroup))
			g->all[kept++] = g->all[i];
	g->n = kept;
}

static bool guard(struct exec_guard *g, const struct respond_request *q)
{
	bool there = false;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->n; i++)
		there |= !strcmp(g->all[i].id, q->container);
	if (!there && g->n >= GUARDED_MAX)
		sweep(g);
	if (!there && g->n < GUARDED_MAX) {
		struct guarded *c = vec_push(g->all, g->n, g->cap);

		memcpy(c->id, q->container, sizeof(c->id));
		memcpy(c->cgroup, q->cgroup, sizeof(c->cgroup));
		there = true;
	}
	pthread_mutex_unlock(&g->lock);
	return there;
}

/* A file of the container, which links of the container do not lead out of it. */
static int open_in(pid_t member, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	cleanup_close int root = -1;
	char folder[64];

	snprintf(folder, sizeof(folder), "/proc/%d/root", member);
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* From the process, when it still runs and is there; else from its place. -1: none. */
static int open_program(const struct respond_request *q, pid_t member)
{
	char cgroup[RESPOND_CGROUP_MAX], exe[64];
	struct stat st;
	int fd = -1;

	if (q->exe[0] != '/')
		return -1;
	snprintf(exe, sizeof(exe), "/proc/%u/exe", q->pid);
	if (q->pid && procinfo_cgroup((pid_t)q->pid, cgroup, sizeof(cgroup)) == 0 &&
	    strstr(cgroup, q->container))
		fd = open(exe, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = open_in(member, q->exe);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void first_member(int pid, void *ctx)
{
	if (!*(pid_t *)ctx)
		*(pid_t *)ctx = pid;
}

static int start(struct exec_guard *g)
{
	if (g->running)
		return 0;
	g->fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK,
			       O_RDONLY | O_LARGEFILE | O_CLOEXEC);
	if (g->fan < 0)
		return -errno;
	if (pthread_create(&g->thread, NULL, run, g) != 0)
		return -EAGAIN;
	g->running = true;
	return 0;
}

void exec_guard_add(struct exec_guard *g, const struct respond_request *q,
		    const struct cgroup_place *p, int *program, struct respond_result *out)
{
	pid_t member = 0;
	int marked;

	*program = -1;
	cgroup_each(p, first_member, &member);
	marked = start(g);
	if (marked == 0 && member)
		marked = mark_all(g, member);
	if (marked <= 0) {
		respond_say(out, RESPOND_FAILED, "cannot be asked before executions: %s",
			    member ? strerror(-marked) : "the container has no process");
		return;
	}
	if (!guard(g, q)) {
		respond_say(out, RESPOND_FAILED, "more than %d containers", GUARDED_MAX);
		return;
	}
	*program = open_program(q, member);
	respond_say(out, RESPOND_DONE, "executions are asked for on %d mounts (fanotify)", marked);
}

/* The marks stay, and their answer is yes. */
void exec_guard_remove(struct exec_guard *g, const char *container)
{
	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->all[i].id, container)) {
			g->all[i] = g->all[--g->n];
			break;
		}
	pthread_mutex_unlock(&g->lock);
}

void exec_guard_new(struct exec_guard **out, exec_decide_fn *decide, void *ctx)
{
	struct exec_guard *g = xcalloc(1, sizeof(*g));

	g->decide = decide;
	g->ctx = ctx;
	g->fan = -1;
	g->wake = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&g->lock, NULL);
	*out = g;
}

void exec_guard_free(struct exec_guard *g)
{
	uint64_t one = 1;

	if (!g)
		return;
	if (g->running && write(g->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(g->thread, NULL);
	if (g->fan >= 0)
		close(g->fan);
	close(g->wake);
	free(g->all);
	pthread_mutex_destroy(&g->lock);
	free(g);
}
