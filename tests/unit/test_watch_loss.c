/* What is said of records that found no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "app/watch_loss.h"
#include "base/cleanup.h"
#include "model/syscalls.h"

#define RULE(name, condition)                                                    \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n" \
	"  priority: INFO\n"

static const char text[] = RULE("Opens", "evt.type in (open, openat) and fd.name = /a")
	RULE("Connects", "evt.type = connect and fd.sport = 1")
		RULE("Starts", "evt.type = execve and proc.name = x");

static void test_loss(void **state)
{
	static uint64_t nrs[WATCH_NRS], cpus[WATCH_CPUS];
	static struct watch_loss before, sum;
	struct rules_options o = { .min_priority = RP_DEBUG };
	struct rules *r = rules_new(&o);
	struct watch_stats s = { .lost_nrs = nrs, .lost_cpus = cpus, .cpus = 2 };
	int openat = sc_nr(sc_abi_native(), "openat");
	cleanup_buf struct buf none = { 0 }, first = { 0 }, second = { 0 }, restarted = { 0 };
	cleanup_buf struct buf drift = { 0 }, all = { 0 };

	(void)state;
	assert_int_equal(rules_load_text(r, "t", text, strlen(text)), 0);
	assert_int_equal(rules_compile(r), 0);
	watch_loss_tell(r, &s, &before, &none);
	assert_int_equal(none.len, 0);
	nrs[openat] = 5;
	cpus[1] = 5;
	watch_loss_tell(r, &s, &before, &first);
	assert_string_equal(buf_str(&first), "openat 5; by processor 1: 5; rules that may have "
					     "missed something: Opens");
	nrs[openat] = 7;
	s.lost_kinds[WATCH_EXEC] = 1;
	cpus[0] = 1;
	cpus[1] = 7;
	watch_loss_tell(r, &s, &before, &second);
	assert_string_equal(buf_str(&second),
			    "openat 2, programs executed 1; by processor 0: 1, 1: 2; rules that "
			    "may have missed something: Opens, Starts");
	nrs[openat] = 3;
	s.lost_kinds[WATCH_EXEC] = 0;
	cpus[0] = 0;
	cpus[1] = 3;
	watch_loss_tell(r, &s, &before, &restarted);
	assert_string_equal(buf_str(&restarted), "openat 3; by processor 1: 3; rules that may "
						 "have missed something: Opens");
	/* What drift misses concerns no rule, and is told too; so is what both sensors lost. */
	s.lost_kinds[WATCH_NEW_CALL] = 2;
	s.lost_kinds[WATCH_NEW_NS & 7] = 1;
	watch_loss_tell(r, &s, &before, &drift);
	assert_string_equal(buf_str(&drift),
			    "calls outside of models 2, containers to be compared 1");
	watch_loss_add(&sum, &s);
	nrs[openat] = 1;
	nrs[WATCH_NRS - 1] = 1;
	s = (struct watch_stats){ .lost_nrs = nrs, .lost_cpus = cpus, .cpus = 2 };
	s.lost_kinds[WATCH_CALL] = 2;
	s.lost_kinds[WATCH_EXIT] = 4;
	assert_int_equal(watch_loss_processes(&s), 4);
	watch_loss_add(&sum, &s);
	assert_int_equal(s.lost, 9);
	before = (struct watch_loss){ 0 };
	watch_loss_tell(r, &s, &before, &all);
	assert_string_equal(buf_str(&all),
			    "openat 4, call 511 1, processes ended 4, calls outside of models 2, "
			    "containers to be compared 1; by processor 1: 6; rules that may have "
			    "missed something: Opens");
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
