/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where decisions become state of the kernel. A caller describes the desired state in
 * a struct apply_want; the functions compare it with the actual state and change only the
 * difference.
 *
 * apply_own() switches ownership: it is one write to a map, takes microseconds, and is called at
 * the moment when a lease is taken or dropped. apply_sync() does the rest: service states and the
 * addresses of the VIPs. It may be called at any time, and makes no system call when nothing
 * differs.
 *
 * A struct apply is used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_APPLY_H
#define HOKM_ACT_APPLY_H

#include <netinet/in.h>
#include <stdbool.h>

#include "act/keeper.h"
#include "path/bpf.h"
#include "conf/conf.h"

struct apply; /* opaque: netlink and ARP sockets, and the actual state */

/* The desired state. */
struct apply_want {
	struct hokm_own own;
	struct hokm_service service[HOKM_MAX_SERVICES];
	bool vip_raised; /* the VIPs are addresses of the interface */
	unsigned int n_vips;
	struct in_addr vips[HOKM_MAX_VIPS];
};

/*
 * Sets the ARP sysctls, adds the routes of the VIPs, and adopts VIP addresses that an earlier
 * daemon left. Those of another origin are taken over with `take`, else the call is refused with
 * -EADDRINUSE. `b` is borrowed and must stay open until apply_close().
 * Returns 0 or -errno, logged; on an error nothing is left behind. The caller closes *out with
 * apply_close().
 */
int apply_open(const struct conf *c, struct hokm_bpf *b, const unsigned char mac[6], bool take,
	       struct apply **out);

/*
 * Removes the VIP addresses, because only a running owner has them. Unless `keep` is set, also
 * removes the routes and restores the sysctls; `keep` leaves them to the packet path that stays.
 * Failures are logged. NULL is allowed.
 */
void apply_close(struct apply *a, bool keep);

/* Writes ownership (want->own). Returns 0 or -errno; a failure is logged once until it works again.
 */
int apply_own(struct apply *a, const struct apply_want *want);

/*
 * Makes everything else as desired. Returns 0 or the first -errno; the first failure is logged.
 * What failed is tried again at the next call.
 */
int apply_sync(struct apply *a, const struct apply_want *want);

/*
 * The interface was removed, and the addresses with it. The routes are removed now, and stay away
 * until apply_interface_back(): by them the kernel would answer ARP for the VIPs on an interface
 * that is made again, which has neither the programs nor the sysctls yet.
 */
void apply_interface_gone(struct apply *a, const struct apply_want *want);
/* It was made again and has its programs and sysctls. apply_sync() adds what is wanted. */
void apply_interface_back(struct apply *a, int ifindex);

/*
 * Adds again the addresses, or the routes, that were added before and that others removed. Returns
 * how many there were, logged, or -errno; then apply_sync() goes on trying.
 */
int apply_addrs_again(struct apply *a);
int apply_routes_again(struct apply *a);

/* Writes the addresses and routes that must be there now into a job for the keeper. */
void apply_fill_job(const struct apply *a, struct keep_job *job);

/* True when the last apply_sync() failed. */
bool apply_failing(const struct apply *a);

/* Sends one gratuitous ARP for each VIP. Failures are logged. */
void apply_garp(struct apply *a, const struct apply_want *want);
/* The same for the node's own address. */
void apply_announce(struct apply *a, struct in_addr addr);
/* The interface has another MAC now: gratuitous ARP carries it from now on. */
void apply_set_mac(struct apply *a, const unsigned char mac[6]);

/* Asks a peer for its own address by ARP. Returns 0 or -errno. */
int apply_ask(struct apply *a, struct in_addr own, struct in_addr peer, const unsigned char mac[6]);

/*
 * Steers new connections away from the local service until `until_ns`, as long as a peer is up. 0
 * ends that. Failures are logged.
 */
void apply_hold_suspect(struct apply *a, unsigned int slot, uint64_t until_ns);

/*
 * For `cleanup`: removes the addresses and routes of the VIPs and restores the sysctls, which a
 * dead daemon left. Returns 0 or the first -errno.
 */
int apply_cleanup(const struct conf *c);

#endif
