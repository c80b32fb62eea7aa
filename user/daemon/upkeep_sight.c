/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters that say whether the egress filter sees. A test has others in their place. */
#include "daemon/node.h"
#include "daemon/upkeep_judge.h"

int upkeep_sight_read(const struct upkeep *u, uint64_t *answers, uint64_t *seen)
{
	struct hokm_counters c;
	int err = hokm_bpf_get_counters(u->node->bpf, HOKM_NODE_SLOT, &c);

	if (err)
		return err;
	*answers = c.pulse_answers;
	*seen = c.pulse_out;
	return 0;
}
