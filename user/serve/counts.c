/* SPDX-License-Identifier: GPL-2.0-only */
/* See counts.h. */
#include <string.h>

#include "base/log.h"
#include "serve/counts.h"

static json_t *slot_json(const struct node *n, unsigned int slot)
{
	struct hokm_counters c;
	json_t *o = json_object();
	__u64 value[HOKM_CTR_COUNT];

	_Static_assert(sizeof(value) == sizeof(c), "counters are an array of u64");
	if (!o || hokm_bpf_get_counters(n->bpf, slot, &c)) {
		json_decref(o);
		return NULL;
	}
	memcpy(value, &c, sizeof(value));
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		if (json_object_set_new(o, hokm_counter_name(i),
					json_integer((json_int_t)value[i]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

json_t *counters_json(const struct node *n)
{
	json_t *services = json_object();
	json_t *all = NULL;
	int err = 0;

	for (unsigned int s = 0; s < n->services.n && !err; s++) {
		const struct service *svc = &n->services.list[s];

		err = json_object_set_new(services, svc->conf->name, slot_json(n, svc->slot));
	}
	if (!err)
		all = json_pack("{s:O, s:o}", "services", services, "node",
				slot_json(n, HOKM_NODE_SLOT));
	json_decref(services);
	return all;
}

/* The places of each histogram of a service; NULL when they cannot be read. */
static json_t *latency_of(const struct node *n, unsigned int slot)
{
	__u64 places[HOKM_LAT_COUNT][HOKM_LATENCY_PLACES];
	struct hokm_latency l;
	json_t *o = json_object();

	_Static_assert(sizeof(places) == sizeof(l), "latency is an array of histograms");
	if (!o || hokm_bpf_get_latency(n->bpf, slot, &l)) {
		json_decref(o);
		return NULL;
	}
	memcpy(places, &l, sizeof(places));
	for (unsigned int k = 0; k < HOKM_LAT_COUNT; k++) {
		json_t *list = json_array();

		for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++)
			if (json_array_append_new(list, json_integer((json_int_t)places[k][i])))
				log_debug("counts: no memory for a histogram");
		if (json_object_set_new(o, hokm_latency_name(k), list))
			log_debug("counts: no memory for a histogram");
	}
	return o;
}

json_t *latency_json(const struct node *n)
{
	json_t *o = json_object();

	for (unsigned int s = 0; s < n->services.n; s++) {
		const struct service *svc = &n->services.list[s];

		if (json_object_set_new(o, svc->conf->name, latency_of(n, svc->slot)))
			log_debug("counts: no histograms of %s", svc->conf->name);
	}
	return o;
}
