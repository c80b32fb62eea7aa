/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steering table (docs/architecture.md, walk of a packet), new connections: the target of a SYN
 * on the owner and on other nodes, and SYNs of known connections. test_steer_known.c tests all
 * other packets.
 */
#include <arpa/inet.h>
#include <string.h>

#include "grant_spec.h"

#define SYN1        SEG(.flags = SYN, .seq = 1000)
#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

static void peer_state(struct fix *x, unsigned int slot, enum hokm_svc_state state)
{
	struct hokm_peer p = fix_alive_peer(slot);

	p.svc[0].state = (uint8_t)state;
	fix_peer_set(x, slot, &p);
}

static void expect_half_target(struct fix *x, uint8_t target)
{
	struct hokm_conn half;

	assert_true(fix_half(x, &half));
	assert_int_equal(half.target, target);
	assert_int_equal(half.tcp_state, HOKM_TCP_SYN);
	assert_int_equal(half.isn, 1000);
	assert_int_equal(half.c2s.seq_next, 1001);
	assert_int_equal(half.c2s.packets, 1);
}

/* ---- SYN, owner ---- */

static void syn_owner_up_goes_local(void **state)
{
	struct fix *x = *state;

	expect_in_pass(x, SYN1);
	expect_half_target(x, HOKM_LOCAL);
	assert_int_equal(COUNT(x, syn), 1);
	assert_int_equal(COUNT(x, syn_local), 1);
	assert_int_equal(COUNT(x, packets_in), 1);
	assert_int_equal(COUNT(x, bytes_in), 40);
	assert_int_equal(fix_conn_count(x), 0);
	assert_int_equal(fix_events(x, HOKM_EV_STEERED, NULL), 0);
}

static void syn_owner_not_up_goes_to_best_peer(void **state)
{
	static const enum hokm_svc_state not_up[] = {
		HOKM_SVC_INIT, HOKM_SVC_DOWN, HOKM_SVC_DRAIN, HOKM_SVC_MAINT};
	struct fix *x = *state;
	struct hokm_event ev;

	for (unsigned int i = 0; i < sizeof(not_up) / sizeof(not_up[0]); i++) {
		fix_reset(state);
		fix_service(x, 0, SERVICE_TAG, not_up[i]);
		expect_in_steer(x, SYN1, PEER0_MAC);
		expect_half_target(x, 0);
		assert_int_equal(COUNT(x, steered_syn), 1);
		assert_int_equal(COUNT(x, syn_local), 0);
		assert_int_equal(fix_events(x, HOKM_EV_STEERED, &ev), 1);
		assert_int_equal(ev.target, 0);
		assert_int_equal(ev.client.w[3], htonl(CLIENT_ADDR));
		assert_int_equal(ev.client_port, htons(CLIENT_PORT));
	}
}

static void syn_owner_suspect_goes_to_peer(void **state)
{
	struct fix *x = *state;

	fix_suspect(x, 0, fix_now() + LONG_NS);
	expect_in_steer(x, SYN1, PEER0_MAC);
	fix_reset(state);
	fix_suspect(x, 0, fix_now() - 1);
	expect_in_pass(x, SYN1);
}

