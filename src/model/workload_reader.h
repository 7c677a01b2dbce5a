/* Reading the values that models are made of; only workload_read*.c include this. */
#ifndef MODEL_WORKLOAD_READER_H
#define MODEL_WORKLOAD_READER_H

#include "model/workload.h"

struct reader {
	struct workload *w;
	const struct json_doc *d;
	struct err *e;
};

/* All return 0 or a negative errno with an error that names the place. `o` stands at `at`. */

/* A member that is a string of bytes, interned. Absent or, unless `required`, "": `out` stays. */
int rd_text(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, const char **out);

/* The string `v` that stands at `at` itself, as bytes; the caller frees. */
int rd_item_text(struct reader *r, const struct json_path *at, struct json_object *v, char **out);

/* What the readers of list items look like; `o` is an object. */
typedef int (*rd_item)(struct reader *r, const struct json_path *at, struct json_object *o,
		       void *arg);

/* Calls `item` for every item of a list of objects. */
int rd_each(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, rd_item item, void *arg);

/* The place of the word among `n` names, or an error that lists them. */
int rd_word(struct reader *r, const struct json_path *at, const char *word, unsigned n,
	    const char *(*name)(unsigned));
int rd_word_member(struct reader *r, const struct json_path *at, struct json_object *o,
		   const char *key, unsigned n, const char *(*name)(unsigned));

/* A list of such words as bits, added to `out`. */
int rd_bits(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, unsigned n, const char *(*name)(unsigned), uint32_t *out);

/* References to sources (indices) and programs (paths), and both with phases. Added. */
int rd_sources(struct reader *r, const struct json_path *at, struct json_object *o,
	       struct wl_set *out);
int rd_programs(struct reader *r, const struct json_path *at, struct json_object *o,
		const char *key, struct wl_set *out);
int rd_prov(struct reader *r, const struct json_path *at, struct json_object *o, struct wl_prov *p);

#endif
