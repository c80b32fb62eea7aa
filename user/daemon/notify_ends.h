/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Problems that ended while no daemon ran. The notifier keeps the problems that it has reported
 * over a stop and a reboot, and ends one when the event stream has its end. But a daemon reports
 * nothing of what was well from its start on: the link is up, the peer is steerable. So once after
 * its start, for each subject that can have such a problem, this file lets the notifier know that
 * it is well. For the notifier that is the end of a problem, and nothing where there is none.
 *
 * A subject is judged when it has been seen well, and not before NOTIFY_ENDS_NS: what is bad at the
 * start is known by then. Whatever reports its first look by itself (peers, replicas, services) is
 * not here.
 */
#ifndef HOKM_DAEMON_NOTIFY_ENDS_H
#define HOKM_DAEMON_NOTIFY_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "daemon/pulse_paths.h"
#include "hokm/abi.h"

#define NOTIFY_ENDS_NS (5 * NS_PER_S)

struct agreement;
struct etcd_watch;
struct gateway_watch;
struct node;
struct notify_feed;
struct policy_output;
struct quorum;
struct rival_watch;
struct steering;

/* Where it is seen whether something is well. */
struct notify_ends_of {
	struct notify_feed *feed;
	const struct node *node;
	const bool *link_up;
	const struct policy_output *policy;
	const struct agreement *agreement;
	const struct steering *steering;
	const struct rival_watch *rivals;
	const struct quorum *quorum;
	const struct gateway_watch *gateway;
	const struct etcd_watch *etcd;
};

struct notify_ends {
	struct notify_ends_of of;
	uint64_t look_ns; /* of the next look */
	/* Said to be well. */
	bool link, panic, majority, gateway, etcd;
	bool passive[HOKM_MAX_SERVICES];         /* by index of struct services */
	bool paths[HOKM_MAX_PEERS][PULSE_PATHS]; /* by slot and path */
	bool settings[HOKM_MAX_PEERS];           /* by slot, of nodes and witnesses */
	bool steerable[HOKM_MAX_PEERS];          /* by slot */
	bool one_owner[HOKM_MAX_PEERS];          /* by slot */
};

/* Before the event loop runs, and after notify_feed_open(). */
void notify_ends_open(struct notify_ends *e, const struct notify_ends_of *of);
/*
 * After a reload: another peer may have the slot, another service the index, and what either
 * reported in an earlier life of this daemon is to be ended like at the start.
 */
void notify_ends_reconf(struct notify_ends *e);

#endif
