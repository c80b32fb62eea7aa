/* SPDX-License-Identifier: GPL-2.0-only */
/* See revision.h. Pure. */
#include <stddef.h>

#include "serve/revision.h"

/* FNV-1a, 64 bits. */
#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static const char *const of_node[] = {
	"state", "reason", "owner",   "epoch",     "priority", "players",  "panic",
	"drain", "maint",  "standby", "successor", "missing",  "obstacle", NULL};
static const char *const of_service[] = {"name", "state", "reason", "players", NULL};
static const char *const of_check[] = {"kind", "known", "up", "reason", NULL};
static const char *const of_peer[] = {
	"name", "pulsing", "daemon_fresh", "state", "priority", "services_up", NULL};

static int digest(const char *text, size_t len, void *arg)
{
	uint64_t *sum = arg;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ (unsigned char)text[i]) * FNV_PRIME;
	return 0;
}

/* What is not there counts as null. The comma keeps neighbours apart. */
static void add(uint64_t *sum, const json_t *value)
{
	if (!value ||
	    json_dump_callback(value, digest, sum, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS))
		digest("null", 4, sum);
	digest(",", 1, sum);
}

static void add_all(uint64_t *sum, const json_t *o, const char *const *keys)
{
	for (; *keys; keys++)
		add(sum, json_object_get(o, *keys));
}

static void add_service(uint64_t *sum, const json_t *service)
{
	const json_t *check;
	size_t i;

	add_all(sum, service, of_service);
	json_array_foreach (json_object_get(service, "checks"), i, check)
		add_all(sum, check, of_check);
}

/* A lease that is left is a fact; for how long it is left changes always. */
static void add_peer(uint64_t *sum, const json_t *peer)
{
	add_all(sum, peer, of_peer);
	digest(json_integer_value(json_object_get(peer, "lease_left_ms")) > 0 ? "o" : "-", 1, sum);
	add(sum, json_object_get(json_object_get(peer, "replica"), "connections"));
}

uint64_t revision_of(struct revision *r, const json_t *status)
{
	uint64_t sum = FNV_BASIS;
	const json_t *o;
	size_t i;

	add_all(&sum, status, of_node);
	json_array_foreach (json_object_get(status, "services"), i, o)
		add_service(&sum, o);
	json_array_foreach (json_object_get(status, "peers"), i, o)
		add_peer(&sum, o);
	if (!r->n || r->digest != sum) {
		r->n++;
		r->digest = sum;
	}
	return r->n;
}
