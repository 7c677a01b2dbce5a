/* Drift: which model a container has, what is outside of it, and what learning makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "baseline/baseline.h"
#include "model/caps.h"
#include "record_part.h"

#define NATIVE sc_abi_native()

static struct wl_syscall *call(struct workload *w, const char *name)
{
	struct wl_syscall *s = wl_syscall_add_name(w, NATIVE, sc_by_name(name));

	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), 0, 0);
	return s;
}

static void file(struct workload *w, const char *path, bool pattern, uint32_t access)
{
	wl_prov_add(&wl_file_add(w, path, pattern, access)->prov, WL_PHASE_BIT(WL_START), 0, 0);
}

static void net(struct workload *w, enum wl_net_op op, const char *address, uint16_t port)
{
	wl_prov_add(&wl_net_add(w, op, AF_INET, SOCK_STREAM, 0, address, port)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
}

/* A service that serves files on port 80 and asks a database. */
static struct bl_model *service(enum wl_source_kind kind)
{
	struct workload w;
	struct wl_syscall *s;

	wl_init(&w);
	wl_source_add(&w, kind);
	wl_program_add(&w, "/bin/app");
	call(&w, "read");
	call(&w, "openat");
	call(&w, "recvfrom");
	s = call(&w, "socket");
	wl_prov_add(&wl_call_add(s, 3, (uint8_t[]){ 0, 1, 2 }, (uint64_t[]){ 2, 1, 0 })->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	call(&w, "prctl");
	file(&w, "/bin/app", false, WL_F_EXEC | WL_F_READ);
	file(&w, "/srv/www/index.html", false, WL_F_READ);
	file(&w, "/etc/app.conf", false, WL_F_READ);
	file(&w, "/etc/missing", false, WL_F_MISSING);
	file(&w, "/var/lib/app/*", true, WL_F_READ | WL_F_WRITE | WL_F_CREATE);
	net(&w, WL_NET_LISTEN, "0.0.0.0", 80);
	net(&w, WL_NET_CONNECT, "10.0.0.7", 5432);
	wl_prov_add(&wl_cap_add(&w, bcap_by_name("CHOWN")->nr, WL_CAP_GRANTED, "chown", "", false,
				false)
			     ->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	return bl_model_new(&w, "service.json");
}

/* What is observed, and the type of the finding; NULL: none. */
static const struct {
	const char *name;
	enum obs_kind kind;
	const char *text; /* path, address or call */
	uint32_t number;  /* access, port, capability; layer */
	enum wl_net_op op;
	const char *type, *subject;
	unsigned severity;
} cases[] = {
	{ "its program", OBS_EXEC, "/bin/app", 0, 0, NULL, NULL, 0 },
	{ "another program", OBS_EXEC, "/bin/sh", WATCH_LOWER, 0,
	  "Execution:Runtime/UnknownProgramExecuted", "/bin/sh", 50 },
	{ "a program that is not of the image", OBS_EXEC, "/tmp/x", WATCH_UPPER, 0,
	  "Execution:Runtime/NewBinaryExecuted", "/tmp/x", 70 },
	{ "a call it makes", OBS_CALL, "read", 0, 0, NULL, NULL, 0 },
	{ "a call that everybody makes", OBS_CALL, "exit_group", 0, 0, NULL, NULL, 0 },
	{ "another call of a known class", OBS_CALL, "recvmsg", 0, 0,
	  "Behavior:Runtime/NewCall.Network", "Network", 10 },
	{ "a call of a new class", OBS_CALL, "mount", 0, 0,
	  "PrivilegeEscalation:Runtime/NewCallClass.Mount", "Mount", 80 },
	{ "known arguments", OBS_ARGUMENTS, "socket", 2, 0, NULL, NULL, 0 },
	{ "new arguments", OBS_ARGUMENTS, "socket", 17, 0, "Backdoor:Runtime/NewArguments.socket",
	  "socket(AF_PACKET, SOCK_STREAM, 0)", 40 },
	{ "arguments of which none are known", OBS_ARGUMENTS, "prctl", 4, 0, NULL, NULL, 0 },
	{ "its capability", OBS_CAPABILITY, "", 0, 0, NULL, NULL, 0 },
	{ "another capability", OBS_CAPABILITY, "", 21, 0,
	  "PrivilegeEscalation:Runtime/NewCapability.CAP_SYS_ADMIN", "CAP_SYS_ADMIN", 80 },
	{ "a file it reads", OBS_FILE, "/etc/app.conf", WL_F_READ, 0, NULL, NULL, 0 },
	{ "another one of a folder it reads", OBS_FILE, "/srv/www/other.html", WL_F_READ, 0, NULL,
	  NULL, 0 },
	{ "another one of a folder that everybody reads", OBS_FILE, "/etc/other.conf", WL_F_READ, 0,
	  "Discovery:Runtime/NewFileOpened", "/etc/other.conf", 20 },
	{ "one that was not there", OBS_FILE, "/etc/missing", WL_F_READ, 0,
	  "Discovery:Runtime/NewFileOpened", "/etc/missing", 20 },
	{ "a sensitive one", OBS_FILE, "/etc/shadow", WL_F_READ, 0,
	  "CredentialAccess:Runtime/SensitiveFileOpened", "/etc/shadow", 60 },
	{ "a device", OBS_FILE, "/dev/null", WL_F_WRITE, 0, NULL, NULL, 0 },
	{ "a file of a pattern", OBS_FILE, "/var/lib/app/x", WL_F_WRITE, 0, NULL, NULL, 0 },
	{ "a read file written", OBS_FILE, "/etc/app.conf", WL_F_WRITE, 0,
	  "Persistence:Runtime/NewPathWritten", "/etc/app.conf", 60 },
	{ "a new path written", OBS_FILE, "/data/x", WL_F_CREATE, 0,
	  "Behavior:Runtime/NewPathWritten", "/data/x", 30 },
	{ "the kernel's settings", OBS_FILE, "/proc/sys/kernel/core_pattern", WL_F_WRITE, 0,
	  "PrivilegeEscalation:Runtime/NewKernelFileWritten", "/proc/sys/kernel/core_pattern", 80 },
	{ "its connection", OBS_NET, "10.0.0.7", 5432, WL_NET_CONNECT, NULL, NULL, 0 },
	{ "another address", OBS_NET, "10.0.0.8", 5432, WL_NET_CONNECT,
	  "Backdoor:Runtime/NewOutboundAddress", "10.0.0.8:5432", 40 },
	{ "another port", OBS_NET, "10.0.0.7", 4444, WL_NET_SEND,
	  "Backdoor:Runtime/NewOutboundPort", "10.0.0.7:4444", 60 },
	{ "this machine", OBS_NET, "127.0.0.1", 22, WL_NET_CONNECT,
	  "Discovery:Runtime/NewLocalConnection", "127.0.0.1:22", 20 },
	{ "its port", OBS_NET, "127.0.0.1", 80, WL_NET_LISTEN, NULL, NULL, 0 },
	{ "another listening port", OBS_NET, "0.0.0.0", 31337, WL_NET_LISTEN,
	  "Backdoor:Runtime/NewListeningPort", "port 31337", 60 },
};

static void fill(struct observation *o, size_t i)
{
	*o = (struct observation){ .kind = cases[i].kind, .count = 1, .abi = NATIVE };
	snprintf(o->path, sizeof(o->path), "%s", cases[i].text);
	snprintf(o->address, sizeof(o->address), "%s", cases[i].text);
	o->access = cases[i].number;
	o->capability = cases[i].number;
	o->layer = (enum watch_layer)cases[i].number;
	o->port = (uint16_t)cases[i].number;
	o->family = AF_INET;
	o->type = SOCK_STREAM;
	o->op = cases[i].op;
	if (o->kind != OBS_CALL && o->kind != OBS_ARGUMENTS)
		return;
	o->call = sc_by_name(cases[i].text);
	o->nr = (uint32_t)o->call->nr[NATIVE];
	o->args_n = 3;
	o->value[0] = cases[i].number;
	o->value[1] = 1;
}

static void judged(void **state)
{
	struct bl_model *m = service(WL_EBPF);
	static struct observation o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_drift struct drift d = { 0 };
		bool out;

		fill(&o, i);
		out = baseline_judge(m, &o, &d);
		if (out != (cases[i].type != NULL))
			fail_msg("%s: %s", cases[i].name, out ? d.type : "nothing");
		if (!out)
			continue;
		if (strcmp(d.type, cases[i].type) || strcmp(buf_str(&d.subject), cases[i].subject))
			fail_msg("%s: %s, %s", cases[i].name, d.type, buf_str(&d.subject));
		assert_int_equal(d.severity, cases[i].severity);
		assert_non_null(strstr(buf_str(&d.text), " "));
	}
	bl_model_free(m);
}

/* Of an analysis only calls are compared: it says nothing of the rest. */
static void judged_by_calls_alone(void **state)
{
	struct bl_model *m = service(WL_STATIC);
	static struct observation o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_drift struct drift d = { 0 };
		bool calls = cases[i].kind == OBS_CALL || cases[i].kind == OBS_ARGUMENTS;

		fill(&o, i);
		if (baseline_judge(m, &o, &d) != (calls && cases[i].type))
			fail_msg("%s", cases[i].name);
	}
	bl_model_free(m);
}

