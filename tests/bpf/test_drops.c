/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that are too short, malformed, tagged, padded, fragmented or for another host: each is
 * counted or left alone, and changes nothing. Drops by the gates of ARP, VRRP and pulses are tested
 * with those. At the end is a table of all drop counters with the test of each.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define NODE(x, c)  fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static void expect_nothing_known(struct fix *x)
{
	struct hokm_conn c;

	assert_int_equal(fix_conn_count(x), 0);
	assert_false(fix_half(x, &c));
	assert_int_equal(COUNT(x, packets_in), 0);
}

static void expect_left(struct fix *x, const struct frame *f, enum hokm_counter c)
{
	uint64_t before = fix_count(x, HOKM_NODE_SLOT, c);

	expect_pass(x, f);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, c), before + 1);
	expect_nothing_known(x);
}

static void expect_bad_tcp(struct fix *x, const struct tcp_spec *s)
{
	struct frame f;

	frame_tcp(&f, s);
	expect_left(x, &f, HOKM_CTR_bad_tcp);
}

/* ---- drops of steering ---- */

static void steering_without_an_own_mac_is_a_counted_drop(void **state)
{
	const uint8_t zero[6] = {0};
	struct fix *x = *state;
	struct hokm_event ev;
	struct frame f;

	memset(x->cfg.mac, 0, 6);
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	frame_tcp(&f, SEG(.eth.to = zero, .flags = SYN));
	expect_drop(x, &f, 0, HOKM_CTR_drop_steer_fault);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 1);
	assert_int_equal(ev.counter, HOKM_CTR_drop_steer_fault);
}

/* ---- too short ---- */

static void frames_cut_anywhere_change_nothing(void **state)
{
	struct fix *x = *state;
	struct frame whole, f;

	frame_tcp(&whole, SEG(.eth.tags = 2, .ip.options = 3, .options = 5, .flags = SYN));
	for (uint32_t len = 14; len < whole.len; len++) {
		f = whole;
		frame_cut(&f, len);
		expect_pass(x, &f);
		expect_nothing_known(x);
		fix_egress(x, &f);
		assert_int_equal(x->verdict, EGRESS_PASS);
	}
	assert_int_equal(NODE(x, bad_ip) + NODE(x, bad_tcp), whole.len - whole.l3);
}

static void no_ip_header_behind_its_type(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.flags = SYN));
	frame_cut(&f, 14);
	expect_left(x, &f, HOKM_CTR_bad_ip);
	frame_tcp(&f, SEG(.flags = SYN));
	frame_cut(&f, 33);
	expect_left(x, &f, HOKM_CTR_bad_ip);
}

static void total_length_beyond_the_frame(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.ip.cut = 1, .flags = SYN));
	expect_left(x, &f, HOKM_CTR_bad_ip);
	frame_tcp(&f, SEG(.ip.cut = 60000, .flags = SYN));
	expect_left(x, &f, HOKM_CTR_bad_ip);
}

static void total_length_below_the_headers(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.ip.cut = -40, .flags = SYN)); /* 0 */
	expect_left(x, &f, HOKM_CTR_bad_ip);
	frame_tcp(&f, SEG(.ip.cut = -21, .flags = SYN)); /* 19 */
	expect_left(x, &f, HOKM_CTR_bad_ip);
	expect_bad_tcp(x, SEG(.ip.cut = -20, .flags = SYN)); /* no TCP header */
	expect_bad_tcp(x, SEG(.ip.cut = -1, .flags = SYN));
}

/* ---- malformed ---- */

static void malformed_ip_headers(void **state)
{
	static const uint8_t first_bytes[] = {0x00, 0x40, 0x44, 0x55, 0x65, 0xf5};
	struct fix *x = *state;
	struct frame f;

	for (unsigned int i = 0; i < sizeof(first_bytes); i++) {
		frame_tcp(&f, SEG(.flags = SYN));
		f.b[f.l3] = first_bytes[i];
		expect_left(x, &f, HOKM_CTR_bad_ip);
	}
}

