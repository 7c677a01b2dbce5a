/* Generated AppArmor profiles, capability lists and Docker options; golden files; the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "generate_model.h"
#include "golden.h"
#include "profile/apparmor_files.h"
#include "profile/platform.h"

static void load_web(struct workload *w)
{
	load_golden(w, "web");
}

static void golden_seccomp(void **state)
{
	static const struct {
		const char *file;
		enum sp_dialect dialect;
		bool nnp;
	} cases[] = {
		{ "web.seccomp.docker.json", SP_DIALECT_DOCKER, false },
		{ "web.seccomp.podman.json", SP_DIALECT_PODMAN, false },
		{ "web.seccomp.nnp.oci.json", SP_DIALECT_OCI, true },
	};
	cleanup_workload struct workload w;

	(void)state;
	load_web(&w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_buf struct buf notes = { 0 };
		cleanup_free char *text = NULL;
		struct gen_options o;
		struct err e;

		gen_options_default(&o);
		o.no_new_privs = cases[i].nnp;
		o.runtime_version = "1.1.5";
		o.runtime = "runc";
		if (gen_seccomp(&w, &o, &p, &notes, &e) < 0)
			fail_msg("%s", e.msg);
		text = sp_write(&p, cases[i].dialect);
		check_golden(cases[i].file, text);
	}
}

static void apparmor_text(const struct workload *w, const struct gen_options *o, struct buf *out,
			  struct buf *notes)
{
	struct err e;

	if (gen_apparmor(w, o, out, notes, &e) < 0)
		fail_msg("%s", e.msg);
}

static void golden_rest(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf apparmor = { 0 }, notes = { 0 }, caps = { 0 }, docker = { 0 };
	cleanup_json struct json_object *caps_json = NULL, *docker_json = NULL;
	cleanup_free char *caps_text = NULL, *docker_text = NULL;
	const struct gen_container d = {
		.name = "web", .seccomp = "web.json", .apparmor = "web", .no_new_privs = -1
	};
	struct gen_options o;

	(void)state;
	load_web(&w);
	gen_options_default(&o);
	apparmor_text(&w, &o, &apparmor, &notes);
	check_golden("web.apparmor", buf_str(&apparmor));
	gen_caps_text(&w, &caps);
	check_golden("web.capabilities.txt", buf_str(&caps));
	caps_json = gen_caps_json(&w);
	caps_text = json_text(caps_json);
	check_golden("web.capabilities.json", caps_text);
	gen_run_text(&w, &d, GEN_DOCKER, &docker, &notes);
	check_golden("web.docker.txt", buf_str(&docker));
	docker_json = gen_run_json(&w, &d, GEN_DOCKER, &notes);
	docker_text = json_text(docker_json);
	check_golden("web.docker.json", docker_text);
}

/* Output does not depend on the order in which a model was filled. */
static void output_is_deterministic(void **state)
{
	cleanup_workload struct workload a, b;
	cleanup_buf struct buf ta = { 0 }, tb = { 0 }, notes = { 0 };
	static const char *const names[] = { "/b", "/a", "/c d", "/a" };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&a);
	model_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *back = names[ARRAY_SIZE(names) - 1 - i];

		wl_prov_add(&wl_file_add(&a, names[i], false, WL_F_READ)->prov,
			    WL_PHASE_BIT(WL_START), 0, 0);
		wl_prov_add(&wl_file_add(&b, back, false, WL_F_READ)->prov, WL_PHASE_BIT(WL_START),
			    0, 0);
	}
	apparmor_text(&a, &o, &ta, &notes);
	apparmor_text(&b, &o, &tb, &notes);
	assert_string_equal(buf_str(&ta), buf_str(&tb));
}

