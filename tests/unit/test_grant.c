/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants under the hands of several CPUs (hokm/grant.h, hokm/grant_count.h): two members' worth of
 * claims on one promise, and answers that are counted while the daemon changes its wish. The
 * threads count times by themselves; no test depends on how fast they run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "hokm/grant_count.h"

#define CLAIMS 200000
/* So short that it ends while the two go on asking: both find it free again and again. */
#define LENGTH_NS 2000u
#define THREADS   2
#define ALL_SLOTS 0xffu

/* ---- one promise, two claimants ---- */

static struct hokm_promise promise;
static uint64_t clock_ns;

struct claimant {
	uint32_t member;
	uint64_t *granted_ns; /* when it asked, for each grant */
	size_t n;
};

static void *claim(void *arg)
{
	struct claimant *c = arg;

	for (unsigned int i = 0; i < CLAIMS; i++) {
		uint64_t now_ns = __atomic_add_fetch(&clock_ns, 1000, __ATOMIC_SEQ_CST);
		const struct hokm_grant_ask ask = {
			.member = c->member,
			.wish = HOKM_WISH_OWN,
			.epoch = 1,
			.length_ns = LENGTH_NS,
		};

		if (hokm_grant_carry_out(&promise, &ask, now_ns) == HOKM_VERDICT_GRANTED)
			c->granted_ns[c->n++] = now_ns;
	}
	return NULL;
}

