#include <stdlib.h>
#include <string.h>

#include "app/admit.h"
#include "base/io.h"
#include "base/mem.h"

/* What the command line says counts more than the file. */
static void override(struct adm_config *c, const struct args *args)
{
	const struct {
		const char *option;
		const char **to;
	} texts[] = {
		{ "listen", &c->server.listen },	   { "metrics", &c->server.metrics },
		{ "certificate", &c->server.certificate }, { "key", &c->server.key },
		{ "namespaces", &c->namespaces },	   { "models", &c->mutate.models },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (args_has(args, texts[i].option))
			*texts[i].to = args_value(args, texts[i].option);
	if (args_has(args, "namespaces"))
		c->source = ADM_FROM_FILE;
}

int admit_configure(const struct args *args, struct adm_config **out, struct err *e)
{
	struct adm_config *c = xcalloc(1, sizeof(*c));
	int r = adm_config_load(c, args_value(args, "config"), e);

	if (r == 0) {
		override(c, args);
		if (c->mutate.models)
			r = admit_models(c, c->mutate.models, e);
	}
	if (r < 0) {
		adm_config_free(c);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

static int serve(const struct args *args, struct err *e)
{
	struct adm_config *c = NULL;
	struct admit a;
	int r = admit_configure(args, &c, e);

	if (r < 0)
		return r;
	admit_init(&a, c);
	r = admit_serve(&a, args, e);
	admit_free(&a);
	return r < 0 ? r : EXIT_OK;
}

/* --policy-yaml: the same without a webhook. */
static int print_policy(const struct args *args, struct err *e)
{
	const char *version = args_value(args, "version");
	struct adm_cel p = { .minor = PSS_LATEST };
	cleanup_buf struct buf out = { 0 };
	struct adm_config *c = NULL;
	int r = admit_configure(args, &c, e);

	if (r == 0 && version && pss_version_parse(version, &p.minor, e) < 0)
		r = err_prefix(e, "--version");
	if (r == 0 && p.minor < ADM_CEL_OLDEST)
		r = err_set(e, EINVAL, "--version: policies need v1.%d or later", ADM_CEL_OLDEST);
	if (r == 0) {
		p.config = c;
		if (!strcmp(args_value(args, "policy-yaml"), "mutating"))
			adm_cel_mutating(&p, &out);
		else
			adm_cel_validating(&p, &out);
		r = io_write_file(args_value(args, "output"), buf_str(&out), out.len, e);
	}
	if (c)
		adm_config_free(c);
	free(c);
	return r < 0 ? EXIT_ERROR : EXIT_OK;
}

static int run_admit(struct args *a, struct err *e)
{
	if (args_count(a))
		return usage_error(a, e, "expected options only");
	if (args_has(a, "make-certs"))
		return admit_make_certs(a, e) < 0 ? EXIT_ERROR : EXIT_OK;
	if (args_has(a, "review"))
		return admit_review_file(a, e);
	if (args_has(a, "policy-yaml"))
		return print_policy(a, e);
	return serve(a, e);
}

static const struct option_desc options[] = {
	{ 'c', "config", "FILE", NULL,
	  "The configuration (docs/admit.md), or a PodSecurityConfiguration of Kubernetes. It is "
	  "read again when it changes." },
	{ 0, "listen", "ADDRESS", NULL,
	  "Where to listen with TLS: [ADDRESS:]PORT, or :PORT for all addresses; :8443 is the "
	  "default." },
	{ 0, "metrics", "ADDRESS", NULL,
	  "Where to answer /healthz, /readyz and /metrics without TLS." },
	{ 0, "certificate", "FILE", NULL, "The server's certificate chain in PEM." },
	{ 0, "key", "FILE", NULL, "Its private key in PEM. Both are read again when they change." },
	{ 0, "namespaces", "FILE", NULL,
	  "Namespace objects, in place of those of the cluster: YAML or JSON, also a list." },
	{ 0, "kubeconfig", "FILE", NULL,
	  "How to reach the cluster whose namespaces count; without it $KUBECONFIG, ~/.kube/config "
	  "or what a pod has." },
	{ 0, "context", "NAME", NULL,
	  "The context of the kubeconfig; its current one is the default." },
	{ 0, "models", "DIR", NULL,
	  "A folder of workload models: pods get the profiles of their images." },
	{ 'r', "review", "FILE", NULL,
	  "Answer this recorded request and end. - is standard input." },
	{ 0, "hook", "NAME", "validate|mutate",
	  "With --review: which of the two answers. Without it the record's path says so." },
	{ 0, "make-certs", "DIR", NULL,
	  "Write a certificate authority, a server certificate and their keys, print the bundle "
	  "for the webhook configuration, and end." },
	{ 0, "dns", "NAME", NULL,
	  "With --make-certs: a name or address of the server. May be repeated; without it the "
	  "names of the Service in deploy/." },
	{ 0, "days", "NUMBER", NULL, "With --make-certs: how long the certificate is good; 365." },
	{ 0, "manifest", "FILE", NULL,
	  "With --make-certs: print this manifest with the bundle in it. May be repeated." },
	{ 0, "policy-yaml", "KIND", "validating|mutating",
	  "Print the policy as ValidatingAdmissionPolicy or MutatingAdmissionPolicy objects, which "
	  "need no webhook, and end." },
	{ 0, "version", "VERSION", NULL,
	  "With --policy-yaml: of the Pod Security Standards, v1.25 or later; latest is the "
	  "default." },
	{ 0, "output", "FILE", NULL, "Write there instead of standard output." },
	{ 0 },
};

const struct command command_admit = {
	.name = "admit",
	.synopsis = "[OPTION]...",
	.summary = "Judges and seals pods as a Kubernetes admission webhook.",
	.description =
		"Answers AdmissionReview requests (v1 and v1beta1) over TLS. /validate judges pods "
		"by the Pod Security Standards as Kubernetes' own admission does (levels by labels "
		"of the namespace, the same texts) and by checks of boltseal inspect that the "
		"configuration names. /mutate gives pods what they lack: seccomp and AppArmor "
		"profiles, capabilities dropped by the workload model of their image, and affinity "
		"to nodes that have the profile.\n"
		"\n"
		"It runs until SIGTERM or SIGINT: then /readyz says no for some seconds, requests "
		"on the way are answered, and it ends. SIGHUP reads the configuration again.\n"
		"\n"
		"deploy/kubernetes/admit.yaml has the manifests, docs/admit.md the configuration.",
	.options = options,
	.examples = "# Certificates to try it with\n"
		    "boltseal admit --make-certs certs --dns 127.0.0.1\n"
		    "# A webhook\n"
		    "boltseal admit --config admit.yaml --certificate certs/tls.crt --key "
		    "certs/tls.key\n"
		    "# What would it answer?\n"
		    "boltseal admit --config admit.yaml --review request.json\n",
	.exit_status = "0 when it ended as it was told to; with --review 0 when the request is "
		       "allowed, 2 when it is denied. 1 on errors.",
	.run = run_admit,
};
