/* Admission: what is judged and how it is said; broken reviews; configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "admit_case.h"
#include "base/io.h"
#include "golden.h"

#define PS "pod-security.kubernetes.io/"

#define GOOD                                                                                       \
	"{\"name\":\"a\",\"image\":\"i\",\"securityContext\":{\"allowPrivilegeEscalation\":false," \
	"\"runAsNonRoot\":true,\"capabilities\":{\"drop\":[\"ALL\"]},\"seccompProfile\":{"         \
	"\"type\":\"RuntimeDefault\"}}}"
#define BAD		"{\"name\":\"a\",\"image\":\"i\",\"securityContext\":{\"privileged\":true}}"
#define POD(containers) "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[" containers "]}}"
#define DEPLOYMENT(containers)                                                             \
	"{\"metadata\":{\"name\":\"d\"},\"spec\":{\"template\":{\"spec\":{\"containers\":" \
	"[" containers "]}}}}"
#define WOULD                                                                              \
	"would violate PodSecurity \"baseline:latest\": privileged (container \"a\" must " \
	"not set securityContext.privileged=true)"
#define BASELINE                                                                      \
	"violates PodSecurity \"baseline:latest\": privileged (container \"a\" must " \
	"not set securityContext.privileged=true)"

static const char config_text[] =
	"apiVersion: boltseal.dev/v1\nkind: AdmitConfiguration\n"
	"podSecurity:\n"
	"  exemptions: {usernames: [root], namespaces: [kube-system], runtimeClasses: [kata]}\n"
	"checks:\n"
	"- {id: R11, action: warn, namespaces: [checked*], except: [checked-not]}\n"
	"- {id: R27, action: enforce, namespaces: [strict]}\n"
	"- {id: R27, action: audit, namespaces: [strict]}\n";

/* One row for each step that Pod Security Admission takes. */
static const struct {
	const char *what, *labels;
	struct admit_request q;
	const char *code;	 /* "" allowed */
	const char *message;	 /* of the denial */
	const char *warning;	 /* the first */
	const char *key, *value; /* an audit annotation; value NULL: it is not there */
} cases[] = {
	{ "no labels: privileged",
	  "",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  "privileged:latest" },
	{ "enforced",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "without a name",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .name = "", .object = POD(BAD) },
	  "403",
	  "pods is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "let through",
	  PS "enforce=restricted," PS "enforce-version=v1.29",
	  { "CREATE", "pods", "Pod", .object = POD(GOOD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  "restricted:v1.29" },
	{ "warned and noted",
	  PS "warn=baseline," PS "audit=baseline," PS "audit-version=v1.20",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "",
	  "",
	  WOULD,
	  "audit-violations",
	  "would violate PodSecurity \"baseline:v1.20\": privileged (container \"a\" must not set "
	  "securityContext.privileged=true)" },
	{ "a denial has no warnings, but its audit annotation",
	  PS "enforce=baseline," PS "warn=baseline," PS "audit=baseline",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "audit-violations",
	  WOULD },
	{ "an enforced level alone warns, too",
	  PS "enforce=baseline",
	  { "CREATE", "deployments.apps", "Deployment", .object = DEPLOYMENT(BAD) },
	  "",
	  "",
	  WOULD,
	  "enforce-policy",
	  NULL },
	{ "unless the label says otherwise",
	  PS "enforce=baseline," PS "warn=privileged",
	  { "CREATE", "deployments.apps", "Deployment", .object = DEPLOYMENT(BAD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "a bad level is the strictest",
	  PS "enforce=strict",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "403",
	  "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": privileged "
	  "(container \"a\" must not set securityContext.privileged=true), "
	  "allowPrivilegeEscalation != false (container \"a\" must set "
	  "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "
	  "\"a\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod "
	  "or container \"a\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or "
	  "container \"a\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
	  "\"Localhost\")",
	  "",
	  "error",
	  "Failed to parse policy: metadata.labels[" PS "enforce]: Invalid value: \"strict\": must "
	  "be one of privileged, baseline, restricted" },
	{ "bad levels of the others are the mildest",
	  PS "warn=x," PS "audit=y",
	  { "CREATE", "pods", "Pod", .object = POD(BAD) },
	  "",
	  "",
	  "",
	  "error",
	  "Failed to parse policy: [metadata.labels[" PS
	  "audit]: Invalid value: \"y\": must be one "
	  "of privileged, baseline, restricted, metadata.labels[" PS
	  "warn]: Invalid value: \"x\": must be one of privileged, baseline, restricted]" },
	{ "an exempt user",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .user = "root", .object = POD(BAD) },
	  "",
	  "",
	  "",
	  "exempt",
	  "user" },
	{ "an exempt namespace",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .ns = "kube-system", .object = POD(BAD) },
	  "",
	  "",
	  "",
	  "exempt",
	  "namespace" },
	{ "an exempt runtime class",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod",
	    .object = "{\"spec\":{\"runtimeClassName\":\"kata\",\"containers\":[" BAD "]}}" },
	  "",
	  "",
	  "",
	  "exempt",
	  "runtimeClass" },
	{ "an unknown namespace",
	  "",
	  { "CREATE", "pods", "Pod", .ns = "gone", .object = POD(BAD) },
	  "500",
	  "Internal error occurred: failed to lookup namespace \"gone\"",
	  "",
	  "error",
	  NULL },
	{ "which lets a controller through",
	  "",
	  { "CREATE", "jobs.batch", "Job", .ns = "gone", .object = DEPLOYMENT(BAD) },
	  "",
	  "",
	  "",
	  "error",
	  "failed to lookup namespace \"gone\": namespace \"gone\" not found" },
	{ "a change that does not matter",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .object = POD(BAD), .old = POD(BAD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "another image",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .object = POD(BAD),
	    .old = POD("{\"name\":\"a\",\"image\":\"j\"}") },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "one more container",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .object = POD(BAD), .old = POD("") },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "a container to look into it",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .subresource = "ephemeralcontainers",
	    .object = "{\"spec\":{\"containers\":[],\"ephemeralContainers\":[" BAD "]}}",
	    .old = POD("") },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "that was there",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .subresource = "ephemeralcontainers",
	    .object = "{\"spec\":{\"containers\":[],\"ephemeralContainers\":[" BAD "]}}",
	    .old = "{\"spec\":{\"containers\":[],\"ephemeralContainers\":[" BAD "]}}" },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "a subresource that does not matter",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .subresource = "status", .object = POD(BAD), .old = POD("") },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "one that nobody knows",
	  PS "enforce=baseline",
	  { "UPDATE", "pods", "Pod", .subresource = "new", .object = POD(BAD), .old = POD("") },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE,
	  "",
	  "enforce-policy",
	  "baseline:latest" },
	{ "one of a controller",
	  PS "enforce=baseline",
	  { "UPDATE", "deployments.apps", "Deployment", .subresource = "scale",
	    .object = DEPLOYMENT(BAD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "a template that is not there",
	  PS "warn=baseline",
	  { "CREATE", "replicationcontrollers", "ReplicationController",
	    .object = "{\"spec\":{\"replicas\":1}}" },
	  "",
	  "",
	  "",
	  "error",
	  NULL },
	{ "a deletion",
	  PS "enforce=baseline",
	  { "DELETE", "pods", "Pod", .old = POD(BAD) },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	{ "a pod that cannot be read",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .object = "{\"spec\":{\"containers\":7}}" },
	  "400",
	  "failed to decode object: ",
	  "",
	  "error",
	  NULL },
	{ "a template that cannot be read",
	  PS "warn=baseline",
	  { "CREATE", "deployments.apps", "Deployment", .object = DEPLOYMENT("7") },
	  "",
	  "",
	  "",
	  "error",
	  "failed to decode object: " },
	{ "something else",
	  PS "enforce=restricted",
	  { "CREATE", "configmaps", "ConfigMap", .object = "{}" },
	  "",
	  "",
	  "",
	  "enforce-policy",
	  NULL },
	/* namespaces */
	{ "a namespace",
	  "",
	  { "CREATE", "namespaces", "Namespace", .object = "{\"metadata\":{}}" },
	  "",
	  "",
	  "",
	  "error",
	  NULL },
	{ "with a bad label",
	  "",
	  { "CREATE", "namespaces", "Namespace", .name = "n",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "enforce\":\"x\"}}}" },
	  "422",
	  "Namespace \"n\" is invalid: metadata.labels[" PS
	  "enforce]: Invalid value: \"x\": must be "
	  "one of privileged, baseline, restricted",
	  "",
	  "error",
	  NULL },
	{ "with two",
	  "",
	  { "CREATE", "namespaces", "Namespace", .name = "n",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "enforce-version\":\"1.2\",\"" PS
		      "warn\":\"\"}}}" },
	  "422",
	  "Namespace \"n\" is invalid: [metadata.labels[" PS
	  "enforce-version]: Invalid value: \"1.2\": must be \"latest\" or \"v1.x\", "
	  "metadata.labels[" PS "warn]: Invalid value: \"\": must be one of privileged, baseline, "
	  "restricted]",
	  "",
	  "error",
	  NULL },
	{ "which it had",
	  "",
	  { "UPDATE", "namespaces", "Namespace",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "warn\":\"x\"}}}",
	    .old = "{\"metadata\":{\"labels\":{\"" PS "warn\":\"x\"}}}" },
	  "",
	  "",
	  "",
	  "error",
	  NULL },
	{ "which it had otherwise",
	  "",
	  { "UPDATE", "namespaces", "Namespace", .name = "n",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "warn\":\"x\"}}}",
	    .old = "{\"metadata\":{\"labels\":{\"" PS "warn\":\"y\"}}}" },
	  "422",
	  "Namespace \"n\" is invalid: ",
	  "",
	  "error",
	  NULL },
	{ "an exempt one",
	  "",
	  { "CREATE", "namespaces", "Namespace", .name = "kube-system", .ns = "kube-system",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "enforce\":\"baseline\"}}}" },
	  "",
	  "",
	  "namespace \"kube-system\" is exempt from Pod Security, and the policy "
	  "(enforce=baseline:latest) will be ignored",
	  "error",
	  NULL },
	{ "a stricter level, and pods that nobody can list",
	  "",
	  { "UPDATE", "namespaces", "Namespace",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "enforce\":\"baseline\"}}}",
	    .old = "{\"metadata\":{}}" },
	  "",
	  "",
	  "failed to list pods while checking new PodSecurity enforce level",
	  "error",
	  NULL },
	{ "a milder level",
	  "",
	  { "UPDATE", "namespaces", "Namespace",
	    .object = "{\"metadata\":{\"labels\":{\"" PS "enforce\":\"baseline\"}}}",
	    .old = "{\"metadata\":{\"labels\":{\"" PS "enforce\":\"restricted\"}}}" },
	  "",
	  "",
	  "",
	  "error",
	  NULL },
	/* checks of inspect */
	{ "a check warns",
	  "",
	  { "CREATE", "pods", "Pod", .ns = "checked-1", .object = POD("{\"name\":\"a\"}") },
	  "",
	  "",
	  "violates R11 (container \"a\" can write to its root file system)",
	  "enforce-policy",
	  "privileged:latest" },
	{ "not there",
	  "",
	  { "CREATE", "pods", "Pod", .ns = "checked-not", .object = POD("{\"name\":\"a\"}") },
	  "",
	  "",
	  "",
	  "check-violations",
	  NULL },
	{ "a check refuses and notes",
	  "",
	  { "CREATE", "pods", "Pod", .ns = "strict", .object = POD("{\"name\":\"a\"}") },
	  "403",
	  "pods \"p\" is forbidden: violates R27 (",
	  "",
	  "check-violations",
	  "R27 (" },
	{ "together with the standard",
	  PS "enforce=baseline",
	  { "CREATE", "pods", "Pod", .ns = "strict", .object = POD(BAD) },
	  "403",
	  "pods \"p\" is forbidden: " BASELINE "; violates R27 (",
	  "",
	  "check-violations",
	  "R27 (" },
	{ "a controller is warned of it",
	  "",
	  { "CREATE", "deployments.apps", "Deployment", .ns = "strict",
	    .object = DEPLOYMENT("{\"name\":\"a\"}") },
	  "",
	  "",
	  "pods would be refused: R27 (",
	  "check-violations",
	  "R27 (" },
};

/* What ends with a blank and a bracket, or a colon and a blank, is a beginning. */
static bool says(const char *text, const char *expected)
{
	size_t n = strlen(expected);

	if (n > 2 && (!strcmp(expected + n - 2, " (") || !strcmp(expected + n - 2, ": ")))
		return !strncmp(text, expected, n);
	return !strcmp(text, expected);
}

static void test_validate(void **state)
{
	cleanup_adm_config struct adm_config c;

	(void)state;
	admit_load(&c, config_text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct admit_world w = { .labels = cases[i].labels };
		cleanup_json struct json_object *r = ask(&c, &w, ADM_VALIDATE, &cases[i].q);
		cleanup_free char *key = xasprintf("/auditAnnotations/%s", cases[i].key);
		const char *value = cases[i].value ? cases[i].value : "";
		bool allowed = !strcmp(at(r, "/allowed"), "true");

		if (allowed != !*cases[i].code || strcmp(at(r, "/status/code"), cases[i].code) ||
		    !says(at(r, "/status/message"), cases[i].message) ||
		    !says(at(r, "/warnings/0"), cases[i].warning) || !says(at(r, key), value))
			fail_msg("%s: %s", cases[i].what, json_object_to_json_string(r));
		assert_string_equal(at(r, "/patch"), "");
	}
}

#define OWNED(name, uid, container)                                                 \
	"{\"metadata\":{\"name\":\"" name "\",\"ownerReferences\":[{\"uid\":\"" uid \
	"\",\"controller\":true}]},\"spec\":{\"containers\":[" container "]}}"
#define ALONE(name, container) \
	"{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"containers\":[" container "]}}"

/* Who makes a level stricter is told what is there. */
static void test_existing(void **state)
{
	struct admit_world w = {
		.pods = "{\"kind\":\"PodList\",\"metadata\":{\"remainingItemCount\":2},\"items\":"
			"[" OWNED("web-b", "1", BAD) "," OWNED("web-a", "1", BAD) "," ALONE(
				"good", GOOD) "," ALONE("net",
							"{\"name\":\"a\",\"ports\":[{\"hostPort\":"
							"80}]}") "," OWNED("web-c", "1",
									   BAD) ","
										"{\"metadata\":{"
										"\"name\":\"k\"},"
										"\"spec\":{"
										"\"runtimeClassName"
										"\":\"kata\","
										"\"containers\":"
										"[" BAD "]}}]}"
	};
	static const char *const lines[] = {
		"new PodSecurity enforce level only checked against the first 5 of 7 existing pods",
		"existing pods in namespace \"p\" violate the new PodSecurity enforce level "
		"\"baseline:latest\"",
		"net: hostPort",
		"web-a (and 2 other pods): privileged",
		"",
	};
	struct admit_request q = { "UPDATE", "namespaces", "Namespace",
				   .object = "{\"metadata\":{\"labels\":{\"" PS
					     "enforce\":\"baseline\"}}}",
				   .old = "{\"metadata\":{}}" };
	cleanup_adm_config struct adm_config c;
	cleanup_json struct json_object *r = NULL;

	(void)state;
	admit_load(&c, config_text);
	r = ask(&c, &w, ADM_VALIDATE, &q);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_free char *p = xasprintf("/warnings/%zu", i);

		assert_string_equal(at(r, p), lines[i]);
	}
}