static void two_owners_never_have_one_promise(void **state)
{
	struct claimant c[THREADS] = {
		{.member = HOKM_GRANT_PEER(0)}, {.member = HOKM_GRANT_PEER(1)}};
	size_t at[THREADS] = {0};
	uint64_t until_ns[THREADS] = {0};
	pthread_t thread[THREADS];

	(void)state;
	promise = (struct hokm_promise){.silent_until_ns = 1, .longest_ns = LENGTH_NS};
	for (unsigned int i = 0; i < THREADS; i++) {
		c[i].granted_ns = calloc(CLAIMS, sizeof(uint64_t));
		assert_non_null(c[i].granted_ns);
		assert_int_equal(pthread_create(&thread[i], NULL, claim, &c[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	/* In the order of their moments, a grant begins only when that of the other has ended. */
	while (at[0] < c[0].n || at[1] < c[1].n) {
		unsigned int i = at[0] >= c[0].n ||
				 (at[1] < c[1].n &&
				  c[1].granted_ns[at[1]] < c[0].granted_ns[at[0]]);
		uint64_t now_ns = c[i].granted_ns[at[i]++];

		if (now_ns < until_ns[!i])
			fail_msg("at %llu member %u is granted what the other has until %llu",
				 (unsigned long long)now_ns, c[i].member,
				 (unsigned long long)until_ns[!i]);
		until_ns[i] = now_ns + hokm_grant_kept_ns(LENGTH_NS);
	}
	assert_true(c[0].n + c[1].n > 0);
	for (unsigned int i = 0; i < THREADS; i++)
		free(c[i].granted_ns);
}

/* ---- an epoch that cannot be ---- */

#define FAR (1ull << 32)

/* A broken peer bars nobody from the next wish. */
static void epoch_that_is_far_away_bars_no_wish(void **state)
{
	struct hokm_grants g = {.count.majority = 2};

	(void)state;
	hokm_grants_set_wish(&g, HOKM_WISH_OWN, 7);
	hokm_grants_note(&g, 0, 7, 5000);
	hokm_grants_note(&g, 1, 7, 5000);
	assert_int_equal(hokm_grants_followed(&g, UINT64_MAX), 0);
	assert_int_equal(hokm_grants_followed(&g, 8 + FAR), 0);
	assert_int_equal(hokm_grants_followed(&g, 7 + FAR), 7 + FAR);
	assert_int_equal(hokm_grants_refuted(&g, 0, HOKM_PROMISED_NOBODY, UINT64_MAX, 2000, 3000),
			 0);
	assert_int_equal(hokm_grants_refuted(&g, 0, HOKM_PROMISED_NOBODY, 9, 2000, 3000), 9);
	/* The promise is another one's: the wish ends, and the next one counts. */
	assert_int_equal(hokm_grants_refuted(&g, 0, HOKM_PROMISED_OTHER, UINT64_MAX, 2000, 3000),
			 8);
	assert_true(hokm_grants_void(&g, 8, 0, 3000));
	hokm_grants_set_wish(&g, HOKM_WISH_OWN, 8);
	hokm_grants_note(&g, 0, 8, 9000);
	hokm_grants_note(&g, 1, 8, 9000);
	assert_int_equal(hokm_grants_end_ns(&g), 9000);
}

/* ---- answers while the wish changes ---- */

#define WISHES 20000

static struct hokm_grants grants;
static int over;

/* The grants of an epoch end in a range of its own, that of an older one later. */
static uint64_t range_ns(uint64_t epoch)
{
	return 1000000000000ull - epoch * 10000000;
}

static void *answer(void *arg)
{
	unsigned int slot = *(unsigned int *)arg;
	uint64_t n = 0;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		uint64_t epoch = __atomic_load_n(&grants.wish_epoch, __ATOMIC_RELAXED);

		hokm_grants_note(&grants, slot, epoch, range_ns(epoch) + n++ % 1000 * 1000);
	}
	return NULL;
}

static void end_of_one_wish_never_counts_for_another(void **state)
{
	unsigned int slots[THREADS] = {0, 5};
	pthread_t thread[THREADS];

	(void)state;
	memset(&grants, 0, sizeof(grants));
	grants.count.majority = 2;
	over = 0;
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, answer, &slots[i]), 0);
	for (uint64_t epoch = 1; epoch <= WISHES; epoch++) {
		hokm_grants_set_wish(&grants, HOKM_WISH_OWN, epoch);
		if (epoch % 256 == 0)
			sched_yield(); /* the answers get a turn while this wish lasts */
		for (unsigned int look = 0; look < 20; look++) {
			uint64_t end_ns = hokm_grants_end_ns(&grants);

			if (end_ns &&
			    (end_ns < range_ns(epoch) || end_ns >= range_ns(epoch) + 1000000))
				fail_msg("epoch %llu has an end of another one",
					 (unsigned long long)epoch);
		}
		hokm_grants_set_wish(&grants, HOKM_WISH_RELEASE, epoch);
		assert_int_equal(hokm_grants_end_ns(&grants), 0);
	}
	/* On a machine with one CPU no answer may have come in between: let some come. */
	hokm_grants_set_wish(&grants, HOKM_WISH_OWN, WISHES + 1);
	while (!hokm_grants_end_ns(&grants))
		sched_yield();
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
}

/* Whatever is counted at the moment of the proof. */
static void wish_that_a_proof_ended_counts_never_again(void **state)
{
	unsigned int slots[THREADS] = {0, 5};
	pthread_t thread[THREADS];
	int ended = 0;

	(void)state;
	memset(&grants, 0, sizeof(grants));
	grants.count.majority = 2;
	over = 0;
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, answer, &slots[i]), 0);
	for (uint64_t epoch = 1; epoch <= WISHES / 10; epoch++) {
		hokm_grants_set_wish(&grants, HOKM_WISH_OWN, epoch);
		for (unsigned int look = 0; look < 20 && !hokm_grants_end_ns(&grants); look++)
			sched_yield();
		ended += hokm_grants_void(&grants, epoch + 1, 0, 1000 * epoch);
		for (unsigned int look = 0; look < 20; look++)
			if (hokm_grants_end_ns(&grants) > 1000 * epoch)
				fail_msg("epoch %llu counts after the proof",
					 (unsigned long long)epoch);
		hokm_grants_raise(&grants, epoch);
		assert_true(hokm_grants_end_ns(&grants) <= 1000 * epoch);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	/* Else nothing was granted before the proofs. */
	assert_true(ended > 0);
}

#define PROOFS 1000

static uint64_t proof, proven;

/* Starts the packet path, which proves each time that `proof` is raised. */
static void begin_proofs(pthread_t *thread, void *(*prover)(void *))
{
	memset(&grants, 0, sizeof(grants));
	grants.count.majority = 2;
	proof = proven = 0;
	assert_int_equal(pthread_create(thread, NULL, prover, NULL), 0);
}

/* A wish that began with this epoch, and that a majority has granted for long. */
static void begin_granted(uint64_t epoch)
{
	hokm_grants_set_wish(&grants, HOKM_WISH_OWN, epoch);
	hokm_grants_note(&grants, 0, epoch, 1000000000);
	hokm_grants_note(&grants, 5, epoch, 1000000000);
}

