#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/constants.h"
#include "profile/generate_private.h"

static const struct {
	const char *word; /* in JSON */
	const char *title;
} verdicts[] = {
	[VERDICT_DENIED] = { "denied", "Denied" },
	[VERDICT_DEPENDS] = { "depends",
			      "May be denied (it depends on arguments that are not known)" },
	[VERDICT_HANDED_ON] = { "handed-on", "Decided by another process" },
	[VERDICT_FALLBACK] = { "fallback", "Not implemented, with a way around that is allowed" },
};

static const char *call_name(const struct verify_call *c, char number[32])
{
	if (c->name)
		return c->name;
	snprintf(number, 32, "%" PRIu32, c->nr);
	return number;
}

/* "ERRNO 1 by rule 3", "KILL_PROCESS since x32 is not listed" … */
static void describe_place(const struct verify_call *c, struct buf *out)
{
	buf_puts(out, sp_action_name(c->ret.action) + strlen("SCMP_ACT_"));
	if (sp_action_takes_data(c->ret.action))
		buf_printf(out, " %u", c->ret.data);
	if (c->rule == -2)
		buf_printf(out, ": the profile does not list %s", sc_abi_scmp(c->abi));
	else if (c->rule == -1)
		buf_puts(out, ": default action");
	else
		buf_printf(out, ": /syscalls/%ld", c->rule);
}

/* "0: AF_INET", with the other recorded values at hand, on which names may depend. */
static void describe_arg(const struct verify_call *c, unsigned i, struct buf *out)
{
	struct wl_call recorded = { .n = c->args_n };

	memcpy(recorded.index, c->index, c->args_n);
	memcpy(recorded.value, c->value, c->args_n * sizeof(*c->value));
	buf_printf(out, "%s%u", i ? ", " : "", c->index[i]);
	if (c->condition)
		buf_printf(out, " & 0x%llx", (unsigned long long)c->mask[i]);
	buf_puts(out, ": ");
	const_arg(c->name ? sc_by_name(c->name) : NULL, c->abi, c->index[i], c->value[i], &recorded,
		  out);
}

static void describe_call(const struct workload *w, const struct verify_report *r,
			  const struct verify_call *c, struct buf *out)
{
	char number[32];

	buf_printf(out, "  %s %s(", sc_abi_name(c->abi), call_name(c, number));
	for (unsigned i = 0; i < c->args_n; i++)
		describe_arg(c, i, out);
	buf_puts(out, ")  ");
	describe_place(c, out);
	buf_puts(out, "  [");
	if (c->prov) {
		gen_phases(c->prov->phases, out);
		if (c->prov->programs.n)
			buf_puts(out, "; ");
		gen_programs(w, &c->prov->programs, 3, out);
	} else {
		buf_printf(out, "needed by %s", r->runtime);
	}
	buf_puts(out, "]\n");
}

static void list_cap_programs(const struct workload *w, unsigned nr, struct buf *out)
{
	struct wl_set all = { 0 };

	for (size_t i = 0; i < w->caps_n; i++) {
		const struct wl_cap *c = &w->caps[i];

		for (size_t k = 0; c->nr == nr && c->result == WL_CAP_GRANTED && k < c->uses_n; k++)
			for (size_t p = 0; p < c->uses[k].prov.programs.n; p++)
				if (!c->uses[k].speculative)
					wl_set_add(&all, c->uses[k].prov.programs.v[p]);
	}
	gen_programs(w, &all, 3, out);
	free(all.v);
}

static void caps_text(const struct workload *w, const struct verify_report *r, struct buf *out)
{
	if (!r->caps_denied)
		return;
	buf_puts(out, "Capabilities that are used and not granted:\n");
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
		if (!(r->caps_denied >> nr & 1))
			continue;
		buf_printf(out, "  %s  [", bcap_by_nr(nr)->name);
		list_cap_programs(w, nr, out);
		buf_puts(out, "]\n");
	}
}

