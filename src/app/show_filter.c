#include "app/show_filter.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "profile/disassemble.h"
#include "profile/explain.h"

static void programs_json(const struct operand *o, const struct sp_filter *f, size_t n,
			  struct buf *out)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();

	json_add(root, "format", json_object_new_string("boltseal.disassembly/1"));
	json_add(root, "name", json_object_new_string(o->name));
	for (size_t i = 0; i < n; i++) {
		cleanup_disassembly struct disassembly *d = disassemble(&f[i]);

		json_append(list, disassembly_json(d));
	}
	json_add(root, "filters", list);
	json_put_text(out, root);
}

static void programs_text(const struct operand *o, const struct sp_filter *f, size_t n,
			  struct buf *out)
{
	if (!n)
		buf_printf(out, "%s: no seccomp filter\n", o->name);
	for (size_t i = 0; i < n; i++) {
		cleanup_disassembly struct disassembly *d = disassemble(&f[i]);

		if (n > 1)
			buf_printf(out, "%s# filter %zu of %zu%s\n", i ? "\n" : "", i + 1, n,
				   i ? "" : ", the newest");
		disassembly_text(d, out);
	}
}

static int show_programs_of_filters(const struct operand *o, bool json, struct buf *out,
				    struct err *e)
{
	cleanup_sp_filter struct sp_filter compiled = { 0 };
	const struct sp_filter *f = o->filters;
	size_t n = o->filters_n;

	if (o->kind == OPERAND_PROFILE) {
		int r = sp_compile(&o->profile, &compiled, e);

		if (r < 0)
			return err_prefix(e, "%s", o->name);
		f = &compiled;
		n = 1;
	}
	if (json)
		programs_json(o, f, n, out);
	else
		programs_text(o, f, n, out);
	return 0;
}

int show_filter(const struct operand *o, bool json, bool disassemble, unsigned width, struct err *e)
{
	struct sp_operand op = operand_of(o);
	cleanup_buf struct buf out = { 0 };
	struct json_object *root = NULL;
	int r;

	if (disassemble)
		r = show_programs_of_filters(o, json, &out, e);
	else if (json)
		r = sp_explain_json(&op, &root, e);
	else
		r = sp_explain_text(&op, width, &out, e);
	if (r < 0)
		return r;
	if (root)
		json_put_text(&out, root);
	return io_write_file(NULL, buf_str(&out), out.len, e);
}
