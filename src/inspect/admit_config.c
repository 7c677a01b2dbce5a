/* The configuration file of admission (docs/admit.md). */
#include <string.h>

#include "base/buf.h"
#include "inspect/admit_private.h"
#include "model/caps.h"

enum { CONFIG_MAX = 4 * 1024 * 1024, MAX_THREADS = 64, MAX_CONNECTIONS = 10000, MAX_DRAIN = 300 };

#define CONFIG_KIND    "AdmitConfiguration"
#define CONFIG_VERSION ADM_DOMAIN "/v1"

struct reading {
	struct adm_config *c;
	struct err *e;
	int r;
};

/* ---- members; a reading stops at the first error */

static const struct yaml_node *map_of(struct reading *rd, const struct yaml_node *map,
				      const char *key, const char *const *known)
{
	struct yaml_node *v = NULL;

	if (rd->r || !map)
		return NULL;
	rd->r = yaml_get_map(&rd->c->stream, map, key, false, &v, rd->e);
	if (rd->r == 0 && v && known)
		rd->r = yaml_only_keys(&rd->c->stream, v, known, rd->e);
	return rd->r == 0 ? v : NULL;
}

static void text_of(struct reading *rd, const struct yaml_node *map, const char *key,
		    const char **out)
{
	if (!rd->r && map)
		rd->r = yaml_get_str(&rd->c->stream, map, key, false, out, rd->e);
}

static void flag_of(struct reading *rd, const struct yaml_node *map, const char *key, bool *out)
{
	if (!rd->r && map)
		rd->r = yaml_get_bool(&rd->c->stream, map, key, false, out, rd->e);
}

static void number_of(struct reading *rd, const struct yaml_node *map, const char *key,
		      uint64_t max, uint64_t *out)
{
	if (!rd->r && map)
		rd->r = yaml_get_u64(&rd->c->stream, map, key, false, max, out, rd->e);
}

static void words_of(struct reading *rd, const struct yaml_node *map, const char *key,
		     struct adm_words *out)
{
	struct yaml_node *seq = NULL;

	if (rd->r || !map)
		return;
	rd->r = yaml_get_seq(&rd->c->stream, map, key, false, &seq, rd->e);
	if (rd->r || !seq)
		return;
	out->v = arena_alloc(&rd->c->arena, (seq->n + 1u) * sizeof(*out->v));
	for (uint32_t i = 0; i < seq->n && !rd->r; i++)
		rd->r = yaml_str(&rd->c->stream, seq->item[i], &out->v[i], rd->e);
	out->n = seq->n;
}