static bool known(const struct watch_ns *n, const char *name)
{
	int nr = sc_by_name(name)->nr[NATIVE];

	return n->known[nr / 64] >> (nr % 64) & 1;
}

static void the_kernel_is_told(void **state)
{
	struct bl_model *m = service(WL_EBPF);
	struct watch_ns n;

	(void)state;
	bl_model_calls(m, 0, &n);
	assert_int_equal(n.state, WATCH_NS_KNOWN);
	assert_true(known(&n, "read") && known(&n, "socket") && known(&n, "exit_group"));
	assert_false(known(&n, "mount") || known(&n, "recvmsg"));
	assert_int_equal(n.caps, 1);
	bl_model_free(m);
}

static void count(void *ctx, const uint64_t value[WL_MAX_ARGS])
{
	*(uint64_t *)ctx += value[0];
}

static void arguments(void **state)
{
	struct bl_model *m = service(WL_EBPF);
	uint64_t sum = 0;

	(void)state;
	assert_true(bl_model_arguments(m, "socket", count, &sum));
	assert_int_equal(sum, 2);
	assert_false(bl_model_arguments(m, "prctl", count, &sum));
	assert_false(bl_model_arguments(m, "ptrace", count, &sum));
	bl_model_free(m);
}

static void write_model(const char *dir, const char *name, const char *identity)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "{\"format\": \"boltseal.workload/2\", \"identity\": {%s}}\n", identity);
	fclose(f);
}

