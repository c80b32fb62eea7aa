/* SPDX-License-Identifier: GPL-2.0-only */
/* The service of an address and port, and whether it is suspect on this node. */
#ifndef HOKM_BPF_SERVICE_LOOKUP_H
#define HOKM_BPF_SERVICE_LOOKUP_H

#include "packet.h"

/* The slot of the service, or HOKM_NODE_SLOT when there is none. */
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

/* The same for a pipeline that goes on for long: see place_found(). */
static __always_inline __u32 service_found(const struct hokm_cfg *c, __be32 vip, __be16 port)
{
	/* HOKM_NODE_SLOT is one more. */
	return place_found(service_find(c, vip, port), port, 2 * HOKM_MAX_SERVICES - 1);
}

/*
 * Is the service suspect? Then new connections go to a peer on which it is up, for a bounded time
 * (architecture rule 4).
 */
static __always_inline bool is_suspect(const struct packet *p, __u32 slot)
{
	const struct hokm_suspect *s = bpf_map_lookup_elem(&suspects, &slot);

	return s && (s->until_ns > p->now || s->held_until_ns > p->now);
}

#endif
