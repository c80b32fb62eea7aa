/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ARP requests of this node.
 *
 *   Ethernet  src the interface's MAC, type 0x0806
 *   ARP       request; sender MAC; target MAC zero (RFC 5227 section 1.1)
 *
 *                 Ethernet dst        sender address   target address
 *   gratuitous    ff:ff:ff:ff:ff:ff   VIP or own       the same
 *   question      the peer's MAC      own              the peer's
 *                 ff:ff:ff:ff:ff:ff   VIP or own       a gateway's or a peer's
 *
 * Gratuitous ARP is a request, as keepalived sends it, and not a reply: every stack updates an
 * existing ARP entry from both, but some ignore a reply without a request. A question goes to the
 * peer's MAC alone where nobody else on the link need hear it. One in the name of a VIP goes to
 * all: so those learn the owner's MAC who ignore gratuitous ARP (daemon/announcing.h).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/garp.h"
#include "base/log.h"

struct garp {
	int fd;
	int ifindex;
	unsigned char mac[ETH_ALEN];
};

struct garp_frame {
	struct ether_header eth;
	struct ether_arp arp;
} __attribute__((packed));
_Static_assert(sizeof(struct garp_frame) == 42, "ARP frame");

int garp_open(int ifindex, const unsigned char mac[6], struct garp **out)
{
	struct garp *g = calloc(1, sizeof(*g));
	int err;

	*out = NULL;
	if (!g)
		return -ENOMEM;
	g->ifindex = ifindex;
	memcpy(g->mac, mac, ETH_ALEN);
	/* Protocol 0: this socket never receives anything. */
	g->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->fd < 0) {
		err = -errno;
		log_error("could not open a packet socket for gratuitous ARP: %s%s", strerror(-err),
			  err == -EPERM ? "; CAP_NET_RAW is needed" : "");
		free(g);
		return err;
	}
	*out = g;
	return 0;
}

void garp_close(struct garp *g)
{
	if (!g)
		return;
	close(g->fd);
	free(g);
}

void garp_set_interface(struct garp *g, int ifindex)
{
	g->ifindex = ifindex;
}

void garp_set_mac(struct garp *g, const unsigned char mac[6])
{
	memcpy(g->mac, mac, ETH_ALEN);
}

static const unsigned char everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static int send_request(struct garp *g, const unsigned char dest[ETH_ALEN], struct in_addr sender,
			struct in_addr target)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = g->ifindex,
		.sll_halen = ETH_ALEN,
	};
	struct garp_frame f = {0};
	ssize_t n;

	memcpy(f.eth.ether_dhost, dest, ETH_ALEN);
	memcpy(f.eth.ether_shost, g->mac, ETH_ALEN);
	f.eth.ether_type = htons(ETH_P_ARP);
	f.arp.arp_hrd = htons(ARPHRD_ETHER);
	f.arp.arp_pro = htons(ETH_P_IP);
	f.arp.arp_hln = ETH_ALEN;
	f.arp.arp_pln = sizeof(sender);
	f.arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(f.arp.arp_sha, g->mac, ETH_ALEN);
	memcpy(f.arp.arp_spa, &sender, sizeof(sender));
	memcpy(f.arp.arp_tpa, &target, sizeof(target));
	memcpy(to.sll_addr, dest, ETH_ALEN);
	n = sendto(g->fd, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(f) ? 0 : -EIO;
}

int garp_send(struct garp *g, struct in_addr addr)
{
	return send_request(g, everybody, addr, addr);
}

int garp_ask(struct garp *g, struct in_addr own, struct in_addr peer, const unsigned char mac[6])
{
	static const unsigned char unknown[ETH_ALEN];

	return send_request(g, memcmp(mac, unknown, ETH_ALEN) ? mac : everybody, own, peer);
}
