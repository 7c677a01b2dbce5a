/*
 * The Kubernetes client: streams cut in every place, kubeconfig files, credential plugins, and an
 * API server that answers as a script says. tests/cluster/kube.sh has the real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "kube/kube.h"
#include "kube/stream.h"

/* ---- streams */

static int collect(const char *text, size_t len, void *ctx, struct err *e)
{
	struct buf *out = ctx;

	(void)e;
	assert_int_equal(strlen(text), len);
	buf_printf(out, "%s;", text);
	return 0;
}

static int feed(enum kube_stream_mode mode, const char *text, size_t piece, struct buf *out,
		struct buf *rest)
{
	struct kube_stream s = { .mode = mode, .object = collect, .ctx = out };
	size_t len = strlen(text);
	struct err e = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i += piece)
		r = kube_stream_feed(&s, text + i, len - i < piece ? len - i : piece, &e);
	if (r == 0)
		r = kube_stream_end(&s, &e);
	buf_puts(rest, buf_str(&s.rest));
	kube_stream_free(&s);
	return r;
}

static const struct {
	enum kube_stream_mode mode;
	const char *text;
	int result;
	const char *objects, *rest;
} stream_cases[] = {
	{ KUBE_STREAM_OBJECTS, "", 0, "", "" },
	{ KUBE_STREAM_OBJECTS, "{}\n {\"a\":[1,{}]}\n", 0, "{};{\"a\":[1,{}]};", "" },
	{ KUBE_STREAM_OBJECTS, "{\"}\":\"\\\"}{\\\\\"}{}", 0, "{\"}\":\"\\\"}{\\\\\"};{};", "" },
	{ KUBE_STREAM_OBJECTS, "{} x", -EPROTO, "{};", "" },
	{ KUBE_STREAM_OBJECTS, "{\"a\":", -EPROTO, "", "" },
	{ KUBE_STREAM_OBJECTS, "[]", -EPROTO, "", "" },
	{ KUBE_STREAM_ITEMS, "{\"kind\":\"L\",\"items\":[]}", 0, "",
	  "{\"kind\":\"L\",\"items\":[]}" },
	{ KUBE_STREAM_ITEMS, "{\"m\":{\"items\":[{\"x\":1}]},\"items\": [ {\"a\":[]} , {} ] }\n", 0,
	  "{\"a\":[]};{};", "{\"m\":{\"items\":[{\"x\":1}]},\"items\": [] }\n" },
	{ KUBE_STREAM_ITEMS, "{\"items\":null,\"m\":{}}", 0, "", "{\"items\":null,\"m\":{}}" },
	{ KUBE_STREAM_ITEMS, "{\"x\":\"items\",\"y\":[{\"b\":2}]}", 0, "",
	  "{\"x\":\"items\",\"y\":[{\"b\":2}]}" },
	{ KUBE_STREAM_ITEMS, "{\"items\":[{\"a\":1}],\"z\":[{}]}", 0, "{\"a\":1};",
	  "{\"items\":[],\"z\":[{}]}" },
	{ KUBE_STREAM_ITEMS, "{\"items\":[1]}", -EPROTO, "", NULL },
	{ KUBE_STREAM_ITEMS, "{\"items\":[{}]", -EPROTO, "{};", NULL },
	{ KUBE_STREAM_ITEMS, "{}{}", -EPROTO, "", NULL },
	{ KUBE_STREAM_ITEMS, "<html>", -EPROTO, "", NULL },
	{ KUBE_STREAM_ITEMS, "", -EPROTO, "", NULL },
};

static void test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stream_cases); i++)
		for (size_t piece = 1; piece < 12; piece++) {
			cleanup_buf struct buf out = { 0 }, rest = { 0 };
			int r = feed(stream_cases[i].mode, stream_cases[i].text, piece, &out,
				     &rest);

			if (r != stream_cases[i].result)
				fail_msg("%s: %d", stream_cases[i].text, r);
			assert_string_equal(buf_str(&out), stream_cases[i].objects);
			if (stream_cases[i].rest)
				assert_string_equal(buf_str(&rest), stream_cases[i].rest);
		}
}

static void test_large_object(void **state)
{
	cleanup_free char *blanks = xcalloc(1, 65536);
	struct kube_stream s = { .mode = KUBE_STREAM_OBJECTS };
	struct err e = { 0 };
	int r = kube_stream_feed(&s, "{", 1, &e);

	(void)state;
	memset(blanks, ' ', 65536);
	for (size_t i = 0; r == 0 && i < 1000; i++)
		r = kube_stream_feed(&s, blanks, 65536, &e);
	assert_int_equal(r, -EFBIG);
	kube_stream_free(&s);
}

