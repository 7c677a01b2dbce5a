/*
 * JSON input with places: documents are parsed by json-c (exact signed and unsigned 64-bit
 * integers). Refused beyond what json-c refuses: duplicate keys, whole numbers that do not fit 64
 * bits, numbers that are not finite, strings that are not UTF-8. An error about a value names
 * file:line:column and the JSON pointer (RFC 6901) of that value.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

enum { JSON_MAX_DEPTH = 64 };

struct json_doc {
	struct json_object *root;
	char *text;
	size_t len;
	char *name;    /* what errors call it: the path, or "standard input" */
	unsigned line; /* lines of the file that stand before the text */
};

/* A value's place: chained on the stack while walking down. `key` NULL means array index `idx`. */
struct json_path {
	const struct json_path *up;
	const char *key;
	size_t idx;
};

/* Reads and parses a whole file ("-" is standard input); `max` bounds its bytes. Depth at most
 * JSON_MAX_DEPTH.
 */
int json_load(struct json_doc *d, const char *path, size_t max, struct err *e);
/* The same for a text in memory; the text is copied. */
int json_parse(struct json_doc *d, const char *name, const char *text, size_t len, struct err *e);
/* The same for one line of a file, `line` from 1 on. */
int json_parse_line(struct json_doc *d, const char *name, unsigned line, const char *text,
		    size_t len, struct err *e);
/* Called for a key that stands again in its object, with its JSON pointer and its place. */
struct json_again {
	void (*each)(const char *pointer, unsigned line, unsigned col, void *ctx);
	void *ctx;
};
/* As json_parse, but equal keys in one object are no error: the last value counts. */
int json_parse_again(struct json_doc *d, const char *name, const char *text, size_t len,
		     const struct json_again *again, struct err *e);
void json_doc_free(struct json_doc *d);

/*
 * Where a value stands: its JSON pointer, appended to `pointer` ("/" for the document), and line
 * and column from 1 on. False, with 1:1, when the text has no such value.
 */
bool json_place(const struct json_doc *d, const struct json_path *at, struct buf *pointer,
		unsigned *line, unsigned *col);

/* Error at a value: "name:line:col: /pointer: <message>". Returns -code. */
__attribute__((format(printf, 5, 6))) int json_err(const struct json_doc *d,
						   const struct json_path *at, struct err *e,
						   int code, const char *fmt, ...);

/*
 * Typed members of the object `o` that stands at `at`. A missing member: -ENOENT with an error when
 * `required`, else 0 and *out untouched. A wrong type: -EINVAL. Strings and objects are borrowed
 * from the document. null counts as missing.
 */
int json_get_str(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		 const char *key, bool required, const char **out, struct err *e);
int json_get_u64(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		 const char *key, bool required, uint64_t max, uint64_t *out, struct err *e);
int json_get_bool(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		  const char *key, bool required, bool *out, struct err *e);
int json_get_array(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		   const char *key, bool required, struct json_object **out, struct err *e);
int json_get_object(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		    const char *key, bool required, struct json_object **out, struct err *e);

/* A whole number of any sign-less value: 0 or -EINVAL (negative, fraction, not a number, > max). */
int json_u64(const struct json_doc *d, const struct json_path *at, struct json_object *v,
	     uint64_t max, uint64_t *out, struct err *e);

/* A member of any type; NULL when there is none, or `o` is no object or NULL. */
struct json_object *json_member(struct json_object *o, const char *key);

/* "an object", "a string" … for messages. */
const char *json_type_word(struct json_object *v);

/*
 * Strings that are bytes, such as paths, which need not be UTF-8. json_put_bytes writes them as a
 * JSON string with its quotes; a byte 0x80 … 0xff that is no part of valid UTF-8 becomes the
 * private use character U+F780 plus the byte (U+F800 … U+F87F), and so does each byte of such a
 * character that is itself in the text: nothing is lost. json_bytes is the way back, in place, for
 * a string that was read; it has the string.
 */
void json_put_bytes(struct buf *b, const char *s);
char *json_bytes(char *s);
/* The same for bytes among which there may be NULs; json_bytes_n returns how many there are. */
void json_put_bytes_n(struct buf *b, const char *s, size_t len);
size_t json_bytes_n(char *s, size_t len);
/* An array of the strings in `p`, each with its NUL; when the last has none, all of it is one
 * string. */
void json_put_strings(struct buf *b, const char *p, size_t len);
/* Bytes as a value of json-c, which takes no others than those of valid text. */
struct json_object *json_new_bytes(const char *s);

/*
 * The length of the UTF-8 sequence at p (p < end), 0 when there is none: overlong forms, surrogates
 * and values beyond U+10FFFF are none (RFC 3629, section 4). *cp, unless NULL, gets the code point.
 */
size_t json_utf8_len(const char *p, const char *end, uint32_t *cp);

/* Pretty text with two-space indent, stable order (as inserted), a final newline. Caller frees. */
char *json_text(struct json_object *o);
/* Appends this text, and releases `o`. */
void json_put_text(struct buf *b, struct json_object *o);
/* Puts `v`, from json-c, which now owns it; NULL counts as a lack of memory, which ends the
 * program. */
void json_add(struct json_object *o, const char *key, struct json_object *v);
void json_append(struct json_object *array, struct json_object *v);

#define cleanup_json_doc cleanup(json_doc_free)

static inline void json_put_p(struct json_object **o)
{
	if (*o)
		json_object_put(*o);
}
#define cleanup_json cleanup(json_put_p)

#endif
