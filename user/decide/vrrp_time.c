/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The times of VRRP in nanoseconds (RFC 9568 section 6.1; RFC 2338 section 6.1 for version 2). Sums
 * and products saturate, so that no input makes a timer wrap around into the past.
 *
 *   v3  Skew = (256 - priority) * interval / 256     v2  Skew = (256 - priority) / 256 s
 *   Master_Down = 3 * interval + Skew                lease = 3 * interval - interval / 4
 *
 * A peer that answers no pulses counts Master_Down from the newest advert that it heard. It may
 * have missed the one that the lease is bound to:
 *
 *   lease = Master_Down of that peer - interval - interval / 4
 *
 * The quarter is for the time that an advert travels. Interval 1 s, version 2, priority 100: the
 * lease is 3.609 s - 1.25 s = 2.359 s. A lease is renewed every interval, so more than one interval
 * is left for a daemon that is late. For two missed adverts in a row it would be 0.359 s, too
 * little.
 */
#include "decide/vrrp_int.h"

#define NS_PER_S     1000000000ULL
#define STOP_ANSWERS 8 /* answers to priority 0 in an interval */

uint64_t vrrp_add_ns(uint64_t a, uint64_t b)
{
	return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t factor)
{
	return a > UINT64_MAX / factor ? UINT64_MAX : a * factor;
}

uint64_t vrrp_skew_ns(uint8_t version, uint8_t priority, uint64_t adver_ns)
{
	uint64_t base_ns = version == 2 ? NS_PER_S : adver_ns;

	return times(base_ns, 256ULL - priority) / 256;
}

uint64_t vrrp_master_down_ns(uint8_t version, uint8_t priority, uint64_t adver_ns)
{
	return vrrp_add_ns(times(adver_ns, 3), vrrp_skew_ns(version, priority, adver_ns));
}

uint64_t vrrp_lease_ns(uint8_t version, uint8_t mute_priority, uint64_t adver_ns)
{
	uint64_t lease_ns = times(adver_ns, 3) - adver_ns / 4;
	uint64_t mute_ns = vrrp_master_down_ns(version, mute_priority, adver_ns) - adver_ns / 4;

	if (!mute_priority || mute_ns - adver_ns > lease_ns)
		return lease_ns;
	return mute_ns - adver_ns;
}

/*
 * An advert of another node is answered by an advert at most twice in an interval, so that forged
 * ones do not flood the link. A lost answer is made up for by the regular advert.
 */
bool vrrp_may_answer(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (v->answered_ns && s->now_ns < vrrp_add_ns(v->answered_ns, v->conf.adver_ns / 2))
		return false;
	v->answered_ns = s->now_ns;
	return true;
}

/*
 * Priority 0 makes a third node claim the VIP after its skew, if it hears no owner before. So such
 * an advert is always answered: at once, or by bringing the regular advert forward, eight times in
 * an interval at most.
 */
bool vrrp_may_answer_stop(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t at_ns = v->stop_answer_ns
				 ? vrrp_add_ns(v->stop_answer_ns, v->conf.adver_ns / STOP_ANSWERS)
				 : s->now_ns;

	if (s->now_ns < at_ns && at_ns >= v->timer_at_ns)
		return false;
	v->stop_answer_ns = s->now_ns < at_ns ? at_ns : s->now_ns;
	if (s->now_ns >= at_ns)
		return true;
	v->timer_at_ns = at_ns;
	return false;
}

/*
 * An advert of a lesser node. A node that hears our answer yields. One that goes on for Master_Down
 * and VRRP_PATIENCE_NS does not hear it, or its adverts are forged: then true.
 */
bool vrrp_one_way(struct vrrp_step *s)
{
	struct vrrp *v = s->v;
	uint64_t down_ns = vrrp_master_down_ns(v->conf.version, v->conf.priority, v->conf.adver_ns);

	if (!v->lesser_since_ns || s->now_ns >= vrrp_add_ns(v->lesser_ns, down_ns)) {
		v->lesser_since_ns = s->now_ns;
		v->one_way = false;
	}
	v->lesser_ns = s->now_ns;
	if (v->one_way ||
	    s->now_ns < vrrp_add_ns(v->lesser_since_ns, vrrp_add_ns(down_ns, VRRP_PATIENCE_NS)))
		return v->one_way;
	v->one_way = true;
	if (v->one_way_ns && s->now_ns < vrrp_add_ns(v->one_way_ns, VRRP_ONE_WAY_GAP_NS))
		return true;
	v->one_way_ns = s->now_ns;
	vrrp_act(s, VRRP_ACT_ONE_WAY);
	return true;
}

/*
 * The sender of this advert was owner, and this node preempted it. It did not stop for a
 * Master_Down_Interval since: two nodes own, and only this one knows. Adverts that began later may
 * be forged in the name of a node that has given way, so they do not count. With grants the members
 * decide who owns.
 */
bool vrrp_preempted_in_vain(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;
	uint64_t down_ns = vrrp_master_down_ns(v->conf.version, v->conf.priority, v->conf.adver_ns);

	return v->preempted.s_addr && v->preempted.s_addr == s->ev->advert.source.s_addr &&
	       v->lesser_since_ns < vrrp_add_ns(v->since_ns, down_ns) && !s->ev->view.unproven &&
	       !s->ev->view.by_grants;
}
