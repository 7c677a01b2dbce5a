#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "model/caps.h"
#include "model/finding.h"
#include "respond/act.h"
#include "respond/procinfo.h"

/* ---- what is switched on */

struct listing {
	struct json_object *all; /* NULL: as text */
	size_t n;
};

static const char *when_it_ends(const struct respond_state *s)
{
	return s->request.flags & RESPOND_KEEP ? "stays" : "goes with its agent";
}

static void list_text(const struct respond_state *s, const char *since)
{
	const struct respond_request *q = &s->request;

	printf("%-14s %.12s  %.19sZ  %s%s\n    %s\n", respond_action_name(q->action),
	       q->container[0] ? q->container : q->cgroup, since, when_it_ends(s),
	       state_agent_runs(s)			? ""
	       : !q->rule[0] && q->flags & RESPOND_KEEP ? " until undone; by hand"
	       : q->flags & RESPOND_KEEP		? "; its agent ended"
							: ", which ended",
	       s->detail);
	if (q->rule[0])
		printf("    because of: %s\n", q->rule);
}

static void list_json(struct listing *l, const struct respond_state *s, const char *since)
{
	const struct respond_request *q = &s->request;
	struct json_object *o = json_object_new_object();

	json_add(o, "action", json_object_new_string(respond_action_name(q->action)));
	json_add(o, "container", json_object_new_string(q->container));
	json_add(o, "cgroup", json_object_new_string(q->cgroup));
	json_add(o, "since", json_object_new_string(since));
	json_add(o, "rule", json_object_new_string(q->rule));
	json_add(o, "keep", json_object_new_boolean(q->flags & RESPOND_KEEP));
	json_add(o, "agent", json_object_new_int64(s->agent));
	json_add(o, "agent_runs", json_object_new_boolean(state_agent_runs(s)));
	json_add(o, "detail", json_object_new_string(s->detail));
	json_append(l->all, o);
}

static void list_one(const struct respond_state *s, void *ctx)
{
	cleanup_buf struct buf since = { 0 };
	struct listing *l = ctx;

	finding_put_time(&since, s->since);
	if (l->all)
		list_json(l, s, buf_str(&since));
	else
		list_text(s, buf_str(&since));
	l->n++;
}

static int list(const struct args *a, const char *folder, struct err *e)
{
	const char *format = args_value(a, "format");
	cleanup_json struct json_object *o = json_object_new_object();
	struct listing l = { 0 };

	if (args_count(a) > 1)
		return usage_error(a, e, "'%s': expected no more", args_at(a, 1));
	if (format && !strcmp(format, "json"))
		l.all = json_object_new_array();
	state_each(folder, list_one, &l);
	if (l.all) {
		cleanup_free char *text = NULL;

		json_add(o, "format", json_object_new_string("boltseal.respond-list/1"));
		json_add(o, "responses", l.all);
		text = json_text(o);
		fputs(text, stdout);
	} else if (!l.n) {
		puts("nothing is switched on");
	}
	return EXIT_OK;
}

/* ---- acting */

static int tell(const struct respond_request *q, const struct respond_result *r, struct err *e)
{
	if (r->outcome == RESPOND_FAILED || r->outcome == RESPOND_REFUSED) {
		err_set(e, EPERM, "%s: %s: %s", respond_action_name(q->action),
			respond_outcome_name(r->outcome), r->text);
		return EXIT_ERROR;
	}
	printf("%s %.12s: %s: %s\n", respond_action_name(q->action),
	       q->container[0] ? q->container : q->cgroup, respond_outcome_name(r->outcome),
	       r->text);
	return EXIT_OK;
}

static void respond_free_p(struct respond **r)
{
	respond_free(*r);
}

struct undoing {
	struct respond *acts;
	const char *wanted; /* beginning of a container's id, an action, or "all" */
	size_t n;
	int code;
	struct err *e;
};

static bool is_wanted(const struct respond_request *q, const char *wanted)
{
	return !strcmp(wanted, "all") || !strcmp(wanted, respond_action_name(q->action)) ||
	       (strlen(wanted) >= 4 && !strncmp(q->container, wanted, strlen(wanted))) ||
	       (!q->container[0] && !strcmp(q->cgroup, wanted));
}

