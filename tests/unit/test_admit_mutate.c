/* What pods get: each row a pod and the patch; the patched pod gets nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admit_case.h"

static const char config_text[] =
	"apiVersion: boltseal.dev/v1\nkind: AdmitConfiguration\n"
	"mutate:\n"
	"  optOut: {namespaces: true, pods: [dev-*]}\n"
	"  except: [kube-system]\n"
	"  profiles:\n"
	"  - {image: shop/web, seccomp: b/web-1.json, seccompLabel: d/seccomp.web=1,\n"
	"     apparmor: web, apparmorLabel: d/apparmor.web=2, capabilities: [NET_BIND_SERVICE]}\n"
	"  - {image: 'shop/db:9*', seccomp: b/db-3.json, capabilities: []}\n"
	"  - {image: shop/any, seccomp: b/any.json, seccompLabel: d/seccomp.any}\n";

#define C(more)		"{\"name\":\"a\",\"image\":\"x\"" more "}"
#define WEB(more)	"{\"name\":\"w\",\"image\":\"docker.io/shop/web:1@sha256:00\"" more "}"
#define POD(spec, meta) "{\"metadata\":{" meta "},\"spec\":{" spec "}}"
#define ONE(c)		POD("\"securityContext\":{},\"containers\":[" c "]", "")
#define EXPLAIN(text)                                                                   \
	"{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{\"boltseal.dev/" \
	"admit\":\"" text "\"}}"
#define WEB_NOTES                                                                                 \
	"container \\\"w\\\": seccomp Localhost b/web-1.json (configured); container \\\"w\\\": " \
	"AppArmor Localhost web (configured); container \\\"w\\\": capabilities drop ALL add "    \
	"NET_BIND_SERVICE (configured); pod: node affinity d/seccomp.web=1; pod: node affinity "  \
	"d/apparmor.web=2"
#define WEB_CONTEXT                                                                           \
	"{\"seccompProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"b/web-1.json\"}," \
	"\"appArmorProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"web\"},"          \
	"\"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"NET_BIND_SERVICE\"]}}"
#define EXPR(kind, value) \
	"{\"key\":\"d/" kind ".web\",\"operator\":\"In\",\"values\":[\"" value "\"]}"
#define DEFAULT_POD                                                                               \
	"[{\"op\":\"add\",\"path\":\"/spec/securityContext/seccompProfile\",\"value\":{\"type\":" \
	"\"RuntimeDefault\"}}," EXPLAIN("pod: seccomp RuntimeDefault") "]"

static const struct {
	const char *what, *ns, *labels, *pod, *patch;
} cases[] = {
	{ "nothing said", NULL, NULL, ONE(C("")), DEFAULT_POD },
	{ "no security context", NULL, NULL, POD("\"containers\":[" C("") "]", ""),
	  "[{\"op\":\"add\",\"path\":\"/spec/securityContext\",\"value\":{\"seccompProfile\":"
	  "{\"type\":\"RuntimeDefault\"}}}," EXPLAIN("pod: seccomp RuntimeDefault") "]" },
	{ "said by the pod", NULL, NULL,
	  POD("\"securityContext\":{\"seccompProfile\":{\"type\":\"Unconfined\"}},\"containers\":"
	      "[" C("") "]",
	      ""),
	  "" },
	{ "said by every container", NULL, NULL,
	  ONE(C(",\"securityContext\":{\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}")), "" },
	{ "said by an annotation", NULL, NULL,
	  POD("\"containers\":[" C("") "]",
	      "\"annotations\":{\"seccomp.security.alpha.kubernetes.io/pod\":\"runtime/default\"}"),
	  "" },
	{ "privileged: a filter would have no effect", NULL, NULL,
	  ONE(C(",\"securityContext\":{\"privileged\":true}")), "" },
	{ "Windows by its system", NULL, NULL,
	  POD("\"os\":{\"name\":\"windows\"},\"containers\":[" WEB("") "]", ""), "" },
	{ "Windows by its nodes", NULL, NULL,
	  POD("\"nodeSelector\":{\"kubernetes.io/os\":\"windows\"},\"containers\":[" WEB("") "]",
	      ""),
	  "" },
	{ "a mirror of what runs", NULL, NULL,
	  POD("\"containers\":[" WEB("") "]",
	      "\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}"),
	  "" },
	{ "a namespace that is left alone", "kube-system", NULL, ONE(C("")), "" },
	{ "a namespace that opted out", NULL, "boltseal.dev/opt-out=all", ONE(WEB("")), "" },
	{ "of some", NULL, "boltseal.dev/opt-out=seccomp.apparmor.affinity", ONE(WEB("")),
	  "[{\"op\":\"add\",\"path\":\"/spec/containers/0/securityContext\",\"value\":{"
	  "\"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"NET_BIND_SERVICE\"]}}}," EXPLAIN(
		  "contai"
		  "ner "
		  "\\\"w"
		  "\\\": "
		  "capabi"
		  "lities"
		  " drop "
		  "ALL "
		  "add "
		  "NET_"
		  "BIND_"
		  "SERVIC"
		  "E "
		  "(confi"
		  "gured"
		  ")") "]" },
	{ "a pod that may opt out", "dev-1", NULL,
	  POD("\"containers\":[" WEB("") "]", "\"annotations\":{\"boltseal.dev/opt-out\":\"all\"}"),
	  "" },
	{ "the profiles of an image", NULL, NULL, ONE(WEB("")),
	  "[{\"op\":\"add\",\"path\":\"/spec/containers/0/securityContext\",\"value\":" WEB_CONTEXT
	  "},{\"op\":\"add\",\"path\":\"/spec/affinity\",\"value\":{\"nodeAffinity\":{"
	  "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
	  "\"matchExpressions\":[" EXPR("seccomp", "1") "," EXPR(
		  "apparmor", "2") "]}]}}}}," EXPLAIN(WEB_NOTES) "]" },
	{ "terms that are there are alternatives; an empty one selects nothing", NULL, NULL,
	  POD("\"securityContext\":{},\"containers\":[" WEB(",\"securityContext\":{"
							    "\"seccompProfile\":{\"type\":"
							    "\"Localhost\","
							    "\"localhostProfile\":\"b/"
							    "web-1.json\"},\"appArmorProfile\":"
							    "{\"type\":"
							    "\"RuntimeDefault\"},"
							    "\"capabilities\":{\"drop\":[\"NET_"
							    "RAW\"]}}") "],\"affinity\":{"
									"\"nodeAffinity\":{"
									"\"requiredDuringSchedu"
									"lingIgnoredDuringExecu"
									"tion\":{"
									"\"nodeSelectorTerms\":"
									"[{"
									"\"matchExpressions\":["
									"{\"key\":\"z\","
									"\"operator\":"
									"\"Exists\"}]}"
									",{},{\"matchFields\":["
									"{\"key\":\"metadata."
									"name\",\"operator\":"
									"\"In\",\"values\":["
									"\"n\"]}"
									"]},{"
									"\"matchExpressions\":"
									"[" EXPR("seccomp",
										 "1") "]}]}}}",
	      ""),
	  "[{\"op\":\"add\",\"path\":\"/spec/affinity/nodeAffinity/"
	  "requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchExpressions/-\","
	  "\"value\":" EXPR("seccomp",
			    "1") "},{\"op\":\"add\",\"path\":\"/spec/affinity/nodeAffinity/"
				 "requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/"
				 "2/matchExpressions\","
				 "\"value\":[" EXPR("seccomp", "1") "]}," EXPLAIN(
					 "pod: node affinity d/seccomp.web=1") "]" },
	{ "any version of a profile", NULL, NULL,
	  ONE("{\"name\":\"d\",\"image\":\"shop/any\",\"securityContext\":{}}"),
	  "[{\"op\":\"add\",\"path\":\"/spec/containers/0/securityContext/"
	  "seccompProfile\",\"value\":"
	  "{\"type\":\"Localhost\",\"localhostProfile\":\"b/any.json\"}},{\"op\":\"add\",\"path\":"
	  "\"/spec/affinity\",\"value\":{\"nodeAffinity\":{"
	  "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
	  "\"matchExpressions\":[{\"key\":\"d/"
	  "seccomp.any\",\"operator\":\"Exists\"}]}]}}}}," EXPLAIN(
		  "container \\\"d\\\": seccomp Localhost b/any.json (configured); pod: node "
		  "affinity "
		  "d/seccomp.any") "]" },
	{ "bound already", NULL, NULL,
	  POD("\"nodeName\":\"n\",\"securityContext\":{\"appArmorProfile\":{\"type\":"
	      "\"Unconfined\"}},"
	      "\"containers\":[" WEB(
		      ",\"securityContext\":{\"capabilities\":{\"drop\":[\"ALL\"]}}") "]",
	      ""),
	  "[{\"op\":\"add\",\"path\":\"/spec/containers/0/securityContext/"
	  "seccompProfile\",\"value\":"
	  "{\"type\":\"Localhost\",\"localhostProfile\":\"b/web-1.json\"}}," EXPLAIN(
		  "container \\\"w\\\": seccomp Localhost b/web-1.json (configured)") "]" },
	{ "a tag that the profile is not for", NULL, NULL,
	  ONE("{\"name\":\"d\",\"image\":\"shop/db:8\"}"), DEFAULT_POD },
	{ "one that it is for; capabilities that the pod asks for stay", NULL, NULL,
	  ONE("{\"name\":\"d\",\"image\":\"shop/db:9.1\",\"securityContext\":{\"capabilities\":{"
	      "\"add\":[\"CHOWN\"]}}}"),
	  "[{\"op\":\"add\",\"path\":\"/spec/containers/0/securityContext/"
	  "seccompProfile\",\"value\":"
	  "{\"type\":\"Localhost\",\"localhostProfile\":\"b/db-3.json\"}},{\"op\":\"add\",\"path\":"
	  "\"/spec/containers/0/securityContext/capabilities/drop\",\"value\":[\"ALL\"]}," EXPLAIN(
		  "container \\\"d\\\": seccomp Localhost b/db-3.json (configured); container "
		  "\\\"d\\\": capabilities drop ALL (configured)") "]" },
	{ "an init container and one without profile", NULL, NULL,
	  POD("\"securityContext\":{},\"initContainers\":[{\"name\":\"d\",\"image\":\"shop/db:9\","
	      "\"securityContext\":{\"capabilities\":{\"drop\":[\"ALL\"]}}}],\"containers\":[" C(
		      "") "]",
	      "\"annotations\":{\"a\":\"b\"}"),
	  "[{\"op\":\"add\",\"path\":\"/spec/initContainers/0/securityContext/seccompProfile\","
	  "\"value\":{\"type\":\"Localhost\",\"localhostProfile\":\"b/"
	  "db-3.json\"}},{\"op\":\"add\","
	  "\"path\":\"/spec/securityContext/"
	  "seccompProfile\",\"value\":{\"type\":\"RuntimeDefault\"}},"
	  "{\"op\":\"add\",\"path\":\"/metadata/annotations/boltseal.dev~1admit\",\"value\":"
	  "\"container \\\"d\\\": seccomp Localhost b/db-3.json (configured); pod: seccomp "
	  "RuntimeDefault\"}]" },
};

static void same_json(const char *what, const char *got, const char *expected)
{
	cleanup_json struct json_object *a = json_tokener_parse(got);
	cleanup_json struct json_object *b = json_tokener_parse(expected);

	if (!json_object_equal(a, b))
		fail_msg("%s:\n%s\nexpected\n%s", what, got, expected);
}

/* What is patched is whole: nothing more is added to it. */
static void settled(const struct adm_config *c, const struct admit_world *w,
		    const struct admit_request *q, const char *what, const char *patch)
{
	cleanup_free char *object = patched(q->object, patch);
	struct admit_request again = *q;
	cleanup_json struct json_object *r = NULL;

	again.object = object;
	r = ask(c, w, ADM_MUTATE, &again);
	if (*at(r, "/patch"))
		fail_msg("%s: patched again: %s", what, object);
}

