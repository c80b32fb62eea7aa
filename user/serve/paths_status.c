/* SPDX-License-Identifier: GPL-2.0-only */
/* See paths_status.h. */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/pulse_paths.h"
#include "serve/paths_status.h"

static json_t *address_json(struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];

	return inet_ntop(AF_INET, &addr, text, sizeof(text)) ? json_string(text) : json_null();
}

static json_t *age_json(uint64_t at_ns, uint64_t now_ns)
{
	if (!at_ns)
		return json_null();
	return json_integer(now_ns > at_ns ? (json_int_t)((now_ns - at_ns) / NS_PER_MS) : 0);
}

static void append(json_t *list, json_t *o)
{
	if (json_array_append_new(list, o))
		log_debug("status: no memory for a path");
}

json_t *paths_status_json(const struct pulse_paths *p)
{
	const struct conf *c = p->node->conf;
	const struct conf_node *self = &c->nodes[c->self];
	json_t *list = json_array();

	for (unsigned int i = 0; i < self->n_paths; i++) {
		const struct pulse_path *way = &p->list[i + 1];
		const char *why = way->looked ? path_place_text(way->place.err) : "looking for it";

		append(list, json_pack("{s:i, s:o, s:o, s:b, s:o}", "path", (int)i + 1, "address",
				       address_json(self->paths[i]), "interface",
				       way->pulse ? json_string(way->place.name) : json_null(),
				       "in_use", way->pulse != NULL, "why",
				       way->pulse ? json_null() : json_string(why)));
	}
	return list;
}

/* What is known of the peer over one path. */
struct seen {
	struct in_addr addr;
	uint64_t seen_ns, rtt_ns;
	bool in_use;
};

static void look(const struct pulse_paths *p, unsigned int path, unsigned int slot,
		 struct seen *out)
{
	const struct peer *peer = &p->node->peers.list[slot];
	const struct conf *c = p->node->conf;

	if (path == HOKM_PATH_SEGMENT) {
		*out = (struct seen){peer->addr, peer->map.seen_ns, peer->map.rtt_ns,
				     .in_use = true};
		return;
	}
	*out = (struct seen){.seen_ns = peer->path[path - 1].seen_ns,
			     .rtt_ns = peer->path[path - 1].rtt_ns,
			     .in_use = p->list[path].pulse != NULL};
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (p->node->peers.by_node[i] == slot)
			out->addr = c->nodes[i].paths[path - 1];
}

json_t *paths_status_peer_json(const struct pulse_paths *p, unsigned int slot, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;
	json_t *list = json_array();

	for (unsigned int path = 0; path <= peers->n_paths; path++) {
		const struct path_loss *loss = &p->list[path].loss[slot];
		struct seen s;

		look(p, path, slot, &s);
		append(list, json_pack("{s:i, s:o, s:b, s:b, s:o, s:o, s:o}", "path", (int)path,
				       "address", address_json(s.addr), "in_use", s.in_use,
				       "answers", s.seen_ns && now_ns - s.seen_ns < peers->dead_ns,
				       "seen_ms", age_json(s.seen_ns, now_ns), "rtt_us",
				       s.rtt_ns ? json_integer((json_int_t)(s.rtt_ns / 1000))
						: json_null(),
				       "loss_permille",
				       loss->known ? json_integer((json_int_t)loss->permille)
						   : json_null()));
	}
	return list;
}
