/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-churn: opens and closes TCP connections at a rate, beside connections that stay open.
 *
 *   hokm-churn [OPTION...] ADDR:PORT
 *     --hold N        connections that stay open                           (0)
 *     --rate R        connections opened and closed in each second         (0)
 *     --seconds S     time for that; connections that stay send meanwhile  (0)
 *     --stay S        then wait so long, silent; SIGTERM ends it earlier   (0)
 *     --from A[,B…]   local addresses to use                               (the kernel chooses)
 *     --ports N       use only N ports of each address, over and over      (40000)
 *     --reset         close by RST instead of FIN, so that no TIME_WAIT holds the port
 *
 * A short connection connects, sends 16 bytes, waits for the same 16 bytes and closes; the server
 * is hokm-echo. A connection that stays sends 16 bytes a second while short ones are made. Each
 * phase ends with a line of JSON on stdout; "broken" counts connections that should have stayed:
 *
 *   {"held":N}
 *   {"opened":N,"done":N,"failed":N,"broken":N,"seconds":S}
 *   {"ended":true,"broken":N}
 *
 * Everything is bounded: phases by time, sockets by OPEN_MOST. The exit code is 1 when not all
 * connections could be held.
 */
#include <getopt.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "program.h"

#define NS_PER_S    1000000000ULL
#define EVENTS      512
#define MESSAGE     16
#define FILES       65536
#define HOLD_MOST   16000
#define OPEN_MOST   4000 /* short connections at a time, so that a stall ends in no flood */
#define BURST       400  /* connections opened before events are read again */
#define FIRST_PORT  20000
#define PORTS       40000
#define FROM_MOST   16
#define TRIES       1000 /* ports tried for one connection */
#define HOLD_WAIT_S 20
#define LAST_WAIT_S 15 /* for short connections that are open when the time is over */

enum state { FREE, CONNECTING, WAITS, HELD };

struct conn {
	uint8_t state; /* enum state */
	bool stays;
	uint8_t got; /* bytes of the answer */
};

struct churn {
	struct sockaddr_in to;
	struct in_addr from[FROM_MOST];
	unsigned int n_from, ports;
	unsigned long hold, rate, seconds, stay;
	bool reset;

	int ep, signals;
	struct conn *conns; /* FILES, by file descriptor */
	unsigned int next;  /* counts through addresses and ports */
	unsigned long open; /* short connections */
	unsigned long opened, done, failed, held, broken;
	int last_sent; /* descriptor of the connection that stays and sent last */
	bool stop;
};

/* ---- one connection ---- */

/* Binds to the next free port; takes the addresses in turn. */
static int bind_next(struct churn *c, int fd)
{
	for (int i = 0; c->n_from && i < TRIES; i++) {
		unsigned int at = c->next++;
		struct sockaddr_in from = {
			.sin_family = AF_INET, .sin_addr = c->from[at % c->n_from]};

		from.sin_port = htons((uint16_t)(FIRST_PORT + at / c->n_from % c->ports));
		if (!bind(fd, (struct sockaddr *)&from, sizeof(from)))
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	return c->n_from ? prog_fail("no address or port is free") : 0;
}

static int begin(struct churn *c, bool stays)
{
	const struct linger abort = {.l_onoff = 1};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return prog_fail("socket");
	e.data.fd = fd;
	if (fd >= FILES || bind_next(c, fd) ||
	    (c->reset && !stays && setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort))) ||
	    (connect(fd, (struct sockaddr *)&c->to, sizeof(c->to)) && errno != EINPROGRESS) ||
	    epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &e)) {
		int err = prog_fail("cannot connect");

		close(fd);
		return err;
	}
	c->conns[fd] = (struct conn){.state = CONNECTING, .stays = stays};
	c->open += !stays;
	return 0;
}

static void end(struct churn *c, int fd, bool well)
{
	struct conn *k = &c->conns[fd];

	if (k->stays) {
		c->broken++;
	} else {
		c->open--;
		c->done += well;
		c->failed += !well;
	}
	*k = (struct conn){.state = FREE};
	close(fd);
}

static bool send_message(int fd)
{
	static const char words[MESSAGE] = "sixteen letters";

	return send(fd, words, MESSAGE, MSG_NOSIGNAL) == MESSAGE;
}

static void connected(struct churn *c, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(c->ep, EPOLL_CTL_MOD, fd, &e) || !send_message(fd))
		end(c, fd, false);
	else
		c->conns[fd].state = WAITS;
}

static void receive(struct churn *c, int fd)
{
	struct conn *k = &c->conns[fd];
	char buf[1024];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(c, fd, false);
		return;
	}
	if (k->state == HELD)
		return;
	k->got = (uint8_t)(k->got + n);
	if (k->got < MESSAGE)
		return;
	if (!k->stays) {
		end(c, fd, true);
		return;
	}
	k->state = HELD;
	c->held++;
}

static void on_event(struct churn *c, const struct epoll_event *e)
{
	struct signalfd_siginfo info;
	int fd = e->data.fd;

	if (fd == c->signals) {
		c->stop = read(fd, &info, sizeof(info)) > 0;
		return;
	}
	if (c->conns[fd].state == FREE)
		return;
	if (c->conns[fd].state == CONNECTING && e->events & EPOLLERR)
		end(c, fd, false);
	else if (c->conns[fd].state == CONNECTING)
		connected(c, fd);
	else
		receive(c, fd);
}

/* Handles the events of the next millisecond. */
static int wait_events(struct churn *c)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(c->ep, events, EVENTS, 1);

	if (n < 0 && errno != EINTR)
		return prog_fail("epoll_wait");
	for (int i = 0; i < n; i++)
		on_event(c, &events[i]);
	return 0;
}

