/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The players of a drill answer the pings of a server: the bytes, whole and in pieces, and
 * a server that ends clients without a pong.
 *
 * The server is a child process on 127.0.0.2, to which connections come from 127.0.0.1: players
 * refuse an address that is their own. It has no clock. It sends data and a ping when the client
 * sends its own ping, and ends the client that sends PINGS_MAX pings and no pong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/player_frames.h"
#include "test/players.h"

/* ---- the bytes ---- */

struct frames_row {
	const char *what;
	uint8_t bytes[16];
	size_t len;
	bool good;
	const char *pong; /* NULL: none is due */
};

static const struct frames_row rows[] = {
	{"a ping", {0x89, 2, 'a', 'b'}, 4, true, "ab"},
	{"an empty ping", {0x89, 0}, 2, true, ""},
	{"a ping that has not arrived whole", {0x89, 2, 'a'}, 3, true, NULL},
	{"two pings", {0x89, 1, 'a', 0x89, 1, 'b'}, 6, true, "b"},
	{"a ping between data", {0x81, 2, 0x89, 0, 0x89, 1, 'c', 0x82, 1, 0x88}, 10, true, "c"},
	{"a ping between fragments", {0x01, 1, 'x', 0x89, 1, 'd', 0x80, 1, 'y'}, 9, true, "d"},
	{"data that looks like a ping", {0x82, 3, 0x89, 1, 'a'}, 5, true, NULL},
	{"a pong", {0x8a, 1, 'a'}, 3, true, NULL},
	{"a close frame", {0x88, 2, 0x03, 0xe8}, 4, false, NULL},
	{"a masked frame", {0x81, 0x81, 1, 2, 3, 4, 5}, 7, false, NULL},
	{"an unknown opcode", {0x83, 0}, 2, false, NULL},
};

static void judge(const struct frames_row *row, size_t piece)
{
	struct player_frames f = {0};
	bool good = true;

	for (size_t at = 0; at < row->len && good; at += piece)
		good = player_frames_read(&f, row->bytes + at,
					  row->len - at < piece ? row->len - at : piece);
	if (good != row->good || f.pong_due != (row->pong != NULL))
		fail_msg("%s, %zu bytes at a time: good %d, a pong is due %d", row->what, piece,
			 good, f.pong_due);
	if (row->pong &&
	    (f.pong_len != strlen(row->pong) || memcmp(f.pong, row->pong, f.pong_len) != 0))
		fail_msg("%s, %zu bytes at a time: another pong", row->what, piece);
}

static void frames_whole_and_in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece <= sizeof(rows[0].bytes); piece++)
			judge(&rows[i], piece);
}

static void the_longest_ping_after_long_data(void **state)
{
	static const uint8_t head[] = {0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70}; /* 70,000 */
	static uint8_t data[70000], ping[2 + WS_CONTROL_MAX] = {0x89, WS_CONTROL_MAX};
	struct player_frames f = {0};

	(void)state;
	memset(data, 0x88, sizeof(data));
	memset(ping + 2, 'p', WS_CONTROL_MAX);
	for (int round = 0; round < 2; round++) {
		f.pong_due = false;
		assert_true(player_frames_read(&f, head, sizeof(head)));
		assert_true(player_frames_read(&f, data, sizeof(data)));
		assert_false(f.pong_due);
		assert_true(player_frames_read(&f, ping, sizeof(ping)));
		assert_true(f.pong_due);
		assert_int_equal(f.pong_len, WS_CONTROL_MAX);
		assert_memory_equal(f.pong, ping + 2, WS_CONTROL_MAX);
	}
}

/* ---- the server ---- */

#define CLIENTS   32
#define PINGS_MAX 8 /* a player sends as many in two seconds */
#define DATA_MAX  70000

/* What the server tells the test. */
static struct {
	volatile unsigned int pongs, wrong, ended;
} * told;

struct client {
	int fd; /* 0: none */
	bool plays;
	unsigned int round, pings; /* of the server; of the client since then */
	bool answered;
	size_t len;
	uint8_t in[2048];
};

static void drop(struct client *c)
{
	close(c->fd);
	c->fd = 0;
}

