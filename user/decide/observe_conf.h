/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of the passive checks (`passive { … }`), shared by the configuration that reads them and
 * by decide/observe that follows them. See decide/observe.h for what they do.
 */
#ifndef HOKM_OBSERVE_CONF_H
#define HOKM_OBSERVE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

#define OBSERVE_SAMPLES_MAX 128 /* window and every `after` fit into so many samples */

/* One signal trips when at least `min` went wrong and they are at least `percent` of all. */
struct observe_limit {
	bool on;
	unsigned int min;     /* 1..100000 */
	unsigned int percent; /* 1..100 */
	uint64_t after_ns;    /* UPGRADE and PING: unanswered for this long is wrong; else 0 */
};

struct observe_conf {
	bool on;
	uint64_t sample_ns; /* between two looks: standard 100 ms, fast 20 ms */
	uint64_t window_ns; /* how far back the counted signals look: 2 s / 500 ms */
	uint64_t hold_ns;   /* `suspect`: how long a first trip keeps new players away: 3 s / 1 s */
	uint64_t hold_max_ns; /* `suspect_max`: doubling with each trip ends here: 60 s / 30 s */
	uint64_t calm_ns;    /* so long without a trip, and the doubling starts anew: 60 s / 30 s */
	uint64_t timeout_ns; /* of an active check while suspect: 1 s / 250 ms */
	struct observe_limit limit[HOKM_SIGNAL_COUNT];
};

#endif
