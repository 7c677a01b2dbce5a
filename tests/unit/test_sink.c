/*
 * Sinks against real receivers: a web server that is down and comes up, one that refuses, syslog
 * by UDP, TCP and a local socket, a file that is moved away; spools that are full, torn, damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/metrics.h"
#include "base/io.h"
#include "base/mem.h"
#include "out/metrics.h"
#include "sink_case.h"

/* ---- spools */

static struct spool *open_spool(const char *path, uint64_t max)
{
	struct spool *s = NULL;
	struct err e = { 0 };

	if (spool_open(&s, path, max, NULL, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static void append(struct spool *s, const char *text)
{
	struct err e = { 0 };

	if (spool_append(s, text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	spool_release(s);
}

static void expect_next(struct spool *s, const char *text)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };

	assert_int_equal(spool_next(s, &b, &e), text ? 1 : 0);
	if (!text)
		return;
	assert_string_equal(buf_str(&b), text);
	assert_int_equal(b.len, strlen(text));
	assert_int_equal(spool_done(s, &e), 0);
}

static void test_spool(void **state)
{
	cleanup_free char *path = in_folder("s");
	struct spool *s = open_spool(path, 1 << 20), *again = NULL;
	cleanup_buf struct buf b = { 0 };
	struct spool_stats n;
	struct err e = { 0 };
	struct stat st;

	(void)state;
	append(s, "one");
	append(s, "");
	append(s, "three");
	assert_int_equal(spool_append(s, "four", 4, &e), 0);
	assert_int_equal(spool_sync(s, &e), 0);
	assert_int_equal(spool_open(&again, path, 1 << 20, NULL, NULL, &e), -EBUSY);
	expect_next(s, "one");
	/* Given, but not done. */
	assert_int_equal(spool_next(s, &b, &e), 1);
	spool_close(s);
	s = open_spool(path, 1 << 20);
	spool_get_stats(s, &n);
	assert_int_equal(n.waiting, 3);
	expect_next(s, "");
	expect_next(s, "three");
	expect_next(s, "four");
	assert_int_equal(spool_append(s, "later", 5, &e), 0);
	expect_next(s, NULL); /* before it is released */
	spool_release(s);
	expect_next(s, "later");
	expect_next(s, NULL);
	spool_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, SPOOL_HEAD);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* What was delivered gives its room back, and nothing that waits is lost for it. */
static void test_spool_full(void **state)
{
	cleanup_free char *path = in_folder("s");
	struct spool *s = open_spool(path, 1000);
	unsigned from = 0, to = 0;
	struct spool_stats n;
	struct err e = { 0 };
	char text[32];

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (;;) {
			snprintf(text, sizeof(text), "text number %u", to);
			if (spool_append(s, text, strlen(text), &e) == -ENOBUFS)
				break;
			to++;
		}
		assert_non_null(strstr(e.msg, "is full"));
		spool_release(s);
		for (unsigned i = 0; i < 10; i++) {
			snprintf(text, sizeof(text), "text number %u", from++);
			expect_next(s, text);
		}
	}
	assert_true(to > 200);
	spool_get_stats(s, &n);
	assert_int_equal(n.waiting, to - from);
	while (from < to) {
		snprintf(text, sizeof(text), "text number %u", from++);
		expect_next(s, text);
	}
	expect_next(s, NULL);
	spool_close(s);
}

/* Room is made between the reader's next and done. */
static void test_spool_compact(void **state)
{
	cleanup_free char *path = in_folder("s");
	struct spool *s = open_spool(path, 200);
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		append(s, "0123456789");
	expect_next(s, "0123456789");
	expect_next(s, "0123456789");
	expect_next(s, "0123456789");
	assert_int_equal(spool_next(s, &b, &e), 1);
	append(s, "behind");
	append(s, "last");
	assert_int_equal(spool_done(s, &e), 0);
	expect_next(s, "0123456789");
	expect_next(s, "behind");
	expect_next(s, "last");
	expect_next(s, NULL);
	spool_close(s);
}

static const struct {
	const char *file;
	unsigned waiting, damaged;
} spools[] = {
	{ "", 0, 0 },
	{ "boltseal-spool/1 00000", 0, 0 }, /* its making was interrupted */
	{ "boltseal-spool/1 0000000000000022\n", 0, 0 },
	{ "boltseal-spool/1 0000000000000022\n00000003 352441c2 abc\n", 1, 0 },
	{ "boltseal-spool/1 zzzzzzzzzzzzzzzz\n00000003 352441c2 abc\n", 1, 0 },
	{ "boltseal-spool/1 0000000000000000\n00000003 352441c2 abc\n", 1, 0 },
	{ "boltseal-spool/1 ffffffffffffffff\n00000003 352441c2 abc\n", 0, 0 },
	{ "boltseal-spool/1 0000000000000022\n00000003 352441c2 abc\n00000003 352441c2 ab", 1, 0 },
	{ "boltseal-spool/1 0000000000000022\n00000003 352441c3 abc\n00000003 352441c2 abc\n", 1,
	  1 },
	{ "boltseal-spool/1 0000000000000022\n00000004 352441c2 abc\n00000003 352441c2 abc\n", 1,
	  1 },
	{ "boltseal-spool/1 0000000000000022\nrubbish\n\n00000003 352441c2 abc\n", 1, 2 },
	{ "boltseal-spool/1 0000000000000022\nffffffff 352441c2 abc\n00000003 352441c2 abc\n", 1,
	  1 },
	{ "boltseal-spool/1 0000000000000025\n00000003 352441c2 abc\n00000003 352441c2 abc\n", 1,
	  1 },
};

static void test_spool_damaged(void **state)
{
	cleanup_free char *path = in_folder("s");
	struct err e = { 0 };
	struct spool *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spools); i++) {
		struct spool_stats n;

