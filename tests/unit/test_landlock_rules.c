/* Landlock rules as a file: written, read, for older kernels, and what is no such file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine/landlock.h"
#include "generate_model.h"
#include "golden.h"

#define HEAD "{\"format\":\"boltseal.landlock/1\",\"abi\":7,"
#define REST "\"handled_access_net\":[],\"scoped\":[],\"rules\":[],\"ports\":[]}"

static void add_file(struct workload *w, const char *path, uint32_t access)
{
	wl_prov_add(&wl_file_add(w, path, false, access)->prov, WL_PHASE_BIT(WL_START), 0, 0);
}

static void add_net(struct workload *w, enum wl_net_op op, uint16_t port)
{
	wl_prov_add(&wl_net_add(w, op, AF_INET, SOCK_STREAM, 0, "0.0.0.0", port)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
}

static int touch(int root, const char *name)
{
	int fd = openat(root, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return close(fd);
}

/* What exists is decided in the given root, and links stay in it. */
static void golden(void **state)
{
	char dir[] = "/tmp/boltseal-landlock.XXXXXX";
	cleanup_close int root = -1;
	cleanup_workload struct workload w;
	cleanup_landlock_plan struct landlock_plan p = { 0 };
	cleanup_json struct json_object *o = NULL;
	cleanup_free char *text = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0 && mkdirat(root, "etc", 0755) == 0 &&
		    mkdirat(root, "data", 0755) == 0);
	touch(root, "etc/app.conf");
	assert_int_equal(0, symlinkat("/etc/app.conf", root, "etc/link"));
	model_init(&w);
	add_file(&w, "/etc/app.conf", WL_F_READ);
	add_file(&w, "/etc/link", WL_F_READ);
	add_file(&w, "/etc/passwd", WL_F_READ); /* on the host, not here */
	add_file(&w, "/data/new", WL_F_CREATE | WL_F_WRITE);
	add_file(&w, "/etc/", WL_F_READ);
	add_net(&w, WL_NET_LISTEN, 8080);
	add_net(&w, WL_NET_CONNECT, 443);
	landlock_plan_model(&p, &w, WL_PROGRAM_PHASES, 7, root);
	unlinkat(root, "etc/app.conf", 0);
	unlinkat(root, "etc/link", 0);
	unlinkat(root, "etc", AT_REMOVEDIR);
	unlinkat(root, "data", AT_REMOVEDIR);
	rmdir(dir);
	o = landlock_plan_json(&p);
	text = json_text(o);
	check_golden("landlock.json", text);
	has(&p.notes, "/etc/passwd: does not exist");
}

static int read_text(const char *text, int abi, struct landlock_plan *p, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };

	assert_int_equal(0, json_parse(&d, "t", text, strlen(text), e));
	return landlock_plan_read(p, &d, abi, e);
}

static void round_trip(void **state)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_landlock_plan struct landlock_plan p = { 0 }, old = { 0 };
	cleanup_json struct json_object *o = NULL;
	cleanup_free char *again = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(0, io_read_file(GOLDEN "landlock.json", 1 << 20, &text, &e));
	assert_int_equal(0, read_text(buf_str(&text), 7, &p, &e));
	assert_int_equal(7, p.abi);
	o = landlock_plan_json(&p);
	again = json_text(o);
	assert_string_equal(buf_str(&text), again);
	assert_string_equal("", buf_str(&p.notes));
	/* A kernel with ABI 1 knows neither refer nor ports. */
	assert_int_equal(0, read_text(buf_str(&text), 1, &old, &e));
	assert_int_equal(landlock_fs_rights(1), old.handled_fs);
	assert_int_equal(0, old.handled_net | old.scoped);
	for (size_t i = 0; i < old.rules_n; i++)
		assert_int_equal(0, old.rules[i].rights & ~old.handled_fs);
	has(&old.notes, "truncate: this kernel's Landlock cannot restrict it (ABI 1)\n");
	has(&old.notes, "bind_tcp: ");
}

static void bytes_of_paths(void **state)
{
	cleanup_landlock_plan struct landlock_plan p = { 0 }, q = { 0 };
	cleanup_json struct json_object *o = NULL;
	struct err e = { 0 };

	(void)state;
	p.root = -1;
	p.abi = 1;
	p.handled_fs = landlock_fs_rights(1);
	landlock_plan_rule(&p, "/a\xff\"\n", p.handled_fs);
	o = landlock_plan_json(&p);
	assert_int_equal(0, read_text(json_object_to_json_string(o), 7, &q, &e));
	assert_int_equal(1, q.rules_n);
	assert_string_equal("/a\xff\"\n", q.rules[0].path);
	assert_int_equal(p.handled_fs, q.rules[0].rights);
}

static void wrong_files(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[]", "expected an object" },
		{ "{\"format\":\"x\"}", "/format: expected \"boltseal.landlock/1\"" },
		{ HEAD REST, "handled_access_fs" },
		{ HEAD "\"handled_access_fs\":[1]," REST,
		  "/handled_access_fs/0: expected the name" },
		{ HEAD "\"handled_access_fs\":[\"bind_tcp\"]," REST, "'bind_tcp' is no right" },
		{ HEAD "\"handled_access_fs\":[],\"handled_access_net\":[\"x\"]}",
		  "'x' is no right" },
		{ HEAD "\"handled_access_fs\":[],\"handled_access_net\":[],\"scoped\":[],"
		       "\"rules\":[1]}",
		  "/rules/0: expected an object" },
		{ HEAD "\"handled_access_fs\":[],\"handled_access_net\":[],\"scoped\":[],"
		       "\"rules\":[{\"path\":\"a\",\"allow\":[]}]}",
		  "expected an absolute path" },
		{ HEAD "\"handled_access_fs\":[],\"handled_access_net\":[],\"scoped\":[],"
		       "\"rules\":[],\"ports\":[{\"port\":65536,\"allow\":[]}]}",
		  "/ports/0/port" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct landlock_plan p = { 0 };
		struct err e = { 0 };

		assert_true(read_text(cases[i].text, 7, &p, &e) < 0);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("'%s' instead of '%s'", e.msg, cases[i].says);
		assert_null(p.rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(bytes_of_paths),
		cmocka_unit_test(wrong_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
