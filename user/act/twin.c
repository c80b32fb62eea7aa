/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See twin.h. The questions are probes: the sender's address is 0, so they change no ARP table, and
 * so another machine that asks for the same address is known by its question (RFC 5227 section
 * 2.1.1).
 */
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
#include "base/gateway.h"
#include "conf/conf.h"

/* A question that is lost is asked again. */
#define ROUNDS 2

/* More hosts than these in one look are not kept: then this node does not go first. */
#define HOSTS_MAX 16

/* Another host, by what it answered and asked during the look. */
struct host {
	unsigned char mac[ETH_ALEN];
	bool has;    /* it answered for the address of this node */
	bool router; /* it answered for the address of a peer */
	bool asks;   /* it asked for the address of this node, which was not its own then */
};

struct twin {
	int fd;
	struct sockaddr_ll link; /* of this node's interface, with its MAC address */
	struct ifaddrs *machine; /* all interfaces of the machine */
	const struct conf *conf;
	struct in_addr gateway; /* of the interface; 0: none is known */
	bool heard;             /* a host answered or asked */
	struct host host[HOSTS_MAX];
	unsigned int n_hosts;
	bool crowd;                  /* there were more hosts */
	bool crowd_has;              /* one of those answered for the address of this node */
	unsigned char mac[ETH_ALEN]; /* crowd_has: of it */
};

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
	bool running = false;

	if (getifaddrs(&t->machine))
		return -errno;
	for (const struct ifaddrs *i = t->machine; i; i = i->ifa_next) {
		const struct sockaddr_ll *ll = link_of(i);

		if (!ll || strcmp(i->ifa_name, t->conf->interface) != 0)
			continue;
		t->link = *ll;
		running = (i->ifa_flags & IFF_UP) && (i->ifa_flags & IFF_RUNNING);
	}
	if (!t->link.sll_ifindex)
		return -ENODEV;
	if (!running)
		return -ENETDOWN;
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

/* The host with this MAC address, new or known; NULL: there is no room. */
static struct host *host_of(struct twin *t, const unsigned char mac[ETH_ALEN])
{
	struct host *h = t->host;

	for (unsigned int i = 0; i < t->n_hosts; i++)
		if (!memcmp(t->host[i].mac, mac, ETH_ALEN))
			return &t->host[i];
	t->crowd = t->n_hosts == HOSTS_MAX;
	if (t->crowd)
		return NULL;
	h += t->n_hosts++;
	memcpy(h->mac, mac, ETH_ALEN);
	return h;
}

/* The node of the configuration with this address, or n_nodes. */
static unsigned int node_of(const struct conf *c, struct in_addr addr)
{
	unsigned int i = 0;

	while (i < c->n_nodes && c->nodes[i].addr.s_addr != addr.s_addr)
		i++;
	return i;
}

static void take(struct twin *t, const struct ether_arp *arp)
{
	const bool is_reply = arp->arp_op == htons(ARPOP_REPLY);
	const struct conf *c = t->conf;
	struct in_addr from, to;
	unsigned int node;
	struct host *h;

	memcpy(&from, arp->arp_spa, sizeof(from));
	memcpy(&to, arp->arp_tpa, sizeof(to));
	if (is_own(t, arp->arp_sha) ||
	    (!is_reply && (arp->arp_op != htons(ARPOP_REQUEST) || from.s_addr)))
		return;
	node = node_of(c, is_reply ? from : to);
	t->heard |= node < c->n_nodes ||
		    (is_reply && from.s_addr && from.s_addr == t->gateway.s_addr);
	if (node == c->n_nodes || (!is_reply && node != c->self))
		return;
	h = host_of(t, arp->arp_sha);
	if (!h) {
		if (is_reply && node == c->self) {
			t->crowd_has = true;
			memcpy(t->mac, arp->arp_sha, sizeof(t->mac));
		}
		return;
	}
	h->asks |= !is_reply;
	h->has |= is_reply && node == c->self;
	h->router |= is_reply && node != c->self;
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

static int ask_all(struct twin *t, unsigned int wait_ms)
{
	uint64_t began_ns = clock_now_ns();
	int err = 0;

	/* No route, or no table of routes: then only the nodes are asked. */
	if (gateway_find(t->conf->interface, &t->gateway))
		t->gateway.s_addr = 0;
	for (unsigned int round = 1; !err && round <= ROUNDS; round++) {
		for (unsigned int i = 0; !err && i < t->conf->n_nodes; i++)
			err = ask(t, t->conf->nodes[i].addr);
		if (!err && t->gateway.s_addr)
			err = ask(t, t->gateway);
		if (!err)
			listen_until(t, began_ns + round * wait_ms * NS_PER_MS / ROUNDS);
	}
	return err;
}

/* Fills *seen. Returns 1 when there is a twin, else 0. */
static int judge(const struct twin *t, struct twin_seen *seen)
{
	int found = 0;

	seen->goes_first = !t->crowd;
	seen->heard = t->heard;
	for (unsigned int i = 0; i < t->n_hosts; i++) {
		const struct host *h = &t->host[i];

		if (!h->has || h->router)
			continue;
		found = 1;
		memcpy(seen->mac, h->mac, ETH_ALEN);
		if (!h->asks || memcmp(t->link.sll_addr, h->mac, ETH_ALEN) > 0)
			seen->goes_first = false;
	}
	/* It may be a router, too. Two owners are worse than a wait. */
	if (!found && t->crowd_has) {
		found = 1;
		memcpy(seen->mac, t->mac, sizeof(t->mac));
	}
	return found;
}

int twin_find(const struct conf *c, unsigned int wait_ms, struct twin_seen *seen)
{
	struct twin t = {.fd = -1, .conf = c};
	int err = begin(&t);

	if (!err)
		err = ask_all(&t, wait_ms);
	if (!err)
		err = judge(&t, seen);
	if (t.fd >= 0)
		close(t.fd);
	freeifaddrs(t.machine);
	return err;
}
