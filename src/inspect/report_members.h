/* Writing JSON by members, for the reports. */
#ifndef INSPECT_REPORT_MEMBERS_H
#define INSPECT_REPORT_MEMBERS_H

#include "inspect/report.h"

/* Members of an object: the comma before every one but the first. */
static inline void json_key(struct buf *out, const char *name)
{
	char last = out->len ? out->p[out->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_putc(out, ',');
	rep_json(out, name);
	buf_putc(out, ':');
}

static inline void json_str(struct buf *out, const char *name, const char *value)
{
	json_key(out, name);
	rep_json(out, value);
}

static inline void json_num(struct buf *out, const char *name, size_t value)
{
	json_key(out, name);
	buf_printf(out, "%zu", value);
}

/* An object or list in a list. */
static inline void json_begin(struct buf *out, char c)
{
	char last = out->len ? out->p[out->len - 1] : ':';

	if (last == '}' || last == ']' || last == '"')
		buf_putc(out, ',');
	buf_putc(out, c);
}

#endif
