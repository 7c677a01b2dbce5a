/*
 * The tables of system calls and capabilities, against themselves and against everything on the
 * machine that knows better: <asm/unistd.h>, libseccomp, the running kernel's tracefs, libcap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model/caps.h"
#include "model/syscalls.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void check_args(const struct sc_desc *d, enum sc_abi abi)
{
	unsigned n;
	const struct sc_arg *a = sc_args(d, abi, &n);

	assert_true(n <= SC_MAX_ARGS);
	assert_true(n ? a != NULL : a == NULL);
	if (d->nr[abi] < 0)
		assert_int_equal(n, 0);
	for (unsigned i = 0; i < n; i++) {
		unsigned w = sc_arg_width(abi, a[i].kind);

		assert_true(a[i].name && *a[i].name);
		assert_non_null(sc_kind_name(a[i].kind));
		assert_true(w == 16 || w == 32 || (w == 64 && abi != SC_I386));
		/* 64 bits do not fit a register of i386: there they come in two arguments. */
		if (abi == SC_I386)
			assert_true(a[i].kind != SC_KIND_U64);
	}
}

static void check_since(const struct sc_desc *d, enum sc_abi abi)
{
	struct sc_kver none = { 0, 0, 0 };

	if (d->nr[abi] < 0)
		assert_int_equal(sc_kver_cmp(d->abi_since[abi], none), 0);
	else
		assert_true(sc_kver_cmp(d->abi_since[abi], d->since) >= 0);
}

static void test_rows(void **state)
{
	unsigned count[SC_ABI_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		assert_non_null(d);
		if (i)
			assert_true(strcmp(sc_at(i - 1)->name, d->name) < 0);
		assert_ptr_equal(sc_by_name(d->name), d);
		assert_true(d->since.major >= 1);
		for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++) {
			assert_int_equal(sc_nr(abi, d->name), d->nr[abi]);
			check_args(d, abi);
			check_since(d, abi);
			if (d->nr[abi] < 0)
				continue;
			count[abi]++;
			assert_ptr_equal(sc_by_nr(abi, (unsigned)d->nr[abi]), d);
		}
	}
	assert_null(sc_at(sc_count()));
	print_message("%zu calls: x86_64 %u, i386 %u, x32 %u, aarch64 %u\n", sc_count(),
		      count[SC_X86_64], count[SC_I386], count[SC_X32], count[SC_AARCH64]);
}

static void test_by_nr(void **state)
{
	(void)state;
	for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++) {
		unsigned max = sc_max_nr(abi);

		assert_non_null(sc_by_nr(abi, max));
		assert_null(sc_by_nr(abi, max + 1));
		assert_null(sc_by_nr(abi, UINT32_MAX));
		assert_null(sc_by_nr(abi, SC_X32_BIT));
		for (unsigned nr = 0; nr <= max; nr++) {
			const struct sc_desc *d = sc_by_nr(abi, nr);

			assert_true(!d || d->nr[abi] == (int)nr);
		}
	}
	assert_null(sc_by_nr(SC_I386, 222));
	assert_null(sc_by_nr(SC_X86_64, 400));
	assert_null(sc_by_nr(SC_X86_64, 512));
	assert_null(sc_by_nr(SC_ABI_COUNT, 0));
	assert_int_equal(sc_nr(SC_ABI_COUNT, "read"), -1);
	assert_int_equal(sc_nr(SC_AARCH64, "open"), -1);
	assert_int_equal(sc_nr(SC_X86_64, "no_such_call"), -1);
	assert_null(sc_by_name(""));
	assert_null(sc_by_name("rea"));
	assert_null(sc_by_name("readd"));
	assert_int_equal(sc_nr(SC_X32, "ioctl"), 514);
	assert_int_equal(sc_max_nr(SC_X32), 547);
}

#ifdef __x86_64__
#define NATIVE SC_X86_64
#define H(name)                    \
	{                          \
#name, __NR_##name \
	}

