/* Privileges and identity: what a process may do, and as whom. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "inspect/checks.h"
#include "inspect/words.h"
#include "model/caps.h"

const char *ins_setting_path(enum ps_platform p, enum ins_setting s)
{
	static const char *const paths[SET_COUNT][PS_PLATFORM_COUNT] = {
		[SET_PRIVILEGED] = { "securityContext/privileged", "privileged",
				     "HostConfig/Privileged", "privileged", NULL },
		[SET_ESCALATION] = { "securityContext/allowPrivilegeEscalation",
				     "dockerSecurityOptions", "HostConfig/SecurityOpt",
				     "security_opt", "process/noNewPrivileges" },
		[SET_READ_ONLY] = { "securityContext/readOnlyRootFilesystem",
				    "readonlyRootFilesystem", "HostConfig/ReadonlyRootfs",
				    "read_only", "root/readonly" },
		[SET_USER] = { "securityContext/runAsNonRoot", "user", "Config/User", "user",
			       "process/user/uid" },
		[SET_CAP_ADD] = { "securityContext/capabilities/add",
				  "linuxParameters/capabilities/add", "HostConfig/CapAdd",
				  "cap_add", "process/capabilities/bounding" },
		[SET_CAP_DROP] = { "securityContext/capabilities/drop",
				   "linuxParameters/capabilities/drop", "HostConfig/CapDrop",
				   "cap_drop", "process/capabilities/bounding" },
		[SET_SECCOMP] = { "securityContext/seccompProfile", NULL, "HostConfig/SecurityOpt",
				  "security_opt", "linux/seccomp" },
		[SET_APPARMOR] = { "securityContext/appArmorProfile", "dockerSecurityOptions",
				   "HostConfig/SecurityOpt", "security_opt",
				   "process/apparmorProfile" },
		[SET_PIDS] = { NULL, NULL, "HostConfig/PidsLimit", "pids_limit",
			       "linux/resources/pids/limit" },
	};

	return paths[s][p];
}

const char *ins_who(const struct ins_run *r, const struct ps_container *c)
{
	return c ? arena_printf(r->arena, "%s \"%s\"",
				c->class == PS_INIT	   ? "init container"
				: c->class == PS_EPHEMERAL ? "ephemeral container"
							   : "container",
				c->name)
		 : "the pod";
}

/*
 * What a container may add at level baseline. Docker, Compose, ECS, OCI: capabilities without
 * "CAP_"; Kubernetes: as written.
 */
static bool is_default_cap(const char *cap)
{
	static const char *const names[] = {
		"AUDIT_WRITE", "CHOWN",	 "DAC_OVERRIDE",     "FOWNER",	"FSETID",
		"KILL",	       "MKNOD",	 "NET_BIND_SERVICE", "SETFCAP", "SETGID",
		"SETPCAP",     "SETUID", "SYS_CHROOT",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], cap))
			return true;
	return false;
}

bool ins_linux(const struct ins_run *r)
{
	return !ps_is_windows(r->pod);
}

const char *ins_json_string(struct ins_run *r, const char *text)
{
	struct buf b = { 0 };

	json_put_bytes(&b, text);
	return words_keep(&b, r->arena);
}

static enum ps_platform platform(const struct ins_run *r)
{
	return r->pod->platform;
}

static const char *path(const struct ins_run *r, enum ins_setting s)
{
	return ins_setting_path(platform(r), s);
}

void check_privileged(struct ins_run *r)
{
	ins_each(r, c)
	{
		struct ins_finding *f;

		if (!c->sec.privileged.v)
			continue;
		f = ins_find(r, c, c->sec.privileged.at, c->at, NULL,
			     "%s is privileged: all capabilities, all devices, no seccomp, no "
			     "AppArmor",
			     ins_who(r, c));
		ins_fix(r, f, INS_SET, c->sec.privileged.at, NULL, "false",
			"devices and kernel interfaces of the host");
		if (r->model)
			ins_evidence(r, f, "the model %s lists every capability that it needs",
				     r->model->path);
	}
}

/* ---- capabilities */

