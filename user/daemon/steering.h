/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of steering (decide/steer_test.h): to which peers may new connections be steered? The
 * answer goes into map own, where the packet path reads it, into status and into the log.
 */
#ifndef HOKM_DAEMON_STEERING_H
#define HOKM_DAEMON_STEERING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "decide/steer_test.h"
#include "hokm/abi.h"

struct node;
struct pulse;

struct steer_peer {
	struct in_addr addr; /* of the peer that the slot had at the last look */
	struct steer_test test;
	enum steer_why why;
	/* Of the newest pulse by which it asks this node, as of the last look. */
	uint64_t probe_nonce, probe_sent_ns;
	bool reported; /* as not steerable */
};

struct steering {
	struct node *node;
	int fd; /* packet socket; -1: closed */
	struct steer_peer peers[HOKM_MAX_PEERS];
	uint64_t gateway_at_ns; /* when to read the MAC of the gateway again */
	struct steer_macs macs;
};

/* A peer that an adopted map calls steerable is believed until a test fails. 0 or -errno. */
int steering_open(struct steering *s, struct node *n, bool adopted);
void steering_close(struct steering *s);
/* One look at all peers; sends the probes that are due. */
void steering_tick(struct steering *s, struct pulse *pulse, uint64_t now_ns);

/* A test of some peer awaits its answer: it has a step at each tick. */
bool steering_waits(const struct steering *s);

/*
 * Why nothing new is steered to this peer, as a sentence for operators; NULL when it is steered to.
 */
const char *steering_why(const struct steering *s, unsigned int slot);

#endif
