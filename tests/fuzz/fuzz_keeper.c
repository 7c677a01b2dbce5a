/* The response policy as the process without rights hands it to the one that is root. */
#include "base/cleanup.h"
#include "fuzz.h"
#include "respond/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct respond_policy p, q;
	cleanup_buf struct buf first = { 0 }, second = { 0 };

	respond_policy_init(&p);
	respond_policy_init(&q);
	if (respond_policy_take(&p, data, size, NULL) == 0) {
		respond_policy_put(&p, &first);
		if (respond_policy_take(&q, first.p, first.len, NULL) < 0)
			abort();
		respond_policy_put(&q, &second);
		if (first.len != second.len)
			abort();
	}
	respond_policy_free(&p);
	respond_policy_free(&q);
	return 0;
}
