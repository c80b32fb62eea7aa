/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of the model stand_in.pml on its state, `now`: about node n and the number g.
 * can_NAME() says whether the step makes sense now.
 */

#define STEP_ARGS __attribute__((unused)) int n, __attribute__((unused)) int g
#define OTHER     (1 - (n))

static enum hokm_verdict ask(int n, int m, int wish, int epoch, int length)
{
	return rules_answer(&now.holder[m], &now.left[m], &now.epoch[m], now.silent[m], n + 1, wish,
			    epoch, length);
}

/* The daemon gives itself the lease as soon as it may: later only makes it own for shorter. */
static int is_owner(int n)
{
	int wished = now.wish_epoch[n], its = HOKM_GRANT_NOBODY;
	struct rules_votes v;

	if (now.wish[n] != OWN)
		return 0;
	if (now.holder[n])
		its = now.holder[n] == n + 1 ? HOKM_GRANT_SELF : HOKM_GRANT_PEER(PEER);
	rules_own_vote(&v, its, now.left[n], now.epoch[n], wished);
	rules_vote(&v, PEER, now.granted[n], now.granted_epoch[n], wished);
	rules_vote(&v, GATEWAY, now.by_gateway[n], wished, wished);
	return rules_majority(&v, MAJORITY);
}

/* ---- time ---- */

static void less(unsigned char *what, int by)
{
	*what = *what > by ? *what - by : 0;
}

static void older(unsigned char *age, int by, int most)
{
	if (*age)
		*age = *age + by < most ? *age + by : most;
}

/* As old as that, it is not there any more. */
static void pass(unsigned char *age, int by, int most)
{
	if (*age)
		*age = *age + by < most ? *age + by : 0;
}

/* What is too old to arrive is the same as none. */
static void forget_messages(int n)
{
	if (!now.probe_age[n])
		now.probe_wish[n] = now.probe_epoch[n] = 0;
	if (!now.answer_age[n])
		now.answer_epoch[n] = now.answer_held[n] = now.answer_barred[n] = 0;
	for (int i = 2 * n; i < 2 * n + 2; i++)
		if (!now.question_age[i])
			now.after[i] = 0;
}

/* A pulse is under way for the length of a grant at most; XDP drops an answer that is too late. */
static void advance_messages(int n, int by)
{
	pass(&now.probe_age[n], by, LENGTH + 1);
	pass(&now.answer_age[n], by, LATE + 1);
	/* An answer that comes later counts for a newer question: docs/ownership.md, point 2. */
	for (int i = 2 * n; i < 2 * n + 2; i++)
		pass(&now.question_age[i], by, QUESTION_LATE + 1);
	forget_messages(n);
}

/* The clock of node n goes on by `by` steps. */
static void advance(int n, int by)
{
	if (by != 1)
		now.even[n] = EVEN - 1;
	else if (now.even[n])
		now.even[n]--;
	/* The end of its silence, from which its second counts. */
	if (now.silent[n])
		now.known[n] = now.silent[n] <= by ? 1 + by - now.silent[n] : 0;
	else
		older(&now.known[n], by, AGE_MAX);
	less(&now.left[n], by);
	less(&now.silent[n], by);
	less(&now.granted[n], by);
	less(&now.by_gateway[n], by);
	less(&now.held[n], by);
	if (!now.left[n])
		now.holder[n] = 0;
	if (!now.granted[n])
		now.granted_epoch[n] = 0;
	older(&now.heard[n], by, HEARD_MAX);
	older(&now.since[n], by, AGE_MAX);
	older(&now.unheard[n], by, UNHEARD_MAX);
	older(&now.asked_peer[n], by, 2);
	older(&now.word[n], by, LENGTH + 2);
	older(&now.sign[n], by, AGE_MAX);
	older(&now.seen[n], by, SEEN_MAX);
	pass(&now.asked[n], by, QUESTION_MAX);
	pass(&now.again[n], by, QUESTION_MAX);
	advance_messages(n, by);
}

/* With DRIFTS 1: the clock of node 0 may go slow, and that of node 1 fast. */
static int may_drift(int n, int by)
{
	return by == 1 || (!now.even[n] && (DRIFTS == 2 || (DRIFTS == 1 && by == 2 * n)));
}

