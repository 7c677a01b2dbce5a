/* Output formats: text with %field and %transformer(field) in it. */
#ifndef RULES_OUTPUT_H
#define RULES_OUTPUT_H

#include "rules/image.h"

struct output_part {
	struct ev_text text; /* before the operand; may be empty */
	int64_t operand;     /* -1: text only */
	unsigned width;	     /* 0: as it is */
	bool transform;
};

struct output_format {
	struct output_part *parts;
	size_t n, cap;
	uint32_t
		*fields; /* operands of all fields, those in transformers too, without repetition */
	size_t fields_n, fields_cap;
	bool brief; /* what is missing is left out with its KEY= */
};

/* Reads a format; operands go into the image. -EINVAL with the place in c->e. */
int output_parse(struct compiling *c, const char *text, size_t len, struct output_format *out);
void output_free(struct output_format *f);

struct vm;

/* The text for the event of the vm; what is missing is "<NA>", or left out of a brief one. */
void output_text(struct vm *vm, const struct output_format *f, struct buf *out);
/* A JSON object with one member a field, and evt.time in ns. */
void output_fields(struct vm *vm, const struct output_format *f, struct buf *out);

#endif
