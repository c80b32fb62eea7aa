/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pulses, the asking side: builds and sends the signed probes. Answers are taken in by XDP and
 * never reach this socket; it drops whatever does.
 */
#ifndef HOKM_SENSE_PULSE_H
#define HOKM_SENSE_PULSE_H

#include <netinet/in.h>
#include <stdint.h>

#include "hokm/abi.h"

struct pulse; /* opaque */

int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out);
void pulse_close(struct pulse *p);
/* Key and the session's nonce (random, not 0; the same value goes into cfg.pulse_nonce). */
void pulse_set_key(struct pulse *p, const struct hokm_keys *keys, uint64_t nonce, uint8_t vrid);
/* One probe to a peer. 0 or -errno. */
int pulse_probe(struct pulse *p, struct in_addr peer, uint64_t now_ns);
/* Pure: fills a probe; shared with the tests. */
void pulse_build_probe(struct hokm_pulse *out, const struct hokm_keys *keys, uint64_t nonce,
		       uint8_t vrid, uint64_t now_ns);

#endif
