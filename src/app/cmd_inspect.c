#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "inspect/report.h"

void inspect_free(struct inspect *in)
{
	for (size_t i = 0; i < in->o.models_n; i++)
		wl_free(&in->o.models[i].w);
	free(in->o.models);
	free(in->only);
	free(in->nodes);
	buf_free(&in->fixed);
	map_free(&in->seen_notes);
	ins_report_free(&in->report);
}

static int read_policy(struct inspect *in, const struct args *a, struct err *e)
{
	const char *level = args_value(a, "level"), *version = args_value(a, "version");

	if (!level && version)
		return usage_error(a, e, "--version needs --level");
	if (!level)
		return 0;
	in->policy.minor = PSS_LATEST;
	if (pss_level_parse(level, &in->policy.level, e) < 0)
		return err_prefix(e, "--level"), EXIT_ERROR;
	if (version && pss_version_parse(version, &in->policy.minor, e) < 0)
		return err_prefix(e, "--version"), EXIT_ERROR;
	in->o.policy = in->report.policy = &in->policy;
	return 0;
}

static int read_only(struct inspect *in, const struct args *a, struct err *e)
{
	const char *id;

	for (size_t i = 0; (id = args_value_at(a, "check", i)); i++) {
		if (!ins_check_find(id))
			return usage_error(a, e, "--check: there is no check %s", id);
		in->only = xreallocarray(in->only, i + 1, sizeof(*in->only));
		in->only[i] = id;
		in->o.only_n = i + 1;
	}
	in->o.only = in->only;
	return 0;
}

/* SOURCE_DATE_EPOCH (reproducible-builds.org) makes reports repeatable. */
static time_t now(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char *end;
	long long t = epoch ? strtoll(epoch, &end, 10) : 0;

	return epoch && *epoch && !*end ? (time_t)t : time(NULL);
}

static int read_options(struct inspect *in, const struct args *a, struct err *e)
{
	const char *format = args_value(a, "format"), *waivers = args_value(a, "waivers");

	in->report.now = now();
	in->o.node_root = args_value(a, "node-root");
	if (args_has(a, "node") && !in->o.node_root)
		in->o.node_root = "/";
	in->o.kubelet_dir = args_value(a, "kubelet-dir") ? args_value(a, "kubelet-dir")
							 : "var/lib/kubelet";
	in->o.seccomp_default = args_has(a, "seccomp-default");
	in->o.skip_unknown = args_has(a, "skip-unknown");
	in->o.excess = inspect_excess;
	in->kubeconfig = args_value(a, "kubeconfig");
	in->context = args_value(a, "context");
	in->ns = args_value(a, "namespace");
	if ((in->kubeconfig || in->context || in->ns) && !args_has(a, "cluster"))
		return usage_error(a, e,
				   "--kubeconfig, --context and --namespace go with --cluster");
	if (args_has(a, "interval") && !args_has(a, "continuous"))
		return usage_error(a, e, "--interval needs --continuous");
	in->fix = args_has(a, "fix");
	in->report.aws_account = args_value(a, "aws-account");
	in->report.aws_region = args_value(a, "aws-region");
	if (!args_count(a) && !args_has(a, "list") && !args_has(a, "node") && !inspect_has_live(a))
		return usage_error(a, e,
				   "expected files or folders (- is standard input), or what "
				   "runs: --node, --docker, --podman, --cluster");
	if (in->fix && format && strcmp(format, "yaml"))
		return usage_error(a, e, "--fix writes YAML");
	if (!in->fix && format && !strcmp(format, "yaml"))
		return usage_error(a, e, "-o yaml needs --fix");
	if (format && !strcmp(format, "asff") &&
	    (!in->report.aws_account || !in->report.aws_region))
		return usage_error(a, e, "-o asff needs --aws-account and --aws-region");
	if (read_policy(in, a, e) || read_only(in, a, e))
		return EXIT_ERROR;
	if (waivers && ins_waivers_load(&in->report, waivers, e) < 0)
		return EXIT_ERROR;
	return inspect_load_models(in, a, e) < 0 ? EXIT_ERROR : 0;
}

