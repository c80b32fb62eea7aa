/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the BPF programs use, and no others.
 *
 * The file is written by hand and kept small so that it can be reviewed. tests/bpf/test_vmlinux.c
 * compares every struct, field and constant with the BTF of the running kernel. It has three kinds
 * of types:
 *
 *  - headers on the wire (Ethernet, ARP, IPv4, TCP, UDP): their layout never changes;
 *  - program contexts and sockets as BPF sees them (xdp_md, __sk_buff, bpf_sock, bpf_sock_tuple): a
 * stable ABI, because the verifier rewrites each access;
 *  - constants.
 *
 * Kernel-internal structs, whose layout does change, are used by no program. One that is added here
 * needs
 * __attribute__((preserve_access_index)), so that libbpf relocates it (CO-RE).
 */
#ifndef HOKM_VMLINUX_H
#define HOKM_VMLINUX_H

typedef _Bool bool;
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;

enum { false = 0, true = 1 };

#ifndef NULL
#define NULL ((void *)0)
#endif

/* ---- on the wire ---- */

#define ETH_P_IP     0x0800
#define ETH_P_ARP    0x0806
#define ETH_P_8021Q  0x8100
#define ETH_P_8021AD 0x88a8
#define ETH_ALEN     6

struct ethhdr {
	unsigned char h_dest[ETH_ALEN];
	unsigned char h_source[ETH_ALEN];
	__be16 h_proto;
};

struct vlan_hdr {
	__be16 h_vlan_TCI;
	__be16 h_vlan_encapsulated_proto;
};

#define ARPOP_REQUEST 1
#define ARPOP_REPLY   2

struct arphdr {
	__be16 ar_hrd;
	__be16 ar_pro;
	unsigned char ar_hln;
	unsigned char ar_pln;
	__be16 ar_op;
};

/* Bit fields in the order of little-endian machines; no other byte order is supported. */
struct iphdr {
	__u8 ihl : 4;
	__u8 version : 4;
	__u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__sum16 check;
	__be32 saddr;
	__be32 daddr;
};

/* Flags are read through tcp_word_hdr, because the four bits below doff have had several names. */
struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u16 : 4;
	__u16 doff : 4;
	__u16 fin : 1;
	__u16 syn : 1;
	__u16 rst : 1;
	__u16 psh : 1;
	__u16 ack : 1;
	__u16 urg : 1;
	__u16 ece : 1;
	__u16 cwr : 1;
	__be16 window;
	__sum16 check;
	__be16 urg_ptr;
};

union tcp_word_hdr {
	struct tcphdr hdr;
	__be32 words[5];
};

/* Flags in words[3], in network order. */
enum {
	TCP_FLAG_FIN = 0x00000100,
	TCP_FLAG_SYN = 0x00000200,
	TCP_FLAG_RST = 0x00000400,
	TCP_FLAG_PSH = 0x00000800,
	TCP_FLAG_ACK = 0x00001000,
};

struct udphdr {
	__be16 source;
	__be16 dest;
	__be16 len;
	__sum16 check;
};

enum {
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_RAW = 255,
};

/* ---- programs and maps ---- */

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_RB_NO_WAKEUP = 1,
};

#define BPF_F_MMAPABLE      (1U << 10)
#define BPF_F_CURRENT_CPU   0xffffffffULL
#define BPF_F_CURRENT_NETNS (-1L)

enum xdp_action {
	XDP_ABORTED = 0,
	XDP_DROP = 1,
	XDP_PASS = 2,
	XDP_TX = 3,
};

#define TC_ACT_UNSPEC (-1) /* go on to the next filter */
#define TC_ACT_OK     0
#define TC_ACT_SHOT   2

#define PACKET_OTHERHOST 3 /* a frame to another host: ARP and IP ignore it */

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

/* Up to the last field that is used; further fields do not move it. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 data_meta;
	void *flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	struct bpf_sock *sk;
};

enum {
	BPF_TCP_TIME_WAIT = 6,
	BPF_TCP_LISTEN = 10,
	BPF_TCP_NEW_SYN_RECV = 12,
};

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
	__be16 dst_port;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
	__s32 rx_queue_mapping;
};

struct bpf_sock_tuple {
	union {
		struct {
			__be32 saddr;
			__be32 daddr;
			__be16 sport;
			__be16 dport;
		} ipv4;
		struct {
			__be32 saddr[4];
			__be32 daddr[4];
			__be16 sport;
			__be16 dport;
		} ipv6;
	};
};

#endif
