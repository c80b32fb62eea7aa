/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a peer alive, and how does this node know? The one answer that all parts of the daemon use.
 * Pure. The packet path asks the same question in BPF (bpf/peer_state.h); tests/bpf/test_peers.c
 * compares the two over one table of cases.
 *
 * There are two questions. May new connections go to the peer? That follows from its pulses at
 * once. Are the connections that it has over? That follows from the silence of every sign of life
 * (struct peer_signs, alive_ns), the word of a witness among them, for players_dead_ns, because no
 * single path's silence proves a death (rule 11, docs/architecture.md).
 *
 * By pulse: the peer's kernel answered a probe less than dead_ns ago. Silence counts only while
 * this node really sent probes. After a break in the probes (the daemon was stopped, or got no CPU)
 * a peer that was alive when the break began has the whole limit again, counted from the first
 * probe after the break. A peer that was already dead then stays dead until it answers.
 *
 * By advert: a peer that never answers pulses (keepalived) sends adverts while it owns the VIP. As
 * backup it is silent, so its last advert counts while this node owns the VIP and for one
 * Master_Down_Interval longer.
 */
#ifndef HOKM_PEER_SIGHT_H
#define HOKM_PEER_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

/* What this node knows of a peer. All times are of the boot clock; 0: never. */
struct peer_signs {
	uint64_t seen_ns;  /* its newest answer to a pulse */
	uint64_t alive_ns; /* its newest sign of life of any kind: pulse, probe, advert, ARP ... */
	uint64_t daemon_seen_ns; /* the newest sign of life of its daemon in such an answer */
	uint64_t advert_ns;      /* its newest advert, forgotten once it has expired */
	bool advert_mac_known;   /* that came from the MAC address of its signed pulses */
	uint64_t repl_ns;        /* its newest answer by replication */
	uint64_t wrong_tag_ns;   /* the newest pulse in its name that none of our secrets signed */

	uint64_t asking_ns; /* since when this node has sent probes without a break */
	uint64_t asked_ns;  /* its last probe before that break */
	uint64_t tick_ns;   /* its newest probe */
	uint64_t owned_ns;  /* when it was MASTER last */

	uint64_t dead_ns;         /* limit of silence of its answers: pulse.dead */
	uint64_t players_dead_ns; /* limit of silence of all signs: pulse.players_dead_after */
	uint64_t stale_ns;        /* limit of silence of the peer's daemon: daemon_stale */
	uint64_t master_down_ns;  /* Master_Down_Interval */
};

/* What tells that the peer can get new connections, or own the VIP. */
enum peer_sign { PEER_SILENT, PEER_BY_PULSE, PEER_BY_ADVERT };

struct peer_sight {
	enum peer_sign by;
	bool fresh; /* by pulse, and its daemon is alive too: it may get new connections */
	/* From this moment on its missing answers count as silence; 0: it never answered. */
	uint64_t silent_since_ns;
	/*
	 * All signs of life ended so long ago that its connections are over. False when there never
	 * was a sign: then nothing is known of its connections.
	 */
	bool players_dead;
	/*
	 * Not by pulse, and yet its daemon is alive, and its adverts count: something drops the
	 * pulses alone. What it signs in replication proves that it is alive, if that came when its
	 * answers were silent already. That it is owner its advert alone says, so the advert must
	 * come from the MAC address of its pulses, as while they come (bpf/vrrp_guard.h).
	 */
	bool unseen;
	/*
	 * Not by pulse, while pulses come in its name that none of our secrets signed. Decides
	 * nothing, because anybody in the segment can send them: it is for the operator.
	 */
	bool secrets_differ;
};

/* Wrong tags older than this say nothing about the present secrets. */
#define PEER_WRONG_TAG_NS 1000000000ULL

/* As new as an owner must know it that waits for so long before it gives way (vrrp.h). */
#define PEER_UNSEEN_NS 1000000000ULL

struct peer_sight peer_sight(const struct peer_signs *s, uint64_t now_ns);

#endif
