/* SPDX-License-Identifier: GPL-2.0-only */
/* See pulse_clock.h. */
#include "decide/pulse_clock.h"

void pulse_clock_set(struct pulse_clock *c, uint64_t each_ns, uint64_t now_ns)
{
	c->due_ns = now_ns;
	c->each_ns = each_ns;
}

uint64_t pulse_clock_left_ns(const struct pulse_clock *c, uint64_t now_ns)
{
	return c->due_ns > now_ns ? c->due_ns - now_ns : 0;
}

uint64_t pulse_clock_late_ns(const struct pulse_clock *c, uint64_t now_ns)
{
	return now_ns > c->due_ns ? now_ns - c->due_ns : 0;
}

void pulse_clock_every(struct pulse_clock *c, uint64_t each_ns, uint64_t now_ns)
{
	uint64_t due_ns = c->due_ns - c->each_ns + each_ns;

	if (each_ns == c->each_ns)
		return;
	c->each_ns = each_ns;
	/* One that is due by the old interval too stays as late as it is. */
	if (c->due_ns > now_ns)
		c->due_ns = due_ns > now_ns ? due_ns : now_ns;
}

uint64_t pulse_clock_take(struct pulse_clock *c, uint64_t now_ns)
{
	uint64_t ticks;

	if (now_ns < c->due_ns)
		return 0;
	ticks = (now_ns - c->due_ns) / c->each_ns + 1;
	c->due_ns += ticks * c->each_ns;
	return ticks;
}
