/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handshakes by SYN cookie (socket_lookup.h). The cookie is the kernel's own: a SYN goes through a
 * raw socket to a listener that always answers with cookies, and a second raw socket reads the
 * SYN-ACK.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

#define CLIENT_ISN  1000u
#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

static void always_cookies(void)
{
	int fd = open("/proc/sys/net/ipv4/tcp_syncookies", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "2", 1), 1);
	assert_int_equal(close(fd), 0);
}

/* A SYN from the client's address, by hand: no socket of this machine belongs to it. */
static void send_syn(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(VIP_ADDR)};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct frame f;

	assert_true(fd >= 0);
	frame_tcp(&f, SEG(.flags = SYN, .seq = CLIENT_ISN));
	frame_tcp_checksum(&f);
	assert_int_equal(
		sendto(fd, f.b + f.l3, f.len - f.l3, 0, (struct sockaddr *)&to, sizeof(to)),
		f.len - f.l3);
	assert_int_equal(close(fd), 0);
}

/* The sequence number of the SYN-ACK that answers it, which is the cookie. */
static uint32_t read_cookie(int fd)
{
	uint8_t b[256];
	uint32_t seq;

	for (;;) {
		ssize_t n = recv(fd, b, sizeof(b), 0);

		assert_true(n >= 40);
		if ((b[20 + 13] & (SYN | ACK)) != (SYN | ACK))
			continue;
		memcpy(&seq, b + 20 + 4, sizeof(seq));
		return ntohl(seq);
	}
}

static uint32_t get_cookie(struct socks *s)
{
	struct timeval limit = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	uint32_t cookie;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	always_cookies();
	socks_listen(s);
	send_syn();
	cookie = read_cookie(fd);
	assert_int_equal(close(fd), 0);
	return cookie;
}

static void ack_with_a_cookie_is_an_established_connection(void **state)
{
	struct fix *x = *state;
	struct hokm_change ch;
	struct hokm_conn c;
	struct socks s;
	uint32_t cookie = get_cookie(&s);

	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	fix_replica_put(x, 1); /* a former connection of the same port, on a peer */
	expect_in_pass(x, SEG(.flags = ACK, .seq = CLIENT_ISN + 1, .ack = cookie + 1));
	socks_close(&s);
	assert_true(fix_conn(x, &c));
	assert_int_equal(c.target, HOKM_LOCAL);
	assert_int_equal(c.tcp_state, HOKM_TCP_ESTABLISHED);
	assert_int_equal(c.isn, CLIENT_ISN);
	assert_true(c.flags & HOKM_CONN_OPENED);
	assert_int_equal(c.c2s.ws.next, CLIENT_ISN + 1);
	assert_int_equal(c.s2c.ws.next, cookie + 1);
	assert_int_equal(COUNT(x, established), 1);
	assert_int_equal(COUNT(x, local_socket), 1);
	assert_int_equal(fix_events(x, HOKM_EV_OPEN, NULL), 1);
	/* A peer that steers judges the client's next segments by these. */
	assert_int_equal(fix_changes(x, &ch, 1), 1);
	assert_int_equal(ch.kind, HOKM_CHANGE_OPEN);
	assert_int_equal(ch.began, 1);
	assert_int_equal(ch.ack_next, CLIENT_ISN + 1);
	assert_int_equal(ch.seq_next, cookie + 1);
}

static void ack_without_a_valid_cookie_is_not(void **state)
{
	struct fix *x = *state;
	struct socks s;
	uint32_t cookie = get_cookie(&s);

	fix_reset_peers(x);
	for (unsigned int i = 0; i < 2; i++)
		fix_peer_dead(x, i);
	/*
	 * A cookie carries an index of four segment sizes: the kernel takes numbers a little off.
	 */
	expect_in_pass(x, SEG(.flags = ACK, .seq = CLIENT_ISN + 1, .ack = cookie + 99));
	expect_in_pass(x, SEG(.flags = ACK, .seq = CLIENT_ISN + 99, .ack = cookie + 1));
	expect_in_pass(x, SEG(.flags = ACK | RST, .seq = CLIENT_ISN + 1, .ack = cookie + 1));
	socks_close(&s);
	assert_int_equal(fix_conn_count(x), 0);
	assert_int_equal(COUNT(x, unknown_pass), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(ack_with_a_cookie_is_an_established_connection),
		HOKM_TEST(ack_without_a_valid_cookie_is_not),
	};

	return cmocka_run_group_tests_name("syncookie", tests, fix_open, fix_close);
}
