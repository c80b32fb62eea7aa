/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of the model (grants.pml) on its state, `now`: about node n, member m and the number g.
 * can_NAME() says whether the step makes sense now.
 */

/* The length that node n asks for now, and that of its probe to member m. */
#ifdef LONG
#define WANTED      (now.longer[n] ? LONGEST : LENGTH)
#define PROBE_WANTS (now.probe_longer[AT] ? LONGEST : LENGTH)
#else
#define WANTED      LENGTH
#define PROBE_WANTS LENGTH
#endif

static int ask(int n, int m, int wish, int epoch, int length)
{
	return rules_answer(&now.holder[m], &now.left[m], &now.epoch[m], now.silent[m], n + 1, wish,
			    epoch, length) == HOKM_VERDICT_GRANTED;
}

/* ---- the gate of the packet path ---- */

/* The daemon gives itself the lease as soon as it may: later only makes it own for shorter. */
static int is_owner(int n)
{
	int wished = now.wish_epoch[n], holder = HOKM_GRANT_NOBODY;
	struct rules_votes v;

	if (now.wish[n] != OWN || is_ended(n))
		return 0;
	if (now.holder[n])
		holder = now.holder[n] == n + 1 ? HOKM_GRANT_SELF : HOKM_GRANT_PEER(0);
	if (BROKEN(EXPIRY))
		rules_own_vote(&v, HOKM_GRANT_SELF, LENGTH, wished, wished);
	else
		rules_own_vote(&v, holder, now.left[n], now.epoch[n], wished);
	for (int m = 0; m < MEMBERS; m++)
		if (m != n)
			rules_vote(&v, m, now.granted[AT], now.granted_epoch[AT], wished);
	return rules_majority(&v, MAJORITY);
}

static int owners(void)
{
	int sum = 0;

	for (int n = 0; n < NODES; n++)
		sum += is_owner(n) && !stands(n) && !is_excused(n);
	return sum;
}

/* ---- time ---- */

static void less(unsigned char *what, int by)
{
	*what = *what > by ? *what - by : 0;
}

#ifdef LATE
/* So old a probe is of no use any more, and comes no more. */
#define AGE_MAX (LENGTH + 3)

static void older(unsigned char *age, int by)
{
	if (*age)
		*age = *age + by < AGE_MAX ? *age + by : AGE_MAX;
}

/* The probes of node n, by its clock. */
static void probes_age(int n, int by)
{
	for (int m = 0; m < MEMBERS; m++) {
		older(&now.probe_age[AT], by);
		older(&now.old_age[AT], by);
		older(&now.newest_age[AT], by);
		if (now.probe_age[AT] == AGE_MAX)
			now.probe_age[AT] = now.probe_wish[AT] = now.probe_epoch[AT] = 0;
		if (now.old_age[AT] == AGE_MAX)
			now.old_age[AT] = now.old_wish[AT] = now.old_epoch[AT] = 0;
	}
}
#endif

/* Does anything run on the clock of this machine? Without it the clock makes no difference. */
static int counts(int n)
{
	int any = now.left[n] || now.silent[n];

	for (int m = 0; n < NODES && m < MEMBERS; m++)
		any |= now.granted[AT] || now.probe_left[AT] || now.answer_left[AT];
	return any;
}

/* The clock of machine n goes on by `by` steps. */
static void advance(int n, int by)
{
	if (by != 1)
		now.even[n] = LENGTH - 1;
	else if (now.even[n])
		now.even[n]--;
	less(&now.left[n], by);
	less(&now.silent[n], by);
	if (!now.left[n])
		now.holder[n] = 0;
	for (int m = 0; n < NODES && m < MEMBERS; m++) {
		less(&now.granted[AT], by);
		less(&now.probe_left[AT], by);
		less(&now.answer_left[AT], by);
		if (!now.granted[AT])
			now.granted_epoch[AT] = 0;
		if (!now.answer_left[AT])
			now.answer_epoch[AT] = 0;
	}
#ifdef LATE
	if (n < NODES)
		probes_age(n, by);
#endif
#if PAUSES
	if (n < NODES)
		less(&now.stale[n], by);
#endif
	if (!counts(n))
		now.even[n] = 0;
}

static int can_advance(int n, int by)
{
	if (stands(n))
		return by == 0;
#ifdef EVEN_CLOCKS
	return by == 1;
#else
	return by == 1 || (!now.even[n] && counts(n));
#endif
}

static int can_tick(int a, int b, int c)
{
	return can_advance(0, a) && can_advance(1, b) && can_advance(2, c);
}

static void pass(int n, int by)
{
#if PAUSES
	now.lost[n] |= stands(n);
#endif
	if (!stands(n))
		advance(n, by);
}

static void tick(int a, int b, int c)
{
	pass(0, a);
	pass(1, b);
	pass(2, c);
}

/* ---- the network ---- */

