/* Evaluation: the code of an event's type, and the state of counts and sequences. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "rules/ruleset.h"
#include "rules/vm.h"

struct rules_engine {
	const struct rules *r;
	struct vm *vm;
	bool match_all;
	struct window **windows; /* by rule; NULL: none */
	uint64_t seed;
	bool again;	   /* the event was there before, with other values */
	uint64_t *reached; /* by target: number of the event that last reached it */
	uint32_t fired[RULES_FIRED_MAX];
	size_t fired_n;
	struct rules_engine_stats stats, before; /* before: of the engines before this one */
};

int rules_compile(struct rules *r)
{
	if (r->compiled)
		return r->errors ? -EINVAL : 0;
	r->compiled = true;
	return r->errors ? -EINVAL : build_all(r);
}

static bool same_texts(const struct place *a, size_t a_n, const struct place *b, size_t b_n)
{
	if (a_n != b_n)
		return false;
	for (size_t i = 0; i < a_n; i++)
		if (strcmp(a[i].node->text, b[i].node->text) != 0)
			return false;
	return true;
}

/* Whether what the one rule remembers means the same to the other. */
static bool same_window(const struct rule *x, const struct rule *y)
{
	const struct window_spec *a = x->window, *b = y->window;

	return a && b && !strcmp(x->info.name, y->info.name) && a->kind == b->kind &&
	       a->within == b->within && a->min == b->min &&
	       same_texts(a->keys, a->keys_n, b->keys, b->keys_n) &&
	       same_texts(a->last_keys, a->last_keys ? a->keys_n : 0, b->last_keys,
			  b->last_keys ? b->keys_n : 0) &&
	       same_texts(a->steps, a->steps_n, b->steps, b->steps_n) &&
	       same_texts(&a->distinct, !!a->distinct.node, &b->distinct, !!b->distinct.node);
}

static struct window *take_window(struct rules_engine *from, const struct rule *rule)
{
	for (size_t i = 0; from && i < from->r->rules_n; i++)
		if (from->windows[i] && same_window(&from->r->rules[i], rule))
			return take_ptr(from->windows[i]);
	return NULL;
}

struct rules_engine *rules_engine_new(const struct rules *r, const struct rules_engine_options *o)
{
	struct rules_engine *g = xcalloc(1, sizeof(*g));

	g->r = r;
	g->match_all = o->match_all;
	g->vm = vm_new(&r->im);
	g->windows = xcalloc(r->rules_n + 1, sizeof(struct window *));
	g->reached = xcalloc(r->im.targets_n + 1, sizeof(*g->reached));
	/* Keys are made by strangers: without a secret they could choose ones that collide. */
	if (o->before)
		g->seed = o->before->seed;
	else if (getrandom(&g->seed, sizeof(g->seed), GRND_NONBLOCK) != sizeof(g->seed))
		g->seed = (uintptr_t)g;
	for (size_t i = 0; i < r->rules_n; i++) {
		const struct window_spec *w = r->rules[i].window;

		if (w)
			g->windows[i] = take_window(o->before, &r->rules[i]);
		if (w && !g->windows[i])
			g->windows[i] = window_new(w->kind, w->within, w->min,
						   o->keys_max ? o->keys_max : RULES_KEYS_DEFAULT);
	}
	if (o->before)
		rules_engine_get_stats(o->before, &g->before);
	return g;
}

void rules_engine_free(struct rules_engine *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->r->rules_n; i++)
		window_free(g->windows[i]);
	free(g->windows);
	free(g->reached);
	vm_free(g->vm);
	free(g);
}

static uint64_t hash_values(struct rules_engine *g, uint32_t operand, uint64_t h)
{
	const struct ev_values *v = vm_values(g->vm, operand);
	enum ev_class class = ev_kind_class(g->r->im.operands[operand].kind);

	h = strings_hash((struct ev_text){ (const char *)&h, sizeof(h) }, v ? v->n + 1 : 0);
	for (size_t i = 0; v && i < v->n; i++) {
		struct ev_text t = { (const char *)&v->v[i].u, sizeof(v->v[i].u) };

		if (class == EV_C_STRING || class == EV_C_BYTES)
			t = v->v[i].s;
		else if (class == EV_C_ADDR || class == EV_C_NET)
			t = (struct ev_text){ (const char *)v->v[i].a.b, v->v[i].a.len };
		h = strings_hash(t, h);
	}
	return h;
}

static uint64_t window_key(struct rules_engine *g, const uint32_t *operands, size_t n)
{
	uint64_t h = g->seed;

	for (size_t i = 0; i < n; i++)
		h = hash_values(g, operands[i], h);
	return h;
}