static void header_length_beyond_the_packet(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.flags = SYN));
	f.b[f.l3] = 0x4f; /* 60 bytes, of 40 */
	expect_left(x, &f, HOKM_CTR_bad_ip);
}

static void malformed_tcp_data_offsets(void **state)
{
	struct fix *x = *state;
	struct frame f;

	for (unsigned int doff = 0; doff < 16; doff++) {
		if (doff == 5)
			continue;
		frame_tcp(&f, SEG(.flags = SYN));
		f.b[f.l4 + 12] = (uint8_t)(doff << 4);
		expect_left(x, &f, HOKM_CTR_bad_tcp);
	}
}

static void malformed_tcp_flags(void **state)
{
	static const uint8_t flags[] = {
		0,
		FIN,
		PSH,
		FIN | PSH | 0x20,
		SYN | FIN,
		SYN | RST,
		SYN | ACK | RST,
		SYN | ACK | FIN,
		SYN | ACK,
		0x3f,
	};
	struct fix *x = *state;
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED, .target = HOKM_LOCAL}, after;

	for (unsigned int i = 0; i < sizeof(flags); i++)
		expect_bad_tcp(x, SEG(.flags = flags[i], .seq = 5));
	fix_conn_put(x, &c);
	for (unsigned int i = 0; i < sizeof(flags); i++)
		expect_in_pass(x, SEG(.flags = flags[i], .seq = 5));
	assert_true(fix_conn(x, &after));
	assert_memory_equal(&after, &c, sizeof(c));
}

/* ---- valid but unusual ---- */

static void vlan_tags_options_and_padding(void **state)
{
	struct fix *x = *state;

	for (unsigned int tags = 0; tags <= 2; tags++) {
		for (unsigned int words = 0; words <= 10; words += 5) {
			struct tcp_spec s = {
				.eth.tags = tags,
				.ip.options = words,
				.options = 10 - words,
				.flags = SYN,
				.seq = 70,
				.padding = 6,
			};
			struct hokm_conn half;

			fix_reset(state);
			expect_in_pass(x, &s);
			assert_true(fix_half(x, &half));
			assert_int_equal(half.c2s.seq_next, 71);
			assert_int_equal(half.c2s.bytes, 40 + 40);
			fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
			expect_in_steer(x, &s, PEER0_MAC);
		}
	}
}

/* Ethernet pads an ACK without data. The padding is no data. */
static void padding_is_no_payload(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.vouched = VOUCHED(100, 0),
		.c2s = {.packets = 1, .seq_next = 100},
	};

	fix_conn_put(x, &c);
	expect_in_pass(x, SEG(.flags = ACK, .seq = 100, .padding = 6));
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.c2s.seq_next, 100);
	assert_int_equal(c.c2s.last_data_ns, 0);
	assert_int_equal(c.c2s.bytes, 40);
}

static void third_vlan_tag_is_left_alone(void **state)
{
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.eth.tags = 3, .flags = SYN));
	expect_pass(x, &f);
	assert_int_equal(fix_count_all(x), 0);
}

/*
 * Linux removes any number of priority tags, so a frame after many of them must not pass a gate.
 */
static void stacked_priority_tags_are_dropped(void **state)
{
	struct fix *x = *state;
	struct eth_spec eth = {.from = PEER0_MAC, .priority_tags = true};
	struct hokm_event ev;
	struct frame f;

	for (eth.tags = 3; eth.tags < 6; eth.tags++) {
		frame_vrrp(&f, &eth, &(struct ip_spec){0}, TEST_VRID, 20);
		expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_vlan_stack);
		frame_arp(&f, &eth, 1, CLIENT_ADDR, VIP_ADDR);
		expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_vlan_stack);
	}
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 6);
	assert_int_equal(ev.counter, HOKM_CTR_drop_vlan_stack);
	eth.tags = 2;
	frame_vrrp(&f, &eth, &(struct ip_spec){0}, TEST_VRID, 20);
	expect_pass(x, &f);
	assert_int_equal(NODE(x, vrrp_seen), 1);
}

