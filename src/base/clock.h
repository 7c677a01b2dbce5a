/* The time of one of the kernel's clocks as one number; CLOCK_MONOTONIC, CLOCK_BOOTTIME, ... */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_us(clockid_t clock)
{
	return clock_ns(clock) / 1000;
}

static inline uint64_t clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

/* For differences with times that may lie ahead. */
static inline int64_t clock_s(clockid_t clock)
{
	return (int64_t)(clock_ns(clock) / 1000000000u);
}

#endif
