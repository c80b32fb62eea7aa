/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in simulated groups: the real rules of members and askers (hokm/grant.h,
 * hokm/grant_count.h) and the real decisions (decide/grants.h), among members whose clocks run at
 * different rates. Messages are lost, delayed and doubled, links are cut, members crash and boot
 * with an empty memory, daemons stop while their kernels go on answering, or end and are followed
 * by another one, and owners let go. In some groups the nodes have a cable besides, which is faster
 * than the segment and may fail in one direction.
 *
 *   never     two nodes may act as owner at the same moment
 *   always    when a majority has been in touch for long enough, a node owns
 *
 * Each run follows from its seed, which a failure names. HOKM_SEEDS: how many runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide/grants.h"
#include "hokm/grant_count.h"

#define MS          1000000ULL
#define LENGTH_NS   (30 * MS)
#define PULSE_NS    (10 * MS)
#define LONGEST_NS  (90 * MS) /* so a boot's silence is short, and a restart's grant is allowed */
#define CHAOS_NS    (900 * MS)
#define CALM_NS     (500 * MS)
#define SEEDS       3000
#define MEMBERS_MAX 5
#define QUEUE_MAX   512

struct group {
	const char *name;
	unsigned int nodes, members, majority;
	bool cable; /* a second path between the nodes */
};

enum what { TICK, WAKE, PROBE, ANSWER, TROUBLE };

struct event {
	uint64_t at_ns; /* of the simulation */
	uint64_t order;
	enum what what;
	unsigned int to, from;
	unsigned int boot; /* of the member that made it: what an earlier boot sent does not count
			    */
	unsigned int session; /* of the daemon that asked */
	uint64_t sent_ns, epoch, length_ns, left_us, greatest;
	bool cable;
	enum hokm_wish wish;
	enum hokm_verdict verdict;
	unsigned int holder; /* its number + 1; 0: nobody */
};

struct member {
	uint64_t offset_ns;
	int64_t rate_ppm; /* of its clock: beyond that of the simulation */
	unsigned int boot;
	bool up;
	bool cut[MEMBERS_MAX], cable_cut[MEMBERS_MAX];
	uint64_t paused_until_ns, shy_until_ns;  /* of the simulation */
	unsigned int session, asks[MEMBERS_MAX]; /* its daemon's, and that of each one that asks */
	uint64_t newest_answer_ns[MEMBERS_MAX], newest_probe_ns[MEMBERS_MAX][2]; /* by path */
	struct hokm_grants map;
	/* the daemon */
	struct grants g;
	bool owns;   /* its lease is in map own */
	bool fresh;  /* it has just started, and has not looked at the map */
	bool lapsed; /* it is MASTER still, and its grants have ended */
	uint64_t wake_ns;
	struct grants_output out;
};

struct sim {
	const struct group *group;
	uint64_t random, now_ns, orders, seed;
	bool calm;
	unsigned int n, claims, returns;
	struct event queue[QUEUE_MAX]; /* a heap: the earliest first */
	struct member m[MEMBERS_MAX];
};

