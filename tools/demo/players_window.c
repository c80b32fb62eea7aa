/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: what was measured from one mark to the next, printed as one line of JSON or of text.
 * Recovery times count from the mark, because the event happens at the mark.
 */
#include "players.h"

static const char *const end_names[END_COUNT] = {
	"refused", "reset", "closed", "timeout", "status", "error"};

/* The present state of the connections, and the recovery times of those that broke. */
struct tally {
	unsigned int players_ok, listeners_ok;
	unsigned int broken, listeners_broken; /* connections, each counted once */
	unsigned int not_back;
	unsigned int waiting; /* for an echo, longer than a second */
	unsigned int on_node[NODES_MAX];
	uint64_t back_median_ns, back_last_ns;
	uint64_t gap_ns; /* longest gap, also of moves still without an echo */
};

static void tally_one(const struct conn *c, uint64_t now, struct tally *t)
{
	uint64_t waiting;

	if (c->role == ROLE_PLAYER) {
		t->players_ok += c->good;
		t->broken += c->broke;
	} else {
		t->listeners_ok += c->good;
		t->listeners_broken += c->broke;
	}
	if (c->good && c->node >= 0)
		t->on_node[c->node]++;
	if (c->broke && !c->good)
		t->not_back++;
	if (!c->gap_since_ns || !c->was_good)
		return;
	waiting = now - c->gap_since_ns;
	if (waiting > t->gap_ns)
		t->gap_ns = waiting;
	if (c->good && waiting > 1000 * PROG_NS_PER_MS)
		t->waiting++;
}

static void tally_up(const struct world *w, struct tally *t)
{
	unsigned int n = w->n_players + w->n_listeners;
	unsigned int i, n_back = 0;
	uint64_t now = prog_now_ns();
	uint64_t *back = calloc(n ? n : 1, sizeof(*back));

	memset(t, 0, sizeof(*t));
	t->gap_ns = w->window.gap_ns;
	for (i = 0; i < n; i++) {
		tally_one(&w->players[i], now, t);
		if (back && w->players[i].broke && w->players[i].back_ns)
			back[n_back++] = w->players[i].back_ns;
	}
	if (n_back) {
		qsort(back, n_back, sizeof(*back), prog_by_value);
		t->back_median_ns = back[n_back / 2];
		t->back_last_ns = back[n_back - 1];
	}
	if (!back)
		fputs("hokm-players: out of memory for the recovery times\n", stderr);
	free(back);
}

static uint64_t outage_ns(const struct world *w)
{
	uint64_t open = w->outage_since_ns ? prog_now_ns() - w->outage_since_ns : 0;

	return open > w->window.outage_ns ? open : w->window.outage_ns;
}

static void print_causes(const char *key, const uint64_t counts[END_COUNT])
{
	const char *comma = "";
	int i;

	printf(",\"%s\":{", key);
	for (i = 0; i < END_COUNT; i++) {
		if (!counts[i])
			continue;
		printf("%s\"%s\":%llu", comma, end_names[i], (unsigned long long)counts[i]);
		comma = ",";
	}
	putchar('}');
}

static void print_nodes(const struct world *w, const struct tally *t)
{
	unsigned int i;

	printf(",\"nodes\":{");
	for (i = 0; i < w->n_nodes; i++)
		printf("%s\"%s\":%u", i ? "," : "", w->nodes[i], t->on_node[i]);
	printf("},\"new_players_go_to\":\"%s\"", w->probe_node < 0 ? "" : w->nodes[w->probe_node]);
}

static void print_json(const struct world *w, const struct tally *t)
{
	const struct window *win = &w->window;

	printf("{\"window\":\"%s\",\"length_ms\":%.1f,\"broken\":%u,\"listeners_broken\":%u,"
	       "\"breaks\":%llu",
	       win->name, prog_ms(prog_now_ns() - win->start_ns), t->broken, t->listeners_broken,
	       (unsigned long long)win->breaks);
	print_causes("broken_by", win->breaks_by);
	printf(",\"attempts\":%llu,\"failed_attempts\":%llu", (unsigned long long)win->attempts,
	       (unsigned long long)win->failed);
	print_causes("failed_by", win->failed_by);
	printf(",\"first_failed_ms\":%.1f,\"last_failed_ms\":%.1f", prog_ms(win->first_failed_ns),
	       prog_ms(win->last_failed_ns));
	printf(",\"reconnect_failed\":%llu,\"slowest_attempt_ms\":%.2f,\"outage_ms\":%.1f,"
	       "\"longest_gap_ms\":%.2f,\"longest_silence_ms\":%.2f",
	       (unsigned long long)win->reconnect_failed, prog_ms(win->slowest_ns),
	       prog_ms(outage_ns(w)), prog_ms(t->gap_ns), prog_ms(win->silence_ns));
	printf(",\"recover_ms_median\":%.1f,\"recover_ms_last\":%.1f,\"not_back\":%u,"
	       "\"moved_ms\":%.1f,\"changes\":%u,\"moves\":%llu,\"inconsistent\":%llu",
	       prog_ms(t->back_median_ns), prog_ms(t->back_last_ns), t->not_back,
	       prog_ms(win->moved_ns), win->changes, (unsigned long long)win->moves,
	       (unsigned long long)win->inconsistent);
	printf(",\"players\":%u,\"players_ok\":%u,\"listeners_ok\":%u,\"waiting\":%u", w->n_players,
	       t->players_ok, t->listeners_ok, t->waiting);
	print_nodes(w, t);
	putchar('}');
	prog_answer_end();
}

static void print_text(const struct world *w, const struct tally *t)
{
	const struct window *win = &w->window;

	printf("%s: %.1f s, %u of %u players broke, %llu of %llu attempts failed (outage %.0f ms), "
	       "longest gap %.1f ms, players well now: %u\n",
	       win->name, prog_ms(prog_now_ns() - win->start_ns) / 1000, t->broken, w->n_players,
	       (unsigned long long)win->failed, (unsigned long long)win->attempts,
	       prog_ms(outage_ns(w)), prog_ms(t->gap_ns), t->players_ok);
}

void window_print(struct world *w)
{
	struct tally t;

	tally_up(w, &t);
	if (w->json)
		print_json(w, &t);
	else
		print_text(w, &t);
	fflush(stdout);
}

static unsigned int under_way(const struct world *w)
{
	unsigned int i, n = 0;

	for (i = 0; i < w->n_probes; i++)
		n += w->probes[i].state != CONN_IDLE;
	return n;
}

void status_print(struct world *w)
{
	struct tally t;

	tally_up(w, &t);
	printf("{\"status\":\"%s\",\"players\":%u,\"players_ok\":%u,\"listeners_ok\":%u,"
	       "\"waiting\":%u,\"under_way\":%u,\"outage\":%s",
	       w->window.name, w->n_players, t.players_ok, t.listeners_ok, t.waiting, under_way(w),
	       w->outage_since_ns ? "true" : "false");
	print_nodes(w, &t);
	putchar('}');
	prog_answer_end();
}

void window_begin(struct world *w, const char *name)
{
	unsigned int i;

	memset(&w->window, 0, sizeof(w->window));
	snprintf(w->window.name, sizeof(w->window.name), "%s", name);
	w->window.start_ns = prog_now_ns();
	for (i = 0; i < w->n_players + w->n_listeners; i++) {
		w->players[i].broke = false;
		w->players[i].back_ns = 0;
	}
}
