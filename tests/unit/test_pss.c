/* The Pod Security Standards: versions, texts, and the standard's own examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "inspect/inspect.h"

static void judge(const char *text, enum pss_level level, unsigned minor, struct buf *out)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct arena a = { 0 };
	struct err e = { 0 };
	struct ps_reader rd = { .s = &s, .arena = &a, .e = &e };
	struct pss_policy policy = { level, minor };
	struct pss_violation v[PSS_MAX_CHECKS];
	struct ps_pod pod = { 0 };
	struct yaml_node *root;

	if (yaml_parse(&s, "pod", text, strlen(text), &e) < 0 || !(root = yaml_only(&s, &e)))
		fail_msg("%s", e.msg);
	if (ps_read_kube(&rd, yaml_get(root, "metadata"), yaml_get(root, "spec"), true, &pod) < 0)
		fail_msg("%s", e.msg);
	pss_message(v, pss_evaluate(&pod, &policy, &a, v), out);
	arena_free(&a);
}

/* A container that level restricted lets through, with this in its securityContext. */
#define SC(x)                                                                               \
	"name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: " \
	"[ALL]}, "                                                                          \
	"runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}" x "}"
#define POD(spec) "metadata: {name: p}\nspec: {" spec "}\n"

/* Judged at this level and version, the pod gives this message; "" conforms. */
static const struct {
	const char *pod;
	enum pss_level level;
	unsigned minor;
	const char *message;
} cases[] = {
	{ POD("containers: [{" SC("") "}]"), PSS_RESTRICTED, PSS_LATEST, "" },
	{ POD("containers: [{name: a}]"), PSS_BASELINE, PSS_LATEST, "" },
	{ POD("hostPID: true, containers: [{name: a}]"), PSS_PRIVILEGED, PSS_LATEST, "" },
	/* restricted grew over the versions */
	{ POD("containers: [{name: a}]"), PSS_RESTRICTED, 0,
	  "runAsNonRoot != true (pod or container \"a\" must set "
	  "securityContext.runAsNonRoot=true)" },
	{ POD("containers: [{name: a}]"), PSS_RESTRICTED, 8,
	  "allowPrivilegeEscalation != false (container \"a\" must set "
	  "securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "
	  "\"a\" must set securityContext.runAsNonRoot=true)" },
	{ POD("containers: [{name: a}, {name: b}]"), PSS_RESTRICTED, 22,
	  "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set "
	  "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "
	  "\"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != "
	  "true "
	  "(pod or containers \"a\", \"b\" must set securityContext.runAsNonRoot=true), "
	  "seccompProfile (pod or containers \"a\", \"b\" must set "
	  "securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")" },
	/* capabilities */
	{ POD("containers: [{name: a, securityContext: {capabilities: {add: [NET_RAW, BPF, "
	      "CHOWN]}}}]"),
	  PSS_BASELINE, 5,
	  "non-default capabilities (container \"a\" must not include \"BPF\", \"NET_RAW\" in "
	  "securityContext.capabilities.add)" },
	{ POD("containers: [{" SC(
		  "") "}], initContainers: [{name: i, securityContext: {"
		      "allowPrivilegeEscalation: false, capabilities: {drop: [all], add: [CHOWN]}, "
		      "runAsNonRoot: true, seccompProfile: {type: Localhost}}}]"),
	  PSS_RESTRICTED, 29,
	  "unrestricted capabilities (container \"i\" must set "
	  "securityContext.capabilities.drop=[\"ALL\"]; container \"i\" must not include \"CHOWN\" "
	  "in "
	  "securityContext.capabilities.add)" },
	{ POD("containers: [{" SC(", capabilities2: 1") "}]"), PSS_RESTRICTED, 21, "" },
	/* host namespaces; ports of a pod on the host's network are the host's */
	{ POD("hostNetwork: true, hostIPC: true, containers: [{name: a, ports: [{containerPort: "
	      "80}, "
	      "{containerPort: 9, hostPort: 9}]}]"),
	  PSS_BASELINE, 29,
	  "host namespaces (hostNetwork=true, hostIPC=true), hostPort (container \"a\" uses "
	  "hostPorts "
	  "80, 9)" },
	{ POD("containers: [{name: a, ports: [{hostPort: 10}]}, {name: b, ports: [{hostPort: "
	      "10}]}]"),
	  PSS_BASELINE, 29, "hostPort (containers \"a\", \"b\" use hostPort 10)" },
	{ POD("volumes: [{name: v, hostPath: {path: /}}], containers: [{name: a}]"), PSS_BASELINE,
	  0, "hostPath volumes (volume \"v\")" },
	/* probes: since 1.34 */
	{ POD("containers: [{name: b, livenessProbe: {httpGet: {host: x}}}, {name: a, lifecycle: "
	      "{preStop: {tcpSocket: {host: z}}}}]"),
	  PSS_BASELINE, 34,
	  "probe or lifecycle host (containers \"a\", \"b\" use probe or lifecycle hosts \"x\", "
	  "\"z\")" },
	{ POD("containers: [{name: b, livenessProbe: {httpGet: {host: x}}}]"), PSS_BASELINE, 33,
	  "" },
	{ POD("containers: [{name: b, livenessProbe: {httpGet: {host: ''}}}]"), PSS_BASELINE, 34,
	  "" },
	/* user namespaces relax from 1.35 on, for what is explicitly false */
	{ POD("hostUsers: false, containers: [{name: a, securityContext: {procMount: Unmasked}}]"),
	  PSS_BASELINE, 34,
	  "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")" },
	{ POD("hostUsers: false, containers: [{name: a, securityContext: {procMount: Unmasked}}]"),
	  PSS_BASELINE, 35, "" },
	{ POD("hostUsers: false, containers: [{" SC(", procMount: Unmasked") "}]"), PSS_RESTRICTED,
	  35,
	  "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")" },
	{ POD("hostUsers: false, securityContext: {runAsUser: 0, runAsNonRoot: false}, containers: "
	      "[{" SC("") "}]"),
	  PSS_RESTRICTED, 35, "" },
	{ POD("hostUsers: true, securityContext: {runAsUser: 0}, containers: [{" SC("") "}]"),
	  PSS_RESTRICTED, 35, "runAsUser=0 (pod must not set runAsUser=0)" },
	{ POD("securityContext: {runAsUser: 0}, containers: [{" SC("") "}]"), PSS_RESTRICTED, 22,
	  "" },
	/* root */
	{ POD("securityContext: {runAsNonRoot: false}, containers: [{" SC("") "}]"), PSS_RESTRICTED,
	  29, "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)" },
	/* SELinux */
	{ POD("securityContext: {seLinuxOptions: {type: container_engine_t}}, containers: [{name: "
	      "a}]"),
	  PSS_BASELINE, 30,
	  "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "
	  "\"container_engine_t\")" },
	{ POD("securityContext: {seLinuxOptions: {type: container_engine_t}}, containers: [{name: "
	      "a}]"),
	  PSS_BASELINE, 31, "" },
	{ POD("securityContext: {seLinuxOptions: {user: u}}, containers: [{name: a, "
	      "securityContext: "
	      "{seLinuxOptions: {type: b, role: r}}}]"),
	  PSS_BASELINE, 29,
	  "seLinuxOptions (pod and container \"a\" set forbidden securityContext.seLinuxOptions: "
	  "type "
	  "\"b\"; user may not be set; role may not be set)" },
	/* seccomp: annotations before 1.19, fields since */
	{ "metadata: {name: p, annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined, "
	  "container.seccomp.security.alpha.kubernetes.io/a: '', "
	  "container.seccomp.security.alpha.kubernetes.io/other: x}}\nspec: {containers: [{name: "
	  "a}]}\n",
	  PSS_BASELINE, 18,
	  "seccompProfile (forbidden annotations "
	  "container.seccomp.security.alpha.kubernetes.io/a=\"\", "
	  "seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")" },
	{ "metadata: {name: p, annotations: {seccomp.security.alpha.kubernetes.io/pod: "
	  "unconfined}}\n"
	  "spec: {containers: [{name: a}]}\n",
	  PSS_BASELINE, 19, "" },
	{ POD("securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a, "
	      "securityContext: {seccompProfile: {}}}]"),
	  PSS_BASELINE, 19,
	  "seccompProfile (pod and container \"a\" must not set "
	  "securityContext.seccompProfile.type to "
	  "\"\", \"Unconfined\")" },
	{ POD("securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a}]"),
	  PSS_BASELINE, 18, "" },
	/* AppArmor: fields and annotations, of containers that do not exist too */
	{ "metadata: {name: p, annotations: {container.apparmor.security.beta.kubernetes.io/zz: "
	  "unconfined}}\nspec: {containers: [{name: a, securityContext: {appArmorProfile: {type: "
	  "Unconfined}}}]}\n",
	  PSS_BASELINE, 0,
	  "forbidden AppArmor profiles (container \"a\" and annotation must not set AppArmor "
	  "profile "
	  "type to \"Unconfined\", "
	  "\"container.apparmor.security.beta.kubernetes.io/zz=\"unconfined\"\")" },
	/* sysctls */
	{ POD("securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '1'}, {name: "
	      "net.ipv4.ip_local_reserved_ports, value: '1'}]}, containers: [{name: a}]"),
	  PSS_BASELINE, 31, "forbidden sysctls (net.ipv4.tcp_rmem)" },
	{ POD("securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '1'}, {name: "
	      "net.ipv4.ip_local_reserved_ports, value: '1'}]}, containers: [{name: a}]"),
	  PSS_BASELINE, 26,
	  "forbidden sysctls (net.ipv4.tcp_rmem, net.ipv4.ip_local_reserved_ports)" },
	{ POD("securityContext: {sysctls: [{name: net.ipv4.tcp_notsent_lowat, value: '1'}]}, "
	      "containers: [{name: a}]"),
	  PSS_BASELINE, 36, "forbidden sysctls (net.ipv4.tcp_notsent_lowat)" },
	{ POD("securityContext: {sysctls: [{name: net.ipv4.tcp_notsent_lowat, value: '1'}]}, "
	      "containers: [{name: a}]"),
	  PSS_BASELINE, PSS_LATEST, "" },
	/* volumes: a name alone is an emptyDir */
	{ POD("volumes: [{name: v}, {name: w, nfs: {server: s, path: /}}, {name: x, fc: {}}], "
	      "containers: [{" SC("") "}]"),
	  PSS_RESTRICTED, 29,
	  "restricted volume types (volumes \"w\", \"x\" use restricted volume types \"fc\", "
	  "\"nfs\")" },
	{ POD("volumes: [{name: v, hostPath: {path: /x}}], containers: [{" SC("") "}]"),
	  PSS_RESTRICTED, 29,
	  "restricted volume types (volume \"v\" uses restricted volume type \"hostPath\")" },
	/* Windows is spared three checks from 1.25 on */
	{ POD("os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: "
	      "a}]"),
	  PSS_RESTRICTED, 25, "" },
	{ POD("os: {name: windows}, securityContext: {runAsNonRoot: true, seccompProfile: {type: "
	      "Localhost}}, containers: [{name: a, securityContext: {allowPrivilegeEscalation: "
	      "false}}]"),
	  PSS_RESTRICTED, 24,
	  "unrestricted capabilities (container \"a\" must set "
	  "securityContext.capabilities.drop=[\"ALL\"])" },
	{ POD("securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: a, "
	      "securityContext: {windowsOptions: {hostProcess: true}}}]"),
	  PSS_BASELINE, 29,
	  "hostProcess (pod and container \"a\" must not set "
	  "securityContext.windowsOptions.hostProcess=true)" },
	/* ephemeral containers are containers */
	{ POD("containers: [{name: a}], ephemeralContainers: [{name: e, securityContext: "
	      "{privileged: "
	      "true}}]"),
	  PSS_BASELINE, 29,
	  "privileged (container \"e\" must not set securityContext.privileged=true)" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf out = { 0 };

		judge(cases[i].pod, cases[i].level, cases[i].minor, &out);
		if (strcmp(buf_str(&out), cases[i].message))
			fail_msg("%s\nexpected: %s\nfound:    %s", cases[i].pod, cases[i].message,
				 buf_str(&out));
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int r;
		unsigned minor;
	} t[] = {
		{ "latest", 0, PSS_LATEST }, { "v1.0", 0, 0 },	       { "v1.29", 0, 29 },
		{ "v1.100", 0, 100 },	     { "v1.029", -EINVAL, 0 }, { "1.29", -EINVAL, 0 },
		{ "v1.", -EINVAL, 0 },	     { "v2.0", -EINVAL, 0 },   { "v1.2x", -EINVAL, 0 },
		{ "v1.00", -EINVAL, 0 },     { "", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		unsigned minor = 0;

		assert_int_equal(pss_version_parse(t[i].text, &minor, NULL), t[i].r);
		assert_int_equal(minor, t[i].minor);
	}
}

/*
 * Where each rule changes. `from` … `to`: the minor versions in which the pod violates the level,
 * NEVER none; in all others, latest and those to come (which are judged as the newest) it conforms
 * or not as the newest does. Restricted pods have everything else in order, so that one rule alone
 * decides.
 */
enum { NEVER = -1, NEWEST = PSS_NEWEST };
#define BAD_SYSCTL(name)                               \
	POD("securityContext: {sysctls: [{name: " name \
	    ", value: '1'}]}, containers: [{" SC("") "}]")
#define ANNOTATED(key, value)                               \
	"metadata: {name: p, annotations: {" key ": " value \
	"}}\nspec: {containers: [{" SC("") "}]}\n"
#define RESTRICTED_POD(more) POD(more "containers: [{" SC("") "}]")
#define CONTAINER(sc)	     POD("containers: [{name: a, securityContext: {" sc "}}]")
/* All of restricted but for one thing. */
#define NO_DROP                                                                  \
	"allowPrivilegeEscalation: false, runAsNonRoot: true, seccompProfile: {" \
	"type: RuntimeDefault}"
#define NO_SECCOMP                                                                    \
	"allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [" \
	"ALL]}"
#define NO_ESCALATION                                                                 \
	"runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}, capabilities: {" \
	"drop: [ALL]}"
#define NO_NON_ROOT                                                                 \
	"allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}, " \
	"capabilities: {drop: [ALL]}"
#define WINDOWS(sc) POD("os: {name: windows}, containers: [{name: a, securityContext: {" sc "}}]")

struct span {
	int from, to;
};
static const struct span always = { 0, NEWEST }, never = { NEVER, NEVER };

static const struct {
	const char *pod;
	struct span baseline, restricted;
} spans[] = {
	{ RESTRICTED_POD(""), never, never },
	/* rules that never changed */
	{ RESTRICTED_POD("hostNetwork: true, "), always, always },
	{ RESTRICTED_POD("hostPID: true, "), always, always },
	{ RESTRICTED_POD("hostIPC: true, "), always, always },
	{ RESTRICTED_POD("volumes: [{name: v, hostPath: {path: /x}}], "), always, always },
	{ RESTRICTED_POD("volumes: [{name: v, nfs: {server: s, path: /}}], "), never, always },
	{ RESTRICTED_POD("volumes: [{name: v, unheardOf: {}}], "), never, always },
	{ RESTRICTED_POD("volumes: [{name: v}, {name: w, image: {reference: x}}, {name: x, "
			 "ephemeral: {}}, {name: z, csi: {driver: d}}], "),
	  never, never },
	{ POD("containers: [{" SC("") ", ports: [{containerPort: 1, hostPort: 1}]}]"), always,
	  always },
	{ POD("containers: [{" SC("") ", ports: [{containerPort: 1, hostPort: 0}]}]"), never,
	  never },
	{ POD("containers: [{" SC(", privileged: true") "}]"), always, always },
	{ POD("containers: [{" SC(", windowsOptions: {hostProcess: true}") "}]"), always, always },
	{ RESTRICTED_POD("securityContext: {windowsOptions: {hostProcess: true}}, "), always,
	  always },
	{ RESTRICTED_POD("securityContext: {appArmorProfile: {type: Unconfined}}, "), always,
	  always },
	{ RESTRICTED_POD("securityContext: {appArmorProfile: {}}, "), always, always },
	{ RESTRICTED_POD("securityContext: {appArmorProfile: {type: Localhost}}, "), never, never },
	{ ANNOTATED("container.apparmor.security.beta.kubernetes.io/x", "unconfined"), always,
	  always },
	{ ANNOTATED("container.apparmor.security.beta.kubernetes.io/x", "''"), never, never },
	{ ANNOTATED("container.apparmor.security.beta.kubernetes.io/x", "localhost/y"), never,
	  never },
	{ RESTRICTED_POD("securityContext: {runAsNonRoot: false}, "), never, always },
	{ CONTAINER(NO_NON_ROOT), never, always },
	{ POD("securityContext: {runAsNonRoot: true}, containers: [{name: a, securityContext: "
	      "{" NO_NON_ROOT "}}]"),
	  never, never },
	/* 1.8: privilege escalation */
	{ CONTAINER(NO_ESCALATION), never, { 8, NEWEST } },
	{ CONTAINER(NO_ESCALATION ", allowPrivilegeEscalation: true"), never, { 8, NEWEST } },
	/* 1.19: seccomp is a field, and needed */
	{ ANNOTATED("seccomp.security.alpha.kubernetes.io/pod", "unconfined"),
	  { 0, 18 },
	  { 0, 18 } },
	{ ANNOTATED("seccomp.security.alpha.kubernetes.io/pod", "docker/default"), never, never },
	{ ANNOTATED("container.seccomp.security.alpha.kubernetes.io/a", "''"),
	  { 0, 18 },
	  { 0, 18 } },
	{ ANNOTATED("container.seccomp.security.alpha.kubernetes.io/b", "unconfined"), never,
	  never },
	{ CONTAINER(NO_SECCOMP), never, { 19, NEWEST } },
	{ CONTAINER(NO_SECCOMP ", seccompProfile: {type: Unconfined}"),
	  { 19, NEWEST },
	  { 19, NEWEST } },
	{ CONTAINER(NO_SECCOMP ", seccompProfile: {type: Localhost}"), never, never },
	{ POD("securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, "
	      "securityContext: {" NO_SECCOMP "}}]"),
	  never, never },
	/* 1.22: capabilities have to be dropped */
	{ CONTAINER(NO_DROP), never, { 22, NEWEST } },
	{ CONTAINER(NO_DROP ", capabilities: {drop: [all]}"), never, { 22, NEWEST } },
	{ CONTAINER(NO_DROP ", capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}"), never,
	  never },
	{ CONTAINER(NO_DROP ", capabilities: {drop: [ALL], add: [CHOWN]}"), never, { 22, NEWEST } },
	{ CONTAINER(NO_DROP ", capabilities: {drop: [ALL], add: [NET_RAW]}"), always, always },
	{ CONTAINER(NO_DROP ", capabilities: {drop: [ALL], add: [CAP_CHOWN]}"), always, always },
	/* 1.23: user 0 */
	{ RESTRICTED_POD("securityContext: {runAsUser: 0}, "), never, { 23, NEWEST } },
	{ POD("containers: [{" SC(", runAsUser: 0") "}]"), never, { 23, NEWEST } },
	{ POD("containers: [{" SC(", runAsUser: 1") "}]"), never, never },
	/* 1.25: Windows is spared three checks, by spec.os alone */
	{ WINDOWS("runAsNonRoot: true"), never, { 8, 24 } },
	{ WINDOWS(NO_DROP), never, { 22, 24 } },
	{ WINDOWS(NO_SECCOMP), never, { 19, 24 } },
	{ WINDOWS(NO_NON_ROOT), never, always },
	{ POD("nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a, securityContext: "
	      "{runAsNonRoot: true}}]"),
	  never,
	  { 8, NEWEST } },
	/* a bad capability is baseline's, which counts for Windows at level restricted until 1.21
	 */
	{ WINDOWS("runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {add: "
		  "[NET_RAW]}"),
	  always,
	  { 0, 24 } },
	/* sysctls */
	{ BAD_SYSCTL("kernel.shm_rmid_forced"), never, never },
	{ BAD_SYSCTL("net.ipv4.ip_local_port_range"), never, never },
	{ BAD_SYSCTL("net.ipv4.tcp_syncookies"), never, never },
	{ BAD_SYSCTL("net.ipv4.ping_group_range"), never, never },
	{ BAD_SYSCTL("net.ipv4.ip_unprivileged_port_start"), never, never },
	{ BAD_SYSCTL("net.ipv4.ip_local_reserved_ports"), { 0, 26 }, { 0, 26 } },
	{ BAD_SYSCTL("net.ipv4.tcp_keepalive_time"), { 0, 28 }, { 0, 28 } },
	{ BAD_SYSCTL("net.ipv4.tcp_fin_timeout"), { 0, 28 }, { 0, 28 } },
	{ BAD_SYSCTL("net.ipv4.tcp_keepalive_intvl"), { 0, 28 }, { 0, 28 } },
	{ BAD_SYSCTL("net.ipv4.tcp_keepalive_probes"), { 0, 28 }, { 0, 28 } },
	{ BAD_SYSCTL("net.ipv4.tcp_rmem"), { 0, 31 }, { 0, 31 } },
	{ BAD_SYSCTL("net.ipv4.tcp_wmem"), { 0, 31 }, { 0, 31 } },
	{ BAD_SYSCTL("net.ipv4.tcp_slow_start_after_idle"), { 0, 36 }, { 0, 36 } },
	{ BAD_SYSCTL("net.ipv4.tcp_notsent_lowat"), { 0, 36 }, { 0, 36 } },
	{ BAD_SYSCTL("kernel.msgmax"), always, always },
	/* 1.31: a type of SELinux */
	{ RESTRICTED_POD("securityContext: {seLinuxOptions: {type: container_engine_t}}, "),
	  { 0, 30 },
	  { 0, 30 } },
	{ RESTRICTED_POD("securityContext: {seLinuxOptions: {type: container_kvm_t, level: s0}}, "),
	  never, never },
	{ RESTRICTED_POD("securityContext: {seLinuxOptions: {type: ''}}, "), never, never },
	{ RESTRICTED_POD("securityContext: {seLinuxOptions: {role: r}}, "), always, always },
	{ RESTRICTED_POD("securityContext: {seLinuxOptions: {user: u}}, "), always, always },
	/* 1.34: hosts of probes and hooks */
	{ POD("containers: [{" SC("") ", livenessProbe: {httpGet: {host: h}}}]"),
	  { 34, NEWEST },
	  { 34, NEWEST } },
	{ POD("containers: [{" SC("") ", readinessProbe: {tcpSocket: {host: h}}}]"),
	  { 34, NEWEST },
	  { 34, NEWEST } },
	{ POD("containers: [{" SC("") ", startupProbe: {httpGet: {host: h}}}]"),
	  { 34, NEWEST },
	  { 34, NEWEST } },
	{ POD("containers: [{" SC("") ", lifecycle: {postStart: {httpGet: {host: h}}}}]"),
	  { 34, NEWEST },
	  { 34, NEWEST } },
	{ POD("containers: [{" SC("") ", lifecycle: {preStop: {tcpSocket: {host: h}}}}]"),
	  { 34, NEWEST },
	  { 34, NEWEST } },
	{ POD("containers: [{" SC("") ", livenessProbe: {httpGet: {host: ''}}}]"), never, never },
	{ POD("containers: [{" SC("") ", livenessProbe: {grpc: {port: 1}}}]"), never, never },
	/* 1.35: user namespaces, only when they are asked for */
	{ POD("containers: [{" SC(", procMount: Unmasked") "}]"), always, always },
	{ POD("containers: [{" SC(", procMount: Default") "}]"), never, never },
	{ POD("hostUsers: true, containers: [{" SC(", procMount: Unmasked") "}]"), always, always },
	{ POD("hostUsers: false, containers: [{" SC(", procMount: Unmasked") "}]"),
	  { 0, 34 },
	  always },
	{ RESTRICTED_POD("hostUsers: false, securityContext: {runAsUser: 0}, "),
	  never,
	  { 23, 34 } },
	{ RESTRICTED_POD("hostUsers: false, securityContext: {runAsNonRoot: false}, "),
	  never,
	  { 0, 34 } },
	{ RESTRICTED_POD("hostUsers: true, securityContext: {runAsNonRoot: false}, "), never,
	  always },
	{ POD("hostUsers: false, containers: [{name: a, securityContext: {" NO_NON_ROOT "}}]"),
	  never,
	  { 0, 34 } },
	/* not relaxed by it */
	{ POD("hostUsers: false, containers: [{" SC(", privileged: true") "}]"), always, always },
	{ POD("hostUsers: false, containers: [{name: a, securityContext: {" NO_DROP "}}]"),
	  never,
	  { 22, NEWEST } },
};

static bool within(const struct span *s, unsigned minor)
{
	unsigned m = minor > NEWEST ? NEWEST : minor;

	return s->from != NEVER && m >= (unsigned)s->from && m <= (unsigned)s->to;
}

static void check_span(const char *pod, enum pss_level level, const struct span *s, unsigned minor)
{
	cleanup_buf struct buf out = { 0 };

	judge(pod, level, minor, &out);
	if ((out.len != 0) != within(s, minor))
		fail_msg("%s\n%s v1.%u: '%s'", pod, pss_level_name(level), minor, buf_str(&out));
}

static void test_versions(void **state)
{
	static const unsigned beyond[] = { NEWEST + 1, 99, PSS_LATEST };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		for (unsigned v = 0; v <= NEWEST + ARRAY_SIZE(beyond); v++) {
			unsigned minor = v <= NEWEST ? v : beyond[v - NEWEST - 1];

			check_span(spans[i].pod, PSS_PRIVILEGED, &never, minor);
			check_span(spans[i].pod, PSS_BASELINE, &spans[i].baseline, minor);
			check_span(spans[i].pod, PSS_RESTRICTED, &spans[i].restricted, minor);
		}
	}
}

