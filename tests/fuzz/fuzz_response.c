/* Response policies: any text is read or refused, and matching what was read ends. */
#include <stddef.h>

#include "fuzz.h"
#include "respond/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { "container", "T1059" };
	struct respond_subject s = { .container_name = "web",
				     .image = "nginx:1",
				     .rule = "A rule",
				     .tags = tags,
				     .tags_n = 2 };
	struct respond_policy p;
	struct err e = { 0 };

	respond_policy_init(&p);
	if (respond_policy_parse(&p, "policy", (const char *)data, size, &e) == 0)
		respond_policy_actions(&p, &s);
	respond_policy_free(&p);
	return 0;
}
