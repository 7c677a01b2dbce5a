/*
 * The bytes choose a profile and calls: its filter must be proven right, and agree with the plain
 * meaning on the calls.
 */
#include "../unit/random_profile.h"
#include "fuzz.h"

enum { CALLS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source s = { .p = data, .n = size };
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct err e = { 0 };
	int r;

	random_profile(&p, &s, 12, false);
	r = sp_compile(&p, &f, &e);
	if (r == -E2BIG)
		return 0;
	if (r < 0 || sp_prove(&p, &f, &e) < 0)
		abort();
	for (int i = 0; i < CALLS; i++) {
		struct seccomp_data sd;
		uint32_t word;

		random_call(&s, &p, &sd);
		if (sp_simulate(&f, &sd, &word, &e) < 0 || word != sp_ret_word(meaning(&p, &sd)))
			abort();
	}
	return 0;
}
