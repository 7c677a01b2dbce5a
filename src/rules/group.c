/* Tests that are answered together: all sets, prefixes … that one operand is compared with. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

/* Patterns from which on an automaton pays; fewer are compared one by one. */
enum { PATTERNS_MIN = 4 };

static int group_kind(const struct image *im, const struct test *t)
{
	const struct operand *o = &im->operands[t->left];

	if (t->types || t->right >= 0 || t->modifier != RM_NONE || t->class != EV_C_STRING ||
	    o->list || (o->any && t->invert) || !t->values_n)
		return -1;
	switch (t->op) {
	case RO_EQ:
		return GROUP_EXACT;
	case RO_STARTSWITH:
		return GROUP_PREFIX;
	case RO_ENDSWITH:
		return GROUP_SUFFIX;
	case RO_CONTAINS:
		return GROUP_PART;
	case RO_ICONTAINS:
		return GROUP_FOLD;
	default:
		return -1;
	}
}

struct patterns {
	struct strings_pattern *v;
	size_t n, cap;
};

static void patterns_free(struct patterns *p)
{
	free(p->v);
}

static void collect(struct image *im, uint32_t operand, int kind, struct patterns *out,
		    uint32_t *bits)
{
	for (size_t i = 0; i < im->tests_n; i++) {
		struct test *t = &im->tests[i];

		if (t->left != operand || group_kind(im, t) != kind)
			continue;
		for (uint32_t k = 0; k < t->values_n; k++) {
			struct strings_pattern *p = vec_push(out->v, out->n, out->cap);

			p->text = t->values[k].s;
			p->bit = *bits;
		}
		t->bit = (*bits)++;
	}
}

static bool build(struct image *im, struct group *g, const struct patterns *p)
{
	static const enum strings_place places[] = { [GROUP_PREFIX] = STRINGS_PREFIX,
						     [GROUP_SUFFIX] = STRINGS_SUFFIX,
						     [GROUP_PART] = STRINGS_PART,
						     [GROUP_FOLD] = STRINGS_PART };

	if (g->kind == GROUP_EXACT) {
		strings_set_build(&g->set, &im->arena, p->v, p->n, g->bits);
		return true;
	}
	return strings_automaton_build(&g->automaton, &im->arena, places[g->kind],
				       g->kind == GROUP_FOLD, p->v, p->n, g->bits);
}

static void build_group(struct image *im, uint32_t operand, enum group_kind kind)
{
	cleanup(patterns_free) struct patterns p = { 0 };
	struct group g = { .operand = operand, .kind = kind };

	collect(im, operand, (int)kind, &p, &g.bits);
	g.words = (g.bits + 63) / 64;
	g.at = im->group_words;
	if (p.n < PATTERNS_MIN || !build(im, &g, &p))
		return;
	for (size_t i = 0; i < im->tests_n; i++)
		if (im->tests[i].left == operand && group_kind(im, &im->tests[i]) == (int)kind)
			im->tests[i].group = (int32_t)im->groups_n;
	im->group_words += g.words;
	*vec_push(im->groups, im->groups_n, im->groups_cap) = g;
}

void groups_build(struct image *im)
{
	for (uint32_t o = 0; o < im->operands_n; o++)
		for (enum group_kind k = 0; k < GROUP_COUNT; k++)
			build_group(im, o, k);
}
