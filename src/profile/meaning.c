#include "profile/meaning.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/compare.h"
#include "profile/diagram.h"
#include "profile/values.h"

enum { MAX_ALTERNATIVES = 200 };

struct teller {
	const struct bdd *b;
	enum sc_abi abi;
	const struct sc_desc *d;
	struct sp_meaning *out;
	size_t alternatives;
	struct buf conj;     /* the conditions up to here */
	struct wl_call call; /* arguments that have one value up to here */
};

static struct sp_case *case_of(struct sp_meaning *m, struct sp_ret ret)
{
	struct sp_case *c;

	for (size_t i = 0; i < m->n; i++)
		if (!sp_ret_cmp(m->cases[i].ret, ret))
			return &m->cases[i];
	c = vec_push(m->cases, m->n, m->cap);
	c->ret = ret;
	return c;
}

static void tell(struct teller *t, uint32_t node);

/* On with the values that lead to `next`, told as one more condition. */
static void tell_next(struct teller *t, const struct values *v, uint32_t next)
{
	size_t len = t->conj.len;
	uint8_t known = t->call.n;
	uint64_t value;
	bool single;

	if (len)
		buf_puts(&t->conj, " and ");
	if (!values_text(v, next, &t->conj, &single, &value)) {
		buf_printf(&t->conj, "argument %u has one of many values", v->arg);
		t->out->too_many = true;
	}
	if (single && v->arg < SC_MAX_ARGS && known < WL_MAX_ARGS) {
		t->call.index[known] = (uint8_t)v->arg;
		t->call.value[known] = value;
		t->call.n++;
	}
	tell(t, next);
	t->conj.len = len;
	t->conj.p[len] = '\0';
	t->call.n = known;
}

static void tell(struct teller *t, uint32_t node)
{
	unsigned level = bdd_level(t->b, node);
	struct values v = { .b = t->b, .abi = t->abi, .d = t->d, .node = node, .before = &t->call };
	uint32_t next[VALUES_MAX_NEXT];
	struct sp_case *c;
	size_t n;

	if (t->alternatives >= MAX_ALTERNATIVES) {
		t->out->too_many = true;
		return;
	}
	if (bdd_is_leaf(t->b, node)) {
		t->alternatives++;
		c = case_of(t->out, sp_ret_of_word(bdd_word(t->b, node)));
		*vec_push(c->when, c->when_n, c->when_cap) = xstrdup(buf_str(&t->conj));
		return;
	}
	v.arg = (level - DIAGRAM_ARG(0)) / 64;
	if (!values_next(&v, next, &n))
		t->out->too_many = true;
	for (size_t i = 0; i < n; i++)
		tell_next(t, &v, next[i]);
}

static size_t length(const struct sp_case *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->when_n; i++)
		n += strlen(c->when[i]) + 1;
	return n;
}

/* The verdict that takes the most words becomes "otherwise"; the others from lax to strict. */
static void arrange(struct sp_meaning *m)
{
	struct sp_case last;
	size_t longest = 0;

	for (size_t i = 1; i < m->n; i++)
		if (length(&m->cases[i]) > length(&m->cases[longest]) ||
		    (length(&m->cases[i]) == length(&m->cases[longest]) &&
		     sp_ret_cmp(m->cases[i].ret, m->cases[longest].ret) < 0))
			longest = i;
	last = m->cases[longest];
	memmove(&m->cases[longest], &m->cases[longest + 1],
		(m->n - 1 - longest) * sizeof(*m->cases));
	for (size_t i = 1; i + 1 < m->n; i++) {
		struct sp_case c = m->cases[i];
		size_t k = i;

		for (; k > 0 && sp_ret_cmp(m->cases[k - 1].ret, c.ret) < 0; k--)
			m->cases[k] = m->cases[k - 1];
		m->cases[k] = c;
	}
	m->cases[m->n - 1] = last;
}

void sp_meaning_of(const struct bdd *b, uint32_t node, enum sc_abi abi, const struct sc_desc *d,
		   struct sp_meaning *out)
{
	struct teller t = { .b = b, .abi = abi, .d = d, .out = out };

	*out = (struct sp_meaning){ 0 };
	buf_puts(&t.conj, "");
	tell(&t, node);
	buf_free(&t.conj);
	arrange(out);
}

void sp_meaning_free(struct sp_meaning *m)
{
	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < m->cases[i].when_n; k++)
			free(m->cases[i].when[k]);
		free(m->cases[i].when);
	}
	free(m->cases);
	*m = (struct sp_meaning){ 0 };
}

void sp_meaning_text(const struct sp_meaning *m, struct buf *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct sp_case *c = &m->cases[i];

		buf_puts(out, i == 0 ? "" : i + 1 == m->n ? "; otherwise " : "; ");
		sp_ret_text(c->ret, out);
		for (size_t k = 0; i + 1 < m->n && k < c->when_n; k++)
			buf_printf(out, "%s%s", k ? ", or when " : " when ", c->when[k]);
	}
	if (m->too_many)
		buf_puts(out, " (more conditions than are listed)");
}

struct json_object *sp_meaning_json(const struct sp_meaning *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->n; i++) {
		const struct sp_case *c = &m->cases[i];
		struct json_object *o = json_object_new_object(), *when = json_object_new_array();

		json_add(o, "action", json_object_new_string(sp_action_name(c->ret.action)));
		if (sp_action_takes_data(c->ret.action))
			json_add(o, "data", json_object_new_int(c->ret.data));
		for (size_t k = 0; k < c->when_n; k++)
			json_append(when, json_object_new_string(c->when[k]));
		if (i + 1 < m->n)
			json_add(o, "when", when);
		else
			json_object_put(when);
		json_append(list, o);
	}
	return list;
}
