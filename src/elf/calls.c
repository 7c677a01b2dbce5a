#include "elf/calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/scan_private.h"

/* Functions that wait for an event from outside, among them the loops of well-known libraries. */
static const char *const waiting[] = {
	"__poll_chk",	   "__ppoll_chk",    "accept",
	"accept4",	   "epoll_pwait",    "epoll_pwait2",
	"epoll_wait",	   "ev_run",	     "event_base_dispatch",
	"event_base_loop", "event_dispatch", "event_loop",
	"g_main_loop_run", "pause",	     "poll",
	"ppoll",	   "pselect",	     "sd_event_loop",
	"select",	   "sigsuspend",     "sigtimedwait",
	"sigwait",	   "sigwaitinfo",    "uv_run",
};

/* System calls of programs that make them without a C library. */
static const char *const waiting_calls[] = {
	"accept",	  "accept4",	     "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"io_uring_enter", "pause",	     "poll",	    "ppoll",	    "pselect6",
	"rt_sigsuspend",  "rt_sigtimedwait", "select",
};

static bool is_waiting(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		if (!strcmp(name, waiting[i]))
			return true;
	return false;
}

static bool site_waits(const struct elf_facts *f, const struct elf_site *s, const bool *nrs)
{
	if (s->kind != ELF_SITE_KNOWN || s->compat)
		return false;
	for (uint32_t i = 0; i < s->numbers_n; i++)
		if (f->numbers[s->numbers + i] < REACH_MAX_NR && nrs[f->numbers[s->numbers + i]])
			return true;
	return false;
}

static uint64_t called_slot(const struct elf_image *m, const struct elf_insn *i)
{
	if (i->op == ELF_OP_CALL || i->op == ELF_OP_JUMP)
		return scan_stub_slot(m, i->target);
	if ((i->op == ELF_OP_CALL_IND || i->op == ELF_OP_JUMP_IND) && i->mem.used &&
	    i->mem.absolute && i->mem.index == ELF_NO_REG)
		return (uint64_t)i->mem.disp;
	return 0;
}

/*
 * Whether every call through the slot in the function has 0 as first argument: select(2) of no
 * descriptors only sleeps.
 */
static bool only_sleeps(const struct link_object *o, const struct elf_function *x, uint64_t slot)
{
	const struct elf_image *m = &o->image;
	int8_t arg = elf_conventions[m->machine].number_arg;
	bool zero = false, all = true;
	struct flow f;

	flow_init(&f, m);
	flow_decode(&f, x->start, x->end);
	for (size_t k = 0; k < f.n; k++) {
		const struct elf_insn *i = &f.insns[k];

		all &= zero || called_slot(m, i) != slot;
		if (i->op != ELF_OP_OTHER && i->dst == arg)
			zero = i->op == ELF_OP_CONST && i->imm == 0;
		else if (i->dst == arg || i->kills >> arg & 1 || i->op >= ELF_OP_CALL)
			zero = false;
	}
	flow_free(&f);
	return all;
}

static bool slot_waits(const struct link_object *o, const struct elf_function *x, uint64_t slot)
{
	const struct elf_reloc *rel = slot ? elf_reloc_at(&o->image, slot) : NULL;
	const char *name = rel && rel->kind == ELF_REL_SYMBOL ? o->image.syms[rel->sym].name : "";

	if (!is_waiting(name))
		return false;
	return !(!strcmp(name, "select") || !strcmp(name, "pselect")) || !only_sleeps(o, x, slot);
}

bool calls_waits_at(const struct calls *c, struct reach_place at, uint64_t slot, uint64_t start,
		    uint64_t end)
{
	const struct link_object *o = c->r->l->objects[at.object];
	const struct elf_function *x = &o->facts.functions[at.function];

	for (uint32_t k = x->sites; k < x->sites + x->sites_n; k++)
		if (o->facts.sites[k].addr - start < end - start &&
		    site_waits(&o->facts, &o->facts.sites[k], c->nrs))
			return true;
	return slot_waits(o, x, slot);
}

static bool waits_by_ref(const struct link_object *o, const struct elf_function *x,
			 const struct elf_ref *r, const bool *nrs)
{
	bool numbers = r->kind == ELF_REF_WRAPPER || r->kind == ELF_REF_WRAP_SLOT;

	if (r->kind == ELF_REF_READ && r->to && slot_waits(o, x, r->at))
		return true;
	for (unsigned i = 0; numbers && i < r->numbers_n; i++)
		if (o->facts.numbers[r->numbers + i] < REACH_MAX_NR &&
		    nrs[o->facts.numbers[r->numbers + i]])
			return true;
	return false;
}

