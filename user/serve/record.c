/* SPDX-License-Identifier: GPL-2.0-only */
/* See record.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/event_json.h"
#include "serve/record.h"

#define LINES_MAX (2 * EVENTS_KEEP)

struct record_clock {
	char peer[CONF_NAME_MAX];
	uint64_t sent_ns, arrived_ns, rtt_ns;
};

struct record {
	char node[CONF_NAME_MAX];
	uint64_t now_ns, lost;
	int64_t wall_us;
	char service[HOKM_MAX_SERVICES][CONF_NAME_MAX];
	char peer[HOKM_MAX_PEERS][CONF_NAME_MAX];
	struct record_clock clocks[HOKM_MAX_PEERS];
	unsigned int n_clocks, n;
	struct event_line lines[LINES_MAX];
};

/* ---- on the thread of the loop ---- */

static void keep_line(const struct event_line *line, void *arg)
{
	struct record *r = arg;

	if (r->n < LINES_MAX)
		r->lines[r->n++] = *line;
}

static void keep_name(char *to, const char *name)
{
	snprintf(to, CONF_NAME_MAX, "%s", name ? name : "");
}

static void keep_clock(struct record *r, const struct peer *peer)
{
	struct record_clock *c = &r->clocks[r->n_clocks];

	if (!peer->used || !peer->map.steer_ns)
		return;
	keep_name(c->peer, peer->name);
	c->sent_ns = peer->map.steer_sent_ns;
	c->arrived_ns = peer->map.steer_ns;
	c->rtt_ns = peer->map.rtt_ns;
	r->n_clocks++;
}

/* By how much the wall clock was ahead of the boot clock at the newest event. */
static int64_t wall_ahead_us(const struct record *r)
{
	const struct event_line *line;

	if (!r->n)
		return 0;
	line = &r->lines[r->n - 1];
	return (line->realtime_ns - (int64_t)line->now_ns) / 1000;
}

int record_new(const struct node *n, void **job)
{
	struct record *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	keep_name(r->node, n->conf->nodes[n->conf->self].name);
	for (unsigned int slot = 0; slot < HOKM_MAX_SERVICES; slot++)
		keep_name(r->service[slot], services_name(&n->services, slot));
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		keep_name(r->peer[slot], peers_name(&n->peers, slot));
		keep_clock(r, &n->peers.list[slot]);
	}
	events_recent(n->events, EVENTS_KEEP, keep_line, r);
	r->lost = events_lost(n->events);
	r->now_ns = clock_now_ns();
	r->wall_us = (int64_t)(r->now_ns / 1000) + wall_ahead_us(r);
	*job = r;
	return 0;
}

/* ---- on the thread of the reply ---- */

static const char *known(const char *name)
{
	return name[0] ? name : NULL;
}

static const char *record_service(unsigned int slot, void *arg)
{
	const struct record *r = arg;

	return slot < HOKM_MAX_SERVICES ? known(r->service[slot]) : NULL;
}

static const char *record_peer(unsigned int slot, void *arg)
{
	const struct record *r = arg;

	return slot < HOKM_MAX_PEERS ? known(r->peer[slot]) : NULL;
}

static json_t *us(uint64_t ns)
{
	return json_integer((json_int_t)(ns / 1000));
}

/* Takes the reference of `event`, which may be NULL. */
static json_t *with_boot_time(json_t *event, const struct event_line *line)
{
	if (event && json_object_set_new(event, "boot_us", us(line->now_ns))) {
		json_decref(event);
		return NULL;
	}
	return event;
}

static json_t *clock_json(const struct record_clock *c)
{
	return json_pack("{s:s, s:o, s:o, s:o}", "peer", c->peer, "sent_us", us(c->sent_ns),
			 "arrived_us", us(c->arrived_ns), "rtt_us", us(c->rtt_ns));
}

static json_t *record_json(struct record *r)
{
	const struct event_names names = {.service = record_service, .peer = record_peer, .arg = r};
	json_t *clocks = json_array(), *list = json_array();
	bool ok = clocks && list;

	for (unsigned int i = 0; ok && i < r->n_clocks; i++)
		ok = !json_array_append_new(clocks, clock_json(&r->clocks[i]));
	for (unsigned int i = 0; ok && i < r->n; i++)
		ok = !json_array_append_new(
			list, with_boot_time(event_line_json(&r->lines[i], &names), &r->lines[i]));
	if (!ok) {
		json_decref(clocks);
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:I, s:o, s:o, s:I}", "node", r->node, "now_us", us(r->now_ns),
			 "time_us", (json_int_t)r->wall_us, "clocks", clocks, "events", list,
			 "lost", (json_int_t)r->lost);
}

int record_run(void *job, struct ctl_stream *s, char *error, size_t size)
{
	json_t *o = record_json(job);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int err = text ? ctl_stream_send(s, text, strlen(text), false) : -ENOMEM;

	(void)error;
	(void)size;
	free(text);
	json_decref(o);
	return err;
}

void record_free(void *job)
{
	free(job);
}
