/* SPDX-License-Identifier: GPL-2.0-only */
/* See path_look.h. It takes two dumps of the kernel's tables: for the thread of the keeper. */
#include "act/path_look.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_arp.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The interface of the address; the label of the address ends at a colon ("eth1:1"). */
static void find_name(const struct ifaddrs *all, struct path_place *p)
{
	p->err = -EADDRNOTAVAIL;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct sockaddr_in sin;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET ||
		    a->ifa_flags & IFF_LOOPBACK)
			continue;
		memcpy(&sin, a->ifa_addr, sizeof(sin));
		if (sin.sin_addr.s_addr != p->addr.s_addr)
			continue;
		snprintf(p->name, sizeof(p->name), "%.*s", (int)strcspn(a->ifa_name, ":"),
			 a->ifa_name);
		p->err = 0;
		return;
	}
}

static void find_link(const struct ifaddrs *all, struct path_place *p)
{
	p->err = -EADDRNOTAVAIL;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		struct sockaddr_ll ll;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_PACKET ||
		    strcmp(a->ifa_name, p->name))
			continue;
		memcpy(&ll, a->ifa_addr, sizeof(ll));
		p->ifindex = ll.sll_ifindex;
		memcpy(p->mac, ll.sll_addr, sizeof(p->mac));
		p->err = ll.sll_hatype == ARPHRD_ETHER ? 0 : -EPROTOTYPE;
		return;
	}
}

void path_look(const struct in_addr *addrs, unsigned int n, int own_ifindex, struct path_place *out)
{
	struct ifaddrs *all = NULL;
	int err = 0;

	if (n && getifaddrs(&all) < 0)
		err = -errno;
	for (unsigned int i = 0; i < n; i++) {
		struct path_place *p = &out[i];

		memset(p, 0, sizeof(*p));
		p->addr = addrs[i];
		p->err = err;
		if (!err)
			find_name(all, p);
		if (!p->err)
			find_link(all, p);
		if (!p->err && p->ifindex == own_ifindex)
			p->err = -EINVAL;
	}
	if (all)
		freeifaddrs(all);
}

const char *path_place_text(int err)
{
	switch (err) {
	case 0:
		return "in use";
	case -EADDRNOTAVAIL:
		return "no interface of this machine has the address";
	case -EINVAL:
		return "the address is on the interface of the VIP: a path leads over another one";
	case -EPROTOTYPE:
		return "its interface is no Ethernet";
	default:
		return strerror(-err);
	}
}
