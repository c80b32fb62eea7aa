/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demo's load client: what its parts share.
 *
 *  players.c         options, the epoll loop, commands on stdin
 *  players_timer.c   a wheel of one millisecond slots
 *  players_conn.c    one WebSocket connection (RFC 6455, client side), without knowing what it is
 * for players_role.c    what the connection is for: player, listener or probe players_window.c what
 * was measured since the last mark, as one line
 *
 * One thread, no locks. Times are CLOCK_MONOTONIC nanoseconds; 0 means never.
 */
#ifndef HOKM_DEMO_PLAYERS_H
#define HOKM_DEMO_PLAYERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS  1000000ULL
#define WHEEL_SIZE 4096 /* slots of a millisecond; a later timer goes round again */
#define RX_MAX     1024
#define MOVES_MAX  64 /* moves of a player that wait for their echo */
#define NODES_MAX  8
#define NAME_MAX_  64

#define ATTEMPT_MS  1000 /* TCP and WebSocket handshake together must end within this */
#define ECHO_MS     5000 /* a move without an echo for this long means a broken connection */
#define BACKOFF_MS  100  /* before the first reconnect, doubling, each with jitter */
#define BACKOFF_MAX 2000

struct timer {
	struct timer *next;
	struct timer **pprev; /* NULL: not armed */
	uint64_t due_ms;
};

struct wheel {
	struct timer *slots[WHEEL_SIZE];
	uint64_t now_ms;
};

typedef void (*timer_fn)(struct timer *t, void *arg);
void timer_arm(struct wheel *w, struct timer *t, uint64_t due_ms);
void timer_stop(struct timer *t);
/* Advances the wheel to now_ms and calls fn for every timer that is due. */
void wheel_run(struct wheel *w, uint64_t now_ms, timer_fn fn, void *arg);

enum conn_state { CONN_IDLE, CONN_CONNECTING, CONN_UPGRADING, CONN_OPEN, CONN_CLOSING };
enum conn_end { END_REFUSED, END_RESET, END_CLOSED, END_TIMEOUT, END_STATUS, END_ERROR, END_COUNT };
enum conn_role { ROLE_PLAYER, ROLE_LISTENER, ROLE_PROBE };
enum probe_result { PROBE_NONE, PROBE_PENDING, PROBE_GOOD, PROBE_FAILED };

/*
 * One connection. The first block belongs to players_conn.c, the rest to players_role.c. A player's
 * slot lives on over its reconnects; a probe's slot is used again for a later probe.
 */
struct conn {
	int fd; /* -1: none */
	enum conn_state state;
	struct timer timer;
	uint64_t started_ns; /* connect() */
	size_t rx_len;
	uint8_t rx[RX_MAX];

	enum conn_role role;
	unsigned int backoff_ms;
	uint32_t sent_moves; /* of this connection; also the next move's number */
	uint32_t echoed;
	uint64_t sent_ns[MOVES_MAX]; /* ring: when move N was sent, at N % MOVES_MAX */
	uint64_t gap_since_ns;       /* oldest move that has no echo, also of a broken connection */
	uint64_t last_rx_ns;
	bool was_good;    /* had an echo (a listener: was open) at least once */
	bool good;        /* has one on this connection */
	bool broke;       /* in this window */
	uint64_t back_ns; /* good again in this window */
	int node;         /* index of world.nodes, -1: not known */
	enum probe_result result;
};

/* What was measured since the last mark. */
struct window {
	char name[NAME_MAX_];
	uint64_t start_ns;
	uint64_t attempts; /* of the prober */
	uint64_t failed;
	uint64_t failed_by[END_COUNT];
	uint64_t first_failed_ns; /* start of the first that failed, from the mark */
	uint64_t last_failed_ns;
	uint64_t slowest_ns; /* of its successful attempts */
	uint64_t outage_ns;
	uint64_t reconnect_failed;
	uint64_t breaks; /* of players and listeners, each time counted */
	uint64_t breaks_by[END_COUNT];
	uint64_t gap_ns;     /* longest time from a move to its echo */
	uint64_t silence_ns; /* longest time a player received nothing */
	uint64_t moves;
	uint64_t inconsistent; /* echoes with a wrong counter */
	uint64_t moved_ns;    /* start of the first probe that another node served, from the mark */
	unsigned int changes; /* times the node that serves new connections changed */
};

struct world {
	struct sockaddr_in server;
	char host[NAME_MAX_];
	unsigned int n_players, n_listeners, n_probes;
	unsigned int interval_ms, probe_ms;
	uint64_t duration_ms; /* 0: until told */
	bool json;

	int epoll;
	bool stop;
	struct wheel wheel;
	struct conn *players; /* n_players, then n_listeners */
	struct conn *probes;  /* ring of n_probes slots */
	/* sequence numbers: next to start, oldest not yet judged */
	uint64_t probe_next, probe_head;
	struct timer probe_timer;
	uint64_t outage_since_ns; /* start of the first failed attempt since the last good one */
	int probe_node;           /* who served the last probe, -1: nobody yet */

	char nodes[NODES_MAX][NAME_MAX_];
	unsigned int n_nodes;
	struct window window;
};

uint64_t now_ns(void);

/* conn: 0 or -errno. What happens later comes back through role_*. */
int conn_start(struct world *w, struct conn *c);
void conn_event(struct world *w, struct conn *c, uint32_t events);
int conn_send_text(struct conn *c, const char *text, size_t len);
/*
 * Ends our side; the server's end follows. Without a close frame, on which the server would end
 * first and keep the port in TIME_WAIT: thousands of probes from one address would soon meet such
 * ports again.
 */
int conn_leave(struct conn *c);
void conn_drop(struct conn *c);

/* role: what the connection tells. After role_ended the connection is dropped already. */
void role_init(struct world *w);
void role_opened(struct world *w, struct conn *c);
void role_message(struct world *w, struct conn *c, const char *text);
void role_ended(struct world *w, struct conn *c, enum conn_end why);
void role_timer(struct world *w, struct conn *c);
void probe_timer(struct world *w);
void role_rejoin(struct world *w);

/* window */
void window_begin(struct world *w, const char *name);
/* Prints the present window as one line. */
void window_print(struct world *w);
/* Prints how things stand now as one line. */
void status_print(struct world *w);

#endif
