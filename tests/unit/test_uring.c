/* Operations of io_uring as system calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/watch.h"
#include "model/syscalls.h"
#include "model/uring.h"

static void rows(void **state)
{
	const struct uring_operation *v;
	size_t n;

	(void)state;
	v = uring_operations(&n);
	for (size_t i = 0; i < n; i++) {
		if (sc_nr(SC_X86_64, v[i].call) < 0 || sc_nr(SC_AARCH64, v[i].call) < 0)
			fail_msg("%s is no system call", v[i].call);
		assert_in_range(v[i].op, 1, WATCH_URING_OPS - 1);
		assert_true(uring_does(v[i].call));
		/* The rows of one operation stand together, by their numbers. */
		assert_true(!i || v[i - 1].op <= v[i].op);
	}
	assert_false(uring_does("ptrace"));
	assert_false(uring_does("open"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