static int can_tick(int a, int b)
{
	return may_drift(0, a) && may_drift(1, b);
}

static void tick(int a, int b)
{
	advance(0, a);
	advance(1, b);
	now.acted[0] = now.acted[1] = 0;
	for (int n = 0; n < NODES; n++)
		now.gap[n] += now.gap[n] < LENGTH + 2;
}

/* ---- what a node hears ---- */

/* After so long a gap it has not been in touch, by every clock. */
static void hears(int n)
{
	if (now.gap[n] >= LENGTH + 2)
		now.reached[OTHER] = now.after[2 * OTHER] = now.after[2 * OTHER + 1] = 0;
	now.gap[n] = 0;
	now.word[n] = 1;
}

/* A sign of life of the other node reaches the kernel of n. */
static void sign_of_peer(int n)
{
	hears(n);
	now.reached[OTHER] = now.after[2 * OTHER] = now.after[2 * OTHER + 1] = 0;
	now.sign[n] = 1;
	if (now.counts_for[n] == CLAIMS && !BROKEN(BETWEEN))
		now.counts_for[n] = NOTHING;
}

/* ---- the network; n has sent the message ---- */

/* The probe is answered, and the answer is under way. */
static void hear_probe(int n)
{
	enum hokm_verdict v = ask(n, OTHER, now.probe_wish[n], now.probe_epoch[n], LENGTH);

	sign_of_peer(OTHER);
	now.answer_age[n] = now.probe_age[n];
	now.answer_epoch[n] = v == HOKM_VERDICT_GRANTED ? now.probe_epoch[n] : 0;
	now.answer_barred[n] = v == HOKM_VERDICT_SILENT;
	now.answer_held[n] = now.holder[OTHER] == OTHER + 1 ? now.left[OTHER] : 0;
	now.probe_age[n] = 0;
	pass(&now.answer_age[n], 0, LATE + 1);
	forget_messages(n);
}

static void take_answer(int n)
{
	int left = rules_used(LENGTH) - (now.answer_age[n] - 1), epoch = now.answer_epoch[n];

	sign_of_peer(n);
	/* It proves that the peer was there when it was asked. */
	if (!now.seen[n] || now.seen[n] > now.answer_age[n])
		now.seen[n] = now.answer_age[n];
	now.held[n] = now.answer_held[n];
	now.peer_barred[n] = now.answer_barred[n];
	now.answer_age[n] = 0;
	forget_messages(n);
	if (!epoch || now.wish[n] != OWN || epoch != now.wish_epoch[n] || left <= 0)
		return;
	if (now.granted_epoch[n] == epoch && now.granted[n] > left)
		return;
	now.granted[n] = left;
	now.granted_epoch[n] = epoch;
}

/* stand_in_note() of bpf/arp_gate.h: the answer to this one of the two questions has come. */
static void take_gateway(int n, int g)
{
	int from = now.asked[n], left = rules_answer_left(now.counts_length[n], from);
	int after = now.after[2 * n + g];

	now.question_age[2 * n + g] = now.after[2 * n + g] = 0;
	hears(n);
	now.asked[n] = 0;
	if (!from || now.counts_for[n] == NOTHING || now.wish[n] != OWN || left <= 0)
		return;
	if (now.counts_for[n] == RENEWS && !is_owner(n))
		return;
	if (left > now.by_gateway[n])
		now.by_gateway[n] = left;
	now.reached[n] |= after;
}

/* ---- the daemon of n ---- */

