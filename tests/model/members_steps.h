/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of the model members.pml on its state, `now`: about node n and the number g.
 * can_NAME() says whether the step makes sense now.
 */

#define STEP_ARGS __attribute__((unused)) int n, __attribute__((unused)) int g
#define OTHER     (1 - (n))
#define AT        ((n)*MEMBERS + (m))

static int ask(int n, int m, int wish, int epoch)
{
	return rules_answer(&now.holder[m], &now.left[m], &now.epoch[m], 0, n + 1, wish, epoch,
			    LENGTH) == HOKM_VERDICT_GRANTED;
}

/* ---- who is owner ---- */

/* Has node n a majority, by this count? */
static int has_majority(int n, const struct in_force *f)
{
	int its = HOKM_GRANT_NOBODY;
	struct hokm_grants g = {.wish = now.wish[n], .wish_epoch = now.wish_epoch[n]};

	if (now.holder[n])
		its = now.holder[n] == n + 1 ? HOKM_GRANT_SELF : HOKM_GRANT_PEER(OTHER);
	g.own.word = hokm_grant_word((__u32)its, NOW_NS + now.left[n] * STEP_NS);
	g.own.epoch = now.epoch[n];
	for (int m = 0; m < MEMBERS; m++)
		if (now.granted[AT])
			g.member[m].end = hokm_grant_end_word(
				now.granted_epoch[AT], NOW_NS + now.granted[AT] * STEP_NS);
	return rules_counts(&g, f);
}

static int is_owner(int n)
{
	const struct in_force f = {now.majority[n], now.others[n]};

	return now.wish[n] == OWN && has_majority(n, &f);
}

static int owners(void)
{
	return is_owner(0) + is_owner(1);
}

/* ---- time ---- */

static void less(unsigned char *what)
{
	if (*what)
		--*what;
}

static int can_tick(STEP_ARGS)
{
	return 1;
}

static void tick(STEP_ARGS)
{
	for (int m = 0; m < MEMBERS; m++) {
		less(&now.left[m]);
		if (!now.left[m])
			now.holder[m] = 0;
	}
	for (int i = 0; i < NODES * MEMBERS; i++) {
		less(&now.granted[i]);
		if (!now.granted[i])
			now.granted_epoch[i] = 0;
	}
}

/* ---- the daemon ---- */

static int is_behind(int n)
{
	return now.majority[n] != rules_files[now.file[n]].majority;
}

/* quorum.c: the members of the file come into force, or what was before stays. */
static void follow_file(int n, int master)
{
	const struct in_force wanted = rules_wanted(n, now.file[n]);
	struct in_force f = {now.majority[n], now.others[n]};

	rules_in_force(&f, &wanted, master, now.wish[n] == OWN && has_majority(n, &wanted));
	now.majority[n] = f.majority;
	now.others[n] = f.slots;
	if (!is_behind(n))
		now.was[n] = now.file[n];
}

/* agreement.c: the file of the node, or its complement while the members are not in force. */
static int tells(int n)
{
	return is_behind(n) && !BROKEN(EARLY) ? ~now.file[n] : now.file[n];
}

/* reaches: the other members that its probes reach, and whose answers reach it. */
static void step_daemon(int n, int wish, int epoch, int master, int reaches)
{
	follow_file(n, master);
	if (wish != now.wish[n] || epoch != now.wish_epoch[n])
		for (int m = 0; m < MEMBERS; m++)
			now.granted[AT] = now.granted_epoch[AT] = 0;
	now.wish[n] = wish;
	now.wish_epoch[n] = epoch;
	ask(n, n, wish, epoch);
	for (int m = 0, bit = 0; m < MEMBERS; m++) {
		if (m == n)
			continue;
		if (!(reaches >> bit++ & 1) || !(rules_files[now.file[n]].members >> m & 1) ||
		    !ask(n, m, wish, epoch))
			continue;
		now.granted[AT] = rules_used(LENGTH);
		now.granted_epoch[AT] = epoch;
	}
}

/* Where its file is in force, MASTER makes no difference. */
static int can_beat(STEP_ARGS)
{
	return now.wish[n] == OWN && (g < MASTER || is_behind(n));
}

static void beat(STEP_ARGS)
{
	step_daemon(n, OWN, now.wish_epoch[n], g >= MASTER, g % MASTER);
}

/* The epoch is one that it never had. */
static int can_claim(STEP_ARGS)
{
	int wanted = 1 + g / 8;

	return wanted <= EPOCHS && now.wish[n] != OWN && !(now.used[n] & 1 << wanted);
}

