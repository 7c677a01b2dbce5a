/* Command lines, the command table itself, and the texts that are made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "app/args.h"
#include "app/help.h"

static const struct option_desc options[] = {
	{ 'o', "output", "FILE", NULL, "Where to." },
	{ 'f', "format", "KIND", "json|text", "As what." },
	{ 'n', "number", "N", NULL, "How many." },
	{ 'v', "verbose", NULL, NULL, "Says more." },
	{ 0, "dry-run", NULL, NULL, "Does nothing." },
	{ 0 },
};
static const struct command plain = { .name = "test", .synopsis = "[FILE]...", .options = options };
static const struct command runner = { .name = "test",
				       .synopsis = "[OPTION]... -- COMMAND",
				       .options = options };
static const char *const words[] = { "seccomp", "apparmor", NULL };
static const struct command chooser = {
	.name = "test", .synopsis = "WHAT [FILE]", .subcommands = words, .options = options
};
static const struct command bare = { .name = "test", .synopsis = "" };

enum { ARGS_MAX = 10 };

static int count(const char *const *argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return n;
}

static void test_accepted(void **state)
{
	/* What "output", "format" and the switches come out as, and the positionals in one string.
	 */
	static const struct {
		const char *argv[ARGS_MAX], *output, *format;
		bool verbose, dry_run, help;
		const char *positional;
		size_t dashdash;
	} cases[] = {
		{ { NULL }, NULL, NULL, false, false, false, "", 0 },
		{ { "--output=a" }, "a", NULL, false, false, false, "", 0 },
		{ { "--output", "a" }, "a", NULL, false, false, false, "", 0 },
		{ { "-o", "a" }, "a", NULL, false, false, false, "", 0 },
		{ { "-oa" }, "a", NULL, false, false, false, "", 0 },
		{ { "--output=" }, "", NULL, false, false, false, "", 0 },
		{ { "--output=a=b" }, "a=b", NULL, false, false, false, "", 0 },
		/* What follows an option with a value is its value, whatever it looks like. */
		{ { "-o", "-" }, "-", NULL, false, false, false, "", 0 },
		{ { "-o", "--", "x" }, "--", NULL, false, false, false, "x ", 1 },
		{ { "--output", "-v" }, "-v", NULL, false, false, false, "", 0 },
		{ { "-o", "a", "--output=b" }, "b", NULL, false, false, false, "", 0 },
		{ { "--format=json" }, NULL, "json", false, false, false, "", 0 },
		{ { "-ftext", "-v" }, NULL, "text", true, false, false, "", 0 },
		{ { "a", "-v", "b", "--dry-run", "c" },
		  NULL,
		  NULL,
		  true,
		  true,
		  false,
		  "a b c ",
		  3 },
		{ { "-", "-v" }, NULL, NULL, true, false, false, "- ", 1 },
		{ { "" }, NULL, NULL, false, false, false, " ", 1 },
		{ { "--", "-v", "--", "--nonsense" },
		  NULL,
		  NULL,
		  false,
		  false,
		  false,
		  "-v -- --nonsense ",
		  0 },
		{ { "a", "--", "ls", "-l" }, NULL, NULL, false, false, false, "a ls -l ", 1 },
		{ { "a", "--" }, NULL, NULL, false, false, false, "a ", 1 },
		{ { "--help", "--nonsense" }, NULL, NULL, false, false, true, "", 10 },
		{ { "a", "-v", "-h" }, NULL, NULL, true, false, true, "a ", 10 },
		{ { "--", "--help" }, NULL, NULL, false, false, false, "--help ", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_args struct args a = { 0 };
		cleanup_buf struct buf all = { 0 };
		struct err e = { 0 };

		if (args_parse(&a, &plain, count(cases[i].argv), (char **)cases[i].argv, &e))
			fail_msg("case %zu: %s", i, e.msg);
		for (size_t k = 0; k < args_count(&a); k++)
			buf_printf(&all, "%s ", args_at(&a, k));
		if (strcmp(buf_str(&all), cases[i].positional))
			fail_msg("case %zu: arguments are '%s'", i, buf_str(&all));
		assert_int_equal(args_has(&a, "output"), cases[i].output != NULL);
		if (cases[i].output)
			assert_string_equal(args_value(&a, "output"), cases[i].output);
		assert_int_equal(args_has(&a, "format"), cases[i].format != NULL);
		if (cases[i].format)
			assert_string_equal(args_value(&a, "format"), cases[i].format);
		assert_int_equal(args_has(&a, "verbose"), cases[i].verbose);
		assert_int_equal(args_has(&a, "dry-run"), cases[i].dry_run);
		assert_int_equal(a.help, cases[i].help);
		if (!a.help)
			assert_int_equal(args_dashdash(&a), cases[i].dashdash);
		assert_null(args_at(&a, args_count(&a)));
		assert_null(args_rest(&a, args_count(&a))[0]);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const struct command *command;
		const char *argv[ARGS_MAX], *message;
	} cases[] = {
		{ &plain,
		  { "--nonsense" },
		  "unknown option '--nonsense' (see boltseal test --help)" },
		{ &plain, { "--nonsense=1" }, "unknown option '--nonsense=1' (see " },
		{ &plain,
		  { "--ouptut=a" },
		  "unknown option '--ouptut=a'; did you mean '--output'?" },
		{ &plain, { "--hepl" }, "unknown option '--hepl'; did you mean '--help'?" },
		{ &plain, { "--output-" }, "did you mean '--output'?" },
		{ &plain, { "-x" }, "unknown option '-x' (see boltseal test --help)" },
		{ &plain, { "-vx" }, "unknown option '-vx' (see boltseal test --help)" },
		{ &plain, { "-v", "a", "-x" }, "unknown option '-x' (see boltseal test --help)" },
		{ &runner, { "ls", "-x" }, "unknown option '-x'; put -- before the command line" },
		{ &runner, { "-x", "ls" }, "unknown option '-x' (see boltseal test --help)" },
		{ &plain,
		  { "--output" },
		  "--output needs a value: FILE (see boltseal test --help)" },
		{ &plain, { "a", "-o" }, "--output needs a value: FILE (see" },
		{ &plain, { "--verbose=yes" }, "--verbose takes no value, but 'yes' was given" },
		{ &plain, { "--format=xml" }, "--format 'xml' is not one of json, text (see" },
		{ &plain, { "--format=jsno" }, "json, text; did you mean 'json'?" },
		{ &plain, { "-f", "" }, "--format '' is not one of json, text (see" },
		{ &plain, { "-f", "json|text" }, "--format 'json|text' is not one of json, text" },
		{ &chooser, { "selinux" }, "'selinux' is not one of seccomp, apparmor (see" },
		{ &chooser, { "secomp", "x" }, "seccomp, apparmor; did you mean 'seccomp'?" },
		{ &bare, { "-v" }, "unknown option '-v' (see" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct args a;
		struct err e = { 0 };
		int r = args_parse(&a, cases[i].command, count(cases[i].argv),
				   (char **)cases[i].argv, &e);

		if (r != -EINVAL)
			fail_msg("case %zu: %d instead of an error", i, r);
		if (!strstr(e.msg, cases[i].message))
			fail_msg("case %zu: '%s' instead of '%s'", i, e.msg, cases[i].message);
	}
}

static void test_chooser(void **state)
{
	static const char *const first[] = { "-v", "apparmor", "seccomp.json", NULL };
	static const char *const behind[] = { "--", "anything", NULL };
	cleanup_args struct args a = { 0 }, b = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(args_parse(&a, &chooser, 3, (char **)first, &e), 0);
	assert_string_equal(args_at(&a, 0), "apparmor");
	assert_int_equal(args_parse(&b, &chooser, 2, (char **)behind, &e), 0);
	assert_string_equal(args_at(&b, 0), "anything");
}

static void test_repeated(void **state)
{
	static const char *const argv[] = { "-o", "a", "x", "--output=b", "-v", "-oc", NULL };
	cleanup_args struct args a = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(args_parse(&a, &plain, count(argv), (char **)argv, &e), 0);
	assert_string_equal(args_value_at(&a, "output", 0), "a");
	assert_string_equal(args_value_at(&a, "output", 1), "b");
	assert_string_equal(args_value_at(&a, "output", 2), "c");
	assert_null(args_value_at(&a, "output", 3));
	assert_null(args_value_at(&a, "format", 0));
	assert_string_equal(args_value(&a, "output"), "c");
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max, value;
		bool ok;
	} cases[] = {
		{ "0", 0, 10, 0, true },
		{ "10", 0, 10, 10, true },
		{ "11", 0, 10, 0, false },
		{ "1", 2, 10, 0, false },
		{ "007", 0, 10, 7, true },
		{ "0x1F", 0, 100, 31, true },
		{ "0xff", 0, 100, 0, false },
		{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, true },
		{ "0xffffffffffffffff", 0, UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", 0, UINT64_MAX, 0, false },
		{ "0x10000000000000000", 0, UINT64_MAX, 0, false },
		{ "", 0, 10, 0, false },
		{ "0x", 0, 10, 0, false },
		{ "-1", 0, UINT64_MAX, 0, false },
		{ "+1", 0, 10, 0, false },
		{ " 1", 0, 10, 0, false },
		{ "1 ", 0, 10, 0, false },
		{ "1s", 0, 10, 0, false },
		{ "a", 0, 10, 0, false },
		{ "1.5", 0, 10, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *argv[] = { "-n", cases[i].text, NULL };
		cleanup_args struct args a = { 0 };
		uint64_t v = 4711;
		struct err e = { 0 };
		int r;

		assert_int_equal(args_parse(&a, &plain, 2, (char **)argv, &e), 0);
		r = args_u64(&a, "number", 5, cases[i].min, cases[i].max, &v, &e);
		if (r != (cases[i].ok ? 0 : -EINVAL) || v != (cases[i].ok ? cases[i].value : 4711))
			fail_msg("'%s': %d, %" PRIu64, cases[i].text, r, v);
		if (r)
			assert_non_null(strstr(e.msg, "--number '"));
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		char unit;
		uint64_t value; /* 0: refused */
	} cases[] = {
		{ "5", 's', 5 },
		{ "5", 'm', 300 },
		{ "90", 'd', 90 * 86400 },
		{ "5s", 'm', 5 },
		{ "10m", 's', 600 },
		{ "2h", 's', 7200 },
		{ "365d", 's', 365 * 86400 },
		{ "007m", 's', 420 },
		{ "0", 's', 0 },
		{ "366d", 's', 0 },
		{ "9000h", 's', 0 },
		{ "", 's', 0 },
		{ "m", 's', 0 },
		{ "5 m", 's', 0 },
		{ "5mm", 's', 0 },
		{ "5w", 's', 0 },
		{ "0x5", 's', 0 },
		{ "1.5h", 's', 0 },
		{ "-5", 's', 0 },
		{ "18446744073709551615d", 's', 0 },
		{ "00000000000000000000000000000000000001", 's', 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *argv[] = { "-n", cases[i].text, NULL };
		cleanup_args struct args a = { 0 };
		uint64_t v = 4711;
		struct err e = { 0 };
		int r;

		assert_int_equal(args_parse(&a, &plain, 2, (char **)argv, &e), 0);
		r = args_time(&a, "number", cases[i].unit, 5, 1, 365 * 86400, &v, &e);
		if (r != (cases[i].value ? 0 : -EINVAL) ||
		    v != (cases[i].value ? cases[i].value : 4711))
			fail_msg("'%s': %d, %" PRIu64, cases[i].text, r, v);
		if (r)
			assert_non_null(strstr(e.msg, "is no time from 1s to 365d: expected a "
						      "number of seconds"));
	}
}

static void test_number_absent(void **state)
{
	cleanup_args struct args a = { 0 };
	char *argv[] = { NULL };
	uint64_t v = 0;
	struct err e;

	(void)state;
	assert_int_equal(args_parse(&a, &plain, 0, argv, &e), 0);
	assert_int_equal(args_u64(&a, "number", 5, 0, 10, &v, &e), 0);
	assert_int_equal(v, 5);
	assert_int_equal(args_time(&a, "number", 'd', 7, 0, 10, &v, &e), 0);
	assert_int_equal(v, 7);
}

static void check_options(const struct command *c)
{
	char letters[64] = "h";

	for (const struct option_desc *o = c->options; o && o->name; o++) {
		if (strcmp(o->name, "help") == 0 || (o->letter && strchr(letters, o->letter)))
			fail_msg("%s: --%s has a name or letter that is taken", c->name, o->name);
		if (o->letter) {
			assert_true(isalnum((unsigned char)o->letter));
			strncat(letters, &o->letter, 1);
		}
		for (const struct option_desc *p = c->options; p < o; p++)
			assert_string_not_equal(p->name, o->name);
		assert_true(!o->choices || o->value);
		if (!o->help || o->help[strlen(o->help) - 1] != '.' || strchr(o->help, '\n'))
			fail_msg("%s: --%s: help is sentences on one line", c->name, o->name);
	}
}

/* The table is what everything else is made of, so its rows have to be whole. */
static void test_table(void **state)
{
	const struct command *c;
	size_t n;

	(void)state;
	for (n = 0; (c = command_at(n)); n++) {
		assert_ptr_equal(command_find(c->name), c);
		assert_non_null(c->synopsis);
		if (!c->summary || strchr(c->summary, '\n') || strlen(c->summary) > 72)
			fail_msg("%s: a summary is one line of at most 72 characters", c->name);
		if (!c->description || !c->examples || !strstr(c->examples, "boltseal "))
			fail_msg("%s: description or example is missing", c->name);
		assert_non_null(c->run);
		check_options(c);
	}
	assert_true(n >= 2);
	assert_null(command_find("nonsense"));
	assert_null(command_find(""));
}

static size_t longest_line(const char *text, const char **line)
{
	size_t longest = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > longest) {
			longest = n;
			*line = text;
		}
		text += n + (text[n] == '\n');
	}
	return longest;
}

/* Text keeps to 80 columns; the command lines of examples may be longer. */
static void test_help_width(void **state)
{
	const struct command *c;

	(void)state;
	for (size_t i = 0; (c = command_at(i)); i++) {
		cleanup_buf struct buf text = { 0 };
		const char *line = "";
		char *examples;
		size_t n;

		help_command(c, &text);
		n = longest_line(buf_str(&text), &line);
		if (n > 100)
			fail_msg("%s --help: %zu columns: %.*s", c->name, n, (int)n, line);
		examples = strstr(text.p, "\nExamples:\n");
		assert_non_null(examples);
		*examples = '\0';
		n = longest_line(text.p, &line);
		if (n > 80)
			fail_msg("%s --help: %zu columns: %.*s", c->name, n, (int)n, line);
	}
}

static void test_help_text(void **state)
{
	static const struct command sample = {
		.name = "sample",
		.synopsis = "[OPTION]... FILE",
		.summary = "Shows how help is set.",
		.description =
			"First   words\nof a paragraph that is long enough to be broken once, "
			"at the eightieth column.\n\n  left  as\n  it is\n\nLast.",
		.options = options,
		.examples = "# Why\nboltseal sample x\n",
	};
	static const char expected[] =
		"Usage: boltseal sample [OPTION]... FILE\n"
		"\n"
		"Shows how help is set.\n"
		"\n"
		"First words of a paragraph that is long enough to be broken once, at the\n"
		"eightieth column.\n"
		"\n"
		"  left  as\n"
		"  it is\n"
		"\n"
		"Last.\n"
		"\n"
		"Options:\n"
		"  -o, --output=FILE       Where to.\n"
		"  -f, --format=KIND       As what. One of: json, text.\n"
		"  -n, --number=N          How many.\n"
		"  -v, --verbose           Says more.\n"
		"      --dry-run           Does nothing.\n"
		"  -h, --help              Prints this help and ends.\n"
		"\n"
		"Examples:\n"
		"  # Why\n"
		"  boltseal sample x\n";
	cleanup_buf struct buf text = { 0 };

	(void)state;
	help_command(&sample, &text);
	assert_string_equal(buf_str(&text), expected);
}

static void test_man_escapes(void **state)
{
	static const struct command sample = {
		.name = "sample",
		.synopsis = "FILE",
		.summary = "Has 'quotes'.",
		.description = ".request 'at' the start\n'too, and a \\ with - ^ ~ ` in it\n\n"
			       "  .kept as it is",
		.examples = "# Why\nboltseal sample 'a b'\n",
	};
	cleanup_buf struct buf text = { 0 };

	(void)state;
	help_man(&sample, &text);
	assert_non_null(strstr(buf_str(&text),
			       "\n\\&.request \\(aqat\\(aq the start\n"
			       "\\&\\(aqtoo, and a \\e with \\- \\(ha \\(ti \\(ga in "
			       "it\n"));
	assert_non_null(strstr(buf_str(&text), "\n.nf\n  .kept as it is\n.fi\n"));
	assert_non_null(strstr(buf_str(&text), "\nboltseal\\-sample \\- Has \\(aqquotes\\(aq.\n"));
	assert_non_null(strstr(buf_str(&text), "\n.B boltseal sample \\(aqa b\\(aq\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_chooser),	      cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_numbers),	      cmocka_unit_test(test_times),
		cmocka_unit_test(test_number_absent), cmocka_unit_test(test_table),
		cmocka_unit_test(test_help_width),    cmocka_unit_test(test_help_text),
		cmocka_unit_test(test_man_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
