/*
 * SELinux's file_contexts(5): which type a path has. Of the specifications that match, one without
 * wild cards wins, else the last one in the file, as in selabel_file(5). Regular expressions are
 * POSIX extended ones, of which those in policies are.
 */
#ifndef PROFILE_FILE_CONTEXTS_H
#define PROFILE_FILE_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"

enum { FC_MAX_BYTES = 16 * 1024 * 1024, FC_MAX_SPEC = 1024, FC_MAX_REPEAT = 1024 };

struct fc_spec {
	const char *pattern;
	const char *type; /* NULL: <<none>> */
	unsigned line;
	char kind;     /* 'd' '-' 'c' 'b' 's' 'p' 'l', or 0: any */
	bool literal;  /* no wild card */
	size_t prefix; /* bytes before the first wild card */
};

struct file_contexts {
	struct arena arena;
	const char *name; /* of the file, for errors */
	struct fc_spec *v;
	size_t n, cap;
};

/* Errors name file:line. */
int fc_parse(struct file_contexts *fc, const char *name, const char *text, size_t len,
	     struct err *e);
int fc_load(struct file_contexts *fc, const char *path, struct err *e);
void fc_free(struct file_contexts *fc);
#define cleanup_file_contexts cleanup(fc_free)

/*
 * The type of a path of this kind ('d' …) in *type; NULL when none is given. -EINVAL when an
 * expression that could match is none.
 */
int fc_lookup(const struct file_contexts *fc, const char *path, char kind, const char **type,
	      struct err *e);

#endif
