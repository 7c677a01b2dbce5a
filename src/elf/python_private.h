/* Shared by python*.c only. */
#ifndef ELF_PYTHON_PRIVATE_H
#define ELF_PYTHON_PRIVATE_H

#include "base/map.h"
#include "elf/python.h"
#include "elf/python_source.h"

#define PY_DOTTED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

struct py_module {
	char *name;	/* dotted */
	char *text;	/* NULL: in C, built in, or not there */
	const char *by; /* what imported it */
	struct py_source source;
	struct map plain; /* names by themselves that reached code of it mentions */
	bool package;
	bool found;
	bool library; /* of the standard library */
};

struct py_held {
	uint32_t node;
	bool module;	  /* a module that is part of the interpreter, not a method */
	const char *name; /* in the file */
};

/* A string with which names begin that are made at run time. */
struct py_prefix {
	const char *text;
	size_t len;
	const struct py_module *in;
};

struct python {
	struct reach *r;
	char *version;
	char **folders; /* where modules are, in order; [0] is the script's */
	size_t folders_n, folders_cap;
	const char *library; /* one of them */
	struct py_module **modules;
	size_t modules_n, modules_cap;
	struct map by_name; /* modules */
	const struct py_module *script;
	struct map words;
	struct py_prefix *prefixes;
	size_t prefixes_n, prefixes_cap;
	struct py_held *held;
	size_t held_n, held_cap;
	const char **wanted; /* modules that C code names */
	size_t wanted_n, wanted_cap;
	bool **importers; /* by object and function: names a module to import; NULL: no part */
	size_t parts_n, parts_cap;
	char *everything; /* why all counts; NULL: it does not */
	bool changed, all_loaded;
	const char *by; /* what imports at the moment */
};

void python_word(struct python *p, const char *text, size_t len);
/* An argument that a call may give by its name; "...": any by their places. */
void python_keyword(struct python *p, const char *text, size_t len);

/* python_modules.c */
/* Loads the script and what every start of the interpreter loads. */
int python_begin(struct python *p, const char *script, struct err *e);
/* Loads a module of this name if there is one. */
void python_load_named(struct python *p, const char *name);
/* Functions that are mentioned by now: their words and imports count. */
void python_reach_units(struct python *p);
/* Extension modules of the standard library, all of them. */
void python_load_all(struct python *p);

#endif
