/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one client may cost: a token bucket of CPU time. It fills at 1/BUDGET_SHARE of a core, up to
 * BUDGET_BURST_NS. Each request takes its cost, also below zero; the next one waits until the
 * bucket is above zero again. Pure.
 */
#ifndef HOKM_BUDGET_H
#define HOKM_BUDGET_H

#include <stdint.h>

#define BUDGET_SHARE    125 /* 0.8 % of a core */
#define BUDGET_BURST_NS 50000000
/* What a request costs beside its handler: the loop's turn, system calls, parsing. */
#define BUDGET_REQUEST_NS 100000

struct budget {
	int64_t left_ns;
	uint64_t at_ns; /* when left_ns was right */
};

/* A full bucket. */
void budget_init(struct budget *b, uint64_t now_ns);
/* A request was handled, which took cost_ns of CPU time beside BUDGET_REQUEST_NS. */
void budget_spend(struct budget *b, uint64_t cost_ns, uint64_t now_ns);
/* How long the next request has to wait from now on. */
uint64_t budget_wait_ns(const struct budget *b, uint64_t now_ns);

#endif
