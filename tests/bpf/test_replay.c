/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN replay (bpf/syn_replay.h): the RST that refuses a SYN leaves as that SYN, byte for byte and
 * with right checksums, to the best UP peer, once. In every other case the RST leaves unchanged.
 */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "syn_spec.h"
#include "skel.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define SISN 5000u

static void said_and_refused(struct fix *x, const struct syn_spec *s)
{
	struct hokm_conn half;

	in_syn(x, s);
	out_refusal(x, s);
	expect_rst_left(x, s);
	assert_int_equal(COUNT(x, replayed), 0);
	assert_int_equal(COUNT(x, refused), 1);
	assert_false(fix_half(x, &half));
	assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, NULL), 0);
	assert_int_equal(fix_events(x, HOKM_EV_REFUSED, NULL), 1);
}

static struct hokm_half_open_set half_open_get(struct fix *x)
{
	struct hokm_half_open_set set;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.half_open), &zero, &set), 0);
	return set;
}

static void peer_says(struct fix *x, unsigned int slot, enum hokm_svc_state state, bool suspect)
{
	struct hokm_peer p = fix_alive_peer(slot);

	p.svc[0].state = (uint8_t)state;
	p.svc[0].flags = suspect ? HOKM_PULSE_SVC_SUSPECT : 0;
	fix_peer_set(x, slot, &p);
}

static void nobody_is_up(struct fix *x)
{
	peer_says(x, 0, HOKM_SVC_DOWN, false);
	peer_says(x, 1, HOKM_SVC_DOWN, false);
}

/* ---- the frame ---- */

static void linux_syn_is_replayed(void **state)
{
	syn_is_replayed(*state, &LINUX_SYN, PEER0_MAC);
}

/* 0 words: the packet is not extended; 10: the most that a TCP header holds. */
static void any_number_of_options(void **state)
{
	for (unsigned int words = 0; words <= 10; words++) {
		struct syn_spec s = {.words = words};

		for (unsigned int i = 0; i < words * 4; i++)
			s.options[i] = (uint8_t)(i * 37 + words);
		fix_reset(state);
		syn_is_replayed(*state, &s, PEER0_MAC);
	}
}

static void vlan_tags_stay(void **state)
{
	struct syn_spec s = LINUX_SYN;

	for (s.tags = 0; s.tags <= 2; s.tags++) {
		fix_reset(state);
		syn_is_replayed(*state, &s, PEER0_MAC);
	}
}

static void congestion_bits_stay(void **state)
{
	static const uint8_t flags[] = {SYN, SYN | ECE, SYN | CWR, SYN | ECE | CWR, SYN | PSH};
	struct syn_spec s = LINUX_SYN;

	for (unsigned int i = 0; i < sizeof(flags); i++) {
		fix_reset(state);
		s.flags = flags[i];
		s.tos = (uint8_t)(0x60 + i);
		syn_is_replayed(*state, &s, PEER0_MAC);
	}
}

/* Each field with each kind of value, so that the sums carry, are zero, or all ones. */
static void any_values_are_replayed(void **state)
{
	uint32_t r = 12345;

	for (unsigned int i = 0; i < 500; i++) {
		struct syn_spec s = {0};

		r = r * 1664525 + 1013904223;
		s.isn = i % 7 ? r : 0xffffffff;
		s.words = (r >> 8) % 11;
		memset(s.options, i % 3 ? (int)(r >> 16) : 0xff, s.words * 4);
		s.tos = (uint8_t)(r >> 24);
		s.ttl = (uint8_t)(1 + (r >> 12) % 255);
		s.window = i % 5 ? (uint16_t)(r >> 4) : 0;
		s.frag = i & 1 ? DF : 0;
		s.tags = (r >> 20) % 3;
		fix_reset(state);
		syn_is_replayed(*state, &s, PEER0_MAC);
	}
}

static void padding_and_ip_options_are_left_out(void **state)
{
	struct syn_spec s = LINUX_SYN;

	s.padding = 6;
	s.ip_options = 10;
	syn_is_replayed(*state, &s, PEER0_MAC);
}

