/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a group of nodes promises together, on simulated time (vrrp_sim.h): first by scenario, then
 * under random faults from fixed seeds.
 *
 * Safety, as vrrp.h states it: never two leases at one moment,
 *   adverts_only  no pulses; every advert arrives, fast; no preempting
 *   pulses_only   pulses arrive within SIM_STALE_NS; adverts lost, cut, late in any way
 * whatever happens to daemons and nodes meanwhile. Excused in adverts_only, and bounded: two nodes
 * that took a free lease within one message's time of each other. With pulses they announce it.
 *   by_grants     three nodes, whatever is lost, late or cut, and whatever happens to them
 *
 * Liveness, with all of that and partitions: once faults end, one node owns within a second, then
 * the one that should, and it stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "vrrp_sim.h"

#define SEEDS    300
#define CHAOS_NS (6000 * SIM_MS)
#define NOBODY   SIM_NODES

static void run_for(struct sim *s, uint64_t ns)
{
	for (uint64_t end = s->now_ns + ns; s->now_ns < end;)
		sim_tick(s);
}

static unsigned int owner(const struct sim *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (sim_owns(s, i))
			return i;
	return NOBODY;
}

/* Time until node i owns; at no moment do two. Fails after `most_ns`. */
static uint64_t until_owns(struct sim *s, unsigned int i, uint64_t most_ns)
{
	uint64_t start_ns = s->now_ns;

	while (!sim_owns(s, i)) {
		if (s->now_ns > start_ns + most_ns)
			fail_msg("node %u does not own after %llu ms", i,
				 (unsigned long long)(most_ns / SIM_MS));
		sim_tick(s);
		assert_true(sim_owners(s) <= 1);
	}
	return s->now_ns - start_ns;
}

/* All up, node 0 owner. */
static void settle(struct sim *s, unsigned int n)
{
	sim_init(s, n, 1);
	for (unsigned int i = 0; i < n; i++)
		sim_start(s, i);
	until_owns(s, 0, 400 * SIM_MS);
	run_for(s, 500 * SIM_MS);
	assert_int_equal(owner(s), 0);
}

/* ---- scenarios ---- */

static void test_handover_is_gapless(void **state)
{
	struct sim s;

	(void)state;
	for (unsigned int n = 2; n <= SIM_NODES; n++) {
		settle(&s, n);
		s.nodes[0].standby = true;
		sim_event(&s, 0, VRRP_EV_HANDOVER, HOKM_R_OPERATOR);
		assert_false(sim_owns(&s, 0));
		assert_true(until_owns(&s, 1, 100 * SIM_MS) < 6 * SIM_MS);
		assert_int_equal(s.nodes[1].v.reason, HOKM_R_HANDED_OVER);
		run_for(&s, 2000 * SIM_MS);
		assert_int_equal(owner(&s), 1); /* standby does not take it back */
		s.nodes[0].standby = false;
		run_for(&s, 200 * SIM_MS);
		assert_int_equal(owner(&s), 1); /* preempt delay */
		while (sim_owns(&s, 1))
			sim_tick(&s);
		assert_true(until_owns(&s, 0, 100 * SIM_MS) < 6 * SIM_MS);
		assert_int_equal(s.nodes[0].v.reason, HOKM_R_PREEMPT);
		assert_int_equal(s.nodes[1].v.reason, HOKM_R_HIGHER_PRIORITY);
	}
}

static void test_stop_and_fault_hand_over(void **state)
{
	struct sim s;

	(void)state;
	settle(&s, 3);
	sim_stop(&s, 0);
	assert_true(until_owns(&s, 1, 100 * SIM_MS) < 6 * SIM_MS);
	run_for(&s, 50 * SIM_MS);
	s.nodes[1].service_up = false;
	while (sim_owns(&s, 1))
		sim_tick(&s);
	assert_true(until_owns(&s, 2, 100 * SIM_MS) < 6 * SIM_MS);
	assert_int_equal(s.nodes[1].v.state, HOKM_VRRP_FAULT);
	/* Nobody is healthy: the owner keeps it. */
	s.nodes[2].service_up = false;
	run_for(&s, 2000 * SIM_MS);
	assert_int_equal(owner(&s), 2);
	assert_true(s.nodes[2].policy.panic);
	s.nodes[1].service_up = true;
	until_owns(&s, 1, 1000 * SIM_MS);
}

