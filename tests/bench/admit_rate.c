/*
 * admit_rate load PORT PATH FILE RATE SECONDS CONNECTIONS: sends the file as POST requests at a
 * fixed rate over so many TLS connections that stay open, and prints the percentiles of the time
 * from when a request was due to when its answer was there: what waits behind a slow one counts.
 *
 * admit_rate serve CERTIFICATE KEY: the peer: the same server with a handler that answers a fixed
 * text. Prints its port and runs until standard input ends.
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "http/http.h"

enum { ANSWER_MAX = 65536 };

struct client {
	pthread_t thread;
	unsigned port, index, clients;
	const struct buf *request;
	double rate, seconds;
	uint64_t begin, *took; /* nanoseconds */
	size_t n, failed;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t at)
{
	struct timespec t = { (time_t)(at / 1000000000), (long)(at % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

static bool connect_tls(unsigned port, int *fd, gnutls_session_t *s,
			gnutls_certificate_credentials_t *cred)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(*fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return false;
	gnutls_certificate_allocate_credentials(cred);
	gnutls_init(s, GNUTLS_CLIENT);
	gnutls_set_default_priority(*s);
	gnutls_credentials_set(*s, GNUTLS_CRD_CERTIFICATE, *cred);
	gnutls_transport_set_int(*s, *fd);
	return gnutls_handshake(*s) >= 0;
}

/* One answer with a Content-Length; true when it is 200. */
static bool read_answer(gnutls_session_t s, char *text)
{
	size_t n = 0, want = 0;

	while (n < ANSWER_MAX - 1) {
		ssize_t got = gnutls_record_recv(s, text + n, ANSWER_MAX - 1 - n);
		const char *end, *length;

		if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
			continue;
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "content-length:");
		if (end && length)
			want = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
		if (want && n >= want)
			return !strncmp(text, "HTTP/1.1 200", 12);
	}
	return false;
}

static bool ask(const struct client *c, gnutls_session_t s, char *text)
{
	for (size_t sent = 0; sent < c->request->len;) {
		ssize_t got = gnutls_record_send(s, c->request->p + sent, c->request->len - sent);

		if (got < 0)
			return false;
		sent += (size_t)got;
	}
	return read_answer(s, text);
}

static void *run_client(void *ctx)
{
	struct client *c = ctx;
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	char *text = xcalloc(1, ANSWER_MAX);
	size_t all = (size_t)(c->rate * c->seconds);
	int fd;

	if (!connect_tls(c->port, &fd, &s, &cred)) {
		c->failed = all;
		return NULL;
	}
	for (size_t i = c->index; i < all; i += c->clients) {
		uint64_t due = c->begin + (uint64_t)((double)i / c->rate * 1e9);

		wait_until(due);
		if (ask(c, s, text))
			c->took[c->n++] = now() - due;
		else
			c->failed++;
	}
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(cred);
	close(fd);
	free(text);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const struct client *c, unsigned clients)
{
	uint64_t *all = NULL;
	size_t n = 0, failed = 0;

	for (unsigned i = 0; i < clients; i++) {
		all = xreallocarray(all, n + c[i].n + 1, sizeof(*all));
		memcpy(all + n, c[i].took, c[i].n * sizeof(*all));
		n += c[i].n;
		failed += c[i].failed;
	}
	if (!n) {
		printf("no answers, %zu failed\n", failed);
		return;
	}
	qsort(all, n, sizeof(*all), by_size);
	printf("%zu answers, %zu failed; ms: p50 %.3f p90 %.3f p99 %.3f p99.9 %.3f max %.3f\n", n,
	       failed, (double)all[n / 2] / 1e6, (double)all[n * 9 / 10] / 1e6,
	       (double)all[n * 99 / 100] / 1e6, (double)all[n * 999 / 1000] / 1e6,
	       (double)all[n - 1] / 1e6);
	free(all);
}

static int load(char **arg)
{
	unsigned clients = (unsigned)atoi(arg[5]);
	double rate = atof(arg[3]), seconds = atof(arg[4]);
	struct client *c = xcalloc(clients, sizeof(*c));
	cleanup_buf struct buf body = { 0 }, request = { 0 };
	struct err e = { 0 };

	if (io_read_file(arg[2], 1 << 24, &body, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	buf_printf(
		&request,
		"POST %s?timeout=5s HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
		"application/json\r\nAccept: application/json, */*\r\nContent-Length: %zu\r\n\r\n",
		arg[1], body.len);
	buf_append(&request, body.p, body.len);
	for (unsigned i = 0; i < clients; i++) {
		c[i] = (struct client){ .port = (unsigned)atoi(arg[0]),
					.index = i,
					.clients = clients,
					.request = &request,
					.rate = rate,
					.seconds = seconds,
					.begin = now() + 200000000 };
		c[i].begin = c[0].begin;
		c[i].took = xcalloc((size_t)(rate * seconds) + 1, sizeof(*c[i].took));
		pthread_create(&c[i].thread, NULL, run_client, &c[i]);
	}
	for (unsigned i = 0; i < clients; i++)
		pthread_join(c[i].thread, NULL);
	print(c, clients);
	return 0;
}

static void trivial(const struct http_request *q, struct http_reply *r, void *ctx)
{
	(void)q, (void)ctx;
	r->type = "application/json";
	buf_puts(&r->body, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
			   "\"response\":{\"uid\":\"1\",\"allowed\":true}}\n");
}

static int serve(char **arg)
{
	struct http_options o = { .address = "127.0.0.1:0",
				  .certificate = arg[0],
				  .key = arg[1],
				  .max_body = 3 << 20,
				  .threads = 2,
				  .connections = 512,
				  .idle_s = 90,
				  .handle = trivial };
	struct http *h = NULL;
	struct err e = { 0 };

	if (http_start(&h, &o, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	printf("%u\n", http_port(h));
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_stop(h);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 8 && !strcmp(argv[1], "load"))
		return load(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	fprintf(stderr,
		"admit_rate load PORT PATH FILE RATE SECONDS CONNECTIONS | serve CRT KEY\n");
	return 1;
}
