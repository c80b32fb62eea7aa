/* SPDX-License-Identifier: GPL-2.0-only */
/* See quorum.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "base/units.h"
#include "daemon/heartbeat.h"
#include "daemon/node.h"
#include "daemon/quorum.h"
#include "daemon/renewal.h"
#include "hokm/grant_count.h"

/* Silence is reported after this number of pulses. */
#define SILENT_PULSES 50

static struct hokm_grants *map_of(const struct quorum *q)
{
	return hokm_bpf_grants(q->node->bpf);
}

/* ---- settings ---- */

/* The nodes that come first: of a higher priority, alive, and not the owner whose grants end. */
static unsigned int rank(const struct node *n, const struct vrrp *v, uint64_t now_ns)
{
	const struct conf_node *self = &n->conf->nodes[n->conf->self];
	unsigned int before = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *p = &n->peers.list[slot];

		before += p->used && p->addr.s_addr != v->owner.s_addr &&
			  vrrp_beats(p->priority, p->addr, self->priority, self->addr) &&
			  peers_sight(&n->peers, slot, now_ns).by == PEER_BY_PULSE;
	}
	return before;
}

static uint32_t member_slots(const struct peers *p)
{
	uint32_t slots = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used || p->witnesses[slot].used)
			slots |= 1U << slot;
	return slots;
}

void quorum_conf(const struct quorum *q, const struct vrrp *v, struct grants_conf *out)
{
	const struct node *n = q->node;
	const struct conf *c = n->conf;

	*out = (struct grants_conf){
		.majority = conf_majority(c),
		.slots = member_slots(&n->peers) | stand_in_watch_slots(&q->stand_in),
		.stand_in = stand_in_watch_slots(&q->stand_in),
		.length_ns = c->grant_ns,
		.pulse_ns = c->pulse_ns,
		.rank = rank(n, v, clock_now_ns()),
		.seed = ntohl(c->nodes[c->self].addr.s_addr),
	};
	if (out->stand_in &&
	    !stand_in_watch_counts(&q->stand_in, out, v->state == HOKM_VRRP_MASTER, clock_now_ns()))
		out->majority = 0;
}

/* ---- what is in force ---- */

static void put_in_force(struct quorum *q, unsigned int former)
{
	const struct in_force *f = &q->in_force;

	hokm_grants_set_members(map_of(q), f->majority, f->slots);
	if (f->majority == former)
		return;
	if (f->majority)
		log_info("grants decide who is owner: %u members must grant it", f->majority);
	else
		log_info("VRRP's timers decide who is owner: no grants are needed");
}

/* Would an owner be one by what the configuration wants? */
static bool granted_by(const struct quorum *q, const struct grants_conf *c, uint64_t now_ns)
{
	struct grants_view v;

	/* An owner whose grants have just ended is none, until they are here again. */
	if (!c->majority)
		return now_ns < hokm_grants_end_ns(map_of(q));
	grants_look(c, map_of(q), now_ns, &v);
	return now_ns < v.granted_until_ns;
}

static void follow_conf(struct quorum *q, const struct grants_conf *c, bool owner, uint64_t now_ns)
{
	const struct in_force wanted = {c->majority, c->slots};
	const unsigned int former = q->in_force.majority;

	in_force_step(&q->in_force, &wanted, owner,
		      former != c->majority && granted_by(q, c, now_ns));
	put_in_force(q, former);
}

bool quorum_behind(const struct quorum *q)
{
	const unsigned int wanted = conf_majority(q->node->conf);

	return q->in_force.majority && wanted && q->in_force.majority != wanted;
}

/* The slot of the witness with this address, or HOKM_NO_PEER. */
static unsigned int witness_slot(const struct peers *p, struct in_addr addr)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->witnesses[slot].used && p->witnesses[slot].addr.s_addr == addr.s_addr)
			return slot;
	return HOKM_NO_PEER;
}

/* What is in force is in the map, and so is it known after a restart too. */
bool quorum_goes_by(const struct quorum *q, const struct conf *c)
{
	const struct peers *p = &q->node->peers;
	unsigned int slot;
	uint32_t slots = 0;

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		slot = peers_by_addr(p, c->nodes[i].addr);
		if (slot >= HOKM_MAX_PEERS && i != c->self)
			return false;
		if (slot < HOKM_MAX_PEERS)
			slots |= 1U << slot;
	}
	for (unsigned int i = 0; i < c->n_witnesses; i++) {
		slot = witness_slot(p, c->witnesses[i].addr);
		if (slot >= HOKM_MAX_PEERS)
			return false;
		slots |= 1U << slot;
	}
	return conf_majority(c) == q->in_force.majority && slots == q->in_force.slots;
}

