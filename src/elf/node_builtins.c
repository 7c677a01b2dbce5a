/*
 * Where the library has the sources of its own modules. A constructor of node_javascript.cc (made
 * by node's js2c) fills an array on its stack with pairs of a std::string and a struct UnionBytes:
 * pointers to text in one byte or two bytes a character, one of them null, and the number of
 * characters. Modules that a distribution keeps in files are added by AddExternalizedBuiltin.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/flow.h"
#include "elf/node_private.h"
#include "elf/scan_private.h"

enum {
	MIN_CODE = 64, /* of the constructor, in bytes */
	MAX_CODE = 256 * 1024,
	MAX_ID = 256,
	ONE_BYTE = 32, /* from the pair: behind std::string */
	TWO_BYTES = 40,
	LENGTH = 48,
};

/* What stands at a place of the stack. */
struct place {
	int64_t at;
	uint64_t value; /* an address, or a number */
};

struct places {
	struct place *v;
	size_t n, cap;
};

struct builtins {
	struct places ids, texts, lengths;
};

static void add_place(struct places *p, int64_t at, uint64_t value)
{
	*vec_push(p->v, p->n, p->cap) = (struct place){ at, value };
}

static const struct place *find_place(const struct places *p, int64_t at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].at == at)
			return &p->v[i];
	return NULL;
}

/* A call of a constructor of std::string, or a store of an address or a number on the stack. */
static void note_insn(struct builtins *b, const struct flow *f, const struct flow_state *s,
		      size_t k)
{
	const struct elf_insn *i = &f->insns[k];
	const struct flow_value *self = &s->reg[f->cc->number_arg];
	const struct flow_value *text = &s->reg[f->cc->second_arg];
	struct flow_value to;

	if (i->op == ELF_OP_CALL && self->kind == FLOW_STACK && text->kind == FLOW_ADDRESS)
		add_place(&b->ids, self->off, text->base + (uint64_t)text->off);
	if (i->op != ELF_OP_STORE || i->mem.size != 8 || !flow_address(s, &i->mem, &to) ||
	    to.kind != FLOW_STACK)
		return;
	if (i->src == ELF_NO_REG && i->imm)
		add_place(&b->lengths, to.off, i->imm);
	else if (i->src != ELF_NO_REG && s->reg[i->src].kind == FLOW_CONST)
		add_place(&b->lengths, to.off, s->reg[i->src].base);
	else if (i->src != ELF_NO_REG && s->reg[i->src].kind == FLOW_ADDRESS)
		add_place(&b->texts, to.off, s->reg[i->src].base + (uint64_t)s->reg[i->src].off);
}

typedef void insn_fn(void *ctx, const struct flow *f, const struct flow_state *s, size_t k);

static void each_insn(const struct elf_image *m, const struct elf_function *x, insn_fn *visit,
		      void *ctx)
{
	struct flow f;

	flow_init(&f, m);
	flow_decode(&f, x->start, x->end);
	flow_solve(&f, NULL, 0);
	for (size_t b = 0; b < f.blocks_n; b++) {
		struct flow_state s = f.in[b];

		for (size_t k = f.blocks[b].first; k < f.blocks[b].end; k++) {
			visit(ctx, &f, &s, k);
			flow_step(&f, &s, k);
		}
	}
	flow_free(&f);
}

static void visit_pairs(void *ctx, const struct flow *f, const struct flow_state *s, size_t k)
{
	note_insn(ctx, f, s, k);
}

static void add_pair(struct node *n, const struct elf_image *m, const struct builtins *b,
		     const struct place *id)
{
	const char *name = elf_string_at(m, id->value, MAX_ID);
	const struct place *one = find_place(&b->texts, id->at + ONE_BYTE);
	const struct place *two = find_place(&b->texts, id->at + TWO_BYTES);
	const struct place *len = find_place(&b->lengths, id->at + LENGTH);
	const struct place *text = one ? one : two;
	unsigned width = one ? 1 : 2;
	struct node_module *x;

	if (!name || !*name || !text || !len || len->value > ELF_MAX_TEXT ||
	    !elf_at(m, text->value, len->value * width))
		return;
	x = node_add_module(n, name);
	x->at = text->value;
	x->len = len->value;
	x->width = width;
	x->library = true;
}

