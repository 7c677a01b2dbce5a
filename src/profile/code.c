#include "profile/code.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum {
	CODE_MAX_NODES = 65536, /* also those that no path reaches in the end */
	CHAIN_MAX = 9,		/* pieces, with up to four or five single values among them */
};

void code_free(struct code *c)
{
	free(c->node);
	map_free(&c->index);
	*c = (struct code){ 0 };
}

/* The node with this content, which is new unless there was one. */
static uint32_t intern(struct code *c, const struct code_node *n)
{
	void **slot = map_at(&c->index, n, sizeof(*n));

	if (*slot)
		return (uint32_t)((uintptr_t)*slot - 1);
	if (c->n == CODE_MAX_NODES) {
		c->full = true;
		return 0;
	}
	*vec_push(c->node, c->n, c->cap) = *n;
	*slot = (void *)(uintptr_t)c->n; /* index + 1 */
	return (uint32_t)(c->n - 1);
}

uint32_t code_ret(struct code *c, uint32_t verdict)
{
	return intern(c, &(struct code_node){ .op = BPF_RET, .k = verdict });
}

uint32_t code_test(struct code *c, uint16_t op, uint16_t word, uint32_t mask, uint32_t k,
		   uint32_t t, uint32_t f)
{
	if (t == f && word != WORD_ARCH)
		return t;
	return intern(c, &(struct code_node){ op, word, mask, k, t, f });
}

/* Drops pieces that go on as the one before. */
static size_t join_pieces(struct code_piece *p, size_t n)
{
	size_t len = 1;

	for (size_t i = 1; i < n; i++) {
		if (p[i].node != p[len - 1].node)
			p[len++] = p[i];
		else
			p[len - 1].weight += p[i].weight;
	}
	return len;
}

/* Whether every second piece, from `from` on, is one value, and the others go to the same node. */
static bool is_chain(const struct code_piece *p, size_t n, size_t from, uint32_t max)
{
	size_t other = from ^ 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t hi = i + 1 < n ? p[i + 1].lo - 1 : max;

		if (i % 2 == from && p[i].lo != hi)
			return false;
		if (i % 2 == other && p[i].node != p[other].node)
			return false;
	}
	return true;
}

static uint32_t chain(struct code *c, uint16_t word, uint32_t mask, const struct code_piece *p,
		      size_t n, size_t from)
{
	uint32_t node = p[from ^ 1].node;

	for (size_t i = n; i-- > 0;)
		if (i % 2 == from)
			node = code_test(c, BPF_JEQ, word, mask, (uint32_t)p[i].lo, p[i].node,
					 node);
	return node;
}

/* Where to cut, so that what is below and what is not weigh about the same; 1 to n-1. */
static size_t middle(const struct code_piece *p, size_t n)
{
	uint64_t total = 0, below = 0, least = UINT64_MAX;
	size_t mid = 1;

	for (size_t i = 0; i < n; i++)
		total += p[i].weight;
	for (size_t i = 1; i < n; i++) {
		uint64_t off;

		below += p[i - 1].weight;
		off = 2 * below > total ? 2 * below - total : total - 2 * below;
		if (off < least) {
			least = off;
			mid = i;
		}
	}
	return mid;
}

/* The pieces between p[0].lo and max, which the value is known to lie in. */
static uint32_t search(struct code *c, uint16_t word, uint32_t mask, const struct code_piece *p,
		       size_t n, uint32_t max)
{
	uint32_t below, above;
	size_t mid;

	if (n == 1)
		return p[0].node;
	if (n <= CHAIN_MAX && is_chain(p, n, 1, max))
		return chain(c, word, mask, p, n, 1);
	if (n <= CHAIN_MAX && is_chain(p, n, 0, max))
		return chain(c, word, mask, p, n, 0);
	mid = middle(p, n);
	below = search(c, word, mask, p, mid, (uint32_t)p[mid].lo - 1);
	above = search(c, word, mask, p + mid, n - mid, max);
	return code_test(c, BPF_JGE, word, mask, (uint32_t)p[mid].lo, above, below);
}

uint32_t code_search(struct code *c, uint16_t word, uint32_t mask, struct code_pieces *v)
{
	v->n = join_pieces(v->p, v->n);
	return search(c, word, mask, v->p, v->n, mask);
}

void code_pieces_free(struct code_pieces *v)
{
	free(v->p);
	*v = (struct code_pieces){ 0 };
}

void code_pieces_put(struct code_pieces *v, uint64_t lo, uint32_t node)
{
	if (v->n && v->p[v->n - 1].lo == lo)
		v->n--;
	*vec_push(v->p, v->n, v->cap) = (struct code_piece){ lo, node, 1 };
}

void code_pieces_weigh(struct code_pieces *v, uint64_t weight)
{
	v->p[v->n - 1].weight = weight;
}

uint32_t code_search64(struct code *c, unsigned arg, const struct code_pieces *v)
{
	cleanup_code_pieces struct code_pieces hi = { 0 }, lo = { 0 };
	uint32_t prev = v->p[0].node; /* what decides just below the present high word */

	for (size_t i = 0; i < v->n;) {
		uint64_t h = v->p[i].lo >> 32;

		lo.n = 0;
		if ((uint32_t)v->p[i].lo)
			code_pieces_put(&lo, 0, prev);
		for (; i < v->n && v->p[i].lo >> 32 == h; i++)
			code_pieces_put(&lo, (uint32_t)v->p[i].lo, v->p[i].node);
		prev = lo.p[lo.n - 1].node;
		code_pieces_put(&hi, h, code_search(c, WORD_LO(arg), UINT32_MAX, &lo));
		if (h < UINT32_MAX)
			code_pieces_put(&hi, h + 1, prev);
	}
	return code_search(c, WORD_HI(arg), UINT32_MAX, &hi);
}

