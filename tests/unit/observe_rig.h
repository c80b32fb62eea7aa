/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One service under passive checks and a fake clock. The test changes the counters in `s`, as
 * traffic would, and has the rig look: every look is one sample later than the last.
 */
#ifndef HOKM_OBSERVE_RIG_H
#define HOKM_OBSERVE_RIG_H

#include "decide/observe.h"

#define MS     1000000ULL
#define SEC    (1000 * MS)
#define RIG_T0 (1000000 * SEC)

struct observe_rig {
	struct observe o;
	struct observe_sample s; /* counters as they stand now */
	uint64_t now_ns;
	bool checks_ok;
	struct observe_verdict v; /* of the last look or check */
};

/* Every signal on: 3 at least, 50 percent, waiting ones late after 500 ms; a sample each 100 ms. */
void look_conf(struct observe_conf *conf);

/* Begins at RIG_T0 with one look at counters far from 0, as a daemon finds them after a restart. */
void look_init(struct observe_rig *r, const struct observe_conf *conf);
/* One sample later. */
enum observe_change look_once(struct observe_rig *r);
/* The samples of `ns`; stops at the first that changes something and returns what. */
enum observe_change look_run(struct observe_rig *r, uint64_t ns);
/* An active check that was started `ago_ns` ago ends now. */
enum observe_change look_check(struct observe_rig *r, bool ok, uint64_t ago_ns);

/* `n` requests of this signal, in the counters: wrong ones or good ones. */
void look_wrong(struct observe_sample *s, enum hokm_signal signal, unsigned int n);
void look_good(struct observe_sample *s, enum hokm_signal signal, unsigned int n);

#endif
