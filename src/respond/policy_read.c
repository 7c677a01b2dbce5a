/* The policy's file. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"
#include "model/caps.h"
#include "respond/policy.h"

enum { POLICY_MAX = 4 * 1024 * 1024, ITEMS_MAX = 10000, ACTIONS_MAX = 1000000 };

struct reading {
	const struct yaml_stream *s;
	struct respond_policy *p;
	struct err *e;
};

#define FAIL(r, node, ...) yaml_err((r)->s, node, (r)->e, EINVAL, __VA_ARGS__)

static const char *copy(struct reading *r, const char *text)
{
	return text ? arena_strdup(&r->p->arena, text) : NULL;
}

/* Falco's priorities, the most severe first. */
static const char *const priorities[] = { "emergency", "alert",	 "critical",	  "error",
					  "warning",   "notice", "informational", "debug" };

static int read_priority(struct reading *r, const struct yaml_node *n, int *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		if (n->kind == YAML_SCALAR && !strcasecmp(n->text, priorities[i])) {
			*out = (int)i;
			return 0;
		}
	return FAIL(r, n, "expected a priority from emergency to debug");
}

/* The members that say whom an entry is about. */
static int read_match(struct reading *r, const struct yaml_node *map, struct respond_match *m)
{
	const struct {
		const char *key;
		const char **out;
	} members[] = {
		{ "container", &m->container }, { "image", &m->image },
		{ "namespace", &m->namespace }, { "pod", &m->pod },
		{ "program", &m->program },	{ "user", &m->user },
		{ "rule", &m->rule },		{ "tag", &m->tag },
	};
	const struct yaml_node *n;

	*m = (struct respond_match){ .priority = -1 };
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *text = NULL;

		if (yaml_get_str(r->s, map, members[i].key, false, &text, r->e) < 0)
			return -EINVAL;
		*members[i].out = copy(r, text);
	}
	n = yaml_get(map, "priority");
	return yaml_is_null(n) ? 0 : read_priority(r, n, &m->priority);
}

static const char *const allow_keys[] = { "container", "image", "namespace", "pod", "program",
					  "user",      "rule",	"tag",	     NULL };
static const char *const react_keys[] = { "container", "image", "namespace", "pod",
					  "program",   "user",	"rule",	     "tag",
					  "priority",  "do",	NULL };
static const char *const deny_keys[] = { "container",  "image",	       "namespace", "pod",
					 "operations", "capabilities", NULL };

/* Calls `each` with every item of the sequence `key`; a missing one has none. */
static int read_items(struct reading *r, const struct yaml_node *map, const char *key,
		      int (*each)(struct reading *r, const struct yaml_node *n))
{
	struct yaml_node *seq = NULL;

	if (yaml_get_seq(r->s, map, key, false, &seq, r->e) < 0)
		return -EINVAL;
	if (seq && seq->n > ITEMS_MAX)
		return FAIL(r, seq, "expected at most %d items", ITEMS_MAX);
	for (uint32_t i = 0; seq && i < seq->n; i++)
		if (each(r, seq->item[i]) < 0)
			return -EINVAL;
	return 0;
}

static int read_allow(struct reading *r, const struct yaml_node *n)
{
	struct respond_match m;

	if (n->kind != YAML_MAP || !n->n)
		return FAIL(r, n, "expected a map with what is never acted on, found %s",
			    yaml_word(n));
	if (yaml_only_keys(r->s, n, allow_keys, r->e) < 0 || read_match(r, n, &m) < 0)
		return -EINVAL;
	*vec_push(r->p->allow, r->p->allow_n, r->p->allow_cap) = m;
	return 0;
}

/* Words of a list as bits. */
static int read_words(struct reading *r, const struct yaml_node *map, const char *key,
		      unsigned (*number)(const char *word), unsigned count, const char *what,
		      unsigned *out)
{
	struct yaml_node *seq = NULL;

	if (yaml_get_seq(r->s, map, key, true, &seq, r->e) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < seq->n; i++) {
		const struct yaml_node *word = seq->item[i];
		unsigned n = word->kind == YAML_SCALAR ? number(word->text) : count;

		if (n >= count)
			return FAIL(r, word, "expected %s", what);
		*out |= 1u << n;
	}
	return 0;
}

/* Actions that a rule may ask for: what takes one back is for people. */
static unsigned action_number(const char *word)
{
	enum respond_action a = respond_action_by_name(word);

	return a <= RESPOND_KILL_CONTAINER && a != RESPOND_DENY ? a : RESPOND_ACTION_COUNT;
}

static unsigned operation_number(const char *word)
{
	return respond_operation_by_name(word);
}

static int read_reaction(struct reading *r, const struct yaml_node *n)
{
	struct respond_reaction re = { 0 };

	if (n->kind != YAML_MAP)
		return FAIL(r, n, "expected a map with 'do', found %s", yaml_word(n));
	if (yaml_only_keys(r->s, n, react_keys, r->e) < 0 || read_match(r, n, &re.match) < 0 ||
	    read_words(r, n, "do", action_number, RESPOND_ACTION_COUNT,
		       "kill, kill-container, freeze, block-network, block-exec or quarantine",
		       &re.actions) < 0)
		return -EINVAL;
	*vec_push(r->p->reactions, r->p->reactions_n, r->p->reactions_cap) = re;
	return 0;
}

