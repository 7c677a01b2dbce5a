#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/generate.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

static void generate_free(struct generate *g)
{
	wl_free(&g->model);
	wl_free(&g->base);
	sp_free(&g->profile);
	sp_frequencies_free(&g->often);
	buf_free(&g->out);
	buf_free(&g->notes);
}

bool generate_is(const struct args *a, const char *option, const char *value)
{
	const char *given = args_value(a, option);

	return given && !strcmp(given, value);
}

/* Options that mean nothing for one of the targets are refused there. */
static int check_options(const struct args *a, const char *what, struct err *e)
{
	static const struct {
		const char *option, *targets;
	} only[] = {
		{ "runtime", "seccomp spo seal" },
		{ "runtime-version", "seccomp spo seal" },
		{ "base", "seccomp spo seal" },
		{ "dialect", "seccomp" },
		{ "engine", "seccomp" },
		{ "libseccomp", "seccomp" },
		{ "frequencies", "seccomp" },
		{ "bad-arch", "seccomp" },
		{ "arguments", "seccomp spo seal" },
		{ "clone3", "seccomp spo seal systemd" },
		{ "mode", "seccomp apparmor spo systemd selinux" },
		{ "close-equivalents", "seccomp apparmor spo seal systemd" },
		{ "unseen", "seccomp apparmor spo seal" },
		{ "phase", "seccomp" },
		{ "unseen-arguments", "seccomp apparmor spo seal systemd" },
		{ "no-new-privileges", "seccomp spo seal docker podman kubernetes ecs systemd" },
		{ "seccomp", "docker podman kubernetes ecs" },
		{ "apparmor", "docker podman kubernetes ecs systemd" },
		{ "selinux", "docker podman kubernetes ecs systemd" },
		{ "user", "docker podman kubernetes ecs systemd" },
		{ "volume", "docker podman kubernetes ecs systemd selinux spo" },
		{ "read-only", "docker podman kubernetes ecs" },
		{ "quadlet", "podman" },
		{ "kind", "kubernetes spo" },
		{ "patch", "kubernetes" },
		{ "container", "kubernetes" },
		{ "kubernetes-version", "kubernetes" },
		{ "selector", "networkpolicy" },
		{ "egress", "networkpolicy" },
		{ "launch-type", "ecs" },
		{ "part", "ecs" },
		{ "known-calls", "systemd" },
		{ "file-contexts", "selinux spo" },
		{ "abi", "landlock" },
		{ "root", "landlock" },
		{ "with-apparmor", "seal" },
		{ "name",
		  "seccomp apparmor spo seal networkpolicy docker podman kubernetes ecs systemd "
		  "selinux" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(only); i++)
		if (args_has(a, only[i].option) && !text_has_word(only[i].targets, what))
			return usage_error(a, e, "--%s has no effect on %s", only[i].option, what);
	if ((!strcmp(what, "seccomp") || !strcmp(what, "spo") || !strcmp(what, "seal")) &&
	    generate_is(a, "no-new-privileges", "auto"))
		return usage_error(a, e,
				   "--no-new-privileges auto is for containers; seccomp takes "
				   "on or off");
	if (args_has(a, "engine") && args_has(a, "dialect"))
		return usage_error(a, e, "--engine has its dialect: expected no --dialect");
	if (args_has(a, "libseccomp") && !args_has(a, "engine"))
		return usage_error(a, e, "--libseccomp needs --engine");
	if (!strcmp(what, "seccomp") && generate_is(a, "format", "text"))
		return usage_error(a, e, "a seccomp profile is JSON");
	if (!strcmp(what, "apparmor") && generate_is(a, "format", "json"))
		return usage_error(a, e, "an AppArmor profile is text");
	if (!strcmp(what, "selinux") && generate_is(a, "format", "json"))
		return usage_error(a, e, "an SELinux module is text");
	if (!strcmp(what, "systemd") && generate_is(a, "format", "json"))
		return usage_error(a, e, "a unit is text");
	if ((!strcmp(what, "ecs") || !strcmp(what, "landlock")) && generate_is(a, "format", "text"))
		return usage_error(a, e, "%s is written as JSON", what);
	return 0;
}

static int read_options(struct generate *g, const struct args *a, struct err *e)
{
	struct gen_options *o = &g->o;
	const char *base = args_value(a, "base");

	gen_options_default(o);
	o->name = args_value(a, "name");
	o->runtime = args_value(a, "runtime");
	o->runtime_version = args_value(a, "runtime-version");
	o->no_new_privs = generate_is(a, "no-new-privileges", "on");
	o->complain = generate_is(a, "mode", "complain");
	o->allow_incomplete = args_has(a, "allow-incomplete");
	o->clone3 = generate_is(a, "clone3", "allow");
	if (args_has(a, "arguments"))
		o->arguments = generate_is(a, "arguments", "off")      ? GEN_ARGS_OFF
			       : generate_is(a, "arguments", "strict") ? GEN_ARGS_STRICT
								       : GEN_ARGS_SAFE;
	if (args_has(a, "close-equivalents"))
		o->equivalents = generate_is(a, "close-equivalents", "off")   ? GEN_EQ_OFF
				 : generate_is(a, "close-equivalents", "all") ? GEN_EQ_ALL
									      : GEN_EQ_PROCESS;
	if (args_has(a, "unseen"))
		o->unseen = generate_is(a, "unseen", "none")   ? GEN_UNSEEN_NONE
			    : generate_is(a, "unseen", "safe") ? GEN_UNSEEN_SAFE
							       : GEN_UNSEEN_ALL;
	o->no_base = generate_is(a, "phase", "serving");
	o->unseen_programs = generate_is(a, "unseen", "all");
	g->json = generate_is(a, "format", "json");
	if (!base)
		return 0;
	o->base = &g->base;
	return wl_load(&g->base, base, e);
}

static int make_apparmor(struct generate *g, const struct args *a, struct err *e)
{
	(void)a;
	return gen_apparmor(&g->model, &g->o, &g->out, &g->notes, e);
}

static int make_capabilities(struct generate *g, const struct args *a, struct err *e)
{
	int r = gen_check_model(&g->model, &g->o, &g->notes, e);

	(void)a;
	if (r < 0)
		return r;
	if (g->json)
		json_put_text(&g->out, gen_caps_json(&g->model));
	else
		gen_caps_text(&g->model, &g->out);
	return 0;
}

static const struct generate_target profiles[] = {
	{ "seccomp", generate_seccomp },
	{ "apparmor", make_apparmor },
	{ "capabilities", make_capabilities },
	{ "landlock", generate_landlock },
	{ 0 },
};

static const char *const target_names[] = { "seccomp",	"apparmor", "selinux",	     "capabilities",
					    "landlock", "docker",   "podman",	     "kubernetes",
					    "spo",	"seal",	    "networkpolicy", "ecs",
					    "systemd",	NULL };

static int make(struct generate *g, const struct args *a, const char *what, struct err *e)
{
	const struct generate_target *const tables[] = { profiles, generate_platforms };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct generate_target *t = tables[i]; t->name; t++)
			if (!strcmp(t->name, what))
				return t->make(g, a, e);
	return err_set(e, EINVAL, "nothing makes '%s'", what);
}