static void read_function(struct node *n, size_t f, bool *seen)
{
	const struct elf_image *m = &n->r->l->objects[n->object]->image;
	const struct elf_function *x = &n->r->l->objects[n->object]->facts.functions[f];
	struct builtins b = { 0 };

	if (seen[f] || x->end - x->start < MIN_CODE || x->end - x->start > MAX_CODE)
		return;
	seen[f] = true;
	each_insn(m, x, visit_pairs, &b);
	for (size_t i = 0; i < b.ids.n; i++)
		add_pair(n, m, &b, &b.ids.v[i]);
	free(b.ids.v);
	free(b.texts.v);
	free(b.lengths.v);
}

/* BuiltinLoader::AddExternalizedBuiltin(const char *id, const char *filename) */
static void visit_external(void *ctx, const struct flow *f, const struct flow_state *s, size_t k)
{
	static const char function[] =
		"_ZN4node8builtins13BuiltinLoader22AddExternalizedBuiltinEPKcS3_";
	const struct flow_value *id = &s->reg[f->cc->second_arg];
	const struct flow_value *path = &s->reg[f->cc->third_arg];
	const struct elf_insn *i = &f->insns[k];
	struct node *n = ctx;
	const struct link_object *o = n->r->l->objects[n->object];
	uint64_t slot = i->op == ELF_OP_CALL || i->op == ELF_OP_JUMP
				? scan_stub_slot(&o->image, i->target)
				: 0;
	const struct elf_reloc *rel = slot ? elf_reloc_at(&o->image, slot) : NULL;
	const char *name, *file;
	struct node_module *x;

	if (!rel || rel->kind != ELF_REL_SYMBOL ||
	    strcmp(o->image.syms[rel->sym].name, function) != 0 || id->kind != FLOW_ADDRESS ||
	    path->kind != FLOW_ADDRESS)
		return;
	name = elf_string_at(&o->image, id->base + (uint64_t)id->off, MAX_ID);
	file = elf_string_at(&o->image, path->base + (uint64_t)path->off, MAX_ID);
	if (!name || !file || *file != '/')
		return;
	x = node_add_module(n, name);
	x->path = xstrdup(file);
	x->library = true;
}

/* A constructor, and the functions that it calls. */
static void read_constructors(struct node *n, size_t f, bool *seen)
{
	const struct elf_facts *x = &n->r->l->objects[n->object]->facts;
	const struct elf_function *own = &x->functions[f];

	read_function(n, f, seen);
	for (uint32_t k = own->refs; k < own->refs + own->refs_n; k++)
		if (x->refs[k].kind == ELF_REF_CODE)
			read_function(n, x->refs[k].to, seen);
}

void node_find_builtins(struct node *n)
{
	const struct link_object *o = n->r->l->objects[n->object];
	uint32_t loader = link_defined(o, "_ZN4node8builtins13BuiltinLoaderC1Ev");
	long f = loader ? elf_function_at(&o->facts, o->image.syms[loader].value) : -1;
	cleanup_free bool *seen = xcalloc(o->facts.functions_n + 1, sizeof(*seen));

	for (size_t i = 0; i < o->image.relocs_n; i++) {
		const struct elf_reloc *rel = &o->image.relocs[i];
		long at;

		if (rel->at < o->image.arrays[1].start || rel->at >= o->image.arrays[1].end ||
		    rel->kind != ELF_REL_ADDRESS)
			continue;
		at = elf_function_at(&o->facts, rel->addend);
		if (at >= 0)
			read_constructors(n, (size_t)at, seen);
	}
	if (f >= 0)
		each_insn(&o->image, &o->facts.functions[f], visit_external, n);
}
