/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A WebSocket client that counts every frame on the wire. It builds and reads each frame itself, so
 * that no library merges, cuts or answers a frame unseen (RFC 6455 section 5). frames.h has what it
 * asks of the server, wire.h its frames.
 *
 *   SHAKE ──101──> TALK ──all sent, "!end" back──> QUICK ──echoes──> CALM ┄┄> CLOSE ──EOF──> OVER
 *
 * TALK sends messages of every shape, in pieces of every size. QUICK exchanges small messages
 * slowly, which lets an observer that lost synchronization regain it. When all connections are CALM
 * and the server's kernel has acknowledged everything, the client prints a line of JSON with the
 * frames that each connection sent and received. A line "close" on stdin makes either side close
 * each connection; the totals follow as a second line of JSON.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../../tools/lab/program.h"
#include "wire.h"

#define CONNS_MAX 256
#define HEAD_MAX  2048
#define SEND_LOW  4096 /* makes more messages when fewer bytes wait to be sent */
#define POLL_MS   20

enum phase { SHAKE, TALK, WAIT, QUICK, CALM, CLOSE, OVER };

struct conn {
	int fd;
	enum phase phase;
	struct wire wire;
	unsigned int left;  /* messages still to send */
	unsigned int quick; /* rounds of QUICK still to do */
	unsigned int big;   /* big frames still to exchange */
	unsigned int port;
	char head[HEAD_MAX];
	size_t head_len;
};

struct client {
	struct sockaddr_in addr;
	unsigned int n, messages, quick, big, seconds, bye;
	size_t max;
	uint64_t seed;
	struct conn conn[CONNS_MAX];
	struct chance chance;
	bool printed; /* the first line */
	bool closing; /* the line "close" came */
};

static uint64_t now_ms(void)
{
	return prog_now_ns() / PROG_NS_PER_MS;
}

static int fail(const struct conn *c, const char *what)
{
	fprintf(stderr, "frames_client: port %u: %s\n", c->port, what);
	return -EPROTO;
}

/* ---- the handshake ---- */

