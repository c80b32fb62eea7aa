/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time in the daemon: every moment and every duration is a uint64_t of nanoseconds, and every
 * moment is read from CLOCK_BOOTTIME. The BPF programs read the same clock, so a moment in a map
 * entry and a moment of the daemon can be compared. Any thread may read it.
 */
#ifndef HOKM_CLOCK_H
#define HOKM_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/* Returns the nanoseconds since boot, time in suspend included. It cannot fail. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	/* CLOCK_BOOTTIME with a valid pointer cannot fail on the kernels we support (6.1 or newer).
	 */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

#endif
