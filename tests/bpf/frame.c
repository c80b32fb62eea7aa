/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds frames for the BPF tests. Fields that a spec leaves out have the values of the world in
 * fixture.h.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fixture.h"

const uint8_t OWN_MAC[6] = {0x02, 0, 0, 0, 0, 0x26};
const uint8_t PEER0_MAC[6] = {0x02, 0, 0, 0, 0, 0x27};
const uint8_t PEER1_MAC[6] = {0x02, 0, 0, 0, 0, 0x28};
const uint8_t CLIENT_MAC[6] = {0x02, 0, 0, 0, 0, 0x64};
const uint8_t OTHER_MAC[6] = {0x02, 0, 0, 0, 0, 0xc8};

static void put8(struct frame *f, unsigned int v)
{
	assert_true(f->len < sizeof(f->b));
	f->b[f->len++] = (uint8_t)v;
}

static void put16(struct frame *f, unsigned int v)
{
	put8(f, v >> 8);
	put8(f, v & 0xff);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void put(struct frame *f, const void *data, size_t len)
{
	assert_true(len <= sizeof(f->b) - f->len);
	memcpy(f->b + f->len, data, len);
	f->len += (uint32_t)len;
}

static void put_fill(struct frame *f, unsigned int byte, size_t len)
{
	assert_true(len <= sizeof(f->b) - f->len);
	memset(f->b + f->len, (int)byte, len);
	f->len += (uint32_t)len;
}

static uint16_t ip_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void frame_ip_checksum(struct frame *f)
{
	uint8_t *ip = f->b + f->l3;
	uint16_t sum;

	ip[10] = 0;
	ip[11] = 0;
	sum = ip_sum(ip, (ip[0] & 15u) * 4);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)(sum & 0xff);
}

bool frame_ip_checksum_ok(const struct frame *f)
{
	const uint8_t *ip = f->b + f->l3;

	return ip_sum(ip, (ip[0] & 15u) * 4) == 0;
}

static void put_eth(struct frame *f, const struct eth_spec *e, unsigned int proto)
{
	f->len = 0;
	put(f, e->to ? e->to : OWN_MAC, 6);
	put(f, e->from ? e->from : CLIENT_MAC, 6);
	for (unsigned int i = 0; i < e->tags; i++) {
		put16(f, i ? 0x8100 : (e->tags > 1 ? 0x88a8 : 0x8100));
		put16(f, e->priority_tags ? 0xe000 : 100 + i);
	}
	put16(f, proto);
	f->l3 = f->len;
}

static void put_ip(struct frame *f, const struct ip_spec *ip, unsigned int proto, unsigned int len)
{
	unsigned int hlen = 20 + ip->options * 4;

	put8(f, 0x40 | hlen / 4);
	put8(f, 0);
	put16(f, (unsigned int)((int)(hlen + len) + ip->cut));
	put16(f, 0x1234);
	put16(f, ip->frag);
	put8(f, ip->ttl ? ip->ttl : 64);
	put8(f, proto);
	put16(f, 0);
	put32(f, ip->src);
	put32(f, ip->dst);
	put_fill(f, 1, ip->options * 4); /* NOP */
	f->l4 = f->len;
	frame_ip_checksum(f);
}

static void tcp_ends(const struct tcp_spec *s, struct ip_spec *ip, uint16_t *sport, uint16_t *dport)
{
	uint16_t game = s->dport ? s->dport : GAME_PORT;
	uint16_t client = s->sport ? s->sport : CLIENT_PORT;

	*ip = s->ip;
	if (!ip->src)
		ip->src = s->reply ? VIP_ADDR : CLIENT_ADDR;
	if (!ip->dst)
		ip->dst = s->reply ? CLIENT_ADDR : VIP_ADDR;
	*sport = s->reply ? game : client;
	*dport = s->reply ? client : game;
}

void frame_tcp(struct frame *f, const struct tcp_spec *s)
{
	unsigned int hlen = 20 + s->options * 4;
	uint16_t sport, dport;
	struct ip_spec ip;

	tcp_ends(s, &ip, &sport, &dport);
	put_eth(f, &s->eth, 0x0800);
	put_ip(f, &ip, 6, hlen + s->payload);
	put16(f, sport);
	put16(f, dport);
	put32(f, s->seq);
	put32(f, s->ack);
	put8(f, hlen / 4 << 4);
	put8(f, s->flags);
	put16(f, 65535);
	put32(f, 0);
	put_fill(f, 1, s->options * 4); /* NOP */
	if (s->data)
		put(f, s->data, s->payload);
	else
		put_fill(f, 'x', s->payload);
	put_fill(f, 0, s->padding);
}

void frame_udp(struct frame *f, const struct eth_spec *eth, const struct ip_spec *spec,
	       uint16_t port, const void *payload, unsigned int len)
{
	struct ip_spec ip = *spec;

	ip.src = ip.src ? ip.src : PEER0_ADDR;
	ip.dst = ip.dst ? ip.dst : OWN_ADDR;
	put_eth(f, eth, 0x0800);
	put_ip(f, &ip, 17, 8 + len);
	put16(f, 5000);
	put16(f, port);
	put16(f, 8 + len);
	put16(f, 0xbeef);
	put(f, payload, len);
}

void frame_vrrp(struct frame *f, const struct eth_spec *eth, const struct ip_spec *spec,
		uint8_t vrid, unsigned int len)
{
	struct ip_spec ip = *spec;

	ip.src = ip.src ? ip.src : PEER0_ADDR;
	ip.dst = ip.dst ? ip.dst : IPV4(224, 0, 0, 18);
	ip.ttl = ip.ttl ? ip.ttl : 255;
	put_eth(f, eth, 0x0800);
	put_ip(f, &ip, 112, len);
	if (len > 0)
		put8(f, 0x21);
	if (len > 1)
		put8(f, vrid);
	if (len > 2)
		put_fill(f, 0, len - 2);
}

void frame_icmp(struct frame *f, const uint8_t *from, uint32_t src, const uint8_t head[8],
		const void *quote, unsigned int len)
{
	struct eth_spec eth = {.from = from};
	struct ip_spec ip = {.src = src, .dst = VIP_ADDR};

	put_eth(f, &eth, 0x0800);
	put_ip(f, &ip, 1, 8 + len);
	put(f, head, 8);
	put(f, quote, len);
}

void frame_tcp_checksum(struct frame *f)
{
	uint8_t *tcp = f->b + f->l4;
	uint32_t len = f->len - f->l4, sum = 6 + len;
	const uint8_t *ip = f->b + f->l3;

	tcp[16] = 0;
	tcp[17] = 0;
	for (unsigned int i = 12; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum += (uint16_t)~ip_sum(tcp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	tcp[16] = (uint8_t)(~sum >> 8);
	tcp[17] = (uint8_t)(~sum & 0xff);
}

void frame_arp(struct frame *f, const struct eth_spec *eth, uint16_t op, uint32_t sender,
	       uint32_t target)
{
	put_eth(f, eth, 0x0806);
	put16(f, 1);
	put16(f, 0x0800);
	put8(f, 6);
	put8(f, 4);
	put16(f, op);
	put(f, eth->from ? eth->from : CLIENT_MAC, 6);
	put32(f, sender);
	put_fill(f, 0, 6);
	put32(f, target);
}

void frame_cut(struct frame *f, uint32_t len)
{
	assert_true(len <= f->len);
	f->len = len;
}
