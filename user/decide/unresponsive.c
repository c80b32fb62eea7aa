/* SPDX-License-Identifier: GPL-2.0-only */
/* When the connections of an unresponsive service are terminated; unresponsive.h has the rules. */
#include "decide/unresponsive.h"

bool unresponsive_reason(enum hokm_reason reason)
{
	return reason == HOKM_R_CHECK_TIMEOUT || reason == HOKM_R_CHECK_PONG;
}

bool unresponsive_due(const struct unresponsive_input *in)
{
	uint64_t silent_ns = in->waited_ns > UNRESPONSIVE_SILENT_NS ? in->waited_ns
								    : UNRESPONSIVE_SILENT_NS;

	if (in->health != HOKM_SVC_DOWN || !in->no_answer || in->keep || !in->peer_up)
		return false;
	if (!in->active_ns || in->now_ns - in->active_ns < silent_ns)
		return false;
	if (!in->terminated_ns)
		return true;
	return in->players && in->now_ns - in->terminated_ns >= UNRESPONSIVE_AGAIN_NS;
}
