/* Seccomp, AppArmor, SELinux: whether a workload is confined, and by what. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "inspect/checks.h"
#include "inspect/words.h"

static const char seccomp_pod[] = "seccomp.security.alpha.kubernetes.io/pod";
static const char seccomp_container[] = "container.seccomp.security.alpha.kubernetes.io/";
static const char apparmor_container[] = "container.apparmor.security.beta.kubernetes.io/";

const struct ps_profile *ins_seccomp_of(const struct ins_run *r, const struct ps_container *c)
{
	return c->sec.seccomp.at	? &c->sec.seccomp
	       : r->pod->sec.seccomp.at ? &r->pod->sec.seccomp
					: NULL;
}

static bool starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool type_is(const struct ps_profile *p, const char *type)
{
	return p->type.v && !strcmp(p->type.v, type);
}

static bool is_good(const struct ps_profile *p)
{
	return type_is(p, "RuntimeDefault") || type_is(p, "Localhost");
}

/* ---- seccomp */

/* Where profiles are options of a list, without the option the engine's default applies. */
static void remove_option(struct ins_run *r, struct ins_finding *f, const struct ps_profile *p)
{
	if (r->pod->platform == PS_COMPOSE || r->pod->platform == PS_ECS)
		ins_fix(r, f, INS_REMOVE, p->at, NULL, NULL,
			"what the engine's default profile refuses");
}

static void seccomp_bad(struct ins_run *r, const struct ps_container *c, const struct ps_profile *p)
{
	struct ins_finding *f;
	bool open = !p->type.v || type_is(p, "Unconfined");

	if (!p->at || is_good(p))
		return;
	f = ins_find(r, c, p->type.at ? p->type.at : p->at, p->at, "type",
		     open ? "%s runs without seccomp: every system call reaches the kernel"
			  : "%s has a seccomp profile of a type that does not exist",
		     ins_who(r, c));
	if (r->pod->platform == PS_KUBERNETES) {
		ins_fix(r, f, INS_SET, p->at, "type", "\"RuntimeDefault\"",
			"system calls that the runtime's default profile refuses");
		if (p->localhost.at)
			ins_fix(r, f, INS_REMOVE, p->localhost.at, NULL, NULL, NULL);
	}
	if (r->model)
		ins_evidence(r, f,
			     "the model %s lists the %zu system calls that it needs; boltseal "
			     "generate makes a profile of them",
			     r->model->path, r->model->w.syscalls_n);
}

/* Annotations that the standard looked at before 1.19. */
static void seccomp_annotations(struct ins_run *r)
{
	for (size_t i = 0; i < r->pod->annotations.n; i++) {
		const struct ps_entry *en = &r->pod->annotations.v[i];
		struct ins_finding *f;

		if ((strcmp(en->key, seccomp_pod) && !starts(en->key, seccomp_container)) ||
		    !strcmp(en->value, "runtime/default") || !strcmp(en->value, "docker/default") ||
		    starts(en->value, "localhost/"))
			continue;
		f = ins_find(r, NULL, en->at, r->pod->meta, NULL,
			     "an annotation asks for no seccomp (%s)", en->key);
		f->severity = INS_MEDIUM;
		ins_fix(r, f, INS_SET, en->at, NULL, "\"runtime/default\"", NULL);
	}
}

void check_seccomp_unconfined(struct ins_run *r)
{
	if (!ins_linux(r))
		return;
	seccomp_bad(r, NULL, &r->pod->sec.seccomp);
	ins_each(r, c) seccomp_bad(r, c, &c->sec.seccomp);
	if (r->pod->platform == PS_KUBERNETES)
		seccomp_annotations(r);
}