static int read_capabilities(struct reading *r, const struct yaml_node *map, uint64_t *out)
{
	struct yaml_node *seq = NULL;

	if (yaml_get_seq(r->s, map, "capabilities", false, &seq, r->e) < 0)
		return -EINVAL;
	for (uint32_t i = 0; seq && i < seq->n; i++) {
		const struct yaml_node *word = seq->item[i];
		const struct bcap_desc *cap = word->kind == YAML_SCALAR ? bcap_by_name(word->text)
									: NULL;

		if (!cap)
			return FAIL(r, word, "expected a capability such as CAP_SYS_ADMIN");
		*out |= UINT64_C(1) << cap->nr;
	}
	return 0;
}

static int read_denial(struct reading *r, const struct yaml_node *n)
{
	struct respond_denial d = { 0 };

	if (n->kind != YAML_MAP)
		return FAIL(r, n, "expected a map with 'operations', found %s", yaml_word(n));
	if (yaml_only_keys(r->s, n, deny_keys, r->e) < 0 || read_match(r, n, &d.match) < 0 ||
	    read_words(r, n, "operations", operation_number, RESPOND_OP_COUNT,
		       "file, exec, network, mount, ptrace, module, capability or bpf",
		       &d.operations) < 0 ||
	    read_capabilities(r, n, &d.capabilities) < 0)
		return -EINVAL;
	if (d.operations >> RESPOND_OP_CAPABILITY & 1 && !d.capabilities)
		return FAIL(r, n, "expected 'capabilities' beside the operation capability");
	*vec_push(r->p->denials, r->p->denials_n, r->p->denials_cap) = d;
	return 0;
}

