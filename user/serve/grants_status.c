/* SPDX-License-Identifier: GPL-2.0-only */
/* See grants_status.h. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/heartbeat.h"
#include "daemon/node.h"
#include "daemon/quorum.h"
#include "daemon/renewal.h"
#include "hokm/grant_count.h"
#include "serve/grants_status.h"
#include "serve/status_json.h"

static json_t *ms(uint64_t from_ns, uint64_t to_ns)
{
	return json_integer((json_int_t)(to_ns > from_ns ? (to_ns - from_ns) / NS_PER_MS : 0));
}

static const char *verdict_name(unsigned int verdict)
{
	static const char *const names[] = {
		[HOKM_VERDICT_NONE] = "none",     [HOKM_VERDICT_GRANTED] = "granted",
		[HOKM_VERDICT_HELD] = "held",     [HOKM_VERDICT_OLD] = "old",
		[HOKM_VERDICT_SILENT] = "silent", [HOKM_VERDICT_REFUSED] = "refused",
		[HOKM_VERDICT_BUSY] = "busy",     [HOKM_VERDICT_ABSENT] = "absent",
	};

	return verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "?";
}

/* The name of the node with this address, or null. */
static json_t *node_name(const struct conf *c, __be32 addr)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (addr && c->nodes[i].addr.s_addr == addr)
			return json_string(c->nodes[i].name);
	return json_null();
}

/* What answers for a witness, as its last answer says; null before the first one. */
static json_t *witness_answers(struct hokm_bpf *b, const struct hokm_granted *m, unsigned int slot)
{
	struct hokm_peer peer;

	if (!m->answered_ns || hokm_bpf_get_peer(b, slot, &peer))
		return json_null();
	return json_string(peer.flags & HOKM_PULSE_KERNEL ? "xdp" : "user");
}

static json_t *member_json(const struct quorum *q, const struct grants_conf *c,
			   const struct hokm_grants *map, unsigned int slot, uint64_t now_ns)
{
	const struct hokm_granted *m = &map->member[slot];
	const struct node *n = q->node;
	bool held = m->held_until_ns > now_ns;
	json_t *o = json_object();

	status_put(o, "name",
		   json_string(c->stand_in >> slot & 1 ? "gateway" : peers_name(&n->peers, slot)));
	status_put(o, "stand_in", json_boolean(c->stand_in >> slot & 1));
	status_put(o, "witness", json_boolean(n->peers.witnesses[slot].used));
	if (n->peers.witnesses[slot].used)
		status_put(o, "answers_in", witness_answers(n->bpf, m, slot));
	status_put(o, "answered_ms", m->answered_ns ? ms(m->answered_ns, now_ns) : json_null());
	status_put(o, "verdict", json_string(verdict_name(m->verdict)));
	status_put(o, "unwilling", json_boolean(grants_member_unwilling(c, m)));
	status_put(o, "longest_ms",
		   grants_member_too_short(c, m) ? ms(0, m->longest_ns) : json_null());
	status_put(o, "granted_ms", ms(now_ns, hokm_grant_end_ns(m->end, map->wish_epoch)));
	status_put(o, "holder", held ? node_name(n->conf, m->holder) : json_null());
	status_put(o, "held_ms", ms(now_ns, m->held_until_ns));
	status_put(o, "epoch", json_integer((json_int_t)m->seen_epoch));
	return o;
}

/* Which node has the promise of this one as a member? */
static void put_own(json_t *o, const struct quorum *q, const struct hokm_grants *map,
		    uint64_t now_ns)
{
	const struct node *n = q->node;
	uint64_t word = map->own.word;
	uint32_t member = hokm_grant_member(word);
	const char *name = NULL;

	if (now_ns < hokm_grant_until_ns(word) && member == HOKM_GRANT_SELF)
		name = n->conf->nodes[n->conf->self].name;
	else if (now_ns < hokm_grant_until_ns(word) && member != HOKM_GRANT_NOBODY)
		name = peers_name(&n->peers, member - HOKM_GRANT_PEER(0));
	status_put(o, "promised_to", name ? json_string(name) : json_null());
	status_put(o, "promised_ms",
		   name ? ms(now_ns, hokm_grant_until_ns(word)) : json_integer(0));
	status_put(o, "silent_ms", ms(now_ns, map->own.silent_until_ns));
}

static void put_renewal(json_t *o, const struct quorum *q)
{
	struct renewal_report r;

	heartbeat_renewal(q->heartbeat, &r);
	status_put(o, "renewed_late", json_integer((json_int_t)r.count));
	status_put(o, "renews_in_time", json_boolean(r.in_time));
}

json_t *grants_status_json(const struct quorum *q, const struct vrrp *v)
{
	const struct hokm_grants *map = hokm_bpf_grants(q->node->bpf);
	uint64_t now_ns = clock_now_ns();
	json_t *list = json_array();
	json_t *o = json_object();
	struct grants_view seen;
	struct grants_conf c;
	unsigned int members = 1;

	quorum_conf(q, v, &c);
	if (!c.majority && !q->in_force.majority) {
		json_decref(list);
		json_decref(o);
		return json_null();
	}
	grants_look(&c, map, now_ns, &seen);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		if (!(c.slots >> slot & 1))
			continue;
		members++;
		if (json_array_append_new(list, member_json(q, &c, map, slot, now_ns)))
			log_debug("status: no memory for a member");
	}
	status_put(o, "in_force",
		   json_boolean(q->in_force.majority && q->in_force.majority == c.majority));
	status_put(o, "majority", json_integer(c.majority));
	status_put(o, "members", json_integer(members));
	status_put(o, "in_touch", json_integer(seen.in_touch));
	status_put(o, "phase", json_string(grants_phase_name(q->grants.phase)));
	status_put(o, "epoch", json_integer((json_int_t)map->wish_epoch));
	status_put(o, "granted_ms", ms(now_ns, seen.granted_until_ns));
	put_renewal(o, q);
	put_own(o, q, map, now_ns);
	status_put(o, "others", list);
	return o;
}