/* ---- phases ---- */

static int hold(struct churn *c)
{
	uint64_t until = prog_now_ns() + HOLD_WAIT_S * NS_PER_S;
	unsigned long begun = 0;
	int err = 0;

	while (!err && !c->stop && c->held < c->hold && !c->broken && prog_now_ns() < until) {
		for (int i = 0; !err && i < BURST && begun < c->hold; i++, begun++)
			err = begin(c, true);
		if (!err)
			err = wait_events(c);
	}
	printf("{\"held\":%lu}\n", c->held);
	fflush(stdout);
	return err ? err : c->held == c->hold ? 0 : -ETIMEDOUT;
}

/* Connections that stay send in turn, so that each sends once a second. */
static void talk(struct churn *c, unsigned long how_many)
{
	for (int i = 0; how_many && i < FILES; i++) {
		c->last_sent = (c->last_sent + 1) % FILES;
		if (c->conns[c->last_sent].state != HELD)
			continue;
		how_many--;
		if (!send_message(c->last_sent) && errno != EAGAIN)
			end(c, c->last_sent, false);
	}
}

static int churn_run(struct churn *c)
{
	uint64_t from = prog_now_ns(), until = from + c->seconds * NS_PER_S, now = from;
	unsigned long sent = 0;
	int err = 0;

	while (!err && !c->stop && (now < until || c->open)) {
		uint64_t ns = (now < until ? now : until) - from;
		unsigned long due = ns * c->rate / NS_PER_S;
		unsigned long due_messages = ns * c->held / NS_PER_S;

		if (now > until + LAST_WAIT_S * NS_PER_S)
			break;
		for (int i = 0; !err && i < BURST && c->opened < due && c->open < OPEN_MOST; i++) {
			err = begin(c, false);
			c->opened++;
		}
		if (!err && due_messages > sent) {
			talk(c, due_messages - sent);
			sent = due_messages;
		}
		if (!err)
			err = wait_events(c);
		now = prog_now_ns();
	}
	c->failed += c->open;
	printf("{\"opened\":%lu,\"done\":%lu,\"failed\":%lu,\"broken\":%lu,\"seconds\":%.3f}\n",
	       c->opened, c->done, c->failed, c->broken, (double)(now - from) / NS_PER_S);
	fflush(stdout);
	return err;
}

static int stay(struct churn *c)
{
	uint64_t until = prog_now_ns() + c->stay * NS_PER_S;
	int err = 0;

	while (!err && !c->stop && prog_now_ns() < until)
		err = wait_events(c);
	printf("{\"ended\":true,\"broken\":%lu}\n", c->broken);
	fflush(stdout);
	return err;
}

/* ---- setting up ---- */

static int set_up(struct churn *c)
{
	struct epoll_event e = {.events = EPOLLIN};
	int err = prog_files_most();

	if (err)
		return err;
	c->signals = prog_signals();
	if (c->signals < 0)
		return c->signals;
	e.data.fd = c->signals;
	c->ep = epoll_create1(EPOLL_CLOEXEC);
	if (c->ep < 0 || epoll_ctl(c->ep, EPOLL_CTL_ADD, c->signals, &e))
		return prog_fail("epoll");
	c->conns = calloc(FILES, sizeof(*c->conns));
	return c->conns ? 0 : prog_fail("calloc");
}

static bool read_from(struct churn *c, char *text)
{
	char *rest = NULL;

	for (char *a = strtok_r(text, ",", &rest); a; a = strtok_r(NULL, ",", &rest)) {
		if (c->n_from == FROM_MOST || inet_pton(AF_INET, a, &c->from[c->n_from]) != 1)
			return false;
		c->n_from++;
	}
	return c->n_from > 0;
}

static bool read_option(struct churn *c, int option)
{
	switch (option) {
	case 'h':
		return prog_number(optarg, 0, HOLD_MOST, &c->hold);
	case 'r':
		return prog_number(optarg, 0, 1000000, &c->rate);
	case 's':
		return prog_number(optarg, 0, 3600, &c->seconds);
	case 't':
		return prog_number(optarg, 0, 3600, &c->stay);
	case 'f':
		return read_from(c, optarg);
	case 'p':
		return prog_uint(optarg, 1, PORTS, &c->ports);
	case 'x':
		c->reset = true;
		return true;
	default:
		return false;
	}
}

static bool read_options(struct churn *c, int argc, char **argv)
{
	static const struct option options[] = {
		{"hold", required_argument, NULL, 'h'},    {"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'}, {"stay", required_argument, NULL, 't'},
		{"from", required_argument, NULL, 'f'},    {"ports", required_argument, NULL, 'p'},
		{"reset", no_argument, NULL, 'x'},         {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!read_option(c, option))
			return false;
	return optind + 1 == argc && prog_addr(argv[optind], &c->to);
}

int main(int argc, char **argv)
{
	struct churn c = {.ports = PORTS, .ep = -1, .signals = -1};
	int err;

	if (!read_options(&c, argc, argv)) {
		fputs("usage: hokm-churn [--hold N] [--rate R] [--seconds S] [--stay S]\n"
		      "                  [--from A[,B...]] [--ports N] [--reset] ADDR:PORT\n",
		      stderr);
		return 1;
	}
	err = set_up(&c);
	if (!err && c.hold)
		err = hold(&c);
	if (!err && c.seconds)
		err = churn_run(&c);
	if (!err)
		err = stay(&c);
	free(c.conns);
	return err ? 1 : 0;
}
