#include "elf/js_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/mem.h"
#include "elf/js_lex.h"

enum {
	MAX_DEPTH = 200,       /* brackets inside of each other that are told apart */
	MAX_NAMES_STRING = 80, /* bytes of a string that may be a name */
	MAX_BOUND = 256,       /* variables that hold modules */
	MAX_DYNAMIC = 16,
};

/* What brackets are around the tokens at hand. */
enum context { IN_BLOCK, IN_CLASS, IN_LITERAL, IN_PATTERN, IN_OTHER };

struct parser {
	struct js_source *s;
	const char *t;
	struct js_tokens tokens;
	bool own; /* of a script, not of node */
	unsigned depth;
	struct map indexed; /* variables from which something is taken by a name that is made */
};

/* Names that the language itself looks up. */
static bool is_implicit(const char *p, size_t n)
{
	static const char *const names[] = {
		"constructor",
		"toString",
		"toJSON",
		"valueOf",
		"then",
		"next",
		"return",
		"throw",
		"get",
		"set",
		"has",
		"apply",
		"construct",
		"ownKeys",
		"deleteProperty",
		"defineProperty",
		"exports",
		"default",
		"value",
		"getOwnPropertyDescriptor",
		"prototype",
		"__proto__",
		"handleEvent",
		"getPrototypeOf",
		"message",
		"setPrototypeOf",
		"stack",
		"isExtensible",
		"name",
		"exec",
		"flags",
		"preventExtensions",
		"prepareStackTrace",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], p, n))
			return true;
	return js_is_keyword(p, n);
}

/* Functions of node's own files that keep the function they are given for later. */
static bool only_keeps(const char *p, size_t n)
{
	static const char *const names[] = { "wrapIdSetter", "deprecate", "hideStackFrames",
					     "ObjectFreeze", "Symbol",	  "SymbolFor" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && !memcmp(names[i], p, n))
			return true;
	return false;
}

static const struct js_token *token(const struct parser *x, uint32_t i)
{
	return i < x->tokens.n ? &x->tokens.v[i] : NULL;
}

/* Whether token i is the name or sign; i may be out of bounds. */
static bool is(const struct parser *x, uint32_t i, const char *text)
{
	const struct js_token *k = token(x, i);

	return k && (k->kind == JS_NAME || k->kind == JS_SIGN) && k->len == strlen(text) &&
	       !memcmp(x->t + k->at, text, k->len);
}

static bool is_one_of(const struct parser *x, uint32_t i, const char *signs)
{
	const struct js_token *k = token(x, i);

	return k && k->kind == JS_SIGN && k->len == 1 && strchr(signs, x->t[k->at]);
}

static bool is_name(const struct parser *x, uint32_t i)
{
	const struct js_token *k = token(x, i);

	return k && k->kind == JS_NAME;
}

static bool is_word(const struct parser *x, uint32_t i)
{
	return is_name(x, i) && !js_is_keyword(x->t + x->tokens.v[i].at, x->tokens.v[i].len);
}

static bool has_unit_name(const struct parser *x, uint32_t i)
{
	return is_name(x, i) && !is_implicit(x->t + x->tokens.v[i].at, x->tokens.v[i].len);
}

static bool same(const struct parser *x, uint32_t a, uint32_t b)
{
	const struct js_token *v = token(x, a), *w = token(x, b);

	return v && w && v->len == w->len && !memcmp(x->t + v->at, x->t + w->at, v->len);
}

/* Behind the bracket that token i opens. */
static uint32_t behind(const struct parser *x, uint32_t i)
{
	return x->tokens.v[i].match == JS_NONE ? i + 1 : x->tokens.v[i].match + 1;
}

static bool opens(const struct parser *x, uint32_t i)
{
	const struct js_token *k = token(x, i);

	return k && k->match != JS_NONE && k->match > i;
}

/* The end of an expression that begins at i: a comma or the end of what is around it. */
static uint32_t end_of(const struct parser *x, uint32_t i, uint32_t end)
{
	while (i < end && !is_one_of(x, i, ",;)]}"))
		i = opens(x, i) ? behind(x, i) : i + 1;
	return i < end ? i : end;
}

