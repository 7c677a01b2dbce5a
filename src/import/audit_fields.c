/*
 * Records of the kernel's audit, as auditd writes them (type=SECCOMP msg=audit(…): …) and as the
 * kernel log has them (audit: type=1326 audit(…): …), with whatever a log daemon puts in front.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/audit_private.h"

/* Names that auditd's enriched form appends in capitals; a copy may glue them to the last value. */
static const char *const enriched[] = { "AUID=", "UID=", "ARCH=", "SYSCALL=", "GID=" };

/* "audit(1611996299.149:466250):" gives time and serial; what follows is returned. */
static char *stamp(char *at, struct au_record *r)
{
	char *end;

	at += strlen("audit(");
	if (!isdigit((unsigned char)*at))
		return NULL;
	r->sec = strtoull(at, &end, 10);
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (*end != ':' || !isdigit((unsigned char)end[1]))
		return NULL;
	r->serial = strtoull(end + 1, &end, 10);
	if (*end++ != ')')
		return NULL;
	return end + strspn(end, ": ");
}

/* "type=WORD" somewhere in front of the stamp. */
static void take_type(const char *text, const char *end, struct au_record *r)
{
	const char *at = memmem(text, (size_t)(end - text), "type=", 5);
	size_t n;

	if (!at || (at > text && at[-1] != ' ' && at[-1] != ':'))
		return;
	at += 5;
	n = strcspn(at, " ");
	snprintf(r->type, sizeof(r->type), "%.*s", (int)(n < 31 ? n : 31), at);
}

/* "avc:  denied  { read write } for  pid=…": the words before the fields. */
static char *selinux_head(char *s, struct au_record *r)
{
	char *open, *close;

	if (strncmp(s, "avc:", 4) != 0)
		return s;
	open = strchr(s, '{');
	close = open ? strchr(open, '}') : NULL;
	if (!close)
		return s;
	*open = *close = '\0';
	r->denied = strstr(s, "denied");
	r->perms = open + 1;
	return close + 1;
}

/* One field; where the next one begins, NULL at the end. */
static char *take_field(char *s, struct au_record *r)
{
	struct au_field *f = &r->field[r->n];
	char *eq = s + strcspn(s, "= "), *end;

	if (*eq != '=') { /* a word without a value, as "for" */
		s = eq + strspn(eq, " ");
		return *s ? s : NULL;
	}
	*eq = '\0';
	f->key = s;
	f->value = eq + 1;
	f->quoted = *f->value == '"';
	if (f->quoted)
		f->value++;
	end = f->value + strcspn(f->value, f->quoted ? "\"" : " ");
	s = *end ? end + 1 : end;
	*end = '\0';
	r->n++;
	s += strspn(s, " ");
	return *s ? s : NULL;
}

bool au_parse(char *text, struct au_record *r)
{
	char *at = strstr(text, "audit("), *s, *mark;

	r->type[0] = '\0';
	r->n = 0;
	r->perms = NULL;
	s = at ? stamp(at, r) : NULL;
	if (!s)
		return false;
	take_type(text, at, r);
	mark = strchr(s, 0x1d);
	if (mark)
		*mark = '\0';
	s = selinux_head(s, r);
	while (s && r->n < AU_MAX_FIELDS)
		s = take_field(s, r);
	return true;
}

const char *au_get(const struct au_record *r, const char *key)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!strcmp(r->field[i].key, key))
			return r->field[i].value;
	return NULL;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool from_hex(const char *s, char *out, size_t size)
{
	size_t n = strlen(s);

	if (!n || n % 2 || n / 2 >= size || strspn(s, "0123456789ABCDEF") != n)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		out[i] = (char)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
		if (!out[i])
			out[i] = ' '; /* words of a command line; nothing else has such bytes */
	}
	out[n / 2] = '\0';
	return true;
}

bool au_text(const struct au_record *r, const char *key, char *out, size_t size)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct au_field *f = &r->field[i];

		if (strcmp(f->key, key) != 0)
			continue;
		if (!f->quoted && from_hex(f->value, out, size))
			return true;
		if (strlen(f->value) >= size || (!f->quoted && !strcmp(f->value, "(null)")))
			return false;
		snprintf(out, size, "%s", f->value);
		return true;
	}
	return false;
}

bool au_number(const struct au_record *r, const char *key, unsigned base, uint64_t *out)
{
	const char *value = au_get(r, key);
	char text[32], *end;

	if (!value || !*value)
		return false;
	snprintf(text, sizeof(text), "%s", value);
	for (size_t i = 0; i < ARRAY_SIZE(enriched); i++) {
		char *glued = strstr(text, enriched[i]);

		/* "0x7ffc0000AUID=": the A is no digit. */
		if (!glued)
			glued = strlen(value) >= sizeof(text) - 1 ? strstr(text, "AUID") : NULL;
		if (glued)
			*glued = '\0';
	}
	errno = 0;
	*out = strtoull(text, &end, (int)base);
	return end > text && !*end && !errno;
}
