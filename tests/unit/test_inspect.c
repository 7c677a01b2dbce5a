/* Checks: documents of every kind, what is found in them, and that every check finds something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"
#include "inspect/edit.h"
#include "inspect/report.h"

#define POD(meta, spec) "apiVersion: v1\nkind: Pod\nmetadata: {name: p" meta "}\nspec: {" spec "}\n"
#define CONTAINER(rest) "containers: [{name: a, image: img" rest "}]"

/* Each rule and pointer must be among the findings; "" as pointer: any. */
struct expected {
	const char *rule, *pointer;
};

static const struct {
	const char *text;
	struct expected found[6];
	const char *absent; /* a rule that must not be found */
} cases[] = {
	{ POD("", CONTAINER(", securityContext: {privileged: true, seccompProfile: {type: "
			    "RuntimeDefault}, capabilities: {add: [SYS_ADMIN, CHOWN]}}")),
	  { { "R01", "/spec/containers/0/securityContext/privileged" },
	    { "R26", "/spec/containers/0/securityContext/seccompProfile/type" },
	    { "R07", "/spec/containers/0/securityContext/capabilities/add/0" },
	    { "R08", "/spec/containers/0/securityContext/capabilities/add/1" },
	    { "R08", "/spec/containers/0/securityContext/capabilities/drop" },
	    { "R09", "/spec/containers/0/securityContext/allowPrivilegeEscalation" } },
	  "R13" },
	{ POD("", "volumes: [{name: v, hostPath: {path: /var/run//docker.sock/}}], containers: "
		  "[{name: a, image: i}]"),
	  { { "R04", "/spec/volumes/0/hostPath/path" } },
	  "R01" },
	{ POD("", "hostPID: true, volumes: [{name: v, hostPath: {path: "
		  "/run/containerd/containerd.sock}}"
		  ", {name: w, nfs: {server: a, path: b}}], " CONTAINER("")),
	  { { "R02", "/spec/hostPID" },
	    { "R03", "/spec/volumes/0/hostPath/path" },
	    { "R04", "/spec/volumes/0/hostPath/path" },
	    { "R19", "/spec/volumes/1" },
	    { "R22", "/spec/containers/0/securityContext" },
	    { "R13", "/spec/securityContext/seccompProfile" } },
	  "R18" },
	{ POD("", "securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}], seLinuxOptions: "
		  "{user: u}}, " CONTAINER(
			  ", ports: [{hostPort: 80}], livenessProbe: {httpGet: {host: h}}, "
			  "securityContext: {procMount: Unmasked}, volumeMounts: [{name: "
			  "x, mountPath: /x, mountPropagation: Bidirectional}]")),
	  { { "R05", "/spec/containers/0/ports/0/hostPort" },
	    { "R06", "/spec/containers/0/livenessProbe/httpGet/host" },
	    { "R16", "/spec/securityContext/seLinuxOptions/user" },
	    { "R17", "/spec/containers/0/securityContext/procMount" },
	    { "R18", "/spec/securityContext/sysctls/0" },
	    { "R24", "/spec/containers/0/volumeMounts/0/mountPropagation" } },
	  "R22" },
	{ POD("", "securityContext: {runAsUser: 0}, " CONTAINER(
			  ", securityContext: {seccompProfile: {type: Unconfined}, "
			  "appArmorProfile: {type: "
			  "Unconfined}}")),
	  { { "R10", "/spec/securityContext/runAsUser" },
	    { "R12", "/spec/containers/0/securityContext/seccompProfile/type" },
	    { "R15", "/spec/containers/0/securityContext/appArmorProfile/type" },
	    { "R11", "/spec/containers/0/securityContext/readOnlyRootFilesystem" },
	    { "R27", "/spec/automountServiceAccountToken" },
	    { "R21", "/spec/hostUsers" } },
	  "R13" },
	/* Windows: Linux checks are silent, what the API server refuses is said */
	{ POD("", "os: {name: windows}, securityContext: {windowsOptions: {hostProcess: true, "
		  "runAsUserName: ContainerAdministrator}}, " CONTAINER(
			  ", securityContext: {privileged: "
			  "true}")),
	  { { "R20", "/spec/securityContext/windowsOptions/hostProcess" },
	    { "R20", "/spec/securityContext/windowsOptions/runAsUserName" },
	    { "R29", "/spec/containers/0/securityContext/privileged" } },
	  "R09" },
	/* annotations of old */
	{ POD(", annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default, "
	      "container.apparmor.security.beta.kubernetes.io/a: localhost/x}",
	      CONTAINER("")),
	  { { "R28", "/metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod" },
	    { "R28", "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a" },
	    { "R13", "" } },
	  "R15" },
	/* a profile on no node, without a name, outside of the folder */
	{ POD("", "securityContext: {seccompProfile: {type: Localhost}}, " CONTAINER("")),
	  { { "R25", "/spec/securityContext/seccompProfile/localhostProfile" } },
	  "R13" },
	{ POD("", "securityContext: {seccompProfile: {type: Localhost, localhostProfile: "
		  "a/../../x}}, " CONTAINER("")),
	  { { "R25", "/spec/securityContext/seccompProfile/localhostProfile" } },
	  "R12" },
	/* nothing to say */
	{ POD("", "hostUsers: false, automountServiceAccountToken: false, securityContext: "
		  "{runAsNonRoot: "
		  "true, seccompProfile: {type: RuntimeDefault}}, " CONTAINER(
			  ", securityContext: {allowPrivilegeEscalation: false, "
			  "readOnlyRootFilesystem: "
			  "true, capabilities: {drop: [ALL]}}")),
	  { { NULL, NULL } },
	  "" },
	{ "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: "
	  "{template: "
	  "{spec: {hostIPC: true, containers: [{name: a}]}}}}}\n",
	  { { "R02", "/spec/jobTemplate/spec/template/spec/hostIPC" } },
	  "R01" },
	{ "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: "
	  "{name: ns}\n",
	  { { "R23", "/items/0/metadata/labels/pod-security.kubernetes.io~1enforce" } },
	  "R01" },
	/* ECS */
	{ "{\"family\": \"f\", \"requiresCompatibilities\": [\"FARGATE\"], "
	  "\"containerDefinitions\": "
	  "[{\"name\": \"a\", \"privileged\": true, \"dockerSecurityOptions\": [\"seccomp:x\"]}]}",
	  { { "R01", "/containerDefinitions/0/privileged" },
	    { "R29", "/containerDefinitions/0/privileged" },
	    { "R29", "/containerDefinitions/0/dockerSecurityOptions/0" },
	    { "R11", "/containerDefinitions/0/readonlyRootFilesystem" } },
	  "R09" },
	{ "Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      PidMode: "
	  "host\n"
	  "      ContainerDefinitions:\n      - Name: a\n        Image: !Ref I\n",
	  { { "R02", "/Resources/T/Properties/PidMode" },
	    { "R11", "/Resources/T/Properties/ContainerDefinitions/0/ReadonlyRootFilesystem" } },
	  "R01" },
	{ "{\"terraform_version\": \"1\", \"values\": {\"root_module\": {\"resources\": "
	  "[{\"type\": "
	  "\"aws_ecs_task_definition\", \"address\": \"x\", \"values\": "
	  "{\"container_definitions\": "
	  "\"[{\\\"name\\\": \\\"c\\\", \\\"privileged\\\": true}]\"}}]}}}",
	  { { "R01",
	      "/values/root_module/resources/0/values/container_definitions/0/privileged" } },
	  "R12" },
	/* Docker */
	{ "[{\"Name\": \"/web\", \"AppArmorProfile\": \"\", \"Config\": {\"User\": \"0:0\", "
	  "\"Image\": "
	  "\"i\"}, \"HostConfig\": {\"UsernsMode\": \"host\", \"SecurityOpt\": "
	  "[\"seccomp=unconfined\", "
	  "\"no-new-privileges\"], \"CapAdd\": [\"CAP_NET_ADMIN\"]}, \"Mounts\": [{\"Type\": "
	  "\"bind\", "
	  "\"Source\": \"/var/run/docker.sock\", \"Destination\": \"/s\", \"RW\": true}]}]",
	  { { "R10", "/0/Config/User" },
	    { "R12", "/0/HostConfig/SecurityOpt/0" },
	    { "R07", "/0/HostConfig/CapAdd/0" },
	    { "R04", "/0/Mounts/0" },
	    { "R15", "/0/AppArmorProfile" },
	    { "R21", "/0/HostConfig/UsernsMode" } },
	  "R09" },
	/* Compose */
	{ "services:\n  a:\n    image: i\n    pid: host\n    security_opt: "
	  "[\"seccomp:unconfined\"]\n"
	  "    volumes: [\"/etc:/e\", \"v:/v\"]\n    ports: [\"127.0.0.1:80:8080\"]\n",
	  { { "R02", "/services/a/pid" },
	    { "R03", "/services/a/volumes/0" },
	    { "R05", "/services/a/ports/0" },
	    { "R12", "/services/a/security_opt/0" },
	    { "R24", "/services/a/pids_limit" } },
	  "R01" },
	{ "services:\n  a:\n    image: i\n    volumes: [\"${S:-/var/run/docker.sock}:/s\", "
	  "\"${U}:/u\", \"~/.ssh:/k\", \"/tmp/../etc:/e\"]\n    network_mode: ${A:-${B-host}}\n"
	  "    privileged: \"${P:-true}\"\n    deploy: {resources: {limits: {pids: 9}}}\n",
	  { { "R04", "/services/a/volumes/0" },
	    { "R03", "/services/a/volumes/2" },
	    { "R03", "/services/a/volumes/3" },
	    { "R02", "/services/a/network_mode" },
	    { "R01", "/services/a/privileged" } },
	  "R24" },
	{ "volumes:\n  r: {driver_opts: {type: none, o: 'ro,bind', device: '${R:-/}'}}\n  n: {}\n"
	  "services:\n  a:\n    image: i\n    volumes: [\"n:/n\", \"r:/r\", {type: volume, source: "
	  "r, target: /s}]\n",
	  { { "R03", "/services/a/volumes/1" }, { "R03", "/services/a/volumes/2" } },
	  "R04" },
	{ "services:\n  a:\n    image: i\n    volumes: [\"$$/etc:/s\", \"${H:?/etc:/s}\"]\n"
	  "    network_mode: ${N:+host}\n    privileged: \"false\"\n    pid: ${N\n",
	  { { "R10", "/services/a/user" }, { "R24", "/services/a/pids_limit" } },
	  "R02" },
	/* OCI */
	{ "{\"ociVersion\": \"1.0.2\", \"process\": {\"user\": {\"uid\": 0}, \"capabilities\": "
	  "{\"bounding\": [\"CAP_SYS_ADMIN\"]}}, \"root\": {}, \"linux\": {\"namespaces\": "
	  "[{\"type\": "
	  "\"mount\"}]}}",
	  { { "R02", "/linux/namespaces" },
	    { "R07", "/process/capabilities/bounding/0" },
	    { "R10", "/process/user/uid" },
	    { "R13", "/linux/seccomp" },
	    { "R17", "/linux" },
	    { "R09", "/process/noNewPrivileges" } },
	  "R08" },
	/* nodes */
	{ "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nreadOnlyPort: "
	  "10255\n"
	  "authentication: {anonymous: {enabled: true}}\nauthorization: {mode: AlwaysAllow}\n",
	  { { "R14", "/seccompDefault" },
	    { "N01", "/authentication/anonymous/enabled" },
	    { "N02", "/authorization/mode" },
	    { "N03", "/authentication/x509/clientCAFile" },
	    { "N04", "/readOnlyPort" },
	    { "N05", "/protectKernelDefaults" } },
	  "N06" },
	{ "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: "
	  "KubeletConfiguration\nallowedUnsafeSysctls: "
	  "[net.core.somaxconn]\nseccompDefault: true\nprotectKernelDefaults: true\n",
	  { { "N06", "/allowedUnsafeSysctls" }, { "N07", "/podPidsLimit" } },
	  "R14" },
	{ "{\"log-driver\": \"x\", \"seccomp-profile\": \"unconfined\", \"hosts\": "
	  "[\"tcp://0.0.0.0\"]}",
	  { { "N08", "/userns-remap" },
	    { "N09", "/no-new-privileges" },
	    { "N10", "/seccomp-profile" },
	    { "N11", "/icc" },
	    { "N12", "/hosts/0" } },
	  "R01" },
	{ "{\"boltsealNodeState\": 1, \"name\": \"n\", \"security\": {\"modules\": [\"yama\"]}, "
	  "\"sysctl\": {\"kernel.kptr_restrict\": \"0\", \"kernel.core_pattern\": "
	  "\"|/proc/1/root/x\"}, \"sockets\": {\"/s\": \"0666\"}, \"files\": {\"/f\": \"0664\"}}",
	  { { "N13", "/security/modules" },
	    { "N14", "/sysctl/kernel.kptr_restrict" },
	    { "N15", "/sockets/~1s" },
	    { "N16", "/files/~1f" },
	    { "N17", "/sysctl/kernel.core_pattern" } },
	  "N08" },
	{ "{\"boltsealNodeState\": 1, \"security\": {\"modules\": [\"apparmor\"]}, "
	  "\"sysctl\": {\"kernel.kptr_restrict\": \"1\", \"kernel.core_pattern\": \"core\"}, "
	  "\"sockets\": {\"/s\": \"0660\"}, \"files\": {\"/f\": \"0644\"}}",
	  { { 0 } },
	  "N13" },
	{ "{\"boltsealNodeState\": 1, \"security\": {\"modules\": [\"selinux\"], "
	  "\"selinuxEnforcing\": false}}",
	  { { "N13", "/security/selinuxEnforcing" } },
	  "N14" },
	{ "{\"boltsealNodeState\": 1, \"security\": {\"apparmor\": true}}", { { 0 } }, "N13" },
	{ "{\"boltsealNodeState\": 1, \"security\": {\"selinuxEnforcing\": true}}",
	  { { 0 } },
	  "N13" },
};

