/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules by which the kernel chooses a table of routes (policy routing, `ip rule`). A socket of
 * the daemon that is bound to a VIP learns what the kernel decides by source and destination. What
 * it decides by more, for other sockets or for packets that are forwarded, it cannot learn:
 *
 *  - a VRF has a table of its own, by a rule of type `l3mdev`;
 *  - a server may mark its packets (SO_MARK, tcp_fwmark_accept), for a rule with `fwmark`;
 *  - a server in a container has another source address and comes in by a bridge.
 */
#ifndef HOKM_ACT_IP_RULES_H
#define HOKM_ACT_IP_RULES_H

/*
 * Do rules decide by anything but a single source address and destinations? Returns 1 when one
 * does, 0 when none does, or -errno. Opens a socket of its own for that.
 */
int ip_rules_decide_by_more(void);

#endif
