/* Credential plugins: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/ */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "kube/config.h"

enum { ANSWER_MAX = 1024 * 1024, SPARE_S = 10 };

static void put(struct json_object *o, const char *key, const char *v)
{
	if (v)
		json_add(o, key, json_object_new_string(v));
}

static struct json_object *cluster_info(const struct kube_config *c)
{
	struct json_object *o = json_object_new_object();

	put(o, "server", c->server);
	put(o, "tls-server-name", c->tls_name);
	put(o, "proxy-url", c->proxy_url);
	if (c->insecure)
		json_add(o, "insecure-skip-tls-verify", json_object_new_boolean(true));
	if (c->ca.data) {
		char *text = xcalloc(1, c->ca.len / 3 * 4 + 8);

		EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)c->ca.data,
				(int)c->ca.len);
		put(o, "certificate-authority-data", text);
		free(text);
	}
	return o;
}

/* What the plugin is told, in the variable KUBERNETES_EXEC_INFO. */
static char *exec_info(const struct kube_config *c)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *spec = json_object_new_object();

	put(o, "apiVersion", c->exec.api_version);
	put(o, "kind", "ExecCredential");
	json_add(o, "spec", spec);
	json_add(spec, "interactive", json_object_new_boolean(false));
	if (c->exec.cluster_info)
		json_add(spec, "cluster", cluster_info(c));
	return xasprintf("KUBERNETES_EXEC_INFO=%s",
			 json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* RFC 3339: 2026-01-31T12:00:00Z, with a fraction or an offset. -1: none. */
static time_t read_time(const char *s)
{
	struct tm t = { 0 };
	const char *p = strptime(s, "%Y-%m-%dT%H:%M:%S", &t);
	time_t at;

	if (!p)
		return -1;
	at = timegm(&t);
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (!strcmp(p, "Z"))
		return at;
	if ((*p == '+' || *p == '-') && strlen(p) == 6 && p[3] == ':') {
		long offset = atol(p + 1) * 3600 + atol(p + 4) * 60;

		return *p == '+' ? at - offset : at + offset;
	}
	return -1;
}

static void take_pem(struct kube_pem *out, const char *text)
{
	if (!text || !*text)
		return;
	out->data = xstrdup(text);
	out->len = strlen(text);
}

static int read_status(struct kube_credential *cred, const struct json_doc *d,
		       struct json_object *status, struct err *e)
{
	const struct json_path at = { NULL, "status", 0 };
	const struct json_path time_at = { &at, "expirationTimestamp", 0 };
	const char *token = NULL, *cert = NULL, *key = NULL, *expires = NULL;
	int r = json_get_str(d, &at, status, "token", false, &token, e);

	if (r == 0)
		r = json_get_str(d, &at, status, "clientCertificateData", false, &cert, e);
	if (r == 0)
		r = json_get_str(d, &at, status, "clientKeyData", false, &key, e);
	if (r == 0)
		r = json_get_str(d, &at, status, "expirationTimestamp", false, &expires, e);
	if (r < 0)
		return r;
	if (!cert != !key)
		return json_err(d, &at, e, EINVAL,
				"expected clientCertificateData together with clientKeyData");
	if (!token && !cert)
		return json_err(d, &at, e, EINVAL, "expected a token or a certificate");
	if (expires && read_time(expires) < 0)
		return json_err(d, &time_at, e, EINVAL, "expected a time as RFC 3339 has it");
	kube_credential_free(cred);
	cred->token = token ? xstrdup(token) : NULL;
	cred->expires = expires ? read_time(expires) : 0;
	take_pem(&cred->cert, cert);
	take_pem(&cred->key, key);
	return 0;
}

int kube_credential_parse(struct kube_credential *cred, const char *api_version, const char *name,
			  const char *text, size_t len, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const char *version = NULL, *kind = NULL;
	struct json_object *status = NULL;
	int r = json_parse(&d, name, text, len, e);

	if (r == 0 && !json_object_is_type(d.root, json_type_object))
		r = json_err(&d, NULL, e, EINVAL, "expected an ExecCredential");
	if (r == 0)
		r = json_get_str(&d, NULL, d.root, "apiVersion", true, &version, e);
	if (r == 0)
		r = json_get_str(&d, NULL, d.root, "kind", true, &kind, e);
	if (r == 0)
		r = json_get_object(&d, NULL, d.root, "status", true, &status, e);
	if (r < 0)
		return r;
	if (strcmp(kind, "ExecCredential") || strcmp(version, api_version))
		return json_err(&d, NULL, e, EINVAL, "expected an ExecCredential of %s",
				api_version);
	return read_status(cred, &d, status, e);
}

static int run(const struct kube_config *c, struct buf *out, struct err *e)
{
	const char *argv[KUBE_EXEC_MAX + 2] = { c->exec.command };
	const char *env[KUBE_EXEC_MAX + 2] = { 0 };
	cleanup_free char *info = exec_info(c);
	int r;

	memcpy(argv + 1, c->exec.args, sizeof(c->exec.args));
	env[0] = info;
	memcpy(env + 1, c->exec.env, sizeof(c->exec.env));
	r = proc_capture_env(argv, env, ANSWER_MAX, KUBE_EXEC_MS, out, e);
	if (r == -ENOENT)
		return err_set(e, ENOENT, "the credential plugin %s is not installed%s%s",
			       c->exec.command, c->exec.install_hint ? ": " : "",
			       c->exec.install_hint ? c->exec.install_hint : "");
	if (r < 0)
		return err_prefix(e, "credential plugin");
	if (r > 0)
		return err_set(e, EACCES, "the credential plugin %s ended with %d", c->exec.command,
			       r);
	return 0;
}

int kube_credential_get(const struct kube_config *c, struct kube_credential *cred, bool refresh,
			struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	bool have = cred->token || cred->cert.data;
	int r;

	if (!c->exec.command)
		return 0;
	if (have && !refresh && (!cred->expires || cred->expires > time(NULL) + SPARE_S))
		return 0;
	r = run(c, &out, e);
	return r < 0 ? r
		     : kube_credential_parse(cred, c->exec.api_version, c->exec.command,
					     buf_str(&out), out.len, e);
}

void kube_credential_free(struct kube_credential *cred)
{
	free(cred->token);
	free((void *)cred->cert.data);
	free((void *)cred->key.data);
	*cred = (struct kube_credential){ 0 };
}