/* The first token of the body of a function expression that begins at i; JS_NONE: there is none. */
static uint32_t body_of(const struct parser *x, uint32_t i)
{
	i += is(x, i, "async");
	if (is(x, i, "function")) {
		i++;
		i += is(x, i, "*");
		i += is_name(x, i);
		if (!is(x, i, "(") || !opens(x, i))
			return JS_NONE;
		i = behind(x, i);
		return is(x, i, "{") && opens(x, i) ? i : JS_NONE;
	}
	if (is(x, i, "(") && opens(x, i) && is(x, behind(x, i), "=>"))
		return behind(x, i) + 1;
	if (is_name(x, i) && is(x, i + 1, "=>"))
		return i + 2;
	return JS_NONE;
}

/* "(" at i is that of a call; of a method with a body or a known function it is not. */
static bool is_call(const struct parser *x, uint32_t i)
{
	const struct js_token *f = token(x, i - 1);

	if (is_one_of(x, i - 1, ")]"))
		return true;
	if (!is_word(x, i - 1))
		return is(x, i - 1, "super") || is(x, i - 1, "import");
	return !only_keeps(x->t + f->at, f->len);
}

static bool is_method(const struct parser *x, uint32_t i)
{
	return is_name(x, i) && is(x, i + 1, "(") && opens(x, i + 1) &&
	       is(x, behind(x, i + 1), "{") && opens(x, behind(x, i + 1)) &&
	       !x->tokens.v[behind(x, i + 1)].line;
}

/* Whether anything is called when the expression is evaluated; bodies of functions run later. */
static bool has_call(const struct parser *x, uint32_t i, uint32_t end)
{
	for (uint32_t first = i; i < end;) {
		uint32_t body = body_of(x, i);

		if (body != JS_NONE && body < end) {
			i = is(x, body, "{") && opens(x, body) ? behind(x, body)
							       : end_of(x, body, end);
			if (is(x, i, "("))
				return true; /* it is called at once */
		} else if (is(x, i, "class") || is(x, i, "new") || is(x, i, "await") ||
			   is(x, i, "yield")) {
			return true;
		} else if (i > first && is_word(x, i) && is_method(x, i) && !is(x, i - 1, ".")) {
			i = behind(x, behind(x, i + 1));
		} else if (i > first && is(x, i, "(") && is_call(x, i)) {
			return true;
		} else if (i > first && x->tokens.v[i].kind == JS_TEMPLATE &&
			   (is_word(x, i - 1) || is_one_of(x, i - 1, ")]"))) {
			return true;
		} else {
			i++;
		}
	}
	return false;
}

/* Whether "{" at i begins what values are taken apart with: const { a } = b, ({ a }) => … */
static bool is_pattern(const struct parser *x, uint32_t i)
{
	for (;;) {
		uint32_t next = behind(x, i), outer = x->tokens.v[i].outer;

		if ((is(x, next, "=") && !is(x, next + 1, "=")) || is(x, next, "of") ||
		    is(x, next, "in") || is(x, i - 1, "const") || is(x, i - 1, "let") ||
		    is(x, i - 1, "var"))
			return true;
		if (is(x, i - 1, "="))
			return false;
		if (outer == JS_NONE)
			return false;
		if (is(x, outer, "("))
			return is(x, behind(x, outer), "=>") || is(x, behind(x, outer), "{");
		if (!is_one_of(x, outer, "[{"))
			return false;
		i = outer;
	}
}

/* Variables from which something is taken by a name that is made: NAME[…] */
static void find_indexed(struct parser *x)
{
	for (uint32_t i = 0; i + 1 < x->tokens.n; i++)
		if (is_name(x, i) && is(x, i + 1, "[") && !x->tokens.v[i + 1].line)
			*map_at(&x->indexed, x->t + x->tokens.v[i].at, x->tokens.v[i].len) = x;
}

static bool is_indexed(const struct parser *x, uint32_t name)
{
	const struct js_token *k = &x->tokens.v[name];

	return map_find(&x->indexed, x->t + k->at, k->len) != NULL;
}

/* What the brackets at i, which are inside of `around`, hold. */
static enum context context_of(const struct parser *x, uint32_t i, enum context around)
{
	bool value;

