/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose address a DNS record should have, by the view of one monitor: a pure machine, one for each
 * record type. A monitor checks the services of all nodes from where it runs. Several monitors may
 * watch one group and know nothing of each other; their views may differ.
 *
 * View
 *   starting  some node has no result yet
 *   blind     no node is UP: the monitor itself may be cut off, so it decides nothing
 *   settling  a node is UP after that; those that are not may only be slow to be found UP
 *   doubt     a node went DOWN, and no check of another node that began later has succeeded: the
 *             monitor may be about to become blind, so it decides nothing new
 *   clear     the view counts
 *
 * Decision: dns_monitor_see() asks for one comparison with the record when the set of nodes that
 * are UP changes, and one more when a node that this monitor has seen DOWN was UP for failback_ns
 * and is the best. What it may not touch is in `keep`: the record of a node that is UP is left
 * alone, except at a failback.
 *
 * Invariants
 *   - A monitor asks at most once for each change of its own view, and once for each failback that
 *     follows one. So monitors whose views differ permanently do not flip the record without limit.
 *   - A failback is asked for only by a monitor that saw the node DOWN.
 */
#ifndef HOKM_DECIDE_DNS_MONITOR_H
#define HOKM_DECIDE_DNS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/abi.h"

#define DNS_MONITOR_NODES (HOKM_MAX_PEERS + 1)

enum dns_sight { DNS_SIGHT_UNKNOWN, DNS_SIGHT_UP, DNS_SIGHT_DOWN };

/* A node as the checks see it. */
struct dns_monitor_node {
	enum dns_sight sight;
	uint8_t priority;
	uint64_t since_ns; /* of its sight */
	uint64_t proof_ns; /* when its last checks began, if all of them succeeded; else 0 */
};

enum dns_view {
	DNS_VIEW_STARTING,
	DNS_VIEW_BLIND,
	DNS_VIEW_SETTLING,
	DNS_VIEW_DOUBT,
	DNS_VIEW_CLEAR,
};

struct dns_monitor {
	uint64_t failback_ns;
	uint64_t settle_ns; /* in which a node that is healthy is found UP */
	enum dns_view view;
	bool acts;         /* there was a clear view, and it was not blind since */
	bool began;        /* there was a clear view */
	uint32_t up;       /* nodes that were UP in the last clear view, one bit each */
	uint32_t fell;     /* nodes that were seen DOWN, and not UP for failback_ns since */
	uint64_t seen_ns;  /* since when a node is UP after none was; 0: none is */
	unsigned int want; /* the node whose address the record should have */
	uint32_t keep;     /* nodes whose address is left alone when the record has it */
	bool failback;     /* asked for, and not yet done */
};

void dns_monitor_init(struct dns_monitor *m, uint64_t failback_ns, uint64_t settle_ns);

/*
 * At the start: an earlier run of this monitor gave the record to a node of this priority. Better
 * nodes were DOWN then.
 */
void dns_monitor_recall(struct dns_monitor *m, const struct dns_monitor_node *nodes, unsigned int n,
			uint8_t priority);

/* Takes the view in. True: the record has to be compared with `want` and `keep` now. */
bool dns_monitor_see(struct dns_monitor *m, const struct dns_monitor_node *nodes, unsigned int n,
		     uint64_t now_ns);

/* The comparison has its result: the record is as it should be. */
void dns_monitor_done(struct dns_monitor *m);

const char *dns_view_name(enum dns_view v);

#endif