static void test_members(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "{\"a\":1}", "1" },
		{ " { \"b\" : \"a\" , \"a\" : {\"a\":2} } ", "{\"a\":2}" },
		{ "{\"b\":[\"]\",{}],\"a\":\"x\\\"y\"}", "\"x\\\"y\"" },
		{ "{\"b\":{\"a\":1}}", NULL },
		{ "{\"a\":}", NULL },
		{ "{\"a\"", NULL },
		{ "{\"a\":\"x", NULL },
		{ "[]", NULL },
		{ "", NULL },
	};
	char version[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *v = NULL;
		size_t n = 0;
		bool found = kube_member(cases[i].text, strlen(cases[i].text), "a", &v, &n);

		assert_int_equal(found, cases[i].value != NULL);
		if (found)
			assert_true(n == strlen(cases[i].value) && !memcmp(v, cases[i].value, n));
	}
	assert_true(kube_object_version("{\"metadata\":{\"resourceVersion\":\"12\"}}", 38, version,
					sizeof(version)));
	assert_string_equal(version, "12");
	assert_false(kube_object_version("{\"metadata\":{\"resourceVersion\":\"123456789\"}}", 45,
					 version, sizeof(version)));
}

static void test_paths(void **state)
{
	cleanup_free char *core = kube_path("v1", "pods", "a b", "x", "status");
	cleanup_free char *other = kube_path("boltseal.dev/v1alpha1", "things", NULL, NULL, NULL);

	(void)state;
	assert_string_equal(core, "/api/v1/namespaces/a%20b/pods/x/status");
	assert_string_equal(other, "/apis/boltseal.dev/v1alpha1/things");
}

/* ---- configuration */

#define HEAD                                                                           \
	"current-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u}}\n" \
	"- {name: d, context: {cluster: k, namespace: ns}}\nclusters:\n- name: k\n  cluster: "
#define SERVER "{server: https://h:6443/p/}\n"
#define USER   "users:\n- name: u\n  user: "

static const struct {
	const char *text, *context;
	const char *error; /* NULL: none */
} config_cases[] = {
	{ HEAD SERVER USER "{token: t}\n", NULL, NULL },
	{ HEAD SERVER "users:\n- {name: u}\n", NULL, NULL },
	{ HEAD SERVER, "d", NULL },
	{ HEAD SERVER, NULL, "there is no user 'u'" },
	{ HEAD SERVER, "x", "there is no context 'x'" },
	{ "", NULL, "no current-context" },
	{ "[]", NULL, "expected a kubeconfig, found a list" },
	{ "current-context: c\ncontexts: 1\n", NULL, "f:2:11: /contexts: expected a" },
	{ HEAD "{}\n", "d", "has no server" },
	{ HEAD "{server: 'ftp://x'}\n", "d",
	  "f:7:21: /clusters/0/cluster/server: expected an http" },
	{ HEAD "{server: 'https://'}\n", "d", "/clusters/0/cluster/server: " },
	{ HEAD "{server: 'https://x', certificate-authority-data: '?'}\n", "d", "expected base64" },
	{ HEAD "{server: 'https://x', certificate-authority-data: 'QQ=='}\n", "d", NULL },
	{ HEAD "{server: 'https://x', insecure-skip-tls-verify: 3}\n", "d",
	  "expected true or false" },
	{ HEAD SERVER USER "{client-certificate: x}\n", NULL, "belong together" },
	{ HEAD SERVER USER "{auth-provider: {name: gcp}}\n", NULL, "use exec" },
	{ HEAD SERVER USER "{exec: {apiVersion: client.authentication.k8s.io/v1}}\n", NULL,
	  "has no command" },
	{ HEAD SERVER USER "{exec: {apiVersion: v1, command: x}}\n", NULL, "expected apiVersion" },
	{ HEAD SERVER USER "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, "
			   "interactiveMode: Always}}\n",
	  NULL, "needs a terminal" },
	{ HEAD SERVER USER "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, "
			   "args: [a, b], env: [{name: A, value: b}]}}\n",
	  NULL, NULL },
};

static void test_configs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(config_cases); i++) {
		cleanup_kube_config struct kube_config c = { 0 };
		const char *text = config_cases[i].text, *want = config_cases[i].error;
		struct err e = { 0 };
		int r = kube_config_parse(&c, "f", text, strlen(text), "/dir",
					  config_cases[i].context, &e);

		if ((r < 0) != (want != NULL) || (want && !strstr(e.msg, want)))
			fail_msg("case %zu: %d %s", i, r, e.msg);
		if (!want)
			assert_memory_equal(c.server, "https://", 8);
	}
}

