/* SPDX-License-Identifier: GPL-2.0-only */
/* When players of a hung service are ended. */
#include "decide/ending.h"

bool ending_is_hung(enum hokm_reason reason)
{
	return reason == HOKM_R_CHECK_TIMEOUT || reason == HOKM_R_CHECK_PONG;
}

bool ending_due(const struct ending_input *in)
{
	uint64_t silent_ns = in->waited_ns > ENDING_SILENT_NS ? in->waited_ns : ENDING_SILENT_NS;

	if (in->health != HOKM_SVC_DOWN || !in->hung || in->keep || !in->peer_up)
		return false;
	if (!in->said_ns || in->now_ns - in->said_ns < silent_ns)
		return false;
	if (!in->ended_ns)
		return true;
	return in->players && in->now_ns - in->ended_ns >= ENDING_AGAIN_NS;
}
