/*
 * Requests for namespaces: labels have to be right, and who makes a level stricter is told which
 * pods are there that would not get in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "inspect/admit_private.h"

static struct adm_policy policy_of(struct adm *r, const struct yaml_node *object,
				   struct ps_entries *labels, struct adm_fault *faults, size_t *n,
				   struct err *e)
{
	struct ps_reader rd = { .s = &r->s, .arena = &r->arena, .e = e };
	const struct yaml_node *meta = ps_map(&rd, object, "metadata");

	if (meta)
		ps_read_entries(&rd, meta, "labels", labels);
	return adm_policy_of(labels, &r->c->defaults, faults, n);
}

/* ---- wrong labels */

static bool same_faults(const struct adm_fault *a, size_t n, const struct adm_fault *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i].field, b[i].field) != 0 || strcmp(a[i].value, b[i].value) != 0)
			return false;
	return true;
}

static void put_cause(struct adm *r, struct buf *out, const struct adm_fault *f)
{
	cleanup_free char *field = xasprintf("metadata.labels[%s]", f->field);
	cleanup_free char *why = xasprintf("Invalid value: %s: %s", adm_quote(r, f->value), f->why);

	buf_puts(out, "{\"reason\":\"FieldValueInvalid\",\"message\":");
	json_put_bytes(out, why);
	buf_puts(out, ",\"field\":");
	json_put_bytes(out, field);
	buf_putc(out, '}');
}

/* 422, as the API server itself answers to invalid objects. */
static void invalid(struct adm *r, const struct adm_fault *f, size_t n)
{
	struct buf text = { 0 }, details = { 0 };

	buf_puts(&details, "{\"name\":");
	json_put_bytes(&details, r->name);
	buf_puts(&details, ",\"kind\":\"Namespace\",\"causes\":[");
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%smetadata.labels[%s]: Invalid value: %s: %s", i ? ", " : "",
			   f[i].field, adm_quote(r, f[i].value), f[i].why);
		buf_puts(&details, i ? "," : "");
		put_cause(r, &details, &f[i]);
	}
	buf_puts(&details, "]}");
	adm_deny(r, 422, "Invalid",
		 n > 1 ? "Namespace %s is invalid: [%s]" : "Namespace %s is invalid: %s",
		 adm_quote(r, r->name), words_keep(&text, &r->arena));
	r->details = words_keep(&details, &r->arena);
}

/* ---- exempt namespaces */

static void put_mode(struct buf *out, const struct ps_entries *labels, const char *mode,
		     const struct pss_policy *p)
{
	cleanup_free char *level = xasprintf(ADM_LABEL "%s", mode);
	cleanup_free char *version = xasprintf(ADM_LABEL "%s-version", mode);

	if (!p->level || (!adm_label(labels, level) && !adm_label(labels, version)))
		return;
	buf_printf(out, "%s%s=", out->len ? ", " : "", mode);
	pss_policy_name(p, out);
}

static bool same(const struct pss_policy *a, const struct pss_policy *b)
{
	return a->level == b->level && a->minor == b->minor;
}

/* True: the namespace is exempt. Labels that say otherwise deserve a warning. */
static bool exempt(struct adm *r, const struct ps_entries *labels, const struct adm_policy *p)
{
	const struct adm_policy *d = &r->c->defaults;
	struct buf b = { 0 };

	if (!adm_has(&r->c->exempt_namespaces, r->ns))
		return false;
	if ((!p->enforce.level && !p->audit.level && !p->warn.level) ||
	    (same(&p->enforce, &d->enforce) && same(&p->audit, &d->audit) &&
	     same(&p->warn, &d->warn)))
		return true;
	put_mode(&b, labels, "enforce", &p->enforce);
	put_mode(&b, labels, "audit", &p->audit);
	put_mode(&b, labels, "warn", &p->warn);
	adm_warn(r, "namespace %s is exempt from Pod Security, and the policy (%s) will be ignored",
		 adm_quote(r, r->name), words_keep(&b, &r->arena));
	return true;
}

/* ---- pods that are there */

/* Pods with the same violations are one line. */
struct line {
	const char *reasons, *pod; /* the first name of them */
	size_t n;
};

struct existing {
	struct adm *r;
	struct yaml_stream list;
	struct arena arena;
	const struct yaml_node **pods; /* first one of each controller, then the others */
	size_t pods_n;
	struct line *lines;
	size_t lines_n, lines_cap;
};

