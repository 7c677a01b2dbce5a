/*
 * Which programs a container of an image executes, as far as its configuration and its scripts say:
 * entry point and command, looked up as execvp does; the interpreters of scripts; the commands of
 * shell scripts; what a launcher such as tini is given to execute.
 *
 * A shell script is read for the words where a command can stand, without running it. So commands
 * of branches that are never taken are found too, and one whose name is made while it runs is not;
 * such words are counted.
 */
#ifndef IMAGE_ENTRY_H
#define IMAGE_ENTRY_H

#include "base/arena.h"
#include "base/map.h"
#include "image/image.h"

enum {
	ENTRY_MAX_PROGRAMS = 1024,
	ENTRY_MAX_SCRIPT = 1024 * 1024, /* bytes of a script that is read */
};

enum entry_role {
	ENTRY_MAIN,	   /* the entry point, or the command when there is none */
	ENTRY_INTERPRETER, /* of a script */
	ENTRY_EXEC,	   /* takes the place of the script or launcher that executes it */
	ENTRY_COMMAND,	   /* is executed by a script */
	ENTRY_ROLE_COUNT
};

struct entry_program {
	const char *path; /* absolute, links resolved */
	enum entry_role role;
	bool script;
	const char *by;		 /* path of the program that executes it; "" for ENTRY_MAIN */
	const char *why;	 /* for people: "/entry.sh:12: exec nginx" */
	struct image_words args; /* what it is given, where that is known */
};

struct entry {
	struct arena arena;
	struct entry_program *v; /* in the order in which they were found, each once */
	size_t n, cap;
	size_t unknown;		   /* words in the place of a command that are not known */
	const char *first_unknown; /* the first of them, as `why` */
	struct map seen;
};

const char *entry_role_name(enum entry_role r);

/*
 * Fills `out` from the image's configuration, or from `program`, a path or a name, when that is not
 * NULL. -ENOENT when the image has nothing to execute or its entry point is not there. entry_free
 * may be called in any case when `out` was zeroed.
 */
int entry_find(const struct image *image, const char *program, struct entry *out, struct err *e);
void entry_free(struct entry *en);
#define cleanup_entry cleanup(entry_free)

/*
 * Calls `each` for every word of a shell script in whose place a command can stand. Not 0 from
 * `each` stops, and is the result.
 */
struct shell_command {
	const char *word; /* without quotes; "$@" as it stands */
	bool known;	  /* no expansion is in it */
	bool exec;	  /* stands behind exec */
	bool maybe;	  /* an argument of what executes others, such as timeout */
	unsigned int line;
};

int shell_commands(const char *text, size_t len,
		   int (*each)(void *arg, const struct shell_command *c), void *arg);
/* Whether a program of this name executes what its arguments name: tini, env, timeout … */
bool shell_launcher(const char *name);

#endif
