#include "model/event_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

static const struct {
	unsigned field;
	const char *format;
	const char *behind; /* of nanoseconds; NULL: none are written */
} times[] = {
	{ EV_EVT_TIME, "%H:%M:%S", "" },
	{ EV_EVT_TIME_S, "%H:%M:%S", NULL },
	{ EV_EVT_DATETIME, "%Y-%m-%d %H:%M:%S", "" },
	{ EV_EVT_DATETIME_S, "%Y-%m-%d %H:%M:%S", NULL },
	{ EV_EVT_TIME_ISO8601, "%Y-%m-%dT%H:%M:%S", "Z" },
};

size_t ev_time_text(unsigned field, uint64_t ns, char out[EV_TIME_SIZE])
{
	time_t s = (time_t)(ns / EV_SECOND);
	struct tm tm;
	size_t n = 0;

	gmtime_r(&s, &tm);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		if (times[i].field != field)
			continue;
		n = strftime(out, EV_TIME_SIZE, times[i].format, &tm);
		if (times[i].behind)
			n += (size_t)snprintf(out + n, EV_TIME_SIZE - n, ".%09" PRIu64 "%s",
					      ns % EV_SECOND, times[i].behind);
	}
	return n;
}

void ev_time_put(unsigned field, uint64_t ns, struct buf *out)
{
	char text[EV_TIME_SIZE];

	buf_append(out, text, ev_time_text(field, ns, text));
}

static void address(const struct ev_addr *a, struct buf *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	bool is_mapped = a->len == 16 && !memcmp(a->b, mapped, sizeof(mapped));

	if (is_mapped || a->len == 4)
		inet_ntop(AF_INET, is_mapped ? a->b + 12 : a->b, text, sizeof(text));
	else
		inet_ntop(AF_INET6, a->b, text, sizeof(text));
	buf_puts(out, text);
}

void ev_value_text(enum ev_kind kind, const struct ev_value *v, struct buf *out)
{
	switch (ev_kind_class(kind)) {
	case EV_C_SIGNED:
		buf_printf(out, "%" PRId64, v->i);
		break;
	case EV_C_UNSIGNED:
		buf_printf(out, "%" PRIu64, v->u);
		break;
	case EV_C_DOUBLE:
		buf_printf(out, "%g", v->d);
		break;
	case EV_C_BOOL:
		buf_puts(out, v->u ? "true" : "false");
		break;
	case EV_C_ADDR:
	case EV_C_NET:
		address(&v->a, out);
		break;
	default:
		buf_append(out, v->s.p, v->s.len);
		break;
	}
}

/* The bytes at p as text: valid UTF-8 as it is, control characters and others replaced. */
static size_t put_character(const char *p, const char *end, struct buf *out)
{
	static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
	size_t n = json_utf8_len(p, end, NULL);
	const char *known;

	if (!n) {
		buf_puts(out, "\xef\xbf\xbd");
		return 1;
	}
	if (n > 1 || ((unsigned char)*p >= ' ' && *p != 0x7f)) {
		buf_append(out, p, n);
		return n;
	}
	known = *p ? strchr(from, *p) : NULL;
	if (known)
		buf_printf(out, "\\%c", to[known - from]);
	else
		buf_printf(out, "\\u%04x", (unsigned char)*p);
	return 1;
}

void ev_text_line(struct ev_text t, struct buf *out)
{
	for (const char *p = t.p, *end = p + t.len; p < end;)
		p += put_character(p, end, out);
}

void ev_text_json(struct ev_text t, struct buf *out)
{
	buf_putc(out, '"');
	for (const char *p = t.p, *end = p + t.len; p < end;) {
		if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p++);
		else
			p += put_character(p, end, out);
	}
	buf_putc(out, '"');
}

void ev_value_json(enum ev_kind kind, const struct ev_value *v, struct buf *out)
{
	cleanup_buf struct buf text = { 0 };

	ev_value_text(kind, v, &text);
	switch (ev_kind_class(kind)) {
	case EV_C_SIGNED:
	case EV_C_UNSIGNED:
	case EV_C_DOUBLE:
	case EV_C_BOOL:
		buf_append(out, text.p, text.len);
		break;
	default:
		ev_text_json((struct ev_text){ buf_str(&text), text.len }, out);
		break;
	}
}
