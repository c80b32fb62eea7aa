/* SPDX-License-Identifier: GPL-2.0-only */
/* The counter that says whether the egress filter sees. A test has another one in its place. */
#include "daemon/node.h"
#include "daemon/upkeep_judge.h"

int upkeep_sight_read(const struct upkeep *u, uint64_t *seen)
{
	struct hokm_counters c;
	int err = hokm_bpf_get_counters(u->node->bpf, HOKM_NODE_SLOT, &c);

	if (err)
		return err;
	*seen = c.pulse_out;
	return 0;
}
