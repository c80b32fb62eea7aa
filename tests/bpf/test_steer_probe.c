/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steered probes: a genuine one from a peer's MAC address is noted and reported in the answers to
 * that peer; all others are dropped. A peer that is not steerable gets nothing new, and keeps what
 * it has.
 */
#include "act/probe_send.h"
#include "pulse_spec.h"

#define XDP_VERDICT_DROP 1
#define XDP_VERDICT_TX   3

#define NONCE      4711
#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

#define SYN1 SEG(.flags = SYN, .seq = 1000)
#define ACK1 SEG(.flags = ACK, .seq = 1001, .ack = 1)

static struct steer_probe from_peer(const struct fix *x, unsigned int slot, uint64_t sent_ns)
{
	struct steer_probe s = {
		.addr.s_addr = htonl(pulse_peer_addr(slot)),
		.peer.s_addr = htonl(OWN_ADDR),
		.vip.s_addr = htonl(VIP_ADDR),
		.port = GAME_PORT,
		.vrid = TEST_VRID,
		.nonce = NONCE,
		.sent_ns = sent_ns,
		.key = x->keys.from[0][slot],
	};

	memcpy(s.mac, pulse_peer_mac(slot), 6);
	memcpy(s.peer_mac, OWN_MAC, 6);
	return s;
}

static void build(struct frame *f, const struct steer_probe *s)
{
	steer_probe_build(s, f->b);
	f->len = STEER_FRAME_LEN;
	f->l3 = 14;
	f->l4 = 34;
}

static void expect_noted(struct fix *x, const struct steer_probe *s)
{
	uint64_t seen = NODE(x, steer_probes), drops = fix_count_drops(x);
	struct frame f;

	build(&f, s);
	assert_true(frame_ip_checksum_ok(&f));
	assert_true(frame_tcp_checksum_ok(&f));
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_DROP);
	assert_int_equal(fix_count_drops(x), drops);
	assert_int_equal(NODE(x, steer_probes), seen + 1);
}

static uint8_t answered_flags(struct fix *x, unsigned int slot, uint64_t nonce, uint64_t sent)
{
	struct hokm_pulse p = pulse_probe_of(x, slot, nonce, sent);
	struct frame f;

	pulse_frame_of(&f, slot, &p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	return pulse_out(x).flags;
}

/* ---- noted ---- */

static void arrival_is_in_the_answers_to_its_sender(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 1);

	assert_false(answered_flags(x, 0, NONCE, 1) & HOKM_PULSE_STEERED);
	expect_noted(x, &s);
	assert_true(answered_flags(x, 0, NONCE, 2) & HOKM_PULSE_STEERED);
	assert_false(answered_flags(x, 1, NONCE, 1) & HOKM_PULSE_STEERED);
	/* What arrived from the daemon before says nothing to the daemon that runs now. */
	assert_false(answered_flags(x, 0, NONCE + 1, 3) & HOKM_PULSE_STEERED);
}

static void arrival_of_long_ago_is_not_reported(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 1);
	struct hokm_peer peer;

	expect_noted(x, &s);
	peer = fix_peer(x, 0);
	peer.steer_ns = fix_now() - 4 * SECOND_NS;
	fix_peer_set(x, 0, &peer);
	assert_false(answered_flags(x, 0, NONCE, 1) & HOKM_PULSE_STEERED);
}

static void answer_is_stored(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = pulse_answer_of(x, 0, fix_now());
	struct frame f;

	p.flags = HOKM_PULSE_STEERED;
	pulse_sign(x, 0, &p);
	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	assert_true(fix_peer(x, 0).flags & HOKM_PULSE_STEERED);
}

/* ---- dropped ---- */

static void expect_refused(struct fix *x, const struct frame *f)
{
	expect_drop_alone(x, f, HOKM_CTR_drop_steer_probe);
}

/*
 * The network shows another MAC address than the peer's: its steered frames look like a client's.
 */
static void probe_under_another_mac_does_not_count(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 1);
	struct frame f;

	build(&f, &s);
	memcpy(f.b + 6, CLIENT_MAC, 6);
	expect_refused(x, &f);
	memcpy(f.b + 6, PEER1_MAC, 6);
	expect_refused(x, &f);
}

/* A switch that floods shows a node what the others send each other. */
static void probe_for_another_node_is_no_fault(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 1);
	uint64_t drops = fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_drop_steer_probe);
	uint64_t left = fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_other_host);
	struct frame f;

	build(&f, &s);
	memcpy(f.b, PEER1_MAC, 6);
	expect_pass(x, &f);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_other_host), left + 1);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_drop_steer_probe), drops);
	assert_false(answered_flags(x, 0, NONCE, 1) & HOKM_PULSE_STEERED);
}

static void forged_or_replayed_probe_does_not_count(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 5);
	struct frame f;

	build(&f, &s);
	for (uint32_t at = 54; at < f.len; at++) {
		f.b[at] ^= 0x10;
		expect_refused(x, &f);
		f.b[at] ^= 0x10;
	}
	expect_noted(x, &s);
	expect_refused(x, &f);
	s.key = x->keys.to[0];
	s.sent_ns = 6;
	build(&f, &s);
	expect_refused(x, &f);
}

