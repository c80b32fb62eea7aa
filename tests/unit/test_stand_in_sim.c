/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two nodes and a gateway that stands in for a third member, simulated: the real rules
 * (hokm/grant.h, hokm/grant_count.h) and decisions (decide/grants.h, decide/stand_in.h), with
 * clocks at different rates. Messages are lost, delayed and wait for a node that is paused; nodes
 * crash and boot with an empty memory; every way is cut and healed at any time, in each direction.
 *
 *   never     two nodes act as owner at the same moment, but for the one cut that this arrangement
 *             does not survive: while the one was in touch and got no sign of the other, the other
 *             one reached the gateway
 *   always    a node owns soon when all hear each other, and when the owner dies
 *
 * Each run follows from its seed, which a failure names. HOKM_SEEDS: how many runs, and HOKM_SEED:
 * the first one.
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
#include "decide/stand_in.h"
#include "hokm/grant_count.h"
#include "stand_in_sim.h"

/* ---- the kernel's side ---- */

static uint64_t owner_until_ns(const struct node *n)
{
	return n->up && n->owns ? hokm_grants_end_ns(&n->map) : 0;
}

static void answer(struct sim *s, const struct message *q)
{
	struct node *n = &s->n[q->to];
	uint64_t now_ns = local_ns(s, n), until_ns, mine_ns;
	struct hokm_wished *newest = &n->map.member[PEER].wished;
	struct hokm_grant_ask ask = {HOKM_GRANT_PEER(PEER), q->wish, q->epoch, q->length_ns};
	struct message a = *q;

	n->sign_ns = now_ns;
	a.verdict = hokm_grant_take_wish(&n->map.own, newest, &ask, q->sent_ns, now_ns);
	a.length_ns = ask.length_ns;
	a.greatest = hokm_grant_seen_epoch(&n->map.own, newest);
	until_ns = hokm_grant_until_ns(n->map.own.word);
	a.left_us = now_ns < until_ns ? (until_ns - now_ns + 999) / 1000 : 0;
	a.holds = a.left_us && hokm_grant_member(n->map.own.word) == HOKM_GRANT_SELF;
	mine_ns = owner_until_ns(n);
	a.lease_us = mine_ns > now_ns ? (mine_ns - now_ns + 999) / 1000 : 0;
	a.what = ANSWER;
	a.to = q->from;
	a.from = q->to;
	post(s, a);
}

/*
 * What the peer says of its promise. No clock stands still here, so it never proves that this
 * node's did, not even where the gateway lets both own.
 */
static void expect_no_proof(struct sim *s, struct node *n, const struct message *a)
{
	enum hokm_promised whose = a->holds     ? HOKM_PROMISED_OTHER
				   : a->left_us ? HOKM_PROMISED_US
						: HOKM_PROMISED_NOBODY;

	if (hokm_grants_refuted(&n->map, PEER, whose, a->greatest, a->sent_ns, local_ns(s, n)))
		fail_msg("seed %llu: a proof against a clock that runs",
			 (unsigned long long)s->seed);
}

static void take_in(struct sim *s, const struct message *a)
{
	struct node *n = &s->n[a->to];
	struct hokm_granted *m = &n->map.member[PEER];
	uint64_t now_ns = local_ns(s, n);

	if (a->sent_ns <= n->newest_ns)
		return;
	n->newest_ns = a->sent_ns;
	n->sign_ns = n->seen_ns = m->answered_ns = now_ns;
	n->lease_ns = a->lease_us ? now_ns + a->lease_us * 1000 : 0;
	m->verdict = (__u8)a->verdict;
	m->seen_epoch = a->greatest;
	m->held_until_ns = a->holds ? now_ns + a->left_us * 1000 : 0;
	expect_no_proof(s, n, a);
	if (a->verdict != HOKM_VERDICT_GRANTED)
		return;
	n->map.stood.granted_ns[PEER] = now_ns;
	hokm_grants_note(&n->map, PEER, a->epoch, a->sent_ns + hokm_grant_used_ns(a->length_ns));
}