void check_seccomp_missing(struct ins_run *r)
{
	const char *path = ins_setting_path(r->pod->platform, SET_SECCOMP);

	if (!ins_linux(r))
		return;
	ins_each(r, c)
	{
		struct ins_finding *f;

		if (ins_seccomp_of(r, c))
			continue;
		if (r->pod->platform == PS_KUBERNETES) {
			f = ins_find(r, c, NULL, r->pod->spec, path,
				     r->o->seccomp_default
					     ? "%s leaves its seccomp profile to the node"
					     : "%s has no seccomp profile; unless its node sets "
					       "seccompDefault it runs without one",
				     ins_who(r, c));
			ins_fix(r, f, INS_SET, r->pod->spec, path, "{\"type\":\"RuntimeDefault\"}",
				NULL);
			if (r->o->seccomp_default)
				f->severity = INS_LOW;
		} else {
			f = ins_find(r, c, NULL, c->at, path, "%s has no seccomp profile",
				     ins_who(r, c));
		}
		if (r->model)
			ins_evidence(r, f, "the model %s lists the %zu system calls that it needs",
				     r->model->path, r->model->w.syscalls_n);
	}
}

/* ---- AppArmor */

static void apparmor_bad(struct ins_run *r, const struct ps_container *c,
			 const struct ps_profile *p)
{
	struct ins_finding *f;
	bool open = !p->type.v || type_is(p, "Unconfined");

	if (!p->at || is_good(p))
		return;
	f = ins_find(r, c, p->type.at ? p->type.at : p->at, p->at, "type",
		     open ? "%s runs without AppArmor"
			  : "%s has an AppArmor profile of a type that does not exist",
		     ins_who(r, c));
	if (r->pod->platform == PS_KUBERNETES) {
		ins_fix(r, f, INS_SET, p->at, "type", "\"RuntimeDefault\"",
			"what the runtime's default profile refuses");
		if (p->localhost.at)
			ins_fix(r, f, INS_REMOVE, p->localhost.at, NULL, NULL, NULL);
	} else if (!p->type.v) {
		f->severity = INS_LOW;
	} else {
		remove_option(r, f, p);
	}
}

void check_apparmor(struct ins_run *r)
{
	apparmor_bad(r, NULL, &r->pod->sec.apparmor);
	ins_each(r, c) apparmor_bad(r, c, &c->sec.apparmor);
	for (size_t i = 0; i < r->pod->annotations.n; i++) {
		const struct ps_entry *en = &r->pod->annotations.v[i];
		struct ins_finding *f;

		if (!starts(en->key, apparmor_container) || !*en->value ||
		    !strcmp(en->value, "runtime/default") || starts(en->value, "localhost/"))
			continue;
		f = ins_find(r, NULL, en->at, r->pod->meta, NULL,
			     "an annotation asks for no AppArmor for container \"%s\"",
			     en->key + strlen(apparmor_container));
		ins_fix(r, f, INS_SET, en->at, NULL, "\"runtime/default\"",
			"what the runtime's default profile refuses");
	}
}

/* ---- SELinux */

static bool selinux_type_ok(const char *type)
{
	static const char *const types[] = { "", "container_t", "container_init_t",
					     "container_kvm_t", "container_engine_t" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

static void selinux_field(struct ins_run *r, const struct ps_container *c, const struct ps_str *v,
			  const char *what)
{
	struct ins_finding *f;

	if (!v->at || !*v->v)
		return;
	f = ins_find(r, c, v->at, r->pod->spec, NULL, "%s sets the SELinux %s %s", ins_who(r, c),
		     what, v->v);
	if (r->pod->platform == PS_KUBERNETES)
		ins_fix(r, f, INS_REMOVE, v->at, NULL, NULL, NULL);
}

static void selinux_of(struct ins_run *r, const struct ps_container *c, const struct ps_selinux *s)
{
	bool old = r->o->policy && r->o->policy->minor < 31 && s->type.v &&
		   !strcmp(s->type.v, "container_engine_t");

	if (s->type.at && (!selinux_type_ok(s->type.v) || old))
		selinux_field(r, c, &s->type, "type");
	selinux_field(r, c, &s->user, "user");
	selinux_field(r, c, &s->role, "role");
}

void check_selinux(struct ins_run *r)
{
	selinux_of(r, NULL, &r->pod->sec.selinux);
	ins_each(r, c) selinux_of(r, c, &c->sec.selinux);
}

/* ---- profiles of the node */

static bool inside(const char *path)
{
	if (*path == '/')
		return false;
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return false;
	}
	return true;
}

/* 1: there, 0: not, -1: there is no node to look at. */
static int seccomp_on_node(const struct ins_run *r, const char *profile)
{
	cleanup_free char *path = NULL;
	struct stat st;

	if (!r->o->node_root)
		return -1;
	if (asprintf(&path, "%s/%s/seccomp/%s", r->o->node_root, r->o->kubelet_dir, profile) < 0)
		return -1;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A line "NAME (enforce)" of the kernel's list. */
static bool in_kernel_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, name, n) && !strncmp(p + n, " (", 2))
			return true;
	return false;
}

