/* Findings as `boltseal findings list` and `export` print them, one after the other. */
#ifndef APP_FINDINGS_PRINT_H
#define APP_FINDINGS_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "model/finding.h"

struct findings_printer {
	FILE *out;
	const struct findings_form *form;
	uint64_t n; /* printed so far */
};

/* A form has a name, and what stands before, between and behind the findings. */
struct findings_form {
	const char *name;
	void (*begin)(FILE *out); /* NULL: nothing */
	void (*put)(struct findings_printer *p, const struct finding *f);
	void (*end)(const struct findings_printer *p); /* NULL: nothing */
};

/* The rows of `list`. */
extern const struct findings_form findings_rows;
/* json, ndjson, csv, falco, ocsf; NULL when it is none of them. */
const struct findings_form *findings_form_by_name(const char *name);

/* Text that programs choose must not move the terminal: control characters become '?'. */
void findings_put_safe(struct buf *b, const char *s);

#endif
