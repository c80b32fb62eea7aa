/* SPDX-License-Identifier: GPL-2.0-only */
/* See senders.h. */
#include "decide/senders.h"

#define MINUTE_NS 60000000000ULL

static bool known(const struct senders *s, struct in_addr addr, uint32_t fault)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].addr.s_addr == addr.s_addr && s->list[i].fault == fault)
			return true;
	return false;
}

/* Is there room for one more report in this minute? */
static bool room(struct senders *s, uint64_t now_ns)
{
	if (!s->minute_ns || now_ns - s->minute_ns >= MINUTE_NS) {
		s->minute_ns = now_ns;
		s->reported = 0;
	}
	return s->reported < SENDERS_BURST;
}

bool senders_report(struct senders *s, struct in_addr addr, uint32_t fault, uint64_t now_ns)
{
	unsigned int at = s->n;

	if (known(s, addr, fault) || !room(s, now_ns))
		return false;
	if (s->n < SENDERS_KEPT) {
		s->n++;
	} else {
		at = s->oldest;
		s->oldest = (s->oldest + 1) % SENDERS_KEPT;
	}
	s->list[at].addr = addr;
	s->list[at].fault = fault;
	s->reported++;
	return true;
}
