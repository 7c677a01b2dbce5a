/* admit --review: the answer to a recorded request, without a server. */
#include <stdio.h>
#include <string.h>

#include "app/admit.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"

enum { RECORD_MAX = 2 * ADM_MAX_BODY };

/*
 * The review: the file, or the member "body" of a record {"path": "/mutate?timeout=5s", "body": …}.
 * What is no JSON object is left to who answers it.
 */
static void find_review(const struct buf *file, struct buf *body, struct buf *path)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *inner = NULL, *p = NULL;

	if (json_parse(&d, "review", buf_str(file), file->len, NULL) == 0 &&
	    json_object_is_type(d.root, json_type_object) &&
	    json_object_object_get_ex(d.root, "body", &inner)) {
		buf_puts(body, json_object_to_json_string_ext(inner, JSON_C_TO_STRING_PLAIN));
		if (json_object_object_get_ex(d.root, "path", &p))
			buf_puts(path, json_object_get_string(p));
		return;
	}
	buf_append(body, file->p, file->len);
}

static enum adm_hook hook_of(const struct args *args, const struct buf *path)
{
	const char *hook = args_value(args, "hook");

	if (hook)
		return strcmp(hook, "mutate") ? ADM_VALIDATE : ADM_MUTATE;
	return strncmp(buf_str(path), "/mutate", 7) ? ADM_VALIDATE : ADM_MUTATE;
}

int admit_review_file(const struct args *args, struct err *e)
{
	cleanup_buf struct buf file = { 0 }, body = { 0 }, path = { 0 };
	cleanup_adm_answer struct adm_answer answer = { 0 };
	const char *name = args_value(args, "review");
	struct adm_config *c = NULL;
	struct admit a;
	int r = admit_configure(args, &c, e);

	if (r < 0)
		return r;
	admit_init(&a, c);
	a.lenient = true;
	r = io_read_file(name, RECORD_MAX, &file, e);
	if (r == 0 && c->namespaces)
		r = admit_namespaces_load(a.namespaces, c->namespaces, e);
	if (r == 0) {
		find_review(&file, &body, &path);
		adm_review(c, &a.cluster, hook_of(args, &path), buf_str(&body), body.len, 0,
			   &answer);
		if (answer.status != 200)
			r = err_set(e, EINVAL, "%s: status %u: %.*s", name, answer.status,
				    (int)answer.body.len - 1, answer.body.p);
		else
			r = io_write_file(args_value(args, "output"), answer.body.p,
					  answer.body.len, e);
	}
	admit_free(&a);
	if (r < 0)
		return r;
	return answer.result == ADM_DENIED || answer.result == ADM_FAILED ? EXIT_FINDINGS : EXIT_OK;
}
