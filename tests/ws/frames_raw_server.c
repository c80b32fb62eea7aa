/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A WebSocket server for frames tests that builds its frames itself (wire.h) and so does what no
 * library does: frames in the same segment as the 101, many frames in one segment, headers cut by
 * its own writes. It does what frames.h lets a client ask for.
 */
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "../../tools/lab/program.h"
#include "wire.h"

#define CONNS_MAX 256
#define HEAD_MAX  2048
#define SEND_LOW  4096
#define BIG_MAX   (20U << 20)

/* The key that frames_client sends, and the answer that RFC 6455 section 1.3 gives for it. */
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
#define ANSWER                                                                              \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define HEALTH "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

struct conn {
	int fd; /* -1: free */
	bool open;
	bool over; /* to be closed when everything is written */
	bool end;
	struct wire wire;
	unsigned int owed;
	char head[HEAD_MAX];
	size_t head_len;
};

struct server {
	int fd;
	size_t max;
	struct chance chance;
	struct conn conn[CONNS_MAX];
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static void conn_end(struct conn *c)
{
	close(c->fd);
	wire_free(&c->wire);
	c->fd = -1;
}

/* ---- what the client asks for ---- */

/* Sends a close frame with this code; the client's answer closes the connection. */
static int bye(struct wire *w, unsigned long code)
{
	const uint8_t payload[] = {(uint8_t)(code >> 8), (uint8_t)code};

	w->closed = true;
	return wire_frame(w, WIRE_FIN | OP_CLOSE, payload, sizeof(payload));
}

static int on_word(struct conn *c, const char *word)
{
	unsigned long n = strchr(word, ' ') ? strtoul(strchr(word, ' ') + 1, NULL, 10) : 0;

	if (strcmp(word, "!echo") == 0) {
		c->wire.whole = true;
		return wire_command(&c->wire, word);
	}
	if (strcmp(word, "!end") == 0)
		c->end = true;
	else if (strncmp(word, "!big ", 5) == 0 && n <= BIG_MAX)
		return wire_frame(&c->wire, WIRE_FIN | OP_BINARY, NULL, n);
	else if (strncmp(word, "!bye ", 5) == 0)
		return bye(&c->wire, n);
	return 0;
}

static int head_end(struct server *s, struct conn *c)
{
	unsigned int i;
	int err;

	if (!strstr(c->head, KEY)) {
		c->over = true;
		return wire_text(&c->wire, HEALTH);
	}
	err = wire_text(&c->wire, ANSWER);
	for (i = chance_below(&c->wire.chance, 4); !err && i; i--)
		err = wire_message(&c->wire, s->max);
	c->open = true;
	return err;
}

static int conn_take(struct server *s, struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n;
	int err = 0;

	while (!err && len && !c->over) {
		n = 1;
		if (c->open) {
			n = wire_take(&c->wire, data, len);
			if (n < 0)
				return (int)n;
		} else if (c->head_len + 1 < sizeof(c->head)) {
			c->head[c->head_len++] = (char)*data;
			c->head[c->head_len] = '\0';
			if (c->head_len >= 4 && !memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4))
				err = head_end(s, c);
		} else {
			return -EPROTO;
		}
		data += n;
		len -= (size_t)n;
		if (!err && c->wire.word[0])
			err = on_word(c, c->wire.word);
		c->wire.word[0] = '\0';
		c->over |= c->wire.closed && c->wire.received.n[frame_kind(OP_CLOSE)];
	}
	c->owed += c->wire.messages;
	c->wire.messages = 0;
	return err;
}

/* ---- connections ---- */

static int conn_read(struct server *s, struct conn *c)
{
	static uint8_t buffer[1 << 16];
	ssize_t n = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n ? conn_take(s, c, buffer, (size_t)n) : -EPIPE;
}

static int conn_write(struct server *s, struct conn *c)
{
	int err = 0;

	do {
		while (!err && c->owed && wire_waiting(&c->wire) < SEND_LOW) {
			c->owed--;
			err = wire_message(&c->wire, s->max);
		}
		if (!err && !c->owed && c->end) {
			c->end = false;
			err = wire_command(&c->wire, "!end");
		}
		if (!err)
			err = wire_flush(&c->wire, c->fd);
	} while (!err && !wire_waiting(&c->wire) && (c->owed || c->end));
	if (!err && c->over && !wire_waiting(&c->wire))
		err = -EPIPE;
	return err;
}

static void accept_one(struct server *s)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	unsigned int i;

	if (fd < 0)
		return;
	for (i = 0; i < CONNS_MAX && s->conn[i].fd >= 0; i++)
		;
	if (i == CONNS_MAX || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0) {
		close(fd);
		return;
	}
	s->conn[i] = (struct conn){.fd = fd, .wire.server = true};
	s->conn[i].wire.chance.state = chance_draw(&s->chance);
}

static int serve(struct server *s)
{
	struct pollfd fds[CONNS_MAX + 1];
	unsigned int i;

	while (!stop_asked) {
		fds[CONNS_MAX] = (struct pollfd){.fd = s->fd, .events = POLLIN};
		for (i = 0; i < CONNS_MAX; i++) {
			fds[i] = (struct pollfd){.fd = s->conn[i].fd, .events = POLLIN};
			if (fds[i].fd >= 0 && wire_waiting(&s->conn[i].wire))
				fds[i].events |= POLLOUT;
		}
		if (poll(fds, CONNS_MAX + 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("frames_raw_server: poll");
			return 1;
		}
		for (i = 0; i < CONNS_MAX; i++) {
			struct conn *c = &s->conn[i];

			if (c->fd >= 0 && fds[i].revents &&
			    ((fds[i].revents & ~POLLOUT && conn_read(s, c) < 0) ||
			     conn_write(s, c) < 0))
				conn_end(c);
		}
		if (fds[CONNS_MAX].revents)
			accept_one(s);
	}
	return 0;
}

/* ---- setting up ---- */

static int listen_on(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 128) < 0) {
		fprintf(stderr, "frames_raw_server: port %u: %s\n", port, strerror(errno));
		return -1;
	}
	return fd;
}

static int usage(void)
{
	fputs("usage: frames_raw_server [--port 8768] [--max BYTES] [--seed N]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"max", required_argument, NULL, 'm'},
		{"seed", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	static struct server s = {.max = 200000};
	struct sigaction action = {.sa_handler = on_signal};
	unsigned long n, port = 8768;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || !prog_number(optarg, 0, BIG_MAX, &n))
			return usage();
		if (option == 'p')
			port = n;
		else if (option == 'm')
			s.max = n;
		else
			s.chance.state = n;
	}
	for (n = 0; n < CONNS_MAX; n++)
		s.conn[n].fd = -1;
	s.fd = port && port < 65536 ? listen_on((uint16_t)port) : -1;
	if (s.fd < 0 || sigaction(SIGTERM, &action, NULL) < 0 ||
	    sigaction(SIGINT, &action, NULL) < 0)
		return 1;
	option = serve(&s);
	for (n = 0; n < CONNS_MAX; n++) {
		if (s.conn[n].fd >= 0)
			conn_end(&s.conn[n]);
	}
	close(s.fd);
	return option;
}