static void summary_text(const struct verify_report *r, struct buf *out)
{
	size_t denials = verify_denials(r);

	if (denials)
		buf_printf(out, "%zu denied", denials);
	else
		buf_puts(out, "Nothing is denied");
	if (r->checked)
		buf_printf(out, " (%zu calls checked", r->checked);
	if (r->checked && *r->runtime)
		buf_printf(out, ", with those of %s", r->runtime);
	if (r->checked)
		buf_puts(out, ")");
	buf_puts(out, ".\n");
}

void verify_text(const struct workload *w, const struct verify_report *r, struct buf *out)
{
	for (unsigned v = 0; v < ARRAY_SIZE(verdicts); v++) {
		if (!r->count[v])
			continue;
		buf_printf(out, "%s:\n", verdicts[v].title);
		for (size_t i = 0; i < r->calls_n; i++)
			if (r->calls[i].verdict == v)
				describe_call(w, r, &r->calls[i], out);
	}
	caps_text(w, r, out);
	summary_text(r, out);
}

static struct json_object *args_json(const struct verify_call *c)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < c->args_n; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "index", json_object_new_int(c->index[i]));
		json_object_object_add(o, "value", json_object_new_uint64(c->value[i]));
		json_object_array_add(a, o);
	}
	return a;
}

struct json_object *gen_prov_json(const struct workload *w, const struct wl_prov *p)
{
	struct json_object *o = json_object_new_object(), *phases = json_object_new_array(),
			   *programs = json_object_new_array();

	for (unsigned i = 0; i < WL_PHASE_COUNT; i++)
		if (p->phases & WL_PHASE_BIT(i))
			json_object_array_add(
				phases, json_object_new_string(wl_phase_name((enum wl_phase)i)));
	for (size_t i = 0; i < p->programs.n; i++)
		if (p->programs.v[i] < w->programs_n)
			json_object_array_add(
				programs,
				json_object_new_string(w->programs[p->programs.v[i]].path));
	json_object_object_add(o, "phases", phases);
	json_object_object_add(o, "programs", programs);
	return o;
}

static struct json_object *call_json(const struct workload *w, const struct verify_call *c)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "verdict", json_object_new_string(verdicts[c->verdict].word));
	json_object_object_add(o, "abi", json_object_new_string(sc_abi_name(c->abi)));
	json_object_object_add(o, "syscall", c->name ? json_object_new_string(c->name) : NULL);
	json_object_object_add(o, "number", json_object_new_uint64(c->nr));
	json_object_object_add(o, "args", args_json(c));
	json_object_object_add(o, "action", json_object_new_string(sp_action_name(c->ret.action)));
	if (sp_action_takes_data(c->ret.action))
		json_object_object_add(o, "data", json_object_new_int(c->ret.data));
	json_object_object_add(
		o, "place",
		c->rule >= 0 ? json_object_new_string("rule")
			     : json_object_new_string(c->rule == -1 ? "default" : "architecture"));
	if (c->rule >= 0)
		json_object_object_add(o, "rule", json_object_new_int64(c->rule));
	json_object_object_add(o, "needed_by", c->prov ? gen_prov_json(w, c->prov) : NULL);
	return o;
}

struct json_object *verify_json(const struct workload *w, const struct verify_report *r)
{
	struct json_object *o = json_object_new_object(), *calls = json_object_new_array(),
			   *caps = json_object_new_array();

	for (size_t i = 0; i < r->calls_n; i++)
		json_object_array_add(calls, call_json(w, &r->calls[i]));
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (r->caps_denied >> nr & 1)
			json_object_array_add(caps, json_object_new_string(bcap_by_nr(nr)->name));
	json_object_object_add(o, "format", json_object_new_string("boltseal.verify/1"));
	json_object_object_add(o, "denials", json_object_new_uint64(verify_denials(r)));
	json_object_object_add(o, "checked", json_object_new_uint64(r->checked));
	json_object_object_add(o, "runtime",
			       *r->runtime ? json_object_new_string(r->runtime) : NULL);
	json_object_object_add(o, "calls", calls);
	json_object_object_add(o, "capabilities", caps);
	return o;
}
