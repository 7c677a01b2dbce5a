/* Importers of policies: AppArmor profiles, bane's TOML, SPO objects, seccomp profiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "import/toml.h"
#include "import_case.h"
#include "model/policy.h"
#include "profile/import.h"
#include "profile/import_private.h"
#include "random_profile.h"

static struct import_options options = { .arch = SC_X86_64, .apparmor_root = "" };

static int one_apparmor(struct workload *w, const struct import_input *in, struct buf *notes,
			struct err *e)
{
	return import_apparmor(w, in, &options, notes, e);
}

static int one_bane(struct workload *w, const struct import_input *in, struct buf *notes,
		    struct err *e)
{
	return import_bane(w, in, &options, notes, e);
}

static int one_spo(struct workload *w, const struct import_input *in, struct buf *notes,
		   struct err *e)
{
	return gen_import_spo_text(w, in->name, in->data, in->len, notes, e);
}

#define P(rules) "profile p {\n" rules "\n}\n"

static const struct import_case apparmor[] = {
	{ "files",
	  P("/etc/a r,\n /b/* rw,\n owner /c/** k,\n rw /d,\n /e/{f,g/{h,}}/i l,\n "
	    "\"/with blank\" a,\n /bin/x mrix, # why\n file /y m,\n"),
	  { "\"/etc/a\", \"access\": [\"read\"]", "\"/b/*\", \"pattern\": true",
	    "\"/c/**\", \"pattern\": true, \"access\": [\"lock\"]", "\"/e/f/i\"", "\"/e/g/h/i\"",
	    "\"/e/g/i\"", "\"/with blank\", \"access\": [\"append\"]",
	    "\"path\": \"/bin/x\", \"sources\"", "note:in:4:2: conditions on the owner" } },
	{ "globs that become wider",
	  P("/dev/tty? rw,\n/a[0-9][0-9]/b r,\n/c/\\*\\040d r,\n/proc/@{pid}/stat r,\n"),
	  { "\"/dev/tty*\"", "\"/a*/b\"", "\"/c/* d\", \"access\"",
	    "\"/proc/@{pid}/stat\", \"pattern\": true", "note:became *, which is more" } },
	{ "variables",
	  "@{X}=/a/ /b/\n@{X} += /c/\n@{Y}=@{X}d\n" P("@{Y}/e r,\n @{NONE}/x r,\n"),
	  { "\"/a/d/e\"", "\"/b/d/e\"", "\"/c/d/e\"",
	    "note:in:6:2: a variable is not defined: @{NONE}/x r", "\"lost\": {\"rules\": 1}" } },
	{ "capabilities and network",
	  P("capability chown net_raw,\n capability kill,\n deny capability kill,\n"
	    "network inet stream,\n network udp,\n network netlink raw,\n unix (create) "
	    "type=dgram,\n"),
	  { "\"CAP_CHOWN\"", "\"CAP_NET_RAW\"", "!CAP_KILL", "\"value\": [2, 1, 0]",
	    "\"value\": [2, 2, 0]", "\"value\": [10, 2, 0]", "\"value\": [16, 3, 0]",
	    "\"value\": [1, 2, 0]" } },
	{ "everything",
	  P("file,\ncapability,\nnetwork,\n"),
	  { "\"/**\", \"pattern\": true, \"access\": [\"read\", \"write\"", "\"CAP_SYS_ADMIN\"",
	    "\"name\": \"socket\"", "!\"value\"" } },
	{ "deny",
	  P("/a rw,\n deny /a w,\n/b/** rw,\n deny /b/c w,\n deny /nowhere rw,\n audit deny /d/* "
	    "w,\n"),
	  { "\"/a\", \"access\": [\"read\"]", "note:in:5:2: deny /b/c: not subtracted",
	    "note:in:7:2: deny /d/*: not subtracted", "!nowhere" } },
	{ "what has no place",
	  P("signal (send) set=(term) peer=x,\n ptrace,\n mount,\n dbus send bus=system,\n "
	    "set rlimit nproc <= 5,\n /bin/y Px -> z,\n^hat {\n /inner r,\n}\n"),
	  { "note:in:2:1: signal rules", "note:in:3:2: ptrace rules", "note:in:4:2: mount rules",
	    "note:dbus rules", "note:rlimits", "note:run under another profile",
	    "note:child profiles", "!/inner" } },
	{ "not understood is listed",
	  P("/a zz,\n nonsense,\n capability flying,\n network carrier pigeon,\n"),
	  { "note:in:2:1: not understood: /a zz", "note:in:3:2: expected a path and a mode",
	    "note:in:4:2: an unknown capability", "note:in:5:2: not understood: network carrier",
	    "\"lost\": {\"rules\": 4}", "note:4 rules could not be imported" } },
	{ "heads of profiles",
	  "abi <abi/3.0>,\n#include <tunables/nothing>\ninclude if exists <x>\n/usr/bin/web "
	  "flags=(complain,attach_disconnected) {\n/a r,\n}\nprofile two /usr/bin/two {\n/b "
	  "r,\n}\n",
	  { "\"path\": \"/usr/bin/web\", \"sources\"", "\"name\": \"web\"", "\"/a\"", "\"/b\"",
	    "note:in:2:1: a file that is not here", "note:in:7:1: several profiles",
	    "note:included files are missing" } },
	{ "not closed", "profile p {\n/a r,\n", { "error:in:1:12: the block that begins here" } },
	{ "no comma", P("/a r"), { "error:in:3:1: expected ',' before '}'" } },
	{ "no comma at the end",
	  "profile p",
	  { "error:in:1:1: expected ',' at the end of the rule" } },
	{ "a brace too many", "}\n", { "error:in:1:1: unexpected '}'" } },
	{ "a string without end", P("\"/a r,"), { "error:in:2:1: expected '\"'" } },
	{ "a rule outside",
	  "/a r,\n",
	  { "error:in:1:1: expected a profile, include or variable" } },
	{ "no profile", "# nothing\n", { "error:in: no profile in it" } },
};

