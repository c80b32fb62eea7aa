/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The roles of connections.
 *
 *  player    sends a move each interval and expects its echo with the right counter; when the
 *            connection breaks, it reconnects with jittered back-off, as a good game client does
 *  listener  the same, but it never sends
 *  probe     one new connection: handshake, one move, close; its handshake is the attempt that is
 *            counted, the echo only names the node that served it
 *
 * The timer of a connection: while idle, when to connect; while connecting and upgrading, when to
 * give up; while open, the next move of a player; while closing, when to stop waiting for the FIN
 * of the server.
 *
 * Probes are counted in the order of their start, so that an outage is the time from the start of
 * the first failed probe to the start of the next successful one.
 */
#include "players.h"

static uint64_t random_below(uint64_t n)
{
	return n ? (uint64_t)random() % n : 0;
}

static void arm(struct world *w, struct conn *c, uint64_t in_ms)
{
	timer_arm(&w->wheel, &c->timer, w->wheel.now_ms + in_ms);
}

static void raise_to(uint64_t *max, uint64_t value)
{
	if (value > *max)
		*max = value;
}

static int node_index(struct world *w, const char *name)
{
	unsigned int i;

	for (i = 0; i < w->n_nodes; i++) {
		if (!strcmp(w->nodes[i], name))
			return (int)i;
	}
	if (w->n_nodes == NODES_MAX)
		return -1;
	snprintf(w->nodes[i], sizeof(w->nodes[i]), "%s", name);
	w->n_nodes++;
	return (int)i;
}

static void count_outage(struct world *w)
{
	struct window *win = &w->window;

	for (; w->probe_head < w->probe_next; w->probe_head++) {
		struct conn *c = &w->probes[w->probe_head % w->n_probes];

		if (c->result == PROBE_PENDING)
			return;
		if (c->result == PROBE_GOOD && w->outage_since_ns) {
			raise_to(&win->outage_ns, c->started_ns - w->outage_since_ns);
			w->outage_since_ns = 0;
		} else if (c->result == PROBE_FAILED && !w->outage_since_ns) {
			w->outage_since_ns = c->started_ns;
		}
	}
}

/* An attempt that began before the mark counts from the mark. */
static void probe_failed(struct window *win, const struct conn *c, enum conn_end why)
{
	uint64_t from_mark = c->started_ns > win->start_ns ? c->started_ns - win->start_ns : 0;

	if (!win->failed)
		win->first_failed_ns = from_mark;
	win->failed++;
	win->failed_by[why]++;
	raise_to(&win->last_failed_ns, from_mark);
}

static void probe_result(struct world *w, struct conn *c, enum probe_result result,
			 enum conn_end why)
{
	struct window *win = &w->window;

	if (c->result != PROBE_PENDING)
		return;
	c->result = result;
	win->attempts++;
	if (result == PROBE_FAILED)
		probe_failed(win, c, why);
	else
		raise_to(&win->slowest_ns, prog_now_ns() - c->started_ns);
	count_outage(w);
}

static void probe_served(struct world *w, struct conn *c, int node)
{
	struct window *win = &w->window;

	if (node == w->probe_node || node < 0)
		return;
	if (w->probe_node >= 0) {
		win->changes++;
		if (!win->moved_ns && c->started_ns > win->start_ns)
			win->moved_ns = c->started_ns - win->start_ns;
	}
	w->probe_node = node;
}

/* The ring is so long that every probe has ended before its slot is used again. */
void probe_timer(struct world *w)
{
	struct conn *c = &w->probes[w->probe_next % w->n_probes];

	timer_arm(&w->wheel, &w->probe_timer, w->probe_timer.due_ms + w->probe_ms);
	conn_drop(c);
	c->result = PROBE_PENDING;
	c->sent_moves = 0;
	w->probe_next++;
	if (conn_start(w, c) < 0) {
		c->started_ns = prog_now_ns();
		probe_result(w, c, PROBE_FAILED, END_ERROR);
		return;
	}
	arm(w, c, ATTEMPT_MS);
}

void probe_go(struct world *w)
{
	if (w->n_probes)
		timer_arm(&w->wheel, &w->probe_timer, w->wheel.now_ms + 1);
}

/* Sends the next move. */
static int send_move(struct conn *c, uint64_t now)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "{\"move\":%u}", c->sent_moves + 1);
	int err = conn_send_text(c, text, (size_t)len);

	if (err)
		return err;
	c->sent_ns[c->sent_moves % MOVES_MAX] = now;
	c->sent_moves++;
	if (!c->gap_since_ns)
		c->gap_since_ns = now;
	return 0;
}

static void become_good(struct world *w, struct conn *c, uint64_t now)
{
	if (c->good)
		return;
	if (c->was_good && c->broke && !c->back_ns)
		c->back_ns = now - w->window.start_ns;
	c->good = true;
	c->was_good = true;
	c->backoff_ms = BACKOFF_MS;
}

