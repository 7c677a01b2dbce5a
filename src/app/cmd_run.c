#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/run.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/caps.h"

extern char **environ;

static void run_free(struct run *r)
{
	sp_free(&r->profile);
	sp_filter_free(&r->filter);
	wl_free(&r->model);
	landlock_plan_free(&r->plan);
	notify_free(&r->notify);
	close_p(&r->ruleset);
	free(r->path);
}
#define cleanup_run cleanup(run_free)

/* One word of a list of capabilities. */
static int add_capability(const char *word, size_t len, uint64_t *mask, struct err *e)
{
	cleanup_free char *name = strndup(word, len);
	const struct bcap_desc *d;

	if (!name)
		mem_exhausted();
	d = bcap_by_name(name);
	if (!d)
		return err_set(
			e, EINVAL,
			"--capabilities: '%s' is no capability that boltseal knows; expected a "
			"list such as NET_BIND_SERVICE,CHOWN, or none, keep, model",
			name);
	*mask |= 1ull << d->nr;
	return 0;
}

static int parse_capabilities(struct run *r, const char *list, struct err *e)
{
	struct confine *c = &r->confine;
	int rc = 0;

	if (!list || !strcmp(list, "keep"))
		return 0;
	c->set_caps = true;
	if (!strcmp(list, "none"))
		return 0;
	if (!strcmp(list, "model")) {
		for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
			if (wl_cap_needed(&r->model, nr, WL_PROGRAM_PHASES))
				c->caps |= 1ull << nr;
		return 0;
	}
	for (const char *at = list; at && rc == 0;) {
		size_t len = strcspn(at, ",");

		rc = add_capability(at, len, &c->caps, e);
		at = at[len] ? at + len + 1 : NULL;
	}
	return rc;
}

