/* SPDX-License-Identifier: GPL-2.0-only */
/* When the connections of an unresponsive service are terminated; unresponsive.h has the rules. */
#include "decide/unresponsive.h"

bool unresponsive_reason(enum hokm_reason reason)
{
	return reason == HOKM_R_CHECK_TIMEOUT || reason == HOKM_R_CHECK_PONG;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The clients of a service that answers no check get an answer at a peer. */
static bool is_better_elsewhere(const struct unresponsive_input *in)
{
	return in->health == HOKM_SVC_DOWN && in->no_answer && !in->keep && in->peer_up;
}

bool unresponsive_due(const struct unresponsive_input *in)
{
	uint64_t silent_ns = greater(in->waited_ns, UNRESPONSIVE_SILENT_NS);

	if (!is_better_elsewhere(in))
		return false;
	if (!in->active_ns || in->now_ns - in->active_ns < silent_ns)
		return false;
	if (!in->terminated_ns)
		return true;
	return in->players && in->now_ns - in->terminated_ns >= UNRESPONSIVE_AGAIN_NS;
}

bool unresponsive_waiters_due(const struct unresponsive_input *in, uint64_t *before_ns)
{
	uint64_t wait_ns = greater(greater(in->waited_ns, UNRESPONSIVE_SILENT_NS), in->pace_ns);

	if (!is_better_elsewhere(in) || in->now_ns <= wait_ns)
		return false;
	if (in->waiters_ns && in->now_ns - in->waiters_ns < UNRESPONSIVE_AGAIN_NS)
		return false;
	*before_ns = in->now_ns - wait_ns;
	return true;
}
