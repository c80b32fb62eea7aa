/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated group of members (test_grants_sim.c): what each of them has, the queue of events, the
 * clocks, and the links. All times of the simulation are its own; a member reads its own clock.
 */
#ifndef HOKM_TEST_GRANTS_SIM_H
#define HOKM_TEST_GRANTS_SIM_H

#define MS          1000000ULL
#define LENGTH_NS   (30 * MS)
#define PULSE_NS    (10 * MS)
#define CHAOS_NS    (900 * MS)
#define CALM_NS     (500 * MS)
#define SEEDS       3000
#define MEMBERS_MAX 5
#define QUEUE_MAX   512

struct group {
	const char *name;
	unsigned int nodes, members, majority;
	bool cable;        /* a second path between the nodes */
	bool stands;       /* machines stand still with their clocks */
	unsigned int calm; /* pulses between two probes of a calm node; 1: it has no such pace */
};

enum what { TICK, WAKE, PROBE, ANSWER, TROUBLE };

struct event {
	uint64_t at_ns; /* of the simulation */
	uint64_t order;
	enum what what;
	unsigned int to, from;
	unsigned int boot; /* of the member that made it: what an earlier boot sent does not count
			    */
	unsigned int session; /* of the daemon that asked */
	uint64_t sent_ns, epoch, length_ns, left_us, greatest;
	uint64_t since;    /* PROBE: hokm_grants_owned_since() */
	uint64_t lease_ns; /* ANSWER: for how long the one that answers is owner */
	bool cable, owner;
	enum hokm_wish wish;
	enum hokm_verdict verdict;
	unsigned int holder; /* its number + 1; 0: nobody */
};

struct member {
	uint64_t offset_ns;
	int64_t rate_ppm; /* of its clock: beyond that of the simulation */
	unsigned int boot;
	bool up;
	bool cut[MEMBERS_MAX], cable_cut[MEMBERS_MAX];
	uint64_t paused_until_ns, shy_until_ns;  /* of the simulation */
	uint64_t still_until_ns;                 /* of the simulation: with its clock */
	uint64_t stale_ns;                       /* of its clock: what it asked for before */
	bool stood;                              /* its clock has stood still in this boot */
	unsigned int session, asks[MEMBERS_MAX]; /* its daemon's, and that of each one that asks */
	uint64_t newest_answer_ns[MEMBERS_MAX], newest_probe_ns[MEMBERS_MAX][2]; /* by path */
	uint64_t lease_until_ns[MEMBERS_MAX]; /* of its clock: of each one, as it has answered */
	struct hokm_grants map;
	/* the daemon */
	struct grants g;
	bool owns;   /* its lease is in map own */
	bool fresh;  /* it has just started, and has not looked at the map */
	bool lapsed; /* it is MASTER still, and its grants have ended */
	uint64_t wake_ns;
	struct grants_output out;
};

struct sim {
	const struct group *group;
	uint64_t random, now_ns, orders, seed;
	bool calm;
	unsigned int n, claims, returns, ended;
	uint64_t two_ns, two_max_ns;   /* since when two nodes act as owner; the longest time */
	struct event queue[QUEUE_MAX]; /* a heap: the earliest first */
	struct member m[MEMBERS_MAX];
};

static uint64_t any(struct sim *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static uint64_t below(struct sim *s, uint64_t n)
{
	return any(s) % n;
}

/* A calm pace is at most a third of a grant. */
static uint64_t length_ns(const struct sim *s)
{
	return s->group->calm * LENGTH_NS;
}

/* So a boot's silence is short, and a restart's grant is allowed. */
static uint64_t longest_ns(const struct sim *s)
{
	return 3 * length_ns(s);
}

/* ---- the queue ---- */

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
	struct event c = *a;

	*a = *b;
	*b = c;
}

static void put(struct sim *s, struct event *e)
{
	unsigned int i = s->n++;

	assert_true(s->n < QUEUE_MAX);
	e->order = s->orders++;
	s->queue[i] = *e;
	for (; i && earlier(&s->queue[i], &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->queue[i], &s->queue[(i - 1) / 2]);
}

static struct event take(struct sim *s)
{
	struct event first = s->queue[0];
	unsigned int i = 0, child;

	s->queue[0] = s->queue[--s->n];
	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && earlier(&s->queue[child + 1], &s->queue[child]))
			child++;
		if (!earlier(&s->queue[child], &s->queue[i]))
			break;
		swap(&s->queue[child], &s->queue[i]);
		i = child;
	}
	return first;
}

/* ---- clocks, slots, links ---- */

static uint64_t local_ns(const struct member *m, uint64_t at_ns)
{
	return m->offset_ns + at_ns + (uint64_t)((int64_t)(at_ns / 1000) * m->rate_ppm / 1000);
}

/* When the clock of m shows then_ns, or a moment later. */
static uint64_t at_ns(const struct sim *s, const struct member *m, uint64_t then_ns)
{
	uint64_t now_ns = local_ns(m, s->now_ns);

	return then_ns <= now_ns ? s->now_ns : s->now_ns + (then_ns - now_ns) * 65 / 64 + 1;
}

/* Slot of member `of` at member `at`. */
static unsigned int slot_of(unsigned int at, unsigned int of)
{
	return of < at ? of : of - 1;
}

static void post_one(struct sim *s, struct event *e)
{
	const struct member *from = &s->m[e->from];
	uint64_t late_ns = 20000 + below(s, 100000);

	if (!s->calm && below(s, 20) == 0)
		late_ns = below(s, 25 * MS);
	if (s->group->cable && !e->cable)
		late_ns += 2 * MS;
	if ((e->cable ? from->cable_cut : from->cut)[e->to] || (!s->calm && below(s, 12) == 0))
		return;
	e->at_ns = s->now_ns + late_ns;
	e->boot = from->boot;
	put(s, e);
}

/* One in twenty comes twice, and each in its own time. */
static void post(struct sim *s, struct event *e)
{
	struct event again = *e;

	post_one(s, e);
	if (below(s, 20) == 0)
		post_one(s, &again);
}

#endif