void role_opened(struct world *w, struct conn *c)
{
	uint64_t now = prog_now_ns();

	if (c->role == ROLE_PROBE) {
		probe_result(w, c, PROBE_GOOD, END_COUNT);
		arm(w, c, ATTEMPT_MS);
		if (send_move(c, now) < 0)
			conn_drop(c);
		return;
	}
	c->sent_moves = 0;
	c->echoed = 0;
	c->last_rx_ns = now;
	if (c->role == ROLE_LISTENER) {
		timer_stop(&c->timer);
		become_good(w, c, now);
		return;
	}
	if (send_move(c, now) < 0) {
		conn_drop(c);
		role_ended(w, c, END_RESET);
		return;
	}
	arm(w, c, 1 + random_below(w->interval_ms));
}

static void player_echo(struct world *w, struct conn *c, unsigned int moves, unsigned int echo)
{
	struct window *win = &w->window;
	uint64_t now = prog_now_ns();

	if (moves != c->echoed + 1 || echo != moves || echo > c->sent_moves) {
		win->inconsistent++;
		return;
	}
	raise_to(&win->gap_ns, now - c->gap_since_ns);
	raise_to(&win->silence_ns, now - c->last_rx_ns);
	c->echoed = echo;
	c->last_rx_ns = now;
	c->gap_since_ns = echo < c->sent_moves ? c->sent_ns[echo % MOVES_MAX] : 0;
	win->moves++;
	become_good(w, c, now);
}

void role_message(struct world *w, struct conn *c, const char *text)
{
	char node[NAME_MAX_];
	unsigned int player, moves, echo;

	if (sscanf(text, "{\"node\":\"%63[^\"]\",\"player\":%u,\"moves\":%u,\"echo\":%u}", node,
		   &player, &moves, &echo) != 4) {
		w->window.inconsistent++;
		return;
	}
	c->node = node_index(w, node);
	if (c->role == ROLE_PROBE) {
		probe_served(w, c, c->node);
		if (c->state == CONN_OPEN && conn_leave(c) < 0)
			conn_drop(c);
	} else {
		player_echo(w, c, moves, echo);
	}
}

static void player_broke(struct world *w, struct conn *c, enum conn_end why)
{
	w->window.breaks++;
	w->window.breaks_by[why]++;
	c->broke = true;
	c->back_ns = 0;
	c->good = false;
	c->node = -1;
	if (!c->gap_since_ns && c->role == ROLE_PLAYER)
		c->gap_since_ns = prog_now_ns();
}

void role_ended(struct world *w, struct conn *c, enum conn_end why)
{
	if (c->role == ROLE_PROBE) {
		probe_result(w, c, PROBE_FAILED, why);
		return;
	}
	if (c->good)
		player_broke(w, c, why);
	else if (c->was_good)
		w->window.reconnect_failed++;
	arm(w, c, 1 + c->backoff_ms / 2 + random_below(c->backoff_ms / 2 + 1));
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX ? BACKOFF_MAX : c->backoff_ms * 2;
}

static void player_move_due(struct world *w, struct conn *c)
{
	uint64_t now = prog_now_ns();
	uint64_t oldest = c->echoed < c->sent_moves ? c->sent_ns[c->echoed % MOVES_MAX] : now;

	if (now - oldest > ECHO_MS * PROG_NS_PER_MS) {
		conn_drop(c);
		role_ended(w, c, END_TIMEOUT);
		return;
	}
	if (c->sent_moves - c->echoed < MOVES_MAX && send_move(c, now) < 0) {
		conn_drop(c);
		role_ended(w, c, END_RESET);
		return;
	}
	timer_arm(&w->wheel, &c->timer, c->timer.due_ms + w->interval_ms);
}

void role_timer(struct world *w, struct conn *c)
{
	switch (c->state) {
	case CONN_IDLE:
		if (c->role == ROLE_PROBE)
			return;
		if (conn_start(w, c) < 0)
			role_ended(w, c, END_ERROR);
		else
			arm(w, c, ATTEMPT_MS);
		return;
	case CONN_CONNECTING:
	case CONN_UPGRADING:
		conn_drop(c);
		role_ended(w, c, END_TIMEOUT);
		return;
	case CONN_OPEN:
		if (c->role == ROLE_PLAYER)
			player_move_due(w, c);
		else if (c->role == ROLE_PROBE)
			conn_drop(c);
		return;
	case CONN_CLOSING:
		conn_drop(c);
		return;
	}
}

static void conn_init(struct conn *c, enum conn_role role)
{
	c->fd = -1;
	c->role = role;
	c->node = -1;
	c->backoff_ms = BACKOFF_MS;
}

/* A thousand players connect each second, so that the start itself is no flood. */
void role_init(struct world *w)
{
	unsigned int i;

	w->probe_node = -1;
	for (i = 0; i < w->n_players + w->n_listeners; i++) {
		conn_init(&w->players[i], i < w->n_players ? ROLE_PLAYER : ROLE_LISTENER);
		arm(w, &w->players[i], 1 + i);
	}
	for (i = 0; i < w->n_probes; i++)
		conn_init(&w->probes[i], ROLE_PROBE);
	probe_go(w);
}

void role_rejoin(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->n_players + w->n_listeners; i++) {
		struct conn *c = &w->players[i];

		conn_drop(c);
		c->backoff_ms = BACKOFF_MS;
		c->gap_since_ns = 0;
		c->was_good = false;
		c->good = false;
		c->broke = false;
		c->node = -1;
		arm(w, c, 1 + i);
	}
}
