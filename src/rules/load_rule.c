/* Rules: definition, redefinition, append, override. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/ruleset.h"

static struct place place_at(const struct item *it, const struct yaml_node *n)
{
	return (struct place){ it->file, n };
}

static int set_condition(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	if (!append)
		ptext_free(&rule->condition);
	if (rule->condition.n)
		ptext_add(&rule->condition, " ", 1, ptext_place(&rule->condition, place_at(it, n)),
			  0, 0);
	ptext_add_scalar(&rule->condition, place_at(it, n));
	return 0;
}

static const char *trimmed(struct arena *a, const char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	return arena_strndup(a, s, len);
}

static int set_output(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	struct arena *a = &it->r->arena;
	const char *text = trimmed(a, n->text);

	rule->info.output = append ? arena_printf(a, "%s %s", rule->info.output, text) : text;
	rule->output_at = place_at(it, n);
	rule->brief = it->r->brief && (!append || rule->brief);
	return 0;
}

static int set_desc(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	struct arena *a = &it->r->arena;

	rule->info.desc = append ? arena_printf(a, "%s %s", rule->info.desc, n->text) : n->text;
	return 0;
}

static int set_priority(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	int p = rules_priority_by_name(n->text);

	(void)append;
	if (p < 0)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, n, "Invalid priority");
	rule->info.priority = (enum rules_priority)p;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int set_tags(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	size_t had = append ? rule->info.tags_n : 0, kept = 0;
	const char **all;

	if (item_scalars(it, n))
		return -EINVAL;
	all = arena_alloc(&it->r->arena, (had + n->n + 1) * sizeof(*all));
	if (had)
		memcpy(all, rule->info.tags, had * sizeof(*all));
	for (uint32_t i = 0; i < n->n; i++)
		all[had + i] = n->item[i]->text;
	qsort(all, had + n->n, sizeof(*all), by_name);
	for (size_t i = 0; i < had + n->n; i++)
		if (!i || strcmp(all[i], all[kept - 1]))
			all[kept++] = all[i];
	rule->info.tags = all;
	rule->info.tags_n = kept;
	return 0;
}

static int set_exceptions(struct item *it, struct rule *rule, const struct yaml_node *n,
			  bool append)
{
	if (!append) {
		for (size_t i = 0; i < rule->exceptions_n; i++)
			free(rule->exceptions[i].values);
		rule->exceptions_n = 0;
	}
	return load_exceptions(it, rule, n, append);
}

static int set_enabled(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	(void)n;
	(void)append;
	return item_bool(it, "enabled", &rule->info.enabled);
}

static int set_capture(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	(void)n;
	(void)append;
	return item_bool(it, "capture", &rule->info.capture);
}

static int set_duration(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	(void)n;
	(void)append;
	return item_u64(it, "capture_duration", UINT32_MAX, &rule->info.capture_duration);
}

static int set_warn(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	(void)n;
	(void)append;
	return item_bool(it, "warn_evttypes", &rule->warn_types);
}

static int set_skip(struct item *it, struct rule *rule, const struct yaml_node *n, bool append)
{
	(void)n;
	(void)append;
	return item_bool(it, "skip-if-unknown-filter", &rule->skip_unknown);
}

/* The keys that make a rule; scalars but for tags and exceptions. */
static const struct rule_key {
	const char *key;
	bool required, sequence;
	int (*set)(struct item *it, struct rule *rule, const struct yaml_node *n, bool append);
} rule_keys[] = {
	{ "condition", true, false, set_condition },
	{ "output", true, false, set_output },
	{ "desc", true, false, set_desc },
	{ "priority", true, false, set_priority },
	{ "tags", false, true, set_tags },
	{ "exceptions", false, true, set_exceptions },
	{ "enabled", false, false, set_enabled },
	{ "capture", false, false, set_capture },
	{ "capture_duration", false, false, set_duration },
	{ "warn_evttypes", false, false, set_warn },
	{ "skip-if-unknown-filter", false, false, set_skip },
};

static const char *const known_keys[] = {
	"rule",	      "condition",	  "output",	     "desc",
	"priority",   "source",		  "enabled",	     "capture",
	"tags",	      "capture_duration", "warn_evttypes",   "skip-if-unknown-filter",
	"exceptions", "override",	  "append",	     "count",
	"sequence",   "respond",	  "false_positives", "distinct_findings",
	NULL,
};
static const char *const can_append[] = {
	"condition", "output", "desc", "tags", "exceptions", NULL
};
static const char *const can_replace[] = {
	"condition",
	"output",
	"desc",
	"tags",
	"exceptions",
	"priority",
	"capture",
	"enabled",
	"warn_evttypes",
	"capture_duration",
	"skip-if-unknown-filter",
	"count",
	"sequence",
	"respond",
	"false_positives",
	"distinct_findings",
	NULL,
};

static int apply(struct item *it, struct rule *rule, const struct rule_key *k, bool required,
		 bool append)
{
	int failed = 0;
	const struct yaml_node *n;

	n = k->sequence ? item_get(it, k->key, required, &failed)
			: item_scalar(it, k->key, required, &failed);
	return n ? k->set(it, rule, n, append) : failed;
}

static int set_source(struct item *it, struct rule *rule)
{
	int failed = 0, source;
	const struct yaml_node *n = item_scalar(it, "source", false, &failed);

	if (!n)
		return failed;
	rule->source_text = n->text;
	source = ev_source_by_name(n->text);
	rule->unknown_source = source < 0 ||
			       (source != EV_SYSCALL && !(it->r->options.sources >> source & 1));
	rule->info.source = source < 0 ? EV_SYSCALL : (enum ev_source)source;
	if (rule->unknown_source)
		ITEM_FAIL(it, RC_UNKNOWN_SOURCE, n, "Unknown source %s, skipping", n->text);
	return 0;
}

