/* SPDX-License-Identifier: GPL-2.0-only */
/* The simulated group of vrrp_sim.h. The daemon's part follows user/daemon/loop.c and act.c. */
#include <arpa/inet.h>
#include <string.h>

#include "vrrp_sim.h"

#define PEER_DEAD_NS (100 * SIM_MS)
#define STALE_NS     (200 * SIM_MS)

static const uint8_t priorities[SIM_NODES] = {150, 128, 100};

struct in_addr sim_addr(unsigned int i)
{
	struct in_addr a = {.s_addr = htonl(0x0a000001U + i)};

	return a;
}

/* xorshift64*: the same runs on every machine. */
uint64_t sim_random(struct sim *s, uint64_t below)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (s->random * 0x2545f4914f6cdd1dULL >> 16) % below;
}

bool sim_owns(const struct sim *s, unsigned int i)
{
	return !s->nodes[i].dead && s->now_ns < sim_owner_until_ns(&s->nodes[i]);
}

unsigned int sim_owners(const struct sim *s)
{
	unsigned int owners = 0;

	for (unsigned int i = 0; i < s->n; i++)
		owners += sim_owns(s, i);
	return owners;
}

/* ---- network ---- */

static bool lost(struct sim *s, enum sim_kind kind, unsigned int from, unsigned int to)
{
	unsigned int asker = kind == SIM_PROBE ? from : to;
	unsigned int asked = kind == SIM_PROBE ? to : from;

	if (kind == SIM_ADVERT)
		return s->cut_adverts[from][to] || sim_random(s, 100) < s->advert_loss;
	if (!s->pulses || s->cut_pulses[from][to])
		return true;
	return sim_random(s, 100) < s->pulse_loss &&
	       s->now_ns < s->nodes[asker].peers[asked].seen_ns + SIM_PULSE_NS + 2 * SIM_MS;
}

static void transmit(struct sim *s, const struct sim_packet *p)
{
	uint64_t most_ns = p->kind == SIM_ADVERT ? s->advert_delay_ns : s->pulse_delay_ns;

	if (lost(s, p->kind, p->from, p->to))
		return;
	if (s->n_air == SIM_INFLIGHT)
		return;
	s->air[s->n_air] = *p;
	s->air[s->n_air++].at_ns = s->now_ns + 1 + sim_random(s, most_ns);
}

static void answer(struct sim *s, const struct sim_packet *probe)
{
	const struct sim_node *n = &s->nodes[probe->to];
	uint64_t owner_until_ns = sim_owner_until_ns(n);
	struct sim_packet p = {
		.kind = SIM_ANSWER,
		.from = probe->to,
		.to = probe->from,
		.sent_ns = probe->sent_ns,
		.lease_left_ns = owner_until_ns > s->now_ns ? owner_until_ns - s->now_ns : 0,
		.fresh = s->now_ns < n->daemon_ns + STALE_NS,
		.announces = n->announces,
		.state = n->state,
		.priority = priorities[probe->to],
		.n_up = n->service_up,
	};

	if (s->majority)
		sim_grants_answer(s, probe, &p);
	transmit(s, &p);
}

static void take_answer(struct sim *s, const struct sim_packet *p)
{
	struct sim_peer *peer = &s->nodes[p->to].peers[p->from];

	if (p->sent_ns <= peer->answered_ns)
		return;
	peer->answered_ns = p->sent_ns;
	peer->seen_ns = s->now_ns;
	peer->lease_until_ns = p->lease_left_ns ? s->now_ns + p->lease_left_ns : 0;
	peer->fresh = p->fresh;
	peer->announces = p->announces;
	peer->state = p->state;
	peer->priority = p->priority;
	peer->n_up = p->n_up;
	if (s->majority)
		sim_grants_take(s, p);
}

static void arrive(struct sim *s, const struct sim_packet *p)
{
	struct sim_node *n = &s->nodes[p->to];

	if (n->dead)
		return;
	if (p->kind == SIM_PROBE) {
		answer(s, p);
	} else if (p->kind == SIM_ANSWER) {
		take_answer(s, p);
	} else {
		n->peers[p->from].advert_ns = s->now_ns;
		if (n->running && n->queued < SIM_QUEUE)
			n->queue[n->queued++] = p->advert;
	}
}

static void deliver(struct sim *s)
{
	/* Backwards: what arrives may send, which only appends; the last fills the gap. */
	for (unsigned int i = s->n_air; i-- > 0;) {
		struct sim_packet p = s->air[i];

		if (p.at_ns > s->now_ns)
			continue;
		s->air[i] = s->air[--s->n_air];
		arrive(s, &p);
	}
}

