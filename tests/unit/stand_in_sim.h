/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two simulated nodes and a gateway (test_stand_in_sim.c): what they have, their clocks, and the
 * messages on their way. All times of the simulation are its own; a node reads its own clock.
 */
#ifndef HOKM_TEST_STAND_IN_SIM_H
#define HOKM_TEST_STAND_IN_SIM_H

#define MS         1000000ULL
#define STEP_NS    (MS / 4)
#define LENGTH_NS  (30 * MS)
#define LONG_NS    (16 * PULSE_NS) /* a grant that is long for the pulses */
#define PULSE_NS   (10 * MS)
#define CHAOS_NS   (2500 * MS)
#define SEEDS      400
#define FLYING_MAX 256
#define PEER       0
#define GATEWAY    7 /* its slot among the members */
#define ROUTER     2 /* its number beside the nodes 0 and 1 */

enum what { NONE, PROBE, ANSWER, ARP, ARP_ANSWER };

struct message {
	enum what what;
	unsigned int to, from, boot;
	uint64_t at_ns, left_ns; /* of the simulation: when it arrives, and when it left */
	uint64_t sent_ns, epoch, length_ns, left_us, greatest, lease_us;
	enum hokm_wish wish;
	enum hokm_verdict verdict;
	bool holds; /* another node than the asking one has the promise */
};

struct node {
	uint64_t offset_ns;
	int64_t rate_ppm;
	bool up, owns;
	unsigned int boot;
	uint64_t paused_until_ns, tick_ns; /* of the simulation, as the next ones */
	uint64_t sign_at_ns;               /* the newest sign of the other node arrived */
	uint64_t heard_at_ns, touch_ns;    /* any word; the first one after a gap */
	uint64_t reached_ns; /* the newest question that the gateway answered was sent */
	uint64_t newest_ns, sign_ns, seen_ns, lease_ns;
	struct hokm_grants map;
	struct grants g;
	struct grants_output out;
	struct stand_in stand;
	struct stand_in_output word;
	struct stand_in_asked asked;
	bool claimed;
};

struct sim {
	struct stand_in_conf conf;
	uint64_t random, now_ns, seed, change_ns;
	bool calm, cut[3][3];
	uint64_t cut_ns; /* that cut was there, or what it began went on */
	struct node n[2];
	struct message flying[FLYING_MAX];
};

static const struct stand_in_conf stand_conf = {
	.length_ns = LENGTH_NS,
	.longest_ns = 3 * LENGTH_NS,
	.sole_ns = 2 * LENGTH_NS,
	.pulse_ns = PULSE_NS,
	.each_ns = PULSE_NS,
	.adver_ns = 20 * MS};

static uint64_t below(struct sim *s, uint64_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random % n;
}

static uint64_t local_ns(const struct sim *s, const struct node *n)
{
	return n->offset_ns + s->now_ns +
	       (uint64_t)((int64_t)(s->now_ns / 1000) * n->rate_ppm / 1000);
}

static void post(struct sim *s, struct message m)
{
	if (s->cut[m.from][m.to] || (!s->calm && below(s, 15) == 0))
		return;
	m.boot = m.to == ROUTER ? 0 : s->n[m.to].boot;
	m.at_ns = s->now_ns + 50000 + below(s, !s->calm && below(s, 20) == 0 ? 8 * MS : MS / 2);
	for (unsigned int i = 0; i < FLYING_MAX; i++)
		if (s->flying[i].what == NONE) {
			s->flying[i] = m;
			return;
		}
	fail_msg("too many messages");
}

/* So long a gap is one by every clock. */
static uint64_t gap_ns(const struct sim *s)
{
	return s->conf.length_ns * 16 / 15;
}

#endif
