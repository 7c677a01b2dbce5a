/* Reports of `boltseal run --mode complain` (format boltseal.run/1): what a profile would deny. */
#include <string.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "model/capture.h"

#define FORMAT "boltseal.run/1"

struct report {
	struct import im;
	struct json_doc doc;
	struct err *e;
};

/* The value of argument `index` in {"flags": 1, …}, where pointers are left out. */
static bool named_value(struct json_object *values, const struct wl_syscall *s, unsigned index,
			uint64_t *out)
{
	struct json_object *v;
	unsigned n;
	const struct sc_arg *args = sc_args(s->desc, s->abi, &n);

	if (index >= n || !json_object_object_get_ex(values, args[index].name, &v) ||
	    !json_object_is_type(v, json_type_int))
		return false;
	*out = json_object_get_uint64(v);
	return true;
}

static bool add_sample(struct report *r, struct wl_syscall *s, const struct capture *cap,
		       struct json_object *values, int program)
{
	uint64_t value[WL_MAX_ARGS];
	struct wl_call *c;

	for (unsigned i = 0; i < cap->args_n; i++) {
		if (!named_value(values, s, cap->arg[i], &value[i]))
			return false;
		value[i] = capture_value(cap, s->desc, s->abi, i, value[i]);
	}
	c = wl_call_add(s, cap->args_n, cap->arg, value);
	wl_prov_add(&c->prov, WL_PHASE_BIT(WL_START), program, r->im.source);
	return true;
}

static void any_arguments(struct report *r, struct wl_syscall *s, int program)
{
	wl_prov_add(&s->any, WL_PHASE_BIT(WL_START), program, r->im.source);
}

/* The samples of an entry; where some are not known the call counts as one with any arguments. */
static int add_arguments(struct report *r, const struct json_path *at, struct json_object *entry,
			 struct wl_syscall *s, int program)
{
	const struct capture *cap = s->desc ? capture_by_name(s->desc->name) : NULL;
	struct json_object *list = NULL;
	uint64_t other = 0;
	int rc = json_get_array(&r->doc, at, entry, "arguments", false, &list, r->e);

	if (!rc)
		rc = json_get_u64(&r->doc, at, entry, "other_arguments", false, UINT64_MAX, &other,
				  r->e);
	if (rc || !cap || !cap->args_n)
		return rc;
	if (other || !list || cap->kind == CAPTURE_CLONE3) {
		any_arguments(r, s, program);
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_path list_at = { at, "arguments", 0 }, here = { &list_at, NULL, i };
		struct json_object *one = json_object_array_get_idx(list, i), *values;

		if (!json_object_is_type(one, json_type_object))
			return json_err(&r->doc, &here, r->e, EINVAL,
					"expected an object, found %s", json_type_word(one));
		rc = json_get_object(&r->doc, &here, one, "values", true, &values, r->e);
		if (rc)
			return rc;
		if (!add_sample(r, s, cap, values, program))
			any_arguments(r, s, program);
	}
	return 0;
}

static int add_entry(struct report *r, const struct json_path *at, struct json_object *entry)
{
	const char *abi_name, *program = NULL;
	int abi, index = -1, rc;
	struct wl_syscall *s;
	uint64_t nr;

	if (!json_object_is_type(entry, json_type_object))
		return json_err(&r->doc, at, r->e, EINVAL, "expected an object, found %s",
				json_type_word(entry));
	rc = json_get_str(&r->doc, at, entry, "abi", true, &abi_name, r->e);
	if (!rc)
		rc = json_get_u64(&r->doc, at, entry, "nr", true, UINT32_MAX, &nr, r->e);
	if (!rc)
		rc = json_get_str(&r->doc, at, entry, "program", false, &program, r->e);
	if (rc)
		return rc;
	abi = sc_abi_parse(abi_name);
	if (abi < 0 || nr > sc_max_nr((enum sc_abi)abi) + 1024) {
		import_lost(&r->im, "calls");
		return 0;
	}
	if (program && *program == '/' && strlen(program) < WL_MAX_PATH)
		index = import_program(&r->im, program);
	s = wl_syscall_add(r->im.w, (enum sc_abi)abi, (uint32_t)nr);
	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), index, r->im.source);
	return add_arguments(r, at, entry, s, index);
}

static int read_report(struct report *r)
{
	struct json_path root = { NULL, "would_deny", 0 };
	struct json_object *list = NULL;
	const char *format = NULL;
	uint64_t lost = 0;
	int rc;

	if (!json_object_is_type(r->doc.root, json_type_object))
		return json_err(&r->doc, NULL, r->e, EINVAL, "expected an object, found %s",
				json_type_word(r->doc.root));
	rc = json_get_str(&r->doc, NULL, r->doc.root, "format", true, &format, r->e);
	if (!rc && strcmp(format, FORMAT) != 0)
		return json_err(&r->doc, &(struct json_path){ NULL, "format", 0 }, r->e, EINVAL,
				"expected \"" FORMAT "\", found \"%.64s\"", format);
	if (!rc)
		rc = json_get_array(&r->doc, NULL, r->doc.root, "would_deny", false, &list, r->e);
	if (!rc)
		rc = json_get_u64(&r->doc, NULL, r->doc.root, "lost", false, UINT64_MAX, &lost,
				  r->e);
	if (!rc && !list)
		return json_err(&r->doc, NULL, r->e, ENODATA,
				"the report has no \"would_deny\": it is not of --mode complain");
	for (size_t i = 0; !rc && i < json_object_array_length(list); i++)
		rc = add_entry(r, &(struct json_path){ &root, NULL, i },
			       json_object_array_get_idx(list, i));
	if (!rc && lost)
		wl_loss_add(r->im.w, r->im.source, "calls", lost);
	return rc;
}

int import_run(struct workload *w, const struct import_input *in, const struct import_options *o,
	       struct buf *notes, struct err *e)
{
	struct report r = { .e = e };
	cleanup_buf struct buf target = { 0 };
	int rc = in->data ? json_parse(&r.doc, in->name, in->data, in->len, e)
			  : json_load(&r.doc, in->name, IMPORT_MAX_JSON, e);

	if (rc)
		return rc;
	buf_printf(&target, "report of boltseal run, %s", in->name);
	import_begin(&r.im, w, o, notes, buf_str(&target));
	rc = read_report(&r);
	if (!rc) {
		w->identity.arch = wl_string(w, sc_abi_name(o->arch));
		r.im.supplement = true;
		import_note(&r.im, "a report has only what the profile would have denied: merge "
				   "it into the model that the profile was made from");
	}
	import_end(&r.im);
	json_doc_free(&r.doc);
	return rc;
}
