/* SPDX-License-Identifier: GPL-2.0-only */
/* See quiet.h. */
#include <string.h>

#include "decide/quiet.h"

/* A backup that follows an owner by grants always wants them: each tick asks if it may claim. */
static bool wants_as_ever(const struct vrrp *v)
{
	if (v->state == HOKM_VRRP_BACKUP && v->wants == HOKM_R_GRANTED)
		return v->was_occupied && v->owner_priority;
	return v->wants == HOKM_R_NONE;
}

bool quiet_vrrp(const struct vrrp *v)
{
	if (!wants_as_ever(v) || v->sending != VRRP_SENDING_NONE)
		return false;
	if (v->state == HOKM_VRRP_MASTER)
		return !v->send_failed && !v->rival && !v->yield_at_ns && !v->correct_at_ns;
	return v->state == HOKM_VRRP_BACKUP && v->owner.s_addr && !v->claiming && !v->released_ns &&
	       !v->preempt_at_ns && !v->announced_ns && !v->undecided_ns;
}

bool quiet_grants(const struct grants *g)
{
	return g->phase == GRANTS_IDLE || (g->phase == GRANTS_OWNING && !g->lapsed_ns);
}

void quiet_disturb(struct quiet *q)
{
	q->calm = false;
}

void quiet_settled(struct quiet *q, bool calm, uint64_t next_ns, uint64_t now_ns)
{
	q->calm = calm;
	q->due_ns = now_ns + QUIET_NS;
	if (next_ns && next_ns < q->due_ns)
		q->due_ns = next_ns;
}

bool quiet_may(const struct quiet *q, uint64_t now_ns)
{
	return q->calm && now_ns < q->due_ns;
}

void quiet_sampled(struct quiet *q, uint64_t next_ns)
{
	q->sample_ns = next_ns;
}

bool quiet_samples(const struct quiet *q, uint64_t now_ns)
{
	return q->sample_ns && now_ns >= q->sample_ns;
}

static bool same_peer(const struct quiet_peer *a, const struct quiet_peer *b)
{
	const struct peer_sight *x = &a->sight, *y = &b->sight;

	if (!a->used || !b->used)
		return a->used == b->used;
	return x->by == y->by && x->fresh == y->fresh && x->players_dead == y->players_dead &&
	       x->secrets_differ == y->secrets_differ && a->path_dead == b->path_dead &&
	       a->on_segment == b->on_segment && a->deaf == b->deaf && a->holds == b->holds &&
	       a->epoch == b->epoch && a->since_ns == b->since_ns &&
	       !memcmp(a->says, b->says, sizeof(a->says));
}

static bool same(const struct quiet_seen *a, const struct quiet_seen *b)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (!same_peer(&a->peers[slot], &b->peers[slot]))
			return false;
	return a->granted == b->granted && a->free == b->free && a->occupied == b->occupied &&
	       a->absent_holds == b->absent_holds && a->lapsed == b->lapsed &&
	       a->barred == b->barred && a->pulses == b->pulses &&
	       a->gateway_peer == b->gateway_peer && a->replica_complete == b->replica_complete;
}

bool quiet_is(const struct quiet *q, const struct quiet_seen *now)
{
	return same(&q->seen, now);
}
