#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "app/command.h"
#include "app/record.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "sensor/record_ptrace.h"

/* Set by SIGINT and SIGTERM while a recording runs. */
static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	stop_signal = sig;
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: polls return at once */

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool record_over(struct recording *rec)
{
	if (stop_signal)
		rec->interrupted = true;
	return rec->interrupted ||
	       (rec->deadline_ms && (int64_t)clock_ms(CLOCK_MONOTONIC) >= rec->deadline_ms);
}

void record_incomplete(struct recording *rec, const char *reason)
{
	struct wl_source *s = &rec->model.sources[rec->source];

	s->complete = false;
	if (!s->incomplete_reason)
		s->incomplete_reason = wl_string(&rec->model, reason);
}

static const char *timestamp(struct workload *w)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm); /* RFC 3339 */
	return wl_string(w, text);
}

static void begin(struct recording *rec, enum wl_source_kind kind, const char *target)
{
	struct workload *w = &rec->model;
	struct wl_source *s;
	struct utsname u;

	wl_init(w);
	rec->source = wl_source_add(w, kind);
	rec->command_status = -1;
	s = &w->sources[rec->source];
	s->target = wl_string(w, target);
	s->started = timestamp(w);
	s->version = BOLTSEAL_VERSION;
	if (uname(&u) == 0)
		s->kernel = wl_string(w, u.release);
	w->identity.arch = sc_abi_name(sc_abi_native());
}

/* ---- what is to be recorded */

struct target {
	char **command; /* NULL: not this */
	const char *container, *cgroup, *runtime_base;
	pid_t *pids;
	size_t pids_n;
	char *text; /* for the source and for messages */
	char *name; /* of the model */
};

static void free_target(struct target *t)
{
	free(t->pids);
	free(t->text);
	free(t->name);
}

static char *base_name_of(const char *path)
{
	const char *name = path_base_name(path);

	return xstrdup(*name ? name : path);
}

static char *join(char **argv)
{
	struct buf b = { 0 };

	for (size_t i = 0; argv[i]; i++)
		buf_printf(&b, "%s%s", i ? " " : "command ", argv[i]);
	return buf_take(&b);
}

static int parse_pids(struct args *a, struct target *t, struct err *e)
{
	size_t cap = 0;
	const char *v;

	for (size_t i = 0; (v = args_value_at(a, "pid", i)); i++) {
		char *end;
		long pid = strtol(v, &end, 10);

		if (*end || end == v || pid < 1 || pid > 4194304)
			return usage_error(a, e, "--pid expects a process id, found '%s'", v);
		if (t->pids_n == RECORD_MAX_PIDS)
			return usage_error(a, e, "at most %d --pid", RECORD_MAX_PIDS);
		*vec_push(t->pids, t->pids_n, cap) = (pid_t)pid;
	}
	return 0;
}

/* Options that say something of one kind of target only. */
static int check_options(struct args *a, const struct target *t, struct err *e)
{
	const struct {
		const char *option, *needs;
		bool fits;
	} only[] = {
		{ "no-wait", "--container", t->container },
		{ "runs", "--container or --runtime-base", t->container || t->runtime_base },
		{ "no-new-privileges", "--runtime-base", t->runtime_base },
		{ "tty", "a command", t->command },
	};

	for (size_t i = 0; i < ARRAY_SIZE(only); i++)
		if (args_has(a, only[i].option) && !only[i].fits) {
			usage_error(a, e, "--%s needs %s", only[i].option, only[i].needs);
			return -EINVAL;
		}
	return 0;
}

static int parse_target(struct args *a, struct target *t, struct err *e)
{
	unsigned kinds;

	if (args_count(a))
		t->command = args_rest(a, 0);
	t->container = args_value(a, "container");
	t->cgroup = args_value(a, "cgroup");
	t->runtime_base = args_value(a, "runtime-base");
	if (parse_pids(a, t, e))
		return -EINVAL;
	kinds = !!t->command + !!t->container + !!t->cgroup + !!t->runtime_base + !!t->pids_n;
	if (kinds != 1) {
		usage_error(a, e,
			    "say what to record: one of -- COMMAND, --container, --pid, "
			    "--cgroup, --runtime-base");
		return -EINVAL;
	}
	if (check_options(a, t, e))
		return -EINVAL;
	if (t->command) {
		t->text = join(t->command);
		t->name = base_name_of(t->command[0]);
	} else if (t->container) {
		t->text = xasprintf("container %s", t->container);
		t->name = xstrdup(t->container);
	} else if (t->cgroup) {
		t->text = xasprintf("cgroup %s", t->cgroup);
		t->name = base_name_of(t->cgroup);
	} else if (t->runtime_base) {
		t->text = xasprintf("runtime base of %s, no_new_privs %s", t->runtime_base,
				    args_has(a, "no-new-privileges") ? "on" : "off");
		t->name = xasprintf("%s-base", t->runtime_base);
	} else {
		t->text = xasprintf("pid %d", t->pids[0]);
		t->name = xasprintf("pid-%d", t->pids[0]);
	}
	return 0;
}

