/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A WebSocket server over libwebsockets for frames tests: its frames have the shapes that a library
 * in wide use gives them. It does what frames.h lets a client ask for. `GET /health` answers 200.
 *
 * Its random messages are text or binary, whole or in fragments, some of them empty, with pings
 * between. libwebsockets allows one write in each callback, so a message is a small state machine.
 *
 * At SIGTERM it prints as JSON the frames that it wrote and the frames of messages that it read.
 * The library answers pings itself and hides empty fragments; the client's counts are exact.
 */
#include <getopt.h>
#include <libwebsockets.h>

#include "../../tools/lab/program.h"
#include "frames.h"

#define WORD_MAX    32
#define CONTROL_MAX 125
#define BIG_MAX     (20U << 20)
#define FRAGMENTS   5

struct server {
	struct frame_counts sent, received;
	uint64_t seed;
	size_t max;
	uint8_t *buffer; /* LWS_PRE bytes, then room for the largest frame */
};

/* One connection: what its client asked for, and the message that is being written to it. */
struct player {
	struct chance chance;
	unsigned int owed;
	unsigned int echoes;
	unsigned int big; /* bytes */
	unsigned int close_code;
	bool end;
	unsigned int fragments; /* still to write of the present message */
	bool first;
	bool text;
	char word[WORD_MAX + 1];
	size_t n_word;
	bool long_word;
};

static volatile sig_atomic_t stop_asked;
static struct lws_context *wake_context;

static void on_signal(int signal)
{
	(void)signal;
	stop_asked = 1;
	if (wake_context)
		lws_cancel_service(wake_context);
}

static struct server *server_of(struct lws *wsi)
{
	return lws_context_user(lws_get_context(wsi));
}

