/* Responses: the policy's file, decisions, whom nobody acts on, what is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "respond/cgroup.h"
#include "respond/decide.h"
#include "respond/kill.h"
#include "respond/procinfo.h"
#include "respond/protect.h"
#include "respond/state.h"

#define SECOND UINT64_C(1000000000)
#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- the policy's file */

static void test_policy_errors(void **state)
{
	static const struct {
		const char *text, *error; /* error "": it is in order */
	} cases[] = {
		{ "mode: enforce\n", "" },
		{ "{}\n", "" },
		{ "mode: maybe\n", "p:1:7: /mode: expected dry-run or enforce" },
		{ "mod: enforce\n", "p:1:1: /mod: unknown key \"mod\"; did you mean \"mode\"?" },
		{ "[]\n", "expected a map, found" },
		{ "allow: [{image: 'ops/*'}, {container: x, rule: z}]\n", "" },
		{ "allow: [{}]\n", "p:1:9: /allow/0: expected a map with what is never acted on" },
		{ "allow: [{priority: error}]\n", "unknown key \"priority\"" },
		{ "limits: {container: {actions: 3, within: 1m}, total: {actions: 9, within: "
		  "1h}}\n",
		  "" },
		{ "limits: {total: {actions: 3}}\n", "p:1:17: /limits/total: expected 'within'" },
		{ "limits: {total: {actions: 3, within: 0s}}\n", "expected a time such as 30s" },
		{ "limits: {total: {actions: 3, within: soon}}\n", "expected a time such as 30s" },
		{ "respond: [{rule: x, do: [kill, freeze]}]\n", "" },
		{ "respond: [{priority: error, do: [quarantine]}]\n", "" },
		{ "respond: [{rule: x}]\n", "do" },
		{ "respond: [{rule: x, do: [thaw]}]\n", "p:1:26: /respond/0/do/0: expected kill" },
		{ "respond: [{priority: bad, do: [kill]}]\n", "expected a priority from" },
		{ "when_agent_ends: keep\n", "" },
		{ "when_agent_ends: {freeze: keep, block-network: lift}\n", "" },
		{ "when_agent_ends: {kill: keep}\n", "unknown key \"kill\"" },
		{ "when_agent_ends: stay\n", "p:1:18: /when_agent_ends: expected keep or lift" },
		{ "exec: {always: true, hashes: [" ID "], models: [{image: x, model: z}]}\n", "" },
		{ "exec: {hashes: [abc]}\n", "p:1:17: /exec/hashes/0: expected a SHA-256" },
		{ "exec: {yara: [3]}\n", "expected a file with YARA rules" },
		{ "exec: {late: refuse}\n", "" },
		{ "exec: {late: never}\n", "p:1:14: /exec/late: expected permit or refuse" },
		{ "deny: [{image: x, operations: [mount, ptrace]}]\n", "" },
		{ "deny: [{operations: [capability], capabilities: [CAP_SYS_ADMIN]}]\n", "" },
		{ "deny: [{operations: [capability]}]\n", "expected 'capabilities'" },
		{ "deny: [{operations: [walk]}]\n", "expected file, exec, network" },
		{ "deny: [{operations: [exec], capabilities: [x]}]\n", "expected a capability" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct respond_policy p;
		struct err e = { 0 };
		int err;

		respond_policy_init(&p);
		err = respond_policy_parse(&p, "p", cases[i].text, strlen(cases[i].text), &e);
		if ((err == 0) != !*cases[i].error || !strstr(e.msg, cases[i].error))
			fail_msg("%s: '%s', not '%s'", cases[i].text, e.msg, cases[i].error);
		respond_policy_free(&p);
	}
}

static void test_policy_values(void **state)
{
	static const char text[] =
		"mode: enforce\nhost: true\nwhen_agent_ends: {freeze: keep}\n"
		"limits: {container: {actions: 2, within: 30s}}\n"
		"respond: [{tag: 'T10*', do: [kill, block-network]}]\nevidence: /e\n";
	struct respond_policy p;
	static const char *const tags[] = { "a", "T1059" };
	struct respond_subject s = { .rule = "x", .tags = tags, .tags_n = 2, .priority = 3 };

	(void)state;
	respond_policy_init(&p);
	assert_false(p.enforce);
	assert_int_equal(respond_policy_parse(&p, "p", text, strlen(text), NULL), 0);
	assert_true(p.enforce && p.host && p.keep[RESPOND_FREEZE]);
	assert_false(p.keep[RESPOND_BLOCK_NETWORK]);
	assert_int_equal(p.per_container.actions, 2);
	assert_int_equal(p.per_container.within, 30 * SECOND);
	assert_int_equal(p.total.actions, 30);
	assert_string_equal(p.evidence, "/e");
	assert_int_equal(respond_policy_actions(&p, &s),
			 1u << RESPOND_KILL | 1u << RESPOND_BLOCK_NETWORK);
	s.tags_n = 1;
	assert_int_equal(respond_policy_actions(&p, &s), 0);
	respond_policy_free(&p);
}

/* ---- decisions */

#define ALLOW	"allow: [{image: 'ops/*'}, {container: db, rule: Noise}, {program: /bin/backup}]\n"
#define ENFORCE "mode: enforce\n" ALLOW

static void test_decisions(void **state)
{
	static const struct {
		const char *policy;
		enum respond_action action;
		struct respond_subject who;
		const char *is_protected;
		enum respond_outcome outcome;
		const char *text;
	} cases[] = {
		{ ALLOW, RESPOND_KILL, { .container_id = ID }, NULL, RESPOND_DRY, "would" },
		{ ENFORCE, RESPOND_KILL, { .container_id = ID }, NULL, RESPOND_DONE, "" },
		{ ENFORCE, RESPOND_FREEZE, { .container_id = ID }, NULL, RESPOND_DONE, "" },
		/* Nobody acts on these, whatever the mode. */
		{ ENFORCE,
		  RESPOND_KILL,
		  { .container_id = ID },
		  "the container runtime",
		  RESPOND_REFUSED,
		  "never done to the container runtime" },
		{ ENFORCE,
		  RESPOND_FREEZE,
		  { .container_id = ID },
		  "boltseal itself",
		  RESPOND_REFUSED,
		  "never done to boltseal itself" },
		{ "host: true\n" ENFORCE,
		  RESPOND_KILL,
		  { 0 },
		  "the first process",
		  RESPOND_REFUSED,
		  "the first process" },
		/* The host. */
		{ ENFORCE, RESPOND_KILL, { 0 }, NULL, RESPOND_REFUSED, "a process of the host" },
		{ "host: true\n" ENFORCE, RESPOND_KILL, { 0 }, NULL, RESPOND_DONE, "" },
		{ "host: true\n" ENFORCE,
		  RESPOND_FREEZE,
		  { 0 },
		  NULL,
		  RESPOND_REFUSED,
		  "in no container" },
		/* The allow-list wins. */
		{ ENFORCE,
		  RESPOND_KILL,
		  { .container_id = ID, .image = "ops/shell" },
		  NULL,
		  RESPOND_REFUSED,
		  "on the allow-list: ops/*" },
		{ ENFORCE,
		  RESPOND_KILL_CONTAINER,
		  { .container_id = ID, .image = "ops/shell" },
		  NULL,
		  RESPOND_REFUSED,
		  "allow-list" },
		{ ALLOW,
		  RESPOND_KILL,
		  { .container_id = ID, .image = "ops/shell" },
		  NULL,
		  RESPOND_REFUSED,
		  "allow-list" },
		{ ENFORCE,
		  RESPOND_KILL,
		  { .container_id = ID, .container_name = "db", .rule = "Noise" },
		  NULL,
		  RESPOND_REFUSED,
		  "allow-list" },
		{ ENFORCE,
		  RESPOND_KILL,
		  { .container_id = ID, .container_name = "db", .rule = "Other" },
		  NULL,
		  RESPOND_DONE,
		  "" },
		{ ENFORCE,
		  RESPOND_KILL,
		  { .container_id = ID, .program = "/bin/backup" },
		  NULL,
		  RESPOND_REFUSED,
		  "allow-list: /bin/backup" },
		{ "allow: [{program: '*'}]\nmode: enforce\n",
		  RESPOND_KILL,
		  { .container_id = ID, .program = NULL },
		  NULL,
		  RESPOND_DONE,
		  "" },
		{ "limits: {total: {actions: 0, within: 1m}}\nmode: enforce\n",
		  RESPOND_KILL,
		  { .container_id = ID },
		  NULL,
		  RESPOND_REFUSED,
		  "more than 0 actions in all" },
		{ "limits: {container: {actions: 0, within: 1m}}\nmode: enforce\n",
		  RESPOND_KILL,
		  { .container_id = ID },
		  NULL,
		  RESPOND_REFUSED,
		  "for one container" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct respond_request q = { .action = cases[i].action, .pid = 100 };
		struct respond_result r;
		struct respond_decider *d;
		struct respond_policy p;

		respond_policy_init(&p);
		assert_int_equal(respond_policy_parse(&p, "p", cases[i].policy,
						      strlen(cases[i].policy), NULL),
				 0);
		d = respond_decider_new(&p);
		if (cases[i].who.container_id)
			strcpy(q.container, cases[i].who.container_id);
		respond_decide(d, &q, &cases[i].who, cases[i].is_protected, SECOND, &r);
		if (r.outcome != cases[i].outcome || !strstr(r.text, cases[i].text))
			fail_msg("case %zu: %s: %s", i, respond_outcome_name(r.outcome), r.text);
		respond_decider_free(d);
		respond_policy_free(&p);
	}
}

static enum respond_outcome decide(struct respond_decider *d, const char *container,
				   enum respond_action action, uint64_t now)
{
	struct respond_subject s = { .container_id = container };
	struct respond_request q = { .action = action, .pid = 100 };
	struct respond_result r;

	strcpy(q.container, container);
	respond_decide(d, &q, &s, NULL, now, &r);
	return r.outcome;
}

static void test_limits(void **state)
{
	static const char text[] = "mode: enforce\nlimits: {container: {actions: 2, within: 10s}, "
				   "total: {actions: 5, within: 10s}}\n";
	struct respond_decider *d;
	struct respond_policy p;

	(void)state;
	respond_policy_init(&p);
	assert_int_equal(respond_policy_parse(&p, "p", text, strlen(text), NULL), 0);
	d = respond_decider_new(&p);
	assert_int_equal(decide(d, "a", RESPOND_KILL, 1 * SECOND), RESPOND_DONE);
	assert_int_equal(decide(d, "a", RESPOND_KILL, 2 * SECOND), RESPOND_DONE);
	assert_int_equal(respond_decider_left(d, "a", 2 * SECOND), 0);
	assert_int_equal(decide(d, "a", RESPOND_KILL, 3 * SECOND), RESPOND_REFUSED);
	assert_int_equal(decide(d, "b", RESPOND_KILL, 3 * SECOND), RESPOND_DONE);
	/* The first of them is ten seconds ago, and only it. */
	assert_int_equal(decide(d, "a", RESPOND_KILL, 11 * SECOND), RESPOND_DONE);
	assert_int_equal(decide(d, "a", RESPOND_KILL, 11 * SECOND), RESPOND_REFUSED);
	/* Four within ten seconds: one is left, for whoever comes. */
	assert_int_equal(respond_decider_left(d, "c", 11 * SECOND), 2);
	respond_decider_count(d, "c", 11 * SECOND, 2);
	assert_int_equal(decide(d, "d", RESPOND_KILL, 11 * SECOND), RESPOND_REFUSED);
	assert_int_equal(decide(d, "d", RESPOND_KILL, 13 * SECOND), RESPOND_DONE);
	respond_decider_free(d);
	respond_policy_free(&p);
}

/* What is on is not done again, and counts for no limit. */
static void test_already(void **state)
{
	struct respond_decider *d;
	struct respond_policy p;

	(void)state;
	respond_policy_init(&p);
	p.enforce = true;
	p.per_container.actions = 2;
	d = respond_decider_new(&p);
	assert_int_equal(decide(d, "a", RESPOND_FREEZE, SECOND), RESPOND_DONE);
	respond_decider_set(d, "a", RESPOND_FREEZE, true);
	for (int i = 0; i < 5; i++)
		assert_int_equal(decide(d, "a", RESPOND_FREEZE, SECOND), RESPOND_ALREADY);
	assert_int_equal(decide(d, "a", RESPOND_BLOCK_NETWORK, SECOND), RESPOND_DONE);
	respond_decider_set(d, "a", RESPOND_FREEZE, false);
	assert_int_equal(decide(d, "a", RESPOND_FREEZE, SECOND), RESPOND_REFUSED);
	respond_decider_free(d);
	respond_policy_free(&p);
}

/* ---- whom nobody acts on */

static void test_protected(void **state)
{
	struct respond_protect *p = respond_protect_new();
	pid_t child = fork();
	const char *who;

	(void)state;
	if (child == 0) {
		execl("/bin/sleep", "containerd-shim", "20", (char *)NULL);
		_exit(1);
	}
	who = respond_protected(p, 1);
	assert_string_equal(who, "the first process");
	who = respond_protected(p, getpid());
	assert_string_equal(who, "boltseal itself");
	if (kill(2, 0) == 0 || errno == EPERM) {
		who = respond_protected(p, 2);
		/* In a container, 2 may be anything. */
		if (who)
			assert_string_equal(who, "a kernel thread");
	}
	/* A name of its own choice protects nobody; its file does. */
	for (int i = 0; i < 100 && respond_protected(p, child); i++)
		usleep(10000); /* until it is another program than this one */
	assert_null(respond_protected(p, child));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(respond_is_runtime_name("runc"));
	assert_true(respond_is_runtime_name("containerd-shim-runc-v2"));
	assert_false(respond_is_runtime_name("nginx"));
	respond_protect_free(p);
}

static uint64_t start_of(pid_t pid)
{
	struct procinfo info;

	assert_int_equal(procinfo_read(pid, &info), 0);
	return info.start * (SECOND / (uint64_t)sysconf(_SC_CLK_TCK)) + 1;
}

/* A number alone hits nobody: the time of the process's start has to agree. */
static void test_kill_identity(void **state)
{
	struct respond_request q = { .action = RESPOND_KILL };
	struct respond_result r;
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	q.pid = (uint32_t)child;
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_REFUSED);
	q.start = start_of(child) + 5 * SECOND;
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_REFUSED);
	assert_non_null(strstr(r.text, "another one by now"));
	q.start = start_of(child);
	strcpy(q.container, ID);
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_REFUSED);
	assert_non_null(strstr(r.text, "not in the container"));
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	q.container[0] = '\0';
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_DONE);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_FAILED);
	q.pid = 1;
	kill_process(&q, &r);
	assert_int_equal(r.outcome, RESPOND_REFUSED);
}

