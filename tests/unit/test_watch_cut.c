/* Texts that the kernel looks for, cut so that all of them find room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "app/watch_cut.h"
#include "base/buf.h"
#include "base/cleanup.h"

static struct rules *read_rules(const char *text)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });

	assert_int_equal(rules_load_text(r, "r.yaml", text, strlen(text)), 0);
	assert_int_equal(rules_compile(r), 0);
	return r;
}

static void cuts(void **state)
{
	static const struct {
		enum watch_place place;
		const char *text;
		size_t limit;
		enum watch_place as;
		const char *cut;
	} rows[] = {
		{ WATCH_AT_WHOLE, "/etc/shadow", 11, WATCH_AT_WHOLE, "/etc/shadow" },
		{ WATCH_AT_WHOLE, "/etc/shadow", 10, WATCH_AT_PREFIX, "/etc/shado" },
		{ WATCH_AT_PREFIX, "/var/log/audit/", 8, WATCH_AT_PREFIX, "/var/log" },
		{ WATCH_AT_INSIDE, "/var/log/audit", 10, WATCH_AT_PREFIX, "/var/log/a" },
		{ WATCH_AT_SUFFIX, "/.aws/credentials", 8, WATCH_AT_SUFFIX, "dentials" },
		{ WATCH_AT_LAST, "sitecustomize.py", 8, WATCH_AT_SUFFIX, "omize.py" },
		{ WATCH_AT_PART, "/site-packages/", 8, WATCH_AT_PART, "ackages/" },
		{ WATCH_AT_PART, "/site-packages/", SIZE_MAX, WATCH_AT_PART, "/site-packages/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct watch_text t = { rows[i].text, WATCH_S_PATH, rows[i].place };
		char room[WATCH_CUT_LONGEST + 1];

		t = watch_cut(&t, rows[i].limit, room);
		assert_string_equal(t.text, rows[i].cut);
		assert_int_equal(t.place, rows[i].as);
	}
}

/* One rule that asks for `n` long paths. */
static void rule_of(struct buf *b, unsigned n)
{
	buf_puts(b, "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n"
		    "  condition: evt.type = openat and fd.name in (");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s/%c%c/a/path/that/is/long/enough/for/this", i ? ", " : "",
			   'a' + (char)(i / 26), 'a' + (char)(i % 26));
	buf_puts(b, ")\n");
}

static void limit(void **state)
{
	static const struct {
		unsigned texts;
		size_t limit;
	} rows[] = { { 3, SIZE_MAX }, { 30, 32 }, { 60, 16 }, { 100, 12 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup_buf struct buf b = { 0 };
		struct rules *r;

		rule_of(&b, rows[i].texts);
		r = read_rules(buf_str(&b));
		assert_int_equal(watch_cut_limit(r), rows[i].limit);
		rules_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