		unlink(path);
		assert_int_equal(io_write_file(path, spools[i].file, strlen(spools[i].file), &e),
				 0);
		s = open_spool(path, 1 << 20);
		spool_get_stats(s, &n);
		assert_int_equal(n.waiting, spools[i].waiting);
		assert_int_equal(n.damaged, spools[i].damaged);
		for (unsigned k = 0; k < n.waiting; k++)
			expect_next(s, "abc");
		expect_next(s, NULL);
		append(s, "more");
		expect_next(s, "more");
		spool_close(s);
	}
	assert_int_equal(io_write_file(path, "something else, and long enough for it", 38, &e), 0);
	assert_int_equal(spool_open(&s, path, 1 << 20, NULL, NULL, &e), -EINVAL);
}

/* ---- sinks */

static struct server start_server(unsigned port, const char *log, const char *status)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", port);
	return server_run((const char *const[]){ "python3", "tests/unit/http_server.py", number,
						 log, status, NULL });
}

/* Each of n findings stands exactly once in the log, in order. */
static void expect_log(const char *path, unsigned n)
{
	cleanup_buf struct buf log = { 0 };
	const char *at;
	struct err e = { 0 };

	assert_int_equal(io_read_file(path, 1 << 24, &log, &e), 0);
	at = buf_str(&log);
	for (unsigned i = 0; i < n; i++) {
		cleanup_finding struct finding *f = finding_sample(i);
		const char *end = strchr(at, '\n');

		assert_non_null(end);
		assert_non_null(memmem(at, (size_t)(end - at), f->id, FINDING_ID));
		at = end + 1;
	}
	assert_string_equal(at, "");
}

/* Nobody listens, then somebody does, then not, then again: each finding arrives once. */
static void test_http_down(void **state)
{
	cleanup_free char *log = in_folder("log"), *spec = NULL;
	struct server server = start_server(0, log, "200");
	struct sink *s;

	(void)state;
	spec = xasprintf("http://127.0.0.1:%u/in?x=1", server.port);
	stop_server(&server);
	s = open_sink(spec);
	add(s, 0, 50);
	wait_failures(s, 3);
	server = start_server(server.port, log, "200");
	expect_delivered(s, 50);
	stop_server(&server);
	add(s, 50, 50);
	wait_failures(s, 4);
	assert_non_null(strstr(said, "findings wait"));
	assert_non_null(strstr(said, "delivers again"));
	/* The end of the process, and another one. */
	sink_free(s);
	s = open_sink(spec);
	add(s, 100, 1);
	server = start_server(server.port, log, "200");
	expect_delivered(s, 51);
	sink_free(s);
	stop_server(&server);
	expect_log(log, 101);
}

/* What falcosidekick reads; its own form on request. */
static void test_http_body(void **state)
{
	cleanup_free char *log = in_folder("log");
	struct server server = start_server(0, log, "200");
	cleanup_free char *spec = xasprintf("http://127.0.0.1:%u/falco", server.port);
	cleanup_free char *full = xasprintf("%s#full", spec);
	cleanup_finding struct finding *f = finding_sample(0);
	cleanup_buf struct buf text = { 0 }, falco = { 0 }, whole = { 0 };
	struct sink *s = open_sink(spec);
	struct err e = { 0 };

	(void)state;
	add(s, 0, 1);
	expect_delivered(s, 1);
	sink_free(s);
	s = open_sink(full);
	add(s, 0, 1);
	expect_delivered(s, 1);
	sink_free(s);
	stop_server(&server);
	finding_write_falco(f, &falco);
	finding_write(f, &whole);
	assert_int_equal(io_read_file(log, 1 << 20, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), buf_str(&falco)));
	assert_non_null(strstr(buf_str(&text), buf_str(&whole)));
	assert_non_null(strstr(buf_str(&text), "/falco "));
}