/* The function itself; what the C library waits for in its own names is not meant. */
static void look_at(struct calls *c, const struct reach_node *n)
{
	const struct link_object *o = c->r->l->objects[n->object];
	const struct elf_function *x = &o->facts.functions[n->index];
	size_t id = c->base[n->object] + n->index;

	if (c->libc[n->object])
		return;
	c->pointers[id] = x->pointers;
	for (uint32_t k = x->sites; k < x->sites + x->sites_n; k++)
		c->waits[id] |= site_waits(&o->facts, &o->facts.sites[k], c->nrs);
	for (uint32_t k = x->refs; k < x->refs + x->refs_n; k++)
		c->waits[id] |= waits_by_ref(o, x, &o->facts.refs[k], c->nrs);
}

static void count_calls(struct calls *c, const struct reach_node *n, bool fill)
{
	const struct elf_facts *f = &c->r->l->objects[n->object]->facts;
	const struct elf_function *x = &f->functions[n->index];
	struct reach_place to;

	for (uint32_t k = x->refs; k < x->refs + x->refs_n; k++) {
		if (!reach_called(c->r, n->object, &f->refs[k], &to))
			continue;
		if (fill)
			c->callers[--c->first[calls_id(c, to)]] =
				(uint32_t)(c->base[n->object] + n->index);
		else
			c->first[calls_id(c, to)]++;
	}
}

/* Lists of callers, one behind the other: first[id] … first[id + 1]. */
static void list_callers(struct calls *c)
{
	c->first = xcalloc(c->n + 1, sizeof(*c->first));
	for (size_t i = 0; i < c->r->nodes_n; i++)
		if (c->r->nodes[i].kind == REACH_FUNCTION)
			count_calls(c, &c->r->nodes[i], false);
	for (size_t i = 1; i <= c->n; i++)
		c->first[i] += c->first[i - 1];
	c->callers = xcalloc((size_t)c->first[c->n] + 1, sizeof(*c->callers));
	for (size_t i = 0; i < c->r->nodes_n; i++)
		if (c->r->nodes[i].kind == REACH_FUNCTION)
			count_calls(c, &c->r->nodes[i], true);
}

static size_t calls_object(const struct calls *c, size_t id)
{
	size_t lo = 0, hi = c->r->l->objects_n;

	while (lo + 1 < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->base[mid] <= id)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* From what is marked to whoever calls it, but for the C library. */
static void spread(const struct calls *c, bool *marks)
{
	cleanup_free uint32_t *queue = xcalloc(c->n + 1, sizeof(*queue));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (marks[i])
			queue[n++] = (uint32_t)i;
	while (n) {
		uint32_t id = queue[--n];

		for (uint32_t k = c->first[id]; k < c->first[id + 1]; k++) {
			if (c->libc[calls_object(c, c->callers[k])])
				continue;
			if (!marks[c->callers[k]])
				queue[n++] = c->callers[k];
			marks[c->callers[k]] = true;
		}
	}
}

void calls_find(struct calls *c, struct reach *r, enum sc_abi abi)
{
	const struct linker *l = r->l;

	*c = (struct calls){ .r = r };
	for (size_t i = 0; i < ARRAY_SIZE(waiting_calls); i++)
		if (sc_nr(abi, waiting_calls[i]) >= 0)
			c->nrs[sc_nr(abi, waiting_calls[i])] = true;
	c->base = xcalloc(l->objects_n + 1, sizeof(*c->base));
	c->libc = xcalloc(l->objects_n + 1, sizeof(*c->libc));
	for (size_t i = 0; i < l->objects_n; i++) {
		c->base[i + 1] = c->base[i] + l->objects[i]->facts.functions_n;
		c->libc[i] = (int)i == l->interp ||
			     link_defined(l->objects[i], "__libc_start_main");
	}
	c->n = c->base[l->objects_n];
	c->waits = xcalloc(c->n + 1, sizeof(*c->waits));
	c->pointers = xcalloc(c->n + 1, sizeof(*c->pointers));
	list_callers(c);
	for (size_t i = 0; i < r->nodes_n; i++)
		if (r->nodes[i].kind == REACH_FUNCTION)
			look_at(c, &r->nodes[i]);
	spread(c, c->waits);
	spread(c, c->pointers);
}

void calls_free(struct calls *c)
{
	free(c->base);
	free(c->first);
	free(c->callers);
	free(c->waits);
	free(c->pointers);
	free(c->libc);
	*c = (struct calls){ 0 };
}
