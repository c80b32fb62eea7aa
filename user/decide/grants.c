/* SPDX-License-Identifier: GPL-2.0-only */
/* See grants.h. */
#include <string.h>

#include "decide/grants.h"
#include "hokm/grant_count.h"

/* The first answers are here after a round trip; then less often. */
#define PROBE_FIRST_NS 500000ULL
#define PROBE_MOST_NS  2000000ULL
/* A member that has not answered for this number of pulses is not in touch. */
#define TOUCH_PULSES 4
/* After this number of pulses an owner that was held up does not come back. */
#define LATE_PULSES 64
/* Doublings of the wait after claims that failed. */
#define BACK_OFF_MOST 3

/* ---- what the map says ---- */

static bool is_member(const struct grants_conf *c, unsigned int slot)
{
	return c->slots >> slot & 1;
}

/* It keeps promises, and tells epochs. */
static bool promises(const struct grants_conf *c, unsigned int slot)
{
	return (c->slots & ~c->stand_in) >> slot & 1;
}

static uint64_t touch_ns(const struct grants_conf *c)
{
	uint64_t pulses_ns = TOUCH_PULSES * c->pulse_ns;

	return pulses_ns > c->length_ns ? pulses_ns : c->length_ns;
}

bool grants_member_unwilling(const struct grants_conf *c, const struct hokm_granted *m)
{
	return m->answered_ns &&
	       (m->verdict == HOKM_VERDICT_ABSENT || grants_member_too_short(c, m));
}

bool grants_member_too_short(const struct grants_conf *c, const struct hokm_granted *m)
{
	return m->verdict != HOKM_VERDICT_GRANTED && m->longest_ns && c->length_ns > m->longest_ns;
}

/* It answers, and could grant: one that takes no part gives no majority. */
static bool in_touch(const struct grants_conf *c, const struct hokm_granted *m, uint64_t now_ns)
{
	return m->answered_ns && now_ns < m->answered_ns + touch_ns(c) &&
	       !grants_member_unwilling(c, m);
}

/* When the promise of this node itself is free for it; 0: it is and was. */
static uint64_t own_free_ns(const struct hokm_grants *map)
{
	uint64_t word = map->own.word, free_ns = map->own.silent_until_ns;
	uint32_t member = hokm_grant_member(word);

	if (member != HOKM_GRANT_SELF && member != HOKM_GRANT_NOBODY &&
	    hokm_grant_until_ns(word) > free_ns)
		free_ns = hokm_grant_until_ns(word);
	return free_ns;
}

/* Puts value into the sorted list of *n. */
static void insert(uint64_t list[HOKM_MAX_PEERS], unsigned int *n, uint64_t value)
{
	unsigned int i = (*n)++;

	for (; i > 0 && list[i - 1] > value; i--)
		list[i] = list[i - 1];
	list[i] = value;
}

/* A proof that the clock of this node stood still has ended the present wish. */
static bool is_void(const struct hokm_grants *map)
{
	return map->wish == HOKM_WISH_OWN && hokm_grants_is_void(map);
}

/*
 * The end that the packet path goes by. While another majority is in force there, or none, the ends
 * of the members for the present wish are counted here.
 */
static uint64_t granted_until(const struct grants_conf *c, const struct hokm_grants *map)
{
	__u64 ends[HOKM_GRANT_MEMBERS] = {0};

	if (is_void(map))
		return 0;
	if (map->count.majority == c->majority)
		return hokm_grants_end_ns(map);
	if (map->wish != HOKM_WISH_OWN)
		return 0;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (is_member(c, slot))
			ends[slot] = hokm_grant_end_ns(map->member[slot].end, map->wish_epoch);
	if (hokm_grant_member(map->own.word) == HOKM_GRANT_SELF)
		ends[HOKM_MAX_PEERS] = hokm_grant_until_ns(map->own.word);
	return hokm_grants_kth(ends, c->majority);
}

void grants_look(const struct grants_conf *c, const struct hokm_grants *map, uint64_t now_ns,
		 struct grants_view *out)
{
	uint64_t free_ns[HOKM_MAX_PEERS];
	unsigned int n = 0;