static void test_apparmor(void **state)
{
	struct import_case second = { "one of two",
				      "profile a {\n/a r,\n}\nprofile b {\n/b r,\n}\n",
				      { "!\"/a\"", "\"/b\"" } };
	struct import_case none = { "none", P(""), { "error:no profile named b" } };

	(void)state;
	assert_int_equal(import_cases(apparmor, sizeof(apparmor) / sizeof(*apparmor), one_apparmor),
			 0);
	options.profile = "b";
	assert_int_equal(import_cases(&second, 1, one_apparmor), 0);
	assert_int_equal(import_cases(&none, 1, one_apparmor), 0);
	options.profile = NULL;
}

/* Includes: files, folders, variables from them, and one that includes itself. */
static void test_includes(void **state)
{
	char root[] = "/tmp/boltseal-includes-XXXXXX", path[128];
	struct import_case c = { "includes",
				 "include <vars>\nprofile p {\ninclude <folder>\n@{V}/y r,\n}\n",
				 { "\"/one\"", "\"/v/y\"", "!\"/hidden\"", "!\"lost\"" } };
	struct import_case loop = { "loop",
				    "include <self>\n",
				    { "error:includes are nested too deep" } };
	static const struct {
		const char *name, *text;
	} files[] = { { "vars", "@{V}=/v\n" },
		      { "folder/a", "/one r,\n" },
		      { "folder/.b", "/hidden r,\n" },
		      { "self", "include <self>\n" } };

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "mkdir %s/folder", root);
	assert_int_equal(system(path), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", root, files[i].name);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(files[i].text, f);
		fclose(f);
	}
	options.apparmor_root = root;
	assert_int_equal(import_cases(&c, 1, one_apparmor), 0);
	assert_int_equal(import_cases(&loop, 1, one_apparmor), 0);
	options.apparmor_root = "";
	snprintf(path, sizeof(path), "rm -r %s", root);
	assert_int_equal(system(path), 0);
}

