/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the VRRP parser (user/decide/vrrp_wire.c) with libFuzzer. The first byte chooses the
 * configuration; the rest is the packet from its IP header on:
 *   0 version 3   1 version 3, no pseudo-header   2 version 2   3 version 2 with PASS
 *
 * What must never happen, besides reads past the end: an accepted advert with values that the VRRP
 * machine does not expect.
 */
#include <stdlib.h>
#include <string.h>

#include "decide/vrrp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vrrp_wire_conf confs[] = {
		{.version = 3, .vrid = 25, .adver_ns = 1000000000ULL, .checksum_pseudo = true},
		{.version = 3, .vrid = 25, .adver_ns = 1000000000ULL},
		{.version = 2, .vrid = 25, .adver_ns = 1000000000ULL},
		{.version = 2,
		 .vrid = 25,
		 .adver_ns = 1000000000ULL,
		 .use_pass = true,
		 .password = "geheim"},
	};
	const struct vrrp_wire_conf *c;
	struct vrrp_advert a;
	enum vrrp_discard why;

	if (size < 1)
		return 0;
	c = &confs[data[0] % 4];
	why = vrrp_wire_parse(c, data + 1, size - 1, &a);
	if (why >= VRRP_BAD_SOURCE)
		abort();
	if (why != VRRP_BAD_NONE)
		return 0;
	if (a.version != c->version || a.vrid != c->vrid || a.n_addrs < 1 ||
	    a.n_addrs > VRRP_ADDRS_MAX || !a.adver_ns ||
	    (c->version == 2 && a.checksum != VRRP_SUM_PLAIN) ||
	    (c->version == 2 && a.adver_ns != c->adver_ns))
		abort();
	return 0;
}
