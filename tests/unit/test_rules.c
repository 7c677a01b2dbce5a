/* Rules files: what they may say, what is wrong with them and where, what fires. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "rules/rules.h"
#include "shared_path.h"
#include "support/event_memory.h"

static void rules_free_p(struct rules **r)
{
	rules_free(*r);
}
#define cleanup_rules cleanup(rules_free_p)

static void engine_free_p(struct rules_engine **g)
{
	rules_engine_free(*g);
}
#define cleanup_engine cleanup(engine_free_p)

static const struct rules_options all_rules = { .min_priority = RP_DEBUG };

static struct rules *read_rules(const char *text)
{
	struct rules *r = rules_new(&all_rules);

	if (!rules_load_text(r, "t", text, strlen(text)))
		rules_compile(r);
	return r;
}

/* All diagnostics as "CODE line:column message", a line each. */
static void diags_text(const struct rules *r, struct buf *out)
{
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s %u:%u %s", i ? "\n" : "", rules_code_name(d[i].code) + 5,
			   d[i].line, d[i].column, d[i].message);
}

#define RULE(name, condition)                                       \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n" \
	"  output: o\n  priority: WARNING\n"
#define OPEN RULE("A", "evt.type=open")

struct diag_case {
	const char *text, *expect;
};

static void check_diags(const struct diag_case *c, size_t n)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++) {
		cleanup_rules struct rules *r = read_rules(c[i].text);
		cleanup_buf struct buf got = { 0 };

		diags_text(r, &got);
		if (!strcmp(buf_str(&got), c[i].expect))
			continue;
		wrong++;
		print_message("%s\n  got    %s\n  expect %s\n", c[i].text, buf_str(&got),
			      c[i].expect);
	}
	assert_int_equal(wrong, 0);
}