/* A number that is a whole word and no reserved id (-1). */
static bool parse_id(const char *s, uint32_t *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v >= UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int use_group(struct run *r, const char *group, struct err *e)
{
	const struct group *gr = getgrnam(group);
	uint32_t gid;

	if (gr)
		gid = gr->gr_gid;
	else if (!parse_id(group, &gid))
		return err_set(e, ENOENT, "--user: there is no group '%s'", group);
	r->confine.gid = r->groups[0] = gid;
	r->confine.groups_n = 1;
	return 0;
}

/* "U" with the user's own groups, or "U:G" with just that one. */
static int parse_user(struct run *r, const char *spec, struct err *e)
{
	cleanup_free char *user = spec ? xstrdup(spec) : NULL;
	char *group = user ? strchr(user, ':') : NULL;
	const struct passwd *pw;
	int n = CONFINE_MAX_GROUPS;
	uint32_t uid;

	if (!user)
		return 0;
	if (group)
		*group++ = '\0';
	pw = getpwnam(user);
	if (!pw && !parse_id(user, &uid))
		return err_set(e, ENOENT, "--user: there is no user '%s'", user);
	if (!pw)
		pw = getpwuid(uid);
	r->confine.set_user = true;
	r->confine.uid = pw ? pw->pw_uid : uid;
	r->confine.groups = r->groups;
	if (group)
		return use_group(r, group, e);
	if (!pw)
		return err_set(e, ENOENT,
			       "--user: no group is known for user %u; give one: %u:GROUP", uid,
			       uid);
	if (getgrouplist(pw->pw_name, pw->pw_gid, r->groups, &n) < 0)
		return err_set(e, E2BIG, "--user: '%s' is in more than %d groups", user,
			       CONFINE_MAX_GROUPS);
	r->confine.gid = pw->pw_gid;
	r->confine.groups_n = (size_t)n;
	return 0;
}

static bool notifies(const struct sp_profile *p)
{
	bool found = p->deflt.action == SP_NOTIFY;

	for (size_t i = 0; i < p->rules_n; i++)
		found |= p->rules[i].ret.action == SP_NOTIFY;
	return found;
}

/* The single call that boltseal itself makes under the filter, with the arguments it will have. */
static int check_execve(const struct run *r, enum sc_abi native, struct err *e)
{
	const struct confine *c = &r->confine;
	const uint64_t args[6] = { (uintptr_t)c->path, (uintptr_t)c->argv, (uintptr_t)c->envp };
	struct sp_ret ret;

	if (!r->profile.abi[native])
		return err_set(e, EINVAL,
			       "%s: the profile is not for %s, the architecture of this machine",
			       r->profile_path, sc_abi_name(native));
	ret = sp_eval(&r->profile, sc_abi_audit_arch(native), (uint32_t)sc_nr(native, "execve"),
		      args);
	if (ret.action == SP_ALLOW || ret.action == SP_LOG)
		return 0;
	return err_set(
		e, EACCES,
		"%s: the profile does not allow execve (%s), so nothing can be started under "
		"it; add execve, or see with --mode complain what else is missing",
		r->profile_path, sp_action_name(ret.action));
}

static int load_profile(struct run *r, struct err *e)
{
	struct sp_host host;
	int rc;

	sp_host_current(&host);
	host.caps = r->confine.set_caps ? r->confine.caps : capabilities_bounding();
	rc = sp_load(&r->profile, r->profile_path, &host, NULL, e);
	if (rc < 0)
		return rc;
	rc = sp_compile_proven(&r->profile, NULL, &r->filter, e);
	if (rc < 0)
		return err_prefix(e, "%s", r->profile_path);
	if (r->complain) {
		r->confine.listener = true;
		rc = seccomp_complain(r->filter.insn, r->filter.n, e);
		if (rc == 0)
			rc = sp_prove_complain(&r->profile, &r->filter, e);
	} else if (notifies(&r->profile)) {
		rc = err_set(
			e, EINVAL,
			"%s: SCMP_ACT_NOTIFY needs an agent that answers the notifications, which "
			"run does not have",
			r->profile_path);
	} else {
		rc = check_execve(r, host.native, e);
	}
	r->confine.filter = r->filter.insn;
	r->confine.filter_n = r->filter.n;
	r->confine.filter_flags = r->profile.flags;
	return rc;
}

/* `rules`: a file of them, NULL: from the model. */
static int make_ruleset(struct run *r, const char *rules, struct err *e)
{
	int abi = landlock_need(e), rc = 0;

	if (abi < 0)
		return abi;
	if (rules)
		rc = landlock_plan_load(&r->plan, rules, abi, e);
	else
		landlock_plan_model(&r->plan, &r->model, WL_PROGRAM_PHASES, abi, -1);
	if (rc < 0)
		return rc;
	r->ruleset = landlock_ruleset(&r->plan, e);
	r->confine.ruleset = r->ruleset;
	if (r->plan.widened && !r->report_path)
		log_note(
			"Landlock: %zu of the model's files can only be allowed by their directory "
			"(--report lists them)",
			r->plan.widened);
	return r->ruleset < 0 ? r->ruleset : 0;
}

static uint32_t decide(void *ctx, const struct seccomp_data *sd)
{
	const struct run *r = ctx;
	uint64_t args[6];

	for (int i = 0; i < 6; i++)
		args[i] = sd->args[i];
	return sp_ret_word(sp_eval(&r->profile, sd->arch, (uint32_t)sd->nr, args));
}

/* What the command line says by itself. */
static int read_options(struct run *r, struct args *a, struct err *e)
{
	const char *nnp = args_value(a, "no-new-privileges");
	const char *mode = args_value(a, "mode");
	const char *caps = args_value(a, "capabilities");
	const char *output = args_value(a, "format");
	bool need_model = args_has(a, "landlock") || (caps && !strcmp(caps, "model"));

	r->complain = mode && !strcmp(mode, "complain");
	r->json = output && !strcmp(output, "json");
	r->profile_path = args_value(a, "profile");
	r->report_path = args_value(a, "report");
	r->landlock = args_has(a, "landlock") || args_has(a, "landlock-rules");
	r->confine.no_new_privs = !nnp || !strcmp(nnp, "on");
	if (args_dashdash(a) > 0)
		return usage_error(a, e, "'%s' is no option; the command stands behind '--'",
				   args_at(a, 0));
	if (!args_count(a))
		return usage_error(a, e, "expected a command behind '--'");
	if (!r->profile_path && !r->landlock && !caps && !args_has(a, "user"))
		return usage_error(a, e,
				   "nothing to confine with; expected --profile, --landlock, "
				   "--landlock-rules, --capabilities or --user");
	if (args_has(a, "landlock") && args_has(a, "landlock-rules"))
		return usage_error(a, e, "expected --landlock or --landlock-rules, not both");
	if (need_model && !args_has(a, "model"))
		return usage_error(a, e, "--landlock and --capabilities model need --model");
	if (r->complain && !r->profile_path)
		return usage_error(a, e, "--mode complain needs --profile");
	if (r->complain && r->landlock)
		return usage_error(a, e, "Landlock has no complain mode; leave out --landlock");
	r->argv = args_rest(a, 0);
	return 0;
}

static int load_model(struct run *r, const char *path, struct err *e)
{
	int rc = path ? wl_load(&r->model, path, e) : 0;

	if (rc == 0 && path && wl_incomplete(&r->model))
		log_warn("%s: the model is incomplete; what is missing in it will be refused",
			 path);
	return rc;
}

static int prepare(struct run *r, struct args *a, struct err *e)
{
	const char *search = getenv("PATH");
	int rc = load_model(r, args_value(a, "model"), e);

	if (rc == 0)
		rc = parse_capabilities(r, args_value(a, "capabilities"), e);
	if (rc == 0)
		rc = parse_user(r, args_value(a, "user"), e);
	if (rc == 0)
		rc = confine_resolve(r->argv[0], search ? search : "/usr/local/bin:/usr/bin:/bin",
				     &r->path, e);
	r->confine.path = r->path;
	r->confine.argv = r->argv;
	r->confine.envp = environ;
	if (rc == 0 && r->profile_path)
		rc = load_profile(r, e);
	if (rc == 0 && r->landlock)
		rc = make_ruleset(r, args_value(a, "landlock-rules"), e);
	if (rc == 0 && r->complain)
		rc = notify_init(&r->notify, decide, r, e);
	return rc;
}

/* Runs and reports; signals stay blocked until the report is written. */
static int execute(struct run *r, struct err *e)
{
	cleanup_confine_child struct confine_child ch = { 0 };
	cleanup_close int log = r->complain ? -1 : killed_watch();
	int rc = confine_start(&r->confine, &ch, e);

	if (rc == 0)
		rc = confine_wait(&ch, r->complain ? &r->notify : NULL, &r->end, e);
	if (rc == 0 && r->end.killed && r->end.value == SIGSYS && r->profile_path)
		r->killer_known = killed_find(log, ch.pid, &r->killer_arch, &r->killer_nr);
	return rc < 0 ? rc : run_report(r, e);
}

static int run_run(struct args *a, struct err *e)
{
	cleanup_run struct run r = { .ruleset = -1, .confine.ruleset = -1 };

	sp_init(&r.profile);
	wl_init(&r.model);
	if (read_options(&r, a, e))
		return EXIT_ERROR;
	if (prepare(&r, a, e) < 0 || execute(&r, e) < 0)
		return EXIT_ERROR;
	return r.end.killed ? 128 + r.end.value : r.end.value;
}

static const struct option_desc options[] = {
	{ 'p', "profile", "FILE", NULL, "The seccomp profile: JSON of OCI, Docker or Podman." },
	{ 'm', "model", "FILE", NULL,
	  "The workload model, for --landlock and --capabilities model." },
	{ 0, "landlock", NULL, NULL,
	  "Restricts files and TCP ports with Landlock to what the model has." },
	{ 0, "landlock-rules", "FILE", NULL,
	  "The same by the rules in a file, as boltseal generate landlock writes them." },
	{ 0, "capabilities", "LIST", NULL,
	  "The capabilities that the program has: names separated by commas, none, keep "
	  "(boltseal's "
	  "own; the default), or model (those that the model's program needed)." },
	{ 'u', "user", "USER[:GROUP]", NULL,
	  "Runs the program as this user, by name or number, with the user's groups or just "
	  "GROUP." },
	{ 0, "no-new-privileges", "on|off", "on|off",
	  "Whether set-user-ID programs and file capabilities give nothing (on, the default)." },
	{ 0, "mode", "MODE", "enforce|complain",
	  "enforce (the default), or complain: calls that the profile would deny are made and "
	  "reported." },
	{ 0, "report", "FILE", NULL, "Writes the report there (- is standard output)." },
	{ 'o', "format", "FORMAT", "json|text", "Format of the report; text is the default." },
	{ 0 },
};

const struct command command_run = {
	.name = "run",
	.synopsis = "[OPTION]... -- COMMAND [ARGUMENT]...",
	.summary = "Runs a program under a profile, enforcing it or complaining.",
	.description =
		"Runs COMMAND under a seccomp profile, with the given capabilities, user and "
		"Landlock "
		"rules. All of it holds when the program's first instruction runs; when a part "
		"cannot be "
		"set up, the program is not executed.\n"
		"\n"
		"SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are "
		"handed on to the command.\n"
		"\n"
		"In complain mode every call that the profile would not allow is made "
		"nevertheless, "
		"counted with its program and arguments, and reported at the end, on standard "
		"error or "
		"with --report. It ends when the last process under the profile has ended, which "
		"may be "
		"after the command; SIGINT or SIGTERM then end it earlier, and processes that "
		"remain get "
		"ENOSYS for such calls. It needs Linux 5.9. User and capabilities are applied in "
		"both "
		"modes; Landlock has no complain mode.\n"
		"\n"
		"Landlock allows files and whole directories, no patterns: what the model has as a "
		"pattern, and files that the program makes, are allowed by the nearest directory "
		"that "
		"exists. Changing modes, owners and times, looking whether a file exists, UDP and "
		"network addresses are not restricted by it, and mounting is always refused.\n"
		"\n"
		"The JSON report (format boltseal.run/1) has: mode, profile, command, end (exit, "
		"or "
		"signal and number), complete, in complain mode would_deny (abi, syscall, nr, "
		"action, "
		"errno, program, comm, pid, count, arguments with their counts, other_arguments) "
		"and "
		"lost (calls beyond the 4096 entries), killed_by (abi, syscall, nr) when the "
		"kernel's log "
		"names the call, and landlock (abi, rules, ports, widened, notes).",
	.options = options,
	.examples = "# Try a profile on the real program\n"
		    "boltseal run --profile nginx.json --mode complain -- nginx -g 'daemon off;'\n"
		    "# Enforce it, as another user without capabilities\n"
		    "boltseal run --profile app.json --user nobody --capabilities none -- ./app\n"
		    "# Files, ports and capabilities as the model says\n"
		    "boltseal run --profile app.json --model app.model.json --landlock "
		    "--capabilities model -- ./app\n",
	.exit_status =
		"That of COMMAND, or 128 plus the number of the signal that killed it (159: "
		"SIGSYS, a "
		"call that the profile kills for). 1 with a message when COMMAND was not executed.",
	.run = run_run,
};
