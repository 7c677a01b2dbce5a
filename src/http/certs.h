/* A certificate authority and a server certificate to start with. */
#ifndef HTTP_CERTS_H
#define HTTP_CERTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct http_certs {
	struct buf ca, ca_key, certificate, key; /* PEM */
};

/*
 * For these names and numeric addresses, valid for so many days from now on. When ca and ca_key
 * are filled they sign; otherwise they are made, valid ten times as long. ECDSA on P-256.
 */
int http_certs_make(struct http_certs *c, const char *const *names, size_t n, unsigned days,
		    struct err *e);
void http_certs_free(struct http_certs *c);
#define cleanup_http_certs cleanup(http_certs_free)

#endif
