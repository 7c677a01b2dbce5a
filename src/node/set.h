/*
 * The profiles that a node should have, from all sources, and what became of each. Where two
 * sources name the same profile the first source has it.
 */
#ifndef NODE_SET_H
#define NODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"

enum node_kind { NODE_SECCOMP, NODE_APPARMOR, NODE_SELINUX, NODE_KIND_COUNT };

enum node_state {
	NODE_PENDING,	  /* not looked at yet */
	NODE_INSTALLED,	  /* durably there, verified */
	NODE_REFUSED,	  /* the profile is wrong */
	NODE_FAILED,	  /* it could not be installed; is tried again */
	NODE_UNAVAILABLE, /* this node's kernel has no such thing */
	NODE_STATE_COUNT
};

enum {
	NODE_HASH = 13,	     /* twelve digits of the content's SHA-256, and a NUL */
	NODE_NAME_MAX = 200, /* so that NAME-HASH.json is a file name */
	NODE_TEXT_MAX = 1024 * 1024,
	NODE_MESSAGE_MAX = 320,
	NODE_MAX_PROFILES = 2000,
};

struct node_profile {
	enum node_kind kind;
	unsigned source; /* smaller ones win */
	char *name;
	char *origin; /* "ConfigMap security/profiles", "file /p/web.json" */
	char *text;
	size_t len;
	char hash[NODE_HASH];
	char *problem; /* why the source cannot be used, or NULL */
	bool marked;   /* see node_set_begin() */
	/* What became of it; whoever installs it fills this. */
	bool checked; /* `problem` and the text were judged */
	enum node_state state;
	char message[NODE_MESSAGE_MAX];
	time_t since; /* of the state */
	bool told;    /* the state was reported */
};

struct node_set {
	struct node_profile **v;
	size_t n, cap;
};

const char *node_kind_name(enum node_kind k);	/* "seccomp" */
const char *node_state_name(enum node_state s); /* "Installed" */
/* The kind by what a file of it is called: NAME.json, NAME.apparmor, NAME.cil; -1: none. */
int node_kind_of_file(const char *file);
/* The name without that ending; caller frees. */
char *node_name_of_file(const char *file);
/* Letters, digits, '-', '_', '.', of which a letter or digit at both ends; NODE_NAME_MAX bytes. */
bool node_name_ok(const char *name);

/*
 * The label that says that a node has the profile: "boltseal.dev/seccomp.NAME". The part behind the
 * slash has 63 characters at most: of longer names the beginning, and a hash of all of it.
 */
#define NODE_DOMAIN "boltseal.dev"
char *node_label(enum node_kind k, const char *name);
/* Whether a label's key is one that node_label() may have made. */
bool node_label_is_ours(const char *key);

/*
 * A profile as its source has it now. `problem`, unless NULL, is why it cannot be used; `text` may
 * be NULL then. Equal contents keep their state. False when there is no room for more.
 */
bool node_set_put(struct node_set *s, unsigned source, const char *origin, enum node_kind kind,
		  const char *name, const char *text, size_t len, const char *problem);
/*
 * What is not put between begin and end is dropped: of an origin, or (NULL) of the source. Both may
 * be nested, origins in a source.
 */
void node_set_begin(struct node_set *s, unsigned source, const char *origin);
void node_set_end(struct node_set *s, unsigned source, const char *origin);
/* The profile that has this kind and name; NULL: none. */
struct node_profile *node_set_find(const struct node_set *s, enum node_kind kind, const char *name);
void node_set_free(struct node_set *s);

/* Sets the state, and since when when it is a new one. */
__attribute__((format(printf, 3, 4))) void node_profile_is(struct node_profile *p,
							   enum node_state state, const char *fmt,
							   ...);

#endif