/* Which file a container's model comes from. */
static const struct {
	struct bl_names names;
	const char *file; /* NULL: none */
} names[] = {
	{ { "sha256:aa", NULL, "web:2", "x" }, "a.json" },
	{ { NULL, "sha256:aa", NULL, NULL }, "a.json" },
	{ { "sha256:bb", NULL, "docker.io/library/web:1", "x" }, "b.json" },
	{ { NULL, NULL, "web:1@sha256:cc", "x" }, "b.json" },
	{ { NULL, NULL, "web", "x" }, NULL },
	{ { NULL, NULL, "registry.example:5000/team/db", NULL }, "c.json" },
	{ { NULL, NULL, "registry.example:5000/team/db:latest", NULL }, "c.json" },
	{ { NULL, NULL, "team/db", NULL }, NULL },
	{ { NULL, NULL, "other", "job" }, "d.json" },
	{ { NULL, NULL, NULL, "web" }, NULL },
	{ { NULL, NULL, NULL, NULL }, NULL },
};

static void found_by_identity(void **state)
{
	char dir[] = "/tmp/boltseal-baseline-XXXXXX";
	struct baseline *b = baseline_new();
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_model(dir, "a.json",
		    "\"name\": \"web\", \"image\": \"web:2\", \"digest\": \"sha256:aa\"");
	write_model(dir, "b.json", "\"name\": \"web\", \"image\": \"web:1\"");
	write_model(dir, "c.json", "\"image\": \"registry.example:5000/team/db:latest\"");
	write_model(dir, "d.json", "\"name\": \"job\"");
	write_model(dir, ".hidden.json", "\"name\": \"x\"");
	if (baseline_add(b, dir, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(baseline_count(b), 4);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct bl_model *m = baseline_find(b, &names[i].names);

		if (!names[i].file != !m ||
		    (m && strcmp(strrchr(bl_model_file(m), '/') + 1, names[i].file)))
			fail_msg("case %zu: %s", i, m ? bl_model_file(m) : "none");
	}
	write_model(dir, "e.json", "\"image\": \"docker.io/library/web:1\"");
	assert_int_equal(baseline_add(b, dir, &e), -EEXIST);
	write_model(dir, "f.json", "");
	{
		cleanup_free char *path = xasprintf("%s/f.json", dir);

		assert_int_equal(baseline_add(b, path, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "expected a digest, an image or a name"));
	}
	assert_int_equal(baseline_add(b, "/nonexistent/boltseal", &e), -ENOENT);
	baseline_free(b);
	{
		cleanup_free char *rm = xasprintf("rm -r %s", dir);

		assert_int_equal(system(rm), 0);
	}
}

/* What was learned is no drift afterwards, and what was not is. */
static void learned(void **state)
{
	static struct observation o;
	struct bl_model *m;
	struct workload w;

	(void)state;
	wl_init(&w);
	wl_source_add(&w, WL_EBPF);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i += 2) {
		fill(&o, i);
		baseline_learn(&w, 0, "/bin/app", &o);
	}
	assert_non_null(wl_syscall_find(&w, NATIVE, "execve"));
	m = bl_model_new(&w, "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i += 2) {
		cleanup_drift struct drift d = { 0 };

		fill(&o, i);
		if (baseline_judge(m, &o, &d))
			fail_msg("%s: %s", cases[i].name, d.type);
	}
	{
		cleanup_drift struct drift d = { 0 };

		fill(&o, 1);
		assert_true(baseline_judge(m, &o, &d));
	}
	bl_model_free(m);
}

