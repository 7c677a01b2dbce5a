/* Findings: their JSON forms, keys, ids, what follows from tags, and repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "finding_sample.h"
#include "golden.h"
#include "model/finding_dedup.h"
#include "model/finding_ocsf.h"

static void test_round_trip(void **state)
{
	cleanup_finding struct finding *f = finding_sample(3), *g = NULL;
	cleanup_buf struct buf one = { 0 }, two = { 0 };
	struct err e = { 0 };

	(void)state;
	f->container.pod = "web-0";
	f->container.namespace = "shop";
	f->container.missing = "its image does not stand in the engine's files";
	f->process.cmdline = "sh -c \x80\xff \"quoted\"\n";
	f->loginuid = 1000;
	f->capture = "/var/lib/captures/capture-1.gz";
	f->severity = 75;
	finding_write(f, &one);
	assert_int_equal(finding_read(&g, "one", buf_str(&one), one.len, &e), 0);
	finding_write(g, &two);
	assert_string_equal(buf_str(&one), buf_str(&two));
	assert_string_equal(g->process.cmdline, f->process.cmdline);
	assert_string_equal(g->capture, f->capture);
	assert_int_equal(g->severity, 75);
	assert_int_equal(g->first_seen, f->first_seen);
	assert_int_equal(g->lineage_n, 1);
	assert_string_equal(g->id, f->id);
}

/* What is not known is left out, and stays so. */
static void test_sparse(void **state)
{
	cleanup_finding struct finding *f = finding_new(), *g = NULL;
	cleanup_buf struct buf one = { 0 };
	struct err e = { 0 };

	(void)state;
	f->rule = f->title = "X";
	f->priority = "Debug";
	finding_classify(f, 7);
	f->first_seen = f->last_seen = SAMPLE_TIME;
	finding_set_key(f, NULL);
	finding_set_id(f);
	finding_write(f, &one);
	assert_null(strstr(buf_str(&one), "container"));
	assert_int_equal(finding_read(&g, "one", buf_str(&one), one.len, &e), 0);
	assert_null(g->container.id);
	assert_int_equal(g->uid, -1);
	assert_int_equal(g->severity, 0);
	assert_string_equal(g->type, "Behavior:Runtime/X");
}

/* Member by member what falcosidekick decodes. */
static void test_falco(void **state)
{
	static const char *const members[] = { "uuid",		"hostname", "output",
					       "output_fields", "priority", "rule",
					       "source",	"tags",	    "time" };
	cleanup_finding struct finding *f = finding_sample(0);
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf b = { 0 };
	struct err e = { 0 };

	(void)state;
	f->evidence = "{}";
	finding_write_falco(f, &b);
	assert_int_equal(json_parse(&d, "falco", buf_str(&b), b.len, &e), 0);
	assert_int_equal(json_object_object_length(d.root), sizeof(members) / sizeof(*members));
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		assert_non_null(json_object_object_get(d.root, members[i]));
	assert_true(json_object_object_length(json_object_object_get(d.root, "output_fields")) > 0);
	assert_string_equal(json_object_get_string(json_object_object_get(d.root, "time")),
			    "2026-11-22T03:35:00.319988480Z");
}

/* A member's text is replaced; the reader says where. */
static const struct {
	const char *from, *to, *message;
} broken[] = {
	{ "finding/1", "finding/2", "/format: expected" },
	{ "\"id\":\"", "\"id\":\"zz", "/id: expected 36" },
	{ "\"severity\":3.0", "\"severity\":10.1", "/severity: expected a number" },
	{ "\"severity\":3.0", "\"severity\":null", "/severity: expected a number" },
	{ "\"severity\":3.0", "\"severity\":-1", "/severity: expected a number" },
	{ "\"first_seen\":\"2026", "\"first_seen\":\"1926", "/first_seen: expected a time" },
	{ "80Z\",\"count\"", "80\",\"count\"", "/last_seen: expected a time" },
	{ "\"count\":1", "\"count\":-1", "count" },
	{ "[\"T1059\",", "[7,", "/tags/0: expected a string" },
	{ "\"lineage\":[{", "\"lineage\":[1,{", "/process/lineage/0: expected an object" },
	{ "\"pid\":100", "\"pid\":4294967296", "/process/pid" },
	{ "\"rule\":", "\"ruin\":", "rule" },
	{ "\"container\":{\"id\"", "\"container\":{\"ix\"", "/container" },
	{ "\"evidence\":{", "\"evidence\":[],\"x\":{", "evidence" },
};