static void test_pods(void **state)
{
	cleanup_adm_config struct adm_config c;

	(void)state;
	admit_load(&c, config_text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct admit_world w = { .labels = cases[i].labels };
		struct admit_request q = { "CREATE", "pods", "Pod", .ns = cases[i].ns,
					   .object = cases[i].pod };
		cleanup_json struct json_object *r = ask(&c, &w, ADM_MUTATE, &q);
		cleanup_buf struct buf patch = { 0 };

		patch_of(r, &patch);
		assert_string_equal(at(r, "/allowed"), "true");
		if (!*cases[i].patch && patch.len)
			fail_msg("%s: %s", cases[i].what, patch.p);
		if (!*cases[i].patch)
			continue;
		same_json(cases[i].what, buf_str(&patch), cases[i].patch);
		settled(&c, &w, &q, cases[i].what, buf_str(&patch));
	}
}

/* Kubernetes before the fields: annotations. */
static void test_old_cluster(void **state)
{
	static const char old[] =
		"apiVersion: boltseal.dev/v1\nkind: AdmitConfiguration\n"
		"kubernetesVersion: v1.18\n"
		"mutate: {apparmor: runtime-default, profiles: [{image: shop/web, "
		"seccomp: s.json, apparmor: web}]}\n";
	struct admit_request q = { "CREATE", "pods", "Pod",
				   .object = POD("\"containers\":[" WEB("") "," C("") "]", "") };
	struct admit_world w = { 0 };
	cleanup_adm_config struct adm_config c;
	cleanup_buf struct buf patch = { 0 };
	cleanup_json struct json_object *r = NULL;

	(void)state;
	admit_load(&c, old);
	r = ask(&c, &w, ADM_MUTATE, &q);
	patch_of(r, &patch);
	same_json("old", buf_str(&patch),
		  "[{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{"
		  "\"container.seccomp.security.alpha.kubernetes.io/w\":\"localhost/s.json\","
		  "\"seccomp.security.alpha.kubernetes.io/pod\":\"runtime/default\","
		  "\"container.apparmor.security.beta.kubernetes.io/w\":\"localhost/web\","
		  "\"container.apparmor.security.beta.kubernetes.io/a\":\"runtime/default\","
		  "\"boltseal.dev/admit\":\"container \\\"w\\\": seccomp Localhost s.json "
		  "(configured); pod: seccomp RuntimeDefault; container \\\"w\\\": AppArmor "
		  "Localhost "
		  "web (configured); container \\\"a\\\": AppArmor RuntimeDefault\"}}]");
	settled(&c, &w, &q, "old", buf_str(&patch));
}

