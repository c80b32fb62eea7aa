/* SPDX-License-Identifier: GPL-2.0-only */
/* See claims.h. */
#include <string.h>

#include "decide/claims.h"

#define NS_PER_S           1000000000ULL
#define JUDGE_NS           (NS_PER_S)
#define REPEAT_NS          (60 * NS_PER_S)
#define DEFEND_INTERVAL_NS (10 * NS_PER_S) /* RFC 5227 section 1.1 */

static struct claim *find(struct claims *c, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < c->n; i++)
		if (!memcmp(c->list[i].mac, mac, sizeof(c->list[i].mac)))
			return &c->list[i];
	return NULL;
}

static struct claim *place(struct claims *c)
{
	struct claim *oldest = &c->list[0];

	if (c->n < CLAIMS_KEPT)
		return &c->list[c->n++];
	for (unsigned int i = 1; i < c->n; i++)
		if (c->list[i].last_ns < oldest->last_ns)
			oldest = &c->list[i];
	return oldest;
}

void claims_note(struct claims *c, const uint8_t mac[6], uint8_t vip, uint64_t now_ns)
{
	struct claim *one = find(c, mac);

	if (!one) {
		one = place(c);
		*one = (struct claim){.since_ns = now_ns, .report_ns = now_ns + JUDGE_NS};
		memcpy(one->mac, mac, sizeof(one->mac));
	}
	one->vip = vip;
	one->n++;
	one->last_ns = now_ns;
	one->due = true;
	c->attacked = true;
	c->vip = vip;
}

bool claims_defend(struct claims *c, bool owner, uint64_t now_ns)
{
	if (!owner)
		c->attacked = false;
	if (!c->attacked || (c->defended_ns && now_ns - c->defended_ns < DEFEND_INTERVAL_NS))
		return false;
	c->attacked = false;
	c->defended_ns = now_ns;
	return true;
}

const struct claim *claims_report(struct claims *c, uint64_t now_ns)
{
	for (unsigned int i = 0; i < c->n; i++) {
		struct claim *one = &c->list[i];

		if (!one->due || now_ns < one->report_ns)
			continue;
		one->due = false;
		one->reported = true;
		one->report_ns = now_ns + REPEAT_NS;
		return one;
	}
	return NULL;
}

void claims_forget(struct claims *c, const uint8_t mac[6])
{
	struct claim *one = find(c, mac);

	if (one)
		*one = c->list[--c->n];
}
