/* Rules files from any bytes: what compiles is explained and evaluated. */
#include "fuzz.h"
#include "rules/rules.h"
#include "support/event_memory.h"

static void evaluate(struct rules *r)
{
	struct rules_engine *g = rules_engine_new(
		r, &(struct rules_engine_options){ .match_all = true, .keys_max = 16 });
	cleanup_ev_memory struct ev_memory m = { 0 };
	const uint32_t *fired;
	struct err e;

	if (ev_memory_init(&m, "open", NULL, &e) || ev_memory_add(&m, "fd.name", "/a", &e))
		abort();
	for (int i = 0; i < 4; i++) {
		size_t n;

		m.ev.time += 1000000000;
		n = rules_engine_event(g, &m.ev, &fired);
		for (size_t k = 0; k < n; k++) {
			cleanup_buf struct buf out = { 0 };

			rules_engine_text(g, fired[k], &out);
			rules_engine_fields(g, fired[k], &out);
		}
	}
	rules_engine_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	int failed = rules_load_text(r, "input", (const char *)data, size);

	if (!failed)
		failed = rules_compile(r);
	for (size_t i = 0; !failed && i < rules_count(r) && i < 4; i++) {
		cleanup_buf struct buf out = { 0 };

		rules_explain(r, i, &out);
	}
	if (!failed)
		evaluate(r);
	rules_free(r);
	return 0;
}
