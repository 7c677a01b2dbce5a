/* What container engines, orchestrators and service managers are told: golden files and cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "generate_model.h"
#include "golden.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_podman),
		cmocka_unit_test(quadlet_escapes),
		cmocka_unit_test(places),
		cmocka_unit_test(places_that_need_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
