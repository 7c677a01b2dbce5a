/* Values of items, with the errors that the language has for them. */
#include <stdlib.h>
#include <string.h>

#include "rules/ruleset.h"

const struct yaml_node *item_get(struct item *it, const char *key, bool required, int *failed)
{
	const struct yaml_node *n = yaml_get(it->node, key);

	if (n && n->kind == YAML_SCALAR && n->type == YAML_NULL) {
		*failed = ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "Mapping for key '%s' is empty",
				    key);
		return NULL;
	}
	if (!n && required)
		*failed = ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, it->node,
				    "Item has no mapping for key '%s'", key);
	return n;
}

const struct yaml_node *item_scalar(struct item *it, const char *key, bool required, int *failed)
{
	const struct yaml_node *n = item_get(it, key, required, failed);
	const char *why = NULL;

	if (!n)
		return NULL;
	if (n->kind != YAML_SCALAR)
		why = "Value is not a scalar value";
	else if (!n->n)
		why = "Value must be non-empty";
	else if (memchr(n->text, '\0', n->n))
		why = "Can't decode YAML scalar value";
	if (!why)
		return n;
	*failed = ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "%s", why);
	return NULL;
}

int item_bool(struct item *it, const char *key, bool *out)
{
	int failed = 0;
	const struct yaml_node *n = item_scalar(it, key, false, &failed);

	if (!n)
		return failed;
	if (yaml_bool(it->file, n, out, NULL))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "Can't decode YAML scalar value");
	return 0;
}

int item_u64(struct item *it, const char *key, uint64_t max, uint64_t *out)
{
	int failed = 0;
	const struct yaml_node *n = item_scalar(it, key, false, &failed);

	if (!n)
		return failed;
	if (yaml_u64(it->file, n, max, out, NULL))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "Can't decode YAML scalar value");
	return 0;
}

int item_duration(struct item *it, const struct yaml_node *map, const char *key, uint64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", UINT64_C(60) * 1000000000 },
		{ "h", UINT64_C(3600) * 1000000000 },
	};
	const struct yaml_node *n = yaml_get(map, key);
	char *end = NULL;
	uint64_t v = 0;

	if (n && n->kind == YAML_SCALAR && n->n && n->n < 12 && *n->text >= '0' && *n->text <= '9')
		v = strtoull(n->text, &end, 10);
	for (size_t i = 0; end && v && v < 1000000 && i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		*out = v * units[i].ns;
		return 0;
	}
	return ITEM_FAIL(it, RC_ERR_EXTENSION, n ? n : map,
			 "%s wants a time such as 500ms, 10s, 5m or 1h", key);
}

int item_scalars(struct item *it, const struct yaml_node *seq)
{
	if (seq->kind != YAML_SEQ)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, seq, "Value is not a sequence");
	for (uint32_t i = 0; i < seq->n; i++)
		if (seq->item[i]->kind != YAML_SCALAR ||
		    memchr(seq->item[i]->text, '\0', seq->item[i]->n))
			return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, seq->item[i],
					 "sequence value is not scalar");
	return 0;
}

void item_unknown_keys(struct item *it, const char *const *known)
{
	for (uint32_t i = 0; i < it->node->n; i++) {
		const struct yaml_node *key = it->node->pair[i].key;
		const char *const *k = known;

		while (*k && strcmp(*k, key->text))
			k++;
		if (!*k)
			ITEM_FAIL(it, RC_UNKNOWN_KEY, key,
				  "Unknown key '%s'. The key will be ignored.", key->text);
	}
}

static bool has(const char *const *keys, const char *key)
{
	for (; *keys; keys++)
		if (!strcmp(*keys, key))
			return true;
	return false;
}

enum override_op override_of(const struct item *it, const char *key)
{
	const struct yaml_node *n = yaml_get(yaml_get(it->node, "override"), key);

	if (!n)
		return OVERRIDE_NONE;
	return yaml_eq(n, "append") ? OVERRIDE_APPEND : OVERRIDE_REPLACE;
}

static int read_override(struct item *it, const struct yaml_pair *p, const char *const *can_append,
			 const char *const *can_replace, struct overrides *out)
{
	const char *key = p->key->text;
	bool append = yaml_eq(p->value, "append");

	if (!append && !yaml_eq(p->value, "replace"))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, p->value,
				 "Invalid override operation for key '%s': '%s'. Allowed values "
				 "are: append replace",
				 key, p->value->kind == YAML_SCALAR ? p->value->text : "");
	if (append && !has(can_append, key))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, p->key,
				 has(can_replace, key)
					 ? "Key '%s' cannot be appended to, use 'replace' instead"
					 : "Key '%s' cannot be appended to",
				 key);
	if (!append && !has(can_replace, key))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, p->key, "Key '%s' cannot be replaced",
				 key);
	if (!yaml_get(it->node, key))
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, p->key,
				 append ? "An append override for '%s' was specified but '%s' is "
					  "not defined"
					: "A replace override for '%s' was specified but '%s' is "
					  "not defined",
				 key, key);
	out->any = true;
	if (append && !out->append)
		out->append_key = key;
	if (!append && !out->replace)
		out->replace_key = key;
	out->append |= append;
	out->replace |= !append;
	return 0;
}

/*
 * Every other key of the item has to be named under "override", but for our own: Falco takes no
 * such entry, and would ignore the key.
 */
static int check_unnamed(struct item *it, const char *const *can_append,
			 const char *const *can_replace)
{
	for (uint32_t i = 0; i < it->node->n; i++) {
		const struct yaml_node *key = it->node->pair[i].key;

		if ((has(can_append, key->text) || has(can_replace, key->text)) &&
		    !is_own_key(key->text) && !override_of(it, key->text))
			return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, key,
					 "Unexpected key '%s': no corresponding entry under "
					 "'override' is defined.",
					 key->text);
	}
	return 0;
}

int read_overrides(struct item *it, const char *const *can_append, const char *const *can_replace,
		   struct overrides *out)
{
	const struct yaml_node *n = yaml_get(it->node, "override");
	int r;

	*out = (struct overrides){ 0 };
	if (item_bool(it, "append", &out->legacy))
		return -EINVAL;
	if (out->legacy && n)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n,
				 "Keys 'override' and 'append: true' cannot be used together. Add "
				 "an 'append' entry (e.g. 'condition: append') under 'override' "
				 "instead.");
	if (out->legacy)
		ITEM_FAIL(it, RC_DEPRECATED_ITEM, yaml_get(it->node, "append"),
			  "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: "
			  "append') under 'override' instead.");
	if (n && n->kind != YAML_MAP)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "'override' is not a map");
	for (uint32_t i = 0; n && i < n->n; i++) {
		r = read_override(it, &n->pair[i], can_append, can_replace, out);
		if (r)
			return r;
	}
	return out->any ? check_unnamed(it, can_append, can_replace) : 0;
}
