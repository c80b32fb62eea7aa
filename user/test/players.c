/* SPDX-License-Identifier: GPL-2.0-only */
/* See players.h. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/ws_client.h"
#include "base/caps.h"
#include "base/clock.h"
#include "probe/probe_run.h"
#include "test/player_frames.h"
#include "test/players.h"

#define EVERY_NS (50 * NS_PER_MS)  /* a new connection */
#define PING_NS  (250 * NS_PER_MS) /* of a player */
/* How long an attempt, and a player that hears nothing, may take; more with a longer limit. */
#define PATIENCE_NS (5 * NS_PER_S)
#define START_NS    (10 * NS_PER_S) /* until all players are there */
#define HEAD_MAX    2048

enum phase { PLAYER_OFF, PLAYER_CONNECTS, PLAYER_ASKED, PLAYER_PLAYS };

struct player {
	enum phase phase;
	int fd;
	uint64_t began_ns, heard_ns, ping_ns;
	char key[WS_KEY_TEXT];
	char head[HEAD_MAX];
	size_t head_len;
	struct player_frames in;
};

/* What the process without rights answers. */
struct seen {
	int err;    /* nothing could be watched */
	bool local; /* the address is one of this machine */
	unsigned int made, failed, players, broken;
	uint64_t gap_ns;
};

struct crowd {
	struct conf_check to;
	struct player list[PLAYERS_MAX + 1]; /* the last one makes new connections */
	unsigned int n;
	uint64_t patience_ns;
	uint64_t success_ns; /* of the last new connection */
	uint64_t next_ns;    /* of the next one */
	struct seen seen;
};

/* ---- one connection ---- */

static void leave(struct player *p)
{
	if (p->phase != PLAYER_OFF)
		close(p->fd);
	p->phase = PLAYER_OFF;
}

static bool begin(struct crowd *w, struct player *p, uint64_t now_ns)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = w->to.addr, .sin_port = htons(w->to.port)};

	p->head_len = 0;
	p->in = (struct player_frames){0};
	p->began_ns = p->heard_ns = now_ns;
	p->ping_ns = now_ns + PING_NS;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return false;
	p->phase = PLAYER_CONNECTS;
	return !connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) || errno == EINPROGRESS;
}

/* A connection to an address of its own goes through no network. */
static void note_local(struct crowd *w, const struct player *p)
{
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);

	if (!getsockname(p->fd, (struct sockaddr *)&own, &len) &&
	    own.sin_addr.s_addr == w->to.addr.s_addr)
		w->seen.local = true;
}

