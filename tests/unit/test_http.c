/* The HTTP server: limits, slow and broken clients, TLS with certificates that change, its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/io.h"
#include "base/mem.h"
#include "http/certs.h"
#include "http/http.h"

enum { BODY_MAX = 1000, WAIT_MS = 8000 };

static char folder[] = "/tmp/boltseal-http-XXXXXX";

/* "/echo": the body; "/slow": after 300 ms; others: method, path, type, the argument x. */
static void handle(const struct http_request *q, struct http_reply *r, void *ctx)
{
	const char *x = http_query(q, "x");

	(void)ctx;
	if (!strcmp(q->path, "/echo")) {
		buf_append(&r->body, q->body, q->len);
		return;
	}
	if (!strcmp(q->path, "/slow"))
		nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	if (!strcmp(q->path, "/no")) {
		r->status = 405;
		r->allow = "POST";
	}
	buf_printf(&r->body, "%s %s %s %s", q->method, q->path, q->type, x ? x : "-");
}

static struct http *start(struct http_options o)
{
	struct http *h = NULL;
	struct err e = { 0 };

	o.handle = handle;
	o.address = o.address ? o.address : "127.0.0.1:0";
	o.max_body = BODY_MAX;
	if (http_start(&h, &o, &e) < 0)
		fail_msg("%s", e.msg);
	return h;
}

static int connect_to(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Everything up to the end of the connection. */
static void read_all(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(fd, out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
}

static void exchange(struct http *h, const char *request, char *out, size_t size)
{
	cleanup_close int fd = connect_to(http_port(h));

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, request, strlen(request)), 0);
	read_all(fd, out, size);
}

static void test_requests(void **state)
{
#define END "Host: h\r\nConnection: close\r\n"
	static const struct {
		const char *request, *status, *text;
	} cases[] = {
		{ "GET /a?x=1%202 HTTP/1.1\r\n" END "\r\n", "200", "GET /a  1 2" },
		{ "GET / HTTP/1.0\r\n\r\n", "200", "GET /  -" },
		{ "GET /a/%2e%2e/b HTTP/1.1\r\n" END "\r\n", "200", "GET /a/../b" },
		{ "POST /p HTTP/1.1\r\nContent-Type: t/t\r\nContent-Length: 2\r\n" END "\r\nab",
		  "200", "POST /p t/t -" },
		{ "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n" END "\r\nhello", "200", "hello" },
		{ "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
		  "\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		  "200", "abc" },
		{ "POST /echo HTTP/1.1\r\nContent-Length: 0\r\n" END "\r\n", "200", "" },
		{ "POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n" END "\r\n", "413",
		  "request entity is too large; limit is 1000 bytes" },
		{ "POST /echo HTTP/1.1\r\nContent-Length: 99999999999\r\n" END "\r\n", "413", "" },
		{ "GET /no HTTP/1.1\r\n" END "\r\n", "405", "Allow: POST" },
		{ "GET / HTTP/1.1\r\n\r\n", "400", "" },
		{ "nonsense\r\n\r\n", "", "" },
		{ "POST /echo HTTP/1.1\r\nContent-Length: x\r\n" END "\r\n", "400", "" },
	};
	struct http *h = start((struct http_options){ 0 });

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[8192];

		exchange(h, cases[i].request, out, sizeof(out));
		if ((*cases[i].status && strncmp(out + 9, cases[i].status, 3) != 0) ||
		    !strstr(out, cases[i].text))
			fail_msg("%s\n%s", cases[i].request, out);
	}
	http_stop(h);
}

