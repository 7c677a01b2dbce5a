#include "support/filter.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/vm.h"

struct filter {
	struct image im;
	struct vm *vm;
	gref condition;
	size_t notes;
};

static int place_error(const char *name, const char *text, const struct parse_error *p,
		       struct err *e)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < p->at; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	return err_set(e, EINVAL, "%s:%u:%u: %s", name, line, column, p->msg);
}

int filter_parse(const char *name, const char *text, size_t len, struct err *e)
{
	struct arena a = { 0 };
	struct parse_error p;
	bool ok = rules_parse(&a, text, len, PARSE_DEPTH, &p);

	arena_free(&a);
	return ok ? 0 : place_error(name, text, &p, e);
}

static int compile(struct filter *f, const char *text, size_t len, struct parse_error *p)
{
	cleanup(compiling_free) struct compiling c = { .im = &f->im, .e = p };
	struct node *n = rules_parse(&f->im.arena, text, len, PARSE_DEPTH, p);
	int64_t r = n ? condition_make(&c, n) : -1;

	if (r < 0)
		return -EINVAL;
	f->condition = (gref)r;
	f->notes = c.notes_n;
	groups_build(&f->im);
	f->vm = vm_new(&f->im);
	return 0;
}

int filter_compile(struct filter **out, const char *name, const char *text, size_t len,
		   const struct ev_fields *fields, struct err *e)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	struct parse_error p;

	image_init(&f->im, fields);
	if (compile(f, text, len, &p)) {
		filter_free(f);
		return place_error(name, text, &p, e);
	}
	*out = f;
	return 0;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	vm_free(f->vm);
	image_free(&f->im);
	free(f);
}

bool filter_eval(struct filter *f, const struct event *ev)
{
	vm_begin(f->vm, ev);
	return vm_condition(f->vm, f->condition);
}

size_t filter_notes(const struct filter *f)
{
	return f->notes;
}
