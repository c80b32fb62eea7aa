/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames of the bench: what the network card of a game server receives. The checksums of TCP
 * and IP are zero, because XDP checks neither.
 */
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <string.h>

#include "hokm/pulse_tag.h"
#include "bench.h"

const uint8_t BENCH_MAC[6] = {0x02, 0, 0, 0, 0, 0x1a};
const uint8_t BENCH_PEER_MAC[6] = {0x02, 0, 0, 0, 0, 0x1b};
const uint8_t BENCH_CLIENT_MAC[6] = {0x02, 0, 0, 0, 0, 0x32};

static void put_eth(struct frame *f, const uint8_t *to, const uint8_t *from, uint16_t proto)
{
	struct ethhdr eth = {.h_proto = htons(proto)};

	memset(f, 0, sizeof(*f));
	memcpy(eth.h_dest, to, 6);
	memcpy(eth.h_source, from, 6);
	memcpy(f->b, &eth, sizeof(eth));
	f->len = sizeof(eth);
}

static void put_ip(struct frame *f, uint8_t proto, uint32_t src, uint32_t dst, size_t payload)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 255,
		.protocol = proto,
		.tot_len = htons((uint16_t)(sizeof(ip) + payload)),
		.saddr = htonl(src),
		.daddr = htonl(dst),
	};

	memcpy(f->b + f->len, &ip, sizeof(ip));
	f->len += (uint32_t)sizeof(ip);
}

/* A segment with a small message: 40 bytes of payload. */
static void put_tcp(struct frame *f, uint16_t sport, uint16_t dport, bool syn)
{
	struct tcphdr tcp = {
		.source = htons(sport),
		.dest = htons(dport),
		.seq = htonl(SEGMENT_SEQ),
		.doff = 5,
		.window = htons(512),
	};

	tcp.syn = syn;
	tcp.ack = !syn;
	tcp.psh = !syn;
	tcp.ack_seq = syn ? 0 : htonl(SEGMENT_ACK);
	memcpy(f->b + f->len, &tcp, sizeof(tcp));
	f->len += (uint32_t)sizeof(tcp) + (syn ? 0 : 40);
}

static void frame_tcp(struct frame *f, uint32_t src, uint32_t dst, uint16_t dport, bool syn)
{
	put_eth(f, BENCH_MAC, BENCH_CLIENT_MAC, ETH_P_IP);
	put_ip(f, IPPROTO_TCP, src, dst, sizeof(struct tcphdr) + (syn ? 0 : 40));
	put_tcp(f, BENCH_CLIENT_PORT, dport, syn);
}

static void frame_out(struct frame *f, uint32_t src, uint16_t sport)
{
	put_eth(f, BENCH_CLIENT_MAC, BENCH_MAC, ETH_P_IP);
	put_ip(f, IPPROTO_TCP, src, BASE_LOCAL, sizeof(struct tcphdr) + 40);
	put_tcp(f, sport, BENCH_CLIENT_PORT, false);
}

static void frame_udp(struct frame *f, uint32_t src, uint16_t port, size_t payload)
{
	struct udphdr udp = {
		.source = htons(port),
		.dest = htons(port),
		.len = htons((uint16_t)(sizeof(udp) + payload)),
	};

	put_eth(f, BENCH_MAC, BENCH_PEER_MAC, ETH_P_IP);
	put_ip(f, IPPROTO_UDP, src, BENCH_ADDR, sizeof(udp) + payload);
	memcpy(f->b + f->len, &udp, sizeof(udp));
	f->len += (uint32_t)(sizeof(udp) + payload);
}

static void frame_arp(struct frame *f)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct arphdr arp = {
		.ar_hrd = htons(ARPHRD_ETHER),
		.ar_pro = htons(ETH_P_IP),
		.ar_hln = 6,
		.ar_pln = 4,
		.ar_op = htons(ARPOP_REQUEST),
	};
	uint32_t vip = htonl(BENCH_VIP);

	put_eth(f, broadcast, BENCH_CLIENT_MAC, ETH_P_ARP);
	memcpy(f->b + f->len, &arp, sizeof(arp));
	memcpy(f->b + f->len + sizeof(arp) + 6 + 4 + 6, &vip, 4);
	f->len = 60;
}

