/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the next pulse is due. Pulses are due at whole intervals from the first one, so that a late
 * one does not make the next ones late. Those that a node has missed count, but go out as one.
 * Pure.
 */
#ifndef HOKM_DECIDE_PULSE_CLOCK_H
#define HOKM_DECIDE_PULSE_CLOCK_H

#include <stdint.h>

struct pulse_clock {
	uint64_t due_ns; /* of the next pulse */
	uint64_t each_ns;
};

/* The next pulse is due at once, and then one every each_ns (not 0). */
void pulse_clock_set(struct pulse_clock *c, uint64_t each_ns, uint64_t now_ns);
/* How long until the next pulse; 0: it is due. */
uint64_t pulse_clock_left_ns(const struct pulse_clock *c, uint64_t now_ns);
/* How late a pulse is that is due; 0: none is, or it is in time. */
uint64_t pulse_clock_late_ns(const struct pulse_clock *c, uint64_t now_ns);
/* Another interval (not 0) from the last pulse on. The next one is due at once if that is over. */
void pulse_clock_every(struct pulse_clock *c, uint64_t each_ns, uint64_t now_ns);
/* Takes the pulses that are due. Returns how many. */
uint64_t pulse_clock_take(struct pulse_clock *c, uint64_t now_ns);

#endif