/* A body in pieces without a length, and a header, that are too large. */
static void test_too_large(void **state)
{
	struct http *h = start((struct http_options){ 0 });
	struct http_stats s;
	char out[4096];
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "\r\n");
	for (int i = 0; i < 20; i++)
		buf_printf(&b, "40\r\n%064d\r\n", i);
	buf_puts(&b, "0\r\n\r\n");
	exchange(h, b.p, out, sizeof(out));
	assert_non_null(strstr(out, "413"));
	b.len = 0;
	buf_puts(&b, "GET / HTTP/1.1\r\nX: ");
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, "%064d", i);
	buf_puts(&b, "\r\n" END "\r\n");
	exchange(h, b.p, out, sizeof(out));
	assert_true(strstr(out, "431") || strstr(out, "413") || !*out);
	buf_free(&b);
	exchange(h, "GET / HTTP/1.0\r\n\r\n", out, sizeof(out));
	assert_non_null(strstr(out, "200 OK"));
	http_get_stats(h, &s);
	assert_int_equal(s.refused, 1);
	assert_int_equal(s.active, 0);
	http_stop(h);
}

/* Clients that never finish: at the start, in the headers, in the body. A byte at a time is no way
 * around the limit.
 */
static void test_slow(void **state)
{
	static const char *const texts[] = {
		"",
		"GET / HTTP/1.1\r\nHo",
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nab",
	};
	struct http *h = start((struct http_options){ .request_s = 1, .idle_s = 60 });
	int fds[ARRAY_SIZE(texts)];
	struct http_stats s;
	char out[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fds[i] = connect_to(http_port(h));
		assert_int_equal(io_write_all(fds[i], texts[i], strlen(texts[i])), 0);
	}
	for (int i = 0; i < 30; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
		if (send(fds[2], "x", 1, MSG_NOSIGNAL) < 0)
			break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		read_all(fds[i], out, sizeof(out)); /* ends: closed by the server */
		close(fds[i]);
	}
	http_get_stats(h, &s);
	assert_int_equal(s.refused, 3);
	http_stop(h);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: wrong */
	} cases[] = {
		{ "80", AF_INET },
		{ "127.0.0.2:80", AF_INET },
		{ "[::1]:80", AF_INET6 },
		{ ":80", AF_INET6 },
		{ "", 0 },
		{ "x", 0 },
		{ "h:1", 0 },
		{ "127.0.0.1:70000", 0 },
		{ "-1", 0 },
		{ "127.0.0.1:", 0 },
		{ "::1:80", 0 },
		{ "[::1]", 0 },
		{ "127.0.0.1:80x", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_storage a;
		bool good = http_address(cases[i].text, &a);

		if (good != (cases[i].family != 0) || (good && a.ss_family != cases[i].family))
			fail_msg("%s", cases[i].text);
	}
}

/* A request that is on the way when the server ends is answered, and new ones find no one. */
static void *slow_client(void *port)
{
	cleanup_close int fd = connect_to(*(unsigned *)port);
	static const char request[] = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";
	char *out = xcalloc(1, 4096);

	if (fd < 0 || io_write_all(fd, request, strlen(request)) < 0)
		return out;
	read_all(fd, out, 4096);
	return out;
}

static void test_drain(void **state)
{
	struct http *h = start((struct http_options){ .threads = 2 });
	unsigned port = http_port(h);
	cleanup_free char *out = NULL;
	pthread_t t;
	void *text;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, slow_client, &port), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	http_drain(h, 5);
	assert_int_equal(connect_to(port), -1);
	http_stop(h);
	pthread_join(t, &text);
	out = text;
	assert_non_null(strstr(out, "GET /slow"));
	assert_non_null(strstr(out, "Connection: close"));
}

/* ---- TLS */

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void save(const char *name, const struct buf *b)
{
	cleanup_free char *path = path_of(name);
	struct err e = { 0 };

	assert_int_equal(io_write_file(path, b->p, b->len, &e), 0);
}

static void make(struct http_certs *c)
{
	static const char *const names[] = { "localhost", "127.0.0.1" };
	struct err e = { 0 };

	if (http_certs_make(c, names, ARRAY_SIZE(names), 30, &e) < 0)
		fail_msg("%s", e.msg);
	save("crt", &c->certificate);
	save("key", &c->key);
}

static size_t take(char *p, size_t size, size_t n, void *out)
{
	buf_append(out, p, size * n);
	return size * n;
}

