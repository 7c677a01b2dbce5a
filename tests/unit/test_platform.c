/* What container engines, orchestrators and service managers are told: golden files and cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <json-c/json_pointer.h>
#include <string.h>
#include <sys/socket.h>

#include "base/yaml_write.h"
#include "generate_model.h"
#include "golden.h"
#include "model/caps.h"
#include "profile/places.h"
#include "profile/platform.h"

static struct gen_container container(const char *name)
{
	return (struct gen_container){
		.name = name,
		.seccomp = "p.json",
		.apparmor = name,
		.no_new_privs = -1,
		.read_only = -1,
	};
}

static void add_file(struct workload *w, const char *path, bool pattern, uint32_t access)
{
	wl_prov_add(&wl_file_add(w, path, pattern, access)->prov, WL_PHASE_BIT(WL_START), 0, 0);
}

static void add_net(struct workload *w, enum wl_net_op op, uint16_t family, uint16_t type,
		    const char *address, uint16_t port)
{
	wl_prov_add(&wl_net_add(w, op, family, type, 0, address, port)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
}

static void golden_podman(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf text = { 0 }, unit = { 0 }, notes = { 0 };
	cleanup_json struct json_object *json = NULL;
	cleanup_free char *json_out = NULL;
	struct gen_container c = container("api");

	(void)state;
	load_golden(&w, "api");
	c.seccomp = "/etc/seccomp/api.json";
	c.selinux = "api.process";
	c.user = "10001:10001";
	gen_run_text(&w, &c, GEN_PODMAN, &text, &notes);
	check_golden("api.podman.txt", buf_str(&text));
	json = gen_run_json(&w, &c, GEN_PODMAN, &notes);
	json_out = json_text(json);
	check_golden("api.podman.json", json_out);
	gen_quadlet(&w, &c, &unit, &notes);
	check_golden("api.container", buf_str(&unit));
	assert_string_equal("", buf_str(&notes));
}

static void quadlet_escapes(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf unit = { 0 }, notes = { 0 };
	struct gen_container c = container("app");

	(void)state;
	model_init(&w);
	w.identity.image = wl_string(&w, "img%1$x\ny");
	c.seccomp = NULL;
	c.user = "7";
	gen_quadlet(&w, &c, &unit, &notes);
	has(&unit, "Image=img%%1$$x?y\n");
	has(&unit, "User=7\nReadOnly=true\n");
	lacks(&unit, "Group=");
	buf_free(&unit);
	w.identity.image = NULL;
	c.seccomp = "rel.json";
	gen_quadlet(&w, &c, &unit, &notes);
	has(&notes, "whole path of the seccomp profile");
	has(&notes, "replace IMAGE");
}

/* place of "dir", NULL when it is none. */
static const struct place *find(const struct places *p, const char *dir)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].dir, dir))
			return &p->v[i];
	return NULL;
}

static void places(void **state)
{
	static const char *const volumes[] = { "/data" };
	cleanup_workload struct workload w;
	cleanup_places struct places p;
	cleanup_buf struct buf notes = { 0 };

	(void)state;
	model_init(&w);
	add_file(&w, "/dev/null", false, WL_F_WRITE);
	add_file(&w, "/proc/@{pid}/oom_score_adj", true, WL_F_WRITE);
	add_file(&w, "/data/db/x", false, WL_F_READ | WL_F_WRITE);
	add_file(&w, "/database", false, WL_F_READ);
	add_file(&w, "/tmp/tool", false, WL_F_READ | WL_F_WRITE | WL_F_EXEC);
	add_file(&w, "/var/cache/a/*/b\\*", true, WL_F_WRITE | WL_F_CREATE);
	add_file(&w, "/var/cache/a/", false, WL_F_READ | WL_F_CHDIR);
	add_file(&w, "/var/spool/", false, WL_F_META);
	add_file(&w, "/opt/made/", false, WL_F_CREATE);
	add_file(&w, "/opt/made/in", false, WL_F_CREATE | WL_F_WRITE);
	add_net(&w, WL_NET_BIND, AF_UNIX, SOCK_STREAM, "/run/app/s", 0);
	places_find(&w, volumes, 1, &p);
	assert_int_equal(6, p.n);
	assert_true(find(&p, "/data/db")->volume);
	assert_true(find(&p, "/tmp")->executes && place_may_be_empty(find(&p, "/tmp")));
	assert_non_null(find(&p, "/tmp")->needs);
	assert_true(place_may_be_empty(find(&p, "/var/cache/a")));
	assert_non_null(find(&p, "/var/spool"));
	assert_non_null(find(&p, "/opt"));
	assert_null(find(&p, "/opt/made"));
	assert_non_null(find(&p, "/run/app"));
	assert_true(places_read_only(&p, &notes));
	assert_string_equal("", buf_str(&notes));
}

