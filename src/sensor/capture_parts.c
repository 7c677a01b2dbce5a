#include "sensor/capture_parts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/watch_members.h"
#include "bpf/watch_rec.h"

enum form { BYTES, STRINGS, ADDRESS, OPEN_FILE, FACTS, NUMBERS };

static const struct kind {
	const char *name;
	unsigned kind;
	bool numbered; /* the argument's number is in the name, also when it is 0 */
	enum form form;
} kinds[] = {
	{ "path", WATCH_P_PATH, true, BYTES },
	{ "base", WATCH_P_BASE, true, BYTES },
	{ "text", WATCH_P_TEXT, true, BYTES },
	{ "fd", WATCH_P_FD, true, OPEN_FILE },
	{ "addr", WATCH_P_ADDR, true, ADDRESS },
	{ "data", WATCH_P_DATA, true, BYTES },
	{ "exe", WATCH_P_EXE, false, BYTES },
	{ "filename", WATCH_P_FILENAME, false, BYTES },
	{ "argv", WATCH_P_ARGV, false, STRINGS },
	{ "env", WATCH_P_ENVP, false, STRINGS },
	{ "cwd", WATCH_P_CWD, false, BYTES },
	{ "cgroup", WATCH_P_CGROUP, false, BYTES },
	{ "given", WATCH_P_GIVEN, true, BYTES },
	{ "proc", WATCH_P_PROC, false, FACTS },
	{ "killed", WATCH_P_KILLED, false, BYTES },
	{ "signalled", WATCH_P_SIGNALLED, true, NUMBERS },
};

static const char flags_suffix[] = "_flags";

/* ---- out */

static void put_address(struct buf *b, const void *ip, int family, unsigned port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, ip, text, sizeof(text));
	buf_printf(b, family == AF_INET ? "\"%s:%u\"" : "\"[%s]:%u\"", text, port);
}

static void put_hex(struct buf *b, const unsigned char *p, size_t len)
{
	buf_puts(b, "\"hex:");
	for (size_t i = 0; i < len; i++)
		buf_printf(b, "%02x", p[i]);
	buf_putc(b, '"');
}

static void put_unix(struct buf *b, const char *name, size_t len)
{
	cleanup_buf struct buf text = { 0 };

	while (len && *name && !name[len - 1])
		len--;
	buf_puts(&text, "unix:");
	buf_append(&text, name, len);
	json_put_bytes_n(b, text.p, text.len);
}

static void put_sockaddr(struct buf *b, const char *p, size_t len)
{
	struct sockaddr_in6 v6 = { 0 };
	struct sockaddr_in v4 = { 0 };

	memcpy(&v6, p, len < sizeof(v6) ? len : sizeof(v6));
	memcpy(&v4, &v6, sizeof(v4));
	if (v4.sin_family == AF_INET && len >= 8)
		put_address(b, &v4.sin_addr, AF_INET, ntohs(v4.sin_port));
	else if (v6.sin6_family == AF_INET6 && len >= 24)
		put_address(b, &v6.sin6_addr, AF_INET6, ntohs(v6.sin6_port));
	else if (v6.sin6_family == AF_UNIX && len >= sizeof(sa_family_t))
		put_unix(b, p + sizeof(sa_family_t), len - sizeof(sa_family_t));
	else
		put_hex(b, (const unsigned char *)p, len);
}

static void put_file(struct buf *b, const char *p, size_t len)
{
	struct watch_fd fd;

	memcpy(&fd, p, sizeof(fd));
	buf_putc(b, '{');
	watch_members_put(b, watch_fd_members, &fd);
	if (fd.family == AF_INET || fd.family == AF_INET6) {
		buf_puts(b, ",\"local\":");
		put_address(b, fd.laddr, fd.family, fd.lport);
		buf_puts(b, ",\"remote\":");
		put_address(b, fd.raddr, fd.family, fd.rport);
	}
	if (len > sizeof(fd)) {
		buf_puts(b, b->p[b->len - 1] == '{' ? "\"path\":" : ",\"path\":");
		json_put_bytes_n(b, p + sizeof(fd), len - sizeof(fd));
	}
	buf_putc(b, '}');
}