	memset(out, 0, sizeof(*out));
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (is_member(c, slot) && in_touch(c, &map->member[slot], now_ns))
			insert(free_ns, &n, map->member[slot].held_until_ns);
	out->in_touch = n + 1;
	if (!c->majority)
		return;
	out->granted_until_ns = granted_until(c, map);
	if (n + 1 < c->majority || !map->own.silent_until_ns)
		return;
	out->known = true;
	out->free_at_ns = own_free_ns(map);
	if (c->majority > 1 && free_ns[c->majority - 2] > out->free_at_ns)
		out->free_at_ns = free_ns[c->majority - 2];
	out->free = now_ns >= out->free_at_ns;
}

/* ---- epochs ---- */

static uint64_t greatest_epoch(const struct grants *g, const struct grants_conf *c,
			       const struct hokm_grants *map)
{
	uint64_t epoch = g->epoch > map->own.epoch ? g->epoch : map->own.epoch;

	if (map->stood.void_below > epoch)
		epoch = map->stood.void_below;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (is_member(c, slot) && map->member[slot].seen_epoch > epoch)
			epoch = map->member[slot].seen_epoch;
	return epoch;
}

/* A member in touch refuses the present epoch as too old, or the wish counts no more. */
static bool too_old(const struct grants *g, const struct grants_conf *c,
		    const struct hokm_grants *map, uint64_t now_ns)
{
	if (map->own.epoch > g->epoch || is_void(map))
		return true;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (is_member(c, slot) && in_touch(c, &map->member[slot], now_ns) &&
		    map->member[slot].seen_epoch > g->epoch)
			return true;
	return false;
}

/* ---- phases ---- */

static void enter(struct grants *g, enum grants_phase phase, uint64_t now_ns)
{
	g->phase = phase;
	g->lapsed_ns = 0;
	g->since_ns = now_ns;
	g->probe_at_ns = now_ns;
	g->probe_gap_ns = PROBE_FIRST_NS;
}

/*
 * A majority grants the owner, by what is wanted or, while a change of the members waits for its
 * grants (in_force.h), by what is in force.
 */
static bool is_granted(const struct grants_conf *c, const struct hokm_grants *map, uint64_t now_ns)
{
	return now_ns < granted_until(c, map) ||
	       (map->count.majority && now_ns < hokm_grants_end_ns(map));
}

/* Another node has a member's grant, or has had it since this node was granted. */
static bool others_came(const struct grants *g, const struct grants_conf *c,
			const struct hokm_grants *map, uint64_t now_ns)
{
	if (too_old(g, c, map, now_ns) || now_ns < own_free_ns(map))
		return true;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (promises(c, slot) && now_ns < map->member[slot].held_until_ns)
			return true;
	return false;
}

bool grants_may_return(const struct grants *g, const struct grants_conf *c,
		       const struct hokm_grants *map, uint64_t now_ns)
{
	return g->phase == GRANTS_OWNING && g->lapsed_ns && now_ns < g->lapsed_ns + c->length_ns &&
	       !others_came(g, c, map, now_ns);
}

/*
 * This node comes later to a claim than it meant to: it was held up, and the owner perhaps too. The
 * owner's next pulse may come first.
 */
static bool is_late(struct grants *g, const struct grants_conf *c, const struct grants_input *in,
		    uint64_t at_ns, uint64_t now_ns)
{
	if (in->named || now_ns < at_ns + c->pulse_ns / 2 ||
	    now_ns > at_ns + LATE_PULSES * c->pulse_ns || g->late_for_ns == at_ns)
		return false;
	g->late_for_ns = at_ns;
	g->not_before_ns = now_ns + c->pulse_ns;
	return true;
}

/* When a claim may begin, by what is known now; UINT64_MAX: not before more is known. */
static uint64_t claim_at_ns(const struct grants *g, const struct grants_conf *c,
			    const struct grants_input *in, const struct grants_view *v)
{
	uint64_t at_ns = v->free_at_ns;

	if (!in->wants || in->owns || !v->known)
		return UINT64_MAX;
	if (!in->named)
		at_ns += c->rank * c->pulse_ns;
	return at_ns > g->not_before_ns ? at_ns : g->not_before_ns;
}

