/* SPDX-License-Identifier: GPL-2.0-only */
/* See announce.h. */
#include "decide/announce.h"

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
	if (!a_ns || !b_ns)
		return a_ns ? a_ns : b_ns;
	return a_ns < b_ns ? a_ns : b_ns;
}

static uint64_t after(uint64_t now_ns, uint64_t ns)
{
	return ns ? now_ns + ns : 0;
}

void announce_burst(struct announce *a, const struct announce_conf *c, uint64_t now_ns)
{
	a->left = c->count;
	a->next_ns = now_ns;
	a->burst_ns = now_ns;
	a->again_ns = after(now_ns, c->delay_ns);
}

void announce_once(struct announce *a, const struct announce_conf *c, uint64_t now_ns)
{
	if (!a->left)
		a->left = 1;
	a->next_ns = now_ns;
	if (!a->again_ns)
		a->again_ns = after(now_ns, c->delay_ns);
}

void announce_end(struct announce *a)
{
	a->left = 0;
	a->next_ns = a->again_ns = 0;
}

bool announce_look(struct announce *a, const struct announce_conf *c,
		   const struct announce_signs *s, uint64_t now_ns)
{
	uint64_t gap_ns = c->delay_ns > ANNOUNCE_GAP_NS ? c->delay_ns : ANNOUNCE_GAP_NS;
	bool joined;

	if (!s->owner || !c->delay_ns || !a->joined_ns) {
		a->joined_ns = s->joined_ns ? s->joined_ns : 1;
		return false;
	}
	joined = s->joined_ns > a->joined_ns;
	if ((!s->misdirected && !joined) || (a->burst_ns && now_ns - a->burst_ns < gap_ns))
		return false;
	announce_burst(a, c, now_ns);
	if (joined)
		a->joined_ns = s->joined_ns;
	else
		a->again_ns = 0; /* the next look is a burst again, if it is needed */
	return true;
}

bool announce_step(struct announce *a, const struct announce_conf *c, uint64_t now_ns)
{
	uint64_t wait_ns;

	if (!a->next_ns || now_ns < a->next_ns)
		return false;
	if (a->again_ns && now_ns >= a->again_ns) {
		a->left = c->count;
		a->burst_ns = now_ns;
		a->again_ns = 0;
	}
	a->left -= a->left > 0;
	wait_ns = a->left ? c->gap_ns : c->refresh_ns;
	a->next_ns = earlier(after(now_ns, wait_ns), a->again_ns);
	return true;
}

bool misdirected_look(struct misdirected *m, bool owner, uint64_t direct, uint64_t now_ns)
{
	if (owner) {
		m->known = false;
		m->until_ns = 0;
		return false;
	}
	if (!m->known) {
		m->known = true;
		m->base = direct;
	}
	if ((int64_t)(direct - m->base) >= MISDIRECTED_PACKETS) {
		m->base = direct;
		m->until_ns = now_ns + MISDIRECTED_NS;
	}
	return now_ns < m->until_ns;
}