static void test_headers(void **state)
{
	static const struct {
		const char *name;
		int nr;
	} facts[] = {
		H(read),	  H(open),	    H(stat),	       H(mmap),
		H(rt_sigreturn),  H(ioctl),	    H(pread64),	       H(select),
		H(sendfile),	  H(socket),	    H(clone),	       H(execve),
		H(uname),	  H(fcntl),	    H(getdents),       H(ptrace),
		H(uselib),	  H(_sysctl),	    H(prctl),	       H(umount2),
		H(create_module), H(nfsservctl),    H(tuxcall),	       H(security),
		H(futex),	  H(epoll_ctl_old), H(lookup_dcookie), H(vserver),
		H(kexec_load),	  H(newfstatat),    H(getcpu),	       H(seccomp),
		H(bpf),		  H(io_pgetevents), H(rseq),	       H(pidfd_send_signal),
		H(clone3),	  H(openat2),	    H(memfd_secret),   H(set_mempolicy_home_node),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		assert_int_equal(sc_nr(SC_X86_64, facts[i].name), facts[i].nr);
}
#else
#define NATIVE SC_AARCH64

static void test_headers(void **state)
{
	(void)state;
	assert_int_equal(sc_nr(SC_AARCH64, "openat"), __NR_openat);
	assert_int_equal(sc_nr(SC_AARCH64, "clone"), __NR_clone);
	assert_int_equal(sc_nr(SC_AARCH64, "seccomp"), __NR_seccomp);
}
#endif

/* For names whose number libseccomp makes up: does the table's number lead it to the name? */
static bool scmp_name_agrees(const struct sc_desc *d, enum sc_abi abi, uint32_t token)
{
	char *name;

	if (d->nr[abi] < 0)
		return false;
	name = seccomp_syscall_resolve_num_arch(token, d->nr[abi]);
	assert_non_null(name);
	assert_string_equal(name, d->name);
	free(name);
	return true;
}

/* libseccomp's number for one name, against the table's. Returns whether there was one to compare.
 */
static bool scmp_agrees(const struct sc_desc *d, enum sc_abi abi, uint32_t token)
{
	int theirs = seccomp_syscall_resolve_name_arch(token, d->name);
	int ours = d->nr[abi];

	if (theirs == __NR_SCMP_ERROR)
		return false;
	/* On i386 it calls what socketcall and ipc also reach -100 … -299, whatever its number. */
	if (abi == SC_I386 && theirs <= -100 && theirs > -300)
		return scmp_name_agrees(d, abi, token);
	/* x32 got it in 6.10, after the kernel that libseccomp 2.5 was made from. */
	if (abi == SC_X32 && theirs < 0 && !strcmp(d->name, "map_shadow_stack"))
		return false;
	if (theirs < 0)
		theirs = -1;
	if (ours >= 0 && abi == SC_X32)
		ours |= (int)SC_X32_BIT;
	if (theirs != ours)
		fail_msg("%s on %s: %d, libseccomp has %d", d->name, sc_abi_name(abi), ours,
			 theirs);
	return true;
}

static void test_libseccomp(void **state)
{
	static const uint32_t token[SC_ABI_COUNT] = {
		[SC_X86_64] = SCMP_ARCH_X86_64,
		[SC_I386] = SCMP_ARCH_X86,
		[SC_X32] = SCMP_ARCH_X32,
		[SC_AARCH64] = SCMP_ARCH_AARCH64,
	};
	const struct scmp_version *v = seccomp_version();
	unsigned same[SC_ABI_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < sc_count(); i++)
		for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++)
			same[abi] += scmp_agrees(sc_at(i), abi, token[abi]);
	for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++)
		assert_true(same[abi] > 300);
	print_message("libseccomp %u.%u.%u agrees: x86_64 %u, i386 %u, x32 %u, aarch64 %u\n",
		      v->major, v->minor, v->micro, same[SC_X86_64], same[SC_I386], same[SC_X32],
		      same[SC_AARCH64]);
	for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++)
		if (abi != SC_X32)
			assert_int_equal(sc_abi_audit_arch(abi), token[abi]);
}

