/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A witness has a slot as a peer has, and answers pulses. It may be any machine of the segment,
 * also the router through which the clients come: its frames are those of clients, it gets none of
 * their connections, and it has no right to a VIP.
 */
#include "pulse_spec.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define NODE(x, c)  fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define ARP_REPLY   2
#define WITNESS     1
#define DATA        SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .payload = 10)

/* Slot 1 is a witness that has answered, and says what none would: that its service is UP. */
static void witness_answers(struct fix *x)
{
	const struct hokm_peer nothing = {0};
	struct hokm_pulse p;
	struct frame f;

	fix_peer_set(x, WITNESS, &nothing);
	x->cfg.peer[WITNESS].witness = 1;
	x->cfg.n_order = 1;
	x->cfg.order[0] = 0;
	fix_cfg(x);
	p = pulse_answer_of(x, WITNESS, fix_now());
	p.state = HOKM_VRRP_INIT;
	p.lease_left_ns = 0;
	p.daemon_age_ns = 0;
	pulse_sign(x, WITNESS, &p);
	pulse_frame_of(&f, WITNESS, &p);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, pulse_answers), 1);
	assert_int_equal(fix_peer(x, WITNESS).svc[2].state, 0);
}

/* It says a moment later that it heard the node with this address this long ago. */
static void witness_says(struct fix *x, uint32_t addr, uint64_t age_ns)
{
	struct hokm_pulse p = pulse_answer_of(x, WITNESS, fix_now());
	struct frame f;

	memset(p.heard, 0, sizeof(p.heard));
	p.heard[HOKM_MAX_SERVICES - 1].addr = htonl(addr);
	p.heard[HOKM_MAX_SERVICES - 1].age_us = htonl((uint32_t)(age_ns / 1000));
	pulse_sign(x, WITNESS, &p);
	pulse_frame_of(&f, WITNESS, &p);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, pulse_answers), 1);
}

/* A player on peer 0, of which this node has heard nothing for a long time. */
static void player_of_a_silent_node(struct fix *x)
{
	const struct hokm_peer nothing = {0};
	struct hokm_conn c = conn_known(0);

	fix_peer_set(x, WITNESS, &nothing);
	x->cfg.peer[WITNESS].witness = 1;
	fix_cfg(x);
	fix_peer_dead(x, 0);
	fix_conn_put(x, &c);
}

/* Rule 11: this node is cut from the other one, which is alive and has its players. */
static void a_player_of_a_node_that_a_witness_hears_is_not_notified(void **state)
{
	struct fix *x = *state;

	player_of_a_silent_node(x);
	witness_says(x, PEER0_ADDR, SECOND_NS / 1000);
	expect_in_steer(x, DATA, PEER0_MAC);
	assert_int_equal(COUNT(x, answered_dead), 0);
	assert_int_equal(COUNT(x, steered_conn), 1);
}

/* Else no player of a dead node would ever be notified. */
static void other_words_of_a_witness_are_no_sign(void **state)
{
	static const struct {
		uint32_t addr;
		uint64_t age_ns;
		bool witness;
	} rows[] = {
		{PEER0_ADDR, 2 * LIMIT_NS, true}, {PEER0_ADDR, UINT32_MAX * 1000ULL, true},
		{OWN_ADDR, 1000, true},           {PEER1_ADDR, 1000, true},
		{OTHER_ADDR, 1000, true},         {0, 0, true},
		{PEER0_ADDR, 1000, false},
	};
	struct fix *x = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fix_reset(state);
		player_of_a_silent_node(x);
		x->cfg.peer[WITNESS].witness = rows[i].witness;
		fix_cfg(x);
		witness_says(x, rows[i].addr, rows[i].age_ns);
		fix_in(x, DATA);
		if (COUNT(x, answered_dead) != 1)
			fail_msg("row %zu counted as a sign of the peer", i);
	}
}

/* What the witness heard is older than what this node heard itself. */
static void a_witness_makes_no_sign_older(void **state)
{
	struct hokm_peer peer = fix_alive_peer(0);
	struct fix *x = *state;

	player_of_a_silent_node(x);
	fix_peer_set(x, 0, &peer);
	witness_says(x, PEER0_ADDR, SECOND_NS / 1000);
	assert_int_equal(fix_peer(x, 0).alive_ns, peer.alive_ns);
}

/* Else a node that is no owner would serve all that the router sends it. */
static void clients_behind_a_witness_are_not_taken_as_steered(void **state)
{
	struct hokm_peer owner = fix_alive_peer(0);
	struct fix *x = *state;

	witness_answers(x);
	owner.lease_until_ns = fix_now() + LONG_NS;
	fix_peer_set(x, 0, &owner);
	fix_owner(x, false);
	expect_in_steer(x, SEG(.eth.from = PEER1_MAC, .flags = SYN, .seq = 1000), PEER0_MAC);
	assert_int_equal(COUNT(x, syn_steered_in), 0);
	fix_owner(x, true);
	expect_in_pass(x, SEG(.eth.from = PEER1_MAC, .sport = 40001, .flags = SYN, .seq = 1000));
	assert_int_equal(COUNT(x, syn_steered_in), 0);
	assert_int_equal(COUNT(x, steered_in), 0);
}

static void no_connection_goes_to_a_witness(void **state)
{
	struct fix *x = *state;

	witness_answers(x);
	fix_peer_dead(x, 0);
	/* This server is down, and the only other machine that answers is the witness. */
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 1000));
	/* Nobody is known to hold this one. */
	expect_in_pass(x, SEG(.sport = 40001, .flags = ACK, .seq = 5, .ack = 7));
	assert_int_equal(COUNT(x, steered_syn) + COUNT(x, second_chance), 0);
}

static void a_witness_that_claims_the_vip_is_reported(void **state)
{
	struct fix *x = *state;
	struct frame f;

	witness_answers(x);
	frame_arp(&f, &(struct eth_spec){.from = PEER1_MAC}, ARP_REPLY, VIP_ADDR, CLIENT_ADDR);
	fix_ingress(x, &f);
	assert_int_equal(NODE(x, arp_foreign), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(clients_behind_a_witness_are_not_taken_as_steered),
		HOKM_TEST(no_connection_goes_to_a_witness),
		HOKM_TEST(a_player_of_a_node_that_a_witness_hears_is_not_notified),
		HOKM_TEST(other_words_of_a_witness_are_no_sign),
		HOKM_TEST(a_witness_makes_no_sign_older),
		HOKM_TEST(a_witness_that_claims_the_vip_is_reported),
	};

	return cmocka_run_group_tests(tests, fix_open, fix_close);
}
