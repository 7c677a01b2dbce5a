#include "app/verify_subset.h"

#include <string.h>

#include "app/operand.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "profile/diff.h"

static void put_text(const struct sp_operand *a, const struct sp_operand *b, int r,
		     const struct sp_difference *d, struct buf *out)
{
	if (r == 0) {
		buf_printf(out, "%s is a subset of %s: proven for every call.\n", a->name, b->name);
		return;
	}
	if (r == SP_SAMPLED) {
		buf_printf(out,
			   "%s: no call was found that shows that it is no subset of %s, but this "
			   "is not proven.\n",
			   a->name, b->name);
		return;
	}
	buf_printf(out, "%s is no subset of %s:\n  ", a->name, b->name);
	sp_call_text(&d->sd, out);
	buf_printf(out, "\n    with %s: ", a->name);
	sp_ret_text(d->a, out);
	buf_printf(out, "\n    with %s: ", b->name);
	sp_ret_text(d->b, out);
	buf_putc(out, '\n');
}

static void put_json(const struct sp_operand *a, const struct sp_operand *b, int r,
		     const struct sp_difference *d, struct buf *out)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	json_add(o, "format", json_object_new_string("boltseal.subset/1"));
	json_add(o, "a", json_object_new_string(a->name));
	json_add(o, "b", json_object_new_string(b->name));
	json_add(o, "subset", json_object_new_boolean(r >= 0));
	json_add(o, "proven", json_object_new_boolean(r != SP_SAMPLED));
	if (r < 0)
		json_add(o, "counterexample", sp_difference_json(d));
	text = json_text(o);
	buf_puts(out, text);
}

static int load(struct operand *o, const char *spec, const char *bad_arch, struct err *e)
{
	int r = operand_load(o, spec, NULL, e);

	if (r == 0)
		r = operand_bad_arch(o, bad_arch, e);
	if (r == 0 && o->kind == OPERAND_MODEL)
		return err_set(e, EINVAL,
			       "%s is a workload model; --subset compares profiles and filters",
			       o->name);
	if (r == 0)
		operand_remarks(o);
	return r;
}

/* Options that only a comparison with a model has. */
static int check_options(const struct args *a, struct err *e)
{
	static const char *const others[] = { "profile", "capabilities", "runtime",
					      "runtime-version", "no-new-privileges" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (args_has(a, others[i]))
			return usage_error(a, e, "--%s has no effect with --subset", others[i]);
	if (args_count(a) != 2)
		return usage_error(a, e, "--subset expects two profiles or filters");
	return 0;
}

int verify_subset(struct args *a, struct err *e)
{
	const char *format = args_value(a, "format"), *bad_arch = args_value(a, "bad-arch");
	cleanup_operand struct operand x = { 0 }, y = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct sp_difference d = { 0 };
	struct sp_operand p, q;
	int r;

	if (check_options(a, e) || load(&x, args_at(a, 0), bad_arch, e) < 0 ||
	    load(&y, args_at(a, 1), bad_arch, e) < 0)
		return EXIT_ERROR;
	p = operand_of(&x);
	q = operand_of(&y);
	r = sp_compare(&p, &q, SP_SUBSET, &d, e);
	if (r < 0 && r != -EILSEQ)
		return EXIT_ERROR;
	*e = (struct err){ 0 }; /* a counter-example is a result */
	if (format && !strcmp(format, "json"))
		put_json(&p, &q, r, &d, &out);
	else
		put_text(&p, &q, r, &d, &out);
	if (io_write_file(NULL, buf_str(&out), out.len, e) < 0)
		return EXIT_ERROR;
	return r == 0 ? EXIT_OK : r == SP_SAMPLED ? EXIT_INCOMPLETE : EXIT_FINDINGS;
}
