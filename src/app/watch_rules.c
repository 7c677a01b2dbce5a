/* The rules of `boltseal watch`. */
#include "app/rules_files.h"
#include "app/watch_live.h"
#include "base/log.h"

/* Warnings as notes; the first error is the error. */
static int report(const struct rules *r, struct err *e)
{
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++) {
		if (d[i].code == RC_ERR_FILE_READ)
			return err_set(e, EIO, "%s: %s", d[i].file, d[i].message);
		if (rules_code_is_error(d[i].code))
			return err_set(e, EINVAL, "%s:%u:%u: %s%s%s", d[i].file, d[i].line,
				       d[i].column, d[i].item, *d[i].item ? ": " : "",
				       d[i].message);
		log_note("%s:%u:%u: %s%s%s", d[i].file, d[i].line, d[i].column, d[i].item,
			 *d[i].item ? ": " : "", d[i].message);
	}
	return 0;
}

static bool any_error(const struct rules *r)
{
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		if (rules_code_is_error(d[i].code))
			return true;
	return false;
}

int watching_load(struct rules **out, const struct args *a, struct err *e)
{
	const char *priority = args_value(a, "priority"), *file;
	struct rules_options o = { .min_priority = RP_DEBUG, .container_output = true };
	int err = 0;

	if (priority) {
		o.min_priority = rules_priority_by_name(priority);
		if (o.min_priority < 0)
			return -usage_error(a, e,
					    "--priority: '%s': expected emergency, alert, "
					    "critical, error, warning, notice, informational or "
					    "debug",
					    priority);
	}
	*out = rules_new(&o);
	if (!args_has(a, "rules"))
		err = rules_load_own(*out, e);
	for (size_t i = 0; err >= 0 && (file = args_value_at(a, "rules", i)); i++)
		err = rules_load_path(*out, file, e);
	for (size_t i = 0; err >= 0 && (file = args_value_at(a, "add", i)); i++)
		err = rules_load_path(*out, file, e);
	if (err < 0)
		return err;
	if (!any_error(*out))
		err = rules_compile(*out);
	if (report(*out, e) < 0)
		return -EINVAL;
	return err < 0 ? err_set(e, EINVAL, "the rules cannot be used") : 0;
}

void watching_use(struct watching *w, struct rules *rules)
{
	struct rules_engine *before = w->session.engine;
	struct rules_engine_options o = { .match_all = args_has(w->args, "all"), .before = before };

	w->session.engine = rules_engine_new(rules, &o);
	rules_engine_free(before);
	rules_free(w->rules);
	w->rules = rules;
	w->session.rules = rules;
}