static const char *cap_evidence(struct ins_run *r, const char *cap)
{
	const struct bcap_desc *d = bcap_by_name(cap);

	if (!r->model || !d)
		return NULL;
	return arena_printf(r->arena,
			    wl_cap_needed(&r->model->w, d->nr, WL_PROGRAM_PHASES)
				    ? "the model %s says that the workload uses %s"
				    : "in the model %s the workload never used %s",
			    r->model->path, d->name);
}

static enum ins_severity cap_severity(const char *cap)
{
	const struct bcap_desc *d = bcap_by_name(cap);

	if (!strcmp(cap, "ALL"))
		return INS_CRITICAL;
	return d && d->risk == BCAP_RISK_HOST ? INS_HIGH : INS_MEDIUM;
}

void check_dangerous_caps(struct ins_run *r)
{
	ins_each(r, c) for (size_t i = 0; i < c->sec.cap_add.n; i++)
	{
		const struct ps_str *cap = &c->sec.cap_add.v[i];
		const struct bcap_desc *d = bcap_by_name(cap->v);
		struct ins_finding *f;

		if (is_default_cap(cap->v))
			continue;
		f = ins_find(r, c, cap->at, c->at, NULL, "%s adds %s%s%s", ins_who(r, c), cap->v,
			     d ? ": " : "", d ? d->guards : "");
		f->severity = cap_severity(cap->v);
		f->evidence = cap_evidence(r, cap->v);
		ins_fix(r, f, INS_REMOVE, cap->at, NULL, NULL,
			arena_printf(r->arena, "the capability %s", cap->v));
	}
}

void check_caps_not_dropped(struct ins_run *r)
{
	if (!ins_linux(r))
		return;
	ins_each(r, c)
	{
		bool all = ps_drops_all(c);
		struct ins_finding *f;

		if (!all) {
			f = ins_find(r, c, c->sec.cap_drop.at, c->at, path(r, SET_CAP_DROP),
				     "%s does not drop ALL capabilities and keeps those that the "
				     "runtime gives by default",
				     ins_who(r, c));
			ins_fix(r, f, INS_APPEND, c->at, path(r, SET_CAP_DROP), "\"ALL\"",
				"the default capabilities, such as CHOWN and SETUID");
			if (r->model)
				ins_evidence(r, f, "the model %s says which ones are used",
					     r->model->path);
		}
		for (size_t i = 0; i < c->sec.cap_add.n; i++) {
			const struct ps_str *cap = &c->sec.cap_add.v[i];

			if (!is_default_cap(cap->v) || !strcmp(cap->v, "NET_BIND_SERVICE"))
				continue;
			f = ins_find(r, c, cap->at, c->at, NULL,
				     "%s adds %s, which level restricted does not allow",
				     ins_who(r, c), cap->v);
			f->severity = INS_LOW;
			f->evidence = cap_evidence(r, cap->v);
			ins_fix(r, f, INS_REMOVE, cap->at, NULL, NULL,
				arena_printf(r->arena, "the capability %s", cap->v));
		}
	}
}

/* ---- escalation */

static void fix_escalation(struct ins_run *r, struct ins_finding *f, const struct ps_container *c)
{
	enum ps_platform p = platform(r);

	if (p == PS_KUBERNETES)
		ins_fix(r, f, INS_SET, c->at, path(r, SET_ESCALATION), "false", NULL);
	else if (p == PS_OCI)
		ins_fix(r, f, INS_SET, c->at, path(r, SET_ESCALATION), "true", NULL);
	else if (p == PS_ECS || p == PS_COMPOSE)
		ins_fix(r, f, INS_APPEND, c->at, path(r, SET_ESCALATION),
			p == PS_ECS ? "\"no-new-privileges\"" : "\"no-new-privileges:true\"", NULL);
}

void check_escalation(struct ins_run *r)
{
	if (!ins_linux(r) || r->pod->fargate)
		return;
	ins_each(r, c)
	{
		struct ins_finding *f;

		if (c->sec.escalation.at && !c->sec.escalation.v)
			continue;
		f = ins_find(r, c, c->sec.escalation.at, c->at, path(r, SET_ESCALATION),
			     "%s may gain privileges through set-user-ID programs and file "
			     "capabilities",
			     ins_who(r, c));
		fix_escalation(r, f, c);
	}
}

