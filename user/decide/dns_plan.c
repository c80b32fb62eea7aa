/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_plan.h. */
#include <string.h>

#include "decide/dns_plan.h"

unsigned int dns_set_find(const struct dns_set *set, const char *address)
{
	unsigned int i = 0;

	while (i < set->n && strcmp(set->value[i], address) != 0)
		i++;
	return i;
}

bool dns_set_equal(const struct dns_set *a, const struct dns_set *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned int i = 0; i < a->n; i++)
		if (dns_set_find(b, a->value[i]) == b->n || dns_set_find(a, b->value[i]) == a->n)
			return false;
	return true;
}

/* How many values are the group's; *at is the last of them. */
static unsigned int ours(const struct dns_plan_input *in, unsigned int *at)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < in->present->n; i++)
		if (dns_set_find(in->group, in->present->value[i]) < in->group->n) {
			*at = i;
			n++;
		}
	return n;
}

/* Finds the value to replace. Returns why there is none. */
static enum dns_why choose(const struct dns_plan_input *in, struct dns_plan *out)
{
	const struct dns_set *p = in->present;
	unsigned int n = ours(in, &out->at);

	if (!p->n)
		return in->mode == DNS_FLOATING && (in->force || in->take_unassigned)
			       ? DNS_WHY_NOT
			       : DNS_WHY_MISSING;
	if (in->mode != DNS_MEMBER && p->n > 1)
		return DNS_WHY_SEVERAL;
	if (n > 1)
		return DNS_WHY_AMBIGUOUS;
	if (!n && p->n > 1)
		return DNS_WHY_NONE_OURS;
	return !n && !in->force ? DNS_WHY_FOREIGN : DNS_WHY_NOT;
}

void dns_plan(const struct dns_plan_input *in, struct dns_plan *out)
{
	unsigned int there = dns_set_find(in->present, in->want);
	bool alone = in->mode == DNS_MEMBER || in->present->n == 1;
	size_t len = strnlen(in->want, DNS_ADDRESS_MAX - 1);

	memset(out, 0, sizeof(*out));
	out->after = *in->present;
	if (there < in->present->n && alone && ours(in, &out->at) <= 1) {
		out->verdict = DNS_NO_CHANGE;
		return;
	}
	out->why = choose(in, out);
	if (out->why == DNS_WHY_NOT && in->keep && in->present->n &&
	    dns_set_find(in->keep, in->present->value[out->at]) < in->keep->n) {
		out->verdict = DNS_LEFT;
		return;
	}
	out->verdict = out->why == DNS_WHY_NOT ? DNS_CHANGE : DNS_REFUSE;
	if (out->why != DNS_WHY_NOT)
		return;
	if (!out->after.n)
		out->after.n = 1;
	memset(out->after.value[out->at], 0, DNS_ADDRESS_MAX);
	memcpy(out->after.value[out->at], in->want, len);
}
