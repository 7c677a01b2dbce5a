#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/node.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "profile/lint.h"

enum { TICK_MS = 500, SETTLE_MS = 50, DAY_S = 24 * 3600 };

#define STATE_DIR "/var/lib/boltseal"

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void agent_free(struct node_agent *a)
{
	metrics_free(a->metrics);
	kube_free(a->kube);
	node_guard_free(a->guard);
	node_set_free(&a->set);
	node_used_free(&a->used);
	json_object_put(a->labels);
	json_object_put(a->taints);
	for (size_t i = 0; i < a->old_n; i++)
		free(a->old[i].name);
	free(a->old);
	free(a->uid);
	free(a->status);
	free(a->o.dir);
	free(a->o.apparmor_dir);
	free(a->o.selinux_dir);
	buf_free(&a->repaired);
}

/* ---- options */

static void read_folders(struct node_options *o, const struct args *a)
{
	const char *dir = args_value(a, "dir"), *kubelet = args_value(a, "kubelet-dir");
	const char *state = args_value(a, "state-dir");

	state = state ? state : STATE_DIR;
	o->subfolder = args_value(a, "subfolder") ? args_value(a, "subfolder") : "boltseal";
	if (dir)
		o->dir = xstrdup(dir);
	else if (o->cluster || kubelet)
		o->dir = xasprintf("%s/seccomp/%s", kubelet ? kubelet : "/var/lib/kubelet",
				   o->subfolder);
	else
		o->dir = xasprintf("%s/seccomp", state);
	o->apparmor_dir = xasprintf("%s/apparmor", state);
	o->selinux_dir = xasprintf("%s/selinux", state);
}

static const char *node_name(const struct args *a)
{
	static char host[256];
	const char *name = args_value(a, "node"), *env = getenv("NODE_NAME");

	if (name || (env && *env))
		return name ? name : env;
	gethostname(host, sizeof(host) - 1);
	return host;
}

static int read_numbers(struct node_options *o, const struct args *a, struct err *e)
{
	int r = args_time(a, "grace", 's', 600, 0, 30 * DAY_S, &o->grace_s, e);

	if (r == 0)
		r = args_time(a, "interval", 's', 60, 1, DAY_S, &o->interval_s, e);
	if (r == 0)
		r = args_time(a, "timeout", 's', 60, 1, DAY_S, &o->timeout_s, e);
	return r;
}

static int read_options(struct node_options *o, const struct args *a, struct err *e)
{
	const char *form = args_value(a, "format"), *fail_on = args_value(a, "fail-on");

	o->folder = args_value(a, "folder");
	o->configmaps = args_value(a, "configmaps");
	o->ns = args_value(a, "namespace");
	o->seals = args_has(a, "crds");
	o->spo = args_value(a, "spo");
	o->kubeconfig = args_value(a, "kubeconfig");
	o->context = args_value(a, "context");
	o->account = args_value(a, "service-account");
	o->taint = args_value(a, "taint") ? args_value(a, "taint")
					  : NODE_DOMAIN "/profiles-not-ready";
	o->docker = args_value(a, "docker-config");
	o->docker_profile = args_value(a, "docker-profile");
	o->once = args_has(a, "once") || args_has(a, "dry-run");
	o->dry = args_has(a, "dry-run");
	o->json = form && !strcmp(form, "json");
	o->cluster = args_has(a, "cluster") || o->configmaps || o->seals || o->spo;
	o->name = node_name(a);
	o->refuse = fail_on ? lint_severity_parse(fail_on) : LINT_HIGH;
	if (o->refuse < 0)
		o->refuse = LINT_SEVERITY_COUNT;
	o->engine = args_value(a, "engine");
	if (!o->engine && (o->docker || o->cluster))
		o->engine = o->docker ? "docker" : "containerd";
	if (args_count(a))
		return usage_error(a, e, "'%s': expected options only", args_at(a, 0));
	if (!o->folder && !o->configmaps && !o->seals && !o->spo)
		return usage_error(a, e, "expected --folder, --configmaps, --crds or --spo");
	if (!o->docker != !o->docker_profile)
		return usage_error(a, e, "--docker-config and --docker-profile belong together");
	read_folders(o, a);
	return read_numbers(o, a, e) < 0 ? EXIT_ERROR : 0;
}

/* ---- work */

static void guard_folders(struct node_agent *a)
{
	if (!a->guard)
		return;
	node_guard_add(a->guard, a->o.dir);
	if (a->o.folder)
		node_guard_add(a->guard, a->o.folder);
}