/*
 * A node that takes part from now on may have promised something before its map was made, which was
 * before this daemon began. It knows its promises when it took part before. An owner by VRRP's
 * timers is silent all the same: else it could grant another node before it grants itself.
 */
static uint64_t silent_until_ns(const struct quorum *q, uint64_t longest_ns)
{
	const uint64_t now_ns = clock_now_ns();

	if (now_ns < q->node->want.own.lease_until_ns)
		return now_ns + hokm_grant_silence_ns(longest_ns);
	if (q->silent_until_ns)
		return q->silent_until_ns;
	return q->opened_ns + hokm_grant_silence_ns(longest_ns);
}

/* One that takes no part shows it to the others. */
static void take_part(struct quorum *q)
{
	uint64_t longest_ns = conf_longest_grant_ns(q->node->conf);
	struct hokm_promise *own = &map_of(q)->own;

	if (!longest_ns) {
		if (own->silent_until_ns)
			q->silent_until_ns = own->silent_until_ns;
		HOKM_GRANT_STORE(&own->silent_until_ns, 0);
		return;
	}
	HOKM_GRANT_STORE(&own->longest_ns, longest_ns);
	if (!own->silent_until_ns)
		HOKM_GRANT_STORE(&own->silent_until_ns, silent_until_ns(q, longest_ns));
}

/* ---- the wish ---- */

/* An owner that is alone uses an answer of the gateway for longer: its own promise is as long. */
static void promise_self(struct quorum *q, struct pulse_wish wish, uint64_t now_ns)
{
	if (wish.wish == HOKM_WISH_OWN && q->stand_in.out.length_ns > wish.length_ns)
		wish.length_ns = q->stand_in.out.length_ns;
	renewal_promise_self(map_of(q), &wish, now_ns);
}

static void step(struct quorum *q, const struct vrrp *v, bool tick)
{
	const bool owns = v->state == HOKM_VRRP_MASTER;
	const struct grants_input in = {
		.owns = owns,
		.wants = owns || v->wants != HOKM_R_NONE,
		.named = v->wants == HOKM_R_HANDED_OVER || v->wants == HOKM_R_PREEMPT,
		.tick = tick,
		.longer_ns = owns ? q->longer_ns : 0,
	};
	struct hokm_grants *map = map_of(q);
	uint64_t now_ns = clock_now_ns();
	struct grants_output out;
	struct pulse_wish wish;
	struct grants_conf c;
	uint64_t look_ns;

	quorum_conf(q, v, &c);
	follow_conf(q, &c, owns, now_ns);
	stand_in_watch_step(&q->stand_in, v, &c, in.longer_ns, now_ns);
	grants_step(&q->grants, &c, map, &in, now_ns, &out);
	if (out.raise)
		hokm_grants_raise(map, out.epoch);
	else
		hokm_grants_set_wish(map, out.wish, out.epoch);
	wish = (struct pulse_wish){
		.wish = out.wish, .epoch = out.epoch, .length_ns = out.length_ns};
	heartbeat_wish(q->heartbeat, &wish);
	if (out.self)
		promise_self(q, wish, now_ns);
	if (out.probe && !tick)
		heartbeat_probe(q->heartbeat);
	look_ns = stand_in_watch_ask(&q->stand_in, out.probe, now_ns);
	if (look_ns && (!out.next_ns || look_ns < out.next_ns))
		out.next_ns = look_ns;
	timer_arm(q->timer, out.next_ns);
}

void quorum_beat(struct quorum *q, const struct vrrp *v)
{
	/* Without grants there is nothing to wish; quorum_run() sees when they come into force. */
	if (q->in_force.majority || conf_majority(q->node->conf))
		step(q, v, true);
}

bool quorum_peer_silent(const struct quorum *q, unsigned int slot)
{
	return q->in_force.majority && map_of(q)->member[slot].verdict == HOKM_VERDICT_SILENT;
}

bool quorum_ends_by(const struct quorum *q, uint64_t by_ns)
{
	uint64_t word = map_of(q)->own.word;
	uint32_t member = hokm_grant_member(word);

	return q->in_force.majority && member != HOKM_GRANT_NOBODY && member != HOKM_GRANT_SELF &&
	       hokm_grant_until_ns(word) <= by_ns;
}

