/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp dns monitor`: DNS failover from any machine, without VRRP, packet path and privileges.
 *
 *   monitor_watch.c  the checks of each node           -> struct dns_monitor_node
 *   decide/dns_monitor.c  whose address, and when      -> struct dns_owner
 *   dns.c  when to write, jobs at the provider, orders, history: as in the daemon of a node
 *
 * After each event the loop makes one turn through the three of them, in this order. Nothing waits.
 */
#ifndef HOKM_DAEMON_MONITOR_H
#define HOKM_DAEMON_MONITOR_H

#include "daemon/dns.h"
#include "daemon/monitor_watch.h"
#include "daemon/node.h"
#include "daemon/notify_feed.h"

struct monitor;

/* Where operators reach the monitor; see front_ops.h. */
struct monitor_front {
	int (*open)(struct monitor *m, sd_event *event, const struct conf *c, struct events *events,
		    void **front);
	void (*close)(void *front);
};

struct monitor {
	struct node node; /* configuration, event loop, event stream; without a packet path */
	struct dns dns;
	struct notify_feed notify;
	struct monitor_watch watch[CONF_NODES_MAX];
	struct dns_monitor decide[CONF_DNS_TYPES];
	bool blind; /* as reported */
	sd_event_source *tick, *turn;
	const struct monitor_front *front_ops;
	void *front;
};

/* argv[0] is "monitor". Returns the exit code, as in sysexits.h. */
int monitor_main(int argc, char **argv, const struct monitor_front *front);

#endif
