/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arbiter `gateway`: asks the gateway by ARP, learns its address and MAC, reads from the packet
 * path what it answered (struct hokm_gateway), and reports changes. decide/arbiter.h decides.
 *
 * Without the key `gateway` the address is that of the default route of the interface. The VIP
 * worker reads it once a second: the table of routes may be long. A route that is gone changes
 * nothing: the last address goes on being asked.
 */
#ifndef HOKM_DAEMON_GATEWAY_WATCH_H
#define HOKM_DAEMON_GATEWAY_WATCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "decide/arbiter.h"
#include "decide/stand_in.h"

struct node;

struct gateway_watch {
	struct node *node;
	struct gateway gateway;
	struct gateway_output out;
	struct in_addr addr; /* that is asked; 0: none is known */
	bool of_route;       /* it is that of the default route */
	uint64_t look_ns;    /* when to read the route again */
	bool unknown;        /* that there is no address was reported */
	enum gateway_phase reported;
	struct stand_in_asked asked;
};

void gateway_watch_init(struct gateway_watch *w, struct node *n);
/* The configuration has changed. */
void gateway_watch_reconf(struct gateway_watch *w);
/* owns: this node is owner. */
void gateway_watch_run(struct gateway_watch *w, bool owns, uint64_t now_ns);
/* Asks it now, by its known MAC address. Every question must go this way: see stand_in.h. */
void gateway_watch_ask(struct gateway_watch *w, uint64_t now_ns);
/*
 * A peer is heard: it answers pulses; or it never answered one, and sent an advert within the last
 * two intervals and a half.
 */
bool gateway_watch_peer(const struct node *n, uint64_t now_ns);
/* The gateway need not be asked. */
bool gateway_watch_is_calm(const struct gateway_watch *w);

#endif