/* 0, or curl's error. */
static CURLcode get(unsigned port, const struct buf *ca, struct buf *out)
{
	CURL *c = curl_easy_init();
	cleanup_free char *url = xasprintf("https://localhost:%u/x", port);
	struct curl_blob blob = { ca->p, ca->len, CURL_BLOB_COPY };
	CURLcode r;

	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
	r = curl_easy_perform(c);
	curl_easy_cleanup(c);
	return r;
}

static unsigned bad_notes;

static void note(void *ctx, bool bad, const char *text)
{
	(void)ctx, (void)text;
	bad_notes += bad;
}

static void wait_for_reloads(struct http *h, uint64_t good, uint64_t bad)
{
	struct http_stats s;

	for (int i = 0; i < WAIT_MS / 50; i++) {
		http_get_stats(h, &s);
		if (s.reloads == good && s.reload_failures == bad)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	fail_msg("%llu reloads, %llu failures", (unsigned long long)s.reloads,
		 (unsigned long long)s.reload_failures);
}

static void test_tls(void **state)
{
	cleanup_free char *crt = path_of("crt"), *key = path_of("key");
	cleanup_http_certs struct http_certs first = { 0 }, second = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct http_stats s;
	struct http *h;

	(void)state;
	make(&first);
	h = start((struct http_options){ .certificate = crt, .key = key, .note = note });
	assert_int_equal(get(http_port(h), &first.ca, &out), CURLE_OK);
	assert_string_equal(buf_str(&out), "GET /x  -");
	http_get_stats(h, &s);
	assert_true(s.not_after > time(NULL) + 29 * 24 * 3600);
	/* A certificate of another authority takes its place while it runs. */
	make(&second);
	assert_int_not_equal(get(http_port(h), &second.ca, &out), CURLE_OK);
	wait_for_reloads(h, 1, 0);
	assert_int_equal(get(http_port(h), &second.ca, &out), CURLE_OK);
	assert_int_not_equal(get(http_port(h), &first.ca, &out), CURLE_OK);
	/* A key that does not belong to it changes nothing. */
	save("key", &first.key);
	wait_for_reloads(h, 1, 1);
	assert_int_equal(bad_notes, 1);
	assert_int_equal(get(http_port(h), &second.ca, &out), CURLE_OK);
	http_stop(h);
}

static void test_tls_wrong(void **state)
{
	cleanup_free char *crt = path_of("crt"), *key = path_of("key"), *none = path_of("none");
	cleanup_http_certs struct http_certs a = { 0 }, b = { 0 };
	struct http_options o = {
		.address = "0", .certificate = crt, .key = key, .handle = handle
	};
	struct buf text = { 0 };
	struct http *h = NULL;
	struct err e = { 0 };

	(void)state;
	make(&a);
	make(&b);
	save("key", &a.key);
	assert_int_equal(http_start(&h, &o, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "is not the key of the certificate"));
	buf_puts(&text, "no certificate\n");
	save("crt", &text);
	assert_int_equal(http_start(&h, &o, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "expected a certificate in PEM"));
	o.certificate = none;
	assert_int_equal(http_start(&h, &o, &e), -ENOENT);
	buf_free(&text);
}

/* The authority that is there signs the next certificate, too. */
static void test_same_authority(void **state)
{
	cleanup_free char *crt = path_of("crt"), *key = path_of("key");
	cleanup_http_certs struct http_certs first = { 0 }, next = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct http *h;

	(void)state;
	make(&first);
	buf_append(&next.ca, first.ca.p, first.ca.len);
	buf_append(&next.ca_key, first.ca_key.p, first.ca_key.len);
	make(&next);
	assert_string_equal(next.ca.p, first.ca.p);
	h = start((struct http_options){ .certificate = crt, .key = key });
	assert_int_equal(get(http_port(h), &first.ca, &out), CURLE_OK);
	http_stop(h);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "crt", "key" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = path_of(names[i]);

		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),  cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_slow),	  cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_drain),	  cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_wrong), cmocka_unit_test(test_same_authority),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