/* stand_in_note() of the packet path. */
static void gateway_answers(struct sim *s, struct node *n)
{
	struct hokm_gateway *g = &n->map.gateway;
	uint64_t now_ns = local_ns(s, n), asked_ns = g->asked_ns;

	g->answered_ns = now_ns;
	g->asked_ns = 0;
	if (!asked_ns ||
	    (g->stand_in == HOKM_STAND_IN_RENEWS && now_ns >= hokm_grants_end_ns(&n->map)) ||
	    (g->stand_in == HOKM_STAND_IN_CLAIMS && n->sign_ns > g->silent_ns) ||
	    g->stand_in == HOKM_STAND_IN_NOTHING)
		return;
	hokm_grants_note(&n->map, GATEWAY, n->map.wish_epoch, asked_ns + g->used_ns);
}

static void arp_answers(struct sim *s, const struct message *q)
{
	struct message a = {
		.what = ARP_ANSWER, .to = q->from, .from = q->to, .left_ns = q->left_ns};

	if (q->to != ROUTER)
		s->n[q->to].sign_ns = local_ns(s, &s->n[q->to]);
	post(s, a);
}

/* ---- the daemon's side ---- */

static void look(struct sim *s, struct node *n, uint64_t now_ns)
{
	uint64_t end_ns = hokm_grant_end_ns(n->map.member[GATEWAY].end, n->map.wish_epoch);
	uint64_t of_peer_ns = hokm_grant_end_ns(n->map.member[PEER].end, n->map.wish_epoch);
	const struct stand_in_input in = {
		.owns = n->owns,
		.stands = true,
		.longer_ns = !s->calm && below(s, 40) == 0 ? s->conf.longest_ns : 0,
		.granted_ns = hokm_grants_end_ns(&n->map),
		.best_ns = of_peer_ns > end_ns ? of_peer_ns : end_ns,
		.of_gateway = end_ns > of_peer_ns,
		.peer_barred =
			n->map.member[PEER].verdict == HOKM_VERDICT_SILENT &&
					now_ns<n->map.member[PEER].answered_ns + 4 * PULSE_NS,
					       .barred_ns = n->map.own.silent_until_ns,
					       .answered_ns = n->map.gateway.answered_ns,
					       .sign_ns = n->sign_ns, .seen_ns = n->seen_ns,
					       .lease_ns = n->lease_ns>
						n->map.member[PEER]
							.held_until_ns
				? n->lease_ns
				: n->map.member[PEER].held_until_ns,
	};
	struct hokm_gateway *g = &n->map.gateway;
	struct hokm_granted *m = &n->map.member[GATEWAY];

	stand_in_step(&n->stand, &s->conf, &in, now_ns, &n->word);
	g->used_ns = hokm_grant_used_ns(n->word.length_ns);
	g->silent_ns = n->word.silent_ns;
	g->stand_in = (__u8)n->word.counts;
	m->answered_ns = g->answered_ns;
	m->held_until_ns = n->word.free_at_ns;
}

static void ask(struct sim *s, unsigned int i, bool tick)
{
	struct node *n = &s->n[i];
	struct message q = {
		.what = PROBE,
		.left_ns = s->now_ns,
		.from = i,
		.to = 1 - i,
		.sent_ns = local_ns(s, n),
		.wish = n->out.wish,
		.epoch = n->out.epoch,
		.length_ns = n->out.length_ns};
	bool claims = n->out.probe && n->word.counts == HOKM_STAND_IN_CLAIMS;

	if (n->out.probe || tick)
		post(s, q);
	q.what = ARP;
	if (n->word.ask_peer)
		post(s, q);
	q.to = ROUTER;
	if (!n->word.ask_gateway && !claims)
		return;
	n->map.gateway.asked_ns = stand_in_question(
		&n->asked, n->map.gateway.asked_ns, s->conf.length_ns, q.sent_ns);
	post(s, q);
}

