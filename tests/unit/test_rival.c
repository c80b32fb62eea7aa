/* SPDX-License-Identifier: GPL-2.0-only */
/* When two owners are reported, and for how long there may have been two: decide/rival.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/rival.h"

/* Most rows end before the last column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define S   1000000000ULL
#define DAY (86400 * S)

struct step {
	uint64_t at_s;    /* since DAY */
	uint64_t owner_s; /* this node owns since then; 0: it does not */
	uint64_t answer_s;
	uint64_t lease_s; /* the end of the peer's lease; 0: none */
	enum rival_news news;
	uint64_t lasted_s; /* with news */
	uint64_t advert_s; /* without pulses: the newest advert of the peer; 0: none */
};

static uint64_t moment(uint64_t s)
{
	return s ? DAY + s * S : 0;
}

static struct rival play(const struct step *steps, unsigned int n)
{
	struct rival r = {0};

	for (unsigned int i = 0; i < n; i++) {
		const struct step *one = &steps[i];
		const struct rival_seen seen = {
			.owner_since_ns = moment(one->owner_s),
			.answer_ns = moment(one->answer_s),
			.lease_until_ns = moment(one->lease_s),
			.advert_ns = moment(one->advert_s),
			.adver_ns = 2 * S,
			.down_ns = 7 * S,
		};
		enum rival_news news = rival_step(&r, &seen, moment(one->at_s));
		uint64_t lasted_ns = rival_lasted_ns(&r, moment(one->at_s));

		if (news != one->news || (news != RIVAL_NOTHING && lasted_ns != one->lasted_s * S))
			fail_msg("step %u: news %d, lasted %llu ns", i, news,
				 (unsigned long long)lasted_ns);
	}
	return r;
}