static const char *controller_of(const struct yaml_node *pod)
{
	const struct yaml_node *refs = yaml_get(yaml_get(pod, "metadata"), "ownerReferences");

	for (uint32_t i = 0; refs && refs->kind == YAML_SEQ && i < refs->n; i++) {
		const struct yaml_node *on = yaml_get(refs->item[i], "controller");
		const struct yaml_node *uid = yaml_get(refs->item[i], "uid");

		if (on && on->kind == YAML_SCALAR && adm_is(on->text, "true") && yaml_is_str(uid))
			return uid->text;
	}
	return NULL;
}

static bool exempt_class(const struct existing *x, const struct yaml_node *pod)
{
	const struct yaml_node *class = yaml_get(yaml_get(pod, "spec"), "runtimeClassName");

	return yaml_is_str(class) && *class->text && adm_has(&x->r->c->exempt_classes, class->text);
}

static void sort_pods(struct existing *x, const struct yaml_node *items)
{
	const struct yaml_node **copies = xcalloc(items->n + 1u, sizeof(*copies));
	struct words seen = { 0 };
	size_t copies_n = 0;

	x->pods = xcalloc(items->n + 1u, sizeof(*x->pods));
	for (uint32_t i = 0; i < items->n; i++) {
		const struct yaml_node *pod = items->item[i];
		const char *controller = controller_of(pod);

		if (exempt_class(x, pod))
			continue;
		if (controller && words_have(&seen, controller)) {
			copies[copies_n++] = pod;
			continue;
		}
		if (controller)
			words_add(&seen, &x->arena, controller);
		x->pods[x->pods_n++] = pod;
	}
	memcpy(x->pods + x->pods_n, copies, copies_n * sizeof(*copies));
	x->pods_n += copies_n;
	free(copies);
}

static void add_line(struct existing *x, const char *reasons, const char *pod)
{
	for (size_t i = 0; i < x->lines_n; i++) {
		struct line *l = &x->lines[i];

		if (!adm_is(l->reasons, reasons))
			continue;
		l->n++;
		if (strcmp(pod, l->pod) < 0)
			l->pod = pod;
		return;
	}
	*vec_push(x->lines, x->lines_n, x->lines_cap) = (struct line){ reasons, pod, 1 };
}

static void check_pod(struct existing *x, const struct yaml_node *node,
		      const struct pss_policy *policy)
{
	struct err e = { 0 };
	struct ps_reader rd = { .s = &x->list, .arena = &x->arena, .e = &e };
	const struct yaml_node *meta = ps_map(&rd, node, "metadata");
	const struct yaml_node *spec = ps_map(&rd, node, "spec");
	struct pss_violation v[PSS_MAX_CHECKS];
	struct ps_pod pod = { 0 };
	struct buf b = { 0 };
	const char *name;
	size_t n;

	name = ps_text(&rd, meta, "name");
	if (!spec || ps_read_kube(&rd, meta, spec, true, &pod) < 0)
		return;
	n = pss_evaluate(&pod, policy, &x->arena, v);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", v[i].reason);
	if (n)
		add_line(x, words_keep(&b, &x->arena), name);
	else
		buf_free(&b);
}

static void warn_lines(struct existing *x, const struct pss_policy *policy)
{
	struct adm *r = x->r;
	struct words texts = { 0 };
	struct buf b = { 0 };

	if (!x->lines_n)
		return;
	pss_policy_name(policy, &b);
	adm_warn(r, "existing pods in namespace %s violate the new PodSecurity enforce level %s",
		 adm_quote(r, r->name), adm_quote(r, words_keep(&b, &r->arena)));
	for (size_t i = 0; i < x->lines_n; i++) {
		const struct line *l = &x->lines[i];
		const char *text;

		if (l->n == 1)
			text = arena_printf(&r->arena, "%s: %s", l->pod, l->reasons);
		else
			text = arena_printf(&r->arena, "%s (and %zu other pod%s): %s", l->pod,
					    l->n - 1, l->n == 2 ? "" : "s", l->reasons);
		words_add(&texts, &r->arena, text);
	}
	words_sort(&texts);
	for (size_t i = 0; i < texts.n; i++)
		adm_warn(r, "%s", texts.v[i]);
}

/* One second, or half of what is left of the request's time. */
static unsigned time_for_pods(const struct adm *r)
{
	uint64_t gone = clock_ms(CLOCK_MONOTONIC) - r->started, all = (uint64_t)r->timeout_s * 1000;
	uint64_t half = gone < all ? (all - gone) / 2 : 0;

	return half < ADM_PODS_MS ? (unsigned)half : ADM_PODS_MS;
}