/* Programs that code names and nobody saw are allowed when that is asked for. */
static void named_programs(void **state)
{
	cleanup_workload struct workload w;
	struct gen_options o;
	int code, shell, known;

	(void)state;
	model_init(&w);
	code = wl_source_add(&w, WL_STATIC);
	w.sources[code].complete = true;
	shell = wl_program_add(&w, "/usr/bin/dash");
	known = wl_program_add(&w, "/usr/bin/date");
	for (int i = 0; i < 2; i++) {
		wl_set_add(&w.programs[i ? known : shell].parents, 0);
		wl_set_add(&w.programs[i ? known : shell].sources, (uint32_t)code);
	}
	assert_true(wl_program_only_named(&w, (uint32_t)shell));
	assert_false(wl_program_only_named(&w, 0));
	/* A recording has it too. */
	wl_set_add(&w.programs[known].sources, 0);
	assert_false(wl_program_only_named(&w, (uint32_t)known));
	gen_options_default(&o);
	for (int allow = 0; allow < 2; allow++) {
		cleanup_buf struct buf out = { 0 }, notes = { 0 };

		o.unseen_programs = allow;
		apparmor_text(&w, &o, &out, &notes);
		assert_int_equal(strstr(buf_str(&out), "/usr/bin/dash mrix,") != NULL, allow);
		assert_int_equal(strstr(buf_str(&notes), "/usr/bin/dash") != NULL, !allow);
		assert_null(strstr(buf_str(&notes), "/usr/bin/date"));
	}
	/* An analysis that looked into it knows more than its name. */
	wl_prov_add(&wl_syscall_add_name(&w, SC_X86_64, sc_by_name("read"))->prov,
		    WL_PROGRAM_PHASES, shell, code);
	assert_false(wl_program_only_named(&w, (uint32_t)shell));
}

static void paths(void **state)
{
	static const struct {
		const char *path;
		bool pattern;
		const char *want;
	} cases[] = {
		{ "/usr/bin/x-1.0_a+b:c=d~e%f@g", false, "/usr/bin/x-1.0_a+b:c=d~e%f@g" },
		{ "/a b", false, "\"/a b\"" },
		{ "/q\"\\", false, "\"/q\\\"\\134\"" },
		{ "/*?[a]{b}^,", false, "\"/\\*\\?\\[a\\]\\{b\\}\\^\\,\"" },
		{ "/nl\n1\t", false, "\"/nl\\0121\\011\"" },
		{ "/#include", false, "\"/#include\"" },
		{ "/\xc3\xbc", false, "\"/\xc3\xbc\"" },
		{ "/@{pid}", false, "\"/@\\{pid\\}\"" },
		{ "/proc/@{pid}/**/x*", true, "/proc/@{pid}/**/x*" },
		{ "/a\\*b*", true, "\"/a\\*b*\"" },
		{ "/a\\@{pid}", true, "\"/a@\\{pid\\}\"" },
		{ "/a\\\\b/", true, "\"/a\\134b/\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf out = { 0 };

		aa_path(cases[i].path, cases[i].pattern, &out);
		assert_string_equal(cases[i].want, buf_str(&out));
	}
}

static void add_file(struct workload *w, const char *path, bool pattern, uint32_t access,
		     enum wl_phase phase)
{
	wl_prov_add(&wl_file_add(w, path, pattern, access)->prov, WL_PHASE_BIT(phase), 0, 0);
}

static void file_permissions(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&w);
	w.programs[0].interpreter = "/lib64/ld-linux-x86-64.so.2";
	add_file(&w, "/read", false, WL_F_READ, WL_START);
	add_file(&w, "/append", false, WL_F_APPEND, WL_START);
	add_file(&w, "/both", false, WL_F_APPEND | WL_F_WRITE, WL_START);
	add_file(&w, "/made/", false, WL_F_CREATE, WL_SERVING);
	add_file(&w, "/meta", false, WL_F_META | WL_F_LOCK, WL_START);
	add_file(&w, "/gone", false, WL_F_DELETE | WL_F_READ, WL_START);
	add_file(&w, "/run", false, WL_F_EXEC, WL_START);
	add_file(&w, "/lib.so", false, WL_F_MAP, WL_START);
	add_file(&w, "/absent", false, WL_F_MISSING, WL_START);
	add_file(&w, "/cwd/", false, WL_F_CHDIR, WL_START);
	add_file(&w, "/runtime", false, WL_F_READ, WL_RUNTIME);
	add_file(&w, "/tmp/*", true, WL_F_EXEC, WL_START);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "  /read r,");
	has(&out, "  /append a,");
	has(&out, "  /both w,");
	has(&out, "  /made/ w,");
	has(&out, "  /meta wk,");
	has(&out, "  /gone rw,");
	has(&out, "  /run mrix,");
	has(&out, "  /bin/app mrix,");
	has(&out, "  /lib64/ld-linux-x86-64.so.2 mr,");
	has(&out, "  /lib.so mr,");
	has(&out, "# Looked for, not there\n  /absent r,");
	lacks(&out, "/cwd");
	lacks(&out, "/runtime");
	has(&notes, "'/tmp/*' may be executed");
}

