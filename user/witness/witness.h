/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process of a witness answers to a pulse, where its kernel does not (witness_kernel.h).
 * Pure: a packet and the time in, the answer out.
 *
 * A witness is a member of the group without a VIP and a game. It grants by the rules of
 * hokm/grant.h, as the XDP program of a node does, and answers with the same pulse. It asks nobody
 * and wishes nothing itself. In the place of services its answer says which other nodes it hears,
 * so that no node takes another for dead that is alive.
 *
 * Invariants
 *   - Nothing changes before source, TTL, length, version, tag, kind and freshness have been
 *     checked, in this order. A discarded packet is counted by its reason.
 *   - It knows its promises from its start on only. So it grants nothing for as long as a grant of
 *     an earlier run may be kept (hokm_grant_silence_ns()).
 *
 * The XDP program of a node also demands that the frame comes from the MAC address that the pulse
 * contains. A socket does not see the frame, and the tag covers what the pulse contains: a frame
 * with another MAC address can only be a copy of a pulse that the node sent, and a copy counts
 * once. So the process discards nothing for that reason.
 */
#ifndef HOKM_WITNESS_H
#define HOKM_WITNESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "hokm/grant.h"

/* Why a packet was discarded, with its name for the log. The order is that of the checks. */
#define WITNESS_DISCARDS(X, p)                                                \
	X(p, NONE, "answered")                                                \
	X(p, SOURCE, "they come from no node of the configuration")           \
	X(p, TTL, "their TTL is not 255: a router was in between")            \
	X(p, SHORT, "they have not the length of a pulse")                    \
	X(p, VERSION, "they are of another version, or for another VRID")     \
	X(p, TAG, "none of the secrets here signed them for this witness")    \
	X(p, MAC, "their frame came from another MAC address than they name") \
	X(p, KIND, "they are answers, and nobody was asked")                  \
	X(p, REPLAY, "they are not newer than one that was answered before")

#define WITNESS_ENUM(p, id, text) p##_##id,
enum witness_discard { WITNESS_DISCARDS(WITNESS_ENUM, WITNESS) WITNESS_DISCARD_COUNT };

/* "?" for a value that is out of range. */
const char *witness_discard_text(unsigned int d);

/* A node, by its number in the configuration; its number as a member is HOKM_GRANT_PEER(). */
struct witness_node {
	char name[CONF_NAME_MAX];
	struct in_addr addr;
	uint64_t nonce, sent_ns; /* of its newest probe */
	struct hokm_wished wished;
	uint64_t heard_ns; /* when that came; 0: never */
};

struct witness {
	struct in_addr addr;
	uint8_t vrid;
	uint8_t mac[6]; /* of the interface; the answers must leave with it */
	struct hokm_keys keys;
	unsigned int n_nodes;
	struct witness_node nodes[HOKM_MAX_PEERS];
	struct hokm_promise promise;
	uint64_t answered;
	uint64_t discarded[WITNESS_DISCARD_COUNT];
};

/* A datagram as it came. */
struct witness_packet {
	struct in_addr from;
	int ttl;
	const void *bytes;
	size_t len;
};

/* A witness of this configuration that starts now. 0 or -errno. The caller wipes it. */
int witness_init(struct witness *w, const struct conf *c, unsigned int self, uint64_t now_ns);

/* WITNESS_NONE, with the answer in *out, or why the packet was discarded. */
enum witness_discard witness_answer(struct witness *w, const struct witness_packet *in,
				    uint64_t now_ns, struct hokm_pulse *out);

/* The node that has the promise now, or NULL. */
const struct witness_node *witness_holder(const struct witness *w, uint64_t now_ns);

#endif
