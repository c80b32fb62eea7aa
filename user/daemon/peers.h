/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The peers: the other nodes of the group, by their slots in the maps. peers_read() takes a
 * snapshot of map peers; peers_sight() answers for all parts of the daemon whether a peer is alive,
 * and how this node knows (decide/peer_sight.h).
 */
#ifndef HOKM_DAEMON_PEERS_H
#define HOKM_DAEMON_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "decide/peer_sight.h"
#include "hokm/abi.h"
#include "hokm/names.h"

struct events;
struct hokm_bpf;
struct services;

struct peer {
	bool used; /* a node of the configuration has this slot */
	char name[CONF_NAME_MAX];
	struct in_addr addr;
	uint8_t priority;         /* configured */
	enum conf_peer_kind kind; /* configured */
	struct hokm_peer map;     /* its entry in map peers, at the last peers_read() */
	struct hokm_path_peer path[HOKM_MAX_PATHS]; /* the same of map path_peers */
	uint64_t advert_ns;        /* its newest advert; 0: none, or it has expired */
	uint8_t advert_priority;   /* of its adverts, the greatest */
	bool advert_firm;          /* its newest advert was firm (vrrp_wire.h) */
	uint64_t repl_ns;          /* newest answer of its daemon by replication; 0: none */
	uint64_t discarded;        /* adverts from its address that were discarded */
	enum hokm_reason reported; /* ALIVE, SILENT or SECRETS_DIFFER; NONE at first */
	uint64_t asked_ns;         /* when it was asked by ARP last */
	bool shows_life;           /* it showed a sign of life, and its connections are not over */
	uint64_t revived_ns;       /* when `shows_life` became true last */
};

/* A witness: it has a slot of the maps as a peer has, but none of what follows here counts it. */
struct witness_peer {
	bool used;
	char name[CONF_NAME_MAX];
	struct in_addr addr;
};

struct peers {
	struct peer list[HOKM_MAX_PEERS];
	struct witness_peer witnesses[HOKM_MAX_PEERS]; /* by slot; no slot is also one of `list` */
	uint8_t by_node[CONF_NODES_MAX]; /* slot of a configured node; HOKM_NO_PEER for ourselves */
	unsigned int n_paths;            /* beside the segment */
	uint64_t dead_ns, players_dead_ns, stale_ns; /* limits of the configuration */
	uint64_t master_down_ns; /* Master_Down_Interval of the owner's adverts */
	uint64_t owned_ns;       /* when this node was MASTER last */
	/* When probes are sent: see struct peer_signs. */
	uint64_t asking_ns, asked_ns, tick_ns;
	uint64_t each_ns; /* from one probe and look to the next, at the pace of the moment */
};

/* The slot of the peer with this address, or HOKM_NO_PEER. */
uint8_t peers_by_addr(const struct peers *p, struct in_addr addr);
/* The name of the peer or witness in this slot, or NULL. */
const char *peers_name(const struct peers *p, unsigned int slot);

/* A probe goes to every peer now. late_ns: how much later than planned. */
void peers_note_tick(struct peers *p, uint64_t late_ns, uint64_t now_ns);
/* When the newest pulse of any peer came over the segment, as of the last peers_read(); 0: none. */
uint64_t peers_newest_ns(const struct peers *p);
/*
 * Has XDP noted a pulse of any peer over the segment within the last few intervals, as of the last
 * peers_read()? Else the program, or the link, may be gone.
 */
bool peers_pulses_come(const struct peers *p, uint64_t pulse_ns, uint64_t now_ns);
/* The stamp, by its own clock, of the last probe of the peer with this address; 0: none came. */
uint64_t peers_probe_stamp(const struct peers *p, struct in_addr addr);

/*
 * Reads map peers. Reports each peer that began or ceased to answer pulses, or whose pulses none of
 * the secrets signed.
 */
void peers_read(struct peers *p, struct hokm_bpf *b, const struct services *s, struct events *e);

#define PEERS_LAST_HEARD_MAX 88
/*
 * What the last answer of a peer said of it: "master, 1 of 2 services up (chat down)". The services
 * that were not up are named as far as there is room and this node has them. Returns dst.
 */
const char *peers_last_heard(const struct hokm_peer *map, const struct services *s,
			     char dst[PEERS_LAST_HEARD_MAX]);

/* A message of the peer in this slot was verified: a sign of life for the packet path too. */
void peers_note_sign(struct hokm_bpf *b, unsigned int slot, uint64_t now_ns);
/*
 * Must the peer in this slot be asked by ARP now? While its pulses are silent and its connections
 * are not over, it is asked several times within pulse.players_dead_after. True notes the question.
 */
bool peers_ask(struct peers *p, unsigned int slot, uint64_t now_ns);

/*
 * Its newest advert came from the MAC address that its signed pulses came from. Where none has come
 * over the segment since the boot there is nothing to compare with.
 */
bool peers_advert_mac_known(const struct peers *p, unsigned int slot);

/*
 * May adverts of this peer end the lease of this node? Not while a peer that is known to answer
 * pulses answers none: anybody in the segment can forge an advert in its name. With kind auto it is
 * known since its first answer; the map is pinned, so a restart of the daemon does not forget it.
 */
bool peers_adverts_count(const struct peers *p, unsigned int slot, uint64_t now_ns);
/*
 * There is a peer whose adverts do not count now: the adverts of this node are firm (vrrp_wire.h).
 */
bool peers_firm(const struct peers *p, uint64_t now_ns);
/*
 * The peer is hokm-xdp: configured so, or (kind auto) it has answered a pulse. One that was never
 * seen may be keepalived.
 */
bool peers_answers_pulses(const struct peers *p, unsigned int slot);
/* When its newest answer to a pulse came, over whatever path; 0: never. */
uint64_t peers_seen_ns(const struct peer *p);
/* Does it answer pulses over the segment? Only then frames that are steered to it may arrive. */
bool peers_on_segment(const struct peers *p, unsigned int slot, uint64_t now_ns);
/* Is the peer in this slot alive, and how do we know? */
struct peer_sight peers_sight(const struct peers *p, unsigned int slot, uint64_t now_ns);
/*
 * The peer's connections are over for the packet path too. For packets of known connections its
 * clock is up to HOKM_CLOCK_COARSE_NS late, and until then it steers to the dead peer what a client
 * answers. A client answers but one tickle in 500 ms, so none must come too early.
 */
bool peers_path_sees_dead(const struct peers *p, unsigned int slot, uint64_t now_ns);
/*
 * It is hokm-xdp, came back a moment ago, and does not say yet that it has fresh answers of this
 * node: it cannot steer to us.
 */
bool peers_deaf(const struct peers *p, unsigned int slot, uint64_t now_ns);
/* Does the peer say that the service with this tag is UP there? Valid while it is alive. */
bool peers_says_up(const struct peers *p, unsigned int slot, uint32_t tag);
/*
 * Some peer can serve this service's players: it is alive, its daemon too, and says that the
 * service is UP. A peer known by adverts alone (keepalived) counts as healthy (rule 5,
 * docs/architecture.md).
 */
bool peers_serve(const struct peers *p, uint32_t tag, uint64_t now_ns);

#endif
