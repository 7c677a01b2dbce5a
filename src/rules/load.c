/* Files: documents, items, required versions. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/version.h"
#include "rules/ruleset.h"

/* Semantic versioning 2.0.0, items 2, 9 and 10: three numbers, and what is behind "-" or "+". */
static bool parse_semver(const char *s, struct version *out)
{
	const char *rest;

	return *s != 'v' && version_parse(s, out, &rest) == VERSION_PARTS &&
	       (!*rest || *rest == '-' || *rest == '+');
}

/* A file that wants the same major version and no newer minor one is compatible. */
static bool compatible(const struct version *want)
{
	static const struct version have = { { RULES_ENGINE_MAJOR, RULES_ENGINE_MINOR,
					       RULES_ENGINE_PATCH } };

	return want->part[0] == have.part[0] && version_cmp(want, &have) <= 0;
}

static int load_engine_version(struct item *it)
{
	int failed = 0;
	const struct yaml_node *n = item_scalar(it, "required_engine_version", true, &failed);
	struct version want = { 0 }, minor;

	if (!n)
		return failed;
	if (n->type == YAML_INT && strspn(n->text, "0123456789") == n->n &&
	    version_parse(n->text, &minor, NULL))
		want.part[1] = minor.part[0];
	else if (!parse_semver(n->text, &want))
		return ITEM_FAIL(it, RC_ERR_VALIDATE, n,
				 "Unable to parse engine version '%s' as a semver string. Expected "
				 "\"x.y.z\" semver format.",
				 n->text);
	if (compatible(&want))
		return 0;
	return ITEM_FAIL(it, RC_ERR_VALIDATE, n,
			 "Rules require engine version %u.%u.%u, but engine version is "
			 "%d.%d.%d",
			 want.part[0], want.part[1], want.part[2], RULES_ENGINE_MAJOR,
			 RULES_ENGINE_MINOR, RULES_ENGINE_PATCH);
}

static int load_plugin(struct item *it, const struct yaml_node *map, const char **name_out)
{
	struct item plugin = *it;
	const struct yaml_node *name, *version;
	struct version v;
	int failed = 0;

	plugin.node = map;
	name = item_scalar(&plugin, "name", true, &failed);
	version = name ? item_scalar(&plugin, "version", true, &failed) : NULL;
	if (!version)
		return failed;
	if (!parse_semver(version->text, &v))
		return ITEM_FAIL(it, RC_ERR_VALIDATE, version,
				 "Invalid required version '%s' for plugin '%s'", version->text,
				 name->text);
	*name_out = name->text;
	return 0;
}

static int load_alternatives(struct item *it, const struct yaml_node *seq, const char *first)
{
	const char *names[64] = { first };
	uint32_t n = 1;

	if (seq->kind != YAML_SEQ)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, seq, "Value is not a sequence");
	for (uint32_t i = 0; i < seq->n && n < ARRAY_SIZE(names); i++, n++) {
		if (load_plugin(it, seq->item[i], &names[n]))
			return -EINVAL;
		for (uint32_t k = 0; k < n; k++)
			if (!strcmp(names[k], names[n]))
				return ITEM_FAIL(it, RC_ERR_VALIDATE, seq->item[i],
						 "Defined multiple alternative version "
						 "requirements for plugin '%s'",
						 names[n]);
	}
	return 0;
}

/* Read and checked, not compared: what plugins make elsewhere is built in here. */
static int load_plugin_versions(struct item *it)
{
	int failed = 0;
	const struct yaml_node *seq = item_get(it, "required_plugin_versions", true, &failed);
	const char *name;

	if (!seq)
		return failed;
	if (seq->kind != YAML_SEQ)
		return ITEM_FAIL(it, RC_ERR_YAML_VALIDATE, seq, "Value is not a sequence");
	for (uint32_t i = 0; i < seq->n && !failed; i++) {
		const struct yaml_node *more = yaml_get(seq->item[i], "alternatives");

		failed = load_plugin(it, seq->item[i], &name);
		if (!failed && more)
			failed = load_alternatives(it, more, name);
	}
	return failed;
}

