/* SPDX-License-Identifier: GPL-2.0-only */
/* When the clients of a dead peer are notified, in how many rounds, and how fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "decide/takeover.h"

#define MS 1000000ULL
#define S  1000000000ULL

/* A peer with `entries` replicated connections, and what the machine made of them. */
struct sim {
	struct takeover t;
	uint64_t now_ns;
	unsigned int entries, left;    /* of the present walk */
	unsigned int notified, rounds; /* since the start */
	uint64_t began_ns[8];          /* of each round */
	unsigned int most;             /* most connections of one step */
	bool over;                     /* TAKEOVER_OVER was returned */
};

/* One call of takeover_tick(), and the notifications that it allows. */
static void step(struct sim *s, bool due, unsigned int rate)
{
	unsigned int quota, n;
	enum takeover_step step = takeover_tick(&s->t, due, rate, s->now_ns, &quota);

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
	s->notified += n;
	s->most = n > s->most ? n : s->most;
	if (!s->left)
		takeover_walked(&s->t, s->now_ns);
}

static void run(struct sim *s, uint64_t ns, unsigned int rate)
{
	for (uint64_t end = s->now_ns + ns; s->now_ns < end; s->now_ns += TAKEOVER_STEP_NS)
		step(s, true, rate);
}

static void begins_when_it_is_due(void **state)
{
	struct takeover t;
	unsigned int quota;

	(void)state;
	takeover_init(&t);
	assert_int_equal(takeover_tick(&t, false, 100000, S, &quota), TAKEOVER_IDLE);
	assert_int_equal(quota, 0);
	assert_int_equal(takeover_tick(&t, true, 100000, S, &quota), TAKEOVER_BEGIN);
	assert_true(quota > 0);
}

static void rounds_start_at_their_times(void **state)
{
	struct sim s = {.now_ns = 5 * S, .entries = 50};

	(void)state;
	run(&s, 5 * S, 100000);
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
	assert_int_equal(s.notified, TAKEOVER_ROUNDS * 50);
	assert_true(s.over);
	for (unsigned int i = 0; i < TAKEOVER_ROUNDS; i++)
		assert_int_equal(s.began_ns[i] - s.began_ns[0], takeover_rounds_ns[i]);
	/* There is no further round for this death. */
	run(&s, 10 * S, 100000);
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
}

/* A gratuitous ARP within a tick of the pulse begins a takeover later than the tick's own time. */
static void a_time_before_the_beginning_is_harmless(void **state)
{
	struct takeover t;
	unsigned int quota;

	(void)state;
	takeover_init(&t);
	assert_int_equal(takeover_tick(&t, true, 100000, S + MS / 2, &quota), TAKEOVER_BEGIN);
	takeover_walked(&t, S + MS / 2);
	assert_int_equal(takeover_tick(&t, true, 100000, S, &quota), TAKEOVER_IDLE);
	assert_int_equal(quota, 0);
	/* In the middle of a walk there is no allowance for time that has not passed. */
	takeover_init(&t);
	assert_int_equal(takeover_tick(&t, true, 100000, S + MS / 2, &quota), TAKEOVER_BEGIN);
	assert_int_equal(takeover_tick(&t, true, 100000, S, &quota), TAKEOVER_WALK);
	assert_int_equal(quota, 0);
}

static void bursts_keep_the_rate(void **state)
{
	static const struct {
		unsigned int rate, entries;
		uint64_t least_ns, most_ns; /* duration of the first round */
	} rows[] = {
		{100000, 10000, 90 * MS, 105 * MS},
		{100, 100, 950 * MS, 1050 * MS},
		{1000, 500, 490 * MS, 510 * MS},
		{10000000, 12800, 100 * MS, 101 * MS}, /* bounded by TAKEOVER_MOST a step */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim s = {.now_ns = S, .entries = rows[i].entries};

		while (s.notified < rows[i].entries && s.now_ns < 20 * S) {
			step(&s, true, rows[i].rate);
			s.now_ns += TAKEOVER_STEP_NS;
		}
		assert_int_equal(s.notified, rows[i].entries);
		assert_in_range(s.now_ns - S, rows[i].least_ns, rows[i].most_ns);
	}
}

/* After a delay of the event loop the allowance of the lost time is not used at once. */
static void unused_allowance_expires(void **state)
{
	struct sim s = {.now_ns = S, .entries = 100000};

	(void)state;
	step(&s, true, 1000);
	s.now_ns += 10 * S;
	s.most = 0;
	step(&s, true, 1000);
	assert_true(s.most <= 10);
}

static void a_long_round_delays_the_next(void **state)
{
	struct sim s = {.now_ns = S, .entries = 2000};

	(void)state;
	run(&s, 30 * S, 1000); /* two seconds a round */
	assert_int_equal(s.rounds, TAKEOVER_ROUNDS);
	assert_int_equal(s.notified, TAKEOVER_ROUNDS * 2000);
	for (unsigned int i = 1; i < TAKEOVER_ROUNDS; i++)
		assert_true(s.began_ns[i] - s.began_ns[i - 1] >= 1900 * MS);
}

static void ends_when_it_is_not_due_any_more(void **state)
{
	struct sim s = {.now_ns = S, .entries = 50};

	(void)state;
	run(&s, 700 * MS, 100000);
	assert_int_equal(s.rounds, 4);
	step(&s, false, 100000);
	assert_true(s.over);
	assert_false(s.t.running);
	/* The next death starts again with the first round. */
	s.now_ns += S;
	step(&s, true, 100000);
	assert_int_equal(s.rounds, 5);
}

static void next_burst_is_soon(void **state)
{
	struct sim s = {.now_ns = S, .entries = 100000};

	(void)state;
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), 0);
	step(&s, true, 1000);
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), s.now_ns + TAKEOVER_STEP_NS);
	takeover_walked(&s.t, s.now_ns);
	assert_int_equal(takeover_next_ns(&s.t, s.now_ns), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_when_it_is_due),
		cmocka_unit_test(rounds_start_at_their_times),
		cmocka_unit_test(a_time_before_the_beginning_is_harmless),
		cmocka_unit_test(bursts_keep_the_rate),
		cmocka_unit_test(unused_allowance_expires),
		cmocka_unit_test(a_long_round_delays_the_next),
		cmocka_unit_test(ends_when_it_is_not_due_any_more),
		cmocka_unit_test(next_burst_is_soon),
	};

	return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
