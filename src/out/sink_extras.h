/*
 * What stands behind '#' in the text of a sink that goes over the network: names, some with a
 * value, with '&' between them, as in
 * "https://siem.example/in#ocsf&gzip&headers=/etc/boltseal/siem".
 */
#ifndef OUT_SINK_EXTRAS_H
#define OUT_SINK_EXTRAS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"

enum sink_form { SINK_FALCO, SINK_FULL, SINK_OCSF };

/* Files by their paths; NULL: not given. */
struct sink_extras {
	enum sink_form form; /* falco, full, ocsf: how a finding is written */
	bool gzip;
	char *ca; /* ca=FILE: certificates that sign the receiver's, in place of the system's */
	char *cert, *key; /* cert=FILE, key=FILE: who we are; the key may stand in the first */
	char *headers;	  /* headers=FILE: lines "Name: value" that every request gets */
};

enum { SINK_EXTRAS_TLS = 1, SINK_EXTRAS_HTTP = 2 }; /* which names are known */

/* Reads them; files must be readable. *x is for sink_extras_free also after an error. */
int sink_extras_read(struct sink_extras *x, const char *spec, unsigned known, struct err *e);
void sink_extras_free(struct sink_extras *x);
/* The part of the text that says which sink it is: without what only says how it is reached. */
char *sink_extras_identity(const char *spec);
/* Certificates for a connection. */
void sink_extras_tls(const struct sink_extras *x, CURL *c);

#endif
