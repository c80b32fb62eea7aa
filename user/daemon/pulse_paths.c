/* SPDX-License-Identifier: GPL-2.0-only */
/* See pulse_paths.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/pulse_paths.h"
#include "daemon/renewal.h"
#include "sense/events.h"

#define AGAIN_NS (2 * NS_PER_S)

static const struct conf_node *self_of(const struct pulse_paths *p)
{
	return &p->node->conf->nodes[p->node->conf->self];
}

static unsigned int n_paths(const struct pulse_paths *p)
{
	return self_of(p)->n_paths;
}

/* ---- where they end ---- */

/* The packet path accepts pulses there, or, with a place that has an error, nowhere. */
static int publish(const struct pulse_paths *p, unsigned int path, const struct path_place *at)
{
	struct hokm_path_cfg *to;
	struct hokm_cfg cfg;
	int err = hokm_bpf_get_cfg(p->node->bpf, &cfg);

	if (err)
		return err;
	to = &cfg.path[path - 1];
	to->ifindex = at->err ? 0 : (uint32_t)at->ifindex;
	memcpy(to->mac, at->mac, sizeof(to->mac));
	return hokm_bpf_set_cfg(p->node->bpf, &cfg);
}

static void report(const struct pulse_path *way, unsigned int path)
{
	char text[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &way->place.addr, text, sizeof(text));
	if (!way->place.err)
		log_info("path %u: %s on %s", path, text, way->place.name);
	else
		log_warn("path %u: %s is not in use: %s; pulses go over the other paths alone",
			 path, text, path_place_text(way->place.err));
}

/* The next beat tells the paths that are left. */
static void shut(const struct pulse_paths *p, struct pulse_path *way)
{
	if (way->pulse && p->renewal)
		renewal_paths(p->renewal, NULL, 0);
	pulse_close(way->pulse);
	way->pulse = NULL;
}

static int open_there(const struct pulse_paths *p, unsigned int path, struct pulse_path *way,
		      const struct path_place *at)
{
	int err = at->err;

	shut(p, way);
	if (!err)
		err = pulse_open(at->ifindex, at->addr, p->node->conf->pulse_port, &way->pulse);
	if (!err)
		err = publish(p, path, at);
	if (err)
		shut(p, way);
	return err;
}

static bool same_place(const struct pulse_path *way, const struct path_place *at)
{
	const struct path_place *was = &way->place;

	return way->looked && way->look_err == at->err && was->addr.s_addr == at->addr.s_addr &&
	       was->ifindex == at->ifindex && !memcmp(was->mac, at->mac, sizeof(at->mac));
}

static void take_one(struct pulse_paths *p, unsigned int path, const struct path_place *at,
		     uint64_t now_ns)
{
	struct pulse_path *way = &p->list[path];
	int was = way->place.err;
	bool known = way->looked;

	/* The place is the same; only a socket that could not be opened is tried again. */
	if (same_place(way, at) && (was == at->err || now_ns < way->again_ns))
		return;
	way->place = *at;
	way->looked = true;
	way->look_err = at->err;
	way->again_ns = now_ns + AGAIN_NS;
	way->place.err = open_there(p, path, way, at);
	if (way->place.err)
		(void)publish(p, path, &way->place);
	if (!known || way->place.err != was || !way->place.err)
		report(way, path);
}

void pulse_paths_take(struct pulse_paths *p, const struct path_place *places, unsigned int n,
		      uint64_t now_ns)
{
	const struct conf_node *self = self_of(p);

	for (unsigned int i = 0; i < n && i < self->n_paths; i++)
		if (places[i].addr.s_addr == self->paths[i].s_addr)
			take_one(p, i + 1, &places[i], now_ns);
}

void pulse_paths_reconf(struct pulse_paths *p)
{
	const struct conf_node *self = self_of(p);

	for (unsigned int i = 0; i < HOKM_MAX_PATHS; i++) {
		struct pulse_path *way = &p->list[i + 1];

		if (i < self->n_paths && way->place.addr.s_addr == self->paths[i].s_addr)
			continue;
		shut(p, way);
		memset(way, 0, sizeof(*way));
	}
}

/* ---- probes ---- */

static uint64_t answers(const struct peers *peers, unsigned int path, unsigned int slot)
{
	const struct peer *peer = &peers->list[slot];

	return path == HOKM_PATH_SEGMENT ? peer->map.answers : peer->path[path - 1].answers;
}

