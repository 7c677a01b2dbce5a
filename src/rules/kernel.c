#include "rules/kernel.h"

#include <string.h>

#include "rules/ruleset.h"

struct looking {
	const struct image *im;
	const char *type;
	struct rules_kernel *out;
	struct buf *why;
};

static bool no(struct looking *l, const char *text)
{
	if (l->why)
		buf_puts(l->why, text);
	return false;
}

static bool opens(const char *type)
{
	static const char *const names[] = { "open", "openat", "openat2" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(type, names[i]))
			return true;
	return false;
}

static bool executes(const char *type)
{
	return !strcmp(type, "execve") || !strcmp(type, "execveat");
}

/* Texts of several tests would have to hold together: one test on a field is what there may be. */
static bool texts(struct looking *l, const struct test *t, bool prefix, size_t max,
		  struct rules_kernel_texts *out)
{
	if (out->n)
		return no(l, "two tests on one field");
	if (!t->values_n || t->values_n > RULES_KERNEL_TEXTS)
		return no(l, "more values than the kernel compares with");
	for (uint32_t i = 0; i < t->values_n; i++) {
		if (!t->values[i].s.len || t->values[i].s.len > max)
			return no(l, "a text that is longer than the kernel compares");
		out->v[out->n++] = (struct rules_kernel_text){ t->values[i].s.p, prefix };
	}
	return true;
}

static bool wish(struct looking *l, int *out, bool yes)
{
	if (*out >= 0 && *out != yes)
		return no(l, "a contradiction");
	*out = yes;
	return true;
}

static bool result(struct looking *l, const struct test *t, enum ev_field_id id, bool yes)
{
	bool one = t->values_n == 1;
	unsigned bits = 0;

	if (id == EV_EVT_FAILED && t->op == RO_EQ && one)
		bits = t->values[0].u ? NEED_FAILURE : NEED_SUCCESS;
	else if (id == EV_EVT_RES && t->op == RO_EQ && one && t->values[0].s.len == 7 &&
		 !memcmp(t->values[0].s.p, "SUCCESS", 7))
		bits = NEED_SUCCESS;
	else if ((id == EV_EVT_RAWRES || (id == EV_FD_NUM && opens(l->type))) && one &&
		 t->op == RO_GE && t->values[0].i == 0)
		bits = NEED_SUCCESS;
	if (!bits)
		return no(l, "a test on a particular result");
	l->out->result &= yes ? bits : NEED_ANY_RESULT & ~bits;
	return true;
}

/* Tests on texts, which have to be true. */
static bool text_test(struct looking *l, const struct test *t, enum ev_field_id id)
{
	bool prefix = t->op == RO_STARTSWITH;

	if (t->op != RO_EQ && !prefix)
		return no(l, "an operator other than =, in and startswith");
	switch ((unsigned)id) {
	case EV_FD_NAME:
		return opens(l->type) ? texts(l, t, prefix, RULES_KERNEL_PATH, &l->out->paths)
				      : no(l, "fd.name of a call that does not open");
	case EV_PROC_EXEPATH:
		return executes(l->type) ? texts(l, t, prefix, RULES_KERNEL_PATH, &l->out->exes)
					 : no(l, "proc.exepath of a running program");
	case EV_PROC_NAME:
		return prefix ? no(l, "the beginning of proc.name")
			      : texts(l, t, false, RULES_KERNEL_COMM, &l->out->comms);
	}
	return false;
}

/* Tests on what is true or false. */
static bool flag_test(struct looking *l, const struct test *t, enum ev_field_id id, bool yes)
{
	bool is = t->values_n == 1 && (t->values[0].u != 0) == yes;

	if (t->op != RO_EQ || t->values_n != 1)
		return no(l, "an operator other than =");
	switch ((unsigned)id) {
	case EV_EVT_IS_OPEN_READ:
		return is && opens(l->type) ? (l->out->reads = true) : no(l, "not opened so");
	case EV_EVT_IS_OPEN_WRITE:
		return is && opens(l->type) ? (l->out->writes = true) : no(l, "not opened so");
	case EV_PROC_IS_EXE_UPPER_LAYER:
		return executes(l->type) ? wish(l, &l->out->upper, is)
					 : no(l, "a fact of a running program");
	case EV_PROC_IS_EXE_FROM_MEMFD:
		return executes(l->type) ? wish(l, &l->out->memfd, is)
					 : no(l, "a fact of a running program");
	}
	return false;
}

static bool is_host(const struct test *t)
{
	return t->op == RO_EQ && t->values_n == 1 && t->values[0].s.len == 4 &&
	       !memcmp(t->values[0].s.p, "host", 4);
}

static bool literal(struct looking *l, const struct test *t, bool yes)
{
	const struct operand *o = &l->im->operands[t->left];
	enum ev_field_id id;
	bool simple = o->source == OPERAND_FIELD && o->ref.arg == EV_ARG_NONE && t->right < 0 &&
		      t->modifier == RM_NONE;

	if (!simple)
		return no(l, t->text);
	id = o->ref.field->id;
	/* What is inverted is false where there is no value; these fields always have one. */
	yes = yes != t->invert;
	switch ((unsigned)id) {
	case EV_CONTAINER_ID:
		if (!is_host(t) || yes)
			return no(l, t->text);
		return l->out->containers = true;
	case EV_EVT_FAILED:
	case EV_EVT_RES:
	case EV_EVT_RAWRES:
	case EV_FD_NUM:
		return result(l, t, id, yes);
	case EV_EVT_IS_OPEN_READ:
	case EV_EVT_IS_OPEN_WRITE:
	case EV_PROC_IS_EXE_UPPER_LAYER:
	case EV_PROC_IS_EXE_FROM_MEMFD:
		return flag_test(l, t, id, yes);
	case EV_FD_NAME:
	case EV_PROC_EXEPATH:
	case EV_PROC_NAME:
		return yes ? text_test(l, t, id) : no(l, t->text);
	}
	return no(l, t->text);
}

static bool conjunction(struct looking *l, gref r)
{
	const struct gnode *n = &l->im->nodes[gref_node(r)];
	bool all = (n->kind == G_AND) != gref_negated(r);

	if (n->kind == G_FALSE)
		return gref_negated(r) || no(l, "events of this type never fire it");
	if (n->kind == G_TEST)
		return literal(l, &l->im->tests[n->test], !gref_negated(r));
	if (!all)
		return no(l, "an 'or'");
	for (uint32_t i = 0; i < n->child_n; i++)
		if (!conjunction(l, n->child[i] ^ gref_negated(r)))
			return false;
	return true;
}

bool rules_kernel_of(const struct rules *r, size_t rule, unsigned type, struct rules_kernel *out,
		     struct buf *why)
{
	/* The graph only grows, by what an event of this type leaves of a condition. */
	struct image *im = (struct image *)&r->im;
	const struct rule *one = &r->rules[rule];
	struct looking l = { .im = im, .type = ev_type_name(type), .out = out, .why = why };
	struct map memo = { 0 };
	bool simple;

	*out = (struct rules_kernel){ .result = NEED_ANY_RESULT, .upper = -1, .memfd = -1 };
	if (one->info.dropped || !one->info.enabled || one->info.source != EV_SYSCALL ||
	    !ev_set_has(&one->info.types, type))
		return no(&l, "events of this type never fire it");
	if (one->window)
		return no(&l, "a count or a sequence");
	simple = conjunction(&l, graph_for_type(im, one->compiled, type, &memo));
	map_free(&memo);
	return simple && (out->result || no(&l, "a contradiction"));
}
