/*
 * Sinks over TLS against a receiver with its own authority that asks for a certificate: web
 * requests with headers from a file, compressed, with a pause that was asked for; syslog.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "out/sink_extras.h"
#include "sink_case.h"

/* An authority, the receiver's certificate for 127.0.0.1, and ours. */
static const char make_certificates[] =
	"make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "
	"2 "
	"-subj \"/CN=$1\" -keyout \"$1.key\" -out \"$1.pem\" \"${@:2}\" 2>/dev/null; }; "
	"certificates() { cd \"$1\" && make ca -addext basicConstraints=critical,CA:TRUE && "
	"make server -CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 "
	"-addext basicConstraints=CA:FALSE && "
	"make client -CA ca.pem -CAkey ca.key -addext basicConstraints=CA:FALSE; }; certificates";

static int setup(void **state)
{
	cleanup_free char *command = NULL;

	if (folder_setup(state) < 0)
		return -1;
	command = xasprintf("bash -c '%s %s'", make_certificates, folder);
	return system(command);
}

static struct server start_server(const char *kind, const char *log)
{
	return server_run((const char *const[]){ "python3", "tests/unit/tls_server.py", kind,
						 folder, log, NULL });
}

static void expect_failure(struct sink *s)
{
	struct sink_stats now;

	wait_failures(s, 1);
	sink_get_stats(s, &now);
	assert_int_equal(now.delivered, 0);
}

static void write_text(const char *path, const char *text)
{
	struct err e = { 0 };

	assert_int_equal(io_write_file(path, text, strlen(text), &e), 0);
}

/* The n-th line of the log as JSON; json_object_put. */
static struct json_object *line_of(const char *path, unsigned n)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };
	char *at;

	assert_int_equal(io_read_file(path, 1 << 20, &b, &e), 0);
	at = b.p;
	while (n-- && at) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	assert_non_null(at);
	at[strcspn(at, "\n")] = '\0';
	return json_tokener_parse(at);
}

static const char *header(struct json_object *line, const char *name)
{
	return json_object_get_string(
		json_object_object_get(json_object_object_get(line, "headers"), name));
}

static double time_of(struct json_object *line)
{
	return json_object_get_double(json_object_object_get(line, "at"));
}

static void test_https(void **state)
{
	cleanup_free char *log = in_folder("log"), *headers = in_folder("headers");
	struct server server = start_server("http", log);
	cleanup_free char *base = xasprintf("https://127.0.0.1:%u/in", server.port);
	cleanup_free char *spec =
		xasprintf("%s#ocsf&gzip&headers=%s&ca=%s/ca.pem&cert=%s/client.pem"
			  "&key=%s/client.key",
			  base, headers, folder, folder, folder);
	cleanup_free char *name = xasprintf("%s#ocsf", base);
	struct json_object *first, *second, *third, *body;
	struct sink *s;

	(void)state;
	write_text(headers, "# of the collector\nAuthorization: Splunk one\r\n\nX-Scope: shop\n");
	s = open_sink(spec);
	assert_string_equal(sink_name(s), name);
	add(s, 0, 1);
	expect_delivered(s, 1);
	/* Another token; the old one is not sent again. */
	write_text(headers, "Authorization: Splunk two\n");
	add(s, 1, 1);
	expect_delivered(s, 2);
	sink_free(s);
	stop_server(&server);
	first = line_of(log, 0);
	second = line_of(log, 1);
	third = line_of(log, 2);
	assert_string_equal(header(first, "authorization"), "Splunk one");
	assert_string_equal(header(first, "x-scope"), "shop");
	assert_string_equal(header(first, "content-encoding"), "gzip");
	assert_string_equal(header(third, "authorization"), "Splunk two");
	assert_null(header(third, "x-scope"));
	/* The pause that the receiver asked for, far more than ours. */
	assert_true(time_of(second) - time_of(first) >= 0.9);
	body = json_tokener_parse(json_object_get_string(json_object_object_get(second, "body")));
	assert_int_equal(json_object_get_int(json_object_object_get(body, "class_uid")), 2004);
	json_object_put(body);
	json_object_put(first);
	json_object_put(second);
	json_object_put(third);
}

