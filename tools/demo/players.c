/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-players: holds WebSocket connections to the game, opens new ones, and measures both.
 *
 * Commands come on stdin, one a line, and are answered by a line on stdout:
 *   mark NAME   prints the window that ends now and begins a window called NAME
 *   status      prints the present figures
 *   rejoin      all players disconnect and connect again; this is not counted
 *   pause       no probe begins until go; "under_way" of status tells how many have not ended
 *   go          probes begin again
 *   quit        the same as SIGTERM or the end of --duration: prints the last window and ends
 */
#include <getopt.h>
#include <sys/epoll.h>

#include "players.h"

#define EVENTS_MAX  256
#define FILES_SPARE 32 /* descriptors beside those of the connections */

static int usage(FILE *out)
{
	fputs("usage: hokm-players --url A.B.C.D:PORT [--players 50] [--listeners 0]\n"
	      "                    [--interval 100] [--probe 0] [--duration SECONDS] [--json]\n"
	      "Players send a move every interval (ms). Listeners send nothing. A probe opens a\n"
	      "new connection every --probe ms. Commands: mark NAME, status, rejoin,\n"
	      "pause, go, quit.\n",
	      out);
	return out == stdout ? 0 : 2;
}

/* "A.B.C.D:PORT", with or without "ws://" before it. */
static bool parse_url(struct world *w, const char *url)
{
	if (!strncmp(url, "ws://", 5))
		url += 5;
	if (!prog_addr(url, &w->server)) {
		fprintf(stderr, "hokm-players: --url '%s' is not like 192.168.1.25:8765\n", url);
		return false;
	}
	return inet_ntop(AF_INET, &w->server.sin_addr, w->host, sizeof(w->host)) != NULL;
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
			fine = prog_option("players", optarg, 0, 60000, &w->n_players);
		else if (option == 'l')
			fine = prog_option("listeners", optarg, 0, 60000, &w->n_listeners);
		else if (option == 'i')
			fine = prog_option("interval", optarg, 1, 60000, &w->interval_ms);
		else if (option == 'p')
			fine = prog_option("probe", optarg, 0, 60000, &w->probe_ms);
		else if (option == 'd')
			fine = prog_option("duration", optarg, 0, 86400, &seconds);
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

static int add_fd(struct world *w, int fd, void *mark)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = mark};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void command(void *arg, char *line)
{
	struct world *w = arg;
	char *name = line + 5;

	if (!strcmp(line, "quit")) {
		w->stop = true;
	} else if (!strcmp(line, "status")) {
		status_print(w);
	} else if (!strcmp(line, "rejoin")) {
		role_rejoin(w);
	} else if (!strcmp(line, "pause")) {
		timer_stop(&w->probe_timer);
	} else if (!strcmp(line, "go")) {
		probe_go(w);
	} else if (!strncmp(line, "mark ", 5) && *name &&
		   strspn(name,
			  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
			   strlen(name)) {
		window_print(w);
		window_begin(w, name);
	} else {
		fprintf(stderr,
			"hokm-players: unknown command '%s': use mark, status, rejoin, pause, go, "
			"quit\n",
			line);
	}
}

static void read_input(struct world *w)
{
	if (!prog_lines_read(&w->input, command, w))
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
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
	uint64_t begin_ms = prog_now_ns() / PROG_NS_PER_MS;
	int i, n;

	/* epoll cannot watch a regular file or /dev/null: then there are no commands. */
	(void)!add_fd(w, STDIN_FILENO, &w->input);
	w->wheel.now_ms = begin_ms;
	role_init(w);
	window_begin(w, "start");
	while (!w->stop) {
		n = epoll_wait(w->epoll, events, EVENTS_MAX, 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == &w->input)
				read_input(w);
			else if (events[i].data.ptr == w)
				w->stop = true;
			else
				conn_event(w, events[i].data.ptr, events[i].events);
		}
		wheel_run(&w->wheel, prog_now_ns() / PROG_NS_PER_MS, on_timer, w);
		if (w->duration_ms && w->wheel.now_ms - begin_ms >= w->duration_ms)
			w->stop = true;
	}
	window_print(w);
	return 0;
}

/* SIGTERM and SIGINT arrive as input, so that the last window is always printed whole. */
static int open_signals(struct world *w)
{
	int fd = prog_signals();

	return fd < 0 ? fd : add_fd(w, fd, w);
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
	err = prog_files(n + w->n_probes + FILES_SPARE);
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
	srandom((unsigned int)(prog_now_ns() ^ (uint64_t)getpid()));
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
		fprintf(stderr, "hokm-players: stopped: %s\n", strerror(-err));
	if (w->epoll >= 0)
		close(w->epoll);
	free(w->players);
	free(w->probes);
	free(w);
	return err ? 1 : 0;
}
