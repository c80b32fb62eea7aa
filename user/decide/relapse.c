/* SPDX-License-Identifier: GPL-2.0-only */
/* See relapse.h. */
#include "decide/relapse.h"

#define DOUBLINGS_MAX 6 /* 63 waits are more than RELAPSE_MOST */

static uint64_t one_wait_ns(const struct relapse_view *v)
{
	return v->preempt_delay_ns > RELAPSE_LEAST_NS ? v->preempt_delay_ns : RELAPSE_LEAST_NS;
}

/* How often the wait is doubled. */
static unsigned int doublings(const struct relapse *r)
{
	return r->n < DOUBLINGS_MAX ? r->n : DOUBLINGS_MAX;
}

static uint64_t wait_ns(const struct relapse *r, const struct relapse_view *v)
{
	uint64_t waits = (1ULL << doublings(r)) - 1, ns;

	ns = (waits < RELAPSE_MOST ? waits : RELAPSE_MOST) * one_wait_ns(v);
	return ns < RELAPSE_LONGEST ? ns : RELAPSE_LONGEST;
}

/* The services were UP for longer than a row lasts. */
static bool was_calm(const struct relapse *r, const struct relapse_view *v, uint64_t now_ns)
{
	uint64_t calm_ns = (RELAPSE_CALM * one_wait_ns(v)) << doublings(r);

	return now_ns - r->up_ns >= calm_ns;
}

static void end_row(struct relapse *r)
{
	r->failed = false;
	r->n = 0;
}

static void note_failure(struct relapse *r)
{
	if (r->failed)
		r->n++;
	r->failed = true;
}

bool relapse_step(struct relapse *r, const struct relapse_view *v, uint64_t now_ns)
{
	if (v->down) {
		if (r->up_ns && was_calm(r, v, now_ns))
			end_row(r);
		if (r->up_ns && !v->held)
			note_failure(r);
		r->up_ns = 0;
		return false;
	}
	if (!v->up || r->up_ns)
		return false;
	r->up_ns = now_ns;
	r->until_ns = now_ns + wait_ns(r, v);
	return r->until_ns > now_ns;
}

bool relapse_waits(const struct relapse *r, uint64_t now_ns)
{
	return now_ns < r->until_ns;
}

void relapse_forget(struct relapse *r)
{
	end_row(r);
	r->until_ns = 0;
}