static void best_peer_follows_order(void **state)
{
	struct fix *x = *state;

	x->cfg.order[0] = 1;
	x->cfg.order[1] = 0;
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void best_peer_must_be_up(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	peer_state(x, 0, HOKM_SVC_DRAIN);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void best_peer_must_be_alive(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	fix_peer_dead(x, 0);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void best_peer_needs_a_fresh_daemon(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(0);

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	p.daemon_seen_ns = fix_now() - 10 * LIMIT_NS;
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, SYN1, PEER1_MAC);
	fix_reset(state);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	p.daemon_seen_ns = 0;
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void best_peer_must_know_the_service(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(0);

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	p.svc[3] = p.svc[0];
	p.svc[0].tag = htonl(SERVICE_TAG + 1);
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, SYN1, PEER0_MAC); /* in any slot of the peer's pulse */
	fix_reset(state);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	p.svc[3].tag = 0;
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void peer_without_mac_is_never_steered_to(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(0);

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	memset(p.mac, 0, 6);
	fix_peer_set(x, 0, &p);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void removed_peer_is_never_steered_to(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	x->cfg.peer[0].used = 0;
	fix_cfg(x);
	expect_in_steer(x, SYN1, PEER1_MAC);
}

static void syn_owner_without_any_up_goes_local(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	peer_state(x, 0, HOKM_SVC_DOWN);
	peer_state(x, 1, HOKM_SVC_DOWN);
	expect_in_pass(x, SYN1);
	expect_half_target(x, HOKM_LOCAL);
	assert_int_equal(COUNT(x, syn_local), 1);
}

/* ---- SYN, not owner ---- */

static void syn_not_owner_is_fenced(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct frame f;

	fix_owner(x, false);
	frame_tcp(&f, SYN1);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
	assert_false(fix_half(x, &(struct hokm_conn){0}));
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 1);
	assert_int_equal(ev.counter, HOKM_CTR_drop_syn_fenced);
	assert_int_equal(ev.service, 0);
}

static void syn_not_owner_goes_to_owning_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(1);

	fix_owner(x, false);
	p.lease_until_ns = fix_now() + LONG_NS;
	p.svc[0].state = HOKM_SVC_DOWN; /* an owner in panic hold is owner */
	fix_peer_set(x, 1, &p);
	expect_in_steer(x, SYN1, PEER1_MAC);
	expect_half_target(x, 1);
	assert_int_equal(COUNT(x, steered_owner), 1);
	assert_int_equal(COUNT(x, steered_syn), 0);
	expect_in_steer(x, SYN1, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_owner), 2);
	assert_int_equal(fix_events(x, HOKM_EV_STEERED, NULL), 1);
}

static void syn_not_owner_dead_or_expired_owner_is_fenced(void **state)
{
	struct fix *x = *state;
	struct hokm_peer p = fix_alive_peer(0);
	struct frame f;

	fix_owner(x, false);
	frame_tcp(&f, SYN1);
	p.lease_until_ns = fix_now() - 1;
	fix_peer_set(x, 0, &p);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
	p.lease_until_ns = fix_now() + LONG_NS;
	p.seen_ns = fix_now() - 10 * LIMIT_NS;
	fix_peer_set(x, 0, &p);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

static void own_successor(struct fix *x, uint8_t slot, uint64_t until_ns)
{
	struct hokm_own own = {
		.state = HOKM_VRRP_BACKUP,
		.successor = slot,
		.successor_until_ns = until_ns,
	};

	fix_own(x, &own);
}

static void syn_after_handover_goes_to_successor(void **state)
{
	struct fix *x = *state;

	own_successor(x, 1, fix_now() + LONG_NS);
	expect_in_steer(x, SYN1, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_owner), 1);
}

/*
 * A daemon that was killed asks no peer any more: what was known when it asked last counts, for a
 * while after its lease has ended.
 */
static void syn_without_lease_goes_to_the_last_peer_that_was_up(void **state)
{
	struct fix *x = *state;
	struct hokm_own own = {.state = HOKM_VRRP_MASTER, .successor = HOKM_NO_PEER};
	struct frame f;

	own.lease_until_ns = fix_now() - 1;
	own.daemon_ns = fix_now() - SECOND_NS;
	for (unsigned int i = 0; i < 2; i++) {
		struct hokm_peer p = fix_alive_peer(i);

		p.seen_ns = own.daemon_ns - LIMIT_NS / 2;
		p.daemon_seen_ns = p.seen_ns;
		fix_peer_set(x, i, &p);
	}
	fix_own(x, &own);
	expect_in_steer(x, SYN1, PEER0_MAC);
	assert_int_equal(COUNT(x, steered_owner), 1);
	/* No peer was alive then: nothing to go by. */
	for (unsigned int i = 0; i < 2; i++) {
		struct hokm_peer p = fix_alive_peer(i);

		p.seen_ns = 1;
		fix_peer_set(x, i, &p);
	}
	frame_tcp(&f, SEG(.flags = SYN, .seq = 5, .sport = CLIENT_PORT + 1));
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

/* With more than one peer the best one need not be the one that this node has granted. */
static void syn_goes_to_the_peer_that_has_the_promise(void **state)
{
	struct fix *x = *state;
	struct hokm_grants g = grants_member();
	struct hokm_peer p = fix_alive_peer(0);

	p.lease_until_ns = fix_now() + LONG_NS;
	fix_peer_set(x, 0, &p);
	own_successor(x, 0, fix_now() + LONG_NS);
	g.own.word = hokm_grant_word(HOKM_GRANT_PEER(1), fix_now() + LONG_NS);
	grants_put(x, &g);
	expect_in_steer(x, SYN1, PEER1_MAC);
	assert_int_equal(COUNT(x, steered_owner), 1);
	/* It is dead, the promise is over, or it is nobody's or this node's own. */
	fix_peer_dead(x, 1);
	expect_in_steer(x, SEG(.flags = SYN, .sport = CLIENT_PORT + 1), PEER0_MAC);
	p = fix_alive_peer(1);
	fix_peer_set(x, 1, &p);
	for (unsigned int i = 0; i < 3; i++) {
		const uint32_t member = i ? i - 1 : HOKM_GRANT_PEER(1);

		g.own.word = hokm_grant_word(member, fix_now() + (i ? LONG_NS : 0));
		grants_put(x, &g);
		expect_in_steer(x, SEG(.flags = SYN, .sport = (uint16_t)(CLIENT_PORT + 2 + i)),
				PEER0_MAC);
	}
}

static void successor_that_is_over_dead_or_none_is_fenced(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SYN1);
	own_successor(x, 1, fix_now() - 1);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
	own_successor(x, HOKM_NO_PEER, fix_now() + LONG_NS);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
	own_successor(x, 1, fix_now() + LONG_NS);
	fix_peer_dead(x, 1);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

/* ---- steered here ---- */

static void syn_from_a_peer_is_accepted_owner_or_not(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	fix_owner(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_pass(x, SEG(.eth.from = PEER1_MAC, .flags = SYN, .seq = 1000));
	expect_half_target(x, HOKM_LOCAL);
	assert_true(fix_half(x, &half));
	assert_int_equal(half.flags, HOKM_CONN_STEERED_IN);
	assert_int_equal(COUNT(x, syn_steered_in), 1);
	assert_int_equal(COUNT(x, steered_in), 1);
	assert_int_equal(COUNT(x, syn_local), 1);
}

static void unknown_mac_is_no_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_peer nobody = {.seen_ns = fix_now() + LONG_NS};
	const uint8_t zero[6] = {0};
	struct frame f;

	fix_owner(x, false);
	/* the peer's MAC address is not known: zeros belong to no peer */
	fix_peer_set(x, 0, &nobody);
	frame_tcp(&f, SEG(.eth.from = zero, .flags = SYN, .seq = 1000));
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
	x->cfg.peer[1].used = 0;
	fix_cfg(x);
	frame_tcp(&f, SEG(.eth.from = PEER1_MAC, .flags = SYN, .seq = 1000));
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

/* ---- SYNs of known connections ---- */

static void repeated_syn_keeps_its_target(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	x->cfg.order[0] = 1;
	x->cfg.order[1] = 0;
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_UP);
	expect_in_steer(x, SYN1, PEER0_MAC);
	assert_true(fix_half(x, &half));
	assert_int_equal(half.c2s.packets, 2);
	assert_int_equal(fix_events(x, HOKM_EV_STEERED, NULL), 1);
}

static void repeated_syn_leaves_a_target_that_is_gone(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	fix_peer_dead(x, 0);
	expect_in_steer(x, SYN1, PEER1_MAC);
	peer_state(x, 1, HOKM_SVC_DOWN);
	expect_in_pass(x, SYN1);
	expect_half_target(x, HOKM_LOCAL);
	assert_int_equal(fix_events(x, HOKM_EV_STEERED, NULL), 2);
}

static void repeated_syn_leaves_a_local_service_that_is_down(void **state)
{
	struct fix *x = *state;

	expect_in_pass(x, SYN1);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	expect_half_target(x, 0);
}

static void repeated_syn_after_the_lease_is_not_local(void **state)
{
	struct fix *x = *state;
	struct frame f;

	expect_in_pass(x, SYN1);
	fix_owner(x, false);
	frame_tcp(&f, SYN1);
	expect_drop(x, &f, 0, HOKM_CTR_drop_syn_fenced);
}

static void repeated_syn_that_was_answered_stays(void **state)
{
	struct fix *x = *state;

	expect_in_pass(x, SYN1);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = 1001));
	fix_owner(x, false);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_pass(x, SYN1);
	assert_int_equal(COUNT(x, syn_local), 2);
}