/* Every class can be found by its calls, and every name is a system call of some machine. */
static void classes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < call_class_count(); i++) {
		const struct call_class *c = call_class_at(i);
		cleanup_free char *list = xstrdup(c->calls);

		assert_int_equal(call_class_index(c), i);
		for (char *word = strtok(list, " "); word; word = strtok(NULL, " ")) {
			if (!sc_by_name(word))
				fail_msg("%s of %s is no system call", word, c->name);
			if (call_class_of(word) != c)
				fail_msg("%s stands in two classes", word);
		}
	}
	assert_string_equal(call_class_of("getpid")->name, "Other");
	assert_string_equal(call_class_of(NULL)->name, "Other");
}

/* ---- records */

static struct {
	struct watch_rec rec;
	char parts[1024];
} r;

static void begin(unsigned kind, const char *name, int64_t ret)
{
	memset(&r, 0, sizeof(r));
	r.rec.kind = (uint16_t)kind;
	r.rec.nr = name ? (uint16_t)sc_by_name(name)->nr[NATIVE] : 0;
	r.rec.ret = ret;
	r.rec.size = sizeof(r.rec);
}

static void part(unsigned kind, unsigned arg, unsigned flags, const void *bytes, size_t len)
{
	record_part(&r.rec, kind, arg, flags, bytes, len);
}

static void observed_files(void **state)
{
	static struct observation o[OBS_MAX];
	struct {
		struct watch_fd d;
		char path[16];
	} f = { .d = { .fd = 3, .mode = S_IFREG, .flags = O_WRONLY | O_APPEND, .created = 1 },
		.path = "/srv/../data/x" };

	(void)state;
	begin(WATCH_CALL, "openat", 3);
	part(WATCH_P_PATH, 1, 0, "x", 1);
	part(WATCH_P_FD, WATCH_RET, 0, &f, sizeof(f.d) + strlen(f.path));
	assert_int_equal(observe(&r.rec, o), 1);
	assert_int_equal(o[0].kind, OBS_FILE);
	assert_string_equal(o[0].path, "/data/x");
	assert_int_equal(o[0].access, WL_F_APPEND | WL_F_CREATE);
	begin(WATCH_CALL, "openat", -2);
	assert_int_equal(observe(&r.rec, o), 0);
	begin(WATCH_CALL, "openat", 3);
	part(WATCH_P_FD, WATCH_RET, 8, &f, sizeof(f.d) + strlen(f.path));
	assert_int_equal(observe(&r.rec, o), 0); /* not in its root */

	begin(WATCH_CALL, "renameat2", 0);
	part(WATCH_P_PATH, 1, 0, "a", 1);
	part(WATCH_P_BASE, 1, 0, "/srv", 4);
	part(WATCH_P_PATH, 3, 0, "/b", 2);
	assert_int_equal(observe(&r.rec, o), 2);
	assert_string_equal(o[0].path, "/srv/a");
	assert_string_equal(o[1].path, "/b");
	assert_true(o[0].access & WL_F_DELETE && o[1].access & WL_F_CREATE);

	begin(WATCH_CALL, "unlinkat", 0);
	r.rec.arg[2] = AT_REMOVEDIR;
	part(WATCH_P_PATH, 1, 0, "/srv/dir", 8);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_string_equal(o[0].path, "/srv/dir/");
}

