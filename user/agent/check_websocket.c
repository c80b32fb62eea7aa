/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check `websocket` (RFC 6455): a handshake with a verified Sec-WebSocket-Accept, a ping of random
 * bytes that a pong must echo, and a clean close.
 *
 *   WS_CONNECT -> WS_HEAD -> WS_PONG -> WS_CLOSE
 *
 * libcurl makes the connection, with TLS when configured. The check uses it with curl_easy_send()
 * and curl_easy_recv(). `out` has the bytes that are still to be sent. `in` first has the head of
 * the answer to the handshake, and then at most one frame header or one control frame: payloads of
 * data frames are discarded as they arrive.
 *
 * Where the server expects it, a header of the PROXY protocol goes before the request. With TLS
 * libcurl writes it, because it goes before the handshake of TLS.
 *
 * A game server may send any number of frames before the pong, the first of them in the same
 * segment as its 101. Its pings are answered. A pong without our bytes is ignored, because a server
 * may send one unsolicited (section 5.5.3). The check passes when the right pong arrived, also when
 * the server does not close in time after that.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/check.h"
#include "agent/ws_client.h"
#include "base/clock.h"
#include "base/version.h"

#define PING_BYTES    8
#define READ_BYTES    4096
#define FRAMES_MAX    (1024 * 1024) /* bytes of frames until the pong */
#define CLOSE_WAIT_NS (200 * NS_PER_MS)
#define OUT_MAX       2048

enum ws_phase { WS_CONNECT, WS_HEAD, WS_PONG, WS_CLOSE };

struct ws_state {
	enum ws_phase phase;
	curl_socket_t fd;
	char key[WS_KEY_TEXT];
	uint8_t ping[PING_BYTES];
	uint8_t out[OUT_MAX];
	size_t out_len, out_sent;
	uint8_t in[CHECK_HEADERS_MAX];
	size_t in_len;
	uint64_t skip_bytes; /* of the payload of a data frame, still to arrive */
	uint64_t frame_bytes;
	unsigned int other_pongs;
};

/* Appends bytes to `out`. */
static void put(struct check_run *r, const void *data, size_t len)
{
	struct ws_state *s = r->priv;

	if (s->out_sent == s->out_len)
		s->out_sent = s->out_len = 0;
	if (len > sizeof(s->out) - s->out_len) {
		check_fail(r, HOKM_R_CHECK_ERROR,
			   "the server sends pings, but does not read our pongs");
		return;
	}
	memcpy(s->out + s->out_len, data, len);
	s->out_len += len;
}

static bool random_bytes(struct check_run *r, void *data, size_t len)
{
	if (getrandom(data, len, 0) == (ssize_t)len)
		return true;
	check_fail(r, HOKM_R_CHECK_ERROR, "the kernel gave no random bytes");
	return false;
}

static void put_control(struct check_run *r, enum ws_opcode op, const void *payload, size_t len)
{
	uint8_t frame[WS_FRAME_MAX];
	uint8_t mask[4];

	if (random_bytes(r, mask, sizeof(mask)))
		put(r, frame, ws_build_control(op, mask, payload, len, frame));
}

static void ws_start(struct check_run *r)
{
	struct ws_state *s = r->priv;

	s->fd = CURL_SOCKET_BAD;
	check_easy_connect(r);
}

/* "PROXY TCP4 SOURCE TARGET PORT PORT", the addresses of our own connection. */
static void put_proxy_v1(struct check_run *r)
{
	const struct ws_state *s = r->priv;
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN], text[108];
	struct sockaddr_in a = {0}, b = {0};
	socklen_t a_len = sizeof(a), b_len = sizeof(b);
	int n;

	if (getsockname(s->fd, (struct sockaddr *)&a, &a_len) ||
	    getpeername(s->fd, (struct sockaddr *)&b, &b_len) ||
	    !inet_ntop(AF_INET, &a.sin_addr, from, sizeof(from)) ||
	    !inet_ntop(AF_INET, &b.sin_addr, to, sizeof(to))) {
		check_fail(r, HOKM_R_CHECK_CLOSED, "the connection was closed at once");
		return;
	}
	n = snprintf(text, sizeof(text), "PROXY TCP4 %s %s %u %u\r\n", from, to, ntohs(a.sin_port),
		     ntohs(b.sin_port));
	put(r, text, (size_t)n);
}

/* Version 2 with the command LOCAL, which is for checks and has no addresses. */
static void put_proxy(struct check_run *r)
{
	static const uint8_t local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
	const struct conf_check *c = &r->request.check;

	if (c->proxy == CONF_PROXY_V2)
		put(r, local, sizeof(local)); /* its last byte is the zero that ends the text */
	else if (c->proxy == CONF_PROXY_V1 && !c->tls)
		put_proxy_v1(r);
}