/* ---- root */

/* Whether the user by name or number is root; "" is what the image says. */
static bool user_is_root(const char *user)
{
	size_t n = strcspn(user, ":");

	return (n == 4 && !strncmp(user, "root", 4)) || (n && strspn(user, "0") == n);
}

static void check_user_name(struct ins_run *r, const struct ps_container *c)
{
	const struct ps_str *user = &c->sec.user_name;
	struct ins_finding *f;

	if (user->at && *user->v && !user_is_root(user->v))
		return;
	if (user->at && *user->v) {
		f = ins_find(r, c, user->at, c->at, path(r, SET_USER), "%s runs as root",
			     ins_who(r, c));
		f->severity = INS_HIGH;
		if (platform(r) == PS_COMPOSE || platform(r) == PS_ECS)
			ins_fix(r, f, INS_SET, user->at, NULL, "\"65534\"", "the user root");
		return;
	}
	f = ins_find(r, c, user->at, c->at, path(r, SET_USER),
		     platform(r) == PS_DOCKER ? "%s runs as root, the default of its image"
					      : "%s runs as the image's user, which may be root",
		     ins_who(r, c));
}

static void fix_root(struct ins_run *r, struct ins_finding *f, const struct ps_container *c,
		     const struct ps_int *user)
{
	static const char note[] = "the user root: it starts only when the image has another user";

	if (user->at && !user->v)
		ins_fix(r, f, INS_REMOVE, user->at, NULL, NULL, note);
	if (c->sec.non_root.at && !c->sec.non_root.v)
		ins_fix(r, f, INS_SET, c->sec.non_root.at, NULL, "true", note);
	if (!r->pod->sec.non_root.v && !(c->sec.non_root.at && c->sec.non_root.v))
		ins_fix(r, f, INS_SET, r->pod->spec, "securityContext/runAsNonRoot", "true", note);
}

static void check_root_kube(struct ins_run *r, const struct ps_container *c)
{
	const struct ps_security *pod = &r->pod->sec;
	const struct ps_int *user = c->sec.user.at ? &c->sec.user : &pod->user;
	const struct ps_bool *non_root = c->sec.non_root.at ? &c->sec.non_root : &pod->non_root;
	bool contradicts = pod->non_root.at && !pod->non_root.v;
	struct ins_finding *f;

	if (non_root->v && !(user->at && !user->v) && !contradicts)
		return;
	if (user->at && !user->v) {
		f = ins_find(r, c, user->at, c->at, NULL, "%s runs as user 0", ins_who(r, c));
		f->severity = INS_HIGH;
	} else if (user->at) {
		f = ins_find(r, c, non_root->at, r->pod->spec, "securityContext/runAsNonRoot",
			     "%s runs as user %lld, but nothing keeps it from running as root",
			     ins_who(r, c), (long long)user->v);
		f->severity = INS_LOW;
	} else if (contradicts && non_root->v) {
		f = ins_find(r, c, pod->non_root.at, c->at, NULL,
			     "the pod allows root, which containers without a setting of their own "
			     "take over");
		f->severity = INS_LOW;
	} else {
		f = ins_find(r, c, non_root->at, r->pod->spec, "securityContext/runAsNonRoot",
			     "%s may run as root", ins_who(r, c));
	}
	if (r->pod->host_users.at && !r->pod->host_users.v)
		f->severity = INS_LOW; /* root of a user namespace only */
	if (contradicts)
		ins_fix(r, f, INS_SET, pod->non_root.at, NULL, "true", NULL);
	fix_root(r, f, c, user);
}

void check_root(struct ins_run *r)
{
	ins_each(r, c)
	{
		if (platform(r) == PS_KUBERNETES)
			check_root_kube(r, c);
		else if (ins_linux(r))
			check_user_name(r, c);
	}
}

/* ---- root file system */