static void claim(STEP_ARGS)
{
	int wanted = 1 + g / 8;

	now.used[n] |= 1 << wanted;
	step_daemon(n, OWN, wanted, 0, g % 8);
}

/* A release that no member hears is that of a node which wishes no more. */
static int can_release(STEP_ARGS)
{
	return now.wish[n] == OWN;
}

static void release(STEP_ARGS)
{
	step_daemon(n, RELEASE, now.wish_epoch[n], 0, g);
}

/* ---- reloads ---- */

static int can_reload(STEP_ARGS)
{
	if (g == now.file[n] || !rules_meet(now.file[n], g))
		return 0;
	if (is_behind(n) && g != now.was[n])
		return 0;
	return !rules_behind(now.file[n], g, tells(OTHER));
}

/* What a new member granted when it was one before is forgotten (hokm_bpf_clear_peer()). */
static void reload(STEP_ARGS)
{
	const unsigned int was = rules_files[now.file[n]].members;

	for (int m = 0; m < MEMBERS; m++)
		if (!(was >> m & 1))
			now.granted[AT] = now.granted_epoch[AT] = 0;
	now.file[n] = g;
}

/* ---- liveness ---- */

#ifdef LIVE
#define ROUNDS (8 * LENGTH)

/* Does a member of its file that runs keep its promise to the other node? */
static int held(int n, int dead)
{
	for (int m = 0; m < MEMBERS; m++)
		if (m != dead && rules_files[now.file[n]].members >> m & 1 && now.holder[m] &&
		    now.holder[m] != n + 1)
			return 1;
	return 0;
}

static int next_epoch(int n)
{
	int most = now.wish_epoch[n];

	for (int m = 0; m < MEMBERS; m++)
		if (now.epoch[m] > most)
			most = now.epoch[m];
	return most + 1;
}

/*
 * hokm_grants_raise(): an owner that a member refuses for its old epoch goes on with a greater one.
 * BROKEN: not while a change waits.
 */
static void raise_epoch(int n, int dead)
{
	int refused = 0;

	for (int m = 0; m < MEMBERS; m++)
		refused |= m != dead && rules_files[now.file[n]].members >> m & 1 &&
			   now.epoch[m] > now.wish_epoch[n];
	if (!refused || (BROKEN(OLD_EPOCH) && is_behind(n)))
		return;
	now.wish_epoch[n] = next_epoch(n);
	for (int m = 0; m < MEMBERS; m++)
		if (now.granted[AT])
			now.granted_epoch[AT] = now.wish_epoch[n];
	ask(n, n, OWN, now.wish_epoch[n]);
}

/* One round of node n: it renews, or claims what is free, or gives up what it does not get. */
static void round_of(int n, int dead, int *patience)
{
	int owner = is_owner(n), wish = now.wish[n], reaches = 0, epoch;

	if (owner)
		raise_epoch(n, dead);
	epoch = now.wish_epoch[n];
	if (wish == OWN && !owner && --*patience <= 0) {
		wish = RELEASE;
		*patience = 1 + n * LENGTH;
	} else if (wish != OWN && !held(n, dead) && --*patience <= 0) {
		wish = OWN;
		epoch = next_epoch(n);
		*patience = 2 * LENGTH;
	}
	for (int m = 0, bit = 0; m < MEMBERS; m++)
		if (m != n)
			reaches |= (m != dead) << bit++;
	step_daemon(n, wish, epoch, owner, reaches);
}

/* Does a node own soon, and no change wait, when the members but `dead` are in touch? */
static int settles(int dead)
{
	struct State keep = now;
	int patience[NODES] = {1, 2}, done = 0;

	for (int i = 0; i < ROUNDS && !done; i++) {
		tick(0, 0);
		done = 0;
		for (int n = 0; n < NODES; n++)
			if (n != dead)
				round_of(n, dead, &patience[n]);
		for (int n = 0; n < NODES; n++)
			done |= n != dead && is_owner(n);
		for (int n = 0; n < NODES; n++)
			done &= n == dead || !is_behind(n);
	}
	now = keep;
	return done;
}
#endif

/* From this state on, whichever member is dead, or none. */
static int lives(void)
{
#ifdef LIVE
	for (int dead = 0; dead <= MEMBERS; dead++)
		if (!settles(dead))
			return 0;
#endif
	return 1;
}

/* ---- the start ---- */

static void start(void)
{
	for (int n = 0; n < NODES; n++) {
		const struct in_force f = rules_wanted(n, start_at);

		now.file[n] = now.was[n] = start_at;
		now.majority[n] = f.majority;
		now.others[n] = f.slots;
	}
	now.used[0] = 1 << 1;
	step_daemon(0, OWN, 1, 0, 7);
}
