/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the paths of the pulses end: the interface that has the node's address on a path, and what
 * keeps the path from being used.
 */
#ifndef HOKM_ACT_PATH_LOOK_H
#define HOKM_ACT_PATH_LOOK_H

#include <net/if.h>
#include <netinet/in.h>

struct path_place {
	struct in_addr addr; /* that was looked for */
	/*
	 * 0: found. -EADDRNOTAVAIL: no interface has the address; -EINVAL: it is that of the
	 * instance; -EPROTOTYPE: it is no Ethernet; or another -errno of looking.
	 */
	int err;
	int ifindex;
	unsigned char mac[6];
	char name[IF_NAMESIZE];
};

/* Looks for n addresses. own_ifindex: the interface of the instance. */
void path_look(const struct in_addr *addrs, unsigned int n, int own_ifindex,
	       struct path_place *out);

/* Why the path is not in use, for operators. */
const char *path_place_text(int err);

#endif