static void hard_links(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&w);
	add_file(&w, "/new", false, WL_F_CREATE | WL_F_LINK, WL_START);
	add_file(&w, "/t*", true, WL_F_CREATE | WL_F_LINK, WL_START);
	add_file(&w, "/old one", false, WL_F_LINK, WL_START);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "  link /new -> \"/old one\",\n");
	has(&out, "  link /new -> /t*,\n");
	has(&out, "  link /t* -> /t*,\n");
	lacks(&out, "link /new -> /new");
	lacks(&out, "link \"/old one\"");
}

static void denials_do_not_contradict(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, all = { 0 };

	(void)state;
	model_init(&w);
	aa_denials(&w, &all);
	has(&all, "deny /proc/kcore rwklx,");
	has(&all, "deny /sys/firmware/** rwklx,");
	has(&all, "deny /proc/sys/kernel/core_pattern wl,");
	add_file(&w, "/proc/kcore", false, WL_F_READ, WL_START);
	add_file(&w, "/sys/firmware/acpi/tables/DSDT", false, WL_F_READ, WL_START);
	add_file(&w, "/sys/**", true, WL_F_READ, WL_RUNTIME); /* not the program */
	add_file(&w, "/proc/sys/kernel/core_pattern", false, WL_F_READ, WL_START);
	add_file(&w, "/proc/sys/kernel/*", true, WL_F_WRITE, WL_START);
	aa_denials(&w, &out);
	lacks(&out, "/proc/kcore");
	lacks(&out, "/sys/firmware");
	lacks(&out, "core_pattern");
	lacks(&out, "modprobe");
	has(&out, "deny /sys/kernel/security/** rwklx,");
	has(&out, "deny /proc/sysrq-trigger rwklx,");
}

static void network_rules(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 }, broad = { 0 };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	o.equivalents = GEN_EQ_OFF;
	model_init(&w);
	apparmor_text(&w, &o, &out, &notes);
	lacks(&out, "network");
	buf_free(&out);
	model_socket(&w, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	model_socket(&w, AF_NETLINK, SOCK_RAW, 0);
	model_socket(&w, 200, SOCK_RAW, 0);
	wl_prov_add(
		&wl_net_add(&w, WL_NET_CONNECT, AF_UNIX, SOCK_STREAM, 0, "/var/run/a b", 0)->prov,
		WL_PHASE_BIT(WL_START), 0, 0);
	wl_prov_add(&wl_net_add(&w, WL_NET_CONNECT, AF_UNIX, SOCK_DGRAM, 0, "@abstract", 0)->prov,
		    WL_PHASE_BIT(WL_RUNTIME), 0, 0);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "  network inet dgram,\n");
	lacks(&out, "inet6");
	has(&out, "  network netlink raw,\n");
	has(&out, "  network unix stream,\n  unix type=stream,\n");
	has(&out, "  \"/var/run/a b\" rw,");
	has(&out, "  \"/run/a b\" rw,");
	lacks(&out, "dgram,\n  unix");
	has(&notes, "family 200");
	model_call(&w, SC_I386, "socketcall", WL_START);
	apparmor_text(&w, &o, &broad, &notes);
	has(&broad, "  network,\n");
	has(&notes, "network: every family");
}