static void test_death_and_stall(void **state)
{
	uint64_t down_ns = vrrp_master_down_ns(3, 128, SIM_ADVER_NS);
	struct sim s;

	(void)state;
	settle(&s, 3);
	sim_kill(&s, 0);
	assert_true(until_owns(&s, 1, 1000 * SIM_MS) <= down_ns + 6 * SIM_MS);

	/*
	 * A stopped daemon's lease ends before the peer takes it; woken, it finds it is not owner.
	 */
	settle(&s, 3);
	sim_freeze(&s, 0, true);
	assert_true(until_owns(&s, 1, 1000 * SIM_MS) <= down_ns + 6 * SIM_MS);
	sim_freeze(&s, 0, false);
	run_for(&s, 10 * SIM_MS);
	assert_int_equal(owner(&s), 1);
	assert_int_equal(s.nodes[0].v.state, HOKM_VRRP_BACKUP);
	until_owns(&s, 0, 1000 * SIM_MS);

	/* A daemon started again within its lease moves nothing. */
	settle(&s, 2);
	sim_crash(&s, 0);
	for (unsigned int t = 0; t < 150 * 4; t++) {
		sim_tick(&s);
		assert_int_equal(owner(&s), 0);
	}
	sim_start(&s, 0);
	for (unsigned int t = 0; t < 1000 * 4; t++) {
		sim_tick(&s);
		assert_int_equal(owner(&s), 0);
		assert_int_equal(sim_owners(&s), 1);
	}
	assert_int_equal(s.nodes[0].v.reason, HOKM_R_ADOPTED);
}

/* All adverts gone, pulses there: the owner stays owner. Both gone: two owners, until it heals. */
static void test_partition(void **state)
{
	struct sim s;

	(void)state;
	settle(&s, 2);
	s.cut_adverts[0][1] = s.cut_adverts[1][0] = true;
	for (unsigned int t = 0; t < 3000 * 4; t++) {
		sim_tick(&s);
		assert_int_equal(sim_owners(&s), 1);
		assert_int_equal(owner(&s), 0);
	}
	s.cut_pulses[0][1] = s.cut_pulses[1][0] = true;
	run_for(&s, 1000 * SIM_MS);
	assert_int_equal(sim_owners(&s), 2);
	memset(s.cut_pulses, 0, sizeof(s.cut_pulses));
	run_for(&s, SIM_STALE_NS);
	assert_int_equal(sim_owners(&s), 1);
	assert_int_equal(owner(&s), 0);
	assert_int_equal(s.nodes[1].v.reason, HOKM_R_OTHER_OWNER);
}

/* ---- chaos ---- */

struct chaos {
	struct sim s;
	uint64_t seed;
	uint64_t race_ns; /* two that took it this close together are excused; 0: none are */
	bool cut_both, cut_adverts;
	uint64_t until_ns[SIM_NODES]; /* frozen, crashed, dead: until then */
	uint64_t next_ns;
	unsigned int takeovers, races;
	bool both[SIM_NODES][SIM_NODES]; /* own at the same moment, judged already */
	uint64_t both_ns[SIM_NODES][SIM_NODES];
};