/* Up to three paths that the model says are written. */
static const char *written(struct ins_run *r)
{
	struct words paths = { 0 };
	size_t n = 0;
	struct buf b = { 0 };

	for (size_t i = 0; i < r->model->w.files_n; i++) {
		const struct wl_file *file = &r->model->w.files[i];

		if (!(file->access & (WL_F_WRITE | WL_F_CREATE)) ||
		    !strncmp(file->path, "/dev", 4) || !strncmp(file->path, "/proc", 5))
			continue;
		if (n++ < 3)
			words_add(&paths, r->arena, file->path);
	}
	if (!n)
		buf_printf(&b, "in the model %s the workload wrote no files", r->model->path);
	else
		buf_printf(&b,
			   "the model %s says that the workload writes %zu files: ", r->model->path,
			   n);
	words_put(&paths, "", &b);
	if (n > 3)
		buf_puts(&b, " …");
	return words_keep(&b, r->arena);
}

void check_read_only_root(struct ins_run *r)
{
	if (!ins_linux(r))
		return;
	ins_each(r, c)
	{
		struct ins_finding *f;

		if (c->sec.read_only_root.v)
			continue;
		f = ins_find(r, c, c->sec.read_only_root.at, c->at, path(r, SET_READ_ONLY),
			     "%s can write to its root file system", ins_who(r, c));
		ins_fix(r, f, INS_SET, c->at, path(r, SET_READ_ONLY), "true",
			"writing outside of volumes");
		if (r->model)
			f->evidence = written(r);
	}
}

/* ---- Windows, user namespaces, and the rest */

static bool windows_admin(const char *user)
{
	return !strcasecmp(user, "ContainerAdministrator") || strcasestr(user, "SYSTEM") ||
	       !strcasecmp(user, "Administrator");
}

static void check_windows(struct ins_run *r, const struct ps_container *c,
			  const struct ps_security *sec)
{
	struct ins_finding *f;

	if (sec->host_process.v) {
		f = ins_find(r, c, sec->host_process.at, r->pod->spec, NULL,
			     "%s is a HostProcess container: it runs on the Windows host itself",
			     ins_who(r, c));
		ins_fix(r, f, INS_SET, sec->host_process.at, NULL, "false",
			"access to the Windows host");
	}
	if (sec->windows_user.at && windows_admin(sec->windows_user.v)) {
		f = ins_find(r, c, sec->windows_user.at, r->pod->spec, NULL,
			     "%s runs as the administrator %s", ins_who(r, c), sec->windows_user.v);
		f->severity = INS_MEDIUM;
	}
}

void check_host_process(struct ins_run *r)
{
	check_windows(r, NULL, &r->pod->sec);
	ins_each(r, c) check_windows(r, c, &c->sec);
}

void check_user_namespace(struct ins_run *r)
{
	const struct ps_bool *users = &r->pod->host_users;
	struct ins_finding *f;

	if (!ins_linux(r) || (users->at && !users->v))
		return;
	if (platform(r) == PS_KUBERNETES) {
		ins_find(r, NULL, users->at, r->pod->spec, "hostUsers",
			 "root in the pod is root on the node: no user namespace");
	} else if (users->at) {
		f = ins_find(r, NULL, users->at, r->pod->spec, NULL,
			     "the container is left out of the engine's user namespace");
		f->severity = INS_LOW;
	}
}

void check_no_context(struct ins_run *r)
{
	if (r->pod->sec.at)
		return;
	ins_each(r, c) if (!c->sec.at)
		ins_find(r, c, NULL, c->at, "securityContext",
			 "neither the pod nor %s has a securityContext", ins_who(r, c));
}

void check_token(struct ins_run *r)
{
	const struct ps_bool *token = &r->pod->automount_token;
	struct ins_finding *f;

	if (token->at && !token->v)
		return;
	f = ins_find(r, NULL, token->at, r->pod->spec, "automountServiceAccountToken",
		     "the token of service account \"%s\" is mounted into every container",
		     r->pod->service_account.at ? r->pod->service_account.v : "default");
	ins_fix(r, f, INS_SET, r->pod->spec, "automountServiceAccountToken", "false",
		"the token for the Kubernetes API");
}
