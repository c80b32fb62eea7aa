/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that send the same packet through a fast path and through the pipeline: the counters
 * must be the same afterwards.
 *
 * Beside the cases that are written down such a test makes some by chance. The environment variable
 * HOKM_WAYS sets how many, HOKM_SEED the seed; a failure prints the seed that makes the case again.
 */
#ifndef HOKM_TEST_BOTH_WAYS_H
#define HOKM_TEST_BOTH_WAYS_H

#include "fixture.h"

/* All counters, those of the service and those of the node. */
struct counts {
	uint64_t of[2][HOKM_CTR_COUNT];
};

#define WAYS            100 /* of chance */
#define ONE_OF(n, list) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

/* The number in an environment variable, or the usual one. */
uint32_t ways_number(const char *name, uint32_t usual);

void counts_read(struct fix *x, struct counts *c);
/* Fails, with the name of the case, where they differ. */
void counts_same(const char *what, const struct counts *fast, const struct counts *slow);

#endif
