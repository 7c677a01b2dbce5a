/* Reviews for tests: a cluster of two tables, requests made of pieces, answers taken apart. */
#ifndef TESTS_ADMIT_CASE_H
#define TESTS_ADMIT_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_pointer.h>

#include "base/json.h"
#include "base/mem.h"
#include "inspect/admit.h"

/* A configuration that has to be right. */
static inline void admit_load(struct adm_config *c, const char *text)
{
	struct err e = { 0 };

	if (adm_config_parse(c, "config", text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
}

/* Namespaces "KEY=VALUE,…"; "gone" is none. */
struct admit_world {
	const char *labels;
	const char *pods; /* JSON list, or NULL: listing fails */
	const struct adm_seals *seals;
};

static int world_labels(void *ctx, const char *ns, struct arena *a, struct ps_entries *out,
			struct err *e)
{
	const struct admit_world *w = ctx;
	char *text = arena_strdup(a, w->labels ? w->labels : ""), *save = NULL;

	if (!strcmp(ns, "gone"))
		return err_set(e, ENOENT, "namespace \"gone\" not found");
	out->v = arena_alloc(a, 16 * sizeof(*out->v));
	for (char *p = strtok_r(text, ",", &save); p && out->n < 16;
	     p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');

		*eq = '\0';
		out->v[out->n++] = (struct ps_entry){ .key = p, .value = eq + 1 };
	}
	return 0;
}

static int world_pods(void *ctx, const char *ns, unsigned limit, unsigned ms, struct buf *out,
		      struct err *e)
{
	const struct admit_world *w = ctx;

	(void)ns, (void)limit, (void)ms;
	if (!w->pods)
		return err_set(e, EIO, "no");
	buf_puts(out, w->pods);
	return 0;
}

struct admit_request {
	const char *operation, *resource, *kind; /* "pods.apps" has the group behind a dot */
	const char *subresource, *ns, *user, *name;
	const char *object, *old; /* JSON, or NULL */
	bool dry_run;
};

static inline void put_request(const struct admit_request *q, struct buf *out)
{
	const char *dot = strchr(q->resource, '.');
	int len = dot ? (int)(dot - q->resource) : (int)strlen(q->resource);

	buf_printf(
		out,
		"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
		"\"request\":{\"uid\":\"u-1\",\"kind\":{\"group\":\"%s\",\"version\":\"v1\","
		"\"kind\":\"%s\"},\"resource\":{\"group\":\"%s\",\"version\":\"v1\","
		"\"resource\":\"%.*s\"},\"name\":\"%s\",\"namespace\":\"%s\",\"operation\":\"%s\","
		"\"subResource\":\"%s\",\"userInfo\":{\"username\":\"%s\"},\"object\":%s,"
		"\"oldObject\":%s,\"dryRun\":%s}}",
		dot ? dot + 1 : "", q->kind, dot ? dot + 1 : "", len, q->resource,
		q->name ? q->name : "p", q->ns ? q->ns : "n", q->operation,
		q->subresource ? q->subresource : "", q->user ? q->user : "u",
		q->object ? q->object : "null", q->old ? q->old : "null",
		q->dry_run ? "true" : "false");
}

/* The response; caller releases. Checks what every response has. */
static inline struct json_object *ask(const struct adm_config *c, const struct admit_world *w,
				      enum adm_hook hook, const struct admit_request *q)
{
	struct adm_cluster cl = { world_labels, world_pods, NULL, (void *)w, w->seals };
	cleanup_adm_answer struct adm_answer a = { 0 };
	cleanup_buf struct buf body = { 0 };
	cleanup_json struct json_object *all = NULL;
	struct json_object *r = NULL, *uid = NULL;

	put_request(q, &body);
	adm_review(c, &cl, hook, body.p, body.len, 0, &a);
	assert_int_equal(a.status, 200);
	all = json_tokener_parse(buf_str(&a.body));
	assert_non_null(all);
	assert_true(json_object_object_get_ex(all, "response", &r));
	assert_true(json_object_object_get_ex(r, "uid", &uid));
	assert_string_equal(json_object_get_string(uid), "u-1");
	return json_object_get(r);
}

/* The text at a JSON pointer, "" when nothing is there. */
static inline const char *at(struct json_object *o, const char *pointer)
{
	struct json_object *v = NULL;

	if (json_pointer_get(o, pointer, &v) < 0 || !v)
		return "";
	return json_object_get_string(v);
}

static inline void from_base64(const char *text, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	unsigned bits = 0, n = 0;

	for (; *text && *text != '='; text++) {
		bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			buf_putc(out, (char)(bits >> n & 0xff));
		}
	}
}

/* The patch as text, "" when there is none. */
static inline void patch_of(struct json_object *response, struct buf *out)
{
	from_base64(at(response, "/patch"), out);
}

/* Applies "add" and "replace" of members and at the end of lists (RFC 6902). Caller frees. */
static inline char *patched(const char *object, const char *patch)
{
	cleanup_json struct json_object *o = json_tokener_parse(object);
	cleanup_json struct json_object *ops = json_tokener_parse(patch);

	for (size_t i = 0; i < json_object_array_length(ops); i++) {
		struct json_object *op = json_object_array_get_idx(ops, i), *v = NULL, *was = NULL;
		const char *path = at(op, "/path"), *name = at(op, "/op");

		json_object_object_get_ex(op, "value", &v);
		if (!strcmp(name, "replace"))
			assert_int_equal(json_pointer_get(o, path, &was), 0);
		else
			assert_string_equal(name, "add");
		assert_int_equal(json_pointer_set(&o, path, json_object_get(v)), 0);
	}
	return xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

#endif
