/* The text of AppArmor profiles: statements, words, variables. Syntax: apparmor.d(5). */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "import/apparmor_private.h"

int aa_err(struct aa *a, const char *name, unsigned line, unsigned col, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(a->e, EINVAL, "%s:%u:%u: %s", name, line, col, text);
}

static char peek(const struct aa_text *t)
{
	return t->p < t->end ? *t->p : '\0';
}

static char take(struct aa_text *t)
{
	char c = *t->p++;

	if (c == '\n') {
		t->line++;
		t->col = 1;
	} else {
		t->col++;
	}
	return c;
}

static bool at_include(const struct aa_text *t)
{
	static const char word[] = "#include";

	return (size_t)(t->end - t->p) > strlen(word) && !memcmp(t->p, word, strlen(word)) &&
	       isspace((unsigned char)t->p[strlen(word)]);
}

/* Blanks and comments; with `stop` not beyond the end of the line. True when the line ended. */
static bool skip_blank(struct aa_text *t, bool stop)
{
	for (char c; (c = peek(t));) {
		if (c == '\n' && stop)
			return true;
		if (c == '#' && !at_include(t)) {
			while (peek(t) && peek(t) != '\n')
				take(t);
			continue;
		}
		if (!isspace((unsigned char)c))
			return false;
		take(t);
	}
	return true;
}

static bool is_assign(const char *s)
{
	return *s == '=' || (*s == '+' && s[1] == '=');
}

/* Whether the statement so far is one that its line ends: include, an assignment. */
static bool ends_with_line(const struct aa_text *t, const struct aa_rule *r)
{
	const char *first = r->n ? r->word[0] : "", *close;

	if (!strcmp(first, "include") || !strcmp(first, "#include") || *first == '$')
		return true;
	close = strncmp(first, "@{", 2) ? NULL : strchr(first, '}');
	if (!close)
		return false;
	if (close[1])
		return is_assign(close + 1);
	return r->n > 1 ? is_assign(r->word[1]) : t->end - t->p > 1 && is_assign(t->p);
}

/* One word; a comma or brace that ends the statement is left. */
static int take_word(struct aa *a, struct aa_text *t, struct aa_rule *r, bool line_ends)
{
	cleanup_buf struct buf word = { 0 };
	bool quote = peek(t) == '"', quoted = quote;
	unsigned depth = 0, line = t->line, col = t->col;

	if (quote)
		take(t);
	while (peek(t)) {
		char c = peek(t);

		if (quote ? c == '"' : isspace((unsigned char)c) && !depth)
			break;
		if (!quote && c == ',' && !depth && !line_ends)
			break;
		if (!quote && (c == '{' || c == '(' || c == '['))
			depth++;
		if (!quote && (c == '}' || c == ')' || c == ']') && depth)
			depth--;
		else if (!quote && c == '}')
			break;
		buf_putc(&word, take(t));
		if (c == '\\' && peek(t))
			buf_putc(&word, take(t));
	}
	if (quote && peek(t) != '"')
		return aa_err(a, t->name, line, col, "expected '\"' at the end of the string");
	if (quote)
		take(t);
	if (depth)
		return aa_err(a, t->name, line, col, "a bracket is not closed");
	if (r->n == AA_MAX_WORDS)
		return aa_err(a, t->name, line, col, "more than %d words in a rule", AA_MAX_WORDS);
	r->quoted[r->n] = quoted;
	r->word[r->n++] = arena_strndup(&a->arena, buf_str(&word), word.len);
	return 0;
}

/* A brace that opens a block stands alone; one that belongs to a glob touches it. */
static bool opens_block(const struct aa_text *t)
{
	return *t->p == '{' && (t->p + 1 == t->end || isspace((unsigned char)t->p[1]));
}

