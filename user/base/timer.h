/* SPDX-License-Identifier: GPL-2.0-only */
/* One-shot timers of the event loop, by the clock of base/clock.h. */
#ifndef HOKM_BASE_TIMER_H
#define HOKM_BASE_TIMER_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* Adds a timer that is off until timer_arm() sets it. 0 or -errno. */
int timer_add(sd_event *event, sd_event_source **out, int64_t priority, sd_event_time_handler_t fn,
	      void *arg);
/* Sets the moment at which the timer fires once; 0 turns it off. A failure is logged. */
void timer_arm(sd_event_source *s, uint64_t at_ns);

#endif