/* An overload passes; a refusal does not come again and is counted. */
static void test_http_status(void **state)
{
	cleanup_free char *log = in_folder("log"), *log2 = in_folder("log2");
	struct server busy = start_server(0, log, "503/3"), no = start_server(0, log2, "400/2");
	cleanup_free char *spec = xasprintf("http://127.0.0.1:%u/", busy.port),
			  *spec2 = xasprintf("http://127.0.0.1:%u/", no.port);
	struct sink *s = open_sink(spec);
	struct sink_stats n;

	(void)state;
	add(s, 0, 5);
	expect_delivered(s, 5);
	sink_get_stats(s, &n);
	assert_int_equal(n.failures, 3);
	sink_free(s);
	expect_log(log, 5);
	s = open_sink(spec2);
	add(s, 0, 5);
	expect_delivered(s, 3);
	sink_get_stats(s, &n);
	assert_int_equal(n.refused, 2);
	assert_non_null(strstr(said, "answered 400"));
	sink_free(s);
	stop_server(&busy);
	stop_server(&no);
}

/* A receiver that takes the connection and says nothing: adding and ending take no time. */
static void test_http_silent(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timespec begun, now;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	cleanup_free char *spec = xasprintf("http://127.0.0.1:%u/", ntohs(a.sin_port));
	struct sink *s = open_sink(spec);

	add(s, 0, 1);
	sleep_ms(50);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	add(s, 1, 100);
	sink_free(s);
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Of 101 attempts with 2 s each none is waited for. */
	assert_true(now.tv_sec - begun.tv_sec <= 3);
	s = open_sink(spec);
	struct sink_stats n;

	sink_get_stats(s, &n);
	assert_int_equal(n.spool.waiting, 101);
	sink_free(s);
}

static void test_syslog_local(void **state)
{
	cleanup_free char *path = in_folder("log"), *spec = xasprintf("syslog:%s", path);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	cleanup_finding struct finding *f = finding_sample(1);
	char text[9000] = { 0 };
	struct sink *s = open_sink(spec);
	struct err e = { 0 };

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	add(s, 0, 1);
	wait_failures(s, 2);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	expect_delivered(s, 1);
	assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(text, "<85>1 2026-11-22T03:35:00.319988Z node1 boltseal "));
	assert_non_null(strstr(text, " finding [boltseal@32473 id=\""));
	assert_non_null(strstr(text, " type=\"Execution:Runtime/SuspiciousShellCreated\""));
	assert_non_null(strstr(text, "] A shell was spawned"));
	/* More than ASCII: a mark before it. */
	f->output = "caf\xc3\xa9";
	assert_int_equal(sink_add(s, f, &e), 0);
	assert_int_equal(sink_sync(s, &e), 0);
	sink_release(s);
	expect_delivered(s, 2);
	memset(text, 0, sizeof(text));
	assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(text, "] \xef\xbb\xbf"
				     "caf\xc3\xa9"));
	sink_free(s);
}

/* What programs choose cannot begin a line or end a value. */
static void test_syslog_hostile(void **state)
{
	cleanup_free char *path = in_folder("log"), *spec = xasprintf("syslog:%s", path);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	cleanup_finding struct finding *f = finding_sample(0);
	static char text[20000], name[10000];
	struct sink *s = open_sink(spec);
	struct err e = { 0 };
	ssize_t n;

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	memset(name, 'n', sizeof(name) - 1);
	f->process.exe = "/tmp/a\"] \\<13>1\nb\xff";
	f->container.name = name;
	f->hostname = "a b";
	f->output = arena_printf(&f->arena, "x\ny\x1b[2J%s%s", name, name);
	assert_int_equal(sink_add(s, f, &e), 0);
	assert_int_equal(sink_sync(s, &e), 0);
	sink_release(s);
	expect_delivered(s, 1);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_in_range(n, 4000, 8000);
	assert_null(strchr(text, '\n'));
	assert_null(strchr(text, 0x1b));
	assert_non_null(strstr(text, " exe=\"/tmp/a\\\"\\] \\\\<13>1?b?\""));
	assert_non_null(strstr(text, " a_b boltseal "));
	sink_free(s);
}