/* Writes one header with its end, or nothing when it has no value. Returns dst. */
static const char *header_line(const char *name, const char *value, char *dst, size_t size)
{
	if (*value)
		snprintf(dst, size, "%s%s\r\n", name, value);
	else
		*dst = '\0';
	return dst;
}

static void put_request(struct check_run *r)
{
	const struct conf_check *c = &r->request.check;
	struct ws_state *s = r->priv;
	char addr[INET_ADDRSTRLEN] = "";
	char host[sizeof(r->request.host) + INET_ADDRSTRLEN];
	char origin[CONF_HEADER_MAX + 16], protocol[CONF_HEADER_MAX + 32];
	char header[CONF_HEADER_MAX + 4];
	uint8_t nonce[WS_KEY_BYTES];
	char text[OUT_MAX];
	int n;

	if (!random_bytes(r, nonce, sizeof(nonce)) || !random_bytes(r, s->ping, sizeof(s->ping)))
		return;
	put_proxy(r);
	ws_key_text(nonce, s->key);
	inet_ntop(AF_INET, &c->addr, addr, sizeof(addr));
	if (r->request.host[0])
		snprintf(host, sizeof(host), "%s", r->request.host);
	else
		snprintf(host, sizeof(host), "%s:%u", addr, c->port);
	n = snprintf(
		text, sizeof(text),
		"GET %s HTTP/1.1\r\n"
		"Host: %s\r\n"
		"Upgrade: websocket\r\n"
		"Connection: Upgrade\r\n"
		"Sec-WebSocket-Key: %s\r\n"
		"Sec-WebSocket-Version: 13\r\n"
		"User-Agent: hokm-xdp/" HOKM_VERSION "\r\n"
		"%s%s%s\r\n",
		c->path, host, s->key, header_line("Origin: ", c->origin, origin, sizeof(origin)),
		header_line("Sec-WebSocket-Protocol: ", c->subprotocol, protocol, sizeof(protocol)),
		header_line("", c->header, header, sizeof(header)));
	if (n < 0 || (size_t)n >= sizeof(text))
		check_fail(r, HOKM_R_CHECK_ERROR, "the request does not fit %zu bytes",
			   sizeof(text));
	else
		put(r, text, (size_t)n);
}

static void ws_ended(struct check_run *r, CURLcode code)
{
	struct ws_state *s = r->priv;

	if (code != CURLE_OK) {
		check_fail_curl(r, code);
		return;
	}
	code = curl_easy_getinfo(r->easy, CURLINFO_ACTIVESOCKET, &s->fd);
	if (code != CURLE_OK || s->fd == CURL_SOCKET_BAD) {
		check_fail(r, HOKM_R_CHECK_CLOSED, "the connection was closed at once");
		return;
	}
	s->phase = WS_HEAD;
	r->mark_ns = clock_now_ns();
	put_request(r);
}

static const char *phase_text(const struct ws_state *s)
{
	return s->phase == WS_HEAD ? "the answer to the handshake" : "the pong to our ping";
}

/* Returns the value of a header without blanks around it, NULL when there is no such header. */
static const char *find_header(const char *head, const char *name, size_t *len)
{
	const size_t name_len = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
		const char *end, *value;

		line += 2;
		end = strstr(line, "\r\n");
		if (!end || strncasecmp(line, name, name_len) || line[name_len] != ':')
			continue;
		value = line + name_len + 1;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		*len = (size_t)(end - value);
		return value;
	}
	return NULL;
}

/* Returns true when the comma-separated value of the header has this word. */
static bool header_has(const char *head, const char *name, const char *word)
{
	const size_t word_len = strlen(word);
	size_t len = 0;
	const char *value = find_header(head, name, &len);

	for (size_t i = 0; value && i < len;) {
		size_t n = strcspn(value + i, ", \t\r");

		if (n == word_len && !strncasecmp(value + i, word, n))
			return true;
		i += n + 1;
	}
	return false;
}

static bool status_is_101(struct check_run *r, const char *head)
{
	if (strncmp(head, "HTTP/1.", 7) || !isdigit((unsigned char)head[7]) || head[8] != ' ') {
		check_fail(r, HOKM_R_CHECK_ERROR, "the answer to the handshake is not HTTP/1");
		return false;
	}
	if (!strncmp(head + 9, "101", 3) && !isdigit((unsigned char)head[12]))
		return true;
	check_fail(r, HOKM_R_CHECK_STATUS, "ws %.64s: status %.3s, expected 101",
		   r->request.check.path, head + 9);
	return false;
}

/* The server names the subprotocol that was asked for, or none. */
static bool is_protocol_good(const char *head, const char *asked)
{
	size_t len = 0;
	const char *value = find_header(head, "Sec-WebSocket-Protocol", &len);

	return !value || (len && len == strlen(asked) && !strncmp(value, asked, len));
}

