/* SPDX-License-Identifier: GPL-2.0-only */
/* When a peer counts as steerable, how often it is asked, and which peers are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decide/steer_test.h"

#define MS    1000000ULL
#define START (1000000 * MS)

static const struct steer_signs SILENT,
	MUTE = {.alive = true}, ASKED = {.alive = true, .asks = true},
	ARRIVED = {.alive = true, .asks = true, .arrived = true},
	REFUSED = {.alive = true, .asks = true, .arrived = true, .refused = true};

/* Looks every 10 ms during this time; returns the number of probes. */
static unsigned int pass(struct steer_test *t, const struct steer_signs *s, uint64_t *now_ns,
			 unsigned int ms)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ms / 10; i++, *now_ns += 10 * MS)
		n += steer_test_look(t, s, *now_ns);
	return n;
}

static void asked_before_it_is_steered_to(void **state)
{
	struct steer_test t = {0};
	uint64_t now_ns = START;

	(void)state;
	assert_int_equal(pass(&t, &SILENT, &now_ns, 5000), 0);
	assert_true(steer_test_look(&t, &ASKED, now_ns)); /* at once */
	assert_int_equal(t.state, STEER_UNTESTED);
	assert_in_range(pass(&t, &ASKED, &now_ns, 500), 20, 30);
	assert_int_equal(t.state, STEER_UNTESTED);
	pass(&t, &ARRIVED, &now_ns, 10);
	assert_int_equal(t.state, STEER_GOOD);
	assert_in_range(pass(&t, &ARRIVED, &now_ns, 10000), 9, 11);
	assert_int_equal(t.state, STEER_GOOD);
}

static void bad_when_none_arrives(void **state)
{
	struct steer_test t = {0};
	uint64_t now_ns = START;

	(void)state;
	pass(&t, &ASKED, &now_ns, 1000);
	assert_int_equal(t.state, STEER_UNTESTED);
	pass(&t, &ASKED, &now_ns, 20);
	assert_int_equal(t.state, STEER_BAD);
	assert_in_range(pass(&t, &ASKED, &now_ns, 10000), 9, 11); /* and goes on asking */
	pass(&t, &ARRIVED, &now_ns, 10);
	assert_int_equal(t.state, STEER_GOOD);
}

/* Its first question waits for ARP, and is sent after a second or two: until then none counts. */
static void the_peer_must_know_us(void **state)
{
	struct steer_test t = {0};
	uint64_t now_ns = START;

	(void)state;
	assert_in_range(pass(&t, &MUTE, &now_ns, 2100), 90, 110);
	assert_int_equal(t.state, STEER_UNTESTED);
	assert_true(steer_test_waits(&t));
	/* Then the limit counts anew ... */
	pass(&t, &ASKED, &now_ns, 1000);
	assert_int_equal(t.state, STEER_UNTESTED);
	pass(&t, &ARRIVED, &now_ns, 10);
	assert_int_equal(t.state, STEER_GOOD);
	/* ... from the first question on: between two looks there may be none. */
	t = (struct steer_test){0};
	pass(&t, &MUTE, &now_ns, 1500);
	pass(&t, &ASKED, &now_ns, 10);
	pass(&t, &MUTE, &now_ns, 980);
	assert_int_equal(t.state, STEER_UNTESTED);
	pass(&t, &MUTE, &now_ns, 30);
	assert_int_equal(t.state, STEER_BAD);
}

static void a_peer_that_never_asks_is_bad_in_the_end(void **state)
{
	struct steer_test t = {0};
	uint64_t now_ns = START;

	(void)state;
	pass(&t, &MUTE, &now_ns, 5000);
	assert_int_equal(t.state, STEER_UNTESTED);
	pass(&t, &MUTE, &now_ns, 20);
	assert_int_equal(t.state, STEER_BAD);
	assert_false(steer_test_waits(&t));
	/* What it asked before this node's first probe is no proof. */
	t = (struct steer_test){0};
	pass(&t, &SILENT, &now_ns, 10);
	assert_true(steer_test_look(&t, &ASKED, now_ns));
	pass(&t, &MUTE, &now_ns, 2000);
	assert_int_equal(t.state, STEER_UNTESTED);
}

/* The daemon started again: it has another nonce, and the peer has seen no probe with it yet. */
static void good_until_a_test_fails(void **state)
{
	struct steer_test t = {.state = STEER_GOOD};
	uint64_t now_ns = START;

	(void)state;
	pass(&t, &ASKED, &now_ns, 900);
	assert_int_equal(t.state, STEER_GOOD);
	pass(&t, &ARRIVED, &now_ns, 10);
	pass(&t, &ASKED, &now_ns, 900);
	assert_int_equal(t.state, STEER_GOOD);
	pass(&t, &ASKED, &now_ns, 1200);
	assert_int_equal(t.state, STEER_BAD);
}

/* A peer that answers nothing says nothing about steered frames. */
static void silence_is_no_failure(void **state)
{
	struct steer_test t = {.state = STEER_GOOD};
	uint64_t now_ns = START;

	(void)state;
	pass(&t, &ASKED, &now_ns, 500);
	pass(&t, &SILENT, &now_ns, 60000);
	pass(&t, &ASKED, &now_ns, 500);
	assert_int_equal(t.state, STEER_GOOD);
}

