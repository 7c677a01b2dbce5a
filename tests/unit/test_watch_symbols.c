/* The kernel's functions for calls, and what calls of the 32-bit ABI are by the native one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/syscalls.h"
#include "sensor/watch_symbols.h"

#ifdef __x86_64__
static void test_compat(__attribute__((unused)) void **state)
{
	static const struct {
		const char *call, *native;
		enum watch_compat_how how;
	} rows[] = {
		{ "open", "open", WATCH_C_SAME },
		{ "fcntl64", "fcntl", WATCH_C_SAME },
		{ "mmap", "mmap", WATCH_C_MMAP },
		{ "mmap2", "mmap", WATCH_C_MMAP2 },
		{ "clone", "clone", WATCH_C_CLONE },
		{ "umount", "umount2", WATCH_C_ONE },
		{ "umount2", "umount2", WATCH_C_SAME },
		{ "setuid", "setuid", WATCH_C_SAME },
		{ "setuid32", "setuid", WATCH_C_SAME },
		{ "truncate64", "truncate", WATCH_C_JOIN_1 },
		{ "pwrite64", "pwrite64", WATCH_C_JOIN_3 },
		{ "stat64", "stat", WATCH_C_SAME },
		{ "socketcall", NULL, WATCH_C_SOCKETCALL },
		{ "ipc", NULL, WATCH_C_SAME },
		{ "readdir", NULL, WATCH_C_SAME },
	};
	static const struct {
		unsigned operation; /* linux/net.h */
		const char *call;
	} operations[] = { { 1, "socket" }, { 3, "connect" }, { 9, "sendto" }, { 20, "sendmmsg" } };
	static struct watch_compat_tables t;

	watch_compat_tables(&t);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct watch_compat *c = &t.of[sc_nr(SC_I386, rows[i].call)];
		int native = rows[i].native ? sc_nr(SC_X86_64, rows[i].native) : -1;

		if (c->nr != native + 1 || c->how != rows[i].how)
			fail_msg("%s: %u, %u", rows[i].call, c->nr, c->how);
	}
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		assert_int_equal(t.socketcall[operations[i].operation],
				 sc_nr(SC_X86_64, operations[i].call) + 1);
	assert_int_equal(t.socketcall[0], 0);
	assert_int_equal(t.socketcall[21], 0);
}

/* The names of a call's functions, in their order; choices are divided by "|". */
static const char *functions_of(const char *call)
{
	struct watch_function v[WATCH_FUNCTIONS_MAX];
	size_t n = watch_functions(call, v);
	static char text[2048];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (i)
			strcat(text, v[i].choice == v[i - 1].choice ? " " : " | ");
		strcat(text, v[i].name);
	}
	return text;
}

static void test_functions(__attribute__((unused)) void **state)
{
	static const struct {
		const char *call, *functions;
	} rows[] = {
		{ "openat", "__x64_sys_openat __do_sys_openat | __ia32_compat_sys_openat "
			    "__ia32_sys_openat __ia32_compat_sys_openat __ia32_sys_openat "
			    "__do_sys_openat" },
		{ "umount2",
		  "__x64_sys_umount __do_sys_umount2 | "
		  "__ia32_compat_sys_oldumount __ia32_sys_oldumount __ia32_compat_sys_umount "
		  "__ia32_sys_umount __do_sys_umount | "
		  "__ia32_compat_sys_umount __ia32_sys_umount __ia32_compat_sys_umount "
		  "__ia32_sys_umount __do_sys_umount" },
		{ "accept", "__x64_sys_accept __do_sys_accept | "
			    "__ia32_compat_sys_socketcall __ia32_sys_socketcall "
			    "__ia32_compat_sys_socketcall __ia32_sys_socketcall "
			    "__do_sys_socketcall" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(functions_of(rows[i].call), rows[i].functions);
	assert_string_equal(watch_symbol("stat"), "newstat");
	assert_string_equal(watch_symbol("openat"), "openat");
}

/* No call has more functions than there is room for, and no name is cut. */
static void test_room(__attribute__((unused)) void **state)
{
	for (size_t i = 0; i < sc_count(); i++) {
		struct watch_function v[WATCH_FUNCTIONS_MAX];
		size_t n = watch_functions(sc_at(i)->name, v);

		assert_in_range(n, 1, WATCH_FUNCTIONS_MAX - 1);
		for (size_t k = 0; k < n; k++)
			assert_in_range(strlen(v[k].name), 1, WATCH_SYMBOL_MAX - 2);
	}
}
#else
static void test_functions(__attribute__((unused)) void **state)
{
	struct watch_function v[WATCH_FUNCTIONS_MAX];

	assert_int_equal(watch_functions("umount2", v), 1);
	assert_string_equal(v[0].name, "__arm64_sys_umount");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_compat),
		cmocka_unit_test(test_room),
#endif
		cmocka_unit_test(test_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