/* Frames of several buffers, with the headers in the first. */
static void jumbo_frames(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {
		.tcp_state = HOKM_TCP_ESTABLISHED, .target = HOKM_LOCAL, .vouched = VOUCHED(1, 0)};
	struct tcp_spec s = {.flags = ACK, .seq = 1, .payload = 8000};

	fix_conn_put(x, &c);
	expect_in_pass(x, &s);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.c2s.seq_next, 8001);
	assert_int_equal(c.c2s.bytes, 8040);
	c.target = 1;
	fix_conn_put(x, &c);
	expect_in_steer(x, &s, PEER1_MAC);
	s.ip.cut = 1;
	expect_in_pass(x, &s);
	assert_int_equal(NODE(x, bad_ip), 1);
}

static void fragments_are_left_to_the_kernel(void **state)
{
	static const uint16_t frags[] = {0x2000, 0x2001, 0x0001};
	struct fix *x = *state;
	struct frame f;

	for (unsigned int i = 0; i < sizeof(frags) / sizeof(frags[0]); i++) {
		frame_tcp(&f, SEG(.ip.frag = frags[i], .flags = SYN));
		expect_left(x, &f, HOKM_CTR_fragments);
	}
	frame_tcp(&f, SEG(.ip.frag = 0x4000, .flags = SYN)); /* don't fragment */
	expect_pass(x, &f);
	assert_int_equal(COUNT(x, syn), 1);
}

/* ---- not for this node ---- */

static void frames_for_another_mac_are_left_alone(void **state)
{
	const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	struct fix *x = *state;
	struct frame f;

	frame_tcp(&f, SEG(.eth.to = PEER0_MAC, .flags = SYN));
	expect_left(x, &f, HOKM_CTR_other_host);
	frame_tcp(&f, SEG(.eth.to = broadcast, .flags = SYN));
	expect_left(x, &f, HOKM_CTR_other_host);
}

static void foreign_traffic_raises_no_counter(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_tcp(&f, SEG(.ip.dst = OTHER_ADDR, .flags = SYN));
	expect_pass(x, &f);
	frame_tcp(&f, SEG(.ip.dst = OWN_ADDR, .flags = SYN));
	expect_pass(x, &f);
	frame_tcp(&f, SEG(.dport = GAME_PORT + 1, .flags = SYN));
	expect_pass(x, &f);
	frame_udp(&f, &(struct eth_spec){0}, &(struct ip_spec){.dst = VIP_ADDR}, GAME_PORT, "x", 1);
	expect_pass(x, &f);
	frame_tcp(&f, SEG(.flags = SYN));
	f.b[12] = 0x86; /* IPv6 */
	f.b[13] = 0xdd;
	expect_pass(x, &f);
	assert_int_equal(fix_count_all(x), 0);
	expect_nothing_known(x);
}

static void without_a_configuration_everything_passes(void **state)
{
	struct fix *x = *state;
	struct frame f;

	memset(&x->cfg, 0, sizeof(x->cfg));
	fix_cfg(x);
	fix_owner(x, false);
	frame_tcp(&f, SEG(.flags = SYN));
	expect_pass(x, &f);
	frame_arp(&f, &(struct eth_spec){0}, 1, CLIENT_ADDR, VIP_ADDR);
	expect_pass(x, &f);
	frame_vrrp(&f, &(struct eth_spec){0}, &(struct ip_spec){0}, TEST_VRID, 20);
	expect_pass(x, &f);
	/* The ARP of another host, and nothing else. */
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_arp_seen), 1);
	assert_int_equal(fix_count_all(x), 1);
}

static void services_are_counted_apart(void **state)
{
	struct fix *x = *state;

	x->cfg.service[7] = x->cfg.service[0];
	x->cfg.service[7].port = htons(9000);
	x->cfg.n_services = 8;
	fix_cfg(x);
	fix_service(x, 7, 99, HOKM_SVC_UP);
	expect_in_pass(x, SEG(.dport = 9000, .flags = SYN));
	assert_int_equal(fix_count(x, 7, HOKM_CTR_syn_local), 1);
	assert_int_equal(COUNT(x, syn), 0);
	x->cfg.service[7].used = 0;
	fix_cfg(x);
	expect_in_pass(x, SEG(.dport = 9000, .flags = SYN));
	assert_int_equal(fix_count(x, 7, HOKM_CTR_syn), 1);
}

