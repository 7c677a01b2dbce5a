/*
 * What a kernel can ask of events before it sends them: for each condition something that must
 * hold when it is true. Never more: an event that could fire a rule passes.
 */
#include <string.h>

#include "rules/ruleset.h"

enum { NEED_BUDGET = 10000 };

static const struct rules_need anything = {
	.wanted = true,
	.result = NEED_ANY_RESULT,
	.open = NEED_ANY_OPEN,
	.where = NEED_ANYWHERE,
	.family = NEED_ANY_FAMILY,
	.map = NEED_ANY_MAP,
};

static bool is_field(const struct image *im, const struct test *t, enum ev_field_id id)
{
	const struct operand *o = &im->operands[t->left];

	return o->source == OPERAND_FIELD && o->ref.field == ev_field_at(id) && t->right < 0;
}

static bool equals(const struct ev_value *v, const char *s)
{
	return v->s.len == strlen(s) && !memcmp(v->s.p, s, v->s.len);
}

/* The bits of those names that are among the test's values, all of which have to be known. */
static unsigned named_bits(const struct test *t, const char *const *names, const unsigned *bits,
			   unsigned any)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < t->values_n; i++) {
		unsigned k = 0;

		while (names[k] && !equals(&t->values[i], names[k]))
			k++;
		if (!names[k])
			return any;
		found |= bits[k];
	}
	return found;
}

/* The texts that the value is one of, or begins with. Too many: any. */
static size_t texts(const struct test *t, bool prefix, struct rules_need_text *out)
{
	if (t->values_n > RULES_NEED_TEXTS || t->modifier != RM_NONE)
		return 0;
	for (uint32_t i = 0; i < t->values_n; i++)
		out[i] = (struct rules_need_text){ t->values[i].s.p, prefix };
	return t->values_n;
}

/* fd.num of a call that opens is its result. */
static unsigned opened_bits(const struct test *t, unsigned type)
{
	static const char *const opens[] = { "open", "openat", "openat2", "creat" };

	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		if (strcmp(ev_type_name(type), opens[i]) || t->values_n != 1)
			continue;
		if (t->op == RO_GE && t->values[0].i >= 0)
			return NEED_SUCCESS;
		if (t->op == RO_EQ && t->values[0].i < 0)
			return NEED_FAILURE;
	}
	return NEED_ANY_RESULT;
}

static unsigned result_bits(const struct image *im, const struct test *t, unsigned type)
{
	bool one = t->values_n == 1 && t->modifier == RM_NONE;

	if (is_field(im, t, EV_FD_NUM) && one)
		return opened_bits(t, type);
	if (is_field(im, t, EV_EVT_RES) && t->op == RO_EQ && one)
		return equals(&t->values[0], "SUCCESS") ? NEED_SUCCESS : NEED_FAILURE;
	if (is_field(im, t, EV_EVT_RES) && t->op == RO_STARTSWITH && one && t->values[0].s.len &&
	    *t->values[0].s.p == 'E')
		return NEED_FAILURE;
	if (is_field(im, t, EV_EVT_FAILED) && t->op == RO_EQ && one)
		return t->values[0].u ? NEED_FAILURE : NEED_SUCCESS;
	if (!is_field(im, t, EV_EVT_RAWRES) || !t->values_n || t->modifier != RM_NONE)
		return NEED_ANY_RESULT;
	if ((t->op == RO_GE && t->values[0].i >= 0) || (t->op == RO_GT && t->values[0].i >= -1))
		return NEED_SUCCESS;
	if ((t->op == RO_LT && t->values[0].i <= 0) || (t->op == RO_LE && t->values[0].i < 0))
		return NEED_FAILURE;
	if (t->op != RO_EQ)
		return NEED_ANY_RESULT;
	for (uint32_t i = 0; i < t->values_n; i++)
		if (t->values[i].i < 0)
			return NEED_ANY_RESULT;
	return NEED_SUCCESS;
}