#define PLAY(...)                                \
	play((const struct step[]){__VA_ARGS__}, \
	     sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* The peer answered last at 100, owned from then on, and is heard again at 120. */
static void owner_that_stays_says_how_long_at_most(void **state)
{
	struct rival r;

	(void)state;
	r = PLAY({100, 5, 100, 0, RIVAL_NOTHING, 0}, {110, 5, 100, 0, RIVAL_NOTHING, 0},
		 {120, 5, 120, 123, RIVAL_BEGAN, 20}, {121, 5, 121, 124, RIVAL_NOTHING, 0},
		 {122, 5, 122, 0, RIVAL_NOTHING, 0}, {123, 5, 123, 0, RIVAL_ENDED, 22},
		 {124, 5, 124, 0, RIVAL_NOTHING, 0});
	assert_int_equal(r.n, 1);
	assert_int_equal(rival_lasted_ns(&r, moment(1000)), 22 * S);
}

/* This node became owner at 103, and gives way at once. */
static void owner_that_yields_counts_since_it_owns(void **state)
{
	(void)state;
	(void)PLAY({100, 0, 100, 103, RIVAL_NOTHING, 0}, {110, 103, 100, 103, RIVAL_NOTHING, 0},
		   {120, 103, 120, 123, RIVAL_BEGAN, 17}, {120, 0, 120, 123, RIVAL_NOTHING, 0},
		   {121, 0, 120, 123, RIVAL_ENDED, 17});
}

/* What was asked for before this node became owner is of the owner before it. */
static void answer_from_before_is_no_rival(void **state)
{
	(void)state;
	(void)PLAY({100, 0, 100, 103, RIVAL_NOTHING, 0}, {101, 101, 100, 103, RIVAL_NOTHING, 0},
		   {102, 101, 101, 103, RIVAL_NOTHING, 0}, {103, 101, 102, 0, RIVAL_NOTHING, 0});
}

/* A peer that falls silent as owner: its lease ends. */
static void silence_ends_with_the_lease(void **state)
{
	(void)state;
	(void)PLAY({20, 5, 20, 23, RIVAL_BEGAN, 15}, {22, 5, 20, 23, RIVAL_NOTHING, 0},
		   {23, 5, 20, 23, RIVAL_NOTHING, 0}, {24, 5, 20, 23, RIVAL_ENDED, 18},
		   {30, 5, 20, 23, RIVAL_NOTHING, 0});
}

static void each_time_is_counted(void **state)
{
	struct rival r;

	(void)state;
	r = PLAY({20, 5, 20, 23, RIVAL_BEGAN, 15}, {21, 5, 21, 0, RIVAL_NOTHING, 0},
		 {22, 5, 22, 0, RIVAL_ENDED, 16}, {29, 5, 29, 0, RIVAL_NOTHING, 0},
		 {40, 5, 40, 43, RIVAL_BEGAN, 11});
	assert_int_equal(r.n, 2);
}

/* Each answer that is lost on a bad line lets the lease end that is known here. */
static void a_bad_line_is_no_new_time(void **state)
{
	struct rival r;

	(void)state;
	r = PLAY({20, 5, 20, 21, RIVAL_BEGAN, 15}, {21, 5, 20, 21, RIVAL_NOTHING, 0},
		 {21, 5, 21, 22, RIVAL_NOTHING, 0}, {22, 5, 21, 22, RIVAL_NOTHING, 0},
		 {22, 5, 22, 25, RIVAL_NOTHING, 0}, {24, 5, 24, 0, RIVAL_NOTHING, 0},
		 {25, 5, 25, 0, RIVAL_ENDED, 19});
	assert_int_equal(r.n, 1);
}

/* Adverts come every two seconds, and no pulses: this node owns since 105. */
static void adverts_show_an_owner_without_pulses(void **state)
{
	struct rival r;

	(void)state;
	r = PLAY({100, 0, 100, 103, RIVAL_NOTHING, 0}, {110, 105, 100, 103, RIVAL_NOTHING, 0},
		 {120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		 {121, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		 {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		 {124, 105, 100, 103, RIVAL_NOTHING, 0, 124});
	assert_true(r.by_adverts);
	/* It gave way: its last advert expires. */
	r = PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		 {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		 {128, 105, 100, 103, RIVAL_NOTHING, 0, 122},
		 {129, 105, 100, 103, RIVAL_NOTHING, 0, 122},
		 {130, 105, 100, 103, RIVAL_ENDED, 24, 122});
	assert_int_equal(r.n, 1);
	/* This node gave way, or the other one sent priority 0. */
	(void)PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		   {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		   {123, 0, 100, 103, RIVAL_NOTHING, 0, 122},
		   {124, 0, 100, 103, RIVAL_ENDED, 18, 124});
	(void)PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		   {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		   {123, 105, 100, 103, RIVAL_NOTHING, 0, 0},
		   {124, 105, 100, 103, RIVAL_ENDED, 18, 0});
	/* Pulses come, too, and show the same: it goes on, and they count. */
	r = PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		 {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		 {123, 105, 123, 126, RIVAL_NOTHING, 0, 0});
	assert_false(r.by_adverts);
}

/* One from before, one on its way while the VIP moved, and one now and then. */
static void a_single_advert_shows_no_owner(void **state)
{
	(void)state;
	(void)PLAY({110, 105, 100, 103, RIVAL_NOTHING, 0, 104},
		   {111, 105, 100, 103, RIVAL_NOTHING, 0, 105},
		   {112, 105, 100, 103, RIVAL_NOTHING, 0, 106},
		   {113, 105, 100, 103, RIVAL_NOTHING, 0, 106},
		   {120, 105, 100, 103, RIVAL_NOTHING, 0, 106},
		   {121, 105, 100, 103, RIVAL_NOTHING, 0, 121},
		   {128, 105, 100, 103, RIVAL_NOTHING, 0, 121},
		   {129, 129, 100, 103, RIVAL_NOTHING, 0, 129},
		   {130, 129, 100, 103, RIVAL_NOTHING, 0, 130});
}

/* Two bursts within a minute are reported once, unless the peer answers in between. */
static void adverts_alone_are_reported_once_a_minute(void **state)
{
	struct rival r;

	(void)state;
	r = PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		 {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		 {129, 105, 100, 103, RIVAL_NOTHING, 0, 122},
		 {130, 105, 100, 103, RIVAL_ENDED, 24, 122},
		 {150, 105, 100, 103, RIVAL_NOTHING, 0, 150},
		 {152, 105, 100, 103, RIVAL_NOTHING, 0, 152},
		 {154, 105, 100, 103, RIVAL_NOTHING, 0, 154},
		 {181, 105, 100, 103, RIVAL_NOTHING, 0, 181},
		 {183, 105, 100, 103, RIVAL_BEGAN, 78, 183});
	assert_int_equal(r.n, 2);
	(void)PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		   {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		   {129, 105, 100, 103, RIVAL_NOTHING, 0, 122},
		   {130, 105, 100, 103, RIVAL_ENDED, 24, 122},
		   {140, 105, 140, 0, RIVAL_NOTHING, 0, 0},
		   {150, 105, 140, 0, RIVAL_NOTHING, 0, 150},
		   {152, 105, 140, 0, RIVAL_BEGAN, 12, 152});
	/* Answers are reported at any time. */
	(void)PLAY({120, 105, 100, 103, RIVAL_NOTHING, 0, 120},
		   {122, 105, 100, 103, RIVAL_BEGAN, 17, 122},
		   {130, 105, 100, 103, RIVAL_NOTHING, 0, 122},
		   {131, 105, 100, 103, RIVAL_ENDED, 25, 122},
		   {140, 105, 140, 143, RIVAL_BEGAN, 35, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_that_stays_says_how_long_at_most),
		cmocka_unit_test(owner_that_yields_counts_since_it_owns),
		cmocka_unit_test(answer_from_before_is_no_rival),
		cmocka_unit_test(silence_ends_with_the_lease),
		cmocka_unit_test(each_time_is_counted),
		cmocka_unit_test(a_bad_line_is_no_new_time),
		cmocka_unit_test(adverts_show_an_owner_without_pulses),
		cmocka_unit_test(a_single_advert_shows_no_owner),
		cmocka_unit_test(adverts_alone_are_reported_once_a_minute),
	};

	return cmocka_run_group_tests_name("rival", tests, NULL, NULL);
}
