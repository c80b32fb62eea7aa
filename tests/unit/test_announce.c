/* SPDX-License-Identifier: GPL-2.0-only */
/* When gratuitous ARP is sent, and when a node tells the owner of misdirected packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decide/announce.h"

#define MS  1000000ULL
#define S   (1000 * MS)
#define NOW (1000 * S)

static const struct announce_conf conf = {
	.count = 5, .gap_ns = 100 * MS, .delay_ns = 5 * S, .refresh_ns = 60 * S};
static const struct announce_conf no_delay = {.count = 5, .gap_ns = 100 * MS, .refresh_ns = 60 * S};

/* Packets from `from` to `to`, both in tenths of a second after NOW; the signs are looked at. */
static unsigned int packets(struct announce *a, const struct announce_conf *c,
			    const struct announce_signs *s, unsigned int from, unsigned int to)
{
	unsigned int sent = 0;

	for (unsigned int i = from; i < to; i++) {
		uint64_t now_ns = NOW + i * 100 * MS;

		(void)announce_look(a, c, s, now_ns);
		sent += announce_step(a, c, now_ns);
	}
	return sent;
}

static const struct announce_signs calm = {.owner = true, .joined_ns = NOW};

static void a_burst_is_not_the_last_word_for_a_minute(void **state)
{
	static const struct {
		unsigned int from, to, packets;
	} rows[] = {
		{0, 5, 5},    /* the burst */
		{5, 50, 0},   /* silence */
		{50, 55, 5},  /* once more after the delay */
		{55, 654, 0}, /* and then only the refresh */
		{654, 655, 1}, {655, 1254, 0}, {1254, 1255, 1},
	};
	struct announce a = {0};

	(void)state;
	announce_burst(&a, &conf, NOW);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(packets(&a, &conf, &calm, rows[i].from, rows[i].to),
				 rows[i].packets);
}

static void without_a_delay_nothing_repeats_a_burst(void **state)
{
	const struct announce_signs s = {.owner = true, .misdirected = true, .joined_ns = NOW};
	struct announce a = {0};

	(void)state;
	announce_burst(&a, &no_delay, NOW);
	assert_int_equal(packets(&a, &no_delay, &s, 0, 604), 5);
	assert_int_equal(packets(&a, &no_delay, &s, 604, 605), 1);
}

static void one_packet_against_a_rival_and_a_burst_later(void **state)
{
	struct announce a = {0};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		announce_once(&a, &conf, NOW + i * S);
		assert_int_equal(packets(&a, &conf, &calm, i * 10, i * 10 + 10), 1);
	}
	assert_int_equal(packets(&a, &conf, &calm, 30, 50), 0);
	assert_int_equal(packets(&a, &conf, &calm, 50, 600), 5);
}

static void who_is_not_owner_announces_nothing(void **state)
{
	const struct announce_signs s = {.misdirected = true, .joined_ns = NOW};
	struct announce a = {0};

	(void)state;
	announce_burst(&a, &conf, NOW);
	announce_end(&a);
	assert_int_equal(packets(&a, &conf, &s, 0, 2000), 0);
	assert_int_equal(a.next_ns, 0);
}

/* ---- signs of others ---- */

static void misdirected_packets_lead_to_a_burst_each_five_seconds(void **state)
{
	const struct announce_signs s = {.owner = true, .misdirected = true, .joined_ns = NOW};
	struct announce a = {0};

	(void)state;
	announce_burst(&a, &no_delay, NOW - 30 * S);
	assert_int_equal(packets(&a, &no_delay, &calm, 0, 1), 1);
	a.left = 0;
	assert_false(announce_look(&a, &conf, &calm, NOW));
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(packets(&a, &conf, &s, i * 50, i * 50 + 5), 5);
		assert_int_equal(packets(&a, &conf, &s, i * 50 + 5, i * 50 + 50), 0);
	}
	/* The flag is gone: the last burst was the last. */
	assert_int_equal(packets(&a, &conf, &calm, 1000, 1500), 0);
}