static uint64_t any(struct sim *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static uint64_t below(struct sim *s, uint64_t n)
{
	return any(s) % n;
}

/* ---- the queue ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
	struct event c = *a;

	*a = *b;
	*b = c;
}

static void put(struct sim *s, struct event *e)
{
	unsigned int i = s->n++;

	assert_true(s->n < QUEUE_MAX);
	e->order = s->orders++;
	s->queue[i] = *e;
	for (; i && earlier(&s->queue[i], &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->queue[i], &s->queue[(i - 1) / 2]);
}

static struct event take(struct sim *s)
{
	struct event first = s->queue[0];
	unsigned int i = 0, child;

	s->queue[0] = s->queue[--s->n];
	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && earlier(&s->queue[child + 1], &s->queue[child]))
			child++;
		if (!earlier(&s->queue[child], &s->queue[i]))
			break;
		swap(&s->queue[child], &s->queue[i]);
		i = child;
	}
	return first;
}

/* ---- clocks, slots, links ---- */

static uint64_t local_ns(const struct member *m, uint64_t at_ns)
{
	return m->offset_ns + at_ns + (uint64_t)((int64_t)(at_ns / 1000) * m->rate_ppm / 1000);
}

/* When the clock of m shows then_ns, or a moment later. */
static uint64_t at_ns(const struct sim *s, const struct member *m, uint64_t then_ns)
{
	uint64_t now_ns = local_ns(m, s->now_ns);

	return then_ns <= now_ns ? s->now_ns : s->now_ns + (then_ns - now_ns) * 65 / 64 + 1;
}

/* Slot of member `of` at member `at`. */
static unsigned int slot_of(unsigned int at, unsigned int of)
{
	return of < at ? of : of - 1;
}

static void post_one(struct sim *s, struct event *e)
{
	const struct member *from = &s->m[e->from];
	uint64_t late_ns = 20000 + below(s, 100000);

	if (!s->calm && below(s, 20) == 0)
		late_ns = below(s, 25 * MS);
	if (s->group->cable && !e->cable)
		late_ns += 2 * MS;
	if ((e->cable ? from->cable_cut : from->cut)[e->to] || (!s->calm && below(s, 12) == 0))
		return;
	e->at_ns = s->now_ns + late_ns;
	e->boot = from->boot;
	put(s, e);
}

/* One in twenty comes twice, and each in its own time. */
static void post(struct sim *s, struct event *e)
{
	struct event again = *e;

	post_one(s, e);
	if (below(s, 20) == 0)
		post_one(s, &again);
}

/* ---- the kernel's side ---- */

/* As pulse_probe() of the packet path: one that comes twice, or after a newer one. */
static bool is_replay(struct member *m, const struct event *probe)
{
	unsigned int from = probe->from;

	if (m->asks[from] == probe->session &&
	    probe->sent_ns <= m->newest_probe_ns[from][probe->cable])
		return true;
	m->asks[from] = probe->session;
	m->newest_probe_ns[from][probe->cable] = probe->sent_ns;
	return false;
}

static void answer(struct sim *s, const struct event *probe)
{
	struct member *m = &s->m[probe->to];
	uint64_t now_ns = local_ns(m, s->now_ns), until_ns;
	struct hokm_grant_ask ask = {.member = HOKM_GRANT_PEER(slot_of(probe->to, probe->from)),
				     .wish = probe->wish,
				     .epoch = probe->epoch,
				     .length_ns = probe->length_ns};
	struct event e = *probe;
	struct hokm_wished *newest;
	unsigned int holder;

	if (!m->up || is_replay(m, probe))
		return;
	newest = &m->map.member[slot_of(probe->to, probe->from)].wished;
	e.verdict = hokm_grant_take_wish(&m->map.own, newest, &ask, probe->sent_ns, now_ns);
	e.length_ns = ask.length_ns;
	e.greatest = hokm_grant_seen_epoch(&m->map.own, newest);
	until_ns = hokm_grant_until_ns(m->map.own.word);
	holder = hokm_grant_member(m->map.own.word);
	e.left_us = now_ns < until_ns ? (until_ns - now_ns + 999) / 1000 : 0;
	e.holder = 0;
	if (e.left_us && holder == HOKM_GRANT_SELF)
		e.holder = probe->to + 1;
	else if (e.left_us && holder)
		e.holder = holder - 2 + (holder - 2 >= probe->to) + 1;
	e.what = ANSWER;
	e.to = probe->from;
	e.from = probe->to;
	post(s, &e);
}

static void take_in(struct sim *s, const struct event *e)
{
	struct member *m = &s->m[e->to];
	struct hokm_granted *g = &m->map.member[slot_of(e->to, e->from)];
	uint64_t now_ns = local_ns(m, s->now_ns);

	if (!m->up || e->session != m->session || e->sent_ns <= m->newest_answer_ns[e->from])
		return;
	m->newest_answer_ns[e->from] = e->sent_ns;
	g->answered_ns = now_ns;
	g->verdict = (__u8)e->verdict;
	g->seen_epoch = e->greatest;
	g->held_until_ns = e->holder && e->holder != e->to + 1 ? now_ns + e->left_us * 1000 : 0;
	if (e->verdict == HOKM_VERDICT_GRANTED)
		hokm_grants_note(&m->map, slot_of(e->to, e->from), e->epoch,
				 e->sent_ns + hokm_grant_used_ns(e->length_ns));
}

static bool granted(const struct sim *s, const struct member *m)
{
	return local_ns(m, s->now_ns) < hokm_grants_end_ns(&m->map);
}

/* owner_now() of the packet path. */
static bool acts_as_owner(const struct sim *s, const struct member *m)
{
	return m->up && m->owns && granted(s, m);
}

/* ---- the daemon's side ---- */

static void send_probes(struct sim *s, unsigned int i)
{
	struct member *m = &s->m[i];

	for (unsigned int to = 0; to < s->group->members; to++) {
		struct event e = {.what = PROBE,
				  .from = i,
				  .to = to,
				  .session = m->session,
				  .sent_ns = local_ns(m, s->now_ns),
				  .wish = m->out.wish,
				  .epoch = m->out.epoch,
				  .length_ns = m->out.length_ns};

		if (to != i)
			post(s, &e);
		e.cable = true;
		e.sent_ns++;
		if (to != i && s->group->cable && to < s->group->nodes)
			post(s, &e);
	}
}

static void wake(struct sim *s, unsigned int i, uint64_t then_ns)
{
	struct event e = {.what = WAKE, .to = i, .boot = s->m[i].boot};
	struct member *m = &s->m[i];

	if (!then_ns || (m->wake_ns && m->wake_ns <= then_ns))
		return;
	m->wake_ns = then_ns;
	e.at_ns = at_ns(s, m, then_ns);
	put(s, &e);
}

/* A daemon that starts while the grants of the one before it run goes on with them. */
static void adopt(const struct sim *s, struct member *m, const struct grants_conf *c,
		  uint64_t now_ns)
{
	grants_adopt(&m->g, c, &m->map, now_ns);
	m->owns = m->owns && m->g.phase == GRANTS_OWNING;
	assert_true(!m->owns || granted(s, m));
	m->fresh = m->lapsed = false;
	m->session++;
}

/* Decides what the node wishes, as quorum.c does; sends probes where that wants them. */
static void wish(struct sim *s, unsigned int i, const struct grants_conf *c, bool tick)
{
	struct member *m = &s->m[i];
	uint64_t now_ns = local_ns(m, s->now_ns);
	const struct grants_input in = {
		.owns = m->owns,
		.wants = s->now_ns >= m->shy_until_ns,
		.tick = tick,
		.longer_ns = !s->calm && below(s, 40) == 0 ? LONGEST_NS : 0};

	grants_step(&m->g, c, &m->map, &in, now_ns, &m->out);
	s->claims += m->out.wish == HOKM_WISH_OWN && m->map.wish != HOKM_WISH_OWN;
	if (m->out.raise)
		hokm_grants_raise(&m->map, m->out.epoch);
	else
		hokm_grants_set_wish(&m->map, m->out.wish, m->out.epoch);
	if (m->out.self) {
		struct hokm_grant_ask ask = {.member = HOKM_GRANT_SELF,
					     .wish = m->out.wish,
					     .epoch = m->out.epoch,
					     .length_ns = m->out.length_ns};

		(void)hokm_grant_carry_out(&m->map.own, &ask, now_ns);
		hokm_grants_sum(&m->map);
	}
	if (m->out.probe || tick)
		send_probes(s, i);
}

/* As the VRRP machine does: a lease without grants ends first, unless they may return. */
static void keep_lease(struct sim *s, struct member *m, const struct grants_conf *c)
{
	bool shy = s->now_ns < m->shy_until_ns, has = granted(s, m);

	m->owns = m->owns && !shy &&
		  (has || grants_may_return(&m->g, c, &m->map, local_ns(m, s->now_ns)));
	s->returns += m->owns && m->lapsed && has;
	m->lapsed = m->owns && !has;
	m->owns = m->owns || (!shy && m->g.phase == GRANTS_CLAIMING && has);
}

static void daemon_step(struct sim *s, unsigned int i, bool tick)
{
	struct member *m = &s->m[i];
	bool adopts = m->fresh && acts_as_owner(s, m) && s->now_ns >= m->shy_until_ns;
	const struct grants_conf c = {
		.majority = s->group->majority,
		.slots = (1U << (s->group->members - 1)) - 1,
		.length_ns = LENGTH_NS,
		.pulse_ns = PULSE_NS,
		.rank = i,
		.seed = i * 77};

	if (m->fresh)
		adopt(s, m, &c, local_ns(m, s->now_ns));
	/* First the pulse. */
	if (tick)
		wish(s, i, &c, true);
	keep_lease(s, m, &c);
	wish(s, i, &c, false);
	if (adopts && !acts_as_owner(s, m))
		fail_msg("%s, seed %llu: a new daemon lost the grants", s->group->name,
			 (unsigned long long)s->seed);
	wake(s, i, m->out.next_ns);
}

/* A witness asks nobody. */
static void daemon_event(struct sim *s, const struct event *e)
{
	struct member *m = &s->m[e->to];
	struct event next = *e;

	if (e->boot != m->boot || !m->up)
		return;
	if (e->what == TICK) {
		next.at_ns = s->now_ns + PULSE_NS + below(s, MS / 4);
		put(s, &next);
	} else {
		m->wake_ns = 0;
	}
	if (s->now_ns >= m->paused_until_ns)
		daemon_step(s, e->to, e->what == TICK);
}

/* ---- troubles ---- */

static void boot(struct sim *s, unsigned int i)
{
	struct event e = {.what = TICK, .to = i, .at_ns = s->now_ns + below(s, PULSE_NS)};
	struct member *m = &s->m[i];

	m->boot++;
	m->session++;
	m->up = true;
	m->owns = m->fresh = m->lapsed = false;
	m->wake_ns = 0;
	memset(&m->map, 0, sizeof(m->map));
	memset(&m->g, 0, sizeof(m->g));
	memset(&m->out, 0, sizeof(m->out));
	memset(m->asks, 0, sizeof(m->asks));
	memset(m->newest_answer_ns, 0, sizeof(m->newest_answer_ns));
	memset(m->newest_probe_ns, 0, sizeof(m->newest_probe_ns));
	m->map.count.majority = (__u16)s->group->majority;
	m->map.own.longest_ns = LONGEST_NS;
	m->map.own.silent_until_ns = local_ns(m, s->now_ns) + hokm_grant_silence_ns(LONGEST_NS);
	e.boot = m->boot;
	if (i < s->group->nodes)
		put(s, &e);
}

static void trouble(struct sim *s)
{
	struct event e = {.what = TROUBLE, .at_ns = s->now_ns + below(s, 60 * MS)};
	unsigned int i = (unsigned int)below(s, s->group->members);
	unsigned int j = (unsigned int)below(s, s->group->members);
	struct member *m = &s->m[i];

	switch (below(s, 9)) {
	case 0:
		m->up = false;
		break;
	case 1:
	case 2:
		if (!m->up)
			boot(s, i);
		break;
	case 3:
		if (s->group->cable && below(s, 2))
			m->cable_cut[j] = !m->cable_cut[j];
		else
			m->cut[j] = !m->cut[j];
		break;
	case 4:
		m->cut[j] = s->m[j].cut[i] = !m->cut[j];
		break;
	case 5:
		m->paused_until_ns = s->now_ns + below(s, 150 * MS);
		break;
	case 6:
		m->shy_until_ns = s->now_ns + below(s, 80 * MS);
		break;
	case 7:
		m->paused_until_ns = s->now_ns + below(s, 80 * MS);
		m->fresh = true;
		break;
	default:
		memset(m->cut, 0, sizeof(m->cut));
		memset(m->cable_cut, 0, sizeof(m->cable_cut));
		break;
	}
	put(s, &e);
}

/*
 * The witness is dead, only this node wants to own, and no answer comes to it over the cable: each
 * member has seen a newer wish of it than the one whose answer arrives.
 */
static void half_a_cable(struct sim *s, unsigned int wants)
{
	s->m[s->group->members - 1].up = false;
	for (unsigned int i = 0; i < s->group->nodes; i++) {
		memset(s->m[i].cable_cut, 0, sizeof(s->m[i].cable_cut));
		s->m[i].cable_cut[wants] = true;
		if (i != wants)
			s->m[i].shy_until_ns = UINT64_MAX;
	}
}

/* Some may stay dead or cut off: those that remain are a majority with a node among them. */
static void calm_down(struct sim *s)
{
	s->calm = true;
	for (unsigned int i = 0; i < s->group->members; i++) {
		memset(s->m[i].cut, 0, sizeof(s->m[i].cut));
		s->m[i].paused_until_ns = s->m[i].shy_until_ns = 0;
		if (!s->m[i].up)
			boot(s, i);
	}
	if (s->group->cable)
		half_a_cable(s, (unsigned int)below(s, s->group->nodes));
	else if (below(s, 2))
		s->m[below(s, s->group->members)].up = false;
}

/* ---- a run ---- */

static unsigned int owners(const struct sim *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->group->nodes; i++)
		n += acts_as_owner(s, &s->m[i]);
	return n;
}