	if (!is(x, i, "{"))
		return IN_OTHER;
	if (is_pattern(x, i))
		return IN_PATTERN;
	value = is_one_of(x, i - 1, "=(,[?|&") || is(x, i - 1, "return") ||
		(is(x, i - 1, ":") && around != IN_BLOCK);
	if (!value || !i)
		return IN_BLOCK;
	if (is_one_of(x, i - 1, "=:") && is_name(x, i - 2) && is_indexed(x, i - 2))
		return IN_OTHER;
	return IN_LITERAL;
}

static uint32_t add_unit(struct parser *x, uint32_t parent, uint32_t name)
{
	const struct js_token *k = &x->tokens.v[name];

	*vec_push(x->s->units, x->s->units_n, x->s->units_cap) =
		(struct js_unit){ .parent = parent, .at = k->at, .len = k->len };
	return (uint32_t)x->s->units_n - 1;
}

static void add_word(struct parser *x, uint32_t unit, uint32_t at, uint32_t len)
{
	*vec_push(x->s->words, x->s->words_n,
		  x->s->words_cap) = (struct js_word){ .unit = unit, .at = at, .len = len };
}

static void add_load(struct parser *x, uint32_t unit, uint32_t i, enum js_load_kind kind)
{
	const struct js_token *k = &x->tokens.v[i];

	*vec_push(x->s->loads, x->s->loads_n, x->s->loads_cap) =
		(struct js_load){ .unit = unit, .at = k->at, .len = k->len, .kind = (uint8_t)kind };
}

static void add_dynamic(struct parser *x, enum js_dynamic_kind kind, uint32_t i)
{
	const struct js_token *k = &x->tokens.v[i];
	uint32_t line = 1;

	if (x->s->dynamics_n >= MAX_DYNAMIC)
		return;
	for (uint32_t c = 0; c < k->at; c++)
		line += x->t[c] == '\n';
	*vec_push(x->s->dynamics, x->s->dynamics_n, x->s->dynamics_cap) = (struct js_dynamic){
		.line = line, .kind = (uint8_t)kind, .at = k->at, .len = k->len
	};
}

/* The function whose call token i is an argument of: "lazy" in its name says that it loads it. */
static bool in_lazy_call(const struct parser *x, uint32_t i)
{
	uint32_t open = x->tokens.v[i].outer;
	const struct js_token *f;

	if (open == JS_NONE || !open || !is(x, open, "(") || !is_name(x, open - 1))
		return false;
	f = &x->tokens.v[open - 1];
	return memmem(x->t + f->at, f->len, "azy", 3) != NULL;
}

/* A string that is only compared: a === "x", case "x": */
static bool is_compared(const struct parser *x, uint32_t i)
{
	if (i > 1 && is(x, i - 1, "=") && is_one_of(x, i - 2, "=!"))
		return true;
	if (i && is(x, i - 1, "case"))
		return is(x, i + 1, ":");
	return is_one_of(x, i + 1, "=!") && is(x, i + 2, "=");
}

/*
 * Names in a string: all words when it consists of nothing else. In node's own files, of which it
 * is known, several words are a text.
 */
static void add_string(struct parser *x, uint32_t unit, uint32_t i)
{
	const struct js_token *k = &x->tokens.v[i];
	uint32_t end = k->at + k->len;
	bool names = k->len < MAX_NAMES_STRING && !is_compared(x, i);

	for (uint32_t c = k->at; names && c < end; c++)
		names = js_is_name_char(x->t[c]) || strchr(x->own ? "., -:" : ".-:", x->t[c]);
	for (uint32_t c = k->at; names && c < end; c++) {
		uint32_t from = c;

		while (c < end && js_is_name_char(x->t[c]))
			c++;
		if (c > from)
			add_word(x, unit, from, c - from);
	}
}

static void use_string(struct parser *x, uint32_t unit, uint32_t i)
{
	const struct js_token *k = &x->tokens.v[i];
	bool first = i > 1 && is(x, i - 1, "(");

	add_string(x, unit, i);
	if (k->kind != JS_STRING)
		return;
	if ((first && (is(x, i - 2, "require") || is(x, i - 2, "requireBuiltin") ||
		       is(x, i - 2, "import"))) ||
	    is(x, i - 1, "from") || is(x, i - 1, "import"))
		add_load(x, unit, i, JS_LOAD_MODULE);
	else if (first && is(x, i - 2, "internalBinding"))
		add_load(x, unit, i, JS_LOAD_BINDING);
	else if (memchr(x->t + k->at, '/', k->len) || in_lazy_call(x, i))
		add_load(x, unit, i, JS_LOAD_MAYBE);
}

