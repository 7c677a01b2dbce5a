/*
 * The runtime base: what a container runtime itself calls between installing the seccomp filter and
 * executing the container's program. Every profile has to allow that. Measured by starting a
 * program that only ends, with a filter that allows everything.
 */
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "app/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "sensor/record_bpf.h"

enum { POLL_MS = 20, START_TIMEOUT_MS = 30000 };

/* ELF-64 header and one program header (elf(5)), then exit_group(0). */
static size_t exit_program(unsigned char *out)
{
#if defined(__x86_64__)
	static const unsigned char code[] = { 0xb8, 0xe7, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05 };
	const unsigned char machine = 62; /* EM_X86_64 */
#else
	static const unsigned char code[] = { 0xc8, 0x0b, 0x80, 0xd2, 0, 0,
					      0x80, 0xd2, 0x01, 0,    0, 0xd4 };
	const unsigned char machine = 183; /* EM_AARCH64 */
#endif
	enum { EHDR = 64, PHDR = 56, BASE = 0x400000 };
	const size_t size = EHDR + PHDR + sizeof(code);
	unsigned char *ph = out + EHDR;

	memset(out, 0, EHDR + PHDR);
	memcpy(out, "\177ELF\2\1\1", 7);
	out[16] = 2; /* ET_EXEC */
	out[18] = machine;
	out[20] = 1;
	out[24] = EHDR + PHDR; /* e_entry = BASE + 120 */
	out[26] = BASE >> 16;
	out[32] = EHDR; /* e_phoff */
	out[52] = EHDR;
	out[54] = PHDR;
	out[56] = 1;
	ph[0] = 1; /* PT_LOAD */
	ph[4] = 5; /* PF_R | PF_X */
	ph[18] = BASE >> 16;
	ph[26] = BASE >> 16;
	ph[32] = ph[40] = (unsigned char)size;
	ph[49] = 0x10; /* p_align 0x1000 */
	memcpy(out + EHDR + PHDR, code, sizeof(code));
	return size;
}

static void put_config(struct buf *b, bool nnp)
{
	static const char *const caps[] = { "bounding", "effective", "permitted" };
	static const char *const ns[] = { "pid", "mount", "uts", "ipc", "network" };

	buf_printf(b,
		   "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
		   "\"process\":{\"args\":[\"/exit\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0},"
		   "\"noNewPrivileges\":%s,\"capabilities\":{",
		   nnp ? "true" : "false");
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		buf_printf(b, "%s\"%s\":[\"CAP_KILL\",\"CAP_SETUID\",\"CAP_SETGID\"]", i ? "," : "",
			   caps[i]);
	buf_puts(b, "}},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":"
		    "\"proc\"}],\"linux\":{\"namespaces\":[");
	for (size_t i = 0; i < ARRAY_SIZE(ns); i++)
		buf_printf(b, "%s{\"type\":\"%s\"}", i ? "," : "", ns[i]);
	/* A filter that allows everything; the one rule makes the runtimes install it. */
	buf_puts(b, "],\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		    "\"lookup_dcookie\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}]}}}\n");
}