static void undo_one(const struct respond_state *s, void *ctx)
{
	struct respond_request q = s->request;
	struct undoing *u = ctx;
	struct respond_result r;

	if (!is_wanted(&q, u->wanted))
		return;
	u->n++;
	if (!(q.flags & RESPOND_KEEP) && state_agent_runs(s) && q.action != RESPOND_FREEZE) {
		err_set(u->e, EBUSY, "%s of %.12s is held by process %d and goes when that ends",
			respond_action_name(q.action), q.container, s->agent);
		u->code = EXIT_ERROR;
		return;
	}
	q.action = respond_action_undo(q.action);
	respond_act(u->acts, &q, &r);
	if (tell(&q, &r, u->e) != EXIT_OK)
		u->code = EXIT_ERROR;
}

static int undo(const struct args *a, const char *folder, struct err *e)
{
	cleanup(respond_free_p) struct respond *acts = NULL;
	cleanup_container struct container c = { 0 };
	struct undoing u = { .wanted = args_at(a, 1), .e = e };
	struct err unknown;

	if (args_count(a) != 2)
		return usage_error(a, e, "expected a container, an action, or all");
	if (respond_new(&acts, &(struct respond_options){ .state = folder }, e) < 0)
		return EXIT_ERROR;
	u.acts = acts;
	state_each(folder, undo_one, &u);
	/* What is written down has no names. */
	if (!u.n && container_find(u.wanted, &c, &unknown) == 0) {
		u.wanted = c.id;
		state_each(folder, undo_one, &u);
	}
	if (!u.n) {
		err_set(e, ENOENT, "nothing that is switched on is about '%s'", args_at(a, 1));
		return EXIT_ERROR;
	}
	return u.code;
}

/* The container that somebody names, as a request. */
static int target(const struct args *a, struct respond_request *q, struct err *e)
{
	cleanup_container struct container c = { 0 };
	const char *name = args_at(a, 1);
	struct procinfo info;

	if (container_find(name, &c, e) < 0)
		return -e->code;
	if (c.pid <= 0 || procinfo_cgroup(c.pid, q->cgroup, sizeof(q->cgroup)) < 0 ||
	    procinfo_read(c.pid, &info) < 0)
		return err_set(e, ESRCH, "%s: the container does not run", name);
	snprintf(q->container, sizeof(q->container), "%s", c.id);
	q->pid = (uint32_t)c.pid;
	if (procinfo_link(c.pid, "exe", q->exe, sizeof(q->exe)) < 0)
		q->exe[0] = '\0';
	return 0;
}

/* "mount,ptrace" as bits; `number` has `count` for a word that is none. */
static int read_words(const struct args *a, const char *option,
		      unsigned (*number)(const char *word), unsigned count, const char *expected,
		      uint64_t *out, struct err *e)
{
	const char *text = args_value(a, option);
	cleanup_free char *copy = text ? xstrdup(text) : NULL;
	char *save = NULL;

	*out = 0;
	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w;
	     w = strtok_r(NULL, ",", &save)) {
		unsigned n = number(w);

		if (n >= count) {
			usage_error(a, e, "--%s: '%s': expected %s", option, w, expected);
			return -EINVAL;
		}
		*out |= UINT64_C(1) << n;
	}
	return 0;
}

static unsigned operation_number(const char *word)
{
	return respond_operation_by_name(word);
}

static unsigned capability_number(const char *word)
{
	const struct bcap_desc *d = bcap_by_name(word);

	return d ? d->nr : BCAP_COUNT;
}

/* What deny refuses. */
static int what_to_deny(const struct args *a, struct respond_request *q, struct err *e)
{
#define OPERATION_WORD(id, name) ", " name
	static const char known[] = RESPOND_OPERATIONS(OPERATION_WORD);
#undef OPERATION_WORD
	cleanup_free char *expected = xasprintf("some of %s", known + strlen(", "));
	uint64_t operations;

	if (read_words(a, "operations", operation_number, RESPOND_OP_COUNT, expected, &operations,
		       e) < 0 ||
	    read_words(a, "capabilities", capability_number, BCAP_COUNT,
		       "capabilities, such as CAP_NET_RAW", &q->capabilities, e) < 0)
		return -EINVAL;
	q->operations = (uint32_t)operations;
	if (q->capabilities)
		q->operations |= 1u << RESPOND_OP_CAPABILITY;
	if (!q->operations) {
		usage_error(a, e, "deny: expected --operations or --capabilities");
		return -EINVAL;
	}
	return 0;
}

