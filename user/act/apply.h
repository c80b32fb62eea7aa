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
 * A struct apply is used by the thread of the event loop only. What the kernel may make wait for
 * its lock RTNL is done by a thread of its own, the VIP worker.
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
int apply_close(struct apply *a, bool keep);

/*
 * Writes ownership (want->own). Returns 0 or -errno; a failure is logged once until it works again.
 */
int apply_own(struct apply *a, const struct apply_want *want);

/*
 * Makes everything else as desired: the service states now, addresses and routes by the VIP worker
 * (act/vip_worker.h), which does not make the caller wait for the kernel. Returns 0, the -errno of
 * a service state, or that of the last addresses and routes that were tried; the first failure is
 * logged. What failed is tried again at the next call.
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
 * Starts the thread of the VIP worker, with the capabilities of the caller. Until then the callers
 * of the functions here wait for the kernel. Returns 0 or -errno, logged.
 */
int apply_start(struct apply *a);
/* Does the thread work on something now? Then the kernel may have it. */
bool apply_works(const struct apply *a);
/* Becomes readable when the worker is done with something. */
int apply_fd(const struct apply *a);

/* Asks the worker to add again the addresses, or the routes, that others removed. */
void apply_addrs_again(struct apply *a);
void apply_routes_again(struct apply *a);
/*
 * True once, when the worker has done that. *n: how many were gone and are back, or -errno; then
 * apply_sync() goes on trying.
 */
bool apply_addrs_put(struct apply *a, int *n);
bool apply_routes_put(struct apply *a, int *n);

/*
 * Asks the worker for the addresses of the default gateway: the table of routes may be long. The
 * last ones, or zero for none. The first ones are there after apply_open().
 */
void apply_read_gateway(struct apply *a);
void apply_gateway(const struct apply *a, unsigned char mac[6]);
struct in_addr apply_gateway_addr(const struct apply *a);
/* The gateways of all routes over the interface as they were read last; their number. */
unsigned int apply_gateways(const struct apply *a, const struct in_addr **list);

/* Writes the addresses and routes that must be there now into a job for the keeper. */
void apply_fill_job(const struct apply *a, struct keep_job *job);

/* True when the last apply_sync() failed. */
bool apply_failing(const struct apply *a);
/* True while an address or a route that is desired is not there, as far as is known. */
bool apply_lacking(const struct apply *a);

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
