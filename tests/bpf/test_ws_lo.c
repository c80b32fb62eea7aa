/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both programs are attached to lo of the test's own network namespace, and two real sockets talk
 * through them. The kernel gives them what BPF_PROG_TEST_RUN cannot make: non-linear skbs, GSO
 * packets and generic XDP. The counters must agree with what was written to the sockets.
 *
 *   client 192.168.1.100:40000 ──┬── lo ──┬── VIP 192.168.1.25:8765
 *               hokm_egress (clsact)      hokm_ingress (generic XDP)
 */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hokm/ws.h"
#include "lo.h"
#include "skel.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define MTU_LARGE  65536
#define MTU_SMALL  1500
#define CHUNK_MAX  30000 /* fits into the receiver's buffer, because one thread writes and reads */
#define FRAMES     400
#define DEADLINE_S 10

struct lo {
	struct fix *x;
	struct socks s;
};

static void lo_attach(struct lo *l, struct fix *x)
{
	l->x = x;
	lo_egress_attach(x);
	assert_int_equal(bpf_xdp_attach(LO, x->ingress, XDP_FLAGS_SKB_MODE, NULL), 0);
	memset(x->cfg.mac, 0, sizeof(x->cfg.mac)); /* MAC address of lo */
	fix_cfg(x);
}

static void lo_detach(void)
{
	assert_int_equal(bpf_xdp_detach(LO, XDP_FLAGS_SKB_MODE, NULL), 0);
	lo_egress_detach();
}

static void lo_mtu(int mtu)
{
	struct ifreq r = {.ifr_mtu = mtu};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "lo");
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &r), 0);
	close(fd);
}

static void limit(int fd)
{
	struct timeval t = {.tv_sec = DEADLINE_S};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)), 0);
}

/*
 * Writes once and reads all of it at the other end, so that its segments have passed both programs.
 */
static void carry(struct lo *l, int side, const void *data, uint32_t len)
{
	int from = side == CLIENT ? l->s.client : l->s.server;
	int to = side == CLIENT ? l->s.server : l->s.client;
	static uint8_t got[CHUNK_MAX];

	assert_true(len <= sizeof(got));
	assert_int_equal(send(from, data, len, MSG_NOSIGNAL), len);
	assert_int_equal(recv(to, got, len, MSG_WAITALL), len);
	assert_memory_equal(got, data, len);
}

static void carry_stream(struct lo *l, int side, const struct stream *s, uint32_t *seed)
{
	for (uint32_t at = 0, len; at < s->len; at += len) {
		uint32_t most = talk_random(seed) & 1 ? CHUNK_MAX : 3000;

		len = 1 + talk_random(seed) % most;
		len = len < s->len - at ? len : s->len - at;
		carry(l, side, s->b + at, len);
	}
}

static void expect_stream(struct fix *x, const struct stream *s, enum hokm_counter first)
{
	for (unsigned int kind = 0; kind < WS_KINDS; kind++)
		assert_int_equal(fix_count(x, 0, first + kind), s->n[kind]);
}

static void talk_over_lo(struct lo *l, int mtu, uint32_t *seed)
{
	static struct stream in, out;
	struct fix *x = l->x;
	struct hokm_conn c;

	socks_connect(&l->s);
	limit(l->s.client);
	limit(l->s.server);
	carry(l, CLIENT, UPGRADE_REQUEST, (uint32_t)strlen(UPGRADE_REQUEST));
	carry(l, SERVER, SWITCHED, (uint32_t)strlen(SWITCHED));
	stream_some(&in, CLIENT, FRAMES, seed);
	stream_some(&out, SERVER, FRAMES, seed);
	stream_frame(&in, CLIENT, WS_FIN | 0x0a, 0);
	carry_stream(l, CLIENT, &in, seed);
	carry_stream(l, SERVER, &out, seed);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.ws, HOKM_WS_OPEN);
	assert_int_equal(c.sync_lost, 0);
	assert_int_equal(c.flags, HOKM_CONN_OPENED);
	assert_int_equal(c.c2s.frames, FRAMES + 1);
	assert_int_equal(c.s2c.frames, FRAMES);
	if (mtu < MTU_LARGE) /* otherwise no GSO packets were sent */
		assert_true(c.s2c.bytes > (uint64_t)c.s2c.packets * (unsigned int)mtu);
	expect_stream(x, &in, HOKM_CTR_in_continuation);
	expect_stream(x, &out, HOKM_CTR_out_continuation);
}

/* The server closes with a close frame, then both ends close their sockets. */
static void close_over_lo(struct lo *l)
{
	static struct stream s;
	struct fix *x = l->x;
	struct hokm_conn c;

	s.len = 0;
	stream_close(&s, SERVER, 1012, 20);
	carry(l, SERVER, s.b, s.len);
	s.len = 0;
	stream_close(&s, CLIENT, 1012, 0);
	carry(l, CLIENT, s.b, s.len);
	socks_end_quietly(&l->s);
	socks_close(&l->s);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.tcp_state, HOKM_TCP_CLOSED);
	assert_int_equal(c.close_code, 1012);
	assert_int_equal(c.close_side, HOKM_SIDE_SERVER);
	assert_int_equal(COUNT(x, close_1012), 1);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(COUNT(x, abnormal_server) + COUNT(x, abnormal_client), 0);
	assert_int_equal(COUNT(x, reset_server) + COUNT(x, rst_client), 0);
	expect_waiting(x, 0, 0);
}

static void whatever_the_kernel_makes_of_it(struct fix *x, int mtu, uint32_t seed)
{
	struct lo l;

	lo_attach(&l, x);
	lo_mtu(mtu);
	talk_over_lo(&l, mtu, &seed);
	close_over_lo(&l);
	lo_detach();
}

/* Segments of up to 30 KB whose payload is in page fragments. */
static void non_linear_segments(void **state)
{
	whatever_the_kernel_makes_of_it(*state, MTU_LARGE, 362436069u);
}

static void gso_super_packets(void **state)
{
	whatever_the_kernel_makes_of_it(*state, MTU_SMALL, 521288629u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(non_linear_segments),
		HOKM_TEST(gso_super_packets),
	};

	return cmocka_run_group_tests_name("ws_lo", tests, fix_open, fix_close);
}