/* The packet path: one proof for each epoch. */
static void *prove(void *arg)
{
	uint64_t done = 0;

	(void)arg;
	while (done < PROOFS) {
		if (__atomic_load_n(&proof, __ATOMIC_SEQ_CST) == done) {
			sched_yield();
			continue;
		}
		done++;
		(void)hokm_grants_void(&grants, 10 * done + 1, 0, 1000 * done);
		__atomic_store_n(&proven, done, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* The daemon raises the epoch of its wish at the same moment: it takes nothing along. */
static void epoch_that_is_raised_brings_no_wish_back(void **state)
{
	pthread_t thread;

	(void)state;
	begin_proofs(&thread, prove);
	for (uint64_t n = 1; n <= PROOFS; n++) {
		begin_granted(10 * n);
		assert_true(hokm_grants_end_ns(&grants) > 1000 * n);
		__atomic_store_n(&proof, n, __ATOMIC_SEQ_CST);
		for (uint64_t epoch = 10 * n + 1; epoch < 10 * n + 9; epoch++)
			hokm_grants_raise(&grants, epoch);
		while (__atomic_load_n(&proven, __ATOMIC_SEQ_CST) != n)
			hokm_grants_raise(&grants, 10 * n + 9);
		if (hokm_grants_end_ns(&grants) > 1000 * n)
			fail_msg("epoch %llu counts after the proof", (unsigned long long)(10 * n));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

#define REPORTS 5000

static void *prove_and_report(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; n <= REPORTS; n++) {
		while (__atomic_load_n(&proof, __ATOMIC_SEQ_CST) != n)
			sched_yield();
		(void)hokm_grants_void(&grants, 10 * n + 1, (__be32)n, 1000 * n);
		__atomic_store_n(&proven, n, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* The daemon looks at any moment. */
static void who_sees_the_end_finds_the_report(void **state)
{
	pthread_t thread;

	(void)state;
	begin_proofs(&thread, prove_and_report);
	for (uint64_t n = 1; n <= REPORTS; n++) {
		begin_granted(10 * n);
		__atomic_store_n(&proof, n, __ATOMIC_SEQ_CST);
		for (unsigned int i = 1; hokm_grants_end_ns(&grants) > 1000 * n; i++)
			if (i % 1024 == 0)
				sched_yield(); /* there may be one processor */
		assert_true(hokm_grants_stood(&grants));
		assert_int_equal(grants.stood.seen_ns, 1000 * n);
		assert_int_equal(grants.stood.owner, n);
		while (__atomic_load_n(&proven, __ATOMIC_SEQ_CST) != n)
			sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Two CPUs with a proof for one wish: the first one to raise the word ended it. */
static void one_of_two_proofs_counts(void **state)
{
	struct hokm_grants g = {.since_epoch = 7};

	(void)state;
	assert_false(hokm_grants_raise_void(&g, 7, 7));
	assert_true(hokm_grants_raise_void(&g, 7, 8));
	assert_false(hokm_grants_raise_void(&g, 7, 9));
	assert_int_equal(g.stood.void_below, 9);
	assert_true(hokm_grants_raise_void(&g, 9, 10));
}

/* ---- arithmetic ---- */

static void majority_is_the_kth_greatest_end(void **state)
{
	const __u64 ends[HOKM_GRANT_MEMBERS] = {30, 0, 10, 30, 0, 0, 20, 0, 40};
	static const uint64_t want[] = {0, 40, 30, 30, 20, 10, 0, 0, 0, 0};

	(void)state;
	for (unsigned int k = 1; k <= HOKM_GRANT_MEMBERS; k++)
		assert_int_equal(hokm_grants_kth(ends, k), want[k]);
}

/* The asker's end comes before the member's, to the last nanosecond of rounding and drift. */
static void asker_ends_before_the_member(void **state)
{
	static const uint64_t lengths[] = {1000, 30000000, 100000000, 5000000000, 4294967295000};

	(void)state;
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (uint64_t at_ns = 1999000; at_ns < 2001100; at_ns += 7) {
			uint64_t used = at_ns + hokm_grant_used_ns(lengths[i]);
			uint64_t kept = at_ns + hokm_grant_kept_ns(lengths[i]);

			assert_true(hokm_grant_end_ns(hokm_grant_end_word(7, used), 7) <= used);
			assert_true(hokm_grant_until_ns(hokm_grant_word(3, kept)) >= kept);
			assert_true(used <= kept);
		}
}

/* A clock that is slow by the drift and one that is fast by it: silence lasts longer than use. */
static void silence_outlasts_what_anybody_may_use(void **state)
{
	const uint64_t length = 5000000000;
	/* Real time in which each clock counts its part. */
	double used = (double)hokm_grant_used_ns(length) * (1 + 1. / HOKM_GRANT_DRIFT);
	double silent = (double)hokm_grant_silence_ns(length) / (1 + 1. / HOKM_GRANT_DRIFT);

	(void)state;
	assert_true(used <= silent);
}

static void end_belongs_to_its_epoch(void **state)
{
	const uint64_t word = hokm_grant_end_word(0x123456789, 5000);

	(void)state;
	assert_int_equal(hokm_grant_end_ns(word, 0x123456789), 5000);
	assert_int_equal(hokm_grant_end_ns(word, 0x12345678a), 0);
	assert_int_equal(hokm_grant_end_ns(word, 0x123456788), 0);
	assert_int_equal(hokm_grant_end_ns(0, 0), 0);
	/* The boot time of years fits. */
	assert_int_equal(hokm_grant_end_ns(hokm_grant_end_word(1, 250000000000000000), 1),
			 250000000000000000);
}

static void majority_that_grows_is_counted_anew(void **state)
{
	struct hokm_grants g = {.count.majority = 1, .wish = HOKM_WISH_OWN, .wish_epoch = 4};

	(void)state;
	hokm_grants_note(&g, 3, 4, 50000);
	assert_int_equal(hokm_grants_end_ns(&g), 50000);
	hokm_grants_set_members(&g, 2, ALL_SLOTS);
	assert_int_equal(hokm_grants_end_ns(&g), 0);
	hokm_grants_note(&g, 4, 4, 70000);
	assert_int_equal(hokm_grants_end_ns(&g), 50000);
	hokm_grants_set_members(&g, 0, ALL_SLOTS);
	assert_int_equal(hokm_grants_end_ns(&g), HOKM_GRANT_ALWAYS);
	assert_int_equal(hokm_owner_until_ns(60000, &g), 60000);
}

/* ---- wishes that come late ---- */

#define MS_NS    1000000ull
#define GRANT_NS (30 * MS_NS)

enum asker { A, B };

struct wish_step {
	enum asker asker;
	enum hokm_wish wish;
	uint64_t epoch, sent_ns, now_ns, length_ns;
};

#define WISH(asker, wish, epoch, sent_ms, now_ms)                                         \
	{                                                                                 \
		asker, HOKM_WISH_##wish, epoch, (sent_ms)*MS_NS, (now_ms)*MS_NS, GRANT_NS \
	}

static enum hokm_verdict take(struct hokm_promise *p, struct hokm_wished newest[2],
			      struct wish_step *w)
{
	struct hokm_grant_ask ask = {.member = HOKM_GRANT_PEER((unsigned int)w->asker),
				     .wish = w->wish,
				     .epoch = w->epoch,
				     .length_ns = w->length_ns};
	enum hokm_verdict v = hokm_grant_take_wish(
		p, &newest[w->asker], &ask, w->sent_ns, w->now_ns);

	w->length_ns = ask.length_ns;
	return v;
}

/*
 * The last wish of each row was sent before the newest one of its sender, and comes after it. What
 * is granted to it was promised before; a promise that is not its sender's, or not any more, stays
 * as it is.
 */
static const struct {
	const char *name;
	struct wish_step before[3], late;
	enum hokm_verdict want;
} late[] = {
	{"slower path", {WISH(A, OWN, 5, 10, 11)}, WISH(A, OWN, 5, 9, 13), HOKM_VERDICT_GRANTED},
	{"the same probe",
	 {WISH(A, OWN, 5, 10, 11)},
	 WISH(A, OWN, 5, 10, 13),
	 HOKM_VERDICT_GRANTED},
	{"near its end", {WISH(A, OWN, 5, 10, 11)}, WISH(A, OWN, 5, 9, 41), HOKM_VERDICT_GRANTED},
	{"ended", {WISH(A, OWN, 5, 10, 11)}, WISH(A, OWN, 5, 9, 42), HOKM_VERDICT_OLD},
	{"older than a grant",
	 {WISH(A, OWN, 5, 41, 42)},
	 WISH(A, OWN, 5, 10, 43),
	 HOKM_VERDICT_OLD},
	{"released",
	 {WISH(A, OWN, 5, 10, 11), WISH(A, RELEASE, 5, 12, 13)},
	 WISH(A, OWN, 5, 11, 14),
	 HOKM_VERDICT_OLD},
	{"released before it began",
	 {WISH(A, RELEASE, 5, 12, 13)},
	 WISH(A, OWN, 5, 11, 14),
	 HOKM_VERDICT_OLD},
	{"released, and another's",
	 {WISH(A, OWN, 5, 10, 11), WISH(A, RELEASE, 5, 12, 13), WISH(B, OWN, 6, 13, 14)},
	 WISH(A, OWN, 5, 11, 15),
	 HOKM_VERDICT_OLD},
	{"another's",
	 {WISH(B, OWN, 5, 10, 11), WISH(A, OWN, 5, 12, 13)},
	 WISH(A, OWN, 5, 11, 14),
	 HOKM_VERDICT_OLD},
	{"another's, ended",
	 {WISH(B, OWN, 5, 10, 11), WISH(A, OWN, 5, 12, 13)},
	 WISH(A, OWN, 5, 11, 60),
	 HOKM_VERDICT_OLD},
	{"greater epoch",
	 {WISH(A, OWN, 5, 10, 11), WISH(A, OWN, 6, 12, 13)},
	 WISH(A, OWN, 5, 11, 14),
	 HOKM_VERDICT_OLD},
	{"late release",
	 {WISH(A, OWN, 5, 10, 11), WISH(A, OWN, 5, 12, 13)},
	 WISH(A, RELEASE, 5, 11, 14),
	 HOKM_VERDICT_OLD},
	/* It was refused, and the former grant runs. */
	{"newest too long",
	 {WISH(A, OWN, 5, 10, 11), {A, HOKM_WISH_OWN, 6, 13 * MS_NS, 14 * MS_NS, 9000 * MS_NS}},
	 WISH(A, OWN, 6, 12, 15),
	 HOKM_VERDICT_GRANTED},
	{"late and long",
	 {WISH(A, OWN, 5, 10, 11)},
	 {A, HOKM_WISH_OWN, 5, 9 * MS_NS, 13 * MS_NS, 5000 * MS_NS},
	 HOKM_VERDICT_GRANTED},
};

static void wish_that_comes_late_begins_and_prolongs_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		struct hokm_promise p = {.silent_until_ns = 1, .longest_ns = 5000 * MS_NS};
		struct hokm_wished newest[2] = {{0}};
		struct wish_step w = late[i].late;
		enum hokm_verdict got;
		uint64_t word;

		for (unsigned int k = 0; k < 3 && late[i].before[k].wish; k++) {
			struct wish_step before = late[i].before[k];

			(void)take(&p, newest, &before);
		}
		word = p.word;
		got = take(&p, newest, &w);
		if (got != late[i].want)
			fail_msg("%s: verdict %d", late[i].name, got);
		if (p.word != word + (got == HOKM_VERDICT_GRANTED ? 1 << 8 : 0))
			fail_msg("%s: the promise has changed", late[i].name);
		/* One clock for all: the asker's end comes first here too. */
		if (got == HOKM_VERDICT_GRANTED &&
		    w.sent_ns + hokm_grant_used_ns(w.length_ns) > hokm_grant_until_ns(word))
			fail_msg("%s: granted for too long", late[i].name);
	}
}

/*
 * The sender is dead. Probes of it from two sessions of one epoch are repeated by turns, so that
 * the window against replays lets each of them pass, as fast as each makes the promise longer.
 */
static void repeated_probes_of_a_dead_node_do_not_keep_its_promise(void **state)
{
	struct hokm_promise p = {.silent_until_ns = 1, .longest_ns = GRANT_NS};
	struct hokm_wished newest[2] = {{0}};
	struct wish_step alive = WISH(A, OWN, 5, 20, 21), other = WISH(B, OWN, 6, 1030, 1031);
	uint64_t end_ns;

	(void)state;
	assert_int_equal(take(&p, newest, &alive), HOKM_VERDICT_GRANTED);
	end_ns = hokm_grant_until_ns(p.word);
	for (unsigned int us = 1; us <= 1000000; us++) {
		struct wish_step again = WISH(A, OWN, 5, us % 2 ? 20 : 10, 21);

		again.now_ns += us * 1000ull;
		(void)take(&p, newest, &again);
	}
	assert_in_range(hokm_grant_until_ns(p.word), end_ns, end_ns + GRANT_NS + 1000);
	assert_int_equal(take(&p, newest, &other), HOKM_VERDICT_GRANTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_owners_never_have_one_promise),
		cmocka_unit_test(epoch_that_is_far_away_bars_no_wish),
		cmocka_unit_test(end_of_one_wish_never_counts_for_another),
		cmocka_unit_test(wish_that_a_proof_ended_counts_never_again),
		cmocka_unit_test(who_sees_the_end_finds_the_report),
		cmocka_unit_test(one_of_two_proofs_counts),
		cmocka_unit_test(epoch_that_is_raised_brings_no_wish_back),
		cmocka_unit_test(majority_is_the_kth_greatest_end),
		cmocka_unit_test(asker_ends_before_the_member),
		cmocka_unit_test(silence_outlasts_what_anybody_may_use),
		cmocka_unit_test(end_belongs_to_its_epoch),
		cmocka_unit_test(majority_that_grows_is_counted_anew),
		cmocka_unit_test(wish_that_comes_late_begins_and_prolongs_nothing),
		cmocka_unit_test(repeated_probes_of_a_dead_node_do_not_keep_its_promise),
	};

	return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
