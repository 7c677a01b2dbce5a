/*
 * The pattern language of struct wl_file. Matching simulates a nondeterministic automaton whose
 * states are places in the pattern, so its time is bounded by length of path times length of
 * pattern, whatever the pattern is.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

enum token_kind { END, LITERAL, STAR, STARS, PID };

struct token {
	enum token_kind kind;
	unsigned len; /* in the pattern */
	char c;	      /* of a LITERAL */
};

static const char pid_word[] = "@{pid}";

static struct token token_at(const char *p)
{
	if (!*p)
		return (struct token){ END, 0, 0 };
	if (*p == '\\')
		return (struct token){ LITERAL, 2, p[1] };
	if (*p == '*')
		return p[1] == '*' ? (struct token){ STARS, 2, 0 } : (struct token){ STAR, 1, 0 };
	if (*p == '@')
		return (struct token){ PID, sizeof(pid_word) - 1, 0 };
	return (struct token){ LITERAL, 1, *p };
}

bool wl_pattern_valid(const char *pattern)
{
	for (const char *p = pattern; *p; p += token_at(p).len) {
		if (*p == '\\' && (!p[1] || !strchr("*@\\", p[1])))
			return false;
		if (*p == '@' && strncmp(p, pid_word, sizeof(pid_word) - 1))
			return false;
		if (!strncmp(p, "***", 3))
			return false;
	}
	return true;
}

char *wl_pattern_prefix(const char *pattern)
{
	char *out = xstrdup(pattern);
	size_t n = 0;

	for (const char *p = pattern; *p && *p != '*' && strncmp(p, "@{", 2); p++) {
		if (*p == '\\' && p[1])
			p++;
		out[n++] = *p;
	}
	out[n] = '\0';
	return out;
}

void wl_pattern_escape(struct buf *b, const char *text, size_t n)
{
	size_t plain = 0; /* where the characters that stand for themselves begin */

	for (size_t i = 0; i < n; i++) {
		if (text[i] != '*' && text[i] != '@' && text[i] != '\\')
			continue;
		buf_append(b, text + plain, i - plain);
		buf_putc(b, '\\');
		plain = i;
	}
	buf_append(b, text + plain, n - plain);
}

/* States: a place in the pattern times 2, plus 1 when the token there has taken a character. */
enum { STATES = 2 * (WL_MAX_PATH + 1) };

struct state_set {
	uint16_t v[STATES];
	size_t n;
	uint8_t has[STATES / 8 + 1];
};

/* A star that is a whole name may not stay empty. */
static bool whole_name(const char *pattern, size_t at, unsigned len)
{
	return at && pattern[at - 1] == '/' && (pattern[at + len] == '/' || !pattern[at + len]);
}

/* Adds the state and those that follow it without taking a character. */
static void add(struct state_set *s, const char *pattern, size_t at, bool taken)
{
	for (;;) {
		struct token t = token_at(pattern + at);
		unsigned state = (unsigned)at * 2 + taken;
		bool star = t.kind == STAR || t.kind == STARS;

		if (s->has[state / 8] & 1u << state % 8)
			return;
		s->has[state / 8] |= (uint8_t)(1u << state % 8);
		s->v[s->n++] = (uint16_t)state;
		if (!(taken || (star && !whole_name(pattern, at, t.len))))
			return;
		at += t.len;
		taken = false;
	}
}

static void clear(struct state_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->has[s->v[i] / 8] = 0;
	s->n = 0;
}

static void step(const struct state_set *from, struct state_set *to, const char *pattern, char c)
{
	for (size_t i = 0; i < from->n; i++) {
		size_t at = from->v[i] / 2;
		bool taken = from->v[i] & 1;
		struct token t = token_at(pattern + at);

		if (t.kind == LITERAL && t.c == c)
			add(to, pattern, at + t.len, false);
		else if (t.kind == STARS || (t.kind == STAR && c != '/') ||
			 (t.kind == PID && c >= (taken ? '0' : '1') && c <= '9'))
			add(to, pattern, at, true);
	}
}

static bool matches(const char *pattern, const char *path)
{
	struct state_set a, b, *now = &a, *next = &b;
	const char *start = pattern;
	size_t end = strlen(pattern);

	if (end > WL_MAX_PATH)
		return false;
	for (; *pattern && !strchr("*@\\", *pattern); pattern++, path++)
		if (*pattern != *path)
			return false;
	memset(a.has, 0, sizeof(a.has));
	memset(b.has, 0, sizeof(b.has));
	a.n = b.n = 0;
	add(now, start, (size_t)(pattern - start), false);
	for (; *path && now->n; path++) {
		struct state_set *old = now;

		step(now, next, start, *path);
		clear(now);
		now = next;
		next = old;
	}
	return now->n && (now->has[end * 2 / 8] & 1u << end * 2 % 8);
}

bool wl_file_matches(const struct wl_file *f, const char *path)
{
	return f->pattern ? matches(f->path, path) : !strcmp(f->path, path);
}
