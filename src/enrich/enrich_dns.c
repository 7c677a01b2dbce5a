/*
 * dns.*: questions and answers in what is sent to and received from port 53 (RFC 1035, section 4).
 * Names are in lower case, without the final dot; bytes that a name should not have become '?'.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "enrich/enrich_private.h"

enum {
	HEADER = 12,
	NAME_MAX_TEXT = 255,
	POINTERS_MAX = 16,
	ANSWERS_MAX = 32, /* of one message that are looked at */
	TYPE_A = 1,
	TYPE_AAAA = 28,
	PORT = 53,
};

struct message {
	const uint8_t *p;
	size_t len;
};

static const struct {
	unsigned type;
	const char *name;
} types[] = {
	{ TYPE_A, "A" }, { 2, "NS" },	  { 5, "CNAME" }, { 6, "SOA" },		 { 10, "NULL" },
	{ 12, "PTR" },	 { 15, "MX" },	  { 16, "TXT" },  { TYPE_AAAA, "AAAA" }, { 33, "SRV" },
	{ 64, "SVCB" },	 { 65, "HTTPS" }, { 255, "ANY" },
};

static unsigned u16(const struct message *m, size_t at)
{
	return (unsigned)m->p[at] << 8 | m->p[at + 1];
}

/* What was sent or received; behind the length that TCP has in front. */
static bool find_message(const struct enrich *e, struct message *m)
{
	const struct watch_part *p = NULL;

	while ((p = watch_part_next(e->rec, p)))
		if (p->kind == WATCH_P_DATA)
			break;
	if (!p)
		return false;
	m->p = watch_part_bytes(p);
	m->len = p->len;
	if (fd_is_tcp(e)) {
		if (m->len < 2)
			return false;
		m->p += 2;
		m->len -= 2;
	}
	return m->len > HEADER && u16(m, 4) == 1; /* one question, as everybody asks */
}

static char printable(uint8_t c)
{
	return (char)(c > ' ' && c < 0x7f && c != '.' ? tolower(c) : '?');
}

/* Puts the name at *at into `out` (NULL: skips it) and goes behind it; false when it is none. */
static bool read_name(const struct message *m, size_t *at, char *out)
{
	size_t pos = *at, n = 0;
	unsigned pointers = 0;

	for (;;) {
		uint8_t len;

		if (pos >= m->len)
			return false;
		len = m->p[pos];
		if (len >= 0xc0) {
			if (pos + 1 >= m->len || pointers++ == POINTERS_MAX)
				return false;
			if (pointers == 1)
				*at = pos + 2;
			if (!out)
				return true;
			pos = u16(m, pos) & 0x3fff;
			continue;
		}
		if (len > 63 || pos + 1 + len > m->len)
			return false;
		pos++;
		if (!len)
			break;
		if (n + len + 2 > NAME_MAX_TEXT)
			return false;
		for (size_t i = 0; out && i < len; i++)
			out[n + i] = printable(m->p[pos + i]);
		n += len;
		if (out)
			out[n] = '.';
		n++;
		pos += len;
	}
	if (!pointers)
		*at = pos;
	if (out)
		out[n ? n - 1 : 0] = '\0';
	return true;
}

/* The question's name, and where its type stands. */
static bool read_question(const struct message *m, char *name, size_t *type_at)
{
	*type_at = HEADER;
	return read_name(m, type_at, name) && *type_at + 4 <= m->len;
}

static bool give_type(struct enrich *e, unsigned type, struct ev_values *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return give_text(out, types[i].name);
	return give_text(out, scratch_printf(e, "TYPE%u", type));
}

/* The name, and every domain that it lies in. */
static bool give_domains(struct enrich *e, const char *name, struct ev_values *out)
{
	size_t n = 0;

	for (const char *s = name; s && *s && n < MAX_ANCESTORS; s = strchr(s, '.')) {
		if (s != name)
			s++;
		e->list[n++].s = (struct ev_text){ s, strlen(s) };
	}
	return give_list(e, out, n);
}

static bool give_addresses(struct enrich *e, const struct message *m, size_t at,
			   struct ev_values *out)
{
	unsigned answers = u16(m, 6);
	size_t n = 0;

	for (unsigned i = 0; i < answers && i < ANSWERS_MAX; i++) {
		unsigned type, len;

		if (!read_name(m, &at, NULL) || at + 10 > m->len)
			break;
		type = u16(m, at);
		len = u16(m, at + 8);
		at += 10;
		if (at + len > m->len)
			break;
		if ((type == TYPE_A && len == 4) || (type == TYPE_AAAA && len == 16)) {
			e->list[n].a = (struct ev_addr){ .len = (uint8_t)len };
			memcpy(e->list[n++].a.b, m->p + at, len);
		}
		at += len;
	}
	return give_list(e, out, n);
}

bool read_dns_field(struct enrich *e, unsigned id, struct ev_values *out)
{
	char name[NAME_MAX_TEXT + 1];
	struct message m;
	size_t at;
	const char *s;

	if (!fd_has_port(e, PORT) || !find_message(e, &m) || !read_question(&m, name, &at))
		return false;
	s = scratch_printf(e, "%s", name);
	switch (id) {
	case EV_DNS_NAME:
		return give_text(out, s);
	case EV_DNS_DOMAINS:
		return s && give_domains(e, s, out);
	case EV_DNS_TYPE:
		return give_type(e, u16(&m, at), out);
	case EV_DNS_IS_RESPONSE:
		return give_bool(out, m.p[2] >> 7);
	case EV_DNS_ADDRESSES:
		return m.p[2] >> 7 && give_addresses(e, &m, at + 4, out);
	}
	return false;
}
