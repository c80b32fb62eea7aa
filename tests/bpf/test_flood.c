/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A SYN flood, with one BPF_PROG_TEST_RUN per attempt: no established connection is evicted or
 * changed, and each of them goes on afterwards. The environment variable HOKM_FLOOD sets the number
 * of attempts; the default is 2,000,000.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flood.h"
#include "hokm/ws.h"
#include "skel.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define PLAYERS         1000
#define ATTEMPTS        2000000ul
#define LIMIT_S         60
#define ANSWERED        8 /* every eighth attempt gets its SYN-ACK */
#define FLOOD_FROM      IPV4(10, 0, 0, 0)
#define FLOOD_PORT      1024
#define PORTS_A_CLIENT  13 /* so that both address and port change */
#define PLAYER_PORT     20000
#define VERDICT_XDPPASS 2

/* Puts the client's address and port and the sequence number of attempt i into the frame. */
static void attempt_in(struct frame *f, uint32_t i)
{
	flood_put32(f->b + f->l3 + 12, FLOOD_FROM + i / PORTS_A_CLIENT);
	flood_put16(f->b + f->l4, (uint16_t)(FLOOD_PORT + i % PORTS_A_CLIENT));
	flood_put32(f->b + f->l4 + 4, i * 2654435761u);
	frame_ip_checksum(f);
}

static void attempt_out(struct frame *f, uint32_t i)
{
	flood_put32(f->b + f->l3 + 16, FLOOD_FROM + i / PORTS_A_CLIENT);
	flood_put16(f->b + f->l4 + 2, (uint16_t)(FLOOD_PORT + i % PORTS_A_CLIENT));
	flood_put32(f->b + f->l4 + 8, i * 2654435761u + 1);
	frame_ip_checksum(f);
}

static void run(int prog, const struct frame *f, int verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	assert_int_equal((int)o.retval, verdict);
}

static void flood(struct fix *x, unsigned long n)
{
	uint64_t began = fix_now(), took;
	struct frame in, out;

	frame_tcp(&in, SEG(.flags = SYN));
	frame_tcp(&out, SEG(.flags = SYN | ACK, .seq = 1, .reply = true));
	for (uint32_t i = 0; i < n; i++) {
		attempt_in(&in, i);
		run(x->ingress, &in, VERDICT_XDPPASS);
		if (i % ANSWERED)
			continue;
		attempt_out(&out, i);
		run(x->egress, &out, EGRESS_PASS);
	}
	took = fix_now() - began;
	print_message("%lu half-open attempts in %.1f s, %.0f ns each with the system call\n", n,
		      (double)took / 1e9, (double)took / (double)n);
	if (!getenv("HOKM_FLOOD"))
		assert_true(took < LIMIT_S * SECOND_NS);
}

static void established_connections_outlive_a_flood(void **state)
{
	static struct hokm_conn before[PLAYERS];
	static struct talk t[PLAYERS];
	unsigned long n = flood_packets(ATTEMPTS);
	struct fix *x = *state;
	struct hokm_conn after;

	x->cfg.half_open_mask = bpf_map__max_entries(x->skel->maps.half_open) - 1;
	fix_cfg(x);
	for (uint16_t i = 0; i < PLAYERS; i++) {
		talk_open(&t[i], x, (uint16_t)(PLAYER_PORT + i));
		talk_switch(&t[i]);
		talk_frame(&t[i], CLIENT, WS_FIN | WS_TEXT, i % 200);
		before[i] = talk_conn(&t[i]);
	}
	flood(x, n);
	assert_int_equal(COUNT(x, syn), n + PLAYERS);
	assert_int_equal(COUNT(x, syn_local), n + PLAYERS);
	assert_int_equal(COUNT(x, syn_ack), (n + ANSWERED - 1) / ANSWERED + PLAYERS);
	assert_int_equal(COUNT(x, established), PLAYERS);
	assert_int_equal(COUNT(x, conns_full), 0);
	if (n > 1000000)
		assert_true(COUNT(x, half_open_evicted) > n / 2);
	assert_int_equal(fix_conn_count(x), PLAYERS);
	for (uint16_t i = 0; i < PLAYERS; i++) {
		after = talk_conn(&t[i]);
		assert_memory_equal(&after, &before[i], sizeof(after));
		talk_frame(&t[i], CLIENT, WS_FIN | WS_BINARY, 9);
		talk_frame(&t[i], SERVER, WS_FIN | WS_BINARY, 9);
		after = talk_conn(&t[i]);
		assert_int_equal(after.c2s.frames, 2);
		assert_int_equal(after.s2c.frames, 1);
	}
	assert_int_equal(COUNT(x, local_socket) + COUNT(x, second_chance), 0);
	assert_int_equal(COUNT(x, in_text) + COUNT(x, in_binary), 2 * PLAYERS);
	expect_waiting(x, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(established_connections_outlive_a_flood),
	};

	return cmocka_run_group_tests_name("flood", tests, fix_open, fix_close);
}
