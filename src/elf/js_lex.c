#include "elf/js_lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { MAX_OPEN = 4096 };

struct lexer {
	struct js_tokens *out;
	const char *t;
	size_t n, i;
	bool line;
	uint32_t open[MAX_OPEN]; /* tokens that open brackets */
	size_t open_n;
	bool fits;
};

bool js_is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

bool js_is_keyword(const char *p, size_t n)
{
	static const char *const words[] = {
		"if",	  "for",     "while", "switch", "catch", "with",  "function",
		"return", "typeof",  "case",  "do",	"else",	 "in",	  "of",
		"new",	  "delete",  "void",  "throw",	"await", "yield", "instanceof",
		"try",	  "finally", "const", "let",	"var",	 "class", "extends",
		"this",	  "super",   "break", "import", "true",	 "false", "continue",
		"null",	  "export",  "async", "static",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], p, n))
			return true;
	return false;
}

static char peek(const struct lexer *x, size_t ahead)
{
	return x->i + ahead < x->n ? x->t[x->i + ahead] : '\0';
}

static void add(struct lexer *x, enum js_kind kind, size_t at, size_t len)
{
	*vec_push(x->out->v, x->out->n, x->out->cap) = (struct js_token){
		.kind = (uint8_t)kind,
		.line = x->line,
		.at = (uint32_t)at,
		.len = (uint32_t)len,
		.match = JS_NONE,
		.outer = x->open_n ? x->open[x->open_n - 1] : JS_NONE,
	};
	x->line = false;
}

static void read_string(struct lexer *x)
{
	char quote = x->t[x->i];
	size_t at = ++x->i;

	while (x->i < x->n && x->t[x->i] != quote && x->t[x->i] != '\n')
		x->i += x->t[x->i] == '\\' && x->i + 1 < x->n ? 2 : 1;
	add(x, JS_STRING, at, x->i - at);
	x->i += x->i < x->n && x->t[x->i] == quote;
}

static void open_bracket(struct lexer *x, size_t len)
{
	uint32_t at = (uint32_t)x->out->n;

	add(x, JS_SIGN, x->i, len);
	x->i += len;
	if (x->open_n < MAX_OPEN)
		x->open[x->open_n++] = at;
	else
		x->fits = false;
}

/* The text of a template up to its end or the next expression. */
static void read_template(struct lexer *x)
{
	size_t at = ++x->i;

	while (x->i < x->n && x->t[x->i] != '`' && !(peek(x, 0) == '$' && peek(x, 1) == '{'))
		x->i += x->t[x->i] == '\\' && x->i + 1 < x->n ? 2 : 1;
	add(x, JS_TEMPLATE, at, x->i - at);
	if (peek(x, 0) == '$')
		open_bracket(x, 2);
	else
		x->i++;
}

static void close_bracket(struct lexer *x)
{
	static const char pairs[] = "()[]{}";
	uint32_t open, at = (uint32_t)x->out->n;
	struct js_token *o;
	char c = x->t[x->i];
	bool expression;

	if (!x->open_n) {
		x->fits = false;
		add(x, JS_SIGN, x->i++, 1);
		return;
	}
	open = x->open[--x->open_n];
	o = &x->out->v[open];
	expression = o->len == 2;
	x->fits &= strchr(pairs, x->t[o->at + o->len - 1])[1] == c;
	o->match = at;
	add(x, JS_SIGN, x->i, 1);
	x->out->v[at].match = open;
	if (expression && c == '}')
		read_template(x); /* goes on behind the bracket */
	else
		x->i++;
}

/* Whether "/" begins a regular expression: where no operand can have ended. */
static bool begins_regex(const struct lexer *x)
{
	const struct js_token *last = x->out->n ? &x->out->v[x->out->n - 1] : NULL;

	if (!last)
		return true;
	if (last->kind == JS_SIGN)
		return !strchr(")]}", x->t[last->at]);
	return last->kind == JS_NAME && js_is_keyword(x->t + last->at, last->len);
}

static void read_regex(struct lexer *x)
{
	size_t at = x->i++;
	bool set = false;

	while (x->i < x->n && x->t[x->i] != '\n' && (x->t[x->i] != '/' || set)) {
		char c = x->t[x->i];

		set = c == '[' || (set && c != ']');
		x->i += c == '\\' && x->i + 1 < x->n ? 2 : 1;
	}
	for (x->i++; x->i < x->n && js_is_name_char(x->t[x->i]); x->i++)
		;
	x->i = x->i < x->n ? x->i : x->n;
	add(x, JS_REGEX, at, x->i - at);
}

/* A comment; false: there is none. */
static bool skip_comment(struct lexer *x)
{
	if (peek(x, 0) != '/' || (peek(x, 1) != '/' && peek(x, 1) != '*'))
		return false;
	if (peek(x, 1) == '/') {
		while (x->i < x->n && x->t[x->i] != '\n')
			x->i++;
		return true;
	}
	for (x->i += 2; x->i < x->n && !(peek(x, 0) == '*' && peek(x, 1) == '/'); x->i++)
		x->line |= x->t[x->i] == '\n';
	x->i = x->i + 2 < x->n ? x->i + 2 : x->n;
	return true;
}

static void read_name(struct lexer *x)
{
	size_t at = x->i++;

	while (x->i < x->n && js_is_name_char(x->t[x->i]))
		x->i++;
	add(x, isdigit((unsigned char)x->t[at]) ? JS_NUMBER : JS_NAME, at, x->i - at);
}

static void read_token(struct lexer *x)
{
	char c = x->t[x->i];

	if (c == '"' || c == '\'')
		read_string(x);
	else if (c == '`')
		read_template(x);
	else if (js_is_name_char(c) || c == '#')
		read_name(x);
	else if (c == '/' && begins_regex(x))
		read_regex(x);
	else if (strchr("([{", c))
		open_bracket(x, 1);
	else if (strchr(")]}", c))
		close_bracket(x);
	else {
		size_t len = c == '=' && peek(x, 1) == '>' ? 2 : 1;

		add(x, JS_SIGN, x->i, len);
		x->i += len;
	}
}

bool js_lex(struct js_tokens *out, const char *text, size_t len)
{
	cleanup_free struct lexer *x = xcalloc(1, sizeof(*x));

	*out = (struct js_tokens){ 0 };
	x->out = out;
	x->t = text;
	x->n = len;
	x->line = x->fits = true;
	while (x->i < x->n) {
		char c = x->t[x->i];

		if (!c || isspace((unsigned char)c)) {
			x->line |= c == '\n';
			x->i++;
		} else if (!skip_comment(x)) {
			read_token(x);
		}
	}
	x->fits &= !x->open_n;
	for (size_t i = 0; !x->fits && i < out->n; i++)
		out->v[i].match = out->v[i].outer = JS_NONE;
	return x->fits;
}

void js_tokens_free(struct js_tokens *t)
{
	free(t->v);
	*t = (struct js_tokens){ 0 };
}