static void load(int n, struct stand_in *s, struct stand_in_input *in)
{
	*s = (struct stand_in){
		.heard_ns = rules_moment(now.heard[n]),
		.since_ns = rules_moment(now.since[n]),
		.unheard_ns = rules_moment(now.unheard[n]),
		.asked_peer_ns = rules_moment(now.asked_peer[n]),
	};
	*in = (struct stand_in_input){
		.owns = now.master[n],
		.stands = true,
		.granted_ns = is_owner(n) ? NOW_NS + 1 : 0,
		/* So it asks at each step. */
		.best_ns = 0,
		.peer_barred = now.peer_barred[n] && now.seen[n] && now.seen[n] <= 2,
		.barred_ns = now.silent[n] ? NOW_NS + now.silent[n] * STEP_NS
					   : rules_moment(now.known[n]),
		.answered_ns = rules_moment(now.word[n]),
		.sign_ns = rules_moment(now.sign[n]),
		.seen_ns = rules_moment(now.seen[n]),
		.lease_ns = now.held[n] ? NOW_NS + now.held[n] * STEP_NS : 0,
	};
}

static void store(int n, const struct stand_in *s, const struct stand_in_output *out)
{
	now.heard[n] = rules_age(s->heard_ns, HEARD_MAX);
	now.since[n] = rules_age(s->since_ns, AGE_MAX);
	now.unheard[n] = rules_age(s->unheard_ns, UNHEARD_MAX);
	now.asked_peer[n] = rules_age(s->asked_peer_ns, 2);
	now.counts_for[n] = out->counts == HOKM_STAND_IN_RENEWS   ? RENEWS
			    : out->counts == HOKM_STAND_IN_CLAIMS ? CLAIMS
								  : NOTHING;
	now.counts_length[n] = now.counts_for[n] ? out->length_ns / STEP_NS : 0;
}

static void question(int n, int fate)
{
	int g = !!now.question_age[2 * n];

	now.asked[n] = rules_question(now.asked[n], &now.again[n]);
	if (fate == LOST)
		return;
	now.question_age[2 * n + g] = now.after[2 * n + g] = 1;
	if (fate == ANSWERED)
		take_gateway(n, g);
}

static void pulse(int n, int fate)
{
	if (fate == LOST)
		return;
	if (fate == SIGN) {
		sign_of_peer(OTHER);
		return;
	}
	now.probe_age[n] = 1;
	now.probe_wish[n] = now.wish[n];
	now.probe_epoch[n] = now.wish_epoch[n];
	if (fate == LATER)
		return;
	hear_probe(n);
	if (fate == ANSWERED)
		take_answer(n);
	else if (fate == HEARD)
		now.answer_age[n] = 0;
	forget_messages(n);
}

/* pulse_fate, question_fate: the fates of its pulse and of its question to the gateway. */
static void step_daemon(int n, int new_wish, int new_epoch, int pulse_fate, int question_fate)
{
	struct stand_in_output out;
	struct stand_in_input in;
	int length = LENGTH;
	struct stand_in s;

	now.acted[n] = ONCE;
	now.master[n] |= is_owner(n);
	load(n, &s, &in);
	rules_stand_in(&s, &in, &out);
	store(n, &s, &out);
	if (new_wish != now.wish[n] || new_epoch != now.wish_epoch[n])
		now.granted[n] = now.granted_epoch[n] = now.by_gateway[n] = now.reached[n] = 0;
	now.wish[n] = new_wish;
	now.wish_epoch[n] = new_epoch;
	now.master[n] &= new_wish == OWN;
	if (now.counts_length[n] > length)
		length = now.counts_length[n];
	if (new_wish)
		ask(n, n, new_wish, new_epoch, length);
	pulse(n, pulse_fate);
	if (out.ask_gateway || (new_wish == OWN && now.counts_for[n] == CLAIMS))
		question(n, question_fate);
}

/* ---- the steps ---- */

static int fits(int n, int wish, int fates)
{
	int its = fates / 10, of_question = fates % 10;

	/* With CUT nothing of node 1 reaches node 0. */
	if (CUT && (its == ANSWERED || its == DELAYED || (n == 1 && its != LOST)))
		return 0;
	if ((SLOW < 1 && of_question == LATER) || (SLOW < 2 && (its == LATER || its == DELAYED)))
		return 0;
	return !now.acted[n] && (wish == OWN || its != SIGN);
}

/* It renews what it wishes for, or shows that it is there. */
static int can_beat(STEP_ARGS)
{
	return fits(n, now.wish[n], g);
}

static void beat(STEP_ARGS)
{
	step_daemon(n, now.wish[n], now.wish_epoch[n], g / 10, g % 10);
}

