#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/command.h"
#include "app/delivery.h"
#include "app/keeper.h"
#include "app/watch_capture.h"
#include "app/watch_captures.h"
#include "app/watch_drift.h"
#include "app/watch_live.h"
#include "app/watch_respond.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plural.h"
#include "model/finding_dedup.h"
#include "respond/act.h"
#include "sensor/capture.h"
#include "sensor/watch_drift.h"

enum { DAY_S = 24 * 3600, MAX_SECONDS = 366 * DAY_S, MAX_FILES = 65536 };
enum { MAX_STORE_MIB = 1024 * 1024, MAX_STORE_DAYS = 3660 };

static void watching_free(struct watching *w)
{
	watching_stop_loading(w);
	watch_respond_free(w->session.respond);
	watch_drift_free(w->session.drift);
	delivery_free(w->session.delivery);
	rules_engine_free(w->session.engine);
	rules_free(w->rules);
	enrich_free(w->session.enrich);
	capture_writer_free(w->session.capture);
	watch_captures_free(w->session.captures);
	watch_free(w->session.sensor);
	keeper_free(w->keeper);
	free(w->session.alive_path);
	free(w->store);
	if (w->session.out && w->session.out != stdout)
		fclose(w->session.out);
}

enum { OUT_BUFFER = 256 * 1024 }; /* of a file: longer than a line */

static int open_output(struct watching *w, const struct args *a, struct err *e)
{
	const char *path = args_value(a, "output"), *form = args_value(a, "format");

	w->session.json = form && !strcmp(form, "json");
	w->session.out = path ? fopen(path, "ae") : stdout;
	w->session.out_name = path ? path : "standard output";
	if (!w->session.out)
		return err_errno(e, errno, "cannot write to %s", path);
	if (path)
		setvbuf(w->session.out, NULL, _IOFBF, OUT_BUFFER);
	gethostname(w->session.hostname, sizeof(w->session.hostname) - 1);
	return 0;
}

/* Store, sinks and metrics, when there is one of them. */
static int start_delivery(struct watching *w, const struct args *a, struct err *e)
{
	struct delivery_options o = { .store = w->store, .spool = args_value(a, "spool") };
	const char *spec;
	uint64_t seconds, mib, distinct;
	int err;

	if (args_time(a, "window", 's', FINDING_WINDOW_S, 1, MAX_SECONDS, &seconds, e) < 0 ||
	    args_u64(a, "distinct", FINDING_DISTINCT, 0, UINT32_MAX, &distinct, e) < 0 ||
	    args_u64(a, "store-size", 1024, 1, MAX_STORE_MIB, &mib, e) < 0 ||
	    args_time(a, "store-age", 'd', 90 * DAY_S, DAY_S, MAX_STORE_DAYS * DAY_S,
		      &o.limits.max_age_s, e) < 0)
		return -EINVAL;
	if (!o.store && !args_has(a, "sink"))
		return 0;
	o.window_ns = seconds * 1000000000u;
	o.distinct = (unsigned)distinct;
	o.limits.max_bytes = mib << 20;
	err = delivery_new(&w->session.delivery, &o, e);
	for (size_t i = 0; err == 0 && (spec = args_value_at(a, "sink", i)); i++)
		err = delivery_add_sink(w->session.delivery, spec, e);
	return err < 0 ? err : delivery_start(w->session.delivery, e);
}

/* Offline: the host is neither watched nor asked. */
static int replay(struct watching *w, const char *path, struct err *e)
{
	struct enrich_options o = { .outside.offline = true };
	uint64_t records = 0, lost = 0;
	bool incomplete;
	int err;

	w->session.enrich = enrich_new(&o);
	err = watch_replay(&w->session, path, &records, &lost, e);
	if (err == 0 || records)
		log_note("%" PRIu64 " record%s, %" PRIu64 " finding%s", records, plural(records),
			 w->session.findings, plural(w->session.findings));
	watching_tell(w);
	incomplete = w->session.delivery && delivery_end(w->session.delivery);
	if (err < 0)
		return EXIT_ERROR;
	if (lost)
		log_warn("when this was captured %" PRIu64 " record%s found no room", lost,
			 plural(lost));
	return lost || incomplete ? EXIT_INCOMPLETE : EXIT_OK;
}

/* Options that make no sense together. */
static int check_options(const struct args *a, struct err *e)
{
	static const char *const live[] = { "capture", "for",	"entry",    "ring", "environment",
					    "respond", "hooks", "response", "user", "live",
					    "model",   "learn", "captures" };

	if (args_count(a))
		return usage_error(a, e, "'%s': expected options only", args_at(a, 0));
	for (size_t i = 0; args_has(a, "replay") && i < ARRAY_SIZE(live); i++)
		if (args_has(a, live[i]))
			return usage_error(a, e, "--%s: expected without --replay", live[i]);
	return 0;
}