static void inspect(struct ins_report *r, const struct ins_options *o, const char *text)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct err e = { 0 };

	if (yaml_parse(&s, "in", text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	ins_stream(r, o, &s, false);
	ins_waivers_apply(r, 0);
	ins_finish(r);
}

static const struct ins_finding *find(const struct ins_report *r, const char *rule,
				      const char *pointer)
{
	for (size_t i = 0; i < r->findings_n; i++)
		if (!strcmp(r->findings[i].check->id, rule) &&
		    (!pointer || !*pointer || !strcmp(r->findings[i].place.pointer, pointer)))
			return &r->findings[i];
	return NULL;
}

static const struct ins_options plain = { .kubelet_dir = "var/lib/kubelet" };

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_ins_report struct ins_report r = { 0 };

		inspect(&r, &plain, cases[i].text);
		if (r.problems_n)
			fail_msg("%s", r.problems[0].text);
		for (size_t k = 0; k < 6 && cases[i].found[k].rule; k++)
			if (!find(&r, cases[i].found[k].rule, cases[i].found[k].pointer))
				fail_msg("%s\nno %s at %s", cases[i].text, cases[i].found[k].rule,
					 cases[i].found[k].pointer);
		if (!*cases[i].absent && r.findings_n)
			fail_msg("%s\nfound %s: %s", cases[i].text, r.findings[0].check->id,
				 r.findings[0].message);
		if (find(&r, cases[i].absent, NULL))
			fail_msg("%s\nfound %s", cases[i].text, cases[i].absent);
	}
}

