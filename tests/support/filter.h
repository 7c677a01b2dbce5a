/* One condition by itself, without lists and macros: compiled once, asked for many events. */
#ifndef TESTS_FILTER_H
#define TESTS_FILTER_H

#include "base/buf.h"
#include "base/err.h"
#include "model/event_fields.h"

struct filter;

/*
 * `name` is what errors call the text: "name:line:column: message". `fields`: further tables, which
 * must stay, or NULL. The caller frees *out.
 */
int filter_compile(struct filter **out, const char *name, const char *text, size_t len,
		   const struct ev_fields *fields, struct err *e);
void filter_free(struct filter *f);
bool filter_eval(struct filter *f, const struct event *ev);
/* What is odd in it: warnings found while compiling. */
size_t filter_notes(const struct filter *f);

/* Whether the text is a condition, macros allowed; with the same errors. */
int filter_parse(const char *name, const char *text, size_t len, struct err *e);

#endif
