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

/* So long from now, for pthread_cond_timedwait(3) and the like. */
static inline struct timespec clock_after(clockid_t clock, uint64_t ms)
{
	uint64_t at = clock_ns(clock) + ms * 1000000;

	return (struct timespec){ .tv_sec = (time_t)(at / 1000000000u),
				  .tv_nsec = (long)(at % 1000000000u) };
}

#endif
