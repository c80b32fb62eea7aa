/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of the bench.
 *
 * BPF_PROG_TEST_RUN repeats a program on one frame, as the program left it. A steered frame would
 * come back with other MAC addresses, and a second SYN of the same flow is not a new one. So each
 * run goes through a wrapper that corrects the frame and then calls the subject by a tail call. The
 * floor contains the cost of the wrapper too: every path's time is net of the trivial program,
 * called through the same wrapper.
 *
 * New data: a repeated segment costs frame tracking almost nothing. So the wrapper for data moves
 * the sequence number on: packet n of a round of flows is the next segment of its flow, as it is in
 * real traffic. Nothing in the maps is reset, the subject runs exactly as in real traffic, and
 * afterwards the bench checks that every frame was counted.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "hokm/abi.h"
#include "hokm/grant_count.h"
#include "bench_abi.h"

/* From the uapi; no program of the product needs it, so it is not in vmlinux.h. */
#define BPF_MAP_TYPE_PROG_ARRAY 3

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BENCH_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} jump SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, BENCH_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} jump_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_ctl);
} ctl SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_probes);
} probes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct hokm_conn_key);
	__type(value, __u64);
} hot SEC(".maps");

/* Replaced by the subject's own map when the bench loads the program. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct hokm_conn_key);
	__type(value, struct hokm_conn);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct hokm_conn_key);
	__type(value, struct hokm_conn);
} fresh SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

/* Replaced by the subject's own map too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hokm_half_open_set);
} half_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_own);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hokm_grants);
} grants SEC(".maps");

/* The bits that say that a key may be in a table. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_FILTER_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BENCH_ARRAY_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} small SEC(".maps");

static __always_inline struct bench_ctl *ctl_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ctl, &zero);
}

/* Leaves the frame unchanged: for frames that the subject does not change. */
SEC("xdp.frags")
int wrap_raw(struct xdp_md *ctx)
{
	struct bench_ctl *c = ctl_get();

	if (c)
		bpf_tail_call(ctx, &jump, c->slot);
	return XDP_ABORTED;
}

