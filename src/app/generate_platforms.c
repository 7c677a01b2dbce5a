#include <stdlib.h>
#include <string.h>

#include "app/generate.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/yaml_write.h"
#include "profile/platform.h"

enum { KNOWN_CALLS_MAX = 1024 * 1024 };

/* A container's settings from the command line, with what they point to. */
struct container {
	struct gen_container c;
	char *name, *file;
	const char **volumes;
};

static void container_free(struct container *ct)
{
	free(ct->name);
	free(ct->file);
	free(ct->volumes);
}
#define cleanup_container cleanup(container_free)

/* The option's value, `fallback` without it, NULL for "none". */
static const char *or_none(const struct args *a, const char *option, const char *fallback)
{
	const char *value = args_value(a, option);

	if (!value)
		return fallback;
	return strcmp(value, "none") ? value : NULL;
}

static int three_way(const struct args *a, const char *option, int fallback)
{
	if (!args_has(a, option) || generate_is(a, option, "auto"))
		return args_has(a, option) ? -1 : fallback;
	return generate_is(a, option, "on");
}

static int read_volumes(struct container *ct, const struct args *a, struct err *e)
{
	size_t n = 0, cap = 0;
	const char *dir;

	while ((dir = args_value_at(a, "volume", n))) {
		if (strchr(dir, ':')) /* HOST:DIRECTORY */
			dir = strchr(dir, ':') + 1;
		if (*dir != '/' || (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/'))
			return usage_error(a, e,
					   "--volume '%s': expected a directory of the container "
					   "such as /var/lib/app, without a slash at its end",
					   dir);
		*vec_push(ct->volumes, n, cap) = dir;
	}
	ct->c.volumes = ct->volumes;
	ct->c.volumes_n = n;
	return 0;
}

/* "UID" or "UID:GID"; names mean something only inside the image. */
static int check_user(const struct args *a, struct err *e)
{
	const char *user = args_value(a, "user");
	size_t n = user ? strspn(user, "0123456789") : 0;
	size_t group = user && user[n] == ':' ? strspn(user + n + 1, "0123456789") : 0;

	if (!user || (n && n < 11 && (!user[n] || (group && group < 11 && !user[n + 1 + group]))))
		return 0;
	return usage_error(a, e, "--user '%s': expected numbers, UID or UID:GID", user);
}

/* Checks the model and fills `ct`; `suffix` makes the profile's default file name of the name. */
static int read_container(struct generate *g, const struct args *a, const char *suffix,
			  int read_only, struct container *ct, struct err *e)
{
	struct gen_container *c = &ct->c;
	int r = gen_check_model(&g->model, &g->o, &g->notes, e);

	if (r >= 0)
		r = gen_name(&g->model, &g->o, &ct->name, e);
	if (r < 0)
		return r;
	ct->file = xasprintf("%s%s", ct->name, suffix);
	c->name = ct->name;
	c->seccomp = or_none(a, "seccomp", ct->file);
	c->apparmor = or_none(a, "apparmor", ct->name);
	c->selinux = or_none(a, "selinux", NULL);
	c->user = args_value(a, "user");
	c->no_new_privs = three_way(a, "no-new-privileges", -1);
	c->read_only = three_way(a, "read-only", read_only);
	r = check_user(a, e) ? -EINVAL : 0;
	if (r >= 0)
		r = read_volumes(ct, a, e) ? -EINVAL : 0;
	return r;
}

static int make_run(struct generate *g, const struct args *a, enum gen_engine engine, int read_only,
		    struct err *e)
{
	cleanup_container struct container ct = { 0 };
	int r = read_container(g, a, ".json", read_only, &ct, e);

	if (r < 0)
		return r;
	if (args_has(a, "quadlet"))
		gen_quadlet(&g->model, &ct.c, &g->out, &g->notes);
	else if (g->json)
		json_put_text(&g->out, gen_run_json(&g->model, &ct.c, engine, &g->notes));
	else
		gen_run_text(&g->model, &ct.c, engine, &g->out, &g->notes);
	return 0;
}

static int make_docker(struct generate *g, const struct args *a, struct err *e)
{
	return make_run(g, a, GEN_DOCKER, 0, e);
}

static int make_podman(struct generate *g, const struct args *a, struct err *e)
{
	if (g->json && args_has(a, "quadlet"))
		return err_set(e, EINVAL, "a unit is text: --quadlet has no JSON");
	return make_run(g, a, GEN_PODMAN, -1, e);
}

/* YAML, or with -o json JSON; takes the value over. */
static void put_object(struct generate *g, struct json_object *o)
{
	cleanup_json struct json_object *owned = o;
	cleanup_free char *text = g->json ? json_text(owned) : NULL;

	if (text)
		buf_puts(&g->out, text);
	else
		yaml_write(owned, &g->out);
}

/* "1.30", "v1.30.2": the minor number. */
static int kubernetes_minor(const struct args *a, unsigned *minor, struct err *e)
{
	const char *given = args_value(a, "kubernetes-version"), *p = given;
	char *end;
	unsigned long n;

	*minor = GEN_KUBERNETES_MINOR;
	if (!given)
		return 0;
	p += *p == 'v';
	if (strncmp(p, "1.", 2) != 0 || p[2] < '0' || p[2] > '9')
		return usage_error(
			a, e, "--kubernetes-version '%s': expected a number such as 1.30", given);
	n = strtoul(p + 2, &end, 10);
	if ((*end && *end != '.') || n > 1000)
		return usage_error(
			a, e, "--kubernetes-version '%s': expected a number such as 1.30", given);
	*minor = (unsigned)n;
	return 0;
}

/* Index of the word in a list that ends with NULL; -1 with an error. */
static int choose(const struct args *a, const char *option, const char *const *words, struct err *e)
{
	cleanup_buf struct buf known = { 0 };
	const char *value = args_value(a, option);

	for (int i = 0; words[i]; i++) {
		if (!value || !strcmp(value, words[i]))
			return i;
		buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
	}
	usage_error(a, e, "--%s '%s': expected one of %s", option, value, buf_str(&known));
	return -1;
}

static int make_kubernetes(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_container struct container ct = { 0 };
	int kind = choose(a, "kind", gen_kubernetes_kinds, e);
	struct gen_kubernetes k = { .container = args_value(a, "container"),
				    .json6902 = generate_is(a, "patch", "json6902") };
	struct json_object *o = NULL;
	int r = kind < 0 || kubernetes_minor(a, &k.minor, e) ? -EINVAL : 0;

	if (r >= 0)
		r = read_container(g, a, ".json", -1, &ct, e);
	if (r < 0)
		return r;
	k.kind = gen_kubernetes_kinds[kind];
	r = gen_kubernetes(&g->model, &ct.c, &k, &o, &g->notes, e);
	if (r < 0)
		return r;
	put_object(g, o);
	return 0;
}

/* What an SELinux module needs from the command line. */
struct selinux {
	struct gen_selinux s;
	struct file_contexts contexts;
	const char **mounts;
};

static void selinux_free(struct selinux *s)
{
	fc_free(&s->contexts);
	free(s->mounts);
}

static int read_selinux(const struct args *a, struct selinux *s, struct err *e)
{
	const char *file = args_value(a, "file-contexts"), *mount;
	size_t n = 0, cap = 0;
	int r = file ? fc_load(&s->contexts, file, e) : 0;

	while ((mount = args_value_at(a, "volume", n)))
		*vec_push(s->mounts, n, cap) = mount;
	s->s = (struct gen_selinux){ s->mounts, n, file ? &s->contexts : NULL };
	for (size_t i = 0; r >= 0 && i < n; i++)
		if (s->mounts[i][0] != '/' ||
		    strstr(s->mounts[i], ":") != strstr(s->mounts[i], ":/"))
			r = err_set(e, EINVAL,
				    "--volume '%s': expected DIRECTORY or HOST:DIRECTORY, both "
				    "with a slash in front",
				    s->mounts[i]);
	return r;
}

static int make_spo(struct generate *g, const struct args *a, struct err *e)
{
	cleanup(selinux_free) struct selinux selinux = { 0 };
	int kind = choose(a, "kind", spo_kind_names, e);
	struct json_object *o = NULL;
	int r = kind < 0 ? -EINVAL : read_selinux(a, &selinux, e);

	if (r >= 0)
		r = gen_spo(&g->model, &g->o, (enum spo_kind)kind, &selinux.s, &o, &g->notes, e);
	if (r < 0)
		return r;
	put_object(g, o);
	return 0;
}

static int make_seal(struct generate *g, const struct args *a, struct err *e)
{
	struct json_object *o = NULL;
	int r = gen_seal(&g->model, &g->o, args_has(a, "with-apparmor"), &o, &g->notes, e);

	if (r < 0)
		return r;
	put_object(g, o);
	return 0;
}

static int make_selinux(struct generate *g, const struct args *a, struct err *e)
{
	cleanup(selinux_free) struct selinux selinux = { 0 };
	cleanup_se_policy struct se_policy p = { 0 };
	int r = read_selinux(a, &selinux, e);

	if (r >= 0)
		r = gen_selinux(&g->model, &g->o, &selinux.s, &p, &g->notes, e);
	if (r < 0)
		return r;
	se_write(&p, true, &g->out);
	return 0;
}

static int make_networkpolicy(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_free const char **selectors = NULL;
	cleanup_free char *name = NULL;
	struct gen_networkpolicy n = { .ports_only = generate_is(a, "egress", "ports") };
	struct json_object *o = NULL;
	size_t cap = 0;
	const char *s;
	int r = gen_check_model(&g->model, &g->o, &g->notes, e);

	if (r >= 0)
		r = gen_name(&g->model, &g->o, &name, e);
	if (r < 0)
		return r;
	while ((s = args_value_at(a, "selector", n.selectors_n)))
		*vec_push(selectors, n.selectors_n, cap) = s;
	n.name = name;
	n.selectors = selectors;
	r = gen_networkpolicy(&g->model, &n, &o, &g->notes, e);
	if (r < 0)
		return r;
	put_object(g, o);
	return 0;
}

static int make_ecs(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_container struct container ct = { 0 };
	struct gen_ecs ecs = { .fargate = generate_is(a, "launch-type", "fargate") };
	struct json_object *o = NULL;
	int r = read_container(g, a, ".json", -1, &ct, e);

	if (r < 0)
		return r;
	if (generate_is(a, "part", "daemon.json"))
		r = gen_ecs_daemon(&ct.c, &ecs, &o, &g->notes, e);
	else
		o = gen_ecs(&g->model, &ct.c, &ecs, &g->notes);
	if (r < 0)
		return r;
	json_put_text(&g->out, o);
	return 0;
}

static int make_systemd(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_container struct container ct = { 0 };
	cleanup_buf struct buf known = { 0 };
	const char *file = args_value(a, "known-calls");
	struct gen_systemd s = { 0 };
	int r = read_container(g, a, "", -1, &ct, e);

	if (r >= 0 && file)
		r = io_read_file(file, KNOWN_CALLS_MAX, &known, e);
	if (r < 0)
		return r;
	if (file && !strstr(buf_str(&known), "execve"))
		return err_set(e, EINVAL,
			       "--known-calls: %s: expected what systemd-analyze syscall-filter "
			       "prints, found no execve in it",
			       file);
	s.known_calls = file ? buf_str(&known) : NULL;
	ct.c.apparmor = or_none(a, "apparmor", NULL);
	gen_systemd(&g->model, &g->o, &ct.c, &s, &g->out, &g->notes);
	return 0;
}

const struct generate_target generate_platforms[] = {
	{ "selinux", make_selinux },
	{ "docker", make_docker },
	{ "podman", make_podman },
	{ "kubernetes", make_kubernetes },
	{ "spo", make_spo },
	{ "seal", make_seal },
	{ "networkpolicy", make_networkpolicy },
	{ "ecs", make_ecs },
	{ "systemd", make_systemd },
	{ 0 },
};
