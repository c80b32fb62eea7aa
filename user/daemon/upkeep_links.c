/* SPDX-License-Identifier: GPL-2.0-only */
/* What the keeper reads of links for other parts of the daemon, and what they ask it to read. */
#include "daemon/upkeep.h"

void upkeep_read_link(struct upkeep *u, int ifindex, uint64_t number)
{
	u->job.link_ifindex = ifindex;
	u->job.doubt = number;
}

uint64_t upkeep_link(const struct upkeep *u, struct link_state *s)
{
	*s = u->last.link;
	return u->last.doubt;
}

unsigned int upkeep_paths(const struct upkeep *u, const struct path_place **places)
{
	*places = u->last.paths;
	return u->last.n_paths;
}

void upkeep_look_for_paths(struct upkeep *u)
{
	u->job.parts |= 1u << KEEP_FENCES;
}

int upkeep_link_error(const struct upkeep *u)
{
	return u->last.link_err;
}
