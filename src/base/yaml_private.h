/* What the files of the YAML reader share. Only yaml*.c include this. */
#ifndef BASE_YAML_PRIVATE_H
#define BASE_YAML_PRIVATE_H

#include <yaml.h>

#include "base/map.h"
#include "base/yaml.h"

/* The type that a tag of YAML's own gives; YAML_STR for others. */
enum yaml_type yaml_tag_type(const char *tag);

/*
 * A part of the text that holds one document: libyaml stops at its first error, so each part gets a
 * parser of its own. "---" and "..." at the beginning of a line divide documents wherever they
 * stand, even within quotes (YAML 1.1, 4.3.1, c-forbidden), so this needs no syntax.
 */
struct part {
	const char *text;
	size_t len;
	uint32_t off, line; /* of its beginning in the stream; the line counts from 0 */
};

struct builder {
	struct yaml_stream *s;
	struct part part;
	yaml_parser_t parser;
	uint32_t *checkpoint; /* byte of every 256th character; NULL: all of it is ASCII */
	struct map anchors;
	struct yaml_node **stack; /* children of the collections that are open */
	size_t stack_n, stack_cap;
	size_t aliased;
	unsigned depth;
	struct yaml_doc *doc;
};

struct yaml_node *yaml_new_node(struct builder *b, struct yaml_mark at);
void yaml_push(struct builder *b, struct yaml_node *n);
/* The children on the stack from `base` on become the collection's. Maps: false on equal keys. */
bool yaml_fill_map(struct builder *b, struct yaml_node *n, size_t base);
void yaml_fill_seq(struct builder *b, struct yaml_node *n, size_t base);

/*
 * yaml_json.c: a part that begins with a brace or bracket, as JSON (RFC 8259). NULL without an
 * error: it is not JSON, but may be YAML. NULL with an error in b->doc: it is JSON, and wrong.
 */
struct yaml_node *yaml_read_json(struct builder *b);

#endif