/* A sidecar that another webhook adds behind this one gets its profile the second time. */
static void test_reinvocation(void **state)
{
	struct admit_request q = {
		"CREATE", "pods", "Pod",
		.object = POD(
			"\"securityContext\":{\"seccompProfile\":{\"type\":\"RuntimeDefault\"}},"
			"\"containers\":[" C(
				"") ",{\"name\":\"d\",\"image\":\"shop/db:9\","
				    "\"securityContext\":{\"capabilities\":{\"drop\":[\"ALL\"]}}}]",
			"\"annotations\":{\"boltseal.dev/admit\":\"pod: seccomp "
			"RuntimeDefault\"}")
	};
	struct admit_world w = { 0 };
	cleanup_adm_config struct adm_config c;
	cleanup_buf struct buf patch = { 0 };
	cleanup_json struct json_object *r = NULL;

	(void)state;
	admit_load(&c, config_text);
	r = ask(&c, &w, ADM_MUTATE, &q);
	patch_of(r, &patch);
	same_json(
		"again", buf_str(&patch),
		"[{\"op\":\"add\",\"path\":\"/spec/containers/1/securityContext/seccompProfile\","
		"\"value\":{\"type\":\"Localhost\",\"localhostProfile\":\"b/db-3.json\"}},{\"op\":"
		"\"replace\",\"path\":\"/metadata/annotations/"
		"boltseal.dev~1admit\",\"value\":\"pod: "
		"seccomp RuntimeDefault; container \\\"d\\\": seccomp Localhost b/db-3.json "
		"(configured)\"}]");
	settled(&c, &w, &q, "again", buf_str(&patch));
}