/*
 * As the daemon looks: at each tick while the test waits, else every 100 ms. A network that loses
 * many probes must not make a peer look as if none arrived.
 */
static unsigned int pass_quiet(struct steer_test *t, const struct steer_signs *s, uint64_t *now_ns,
			       unsigned int ms)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ms / 10; i++, *now_ns += 10 * MS)
		if (steer_test_waits(t) || i % 10 == 0)
			n += steer_test_look(t, s, *now_ns);
	return n;
}

static void the_test_waits_while_an_answer_is_awaited(void **state)
{
	struct steer_test t = {.state = STEER_GOOD};
	uint64_t now_ns = START;

	(void)state;
	assert_false(steer_test_waits(&t));
	assert_in_range(pass_quiet(&t, &ARRIVED, &now_ns, 10000), 9, 11);
	assert_false(steer_test_waits(&t));
	assert_in_range(pass_quiet(&t, &ASKED, &now_ns, 1800), 40, 60);
	/* A peer that is silent, or is known not to be steerable, waits for nothing. */
	pass_quiet(&t, &SILENT, &now_ns, 100);
	assert_false(steer_test_waits(&t));
	t = (struct steer_test){0};
	assert_in_range(pass_quiet(&t, &ASKED, &now_ns, 1000), 40, 60);
	assert_true(steer_test_waits(&t));
	pass_quiet(&t, &ASKED, &now_ns, 200);
	assert_int_equal(t.state, STEER_BAD);
	assert_false(steer_test_waits(&t));
}

static void refused_whatever_arrives(void **state)
{
	struct steer_test t = {.state = STEER_GOOD};
	uint64_t now_ns = START;

	(void)state;
	assert_int_equal(pass(&t, &REFUSED, &now_ns, 1000), 0);
	assert_int_equal(t.state, STEER_BAD);
	pass(&t, &ARRIVED, &now_ns, 10);
	assert_int_equal(t.state, STEER_GOOD);
}

/* ---- refused for its MAC address ---- */

#define MAC(n)                   \
	{                        \
		2, 0, 0, 0, 0, n \
	}
#define SAME_MAC_TEXT    "another peer has the same MAC address"
#define GATEWAY_MAC_TEXT "it has the MAC address of the default gateway"

static void no_peer_with_the_mac_of_another_is_steered_to(void **state)
{
	struct steer_macs m = {.peer = {MAC(1), MAC(2), MAC(1)}, .gateway = MAC(9)};

	(void)state;
	assert_int_equal(steer_refusal(&m, 0), STEER_TWIN);
	assert_int_equal(steer_refusal(&m, 1), STEER_FINE);
	assert_int_equal(steer_refusal(&m, 2), STEER_TWIN);
	assert_string_equal(steer_why_text(STEER_TWIN), SAME_MAC_TEXT);
	/* They differ in one byte only, whichever it is. */
	for (unsigned int i = 0; i < 6; i++) {
		m = (struct steer_macs){.peer = {MAC(1), MAC(1)}};
		m.peer[1][i] ^= 0x80;
		assert_int_equal(steer_refusal(&m, 0), STEER_FINE);
		assert_int_equal(steer_refusal(&m, 1), STEER_FINE);
	}
}

static void no_peer_with_the_mac_of_the_gateway_is_steered_to(void **state)
{
	struct steer_macs m = {.peer = {MAC(1), MAC(2)}, .gateway = MAC(2)};

	(void)state;
	assert_int_equal(steer_refusal(&m, 0), STEER_FINE);
	assert_int_equal(steer_refusal(&m, 1), STEER_GATEWAY);
	assert_string_equal(steer_why_text(STEER_GATEWAY), GATEWAY_MAC_TEXT);
}

/* Peers that never answered, unused slots and a machine without a gateway have no MAC address. */
static void unknown_macs_are_no_twins(void **state)
{
	struct steer_macs m = {.peer = {MAC(1)}};

	(void)state;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		assert_int_equal(steer_refusal(&m, slot), STEER_FINE);
	assert_null(steer_why_text(STEER_FINE));
}

/* A peer that is refused while it is silent stays refused when it answers again. */
static void refused_peer_is_not_steered_to_when_it_comes_back(void **state)
{
	const struct steer_signs gone = {.refused = true};
	struct steer_test t = {.state = STEER_GOOD};
	uint64_t now_ns = START;

	(void)state;
	pass(&t, &gone, &now_ns, 10);
	assert_int_equal(t.state, STEER_BAD);
	pass(&t, &REFUSED, &now_ns, 10);
	assert_int_equal(t.state, STEER_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_before_it_is_steered_to),
		cmocka_unit_test(bad_when_none_arrives),
		cmocka_unit_test(the_peer_must_know_us),
		cmocka_unit_test(a_peer_that_never_asks_is_bad_in_the_end),
		cmocka_unit_test(good_until_a_test_fails),
		cmocka_unit_test(silence_is_no_failure),
		cmocka_unit_test(the_test_waits_while_an_answer_is_awaited),
		cmocka_unit_test(refused_whatever_arrives),
		cmocka_unit_test(no_peer_with_the_mac_of_another_is_steered_to),
		cmocka_unit_test(no_peer_with_the_mac_of_the_gateway_is_steered_to),
		cmocka_unit_test(unknown_macs_are_no_twins),
		cmocka_unit_test(refused_peer_is_not_steered_to_when_it_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