/* A control group that is not the container's own is never touched. */
static void test_group_paths(void **state)
{
	static const struct {
		const char *path, *id;
		enum respond_outcome outcome;
	} cases[] = {
		{ "/", "", RESPOND_FAILED },
		{ "", ID, RESPOND_FAILED },
		{ "docker/" ID, ID, RESPOND_FAILED },
		{ "/docker/../" ID, ID, RESPOND_FAILED },
		{ "/docker/..", ID, RESPOND_FAILED },
		{ "/system.slice", ID, RESPOND_REFUSED },
		{ "/docker/" ID, "", RESPOND_REFUSED },
		{ "/no-such-group/" ID, ID, RESPOND_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct respond_request q = { 0 };
		struct respond_result r = { .outcome = RESPOND_DONE };
		struct cgroup_place p;

		strcpy(q.cgroup, cases[i].path);
		strcpy(q.container, cases[i].id);
		assert_false(cgroup_find(&q, &p, &r));
		if (r.outcome != cases[i].outcome)
			fail_msg("%s: %s", cases[i].path, r.text);
	}
}

/* ---- what is written down */

static void count_states(const struct respond_state *s, void *ctx)
{
	struct respond_state *last = ctx;

	*last = *s;
}

static void test_state(void **state)
{
	char folder[] = "/tmp/boltseal-respond-XXXXXX";
	cleanup_free char *command = NULL, *bad = NULL;
	struct respond_state s = { .since = 5, .detail = "frozen \"so\"" }, got = { 0 };
	struct err e = { 0 };
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	s.request = (struct respond_request){ .action = RESPOND_FREEZE,
					      .flags = RESPOND_KEEP,
					      .container = ID,
					      .cgroup = "/docker/" ID,
					      .rule = "a 'rule'" };
	state_sign(&s);
	if (state_put(folder, &s, &e) < 0)
		fail_msg("%s", e.msg);
	bad = xasprintf("%s/freeze-bad.json", folder);
	f = fopen(bad, "w");
	fputs("{\"action\": \"freeze\"", f);
	fclose(f);
	state_each(folder, count_states, &got);
	assert_int_equal(got.request.action, RESPOND_FREEZE);
	assert_int_equal(got.request.flags, RESPOND_KEEP);
	assert_string_equal(got.request.cgroup, s.request.cgroup);
	assert_string_equal(got.request.rule, s.request.rule);
	assert_string_equal(got.detail, s.detail);
	assert_true(state_agent_runs(&got));
	got.agent_start++;
	assert_false(state_agent_runs(&got));
	state_remove(folder, RESPOND_FREEZE, &s.request);
	memset(&got, 0, sizeof(got));
	state_each(folder, count_states, &got);
	assert_string_equal(got.request.container, "");
	command = xasprintf("rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
}

/* Names are what files and people use: each row of the table by its name and back. */
static void test_names(void **state)
{
	(void)state;
	for (enum respond_action a = 0; a < RESPOND_ACTION_COUNT; a++) {
		enum respond_action undo = respond_action_undo(a);

		assert_int_equal(respond_action_by_name(respond_action_name(a)), a);
		assert_true(undo == RESPOND_ACTION_COUNT || respond_action_is_container(undo));
	}
	assert_int_equal(respond_action_by_name("walk"), RESPOND_ACTION_COUNT);
	for (enum respond_operation o = 0; o < RESPOND_OP_COUNT; o++)
		assert_int_equal(respond_operation_by_name(respond_operation_name(o)), o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_errors), cmocka_unit_test(test_policy_values),
		cmocka_unit_test(test_decisions),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_already),	      cmocka_unit_test(test_protected),
		cmocka_unit_test(test_kill_identity), cmocka_unit_test(test_group_paths),
		cmocka_unit_test(test_state),	      cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
