/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node whose daemon was stopped: new connections that still come to it go to the node that owns,
 * as its probes say, for cfg.linger_ns, and no longer than the probes come.
 */
#include "pulse_spec.h"

#define SYN1       SEG(.flags = SYN, .seq = 1000)
#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

/* The daemon showed its last sign of life this long ago. clean: it was stopped, not killed. */
static void daemon_gone(struct fix *x, uint64_t ago_ns, uint64_t linger_ns, bool clean)
{
	struct hokm_own own = {.state = HOKM_VRRP_INIT, .successor = HOKM_NO_PEER};
	uint64_t now_ns = fix_now();

	own.daemon_ns = now_ns - ago_ns;
	fix_own(x, &own);
	x->cfg.linger_ns = linger_ns;
	if (clean)
		x->cfg.pulse_nonce = 0;
	fix_cfg(x);
	for (unsigned int slot = 0; slot < 2; slot++) {
		struct hokm_peer p = fix_alive_peer(slot);

		/* Alive when the daemon asked last, and nobody's lease runs any more. */
		p.seen_ns = own.daemon_ns;
		p.daemon_seen_ns = own.daemon_ns;
		p.lease_until_ns = own.daemon_ns;
		fix_peer_set(x, slot, &p);
	}
}

/* A probe of the peer: its lease runs for this long. */
static void hear(struct fix *x, unsigned int slot, uint64_t sent, uint64_t lease_ns)
{
	struct hokm_pulse p = pulse_probe_of(x, slot, 0xabcdef, sent);
	struct frame f;

	p.state = lease_ns ? HOKM_VRRP_MASTER : HOKM_VRRP_BACKUP;
	p.lease_left_ns = htobe64(lease_ns);
	p.epoch = htobe64(8);
	p.svc[0].tag = htonl(SERVICE_TAG);
	p.svc[0].state = HOKM_SVC_UP;
	pulse_sign(x, slot, &p);
	pulse_frame_of(&f, slot, &p);
	fix_ingress(x, &f);
}

static void expect_fenced(struct fix *x)
{
	struct frame f;

	frame_tcp(&f, SYN1);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

static void syn_goes_to_the_owner_that_the_probes_name(void **state)
{
	struct fix *x = *state;

	daemon_gone(x, SECOND_NS, LONG_NS, true);
	hear(x, 1, 1, LONG_NS);
	assert_true(fix_peer(x, 1).lease_until_ns > fix_now());
	assert_int_equal(fix_peer(x, 1).epoch, 8);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void syn_follows_the_owner_that_changes(void **state)
{
	struct fix *x = *state;

	daemon_gone(x, SECOND_NS, LONG_NS, true);
	hear(x, 1, 1, LONG_NS);
	hear(x, 1, 2, 0);
	hear(x, 0, 1, LONG_NS);
	expect_in_steer(x, SYN1, PEER0_MAC);
}

static void killed_daemon_is_the_same(void **state)
{
	struct fix *x = *state;

	daemon_gone(x, SECOND_NS, LONG_NS, false);
	hear(x, 1, 1, LONG_NS);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void nothing_is_steered_when_nobody_owns(void **state)
{
	struct fix *x = *state;

	daemon_gone(x, SECOND_NS, LONG_NS, true);
	hear(x, 0, 1, 0);
	hear(x, 1, 1, 0);
	expect_fenced(x);
}

/* A peer whose probes stop is believed as long as its lease runs, and not longer. */
static void nothing_is_steered_when_the_probes_stop(void **state)
{
	struct fix *x = *state;
	uint64_t until_ns;

	daemon_gone(x, SECOND_NS, LONG_NS, true);
	hear(x, 1, 1, 1000000);
	until_ns = fix_peer(x, 1).lease_until_ns;
	while (fix_now() <= until_ns)
		;
	expect_fenced(x);
}

static void linger_that_is_over_steers_nothing(void **state)
{
	struct fix *x = *state;
	uint64_t before;

	daemon_gone(x, 2 * SECOND_NS, SECOND_NS, true);
	before = fix_peer(x, 1).lease_until_ns;
	hear(x, 1, 1, LONG_NS);
	assert_int_equal(x->verdict, 3); /* the pulse is answered all the same */
	assert_int_equal(fix_peer(x, 1).lease_until_ns, before);
	expect_fenced(x);
}

static void linger_of_zero_steers_nothing(void **state)
{
	struct fix *x = *state;

	daemon_gone(x, SECOND_NS, 0, true);
	hear(x, 1, 1, LONG_NS);
	expect_fenced(x);
}

/* A daemon that asks knows better what is true now than a probe, which may have been held back. */
static void probes_say_nothing_to_a_node_with_a_daemon(void **state)
{
	struct fix *x = *state;
	struct hokm_peer before = fix_peer(x, 1);

	x->cfg.linger_ns = LONG_NS;
	fix_cfg(x);
	hear(x, 1, 1, LONG_NS);
	assert_int_equal(x->verdict, 3);
	assert_int_equal(fix_peer(x, 1).lease_until_ns, before.lease_until_ns);
	assert_int_equal(fix_peer(x, 1).epoch, before.epoch);
}

static void forged_and_replayed_probes_name_no_owner(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;
	struct frame f;

	daemon_gone(x, SECOND_NS, LONG_NS, true);
	p = pulse_probe_of(x, 1, 0xabcdef, 1);
	p.lease_left_ns = htobe64(LONG_NS);
	pulse_frame_of(&f, 1, &p);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, drop_pulse_tag), 1);
	hear(x, 1, 5, 0);
	hear(x, 1, 4, LONG_NS);
	assert_int_equal(NODE(x, drop_pulse_replay), 1);
	assert_true(fix_peer(x, 1).lease_until_ns < fix_now());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(syn_goes_to_the_owner_that_the_probes_name),
		HOKM_TEST(syn_follows_the_owner_that_changes),
		HOKM_TEST(killed_daemon_is_the_same),
		HOKM_TEST(nothing_is_steered_when_nobody_owns),
		HOKM_TEST(nothing_is_steered_when_the_probes_stop),
		HOKM_TEST(linger_that_is_over_steers_nothing),
		HOKM_TEST(linger_of_zero_steers_nothing),
		HOKM_TEST(probes_say_nothing_to_a_node_with_a_daemon),
		HOKM_TEST(forged_and_replayed_probes_name_no_owner),
	};

	return cmocka_run_group_tests(tests, fix_open, fix_close);
}