static void daemon_step(struct sim *s, unsigned int i, bool tick)
{
	struct node *n = &s->n[i];
	uint64_t now_ns = local_ns(s, n);
	struct grants_conf c = {
		.majority = 2,
		.slots = 1U << PEER | 1U << GATEWAY,
		.stand_in = 1U << GATEWAY,
		.length_ns = s->conf.length_ns,
		.pulse_ns = PULSE_NS,
		.rank = i,
		.seed = i * 77};
	struct grants_input in = {.tick = tick};
	bool granted = now_ns < hokm_grants_end_ns(&n->map), yields;

	/* As VRRP's machine does: of two owners that hear each other one yields. */
	yields = n->owns && i == 1 && now_ns < n->lease_ns;
	n->owns = granted && !yields && (n->owns || n->g.phase == GRANTS_CLAIMING);
	in.owns = n->owns;
	in.wants = !yields;
	look(s, n, now_ns);
	grants_step(&n->g, &c, &n->map, &in, now_ns, &n->out);
	n->claimed |= n->out.wish == HOKM_WISH_OWN;
	if (n->out.raise)
		hokm_grants_raise(&n->map, n->out.epoch);
	else
		hokm_grants_set_wish(&n->map, n->out.wish, n->out.epoch);
	if (n->out.self) {
		struct hokm_grant_ask self = {
			HOKM_GRANT_SELF, n->out.wish, n->out.epoch, n->out.length_ns};

		if (n->out.wish == HOKM_WISH_OWN && n->word.length_ns > self.length_ns)
			self.length_ns = n->word.length_ns;
		(void)hokm_grant_carry_out(&n->map.own, &self, now_ns);
	}
	ask(s, i, tick);
	/* As quorum.c does: an answer may have come by then, or be lost. */
	if (n->word.look_ns && (!n->out.next_ns || n->word.look_ns < n->out.next_ns))
		n->out.next_ns = n->word.look_ns;
}

/* ---- troubles ---- */

static void boot(struct sim *s, unsigned int i)
{
	struct node *n = &s->n[i], fresh = {.offset_ns = n->offset_ns,
					    .rate_ppm = n->rate_ppm,
					    .up = true,
					    .boot = n->boot + 1};

	fresh.map.count.majority = 2;
	fresh.map.gateway.member = GATEWAY;
	fresh.map.own.longest_ns = s->conf.longest_ns;
	fresh.map.own.silent_until_ns = local_ns(s, n) + hokm_grant_silence_ns(s->conf.longest_ns);
	*n = fresh;
}

static void cut(struct sim *s)
{
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int j = 0; j < i; j++) {
			s->cut[i][j] = !below(s, 3);
			s->cut[j][i] = below(s, 4) ? s->cut[i][j] : !s->cut[i][j];
		}
	s->change_ns = s->now_ns + below(s, below(s, 4) ? 150 * MS : 1500 * MS);
}

static void trouble(struct sim *s)
{
	struct node *n;

	if (s->now_ns >= s->change_ns)
		cut(s);
	if (below(s, 400))
		return;
	n = &s->n[below(s, 2)];
	if (below(s, 2))
		n->paused_until_ns = s->now_ns + below(s, 150 * MS);
	else if (n->up)
		n->up = false;
	else
		boot(s, n == &s->n[1]);
}

/* ---- a run ---- */

static unsigned int owners(const struct sim *s)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < 2; i++)
		sum += local_ns(s, &s->n[i]) < owner_until_ns(&s->n[i]);
	return sum;
}

static void note_word(struct sim *s, struct node *n, const struct message *m)
{
	if (s->now_ns >= n->heard_at_ns + gap_ns(s))
		n->touch_ns = s->now_ns;
	n->heard_at_ns = s->now_ns;
	if (m->from != ROUTER)
		n->sign_at_ns = s->now_ns;
	else if (m->left_ns > n->reached_ns)
		n->reached_ns = m->left_ns;
}

static void deliver(struct sim *s, struct message *m)
{
	const struct message copy = *m;

	m->what = NONE;
	if (m->to != ROUTER && (!s->n[m->to].up || s->n[m->to].boot != m->boot))
		return;
	if (copy.to != ROUTER)
		note_word(s, &s->n[copy.to], &copy);
	if (copy.what == PROBE)
		answer(s, &copy);
	else if (copy.what == ANSWER)
		take_in(s, &copy);
	else if (copy.what == ARP)
		arp_answers(s, &copy);
	else if (copy.from == ROUTER)
		gateway_answers(s, &s->n[copy.to]);
	else
		s->n[copy.to].sign_ns = local_ns(s, &s->n[copy.to]);
}