static int write_report(struct inspect *in, const struct args *a, struct err *e)
{
	const char *name = args_value(a, "format");
	cleanup_buf struct buf out = { 0 };

	if (in->fix) {
		for (size_t i = 0; i < in->report.problems_n; i++)
			log_warn("%s", in->report.problems[i].text);
		return io_write_file(args_value(a, "output"), buf_str(&in->fixed), in->fixed.len,
				     e);
	}
	ins_format_find(name ? name : "text")->write(&in->report, &out);
	if (out.overflow)
		return err_set(e, EFBIG, "the report is larger than %d bytes", BUF_MAX_DEFAULT);
	return io_write_file(args_value(a, "output"), buf_str(&out), out.len, e);
}

static void list_checks(void)
{
	for (const struct ins_check *c = ins_checks; c->id; c++)
		printf("%s  %-8s  %-13s  %s\n", c->id, ins_severity_name(c->severity),
		       ins_category_name(c->category), c->title);
}

static const struct source {
	const char *option;
	int (*run)(struct inspect *in, struct err *e);
	bool live;
} sources[] = {
	{ "node", inspect_node, false },
	{ "docker", inspect_docker, true },
	{ "podman", inspect_podman, true },
	{ "cluster", inspect_cluster, true },
};

bool inspect_has_live(const struct args *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i].live && args_has(a, sources[i].option))
			return true;
	return false;
}

int inspect_all(struct inspect *in, struct args *a, struct err *e)
{
	const char *store = args_value(a, "store");

	if (read_options(in, a, e))
		return EXIT_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (args_has(a, sources[i].option) && sources[i].run(in, e) < 0)
			return EXIT_ERROR;
	for (size_t i = 0; i < args_count(a); i++)
		if (inspect_path(in, args_at(a, i), e) < 0)
			return EXIT_ERROR;
	ins_finish(&in->report);
	return store && inspect_store(in, store, e) < 0 ? EXIT_ERROR : EXIT_OK;
}

static int inspect(struct inspect *in, struct args *a, struct err *e)
{
	const char *fail_on = args_value(a, "fail-on");
	enum ins_severity least = args_has(a, "level") ? INS_INFO : INS_HIGH;
	bool never = fail_on && !strcmp(fail_on, "none");

	if (fail_on && !never)
		ins_severity_parse(fail_on, &least);
	if (inspect_all(in, a, e) || write_report(in, a, e) < 0)
		return EXIT_ERROR;
	if (in->report.problems_n)
		return EXIT_INCOMPLETE;
	return !in->fix && !never && ins_failures(&in->report, least) ? EXIT_FINDINGS : EXIT_OK;
}

static int run_inspect(struct args *a, struct err *e)
{
	cleanup(inspect_free) struct inspect in = { 0 };

	if (args_has(a, "list")) {
		list_checks();
		return EXIT_OK;
	}
	return args_has(a, "continuous") ? inspect_continuous(a, e) : inspect(&in, a, e);
}

