/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of the passive checks (`passive { … }` in the configuration). conf/ reads them and
 * decide/observe.h acts on them; they stand here alone so that conf/ needs no machine.
 */
#ifndef HOKM_OBSERVE_CONF_H
#define HOKM_OBSERVE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"

#define OBSERVE_SAMPLES_MAX 128 /* the most samples in the window and in every `after` */

/* A signal trips when at least `min` requests failed, and these are at least `percent` of all. */
struct observe_limit {
	bool on;
	unsigned int min;     /* 1..100000 */
	unsigned int percent; /* 1..100 */
	uint64_t after_ns; /* UPGRADE, PING: a request that is unanswered for this long failed; else
			      0 */
};

struct observe_conf {
	bool on;
	/* defaults of the profiles: standard / fast */
	uint64_t sample_ns;   /* between two samples: 100 ms / 20 ms */
	uint64_t window_ns;   /* span of time that the counted signals compare: 2 s / 500 ms */
	uint64_t hold_ns;     /* `suspect`: how long a first trip lasts: 3 s / 1 s */
	uint64_t hold_max_ns; /* `suspect_max`: the longest that a trip lasts: 60 s / 30 s */
	uint64_t calm_ns; /* after this long without a trip the next one is a first: 60 s / 30 s */
	uint64_t timeout_ns; /* of an active check during a trip: 1 s / 250 ms */
	struct observe_limit limit[HOKM_SIGNAL_COUNT];
};

#endif
