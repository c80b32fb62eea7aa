/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of an interface as rtnetlink tells it (RFC 3549): is it there, is its link up, its MAC.
 * A link is up when it has IFF_UP, IFF_RUNNING and IFF_LOWER_UP: the operator set it up, its
 * operational state is UP or UNKNOWN (RFC 2863), from which the kernel derives IFF_RUNNING, and its
 * driver has a carrier.
 *
 * The kernel updates the operational state, and sends its message, up to a second after the carrier
 * was lost (net/core/link_watch.c). IFF_LOWER_UP of a state that is read is that of the carrier at
 * this moment. A carrier that was away for less than a second may be announced by no message.
 *
 * Three more things make that nobody reaches this node, while programs in XDP go on answering. With
 * IFF_NOARP the kernel answers no ARP. A port gives its frames to its bridge or bond, before IP
 * sees them; only a VRF leaves them to the interface. A macvlan or macvtap of mode passthru on top
 * of the interface gets all of its frames, also while it is down itself. One that is moved to
 * another network namespace is not seen any more. Such a link counts as down.
 */
#ifndef HOKM_BASE_LINK_STATE_H
#define HOKM_BASE_LINK_STATE_H

#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>

struct link_state {
	bool gone; /* there is no such interface */
	bool up;
	bool no_arp, port; /* for one of these reasons it is not up, or because of `passthru` */
	bool able;         /* it is up but for `passthru` */
	int passthru;      /* the index of a link that gets all of its frames; 0: there is none */
	unsigned char mac[6]; /* the last one when it is gone */
};

/*
 * Takes the state from a message. Returns false when the message is not about this interface, or
 * one on top of it that changes its state.
 */
bool link_state_take(struct link_state *s, int ifindex, struct nlmsghdr *nlh);

/* What happened to the interface: "lost its link", ... to follow its name. A constant. */
const char *link_state_text(const struct link_state *s);

/*
 * Asks the kernel, which takes its lock for network settings (RTNL) for that: the caller may wait
 * for long. Returns 0 or -errno; -EINTR: links changed all the time meanwhile.
 */
int link_state_read(struct link_state *s, int ifindex);

/*
 * Leaves a multicast group on the interface `former`, which may be gone, and joins it on another
 * one. The kernel takes the same lock. A group that was joined already is no error. 0 or -errno.
 */
int link_group_move(int fd, struct in_addr group, int former, int ifindex);

#endif