/* It owns by VRRP's timers: no member has granted it, so none says that it owns. */
static bool absent_holds(const struct quorum *q, unsigned int slot, uint64_t now_ns)
{
	const struct peer *p = &q->node->peers.list[slot];

	return p->used && map_of(q)->member[slot].verdict == HOKM_VERDICT_ABSENT &&
	       now_ns < p->map.lease_until_ns;
}

void quorum_view(const struct quorum *q, uint64_t now_ns, struct vrrp_view *v)
{
	const struct hokm_grants *map = map_of(q);
	uint32_t member = hokm_grant_member(map->own.word);
	struct grants_conf c = {
		.majority = q->in_force.majority,
		.slots = member_slots(&q->node->peers) | stand_in_watch_slots(&q->stand_in),
		.stand_in = stand_in_watch_slots(&q->stand_in),
		.length_ns = q->node->conf->grant_ns,
		.pulse_ns = q->node->conf->pulse_ns,
	};
	struct grants_view seen;

	if (!q->in_force.majority)
		return;
	grants_look(&c, map, now_ns, &seen);
	v->by_grants = true;
	v->granted = now_ns < hokm_grants_end_ns(map) ||
		     grants_may_return(&q->grants, &c, map, now_ns);
	v->free = seen.free;
	v->stand_in = c.stand_in;
	v->lapsed = now_ns >= hokm_grants_end_ns(map);
	v->stood = map->wish == HOKM_WISH_OWN && hokm_grants_stood(map);
	v->kept = q->grants.phase == GRANTS_OWNING;
	v->barred = !seen.known || now_ns < map->own.silent_until_ns;
	v->occupied = member != HOKM_GRANT_NOBODY && member != HOKM_GRANT_SELF &&
		      now_ns < hokm_grant_until_ns(map->own.word);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		v->occupied |= (c.slots & ~c.stand_in) >> slot & 1 &&
			       now_ns < map->member[slot].held_until_ns;
		v->absent_holds |= absent_holds(q, slot, now_ns);
	}
}

/* ---- reports ---- */

static void report_majority(struct quorum *q, const struct vrrp *v, uint64_t now_ns)
{
	static const enum hokm_reason reasons[] = {
		[MAJORITY_NOTHING] = HOKM_R_GRANTS_OFF,
		[MAJORITY_THERE] = HOKM_R_MAJORITY,
		[MAJORITY_LACKING] = HOKM_R_ISOLATED,
	};
	struct majority_seen seen;
	struct grants_conf c;
	struct grants_view g;
	enum hokm_reason why;

	quorum_conf(q, v, &c);
	grants_look(&c, map_of(q), now_ns, &g);
	seen = (struct majority_seen){
		q->in_force.majority, g.in_touch, c.majority, SILENT_PULSES * c.pulse_ns};
	if (!majority_news_step(&q->news, &seen, now_ns))
		return;
	why = reasons[q->news.reported];
	if (why == HOKM_R_GRANTS_OFF) {
		events_add(q->node->events, "state", why, "%s", hokm_reason_text(why));
		return;
	}
	log_line(why == HOKM_R_MAJORITY ? LOG_LVL_INFO : LOG_LVL_WARN,
		 "%u members in touch, this node among them; a majority is %u", g.in_touch,
		 c.majority);
	events_add(q->node->events, "state", why, "%u members in touch, %u are a majority",
		   g.in_touch, c.majority);
}

/* The nodes are reported as peers (peers.c). */
static void report_witness(struct quorum *q, unsigned int slot, uint64_t now_ns)
{
	const struct node *n = q->node;
	const uint64_t limit_ns = n->peers.each_ns + SILENT_PULSES * n->conf->pulse_ns;
	const uint64_t answered_ns = map_of(q)->member[slot].answered_ns;
	const char *name = q->node->peers.witnesses[slot].name;
	bool silent = now_ns >= answered_ns + limit_ns;
	enum hokm_reason why = silent ? HOKM_R_PEER_SILENT : HOKM_R_PEER_ALIVE;

	if (!answered_ns || (q->answered[slot] && silent == q->silent[slot]))
		return;
	q->answered[slot] = true;
	q->silent[slot] = silent;
	log_line(silent ? LOG_LVL_WARN : LOG_LVL_INFO, "witness %s reason=%s (%s)", name,
		 hokm_reason_name(why), hokm_reason_text(why));
	events_add(q->node->events, "peer", why, "%s: %s", name, hokm_reason_text(why));
}