static void put_numbers(struct buf *b, const char *p, size_t len)
{
	uint32_t v;

	for (size_t i = 0; i + sizeof(v) <= len; i += sizeof(v)) {
		memcpy(&v, p + i, sizeof(v));
		buf_printf(b, "%c%" PRIu32, i ? ',' : '[', v);
	}
	buf_puts(b, len < sizeof(v) ? "[]" : "]");
}

static void put_value(struct buf *b, enum form form, const char *p, size_t len)
{
	switch (form) {
	case BYTES:
		json_put_bytes_n(b, p, len);
		return;
	case STRINGS:
		json_put_strings(b, p, len);
		return;
	case ADDRESS:
		put_sockaddr(b, p, len);
		return;
	case OPEN_FILE:
		put_file(b, p, len);
		return;
	case FACTS:
		buf_putc(b, '{');
		watch_members_put(b, watch_proc_members, p);
		buf_putc(b, '}');
		return;
	case NUMBERS:
		put_numbers(b, p, len);
		return;
	}
}

static void put_name(struct buf *b, const struct kind *k, unsigned arg)
{
	buf_puts(b, k->name);
	if (arg == WATCH_RET)
		buf_puts(b, "_ret");
	else if (arg || k->numbered)
		buf_printf(b, "%u", arg);
}

void capture_put_parts(struct buf *b, const struct watch_rec *rec)
{
	const struct watch_part *p = NULL;

	while ((p = watch_part_next(rec, p))) {
		const struct kind *k = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(kinds) && !k; i++)
			if (kinds[i].kind == p->kind)
				k = &kinds[i];
		if (!k)
			continue;
		buf_puts(b, ",\"");
		put_name(b, k, p->arg);
		buf_puts(b, "\":");
		put_value(b, k->form, watch_part_bytes(p), p->len);
		if (!p->flags)
			continue;
		buf_puts(b, ",\"");
		put_name(b, k, p->arg);
		buf_printf(b, "%s\":%u", flags_suffix, p->flags);
	}
}

/* ---- in */

struct place {
	const struct json_doc *d;
	const struct json_path *at;
	struct err *e;
};

static int get_bytes(struct buf *out, struct json_object *v, const struct place *at)
{
	size_t from = out->len;

	if (!json_object_is_type(v, json_type_string))
		return json_err(at->d, at->at, at->e, EINVAL, "expected a string, found %s",
				json_type_word(v));
	buf_append(out, json_object_get_string(v), (size_t)json_object_get_string_len(v));
	if (out->len > from)
		out->len = from + json_bytes_n(out->p + from, out->len - from);
	return 0;
}

static int get_strings(struct buf *out, struct json_object *v, const struct place *at)
{
	if (!json_object_is_type(v, json_type_array))
		return get_bytes(out, v, at);
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_path here = { at->at, NULL, i };
		int err = get_bytes(out, json_object_array_get_idx(v, i),
				    &(struct place){ at->d, &here, at->e });

		if (err < 0)
			return err;
		buf_putc(out, '\0');
	}
	return 0;
}

/* "1.2.3.4:80" or "[::1]:80"; the family, 0 when it is none. */
static int parse_ip(const char *s, void *ip, uint16_t *port)
{
	int family = *s == '[' ? AF_INET6 : AF_INET;
	const char *colon = strrchr(s, ':');
	char host[INET6_ADDRSTRLEN + 2], *end;
	unsigned long n;
	size_t len;

	if (!colon || (size_t)(colon - s) >= sizeof(host) || !isdigit((unsigned char)colon[1]))
		return 0;
	n = strtoul(colon + 1, &end, 10);
	len = (size_t)(colon - s);
	memcpy(host, s, len);
	host[len] = '\0';
	if (*end || n > UINT16_MAX || (family == AF_INET6 && host[len - 1] != ']'))
		return 0;
	if (family == AF_INET6)
		host[len - 1] = '\0';
	*port = (uint16_t)n;
	return inet_pton(family, family == AF_INET6 ? host + 1 : host, ip) == 1 ? family : 0;
}