static const struct import_case bane[] = {
	{ "all keys, as they are meant",
	  "Name = \"web\"\n[Filesystem]\nReadOnlyPaths = [\n  \"/etc/**\", # why\n  '/usr/**',\n]\n"
	  "LogOnWritePaths = [\"/**\"]\nWritablePaths = [\"/run/x\"]\nAllowExec = [\"/bin/web\"]\n"
	  "DenyExec = [\"/bin/sh\"]\n[Capabilities]\nAllow = [\"chown\"]\n[Network]\nRaw = true\n"
	  "Protocols = [\"tcp\"]\n",
	  { "\"name\": \"web\"", "\"/etc/**\", \"pattern\": true, \"access\": [\"read\"]",
	    "\"path\": \"/run/x\", \"access\": [\"read\", \"write\"",
	    "\"path\": \"/bin/web\", \"sources\"", "\"/usr/lib64/**\"", "!\"/**\"", "!/bin/sh",
	    "\"value\": [10, 1, 0]", "note:in:9:1: Filesystem.AllowExec had no effect in bane",
	    "note:in:7:1: Filesystem.LogOnWritePaths are left out" } },
	{ "capabilities: deny beats allow",
	  "[Capabilities]\nAllow = [\"chown\"]\nDeny = [\"net_raw\"]\n",
	  { "\"CAP_CHOWN\"", "!CAP_NET_RAW", "!CAP_SYS_ADMIN",
	    "note:Capabilities.Allow had no effect in bane" } },
	{ "capabilities: only deny",
	  "[Capabilities]\nDeny = [\"net_raw\"]\n",
	  { "\"CAP_SYS_ADMIN\"", "!CAP_NET_RAW", "note:every other capability" } },
	{ "nothing", "# no key\n", { "error:in: no key of bane's configuration in it" } },
	{ "keys that bane does not have",
	  "Nane = \"x\"\n[Filesystem]\nX = true\n",
	  { "note:in:1:1: Nane is no key of bane", "note:in:3:1: Filesystem.X is no key" } },
	{ "a wrong type",
	  "[Network]\nRaw = [\"x\"]\n",
	  { "error:in:2:1: expected true or false" } },
	{ "a wrong path",
	  "[Filesystem]\nReadOnlyPaths = [\"/a\",\n \"b\"]\n",
	  { "error:in:3:2: not an absolute path or glob: 'b'" } },
	{ "a wrong capability",
	  "[Capabilities]\nAllow = [\"fly\"]\n",
	  { "error:in:2:10: expected a capability" } },
	{ "twice", "Name = \"a\"\nName = \"b\"\n", { "error:in:2:5: the key Name stands twice" } },
	{ "no value", "Name =\n", { "error:in:1:7: expected a string, true" } },
	{ "a number", "Name = 3\n", { "error:in:1:8: expected a string, true" } },
	{ "not closed",
	  "[Filesystem]\nAllowExec = [\"/a\"\n",
	  { "error:in:3:1: expected ',' or ']'" } },
	{ "a string not closed", "Name = \"a\n", { "error:in:1:10: expected \" at the end" } },
	{ "rest of a line", "Name = \"a\" b\n", { "error:in:1:12: expected the end of the line" } },
	{ "lists of tables", "[[a]]\n", { "error:in:1:2: lists of tables" } },
	{ "escapes", "Name = \"a\\u0041\\\"\\x\"\n", { "error:in:1:19: an escape sequence" } },
};

static const struct import_case bane_compatible = {
	"as bane took it",
	"[Filesystem]\nReadOnlyPaths = [\"/etc/**\"]\n[Capabilities]\nAllow = [\"chown\"]\n"
	"Deny = [\"net_raw\"]\n[Network]\nProtocols = [\"tcp\"]\n",
	{ "\"/**\", \"pattern\": true", "\"CAP_SYS_ADMIN\"", "!CAP_NET_RAW", "\"value\": [2, 1, 0]",
	  "!\"value\": [10, 1, 0]",
	  "note:in:2:1: Filesystem.ReadOnlyPaths (1 paths): not writable" }
};

