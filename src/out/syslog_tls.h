/* A connection over TLS for syslog (RFC 5425): bytes in one direction. */
#ifndef OUT_SYSLOG_TLS_H
#define OUT_SYSLOG_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "out/sink_extras.h"

/* Connects and checks the certificate against the host's name; *out is for curl_easy_cleanup. */
int syslog_tls_connect(CURL **out, const char *host, const char *port, const struct sink_extras *x,
		       unsigned timeout_ms, struct err *e);
/* Whether the receiver has ended the connection. */
bool syslog_tls_is_closed(CURL *c);
int syslog_tls_send(CURL *c, const struct buf *b, unsigned timeout_ms, struct err *e);

#endif
