#include "elf/python_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "elf/python_lex.h"

enum { MANY_ARGUMENTS = 10 };

struct parser {
	struct py_source *s;
	struct py_lex lex;
	const char *skip;
	uint32_t *open; /* units whose bodies enclose the line, and their indentation */
	uint32_t *open_indent;
	size_t open_n, open_cap, indent_n, indent_cap;
	bool decorated;		  /* the next function is handed to something */
	struct py_token *pending; /* of decorators, which count with the function */
	size_t pending_n, pending_cap;
	uint32_t unit; /* to which the words of the line belong */
};

static bool is(const struct parser *x, size_t i, const char *text)
{
	return i < x->lex.tokens_n && x->lex.tokens[i].kind != PY_STRING &&
	       x->lex.tokens[i].len == strlen(text) &&
	       !memcmp(x->lex.t + x->lex.tokens[i].at, text, x->lex.tokens[i].len);
}

static bool is_kind(const struct parser *x, size_t i, enum py_token_kind kind)
{
	return i < x->lex.tokens_n && x->lex.tokens[i].kind == kind;
}

static uint32_t innermost(const struct parser *x)
{
	return x->open_n ? x->open[x->open_n - 1] : 0;
}

static uint32_t current(const struct parser *x)
{
	return x->s->units[innermost(x)].runs_in;
}

static bool is_builtin(const char *p, size_t n)
{
	/* Built-in functions with names that functions in C can have elsewhere. */
	static const char *const names[] = { "open",   "input",	    "print",	  "compile",
					     "exec",   "eval",	    "iter",	  "next",
					     "format", "hash",	    "id",	  "len",
					     "repr",   "sorted",    "breakpoint", "getattr",
					     "dir",    "__import__" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], p, n))
			return true;
	return false;
}

static struct py_word *add_word(struct parser *x, size_t at, size_t len, bool plain)
{
	bool prefix = !plain && len > 1 && x->lex.t[at] != '_' && x->lex.t[at + len - 1] == '_';
	struct py_word *w = vec_push(x->s->words, x->s->words_n, x->s->words_cap);

	*w = (struct py_word){
		.unit = x->unit,
		.at = (uint32_t)at,
		.len = (uint32_t)len,
		.plain = plain && !is_builtin(x->lex.t + at, len),
		.prefix = prefix,
	};
	return w;
}

/* {"NAME": …}, a["NAME"] = …, f("NAME", …) */
static bool is_key(const struct parser *x, size_t i)
{
	return is(x, i + 1, ":") ||
	       (is(x, i + 1, "]") && is(x, i + 2, "=") && !is(x, i + 3, "=")) ||
	       (i && is(x, i - 1, "(") && is(x, i + 1, ","));
}

/* A name in a string: all of it, or a part, which may be an argument in a call: f"{g(a=b)}". */
static void add_string_word(struct parser *x, const struct py_token *t, bool key, size_t at,
			    size_t len)
{
	size_t end = t->at + t->len;
	bool named = t->code && at + len + 1 < end && x->lex.t[at + len] == '=' &&
		     !strchr("=!}", x->lex.t[at + len + 1]);
	struct py_word *w = add_word(x, at, len, false);

	w->keyword = named || (key && len == t->len);
	w->string = !t->code && !w->keyword;
}

/*
 * Names in a string: all words when it consists of nothing else ("a.b", "a, b c") or contains code;
 * in other text only those that a name may begin with ("do_%s").
 */
static void add_string(struct parser *x, const struct py_token *t, bool key)
{
	size_t end = t->at + t->len;
	bool names = true;

	for (size_t i = t->at; i < end; i++)
		names &= py_is_name(x->lex.t[i]) || strchr("., \n\t\\", x->lex.t[i]) != NULL;
	for (size_t i = t->at; i < end;) {
		size_t from = i;

		while (i < end && py_is_name(x->lex.t[i]))
			i++;
		if (i > from && (names || t->code || x->lex.t[i - 1] == '_'))
			add_string_word(x, t, key, from, i - from);
		else if (i == from)
			i++;
	}
}

/* A string that is only compared: hasattr(m, "x"), "x" in names, a == "x". */
static bool is_compared(const struct parser *x, size_t i)
{
	if (i > 1 && is(x, i - 1, "=") && (is(x, i - 2, "=") || is(x, i - 2, "!")))
		return true;
	if (is(x, i + 1, "in") || (is(x, i + 1, "not") && is(x, i + 2, "in")))
		return true;
	if (i > 1 && is(x, i - 1, "(") && is(x, i - 2, "_exists"))
		return true;
	for (size_t k = i; k-- > 0 && x->lex.tokens[k].depth >= x->lex.tokens[i].depth;)
		if (!is_kind(x, k, PY_NAME) && !is(x, k, ".") && !is(x, k, ","))
			return false;
		else if (k > 1 && is(x, k - 1, "(") && is(x, k - 2, "hasattr"))
			return is(x, i + 1, ")");
	return false;
}