static void test_bane(void **state)
{
	(void)state;
	assert_int_equal(import_cases(bane, sizeof(bane) / sizeof(*bane), one_bane), 0);
	options.compatible = true;
	assert_int_equal(import_cases(&bane_compatible, 1, one_bane), 0);
	options.compatible = false;
}

#define API(version) "apiVersion: security-profiles-operator.x-k8s.io/" version "\n"

static const struct import_case spo[] = {
	{ "a seccomp profile",
	  API("v1beta1") "kind: SeccompProfile\nmetadata: {name: web}\nspec:\n  defaultAction: "
			 "SCMP_ACT_ERRNO\n  architectures: [SCMP_ARCH_X86_64]\n  syscalls:\n  - "
			 "action: "
			 "SCMP_ACT_ALLOW\n    names: [read, write]\n  - action: SCMP_ACT_ALLOW\n   "
			 " "
			 "names: [personality]\n    args:\n    - {index: 0, value: 8, op: "
			 "SCMP_CMP_EQ}\n",
	  { "\"name\": \"web\"", "\"read\"", "\"write\"",
	    "{\"index\": [0], \"mask\": [4294967295], \"value\": [8]",
	    "\"SeccompProfile web of in\"", "!\"close\"" } },
	{ "documents of all kinds",
	  API("v1") "kind: AppArmorProfile\nmetadata: {name: a}\nspec:\n  abstract:\n    "
		    "executable:\n"
		    "      allowedExecutables: [/bin/x]\n      allowedLibraries: [/lib/y.so]\n    "
		    "filesystem:\n      readOnlyPaths: [/etc/**]\n      writeOnlyPaths: [/log]\n   "
		    "   "
		    "readWritePaths: ['/run/@{pid}/*']\n    network:\n      allowRaw: true\n      "
		    "allowedProtocols: {allowTcp: true}\n    capability:\n      "
		    "allowedCapabilities: "
		    "[net_raw]\n---\n" API(
			    "v1alpha2") "kind: SelinuxProfile\nmetadata: {name: s}\nspec: "
					"{}\n---\napiVersion: v1\nkind: Pod\n",
	  { "\"path\": \"/bin/x\", \"sources\"", "\"/lib/y.so\", \"access\": [\"read\", \"map\"]",
	    "\"/run/@{pid}/*\"", "\"CAP_NET_RAW\"", "\"value\": [2, 3, 0]", "\"value\": [10, 1, 0]",
	    "!\"value\": [2, 2, 0]", "note:SelinuxProfile s has no place",
	    "note:Pod  has no place" } },
	{ "JSON and a list",
	  "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": "
	  "\"security-profiles-operator.x-k8s.io/v1\", \"kind\": \"SeccompProfile\", \"metadata\": "
	  "{\"name\": \"j\"}, \"spec\": {\"state\": \"Disabled\", \"baseProfileName\": \"runc\", "
	  "\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"action\": \"SCMP_ACT_ALLOW\", "
	  "\"names\": [\"read\", \"not_a_call\"]}]}}]}",
	  { "\"read\"", "note:is disabled", "note:its base profile runc",
	    "note:not known: not_a_call" } },
	{ "a wrong profile",
	  API("v1") "kind: SeccompProfile\nmetadata: {name: w}\nspec:\n  defaultAction: NO\n",
	  { "error:in:5:3: SeccompProfile w" } },
	{ "a wrong path",
	  API("v1") "kind: AppArmorProfile\nmetadata: {name: w}\nspec:\n  abstract:\n    "
		    "filesystem:\n"
		    "      readOnlyPaths: [etc]\n",
	  { "error:in:7:23: /spec/abstract/filesystem/readOnlyPaths/0: expected an absolute "
	    "path" } },
	{ "nothing of it", "apiVersion: v1\nkind: Pod\n", { "error:in: no SeccompProfile" } },
	{ "bad YAML", "a: [\n", { "error:in:2:1" } },
};