static void step_idle(struct grants *g, const struct grants_conf *c, const struct hokm_grants *map,
		      const struct grants_input *in, uint64_t now_ns)
{
	struct grants_view v;
	uint64_t at_ns;

	grants_look(c, map, now_ns, &v);
	at_ns = claim_at_ns(g, c, in, &v);
	if (!in->owns && (now_ns < at_ns || is_late(g, c, in, at_ns, now_ns)))
		return;
	/* An owner without grants: they have just come into force for a group that had none. */
	g->epoch = greatest_epoch(g, c, map) + 1;
	enter(g, GRANTS_CLAIMING, now_ns);
}

/* So many members have answered the claim with another owner that a majority cannot come. */
static bool hopeless(const struct grants *g, const struct grants_conf *c,
		     const struct hokm_grants *map, uint64_t now_ns)
{
	unsigned int left = 1;

	if (now_ns < own_free_ns(map))
		return true;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct hokm_granted *m = &map->member[slot];

		if (is_member(c, slot))
			left += (promises(c, slot) && m->answered_ns <= g->since_ns) ||
				now_ns >= m->held_until_ns;
	}
	return left < c->majority;
}

/*
 * The wait grows with the rank, so that of two claimants one asks while the other waits, and with
 * the claims that failed. What is added by chance parts nodes that count their ranks differently.
 */
static void give_up(struct grants *g, const struct grants_conf *c, uint64_t now_ns)
{
	unsigned int doublings = g->failed < BACK_OFF_MOST ? g->failed : BACK_OFF_MOST;
	uint64_t mixed = (c->seed + g->epoch) * 0x9e3779b97f4a7c15ULL >> 32;
	uint64_t wait_ns = (1 + 2 * c->rank) * c->pulse_ns + mixed % (c->pulse_ns + 1);

	g->failed++;
	enter(g, GRANTS_RELEASING, now_ns);
	g->not_before_ns = now_ns + (wait_ns << doublings);
}

static void step_claiming(struct grants *g, const struct grants_conf *c,
			  const struct hokm_grants *map, const struct grants_input *in,
			  uint64_t now_ns)
{
	bool granted = map->wish_epoch == g->epoch && now_ns < granted_until(c, map);

	if (!in->wants && !in->owns)
		enter(g, GRANTS_RELEASING, now_ns);
	else if (granted && in->owns)
		enter(g, GRANTS_OWNING, now_ns);
	else if (in->owns)
		; /* VRRP's own lease counts until the grants have come for the first time */
	else if (now_ns >= g->since_ns + GRANTS_CLAIMS * c->length_ns ||
		 hopeless(g, c, map, now_ns))
		give_up(g, c, now_ns);
	if (g->phase == GRANTS_CLAIMING && too_old(g, c, map, now_ns))
		g->epoch = greatest_epoch(g, c, map) + 1;
	if (g->phase == GRANTS_OWNING)
		g->failed = 0;
}

/* Every member that may still keep a promise to this node has seen the release. */
static bool released(const struct grants *g, const struct grants_conf *c,
		     const struct hokm_grants *map, uint64_t now_ns)
{
	if (now_ns >= g->kept_until_ns)
		return true;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (promises(c, slot) && map->member[slot].seen_epoch <= g->epoch)
			return false;
	return true;
}

static void change_phase(struct grants *g, const struct grants_conf *c,
			 const struct hokm_grants *map, const struct grants_input *in,
			 uint64_t now_ns)
{
	if (g->phase == GRANTS_OWNING && !in->owns)
		enter(g, GRANTS_RELEASING, now_ns);
	if (g->phase == GRANTS_CLAIMING)
		step_claiming(g, c, map, in, now_ns);
	if (g->phase == GRANTS_RELEASING && released(g, c, map, now_ns))
		enter(g, GRANTS_IDLE, now_ns);
	/* Members that have not seen the release keep their promise to this node, not to others. */
	if (g->phase == GRANTS_IDLE || g->phase == GRANTS_RELEASING)
		step_idle(g, c, map, in, now_ns);
}

/* ---- what follows ---- */

static void wish_own(struct grants *g, const struct grants_conf *c, const struct grants_input *in,
		     uint64_t now_ns, struct grants_output *out)
{
	uint64_t kept_ns;

	out->wish = HOKM_WISH_OWN;
	out->length_ns = in->longer_ns > c->length_ns ? in->longer_ns : c->length_ns;
	/* The answer may come a length later than the probe went out. */
	kept_ns = hokm_grant_kept_ns(out->length_ns) + c->length_ns;
	if (now_ns + kept_ns > g->kept_until_ns)
		g->kept_until_ns = now_ns + kept_ns;
}