/* SQLite asks where the process is for other paths, which the filter of --user does not allow. */
static int find_store(struct watching *w, const struct args *a, struct err *e)
{
	const char *path = args_value(a, "store");
	cleanup_free char *here = path && *path != '/' ? getcwd(NULL, 0) : NULL;

	if (path && *path != '/' && !here)
		return err_errno(e, errno, "--store=%s: the working directory is not known", path);
	if (path)
		w->store = here ? xasprintf("%s/%s", here, path) : xstrdup(path);
	return 0;
}

/* The folder that another user is to write to. */
static char *folder_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash != path ? xasprintf("%.*s", (int)(slash - path), path) : NULL;
}

/* 1: this process did its part, and *status is its exit status. */
static int split(struct watching *w, const struct args *a, int *status, struct err *e)
{
	cleanup_free char *folder = folder_of(w->store);
	const char *const folders[KEEPER_FOLDERS] = { folder, args_value(a, "learned"),
						      args_value(a, "captures") };
	const char *user = args_value(a, "user"), *mode = args_value(a, "respond");
	/* What root does is asked for on the command line; it reads no files. */
	struct respond_options o = { .state = args_value(a, "respond-state"), .guard = true };
	bool acts = mode && !strcmp(mode, "enforce");

	watch_host_space(); /* another user may not look */
	return user ? keeper_split(&w->keeper, user, folders, acts ? &o : NULL, status, e) : 0;
}

static int prepare(struct watching *w, const struct args *a, struct err *e)
{
	struct rules *rules = NULL;

	w->session.alive = -1;
	if (watching_load(&rules, a, e) < 0) {
		rules_free(rules);
		return -EINVAL;
	}
	watching_use(w, rules);
	if (open_output(w, a, e) < 0 ||
	    /* First: the process that is root takes the policy before others' files are read. */
	    (!args_has(a, "replay") &&
	     watch_respond_new(&w->session.respond, a, w->rules, w->keeper, e) < 0) ||
	    (!args_has(a, "replay") && watch_drift_new(&w->session.drift, a, e) < 0) ||
	    watch_captures_new(&w->session.captures, a, e) < 0 || start_delivery(w, a, e) < 0)
		return -EINVAL;
	return 0;
}

/* Each processor has a ring and each call a link, and new rules have their own meanwhile. */
static void allow_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max < MAX_FILES ? r.rlim_max : MAX_FILES;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* Numbers of processes are those of the host: elsewhere they mean others. */
static int expect_host(const struct args *a, struct err *e)
{
	static const char what[] = "this is not the host's pid namespace (hostPID: true in "
				   "Kubernetes, docker run --pid=host)";
	const char *mode = args_value(a, "respond");

	if (watching_sees_host())
		return 0;
	if (mode && !strcmp(mode, "enforce"))
		return err_set(e, EINVAL, "%s: --respond=enforce would act on other processes",
			       what);
	log_warn("%s: nothing is known of processes that run already, nor names of users", what);
	return 0;
}

static int watch(struct watching *w, struct args *a, struct err *e)
{
	const char *capture = args_value(a, "replay");
	uint64_t seconds;
	int status = EXIT_ERROR;

	w->args = a;
	if (check_options(a, e) != 0 ||
	    args_time(a, "for", 's', 0, 1, MAX_SECONDS, &seconds, e) < 0 ||
	    args_u64(a, "findings", 0, 1, UINT64_MAX, &w->session.limit, e) < 0)
		return EXIT_ERROR;
	if (args_has(a, "once"))
		w->session.limit = 1;
	/* Whoever asks for new rules before there are any does not end it. */
	if (!capture)
		signal(SIGHUP, SIG_IGN);
	if (!capture && expect_host(a, e) < 0)
		return EXIT_ERROR;
	allow_files();
	if (find_store(w, a, e) < 0 || split(w, a, &status, e) != 0)
		return status;
	if (!capture)
		watching_signals();
	if (prepare(w, a, e) < 0)
		return status;
	status = capture ? replay(w, capture, e) : watching_run(w, seconds, e);
	if (status == EXIT_OK && w->session.unwritten)
		return EXIT_INCOMPLETE;
	return status == EXIT_OK && args_has(a, "once") && w->session.findings ? EXIT_FINDINGS
									       : status;
}

