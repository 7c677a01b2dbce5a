/* The JSON form boltseal.finding/1, Falco's form, and the way back. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/finding.h"

#define FORMAT "boltseal.finding/1"

/* ,"key":"text" or nothing. */
static void put(struct buf *b, const char *key, const char *text)
{
	if (!text)
		return;
	buf_printf(b, "%s\"%s\":", b->len && b->p[b->len - 1] != '{' ? "," : "", key);
	json_put_bytes(b, text);
}

static void put_u64(struct buf *b, const char *key, uint64_t v)
{
	buf_printf(b, "%s\"%s\":%" PRIu64, b->len && b->p[b->len - 1] != '{' ? "," : "", key, v);
}

static void put_when(struct buf *b, const char *key, uint64_t ns)
{
	buf_printf(b, ",\"%s\":\"", key);
	finding_put_time(b, ns);
	buf_putc(b, '"');
}

static void put_tags(struct buf *b, const struct finding *f)
{
	buf_puts(b, ",\"tags\":[");
	for (size_t i = 0; i < f->tags_n; i++) {
		if (i)
			buf_putc(b, ',');
		json_put_bytes(b, f->tags[i]);
	}
	buf_putc(b, ']');
}

static void put_process_members(struct buf *b, const struct finding_process *p)
{
	put_u64(b, "pid", p->pid);
	put(b, "name", p->name);
	put(b, "exe", p->exe);
	put(b, "cmdline", p->cmdline);
}

static void put_process(struct buf *b, const struct finding *f)
{
	buf_puts(b, ",\"process\":{");
	put_process_members(b, &f->process);
	put(b, "user", f->user);
	if (f->uid >= 0)
		put_u64(b, "uid", (uint64_t)f->uid);
	if (f->loginuid >= 0)
		put_u64(b, "loginuid", (uint64_t)f->loginuid);
	buf_puts(b, ",\"lineage\":[");
	for (size_t i = 0; i < f->lineage_n; i++) {
		buf_puts(b, i ? ",{" : "{");
		put_process_members(b, &f->lineage[i]);
		buf_putc(b, '}');
	}
	buf_puts(b, "]}");
}

static void put_container(struct buf *b, const struct finding *f)
{
	if (!f->container.id)
		return;
	buf_puts(b, ",\"container\":{");
	put(b, "id", f->container.id);
	put(b, "name", f->container.name);
	put(b, "image", f->container.image);
	put(b, "pod", f->container.pod);
	put(b, "namespace", f->container.namespace);
	put(b, "missing", f->container.missing);
	buf_putc(b, '}');
}

void finding_write(const struct finding *f, struct buf *b)
{
	buf_puts(b, "{\"format\":\"" FORMAT "\"");
	put(b, "id", f->id);
	put(b, "key", f->key);
	put(b, "type", f->type);
	buf_printf(b, ",\"severity\":%u.%u", f->severity / 10, f->severity % 10);
	put(b, "title", f->title);
	put(b, "description", f->description);
	put(b, "remedy", f->remedy);
	put(b, "rule", f->rule);
	put(b, "priority", f->priority);
	put(b, "source", f->source);
	put(b, "technique", f->technique);
	put_tags(b, f);
	put(b, "hostname", f->hostname);
	put_when(b, "first_seen", f->first_seen);
	put_when(b, "last_seen", f->last_seen);
	put_u64(b, "count", f->count);
	put_container(b, f);
	put_process(b, f);
	put(b, "output", f->output);
	if (f->further)
		buf_puts(b, ",\"further\":true");
	put(b, "capture", f->capture);
	if (f->evidence)
		buf_printf(b, ",\"evidence\":%s", f->evidence);
	buf_putc(b, '}');
}

/* falcosidekick refuses findings without fields, so there is always one. */
static void put_fields(struct buf *b, const struct finding *f)
{
	if (f->evidence && strcmp(f->evidence, "{}"))
		buf_printf(b, ",\"output_fields\":%s", f->evidence);
	else
		buf_printf(b, ",\"output_fields\":{\"evt.time\":%" PRIu64 "}", f->first_seen);
}

void finding_write_falco(const struct finding *f, struct buf *b)
{
	buf_putc(b, '{');
	put(b, "uuid", f->id);
	put(b, "hostname", f->hostname);
	put(b, "output", f->output);
	put_fields(b, f);
	put(b, "priority", f->priority);
	put(b, "rule", f->rule);
	put(b, "source", f->source);
	put_tags(b, f);
	put_when(b, "time", f->first_seen);
	buf_putc(b, '}');
}

