/* SPDX-License-Identifier: GPL-2.0-only */
/* See timer.h. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/timer.h"

int timer_add(sd_event *event, sd_event_source **out, int64_t priority, sd_event_time_handler_t fn,
	      void *arg)
{
	int err = sd_event_add_time(event, out, CLOCK_BOOTTIME, 0, 1, fn, arg);

	if (err >= 0)
		err = sd_event_source_set_priority(*out, priority);
	if (err >= 0)
		err = sd_event_source_set_enabled(*out, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

/* To set what is set costs the event loop a search of its timers, at each turn. */
static bool is_set(sd_event_source *s, uint64_t at_us)
{
	uint64_t now_us;

	return sd_event_source_get_enabled(s, NULL) > 0 &&
	       sd_event_source_get_time(s, &now_us) >= 0 && now_us == at_us;
}

void timer_arm(sd_event_source *s, uint64_t at_ns)
{
	/* Rounded up: a timer that fires early finds nothing to do. */
	const uint64_t at_us = at_ns / 1000 + (at_ns % 1000 != 0);
	int err;

	if (!at_ns) {
		err = sd_event_source_set_enabled(s, SD_EVENT_OFF);
	} else if (is_set(s, at_us)) {
		return;
	} else {
		err = sd_event_source_set_time(s, at_us);
		if (err >= 0)
			err = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	}
	if (err < 0)
		log_error("could not set a timer: %s", strerror(-err));
}
