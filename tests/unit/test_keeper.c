/* What the root part of watching opens and does, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keeper_acts.h"
#include "app/keeper_execs.h"
#include "app/keeper_table.h"
#include "app/keeper_wire.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "respond/procinfo.h"
#include "sensor/watch_kill.h"
#include "sensor/watch_share.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void opens(void **state)
{
	static const struct {
		const char *path;
		int flags, result; /* 0: a descriptor */
	} rows[] = {
		{ "/proc/1/stat", O_RDONLY, 0 },
		{ "/proc/1/stat", O_RDWR, -EACCES },
		{ "/proc/1/stat", O_RDONLY | O_CREAT, -EACCES },
		{ "/proc/1/stat", O_PATH, -EACCES },
		{ "/proc/1/mem", O_RDONLY, -EACCES },
		{ "/proc/self/stat", O_RDONLY, -EACCES },
		{ "/proc/1/../1/stat", O_RDONLY, -EACCES },
		{ "/proc//1/stat", O_RDONLY, -EACCES },
		{ "/proc/1/stat/", O_RDONLY, -EACCES },
		{ "/proc/1x/stat", O_RDONLY, -EACCES },
		{ "/proc/12345678901/stat", O_RDONLY, -EACCES },
		{ "proc/1/stat", O_RDONLY, -EACCES },
		{ "", O_RDONLY, -EACCES },
		{ "/etc/shadow", O_RDONLY, -EACCES },
		{ "/proc/1/root/etc/shadow", O_RDONLY, -EACCES },
		{ "/proc/1/exe", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "/config.v2.json", O_RDONLY, -ENOENT },
		{ "/containers/" ID "/config.v2.json", O_RDONLY, -ENOENT },
		{ "/proc/1/root/containers/" ID "/config.v2.json", O_RDONLY, -EACCES },
		{ "/proc/1/cwd/x/io.containerd.runtime.v2.task", O_RDONLY | O_DIRECTORY, -EACCES },
		{ "/a/../containers/" ID "/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "x/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/x/config.v2.json", O_RDONLY, -EACCES },
		{ "/nowhere/containers/" ID "/config.v2.json/x", O_RDONLY, -EACCES },
		{ "/nowhere/overlay-containers/./containers.json", O_RDONLY, -ENOENT },
		{ "/nowhere/vfs-containers/./containers.json", O_RDONLY, -ENOENT },
		{ "/nowhere/image/overlay2/repositories.json", O_RDONLY, -ENOENT },
		{ "/nowhere/image/../repositories.json", O_RDONLY, -EACCES },
		{ "/run/x/io.containerd.runtime.v2.task", O_RDONLY, -EACCES },
		{ "/run/x/io.containerd.runtime.v2.task", O_RDONLY | O_DIRECTORY, -ENOENT },
		{ "/run/x/io.containerd.runtime.v2.task/../" ID "/config.json", O_RDONLY, -EACCES },
		{ "/run/x/io.containerd.runtime.v2.task/moby/" ID "/config.json", O_RDONLY,
		  -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = keeper_open(rows[i].path, rows[i].flags);

		if ((fd < 0 ? fd : 0) != rows[i].result)
			fail_msg("%s: %d, not %d", rows[i].path, fd, rows[i].result);
		if (fd >= 0)
			close(fd);
	}
}

/* What stands at a permitted place may be anything. */
static void no_files(void **state)
{
	char folder[] = "/tmp/boltseal-keeper-XXXXXX", path[256];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/containers", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/containers/" ID, folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/containers/" ID "/config.v2.json", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keeper_open(path, O_RDONLY), -EACCES);
	unlink(path);
	mkdir(path, 0700);
	assert_int_equal(keeper_open(path, O_RDONLY), -EACCES);
	rmdir(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	fd = keeper_open(path, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	/* A link leads out of the engine's folder, not into it. */
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(keeper_open(path, O_RDONLY), -ELOOP);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	assert_int_equal(symlink("/etc", path), 0);
	strcat(path, "/config.v2.json");
	assert_int_equal(keeper_open(path, O_RDONLY), -ELOOP);
	*strrchr(path, '/') = '\0';
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
}

static void links(void **state)
{
	char path[64], target[4096];
	ssize_t n;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	n = keeper_link(path, target, sizeof(target));
	assert_true(n > 0 && target[0] == '/');
	snprintf(path, sizeof(path), "/proc/%d/root", getpid());
	assert_int_equal(keeper_link(path, target, sizeof(target)), -EACCES);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", getpid());
	assert_int_equal(keeper_link(path, target, sizeof(target)), -EACCES);
}

static void wire(void **state)
{
	int sock[2], fd, pipes[2];
	char text[8] = "", byte = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_true(keeper_send(sock[0], "request", 8));
	assert_true(keeper_send_fd(sock[0], pipes[1]));
	assert_true(keeper_receive(sock[1], text, 8));
	assert_string_equal(text, "request");
	assert_true(keeper_receive_fd(sock[1], &fd));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	/* No descriptor where one should be; the end of the other side. */
	assert_true(keeper_send(sock[0], "f", 1));
	assert_false(keeper_receive_fd(sock[1], &fd));
	close(sock[0]);
	assert_false(keeper_receive(sock[1], text, 1));
	assert_false(keeper_send(sock[1], text, 1));
	close(sock[1]);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- what the kernel is to kill */

static void kills_in_plans(void **state)
{
	static const struct watch_kill good = { .flags = 3, .access = 2, .paths = 1 };
	static const struct {
		const char *call; /* NULL: executed programs */
		struct watch_kill k;
		int err;
	} rows[] = {
		{ "openat", { .flags = 3, .access = 2, .paths = 1 }, 0 },
		{ NULL, { .upper = WATCH_YES, .comms = 1, .comm = { "sh" } }, 0 },
		{ "no such call", { 0 }, -EINVAL },
		{ "openat", { .result = 3 }, -EINVAL },
		{ "openat", { .flags = 5 }, -EINVAL },
		{ "openat", { .access = 4 }, -EINVAL },
		{ NULL, { .upper = 3 }, -EINVAL },
		{ NULL, { .memfd = 3 }, -EINVAL },
		{ NULL, { .comms = WATCH_KILL_COMMS + 1 }, -EINVAL },
		{ NULL, { .comms = 1, .comm = { "0123456789abcdef" } }, -EINVAL },
		{ NULL, { .pad = 1 }, -EINVAL },
	};
	struct watch_options o = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_buf struct buf plan = { 0 }, again = { 0 };
		struct watch *w, *taken = NULL;
		struct err e = { 0 };
		char *at;
		int err;

		assert_int_equal(watch_new(&w, &o, &e), 0);
		assert_int_equal(watch_kill_path(watch_kills(w), "/etc/x", false, 1), 0);
		assert_true(watch_kill_rule(watch_kills(w), "openat", &good) >= 0);
		watch_plan_put(w, &plan);
		watch_free(w);
		/* The bytes of that row, of whatever a process may send in their place. */
		at = plan.p + plan.len - sizeof(good);
		memcpy(at, &rows[i].k, sizeof(rows[i].k));
		memset(at - 32, 0, 32);
		if (rows[i].call)
			memcpy(at - 32, rows[i].call, strlen(rows[i].call));
		assert_int_equal(watch_plan_take(&taken, plan.p, plan.len, false, &e), -EPERM);
		err = watch_plan_take(&taken, plan.p, plan.len, true, &e);
		if (err != rows[i].err)
			fail_msg("row %zu: %d (%s), not %d", i, err, e.msg, rows[i].err);
		if (err == 0) {
			assert_int_equal(watch_kill_rows(watch_kills(taken)), 1);
			watch_plan_put(taken, &again);
			assert_int_equal(again.len, plan.len);
			assert_memory_equal(again.p, plan.p, plan.len);
			watch_free(taken);
		}
	}
}

/* Texts are about something, and have a place in it. */
static void plan_texts(void **state)
{
	static const struct watch_text text = { "/etc/", WATCH_S_RAW, WATCH_AT_LAST };
	static const struct {
		uint32_t subject, place;
		int err;
	} rows[] = {
		{ WATCH_S_PATH, WATCH_AT_WHOLE, 0 },
		{ WATCH_S_COMM, WATCH_AT_LAST, 0 },
		{ WATCH_S_COMM + 1, WATCH_AT_WHOLE, -EINVAL },
		{ 31, WATCH_AT_WHOLE, -EINVAL },
		{ WATCH_S_PATH, WATCH_AT_LAST + 1, -EINVAL },
		{ WATCH_S_PATH, UINT32_MAX, -EINVAL },
	};
	struct watch_options o = { .given = true, .cwd = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_buf struct buf plan = { 0 }, again = { 0 };
		struct watch *w, *taken = NULL;
		struct err e;
		char *at;

		assert_int_equal(watch_new(&w, &o, &e), 0);
		assert_true(watch_group(w, &text, 1) >= 0);
		watch_plan_put(w, &plan);
		watch_free(w);
		at = plan.p + plan.len - strlen(text.text) - 3 * sizeof(uint32_t);
		memcpy(at, &rows[i].subject, sizeof(uint32_t));
		memcpy(at + sizeof(uint32_t), &rows[i].place, sizeof(uint32_t));
		assert_int_equal(watch_plan_take(&taken, plan.p, plan.len, false, &e), rows[i].err);
		if (!taken)
			continue;
		watch_plan_put(taken, &again);
		assert_int_equal(again.len, plan.len);
		assert_memory_equal(again.p, plan.p, plan.len);
		watch_free(taken);
	}
}

/* ---- the policy's bytes */

static const char policy_text[] =
	"mode: enforce\nhost: true\nwhen_agent_ends: {freeze: keep}\nevidence: /e\n"
	"allow: [{container: db, rule: Noise}, {program: /bin/backup}]\n"
	"limits: {container: {actions: 2, within: 30s}}\n"
	"deny: [{image: 'x/*', operations: [mount, capability], capabilities: [CAP_SYS_ADMIN]}]\n";

static void policy_bytes(struct buf *out, const char *text)
{
	struct respond_policy p;

	respond_policy_init(&p);
	assert_int_equal(respond_policy_parse(&p, "p", text, strlen(text), NULL), 0);
	respond_policy_put(&p, out);
	respond_policy_free(&p);
}

static void policy(void **state)
{
	cleanup_buf struct buf bytes = { 0 }, again = { 0 };
	struct respond_policy p;
	struct err e;

	(void)state;
	policy_bytes(&bytes, policy_text);
	respond_policy_init(&p);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(respond_policy_take(&p, bytes.p, len, &e), -EINVAL);
	assert_int_equal(respond_policy_take(&p, bytes.p, bytes.len + 1, &e), -EINVAL);
	assert_false(p.host);
	assert_int_equal(respond_policy_take(&p, bytes.p, bytes.len, &e), 0);
	assert_true(p.enforce && p.host && p.keep[RESPOND_FREEZE] && !p.keep[RESPOND_DENY]);
	assert_int_equal(p.per_container.actions, 2);
	assert_int_equal(p.total.actions, 30);
	assert_string_equal(p.evidence, "/e");
	assert_int_equal(p.allow_n, 2);
	assert_string_equal(p.allow[0].rule, "Noise");
	assert_null(p.allow[1].container);
	assert_string_equal(p.allow[1].program, "/bin/backup");
	assert_int_equal(p.denials[0].operations,
			 1u << RESPOND_OP_MOUNT | 1u << RESPOND_OP_CAPABILITY);
	respond_policy_put(&p, &again);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.p, bytes.p, bytes.len);
	respond_policy_free(&p);
}

/* ---- requests of a process that is not boltseal any more */

static struct keeper_execs *execs;

static struct keeper_acts *acts_of(const char *text)
{
	char folder[] = "/tmp/boltseal-acts-XXXXXX";
	struct respond_options o = { .state = folder };
	cleanup_buf struct buf bytes = { 0 };
	struct keeper_acts *a;
	struct err e;

	assert_non_null(mkdtemp(folder));
	execs = keeper_execs_new(-1);
	assert_int_equal(keeper_acts_new(&a, &o, execs, &e), 0);
	policy_bytes(&bytes, text);
	assert_int_equal(keeper_acts_policy(a, bytes.p, bytes.len, &e), 0);
	assert_int_equal(keeper_acts_policy(a, bytes.p, bytes.len, &e), -EPERM);
	rmdir(folder);
	return a;
}

static void says(struct keeper_acts *a, const struct keeper_act *act, enum respond_outcome outcome,
		 const char *text)
{
	struct respond_result result = { 0 };
	int program;

	keeper_acts_respond(a, act, &program, &result);
	assert_int_equal(program, -1);
	if (result.outcome != outcome || !strstr(result.text, text))
		fail_msg("%s: '%s', not %s: '%s'", respond_outcome_name(result.outcome),
			 result.text, respond_outcome_name(outcome), text);
}

static struct keeper_act about(enum respond_action action, const char *id, const char *cgroup)
{
	struct keeper_act act;

	memset(&act, 0, sizeof(act));
	act.request.action = action;
	act.request.pid = (uint32_t)getpid();
	act.request.start = 1;
	snprintf(act.request.container, sizeof(act.request.container), "%s", id);
	snprintf(act.request.cgroup, sizeof(act.request.cgroup), "%s", cgroup);
	snprintf(act.box.id, sizeof(act.box.id), "%s", id);
	snprintf(act.box.cgroup, sizeof(act.box.cgroup), "%s", cgroup);
	return act;
}

static void owned(void **state)
{
	struct keeper_acts *a = acts_of("mode: enforce\nallow: [{container: db}]\n"
					"deny: [{image: x, operations: [mount]}]\n");
	struct keeper_act act;

	(void)state;
	/* What is switched on stays. */
	act = about(RESPOND_THAW, ID, "/docker/" ID);
	says(a, &act, RESPOND_REFUSED, "only done by hand");
	act.request.action = 4711;
	says(a, &act, RESPOND_REFUSED, "only done by hand");
	/* The host, by flags or as a container. */
	act = about(RESPOND_KILL, "", "");
	act.request.pid = (uint32_t)getppid();
	act.request.flags = RESPOND_HOST;
	says(a, &act, RESPOND_REFUSED, "a process of the host");
	act = about(RESPOND_KILL_CONTAINER, "", "/system.slice/x.service");
	act.request.flags = RESPOND_ASKED | RESPOND_HOST;
	says(a, &act, RESPOND_REFUSED, "in no container");
	act = about(RESPOND_KILL_CONTAINER, "s", "/system.slice/x.service");
	says(a, &act, RESPOND_REFUSED, "not known");
	act = about(RESPOND_FREEZE, ID, "/system.slice/x.service");
	says(a, &act, RESPOND_REFUSED, "not known");
	act = about(RESPOND_KILL, ID, "/docker/" ID);
	act.request.pid = (uint32_t)getppid();
	says(a, &act, RESPOND_REFUSED, "not where it is said to be");
	/* Another container's name and group for this one's. */
	act = about(RESPOND_FREEZE, ID, "/docker/" ID);
	act.box.id[0] = 'f';
	says(a, &act, RESPOND_REFUSED, "not known");
	memset(act.box.name, 'x', sizeof(act.box.name));
	says(a, &act, RESPOND_REFUSED, "not known");
	/* What the policy does not deny. */
	act = about(RESPOND_DENY, ID, "/docker/" ID);
	strcpy(act.box.image, "x");
	act.request.operations = 1u << RESPOND_OP_MOUNT | 1u << RESPOND_OP_EXEC;
	says(a, &act, RESPOND_REFUSED, "the policy does not deny that");
	act.request.operations = 1u << RESPOND_OP_MOUNT;
	says(a, &act, RESPOND_FAILED, "no control group");
	keeper_acts_free(a);
	keeper_execs_free(execs);
}

/* The name that was told first is the container's; limits count what was decided here. */
static void bound(void **state)
{
	struct keeper_acts *a = acts_of("mode: enforce\nallow: [{container: db}]\n"
					"limits: {container: {actions: 2, within: 1m}}\n");
	struct keeper_act act = about(RESPOND_FREEZE, ID, "/docker/" ID);

	(void)state;
	strcpy(act.box.name, "db");
	says(a, &act, RESPOND_REFUSED, "on the allow-list: db");
	strcpy(act.box.name, "web");
	says(a, &act, RESPOND_REFUSED, "on the allow-list: db");
	act.request.container[0] = act.box.id[0] = '1';
	strcpy(act.request.cgroup, "/docker/" ID);
	strcpy(act.box.cgroup, "/docker/" ID);
	act.box.cgroup[strlen("/docker/")] = '1';
	says(a, &act, RESPOND_FAILED, "no control group");
	says(a, &act, RESPOND_FAILED, "no control group");
	says(a, &act, RESPOND_REFUSED, "more than 2 actions");
	keeper_acts_free(a);
	keeper_execs_free(execs);
}

/* ---- executions */

/* Asked by one thread, answered by another; then nobody is there. */
static void executions(void **state)
{
	struct keeper_answers *answers;
	struct keeper_execs *x;
	struct exec_judge *judge;
	struct exec_refusal refusal;
	struct respond_policy p;
	struct respond_request q = { .container = ID, .cgroup = "/docker/" ID };
	struct exec_asked a = { .pid = 4711, .container = ID, .path = "/bin/x" };
	char path[] = "/tmp/boltseal-exec-XXXXXX", hex[65], text[256];
	int sock[2], fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "program", 7), 7);
	assert_int_equal(procinfo_sha256(path, hex), 0);
	unlink(path);
	snprintf(text, sizeof(text), "exec: {late: refuse, hashes: [%s]}\n", hex);
	respond_policy_init(&p);
	assert_int_equal(respond_policy_parse(&p, "p", text, strlen(text), NULL), 0);
	assert_int_equal(exec_judge_new(&judge, &p, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	x = keeper_execs_new(sock[0]);
	keeper_execs_late(x, p.exec.refuse_late);
	assert_int_equal(keeper_answers_start(&answers, sock[1], judge), 0);
	assert_false(keeper_execs_ask(x, &a, fd)); /* of a container that nobody named */
	assert_true(exec_judge_add(judge, &q));
	for (int i = 0; i < 3; i++) {
		assert_true(keeper_execs_ask(x, &a, fd));
		assert_true(exec_judge_take(judge, &refusal));
		assert_int_equal(refusal.pid, 4711);
		assert_non_null(strstr(refusal.reason, hex));
		assert_false(refusal.late);
	}
	/* Of long ago, and of before the start of a machine that is just up: differences wrap. */
	a.time = clock_ns(CLOCK_MONOTONIC) - 2 * EXEC_WAIT_NS; /* refused by what `late` says */
	assert_true(exec_judge_refuses(judge, &a, fd));
	assert_true(exec_judge_take(judge, &refusal));
	assert_true(exec_judge_refuses(judge, &a, sock[0])); /* no file, with no hash */
	assert_true(exec_judge_take(judge, &refusal));
	assert_non_null(strstr(refusal.reason, "too long"));
	exec_judge_remove(judge, ID);
	assert_false(keeper_execs_ask(x, &a, fd));
	keeper_answers_stop(answers);
	close(sock[1]);
	assert_false(keeper_execs_ask(x, &a, fd));
	assert_false(keeper_execs_ask(x, &a, fd));
	keeper_execs_free(x);
	close(sock[0]);
	close(fd);
	exec_judge_free(judge);
	respond_policy_free(&p);
}

/* Who went while he was asked is gone for what comes then, too. */
static void gone(void **state)
{
	struct exec_asked a = { .container = ID };
	struct keeper_execs *x;
	int sock[2], null = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
	x = keeper_execs_new(sock[0]);
	keeper_execs_late(x, true);
	shutdown(sock[1], SHUT_WR); /* it can be asked, and answers nothing */
	assert_false(keeper_execs_ask(x, &a, null));
	assert_false(keeper_execs_ask(x, &a, null));
	keeper_execs_free(x);
	close(sock[0]);
	close(sock[1]);
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),	  cmocka_unit_test(no_files),
		cmocka_unit_test(links),	  cmocka_unit_test(wire),
		cmocka_unit_test(kills_in_plans), cmocka_unit_test(plan_texts),
		cmocka_unit_test(policy),	  cmocka_unit_test(owned),
		cmocka_unit_test(bound),	  cmocka_unit_test(executions),
		cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