/* "profile NAME" or "NAME {" at the beginning of a line of a file in etc/apparmor.d. */
static bool in_profile_text(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *q = p + strspn(p, " \t");

		if (starts(q, "profile "))
			q += 8;
		q += strspn(q, " \t\"");
		if (!strncmp(q, name, n) && (!q[n] || strchr(" \t\"{\n", q[n])))
			return true;
	}
	return false;
}

static bool in_profile_dir(const char *dir, const char *name)
{
	cleanup_closedir DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		cleanup_buf struct buf text = { 0 };
		cleanup_free char *path = NULL;

		if (*de->d_name == '.' || asprintf(&path, "%s/%s", dir, de->d_name) < 0 ||
		    io_read_file(path, 1024 * 1024, &text, NULL) < 0)
			continue;
		if (in_profile_text(buf_str(&text), name))
			return true;
	}
	return false;
}

static int apparmor_on_node(const struct ins_run *r, const char *name)
{
	cleanup_free char *list = NULL, *dir = NULL;
	cleanup_buf struct buf loaded = { 0 };

	if (!r->o->node_root ||
	    asprintf(&list, "%s/sys/kernel/security/apparmor/profiles", r->o->node_root) < 0 ||
	    asprintf(&dir, "%s/etc/apparmor.d", r->o->node_root) < 0)
		return -1;
	if (io_read_file(list, 16 * 1024 * 1024, &loaded, NULL) == 0 && loaded.len)
		return in_kernel_list(loaded.p, name);
	return in_profile_dir(dir, name);
}

/* What no node was asked for is neither there nor missing. */
static void on_nodes(struct ins_run *r, const struct ps_container *c, bool apparmor,
		     const char *name, const struct yaml_node *at)
{
	r->unjudged |= !r->o->node_root && !r->o->nodes_n;
	ins_profile_on_nodes(r, c, apparmor, name, at);
}

static void localhost_seccomp(struct ins_run *r, const struct ps_container *c,
			      const struct ps_profile *p)
{
	const char *name = p->localhost.v ? p->localhost.v : "";

	if (!p->at || !type_is(p, "Localhost"))
		return;
	if (!*name)
		ins_find(r, c, p->localhost.at, p->at, "localhostProfile",
			 "the seccomp profile of %s is Localhost without a file name",
			 ins_who(r, c));
	else if (!inside(name))
		ins_find(r, c, p->localhost.at, p->at, NULL,
			 "the seccomp profile %s leaves the kubelet's profile folder", name);
	else if (seccomp_on_node(r, name) == 0)
		ins_find(
			r, c, p->localhost.at, p->at, NULL,
			"the node has no seccomp profile %s/seccomp/%s: the container cannot start "
			"there",
			r->o->kubelet_dir, name);
	else
		on_nodes(r, c, false, name, p->localhost.at);
}

static void localhost_apparmor(struct ins_run *r, const struct ps_container *c, const char *name,
			       const struct yaml_node *at)
{
	if (!*name)
		ins_find(r, c, at, at, NULL,
			 "the AppArmor profile of %s is Localhost without a name", ins_who(r, c));
	else if (apparmor_on_node(r, name) == 0)
		ins_find(r, c, at, at, NULL,
			 "the node has no AppArmor profile \"%s\" loaded: the container cannot "
			 "start "
			 "there",
			 name);
	else
		on_nodes(r, c, true, name, at);
}

static void localhost_of(struct ins_run *r, const struct ps_container *c,
			 const struct ps_security *s)
{
	localhost_seccomp(r, c, &s->seccomp);
	if (s->apparmor.at && type_is(&s->apparmor, "Localhost"))
		localhost_apparmor(r, c, s->apparmor.localhost.v ? s->apparmor.localhost.v : "",
				   s->apparmor.localhost.at ? s->apparmor.localhost.at
							    : s->apparmor.at);
}

