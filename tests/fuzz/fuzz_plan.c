/*
 * A plan of what to watch, as the process without rights hands it to the one that is root: what is
 * taken is handed on as a plan that gives the same again.
 */
#include "base/cleanup.h"
#include "fuzz.h"
#include "sensor/watch_share.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf one = { 0 }, two = { 0 };
	struct watch *w = NULL, *again = NULL;
	struct err e;

	if (watch_plan_take(&w, data, size, true, &e))
		return 0;
	watch_plan_put(w, &one);
	watch_free(w);
	if (watch_plan_take(&again, one.p, one.len, true, &e))
		abort();
	watch_plan_put(again, &two);
	watch_free(again);
	if (one.len != two.len || memcmp(one.p, two.p, one.len))
		abort();
	return 0;
}