static void test_structure(void **state)
{
	static const struct diag_case cases[] = {
		{ OPEN, "" },
		{ "", "" },
		{ "---\n---\n" OPEN, "" },
		{ "- \n- ~\n" OPEN, "" },
		{ "a: b\n", "ERR_YAML_PARSE 1:1 Rules content is not yaml array of objects" },
		{ "text\n", "ERR_YAML_PARSE 1:1 Rules content is not yaml" },
		{ "- text\n", "ERR_YAML_VALIDATE 1:3 Unexpected element type. Each element should "
			      "be a yaml associative array." },
		{ "- thing: x\n", "UNKNOWN_ITEM 1:3 Unknown top level item" },
		{ "- required_engine_version: 10\n", "" },
		{ "- required_engine_version: 0.57.0\n", "" },
		{ "- required_engine_version: 1.0.0\n",
		  "ERR_VALIDATE 1:28 Rules require engine version 1.0.0, but engine version is "
		  "0.63.0" },
		{ "- required_engine_version: 64\n",
		  "ERR_VALIDATE 1:28 Rules require engine version 0.64.0, but engine version is "
		  "0.63.0" },
		{ "- required_engine_version: 0.9.99-rc.1\n", "" },
		{ "- required_engine_version: v0.9.0\n",
		  "ERR_VALIDATE 1:28 Unable to parse engine version 'v0.9.0' as a semver string. "
		  "Expected \"x.y.z\" semver format." },
		{ "- required_engine_version: 4294967306\n",
		  "ERR_VALIDATE 1:28 Unable to parse engine version '4294967306' as a semver "
		  "string. Expected \"x.y.z\" semver format." },
		{ "- required_engine_version: x.y\n",
		  "ERR_VALIDATE 1:28 Unable to parse engine version 'x.y' as a semver string. "
		  "Expected \"x.y.z\" semver format." },
		{ "- required_plugin_versions:\n  - name: container\n    version: 0.4.0\n", "" },
		{ "- required_plugin_versions:\n  - name: container\n    version: four\n",
		  "ERR_VALIDATE 3:14 Invalid required version 'four' for plugin 'container'" },
		{ "- required_plugin_versions:\n  - name: a\n    version: 0.4.0\n    "
		  "alternatives:\n"
		  "    - {name: a, version: 1.0.0}\n",
		  "ERR_VALIDATE 5:7 Defined multiple alternative version requirements for plugin "
		  "'a'" },
		{ "- required_plugin_versions:\n  - name: a\n",
		  "ERR_YAML_VALIDATE 2:5 Item has no mapping for key 'version'" },
		{ "- rule:\n", "ERR_YAML_VALIDATE 1:8 Mapping for key 'rule' is empty" },
		{ "- rule: [a]\n", "ERR_YAML_VALIDATE 1:9 Value is not a scalar value" },
		{ "- rule: ''\n", "ERR_YAML_VALIDATE 1:10 Value must be non-empty" },
		{ "- rule: A\n  desc: d\n  output: o\n  priority: WARNING\n",
		  "ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'condition'" },
		{ "- rule: A\n  condition: evt.type=open\n  desc: d\n  output: o\n"
		  "  priority: HIGH\n",
		  "ERR_YAML_VALIDATE 5:13 Invalid priority" },
		{ OPEN "  enabled: maybe\n",
		  "ERR_YAML_VALIDATE 6:12 Can't decode YAML scalar value" },
		{ OPEN "  tags: x\n", "ERR_YAML_VALIDATE 6:9 Value is not a sequence" },
		{ OPEN "  tags: [[x]]\n", "ERR_YAML_VALIDATE 6:10 sequence value is not scalar" },
		{ OPEN "  colour: red\n",
		  "UNKNOWN_KEY 6:3 Unknown key 'colour'. The key will be ignored." },
		{ OPEN "  source: no_such\n",
		  "UNKNOWN_SOURCE 6:11 Unknown source no_such, skipping" },
		{ OPEN "  source: syscall\n" OPEN "  source: k8s_audit\n",
		  "ERR_VALIDATE 12:11 Rule has been re-defined with a different source" },
		{ "- list: l\n", "ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'items'" },
		{ "- list: l\n  items: x\n", "ERR_YAML_VALIDATE 2:10 Value is not a sequence" },
		{ "- macro: m\n", "ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'condition'" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

static void test_override(void **state)
{
	static const struct diag_case cases[] = {
		{ OPEN "- rule: A\n  condition: and proc.name=x\n  override:\n    condition: "
		       "append\n",
		  "" },
		{ OPEN "- rule: A\n  priority: DEBUG\n  override:\n    priority: replace\n", "" },
		{ OPEN "- rule: A\n  priority: DEBUG\n  override:\n    priority: append\n",
		  "ERR_YAML_VALIDATE 9:5 Key 'priority' cannot be appended to, use 'replace' "
		  "instead" },
		{ OPEN "- rule: A\n  source: x\n  override:\n    source: replace\n",
		  "ERR_YAML_VALIDATE 9:5 Key 'source' cannot be replaced" },
		{ OPEN "- rule: A\n  desc: x\n  override:\n    desc: remove\n",
		  "ERR_YAML_VALIDATE 9:11 Invalid override operation for key 'desc': 'remove'. "
		  "Allowed values are: append replace" },
		{ OPEN "- rule: A\n  override:\n    desc: append\n",
		  "ERR_YAML_VALIDATE 8:5 An append override for 'desc' was specified but 'desc' is "
		  "not defined" },
		{ OPEN "- rule: A\n  desc: x\n  output: y\n  override:\n    desc: append\n",
		  "ERR_YAML_VALIDATE 8:3 Unexpected key 'output': no corresponding entry under "
		  "'override' is defined." },
		{ OPEN "- rule: A\n  override: {}\n",
		  "ERR_VALIDATE 7:13 The rule must have at least one field that can be replaced" },
		{ "- rule: A\n  desc: x\n  override:\n    desc: append\n",
		  "ERR_VALIDATE 1:9 Rule uses 'append' or 'override.desc: append' but no rule by "
		  "that name already exists" },
		{ "- rule: A\n  desc: x\n  override:\n    desc: replace\n",
		  "ERR_VALIDATE 1:9 An 'override.desc: replace' to a rule was requested but no "
		  "rule by that name already exists" },
		{ "- rule: A\n  enabled: false\n",
		  "ERR_VALIDATE 1:9 Rule has 'enabled' key but no rule by that name already "
		  "exists" },
		{ OPEN "- rule: A\n  enabled: false\n",
		  "DEPRECATED_ITEM 7:3 The standalone 'enabled' key usage is deprecated. The "
		  "correct approach requires also a 'replace' entry under the 'override' key (i.e. "
		  "'enabled: replace')." },
		{ OPEN "- rule: A\n  append: true\n  condition: and proc.name=x\n",
		  "DEPRECATED_ITEM 7:11 'append' key is deprecated. Add an 'append' entry (e.g. "
		  "'condition: append') under 'override' instead." },
		{ OPEN "- rule: A\n  append: true\n  condition: x\n  override:\n    condition: "
		       "append\n",
		  "ERR_YAML_VALIDATE 10:5 Keys 'override' and 'append: true' cannot be used "
		  "together. Add an 'append' entry (e.g. 'condition: append') under 'override' "
		  "instead." },
		{ OPEN "- rule: A\n  append: true\n  desc: x\n",
		  "DEPRECATED_ITEM 7:11 'append' key is deprecated. Add an 'append' entry (e.g. "
		  "'condition: append') under 'override' instead.\n"
		  "ERR_VALIDATE 6:9 Appended rule must have exceptions or condition property" },
		{ "- macro: m\n  condition: proc.name=x\n  override:\n    condition: append\n",
		  "ERR_VALIDATE 1:10 Macro uses 'append' or 'override.condition: append' but no "
		  "macro by that name already exists" },
		{ "- list: l\n  items: [a]\n  override:\n    items: append\n",
		  "ERR_VALIDATE 1:9 List uses 'append' or 'override.items: append' but no list by "
		  "that name already exists" },
		{ "- list: l\n  items: [a]\n  override:\n    list: append\n",
		  "ERR_YAML_VALIDATE 4:5 Key 'list' cannot be appended to" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

static void test_conditions(void **state)
{
	static const struct diag_case cases[] = {
		/* Places in every style of scalar. */
		{ RULE("A", "evt.type=open and proc.nam=x"),
		  "ERR_COMPILE_CONDITION 3:32 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", "'evt.type=open and proc.nam=x'"),
		  "ERR_COMPILE_CONDITION 3:33 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", "\"evt.type=open and\\n proc.nam=x\""),
		  "ERR_COMPILE_CONDITION 3:35 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", ">\n    evt.type=open\n    and\n      proc.nam=x"),
		  "ERR_COMPILE_CONDITION 6:7 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", "|-\n    evt.type=open and\n\n    proc.nam=x"),
		  "ERR_COMPILE_CONDITION 6:5 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", "evt.type=open\n    and proc.nam=x"),
		  "ERR_COMPILE_CONDITION 4:9 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ RULE("A", "evt.type=open and"),
		  "ERR_COMPILE_CONDITION 3:31 expected blank or '(' after 'and'" },
		/* Through lists and macros to where the text stands. */
		{ "- list: l\n  items: [open, opeen]\n" RULE("A", "evt.type in (l)"),
		  "ERR_COMPILE_CONDITION 5:27 unknown event type opeen" },
		{ "- macro: m\n  condition: proc.nam=x\n" RULE("A", "evt.type=open and m"),
		  "ERR_COMPILE_CONDITION 2:14 filter_check called with nonexistent field "
		  "proc.nam (did you mean 'proc.name'?)" },
		{ "- macro: m\n  condition: proc.name=\n" OPEN,
		  "ERR_COMPILE_CONDITION 2:24 expected a valid string value, a field or a "
		  "transformer after '='" },
		{ RULE("A", "evt.type=open and m"),
		  "ERR_VALIDATE 3:32 Undefined macro 'm' used in filter." },
		{ "- macro: m\n  condition: n\n- macro: n\n  condition: proc.name=x\n" RULE(
			  "A", "evt.type=open and m"),
		  "ERR_VALIDATE 2:14 Undefined macro 'n' used in filter. (a macro sees only those "
		  "that are defined before it)" },
		{ "- macro: m\n  condition: proc.name=x\n- macro: m\n  condition: m\n" RULE(
			  "A", "evt.type=open and m"),
		  "ERR_VALIDATE 4:14 reference loop in macro 'm'" },
		{ "- macro: a\n  condition: proc.name=x\n- macro: b\n  condition: a\n"
		  "- macro: a\n  condition: b\n" RULE("A", "evt.type=open and a"),
		  "ERR_VALIDATE 4:14 reference loop in macro 'a'" },
		{ "- macro: m\n  condition: proc.name=x\n" OPEN,
		  "UNUSED_MACRO 1:10 Macro not referred to by any other rule/macro" },
		{ "- list: l\n  items: [a]\n" OPEN,
		  "UNUSED_LIST 1:9 List not referred to by any other rule/macro" },
		{ "- list: a\n  items: [x]\n- list: b\n  items: [a]\n" RULE(
			  "A", "evt.type=open and proc.name in (b)"),
		  "" },
		{ "- macro: m-n\n  condition: proc.name=x\n" OPEN,
		  "INVALID_MACRO_NAME 1:10 Macro has an invalid name. Macro names should match a "
		  "regular expression: [a-zA-Z]+[a-zA-Z0-9_]*\n"
		  "UNUSED_MACRO 1:10 Macro not referred to by any other rule/macro" },
		{ "- list: 'a b'\n  items: [x]\n" OPEN,
		  "INVALID_LIST_NAME 1:10 List has an invalid name. List names should match a "
		  "regular expression: [^()\"'[:space:]=,]+\n"
		  "UNUSED_LIST 1:10 List not referred to by any other rule/macro" },
		{ RULE("A", "proc.name=x"),
		  "NO_EVTTYPE 1:9 Rule matches too many evt.type values. This has a significant "
		  "performance penalty." },
		{ RULE("A", "proc.name=x") "  warn_evttypes: false\n", "" },
		{ RULE("A", "evt.num=0 and proc.name=x"), "" },
		{ RULE("A", "evt.type=open and proc.name=fd.name"),
		  "COMPILE_CONDITION 3:42 'fd.name' may be a valid field misused as a const string "
		  "value" },
		{ RULE("A", "evt.type=open and proc.name regex .*x.*"),
		  "COMPILE_CONDITION 3:48 regex check with '.*x.*' may be optimized with simpler "
		  "operators such as '=', 'contains', 'startswith', 'endswith'" },
		{ RULE("A", "evt.type=open and evt.dir=<"),
		  "DEPRECATED_ITEM 3:32 The field 'evt.dir' is deprecated." },
		{ "- macro: m\n  condition: (evt.num=0)\n" RULE(
			  "A", "evt.type=open and evt.dir=< and m"),
		  "DEPRECATED_ITEM 5:32 The field 'evt.dir' is deprecated." },
		{ RULE("A", "evt.type=open and proc.nam=x") "  skip-if-unknown-filter: true\n",
		  "UNKNOWN_FILTER 3:32 filter_check called with nonexistent field proc.nam (did "
		  "you mean 'proc.name'?)" },
		{ RULE("A", "evt.type=open and proc.name > x and proc.pid contains 1"),
		  "ERR_COMPILE_CONDITION 3:44 expected a number, a field or a transformer after "
		  "'>'" },
		/* At the end of a text, in a string, at one of several arguments. */
		{ RULE("A", "|\n    evt.type=open and\n    proc.name\n"),
		  "ERR_COMPILE_CONDITION 5:14 expected a valid operator: one of 'exists', '<=', "
		  "'<', '>=', '>', '=', '!=', 'glob', 'iglob', 'contains', 'icontains', "
		  "'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex', 'in', "
		  "'intersects', 'pmatch'" },
		{ RULE("A", "evt.type=open and (proc.name=x"),
		  "ERR_COMPILE_CONDITION 3:44 expected a ')' token" },
		{ RULE("A", "evt.type=open and proc.name=\"ab\\q\""),
		  "ERR_COMPILE_CONDITION 3:45 unsupported string escape sequence: \\q" },
		{ RULE("A", "evt.type=open and concat(proc.name, proc.pid)=x"),
		  "ERR_COMPILE_CONDITION 3:50 transformer 'concat' does not support field "
		  "'proc.pid' of type 'INT64'" },
		{ RULE("A", "evt.type=open and join(x, proc.args)=x"),
		  "ERR_COMPILE_CONDITION 3:37 expected a field, a valid transformer, a quoted "
		  "string or a number" },
		{ RULE("A", "evt.type=open and evt.rawarg[0]=1"),
		  "ERR_COMPILE_CONDITION 3:32 filter error: field 'evt.rawarg' takes the name of a "
		  "parameter: evt.rawarg.NAME" },
		{ RULE("A", "evt.type=open and evt.rawarg.flagz=1"),
		  "ERR_COMPILE_CONDITION 3:32 unknown event argument flagz" },
		{ RULE("A", "evt.type=connect and fd.sip=\"::ffff:1.2.3.4\""),
		  "ERR_COMPILE_CONDITION 3:42 unrecognized IPv4 address ::ffff:1.2.3.4" },
		/* What may have been meant. */
		{ "- macro: spawned\n  condition: evt.type=execve\n" RULE("A", "spwaned"),
		  "ERR_VALIDATE 5:14 Undefined macro 'spwaned' used in filter. (did you mean "
		  "'spawned'?)" },
		{ RULE("A", "evt.type=open and proc.pid contains 1"),
		  "ERR_COMPILE_CONDITION 3:32 'contains' operator not supported for numeric "
		  "filters" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

#define OUTPUT(text)                                                             \
	"- rule: A\n  desc: d\n  condition: evt.type=open\n  output: " text "\n" \
	"  priority: WARNING\n"

static void test_outputs(void **state)
{
	static const struct diag_case cases[] = {
		{ OUTPUT("a %proc.name b"), "" },
		{ OUTPUT("a %proc.name."), "" },
		{ OUTPUT("a %toupper(proc.name)"), "" },
		{ OUTPUT("a %proc.nam b"),
		  "ERR_COMPILE_OUTPUT 4:14 unknown filter: proc.nam (did you mean 'proc.name'?)" },
		{ OUTPUT("50%"), "ERR_COMPILE_OUTPUT 4:13 invalid formatting syntax: formatting "
				 "cannot end with a %" },
		{ OUTPUT("x %20"), "ERR_COMPILE_OUTPUT 4:14 invalid formatting syntax: formatting "
				   "cannot end with a number" },
		{ OUTPUT("x %container.info"),
		  "DEPRECATED_ITEM 4:14 The field 'container.info' is deprecated." },
		/* A bracket behind what takes none is text. */
		{ OUTPUT("a %proc.name[%proc.pid] b"), "" },
		{ OUTPUT("a %evt.arg.flagz"),
		  "UNKNOWN_FILTER 4:14 no known event type has a parameter 'flagz'" },
		{ OUTPUT("x %nothing y") "  skip-if-unknown-filter: true\n",
		  "UNKNOWN_FILTER 4:14 invalid formatting token nothing" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

#define EXCEPTIONS(text) OPEN "  exceptions:\n" text

static void test_exceptions(void **state)
{
	static const struct diag_case cases[] = {
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    values: [x, y]\n"), "" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name, fd.name]\n    comps: [=, in]\n"
			     "    values:\n    - [x, [/a, /b]]\n    - [y, /c]\n"),
		  "" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    comps: startswith oneof\n"
			     "    values: [x]\n"),
		  "" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    value: [x]\n"),
		  "UNKNOWN_KEY 9:5 Unknown key 'value'. The key will be ignored." },
		{ OPEN "  exceptions: x\n",
		  "ERR_VALIDATE 6:15 Rule exceptions must be a sequence" },
		{ EXCEPTIONS("  - x\n"), "ERR_VALIDATE 7:5 Rule exception must be a mapping" },
		{ EXCEPTIONS("  - fields: proc.name\n"),
		  "ERR_YAML_VALIDATE 7:5 Item has no mapping for key 'name'" },
		{ EXCEPTIONS("  - name: a\n"), "ERR_VALIDATE 7:5 Rule exception item must have "
					       "fields property with a list of fields" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    values: x\n"),
		  "ERR_VALIDATE 9:13 Rule exception values must be a sequence" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name, fd.name]\n    comps: [=]\n"),
		  "ERR_VALIDATE 9:12 Fields and comps lists must have equal length" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    comps: [=]\n"),
		  "ERR_VALIDATE 9:12 Fields and comps must both be strings" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name, fd.name]\n    values: [[x]]\n"),
		  "ERR_VALIDATE 9:14 Fields and values lists must have equal length" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name]\n    values: [x]\n"),
		  "ERR_VALIDATE 9:14 Expected values array to contain a list of strings" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name]\n    comps: [is]\n"),
		  "ERR_VALIDATE 9:12 'is' is not a supported comparison operator" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.nam]\n"),
		  "ERR_VALIDATE 8:13 'proc.nam' is not a supported filter field" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    comps: =\n"),
		  "ERR_VALIDATE 9:12 When fields is a single value, comps must be one of (in, "
		  "pmatch, intersects) or a modifier operator (e.g. startswith oneof)" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n  - name: a\n    fields: "
			     "fd.name\n"),
		  "EXCEPTION_NAME_NOT_UNIQUE 9:11 Multiple definitions of exception 'a'" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n") "- rule: A\n  exceptions:\n  "
								     "- name: a\n  override:\n    "
								     "exceptions: "
								     "append\n",
		  "APPEND_NO_VALUES 11:11 Overriding/appending exception with no values" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n") "- rule: A\n  exceptions:\n  "
								     "- {name: a, fields: "
								     "fd.name}\n  override:\n"
								     "    exceptions: append\n",
		  "ERR_VALIDATE 11:23 Can not append exception fields to existing exception, only "
		  "values" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n") "- rule: A\n  exceptions:\n  "
								     "- {name: a, comps: in}\n  "
								     "override:\n"
								     "    exceptions: append\n",
		  "ERR_VALIDATE 11:22 Can not append exception comps to existing exception, only "
		  "values" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n") "- rule: A\n  exceptions:\n  "
								     "- {name: b}\n  override:\n"
								     "    exceptions: append\n",
		  "ERR_VALIDATE 11:5 Rule exception must have fields property with a list of "
		  "fields" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n") "- rule: A\n  exceptions:\n  "
								     "- {name: b, fields: "
								     "fd.name}\n  override:\n"
								     "    exceptions: append\n",
		  "ERR_VALIDATE 11:5 Rule exception must have values property with a list of "
		  "values" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

static void test_own_keys(void **state)
{
	static const struct diag_case cases[] = {
		{ OPEN "  count: {min: 3, within: 10s, by: [process, fd.name]}\n", "" },
		{ OPEN "  count: {min: 3, within: 10s, by: container, distinct: fd.name}\n", "" },
		{ OPEN "  distinct_findings: 0\n", "" },
		{ OPEN "  distinct_findings: 7\n- rule: A\n  distinct_findings: 8\n  priority: "
		       "INFO\n  override: {priority: replace}\n",
		  "" },
		{ OPEN "  distinct_findings: many\n",
		  "ERR_EXTENSION 6:22 distinct_findings wants a number, 0 for all" },
		{ OPEN "  distinct_findings: [7]\n",
		  "ERR_EXTENSION 6:22 distinct_findings wants a number, 0 for all" },
		{ OPEN "  count: {min: 1, within: 10s}\n",
		  "ERR_EXTENSION 6:16 min wants a number from 2 to 1024" },
		{ OPEN "  count: {min: 3}\n",
		  "ERR_EXTENSION 6:10 within wants a time such as 500ms, 10s, 5m or 1h" },
		{ OPEN "  count: {min: 3, within: 10}\n",
		  "ERR_EXTENSION 6:27 within wants a time such as 500ms, 10s, 5m or 1h" },
		/* Of rules that are off, too. */
		{ OPEN "  enabled: false\n  count: {min: 3, within: 1s, by: procname}\n",
		  "ERR_EXTENSION 7:35 'procname' is no field" },
		{ OPEN "  enabled: false\n  sequence: {after: [proc.nam=x], within: 1s}\n",
		  "ERR_COMPILE_CONDITION 7:22 filter_check called with nonexistent field proc.nam "
		  "(did you mean 'proc.name'?)" },
		/* Beside other changes, or as the only one. */
		{ OPEN "- rule: A\n  enabled: true\n  respond: kill\n"
		       "  override: {enabled: replace}\n",
		  "" },
		{ OPEN "- rule: A\n  respond: kill\n  override: {respond: replace}\n", "" },
		{ OPEN "- rule: A\n  respond: explode\n  override: {respond: replace}\n",
		  "ERR_EXTENSION 7:12 respond knows alert, kill, kill-container, freeze, "
		  "block-network, block-exec and quarantine, not 'explode'" },
		{ OPEN "- rule: A\n  respond: kill\n  override: {respond: append}\n",
		  "ERR_YAML_VALIDATE 8:14 Key 'respond' cannot be appended to, use 'replace' "
		  "instead" },
		{ OPEN "  count: {min: 3, within: 1s, by: procname}\n",
		  "ERR_EXTENSION 6:35 'procname' is no field" },
		{ OPEN "  count: {min: 3, within: 1s, by: proc.nam}\n",
		  "ERR_EXTENSION 6:35 filter_check called with nonexistent field proc.nam (did you "
		  "mean 'proc.name'?)" },
		{ OPEN "  count: {min: 3, within: 1s, every: x}\n",
		  "ERR_EXTENSION 6:31 unknown key 'every'" },
		{ OPEN "  sequence: {after: [evt.type=connect], within: 1m, by: process}\n", "" },
		{ OPEN "  sequence: {after: [evt.type=conect], within: 1m, by: process}\n",
		  "ERR_COMPILE_CONDITION 6:31 unknown event type conect" },
		{ OPEN "  sequence: {after: [evt.type=dup], within: 1m, by: process, of: parent}\n",
		  "" },
		{ OPEN "  sequence: {after: [evt.type=dup], within: 1m, of: parent}\n",
		  "ERR_EXTENSION 6:53 of wants as many fields as by: 0" },
		{ OPEN "  sequence: {within: 1m}\n",
		  "ERR_EXTENSION 6:13 after is missing: the conditions that come before" },
		{ OPEN "  sequence: {after: x, within: 1m}\n  count: {min: 2, within: 1s}\n",
		  "ERR_EXTENSION 6:13 a rule has either a count or a sequence" },
		{ OPEN "  respond: [kill, quarantine]\n", "" },
		{ OPEN "  respond: alert\n", "" },
		{ OPEN "  respond: shout\n",
		  "ERR_EXTENSION 6:12 respond knows alert, kill, kill-container, freeze, "
		  "block-network, block-exec and "
		  "quarantine, not 'shout'" },
	};

	(void)state;
	check_diags(cases, ARRAY_SIZE(cases));
}

static void test_condition_texts(void **state)
{
	/* The text that a condition becomes. */
	static const struct diag_case cases[] = {
		{ "- list: l\n  items: [a, b c, '\"d\"']\n" RULE("A", "proc.name in (l)"),
		  "proc.name in ( a, \"b c\", \"d\" )" },
		{ "- list: e\n  items: []\n" RULE("A", "proc.name in (x, e, y)"),
		  "proc.name in (x  , y)" },
		{ "- list: a\n  items: [b]\n- list: b\n  items: [x]\n" RULE("A",
									    "proc.name in (a)"),
		  "proc.name in ( x )" },
		{ "- list: b\n  items: [x]\n- list: a\n  items: [b]\n" RULE("A",
									    "proc.name in (a)"),
		  "proc.name in ( x )" },
		{ EXCEPTIONS("  - name: a\n    fields: proc.name\n    values: [x, y z]\n"),
		  "(evt.type=open) and not proc.name in (x, \"y z\")" },
		{ EXCEPTIONS("  - name: a\n    fields: [proc.name, fd.name]\n    comps: [=, in]\n"
			     "    values: [[x, [/a, /b]], [y, /c]]\n"),
		  "(evt.type=open) and not ((proc.name = x and fd.name in (/a, /b)) or (proc.name "
		  "= y and fd.name in (/c)))" },
		{ OPEN "- rule: A\n  condition: and proc.name=x\n  override: {condition: append}\n",
		  "evt.type=open and proc.name=x" },
		{ OPEN "- rule: A\n  condition: proc.name=x\n  override: {condition: replace}\n",
		  "proc.name=x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_rules struct rules *r = read_rules(cases[i].text);

		assert_int_equal(rules_count(r), 1);
		assert_string_equal(rules_at(r, 0)->condition, cases[i].expect);
	}
}

/* Gives the engine an event at a time in seconds; whether rule 0 fired. */
static bool at_field(struct rules_engine *g, double seconds, const char *type, const char *pid,
		     const char *field, const char *value)
{
	cleanup_ev_memory struct ev_memory m = { 0 };
	const uint32_t *fired;
	struct err e;

	assert_int_equal(ev_memory_init(&m, type, NULL, &e), 0);
	m.ev.uptime = (uint64_t)(seconds * 1e9);
	ev_memory_add(&m, "proc.pid", pid, &e);
	ev_memory_add(&m, field, value, &e);
	return rules_engine_event(g, &m.ev, &fired);
}

static bool at(struct rules_engine *g, double seconds, const char *type, const char *pid,
	       const char *name)
{
	return at_field(g, seconds, type, pid, "fd.name", name);
}

static bool at_fd(struct rules_engine *g, double seconds, const char *type, const char *pid,
		  const char *fd)
{
	return at_field(g, seconds, type, pid, "fd.num", fd);
}

static struct rules_engine *engine(struct rules *r)
{
	cleanup_buf struct buf text = { 0 };

	diags_text(r, &text);
	assert_string_equal(buf_str(&text), "");
	return rules_engine_new(r, &(struct rules_engine_options){ .keys_max = 8 });
}

static void test_count(void **state)
{
	cleanup_rules struct rules *r = read_rules(OPEN
						   "  count: {min: 3, within: 10s, by: process}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	assert_false(at(g, 1, "open", "1", "a"));
	assert_false(at(g, 2, "open", "1", "a"));
	assert_false(at(g, 3, "open", "2", "a"));
	assert_false(at(g, 3, "openat", "1", "a"));
	assert_true(at(g, 11, "open", "1", "a"));
	/* It begins anew. */
	assert_false(at(g, 11, "open", "1", "a"));
	assert_false(at(g, 12, "open", "1", "a"));
	/* Too late for the first, in time for the next three. */
	assert_false(at(g, 21.5, "open", "1", "a"));
	assert_true(at(g, 21.9, "open", "1", "a"));
}

static void test_count_distinct(void **state)
{
	cleanup_rules struct rules *r =
		read_rules(OPEN "  count: {min: 3, within: 10s, by: process, distinct: fd.name}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(at(g, i, "open", "1", i % 2 ? "a" : "b"));
	assert_true(at(g, 11, "open", "1", "c"));
	assert_false(at(g, 12, "open", "1", "c"));
}

static void test_sequence(void **state)
{
	cleanup_rules struct rules *r = read_rules(
		OPEN "  sequence: {after: [evt.type=connect, evt.type=dup], within: "
		     "10s, by: process}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	assert_false(at(g, 1, "open", "1", "a"));
	assert_false(at(g, 1, "dup", "1", "a"));
	assert_false(at(g, 2, "connect", "1", "a"));
	assert_false(at(g, 3, "open", "1", "a"));
	assert_false(at(g, 4, "dup", "2", "a"));
	assert_false(at(g, 4, "dup", "1", "a"));
	assert_false(at(g, 5, "open", "2", "a"));
	assert_true(at(g, 12, "open", "1", "a"));
	assert_false(at(g, 12, "open", "1", "a"));
	/* Too late. */
	assert_false(at(g, 20, "connect", "1", "a"));
	assert_false(at(g, 21, "dup", "1", "a"));
	assert_false(at(g, 31, "open", "1", "a"));
}

/* What begins again while another is under way counts: the later one may end in time. */
static void test_sequence_begins_again(void **state)
{
	cleanup_rules struct rules *r = read_rules(
		OPEN "  sequence: {after: [evt.type=connect, evt.type=dup], within: "
		     "60s, by: process}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	assert_false(at(g, 0, "connect", "1", "a"));
	assert_false(at(g, 1, "dup", "1", "a"));
	assert_false(at(g, 50, "connect", "1", "a"));
	assert_false(at(g, 55, "dup", "1", "a"));
	assert_true(at(g, 61.5, "open", "1", "a"));
	/* Begun again without its second step: the first is still under way. */
	assert_false(at(g, 100, "connect", "1", "a"));
	assert_false(at(g, 101, "dup", "1", "a"));
	assert_false(at(g, 150, "connect", "1", "a"));
	assert_true(at(g, 160, "open", "1", "a"));
	assert_false(at(g, 200, "connect", "1", "a"));
	assert_false(at(g, 201, "dup", "1", "a"));
	assert_false(at(g, 250, "connect", "1", "a"));
	assert_false(at(g, 260.5, "open", "1", "a"));
}

/* Rules that are loaded again: those that are as before go on, and so do the numbers. */
static void test_windows_go_on(void **state)
{
	static const char text[] =
		RULE("A", "evt.type=open") "  count: {min: 3, within: 10s, by: process}\n";
	static const char other[] =
		RULE("A", "evt.type=open") "  count: {min: 3, within: 9s, by: process}\n";
	static const char moved[] = RULE("B", "evt.type=dup")
		RULE("A", "evt.type=open") "  count: {min: 3, within: 10s, by: process}\n";
	cleanup_rules struct rules *r = read_rules(text), *same = read_rules(moved),
				   *not_same = read_rules(other);
	cleanup_engine struct rules_engine *g = engine(r);
	struct rules_engine_stats stats;

	(void)state;
	assert_false(at(g, 1, "open", "1", "a"));
	assert_false(at(g, 2, "open", "1", "a"));
	cleanup_engine struct rules_engine *next = rules_engine_new(
		same, &(struct rules_engine_options){ .keys_max = 8, .before = g });

	assert_true(at(next, 3, "open", "1", "a"));
	assert_false(at(next, 4, "open", "1", "a"));
	assert_false(at(next, 5, "open", "1", "a"));
	rules_engine_get_stats(next, &stats);
	assert_int_equal(stats.events, 5);
	assert_int_equal(stats.fired, 1);
	cleanup_engine struct rules_engine *last = rules_engine_new(
		not_same, &(struct rules_engine_options){ .keys_max = 8, .before = next });

	assert_false(at(last, 6, "open", "1", "a"));
	rules_engine_get_stats(last, &stats);
	assert_int_equal(stats.events, 6);
}

/* The event's own key is another field than that of the steps. */
static void test_sequence_of_others(void **state)
{
	cleanup_rules struct rules *r = read_rules(
		OPEN "  sequence: {after: [evt.type=connect], within: 10s, by: process, "
		     "of: fd.num}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	assert_false(at_fd(g, 1, "connect", "7", "1"));
	assert_false(at_fd(g, 2, "open", "7", "1"));
	assert_true(at_fd(g, 3, "open", "1", "7"));
	assert_false(at_fd(g, 4, "open", "1", "7"));
}

/* One event may be both what begins and what ends: it ends what was begun before. */
static void test_sequence_of_equals(void **state)
{
	cleanup_rules struct rules *r = read_rules(
		OPEN "  sequence: {after: [evt.type=open, evt.type=open], within: 1h}\n");
	cleanup_engine struct rules_engine *g = engine(r);

	(void)state;
	assert_false(at(g, 1, "open", "1", "a"));
	assert_false(at(g, 2, "open", "1", "a"));
	assert_true(at(g, 3, "open", "1", "a"));
}

static void test_keys_are_bounded(void **state)
{
	cleanup_rules struct rules *r = read_rules(OPEN
						   "  count: {min: 2, within: 1h, by: process}\n");
	cleanup_engine struct rules_engine *g = engine(r);
	struct rules_engine_stats stats;
	char pid[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(pid, sizeof(pid), "%d", i);
		assert_false(at(g, i, "open", pid, "a"));
	}
	rules_engine_get_stats(g, &stats);
	assert_int_equal(stats.events, 1000);
	assert_int_equal(stats.keys_evicted, 1000 - 8);
	/* The newest keys are still known. */
	assert_true(at(g, 1000, "open", "999", "a"));
}

static void test_first_and_all(void **state)
{
	static const char text[] = RULE("A", "evt.type=open and fd.name startswith /etc")
		RULE("B", "evt.type in (open, openat) and fd.name contains shadow")
			RULE("C", "evt.type=open and fd.name endswith shadow") "  enabled: false\n";
	cleanup_rules struct rules *r = read_rules(text);
	cleanup_engine struct rules_engine *first =
		rules_engine_new(r, &(struct rules_engine_options){ 0 });
	cleanup_engine struct rules_engine *all =
		rules_engine_new(r, &(struct rules_engine_options){ .match_all = true });
	cleanup_ev_memory struct ev_memory m = { 0 };
	const uint32_t *fired;
	struct err e;

	(void)state;
	assert_int_equal(ev_memory_init(&m, "open", NULL, &e), 0);
	ev_memory_add(&m, "fd.name", "/etc/shadow", &e);
	assert_int_equal(rules_engine_event(first, &m.ev, &fired), 1);
	assert_int_equal(fired[0], 0);
	assert_int_equal(rules_engine_event(all, &m.ev, &fired), 2);
	assert_int_equal(fired[1], 1);
	m.ev.type = (uint16_t)ev_type_by_name("openat");
	assert_int_equal(rules_engine_event(first, &m.ev, &fired), 1);
	assert_int_equal(fired[0], 1);
	m.ev.type = (uint16_t)ev_type_by_name("close");
	assert_int_equal(rules_engine_event(first, &m.ev, &fired), 0);
}

/* An event once more with another name: only what did not become true before does. */
static void test_again(void **state)
{
	static const char text[] = RULE("A", "evt.type=open and fd.name startswith /etc")
		RULE("B", "evt.type=open and fd.name contains shadow") RULE(
			"C", "evt.type=open and proc.name=cat") "  count: {min: 2, within: 5s}\n";
	cleanup_rules struct rules *r = read_rules(text);
	cleanup_engine struct rules_engine *g =
		rules_engine_new(r, &(struct rules_engine_options){ .match_all = true });
	cleanup_ev_memory struct ev_memory m = { 0 }, other = { 0 };
	const uint32_t *fired;
	struct err e;

	(void)state;
	assert_int_equal(ev_memory_init(&m, "open", NULL, &e), 0);
	ev_memory_add(&m, "fd.name", "/etc/link", &e);
	ev_memory_add(&m, "proc.name", "cat", &e);
	assert_int_equal(ev_memory_init(&other, "open", NULL, &e), 0);
	ev_memory_add(&other, "fd.name", "/etc/shadow", &e);
	ev_memory_add(&other, "proc.name", "cat", &e);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 1);
	assert_int_equal(fired[0], 0);
	assert_int_equal(rules_engine_again(g, &other.ev, &fired), 1);
	assert_int_equal(fired[0], 1);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 2);
	assert_int_equal(fired[1], 2); /* the second event, not the third */
}

static void take_name(struct ev_text name, void *arg)
{
	buf_printf(arg, "%.*s ", (int)name.len, name.p);
}

/* Names of addresses that active rules ask for. */
static void test_names(void **state)
{
	static const char pools[] = "- list: pools\n  items: [a.test, b.test]\n";
	static const char in[] =
		RULE("A", "evt.type=connect and not (fd.sport=1 and fd.sip.name in (pools))");
	static const char other[] = RULE("B", "evt.type=connect and fd.cip.name != c.test");
	static const char off[] = RULE("C", "evt.type=connect and fd.cip.name = d.test");
	static const char none[] = RULE("D", "evt.type=connect and proc.name = e.test");
	cleanup_free char *text = xasprintf("%s%s%s%s%s  enabled: false\n", pools, in, other, none,
					    off);
	cleanup_rules struct rules *r = read_rules(text);
	cleanup_buf struct buf out = { 0 };

	(void)state;
	rules_names(r, take_name, &out);
	assert_string_equal(buf_str(&out), "a.test b.test c.test ");
}

static void test_output_text(void **state)
{
	static const char text[] = OUTPUT(
		"'*f=%fd.name 5=%5proc.name| t=%toupper(proc.name) a=%proc.aname "
		"m=%proc.aname[3] n=%fd.num ip=%fd.sip'");
	cleanup_rules struct rules *r = read_rules(text);
	cleanup_engine struct rules_engine *g = engine(r);
	cleanup_ev_memory struct ev_memory m = { 0 };
	cleanup_buf struct buf out = { 0 }, fields = { 0 };
	const uint32_t *fired;
	struct err e;

	(void)state;
	assert_int_equal(ev_memory_init(&m, "open", NULL, &e), 0);
	m.ev.time = 1795318500319988480;
	ev_memory_add(&m, "fd.name", "/a\nb\xff", &e);
	ev_memory_add(&m, "proc.name", "cat", &e);
	ev_memory_add(&m, "proc.aname", "sh", &e);
	ev_memory_add(&m, "proc.aname", "init", &e);
	ev_memory_add(&m, "fd.num", "-1", &e);
	ev_memory_add(&m, "fd.sip", "::ffff:10.0.0.1", &e);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 1);
	rules_engine_text(g, 0, &out);
	assert_string_equal(buf_str(&out), "f=/a\\nb\xef\xbf\xbd 5=cat  | t=CAT a=sh init m=<NA> "
					   "n=-1 ip=10.0.0.1");
	rules_engine_fields(g, 0, &fields);
	assert_string_equal(buf_str(&fields),
			    "{\"evt.time\":1795318500319988480,\"fd.name\":\"/a\\nb\xef\xbf\xbd\","
			    "\"proc.name\":\"cat\",\"proc.aname\":\"sh init\","
			    "\"proc.aname[3]\":null,\"fd.num\":-1,\"fd.sip\":\"10.0.0.1\"}");
}

/* Only what stands in a brief file leaves out what is missing, and only whole " KEY=%field". */
static void test_brief_output(void **state)
{
	static const char own[] = OUTPUT(
		"'x | a=%proc.name n=%fd.name d=%fd.sip:%fd.sport b=%proc.pid s=(%fd.name)'");
	static const char added[] = "- rule: A\n  output: c=%fd.name\n"
				    "  override: {output: append}\n";
	static const char *const expect[] = {
		"x | a=cat d=<NA>:<NA> b=7 s=(<NA>) container_id=host",
		"x | a=cat n=<NA> d=<NA>:<NA> b=7 s=(<NA>) c=<NA> "
		"container_id=host container_name=<NA>"
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rules_options o = { .min_priority = RP_DEBUG, .container_output = true };
		cleanup_rules struct rules *r = rules_new(&o);
		cleanup_engine struct rules_engine *g = NULL;
		cleanup_ev_memory struct ev_memory m = { 0 };
		cleanup_buf struct buf out = { 0 };
		const uint32_t *fired;
		struct err e;

		rules_set_brief(r, true);
		assert_int_equal(rules_load_text(r, "own", own, strlen(own)), 0);
		rules_set_brief(r, false);
		if (i)
			assert_int_equal(rules_load_text(r, "t", added, strlen(added)), 0);
		assert_int_equal(rules_compile(r), 0);
		g = engine(r);
		assert_int_equal(ev_memory_init(&m, "open", NULL, &e), 0);
		ev_memory_add(&m, "proc.name", "cat", &e);
		ev_memory_add(&m, "proc.pid", "7", &e);
		ev_memory_add(&m, "container.id", "host", &e);
		assert_int_equal(rules_engine_event(g, &m.ev, &fired), 1);
		rules_engine_text(g, 0, &out);
		assert_int_equal(strncmp(buf_str(&out), expect[i], strlen(expect[i])), 0);
		assert_int_equal(strstr(buf_str(&out), "k8s_pod_name=") != NULL, i);
	}
}

static void need_text(struct rules *r, const char *type, struct buf *out)
{
	struct rules_need needs[RULES_NEED_RULES] = { 0 };
	size_t n = rules_needs(r, EV_SYSCALL, (unsigned)ev_type_by_name(type), needs);

	rules_need_print(&needs[0], out);
	for (size_t i = 1; i < n; i++) {
		buf_puts(out, " | ");
		rules_need_print(&needs[i], out);
	}
}

static void test_needs(void **state)
{
	static const struct {
		const char *condition, *expect;
	} cases[] = {
		{ "evt.type=open", "every one" },
		{ "evt.type=connect", "not needed" },
		{ "evt.type=open and fd.name in ()", "not needed" },
		{ "evt.type=open and not fd.name in ()", "every one" },
		{ "evt.type=open and (fd.name in () or fd.name = /a)", "path: /a" },
		{ "evt.type=open and container.id != host", "only containers" },
		{ "evt.type=open and container.id = host and container.id != host", "not needed" },
		{ "evt.type=open and not container.id = host", "every one" },
		{ "evt.type=open and evt.is_open_write=true", "opened for writing" },
		{ "evt.type=open and (evt.is_open_write=true or evt.is_open_read=true)",
		  "opened for reading or writing" },
		{ "evt.type=open and fd.num>=0", "result: success" },
		{ "evt.type=open and (fd.num>=0 or evt.res startswith E)", "every one" },
		{ "evt.type=open and evt.failed=true", "result: failure" },
		{ "evt.type=open and fd.name startswith /etc/", "path: /etc/…" },
		{ "evt.type=open and (fd.name in (/a, /b) or fd.name startswith /c)",
		  "path: /a, /b, /c…" },
		{ "evt.type=open and (fd.name = /a or proc.name = x)", "every one" },
		{ "evt.type=open and (fd.name = /a or user.name = x)", "every one" },
		{ "evt.type=open and fd.name endswith x and fd.nameraw contains ../",
		  "path: …x; path as given: …../…" },
		{ "evt.type=open and (fd.directory = /a or fd.filename in (b, c))",
		  "path: /a/…, …/b, …/c" },
		{ "evt.type=open and ((fd.name contains a and fd.name startswith b) or fd.name = "
		  "c)",
		  "path: c, b…; path: c, …a…" },
		{ "evt.type=open and fd.name contains \"\"", "every one" },
		{ "evt.type=open and fd.name icontains a", "every one" },
		{ "evt.type=open and evt.rawres in (0, 2)", "result: 0, 2" },
		{ "evt.type=open and not fd.name = /a", "every one" },
		{ "evt.type=open and fd.name = /a and proc.name in (x, y)",
		  "path: /a; program: x, y" },
		{ "evt.type=open and not (not fd.name = /a)", "path: /a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];
		cleanup_rules struct rules *r = NULL;
		cleanup_buf struct buf got = { 0 };

		snprintf(text, sizeof(text), RULE("A", "%s"), cases[i].condition);
		r = read_rules(text);
		need_text(r, "open", &got);
		if (strcmp(buf_str(&got), cases[i].expect))
			fail_msg("%s: %s instead of %s", cases[i].condition, buf_str(&got),
				 cases[i].expect);
	}
}

/* Rules apart: paths of one do not have to be those of the other. */
static void test_needs_apart(void **state)
{
	static const char text[] = RULE(
		"A", "evt.type=openat and evt.is_open_read=true and fd.name startswith /run/")
		RULE("B", "evt.type=openat and evt.is_open_write=true and fd.name endswith x")
			RULE("C", "evt.type=sendto and fd.sport in (53, 5353)")
				RULE("D", "evt.type=sendto and fd.port = 53") RULE(
					"E", "evt.type=mmap and evt.arg.prot contains PROT_EXEC");
	static const struct {
		const char *type, *expect[RULES_NEED_RULES + 1];
	} cases[] = {
		{ "openat",
		  { "opened for reading; path: /run/…", "opened for writing; path: …x" } },
		{ "sendto", { "port: 53, 5353" } },
		{ "mmap", { "prot: PROT_EXEC" } },
		{ "close", { NULL } },
	};
	cleanup_rules struct rules *r = read_rules(text);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules_need need[RULES_NEED_RULES];
		size_t n = rules_needs(r, EV_SYSCALL, (unsigned)ev_type_by_name(cases[i].type),
				       need);

		for (size_t k = 0; k < n; k++) {
			cleanup_buf struct buf got = { 0 };

			rules_need_print(&need[k], &got);
			assert_non_null(cases[i].expect[k]);
			assert_string_equal(buf_str(&got), cases[i].expect[k]);
		}
		assert_null(cases[i].expect[n]);
	}
	assert_true(rules_use(r, EV_FD_SPORT));
	assert_false(rules_use(r, EV_PROC_ENV));
}

/* What is asked of an argument of the call. */
static void test_needs_of_arguments(void **state)
{
	static const struct {
		const char *type, *condition, *expect; /* NULL: no such event */
	} cases[] = {
		{ "prctl", "evt.arg.option=PR_SET_NAME and evt.arg.arg2_str startswith kworker",
		  "option: PR_SET_NAME; name: kworker…" },
		{ "prctl", "evt.arg.arg2_int=1", "every one" },
		{ "clone", "evt.arg.flags contains CLONE_NEWUSER", "flags: CLONE_NEWUSER" },
		/* A part of several names. */
		{ "clone3", "evt.arg.flags contains CLONE_PARENT",
		  "flags: CLONE_PARENT|CLONE_PARENT_SETTID" },
		{ "clone", "evt.arg.flags contains SIGCHLD", "every one" },
		{ "kill", "evt.arg.sig in (SIGKILL, SIGTERM)", "sig: SIGKILL, SIGTERM" },
		{ "kill", "(evt.arg.sig=SIGKILL or evt.arg.sig=SIGSTOP)", "sig: SIGKILL, SIGSTOP" },
		{ "kill", "evt.arg.sig=SIGKILL and evt.arg.sig in (SIGTERM, SIGHUP)", NULL },
		{ "kill", "(evt.arg.sig=SIGKILL or evt.rawarg.pid=1)", "every one" },
		{ "kill", "evt.arg.sig in (SIGKILL, NONSENSE)", "every one" },
		{ "kill", "not evt.arg.sig=SIGKILL", "every one" },
		{ "ioctl", "evt.rawarg.request=21505", "request: TCGETS" },
		{ "ioctl", "evt.rawarg.request in (1074292226, 1075599392)",
		  "request: 0x40084000 in the bits 0xffffffffffebc1dd" },
		{ "utimensat", "evt.rawarg.times > 0", "times: not 0" },
		{ "mmap", "evt.arg.prot contains PROT_EXEC", "prot: PROT_EXEC" },
		{ "openat", "evt.arg.flags contains O_TRUNC", "every one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];
		cleanup_rules struct rules *r = NULL;
		cleanup_buf struct buf got = { 0 };

		snprintf(text, sizeof(text), RULE("A", "evt.type=%s and %s"), cases[i].type,
			 cases[i].condition);
		r = read_rules(text);
		need_text(r, cases[i].type, &got);
		if (strcmp(buf_str(&got), cases[i].expect ? cases[i].expect : "not needed"))
			fail_msg("%s: %s", cases[i].condition, buf_str(&got));
	}
}

/* Rules of another source see its events, and no others. */
static void test_other_source(void **state)
{
	static const struct ev_field fields[] = { { "ka.verb", EV_CHARBUF, EV_F_NONE, 0, 0 } };
	static const struct ev_fields tables = { fields, 1 };
	static const char text[] = OPEN "- rule: K\n  desc: d\n  condition: ka.verb=create\n"
					"  output: verb=%ka.verb\n  priority: INFO\n"
					"  source: k8s_audit\n";
	struct rules_options o = { .min_priority = RP_DEBUG,
				   .fields = &tables,
				   .sources = 1u << EV_K8S_AUDIT };
	cleanup_rules struct rules *r = rules_new(&o);
	cleanup_engine struct rules_engine *g = NULL;
	cleanup_ev_memory struct ev_memory m = { 0 };
	cleanup_buf struct buf out = { 0 };
	const uint32_t *fired;
	struct err e;

	(void)state;
	assert_int_equal(rules_load_text(r, "t", text, strlen(text)), 0);
	assert_int_equal(rules_compile(r), 0);
	g = engine(r);
	assert_int_equal(ev_memory_init(&m, "pluginevent", &tables, &e), 0);
	assert_int_equal(ev_memory_add(&m, "ka.verb", "create", &e), 0);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 0);
	m.ev.source = EV_K8S_AUDIT;
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 1);
	assert_int_equal(fired[0], 1);
	rules_engine_text(g, 1, &out);
	assert_string_equal(buf_str(&out), "verb=create");
}

/* Small files that stand for something enormous. */
static void test_doubling(void **state)
{
	cleanup_buf struct buf macros = { 0 }, lists = { 0 };
	cleanup_rules struct rules *r = NULL, *too_long = NULL;
	cleanup_engine struct rules_engine *g = NULL;
	cleanup_ev_memory struct ev_memory m = { 0 };
	const uint32_t *fired;
	size_t n;
	struct err e;

	(void)state;
	buf_puts(&macros, "- macro: m0\n  condition: proc.name=x\n");
	for (int i = 1; i < 60; i++)
		buf_printf(&macros,
			   "- macro: m%d\n  condition: ((m%d or fd.name=a%d) and (m%d or "
			   "fd.name=b%d))\n",
			   i, i - 1, i, i - 1, i);
	buf_puts(&macros, RULE("A", "evt.type=open and m59"));
	r = read_rules(buf_str(&macros));
	g = engine(r);
	assert_int_equal(ev_memory_init(&m, "open", NULL, &e), 0);
	ev_memory_add(&m, "fd.name", "a59", &e);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 0);
	ev_memory_add(&m, "proc.name", "x", &e);
	assert_int_equal(rules_engine_event(g, &m.ev, &fired), 1);
	for (int i = 0; i < 40; i++)
		buf_printf(&lists, "- list: l%d\n  items: [l%d, l%d]\n", i, i + 1, i + 1);
	buf_puts(&lists, RULE("A", "evt.type=open and proc.name in (l0)"));
	too_long = read_rules(buf_str(&lists));
	assert_string_equal(rules_diags(too_long, &n)->message,
			    "the condition has more than 4194304 bytes");
}

static void test_stable_rules(void **state)
{
	cleanup_rules struct rules *r = rules_new(&all_rules);
	cleanup_buf struct buf text = { 0 };
	char path[4096];
	struct ev_set wanted;

	(void)state;
	if (!shared_path(path, sizeof(path), "falco/falco_rules.yaml"))
		skip();
	rules_load_file(r, path);
	rules_compile(r);
	diags_text(r, &text);
	assert_string_equal(buf_str(&text), "");
	assert_int_equal(rules_count(r), 25);
	assert_int_equal(rules_macro_count(r), 87);
	assert_int_equal(rules_list_count(r), 49);
	wanted = rules_wanted(r, EV_SYSCALL);
	assert_int_equal(ev_set_size(&wanted), 19);
	for (size_t i = 0; i < rules_count(r); i++) {
		cleanup_buf struct buf explained = { 0 };

		rules_explain(r, i, &explained);
		assert_true(explained.len > 200);
	}
}

/* Every field and event type that the published rules use. */
static void test_fields(void **state)
{
	cleanup_buf struct buf text = { 0 };
	char path[4096], kind[64], name[128];
	unsigned fields = 0, types = 0;
	struct err e;

	(void)state;
	if (!shared_path(path, sizeof(path), "falco/fields.tsv"))
		skip();
	assert_int_equal(io_read_file(path, 1 << 20, &text, &e), 0);
	for (char *line = strtok(text.p, "\n"); line; line = strtok(NULL, "\n")) {
		struct ev_text head, arg = { 0 };
		struct ev_ref ref;
		char want[64];

		if (sscanf(line, "%63[^\t]\t%127[^\t]\t%63[^\t]", kind, name, want) != 3)
			continue;
		if (!strcmp(kind, "evt.type")) {
			types++;
			assert_true(ev_type_by_name(name) >= 0);
			continue;
		}
		if (strcmp(kind, "field"))
			continue;
		fields++;
		head = (struct ev_text){ name, strcspn(name, "[") };
		if (name[head.len])
			arg = (struct ev_text){ name + head.len + 1,
						strcspn(name + head.len + 1, "]") };
		if (ev_ref_parse(NULL, head, arg, &ref) ||
		    (*want != '?' && strcmp(ev_kind_name(ref.kind), want)))
			fail_msg("%s %s", name, want);
	}
	assert_int_equal(fields, 108);
	assert_int_equal(types, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_outputs),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_own_keys),
		cmocka_unit_test(test_condition_texts),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_count_distinct),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_sequence_of_others),
		cmocka_unit_test(test_sequence_of_equals),
		cmocka_unit_test(test_sequence_begins_again),
		cmocka_unit_test(test_windows_go_on),
		cmocka_unit_test(test_keys_are_bounded),
		cmocka_unit_test(test_first_and_all),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_output_text),
		cmocka_unit_test(test_brief_output),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_needs_apart),
		cmocka_unit_test(test_needs_of_arguments),
		cmocka_unit_test(test_other_source),
		cmocka_unit_test(test_doubling),
		cmocka_unit_test(test_stable_rules),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
