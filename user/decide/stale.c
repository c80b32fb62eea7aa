/* SPDX-License-Identifier: GPL-2.0-only */
/* Which request of a connection is unanswered, since when, and which one is over; see stale.h. */
#include <arpa/inet.h>
#include <stdbool.h>

#include "decide/stale.h"

/* One FIN was seen: a node that steers never sees the server's. */
#define HALF_CLOSED_NS (60 * 1000000000ULL)

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

/*
 * A local socket had the connection when a packet of the client came, and no packet of the server
 * was seen since: the connection began and ended while the egress program was removed, and then
 * this node did not see its end. If it is alive, its next packet adds it again.
 */
static bool unconfirmed(const struct hokm_conn *c)
{
	return c->target == HOKM_LOCAL && c->flags & HOKM_CONN_ADOPTED && !c->vouched;
}

enum conn_fate conn_fate(const struct hokm_conn *c, uint64_t now_ns, uint64_t idle_limit_ns)
{
	uint64_t idle_ns = since_ns(conn_last_ns(c), now_ns);

	switch (c->tcp_state) {
	case HOKM_TCP_CLOSED:
	case HOKM_TCP_RESET:
		return idle_ns > CONN_CLOSED_NS ? CONN_LEFT : CONN_STAYS;
	case HOKM_TCP_FIN_CLIENT:
	case HOKM_TCP_FIN_SERVER:
		return idle_ns > HALF_CLOSED_NS ? CONN_LEFT : CONN_STAYS;
	default:
		if (unconfirmed(c) && idle_ns > CONN_UNCONFIRMED_NS)
			return CONN_LEFT;
		return idle_ns > idle_limit_ns ? CONN_EXPIRED : CONN_STAYS;
	}
}

bool conn_asked_for(const struct hokm_conn_key *k, const struct hokm_conn *c, uint64_t before_ns,
		    uint64_t began_ns, uint64_t idle_limit_ns)
{
	uint64_t spread_ns = ntohs(k->client_port) * (CONN_ASK_NS / 65536);
	uint64_t idle_ns = since_ns(conn_last_ns(c), began_ns);

	return idle_ns > idle_limit_ns && (idle_ns - idle_limit_ns - 1 + spread_ns) % CONN_ASK_NS <
						  since_ns(before_ns, began_ns);
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
