/* Random numbers that are the same in every run (xorshift64). */
#ifndef TESTS_RANDOM_BELOW_H
#define TESTS_RANDOM_BELOW_H

#include <stdint.h>

static uint64_t random_seed = 88172645463325252u;

static inline uint32_t random_below(uint32_t n)
{
	random_seed ^= random_seed << 13;
	random_seed ^= random_seed >> 7;
	random_seed ^= random_seed << 17;
	return (uint32_t)((random_seed >> 16) % n);
}

#endif
