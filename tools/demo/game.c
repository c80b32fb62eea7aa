/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demo's game server: WebSocket and HTTP on one port, over libwebsockets.
 *
 *  client -> server  {"move":N}
 *  server -> client  {"node":NAME,"player":ID,"moves":K,"echo":N}
 *
 * K counts the moves of this connection and ID names the connection, so that a client notices at
 * once when another server answers or a move was lost. `GET /health` answers 200 "ok". The library
 * answers pings. The server says on stderr why it ended a connection.
 *
 * SIGUSR1 makes the process unresponsive until SIGUSR2: it keeps its sockets open and does nothing,
 * as in a deadlock, and the kernel still completes handshakes for it. SIGTERM and SIGINT end it.
 */
#include <getopt.h>
#include <libwebsockets.h>

#include "../lab/program.h"

/*
 * Unanswered moves of a player; more end the connection. TCP brings at once what a player sent
 * while the path was broken: the moves of 25 s at one in 50 ms.
 */
#define MOVES_MAX   512
#define MESSAGE_MAX 256 /* bytes of a message of a client */

struct game {
	const char *node;
	const char *addr;
	int port;
	unsigned int status; /* the answer to upgrades instead of 101; 0: 101 */
	int64_t ping_us;     /* between pings to each player, 0: none */
	uint64_t next_player;
	uint32_t ping_round; /* pings due to each player so far */
	struct lws_context *context;
	lws_sorted_usec_list_t ping_timer;
};

/* One connection. `queue` is a ring of the echoes that are still to be sent. */
struct player {
	uint64_t id;
	uint64_t moves;
	uint32_t queue[MOVES_MAX];
	unsigned int head;
	unsigned int used;
	uint32_t ping_round; /* of its last ping */
	bool health;         /* the body of an HTTP answer is still to be sent */
	size_t text_len;
	char text[MESSAGE_MAX + 1]; /* a message that has not come whole yet */
};

/* The signal handler uses only these. */
static volatile sig_atomic_t pause_asked;
static volatile sig_atomic_t stop_asked;
static struct lws_context *wake_context;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		pause_asked = 1;
	else if (signal == SIGUSR2)
		pause_asked = 0;
	else
		stop_asked = 1;
	if (wake_context)
		lws_cancel_service(wake_context);
}

static struct game *game_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

/* Sends the headers of GET /health; the body follows when the socket is writable. */
static int health_begin(struct lws *wsi, struct player *p, const char *path)
{
	unsigned char buf[LWS_PRE + 512];
	unsigned char *start = buf + LWS_PRE;
	unsigned char *at = start;
	unsigned char *end = buf + sizeof(buf) - 1;

	if (strcmp(path, "/health") != 0) {
		if (lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL))
			return -1;
		return lws_http_transaction_completed(wsi) ? -1 : 0;
	}
	if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "text/plain", 2, &at, end) ||
	    lws_finalize_write_http_header(wsi, start, &at, end))
		return -1;
	p->health = true;
	lws_callback_on_writable(wsi);
	return 0;
}

