/* AdmissionReview: reading requests, writing answers (admission.k8s.io/v1 and v1beta1). */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "inspect/admit_private.h"
#include "inspect/document.h"
#include "inspect/edit.h"

/* ---- helpers */

bool adm_is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

bool adm_has(const struct adm_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i], word))
			return true;
	return false;
}

bool adm_matches(const struct adm_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (!fnmatch(w->v[i], word, 0))
			return true;
	return false;
}

const char *adm_label(const struct ps_entries *labels, const char *key)
{
	for (size_t i = 0; i < labels->n; i++)
		if (!strcmp(labels->v[i].key, key))
			return labels->v[i].value;
	return NULL;
}

__attribute__((format(printf, 2, 0))) static const char *format(struct adm *r, const char *fmt,
								va_list ap)
{
	cleanup_free char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		mem_exhausted();
	return arena_strdup(&r->arena, text);
}

void adm_warn(struct adm *r, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(r, fmt, ap);
	va_end(ap);
	if (!words_have(&r->warnings, text))
		words_add(&r->warnings, &r->arena, text);
}

void adm_audit(struct adm *r, const char *key, const char *fmt, ...)
{
	struct ps_entry en = { .key = key };
	va_list ap;

	va_start(ap, fmt);
	en.value = format(r, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < r->audit.n; i++)
		if (!strcmp(r->audit.v[i].key, key))
			return; /* a key that stands there may not be written again */
	*vec_push(r->audit.v, r->audit.n, r->audit_cap) = en;
}

void adm_deny(struct adm *r, unsigned code, const char *reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->message = format(r, fmt, ap);
	va_end(ap);
	r->denied = true;
	r->code = code;
	r->reason = reason;
}

void adm_forbid(struct adm *r, const char *fmt, ...)
{
	struct buf b = { 0 };
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(r, fmt, ap);
	va_end(ap);
	if (r->denied) {
		r->message = arena_printf(&r->arena, "%s; %s", r->message, text);
		return;
	}
	if (*r->name)
		adm_deny(r, 403, "Forbidden", "%s %s is forbidden: %s", r->resource,
			 adm_quote(r, r->name), text);
	else
		adm_deny(r, 403, "Forbidden", "%s is forbidden: %s", r->resource, text);
	buf_puts(&b, "{\"name\":");
	json_put_bytes(&b, r->name);
	buf_puts(&b, ",\"group\":");
	json_put_bytes(&b, r->group);
	buf_puts(&b, ",\"kind\":");
	json_put_bytes(&b, r->resource);
	buf_putc(&b, '}');
	r->details = words_keep(&b, &r->arena);
}

const char *adm_quote(struct adm *r, const char *text)
{
	struct buf b = { 0 };

	pss_put_quoted(&b, text);
	return words_keep(&b, &r->arena);
}

int adm_read_pod(struct adm *r, const struct yaml_node *object, struct ps_pod *pod, struct err *e)
{
	struct ps_reader rd = { .s = &r->s, .arena = &r->arena, .e = e };

	return ins_kube_pod(&rd, object, r->kind, pod);
}

/* ---- reading */

static int read_triple(struct adm *r, struct ps_reader *rd)
{
	const struct yaml_node *kind = ps_map(rd, r->request, "kind");
	const struct yaml_node *resource = ps_map(rd, r->request, "resource");

	r->kind = ps_text(rd, kind, "kind");
	r->group = ps_text(rd, resource, "group");
	r->version = ps_text(rd, resource, "version");
	r->resource = ps_text(rd, resource, "resource");
	return rd->r;
}

static int read_request(struct adm *r, struct err *e)
{
	struct ps_reader rd = { .s = &r->s, .arena = &r->arena, .e = e };
	struct ps_bool dry_run = { 0 };

	r->request = ps_map(&rd, r->root, "request");
	if (rd.r == 0 && !r->request)
		return yaml_err(&r->s, r->root, e, EINVAL, "the member \"request\" is missing");
	r->uid = ps_text(&rd, r->request, "uid");
	r->operation = ps_text(&rd, r->request, "operation");
	r->subresource = ps_text(&rd, r->request, "subResource");
	r->name = ps_text(&rd, r->request, "name");
	r->ns = ps_text(&rd, r->request, "namespace");
	ps_read_bool(&rd, r->request, "dryRun", &dry_run);
	r->dry_run = dry_run.v;
	r->user = ps_text(&rd, ps_map(&rd, r->request, "userInfo"), "username");
	r->object = ps_map(&rd, r->request, "object");
	r->old = ps_map(&rd, r->request, "oldObject");
	if (read_triple(r, &rd) < 0)
		return rd.r;
	if (!*r->uid)
		return yaml_err(&r->s, r->request, e, EINVAL, "the member \"uid\" is missing");
	if (!*r->resource || !*r->operation)
		return yaml_err(&r->s, r->request, e, EINVAL,
				"expected the members \"resource\" and \"operation\"");
	return 0;
}

