/*
 * Importers: logs and policies of other tools become workload models. Each format has its own file;
 * this header has what they share. An importer adds one source of the kind WL_IMPORT to a model
 * that is empty or holds other sources, and everything it finds with that source as provenance.
 *
 * Logs are dirty by nature: a line that is not understood is counted and the first one is shown.
 * Files in a language (TOML, AppArmor) are refused with file:line:column where they are wrong.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/workload.h"

enum {
	IMPORT_MAX_LINE = 1024 * 1024,	    /* bytes of a line of a log; the rest is cut off */
	IMPORT_MAX_TEXT = 4 * 1024 * 1024,  /* of a policy file */
	IMPORT_MAX_JSON = 64 * 1024 * 1024, /* of a report */
	IMPORT_MAX_VALUES = 4096,	    /* distinct argument values kept of one call */
	IMPORT_MAX_NETS = 20000,	    /* distinct addresses kept */
	IMPORT_SECONDS = 3600,		    /* for a log from a pipe, unless options say another */
};

/* Bytes of one log, unless options say another limit. */
#define IMPORT_LOG_BYTES (UINT64_C(16) << 30)

/* A file ("-" is standard input), or a text in memory when `data` is not NULL. */
struct import_input {
	const char *name; /* what messages call it */
	const void *data;
	size_t len;
};

/*
 * Symbolic links of the file system in which a log was made. Writes the absolute path without links
 * to `out` (PATH_MAX bytes) and whether it is a directory; false when the path does not exist.
 */
typedef bool import_resolve(void *ctx, const char *path, bool follow, char *out, bool *directory);
/* The interpreter of an executable there, resolved; *script tells "#!" from ELF. False: none. */
typedef bool import_interpreter(void *ctx, const char *path, char *out, bool *script);

struct import_options {
	enum sc_abi arch;      /* of the machine on which a log was made: SC_X86_64 or SC_AARCH64 */
	const char *profile;   /* audit: only records of this profile or SELinux type; NULL: all */
	const char *container; /* audit: only records that name this container */
	const char *comm;      /* audit: only those of this command */
	const char *apparmor_root; /* apparmor: the folder of includes; NULL: /etc/apparmor.d, "":
				      none */
	bool compatible;	   /* bane: what its profiles allowed, not what their keys mean */
	uint64_t max_bytes;	   /* of each log; 0: IMPORT_LOG_BYTES */
	uint64_t max_seconds;	   /* for a log that is no file; 0: IMPORT_SECONDS */
	import_resolve *resolve;   /* NULL: paths stay as they were written */
	import_interpreter *interpreter;
	void *ctx; /* of both */
};

/* One import under way. */
struct import {
	struct workload *w;
	int source;
	const struct import_options *o;
	struct buf *notes; /* remarks for the user, one a line */
	uint64_t lines, skipped;
	struct buf first; /* the first line that was not understood, with its place */
	struct buf why;	  /* reasons why it is not complete */
	bool supplement;  /* see struct wl_source */
};

/* `target` is what the source says about itself: "strace log web.log". */
void import_begin(struct import *im, struct workload *w, const struct import_options *o,
		  struct buf *notes, const char *target);
__attribute__((format(printf, 2, 3))) void import_note(struct import *im, const char *fmt, ...);
/* A note that also makes the source incomplete. The same reason counts once. */
__attribute__((format(printf, 2, 3))) void import_incomplete(struct import *im, const char *fmt,
							     ...);
void import_lost(struct import *im, const char *what);
/* A line of the input that was not understood. */
void import_skip(struct import *im, const char *name, uint64_t line, const char *text);
/* Writes the notes about lines and the reasons; releases what `im` holds. */
void import_end(struct import *im);

/*
 * The text of an input, or of a line, for messages: control characters become "?", what is longer
 * than `max` bytes ends in "...".
 */
void import_put_text(struct buf *out, const char *text, size_t len, size_t max);

/* Removes ".", "..", doubled and trailing slashes by the text, in place; it begins with "/". */
void import_normalise(char *path);

/* Adding with this import's provenance; what does not fit is counted as lost. */
void import_file(struct import *im, const char *path, bool pattern, uint32_t access,
		 uint32_t phases, int program);
int import_program(struct import *im, const char *path);

/* Bounded reading, line by line: of what comes behind the limits nothing is read. */
struct lines {
	const char *name;
	int fd;		     /* -1: from memory */
	uint64_t left;	     /* bytes that may still be read */
	int64_t deadline;    /* ms of CLOCK_MONOTONIC; 0: none, it is a file */
	const char *stopped; /* NULL, or the option whose limit ended it: "--max-size" */
	char *buf;
	size_t pos, end;
	bool eof;
	const char *mem;
	size_t mem_left;
	uint64_t no;  /* of the line last returned, from 1 */
	bool cut;     /* that line was longer than IMPORT_MAX_LINE; its rest was left out */
	bool partial; /* it was the last one and had no newline */
};
/* `o`: for its limits; NULL: the usual ones. */
int lines_open(struct lines *l, const struct import_input *in, const struct import_options *o,
	       struct err *e);
/* 1 and a line without its newline (NUL-terminated, valid until the next call), 0 at the end. */
int lines_next(struct lines *l, char **text, struct err *e);
/* Makes the import incomplete when a limit ended the reading. */
void lines_note_limit(const struct lines *l, struct import *im);
void lines_close(struct lines *l);
#define cleanup_lines cleanup(lines_close)

/* The whole text of a small input; appended to `out`. */
int import_text(const struct import_input *in, struct buf *out, struct err *e);

/* strace.c: one log with all processes, or with n > 1 the files NAME.PID of strace -ff. */
int import_strace(struct workload *w, const struct import_input *in, size_t n,
		  const struct import_options *o, struct buf *notes, struct err *e);

/*
 * audit*.c: audit logs, kernel logs and journals: SECCOMP records (with the arguments of a SYSCALL
 * record of the same event), AppArmor's and SELinux's. Lines of other kinds are passed over.
 * -ENODATA: no record of these passes the options.
 */
int import_audit(struct workload *w, const struct import_input *in, size_t n,
		 const struct import_options *o, struct buf *notes, struct err *e);

/* run_report.c: the JSON report of `boltseal run --mode complain`. */
int import_run(struct workload *w, const struct import_input *in, const struct import_options *o,
	       struct buf *notes, struct err *e);

/*
 * detect.c: "strace", "audit" …, the word that `boltseal import` takes, told by the file's first
 * lines; NULL with an error when they tell nothing.
 */
const char *import_detect(const struct import_input *in, struct err *e);

/*
 * apparmor*.c: what a profile allows. Deny rules are subtracted from rules with the same path and
 * from capabilities; others, and rules that a model has no place for, are listed among the notes.
 * `profile` of the options takes one of several profiles.
 */
int import_apparmor(struct workload *w, const struct import_input *in,
		    const struct import_options *o, struct buf *notes, struct err *e);

/* bane.c: bane's TOML. Keys that had no effect in bane are among the notes. */
int import_bane(struct workload *w, const struct import_input *in, const struct import_options *o,
		struct buf *notes, struct err *e);

#endif
