#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/vm.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct vm *vm_new(const struct image *im)
{
	struct vm *vm = xcalloc(1, sizeof(*vm));

	vm->im = im;
	vm->operands = xcalloc(im->operands_n + 1, sizeof(*vm->operands));
	vm->tests = xcalloc(im->tests_n + 1, sizeof(*vm->tests));
	vm->memos = xcalloc(im->memos + 1, sizeof(*vm->memos));
	vm->groups = xcalloc(im->groups_n + 1, sizeof(*vm->groups));
	vm->group_bits = xcalloc(im->group_words + 1, sizeof(*vm->group_bits));
	vm->who_size = sizeof(struct who) + (im->whos + 63) / 64 * sizeof(vm->whos->bits[0]);
	vm->whos = xcalloc(VM_WHOS + 1, vm->who_size);
	vm->scratch = xcalloc(1, VM_SCRATCH);
	vm->elements = xcalloc(VM_ELEMENTS, sizeof(*vm->elements));
	vm->compare.size = VM_SCRATCH;
	vm->compare.p = xcalloc(1, VM_SCRATCH);
	vm->compare.gave_up = &vm->gave_up;
	vm->compare.match = pcre2_match_data_create(1, NULL);
	if (!vm->compare.match)
		mem_exhausted();
	return vm;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	pcre2_match_data_free(vm->compare.match);
	free(vm->compare.p);
	free(vm->operands);
	free(vm->tests);
	free(vm->memos);
	free(vm->groups);
	free(vm->group_bits);
	free(vm->whos);
	free(vm->scratch);
	free(vm->elements);
	free(vm);
}

/* Generations are 31 bits; when they are used up, what was known with the old ones goes. */
static void forget_all(struct vm *vm)
{
	for (size_t i = 0; i < vm->im->operands_n; i++)
		vm->operands[i].known = 0;
	memset(vm->tests, 0, vm->im->tests_n * sizeof(*vm->tests));
	memset(vm->memos, 0, vm->im->memos * sizeof(*vm->memos));
	memset(vm->groups, 0, vm->im->groups_n * sizeof(*vm->groups));
	vm->now = 0;
}

/* Numbers follow each other, so those of processes that live together are apart here. */
static struct who *who_of(struct vm *vm, uint64_t number)
{
	size_t at = number ? 1 + number % VM_WHOS : 0;
	struct who *w = (struct who *)(void *)((char *)vm->whos + at * vm->who_size);

	if (w->number != number || !number)
		memset(w, 0, vm->who_size);
	w->number = number;
	return w;
}

void vm_begin(struct vm *vm, const struct event *ev)
{
	if (vm->now == INT32_MAX)
		forget_all(vm);
	vm->now++;
	/* What was found without a value that there is does not stay. */
	if (vm->full != vm->was_full && vm->who)
		vm->who->number = 0;
	vm->was_full = vm->full;
	vm->ev = ev;
	vm->who = who_of(vm, ev->who);
	vm->scratch_used = 0;
	vm->elements_used = 0;
}

char *vm_scratch(struct vm *vm, size_t size)
{
	char *p = vm->scratch + vm->scratch_used;

	if (size > VM_SCRATCH - vm->scratch_used) {
		vm->full++;
		return NULL;
	}
	vm->scratch_used += size;
	return p;
}

static void add_bits(const struct group *g, struct ev_text t, uint64_t *bits)
{
	const uint64_t *row;

	if (g->kind != GROUP_EXACT) {
		strings_automaton_run(&g->automaton, t, bits);
		return;
	}
	row = strings_set_find(&g->set, t);
	for (uint32_t w = 0; row && w < g->words; w++)
		bits[w] |= row[w];
}

/* The bits of a group; of several values, those that hold for one of them. */
static const uint64_t *group_bits(struct vm *vm, uint32_t group, const struct ev_values *v)
{
	const struct group *g = &vm->im->groups[group];
	uint64_t *bits = vm->group_bits + g->at;

	if (vm->groups[group] == vm->now)
		return bits;
	vm->groups[group] = vm->now;
	memset(bits, 0, g->words * sizeof(*bits));
	for (size_t i = 0; i < v->n; i++)
		add_bits(g, v->v[i].s, bits);
	return bits;
}

