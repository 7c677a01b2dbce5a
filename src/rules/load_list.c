/* Lists and macros. */
#include <string.h>

#include "base/mem.h"
#include "rules/ruleset.h"

static const char *const list_keys[] = { "list", "items", "append", "override", NULL };
static const char *const list_overrides[] = { "items", NULL };
static const char *const macro_keys[] = { "macro", "condition", "append", "override", NULL };
static const char *const macro_overrides[] = { "condition", NULL };

static void set_what(struct item *it, const char *kind, const char *name)
{
	it->what = arena_printf(&it->r->arena, "%s '%s'", kind, name);
}

static void add_items(struct rules *r, struct list *l, const struct yaml_node *seq)
{
	for (uint32_t i = 0; i < seq->n; i++)
		*vec_push(l->items, l->items_n, l->items_cap) =
			arena_strndup(&r->arena, seq->item[i]->text, seq->item[i]->n);
}

static struct list *define_list(struct rules *r, const char *name)
{
	struct list *l = rules_list(r, name, strlen(name));
	void **slot;

	if (l)
		return l;
	l = vec_push(r->lists, r->lists_n, r->lists_cap);
	l->name = name;
	l->index = r->items;
	slot = map_at(&r->list_by_name, name, strlen(name));
	*slot = (void *)(uintptr_t)r->lists_n;
	return l;
}

int load_list(struct item *it)
{
	int failed = 0;
	const struct yaml_node *name = item_scalar(it, "list", true, &failed), *items;
	struct overrides o;
	struct list *l;
	bool append;

	if (!name)
		return failed;
	set_what(it, "list", name->text);
	item_unknown_keys(it, list_keys);
	if (!rules_is_bare(name->text))
		ITEM_FAIL(it, RC_INVALID_LIST_NAME, name,
			  "List has an invalid name. List names should match a regular expression: "
			  "[^()\"'[:space:]=,]+");
	items = item_get(it, "items", true, &failed);
	if (!items || (failed = item_scalars(it, items)) ||
	    (failed = read_overrides(it, list_overrides, list_overrides, &o)))
		return failed;
	append = o.legacy || o.append;
	if (append && !rules_list(it->r, name->text, name->n))
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "List uses 'append' or 'override.items: append' but no list by "
				 "that name already exists");
	l = define_list(it->r, name->text);
	if (!append)
		l->items_n = 0;
	l->at = (struct place){ it->file, name };
	l->seen = it->r->items;
	add_items(it->r, l, items);
	return 0;
}

static struct macro *define_macro(struct rules *r, const char *name)
{
	struct macro *m = rules_macro(r, name, strlen(name));
	void **slot;

	if (m)
		return m;
	m = vec_push(r->macros, r->macros_n, r->macros_cap);
	m->name = name;
	m->index = r->items;
	slot = map_at(&r->macro_by_name, name, strlen(name));
	*slot = (void *)(uintptr_t)r->macros_n;
	return m;
}

static void append_condition(struct ptext *t, struct place at)
{
	if (t->n)
		ptext_add(t, " ", 1, ptext_place(t, at), 0, 0);
	ptext_add_scalar(t, at);
}

int load_macro(struct item *it)
{
	int failed = 0;
	const struct yaml_node *name = item_scalar(it, "macro", true, &failed), *condition;
	struct overrides o;
	struct macro *m;

	if (!name)
		return failed;
	set_what(it, "macro", name->text);
	item_unknown_keys(it, macro_keys);
	if (!rules_is_identifier(name->text))
		ITEM_FAIL(it, RC_INVALID_MACRO_NAME, name,
			  "Macro has an invalid name. Macro names should match a regular "
			  "expression: [a-zA-Z]+[a-zA-Z0-9_]*");
	condition = item_scalar(it, "condition", true, &failed);
	if (!condition || (failed = read_overrides(it, macro_overrides, macro_overrides, &o)))
		return failed;
	if ((o.legacy || o.append) && !rules_macro(it->r, name->text, name->n))
		return ITEM_FAIL(it, RC_ERR_VALIDATE, name,
				 "Macro uses 'append' or 'override.condition: append' but no macro "
				 "by that name already exists");
	m = define_macro(it->r, name->text);
	if (!o.legacy && !o.append)
		ptext_free(&m->condition);
	m->at = (struct place){ it->file, name };
	m->seen = it->r->items;
	append_condition(&m->condition, (struct place){ it->file, condition });
	return 0;
}