/* "evt.arg.prot contains PROT_EXEC" of mmap(2). */
static bool wants_exec_map(const struct image *im, const struct test *t, unsigned type)
{
	const struct ev_ref *ref = &im->operands[t->left].ref;

	return !strcmp(ev_type_name(type), "mmap") && is_field(im, t, EV_EVT_ARG) &&
	       ref->arg == EV_ARG_KEY && ref->key.len == 4 && !memcmp(ref->key.p, "prot", 4) &&
	       t->op == RO_CONTAINS && t->values_n == 1 && t->modifier == RM_NONE &&
	       equals(&t->values[0], "PROT_EXEC");
}

static bool is_port(const struct image *im, const struct test *t)
{
	static const enum ev_field_id ids[] = { EV_FD_PORT, EV_FD_SPORT, EV_FD_CPORT, EV_FD_LPORT,
						EV_FD_RPORT };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (is_field(im, t, ids[i]))
			return true;
	return false;
}

static size_t ports(const struct test *t, uint16_t *out)
{
	if (t->values_n > RULES_NEED_PORTS)
		return 0;
	for (uint32_t i = 0; i < t->values_n; i++)
		out[i] = (uint16_t)t->values[i].u;
	return t->values_n;
}

/* Of a test that is true and not inverted. */
static void need_of_test(const struct image *im, const struct test *t, unsigned type,
			 struct rules_need *n)
{
	static const char *const families[] = { "4", "6", "ipv4", "ipv6", NULL };
	static const unsigned family_bits[] = { NEED_IPV4, NEED_IPV6, NEED_IPV4, NEED_IPV6 };
	bool plain = t->op == RO_EQ && t->modifier == RM_NONE;
	bool yes = plain && t->class == EV_C_BOOL && t->values_n == 1 && t->values[0].u;

	n->result = result_bits(im, t, type);
	if (is_field(im, t, EV_EVT_IS_OPEN_READ) && yes)
		n->open = NEED_READ;
	if (is_field(im, t, EV_EVT_IS_OPEN_WRITE) && yes)
		n->open = NEED_WRITE;
	if (is_field(im, t, EV_CONTAINER_ID) && plain && t->values_n == 1)
		n->where = equals(&t->values[0], "host") ? NEED_HOST : NEED_CONTAINER;
	if (plain && (is_field(im, t, EV_FD_TYPECHAR) || is_field(im, t, EV_FD_TYPE)))
		n->family = named_bits(t, families, family_bits, NEED_ANY_FAMILY);
	if (wants_exec_map(im, t, type))
		n->map = NEED_EXEC_MAP;
	if (plain && is_port(im, t))
		n->ports_n = ports(t, n->ports);
	if ((plain || t->op == RO_STARTSWITH) && is_field(im, t, EV_FD_NAME))
		n->paths_n = texts(t, !plain, n->paths);
	/* What is in a directory begins with its name; a directory's is its own. */
	if ((plain || t->op == RO_STARTSWITH) && is_field(im, t, EV_FD_DIRECTORY))
		n->paths_n = texts(t, true, n->paths);
	if ((plain || t->op == RO_STARTSWITH) && is_field(im, t, EV_PROC_NAME))
		n->comms_n = texts(t, !plain, n->comms);
}

/* Of a test that is false, or inverted and true. */
static void need_of_not(const struct image *im, const struct test *t, struct rules_need *n)
{
	bool one = t->op == RO_EQ && t->values_n == 1 && t->modifier == RM_NONE;

	if (one && t->invert && is_field(im, t, EV_CONTAINER_ID) && equals(&t->values[0], "host"))
		n->where = NEED_CONTAINER;
}

/* The shorter of two lists that both have to hold. */
static size_t shorter(struct rules_need_text *a, size_t n, const struct rules_need_text *b,
		      size_t m)
{
	if (!m || (n && n <= m))
		return n;
	memcpy(a, b, m * sizeof(*a));
	return m;
}

