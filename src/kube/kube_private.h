/* What the files of src/kube share. */
#ifndef KUBE_KUBE_PRIVATE_H
#define KUBE_KUBE_PRIVATE_H

#include <curl/curl.h>

#include "kube/kube.h"
#include "kube/stream.h"

struct kube {
	struct kube_config config;
	struct kube_options o;
	struct kube_credential cred;
	CURL *easy; /* of calls and lists */
	CURLM *multi;
	struct kube_watch *watches;
	/* With tls-server-name the address has that name, and the connection goes elsewhere. */
	char *base, *host;
	struct curl_slist *connect_to;
	char *manager;
};

/* What a transfer needs besides its handle; zeroed in the beginning. */
struct transfer {
	struct curl_slist *headers;
	char *url;
	char error[CURL_ERROR_SIZE];
};
void transfer_free(struct transfer *t);
#define cleanup_transfer cleanup(transfer_free)

/* client.c: resets the handle and sets all but what becomes of the answer. */
int kube_prepare(struct kube *k, CURL *c, struct transfer *t, const struct kube_call *call,
		 bool refresh, struct err *e);
/* The error of an answer that is not 2xx: "METHOD PATH: …". Always negative. */
int kube_status_error(const struct kube_call *call, long http, const char *body, size_t len,
		      struct err *e);
/* The same for a transfer that failed. */
int kube_transfer_error(const struct kube_call *call, CURLcode code, const struct transfer *t,
			struct err *e);

/* list.c: the query of a list or a watch; caller frees. `extra` is put behind it. */
char *kube_query_text(const struct kube_query *q, const char *extra);
/* Puts apiVersion and kind in front of an item's members. */
void kube_add_kind(const struct kube_query *q, const char *text, size_t len, struct buf *out);

#endif
