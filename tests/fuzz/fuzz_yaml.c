/*
 * YAML from any bytes: every node lies in the text and within its parent, pointers of members lead
 * back to them, and the typed getters take anything.
 */
#include "base/yaml.h"
#include "fuzz.h"

static void check(const struct yaml_stream *s, const struct yaml_node *n)
{
	const char *text;
	struct err e = { 0 };
	uint64_t u;
	int64_t i;
	bool b;

	if (n->start.off > n->end.off || n->end.off > s->len || !n->start.line || !n->start.col)
		abort();
	if (!yaml_str(s, n, &text, &e) && strlen(text) != n->n)
		abort();
	yaml_bool(s, n, &b, &e);
	yaml_u64(s, n, UINT64_MAX, &u, &e);
	yaml_i64(s, n, &i, &e);
	for (uint32_t k = 0; n->kind == YAML_SEQ && k < n->n; k++) {
		if (n->item[k]->up != n || n->item[k]->idx != k)
			abort();
		check(s, n->item[k]);
	}
	for (uint32_t k = 0; n->kind == YAML_MAP && k < n->n; k++) {
		const struct yaml_pair *p = &n->pair[k];

		if (p->value->up != n || p->value->key != p->key || p->key->kind != YAML_SCALAR)
			abort();
		if (strlen(p->key->text) == p->key->n && yaml_get(n, p->key->text) != p->value)
			abort();
		check(s, p->value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct err e = { 0 };

	if (yaml_parse(&s, "input", (const char *)data, size, &e) < 0)
		return 0;
	for (size_t i = 0; i < s.docs_n; i++) {
		if (!s.doc[i].root == !s.doc[i].error)
			abort();
		if (s.doc[i].root)
			check(&s, s.doc[i].root);
	}
	return 0;
}
