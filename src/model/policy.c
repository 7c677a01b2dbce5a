#include "model/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/constants.h"

enum { MAX_DEPTH = 16 };

struct expansion {
	const struct policy *p;
	uint32_t access;
	unsigned count;
	bool widened;
};

/* Behind the bracket that closes the one at s; NULL when there is none. */
static const char *closing(const char *s, char open, char close)
{
	unsigned depth = 0;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == open)
			depth++;
		else if (*s == close && !--depth)
			return s + 1;
	}
	return NULL;
}

/* How many stars that are no literal ones end the pattern. */
static unsigned stars_at_end(const struct buf *b)
{
	unsigned n = 0;

	while (n < b->len && b->p[b->len - 1 - n] == '*')
		n++;
	return n && b->len > n && b->p[b->len - 1 - n] == '\\' ? n - 1 : n;
}

/* n: 1, any characters but "/", or 2, any. What stands there already may cover it. */
static void put_stars(struct buf *b, unsigned n)
{
	for (unsigned have = stars_at_end(b); have < n; have++)
		buf_putc(b, '*');
}

/* "\040" is an octal byte, as in the parser's own output; else the character itself. */
static const char *escape(const char *s, char *out)
{
	if (s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
	    s[3] <= '7') {
		*out = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
		return *out ? s + 4 : NULL;
	}
	*out = s[1];
	return s[1] ? s + 2 : NULL;
}

/* Process and thread ids; other variables have been replaced before. */
static const char *variable(const char *s, struct buf *out)
{
	static const char *const ids[] = { "@{pid}", "@{pids}", "@{tid}" };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!strncmp(s, ids[i], strlen(ids[i]))) {
			buf_puts(out, "@{pid}");
			return s + strlen(ids[i]);
		}
	}
	return NULL;
}

/* A glob without alternatives into both forms: `plain` when it is none, `pattern` always. */
static int flat(struct expansion *x, const char *s)
{
	cleanup_buf struct buf plain = { 0 }, pattern = { 0 };
	bool globs = false;

	while (s && *s) {
		char c = *s;

		if (c == '*') {
			size_t n = strspn(s, "*");

			put_stars(&pattern, n > 1 ? 2 : 1);
			globs = true;
			s += n;
			continue;
		}
		if (c == '?' || c == '[') {
			put_stars(&pattern, 1);
			globs = x->widened = true;
			s = c == '?' ? s + 1 : closing(s, '[', ']');
			continue;
		}
		if (c == '@' && s[1] == '{') {
			globs = true;
			s = variable(s, &pattern);
			continue;
		}
		s = c == '\\' ? escape(s, &c) : s + 1;
		if (c == '/' && pattern.len && pattern.p[pattern.len - 1] == '/')
			continue; /* "@{PROC}/x" with "/proc/" */
		buf_putc(&plain, c);
		if (strchr("*@\\", c))
			buf_putc(&pattern, '\\');
		buf_putc(&pattern, c);
	}
	if (!s || buf_str(&pattern)[0] != '/')
		return -EINVAL;
	if (++x->count > POLICY_MAX_ALTERNATIVES)
		return -E2BIG;
	{
		struct wl_file *f = wl_file_add(x->p->w, buf_str(globs ? &pattern : &plain), globs,
						x->access);

		if (f)
			wl_prov_add(&f->prov, WL_PROGRAM_PHASES, -1, x->p->source);
		return f ? 0 : -EINVAL;
	}
}

static int expand(struct expansion *x, const char *glob, unsigned depth);

/* Each alternative of the braces at `open`, with what stands before and behind them. */
static int alternatives(struct expansion *x, const char *glob, const char *open, unsigned depth)
{
	const char *end = closing(open, '{', '}'), *from = open + 1;
	unsigned level = 0;
	int r = 0;

	if (!end || depth == MAX_DEPTH)
		return -EINVAL;
	for (const char *s = from; r >= 0 && s < end; s++) {
		cleanup_buf struct buf one = { 0 };

		if (*s == '\\' && s[1]) {
			s++;
			continue;
		}
		level += *s == '{';
		if (*s == '}' && level) {
			level--;
			continue;
		}
		if (level || (*s != ',' && s + 1 != end))
			continue;
		buf_append(&one, glob, (size_t)(open - glob));
		buf_append(&one, from, (size_t)(s - from));
		buf_puts(&one, end);
		r = expand(x, buf_str(&one), depth + 1);
		from = s + 1;
	}
	return r;
}

static int expand(struct expansion *x, const char *glob, unsigned depth)
{
	for (const char *s = glob; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '@' && s[1] == '{')
			s += strcspn(s, "}") - (strchr(s, '}') ? 0 : 1);
		else if (*s == '{')
			return alternatives(x, glob, s, depth);
	}
	return flat(x, glob);
}

int policy_path(const struct policy *p, const char *glob, uint32_t access)
{
	struct expansion x = { .p = p, .access = access };
	int r = strlen(glob) >= WL_MAX_PATH ? -EINVAL : expand(&x, glob, 0);

	return r < 0 ? r : x.widened;
}

static void add_socket(const struct policy *p, uint16_t family, uint16_t type)
{
	static const uint8_t index[] = { 0, 1, 2 };
	const uint64_t value[] = { family, type, 0 };
	struct wl_syscall *s = wl_syscall_add_name(p->w, p->abi, sc_by_name("socket"));
	struct wl_call *c;

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, p->source);
	c = wl_call_add(s, 3, index, value);
	wl_prov_add(&c->prov, WL_PROGRAM_PHASES, -1, p->source);
}

void policy_socket(const struct policy *p, uint16_t family, uint16_t type)
{
	static const uint16_t types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM,
					  SOCK_SEQPACKET };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!type || type == types[i])
			add_socket(p, family, types[i]);
}

void policy_any_socket(const struct policy *p)
{
	struct wl_syscall *s = wl_syscall_add_name(p->w, p->abi, sc_by_name("socket"));

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, p->source);
	wl_loss_add(p->w, p->source, "arguments", 1);
}

void policy_cap(const struct policy *p, unsigned nr)
{
	struct wl_cap_use *u = wl_cap_add(p->w, nr, WL_CAP_GRANTED, "", "", false, false);

	wl_prov_add(&u->prov, WL_PROGRAM_PHASES, -1, p->source);
}

void policy_starts(const struct policy *p)
{
	struct wl_syscall *s = wl_syscall_add_name(p->w, p->abi, sc_by_name("execve"));

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, p->source);
}

bool policy_family(const char *name, uint16_t *out)
{
	return const_word(CONST_FAMILY, "AF_", name, out);
}

bool policy_socktype(const char *name, uint16_t *out)
{
	*out = !strcmp(name, "tcp")    ? SOCK_STREAM
	       : !strcmp(name, "udp")  ? SOCK_DGRAM
	       : !strcmp(name, "icmp") ? SOCK_RAW
				       : 0;
	return *out || const_word(CONST_SOCKTYPE, "SOCK_", name, out);
}