static void signal_and_ptrace_rules(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&w);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "signal (receive) peer=unconfined,");
	has(&out, "signal (send,receive) set=(hup,int,quit,abrt,kill,term) peer=@{profile_name},");
	lacks(&out, "ptrace");
	buf_free(&out);
	model_arg(&w, "kill", 1, 0);
	model_arg(&w, "kill", 1, 20);
	model_arg(&w, "tgkill", 2, 34);
	add_file(&w, "/proc/@{pid}/maps", true, WL_F_READ, WL_START);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "set=(exists,hup,int,quit,abrt,kill,term,stp,rtmin+2) peer=");
	has(&out, "ptrace (read,readby) peer=@{profile_name},");
	buf_free(&out);
	model_call(&w, SC_X86_64, "kill", WL_SERVING); /* with what, is not known */
	model_arg(&w, "ptrace", 0, 16);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "signal (send,receive) peer=@{profile_name},");
	has(&out, "ptrace (trace,read,tracedby,readby) peer=@{profile_name},");
}

static void mount_rules(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 }, notes = { 0 };
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&w);
	add_file(&w, "/proc/", false, WL_F_MOUNT, WL_RUNTIME);
	apparmor_text(&w, &o, &out, &notes);
	lacks(&out, "mount");
	buf_free(&out);
	model_call(&w, SC_X86_64, "umount2", WL_START);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "  umount,\n");
	buf_free(&out);
	model_call(&w, SC_X86_64, "mount", WL_START);
	add_file(&w, "/mnt/a b", false, WL_F_MOUNT, WL_START);
	apparmor_text(&w, &o, &out, &notes);
	has(&out, "  mount -> \"/mnt/a b\",\n  mount -> \"/mnt/a b/\",\n");
	has(&out, "  umount \"/mnt/a b/\",\n");
	lacks(&out, "pivot_root");
}

static void names(void **state)
{
	static const struct {
		const char *option, *workload, *want; /* want NULL: refused */
	} cases[] = {
		{ "web-1.2_x", NULL, "web-1.2_x" },
		{ NULL, "my app/x", "my-app-x" },
		{ NULL, NULL, "workload" },
		{ NULL, "--x", "x" },
		{ NULL, "\xc3\xbc", "workload" },
		{ "/bin/x", NULL, NULL },
		{ "", NULL, NULL },
		{ "-x", NULL, NULL },
		{ "a\"b", NULL, NULL },
		{ "a b", NULL, NULL },
	};
	cleanup_workload struct workload w;
	struct gen_options o;

	(void)state;
	gen_options_default(&o);
	model_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *name = NULL;
		struct err e;

		o.name = cases[i].option;
		w.identity.name = cases[i].workload;
		if (cases[i].want) {
			assert_int_equal(0, gen_name(&w, &o, &name, &e));
			assert_string_equal(cases[i].want, name);
		} else {
			assert_int_equal(-EINVAL, gen_name(&w, &o, &name, &e));
			assert_non_null(strstr(e.msg, "profile name"));
		}
	}
}

/* The real consumer reads the profile; a skip says so. */
static void parse_apparmor(const char *text)
{
	char path[] = "/tmp/boltseal-apparmor.XXXXXX";
	int fd = mkstemp(path), st;
	cleanup_free char *command = xasprintf(
		"PATH=$PATH:/sbin:/usr/sbin apparmor_parser -Q -K %s >%s.log 2>&1", path, path);
	cleanup_free char *log = xasprintf("%s.log", path);
	cleanup_buf struct buf said = { 0 };
	struct err e;

	assert_true(fd >= 0);
	assert_int_equal(0, io_write_all(fd, text, strlen(text)));
	close(fd);
	st = system(command); /* NOLINT: the command has no outside text */
	(void)io_read_file(log, 1 << 20, &said, &e);
	unlink(path);
	unlink(log);
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 0)
		fail_msg("apparmor_parser: %s\n%s", buf_str(&said), text);
}

