/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * audience: thousands of players that hold a connection each and record when they noticed its end.
 *
 *   audience --url A.B.C.D:PORT [--sending N] [--pinging N] [--silent N]
 *            [--interval MS] [--ping MS] [--patience MS] [--log FILE]
 *
 *   sending   sends a move every --interval (100) ms; the connection counts as ended when an echo
 *             does not come within --patience (5000) ms
 *   pinging   sends a ping every --ping (20000) ms and nothing else; the connection counts as ended
 *             when a pong does not come within --ping or --patience, whichever is longer
 *   silent    only reads: notices nothing but what its own kernel reports
 *
 * A player whose connection ended stays away until a command brings it back. Commands come on
 * stdin, one a line, and each is answered by a line of JSON:
 *
 *   status   the present figures
 *   mark     the same; afterwards ends count from zero and times count from this command
 *   join     players without a connection connect; `status` shows how many did
 *   rejoin   all players disconnect first, which does not count as an end
 *   quit     the same as SIGTERM
 *
 * The figures of each KIND, and of "all": KIND_open, KIND_ended, and of the connections that ended
 * since the mark KIND_first_ms, KIND_median_ms, KIND_last_ms. Then how the ends were noticed:
 * reset, closed, unanswered, other; longest_ms, the longest wait for an answer since the mark; and
 * late, the players who have waited for an answer for LATE_MS. --log writes one line an end: ms of
 * CLOCK_MONOTONIC, kind, local port, how it was noticed.
 */
#include <getopt.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../../tools/lab/program.h"

#define MOST          30000 /* players of a kind */
#define EVENTS        512
#define UNDER_WAY     16 /* handshakes at a time: the backlog of a listener is short */
#define HANDSHAKE_MS  3000
#define ROUND_MS      10 /* between two looks at all players */
#define HEAD_MAX      1024
#define SPARE_FILES   32
#define LATE_MS       150
#define DEFAULT_MS    100
#define DEFAULT_PINGS 20000
#define DEFAULT_ECHO  5000

enum kind { SENDING, PINGING, SILENT, KINDS };
enum state { AWAY, WANTED, CONNECTING, UPGRADING, OPEN };
enum way { RESET, CLOSED, UNANSWERED, OTHER, WAYS };

static const char *const kind_names[KINDS] = {"sending", "pinging", "silent"};
static const char *const way_names[WAYS] = {"reset", "closed", "unanswered", "other"};

/* Exists as long as the program; connections come and go. */
struct player {
	int fd;
	uint8_t kind, state;
	uint8_t blank; /* bytes seen of the empty line that ends the head */
	bool ended;    /* since the mark */
	uint16_t port; /* of our end, in host order */
	uint32_t moves;
	uint32_t head_len;
	char head[16];       /* start of the status line */
	uint64_t due_ms;     /* when to send next; in a handshake, when to give up */
	uint64_t waiting_ms; /* when the oldest unanswered message was sent; 0: none */
	uint64_t ended_ns;
};

struct audience {
	struct sockaddr_in to;
	unsigned long of[KINDS], interval_ms, ping_ms, patience_ms;
	struct player *players;
	size_t n, next_wanted;
	unsigned int under_way, failed;
	unsigned int by[WAYS];
	uint64_t longest_ms; /* of all waits for an answer since the mark */
	uint64_t mark_ns, round_ms;
	uint64_t *times; /* n, for sorting */
	int ep, signals;
	FILE *log;
	struct prog_lines input;
	bool stop;
};

static uint64_t now_ms(void)
{
	return prog_now_ns() / PROG_NS_PER_MS;
}

/* ---- one player ---- */

static void leave(struct audience *a, struct player *p, enum state then)
{
	if (p->state == CONNECTING || p->state == UPGRADING)
		a->under_way--;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->state = (uint8_t)then;
}

static void end(struct audience *a, struct player *p, enum way way)
{
	if (p->state != OPEN) {
		a->failed++;
		leave(a, p, WANTED);
		return;
	}
	p->ended = true;
	p->ended_ns = prog_now_ns();
	a->by[way]++;
	if (a->log)
		fprintf(a->log, "%.3f %s %u %s\n", prog_ms(p->ended_ns), kind_names[p->kind],
			p->port, way_names[way]);
	leave(a, p, AWAY);
}

static enum way way_of(int err)
{
	return err == ECONNRESET || err == EPIPE ? RESET : err == ETIMEDOUT ? UNANSWERED : OTHER;
}

