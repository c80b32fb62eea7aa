/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper: a thread that reads back from the kernel what the daemon set there (architecture rule
 * 12). The kernel takes the lock RTNL for nearly all of it, and others may hold this lock for long.
 * The thread of the event loop must not wait for it, so it only asks the keeper and takes its
 * result.
 *
 * What does not depend on decisions the keeper puts back itself: sysctls, programs, pins, fences.
 * At addresses and routes of the VIPs it only looks; the VIP worker (act/vip_worker.h) adds them,
 * because it has what the loop wants by then.
 *
 * A keeper does one job at a time. All functions are called by the thread of the event loop.
 */
#ifndef HOKM_ACT_KEEPER_H
#define HOKM_ACT_KEEPER_H

#include <netinet/in.h>
#include <stdbool.h>

#include "act/fences.h"
#include "act/path_look.h"
#include "base/link_state.h"
#include "path/bpf.h"

struct keeper; /* opaque */

enum keep_part {
	KEEP_ADDRS,
	KEEP_ROUTES,
	KEEP_SYSCTLS,
	KEEP_INGRESS,
	KEEP_EGRESS,
	KEEP_PINS,
	KEEP_FENCES,
	/* Nobody puts these back: an operator gave them. */
	KEEP_SELF,    /* the node's own address */
	KEEP_CLIENTS, /* routes to the clients (act/way_out.h) */
	KEEP_PARTS
};

#define KEEP_FOREIGN 16 /* filters of others that are remembered */
#define KEEP_DOUBTS  16

struct keep_job {
	unsigned int parts; /* bits of enum keep_part */
	/*
	 * The interface is made again: it is looked for, and what it needs is set up. Its VRRP
	 * socket joins the group there (-1: none).
	 */
	bool returning;
	int group_fd;
	struct in_addr group;
	struct in_addr self; /* the node's own address */
	uint64_t doubt;      /* of the link watch: its state is to be read; 0: it is not */
	int link_ifindex;    /* of this interface */
	/* VIPs that must be addresses of the interface now, and VIPs that must have a route. */
	unsigned int n_addrs, n_routes;
	struct in_addr addrs[HOKM_MAX_VIPS], routes[HOKM_MAX_VIPS];
	/* The node's addresses on its paths; they are looked for with addresses and fences. */
	unsigned int n_paths;
	struct in_addr paths[HOKM_MAX_PATHS];
	/* Interfaces whose filters have changed; too many: all. */
	unsigned int n_doubts;
	int doubts[KEEP_DOUBTS];
};

struct keep_result {
	unsigned int parts; /* of the job; 0 when a returning interface was not there */
	int ifindex;        /* of a returning interface; 0: it is not there */
	bool has_self;      /* it has the node's own address, and its socket is in the group */
	uint64_t doubt;     /* of the job when `link` was read, else 0 */
	int link_err;       /* 0, or -errno: it could not be read */
	struct link_state link;
	/* How many things were put back (addresses, routes: are missing), or -errno. */
	int n[KEEP_PARTS];
	const char *mode; /* of the XDP program, as hokm_bpf_mode() */
	unsigned int n_foreign;
	struct hokm_foreign foreign[KEEP_FOREIGN];
	unsigned int n_paths; /* looked for: those of the job */
	struct path_place paths[HOKM_MAX_PATHS];
	unsigned int n_fences;
	struct fence_entry fences[HOKM_MAX_FENCES];
};

/* "VIP address", "egress filter" ... of a part, for messages; its name for machines: "addrs" ... */
const char *keep_part_text(enum keep_part part);
const char *keep_part_name(enum keep_part part);

/*
 * Fences the other interfaces of the machine and looks for filters of others, without a thread.
 * Returns 0 or -errno, logged. The caller closes *out with keeper_close().
 */
int keeper_open(const struct hokm_bpf *b, const char *ifname, struct keeper **out);
/* Ends the thread. Everything stays in the kernel. NULL is allowed. */
void keeper_close(struct keeper *k);

/*
 * Starts the thread, with the capabilities of the caller and the lowest real-time priority, if the
 * kernel grants one. Returns 0 or -errno, logged.
 */
int keeper_start(struct keeper *k);

/* Becomes readable when a job is done. */
int keeper_fd(const struct keeper *k);

/* Gives the keeper a job. Returns false when it still works on another one. */
bool keeper_ask(struct keeper *k, const struct keep_job *job);

/* Does it work on a job? */
bool keeper_busy(const struct keeper *k);

/* The result of the last job, once; NULL when none is new. It is valid until the next job. */
const struct keep_result *keeper_take(struct keeper *k);

#endif