/* ---- reading */

struct reader {
	const struct json_doc *d;
	struct finding *f;
	struct err *e;
};

/* A text of the object at `at`, copied. */
static int text(struct reader *r, const struct json_path *at, struct json_object *o,
		const char *key, bool required, const char **out)
{
	const char *s = NULL;
	int err = json_get_str(r->d, at, o, key, required, &s, r->e);

	if (err < 0)
		return err;
	if (s)
		*out = json_bytes(arena_strdup(&r->f->arena, s));
	return 0;
}

static int digits(struct reader *r, struct json_object *o, const char *key, size_t len, char *out)
{
	struct json_path at = { .key = key };
	const char *s = NULL;
	int err = json_get_str(r->d, NULL, o, key, true, &s, r->e);

	if (err < 0)
		return err;
	if (strlen(s) != len || strspn(s, "0123456789abcdef-") != len)
		return json_err(r->d, &at, r->e, EINVAL, "expected %zu hexadecimal digits", len);
	memcpy(out, s, len + 1);
	return 0;
}

static int when(struct reader *r, struct json_object *o, const char *key, uint64_t *out)
{
	struct json_path at = { .key = key };
	const char *s = NULL;
	int err = json_get_str(r->d, NULL, o, key, true, &s, r->e);

	if (err < 0)
		return err;
	if (finding_parse_time(s, out) < 0)
		return json_err(r->d, &at, r->e, EINVAL, "expected a time (2026-01-31T12:00:00Z)");
	return 0;
}

static int severity(struct reader *r, struct json_object *o)
{
	struct json_path at = { .key = "severity" };
	struct json_object *v = json_object_object_get(o, "severity");
	double d = json_object_get_double(v);

	if ((!json_object_is_type(v, json_type_double) && !json_object_is_type(v, json_type_int)) ||
	    !(d >= 0 && d <= 10))
		return json_err(r->d, &at, r->e, EINVAL, "expected a number from 0 to 10");
	r->f->severity = (unsigned)lround(d * 10);
	return 0;
}

static int tags(struct reader *r, struct json_object *o)
{
	struct json_path at = { .key = "tags" };
	struct json_object *list = NULL;
	int err = json_get_array(r->d, NULL, o, "tags", false, &list, r->e);
	size_t n = list ? json_object_array_length(list) : 0;

	if (err < 0)
		return err;
	if (n > FINDING_TAGS)
		return json_err(r->d, &at, r->e, EINVAL, "more than %d tags", FINDING_TAGS);
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct json_path here = { .up = &at, .idx = i };

		if (!json_object_is_type(v, json_type_string))
			return json_err(r->d, &here, r->e, EINVAL, "expected a string");
		r->f->tags[r->f->tags_n++] =
			json_bytes(arena_strdup(&r->f->arena, json_object_get_string(v)));
	}
	return 0;
}

static int process_members(struct reader *r, const struct json_path *at, struct json_object *o,
			   struct finding_process *p)
{
	int err = json_get_u64(r->d, at, o, "pid", false, UINT32_MAX, &p->pid, r->e);

	if (err == 0)
		err = text(r, at, o, "name", false, &p->name);
	if (err == 0)
		err = text(r, at, o, "exe", false, &p->exe);
	if (err == 0)
		err = text(r, at, o, "cmdline", false, &p->cmdline);
	return err;
}

static int lineage(struct reader *r, const struct json_path *up, struct json_object *o)
{
	struct json_path at = { .up = up, .key = "lineage" };
	struct json_object *list = NULL;
	int err = json_get_array(r->d, up, o, "lineage", false, &list, r->e);
	size_t n = list ? json_object_array_length(list) : 0;

	if (err == 0 && n > FINDING_LINEAGE)
		return json_err(r->d, &at, r->e, EINVAL, "more than %d ancestors", FINDING_LINEAGE);
	for (size_t i = 0; err == 0 && i < n; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);
		struct json_path here = { .up = &at, .idx = i };

		if (!json_object_is_type(v, json_type_object))
			return json_err(r->d, &here, r->e, EINVAL, "expected an object");
		err = process_members(r, &here, v, &r->f->lineage[r->f->lineage_n++]);
	}
	return err;
}

