/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demo's load client: what its files share.
 *
 *  players.c         options, the epoll loop, commands on stdin
 *  players_timer.c   a wheel of slots of one millisecond
 *  players_conn.c    one WebSocket connection (RFC 6455, client side), whatever its role
 *  players_role.c    the role of a connection: player, listener or probe
 *  players_window.c  what was measured since the last mark, as one line
 *
 * One thread, no locks. Times are CLOCK_MONOTONIC nanoseconds; 0 means never.
 */
#ifndef HOKM_DEMO_PLAYERS_H
#define HOKM_DEMO_PLAYERS_H

#include <stddef.h>

#include "../lab/program.h"

#define WHEEL_SIZE 4096 /* slots of a millisecond; a later timer passes its slot several times */
#define RX_MAX     1024
#define MOVES_MAX  64 /* moves of a player without an echo yet */
#define NODES_MAX  8
#define NAME_MAX_  64

#define ATTEMPT_MS  1000 /* limit for the TCP and the WebSocket handshake together */
#define ECHO_MS     5000 /* a move without an echo for this long means a broken connection */
#define BACKOFF_MS  100  /* before the first reconnect; doubles each time, with jitter */
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
 * One connection. The first block belongs to players_conn.c, the rest to players_role.c. The slot
 * of a player is kept over its reconnects; the slot of a probe is used again for a later probe.
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
	uint32_t sent_moves; /* on this connection; the last move has this number */
	uint32_t echoed;
	uint64_t sent_ns[MOVES_MAX]; /* ring: when move N was sent, at N % MOVES_MAX */
	uint64_t gap_since_ns;       /* oldest move without an echo, also of a broken connection */
	uint64_t last_rx_ns;
	bool was_good;    /* received an echo (a listener: was open) at least once */
	bool good;        /* the same on the present connection */
	bool broke;       /* in this window */
	uint64_t back_ns; /* good again in this window */
	int node;         /* index of world.nodes, -1: unknown */
	enum probe_result result;
};

/* What was measured since the last mark. */
struct window {
	char name[NAME_MAX_];
	uint64_t start_ns;
	uint64_t attempts; /* of probes */
	uint64_t failed;
	uint64_t failed_by[END_COUNT];
	uint64_t first_failed_ns; /* start of the first that failed, from the mark */
	uint64_t last_failed_ns;
	uint64_t slowest_ns; /* of successful attempts */
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
	uint64_t duration_ms; /* 0: until SIGTERM or quit */
	bool json;

	int epoll;
	struct prog_lines input;
	bool stop;
	struct wheel wheel;
	struct conn *players; /* n_players, then n_listeners */
	struct conn *probes;  /* ring of n_probes slots */
	/* sequence numbers: the next to start, the oldest without a result */
	uint64_t probe_next, probe_head;
	struct timer probe_timer;
	uint64_t outage_since_ns; /* start of the first failed attempt since the last good one */
	int probe_node;           /* the node that served the last probe, -1: none yet */

	char nodes[NODES_MAX][NAME_MAX_];
	unsigned int n_nodes;
	struct window window;
};

/* conn: 0 or -errno. Later events are reported through role_*. */
int conn_start(struct world *w, struct conn *c);
void conn_event(struct world *w, struct conn *c, uint32_t events);
int conn_send_text(struct conn *c, const char *text, size_t len);
/*
 * Sends a FIN without a close frame. After a close frame the server would close first and keep the
 * port in TIME_WAIT, and thousands of probes from one address would soon need such a port again.
 */
int conn_leave(struct conn *c);
void conn_drop(struct conn *c);

/* role: events of connections. When role_ended is called, the connection is closed already. */
void role_init(struct world *w);
void role_opened(struct world *w, struct conn *c);
void role_message(struct world *w, struct conn *c, const char *text);
void role_ended(struct world *w, struct conn *c, enum conn_end why);
void role_timer(struct world *w, struct conn *c);
void probe_timer(struct world *w);
void probe_go(struct world *w);
void role_rejoin(struct world *w);

/* window */
void window_begin(struct world *w, const char *name);
/* Prints the present window as one line. */
void window_print(struct world *w);
/* Prints the present figures as one line. */
void status_print(struct world *w);

#endif