/* ---- a node and a model */

static int excess(const char *profile, const struct workload *w, struct ins_excess *out,
		  struct err *e)
{
	(void)profile;
	(void)w;
	(void)e;
	*out = (struct ins_excess){ .allowed = 10, .used = 4, .examples = "bpf" };
	return 0;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	assert_int_equal(io_write_file(path, text, strlen(text), NULL), 0);
}

static void test_node_and_model(void **state)
{
	char dir[] = "/tmp/boltseal-inspect-XXXXXX";
	struct ins_model model = { .path = "m.json" };
	struct ins_options o = {
		.kubelet_dir = "kubelet", .models = &model, .models_n = 1, .excess = excess
	};
	cleanup_ins_report struct ins_report r = { 0 };
	cleanup_free char *rm = NULL;
	static const char text[] =
		POD("", "securityContext: {seccompProfile: {type: Localhost, localhostProfile: "
			"there.json}, "
			"appArmorProfile: {type: Localhost, localhostProfile: gone}}, containers: "
			"[{name: a, "
			"image: 'reg/img:1', securityContext: {seccompProfile: {type: Localhost, "
			"localhostProfile: gone.json}, capabilities: {drop: [NET_BIND_SERVICE]}}}, "
			"{name: b, "
			"image: 'img:2'}]");

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "kubelet/seccomp/there.json", "{}");
	write_file(dir, "sys/kernel/security/apparmor/profiles", "docker-default (enforce)\n");
	o.node_root = dir;
	wl_init(&model.w);
	model.w.identity.image = wl_string(&model.w, "docker.io/reg/img:7");
	wl_prov_add(&wl_cap_add(&model.w, 10, WL_CAP_GRANTED, "bind", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), -1, -1);
	inspect(&r, &o, text);
	assert_non_null(find(&r, "R25",
			     "/spec/containers/0/securityContext/seccompProfile/"
			     "localhostProfile"));
	assert_null(find(&r, "R25", "/spec/securityContext/seccompProfile/localhostProfile"));
	assert_non_null(find(&r, "R25", "/spec/securityContext/appArmorProfile/localhostProfile"));
	assert_non_null(find(&r, "R32", "/spec/containers/0/securityContext/capabilities/drop"));
	assert_non_null(find(&r, "R31", "/spec/containers/1/securityContext/capabilities/drop"));
	assert_non_null(find(&r, "R30", "/spec/securityContext/seccompProfile/localhostProfile"));
	assert_non_null(find(&r, "R30", NULL)->evidence);
	wl_free(&model.w);
	rm = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(rm), 0);
}