/* Octets are counted; a collector that is started again gets the rest. */
static void test_syslog_tcp(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[8192] = { 0 }, *rest;
	unsigned long number;
	struct sink *s;
	int c;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	cleanup_free char *spec = xasprintf("syslog:tcp://127.0.0.1:%u", ntohs(a.sin_port));

	s = open_sink(spec);
	for (unsigned i = 0; i < 2; i++) {
		add(s, i, 1);
		c = accept(fd, NULL, NULL);
		assert_true(c >= 0);
		expect_delivered(s, i + 1);
		memset(text, 0, sizeof(text));
		assert_true(recv(c, text, sizeof(text) - 1, 0) > 0);
		number = strtoul(text, &rest, 10);
		assert_int_equal(number, strlen(rest + 1));
		assert_int_equal(*rest, ' ');
		close(c);
		sleep_ms(50);
	}
	sink_free(s);
}

static void test_file(void **state)
{
	cleanup_free char *path = in_folder("out"), *moved = in_folder("out.1"),
			  *spec = xasprintf("file:%s", path);
	struct sink *s = open_sink(spec);

	(void)state;
	add(s, 0, 3);
	expect_delivered(s, 3);
	assert_int_equal(rename(path, moved), 0);
	add(s, 3, 2);
	expect_delivered(s, 5);
	expect_log(moved, 3);
	sink_free(s);
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };

	assert_int_equal(io_read_file(path, 1 << 20, &b, &e), 0);
	assert_true(!strncmp(buf_str(&b), "{\"format\":\"boltseal.finding/1\"", 30));
}

static void test_specs(void **state)
{
	static const char *const wrong[] = {
		"x",
		"file:",
		"syslog:x",
		"syslog:udp://",
		"syslog:tcp://h:",
		"syslog:tcp://h:x",
		"syslog:tcp://[::1",
		"http://",
		"http://h/#other",
		"ftp://h/",
	};
	struct sink_options o = { .spool_dir = folder };
	struct sink *s;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(sink_new(&s, wrong[i], &o, &e), -EINVAL);
		assert_non_null(strstr(e.msg, wrong[i]));
	}
	s = open_sink("http://user:secret@127.0.0.1:9/x");
	assert_string_equal(sink_name(s), "http://127.0.0.1:9/x");
	sink_free(s);
}

/* ---- metrics */

static void render(struct buf *out, void *ctx)
{
	(void)ctx;
	metrics_head(out, "a_total", "counter", "Of a.");
	metrics_number(out, "a_total", 7, NULL);
	metrics_number(out, "b", 8, "rule", "x \"y\" \\\n", "k", "v", NULL);
}

static const char rendered[] = "# HELP a_total Of a.\n# TYPE a_total counter\na_total 7\n"
			       "b{rule=\"x \\\"y\\\" \\\\\\n\",k=\"v\"} 8\n";

static void test_metrics(void **state)
{
	cleanup_free char *path = in_folder("b.prom"), *spec = xasprintf("metrics:%s", path);
	static const char *const wrong[] = { "metrics:", "metrics:x", "metrics:h:1",
					     "metrics:127.0.0.1:70000", "metrics:-1" };
	cleanup_buf struct buf b = { 0 };
	struct metrics *m = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(metrics_new(&m, spec, render, NULL, &e), 0);
	assert_int_equal(io_read_file(path, 1 << 20, &b, &e), 0);
	assert_string_equal(buf_str(&b), rendered);
	metrics_free(m);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(metrics_new(&m, wrong[i], render, NULL, &e), -EINVAL);
}

static int connect_to(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static unsigned free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static void test_metrics_http(void **state)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "GET /metrics HTTP/1.0\r\n\r\n", rendered },
		{ "GET /metrics HTTP/1.0\r\n\r\n", "200 OK" },
		{ "GET /other HTTP/1.0\r\n\r\n", "404" },
		{ "DELETE /metrics HTTP/1.0\r\n\r\n", "405" },
	};
	unsigned port = free_port();
	cleanup_free char *spec = xasprintf("metrics:%u", port);
	struct metrics *m = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(metrics_new(&m, spec, render, NULL, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_close int fd = connect_to(port);
		char text[2048] = { 0 };
		size_t n = 0;
		ssize_t got;

		assert_true(write(fd, cases[i].request, strlen(cases[i].request)) > 0);
		while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
			n += (size_t)got;
		assert_non_null(strstr(text, cases[i].answer));
	}
	metrics_free(m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_spool),		T(test_spool_full),  T(test_spool_compact),
		T(test_spool_damaged),	T(test_http_down),   T(test_http_body),
		T(test_http_status),	T(test_http_silent), T(test_syslog_local),
		T(test_syslog_hostile), T(test_syslog_tcp),  T(test_file),
		T(test_specs),		T(test_metrics),     T(test_metrics_http),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