/* So few bytes find no room only when the peer has acknowledged nothing for long. */
static void send_bytes(struct audience *a, struct player *p, const void *bytes, size_t len)
{
	ssize_t n = send(p->fd, bytes, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len)
		end(a, p, n < 0 ? way_of(errno) : UNANSWERED);
}

/* A frame masked with zeros (RFC 6455 section 5.3), FIN set; up to 125 bytes of payload. */
static void send_frame(struct audience *a, struct player *p, uint8_t opcode, const char *text)
{
	uint8_t frame[6 + 125] = {0};
	size_t len = strlen(text);

	if (len > sizeof(frame) - 6)
		len = sizeof(frame) - 6;
	frame[0] = (uint8_t)(0x80 | opcode);
	frame[1] = (uint8_t)(0x80 | len);
	memcpy(frame + 6, text, len);
	send_bytes(a, p, frame, 6 + len);
}

static void send_next(struct audience *a, struct player *p, uint64_t now)
{
	char text[32];

	if (p->kind == SENDING) {
		snprintf(text, sizeof(text), "{\"move\":%u}", ++p->moves);
		p->due_ms = now + a->interval_ms;
	} else {
		snprintf(text, sizeof(text), "still there?");
		p->due_ms = now + a->ping_ms;
	}
	if (!p->waiting_ms)
		p->waiting_ms = now;
	send_frame(a, p, p->kind == SENDING ? 1 : 9, text);
}

static bool watch(const struct audience *a, const struct player *p, int op, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)(p - a->players)};

	return !epoll_ctl(a->ep, op, p->fd, &e);
}

static void connect_player(struct audience *a, struct player *p)
{
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	p->state = CONNECTING;
	p->blank = 0;
	p->head_len = p->moves = 0;
	p->waiting_ms = 0;
	p->due_ms = now_ms() + HANDSHAKE_MS;
	a->under_way++;
	if (p->fd < 0 ||
	    (connect(p->fd, (struct sockaddr *)&a->to, sizeof(a->to)) && errno != EINPROGRESS) ||
	    !watch(a, p, EPOLL_CTL_ADD, EPOLLOUT))
		end(a, p, OTHER);
}

static void connected(struct audience *a, struct player *p)
{
	static const char upgrade[] = "GET / HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\n"
				      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);

	if (getsockname(p->fd, (struct sockaddr *)&own, &len) ||
	    !watch(a, p, EPOLL_CTL_MOD, EPOLLIN)) {
		end(a, p, OTHER);
		return;
	}
	p->port = ntohs(own.sin_port);
	p->state = UPGRADING;
	send_bytes(a, p, upgrade, sizeof(upgrade) - 1);
}

/* Reads the head of the answer up to its empty line. What follows belongs to frames: ignored. */
static void upgrading(struct audience *a, struct player *p, const char *buf, size_t n)
{
	static const char blank[] = "\r\n\r\n";
	size_t i;

	for (i = 0; i < n && p->blank < 4; i++, p->head_len++) {
		if (p->head_len < sizeof(p->head) - 1)
			p->head[p->head_len] = buf[i];
		p->blank = buf[i] == blank[p->blank] ? p->blank + 1 : buf[i] == '\r';
	}
	if (p->blank < 4 && p->head_len < HEAD_MAX)
		return;
	if (p->blank < 4 || strncmp(p->head, "HTTP/1.1 101", 12) != 0) {
		end(a, p, OTHER);
		return;
	}
	a->under_way--;
	p->state = OPEN;
	p->due_ms = now_ms() +
		    (uint64_t)random() % (p->kind == SENDING ? a->interval_ms : a->ping_ms) + 1;
}

static void answered(struct audience *a, struct player *p)
{
	uint64_t waited_ms = p->waiting_ms ? now_ms() - p->waiting_ms : 0;

	if (waited_ms > a->longest_ms)
		a->longest_ms = waited_ms;
	p->waiting_ms = 0;
}

static void receive(struct audience *a, struct player *p)
{
	char buf[4096];
	ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		end(a, p, n < 0 ? way_of(errno) : CLOSED);
	else if (p->state == UPGRADING)
		upgrading(a, p, buf, (size_t)n);
	else
		answered(a, p);
}

