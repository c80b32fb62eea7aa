/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the players of a dead peer are told, how often and how fast; when those of a hung service
 * are ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "decide/ending.h"
#include "decide/takeover.h"

#define MS      1000000ULL
#define S       1000000000ULL
#define CONFIRM (200 * MS)

struct sim {
	struct takeover t;
	uint64_t now_ns;
	unsigned int entries, left; /* of the walk */
	unsigned int told, rounds;
	uint64_t began_ns[8];
	unsigned int most; /* in one step */
	bool over;
};

static void step(struct sim *s, bool owner, uint64_t silent_ns, unsigned int rate)
{
	unsigned int quota, n;
	enum takeover_step step = takeover_tick(
		&s->t, owner, silent_ns, CONFIRM, rate, s->now_ns, &quota);

	if (step == TAKEOVER_BEGIN || step == TAKEOVER_ROUND) {
		s->left = s->entries;
		s->began_ns[s->rounds++] = s->now_ns;
	}
	s->over |= step == TAKEOVER_OVER;
	if (step == TAKEOVER_IDLE || step == TAKEOVER_OVER) {
		assert_int_equal(quota, 0);
		return;
	}
	assert_true(quota <= TAKEOVER_MOST);
	n = quota < s->left ? quota : s->left;
	s->left -= n;
	s->told += n;
	s->most = n > s->most ? n : s->most;
	if (!s->left)
		takeover_walked(&s->t, s->now_ns);
}

static void run(struct sim *s, uint64_t ns, unsigned int rate)
{
	for (uint64_t end = s->now_ns + ns; s->now_ns < end; s->now_ns += TAKEOVER_STEP_NS)
		step(s, true, S, rate);
}

static void not_before_it_is_sure(void **state)
{
	static const struct {
		bool owner;
		uint64_t silent_ns;
		enum takeover_step want;
	} rows[] = {
		{true, CONFIRM, TAKEOVER_BEGIN},    {true, CONFIRM - 1, TAKEOVER_IDLE},
		{false, CONFIRM, TAKEOVER_IDLE},    {true, 0, TAKEOVER_IDLE},
		{true, UINT64_MAX, TAKEOVER_IDLE},  {true, 100 * S, TAKEOVER_BEGIN},
		{false, UINT64_MAX, TAKEOVER_IDLE},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct takeover t;
		unsigned int quota;

		takeover_init(&t);
		assert_int_equal(takeover_tick(&t, rows[i].owner, rows[i].silent_ns, CONFIRM,
					       100000, S, &quota),
				 rows[i].want);
		assert_true(rows[i].want == TAKEOVER_IDLE ? !quota : quota > 0);
	}
}

static void rounds_have_their_times(void **state)
{
	struct sim s = {.now_ns = 5 * S, .entries = 50};

	(void)state;
	run(&s, 5 * S, 100000);
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
	assert_int_equal(s.told, TAKEOVER_ROUNDS * 50);
	assert_true(s.over);
	for (unsigned int i = 0; i < TAKEOVER_ROUNDS; i++)
		assert_int_equal(s.began_ns[i] - s.began_ns[0], takeover_rounds_ns[i]);
	/* This death is dealt with. */
	run(&s, 10 * S, 100000);
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
}

/*
 * A pulse tick's clock is that of its beginning; the gratuitous ARP with which it all begins may
 * come within.
 */
static void clock_that_is_a_little_older(void **state)
{
	struct takeover t;
	unsigned int quota;

	(void)state;
	takeover_init(&t);
	assert_int_equal(takeover_tick(&t, true, S, CONFIRM, 100000, S + MS / 2, &quota),
			 TAKEOVER_BEGIN);
	takeover_walked(&t, S + MS / 2);
	assert_int_equal(takeover_tick(&t, true, S, CONFIRM, 100000, S, &quota), TAKEOVER_IDLE);
	assert_int_equal(quota, 0);
	/* The same in the middle of a walk: nothing is allowed for time that has not passed. */
	takeover_init(&t);
	assert_int_equal(takeover_tick(&t, true, S, CONFIRM, 100000, S + MS / 2, &quota),
			 TAKEOVER_BEGIN);
	assert_int_equal(takeover_tick(&t, true, S, CONFIRM, 100000, S, &quota), TAKEOVER_WALK);
	assert_int_equal(quota, 0);
}

static void paced(void **state)
{
	static const struct {
		unsigned int rate, entries;
		uint64_t least_ns, most_ns; /* of the first round */
	} rows[] = {
		{100000, 10000, 90 * MS, 105 * MS},
		{100, 100, 950 * MS, 1050 * MS},
		{1000, 500, 490 * MS, 510 * MS},
		{10000000, 12800, 100 * MS, 101 * MS}, /* TAKEOVER_MOST a step */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim s = {.now_ns = S, .entries = rows[i].entries};

		while (s.told < rows[i].entries && s.now_ns < 20 * S) {
			step(&s, true, S, rows[i].rate);
			s.now_ns += TAKEOVER_STEP_NS;
		}
		assert_int_equal(s.told, rows[i].entries);
		assert_in_range(s.now_ns - S, rows[i].least_ns, rows[i].most_ns);
	}
}