void pulse_paths_note(struct pulse_paths *p, unsigned int slot)
{
	p->list[HOKM_PATH_SEGMENT].sent[slot]++;
}

/* The numbers of answers are of the look before, and so must those of probes be. */
static void count_lost(struct pulse_paths *p, unsigned int slot, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;

	for (unsigned int path = 0; path <= peers->n_paths && path < PULSE_PATHS; path++) {
		struct pulse_path *way = &p->list[path];

		path_loss_step(&way->loss[slot], way->sent_then[slot], answers(peers, path, slot),
			       now_ns);
		way->sent_then[slot] = way->sent[slot];
	}
}

static void tell_one(struct pulse_paths *p, unsigned int path, const struct pulse_signer *by,
		     struct renewal_path *out)
{
	const struct conf *c = p->node->conf;
	struct pulse_path *way = &p->list[path];
	struct pulse_signer signer = *by;

	out->pulse = way->pulse;
	out->n = 0;
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		unsigned int slot = p->node->peers.by_node[i];

		if (slot >= HOKM_MAX_PEERS || c->nodes[i].peer == CONF_PEER_VRRP)
			continue;
		out->to[out->n++] = (struct pulse_to){
			.slot = slot, .peer = c->nodes[i].paths[path - 1]};
		way->sent[slot]++;
	}
	signer.addr = way->place.addr;
	memcpy(signer.mac, way->place.mac, sizeof(signer.mac));
	pulse_set_signer(way->pulse, &signer);
	explicit_bzero(&signer, sizeof(signer));
}

void pulse_paths_tell(struct pulse_paths *p, struct renewal *r, const struct pulse_signer *by)
{
	struct renewal_path paths[HOKM_MAX_PATHS] = {{0}};
	unsigned int n = 0;

	p->renewal = r;
	for (unsigned int path = 1; path <= n_paths(p) && path < PULSE_PATHS; path++)
		if (p->list[path].pulse)
			tell_one(p, path, by, &paths[n++]);
	if (n)
		renewal_paths(r, paths, n);
}

/* ---- reports ---- */

void pulse_path_name(unsigned int path, char name[PULSE_PATH_NAME_LEN])
{
	if (path == HOKM_PATH_SEGMENT)
		snprintf(name, PULSE_PATH_NAME_LEN, "segment");
	else
		snprintf(name, PULSE_PATH_NAME_LEN, "path %u", path);
}

static void report_news(struct pulse_paths *p, unsigned int path, unsigned int slot)
{
	const bool silent = p->list[path].news[slot].silent;
	enum hokm_reason why = silent ? HOKM_R_PATH_SILENT : HOKM_R_PATH_ANSWERS;
	const char *peer = p->node->peers.list[slot].name;
	char name[PULSE_PATH_NAME_LEN];

	pulse_path_name(path, name);
	log_line(silent ? LOG_LVL_WARN : LOG_LVL_INFO, "peer %s, %s reason=%s (%s)", peer, name,
		 hokm_reason_name(why), hokm_reason_text(why));
	/* The words before the colon are what a notification is about. */
	events_add(p->node->events, "peer", why, "%s %s: %s", peer, name, hokm_reason_text(why));
}

static void look_for_news(struct pulse_paths *p, unsigned int slot, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;
	const struct peer *peer = &peers->list[slot];
	const bool alive = peers_sight(peers, slot, now_ns).by == PEER_BY_PULSE;

	for (unsigned int path = 0; path <= peers->n_paths; path++) {
		uint64_t seen_ns = path == HOKM_PATH_SEGMENT ? peer->map.seen_ns
							     : peer->path[path - 1].seen_ns;

		if (path_news_step(&p->list[path].news[slot],
				   seen_ns && seen_ns + peers->dead_ns > now_ns, alive, now_ns))
			report_news(p, path, slot);
	}
}

void pulse_paths_look(struct pulse_paths *p, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		if (!peers->list[slot].used)
			continue;
		count_lost(p, slot, now_ns);
		if (peers->n_paths)
			look_for_news(p, slot, now_ns);
	}
}

/* ---- begin and end ---- */

void pulse_paths_init(struct pulse_paths *p, struct node *n)
{
	memset(p, 0, sizeof(*p));
	p->node = n;
}

void pulse_paths_close(struct pulse_paths *p)
{
	p->renewal = NULL;
	for (unsigned int path = 1; path < PULSE_PATHS; path++)
		shut(p, &p->list[path]);
}