static void prefer_recorded(struct generate *g)
{
	cleanup_buf struct buf names = { 0 };

	wl_prefer_recorded(&g->model, &names);
	for (char *c = names.p; c && *c; c++)
		*c = *c != '\n' ? *c : c[1] ? ' ' : '\0';
	if (names.len)
		buf_printf(&g->notes,
			   "with the recorded arguments only, though the code can reach them with "
			   "others: %s\n",
			   buf_str(&names));
}

/*
 * Leaves the calls of serving, for a filter that the program puts on itself. A recording's serving
 * begins with the first wait of the whole workload, so it takes an analysis to know what one
 * process does from its loop on.
 */
static int only_serving(struct workload *w, struct err *e)
{
	const uint32_t serving = WL_PHASE_BIT(WL_SERVING);
	bool analysed = false;

	for (size_t i = 0; i < w->sources_n; i++)
		analysed |= w->sources[i].kind == WL_STATIC;
	if (!analysed)
		return err_set(e, ENODATA,
			       "--phase=serving needs what an analysis knows of the program: "
			       "merge the model with that of boltseal analyze");
	for (size_t i = 0; i < w->syscalls_n; i++) {
		struct wl_syscall *s = &w->syscalls[i];

		s->prov.phases &= serving;
		s->any.phases &= serving;
		for (size_t k = 0; k < s->calls_n; k++)
			s->calls[k].prov.phases &= serving;
	}
	return 0;
}