static bool compare_right(struct vm *vm, const struct test *t, const struct ev_values *left)
{
	const struct ev_values *right = vm_values(vm, (uint32_t)t->right);
	bool all = t->op == RO_IN && vm->im->operands[t->left].list;

	if (!right)
		return false;
	for (size_t i = 0; i < left->n; i++) {
		bool found = false;

		for (size_t k = 0; k < right->n && !found; k++)
			found = compare_two(t, &left->v[i], &right->v[k]);
		if (found != all)
			return found;
	}
	return all;
}

/* evt.around[T] = D: the event is within D milliseconds of the time T. */
static bool around(const struct vm *vm, const struct test *t, const struct ev_ref *ref)
{
	uint64_t at = (uint64_t)ref->index, far = t->values[0].u * 1000000;
	uint64_t distance = vm->ev->time > at ? vm->ev->time - at : at - vm->ev->time;

	return t->op == RO_EQ && t->values_n == 1 && distance <= far;
}

static bool compare_all(struct vm *vm, const struct test *t, const struct ev_values *v)
{
	const struct operand *o = &vm->im->operands[t->left];
	bool all = t->op == RO_IN && o->list;

	for (size_t i = 0; i < v->n; i++)
		if (compare_values(t, &v->v[i], &vm->compare) != all)
			return !all != t->invert;
	/* No value decided; an inverted test still needs that there was one. */
	return t->invert ? v->n > 0 : all;
}

/* A name of an address is compared with those that the address has, which can be none. */
static bool is_resolved(const struct operand *o)
{
	return o->ref.field && (o->ref.field->flags & EV_RESOLVED);
}

/* One number against one: most tests of numbers. */
static bool compare_number(const struct test *t, const struct ev_value *v)
{
	uint64_t flip = t->class == EV_C_SIGNED ? UINT64_C(1) << 63 : 0;
	uint64_t left = v->u ^ flip, right = t->values->u ^ flip;

	switch (t->op) {
	case RO_LT:
		return left < right;
	case RO_LE:
		return left <= right;
	case RO_GT:
		return left > right;
	case RO_GE:
		return left >= right;
	case RO_NE:
		return left != right;
	default:
		return left == right;
	}
}

static bool evaluate(struct vm *vm, const struct test *t)
{
	const struct operand *o = &vm->im->operands[t->left];
	const struct ev_values *v;
	const uint64_t *bits;

	if (t->types)
		return ev_set_has(t->types, vm->ev->type);
	if (t->around)
		return around(vm, t, &o->ref) != t->invert;
	v = vm_values(vm, t->left);
	if (!v)
		return false;
	if (t->op == RO_EXISTS)
		return v->n > 0 || o->list || o->ends || is_resolved(o);
	if (!v->n && is_resolved(o))
		return t->invert;
	if (t->right >= 0)
		return compare_right(vm, t, v);
	if (t->numbers && v->n == 1)
		return compare_number(t, v->v) != t->invert;
	if (t->group < 0)
		return compare_all(vm, t, v);
	bits = group_bits(vm, (uint32_t)t->group, v);
	return v->n && (bits[t->bit / 64] >> (t->bit % 64) & 1) != t->invert;
}

bool vm_test(struct vm *vm, uint32_t test)
{
	uint32_t *known = &vm->tests[test];

	if (*known >> 1 != vm->now)
		*known = vm->now << 1 | evaluate(vm, &vm->im->tests[test]);
	return *known & 1;
}

bool vm_condition(struct vm *vm, gref r)
{
	const struct gnode *n = &vm->im->nodes[gref_node(r)];
	bool truth = n->kind == G_AND;

	if (n->kind == G_TEST) {
		truth = vm_test(vm, n->test);
	} else {
		for (uint32_t i = 0; i < n->child_n && truth == (n->kind == G_AND); i++)
			truth = vm_condition(vm, n->child[i]);
	}
	return truth != gref_negated(r);
}
