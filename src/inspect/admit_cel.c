/*
 * The Pod Security Standards as expressions that the API server evaluates itself (CEL,
 * ValidatingAdmissionPolicy, Kubernetes 1.26 and later), for those who want no webhook.
 */
#include <string.h>

#include "inspect/admit_cel.h"

const char *cel_api_of(unsigned minor, unsigned v1, unsigned beta)
{
	return minor >= v1 ? "v1" : minor >= beta ? "v1beta1" : "v1alpha1";
}

/* ---- the standards */

#define SPEC "variables.spec"
#define CTRS "variables.containers"
/* No container has the member M of its security context, or it is good. */
#define EACH(m, good)                                                               \
	CTRS ".all(c, !has(c.securityContext) || !has(c.securityContext." m ") || " \
	     "(" good "))"
#define POD(m, good) \
	"(!has(" SPEC ".securityContext) || !has(" SPEC ".securityContext." m ") || (" good "))"
#define OWN_USERS "(has(" SPEC ".hostUsers) && !" SPEC ".hostUsers)"
#define OFF(m)	  "(!has(" SPEC "." m ") || !" SPEC "." m ")"
#define TYPES	  "in ['RuntimeDefault', 'Localhost']"
#define NO_HOST(h)                                                                             \
	"(!has(c." h ") || ((!has(c." h ".httpGet) || !has(c." h ".httpGet.host) || c." h      \
	".httpGet.host == '') && (!has(c." h ".tcpSocket) || !has(c." h ".tcpSocket.host) || " \
	"c." h ".tcpSocket.host == '')))"
#define NO_HOOK(h) "(!has(c.lifecycle) || " NO_HOST("lifecycle." h) ")"
#define SE(o, types)                                                                 \
	"(!has(" o ".type) || " o ".type in [" types "]) && (!has(" o ".user) || " o \
	".user == '') && (!has(" o ".role) || " o ".role == '')"
#define SE_TYPES "'', 'container_t', 'container_init_t', 'container_kvm_t'"
#define SELINUX(types)                                                           \
	POD("seLinuxOptions", SE(SPEC ".securityContext.seLinuxOptions", types)) \
	" && " EACH("seLinuxOptions", SE("c.securityContext.seLinuxOptions", types))
#define PROC EACH("procMount", "c.securityContext.procMount == 'Default'")
#define GOOD_SECCOMP                                                              \
	POD("seccompProfile", SPEC ".securityContext.seccompProfile.type " TYPES) \
	" && " EACH("seccompProfile", "c.securityContext.seccompProfile.type " TYPES)
#define NON_ROOT                                                                                 \
	POD("runAsNonRoot", SPEC ".securityContext.runAsNonRoot")                                \
	" && " EACH("runAsNonRoot",                                                              \
		    "c.securityContext.runAsNonRoot") " && ((has(" SPEC                          \
						      ".securityContext) && has(" SPEC           \
						      ".securityContext.runAsNonRoot)) || " CTRS \
						      ".all(c, has(c.securityContext) && "       \
						      "has(c.securityContext.runAsNonRoot)))"
#define NOT_ZERO                                                 \
	POD("runAsUser", SPEC ".securityContext.runAsUser != 0") \
	" && " EACH("runAsUser", "c.securityContext.runAsUser != 0")
#define SYSCTLS_25                                                   \
	"'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', " \
	"'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', "   \
	"'net.ipv4.ip_unprivileged_port_start'"
#define SYSCTLS_27 SYSCTLS_25 ", 'net.ipv4.ip_local_reserved_ports'"
#define SYSCTLS_29                                                                 \
	SYSCTLS_27 ", 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', " \
		   "'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'"
#define SYSCTLS_32 SYSCTLS_29 ", 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'"
#define SYSCTLS_37                                            \
	SYSCTLS_32 ", 'net.ipv4.tcp_slow_start_after_idle', " \
		   "'net.ipv4.tcp_notsent_lowat'"
#define SYSCTLS(list) POD("sysctls", SPEC ".securityContext.sysctls.all(s, s.name in [" list "])")

/*
 * Rows of a check go from its newest revision to its oldest; the first whose `since` is not beyond
 * the version counts. Whether the check runs at all, pss_check_runs() says.
 */
