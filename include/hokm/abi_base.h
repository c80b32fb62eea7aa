/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ground of the ABI: its version, the sizes of its tables, the special values of a target, and
 * the type of an address. hokm/abi.h states the rules that every ABI header keeps.
 */
#ifndef HOKM_ABI_BASE_H
#define HOKM_ABI_BASE_H

#ifndef __bpf__
#include <linux/types.h>
#include <stddef.h>
#define HOKM_OFFSETOF(t, m) offsetof(t, m)
#else
#define HOKM_OFFSETOF(t, m) __builtin_offsetof(t, m)
#endif

/* Raised by every change of a layout. A daemon refuses pins of another version. */
#define HOKM_ABI_VERSION 11

/* Peers of one node. A peer's slot is local to the node that keeps it. */
#define HOKM_MAX_PEERS 8
/* Services (pairs of VIP and TCP port) of one instance. */
#define HOKM_MAX_SERVICES 8
/* VIPs of one instance. */
#define HOKM_MAX_VIPS 4
/* Paths beside the segment on which pulses go between the nodes. */
#define HOKM_MAX_PATHS 2
/* A path of pulses is HOKM_PATH_SEGMENT, or 1 + the index of cfg.path. */
#define HOKM_PATH_SEGMENT 0
/* Other interfaces of the machine that can be fenced. */
#define HOKM_MAX_FENCES 1024

/*
 * How late the coarse clock of the kernel may be: a tick of the timer, which is 1 to 10 ms, and the
 * delay of a tick.
 */
#define HOKM_CLOCK_COARSE_NS 20000000ULL

/* A target is a slot of peers or one of these two. */
#define HOKM_LOCAL   255 /* this node */
#define HOKM_NO_PEER 254 /* no peer */

/* Slot of counters for everything that belongs to no service. */
#define HOKM_NODE_SLOT     HOKM_MAX_SERVICES
#define HOKM_COUNTER_SLOTS (HOKM_MAX_SERVICES + 1)

/*
 * Name tables: one line X(prefix, ID, "machine-name", "text") per value. The line gives the value
 * of the enum here, and the name and the text in user/base/names.c. Machine names never change;
 * texts are for operators.
 */
#define HOKM_ENUM(prefix, id, name, text) prefix##_##id,

/**
 * struct hokm_addr - an IP address
 * @w: the address as four words; an IPv4 address a.b.c.d is mapped as ::ffff:a.b.c.d (RFC 4291
 *     section 2.5.5.2), so that IPv6 needs no new layout
 */
struct hokm_addr {
	__be32 w[4];
};
_Static_assert(sizeof(struct hokm_addr) == 16, "addr");

/* Which end of a connection did something. */
#define HOKM_SIDE_NONE   0
#define HOKM_SIDE_CLIENT 1
#define HOKM_SIDE_SERVER 2

/*
 * Size of a replication message in bytes: UDP payload, sent with TTL 255. The greatest one is 1244
 * bytes with its IP and UDP headers, and no MTU in use is below 1280. user/decide/repl_wire.h
 * defines the content.
 */
#define HOKM_REPL_MIN 56
#define HOKM_REPL_MAX 1216

#endif
