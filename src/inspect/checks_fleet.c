/* Profiles on the nodes of a cluster: whether a pod finds its profile wherever it may run. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/checks.h"

/* ---- where a pod may run (core/v1, NodeSelector and NodeAffinity) */

static const char *label(const struct ins_node *n, const char *key)
{
	for (size_t i = 0; i < n->labels_n; i++)
		if (!strcmp(n->labels[i].key, key))
			return n->labels[i].value;
	return NULL;
}

static const char *scalar(const struct yaml_node *n)
{
	return n && n->kind == YAML_SCALAR ? n->text : "";
}

static bool listed(const struct yaml_node *values, const char *value)
{
	for (uint32_t i = 0; values && values->kind == YAML_SEQ && i < values->n; i++)
		if (!strcmp(scalar(values->item[i]), value))
			return true;
	return false;
}

/* Operators that compare numbers are taken to hold. */
static bool expression_holds(const struct ins_node *n, const struct yaml_node *x)
{
	const char *value = label(n, scalar(yaml_get(x, "key")));
	const char *op = scalar(yaml_get(x, "operator"));

	if (!strcmp(op, "In"))
		return value && listed(yaml_get(x, "values"), value);
	if (!strcmp(op, "NotIn"))
		return !value || !listed(yaml_get(x, "values"), value);
	if (!strcmp(op, "Exists"))
		return value;
	if (!strcmp(op, "DoesNotExist"))
		return !value;
	return true;
}

static bool term_holds(const struct ins_node *n, const struct yaml_node *term)
{
	const struct yaml_node *all = yaml_get(term, "matchExpressions");

	for (uint32_t i = 0; all && all->kind == YAML_SEQ && i < all->n; i++)
		if (!expression_holds(n, all->item[i]))
			return false;
	return true;
}

static bool may_run_on(const struct ins_run *r, const struct ins_node *n)
{
	const struct yaml_node *selector = yaml_get(r->pod->spec, "nodeSelector");
	const struct yaml_node *node_affinity = yaml_get(yaml_get(r->pod->spec, "affinity"),
							 "nodeAffinity");
	const struct yaml_node *terms =
		yaml_get(yaml_get(node_affinity, "requiredDuringSchedulingIgnoredDuringExecution"),
			 "nodeSelectorTerms");

	if (r->pod->node_name.at)
		return !strcmp(r->pod->node_name.v, n->name);
	for (uint32_t i = 0; selector && selector->kind == YAML_MAP && i < selector->n; i++) {
		const char *value = label(n, selector->pair[i].key->text);

		if (!value || strcmp(value, scalar(selector->pair[i].value)))
			return false;
	}
	if (!terms || terms->kind != YAML_SEQ)
		return true;
	for (uint32_t i = 0; i < terms->n; i++)
		if (term_holds(n, terms->item[i]))
			return true;
	return false;
}

/* ---- the profile there */

struct spread {
	size_t may_run, have, other; /* nodes; `other`: another version than the first one's */
	const char *without, *hash;  /* a node that lacks it; the first node's version */
};

static void look(const struct ins_run *r, const struct ins_profile_label *want, struct spread *out)
{
	for (size_t i = 0; i < r->o->nodes_n; i++) {
		const struct ins_node *n = &r->o->nodes[i];
		const char *hash;

		if (!may_run_on(r, n))
			continue;
		out->may_run++;
		hash = label(n, want->key);
		if (!hash || (*want->hash && strcmp(hash, want->hash))) {
			out->without = n->name;
			continue;
		}
		out->have++;
		if (!out->hash)
			out->hash = hash;
		else if (strcmp(out->hash, hash))
			out->other++;
	}
}

static bool any_node_has(const struct ins_run *r, const char *key)
{
	for (size_t i = 0; i < r->o->nodes_n; i++)
		if (label(&r->o->nodes[i], key))
			return true;
	return false;
}

void ins_profile_on_nodes(struct ins_run *r, const struct ps_container *c, bool apparmor,
			  const char *profile, const struct yaml_node *at)
{
	const char *what = apparmor ? "AppArmor" : "seccomp";
	struct ins_profile_label want;
	struct spread s = { 0 };

	if (!r->o->nodes_n || !r->o->profile_label ||
	    !r->o->profile_label(apparmor, profile, &want))
		return;
	/* AppArmor profiles may have come to the nodes without anybody saying so. */
	if (apparmor && !any_node_has(r, want.key))
		return;
	look(r, &want, &s);
	if (!s.have)
		ins_find(r, c, at, at, NULL,
			 s.may_run ? "none of the %zu nodes that it may run on has the %s profile "
				     "%s"
				   : "it may run on none of the nodes (%zu) that have the %s "
				     "profile %s",
			 s.may_run, what, profile);
	else if (s.have < s.may_run)
		ins_find(r, c, at, at, NULL,
			 "%zu of the %zu nodes that it may run on do not have the %s profile %s "
			 "(%s): it does not start there",
			 s.may_run - s.have, s.may_run, what, profile, s.without);
	else if (s.other)
		ins_find(r, c, at, at, NULL,
			 "the nodes that it may run on have different versions of the %s profile "
			 "%s",
			 what, profile);
}