static int conn_open(struct client *l, struct conn *c)
{
	struct sockaddr_in own;
	socklen_t size = sizeof(own);
	int one = 1, buffer = 1 << 17;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) < 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    connect(c->fd, (const struct sockaddr *)&l->addr, sizeof(l->addr)) < 0 ||
	    getsockname(c->fd, (struct sockaddr *)&own, &size) < 0 ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) {
		fprintf(stderr, "frames_client: connect: %s\n", strerror(errno));
		return -errno;
	}
	c->port = ntohs(own.sin_port);
	c->left = l->messages;
	c->quick = l->quick;
	c->big = l->big;
	c->wire.chance.state = chance_draw(&l->chance);
	return wire_text(&c->wire, "GET / HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\n"
				   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

/* Reads the head of the answer. The number of bytes that belong to it, or -errno. */
static ssize_t head_take(struct conn *c, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (c->head_len + 1 >= sizeof(c->head))
			return fail(c, "the answer's head is too long");
		c->head[c->head_len++] = (char)data[i];
		c->head[c->head_len] = '\0';
		if (c->head_len < 4 || memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) != 0)
			continue;
		if (strncmp(c->head, "HTTP/1.1 101", 12) != 0 ||
		    !strstr(c->head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
			return fail(c, "the upgrade was not accepted");
		c->phase = TALK;
		return (ssize_t)i + 1;
	}
	return (ssize_t)len;
}

/* ---- sending ---- */

static int begin_close(struct client *l, struct conn *c)
{
	char word[32];

	c->phase = CLOSE;
	if (chance_below(&c->wire.chance, 100) >= l->bye)
		return wire_close(&c->wire);
	snprintf(word, sizeof(word), "!bye %u", 1000 + chance_below(&c->wire.chance, 2) * 3000);
	return wire_command(&c->wire, word);
}

static int talk(struct conn *c, size_t max)
{
	char word[32];
	int err;

	if (c->big) {
		err = wire_message_big(&c->wire);
		if (err)
			return err;
		c->big--;
		snprintf(word, sizeof(word), "!big %u",
			 1000000 + chance_below(&c->wire.chance, 19000001));
		return wire_command(&c->wire, word);
	}
	if (c->left) {
		c->left--;
		return wire_message(&c->wire, max);
	}
	c->phase = WAIT;
	return wire_command(&c->wire, "!end");
}

/* Makes more to send, when there is. */
static int conn_fill(struct client *l, struct conn *c)
{
	int err = 0;

	while (!err && c->phase == TALK && wire_waiting(&c->wire) < SEND_LOW)
		err = talk(c, l->max);
	if (!err && c->phase == CALM && l->closing)
		err = begin_close(l, c);
	return err;
}

static int conn_write(struct client *l, struct conn *c)
{
	int err;

	do {
		err = conn_fill(l, c);
		if (err || !wire_waiting(&c->wire))
			return err;
		err = wire_flush(&c->wire, c->fd);
		if (err)
			return c->phase >= CLOSE ? 0 : fail(c, strerror(-err));
	} while (!wire_waiting(&c->wire));
	return 0;
}

/* ---- receiving ---- */

static int on_word(struct conn *c, const char *word)
{
	if (c->phase == WAIT && strcmp(word, "!end") == 0) {
		c->phase = QUICK;
		c->wire.whole = true;
	} else if (c->phase == QUICK && strcmp(word, "!echo") == 0) {
		c->quick--;
	} else {
		return 0;
	}
	if (c->quick)
		return wire_command(&c->wire, "!echo");
	c->phase = CALM;
	return 0;
}

static int conn_take(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n;
	int err;

	while (len) {
		if (c->phase == SHAKE)
			n = head_take(c, data, len);
		else
			n = wire_take(&c->wire, data, len);
		if (n < 0)
			return c->phase == SHAKE ? (int)n : fail(c, "the server broke RFC 6455");
		data += n;
		len -= (size_t)n;
		if (c->wire.word[0]) {
			err = on_word(c, c->wire.word);
			c->wire.word[0] = '\0';
			if (err)
				return err;
		}
	}
	return 0;
}

/* The server closed. Its close frame is still answered if the socket takes the answer. */
static int conn_over(struct conn *c)
{
	struct wire *w = &c->wire;

	c->phase = OVER;
	if (wire_waiting(w) && send(c->fd, w->out + w->at, wire_waiting(w), MSG_NOSIGNAL) < 0)
		w->sent.n[frame_kind(OP_CLOSE)]--;
	return 0;
}

static int conn_read(struct conn *c)
{
	static uint8_t buffer[1 << 18];
	ssize_t n;
	int err;

	for (;;) {
		n = recv(c->fd, buffer, sizeof(buffer), 0);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && c->phase < CLOSE)
			return fail(c, strerror(errno));
		if (n <= 0) {
			if (c->phase < CLOSE)
				return fail(c, "the server closed the connection");
			return conn_over(c);
		}
		err = conn_take(c, buffer, (size_t)n);
		if (err)
			return err;
	}
}

/* ---- all of them ---- */

/* Everything that was sent is acknowledged. */
static bool conn_calm(const struct conn *c)
{
	int waiting = 1;

	return c->phase == CALM && !wire_waiting(&c->wire) &&
	       ioctl(c->fd, SIOCOUTQ, &waiting) == 0 && waiting == 0;
}

static bool all_calm(const struct client *l)
{
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		if (!conn_calm(&l->conn[i]))
			return false;
	}
	return true;
}

static bool all_over(const struct client *l)
{
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		if (l->conn[i].phase != OVER)
			return false;
	}
	return true;
}

static void print_frames(const struct client *l)
{
	struct frame_counts sent = {{0}}, received = {{0}};
	unsigned int i;

	printf("{\"conns\":[");
	for (i = 0; i < l->n; i++) {
		const struct conn *c = &l->conn[i];

		printf("%s{\"port\":%u,", i ? "," : "", c->port);
		frame_counts_print("sent", &c->wire.sent, ",");
		frame_counts_print("received", &c->wire.received, "}");
		frame_counts_add(&sent, &c->wire.sent);
		frame_counts_add(&received, &c->wire.received);
	}
	printf("],");
	frame_counts_print("sent", &sent, ",");
	frame_counts_print("received", &received, "}\n");
	fflush(stdout);
}

