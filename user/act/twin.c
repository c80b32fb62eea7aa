/* SPDX-License-Identifier: GPL-2.0-only */
/* See twin.h. The questions are probes: the sender's address is 0, so they change no ARP table. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/twin.h"
#include "base/clock.h"
#include "conf/conf.h"

/* A question that is lost is asked again. */
#define ROUNDS 2

struct twin {
	int fd;
	struct sockaddr_ll link; /* of this node's interface, with its MAC address */
	struct ifaddrs *machine; /* all interfaces of the machine */
	const struct conf *conf;
	bool found;
	unsigned char mac[ETH_ALEN];                  /* found: who answered for this node */
	unsigned char peer[CONF_NODES_MAX][ETH_ALEN]; /* who answered for each peer */
};

static const unsigned char nobody[ETH_ALEN];

static const struct sockaddr_ll *link_of(const struct ifaddrs *i)
{
	const struct sockaddr_ll *ll = (const void *)i->ifa_addr;

	return ll && ll->sll_family == AF_PACKET && ll->sll_halen == ETH_ALEN ? ll : NULL;
}

/* A second interface in the same segment answers for the addresses of the first one, too. */
static bool is_own(const struct twin *t, const unsigned char mac[ETH_ALEN])
{
	for (const struct ifaddrs *i = t->machine; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll = link_of(i);

		if (ll && !memcmp(ll->sll_addr, mac, ETH_ALEN))
			return true;
	}
	return false;
}

static int begin(struct twin *t)
{
	if (getifaddrs(&t->machine))
		return -errno;
	for (const struct ifaddrs *i = t->machine; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll = link_of(i);

		if (ll && !strcmp(i->ifa_name, t->conf->interface))
			t->link = *ll;
	}
	if (!t->link.sll_ifindex)
		return -ENODEV;
	t->link.sll_protocol = htons(ETH_P_ARP);
	t->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP));
	if (t->fd < 0)
		return -errno;
	return bind(t->fd, (const struct sockaddr *)&t->link, sizeof(t->link)) ? -errno : 0;
}

static int ask(const struct twin *t, struct in_addr target)
{
	struct sockaddr_ll to = t->link;
	struct ether_arp arp = {0};

	arp.arp_hrd = htons(ARPHRD_ETHER);
	arp.arp_pro = htons(ETH_P_IP);
	arp.arp_hln = ETH_ALEN;
	arp.arp_pln = sizeof(target);
	arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(arp.arp_sha, t->link.sll_addr, ETH_ALEN);
	memcpy(arp.arp_tpa, &target, sizeof(target));
	memset(to.sll_addr, 0xff, ETH_ALEN);
	return sendto(t->fd, &arp, sizeof(arp), 0, (const struct sockaddr *)&to, sizeof(to)) < 0
		       ? -errno
		       : 0;
}

static void take(struct twin *t, const struct ether_arp *arp)
{
	const struct conf *c = t->conf;
	struct in_addr sender;

	memcpy(&sender, arp->arp_spa, sizeof(sender));
	if (arp->arp_op != htons(ARPOP_REPLY) || is_own(t, arp->arp_sha))
		return;
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		if (c->nodes[i].addr.s_addr != sender.s_addr)
			continue;
		if (i == c->self) {
			t->found = true;
			memcpy(t->mac, arp->arp_sha, ETH_ALEN);
		} else {
			memcpy(t->peer[i], arp->arp_sha, ETH_ALEN);
		}
	}
}

static void listen_until(struct twin *t, uint64_t end_ns)
{
	for (uint64_t now_ns = clock_now_ns(); now_ns < end_ns; now_ns = clock_now_ns()) {
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		struct ether_arp arp;
		ssize_t got;

		if (poll(&p, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0)
			continue;
		got = recv(t->fd, &arp, sizeof(arp), MSG_DONTWAIT);
		if (got == (ssize_t)sizeof(arp))
			take(t, &arp);
	}
}

static int ask_all(struct twin *t)
{
	uint64_t began_ns = clock_now_ns();
	int err = 0;

	for (unsigned int round = 1; !err && round <= ROUNDS; round++) {
		for (unsigned int i = 0; !err && i < t->conf->n_nodes; i++)
			err = ask(t, t->conf->nodes[i].addr);
		if (!err)
			listen_until(t, began_ns + round * TWIN_WAIT_MS * NS_PER_MS / ROUNDS);
	}
	return err;
}

static bool answers_for_peers(const struct twin *t)
{
	for (unsigned int i = 0; i < t->conf->n_nodes; i++)
		if (memcmp(t->peer[i], nobody, ETH_ALEN) != 0 &&
		    !memcmp(t->peer[i], t->mac, ETH_ALEN))
			return true;
	return false;
}

int twin_find(const struct conf *c, unsigned char mac[6])
{
	struct twin t = {.fd = -1, .conf = c};
	int err = begin(&t);

	if (!err)
		err = ask_all(&t);
	if (!err && t.found && !answers_for_peers(&t)) {
		memcpy(mac, t.mac, ETH_ALEN);
		err = 1;
	}
	if (t.fd >= 0)
		close(t.fd);
	freeifaddrs(t.machine);
	return err;
}