static bool put(const struct client *c, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Data before the ping, in each of the three forms of a length. */
static bool put_round(struct client *c)
{
	static const size_t lengths[] = {5, 300, DATA_MAX};
	static uint8_t bytes[10 + DATA_MAX + 2 + 4];
	const size_t len = lengths[c->round % 3];
	size_t at = 2;

	memset(bytes, 0x88, sizeof(bytes));
	bytes[0] = 0x82;
	bytes[1] = len < 126 ? (uint8_t)len : len <= UINT16_MAX ? 126 : 127;
	for (int i = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8; i > 0; i--)
		bytes[at++] = (uint8_t)((uint64_t)len >> 8 * (i - 1));
	at += len;
	c->round++;
	bytes[at++] = 0x89;
	bytes[at++] = 4;
	snprintf((char *)bytes + at, 4, "%03u", c->round % 1000);
	c->pings = 0;
	c->answered = false;
	return put(c, bytes, at + 4);
}

static bool take_request(struct client *c)
{
	char accept[WS_ACCEPT_TEXT], text[256], *key;
	int len;

	c->in[c->len] = '\0';
	if (!strstr((char *)c->in, "\r\n\r\n"))
		return true;
	key = strstr((char *)c->in, "Sec-WebSocket-Key: ");
	if (!key)
		return false;
	key += strlen("Sec-WebSocket-Key: ");
	key[WS_KEY_TEXT - 1] = '\0';
	if (ws_accept_text(key, accept))
		return false;
	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		       accept);
	c->plays = true;
	c->len = 0;
	return put(c, text, (size_t)len) && put_round(c);
}

static bool take_pong(struct client *c, const uint8_t *frame)
{
	char want[5];

	snprintf(want, sizeof(want), "%03u", c->round % 1000);
	c->answered = true;
	told->pongs++;
	for (size_t i = 0; i < 4; i++)
		if ((frame[1] & 0x7f) != 4 ||
		    (uint8_t)(frame[6 + i] ^ frame[2 + i]) != (uint8_t)want[i])
			told->wrong++;
	return true;
}

static bool take_ping(struct client *c)
{
	if (c->answered)
		return put_round(c);
	if (++c->pings < PINGS_MAX)
		return true;
	told->ended++;
	return false;
}

/* All frames of a player are control frames. */
static bool take_frames(struct client *c)
{
	while (c->len >= 6 && c->len >= 6U + (c->in[1] & 0x7f)) {
		size_t used = 6U + (c->in[1] & 0x7f);
		bool good = c->in[0] == 0x8a ? take_pong(c, c->in) : take_ping(c);

		if (!good)
			return false;
		c->len -= used;
		memmove(c->in, c->in + used, c->len);
	}
	return true;
}

static void hear(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len, 0);

	if (n > 0)
		c->len += (size_t)n;
	if (n <= 0 || !(c->plays ? take_frames(c) : take_request(c)))
		drop(c);
}

static void let_in(struct client *list, int fd)
{
	for (int i = 0; i < CLIENTS; i++)
		if (!list[i].fd) {
			list[i] = (struct client){.fd = fd};
			return;
		}
	close(fd);
}

static void serve(int listener)
{
	static struct client list[CLIENTS];

	for (;;) {
		struct pollfd fds[CLIENTS + 1];

		for (int i = 0; i < CLIENTS; i++)
			fds[i] = (struct pollfd){.fd = list[i].fd ? list[i].fd : -1,
						 .events = POLLIN};
		fds[CLIENTS] = (struct pollfd){.fd = listener, .events = POLLIN};
		if (poll(fds, CLIENTS + 1, -1) < 0)
			_exit(1);
		for (int i = 0; i < CLIENTS; i++)
			if (list[i].fd && fds[i].revents)
				hear(&list[i]);
		if (fds[CLIENTS].revents) {
			int fd = accept(listener, NULL, NULL);

			if (fd > 0)
				let_in(list, fd);
		}
	}
}

static pid_t start_server(char url[64])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, 64, "ws://127.0.0.2:%u/", ntohs(at.sin_port));
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		serve(fd);
	close(fd);
	return pid;
}

/* A player that is silent is ended after two seconds. */
static void a_server_that_wants_pongs_ends_no_player(void **state)
{
	static struct test_report report;
	char url[64];
	pid_t server = start_server(url);
	const struct players_conf c = {
		.url = url, .n = 2, .watch_ns = 4 * NS_PER_S, .limit_ns = 60 * NS_PER_S};

	(void)state;
	players_watch(&c, &report);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	assert_int_equal(report.n, 2);
	assert_string_equal(report.rows[0].seen, "0 of 2 broken");
	for (unsigned int i = 0; i < report.n; i++)
		if (report.rows[i].result != TEST_PASS)
			fail_msg("%s: %s", report.rows[i].name, report.rows[i].seen);
	assert_true(told->pongs >= 4);
	assert_int_equal(told->wrong, 0);
	assert_int_equal(told->ended, 0);
}

static int share(void **state)
{
	(void)state;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return told == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_whole_and_in_pieces),
		cmocka_unit_test(the_longest_ping_after_long_data),
		cmocka_unit_test(a_server_that_wants_pongs_ends_no_player),
	};

	return cmocka_run_group_tests_name("players", tests, share, NULL);
}