static void send_to(int n, int m)
{
#ifdef REPLAY
	if (now.probe_wish[AT]) {
		now.old_wish[AT] = now.probe_wish[AT];
		now.old_epoch[AT] = now.probe_epoch[AT];
#ifdef LATE
		now.old_age[AT] = now.probe_age[AT];
#endif
	}
#endif
#ifdef LATE
	now.probe_age[AT] = 1;
#endif
	now.probe_wish[AT] = now.wish[n];
	now.probe_epoch[AT] = now.wish_epoch[n];
	now.probe_left[AT] = now.wish[n] == OWN ? rules_used(WANTED) : 0;
#ifdef LONG
	now.probe_longer[AT] = now.longer[n];
#endif
	note_probe(n, m, is_owner(n));
}

/* The node makes its own promise, by the same rules, and asks the other members. */
static void beat(int n)
{
	ask(n, n, now.wish[n], now.wish_epoch[n], WANTED);
	for (int m = 0; m < MEMBERS; m++)
		if (m != n)
			send_to(n, m);
}

static int can_hear(STEP_ARGS)
{
	return now.probe_wish[AT] && !stands(m);
}

#ifdef LATE
/* A probe of this age, the newest one or another, as the packet path takes it. */
static void take_probe(int n, int m, int wish, int epoch, int age)
{
	const struct rules_newest newest = {&now.newest_epoch[AT], &now.newest_age[AT]};
	const struct hokm_grant_ask a = {n + 1, wish, epoch, LENGTH * STEP_NS};
	int left = rules_take(&now.holder[m], &now.left[m], &now.epoch[m], now.silent[m], &newest,
			      a, age);

	if (!left)
		return;
	now.answer_epoch[AT] = epoch;
	now.answer_left[AT] = left;
}

static void probe_arrives(STEP_ARGS)
{
	take_probe(n, m, now.probe_wish[AT], now.probe_epoch[AT], now.probe_age[AT]);
}
#else
static void probe_arrives(STEP_ARGS)
{
	int granted;

	hear_owner(n, m, m < NODES && is_owner(m));
	granted = ask(n, m, now.probe_wish[AT], now.probe_epoch[AT], PROBE_WANTS);
	note_word(n, m);
	if (!granted || !now.probe_left[AT])
		return;
	now.answer_epoch[AT] = now.probe_epoch[AT];
	now.answer_left[AT] = now.probe_left[AT];
}
#endif

static int can_learn(STEP_ARGS)
{
	return now.answer_left[AT] && !stands(n);
}

static void answer_arrives(STEP_ARGS)
{
	int epoch = BROKEN(EPOCH) ? now.wish_epoch[n] : now.answer_epoch[AT];

	forget_words(n, m);
	if (epoch != now.wish_epoch[n])
		return;
	if (now.granted_epoch[AT] == epoch && now.granted[AT] > now.answer_left[AT])
		return;
	now.granted[AT] = now.answer_left[AT];
	now.granted_epoch[AT] = epoch;
}

static int can_replay(STEP_ARGS)
{
#ifdef REPLAY
	return now.old_wish[AT] && !stands(m);
#else
	return 0;
#endif
}

static void replay(STEP_ARGS)
{
#ifdef LATE
	take_probe(n, m, now.old_wish[AT], now.old_epoch[AT], now.old_age[AT]);
#elif defined(REPLAY)
	ask(n, m, now.old_wish[AT], now.old_epoch[AT], LENGTH);
#endif
}

/* ---- nodes ---- */

/* A node never uses an epoch twice: its session is a part of the number. */
static int can_claim(STEP_ARGS)
{
	return !stands(n) && g <= EPOCHS && now.wish[n] != OWN && !(now.used[n] & 1 << g);
}

static void claim(STEP_ARGS)
{
	now.wish[n] = OWN;
	now.wish_epoch[n] = g;
	now.used[n] |= 1 << g;
#ifdef LONG
	now.longer[n] = 0;
#endif
	begin_wish(n);
	beat(n);
}

static int can_renew(STEP_ARGS)
{
	return !stands(n) && now.wish[n] == OWN;
}

static void renew(STEP_ARGS)
{
	beat(n);
}

/*
 * An owner goes on with a greater epoch (hokm_grants_raise()): what it was granted, and has not
 * released, counts for that one too.
 */
static int can_raise(STEP_ARGS)
{
	int may = BROKEN(RAISE) ? now.wish[n] == RELEASE : is_owner(n);

	return may && !stands(n) && g <= EPOCHS && g > now.wish_epoch[n] && !(now.used[n] & 1 << g);
}

static void raise_epoch(STEP_ARGS)
{
	int former = now.wish_epoch[n];

	now.wish[n] = OWN;
	now.wish_epoch[n] = g;
	now.used[n] |= 1 << g;
	for (m = 0; m < MEMBERS; m++)
		if (m != n && now.granted[AT] && now.granted_epoch[AT] == former)
			now.granted_epoch[AT] = g;
	beat(n);
}

