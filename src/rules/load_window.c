/* Our own keys of a rule: count, sequence, respond, false_positives, distinct_findings. Elsewhere
 * they are unknown and ignored. */
#include <string.h>

#include "base/mem.h"
#include "rules/ruleset.h"

#define FAIL(it, node, ...) ITEM_FAIL(it, RC_ERR_EXTENSION, node, __VA_ARGS__)

static int check_keys(struct item *it, const struct yaml_node *map, const char *const *known)
{
	if (map->kind != YAML_MAP)
		return FAIL(it, map, "a map is expected here");
	for (uint32_t i = 0; i < map->n; i++) {
		const char *const *k = known;

		while (*k && strcmp(*k, map->pair[i].key->text))
			k++;
		if (!*k)
			return FAIL(it, map->pair[i].key, "unknown key '%s'",
				    map->pair[i].key->text);
	}
	return 0;
}

/* A scalar or a sequence of scalars. */
static int read_texts(struct item *it, const struct yaml_node *n, struct place **out, size_t *count)
{
	*count = n->kind == YAML_SEQ ? n->n : 1;
	*out = arena_alloc(&it->r->arena, (*count + 1) * sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		const struct yaml_node *v = n->kind == YAML_SEQ ? n->item[i] : n;

		if (v->kind != YAML_SCALAR || !v->n || memchr(v->text, '\0', v->n))
			return FAIL(it, v, "a text is expected here");
		(*out)[i] = (struct place){ it->file, v };
	}
	return 0;
}

static int read_common(struct item *it, const struct yaml_node *map, struct window_spec *w)
{
	const struct yaml_node *by = yaml_get(map, "by");
	int failed = item_duration(it, map, "within", &w->within);

	w->at = (struct place){ it->file, map };
	return failed || !by ? failed : read_texts(it, by, &w->keys, &w->keys_n);
}

static int load_count(struct item *it, const struct yaml_node *map, struct window_spec *w)
{
	static const char *const keys[] = { "min", "within", "by", "distinct", NULL };
	const struct yaml_node *min, *distinct;
	struct place *one;
	size_t n;

	if (check_keys(it, map, keys) || read_common(it, map, w))
		return -EINVAL;
	w->kind = WINDOW_COUNT;
	min = yaml_get(map, "min");
	if (!min || yaml_u64(it->file, min, WINDOW_MIN_MAX, &w->min, NULL) || w->min < 2)
		return FAIL(it, min ? min : map, "min wants a number from 2 to %d", WINDOW_MIN_MAX);
	distinct = yaml_get(map, "distinct");
	if (!distinct)
		return 0;
	if (read_texts(it, distinct, &one, &n))
		return -EINVAL;
	if (n != 1)
		return FAIL(it, distinct, "distinct wants one field");
	w->distinct = *one;
	return 0;
}

static int load_sequence(struct item *it, const struct yaml_node *map, struct window_spec *w)
{
	static const char *const keys[] = { "after", "within", "by", "of", NULL };
	const struct yaml_node *after, *of;
	size_t n;

	if (check_keys(it, map, keys) || read_common(it, map, w))
		return -EINVAL;
	w->kind = WINDOW_SEQUENCE;
	of = yaml_get(map, "of");
	if (of && read_texts(it, of, &w->last_keys, &n))
		return -EINVAL;
	if (of && n != w->keys_n)
		return FAIL(it, of, "of wants as many fields as by: %zu", w->keys_n);
	after = yaml_get(map, "after");
	if (!after)
		return FAIL(it, map, "after is missing: the conditions that come before");
	if (read_texts(it, after, &w->steps, &w->steps_n))
		return -EINVAL;
	w->min = w->steps_n;
	if (!w->steps_n || w->steps_n > WINDOW_STEPS_MAX)
		return FAIL(it, after, "after wants one to %d conditions", WINDOW_STEPS_MAX);
	return 0;
}

static int load_window(struct item *it, struct rule *rule)
{
	const struct yaml_node *count = yaml_get(it->node, "count");
	const struct yaml_node *sequence = yaml_get(it->node, "sequence");
	struct window_spec *w;

	if (!count && !sequence)
		return 0;
	if (count && sequence)
		return FAIL(it, sequence, "a rule has either a count or a sequence");
	w = arena_alloc(&it->r->arena, sizeof(*w));
	w->distinct_operand = -1;
	rule->window = w;
	return count ? load_count(it, count, w) : load_sequence(it, sequence, w);
}

static int load_respond(struct item *it, struct rule *rule)
{
	const struct yaml_node *n = yaml_get(it->node, "respond");
	struct place *words;
	size_t count;

	if (!n)
		return 0;
	if (read_texts(it, n, &words, &count))
		return -EINVAL;
	rule->info.respond = 0;
	for (size_t i = 0; i < count; i++) {
		enum rules_action a = 0;

		if (yaml_eq(words[i].node, "alert"))
			continue;
		while (a < RA_COUNT && !yaml_eq(words[i].node, rules_action_name(a)))
			a++;
		if (a == RA_COUNT)
			return FAIL(it, words[i].node,
				    "respond knows alert, kill, kill-container, freeze, "
				    "block-network, block-exec and quarantine, not '%s'",
				    words[i].node->text);
		rule->info.respond |= 1u << a;
	}
	return 0;
}

static int load_false_positives(struct item *it, struct rule *rule)
{
	const struct yaml_node *n = yaml_get(it->node, "false_positives");
	struct place *text;
	size_t count;

	if (!n)
		return 0;
	if (n->kind == YAML_SEQ)
		return FAIL(it, n, "a text is expected here");
	if (read_texts(it, n, &text, &count))
		return -EINVAL;
	rule->info.false_positives = n->text;
	return 0;
}

static int load_distinct(struct item *it, struct rule *rule)
{
	const struct yaml_node *n = yaml_get(it->node, "distinct_findings");

	if (!n)
		return 0;
	if (n->kind != YAML_SCALAR || yaml_u64(it->file, n, UINT32_MAX, &rule->info.distinct, NULL))
		return FAIL(it, n, "distinct_findings wants a number, 0 for all");
	rule->info.has_distinct = true;
	return 0;
}

bool is_own_key(const char *key)
{
	static const char *const own[] = { "count", "sequence", "respond", "false_positives",
					   "distinct_findings" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(key, own[i]))
			return true;
	return false;
}

int load_own_keys(struct item *it, struct rule *rule)
{
	int failed = load_window(it, rule);

	if (!failed)
		failed = load_respond(it, rule);
	if (!failed)
		failed = load_false_positives(it, rule);
	return failed ? failed : load_distinct(it, rule);
}
