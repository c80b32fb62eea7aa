/* SPDX-License-Identifier: GPL-2.0-only */
/* Pulses between this node and its peers as the tests of the programs build them. */
#ifndef HOKM_TEST_PULSE_SPEC_H
#define HOKM_TEST_PULSE_SPEC_H

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#include "fixture.h"
#include "hokm/pulse_tag.h"

static inline uint32_t pulse_peer_addr(unsigned int slot)
{
	return slot ? PEER1_ADDR : PEER0_ADDR;
}

static inline const uint8_t *pulse_peer_mac(unsigned int slot)
{
	return slot ? PEER1_MAC : PEER0_MAC;
}

/* So many of the secrets verify from now on. */
static inline void pulse_secrets(struct fix *x, unsigned int n)
{
	x->keys.n = n;
	fix_cfg(x);
}

/* Signs a pulse from the peer of this slot to this node. */
static inline void pulse_sign(const struct fix *x, unsigned int slot, struct hokm_pulse *p)
{
	p->tag = htobe64(hokm_pulse_tag(
		p, htonl(pulse_peer_addr(slot)), htonl(OWN_ADDR), x->keys.from[0][slot]));
}

/* The tag of a pulse from this node to the peer of this slot. */
static inline uint64_t pulse_own_tag(const struct fix *x, unsigned int slot,
				     const struct hokm_pulse *p)
{
	return hokm_pulse_tag(p, htonl(OWN_ADDR), htonl(pulse_peer_addr(slot)), x->keys.to[slot]);
}

/* A probe of the peer of this slot. */
static inline struct hokm_pulse pulse_probe_of(const struct fix *x, unsigned int slot,
					       uint64_t nonce, uint64_t sent_ns)
{
	struct hokm_pulse p = {
		.magic = htonl(HOKM_PULSE_MAGIC),
		.version = HOKM_PULSE_VERSION,
		.kind = HOKM_PULSE_PROBE,
		.vrid = TEST_VRID,
		.nonce = htobe64(nonce),
		.sent_ns = htobe64(sent_ns),
	};

	memcpy(p.mac, pulse_peer_mac(slot), sizeof(p.mac));
	pulse_sign(x, slot, &p);
	return p;
}

/* The peer's answer to a probe that this node sent at `sent_ns`: it is owner. */
static inline struct hokm_pulse pulse_answer_of(const struct fix *x, unsigned int slot,
						uint64_t sent_ns)
{
	struct hokm_pulse p = pulse_probe_of(x, slot, TEST_NONCE, sent_ns);

	p.kind = HOKM_PULSE_ANSWER;
	p.state = HOKM_VRRP_MASTER;
	p.priority = 100;
	p.lease_left_ns = htobe64(SECOND_NS);
	p.daemon_age_ns = htobe64(LIMIT_NS);
	p.epoch = htobe64(7);
	p.svc[2].tag = htonl(SERVICE_TAG);
	p.svc[2].state = HOKM_SVC_UP;
	pulse_sign(x, slot, &p);
	return p;
}

/* The frame of a pulse that comes from the peer of this slot, with its MAC and address. */
static inline void pulse_frame_of(struct frame *f, unsigned int slot, const struct hokm_pulse *p)
{
	const struct eth_spec eth = {.from = pulse_peer_mac(slot)};
	const struct ip_spec ip = {.src = pulse_peer_addr(slot), .ttl = 255};

	frame_udp(f, &eth, &ip, PULSE_PORT, p, sizeof(*p));
}

/* The pulse in the result of the last run. */
static inline struct hokm_pulse pulse_out(const struct fix *x)
{
	struct hokm_pulse p;

	memcpy(&p, x->out.b + x->out.l4 + 8, sizeof(p));
	return p;
}

#endif