/* A RST with options (RFC 8684, MD5) is longer than a SYN without options. */
static void longer_refusal_is_shortened(void **state)
{
	struct fix *x = *state;
	struct syn_spec s = {.flags = SYN};
	struct frame f;

	in_syn(x, &s);
	frame_tcp(&f, SEG(.reply = true, .options = 5, .flags = RST | ACK, .ack = ISN + 1));
	fix_egress(x, &f);
	expect_syn_left(x, &s, PEER0_MAC);
}

/*
 * The device adds the rest of the checksum, so a complete checksum in the field would become wrong.
 */
static void checksum_that_is_left_stays_left(void **state)
{
	struct syn_spec s = LINUX_SYN;

	for (s.words = 0; s.words <= 5; s.words++) {
		fix_reset(state);
		s.sum_left = true;
		syn_is_replayed(*state, &s, PEER0_MAC);
	}
}

/* Options beyond the first buffer are not kept. The SYN is then replayed without them. */
static void options_that_cannot_be_read_are_left_out(void **state)
{
	struct fix *x = *state;
	struct syn_spec s = LINUX_SYN, without = LINUX_SYN;

	without.words = 0;
	for (uint32_t bytes = 0; bytes <= 20; bytes += 4) {
		fix_reset(state);
		if (!fix_split(x, 14 + 20 + 20 + bytes))
			return;
		in_syn(x, &s);
		out_refusal(x, &s);
		expect_syn_left(x, bytes < s.words * 4 ? &without : &s, PEER0_MAC);
	}
}

/* A SYN that is shorter than its data offset, by the IP length or by the frame, is malformed. */
static void syn_with_cut_options_is_malformed(void **state)
{
	struct fix *x = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct frame f;

		fix_reset(state);
		frame_tcp(&f, SEG(.flags = SYN, .seq = ISN, .options = 10, .ip.cut = i ? -4 : 0));
		if (!i)
			frame_cut(&f, f.len - 4);
		fix_ingress(x, &f);
		assert_int_equal(COUNT(x, syn), 0);
		out_refusal(x, &LINUX_SYN);
		expect_rst_left(x, &LINUX_SYN);
		assert_int_equal(COUNT(x, refused), 0);
	}
}

/* ---- the target ---- */

static void goes_to_the_best_up_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_peer stale = fix_alive_peer(0);

	peer_says(x, 0, HOKM_SVC_DOWN, false);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
	assert_int_equal(half_open_get(x).way[0].target, 1);
	fix_reset(state);
	peer_says(x, 0, HOKM_SVC_UP, true);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
	fix_reset(state);
	stale.daemon_seen_ns = fix_now() - 10 * LIMIT_NS;
	fix_peer_set(x, 0, &stale);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
	fix_reset(state);
	fix_peer_dead(x, 0);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
	fix_reset(state);
	x->cfg.order[0] = 1;
	x->cfg.order[1] = 0;
	fix_cfg(x);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
}

/* A suspect peer may serve the client. The local kernel does not. */
static void suspect_peer_is_better_than_none(void **state)
{
	struct fix *x = *state;

	peer_says(x, 0, HOKM_SVC_UP, true);
	peer_says(x, 1, HOKM_SVC_UP, true);
	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	fix_reset(state);
	peer_says(x, 0, HOKM_SVC_DOWN, false);
	peer_says(x, 1, HOKM_SVC_UP, true);
	syn_is_replayed(x, &LINUX_SYN, PEER1_MAC);
}

