#include "kube/config.h"

#include <curl/curl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/yaml.h"

#define ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

struct source {
	struct yaml_stream s;
	const struct yaml_node *root;
	char *folder; /* of relative paths */
};

struct sources {
	struct source *v;
	size_t n, cap;
};

/* A map in a source: a cluster, a user, a context. */
struct entry {
	const struct source *src;
	const struct yaml_node *map;
};

static void sources_free(struct sources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		yaml_stream_free(&all->v[i].s);
		free(all->v[i].folder);
	}
	free(all->v);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xasprintf("%.*s", (int)(slash - path) + 1, path) : xstrdup("");
}

/* The last source. An empty file says nothing and is dropped. */
static int read_source(struct sources *all, struct err *e)
{
	struct source *src = &all->v[all->n - 1];

	if (!src->s.docs_n) {
		yaml_stream_free(&src->s);
		free(src->folder);
		all->n--;
		return 0;
	}
	src->root = yaml_only(&src->s, e);
	if (!src->root)
		return -EINVAL;
	if (src->root->kind != YAML_MAP)
		return yaml_err(&src->s, src->root, e, EINVAL, "expected a kubeconfig, found %s",
				yaml_word(src->root));
	return 0;
}

static int add_file(struct sources *all, const char *path, bool required, struct err *e)
{
	struct source *src;
	int r;

	if (!required && access(path, F_OK) < 0)
		return 0;
	src = vec_push(all->v, all->n, all->cap);
	src->folder = folder_of(path);
	r = yaml_load(&src->s, path, KUBE_CONFIG_MAX, e);
	return r < 0 ? r : read_source(all, e);
}

/* The map in the entry `name` of the list: {name: NAME, MEMBER: {...}}. -ENOENT without an error.
 */
static int find(const struct sources *all, const char *list, const char *member, const char *name,
		struct entry *out, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct yaml_stream *s = &all->v[i].s;
		struct yaml_node *seq = NULL;
		int r = yaml_get_seq(s, all->v[i].root, list, false, &seq, e);

		for (uint32_t k = 0; r == 0 && seq && k < seq->n; k++) {
			const char *found = NULL;
			struct yaml_node *map = NULL;

			r = yaml_get_str(s, seq->item[k], "name", true, &found, e);
			if (r < 0 || strcmp(found, name))
				continue;
			r = yaml_get_map(s, seq->item[k], member, strcmp(member, "user"), &map, e);
			if (r == 0)
				*out = (struct entry){ &all->v[i], map };
			return r;
		}
		if (r < 0)
			return r;
	}
	return -ENOENT;
}

static int must_find(const struct sources *all, const char *list, const char *member,
		     const char *name, struct entry *out, struct err *e)
{
	int r;

	if (e)
		e->code = 0;
	r = find(all, list, member, name, out, e);
	if (r == -ENOENT && (!e || !e->code))
		return err_set(e, ENOENT, "%s: there is no %s '%s'",
			       all->n ? all->v[0].s.name : "kubeconfig", member, name);
	return r;
}

/* ---- values */

static int get(struct kube_config *c, const struct entry *at, const char *key, const char **out,
	       struct err *e)
{
	const char *v = NULL;
	int r = yaml_get_str(&at->src->s, at->map, key, false, &v, e);

	if (r == 0 && v && *v)
		*out = arena_strdup(&c->arena, v);
	return r;
}

static const char *in_folder(struct kube_config *c, const struct entry *at, const char *path)
{
	return *path == '/' ? path : arena_printf(&c->arena, "%s%s", at->src->folder, path);
}

static int get_path(struct kube_config *c, const struct entry *at, const char *key,
		    const char **out, struct err *e)
{
	int r = get(c, at, key, out, e);

	if (r == 0 && *out)
		*out = in_folder(c, at, *out);
	return r;
}