/* ---- with eBPF or ptrace */

static int record_bpf(struct recording *rec, struct args *a, const struct target *t, struct err *e)
{
	uint64_t runs;

	if (args_u64(a, "runs", t->runtime_base ? 25 : 1, 1, 10000, &runs, e))
		return -EINVAL;
	if (t->command)
		return record_command_bpf(rec, t->command, e);
	if (t->container)
		return record_container_bpf(rec, t->container, !args_has(a, "no-wait"), runs, e);
	if (t->cgroup)
		return record_cgroup_bpf(rec, t->cgroup, e);
	if (t->runtime_base)
		return record_runtime_base(rec, t->runtime_base, args_has(a, "no-new-privileges"),
					   runs, e);
	return record_running_bpf(rec, t->pids, t->pids_n, e);
}

static int record_with_ptrace(struct recording *rec, const struct target *t,
			      struct record_ptrace_keep **keep, struct err *e)
{
	struct record_ptrace_options o = {
		.argv = t->command,
		.pids = t->pids,
		.pids_n = t->pids_n,
		.stop = &stop_signal,
		.own_session = !rec->own_terminal,
		.keep = t->command ? keep : NULL,
	};

	if (!t->command && !t->pids_n)
		return err_set(e, EPERM,
			       "%s cannot be followed with ptrace; this needs the right to "
			       "use BPF",
			       t->text);
	return record_ptrace(&rec->model, rec->source, &o, &rec->command_status, e);
}

/* ---- the end */

static size_t count_syscalls(const struct workload *w, uint32_t phases)
{
	size_t n = 0;

	for (size_t i = 0; i < w->syscalls_n; i++)
		n += (w->syscalls[i].prov.phases & phases) != 0;
	return n;
}

static size_t count_caps(const struct workload *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < 64; i++)
		n += wl_cap_needed(w, i, WL_PROGRAM_PHASES);
	return n;
}

static void report(const struct recording *rec, const struct target *t, const char *output)
{
	const struct workload *w = &rec->model;
	const struct wl_source *s = &w->sources[rec->source];
	int st = rec->command_status;

	if (t->runtime_base)
		log_note("%s: %zu system calls under its own filter in %llu starts -> %s",
			 t->runtime_base, count_syscalls(w, WL_PHASE_BIT(WL_SEALED)),
			 (unsigned long long)s->runs, output);
	else
		log_note("%s: %zu system calls (start %zu, serving %zu), %zu capabilities, %zu "
			 "files, "
			 "%zu programs -> %s",
			 w->identity.name, count_syscalls(w, WL_PROGRAM_PHASES),
			 count_syscalls(w, WL_PHASE_BIT(WL_START)),
			 count_syscalls(w, WL_PHASE_BIT(WL_SERVING)), count_caps(w), w->files_n,
			 w->programs_n, output);
	if (!s->complete)
		log_warn("the model is incomplete: %s", s->incomplete_reason);
	for (size_t i = 0; i < s->loss_n; i++)
		log_warn("lost: %llu %s", (unsigned long long)s->loss[i].count, s->loss[i].what);
	if (st >= 0 && WIFEXITED(st) && WEXITSTATUS(st))
		log_note("the command exited with status %d", WEXITSTATUS(st));
	else if (st >= 0 && WIFSIGNALED(st))
		log_note("the command was killed by signal %d (%s)", WTERMSIG(st),
			 strsignal(WTERMSIG(st)));
}

/* Writes the model; the exit code of the command. */
static int finish(struct recording *rec, struct args *a, const struct target *t, struct err *e)
{
	struct workload *w = &rec->model;
	struct wl_source *s = &w->sources[rec->source];
	const char *name = args_value(a, "name");
	cleanup_free char *fallback = NULL;
	const char *output = args_value(a, "output");

	log_progress_end(&rec->progress);
	if (rec->interrupted)
		record_incomplete(rec,
				  stop_signal == SIGTERM ? "ended by SIGTERM" : "ended by SIGINT");
	s->ended = timestamp(w);
	if (name || !w->identity.name)
		w->identity.name = wl_string(w, name ? name : t->name);
	wl_generalise(w);
	if (!output) {
		fallback = xasprintf("%s.workload.json", w->identity.name);
		for (char *p = fallback; *p; p++)
			if (*p == '/' || *p == ':')
				*p = '_';
		output = fallback;
	}
	if (wl_save(w, output, e) < 0)
		return EXIT_ERROR;
	report(rec, t, output);
	return wl_incomplete(w) ? EXIT_INCOMPLETE : EXIT_OK;
}

static int run_bpf(struct recording *rec, struct args *a, const struct target *t, struct err *e)
{
	int err;

	begin(rec, WL_EBPF, t->text);
	log_progress_begin(&rec->progress);
	err = record_bpf(rec, a, t, e);
	log_progress_end(&rec->progress);
	return err;
}

