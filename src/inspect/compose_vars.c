/* Variables of Compose files, as far as the file itself says what they are (compose-spec, 12). */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "inspect/document.h"

enum { DEPTH = 16 }; /* of defaults in defaults */

static void expand(struct buf *out, const char *p, const char *end, unsigned depth);

/* The brace that closes the one before `p`; NULL: there is none. */
static const char *closing(const char *p, const char *end)
{
	unsigned open = 1;

	for (; p < end; p++) {
		if (*p == '}' && --open == 0)
			return p;
		if (*p == '{' && p[-1] == '$')
			open++;
	}
	return NULL;
}

static const char *behind_name(const char *p, const char *end)
{
	if (p < end && isdigit((unsigned char)*p))
		return p;
	while (p < end && (isalnum((unsigned char)*p) || *p == '_'))
		p++;
	return p;
}

/* What stands between the braces: a name, and what holds when nobody gives it a value. */
static void expand_braces(struct buf *out, const char *p, const char *end, unsigned depth)
{
	const char *word = behind_name(p, end), *name_end = word;

	word += word < end && *word == ':';
	if (word < end && *word == '-' && depth < DEPTH)
		expand(out, word + 1, end, depth + 1);
	else if (word == end || *word != '+')
		buf_printf(out, "${%.*s}", (int)(name_end - p), p);
}

static void expand(struct buf *out, const char *p, const char *end, unsigned depth)
{
	while (p < end) {
		const char *dollar = memchr(p, '$', (size_t)(end - p)), *close;

		buf_append(out, p, (size_t)((dollar ? dollar : end) - p));
		if (!dollar)
			return;
		p = dollar + 1;
		close = p < end && *p == '{' ? closing(p + 1, end) : NULL;
		if (close) {
			expand_braces(out, p + 1, close, depth);
			p = close + 1;
		} else {
			buf_append(out, "$", 1);
			p += p < end && *p == '$';
		}
	}
}

/* Compose takes the texts "true" and "100" for these. */
static bool is_cast(const struct yaml_node *n)
{
	static const char *const keys[] = { "privileged", "read_only", "pids_limit", "pids" };

	for (size_t i = 0; n->key && i < ARRAY_SIZE(keys); i++)
		if (!strcmp(n->key->text, keys[i]))
			return true;
	return false;
}

static void expand_scalar(struct arena *a, struct yaml_node *n)
{
	cleanup_buf struct buf out = { 0 };

	if (n->type != YAML_STR || strlen(n->text) != n->n)
		return;
	if (strchr(n->text, '$')) {
		expand(&out, n->text, n->text + n->n, 0);
		n->text = arena_strndup(a, out.p ? out.p : "", out.len);
		n->n = (uint32_t)out.len;
	}
	if (is_cast(n))
		n->type = yaml_plain_type(n->text, n->n);
}

void ins_compose_vars(struct arena *a, struct yaml_node *n)
{
	if (n->kind == YAML_SCALAR) {
		expand_scalar(a, n);
		return;
	}
	for (uint32_t i = 0; i < n->n; i++)
		ins_compose_vars(a, n->kind == YAML_MAP ? n->pair[i].value : n->item[i]);
}