static void without_an_up_peer_it_is_refused(void **state)
{
	struct fix *x = *state;

	for (int s = 0; s < HOKM_SVC_STATE_COUNT; s++) {
		if (s == HOKM_SVC_UP)
			continue;
		fix_reset(state);
		peer_says(x, 0, (enum hokm_svc_state)s, false);
		peer_says(x, 1, (enum hokm_svc_state)s, true);
		said_and_refused(x, &LINUX_SYN);
	}
	fix_reset(state);
	fix_peer_dead(x, 0);
	fix_peer_dead(x, 1);
	said_and_refused(x, &LINUX_SYN);
	fix_reset(state);
	x->cfg.n_order = 0;
	fix_cfg(x);
	said_and_refused(x, &LINUX_SYN);
	fix_reset(state);
	fix_service(x, 0, 0, HOKM_SVC_UP); /* peers do not know the service */
	said_and_refused(x, &LINUX_SYN);
}

static void without_an_own_mac_it_is_refused(void **state)
{
	struct fix *x = *state;

	in_syn(x, &LINUX_SYN);
	memset(x->cfg.mac, 0, sizeof(x->cfg.mac));
	fix_cfg(x);
	out_refusal(x, &LINUX_SYN);
	expect_rst_left(x, &LINUX_SYN);
	assert_int_equal(COUNT(x, refused), 1);
	assert_int_equal(COUNT(x, replayed), 0);
}

/* ---- once ---- */

static void steered_here_is_refused(void **state)
{
	struct syn_spec s = LINUX_SYN;

	s.from = PEER0_MAC;
	said_and_refused(*state, &s);
}

/* A peer steered the repeated SYN here, although the first one came from the client. */
static void repeated_by_way_of_a_peer_is_refused(void **state)
{
	struct syn_spec s = LINUX_SYN;

	in_syn(*state, &s);
	s.from = PEER0_MAC;
	said_and_refused(*state, &s);
}

static void second_refusal_of_a_syn_goes_out(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	out_refusal(x, &LINUX_SYN);
	expect_rst_left(x, &LINUX_SYN);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, refused), 2);
	assert_false(fix_half(x, &half));
}

/*
 * Meanwhile the peer is dead, so the repeated SYN is delivered here again. It is now refused,
 * although another peer is up.
 */
static void repeated_syn_delivered_here_is_refused(void **state)
{
	struct fix *x = *state;
	struct frame f;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	syn_frame(&f, &LINUX_SYN);
	expect_steer(x, &f, PEER0_MAC);
	assert_true(half_open_get(x).way[0].flags & HOKM_CONN_REPLAYED);
	nobody_is_up(x);
	expect_pass(x, &f);
	peer_says(x, 1, HOKM_SVC_UP, false);
	out_refusal(x, &LINUX_SYN);
	expect_rst_left(x, &LINUX_SYN);
	assert_int_equal(COUNT(x, replayed), 1);
	assert_int_equal(COUNT(x, refused), 2);
}

static void another_attempt_is_replayed_again(void **state)
{
	struct fix *x = *state;
	struct syn_spec s = LINUX_SYN;

	x->cfg.suspect_ns = 0; /* so that it is delivered here */
	fix_cfg(x);
	for (unsigned int i = 1; i <= 3; i++) {
		s.isn = ISN + i * 100;
		syn_is_replayed(x, &s, PEER0_MAC);
		assert_int_equal(COUNT(x, replayed), i);
	}
	assert_int_equal(COUNT(x, suspects), 0);
	assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
}

/* Another CPU may overwrite the entry at any moment. */
static void malformed_entry_is_not_replayed(void **state)
{
	struct fix *x = *state;
	struct hokm_half_open_set set;
	uint32_t zero = 0;

	for (unsigned int words = 11; words < 256; words += 61) {
		fix_reset(state);
		in_syn(x, &LINUX_SYN);
		set = half_open_get(x);
		set.syn[0].words = (uint8_t)words;
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.half_open), &zero,
						     &set, BPF_ANY),
				 0);
		out_refusal(x, &LINUX_SYN);
		expect_rst_left(x, &LINUX_SYN);
	}
}

/* ---- the packets after it ---- */