static int generate(struct generate *g, struct args *a, struct err *e)
{
	const char *what = args_at(a, 0), *file = args_at(a, 1);
	int r;

	if (!what || !file || args_count(a) > 2)
		return usage_error(a, e, "expected what to generate and one workload model");
	r = check_options(a, what, e);
	if (r)
		return r;
	r = read_options(g, a, e);
	if (r >= 0)
		r = strcmp(what, "seccomp") ? wl_load(&g->model, file, e)
					    : generate_load(g, a, file, e);
	if (r >= 0 && generate_is(a, "unseen-arguments", "recorded"))
		prefer_recorded(g);
	if (r >= 0 && generate_is(a, "phase", "serving"))
		r = only_serving(&g->model, e);
	if (r >= 0)
		r = make(g, a, what, e);
	if (r >= 0)
		r = io_write_file(args_value(a, "output"), buf_str(&g->out), g->out.len, e);
	if (r >= 0)
		log_notes(&g->notes);
	return r < 0 ? EXIT_ERROR : EXIT_OK;
}

static int run_generate(struct args *a, struct err *e)
{
	cleanup(generate_free) struct generate g = { 0 };

	wl_init(&g.model);
	wl_init(&g.base);
	sp_init(&g.profile);
	return generate(&g, a, e);
}

