/* SPDX-License-Identifier: GPL-2.0-only */
/* See parting.h. */
#include "decide/parting.h"

static enum parting_do advert(struct parting *p, uint64_t now_ns)
{
	if (p->left == PARTING_ADVERTS)
		p->first_ns = now_ns;
	p->last_ns = now_ns;
	p->left--;
	return PARTING_ADVERT;
}

static bool lasts(uint64_t lease_until_ns, uint64_t lease_ns, uint64_t now_ns)
{
	uint64_t needed_ns = lease_ns / 2 < PARTING_LEFT_NS ? lease_ns / 2 : PARTING_LEFT_NS;

	return lease_until_ns > now_ns && lease_until_ns - now_ns >= needed_ns;
}

enum parting_do parting_step(struct parting *p, bool owner, uint64_t lease_until_ns,
			     uint64_t lease_ns, uint64_t now_ns)
{
	if (!owner)
		return PARTING_GO;
	if (p->left == PARTING_ADVERTS)
		return advert(p, now_ns);
	if (p->left && now_ns - p->first_ns <= PARTING_NS)
		return now_ns - p->last_ns >= PARTING_GAP_NS ? advert(p, now_ns) : PARTING_WAIT;
	if (lasts(lease_until_ns, lease_ns, now_ns))
		return PARTING_GO;
	if (++p->rounds == PARTING_ROUNDS)
		return PARTING_STAY;
	p->left = PARTING_ADVERTS;
	return advert(p, now_ns);
}
