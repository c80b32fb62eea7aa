/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: the record, the rate limit of each kind, lost records. Also a connection table that is
 * full.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fixture.h"
#include "skel.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)
#define NODE(x, c)  fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define SMALL_TABLE 2

static int open_small(void **state)
{
	return fix_open_small(state, SMALL_TABLE);
}

static void arp_frame(struct frame *f)
{
	frame_arp(f, &(struct eth_spec){0}, 1, CLIENT_ADDR, VIP_ADDR);
}

/* Sets the same window on every CPU: it began at start_ns, and count records were sent in it. */
static void set_window(struct fix *x, uint32_t kind, uint64_t start_ns, uint64_t count)
{
	int cpus = libbpf_num_possible_cpus();
	struct hokm_event_limit *l;

	assert_true(cpus > 0);
	l = calloc((size_t)cpus, sizeof(*l));
	assert_non_null(l);
	for (int i = 0; i < cpus; i++) {
		l[i].window_ns = start_ns;
		l[i].count = count;
	}
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(x->skel->maps.event_limits), &kind, l, BPF_ANY), 0);
	free(l);
}

static void event_has_every_field(void **state)
{
	struct fix *x = *state;
	uint64_t before = fix_now();
	struct hokm_event ev;

	fix_owner(x, false);
	fix_in(x, SEG(.flags = SYN));
	assert_int_equal(fix_events(x, HOKM_EV_DROP, &ev), 1);
	assert_true(ev.now_ns >= before && ev.now_ns <= fix_now());
	assert_int_equal(ev.client.w[0], 0);
	assert_int_equal(ev.client.w[1], 0);
	assert_int_equal(ev.client.w[2], htonl(0xffff));
	assert_int_equal(ev.client.w[3], htonl(CLIENT_ADDR));
	assert_int_equal(ev.client_port, htons(CLIENT_PORT));
	assert_int_equal(ev.service, 0);
	assert_int_equal(ev.counter, HOKM_CTR_drop_syn_fenced);
	assert_int_equal(ev.target, HOKM_NO_PEER);
	assert_int_equal(ev.age_ns | ev.bytes_in | ev.bytes_out, 0);
	assert_int_equal(ev.fault | ev.close_code | ev.status | ev.rsv[0] | ev.rsv[1], 0);
}

static void quiet_paths_send_nothing(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_in(x, SEG(.flags = SYN));
	fix_in(x, SEG(.flags = SYN));
	arp_frame(&f);
	fix_ingress(x, &f);
	perf_buffer__consume(x->events);
	assert_int_equal(x->n_events, 0);
}

static void limit_is_per_kind(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	arp_frame(&f);
	set_window(x, HOKM_EV_DROP, fix_now(), HOKM_EVENTS_PER_SECOND - 1);
	fix_ingress(x, &f);
	fix_ingress(x, &f);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, NULL), 1);
	assert_int_equal(NODE(x, events_limited), 1);
	assert_int_equal(NODE(x, drop_arp_gate), 2);
	fix_in(x, SEG(.flags = ACK, .seq = 1));
	assert_int_equal(fix_events(x, HOKM_EV_SECOND_CHANCE, NULL), 1);
}

static void window_opens_again(void **state)
{
	struct fix *x = *state;
	struct frame f;

	fix_owner(x, false);
	arp_frame(&f);
	set_window(x, HOKM_EV_DROP, fix_now() - SECOND_NS, HOKM_EVENTS_PER_SECOND);
	fix_ingress(x, &f);
	assert_int_equal(fix_events(x, HOKM_EV_DROP, NULL), 1);
	assert_int_equal(NODE(x, events_limited), 0);
}

/* The fixture's perf buffer is one page: it overflows long before the limit. */
static void lost_events_are_counted(void **state)
{
	const unsigned int n = HOKM_EVENTS_PER_SECOND / 2;
	struct fix *x = *state;
	unsigned int got;
	struct frame f;

	fix_owner(x, false);
	arp_frame(&f);
	for (unsigned int i = 0; i < n; i++)
		fix_ingress(x, &f);
	got = fix_events(x, HOKM_EV_DROP, NULL);
	assert_true(got > 0 && got < n);
	assert_int_equal(NODE(x, events_lost), n - got);
	assert_int_equal(NODE(x, drop_arp_gate), n);
}

