/* Which calls open the gates of libraries. What they keep back is tried in tests/live/analyze.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <pthread.h>
#include <spawn.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf/gates.h"

static void test_arguments(void **state)
{
	static const struct {
		const char *name;
		int argument;
	} cases[] = {
		{ "clock_gettime", 0 },
		{ "clock_getres", 0 },
		{ "glob", 1 },
		{ "glob64", 1 },
		{ "posix_spawnattr_setflags", 1 },
		{ "pthread_mutexattr_setprotocol", 1 },
		{ "event_config_set_flag", 1 },
		{ "uv_loop_configure", 1 },
		{ "sysconf", 0 },
		{ "clock_settime", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (gates_argument(cases[i].name) != cases[i].argument)
			fail_msg("%s: %d", cases[i].name, gates_argument(cases[i].name));
}

static void test_values(void **state)
{
	static const struct {
		const char *name;
		uint32_t values[2];
		size_t n;
		bool opens;
	} cases[] = {
		{ "clock_gettime", { CLOCK_MONOTONIC }, 1, false },
		{ "clock_gettime", { CLOCK_REALTIME, CLOCK_BOOTTIME }, 2, false },
		{ "clock_gettime", { CLOCK_THREAD_CPUTIME_ID }, 1, true },
		{ "clock_gettime", { CLOCK_REALTIME, CLOCK_PROCESS_CPUTIME_ID }, 2, true },
		{ "clock_gettime", { (uint32_t)-6 }, 1, true },
		{ "clock_gettime", { 0 }, 0, true },
		{ "glob", { GLOB_NOSORT | GLOB_MARK }, 1, false },
		{ "glob", { GLOB_NOSORT | GLOB_TILDE }, 1, true },
		{ "glob64", { GLOB_TILDE_CHECK }, 1, true },
		{ "posix_spawnattr_setflags", { POSIX_SPAWN_SETSIGDEF }, 1, false },
		{ "posix_spawnattr_setflags", { POSIX_SPAWN_SETSID }, 1, true },
		{ "posix_spawnattr_setflags", { 0 }, 0, true },
		{ "pthread_mutexattr_setprotocol", { PTHREAD_PRIO_INHERIT }, 1, false },
		{ "pthread_mutexattr_setprotocol", { PTHREAD_PRIO_PROTECT }, 1, true },
		{ "pthread_mutexattr_setprotocol", { 0 }, 0, true },
		{ "event_config_set_flag", { 0x01 }, 1, false },
		{ "event_config_set_flag", { 0x09 }, 1, true },
		{ "uv_loop_configure", { 1 }, 1, false },
		{ "uv_loop_configure", { 0, 1 }, 2, true },
		{ "sysconf", { _SC_PAGESIZE }, 1, false },
		{ "sysconf", { _SC_NPROCESSORS_ONLN }, 1, true },
		{ "sysconf", { _SC_NPROCESSORS_CONF, _SC_OPEN_MAX }, 2, true },
		{ "sysconf", { 0 }, 0, true },
		{ "getpid", { 0 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if ((gates_opened_by_call(cases[i].name, cases[i].values, cases[i].n) != 0) !=
		    cases[i].opens)
			fail_msg("case %zu, %s", i, cases[i].name);
	/* Each flag opens what it asks for and nothing else. */
	assert_false((gates_opened_by_call("posix_spawnattr_setflags",
					   (uint32_t[]){ POSIX_SPAWN_SETSID }, 1) &
		      gates_opened_by_call("posix_spawnattr_setflags",
					   (uint32_t[]){ POSIX_SPAWN_RESETIDS }, 1)) != 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(gates_opened_by("getaddrinfo") != 0);
	assert_true(gates_opened_by("pthread_attr_setschedparam") != 0);
	assert_true(gates_opened_by("mkdtemp") != 0);
	assert_true(gates_opened_by("profile_flush_to_file") != 0);
	assert_true(gates_opened_by("malloc_conf") != 0);
	assert_true(gates_opened_by("uv_shutdown") != 0);
	assert_true(gates_opened_by("=uid") != 0);
	assert_false((gates_opened_by("=detached") & gates_opened_by("=uid")) != 0);
	assert_true(gates_opened_by("=dir_fd") != 0);
	assert_true((gates_opened_by("=follow_symlinks") & ~gates_opened_by("=dir_fd")) == 0);
	assert_true(gates_opened_by("=...") != 0);
	assert_true((gates_opened_by("=cwd") & gates_opened_by("=user")) == 0);
	assert_true((gates_by_keyword() & gates_opened_by("=umask")) != 0);
	assert_false((gates_by_keyword() & gates_opened_by("getaddrinfo")) != 0);
	assert_false(gates_opened_by("=dir") != 0);
	assert_false(gates_opened_by("dir_fd") != 0);
	assert_false(gates_opened_by("mkstemp") != 0);
	assert_false(gates_opened_by("profile_get_values") != 0);
	assert_false(gates_opened_by("clock_gettime") != 0);
	assert_false(gates_opened_by("malloc") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
