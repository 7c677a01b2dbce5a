/* RFC 5424: <PRI>1 TIME HOST APP PROCID MSGID [STRUCTURED DATA] MESSAGE. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "out/sink_private.h"

/*
 * Facility 10 is security. Severities are Falco's priorities. 32473 is the enterprise number for
 * examples (RFC 5612); collectors know elements by their whole name. Length: what RFC 5424 says
 * that receivers should take (section 6.1) is 2048; common ones take 8192.
 */
enum { FACILITY = 10, HOST_MAX = 255, SYSLOG_MAX = 8000, VALUE_MAX = 1000 };
#define ELEMENT "boltseal@32473"

static const char *const priorities[] = { "Emergency", "Alert",	 "Critical",	  "Error",
					  "Warning",   "Notice", "Informational", "Debug" };

static unsigned severity(const char *priority)
{
	for (unsigned i = 0; i < ARRAY_SIZE(priorities); i++)
		if (priority && !strcmp(priority, priorities[i]))
			return i;
	return 5;
}

/* Six digits of the second are what the format allows. */
static void put_time(uint64_t ns, struct buf *out)
{
	time_t sec = (time_t)(ns / 1000000000u);
	struct tm tm;
	char text[32];

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(out, "%s.%06uZ", text, (unsigned)(ns % 1000000000u / 1000));
}

/* Printable ASCII without blanks, "-" for nothing. */
static void put_word(const char *text, size_t max, struct buf *out)
{
	if (!text || !*text)
		buf_putc(out, '-');
	for (size_t i = 0; text && text[i] && i < max; i++)
		buf_putc(out, isgraph((unsigned char)text[i]) ? text[i] : '_');
}

/*
 * UTF-8 text of at most `max` bytes; what ends a line or moves a terminal, and bytes that are no
 * UTF-8, become '?'. In values, three characters have a backslash.
 */
static void put_text(const char *text, size_t max, bool value, struct buf *out)
{
	const char *end = text + strlen(text);
	size_t begin = out->len;

	while (text < end) {
		size_t n = json_utf8_len(text, end, NULL);

		if (out->len - begin + (n ? n : 1) + 1 > max)
			return;
		if (!n || (n == 1 && iscntrl((unsigned char)*text))) {
			buf_putc(out, '?');
			n = 1;
		} else {
			if (value && strchr("\"\\]", *text))
				buf_putc(out, '\\');
			buf_append(out, text, n);
		}
		text += n;
	}
}

static void put_value(const char *name, const char *value, struct buf *out)
{
	if (!value || !*value)
		return;
	buf_printf(out, " %s=\"", name);
	put_text(value, VALUE_MAX, true, out);
	buf_putc(out, '"');
}

static bool is_ascii(const char *s)
{
	while (*s && !((unsigned char)*s & 0x80))
		s++;
	return !*s;
}

void syslog_format(const struct finding *f, unsigned pid, struct buf *out)
{
	const char *text = f->output ? f->output : f->title;
	char number[32];

	buf_printf(out, "<%u>1 ", FACILITY * 8 + severity(f->priority));
	put_time(f->first_seen, out);
	buf_putc(out, ' ');
	put_word(f->hostname, HOST_MAX, out);
	buf_printf(out, " boltseal %u finding [" ELEMENT, pid);
	put_value("id", f->id, out);
	put_value("type", f->type, out);
	snprintf(number, sizeof(number), "%u.%u", f->severity / 10, f->severity % 10);
	put_value("severity", number, out);
	put_value("rule", f->rule, out);
	put_value("technique", f->technique, out);
	put_value("container", f->container.id, out);
	put_value("container_name", f->container.name, out);
	put_value("image", f->container.image, out);
	put_value("pod", f->container.pod, out);
	put_value("namespace", f->container.namespace, out);
	put_value("exe", f->process.exe, out);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)f->process.pid);
	put_value("pid", number, out);
	put_value("user", f->user, out);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)f->count);
	put_value("count", number, out);
	buf_puts(out, "] ");
	/* A message that is more than ASCII begins with a mark (RFC 5424, section 6.4). */
	if (text && !is_ascii(text))
		buf_puts(out, "\xef\xbb\xbf");
	if (text && out->len < SYSLOG_MAX)
		put_text(text, SYSLOG_MAX - out->len, false, out);
}
