/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is reported of the majority of the members: that it is in touch, that it is not, and that
 * none is needed any more. Pure.
 *
 *   reported       event                                             next
 *   nothing    a majority is in touch                            there
 *   nothing    none is for limit_ns, and since the start for
 *              MAJORITY_START_NS                                 lacking
 *   there      none is for limit_ns                              lacking
 *   lacking    a majority is in touch                            there
 *   any        grants are turned off                             nothing
 *
 * Each step is reported once. The members of a group that starts as a whole come one after the
 * other: that is why the first wait is longer. A daemon that was held up has not asked, so one look
 * never proves that a majority lacks.
 */
#ifndef HOKM_DECIDE_MAJORITY_NEWS_H
#define HOKM_DECIDE_MAJORITY_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#define MAJORITY_START_NS 10000000000ULL

enum majority_reported { MAJORITY_NOTHING, MAJORITY_THERE, MAJORITY_LACKING };

/* All zero at the start. */
struct majority_news {
	enum majority_reported reported;
	uint64_t lacking_ns; /* since when there is none; 0: there is, or nobody looked */
};

struct majority_seen {
	bool in_force;         /* a majority decides */
	unsigned int in_touch; /* members, this node among them */
	unsigned int majority;
	uint64_t limit_ns;
};

/* True: news->reported has changed and is to be reported. */
bool majority_news_step(struct majority_news *news, const struct majority_seen *seen,
			uint64_t now_ns);

#endif