static bool have_apparmor_parser(void)
{
	return access("/etc/apparmor.d/abi/3.0", R_OK) == 0 &&
	       system("PATH=$PATH:/sbin:/usr/sbin command -v apparmor_parser >/dev/null") == 0;
}

static void apparmor_parser_accepts(void **state)
{
	static const char *const signals[] = { "kill", "tkill" };
	cleanup_workload struct workload web, odd;
	cleanup_buf struct buf text = { 0 }, notes = { 0 };
	struct gen_options o;

	(void)state;
	if (!have_apparmor_parser()) {
		print_message("skip: no apparmor_parser or no /etc/apparmor.d/abi/3.0\n");
		skip();
	}
	gen_options_default(&o);
	load_web(&web);
	apparmor_text(&web, &o, &text, &notes);
	parse_apparmor(buf_str(&text));
	buf_free(&text);
	/* Every byte in a name, literally and in a pattern; every family, signal and capability. */
	model_init(&odd);
	for (unsigned c = 1; c < 256; c++) {
		char name[] = { '/', 'a', (char)c, 'b', '\0' }, dir[] = { '/', (char)c, '/', '\0' };
		char escaped[] = { '/', '*', 'x', '\\', (char)c, 'b', '\0' };
		bool special = strchr("*@\\", (int)c) != NULL;

		if (!special)
			memmove(&escaped[3], &escaped[4], 3);

		add_file(&odd, name, false, WL_F_READ | WL_F_WRITE, WL_START);
		add_file(&odd, dir, false, WL_F_READ | WL_F_EXEC, WL_START);
		add_file(&odd, escaped, true, WL_F_READ | WL_F_LOCK, WL_START);
	}
	for (unsigned i = 0; i < 65; i++)
		model_arg(&odd, signals[i % 2], 1, i);
	for (unsigned i = 0; i < 50; i++)
		model_socket(&odd, i, 1 + i % 5, 0);
	for (unsigned i = 0; i < 41; i++)
		wl_prov_add(&wl_cap_add(&odd, i, WL_CAP_GRANTED, "", "", false, false)->prov,
			    WL_PHASE_BIT(WL_START), 0, 0);
	model_call(&odd, SC_X86_64, "mount", WL_START);
	model_call(&odd, SC_X86_64, "umount2", WL_START);
	model_call(&odd, SC_X86_64, "pivot_root", WL_START);
	model_call(&odd, SC_X86_64, "ptrace", WL_START);
	add_file(&odd, "/l{i}nk", false, WL_F_CREATE | WL_F_LINK | WL_F_MOUNT, WL_START);
	add_file(&odd, "/ta,rget", false, WL_F_LINK, WL_START);
	o.complain = true;
	apparmor_text(&odd, &o, &text, &notes);
	has(&text, "flags=(attach_disconnected,mediate_deleted,complain)");
	parse_apparmor(buf_str(&text));
}

static void add_cap(struct workload *w, unsigned nr, enum wl_cap_result r, enum wl_phase phase,
		    bool speculative)
{
	wl_prov_add(&wl_cap_add(w, nr, r, "x", "y", speculative, false)->prov, WL_PHASE_BIT(phase),
		    0, 0);
}

