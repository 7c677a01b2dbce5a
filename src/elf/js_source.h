/*
 * What a JavaScript source file mentions, function by function, without running it: names,
 * identifiers in strings, what it loads, and where it does so by names that are made at run time.
 *
 * What only gives something a name belongs to a unit of that name: functions, methods, members
 * of objects, assignments without calls. It counts when reached code mentions the name. What cannot
 * be told belongs to the unit around it.
 */
#ifndef ELF_JS_SOURCE_H
#define ELF_JS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct js_word {
	uint32_t unit;
	uint32_t at, len; /* in the text */
};

enum js_load_kind {
	JS_LOAD_MODULE,	 /* require("x"), import "x" */
	JS_LOAD_BINDING, /* internalBinding("x") */
	JS_LOAD_MAYBE, /* a string that looks like the name of an internal module, or may be one */
};

struct js_load {
	uint32_t unit;
	uint32_t at, len;
	uint8_t kind; /* enum js_load_kind */
};

enum js_dynamic_kind {
	JS_DYNAMIC_LOAD,   /* of a module whose name is not written there */
	JS_DYNAMIC_OBJECT, /* a module's object goes where names can be made: f(fs), fs[name] */
	JS_DYNAMIC_CODE,   /* eval, Function, and ways to all of the internals */
};

struct js_dynamic {
	uint32_t line;
	uint8_t kind; /* enum js_dynamic_kind */
	uint32_t at, len;
};

/* Unit 0 is the file. */
struct js_unit {
	uint32_t parent;
	uint32_t at, len; /* name */
	bool reached;
	size_t words, words_n;
};

struct js_source {
	const char *text; /* borrowed */
	struct js_unit *units;
	size_t units_n, units_cap;
	struct js_word *words; /* by unit */
	size_t words_n, words_cap;
	struct js_load *loads;
	size_t loads_n, loads_cap;
	struct js_dynamic *dynamics;
	size_t dynamics_n, dynamics_cap;
};

/*
 * Reads the text; any bytes are fine, what is not JavaScript gives words all the same. `check`:
 * it is none of node's own files: also looks for names that are made at run time.
 */
void js_source_read(struct js_source *s, const char *text, size_t len, bool check);
void js_source_free(struct js_source *s);

#endif