/* Checks what a client must require of the answer (RFC 6455, section 4.1). */
static void judge_head(struct check_run *r, const char *head)
{
	struct ws_state *s = r->priv;
	char accept[WS_ACCEPT_TEXT];
	size_t len = 0;
	const char *value;

	if (!status_is_101(r, head))
		return;
	value = find_header(head, "Sec-WebSocket-Accept", &len);
	if (ws_accept_text(s->key, accept))
		check_fail(r, HOKM_R_CHECK_ERROR, "libcrypto could not compute SHA-1");
	else if (!value)
		check_fail(r, HOKM_R_CHECK_ACCEPT, "101 without Sec-WebSocket-Accept");
	else if (len != sizeof(accept) - 1 || strncmp(value, accept, len))
		check_fail(r, HOKM_R_CHECK_ACCEPT, "Sec-WebSocket-Accept is %.*s, expected %s",
			   (int)(len < 40 ? len : 40), value, accept);
	else if (!header_has(head, "Upgrade", "websocket") ||
		 !header_has(head, "Connection", "upgrade"))
		check_fail(r, HOKM_R_CHECK_ACCEPT, "101 without Upgrade: websocket");
	else if (find_header(head, "Sec-WebSocket-Extensions", &len) ||
		 !is_protocol_good(head, r->request.check.subprotocol))
		check_fail(r, HOKM_R_CHECK_ACCEPT,
			   "101 with an extension or protocol that was not requested");
}

/* Removes `n` bytes from the front of `in`. */
static void consume(struct ws_state *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len - n);
	s->in_len -= n;
}

/* Returns true when the head is complete and valid. */
static bool take_head(struct check_run *r)
{
	struct ws_state *s = r->priv;
	const uint8_t *end = memmem(s->in, s->in_len, "\r\n\r\n", 4);
	char head[CHECK_HEADERS_MAX + 1];
	size_t len;

	if (!end) {
		if (s->in_len == sizeof(s->in))
			check_fail(r, HOKM_R_CHECK_ERROR, "more than %d bytes of headers",
				   CHECK_HEADERS_MAX);
		return false;
	}
	len = (size_t)(end - s->in) + 4;
	/* A zero byte ends the text: headers after it are not seen. */
	memcpy(head, s->in, len);
	head[len] = '\0';
	judge_head(r, head);
	if (r->ended)
		return false;
	consume(s, len);
	check_step_done(r, CHECK_STEP_ANSWER);
	s->phase = WS_PONG;
	put_control(r, WS_OP_PING, s->ping, sizeof(s->ping));
	return !r->ended;
}

static void take_pong(struct check_run *r, const uint8_t *payload, size_t len)
{
	const uint8_t code[2] = {WS_CLOSE_NORMAL >> 8, WS_CLOSE_NORMAL & 0xff};
	struct ws_state *s = r->priv;

	if (s->phase != WS_PONG)
		return;
	if (len != sizeof(s->ping) || memcmp(payload, s->ping, len)) {
		s->other_pongs++;
		return;
	}
	s->phase = WS_CLOSE;
	check_step_done(r, CHECK_STEP_END);
	r->ended_ns = clock_now_ns();
	r->wake_ns = r->ended_ns + CLOSE_WAIT_NS;
	put_control(r, WS_OP_CLOSE, code, sizeof(code));
}

static void take_close(struct check_run *r, const uint8_t *payload, size_t len)
{
	const struct ws_state *s = r->priv;
	unsigned int code = len >= 2 ? (unsigned int)(payload[0] << 8 | payload[1]) : WS_CLOSE_NONE;

	if (s->phase == WS_CLOSE) {
		check_step_done(r, CHECK_STEP_CLOSE);
		check_pass(r, "101, ping answered, closed with %u", code);
		return;
	}
	check_fail(r, HOKM_R_CHECK_CLOSED, "the server closed with %u before its pong to our ping",
		   code);
}

static void take_control(struct check_run *r, const struct ws_header *h, const uint8_t *payload)
{
	const size_t len = (size_t)h->payload_bytes;
	const struct ws_state *s = r->priv;

	if (h->op == WS_OP_PONG)
		take_pong(r, payload, len);
	else if (h->op == WS_OP_CLOSE)
		take_close(r, payload, len);
	else if (s->phase == WS_PONG) /* a ping; after our close nothing more may be sent */
		put_control(r, WS_OP_PONG, payload, len);
}

/*
 * Processes one frame, or the part of it that arrived. Returns false when more must arrive first.
 */