/* Without the authority, and without a certificate, nothing is sent. */
static void test_untrusted(void **state)
{
	cleanup_free char *log = in_folder("log");
	struct server server = start_server("http", log);
	cleanup_free char *plain = xasprintf("https://127.0.0.1:%u/", server.port);
	cleanup_free char *half = xasprintf("%s#ca=%s/ca.pem", plain, folder);
	cleanup_buf struct buf text = { 0 };
	struct sink *s = open_sink(plain);
	struct err e = { 0 };

	(void)state;
	add(s, 0, 1);
	expect_failure(s);
	sink_free(s);
	/* It is counted before it is said: with the thread's end it is there. */
	if (!strstr(said, "certificate"))
		fail_msg("said: '%s'", said);
	/* The same receiver: what waits is there with other certificates, too. */
	s = open_sink(half);
	expect_failure(s);
	sink_free(s);
	stop_server(&server);
	assert_int_equal(io_read_file(log, 1 << 20, &text, &e), 0);
	assert_int_equal(text.len, 0);
}

static void test_syslog(void **state)
{
	cleanup_free char *log = in_folder("log");
	struct server server = start_server("syslog", log);
	cleanup_free char *spec =
		xasprintf("syslog:tls://127.0.0.1:%u#ca=%s/ca.pem&cert=%s/client.pem"
			  "&key=%s/client.key",
			  server.port, folder, folder, folder);
	cleanup_free char *no = xasprintf("syslog:tls://127.0.0.1:%u#ca=/dev/null", server.port);
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };
	struct sink *s = open_sink(spec);
	char *rest;

	(void)state;
	add(s, 0, 1);
	add(s, 1, 1);
	expect_delivered(s, 2);
	sink_free(s);
	for (unsigned i = 0; i < 100 && !strchr(buf_str(&text), '\n'); i++) {
		sleep_ms(20);
		text.len = 0;
		assert_int_equal(io_read_file(log, 1 << 20, &text, &e), 0);
	}
	assert_true(strtoul(buf_str(&text), &rest, 10) > 300);
	assert_non_null(strstr(rest, " <85>1 2026-11-22T03:35:00"));
	s = open_sink(no);
	add(s, 2, 1);
	expect_failure(s);
	sink_free(s);
	stop_server(&server);
}

static void test_names(void **state)
{
	static const char *const names[][2] = {
		{ "https://h/in", "https://h/in" },
		{ "https://h/in#falco", "https://h/in" },
		{ "https://h/in#full", "https://h/in#full" },
		{ "https://h/in#ca=/x&ocsf&gzip", "https://h/in#ocsf" },
		{ "syslog:tls://h#ca=/x", "syslog:tls://h" },
	};
	static const char *const wrong[] = {
		"https://h/#",
		"https://h/#full&",
		"https://h/#zip",
		"https://h/#ca=",
		"https://h/#key=/dev/null",
		"syslog:tls://h#full",
		"syslog:tcp://h#ca=/dev/null",
	};
	struct sink_options o = { .spool_dir = folder };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *name = sink_extras_identity(names[i][0]);

		assert_string_equal(name, names[i][1]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct sink *s = NULL;
		struct err e = { 0 };

		if (sink_new(&s, wrong[i], &o, &e) != -EINVAL)
			fail_msg("%s is taken", wrong[i]);
		assert_non_null(strstr(e.msg, wrong[i]));
	}
}

/* A file that is not there, or that has other lines, is told at once. */
static void test_files(void **state)
{
	cleanup_free char *headers = in_folder("headers");
	cleanup_free char *spec = xasprintf("http://127.0.0.1:9/#headers=%s", headers);
	struct sink_options o = { .spool_dir = folder };
	struct sink *s = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(sink_new(&s, spec, &o, &e), -ENOENT);
	write_text(headers, "Authorization: x\nnonsense\n");
	assert_int_equal(sink_new(&s, spec, &o, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "headers:2: expected 'Name: value'"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		T(test_https), T(test_untrusted), T(test_syslog), T(test_names), T(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
