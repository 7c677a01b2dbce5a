/*
 * What a command says to the person in front of it, on standard error. Only app/ uses it;
 * everything below reports through struct err.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/* "boltseal: warning: <message>" and a newline, above a progress line if there is one. */
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
/* "boltseal: <message>" and a newline. */
__attribute__((format(printf, 1, 2))) void log_note(const char *fmt, ...);
/* The same for each line of a text that ends with a newline. */
void log_notes(const struct buf *lines);

enum log_style { LOG_PLAIN, LOG_BOLD, LOG_DIM, LOG_RED, LOG_GREEN, LOG_YELLOW };

/*
 * The escape sequence that begins a style (LOG_PLAIN ends one); "" when the stream is no terminal,
 * when NO_COLOR is set and not empty (the convention of no-color.org) or when TERM is "dumb".
 */
const char *log_style(FILE *f, enum log_style style);

/*
 * A line that changes in place while something takes longer than a second. Without a terminal on
 * standard error nothing is printed. One at a time; all fields belong to log.c.
 */
struct log_progress {
	bool on;       /* standard error is a terminal */
	bool visible;  /* a line stands on the terminal */
	uint64_t next; /* CLOCK_MONOTONIC in ms: not redrawn before */
};

void log_progress_begin(struct log_progress *p);
/* The text of the line; cheap when called often: it is redrawn ten times a second at most. */
__attribute__((format(printf, 2, 3))) void log_progress_update(struct log_progress *p,
							       const char *fmt, ...);
/* Removes the line. May be called twice. */
void log_progress_end(struct log_progress *p);

#endif
