/*
 * Amazon ECS task definitions (RegisterTaskDefinition, API version 2014-11-13): members and the
 * values that it takes. seccomp has no member there.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"

/* Capabilities of Linux that KernelCapabilities.add and .drop do not list. */
static const char *const unknown_to_ecs[] = {
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

static bool ecs_knows(unsigned nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(unknown_to_ecs); i++)
		if (!strcmp(unknown_to_ecs[i], platform_cap(nr)))
			return false;
	return true;
}

/* Fargate adds nothing but this one (platform version 1.4.0), to Docker's default set. */
static bool fargate_adds(unsigned nr)
{
	return !strcmp(platform_cap(nr), "SYS_PTRACE");
}

static void put_capabilities(struct json_object *linux_params, const struct gen_caps *c,
			     bool fargate, struct buf *notes)
{
	struct json_object *caps = json_object_new_object(), *add = json_object_new_array(),
			   *drop = json_object_new_array();
	uint64_t defaults = bcap_docker_default_mask();

	for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
		uint64_t bit = UINT64_C(1) << nr;

		if (fargate && defaults & ~c->needed & bit)
			push_str(drop, platform_cap(nr));
		if (!(c->needed & bit) || (fargate && defaults & bit))
			continue;
		if (!ecs_knows(nr) || (fargate && !fargate_adds(nr)))
			gen_note(notes,
				 "%s was needed, and %s cannot give it: what needs it will "
				 "fail there",
				 bcap_by_nr(nr)->name, fargate ? "Fargate" : "ECS");
		else
			push_str(add, platform_cap(nr));
	}
	if (!fargate)
		push_str(drop, "ALL");
	put(caps, "add", add);
	put(caps, "drop", drop);
	put(linux_params, "capabilities", caps);
}

static void put_security_options(struct json_object *container, const struct workload *w,
				 const struct gen_container *c, bool fargate, struct buf *notes)
{
	struct json_object *list = json_object_new_array();

	if (fargate) {
		json_object_put(list);
		gen_note(notes, "Fargate takes no dockerSecurityOptions: no-new-privileges, "
				"AppArmor, SELinux and seccomp profiles cannot be set there");
		return;
	}
	if (platform_nnp(w, c, notes))
		push_str(list, "no-new-privileges");
	if (c->apparmor) {
		cleanup_free char *value = xasprintf("apparmor:%s", c->apparmor);

		push_str(list, value);
		gen_note(notes, "AppArmor: the profile has to be loaded on every container "
				"instance, with ECS_APPARMOR_CAPABLE=true for the agent");
	}
	if (c->selinux) {
		cleanup_free char *value = xasprintf("label:type:%s", c->selinux);

		push_str(list, value);
		gen_note(notes, "SELinux: the agent needs ECS_SELINUX_CAPABLE=true");
	}
	put(container, "dockerSecurityOptions", list);
	if (c->seccomp)
		gen_note(notes, "a task definition has no member for seccomp: it is set for all "
				"containers of an instance, in daemon.json (--part daemon.json)");
}

/* A volume without a host path is an empty one of the task; tmpfs is not known to Fargate. */
static void put_volumes(struct json_object *task, struct json_object *container,
			const struct places *p)
{
	struct json_object *volumes = json_object_new_array(), *mounts = json_object_new_array();

	for (size_t i = 0, n = 0; i < p->n; i++) {
		cleanup_free char *name = NULL;
		struct json_object *v, *m;

		if (p->v[i].volume || !place_may_be_empty(&p->v[i]))
			continue;
		name = xasprintf("empty-%zu", ++n);
		v = json_object_new_object();
		m = json_object_new_object();
		put_str(v, "name", name);
		push(volumes, v);
		put_str(m, "sourceVolume", name);
		put_str(m, "containerPath", p->v[i].dir);
		put_bool(m, "readOnly", false);
		push(mounts, m);
	}
	put(container, "mountPoints", mounts);
	put(task, "volumes", volumes);
}

struct json_object *gen_ecs(const struct workload *w, const struct gen_container *c,
			    const struct gen_ecs *ecs, struct buf *notes)
{
	struct json_object *task = json_object_new_object(), *container = json_object_new_object(),
			   *list = json_object_new_array(), *needs = json_object_new_array(),
			   *linux_params = json_object_new_object();
	const char *image = platform_image(w);
	cleanup_places struct places p;
	struct gen_caps caps;
	bool read_only;

	gen_caps(w, &caps);
	places_find(w, c->volumes, c->volumes_n, &p);
	put_str(task, "family", c->name);
	push_str(needs, ecs->fargate ? "FARGATE" : "EC2");
	put(task, "requiresCompatibilities", needs);
	if (ecs->fargate)
		put_str(task, "networkMode", "awsvpc");
	put_str(container, "name", c->name);
	put_str(container, "image", image ? image : "IMAGE");
	put_bool(container, "essential", true);
	if (!ecs->fargate)
		put_bool(container, "privileged", false);
	read_only = platform_read_only(c, &p, notes);
	put_bool(container, "readonlyRootFilesystem", read_only);
	if (c->user)
		put_str(container, "user", c->user);
	put_capabilities(linux_params, &caps, ecs->fargate, notes);
	put(container, "linuxParameters", linux_params);
	put_security_options(container, w, c, ecs->fargate, notes);
	if (read_only)
		put_volumes(task, container, &p);
	push(list, container);
	put(task, "containerDefinitions", list);
	return task;
}

int gen_ecs_daemon(const struct gen_container *c, const struct gen_ecs *ecs,
		   struct json_object **out, struct buf *notes, struct err *e)
{
	if (ecs->fargate)
		return err_set(e, EINVAL,
			       "Fargate has no daemon.json: a seccomp profile cannot be set there");
	if (!c->seccomp || *c->seccomp != '/')
		return err_set(e, EINVAL,
			       "--part daemon.json needs the profile's whole path on the instance "
			       "(--seccomp /etc/docker/seccomp/NAME.json)");
	*out = json_object_new_object();
	put_str(*out, "seccomp-profile", c->seccomp);
	gen_note(notes, "the profile holds for every container of the instance, the ECS agent's "
			"own included unless that one is started with seccomp=unconfined: use "
			"instances for this workload alone (a custom attribute and a placement "
			"constraint), and merge its model with the agent's");
	return 0;
}