/* A Detection Finding of OCSF, of a first finding on a host and of a repeated one in a pod. */
static void test_ocsf(void **state)
{
	cleanup_finding struct finding *f = finding_sample(3), *repeated = finding_sample(4);
	cleanup_buf struct buf b = { 0 };
	const unsigned severities[][2] = { { 0, 1 },  { 9, 1 },	 { 10, 2 }, { 39, 2 }, { 40, 3 },
					   { 70, 4 }, { 89, 4 }, { 90, 5 }, { 100, 5 } };

	(void)state;
	f->container.id = NULL;
	f->technique = "T1003.008";
	finding_write_ocsf(f, &b);
	buf_putc(&b, '\n');
	repeated->count = 7;
	repeated->last_seen += 5000000000;
	repeated->container.pod = "web-0";
	repeated->container.namespace = "shop";
	repeated->output = "a \"quoted\"\nline \xff";
	finding_write_ocsf(repeated, &b);
	buf_putc(&b, '\n');
	check_golden("finding.ocsf.ndjson", buf_str(&b));
	for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
		cleanup_free char *want = xasprintf("\"severity_id\":%u,", severities[i][1]);

		f->severity = severities[i][0];
		b.len = 0;
		finding_write_ocsf(f, &b);
		has(&b, want);
	}
}

static void test_broken(void **state)
{
	cleanup_finding struct finding *f = finding_sample(0);
	cleanup_buf struct buf good = { 0 };

	(void)state;
	finding_write(f, &good);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		cleanup_finding struct finding *g = NULL;
		cleanup_buf struct buf b = { 0 };
		const char *at = strstr(buf_str(&good), broken[i].from);
		struct err e = { 0 };

		assert_non_null(at);
		buf_append(&b, buf_str(&good), (size_t)(at - buf_str(&good)));
		buf_puts(&b, broken[i].to);
		buf_puts(&b, at + strlen(broken[i].from));
		assert_true(finding_read(&g, "x", buf_str(&b), b.len, &e) < 0);
		if (!strstr(e.msg, broken[i].message))
			fail_msg("%s: %s", broken[i].to, e.msg);
	}
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T03:35:00.319988480Z", SAMPLE_TIME },
		{ "2026-11-22T03:35:00.3Z", 1795318500300000000 },
		{ "2026-11-22T05:05:00.319988480+01:30", SAMPLE_TIME },
		{ "2026-11-21T19:35:00.319988480-08:00", SAMPLE_TIME },
		{ "2026-11-22T03:35:00.3199884809Z", SAMPLE_TIME },
	};
	static const char *const wrong[] = { "",
					     "now",
					     "2026-11-22",
					     "2026-11-22T03:35:00",
					     "2026-11-22T03:35:00+1:00",
					     "2026-11-22T03:35:00+01:00x",
					     "2026-11-22T03:35:00+24:00",
					     "2400-01-01T00:00:00Z",
					     "2026-11-22T03:35:00ZZ",
					     "2026-13-22T03:35:00Z" };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		assert_int_equal(finding_parse_time(times[i].text, &ns), 0);
		assert_int_equal(ns, times[i].ns);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(finding_parse_time(wrong[i], &ns), -EINVAL);
}

static const struct {
	const char *rule, *tags[3];
	unsigned priority;
	const char *type, *technique;
	unsigned severity;
} classes[] = {
	{ "Terminal shell in container",
	  { "T1059" },
	  5,
	  "Execution:Runtime/SuspiciousShellCreated",
	  "T1059",
	  30 },
	{ "Read sensitive file untrusted",
	  { "T1555", "mitre_credential_access" },
	  4,
	  "CredentialAccess:Runtime/ReadSensitiveFileUntrusted",
	  "T1555",
	  50 },
	{ "my own rule",
	  { "Execution:Runtime/ReverseShell", "severity_7.5", "T1059.004" },
	  7,
	  "Execution:Runtime/ReverseShell",
	  "T1059.004",
	  75 },
	{ "x-y", { "T105", "T1059.1", "severity_11" }, 0, "Behavior:Runtime/XY", NULL, 100 },
	{ "c2",
	  { "mitre_command_and_control", "severity_high" },
	  3,
	  "Backdoor:Runtime/C2",
	  NULL,
	  70 },
};

static void test_classify(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		cleanup_finding struct finding *f = finding_new();

		f->rule = classes[i].rule;
		for (size_t k = 0; k < 3 && classes[i].tags[k]; k++)
			f->tags[f->tags_n++] = classes[i].tags[k];
		finding_classify(f, classes[i].priority);
		assert_string_equal(f->type, classes[i].type);
		assert_int_equal(f->severity, classes[i].severity);
		if (classes[i].technique)
			assert_string_equal(f->technique, classes[i].technique);
		else
			assert_null(f->technique);
		assert_true(strlen(f->remedy) > 20);
	}
	assert_string_not_equal(finding_remedy("Execution:Runtime/X"),
				finding_remedy("Impact:A/B"));
	assert_string_equal(finding_remedy(NULL), finding_remedy("Exec:Runtime/X"));
}