static void following_syns_go_to_the_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_suspect s;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	s = fix_suspect_get(x, 0);
	assert_int_equal(s.until_ns, s.since_ns + SECOND_NS);
	assert_true(s.since_ns && s.since_ns <= fix_now());
	assert_int_equal(COUNT(x, suspects), 1);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 7, .sport = 40001), PEER0_MAC);
	assert_int_equal(COUNT(x, steered_syn), 1);
	fix_suspect(x, 0, fix_now() - 1);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 7, .sport = 40002));
}

static void replay_is_counted_and_reported(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct hokm_half_open h;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	EXPECT_COUNTS(x, N(packets_in, 1), N(bytes_in, 60), N(syn, 1), N(syn_local, 1),
		      N(packets_out, 1), N(bytes_out, 40), N(refused, 1), N(suspects, 1),
		      N(replayed, 1));
	assert_int_equal(fix_events(x, HOKM_EV_REFUSED, NULL), 0);
	assert_int_equal(fix_events(x, HOKM_EV_REPLAYED, &ev), 1);
	assert_int_equal(ev.client.w[3], htonl(CLIENT_ADDR));
	assert_int_equal(ev.client_port, htons(CLIENT_PORT));
	assert_int_equal(ev.service, 0);
	assert_int_equal(ev.target, 0);
	assert_int_equal(ev.tcp_state, HOKM_TCP_SYN);
	h = half_open_get(x).way[0];
	assert_int_equal(h.target, 0);
	assert_int_equal(h.flags, HOKM_CONN_REPLAYED);
	assert_int_equal(h.tcp_state, HOKM_TCP_SYN);
	assert_int_equal(h.isn, ISN);
}

/*
 * The peer's SYN-ACK is late, and meanwhile its service is suspect. The local server would refuse
 * the SYN.
 */
static void repetition_follows_to_a_suspect_peer(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (int late = 0; late <= 1; late++) {
		fix_reset(state);
		peer_says(x, 0, HOKM_SVC_UP, !late);
		peer_says(x, 1, HOKM_SVC_DOWN, false);
		syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
		peer_says(x, 0, HOKM_SVC_UP, true);
		syn_frame(&f, &LINUX_SYN);
		expect_steer(x, &f, PEER0_MAC);
	}
	/* The service on the peer is no longer up, so the RST leaves. */
	peer_says(x, 0, HOKM_SVC_DOWN, false);
	syn_frame(&f, &LINUX_SYN);
	expect_pass(x, &f);
}

/*
 * TCP Fast Open: the RST acknowledges the data of the SYN, or does not when the repeated SYN came
 * without it.
 */
static void syn_with_data_is_replayed(void **state)
{
	struct fix *x = *state;
	struct syn_spec s = LINUX_SYN, bare = LINUX_SYN;

	s.payload = 100;
	syn_is_replayed(x, &s, PEER0_MAC);
	assert_int_equal(COUNT(x, refused), 1);
	fix_reset(state);
	in_syn(x, &s);
	out_refusal(x, &bare);
	expect_syn_left(x, &s, PEER0_MAC);
	/* A RST that acknowledges another length does not refuse this SYN. */
	fix_reset(state);
	in_syn(x, &s);
	s.payload = 99;
	out_refusal(x, &s);
	expect_rst_left(x, &s);
	assert_int_equal(COUNT(x, refused), 0);
}

/* The peer answers the client directly; the client's packets come through this node. */
static void handshake_goes_on_through_the_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct hokm_event ev;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1), PEER0_MAC);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, 0);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(c.flags, HOKM_CONN_REPLAYED | HOKM_CONN_OPENED);
	assert_int_equal(c.isn, ISN);
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, &ev), 1);
	assert_int_equal(ev.target, 0);
	expect_in_steer(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1, .payload = 100),
			PEER0_MAC);
	expect_in_steer(x, SEG(.flags = FIN | ACK, .seq = ISN + 101, .ack = SISN + 1), PEER0_MAC);
	assert_int_equal(COUNT(x, steered_conn), 3);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(fix_count_drops(x), 0);
}