static void probe_quickly(struct grants *g, uint64_t now_ns, struct grants_output *out)
{
	out->probe = now_ns >= g->probe_at_ns;
	if (out->probe) {
		g->probe_at_ns = now_ns + g->probe_gap_ns;
		g->probe_gap_ns *= 2;
		if (g->probe_gap_ns > PROBE_MOST_NS)
			g->probe_gap_ns = PROBE_MOST_NS;
	}
	out->next_ns = g->probe_at_ns;
}

/* Rather too early than never: a pulse comes anyway. */
static void wake_for_claim(const struct grants *g, const struct grants_conf *c,
			   const struct hokm_grants *map, const struct grants_input *in,
			   uint64_t now_ns, struct grants_output *out)
{
	struct grants_view v;
	uint64_t at_ns;

	grants_look(c, map, now_ns, &v);
	at_ns = claim_at_ns(g, c, in, &v);
	if (at_ns != UINT64_MAX && (!out->next_ns || at_ns < out->next_ns))
		out->next_ns = at_ns;
}

void grants_step(struct grants *g, const struct grants_conf *c, const struct hokm_grants *map,
		 const struct grants_input *in, uint64_t now_ns, struct grants_output *out)
{
	enum grants_phase was = g->phase;
	uint64_t epoch = g->epoch;

	memset(out, 0, sizeof(*out));
	if (!c->majority) {
		memset(g, 0, sizeof(*g));
		return;
	}
	change_phase(g, c, map, in, now_ns);
	switch (g->phase) {
	case GRANTS_CLAIMING:
		wish_own(g, c, in, now_ns, out);
		/* An owner that has time asks with the pulses. */
		if (now_ns < g->since_ns + GRANTS_CLAIMS * c->length_ns)
			probe_quickly(g, now_ns, out);
		out->self = out->probe || in->tick;
		break;
	case GRANTS_OWNING:
		if (is_granted(c, map, now_ns))
			g->lapsed_ns = 0;
		else if (!g->lapsed_ns)
			g->lapsed_ns = now_ns;
		if (!g->lapsed_ns && too_old(g, c, map, now_ns)) {
			g->epoch = greatest_epoch(g, c, map) + 1;
			out->raise = true;
		}
		wish_own(g, c, in, now_ns, out);
		out->probe = out->raise || was != GRANTS_OWNING;
		out->self = out->probe || in->tick;
		break;
	case GRANTS_RELEASING:
		out->wish = HOKM_WISH_RELEASE;
		out->self = was != GRANTS_RELEASING || epoch != g->epoch;
		/* A few at once; then the pulses repeat it. */
		if (now_ns < g->since_ns + 2 * PROBE_MOST_NS)
			probe_quickly(g, now_ns, out);
		break;
	default:
		break;
	}
	out->epoch = g->phase == GRANTS_IDLE ? 0 : g->epoch;
	if (g->phase == GRANTS_IDLE || g->phase == GRANTS_RELEASING)
		wake_for_claim(g, c, map, in, now_ns, out);
}

void grants_adopt(struct grants *g, const struct grants_conf *c, const struct hokm_grants *map,
		  uint64_t now_ns)
{
	memset(g, 0, sizeof(*g));
	g->epoch = map->wish_epoch;
	if (!c->majority || map->wish != HOKM_WISH_OWN || !is_granted(c, map, now_ns))
		return;
	enter(g, GRANTS_OWNING, now_ns);
	g->kept_until_ns = now_ns + hokm_grant_kept_ns(map->own.longest_ns) + c->length_ns;
}

const char *grants_phase_name(enum grants_phase phase)
{
	static const char *const names[] = {
		[GRANTS_IDLE] = "idle",
		[GRANTS_CLAIMING] = "claiming",
		[GRANTS_OWNING] = "owning",
		[GRANTS_RELEASING] = "releasing",
	};

	return (unsigned int)phase < sizeof(names) / sizeof(names[0]) ? names[phase] : "?";
}
