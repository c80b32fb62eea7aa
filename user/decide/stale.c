/* SPDX-License-Identifier: GPL-2.0-only */
/* Which request of a connection is unanswered, and since when; see stale.h. */
#include "decide/stale.h"

static uint64_t since_ns(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/*
 * Since when the client's newest data waits for its acknowledgement. Only the time of the newest
 * data is known; older data has waited longer. A packet from the server restarts the time: it
 * shows that the server is alive.
 */
static uint64_t unacknowledged_ns(const struct hokm_conn *c, uint64_t now_ns)
{
	uint64_t last_ns = c->c2s.last_data_ns;

	if (!c->s2c.packets || !last_ns || (int32_t)(c->c2s.seq_next - c->s2c.ack) <= 0)
		return 0;
	if (c->s2c.last_ns > last_ns)
		last_ns = c->s2c.last_ns;
	return since_ns(last_ns, now_ns);
}

static void take(uint64_t ns, enum hokm_reason reason, uint64_t *longest, enum hokm_reason *why)
{
	if (ns <= *longest)
		return;
	*longest = ns;
	*why = reason;
}

uint64_t conn_last_ns(const struct hokm_conn *c)
{
	uint64_t last_ns = c->created_ns;

	if (c->c2s.last_ns > last_ns)
		last_ns = c->c2s.last_ns;
	if (c->s2c.last_ns > last_ns)
		last_ns = c->s2c.last_ns;
	return last_ns;
}

uint64_t stale_ns(const struct hokm_conn *c, uint64_t now_ns, enum hokm_reason *why)
{
	uint64_t longest = 0;

	*why = HOKM_R_NONE;
	if (c->target != HOKM_LOCAL || c->tcp_state != HOKM_TCP_ESTABLISHED)
		return 0;
	if (c->upgrade_ns)
		take(since_ns(c->upgrade_ns, now_ns), HOKM_R_STALE_UPGRADE, &longest, why);
	if (c->ping_c2s_ns)
		take(since_ns(c->ping_c2s_ns, now_ns), HOKM_R_STALE_PING, &longest, why);
	take(unacknowledged_ns(c, now_ns), HOKM_R_STALE_DATA, &longest, why);
	return longest;
}