/* "30s", "5m", "1h". */
static int read_duration(struct reading *r, const struct yaml_node *n, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	char *end = NULL;
	uint64_t v;

	if (!n || n->kind != YAML_SCALAR || !isdigit((unsigned char)*n->text))
		return FAIL(r, n, "expected a time such as 30s, 5m or 1h");
	v = strtoull(n->text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (end[0] == units[i].unit && !end[1] && v && v <= 366 * 24) {
			*out = v * units[i].seconds * UINT64_C(1000000000);
			return 0;
		}
	return FAIL(r, n, "expected a time such as 30s, 5m or 1h");
}

static int read_limit(struct reading *r, const struct yaml_node *limits, const char *key,
		      struct respond_limit *out)
{
	static const char *const keys[] = { "actions", "within", NULL };
	struct yaml_node *map = NULL;
	uint64_t n = 0;

	if (yaml_get_map(r->s, limits, key, false, &map, r->e) < 0)
		return -EINVAL;
	if (!map)
		return 0;
	if (yaml_only_keys(r->s, map, keys, r->e) < 0 ||
	    yaml_get_u64(r->s, map, "actions", true, ACTIONS_MAX, &n, r->e) < 0)
		return -EINVAL;
	out->actions = (unsigned)n;
	if (yaml_is_null(yaml_get(map, "within")))
		return FAIL(r, map, "expected 'within'");
	return read_duration(r, yaml_get(map, "within"), &out->within);
}

static int read_limits(struct reading *r, const struct yaml_node *root)
{
	static const char *const keys[] = { "container", "total", NULL };
	struct yaml_node *map = NULL;

	if (yaml_get_map(r->s, root, "limits", false, &map, r->e) < 0)
		return -EINVAL;
	if (!map)
		return 0;
	if (yaml_only_keys(r->s, map, keys, r->e) < 0 ||
	    read_limit(r, map, "container", &r->p->per_container) < 0)
		return -EINVAL;
	return read_limit(r, map, "total", &r->p->total);
}

static int read_hash(struct reading *r, const struct yaml_node *n)
{
	const char *s = n->kind == YAML_SCALAR ? n->text : "";

	if (strlen(s) != RESPOND_SHA256 - 1 || strspn(s, "0123456789abcdef") != strlen(s))
		return FAIL(r, n, "expected a SHA-256 of 64 lower-case hexadecimal digits");
	*vec_push(r->p->exec.hashes, r->p->exec.hashes_n, r->p->exec.hashes_cap) = copy(r, s);
	return 0;
}

static int read_model(struct reading *r, const struct yaml_node *n)
{
	static const char *const keys[] = { "image", "model", NULL };
	const char *image = NULL, *file = NULL;

	if (n->kind != YAML_MAP)
		return FAIL(r, n, "expected a map with image and model, found %s", yaml_word(n));
	if (yaml_only_keys(r->s, n, keys, r->e) < 0 ||
	    yaml_get_str(r->s, n, "image", true, &image, r->e) < 0 ||
	    yaml_get_str(r->s, n, "model", true, &file, r->e) < 0)
		return -EINVAL;
	*vec_push(r->p->exec.models, r->p->exec.models_n,
		  r->p->exec.models_cap) = (struct respond_model){ copy(r, image), copy(r, file) };
	return 0;
}

static int read_yara(struct reading *r, const struct yaml_node *n)
{
	if (!yaml_is_str(n))
		return FAIL(r, n, "expected a file with YARA rules, found %s", yaml_word(n));
	*vec_push(r->p->exec.yara, r->p->exec.yara_n, r->p->exec.yara_cap) = copy(r, n->text);
	return 0;
}

static int read_exec(struct reading *r, const struct yaml_node *root)
{
	static const char *const keys[] = { "always", "hashes", "models", "yara", "late", NULL };
	struct yaml_node *map = NULL;
	const struct yaml_node *late;

	if (yaml_get_map(r->s, root, "exec", false, &map, r->e) < 0)
		return -EINVAL;
	if (!map)
		return 0;
	if (yaml_only_keys(r->s, map, keys, r->e) < 0 ||
	    yaml_get_bool(r->s, map, "always", false, &r->p->exec.always, r->e) < 0 ||
	    read_items(r, map, "hashes", read_hash) < 0 ||
	    read_items(r, map, "models", read_model) < 0 ||
	    read_items(r, map, "yara", read_yara) < 0)
		return -EINVAL;
	late = yaml_get(map, "late");
	if (yaml_is_null(late))
		return 0;
	r->p->exec.refuse_late = yaml_eq(late, "refuse");
	if (!r->p->exec.refuse_late && !yaml_eq(late, "permit"))
		return FAIL(r, late, "expected permit or refuse");
	return 0;
}

static int keep_word(struct reading *r, const struct yaml_node *n, bool *out)
{
	*out = yaml_eq(n, "keep");
	return *out || yaml_eq(n, "lift") ? 0 : FAIL(r, n, "expected keep or lift");
}

/* keep, lift, or one of them by action. */
static int read_end(struct reading *r, const struct yaml_node *root)
{
	static const char *const keys[] = { "block-network", "block-exec", "deny",
					    "freeze",	     "quarantine", NULL };
	const struct yaml_node *n = yaml_get(root, "when_agent_ends");
	bool all = false;

	if (yaml_is_null(n))
		return 0;
	if (n->kind == YAML_MAP) {
		if (yaml_only_keys(r->s, n, keys, r->e) < 0)
			return -EINVAL;
		for (uint32_t i = 0; i < n->n; i++)
			if (keep_word(r, n->pair[i].value,
				      &r->p->keep[respond_action_by_name(n->pair[i].key->text)]))
				return -EINVAL;
		return 0;
	}
	if (keep_word(r, n, &all) < 0)
		return -EINVAL;
	for (size_t i = 0; keys[i]; i++)
		r->p->keep[respond_action_by_name(keys[i])] = all;
	return 0;
}

static int read_root(struct reading *r, const struct yaml_node *root)
{
	static const char *const keys[] = { "mode",  "host",   "when_agent_ends",
					    "allow", "limits", "respond",
					    "exec",  "deny",   "evidence",
					    NULL };
	const struct yaml_node *mode = yaml_get(root, "mode");
	const char *evidence = NULL;

	if (root->kind != YAML_MAP)
		return FAIL(r, root, "expected a map, found %s", yaml_word(root));
	if (yaml_only_keys(r->s, root, keys, r->e) < 0)
		return -EINVAL;
	if (!yaml_is_null(mode)) {
		r->p->enforce = yaml_eq(mode, "enforce");
		if (!r->p->enforce && !yaml_eq(mode, "dry-run"))
			return FAIL(r, mode, "expected dry-run or enforce");
	}
	if (yaml_get_bool(r->s, root, "host", false, &r->p->host, r->e) < 0 ||
	    read_end(r, root) < 0 || read_items(r, root, "allow", read_allow) < 0 ||
	    read_limits(r, root) < 0 || read_items(r, root, "respond", read_reaction) < 0 ||
	    read_exec(r, root) < 0 || read_items(r, root, "deny", read_denial) < 0 ||
	    yaml_get_str(r->s, root, "evidence", false, &evidence, r->e) < 0)
		return -EINVAL;
	if (evidence)
		r->p->evidence = copy(r, evidence);
	return 0;
}

static int read_stream(struct respond_policy *p, const struct yaml_stream *s, struct err *e)
{
	struct reading r = { s, p, e };
	const struct yaml_node *root = yaml_only(s, e);

	return root ? read_root(&r, root) : -EINVAL;
}

int respond_policy_load(struct respond_policy *p, const char *path, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	int err = yaml_load(&s, path, POLICY_MAX, e);

	return err < 0 ? err : read_stream(p, &s, e);
}

int respond_policy_parse(struct respond_policy *p, const char *name, const char *text, size_t len,
			 struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	int err = yaml_parse(&s, name, text, len, e);

	return err < 0 ? err : read_stream(p, &s, e);
}