static void run_until(struct sim *s, uint64_t end_ns)
{
	while (s->n && s->queue[0].at_ns < end_ns) {
		struct event e = take(s);

		s->now_ns = e.at_ns;
		if (e.what == TROUBLE && !s->calm)
			trouble(s);
		else if (e.what == PROBE)
			answer(s, &e);
		else if (e.what == ANSWER)
			take_in(s, &e);
		else if (e.what != TROUBLE)
			daemon_event(s, &e);
		if (owners(s) > 1)
			fail_msg("%s, seed %llu: two owners at %llu us", s->group->name,
				 (unsigned long long)s->seed,
				 (unsigned long long)(s->now_ns / 1000));
	}
	s->now_ns = end_ns;
}

/* Returns how often grants that had ended came back to their owner. */
static unsigned int run(const struct group *group, uint64_t seed)
{
	static struct sim s;
	struct event e = {.what = TROUBLE, .at_ns = MS};

	memset(&s, 0, sizeof(s));
	s.group = group;
	s.seed = seed;
	s.random = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (unsigned int i = 0; i < group->members; i++) {
		s.m[i].offset_ns = 1000 * MS + below(&s, 1000 * MS);
		/* Within 1/64, 15625 ppm, on either side. */
		s.m[i].rate_ppm = (int64_t)below(&s, 2 * 15000) - 15000;
		boot(&s, i);
		if (below(&s, 2))
			s.m[i].map.own.silent_until_ns = 1;
	}
	put(&s, &e);
	run_until(&s, CHAOS_NS);
	calm_down(&s);
	run_until(&s, CHAOS_NS + CALM_NS);
	if (owners(&s) != 1)
		fail_msg("%s, seed %llu: nobody owns %llu ms after the last trouble", group->name,
			 (unsigned long long)seed, CALM_NS / MS);
	assert_true(s.claims > 0);
	return s.returns;
}

static void never_two_owners_and_soon_one(void **state)
{
	static const struct group groups[] = {
		{"two nodes and a witness", 2, 3, 2, false},
		{"three nodes", 3, 3, 2, false},
		{"two nodes and three witnesses", 2, 5, 3, false},
		{"four nodes", 4, 4, 3, false},
		{"two nodes with a cable, and a witness", 2, 3, 2, true},
	};
	const char *more = getenv("HOKM_SEEDS");
	unsigned long seeds = more ? strtoul(more, NULL, 10) : SEEDS;
	unsigned int returns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++)
		returns += run(&groups[seed % (sizeof(groups) / sizeof(groups[0]))], seed);
	print_message("grants that had ended came back %u times\n", returns);
	assert_true(returns > seeds / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_two_owners_and_soon_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
