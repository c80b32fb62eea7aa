/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rows are a failover. Its middle is the row in which a node became owner. Before it lie the
 * signals, as long as one follows the other within SIGNAL_GAP_US; behind it all rows, as long as
 * one follows the other within TAIL_GAP_US. A failover never reaches into another one: it begins
 * behind the moment at which the VIP got the owner before, and ends where the next one begins.
 */
#include <string.h>

#include "ctl/timeline.h"
#include "hokm/names.h"

/* A check may take 10 s until it fails, which the default of its timeout is. */
#define SIGNAL_GAP_US  15000000
#define SIGNAL_SPAN_US 120000000
#define TAIL_GAP_US    5000000
#define TAIL_SPAN_US   60000000

static bool is(const struct timeline_row *row, const char *key, const char *word)
{
	return !strcmp(timeline_text(row, key), word);
}

/* The row has one of the words, which end with NULL. */
static bool is_any(const struct timeline_row *row, const char *key, const char *const *words)
{
	while (*words && !is(row, key, *words))
		words++;
	return *words != NULL;
}

static bool has_reason(const struct timeline_row *row, const enum hokm_reason *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(row, "reason", hokm_reason_name(list[i])))
			return true;
	return false;
}

/* ---- what a row is ---- */

/* The text of a change of state is "FROM -> TO: ...". */
static bool became_owner(const struct timeline_row *row)
{
	return is(row, "kind", "state") && strstr(timeline_text(row, "text"), " -> master:") &&
	       !is(row, "reason", hokm_reason_name(HOKM_R_ADOPTED));
}

static bool gave_up(const struct timeline_row *row)
{
	return is(row, "kind", "state") && !strncmp(timeline_text(row, "text"), "master -> ", 10);
}

/* What was done for the players of the former owner. */
static bool for_players(const struct timeline_row *row)
{
	static const enum hokm_reason reasons[] = {HOKM_R_TAKEOVER, HOKM_R_ENDED_BY_PEER,
						   HOKM_R_SHUTDOWN_SESSIONS, HOKM_R_DRAIN_TIMEOUT};
	static const char *const kinds[] = {
		"steered", "second-chance", "replayed", "answered-dead", "target-dead", NULL};

	if (timeline_kernel(row))
		return is_any(row, "kind", kinds);
	return has_reason(row, reasons, sizeof(reasons) / sizeof(reasons[0]));
}

/* It can be a cause, and it is no good news. */
static bool is_signal(const struct timeline_row *row)
{
	static const char *const kernel[] = {"refused", "replayed", "target-dead", NULL};
	static const char *const daemon[] = {"state",    "service", "passive", "stale", "peer",
					     "operator", "link",    "upkeep",  "agent", NULL};
	static const enum hokm_reason good[] = {
		HOKM_R_STARTED,         HOKM_R_ADOPTED,       HOKM_R_PASSIVE_CLEAR,
		HOKM_R_CHECK_OK,        HOKM_R_PEER_ALIVE,    HOKM_R_REPLICA_WARM,
		HOKM_R_REPLICA_COLD,    HOKM_R_STEERABLE,     HOKM_R_SETTINGS_AGREE,
		HOKM_R_TAKES_PART,      HOKM_R_MAJORITY,      HOKM_R_PUT_BACK,
		HOKM_R_TAKEOVER,        HOKM_R_ENDED_BY_PEER, HOKM_R_SHUTDOWN_SESSIONS,
		HOKM_R_DRAIN_TIMEOUT,   HOKM_R_DRAINED,       HOKM_R_LINK_UP,
		HOKM_R_SETTINGS_DIFFER, HOKM_R_SYNS_ANSWERED, HOKM_R_SYNS_CEASED,
		HOKM_R_NOT_CONFIGURED};

	if (timeline_kernel(row))
		return is_any(row, "kind", kernel);
	return is_any(row, "kind", daemon) &&
	       !has_reason(row, good, sizeof(good) / sizeof(good[0]));
}

