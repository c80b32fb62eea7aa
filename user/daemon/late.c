/* SPDX-License-Identifier: GPL-2.0-only */
/* See late.h. */
#include "base/clock.h"
#include "daemon/late.h"

#define MINUTE_NS (60 * NS_PER_S)

static unsigned int place(uint64_t late_ns)
{
	uint64_t us = late_ns / 1000;
	unsigned int i = us ? 64 - (unsigned int)__builtin_clzll(us) : 0;

	return i < LATE_PLACES ? i : LATE_PLACES - 1;
}

void late_note(struct late *l, uint64_t late_ns, uint64_t now_ns)
{
	l->places[place(late_ns)]++;
	if (now_ns - l->window_ns >= MINUTE_NS) {
		l->before_ns = now_ns - l->window_ns < 2 * MINUTE_NS ? l->minute_ns : 0;
		l->minute_ns = 0;
		l->window_ns = now_ns;
	}
	if (late_ns > l->minute_ns)
		l->minute_ns = late_ns;
	if (late_ns > l->worst_ns)
		l->worst_ns = late_ns;
}

uint64_t late_recent_ns(const struct late *l, uint64_t now_ns)
{
	if (now_ns - l->window_ns >= 2 * MINUTE_NS)
		return 0;
	return l->minute_ns > l->before_ns ? l->minute_ns : l->before_ns;
}

const char *late_name(enum late_kind kind)
{
	static const char *const names[LATE_KINDS] = {
		[LATE_VRRP] = "vrrp",   [LATE_PULSE] = "pulse",       [LATE_GARP] = "garp",
		[LATE_CHECK] = "check", [LATE_TAKEOVER] = "takeover", [LATE_SESSIONS] = "sessions",
		[LATE_TURN] = "turn",
	};

	return names[kind];
}