static void a_peer_that_is_back_leads_to_a_burst_and_one_after_the_delay(void **state)
{
	struct announce_signs s = {.owner = true, .joined_ns = NOW};
	struct announce a = {0};

	(void)state;
	assert_int_equal(packets(&a, &conf, &s, 0, 100), 0); /* it was there before */
	s.joined_ns = NOW + 10 * S;
	assert_int_equal(packets(&a, &conf, &s, 100, 105), 5);
	assert_int_equal(packets(&a, &conf, &s, 105, 150), 0);
	assert_int_equal(packets(&a, &conf, &s, 150, 155), 5);
	assert_int_equal(packets(&a, &conf, &s, 155, 600), 0);
}

static void a_peer_that_comes_and_goes_makes_no_flood(void **state)
{
	struct announce_signs s = {.owner = true, .joined_ns = NOW};
	struct announce a = {0};
	unsigned int sent = 0;

	(void)state;
	for (unsigned int i = 0; i < 600; i++) {
		s.joined_ns = NOW + i * 100 * MS;
		sent += packets(&a, &conf, &s, i, i + 1);
	}
	/* A minute: 12 times 5 s. */
	assert_in_range(sent, 5, 12 * 5 + 5);
	/* The last return is not forgotten: it is answered when the gap is over. */
	assert_int_equal(packets(&a, &conf, &s, 600, 660) > 0, 1);
}

static void a_long_delay_is_the_gap_too(void **state)
{
	const struct announce_signs s = {.owner = true, .misdirected = true, .joined_ns = NOW};
	const struct announce_conf slow = {.count = 2, .gap_ns = 100 * MS, .delay_ns = 20 * S};
	struct announce a = {.joined_ns = NOW};

	(void)state;
	assert_int_equal(packets(&a, &slow, &s, 0, 200), 2);
	assert_int_equal(packets(&a, &slow, &s, 200, 400), 2);
}

/* ---- at a node that is not owner ---- */

static void the_owner_is_told_of_misdirected_packets(void **state)
{
	static const struct {
		const char *what;
		unsigned int at_ms;
		bool owner;
		uint64_t direct;
		bool told;
	} rows[] = {
		{"the owner gets clients' packets of right", 0, true, 7000, false},
		{"what came before does not count", 1000, false, 9000, false},
		{"nothing came", 2000, false, 9000, false},
		{"two counters that were not read at once", 3000, false, 9001, false},
		{"and were again", 4000, false, 8999, false},
		{"a client that sends little", 5000, false, 9001, false},
		{"and again", 6000, false, 9002, true},
		{"for three seconds", 8900, false, 9002, true},
		{"and no longer", 9100, false, 9002, false},
		{"clients", 10000, false, 9999, true},
		{"it became owner", 11000, true, 12000, false},
		{"and is none any more", 12000, false, 20000, false},
	};
	struct misdirected m = {0};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (misdirected_look(&m, rows[i].owner, rows[i].direct, NOW + rows[i].at_ms * MS) !=
		    rows[i].told)
			fail_msg("%s", rows[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_not_the_last_word_for_a_minute),
		cmocka_unit_test(without_a_delay_nothing_repeats_a_burst),
		cmocka_unit_test(one_packet_against_a_rival_and_a_burst_later),
		cmocka_unit_test(who_is_not_owner_announces_nothing),
		cmocka_unit_test(misdirected_packets_lead_to_a_burst_each_five_seconds),
		cmocka_unit_test(a_peer_that_is_back_leads_to_a_burst_and_one_after_the_delay),
		cmocka_unit_test(a_peer_that_comes_and_goes_makes_no_flood),
		cmocka_unit_test(a_long_delay_is_the_gap_too),
		cmocka_unit_test(the_owner_is_told_of_misdirected_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
