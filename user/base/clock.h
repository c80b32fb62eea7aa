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

/* Three readings of clocks take less than this when nothing interrupts them. */
#define CLOCK_GAP_NS 10000ULL

/* Returns the nanoseconds since boot, time in suspend included. It cannot fail. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	/*
	 * CLOCK_BOOTTIME with a valid pointer cannot fail on the kernels we support (6.1 or newer).
	 */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec ts;

	/* It cannot fail, for the same reason. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/*
 * Returns by how much the boot clock is ahead of CLOCK_MONOTONIC: the time that the node was
 * suspended. The result may be too small by what passes between two readings, never too great, so a
 * time that is made with it never lies in the future.
 */
static inline uint64_t clock_boot_ahead_ns(void)
{
	uint64_t ahead_ns = 0, gap_ns = UINT64_MAX;

	for (int tries = 0; tries < 5 && gap_ns > CLOCK_GAP_NS; tries++) {
		uint64_t before_ns = clock_monotonic_ns();
		uint64_t boot_ns = clock_now_ns();
		uint64_t after_ns = clock_monotonic_ns();

		if (after_ns - before_ns >= gap_ns)
			continue;
		gap_ns = after_ns - before_ns;
		ahead_ns = boot_ns > after_ns ? boot_ns - after_ns : 0;
	}
	return ahead_ns;
}

#endif