/* Base64 (RFC 4648), with line breaks anywhere; -1 when it is none. */
static int decode(struct kube_config *c, const char *text, struct kube_pem *out)
{
	size_t n = 0, pad = 0, len = strlen(text);
	char *packed = arena_alloc(&c->arena, len + 1);
	unsigned char *data;
	int got;

	for (const char *p = text; *p; p++)
		if (!strchr(" \t\r\n", *p))
			packed[n++] = *p;
	while (pad < n && pad < 3 && packed[n - 1 - pad] == '=')
		pad++;
	data = arena_alloc(&c->arena, n / 4 * 3 + 4);
	got = n && n % 4 == 0 && pad < 3 ? EVP_DecodeBlock(data, (unsigned char *)packed, (int)n)
					 : -1;
	if (got < 0)
		return -1;
	out->data = (const char *)data;
	out->len = (size_t)got - pad;
	((unsigned char *)data)[out->len] = '\0';
	return 0;
}

/* KEY (a file) and KEY-data (base64 of its content). */
static int get_pem(struct kube_config *c, const struct entry *at, const char *key,
		   struct kube_pem *out, struct err *e)
{
	cleanup_free char *data_key = xasprintf("%s-data", key);
	const char *data = NULL;
	int r = get_path(c, at, key, &out->file, e);

	if (r == 0)
		r = get(c, at, data_key, &data, e);
	if (r == 0 && data && decode(c, data, out) < 0)
		return yaml_err(&at->src->s, yaml_get(at->map, data_key), e, EINVAL,
				"expected base64");
	return r;
}

static int check_server(const struct entry *at, const char *url, struct err *e)
{
	const struct yaml_node *n = yaml_get(at->map, "server");
	CURLU *u = curl_url();
	CURLUcode code = curl_url_set(u, CURLUPART_URL, url, 0);

	curl_url_cleanup(u);
	if (code != CURLUE_OK)
		return yaml_err(&at->src->s, n, e, EINVAL, "%s", curl_url_strerror(code));
	if (strncmp(url, "https://", 8) && strncmp(url, "http://", 7))
		return yaml_err(&at->src->s, n, e, EINVAL, "expected an http or https address");
	return 0;
}

static int read_cluster(struct kube_config *c, const struct entry *at, struct err *e)
{
	const char *server = NULL;
	size_t n;
	int r = get(c, at, "server", &server, e);

	if (r == 0 && !server)
		r = err_set(e, EINVAL, "%s: the cluster has no server", at->src->s.name);
	if (r == 0)
		r = check_server(at, server, e);
	if (r == 0)
		r = get_pem(c, at, "certificate-authority", &c->ca, e);
	if (r == 0)
		r = get(c, at, "tls-server-name", &c->tls_name, e);
	if (r == 0)
		r = get(c, at, "proxy-url", &c->proxy_url, e);
	if (r == 0)
		r = yaml_get_bool(&at->src->s, at->map, "insecure-skip-tls-verify", false,
				  &c->insecure, e);
	if (r < 0)
		return r;
	n = strlen(server);
	while (n && server[n - 1] == '/')
		n--;
	c->server = arena_strndup(&c->arena, server, n);
	return 0;
}

/* ---- users */

static int read_exec_list(struct kube_config *c, const struct entry *at, const char *key,
			  const char **out, struct err *e)
{
	const struct yaml_stream *s = &at->src->s;
	bool is_env = !strcmp(key, "env");
	struct yaml_node *seq = NULL;
	int r = yaml_get_seq(s, at->map, key, false, &seq, e);

	if (r == 0 && seq && seq->n > KUBE_EXEC_MAX)
		return yaml_err(s, seq, e, E2BIG, "more than %d", KUBE_EXEC_MAX);
	for (uint32_t i = 0; r == 0 && seq && i < seq->n; i++) {
		const char *name = NULL, *value = NULL;

		if (is_env) {
			r = yaml_get_str(s, seq->item[i], "name", true, &name, e);
			if (r == 0)
				r = yaml_get_str(s, seq->item[i], "value", true, &value, e);
		} else {
			r = yaml_str(s, seq->item[i], &value, e);
		}
		if (r == 0)
			out[i] = is_env ? arena_printf(&c->arena, "%s=%s", name, value)
					: arena_strdup(&c->arena, value);
	}
	return r;
}

