/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VIP worker: a thread that makes the addresses and local routes of the VIPs as they are
 * desired. The kernel takes the lock RTNL for each change, and others may hold this lock for
 * seconds. The thread of the event loop must not wait for it: adverts, pulses and the lease go on
 * meanwhile.
 *
 * The loop hands over the whole desired state, and a newer one replaces one that was not begun: an
 * address that is no longer wanted when its turn comes is never added. Each job has one result.
 *
 * Until vip_worker_start() each job is done by its caller, before vip_worker_post() returns. All
 * functions are called by the thread of the event loop.
 */
#ifndef HOKM_ACT_VIP_WORKER_H
#define HOKM_ACT_VIP_WORKER_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "act/vip.h"
#include "hokm/abi.h"

struct vip_worker; /* opaque */

struct vip_list {
	unsigned int n;
	struct in_addr vip[HOKM_MAX_VIPS];
};

/* The most gateways that are read. */
#define VIP_GATEWAYS_MAX 4

struct vip_job {
	int ifindex;
	bool gone; /* the interface was removed, and its addresses with it. Is not forgotten either
		    */
	struct vip_list addrs, routes;
	/* Look whether what was added before is still there. A newer job does not undo this. */
	bool addrs_again, routes_again;
	/* Read the addresses of the gateways on this interface; "": do not. The same. */
	char gateway_of[IF_NAMESIZE];
};

struct vip_result {
	int err; /* 0, or the first -errno: what failed is tried again with the next job */
	struct vip_list addrs, routes; /* what is there now */
	/* Of what was asked for: how many were gone and are back, or -errno. */
	bool addrs_again, routes_again, gateway_read;
	int n_addrs_again, n_routes_again;
	struct in_addr gateway_addr; /* 0: none */
	unsigned int n_gateways;     /* of all routes over the interface, the default one first */
	struct in_addr gateways[VIP_GATEWAYS_MAX];
	unsigned char gateway[6]; /* zero: none, or it is not resolved */
};

/* Takes v over, also on an error. addrs: which are there already. Returns 0 or -errno, logged. */
int vip_worker_open(struct vip *v, const struct vip_list *addrs, struct vip_worker **out);
/*
 * Ends the thread. A kernel that does not answer in time keeps it: then the thread ends with the
 * process. NULL is allowed.
 */
void vip_worker_close(struct vip_worker *w);

/* Starts the thread, with the capabilities of the caller. Returns 0 or -errno, logged. */
int vip_worker_start(struct vip_worker *w);
/* Becomes readable when a job is done. */
int vip_worker_fd(const struct vip_worker *w);

/* Hands over what is desired from now on. */
void vip_worker_post(struct vip_worker *w, const struct vip_job *job);
/* The result of a job, once; NULL when none is new. It is valid until the next call of any. */
const struct vip_result *vip_worker_take(struct vip_worker *w);
/* Is a job under way, or waiting? */
bool vip_worker_busy(const struct vip_worker *w);
/* Does the thread work on one now? Then the kernel may have it. */
bool vip_worker_works(const struct vip_worker *w);
/*
 * Waits until every job is done, for this long at most. Returns 0 with the last result, or
 * -ETIMEDOUT.
 */
int vip_worker_wait(struct vip_worker *w, int ms, struct vip_result *out);

#endif
