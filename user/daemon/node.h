/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This node as its concerns see it: what is configured, what is known of services and peers, what
 * is wanted of the kernel, and the way to each. A concern (check runner, sweep, replication ...)
 * works on its own struct and on this one; only the files that put the concerns together see struct
 * daemon.
 */
#ifndef HOKM_DAEMON_NODE_H
#define HOKM_DAEMON_NODE_H

#include <systemd/sd-event.h>

#include "act/apply.h"
#include "conf/conf.h"
#include "daemon/inbox.h"
#include "daemon/peers.h"
#include "daemon/services.h"
#include "path/bpf.h"
#include "sense/events.h"

/* Priorities of the loop's event sources: ownership first. */
#define NODE_PRIO_VRRP (-20)
/*
 * Above the pulse. While the loop is overloaded a pulse is always due, and sd-event counts how long
 * its source has waited from the start: among equals it would always come first.
 */
#define NODE_PRIO_GARP  (-11)
#define NODE_PRIO_PULSE (-10)
#define NODE_PRIO_REPL  (-5)

struct node {
	struct conf *conf;
	sd_event *event;
	uint64_t nonce; /* of this run of the daemon, never 0: pulses of an earlier run do not count
			 */

	struct hokm_bpf *bpf;
	struct apply *apply;
	struct apply_want want;
	struct events *events;

	struct services services;
	struct peers peers;
	struct inbox inbox;
	bool terminating; /* the ender works at connections (act/ender.h) */
};

/* Until when this node is owner: its lease and, where they count, the grants of a majority. */
static inline uint64_t node_owner_until(const struct node *n)
{
	return hokm_bpf_owner_until(n->bpf, n->want.own.lease_until_ns);
}

#endif