/* The epoch is one that it never had. A node that does not know its promises goes by the timers. */
static int can_claim(STEP_ARGS)
{
	int wanted = 1 + g / 100;

	return wanted <= EPOCHS && now.wish[n] != OWN && !(now.used[n] & 1 << wanted) &&
	       !now.silent[n] && fits(n, OWN, g % 100);
}

static void claim(STEP_ARGS)
{
	int wanted = 1 + g / 100;

	now.used[n] |= 1 << wanted;
	step_daemon(n, OWN, wanted, g / 10 % 10, g % 10);
}

static int can_release(STEP_ARGS)
{
	return RELEASES && now.wish[n] == OWN && fits(n, RELEASE, g);
}

static void release(STEP_ARGS)
{
	step_daemon(n, RELEASE, now.wish_epoch[n], g / 10, g % 10);
}

static int can_hear(STEP_ARGS)
{
	return now.probe_age[n];
}

static void probe_arrives(STEP_ARGS)
{
	hear_probe(n);
}

static int can_learn(STEP_ARGS)
{
	return now.answer_age[n];
}

static void answer_arrives(STEP_ARGS)
{
	take_answer(n);
}

static int can_answer(STEP_ARGS)
{
	return now.question_age[2 * n + g];
}

static void gateway_answers(STEP_ARGS)
{
	take_gateway(n, g);
}

/* ---- machines ---- */

static int can_boot(STEP_ARGS)
{
	return now.boots < BOOTS;
}

/* It has forgotten everything but the number of its sessions (used). */
static void boot(STEP_ARGS)
{
	now.boots++;
	now.holder[n] = now.left[n] = now.epoch[n] = 0;
	now.silent[n] = rules_silence(LONGEST);
	now.wish[n] = now.wish_epoch[n] = now.master[n] = 0;
	now.granted[n] = now.granted_epoch[n] = now.by_gateway[n] = 0;
	now.heard[n] = now.since[n] = now.unheard[n] = now.asked_peer[n] = 0;
	now.word[n] = now.sign[n] = now.seen[n] = now.known[n] = 0;
	now.held[n] = now.peer_barred[n] = 0;
	now.counts_for[n] = now.counts_length[n] = now.asked[n] = now.again[n] = 0;
	/* What was for the session before it counts no more. */
	now.probe_age[n] = now.answer_age[n] = 0;
	now.question_age[2 * n] = now.question_age[2 * n + 1] = 0;
	forget_messages(n);
	now.reached[n] = 0;
	now.gap[n] = LENGTH + 2;
}

/* Node n owns, and has been without its peer for long. */
static void start_alone(int n)
{
	now.holder[n] = n + 1;
	now.left[n] = rules_kept(SOLE);
	now.epoch[n] = now.wish_epoch[n] = 1;
	now.wish[n] = OWN;
	now.used[n] = 1 << 1;
	now.master[n] = now.reached[n] = 1;
	now.by_gateway[n] = rules_used(SOLE);
	now.counts_for[n] = RENEWS;
	now.counts_length[n] = SOLE;
	now.word[n] = now.heard[n] = 1;
	now.gap[n] = 0;
}

/* Node 0 owns by the grant of its peer, whose answer has just come. */
static void start_owner(void)
{
	start_alone(0);
	now.left[0] = now.left[1] = rules_kept(LENGTH);
	now.holder[1] = now.epoch[1] = 1;
	now.granted[0] = rules_used(LENGTH);
	now.granted_epoch[0] = 1;
	now.by_gateway[0] = now.reached[0] = now.counts_for[0] = now.counts_length[0] = 0;
	for (int n = 0; n < NODES; n++) {
		now.word[n] = now.heard[n] = now.sign[n] = now.seen[n] = 1;
		now.gap[n] = 0;
	}
}

