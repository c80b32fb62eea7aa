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

	if (vrrp_lapsed(s))
		return false;
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

static uint64_t down_ns(const struct vrrp *v)
{
	return vrrp_master_down_ns(v->conf.version, v->conf.priority, v->conf.adver_ns);
}

uint64_t vrrp_patience_ns(const struct vrrp *v)
{
	uint64_t ns = vrrp_master_down_ns(v->conf.version, v->conf.priority, v->owner_adver_ns);

	/* Another backup, which does not know this node either, is to be the first. */
	return v->unmoved ? vrrp_add_ns(ns, ns) : ns;
}

/*
 * An advert of a lesser node. A node that hears our answer yields. One that goes on for Master_Down
 * and VRRP_PATIENCE_NS does not hear it, or its adverts are forged.
 */
void vrrp_note_lesser(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (!v->lesser_since_ns || s->now_ns >= vrrp_add_ns(v->lesser_ns, down_ns(v))) {
		v->lesser_since_ns = s->now_ns;
		v->one_way = false;
	}
	v->lesser_ns = s->now_ns;
	if (v->one_way ||
	    s->now_ns < vrrp_add_ns(v->lesser_since_ns, vrrp_add_ns(down_ns(v), VRRP_PATIENCE_NS)))
		return;
	v->one_way = true;
	if (v->one_way_ns && s->now_ns < vrrp_add_ns(v->one_way_ns, VRRP_ONE_WAY_GAP_NS))
		return;
	v->one_way_ns = s->now_ns;
	vrrp_act(s, VRRP_ACT_ONE_WAY);
}

void vrrp_watch_heedless(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	v->heedless.s_addr = v->take_reason == HOKM_R_PREEMPT ? v->owner.s_addr : 0;
	v->heedless_since_ns = 0;
	v->heedless_ns = s->now_ns;
	if (s->ev->view.owner_pulses)
		v->unmoved = false;
}

/*
 * May a node that was not known as owner be one? This node may have preempted it before it was
 * started again, and it may have been in vain before.
 */
static bool may_be_heedless(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;

	return v->unmoved || (v->take_reason == HOKM_R_ADOPTED &&
			      s->now_ns < vrrp_add_ns(v->since_ns, down_ns(v)));
}

/*
 * The sender of this advert was owner, and this node preempted it. It has not stopped for a
 * Master_Down_Interval since: two nodes own, and only this one knows. Adverts that began later may
 * be forged in the name of a node that has given way, so they do not count, unless this node has
 * been in vain before. With grants the members decide who owns.
 */
bool vrrp_owns_in_vain(struct vrrp_step *s)
{
	const struct in_addr from = s->ev->advert.source;
	struct vrrp *v = s->v;

	if (s->ev->view.unproven || s->ev->view.by_grants)
		return false;
	if (s->now_ns >= vrrp_add_ns(v->heedless_ns, down_ns(v)))
		v->heedless.s_addr = 0;
	if (!v->heedless.s_addr && may_be_heedless(s)) {
		v->heedless = from;
		v->heedless_since_ns = 0;
	}
	if (v->heedless.s_addr != from.s_addr)
		return false;
	if (!v->heedless_since_ns)
		v->heedless_since_ns = s->now_ns;
	v->heedless_ns = s->now_ns;
	return s->now_ns >=
	       vrrp_add_ns(v->heedless_since_ns, vrrp_add_ns(down_ns(v), VRRP_PATIENCE_NS));
}

/* A wait that ended so long ago was another partition's. */
static bool wait_is_over(const struct vrrp_step *s)
{
	const struct vrrp *v = s->v;

	return v->yield_at_ns && s->now_ns >= vrrp_add_ns(v->yield_at_ns, down_ns(v));
}

/* May this node yield to a better owner now? One that is deaf gets time to hear it. */
bool vrrp_may_yield(struct vrrp_step *s)
{
	struct vrrp *v = s->v;

	if (!s->ev->view.rival_deaf)
		return true;
	if (!v->yield_at_ns || wait_is_over(s))
		v->yield_at_ns = vrrp_add_ns(s->now_ns, VRRP_PATIENCE_NS);
	return s->now_ns >= v->yield_at_ns;
}

/* Nobody has wanted the lease since: the node is calm again (quiet.h). */
void vrrp_forget_wait(struct vrrp_step *s)
{
	if (wait_is_over(s))
		s->v->yield_at_ns = 0;
}
