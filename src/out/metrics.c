#include "out/metrics.h"

#include <inttypes.h>
#include <stdarg.h>

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_label(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
}

void metrics_number(struct buf *out, const char *name, uint64_t value, ...)
{
	const char *label;
	bool any = false;
	va_list ap;

	buf_puts(out, name);
	va_start(ap, value);
	while ((label = va_arg(ap, const char *))) {
		buf_printf(out, "%c%s=\"", any ? ',' : '{', label);
		put_label(out, va_arg(ap, const char *));
		buf_putc(out, '"');
		any = true;
	}
	va_end(ap);
	buf_printf(out, "%s %" PRIu64 "\n", any ? "}" : "", value);
}