static void fill_table(struct fix *x)
{
	const struct hokm_conn c = conn_known(HOKM_LOCAL);

	for (uint16_t i = 0; i < SMALL_TABLE; i++)
		fix_conn_put_at(x, (uint16_t)(CLIENT_PORT + 1 + i), &c);
	assert_int_equal(fix_conn_count(x), SMALL_TABLE);
	assert_int_equal(COUNT(x, conns_full), 0);
}

/* A connection that does not fit into the table is counted and goes on. */
static void full_table_breaks_no_handshake(void **state)
{
	struct fix *x = *state;

	fill_table(x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 1000));
	fix_out(x, SEG(.flags = SYN | ACK, .seq = 5000, .ack = 1001));
	expect_in_pass(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001));
	assert_int_equal(COUNT(x, conns_full), 1);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(fix_conn_count(x), SMALL_TABLE);
}

/* Its half-open entry still names the peer that serves it, which is not the first alive one. */
static void full_table_keeps_the_target(void **state)
{
	struct fix *x = *state;
	struct hokm_peer back;

	fill_table(x);
	fix_peer_dead(x, 0);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 1000), PEER1_MAC);
	back = fix_alive_peer(0);
	fix_peer_set(x, 0, &back);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1001, .ack = 5001), PEER1_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 1009, .ack = 5001), PEER1_MAC);
	assert_int_equal(COUNT(x, conns_full), 1);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(COUNT(x, second_chance), 0);
}

static void full_table_keeps_the_second_chance(void **state)
{
	struct fix *x = *state;

	fill_table(x);
	fix_replica_put(x, 1);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 9), PEER1_MAC);
	expect_in_steer(x, SEG(.flags = ACK, .seq = 9), PEER1_MAC);
	assert_int_equal(COUNT(x, conns_full), 2);
	assert_int_equal(COUNT(x, second_chance), 2);
}

/* SYNs replace half-open entries, never an established connection. */
static void flood_of_syns_leaves_connections(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED, .target = HOKM_LOCAL};
	struct tcp_spec s = {.flags = SYN, .seq = 1};
	uint32_t sets = bpf_map__max_entries(x->skel->maps.half_open);

	x->cfg.half_open_mask = sets - 1;
	fix_cfg(x);
	fix_conn_put(x, &c);
	for (uint32_t i = 0; i < 4 * sets; i++) {
		s.ip.src = IPV4(10, 0, 0, 0) + i;
		fix_in(x, &s);
	}
	assert_int_equal(COUNT(x, syn), 4 * sets);
	/*
	 * Twice as many SYNs as places: at least half of the entries were replaced, and few more.
	 */
	assert_true(COUNT(x, half_open_evicted) >= 2 * sets);
	assert_true(COUNT(x, half_open_evicted) < 3 * sets);
	assert_true(fix_conn(x, &c));
}

/* One set: a new entry replaces the oldest one, and takes a free place before that. */
static void oldest_half_open_goes_first(void **state)
{
	struct fix *x = *state;
	struct tcp_spec other = {.flags = SYN, .seq = 1, .ip.src = IPV4(10, 0, 0, 1)};
	struct hokm_conn half;

	fix_in(x, &other);
	fix_in(x, &(struct tcp_spec){.flags = SYN, .seq = 7});
	other.ip.src++;
	fix_in(x, &other);
	assert_int_equal(COUNT(x, half_open_evicted), 1);
	assert_true(fix_half(x, &half));
	other.ip.src++;
	fix_in(x, &other);
	assert_int_equal(COUNT(x, half_open_evicted), 2);
	assert_false(fix_half(x, &half));
	fix_peer_dead(x, 0); /* no peer gets the refused SYN */
	fix_peer_dead(x, 1);
	fix_out(x, &(struct tcp_spec){.flags = RST | ACK, .ack = 2, .ip.dst = other.ip.src});
	other.ip.src++;
	fix_in(x, &other);
	assert_int_equal(COUNT(x, half_open_evicted), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(event_has_every_field),
		HOKM_TEST(quiet_paths_send_nothing),
		HOKM_TEST(limit_is_per_kind),
		HOKM_TEST(window_opens_again),
		HOKM_TEST(lost_events_are_counted),
		HOKM_TEST(full_table_breaks_no_handshake),
		HOKM_TEST(full_table_keeps_the_target),
		HOKM_TEST(full_table_keeps_the_second_chance),
		HOKM_TEST(flood_of_syns_leaves_connections),
		HOKM_TEST(oldest_half_open_goes_first),
	};

	return cmocka_run_group_tests_name("events", tests, open_small, fix_close);
}
