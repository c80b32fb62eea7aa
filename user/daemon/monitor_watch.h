/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a monitor sees of one node: the active checks of all services, made at an address of that
 * node by an agent of their own. A check is the same as in the daemon of the node: kind, times,
 * thresholds. Checks of kind exec are left out, because they test the machine that they run on.
 */
#ifndef HOKM_DAEMON_MONITOR_WATCH_H
#define HOKM_DAEMON_MONITOR_WATCH_H

#include "daemon/check_runner.h"
#include "daemon/inbox.h"
#include "daemon/services.h"
#include "decide/dns_monitor.h"
#include "sense/events.h"

struct monitor_watch {
	const char *name; /* of the node */
	struct in_addr addr;
	uint8_t priority;
	struct conf_service conf[HOKM_MAX_SERVICES]; /* with the node's address in each check */
	struct services services;
	enum hokm_svc_state shown[HOKM_MAX_SERVICES]; /* as reported */
	struct inbox inbox;
	struct check_runner checks;
	struct events *events;
	enum dns_sight sight;
	uint64_t since_ns;
};

/* The configuration has no exec check any more (monitor_watch_prepare()). 0 or -errno, logged. */
int monitor_watch_open(struct monitor_watch *w, sd_event *event, const struct conf *c,
		       unsigned int node, struct events *events);
void monitor_watch_close(struct monitor_watch *w);

/* Takes exec checks out. False, logged, when no check is left. */
bool monitor_watch_prepare(struct conf *c);

/* After each turn of the loop: takes results, begins what is due, reports what has changed. */
void monitor_watch_turn(struct monitor_watch *w, uint64_t now_ns);
/* The services of this node are checked as soon as possible. */
void monitor_watch_hurry(struct monitor_watch *w, uint64_t now_ns);
void monitor_watch_see(const struct monitor_watch *w, struct dns_monitor_node *out);

/* The time in which a node that is healthy is found UP, whatever was before. */
uint64_t monitor_watch_settle_ns(const struct conf *c);

#endif
