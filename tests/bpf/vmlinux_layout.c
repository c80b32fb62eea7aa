/* SPDX-License-Identifier: GPL-2.0-only */
/* Every struct, field and constant of vmlinux/vmlinux.h. */
#include "../../vmlinux/vmlinux.h"
#include "vmlinux_layout.h"

#define OFFSET(t, f) ((unsigned int)__builtin_offsetof(t, f) * 8)
#define BITS(t, f)   ((unsigned int)sizeof(((t *)0)->f) * 8)

#define SIZE(s)                                  \
	{                                        \
#s, NULL, sizeof(struct s), 0, 0 \
	}
#define GROWS(s)                                 \
	{                                        \
#s, NULL, sizeof(struct s), 0, 1 \
	}
#define FIELD(s, f)                                               \
	{                                                         \
#s, #f, OFFSET(struct s, f), BITS(struct s, f), 0 \
	}
#define CONSTANT(c)                               \
	{                                         \
		NULL, #c, (unsigned int)(c), 0, 0 \
	}

const struct layout_field VMLINUX_LAYOUT[] = {
	SIZE(ethhdr),
	FIELD(ethhdr, h_dest),
	FIELD(ethhdr, h_source),
	FIELD(ethhdr, h_proto),
	SIZE(vlan_hdr),
	FIELD(vlan_hdr, h_vlan_TCI),
	FIELD(vlan_hdr, h_vlan_encapsulated_proto),
	SIZE(arphdr),
	FIELD(arphdr, ar_hrd),
	FIELD(arphdr, ar_pro),
	FIELD(arphdr, ar_hln),
	FIELD(arphdr, ar_pln),
	FIELD(arphdr, ar_op),
	SIZE(iphdr),
	FIELD(iphdr, tos),
	FIELD(iphdr, tot_len),
	FIELD(iphdr, id),
	FIELD(iphdr, frag_off),
	FIELD(iphdr, ttl),
	FIELD(iphdr, protocol),
	FIELD(iphdr, check),
	FIELD(iphdr, saddr),
	FIELD(iphdr, daddr),
	SIZE(tcphdr),
	FIELD(tcphdr, source),
	FIELD(tcphdr, dest),
	FIELD(tcphdr, seq),
	FIELD(tcphdr, ack_seq),
	FIELD(tcphdr, window),
	FIELD(tcphdr, check),
	FIELD(tcphdr, urg_ptr),
	{"union tcp_word_hdr", NULL, sizeof(union tcp_word_hdr), 0, 0},
	{"union tcp_word_hdr", "words", OFFSET(union tcp_word_hdr, words),
	 BITS(union tcp_word_hdr, words), 0},
	{"union tcp_word_hdr", "hdr", OFFSET(union tcp_word_hdr, hdr),
	 BITS(union tcp_word_hdr, hdr), 0},
	SIZE(udphdr),
	FIELD(udphdr, source),
	FIELD(udphdr, dest),
	FIELD(udphdr, len),
	FIELD(udphdr, check),
	GROWS(xdp_md),
	FIELD(xdp_md, data),
	FIELD(xdp_md, data_end),
	FIELD(xdp_md, data_meta),
	FIELD(xdp_md, ingress_ifindex),
	FIELD(xdp_md, rx_queue_index),
	FIELD(xdp_md, egress_ifindex),
	GROWS(__sk_buff),
	FIELD(__sk_buff, len),
	FIELD(__sk_buff, pkt_type),
	FIELD(__sk_buff, mark),
	FIELD(__sk_buff, queue_mapping),
	FIELD(__sk_buff, protocol),
	FIELD(__sk_buff, vlan_present),
	FIELD(__sk_buff, vlan_tci),
	FIELD(__sk_buff, vlan_proto),
	FIELD(__sk_buff, priority),
	FIELD(__sk_buff, ingress_ifindex),
	FIELD(__sk_buff, ifindex),
	FIELD(__sk_buff, tc_index),
	FIELD(__sk_buff, cb),
	FIELD(__sk_buff, hash),
	FIELD(__sk_buff, tc_classid),
	FIELD(__sk_buff, data),
	FIELD(__sk_buff, data_end),
	FIELD(__sk_buff, napi_id),
	FIELD(__sk_buff, family),
	FIELD(__sk_buff, remote_ip4),
	FIELD(__sk_buff, local_ip4),
	FIELD(__sk_buff, remote_ip6),
	FIELD(__sk_buff, local_ip6),
	FIELD(__sk_buff, remote_port),
	FIELD(__sk_buff, local_port),
	FIELD(__sk_buff, data_meta),
	FIELD(__sk_buff, flow_keys),
	FIELD(__sk_buff, tstamp),
	FIELD(__sk_buff, wire_len),
	FIELD(__sk_buff, gso_segs),
	FIELD(__sk_buff, sk),
	GROWS(bpf_sock),
	FIELD(bpf_sock, bound_dev_if),
	FIELD(bpf_sock, family),
	FIELD(bpf_sock, type),
	FIELD(bpf_sock, protocol),
	FIELD(bpf_sock, mark),
	FIELD(bpf_sock, priority),
	FIELD(bpf_sock, src_ip4),
	FIELD(bpf_sock, src_ip6),
	FIELD(bpf_sock, src_port),
	FIELD(bpf_sock, dst_port),
	FIELD(bpf_sock, dst_ip4),
	FIELD(bpf_sock, dst_ip6),
	FIELD(bpf_sock, state),
	FIELD(bpf_sock, rx_queue_mapping),
	SIZE(bpf_sock_tuple),
	FIELD(bpf_sock_tuple, ipv4.saddr),
	FIELD(bpf_sock_tuple, ipv4.daddr),
	FIELD(bpf_sock_tuple, ipv4.sport),
	FIELD(bpf_sock_tuple, ipv4.dport),
	FIELD(bpf_sock_tuple, ipv6.saddr),
	FIELD(bpf_sock_tuple, ipv6.daddr),
	FIELD(bpf_sock_tuple, ipv6.sport),
	FIELD(bpf_sock_tuple, ipv6.dport),
	CONSTANT(TCP_FLAG_FIN),
	CONSTANT(TCP_FLAG_SYN),
	CONSTANT(TCP_FLAG_RST),
	CONSTANT(TCP_FLAG_PSH),
	CONSTANT(TCP_FLAG_ACK),
	CONSTANT(IPPROTO_TCP),
	CONSTANT(IPPROTO_UDP),
	CONSTANT(IPPROTO_RAW),
	CONSTANT(BPF_MAP_TYPE_HASH),
	CONSTANT(BPF_MAP_TYPE_ARRAY),
	CONSTANT(BPF_MAP_TYPE_PERF_EVENT_ARRAY),
	CONSTANT(BPF_MAP_TYPE_PERCPU_ARRAY),
	CONSTANT(BPF_MAP_TYPE_LRU_HASH),
	CONSTANT(BPF_MAP_TYPE_RINGBUF),
	CONSTANT(BPF_ANY),
	CONSTANT(BPF_RB_NO_WAKEUP),
	CONSTANT(XDP_ABORTED),
	CONSTANT(XDP_DROP),
	CONSTANT(XDP_PASS),
	CONSTANT(XDP_TX),
	CONSTANT(BPF_TCP_TIME_WAIT),
	CONSTANT(BPF_TCP_LISTEN),
	CONSTANT(BPF_TCP_NEW_SYN_RECV),
};
const unsigned int VMLINUX_LAYOUT_COUNT = sizeof(VMLINUX_LAYOUT) / sizeof(VMLINUX_LAYOUT[0]);

