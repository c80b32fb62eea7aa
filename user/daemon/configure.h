/* SPDX-License-Identifier: GPL-2.0-only */
/* Brings the configuration into the maps: at the start and after a reload. */
#ifndef HOKM_DAEMON_CONFIGURE_H
#define HOKM_DAEMON_CONFIGURE_H

#include <stdbool.h>

#include "decide/vrrp.h"
#include "decide/vrrp_wire.h"
#include "sense/pulse.h"

struct conf;
struct node;

/*
 * Gives each service and peer its slot, fills map cfg, and sets the keys of the pulses, in the map
 * and in `pulse`. Services and peers that the maps know keep their slots, so that entries of
 * connections stay valid. 0 or -errno.
 */
int configure_node(struct node *n, struct pulse *pulse);
/*
 * Brings the MAC of the interface to everything that uses it: map cfg, the probes, gratuitous ARP.
 * *changed: it was another one before. 0 or -errno.
 */
int configure_mac(struct node *n, struct pulse *pulse, const unsigned char mac[6], bool *changed);
/* The settings of the VRRP machine. */
void configure_vrrp(const struct conf *c, struct vrrp_conf *v);
/* The form of adverts. */
void configure_wire(const struct conf *c, struct vrrp_wire_conf *w);

#endif