/* One look at everything. */
static void pass(struct node_agent *a)
{
	a->dirty = false;
	a->numbers.passes++;
	a->numbers.last_pass = time(NULL);
	node_scan_folder(a);
	node_install_all(a);
	if (!a->o.once)
		node_changes(a);
	a->published = !a->kube || node_publish(a);
	if (!a->kube) {
		for (size_t i = 0; i < a->set.n; i++)
			a->set.v[i]->told = true;
		a->repaired.len = 0;
	}
	node_clean(a);
	guard_folders(a);
	node_metrics_show(a);
}

static int wait_for(struct node_agent *a, int ms, struct err *e)
{
	int fd = a->guard ? node_guard_fd(a->guard) : -1, r;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (a->kube)
		r = kube_poll(a->kube, ms, fd, e);
	else
		r = poll(&p, 1, ms) > 0;
	if (r > 0 && node_guard_drain(a->guard))
		a->dirty = true;
	return r < 0 ? r : 0;
}

static bool is_done(const struct node_agent *a)
{
	return a->o.once && node_sources_synced(a) && a->published;
}

static int loop(struct node_agent *a, struct err *e)
{
	uint64_t begun = clock_ms(CLOCK_MONOTONIC), next = 0, settled = 0;

	while (!stop) {
		uint64_t now = clock_ms(CLOCK_MONOTONIC);
		int r;

		if (a->o.once && now - begun > a->o.timeout_s * 1000)
			break;
		/* What comes together is handled together. */
		if ((a->dirty && now >= settled) || now >= next ||
		    (!a->published && a->uid && now >= a->retry_ms)) {
			pass(a);
			settled = clock_ms(CLOCK_MONOTONIC) + SETTLE_MS;
			next = settled + a->o.interval_s * 1000;
			if (is_done(a))
				break;
		}
		r = wait_for(a, a->dirty ? SETTLE_MS : TICK_MS, e);
		if (r < 0)
			return r;
	}
	if (!a->o.once)
		return EXIT_OK;
	node_report(a);
	return node_exit_code(a);
}

/* A folder that is not there yet may come while the agent runs; with --once it is a mistake. */
static int check_folder(const struct node_options *o, struct err *e)
{
	cleanup_closedir DIR *d = o->folder ? opendir(o->folder) : NULL;

	if (!o->folder || d)
		return 0;
	if (o->once)
		return err_errno(e, errno, "--folder: cannot read %s", o->folder);
	log_warn("--folder: cannot read %s: %s", o->folder, strerror(errno));
	return 0;
}

static int run_node(struct args *args, struct err *e)
{
	cleanup(agent_free) struct node_agent a = { .docker = -1,
						    .lock = PTHREAD_MUTEX_INITIALIZER };
	const char *metrics = args_value(args, "metrics");
	struct sigaction sa = { .sa_handler = on_signal };
	struct err why = { 0 };

	if (read_options(&a.o, args, e) || check_folder(&a.o, e) < 0)
		return EXIT_ERROR;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (metrics && !metrics_is_spec(metrics))
		return usage_error(args, e, "--metrics: expected metrics:[ADDRESS:]PORT");
	if (metrics && node_metrics_open(&a, metrics, e) < 0)
		return EXIT_ERROR;
	if (a.o.cluster && node_cluster_open(&a, e) < 0)
		return EXIT_ERROR;
	if (!a.o.once) {
		a.guard = node_guard_new(&why);
		if (!a.guard)
			log_warn("%s: changes are noticed every %d s only", why.msg,
				 (int)a.o.interval_s);
	}
	return loop(&a, e);
}