static int look(struct client *l, struct pollfd *fds)
{
	struct pollfd *in = &fds[l->n];
	char line[16];
	unsigned int i;
	int err;

	for (i = 0; i < l->n; i++) {
		struct conn *c = &l->conn[i];

		if (c->phase == OVER)
			continue;
		err = fds[i].revents & ~POLLOUT ? conn_read(c) : 0;
		if (!err && c->phase != OVER)
			err = conn_write(l, c);
		if (err)
			return err;
	}
	if (!l->printed && all_calm(l)) {
		print_frames(l);
		l->printed = true;
	}
	if (in->revents && l->printed) {
		l->closing = true;
		if (read(STDIN_FILENO, line, sizeof(line)) < 0)
			return -errno;
	}
	return 0;
}

static int client_run(struct client *l)
{
	uint64_t end = now_ms() + l->seconds * 1000ULL;
	struct pollfd fds[CONNS_MAX + 1];
	unsigned int i;
	int err = 0;

	while (!err && !all_over(l)) {
		for (i = 0; i < l->n; i++) {
			struct conn *c = &l->conn[i];

			fds[i].fd = c->phase == OVER ? -1 : c->fd;
			fds[i].events = POLLIN;
			if (wire_waiting(&c->wire))
				fds[i].events |= POLLOUT;
			fds[i].revents = 0;
		}
		fds[l->n] = (struct pollfd){
			.fd = l->closing || !l->printed ? -1 : STDIN_FILENO, .events = POLLIN};
		if (now_ms() > end) {
			fputs("frames_client: the time limit is over\n", stderr);
			return -ETIMEDOUT;
		}
		if (poll(fds, l->n + 1, POLL_MS) < 0 && errno != EINTR)
			return -errno;
		err = look(l, fds);
	}
	return err;
}

/* ---- options ---- */

static int usage(void)
{
	fputs("usage: frames_client --addr A.B.C.D --port N [--conns 8] [--messages 100]\n"
	      "         [--max BYTES] [--quick ROUNDS] [--big FRAMES] [--bye PERCENT] [--seed N]\n"
	      "         [--seconds 60]\n",
	      stderr);
	return 2;
}

static int options_read(struct client *l, int argc, char **argv)
{
	static const struct option options[] = {
		{"addr", required_argument, NULL, 'a'},
		{"port", required_argument, NULL, 'p'},
		{"conns", required_argument, NULL, 'c'},
		{"max", required_argument, NULL, 'm'},
		{"messages", required_argument, NULL, 'n'},
		{"quick", required_argument, NULL, 'q'},
		{"big", required_argument, NULL, 'b'},
		{"bye", required_argument, NULL, 'y'},
		{"seed", required_argument, NULL, 's'},
		{"seconds", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	unsigned int n = 0;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'a')
			good = inet_pton(AF_INET, optarg, &l->addr.sin_addr) == 1;
		else if (option == 'p')
			good = prog_uint(optarg, 1, 65535, &n);
		else if (option == 'c')
			good = prog_uint(optarg, 1, CONNS_MAX, &l->n);
		else if (option == 'm')
			good = prog_uint(optarg, 0, 1 << 24, &n);
		else if (option == 'n')
			good = prog_uint(optarg, 0, 1000000, &l->messages);
		else if (option == 'q')
			good = prog_uint(optarg, 0, 1000, &l->quick);
		else if (option == 'b')
			good = prog_uint(optarg, 0, 100, &l->big);
		else if (option == 'y')
			good = prog_uint(optarg, 0, 100, &l->bye);
		else if (option == 's')
			good = prog_uint(optarg, 0, UINT32_MAX, &n);
		else if (option == 't')
			good = prog_uint(optarg, 1, 3600, &l->seconds);
		else
			good = false;
		if (option == 'p')
			l->addr.sin_port = htons((uint16_t)n);
		else if (option == 'm')
			l->max = n;
		else if (option == 's')
			l->chance.state = n;
	}
	return good && optind == argc && l->addr.sin_port ? 0 : usage();
}

int main(int argc, char **argv)
{
	static struct client l = {
		.addr = {.sin_family = AF_INET},
		.n = 8,
		.messages = 100,
		.quick = 4,
		.seconds = 60,
		.bye = 30,
		.max = 200000};
	unsigned int i;
	int err = options_read(&l, argc, argv);

	if (err)
		return err;
	for (i = 0; !err && i < l.n; i++)
		err = conn_open(&l, &l.conn[i]);
	if (!err)
		err = client_run(&l);
	if (!err)
		print_frames(&l);
	for (i = 0; i < l.n; i++) {
		if (l.conn[i].fd > 0)
			close(l.conn[i].fd);
		wire_free(&l.conn[i].wire);
	}
	return err ? 1 : 0;
}
