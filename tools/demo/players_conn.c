/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One WebSocket connection, client side (RFC 6455): connect, upgrade, small frames both ways.
 *
 * The key of the upgrade is the example of the RFC, so that the expected answer is a constant. The
 * mask of client frames is constant too: masking protects proxies, and there is no proxy here.
 * Server frames are at most RX_MAX long and not fragmented; any other frame ends the connection.
 */
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "players.h"

#define WS_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define WS_FIN   0x80
#define WS_TEXT  0x1
#define WS_CLOSE 0x8
#define WS_PING  0x9
#define WS_PONG  0xa
#define WS_MASK  0x80
#define WS_SHORT 125 /* longest payload with a length of seven bits */

static const uint8_t ws_mask[4] = {0x3a, 0x91, 0x5c, 0xe7};

void conn_drop(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CONN_IDLE;
	c->rx_len = 0;
	timer_stop(&c->timer);
}

static void conn_end(struct world *w, struct conn *c, enum conn_end why)
{
	conn_drop(c);
	role_ended(w, c, why);
}

static enum conn_end why_errno(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return END_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return END_RESET;
	case ETIMEDOUT:
		return END_TIMEOUT;
	default:
		return END_ERROR;
	}
}

static int watch(struct world *w, struct conn *c, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	return epoll_ctl(w->epoll, op, c->fd, &ev) < 0 ? -errno : 0;
}

int conn_start(struct world *w, struct conn *c)
{
	int one = 1;
	int err;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	c->started_ns = prog_now_ns();
	c->rx_len = 0;
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    (connect(c->fd, (struct sockaddr *)&w->server, sizeof(w->server)) < 0 &&
	     errno != EINPROGRESS)) {
		err = -errno;
		conn_drop(c);
		return err;
	}
	c->state = CONN_CONNECTING;
	err = watch(w, c, EPOLL_CTL_ADD, EPOLLOUT);
	if (err)
		conn_drop(c);
	return err;
}

/* Sends all or fails: so few bytes find no room only when the connection is dead. */
static int send_all(struct conn *c, const void *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)n == len ? 0 : -ETIMEDOUT;
}

static int send_frame(struct conn *c, uint8_t opcode, const void *payload, size_t len)
{
	uint8_t frame[6 + WS_SHORT];
	const uint8_t *in = payload;
	size_t i;

	if (len > WS_SHORT)
		return -EMSGSIZE;
	frame[0] = (uint8_t)(WS_FIN | opcode);
	frame[1] = (uint8_t)(WS_MASK | len);
	memcpy(frame + 2, ws_mask, sizeof(ws_mask));
	for (i = 0; i < len; i++)
		frame[6 + i] = in[i] ^ ws_mask[i % 4];
	return send_all(c, frame, 6 + len);
}

int conn_send_text(struct conn *c, const char *text, size_t len)
{
	return send_frame(c, WS_TEXT, text, len);
}

int conn_leave(struct conn *c)
{
	c->state = CONN_CLOSING;
	return shutdown(c->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void on_connected(struct world *w, struct conn *c)
{
	char request[512];
	socklen_t size = sizeof(int);
	int err = 0;
	int len;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (!err) {
		len = snprintf(request, sizeof(request),
			       "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
			       "Connection: Upgrade\r\nSec-WebSocket-Key: " WS_KEY "\r\n"
			       "Sec-WebSocket-Version: 13\r\n\r\n",
			       w->host, ntohs(w->server.sin_port));
		err = -send_all(c, request, (size_t)len);
	}
	if (!err)
		err = -watch(w, c, EPOLL_CTL_MOD, EPOLLIN);
	if (err)
		conn_end(w, c, why_errno(err));
	else
		c->state = CONN_UPGRADING;
}

/* Bytes of the answer's head; 0: not complete yet; -1: not a valid 101. */
static ssize_t upgrade_head(const struct conn *c)
{
	/* Without its name: some proxies write the names of headers in small letters. */
	static const char accept[] = ": " WS_ACCEPT "\r\n";
	const char *head = (const char *)c->rx;
	const char *end = memmem(head, c->rx_len, "\r\n\r\n", 4);
	size_t len;

	if (!end)
		return c->rx_len == sizeof(c->rx) ? -1 : 0;
	len = (size_t)(end - head) + 4;
	if (len < 13 || memcmp(head, "HTTP/1.1 101 ", 13) != 0)
		return -1;
	return memmem(head, len, accept, sizeof(accept) - 1) ? (ssize_t)len : -1;
}

static void consume(struct conn *c, size_t len)
{
	c->rx_len -= len;
	memmove(c->rx, c->rx + len, c->rx_len);
}

/* Handles one frame. False: the connection was ended, or its slot is in use for another one. */
static bool on_frame(struct world *w, struct conn *c, uint8_t opcode, const uint8_t *payload,
		     size_t len)
{
	char text[RX_MAX + 1];

	switch (opcode) {
	case WS_TEXT:
		memcpy(text, payload, len);
		text[len] = '\0';
		role_message(w, c, text);
		return c->state == CONN_OPEN || c->state == CONN_CLOSING;
	case WS_PING:
		c->last_rx_ns = prog_now_ns();
		if (len > WS_SHORT || send_frame(c, WS_PONG, payload, len) == 0)
			return true;
		conn_end(w, c, END_RESET);
		return false;
	case WS_PONG:
		return true;
	default:
		conn_end(w, c, opcode == WS_CLOSE ? END_CLOSED : END_ERROR);
		return false;
	}
}

static void parse_frames(struct world *w, struct conn *c)
{
	size_t head, len;
	uint8_t opcode;

	while (c->rx_len >= 2) {
		len = c->rx[1] & 0x7f;
		head = 2;
		if (len == 126) {
			if (c->rx_len < 4)
				return;
			len = (size_t)c->rx[2] << 8 | c->rx[3];
			head = 4;
		}
		if ((c->rx[0] & 0xf0) != WS_FIN || c->rx[1] & WS_MASK || head + len > RX_MAX) {
			conn_end(w, c, END_ERROR);
			return;
		}
		if (c->rx_len < head + len)
			return;
		opcode = c->rx[0] & 0xf;
		if (!on_frame(w, c, opcode, c->rx + head, len))
			return;
		consume(c, head + len);
	}
}

static void on_readable(struct world *w, struct conn *c)
{
	ssize_t n = recv(c->fd, c->rx + c->rx_len, sizeof(c->rx) - c->rx_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_end(w, c, n == 0 ? END_CLOSED : why_errno(errno));
		return;
	}
	c->rx_len += (size_t)n;
	if (c->state == CONN_UPGRADING) {
		n = upgrade_head(c);
		if (n < 0)
			conn_end(w, c, END_STATUS);
		if (n <= 0)
			return;
		consume(c, (size_t)n);
		c->state = CONN_OPEN;
		role_opened(w, c);
	}
	if (c->state == CONN_OPEN || c->state == CONN_CLOSING)
		parse_frames(w, c);
}

void conn_event(struct world *w, struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == CONN_CONNECTING)
		on_connected(w, c);
	else if (events)
		on_readable(w, c);
}