/* A rule's condition is true: whether its count or sequence agrees. */
static bool window_agrees(struct rules_engine *g, uint32_t rule)
{
	const struct window_spec *w = g->r->rules[rule].window;
	uint64_t key, now = g->vm->ev->uptime, value = 0;

	if (!w)
		return true;
	key = window_key(g, w->last_operands, w->keys_n);
	if (w->kind == WINDOW_SEQUENCE)
		return window_last(g->windows[rule], key, now);
	if (w->distinct_operand >= 0) {
		if (!vm_values(g->vm, (uint32_t)w->distinct_operand))
			return false;
		value = hash_values(g, (uint32_t)w->distinct_operand, g->seed);
	}
	return window_count(g->windows[rule], key, now, w->distinct_operand >= 0, value);
}

static void take_step(struct rules_engine *g, const struct target *t)
{
	const struct window_spec *w = g->r->rules[t->rule].window;

	window_step(g->windows[t->rule], window_key(g, w->key_operands, w->keys_n),
		    g->vm->ev->uptime, (unsigned)t->step);
}

/* A target is reached: whether evaluation ends. */
static bool fire(struct rules_engine *g, uint32_t target)
{
	const struct target *t = &g->r->im.targets[target];

	if (g->again && g->reached[target] == g->stats.events)
		return false;
	g->reached[target] = g->stats.events;
	if (t->step >= 0) {
		take_step(g, t);
		return false;
	}
	if (!window_agrees(g, t->rule))
		return false;
	if (g->fired_n < RULES_FIRED_MAX)
		g->fired[g->fired_n++] = t->rule;
	else
		g->stats.fired_lost++;
	return !g->match_all;
}

static void run(struct rules_engine *g, uint32_t pc)
{
	const struct image *im = &g->r->im;
	struct vm *vm = g->vm;
	uint32_t back[MEMO_DEPTH], depth = 0;

	for (;;) {
		const struct insn *in = &im->code[pc];
		int truth;

		switch (in->op) {
		case I_TEST:
			pc = vm_test(vm, in->a) ? in->t : in->f;
			break;
		case I_MEMO:
			if (vm->memos[in->a] >> 1 == vm->now) {
				pc = vm->memos[in->a] & 1 ? in->t : in->f;
			} else {
				back[depth++] = pc;
				pc = im->bodies[in->a];
			}
			break;
		case I_KEEP:
			vm->memos[in->a] = vm->now << 1 | in->b;
			pc = back[--depth];
			break;
		case I_WHO:
			truth = vm_who(vm, in->a);
			if (truth >= 0) {
				pc = truth ? in->t : in->f;
			} else {
				back[depth++] = pc;
				pc = im->who_bodies[in->a];
			}
			break;
		case I_PEEK:
			pc = vm_who(vm, in->a) == in->b ? in->t : in->f;
			break;
		case I_KNOW:
			vm_know(vm, in->a, in->b);
			pc = back[--depth];
			break;
		case I_FIRE:
			if (fire(g, in->a))
				return;
			pc = in->t;
			break;
		default:
			return;
		}
	}
}

static size_t evaluate(struct rules_engine *g, const struct event *ev, const uint32_t **fired)
{
	const struct image *im = &g->r->im;
	uint32_t rules = im->entry[PROGRAM_RULES][ev->source][ev->type];
	uint32_t steps = im->entry[PROGRAM_STEPS][ev->source][ev->type];

	g->fired_n = 0;
	*fired = g->fired;
	vm_begin(g->vm, ev);
	if (rules)
		run(g, rules);
	/* Behind the rules: an event that ends a sequence does not begin it as well. */
	if (steps)
		run(g, steps);
	g->stats.fired += g->fired_n;
	return g->fired_n;
}

size_t rules_engine_event(struct rules_engine *g, const struct event *ev, const uint32_t **fired)
{
	g->again = false;
	g->stats.events++;
	return evaluate(g, ev, fired);
}

size_t rules_engine_again(struct rules_engine *g, const struct event *ev, const uint32_t **fired)
{
	g->again = true;
	return evaluate(g, ev, fired);
}

void rules_engine_get_stats(const struct rules_engine *g, struct rules_engine_stats *out)
{
	*out = g->before;
	out->events += g->stats.events;
	out->fired += g->stats.fired;
	out->fired_lost += g->stats.fired_lost;
	out->scratch_full += g->vm->full;
	out->regex_gave_up += g->vm->gave_up;
	for (size_t i = 0; i < g->r->rules_n; i++)
		if (g->windows[i])
			out->keys_evicted += window_evicted(g->windows[i]);
}

void rules_engine_text(struct rules_engine *g, size_t rule, struct buf *out)
{
	output_text(g->vm, g->r->rules[rule].format, out);
}

void rules_engine_fields(struct rules_engine *g, size_t rule, struct buf *out)
{
	output_fields(g->vm, g->r->rules[rule].format, out);
}