/* ---- what is no review */

static void test_malformed(void **state)
{
#define REVIEW "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\""
	static const char *const wrong[] = {
		"",
		"x",
		"[]",
		"{",
		"{}",
		"kind: AdmissionReview\napiVersion: admission.k8s.io/v1\n",
		"{\"kind\":\"AdmissionReview\"}",
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}",
		"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
		"v2\",\"request\":{}}",
		REVIEW "}",
		REVIEW ",\"request\":null}",
		REVIEW ",\"request\":[]}",
		REVIEW ",\"request\":{}}",
		REVIEW ",\"request\":{\"uid\":\"\"}}",
		REVIEW ",\"request\":{\"uid\":7}}",
		REVIEW ",\"request\":{\"uid\":\"1\"}}",
		REVIEW ",\"request\":{\"uid\":\"1\",\"resource\":\"pods\"}}",
		REVIEW ",\"request\":{\"uid\":\"1\",\"uid\":\"2\"}}",
		REVIEW ",\"request\":{\"uid\":\"1\",\"object\":7,\"operation\":\"CREATE\","
		       "\"resource\":{\"resource\":\"pods\"}}}",
		REVIEW ",\"request\":{\"uid\":\"\\ud800\"}}",
	};
	struct admit_world w = { 0 };
	struct adm_cluster cl = { world_labels, world_pods, NULL, &w };
	cleanup_adm_config struct adm_config c;

	(void)state;
	admit_load(&c, config_text);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		for (int hook = 0; hook < 2; hook++) {
			cleanup_adm_answer struct adm_answer a = { 0 };

			adm_review(&c, &cl, (enum adm_hook)hook, wrong[i], strlen(wrong[i]), 0, &a);
			if (a.status != 400 || !a.body.len)
				fail_msg("%s: %u", wrong[i], a.status);
		}
}

