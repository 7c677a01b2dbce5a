/*
 * What a Python source file mentions, function by function, without running it: words that are
 * names or stand in strings, what it imports, and where it does so by names that are made at run
 * time. Source: The Python Language Reference, "Lexical analysis" and "Compound statements".
 */
#ifndef ELF_PYTHON_SOURCE_H
#define ELF_PYTHON_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct py_word {
	uint32_t unit;
	uint32_t at, len; /* in the text */
	bool plain;	  /* a name by itself: of the function or file, or a parameter's */
	bool keyword; /* of an argument in a call: f(NAME=…), {"NAME": …}, a["NAME"] = … */
	bool string;  /* stands in a string in another way */
	uint32_t call_at, call_len; /* of f(NAME=…): f */
	bool prefix; /* ends with "_" at the end of a string: a name may be made with it */
};

/* "from a import b": name a, item b. */
struct py_import {
	uint32_t unit;
	uint32_t at, len; /* dotted name; may be empty when there are dots in front */
	uint32_t item_at, item_len;
	uint32_t bound_at, bound_len; /* the name it gets in this file */
	uint8_t level;		      /* dots in front */
};

enum py_dynamic_kind {
	PY_DYNAMIC_IMPORT, /* of a module whose name is not written there */
	PY_DYNAMIC_NAME,   /* getattr(module, expression) and the like; `at` is the module's name */
	PY_DYNAMIC_CODE,   /* exec, eval, compile */
	PY_DYNAMIC_DATA,   /* pickle.load: names in data */
};

struct py_dynamic {
	uint32_t unit, line;
	enum py_dynamic_kind kind;
	uint32_t at, len;
};

/*
 * The body of a function; [0] is what runs when the file is loaded. Or a class, which has no words
 * of its own: its body runs where it stands, but its functions only when somebody mentions the
 * class.
 */
struct py_unit {
	uint32_t parent;
	uint32_t runs_in; /* the unit that runs what stands in the body itself */
	uint32_t at, len; /* name */
	bool function;
	bool always; /* runs without its name being mentioned: __init__, decorated */
	bool never;  /* runs only when the file itself is the program */
	bool reached;
	size_t words, words_n;
};

struct py_source {
	const char *text; /* borrowed */
	bool many;	  /* a call has ten arguments or more, or a list of them: f(*a) */
	bool star;	  /* imports all names of a module: a name by itself may be one of them */
	struct py_unit *units;
	size_t units_n, units_cap;
	struct py_word *words; /* by unit */
	size_t words_n, words_cap;
	struct py_import *imports;
	size_t imports_n, imports_cap;
	struct py_dynamic *dynamics;
	size_t dynamics_n, dynamics_cap;
};

/*
 * Reads the text; any bytes are fine, what is not Python gives words all the same. `skip` (may be
 * NULL): logical lines that begin with this are left out, with what is indented below them.
 */
void py_source_read(struct py_source *s, const char *text, size_t len, const char *skip);
void py_source_free(struct py_source *s);

#endif
