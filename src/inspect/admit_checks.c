/* Checks of inspect as part of admission: those that the configuration names. */
#include <string.h>

#include "inspect/admit_private.h"
#include "inspect/document.h"

static bool applies(const struct adm *r, const struct adm_check *c)
{
	return (!c->namespaces.n || adm_matches(&c->namespaces, r->ns)) &&
	       !adm_matches(&c->except, r->ns);
}

/* Findings with this action, as "R04 (message), R05 (message)". */
static const char *findings_of(struct adm *r, const struct ins_report *report, enum adm_mode action)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < report->findings_n; i++) {
		const struct ins_finding *f = &report->findings[i];
		bool wanted = false;

		for (size_t k = 0; k < r->c->checks_n; k++)
			wanted |= r->c->checks[k].check == f->check &&
				  r->c->checks[k].action == action && applies(r, &r->c->checks[k]);
		if (wanted)
			buf_printf(&b, "%s%s (%s)", b.len ? ", " : "", f->check->id, f->message);
	}
	return words_keep(&b, &r->arena);
}

static void inspect(struct adm *r, struct ins_report *report, const char *const *only, size_t n,
		    struct ps_pod *pod)
{
	struct ins_options o = { .only = only, .only_n = n, .kubelet_dir = "var/lib/kubelet" };
	struct ins_doc d = { .report = report,
			     .o = &o,
			     .s = &r->s,
			     .root = r->root,
			     .arena = &r->arena,
			     .prefix = "" };

	ins_workload(&d, pod, r->object);
}

void adm_run_checks(struct adm *r, const struct ps_pod *pod, bool enforce)
{
	cleanup_ins_report struct ins_report report = { 0 };
	const char *text, **only = arena_alloc(&r->arena, (r->c->checks_n + 1) * sizeof(*only));
	struct ps_pod copy = *pod;
	size_t n = 0;

	for (size_t i = 0; i < r->c->checks_n; i++)
		if (applies(r, &r->c->checks[i]))
			only[n++] = r->c->checks[i].check->id;
	if (!n)
		return;
	inspect(r, &report, only, n, &copy);
	r->answer->findings = (unsigned)report.findings_n;
	text = findings_of(r, &report, ADM_ENFORCE);
	if (*text && enforce)
		adm_forbid(r, "violates %s", text);
	else if (*text)
		adm_warn(r, "pods would be refused: %s", text);
	text = findings_of(r, &report, ADM_WARN);
	if (*text && !r->denied)
		adm_warn(r, "violates %s", text);
	text = findings_of(r, &report, ADM_AUDIT);
	if (*text)
		adm_audit(r, "check-violations", "%s", text);
}