static void test_beta(void **state)
{
	static const char text[] =
		"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\","
		"\"request\":{\"uid\":\"7\",\"operation\":\"CREATE\",\"kind\":{\"kind\":\"Pod\"},"
		"\"resource\":{\"resource\":\"pods\"},\"object\":{\"spec\":{\"containers\":[{}]}}}"
		"}";
	struct admit_world w = { 0 };
	struct adm_cluster cl = { world_labels, world_pods, NULL, &w };
	cleanup_adm_answer struct adm_answer a = { 0 };
	cleanup_adm_config struct adm_config c;

	(void)state;
	admit_load(&c, config_text);
	adm_review(&c, &cl, ADM_MUTATE, text, strlen(text), 0, &a);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body.p, "\"apiVersion\":\"admission.k8s.io/v1beta1\""));
	assert_non_null(strstr(a.body.p, "\"patchType\":\"JSONPatch\""));
}

/* ---- requests that a real API server sent */

static void answer_file(const struct adm_config *c, const char *path, const char *name)
{
	struct admit_world w = { .labels = PS "enforce=baseline" };
	struct adm_cluster cl = { world_labels, world_pods, NULL, &w };
	enum adm_hook hook = strstr(name, "-mutate-") ? ADM_MUTATE : ADM_VALIDATE;
	cleanup_adm_answer struct adm_answer a = { 0 };
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_json struct json_object *all = NULL;
	struct json_object *body = NULL;
	bool denied = strstr(name, "13-") != NULL, patched_pod = strstr(name, "02-") != NULL;
	const char *text;
	struct err e = { 0 };

	assert_int_equal(json_load(&d, path, 1 << 20, &e), 0);
	assert_true(json_object_object_get_ex(d.root, "body", &body));
	text = json_object_to_json_string(body);
	adm_review(c, &cl, hook, text, strlen(text), 5, &a);
	assert_int_equal(a.status, 200);
	all = json_tokener_parse(buf_str(&a.body));
	assert_string_equal(at(all, "/apiVersion"), at(body, "/apiVersion"));
	assert_string_equal(at(all, "/kind"), "AdmissionReview");
	assert_string_equal(at(all, "/response/uid"), at(body, "/request/uid"));
	assert_string_equal(at(all, "/response/allowed"), denied ? "false" : "true");
	/* Patch and its type only together, and only where something is missing. */
	assert_int_equal(*at(all, "/response/patch") != 0, patched_pod);
	assert_int_equal(*at(all, "/response/patchType") != 0, patched_pod);
}