/* One of these words; `value` stays when the member is missing. */
static int word_of(struct reading *rd, const struct yaml_node *map, const char *key,
		   const char *const *words, int value)
{
	cleanup_buf struct buf list = { 0 };
	const char *text = NULL;

	text_of(rd, map, key, &text);
	if (rd->r || !text)
		return value;
	for (int i = 0; words[i]; i++) {
		if (adm_is(words[i], text))
			return i;
		buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	rd->r = yaml_err(&rd->c->stream, yaml_get(map, key), rd->e, EINVAL,
			 "\"%.60s\": expected one of %s", text, list.p);
	return value;
}

/* ---- Pod Security */

static void mode_of(struct reading *rd, const struct yaml_node *map, const char *mode,
		    const char *version, struct pss_policy *out)
{
	const char *level = NULL, *minor = NULL;
	struct err why = { 0 };

	text_of(rd, map, mode, &level);
	text_of(rd, map, version, &minor);
	if (rd->r)
		return;
	if (level && pss_level_parse(level, &out->level, &why) < 0)
		rd->r = yaml_err(&rd->c->stream, yaml_get(map, mode), rd->e, EINVAL, "%s", why.msg);
	else if (minor && pss_version_parse(minor, &out->minor, &why) < 0)
		rd->r = yaml_err(&rd->c->stream, yaml_get(map, version), rd->e, EINVAL, "%s",
				 why.msg);
}

/* The members of a PodSecurityConfiguration, which Kubernetes' own plugin reads too. */
static void pod_security_of(struct reading *rd, const struct yaml_node *map)
{
	static const char *const levels[] = {
		"enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version", NULL
	};
	static const char *const whom[] = { "usernames", "namespaces", "runtimeClasses", NULL };
	const struct yaml_node *defaults = map_of(rd, map, "defaults", levels);
	const struct yaml_node *exempt = map_of(rd, map, "exemptions", whom);
	struct adm_config *c = rd->c;

	mode_of(rd, defaults, "enforce", "enforce-version", &c->defaults.enforce);
	mode_of(rd, defaults, "audit", "audit-version", &c->defaults.audit);
	mode_of(rd, defaults, "warn", "warn-version", &c->defaults.warn);
	words_of(rd, exempt, "usernames", &c->exempt_users);
	words_of(rd, exempt, "namespaces", &c->exempt_namespaces);
	words_of(rd, exempt, "runtimeClasses", &c->exempt_classes);
}

/* ---- checks */

static void check_of(struct reading *rd, const struct yaml_node *node, struct adm_check *out)
{
	static const char *const known[] = { "id", "action", "namespaces", "except", NULL };
	static const char *const actions[] = { "enforce", "audit", "warn", NULL };
	const char *id = NULL;

	rd->r = yaml_only_keys(&rd->c->stream, node, known, rd->e);
	if (!rd->r)
		rd->r = yaml_get_str(&rd->c->stream, node, "id", true, &id, rd->e);
	out->action = (enum adm_mode)word_of(rd, node, "action", actions, ADM_ENFORCE);
	words_of(rd, node, "namespaces", &out->namespaces);
	words_of(rd, node, "except", &out->except);
	out->check = rd->r ? NULL : ins_check_find(id);
	if (!rd->r && (!out->check || !(out->check->targets & 1u << INS_KUBERNETES)))
		rd->r = yaml_err(
			&rd->c->stream, yaml_get(node, "id"), rd->e, EINVAL,
			"there is no check \"%.60s\" of pods (see boltseal inspect --list)", id);
}

static void checks_of(struct reading *rd, const struct yaml_node *root)
{
	struct yaml_node *seq = NULL;

	if (!rd->r)
		rd->r = yaml_get_seq(&rd->c->stream, root, "checks", false, &seq, rd->e);
	if (rd->r || !seq)
		return;
	rd->c->checks = arena_alloc(&rd->c->arena, (seq->n + 1u) * sizeof(*rd->c->checks));
	for (uint32_t i = 0; i < seq->n && !rd->r; i++)
		check_of(rd, seq->item[i], &rd->c->checks[i]);
	rd->c->checks_n = seq->n;
}

/* ---- mutation */

/* "KEY=VALUE", or "KEY" for any version. */
static void label_of(struct reading *rd, const struct yaml_node *node, const char *key,
		     const char **out)
{
	const char *eq;

	text_of(rd, node, key, out);
	if (rd->r || !*out)
		return;
	eq = strchr(*out, '=');
	if (!**out || eq == *out || (eq && !eq[1]))
		rd->r = yaml_err(&rd->c->stream, yaml_get(node, key), rd->e, EINVAL,
				 "\"%.100s\": expected KEY=VALUE or KEY", *out);
}

static void caps_of(struct reading *rd, const struct yaml_node *node, struct adm_profile *out)
{
	words_of(rd, node, "capabilities", &out->caps);
	out->caps_known = !yaml_is_null(yaml_get(node, "capabilities"));
	for (size_t i = 0; i < out->caps.n && !rd->r; i++) {
		const struct bcap_desc *d = bcap_by_name(out->caps.v[i]);

		if (!d)
			rd->r = yaml_err(&rd->c->stream, yaml_get(node, "capabilities")->item[i],
					 rd->e, EINVAL, "there is no capability \"%.60s\"",
					 out->caps.v[i]);
		else
			out->caps.v[i] = d->name + strlen("CAP_");
	}
}

static void profile_of(struct reading *rd, const struct yaml_node *node, struct adm_profile *out)
{
	static const char *const known[] = { "image",	      "container",    "namespace",
					     "seccomp",	      "seccompLabel", "apparmor",
					     "apparmorLabel", "capabilities", NULL };
	const char *image = NULL;

	rd->r = yaml_only_keys(&rd->c->stream, node, known, rd->e);
	text_of(rd, node, "image", &image);
	adm_profile_image(out, &rd->c->arena, rd->r ? NULL : image);
	text_of(rd, node, "container", &out->container);
	text_of(rd, node, "namespace", &out->ns);
	text_of(rd, node, "seccomp", &out->seccomp);
	text_of(rd, node, "apparmor", &out->apparmor);
	label_of(rd, node, "seccompLabel", &out->label[0]);
	label_of(rd, node, "apparmorLabel", &out->label[1]);
	caps_of(rd, node, out);
	if (rd->r)
		return;
	if (!out->image && !out->container)
		rd->r = yaml_err(
			&rd->c->stream, node, rd->e, EINVAL,
			"expected \"image\" or \"container\", which say whose profile it is");
	else if (out->seccomp && (*out->seccomp == '/' || strstr(out->seccomp, "..")))
		rd->r = yaml_err(&rd->c->stream, yaml_get(node, "seccomp"), rd->e, EINVAL,
				 "expected a path below the kubelet's seccomp folder");
	out->why = "configured";
}

static void profiles_of(struct reading *rd, const struct yaml_node *map)
{
	struct adm_mutate *m = &rd->c->mutate;
	struct yaml_node *seq = NULL;

	if (!rd->r && map)
		rd->r = yaml_get_seq(&rd->c->stream, map, "profiles", false, &seq, rd->e);
	if (rd->r || !seq)
		return;
	m->profiles = arena_alloc(&rd->c->arena, (seq->n + 1u) * sizeof(*m->profiles));
	for (uint32_t i = 0; i < seq->n && !rd->r; i++)
		profile_of(rd, seq->item[i], &m->profiles[i]);
	m->profiles_n = seq->n;
}

static void models_of(struct reading *rd, const struct yaml_node *map)
{
	static const char *const known[] = { "folder", "use", NULL };
	static const char *const parts[] = { "seccomp", "apparmor", "capabilities" };
	const struct yaml_node *models = map_of(rd, map, "models", known);
	struct adm_mutate *m = &rd->c->mutate;
	bool *const to[] = { &m->model_seccomp, &m->model_apparmor, &m->model_caps };
	struct adm_words use = { 0 };

	text_of(rd, models, "folder", &m->models);
	words_of(rd, models, "use", &use);
	if (rd->r || yaml_is_null(yaml_get(models, "use")))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*to[i] = adm_has(&use, parts[i]);
	for (size_t i = 0; i < use.n && !rd->r; i++)
		if (!adm_is(use.v[i], parts[0]) && !adm_is(use.v[i], parts[1]) &&
		    !adm_is(use.v[i], parts[2]))
			rd->r = yaml_err(
				&rd->c->stream, yaml_get(models, "use")->item[i], rd->e, EINVAL,
				"\"%.60s\": expected seccomp, apparmor or capabilities", use.v[i]);
}

static void mutate_of(struct reading *rd, const struct yaml_node *root)
{
	static const char *const known[] = { "seccomp",	 "apparmor", "capabilities",
					     "affinity", "tighten",  "optOut",
					     "except",	 "profiles", "models",
					     "seals",	 NULL };
	static const char *const apparmor[] = { "profile", "runtime-default", "off", NULL };
	static const char *const seccomp[] = { "off", "runtime-default", NULL };
	static const char *const out[] = { "namespaces", "pods", NULL };
	const struct yaml_node *map = map_of(rd, root, "mutate", known);
	const struct yaml_node *opt = map_of(rd, map, "optOut", out);
	struct adm_mutate *m = &rd->c->mutate;

	m->seccomp = word_of(rd, map, "seccomp", seccomp, 1) == 1;
	m->apparmor = (enum adm_apparmor)word_of(rd, map, "apparmor", apparmor,
						 ADM_APPARMOR_PROFILE);
	flag_of(rd, map, "capabilities", &m->capabilities);
	flag_of(rd, map, "affinity", &m->affinity);
	flag_of(rd, map, "tighten", &m->tighten);
	flag_of(rd, map, "seals", &m->seals);
	flag_of(rd, opt, "namespaces", &m->opt_out_namespaces);
	words_of(rd, opt, "pods", &m->opt_out_pods);
	words_of(rd, map, "except", &m->except);
	models_of(rd, map);
	profiles_of(rd, map);
}

/* ---- the rest */

static void server_of(struct reading *rd, const struct yaml_node *root)
{
	static const char *const known[] = { "listen",	    "metrics",	    "certificate",
					     "key",	    "clientCA",	    "threads",
					     "connections", "drainSeconds", NULL };
	const struct yaml_node *map = map_of(rd, root, "server", known);
	struct adm_server *s = &rd->c->server;

	text_of(rd, map, "listen", &s->listen);
	text_of(rd, map, "metrics", &s->metrics);
	text_of(rd, map, "certificate", &s->certificate);
	text_of(rd, map, "key", &s->key);
	text_of(rd, map, "clientCA", &s->client_ca);
	number_of(rd, map, "threads", MAX_THREADS, &s->threads);
	number_of(rd, map, "connections", MAX_CONNECTIONS, &s->connections);
	number_of(rd, map, "drainSeconds", MAX_DRAIN, &s->drain_s);
}

static void namespaces_of(struct reading *rd, const struct yaml_node *root)
{
	static const char *const known[] = { "from", "file", NULL };
	static const char *const from[] = { "cluster", "file", "requests", NULL };
	const struct yaml_node *map = map_of(rd, root, "namespaces", known);
	struct adm_config *c = rd->c;

	text_of(rd, map, "file", &c->namespaces);
	c->source = (enum adm_source)word_of(rd, map, "from", from,
					     c->namespaces ? ADM_FROM_FILE : ADM_FROM_CLUSTER);
	if (!rd->r && c->source == ADM_FROM_FILE && !c->namespaces)
		rd->r = yaml_err(&c->stream, map, rd->e, EINVAL, "\"from: file\" needs \"file\"");
}

static void version_of(struct reading *rd, const struct yaml_node *root)
{
	const char *text = NULL;
	struct err why = { 0 };
	unsigned minor = 0;

	text_of(rd, root, "kubernetesVersion", &text);
	if (rd->r || !text)
		return;
	if (pss_version_parse(text, &minor, &why) < 0 || minor == PSS_LATEST)
		rd->r = yaml_err(&rd->c->stream, yaml_get(root, "kubernetesVersion"), rd->e, EINVAL,
				 "\"%.60s\": expected the cluster's version, such as v1.34", text);
	else
		rd->c->kubernetes = minor;
}

static void read_own(struct reading *rd, const struct yaml_node *root)
{
	static const char *const known[] = { "apiVersion", "kind",	  "server",
					     "namespaces", "podSecurity", "kubernetesVersion",
					     "checks",	   "mutate",	  NULL };
	static const char *const parts[] = { "enabled", "defaults", "exemptions", NULL };
	const struct yaml_node *standards;

	rd->r = yaml_only_keys(&rd->c->stream, root, known, rd->e);
	server_of(rd, root);
	namespaces_of(rd, root);
	version_of(rd, root);
	standards = map_of(rd, root, "podSecurity", parts);
	flag_of(rd, standards, "enabled", &rd->c->pod_security);
	pod_security_of(rd, standards);
	checks_of(rd, root);
	mutate_of(rd, root);
}

static int read_root(struct adm_config *c, const struct yaml_node *root, struct err *e)
{
	struct reading rd = { .c = c, .e = e };
	const char *kind = NULL, *version = NULL;

	if (yaml_get_str(&c->stream, root, "kind", true, &kind, e) < 0 ||
	    yaml_get_str(&c->stream, root, "apiVersion", true, &version, e) < 0)
		return -EINVAL;
	if (adm_is(kind, CONFIG_KIND) && adm_is(version, CONFIG_VERSION)) {
		read_own(&rd, root);
	} else if (adm_is(kind, "PodSecurityConfiguration") &&
		   !strncmp(version, "pod-security.admission.config.k8s.io/", 37)) {
		static const char *const known[] = { "apiVersion", "kind", "defaults", "exemptions",
						     NULL };

		rd.r = yaml_only_keys(&c->stream, root, known, e);
		pod_security_of(&rd, root);
	} else {
		return yaml_err(&c->stream, yaml_get(root, "kind"), e, EINVAL,
				"expected kind " CONFIG_KIND " of " CONFIG_VERSION
				", or a PodSecurityConfiguration");
	}
	return rd.r;
}

static void set_defaults(struct adm_config *c)
{
	struct pss_policy none = { PSS_PRIVILEGED, PSS_LATEST };

	*c = (struct adm_config){ 0 };
	c->kubernetes = ADM_KUBERNETES;
	c->pod_security = true;
	c->defaults = (struct adm_policy){ none, none, none };
	c->server.listen = ":8443";
	c->server.threads = 2;
	c->server.connections = 512;
	c->server.drain_s = 5;
	c->mutate.seccomp = true;
	c->mutate.capabilities = true;
	c->mutate.affinity = true;
	c->mutate.seals = true;
	c->mutate.model_seccomp = true;
	c->mutate.model_caps = true;
}

static int read_stream(struct adm_config *c, struct err *e)
{
	const struct yaml_node *root = yaml_only(&c->stream, e);

	if (!root)
		return -EINVAL;
	return read_root(c, root, e);
}

int adm_config_load(struct adm_config *c, const char *path, struct err *e)
{
	int r;

	set_defaults(c);
	if (!path)
		return 0;
	r = yaml_load(&c->stream, path, CONFIG_MAX, e);
	return r < 0 ? r : read_stream(c, e);
}

int adm_config_parse(struct adm_config *c, const char *name, const char *text, size_t len,
		     struct err *e)
{
	int r;

	set_defaults(c);
	r = yaml_parse(&c->stream, name, text, len, e);
	return r < 0 ? r : read_stream(c, e);
}

void adm_config_free(struct adm_config *c)
{
	yaml_stream_free(&c->stream);
	arena_free(&c->arena);
}