static void run_daemons(struct sim *s)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct node *n = &s->n[i];
		bool tick = s->now_ns >= n->tick_ns;
		uint64_t now_ns = local_ns(s, n);

		if (!n->up || s->now_ns < n->paused_until_ns)
			continue;
		if (!tick && !(n->out.next_ns && now_ns >= n->out.next_ns))
			continue;
		if (tick)
			n->tick_ns = s->now_ns + PULSE_NS + below(s, MS / 4);
		daemon_step(s, i, tick);
	}
}

/* The owner reached the gateway, while the other one was in touch and got no sign of the owner. */
static bool is_that_cut(const struct sim *s, unsigned int owner)
{
	const struct node *other = &s->n[1 - owner];
	uint64_t reached_ns = s->n[owner].reached_ns;

	return reached_ns >= other->sign_at_ns && reached_ns >= other->touch_ns &&
	       s->now_ns < other->heard_at_ns + gap_ns(s);
}

static void run_until(struct sim *s, uint64_t end_ns)
{
	for (; s->now_ns < end_ns; s->now_ns += STEP_NS) {
		if (!s->calm)
			trouble(s);
		for (unsigned int i = 0; i < FLYING_MAX; i++) {
			struct message *m = &s->flying[i];
			bool waits = m->to != ROUTER && s->now_ns < s->n[m->to].paused_until_ns;

			if (m->what != NONE && s->now_ns >= m->at_ns && !waits)
				deliver(s, m);
		}
		run_daemons(s);
		if (is_that_cut(s, 0) || is_that_cut(s, 1) ||
		    (owners(s) > 1 && s->now_ns < s->cut_ns + s->conf.length_ns))
			s->cut_ns = s->now_ns;
		if (owners(s) > 1 && s->cut_ns != s->now_ns)
			fail_msg("seed %llu: two owners at %llu us", (unsigned long long)s->seed,
				 (unsigned long long)(s->now_ns / 1000));
	}
}

static void must_have_owner(const struct sim *s, const char *when)
{
	if (owners(s) != 1)
		fail_msg("seed %llu: %u nodes own %s", (unsigned long long)s->seed, owners(s),
			 when);
}

static void set_up(struct sim *s, uint64_t length_ns)
{
	memset(s, 0, sizeof(*s));
	s->conf = stand_conf;
	s->conf.length_ns = length_ns;
	s->conf.longest_ns = 3 * length_ns;
	s->conf.sole_ns = 2 * length_ns;
}

/* All hear each other, and both nodes boot. */
static void set_up_calm(struct sim *s, uint64_t length_ns, uint64_t seed)
{
	set_up(s, length_ns);
	s->seed = s->random = seed;
	s->calm = true;
	for (unsigned int i = 0; i < 2; i++) {
		s->n[i].offset_ns = 5000 * MS;
		boot(s, i);
	}
}

/*
 * Both nodes own by answers of the gateway, and hear each other again. The lesser one sees the
 * lease of the other one at each of its looks, whenever these are, and yields.
 */
static void of_two_owners_one_yields_whenever_it_looks(void **state)
{
	static struct sim s;

	(void)state;
	for (uint64_t later_ns = 0; later_ns <= PULSE_NS; later_ns += STEP_NS) {
		set_up_calm(&s, LENGTH_NS, 1 + later_ns);
		run_until(&s, 400 * MS);
		must_have_owner(&s, "at first");
		s.cut[0][1] = s.cut[1][0] = true;
		run_until(&s, 500 * MS);
		/* An answer is lost: each one counts from the question before it from then on. */
		s.cut[ROUTER][0] = true;
		run_until(&s, s.now_ns + PULSE_NS);
		s.cut[ROUTER][0] = false;
		run_until(&s, s.now_ns + 3 * PULSE_NS);
		assert_int_equal(owners(&s), 2);
		s.n[1].tick_ns = s.n[0].tick_ns + later_ns;
		run_until(&s, s.n[1].tick_ns);
		s.cut[0][1] = s.cut[1][0] = false;
		run_until(&s, s.now_ns + 3 * PULSE_NS);
		must_have_owner(&s, "three pulses after they hear each other");
	}
}

