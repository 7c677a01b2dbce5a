/*
 * YAML and JSON input with places: a stream of documents becomes trees of nodes, each of which
 * knows where its text stands. Read by libyaml (YAML 1.1 syntax). Plain scalars get the types that
 * Kubernetes gives them (sigs.k8s.io/yaml, which follows go-yaml v2: yes, no, on, off, y and n are
 * booleans); quoted scalars are strings. Numbers keep their text, so that 64 bits stay exact.
 *
 * A document that cannot be read has an error with its place instead of a root; the other documents
 * of the stream are read all the same. Errors beyond syntax: two equal keys in one map (with both
 * places), keys that are no scalars, unknown aliases, depth beyond YAML_MAX_DEPTH, and aliases that
 * expand to more than YAML_MAX_ALIASED nodes. Aliases and merge keys ("<<") are resolved: what they
 * bring is a copy with `aliased` set, whose places are those of the anchor's text.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
	YAML_MAX_BYTES = 64 * 1024 * 1024, /* a sensible limit for yaml_load */
	YAML_MAX_DEPTH = 100,
	YAML_MAX_NODES = 8 * 1000 * 1000, /* of a stream */
	YAML_MAX_ALIASED = 100 * 1000,	  /* copies in one document */
};

enum yaml_kind { YAML_MAP, YAML_SEQ, YAML_SCALAR };
/* What a scalar is; YAML_STR for maps and sequences. */
enum yaml_type { YAML_STR, YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT };
/* Scalars: plain to folded; maps and sequences: block or flow (with braces, brackets). */
enum yaml_style {
	YAML_PLAIN,
	YAML_SINGLE,
	YAML_DOUBLE,
	YAML_LITERAL,
	YAML_FOLDED,
	YAML_BLOCK,
	YAML_FLOW
};

/* Lines and columns count from 1, columns in characters; `off` counts bytes from 0. */
struct yaml_mark {
	uint32_t line, col, off;
};

struct yaml_node {
	uint8_t kind, type, style;
	bool aliased : 1;  /* a copy, by an alias or a merge key */
	bool anchored : 1; /* has an anchor: what is changed here changes elsewhere too */
	uint32_t n;	   /* bytes of the text, pairs or items */
	union {
		const char *text; /* unescaped, NUL-terminated; may contain NUL bytes */
		struct yaml_node **item;
		struct yaml_pair *pair; /* own ones in the order of the text, then merged ones */
	};
	const char *tag;	     /* as resolved ("tag:yaml.org,2002:str"), or NULL */
	const struct yaml_node *up;  /* the map or sequence that has this value; NULL: root */
	const struct yaml_node *key; /* this value's (or key's) key when `up` is a map */
	uint32_t idx;		     /* in `up` */
	/*
	 * First byte, and the one behind the last. A block map or sequence ends where libyaml sees
	 * its end, behind the blank lines and comments that follow.
	 */
	struct yaml_mark start, end;
};

struct yaml_pair {
	struct yaml_node *key; /* a scalar */
	struct yaml_node *value;
	bool merged;
};

struct yaml_doc {
	struct yaml_node *root; /* NULL: see error */
	const char *error;	/* "name:line:col: …", or NULL */
	struct yaml_mark error_at;
	struct yaml_mark start;
	uint32_t end; /* offset behind the document */
};

struct yaml_stream {
	struct arena arena; /* has the nodes and their texts */
	char *name;	    /* what errors call it: the path, or "standard input" */
	char *text;	    /* NUL-terminated */
	size_t len;
	struct yaml_doc *doc; /* empty documents are left out */
	size_t docs_n, docs_cap;
	size_t nodes;
};

/*
 * Reads a file ("-" is standard input) of at most `max` bytes. Negative only when nothing can be
 * said about documents: the file cannot be read, is too large, or is binary. Otherwise 0, and each
 * document has its root or its error.
 */
int yaml_load(struct yaml_stream *s, const char *path, size_t max, struct err *e);
/* The same for a text in memory, which is copied. */
int yaml_parse(struct yaml_stream *s, const char *name, const char *text, size_t len,
	       struct err *e);
void yaml_stream_free(struct yaml_stream *s);
#define cleanup_yaml cleanup(yaml_stream_free)

/* The only document of a stream that has to have exactly one: its root, or NULL and an error. */
struct yaml_node *yaml_only(const struct yaml_stream *s, struct err *e);

/* Error at a node: "name:line:col: /pointer: <message>". Returns -code. */
__attribute__((format(printf, 5, 6))) int yaml_err(const struct yaml_stream *s,
						   const struct yaml_node *at, struct err *e,
						   int code, const char *fmt, ...);
/* Appends the node's JSON pointer (RFC 6901), nothing for a root. */
void yaml_pointer(const struct yaml_node *n, struct buf *out);
/* yaml_scalar.c: the type of a plain scalar without tag. */
enum yaml_type yaml_plain_type(const char *text, size_t len);
/* "a map", "a string" … for messages. */
const char *yaml_word(const struct yaml_node *n);

/* The member's value; NULL when `map` is NULL, no map, or has no such key. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* The same, with the place of its key; NULL too. */
const struct yaml_pair *yaml_pair_of(const struct yaml_node *map, const char *key);
/* Missing or null. */
bool yaml_is_null(const struct yaml_node *n);
bool yaml_is_str(const struct yaml_node *n);
/* A string that is exactly this. */
bool yaml_eq(const struct yaml_node *n, const char *text);

/*
 * The node's value: 0, or -EINVAL (wrong type; no NUL in strings) and -ERANGE with place and
 * pointer. Numbers: decimal, 0x, 0o, 0b, and 0… for octal, '_' between digits, as go-yaml reads.
 */
int yaml_str(const struct yaml_stream *s, const struct yaml_node *n, const char **out,
	     struct err *e);
int yaml_bool(const struct yaml_stream *s, const struct yaml_node *n, bool *out, struct err *e);
int yaml_u64(const struct yaml_stream *s, const struct yaml_node *n, uint64_t max, uint64_t *out,
	     struct err *e);
int yaml_i64(const struct yaml_stream *s, const struct yaml_node *n, int64_t *out, struct err *e);

/*
 * Typed members of a map. A missing or null member: -ENOENT with an error when `required`, else 0
 * and *out untouched. A wrong type: -EINVAL. What is returned belongs to the stream.
 */
int yaml_get_str(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, const char **out, struct err *e);
int yaml_get_bool(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		  bool required, bool *out, struct err *e);
int yaml_get_u64(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, uint64_t max, uint64_t *out, struct err *e);
int yaml_get_seq(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, struct yaml_node **out, struct err *e);
int yaml_get_map(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, struct yaml_node **out, struct err *e);

/*
 * An error at the first key of the map that is not among the NULL-terminated `known`, with the
 * known one that was probably meant; 0 when there is none.
 */
int yaml_only_keys(const struct yaml_stream *s, const struct yaml_node *map,
		   const char *const *known, struct err *e);

#endif