static void player_event(struct audience *a, struct player *p, uint32_t events)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (p->fd < 0)
		return;
	if (p->state != CONNECTING) {
		receive(a, p);
		return;
	}
	if (events & (EPOLLERR | EPOLLHUP) || getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) ||
	    err)
		end(a, p, OTHER);
	else
		connected(a, p);
}

static uint64_t patience_ms(const struct audience *a, unsigned int kind)
{
	return kind == PINGING && a->ping_ms > a->patience_ms ? a->ping_ms : a->patience_ms;
}

/* Sends what is due; ends a connection whose answer or handshake takes too long. */
static void check_time(struct audience *a, struct player *p, uint64_t now)
{
	if (p->state == AWAY || p->state == WANTED || now < p->due_ms)
		return;
	if (p->state != OPEN) {
		end(a, p, UNANSWERED);
		return;
	}
	if (p->kind == SILENT)
		return;
	if (p->waiting_ms && now >= p->waiting_ms + patience_ms(a, p->kind))
		end(a, p, UNANSWERED);
	else
		send_next(a, p, now);
}

/* ---- all of them ---- */

static void check_all(struct audience *a)
{
	uint64_t now = now_ms();

	if (now >= a->round_ms) {
		a->round_ms = now + ROUND_MS;
		for (size_t i = 0; i < a->n; i++)
			check_time(a, &a->players[i], now);
	}
	for (size_t i = 0; i < a->n && a->under_way < UNDER_WAY; i++) {
		struct player *p = &a->players[a->next_wanted];

		a->next_wanted = (a->next_wanted + 1) % a->n;
		if (p->state == WANTED)
			connect_player(a, p);
	}
}

/* kind KINDS: all players. */
static void print_kind(struct audience *a, unsigned int kind, const char *name)
{
	size_t open = 0, ended = 0, middle;

	for (size_t i = 0; i < a->n; i++) {
		const struct player *p = &a->players[i];

		if (kind != KINDS && p->kind != kind)
			continue;
		open += p->state == OPEN;
		if (p->ended)
			a->times[ended++] = p->ended_ns - a->mark_ns;
	}
	printf("\"%s_open\":%zu,\"%s_ended\":%zu,", name, open, name, ended);
	if (!ended)
		return;
	middle = ended / 2;
	qsort(a->times, ended, sizeof(*a->times), prog_by_value);
	printf("\"%s_first_ms\":%.1f,\"%s_median_ms\":%.1f,\"%s_last_ms\":%.1f,", name,
	       prog_ms(a->times[0]), name, prog_ms(a->times[middle]), name,
	       prog_ms(a->times[ended - 1]));
}

static size_t late(const struct audience *a)
{
	uint64_t now = now_ms();
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct player *p = &a->players[i];

		n += p->state == OPEN && p->waiting_ms && now > p->waiting_ms + LATE_MS;
	}
	return n;
}

static void print_all(struct audience *a)
{
	printf("{");
	for (unsigned int kind = 0; kind < KINDS; kind++)
		print_kind(a, kind, kind_names[kind]);
	print_kind(a, KINDS, "all");
	for (unsigned int way = 0; way < WAYS; way++)
		printf("\"%s\":%u,", way_names[way], a->by[way]);
	printf("\"longest_ms\":%" PRIu64 ",\"late\":%zu,", a->longest_ms, late(a));
	printf("\"players\":%zu,\"failed_attempts\":%u}", a->n, a->failed);
	prog_answer_end();
}

static void mark(struct audience *a)
{
	for (size_t i = 0; i < a->n; i++)
		a->players[i].ended = false;
	memset(a->by, 0, sizeof(a->by));
	a->failed = 0;
	a->longest_ms = 0;
	a->mark_ns = prog_now_ns();
}

static void join(struct audience *a, bool leave_first)
{
	for (size_t i = 0; i < a->n; i++) {
		struct player *p = &a->players[i];

		if (leave_first)
			leave(a, p, AWAY);
		if (p->state == AWAY)
			p->state = WANTED;
	}
}

static void command(void *arg, char *line)
{
	struct audience *a = arg;
	uint64_t sent_ns = prog_now_ns();

	if (!strcmp(line, "join") || !strcmp(line, "rejoin"))
		join(a, line[0] == 'r');
	if (!strcmp(line, "quit"))
		a->stop = true;
	print_all(a);
	if (!strcmp(line, "mark")) {
		mark(a);
		a->mark_ns = sent_ns;
	}
}