static void test_severity(void **state)
{
	static const struct {
		const char *text;
		int tenths;
	} cases[] = { { "0", 0 },      { "7", 70 },    { "7.5", 75 },	   { "10", 100 },
		      { "10.0", 100 }, { "low", 10 },  { "critical", 90 }, { "", -1 },
		      { "10.1", -1 },  { "7.55", -1 }, { "007", -1 },	   { "-1", -1 },
		      { "7.", -1 },    { "bad", -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(finding_parse_severity(cases[i].text), cases[i].tenths);
	assert_string_equal(finding_severity_name(100), "critical");
	assert_string_equal(finding_severity_name(89), "high");
	assert_string_equal(finding_severity_name(9), "info");
}

/* What makes another key, and what does not. */
static void test_key(void **state)
{
	cleanup_finding struct finding *f = finding_sample(0), *g = finding_sample(0);
	char key[FINDING_KEY + 1];

	(void)state;
	assert_string_equal(f->key, g->key);
	memcpy(key, f->key, sizeof(key));
	/* The same pod's container, started again. */
	f->container.id = "other";
	f->process.pid = 7;
	f->last_seen++;
	finding_set_key(f, "0");
	assert_string_equal(f->key, key);
	f->container.image = "docker.io/library/nginx:1.26";
	finding_set_key(f, "0");
	assert_string_not_equal(f->key, key);
	g->process.exe = "/bin/bash";
	finding_set_key(g, "0");
	assert_string_not_equal(g->key, key);
	g->process.exe = "/bin/sh";
	finding_set_key(g, "1");
	assert_string_not_equal(g->key, key);
	g->container.name = NULL;
	finding_set_key(g, "0");
	memcpy(key, g->key, sizeof(key));
	g->container.id = "other";
	finding_set_key(g, "0");
	assert_string_not_equal(g->key, key);
}

static void test_essence(void **state)
{
	cleanup_buf struct buf b = { 0 };

	(void)state;
	finding_put_essence(&b, "kill -9 4711; x2y33");
	assert_string_equal(buf_str(&b), "kill -# #; x#y#");
}

static void test_dedup(void **state)
{
	struct finding_dedup *d = finding_dedup_new(1000, 64, 0);
	cleanup_finding struct finding *f = finding_sample(0), *g = finding_sample(1);
	char id[FINDING_ID + 1];

	(void)state;
	assert_true(finding_dedup_add(d, f));
	memcpy(id, f->id, sizeof(id));
	assert_true(finding_dedup_add(d, g));
	assert_string_not_equal(f->id, g->id);
	f->last_seen += 999;
	assert_false(finding_dedup_add(d, f));
	assert_int_equal(f->first_seen, SAMPLE_TIME);
	assert_string_equal(f->id, id);
	/* The window begins with the first one, so what never ends is told again. */
	f->last_seen += 1;
	assert_true(finding_dedup_add(d, f));
	assert_int_equal(f->first_seen, SAMPLE_TIME + 1000);
	assert_string_not_equal(f->id, id);
	/* A replay can have any time. */
	f->last_seen = UINT64_MAX - 10;
	assert_true(finding_dedup_add(d, f));
	f->last_seen = UINT64_MAX - 9;
	assert_false(finding_dedup_add(d, f));
	finding_dedup_free(d);
}

/* A new run knows the ids of the last one. */
static void test_dedup_known(void **state)
{
	struct finding_dedup *d = finding_dedup_new(1000, 64, 0);
	cleanup_finding struct finding *f = finding_sample(0);

	(void)state;
	f->first_seen = SAMPLE_TIME - 500;
	finding_dedup_known(d, f);
	f->first_seen = SAMPLE_TIME - 900;
	finding_dedup_known(d, f);
	assert_false(finding_dedup_add(d, f));
	assert_int_equal(f->first_seen, SAMPLE_TIME - 500);
	finding_dedup_free(d);
}

/* A finding of a rule, container and program about a file of its own. */
static struct finding *of_group(unsigned container, unsigned file)
{
	struct finding *f = finding_sample(container);
	char name[16];

	snprintf(name, sizeof(name), "file %u", file);
	finding_set_key(f, name);
	return f;
}

/* What differs in files only is told so often, and then once for all others, in each window. */
static void test_dedup_distinct(void **state)
{
	struct finding_dedup *d = finding_dedup_new(1000, 4096, 5);
	char id[FINDING_ID + 1] = "";

	(void)state;
	for (unsigned window = 0; window < 2; window++) {
		for (unsigned i = 0; i < 50; i++) {
			cleanup_finding struct finding *f = of_group(0, i),
						       *other = of_group(1, window),
						       *again = of_group(0, 2);

			f->last_seen += 1000 * window + i;
			again->last_seen = other->last_seen = f->last_seen;
			assert_int_equal(finding_dedup_add(d, f), i < 6);
			assert_int_equal(f->further, i >= 5);
			if (i == 5)
				memcpy(id, f->id, sizeof(id));
			assert_true(i < 5 || !strcmp(f->id, id));
			assert_int_equal(!!strstr(f->output, "only counted, here"), i >= 5);
			assert_int_equal(finding_dedup_add(d, other), i == 0);
			assert_true(i < 2 || !finding_dedup_add(d, again));
			assert_false(other->further || again->further);
		}
	}
	finding_dedup_free(d);
}

/* A rule's own number, smaller and larger than that of all, and none; also behind what was known.
 */
static void test_dedup_distinct_of_rule(void **state)
{
	static const struct {
		unsigned all, own, known, told; /* of 50 */
	} rows[] = { { 5, 2, 0, 2 }, { 5, 9, 0, 9 }, { 5, 0, 0, 50 }, { 0, 3, 0, 3 },
		     { 5, 9, 7, 2 }, { 5, 2, 7, 0 }, { 0, 9, 7, 2 },  { 5, 0, 7, 50 } };

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		struct finding_dedup *d = finding_dedup_new(1000, 4096, rows[r].all);
		unsigned told = 0;

		for (unsigned i = 0; i < rows[r].known; i++) {
			cleanup_finding struct finding *f = of_group(0, 1000 + i);

			f->first_seen = f->last_seen;
			finding_dedup_known(d, f);
		}
		for (unsigned i = 0; i < 50; i++) {
			cleanup_finding struct finding *f = of_group(0, i);

			f->has_distinct = true;
			f->distinct = rows[r].own;
			told += finding_dedup_add(d, f) && !f->further;
		}
		assert_int_equal(told, rows[r].told);
		finding_dedup_free(d);
	}
}

static void test_further_form(void **state)
{
	for (unsigned further = 0; further < 2; further++) {
		cleanup_finding struct finding *f = finding_sample(0), *back = NULL;
		cleanup_buf struct buf b = { 0 };
		struct err e;

		(void)state;
		if (further)
			finding_set_further(f);
		finding_set_id(f);
		finding_write(f, &b);
		assert_int_equal(finding_read(&back, "it", buf_str(&b), b.len, &e), 0);
		assert_int_equal(back->further, further);
		assert_string_equal(back->key, f->key);
	}
}

/* What boltseal did is told each time; and a new run knows what the last one told. */
static void test_dedup_apart(void **state)
{
	struct finding_dedup *d = finding_dedup_new(1000, 4096, 5);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		cleanup_finding struct finding *f = of_group(0, i);

		finding_dedup_known(d, f);
	}
	for (unsigned i = 5; i < 50; i++) {
		cleanup_finding struct finding *f = of_group(0, i), *apart = of_group(0, 1000 + i);

		apart->apart = true;
		assert_true(finding_dedup_add(d, apart));
		assert_int_equal(finding_dedup_add(d, f), i == 5);
		assert_true(f->further);
		assert_false(apart->further);
	}
	finding_dedup_free(d);
}

/* More keys than room: nothing but the memory of old ones is lost. */
static void test_dedup_full(void **state)
{
	struct finding_dedup *d = finding_dedup_new(UINT64_C(1) << 40, 64, 0);
	unsigned new = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		cleanup_finding struct finding *f = finding_sample(i);

		new += finding_dedup_add(d, f);
	}
	assert_int_equal(new, 1000);
	cleanup_finding struct finding *last = finding_sample(999);

	assert_false(finding_dedup_add(d, last));
	finding_dedup_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_falco),
		cmocka_unit_test(test_ocsf),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_severity),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_essence),
		cmocka_unit_test(test_dedup),
		cmocka_unit_test(test_dedup_known),
		cmocka_unit_test(test_dedup_distinct),
		cmocka_unit_test(test_dedup_distinct_of_rule),
		cmocka_unit_test(test_further_form),
		cmocka_unit_test(test_dedup_apart),
		cmocka_unit_test(test_dedup_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
