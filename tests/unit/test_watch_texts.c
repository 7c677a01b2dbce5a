/* The automaton of the watching programs against a plain search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sensor/watch_texts.h"

/* What the programs do with a table: the bits of all texts that stand in this one. */
static uint64_t run(const struct watch_texts *t, const char *text, size_t len)
{
	uint64_t found = 0;
	size_t state = t->start;

	for (size_t i = 0; i < len; i++) {
		state = t->next[state + t->class[(unsigned char)text[i]]];
		found |= t->found[state / WATCH_CLASSES];
	}
	return found | t->whole[state / WATCH_CLASSES];
}

static struct watch_texts table;

static void test_places(void **state)
{
	static const struct {
		const char *text;
		uint64_t bits;
	} cases[] = {
		{ "/etc/shadow", 1 | 2 },
		{ "/etc/shadow-", 2 },
		{ "/etc", 0 },
		{ "/etc/", 2 },
		{ "/x/etc/", 0 },
		{ "/home/u/.ssh/id_rsa", 8 },
		{ "/home/u/.ssh/id_rsa.pub", 8 },
		{ "/a/release_agent", 4 },
		{ "/a/release_agents", 0 },
		{ "release_agent", 4 },
		{ "/etc/pam.d", 2 | 16 },
		{ "/etc/pam.d/su", 2 | 16 },
		{ "/etc/pam.defs", 2 },
		{ "/v/syslog", 32 },
		{ "/v/rsyslog", 0 },
		{ "/v/syslog/x", 0 },
		{ "/", 0 },
	};
	struct watch_texts_builder *b = watch_texts_new();

	(void)state;
	assert_true(watch_texts_add(b, WATCH_AT_WHOLE, "/etc/shadow", 11, 1));
	assert_true(watch_texts_add(b, WATCH_AT_PREFIX, "/etc/", 5, 2));
	assert_true(watch_texts_add(b, WATCH_AT_SUFFIX, "release_agent", 13, 4));
	assert_true(watch_texts_add(b, WATCH_AT_PART, "id_rsa", 6, 8));
	assert_true(watch_texts_add(b, WATCH_AT_INSIDE, "/etc/pam.d", 10, 16));
	assert_true(watch_texts_add(b, WATCH_AT_LAST, "syslog", 6, 32));
	assert_false(watch_texts_add(b, WATCH_AT_PART, "", 0, 64));
	watch_texts_build(b, &table);
	watch_texts_free(b);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (run(&table, cases[i].text, strlen(cases[i].text)) != cases[i].bits)
			fail_msg("%s: %lx", cases[i].text,
				 (unsigned long)run(&table, cases[i].text, strlen(cases[i].text)));
}

static bool stands(enum watch_place place, const char *text, size_t len, const char *in, size_t n)
{
	switch (place) {
	case WATCH_AT_WHOLE:
		return n == len && !memcmp(in, text, n);
	case WATCH_AT_PREFIX:
		return n >= len && !memcmp(in, text, len);
	case WATCH_AT_SUFFIX:
		return n >= len && !memcmp(in + n - len, text, len);
	case WATCH_AT_PART:
		return memmem(in, n, text, len);
	case WATCH_AT_INSIDE:
		return n >= len && !memcmp(in, text, len) &&
		       (n == len || in[len] == '/' || text[len - 1] == '/');
	case WATCH_AT_LAST:
		return n > len && in[n - len - 1] == '/' && !memcmp(in + n - len, text, len);
	}
	return false;
}

static void fill(char *s, size_t len, bool folder)
{
	for (size_t i = 0; i < len; i++)
		s[i] = "ab/."[random() % (folder ? 2 : 4)];
	s[len] = '\0';
}

static void test_random(void **state)
{
	enum { SETS = 300, TEXTS = 20, RUNS = 300, LONGEST = 12 };

	(void)state;
	srandom(1);
	for (int s = 0; s < SETS; s++) {
		struct watch_texts_builder *b = watch_texts_new();
		char text[TEXTS][LONGEST + 1], in[4 * LONGEST + 1];
		enum watch_place place[TEXTS];
		size_t len[TEXTS];

		for (unsigned i = 0; i < TEXTS; i++) {
			place[i] = (enum watch_place)(random() % 6);
			len[i] = 1 + (size_t)random() % (LONGEST / 2);
			fill(text[i], len[i], place[i] == WATCH_AT_LAST);
			assert_true(watch_texts_add(b, place[i], text[i], len[i], 1ull << i));
		}
		watch_texts_build(b, &table);
		watch_texts_free(b);
		for (int r = 0; r < RUNS; r++) {
			size_t n = (size_t)random() % (sizeof(in) - 1);
			uint64_t want = 0;

			fill(in, n, false);
			for (unsigned i = 0; i < TEXTS; i++)
				if (stands(place[i], text[i], len[i], in, n))
					want |= 1ull << i;
			if (run(&table, in, n) != want)
				fail_msg("set %d: %s", s, in);
		}
	}
}

/* What finds no room is refused, and what is there stays right. */
static void test_full(void **state)
{
	struct watch_texts_builder *b = watch_texts_new();
	char text[WATCH_STATES + 1], bytes[256];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_true(watch_texts_add(b, WATCH_AT_PREFIX, "/etc/", 5, 1));
	assert_false(watch_texts_add(b, WATCH_AT_PART, text, sizeof(text), 2));
	for (size_t i = 0; i < sizeof(bytes) - 1; i++)
		bytes[i] = (char)(i + 1);
	assert_false(watch_texts_add(b, WATCH_AT_PART, bytes, sizeof(bytes) - 1, 4));
	assert_true(watch_texts_add(b, WATCH_AT_PART, text, 900, 8));
	watch_texts_build(b, &table);
	watch_texts_free(b);
	assert_int_equal(run(&table, "/etc/a", 6), 1);
	assert_int_equal(run(&table, text, 901), 8);
	assert_int_equal(run(&table, text, 899), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