static int run_ptrace(struct recording *rec, struct args *a, const struct target *t, struct err *e)
{
	struct record_ptrace_keep *keep = NULL;
	struct record_ptrace_front front;
	int split = record_ptrace_split(&front, e), code;

	if (split < 0)
		return EXIT_ERROR;
	if (split == 1)
		exit(record_ptrace_front_wait(&front));
	begin(rec, WL_PTRACE, t->text);
	if (record_with_ptrace(rec, t, &keep, e) < 0) {
		code = EXIT_ERROR;
	} else {
		rec->interrupted = stop_signal != 0;
		code = finish(rec, a, t, e);
	}
	if (code == EXIT_ERROR)
		fprintf(stderr, "boltseal record: %s\n", e->msg);
	record_ptrace_release(&front, code);
	if (keep)
		record_ptrace_serve(keep);
	exit(code);
}

static int record_main(struct recording *rec, struct args *a, struct target *t, struct err *e)
{
	const char *method = args_value(a, "method");
	uint64_t seconds;
	int err;

	if (parse_target(a, t, e) < 0 ||
	    args_time(a, "for", 's', 0, 1, 100 * 24 * 3600, &seconds, e))
		return EXIT_ERROR;
	if (seconds)
		rec->deadline_ms = (int64_t)clock_ms(CLOCK_MONOTONIC) + (int64_t)seconds * 1000;
	rec->own_terminal = args_has(a, "tty");
	catch_signals();
	if (!method || strcmp(method, "ptrace") != 0) {
		err = run_bpf(rec, a, t, e);
		if (err == 0)
			return finish(rec, a, t, e);
		if (method && !strcmp(method, "ebpf"))
			return EXIT_ERROR;
		if (!(err == -EPERM || err == -EOPNOTSUPP) || (!t->command && !t->pids_n))
			return EXIT_ERROR;
		log_warn("%s; recording with ptrace instead, which slows the program down", e->msg);
		wl_free(&rec->model);
	}
	return run_ptrace(rec, a, t, e);
}

static int record_run(struct args *a, struct err *e)
{
	struct recording rec = { 0 };
	struct target t = { 0 };
	int code = record_main(&rec, a, &t, e);

	wl_free(&rec.model);
	free_target(&t);
	return code;
}

static const struct option_desc options[] = {
	{ 0, "container", "NAME", NULL,
	  "A container by name, id or image: Docker, Podman, containerd, runc or crun. One that "
	  "runs is "
	  "followed from now on; otherwise its next start is waited for, and nothing of it is "
	  "missed." },
	{ 0, "no-wait", NULL, NULL,
	  "With --container: does not wait for a container that is not there." },
	{ 0, "runs", "N", NULL,
	  "With --container: records N starts (default 1); with --runtime-base: N starts (default "
	  "25)." },
	{ 0, "pid", "PID", NULL,
	  "A running process with its threads and descendants; may be repeated." },
	{ 0, "cgroup", "PATH", NULL,
	  "The processes of a cgroup and what enters it, until the recording is ended." },
	{ 0, "runtime-base", "runc|crun", "runc|crun",
	  "Measures what the container runtime itself calls under its own filter." },
	{ 0, "no-new-privileges", NULL, NULL, "With --runtime-base: measures with no_new_privs." },
	{ 0, "output", "FILE", NULL,
	  "Where the model goes; default NAME.workload.json, - is standard output." },
	{ 0, "name", "NAME", NULL, "The model's name; default: the container's or the command's." },
	{ 0, "for", "TIME", NULL,
	  "Ends the recording after this time: seconds, or 10m, 2h. The model is not marked "
	  "incomplete for that." },
	{ 0, "method", "METHOD", "auto|ebpf|ptrace",
	  "How to record; auto takes eBPF, and ptrace where eBPF may not be used." },
	{ 0, "tty", NULL, NULL, "Leaves the terminal to the command: Ctrl-C then goes to both." },
	{ 0 },
};

const struct command command_record = {
	.name = "record",
	.synopsis = "[OPTION]... (-- COMMAND [ARGUMENT]... | --container NAME | --pid PID | "
		    "--cgroup PATH)",
	.summary = "Learns what a program or a container does.",
	.description =
		"Follows a workload with all its processes and threads and writes what it did as a "
		"workload model: system calls with the argument values that matter, capabilities, "
		"files, programs and network, each by phase (start, serving) and by program.\n"
		"\n"
		"eBPF keeps the sets inside the kernel, so nothing is lost when the machine is "
		"busy; "
		"what could not be kept is counted in the model. Without the right to use BPF the "
		"recording is made with ptrace.\n"
		"\n"
		"SIGINT (Ctrl-C) and SIGTERM end the recording: the model so far is written and "
		"marked incomplete, and the workload runs on.",
	.options = options,
	.examples = "# Record a command until it and everything it started has ended\n"
		    "boltseal record --output ls.json -- ls -l /\n"
		    "# Wait for the container web to start, record it until it stops\n"
		    "boltseal record --container web --output web.json\n",
	.exit_status =
		"0 recorded, 3 when the model is incomplete or something was lost, 1 on errors.",
	.run = record_run,
};
