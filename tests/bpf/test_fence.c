/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fence on other interfaces of the machine: no ARP answer for a VIP, and no connection without
 * a lease. A hidden frame is counted and goes on unchanged.
 *
 * BPF_PROG_TEST_RUN runs the frame on lo, whose MAC address is zero: a frame to that address is one
 * to this machine.
 */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>

#include "fixture.h"
#include "skel.h"

#define REQUEST  1
#define REPLY    2
#define LO_INDEX 1

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static const uint8_t BROADCAST[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t LO_MAC[6];
static const struct eth_spec ASKED = {.to = BROADCAST};

/* As received by lo. */
static void run_fence(struct fix *x, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len,
		    .data_out = x->out.b, .data_size_out = sizeof(x->out.b), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(x->fence, &o), 0);
	x->verdict = (int)o.retval;
	x->out.len = o.data_size_out;
}

/* Expects that the frame goes on unchanged, hidden with this counter of the slot, or not at all. */
static void expect_fence(struct fix *x, const struct frame *f, unsigned int slot, int counter)
{
	uint64_t drops = fix_count_drops(x);
	uint64_t before = counter < 0 ? 0 : fix_count(x, slot, (enum hokm_counter)counter);

	run_fence(x, f);
	assert_int_equal(x->verdict, EGRESS_PASS);
	assert_int_equal(x->out.len, f->len);
	assert_memory_equal(x->out.b, f->b, f->len);
	assert_int_equal(fix_count_drops(x), drops + (counter >= 0));
	if (counter >= 0)
		assert_int_equal(fix_count(x, slot, (enum hokm_counter)counter), before + 1);
}

static void expect_hidden_arp(struct fix *x, const struct frame *f)
{
	expect_fence(x, f, HOKM_NODE_SLOT, HOKM_CTR_drop_other_arp);
}

static void expect_seen(struct fix *x, bool seen)
{
	struct hokm_fence f;
	uint32_t lo = LO_INDEX;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.fences), &lo, &f), 0);
	assert_int_equal(f.seen_ns != 0, seen);
}

static void forget(struct fix *x)
{
	const struct hokm_fence unseen = {0};
	uint32_t lo = LO_INDEX;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.fences), &lo, &unseen, 0),
			 0);
}

/* The owner answers on the interface of the instance only: there is one MAC address for a VIP. */
static void nobody_answers_arp_for_a_vip(void **state)
{
	struct fix *x = *state;
	struct hokm_event ev;
	struct frame f;

	forget(x);
	frame_arp(&f, &ASKED, REQUEST, CLIENT_ADDR, VIP_ADDR);
	for (int owner = 0; owner <= 1; owner++) {
		fix_owner(x, owner);
		expect_hidden_arp(x, &f);
	}
	expect_seen(x, true);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 2);
	assert_int_equal(ev.counter, HOKM_CTR_drop_other_arp);
	assert_int_equal(ev.client.w[3], htonl(CLIENT_ADDR));
}

/* A gratuitous request asks too; a reply only shows that the interface is in the segment. */
static void arp_of_the_owner_shows_the_segment(void **state)
{
	struct fix *x = *state;
	struct frame f;

	forget(x);
	frame_arp(&f, &ASKED, REPLY, VIP_ADDR, CLIENT_ADDR);
	expect_fence(x, &f, 0, -1);
	expect_seen(x, true);
	forget(x);
	frame_arp(&f, &ASKED, REQUEST, VIP_ADDR, VIP_ADDR);
	expect_hidden_arp(x, &f);
	expect_seen(x, true);
}

static void addresses_of_the_machine_are_answered(void **state)
{
	struct fix *x = *state;
	struct eth_spec tagged = {.to = BROADCAST, .tags = 1};
	struct eth_spec other_host = {.to = OTHER_MAC};
	struct frame f;

	forget(x);
	fix_owner(x, false);
	frame_arp(&f, &ASKED, REQUEST, CLIENT_ADDR, OWN_ADDR);
	expect_fence(x, &f, 0, -1);
	frame_arp(&f, &ASKED, REPLY, CLIENT_ADDR, OWN_ADDR);
	expect_fence(x, &f, 0, -1);
	frame_arp(&f, &tagged, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_fence(x, &f, 0, -1);
	frame_arp(&f, &other_host, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_fence(x, &f, 0, -1);
	frame_arp(&f, &ASKED, REQUEST, CLIENT_ADDR, VIP_ADDR);
	for (uint32_t len = 14; len < f.len; len++) {
		struct frame cut = f;

		frame_cut(&cut, len);
		expect_fence(x, &cut, 0, -1);
	}
	expect_seen(x, false);
}

static void expect_syn(struct fix *x, const struct tcp_spec *s, bool hidden)
{
	struct frame f;

	frame_tcp(&f, s);
	expect_fence(x, &f, 0, hidden ? (int)HOKM_CTR_drop_other_syn : -1);
}

#define TO_LO(...) (&(const struct tcp_spec){.eth = {.to = LO_MAC}, __VA_ARGS__})

static void no_connection_without_a_lease(void **state)
{
	struct fix *x = *state;
	struct frame f;

	forget(x);
	fix_owner(x, false);
	/* Nobody asked for the VIP here: containers, not the segment. */
	expect_syn(x, TO_LO(.flags = SYN), false);
	frame_arp(&f, &ASKED, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_hidden_arp(x, &f);
	expect_syn(x, TO_LO(.flags = SYN), true);
	expect_syn(x, TO_LO(.flags = SYN | PSH, .payload = 10), true);
	fix_owner(x, true);
	expect_syn(x, TO_LO(.flags = SYN), false);
}

static void all_else_is_left_alone(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	frame_arp(&f, &ASKED, REQUEST, CLIENT_ADDR, VIP_ADDR);
	expect_hidden_arp(x, &f);
	expect_syn(x, TO_LO(.flags = ACK), false);
	expect_syn(x, TO_LO(.flags = SYN | ACK), false);
	expect_syn(x, TO_LO(.flags = RST), false);
	expect_syn(x, TO_LO(.flags = SYN, .dport = 22), false);
	expect_syn(x, TO_LO(.flags = SYN, .ip = {.dst = OWN_ADDR}), false);
	expect_syn(x, SEG(.flags = SYN, .eth = {.to = OTHER_MAC}), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(nobody_answers_arp_for_a_vip),
		HOKM_TEST(arp_of_the_owner_shows_the_segment),
		HOKM_TEST(addresses_of_the_machine_are_answered),
		HOKM_TEST(no_connection_without_a_lease),
		HOKM_TEST(all_else_is_left_alone),
	};

	return cmocka_run_group_tests_name("fence", tests, fix_open, fix_close);
}