/* f(NAME=…); parameters of a function with such values count too, except in its own header. */
static bool is_keyword(const struct parser *x, size_t i)
{
	bool header = is(x, 0, "def") || (is(x, 0, "async") && is(x, 1, "def"));

	return x->lex.tokens[i].depth && !(header && x->lex.tokens[i].depth == 1) &&
	       is(x, i + 1, "=") && !is(x, i + 2, "=");
}

/* What is called by the brackets around token i: the last name in front of them. */
static void find_called(const struct parser *x, size_t i, struct py_word *w)
{
	size_t k = i;

	while (k && x->lex.tokens[k].depth >= x->lex.tokens[i].depth)
		k--;
	if (!k || !is(x, k, "(") || !is_kind(x, k - 1, PY_NAME))
		return;
	w->call_at = x->lex.tokens[k - 1].at;
	w->call_len = x->lex.tokens[k - 1].len;
}

static void add_words(struct parser *x, size_t i)
{
	const struct py_token *t = &x->lex.tokens[i];
	struct py_word *w;

	if (t->kind == PY_NAME) {
		w = add_word(x, t->at, t->len, !is(x, 0, "from") && !(i && is(x, i - 1, ".")));
		w->keyword = is_keyword(x, i);
		if (w->keyword)
			find_called(x, i, w);
	} else if (t->kind == PY_STRING && !is_compared(x, i)) {
		add_string(x, t, is_key(x, i));
	}
}

/* A dotted name at token i; the index behind it. */
static size_t read_dotted(const struct parser *x, size_t i, uint32_t *at, uint32_t *len)
{
	*at = i < x->lex.tokens_n ? x->lex.tokens[i].at : 0;
	*len = 0;
	while (is_kind(x, i, PY_NAME) && !is(x, i, "import")) {
		*len = x->lex.tokens[i].at + x->lex.tokens[i].len - *at;
		i++;
		if (!is(x, i, "."))
			break;
		i++;
	}
	return i;
}

static void add_import(struct parser *x, const struct py_import *m)
{
	struct py_import *p = vec_push(x->s->imports, x->s->imports_n, x->s->imports_cap);

	*p = *m;
	p->unit = x->unit;
}

/* "as NAME" behind what is imported. */
static size_t read_bound(const struct parser *x, size_t i, struct py_import *m)
{
	if (!is(x, i, "as") || !is_kind(x, i + 1, PY_NAME))
		return i;
	m->bound_at = x->lex.tokens[i + 1].at;
	m->bound_len = x->lex.tokens[i + 1].len;
	return i + 2;
}

/* import a.b as c, d */
static void read_import(struct parser *x, size_t i)
{
	do {
		struct py_import m = { 0 };
		size_t next = read_dotted(x, i, &m.at, &m.len);

		if (next == i)
			return;
		m.bound_at = m.at;
		m.bound_len = x->lex.tokens[i].len;
		i = read_bound(x, next, &m);
		add_import(x, &m);
	} while (is(x, i++, ","));
}

/* from ..a import (b as c, d) */
static void read_from(struct parser *x, size_t i)
{
	struct py_import m = { 0 };

	for (; is(x, i, "."); i++)
		m.level++;
	i = read_dotted(x, i, &m.at, &m.len);
	if (!is(x, i, "import"))
		return;
	i++;
	i += is(x, i, "(");
	do {
		struct py_import one = m;

		if (!is_kind(x, i, PY_NAME)) {
			x->s->star |= is(x, i, "*");
			add_import(x, &one); /* a star, or a comma at the end */
			return;
		}
		one.item_at = one.bound_at = x->lex.tokens[i].at;
		one.item_len = one.bound_len = x->lex.tokens[i].len;
		i = read_bound(x, i + 1, &one);
		add_import(x, &one);
	} while (is(x, i++, ","));
}

static void add_dynamic(struct parser *x, enum py_dynamic_kind kind, const struct py_token *t)
{
	*vec_push(x->s->dynamics, x->s->dynamics_n, x->s->dynamics_cap) =
		(struct py_dynamic){ x->unit, x->lex.first_line, kind, t->at, t->len };
}

