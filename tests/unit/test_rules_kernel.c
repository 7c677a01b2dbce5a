/* Which conditions a kernel can decide entirely, and what stands in the way of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/kernel.h"

static struct rules *compile(const char *condition, const char *more)
{
	cleanup_free char *text = xasprintf("- rule: R\n  desc: d\n  condition: >\n    %s\n"
					    "  output: o\n  priority: INFO\n  respond: [kill]\n%s",
					    condition, more);
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	const struct rules_diag *d;
	size_t n;

	if (rules_load_text(r, "r", text, strlen(text)) < 0 || rules_compile(r) < 0) {
		d = rules_diags(r, &n);
		fail_msg("%s: %s", condition, n ? d[n - 1].message : "?");
	}
	return r;
}

static void test_decidable(void **state)
{
	static const struct {
		const char *type, *condition, *more;
		const char *why; /* NULL: the kernel decides it */
	} cases[] = {
		{ "openat", "evt.type in (open, openat) and fd.name = /etc/shadow", "", NULL },
		{ "openat", "evt.type = openat and container.id != host and fd.name startswith /a/",
		  "", NULL },
		{ "openat", "evt.type = openat and not container.id = host and fd.num >= 0", "",
		  NULL },
		{ "openat",
		  "evt.type = openat and evt.is_open_write = true and fd.name in (/a, /b)", "",
		  NULL },
		{ "execve",
		  "evt.type in (execve, execveat) and proc.is_exe_upper_layer = true "
		  "and proc.name in (a, b)",
		  "", NULL },
		{ "execve", "evt.type = execve and not proc.is_exe_from_memfd = true", "", NULL },
		{ "execve", "evt.type = execve and proc.exepath startswith /tmp/", "", NULL },
		{ "ptrace", "evt.type = ptrace and evt.failed = false", "", NULL },
		{ "unshare", "evt.type = unshare and evt.res = SUCCESS and proc.name = x", "",
		  NULL },
		{ "openat", "evt.type = openat and container.id = host and fd.name = /a", "",
		  "container.id" },
		{ "openat", "evt.type = openat and (fd.name = /a or proc.name = b)", "",
		  "an 'or'" },
		{ "openat", "evt.type = openat and fd.name endswith /a", "", "an operator other" },
		{ "openat", "evt.type = openat and not fd.name = /a", "", "fd.name" },
		{ "openat", "evt.type = openat and fd.name = /a and fd.name startswith /a", "",
		  "two tests on one field" },
		{ "openat", "evt.type = openat and proc.name startswith a", "",
		  "the beginning of proc.name" },
		{ "openat", "evt.type = openat and proc.name = a-name-of-more-than-15", "",
		  "longer than" },
		{ "openat", "evt.type = openat and proc.exepath = /bin/a", "",
		  "proc.exepath of a running program" },
		{ "openat", "evt.type = openat and proc.pname = a", "", "proc.pname" },
		{ "openat", "evt.type = openat and tolower(proc.name) = a", "", "tolower" },
		{ "openat", "evt.type = openat and fd.name = /a", "  count: {min: 2, within: 1s}\n",
		  "a count or a sequence" },
		{ "read", "evt.type = openat and fd.name = /a", "", "never fire" },
		{ "unlink", "evt.type = unlink and fd.name = /a", "", "does not open" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules *r = compile(cases[i].condition, cases[i].more);
		int type = ev_type_by_name(cases[i].type);
		cleanup_buf struct buf why = { 0 };
		struct rules_kernel k;
		bool yes;

		assert_true(type >= 0);
		yes = rules_kernel_of(r, 0, (unsigned)type, &k, &why);
		if (yes != !cases[i].why || (!yes && !strstr(buf_str(&why), cases[i].why)))
			fail_msg("%s: %s", cases[i].condition, yes ? "decided" : buf_str(&why));
		rules_free(r);
	}
}

static void test_parts(void **state)
{
	struct rules *r = compile("evt.type = openat and container.id != host and fd.num >= 0 and "
				  "evt.is_open_read = true and fd.name in (/a, /b) and "
				  "proc.name in (x, y, z)",
				  "");
	struct rules_kernel k;

	(void)state;
	assert_true(rules_kernel_of(r, 0, (unsigned)ev_type_by_name("openat"), &k, NULL));
	assert_int_equal(k.result, NEED_SUCCESS);
	assert_true(k.reads && !k.writes && k.containers);
	assert_int_equal(k.paths.n, 2);
	assert_false(k.paths.v[0].prefix);
	assert_int_equal(k.comms.n, 3);
	assert_int_equal(k.exes.n, 0);
	assert_int_equal(k.upper, -1);
	rules_free(r);
	r = compile("evt.type = execve and proc.is_exe_upper_layer = false and "
		    "proc.exepath startswith /tmp/ and evt.failed = true",
		    "");
	assert_true(rules_kernel_of(r, 0, (unsigned)ev_type_by_name("execve"), &k, NULL));
	assert_int_equal(k.upper, 0);
	assert_int_equal(k.result, NEED_FAILURE);
	assert_true(k.exes.n == 1 && k.exes.v[0].prefix);
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decidable),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
