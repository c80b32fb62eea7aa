/* SPDX-License-Identifier: GPL-2.0-only */
/* See peers.h. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/peers.h"
#include "daemon/services.h"
#include "decide/vrrp.h"
#include "path/bpf.h"
#include "sense/events.h"

/* Questions by ARP within players_dead_ns. */
#define ASKS 10
/* The XDP program notes each answer to a pulse: so many that lack are a doubt. */
#define PULSES_MISSING 3

uint8_t peers_by_addr(const struct peers *p, struct in_addr addr)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && p->list[slot].addr.s_addr == addr.s_addr)
			return (uint8_t)slot;
	return HOKM_NO_PEER;
}

const char *peers_name(const struct peers *p, unsigned int slot)
{
	if (slot >= HOKM_MAX_PEERS)
		return NULL;
	if (p->witnesses[slot].used)
		return p->witnesses[slot].name;
	return p->list[slot].used ? p->list[slot].name : NULL;
}

void peers_note_tick(struct peers *p, uint64_t late_ns, uint64_t now_ns)
{
	/* Too long without a probe: a peer that could not answer meanwhile is not silent. */
	if (!p->asking_ns || late_ns > p->dead_ns / 2) {
		p->asked_ns = p->tick_ns;
		p->asking_ns = now_ns;
	}
	p->tick_ns = now_ns;
}

void peers_note_sign(struct hokm_bpf *b, unsigned int slot, uint64_t now_ns)
{
	int err = hokm_bpf_note_sign(b, slot, now_ns);

	if (err)
		log_error("could not write map peers: %s", strerror(-err));
}

uint64_t peers_seen_ns(const struct peer *p)
{
	uint64_t newest_ns = p->map.seen_ns;

	for (unsigned int i = 0; i < HOKM_MAX_PATHS; i++)
		if (p->path[i].seen_ns > newest_ns)
			newest_ns = p->path[i].seen_ns;
	return newest_ns;
}

static bool answers_pulses(const struct peer *p)
{
	return p->kind == CONF_PEER_HOKM || (p->kind == CONF_PEER_AUTO && peers_seen_ns(p));
}

bool peers_answers_pulses(const struct peers *p, unsigned int slot)
{
	return answers_pulses(&p->list[slot]);
}

bool peers_adverts_count(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	if (slot >= HOKM_MAX_PEERS)
		return false;
	return !answers_pulses(&p->list[slot]) || peers_sight(p, slot, now_ns).by == PEER_BY_PULSE;
}

bool peers_advert_mac_known(const struct peers *p, unsigned int slot)
{
	static const unsigned char none[6];
	const struct hokm_peer *map = &p->list[slot].map;

	return !memcmp(map->mac, none, sizeof(none)) ||
	       !memcmp(map->vrrp_mac, map->mac, sizeof(map->mac));
}

bool peers_firm(const struct peers *p, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && !peers_adverts_count(p, slot, now_ns))
			return true;
	return false;
}

/* By the answers that came over one path, or over all of them. */
static struct peer_sight sight_by(const struct peers *p, unsigned int slot, uint64_t seen_ns,
				  uint64_t now_ns)
{
	const struct peer *peer = &p->list[slot];
	struct peer_signs signs = {
		.seen_ns = seen_ns,
		.alive_ns = peer->map.alive_ns,
		.daemon_seen_ns = peer->map.daemon_seen_ns,
		.advert_ns = peer->advert_ns,
		.advert_mac_known = peers_advert_mac_known(p, slot),
		.repl_ns = peer->repl_ns,
		.wrong_tag_ns = peer->map.wrong_tag_ns,
		.asking_ns = p->asking_ns,
		.asked_ns = p->asked_ns,
		.tick_ns = p->tick_ns,
		.owned_ns = p->owned_ns,
		.dead_ns = p->dead_ns,
		.players_dead_ns = p->players_dead_ns,
		.stale_ns = p->stale_ns,
		.master_down_ns = p->master_down_ns,
	};

	return peer_sight(&signs, now_ns);
}

struct peer_sight peers_sight(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	return sight_by(p, slot, peers_seen_ns(&p->list[slot]), now_ns);
}

bool peers_on_segment(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	return sight_by(p, slot, p->list[slot].map.seen_ns, now_ns).by == PEER_BY_PULSE;
}

bool peers_path_sees_dead(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	return peers_sight(p, slot, now_ns - HOKM_CLOCK_COARSE_NS).players_dead;
}

bool peers_ask(struct peers *p, unsigned int slot, uint64_t now_ns)
{
	struct peer *peer = &p->list[slot];

	/* Half the limit: the answer can come before its connections depend on it. */
	if (!peer->map.alive_ns || now_ns < peers_seen_ns(peer) + p->dead_ns / 2 ||
	    now_ns < peer->asked_ns + p->players_dead_ns / ASKS ||
	    peers_sight(p, slot, now_ns).players_dead)
		return false;
	peer->asked_ns = now_ns;
	return true;
}

bool peers_deaf(const struct peers *p, unsigned int slot, uint64_t now_ns)
{
	const struct peer *peer = &p->list[slot];
	const struct hokm_peer *map = &peer->map;
	bool hokm = peers_seen_ns(peer) || map->probe_nonce;

	if (!hokm || (peer->shows_life && now_ns >= peer->revived_ns + VRRP_PATIENCE_NS))
		return false;
	return peers_sight(p, slot, now_ns).by != PEER_BY_PULSE || !(map->flags & HOKM_PULSE_HEARS);
}

/* What to report of the peer, or NONE: silence counts after life only, wrong secrets once. */
static enum hokm_reason news(const struct peer *peer, const struct peer_sight *sight)
{
	enum hokm_reason why = HOKM_R_NONE;