static void test_spo(void **state)
{
	(void)state;
	assert_int_equal(import_cases(spo, sizeof(spo) / sizeof(*spo), one_spo), 0);
}

/* What the model has of a call the profile allows, and what it does not have it refuses. */
static void check_call(const struct workload *w, const struct sp_profile *p, unsigned nr)
{
	const struct sc_desc *d = sc_by_nr(SC_X86_64, nr);
	const struct wl_syscall *s = d ? wl_syscall_find(w, SC_X86_64, d->name) : NULL;

	if (!d)
		return;
	for (size_t i = 0; s && i < s->calls_n; i++) {
		uint64_t args[6] = { 0 };

		for (unsigned k = 0; k < s->calls[i].n; k++)
			args[s->calls[i].index[k]] = s->calls[i].value[k];
		assert_true(sp_eval(p, sc_abi_audit_arch(SC_X86_64), nr, args).action >= SP_LOG);
	}
	for (unsigned i = 0; !s && i < 20; i++) {
		uint64_t args[6];

		for (unsigned k = 0; k < 6; k++)
			args[k] = i ? (uint64_t)random() & 0xff : 0;
		assert_true(sp_eval(p, sc_abi_audit_arch(SC_X86_64), nr, args).action < SP_LOG);
	}
}

static void test_seccomp(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 200; seed++) {
		struct sp_profile p;
		cleanup_workload struct workload w;
		cleanup_buf struct buf notes = { 0 };

		random_profile(&p, &(struct source){ .state = seed }, 12, seed % 4 == 0);
		p.abi[SC_X86_64] = true;
		wl_init(&w);
		import_profile(&w, import_source(&w, "random"), &p, "random", &notes);
		for (unsigned nr = 0; nr <= sc_max_nr(SC_X86_64); nr++)
			check_call(&w, &p, nr);
		sp_free(&p);
	}
}

static void collect(const char *glob, struct buf *out, int *r)
{
	cleanup_workload struct workload w;
	struct policy p = { .w = &w, .abi = SC_X86_64 };

	wl_init(&w);
	p.source = wl_source_add(&w, WL_IMPORT);
	*r = policy_path(&p, glob, WL_F_READ);
	wl_sort(&w);
	for (size_t i = 0; i < w.files_n; i++)
		buf_printf(out, "%s%s ", w.files[i].path, w.files[i].pattern ? "~" : "");
}

static void test_globs(void **state)
{
	static const struct {
		const char *glob, *want;
		int r;
	} cases[] = {
		{ "/a", "/a ", 0 },
		{ "/a*", "/a*~ ", 0 },
		{ "/***", "/**~ ", 0 },
		{ "/?*", "/*~ ", 1 },
		{ "/**?", "/**~ ", 1 },
		{ "/[a]{b,}", "/*~ /*b~ ", 1 },
		{ "/{a,{b,c}}/d", "/a/d /b/d /c/d ", 0 },
		{ "/{a\\,b}", "/a,b ", 0 },
		{ "/a//b", "/a/b ", 0 },
		{ "/a\\\\", "/a\\ ", 0 },
		{ "/a@b*", "/a\\@b*~ ", 0 },
		{ "/\\303\\244", "/ä ", 0 },
		{ "a", "", -EINVAL },
		{ "", "", -EINVAL },
		{ "/{a", "", -EINVAL },
		{ "/[a", "", -EINVAL },
		{ "/@{HOME}", "", -EINVAL },
		{ "/a\\", "", -EINVAL },
		{ "/{,a}{,b}{,c}{,d}{,e}{,f}{,g}{,h}{,i}", NULL, -E2BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_buf struct buf out = { 0 };
		int r;

		collect(cases[i].glob, &out, &r);
		assert_int_equal(r, cases[i].r);
		if (cases[i].want)
			assert_string_equal(buf_str(&out), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apparmor), cmocka_unit_test(test_includes),
		cmocka_unit_test(test_bane),	 cmocka_unit_test(test_spo),
		cmocka_unit_test(test_seccomp),	 cmocka_unit_test(test_globs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