static void walk(struct parser *x, uint32_t i, uint32_t end, uint32_t unit, enum context in);

/* Goes into brackets; too deep ones are not told apart. The token behind. */
static uint32_t walk_group(struct parser *x, uint32_t i, uint32_t unit, enum context in)
{
	uint32_t end = x->tokens.v[i].match;

	x->depth++;
	walk(x, i + 1, end, unit, x->depth < MAX_DEPTH ? in : IN_OTHER);
	x->depth--;
	return end + 1;
}

/* function NAME(…) {…} as a statement; 0: it is none. */
static uint32_t walk_function(struct parser *x, uint32_t i, uint32_t unit)
{
	bool statement = !i || is_one_of(x, i - 1, ";{})");
	uint32_t own;

	i += is(x, i, "async");
	if (!statement || !is(x, i, "function"))
		return 0;
	i += 1 + is(x, i + 1, "*");
	if (!has_unit_name(x, i) || !is_method(x, i))
		return 0;
	own = add_unit(x, unit, i);
	i = walk_group(x, i + 1, own, IN_OTHER);
	return walk_group(x, i, own, IN_BLOCK);
}

/* class NAME extends … {…} */
static uint32_t walk_class(struct parser *x, uint32_t i, uint32_t unit)
{
	bool named = has_unit_name(x, i + 1);
	uint32_t own = named ? add_unit(x, unit, i + 1) : unit, body = i + 1 + named;

	while (body < x->tokens.n && !is(x, body, "{") && !is_one_of(x, body, ";)]}"))
		body = is(x, body, "(") && opens(x, body) ? behind(x, body) : body + 1;
	walk(x, i + 1 + named, body, unit, IN_OTHER);
	return is(x, body, "{") && opens(x, body) ? walk_group(x, body, own, IN_CLASS) : body;
}

/* NAME(…) {…} in a class or an object. What is read or set as a member counts with what is around.
 */
static uint32_t walk_method(struct parser *x, uint32_t i, uint32_t unit)
{
	bool member = is(x, i - 1, "get") || is(x, i - 1, "set");
	uint32_t own = member || !has_unit_name(x, i) ? unit : add_unit(x, unit, i);

	i = walk_group(x, i + 1, own, IN_OTHER);
	return walk_group(x, i, own, IN_BLOCK);
}

/* NAME: value, or NAME by itself, in an object; 0: it counts with what is around. */
static uint32_t walk_member(struct parser *x, uint32_t i, uint32_t end, uint32_t unit)
{
	uint32_t stop, own;

	if (!is_one_of(x, i - 1, "{,") || !has_unit_name(x, i))
		return 0;
	if (is_one_of(x, i + 1, ",}")) {
		own = add_unit(x, unit, i);
		add_word(x, own, x->tokens.v[i].at, x->tokens.v[i].len);
		return i + 1;
	}
	stop = end_of(x, i + 2, end);
	if (!is(x, i + 1, ":") || has_call(x, i + 2, stop))
		return 0;
	own = add_unit(x, unit, i);
	walk(x, i + 2, stop, own, IN_OTHER);
	return stop;
}

/*
 * NAME: OTHER, or NAME, where values are taken apart. A variable of the member's name needs no
 * unit: who mentions it mentions the member.
 */
static uint32_t walk_taken(struct parser *x, uint32_t i, uint32_t unit)
{
	if (!is_one_of(x, i - 1, "{,"))
		return 0;
	if (is_one_of(x, i + 1, ",}"))
		return i + 1;
	if (is(x, i + 1, ":") && has_unit_name(x, i + 2) && is_one_of(x, i + 3, ",}")) {
		uint32_t own = add_unit(x, unit, i + 2);

		add_word(x, own, x->tokens.v[i].at, x->tokens.v[i].len);
		return i + 3;
	}
	return 0;
}