static const struct option_desc options[] = {
	{ 'f', "folder", "DIR", NULL,
	  "Take profiles from a folder: NAME.json (seccomp), NAME.apparmor, NAME.cil (SELinux)." },
	{ 0, "configmaps", "SELECTOR", NULL,
	  "Take them from ConfigMaps with these labels; keys are called as files are." },
	{ 'n', "namespace", "NAME", NULL, "The namespace of the ConfigMaps." },
	{ 0, "crds", NULL, NULL, "Take them from SealProfile objects (deploy/crds)." },
	{ 0, "spo", "VERSION", "v1|v1beta1",
	  "Take them from objects of the Security Profiles Operator in this version of its API." },
	{ 0, "cluster", NULL, NULL,
	  "Report to Kubernetes although the profiles come from a folder." },
	{ 0, "node", "NAME", NULL,
	  "The node's name; $NODE_NAME, else the host's name, is the default." },
	{ 0, "kubeconfig", "FILE", NULL,
	  "Where the API server is; else $KUBECONFIG, ~/.kube/config, or what a pod is given." },
	{ 0, "context", "NAME", NULL, "Its context; the current one is the default." },
	{ 0, "service-account", "DIR", NULL,
	  "A folder with token, ca.crt and namespace, as pods have it, for where it is "
	  "elsewhere." },
	{ 0, "kubelet-dir", "DIR", NULL,
	  "The kubelet's folder; /var/lib/kubelet is the default. Profiles go to seccomp/boltseal "
	  "in it." },
	{ 0, "subfolder", "NAME", NULL,
	  "Another name than boltseal for that; the beginning of localhostProfile." },
	{ 0, "dir", "DIR", NULL,
	  "Where seccomp profiles go on hosts without a kubelet; seccomp in the state folder is "
	  "the default." },
	{ 0, "state-dir", "DIR", NULL,
	  "Where AppArmor and SELinux profiles are kept; " STATE_DIR " is the default." },
	{ 0, "docker-config", "FILE", NULL,
	  "Make a profile Docker's default in this daemon.json; the rest of the file is kept." },
	{ 0, "docker-profile", "NAME", NULL, "The profile for that." },
	{ 0, "engine", "NAME", "docker|podman|crun|containerd|cri-o",
	  "Who reads seccomp profiles here, for lint; containerd in a cluster, docker with "
	  "--docker-config." },
	{ 0, "fail-on", "SEVERITY", "high|medium|low|none",
	  "Findings of lint from this severity on refuse a profile; high is the default." },
	{ 0, "taint", "KEY", NULL,
	  "The taint that is removed once the node is in sync; boltseal.dev/profiles-not-ready is "
	  "the default." },
	{ 0, "grace", "TIME", NULL,
	  "How long a version that nobody uses is kept; 10m is the default." },
	{ 0, "interval", "TIME", NULL,
	  "How often everything is verified when nothing happens; 60s is the default." },
	{ 0, "once", NULL, NULL, "End when all is done, with a report." },
	{ 0, "timeout", "TIME", NULL,
	  "With --once: end after this even when the cluster does not answer; 60s is the "
	  "default." },
	{ 0, "dry-run", NULL, NULL, "Change nothing and say what would be; implies --once." },
	{ 0, "metrics", "SPEC", NULL,
	  "metrics:[ADDRESS:]PORT: listen for /metrics, /healthz and /readyz." },
	{ 'o', "format", "FORMAT", "json|text",
	  "Format of the report (once), or of the changes; text is the default." },
	{ 0 },
};

const struct command command_node = {
	.name = "node",
	.synopsis = "[OPTION]...",
	.summary = "Puts profiles on a node, keeps them there, and says so to Kubernetes.",
	.description =
		"Takes profiles from a folder, from ConfigMaps or from custom resources, and "
		"checks each: lint refuses those that let more through than they say or keep "
		"containers from starting; seccomp profiles are compiled, and the filter is proven "
		"to do what the profile means. What is good is installed so that it is there whole "
		"or not at all: seccomp profiles as NAME-HASH.json, so that versions stand side by "
		"side, and as NAME.json; AppArmor profiles are loaded and looked for in the "
		"kernel's list; SELinux modules are installed.\n"
		"\n"
		"Only then the node gets the label boltseal.dev/seccomp.NAME=HASH (apparmor, "
		"selinux), by which pods that need the profile are sent where it is. A start-up "
		"taint is removed when all profiles are there. The state of each is in the "
		"object NodeProfileStatus of the node's name, and in Events.\n"
		"\n"
		"What somebody else changes or removes is put back at once. A version that is not "
		"wanted any more is removed when no pod on the node uses it, after the grace. "
		"While the API server is not reached, everything stays as it is and is repaired as "
		"before.\n"
		"\n"
		"The JSON report (format boltseal.node/1) has node, folder, dryRun, inSync, "
		"published, removed, profiles, each with kind, name, source, hash, state "
		"(Installed, Refused, Failed, Unavailable, Pending), message, since, label and "
		"localhostProfile, and docker. Without --once each change is a line with one "
		"profile.",
	.options = options,
	.examples = "# On every node of a cluster (deploy/kubernetes/node.yaml)\n"
		    "boltseal node --crds --configmaps boltseal.dev/profiles=true\n"
		    "# A Docker host: a folder of profiles\n"
		    "boltseal node --once --folder /etc/boltseal/profiles\n"
		    "# What would happen\n"
		    "boltseal node --dry-run --folder profiles/ -o json\n",
	.exit_status =
		"With --once: 0 when all profiles are installed, 2 when some were refused, 3 when "
		"some could not be installed or the cluster does not answer, 1 on errors. "
		"Otherwise 0 when it is told to end.",
	.run = run_node,
};