/* Which setting it is: the one that says who decides, or the length of a grant. */
static void part_words(const struct grants_conf *c, const struct hokm_granted *m, char *dst,
		       size_t size)
{
	char longest[DURATION_TEXT_MAX], asked[DURATION_TEXT_MAX];

	dst[0] = '\0';
	if (grants_member_too_short(c, m))
		snprintf(dst, size, " (it grants %s at most, this node asks for %s)",
			 duration_format(m->longest_ns, longest),
			 duration_format(c->length_ns, asked));
}

/*
 * It answers, and grants nothing for as long as its settings stay. Where no majority decides, that
 * is no fault.
 */
static void report_part(struct quorum *q, const struct grants_conf *c, unsigned int slot)
{
	const struct hokm_granted *m = &map_of(q)->member[slot];
	const char *name = peers_name(&q->node->peers, slot);
	bool unwilling = q->in_force.majority && grants_member_unwilling(c, m);
	enum hokm_reason why = unwilling ? HOKM_R_NO_PART : HOKM_R_TAKES_PART;
	char words[2 * DURATION_TEXT_MAX + 64];

	if (!name)
		q->unwilling[slot] = false;
	if (!name || unwilling == q->unwilling[slot])
		return;
	q->unwilling[slot] = unwilling;
	if (!q->in_force.majority)
		why = HOKM_R_GRANTS_OFF;
	part_words(c, m, words, sizeof(words));
	log_line(unwilling ? LOG_LVL_WARN : LOG_LVL_INFO, "member %s reason=%s (%s)%s%s", name,
		 hokm_reason_name(why), hokm_reason_text(why), unwilling ? words : "",
		 unwilling ? ": give it the file of this node; a witness must be restarted" : "");
	events_add(q->node->events, "peer", why, "%s: %s%s", name, hokm_reason_text(why),
		   unwilling ? words : "");
}

/* The packet path has noted it, also while no daemon ran. */
static void report_stood(struct quorum *q)
{
	struct hokm_stood *s = &map_of(q)->stood;
	const uint64_t seen_ns = HOKM_GRANT_READ(&s->seen_ns);
	const struct in_addr owner = {s->owner};
	char name[INET_ADDRSTRLEN] = "another node";

	if (seen_ns == s->reported_ns)
		return;
	s->reported_ns = seen_ns;
	if (owner.s_addr)
		inet_ntop(AF_INET, &owner, name, sizeof(name));
	log_warn("the clock of this machine stood still, or goes too slowly: %s was granted the "
		 "VIP while this node counted its own grants. They have ended. Hand the VIP over "
		 "before you pause, save or migrate this machine",
		 name);
	events_add(q->node->events, "state", HOKM_R_CLOCK_STOOD, "%s: %s was granted meanwhile",
		   hokm_reason_text(HOKM_R_CLOCK_STOOD), name);
}

void quorum_run(struct quorum *q, const struct vrrp *v)
{
	uint64_t now_ns = clock_now_ns();
	struct grants_conf c;

	step(q, v, false);
	report_stood(q);
	report_majority(q, v, now_ns);
	quorum_conf(q, v, &c);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		report_part(q, &c, slot);
		if (q->in_force.majority && q->node->peers.witnesses[slot].used)
			report_witness(q, slot, now_ns);
	}
}

/* ---- open, reload ---- */

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct quorum *q = arg;

	(void)s;
	(void)usec;
	inbox_note(&q->node->inbox, INBOX_POLICY);
	return 0;
}

int quorum_open(struct quorum *q, struct node *n, struct heartbeat *h, struct gateway_watch *g,
		bool lease_runs)
{
	const struct vrrp nobody = {0};
	struct grants_conf c;
	int err;

	memset(q, 0, sizeof(*q));
	q->node = n;
	q->heartbeat = h;
	q->opened_ns = clock_now_ns();
	stand_in_watch_init(&q->stand_in, n, g);
	q->in_force = (struct in_force){
		map_of(q)->count.majority, hokm_grants_apart(map_of(q)->count.apart)};
	take_part(q);
	quorum_conf(q, &nobody, &c);
	grants_adopt(&q->grants, &c, map_of(q), clock_now_ns());
	follow_conf(q, &c, lease_runs, clock_now_ns());
	err = timer_add(n->event, &q->timer, NODE_PRIO_VRRP, on_timer, q);
	if (err)
		log_error("could not set up the event loop: %s", strerror(-err));
	return err;
}

void quorum_close(struct quorum *q)
{
	q->timer = sd_event_source_disable_unref(q->timer);
}

void quorum_reconf(struct quorum *q)
{
	take_part(q);
	memset(q->answered, 0, sizeof(q->answered));
}
