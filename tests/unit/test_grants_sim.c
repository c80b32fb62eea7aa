/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in simulated groups: the real rules of members and askers (hokm/grant.h,
 * hokm/grant_count.h) and the real decisions (decide/grants.h), among members whose clocks run at
 * different rates. Messages are lost, delayed and doubled, links are cut, members crash and boot
 * with an empty memory, daemons stop while their kernels go on answering, or end and are followed
 * by another one, and owners let go. In some groups the nodes have a cable besides, which is faster
 * than the segment and may fail in one direction. In others machines stand still together with
 * their clocks, as a hypervisor does it; messages wait for them. In some each node sends its probes
 * at the pace of a calm group (decide/pulse_pace.h) now and then, for which the grants are longer.
 *
 *   never     two nodes may act as owner at the same moment. A node whose clock stood still may,
 *             by what it asked for before, until a probe of the owner reaches it.
 *   never     a proof that a clock stood still comes to a node whose clock did not
 *   always    when a majority has been in touch for long enough, a node owns, and goes on to own
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
#include "grants_sim.h"

/* ---- the kernel's side ---- */

static bool granted(const struct sim *s, const struct member *m)
{
	return local_ns(m, s->now_ns) < hokm_grants_end_ns(&m->map);
}

/* owner_now() of the packet path. */
static bool acts_as_owner(const struct sim *s, const struct member *m)
{
	return m->up && m->owns && granted(s, m) && s->now_ns >= m->still_until_ns;
}

/* It may be owner beside another: its clock stood still, and no word of the owner has come. */
static bool is_excused(const struct sim *s, const struct member *m)
{
	return local_ns(m, s->now_ns) < m->stale_ns;
}

/* A proof that the clock of this node stood still, or 0. */
static void end_wish(struct sim *s, struct member *m, uint64_t below_epoch)
{
	if (!below_epoch || !hokm_grants_void(&m->map, below_epoch, 0, local_ns(m, s->now_ns)))
		return;
	s->ended++;
	if (!m->stood)
		fail_msg("%s, seed %llu: a proof against a clock that runs, at %llu us",
			 s->group->name, (unsigned long long)s->seed,
			 (unsigned long long)(s->now_ns / 1000));
}

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

static void hear_owner(struct sim *s, struct member *m, const struct event *probe)
{
	/* Two wishes may have begun with one epoch: then only members tell which came later. */
	if (probe->owner && probe->since > m->map.since_epoch)
		m->stale_ns = 0;
	end_wish(s, m, hokm_grants_followed(&m->map, probe->since));
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
	/* As grant_followed() of the packet path. */
	if (probe->since && now_ns < m->lease_until_ns[probe->from])
		hear_owner(s, m, probe);
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
	e.lease_ns = acts_as_owner(s, m) ? hokm_grants_end_ns(&m->map) - now_ns : 0;
	e.what = ANSWER;
	e.to = probe->from;
	e.from = probe->to;
	post(s, &e);
}

static enum hokm_promised promised(const struct event *e)
{
	if (!e->holder)
		return HOKM_PROMISED_NOBODY;
	return e->holder == e->to + 1 ? HOKM_PROMISED_US : HOKM_PROMISED_OTHER;
}

static void take_in(struct sim *s, const struct event *e)
{
	struct member *m = &s->m[e->to];
	unsigned int slot = slot_of(e->to, e->from);
	struct hokm_granted *g = &m->map.member[slot];
	uint64_t now_ns = local_ns(m, s->now_ns);

	if (!m->up || e->session != m->session || e->sent_ns <= m->newest_answer_ns[e->from])
		return;
	m->newest_answer_ns[e->from] = e->sent_ns;
	m->lease_until_ns[e->from] = now_ns + e->lease_ns;
	g->answered_ns = now_ns;
	g->verdict = (__u8)e->verdict;
	g->seen_epoch = e->greatest;
	g->held_until_ns = promised(e) == HOKM_PROMISED_OTHER ? now_ns + e->left_us * 1000 : 0;
	end_wish(s, m,
		 hokm_grants_refuted(&m->map, slot, promised(e), e->greatest, e->sent_ns, now_ns));
	if (e->verdict != HOKM_VERDICT_GRANTED)
		return;
	m->map.stood.granted_ns[slot] = now_ns;
	hokm_grants_note(&m->map, slot, e->epoch, e->sent_ns + hokm_grant_used_ns(e->length_ns));
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
				  .owner = acts_as_owner(s, m) && !is_excused(s, m),
				  .wish = m->out.wish,
				  .epoch = m->out.epoch,
				  .length_ns = m->out.length_ns};

		if (acts_as_owner(s, m) && m->out.wish == HOKM_WISH_OWN)
			e.since = hokm_grants_owned_since(&m->map, e.sent_ns);
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
		.longer_ns = !s->calm && below(s, 40) == 0 ? longest_ns(s) : 0};

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
		.length_ns = length_ns(s),
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

