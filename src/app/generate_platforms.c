#include <stdlib.h>
#include <string.h>

#include "app/generate.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/platform.h"

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
		generate_put_json(&g->out, gen_run_json(&g->model, &ct.c, engine, &g->notes));
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
		return usage_error(a, e, "a unit is text");
	return make_run(g, a, GEN_PODMAN, -1, e);
}

const struct generate_target generate_platforms[] = {
	{ "docker", make_docker },
	{ "podman", make_podman },
	{ 0 },
};
