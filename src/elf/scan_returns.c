/*
 * Which functions never come back. What stands behind a call to one of them is not its
 * continuation, and taking it for that would make values unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/scan_private.h"

/* Of the C and C++ libraries: declared noreturn by their standards. */
static const char *const never[] = {
	"_Exit",
	"_Unwind_Resume",
	"__assert_fail",
	"__assert_perror_fail",
	"__chk_fail",
	"__cxa_bad_cast",
	"__cxa_rethrow",
	"__cxa_throw",
	"__fortify_fail",
	"__libc_fatal",
	"__longjmp_chk",
	"__stack_chk_fail",
	"_exit",
	"_longjmp",
	"_dl_fatal_printf",
	"_dl_signal_error",
	"abort",
	"err",
	"errx",
	"exit",
	"longjmp",
	"pthread_exit",
	"quick_exit",
	"siglongjmp",
	"thrd_exit",
	"verr",
	"verrx",
};

static bool name_never_returns(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (!strcmp(never[i], name))
			return true;
	/* std::terminate(), std::__throw_bad_alloc() and its kin. */
	return !strcmp(name, "_ZSt9terminatev") ||
	       (!strncmp(name, "_ZSt", 4) && strstr(name, "__throw_"));
}

static bool slot_returns(const struct elf_image *m, uint64_t slot)
{
	const struct elf_reloc *r = elf_reloc_at(m, slot);

	return !r || r->kind != ELF_REL_SYMBOL || !name_never_returns(m->syms[r->sym].name);
}

/* A function that jumps to another one as its last step comes back when that one does. */
struct tail {
	uint32_t from, to;
};

struct tails {
	struct tail *v;
	size_t n, cap;
};

static void look_at_jump(struct scan *s, struct tails *tails, uint32_t index, uint64_t target)
{
	struct elf_function *f = &s->facts->functions[index];
	uint64_t slot;
	long to;

	if (target - f->start < f->end - f->start)
		return;
	slot = scan_stub_slot(s->m, target);
	to = slot ? -1 : elf_function_at(s->facts, target);
	if (slot)
		f->returns |= slot_returns(s->m, slot);
	else if (to < 0)
		f->returns = true;
	else
		*vec_push(tails->v, tails->n, tails->cap) = (struct tail){ index, (uint32_t)to };
}

static void look_at_function(struct scan *s, struct tails *tails, uint32_t index)
{
	struct elf_function *f = &s->facts->functions[index];

	f->returns = f->continues;
	flow_decode(&s->flow, f->start, f->end);
	f->returns |= s->flow.damaged;
	for (size_t k = 0; k < s->flow.n && !f->returns; k++) {
		const struct elf_insn *i = &s->flow.insns[k];

		if (i->op == ELF_OP_RETURN)
			f->returns = true;
		else if (i->op == ELF_OP_JUMP_IND)
			f->returns |= !i->mem.used || !i->mem.absolute ||
				      slot_returns(s->m, (uint64_t)i->mem.disp);
		else if (i->op == ELF_OP_JUMP || i->op == ELF_OP_BRANCH)
			look_at_jump(s, tails, index, i->target);
	}
}

static int compare_tails(const void *a, const void *b)
{
	const struct tail *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

/* From the functions that return to those that end by jumping there. */
static void spread(struct scan *s, const struct tails *tails)
{
	size_t functions = s->facts->functions_n, n = 0;
	cleanup_free size_t *first = xcalloc(functions + 2, sizeof(*first));
	cleanup_free uint32_t *queue = xcalloc(functions + 1, sizeof(*queue));

	for (size_t i = 0; i < tails->n; i++)
		first[tails->v[i].to + 1]++;
	for (size_t i = 0; i < functions; i++) {
		first[i + 1] += first[i];
		if (s->facts->functions[i].returns)
			queue[n++] = (uint32_t)i;
	}
	while (n) {
		uint32_t to = queue[--n];

		for (size_t i = first[to]; i < first[to + 1]; i++) {
			uint32_t from = tails->v[i].from;

			if (s->facts->functions[from].returns)
				continue;
			s->facts->functions[from].returns = true;
			queue[n++] = from;
		}
	}
}

void scan_returns(struct scan *s)
{
	struct tails tails = { 0 };

	for (size_t i = 0; i < s->facts->functions_n; i++)
		look_at_function(s, &tails, (uint32_t)i);
	if (tails.n)
		qsort(tails.v, tails.n, sizeof(*tails.v), compare_tails);
	spread(s, &tails);
	free(tails.v);
}

static bool comes_back(const struct scan *s, const struct elf_insn *i)
{
	uint64_t slot = 0;
	long to;

	if (i->op == ELF_OP_CALL_IND)
		return !i->mem.used || !i->mem.absolute || i->mem.index != ELF_NO_REG ||
		       slot_returns(s->m, (uint64_t)i->mem.disp);
	slot = scan_stub_slot(s->m, i->target);
	if (slot)
		return slot_returns(s->m, slot);
	to = elf_function_at(s->facts, i->target);
	return to < 0 || s->facts->functions[to].returns ||
	       s->facts->functions[to].start != i->target;
}

void scan_mark_final(struct scan *s)
{
	for (size_t k = 0; k < s->flow.n; k++) {
		struct elf_insn *i = &s->flow.insns[k];

		if (i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND)
			i->final = !comes_back(s, i);
	}
}
