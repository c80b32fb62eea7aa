/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steered probes:
 *
 *   Ethernet  dst the peer's MAC, src this node's
 *   IPv4      192.0.2.1 -> VIP, TTL 64, don't fragment
 *   TCP       port 8766 -> the service's, ACK, one segment
 *   payload   struct hokm_steer_probe
 *
 * All checksums are right, because a switch or a filter may look at them.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/probe_send.h"
#include "base/log.h"
#include "hokm/pulse_tag.h"

#define SOURCE_PORT 8766

struct steer_frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
	struct hokm_steer_probe probe;
} __attribute__((packed));
_Static_assert(sizeof(struct steer_frame) == STEER_FRAME_LEN, "steer frame");

#define TCP_LEN (sizeof(struct tcphdr) + sizeof(struct hokm_steer_probe))

/* Internet checksum (RFC 1071) of an even number of bytes, from a sum of big-endian words on. */
static uint16_t checksum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The sum of the pseudo-header of TCP (RFC 9293 section 3.1). */
static uint32_t pseudo_sum(const struct iphdr *ip)
{
	uint32_t from = ntohl(ip->saddr), to = ntohl(ip->daddr);

	return (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff) + IPPROTO_TCP +
	       (uint32_t)TCP_LEN;
}

static struct hokm_steer_probe make_probe(const struct steer_probe *s)
{
	struct hokm_steer_probe p = {
		.magic = htobe32(HOKM_STEER_MAGIC),
		.version = HOKM_STEER_VERSION,
		.vrid = s->vrid,
		.nonce = htobe64(s->nonce),
		.sent_ns = htobe64(s->sent_ns),
	};

	p.tag = htobe64(hokm_steer_tag(&p, s->addr.s_addr, s->peer.s_addr, s->key));
	return p;
}

void steer_probe_build(const struct steer_probe *s, uint8_t frame[STEER_FRAME_LEN])
{
	struct steer_frame f = {
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = {.version = 4,
		       .ihl = 5,
		       .tot_len = htons((uint16_t)(sizeof(struct iphdr) + TCP_LEN)),
		       .frag_off = htons(IP_DF),
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .saddr = htonl(HOKM_STEER_NET | 1),
		       .daddr = s->vip.s_addr},
		.tcp = {.source = htons(SOURCE_PORT),
			.dest = htons(s->port),
			.seq = htonl((uint32_t)s->sent_ns),
			.doff = 5,
			.ack = 1,
			.window = htons(1024)},
	};
	struct iphdr ip;

	memcpy(f.eth.ether_dhost, s->peer_mac, ETH_ALEN);
	memcpy(f.eth.ether_shost, s->mac, ETH_ALEN);
	f.probe = make_probe(s);
	memcpy(&ip, (uint8_t *)&f + sizeof(f.eth), sizeof(ip));
	ip.check = checksum(&ip, sizeof(ip), 0);
	f.ip.check = ip.check;
	f.tcp.check = checksum((uint8_t *)&f + sizeof(f.eth) + sizeof(f.ip), TCP_LEN,
			       pseudo_sum(&ip));
	memcpy(frame, &f, sizeof(f));
}

int steer_probe_open(void)
{
	/* Protocol 0: this socket never receives anything. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = errno;

	if (fd >= 0)
		return fd;
	log_error("could not open a packet socket for steered probes: %s%s", strerror(err),
		  err == EPERM ? "; CAP_NET_RAW is needed" : "");
	return -err;
}

int steer_probe_send(int fd, int ifindex, const struct steer_probe *s)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = ifindex,
		.sll_halen = ETH_ALEN,
	};
	uint8_t frame[STEER_FRAME_LEN];
	ssize_t n;

	steer_probe_build(s, frame);
	memcpy(to.sll_addr, s->peer_mac, ETH_ALEN);
	n = sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(frame) ? 0 : -EIO;
}
