/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fence of the machine: which interfaces beside that of the instance could answer ARP for a VIP
 * or take a connection without a lease, and whether each of them has its filter (bpf/fence.h).
 *
 * A struct fence is used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_FENCES_H
#define HOKM_ACT_FENCES_H

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>

#include "path/bpf.h"

struct fence; /* opaque: a netlink socket and the list of interfaces */

/* One interface that needs a fence. */
struct fence_entry {
	int ifindex;
	char name[IF_NAMESIZE];
	int err;       /* 0: covered; else -errno of the last attempt */
	bool verified; /* nothing has changed since the fence was looked at */
	bool seen;     /* by the present dump */
};

/* `b` is borrowed. Returns 0 or -errno, logged. The caller closes *out with fence_close(). */
int fence_open(struct hokm_bpf *b, struct fence **out);
/* Leaves the filters as they are. NULL is allowed. */
void fence_close(struct fence *f);

/*
 * Reads the interfaces of the machine, gives a fence to each that needs one and has none, and
 * removes it from those that need it no longer. Returns how many fences of known interfaces were
 * gone and were put back, or -errno when the interfaces could not be read, logged.
 */
int fence_sync(struct fence *f);

/* A filter of this interface has changed; 0: of any. The next fence_sync() looks at it. */
void fence_doubt(struct fence *f, int ifindex);

/* The interfaces that need a fence; *list stays valid until the next call of fence_sync(). */
unsigned int fence_list(const struct fence *f, const struct fence_entry **list);

/*
 * True when the interface of this RTM_NEWLINK message can receive ARP for this machine's own
 * addresses, and so needs a fence. Its name is written to `name`.
 */
bool fence_needed(struct nlmsghdr *nlh, int own_ifindex, char name[IF_NAMESIZE]);

#endif