static void reset_of_the_client_goes_to_the_peer(void **state)
{
	struct fix *x = *state;
	struct hokm_conn half;

	syn_is_replayed(x, &LINUX_SYN, PEER0_MAC);
	expect_in_steer(x, SEG(.flags = RST, .seq = ISN + 1), PEER0_MAC);
	assert_false(fix_half(x, &half));
}

/* ---- RSTs that refuse nothing ---- */

static void other_resets_go_out(void **state)
{
	static const struct tcp_spec others[] = {
		{.flags = RST | ACK, .ack = ISN + 2},
		{.flags = RST | ACK, .ack = ISN},
		{.flags = RST | ACK, .seq = 1, .ack = ISN + 1},
		{.flags = RST, .ack = ISN + 1},
		{.flags = RST | ACK, .ack = ISN + 1, .sport = 40001},
		{.flags = RST | ACK, .ack = ISN + 1, .dport = 9000},
		{.flags = RST | ACK, .ack = ISN + 1, .ip.src = OTHER_ADDR},
		{.flags = RST | ACK, .ack = ISN + 1, .ip.frag = 0x2000},
		{.flags = RST | ACK, .ack = ISN + 1, .ip.frag = 100},
		{.flags = ACK, .ack = ISN + 1},
	};
	struct fix *x = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fix_reset(state);
		in_syn(x, &LINUX_SYN);
		fix_out(x, &others[i]);
		assert_int_equal(COUNT(x, refused), 0);
		assert_int_equal(COUNT(x, replayed), 0);
		assert_int_equal(fix_suspect_get(x, 0).until_ns, 0);
	}
}

static void established(struct fix *x)
{
	in_syn(x, &LINUX_SYN);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1));
}

static void answered_syns_are_not_replayed(void **state)
{
	struct fix *x = *state;

	in_syn(x, &LINUX_SYN);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1));
	fix_out(x, SEG(.flags = RST | ACK, .ack = ISN + 1));
	fix_reset(state);
	established(x);
	fix_out(x, SEG(.flags = RST | ACK, .ack = ISN + 1));
	fix_out(x, SEG(.flags = RST, .seq = SISN + 1));
	assert_int_equal(COUNT(x, rst_server), 1);
	assert_int_equal(COUNT(x, replayed) + COUNT(x, refused), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(linux_syn_is_replayed),
		HOKM_TEST(any_number_of_options),
		HOKM_TEST(vlan_tags_stay),
		HOKM_TEST(congestion_bits_stay),
		HOKM_TEST(any_values_are_replayed),
		HOKM_TEST(padding_and_ip_options_are_left_out),
		HOKM_TEST(longer_refusal_is_shortened),
		HOKM_TEST(checksum_that_is_left_stays_left),
		HOKM_TEST(options_that_cannot_be_read_are_left_out),
		HOKM_TEST(syn_with_cut_options_is_malformed),
		HOKM_TEST(goes_to_the_best_up_peer),
		HOKM_TEST(suspect_peer_is_better_than_none),
		HOKM_TEST(without_an_up_peer_it_is_refused),
		HOKM_TEST(without_an_own_mac_it_is_refused),
		HOKM_TEST(steered_here_is_refused),
		HOKM_TEST(repeated_by_way_of_a_peer_is_refused),
		HOKM_TEST(second_refusal_of_a_syn_goes_out),
		HOKM_TEST(repeated_syn_delivered_here_is_refused),
		HOKM_TEST(another_attempt_is_replayed_again),
		HOKM_TEST(malformed_entry_is_not_replayed),
		HOKM_TEST(following_syns_go_to_the_peer),
		HOKM_TEST(repetition_follows_to_a_suspect_peer),
		HOKM_TEST(syn_with_data_is_replayed),
		HOKM_TEST(replay_is_counted_and_reported),
		HOKM_TEST(handshake_goes_on_through_the_peer),
		HOKM_TEST(reset_of_the_client_goes_to_the_peer),
		HOKM_TEST(other_resets_go_out),
		HOKM_TEST(answered_syns_are_not_replayed),
	};

	return cmocka_run_group_tests_name("replay", tests, fix_open, fix_close);
}
