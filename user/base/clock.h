/* SPDX-License-Identifier: GPL-2.0-only */
/* The one clock: CLOCK_BOOTTIME in nanoseconds, the same that the BPF programs read. */
#ifndef HOKM_CLOCK_H
#define HOKM_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	/* CLOCK_BOOTTIME with a valid pointer cannot fail on a kernel we run on (6.1 and newer). */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

#endif
