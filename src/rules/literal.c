#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rules/image.h"

#define SAY(...) (snprintf(msg, size, __VA_ARGS__), -EINVAL)

/* Texts that belong to numbers and addresses fit in this; longer ones are none. */
enum { LITERAL_MAX = 128 };

static bool copy(struct ev_text t, char out[LITERAL_MAX])
{
	if (t.len >= LITERAL_MAX)
		return false;
	memcpy(out, t.p, t.len);
	out[t.len] = '\0';
	return true;
}

static uint64_t truncate_bits(uint64_t v, unsigned bits, bool is_signed)
{
	if (bits == 64)
		return v;
	if (is_signed)
		return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
	return v & ((UINT64_C(1) << bits) - 1);
}

static int number(enum ev_kind kind, struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	bool is_signed = ev_kind_class(kind) == EV_C_SIGNED;
	char s[LITERAL_MAX], *end = s;
	uint64_t v = 0;

	if (copy(t, s) && t.len)
		v = is_signed ? (uint64_t)strtoll(s, &end, 10) : strtoull(s, &end, 10);
	if (end == s || *end)
		return SAY("%.*s is not a valid number", (int)t.len, t.p);
	out->u = truncate_bits(v, ev_kind_bits(kind), is_signed);
	return 0;
}

/* Whole numbers only, as upstream. */
static int real(struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	struct ev_value whole;
	int r = number(EV_INT64, t, &whole, msg, size);

	if (!r)
		out->d = (double)whole.i;
	return r;
}

static int port(struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	char s[LITERAL_MAX];
	const struct servent *known;

	if (!t.len) {
		out->u = 0;
		return 0;
	}
	if (copy(t, s) && strspn(s, "0123456789") == t.len) {
		out->u = strtoull(s, NULL, 10) & 0xffff;
		return 0;
	}
	known = t.len < LITERAL_MAX ? getservbyname(s, NULL) : NULL;
	if (!known)
		return SAY("unrecognized protocol %.*s", (int)t.len, t.p);
	out->u = ntohs((uint16_t)known->s_port);
	return 0;
}

static int boolean(struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	out->u = t.len == 4 && !memcmp(t.p, "true", 4);
	if (!out->u && !(t.len == 5 && !memcmp(t.p, "false", 5)))
		return SAY("filter error: unrecognized boolean value %.*s", (int)t.len, t.p);
	return 0;
}

static int address(struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	char s[LITERAL_MAX];
	struct ev_addr a = { 0 };
	/* Mapped ones (::ffff:1.2.3.4) are none: events have them as IPv4. */
	bool v4 = memchr(t.p, '.', t.len);

	a.len = v4 ? 4 : 16;
	if (!copy(t, s) || inet_pton(v4 ? AF_INET : AF_INET6, s, a.b) != 1)
		return SAY("unrecognized %s address %.*s", v4 ? "IPv4" : "IPv6", (int)t.len, t.p);
	out->a = a;
	return 0;
}

int literal_net(struct ev_text t, struct net *out, char *msg, size_t size)
{
	const char *slash = memchr(t.p, '/', t.len);
	struct ev_text host = { t.p, slash ? (size_t)(slash - t.p) : t.len };
	struct ev_value v;
	char s[LITERAL_MAX], *end;
	unsigned long bits;

	if (address(host, &v, msg, size) || (!slash && v.a.len == 4))
		return SAY("unrecognized IP network %.*s", (int)t.len, t.p);
	out->addr = v.a;
	out->bits = 128;
	if (!slash)
		return 0;
	if (!copy((struct ev_text){ slash + 1, t.len - host.len - 1 }, s))
		return SAY("unrecognized IP network %.*s", (int)t.len, t.p);
	bits = strtoul(s, &end, 10);
	if (!isdigit((unsigned char)*s) || *end || bits > v.a.len * 8u)
		return SAY("invalid netmask %s", s);
	out->bits = (uint8_t)bits;
	return 0;
}

int literal_hex(struct arena *a, struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	char *bytes = arena_alloc(a, t.len / 2 + 1);

	for (size_t i = 0; i < t.len; i++)
		if (!isxdigit((unsigned char)t.p[i]) || t.len % 2)
			return SAY("filter error: bcontains and bstartswith operator support hex "
				   "strings only");
	for (size_t i = 0; i + 1 < t.len; i += 2) {
		char pair[3] = { t.p[i], t.p[i + 1], '\0' };

		bytes[i / 2] = (char)strtoul(pair, NULL, 16);
	}
	out->s = (struct ev_text){ bytes, t.len / 2 };
	return 0;
}

int literal_parse(enum ev_kind kind, struct ev_text t, struct ev_value *out, char *msg, size_t size)
{
	switch (ev_kind_class(kind)) {
	case EV_C_SIGNED:
	case EV_C_UNSIGNED:
		return kind == EV_PORT ? port(t, out, msg, size) : number(kind, t, out, msg, size);
	case EV_C_DOUBLE:
		return real(t, out, msg, size);
	case EV_C_BOOL:
		return boolean(t, out, msg, size);
	case EV_C_ADDR:
		return address(t, out, msg, size);
	default:
		out->s = t;
		return 0;
	}
}
