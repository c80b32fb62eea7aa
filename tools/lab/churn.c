/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-churn: TCP clients that come and go: so many new ones a second, beside some that stay.
 *
 *   hokm-churn [OPTION...] ADDR:PORT
 *     --hold N        connections that stay                              (0)
 *     --rate R        connections opened and closed again in a second    (0)
 *     --seconds S     for so long; those that stay talk meanwhile        (0)
 *     --stay S        then stay so long, silent; SIGTERM ends it before  (0)
 *     --from A[,B…]   own addresses to come from                         (the kernel chooses)
 *     --ports N       of each address use N ports only, again and again  (40000)
 *     --reset         end by RST, not by FIN: no TIME_WAIT holds the port
 *
 * A connection that comes and goes: connect, 16 bytes there, the same back, close; the server is
 * hokm-echo. One that stays says 16 bytes a second while others come and go. Each phase ends with a
 * line of JSON on stdout:
 *
 *   {"held":N}
 *   {"opened":N,"done":N,"failed":N,"broken":N,"seconds":S}      broken: of those that stay
 *   {"ended":true,"broken":N}
 *
 * Everything is bounded: phases by time, sockets by OPEN_MOST. Exit code 1 when not all could be
 * held.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S    1000000000ULL
#define EVENTS      512
#define MESSAGE     16
#define FILES       65536
#define HOLD_MOST   16000
#define OPEN_MOST   4000 /* that come and go, at a time: a stall must not end in a flood */
#define BURST       400  /* opened without looking at what came */
#define FIRST_PORT  20000
#define PORTS       40000
#define FROM_MOST   16
#define TRIES       1000 /* ports tried for one connection */
#define HOLD_WAIT_S 20
#define LAST_WAIT_S 15 /* for those under way when the time is over */

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
	unsigned int next;  /* address and port */
	unsigned long open; /* of those that come and go */
	unsigned long opened, done, failed, held, broken;
	int voice; /* file descriptor up to which those that stay have talked */
	bool stop;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int complain(const char *what)
{
	int err = errno;

	fprintf(stderr, "hokm-churn: %s: %s\n", what, strerror(err));
	return -err;
}

/* ---- one connection ---- */

/* The next free port, all addresses in turn. */
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
	return c->n_from ? complain("no address or port is free") : 0;
}

static int begin(struct churn *c, bool stays)
{
	const struct linger abort = {.l_onoff = 1};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return complain("socket");
	e.data.fd = fd;
	if (fd >= FILES || bind_next(c, fd) ||
	    (c->reset && !stays && setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort))) ||
	    (connect(fd, (struct sockaddr *)&c->to, sizeof(c->to)) && errno != EINPROGRESS) ||
	    epoll_ctl(c->ep, EPOLL_CTL_ADD, fd, &e)) {
		int err = complain("cannot connect");

		close(fd);
		return err ? err : -EIO;
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

static bool speak(int fd)
{
	static const char words[MESSAGE] = "sixteen letters";

	return send(fd, words, MESSAGE, MSG_NOSIGNAL) == MESSAGE;
}

static void connected(struct churn *c, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(c->ep, EPOLL_CTL_MOD, fd, &e) || !speak(fd))
		end(c, fd, false);
	else
		c->conns[fd].state = WAITS;
}

static void hear(struct churn *c, int fd)
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

static void happen(struct churn *c, const struct epoll_event *e)
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
		hear(c, fd);
}

/* What comes within a millisecond, or until there is time for more. */
static int look(struct churn *c)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(c->ep, events, EVENTS, 1);

	if (n < 0 && errno != EINTR)
		return complain("epoll_wait");
	for (int i = 0; i < n; i++)
		happen(c, &events[i]);
	return 0;
}

/* ---- phases ---- */

static int hold(struct churn *c)
{
	uint64_t until = now_ns() + HOLD_WAIT_S * NS_PER_S;
	unsigned long begun = 0;
	int err = 0;

	while (!err && !c->stop && c->held < c->hold && !c->broken && now_ns() < until) {
		for (int i = 0; !err && i < BURST && begun < c->hold; i++, begun++)
			err = begin(c, true);
		if (!err)
			err = look(c);
	}
	printf("{\"held\":%lu}\n", c->held);
	fflush(stdout);
	return err ? err : c->held == c->hold ? 0 : -ETIMEDOUT;
}