static const struct {
	const char *id;
	unsigned since;
	const char *reason, *expression;
} rows[] = {
	{ "appArmorProfile", 0, "forbidden AppArmor profile",
	  POD("appArmorProfile", SPEC ".securityContext.appArmorProfile.type " TYPES) " && " EACH(
		  "appArmorProfile",
		  "c.securityContext.appArmorProfile.type " TYPES) " && "
								   "variables.annotations.all(k, "
								   "!k.startsWith("
								   "'" ADM_APPARMOR_KEY "') || "
								   "variables.annotations[k] in "
								   "['', 'runtime/default'] || "
								   "variables.annotations[k]."
								   "startsWith('localhost/'))" },
	{ "capabilities_baseline", 0, "non-default capabilities",
	  EACH("capabilities",
	       "!has(c.securityContext.capabilities.add) || "
	       "c.securityContext.capabilities.add.all(x, x in ['AUDIT_WRITE', 'CHOWN', "
	       "'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', "
	       "'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'])") },
	{ "hostNamespaces", 0, "host namespaces",
	  OFF("hostNetwork") " && " OFF("hostPID") " && " OFF("hostIPC") },
	{ "hostPathVolumes", 0, "hostPath volumes",
	  "!has(" SPEC ".volumes) || " SPEC ".volumes.all(v, !has(v.hostPath))" },
	{ "hostPorts", 0, "hostPort",
	  CTRS ".all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))" },
	{ "hostProbesAndHostLifecycle", 34, "probe or lifecycle host",
	  CTRS ".all(c, " NO_HOST("livenessProbe") " && " NO_HOST("readinessProbe") " && " NO_HOST(
		  "startupProbe") " && " NO_HOOK("postStart") " && " NO_HOOK("preStop") ")" },
	{ "privileged", 0, "privileged", EACH("privileged", "!c.securityContext.privileged") },
	{ "procMount", 35, "procMount", OWN_USERS " || " PROC },
	{ "procMount", 0, "procMount", PROC },
	{ "seLinuxOptions", 31, "seLinuxOptions", SELINUX(SE_TYPES ", 'container_engine_t'") },
	{ "seLinuxOptions", 0, "seLinuxOptions", SELINUX(SE_TYPES) },
	{ "seccompProfile_baseline", 0, "seccompProfile", GOOD_SECCOMP },
	{ "sysctls", 37, "forbidden sysctls", SYSCTLS(SYSCTLS_37) },
	{ "sysctls", 32, "forbidden sysctls", SYSCTLS(SYSCTLS_32) },
	{ "sysctls", 29, "forbidden sysctls", SYSCTLS(SYSCTLS_29) },
	{ "sysctls", 27, "forbidden sysctls", SYSCTLS(SYSCTLS_27) },
	{ "sysctls", 0, "forbidden sysctls", SYSCTLS(SYSCTLS_25) },
	{ "windowsHostProcess", 0, "hostProcess",
	  POD("windowsOptions",
	      "!has(" SPEC ".securityContext.windowsOptions.hostProcess) || !" SPEC
	      ".securityContext.windowsOptions.hostProcess") " && " EACH("windowsOptions",
									 "!has(c.securityContext."
									 "windowsOptions."
									 "hostProcess) || "
									 "!c.securityContext."
									 "windowsOptions."
									 "hostProcess") },
	{ "allowPrivilegeEscalation", 0, "allowPrivilegeEscalation != false",
	  "variables.windows || " CTRS
	  ".all(c, has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && "
	  "!c.securityContext.allowPrivilegeEscalation)" },
	{ "capabilities_restricted", 0, "unrestricted capabilities",
	  "variables.windows || " CTRS
	  ".all(c, has(c.securityContext) && has(c.securityContext.capabilities) && "
	  "has(c.securityContext.capabilities.drop) && 'ALL' in "
	  "c.securityContext.capabilities.drop "
	  "&& (!has(c.securityContext.capabilities.add) || "
	  "c.securityContext.capabilities.add.all(x, x == 'NET_BIND_SERVICE')))" },
	{ "procMount_restricted", 0, "procMount", PROC },
	{ "restrictedVolumes", 0, "restricted volume types",
	  "!has(" SPEC ".volumes) || " SPEC
	  ".volumes.all(v, has(v.configMap) || has(v.csi) || has(v.downwardAPI) || has(v.emptyDir) "
	  "|| has(v.ephemeral) || has(v.image) || has(v.persistentVolumeClaim) || "
	  "has(v.projected) || has(v.secret))" },
	{ "runAsNonRoot", 35, "runAsNonRoot != true", OWN_USERS " || (" NON_ROOT ")" },
	{ "runAsNonRoot", 0, "runAsNonRoot != true", NON_ROOT },
	{ "runAsUser", 35, "runAsUser=0", OWN_USERS " || (" NOT_ZERO ")" },
	{ "runAsUser", 0, "runAsUser=0", NOT_ZERO },
	{ "seccompProfile_restricted", 0, "seccompProfile",
	  "variables.windows || (" GOOD_SECCOMP " && ((has(" SPEC ".securityContext) && has(" SPEC
	  ".securityContext.seccompProfile)) || " CTRS
	  ".all(c, has(c.securityContext) && has(c.securityContext.seccompProfile))))" },
};