static const struct {
	const char *key;
	int (*load)(struct item *it);
} kinds[] = {
	{ "required_engine_version", load_engine_version },
	{ "required_plugin_versions", load_plugin_versions },
	{ "list", load_list },
	{ "macro", load_macro },
	{ "rule", load_rule },
};

static int load_item(struct rules *r, const struct yaml_stream *file, const struct yaml_node *n)
{
	struct item it = { .r = r, .file = file, .node = n, .what = "" };

	if (n->kind == YAML_SCALAR && n->type == YAML_NULL)
		return 0;
	if (n->kind != YAML_MAP)
		return ITEM_FAIL(&it, RC_ERR_YAML_VALIDATE, n,
				 "Unexpected element type. Each element should be a yaml "
				 "associative array.");
	r->items++;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (yaml_pair_of(n, kinds[i].key))
			return kinds[i].load(&it);
	return ITEM_FAIL(&it, RC_UNKNOWN_ITEM, n, "Unknown top level item");
}

static int load_document(struct rules *r, const struct yaml_stream *file,
			 const struct yaml_node *root)
{
	struct place at = { file, root };
	int failed = 0;

	if (root->kind == YAML_SCALAR && root->type == YAML_NULL)
		return 0;
	if (root->kind != YAML_SEQ)
		return rules_say(r, RC_ERR_YAML_PARSE, at, 0, "", "%s",
				 root->kind == YAML_MAP
					 ? "Rules content is not yaml array of objects"
					 : "Rules content is not yaml");
	for (uint32_t i = 0; i < root->n && !failed; i++)
		failed = load_item(r, file, root->item[i]);
	return failed;
}

/* An error that a message "name:line:col: text" tells; its place is taken from there. */
static int say_message(struct rules *r, enum rules_code code, const struct yaml_stream *file,
		       struct yaml_mark mark, const char *msg)
{
	struct yaml_node point = { .kind = YAML_MAP, .start = mark, .end = mark };
	size_t skip = strlen(file->name);
	const char *text = msg;

	if (!strncmp(text, file->name, skip) && text[skip] == ':') {
		text += skip + 1;
		text += strspn(text, "0123456789:");
		text += strspn(text, " ");
	}
	return rules_say(r, code, (struct place){ file, &point }, 0, "", "%s", text);
}

static int load_stream(struct rules *r, const struct yaml_stream *file)
{
	int failed = 0;

	for (size_t i = 0; i < file->docs_n && !failed; i++) {
		const struct yaml_doc *d = &file->doc[i];

		failed = d->root ? load_document(r, file, d->root)
				 : say_message(r, RC_ERR_YAML_PARSE, file, d->error_at, d->error);
	}
	return failed;
}

static struct yaml_stream *new_file(struct rules *r)
{
	struct yaml_stream *s = xcalloc(1, sizeof(*s));

	*vec_push(r->files, r->files_n, r->files_cap) = s;
	return s;
}

/* The file cannot be read at all: there is no text to point at. */
static int unreadable(struct rules *r, struct yaml_stream *s, const char *name, int code,
		      const struct err *e)
{
	yaml_stream_free(s);
	s->name = xstrdup(name);
	s->text = xstrdup("");
	s->len = 0;
	return say_message(r, code == -EINVAL ? RC_ERR_YAML_PARSE : RC_ERR_FILE_READ, s,
			   (struct yaml_mark){ 1, 1, 0 }, e->msg);
}

int rules_load_file(struct rules *r, const char *path)
{
	struct yaml_stream *s = new_file(r);
	struct err e = { 0 };
	int failed = yaml_load(s, path, PTEXT_MAX, &e);

	return failed ? unreadable(r, s, path, failed, &e) : load_stream(r, s);
}

void rules_set_brief(struct rules *r, bool brief)
{
	r->brief = brief;
}

int rules_load_text(struct rules *r, const char *name, const char *text, size_t len)
{
	struct yaml_stream *s = new_file(r);
	struct err e = { 0 };
	int failed = yaml_parse(s, name, text, len, &e);

	return failed ? unreadable(r, s, name, failed, &e) : load_stream(r, s);
}