static void start(void)
{
	for (int n = 0; n < NODES; n++) {
		now.known[n] = now.since[n] = AGE_MAX;
		now.heard[n] = HEARD_MAX;
		now.word[n] = LENGTH + 2;
		now.sign[n] = AGE_MAX;
		now.seen[n] = SEEN_MAX;
		now.gap[n] = LENGTH + 2;
	}
	if (start_at == 1)
		start_owner();
	else if (start_at)
		start_alone(0);
	if (start_at == 3) {
		boot(1, 0);
		now.silent[1] = 0;
		now.known[1] = 1; /* from this moment on */
		now.peer_barred[0] = 1;
		for (int n = 0; n < NODES; n++) {
			now.word[n] = now.sign[n] = now.seen[n] = 1;
			now.gap[n] = 0;
		}
		now.reached[0] = 0;
		now.left[0] = rules_kept(4);
		now.by_gateway[0] = rules_used(4);
		now.counts_length[0] = 4;
	}
	if (start_at == 4) {
		start_alone(1);
		now.owner = now.excused = 1;
	}
}

/* ---- what is checked ---- */

#ifdef LIVE
#define ROUNDS (2 * rules_kept(LONGEST) + 12 * LENGTH)
#define NOBODY NODES

/* Has a claim a chance, as far as node n knows? */
static int may_win(int n)
{
	if (now.silent[n] || (now.holder[n] && now.holder[n] != n + 1) || now.held[n])
		return 0;
	return (now.seen[n] && now.seen[n] <= 2) || now.counts_for[n] == CLAIMS;
}

static int yields(int n)
{
	return !BROKEN(YIELD) && n == 1 && now.held[n] && now.seen[n] <= 2;
}

/* One round of node n: it renews, or claims what is free, or gives up what it does not get. */
static void round_of(int n, int dead, int *patience)
{
	int pulses = dead == OTHER ? LOST : ANSWERED;
	int questions = dead == GATEWAY ? LOST : ANSWERED;
	int top = now.wish_epoch[n] > now.epoch[n] ? now.wish_epoch[n] : now.epoch[n];

	if (top < now.epoch[OTHER])
		top = now.epoch[OTHER];
	if (now.wish[n] == OWN && (yields(n) || (!is_owner(n) && --*patience <= 0))) {
		step_daemon(n, RELEASE, now.wish_epoch[n], pulses, questions);
		*patience = 2 + n * 2 * LENGTH;
	} else if (now.wish[n] != OWN && may_win(n) && --*patience <= 0) {
		step_daemon(n, OWN, top + 1, pulses, questions);
		*patience = 2 * LENGTH;
	}
	/* Twice in a tick: after a lost answer each one counts from the question before it. */
	step_daemon(n, now.wish[n], now.wish_epoch[n], pulses, questions);
	step_daemon(n, now.wish[n], now.wish_epoch[n], pulses, questions);
}

/* Does exactly one node own soon, and go on, when the members but `dead` are in touch? */
static int settles(int dead)
{
	struct State keep = now;
	int patience[NODES], held = 0;

	for (int n = 0; n < NODES; n++)
		patience[n] = now.wish[n] == OWN ? 2 * LENGTH : 1 + n;
	for (int i = 0; i < ROUNDS; i++) {
		int owners = 0;

		for (int n = 0; n < NODES; n++) {
			advance(n, 1);
			if (n == dead)
				continue;
			round_of(n, dead, &patience[n]);
		}
		for (int n = 0; n < NODES; n++)
			owners += n != dead && is_owner(n);
		held = owners == 1 ? held + 1 : 0;
	}
	now = keep;
	return held >= LENGTH;
}
#endif

/* From this state on: all are in touch, or one of nodes and gateway is dead. */
static int lives(void)
{
#ifdef LIVE
	return settles(NOBODY) && settles(0) && settles(1) && settles(GATEWAY);
#else
	return 1;
#endif
}

/*
 * The second owner is excused by what the first one did: it had reached the gateway, and this one
 * had not heard it since. The excuse holds for as long as both own, as docs/ownership.md says.
 */
static void check(void)
{
	int owns = is_owner(0) + 2 * is_owner(1);

	now.safe = owns != 3 || now.excused || (now.owner && now.reached[now.owner - 1]);
	now.excused = owns == 3 && now.safe;
	if (owns != 3)
		now.owner = owns;
	now.live = lives();
}