int aa_next(struct aa *a, struct aa_text *t, struct aa_rule *r)
{
	int rc = 0;

	skip_blank(t, false);
	*r = (struct aa_rule){ .name = t->name, .line = t->line, .col = t->col };
	while (!rc) {
		bool line_ends;
		char c;

		while (r->n && t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
			take(t);
		line_ends = ends_with_line(t, r);
		if (skip_blank(t, line_ends)) {
			r->end = line_ends ? '\n' : '\0';
			if (r->n && !line_ends)
				return aa_err(a, t->name, r->line, r->col,
					      "expected ',' at the end of the rule");
			return 0;
		}
		c = peek(t);
		if ((c == ',' && !line_ends) || c == '}' || opens_block(t)) {
			if (c == '}' && r->n)
				return aa_err(a, t->name, t->line, t->col,
					      "expected ',' before '}'");
			r->end = take(t);
			return 0;
		}
		rc = take_word(a, t, r, line_ends);
	}
	return rc;
}

static struct aa_var *variable(struct aa *a, const char *name, size_t n)
{
	void **slot = map_at(&a->vars, name, n);

	if (!*slot) {
		*slot = arena_alloc(&a->arena, sizeof(struct aa_var));
		*vec_push(a->vars_list, a->vars_n, a->vars_cap) = *slot;
	}
	return *slot;
}

/* "@{X}=a b", "@{X} = a", "@{X} += c", with the values as words of their own. */
bool aa_assignment(struct aa *a, const struct aa_rule *r)
{
	const char *name = r->n ? r->word[0] : "", *close = strchr(name, '}'), *eq;
	struct aa_var *v;
	unsigned first;

	if (r->end != '\n' || strncmp(name, "@{", 2) != 0 || !close)
		return false;
	eq = close[1] ? close + 1 : r->n > 1 ? r->word[1] : "";
	first = close[1] ? 1 : 2;
	if (strncmp(eq, "=", 1) != 0 && strncmp(eq, "+=", 2) != 0)
		return false;
	v = variable(a, name + 2, (size_t)(close - name) - 2);
	if (*eq == '=')
		v->n = 0;
	eq += strspn(eq, "+=");
	if (*eq)
		*vec_push(v->value, v->n, v->cap) = eq;
	for (unsigned i = first; i < r->n; i++)
		*vec_push(v->value, v->n, v->cap) = r->word[i];
	return true;
}

/* Ids are patterns of the model themselves; their definition lists every digit. */
static bool is_id(const char *name, size_t n)
{
	return (n == 3 && (!memcmp(name, "pid", 3) || !memcmp(name, "tid", 3))) ||
	       (n == 4 && !memcmp(name, "pids", 4));
}

static bool put_values(struct aa *a, const struct aa_var *v, unsigned depth, struct buf *out)
{
	if (v->n > 1)
		buf_putc(out, '{');
	for (size_t i = 0; i < v->n; i++) {
		const char *one = aa_expand(a, v->value[i], depth + 1);

		if (!one)
			return false;
		if (i)
			buf_putc(out, ',');
		buf_puts(out, one);
	}
	if (v->n > 1)
		buf_putc(out, '}');
	return v->n;
}

const char *aa_expand(struct aa *a, const char *text, unsigned depth)
{
	cleanup_buf struct buf out = { .max = WL_MAX_PATH };

	if (depth > AA_MAX_DEPTH)
		return NULL;
	while (*text) {
		const char *close = text[0] == '@' && text[1] == '{' ? strchr(text, '}') : NULL;
		size_t n = close ? (size_t)(close - text) - 2 : 0;
		void **slot;

		if (*text == '\\' && text[1]) {
			buf_append(&out, text, 2);
			text += 2;
			continue;
		}
		if (!close || is_id(text + 2, n)) {
			buf_append(&out, text, close ? n + 3 : 1);
			text += close ? n + 3 : 1;
			continue;
		}
		slot = map_find(&a->vars, text + 2, n);
		if (!slot || !*slot || !put_values(a, *slot, depth, &out))
			return NULL;
		text = close + 1;
	}
	return out.overflow ? NULL : arena_strdup(&a->arena, buf_str(&out));
}