static int check_exec(const struct entry *at, const struct kube_exec *x, const char *mode,
		      struct err *e)
{
	const struct yaml_stream *s = &at->src->s;

	if (!x->command)
		return yaml_err(s, at->map, e, EINVAL, "the credential plugin has no command");
	if (!x->api_version || (strcmp(x->api_version, "client.authentication.k8s.io/v1") &&
				strcmp(x->api_version, "client.authentication.k8s.io/v1beta1")))
		return yaml_err(s, at->map, e, EINVAL,
				"expected apiVersion client.authentication.k8s.io/v1 or v1beta1");
	if (mode && !strcmp(mode, "Always"))
		return yaml_err(s, at->map, e, ENOTSUP,
				"a credential plugin that needs a terminal (interactiveMode: "
				"Always) cannot be used");
	return 0;
}

static int read_exec(struct kube_config *c, const struct entry *user, struct err *e)
{
	struct kube_exec *x = &c->exec;
	struct entry at = { .src = user->src };
	struct yaml_node *map = NULL;
	const char *mode = NULL;
	int r = yaml_get_map(&user->src->s, user->map, "exec", false, &map, e);

	if (r < 0 || !map)
		return r;
	at.map = map;
	r = get(c, &at, "apiVersion", &x->api_version, e);
	if (r == 0)
		r = get(c, &at, "command", &x->command, e);
	if (r == 0)
		r = get(c, &at, "installHint", &x->install_hint, e);
	if (r == 0)
		r = get(c, &at, "interactiveMode", &mode, e);
	if (r == 0)
		r = yaml_get_bool(&at.src->s, map, "provideClusterInfo", false, &x->cluster_info,
				  e);
	if (r == 0)
		r = read_exec_list(c, &at, "args", x->args, e);
	if (r == 0)
		r = read_exec_list(c, &at, "env", x->env, e);
	if (r == 0)
		r = check_exec(&at, x, mode, e);
	if (r == 0 && strchr(x->command, '/'))
		x->command = in_folder(c, &at, x->command);
	return r;
}

static int read_user(struct kube_config *c, const struct entry *at, struct err *e)
{
	const struct {
		const char *key, **out;
	} texts[] = { { "token", &c->token },
		      { "username", &c->user },
		      { "password", &c->password },
		      { "as", &c->as } };
	int r = 0;

	if (yaml_get(at->map, "auth-provider"))
		return yaml_err(&at->src->s, yaml_get(at->map, "auth-provider"), e, ENOTSUP,
				"auth-provider left Kubernetes in 1.26; use exec");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = get(c, at, texts[i].key, texts[i].out, e);
	if (r == 0)
		r = get_path(c, at, "tokenFile", &c->token_file, e);
	if (r == 0)
		r = get_pem(c, at, "client-certificate", &c->cert, e);
	if (r == 0)
		r = get_pem(c, at, "client-key", &c->key, e);
	if (r == 0)
		r = read_exec(c, at, e);
	if (r == 0 && (!c->cert.file && !c->cert.data) != (!c->key.file && !c->key.data))
		return yaml_err(&at->src->s, at->map, e, EINVAL,
				"client-certificate and client-key belong together");
	return r;
}

/* ---- the whole */

static const char *current_context(const struct sources *all, int *r, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		const char *name = NULL;

		*r = yaml_get_str(&all->v[i].s, all->v[i].root, "current-context", false, &name, e);
		if (*r < 0)
			return NULL;
		if (name && *name)
			return name;
	}
	*r = err_set(e, ENOENT, "%s: no current-context", all->n ? all->v[0].s.name : "kubeconfig");
	return NULL;
}

static int resolve(struct kube_config *c, const struct sources *all, const char *context,
		   struct err *e)
{
	const char *cluster = NULL, *user = NULL;
	struct entry at = { 0 };
	int r = 0;