/* The node asks for the long grant from now on, or for the ordinary one again. */
static int can_lengthen(STEP_ARGS)
{
#ifdef LONG
	return !stands(n) && now.wish[n] == OWN;
#else
	return 0;
#endif
}

static void lengthen(STEP_ARGS)
{
#ifdef LONG
	now.longer[n] = !now.longer[n];
	beat(n);
#endif
}

static int can_release(STEP_ARGS)
{
	return !stands(n) && now.wish[n] == OWN;
}

static void release(STEP_ARGS)
{
	now.wish[n] = RELEASE;
#ifdef LONG
	now.longer[n] = 0;
#endif
	beat(n);
}

/* Machine m boots: it has forgotten everything but its number of sessions (used). */
static int can_boot(STEP_ARGS)
{
	return now.boots < BOOTS && !stands(m);
}

static void boot(STEP_ARGS)
{
	now.boots++;
	now.holder[m] = now.left[m] = now.epoch[m] = 0;
	now.silent[m] = rules_silence(BROKEN(LONGEST) ? LENGTH : LONGEST);
#ifdef LATE
	for (n = 0; n < NODES; n++)
		now.newest_epoch[AT] = now.newest_age[AT] = 0;
#endif
	if (m >= NODES)
		return;
	n = m;
	now.wish[n] = now.wish_epoch[n] = 0;
	begin_wish(n);
#ifdef LONG
	now.longer[n] = 0;
#endif
	for (m = 0; m < MEMBERS; m++) {
		now.granted[AT] = now.granted_epoch[AT] = 0;
		now.probe_left[AT] = now.answer_left[AT] = now.answer_epoch[AT] = 0;
	}
}

/* ---- the start ---- */

#ifdef OWNED
/* Node 0 owns: all members have granted it, and the probes of that may come once more. */
static void start(void)
{
	int n = 0;

	now.wish[n] = OWN;
	now.wish_epoch[n] = 1;
	now.used[n] = 1 << 1;
	begin_wish(n);
#ifdef LATE
	beat(n);
#endif
	beat(n);
	for (int m = 1; m < MEMBERS; m++) {
		probe_arrives(n, m, 0);
		answer_arrives(n, m, 0);
	}
}
#endif

/* ---- liveness ---- */

#ifdef LIVE
#define ROUNDS (8 * LENGTH)

/* No message of this node is lost, and none is late. */
static void exchange(int n, int dead)
{
	ask(n, n, now.wish[n], now.wish_epoch[n], LENGTH);
	for (int m = 0; m < MEMBERS; m++) {
		if (m == n || m == dead || !ask(n, m, now.wish[n], now.wish_epoch[n], LENGTH))
			continue;
		now.granted[AT] = rules_used(LENGTH);
		now.granted_epoch[AT] = now.wish_epoch[n];
	}
}

/* Does a member that runs keep its promise to another node? */
static int held(int n, int dead)
{
	for (int m = 0; m < MEMBERS; m++)
		if (m != dead && now.holder[m] && now.holder[m] != n + 1)
			return 1;
	return 0;
}

static void claim_next(int n, int dead)
{
	now.wish[n] = OWN;
	for (int m = 0; m < MEMBERS; m++)
		if (m != dead && now.epoch[m] > now.wish_epoch[n])
			now.wish_epoch[n] = now.epoch[m];
	now.wish_epoch[n]++;
}

/* One round of node n: it renews, or claims what is free, or gives up what it does not get. */
static void round_of(int n, int dead, int *patience)
{
	if (!BROKEN(PATIENCE) && now.wish[n] == OWN && !is_owner(n) && --*patience <= 0) {
		now.wish[n] = RELEASE;
		*patience = 1 + n * LENGTH;
	} else if (now.wish[n] != OWN && !held(n, dead) && --*patience <= 0) {
		claim_next(n, dead);
		*patience = 2 * LENGTH;
	}
	exchange(n, dead);
}

/* Does a node own soon, when the members but `dead` are in touch from now on? */
static int settles(int dead)
{
	struct State keep = now;
	int patience[NODES], owner = 0;

	for (int n = 0; n < NODES; n++)
		patience[n] = now.wish[n] == OWN ? 2 * LENGTH : 1 + n;
	for (int i = 0; i < ROUNDS && !owner; i++) {
		for (int m = 0; m < MEMBERS; m++)
			if (m != dead)
				advance(m, 1);
		for (int n = 0; n < NODES; n++) {
			if (n == dead)
				continue;
			round_of(n, dead, &patience[n]);
			owner |= is_owner(n);
		}
	}
	now = keep;
	return owner;
}
#endif

/* From this state on, a majority in touch leads to an owner, whichever member is dead, or none. */
static int lives(void)
{
#ifdef LIVE
	for (int dead = 0; dead <= MEMBERS; dead++)
		if (!settles(dead))
			return 0;
#endif
	return 1;
}
