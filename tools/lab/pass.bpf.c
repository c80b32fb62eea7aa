/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP program for the switch's end of the lab's veth pairs: passes everything.
 *
 * A veth queues frames that its peer sent by XDP_TX until its NAPI poll runs, and the driver runs
 * it only with an attached XDP program. Without this program steered frames arrive late or never.
 * No header is needed, so that it compiles anywhere; the numbers are the kernel's ABI.
 */
enum { LAB_XDP_PASS = 2 };

struct xdp_md;
int hokm_lab_pass(struct xdp_md *ctx);

__attribute__((section("xdp"), used)) int hokm_lab_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return LAB_XDP_PASS;
}

__attribute__((section("license"), used)) char LICENSE[] = "GPL";