/* A.B = value; or const A = value; 0: it is something else, or the value is called for. */
static uint32_t walk_assignment(struct parser *x, uint32_t i, uint32_t end, uint32_t unit)
{
	bool declares = is(x, i, "const") || is(x, i, "let") || is(x, i, "var");
	uint32_t name = i + declares, stop, own;

	if (i && !is_one_of(x, i - 1, ";{})") && !x->tokens.v[i].line)
		return 0;
	for (; declares && is_name(x, name) && is_one_of(x, name + 1, ";,"); name += 2)
		if (is(x, name + 1, ";") || !is_name(x, name + 2))
			return name + 1;
	while (!declares && is_name(x, name) && is(x, name + 1, ".") && is_name(x, name + 2))
		name += 2;
	if (!declares && name == i)
		return 0;
	if (!is(x, name + 1, "=") || is(x, name + 2, "="))
		return 0;
	stop = end_of(x, name + 2, end);
	if (!is(x, stop, ";") || !has_unit_name(x, name) || has_call(x, name + 2, stop)) {
		/* The name itself is only given. */
		if (!declares)
			walk(x, i, name, unit, IN_OTHER);
		return name + 1;
	}
	own = add_unit(x, unit, name);
	if (!declares)
		walk(x, i, name, own, IN_OTHER);
	walk(x, name + 2, stop, own, IN_OTHER);
	return stop + 1;
}

/* A name; the token behind what was read. */
static uint32_t walk_name(struct parser *x, uint32_t i, uint32_t end, uint32_t unit,
			  enum context in)
{
	uint32_t next = 0;

	if (is(x, i, "function") || is(x, i, "async"))
		next = walk_function(x, i, unit);
	else if (is(x, i, "class") && !is(x, i - 1, ".") && !is(x, i + 1, ":"))
		next = walk_class(x, i, unit);
	else if ((in == IN_CLASS || in == IN_LITERAL) && is_word(x, i) && is_method(x, i) &&
		 !is(x, i - 1, "."))
		next = walk_method(x, i, unit);
	else if (in == IN_LITERAL)
		next = walk_member(x, i, end, unit);
	else if (in == IN_PATTERN)
		next = walk_taken(x, i, unit);
	else if (in == IN_BLOCK)
		next = walk_assignment(x, i, end, unit);
	if (next)
		return next;
	/* The function that gets a property is not called by that. */
	if (is(x, i - 1, "(") && is(x, i - 2, "ObjectDefineProperty") && is(x, i + 1, ","))
		return i + 1;
	add_word(x, unit, x->tokens.v[i].at, x->tokens.v[i].len);
	return i + 1;
}

static void walk(struct parser *x, uint32_t i, uint32_t end, uint32_t unit, enum context in)
{
	while (i < end) {
		const struct js_token *k = &x->tokens.v[i];

		if (k->kind == JS_NAME && x->depth < MAX_DEPTH)
			i = walk_name(x, i, end, unit, in);
		else if (k->kind == JS_NAME)
			add_word(x, unit, k->at, k->len), i++;
		else if (k->kind == JS_STRING || k->kind == JS_TEMPLATE)
			use_string(x, unit, i++);
		else if (opens(x, i) && x->depth < MAX_DEPTH)
			i = walk_group(x, i, unit, context_of(x, i, in));
		else
			i++;
	}
}

/* What stands in front of "= require(" or as a name behind "import": it is bound to a module. */
static bool is_bound(const struct parser *x, uint32_t i)
{
	uint32_t value = i + 2 + is(x, i + 2, "await");

	if (!is_word(x, i))
		return false;
	if (is(x, i + 1, "="))
		return (is(x, value, "require") || is(x, value, "import")) && is(x, value + 1, "(");
	return (is(x, i - 1, "import") && (is(x, i + 1, "from") || is(x, i + 1, ","))) ||
	       (is(x, i - 1, "as") && is(x, i - 2, "*"));
}

static bool is_constant_index(const struct parser *x, uint32_t i)
{
	const struct js_token *k = token(x, i + 1);

	return k && (k->kind == JS_NUMBER || k->kind == JS_STRING) && is(x, i + 2, "]");
}

/* A use of such a name by which it can only be asked for names that are written: X.a, X(…). */
static bool is_plain_use(const struct parser *x, uint32_t i, bool members)
{
	if (is(x, i - 1, ".") || is(x, i + 1, ":"))
		return true; /* a member of something else */
	if (is(x, i - 1, "=") && is(x, i - 2, "}"))
		return true;
	if (!is(x, i + 1, ".") && !is(x, i + 1, "(") &&
	    !(is(x, i + 1, "?") && is(x, i + 2, ".") && is_name(x, i + 3)))
		return is(x, i + 1, "[") && is_constant_index(x, i + 1);
	while (members && is(x, i + 1, ".") && is_name(x, i + 2))
		i += 2;
	return !is(x, i + 1, "[") || is_constant_index(x, i + 1);
}

