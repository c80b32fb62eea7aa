/* SPDX-License-Identifier: GPL-2.0-only */
/* See ghost.h. */
#include "decide/ghost.h"
#include "hokm/abi.h"

bool ghost_is(const struct hokm_conn *c, uint32_t isn, uint64_t ended_ns, uint64_t awake_ns)
{
	uint64_t since_ns = awake_ns > ended_ns ? awake_ns : ended_ns;

	return c->target == HOKM_LOCAL && c->isn == isn &&
	       c->c2s.last_ns <= since_ns + GHOST_ALIVE_NS;
}

bool ghost_replaced(const struct hokm_conn *c, uint32_t isn, uint64_t since_ns)
{
	return c->target == HOKM_LOCAL && c->tcp_state == HOKM_TCP_ESTABLISHED && c->isn != isn &&
	       c->created_ns + GHOST_APART_NS < since_ns &&
	       c->c2s.last_ns <= since_ns + GHOST_ALIVE_NS;
}
