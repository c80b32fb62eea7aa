/* SPDX-License-Identifier: GPL-2.0-only */
/* See both_ways.h. */
#include <stdlib.h>

#include "both_ways.h"
#include "hokm/names.h"

uint32_t ways_number(const char *name, uint32_t usual)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : usual;
}

void counts_read(struct fix *x, struct counts *c)
{
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++) {
		c->of[0][i] = fix_count(x, 0, i);
		c->of[1][i] = fix_count(x, HOKM_NODE_SLOT, i);
	}
}

void counts_same(const char *what, const struct counts *fast, const struct counts *slow)
{
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++)
		if (fast->of[0][i] != slow->of[0][i] || fast->of[1][i] != slow->of[1][i])
			fail_msg("%s: counter %s is %llu, in the pipeline %llu", what,
				 hokm_counter_name(i),
				 (unsigned long long)(fast->of[0][i] + fast->of[1][i]),
				 (unsigned long long)(slow->of[0][i] + slow->of[1][i]));
}
