#include "profile/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/diagram.h"
#include "profile/meaning.h"

/* One call, or with `desc` NULL any number that is none. */
struct line {
	const struct sc_desc *desc;
	struct sp_meaning meaning;
	char *text;
};

struct part {
	enum sc_abi abi;
	struct line *line; /* by text, then by name */
	size_t n;
	struct line other;
	size_t as_other; /* calls that get what unknown numbers get */
	bool uniform;	 /* no call is told apart */
};

struct explanation {
	struct part part[SC_ABI_COUNT];
	struct line arches; /* architectures that none of the ABIs has */
	size_t insns;
};

static void line_free(struct line *l)
{
	sp_meaning_free(&l->meaning);
	free(l->text);
}

static void explanation_free(struct explanation *x)
{
	for (size_t i = 0; i < SC_ABI_COUNT; i++) {
		for (size_t k = 0; k < x->part[i].n; k++)
			line_free(&x->part[i].line[k]);
		free(x->part[i].line);
		line_free(&x->part[i].other);
	}
	line_free(&x->arches);
}

static void tell(const struct bdd *b, uint32_t node, enum sc_abi abi, const struct sc_desc *d,
		 struct line *l)
{
	struct buf text = { 0 };

	l->desc = d;
	sp_meaning_of(b, node, abi, d, &l->meaning);
	sp_meaning_text(&l->meaning, &text);
	l->text = buf_take(&text);
}

/* Unconditional verdicts first, from lax to strict; then by text, then by name. */
static int line_cmp(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	int c = (a->meaning.n > 1) - (b->meaning.n > 1);

	if (c == 0 && a->meaning.n == 1)
		c = sp_ret_cmp(b->meaning.cases[0].ret, a->meaning.cases[0].ret);
	if (c == 0)
		c = strcmp(a->text, b->text);
	return c ? c : strcmp(a->desc->name, b->desc->name);
}

static void explain_abi(const struct bdd *b, uint32_t root, enum sc_abi abi, struct part *p)
{
	uint32_t arch = sc_abi_audit_arch(abi), bit = abi == SC_X32 ? SC_X32_BIT : 0;

	p->abi = abi;
	p->uniform = true;
	p->line = xcalloc(sc_count(), sizeof(*p->line));
	tell(b, diagram_at(b, root, arch, (sc_max_nr(abi) + 1000) | bit), abi, NULL, &p->other);
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		if (d->nr[abi] < 0)
			continue;
		tell(b, diagram_at(b, root, arch, (uint32_t)d->nr[abi] | bit), abi, d,
		     &p->line[p->n]);
		if (strcmp(p->line[p->n].text, p->other.text))
			p->uniform = false;
		else
			p->as_other++;
		p->n++;
	}
	qsort(p->line, p->n, sizeof(*p->line), line_cmp);
}

static int explain(const struct sp_operand *o, struct explanation *x, struct err *e)
{
	cleanup_bdd struct bdd *b = diagram_new();
	uint32_t root;
	int r = sp_operand_diagram(o, b, &root, e);

	if (r == SP_SAMPLED)
		return err_set(e, EOPNOTSUPP,
			       "%s: what it does cannot be told call by call: a filter computes "
			       "with what it loads, or there are too many conditions "
			       "(--disassemble shows the program)",
			       o->name);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		explain_abi(b, root, (enum sc_abi)i, &x->part[i]);
	tell(b, diagram_at(b, root, 0, 0), SC_X86_64, NULL, &x->arches);
	for (size_t i = 0; i < o->filters_n; i++)
		x->insns += o->filters[i].n;
	return 0;
}

/* What the first ABI that tells calls apart says of this call; NULL: it is that one, or has none.
 */
static const char *said_before(const struct explanation *x, const struct part *p,
			       const struct sc_desc *d)
{
	for (size_t i = 0; i < SC_ABI_COUNT; i++) {
		if (x->part[i].uniform)
			continue;
		if (&x->part[i] == p)
			return NULL;
		for (size_t k = 0; k < x->part[i].n; k++)
			if (x->part[i].line[k].desc == d)
				return x->part[i].line[k].text;
		return NULL;
	}
	return NULL;
}

/* Names of lines from `i` on that have one text, wrapped; returns the line behind them. */
static size_t put_group(const struct explanation *x, const struct part *p, size_t i, unsigned width,
			struct buf *out)
{
	cleanup_buf struct buf names = { 0 };
	const char *text = p->line[i].text;
	size_t n = 0, column = 0, k;

