/* SPDX-License-Identifier: GPL-2.0-only */
/* See shared_keys.h. */
#include <string.h>

#include "conf/conf.h"
#include "daemon/peers.h"
#include "daemon/replication.h"
#include "daemon/shared_keys.h"

bool shared_keys_has(const char *key)
{
	return !strncmp(key, "vrrp.", 5) || !strncmp(key, "pulse.", 6);
}

const char *shared_keys_changed(const struct conf *is, const struct conf *wanted)
{
	const struct {
		const char *key;
		bool changed;
	} keys[] = {
		{"vrrp.vrid", is->vrid != wanted->vrid},
		{"vrrp.mode", is->multicast != wanted->multicast},
		{"pulse.port", is->pulse_port != wanted->pulse_port},
		{"replication.port", is->repl_port != wanted->repl_port},
		{"node.address",
		 is->nodes[is->self].addr.s_addr != wanted->nodes[wanted->self].addr.s_addr},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].changed)
			return keys[i].key;
	return NULL;
}

/*
 * The kernel of a peer that was stopped answers pulses until `linger` is over, with the state INIT.
 * That is the state of one that starts, too: what tells them apart is the sign of life of a daemon.
 */
static bool runs(const struct peers *p, const struct replication *r, unsigned int slot,
		 uint64_t now_ns)
{
	const struct peer_sight sight = peers_sight(p, slot, now_ns);
	const struct repl_link *link = replication_link(r, slot);

	return sight.by == PEER_BY_ADVERT || sight.fresh || (link && repl_connected(link, now_ns));
}

const char *shared_keys_peer(const struct peers *p, const struct replication *r, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && runs(p, r, slot, now_ns))
			return p->list[slot].name;
	return NULL;
}