static const struct option_desc options[] = {
	{ 'l', "level", "LEVEL", "privileged|baseline|restricted",
	  "Judge pods by this level of the Pod Security Standards alone." },
	{ 0, "version", "VERSION", NULL,
	  "The standard's version: v1.0 to v1.37, or latest (the default)." },
	{ 'f', "fail-on", "SEVERITY", "info|low|medium|high|critical|none",
	  "Findings from this severity on lead to exit code 2: high unless given; with --level "
	  "any." },
	{ 'c', "check", "ID", NULL, "Run only this check. May be repeated." },
	{ 0, "node-root", "DIR", NULL,
	  "The root folder of a node: profiles that pods name are looked for there." },
	{ 0, "node", NULL, NULL,
	  "Inspect the node itself (the one of --node-root, this machine by default): the "
	  "configuration of the kubelet and of Docker, the kernel's settings and security "
	  "modules." },
	{ 0, "docker", NULL, NULL,
	  "Inspect the containers that run in Docker (DOCKER_HOST, if it names a unix socket)." },
	{ 0, "podman", NULL, NULL, "Inspect the containers that run in Podman." },
	{ 0, "cluster", NULL, NULL,
	  "Inspect the workloads and namespaces of a Kubernetes cluster; of what a controller made "
	  "its template." },
	{ 0, "kubeconfig", "FILE", NULL,
	  "The cluster's configuration: KUBECONFIG or ~/.kube/config by default, in a pod its "
	  "service "
	  "account." },
	{ 0, "context", "NAME", NULL, "A context of it; the current one is the default." },
	{ 'n', "namespace", "NAME", NULL, "Only this namespace of the cluster." },
	{ 0, "kubelet-dir", "DIR", NULL,
	  "The kubelet's folder below the node's root; var/lib/kubelet is the default." },
	{ 0, "seccomp-default", NULL, NULL, "The nodes run the kubelet with seccompDefault." },
	{ 'm', "model", "FILE", NULL,
	  "A workload model that containers are compared with. May be repeated." },
	{ 0, "models", "DIR", NULL,
	  "A folder of workload models; each container is compared with that of its image." },
	{ 'w', "waivers", "FILE", NULL, "Waivers: findings that somebody answers for." },
	{ 0, "skip-unknown", NULL, NULL, "Leave objects of unknown kinds out without an error." },
	{ 0, "fix", NULL, NULL,
	  "Write the documents again, corrected; comments and order stay as they are." },
	{ 0, "list", NULL, NULL, "List the checks." },
	{ 'o', "format", "FORMAT", "text|json|sarif|junit|markdown|html|policy-report|asff|yaml",
	  "Format of the report; text is the default. yaml goes with --fix." },
	{ 0, "output", "FILE", NULL, "Write there instead of standard output." },
	{ 0, "store", "FILE", NULL,
	  "Put the findings into this findings database, too (boltseal findings)." },
	{ 0, "continuous", NULL, NULL,
	  "Inspect again whenever a file changes, and every --interval seconds; after the first "
	  "report only what is new or resolved is printed. Ends with SIGINT or SIGTERM." },
	{ 0, "interval", "TIME", NULL,
	  "With --continuous: 30s is the default where something runs, otherwise none." },
	{ 0, "aws-account", "NUMBER", NULL, "For asff: the account that the findings are for." },
	{ 0, "aws-region", "REGION", NULL, "For asff: its region." },
	{ 0 },
};

const struct command command_inspect = {
	.name = "inspect",
	.synopsis = "[OPTION]... [FILE|DIR]...",
	.summary = "Checks manifests, task definitions, containers and nodes.",
	.description =
		"Reads Kubernetes manifests (YAML or JSON, files, folders, lists, every kind that "
		"runs "
		"pods), ECS task definitions (also within CloudFormation templates and Terraform "
		"plans), the output of docker inspect, Compose files, OCI bundles (config.json), "
		"the "
		"kubelet's configuration and Docker's daemon.json, and checks what they allow "
		"workloads to do. - is standard input.\n"
		"\n"
		"With --level pods are judged by the Pod Security Standards alone, as the API "
		"server's "
		"admission does in the given version, in the same words.\n"
		"\n"
		"Each finding says where it is (file, line, column, JSON pointer), the value "
		"there, "
		"why it matters and how it is fixed: in words, as a JSON patch, and, with --fix, "
		"as "
		"the corrected file. With a workload model it says what the workload was seen to "
		"do.\n"
		"\n"
		"The JSON report (format boltseal.inspect/1) has: summary, subjects (score, "
		"counts, "
		"passed checks), findings, problems (documents that could not be read) and "
		"unused_waivers. docs/inspect.md describes checks, formats and waivers.",
	.options = options,
	.examples = "# Everything that is wrong with a folder of manifests\n"
		    "boltseal inspect manifests/\n"
		    "# Would the pods get into a restricted namespace of Kubernetes 1.29?\n"
		    "boltseal inspect --level restricted --version v1.29 deployment.yaml\n"
		    "# The corrected manifest\n"
		    "boltseal inspect --fix -o yaml deployment.yaml --output=fixed.yaml\n"
		    "# For a code host\n"
		    "boltseal inspect -o sarif manifests/ --output=inspect.sarif\n"
		    "# This machine and what runs on it\n"
		    "boltseal inspect --node --docker\n"
		    "# A cluster, and from then on what changes in it\n"
		    "boltseal inspect --cluster --continuous\n",
	.exit_status =
		"0 when nothing from the --fail-on severity on was found, 2 when something was, 3 "
		"when some documents could not be read (the others were inspected), 1 on errors.",
	.run = run_inspect,
};