static int health(struct lws *wsi)
{
	if (lws_return_http_status(wsi, HTTP_STATUS_OK, NULL))
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_frame(struct lws *wsi, size_t len, enum lws_write_protocol how, int kind)
{
	struct server *s = server_of(wsi);

	s->sent.n[kind]++;
	return lws_write(wsi, s->buffer + LWS_PRE, len, how) < 0 ? -1 : 0;
}

static int write_word(struct lws *wsi, const char *word)
{
	size_t len = strlen(word);

	memcpy(server_of(wsi)->buffer + LWS_PRE, word, len);
	return write_frame(wsi, len, LWS_WRITE_TEXT, 1);
}

static void fill(struct lws *wsi, struct player *p, size_t len)
{
	uint8_t *to = server_of(wsi)->buffer + LWS_PRE;
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = (uint8_t)('a' + (chance_draw(&p->chance) & 15));
}

/* One frame of the present message, or a ping before it. */
static int write_fragment(struct lws *wsi, struct player *p)
{
	size_t max = server_of(wsi)->max, len = frame_size(&p->chance, max);
	int how, kind;

	if (chance_of(&p->chance, 15)) {
		len = chance_below(&p->chance, CONTROL_MAX + 1);
		fill(wsi, p, len);
		return write_frame(wsi, len, LWS_WRITE_PING, 4);
	}
	kind = !p->first ? 0 : p->text ? 1 : 2;
	how = kind == 0 ? LWS_WRITE_CONTINUATION : kind == 1 ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
	if (--p->fragments)
		how |= LWS_WRITE_NO_FIN;
	p->first = false;
	fill(wsi, p, len);
	return write_frame(wsi, len, (enum lws_write_protocol)how, kind);
}

static void message_begin(struct player *p)
{
	p->owed--;
	p->first = true;
	p->text = chance_below(&p->chance, 2);
	p->fragments = chance_of(&p->chance, 15) ? 2 + chance_below(&p->chance, FRAGMENTS) : 1;
}

static int player_write(struct lws *wsi, struct player *p)
{
	unsigned int big = p->big;
	int err = 0;

	if (!p->fragments && !p->echoes && !big && !p->close_code && p->owed)
		message_begin(p);
	if (p->fragments) {
		err = write_fragment(wsi, p);
	} else if (p->echoes) {
		p->echoes--;
		err = write_word(wsi, "!echo");
	} else if (big) {
		p->big = 0;
		memset(server_of(wsi)->buffer + LWS_PRE, 'b', big);
		err = write_frame(wsi, big, LWS_WRITE_BINARY, 2);
	} else if (p->close_code) {
		server_of(wsi)->sent.n[3]++;
		lws_close_reason(wsi, (enum lws_close_status)p->close_code, NULL, 0);
		return -1;
	} else if (p->end) {
		p->end = false;
		err = write_word(wsi, "!end");
	} else {
		return 0;
	}
	lws_callback_on_writable(wsi);
	return err;
}

static unsigned int word_number(const char *word, unsigned int max)
{
	const char *space = strchr(word, ' ');
	unsigned long n = space ? strtoul(space + 1, NULL, 10) : 0;

	return n > max ? max : (unsigned int)n;
}

static void player_asks(struct player *p)
{
	const char *word = p->word;

	if (*word != '!' || p->long_word)
		p->owed++;
	else if (strcmp(word, "!echo") == 0)
		p->echoes++;
	else if (strcmp(word, "!end") == 0)
		p->end = true;
	else if (strncmp(word, "!big ", 5) == 0)
		p->big = word_number(word, BIG_MAX);
	else if (strncmp(word, "!bye ", 5) == 0)
		p->close_code = word_number(word, 4999);
}

static int player_read(struct lws *wsi, struct player *p, const char *in, size_t len)
{
	struct server *s = server_of(wsi);

	if (lws_is_first_fragment(wsi)) {
		p->n_word = 0;
		p->long_word = false;
	}
	if (!lws_remaining_packet_payload(wsi))
		s->received.n[!lws_is_first_fragment(wsi) ? 0 : lws_frame_is_binary(wsi) ? 2 : 1]++;
	if (len > WORD_MAX - p->n_word) {
		p->long_word = true;
	} else if (len) {
		memcpy(p->word + p->n_word, in, len);
		p->n_word += len;
	}
	p->word[p->n_word] = '\0';
	if (lws_is_final_fragment(wsi)) {
		player_asks(p);
		lws_callback_on_writable(wsi);
	}
	return 0;
}

static void player_begin(struct lws *wsi, struct player *p)
{
	memset(p, 0, sizeof(*p));
	p->chance.state = server_of(wsi)->seed++;
	p->owed = 1;
	lws_callback_on_writable(wsi);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return health(wsi);
	case LWS_CALLBACK_ESTABLISHED:
		player_begin(wsi, user);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return player_read(wsi, user, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return player_write(wsi, user);
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "frames",
	 .callback = on_event,
	 .per_session_data_size = sizeof(struct player),
	 .rx_buffer_size = 8192},
	{.name = NULL},
};

static int usage(void)
{
	fputs("usage: frames_server [--port 8765] [--max BYTES] [--seed N]\n", stderr);
	return 2;
}

static int options_read(struct server *s, int *port, int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"max", required_argument, NULL, 'm'},
		{"seed", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	unsigned long n;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || !prog_number(optarg, 0, BIG_MAX, &n))
			return usage();
		if (option == 'p')
			*port = (int)n;
		else if (option == 'm')
			s->max = n;
		else
			s->seed = n;
	}
	return optind == argc && *port > 0 && *port < 65536 ? 0 : usage();
}

static int serve(struct server *s, int port)
{
	struct lws_context_creation_info info = {
		.port = port,
		.protocols = protocols,
		.user = s,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.options = LWS_SERVER_OPTION_DISABLE_IPV6 |
			   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
	};
	struct lws_context *context;

	lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
	context = lws_create_context(&info);
	if (!context) {
		fprintf(stderr, "frames_server: cannot listen on port %d\n", port);
		return 1;
	}
	wake_context = context;
	while (!stop_asked && lws_service(context, 0) >= 0)
		;
	wake_context = NULL;
	lws_context_destroy(context);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct server s = {.max = 200000, .seed = 7};
	int port = 8765, result = options_read(&s, &port, argc, argv);

	if (result)
		return result;
	s.buffer = malloc(LWS_PRE + BIG_MAX);
	if (!s.buffer || sigaction(SIGTERM, &action, NULL) < 0 ||
	    sigaction(SIGINT, &action, NULL) < 0) {
		perror("frames_server");
		free(s.buffer);
		return 1;
	}
	result = serve(&s, port);
	free(s.buffer);
	putchar('{');
	frame_counts_print("sent", &s.sent, ",");
	frame_counts_print("received", &s.received, "}\n");
	return result;
}