/* Restores the MAC addresses and puts in the client address of the next flow. */
SEC("xdp.frags")
int wrap_tcp(struct xdp_md *ctx)
{
	struct bench_ctl *c = ctl_get();
	__u32 *macs = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);

	if (!c || (void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	macs[0] = c->macs[0];
	macs[1] = c->macs[1];
	macs[2] = c->macs[2];
	ip->saddr = bpf_htonl(c->base + (((__u32)c->n * BENCH_STRIDE) & c->mask));
	c->n++;
	bpf_tail_call(ctx, &jump, c->slot);
	return XDP_ABORTED;
}

/* The flow of packet n, and its place in that flow. */
static __always_inline __be32 data_client(const struct bench_ctl *c)
{
	return bpf_htonl(c->base + (__u32)((c->n + c->shift) * BENCH_STRIDE % c->flows));
}

static __always_inline __be32 data_seq(const struct bench_ctl *c)
{
	return bpf_htonl(c->seq + (__u32)(c->n / c->flows) * c->step);
}

/*
 * The headers after Ethernet. The struct is not packed, so whole words are stored and loaded: a CPU
 * waits where a program loads a word that another has just stored in pieces, and no network card
 * stores it so.
 */
struct headers {
	struct iphdr ip;
	struct tcphdr tcp;
};

/* Makes the frame the next segment of the next flow. */
SEC("xdp.frags")
int wrap_data(struct xdp_md *ctx)
{
	struct bench_ctl *c = ctl_get();
	struct headers *h = (void *)(long)ctx->data + sizeof(struct ethhdr);

	if (!c || (void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	h->ip.saddr = data_client(c);
	h->tcp.seq = data_seq(c);
	c->n++;
	bpf_tail_call(ctx, &jump, c->slot);
	return XDP_ABORTED;
}

static __always_inline struct hokm_conn *conn_of(__be32 client, __be16 port)
{
	struct hokm_conn_key k = {.client_port = port};

	k.client.w[2] = bpf_htonl(0xffff);
	k.client.w[3] = client;
	return bpf_map_lookup_elem(&conns, &k);
}

/*
 * The same for a ping. The server has answered the one before, otherwise only the first would be
 * noted.
 */
SEC("xdp.frags")
int wrap_ping(struct xdp_md *ctx)
{
	struct bench_ctl *c = ctl_get();
	struct headers *h = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct hokm_conn *conn;

	if (!c || (void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	h->ip.saddr = data_client(c);
	h->tcp.seq = data_seq(c);
	c->n++;
	conn = conn_of(h->ip.saddr, h->tcp.source);
	if (conn)
		conn->ping_c2s_ns = 0;
	bpf_tail_call(ctx, &jump, c->slot);
	return XDP_ABORTED;
}

SEC("tc")
int wrap_data_out(struct __sk_buff *skb)
{
	struct bench_ctl *c = ctl_get();
	struct headers *h = (void *)(long)skb->data + sizeof(struct ethhdr);

	if (!c || (void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	h->ip.daddr = data_client(c);
	h->tcp.seq = data_seq(c);
	c->n++;
	bpf_tail_call(skb, &jump_out, c->slot);
	return TC_ACT_SHOT;
}

/* Restores the whole probe, with the other nonce. */
SEC("xdp.frags")
int wrap_probe(struct xdp_md *ctx)
{
	struct bench_ctl *c = ctl_get();
	__u32 zero = 0;
	struct bench_probes *p = bpf_map_lookup_elem(&probes, &zero);
	__u64 *to = (void *)(long)ctx->data;
	__u64 *from;

	if (!c || !p || (void *)to + BENCH_PROBE_USE > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	from = p->frame[c->n & 1];
#pragma clang loop unroll(full)
	for (int i = 0; i < BENCH_PROBE_USE / 8; i++)
		to[i] = from[i];
	*(__u16 *)(to + BENCH_PROBE_USE / 8) = *(__u16 *)(from + BENCH_PROBE_USE / 8);
	c->n++;
	bpf_tail_call(ctx, &jump, c->slot);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int floor_trivial(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp.frags")
int floor_hash(struct xdp_md *ctx)
{
	struct hokm_conn_key key = {};

	(void)ctx;
	key.client.w[3] = bpf_htonl(0x0a000001);
	return bpf_map_lookup_elem(&hot, &key) ? XDP_PASS : XDP_ABORTED;
}

/* The cost of a new entry in the kernel's LRU hash: a look-up that misses, and an insertion. */
SEC("xdp.frags")
int floor_insert(struct xdp_md *ctx)
{
	struct hokm_conn_key key = {};
	struct hokm_conn value = {};
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	key.client.w[3] = ip->saddr;
	if (bpf_map_lookup_elem(&fresh, &key))
		return XDP_ABORTED;
	return bpf_map_update_elem(&fresh, &key, &value, BPF_ANY) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp.frags")
int floor_clock(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_ktime_get_boot_ns() ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp.frags")
int floor_counter(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&count, &zero);

	(void)ctx;
	if (n)
		(*n)++;
	return XDP_PASS;
}

SEC("tc")
int floor_tc(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

/*
 * The floor of every connection tracker: the key is taken out of the packet and looked up in a
 * table of the same size, the head and one flow of the entry are read, and the flow is written. It
 * uses the subject's own table, so the cache misses are the same, bucket by bucket.
 */
SEC("xdp.frags")
int floor_touch(struct xdp_md *ctx)
{
	struct headers *h = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct hokm_conn *c;

	if ((void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	c = conn_of(h->ip.saddr, h->tcp.source);
	if (!c || c->target != HOKM_LOCAL)
		return XDP_ABORTED;
	c->c2s.last_ns++;
	return XDP_PASS;
}

SEC("tc")
int floor_touch_out(struct __sk_buff *skb)
{
	struct headers *h = (void *)(long)skb->data + sizeof(struct ethhdr);
	struct hokm_conn *c;

	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	c = conn_of(h->ip.daddr, h->tcp.dest);
	if (!c || c->target != HOKM_LOCAL)
		return TC_ACT_SHOT;
	c->s2c.last_ns++;
	return TC_ACT_UNSPEC;
}

/* One look-up in a small array, which every packet path needs for its settings. */
static __always_inline __u64 array_read(__u32 at)
{
	const __u64 *v = bpf_map_lookup_elem(&small, &at);

	return v ? *v : 1;
}

static __always_inline void counter_add(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&count, &zero);

	if (n)
		(*n)++;
}

/*
 * What a packet of a known connection cannot do without: the look-up of its connection, the time,
 * a counter, and two look-ups in arrays (settings, peer). The subject is judged by this floor.
 */
static __always_inline bool known_floor(struct hokm_flow *flow)
{
	counter_add();
	flow->last_ns = bpf_ktime_get_coarse_ns();
	return array_read(0) | array_read(1);
}

SEC("xdp.frags")
int floor_known(struct xdp_md *ctx)
{
	struct headers *h = (void *)(long)ctx->data + sizeof(struct ethhdr);
	struct hokm_conn *c;

	if ((void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	c = conn_of(h->ip.saddr, h->tcp.source);
	return c && !known_floor(&c->c2s) ? XDP_PASS : XDP_ABORTED;
}

SEC("tc")
int floor_known_out(struct __sk_buff *skb)
{
	struct headers *h = (void *)(long)skb->data + sizeof(struct ethhdr);
	struct hokm_conn *c;

	if ((void *)(h + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	c = conn_of(h->ip.daddr, h->tcp.dest);
	return c && !known_floor(&c->s2c) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* The place of an address in tables: any mixing function, the cost is that of a multiplication. */
static __always_inline __u32 place_of(__be32 client)
{
	return (client * 0x9e3779b97f4a7c15ULL) >> 32;
}

/*
 * What a SYN cannot do without: is the connection known (one word of a filter), the search of its
 * half-open set, the exact time for the lease, and three look-ups in arrays (settings, ownership,
 * service).
 */
SEC("xdp.frags")
int floor_syn(struct xdp_md *ctx)
{
	struct headers *h = (void *)(long)ctx->data + sizeof(struct ethhdr);
	const struct hokm_half_open_set *set;
	const __u64 *word;
	__u32 at, found = 0;

	if ((void *)(h + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	at = place_of(h->ip.saddr) & (BENCH_FILTER_WORDS - 1);
	word = bpf_map_lookup_elem(&filter, &at);
	at = place_of(h->ip.saddr) & (BENCH_SETS - 1);
	set = bpf_map_lookup_elem(&half_open, &at);
	if (!word || !set)
		return XDP_ABORTED;
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_HALF_OPEN_WAYS; i++)
		found |= set->way[i].created_ns && set->way[i].key.client.w[3] == h->ip.saddr &&
			 set->way[i].key.client_port == h->tcp.source;
	counter_add();
	if (bpf_ktime_get_boot_ns() < array_read(0) + array_read(1) + array_read(2))
		return XDP_ABORTED;
	return found && *word ? XDP_ABORTED : XDP_PASS;
}

/*
 * Until when this node is owner, by its lease alone. The clock is left out: it would hide the rest.
 */
SEC("xdp.frags")
int gate_lease(struct xdp_md *ctx)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);

	(void)ctx;
	return o && o->lease_until_ns ? XDP_PASS : XDP_ABORTED;
}

/* The same by its lease and the grants of a majority, as owner_until() in bpf/packet.h. */
SEC("xdp.frags")
int gate_grants(struct xdp_md *ctx)
{
	__u32 zero = 0;
	const struct hokm_own *o = bpf_map_lookup_elem(&own, &zero);
	const struct hokm_grants *g = bpf_map_lookup_elem(&grants, &zero);

	(void)ctx;
	return o && g && hokm_owner_until_ns(o->lease_until_ns, g) ? XDP_PASS : XDP_ABORTED;
}
