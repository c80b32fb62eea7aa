/* SPDX-License-Identifier: GPL-2.0-only */
/* How long a node whose services fail again and again does not preempt: user/decide/relapse.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decide/relapse.h"

#define S     1000000000ULL
#define DELAY (10 * S)
#define START (5000 * S)
#define CALM  (RELAPSE_CALM * DELAY)

struct server {
	struct relapse r;
	struct relapse_view v;
	uint64_t now_ns;
};

static struct server server_up(uint64_t delay_ns)
{
	struct server s = {.now_ns = START, .v = {.up = true, .preempt_delay_ns = delay_ns}};

	assert_false(relapse_step(&s.r, &s.v, s.now_ns));
	return s;
}

static void fails(struct server *s)
{
	s->v.up = false;
	s->v.down = true;
	assert_false(relapse_step(&s->r, &s->v, s->now_ns));
}

/* Up again after a second. Returns how long the node waits. */
static uint64_t comes_back(struct server *s)
{
	uint64_t wait_ns;
	bool reported;

	s->now_ns += S;
	s->v.up = true;
	s->v.down = false;
	reported = relapse_step(&s->r, &s->v, s->now_ns);
	wait_ns = s->r.until_ns - s->now_ns;
	assert_int_equal(reported, wait_ns > 0);
	assert_int_equal(relapse_waits(&s->r, s->now_ns), wait_ns > 0);
	assert_false(relapse_waits(&s->r, s->now_ns + wait_ns));
	/* Nothing new: nothing is reported, and the wait ends as before. */
	assert_false(relapse_step(&s->r, &s->v, s->now_ns + S / 2));
	assert_int_equal(s->r.until_ns, s->now_ns + wait_ns);
	return wait_ns;
}

/* Up for `up_ns`, then it fails and comes back. */
static uint64_t turn(struct server *s, uint64_t up_ns)
{
	s->now_ns += up_ns;
	fails(s);
	return comes_back(s);
}

static void first_failure_costs_nothing(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	assert_int_equal(turn(&s, S), 0);
	s = server_up(DELAY);
	assert_int_equal(turn(&s, 100 * CALM), 0);
}

static void wait_doubles_with_each_relapse(void **state)
{
	static const unsigned int waits[] = {0, 1, 3, 7, 15, 31, 60, 60, 60};
	static const uint64_t delays_ns[] = {DELAY, 2 * S, 7 * S};

	(void)state;
	for (size_t d = 0; d < sizeof(delays_ns) / sizeof(delays_ns[0]); d++) {
		struct server s = server_up(delays_ns[d]);

		for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
			assert_int_equal(turn(&s, 5 * S), waits[i] * delays_ns[d]);
	}
}

/* A delay of 0 would let it go round as fast as the supervisor does. */
static void delays_have_bounds(void **state)
{
	struct server s = server_up(0);

	(void)state;
	(void)turn(&s, S);
	assert_int_equal(turn(&s, S), RELAPSE_LEAST_NS);
	s = server_up(3600 * S);
	(void)turn(&s, S);
	assert_int_equal(turn(&s, S), RELAPSE_LONGEST);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(turn(&s, S), RELAPSE_LONGEST);
}

static void calm_ends_the_row(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	(void)turn(&s, S);
	assert_int_equal(turn(&s, CALM - 1), DELAY);
	/* The next one is a relapse within twice the time. */
	assert_int_equal(turn(&s, 2 * CALM - 1), 3 * DELAY);
	assert_int_equal(turn(&s, 4 * CALM), 0);
	assert_int_equal(turn(&s, CALM), 0);
	assert_int_equal(turn(&s, CALM - 1), DELAY);
}

/* It fails only while it has players, and has them at the end of the wait only. */
static void wait_is_never_longer_than_calm(void **state)
{
	struct server s = server_up(DELAY);
	uint64_t wait_ns = 0;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t next_ns = turn(&s, wait_ns + DELAY + 5 * S);

		assert_true(next_ns >= wait_ns);
		wait_ns = next_ns;
	}
	assert_int_equal(wait_ns, RELAPSE_MOST * DELAY);
}

/* Restarts that the operator announced are no failures, and a service that starts is none. */
static void what_is_no_failure(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	(void)turn(&s, S);
	s.v.held = true;
	assert_int_equal(turn(&s, S), 0);
	assert_int_equal(turn(&s, S), 0);
	s.v.held = false;
	s.v.up = false;
	for (unsigned int i = 0; i < 3; i++) {
		s.now_ns += S;
		assert_false(relapse_step(&s.r, &s.v, s.now_ns));
	}
	s.v.up = true;
	assert_false(relapse_step(&s.r, &s.v, s.now_ns));
	assert_false(relapse_waits(&s.r, s.now_ns));
}

/* Who stops the server after a long calm gets no wait for what was before it. */
static void calm_before_an_order_ends_the_row(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		(void)turn(&s, S);
	s.now_ns += 4 * CALM;
	s.v.held = true;
	fails(&s);
	assert_int_equal(comes_back(&s), 0);
	/* Sooner, and the row goes on. */
	s = server_up(DELAY);
	for (unsigned int i = 0; i < 3; i++)
		(void)turn(&s, S);
	s.now_ns += 4 * CALM - 1;
	s.v.held = true;
	fails(&s);
	assert_int_equal(comes_back(&s), 3 * DELAY);
}

/* A check that fails while the service is down already is no further failure. */
static void down_is_one_failure(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	(void)turn(&s, S);
	for (unsigned int i = 0; i < 10; i++) {
		s.now_ns += S;
		fails(&s);
	}
	assert_int_equal(comes_back(&s), DELAY);
}

static void operator_ends_the_wait(void **state)
{
	struct server s = server_up(DELAY);

	(void)state;
	(void)turn(&s, S);
	(void)turn(&s, S);
	assert_true(relapse_waits(&s.r, s.now_ns));
	relapse_forget(&s.r);
	assert_false(relapse_waits(&s.r, s.now_ns));
	assert_int_equal(turn(&s, S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_failure_costs_nothing),
		cmocka_unit_test(wait_doubles_with_each_relapse),
		cmocka_unit_test(delays_have_bounds),
		cmocka_unit_test(calm_ends_the_row),
		cmocka_unit_test(wait_is_never_longer_than_calm),
		cmocka_unit_test(what_is_no_failure),
		cmocka_unit_test(calm_before_an_order_ends_the_row),
		cmocka_unit_test(down_is_one_failure),
		cmocka_unit_test(operator_ends_the_wait),
	};

	return cmocka_run_group_tests_name("relapse", tests, NULL, NULL);
}
