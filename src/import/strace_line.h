/*
 * One line of strace(1), taken apart. Format: strace(1) of version 6.1 and what that version
 * writes; the reader looks at quotes, brackets and descriptor annotations, never at fixed columns.
 */
#ifndef IMPORT_STRACE_LINE_H
#define IMPORT_STRACE_LINE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ST_MAX_ARGS = 12 };

/* A piece of the line, without blanks at its ends. */
struct st_text {
	const char *p;
	size_t n;
};

enum st_kind {
	ST_EMPTY,	/* blank, a stack line of -k, a remark of strace itself */
	ST_CALL,	/* a call, maybe cut by <unfinished ...> */
	ST_RESUMED,	/* the rest of one */
	ST_SIGNAL,	/* --- … --- */
	ST_EXIT,	/* +++ … +++ */
	ST_PERSONALITY, /* [ Process PID=1 runs in 32 bit mode. ] */
	ST_TABLE,	/* a row or rule of the -c table: only its header is told by the line */
	ST_UNKNOWN,
};

struct st_line {
	enum st_kind kind;
	pid_t pid;   /* 0: the line does not say */
	bool has_nr; /* -n */
	uint32_t nr;
	char *body;    /* what follows the prefix */
	char *name;    /* RESUMED: of the call, and `body` is what follows; NUL-terminated */
	bool attached; /* ended in "strace: Process N attached": it goes on in the next line */
	pid_t child;   /* … and N */
};

/* Takes the prefix off and tells the kind; changes the text. */
void st_line_parse(char *text, struct st_line *out);

enum st_result {
	ST_NO_RESULT, /* "?", or the call never returned */
	ST_VALUE,
	ST_ERROR, /* `value` is the errno, 0 for one that is not known */
};

struct st_call {
	char name[64];
	struct st_text args[ST_MAX_ARGS];
	unsigned n;
	bool whole; /* its closing parenthesis is there */
	enum st_result result;
	int64_t value;
	struct st_text path; /* -y: what the returned descriptor is, empty without */
	bool deleted;	     /* … and its file has no name any more */
	bool tampered;	     /* (INJECTED), (DELAYED) */
};

/* "name(args) = result". False when it is no call. `c` points into the text. */
bool st_call_parse(const char *text, struct st_call *c);
/* The unfinished part without its mark; the length of what stays. */
size_t st_unfinished(const char *text);

/*
 * A string argument without its quotes and escapes into `out`, NUL-terminated; *cut: strace
 * left out its end. False: no string (a pointer, NULL) or one longer than the room.
 */
bool st_string(struct st_text t, char *out, size_t size, bool *cut);
/* The same for bytes with NULs among them, as -X raw prints addresses; *n gets how many. */
bool st_bytes(struct st_text t, unsigned char *out, size_t size, size_t *n);
/* The descriptor (AT_FDCWD: -100) and what -y says it is. False: not a descriptor. */
bool st_descriptor(struct st_text t, int *fd, struct st_text *path);
/* An annotation as a path, unescaped: only absolute ones. */
bool st_annotation(struct st_text t, char *out, size_t size);
/* The member of a printed structure: "flags" in "{flags=A|B, …}"; empty when it is not there. */
struct st_text st_member(struct st_text t, const char *name);
/* A whole number; false when there is none. */
bool st_number(struct st_text t, int64_t *out);
bool st_text_is(struct st_text t, const char *s);
bool st_begins(struct st_text t, const char *s);

#endif