/* Where the pod is in an object; objects of one shape share a policy. */
static const struct shape {
	const char *name, *spec, *meta;
	bool is_pod;
	const char *rules; /* of matchConstraints, YAML */
} shapes[] = {
	{ "pods", "object.spec", "object.metadata", true,
	  "    - {apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: "
	  "[pods, pods/ephemeralcontainers]}\n" },
	{ "templates", "object.spec.template.spec", "object.spec.template.metadata", false,
	  "    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: "
	  "[daemonsets, deployments, replicasets, statefulsets]}\n"
	  "    - {apiGroups: [batch], apiVersions: [v1], operations: [CREATE, UPDATE], resources: "
	  "[jobs]}\n" },
	{ "cronjobs", "object.spec.jobTemplate.spec.template.spec",
	  "object.spec.jobTemplate.spec.template.metadata", false,
	  "    - {apiGroups: [batch], apiVersions: [v1], operations: [CREATE, UPDATE], resources: "
	  "[cronjobs]}\n" },
};

void cel_put_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '\'');
	for (; *text; text++)
		buf_puts(out, *text == '\'' ? "''" : (char[]){ *text, '\0' });
	buf_putc(out, '\'');
}

void cel_put_string(struct buf *out, const char *text)
{
	buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

static void put_list(struct buf *out, const struct adm_words *w)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < w->n; i++) {
		buf_puts(out, i ? ", " : "");
		cel_put_string(out, w->v[i]);
	}
	buf_putc(out, ']');
}

void cel_put_condition(struct buf *out, const char *name, struct buf *expression)
{
	buf_printf(out, "  - name: %s\n    expression: ", name);
	cel_put_quoted(out, buf_str(expression));
	buf_putc(out, '\n');
	buf_free(expression);
}

/* Who is exempt, and changes of pods that do not matter. */
static void put_conditions(const struct adm_config *c, const struct shape *s, struct buf *out)
{
	struct buf b = { 0 };

	if (!s->is_pod && !c->exempt_users.n && !c->exempt_classes.n)
		return;
	buf_puts(out, "  matchConditions:\n");
	if (c->exempt_users.n) {
		buf_puts(&b, "!(request.userInfo.username in ");
		put_list(&b, &c->exempt_users);
		buf_putc(&b, ')');
		cel_put_condition(out, "user", &b);
	}
	if (c->exempt_classes.n) {
		buf_printf(&b, "!has(%s.runtimeClassName) || !(%s.runtimeClassName in ", s->spec,
			   s->spec);
		put_list(&b, &c->exempt_classes);
		buf_putc(&b, ')');
		cel_put_condition(out, "runtime-class", &b);
	}
	if (s->is_pod) {
		buf_puts(&b,
			 "request.operation != 'UPDATE' || request.subResource != '' || "
			 "object.spec.containers.map(c, c.image) != "
			 "oldObject.spec.containers.map(c, c.image) || (has(object.spec."
			 "initContainers) ? object.spec.initContainers.map(c, c.image) : []) != "
			 "(has(oldObject.spec.initContainers) ? "
			 "oldObject.spec.initContainers.map(c, c.image) : [])");
		cel_put_condition(out, "significant", &b);
	}
}

static void put_variable(struct buf *out, const char *name, struct buf *expression)
{
	buf_printf(out, "  - name: %s\n    expression: ", name);
	cel_put_quoted(out, buf_str(expression));
	buf_putc(out, '\n');
	buf_free(expression);
}

static void put_variables(const struct shape *s, struct buf *out)
{
	struct buf b = { 0 };

	buf_puts(out, "  variables:\n");
	buf_puts(&b, s->spec);
	put_variable(out, "spec", &b);
	if (s->is_pod)
		buf_printf(&b, "has(%s.annotations) ? %s.annotations : {}", s->meta, s->meta);
	else
		buf_printf(&b, "has(%s) && has(%s.annotations) ? %s.annotations : {}", s->meta,
			   s->meta, s->meta);
	put_variable(out, "annotations", &b);
	buf_puts(&b, "(has(" SPEC ".initContainers) ? " SPEC ".initContainers : []) + " SPEC
		     ".containers + (has(" SPEC ".ephemeralContainers) ? " SPEC
		     ".ephemeralContainers : [])");
	put_variable(out, "containers", &b);
	buf_puts(&b, "has(" SPEC ".os) && " SPEC ".os.name == 'windows'");
	put_variable(out, "windows", &b);
}