static void probe_of_the_second_secret_counts_while_there_is_one(void **state)
{
	struct fix *x = *state;
	struct steer_probe s = from_peer(x, 0, 5);
	struct frame f;

	s.key = x->keys.from[1][0];
	build(&f, &s);
	expect_refused(x, &f);
	pulse_secrets(x, 2);
	expect_noted(x, &s);
	s.key = x->keys.from[0][0];
	s.sent_ns = 6;
	expect_noted(x, &s);
}

static void client_with_such_an_address_reaches_no_kernel(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.ip = {.src = HOKM_STEER_NET | 7}, .flags = SYN));
	expect_refused(x, &f);
	for (uint32_t len = 54; len < STEER_FRAME_LEN; len++) {
		struct steer_probe s = from_peer(x, 0, 1);

		build(&f, &s);
		frame_cut(&f, len);
		expect_refused(x, &f);
	}
}

/* ---- a peer that is not steerable ---- */

static void unsteerable(struct fix *x, bool owner, uint8_t bits)
{
	uint64_t now = fix_now();
	struct hokm_own own = {
		.lease_until_ns = owner ? now + LONG_NS : 0,
		.daemon_ns = now,
		.state = owner ? HOKM_VRRP_MASTER : HOKM_VRRP_BACKUP,
		.priority = 110,
		.successor = HOKM_NO_PEER,
		.unsteerable = bits,
	};

	fix_own(x, &own);
}

static void new_players_stay_here(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	unsteerable(x, true, 1);
	expect_in_steer(x, SYN1, PEER1_MAC);
	fix_reset(state);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	unsteerable(x, true, 3);
	expect_in_pass(x, SYN1);
}

static void syn_is_not_steered_to_an_owner_out_of_reach(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(0);
	struct frame f;

	p.lease_until_ns = p.seen_ns;
	fix_peer_set(x, 0, &p);
	unsteerable(x, false, 0);
	expect_in_steer(x, SYN1, PEER0_MAC);
	unsteerable(x, false, 1);
	frame_tcp(&f, SEG(.sport = 41000, .flags = SYN, .seq = 1000));
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

/* Its client learns at once that it must connect anew, instead of being silent for minutes. */
static void unknown_connection_gets_no_second_chance_there(void **state)
{
	struct fix *x = *state;

	fix_replica_put(x, 0);
	unsteerable(x, true, 3);
	expect_in_pass(x, ACK1);
	unsteerable(x, true, 0);
	expect_in_steer(x, ACK1, PEER0_MAC);
}

/* Until it is tested: the kernel of this node would reset a connection that the peer has. */
static void untested_peer_keeps_its_connections(void **state)
{
	struct hokm_own own = {
		.lease_until_ns = fix_now() + LONG_NS,
		.daemon_ns = fix_now(),
		.guess_until_ns = fix_now() + LONG_NS,
		.state = HOKM_VRRP_MASTER,
		.successor = HOKM_NO_PEER,
		.unsteerable = 3,
		.untested = 3,
	};
	struct fix *x = *state;

	fix_own(x, &own);
	expect_in_steer(x, ACK1, PEER0_MAC); /* nobody is known to hold it */
	fix_reset(state);
	fix_replica_put(x, 0);
	fix_own(x, &own);
	expect_in_steer(x, ACK1, PEER0_MAC);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	/* A new connection does not go there. */
	expect_in_pass(x, SEG(.sport = 41000, .flags = SYN, .seq = 1000));
}

/*
 * The peer has the MAC address of the gateway, and is refused: a player of another network looks
 * steered. It is served here, and it is not sent on.
 */
static void player_with_the_mac_of_a_refused_peer_is_served(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;

	unsteerable(x, true, 1);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = SYN, .seq = 1000));
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .ack = 1));
	assert_int_equal(fix_count(x, 0, HOKM_CTR_steered_syn), 0);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_second_chance), 0);
	/* Its connection is followed as any other, although every packet looks steered. */
	fix_reset(state);
	unsteerable(x, true, 1);
	c = conn_known(HOKM_LOCAL);
	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .ack = 5001));
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, HOKM_LOCAL);
}

static void known_connections_go_on(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = fix_steered_conn(0);

	fix_conn_put(x, &c);
	unsteerable(x, true, 3);
	expect_in_steer(x, ACK1, PEER0_MAC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(arrival_is_in_the_answers_to_its_sender),
		HOKM_TEST(arrival_of_long_ago_is_not_reported),
		HOKM_TEST(answer_is_stored),
		HOKM_TEST(probe_under_another_mac_does_not_count),
		HOKM_TEST(probe_for_another_node_is_no_fault),
		HOKM_TEST(forged_or_replayed_probe_does_not_count),
		HOKM_TEST(probe_of_the_second_secret_counts_while_there_is_one),
		HOKM_TEST(client_with_such_an_address_reaches_no_kernel),
		HOKM_TEST(new_players_stay_here),
		HOKM_TEST(syn_is_not_steered_to_an_owner_out_of_reach),
		HOKM_TEST(unknown_connection_gets_no_second_chance_there),
		HOKM_TEST(untested_peer_keeps_its_connections),
		HOKM_TEST(player_with_the_mac_of_a_refused_peer_is_served),
		HOKM_TEST(known_connections_go_on),
	};

	return cmocka_run_group_tests_name("steer probe", tests, fix_open, fix_close);
}