/* The texts, where one and several differ, as the standard words them. */
#define TWO(sc)                                                                                  \
	POD("containers: [{name: a, securityContext: {" sc "}}, {name: b, securityContext: {" sc \
	    "}}]")
static const struct {
	const char *pod;
	enum pss_level level;
	unsigned minor;
	const char *message;
} texts[] = {
	{ TWO("capabilities: {add: [BPF]}"), PSS_BASELINE, 37,
	  "non-default capabilities (containers \"a\", \"b\" must not include \"BPF\" in "
	  "securityContext.capabilities.add)" },
	{ POD("hostPID: true, containers: [{name: a}]"), PSS_BASELINE, 37,
	  "host namespaces (hostPID=true)" },
	{ POD("volumes: [{name: z, hostPath: {path: /}}, {name: x, hostPath: {path: /}}], "
	      "containers: [{name: a}]"),
	  PSS_BASELINE, 37, "hostPath volumes (volumes \"z\", \"x\")" },
	{ POD("containers: [{name: a, ports: [{hostPort: 1}]}]"), PSS_BASELINE, 37,
	  "hostPort (container \"a\" uses hostPort 1)" },
	{ POD("containers: [{name: a, ports: [{hostPort: 10}]}, {name: b, ports: [{hostPort: "
	      "9}]}]"),
	  PSS_BASELINE, 37, "hostPort (containers \"a\", \"b\" use hostPorts 10, 9)" },
	{ POD("containers: [{name: a, livenessProbe: {httpGet: {host: x}}}]"), PSS_BASELINE, 37,
	  "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"x\")" },
	{ POD("containers: [{name: b, livenessProbe: {httpGet: {host: x}}}], initContainers: "
	      "[{name: i, livenessProbe: {httpGet: {host: x}}}]"),
	  PSS_BASELINE, 37,
	  "probe or lifecycle host (containers \"b\", \"i\" use probe or lifecycle host \"x\")" },
	{ POD("initContainers: [{name: z, securityContext: {privileged: true}}], containers: "
	      "[{name: a, securityContext: {privileged: true}}]"),
	  PSS_BASELINE, 37,
	  "privileged (containers \"z\", \"a\" must not set securityContext.privileged=true)" },
	{ TWO("procMount: Unmasked"), PSS_RESTRICTED, 0,
	  "procMount (containers \"a\", \"b\" must not set securityContext.procMount to "
	  "\"Unmasked\"), runAsNonRoot != true (pod or containers \"a\", \"b\" must set "
	  "securityContext.runAsNonRoot=true)" },
	{ POD("securityContext: {seLinuxOptions: {type: x}}, containers: [{name: a, "
	      "securityContext: {seLinuxOptions: {type: z}}}, {name: b, securityContext: "
	      "{seLinuxOptions: {type: x}}}]"),
	  PSS_BASELINE, 37,
	  "seLinuxOptions (pod and containers \"a\", \"b\" set forbidden "
	  "securityContext.seLinuxOptions: types \"x\", \"z\")" },
	{ POD("securityContext: {seLinuxOptions: {user: u, role: r}}, containers: [{name: a}]"),
	  PSS_BASELINE, 37,
	  "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: user may not be set; "
	  "role may not be set)" },
	{ "metadata: {name: p, annotations: {seccomp.security.alpha.kubernetes.io/pod: x}}\nspec: "
	  "{containers: [{name: a}]}\n",
	  PSS_BASELINE, 0,
	  "seccompProfile (forbidden annotation "
	  "seccomp.security.alpha.kubernetes.io/pod=\"x\")" },
	{ POD("containers: [{name: a, securityContext: {seccompProfile: {type: Unconfined}}}]"),
	  PSS_BASELINE, 37,
	  "seccompProfile (container \"a\" must not set securityContext.seccompProfile.type to "
	  "\"Unconfined\")" },
	{ POD("securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: a}]"),
	  PSS_BASELINE, 37,
	  "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")" },
	{ "metadata: {name: p, annotations: {container.apparmor.security.beta.kubernetes.io/a: x, "
	  "container.apparmor.security.beta.kubernetes.io/b: z}}\nspec: {containers: [{name: "
	  "a}]}\n",
	  PSS_BASELINE, 37,
	  "forbidden AppArmor profiles (annotations must not set AppArmor profile type to "
	  "\"container.apparmor.security.beta.kubernetes.io/a=\"x\"\", "
	  "\"container.apparmor.security.beta.kubernetes.io/b=\"z\"\")" },
	{ POD("securityContext: {sysctls: [{name: b, value: '1'}, {name: a, value: '1'}]}, "
	      "containers: [{name: a}]"),
	  PSS_BASELINE, 37, "forbidden sysctls (b, a)" },
	{ POD("securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: a}]"),
	  PSS_BASELINE, 37,
	  "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)" },
	{ POD("volumes: [{name: v, nfs: {}}, {name: w, nfs: {}}], containers: [{" SC("") "}]"),
	  PSS_RESTRICTED, 37,
	  "restricted volume types (volumes \"v\", \"w\" use restricted volume type \"nfs\")" },
	{ POD("volumes: [{name: v, unheardOf: {}}], containers: [{" SC("") "}]"), PSS_RESTRICTED,
	  37, "restricted volume types (volume \"v\" uses restricted volume type \"unknown\")" },
	{ POD("securityContext: {runAsNonRoot: true}, containers: [{" SC(
		  "") "}, {name: b, "
		      "securityContext: {runAsNonRoot: false, runAsUser: 0, "
		      "allowPrivilegeEscalation: "
		      "false, seccompProfile: {type: Localhost}, capabilities: {drop: [ALL]}}}]"),
	  PSS_RESTRICTED, 37,
	  "runAsNonRoot != true (container \"b\" must not set "
	  "securityContext.runAsNonRoot=false), runAsUser=0 (container \"b\" must not set "
	  "runAsUser=0)" },
	/* A bad value is told alone; what is missing then is not. */
	{ POD("containers: [{" SC("") "}, {name: b, securityContext: {" NO_SECCOMP
				      ", seccompProfile: {type: Unconfined}}}, {name: c, "
				      "securityContext: {" NO_SECCOMP "}}]"),
	  PSS_RESTRICTED, 37,
	  "seccompProfile (container \"b\" must not set securityContext.seccompProfile.type to "
	  "\"Unconfined\")" },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_buf struct buf out = { 0 };

		judge(texts[i].pod, texts[i].level, texts[i].minor, &out);
		if (strcmp(buf_str(&out), texts[i].message))
			fail_msg("%s\nexpected: %s\nfound:    %s", texts[i].pod, texts[i].message,
				 buf_str(&out));
	}
}

