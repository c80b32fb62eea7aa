/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The asking side of pulses: building and sending the signed probes. The answers of the peers are
 * processed by XDP and never reach this socket; it discards every packet that does.
 *
 * A struct pulse is used by the thread of the event loop only.
 */
#ifndef HOKM_SENSE_PULSE_H
#define HOKM_SENSE_PULSE_H

#include <netinet/in.h>
#include <stdint.h>

#include "hokm/abi.h"

struct pulse; /* opaque: a UDP socket and the key */

/*
 * Opens the socket, bound to this node's address and port. Returns 0 or -errno, logged. The caller
 * closes *out with pulse_close(), which also erases the key.
 */
int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out);
void pulse_close(struct pulse *p);

/*
 * Sets the key and the nonce of the session. The nonce is random and not 0; the same value must be
 * in cfg.pulse_nonce.
 */
void pulse_set_key(struct pulse *p, const struct hokm_keys *keys, uint64_t nonce, uint8_t vrid);

/* Sends one probe to a peer. Returns 0 or -errno. */
int pulse_probe(struct pulse *p, struct in_addr peer, uint64_t now_ns);

/* Builds a signed probe. Pure. */
void pulse_build_probe(struct hokm_pulse *out, const struct hokm_keys *keys, uint64_t nonce,
		       uint8_t vrid, uint64_t now_ns);

#endif