static void test_recorded(void **state)
{
	const char *shared = getenv("BOLTSEAL_SHARED");
	cleanup_free char *dir = xasprintf("%s/testdata/admission", shared ? shared : "../shared");
	cleanup_closedir DIR *d = opendir(dir);
	cleanup_adm_config struct adm_config c;
	size_t n = 0;

	(void)state;
	admit_load(&c, config_text);
	if (!d) {
		print_message("%s is not there\n", dir);
		skip();
	}
	for (struct dirent *en; (en = readdir(d));) {
		cleanup_free char *path = xasprintf("%s/%s", dir, en->d_name);

		if (!strstr(en->d_name, ".json"))
			continue;
		answer_file(&c, path, en->d_name);
		n++;
	}
	assert_true(n > 10);
}

/* ---- configuration */

#define HEAD "apiVersion: boltseal.dev/v1\nkind: AdmitConfiguration\n"

static void test_config(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{ "", "c:1:1: empty" },
		{ "kind: A\n", "c:1:1: /: the member \"apiVersion\" is missing" },
		{ "kind: A\napiVersion: v1\n", "c:1:7: /kind: expected kind AdmitConfiguration" },
		{ HEAD "sever: {}\n", "c:3:1: " },
		{ HEAD "server: 7\n", "c:3:9: /server: " },
		{ HEAD "kubernetesVersion: '1.30'\n",
		  "c:3:20: /kubernetesVersion: \"1.30\": expected" },
		{ HEAD "checks: [{id: R99}]\n", "c:3:15: /checks/0/id: there is no check \"R99\"" },
		{ HEAD "checks: [{id: R14}]\n", "c:3:15: /checks/0/id: there is no check \"R14\"" },
		{ HEAD "checks: [{action: warn}]\n", "c:3:10: " },
		{ HEAD "checks: [{id: R01, action: deny}]\n",
		  "c:3:28: /checks/0/action: \"deny\": expected one of enforce, audit, warn" },
		{ HEAD "podSecurity: {defaults: {enforce: x}}\n",
		  "c:3:35: /podSecurity/defaults/enforce: 'x': must be one of" },
		{ HEAD "podSecurity: {defaults: {warn-version: 1.2}}\n", "c:3:40: " },
		{ HEAD "namespaces: {from: file}\n", "c:3:13: /namespaces: \"from: file\" needs" },
		{ HEAD "mutate: {apparmor: yes}\n", "c:3:20: " },
		{ HEAD "mutate: {profiles: [{seccomp: a}]}\n",
		  "c:3:21: /mutate/profiles/0: expected" },
		{ HEAD "mutate: {profiles: [{image: a, seccomp: ../a}]}\n", "c:3:41: " },
		{ HEAD "mutate: {profiles: [{image: a, seccompLabel: a=}]}\n",
		  "c:3:46: /mutate/profiles/0/seccompLabel: \"a=\": expected KEY=VALUE" },
		{ HEAD "mutate: {profiles: [{image: a, capabilities: [X]}]}\n",
		  "c:3:47: /mutate/profiles/0/capabilities/0: there is no capability \"X\"" },
		{ HEAD "mutate: {models: {folder: a, use: [b]}}\n", "c:3:36: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		cleanup_adm_config struct adm_config c;
		struct err e = { 0 };

		assert_true(adm_config_parse(&c, "c", wrong[i].text, strlen(wrong[i].text), &e) <
			    0);
		if (strncmp(e.msg, wrong[i].message, strlen(wrong[i].message)) != 0)
			fail_msg("%s: %s", wrong[i].text, e.msg);
	}
}

