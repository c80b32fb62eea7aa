/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-players: holds WebSocket connections to the game, tries new ones, and measures both.
 *
 * Commands come as lines on stdin and are answered by a line on stdout:
 *   mark NAME   prints the window that ends now and begins one called NAME
 *   status      prints how things stand
 *   rejoin      all players leave and come in again, which counts for nothing
 *   quit        the same as SIGTERM or the end of --duration: prints the last window and ends
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "players.h"

#define EVENTS_MAX 256
#define LINE_MAX_  256

/* Partial line from stdin. */
struct input {
	char line[LINE_MAX_];
	size_t len;
	bool open;
};

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 * NS_PER_MS + (uint64_t)t.tv_nsec;
}

static int usage(FILE *out)
{
	fputs("usage: hokm-players --url A.B.C.D:PORT [--players 50] [--listeners 0] [--interval "
	      "100]\n"
	      "                    [--probe 0] [--duration SECONDS] [--json]\n"
	      "Players send a move each interval (ms); listeners never send; --probe opens a "
	      "fresh\n"
	      "connection each so many ms. Commands on stdin: mark NAME, status, rejoin, quit.\n",
	      out);
	return out == stdout ? 0 : 2;
}

static bool number(const char *option, const char *text, unsigned int min, unsigned int max,
		   unsigned int *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || !isdigit((unsigned char)text[0]) || *end || n < min || n > max) {
		fprintf(stderr, "hokm-players: --%s '%s' is no number from %u to %u\n", option,
			text, min, max);
		return false;
	}
	*out = (unsigned int)n;
	return true;
}

static bool parse_url(struct world *w, const char *url)
{
	const char *colon;
	unsigned int port;

	if (!strncmp(url, "ws://", 5))
		url += 5;
	colon = strchr(url, ':');
	if (!colon || (size_t)(colon - url) >= sizeof(w->host)) {
		fprintf(stderr, "hokm-players: --url '%s' is not like 192.168.1.25:8765\n", url);
		return false;
	}
	memcpy(w->host, url, (size_t)(colon - url));
	w->server.sin_family = AF_INET;
	if (inet_pton(AF_INET, w->host, &w->server.sin_addr) != 1) {
		fprintf(stderr, "hokm-players: '%s' is no IPv4 address\n", w->host);
		return false;
	}
	if (!number("url's port", colon + 1, 1, 65535, &port))
		return false;
	w->server.sin_port = htons((uint16_t)port);
	return true;
}

/* 0, or the exit code + 1. */
static int parse_options(struct world *w, int argc, char **argv)
{
	static const struct option options[] = {
		{"url", required_argument, NULL, 'u'},
		{"players", required_argument, NULL, 'n'},
		{"listeners", required_argument, NULL, 'l'},
		{"interval", required_argument, NULL, 'i'},
		{"probe", required_argument, NULL, 'p'},
		{"duration", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned int seconds = 0;
	bool fine = true;
	int option;

	while (fine && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'u')
			fine = parse_url(w, optarg);
		else if (option == 'n')
			fine = number("players", optarg, 0, 60000, &w->n_players);
		else if (option == 'l')
			fine = number("listeners", optarg, 0, 60000, &w->n_listeners);
		else if (option == 'i')
			fine = number("interval", optarg, 1, 60000, &w->interval_ms);
		else if (option == 'p')
			fine = number("probe", optarg, 0, 60000, &w->probe_ms);
		else if (option == 'd')
			fine = number("duration", optarg, 0, 86400, &seconds);
		else if (option == 'j')
			w->json = true;
		else
			return usage(option == 'h' ? stdout : stderr) + 1;
	}
	w->duration_ms = seconds * 1000ULL;
	if (!fine)
		return 3;
	if (!w->server.sin_port || optind != argc)
		return usage(stderr) + 1;
	return 0;
}

/* Every connection is a descriptor, and some are needed besides. */
static int raise_limit(const struct world *w)
{
	rlim_t need = w->n_players + w->n_listeners + w->n_probes + 32;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need) {
		fprintf(stderr, "hokm-players: needs %llu open files, the hard limit is %llu\n",
			(unsigned long long)need, (unsigned long long)limit.rlim_max);
		return -EMFILE;
	}
	limit.rlim_cur = need;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int add_fd(struct world *w, int fd, void *mark)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = mark};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void command(struct world *w, char *line)
{
	char *name = line + 5;

	if (!strcmp(line, "quit")) {
		w->stop = true;
	} else if (!strcmp(line, "status")) {
		status_print(w);
	} else if (!strcmp(line, "rejoin")) {
		role_rejoin(w);
	} else if (!strncmp(line, "mark ", 5) && *name &&
		   strspn(name,
			  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
			   strlen(name)) {
		window_print(w);
		window_begin(w, name);
	} else {
		fprintf(stderr,
			"hokm-players: '%s' is no command: mark NAME, status, rejoin, quit\n",
			line);
	}
}

/* The end of stdin ends only the commands: the client may run without anybody who sends some. */
static void read_input(struct world *w, struct input *in)
{
	ssize_t n = read(STDIN_FILENO, in->line + in->len, sizeof(in->line) - in->len);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		in->open = false;
		return;
	}
	in->len += (size_t)n;
	while ((end = memchr(in->line, '\n', in->len))) {
		*end = '\0';
		command(w, in->line);
		in->len -= (size_t)(end + 1 - in->line);
		memmove(in->line, end + 1, in->len);
	}
	if (in->len == sizeof(in->line)) {
		fputs("hokm-players: a command is too long and was ignored\n", stderr);
		in->len = 0;
	}
}

