/* SPDX-License-Identifier: GPL-2.0-only */
/* Which entries match a query, and by what they are sorted. Pure; see conns.h. */
#include <arpa/inet.h>
#include <string.h>

#include "serve/conns.h"
#include "decide/stale.h"

static bool not_synchronized(const struct hokm_flow *h)
{
	return h->ws.state == HOKM_FOLLOW_LOST || h->ws.state == HOKM_FOLLOW_TRIAL;
}

bool conns_lost(const struct hokm_conn *c)
{
	/* A node that only steers a connection does not track its frames. */
	return c->target == HOKM_LOCAL && (not_synchronized(&c->c2s) || not_synchronized(&c->s2c));
}

static bool has_bit(uint32_t set, unsigned int bit)
{
	return bit < 32 && set >> bit & 1;
}

static bool match_state(const struct conns_query *q, const struct hokm_conn *c)
{
	return q->any_state || has_bit(q->tcp_states, c->tcp_state) ||
	       has_bit(q->ws_phases, c->ws) || (q->lost && conns_lost(c));
}

static bool match_client(const struct conns_query *q, const struct hokm_conn_key *k)
{
	unsigned int left = q->prefix;

	if (q->any_client)
		return true;
	if (q->port && q->port != k->client_port)
		return false;
	for (int i = 0; i < 4 && left; i++) {
		/* The first 1 to 31 bits, or all 32. */
		uint32_t mask = left < 32 ? htonl(~(~(uint32_t)0 >> left)) : ~(uint32_t)0;

		if ((k->client.w[i] ^ q->client.w[i]) & mask)
			return false;
		left -= left < 32 ? left : 32;
	}
	return true;
}

bool conns_match(const struct conns_query *q, const struct hokm_conn_key *k,
		 const struct hokm_conn *c)
{
	enum hokm_reason why;

	if (!q->any_service && !has_bit(q->services, k->service))
		return false;
	if (q->target >= 0 && c->target != q->target)
		return false;
	if (!match_state(q, c) || !match_client(q, k))
		return false;
	return !q->stale_ns || stale_ns(c, q->now_ns, &why) >= q->stale_ns;
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* The value plus one: 0 stands for none. */
static uint64_t some(uint64_t value)
{
	return value < UINT64_MAX ? value + 1 : value;
}

static uint64_t value_of(const struct conns_query *q, const struct hokm_conn *c)
{
	enum hokm_reason why;

	switch (q->sort) {
	case CONNS_BY_RTT:
		return c->rtt_c2s_us;
	case CONNS_BY_RTT_CLIENT:
		return c->rtt_s2c_us;
	case CONNS_BY_AGE:
		return some(since(c->created_ns, q->now_ns));
	case CONNS_BY_IDLE:
		return some(since(conn_last_ns(c), q->now_ns));
	case CONNS_BY_BYTES:
		return some(c->c2s.bytes + c->s2c.bytes);
	case CONNS_BY_FRAMES:
		return some((uint64_t)c->c2s.frames + c->s2c.frames);
	case CONNS_BY_STALE:
		return stale_ns(c, q->now_ns, &why);
	case CONNS_BY_UPGRADE:
		return c->upgrade_us;
	default:
		return 0;
	}
}

uint64_t conns_rank(const struct conns_query *q, const struct hokm_conn *c)
{
	uint64_t value = value_of(q, c);

	if (!value || q->descending)
		return value;
	return ~value ? ~value : 1;
}
