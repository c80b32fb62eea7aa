/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A peer as JSON, for `ctl status`: what its pulses and adverts say, replication with it, the
 * settings that differ there.
 */
#ifndef HOKM_PEER_STATUS_H
#define HOKM_PEER_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct agreement;
struct announcing;
struct node;
struct pulse_paths;
struct replication;
struct rival_watch;
struct steering;

/* The concerns that know something of it, borrowed. */
struct peer_status_of {
	const struct node *node;
	const struct agreement *agreement;
	const struct announcing *announcing;
	const struct pulse_paths *paths;
	const struct replication *replication;
	const struct rival_watch *rivals;
	const struct steering *steering;
};

/* New reference. */
json_t *peer_status_json(const struct peer_status_of *of, unsigned int slot, uint64_t now_ns);

#endif