static void send_adverts(struct sim *s, unsigned int from, uint8_t priority)
{
	for (unsigned int to = 0; to < s->n; to++) {
		struct sim_packet p = {
			.kind = SIM_ADVERT, .from = (uint8_t)from, .to = (uint8_t)to};

		p.advert.version = 3;
		p.advert.priority = priority;
		p.advert.adver_ns = SIM_ADVER_NS;
		p.advert.source = sim_addr(from);
		if (to != from)
			transmit(s, &p);
	}
}

static void send_probes(struct sim *s, unsigned int from)
{
	for (unsigned int to = 0; to < s->n; to++) {
		struct sim_packet p = {.kind = SIM_PROBE,
				       .from = (uint8_t)from,
				       .to = (uint8_t)to,
				       .sent_ns = s->now_ns};

		p.wish.wish = s->nodes[from].out.wish;
		p.wish.epoch = s->nodes[from].out.epoch;
		p.wish.length_ns = s->nodes[from].out.length_ns;

		if (to != from)
			transmit(s, &p);
	}
}

/* ---- daemon ---- */

/* As in peer_sight(): no answer can come while this daemon asks nothing. */
static bool is_pulsing(const struct sim *s, const struct sim_node *n, const struct sim_peer *p)
{
	uint64_t since_ns = p->seen_ns;

	if (since_ns < n->woke_ns && n->slept_ns < since_ns + PEER_DEAD_NS)
		since_ns = n->woke_ns;
	return p->seen_ns && s->now_ns < since_ns + PEER_DEAD_NS;
}

static void sense(const struct sim *s, unsigned int i, struct policy_input *in)
{
	const struct sim_node *n = &s->nodes[i];

	memset(in, 0, sizeof(*in));
	in->n_services = 1;
	in->health[0] = n->service_up ? HOKM_SVC_UP : HOKM_SVC_DOWN;
	in->standby = n->standby;
	in->link_up = true;
	in->state = n->v.state;
	in->owner = n->v.owner;
	in->own_priority = priorities[i];
	in->own_addr = sim_addr(i);
	in->now_ns = s->now_ns;
	in->offer_ns = vrrp_master_down_ns(3, priorities[i], SIM_ADVER_NS);
	in->offered_ns = n->policy.offered_ns;
	for (unsigned int j = 0; j < s->n; j++) {
		const struct sim_peer *p = &n->peers[j];
		struct policy_peer *out = &in->peers[j];

		if (j == i)
			continue;
		out->used = true;
		out->mute = !s->pulses;
		out->addr = sim_addr(j);
		out->pulsing = is_pulsing(s, n, p);
		out->daemon_fresh = out->pulsing && p->fresh;
		out->announces = out->pulsing && p->announces;
		out->silent = sim_grants_silent(s, i, j);
		out->adverts = p->advert_ns &&
			       s->now_ns < p->advert_ns + vrrp_master_down_ns(3, priorities[i],
									      SIM_ADVER_NS);
		out->priority = priorities[j];
		out->state = (enum hokm_vrrp_state)p->state;
		out->lease_until_ns = p->lease_until_ns;
		out->seen_ns = p->answered_ns;
		out->n_up = out->pulsing ? p->n_up : 0;
	}
}

static bool act(struct sim *s, unsigned int i, const struct vrrp_actions *acts)
{
	struct sim_node *n = &s->nodes[i];
	bool sent = false;

	n->announces = n->v.state == HOKM_VRRP_MASTER ||
		       (n->v.state == HOKM_VRRP_BACKUP && n->v.announced_ns);
	for (unsigned int a = 0; a < acts->n; a++)
		switch (acts->a[a].kind) {
		case VRRP_ACT_ADVERT:
			send_adverts(s, i, acts->a[a].priority);
			sent = acts->a[a].priority != 0;
			break;
		case VRRP_ACT_LEASE:
			n->lease_until_ns = acts->a[a].until_ns;
			break;
		case VRRP_ACT_RAISE:
			n->took_ns = s->now_ns;
			n->standby = false;
			break;
		case VRRP_ACT_LOWER:
			n->lease_until_ns = 0;
			break;
		case VRRP_ACT_PROBE:
			send_probes(s, i);
			break;
		default:
			break;
		}
	n->state = (uint8_t)n->v.state;
	return sent;
}

static void step(struct sim *s, unsigned int i, struct vrrp_event *ev)
{
	struct sim_node *n = &s->nodes[i];
	struct vrrp_event next = *ev;
	bool more = true;

	while (more) {
		struct vrrp_actions acts;

		next.view = n->policy.view;
		sim_grants_view(s, i, &next.view);
		vrrp_step(&n->v, &next, s->now_ns, &acts);
		more = act(s, i, &acts);
		next = (struct vrrp_event){.kind = VRRP_EV_SENT, .sent_ns = s->now_ns};
	}
}

