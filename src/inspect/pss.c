#include "inspect/pss.h"

#include <stdlib.h>
#include <string.h>

#include "inspect/words.h"

struct pss {
	const struct ps_pod *pod;
	struct arena *arena;
	struct pss_violation v;
	struct buf detail;
	unsigned rule; /* which revision of the check: `since` of its row */
};

/* ---- texts */

static const char *plural(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

static void put_containers(struct buf *out, const struct words *names)
{
	buf_puts(out, plural(names->n, "container ", "containers "));
	words_put(names, "\"", out);
}

/* Who sets a value: the pod, containers, annotations; joined with "and". */
struct setters {
	bool pod;
	struct words containers, annotations;
};

static bool setters_any(const struct setters *s)
{
	return s->pod || s->containers.n || s->annotations.n;
}

static void put_setters(struct buf *out, const struct setters *s)
{
	if (s->pod)
		buf_puts(out, "pod");
	if (s->containers.n) {
		buf_puts(out, s->pod ? " and " : "");
		put_containers(out, &s->containers);
	}
	if (s->annotations.n)
		buf_printf(out, "%s%s", s->pod || s->containers.n ? " and " : "",
			   plural(s->annotations.n, "annotation", "annotations"));
}

void pss_put_quoted(struct buf *out, const char *s)
{
	static const char letters[] = "abtnvfr"; /* 7 … 13 */

	buf_putc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c >= 7 && c <= 13)
			buf_printf(out, "\\%c", letters[c - 7]);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

static const char *key_value(struct arena *a, const char *key, const char *value)
{
	struct buf b = { 0 };

	buf_puts(&b, key);
	buf_putc(&b, '=');
	pss_put_quoted(&b, value);
	return words_keep(&b, a);
}

static bool violated(struct pss *p, const char *reason)
{
	p->v.reason = reason;
	return true;
}

static bool one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

static bool starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

#define pss_each(p, c)                                            \
	for (const struct ps_container *c = (p)->pod->containers; \
	     c && c < &(p)->pod->containers[(p)->pod->containers_n]; c++)

static bool host_users_false(const struct pss *p)
{
	return p->pod->host_users.at && !p->pod->host_users.v;
}

/* ---- baseline */

static bool good_profile(const struct ps_profile *profile)
{
	const char *type = profile->type.v ? profile->type.v : "";

	return !strcmp(type, "RuntimeDefault") || !strcmp(type, "Localhost");
}

static const char *type_of(const struct ps_profile *profile)
{
	return profile->type.v ? profile->type.v : "";
}

static void apparmor_annotations(struct pss *p, struct words *out)
{
	static const char prefix[] = "container.apparmor.security.beta.kubernetes.io/";

	for (size_t i = 0; i < p->pod->annotations.n; i++) {
		const struct ps_entry *en = &p->pod->annotations.v[i];

		if (starts(en->key, prefix) && *en->value && strcmp(en->value, "runtime/default") &&
		    !starts(en->value, "localhost/"))
			words_add(out, p->arena, key_value(p->arena, en->key, en->value));
	}
	words_sort(out);
}

static bool check_apparmor(struct pss *p)
{
	const struct ps_profile *pod = &p->pod->sec.apparmor;
	struct setters s = { 0 };
	struct words values = { 0 };

	if (pod->at && !good_profile(pod)) {
		s.pod = true;
		words_add(&values, p->arena, type_of(pod));
	}
	pss_each (p, c) {
		if (!c->sec.apparmor.at || good_profile(&c->sec.apparmor))
			continue;
		words_add(&s.containers, p->arena, c->name);
		words_add(&values, p->arena, type_of(&c->sec.apparmor));
	}
	words_sort(&values);
	apparmor_annotations(p, &s.annotations);
	if (!setters_any(&s))
		return false;
	for (size_t i = 0; i < s.annotations.n; i++)
		words_add(&values, p->arena, s.annotations.v[i]);
	put_setters(&p->detail, &s);
	buf_puts(&p->detail, " must not set AppArmor profile type to ");
	words_put(&values, "\"", &p->detail);
	return violated(
		p, plural(values.n, "forbidden AppArmor profile", "forbidden AppArmor profiles"));
}

static const char *const baseline_caps[] = {
	"AUDIT_WRITE",	    "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",	  "MKNOD",
	"NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT", NULL
};
static const char *const restricted_caps[] = { "NET_BIND_SERVICE", NULL };

/* Containers that add capabilities beyond these, and which. */
static void forbidden_caps(struct pss *p, const char *const *allowed, struct words *names,
			   struct words *caps)
{
	pss_each (p, c) {
		bool bad = false;

		for (size_t i = 0; i < c->sec.cap_add.n; i++) {
			if (one_of(c->sec.cap_add.v[i].v, allowed))
				continue;
			words_add(caps, p->arena, c->sec.cap_add.v[i].v);
			bad = true;
		}
		if (bad)
			words_add(names, p->arena, c->name);
	}
	words_sort(caps);
}

static void put_forbidden_caps(struct pss *p, const struct words *names, const struct words *caps)
{
	put_containers(&p->detail, names);
	buf_puts(&p->detail, " must not include ");
	words_put(caps, "\"", &p->detail);
	buf_puts(&p->detail, " in securityContext.capabilities.add");
}

static bool check_capabilities(struct pss *p)
{
	struct words names = { 0 }, caps = { 0 };

	forbidden_caps(p, baseline_caps, &names, &caps);
	if (!names.n)
		return false;
	put_forbidden_caps(p, &names, &caps);
	return violated(p, "non-default capabilities");
}

static bool check_host_namespaces(struct pss *p)
{
	struct words set = { 0 };

	if (p->pod->host_network.v)
		words_add(&set, p->arena, "hostNetwork=true");
	if (p->pod->host_pid.v)
		words_add(&set, p->arena, "hostPID=true");
	if (p->pod->host_ipc.v)
		words_add(&set, p->arena, "hostIPC=true");
	words_put(&set, "", &p->detail);
	return set.n && violated(p, "host namespaces");
}

static bool check_host_path(struct pss *p)
{
	struct words names = { 0 };

	for (size_t i = 0; i < p->pod->volumes_n; i++)
		if (p->pod->volumes[i].host_path.at)
			words_add(&names, p->arena, p->pod->volumes[i].name);
	if (!names.n)
		return false;
	buf_puts(&p->detail, plural(names.n, "volume ", "volumes "));
	words_put(&names, "\"", &p->detail);
	return violated(p, "hostPath volumes");
}

static bool check_host_ports(struct pss *p)
{
	struct words names = { 0 }, ports = { 0 };

	pss_each (p, c) {
		size_t before = ports.n;

		for (size_t i = 0; i < c->ports_n; i++)
			if (c->ports[i].host)
				words_add(&ports, p->arena,
					  arena_printf(p->arena, "%lld",
						       (long long)c->ports[i].host));
		if (ports.n > before)
			words_add(&names, p->arena, c->name);
	}
	if (!names.n)
		return false;
	words_sort(&ports);
	put_containers(&p->detail, &names);
	buf_printf(&p->detail, " %s %s ", plural(names.n, "uses", "use"),
		   plural(ports.n, "hostPort", "hostPorts"));
	words_put(&ports, "", &p->detail);
	return violated(p, "hostPort");
}

static bool check_probe_hosts(struct pss *p)
{
	struct words names = { 0 }, hosts = { 0 };

	pss_each (p, c) {
		for (size_t i = 0; i < c->hosts_n; i++)
			words_add(&hosts, p->arena, c->hosts[i].host);
		if (c->hosts_n)
			words_add(&names, p->arena, c->name);
	}
	if (!names.n)
		return false;
	words_sort(&names);
	words_sort(&hosts);
	put_containers(&p->detail, &names);
	buf_printf(&p->detail, " %s probe or lifecycle %s ", plural(names.n, "uses", "use"),
		   plural(hosts.n, "host", "hosts"));
	words_put(&hosts, "\"", &p->detail);
	return violated(p, "probe or lifecycle host");
}

static bool check_privileged(struct pss *p)
{
	struct words names = { 0 };

	pss_each (p, c)
		if (c->sec.privileged.v)
			words_add(&names, p->arena, c->name);
	if (!names.n)
		return false;
	put_containers(&p->detail, &names);
	buf_puts(&p->detail, " must not set securityContext.privileged=true");
	return violated(p, "privileged");
}

static bool check_proc_mount(struct pss *p)
{
	struct words names = { 0 }, values = { 0 };

	if (p->rule >= 35 && host_users_false(p))
		return false;
	pss_each (p, c) {
		if (!c->sec.proc_mount.at || !strcmp(c->sec.proc_mount.v, "Default"))
			continue;
		words_add(&names, p->arena, c->name);
		words_add(&values, p->arena, c->sec.proc_mount.v);
	}
	if (!names.n)
		return false;
	words_sort(&values);
	put_containers(&p->detail, &names);
	buf_puts(&p->detail, " must not set securityContext.procMount to ");
	words_put(&values, "\"", &p->detail);
	return violated(p, "procMount");
}

/* At level restricted user namespaces are no excuse (1.35). */
static bool check_proc_mount_restricted(struct pss *p)
{
	p->rule = 0;
	return check_proc_mount(p);
}

struct selinux_faults {
	struct setters who;
	struct words types;
	bool user, role;
};

/* True when these options are not allowed; what is wrong is added. */
static bool bad_selinux(struct pss *p, const struct ps_selinux *o, struct selinux_faults *f)
{
	static const char *const types[] = { "", "container_t", "container_init_t",
					     "container_kvm_t", NULL };
	const char *type = o->type.v ? o->type.v : "";
	bool good_type = one_of(type, types) ||
			 (p->rule >= 31 && !strcmp(type, "container_engine_t"));
	bool user = o->user.v && *o->user.v, role = o->role.v && *o->role.v;

	if (!good_type)
		words_add(&f->types, p->arena, type);
	f->user |= user;
	f->role |= role;
	return !good_type || user || role;
}

static bool check_selinux(struct pss *p)
{
	struct selinux_faults f = { 0 };
	const char *between = "";

	f.who.pod = bad_selinux(p, &p->pod->sec.selinux, &f);
	pss_each (p, c)
		if (bad_selinux(p, &c->sec.selinux, &f))
			words_add(&f.who.containers, p->arena, c->name);
	if (!setters_any(&f.who))
		return false;
	words_sort(&f.types);
	put_setters(&p->detail, &f.who);
	buf_puts(&p->detail, " set forbidden securityContext.seLinuxOptions: ");
	if (f.types.n) {
		buf_puts(&p->detail, plural(f.types.n, "type ", "types "));
		words_put(&f.types, "\"", &p->detail);
		between = "; ";
	}
	if (f.user) {
		buf_printf(&p->detail, "%suser may not be set", between);
		between = "; ";
	}
	if (f.role)
		buf_printf(&p->detail, "%srole may not be set", between);
	return violated(p, "seLinuxOptions");
}

/* Before 1.19 profiles were annotations of the pod. */
static bool seccomp_annotations(struct pss *p)
{
	static const char prefix[] = "container.seccomp.security.alpha.kubernetes.io/";
	struct words bad = { 0 };

	for (size_t i = 0; i < p->pod->annotations.n; i++) {
		const struct ps_entry *en = &p->pod->annotations.v[i];
		bool ours = !strcmp(en->key, "seccomp.security.alpha.kubernetes.io/pod");

		pss_each (p, c)
			ours |= starts(en->key, prefix) &&
				!strcmp(en->key + strlen(prefix), c->name);
		if (ours && strcmp(en->value, "runtime/default") &&
		    strcmp(en->value, "docker/default") && !starts(en->value, "localhost/"))
			words_add(&bad, p->arena, key_value(p->arena, en->key, en->value));
	}
	if (!bad.n)
		return false;
	words_sort(&bad);
	buf_puts(&p->detail, plural(bad.n, "forbidden annotation ", "forbidden annotations "));
	words_put(&bad, "", &p->detail);
	return violated(p, "seccompProfile");
}

/* Explicit values that are not allowed. `missing`: containers that nothing covers. */
static bool bad_seccomp(struct pss *p, struct words *missing)
{
	const struct ps_profile *pod = &p->pod->sec.seccomp;
	struct setters s = { 0 };
	struct words values = { 0 };

	if (pod->at && !good_profile(pod)) {
		s.pod = true;
		words_add(&values, p->arena, type_of(pod));
	}
	pss_each (p, c) {
		if (!c->sec.seccomp.at && (!pod->at || s.pod))
			words_add(missing, p->arena, c->name);
		if (!c->sec.seccomp.at || good_profile(&c->sec.seccomp))
			continue;
		words_add(&s.containers, p->arena, c->name);
		words_add(&values, p->arena, type_of(&c->sec.seccomp));
	}
	if (!setters_any(&s))
		return false;
	words_sort(&values);
	put_setters(&p->detail, &s);
	buf_puts(&p->detail, " must not set securityContext.seccompProfile.type to ");
	words_put(&values, "\"", &p->detail);
	return violated(p, "seccompProfile");
}

static bool check_seccomp(struct pss *p)
{
	struct words missing = { 0 };

	return p->rule < 19 ? seccomp_annotations(p) : bad_seccomp(p, &missing);
}

static const struct {
	const char *name;
	unsigned since;
} safe_sysctls[] = {
	{ "kernel.shm_rmid_forced", 0 },
	{ "net.ipv4.ip_local_port_range", 0 },
	{ "net.ipv4.tcp_syncookies", 0 },
	{ "net.ipv4.ping_group_range", 0 },
	{ "net.ipv4.ip_unprivileged_port_start", 0 },
	{ "net.ipv4.ip_local_reserved_ports", 27 },
	{ "net.ipv4.tcp_keepalive_time", 29 },
	{ "net.ipv4.tcp_fin_timeout", 29 },
	{ "net.ipv4.tcp_keepalive_intvl", 29 },
	{ "net.ipv4.tcp_keepalive_probes", 29 },
	{ "net.ipv4.tcp_rmem", 32 },
	{ "net.ipv4.tcp_wmem", 32 },
	{ "net.ipv4.tcp_slow_start_after_idle", 37 },
	{ "net.ipv4.tcp_notsent_lowat", 37 },
};

bool pss_sysctl_is_safe(const char *name, unsigned minor)
{
	for (size_t i = 0; i < ARRAY_SIZE(safe_sysctls); i++)
		if (!strcmp(safe_sysctls[i].name, name))
			return minor >= safe_sysctls[i].since;
	return false;
}

static bool check_sysctls(struct pss *p)
{
	struct words bad = { 0 };

	for (size_t i = 0; i < p->pod->sec.sysctls.n; i++)
		if (!pss_sysctl_is_safe(p->pod->sec.sysctls.v[i].key, p->rule))
			words_add(&bad, p->arena, p->pod->sec.sysctls.v[i].key);
	words_put(&bad, "", &p->detail);
	return bad.n && violated(p, "forbidden sysctls");
}

static bool check_host_process(struct pss *p)
{
	struct setters s = { .pod = p->pod->sec.host_process.v };

	pss_each (p, c)
		if (c->sec.host_process.v)
			words_add(&s.containers, p->arena, c->name);
	if (!setters_any(&s))
		return false;
	put_setters(&p->detail, &s);
	buf_puts(&p->detail, " must not set securityContext.windowsOptions.hostProcess=true");
	return violated(p, "hostProcess");
}

/* ---- restricted */

static bool spared_windows(const struct pss *p)
{
	return p->rule >= 25 && ps_is_windows(p->pod);
}

static bool check_escalation(struct pss *p)
{
	struct words names = { 0 };

	if (spared_windows(p))
		return false;
	pss_each (p, c)
		if (!c->sec.escalation.at || c->sec.escalation.v)
			words_add(&names, p->arena, c->name);
	if (!names.n)
		return false;
	put_containers(&p->detail, &names);
	buf_puts(&p->detail, " must set securityContext.allowPrivilegeEscalation=false");
	return violated(p, "allowPrivilegeEscalation != false");
}

static bool check_capabilities_restricted(struct pss *p)
{
	struct words undropped = { 0 }, names = { 0 }, caps = { 0 };

	if (spared_windows(p))
		return false;
	pss_each (p, c)
		if (!ps_drops_all(c))
			words_add(&undropped, p->arena, c->name);
	forbidden_caps(p, restricted_caps, &names, &caps);
	if (undropped.n) {
		put_containers(&p->detail, &undropped);
		buf_puts(&p->detail, " must set securityContext.capabilities.drop=[\"ALL\"]");
	}
	if (names.n) {
		buf_puts(&p->detail, undropped.n ? "; " : "");
		put_forbidden_caps(p, &names, &caps);
	}
	return (undropped.n || names.n) && violated(p, "unrestricted capabilities");
}

bool pss_volume_is_restricted(const char *type)
{
	static const char *const allowed[] = {
		"configMap", "csi",	  "downwardAPI",	   "emptyDir", "ephemeral",
		"image",     "projected", "persistentVolumeClaim", "secret",   NULL
	};

	return !one_of(type, allowed);
}

static bool check_volumes(struct pss *p)
{
	struct words names = { 0 }, types = { 0 };

	for (size_t i = 0; i < p->pod->volumes_n; i++) {
		if (!pss_volume_is_restricted(p->pod->volumes[i].type))
			continue;
		words_add(&names, p->arena, p->pod->volumes[i].name);
		words_add(&types, p->arena, p->pod->volumes[i].type);
	}
	if (!names.n)
		return false;
	words_sort(&types);
	buf_puts(&p->detail, plural(names.n, "volume ", "volumes "));
	words_put(&names, "\"", &p->detail);
	buf_printf(&p->detail, " %s %s ", plural(names.n, "uses", "use"),
		   plural(types.n, "restricted volume type", "restricted volume types"));
	words_put(&types, "\"", &p->detail);
	return violated(p, "restricted volume types");
}

static bool check_non_root(struct pss *p)
{
	const struct ps_bool *pod = &p->pod->sec.non_root;
	struct setters s = { .pod = pod->at && !pod->v };
	struct words missing = { 0 };

	if (p->rule >= 35 && host_users_false(p))
		return false;
	pss_each (p, c) {
		if (!c->sec.non_root.at)
			words_add(&missing, p->arena, c->name);
		else if (!c->sec.non_root.v)
			words_add(&s.containers, p->arena, c->name);
	}
	if (setters_any(&s)) {
		put_setters(&p->detail, &s);
		buf_puts(&p->detail, " must not set securityContext.runAsNonRoot=false");
		return violated(p, "runAsNonRoot != true");
	}
	if (pod->v || !missing.n)
		return false;
	buf_puts(&p->detail, "pod or ");
	put_containers(&p->detail, &missing);
	buf_puts(&p->detail, " must set securityContext.runAsNonRoot=true");
	return violated(p, "runAsNonRoot != true");
}

static bool check_user(struct pss *p)
{
	struct setters s = { .pod = p->pod->sec.user.at && !p->pod->sec.user.v };

	if (p->rule >= 35 && host_users_false(p))
		return false;
	pss_each (p, c)
		if (c->sec.user.at && !c->sec.user.v)
			words_add(&s.containers, p->arena, c->name);
	if (!setters_any(&s))
		return false;
	put_setters(&p->detail, &s);
	buf_puts(&p->detail, " must not set runAsUser=0");
	return violated(p, "runAsUser=0");
}

static bool check_seccomp_restricted(struct pss *p)
{
	struct words missing = { 0 };

	if (spared_windows(p))
		return false;
	if (bad_seccomp(p, &missing))
		return true;
	if (!missing.n)
		return false;
	buf_puts(&p->detail, "pod or ");
	put_containers(&p->detail, &missing);
	buf_puts(&p->detail,
		 " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
		 "\"Localhost\"");
	return violated(p, "seccompProfile");
}

/* ---- the table */

enum { NEVER = 100 };

/*
 * In the order of messages. A check runs from minor version `since` on; functions ask `rule`, the
 * version, for their later revisions. `overridden`: from this version on a restricted check takes
 * its place at level restricted.
 */
static const struct check {
	const char *id;
	enum pss_level level;
	unsigned since, overridden;
	bool (*violates)(struct pss *p);
} checks[] = {
	{ "appArmorProfile", PSS_BASELINE, 0, NEVER, check_apparmor },
	{ "capabilities_baseline", PSS_BASELINE, 0, 22, check_capabilities },
	{ "hostNamespaces", PSS_BASELINE, 0, NEVER, check_host_namespaces },
	{ "hostPathVolumes", PSS_BASELINE, 0, 0, check_host_path },
	{ "hostPorts", PSS_BASELINE, 0, NEVER, check_host_ports },
	{ "hostProbesAndHostLifecycle", PSS_BASELINE, 34, NEVER, check_probe_hosts },
	{ "privileged", PSS_BASELINE, 0, NEVER, check_privileged },
	{ "procMount", PSS_BASELINE, 0, 35, check_proc_mount },
	{ "seLinuxOptions", PSS_BASELINE, 0, NEVER, check_selinux },
	{ "seccompProfile_baseline", PSS_BASELINE, 0, 19, check_seccomp },
	{ "sysctls", PSS_BASELINE, 0, NEVER, check_sysctls },
	{ "windowsHostProcess", PSS_BASELINE, 0, NEVER, check_host_process },
	{ "allowPrivilegeEscalation", PSS_RESTRICTED, 8, NEVER, check_escalation },
	{ "capabilities_restricted", PSS_RESTRICTED, 22, NEVER, check_capabilities_restricted },
	{ "procMount_restricted", PSS_RESTRICTED, 35, NEVER, check_proc_mount_restricted },
	{ "restrictedVolumes", PSS_RESTRICTED, 0, NEVER, check_volumes },
	{ "runAsNonRoot", PSS_RESTRICTED, 0, NEVER, check_non_root },
	{ "runAsUser", PSS_RESTRICTED, 23, NEVER, check_user },
	{ "seccompProfile_restricted", PSS_RESTRICTED, 19, NEVER, check_seccomp_restricted },
};

static bool runs(const struct check *c, enum pss_level level, unsigned minor)
{
	return minor >= c->since && c->level <= level &&
	       !(level == PSS_RESTRICTED && minor >= c->overridden);
}

bool pss_check_runs(const char *id, const struct pss_policy *policy)
{
	unsigned minor = policy->minor > PSS_NEWEST ? PSS_NEWEST : policy->minor;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!strcmp(checks[i].id, id))
			return runs(&checks[i], policy->level, minor);
	return false;
}

