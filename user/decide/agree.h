/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must agree between the nodes of a group, as a digest: for each group of settings a hash,
 * and the values that an operator wants to see. It travels in CONTROL messages of replication,
 * whose signature covers it. Comparing two digests is all that is done with it: a mismatch is
 * reported and changes nothing.
 *
 * Layout, AGREE_LEN bytes, numbers in network byte order:
 *
 *    0   hash of each group, in the order of AGREE_GROUPS (32 bits each)
 *   28   number of VIPs (8), 0 (24)
 *   32   the VIPs, in ascending order, HOKM_MAX_VIPS addresses, 0 behind the last one
 *   48   version of the program: text, zeros behind it, the last byte is a zero
 */
#ifndef HOKM_AGREE_H
#define HOKM_AGREE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hokm/abi.h"

#define AGREE_LEN         64
#define AGREE_VERSION_MAX 16 /* with the zero behind it */

/* Name of a group: a section or key of the file. Then what it is, and what makes it agree. */
#define AGREE_GROUPS(X, p)                                                                \
	X(p, VIP, "vip", "the lists of VIPs", AGREE_BY_RELOAD)                            \
	X(p, NODE, "node", "addresses or priorities of the nodes, witnesses or arbiter",  \
	  AGREE_BY_RELOAD)                                                                \
	X(p, SERVICE, "service", "VIPs or ports of the services", AGREE_BY_RELOAD)        \
	X(p, VRRP, "vrrp", "version, vrid, mode, checksum or advert", AGREE_BY_RELOAD)    \
	X(p, PULSE, "pulse", "port, interval, dead, players_dead_after, stale or grant",  \
	  AGREE_BY_RELOAD)                                                                \
	X(p, SECRET, "secret", "the secrets or their order",                              \
	  "finish the steps of \"Replace the secret\" in docs/operation.md on each node") \
	X(p, VERSION, "version", "the versions of the program",                           \
	  "install the same version on each node and run hokm-xdp ctl upgrade there")
#define AGREE_BY_RELOAD "give the nodes the same file and reload it with hokm-xdp ctl reload"

#define AGREE_ENUM(p, id, name, text, repair) p##_##id,
enum agree_group { AGREE_GROUPS(AGREE_ENUM, AGREE) AGREE_GROUP_COUNT };

struct agree {
	uint32_t hash[AGREE_GROUP_COUNT];
	unsigned int n_vips;
	struct in_addr vips[HOKM_MAX_VIPS]; /* ascending */
	char version[AGREE_VERSION_MAX];
};

/* "?" for a value that is out of range. */
const char *agree_name(unsigned int group);
/* What it is. */
const char *agree_text(unsigned int group);
/* What the operator can do. */
const char *agree_repair(unsigned int group);

/* Writes AGREE_LEN bytes. */
void agree_put(const struct agree *a, unsigned char *at);
/* Reads AGREE_LEN bytes. False, with *out undefined, when they are no digest. */
bool agree_get(const unsigned char *at, struct agree *out);

/*
 * A node whose file has new members that are not in force there yet tells the complement of the
 * hash of that file: it goes by its former file or by this one. Does the peer, of this file?
 */
bool agree_waits(const struct agree *file, const struct agree *there);

/*
 * The groups that differ, bit 1 << group. Group `node` does not where one of the two waits with the
 * file of the other one.
 */
unsigned int agree_differ(const struct agree *here, const struct agree *there);

/*
 * May this node change its members from those of `here` to those of `want`, as far as the peers
 * are concerned? `there` is by slot, NULL for a peer that is not connected. Returns the slot of a
 * peer that stands in the way, or -1.
 *
 * A peer that has read neither file counts another majority, which may have no member in common
 * with the wanted one. But where another peer has read the wanted file already, these two
 * majorities stand beside each other in any case: this node only leaves a file behind.
 *
 * A peer that waits with the wanted file (agree_waits()) goes by that or by a file that may stand
 * beside it. One that waits with the file of this node may go by one that must not stand beside
 * the wanted one.
 */
int agree_behind(const struct agree *here, const struct agree *want,
		 const struct agree *const there[HOKM_MAX_PEERS]);

#endif