static int read_review(struct adm *r, const char *body, size_t len, struct err *e)
{
	const char *kind = "";
	int err;

	if (!len)
		return err_set(e, EINVAL, "the body is empty: expected an AdmissionReview");
	/* The reader knows YAML, too; the protocol is JSON. */
	if (body[strspn(body, " \t\r\n")] != '{')
		return err_set(e, EINVAL, "expected an AdmissionReview as JSON");
	err = yaml_parse(&r->s, "request", body, len, e);
	if (err < 0)
		return err;
	r->root = yaml_only(&r->s, e);
	if (!r->root)
		return -EINVAL;
	r->api_version = "";
	if (yaml_get_str(&r->s, r->root, "kind", true, &kind, e) < 0 ||
	    yaml_get_str(&r->s, r->root, "apiVersion", true, &r->api_version, e) < 0)
		return -EINVAL;
	if (!adm_is(kind, "AdmissionReview") ||
	    (!adm_is(r->api_version, "admission.k8s.io/v1") &&
	     !adm_is(r->api_version, "admission.k8s.io/v1beta1")))
		return err_set(e, EINVAL,
			       "unexpected kind %.100s of %.100s: expected an AdmissionReview of "
			       "admission.k8s.io/v1 or v1beta1",
			       kind, r->api_version);
	return read_request(r, e);
}

/* ---- writing */

static void put_status(const struct adm *r, struct buf *out)
{
	buf_printf(out, ",\"status\":{\"status\":\"Failure\",\"reason\":\"%s\",\"code\":%u",
		   r->reason, r->code);
	buf_puts(out, ",\"message\":");
	json_put_bytes(out, r->message);
	if (r->details)
		buf_printf(out, ",\"details\":%s", r->details);
	buf_putc(out, '}');
}

static void put_patch(struct adm *r, struct buf *out)
{
	cleanup_buf struct buf patch = { 0 };

	edit_patch(&r->arena, r->object, r->edits, r->edits_n, &patch);
	if (!patch.len)
		return;
	buf_puts(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
	base64_put(out, patch.p, patch.len);
	buf_putc(out, '"');
}

static void write_answer(struct adm *r)
{
	struct buf *out = &r->answer->body;

	buf_puts(out, "{\"kind\":\"AdmissionReview\",\"apiVersion\":");
	json_put_bytes(out, r->api_version);
	buf_puts(out, ",\"response\":{\"uid\":");
	json_put_bytes(out, r->uid);
	buf_printf(out, ",\"allowed\":%s", r->denied ? "false" : "true");
	if (r->denied)
		put_status(r, out);
	else if (r->edits_n)
		put_patch(r, out);
	if (r->audit.n) {
		buf_puts(out, ",\"auditAnnotations\":{");
		for (size_t i = 0; i < r->audit.n; i++) {
			buf_puts(out, i ? "," : "");
			json_put_bytes(out, r->audit.v[i].key);
			buf_putc(out, ':');
			json_put_bytes(out, r->audit.v[i].value);
		}
		buf_putc(out, '}');
	}
	for (size_t i = 0; i < r->warnings.n; i++) {
		buf_puts(out, i ? "," : ",\"warnings\":[");
		json_put_bytes(out, r->warnings.v[i]);
	}
	buf_puts(out, r->warnings.n ? "]}}\n" : "}}\n");
	r->answer->warnings = (unsigned)r->warnings.n;
}

/* ---- the whole */

static void count_result(struct adm *r)
{
	static const char *const known[] = { "pods",	     "namespaces", "deployments",
					     "replicasets",  "daemonsets", "statefulsets",
					     "jobs",	     "cronjobs",   "replicationcontrollers",
					     "podtemplates", NULL };
	const char *name = "other";

	for (size_t i = 0; known[i]; i++)
		if (adm_is(known[i], r->resource))
			name = known[i];
	snprintf(r->answer->resource, sizeof(r->answer->resource), "%s", name);
	if (r->denied)
		r->answer->result = r->code >= 500 || r->code == 400 ? ADM_FAILED : ADM_DENIED;
	else if (r->edits_n)
		r->answer->result = ADM_PATCHED;
	else if (adm_label(&r->audit, "exempt"))
		r->answer->result = ADM_EXEMPT;
}

void adm_review(const struct adm_config *c, const struct adm_cluster *cluster, enum adm_hook hook,
		const char *body, size_t len, unsigned timeout_s, struct adm_answer *out)
{
	struct adm r = { .c = c,
			 .cluster = cluster,
			 .answer = out,
			 .timeout_s = timeout_s ? timeout_s : ADM_TIMEOUT_S,
			 .started = clock_ms(CLOCK_MONOTONIC) };
	struct err e = { 0 };

	*out = (struct adm_answer){ .status = 200 };
	if (read_review(&r, body, len, &e) < 0) {
		out->status = 400;
		out->result = ADM_FAILED;
		snprintf(out->resource, sizeof(out->resource), "other");
		buf_printf(&out->body, "%s\n", e.msg);
	} else {
		if (hook == ADM_MUTATE)
			adm_mutate(&r);
		else
			adm_validate(&r);
		count_result(&r);
		write_answer(&r);
	}
	free(r.audit.v);
	free(r.edits);
	yaml_stream_free(&r.s);
	arena_free(&r.arena);
}

void adm_answer_free(struct adm_answer *a)
{
	buf_free(&a->body);
}

const char *adm_mode_name(enum adm_mode m)
{
	static const char *const names[] = { "enforce", "audit", "warn" };

	return m < ADM_MODE_COUNT ? names[m] : NULL;
}

const char *adm_result_name(enum adm_result r)
{
	static const char *const names[] = { "allowed", "denied", "exempt", "patched", "failed" };

	return r < ADM_RESULT_COUNT ? names[r] : NULL;
}
