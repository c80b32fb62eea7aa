/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gratuitous ARP frames.
 *
 *   Ethernet  dst ff:ff:ff:ff:ff:ff, src the interface's MAC, type 0x0806
 *   ARP       request; sender MAC + VIP; target MAC zero (RFC 5227 section 1.1) + VIP
 *
 * It is a request, as keepalived sends it, and not a reply: every stack updates an existing ARP
 * entry from both, but some ignore a reply without a request.
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

int garp_send(struct garp *g, struct in_addr vip)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = g->ifindex,
		.sll_halen = ETH_ALEN,
	};
	struct garp_frame f = {0};
	ssize_t n;

	memset(f.eth.ether_dhost, 0xff, ETH_ALEN);
	memcpy(f.eth.ether_shost, g->mac, ETH_ALEN);
	f.eth.ether_type = htons(ETH_P_ARP);
	f.arp.arp_hrd = htons(ARPHRD_ETHER);
	f.arp.arp_pro = htons(ETH_P_IP);
	f.arp.arp_hln = ETH_ALEN;
	f.arp.arp_pln = sizeof(vip);
	f.arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(f.arp.arp_sha, g->mac, ETH_ALEN);
	memcpy(f.arp.arp_spa, &vip, sizeof(vip));
	memcpy(f.arp.arp_tpa, &vip, sizeof(vip));
	memset(to.sll_addr, 0xff, ETH_ALEN);
	n = sendto(g->fd, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(f) ? 0 : -EIO;
}
