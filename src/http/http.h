/*
 * An HTTP server, with or without TLS: bytes become requests. It knows no routes: one function
 * answers all of them. Bodies, headers, connections and times have limits. Certificates are read
 * again when their files change.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http;

struct http_request {
	const char *method;   /* "GET" */
	const char *path;     /* "/metrics", decoded, without the query */
	const char *type;     /* Content-Type, or "" */
	const char *body;     /* NUL-terminated, never NULL */
	size_t len;	      /* of the body */
	bool client_verified; /* it showed a certificate that the client CA signed */
	void *connection;     /* for http_query */
};

struct http_reply {
	unsigned status;   /* 200 unless set */
	const char *type;  /* text/plain unless set; lives until the answer is out */
	const char *allow; /* the header Allow, or NULL */
	struct buf body;
};

/* From several threads at once. */
typedef void (*http_handle)(const struct http_request *q, struct http_reply *r, void *ctx);

struct http_options {
	const char *address;	 /* see http_address */
	const char *certificate; /* file with the chain in PEM; NULL: no TLS */
	const char *key;	 /* file with its private key */
	const char *client_ca;	 /* file: clients are asked for a certificate; NULL: they are not */
	size_t max_body;	 /* bytes; a body of this size or more is answered with 413 */
	/* 0: one, for few connections, which asks little of the system and cannot be drained. */
	unsigned threads;
	unsigned connections, per_ip; /* 0: 64, and no limit of its own */
	unsigned idle_s;	      /* a connection on which nothing happens is closed; 0: 10 */
	unsigned request_s;	      /* a request that takes longer to arrive is given up; 0: 10 */
	/* What happens apart from requests: a certificate that was read again or cannot be read. */
	void (*note)(void *ctx, bool bad, const char *text);
	http_handle handle;
	void *ctx; /* of both */
};

struct http_stats {
	uint64_t open, active; /* connections now, requests on the way now */
	uint64_t refused;      /* answers of the server itself: 413 and requests given up */
	uint64_t reloads, reload_failures;
	int64_t not_after; /* of the certificate, seconds since 1970; 0: no TLS */
};

/* The options' strings are copied. -EINVAL for an address or certificate that is none. */
int http_start(struct http **out, const struct http_options *o, struct err *e);
/* The port that it listens at, which the system chose when the address says 0. */
unsigned http_port(const struct http *h);
void http_get_stats(struct http *h, struct http_stats *out);
/* From now on connections are closed behind each answer, so that clients go elsewhere. */
void http_leave(struct http *h);
/* No new connections (but see `threads`); waits until no request is on the way, at most so long. */
void http_drain(struct http *h, unsigned timeout_s);
/* Ends every connection. NULL is fine. */
void http_stop(struct http *h);

/* A request's query argument, or NULL; valid until the handler returns. */
const char *http_query(const struct http_request *q, const char *name);

/*
 * "PORT" (on 127.0.0.1), "ADDRESS:PORT", "[ADDRESS]:PORT", ":PORT" (all addresses, both families).
 * A numeric address; false when it is none. `storage` is a struct sockaddr_storage.
 */
struct sockaddr_storage;
bool http_address(const char *text, struct sockaddr_storage *out);

#endif