/* The list may be cut: `more` is how many there are beyond it. */
static int list_pods(struct existing *x, unsigned ms, const struct yaml_node **items, size_t *more)
{
	const struct adm_cluster *cl = x->r->cluster;
	cleanup_buf struct buf text = { 0 };
	const struct yaml_node *meta;
	struct err e = { 0 };
	uint64_t left = 0;

	if (!cl->pods || cl->pods(cl->ctx, x->r->name, ADM_MAX_PODS, ms, &text, &e) < 0 ||
	    yaml_parse(&x->list, "pods", buf_str(&text), text.len, &e) < 0)
		return -1;
	*items = yaml_get(yaml_only(&x->list, &e), "items");
	meta = yaml_get(yaml_only(&x->list, &e), "metadata");
	if (meta)
		yaml_get_u64(&x->list, meta, "remainingItemCount", false, INT32_MAX, &left, &e);
	*more = (size_t)left;
	return 0;
}

static void check_existing(struct adm *r, const struct pss_policy *policy)
{
	uint64_t end = clock_ms(CLOCK_MONOTONIC) + time_for_pods(r);
	const struct yaml_node *items = NULL;
	struct existing x = { .r = r };
	size_t n = 0, more = 0;

	if (list_pods(&x, time_for_pods(r), &items, &more) < 0) {
		adm_warn(r, "failed to list pods while checking new PodSecurity enforce level");
	} else if (items && items->kind == YAML_SEQ) {
		sort_pods(&x, items);
		while (n < x.pods_n && n < ADM_MAX_PODS && (!n || clock_ms(CLOCK_MONOTONIC) < end))
			check_pod(&x, x.pods[n++], policy);
		if (n < x.pods_n + more)
			adm_warn(r,
				 "new PodSecurity enforce level only checked against the first "
				 "%zu of %zu existing pods",
				 n, x.pods_n + more);
		warn_lines(&x, policy);
	}
	free(x.pods);
	free(x.lines);
	yaml_stream_free(&x.list);
	arena_free(&x.arena);
}

/* ---- the request */

static void update(struct adm *r, const struct ps_entries *labels, const struct adm_policy *p,
		   const struct adm_fault *faults, size_t n)
{
	struct adm_fault old_faults[ADM_MAX_FAULTS];
	struct ps_entries old_labels = { 0 };
	struct adm_policy old;
	struct err e = { 0 };
	size_t m = 0;

	if (!r->old) {
		adm_deny(r, 400, "BadRequest", "failed to decode old object: there is none");
		return;
	}
	old = policy_of(r, r->old, &old_labels, old_faults, &m, &e);
	if (e.code) {
		adm_deny(r, 400, "BadRequest", "failed to decode old object: %s", e.msg);
		return;
	}
	if (n && !same_faults(faults, n, old_faults, m)) {
		invalid(r, faults, n);
		return;
	}
	if (same(&p->enforce, &old.enforce) || p->enforce.level == PSS_PRIVILEGED ||
	    (p->enforce.minor == old.enforce.minor && p->enforce.level <= old.enforce.level))
		return; /* not stricter */
	if (!exempt(r, labels, p))
		check_existing(r, &p->enforce);
}

static void judge_labels(struct adm *r, struct ps_entries *labels)
{
	struct adm_fault faults[ADM_MAX_FAULTS];
	struct err e = { 0 };
	struct adm_policy p;
	size_t n = 0;

	if (!r->object) {
		adm_deny(r, 400, "BadRequest", "failed to decode object: there is none");
		return;
	}
	p = policy_of(r, r->object, labels, faults, &n, &e);
	if (e.code)
		adm_deny(r, 400, "BadRequest", "failed to decode object: %s", e.msg);
	else if (!r->c->pod_security)
		return;
	else if (adm_is(r->operation, "UPDATE"))
		update(r, labels, &p, faults, n);
	else if (n)
		invalid(r, faults, n);
	else
		exempt(r, labels, &p);
}

void adm_validate_namespace(struct adm *r)
{
	bool gone = adm_is(r->operation, "DELETE");
	struct ps_entries labels = { 0 };

	if (*r->subresource)
		return;
	if (adm_is(r->operation, "CREATE") || adm_is(r->operation, "UPDATE"))
		judge_labels(r, &labels);
	else if (!gone)
		return;
	if (!r->denied && !r->dry_run && r->cluster->saw)
		r->cluster->saw(r->cluster->ctx, r->name, gone ? NULL : &labels);
}
