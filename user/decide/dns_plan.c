/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_plan.h. */
#include <stdarg.h>
#include <stdio.h>
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

__attribute__((format(printf, 2, 3))) static void refuse(struct dns_plan *out, const char *fmt, ...)
{
	va_list ap;

	out->verdict = DNS_REFUSE;
	va_start(ap, fmt);
	(void)vsnprintf(out->text, sizeof(out->text), fmt, ap);
	va_end(ap);
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

/* Finds the value to replace. False when there is none, with the words for it. */
static bool choose(const struct dns_plan_input *in, struct dns_plan *out)
{
	const struct dns_set *p = in->present;
	unsigned int n = ours(in, &out->at);

	if (!p->n)
		refuse(out, "the record does not exist: create it at the provider, with the "
			    "address of a node");
	else if (in->mode == DNS_REPLACE && p->n > 1)
		refuse(out,
		       "the record has %u values: one would have to be deleted; leave one, or set "
		       "dns.set = member",
		       p->n);
	else if (n > 1)
		refuse(out,
		       "%u values of the record are addresses of this group: leave one of them", n);
	else if (!n && !in->force)
		refuse(out,
		       "the record has %s, which is no address of this group: somebody else wrote "
		       "it; --force replaces it",
		       p->value[0]);
	else if (!n && p->n > 1)
		refuse(out, "none of the %u values of the record is an address of this group",
		       p->n);
	else
		return true;
	return false;
}

void dns_plan(const struct dns_plan_input *in, struct dns_plan *out)
{
	unsigned int there = dns_set_find(in->present, in->want);
	bool alone = in->mode == DNS_MEMBER || in->present->n == 1;

	memset(out, 0, sizeof(*out));
	out->after = *in->present;
	if (there < in->present->n && alone && ours(in, &out->at) <= 1) {
		out->verdict = DNS_NO_CHANGE;
		(void)snprintf(out->text, sizeof(out->text), "the record has %s already", in->want);
		return;
	}
	if (!choose(in, out))
		return;
	out->verdict = DNS_CHANGE;
	(void)snprintf(out->text, sizeof(out->text), "%s is replaced by %s",
		       in->present->value[out->at], in->want);
	(void)snprintf(out->after.value[out->at], DNS_ADDRESS_MAX, "%s", in->want);
}
