/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP segments in Ethernet frames, for the bad link: finding the parts of a segment, and making the
 * headers for a piece of it. RFC 791 (IP header), RFC 9293 section 3.1 (TCP header and checksum).
 */
#ifndef WS_SEGMENT_H
#define WS_SEGMENT_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The headers and sizes of one TCP segment. */
struct tcp_frame {
	struct iphdr ip;
	struct tcphdr tcp;
	size_t ip_len, tcp_len, payload;
};

/* False: not TCP over IPv4, or a fragment. */
static bool tcp_read(const uint8_t *data, size_t len, struct tcp_frame *t)
{
	uint16_t type;
	size_t total;

	if (len < ETH_HLEN + sizeof(t->ip))
		return false;
	memcpy(&type, data + 12, sizeof(type));
	memcpy(&t->ip, data + ETH_HLEN, sizeof(t->ip));
	t->ip_len = t->ip.ihl * 4U;
	total = ntohs(t->ip.tot_len);
	if (type != htons(ETH_P_IP) || t->ip.version != 4 || t->ip.protocol != IPPROTO_TCP ||
	    t->ip_len < sizeof(t->ip) || ntohs(t->ip.frag_off) & (IP_MF | IP_OFFMASK) ||
	    total > len - ETH_HLEN || total < t->ip_len + sizeof(t->tcp))
		return false;
	memcpy(&t->tcp, data + ETH_HLEN + t->ip_len, sizeof(t->tcp));
	t->tcp_len = t->tcp.doff * 4U;
	if (t->tcp_len < sizeof(t->tcp) || total < t->ip_len + t->tcp_len)
		return false;
	t->payload = total - t->ip_len - t->tcp_len;
	return true;
}

static uint32_t sum_add(uint32_t sum, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (len & 1)
		sum += (uint32_t)data[len - 1] << 8;
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/*
 * Writes the headers for `piece` bytes of payload, which begin at offset `at`, with complete
 * checksums.
 */
static void piece_headers(uint8_t *out, const struct tcp_frame *t, size_t at, size_t piece,
			  unsigned int index)
{
	struct iphdr ip = t->ip;
	struct tcphdr tcp = t->tcp;
	uint8_t *seg = out + ETH_HLEN + t->ip_len;
	uint32_t sum;

	ip.tot_len = htons((uint16_t)(t->ip_len + t->tcp_len + piece));
	ip.id = htons((uint16_t)(ntohs(ip.id) + index));
	ip.check = 0;
	memcpy(out + ETH_HLEN, &ip, sizeof(ip));
	ip.check = sum_end(sum_add(0, out + ETH_HLEN, t->ip_len));
	memcpy(out + ETH_HLEN, &ip, sizeof(ip));
	tcp.seq = htonl(ntohl(tcp.seq) + (uint32_t)at);
	if (at + piece < t->payload) {
		tcp.fin = 0;
		tcp.psh = 0;
	}
	tcp.check = 0;
	memcpy(seg, &tcp, sizeof(tcp));
	sum = sum_add(IPPROTO_TCP + (uint32_t)(t->tcp_len + piece), (const uint8_t *)&ip.saddr, 8);
	tcp.check = sum_end(sum_add(sum, seg, t->tcp_len + piece));
	memcpy(seg, &tcp, sizeof(tcp));
}

#endif