static int run_watch(struct args *a, struct err *e)
{
	cleanup(watching_free) struct watching w = { 0 };

	return watch(&w, a, e);
}

static const struct option_desc options[] = {
	{ 'r', "rules", "FILE", NULL,
	  "Rules in Falco's language in place of boltseal's own: a file, or a folder with files "
	  "NAME.yaml or NAME.yml; may be repeated, later files add to and change earlier ones." },
	{ 0, "add", "FILE", NULL,
	  "Rules, lists and exceptions that are added to the others, boltseal's own ones as a "
	  "rule; "
	  "may be repeated." },
	{ 'm', "model", "FILE|DIR", NULL,
	  "Workload models, each of an image or of a container's name; what such containers do "
	  "outside of their model is a finding. May be repeated; of a folder every *.json." },
	{ 0, "learn", "TIME", NULL,
	  "Containers without a model are learned for so long, by their image, and then compared "
	  "with what was learned: minutes, or 30s, 2h." },
	{ 0, "learned", "DIR", NULL,
	  "Writes what was learned to this folder, as workload models." },
	{ 'o', "format", "FORMAT", "json|text",
	  "How findings are printed: lines of text (the default), or one JSON object a line." },
	{ 0, "output", "FILE", NULL, "Appends findings to a file in place of standard output." },
	{ 0, "all", NULL, NULL, "Every rule that is true fires, not only the first." },
	{ 'p', "priority", "PRIORITY", NULL,
	  "Rules less severe than this do not fire; debug, the least severe, is the default." },
	{ 0, "for", "TIME", NULL, "Ends after this time: seconds, or 10m, 2h." },
	{ 'n', "findings", "NUMBER", NULL, "Ends after so many findings." },
	{ 0, "once", NULL, NULL, "Ends at the first finding, with exit status 2." },
	{ 0, "live", NULL, NULL,
	  "Shows on the terminal what happens: rates, containers, the latest findings, losses. q "
	  "ends it. Without a terminal findings are printed as lines." },
	{ 0, "user", "NAME", NULL,
	  "Only loading programs into the kernel, opening files of /proc and of container engines, "
	  "and what --respond=enforce asks for is done as root, by a process of its own; "
	  "everything "
	  "else as this user, under a seccomp filter. SIGHUP loads the rules again." },
	{ 0, "capture", "FILE", NULL,
	  "Writes all events, and what was learned of the host for them, to this file, for "
	  "--replay; compressed when its name ends in .gz." },
	{ 0, "captures", "DIR", NULL,
	  "When a rule with capture: true fires, the events from then on, and the last ones before "
	  "it, go to a file of their own in this folder, for --replay; the finding names it." },
	{ 0, "captures-mode", "MODE", "rules|all_rules",
	  "Whether only rules with capture: true, the default, or all rules begin such a file." },
	{ 0, "captures-time", "TIME", NULL,
	  "So long after the last rule that wants it, unless the rule says capture_duration, the "
	  "file ends: seconds, or 1m; 5 is the default." },
	{ 0, "captures-size", "MIB", NULL,
	  "Ends such a file when it has this size; 16 is the default." },
	{ 0, "captures-files", "NUMBER", NULL,
	  "So many such files are kept, the oldest are deleted; 100 is the default." },
	{ 0, "replay", "FILE", NULL,
	  "Judges the events of a capture in place of those of this machine; needs no rights." },
	{ 0, "ring", "MIB", NULL,
	  "Memory for what waits between kernel and rules, in MiB over all processors; 8 is the "
	  "default." },
	{ 0, "hooks", "WHERE", "auto|functions|tracepoints|tracepoint",
	  "Where system calls are hooked: at the kernel's functions for them, so that other calls "
	  "cost nothing, at a tracepoint for each, or at one for all. auto, the default, takes the "
	  "first that the kernel allows; boltseal doctor says which." },
	{ 0, "no-refused", NULL, NULL,
	  "With calls hooked at functions, those that a seccomp filter refuses are not seen. "
	  "Seeing "
	  "them costs processes under a filter something with every call." },
	{ 0, "entry", NULL, NULL,
	  "Reads names and addresses when a call begins, too: another thread may change them "
	  "meanwhile. Makes the calls that rules ask for slower." },
	{ 0, "environment", NULL, NULL,
	  "Keeps the environment of programs also when no rule asks for it." },
	{ 0, "respond", "MODE", "dry-run|enforce",
	  "Whether the actions of rules and of the response policy are carried out or only told; "
	  "without it the policy decides, whose default is a dry run." },
	{ 0, "response", "FILE", NULL,
	  "Response policy: allow-list, limits, further actions, what stays when boltseal ends." },
	{ 0, "respond-state", "DIR", NULL,
	  "Where it is written down what is switched on, for boltseal respond; "
	  "/run/boltseal/respond is the default." },
	{ 0, "store", "FILE", NULL,
	  "Keeps findings in this SQLite file, for boltseal findings. Repeats of a finding count "
	  "there and are one." },
	{ 0, "sink", "WHERE", NULL,
	  "Sends new findings; may be repeated. file:PATH, syslog:[SOCKET], "
	  "syslog:udp://HOST:PORT, "
	  "syslog:tcp://HOST:PORT, syslog:tls://HOST:PORT, http://... or https://... "
	  "(falcosidekick), metrics:PORT or metrics:/FILE for Prometheus. Behind a # there may "
	  "be, joined by &: for HTTP full or ocsf (another form), gzip, headers=FILE (tokens); "
	  "for TLS ca=FILE, cert=FILE, key=FILE." },
	{ 0, "spool", "DIR", NULL,
	  "Where findings wait for sinks that do not answer; the store's name with .spool behind "
	  "it, or /var/lib/boltseal/spool." },
	{ 0, "window", "TIME", NULL,
	  "So long after a finding, the same again only counts; an hour (1h) is the default." },
	{ 0, "distinct", "NUMBER", NULL,
	  "So many findings of a rule, a container and a program that differ in their file, server "
	  "or command line are told in a window, further ones are one; 100 is the default, 0 tells "
	  "all. A rule with distinct_findings says its own." },
	{ 0, "store-size", "MIB", NULL,
	  "The store deletes its oldest findings beyond this size; 1024 is the default." },
	{ 0, "store-age", "TIME", NULL,
	  "The store deletes findings that were not seen for so long; 90d is the default." },
	{ 0 },
};

