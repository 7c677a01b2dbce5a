#include <stdio.h>
#include <string.h>

#include "app/node.h"
#include "base/cleanup.h"
#include "profile/lint.h"
#include "profile/seccomp.h"

/* False when lint finds something of that severity. Severe findings stand first. */
static bool lint(const struct node_options *node, struct node_profile *p, char *note)
{
	cleanup_lint_report struct lint_report r = { 0 };
	const struct lint_finding *worst;
	struct lint_options o;
	struct err e = { 0 };

	lint_options_default(&o);
	if (node->engine)
		o.engine = (enum lint_engine)lint_engine_parse(node->engine);
	if (lint_profile(p->origin, p->text, p->len, &o, &r, &e) < 0) {
		node_profile_is(p, NODE_REFUSED, "%s", e.msg);
		return false;
	}
	worst = r.n ? &r.findings[0] : NULL;
	if (worst && (int)worst->severity >= node->refuse) {
		node_profile_is(p, NODE_REFUSED, "%s:%u:%u: %s: %s", p->origin, worst->line,
				worst->col, worst->check->id, worst->what);
		return false;
	}
	if (worst && worst->severity >= LINT_MEDIUM)
		snprintf(note, NODE_MESSAGE_MAX, "lint: %zu of %s severity, such as %u:%u: %s",
			 r.count[worst->severity], lint_severity_name(worst->severity), worst->line,
			 worst->col, worst->check->id);
	return true;
}

static int compile(const struct node_profile *p, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_sp_profile struct sp_profile profile = { 0 };
	cleanup_buf struct buf unknown = { 0 };
	struct sp_filter filter = { 0 };
	int r = json_parse(&d, p->origin, p->text, p->len, e);

	if (r == 0)
		r = sp_read(&profile, &d, NULL, &unknown, e);
	if (r == 0)
		r = sp_compile_proven(&profile, NULL, &filter, e);
	sp_filter_free(&filter);
	return r;
}

bool node_check_seccomp(const struct node_options *o, struct node_profile *p, char *note)
{
	struct err e = { 0 };

	*note = '\0';
	if (!lint(o, p, note))
		return false;
	if (compile(p, &e) >= 0)
		return true;
	node_profile_is(p, NODE_REFUSED, "%s", e.msg);
	return false;
}