static bool ask(const struct crowd *w, struct player *p)
{
	uint8_t random[WS_KEY_BYTES];
	char text[sizeof(w->to.path) + 256];
	int len;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	ws_key_text(random, p->key);
	len = snprintf(text, sizeof(text),
		       "GET %s HTTP/1.1\r\nHost: hokm-xdp-test\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		       "Sec-WebSocket-Key: %s\r\n\r\n",
		       w->to.path, p->key);
	p->phase = PLAYER_ASKED;
	return send(p->fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* False: the frame was not sent, and errno says why. */
static bool send_control(const struct player *p, enum ws_opcode op, const void *payload, size_t len)
{
	static const uint8_t mask[4] = {1, 2, 3, 4};
	uint8_t frame[WS_FRAME_MAX];
	size_t frame_len = ws_build_control(op, mask, payload, len, frame);
	ssize_t n = send(p->fd, frame, frame_len, MSG_NOSIGNAL);

	/* No frame may follow a part of one. */
	if (n >= 0 && (size_t)n != frame_len)
		errno = EIO;
	return n == (ssize_t)frame_len;
}

/* Answers the newest ping of the server, at once or when there is room again. False: it is over. */
static bool answer_ping(struct player *p)
{
	if (p->in.pong_due)
		p->in.pong_due = !send_control(p, WS_OP_PONG, p->in.pong, p->in.pong_len);
	return !p->in.pong_due || errno == EAGAIN;
}

/* False: what came is not the right answer to the request, or the end follows it. */
static bool judge_head(struct player *p)
{
	char accept[WS_ACCEPT_TEXT], *end;
	size_t used;

	p->head[p->head_len] = '\0';
	end = strstr(p->head, "\r\n\r\n");
	if (!end)
		return p->head_len < HEAD_MAX - 1;
	*end = '\0';
	if (strncmp(p->head, "HTTP/1.1 101", strlen("HTTP/1.1 101")) != 0 ||
	    ws_accept_text(p->key, accept) || !strstr(p->head, accept))
		return false;
	p->phase = PLAYER_PLAYS;
	used = (size_t)(end - p->head) + strlen("\r\n\r\n");
	return player_frames_read(&p->in, (const uint8_t *)p->head + used, p->head_len - used);
}

/* False: the connection is over. */
static bool hear(struct player *p, uint64_t now_ns)
{
	const size_t at = p->phase == PLAYER_ASKED ? p->head_len : 0;
	ssize_t n = recv(p->fd, p->head + at, HEAD_MAX - 1 - at, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	p->heard_ns = now_ns;
	if (p->phase != PLAYER_ASKED)
		return player_frames_read(&p->in, (const uint8_t *)p->head, (size_t)n);
	p->head_len += (size_t)n;
	return judge_head(p);
}

/* Whatever is due for one connection. False: it is over. */
static bool go_on(struct crowd *w, struct player *p, short events, uint64_t now_ns)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (p->phase == PLAYER_CONNECTS) {
		if (!events)
			return now_ns - p->began_ns < w->patience_ns;
		if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
			return false;
		note_local(w, p);
		return ask(w, p);
	}
	if (events && !hear(p, now_ns))
		return false;
	if (p->phase == PLAYER_ASKED)
		return now_ns - p->began_ns < w->patience_ns;
	if (!answer_ping(p))
		return false;
	if (now_ns >= p->ping_ns) {
		p->ping_ns = now_ns + PING_NS;
		if (!send_control(p, WS_OP_PING, "drill", strlen("drill")) && errno != EAGAIN)
			return false;
	}
	return now_ns - p->heard_ns < w->patience_ns;
}

/* ---- all of them ---- */

static void note_gap(struct crowd *w, uint64_t now_ns)
{
	if (w->success_ns && now_ns - w->success_ns > w->seen.gap_ns)
		w->seen.gap_ns = now_ns - w->success_ns;
}

/* The connection that is made anew again and again. */
static void step_new(struct crowd *w, struct player *p, short events, uint64_t now_ns)
{
	if (p->phase == PLAYER_OFF) {
		if (now_ns < w->next_ns)
			return;
		w->next_ns = now_ns + EVERY_NS;
		if (!begin(w, p, now_ns)) {
			w->seen.failed++;
			leave(p);
		}
		return;
	}
	if (!go_on(w, p, events, now_ns)) {
		w->seen.failed++;
		leave(p);
	} else if (p->phase == PLAYER_PLAYS) {
		note_gap(w, now_ns);
		w->success_ns = now_ns;
		w->seen.made++;
		leave(p);
	}
}

static void turn(struct crowd *w)
{
	struct pollfd fds[PLAYERS_MAX + 1];
	uint64_t now_ns;

	for (unsigned int i = 0; i <= w->n; i++) {
		const struct player *p = &w->list[i];

		fds[i] = (struct pollfd){.fd = p->phase == PLAYER_OFF ? -1 : p->fd,
					 .events = p->phase == PLAYER_CONNECTS ? POLLOUT : POLLIN};
	}
	/* A failure only makes the turn a short one. */
	(void)poll(fds, w->n + 1, 10);
	now_ns = clock_now_ns();
	for (unsigned int i = 0; i < w->n; i++)
		if (w->list[i].phase != PLAYER_OFF &&
		    !go_on(w, &w->list[i], fds[i].revents, now_ns)) {
			leave(&w->list[i]);
			w->seen.broken++;
		}
	step_new(w, &w->list[w->n], fds[w->n].revents, now_ns);
}

static bool all_play(const struct crowd *w)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->list[i].phase != PLAYER_PLAYS)
			return false;
	return w->seen.made > 0;
}