static void new_syn_of_the_same_port_is_decided_anew(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_UP);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 90000));
	assert_true(fix_half(x, &half));
	assert_int_equal(half.isn, 90000);
	assert_int_equal(half.target, HOKM_LOCAL);
	assert_int_equal(half.c2s.packets, 1);
}

static void syn_on_a_live_local_connection_passes(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(HOKM_LOCAL);
	struct socks s;

	fix_owner(x, false);
	socks_connect(&s);
	fix_conn_put(x, &c);
	expect_in_pass(x, SYN1);
	assert_int_equal(fix_conn_count(x), 1);
	assert_false(fix_half(x, &c));
	socks_close(&s);
}

static void syn_on_a_live_steered_connection_follows_it(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	fix_conn_put(x, &c);
	expect_in_steer(x, SYN1, PEER1_MAC);
	assert_int_equal(fix_conn_count(x), 1);
}

static void syn_on_a_lost_connection_is_new(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = conn_known(1);

	fix_peer_dead(x, 1);
	fix_conn_put(x, &c);
	expect_in_pass(x, SYN1);
	assert_int_equal(fix_conn_count(x), 0);
	expect_half_target(x, HOKM_LOCAL);

	fix_reset(state);
	c = conn_known(HOKM_LOCAL); /* no socket has the connection */
	fix_conn_put(x, &c);
	expect_in_pass(x, SYN1);
	assert_int_equal(fix_conn_count(x), 0);
	expect_half_target(x, HOKM_LOCAL);
}

