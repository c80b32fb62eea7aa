/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arbiter `gateway` (docs/architecture.md): a node that hears no peer may be owner only while
 * the gateway of its network answers ARP. Pure.
 *
 *   OFF       another arbiter, or none
 *   PEER      a peer is heard: the gateway decides nothing, and is asked slowly, so that its
 *             address and MAC are known when it matters
 *   ASKING    no peer is heard, and the gateway has not answered since: a node that is no owner
 *             waits, an owner goes on for limit_ns
 *   ANSWERS   no peer is heard, and no question to the gateway waits for limit_ns: as without an
 *             arbiter
 *   SILENT    neither is heard: the node is not eligible. With `keep` an owner stays owner
 *
 * Invariants
 *   - An answer counts only if it came after the silence of the peers began to count, and from the
 *     MAC address that is known (struct hokm_gateway).
 *   - SILENT follows from a question that was not answered for limit_ns, never from a daemon that
 *     was held up: after a break in its questions it begins to count anew. Until then it does not
 *     become owner.
 *   - Another MAC address becomes the known one only when the known one has been silent: the
 *     gateway was replaced. While a peer is heard nothing depends on it, and a few questions that
 *     only the other one answers are enough. Else it takes GATEWAY_LEARN_NS: in a divided network
 *     each part may have a router with this address.
 *   - The limit is short enough for an owner that is cut off to end before its peer's
 *     Master_Down_Interval is over (gateway_limit_ns()), where both were cut off at once.
 */
#ifndef HOKM_DECIDE_ARBITER_H
#define HOKM_DECIDE_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi_grant.h"

/* So often it is asked while a peer is heard. */
#define GATEWAY_SLOW_NS 10000000000ULL
/* And so often, where another MAC address answered last. */
#define GATEWAY_CHANGED_NS 1000000000ULL
/* So many questions without an answer, over limit_ns, mean that it is silent. */
#define GATEWAY_TRIES 5
/* After this long a silence of the known MAC address another one counts as the gateway's. */
#define GATEWAY_LEARN_NS 30000000000ULL
/* The same while a peer is heard, from the first question that it did not answer. */
#define GATEWAY_LEARN_PEER_NS 3000000000ULL

enum gateway_phase { GATEWAY_OFF, GATEWAY_PEER, GATEWAY_ASKING, GATEWAY_ANSWERS, GATEWAY_SILENT };

/* All zero at the start. */
struct gateway {
	enum gateway_phase phase;
	uint64_t since_ns; /* since when missing answers count */
	uint64_t asked_ns; /* the last question; 0: none */
	uint64_t open_ns;  /* the first question after the newest answer; 0: none */
};

struct gateway_input {
	bool on; /* the arbiter is the gateway */
	bool peer_heard;
	bool owns;
	bool keep;    /* on_isolation */
	bool renewed; /* its address has changed: what it answered before does not count */
	uint64_t limit_ns;
	const struct hokm_gateway *seen;
};

struct gateway_output {
	bool ask;       /* ask it now */
	bool undecided; /* do not become owner now, but stay what you are */
	bool bars;      /* not eligible */
	uint64_t learn; /* its MAC address from now on; 0: as it was */
};

void gateway_step(struct gateway *g, const struct gateway_input *in, uint64_t now_ns,
		  struct gateway_output *out);

/* How long an owner waits for an answer: the interval of the adverts. */
uint64_t gateway_limit_ns(uint64_t adver_ns);

const char *gateway_phase_name(enum gateway_phase phase);

#endif
