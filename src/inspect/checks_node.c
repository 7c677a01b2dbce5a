/* Namespaces, nodes, and settings that a platform does not look at. */
#include <string.h>

#include "inspect/checks.h"

/* The member at this path, however deep; NULL: not set. */
static const struct yaml_node *at(const struct yaml_node *n, const char *a, const char *b)
{
	n = yaml_get(n, a);
	n = b ? yaml_get(n, b) : n;
	return yaml_is_null(n) ? NULL : n;
}

static bool is_true(const struct yaml_node *n)
{
	bool v = false;

	return n && yaml_bool(&(struct yaml_stream){ .name = (char *)"" }, n, &v, NULL) == 0 && v;
}

/* ---- namespaces */

void check_namespace_labels(struct ins_run *r)
{
	static const char enforce[] = "pod-security.kubernetes.io/enforce";
	static const char path[] = "metadata/labels/pod-security.kubernetes.io~1enforce";
	const struct yaml_node *labels = at(r->object, "metadata", "labels");
	const struct yaml_node *v = labels ? at(labels, enforce, NULL) : NULL;
	enum pss_level level;
	struct ins_finding *f;

	if (v && v->kind == YAML_SCALAR && !pss_level_parse(v->text, &level, NULL)) {
		if (level != PSS_PRIVILEGED)
			return;
		f = ins_find(r, NULL, v, r->object, path,
			     "the namespace lets every pod in (level privileged)");
	} else if (v) {
		f = ins_find(r, NULL, v, r->object, path,
			     "the level is none of privileged, baseline, restricted");
	} else {
		f = ins_find(
			r, NULL, NULL, r->object, path,
			"the namespace does not enforce a level of the Pod Security Standards");
	}
	ins_fix(r, f, INS_SET, r->object, path, "\"baseline\"",
		"pods that do not conform to level baseline");
}

/* ---- kubelet */

static struct ins_finding *kubelet(struct ins_run *r, const struct yaml_node *v, const char *path,
				   const char *json, const char *message)
{
	struct ins_finding *f = ins_find(r, NULL, v, r->object, path, "%s", message);

	if (json)
		ins_fix(r, f, INS_SET, r->object, path, json, NULL);
	return f;
}

void check_kubelet_seccomp(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "seccompDefault", NULL);

	if (!is_true(v))
		kubelet(r, v, "seccompDefault", "true",
			"containers that name no seccomp profile run without one");
}

void check_kubelet_anonymous(struct ins_run *r)
{
	const struct yaml_node *v = yaml_get(at(r->object, "authentication", "anonymous"),
					     "enabled");

	/* The default of the configuration file is false, of the command line true. */
	if (is_true(v))
		kubelet(r, v, "authentication/anonymous/enabled", "false",
			"everyone may ask the kubelet without a name");
}

void check_kubelet_authorization(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "authorization", "mode");

	if (v && v->kind == YAML_SCALAR && !strcmp(v->text, "AlwaysAllow"))
		kubelet(r, v, "authorization/mode", "\"Webhook\"",
			"whoever is known to the kubelet may do everything");
}

void check_kubelet_read_only_port(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "readOnlyPort", NULL);

	if (v && !(v->kind == YAML_SCALAR && !strcmp(v->text, "0")))
		kubelet(r, v, "readOnlyPort", "0",
			"pods and their specifications can be read without authentication");
}

void check_kubelet_kernel_defaults(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "protectKernelDefaults", NULL);

	if (!is_true(v))
		kubelet(r, v, "protectKernelDefaults", "true",
			"the kubelet changes kernel parameters instead of refusing to start");
}

void check_kubelet_sysctls(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "allowedUnsafeSysctls", NULL);

	if (v && v->kind == YAML_SEQ && v->n)
		kubelet(r, v, "allowedUnsafeSysctls", NULL,
			"pods may set unsafe kernel parameters");
}

void check_kubelet_client_ca(struct ins_run *r)
{
	const struct yaml_node *x509 = at(r->object, "authentication", "x509");
	const struct yaml_node *v = x509 ? at(x509, "clientCAFile", NULL) : NULL;

	if (!v)
		kubelet(r, v, "authentication/x509/clientCAFile", NULL,
			"clients are not checked by a certificate");
}

void check_kubelet_pids(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "podPidsLimit", NULL);

	if (!v || (v->kind == YAML_SCALAR && *v->text == '-'))
		kubelet(r, v, "podPidsLimit", "4096", "a pod may start any number of processes");
}

/* ---- Docker */

void check_daemon_userns(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "userns-remap", NULL);

	if (!v || (v->kind == YAML_SCALAR && !v->n))
		ins_find(r, NULL, v, r->object, "userns-remap",
			 "root of a container is root of the host");
}

void check_daemon_new_privileges(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "no-new-privileges", NULL);

	if (!is_true(v))
		kubelet(r, v, "no-new-privileges", "true",
			"containers may gain privileges through set-user-ID programs");
}

void check_daemon_seccomp(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "seccomp-profile", NULL);

	if (v && v->kind == YAML_SCALAR && !strcmp(v->text, "unconfined"))
		kubelet(r, v, "seccomp-profile", "\"builtin\"",
			"all containers run without seccomp");
}