static void cut(struct chaos *c)
{
	unsigned int a = (unsigned int)sim_random(&c->s, c->s.n);
	unsigned int b = (unsigned int)sim_random(&c->s, c->s.n);
	bool on = sim_random(&c->s, 2);

	c->s.cut_adverts[a][b] = on;
	if (sim_random(&c->s, 2))
		c->s.cut_adverts[b][a] = on;
	if (c->cut_both)
		c->s.cut_pulses[a][b] = on;
	if (c->cut_both && (!c->s.majority || sim_random(&c->s, 2)))
		c->s.cut_pulses[b][a] = on;
}

static void disturb(struct chaos *c, unsigned int i)
{
	struct sim *s = &c->s;

	c->until_ns[i] = s->now_ns + sim_random(s, 700 * SIM_MS);
	switch (sim_random(s, 8)) {
	case 0:
	case 1:
		sim_freeze(s, i, true);
		break;
	case 2:
		sim_crash(s, i);
		break;
	case 3:
		sim_kill(s, i);
		break;
	case 4:
		sim_stop(s, i);
		break;
	case 5:
		s->nodes[i].service_up = false;
		break;
	case 6:
		s->nodes[i].standby = true;
		sim_event(s, i, VRRP_EV_HANDOVER, HOKM_R_OPERATOR);
		break;
	default:
		if (c->cut_adverts)
			cut(c);
		break;
	}
}

static void mend(struct chaos *c, unsigned int i)
{
	sim_freeze(&c->s, i, false);
	sim_start(&c->s, i);
	c->s.nodes[i].service_up = true;
	c->s.nodes[i].standby = false;
	c->until_ns[i] = 0;
}

/* Two own: excused, or the run fails. */
static void judge_pair(struct chaos *c, unsigned int i, unsigned int j)
{
	const struct sim_node *a = &c->s.nodes[i], *b = &c->s.nodes[j];
	const struct sim_node *later = a->took_ns > b->took_ns ? a : b;
	const struct sim_node *first = later == a ? b : a;
	bool race = c->race_ns && later->took_ns - first->took_ns <= c->race_ns;

	if (!c->both[i][j]) {
		c->both[i][j] = true;
		c->both_ns[i][j] = c->s.now_ns;
		c->races += race;
	}
	if (!race)
		fail_msg("seed %llu: nodes %u and %u own at %llu us; taken %llu and %llu us",
			 (unsigned long long)c->seed, i, j,
			 (unsigned long long)(c->s.now_ns / 1000),
			 (unsigned long long)(a->took_ns / 1000),
			 (unsigned long long)(b->took_ns / 1000));
	/* It ends with the next message, or with a lease when a daemon cannot hear it. */
	if (c->s.now_ns - c->both_ns[i][j] > vrrp_lease_ns(3, 0, SIM_ADVER_NS))
		fail_msg("seed %llu: nodes %u and %u go on owning both",
			 (unsigned long long)c->seed, i, j);
}

static void watch(struct chaos *c)
{
	for (unsigned int i = 0; i < c->s.n; i++)
		for (unsigned int j = i + 1; j < c->s.n; j++) {
			if (sim_owns(&c->s, i) && sim_owns(&c->s, j))
				judge_pair(c, i, j);
			else
				c->both[i][j] = false;
		}
}

static void chaos_tick(struct chaos *c)
{
	struct sim *s = &c->s;

	sim_tick(s);
	for (unsigned int i = 0; i < s->n; i++) {
		if (c->until_ns[i] && s->now_ns >= c->until_ns[i])
			mend(c, i);
		c->takeovers += s->nodes[i].took_ns == s->now_ns;
	}
	if (s->now_ns < c->next_ns)
		return;
	c->next_ns = s->now_ns + sim_random(s, 300 * SIM_MS);
	disturb(c, (unsigned int)sim_random(s, s->n));
}