/* Both lists together; 0: any, because one is, or because they are too long. */
static size_t together(struct rules_need_text *a, size_t n, const struct rules_need_text *b,
		       size_t m)
{
	if (!n || !m)
		return 0;
	for (size_t i = 0; i < m; i++) {
		size_t k = 0;

		while (k < n && (a[k].prefix != b[i].prefix || strcmp(a[k].text, b[i].text)))
			k++;
		if (k < n)
			continue;
		if (n == RULES_NEED_TEXTS)
			return 0;
		a[n++] = b[i];
	}
	return n;
}

static size_t ports_together(uint16_t *a, size_t n, const uint16_t *b, size_t m)
{
	if (!n || !m)
		return 0;
	for (size_t i = 0; i < m; i++) {
		size_t k = 0;

		while (k < n && a[k] != b[i])
			k++;
		if (k < n)
			continue;
		if (n == RULES_NEED_PORTS)
			return 0;
		a[n++] = b[i];
	}
	return n;
}

static void both(struct rules_need *a, const struct rules_need *b)
{
	a->wanted &= b->wanted;
	a->result &= b->result;
	a->where &= b->where;
	a->family &= b->family;
	a->map &= b->map;
	/* An open for reading and writing is both: only equal masks can be put together. */
	if (b->open != NEED_ANY_OPEN)
		a->open = b->open;
	a->paths_n = shorter(a->paths, a->paths_n, b->paths, b->paths_n);
	a->comms_n = shorter(a->comms, a->comms_n, b->comms, b->comms_n);
	if (b->ports_n && (!a->ports_n || b->ports_n < a->ports_n)) {
		memcpy(a->ports, b->ports, sizeof(a->ports));
		a->ports_n = b->ports_n;
	}
}

static void either(struct rules_need *a, const struct rules_need *b)
{
	if (!b->wanted)
		return;
	if (!a->wanted) {
		*a = *b;
		return;
	}
	a->result |= b->result;
	a->open |= b->open;
	a->where |= b->where;
	a->family |= b->family;
	a->map |= b->map;
	a->paths_n = together(a->paths, a->paths_n, b->paths, b->paths_n);
	a->comms_n = together(a->comms, a->comms_n, b->comms, b->comms_n);
	a->ports_n = ports_together(a->ports, a->ports_n, b->ports, b->ports_n);
}

/* `budget`: nodes to look at; a condition with more, counted as often as shared, may be anything.
 */
static void need_of(const struct image *im, gref r, unsigned type, unsigned *budget,
		    struct rules_need *out)
{
	const struct gnode *n = &im->nodes[gref_node(r)];
	bool all = (n->kind == G_AND) != gref_negated(r);
	struct rules_need part;

	*out = anything;
	if (!*budget)
		return;
	--*budget;
	if (n->kind == G_FALSE) {
		out->wanted = gref_negated(r);
	} else if (n->kind == G_TEST) {
		const struct test *t = &im->tests[n->test];

		if (gref_negated(r))
			return;
		if (t->invert)
			need_of_not(im, t, out);
		else
			need_of_test(im, t, type, out);
	} else {
		out->wanted = all;
		for (uint32_t i = 0; i < n->child_n; i++) {
			need_of(im, n->child[i] ^ gref_negated(r), type, budget, &part);
			if (all)
				both(out, &part);
			else
				either(out, &part);
		}
	}
}

static void need_of_target(struct image *im, const struct target *t, unsigned type,
			   struct rules_need *out)
{
	struct map memo = { 0 };
	unsigned budget = NEED_BUDGET;

	if (!ev_set_has(&t->types, type))
		return;
	need_of(im, graph_for_type(im, t->condition, type, &memo), type, &budget, out);
	map_free(&memo);
	if (!out->result || !out->where || !out->family)
		*out = (struct rules_need){ 0 };
}