static void observed_sockets(void **state)
{
	static struct observation o[OBS_MAX];
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
	struct watch_fd d = {
		.mode = S_IFSOCK, .family = AF_INET, .type = SOCK_STREAM, .lport = 80
	};

	(void)state;
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	mapped.sin6_addr.s6_addr[12] = 10;
	mapped.sin6_addr.s6_addr[15] = 1;
	begin(WATCH_CALL, "connect", -115);
	part(WATCH_P_ADDR, 1, 0, &mapped, sizeof(mapped));
	assert_int_equal(observe(&r.rec, o), 1);
	assert_int_equal(o[0].op, WL_NET_CONNECT);
	assert_int_equal(o[0].family, AF_INET);
	assert_string_equal(o[0].address, "10.0.0.1");
	assert_int_equal(o[0].port, 443);

	begin(WATCH_CALL, "connect", 0);
	part(WATCH_P_ADDR, 1, 0, "\1\0/run/x.sock\0junk", 17);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_string_equal(o[0].address, "/run/x.sock");
	begin(WATCH_CALL, "connect", 0);
	part(WATCH_P_ADDR, 1, 0, "\1\0\0name", 7);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_string_equal(o[0].address, "@name");
	begin(WATCH_CALL, "connect", 0);
	part(WATCH_P_ADDR, 1, 0, "\2\0\0", 3);
	assert_int_equal(observe(&r.rec, o), 0);

	begin(WATCH_CALL, "listen", 0);
	part(WATCH_P_FD, 0, 0, &d, sizeof(d));
	assert_int_equal(observe(&r.rec, o), 1);
	assert_int_equal(o[0].op, WL_NET_LISTEN);
	assert_int_equal(o[0].port, 80);
}

static void observed_programs_and_calls(void **state)
{
	static struct observation o[OBS_MAX];
	struct watch_proc p = { .layer = WATCH_UPPER };

	(void)state;
	begin(WATCH_EXEC, NULL, 0);
	part(WATCH_P_PROC, 0, 0, &p, sizeof(p));
	part(WATCH_P_EXE, 0, 0, "/tmp/x", 6);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_string_equal(o[0].path, "/tmp/x");
	assert_int_equal(o[0].layer, WATCH_UPPER);
	assert_false(o[0].in_memory);
	begin(WATCH_EXEC, NULL, 0);
	part(WATCH_P_EXE, 0, 8, "memfd:x", 7);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_true(o[0].in_memory);

	begin(WATCH_NEW_CALL, "mount", 7);
	assert_int_equal(observe(&r.rec, o), 1);
	assert_int_equal(o[0].count, 7);
	assert_string_equal(o[0].call->name, "mount");
	begin(WATCH_NEW_CAP, NULL, 1);
	r.rec.arg[0] = 21;
	assert_int_equal(observe(&r.rec, o), 1);
	assert_int_equal(o[0].capability, 21);
	begin(WATCH_FORK, NULL, 0);
	assert_int_equal(observe(&r.rec, o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(judged_by_calls_alone),
		cmocka_unit_test(the_kernel_is_told),
		cmocka_unit_test(arguments),
		cmocka_unit_test(found_by_identity),
		cmocka_unit_test(learned),
		cmocka_unit_test(classes),
		cmocka_unit_test(observed_files),
		cmocka_unit_test(observed_sockets),
		cmocka_unit_test(observed_programs_and_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