static void test_config_values(void **state)
{
	static const char text[] = HEAD
		"{server: https://h:6443/p/, certificate-authority: ca.pem, "
		"tls-server-name: tn, proxy-url: 'http://p'}\n" USER
		"{client-certificate-data: 'QUJD\n REU=', client-key: /k, as: o, "
		"exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/x, args: [a], "
		"env: [{name: A, value: b}], installHint: get it}}\n";
	cleanup_kube_config struct kube_config c = { 0 };
	struct err e = { 0 };

	(void)state;
	if (kube_config_parse(&c, "f", text, strlen(text), "/dir", NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(c.server, "https://h:6443/p");
	assert_string_equal(c.ns, "default");
	assert_string_equal(c.ca.file, "/dir/ca.pem");
	assert_string_equal(c.tls_name, "tn");
	assert_string_equal(c.proxy_url, "http://p");
	assert_string_equal(c.cert.data, "ABCDE");
	assert_int_equal(c.cert.len, 5);
	assert_string_equal(c.key.file, "/k");
	assert_string_equal(c.as, "o");
	assert_string_equal(c.exec.command, "/dir/bin/x");
	assert_string_equal(c.exec.args[0], "a");
	assert_null(c.exec.args[1]);
	assert_string_equal(c.exec.env[0], "A=b");
}

#define CRED(version, status) \
	"{\"apiVersion\":\"" version "\",\"kind\":\"ExecCredential\",\"status\":" status "}"
#define V1 "client.authentication.k8s.io/v1"

static void test_credentials(void **state)
{
	static const struct {
		const char *text, *error;
		time_t expires;
	} cases[] = {
		{ CRED(V1, "{\"token\":\"t\"}"), NULL, 0 },
		{ CRED(V1, "{\"token\":\"t\",\"expirationTimestamp\":\"1970-01-01T01:00:00Z\"}"),
		  NULL, 3600 },
		{ CRED(V1,
		       "{\"token\":\"t\",\"expirationTimestamp\":\"1970-01-01T02:00:00.5+01:30\"}"),
		  NULL, 1800 },
		{ CRED(V1, "{\"token\":\"t\",\"expirationTimestamp\":\"tomorrow\"}"),
		  "/status/expirationTimestamp: expected a time", 0 },
		{ CRED(V1, "{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}"), NULL, 0 },
		{ CRED(V1, "{\"clientCertificateData\":\"c\"}"), "together", 0 },
		{ CRED(V1, "{}"), "expected a token", 0 },
		{ CRED("v1", "{\"token\":\"t\"}"), "expected an ExecCredential of", 0 },
		{ "{}", "apiVersion", 0 },
		{ "[]", "expected an ExecCredential", 0 },
		{ "", "plugin", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_credential c = { 0 };
		struct err e = { 0 };
		int r = kube_credential_parse(&c, V1, "plugin", cases[i].text,
					      strlen(cases[i].text), &e);

		if ((r < 0) != (cases[i].error != NULL) ||
		    (cases[i].error && !strstr(e.msg, cases[i].error)))
			fail_msg("case %zu: %d %s", i, r, e.msg);
		assert_int_equal(c.expires, cases[i].expires);
		kube_credential_free(&c);
	}
}

/* ---- a server */

struct server {
	pid_t pid;
	char folder[64];
	struct kube *kube;
};

static char *in(const struct server *s, const char *name)
{
	return xasprintf("%s/%s", s->folder, name);
}

static void server_start(struct server *s, const char *script)
{
	cleanup_free char *path = NULL, *log = NULL;
	struct kube_config c = { .ns = "default" };
	const struct kube_options o = { .retry_min_ms = 10,
					.retry_max_ms = 40,
					.timeout_ms = 5000 };
	int out[2];
	char port[16] = "";
	struct err e = { 0 };

	snprintf(s->folder, sizeof(s->folder), "/tmp/boltseal-kube-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	path = in(s, "script");
	log = in(s, "log");
	assert_int_equal(io_write_file(path, script, strlen(script), &e), 0);
	assert_int_equal(pipe(out), 0);
	s->pid = fork();
	if (!s->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execlp("python3", "python3", "tests/unit/kube_server.py", path, log, NULL);
		_exit(127);
	}
	close(out[1]);
	assert_true(read(out[0], port, sizeof(port) - 1) > 0);
	close(out[0]);
	c.server = arena_printf(&c.arena, "http://127.0.0.1:%d", atoi(port));
	s->kube = kube_new(&c, &o);
}

static void server_stop(struct server *s)
{
	cleanup_free char *command = xasprintf("rm -rf '%s'", s->folder);

	kube_free(s->kube);
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	assert_int_equal(system(command), 0);
}

/* What the server was asked, with a '|' behind each. */
static void expect_asked(const struct server *s, const char *const *want)
{
	cleanup_free char *path = in(s, "log");
	cleanup_buf struct buf log = { 0 };
	struct err e = { 0 };
	const char *p;

	assert_int_equal(io_read_file(path, 65536, &log, &e), 0);
	p = buf_str(&log);
	for (size_t i = 0; want[i]; i++) {
		size_t n = strcspn(p, "\n");
		cleanup_free char *line = xasprintf("%.*s", (int)n, p);

		if (!strstr(line, want[i]))
			fail_msg("request %zu: '%s' instead of '%s'", i, line, want[i]);
		p += n + (p[n] == '\n');
	}
}

static void watched(const struct kube_watch_event *ev, void *ctx)
{
	static const char *const names[] = { "relist", "put", "gone", "synced", "lost", "back" };
	struct buf *out = ctx;
	char name[32] = "";
	const char *meta;
	size_t n;

	if (ev->text && kube_member(ev->text, ev->len, "metadata", &meta, &n))
		kube_member_str(meta, n, "name", name, sizeof(name));
	buf_printf(out, "%s%s%s%s%s|", names[ev->kind], *name ? " " : "", name, ev->why ? " " : "",
		   ev->why ? ev->why : "");
}

static void run_until(struct server *s, const struct buf *out, const char *last)
{
	struct err e = { 0 };

	for (int i = 0; i < 500; i++) {
		size_t n = strlen(last);

		if (out->len >= n && !strcmp(out->p + out->len - n, last))
			return;
		if (kube_poll(s->kube, 20, -1, &e) < 0)
			fail_msg("%s", e.msg);
	}
	fail_msg("events: %s", buf_str(out));
}

#define OBJECT(name, version) \
	"{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\\n"
#define LIST(version, items) \
	"{\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]}\n"
#define PAGE(token, items) "{\"metadata\":{\"continue\":\"" token "\"},\"items\":[" items "]}\n"
#define GONE_STATUS	   "{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}"

static void test_watch(void **state)
{
	cleanup_buf struct buf out = { 0 };
	struct kube_query q = { .path = "/w", .labels = "a in (b)" };
	struct server s;

	(void)state;
	server_start(
		&s, "200 " PAGE("more", OBJECT("a", "1")) "200 " LIST("5", OBJECT("b", "2"))
		/* a watch that is cut, resumed, and learns from a bookmark */
		"200 " EVENT(
			"ADDED",
			OBJECT(
				"c",
				"7")) "{\"type\":\n"
				      "200 " EVENT("DELETED", OBJECT("c", "8")) EVENT(
					      "BOOKMARK",
					      OBJECT(
						      "",
						      "20")) "\n"
							     "500 oops\n"
							     /* forgotten, in both ways that it is
								said */
							     "410 " GONE_STATUS "\n"
							     "200 " LIST("30", OBJECT("d", "29")) "200 " EVENT(
								     "ERROR",
								     GONE_STATUS) "\n"
										  "200 " LIST("40",
											      ""));
	kube_watch_new(s.kube, &q, watched, &out);
	run_until(&s, &out, "back|relist|synced|");
	for (int i = 0; i < 20; i++)
		kube_poll(s.kube, 10, -1, NULL);
	expect_asked(&s,
		     (const char *const[]){ "GET /w?labelSelector=a%20in%20%28b%29&limit=500",
					    "limit=500&continue=more", "watch=true",
					    "resourceVersion=", "resourceVersion=20",
					    "resourceVersion=20", "limit=500", "resourceVersion=30",
					    "limit=500", "resourceVersion=40", NULL });
	server_stop(&s);
	assert_memory_equal(buf_str(&out), "relist|put a|put b|synced|put c|lost ", 36);
	assert_non_null(strstr(buf_str(&out), "|gone c|"));
	assert_non_null(strstr(buf_str(&out), "relist|put d|synced|"));
}

/* A server that is not there, and then refuses, is told once; all is well when it is back. */
static void test_watch_refused(void **state)
{
	cleanup_buf struct buf out = { 0 };
	struct kube_query q = { .path = "/w" };
	struct kube_watch_stats n;
	struct kube_watch *w;
	struct server s;

	(void)state;
	server_start(&s, "hang\n403 {\"message\":\"no\",\"reason\":\"Forbidden\"}\n"
			 "200 <html>\n200 " LIST("4", ""));
	w = kube_watch_new(s.kube, &q, watched, &out);
	run_until(&s, &out, "|synced|");
	kube_watch_get_stats(w, &n);
	assert_true(n.synced);
	assert_false(n.lost);
	assert_true(n.failures >= 3);
	server_stop(&s);
	assert_memory_equal(buf_str(&out), "lost GET /w: ", 13);
	assert_non_null(strstr(buf_str(&out), "|back|relist|"));
}

static void expect_error(struct server *s, int code, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(kube_get(s->kube, "/x", NULL, &e), -code);
	if (!strstr(e.msg, text))
		fail_msg("'%s' instead of '%s'", e.msg, text);
}

static void test_calls(void **state)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct err e = { 0 };
	struct server s;

	(void)state;
	server_start(&s, "429 Retry-After:0|{}\n200 {\"a\":1}\n"
			 "404 {\"message\":\"x not found\",\"reason\":\"NotFound\"}\n"
			 "409 {\"message\":\"there\",\"reason\":\"AlreadyExists\"}\n"
			 "409 {\"message\":\"changed\",\"reason\":\"Conflict\"}\n"
			 "503 <html>\nhang\nhang\n200 {\n");
	if (kube_get(s.kube, "/x", &d, &e) < 0)
		fail_msg("%s", e.msg);
	expect_error(&s, ENOENT, "GET /x: x not found");
	expect_error(&s, EEXIST, "GET /x: there");
	expect_error(&s, EBUSY, "GET /x: changed");
	expect_error(&s, EIO, "GET /x: the server answered 503");
	expect_error(&s, EIO, "GET /x: ");
	json_doc_free(&d);
	d = (struct json_doc){ 0 };
	assert_int_equal(kube_get(s.kube, "/x", &d, &e), -EINVAL);
	server_stop(&s);
}

/* A proxy is asked for the whole address; the token is sent as one word. */
static void test_proxy(void **state)
{
	struct kube_config c = { .ns = "default", .token = "secret\n" };
	struct err e = { 0 };
	struct server s;
	struct kube *k;

	(void)state;
	server_start(&s, "200 {}\n");
	c.proxy_url = arena_printf(&c.arena, "%s", kube_server(s.kube));
	c.server = "http://kube.invalid";
	k = kube_new(&c, NULL);
	if (kube_get(k, "/x", NULL, &e) < 0)
		fail_msg("%s", e.msg);
	expect_asked(&s, (const char *const[]){ "GET http://kube.invalid/x", NULL });
	kube_free(k);
	c = (struct kube_config){ .ns = "default",
				  .server = "http://kube.invalid",
				  .token = "a b" };
	k = kube_new(&c, NULL);
	assert_int_equal(kube_get(k, "/x", NULL, &e), -EINVAL);
	kube_free(k);
	server_stop(&s);
}

static int count(const char *text, size_t len, void *ctx, struct err *e)
{
	(void)len;
	++*(size_t *)ctx;
	return strstr(text, "\"stop\"") ? err_set(e, ECANCELED, "stopped") : 0;
}

static void test_list(void **state)
{
	const struct kube_query q = { .path = "/l" };
	char version[KUBE_VERSION_MAX] = "";
	struct err e = { 0 };
	struct server s;
	size_t n = 0;

	(void)state;
	server_start(
		&s,
		"200 " PAGE("x/y", OBJECT("a", "1")) "200 " LIST(
			"9",
			OBJECT("b", "2")) "410 " GONE_STATUS
					  "\n200 " LIST("9",
							OBJECT("stop", "1") "," OBJECT(
								"c", "1")) "200 {\"items\":[{}\n");
	assert_int_equal(kube_list(s.kube, &q, count, &n, version, &e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(version, "9");
	assert_int_equal(kube_list(s.kube, &q, count, &n, NULL, &e), -ESTALE);
	assert_int_equal(kube_list(s.kube, &q, count, &n, NULL, &e), -ECANCELED);
	assert_int_equal(n, 3);
	assert_int_equal(kube_list(s.kube, &q, count, &n, NULL, &e), -EPROTO);
	expect_asked(&s, (const char *const[]){ "limit=500", "continue=x%2Fy", NULL });
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),	    cmocka_unit_test(test_large_object),
		cmocka_unit_test(test_members),	    cmocka_unit_test(test_paths),
		cmocka_unit_test(test_configs),	    cmocka_unit_test(test_config_values),
		cmocka_unit_test(test_credentials), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_proxy),	    cmocka_unit_test(test_list),
		cmocka_unit_test(test_watch),	    cmocka_unit_test(test_watch_refused),
	};

	return cmocka_run_group_tests_name("kube", tests, NULL, NULL);
}
