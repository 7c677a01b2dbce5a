#include "elf/python_lex.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

bool py_is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static void add_token(struct py_lex *x, enum py_token_kind kind, size_t at, size_t len)
{
	if (!x->tokens_n)
		x->first_line = x->line;
	*vec_push(x->tokens, x->tokens_n, x->tokens_cap) =
		(struct py_token){ kind, (uint32_t)at, (uint32_t)len, x->depth, false };
}

static char peek(const struct py_lex *x, size_t ahead)
{
	return x->i + ahead < x->n ? x->t[x->i + ahead] : '\0';
}

/* A string from its first quote on. Escapes only matter where they hide the end. */
static void read_string(struct py_lex *x, bool code)
{
	char quote = peek(x, 0);
	bool triple = peek(x, 1) == quote && peek(x, 2) == quote;
	size_t at = x->i + (triple ? 3 : 1);

	x->i = at;
	while (x->i < x->n) {
		if (x->t[x->i] == '\\' && x->i + 1 < x->n) {
			x->line += x->t[x->i + 1] == '\n';
			x->i += 2;
			continue;
		}
		if (x->t[x->i] == quote &&
		    (!triple || (peek(x, 1) == quote && peek(x, 2) == quote)))
			break;
		if (x->t[x->i] == '\n') {
			if (!triple)
				break; /* not closed */
			x->line++;
		}
		x->i++;
	}
	add_token(x, PY_STRING, at, x->i - at);
	x->tokens[x->tokens_n - 1].code = code;
	if (x->i < x->n && x->t[x->i] == quote)
		x->i += triple ? 3 : 1;
}

/* A name, a number, or the prefix of a string. */
static void read_name(struct py_lex *x)
{
	size_t at = x->i;

	while (x->i < x->n && py_is_name(x->t[x->i]))
		x->i++;
	if (x->i - at <= 2 && (peek(x, 0) == '"' || peek(x, 0) == '\'')) {
		read_string(x,
			    memchr(x->t + at, 'f', x->i - at) || memchr(x->t + at, 'F', x->i - at));
		return;
	}
	if (!isdigit((unsigned char)x->t[at]))
		add_token(x, PY_NAME, at, x->i - at);
}

bool py_lex_line(struct py_lex *x)
{
	bool begun = false;

	x->tokens_n = 0;
	x->indent = 0;
	x->depth = 0;
	while (x->i < x->n) {
		char c = x->t[x->i];

		if (c == '\n') {
			x->line++;
			x->i++;
			if (!x->depth && x->tokens_n)
				return true;
			if (!x->depth)
				x->indent = 0;
			begun &= x->depth != 0;
		} else if (c == ' ' || c == '\t') {
			if (!begun)
				x->indent = c == '\t' ? (x->indent | 7) + 1 : x->indent + 1;
			x->i++;
		} else if (c == '#') {
			while (x->i < x->n && x->t[x->i] != '\n')
				x->i++;
		} else if (c == '\\' && (peek(x, 1) == '\n' || peek(x, 1) == '\r')) {
			x->i += peek(x, 1) == '\r' ? 3 : 2;
			x->line++;
			begun = true;
		} else if (c == '"' || c == '\'') {
			begun = true;
			read_string(x, false);
		} else if (py_is_name(c)) {
			begun = true;
			read_name(x);
		} else if (c == '\r' || c == '\f') {
			x->i++;
		} else {
			begun = true;
			if (strchr(")]}", c) && x->depth)
				x->depth--;
			add_token(x, PY_SIGN, x->i++, 1);
			if (strchr("([{", c))
				x->depth++;
		}
	}
	return x->tokens_n != 0;
}