static bool take_frame(struct check_run *r)
{
	struct ws_state *s = r->priv;
	const char *why = NULL;
	struct ws_header h;
	size_t used = 0;
	enum ws_parsed parsed;

	if (s->skip_bytes) {
		size_t n = s->skip_bytes < s->in_len ? (size_t)s->skip_bytes : s->in_len;

		s->skip_bytes -= n;
		consume(s, n);
		return s->in_len > 0;
	}
	parsed = ws_parse_server_header(s->in, s->in_len, &h, &used, &why);
	if (parsed == WS_BAD)
		check_fail(r, HOKM_R_CHECK_ERROR, "the server sent a bad frame: %s", why);
	if (parsed != WS_PARSED)
		return false;
	if (h.op < WS_OP_CLOSE) {
		consume(s, used);
		s->skip_bytes = h.payload_bytes;
		return s->in_len > 0;
	}
	if (s->in_len < used + h.payload_bytes)
		return false;
	take_control(r, &h, s->in + used);
	consume(s, used + (size_t)h.payload_bytes);
	return s->in_len > 0;
}

static void take_input(struct check_run *r, size_t len)
{
	struct ws_state *s = r->priv;

	s->frame_bytes += len;
	if (s->phase == WS_HEAD && !take_head(r))
		return;
	while (!r->ended && take_frame(r))
		;
	if (r->ended || s->frame_bytes <= FRAMES_MAX)
		return;
	if (s->phase == WS_CLOSE)
		check_pass(r, "101, ping answered, but the server still sends after our close");
	else
		check_fail(r, HOKM_R_CHECK_PONG, "no pong in the first %d bytes of frames",
			   FRAMES_MAX);
}

/* The connection is closed or broken. */
static void lost(struct check_run *r, const char *how)
{
	const struct ws_state *s = r->priv;

	if (s->phase == WS_CLOSE)
		check_pass(r, "101, ping answered, closed without a close frame");
	else
		check_fail(r, HOKM_R_CHECK_CLOSED, "the connection %s before %s", how,
			   phase_text(s));
}

static void send_out(struct check_run *r)
{
	struct ws_state *s = r->priv;

	while (!r->ended && s->out_sent < s->out_len) {
		size_t n = 0;
		CURLcode code = curl_easy_send(
			r->easy, s->out + s->out_sent, s->out_len - s->out_sent, &n);

		if (code == CURLE_AGAIN)
			return;
		if (code != CURLE_OK) {
			lost(r, "broke");
			return;
		}
		s->out_sent += n;
	}
}

static void receive(struct check_run *r)
{
	struct ws_state *s = r->priv;

	while (!r->ended) {
		size_t room = sizeof(s->in) - s->in_len;
		size_t n = 0;
		CURLcode code;

		if (room > READ_BYTES)
			room = READ_BYTES;
		code = curl_easy_recv(r->easy, s->in + s->in_len, room, &n);
		if (code == CURLE_AGAIN)
			return;
		if (code != CURLE_OK || !n) {
			lost(r, code == CURLE_OK ? "was closed" : "broke");
			return;
		}
		s->in_len += n;
		take_input(r, n);
	}
}

static void ws_step(struct check_run *r)
{
	struct ws_state *s = r->priv;

	if (s->phase == WS_CONNECT)
		return;
	/* Received frames may need an answer: it is sent here, without waiting for a wake-up. */
	send_out(r);
	receive(r);
	send_out(r);
	if (!r->ended && s->phase == WS_CLOSE && clock_now_ns() >= r->wake_ns)
		check_pass(r, "101, ping answered, but our close was not");
}

static bool ws_wants(const struct check_run *r, struct curl_waitfd *fd)
{
	const struct ws_state *s = r->priv;

	if (s->phase == WS_CONNECT)
		return false;
	fd->fd = s->fd;
	fd->events = CURL_WAIT_POLLIN;
	if (s->out_sent < s->out_len)
		fd->events |= CURL_WAIT_POLLOUT;
	return true;
}

static void ws_late(struct check_run *r)
{
	const struct ws_state *s = r->priv;
	unsigned long long ms = r->request.check.timeout_ns / NS_PER_MS;

	if (s->phase == WS_CLOSE)
		check_pass(r, "101, ping answered, but our close was not");
	else if (s->phase == WS_PONG)
		check_fail(r, HOKM_R_CHECK_PONG,
			   "no pong to our ping within %llu ms (%u other pongs)", ms,
			   s->other_pongs);
	else if (s->phase == WS_HEAD)
		check_fail(r, HOKM_R_CHECK_TIMEOUT, "connected, but no 101 within %llu ms", ms);
	else
		check_late_connect(r);
}

const struct check_kind check_websocket = {
	.name = "websocket",
	.priv_bytes = sizeof(struct ws_state),
	.start = ws_start,
	.ended = ws_ended,
	.step = ws_step,
	.wants = ws_wants,
	.late = ws_late,
};
