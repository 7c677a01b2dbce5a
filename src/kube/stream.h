/*
 * JSON as it comes from an API server, cut into objects while it arrives, so that no more than one
 * object is in memory: the events of a watch, which follow one another, and the items of a list.
 * Only the cuts are found here; who reads an object parses it (base/json.h, base/yaml.h) and finds
 * what else is wrong.
 */
#ifndef KUBE_STREAM_H
#define KUBE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	KUBE_MAX_OBJECT = 8 * 1024 * 1024, /* etcd takes 1.5 MiB unless told otherwise */
	KUBE_MAX_REST = 1024 * 1024,	   /* of a list, without its items */
	KUBE_KEY_MAX = 16,
};

enum kube_stream_mode {
	KUBE_STREAM_OBJECTS, /* objects one behind the other, blanks between them */
	KUBE_STREAM_ITEMS,   /* one object, whose member "items" is a list of objects */
};

/* An object's text, NUL-terminated, without blanks around it; gone after the call. Negative ends.
 */
typedef int (*kube_stream_object)(const char *text, size_t len, void *ctx, struct err *e);

struct kube_stream {
	enum kube_stream_mode mode;
	kube_stream_object object;
	void *ctx;
	/* The rest is stream.c's; zeroed in the beginning. */
	struct buf text; /* of the object that is being read */
	struct buf rest; /* items: the document with an empty list of them */
	unsigned depth;
	bool in_string, escaped, in_items, items_key, in_object, ended;
	bool is_key; /* the string is one of the outer object's keys, maybe */
	char key[KUBE_KEY_MAX];
	size_t key_len;
};

/* Takes the next bytes. Errors: those of `object`; -EPROTO when this is no such JSON; -EFBIG. */
int kube_stream_feed(struct kube_stream *s, const char *p, size_t n, struct err *e);
/* -EPROTO when the text ends within an object. */
int kube_stream_end(const struct kube_stream *s, struct err *e);
/* Ready for another text; keeps mode, object and ctx. */
void kube_stream_reset(struct kube_stream *s);
void kube_stream_free(struct kube_stream *s);

/*
 * The value of a member of the object that `text` is; its text lies in `text`. False when there is
 * none, or `text` is no object. Keys are compared as they stand, without unescaping.
 */
bool kube_member(const char *text, size_t len, const char *key, const char **value, size_t *n);
/* The same for a string without escapes, copied; false too when it does not fit. */
bool kube_member_str(const char *text, size_t len, const char *key, char *out, size_t size);
/* .metadata.resourceVersion of an object's text */
bool kube_object_version(const char *text, size_t len, char *out, size_t size);

#endif
