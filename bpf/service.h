/* SPDX-License-Identifier: GPL-2.0-only */
/* Which service an address and port belong to. */
#ifndef HOKM_BPF_SERVICE_H
#define HOKM_BPF_SERVICE_H

#include "packet.h"

/* Slot, or HOKM_NODE_SLOT for none. */
static __always_inline __u32 service_find(const struct hokm_cfg *c, __be32 vip, __be16 port)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < HOKM_MAX_SERVICES; i++) {
		if (i >= c->n_services)
			break;
		if (c->service[i].used && c->service[i].port == port &&
		    addr_is(&c->service[i].vip, vip))
			return i;
	}
	return HOKM_NODE_SLOT;
}

#endif