/* The next token on the same level that is the sign, or the end of the brackets. */
static size_t find_sign(const struct parser *x, size_t i, uint32_t depth, const char *sign)
{
	while (i < x->lex.tokens_n && x->lex.tokens[i].depth >= depth &&
	       !(x->lex.tokens[i].depth == depth && is(x, i, sign)))
		i++;
	return i;
}

/* Whether an argument that begins at token i is one string and nothing else. */
static bool is_string(const struct parser *x, size_t i)
{
	return is_kind(x, i, PY_STRING) && (is(x, i + 1, ",") || is(x, i + 1, ")"));
}

static void check_getattr(struct parser *x, size_t i)
{
	uint32_t depth = i + 2 < x->lex.tokens_n ? x->lex.tokens[i + 2].depth : 0;
	size_t comma = find_sign(x, i + 2, depth, ",");

	if (is(x, i + 1, "(") && is_kind(x, i + 2, PY_NAME) && is(x, comma, ",") &&
	    !is_string(x, comma + 1))
		add_dynamic(x, PY_DYNAMIC_NAME, &x->lex.tokens[i + 2]);
}

static void check_import_call(struct parser *x, size_t i)
{
	const struct py_token *t = &x->lex.tokens[i + 2];

	if (i && is(x, i - 1, "def"))
		return;
	if (!is(x, i + 1, "(")) {
		add_dynamic(x, PY_DYNAMIC_IMPORT, &x->lex.tokens[i]);
	} else if (is_string(x, i + 2) && t->len && x->lex.t[t->at] != '.') {
		add_import(x, &(struct py_import){ .at = t->at, .len = t->len });
	} else {
		add_dynamic(x, PY_DYNAMIC_IMPORT, &x->lex.tokens[i]);
	}
}

/* What builds objects by names that stand in data: of the modules pickle and _pickle. */
static bool is_unpickler(const struct parser *x, size_t i)
{
	size_t name = is(x, i + 1, ".") ? i + 2 : i;

	return (is(x, i, "pickle") || is(x, i, "_pickle") || is(x, i, "Unpickler")) &&
	       (is(x, name, "load") || is(x, name, "loads") || is(x, name, "Unpickler"));
}

/* What the statement does with modules and names. */
static void check_token(struct parser *x, size_t i)
{
	bool first = !i || is(x, i - 1, ":") || is(x, i - 1, ";");
	bool member = i && is(x, i - 1, ".");

	if (first && is(x, i, "import"))
		read_import(x, i + 1);
	else if (first && is(x, i, "from"))
		read_from(x, i + 1);
	else if (!member && is(x, i, "getattr"))
		check_getattr(x, i);
	else if (is(x, i, "__import__") || (is(x, i, "import_module") && is(x, i + 1, "(")))
		check_import_call(x, i);
	else if (!member && is(x, i, "vars") && is(x, i + 1, "(") && is_kind(x, i + 2, PY_NAME))
		add_dynamic(x, PY_DYNAMIC_NAME, &x->lex.tokens[i + 2]);
	else if (member && i > 1 && is(x, i, "__dict__") && is_kind(x, i - 2, PY_NAME))
		add_dynamic(x, PY_DYNAMIC_NAME, &x->lex.tokens[i - 2]);
	else if (is_unpickler(x, i))
		add_dynamic(x, PY_DYNAMIC_DATA, &x->lex.tokens[i]);
	else if (!member && is(x, i + 1, "(") &&
		 (is(x, i, "exec") || is(x, i, "eval") || is(x, i, "compile")))
		add_dynamic(x, PY_DYNAMIC_CODE, &x->lex.tokens[i]);
}

/* Decorators after which a function still runs only when its name is mentioned. */
static bool keeps_name(const struct parser *x)
{
	static const char *const names[] = { "property",	"staticmethod",	  "classmethod",
					     "setter",		"getter",	  "deleter",
					     "contextmanager",	"abstractmethod", "wraps",
					     "cached_property", "lru_cache",	  "_wraps",
					     "cache",		"overload" };
	size_t last = 1;

	while (is(x, last + 1, ".") && is_kind(x, last + 2, PY_NAME))
		last += 2;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is(x, last, names[i]))
			return true;
	return false;
}

static bool is_dunder(const char *p, size_t n)
{
	return n > 4 && !memcmp(p, "__", 2) && !memcmp(p + n - 2, "__", 2);
}

static bool has_sign(const struct parser *x, const char *sign)
{
	for (size_t i = 0; i < x->lex.tokens_n; i++)
		if (is(x, i, sign))
			return true;
	return false;
}