static int process(struct reader *r, struct json_object *root)
{
	struct json_path at = { .key = "process" };
	struct json_object *o = NULL;
	uint64_t id = UINT64_MAX, login = UINT64_MAX;
	int err = json_get_object(r->d, NULL, root, "process", false, &o, r->e);

	if (err < 0 || !o)
		return err;
	err = process_members(r, &at, o, &r->f->process);
	if (err == 0)
		err = text(r, &at, o, "user", false, &r->f->user);
	if (err == 0)
		err = json_get_u64(r->d, &at, o, "uid", false, UINT32_MAX, &id, r->e);
	if (err == 0)
		err = json_get_u64(r->d, &at, o, "loginuid", false, UINT32_MAX, &login, r->e);
	r->f->uid = (int64_t)id;
	r->f->loginuid = (int64_t)login;
	return err == 0 ? lineage(r, &at, o) : err;
}

static int container(struct reader *r, struct json_object *root)
{
	struct json_path at = { .key = "container" };
	struct json_object *o = NULL;
	int err = json_get_object(r->d, NULL, root, "container", false, &o, r->e);
	const struct {
		const char *key, **out;
	} members[] = {
		{ "name", &r->f->container.name },
		{ "image", &r->f->container.image },
		{ "pod", &r->f->container.pod },
		{ "namespace", &r->f->container.namespace },
		{ "missing", &r->f->container.missing },
	};

	if (err < 0 || !o)
		return err;
	err = text(r, &at, o, "id", true, &r->f->container.id);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(members); i++)
		err = text(r, &at, o, members[i].key, false, members[i].out);
	return err;
}

static int evidence(struct reader *r, struct json_object *root)
{
	struct json_object *o = NULL;
	int err = json_get_object(r->d, NULL, root, "evidence", false, &o, r->e);

	if (err == 0 && o)
		r->f->evidence = arena_strdup(
			&r->f->arena,
			json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	return err;
}

static int texts(struct reader *r, struct json_object *o)
{
	struct finding *f = r->f;
	const struct {
		const char *key, **out;
		bool required;
	} members[] = {
		{ "type", &f->type, true },
		{ "title", &f->title, true },
		{ "description", &f->description, false },
		{ "remedy", &f->remedy, false },
		{ "rule", &f->rule, true },
		{ "priority", &f->priority, true },
		{ "source", &f->source, false },
		{ "technique", &f->technique, false },
		{ "hostname", &f->hostname, false },
		{ "output", &f->output, false },
		{ "capture", &f->capture, false },
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(members); i++)
		err = text(r, NULL, o, members[i].key, members[i].required, members[i].out);
	return err;
}

static int format(struct reader *r, struct json_object *o)
{
	struct json_path at = { .key = "format" };
	const char *s = NULL;
	int err = json_get_str(r->d, NULL, o, "format", true, &s, r->e);

	if (err == 0 && strcmp(s, FORMAT))
		err = json_err(r->d, &at, r->e, EINVAL, "expected \"" FORMAT "\"");
	return err;
}

static int members(struct reader *r, struct json_object *o)
{
	struct finding *f = r->f;
	int err = format(r, o);

	if (err == 0)
		err = digits(r, o, "id", FINDING_ID, f->id);
	if (err == 0)
		err = digits(r, o, "key", FINDING_KEY, f->key);
	if (err == 0)
		err = texts(r, o);
	if (err == 0)
		err = severity(r, o);
	if (err == 0)
		err = tags(r, o);
	if (err == 0)
		err = when(r, o, "first_seen", &f->first_seen);
	if (err == 0)
		err = when(r, o, "last_seen", &f->last_seen);
	if (err == 0)
		err = json_get_u64(r->d, NULL, o, "count", true, INT64_MAX, &f->count, r->e);
	if (err == 0)
		err = json_get_bool(r->d, NULL, o, "further", false, &f->further, r->e);
	if (err == 0)
		err = container(r, o);
	if (err == 0)
		err = process(r, o);
	return err == 0 ? evidence(r, o) : err;
}

int finding_read(struct finding **out, const char *name, const char *s, size_t len, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_finding struct finding *f = NULL;
	struct reader r = { .d = &d, .e = e };
	int err;

	if (len > FINDING_JSON_MAX)
		return err_set(e, EFBIG, "%s: more than %d bytes", name, FINDING_JSON_MAX);
	err = json_parse(&d, name, s, len, e);
	if (err < 0)
		return err;
	if (!json_object_is_type(d.root, json_type_object))
		return json_err(&d, NULL, e, EINVAL, "expected an object, found %s",
				json_type_word(d.root));
	f = finding_new();
	r.f = f;
	err = members(&r, d.root);
	if (err < 0)
		return err;
	*out = take_ptr(f);
	return 0;
}