static bool get_hex(struct buf *out, const char *s)
{
	for (; *s; s += 2) {
		char pair[3] = { s[0], s[1], '\0' };

		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
			return false;
		buf_putc(out, (char)strtoul(pair, NULL, 16));
	}
	return true;
}

static bool put_ip(struct buf *out, const char *s)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	uint8_t ip[16];
	uint16_t port;

	switch (parse_ip(s, ip, &port)) {
	case AF_INET:
		memcpy(&v4.sin_addr, ip, sizeof(v4.sin_addr));
		v4.sin_port = htons(port);
		buf_append(out, &v4, sizeof(v4));
		return true;
	case AF_INET6:
		memcpy(&v6.sin6_addr, ip, sizeof(v6.sin6_addr));
		v6.sin6_port = htons(port);
		buf_append(out, &v6, sizeof(v6));
		return true;
	}
	return false;
}

static int get_sockaddr(struct buf *out, struct json_object *v, const struct place *at)
{
	cleanup_buf struct buf text = { 0 };
	sa_family_t family = AF_UNIX;
	int err = get_bytes(&text, v, at);

	if (err < 0)
		return err;
	if (text.len >= 5 && !memcmp(text.p, "unix:", 5)) {
		buf_append(out, &family, sizeof(family));
		buf_append(out, text.p + 5, text.len - 5);
		return 0;
	}
	if (!strncmp(buf_str(&text), "hex:", 4) && get_hex(out, text.p + 4))
		return 0;
	if (put_ip(out, buf_str(&text)))
		return 0;
	return json_err(at->d, at->at, at->e, EINVAL,
			"expected ADDRESS:PORT, [ADDRESS]:PORT, unix:NAME or hex:BYTES");
}

static int get_end(struct json_object *v, uint8_t ip[16], uint16_t *port, uint16_t family,
		   const struct place *at)
{
	if (!json_object_is_type(v, json_type_string) ||
	    parse_ip(json_object_get_string(v), ip, port) != family)
		return json_err(at->d, at->at, at->e, EINVAL,
				"expected ADDRESS:PORT of the socket's family");
	return 0;
}

static int get_file_member(struct watch_fd *fd, struct buf *path, const char *key,
			   struct json_object *v, const struct place *at)
{
	const struct watch_member *m = watch_member_find(watch_fd_members, key);

	if (m)
		return watch_member_set(m, fd, at->d, at->at, v, at->e);
	if (!strcmp(key, "path"))
		return get_bytes(path, v, at);
	if (!strcmp(key, "local"))
		return get_end(v, fd->laddr, &fd->lport, fd->family, at);
	if (!strcmp(key, "remote"))
		return get_end(v, fd->raddr, &fd->rport, fd->family, at);
	return json_err(at->d, at->at, at->e, EINVAL, "there is no such member");
}

/* "family" stands before the addresses. */
static int get_file(struct buf *out, struct json_object *o, const struct place *at)
{
	cleanup_buf struct buf path = { 0 };
	struct watch_fd fd = { 0 };

	if (!json_object_is_type(o, json_type_object))
		return json_err(at->d, at->at, at->e, EINVAL, "expected an object, found %s",
				json_type_word(o));
	json_object_object_foreach (o, key, v) {
		struct json_path here = { at->at, key, 0 };
		int err = get_file_member(&fd, &path, key, v,
					  &(struct place){ at->d, &here, at->e });

		if (err < 0)
			return err;
	}
	buf_append(out, &fd, sizeof(fd));
	buf_append(out, buf_str(&path), path.len);
	return 0;
}