/* A loop that was late must not send everything at once. */
static void unused_allowance_does_not_pile_up(void **state)
{
	struct sim s = {.now_ns = S, .entries = 100000};

	(void)state;
	step(&s, true, S, 1000);
	s.now_ns += 10 * S;
	s.most = 0;
	step(&s, true, S, 1000);
	assert_true(s.most <= 10);
}

static void long_walk_pushes_the_next_back(void **state)
{
	struct sim s = {.now_ns = S, .entries = 2000};

	(void)state;
	run(&s, 30 * S, 1000); /* two seconds a walk */
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
	assert_int_equal(s.told, TAKEOVER_ROUNDS * 2000);
	for (unsigned int i = 1; i < TAKEOVER_ROUNDS; i++)
		assert_true(s.began_ns[i] - s.began_ns[i - 1] >= 1900 * MS);
}

static void ends_with_its_reason(void **state)
{
	(void)state;
	for (unsigned int why = 0; why < 2; why++) {
		struct sim s = {.now_ns = S, .entries = 50};

		run(&s, 700 * MS, 100000);
		assert_int_equal(s.rounds, 4);
		step(&s, why != 0, why ? 0 : S, 100000);
		assert_true(s.over);
		assert_false(s.t.running);
		/* The next death begins anew. */
		s.now_ns += S;
		step(&s, true, S, 100000);
		assert_int_equal(s.rounds, 5);
	}
}

static void next_step_is_soon(void **state)
{
	struct sim s = {.now_ns = S, .entries = 100000};

	(void)state;
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), 0);
	step(&s, true, S, 1000);
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), s.now_ns + TAKEOVER_STEP_NS);
	takeover_walked(&s.t, s.now_ns);
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), 0);
}

/* ---- a hung service here ---- */

static void only_what_hangs(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < HOKM_REASON_COUNT; r++)
		assert_int_equal(ending_is_hung((enum hokm_reason)r),
				 r == HOKM_R_CHECK_TIMEOUT || r == HOKM_R_CHECK_PONG);
}

static void when_players_are_ended(void **state)
{
	const struct ending_input due = {
		.health = HOKM_SVC_DOWN,
		.hung = true,
		.peer_up = true,
		.players = 5,
		.said_ns = 100 * S - ENDING_SILENT_NS,
		.now_ns = 100 * S};
	struct ending_input in;

	(void)state;
	assert_true(ending_due(&due));
	for (unsigned int st = 0; st < HOKM_SVC_STATE_COUNT; st++) {
		in = due;
		in.health = (enum hokm_svc_state)st;
		assert_int_equal(ending_due(&in), st == HOKM_SVC_DOWN);
	}
	in = due;
	in.hung = false;
	assert_false(ending_due(&in));
	in = due;
	in.keep = true;
	assert_false(ending_due(&in));
	in = due;
	in.peer_up = false;
	assert_false(ending_due(&in));
	in = due;
	in.said_ns++; /* slow is not dead */
	assert_false(ending_due(&in));
	in.said_ns = 0; /* not looked yet */
	assert_false(ending_due(&in));
	/* A hung server has been silent for as long as the check waited for it. */
	in = due;
	in.waited_ns = ENDING_SILENT_NS;
	assert_true(ending_due(&in));
	in.waited_ns++;
	assert_false(ending_due(&in));
	in.said_ns -= 10 * S;
	in.waited_ns = 10 * S + ENDING_SILENT_NS;
	assert_true(ending_due(&in));
	in = due;
	in.players = 0; /* not counted yet: at once all the same */
	assert_true(ending_due(&in));
	in.ended_ns = in.now_ns - ENDING_AGAIN_NS;
	assert_false(ending_due(&in));
	in.players = 1;
	assert_true(ending_due(&in));
	in.ended_ns++;
	assert_false(ending_due(&in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_before_it_is_sure),
		cmocka_unit_test(rounds_have_their_times),
		cmocka_unit_test(clock_that_is_a_little_older),
		cmocka_unit_test(paced),
		cmocka_unit_test(unused_allowance_does_not_pile_up),
		cmocka_unit_test(long_walk_pushes_the_next_back),
		cmocka_unit_test(ends_with_its_reason),
		cmocka_unit_test(next_step_is_soon),
		cmocka_unit_test(only_what_hangs),
		cmocka_unit_test(when_players_are_ended),
	};

	return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