static int health_end(struct lws *wsi, struct player *p)
{
	unsigned char buf[LWS_PRE + 2];

	if (!p->health)
		return 0;
	p->health = false;
	memcpy(buf + LWS_PRE, "ok", 2);
	if (lws_write(wsi, buf + LWS_PRE, 2, LWS_WRITE_HTTP_FINAL) != 2)
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void player_begin(struct lws *wsi, struct player *p)
{
	struct game *g = game_of(wsi);

	memset(p, 0, sizeof(*p));
	p->id = ++g->next_player;
	p->ping_round = g->ping_round;
}

/* Ends the connection and says why: a test that lost a player finds the reason in the log. */
static int player_end(struct lws *wsi, const struct player *p, enum lws_close_status status,
		      const char *why)
{
	fprintf(stderr, "hokm-game: player %llu ended after %llu moves: %s\n",
		(unsigned long long)p->id, (unsigned long long)p->moves, why);
	lws_close_reason(wsi, status, NULL, 0);
	return -1;
}

/* A frame that spans two segments comes in parts. */
static int player_move(struct lws *wsi, struct player *p, const char *in, size_t len)
{
	unsigned int move;

	if (len > MESSAGE_MAX - p->text_len)
		return player_end(wsi, p, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "a long message");
	memcpy(p->text + p->text_len, in, len);
	p->text_len += len;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
		return 0;
	p->text[p->text_len] = '\0';
	p->text_len = 0;
	if (sscanf(p->text, " { \"move\" : %9u }", &move) != 1)
		return player_end(wsi, p, LWS_CLOSE_STATUS_POLICY_VIOLATION, "not a move");
	if (p->used == MOVES_MAX)
		return player_end(wsi, p, LWS_CLOSE_STATUS_POLICY_VIOLATION,
				  "too many unanswered moves");
	p->queue[(p->head + p->used++) % MOVES_MAX] = move;
	lws_callback_on_writable(wsi);
	return 0;
}

/* libwebsockets allows one write in each call: a ping goes first, then the oldest echo. */
static int player_write(struct lws *wsi, struct player *p)
{
	struct game *g = game_of(wsi);
	unsigned char buf[LWS_PRE + 256];
	char *text = (char *)buf + LWS_PRE;
	int len;

	if (p->ping_round != g->ping_round) {
		p->ping_round = g->ping_round;
		if (lws_write(wsi, buf + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return -1;
	} else if (p->used) {
		p->moves++;
		len = snprintf(text, sizeof(buf) - LWS_PRE,
			       "{\"node\":\"%s\",\"player\":%llu,\"moves\":%llu,\"echo\":%u}",
			       g->node, (unsigned long long)p->id, (unsigned long long)p->moves,
			       p->queue[p->head]);
		p->head = (p->head + 1) % MOVES_MAX;
		p->used--;
		if (lws_write(wsi, buf + LWS_PRE, (size_t)len, LWS_WRITE_TEXT) < len)
			return -1;
	}
	if (p->used)
		lws_callback_on_writable(wsi);
	return 0;
}

/* Answers the upgrade with --status. 1, as the library expects: the upgrade is refused. */
static int upgrade_refused(struct lws *wsi)
{
	unsigned int status = game_of(wsi)->status;

	if (!status)
		return 0;
	return lws_return_http_status(wsi, status, NULL) ? -1 : 1;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct player *p = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return health_begin(wsi, p, in);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return health_end(wsi, p);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade_refused(wsi);
	case LWS_CALLBACK_ESTABLISHED:
		player_begin(wsi, p);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return player_move(wsi, p, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return player_write(wsi, p);
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "game",
	 .callback = on_event,
	 .per_session_data_size = sizeof(struct player),
	 .rx_buffer_size = MESSAGE_MAX},
	{.name = NULL},
};

/* One timer for all players: the library sorts timers in a list, too slow for thousands. */
static void ping_all(lws_sorted_usec_list_t *timer)
{
	struct game *g = lws_container_of(timer, struct game, ping_timer);

	g->ping_round++;
	lws_callback_on_writable_all_protocol(g->context, &protocols[0]);
	lws_sul_schedule(g->context, 0, timer, ping_all, g->ping_us);
}

static int usage(FILE *out)
{
	fputs("usage: hokm-game [--port 8765] [--addr A.B.C.D] [--node NAME] [--ping MS]\n"
	      "                 [--status 503]\n"
	      "A WebSocket game server for the demo, unresponsive from SIGUSR1 to SIGUSR2.\n",
	      out);
	return out == stdout ? 0 : 2;
}

static int parse_options(struct game *g, int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"addr", required_argument, NULL, 'a'},
		{"node", required_argument, NULL, 'n'},
		{"ping", required_argument, NULL, 'i'},
		{"status", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned int n = 0;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			good = prog_option("port", optarg, 1, 65535, &n);
			g->port = (int)n;
			break;
		case 'a':
			g->addr = optarg;
			break;
		case 'n':
			g->node = optarg;
			break;
		case 'i':
			good = prog_option("ping", optarg, 0, 3600000, &n);
			g->ping_us = n * 1000LL;
			break;
		case 's':
			good = prog_option("status", optarg, 200, 599, &g->status);
			break;
		case 'h':
			exit(usage(stdout));
		default:
			return usage(stderr);
		}
	}
	if (!good)
		return 2;
	if (optind != argc || strlen(g->node) > 63 || strpbrk(g->node, "\"\\"))
		return usage(stderr);
	return 0;
}

static int watch_signals(void)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
	struct sigaction action = {.sa_handler = on_signal};
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], &action, NULL) < 0) {
			perror("hokm-game: sigaction");
			return -EINVAL;
		}
	}
	return 0;
}

/* Does nothing until SIGUSR2 or SIGTERM. */
static void stay_unresponsive(void)
{
	sigset_t all, before;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, &before) < 0)
		return;
	if (pause_asked && !stop_asked)
		fputs("hokm-game: unresponsive until SIGUSR2\n", stderr);
	while (pause_asked && !stop_asked)
		sigsuspend(&before);
	if (sigprocmask(SIG_SETMASK, &before, NULL) < 0)
		perror("hokm-game: sigprocmask");
}

int main(int argc, char **argv)
{
	struct game g = {.node = "node", .port = 8765};
	struct lws_context_creation_info info = {0};
	struct lws_context *context;
	int result;

	result = parse_options(&g, argc, argv);
	if (result)
		return result;
	if (watch_signals() < 0)
		return 1;
	lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
	info.port = g.port;
	info.iface = g.addr;
	info.protocols = protocols;
	info.user = &g;
	info.gid = (gid_t)-1;
	info.uid = (uid_t)-1;
	info.options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
	context = lws_create_context(&info);
	if (!context) {
		fprintf(stderr,
			"hokm-game: cannot listen on %s port %d; is another server there?\n",
			g.addr ? g.addr : "any address", g.port);
		return 1;
	}
	wake_context = context;
	g.context = context;
	if (g.ping_us)
		lws_sul_schedule(context, 0, &g.ping_timer, ping_all, g.ping_us);
	while (!stop_asked && lws_service(context, 0) >= 0) {
		if (pause_asked)
			stay_unresponsive();
	}
	wake_context = NULL;
	lws_context_destroy(context);
	return 0;
}