	for (k = i; k < p->n && !strcmp(p->line[k].text, text); k++) {
		const char *name = p->line[k].desc->name;
		const char *before = said_before(x, p, p->line[k].desc);

		if (before && !strcmp(before, text))
			continue;
		if (!n || column + strlen(name) + 1 > width) {
			buf_printf(&names, "%s      %s", n ? "\n" : "", name);
			column = 6 + strlen(name);
		} else {
			buf_printf(&names, " %s", name);
			column += 1 + strlen(name);
		}
		n++;
	}
	if (n)
		buf_printf(out, "    %s (%zu)\n%s\n", text, n, buf_str(&names));
	return k;
}

static void put_part(const struct explanation *x, const struct part *p, unsigned width,
		     struct buf *out)
{
	bool first = true;

	if (p->uniform)
		return;
	for (size_t i = 0; i < SC_ABI_COUNT && &x->part[i] != p; i++)
		first &= x->part[i].uniform;
	buf_printf(out, "\n%s%s\n", sc_abi_name(p->abi),
		   first ? "" : ", as above but for what is listed here");
	for (size_t i = 0; i < p->n;) {
		if (!strcmp(p->line[i].text, p->other.text) && first) {
			i++;
			continue;
		}
		i = put_group(x, p, i, width, out);
	}
	buf_printf(out, "    otherwise: %s (%zu calls, and numbers that are none)\n", p->other.text,
		   p->as_other);
}

static size_t count_allowed(const struct part *p, size_t *conditional)
{
	size_t n = 0;

	*conditional = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct sp_meaning *m = &p->line[i].meaning;

		if (m->n > 1)
			(*conditional)++;
		else
			n += m->cases[0].ret.action >= SP_LOG;
	}
	return n;
}

static void put_summary(const struct explanation *x, struct buf *out)
{
	for (size_t i = 0; i < SC_ABI_COUNT; i++) {
		const struct part *p = &x->part[i];
		size_t conditional, allowed = count_allowed(p, &conditional);

		if (p->uniform)
			buf_printf(out, "%-8s every call: %s\n", sc_abi_name(p->abi),
				   p->other.text);
		else
			buf_printf(out, "%-8s %zu of %zu calls allowed, %zu with conditions\n",
				   sc_abi_name(p->abi), allowed, p->n, conditional);
	}
	buf_printf(out, "%-8s every call: %s\n", "others", x->arches.text);
}

int sp_explain_text(const struct sp_operand *o, unsigned width, struct buf *out, struct err *e)
{
	cleanup(explanation_free) struct explanation x = { 0 };
	int r = explain(o, &x, e);

	if (r < 0)
		return r;
	if (o->profile)
		buf_printf(out, "%s: a seccomp profile with %zu rules\n", o->name,
			   o->profile->rules_n);
	else if (!o->filters_n)
		buf_printf(out, "%s: no seccomp filter, everything is allowed\n", o->name);
	else
		buf_printf(out, "%s: %zu seccomp filter%s, %zu BPF instructions\n", o->name,
			   o->filters_n, o->filters_n == 1 ? "" : "s", x.insns);
	put_summary(&x, out);
	for (size_t i = 0; i < SC_ABI_COUNT; i++)
		put_part(&x, &x.part[i], width, out);
	return 0;
}

static struct json_object *part_json(const struct part *p)
{
	struct json_object *o = json_object_new_object(), *calls = json_object_new_object();

	json_add(o, "abi", json_object_new_string(sc_abi_name(p->abi)));
	for (size_t i = 0; i < p->n; i++)
		json_add(calls, p->line[i].desc->name, sp_meaning_json(&p->line[i].meaning));
	json_add(o, "otherwise", sp_meaning_json(&p->other.meaning));
	json_add(o, "syscalls", calls);
	return o;
}

int sp_explain_json(const struct sp_operand *o, struct json_object **out, struct err *e)
{
	cleanup(explanation_free) struct explanation x = { 0 };
	struct json_object *list;
	int r = explain(o, &x, e);

	if (r < 0)
		return r;
	*out = json_object_new_object();
	list = json_object_new_array();
	json_add(*out, "format", json_object_new_string("boltseal.filter/1"));
	json_add(*out, "name", json_object_new_string(o->name));
	json_add(*out, "filters", json_object_new_int64((int64_t)o->filters_n));
	json_add(*out, "instructions", json_object_new_int64((int64_t)x.insns));
	for (size_t i = 0; i < SC_ABI_COUNT; i++)
		json_append(list, part_json(&x.part[i]));
	json_add(*out, "abis", list);
	json_add(*out, "other_architectures", sp_meaning_json(&x.arches.meaning));
	return 0;
}
