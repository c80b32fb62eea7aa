/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place where decisions become state of the kernel: compares what is wanted with what is,
 * and changes only the difference.
 *
 * apply_own() is the switch: one map write, microseconds, called the moment a lease is taken or
 * dropped. apply_sync() does the rest (service states, VIP address, suspects) and may be called as
 * often as one likes: with nothing to do it makes no system call.
 */
#ifndef HOKM_ACT_APPLY_H
#define HOKM_ACT_APPLY_H

#include <netinet/in.h>
#include <stdbool.h>

#include "path/bpf.h"
#include "conf/conf.h"

struct apply; /* opaque: vip, garp, what is in effect */

/* All of it is desired state: nothing here is a command. */
struct apply_want {
	struct hokm_own own;
	struct hokm_service service[HOKM_MAX_SERVICES];
	bool vip_raised; /* the VIPs are addresses of the interface */
	unsigned int n_vips;
	struct in_addr vips[HOKM_MAX_VIPS];
};

/*
 * Takes hold of the interface's sysctls and the VIP routes. `b` is borrowed. Undone by
 * apply_close() unless told to keep. -errno with the cause logged, and nothing left behind.
 */
int apply_open(const struct conf *c, struct hokm_bpf *b, const unsigned char mac[6],
	       struct apply **out);

/*
 * keep: leave routes and sysctls for the packet path that stays. Addresses of the VIP are removed
 * either way: only an owner has them.
 */
void apply_close(struct apply *a, bool keep);

/* The lease, state and sign of life. 0 or -errno (logged once until it works again). */
int apply_own(struct apply *a, const struct apply_want *want);

/* Everything else. 0, or the first -errno; what failed is tried again at the next call. */
int apply_sync(struct apply *a, const struct apply_want *want);

/* One gratuitous ARP for each VIP. */
void apply_garp(struct apply *a, const struct apply_want *want);

/*
 * New connections avoid the local service until then, while a peer is up; 0: they may use it again.
 */
void apply_hold_suspect(struct apply *a, unsigned int slot, uint64_t until_ns);

/* For `cleanup`: what a daemon that is gone left of addresses, routes and sysctls. 0 or -errno. */
int apply_cleanup(const struct conf *c);

#endif
