/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a peer steerable? A network may deliver the nodes' own frames and drop steered ones, whose
 * source address is a client's (anti-spoofing), or may show another MAC address than the node's.
 * So steered probes are sent (struct hokm_steer_probe), and the peer's answers to pulses say
 * whether they arrive. Pure.
 *
 *   state      first look       probe arrives   none arrived
 *   UNTESTED   not steered to   GOOD            for FIRST_NS: BAD
 *   GOOD       steered to       GOOD            for LOSS_NS: BAD
 *   BAD        not steered to   GOOD            BAD
 *
 * An answer shows an arrival for 3 s; LOSS_NS counts from the first answer that shows none.
 * Only the time counts in which the peer answers pulses, because a peer that is silent says
 * nothing about steered frames.
 *
 * The peer accepts a steered probe only from the MAC address that this node signs in its answers,
 * so not before it has asked this node itself. Its first question waits for ARP, which the kernel
 * repeats after a second and more. So both limits count from its first question that arrives after
 * the first steered probe was sent. A peer that never asks is BAD after MUTE_NS.
 *
 * Only the MAC address tells a steered frame from a client's. So no peer is steered to that shares
 * its MAC address with another peer or with the default gateway, whatever arrives.
 */
#ifndef HOKM_STEER_TEST_H
#define HOKM_STEER_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

enum steer_state { STEER_UNTESTED, STEER_GOOD, STEER_BAD };

struct steer_test {
	enum steer_state state;
	uint64_t asked_ns; /* the first probe since one arrived, or since the peer answers; 0: none
			    */
	uint64_t known_ns; /* the first question of the peer after that: it knows our MAC; 0: none
			    */
	uint64_t next_ns;  /* when the next probe is due */
};

/* What is known of the peer. */
struct steer_signs {
	bool alive;   /* it answers pulses */
	bool asks;    /* since the last look a pulse came by which it asks this node */
	bool arrived; /* its newest answer says that a steered probe arrived a moment ago */
	bool refused; /* steering to it is refused, whatever arrives */
};

/* Why nothing new is steered to a peer. */
enum steer_why { STEER_FINE, STEER_WAITING, STEER_LOST, STEER_TWIN, STEER_GATEWAY };

/*
 * The MAC addresses in the segment, as far as they are known; all zero: unknown, or no such host.
 */
struct steer_macs {
	unsigned char peer[HOKM_MAX_PEERS][6];
	unsigned char gateway[6]; /* the default gateway */
};

/* STEER_TWIN, STEER_GATEWAY, or STEER_FINE when the MAC address is the peer's alone or unknown. */
enum steer_why steer_refusal(const struct steer_macs *m, unsigned int slot);

/* Why nothing new is steered to the peer, for operators; NULL for STEER_FINE. */
const char *steer_why_text(enum steer_why why);

/* One look. Returns true when a probe must be sent now. */
bool steer_test_look(struct steer_test *t, const struct steer_signs *s, uint64_t now_ns);
/*
 * An answer is awaited that makes the peer steerable or not, so that probes go out in quick
 * succession: looks must come as quickly. That ends with the patience of the test.
 */
bool steer_test_waits(const struct steer_test *t);

#endif