void rules_needs_of(const struct rules *r, size_t rule, unsigned type, struct rules_need *out)
{
	/* The graph only grows, by what an event of this type leaves of a condition. */
	struct image *im = (struct image *)&r->im;

	*out = (struct rules_need){ 0 };
	for (size_t i = 0; i < im->targets_n; i++) {
		struct target t = im->targets[i];
		struct rules_need one = { 0 };

		if (t.rule != rule)
			continue;
		need_of_target(im, &t, type, &one);
		either(out, &one);
	}
}

void rules_needs(const struct rules *r, enum ev_source source, unsigned type,
		 struct rules_need *out)
{
	*out = (struct rules_need){ 0 };
	for (size_t i = 0; i < r->rules_n; i++) {
		struct rules_need one;

		if (r->rules[i].info.source != source || r->rules[i].info.dropped)
			continue;
		rules_needs_of(r, i, type, &one);
		either(out, &one);
	}
}

size_t rules_needs_parts(const struct rules *r, enum ev_source source, unsigned type,
			 struct rules_need out[RULES_NEED_PARTS])
{
	size_t n = 0;

	memset(out, 0, RULES_NEED_PARTS * sizeof(*out));
	for (size_t i = 0; i < r->rules_n; i++) {
		struct rules_need one;

		if (r->rules[i].info.source != source || r->rules[i].info.dropped)
			continue;
		rules_needs_of(r, i, type, &one);
		either(&out[one.open == NEED_READ ? 0 : one.open == NEED_WRITE ? 1 : 2], &one);
	}
	for (size_t i = 0; i < RULES_NEED_PARTS; i++) {
		if (!out[i].wanted)
			continue;
		if (n != i)
			out[n] = out[i];
		n++;
	}
	return n;
}

static void print_bits(const char *what, unsigned bits, unsigned any, const char *const *names,
		       struct buf *out)
{
	bool first = true;

	if (bits == any)
		return;
	buf_printf(out, "%s%s", out->len ? "; " : "", what);
	for (unsigned i = 0; names[i]; i++) {
		if (!(bits >> i & 1))
			continue;
		buf_printf(out, "%s%s", first ? " " : " or ", names[i]);
		first = false;
	}
}

static void print_texts(const char *what, const struct rules_need_text *v, size_t n,
			struct buf *out)
{
	if (!n)
		return;
	buf_printf(out, "%s%s", out->len ? "; " : "", what);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s%s", i ? ", " : " ", v[i].text, v[i].prefix ? "…" : "");
}

static void print_ports(const struct rules_need *n, struct buf *out)
{
	if (n->ports_n)
		buf_printf(out, "%sport:", out->len ? "; " : "");
	for (size_t i = 0; i < n->ports_n; i++)
		buf_printf(out, "%s %u", i ? "," : "", n->ports[i]);
}

void rules_need_print(const struct rules_need *n, struct buf *out)
{
	static const char *const results[] = { "success", "failure", NULL };
	static const char *const opens[] = { "reading", "writing", "neither", NULL };
	static const char *const wheres[] = { "host", "containers", NULL };
	static const char *const families[] = { "IPv4", "IPv6", "others", NULL };
	cleanup_buf struct buf text = { 0 };

	if (!n->wanted) {
		buf_puts(out, "not needed");
		return;
	}
	print_bits("only", n->where, NEED_ANYWHERE, wheres, &text);
	print_bits("result:", n->result, NEED_ANY_RESULT, results, &text);
	print_bits("opened for", n->open, NEED_ANY_OPEN, opens, &text);
	print_bits("address family:", n->family, NEED_ANY_FAMILY, families, &text);
	if (n->map == NEED_EXEC_MAP)
		buf_printf(&text, "%sexecutable memory", text.len ? "; " : "");
	print_ports(n, &text);
	print_texts("path:", n->paths, n->paths_n, &text);
	print_texts("program:", n->comms, n->comms_n, &text);
	buf_puts(out, text.len ? buf_str(&text) : "every one");
}
