/* SPDX-License-Identifier: GPL-2.0-only */
/* What proves that the port of this node forwards frames: user/decide/segment.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decide/segment.h"

#define S     1000000000ULL
#define BEGAN (500 * S)
#define DELAY (40 * S)

struct look {
	uint64_t at_s;   /* since BEGAN */
	uint64_t peer_s; /* a peer's newest sign of life, in seconds since BEGAN and 1; 0: none */
	uint64_t frames;
	bool no_link;
	enum segment_proof proof;
};

static void play(const struct look *looks, size_t n, uint64_t delay_ns)
{
	struct segment s = {0};

	for (size_t i = 0; i < n; i++) {
		struct segment_seen seen = {
			.link_up = !looks[i].no_link,
			.peer_ns = looks[i].peer_s ? BEGAN + (looks[i].peer_s - 1) * S : 0,
			.frames = looks[i].frames,
			.delay_ns = delay_ns,
		};

		if (segment_step(&s, &seen, BEGAN + looks[i].at_s * S) != looks[i].proof)
			fail_msg("look %zu, at %llu s", i, (unsigned long long)looks[i].at_s);
	}
}
#define PLAY(delay_ns, ...)                      \
	play((const struct look[]){__VA_ARGS__}, \
	     sizeof((const struct look[]){__VA_ARGS__}) / sizeof(struct look), delay_ns)

/* A port that forwards nothing for 30 s, and then the first advert of the owner. */
static void node_on_an_island_waits(void **state)
{
	(void)state;
	PLAY(DELAY, {0, 0, 3, false, SEGMENT_NONE}, {4, 0, 3, false, SEGMENT_NONE},
	     {30, 0, 3, false, SEGMENT_NONE}, {31, 32, 3, false, SEGMENT_PEER},
	     {60, 32, 3, false, SEGMENT_PEER});
}

static void first_frame_ends_the_wait(void **state)
{
	(void)state;
	PLAY(DELAY, {0, 0, 3, false, SEGMENT_NONE}, {1, 0, 4, false, SEGMENT_FRAME},
	     {2, 0, 4, false, SEGMENT_FRAME});
	PLAY(DELAY, {0, 1, 3, false, SEGMENT_PEER});
}

/* A node whose peer is dead, in a network where nobody else speaks. */
static void node_alone_comes_up_after_the_delay(void **state)
{
	(void)state;
	PLAY(DELAY, {0, 0, 3, false, SEGMENT_NONE}, {39, 0, 3, false, SEGMENT_NONE},
	     {40, 0, 3, false, SEGMENT_DELAY}, {41, 0, 3, false, SEGMENT_DELAY});
	PLAY(0, {0, 0, 3, false, SEGMENT_DELAY});
}

/* What was heard before the link was lost says nothing about the port it came back to. */
static void lost_link_needs_a_new_proof(void **state)
{
	(void)state;
	PLAY(DELAY, {0, 1, 3, false, SEGMENT_PEER}, {5, 5, 9, true, SEGMENT_NONE},
	     {6, 5, 9, false, SEGMENT_NONE}, {20, 5, 9, false, SEGMENT_NONE},
	     {21, 5, 10, false, SEGMENT_FRAME});
	PLAY(DELAY, {0, 1, 3, false, SEGMENT_PEER}, {5, 5, 9, true, SEGMENT_NONE},
	     {35, 5, 9, true, SEGMENT_NONE}, {36, 5, 9, false, SEGMENT_NONE},
	     {75, 5, 9, false, SEGMENT_NONE}, {76, 5, 9, false, SEGMENT_DELAY});
}

/* The link went and came between two looks. */
static void loss_that_was_only_announced_counts(void **state)
{
	struct segment_seen seen = {.link_up = true, .peer_ns = BEGAN, .delay_ns = DELAY};
	struct segment s = {0};

	(void)state;
	assert_int_equal(segment_step(&s, &seen, BEGAN), SEGMENT_PEER);
	segment_lost(&s);
	assert_int_equal(segment_step(&s, &seen, BEGAN + S), SEGMENT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_on_an_island_waits),
		cmocka_unit_test(first_frame_ends_the_wait),
		cmocka_unit_test(node_alone_comes_up_after_the_delay),
		cmocka_unit_test(lost_link_needs_a_new_proof),
		cmocka_unit_test(loss_that_was_only_announced_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
