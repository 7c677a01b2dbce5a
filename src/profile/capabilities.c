#include <string.h>

#include "base/cleanup.h"
#include "model/caps.h"
#include "profile/generate_private.h"

/* A use that shows the need: by the program, and not one of the kernel's own silent probes. */
static bool counts(const struct wl_cap_use *u)
{
	return !u->speculative && u->prov.phases & WL_PROGRAM_PHASES;
}

void gen_caps(const struct workload *w, struct gen_caps *c)
{
	*c = (struct gen_caps){ 0 };
	for (size_t i = 0; i < w->caps_n; i++) {
		const struct wl_cap *cap = &w->caps[i];

		for (size_t k = 0; cap->nr < BCAP_COUNT && k < cap->uses_n; k++) {
			if (!counts(&cap->uses[k]))
				continue;
			if (cap->result == WL_CAP_GRANTED)
				c->needed |= UINT64_C(1) << cap->nr;
			else
				c->refused |= UINT64_C(1) << cap->nr;
		}
	}
	c->refused &= ~c->needed;
	c->unused = bcap_docker_default_mask() & ~c->needed & ~c->refused;
}

/* "setgid → ns_capable, by nginx in start" for each use. */
static void uses_text(const struct workload *w, const struct wl_cap *cap, struct buf *out)
{
	for (size_t i = 0; i < cap->uses_n; i++) {
		const struct wl_cap_use *u = &cap->uses[i];

		if (!counts(u))
			continue;
		buf_puts(out, "      ");
		gen_printable(*u->syscall ? u->syscall : "outside a system call", out);
		if (*u->function) {
			buf_puts(out, ", asked by ");
			gen_printable(u->function, out);
		}
		if (u->prov.programs.n) {
			buf_puts(out, ": ");
			gen_programs(w, &u->prov.programs, 3, out);
		}
		buf_puts(out, " (");
		gen_phases(u->prov.phases & WL_PROGRAM_PHASES, out);
		buf_puts(out, u->inferred ? "; concluded from its result)\n" : ")\n");
	}
}

static void evidence_text(const struct workload *w, unsigned nr, enum wl_cap_result result,
			  struct buf *out)
{
	for (size_t i = 0; i < w->caps_n; i++)
		if (w->caps[i].nr == nr && w->caps[i].result == result)
			uses_text(w, &w->caps[i], out);
}

static void section(const struct workload *w, uint64_t mask, int result, const char *title,
		    const char *none, struct buf *out)
{
	buf_printf(out, "%s\n", title);
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
		const struct bcap_desc *d = bcap_by_nr(nr);

		if (!(mask >> nr & 1))
			continue;
		buf_printf(out, "  %s (risk: %s)\n", d->name, bcap_risk_name(d->risk));
		if (result >= 0)
			evidence_text(w, nr, (enum wl_cap_result)result, out);
	}
	if (!mask)
		buf_printf(out, "  %s\n", none);
}

void gen_caps_text(const struct workload *w, struct buf *out)
{
	struct gen_caps c;

	gen_caps(w, &c);
	section(w, c.needed, WL_CAP_GRANTED, "Needed:", "none; drop ALL", out);
	section(w, c.refused, WL_CAP_REFUSED,
		"Tried and refused, and the workload went on:", "none", out);
	section(w, c.unused, -1, "Granted by Docker's default and never asked for:", "none", out);
}

static struct json_object *use_json(const struct workload *w, const struct wl_cap_use *u)
{
	struct json_object *o = gen_prov_json(w, &u->prov);

	json_object_object_add(o, "syscall", json_object_new_string(u->syscall));
	json_object_object_add(o, "function", json_object_new_string(u->function));
	json_object_object_add(o, "inferred", json_object_new_boolean(u->inferred));
	return o;
}

static struct json_object *cap_json(const struct workload *w, unsigned nr, int result)
{
	const struct bcap_desc *d = bcap_by_nr(nr);
	struct json_object *o = json_object_new_object(), *uses = json_object_new_array();

	for (size_t i = 0; i < w->caps_n; i++) {
		const struct wl_cap *cap = &w->caps[i];

		for (size_t k = 0; cap->nr == nr && (int)cap->result == result && k < cap->uses_n;
		     k++)
			if (counts(&cap->uses[k]))
				json_object_array_add(uses, use_json(w, &cap->uses[k]));
	}
	json_object_object_add(o, "name", json_object_new_string(d->name));
	json_object_object_add(o, "risk", json_object_new_string(bcap_risk_name(d->risk)));
	json_object_object_add(o, "evidence", uses);
	return o;
}

static struct json_object *list_json(const struct workload *w, uint64_t mask, int result)
{
	struct json_object *a = json_object_new_array();

	for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
		if (!(mask >> nr & 1))
			continue;
		json_object_array_add(a, result >= 0
						 ? cap_json(w, nr, result)
						 : json_object_new_string(bcap_by_nr(nr)->name));
	}
	return a;
}

struct json_object *gen_caps_json(const struct workload *w)
{
	struct json_object *o = json_object_new_object();
	struct gen_caps c;

	gen_caps(w, &c);
	json_object_object_add(o, "format", json_object_new_string("boltseal.capabilities/1"));
	json_object_object_add(o, "needed", list_json(w, c.needed, WL_CAP_GRANTED));
	json_object_object_add(o, "refused", list_json(w, c.refused, WL_CAP_REFUSED));
	json_object_object_add(o, "unused_defaults", list_json(w, c.unused, -1));
	return o;
}