/* The file of Kubernetes' own plugin is one, too. */
static void test_config_of_kubernetes(void **state)
{
	static const char text[] =
		"apiVersion: pod-security.admission.config.k8s.io/v1\n"
		"kind: PodSecurityConfiguration\n"
		"defaults: {enforce: baseline, enforce-version: v1.30, warn: restricted}\n"
		"exemptions: {usernames: [], runtimeClasses: [], namespaces: [a, b]}\n";
	cleanup_adm_config struct adm_config c;

	(void)state;
	admit_load(&c, text);
	assert_int_equal(c.defaults.enforce.level, PSS_BASELINE);
	assert_int_equal(c.defaults.enforce.minor, 30);
	assert_int_equal(c.defaults.warn.level, PSS_RESTRICTED);
	assert_int_equal(c.defaults.warn.minor, PSS_LATEST);
	assert_int_equal(c.exempt_namespaces.n, 2);
}

/* ---- the same without a webhook */

static void test_policies(void **state)
{
	static const char text[] = HEAD
		"kubernetesVersion: v1.36\n"
		"podSecurity: {exemptions: {usernames: [\"o'x\"], namespaces: [a], "
		"runtimeClasses: [kata]}}\n"
		"checks: [{id: R04}]\n"
		"mutate: {except: [kube-*], profiles: [{image: 'h.example/a+b:1*', container: c, "
		"seccomp: b/w.json, "
		"seccompLabel: d/w=1}, {image: x, apparmor: web}, {namespace: 'n?', image: yy, "
		"seccomp: s}]}\n";
	cleanup_buf struct buf validating = { 0 }, mutating = { 0 };
	cleanup_adm_config struct adm_config c;
	struct adm_cel p = { .minor = 34, .config = &c };

	(void)state;
	admit_load(&c, text);
	adm_cel_validating(&p, &validating);
	adm_cel_mutating(&p, &mutating);
	check_golden("admit.validating.yaml", validating.p);
	check_golden("admit.mutating.yaml", mutating.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_beta),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_of_kubernetes),
		cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