static struct rule *define_rule(struct rules *r, const char *name)
{
	struct rule *rule = rules_rule(r, name);
	void **slot;

	if (rule)
		return rule;
	rule = vec_push(r->rules, r->rules_n, r->rules_cap);
	rule->info.name = name;
	rule->index = r->items;
	slot = map_at(&r->rule_by_name, name, strlen(name));
	*slot = (void *)(uintptr_t)r->rules_n;
	return rule;
}

/* Everything but its name and position, as before the first definition. */
static void reset(struct rule *rule)
{
	struct rule fresh = { .info = { .name = rule->info.name, .enabled = true },
			      .index = rule->index,
			      .warn_types = true,
			      .exceptions = rule->exceptions,
			      .exceptions_cap = rule->exceptions_cap };

	for (size_t i = 0; i < rule->exceptions_n; i++)
		free(rule->exceptions[i].values);
	ptext_free(&rule->condition);
	ptext_free(&rule->expanded);
	*rule = fresh;
}

static void place_rule(struct item *it, struct rule *rule, const struct yaml_node *name)
{
	rule->at = place_at(it, name);
	rule->seen = it->r->items;
	rule->info.file = it->file->name;
	rule->info.line = name->start.line;
	rule->info.column = name->start.col;
}

static int define(struct item *it, const struct yaml_node *name)
{
	const struct rule *old = rules_rule(it->r, name->text);
	const struct yaml_node *source = yaml_get(it->node, "source");
	struct rule *rule;
	int failed;

	if (old && source && source->kind == YAML_SCALAR &&
	    strcmp(source->text, old->source_text ? old->source_text : "syscall"))
		return ITEM_FAIL(it, RC_ERR_VALIDATE, source,
				 "Rule has been re-defined with a different source");
	rule = define_rule(it->r, name->text);
	reset(rule);
	place_rule(it, rule, name);
	failed = set_source(it, rule);
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys) && !failed; i++)
		failed = apply(it, rule, &rule_keys[i], rule_keys[i].required, false);
	return failed ? failed : load_own_keys(it, rule);
}

static int append_legacy(struct item *it, const struct yaml_node *name)
{
	struct rule *rule = rules_rule(it->r, name->text);
	bool condition = yaml_get(it->node, "condition"), more = yaml_get(it->node, "exceptions");
	int failed = 0;

	if (!rule)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "Rule uses 'append' or 'override.<key>: append' but no rule by "
				 "that name already exists");
	if (!condition && !more)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "Appended rule must have exceptions or condition property");
	rule->seen = it->r->items;
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys) && !failed; i++)
		if (!strcmp(rule_keys[i].key, "condition") ||
		    !strcmp(rule_keys[i].key, "exceptions"))
			failed = apply(it, rule, &rule_keys[i], false, true);
	return failed ? failed : load_own_keys(it, rule);
}

static int override(struct item *it, const struct yaml_node *name, const struct overrides *o)
{
	struct rule *rule = rules_rule(it->r, name->text);
	int failed = 0;

	if (!rule && o->append)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "Rule uses 'append' or 'override.%s: append' but no rule by that "
				 "name already exists",
				 o->append_key);
	if (!rule)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "An 'override.%s: replace' to a rule was requested but no rule by "
				 "that name already exists",
				 o->replace_key);
	rule->seen = it->r->items;
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys) && !failed; i++) {
		enum override_op op = override_of(it, rule_keys[i].key);

		if (op != OVERRIDE_NONE)
			failed = apply(it, rule, &rule_keys[i], true, op == OVERRIDE_APPEND);
	}
	return failed ? failed : load_own_keys(it, rule);
}

/* {rule, enabled} alone. */
static int toggle(struct item *it, const struct yaml_node *name)
{
	struct rule *rule = rules_rule(it->r, name->text);

	if (!rule)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "Rule has 'enabled' key but no rule by that name already exists");
	ITEM_FAIL(it, RC_DEPRECATED_ITEM, yaml_pair_of(it->node, "enabled")->key,
		  "The standalone 'enabled' key usage is deprecated. The correct approach requires "
		  "also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').");
	if (item_bool(it, "enabled", &rule->info.enabled))
		return -EINVAL;
	return load_own_keys(it, rule);
}

static bool only_toggles(const struct item *it)
{
	for (size_t i = 0; i < ARRAY_SIZE(rule_keys); i++)
		if (rule_keys[i].required && yaml_pair_of(it->node, rule_keys[i].key))
			return false;
	return yaml_get(it->node, "enabled");
}

int load_rule(struct item *it)
{
	int failed = 0;
	const struct yaml_node *name = item_scalar(it, "rule", true, &failed);
	const struct yaml_node *override_node = yaml_get(it->node, "override");
	struct overrides o;

	if (!name)
		return failed;
	it->what = arena_printf(&it->r->arena, "rule '%s'", name->text);
	item_unknown_keys(it, known_keys);
	failed = read_overrides(it, can_append, can_replace, &o);
	if (failed)
		return failed;
	if (o.any)
		return override(it, name, &o);
	if (override_node)
		return ITEM_FAIL(it, RC_ERR_VALIDATE, override_node,
				 "The rule must have at least one field that can be replaced");
	if (o.legacy)
		return append_legacy(it, name);
	return only_toggles(it) ? toggle(it, name) : define(it, name);
}
