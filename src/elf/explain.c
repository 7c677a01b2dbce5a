#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "elf/analyze.h"
#include "elf/gates.h"
#include "elf/node.h"
#include "elf/python.h"

/* "libc.so.6:setuid" or, without a symbol, "libc.so.6:0x86860". */
static void put_function(const struct link_object *o, uint64_t addr, struct buf *out)
{
	uint64_t off;
	const char *name = reach_function_name(o, addr, &off);

	if (*name)
		buf_printf(out, "%s:%s", path_base_name(o->path), name);
	else
		buf_printf(out, "%s:0x%llx", path_base_name(o->path), (unsigned long long)addr);
	if (*name && off)
		buf_printf(out, "+0x%llx", (unsigned long long)off);
}

static void put_node(const struct reach *r, const struct reach_node *n, struct buf *out)
{
	const struct link_object *o = r->l->objects[n->object];
	const struct elf_reloc *rel;

	switch (n->kind) {
	case REACH_ROOT:
		buf_puts(out, n->why);
		break;
	case REACH_FUNCTION:
		put_function(o, o->facts.functions[n->index].start, out);
		break;
	case REACH_PART:
		put_function(o, r->parts[n->index].addr, out);
		break;
	case REACH_FORMED:
		put_function(o, o->facts.functions[n->index].start, out);
		buf_puts(out, " may have stored it before");
		break;
	case REACH_DATA:
		buf_printf(out, "%s: data at 0x%llx", path_base_name(o->path),
			   (unsigned long long)r->objects[n->object].starts[n->index]);
		break;
	case REACH_POINTER:
		rel = &o->image.relocs[n->index];
		buf_printf(out, "%s: pointer at 0x%llx", path_base_name(o->path),
			   (unsigned long long)rel->at);
		if (rel->sym && *o->image.syms[rel->sym].name)
			buf_printf(out, " to %s", o->image.syms[rel->sym].name);
		break;
	}
}

enum { MAX_STEPS = 4096 };

/* From the root down to the node. Pointers to functions of other files are left out: calls. */
static void put_chain(const struct reach *r, uint32_t node, struct buf *out)
{
	cleanup_free uint32_t *steps = xcalloc(MAX_STEPS, sizeof(*steps));
	size_t n = 0;

	while (n < MAX_STEPS) {
		steps[n++] = node;
		if (r->nodes[node].parent == node)
			break;
		node = r->nodes[node].parent;
	}
	while (n-- > 0) {
		const struct reach_node *x = &r->nodes[steps[n]];

		if (x->kind == REACH_POINTER && n && r->nodes[steps[n - 1]].object != x->object)
			continue;
		buf_puts(out, "  ");
		put_node(r, x, out);
		buf_putc(out, '\n');
	}
}

static void put_site(uint64_t site, struct buf *out)
{
	if (site)
		buf_printf(out, "  at 0x%llx\n", (unsigned long long)site);
}

static void put_way(const struct reach *r, const struct reach_call *c, struct buf *out)
{
	put_chain(r, c->node, out);
	put_site(c->site, out);
	if (c->why)
		buf_printf(out, "  %s\n", c->why);
}

bool elf_analysis_explain(const struct elf_analysis *a, enum sc_abi abi, unsigned nr,
			  struct buf *out)
{
	bool compat = abi == SC_I386;
	const struct phases *p = &a->phases;

	if (!elf_analysis_has(a, abi, nr))
		return false;
	if (!a->reach.calls[compat][nr].seen) {
		elf_analysis_gaps(a, out);
		return true;
	}
	if (p->why_not) {
		put_way(&a->reach, &a->reach.calls[compat][nr], out);
		return true;
	}
	if (p->start.calls[compat][nr].seen) {
		buf_puts(out, " at start-up:\n");
		put_way(&p->start, &p->start.calls[compat][nr], out);
	}
	if (p->serving.calls[compat][nr].seen) {
		buf_puts(out, " while serving:\n");
		put_way(&p->serving, &p->serving.calls[compat][nr], out);
	}
	return true;
}

void elf_analysis_gaps(const struct elf_analysis *a, struct buf *out)
{
	for (size_t i = 0; i < a->reach.open_n; i++) {
		buf_printf(out, "a %s with an unknown number:\n",
			   a->reach.open[i].compat ? "32-bit system call" : "system call");
		put_chain(&a->reach, a->reach.open[i].node, out);
		put_site(a->reach.open[i].site, out);
	}
	for (size_t i = 0; i < a->linker.missing_n; i++)
		buf_printf(out, "missing library: %s, needed by %s\n", a->linker.missing[i].name,
			   a->linker.objects[a->linker.missing[i].by]->path);
}

enum { MAX_LOOPS = 8 }; /* that are named */

void elf_analysis_loops(const struct elf_analysis *a, struct buf *out)
{
	const struct phases *p = &a->phases;

	if (p->why_not) {
		buf_printf(out, "start-up and serving are not told apart: %s\n", p->why_not);
		return;
	}
	for (size_t i = 0; i < p->loops_n && i < MAX_LOOPS; i++) {
		buf_puts(out, i ? ", " : "serving begins at ");
		put_function(a->linker.objects[p->loops[i].object], p->loops[i].addr, out);
	}
	if (p->loops_n > MAX_LOOPS)
		buf_printf(out, " and %zu other places", p->loops_n - MAX_LOOPS);
	buf_putc(out, '\n');
}

void elf_analysis_assumptions(const struct elf_analysis *a, struct buf *out)
{
	gate_rows closed = 0;

	if (a->python)
		python_describe(a->python, out);
	programs_describe(&a->programs, out);
	if (a->node)
		node_describe(a->node, out);
	for (size_t i = 0; i < a->reach.held_n; i++)
		closed |= a->reach.held[i].gates & ~a->reach.gates_open;
	for (unsigned i = 0; i < gates_count(); i++)
		if (closed & gates_row(i) && !(i && strcmp(gates_what(i), gates_what(i - 1)) == 0))
			buf_printf(out, "left out, since nothing reached asks for it: %s\n",
				   gates_what(i));
}