static void syn_on_an_ended_connection_is_new(void **state)
{
	static const enum hokm_tcp_state ended[] = {HOKM_TCP_CLOSED, HOKM_TCP_RESET};
	struct fix *x = *state;
	struct hokm_conn c;

	for (int i = 0; i < 2; i++) {
		fix_reset(state);
		c = conn_known(1);
		c.tcp_state = (uint8_t)ended[i];
		fix_conn_put(x, &c);
		expect_in_pass(x, SYN1);
		assert_int_equal(fix_conn_count(x), 0);
		expect_half_target(x, HOKM_LOCAL);
	}
}

static void half_open_of_a_peer_is_followed(void **state)
{
	struct fix *x = *state;

	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SYN1, PEER0_MAC);
	/* a segment that comes before the lost ACK */
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1011, .ack = 5001, .payload = 10), PEER0_MAC);
	assert_int_equal(COUNT(x, steered_conn), 1);
	assert_int_equal(COUNT(x, second_chance), 0);
	fix_peer_dead(x, 0);
	expect_in_answer(x, SEG(.flags = ACK, .seq = 1011, .ack = 5001, .payload = 10));
	assert_int_equal(COUNT(x, answered_dead), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(syn_owner_up_goes_local),
		HOKM_TEST(syn_owner_not_up_goes_to_best_peer),
		HOKM_TEST(syn_owner_suspect_goes_to_peer),
		HOKM_TEST(best_peer_follows_order),
		HOKM_TEST(best_peer_must_be_up),
		HOKM_TEST(best_peer_must_be_alive),
		HOKM_TEST(best_peer_needs_a_fresh_daemon),
		HOKM_TEST(best_peer_must_know_the_service),
		HOKM_TEST(peer_without_mac_is_never_steered_to),
		HOKM_TEST(removed_peer_is_never_steered_to),
		HOKM_TEST(syn_owner_without_any_up_goes_local),
		HOKM_TEST(syn_not_owner_is_fenced),
		HOKM_TEST(syn_not_owner_goes_to_owning_peer),
		HOKM_TEST(syn_not_owner_dead_or_expired_owner_is_fenced),
		HOKM_TEST(syn_after_handover_goes_to_successor),
		HOKM_TEST(syn_without_lease_goes_to_the_last_peer_that_was_up),
		HOKM_TEST(syn_goes_to_the_peer_that_has_the_promise),
		HOKM_TEST(successor_that_is_over_dead_or_none_is_fenced),
		HOKM_TEST(syn_from_a_peer_is_accepted_owner_or_not),
		HOKM_TEST(unknown_mac_is_no_peer),
		HOKM_TEST(repeated_syn_keeps_its_target),
		HOKM_TEST(repeated_syn_leaves_a_target_that_is_gone),
		HOKM_TEST(repeated_syn_leaves_a_local_service_that_is_down),
		HOKM_TEST(repeated_syn_after_the_lease_is_not_local),
		HOKM_TEST(repeated_syn_that_was_answered_stays),
		HOKM_TEST(new_syn_of_the_same_port_is_decided_anew),
		HOKM_TEST(syn_on_a_live_local_connection_passes),
		HOKM_TEST(syn_on_a_live_steered_connection_follows_it),
		HOKM_TEST(syn_on_a_lost_connection_is_new),
		HOKM_TEST(syn_on_an_ended_connection_is_new),
		HOKM_TEST(half_open_of_a_peer_is_followed),
	};

	return cmocka_run_group_tests_name("steer", tests, fix_open, fix_close);
}