static void read_input(struct audience *a)
{
	if (!prog_lines_read(&a->input, command, a))
		epoll_ctl(a->ep, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static int run(struct audience *a)
{
	struct epoll_event events[EVENTS];
	struct signalfd_siginfo info;

	while (!a->stop) {
		int n = epoll_wait(a->ep, events, EVENTS, 1);

		if (n < 0 && errno != EINTR)
			return prog_fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			uint64_t who = events[i].data.u64;

			if (who < a->n)
				player_event(a, &a->players[who], events[i].events);
			else if (who == a->n)
				read_input(a);
			else
				a->stop = read(a->signals, &info, sizeof(info)) > 0;
		}
		check_all(a);
	}
	return 0;
}

/* ---- setting up ---- */

static int set_up_events(struct audience *a)
{
	struct epoll_event input = {.events = EPOLLIN, .data.u64 = a->n};
	struct epoll_event ended = {.events = EPOLLIN, .data.u64 = a->n + 1};

	a->signals = prog_signals();
	if (a->signals < 0)
		return a->signals;
	a->ep = epoll_create1(EPOLL_CLOEXEC);
	if (a->ep < 0 || epoll_ctl(a->ep, EPOLL_CTL_ADD, a->signals, &ended))
		return prog_fail("epoll");
	/* A regular file or /dev/null cannot be watched: then there are no commands. */
	(void)!epoll_ctl(a->ep, EPOLL_CTL_ADD, STDIN_FILENO, &input);
	return 0;
}

static int set_up(struct audience *a)
{
	size_t i = 0;
	int err;

	for (unsigned int kind = 0; kind < KINDS; kind++)
		a->n += a->of[kind];
	if (!a->n) {
		fputs("audience: no players are asked for\n", stderr);
		return -EINVAL;
	}
	a->players = calloc(a->n, sizeof(*a->players));
	a->times = calloc(a->n, sizeof(*a->times));
	if (!a->players || !a->times)
		return -ENOMEM;
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (unsigned long k = 0; k < a->of[kind]; k++)
			a->players[i++] = (struct player){
				.fd = -1, .kind = (uint8_t)kind, .state = WANTED};
	err = prog_files(a->n + SPARE_FILES);
	if (!err)
		err = set_up_events(a);
	mark(a);
	return err;
}

static bool read_option(struct audience *a, int option)
{
	switch (option) {
	case 'u':
		return prog_addr(optarg, &a->to);
	case 's':
		return prog_number(optarg, 0, MOST, &a->of[SENDING]);
	case 'p':
		return prog_number(optarg, 0, MOST, &a->of[PINGING]);
	case 'q':
		return prog_number(optarg, 0, MOST, &a->of[SILENT]);
	case 'i':
		return prog_number(optarg, 1, 60000, &a->interval_ms);
	case 'g':
		return prog_number(optarg, 1, 60000, &a->ping_ms);
	case 'e':
		return prog_number(optarg, 1, 600000, &a->patience_ms);
	case 'l':
		a->log = fopen(optarg, "we");
		return a->log || prog_fail(optarg) == 0;
	default:
		return false;
	}
}

static bool read_options(struct audience *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"url", required_argument, NULL, 'u'},
		{"sending", required_argument, NULL, 's'},
		{"pinging", required_argument, NULL, 'p'},
		{"silent", required_argument, NULL, 'q'},
		{"interval", required_argument, NULL, 'i'},
		{"ping", required_argument, NULL, 'g'},
		{"patience", required_argument, NULL, 'e'},
		{"log", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!read_option(a, option))
			return false;
	return optind == argc && a->to.sin_port;
}

int main(int argc, char **argv)
{
	struct audience a = {.ep = -1,
			     .signals = -1,
			     .interval_ms = DEFAULT_MS,
			     .ping_ms = DEFAULT_PINGS,
			     .patience_ms = DEFAULT_ECHO};
	int err;

	if (!read_options(&a, argc, argv)) {
		fputs("usage: audience --url A.B.C.D:PORT [--sending N] [--pinging N]\n"
		      "                [--silent N] [--interval MS] [--ping MS]\n"
		      "                [--patience MS] [--log FILE]\n",
		      stderr);
		return 2;
	}
	err = set_up(&a);
	if (!err)
		err = run(&a);
	if (!err)
		print_all(&a);
	if (a.log && fclose(a.log) && !err)
		err = prog_fail("the log is incomplete");
	free(a.players);
	free(a.times);
	return err ? 1 : 0;
}
