/* SPDX-License-Identifier: GPL-2.0-only */
/* Over which path the replication goes: user/decide/repl_path.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/repl_path.h"
#include "hokm/abi.h"

#define MS    1000000ULL
#define S     (1000 * MS)
#define TICK  (10 * MS)
#define BEGAN (500 * S)

#define SEGMENT (1U << HOKM_PATH_SEGMENT)
#define CABLE   (1U << 1)
#define SECOND  (1U << 2)

/* Replication comes only over the paths of `brings`, and stays connected for a while. */
struct stage {
	uint32_t answers, brings;
	bool silent; /* the peer's daemon */
	uint64_t ns;
	unsigned int at; /* at its end */
	int moves;       /* so often it went over another path; -1: more often than once */
};

#define WHILE_NS (2 * S) /* REPL_FRESH_NS */

/* Returns how often the path was reported. */
static unsigned int run(const struct stage *stages, size_t n)
{
	uint64_t now_ns = BEGAN, came_ns = 0;
	struct repl_path r = {0};
	unsigned int reports = 0;

	for (size_t i = 0; i < n; i++) {
		const struct stage *s = &stages[i];
		int moves = 0;

		for (uint64_t end_ns = now_ns + s->ns; now_ns < end_ns; now_ns += TICK) {
			struct repl_path_input in = {.answers = s->answers, .fresh = !s->silent};
			unsigned int from = r.at;

			if (s->brings >> r.at & 1 && !s->silent)
				came_ns = now_ns;
			in.connected = came_ns && now_ns - came_ns < WHILE_NS;
			reports += repl_path_step(&r, &in, now_ns);
			moves += r.at != from;
		}
		if (r.at != s->at || (s->moves < 0 ? moves < 2 : moves != s->moves))
			fail_msg("stage %zu: path %u after %d moves", i, r.at, moves);
	}
	return reports;
}

#define RUN(...) RUN_REPORTS(-1, __VA_ARGS__)
/* n: so many reports in all; -1: any */
#define RUN_REPORTS(n, ...)                                                         \
	do {                                                                        \
		static const struct stage stages[] = {__VA_ARGS__};                 \
		int reports = (int)run(stages, sizeof(stages) / sizeof(stages[0])); \
                                                                                    \
		if ((n) >= 0)                                                       \
			assert_int_equal(reports, n);                               \
	} while (0)

static void it_goes_over_the_segment(void **state)
{
	(void)state;
	RUN({SEGMENT, SEGMENT, false, 60 * S, 0, 0});
	RUN({SEGMENT | CABLE, SEGMENT | CABLE, false, 60 * S, 0, 0});
	/* Nothing answers yet, and the peer's daemon starts later than its kernel. */
	RUN({0, 0, false, 60 * S, 0, 0}, {SEGMENT | CABLE, 0, true, 60 * S, 0, 0},
	    {SEGMENT | CABLE, SEGMENT, false, 60 * S, 0, 0});
}

/* At once: what was sent meanwhile is repeated, and no stream ends. */
static void it_follows_the_pulses(void **state)
{
	(void)state;
	RUN({SEGMENT | CABLE, SEGMENT | CABLE, false, 10 * S, 0, 0},
	    {CABLE, CABLE, false, TICK, 1, 1}, {CABLE, CABLE, false, 60 * S, 1, 0},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, REPL_PATH_BACK_NS, 1, 0},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, TICK, 0, 1},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, 60 * S, 0, 0});
	/* Both fail, one after the other. */
	RUN({SEGMENT | CABLE | SECOND, SEGMENT, false, 10 * S, 0, 0},
	    {CABLE | SECOND, CABLE | SECOND, false, S, 1, 1}, {SECOND, SECOND, false, S, 2, 1},
	    {0, 0, false, 60 * S, 2, 0}, {CABLE, CABLE, false, S, 1, 1});
}

/* A segment that comes and goes does not take it along. */
static void it_comes_back_to_a_steady_segment(void **state)
{
	(void)state;
	RUN({SEGMENT | CABLE, SEGMENT | CABLE, false, S, 0, 0}, {CABLE, CABLE, false, S, 1, 1},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, REPL_PATH_BACK_NS - TICK, 1, 0},
	    {CABLE, CABLE, false, TICK, 1, 0},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, REPL_PATH_BACK_NS - TICK, 1, 0});
}

/* A packet filter lets pulses pass and no replication. */
static void it_leaves_a_segment_that_brings_nothing(void **state)
{
	(void)state;
	RUN({SEGMENT | CABLE, CABLE, false, REPL_PATH_TRY_NS + TICK, 1, 1},
	    {SEGMENT | CABLE, CABLE, false, 600 * S, 1, 0},
	    /* The cable fails, and is there again. */
	    {SEGMENT, 0, false, S, 0, 1}, {SEGMENT | CABLE, CABLE, false, 10 * S, 1, 1},
	    /* The filter is gone; only a silence of the segment shows that it is another one. */
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, 60 * S, 1, 0}, {CABLE, CABLE, false, S, 1, 0},
	    {SEGMENT | CABLE, SEGMENT | CABLE, false, 10 * S, 0, 1});
	/* The paths take turns until one brings it. */
	RUN({SEGMENT | CABLE | SECOND, 0, false, 60 * S, 2, -1},
	    {SEGMENT | CABLE | SECOND, SEGMENT, false, 10 * S, 0, 1});
	/* A daemon that starts again is no filter. */
	RUN({SEGMENT | CABLE, CABLE, false, 10 * S, 1, 1}, {SEGMENT | CABLE, 0, true, 3 * S, 0, 1},
	    {SEGMENT | CABLE, SEGMENT, false, 60 * S, 0, 0});
}

/* Replication is off at the peer, or its port is blocked everywhere: the log is not filled. */
static void it_reports_where_replication_goes(void **state)
{
	(void)state;
	RUN_REPORTS(0, {SEGMENT | CABLE | SECOND, 0, false, 600 * S, 2, -1});
	RUN_REPORTS(1, {SEGMENT | CABLE, CABLE, false, 600 * S, 1, 1});
	/* One report each way, also where the first path brings it no more. */
	RUN_REPORTS(2, {SEGMENT | CABLE, SEGMENT | CABLE, false, 10 * S, 0, 0},
		    {CABLE, CABLE, false, TICK, 1, 1},
		    {SEGMENT | CABLE, SEGMENT | CABLE, false, 10 * S, 0, 1});
	RUN_REPORTS(1, {SEGMENT | CABLE, SEGMENT, false, 10 * S, 0, 0},
		    {SEGMENT | CABLE, CABLE, false, 10 * S, 1, 1});
	/* A path that fails is reported without replication, and only once. */
	RUN_REPORTS(1, {SEGMENT, 0, false, 10 * S, 0, 0}, {CABLE, 0, false, S, 1, 1},
		    {CABLE | SECOND, 0, false, 600 * S, 1, -1});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_goes_over_the_segment),
		cmocka_unit_test(it_follows_the_pulses),
		cmocka_unit_test(it_comes_back_to_a_steady_segment),
		cmocka_unit_test(it_leaves_a_segment_that_brings_nothing),
		cmocka_unit_test(it_reports_where_replication_goes),
	};

	return cmocka_run_group_tests_name("repl_path", tests, NULL, NULL);
}
