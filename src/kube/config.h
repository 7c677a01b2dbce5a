/*
 * Where the API server is and who we are: from kubeconfig files (the format of
 * https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/) or from what a pod is given.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	KUBE_CONFIG_MAX = 4 * 1024 * 1024, /* bytes of a kubeconfig */
	KUBE_EXEC_MAX = 64,		   /* arguments, and variables, of a credential plugin */
	KUBE_EXEC_MS = 60000,
	KUBE_TOKEN_MAX = 64 * 1024,
};

/* PEM: a file, which is read at each connection, or its text; data wins. All NULL: none. */
struct kube_pem {
	const char *file;
	const char *data;
	size_t len;
};

/* A credential plugin (client.authentication.k8s.io). */
struct kube_exec {
	const char *api_version, *command; /* NULL: none */
	const char *args[KUBE_EXEC_MAX + 1];
	const char *env[KUBE_EXEC_MAX + 1]; /* "NAME=VALUE" */
	const char *install_hint;	    /* or NULL */
	bool cluster_info;
};

struct kube_config {
	struct arena arena;
	const char *context;   /* its name; "in-cluster" */
	const char *server;    /* "https://host:port/prefix", without a slash at the end */
	const char *ns;	       /* the context's namespace, "default" without one */
	const char *tls_name;  /* what the server's certificate is for, NULL: the host */
	const char *proxy_url; /* NULL: the environment's */
	bool insecure;	       /* the server's certificate is not checked */
	struct kube_pem ca, cert, key;
	const char *token, *token_file; /* the file is read for each request: tokens rotate */
	const char *user, *password;
	const char *as; /* impersonated user, or NULL */
	struct kube_exec exec;
};

/*
 * `path`: a kubeconfig, or several with ':' between them; NULL: $KUBECONFIG, else ~/.kube/config if
 * there is one, else what a pod has. Of several files the first that names a thing says what it is;
 * files of such a list that do not exist are left out. `context` NULL: the current one. Files that
 * it names are relative to its folder.
 */
int kube_config_load(struct kube_config *c, const char *path, const char *context, struct err *e);
/* The same from a text. `folder`: of files that it names. */
int kube_config_parse(struct kube_config *c, const char *name, const char *text, size_t len,
		      const char *folder, const char *context, struct err *e);
/*
 * What a pod's service account has: `folder` with token, ca.crt and namespace (NULL: where they are
 * mounted), and the server from KUBERNETES_SERVICE_HOST and _PORT.
 */
int kube_config_in_cluster(struct kube_config *c, const char *folder, struct err *e);
void kube_config_free(struct kube_config *c);
#define cleanup_kube_config cleanup(kube_config_free)

/* What a plugin gave. Empty without one. */
struct kube_credential {
	char *token;
	struct kube_pem cert, key; /* data, malloc'ed */
	time_t expires;		   /* 0: does not */
};
/*
 * exec.c: runs the plugin, unless what it gave the last time is valid for 10 s more and `refresh`
 * is false.
 */
int kube_credential_get(const struct kube_config *c, struct kube_credential *cred, bool refresh,
			struct err *e);
/* The plugin's answer (ExecCredential); `api_version` is what was asked for. */
int kube_credential_parse(struct kube_credential *cred, const char *api_version, const char *name,
			  const char *text, size_t len, struct err *e);
void kube_credential_free(struct kube_credential *cred);

#endif