static void open_unit(struct parser *x, struct py_unit u)
{
	u.parent = innermost(x);
	*vec_push(x->s->units, x->s->units_n, x->s->units_cap) = u;
	*vec_push(x->open, x->open_n, x->open_cap) = (uint32_t)x->s->units_n - 1;
	*vec_push(x->open_indent, x->indent_n, x->indent_cap) = x->lex.indent;
}

/* Whether the line begins with the words. */
static bool begins(const struct parser *x, const char *words)
{
	size_t i = 0;

	for (; *words; i++) {
		size_t n = strcspn(words, " ");

		if (!is_kind(x, i, PY_NAME) || x->lex.tokens[i].len != n ||
		    memcmp(x->lex.t + x->lex.tokens[i].at, words, n) != 0)
			return false;
		words += n + (words[n] == ' ');
	}
	return i != 0;
}

/* if __name__ == "__main__": */
static bool is_main(const struct parser *x)
{
	return begins(x, "if __name__") && is(x, 2, "=") && is(x, 3, "=") &&
	       is_kind(x, 4, PY_STRING) && is(x, 5, ":") && x->lex.tokens_n == 6;
}

/*
 * Functions, classes and blocks that begin with this line: their bodies are what is indented more.
 * A class with a metaclass or other arguments may be known to somebody without its name.
 */
static void open_units(struct parser *x, size_t def, bool is_class, bool named)
{
	const struct py_token *t = &x->lex.tokens[named ? def + 1 : 0];
	struct py_unit u = { .at = t->at, .len = t->len, .runs_in = (uint32_t)x->s->units_n };

	if (named && is_class) {
		u.runs_in = current(x);
		u.always = x->decorated || has_sign(x, "=");
		open_unit(x, u);
	} else if (named) {
		u.always = x->decorated || is_dunder(x->lex.t + t->at, t->len);
		u.function = true;
		open_unit(x, u);
	} else if (is_main(x)) {
		u.never = true;
		open_unit(x, u);
	}
}

static bool only_strings(const struct parser *x)
{
	for (size_t i = 0; i < x->lex.tokens_n; i++)
		if (x->lex.tokens[i].kind != PY_STRING)
			return false;
	return true;
}

/* Whether something is called in the tokens from `first` on that are at least `depth` deep. */
static bool has_call(const struct parser *x, size_t first, uint32_t depth)
{
	for (size_t i = first + 1; i < x->lex.tokens_n; i++)
		if (is(x, i, "(") && x->lex.tokens[i].depth >= depth &&
		    (is_kind(x, i - 1, PY_NAME) || is(x, i - 1, ")") || is(x, i - 1, "]")))
			return true;
	return false;
}

/* Whether a function of this name was defined above. */
static bool is_function(const struct parser *x, const struct py_token *t)
{
	for (size_t i = 1; i < x->s->units_n; i++) {
		const struct py_unit *u = &x->s->units[i];

		if (u->function && u->len == t->len &&
		    !memcmp(x->lex.t + u->at, x->lex.t + t->at, t->len))
			return true;
	}
	return false;
}

/*
 * NAME = …, NAME[…] = … of a file or class, FUNCTION.NAME = …, without a call: who mentions the
 * name gets to it.
 */
static bool is_table(const struct parser *x)
{
	size_t i = 1;

	if (innermost(x) != 0 && x->s->units[innermost(x)].runs_in == innermost(x))
		return false;
	if (!is_kind(x, 0, PY_NAME))
		return false;
	if (is(x, 1, "["))
		i = find_sign(x, 2, 1, "]") + 1;
	else if (is(x, 1, ".") && is_kind(x, 2, PY_NAME) && is_function(x, &x->lex.tokens[0]))
		i = 3;
	return is(x, i, "=") && !is(x, i + 1, "=") && !has_call(x, 0, 0) && !has_sign(x, ";");
}

/* The unit to which the words of the line belong. */
static uint32_t unit_of_line(struct parser *x, size_t def, bool is_class, bool named)
{
	const struct py_token *t = x->lex.tokens;
	struct py_unit u;

	/* Values of parameters are used when the function is called; its header runs before. */
	if (named && !is_class && !has_call(x, def + 2, 1))
		return (uint32_t)x->s->units_n;
	if (!is_table(x))
		return current(x);
	if (is(x, 1, "."))
		t += 2;
	u = (struct py_unit){ .parent = innermost(x), .at = t->at, .len = t->len };
	u.runs_in = (uint32_t)x->s->units_n;
	u.always = is_dunder(x->lex.t + t->at, t->len);
	*vec_push(x->s->units, x->s->units_n, x->s->units_cap) = u;
	return (uint32_t)x->s->units_n - 1;
}