static int get_numbers(struct buf *out, struct json_object *v, const struct place *at)
{
	if (!json_object_is_type(v, json_type_array))
		return json_err(at->d, at->at, at->e, EINVAL, "expected an array, found %s",
				json_type_word(v));
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_path here = { at->at, NULL, i };
		uint64_t n;
		uint32_t word;
		int err = json_u64(at->d, &here, json_object_array_get_idx(v, i), UINT32_MAX, &n,
				   at->e);

		if (err < 0)
			return err;
		word = (uint32_t)n;
		buf_append(out, &word, sizeof(word));
	}
	return 0;
}

static int get_value(struct buf *out, enum form form, struct json_object *v, const struct place *at)
{
	struct watch_proc facts = { 0 };
	int err;

	switch (form) {
	case BYTES:
		return get_bytes(out, v, at);
	case STRINGS:
		return get_strings(out, v, at);
	case ADDRESS:
		return get_sockaddr(out, v, at);
	case OPEN_FILE:
		return get_file(out, v, at);
	case FACTS:
		err = watch_members_set(watch_proc_members, &facts, at->d, at->at, v, at->e);
		if (err == 0)
			buf_append(out, &facts, sizeof(facts));
		return err;
	case NUMBERS:
		return get_numbers(out, v, at);
	}
	return -EINVAL;
}

/* "path1", "fd_ret", "argv"; whether it is one, with what stands behind in *rest. */
static bool parse_name(const char *name, const struct kind **k, unsigned *arg, const char **rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].name);

		if (strncmp(name, kinds[i].name, len) != 0)
			continue;
		*k = &kinds[i];
		name += len;
		*arg = 0;
		if (!strncmp(name, "_ret", 4)) {
			*arg = WATCH_RET;
			name += 4;
		} else if (*name >= '0' && *name < '0' + WATCH_ARGS) {
			*arg = (unsigned)(*name++ - '0');
		}
		*rest = name;
		return !*name || !strcmp(name, flags_suffix);
	}
	return false;
}

static int append(struct capture_rec *r, const struct kind *k, unsigned arg, const struct buf *b,
		  const struct place *at)
{
	struct watch_part p = { .kind = (uint16_t)k->kind,
				.arg = (uint8_t)arg,
				.len = (uint16_t)b->len };
	size_t used = r->rec.size - sizeof(r->rec), all = (sizeof(p) + b->len + 7) & ~(size_t)7;

	if (b->overflow || b->len > UINT16_MAX || all > sizeof(r->parts) - used)
		return json_err(at->d, at->at, at->e, E2BIG,
				"a record has %d bytes of such members at most", WATCH_PARTS_BYTES);
	memset(r->parts + used, 0, all);
	memcpy(r->parts + used, &p, sizeof(p));
	if (b->len)
		memcpy(r->parts + used + sizeof(p), b->p, b->len);
	r->rec.size += (uint32_t)all;
	return 1;
}

static int set_flags(struct capture_rec *r, const struct kind *k, unsigned arg,
		     struct json_object *v, const struct place *at)
{
	struct watch_part *p = (void *)(uintptr_t)watch_part_find(&r->rec, k->kind, arg);
	uint64_t flags;
	int err = json_u64(at->d, at->at, v, UINT8_MAX, &flags, at->e);

	if (err < 0)
		return err;
	if (!p)
		return json_err(at->d, at->at, at->e, EINVAL,
				"expected behind what the flags are about");
	p->flags = (uint8_t)flags;
	return 1;
}

int capture_add_part(struct capture_rec *r, const char *name, const struct json_doc *d,
		     const struct json_path *at, struct json_object *v, struct err *e)
{
	cleanup_buf struct buf b = { .max = 4 * WATCH_PARTS_BYTES };
	struct place place = { d, at, e };
	const struct kind *k;
	const char *rest;
	unsigned arg;
	int err;

	if (!parse_name(name, &k, &arg, &rest))
		return 0;
	if (*rest)
		return set_flags(r, k, arg, v, &place);
	err = get_value(&b, k->form, v, &place);
	return err < 0 ? err : append(r, k, arg, &b, &place);
}
