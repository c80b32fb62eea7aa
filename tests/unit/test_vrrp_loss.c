/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Never two owners when adverts are lost on the way to a keepalived peer, which sees no lease. The
 * real machine is the owner. Every pattern of ADVERTS adverts is played in which the peer misses no
 * two in a row; after the last one the owner's daemon stops, so that its lease runs out alone. The
 * peer is a Master_Down timer, counted from the newest advert that it heard, as RFC 9568 section
 * 6.4.2 and RFC 2338 section 6.4.2 have it. The adverts arrive at once, which is the worst case: a
 * later arrival makes the peer wait longer.
 *
 * And without loss the owner stays owner, although its daemon is late by half an interval each
 * time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>

#include "decide/vrrp.h"

#define MS      1000000ULL
#define ADVERTS 10U

static const struct group {
	uint8_t version, peer_priority;
	uint64_t adver_ns;
} groups[] = {
	{2, 100, 1000 * MS}, {2, 1, 1000 * MS},   {2, 109, 1000 * MS},   {2, 254, 1000 * MS},
	{2, 255, 1000 * MS}, {2, 100, 5000 * MS}, {2, 254, 255000 * MS}, {3, 100, 1000 * MS},
	{3, 1, 100 * MS},    {3, 100, 100 * MS},  {3, 254, 10 * MS},     {3, 200, 40950 * MS},
};
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

struct owner {
	struct vrrp v;
	struct vrrp_view view;
	uint64_t now_ns, sent_ns;
};

static void step(struct owner *o, enum vrrp_event_kind kind)
{
	struct vrrp_event ev = {.kind = kind, .sent_ns = o->sent_ns, .view = o->view};
	struct vrrp_actions acts;

	vrrp_step(&o->v, &ev, o->now_ns, &acts);
}

/* The timer fires, late by late_ns, and the advert is sent. */
static void send_next(struct owner *o, uint64_t late_ns)
{
	o->now_ns = o->v.timer_at_ns + late_ns;
	step(o, VRRP_EV_TIMER);
	o->sent_ns = o->now_ns;
	step(o, VRRP_EV_SENT);
}

static void begin(struct owner *o, const struct group *g)
{
	struct vrrp_conf conf = {.version = g->version,
				 .priority = 110,
				 .adver_ns = g->adver_ns,
				 .addr = {.s_addr = htonl(0x0a000001)}};

	*o = (struct owner){.now_ns = 1000 * MS, .view.mute_priority = g->peer_priority};
	vrrp_init(&o->v, &conf, o->now_ns);
	step(o, VRRP_EV_START);
	send_next(o, 0);
	assert_int_equal(o->v.state, HOKM_VRRP_MASTER);
}

/* Bit i of lost: the peer misses advert i. The peer takes the VIP at the moment returned. */
static uint64_t play(struct owner *o, const struct group *g, unsigned int lost)
{
	uint64_t heard_ns = o->sent_ns;

	for (unsigned int i = 0; i < ADVERTS; i++) {
		send_next(o, 0);
		if (!(lost & 1U << i))
			heard_ns = o->sent_ns;
	}
	return heard_ns + vrrp_master_down_ns(g->version, g->peer_priority, g->adver_ns);
}

static void test_a_missed_advert_makes_no_second_owner(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GROUPS; i++)
		for (unsigned int lost = 0; lost < 1U << ADVERTS; lost++) {
			const struct group *g = &groups[i];
			uint64_t takes_ns;
			struct owner o;

			if (lost & lost >> 1)
				continue; /* two in a row */
			begin(&o, g);
			takes_ns = play(&o, g, lost);
			if (o.v.lease_until_ns >= takes_ns)
				fail_msg("v%u priority %u, lost %#x: the lease ends %llu us late",
					 g->version, g->peer_priority, lost,
					 (unsigned long long)((o.v.lease_until_ns - takes_ns) /
							      1000));
		}
}

static void test_no_lapse_without_loss(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GROUPS; i++) {
		struct owner o;

		begin(&o, &groups[i]);
		for (unsigned int n = 0; n < 100; n++) {
			uint64_t until_ns = o.v.lease_until_ns;

			send_next(&o, n % 2 ? groups[i].adver_ns / 2 : 0);
			assert_true(o.sent_ns < until_ns);
			assert_int_equal(o.v.state, HOKM_VRRP_MASTER);
		}
	}
}

/* Peers that see the lease by pulse do not shorten it. */
static void test_the_lease_is_long_with_pulses(void **state)
{
	(void)state;
	assert_int_equal(vrrp_lease_ns(2, 0, 1000 * MS), 2750 * MS);
	assert_int_equal(vrrp_lease_ns(2, 100, 1000 * MS) / MS, 2359);
	assert_int_equal(vrrp_lease_ns(3, 0, 100 * MS), 275 * MS);
	assert_int_equal(vrrp_lease_ns(3, 254, 100 * MS) / MS, 175);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_missed_advert_makes_no_second_owner),
		cmocka_unit_test(test_no_lapse_without_loss),
		cmocka_unit_test(test_the_lease_is_long_with_pulses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
