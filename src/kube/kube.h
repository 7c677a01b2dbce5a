/*
 * A client of the Kubernetes API: calls that wait for their answer, lists that are read as they
 * arrive, and watches that keep up with a set of objects through broken connections.
 *
 * A `struct kube` is for one thread. Paths begin with a slash ("/api/v1/nodes"); kube_path() makes
 * them. Errors of the API come with the Status' own message: "GET /api/v1/nodes/x: nodes "x" not
 * found". Their codes: ENOENT 404, EEXIST 409 AlreadyExists, EBUSY 409 otherwise, EACCES 401,
 * EPERM 403, EINVAL 400, 415 and 422, ESTALE 410, EAGAIN 429, EIO other answers, ETIMEDOUT and
 * ECONNREFUSED no answer.
 */
#ifndef KUBE_KUBE_H
#define KUBE_KUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "kube/config.h"

enum {
	KUBE_TIMEOUT_MS = 20000, /* of a call; of a page of a list three times that */
	KUBE_CHUNK = 500,	 /* objects in a page of a list */
	KUBE_REPLY_MAX = 64 * 1024 * 1024,
	KUBE_VERSION_MAX = 64, /* of a resourceVersion, with its NUL */
};

struct kube;

struct kube_options {
	const char *manager;	/* field manager and user agent; NULL: "boltseal" */
	unsigned timeout_ms;	/* 0: KUBE_TIMEOUT_MS */
	unsigned retry_min_ms;	/* pauses of a watch, growing from 250 … */
	unsigned retry_max_ms;	/* … to 30000 */
	unsigned watch_seconds; /* a watch is asked anew after this and up to twice this: 300 */
};

/* Takes what `config` has, which is empty afterwards. Makes no connection. `o` may be NULL. */
struct kube *kube_new(struct kube_config *config, const struct kube_options *o);
/* Ends its watches, too. */
void kube_free(struct kube *k);
static inline void kube_free_p(struct kube **k)
{
	kube_free(*k);
}
#define cleanup_kube cleanup(kube_free_p)
const char *kube_server(const struct kube *k);
const char *kube_namespace(const struct kube *k); /* of the context */

/*
 * "/api/v1/namespaces/NS/pods/NAME/SUB", "/apis/GROUP/VERSION/…"; escaped. `ns`, `name` and `sub`
 * may be NULL. Caller frees.
 */
char *kube_path(const char *api_version, const char *plural, const char *ns, const char *name,
		const char *sub);

/* ---- calls */

struct kube_call {
	const char *method, *path;
	const char *query;	  /* "a=b&c=d", escaped; NULL: none */
	const char *content_type; /* of the body; NULL: application/json */
	const char *body;	  /* NULL: none */
	size_t body_len;
};
/* The answer's body is appended to `reply`, unless that is NULL. Waits and tries again when the
 * server is overloaded (429), and once with a fresh credential after 401. */
int kube_call(struct kube *k, const struct kube_call *c, struct buf *reply, struct err *e);

/* `out` may be NULL. */
int kube_get(struct kube *k, const char *path, struct json_doc *out, struct err *e);
int kube_create(struct kube *k, const char *path, struct json_object *o, struct json_doc *out,
		struct err *e);
int kube_replace(struct kube *k, const char *path, struct json_object *o, struct json_doc *out,
		 struct err *e);
/* 0 also when it was gone already. */
int kube_delete(struct kube *k, const char *path, struct err *e);

enum kube_patch {
	KUBE_PATCH_JSON,      /* RFC 6902 */
	KUBE_PATCH_MERGE,     /* RFC 7386 */
	KUBE_PATCH_STRATEGIC, /* Kubernetes' own; not for custom resources */
	KUBE_PATCH_APPLY,     /* server-side apply; what others own is taken over */
};
/* A subresource is part of the path: ".../status". */
int kube_patch(struct kube *k, const char *path, enum kube_patch kind, struct json_object *o,
	       struct json_doc *out, struct err *e);

/* An Event (v1) about an object. */
struct kube_event {
	const char *api_version, *kind, *ns, *name,
		*uid; /* of the object; ns and uid may be NULL */
	bool warning;
	const char *reason, *message; /* "ProfileInstalled"; a sentence of at most 1024 bytes */
	const char *host;	      /* NULL: not said */
};
int kube_post_event(struct kube *k, const struct kube_event *ev, struct err *e);

/* ---- lists */

/* What is listed or watched. */
struct kube_query {
	const char *path;
	const char *labels, *fields; /* selectors, or NULL */
	/*
	 * Items of a list come without them; when given they are put in front of each item's
	 * members.
	 */
	const char *api_version, *kind;
	bool cached; /* the server's cache will do: cheaper, maybe a moment old; not in pages */
};
/*
 * Calls `each` for every item, page by page; no more than one item is in memory. Negative from
 * `each` ends the list with that. A page token that expired on the way: -ESTALE, begin again.
 * `version`, unless NULL, gets the list's resourceVersion (KUBE_VERSION_MAX bytes).
 */
typedef int (*kube_each)(const char *text, size_t len, void *ctx, struct err *e);
int kube_list(struct kube *k, const struct kube_query *q, kube_each each, void *ctx, char *version,
	      struct err *e);

/* ---- watches */

enum kube_watch_kind {
	KUBE_RELIST, /* all objects follow, up to KUBE_SYNCED; what is not named until then is gone
		      */
	KUBE_PUT,    /* an object as it is now, new or changed */
	KUBE_GONE,   /* an object as it was last */
	KUBE_SYNCED,
	KUBE_LOST, /* the server is not reached, or refuses; told once, with the reason */
	KUBE_BACK, /* it is reached again */
};
struct kube_watch_event {
	enum kube_watch_kind kind;
	const char *text; /* the object, gone after the call */
	size_t len;
	const char *why; /* KUBE_LOST */
	int code;	 /* KUBE_LOST: its errno; ENOENT: the server has no such resource */
};
typedef void (*kube_watch_each)(const struct kube_watch_event *ev, void *ctx);

struct kube_watch;
/*
 * Lists, then watches from there on, resumes after each end of a connection at the last version
 * seen (bookmarks keep it fresh), and lists again when the server has forgotten that (410 Gone).
 * Strings of `q` are copied. Events come from kube_poll(). Lives until kube_free() or
 * kube_watch_end(), which must not be called from its own callback.
 */
struct kube_watch *kube_watch_new(struct kube *k, const struct kube_query *q, kube_watch_each each,
				  void *ctx);
void kube_watch_end(struct kube_watch *w);

struct kube_watch_stats {
	uint64_t failures;
	bool synced; /* has listed everything once */
	bool lost;
};
void kube_watch_get_stats(const struct kube_watch *w, struct kube_watch_stats *out);

/*
 * Runs the watches for up to `ms`, until `fd` (-1: none) can be read or kube_wake(). 1 when it can,
 * else 0, or negative.
 */
int kube_poll(struct kube *k, int ms, int fd, struct err *e);
/* Ends a kube_poll() of another thread. */
void kube_wake(struct kube *k);

#endif
