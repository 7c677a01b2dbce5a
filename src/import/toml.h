/*
 * TOML as far as configuration of the kind "tables of strings, booleans and lists of strings" goes
 * (TOML 1.0: comments, bare and quoted keys, basic and literal strings, multi-line arrays, [a.b]).
 * Refused with their place: other types, inline tables, arrays of tables, multi-line strings,
 * dotted keys, and keys that stand twice.
 */
#ifndef IMPORT_TOML_H
#define IMPORT_TOML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { TOML_MAX_KEYS = 1000, TOML_MAX_ITEMS = 20000 };

enum toml_type { TOML_STRING, TOML_BOOL, TOML_STRINGS };

struct toml_string {
	const char *text; /* no NUL bytes */
	unsigned line, col;
};

struct toml_value {
	const char *key; /* with its table: "Filesystem.ReadOnlyPaths" */
	unsigned line, col;
	enum toml_type type;
	bool yes;
	struct toml_string *item; /* of STRINGS; a STRING has one */
	size_t n, cap;
	bool used; /* for the caller */
};

struct toml {
	struct arena arena;
	struct toml_value *value;
	size_t n, cap, items;
};

/* "name:line:col: …" on errors; toml_free() in any case. */
int toml_parse(struct toml *t, const char *name, const char *text, size_t len, struct err *e);
void toml_free(struct toml *t);
/* NULL when the key is not there; marks it as used. */
struct toml_value *toml_get(struct toml *t, const char *key);

#endif
