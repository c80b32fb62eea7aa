/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of the model (grants.pml) in which machines stand still together with their clocks, and
 * what others say proves it to them (hokm/grant_count.h). Without PAUSES there is none of it.
 */

#define STEP_ARGS \
	__attribute__((unused)) int n, __attribute__((unused)) int m, __attribute__((unused)) int g
#define AT ((n)*MEMBERS + (m))

#if PAUSES

/* Is this machine stopped, and with it its clock? */
static int stands(int m)
{
	return now.paused[m];
}

/* May it be owner beside another one, because it was paused? */
static int is_excused(int n)
{
	return now.stale[n] && !BROKEN(EXCUSE);
}

/* ---- proofs ---- */

/* Has a proof ended the wish of the node? */
static int is_ended(int n)
{
	return now.ended[n] && !BROKEN(MUTE);
}

static void begin_wish(int n)
{
	now.since[n] = now.wish_epoch[n];
	now.ended[n] = now.stale[n] = 0;
}

/* From here on there is no excuse. */
static void end_wish(int n)
{
	now.ended[n] = 1;
	now.stale[n] = 0;
}

static void note_probe(int n, int m, int owns)
{
	now.probe_since[AT] = owns ? now.since[n] : 0;
	now.probe_after[AT] = 1;
}

/* Member m hears that node n owns; it owns itself by what it counts. */
static void hear_owner(int n, int m, int owns)
{
	int since = now.probe_since[AT];

	if (!since || m >= NODES || now.wish[m] != OWN || now.ended[m] ||
	    !rules_followed(rules_wish(now.wish_epoch[m], now.since[m]), since))
		return;
	now.wrong |= owns && !now.stood[m];
	end_wish(m);
}

/* The member answers whose its promise is, if it is not this node's. */
static void note_word(int n, int m)
{
	int whose = now.holder[m] ? HOKM_PROMISED_OTHER : HOKM_PROMISED_NOBODY;

	if (!now.probe_after[AT] || now.holder[m] == n + 1)
		return;
	now.word_of[AT] = whose + 1;
	now.word_epoch[AT] = now.epoch[m];
}

/* An answer that grants has come: what was asked before proves nothing. */
static void forget_words(int n, int m)
{
	if (BROKEN(BEFORE))
		return;
	now.probe_after[AT] = 0;
	now.word_of[AT] = now.word_epoch[AT] = 0;
}

static int can_take_word(STEP_ARGS)
{
	return now.word_of[AT] && !stands(n);
}

static void word_arrives(STEP_ARGS)
{
	int whose = now.word_of[AT] - 1, epoch = now.word_epoch[AT];

	now.word_of[AT] = now.word_epoch[AT] = 0;
	if (now.wish[n] != OWN || now.ended[n] || !now.granted[AT] ||
	    !rules_refuted(rules_wish(now.wish_epoch[n], now.since[n]), now.granted[AT],
			   now.granted_epoch[AT], whose, epoch))
		return;
	now.wrong |= !now.stood[n];
	end_wish(n);
}

/* ---- pauses ---- */

static int can_pause(STEP_ARGS)
{
	return now.pauses < PAUSES && !stands(m);
}

static void pause_machine(STEP_ARGS)
{
	now.pauses++;
	now.paused[m] = 1;
}

static int can_wake(STEP_ARGS)
{
	return stands(m);
}

/* The longest grant that node n may still come to have by what it has asked for. */
static int asked_for(int n)
{
	int most = 0;

	for (int m = 0; m < MEMBERS; m++) {
		if (now.granted[AT] > most)
			most = now.granted[AT];
		if (now.probe_left[AT] > most)
			most = now.probe_left[AT];
		if (now.answer_left[AT] > most)
			most = now.answer_left[AT];
	}
	return now.wish[n] == OWN ? most : 0;
}

static void wake(STEP_ARGS)
{
	int lost = now.lost[m];

	now.paused[m] = now.lost[m] = 0;
	if (BROKEN(WAKE))
		now.holder[m] = now.left[m] = 0;
	if (m >= NODES || !lost)
		return;
	now.stood[n] = 1;
	if (now.stale[n] < asked_for(n))
		now.stale[n] = asked_for(n);
	for (m = 0; BROKEN(FRESH) && m < MEMBERS; m++)
		if (now.granted[AT])
			now.granted[AT] = rules_used(LENGTH);
}

#else

#define stands(m)           0
#define is_excused(n)       0
#define is_ended(n)         0
#define begin_wish(n)       ((void)(n))
#define note_probe(n, m, o) ((void)(n), (void)(m), (void)(o))
#define hear_owner(n, m, o) ((void)(n), (void)(m), (void)(o))
#define note_word(n, m)     ((void)(n), (void)(m))
#define forget_words(n, m)  ((void)(n), (void)(m))

#endif
