/* The values that models are made of; see workload_reader.h. */
#include "model/workload_reader.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

int rd_text(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, const char **out)
{
	const char *s = NULL;
	cleanup_free char *bytes = NULL;
	int rc = json_get_str(r->d, at, o, key, required, &s, r->e);

	if (rc < 0 || !s)
		return rc;
	bytes = json_bytes(xstrdup(s));
	if (*bytes || required)
		*out = wl_string(r->w, bytes);
	return 0;
}

int rd_item_text(struct reader *r, const struct json_path *at, struct json_object *v, char **out)
{
	if (!json_object_is_type(v, json_type_string))
		return json_err(r->d, at, r->e, EINVAL, "expected a string, found %s",
				json_type_word(v));
	if (strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
		return json_err(r->d, at, r->e, EINVAL, "the string contains a NUL character");
	*out = json_bytes(xstrdup(json_object_get_string(v)));
	return 0;
}

int rd_each(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, rd_item item, void *arg)
{
	struct json_path list = { .up = at, .key = key };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, key, required, &a, r->e);

	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++) {
		struct json_object *v = json_object_array_get_idx(a, i);
		struct json_path here = { .up = &list, .idx = i };

		if (!json_object_is_type(v, json_type_object))
			return json_err(r->d, &here, r->e, EINVAL, "expected an object, found %s",
					json_type_word(v));
		rc = item(r, &here, v, arg);
	}
	return rc;
}

int rd_word(struct reader *r, const struct json_path *at, const char *word, unsigned n,
	    const char *(*name)(unsigned))
{
	cleanup_buf struct buf all = { 0 };

	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(word, name(i)))
			return (int)i;
		buf_printf(&all, "%s%s", i ? ", " : "", name(i));
	}
	return json_err(r->d, at, r->e, EINVAL, "\"%.64s\" is not one of %s", word, buf_str(&all));
}

int rd_word_member(struct reader *r, const struct json_path *at, struct json_object *o,
		   const char *key, unsigned n, const char *(*name)(unsigned))
{
	struct json_path here = { .up = at, .key = key };
	const char *word = NULL;
	int rc = json_get_str(r->d, at, o, key, true, &word, r->e);

	return rc < 0 ? rc : rd_word(r, &here, word, n, name);
}

int rd_bits(struct reader *r, const struct json_path *at, struct json_object *o, const char *key,
	    bool required, unsigned n, const char *(*name)(unsigned), uint32_t *out)
{
	struct json_path list = { .up = at, .key = key };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, key, required, &a, r->e);

	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++) {
		struct json_path here = { .up = &list, .idx = i };
		cleanup_free char *word = NULL;
		int bit;

		rc = rd_item_text(r, &here, json_object_array_get_idx(a, i), &word);
		if (rc < 0)
			return rc;
		bit = rd_word(r, &here, word, n, name);
		if (bit < 0)
			return bit;
		*out |= 1u << bit;
	}
	return rc;
}

static const char *phase_name(unsigned i)
{
	return wl_phase_name((enum wl_phase)i);
}

/* A list of whole numbers below `limit`, each once, in any order. */
static int read_numbers(struct reader *r, const struct json_path *at, struct json_object *o,
			const char *key, uint64_t limit, const char *beyond, struct wl_set *out)
{
	struct json_path list = { .up = at, .key = key };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, key, false, &a, r->e);

	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++) {
		struct json_path here = { .up = &list, .idx = i };
		uint64_t n;

		rc = json_u64(r->d, &here, json_object_array_get_idx(a, i), UINT64_MAX, &n, r->e);
		if (rc < 0)
			return rc;
		if (n >= limit)
			return json_err(r->d, &here, r->e, ERANGE, "%s %llu, but there %s %llu",
					beyond, (unsigned long long)n, limit == 1 ? "is" : "are",
					(unsigned long long)limit);
		wl_set_push(out, (uint32_t)n);
	}
	wl_set_normalise(out);
	return rc;
}

int rd_sources(struct reader *r, const struct json_path *at, struct json_object *o,
	       struct wl_set *out)
{
	return read_numbers(r, at, o, "sources", r->w->sources_n, "this is the source with index",
			    out);
}

int rd_programs(struct reader *r, const struct json_path *at, struct json_object *o,
		const char *key, struct wl_set *out)
{
	struct json_path list = { .up = at, .key = key };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, key, false, &a, r->e);

	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++) {
		struct json_path here = { .up = &list, .idx = i };
		cleanup_free char *path = NULL;
		int program;

		rc = rd_item_text(r, &here, json_object_array_get_idx(a, i), &path);
		if (rc < 0)
			return rc;
		program = wl_program_find(r->w, path);
		if (program < 0)
			return json_err(r->d, &here, r->e, EINVAL,
					"the program \"%.200s\" is not in the list \"programs\"",
					path);
		wl_set_push(out, (uint32_t)program);
	}
	wl_set_normalise(out);
	return rc;
}

int rd_prov(struct reader *r, const struct json_path *at, struct json_object *o, struct wl_prov *p)
{
	int rc = rd_bits(r, at, o, "phases", false, WL_PHASE_COUNT, phase_name, &p->phases);

	if (!rc)
		rc = rd_programs(r, at, o, "programs", &p->programs);
	return rc ? rc : rd_sources(r, at, o, &p->sources);
}