const struct command command_watch = {
	.name = "watch",
	.synopsis = "[OPTION]...",
	.summary = "Detects what rules describe, and what is outside of models.",
	.description =
		"Loads rules in Falco's language, boltseal's own when no others are given, and "
		"reports every event of the machine that fires "
		"one. Only system calls that some rule asks for are hooked, each by itself (where "
		"the kernel allows it, so that others cost nothing), and "
		"conditions on results, open modes and paths are decided in the kernel.\n"
		"\n"
		"Files are compared by the name that was given and by the file that the kernel "
		"opened, so neither a symbolic link nor memory that changes during the call hides "
		"one. Addresses are those of the socket. What is known of a container comes from "
		"the engine's files on disk: Docker, Podman, containerd and CRI-O.\n"
		"\n"
		"A rule may have actions (respond: [kill]), and so may the response policy. "
		"Without "
		"--respond=enforce, or mode: enforce in the policy, it is only told what would be "
		"done. What was switched on is shown and taken back by boltseal respond.\n"
		"\n"
		"With --model, containers are compared with the workload model of their image: a "
		"program, a class of system calls, arguments, a capability, a connection, a "
		"listening port, a path written or opened that the model does not have is a "
		"finding. The set of known calls is in the kernel, so known behaviour costs "
		"little. docs/drift.md has the details.\n"
		"\n"
		"The JSON form is the one that Falco prints and falcosidekick reads.",
	.options = options,
	.examples = "# boltseal's own rules, with what is known of this place\n"
		    "boltseal watch --add local.yaml\n"
		    "# Falco's own rules\n"
		    "boltseal watch --rules falco_rules.yaml\n"
		    "# For a minute, as JSON lines\n"
		    "boltseal watch -r falco_rules.yaml -r local.yaml --for 60 -o json\n"
		    "# What the image's recorded model does not have\n"
		    "boltseal watch --model models/\n"
		    "# Learned here in an hour, then compared\n"
		    "boltseal watch --learn 60 --learned models/\n"
		    "# What happens now, and other rules on it later\n"
		    "boltseal watch -r falco_rules.yaml --capture today.gz --for 3600\n"
		    "boltseal watch -r new_rules.yaml --replay today.gz\n"
		    "# As a service: kept, sent to falcosidekick, counted for Prometheus\n"
		    "boltseal watch -r falco_rules.yaml --store /var/lib/boltseal/findings.db \\\n"
		    "    --sink http://127.0.0.1:2801/ --sink metrics:9765\n",
	.exit_status = "0 when watching ended as asked, 2 when --once found something, 1 on "
		       "errors, 3 when events were lost, "
		       "now or when the capture was made.",
	.run = run_watch,
};
