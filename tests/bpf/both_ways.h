/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that send the same packet through a fast path and through the pipeline: the counters
 * must be the same afterwards.
 */
#ifndef HOKM_TEST_BOTH_WAYS_H
#define HOKM_TEST_BOTH_WAYS_H

#include "fixture.h"

/* All counters, those of the service and those of the node. */
struct counts {
	uint64_t of[2][HOKM_CTR_COUNT];
};

void counts_read(struct fix *x, struct counts *c);
/* Fails, with the name of the case, where they differ. */
void counts_same(const char *what, const struct counts *fast, const struct counts *slow);

#endif