static void decide(struct sim *s, unsigned int i)
{
	struct sim_node *n = &s->nodes[i];
	struct vrrp_event ev = {.kind = VRRP_EV_PULSE};
	struct policy_input in;

	sense(s, i, &in);
	policy_decide(&in, &n->policy);
	if (!n->policy.eligible && n->v.state != HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_FAULT;
	else if (n->policy.eligible && n->v.state == HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_CLEAR;
	ev.reason = n->policy.reason;
	step(s, i, &ev);
	if (sim_grants_run(s, i, false))
		send_probes(s, i);
}

void sim_event(struct sim *s, unsigned int i, enum vrrp_event_kind kind, enum hokm_reason reason)
{
	struct vrrp_event ev = {.kind = kind, .reason = reason};

	if (!s->nodes[i].running || s->nodes[i].frozen)
		return;
	decide(s, i);
	step(s, i, &ev);
	if (sim_grants_run(s, i, false))
		send_probes(s, i);
}

static void run_daemon(struct sim *s, unsigned int i)
{
	struct sim_node *n = &s->nodes[i];

	for (unsigned int q = 0; q < n->queued; q++) {
		struct vrrp_event ev = {.kind = VRRP_EV_ADVERT, .advert = n->queue[q]};

		decide(s, i);
		step(s, i, &ev);
	}
	n->queued = 0;
	if (n->v.timer_at_ns && s->now_ns >= n->v.timer_at_ns)
		sim_event(s, i, VRRP_EV_TIMER, HOKM_R_NONE);
	if (n->out.next_ns && s->now_ns >= n->out.next_ns)
		decide(s, i);
	if (s->now_ns < n->pulse_at_ns)
		return;
	n->pulse_at_ns = s->now_ns + SIM_PULSE_NS;
	n->daemon_ns = s->now_ns;
	(void)sim_grants_run(s, i, true);
	send_probes(s, i);
	decide(s, i);
}

/* ---- what happens to nodes ---- */

void sim_init(struct sim *s, unsigned int n, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->n = n;
	s->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	s->now_ns = 1000000 * SIM_MS;
	s->pulses = true;
	s->advert_delay_ns = SIM_MS;
	s->pulse_delay_ns = SIM_MS;
	s->conf.version = 3;
	s->conf.adver_ns = SIM_ADVER_NS;
	s->conf.preempt = true;
	s->conf.preempt_delay_ns = 300 * SIM_MS;
	for (unsigned int i = 0; i < n; i++)
		s->nodes[i].dead = true;
}

void sim_start(struct sim *s, unsigned int i)
{
	struct sim_node *n = &s->nodes[i];
	struct vrrp_event ev = {.kind = VRRP_EV_START};
	struct vrrp_conf conf = s->conf;
	struct policy_input in;

	if (n->running)
		return;
	if (n->dead) {
		n->service_up = true;
		sim_grants_boot(s, i);
	}
	n->dead = false;
	n->running = true;
	n->frozen = false;
	n->woke_ns = s->now_ns;
	n->queued = 0;
	conf.priority = priorities[i];
	conf.addr = sim_addr(i);
	sim_grants_start(s, i);
	vrrp_init(&n->v, &conf, s->now_ns);
	if (n->state == HOKM_VRRP_MASTER)
		ev.adopted_lease_ns = n->lease_until_ns;
	sense(s, i, &in);
	policy_decide(&in, &n->policy);
	step(s, i, &ev);
	n->pulse_at_ns = s->now_ns;
}

void sim_crash(struct sim *s, unsigned int i)
{
	s->nodes[i].running = false;
	s->nodes[i].slept_ns = s->now_ns;
	s->nodes[i].queued = 0;
	memset(&s->nodes[i].v, 0, sizeof(s->nodes[i].v));
}

void sim_kill(struct sim *s, unsigned int i)
{
	memset(&s->nodes[i], 0, sizeof(s->nodes[i]));
	s->nodes[i].dead = true;
}

void sim_freeze(struct sim *s, unsigned int i, bool frozen)
{
	if (s->nodes[i].frozen && !frozen)
		s->nodes[i].woke_ns = s->now_ns;
	else if (frozen && !s->nodes[i].frozen)
		s->nodes[i].slept_ns = s->now_ns;
	s->nodes[i].frozen = frozen;
}

void sim_stop(struct sim *s, unsigned int i)
{
	if (!s->nodes[i].running || s->nodes[i].frozen)
		return;
	sim_event(s, i, VRRP_EV_STOP, HOKM_R_STOPPED);
	s->nodes[i].lease_until_ns = 0;
	s->nodes[i].state = HOKM_VRRP_INIT;
	sim_crash(s, i);
}

void sim_tick(struct sim *s)
{
	s->now_ns += SIM_TICK_NS;
	deliver(s);
	for (unsigned int i = 0; i < s->n; i++)
		if (s->nodes[i].running && !s->nodes[i].frozen)
			run_daemon(s, i);
}
