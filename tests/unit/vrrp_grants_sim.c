/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in the simulated group of vrrp_sim.h: each node is a member, and a majority of them must
 * grant. The rules of members and askers and the decisions are the real ones; what lies between
 * them and the VRRP machine follows user/daemon/quorum.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hokm/grant_count.h"
#include "vrrp_sim.h"

#define LENGTH_NS  (30 * SIM_MS)
#define LONGEST_NS (90 * SIM_MS)

/* Slot of node `of` at node `at`. */
static unsigned int slot_of(unsigned int at, unsigned int of)
{
	return of < at ? of : of - 1;
}

void sim_grants_boot(struct sim *s, unsigned int i)
{
	struct hokm_promise *own = &s->nodes[i].map.own;

	if (!s->majority)
		return;
	s->nodes[i].map.count.majority = (__u16)s->majority;
	own->longest_ns = LONGEST_NS;
	own->silent_until_ns = s->now_ns + hokm_grant_silence_ns(LONGEST_NS);
}

/* ---- the kernel ---- */

uint64_t sim_owner_until_ns(const struct sim_node *n)
{
	return hokm_owner_until_ns(n->lease_until_ns, &n->map);
}

/* The part of the answer that is about grants. */
void sim_grants_answer(struct sim *s, const struct sim_packet *probe, struct sim_packet *out)
{
	unsigned int slot = slot_of(probe->to, probe->from);
	struct hokm_grants *map = &s->nodes[probe->to].map;
	struct hokm_wished *newest = &map->member[slot].wished;
	struct hokm_grant_ask ask = {
		HOKM_GRANT_PEER(slot), probe->wish.wish, probe->wish.epoch, probe->wish.length_ns};
	uint64_t until_ns;

	out->wish = probe->wish;
	out->wish.verdict = hokm_grant_take_wish(
		&map->own, newest, &ask, probe->sent_ns, s->now_ns);
	out->wish.length_ns = ask.length_ns;
	out->wish.greatest = hokm_grant_seen_epoch(&map->own, newest);
	until_ns = hokm_grant_until_ns(map->own.word);
	out->wish.held_ns = s->now_ns < until_ns &&
					    hokm_grant_member(map->own.word) != HOKM_GRANT_NOBODY &&
					    hokm_grant_member(map->own.word) != ask.member
				    ? until_ns - s->now_ns
				    : 0;
}

void sim_grants_take(struct sim *s, const struct sim_packet *p)
{
	unsigned int slot = slot_of(p->to, p->from);
	struct hokm_grants *map = &s->nodes[p->to].map;
	struct hokm_granted *m = &map->member[slot];

	m->answered_ns = s->now_ns;
	m->verdict = (__u8)p->wish.verdict;
	m->seen_epoch = p->wish.greatest;
	m->held_until_ns = p->wish.held_ns ? s->now_ns + p->wish.held_ns : 0;
	/* All have one clock, so no promise to another proves that this one's stood still. */
	if (p->wish.held_ns && hokm_grants_refuted(map, slot, HOKM_PROMISED_OTHER, p->wish.greatest,
						   p->sent_ns, s->now_ns))
		fail_msg("node %u: a proof against a clock that runs", p->to);
	if (p->wish.verdict != HOKM_VERDICT_GRANTED)
		return;
	map->stood.granted_ns[slot] = s->now_ns;
	hokm_grants_note(map, slot, p->wish.epoch,
			 p->sent_ns + hokm_grant_used_ns(p->wish.length_ns));
}

/* ---- the daemon ---- */

static struct grants_conf settings(const struct sim *s, unsigned int i)
{
	const struct sim_node *n = &s->nodes[i];
	struct grants_conf c = {
		.majority = s->majority,
		.slots = (1U << (s->n - 1)) - 1,
		.length_ns = LENGTH_NS,
		.pulse_ns = SIM_PULSE_NS,
		.seed = i * 77,
	};

	/* The priorities fall with the number. */
	for (unsigned int j = 0; j < i; j++)
		c.rank += s->now_ns < n->peers[j].seen_ns + SIM_STALE_NS &&
			  n->v.owner.s_addr != sim_addr(j).s_addr;
	return c;
}

void sim_grants_start(struct sim *s, unsigned int i)
{
	const struct grants_conf c = settings(s, i);

	grants_adopt(&s->nodes[i].g, &c, &s->nodes[i].map, s->now_ns);
}

bool sim_grants_silent(const struct sim *s, unsigned int i, unsigned int j)
{
	return s->majority && s->nodes[i].map.member[slot_of(i, j)].verdict == HOKM_VERDICT_SILENT;
}

void sim_grants_view(const struct sim *s, unsigned int i, struct vrrp_view *v)
{
	const struct hokm_grants *map = &s->nodes[i].map;
	const struct grants_conf c = settings(s, i);
	uint32_t member = hokm_grant_member(map->own.word);
	struct grants_view seen;

	if (!s->majority)
		return;
	grants_look(&c, map, s->now_ns, &seen);
	v->by_grants = true;
	v->lapsed = s->now_ns >= hokm_grants_end_ns(map);
	v->granted = !v->lapsed || grants_may_return(&s->nodes[i].g, &c, map, s->now_ns);
	v->free = seen.free;
	v->barred = !seen.known || s->now_ns < map->own.silent_until_ns;
	v->occupied = member != HOKM_GRANT_NOBODY && member != HOKM_GRANT_SELF &&
		      s->now_ns < hokm_grant_until_ns(map->own.word);
	for (unsigned int slot = 0; slot < s->n - 1; slot++)
		v->occupied |= s->now_ns < map->member[slot].held_until_ns;
}

/* After the machine, or with a pulse. Returns whether a probe is to be sent now. */
bool sim_grants_run(struct sim *s, unsigned int i, bool tick)
{
	struct sim_node *n = &s->nodes[i];
	const struct grants_conf c = settings(s, i);
	const bool owns = n->v.state == HOKM_VRRP_MASTER;
	const struct grants_input in = {
		.owns = owns,
		.wants = owns || n->v.wants != HOKM_R_NONE,
		.named = n->v.wants == HOKM_R_HANDED_OVER || n->v.wants == HOKM_R_PREEMPT,
		.tick = tick,
	};

	if (!s->majority)
		return false;
	grants_step(&n->g, &c, &n->map, &in, s->now_ns, &n->out);
	if (n->out.raise)
		hokm_grants_raise(&n->map, n->out.epoch);
	else
		hokm_grants_set_wish(&n->map, n->out.wish, n->out.epoch);
	if (n->out.self) {
		const struct hokm_grant_ask self = {
			HOKM_GRANT_SELF, n->out.wish, n->out.epoch, n->out.length_ns};

		(void)hokm_grant_carry_out(&n->map.own, &self, s->now_ns);
		hokm_grants_sum(&n->map);
	}
	return n->out.probe;
}
