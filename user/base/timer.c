/* SPDX-License-Identifier: GPL-2.0-only */
/* See timer.h. */
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

void timer_arm(sd_event_source *s, uint64_t at_ns)
{
	int err;

	if (!at_ns) {
		err = sd_event_source_set_enabled(s, SD_EVENT_OFF);
	} else {
		/* Rounded up: a timer that fires early finds nothing to do. */
		err = sd_event_source_set_time(s, (at_ns + 999) / 1000);
		if (err >= 0)
			err = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	}
	if (err < 0)
		log_error("could not set a timer: %s", strerror(-err));
}