	if (!context)
		context = current_context(all, &r, e);
	if (r == 0)
		r = must_find(all, "contexts", "context", context, &at, e);
	if (r < 0)
		return r;
	c->context = arena_strdup(&c->arena, context);
	c->ns = "default";
	r = get(c, &at, "namespace", &c->ns, e);
	if (r == 0)
		r = get(c, &at, "cluster", &cluster, e);
	if (r == 0)
		r = get(c, &at, "user", &user, e);
	if (r == 0)
		r = must_find(all, "clusters", "cluster", cluster ? cluster : "", &at, e);
	if (r == 0)
		r = read_cluster(c, &at, e);
	if (r == 0 && user)
		r = must_find(all, "users", "user", user, &at, e);
	if (r == 0 && user && at.map)
		r = read_user(c, &at, e);
	return r;
}

static int settle(struct kube_config *c, const struct sources *all, const char *context,
		  struct err *e)
{
	struct kube_config made = { 0 };
	int r = resolve(&made, all, context, e);

	if (r < 0) {
		kube_config_free(&made);
		return r;
	}
	*c = made;
	return 0;
}

int kube_config_parse(struct kube_config *c, const char *name, const char *text, size_t len,
		      const char *folder, const char *context, struct err *e)
{
	cleanup(sources_free) struct sources all = { 0 };
	struct source *src = vec_push(all.v, all.n, all.cap);
	int r;

	src->folder = xasprintf("%s/", folder);
	r = yaml_parse(&src->s, name, text, len, e);
	if (r == 0)
		r = read_source(&all, e);
	return r < 0 ? r : settle(c, &all, context, e);
}

static int load_list(struct kube_config *c, const char *list, const char *context, struct err *e)
{
	cleanup(sources_free) struct sources all = { 0 };
	bool several = strchr(list, ':');

	while (*list) {
		size_t n = strcspn(list, ":");
		cleanup_free char *path = xasprintf("%.*s", (int)n, list);
		int r = n ? add_file(&all, path, !several, e) : 0;

		if (r < 0)
			return r;
		list += n + (list[n] == ':');
	}
	return settle(c, &all, context, e);
}

int kube_config_load(struct kube_config *c, const char *path, const char *context, struct err *e)
{
	const char *env = getenv("KUBECONFIG"), *home = getenv("HOME");
	cleanup_free char *own = home ? xasprintf("%s/.kube/config", home) : NULL;

	if (!path && env && *env)
		path = env;
	if (!path && own && access(own, R_OK) == 0)
		path = own;
	if (path)
		return load_list(c, path, context, e);
	if (getenv("KUBERNETES_SERVICE_HOST"))
		return kube_config_in_cluster(c, NULL, e);
	return err_set(e, ENOENT,
		       "no cluster: no kubeconfig is named, KUBECONFIG is not set, "
		       "there is no ~/.kube/config, and this is no pod");
}

int kube_config_in_cluster(struct kube_config *c, const char *folder, struct err *e)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	struct kube_config made = { .context = "in-cluster", .ns = "default" };
	cleanup_free char *ns_file = NULL;
	char ns[256];

	if (!host || !*host || !port || !*port)
		return err_set(e, ENOENT,
			       "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are "
			       "not set: this is no pod");
	folder = folder ? folder : ACCOUNT_FOLDER;
	made.server = arena_printf(
		&made.arena, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
	made.ca.file = arena_printf(&made.arena, "%s/ca.crt", folder);
	made.token_file = arena_printf(&made.arena, "%s/token", folder);
	ns_file = xasprintf("%s/namespace", folder);
	if (io_read_small(ns_file, ns, sizeof(ns)) == 0 && *ns)
		made.ns = arena_strndup(&made.arena, ns, strcspn(ns, " \n"));
	if (access(made.token_file, R_OK) < 0) {
		int r = err_errno(e, errno, "%s", made.token_file);

		kube_config_free(&made);
		return r;
	}
	*c = made;
	return 0;
}

void kube_config_free(struct kube_config *c)
{
	arena_free(&c->arena);
	*c = (struct kube_config){ 0 };
}
