/*
 * The words that a program is given when it starts: those of its command line and of its
 * configuration files, with all files that these include. They say which of its features nobody
 * asks for. What cannot be followed (a file that is missing, output of a command) makes all
 * unknown.
 */
#ifndef ELF_ASKED_H
#define ELF_ASKED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "elf/files.h"

enum {
	ASKED_MAX_FILES = 1024,
	ASKED_MAX_WORDS = 1 << 20,
	ASKED_MAX_DEPTH = 8, /* of files that include files */
	ASKED_PLACES = 4,
};

struct asked {
	char **v;
	size_t n, cap;
	unsigned files;
	const char *unknown; /* NULL, or why not all words are known: a constant */
};

/* Where a program reads its configuration. */
struct asked_source {
	const char
		*files[ASKED_PLACES]; /* unless the command line names one; "?": may be missing */
	/* Is followed by the file to read instead; "": the first argument, unless it is an option;
	 * NULL: there is none. */
	const char *option;
	const char *value;		/* what stands in front of the file's name; NULL: nothing */
	bool alone;			/* options are not joined: "-sf" is no "-s -f" */
	const char *folder_option;	/* is followed by the folder of relative names in `also` */
	const char *also[ASKED_PLACES]; /* files to read in any case */
	const char *include[ASKED_PLACES]; /* words that are followed by a file or a pattern */
	const char *include_folder;	   /* one that is followed by a folder of .conf files */
	const char *folder;		   /* that relative names are in; NULL: that of the file */
	const char *output;  /* folder whose programs print nothing of interest, when included */
	const char *needed;  /* a word without which a file is missing; NULL: none */
	const char *another; /* word that makes it read words elsewhere; a pattern, NULL: none */
	unsigned arguments;  /* with fewer than these, or options, it reads commands: unknown */
};

/*
 * A command line for asked_read: "nginx -c /etc/web.conf"; quotes and backslashes as for sh(1).
 * NULL when a quote is not closed. From malloc, also each member; the last one is NULL.
 */
char **asked_split(const char *line);
void asked_split_free(char **argv);

/* Each command is one way in which the program is started, with its name as the first word. */
void asked_read(struct asked *w, const struct elf_files *files, const struct asked_source *s,
		char *const *const *commands, size_t commands_n);
void asked_free(struct asked *w);
#define cleanup_asked cleanup(asked_free)

/* A word that is there when a command line names a configuration file. */
#define ASKED_FILE "(file)"

/*
 * Whether a word is there, in upper or lower case: a pattern as for fnmatch(3); "<word": also each
 * beginning of it that has two letters; "-x": the option x, alone or among others in one argument;
 * ">word pattern": just behind this word; ">>word pattern": anywhere behind it on its line.
 */
bool asked_for(const struct asked *w, const char *pattern);

#endif