static uint64_t pace_ns(struct sim *s)
{
	return below(s, 4) ? s->group->calm * PULSE_NS : PULSE_NS;
}

/* A witness asks nobody. */
static void daemon_event(struct sim *s, const struct event *e)
{
	struct member *m = &s->m[e->to];
	struct event next = *e;

	if (e->boot != m->boot || !m->up)
		return;
	if (e->what == TICK) {
		next.at_ns = s->now_ns + pace_ns(s) + below(s, MS / 4);
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
	m->wake_ns = m->stale_ns = 0;
	m->stood = false;
	memset(&m->map, 0, sizeof(m->map));
	memset(&m->g, 0, sizeof(m->g));
	memset(&m->out, 0, sizeof(m->out));
	memset(m->asks, 0, sizeof(m->asks));
	memset(m->newest_answer_ns, 0, sizeof(m->newest_answer_ns));
	memset(m->newest_probe_ns, 0, sizeof(m->newest_probe_ns));
	memset(m->lease_until_ns, 0, sizeof(m->lease_until_ns));
	m->map.count.majority = (__u16)s->group->majority;
	m->map.own.longest_ns = longest_ns(s);
	m->map.own.silent_until_ns = local_ns(m, s->now_ns) + hokm_grant_silence_ns(longest_ns(s));
	e.boot = m->boot;
	if (i < s->group->nodes)
		put(s, &e);
}

/* The machine goes on after that behind the others, with what it has asked for. */
static void stand_still(struct sim *s, struct member *m)
{
	uint64_t for_ns = below(s, 120 * MS);

	if (!s->group->stands || !m->up || s->now_ns < m->still_until_ns)
		return;
	m->still_until_ns = s->now_ns + for_ns;
	m->offset_ns -= local_ns(m, m->still_until_ns) - local_ns(m, s->now_ns);
	m->stale_ns = m->g.kept_until_ns;
	m->stood = true;
}

static void trouble(struct sim *s)
{
	struct event e = {.what = TROUBLE, .at_ns = s->now_ns + below(s, 60 * MS)};
	unsigned int i = (unsigned int)below(s, s->group->members);
	unsigned int j = (unsigned int)below(s, s->group->members);
	uint64_t what = below(s, 9);
	struct member *m = &s->m[i];

	/* The proofs need members that remember. */
	if (s->group->stands && what < 3) {
		stand_still(s, m);
		put(s, &e);
		return;
	}
	switch (what) {
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

/* Who stands still gets it later. */
static bool waits(struct sim *s, struct event *e)
{
	const struct member *m = &s->m[e->to];

	if (e->what == TROUBLE || e->at_ns >= m->still_until_ns)
		return false;
	e->at_ns = m->still_until_ns + below(s, MS / 20);
	put(s, e);
	return true;
}

static void look(struct sim *s)
{
	unsigned int n = 0, excused = 0;

	for (unsigned int i = 0; i < s->group->nodes; i++) {
		n += acts_as_owner(s, &s->m[i]);
		excused += acts_as_owner(s, &s->m[i]) && is_excused(s, &s->m[i]);
	}
	if (n > 1 && n - excused > 1)
		fail_msg("%s, seed %llu: two owners at %llu us", s->group->name,
			 (unsigned long long)s->seed, (unsigned long long)(s->now_ns / 1000));
	if (n < 2)
		s->two_ns = 0;
	else if (!s->two_ns)
		s->two_ns = s->now_ns;
	if (s->two_ns && s->now_ns - s->two_ns > s->two_max_ns)
		s->two_max_ns = s->now_ns - s->two_ns;
}

static unsigned int owner(const struct sim *s)
{
	unsigned int i = 0;

	while (i < s->group->nodes && !acts_as_owner(s, &s->m[i]))
		i++;
	return i;
}

static void run_until(struct sim *s, uint64_t end_ns)
{
	while (s->n && s->queue[0].at_ns < end_ns) {
		struct event e = take(s);

		s->now_ns = e.at_ns;
		if (waits(s, &e))
			continue;
		if (e.what == TROUBLE && !s->calm)
			trouble(s);
		else if (e.what == PROBE)
			answer(s, &e);
		else if (e.what == ANSWER)
			take_in(s, &e);
		else if (e.what != TROUBLE)
			daemon_event(s, &e);
		look(s);
	}
	s->now_ns = end_ns;
}

static struct sim s;

static void run(const struct group *group, uint64_t seed)
{
	struct event e = {.what = TROUBLE, .at_ns = MS};
	const uint64_t calm_ns = group->calm * CALM_NS;
	unsigned int first, claims;

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
	run_until(&s, CHAOS_NS + calm_ns);
	if (owners(&s) != 1)
		fail_msg("%s, seed %llu: nobody owns %llu ms after the last trouble", group->name,
			 (unsigned long long)seed, (unsigned long long)(calm_ns / MS));
	assert_true(s.claims > 0);
	first = owner(&s);
	claims = s.claims;
	run_until(&s, CHAOS_NS + 2 * calm_ns);
	if (owner(&s) != first || s.claims != claims)
		fail_msg("%s, seed %llu: the owner does not stay", group->name,
			 (unsigned long long)seed);
}

static unsigned long seeds_of(void)
{
	const char *more = getenv("HOKM_SEEDS");

	return more ? strtoul(more, NULL, 10) : SEEDS;
}

static void never_two_owners_and_soon_one(void **state)
{
	static const struct group groups[] = {
		{"two nodes and a witness", 2, 3, 2, false, false, 1},
		{"three nodes", 3, 3, 2, false, false, 1},
		{"two nodes and three witnesses", 2, 5, 3, false, false, 1},
		{"four nodes", 4, 4, 3, false, false, 1},
		{"two nodes with a cable, and a witness", 2, 3, 2, true, false, 1},
		{"two nodes and a witness, calm", 2, 3, 2, false, false, 3},
		{"three nodes, calm", 3, 3, 2, false, false, 3},
	};
	const unsigned long seeds = seeds_of();
	unsigned int returns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		run(&groups[seed % (sizeof(groups) / sizeof(groups[0]))], seed);
		returns += s.returns;
	}
	print_message("grants that had ended came back %u times\n", returns);
	assert_true(returns > seeds / 100);
}

/* The nodes' own clocks say nothing of it. */
static void clocks_that_stand_still_are_found_out(void **state)
{
	static const struct group groups[] = {
		{"a clock of two nodes and a witness stands", 2, 3, 2, false, true, 1},
		{"a clock of three nodes stands", 3, 3, 2, false, true, 1},
		{"a clock of two nodes and three witnesses stands", 2, 5, 3, false, true, 1},
		{"a clock stands, and there is a cable", 2, 3, 2, true, true, 1},
		{"a clock stands, calm", 2, 3, 2, false, true, 3},
	};
	const unsigned long seeds = seeds_of();
	unsigned int ended = 0, two = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		run(&groups[seed % (sizeof(groups) / sizeof(groups[0]))], seed);
		ended += s.ended;
		two += s.two_max_ns > 0;
	}
	print_message("%u wishes ended by a proof; in %u runs two owned for a while\n", ended, two);
	assert_true(ended > seeds / 100);
	assert_true(two > seeds / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_two_owners_and_soon_one),
		cmocka_unit_test(clocks_that_stand_still_are_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
