#include "respond/protect.h"

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "respond/procinfo.h"

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h */

/* Programs that start and keep containers; shims have their version behind the name. */
static const char *const runtime_names[] = {
	"boltseal",  "containerd", "containerd-shim", "dockerd",     "docker-proxy", "runc",
	"crun",	     "conmon",	   "kubelet",	      "crio",	     "youki",	     "podman",
	"buildkitd", "kata-agent", "runsc",	      "docker-init",
};
static const char *const folders[] = { "/usr/bin",	  "/usr/sbin",		 "/usr/local/bin",
				       "/usr/local/sbin", "/usr/libexec/podman", "/opt/bin" };

struct runtime {
	dev_t dev;
	ino_t ino;
	off_t size;
	char *path;
	char sha256[SHA256_HEX]; /* "": not computed yet */
};

struct respond_protect {
	pid_t self;
	struct stat own; /* boltseal's executable */
	ino_t mnt;	 /* the first process's mount namespace */
	struct runtime *runtimes;
	size_t runtimes_n, runtimes_cap;
};

bool respond_is_runtime_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(runtime_names); i++)
		if (!strcmp(name, runtime_names[i]))
			return true;
	return !strncmp(name, "containerd-shim-", strlen("containerd-shim-"));
}

static void add_runtime(struct respond_protect *p, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	for (size_t i = 0; i < p->runtimes_n; i++)
		if (p->runtimes[i].dev == st.st_dev && p->runtimes[i].ino == st.st_ino)
			return;
	*vec_push(p->runtimes, p->runtimes_n, p->runtimes_cap) = (struct runtime){
		.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .path = xstrdup(path)
	};
}

static ino_t mount_namespace(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* Runtimes that run from other folders than the usual ones. */
static void add_running(struct respond_protect *p)
{
	cleanup_closedir DIR *dir = opendir("/proc");
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char link[64], exe[RESPOND_EXE_MAX];
		pid_t pid = atoi(d->d_name);

		if (pid <= 0 || mount_namespace(pid) != p->mnt ||
		    procinfo_link(pid, "exe", exe, sizeof(exe)) < 0 ||
		    !respond_is_runtime_name(path_base_name(exe)))
			continue;
		snprintf(link, sizeof(link), "/proc/%d/exe", pid);
		add_runtime(p, link);
	}
}

struct respond_protect *respond_protect_new(void)
{
	struct respond_protect *p = xcalloc(1, sizeof(*p));

	p->self = getpid();
	/* Of the first process, where that may be looked at: this process's is the host's, then. */
	p->mnt = mount_namespace(1);
	if (!p->mnt)
		p->mnt = mount_namespace(p->self);
	if (stat("/proc/self/exe", &p->own) < 0)
		memset(&p->own, 0, sizeof(p->own));
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		for (size_t k = 0; k < ARRAY_SIZE(runtime_names); k++) {
			cleanup_free char *path = xasprintf("%s/%s", folders[i], runtime_names[k]);

			add_runtime(p, path);
		}
	add_running(p);
	return p;
}

void respond_protect_free(struct respond_protect *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->runtimes_n; i++)
		free(p->runtimes[i].path);
	free(p->runtimes);
	free(p);
}

static bool same_bytes(struct runtime *r, const char *exe)
{
	char hex[SHA256_HEX];

	if (!r->sha256[0] && procinfo_sha256(r->path, r->sha256) < 0)
		return false;
	return procinfo_sha256(exe, hex) == 0 && !strcmp(hex, r->sha256);
}

static bool is_runtime_file(struct respond_protect *p, pid_t pid)
{
	struct stat st;
	char exe[64];

	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	if (stat(exe, &st) < 0)
		return false;
	for (size_t i = 0; i < p->runtimes_n; i++) {
		struct runtime *r = &p->runtimes[i];

		if ((r->dev == st.st_dev && r->ino == st.st_ino) ||
		    (r->size == st.st_size && same_bytes(r, exe)))
			return true;
	}
	return false;
}

const char *respond_protected(struct respond_protect *p, pid_t pid)
{
	char exe[RESPOND_EXE_MAX];
	struct procinfo info;
	struct stat st;
	char path[64];

	if (pid == 1)
		return "the first process";
	if (pid == p->self)
		return "boltseal itself";
	if (procinfo_read(pid, &info) < 0)
		return NULL;
	if (info.flags & PF_KTHREAD || pid == 2 || info.ppid == 2)
		return "a kernel thread";
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (p->own.st_ino && stat(path, &st) == 0 && st.st_dev == p->own.st_dev &&
	    st.st_ino == p->own.st_ino)
		return "boltseal itself";
	if (mount_namespace(pid) == p->mnt && procinfo_link(pid, "exe", exe, sizeof(exe)) >= 0 &&
	    respond_is_runtime_name(path_base_name(exe)))
		return "the container runtime";
	return is_runtime_file(p, pid) ? "the container runtime" : NULL;
}

static const char *protected_list(struct respond_protect *p, const char *folder)
{
	cleanup_free char *path = xasprintf("%s/cgroup.procs", folder);
	cleanup_fclose FILE *f = fopen(path, "re");
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1) {
		const char *what;

		/* A runtime's process that becomes the container's is the container's. */
		if (pid == 1 || pid == p->self || mount_namespace(pid) == p->mnt)
			if ((what = respond_protected(p, pid)))
				return what;
	}
	return NULL;
}

const char *respond_protected_group(struct respond_protect *p, const char *folder)
{
	const char *what = protected_list(p, folder);
	cleanup_closedir DIR *dir = opendir(folder);
	const struct dirent *d;

	while (!what && dir && (d = readdir(dir))) {
		cleanup_free char *sub = NULL;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		sub = xasprintf("%s/%s", folder, d->d_name);
		what = respond_protected_group(p, sub);
	}
	return what;
}

bool respond_is_own_container(const char *id)
{
	char text[8192];

	return *id && io_read_small("/proc/self/cgroup", text, sizeof(text)) == 0 &&
	       strstr(text, id);
}
