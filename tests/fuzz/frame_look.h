/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classifies a frame without the code of the programs: the simple classifier of fuzz_bpf.c, whose
 * branches guide libFuzzer. It only reads. The addresses are those of the world of
 * tests/bpf/fixture.h.
 */
#ifndef HOKM_FUZZ_FRAME_LOOK_H
#define HOKM_FUZZ_FRAME_LOOK_H

#include <string.h>

#include "../bpf/fixture.h"

#define PROTO_TCP  6
#define PROTO_UDP  17
#define PROTO_VRRP 112

enum kind {
	NONE_OF_OURS,
	STACKED,
	ARP,
	VRRP,
	PULSE,
	REPLICATION,
	STEER_PROBE,
	VIP_TCP,
};

struct looked {
	enum kind kind;
	size_t l3;
	const uint8_t *ip;
	size_t ip_hlen;
	size_t left; /* bytes from l3 on */
};

static inline unsigned int get16(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline bool is_tag(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

static inline enum kind look_ipv4(const struct looked *k, bool egress)
{
	const uint8_t *ip = k->ip;
	bool first, udp;

	if (k->left < 20 || ip[0] >> 4 != 4 || k->ip_hlen < 20 || get16(ip + 2) < k->ip_hlen)
		return egress && k->left >= 20 && ip[9] == PROTO_TCP ? VIP_TCP : NONE_OF_OURS;
	first = !(get16(ip + 6) & 0x1fff);
	if (ip[9] == PROTO_TCP && !egress && get32(ip + 16) == VIP_ADDR &&
	    (get32(ip + 12) & HOKM_STEER_MASK) == HOKM_STEER_NET)
		return STEER_PROBE;
	if (ip[9] == PROTO_TCP)
		return get32(ip + (egress ? 12 : 16)) == VIP_ADDR ? VIP_TCP : NONE_OF_OURS;
	if (egress)
		return NONE_OF_OURS;
	if (ip[9] == PROTO_VRRP)
		return VRRP;
	udp = ip[9] == PROTO_UDP && get32(ip + 16) == OWN_ADDR && first &&
	      k->left >= k->ip_hlen + 8;
	if (udp && get16(ip + k->ip_hlen + 2) == PULSE_PORT)
		return PULSE;
	if (udp && get16(ip + k->ip_hlen + 2) == REPL_PORT)
		return REPLICATION;
	return NONE_OF_OURS;
}

static inline struct looked look(const struct frame *f, bool egress)
{
	struct looked k = {.l3 = 14};
	unsigned int type = get16(f->b + 12), tags = 0;
	bool priority = false;

	for (; tags < 2 && is_tag(type); tags++) {
		if (f->len < k.l3 + 4)
			return k;
		priority = priority || !(get16(f->b + k.l3) & 0x0fff);
		type = get16(f->b + k.l3 + 2);
		k.l3 += 4;
	}
	k.ip = f->b + k.l3;
	k.left = f->len - k.l3;
	if (is_tag(type) && priority) {
		k.kind = STACKED;
	} else if (type == 0x0806) {
		k.kind = ARP;
	} else if (type == 0x0800) {
		k.ip_hlen = k.left ? (k.ip[0] & 15) * 4u : 0;
		k.kind = look_ipv4(&k, egress);
	}
	return k;
}

/* ARP for IPv4 over Ethernet that claims the VIP (egress) or asks for it (ingress). */
static inline bool arp_about_vip(const struct looked *k, bool egress)
{
	const uint8_t *a = k->ip;

	if (k->left < 28 || get16(a + 2) != 0x0800 || a[4] != 6 || a[5] != 4)
		return false;
	if (egress)
		return get32(a + 14) == VIP_ADDR;
	return get16(a + 6) == 1 && get32(a + 24) == VIP_ADDR;
}

static inline bool from_peer(const struct frame *f)
{
	return !memcmp(f->b + 6, PEER0_MAC, 6) || !memcmp(f->b + 6, PEER1_MAC, 6);
}

#endif