static int make_bundle(const char *dir, bool nnp, struct err *e)
{
	static const char *const dirs[] = { "rootfs", "rootfs/proc", "rootfs/dev", "rootfs/sys" };
	cleanup_buf struct buf config = { 0 };
	cleanup_free char *exe = xasprintf("%s/rootfs/exit", dir);
	cleanup_free char *json = xasprintf("%s/config.json", dir);
	unsigned char elf[256];
	size_t n = exit_program(elf);
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, dirs[i]);

		if (mkdir(path, 0755) < 0)
			return err_errno(e, errno, "%s", path);
	}
	r = io_write_file(exe, elf, n, e);
	if (r == 0 && chmod(exe, 0755) < 0)
		r = err_errno(e, errno, "%s", exe);
	put_config(&config, nnp);
	return r ? r : io_write_file(json, buf_str(&config), config.len, e);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_bundle(char **dir)
{
	if (*dir && **dir)
		nftw(*dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(*dir);
}

/*
 * crun refuses hosts with both cgroup hierarchies; there it runs without cgroups, in a mount
 * namespace in which the second hierarchy is not mounted.
 */
static bool hybrid_cgroups(void)
{
	return access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0;
}

static _Noreturn void runtime_child(const char *runtime, const char *dir, const char *id)
{
	bool no_cgroup = !strcmp(runtime, "crun") && hybrid_cgroups();
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	signal(SIGINT, SIG_IGN);
	if (no_cgroup &&
	    (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	     umount2("/sys/fs/cgroup/unified", MNT_DETACH) < 0))
		_exit(126);
	if (no_cgroup)
		execlp(runtime, runtime, "--cgroup-manager=disabled", "run", "--bundle", dir, id,
		       NULL);
	else
		execlp(runtime, runtime, "run", "--bundle", dir, id, NULL);
	_exit(127);
}

struct base {
	struct recording *rec;
	struct record_bpf *r;
	const char *id;
};

static void on_event(const struct record_bpf_event *ev, void *arg)
{
	struct base *b = arg;
	struct runtime_call call;

	if (ev->kind == RECORD_RUNTIME) {
		runtime_call_parse(ev->argv, ev->argv_len, &call);
		if (!strcmp(call.id, b->id))
			record_bpf_keep(b->r, ev->slot, &b->rec->model, b->rec->source);
		else
			record_bpf_drop(b->r, ev->slot);
	}
}

static int start_once(struct base *b, const char *runtime, const char *dir, struct err *e)
{
	int64_t deadline = (int64_t)clock_ms(CLOCK_MONOTONIC) + START_TIMEOUT_MS;
	int status = 0, err = 0;
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "cannot fork");
	if (pid == 0)
		runtime_child(runtime, dir, b->id);
	while (err == 0 && waitpid(pid, &status, WNOHANG) == 0) {
		err = record_bpf_poll(b->r, POLL_MS, on_event, b, e);
		if ((int64_t)clock_ms(CLOCK_MONOTONIC) > deadline || record_over(b->rec)) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return err_set(e, ETIMEDOUT, "%s did not end the test container", runtime);
		}
	}
	if (err < 0)
		return err;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, EIO,
			       "%s run failed with status %d; try it by hand with a bundle of "
			       "its own",
			       runtime,
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return record_bpf_poll(b->r, 0, on_event, b, e);
}

static void set_identity(struct recording *rec, const char *runtime)
{
	const char *argv[] = { runtime, "--version", NULL };
	struct workload *w = &rec->model;
	cleanup_buf struct buf out = { 0 };

	w->identity.runtime = wl_string(w, runtime);
	if (proc_capture(argv, 4096, 5000, &out, NULL) == 0) {
		if (out.p)
			out.p[strcspn(out.p, "\n")] = '\0';
		w->identity.image = wl_string(w, buf_str(&out)); /* "runc version 1.1.5" */
	}
}

int record_runtime_base(struct recording *rec, const char *runtime, bool no_new_privs,
			uint64_t runs, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	cleanup(remove_bundle) char *dir = xasprintf("%s/boltseal-base.XXXXXX",
						     tmp && *tmp ? tmp : "/var/tmp");
	struct base b = { .rec = rec };
	int err;

	if (!proc_exists(runtime))
		return err_set(e, ENOENT, "%s is not installed", runtime);
	err = record_bpf_new(&b.r, &(struct record_bpf_options){ .watch_runtimes = true }, e);
	if (err < 0) {
		*dir = '\0';
		return err;
	}
	if (!mkdtemp(dir)) {
		err = err_errno(e, errno, "%s", dir);
		*dir = '\0';
	} else {
		err = make_bundle(dir, no_new_privs, e);
	}
	for (uint64_t i = 0; err == 0 && i < runs; i++) {
		cleanup_free char *id = xasprintf("boltseal-base-%d-%llu", getpid(),
						  (unsigned long long)i);

		b.id = id;
		log_progress_update(&rec->progress, "start %llu of %llu", (unsigned long long)i + 1,
				    (unsigned long long)runs);
		err = start_once(&b, runtime, dir, e);
	}
	if (err == 0)
		err = record_bpf_collect(b.r, e);
	record_bpf_free(b.r);
	rec->model.sources[rec->source].runs = runs;
	set_identity(rec, runtime);
	return err;
}