static void capability_sets(void **state)
{
	cleanup_workload struct workload w;
	struct gen_caps c;

	(void)state;
	model_init(&w);
	add_cap(&w, 0, WL_CAP_GRANTED, WL_START, false);
	add_cap(&w, 0, WL_CAP_REFUSED, WL_START, false);
	add_cap(&w, 7, WL_CAP_REFUSED, WL_SERVING, false);
	add_cap(&w, 21, WL_CAP_GRANTED, WL_START, true);
	add_cap(&w, 12, WL_CAP_GRANTED, WL_RUNTIME, false);
	add_cap(&w, 63, WL_CAP_GRANTED, WL_START, false);
	gen_caps(&w, &c);
	assert_int_equal(1u << 0, c.needed);
	assert_int_equal(1u << 7, c.refused);
	assert_false(c.unused & (1u << 0 | 1u << 7 | UINT64_C(1) << 21));
	assert_true(c.unused & 1u << 13);
}

static void no_new_privileges(void **state)
{
	cleanup_workload struct workload w;
	cleanup_buf struct buf out = { 0 };
	struct gen_container d = { .name = "app", .no_new_privs = -1 };
	cleanup_buf struct buf notes = { 0 };
	const char *why;

	(void)state;
	model_init(&w);
	w.identity.image = "img'1";
	assert_true(gen_no_new_privs(&w, &why));
	gen_run_text(&w, &d, GEN_DOCKER, &out, &notes);
	assert_string_equal("docker run \\\n    --cap-drop ALL \\\n    --security-opt "
			    "no-new-privileges \\\n    'img'\\''1'\n",
			    buf_str(&out));
	buf_free(&out);
	wl_program_add(&w, "/usr/bin/sudo");
	assert_false(gen_no_new_privs(&w, &why));
	assert_string_equal("/usr/bin/sudo", why);
	gen_run_text(&w, &d, GEN_DOCKER, &out, &notes);
	lacks(&out, "no-new-privileges");
	d.no_new_privs = 1;
	gen_run_text(&w, &d, GEN_DOCKER, &out, &notes);
	has(&out, "no-new-privileges");
}

struct cli_case {
	const char *args;
	int status;
	const char *says; /* in what is printed, both streams */
};

