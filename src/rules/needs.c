/*
 * What a kernel can ask of events before it sends them: for each condition something that must
 * hold when it is true. Never more: an event that could fire a rule passes.
 */
#include <string.h>

#include "rules/needs_arg.h"
#include "rules/ruleset.h"

enum { NEED_BUDGET = 10000, NEED_DEPTH = 32 };

static const struct rules_need anything = {
	.wanted = true,
	.result = NEED_ANY_RESULT,
	.open = NEED_ANY_OPEN,
	.where = NEED_ANYWHERE,
	.family = NEED_ANY_FAMILY,
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

static const struct {
	enum ev_field_id field;
	enum rules_need_subject subject;
} subjects[] = {
	{ EV_FD_NAME, NEED_PATH },     { EV_FD_DIRECTORY, NEED_PATH },
	{ EV_FD_FILENAME, NEED_PATH }, { EV_FD_NAMERAW, NEED_RAW_PATH },
	{ EV_PROC_NAME, NEED_COMM },
};

/* Where in the subject a text of the test stands when the test is true; -1: nobody knows. */
static int text_place(enum ev_field_id field, enum rules_op op)
{
	switch (op) {
	case RO_EQ:
		return field == EV_FD_DIRECTORY	 ? NEED_INSIDE
		       : field == EV_FD_FILENAME ? NEED_LAST
						 : NEED_WHOLE;
	case RO_STARTSWITH:
		return field == EV_FD_FILENAME ? NEED_PART : NEED_PREFIX;
	case RO_ENDSWITH:
		return field == EV_FD_DIRECTORY ? NEED_PART : NEED_SUFFIX;
	case RO_CONTAINS:
		return NEED_PART;
	default:
		return -1;
	}
}

/* The texts of which the test wants one; whichever modifier it has, at least one has to hold. */
static void texts(const struct image *im, const struct test *t, unsigned type, struct rules_need *n)
{
	struct rules_need_group *g = &n->groups[0];
	enum rules_need_subject subject = NEED_GIVEN;
	enum ev_field_id field = EV_EVT_ARG;
	int place;

	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		if (is_field(im, t, subjects[i].field)) {
			field = subjects[i].field;
			subject = subjects[i].subject;
		}
	if (field == EV_EVT_ARG && !need_arg_is_name(im, t, type))
		return;
	place = text_place(field, t->op);
	if (place < 0 || !t->values_n || t->values_n > RULES_NEED_TEXTS)
		return;
	for (uint32_t k = 0; k < t->values_n; k++) {
		/* Everything has the empty text; one with a NUL is no text for a kernel. */
		if (!t->values[k].s.len || strlen(t->values[k].s.p) != t->values[k].s.len)
			return;
		g->v[k] = (struct rules_need_text){ t->values[k].s.p, (uint8_t)subject,
						    (uint8_t)place };
	}
	g->n = t->values_n;
	n->groups_n = 1;
}

/* Networks in which the test, which is inverted or negated, is false for both ends. */
static void nets(const struct image *im, const struct test *t, struct rules_need *n)
{
	static const enum ev_field_id fields[] = { EV_FD_NET, EV_FD_SNET, EV_FD_CNET, EV_FD_LNET,
						   EV_FD_RNET };
	size_t i = 0;

	while (i < ARRAY_SIZE(fields) && !is_field(im, t, fields[i]))
		i++;
	if (i == ARRAY_SIZE(fields) || t->op != RO_EQ || t->modifier != RM_NONE ||
	    t->class != EV_C_NET)
		return;
	for (uint32_t k = 0; k < t->values_n && n->nets_n < RULES_NEED_NETS; k++) {
		const struct net *net = &t->nets[k];
		struct rules_need_net *out = &n->nets[n->nets_n];

		if (net->addr.len != sizeof(out->addr))
			continue;
		memcpy(out->addr, net->addr.b, sizeof(out->addr));
		out->bits = net->bits;
		n->nets_n++;
	}
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

static void ports(const struct image *im, const struct test *t, struct rules_need *n)
{
	if (!is_port(im, t) || t->op != RO_EQ || t->modifier != RM_NONE ||
	    t->values_n > RULES_NEED_PORTS)
		return;
	for (uint32_t i = 0; i < t->values_n; i++)
		n->ports[n->ports_n++] = (uint16_t)t->values[i].u;
}

/* Results from 0 to 63, when no other is wanted. */
static uint64_t results(const struct image *im, const struct test *t)
{
	uint64_t bits = 0;

	if (!is_field(im, t, EV_EVT_RAWRES) || t->op != RO_EQ || t->modifier != RM_NONE)
		return 0;
	for (uint32_t i = 0; i < t->values_n; i++) {
		if (t->values[i].i < 0 || t->values[i].i > 63)
			return 0;
		bits |= 1ull << t->values[i].i;
	}
	return bits;
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
	need_arg_of(im, t, type, &n->arg);
	n->results = results(im, t);
	ports(im, t, n);
	texts(im, t, type, n);
}

/* Of a test that is inverted and true. */
static void need_of_not(const struct image *im, const struct test *t, struct rules_need *n)
{
	bool one = t->op == RO_EQ && t->values_n == 1 && t->modifier == RM_NONE;

	if (one && is_field(im, t, EV_CONTAINER_ID) && equals(&t->values[0], "host"))
		n->where = NEED_CONTAINER;
	nets(im, t, n);
}

static bool same_text(const struct rules_need_text *a, const struct rules_need_text *b)
{
	return a->subject == b->subject && a->place == b->place && !strcmp(a->text, b->text);
}

/* Whether `b` has all texts of `a`, so that `b` holds whenever `a` does. */
static bool group_covers(const struct rules_need_group *b, const struct rules_need_group *a)
{
	for (size_t i = 0; i < a->n; i++) {
		size_t k = 0;

		while (k < b->n && !same_text(&a->v[i], &b->v[k]))
			k++;
		if (k == b->n)
			return false;
	}
	return true;
}

/* One more group that has to hold; when there are too many, those with the most texts go. */
static void add_group(struct rules_need *n, const struct rules_need_group *g)
{
	size_t most = 0;

	for (size_t i = 0; i < n->groups_n; i++) {
		if (group_covers(g, &n->groups[i]))
			return;
		if (group_covers(&n->groups[i], g)) {
			n->groups[i] = *g;
			return;
		}
		if (n->groups[i].n > n->groups[most].n)
			most = i;
	}
	if (n->groups_n < RULES_NEED_GROUPS)
		n->groups[n->groups_n++] = *g;
	else if (n->groups[most].n > g->n)
		n->groups[most] = *g;
}

static void both(struct rules_need *a, const struct rules_need *b)
{
	a->wanted &= b->wanted;
	a->result &= b->result;
	a->where &= b->where;
	a->family &= b->family;
	if (!need_arg_both(&a->arg, &b->arg))
		a->wanted = false;
	/* An open for reading and writing is both: only equal masks can be put together. */
	if (b->open != NEED_ANY_OPEN)
		a->open = b->open;
	if (b->results)
		a->results = a->results ? a->results & b->results : b->results;
	if (b->results && !a->results)
		a->wanted = false;
	for (size_t i = 0; i < b->groups_n; i++)
		add_group(a, &b->groups[i]);
	for (size_t i = 0; i < b->nets_n && a->nets_n < RULES_NEED_NETS; i++)
		a->nets[a->nets_n++] = b->nets[i];
	if (b->ports_n && (!a->ports_n || b->ports_n < a->ports_n)) {
		memcpy(a->ports, b->ports, sizeof(a->ports));
		a->ports_n = b->ports_n;
	}
}

/* Names of programs are compared apart from paths: a group of both can never be asked for. */
static bool is_about_programs(const struct rules_need_group *g)
{
	return g->n && g->v[0].subject == NEED_COMM;
}

/* Both groups as one; false: it would be too long, or of no use. */
static bool joined(struct rules_need_group *out, const struct rules_need_group *a,
		   const struct rules_need_group *b)
{
	if (is_about_programs(a) != is_about_programs(b))
		return false;
	*out = *a;
	for (size_t i = 0; i < b->n; i++) {
		size_t k = 0;

		while (k < out->n && !same_text(&out->v[k], &b->v[i]))
			k++;
		if (k < out->n)
			continue;
		if (out->n == RULES_NEED_TEXTS)
			return false;
		out->v[out->n++] = b->v[i];
	}
	return true;
}

/* (a1 and a2) or (b1 and b2) implies each of (a1 or b1), (a1 or b2) … */
static void either_groups(struct rules_need *a, const struct rules_need *b)
{
	const struct rules_need was = *a;
	struct rules_need_group g;

	a->groups_n = 0;
	for (size_t i = 0; i < was.groups_n; i++)
		for (size_t k = 0; k < b->groups_n; k++)
			if (joined(&g, &was.groups[i], &b->groups[k]))
				add_group(a, &g);
}

static void either_ends(struct rules_need *a, const struct rules_need *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->nets_n; i++)
		for (size_t k = 0; k < b->nets_n; k++)
			if (!memcmp(&a->nets[i], &b->nets[k], sizeof(a->nets[i]))) {
				a->nets[kept++] = a->nets[i];
				break;
			}
	a->nets_n = kept;
	if (!a->ports_n || !b->ports_n || a->ports_n + b->ports_n > RULES_NEED_PORTS) {
		a->ports_n = 0;
		return;
	}
	memcpy(a->ports + a->ports_n, b->ports, b->ports_n * sizeof(*b->ports));
	a->ports_n += b->ports_n;
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
	need_arg_either(&a->arg, &b->arg);
	a->results = a->results && b->results ? a->results | b->results : 0;
	either_groups(a, b);
	either_ends(a, b);
}

/* What a condition is looked through with; more nodes, or deeper ones, may be anything. */
struct search {
	const struct image *im;
	unsigned type, budget, depth;
};

static void need_of(struct search *s, gref r, struct rules_need *out);

static void need_of_chain(struct search *s, gref r, struct rules_need *out)
{
	const struct gnode *n = &s->im->nodes[gref_node(r)];
	bool all = (n->kind == G_AND) != gref_negated(r);
	struct rules_need part;

	out->wanted = all;
	s->depth++;
	for (uint32_t i = 0; i < n->child_n; i++) {
		need_of(s, n->child[i] ^ gref_negated(r), &part);
		if (all)
			both(out, &part);
		else
			either(out, &part);
	}
	s->depth--;
}

/* A comparison with an empty list is true for no value. */
static bool never(const struct test *t)
{
	return !t->values_n && t->right < 0 && t->modifier == RM_NONE &&
	       (t->op == RO_EQ || t->op == RO_INTERSECTS);
}

static void need_of(struct search *s, gref r, struct rules_need *out)
{
	const struct gnode *n = &s->im->nodes[gref_node(r)];
	const struct test *t = &s->im->tests[n->test];

	*out = anything;
	if (!s->budget || s->depth > NEED_DEPTH)
		return;
	s->budget--;
	if (n->kind == G_FALSE)
		out->wanted = gref_negated(r);
	else if (n->kind != G_TEST)
		need_of_chain(s, r, out);
	else if (never(t))
		out->wanted = gref_negated(r) != t->invert;
	else if (gref_negated(r) && !t->invert)
		nets(s->im, t, out);
	else if (!gref_negated(r) && t->invert)
		need_of_not(s->im, t, out);
	else if (!gref_negated(r))
		need_of_test(s->im, t, s->type, out);
}

static void need_of_target(struct image *im, const struct target *t, unsigned type,
			   struct rules_need *out)
{
	struct search s = { .im = im, .type = type, .budget = NEED_BUDGET };
	struct map memo = { 0 };

	if (!ev_set_has(&t->types, type))
		return;
	need_of(&s, graph_for_type(im, t->condition, type, &memo), out);
	map_free(&memo);
	if (!out->result || !out->where || !out->family)
		*out = (struct rules_need){ 0 };
}

/* The first target of the rule, or of one behind it: they are in the order of the rules. */
static size_t first_target(const struct image *im, size_t rule)
{
	size_t from = 0, to = im->targets_n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (im->targets[mid].rule < rule)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

void rules_needs_of(const struct rules *r, size_t rule, unsigned type, struct rules_need *out)
{
	/* The graph only grows, by what an event of this type leaves of a condition. */
	struct image *im = (struct image *)&r->im;

	*out = (struct rules_need){ 0 };
	for (size_t i = first_target(im, rule); i < im->targets_n && im->targets[i].rule == rule;
	     i++) {
		struct target t = im->targets[i];
		struct rules_need one = { 0 };

		need_of_target(im, &t, type, &one);
		either(out, &one);
	}
}

static bool has_net(const struct rules_need *n, const struct rules_need_net *net)
{
	for (size_t i = 0; i < n->nets_n; i++)
		if (!memcmp(&n->nets[i], net, sizeof(*net)))
			return true;
	return false;
}

static bool has_port(const struct rules_need *n, uint16_t port)
{
	for (size_t i = 0; i < n->ports_n; i++)
		if (n->ports[i] == port)
			return true;
	return !n->ports_n;
}

static bool ends_cover(const struct rules_need *a, const struct rules_need *b)
{
	for (size_t i = 0; i < a->nets_n; i++)
		if (!has_net(b, &a->nets[i]))
			return false;
	for (size_t i = 0; i < b->ports_n; i++)
		if (!has_port(a, b->ports[i]))
			return false;
	return !a->ports_n || b->ports_n;
}

/* Whether `a` holds whenever `b` does. */
static bool covers(const struct rules_need *a, const struct rules_need *b)
{
	if ((b->result & ~a->result) || (b->where & ~a->where) || (b->family & ~a->family) ||
	    !need_arg_covers(&a->arg, &b->arg) ||
	    (a->open != NEED_ANY_OPEN && a->open != b->open) ||
	    (a->results && (!b->results || (b->results & ~a->results))))
		return false;
	for (size_t i = 0; i < a->groups_n; i++) {
		size_t k = 0;

		while (k < b->groups_n && !group_covers(&a->groups[i], &b->groups[k]))
			k++;
		if (k == b->groups_n)
			return false;
	}
	return ends_cover(a, b);
}

/* How much less two needs say together than apart. */
static unsigned merging_costs(const struct rules_need *a, const struct rules_need *b)
{
	struct rules_need m = *a;
	size_t most = a->groups_n > b->groups_n ? a->groups_n : b->groups_n;

	either(&m, b);
	return (m.result != a->result) + (m.result != b->result) + (m.where != a->where) +
	       (m.where != b->where) + 4u * (m.open != a->open || m.open != b->open) +
	       4u * (m.family != a->family || m.family != b->family) +
	       4u * (!need_arg_same(&m.arg, &a->arg) || !need_arg_same(&m.arg, &b->arg)) +
	       8u * (!m.ports_n && (a->ports_n || b->ports_n)) +
	       2u * (unsigned)(most > m.groups_n ? most - m.groups_n : 0) +
	       16u * (!m.groups_n && most);
}

/*
 * Makes room by putting two together that say as much together as apart; false: there are none
 * such. The place is the last one.
 */
static bool make_room(struct rules_need *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			if (merging_costs(&v[i], &v[k]))
				continue;
			either(&v[i], &v[k]);
			memmove(&v[k], &v[k + 1], (n - k - 1) * sizeof(*v));
			return true;
		}
	return false;
}

/* Adds a need to those that stand beside each other. */
static size_t stand_beside(struct rules_need *v, size_t n, const struct rules_need *one)
{
	size_t kept = 0, best = 0;

	for (size_t i = 0; i < n; i++)
		if (covers(&v[i], one))
			return n;
	for (size_t i = 0; i < n; i++) {
		if (covers(one, &v[i]))
			continue;
		if (kept != i)
			v[kept] = v[i];
		kept++;
	}
	if (kept < RULES_NEED_RULES) {
		v[kept++] = *one;
		return kept;
	}
	for (size_t i = 1; i < kept; i++)
		if (merging_costs(&v[i], one) < merging_costs(&v[best], one))
			best = i;
	if (merging_costs(&v[best], one) && make_room(v, kept))
		v[kept - 1] = *one;
	else
		either(&v[best], one);
	return kept;
}

size_t rules_needs(const struct rules *r, enum ev_source source, unsigned type,
		   struct rules_need out[RULES_NEED_RULES])
{
	size_t n = 0;

	for (size_t i = 0; i < r->rules_n; i++) {
		struct rules_need one;

		if (r->rules[i].info.source != source || r->rules[i].info.dropped)
			continue;
		rules_needs_of(r, i, type, &one);
		if (one.wanted)
			n = stand_beside(out, n, &one);
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

/* "…" stands for what may be before or behind. */
static void print_group(const struct rules_need_group *g, struct buf *out)
{
	static const char *const names[] = { "path:", "path as given:", "program:", "name:" };
	static const struct {
		const char *before, *behind;
	} places[] = {
		[NEED_WHOLE] = { "", "" },    [NEED_PREFIX] = { "", "…" },
		[NEED_SUFFIX] = { "…", "" },  [NEED_PART] = { "…", "…" },
		[NEED_INSIDE] = { "", "/…" }, [NEED_LAST] = { "…/", "" },
	};
	int subject = -1;

	for (size_t i = 0; i < g->n; i++) {
		const struct rules_need_text *t = &g->v[i];

		if (t->subject != subject)
			buf_printf(out, "%s%s ",
				   i	      ? " or "
				   : out->len ? "; "
					      : "",
				   names[t->subject]);
		else
			buf_puts(out, ", ");
		subject = t->subject;
		buf_printf(out, "%s%s%s", places[t->place].before, t->text,
			   places[t->place].behind);
	}
}

static void print_ends(const struct rules_need *n, struct buf *out)
{
	for (size_t i = 0; i < n->nets_n; i++)
		buf_printf(out, "%s%u.%u.%u.%u/%u",
			   i	      ? ", "
			   : out->len ? "; not within "
				      : "not within ",
			   n->nets[i].addr[0], n->nets[i].addr[1], n->nets[i].addr[2],
			   n->nets[i].addr[3], n->nets[i].bits);
	for (size_t i = 0; i < n->ports_n; i++)
		buf_printf(out, "%s%u", i ? ", " : out->len ? "; port: " : "port: ", n->ports[i]);
}

static void print_results(uint64_t results, struct buf *out)
{
	bool first = true;

	for (unsigned i = 0; i < 64; i++) {
		if (!(results >> i & 1))
			continue;
		buf_printf(out, "%s%u", !first ? ", " : out->len ? "; result: " : "result: ", i);
		first = false;
	}
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
	if (n->results)
		print_results(n->results, &text);
	else
		print_bits("result:", n->result, NEED_ANY_RESULT, results, &text);
	print_bits("opened for", n->open, NEED_ANY_OPEN, opens, &text);
	print_bits("address family:", n->family, NEED_ANY_FAMILY, families, &text);
	need_arg_print(&n->arg, &text);
	print_ends(n, &text);
	for (size_t i = 0; i < n->groups_n; i++)
		print_group(&n->groups[i], &text);
	buf_puts(out, text.len ? buf_str(&text) : "every one");
}
