/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon said, and what a key does. See top.h. */
#include <stdio.h>
#include <string.h>

#include "ctl/render.h"
#include "top/top.h"

#define SILENT_MS 1000

static void replace(json_t **slot, json_t *value)
{
	json_incref(value);
	json_decref(*slot);
	*slot = value;
}

/* {SERVICE: {KIND: [places]}}: the sum of all services. */
static void take_places(struct top_places *sum, json_t *services)
{
	const char *name;
	json_t *kinds;

	memset(sum, 0, sizeof(*sum));
	json_object_foreach (services, name, kinds)
		for (unsigned int k = 0; k < HOKM_LAT_COUNT; k++) {
			const json_t *list = json_object_get(kinds, hokm_latency_name(k));

			for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++)
				sum->n[k][i] += json_integer_value(json_array_get(list, i));
		}
}

static void take_look(struct top_state *s, json_t *services)
{
	if (!json_is_object(services))
		return;
	take_places(&s->now, services);
	if (s->n_looks == TOP_MINUTE)
		memmove(s->looks, s->looks + 1, (TOP_MINUTE - 1) * sizeof(s->looks[0]));
	else
		s->n_looks++;
	s->looks[s->n_looks - 1] = s->now;
}

void top_state_take(struct top_state *s, const char *verb, json_t *data)
{
	if (!strcmp(verb, "status"))
		replace(&s->status, data);
	else if (!strcmp(verb, "counters"))
		take_look(s, json_object_get(data, "latency"));
	else if (!strcmp(verb, "events"))
		replace(&s->events, json_object_get(data, "events"));
}

void top_state_free(struct top_state *s)
{
	json_decref(s->status);
	json_decref(s->events);
	json_decref(s->left);
	memset(s, 0, sizeof(*s));
}

bool top_state_silent(const struct top_state *s)
{
	return s->trouble[0] || s->waits_ms >= SILENT_MS;
}

void top_state_leave(struct top_state *s, json_t *left)
{
	json_decref(s->left);
	s->left = left;
}

json_int_t top_state_minute(const struct top_state *s, unsigned int kind,
			    json_int_t places[HOKM_LATENCY_PLACES])
{
	json_int_t total = 0;

	for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++) {
		json_int_t before = s->n_looks ? s->looks[0].n[kind][i] : 0;

		/* A packet path that was loaded anew counts from zero. */
		places[i] = s->now.n[kind][i] >= before ? s->now.n[kind][i] - before
							: s->now.n[kind][i];
		total += places[i];
	}
	return total;
}

/* ---- keys ---- */

static enum top_do ask(struct top_state *s, enum top_mode mode)
{
	if (top_state_silent(s) || !s->status)
		snprintf(s->message, sizeof(s->message), "the daemon does not answer: no orders");
	else if (mode == TOP_ASK_FAILOVER && !field_true(s->status, "owner"))
		snprintf(s->message, sizeof(s->message),
			 "this node is not the owner: only the owner hands the VIP over");
	else
		s->mode = mode;
	return TOP_NOTHING;
}

static enum top_do answer(struct top_state *s, int key)
{
	enum top_mode asked = s->mode;

	s->mode = TOP_LOOK;
	if (key == 'y' || key == 'Y')
		return asked == TOP_ASK_FAILOVER ? TOP_FAILOVER
		       : asked == TOP_ASK_DRAIN  ? TOP_DRAIN
						 : TOP_UNDRAIN;
	snprintf(s->message, sizeof(s->message), "nothing was ordered");
	return TOP_NOTHING;
}

enum top_do top_state_key(struct top_state *s, int key)
{
	s->message[0] = '\0';
	if (s->mode == TOP_HELP) {
		s->mode = TOP_LOOK;
		return key == 'q' ? TOP_QUIT : TOP_NOTHING;
	}
	if (s->mode != TOP_LOOK)
		return answer(s, key);
	switch (key) {
	case 'q':
	case 'Q':
		return TOP_QUIT;
	case 'h':
	case '?':
		s->mode = TOP_HELP;
		return TOP_NOTHING;
	case 'f':
		return ask(s, TOP_ASK_FAILOVER);
	case 'd':
		return ask(s, field_true(s->status, "drain") ? TOP_ASK_UNDRAIN : TOP_ASK_DRAIN);
	default:
		return TOP_NOTHING;
	}
}