static void command_lines(void **state)
{
	static const struct cli_case cases[] = {
		{ "generate seccomp " GOLDEN "web.workload.json", 0, "\"SCMP_ACT_ERRNO\"" },
		{ "generate seccomp - <" GOLDEN "web.workload.json", 0, "no new namespaces" },
		{ "generate seccomp -d oci " GOLDEN "web.workload.json", 0,
		  "prctl: any arguments" },
		{ "generate seccomp --runtime runc --runtime-version 1.1.5 --no-new-privileges "
		  "on " GOLDEN "web.workload.json",
		  0, "runc 1.1.5, no_new_privs on" },
		{ "generate apparmor --mode complain " GOLDEN "web.workload.json", 0,
		  ",complain)" },
		{ "generate apparmor --name x/y " GOLDEN "web.workload.json", 1, "profile name" },
		{ "generate capabilities -o json " GOLDEN "web.workload.json", 0,
		  "boltseal.capabilities/1" },
		{ "generate docker --seccomp none --apparmor none " GOLDEN "web.workload.json", 0,
		  "--cap-add NET_BIND_SERVICE" },
		{ "generate docker " GOLDEN "web.workload.json", 0, "apparmor=web" },
		{ "generate seccomp --engine docker:20.10 --libseccomp 2.5.4 " GOLDEN
		  "api.workload.json",
		  0, "mseal was called, and libseccomp 2.5.4 does not know it" },
		{ "generate seccomp --engine crun --libseccomp new " GOLDEN "api.workload.json", 1,
		  "libseccomp version 'new': expected numbers such as 2.5.4" },
		{ "generate seccomp --libseccomp 2.5.4 x", 1, "--libseccomp needs --engine" },
		{ "generate seccomp --engine docker -d oci x", 1, "expected no --dialect" },
		{ "generate kubernetes --kind Service " GOLDEN "api.workload.json", 1,
		  "expected one of Pod, Deployment" },
		{ "generate kubernetes --kubernetes-version 2 " GOLDEN "api.workload.json", 1,
		  "expected a number such as 1.30" },
		{ "generate podman --user root " GOLDEN "api.workload.json", 1,
		  "expected numbers, UID or UID:GID" },
		{ "generate podman --volume data " GOLDEN "api.workload.json", 1,
		  "expected a directory of the container" },
		{ "generate podman --quadlet -o json " GOLDEN "api.workload.json", 1,
		  "a unit is text" },
		{ "generate ecs -o text x", 1, "ecs is written as JSON" },
		{ "generate networkpolicy --part daemon.json x", 1, "--part has no effect on" },
		{ "generate seccomp", 1, "expected what to generate" },
		{ "generate apparmor --runtime runc x", 1, "--runtime has no effect on apparmor" },
		{ "generate seccomp -o text x", 1, "a seccomp profile is JSON" },
		{ "generate apparmor -o json x", 1, "an AppArmor profile is text" },
		{ "generate seccomp --no-new-privileges auto x", 1, "takes on or off" },
		{ "generate seccomp /nonexistent", 1, "/nonexistent" },
		{ "generate seccomp --base /nonexistent " GOLDEN "web.workload.json", 1,
		  "/nonexistent" },
		{ "generate seccomp --runtime-version x --runtime runc " GOLDEN "web.workload.json",
		  1, "runtime version 'x'" },
		{ "verify -p " GOLDEN "web.seccomp.docker.json " GOLDEN "web.workload.json", 0,
		  "Nothing is denied" },
		{ "verify -p " GOLDEN
		  "web.seccomp.nnp.oci.json --runtime runc --runtime-version 1.1.5 "
		  "--no-new-privileges on " GOLDEN "web.workload.json",
		  0, "with those of runc 1.1.5" },
		{ "verify -p " GOLDEN "web.seccomp.nnp.oci.json --runtime runc " GOLDEN
		  "web.workload.json",
		  2, "capget" },
		{ "verify --capabilities SETUID,net_bind_service " GOLDEN "web.workload.json", 0,
		  "Nothing" },
		{ "verify -o json --capabilities none " GOLDEN "web.workload.json", 2,
		  "\"CAP_NET_BIND_SERVICE\"" },
		{ "verify --capabilities nonsense x", 1, "'nonsense' is no capability" },
		{ "verify x", 1, "expected --profile, --capabilities or both" },
		{ "verify -p x", 1, "expected one workload model" },
		{ "verify --capabilities none --runtime runc x", 1, "--runtime needs --profile" },
		{ "verify -p " GOLDEN "web.docker.txt " GOLDEN "web.workload.json", 1,
		  "web.docker.txt" },
	};
	const char *binary = getenv("BOLTSEAL");

	(void)state;
	if (!binary) {
		print_message("skip: BOLTSEAL does not name the program\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *command = xasprintf("{ '%s' %s; } 2>&1", binary, cases[i].args);
		cleanup_buf struct buf out = { 0 };
		FILE *f = popen(command, "r");
		char chunk[4096];
		size_t n;
		int st;

		assert_non_null(f);
		while ((n = fread(chunk, 1, sizeof(chunk), f)))
			buf_append(&out, chunk, n);
		st = pclose(f);
		if (!WIFEXITED(st) || WEXITSTATUS(st) != cases[i].status)
			fail_msg("%s: status %d\n%s", cases[i].args, st, buf_str(&out));
		has(&out, cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_seccomp),
		cmocka_unit_test(golden_rest),
		cmocka_unit_test(output_is_deterministic),
		cmocka_unit_test(named_programs),
		cmocka_unit_test(paths),
		cmocka_unit_test(file_permissions),
		cmocka_unit_test(hard_links),
		cmocka_unit_test(denials_do_not_contradict),
		cmocka_unit_test(network_rules),
		cmocka_unit_test(signal_and_ptrace_rules),
		cmocka_unit_test(mount_rules),
		cmocka_unit_test(names),
		cmocka_unit_test(apparmor_parser_accepts),
		cmocka_unit_test(capability_sets),
		cmocka_unit_test(no_new_privileges),
		cmocka_unit_test(command_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