/*
 * The owner is cut off from the other node, which is cut off from the gateway, too. after_ns later
 * the gateway is where the other node is. Returns for how long both own.
 */
static uint64_t both_own_ns(uint64_t after_ns)
{
	static struct sim s;
	uint64_t both_ns = 0, end_ns;
	unsigned int owner;

	set_up_calm(&s, LONG_NS, 1 + after_ns);
	/* Both know their promises for so long that a claimant waits for a grant only. */
	run_until(&s, 2000 * MS + below(&s, PULSE_NS));
	must_have_owner(&s, "at first");
	owner = local_ns(&s, &s.n[1]) < owner_until_ns(&s.n[1]);
	s.cut[0][1] = s.cut[1][0] = true;
	s.cut[ROUTER][1 - owner] = s.cut[1 - owner][ROUTER] = true;
	run_until(&s, s.now_ns + after_ns);
	s.cut[ROUTER][1 - owner] = s.cut[1 - owner][ROUTER] = false;
	s.cut[ROUTER][owner] = s.cut[owner][ROUTER] = true;
	for (end_ns = s.now_ns + 4 * LONG_NS; s.now_ns < end_ns;) {
		run_until(&s, s.now_ns + STEP_NS);
		both_ns += owners(&s) > 1 ? STEP_NS : 0;
	}
	must_have_owner(&s, "where the gateway is");
	return both_ns;
}

static void run(uint64_t seed, uint64_t length_ns)
{
	static struct sim s;
	unsigned int owner;
	uint64_t calm_ns = 400 * MS + 10 * length_ns, soon_ns = 40 * MS + 2 * length_ns;

	set_up(&s, length_ns);
	s.seed = seed;
	s.random = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (unsigned int i = 0; i < 2; i++) {
		s.n[i].offset_ns = 5000 * MS + below(&s, 1000 * MS);
		s.n[i].rate_ppm = (int64_t)below(&s, 2 * 15000) - 15000;
		boot(&s, i);
	}
	run_until(&s, CHAOS_NS);
	s.calm = true;
	memset(s.cut, 0, sizeof(s.cut));
	for (unsigned int i = 0; i < 2; i++) {
		s.n[i].paused_until_ns = 0;
		if (!s.n[i].up)
			boot(&s, i);
	}
	run_until(&s, CHAOS_NS + calm_ns);
	must_have_owner(&s, "although all hear each other");
	owner = local_ns(&s, &s.n[1]) < owner_until_ns(&s.n[1]);
	s.n[owner].up = false;
	run_until(&s, CHAOS_NS + calm_ns + soon_ns);
	must_have_owner(&s, "after the owner died");
	assert_true(s.n[0].claimed || s.n[1].claimed);
}

static uint64_t number_or(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run_all(uint64_t seeds, uint64_t length_ns)
{
	uint64_t first = number_or("HOKM_SEED", 1);

	seeds = number_or("HOKM_SEEDS", seeds);
	for (uint64_t seed = first; seed < first + seeds; seed++)
		run(seed, length_ns);
}

static void never_two_owners_and_soon_one(void **state)
{
	(void)state;
	run_all(SEEDS, LENGTH_NS);
}

static void with_a_long_grant_the_gateway_changes_over_without_two_owners(void **state)
{
	(void)state;
	for (uint64_t after_ns = 0; after_ns < LONG_NS * 5 / 4; after_ns += 3 * MS)
		assert_int_equal(both_own_ns(after_ns), 0);
}

static void never_two_owners_with_long_grants(void **state)
{
	(void)state;
	run_all(SEEDS / 4, LONG_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_two_owners_one_yields_whenever_it_looks),
		cmocka_unit_test(never_two_owners_and_soon_one),
		cmocka_unit_test(with_a_long_grant_the_gateway_changes_over_without_two_owners),
		cmocka_unit_test(never_two_owners_with_long_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
