/* Pods go to nodes that have their profiles: required node affinity. */
#include <string.h>

#include "inspect/admit_plan.h"

#define TERMS                                                                         \
	"/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/" \
	"nodeSelectorTerms"

static const char *expression(struct adm_plan *p, const char *label)
{
	const char *eq = strchr(label, '=');

	if (!eq)
		return arena_printf(&p->r->arena, "{\"key\":%s,\"operator\":\"Exists\"}",
				    adm_json(p, label));
	return arena_printf(&p->r->arena, "{\"key\":%s,\"operator\":\"In\",\"values\":[%s]}",
			    adm_json(p, arena_strndup(&p->r->arena, label, (size_t)(eq - label))),
			    adm_json(p, eq + 1));
}

static bool is_expression(const struct yaml_node *n, const char *label)
{
	const struct yaml_node *key = yaml_get(n, "key"), *values = yaml_get(n, "values");
	size_t len = strcspn(label, "=");

	if (!yaml_is_str(key) || key->n != len || memcmp(key->text, label, len) != 0)
		return false;
	if (!label[len])
		return yaml_eq(yaml_get(n, "operator"), "Exists");
	return yaml_eq(yaml_get(n, "operator"), "In") && values && values->kind == YAML_SEQ &&
	       values->n == 1 && yaml_eq(values->item[0], label + len + 1);
}

static bool has_expression(const struct yaml_node *term, const char *label)
{
	const struct yaml_node *list = yaml_get(term, "matchExpressions");

	for (uint32_t i = 0; list && list->kind == YAML_SEQ && i < list->n; i++)
		if (is_expression(list->item[i], label))
			return true;
	return false;
}

static bool empty_list(const struct yaml_node *n)
{
	return yaml_is_null(n) || n->kind != YAML_SEQ || !n->n;
}

/* Terms are alternatives: each gets the expression. One without any selects nothing, and stays. */
static bool add_to_terms(struct adm_plan *p, const struct yaml_node *terms, const char *label)
{
	bool added = false;

	for (uint32_t i = 0; i < terms->n; i++) {
		const struct yaml_node *t = terms->item[i];

		if ((empty_list(yaml_get(t, "matchExpressions")) &&
		     empty_list(yaml_get(t, "matchFields"))) ||
		    has_expression(t, label))
			continue;
		adm_edit(p, INS_APPEND, arena_printf(&p->r->arena, TERMS "/%u/matchExpressions", i),
			 expression(p, label));
		added = true;
	}
	return added;
}

void adm_plan_nodes(struct adm_plan *p)
{
	const struct yaml_node *required, *terms;
	struct buf all = { 0 };

	/* A pod that is bound already is not scheduled. */
	if ((p->out & OUT_AFFINITY) || !p->m->affinity || !p->selects.n || p->pod->node_name.at)
		return;
	required = yaml_get(yaml_get(yaml_get(p->pod->spec, "affinity"), "nodeAffinity"),
			    "requiredDuringSchedulingIgnoredDuringExecution");
	terms = yaml_get(required, "nodeSelectorTerms");
	if (!yaml_is_null(required)) {
		for (size_t i = 0; !empty_list(terms) && i < p->selects.n; i++)
			if (add_to_terms(p, terms, p->selects.v[i]))
				adm_note(p, NULL,
					 arena_printf(&p->r->arena, "node affinity %s",
						      p->selects.v[i]),
					 NULL);
		return;
	}
	for (size_t i = 0; i < p->selects.n; i++) {
		buf_printf(&all, "%s%s", i ? "," : "[{\"matchExpressions\":[",
			   expression(p, p->selects.v[i]));
		adm_note(p, NULL, arena_printf(&p->r->arena, "node affinity %s", p->selects.v[i]),
			 NULL);
	}
	buf_puts(&all, "]}]");
	adm_edit(p, INS_SET, TERMS, words_keep(&all, &p->r->arena));
}