/* A connection came to this node. */
static bool came_to(const struct timeline_row *row, unsigned int record)
{
	static const char *const kinds[] = {"open", "upgraded", NULL};

	return row->record == record && timeline_kernel(row) && is_any(row, "kind", kinds);
}

/* ---- where a failover begins and ends ---- */

/* The first signal before row `owned`; only rows from `from` on count. */
static size_t first_signal(const struct timeline *t, size_t owned, size_t from)
{
	int64_t end_us = t->rows[owned].at_us;
	size_t begin = owned;

	for (size_t i = owned; i-- > from;) {
		const struct timeline_row *row = &t->rows[i];

		if (t->rows[begin].at_us - row->at_us > SIGNAL_GAP_US ||
		    end_us - row->at_us > SIGNAL_SPAN_US)
			break;
		if (is_signal(row))
			begin = i;
	}
	return begin;
}

static size_t end_of_tail(const struct timeline *t, size_t owned, bool *cut)
{
	size_t i = owned + 1;

	*cut = false;
	for (; i < t->n && t->rows[i].at_us - t->rows[i - 1].at_us <= TAIL_GAP_US; i++) {
		*cut = t->rows[i].at_us - t->rows[owned].at_us > TAIL_SPAN_US;
		if (*cut)
			break;
	}
	return i;
}

static void look_at_rows(const struct timeline *t, struct failover *f, const char *before)
{
	const struct timeline_row *owned = &t->rows[f->owned];

	f->decision = f->owned;
	f->last = TIMELINE_NO;
	f->from = before;
	for (size_t i = f->begin; i < f->end; i++) {
		const struct timeline_row *row = &t->rows[i];

		if (i <= f->owned && gave_up(row) && f->decision == f->owned) {
			f->decision = i;
			f->from = t->clocks[row->record].node;
		}
		if (!came_to(row, owned->record))
			continue;
		f->last = i;
		f->came += is(row, "kind", "open");
	}
	if (f->from && !strcmp(f->from, t->clocks[owned->record].node))
		f->from = NULL;
}

/* The row in which a node became owner, from row `from` on; t->n: none. */
static size_t next_owned(const struct timeline *t, size_t from)
{
	while (from < t->n && !became_owner(&t->rows[from]))
		from++;
	return from;
}

static void add(struct failover *list, size_t *n, size_t max, const struct failover *f)
{
	if (*n == max) {
		memmove(list, list + 1, (max - 1) * sizeof(*list));
		--*n;
	}
	list[(*n)++] = *f;
}

size_t timeline_find(const struct timeline *t, int64_t since_us, struct failover *list, size_t max)
{
	size_t n = 0, owned = next_owned(t, 0), begin = 0;
	const char *before = NULL;

	if (owned < t->n)
		begin = first_signal(t, owned, 0);
	while (owned < t->n && max) {
		size_t next = next_owned(t, owned + 1);
		struct failover f = {.begin = begin, .owned = owned};

		f.end = end_of_tail(t, owned, &f.cut);
		if (next < t->n) {
			begin = first_signal(t, next, owned + 1);
			f.cut = f.cut && f.end < begin;
			f.end = f.end < begin ? f.end : begin;
		}
		look_at_rows(t, &f, before);
		before = t->clocks[t->rows[owned].record].node;
		if (t->rows[owned].at_us >= since_us)
			add(list, &n, max, &f);
		owned = next;
	}
	return n;
}

const char *timeline_mark(const struct timeline *t, const struct failover *f, size_t i)
{
	const struct timeline_row *row = &t->rows[i];

	if (i == f->owned)
		return "VIP owned";
	if (i == f->begin)
		return "first signal";
	if (i == f->decision)
		return "decision";
	if (for_players(row))
		return "players";
	return came_to(row, t->rows[f->owned].record) ? "reconnect" : "";
}
