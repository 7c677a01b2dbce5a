/* Any text, read as Landlock rules: what is accepted is written as a text that reads the same. */
#include "base/cleanup.h"
#include "confine/landlock.h"
#include "fuzz.h"

static char *text_of(const struct landlock_plan *p)
{
	cleanup_json struct json_object *o = landlock_plan_json(p);

	return json_text(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json_doc struct json_doc d = { 0 }, again = { 0 };
	cleanup_landlock_plan struct landlock_plan p = { 0 }, q = { 0 };
	cleanup_free char *first = NULL, *second = NULL;
	struct err e = { 0 };

	if (json_parse(&d, "fuzz", (const char *)data, size, &e) < 0 ||
	    landlock_plan_read(&p, &d, size % 8, &e) < 0)
		return 0;
	first = text_of(&p);
	if (json_parse(&again, "again", first, strlen(first), &e) < 0 ||
	    landlock_plan_read(&q, &again, p.abi, &e) < 0)
		abort();
	second = text_of(&q);
	if (strcmp(first, second))
		abort();
	return 0;
}