/* Everything mended: one owner within a second, the right one within another, and it stays. */
static void calm(struct chaos *c)
{
	struct sim *s = &c->s;

	memset(s->cut_adverts, 0, sizeof(s->cut_adverts));
	memset(s->cut_pulses, 0, sizeof(s->cut_pulses));
	s->advert_loss = 0;
	for (unsigned int i = 0; i < s->n; i++)
		mend(c, i);
	run_for(s, 1000 * SIM_MS);
	if (sim_owners(s) != 1)
		fail_msg("seed %llu: %u owners a second after the last fault",
			 (unsigned long long)c->seed, sim_owners(s));
	run_for(s, 1000 * SIM_MS);
	for (unsigned int t = 0; t < 500 * 4; t++) {
		sim_tick(s);
		if (sim_owners(s) != 1 || (s->conf.preempt && owner(s) != 0))
			fail_msg("seed %llu: %u owners, first is %u, in calm",
				 (unsigned long long)c->seed, sim_owners(s), owner(s));
	}
	for (unsigned int i = 0; i < s->n; i++)
		assert_false(s->nodes[i].v.claiming);
}

static void chaos(struct chaos *c, unsigned int n, uint64_t seed)
{
	struct sim *s = &c->s;

	c->seed = seed;
	for (unsigned int i = 0; i < n; i++) {
		run_for(s, sim_random(s, 200 * SIM_MS));
		sim_start(s, i);
	}
	c->next_ns = s->now_ns + 1000 * SIM_MS;
	for (uint64_t end = s->now_ns + CHAOS_NS; s->now_ns < end;) {
		chaos_tick(c);
		if (!c->cut_both || s->majority)
			watch(c);
	}
	calm(c);
}

static void test_adverts_only(void **state)
{
	unsigned int takeovers = 0, races = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct chaos c = {0};

		sim_init(&c.s, 2 + seed % 2, seed);
		c.s.pulses = false;
		c.s.conf.preempt = false;
		c.s.advert_delay_ns = 4 * SIM_MS;
		c.race_ns = 4 * SIM_MS + SIM_TICK_NS;
		chaos(&c, c.s.n, seed);
		takeovers += c.takeovers;
		races += c.races;
	}
	print_message("adverts only: %u takeovers, %u races\n", takeovers, races);
	assert_true(takeovers > 5 * SEEDS);
	assert_true(races < takeovers / 20);
}

static void test_pulses_only(void **state)
{
	unsigned int takeovers = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct chaos c = {.cut_adverts = true};

		sim_init(&c.s, 2 + seed % 2, seed);
		c.s.advert_loss = (unsigned int)(seed % 4) * 33;
		c.s.pulse_loss = 20;
		c.s.advert_delay_ns = 150 * SIM_MS;
		chaos(&c, c.s.n, seed);
		takeovers += c.takeovers;
	}
	print_message("pulses only: %u takeovers\n", takeovers);
	assert_true(takeovers > 5 * SEEDS);
}

static void test_partitions_heal(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct chaos c = {.cut_adverts = true, .cut_both = true};

		sim_init(&c.s, 2 + seed % 2, seed);
		c.s.advert_loss = (unsigned int)(seed % 3) * 20;
		chaos(&c, c.s.n, seed);
	}
}

/* Every kind of message is lost and cut, in every direction. */
static void test_by_grants(void **state)
{
	unsigned int takeovers = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct chaos c = {.cut_adverts = true, .cut_both = true};

		sim_init(&c.s, 3, seed);
		c.s.majority = 2;
		c.s.advert_loss = (unsigned int)(seed % 4) * 20;
		c.s.pulse_loss = 10;
		c.s.advert_delay_ns = 50 * SIM_MS;
		chaos(&c, c.s.n, seed);
		takeovers += c.takeovers;
	}
	print_message("by grants: %u takeovers\n", takeovers);
	assert_true(takeovers > 5 * SEEDS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handover_is_gapless),
		cmocka_unit_test(test_stop_and_fault_hand_over),
		cmocka_unit_test(test_death_and_stall),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_adverts_only),
		cmocka_unit_test(test_pulses_only),
		cmocka_unit_test(test_partitions_heal),
		cmocka_unit_test(test_by_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
