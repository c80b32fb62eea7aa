/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The asking side of pulses: building and sending the signed probes. The answers of the peers are
 * processed by XDP and never reach this socket; it discards every packet that does.
 *
 * Two threads may use a struct pulse: one sets what the probes are signed with while the other one
 * sends. Only the one that sets it may call pulse_signer().
 */
#ifndef HOKM_SENSE_PULSE_H
#define HOKM_SENSE_PULSE_H

#include <netinet/in.h>
#include <stdint.h>

#include "hokm/abi.h"

struct pulse; /* opaque: a UDP socket and what signs the probes */

/* What the probes of a node are signed with. */
struct pulse_signer {
	struct in_addr addr; /* of this node */
	uint8_t mac[6];      /* of its interface; the probes must leave with it */
	uint8_t vrid;
	uint64_t nonce; /* of the session: random and not 0; the same as cfg.pulse_nonce */
	struct hokm_keys keys;
};

/*
 * Opens the socket, bound to this node's address and port. Returns 0 or -errno, logged. The caller
 * closes *out with pulse_close(), which also erases the keys.
 */
int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out);
void pulse_close(struct pulse *p);

/* The interface was made again, with this index. Returns 0 or -errno, logged. */
int pulse_set_interface(struct pulse *p, int ifindex);

/* Sets what the probes are signed with; it is copied. */
void pulse_set_signer(struct pulse *p, const struct pulse_signer *s);
/* What was set; it stays the pulse's. */
const struct pulse_signer *pulse_signer(const struct pulse *p);
/* The interface has another MAC now. */
void pulse_set_mac(struct pulse *p, const unsigned char mac[6]);

/* What the probes wish of the members. It is in map grants before a probe says it. */
struct pulse_wish {
	enum hokm_wish wish;
	uint64_t epoch;
	uint64_t length_ns; /* of the grant, whole microseconds */
};

/*
 * What the probes say of this node. A peer whose daemon does not ask, because it was stopped, knows
 * the owner by that.
 */
struct pulse_state {
	const struct hokm_own *own;
	const struct hokm_service *services; /* HOKM_MAX_SERVICES, by slot */
	const struct hokm_grants *grants;    /* end the lease too; NULL: they do not count */
	const struct pulse_wish *wish;       /* NULL: none */
};

/* The peer that a probe goes to. */
struct pulse_to {
	unsigned int slot;
	struct in_addr peer;
};

/*
 * Sends one probe to each of `n` peers, at most HOKM_MAX_PEERS, in one system call. One that cannot
 * be sent does not stop the others. Returns how many were sent.
 */
unsigned int pulse_probe(struct pulse *p, const struct pulse_to *to, unsigned int n,
			 const struct pulse_state *state, uint64_t now_ns);

/* Builds a signed probe. Pure. */
void pulse_build_probe(struct hokm_pulse *out, const struct pulse_signer *s, unsigned int slot,
		       struct in_addr peer, const struct pulse_state *state, uint64_t now_ns);

#endif