/* ---- documents that are wrong */

static void test_problems(void **state)
{
	static const struct {
		const char *text, *problem;
	} t[] = {
		{ "kind: Pod\nspec: {}\n",
		  "in:1:1: /: the member \"apiVersion\" is missing (expected a string)" },
		{ "apiVersion: v1\nkind: Pood\n",
		  "in:2:7: /kind: unknown kind \"Pood\" of v1; did you mean \"Pod\"?" },
		{ "apiVersion: a.b/v1\nkind: Thing\n",
		  "in:2:7: /kind: unknown kind \"Thing\" of a.b/v1" },
		{ "apiVersion: v1\nkind: Pod\n",
		  "in:1:1: /: the member \"spec\" is missing (expected a map)" },
		{ "apiVersion: v1\nkind: Pod\nspec: {hostPID: 'true'}\n",
		  "in:3:17: /spec/hostPID: expected true or false, found a string (true)" },
		{ "apiVersion: v1\nkind: Pod\nspec: {containers: {}}\n",
		  "in:3:20: /spec/containers: expected a list, found a map" },
		{ "apiVersion: v1\nkind: Pod\nspec: {containers: [x]}\n",
		  "in:3:21: /spec/containers/0: expected a map, found a string (x)" },
		{ "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {a: 1}}\nspec: {}\n",
		  "in:3:29: /metadata/annotations/a: expected a string, found a whole number (1)" },
		{ "containerDefinitions: {}\n",
		  "in:1:23: /containerDefinitions: expected a list, found a map" },
		{ "apiVersion: v1\nkind: Pod\nkind: Pod\n",
		  "in:3:1: the key \"kind\" is there already, in line 2, column 1" },
		{ "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {boltseal.dev/waive-R01: "
		  "'owner=a'}}\n"
		  "spec: {}\n",
		  "in:3:50: boltseal.dev/waive-R01: a waiver needs a reason (expected \"owner=…; "
		  "expires=YYYY-MM-DD; reason=…\")" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cleanup_ins_report struct ins_report r = { 0 };

		inspect(&r, &plain, t[i].text);
		assert_int_equal(r.problems_n, 1);
		assert_string_equal(r.problems[0].text, t[i].problem);
		assert_true(r.problems[0].place.line > 0);
	}
}

static void test_waivers(void **state)
{
	static const char text[] = POD(
		", annotations: {boltseal.dev/waive-R02: 'owner=a; expires=2020-01-31; reason=x', "
		"boltseal.dev/waive-R10: 'owner=b; expires=2020-02-29; reason=y; z'}",
		"hostPID: true, " CONTAINER(""));
	cleanup_ins_report struct ins_report r = { .now = 1580515200 }; /* 2020-02-01 */
	const struct ins_finding *f;

	(void)state;
	inspect(&r, &plain, text);
	f = find(&r, "R02", NULL);
	assert_true(f->waiver && f->waiver->expired);
	f = find(&r, "R10", NULL);
	assert_true(f->waiver && !f->waiver->expired);
	assert_string_equal(f->waiver->reason, "y; z");
	assert_int_equal(r.waived, 1);
	assert_int_equal(ins_failures(&r, INS_HIGH), 1);
}

/* Every check of the table finds something in a case; R30 to R32 need a model. */
static void test_every_check_fires(void **state)
{
	bool fired[128] = { false };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_ins_report struct ins_report r = { 0 };

		inspect(&r, &plain, cases[i].text);
		for (size_t k = 0; k < r.findings_n; k++)
			fired[r.findings[k].check - ins_checks] = true;
	}
	for (const struct ins_check *c = ins_checks; c->id; c++, n++) {
		bool model = !strcmp(c->id, "R30") || !strcmp(c->id, "R31") ||
			     !strcmp(c->id, "R32");

		if (!fired[n] && !model)
			fail_msg("no case for %s", c->id);
		assert_true(c->title && c->why && c->fix && c->run && c->targets);
		assert_ptr_equal(ins_check_find(c->id), c);
	}
}

