/*
 * A walk over the text of a JSON document, beside json-c: it finds the place of a value, and it
 * refuses what json-c 0.16 lets pass although RFC 8259 does not, or changes silently. Only json*.c
 * include this.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stddef.h>

#include "base/json.h"

struct json_fault {
	const char *at; /* in the text */
	char why[160];
};

/*
 * For texts in which equal keys in one object are no fault: called for each key that stands again,
 * with its place in the text and its JSON pointer.
 */
struct json_scan_again {
	void (*each)(const char *at, const char *pointer, void *ctx);
	void *ctx;
};

/*
 * Text that json-c has accepted. Faults: two equal keys in one object (compared after unescaping),
 * unless `again` is there for them,
 * whole numbers outside -2^63 … 2^64-1 (json-c saturates), numbers beyond a double's range, NaN and
 * Infinity, leading zeros, "1.", bare control characters and bytes in strings that are not UTF-8.
 * True when there was one; the first in the text is reported.
 */
bool json_scan_check(const char *text, size_t len, const struct json_scan_again *again,
		     struct json_fault *f);

/* Appends the JSON pointer of a path of `n` steps: "/a/0". */
void json_scan_pointer(struct buf *b, const struct json_path *const *path, size_t n);

/* Where the value at this place begins: the path's `n` steps from the root down; NULL: no such. */
const char *json_scan_find(const char *text, size_t len, const struct json_path *const *path,
			   size_t n);

#endif