static void places_that_need_the_image(void **state)
{
	cleanup_workload struct workload w;
	cleanup_places struct places p;
	cleanup_buf struct buf notes = { 0 };

	(void)state;
	model_init(&w);
	add_file(&w, "/var/lib/x/new", false, WL_F_CREATE | WL_F_WRITE);
	add_file(&w, "/var/lib/x/sub/old", false, WL_F_READ);
	add_file(&w, "/var/lib/x/a", false, WL_F_READ);
	add_file(&w, "/lost", false, WL_F_CREATE);
	places_find(&w, NULL, 0, &p);
	assert_string_equal("/var/lib/x/a", find(&p, "/var/lib/x")->needs);
	assert_false(place_may_be_empty(find(&p, "/")));
	assert_false(places_read_only(&p, &notes));
	has(&notes, "writes in /var/lib/x, where it also needs /var/lib/x/a");
	has(&notes, "writes in /, where");
}

static char *yaml_text(struct json_object *o)
{
	struct buf b = { 0 };

	yaml_write(o, &b);
	return buf_take(&b);
}

static void golden_kubernetes(void **state)
{
	static const struct {
		const char *file, *model;
		struct gen_kubernetes k;
	} cases[] = {
		{ "api.pod.yaml", "api", { .kind = "Pod", .minor = GEN_KUBERNETES_MINOR } },
		{ "api.cronjob.yaml",
		  "api",
		  { .kind = "CronJob", .minor = 18, .container = "api-1" } },
		{ "web.deployment.yaml", "web", { .kind = "Deployment", .minor = 29 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload w;
		cleanup_buf struct buf notes = { 0 };
		cleanup_json struct json_object *o = NULL;
		cleanup_free char *text = NULL;
		struct gen_container c = container(cases[i].model);
		struct err e;

		load_golden(&w, cases[i].model);
		c.user = i ? "10001:10002" : NULL;
		c.selinux = i ? "web.process" : NULL;
		if (gen_kubernetes(&w, &c, &cases[i].k, &o, &notes, &e) < 0)
			fail_msg("%s", e.msg);
		text = yaml_text(o);
		check_golden(cases[i].file, text);
	}
}

static void kubernetes_json_patch(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *o = NULL, *none = NULL;
	cleanup_free char *text = NULL;
	struct gen_container c = container("api");
	struct gen_kubernetes k = { .kind = "Deployment",
				    .minor = GEN_KUBERNETES_MINOR,
				    .json6902 = true,
				    .container = "2" };
	struct err e;

	(void)state;
	load_golden(&w, "api");
	assert_int_equal(0, gen_kubernetes(&w, &c, &k, &o, &notes, &e));
	text = json_text(o);
	check_golden("api.patch.json", text);
	has(&notes, "a JSON patch cannot add the volumes");
	k.container = "api";
	assert_int_equal(-EINVAL, gen_kubernetes(&w, &c, &k, &none, &notes, &e));
	assert_non_null(strstr(e.msg, "needs its index"));
	k.container = NULL;
	k.minor = 29;
	assert_int_equal(-EINVAL, gen_kubernetes(&w, &c, &k, &none, &notes, &e));
	assert_non_null(strstr(e.msg, "annotations"));
	k.json6902 = false;
	k.container = "Upper";
	assert_int_equal(-EINVAL, gen_kubernetes(&w, &c, &k, &none, &notes, &e));
	assert_null(none);
}

static struct json_object *context_of(struct json_object *pod)
{
	struct json_object *spec = json_object_object_get(pod, "spec");
	struct json_object *list = json_object_object_get(spec, "containers");

	return json_object_object_get(json_object_array_get_idx(list, 0), "securityContext");
}

/* With CAP_SYS_ADMIN, and when the program executes sudo, new privileges are not ruled out. */
static void kubernetes_escalation(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *admin = NULL, *sudo = NULL;
	struct gen_container c = container("app");
	struct gen_kubernetes k = { .kind = "Pod", .minor = GEN_KUBERNETES_MINOR };
	struct err e;

	(void)state;
	model_init(&w);
	wl_prov_add(&wl_cap_add(&w, 21, WL_CAP_GRANTED, "mount", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	assert_int_equal(0, gen_kubernetes(&w, &c, &k, &admin, &notes, &e));
	assert_null(json_object_object_get(context_of(admin), "allowPrivilegeEscalation"));
	has(&notes, "with CAP_SYS_ADMIN");
	wl_program_add(&w, "/usr/bin/sudo");
	assert_int_equal(0, gen_kubernetes(&w, &c, &k, &sudo, &notes, &e));
	assert_true(json_object_get_boolean(
		json_object_object_get(context_of(sudo), "allowPrivilegeEscalation")));
	has(&notes, "since /usr/bin/sudo was executed");
}

static void golden_networkpolicy(void **state)
{
	static const char *const selectors[] = { "app.kubernetes.io/name=api", "tier=" };
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	struct gen_networkpolicy n = { .name = "api" };
	struct err e;

	(void)state;
	load_golden(&w, "api");
	for (size_t i = 0; i < 2; i++) {
		cleanup_json struct json_object *o = NULL;
		cleanup_free char *text = NULL;

		assert_int_equal(0, gen_networkpolicy(&w, &n, &o, &notes, &e));
		text = yaml_text(o);
		check_golden(i ? "api.ports.networkpolicy.yaml" : "api.networkpolicy.yaml", text);
		n.ports_only = true;
		n.selectors = selectors;
		n.selectors_n = 2;
	}
	check_golden("api.networkpolicy.notes", buf_str(&notes));
}

/* The schema of deploy/crds has these members; the image is any build of it. */
static void seal_cases(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *o = NULL;
	struct json_object *spec = NULL, *v = NULL;
	struct gen_options opt;

	(void)state;
	wl_init(&w);
	gen_options_default(&opt);
	opt.name = "Shop_Web";
	assert_int_equal(0, wl_load(&w, "tests/golden/web.workload.json", NULL));
	w.identity.image = "registry.example:5000/shop/web:1.2@sha256:00";
	assert_int_equal(0, gen_seal(&w, &opt, true, &o, &notes, NULL));
	assert_int_equal(0, json_pointer_get(o, "/metadata/name", &v));
	assert_string_equal(json_object_get_string(v), "shop-web");
	assert_int_equal(0, json_pointer_get(o, "/spec", &spec));
	assert_int_equal(0, json_pointer_get(spec, "/images/0", &v));
	assert_string_equal(json_object_get_string(v), "registry.example:5000/shop/web");
	assert_int_equal(0, json_pointer_get(spec, "/capabilities/1", &v));
	assert_string_equal(json_object_get_string(v), "NET_BIND_SERVICE");
	assert_int_equal(0, json_pointer_get(spec, "/seccomp/defaultAction", &v));
	assert_string_equal(json_object_get_string(v), "SCMP_ACT_ERRNO");
	/* AppArmor's name is the object's, not what was asked for. */
	assert_int_equal(0, json_pointer_get(spec, "/apparmor", &v));
	assert_non_null(strstr(json_object_get_string(v), "profile \"shop-web\" "));
	/* Without an image it is said that nobody gets it by itself. */
	w.identity.image = NULL;
	json_object_put(o);
	o = NULL;
	assert_null(strstr(buf_str(&notes), "names none"));
	assert_int_equal(0, gen_seal(&w, &opt, false, &o, &notes, NULL));
	assert_non_null(strstr(buf_str(&notes), "names none"));
	assert_int_not_equal(0, json_pointer_get(o, "/spec/images", &v));
	assert_int_not_equal(0, json_pointer_get(o, "/spec/apparmor", &v));
}

static void networkpolicy_cases(void **state)
{
	static const char *const bad[] = { "x", "=y", "a b=c", "a=b c", "/a=b", "a/=b", "a=b/c" };
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *o = NULL;
	cleanup_free char *text = NULL;
	struct gen_networkpolicy n = { .name = "app" };
	struct err e;

	(void)state;
	model_init(&w);
	add_net(&w, WL_NET_BIND, AF_INET, SOCK_STREAM, "0.0.0.0", 700); /* never listens */
	add_net(&w, WL_NET_BIND, AF_INET, SOCK_DGRAM, "0.0.0.0", 514);
	add_net(&w, WL_NET_LISTEN, AF_INET, SOCK_STREAM, "0.0.0.0", 0);
	add_net(&w, WL_NET_LISTEN, AF_INET6, SOCK_STREAM, "::1", 4000);
	add_net(&w, WL_NET_CONNECT, AF_INET6, SOCK_STREAM, "::ffff:10.1.2.3", 5000);
	add_net(&w, WL_NET_CONNECT, AF_INET6, SOCK_STREAM, "::ffff:127.0.0.9", 5001);
	add_net(&w, WL_NET_CONNECT, AF_INET, SOCK_STREAM, "0.0.0.0", 5002);
	add_net(&w, WL_NET_SEND, AF_INET, SOCK_RAW, "10.1.2.3", 0);
	assert_int_equal(0, gen_networkpolicy(&w, &n, &o, &notes, &e));
	text = json_text(o);
	assert_non_null(strstr(text, "\"port\": 514"));
	assert_non_null(strstr(text, "\"cidr\": \"10.1.2.3/32\""));
	assert_null(strstr(text, "700"));
	assert_null(strstr(text, "4000"));
	assert_null(strstr(text, "5001"));
	assert_null(strstr(text, "5002"));
	has(&notes, "port that the kernel chose");
	has(&notes, "raw sockets");
	has(&notes, "no DNS request");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_object *none = NULL;

		n.selectors = &bad[i];
		n.selectors_n = 1;
		assert_int_equal(-EINVAL, gen_networkpolicy(&w, &n, &none, &notes, &e));
		assert_null(none);
	}
}

static void golden_spo(void **state)
{
	static const char *const files[SPO_KIND_COUNT] = {
		[SPO_SECCOMP] = "web.seccompprofile.yaml",
		[SPO_APPARMOR] = "web.apparmorprofile.yaml",
		[SPO_SELINUX] = "web.selinuxprofile.yaml",
		[SPO_RAW_SELINUX] = "web.rawselinuxprofile.yaml",
	};
	static const char *const mounts[] = { "/srv/log:/var/log", "/srv/data:/var/lib/web" };
	const struct gen_selinux selinux = { .mounts = mounts, .mounts_n = 2 };
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	struct gen_options o;
	struct err e;

	(void)state;
	load_golden(&w, "web");
	gen_options_default(&o);
	for (unsigned kind = 0; kind < SPO_KIND_COUNT; kind++) {
		cleanup_json struct json_object *v = NULL;
		cleanup_free char *text = NULL;

		if (gen_spo(&w, &o, (enum spo_kind)kind, &selinux, &v, &notes, &e) < 0)
			fail_msg("%s", e.msg);
		text = yaml_text(v);
		check_golden(files[kind], text);
	}
	has(&notes, "cannot quote it: \"/srv/www/");
}

static void spo_names_and_values(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *v = NULL;
	cleanup_sp_profile struct sp_profile p;
	struct sp_rule *r;
	struct gen_options o;
	struct err e;

	(void)state;
	model_init(&w);
	gen_options_default(&o);
	o.name = "App_1.";
	assert_int_equal(0, gen_spo(&w, &o, SPO_SECCOMP, NULL, &v, &notes, &e));
	assert_non_null(strstr(json_object_to_json_string(v), "\"app-1\""));
	sp_init(&p);
	r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
	sp_rule_name(&p, r, "lseek");
	sp_rule_cond(r, 1, SP_EQ, INT64_MAX, 0);
	assert_int_equal(0, spo_check_values(&p, &e));
	sp_rule_cond(r, 0, SP_MASKED_EQ, 1, (uint64_t)INT64_MAX + 1);
	assert_int_equal(-EINVAL, spo_check_values(&p, &e));
	assert_non_null(strstr(e.msg, "the rule on lseek compares with 9223372036854775808"));
}

/* KernelCapabilities.add and .drop, and Compatibility of the ECS API, version 2014-11-13. */
static const char *const ecs_capabilities[] = {
	"ALL",	      "AUDIT_CONTROL",	 "AUDIT_WRITE",	     "BLOCK_SUSPEND",
	"CHOWN",      "DAC_OVERRIDE",	 "DAC_READ_SEARCH",  "FOWNER",
	"FSETID",     "IPC_LOCK",	 "IPC_OWNER",	     "KILL",
	"LEASE",      "LINUX_IMMUTABLE", "MAC_ADMIN",	     "MAC_OVERRIDE",
	"MKNOD",      "NET_ADMIN",	 "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_RAW",    "SETFCAP",	 "SETGID",	     "SETPCAP",
	"SETUID",     "SYS_ADMIN",	 "SYS_BOOT",	     "SYS_CHROOT",
	"SYS_MODULE", "SYS_NICE",	 "SYS_PACCT",	     "SYS_PTRACE",
	"SYS_RAWIO",  "SYS_RESOURCE",	 "SYS_TIME",	     "SYS_TTY_CONFIG",
	"SYSLOG",     "WAKE_ALARM",
};

static struct json_object *ecs_caps(struct json_object *task, const char *list)
{
	struct json_object *c =
		json_object_array_get_idx(json_object_object_get(task, "containerDefinitions"), 0);

	return json_object_object_get(
		json_object_object_get(json_object_object_get(c, "linuxParameters"),
				       "capabilities"),
		list);
}

static void check_ecs_caps(struct json_object *task, const char *list)
{
	struct json_object *a = ecs_caps(task, list);

	for (size_t i = 0; i < json_object_array_length(a); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(a, i));
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(ecs_capabilities); k++)
			known = known || !strcmp(name, ecs_capabilities[k]);
		if (!known)
			fail_msg("%s '%s' is nothing that ECS knows", list, name);
	}
}

static void ecs_knows_the_capabilities(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	struct gen_container c = container("app");

	(void)state;
	model_init(&w);
	for (unsigned nr = 0; nr < 41; nr++)
		wl_prov_add(&wl_cap_add(&w, nr, WL_CAP_GRANTED, "x", "", false, false)->prov,
			    WL_PHASE_BIT(WL_START), 0, 0);
	for (int fargate = 0; fargate < 2; fargate++) {
		struct gen_ecs ecs = { .fargate = fargate };
		cleanup_json struct json_object *task = gen_ecs(&w, &c, &ecs, &notes);

		check_ecs_caps(task, "add");
		check_ecs_caps(task, "drop");
		/* All but ALL, which is what is dropped. */
		assert_int_equal(fargate ? 1 : ARRAY_SIZE(ecs_capabilities) - 1,
				 json_object_array_length(ecs_caps(task, "add")));
		assert_int_equal(fargate ? 0 : 1, json_object_array_length(ecs_caps(task, "drop")));
	}
	has(&notes, "CAP_BPF was needed, and ECS cannot give it");
	has(&notes, "CAP_NET_ADMIN was needed, and Fargate cannot give it");
}

static void golden_ecs(void **state)
{
	static const char *const files[] = { "web.ecs.json", "web.fargate.json" };
	static const char *const volumes[] = { "/var/lib/web", "/var/log" };
	cleanup_workload struct workload w;
	cleanup_buf struct buf notes = { 0 };
	cleanup_json struct json_object *daemon = NULL;
	struct gen_container c = container("web");
	struct err e;

	(void)state;
	load_golden(&w, "web");
	c.volumes = volumes;
	c.volumes_n = 2;
	c.selinux = "web.process";
	for (int fargate = 0; fargate < 2; fargate++) {
		struct gen_ecs ecs = { .fargate = fargate };
		cleanup_json struct json_object *task = gen_ecs(&w, &c, &ecs, &notes);
		cleanup_free char *text = json_text(task);

		check_golden(files[fargate], text);
	}
	assert_int_equal(-EINVAL, gen_ecs_daemon(&c, &(struct gen_ecs){ .fargate = true }, &daemon,
						 &notes, &e));
	assert_int_equal(-EINVAL, gen_ecs_daemon(&c, &(struct gen_ecs){ 0 }, &daemon, &notes, &e));
	c.seccomp = "/etc/docker/seccomp/web.json";
	assert_int_equal(0, gen_ecs_daemon(&c, &(struct gen_ecs){ 0 }, &daemon, &notes, &e));
	assert_string_equal("{ \"seccomp-profile\": \"\\/etc\\/docker\\/seccomp\\/web.json\" }",
			    json_object_to_json_string(daemon));
}

static void systemd_text(const struct workload *w, const struct gen_container *c, bool complain,
			 const char *known, struct buf *out, struct buf *notes)
{
	struct gen_options o;

	gen_options_default(&o);
	o.complain = complain;
	gen_systemd(w, &o, c, &(struct gen_systemd){ .known_calls = known }, out, notes);
}

static void golden_systemd(void **state)
{
	cleanup_workload struct workload web, api;
	cleanup_buf struct buf text = { 0 }, api_text = { 0 }, complain = { 0 }, notes = { 0 };
	struct gen_container c = container("web");

	(void)state;
	load_golden(&web, "web");
	load_golden(&api, "api");
	c.apparmor = NULL;
	systemd_text(&web, &c, false, NULL, &text, &notes);
	check_golden("web.systemd.conf", buf_str(&text));
	systemd_text(&web, &c, true, NULL, &complain, &notes);
	check_golden("web.systemd.complain.conf", buf_str(&complain));
	c.name = "api";
	c.user = "10001:10001";
	c.selinux = "api.process";
	c.apparmor = "api";
	systemd_text(&api, &c, false, "@x\n    accept4\n    # brk\n read mmap", &api_text, &notes);
	has(&notes, "brk is left out, since this systemd");
	has(&notes, "mseal is left out, since this systemd");
	lacks(&notes, "accept4 is left out");
	has(&api_text, "SystemCallFilter=accept4 mmap read\n");
	has(&api_text, "User=10001\nGroup=10001\n");
	has(&api_text, "AppArmorProfile=api\nSELinuxContext=system_u:system_r:api.process:s0\n");
	lacks(&api_text, "AmbientCapabilities");
}

/* What the model shows takes the directive away that would stand against it. */
static void systemd_leaves_out(void **state)
{
	static const struct {
		const char *call, *file, *cap, *lost;
		uint32_t access;
	} cases[] = {
		{ .call = "personality", .lost = "LockPersonality" },
		{ .call = "sched_setscheduler", .lost = "RestrictRealtime" },
		{ .call = "fchmodat", .lost = "RestrictSUIDSGID" },
		{ .call = "finit_module", .lost = "ProtectKernelModules" },
		{ .call = "syslog", .lost = "ProtectKernelLogs" },
		{ .call = "clock_settime", .lost = "ProtectClock" },
		{ .call = "sethostname", .lost = "ProtectHostname" },
		{ .call = "setns", .lost = "RestrictNamespaces" },
		{ .call = "shmat", .lost = "MemoryDenyWriteExecute" },
		{ .call = "mprotect", .lost = "MemoryDenyWriteExecute" },
		{ .call = "socket", .lost = "RestrictAddressFamilies" },
		{ .cap = "CAP_SYS_TIME", .lost = "ProtectClock" },
		{ .cap = "CAP_SYS_RAWIO", .lost = "PrivateDevices" },
		{ .cap = "CAP_SYSLOG", .lost = "ProtectKernelLogs" },
		{ .file = "/dev/fuse", .access = WL_F_READ, .lost = "PrivateDevices" },
		{ .file = "/proc/sys/vm/x", .access = WL_F_WRITE, .lost = "ProtectKernelTunables" },
		{ .file = "/sys/fs/cgroup/a/b",
		  .access = WL_F_WRITE,
		  .lost = "ProtectControlGroups" },
		{ .file = "/proc/meminfo", .access = WL_F_READ, .lost = "ProcSubset" },
		{ .file = "/root/x", .access = WL_F_CREATE, .lost = "ProtectHome" },
	};
	const struct gen_container c = { .name = "app", .no_new_privs = -1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload w;
		cleanup_buf struct buf before = { 0 }, after = { 0 }, notes = { 0 };
		cleanup_free char *key = xasprintf("\n%s=", cases[i].lost);

		model_init(&w);
		systemd_text(&w, &c, false, NULL, &before, &notes);
		has(&before, key);
		if (cases[i].call)
			model_call(&w, SC_X86_64, cases[i].call, WL_START);
		if (cases[i].file)
			add_file(&w, cases[i].file, false, cases[i].access);
		if (cases[i].cap)
			wl_prov_add(&wl_cap_add(&w, bcap_by_name(cases[i].cap)->nr, WL_CAP_GRANTED,
						"x", "", false, false)
					     ->prov,
				    WL_PHASE_BIT(WL_START), 0, 0);
		systemd_text(&w, &c, false, NULL, &after, &notes);
		lacks(&after, key);
	}
}

static void systemd_values(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct gen_container c = { .name = "app", .no_new_privs = -1, .user = "7" };

	(void)state;
	model_init(&w);
	model_arg(&w, "clone", 0, 0x20000000 | 17);
	model_arg(&w, "unshare", 0, 0x40000000);
	model_arg(&w, "mprotect", 2, 1);
	model_call(&w, SC_I386, "write", WL_START);
	add_file(&w, "/root/a", false, WL_F_READ);
	add_file(&w, "/srv/a b%\"\\/x", false, WL_F_CREATE | WL_F_WRITE);
	add_file(&w, "/top", false, WL_F_CREATE);
	add_file(&w, "/opt/*/tool", true, WL_F_EXEC);
	add_net(&w, WL_NET_LISTEN, AF_INET, SOCK_STREAM, "127.0.0.1", 80);
	wl_prov_add(&wl_cap_add(&w, 10, WL_CAP_GRANTED, "bind", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	systemd_text(&w, &c, false, NULL, &out, &notes);
	has(&out, "RestrictNamespaces=net pid\n");
	has(&out, "MemoryDenyWriteExecute=true\n");
	has(&out, "SystemCallArchitectures=native x86\n");
	has(&out, "ProtectHome=read-only\n");
	has(&out, "ReadWritePaths=-\"/srv/a b%%\\\"\\\\\"\n");
	has(&out, "AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
	has(&out, "IPAddressDeny=any\nIPAddressAllow=localhost\n");
	lacks(&out, "ExecPaths");
	has(&notes, "root directory itself");
	has(&notes, "NoExecPaths is left out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_podman),
		cmocka_unit_test(quadlet_escapes),
		cmocka_unit_test(places),
		cmocka_unit_test(places_that_need_the_image),
		cmocka_unit_test(golden_kubernetes),
		cmocka_unit_test(kubernetes_json_patch),
		cmocka_unit_test(kubernetes_escalation),
		cmocka_unit_test(golden_networkpolicy),
		cmocka_unit_test(seal_cases),
		cmocka_unit_test(networkpolicy_cases),
		cmocka_unit_test(golden_spo),
		cmocka_unit_test(spo_names_and_values),
		cmocka_unit_test(ecs_knows_the_capabilities),
		cmocka_unit_test(golden_ecs),
		cmocka_unit_test(golden_systemd),
		cmocka_unit_test(systemd_leaves_out),
		cmocka_unit_test(systemd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