/*
 * Layout, from the last instruction to the first: what is jumped to already stands when the jump is
 * written, and all distances are known. Position 0 is the last instruction.
 */
enum { NOWHERE = UINT32_MAX, MAX_JUMP = 255 };

struct place {
	uint32_t plain; /* position of the entry that expects the word in the accumulator */
	uint32_t load;	/* position of the entry that loads it; of a RET, its nearest copy */
	bool want_plain, want_load, done;
};

struct layout {
	const struct code *c;
	struct place *at;
	struct sock_filter *insn;
	size_t n; /* up to SP_MAX_INSNS are stored, more are only counted */
};

static uint32_t put(struct layout *l, struct sock_filter insn)
{
	if (l->n < SP_MAX_INSNS)
		l->insn[l->n] = insn;
	return (uint32_t)l->n++;
}

/* Whether the edge from `from` to `to` keeps the accumulator. */
static bool keeps_word(const struct code_node *from, const struct code_node *to)
{
	return to->op != BPF_RET && from->word == to->word && from->mask == to->mask;
}

static uint32_t *entry(struct layout *l, const struct code_node *from, uint32_t to)
{
	return keeps_word(from, &l->c->node[to]) ? &l->at[to].plain : &l->at[to].load;
}

/* Makes the entry reachable by a jump of 8 bits from the next instruction; true when it had to. */
static bool bring_near(struct layout *l, const struct code_node *from, uint32_t to)
{
	const struct code_node *node = &l->c->node[to];
	uint32_t *pos = entry(l, from, to);

	if (*pos != NOWHERE && l->n - *pos - 1 <= MAX_JUMP)
		return false;
	if (node->op == BPF_RET)
		*pos = put(l, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, node->k));
	else
		*pos = put(l, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							   (uint32_t)l->n - *pos - 1));
	return true;
}

static void put_node(struct layout *l, uint32_t id);

static void put_children(struct layout *l, const struct code_node *node)
{
	/* What is put last needs no jump: the tree of the arch just tested, else the false side. */
	uint32_t first = node->word == WORD_ARCH ? node->f : node->t;
	uint32_t last = node->word == WORD_ARCH ? node->t : node->f;

	put_node(l, first);
	put_node(l, last);
	while (bring_near(l, node, node->t) || bring_near(l, node, node->f))
		;
}

static void put_node(struct layout *l, uint32_t id)
{
	const struct code_node *node = &l->c->node[id];
	struct place *at = &l->at[id];

	if (node->op == BPF_RET || at->done || l->n > SP_MAX_INSNS)
		return;
	at->done = true;
	put_children(l, node);
	at->plain = put(
		l, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | node->op, node->k,
						(uint8_t)(l->n - *entry(l, node, node->t) - 1),
						(uint8_t)(l->n - *entry(l, node, node->f) - 1)));
	if (!at->want_load)
		return;
	if (node->mask != UINT32_MAX)
		put(l, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, node->mask));
	at->load = put(l, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, node->word * 4u));
}

/* Which entries the reachable nodes need; how many instructions that takes at least. */
static size_t mark(struct layout *l, uint32_t root)
{
	size_t n = 0;

	l->at[root].want_load = true;
	for (uint32_t id = root + 1; id-- > 0;) {
		const struct code_node *node = &l->c->node[id];
		uint32_t to[] = { node->t, node->f };

		if (!l->at[id].want_load && !l->at[id].want_plain)
			continue;
		n++;
		for (size_t i = 0; node->op != BPF_RET && i < ARRAY_SIZE(to); i++) {
			if (keeps_word(node, &l->c->node[to[i]]))
				l->at[to[i]].want_plain = true;
			else
				l->at[to[i]].want_load = true;
		}
	}
	return n;
}

static int too_big(struct err *e)
{
	return err_set(
		e, E2BIG,
		"the filter needs more than %d BPF instructions, which is the kernel's limit: "
		"fewer rules with conditions, or fewer architectures, are expected",
		SP_MAX_INSNS);
}

int code_emit(struct code *c, uint32_t root, struct sp_filter *out, struct err *e)
{
	cleanup_free struct sock_filter *insn = NULL;
	cleanup_free struct place *at = NULL;
	struct layout l = { .c = c };

	if (c->full)
		return too_big(e);
	l.insn = insn = xcalloc(SP_MAX_INSNS, sizeof(*insn));
	l.at = at = xcalloc(c->n, sizeof(*at));
	for (size_t i = 0; i < c->n; i++)
		at[i].plain = at[i].load = NOWHERE;
	if (mark(&l, root) > SP_MAX_INSNS)
		return too_big(e);
	put_node(&l, root);
	if (l.n > SP_MAX_INSNS)
		return too_big(e);
	out->n = l.n;
	out->insn = xcalloc(l.n, sizeof(*out->insn));
	for (size_t i = 0; i < l.n; i++)
		out->insn[i] = insn[l.n - 1 - i];
	return 0;
}
