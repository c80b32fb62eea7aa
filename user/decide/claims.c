/* SPDX-License-Identifier: GPL-2.0-only */
/* See claims.h. */
#include <string.h>

#include "decide/claims.h"

#define NS_PER_S           1000000000ULL
#define JUDGE_NS           (NS_PER_S)
#define REPEAT_NS          (60 * NS_PER_S)
#define DEFEND_INTERVAL_NS (10 * NS_PER_S) /* RFC 5227 section 1.1 */

static struct claim *find(struct claims *c, const uint8_t mac[6], uint8_t vip)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->list[i].vip == vip && !memcmp(c->list[i].mac, mac, sizeof(c->list[i].mac)))
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
	struct claim *one;

	if (vip >= HOKM_MAX_VIPS)
		return;
	one = find(c, mac, vip);
	if (!one) {
		one = place(c);
		*one = (struct claim){
			.vip = vip, .since_ns = now_ns, .report_ns = now_ns + JUDGE_NS};
		memcpy(one->mac, mac, sizeof(one->mac));
	}
	one->n++;
	one->last_ns = now_ns;
	one->due = true;
	c->attacked[vip] = true;
}

int claims_defend(struct claims *c, bool owner, uint64_t now_ns)
{
	if (!owner)
		memset(c->attacked, 0, sizeof(c->attacked));
	for (int vip = 0; vip < HOKM_MAX_VIPS; vip++) {
		if (!c->attacked[vip] ||
		    (c->defended_ns[vip] && now_ns - c->defended_ns[vip] < DEFEND_INTERVAL_NS))
			continue;
		c->attacked[vip] = false;
		c->defended_ns[vip] = now_ns;
		return vip;
	}
	return -1;
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
	for (unsigned int i = 0; i < c->n;) {
		if (!memcmp(c->list[i].mac, mac, sizeof(c->list[i].mac)))
			c->list[i] = c->list[--c->n];
		else
			i++;
	}
}