/* Those that stay speak one after the other, so that each does so once a second. */
static void talk(struct churn *c, unsigned long how_many)
{
	for (int i = 0; how_many && i < FILES; i++) {
		c->voice = (c->voice + 1) % FILES;
		if (c->conns[c->voice].state != HELD)
			continue;
		how_many--;
		if (!speak(c->voice) && errno != EAGAIN)
			end(c, c->voice, false);
	}
}

static int come_and_go(struct churn *c)
{
	uint64_t from = now_ns(), until = from + c->seconds * NS_PER_S, now = from;
	unsigned long said = 0;
	int err = 0;

	while (!err && !c->stop && (now < until || c->open)) {
		uint64_t ns = (now < until ? now : until) - from;
		unsigned long due = ns * c->rate / NS_PER_S;
		unsigned long words = ns * c->held / NS_PER_S;

		if (now > until + LAST_WAIT_S * NS_PER_S)
			break;
		for (int i = 0; !err && i < BURST && c->opened < due && c->open < OPEN_MOST; i++) {
			err = begin(c, false);
			c->opened++;
		}
		if (!err && words > said) {
			talk(c, words - said);
			said = words;
		}
		if (!err)
			err = look(c);
		now = now_ns();
	}
	c->failed += c->open;
	printf("{\"opened\":%lu,\"done\":%lu,\"failed\":%lu,\"broken\":%lu,\"seconds\":%.3f}\n",
	       c->opened, c->done, c->failed, c->broken, (double)(now - from) / NS_PER_S);
	fflush(stdout);
	return err;
}

static int stay(struct churn *c)
{
	uint64_t until = now_ns() + c->stay * NS_PER_S;
	int err = 0;

	while (!err && !c->stop && now_ns() < until)
		err = look(c);
	printf("{\"ended\":true,\"broken\":%lu}\n", c->broken);
	fflush(stdout);
	return err;
}

/* ---- setting up ---- */

static int set_up(struct churn *c)
{
	struct rlimit files;
	struct epoll_event e = {.events = EPOLLIN};
	sigset_t set;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return complain("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return complain("setrlimit");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return complain("sigprocmask");
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	c->ep = epoll_create1(EPOLL_CLOEXEC);
	e.data.fd = c->signals;
	if (c->signals < 0 || c->ep < 0 || epoll_ctl(c->ep, EPOLL_CTL_ADD, c->signals, &e))
		return complain("cannot wait for anything");
	c->conns = calloc(FILES, sizeof(*c->conns));
	return c->conns ? 0 : complain("calloc");
}

static bool number(const char *text, unsigned long most, unsigned long *out)
{
	char *tail;

	errno = 0;
	*out = strtoul(text, &tail, 10);
	return *text && !*tail && !errno && *out <= most;
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

static bool read_to(struct churn *c, char *text)
{
	char *colon = strchr(text, ':');
	unsigned long port;

	if (!colon || !number(colon + 1, USHRT_MAX, &port))
		return false;
	*colon = '\0';
	c->to.sin_family = AF_INET;
	c->to.sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, text, &c->to.sin_addr) == 1;
}

static bool read_option(struct churn *c, int option)
{
	unsigned long n;

	switch (option) {
	case 'h':
		return number(optarg, HOLD_MOST, &c->hold);
	case 'r':
		return number(optarg, 1000000, &c->rate);
	case 's':
		return number(optarg, 3600, &c->seconds);
	case 't':
		return number(optarg, 3600, &c->stay);
	case 'f':
		return read_from(c, optarg);
	case 'p':
		if (!number(optarg, PORTS, &n) || !n)
			return false;
		c->ports = (unsigned int)n;
		return true;
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
	return optind + 1 == argc && read_to(c, argv[optind]);
}

int main(int argc, char **argv)
{
	struct churn c = {.ports = PORTS, .ep = -1, .signals = -1};
	int err;

	if (!read_options(&c, argc, argv)) {
		fprintf(stderr, "usage: hokm-churn [--hold N] [--rate R] [--seconds S] [--stay S] "
				"[--from A[,B...]] [--ports N] [--reset] ADDR:PORT\n");
		return 1;
	}
	err = set_up(&c);
	if (!err && c.hold)
		err = hold(&c);
	if (!err && c.seconds)
		err = come_and_go(&c);
	if (!err)
		err = stay(&c);
	free(c.conns);
	return err ? 1 : 0;
}
