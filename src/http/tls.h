/* Certificate and key of a server, from files that may change while it runs. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct http_tls;

/* Reads both and checks that they belong together. */
int http_tls_new(struct http_tls **out, const char *certificate, const char *key, struct err *e);
void http_tls_free(struct http_tls *t);
/*
 * Reads the files again when they are others than before: 1, or 0 when they are not. On an error
 * what was read before stays in use, and the error is not repeated until the files change again.
 */
int http_tls_reload(struct http_tls *t, struct err *e);
/* When the certificate ends, seconds since 1970. */
int64_t http_tls_not_after(struct http_tls *t);

/* What gnutls_certificate_retrieve_function2 hands out; it stays for some reloads. Returns 0. */
int http_tls_retrieve(struct http_tls *t, gnutls_pcert_st **chain, unsigned *n,
		      gnutls_privkey_t *key);

#endif