/* What is seen before all players are there does not count. */
static int start(struct crowd *w)
{
	const uint64_t end_ns = clock_now_ns() + START_NS;

	for (unsigned int i = 0; i < w->n; i++)
		if (!begin(w, &w->list[i], clock_now_ns()))
			return -errno;
	while (!all_play(w)) {
		if (w->seen.local)
			return -EINVAL;
		if (w->seen.broken || clock_now_ns() >= end_ns)
			return -ECONNREFUSED;
		turn(w);
	}
	w->seen.made = w->seen.failed = 0;
	w->seen.gap_ns = 0;
	w->seen.players = w->n;
	return 0;
}

static void watch(struct crowd *w, uint64_t watch_ns)
{
	const uint64_t end_ns = clock_now_ns() + watch_ns;

	w->seen.err = start(w);
	while (!w->seen.err && clock_now_ns() < end_ns)
		turn(w);
	note_gap(w, clock_now_ns());
	for (unsigned int i = 0; i <= w->n; i++)
		leave(&w->list[i]);
}

/* ---- the process ---- */

static void child(struct crowd *w, uint64_t watch_ns, int fd)
{
	if (geteuid() == 0 && caps_become(AGENT_DEFAULT_USER))
		_exit(1);
	watch(w, watch_ns);
	_exit(write(fd, &w->seen, sizeof(w->seen)) == (ssize_t)sizeof(w->seen) ? 0 : 1);
}

static int watch_apart(struct crowd *w, uint64_t watch_ns)
{
	int fds[2], err = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid)
		child(w, watch_ns, fds[1]);
	close(fds[1]);
	if (pid < 0)
		err = -errno;
	do
		n = err ? 0 : read(fds[0], &w->seen, sizeof(w->seen));
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (!err)
		err = n == (ssize_t)sizeof(w->seen) ? w->seen.err : -EIO;
	return err;
}

static void add_rows(const struct players_conf *c, const struct seen *s, struct test_report *t)
{
	struct test_row *r = test_add(t, TEST_FAILOVER, "players", "no connection breaks");
	char limit[80];

	test_end(r, s->broken ? TEST_FAIL : TEST_PASS, "%u of %u broken", s->broken, s->players);
	snprintf(limit, sizeof(limit), "each is made, with no gap over %.0f ms",
		 (double)c->limit_ns / NS_PER_MS);
	r = test_add(t, TEST_FAILOVER, "new connections", limit);
	r->took_ns = s->gap_ns;
	test_end(r, s->failed || s->gap_ns > c->limit_ns ? TEST_FAIL : TEST_PASS,
		 "%u made, %u failed, the longest gap %.0f ms", s->made, s->failed,
		 (double)s->gap_ns / NS_PER_MS);
}

void players_watch(const struct players_conf *c, struct test_report *t)
{
	static struct crowd w;
	const char *why = probe_url_parse(c->url, &w.to);
	int err = 0;

	if (!why && (w.to.kind != CHECK_WEBSOCKET || w.to.tls))
		why = "players connect by ws:// only";
	w.n = c->n;
	w.patience_ns = c->limit_ns > PATIENCE_NS ? c->limit_ns : PATIENCE_NS;
	if (!why)
		err = watch_apart(&w, c->watch_ns);
	if (!why && w.seen.local)
		why = "it is an address of this machine, so nothing goes through the network: "
		      "run it on a machine that is no node";
	if (!why && !err) {
		add_rows(c, &w.seen, t);
		return;
	}
	test_end(test_add(t, TEST_FAILOVER, "players", "they can connect"), TEST_FAIL, "%s: %s",
		 c->url, why ? why : strerror(-err));
}
