/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One service with passive checks and a simulated clock. The test changes the counters in `s`, as
 * traffic would, and lets the rig take samples, each sample_ns after the last one.
 */
#ifndef HOKM_OBSERVE_RIG_H
#define HOKM_OBSERVE_RIG_H

#include "decide/observe.h"

#define MS     1000000ULL
#define SEC    (1000 * MS)
#define RIG_T0 (1000000 * SEC)

struct observe_rig {
	struct observe o;
	struct observe_sample s; /* the counters now */
	uint64_t now_ns;
	bool checks_ok;
	struct observe_verdict v; /* of the last sample or check */
};

/* All signals on: min 3, 50 percent, waiting requests late after 500 ms; samples every 100 ms. */
void look_conf(struct observe_conf *conf);

/* Starts at RIG_T0 with one sample of counters far from 0, as after a restart of the daemon. */
void look_init(struct observe_rig *r, const struct observe_conf *conf);
/*
 * Takes the next sample. An active check of a doubt begins and ends with it: it fails twice when
 * the server ended connections without an answer, and passes after a 5xx answer.
 */
enum observe_change look_once(struct observe_rig *r);
/* Takes samples for `ns`, until one causes a change; returns the change. */
enum observe_change look_run(struct observe_rig *r, uint64_t ns);
/* An active check that started `ago_ns` ago ends now. */
enum observe_change look_check(struct observe_rig *r, bool ok, uint64_t ago_ns);

/* Adds n requests of this signal to the counters: failed ones, or good ones. */
void look_wrong(struct observe_sample *s, enum hokm_signal signal, unsigned int n);
void look_good(struct observe_sample *s, enum hokm_signal signal, unsigned int n);

#endif
