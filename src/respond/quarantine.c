/* Evidence: what can be copied of a stopped container before anybody touches it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "respond/act_private.h"
#include "respond/procinfo.h"

enum {
	COPY_MAX = 256 * 1024 * 1024, /* of an executable */
	TEXT_MAX = 1024 * 1024,	      /* of a file of /proc */
	PROCESSES_MAX = 4096,
	FDS_MAX = 1024, /* of a process */
};

struct collecting {
	const char *folder;
	struct json_object *processes;
	unsigned n;
	pid_t first;
};

/* Files of /proc/PID that are kept as they are, of the first process. */
static const char *const proc_files[] = {
	"maps",	    "status",  "mountinfo", "cgroup",	"net/tcp",
	"net/tcp6", "net/udp", "net/udp6",  "net/unix", "limits"
};

static int copy_file(const char *from, const char *to)
{
	cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_close int out = -1;
	size_t total = 0;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (out < 0)
		return -errno;
	while (total < COPY_MAX && (n = sendfile(out, in, NULL, COPY_MAX - total)) > 0)
		total += (size_t)n;
	return n < 0 ? -errno : 0;
}

static void add_bytes(struct json_object *o, const char *key, const char *text)
{
	cleanup_buf struct buf b = { 0 };
	struct json_object *v;

	json_put_bytes(&b, text);
	v = json_tokener_parse(buf_str(&b));
	json_add(o, key, v ? v : json_object_new_string(""));
}

static void add_link(struct json_object *o, pid_t pid, const char *name)
{
	char link[RESPOND_PATH_MAX];

	if (procinfo_link(pid, name, link, sizeof(link)) >= 0)
		add_bytes(o, name, link);
}

static void add_words(struct json_object *o, pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/cmdline", pid);
	cleanup_buf struct buf text = { 0 };

	if (io_read_file(path, TEXT_MAX, &text, NULL) < 0)
		return;
	for (size_t i = 0; i + 1 < text.len; i++)
		if (!text.p[i])
			text.p[i] = ' ';
	add_bytes(o, "cmdline", buf_str(&text));
}

static void add_fds(struct json_object *o, pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/fd", pid);
	cleanup_closedir DIR *dir = opendir(path);
	struct json_object *fds = json_object_new_object();
	const struct dirent *d;
	unsigned n = 0;

	while (dir && n < FDS_MAX && (d = readdir(dir))) {
		char name[300], link[RESPOND_PATH_MAX];

		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "fd/%s", d->d_name);
		if (procinfo_link(pid, name, link, sizeof(link)) >= 0)
			add_bytes(fds, d->d_name, link);
		n++;
	}
	json_add(o, "fds", fds);
}

static void add_process(int pid, void *ctx)
{
	struct collecting *c = ctx;
	cleanup_free char *exe = xasprintf("/proc/%d/exe", pid);
	struct json_object *o;
	struct procinfo info;
	char hex[65];

	if (c->n++ >= PROCESSES_MAX || procinfo_read(pid, &info) < 0)
		return;
	if (!c->first)
		c->first = pid;
	o = json_object_new_object();
	json_add(o, "pid", json_object_new_int(pid));
	json_add(o, "ppid", json_object_new_int(info.ppid));
	add_link(o, pid, "exe");
	add_link(o, pid, "cwd");
	add_words(o, pid);
	if (procinfo_sha256(exe, hex) == 0)
		json_add(o, "sha256", json_object_new_string(hex));
	add_fds(o, pid);
	json_append(c->processes, o);
}

static void keep_proc_files(const struct collecting *c, pid_t pid)
{
	for (size_t i = 0; pid && i < ARRAY_SIZE(proc_files); i++) {
		cleanup_free char *from = xasprintf("/proc/%d/%s", pid, proc_files[i]);
		cleanup_free char *to = xasprintf("%s/%s", c->folder, proc_files[i]);
		cleanup_buf struct buf text = { 0 };
		char *slash = strchr(to + strlen(c->folder) + 1, '/');

		if (slash)
			*slash = '-';
		if (io_read_file(from, TEXT_MAX, &text, NULL) == 0)
			io_write_file(to, buf_str(&text), text.len, NULL);
	}
}

/* The program that the rule fired for, from the process or, when that ended, by its path. */
static bool keep_program(struct respond *r, const struct collecting *c,
			 const struct respond_request *q)
{
	cleanup_free char *to = xasprintf("%s/executable", c->folder);
	cleanup_free char *exe = xasprintf("/proc/%u/exe", q->pid);
	cleanup_free char *path = NULL;
	struct procinfo info;

	(void)r;
	if (q->pid && procinfo_read((pid_t)q->pid, &info) == 0 && copy_file(exe, to) == 0)
		return true;
	if (!c->first || q->exe[0] != '/' || strstr(q->exe, "/../"))
		return false;
	path = xasprintf("/proc/%d/root%s", c->first, q->exe);
	return copy_file(path, to) == 0;
}

static char *new_folder(const char *evidence, const char *container, struct err *e)
{
	cleanup_free char *folder = NULL;
	time_t now = time(NULL);
	struct tm tm;
	char when[32];

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	if (io_make_folder(evidence, 0700, e) < 0)
		return NULL;
	folder = xasprintf("%s/%s-%.12s", evidence, when, container);
	if (mkdir(folder, 0700) == 0)
		return take_ptr(folder);
	err_errno(e, errno, "%s: cannot make the folder", folder);
	return NULL;
}

void quarantine_collect(struct respond *r, const struct respond_request *q,
			const struct cgroup_place *p, struct respond_result *out)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct err e = { 0 };
	cleanup_free char *folder = new_folder(r->evidence, q->container, &e);
	cleanup_free char *path = NULL, *text = NULL;
	struct collecting c = { .folder = folder };
	bool program;

	if (!folder) {
		respond_say(out, RESPOND_FAILED, "no evidence: %.300s", e.msg);
		return;
	}
	c.processes = json_object_new_array();
	json_add(o, "format", json_object_new_string("boltseal.evidence/1"));
	json_add(o, "container", json_object_new_string(q->container));
	add_bytes(o, "cgroup", p->path);
	add_bytes(o, "rule", q->rule);
	add_bytes(o, "program", q->exe);
	json_add(o, "pid", json_object_new_int64(q->pid));
	json_add(o, "processes", c.processes);
	cgroup_each(p, add_process, &c);
	keep_proc_files(&c, c.first);
	program = keep_program(r, &c, q);
	json_add(o, "executable", json_object_new_boolean(program));
	path = xasprintf("%s/listing.json", folder);
	text = json_text(o);
	if (io_write_file(path, text, strlen(text), &e) < 0)
		respond_say(out, RESPOND_FAILED, "no evidence: %.300s", e.msg);
	else
		respond_say(out, RESPOND_DONE, "evidence of %u processes in %s%s", c.n, folder,
			    program ? "" : ", without the executable, which is gone");
}