/* Calls in which it cannot be seen which parameters are given by their place. */
static void check_many(struct parser *x)
{
	bool header = is(x, 0, "def") || (is(x, 0, "async") && is(x, 1, "def"));
	unsigned commas = 0;

	for (size_t i = 1; i < x->lex.tokens_n; i++) {
		bool first = is(x, i - 1, "(") || is(x, i - 1, ",");

		commas += x->lex.tokens[i].depth && is(x, i, ",");
		x->s->many |= !header && x->lex.tokens[i].depth && first && is(x, i, "*") &&
			      !is(x, i + 1, "*");
	}
	x->s->many |= commas >= MANY_ARGUMENTS - 1;
}

static void use_tokens(struct parser *x, size_t but)
{
	check_many(x);
	for (size_t i = 0; i < x->lex.tokens_n; i++) {
		if (i != but)
			add_words(x, i);
		if (x->lex.tokens[i].kind == PY_NAME)
			check_token(x, i);
	}
}

/* What a decorator that keeps the name mentions counts with the function. */
static void use_decorator(struct parser *x)
{
	if (!keeps_name(x)) {
		x->decorated = true;
		use_tokens(x, SIZE_MAX);
		return;
	}
	for (size_t i = 0; i < x->lex.tokens_n; i++)
		*vec_push(x->pending, x->pending_n, x->pending_cap) = x->lex.tokens[i];
}

static void use_pending(struct parser *x)
{
	for (size_t i = 0; i < x->pending_n; i++)
		if (x->pending[i].kind == PY_NAME)
			add_word(x, x->pending[i].at, x->pending[i].len, false);
		else if (x->pending[i].kind == PY_STRING)
			add_string(x, &x->pending[i], true);
	x->pending_n = 0;
}

/* __NAME__ = "a text" */
static bool is_about(const struct parser *x)
{
	return x->lex.tokens_n == 3 && is_kind(x, 0, PY_NAME) &&
	       is_dunder(x->lex.t + x->lex.tokens[0].at, x->lex.tokens[0].len) && is(x, 1, "=") &&
	       is_kind(x, 2, PY_STRING);
}

static void use_line(struct parser *x)
{
	size_t def = is(x, 0, "async");
	bool is_class = is(x, 0, "class");
	bool named = (is_class || is(x, def, "def")) && is_kind(x, def + 1, PY_NAME);

	while (x->open_n && x->open_indent[x->open_n - 1] >= x->lex.indent) {
		x->open_n--;
		x->indent_n--;
	}
	/* Documentation, and lists of names that say what "import *" takes. */
	if (only_strings(x) || is(x, 0, "__all__") || is_about(x))
		return;
	if (x->skip && begins(x, x->skip)) {
		open_unit(x, (struct py_unit){ .never = true, .runs_in = (uint32_t)x->s->units_n });
		return;
	}
	x->unit = current(x);
	if (is(x, 0, "@")) {
		use_decorator(x);
		return;
	}
	x->unit = unit_of_line(x, def, is_class, named);
	use_tokens(x, named ? def + 1 : SIZE_MAX);
	use_pending(x);
	open_units(x, def, is_class, named);
	x->decorated = false;
}

static int compare_units(const void *a, const void *b)
{
	const struct py_word *v = a, *w = b;

	if (v->unit != w->unit)
		return v->unit < w->unit ? -1 : 1;
	return v->at < w->at ? -1 : v->at > w->at;
}

void py_source_read(struct py_source *s, const char *text, size_t len, const char *skip)
{
	struct parser x = { .s = s, .lex = { .t = text, .n = len, .line = 1 }, .skip = skip };

	*s = (struct py_source){ .text = text };
	*vec_push(s->units, s->units_n, s->units_cap) = (struct py_unit){ .always = true };
	while (py_lex_line(&x.lex))
		use_line(&x);
	if (s->words_n)
		qsort(s->words, s->words_n, sizeof(*s->words), compare_units);
	for (size_t i = 0; i < s->words_n; i++) {
		struct py_unit *u = &s->units[s->words[i].unit];

		if (!u->words_n)
			u->words = i;
		u->words_n++;
	}
	free(x.lex.tokens);
	free(x.pending);
	free(x.open);
	free(x.open_indent);
}

void py_source_free(struct py_source *s)
{
	free(s->units);
	free(s->words);
	free(s->imports);
	free(s->dynamics);
	*s = (struct py_source){ 0 };
}