static void check_objects(struct parser *x, uint32_t bound)
{
	for (uint32_t i = 0; i < x->tokens.n; i++)
		if (i != bound && is_name(x, i) && same(x, i, bound) && !is_plain_use(x, i, true) &&
		    !is_bound(x, i))
			add_dynamic(x, JS_DYNAMIC_OBJECT, i);
}

/* Variables that hold modules. */
static void check_bound(struct parser *x)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < x->tokens.n; i++) {
		if (!is_bound(x, i))
			continue;
		if (++n > MAX_BOUND) {
			add_dynamic(x, JS_DYNAMIC_OBJECT, i);
			return;
		}
		check_objects(x, i);
	}
}

static bool is_string_argument(const struct parser *x, uint32_t i)
{
	return token(x, i) && x->tokens.v[i].kind == JS_STRING && is(x, i + 1, ")");
}

static void check_token(struct parser *x, uint32_t i)
{
	static const char *const code[] = { "eval",	"Function",	   "_linkedBinding",
					    "dlopen",	"createRequire",   "mainModule",
					    "_load",	"constructor",	   "importScripts",
					    "_compile", "getBuiltinModule" };
	static const char *const globals[] = { "process", "globalThis", "global" };
	bool member = i && is(x, i - 1, ".");

	for (size_t k = 0; k < ARRAY_SIZE(code); k++)
		if (is(x, i, code[k]) && (strcmp(code[k], "constructor") != 0 || member))
			add_dynamic(x, JS_DYNAMIC_CODE, i);
	if (member && is(x, i, "binding"))
		add_dynamic(x, JS_DYNAMIC_CODE, i);
	for (size_t k = 0; !member && k < ARRAY_SIZE(globals); k++)
		if (is(x, i, globals[k]) && !is_plain_use(x, i, false))
			add_dynamic(x, JS_DYNAMIC_OBJECT, i);
	if (is(x, i, "require") && !(is(x, i + 1, "(") && is_string_argument(x, i + 2)) &&
	    !(is(x, i + 1, ".") && is(x, i + 2, "main")))
		add_dynamic(x, JS_DYNAMIC_LOAD, i);
	if (is(x, i, "require") && is(x, i + 1, "(") && is(x, i + 4, "[") &&
	    !is_constant_index(x, i + 4))
		add_dynamic(x, JS_DYNAMIC_OBJECT, i);
	if (is(x, i, "import") && is(x, i + 1, "(") && !is_string_argument(x, i + 2))
		add_dynamic(x, JS_DYNAMIC_LOAD, i);
}

static int compare_units(const void *a, const void *b)
{
	const struct js_word *v = a, *w = b;

	if (v->unit != w->unit)
		return v->unit < w->unit ? -1 : 1;
	return v->at < w->at ? -1 : v->at > w->at;
}

void js_source_read(struct js_source *s, const char *text, size_t len, bool check)
{
	struct parser x = { .s = s, .t = text, .own = check };

	*s = (struct js_source){ .text = text };
	*vec_push(s->units, s->units_n, s->units_cap) = (struct js_unit){ 0 };
	js_lex(&x.tokens, text, len);
	find_indexed(&x);
	walk(&x, 0, (uint32_t)x.tokens.n, 0, IN_BLOCK);
	for (uint32_t i = 0; check && i < x.tokens.n; i++)
		if (x.tokens.v[i].kind == JS_NAME)
			check_token(&x, i);
	if (check)
		check_bound(&x);
	map_free(&x.indexed);
	js_tokens_free(&x.tokens);
	if (s->words_n)
		qsort(s->words, s->words_n, sizeof(*s->words), compare_units);
	for (size_t i = 0; i < s->words_n; i++) {
		struct js_unit *u = &s->units[s->words[i].unit];

		if (!u->words_n)
			u->words = i;
		u->words_n++;
	}
}

void js_source_free(struct js_source *s)
{
	free(s->units);
	free(s->words);
	free(s->loads);
	free(s->dynamics);
	*s = (struct js_source){ 0 };
}
