/* SELinux modules: golden files, which type a path and a port has, and file_contexts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include "generate_model.h"
#include "golden.h"
#include "profile/selinux.h"

static void module(const struct workload *w, const struct gen_selinux *s, bool complain,
		   const char *name, struct buf *out, struct buf *notes)
{
	cleanup_se_policy struct se_policy p = { 0 };
	struct gen_options o;
	struct err e = { 0 };

	gen_options_default(&o);
	o.complain = complain;
	o.name = name;
	if (gen_selinux(w, &o, s, &p, notes, &e) < 0)
		fail_msg("%s", e.msg);
	se_write(&p, true, out);
}

static void golden(void **state)
{
	static const char *const mounts[] = { "/var/log", "/srv/data:/var/lib/web", "/tmp",
					      "/home/u:/var/cache/web", "/etc" };
	const struct gen_selinux s = { .mounts = mounts, .mounts_n = ARRAY_SIZE(mounts) };
	cleanup_workload struct workload web, api;
	cleanup_buf struct buf text = { 0 }, plain = { 0 }, notes = { 0 };

	(void)state;
	load_golden(&web, "web");
	load_golden(&api, "api");
	module(&web, &s, false, NULL, &text, &notes);
	check_golden("web.cil", buf_str(&text));
	check_golden("web.cil.notes", buf_str(&notes));
	module(&api, &(struct gen_selinux){ 0 }, true, "7.api", &plain, &notes);
	check_golden("api.cil", buf_str(&plain));
}

static void add_file(struct workload *w, const char *path, uint32_t access)
{
	wl_prov_add(&wl_file_add(w, path, false, access)->prov, WL_PHASE_BIT(WL_START), 0, 0);
}

/* A template for what is done in the directory, and rules where there is none that is enough. */
static void templates(void **state)
{
	static const struct {
		const char *mount, *file, *has, *lacks;
		uint32_t access;
	} cases[] = {
		{ "/etc:/conf", "/conf/x", "config_container)", "_rw_", WL_F_READ },
		{ "/etc/a:/conf", "/conf/x", "config_rw_container)", "manage", WL_F_WRITE },
		{ "/home:/h", "/h/x", "home_manage_container)", "allow process", WL_F_CREATE },
		{ "/var/log:/l", "/l/x", "log_manage_container)", "allow", WL_F_DELETE },
		{ "/var/tmp:/t", "/t/x", "(allow process tmp_t (dir (add_name", "manage",
		  WL_F_CREATE },
		{ "/tmp:/t", "/t/x", "tmp_rw_container)", "allow process tmp_t", WL_F_APPEND },
		{ "/srv:/d", "/d/x", "container_ro_file_t (file (getattr ioctl lock open read)))",
		  "write", WL_F_READ },
		{ "/srv:/d", "/d/x", "(file (execute execute_no_trans getattr ioctl lock map",
		  "write", WL_F_READ | WL_F_EXEC },
		{ "/srv:/d", "/d/x", "container_file_t (sock_file", "container_ro", WL_F_META },
		{ "/srv:/d", "/dx", "(blockinherit container)", "allow", WL_F_WRITE },
		{ "/srv:/d", "/dev/fuse", "(allow process fuse_device_t (chr_file (append getattr",
		  "container_file", WL_F_READ | WL_F_WRITE },
		{ "/srv:/d", "/dev/null", "(blockinherit container)", "chr_file", WL_F_WRITE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct gen_selinux s = { .mounts = &cases[i].mount, .mounts_n = 1 };
		cleanup_workload struct workload w;
		cleanup_buf struct buf out = { 0 }, notes = { 0 };

		model_init(&w);
		add_file(&w, cases[i].file, cases[i].access);
		module(&w, &s, false, NULL, &out, &notes);
		has(&out, cases[i].has);
		lacks(&out, cases[i].lacks);
	}
}

static void network(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf none = { 0 }, tcp = { 0 }, raw = { 0 }, notes = { 0 };
	const struct gen_selinux s = { 0 };

	(void)state;
	model_init(&w);
	model_socket(&w, AF_UNIX, SOCK_STREAM, 0);
	module(&w, &s, false, NULL, &none, &notes);
	lacks(&none, "net_container");
	wl_prov_add(&wl_net_add(&w, WL_NET_BIND, AF_INET, SOCK_DGRAM, 0, "0.0.0.0", 53)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	wl_prov_add(&wl_net_add(&w, WL_NET_SEND, AF_INET, SOCK_DGRAM, 0, "10.0.0.1", 514)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	wl_prov_add(
		&wl_net_add(&w, WL_NET_LISTEN, AF_INET, SOCK_STREAM, 132, "0.0.0.0", 9899)->prov,
		WL_PHASE_BIT(WL_START), 0, 0);
	module(&w, &s, false, NULL, &tcp, &notes);
	has(&tcp, "(blockinherit restricted_net_container)");
	has(&tcp, "(allow process dns_port_t (udp_socket (name_bind)))");
	has(&tcp, "(allow process unreserved_port_t (sctp_socket (name_bind)))");
	lacks(&tcp, "syslogd");
	model_socket(&w, AF_INET, SOCK_RAW, 1);
	module(&w, &s, false, NULL, &raw, &notes);
	has(&raw, "(blockinherit net_container)");
	lacks(&raw, "restricted");
	has(&notes, "raw sockets were used");
}

static void port_types(void **state)
{
	static const struct {
		const char *protocol, *type;
		uint16_t port;
	} cases[] = {
		{ "tcp", "http_port_t", 80 },	       { "udp", "reserved_port_t", 80 },
		{ "udp", "dns_port_t", 53 },	       { "tcp", "reserved_port_t", 511 },
		{ "tcp", "hi_reserved_port_t", 512 },  { "tcp", "unreserved_port_t", 1024 },
		{ "tcp", "http_cache_port_t", 8080 },  { "udp", "unreserved_port_t", 8080 },
		{ "tcp", "ephemeral_port_t", 32768 },  { "sctp", "unreserved_port_t", 61000 },
		{ "tcp", "unreserved_port_t", 65535 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(cases[i].type, se_port_type(cases[i].protocol, cases[i].port));
}

static const char contexts_text[] = "# comment\n"
				    "/.*\tsystem_u:object_r:default_t:s0\n"
				    "/srv(/.*)?      system_u:object_r:var_t:s0\n"
				    "/srv/data(/.*)?\t-d\tsystem_u:object_r:data_dir_t:s0:c1,c2\n"
				    "/srv/data(/.*)?\t--\tsystem_u:object_r:data_file_t:s0\n"
				    "/srv/www\\.d  system_u:object_r:www_t:s0\n"
				    "/srv/[^/]*/none  <<none>>\n"
				    "/opt/a+|/mnt/x  system_u:object_r:alt_t\n"
				    "/op?t/q  system_u:object_r:opt_t\n"
				    "/dev/[0-9]{1,3} -c system_u:object_r:dev_t:s0\r\n"
				    "\n";

static void file_contexts(void **state)
{
	static const struct {
		const char *path, *type;
		char kind;
	} cases[] = {
		{ "/x", "default_t", 'd' },
		{ "/srv", "var_t", 'd' },
		{ "/srvx", "default_t", 'd' },
		{ "/srv/data", "data_dir_t", 'd' },
		{ "/srv/data/a", "data_file_t", '-' },
		{ "/srv/data/a", "var_t", 's' },
		{ "/srv/www.d", "www_t", 'd' },
		{ "/srv/wwwxd", "var_t", 'd' },
		{ "/srv/q/none", NULL, 'd' },
		{ "/opt/aaa", "alt_t", 'd' },
		{ "/mnt/x", "alt_t", 'd' },
		{ "/ot/q", "opt_t", 'd' },
		{ "/opt/q", "opt_t", 'd' },
		{ "/dev/12", "dev_t", 'c' },
		{ "/dev/1234", "default_t", 'c' },
	};
	cleanup_file_contexts struct file_contexts fc = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(0, fc_parse(&fc, "fc", contexts_text, sizeof(contexts_text) - 1, &e));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *type = "unset";

		assert_int_equal(0, fc_lookup(&fc, cases[i].path, cases[i].kind, &type, &e));
		if (!cases[i].type)
			assert_null(type);
		else if (!type || strcmp(cases[i].type, type) != 0)
			fail_msg("%s: %s instead of %s", cases[i].path, type ? type : "none",
				 cases[i].type);
	}
}

static void wrong_file_contexts(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "/a\n", "fc:1: expected a path" },
		{ "# x\n/a -q u:r:t\n", "fc:2: expected a path" },
		{ "/a -- u:r:t x\n", "fc:1: expected a path" },
		{ "/a u:r\n", "fc:1: expected a context" },
		{ "/a u:r:\n", "fc:1: expected a context" },
		{ "/a u:r:x)(y:s0\n", "fc:1: expected a context" },
		{ "/a{1025} u:r:t\n", "fc:1: repetitions" },
		{ "/a{33}b{2,33} u:r:t\n", "fc:1: repetitions" },
		{ "/a{x} u:r:t\n", "fc:1: repetitions" },
		{ "/a{2 u:r:t\n", "fc:1: repetitions" },
		{ "/a+b+c+d+e+f+g+h+i+j+k+ u:r:t\n", "fc:1: repetitions" },
		{ "/a*? u:r:t\n", "fc:1: repetitions" },
		{ "/(a)\\1 u:r:t\n", "fc:1: repetitions" },
		{ "/((((((((((((a)*)*)*)*)*)*)*)*)*)*)*)* u:r:t\n", "fc:1: repetitions" },
	};
	cleanup_file_contexts struct file_contexts fc = { 0 };
	const char *type;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(-EINVAL,
				 fc_parse(&fc, "fc", cases[i].text, strlen(cases[i].text), &e));
		if (!strstr(e.msg, cases[i].says))
			fail_msg("'%s' instead of '%s'", e.msg, cases[i].says);
	}
	assert_int_equal(0, fc_parse(&fc, "fc", "/a( u:r:t\n", 10, &e));
	assert_int_equal(-EINVAL, fc_lookup(&fc, "/ab", 'd', &type, &e));
	assert_non_null(strstr(e.msg, "fc:1: '/a(' is no regular expression"));
	assert_int_equal(0, fc_lookup(&fc, "/b", 'd', &type, &e));
}

static void types_from_a_file(void **state)
{
	static const char *const mounts[] = { "/srv/data:/d", "/srv/q/none:/n" };
	cleanup_file_contexts struct file_contexts fc = { 0 };
	const struct gen_selinux s = { .mounts = mounts, .mounts_n = 2, .contexts = &fc };
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(0, fc_parse(&fc, "fc", contexts_text, sizeof(contexts_text) - 1, &e));
	model_init(&w);
	add_file(&w, "/d/x", WL_F_READ);
	add_file(&w, "/n/x", WL_F_READ);
	add_file(&w, "/dev/7", WL_F_READ);
	module(&w, &s, false, NULL, &out, &notes);
	has(&out, "(allow process data_dir_t (file (getattr ioctl lock open read)))");
	has(&out, "(allow process container_ro_file_t (dir");
	has(&out, "(allow process dev_t (chr_file (getattr ioctl lock open read)))");
	has(&notes, "/srv/q/none: taken for container_ro_file_t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(templates),
		cmocka_unit_test(network),
		cmocka_unit_test(port_types),
		cmocka_unit_test(file_contexts),
		cmocka_unit_test(wrong_file_contexts),
		cmocka_unit_test(types_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
