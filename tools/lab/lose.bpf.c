/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP programs for the switch's end of the lab's veth pairs, in place of pass.bpf.c. They drop
 * replication messages (UDP to port 8767) and pass everything else.
 *
 *   hokm_lose_some   drops one in five, at random
 *   hokm_lose_all    drops each
 *
 * No header is needed, so that it compiles anywhere; the numbers are the kernel's ABI.
 */
typedef unsigned char u8;
typedef unsigned int u32;

enum { LAB_XDP_DROP = 1, LAB_XDP_PASS = 2 };

struct xdp_md {
	u32 data;
	u32 data_end;
};

/* Ethernet without tags, IPv4 without options, UDP: what the nodes of the lab send. */
struct lab_frame {
	u8 macs[12];
	u8 ethertype[2];
	u8 ihl;
	u8 tos[8];
	u8 protocol;
	u8 addresses[10];
	u8 ports[4];
};

#define REPLICATION_PORT 8767
#define PROTOCOL_UDP     17
#define LOSE_ONE_IN      5

static u32 (*const random_u32)(void) = (u32(*)(void))7;

int hokm_lose_some(struct xdp_md *ctx);
int hokm_lose_all(struct xdp_md *ctx);

static inline __attribute__((always_inline)) int is_replication(const struct xdp_md *ctx)
{
	const struct lab_frame *f = (const struct lab_frame *)(long)ctx->data;

	if ((const void *)(f + 1) > (const void *)(long)ctx->data_end)
		return 0;
	return f->ethertype[0] == 0x08 && f->ethertype[1] == 0 && f->ihl == 0x45 &&
	       f->protocol == PROTOCOL_UDP && f->ports[2] == REPLICATION_PORT >> 8 &&
	       f->ports[3] == (REPLICATION_PORT & 0xff);
}

__attribute__((section("xdp"), used)) int hokm_lose_some(struct xdp_md *ctx)
{
	return is_replication(ctx) && random_u32() % LOSE_ONE_IN == 0 ? LAB_XDP_DROP : LAB_XDP_PASS;
}

__attribute__((section("xdp"), used)) int hokm_lose_all(struct xdp_md *ctx)
{
	return is_replication(ctx) ? LAB_XDP_DROP : LAB_XDP_PASS;
}

__attribute__((section("license"), used)) char LICENSE[] = "GPL";
