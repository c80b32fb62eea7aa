/* SPDX-License-Identifier: GPL-2.0-only */
/* See budget.h. */
#include "decide/budget.h"

/* No single request costs more: the products below fit. */
#define COST_MAX_NS 3600000000000ULL

static int64_t left(const struct budget *b, uint64_t now_ns)
{
	uint64_t filled = now_ns > b->at_ns ? (now_ns - b->at_ns) / BUDGET_SHARE : 0;

	if (filled >= (uint64_t)(BUDGET_BURST_NS - b->left_ns))
		return BUDGET_BURST_NS;
	return b->left_ns + (int64_t)filled;
}

void budget_init(struct budget *b, uint64_t now_ns)
{
	b->left_ns = BUDGET_BURST_NS;
	b->at_ns = now_ns;
}

void budget_spend(struct budget *b, uint64_t cost_ns, uint64_t now_ns)
{
	if (cost_ns > COST_MAX_NS)
		cost_ns = COST_MAX_NS;
	b->left_ns = left(b, now_ns) - (int64_t)(cost_ns + BUDGET_REQUEST_NS);
	b->at_ns = now_ns;
}

uint64_t budget_wait_ns(const struct budget *b, uint64_t now_ns)
{
	int64_t n = left(b, now_ns);

	return n > 0 ? 0 : (uint64_t)(1 - n) * BUDGET_SHARE;
}