uint8_t *bench_segment(struct frame *f, const struct segment *s)
{
	struct tcphdr tcp = {
		.source = htons(s->out ? BENCH_PORT : BENCH_CLIENT_PORT),
		.dest = htons(s->out ? BENCH_CLIENT_PORT : BENCH_PORT),
		.seq = htonl(s->seq),
		.ack_seq = htonl(s->ack),
		.doff = 5,
		.window = htons(512),
		.syn = s->syn,
		.ack = s->out || !s->syn,
		.psh = s->len > 0,
	};

	put_eth(f, s->out ? BENCH_CLIENT_MAC : BENCH_MAC, s->out ? BENCH_MAC : BENCH_CLIENT_MAC,
		ETH_P_IP);
	put_ip(f, IPPROTO_TCP, s->out ? BENCH_VIP : s->client, s->out ? s->client : BENCH_VIP,
	       sizeof(tcp) + s->len);
	memcpy(f->b + f->len, &tcp, sizeof(tcp));
	f->len += (uint32_t)(sizeof(tcp) + s->len);
	f->payload = s->len;
	return f->b + f->len - s->len;
}

#define SMALL  40   /* payload of a small message */
#define LARGE  1400 /* payload of a full segment */
#define MASKED 0x80

/*
 * A segment of n WebSocket frames of one size, with short lengths; their payload does not matter.
 */
static void frame_ws(struct frame *f, bool out, uint8_t b0, uint32_t n)
{
	const struct segment s = {.out = out, .client = BASE_LOCAL, .ack = 1, .len = SMALL};
	uint8_t *at = bench_segment(f, &s);
	const uint32_t size = SMALL / n, head = out ? 2 : 6;

	for (uint32_t i = 0; i < n; i++) {
		at[i * size] = b0;
		at[i * size + 1] = (uint8_t)((out ? 0 : MASKED) | (size - head));
	}
}

static void frame_bytes(struct frame *f, const void *bytes, uint32_t n, uint32_t len)
{
	const struct segment s = {.client = BASE_LOCAL, .ack = 1, .len = len};

	memcpy(bench_segment(f, &s), bytes, n);
}

static void followed_frames(struct frame *f)
{
	static const uint8_t record[] = {0x17, 0x03, 0x03, 0, SMALL - 5};

	frame_bytes(&f[FRAME_ACK_IN], "", 0, 0);
	frame_ws(&f[FRAME_TEXT_IN], false, 0x81, 1);
	frame_bytes(&f[FRAME_INSIDE_IN], "", 0, LARGE);
	frame_ws(&f[FRAME_TWO_IN], false, 0x81, 2);
	frame_ws(&f[FRAME_FIVE_IN], false, 0x81, 5);
	frame_ws(&f[FRAME_PING_IN], false, 0x89, 1);
	frame_bytes(&f[FRAME_NOISE_IN], "noise", 5, SMALL);
	frame_bytes(&f[FRAME_RECORD_IN], record, sizeof(record), SMALL);
	frame_ws(&f[FRAME_TEXT_OUT], true, 0x81, 1);
	frame_ws(&f[FRAME_FIVE_OUT], true, 0x81, 5);
}

void bench_probes(struct frame *f, struct bench_probes *out, const struct hokm_keys *keys)
{
	struct hokm_pulse pulse = {
		.magic = htonl(HOKM_PULSE_MAGIC),
		.version = HOKM_PULSE_VERSION,
		.kind = HOKM_PULSE_PROBE,
		.vrid = BENCH_VRID,
		.sent_ns = 1,
	};
	const size_t at = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr);

	_Static_assert(sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr) +
				       sizeof(pulse) ==
			       BENCH_PROBE_USE,
		       "the wrapper restores the whole probe");
	frame_udp(f, BENCH_PEER, BENCH_PULSE, sizeof(pulse));
	memcpy(pulse.mac, f->b + ETH_ALEN, sizeof(pulse.mac));
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < 2; i++) {
		pulse.nonce = i + 1;
		pulse.tag = htobe64(hokm_pulse_tag(
			&pulse, htonl(BENCH_PEER), htonl(BENCH_ADDR), keys->from[0][0]));
		memcpy(f->b + at, &pulse, sizeof(pulse));
		memcpy(out->frame[i], f->b, BENCH_PROBE_USE);
	}
}

void bench_frames(struct bench *b)
{
	struct frame *f = b->frames;

	put_eth(&f[FRAME_NONE_IPV6], BENCH_MAC, BENCH_CLIENT_MAC, ETH_P_IPV6);
	f[FRAME_NONE_IPV6].len = 100;
	frame_udp(&f[FRAME_NONE_UDP], BENCH_PEER, 53, 40);
	frame_tcp(&f[FRAME_NONE_TCP], BASE_LOCAL, BENCH_ADDR, 22, false);
	frame_tcp(&f[FRAME_SEGMENT], BASE_LOCAL, BENCH_VIP, BENCH_PORT, false);
	frame_tcp(&f[FRAME_SYN], BASE_NEW, BENCH_VIP, BENCH_PORT, true);
	frame_arp(&f[FRAME_ARP]);
	frame_out(&f[FRAME_REPLY], BENCH_VIP, BENCH_PORT);
	frame_out(&f[FRAME_NONE_OUT], BENCH_ADDR, 22);
	followed_frames(f);
}
