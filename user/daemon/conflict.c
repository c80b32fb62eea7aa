/* SPDX-License-Identifier: GPL-2.0-only */
/* See conflict.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/conflict.h"
#include "daemon/node.h"

#define MAC_TEXT 18

void conflict_note(struct claims *c, const struct hokm_event *record)
{
	uint8_t mac[6];

	hokm_event_mac(record, mac);
	claims_note(c, mac, record->target, record->now_ns);
}

static bool is_node(const struct node *n, const unsigned char own[6], const uint8_t mac[6])
{
	const struct peers *p = &n->peers;

	if (!memcmp(own, mac, 6))
		return true;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && (!memcmp(p->list[slot].map.mac, mac, 6) ||
					   !memcmp(p->list[slot].map.vrrp_mac, mac, 6)))
			return true;
	return false;
}

static void report(const struct node *n, const struct claim *c, bool owner)
{
	char vip[INET_ADDRSTRLEN] = "?", mac[MAC_TEXT];
	unsigned long long times = c->n;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0], c->mac[1], c->mac[2],
		 c->mac[3], c->mac[4], c->mac[5]);
	if (c->vip < n->conf->n_vips)
		(void)inet_ntop(AF_INET, &n->conf->vips[c->vip], vip, sizeof(vip));
	log_error("%s claims the VIP %s by ARP and is the MAC address of no node (%llu times): "
		  "another host has this address, or forges ARP; clients may reach that host%s",
		  mac, vip, times,
		  owner ? "; this node announces the VIP, at most once in ten seconds" : "");
	events_add(n->events, "link", HOKM_R_VIP_CONFLICT, "%s: %s, %llu times", vip, mac, times);
}

void conflict_reconf(struct claims *c, const struct conf *was, const struct conf *now)
{
	if (was->n_vips != now->n_vips ||
	    memcmp(was->vips, now->vips, now->n_vips * sizeof(now->vips[0])) != 0)
		memset(c, 0, sizeof(*c));
}

void conflict_run(struct claims *c, const struct node *n, const unsigned char mac[6], bool owner,
		  uint64_t now_ns)
{
	const struct claim *one;
	int vip;

	while ((vip = claims_defend(c, owner, now_ns)) >= 0)
		if ((unsigned int)vip < n->conf->n_vips)
			apply_announce(n->apply, n->conf->vips[vip]);
	while ((one = claims_report(c, now_ns)) != NULL) {
		if (is_node(n, mac, one->mac))
			claims_forget(c, one->mac);
		else
			report(n, one, owner);
	}
}
