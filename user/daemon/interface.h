/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface of the instance is removed and made again: a bond, a VLAN, `networking restart`.
 * The new interface has the same name and another index. It has none of what the daemon set: no
 * programs, no sysctls, no address, and no socket is bound to it.
 *
 *   removed     the node is in fault; its local routes go at once (act/apply.h)
 *   made again  the keeper finds it, attaches programs and fences, sets the sysctls, looks for the
 *               node's own address, and reads the state of the link
 *   complete    sockets follow, the routes come back, and the state of the link decides again
 *
 * Nothing of it asks the kernel on the thread of the event loop where its lock for network settings
 * (RTNL) may be held by others.
 *
 * While the interface is not there, the active checks pause: they reach the services by the routes.
 */
#ifndef HOKM_DAEMON_INTERFACE_H
#define HOKM_DAEMON_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* The handler of the link watch. `arg` is the daemon. */
void interface_on_link(bool up, bool gone, void *arg);
/*
 * The interface has another MAC (a bond that changed its port, an operator), or its link back. XDP
 * answers with the new one from now on. Gratuitous ARP tells the peers' kernels, and the clients if
 * this node is owner; the peers' XDP learns it from the next answer to a pulse.
 */
void interface_follow(struct daemon *d);
/* Takes the note that the interface was removed. True while it is gone. */
bool interface_left(struct daemon *d);
/* Pulses ceased: has the link read before Master_Down concludes that the peer is dead. */
void interface_suspect(struct daemon *d, uint64_t now_ns);
/* Has a link in doubt read. While the interface is gone: takes it into use when it is complete. */
void interface_run(struct daemon *d, uint64_t now_ns);

#endif