static const struct option_desc options[] = {
	{ 0, "output", "FILE", NULL, "Where to write; standard output is the default." },
	{ 'o', "format", "FORMAT", "json|text",
	  "Form of the result where there is a choice: text (the default), which for "
	  "Kubernetes is YAML, or JSON." },
	{ 'n', "name", "NAME", NULL,
	  "Name of the profile: in AppArmor, and of the file that docker refers to. The name of "
	  "the workload is the default." },
	{ 'd', "dialect", "DIALECT", "docker|podman|oci|kubernetes|bpf|bpf-base64|c",
	  "seccomp: the dialect; docker, with a comment on each rule, is the default. bpf is the "
	  "compiled filter, bpf-base64 the same as text, c a C array with comments." },
	{ 0, "frequencies", "FILE", NULL,
	  "seccomp, compiled: how often each call is made, as lines of name and count or as the "
	  "table of strace -c; frequent calls are decided early." },
	{ 0, "bad-arch", "ACTION", "kill_process|kill_thread",
	  "seccomp, compiled: what happens to calls of architectures that are not listed; "
	  "kill_process is the default." },
	{ 0, "engine", "NAME[:VERSION]", NULL,
	  "seccomp: in place of a dialect, what this engine takes: docker, podman, containerd, "
	  "cri-o, runc or crun. Remarks say what the version drops." },
	{ 0, "libseccomp", "VERSION", NULL,
	  "seccomp, with --engine: the version on the nodes (2.2.0 or newer); names that it does "
	  "not know are left out." },
	{ 0, "mode", "MODE", "enforce|complain",
	  "enforce (the default), or complain: what is not allowed is logged and goes on." },
	{ 0, "runtime", "NAME", "runc|crun",
	  "seccomp: the runtime whose own calls are allowed. Default: the one of the recording, "
	  "else both." },
	{ 0, "runtime-version", "VERSION", NULL, "seccomp: its version, such as 1.1.5." },
	{ 0, "base", "FILE", NULL,
	  "seccomp: the calls of the runtime as measured by record --runtime-base, in place of "
	  "the built-in table." },
	{ 0, "no-new-privileges", "VALUE", "on|off|auto",
	  "seccomp: whether containers run with it, which takes fewer calls of the runtime (off "
	  "is the default and fits both). Containers: whether they have it (auto is the "
	  "default)." },
	{ 0, "arguments", "WHICH", "off|safe|strict",
	  "seccomp: which argument values are limited to those seen. safe (the default): "
	  "sockets, namespaces, prctl, memory protection and others; strict: also ioctl, fcntl "
	  "and socket options." },
	{ 0, "clone3", "VALUE", "enosys|allow",
	  "seccomp: enosys (the default) makes libraries fall back to clone, whose flags can be "
	  "filtered." },
	{ 0, "close-equivalents", "WHICH", "off|process|all",
	  "Also allow what another libc would use in place of a call that was seen: for "
	  "processes (the default), or for all calls. off also keeps IPv4 and IPv6 apart." },
	{ 0, "unseen", "WHICH", "all|safe|none",
	  "seccomp: which calls to allow that only analyze found, when the model has recordings "
	  "too: all (the default), safe (without those that lint calls dangerous), or none. "
	  "apparmor: with all, programs too that only the code names may be executed; the default "
	  "is none." },
	{ 0, "phase", "PHASE", "all|serving",
	  "seccomp: serving allows what the program does from its main loop on, and nothing of "
	  "what "
	  "a runtime needs: for a filter that the program loads itself when it gets there. The "
	  "model needs an analysis that tells the phases apart." },
	{ 0, "unseen-arguments", "WHICH", "any|recorded",
	  "Which arguments to allow of calls that a recording has with all its arguments, and "
	  "analyze found without: any (the default), or those that were recorded." },
	{ 0, "seccomp", "FILE", NULL,
	  "Containers: the seccomp profile; NAME.json is the default, none leaves it out." },
	{ 0, "apparmor", "PROFILE", NULL,
	  "Containers: the AppArmor profile; NAME is the default, none leaves it out." },
	{ 0, "selinux", "TYPE", NULL, "Containers: the SELinux type of the process." },
	{ 0, "user", "UID[:GID]", NULL, "Containers: the user that the process runs as." },
	{ 0, "volume", "[HOST:]DIRECTORY", NULL,
	  "Containers: a directory that is mounted anyway, so that writes in it do not keep the "
	  "root file system writable. selinux: what to allow of it, by the type of the host's "
	  "directory. May be repeated." },
	{ 0, "file-contexts", "FILE", NULL,
	  "selinux: the host's file_contexts, which says the types of volumes and devices." },
	{ 0, "read-only", "VALUE", "on|off|auto",
	  "Containers: a read-only root file system, with empty mounts where the program writes. "
	  "auto: when the recording shows that it works; off is the default for docker, auto for "
	  "the others." },
	{ 0, "kind", "KIND", NULL,
	  "kubernetes: what the patch is for: Pod (the default), Deployment, StatefulSet, "
	  "DaemonSet, ReplicaSet, Job or CronJob. spo: SeccompProfile (the default), "
	  "AppArmorProfile, SelinuxProfile or RawSelinuxProfile." },
	{ 0, "patch", "FORM", "strategic|json6902",
	  "kubernetes: a strategic merge patch (the default), or a JSON patch (RFC 6902)." },
	{ 0, "container", "NAME", NULL,
	  "kubernetes: the container's name in the pod (NAME is the default); for a JSON patch its "
	  "index (0 is the default)." },
	{ 0, "kubernetes-version", "VERSION", NULL,
	  "kubernetes: the cluster's, such as 1.28: before 1.30 AppArmor profiles are annotations, "
	  "before 1.19 seccomp profiles too. Without it the fields are used." },
	{ 0, "with-apparmor", NULL, NULL, "seal: with an AppArmor profile, too." },
	{ 0, "selector", "LABEL=VALUE", NULL,
	  "networkpolicy: a label of the pods; app=NAME is the default; may be repeated." },
	{ 0, "egress", "WHICH", "addresses|ports",
	  "networkpolicy: to the recorded addresses (the default), or to their ports anywhere." },
	{ 0, "launch-type", "TYPE", "ec2|fargate",
	  "ecs: where the tasks run; ec2 is the default." },
	{ 0, "part", "PART", "task-definition|daemon.json",
	  "ecs: the task definition (the default), or the daemon.json of the instances, which has "
	  "the seccomp profile." },
	{ 0, "known-calls", "FILE", NULL,
	  "systemd: what systemd-analyze syscall-filter prints where the unit will run; calls that "
	  "are not in it are left out." },
	{ 0, "abi", "N", NULL,
	  "landlock: the Landlock ABI that the rules are for; 7 is the default. A kernel with an "
	  "older one restricts less." },
	{ 0, "root", "DIRECTORY", NULL,
	  "landlock: where the program's root file system is now, to see what exists; / is the "
	  "default." },
	{ 0, "quadlet", NULL, NULL, "podman: a unit for systemd in place of the command." },
	{ 0, "allow-incomplete", NULL, NULL,
	  "Goes on, with a remark, when the recording is not complete." },
	{ 0 },
};