/* Containers that are added to look into a pod. */
static void test_ephemeral(void **state)
{
#define DEBUG(name) "{\"name\":\"" name "\",\"image\":\"x\"}"
	struct admit_request q = {
		"UPDATE",
		"pods",
		"Pod",
		.subresource = "ephemeralcontainers",
		.object = POD("\"containers\":[" C("") "],\"ephemeralContainers\":[" DEBUG(
				      "e") "," DEBUG("f") "]",
			      ""),
		.old = POD("\"containers\":[" C("") "],\"ephemeralContainers\":[" DEBUG("e") "]",
			   "")
	};
	struct admit_world w = { 0 };
	cleanup_adm_config struct adm_config c;
	cleanup_buf struct buf patch = { 0 };
	cleanup_json struct json_object *r = NULL;

	(void)state;
	admit_load(&c, config_text);
	r = ask(&c, &w, ADM_MUTATE, &q);
	patch_of(r, &patch);
	same_json("ephemeral", buf_str(&patch),
		  "[{\"op\":\"add\",\"path\":\"/spec/ephemeralContainers/1/securityContext\","
		  "\"value\":{\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}}]");
	assert_string_equal(at(r, "/auditAnnotations/mutated"),
			    "container \"f\": seccomp RuntimeDefault");
}