static void on_timer(struct timer *t, void *arg)
{
	struct world *w = arg;

	if (t == &w->probe_timer)
		probe_timer(w);
	else
		role_timer(w, (struct conn *)((char *)t - offsetof(struct conn, timer)));
}

static int run(struct world *w)
{
	struct epoll_event events[EVENTS_MAX];
	struct input in = {.open = true};
	uint64_t begin_ms = now_ns() / NS_PER_MS;
	int i, n;

	/* A regular file or /dev/null cannot be watched: then there are no commands. */
	if (add_fd(w, STDIN_FILENO, &in) < 0)
		in.open = false;
	w->wheel.now_ms = begin_ms;
	role_init(w);
	window_begin(w, "start");
	while (!w->stop) {
		n = epoll_wait(w->epoll, events, EVENTS_MAX, 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == &in)
				read_input(w, &in);
			else if (events[i].data.ptr == w)
				w->stop = true;
			else
				conn_event(w, events[i].data.ptr, events[i].events);
		}
		wheel_run(&w->wheel, now_ns() / NS_PER_MS, on_timer, w);
		if (w->duration_ms && w->wheel.now_ms - begin_ms >= w->duration_ms)
			w->stop = true;
	}
	window_print(w);
	return 0;
}

/* SIGTERM and SIGINT arrive as input, so that the last window is always printed whole. */
static int open_signals(struct world *w)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : add_fd(w, fd, w);
}

static int world_open(struct world *w)
{
	unsigned int n = w->n_players + w->n_listeners;
	int err;

	w->n_probes = w->probe_ms ? 3 * ATTEMPT_MS / w->probe_ms + 16 : 0;
	w->players = calloc(n ? n : 1, sizeof(*w->players));
	w->probes = calloc(w->n_probes ? w->n_probes : 1, sizeof(*w->probes));
	if (!w->players || !w->probes)
		return -ENOMEM;
	err = raise_limit(w);
	if (err)
		return err;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	return w->epoll < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	struct world *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return 1;
	w->n_players = 50;
	w->interval_ms = 100;
	w->epoll = -1;
	srandom((unsigned int)(now_ns() ^ (uint64_t)getpid()));
	err = parse_options(w, argc, argv);
	if (err) {
		free(w);
		return err - 1;
	}
	err = world_open(w);
	if (!err)
		err = open_signals(w);
	if (!err)
		err = run(w);
	if (err)
		fprintf(stderr, "hokm-players: cannot go on: %s\n", strerror(-err));
	if (w->epoll >= 0)
		close(w->epoll);
	free(w->players);
	free(w->probes);
	free(w);
	return err ? 1 : 0;
}