/* The control group that somebody names by its folder or its path. */
static int named_group(const char *path, struct respond_request *q, struct err *e)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified/", "/sys/fs/cgroup/" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (!strncmp(path, roots[i], strlen(roots[i]))) {
			path += strlen(roots[i]) - 1;
			break;
		}
	if (strlen(path) >= sizeof(q->cgroup))
		return err_set(e, ENAMETOOLONG, "--cgroup: the path is too long");
	strcpy(q->cgroup, path);
	q->flags |= RESPOND_ASKED;
	return 0;
}

static int act(const struct args *a, enum respond_action action, const char *folder, struct err *e)
{
	cleanup(respond_free_p) struct respond *acts = NULL;
	struct respond_request q = { .action = action, .flags = RESPOND_KEEP };
	struct respond_options o = { .state = folder, .evidence = args_value(a, "evidence") };
	struct respond_result r;

	const char *group = args_value(a, "cgroup");

	if (args_count(a) != (group ? 1 : 2))
		return usage_error(a, e, "expected a container's name or id, or --cgroup");
	if ((action == RESPOND_DENY && what_to_deny(a, &q, e) < 0) ||
	    (group ? named_group(group, &q, e) : target(a, &q, e)) < 0 ||
	    respond_new(&acts, &o, e) < 0)
		return EXIT_ERROR;
	respond_act(acts, &q, &r);
	return tell(&q, &r, e);
}

static const char *const subcommands[] = { "list",	    "undo",	  "freeze",
					   "block-network", "quarantine", "kill-container",
					   "deny",	    NULL };

static int run_respond(struct args *a, struct err *e)
{
	const char *what = args_at(a, 0), *state = args_value(a, "state");
	const char *folder = state ? state : RESPOND_STATE_DEFAULT;

	if (!what)
		return usage_error(a, e, "expected list, undo or an action");
	if (!strcmp(what, "list"))
		return list(a, folder, e);
	if (!strcmp(what, "undo"))
		return undo(a, folder, e);
	return act(a, respond_action_by_name(what), folder, e);
}

static const struct option_desc options[] = {
	{ 'o', "format", "FORMAT", "json|text",
	  "list: format of the result; text is the default." },
	{ 0, "state", "DIR", NULL,
	  "Where it is written down what is switched on; " RESPOND_STATE_DEFAULT
	  " is the default." },
	{ 0, "cgroup", "PATH", NULL,
	  "Acts on this control group, in place of a container's; never on one with processes that "
	  "nobody acts on." },
	{ 0, "operations", "LIST", NULL,
	  "deny: what is refused, with commas between: file (opening for writing), exec, network, "
	  "mount, ptrace, module, capability, bpf." },
	{ 0, "capabilities", "LIST", NULL, "deny: capabilities that are refused." },
	{ 0, "evidence", "DIR", NULL,
	  "quarantine: where evidence is kept; " RESPOND_EVIDENCE " is the default." },
	{ 0 },
};

const struct command command_respond = {
	.name = "respond",
	.synopsis = "list | undo WHAT | ACTION CONTAINER",
	.summary = "Shows and takes back what responses did; acts on containers by hand.",
	.description =
		"boltseal watch --respond=enforce stops containers, cuts them off the network and "
		"more, as rules and the response policy say. list shows what is switched on, also "
		"by an agent that ended; undo takes it back: all of it, all of one action, or what "
		"is about a container (its name, or the beginning of its id).\n"
		"\n"
		"freeze stops all processes of a container, block-network cuts it off, quarantine "
		"does both and keeps evidence: a copy of the executable and a listing of "
		"processes, open files and connections. All of these stay until undo. "
		"kill-container ends all processes. deny refuses operations by LSM programs, where "
		"the kernel was booted with bpf in lsm=.\n"
		"\n"
		"Nothing is done to boltseal itself, container runtimes and the first process.\n"
		"\n"
		"JSON of list (format boltseal.respond-list/1): responses, a list of action, "
		"container, cgroup, since, rule, keep, agent, agent_runs and detail.",
	.subcommands = subcommands,
	.options = options,
	.examples = "# What is switched on?\n"
		    "boltseal respond list\n"
		    "# A container that somebody has to look at\n"
		    "boltseal respond quarantine web\n"
		    "# No mounts and no debuggers there\n"
		    "boltseal respond deny --operations=mount,ptrace web\n"
		    "# Let it go on\n"
		    "boltseal respond undo 4f0c9a1be2d7\n",
	.exit_status = "0 when it was done, also when undo finds the container gone and only drops "
		       "the record; 1 when it was refused or failed.",
	.run = run_respond,
};