const struct command command_generate = {
	.name = "generate",
	.synopsis = "TARGET [OPTION]... MODEL|PROFILE",
	.summary = "Makes security profiles from a workload model.",
	.description =
		"Reads the workload model (- is standard input) and writes what confines the "
		"workload to it.\n"
		"\n"
		"  seccomp       a system call filter, as JSON for container runtimes\n"
		"  apparmor      an AppArmor profile\n"
		"  selinux       an SELinux policy module, in CIL with udica's templates\n"
		"  capabilities  which capabilities are needed, with the evidence\n"
		"  landlock      rules for boltseal run --landlock-rules\n"
		"  docker        the options of docker run that put all of it to use\n"
		"  podman        the same for podman run, or as a unit for systemd\n"
		"  kubernetes    a patch with the security context of a container\n"
		"  networkpolicy which ports and addresses the pods are reached at and reach\n"
		"  spo           an object of the Security Profiles Operator\n"
		"  seal          a SealProfile, for boltseal node and boltseal admit\n"
		"  ecs           the parts of an Amazon ECS task definition that confine\n"
		"  systemd       a drop-in for the unit of a service\n"
		"\n"
		"A seccomp profile allows the calls of the program and those that the container "
		"runtime makes under the filter. What is newer than Linux 3.2 and was not used "
		"answers ENOSYS, so that libraries fall back to older calls; everything else "
		"answers EPERM. Before it is written, the profile is compiled to the kernel's "
		"filter language, proven equal to it for every possible call, and checked "
		"against the model.\n"
		"\n"
		"seccomp also takes a finished profile in place of a model, in any dialect, and "
		"translates it: to another dialect, or to the filter itself (bpf, bpf-base64, c). "
		"crun takes bpf-base64 as the annotation run.oci.seccomp_bpf_data.\n"
		"\n"
		"Recordings that are empty are refused; those that are not complete too, unless "
		"--allow-incomplete is given. Remarks on what could not be made tighter, and "
		"why, go to standard error.\n"
		"\n"
		"As JSON, capabilities (format boltseal.capabilities/1) has: needed, refused "
		"(lists of name, risk, evidence) and unused_defaults (names that Docker grants "
		"and nothing asked for), where evidence is a "
		"list of phases, programs, syscall, function and inferred; docker and podman "
		"(formats boltseal.docker/1, boltseal.podman/1) have: options, image and "
		"no_new_privileges.",
	.subcommands = target_names,
	.options = options,
	.examples =
		"# A profile for Docker, and the command that uses it\n"
		"boltseal generate seccomp --output web.json --runtime runc web.workload.json\n"
		"boltseal generate docker --seccomp web.json --apparmor none web.workload.json\n"
		"# For Kubernetes, when containers have allowPrivilegeEscalation: false\n"
		"boltseal generate seccomp -d kubernetes --no-new-privileges on web.workload.json\n"
		"# AppArmor, first only logging\n"
		"boltseal generate apparmor --mode complain web.workload.json | apparmor_parser "
		"-r\n",
	.exit_status = "0 when it was written, 1 on errors and when the recording is refused.",
	.run = run_generate,
};