/* What is corrected passes. */
static void test_fixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_ins_report struct ins_report r = { 0 }, again = { 0 };
		cleanup_yaml struct yaml_stream s = { 0 };
		cleanup_buf struct buf out = { 0 };
		struct arena a = { 0 };

		assert_int_equal(yaml_parse(&s, "in", cases[i].text, strlen(cases[i].text), NULL),
				 0);
		ins_stream(&r, &plain, &s, false);
		ins_finish(&r);
		if (!r.subjects_n || r.subjects[0].target != INS_KUBERNETES)
			continue;
		for (size_t k = 0; k < r.findings_n; k++) {
			if (!r.findings[k].edits_n)
				continue;
			out.len = 0;
			assert_int_equal(edit_text(&a, &s, &s.doc[0], r.findings[k].edits,
						   r.findings[k].edits_n, &out),
					 0);
			memset(&again, 0, sizeof(again));
			inspect(&again, &plain, out.p);
			for (size_t m = 0; m < again.findings_n; m++)
				if (again.findings[m].fingerprint == r.findings[k].fingerprint &&
				    !strcmp(again.findings[m].value, r.findings[k].value))
					fail_msg("%s\n%s is still there: %s", out.p,
						 r.findings[k].check->id,
						 again.findings[m].message);
			ins_report_free(&again);
		}
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_node_and_model),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_waivers),
		cmocka_unit_test(test_every_check_fires),
		cmocka_unit_test(test_fixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