size_t pss_evaluate(const struct ps_pod *pod, const struct pss_policy *policy, struct arena *a,
		    struct pss_violation out[PSS_MAX_CHECKS])
{
	unsigned minor = policy->minor > PSS_NEWEST ? PSS_NEWEST : policy->minor;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct pss p = { .pod = pod, .arena = a, .rule = minor };

		if (!runs(&checks[i], policy->level, minor) || !checks[i].violates(&p)) {
			buf_free(&p.detail);
			continue;
		}
		p.v.id = checks[i].id;
		p.v.detail = words_keep(&p.detail, a);
		out[n++] = p.v;
	}
	return n;
}

void pss_message(const struct pss_violation *v, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, *v[i].detail ? "%s%s (%s)" : "%s%s%s", i ? ", " : "", v[i].reason,
			   v[i].detail);
}

/* ---- policies */

static const char *const levels[] = { "privileged", "baseline", "restricted" };

int pss_level_parse(const char *text, enum pss_level *out, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(text, levels[i])) {
			*out = (enum pss_level)i;
			return 0;
		}
	return err_set(e, EINVAL, "'%s': must be one of privileged, baseline, restricted", text);
}

int pss_version_parse(const char *text, unsigned *minor, struct err *e)
{
	size_t digits;

	if (!strcmp(text, "latest")) {
		*minor = PSS_LATEST;
		return 0;
	}
	digits = starts(text, "v1.") ? strspn(text + 3, "0123456789") : 0;
	if (digits < 1 || digits > 6 || text[3 + digits] || (digits > 1 && text[3] == '0'))
		return err_set(e, EINVAL, "'%s': must be \"latest\" or \"v1.x\"", text);
	*minor = (unsigned)strtoul(text + 3, NULL, 10);
	return 0;
}

const char *pss_level_name(enum pss_level level)
{
	return levels[level];
}

void pss_policy_name(const struct pss_policy *p, struct buf *out)
{
	if (p->minor == PSS_LATEST)
		buf_printf(out, "%s:latest", levels[p->level]);
	else
		buf_printf(out, "%s:v1.%u", levels[p->level], p->minor);
}