static void put_validations(const struct pss_policy *p, struct buf *out)
{
	struct buf name = { 0 };
	const char *done = "";

	pss_policy_name(p, &name);
	buf_puts(out, "  validations:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned minor = p->minor > PSS_NEWEST ? PSS_NEWEST : p->minor;
		struct buf message = { 0 };

		if (rows[i].since > minor || !pss_check_runs(rows[i].id, p) ||
		    !strcmp(rows[i].id, done))
			continue;
		done = rows[i].id;
		buf_puts(out, "  - expression: ");
		cel_put_quoted(out, rows[i].expression);
		buf_puts(out, "\n    message: ");
		buf_printf(&message, "violates PodSecurity \"%s\": %s", name.p, rows[i].reason);
		cel_put_quoted(out, message.p);
		buf_puts(out, "\n    reason: Forbidden\n");
		buf_free(&message);
	}
	buf_free(&name);
}

/* Namespaces whose label says so. */
static void put_binding(const struct adm_config *c, const char *api, const char *policy,
			const char *level, const char *mode, const char *action,
			const char *and_not, struct buf *out)
{
	buf_printf(out,
		   "---\napiVersion: admissionregistration.k8s.io/%s\n"
		   "kind: ValidatingAdmissionPolicyBinding\nmetadata:\n  name: %s-%s%s\nspec:\n"
		   "  policyName: %s\n  validationActions: [%s]\n  matchResources:\n"
		   "    namespaceSelector:\n      matchExpressions:\n"
		   "      - {key: " ADM_LABEL "%s, operator: In, values: [%s]}\n",
		   api, policy, mode, and_not ? "-warn" : "", policy, action, mode, level);
	if (and_not)
		buf_printf(out, "      - {key: " ADM_LABEL "%s, operator: DoesNotExist}\n",
			   and_not);
	if (!c->exempt_namespaces.n)
		return;
	buf_puts(out, "      - {key: kubernetes.io/metadata.name, operator: NotIn, values: [");
	for (size_t i = 0; i < c->exempt_namespaces.n; i++) {
		buf_puts(out, i ? ", " : "");
		cel_put_quoted(out, c->exempt_namespaces.v[i]);
	}
	buf_puts(out, "]}\n");
}

static void put_policy(const struct adm_cel *p, enum pss_level level, const struct shape *s,
		       struct buf *out)
{
	const char *api = cel_api_of(p->config->kubernetes, 30, 28);
	struct pss_policy policy = { level, p->minor };
	struct buf name = { 0 };

	buf_printf(&name, "boltseal-%s-%s", pss_level_name(level), s->name);
	buf_printf(out,
		   "---\napiVersion: admissionregistration.k8s.io/%s\n"
		   "kind: ValidatingAdmissionPolicy\nmetadata:\n  name: %s\nspec:\n"
		   "  failurePolicy: Fail\n  matchConstraints:\n    resourceRules:\n%s",
		   api, name.p, s->rules);
	put_conditions(p->config, s, out);
	put_variables(s, out);
	put_validations(&policy, out);
	if (s->is_pod)
		put_binding(p->config, api, name.p, pss_level_name(level), "enforce", "Deny", NULL,
			    out);
	put_binding(p->config, api, name.p, pss_level_name(level), "audit", "Audit", NULL, out);
	put_binding(p->config, api, name.p, pss_level_name(level), "warn", "Warn", NULL, out);
	/* Who enforces without a word about warnings is warned of what will be refused. */
	if (!s->is_pod)
		put_binding(p->config, api, name.p, pss_level_name(level), "enforce", "Warn",
			    "warn", out);
	buf_free(&name);
}

void adm_cel_validating(const struct adm_cel *p, struct buf *out)
{
	buf_puts(out,
		 "# The Pod Security Standards by labels of namespaces, judged by the API server "
		 "itself.\n");
	for (size_t i = 0; i < p->config->checks_n; i++)
		buf_printf(out, "# The check %s (%s) is left out: it needs the webhook.\n",
			   p->config->checks[i].check->id, p->config->checks[i].check->title);
	for (enum pss_level level = PSS_BASELINE; level <= PSS_RESTRICTED; level++)
		for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
			put_policy(p, level, &shapes[i], out);
}