void check_profile_exists(struct ins_run *r)
{
	localhost_of(r, NULL, &r->pod->sec);
	ins_each(r, c) localhost_of(r, c, &c->sec);
	for (size_t i = 0; i < r->pod->annotations.n; i++) {
		const struct ps_entry *en = &r->pod->annotations.v[i];

		if (starts(en->key, apparmor_container) && starts(en->value, "localhost/"))
			localhost_apparmor(r, NULL, en->value + strlen("localhost/"), en->at);
	}
}

void check_profile_ignored(struct ins_run *r)
{
	ins_each(r, c)
	{
		const struct ps_profile *p = ins_seccomp_of(r, c);

		if (!c->sec.privileged.v || !p || type_is(p, "Unconfined"))
			continue;
		ins_find(r, c, p->type.at ? p->type.at : p->at, p->at, NULL,
			 "%s is privileged, so its seccomp profile (%s) has no effect",
			 ins_who(r, c), p->type.v ? p->type.v : "");
	}
}

/* ---- annotations of old */

static const struct ps_container *by_name(const struct ins_run *r, const char *name)
{
	ins_each(r, c) if (!strcmp(c->name, name)) return c;
	return NULL;
}

/* The field that says what the annotation's value says, or NULL. */
static const char *as_field(struct ins_run *r, const char *value)
{
	struct buf b = { 0 };

	if (!strcmp(value, "runtime/default") || !strcmp(value, "docker/default"))
		return "{\"type\":\"RuntimeDefault\"}";
	if (!starts(value, "localhost/"))
		return NULL;
	buf_printf(&b, "{\"type\":\"Localhost\",\"localhostProfile\":%s}",
		   ins_json_string(r, value + strlen("localhost/")));
	return words_keep(&b, r->arena);
}

static void old_seccomp(struct ins_run *r, const struct ps_entry *en)
{
	const struct ps_container *c = starts(en->key, seccomp_container)
					       ? by_name(r, en->key + strlen(seccomp_container))
					       : NULL;
	const struct ps_security *sec = c ? &c->sec : &r->pod->sec;
	const char *field = as_field(r, en->value);
	struct ins_finding *f;

	f = ins_find(r, c, en->at, r->pod->meta, NULL,
		     sec->seccomp.at ? "the annotation %s repeats a field and is not read since "
				       "Kubernetes 1.27"
				     : "the annotation %s has no effect since Kubernetes 1.27: the "
				       "profile is not applied",
		     en->key);
	if (!sec->seccomp.at)
		f->severity = INS_MEDIUM;
	if (field && !sec->seccomp.at)
		ins_fix(r, f, INS_SET, c ? c->at : r->pod->spec, "securityContext/seccompProfile",
			field, NULL);
	ins_fix(r, f, INS_REMOVE, en->at, NULL, NULL, NULL);
}

static void old_apparmor(struct ins_run *r, const struct ps_entry *en)
{
	const struct ps_container *c = by_name(r, en->key + strlen(apparmor_container));
	const char *field = as_field(r, en->value);
	struct ins_finding *f;

	f = ins_find(r, c, en->at, r->pod->meta, NULL,
		     c ? "the annotation %s is deprecated since Kubernetes 1.30 in favour of "
			 "securityContext.appArmorProfile"
		       : "the annotation %s names no container of the pod",
		     en->key);
	if (field && c && !c->sec.apparmor.at)
		ins_fix(r, f, INS_SET, c->at, "securityContext/appArmorProfile", field, NULL);
	ins_fix(r, f, INS_REMOVE, en->at, NULL, NULL, NULL);
}

void check_old_annotations(struct ins_run *r)
{
	if (r->o->policy)
		return; /* fields do not conform to the versions that read annotations */
	for (size_t i = 0; i < r->pod->annotations.n; i++) {
		const struct ps_entry *en = &r->pod->annotations.v[i];

		if (!strcmp(en->key, seccomp_pod) || starts(en->key, seccomp_container))
			old_seccomp(r, en);
		else if (starts(en->key, apparmor_container))
			old_apparmor(r, en);
	}
}