/* What tracefs calls by the name of the kernel's function. */
static const char *trace_name(const char *fn)
{
	static const char *const map[][2] = {
		{ "newstat", "stat" },		 { "newfstat", "fstat" },
		{ "newlstat", "lstat" },	 { "newuname", "uname" },
		{ "sendfile64", "sendfile" },	 { "umount", "umount2" },
#ifdef __aarch64__
		{ "fadvise64_64", "fadvise64" }, { "arm64_personality", "personality" },
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (!strcmp(fn, map[i][0]))
			return map[i][1];
	return fn;
}

/* Bits of a C type as a format file prints it, without "const "; 0 when unknown. */
static unsigned trace_width(const char *type)
{
	static const char *const w64[] = {
		"long",
		"unsigned long",
		"size_t",
		"loff_t",
		"off_t",
		"aio_context_t",
		"u64",
		"__u64",
		"cap_user_header_t",
		"cap_user_data_t",
		"__sighandler_t",
	};
	static const char *const w32[] = {
		"int",
		"unsigned int",
		"unsigned",
		"u32",
		"__u32",
		"__s32",
		"pid_t",
		"uid_t",
		"gid_t",
		"key_t",
		"key_serial_t",
		"mqd_t",
		"qid_t",
		"timer_t",
		"clockid_t",
		"rwf_t",
		"enum landlock_rule_type",
	};

	if (strchr(type, '*'))
		return 64;
	if (!strcmp(type, "umode_t"))
		return 16;
	for (size_t i = 0; i < ARRAY_SIZE(w64); i++)
		if (!strcmp(type, w64[i]))
			return 64;
	for (size_t i = 0; i < ARRAY_SIZE(w32); i++)
		if (!strcmp(type, w32[i]))
			return 32;
	return 0;
}

/* Declared wider than the kernel looks at them: the head of syscalls.tsv says why. */
static bool narrower_by_use(const char *call, const struct sc_arg *a, const char *type)
{
	if (!strcmp(type, "unsigned long"))
		return a->kind == SC_KIND_FD ||
		       (!strcmp(call, "clone") && !strcmp(a->name, "flags"));
	return !strcmp(type, "long") && !strcmp(call, "ptrace") && a->kind == SC_KIND_PID;
}

/* "\tfield:const char * filename;\toffset…" to its type; false for what is not an argument. */
static bool trace_field(char *line, char **type)
{
	char *end, *p = strstr(line, "field:");

	if (!p)
		return false;
	p += strlen("field:");
	end = strchr(p, ';');
	if (!end || !strncmp(p, "int __syscall_nr", 16))
		return false;
	*end = 0;
	end = strrchr(p, ' ');
	if (!end || !strncmp(end, " common_", 8))
		return false;
	*end = 0;
	*type = strncmp(p, "const ", 6) ? p : p + 6;
	return true;
}

static void check_format(const char *path, const char *fn, unsigned *checked)
{
	const struct sc_desc *d = sc_by_name(trace_name(fn));
	const struct sc_arg *args;
	unsigned n, seen = 0;
	char line[512], *type;
	FILE *f = fopen(path, "re");

	if (!f)
		fail_msg("%s: cannot be opened", path);
	if (!d || d->nr[NATIVE] < 0)
		fail_msg("%s: not in the table", fn);
	args = sc_args(d, NATIVE, &n);
	while (fgets(line, sizeof(line), f)) {
		unsigned want;

		if (!trace_field(line, &type))
			continue;
		want = trace_width(type);
		if (!want)
			fail_msg("%s: unknown C type '%s'", fn, type);
		if (seen >= n)
			fail_msg("%s: more than the table's %u arguments", fn, n);
		if (want != sc_arg_width(NATIVE, args[seen].kind) &&
		    !narrower_by_use(d->name, &args[seen], type))
			fail_msg("%s: argument %u '%s' is '%s', the table has %s", fn, seen + 1,
				 args[seen].name, type, sc_kind_name(args[seen].kind));
		seen++;
	}
	fclose(f);
	if (seen != n)
		fail_msg("%s: %u arguments, the table has %u", fn, seen, n);
	(*checked)++;
}

static unsigned check_formats(DIR *dir, const char *base)
{
	static const char prefix[] = "sys_enter_";
	unsigned checked = 0;
	struct dirent *e;
	char path[512];

	while ((e = readdir(dir))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/format", base, e->d_name);
		check_format(path, e->d_name + strlen(prefix), &checked);
	}
	return checked;
}

static void test_tracefs(void **state)
{
	char mnt[] = "/tmp/boltseal-tracefs-XXXXXX", base[128];
	const char *root = "/sys/kernel/tracing";
	unsigned checked = 0;
	bool mounted = false;
	DIR *dir;

	(void)state;
	snprintf(base, sizeof(base), "%s/events/syscalls", root);
	dir = opendir(base);
	if (!dir && mkdtemp(mnt)) {
		mounted = !mount("none", mnt, "tracefs", 0, NULL);
		snprintf(base, sizeof(base), "%s/events/syscalls", mnt);
		dir = mounted ? opendir(base) : NULL;
	}
	if (dir) {
		checked = check_formats(dir, base);
		closedir(dir);
	}
	if (mounted)
		umount2(mnt, MNT_DETACH);
	if (strcmp(mnt + strlen(mnt) - 6, "XXXXXX") != 0)
		rmdir(mnt);
	if (!checked) {
		print_message(
			"tracefs has no events/syscalls here, or this user may not read it\n");
		skip();
	}
	print_message("tracefs agrees: %u formats\n", checked);
}

/* "name:kind …", as the test expects the arguments of a call. */
static void expect_args(enum sc_abi abi, const char *call, const char *want)
{
	const struct sc_desc *d = sc_by_name(call);
	const struct sc_arg *a;
	char got[256] = "";
	unsigned n;

	assert_non_null(d);
	a = sc_args(d, abi, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s:%s", i ? " " : "",
			 a[i].name, sc_kind_name(a[i].kind));
	assert_string_equal(got, want);
}

static void test_args(void **state)
{
	(void)state;
	expect_args(SC_X86_64, "openat", "dirfd:dirfd pathname:path flags:flags mode:mode");
	expect_args(SC_X86_64, "clone",
		    "flags:flags stack:addr parent_tid:ptr child_tid:ptr tls:addr");
	expect_args(SC_X32, "clone",
		    "flags:flags stack:addr parent_tid:ptr child_tid:ptr tls:addr");
	expect_args(SC_I386, "clone",
		    "flags:flags stack:addr parent_tid:ptr tls:addr child_tid:ptr");
	expect_args(SC_AARCH64, "clone",
		    "flags:flags stack:addr parent_tid:ptr tls:addr child_tid:ptr");
	expect_args(SC_I386, "pread64", "fd:fd buf:ptr count:u32 offset_lo:u32 offset_hi:u32");
	expect_args(SC_I386, "ftruncate64", "fd:fd length_lo:u32 length_hi:u32");
	expect_args(SC_I386, "mmap", "arg:ptr");
	expect_args(SC_I386, "select", "arg:ptr");
	expect_args(SC_I386, "setuid", "uid:uid16");
	expect_args(SC_I386, "setuid32", "uid:uid");
	expect_args(SC_X32, "ioctl", "fd:fd cmd:cmd arg:arg32");
	expect_args(SC_X86_64, "ioctl", "fd:fd cmd:cmd arg:arg");
	expect_args(SC_X86_64, "getpid", "");
	expect_args(SC_AARCH64, "open", "");
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(sc_arg_width(SC_X86_64, SC_KIND_MODE), 16);
	assert_int_equal(sc_arg_width(SC_I386, SC_KIND_MODE), 16);
	assert_int_equal(sc_arg_width(SC_X86_64, SC_KIND_FD), 32);
	assert_int_equal(sc_arg_width(SC_AARCH64, SC_KIND_FLAGS64), 64);
	assert_int_equal(sc_arg_width(SC_X32, SC_KIND_LONG), 64);
	assert_int_equal(sc_arg_width(SC_I386, SC_KIND_LONG), 32);
	assert_int_equal(sc_arg_width(SC_I386, SC_KIND_PTR), 32);
	assert_true(sc_arg_signed(SC_KIND_DIRFD));
	assert_false(sc_arg_signed(SC_KIND_FLAGS));
	assert_true(sc_arg_is_pointer(SC_KIND_PATH));
	assert_true(sc_arg_is_pointer(SC_KIND_ADDR));
	assert_false(sc_arg_is_pointer(SC_KIND_ARG));
	assert_false(sc_arg_is_pointer(SC_KIND_COUNT));
	assert_null(sc_kind_name(SC_KIND_COUNT));
	for (enum sc_kind k = 0; k < SC_KIND_COUNT; k++)
		assert_non_null(sc_kind_name(k));
}

static void test_abis(void **state)
{
	(void)state;
	for (enum sc_abi abi = 0; abi < SC_ABI_COUNT; abi++) {
		assert_int_equal(sc_abi_parse(sc_abi_name(abi)), abi);
		assert_int_equal(sc_abi_parse(sc_abi_scmp(abi)), abi);
	}
	assert_int_equal(sc_abi_parse("arm64"), SC_AARCH64);
	assert_int_equal(sc_abi_parse("amd64"), SC_X86_64);
	assert_int_equal(sc_abi_parse(""), -1);
	assert_int_equal(sc_abi_parse("mips"), -1);
	assert_null(sc_abi_name(SC_ABI_COUNT));
	assert_null(sc_abi_scmp(SC_ABI_COUNT));
	assert_int_equal(sc_abi_audit_arch(SC_X32), AUDIT_ARCH_X86_64);
	assert_int_equal(sc_abi_audit_arch(SC_I386), AUDIT_ARCH_I386);
}

static void test_since(void **state)
{
	static const struct {
		const char *name;
		enum sc_abi abi;
		struct sc_kver since;
	} facts[] = {
		{ "openat", SC_X86_64, { 2, 6, 16 } },
		{ "openat", SC_X32, { 3, 4, 0 } },
		{ "openat", SC_AARCH64, { 3, 7, 0 } },
		{ "socket", SC_I386, { 4, 3, 0 } },
		{ "read", SC_I386, { 1, 0, 0 } },
		{ "read", SC_X86_64, { 2, 6, 0 } },
		{ "seccomp", SC_AARCH64, { 3, 17, 0 } },
		{ "clone3", SC_X86_64, { 5, 3, 0 } },
		{ "file_setattr", SC_I386, { 6, 17, 0 } },
		{ "uprobe", SC_X86_64, { 6, 18, 0 } },
		{ "open", SC_AARCH64, { 0, 0, 0 } },
		{ "kexec_file_load", SC_AARCH64, { 5, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		const struct sc_desc *d = sc_by_name(facts[i].name);

		assert_non_null(d);
		assert_int_equal(sc_kver_cmp(d->abi_since[facts[i].abi], facts[i].since), 0);
	}
	assert_true(sc_kver_cmp((struct sc_kver){ 2, 6, 39 }, (struct sc_kver){ 3, 0, 0 }) < 0);
	assert_true(sc_kver_cmp((struct sc_kver){ 6, 18, 0 }, (struct sc_kver){ 6, 2, 0 }) > 0);
	assert_true(sc_kver_cmp((struct sc_kver){ 2, 6, 9 }, (struct sc_kver){ 2, 6, 16 }) < 0);
}

static void test_suggest(void **state)
{
	static const char *const facts[][2] = {
		{ "opne", "open" },
		{ "openatt", "openat" },
		{ "getpidd", "getpid" },
		{ "raed", "read" },
		{ "exceve", "execve" },
		{ "newfstatatt", "newfstatat" },
		{ "set_mempolicy_homenode", "set_mempolicy_home_node" },
	};
	char longest[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		assert_string_equal(sc_suggest(facts[i][0]), facts[i][1]);
	assert_null(sc_suggest("definitely_not_one"));
	assert_null(sc_suggest(""));
	assert_null(sc_suggest("xyz"));
	memset(longest, 'a', sizeof(longest) - 1);
	for (size_t n = 0; n < sizeof(longest); n++) {
		longest[sizeof(longest) - 1] = 0;
		assert_null(sc_suggest(longest + n));
	}
}

static void test_caps(void **state)
{
	uint64_t mask = bcap_docker_default_mask();

	(void)state;
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++) {
		const struct bcap_desc *c = bcap_by_nr(nr);
		char *theirs = cap_to_name((cap_value_t)nr);

		assert_non_null(c);
		assert_int_equal(c->nr, nr);
		assert_non_null(theirs);
		assert_int_equal(strncmp(theirs, "cap_", 4), 0);
		assert_string_equal(c->aa_name, theirs + 4);
		assert_int_equal(strcasecmp(c->name, theirs), 0);
		assert_ptr_equal(bcap_by_name(c->name), c);
		assert_ptr_equal(bcap_by_name(c->aa_name), c);
		assert_ptr_equal(bcap_by_name(c->name + 4), c);
		assert_ptr_equal(bcap_by_name(theirs), c);
		assert_true(strlen(c->guards) > 20);
		assert_non_null(bcap_risk_name(c->risk));
		assert_true(sc_kver_cmp(c->since, (struct sc_kver){ 2, 2, 0 }) >= 0);
		assert_int_equal(c->docker_default, mask >> nr & 1);
		cap_free(theirs);
	}
	assert_null(bcap_by_nr(BCAP_COUNT));
	assert_null(bcap_by_name("CAP_"));
	assert_null(bcap_by_name(""));
	assert_null(bcap_by_name("ALL"));
	assert_null(bcap_by_name("CAP_CAP_KILL"));
	assert_null(bcap_risk_name(BCAP_RISK_HOST + 1));
	/* What Docker itself shows in CapEff of a container's first process. */
	assert_int_equal(mask, 0x00000000a80425fbULL);
	assert_int_equal(__builtin_popcountll(mask), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_by_nr),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_libseccomp),
		cmocka_unit_test(test_tracefs), cmocka_unit_test(test_args),
		cmocka_unit_test(test_kinds),	cmocka_unit_test(test_abis),
		cmocka_unit_test(test_since),	cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
