/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The summary of many connections: counts by state and target, log2 histograms of their times, and
 * the histograms of the packet path, which include closed connections.
 *
 * {"services": {NAME: N}, "states", "ws", "follow_in", "follow_out", "targets", "stale": {WORD: N},
 *  "histograms": {"age_ms", "idle_ms", "rtt_us", "rtt_client_us": {"count", "p50", "p90", "p99",
 *  "places": [32 numbers]}}, "latency": {SERVICE: {"syn_ack", …: like a histogram, in us}}}
 */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "serve/conns.h"
#include "decide/stale.h"

/* The last place of an array of count + 1 is for values without a name. */
static void bump(uint64_t *counts, unsigned int value, unsigned int count)
{
	counts[value < count ? value : count]++;
}

static void place(uint64_t places[CONNS_PLACES], uint64_t value)
{
	unsigned int i = value ? 63 - (unsigned int)__builtin_clzll(value) : 0;

	places[i < CONNS_PLACES ? i : CONNS_PLACES - 1]++;
}

static uint64_t since_ms(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

void conns_tally_add(struct conns_tally *t, const struct conns_query *q,
		     const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	enum hokm_reason why;

	bump(t->service, k->service, HOKM_MAX_SERVICES);
	bump(t->state, c->tcp_state, HOKM_TCP_STATE_COUNT);
	bump(t->ws, c->ws, HOKM_WS_PHASE_COUNT);
	if (c->target == HOKM_LOCAL) {
		t->local++;
		bump(t->follow_in, c->c2s.ws.state, HOKM_FOLLOW_STATE_COUNT);
		bump(t->follow_out, c->s2c.ws.state, HOKM_FOLLOW_STATE_COUNT);
	} else {
		bump(t->peer, c->target, HOKM_MAX_PEERS);
	}
	if (stale_ns(c, q->now_ns, &why))
		t->stale[why]++;
	place(t->age_ms, since_ms(c->created_ns, q->now_ns));
	place(t->idle_ms, since_ms(conn_last_ns(c), q->now_ns));
	if (c->rtt_c2s_us)
		place(t->rtt_us, c->rtt_c2s_us);
	if (c->rtt_s2c_us)
		place(t->rtt_client_us, c->rtt_s2c_us);
}

static uint64_t sum(const uint64_t places[CONNS_PLACES])
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < CONNS_PLACES; i++)
		n += places[i];
	return n;
}

int64_t conns_quantile(const uint64_t places[CONNS_PLACES], unsigned int percent)
{
	uint64_t all = sum(places), before = 0;
	double want = (double)all * percent / 100;

	if (!all)
		return -1;
	for (unsigned int i = 0; i < CONNS_PLACES; i++) {
		uint64_t from = i ? 1ULL << i : 0;
		uint64_t to = 2ULL << i;

		if (places[i] && (double)(before + places[i]) >= want)
			return (int64_t)((double)from +
					 (double)(to - from) * (want - (double)before) /
						 (double)places[i]);
		before += places[i];
	}
	return (int64_t)(1ULL << CONNS_PLACES);
}

/* Takes the reference of value. False without memory. */
static bool put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0;
}

static json_t *number(uint64_t n)
{
	return json_integer(n < INT64_MAX ? (json_int_t)n : INT64_MAX);
}

/* Counts by name; a count of zero is left out. */
static json_t *words_json(const uint64_t *counts, unsigned int n, const char *(*name)(unsigned int))
{
	json_t *o = json_object();
	bool ok = o != NULL;

	for (unsigned int i = 0; ok && i < n; i++)
		if (counts[i])
			ok = put(o, name(i), number(counts[i]));
	if (ok && counts[n])
		ok = put(o, "?", number(counts[n]));
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

/* Counts by the names of slots. Two slots may have one name: their counts are added up. */
static json_t *slots_json(const uint64_t *counts, unsigned int n, const char names[][CONF_NAME_MAX],
			  json_t *o)
{
	bool ok = o != NULL;

	for (unsigned int i = 0; ok && i <= n; i++) {
		const char *name = i < n && names[i][0] ? names[i] : "?";
		json_int_t had = json_integer_value(json_object_get(o, name));

		if (counts[i])
			ok = put(o, name, json_integer(had + (json_int_t)counts[i]));
	}
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *targets_json(const struct conns_tally *t, const struct conns_query *q)
{
	json_t *o = json_object();

	if (o && t->local && !put(o, "local", number(t->local))) {
		json_decref(o);
		return NULL;
	}
	return slots_json(t->peer, HOKM_MAX_PEERS, q->names.peer, o);
}

static json_t *stale_json(const struct conns_tally *t)
{
	json_t *o = json_object();

	for (unsigned int r = 0; o && r < HOKM_REASON_COUNT; r++)
		if (t->stale[r] && !put(o, hokm_reason_name(r), number(t->stale[r]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *quantile_json(const uint64_t places[CONNS_PLACES], unsigned int percent)
{
	int64_t value = conns_quantile(places, percent);

	return value < 0 ? json_null() : json_integer(value);
}

static json_t *histogram_json(const uint64_t places[CONNS_PLACES])
{
	json_t *list = json_array();

	for (unsigned int i = 0; list && i < CONNS_PLACES; i++)
		if (json_array_append_new(list, number(places[i]))) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "count", number(sum(places)), "p50",
			 quantile_json(places, 50), "p90", quantile_json(places, 90), "p99",
			 quantile_json(places, 99), "places", list);
}

static json_t *one_latency_json(const struct hokm_latency *l)
{
	uint64_t places[HOKM_LAT_COUNT][CONNS_PLACES];
	json_t *o = json_object();

	_Static_assert(sizeof(places) == sizeof(*l), "latency is an array of histograms");
	memcpy(places, l, sizeof(places));
	for (unsigned int i = 0; o && i < HOKM_LAT_COUNT; i++)
		if (!put(o, hokm_latency_name(i), histogram_json(places[i]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *latency_json(const struct conns_query *q,
			    const struct hokm_latency latency[HOKM_MAX_SERVICES])
{
	json_t *o = json_object();

	for (unsigned int s = 0; o && s < HOKM_MAX_SERVICES; s++) {
		bool wanted = q->any_service || q->services >> s & 1;

		if (!q->names.service[s][0] || !wanted)
			continue;
		if (!put(o, q->names.service[s], one_latency_json(&latency[s]))) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

json_t *conns_summary(const struct conns_tally *t, const struct conns_query *q,
		      const struct hokm_latency latency[HOKM_MAX_SERVICES])
{
	json_t *histograms = json_pack(
		"{s:o, s:o, s:o, s:o}", "age_ms", histogram_json(t->age_ms), "idle_ms",
		histogram_json(t->idle_ms), "rtt_us", histogram_json(t->rtt_us), "rtt_client_us",
		histogram_json(t->rtt_client_us));

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "services",
		slots_json(t->service, HOKM_MAX_SERVICES, q->names.service, json_object()),
		"states", words_json(t->state, HOKM_TCP_STATE_COUNT, hokm_tcp_state_name), "ws",
		words_json(t->ws, HOKM_WS_PHASE_COUNT, hokm_ws_phase_name), "follow_in",
		words_json(t->follow_in, HOKM_FOLLOW_STATE_COUNT, hokm_follow_state_name),
		"follow_out",
		words_json(t->follow_out, HOKM_FOLLOW_STATE_COUNT, hokm_follow_state_name),
		"targets", targets_json(t, q), "stale", stale_json(t), "histograms", histograms,
		"latency", latency_json(q, latency));
}