	if (sight->by == PEER_BY_PULSE)
		why = HOKM_R_PEER_ALIVE;
	else if (sight->secrets_differ)
		why = HOKM_R_SECRETS_DIFFER;
	else if (peer->reported == HOKM_R_PEER_ALIVE)
		why = HOKM_R_PEER_SILENT;
	return why == peer->reported ? HOKM_R_NONE : why;
}

/* The services that were not up, as " (chat down, lobby maint)". */
static void add_not_up(const struct hokm_peer *map, const struct services *s,
		       char dst[PEERS_LAST_HEARD_MAX])
{
	const char *sep = " (";

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		const struct service *svc = services_by_tag(s, be32toh(map->svc[i].tag));
		size_t len = strlen(dst);
		char words[CONF_NAME_MAX + 16];

		if (!svc || map->svc[i].state == HOKM_SVC_UP)
			continue;
		snprintf(words, sizeof(words), "%s%s %s", sep, svc->conf->name,
			 hokm_svc_state_name(map->svc[i].state));
		if (len + strlen(words) + sizeof(")") > PEERS_LAST_HEARD_MAX)
			break;
		memcpy(dst + len, words, strlen(words) + 1);
		sep = ", ";
	}
	if (sep[0] == ',')
		memcpy(dst + strlen(dst), ")", sizeof(")"));
}

const char *peers_last_heard(const struct hokm_peer *map, const struct services *s,
			     char dst[PEERS_LAST_HEARD_MAX])
{
	unsigned int up = 0, n = 0;

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		n += map->svc[i].tag != 0;
		up += map->svc[i].tag && map->svc[i].state == HOKM_SVC_UP;
	}
	snprintf(dst, PEERS_LAST_HEARD_MAX, "%s, %u of %u services up",
		 hokm_vrrp_state_name(map->state), up, n);
	add_not_up(map, s, dst);
	return dst;
}

static void report(struct peer *peer, const struct peer_sight *sight, const struct services *s,
		   struct events *e)
{
	enum hokm_reason why = news(peer, sight);
	const bool silent = why == HOKM_R_PEER_SILENT;
	char heard[PEERS_LAST_HEARD_MAX] = "";

	if (why == HOKM_R_NONE)
		return;
	peer->reported = why;
	/* It may be dead, and nothing that it knew of itself then reaches anybody else. */
	if (silent)
		peers_last_heard(&peer->map, s, heard);
	log_line(why == HOKM_R_PEER_ALIVE ? LOG_LVL_INFO : LOG_LVL_WARN, "peer %s reason=%s (%s)",
		 peer->name, hokm_reason_name(why), hokm_reason_text(why));
	events_add(e, "peer", why, "%s: %s%s%s", peer->name, hokm_reason_text(why),
		   silent ? "; last heard: " : "", heard);
}

static void note_life(struct peer *peer, bool players_dead)
{
	bool shows_life = peer->map.alive_ns && !players_dead;

	if (shows_life && !peer->shows_life)
		peer->revived_ns = clock_now_ns();
	peer->shows_life = shows_life;
}

/* The entry of the peer in the maps. */
static int read_peer(const struct peers *p, struct hokm_bpf *b, unsigned int slot,
		     struct peer *peer)
{
	int err = hokm_bpf_get_peer(b, slot, &peer->map);

	memset(peer->path, 0, sizeof(peer->path));
	for (unsigned int i = 0; !err && i < p->n_paths; i++)
		err = hokm_bpf_get_path_peer(b, i + 1, slot, &peer->path[i]);
	return err;
}

void peers_read(struct peers *p, struct hokm_bpf *b, const struct services *s, struct events *e)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		struct peer *peer = &p->list[slot];
		struct peer_sight sight;
		int err;

		if (!peer->used)
			continue;
		err = read_peer(p, b, slot, peer);
		if (err) {
			log_error("could not read map peers: %s", strerror(-err));
			continue;
		}
		sight = peers_sight(p, slot, clock_now_ns());
		/* Once it has expired it does not count again when this node owns the VIP. */
		if (sight.by != PEER_BY_ADVERT)
			peer->advert_ns = 0;
		note_life(peer, sight.players_dead);
		report(peer, &sight, s, e);
	}
}

uint64_t peers_newest_ns(const struct peers *p)
{
	uint64_t newest_ns = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && p->list[slot].map.seen_ns > newest_ns)
			newest_ns = p->list[slot].map.seen_ns;
	return newest_ns;
}

bool peers_pulses_come(const struct peers *p, uint64_t pulse_ns, uint64_t now_ns)
{
	/* The peers may have been read an interval ago, when the answer was as old. */
	return peers_newest_ns(p) + 2 * p->each_ns + PULSES_MISSING * pulse_ns > now_ns;
}

uint64_t peers_probe_stamp(const struct peers *p, struct in_addr addr)
{
	uint8_t slot = peers_by_addr(p, addr);

	return slot < HOKM_MAX_PEERS ? p->list[slot].map.probe_sent_ns : 0;
}

bool peers_says_up(const struct peers *p, unsigned int slot, uint32_t tag)
{
	const struct hokm_peer *map = &p->list[slot].map;

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++)
		if (be32toh(map->svc[i].tag) == tag)
			return map->svc[i].state == HOKM_SVC_UP;
	return false;
}

bool peers_serve(const struct peers *p, uint32_t tag, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		struct peer_sight sight;

		if (!p->list[slot].used)
			continue;
		sight = peers_sight(p, slot, now_ns);
		if (sight.by == PEER_BY_ADVERT && peers_adverts_count(p, slot, now_ns))
			return true;
		if (sight.fresh && peers_says_up(p, slot, tag))
			return true;
	}
	return false;
}