void check_daemon_icc(struct ins_run *r)
{
	const struct yaml_node *v = at(r->object, "icc", NULL);

	if (!v || is_true(v))
		kubelet(r, v, "icc", "false",
			"containers of the default network reach each other's ports");
}

void check_daemon_tcp(struct ins_run *r)
{
	const struct yaml_node *hosts = at(r->object, "hosts", NULL);
	bool tls = is_true(at(r->object, "tlsverify", NULL));

	for (uint32_t i = 0; hosts && hosts->kind == YAML_SEQ && i < hosts->n; i++)
		if (!tls && hosts->item[i]->kind == YAML_SCALAR &&
		    !strncmp(hosts->item[i]->text, "tcp://", 6))
			ins_find(r, NULL, hosts->item[i], r->object, "hosts",
				 "whoever reaches %s controls the host", hosts->item[i]->text);
}

/* ---- settings without effect */

static void ignored(struct ins_run *r, const struct ps_container *c, const struct yaml_node *n,
		    const char *what, const char *where)
{
	if (n)
		ins_find(r, c, n, c ? c->at : r->pod->spec, NULL, "%s has no effect %s", what,
			 where);
}

static void ignored_by_windows(struct ins_run *r, const struct ps_container *c)
{
	static const char where[] = "in Windows containers";
	static const char *const members[] = { "linuxParameters", "systemControls" };

	ignored(r, c, c->sec.privileged.at, "privileged", where);
	ignored(r, c, c->sec.user_name.at, "user", where);
	ignored(r, c, c->sec.read_only_root.at, "readonlyRootFilesystem", where);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		ignored(r, c, at(c->at, members[i], NULL), members[i], where);
}

static void ignored_by_fargate(struct ins_run *r, const struct ps_container *c)
{
	static const char where[] = "on Fargate";
	static const char *const members[] = { "devices", "sharedMemorySize", "tmpfs", "maxSwap",
					       "swappiness" };
	const struct yaml_node *linux_parameters = at(c->at, "linuxParameters", NULL);

	if (c->sec.privileged.v)
		ignored(r, c, c->sec.privileged.at, "privileged", where);
	ignored(r, c, c->sec.options.at, "dockerSecurityOptions", where);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		ignored(r, c, at(linux_parameters, members[i], NULL), members[i], where);
	for (size_t i = 0; i < c->sec.cap_add.n; i++)
		if (strcmp(c->sec.cap_add.v[i].v, "SYS_PTRACE"))
			ignored(r, c, c->sec.cap_add.v[i].at, "adding a capability but SYS_PTRACE",
				where);
}

static bool option_known(const char *o)
{
	return !strcmp(o, "no-new-privileges") || !strcmp(o, "no-new-privileges:true") ||
	       !strncmp(o, "apparmor:", 9) || !strncmp(o, "label:", 6) ||
	       !strncmp(o, "credentialspec", 14);
}

/* What the API server refuses for pods of Windows (core/v1 PodOS). */
static void kube_windows(struct ins_run *r, const struct ps_container *c,
			 const struct ps_security *s)
{
	static const char where[] = "in Windows pods: the API server refuses it";

	ignored(r, c, s->privileged.at, "privileged", where);
	ignored(r, c, s->escalation.at, "allowPrivilegeEscalation", where);
	ignored(r, c, s->read_only_root.at, "readOnlyRootFilesystem", where);
	ignored(r, c, s->proc_mount.at, "procMount", where);
	ignored(r, c, s->caps_at, "capabilities", where);
	ignored(r, c, s->seccomp.at, "seccompProfile", where);
	ignored(r, c, s->apparmor.at, "appArmorProfile", where);
	ignored(r, c, s->selinux.at, "seLinuxOptions", where);
	ignored(r, c, s->user.at, "runAsUser", where);
	ignored(r, c, s->fs_group.at, "fsGroup", where);
	ignored(r, c, s->sysctls.at, "sysctls", where);
}

void check_ignored_settings(struct ins_run *r)
{
	bool windows = ps_is_windows(r->pod), ecs = r->pod->platform == PS_ECS;

	if (!ecs && windows && r->pod->platform == PS_KUBERNETES)
		kube_windows(r, NULL, &r->pod->sec);
	if (ecs && windows)
		ignored(r, NULL, r->pod->host_pid.at, "pidMode", "in Windows tasks");
	ins_each(r, c)
	{
		if (!ecs && windows && r->pod->platform == PS_KUBERNETES)
			kube_windows(r, c, &c->sec);
		if (!ecs)
			continue;
		if (windows)
			ignored_by_windows(r, c);
		if (r->pod->fargate)
			ignored_by_fargate(r, c);
		for (size_t i = 0; i < c->sec.options.n; i++)
			if (!option_known(c->sec.options.v[i].v))
				ignored(r, c, c->sec.options.v[i].at,
					strstr(c->sec.options.v[i].v, "seccomp")
						? "a seccomp profile (ECS has no setting for it)"
						: c->sec.options.v[i].v,
					"in a task definition");
	}
}
