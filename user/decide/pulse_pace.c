/* SPDX-License-Identifier: GPL-2.0-only */
/* See pulse_pace.h. */
#include "decide/pulse_pace.h"

/* Later than the answer to the last probe is late, and sooner than that to the one before is. */
static uint64_t heard_within_ns(const struct pulse_pace_conf *c)
{
	uint64_t late_ns = c->pulse_ns * 5 / 2;

	return c->calm_ns + (late_ns < c->calm_ns / 2 ? late_ns : c->calm_ns / 2);
}

static bool is_calm(const struct pulse_pace_conf *c, const struct pulse_pace_seen *seen,
		    uint64_t now_ns)
{
	return seen->steady && !seen->replicates && seen->heard_ns &&
	       seen->heard_ns + heard_within_ns(c) > now_ns;
}

uint64_t pulse_pace_step(struct pulse_pace *p, const struct pulse_pace_conf *c,
			 const struct pulse_pace_seen *seen, uint64_t now_ns)
{
	if (!is_calm(c, seen, now_ns))
		pulse_pace_disturb(p);
	else if (!p->calm_since_ns)
		p->calm_since_ns = now_ns;
	return p->calm_since_ns && now_ns >= p->calm_since_ns + PULSE_PACE_NS
		       ? c->calm_ns
		       : c->pulse_ns;
}

void pulse_pace_disturb(struct pulse_pace *p)
{
	p->calm_since_ns = 0;
}