/* ---- the standard's own manifests */

static size_t judge_folder(const char *dir, const char *result, enum pss_level level,
			   unsigned minor)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, result);
	cleanup_closedir DIR *d = opendir(path);
	struct dirent *de;
	size_t n = 0;

	while (d && (de = readdir(d))) {
		cleanup_free char *file = xasprintf("%s/%s", path, de->d_name);
		cleanup_buf struct buf text = { 0 }, out = { 0 };

		if (*de->d_name == '.')
			continue;
		assert_int_equal(io_read_file(file, YAML_MAX_BYTES, &text, NULL), 0);
		judge(text.p, level, minor, &out);
		if ((out.len == 0) != !strcmp(result, "pass"))
			fail_msg("%s: %s", file, buf_str(&out));
		n++;
	}
	return n;
}

static void test_fixtures(void **state)
{
	const char *shared = getenv("BOLTSEAL_SHARED");
	size_t n = 0;

	(void)state;
	for (int level = PSS_BASELINE; level <= PSS_RESTRICTED; level++)
		for (unsigned minor = 0; minor <= PSS_NEWEST; minor++) {
			cleanup_free char *dir = xasprintf(
				"%s/testdata/pod-security/%s/v1.%u", shared ? shared : "../shared",
				pss_level_name((enum pss_level)level), minor);

			n += judge_folder(dir, "pass", (enum pss_level)level, minor);
			n += judge_folder(dir, "fail", (enum pss_level)level, minor);
		}
	if (!n)
		skip(); /* the manifests are not here */
	print_message("%zu manifests\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	 cmocka_unit_test(test_versions),
		cmocka_unit_test(test_texts),	 cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fixtures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