/* A pod that may not opt out is told so. */
/* Profiles of seals: after those of the configuration; some only for pods that name them. */
static void test_seals(void **state)
{
	static const char *caps[] = { "KILL" };
	struct adm_profile profiles[] = {
		{ .image = "shop/web", .seccomp = "x.json", .why = "too late" },
		{ .image = "shop/api",
		  .seccomp = "boltseal/api-1.json",
		  .current = "boltseal/api.json",
		  .label = { "d/seccomp.api=1" },
		  .caps_known = true,
		  .caps = { caps, 1 },
		  .why = "SealProfile api" },
		{ .named_only = true,
		  .seccomp = "boltseal/own-2.json",
		  .current = "boltseal/own.json",
		  .label = { "d/seccomp.own=2" } },
	};
	const struct adm_seals seals = { profiles, ARRAY_SIZE(profiles) };
	static const struct {
		const char *image, *own, *profile, *key, *value;
	} t[] = {
		{ "shop/web:1", NULL, "b/web-1.json", "d/seccomp.web", "1" },
		{ "shop/api:7", NULL, "boltseal/api-1.json", "d/seccomp.api", "1" },
		{ "other", NULL, "", "", "" },
		{ "other", "boltseal/own-2.json", "", "d/seccomp.own", "2" },
		/* Under the name of whatever is current: any version will do. */
		{ "other", "boltseal/own.json", "", "d/seccomp.own", "" },
		{ "other", "boltseal/own-1.json", "", "", "" },
	};
	cleanup_adm_config struct adm_config c;
	struct admit_world w = { .seals = &seals };

	(void)state;
	admit_load(&c, config_text);
	assert_true(c.mutate.seals);
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		adm_profile_image(&profiles[i], &c.arena, profiles[i].image);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cleanup_free char *own =
			t[i].own ? xasprintf("{\"seccompProfile\":{\"type\":\"Localhost\","
					     "\"localhostProfile\":\"%s\"}}",
					     t[i].own)
				 : xstrdup("{}");
		cleanup_free char *pod = xasprintf("{\"metadata\":{},\"spec\":{\"containers\":[{"
						   "\"name\":\"c\",\"image\":\"%s\","
						   "\"securityContext\":%s}]}}",
						   t[i].image, own);
		struct admit_request q = { "CREATE", "pods", "Pod", .object = pod };
		cleanup_json struct json_object *r = ask(&c, &w, ADM_MUTATE, &q);
		cleanup_json struct json_object *got = NULL;
		cleanup_buf struct buf patch = { 0 };
		cleanup_free char *after = NULL;

		patch_of(r, &patch);
		after = patch.len ? patched(pod, buf_str(&patch)) : xstrdup(pod);
		got = json_tokener_parse(after);
#define FIRST                                                                         \
	"/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/" \
	"nodeSelectorTerms/0/matchExpressions/0"
		if (!t[i].own)
			assert_string_equal(at(got, "/spec/containers/0/securityContext/"
						    "seccompProfile/localhostProfile"),
					    t[i].profile);
		assert_string_equal(at(got, FIRST "/key"), t[i].key);
		assert_string_equal(at(got, FIRST "/values/0"), t[i].value);
		if (patch.len)
			settled(&c, &w, &q, t[i].image, buf_str(&patch));
		if (i == 1)
			assert_string_equal(at(got, "/spec/containers/0/securityContext/"
						    "capabilities/add/0"),
					    "KILL");
	}
}

static void test_opt_out_refused(void **state)
{
	struct admit_request q = { "CREATE", "pods", "Pod", .ns = "prod",
				   .object = POD(
					   "\"containers\":[" C("") "]",
					   "\"annotations\":{\"boltseal.dev/opt-out\":\"all\"}") };
	struct admit_world w = { 0 };
	cleanup_adm_config struct adm_config c;
	cleanup_json struct json_object *r = NULL;

	(void)state;
	admit_load(&c, config_text);
	r = ask(&c, &w, ADM_MUTATE, &q);
	assert_string_not_equal(at(r, "/patch"), "");
	assert_string_equal(
		at(r, "/warnings/0"),
		"the annotation boltseal.dev/opt-out has no effect in namespace \"prod\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pods),	     cmocka_unit_test(test_old_cluster),
		cmocka_unit_test(test_reinvocation), cmocka_unit_test(test_ephemeral),
		cmocka_unit_test(test_seals),	     cmocka_unit_test(test_opt_out_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