/* Every drop_* counter has a test that raises it. A new counter needs a test and a line here. */
static void every_drop_reason_is_tested(void **state)
{
	static const enum hokm_counter tested[] = {
		HOKM_CTR_drop_arp_gate,
		HOKM_CTR_drop_arp_claim,  /* test_arp */
		HOKM_CTR_drop_other_arp,  /* test_fence */
		HOKM_CTR_drop_other_syn,  /* test_fence */
		HOKM_CTR_drop_syn_fenced, /* test_steer */
		HOKM_CTR_drop_vrrp_source,
		HOKM_CTR_drop_vrrp_ttl, /* test_vrrp_guard */
		HOKM_CTR_drop_vrrp_mac,
		HOKM_CTR_drop_vrrp_short, /* test_vrrp_guard */
		HOKM_CTR_drop_pulse_source,
		HOKM_CTR_drop_pulse_ttl, /* test_pulse */
		HOKM_CTR_drop_pulse_short,
		HOKM_CTR_drop_pulse_version, /* test_pulse */
		HOKM_CTR_drop_pulse_tag,
		HOKM_CTR_drop_pulse_replay, /* test_pulse */
		HOKM_CTR_drop_pulse_nonce,  /* test_pulse */
		HOKM_CTR_drop_pulse_late,   /* test_pulse_forged */
		HOKM_CTR_drop_pulse_mac,    /* test_pulse_forged */
		HOKM_CTR_drop_steer_probe,  /* test_steer_probe */
		HOKM_CTR_drop_repl_source,
		HOKM_CTR_drop_repl_ttl,   /* test_repl_guard */
		HOKM_CTR_drop_repl_short, /* test_repl_guard */
		HOKM_CTR_drop_steer_loop, /* test_steer_known */
		HOKM_CTR_drop_guess,      /* test_guess */
		HOKM_CTR_drop_stray,      /* test_guess */
		HOKM_CTR_drop_steer_fault,
		HOKM_CTR_drop_vlan_stack, /* here */
		/*
		 * Only a kernel that extends or shortens a packet and then cannot write to it
		 * raises these.
		 */
		HOKM_CTR_drop_answer_fault,
		HOKM_CTR_drop_replay_fault,
	};

	(void)state;
	assert_int_equal(sizeof(tested) / sizeof(tested[0]),
			 HOKM_CTR_COUNT - HOKM_CTR_drop_arp_gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(steering_without_an_own_mac_is_a_counted_drop),
		HOKM_TEST(frames_cut_anywhere_change_nothing),
		HOKM_TEST(no_ip_header_behind_its_type),
		HOKM_TEST(total_length_beyond_the_frame),
		HOKM_TEST(total_length_below_the_headers),
		HOKM_TEST(malformed_ip_headers),
		HOKM_TEST(header_length_beyond_the_packet),
		HOKM_TEST(malformed_tcp_data_offsets),
		HOKM_TEST(malformed_tcp_flags),
		HOKM_TEST(vlan_tags_options_and_padding),
		HOKM_TEST(padding_is_no_payload),
		HOKM_TEST(third_vlan_tag_is_left_alone),
		HOKM_TEST(stacked_priority_tags_are_dropped),
		HOKM_TEST(jumbo_frames),
		HOKM_TEST(fragments_are_left_to_the_kernel),
		HOKM_TEST(frames_for_another_mac_are_left_alone),
		HOKM_TEST(foreign_traffic_raises_no_counter),
		HOKM_TEST(without_a_configuration_everything_passes),
		HOKM_TEST(services_are_counted_apart),
		HOKM_TEST(every_drop_reason_is_tested),
	};

	return cmocka_run_group_tests_name("drops", tests, fix_open, fix_close);
}
