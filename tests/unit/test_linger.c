/* SPDX-License-Identifier: GPL-2.0-only */
/* How long the packet path of a stopped daemon stays: user/decide/linger.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decide/linger.h"

#define S      1000000000ULL
#define BEGAN  (1000 * S) /* when the wait began, a second after the stop */
#define LINGER (300 * S)

struct look {
	unsigned int after_s;
	uint64_t packets, players;
	enum linger_answer answer;
};

static void play(const struct look *looks, size_t n, uint64_t linger_ns)
{
	struct linger_seen seen = {.daemon_ns = BEGAN - S, .linger_ns = linger_ns, .packets = 7};
	struct linger_watch l;

	linger_init(&l, &seen, BEGAN);
	for (size_t i = 0; i < n; i++) {
		seen.packets = looks[i].packets;
		seen.players = looks[i].players;
		if (linger_step(&l, &seen, BEGAN + looks[i].after_s * S) != looks[i].answer)
			fail_msg("look %zu, after %u s", i, looks[i].after_s);
	}
}
#define PLAY(linger_ns, ...)                     \
	play((const struct look[]){__VA_ARGS__}, \
	     sizeof((const struct look[]){__VA_ARGS__}) / sizeof(struct look), linger_ns)

/* Clients with an old ARP entry go on and on: the end is that of linger. */
static void never_longer_than_linger(void **state)
{
	(void)state;
	PLAY(LINGER, {1, 8, 0, LINGER_WAIT}, {50, 9, 0, LINGER_WAIT}, {100, 10, 0, LINGER_WAIT},
	     {150, 11, 0, LINGER_WAIT}, {200, 12, 0, LINGER_WAIT}, {250, 13, 0, LINGER_WAIT},
	     {298, 14, 0, LINGER_WAIT}, {299, 15, 0, LINGER_OVER});
}

static void over_when_nothing_comes(void **state)
{
	(void)state;
	PLAY(LINGER, {1, 7, 0, LINGER_WAIT}, {59, 7, 0, LINGER_WAIT}, {60, 7, 0, LINGER_OVER});
	PLAY(LINGER, {30, 8, 0, LINGER_WAIT}, {89, 8, 0, LINGER_WAIT}, {90, 8, 0, LINGER_OVER});
}

/* Rule 11: their packets need the local route, and the gate beside it. */
static void players_of_this_node_are_never_left_alone(void **state)
{
	(void)state;
	PLAY(LINGER, {60, 7, 1, LINGER_WAIT}, {299, 7, 1, LINGER_WAIT}, {9000, 7, 1, LINGER_WAIT},
	     {9001, 7, 0, LINGER_OVER});
	PLAY(0, {1, 7, 1, LINGER_WAIT}, {2, 7, 0, LINGER_OVER});
}

/* The daemon shows a sign of life before each look. */
static enum linger_answer alive_look(struct linger_watch *l, struct linger_seen *seen,
				     unsigned int after_s)
{
	seen->daemon_ns = BEGAN + after_s * S;
	return linger_step(l, seen, BEGAN + after_s * S);
}

static void nothing_of_a_daemon_that_came_back_is_removed(void **state)
{
	struct linger_seen seen = {.daemon_ns = BEGAN - S, .linger_ns = LINGER};
	struct linger_watch l;

	(void)state;
	linger_init(&l, &seen, BEGAN);
	for (unsigned int i = 0; i < LINGER_LOOKS - 1; i++)
		assert_int_equal(alive_look(&l, &seen, 400 + i), LINGER_WAIT);
	assert_int_equal(alive_look(&l, &seen, 410), LINGER_DAEMON);
}

/* The unit waits already, and is not started a second time. */
static void daemon_that_is_stopped_again_at_once_is_waited_for(void **state)
{
	struct linger_seen seen = {.daemon_ns = BEGAN - S, .linger_ns = LINGER};
	struct linger_watch l;

	(void)state;
	linger_init(&l, &seen, BEGAN);
	assert_int_equal(alive_look(&l, &seen, 30), LINGER_WAIT);
	assert_int_equal(linger_step(&l, &seen, BEGAN + 31 * S), LINGER_WAIT);
	assert_int_equal(alive_look(&l, &seen, 32), LINGER_WAIT);
	assert_int_equal(alive_look(&l, &seen, 33), LINGER_WAIT);
	assert_int_equal(linger_step(&l, &seen, BEGAN + 92 * S), LINGER_WAIT);
	assert_int_equal(linger_step(&l, &seen, BEGAN + 93 * S), LINGER_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_longer_than_linger),
		cmocka_unit_test(over_when_nothing_comes),
		cmocka_unit_test(players_of_this_node_are_never_left_alone),
		cmocka_unit_test(nothing_of_a_daemon_that_came_back_is_removed),
		cmocka_unit_test(daemon_that_is_stopped_again_at_once_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