/* Finds the first set bit of a little-endian object, and the number of set bits. */
static void find_bits(const unsigned char *b, unsigned int size, struct layout_field *f)
{
	f->bits = 0;
	for (unsigned int i = 0; i < size * 8; i++) {
		if (!(b[i / 8] >> i % 8 & 1))
			continue;
		if (!f->bits++)
			f->bit = i;
	}
}

/* A bit field of 0 minus 1 is all ones, whatever its width. */
#define BIT_FIELD(s, f)                                      \
	do {                                                 \
		union {                                      \
			struct s h;                          \
			unsigned char b[sizeof(struct s)];   \
		} u = {.b = {0}};                            \
		struct layout_field one = {#s, #f, 0, 0, 0}; \
                                                             \
		u.h.f--;                                     \
		find_bits(u.b, sizeof(u.b), &one);           \
		if (n < max)                                 \
			out[n++] = one;                      \
	} while (0)

unsigned int layout_bit_fields(struct layout_field *out, unsigned int max)
{
	unsigned int n = 0;

	BIT_FIELD(iphdr, ihl);
	BIT_FIELD(iphdr, version);
	BIT_FIELD(tcphdr, doff);
	BIT_FIELD(tcphdr, fin);
	BIT_FIELD(tcphdr, syn);
	BIT_FIELD(tcphdr, rst);
	BIT_FIELD(tcphdr, psh);
	BIT_FIELD(tcphdr, ack);
	BIT_FIELD(tcphdr, urg);
	BIT_FIELD(tcphdr, ece);
	BIT_FIELD(tcphdr, cwr);
	return n;
}
