/* SPDX-License-Identifier: GPL-2.0-only */
/* SYNs that nobody answers: when that is reported, and when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/unanswered.h"

#define SECOND 1000000000ULL
#define T0     (1000 * SECOND)

struct look {
	const char *words;
	unsigned int syns, answered;
	bool doubtful;
	enum unanswered_news news;
};

static enum unanswered_news step(struct unanswered *u, uint64_t syns, uint64_t answered,
				 bool doubtful, uint64_t now_ns)
{
	const struct unanswered_look l = {.syns = syns, .answered = answered, .doubtful = doubtful};

	return unanswered_step(u, &l, now_ns);
}

/* One look a second, from counters of 100 and 50 on. */
static void go_on(struct unanswered *u, const struct look *list, unsigned int n)
{
	assert_int_equal(step(u, 100, 50, false, T0), UNANSWERED_NONE);
	for (unsigned int i = 0; i < n; i++) {
		enum unanswered_news news = step(u, 100 + list[i].syns, 50 + list[i].answered,
						 list[i].doubtful, T0 + (i + 1) * SECOND);

		if (news != list[i].news)
			fail_msg("%u, %s: %d", i, list[i].words, news);
	}
}

/* The first end since the start was there before. */
static void run(const struct look *list, unsigned int n)
{
	struct unanswered u = {.ended_once = true};

	go_on(&u, list, n);
}
#define RUN(list) run(list, sizeof(list) / sizeof((list)[0]))

static void none_is_answered(void **state)
{
	const struct look list[] = {
		{"answered", 5, 5, false, UNANSWERED_NONE},
		{"the first", 7, 5, false, UNANSWERED_NONE},
		{"more", 20, 5, false, UNANSWERED_NONE},
		{"more", 40, 5, false, UNANSWERED_NONE},
		{"nobody comes", 40, 5, false, UNANSWERED_NONE},
		{"four seconds", 60, 5, false, UNANSWERED_NONE},
		{"five seconds", 60, 5, false, UNANSWERED_BEGAN},
		{"said once", 90, 5, false, UNANSWERED_NONE},
		{"still", 190, 5, true, UNANSWERED_NONE},
		{"one answer", 191, 6, false, UNANSWERED_ENDED},
		{"over", 193, 7, false, UNANSWERED_NONE},
	};

	(void)state;
	RUN(list);
}

static void few_do_not_count(void **state)
{
	struct unanswered u = {0};

	(void)state;
	assert_int_equal(step(&u, 100, 50, false, T0), UNANSWERED_NONE);
	for (unsigned int i = 1; i < UNANSWERED_SYNS; i++)
		assert_int_equal(step(&u, 100 + i, 50, false, T0 + i * 60 * SECOND),
				 UNANSWERED_NONE);
	assert_int_equal(step(&u, 100 + UNANSWERED_SYNS, 50, false, T0 + 3600 * SECOND),
			 UNANSWERED_NONE);
	/* As many within a minute. */
	assert_int_equal(step(&u, 101 + UNANSWERED_SYNS, 50, false, T0 + 3601 * SECOND),
			 UNANSWERED_NONE);
	assert_int_equal(step(&u, 100 + 2 * UNANSWERED_SYNS, 50, false, T0 + 3660 * SECOND),
			 UNANSWERED_BEGAN);
}

/* A node that gave the VIP away gets none: the report would never end. */
static void it_ends_where_nobody_asks_any_more(void **state)
{
	struct unanswered u = {.ended_once = true};
	uint64_t at = T0;

	(void)state;
	assert_int_equal(step(&u, 100, 50, false, at), UNANSWERED_NONE);
	assert_int_equal(step(&u, 150, 50, false, at += SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 160, 50, false, at += 6 * SECOND), UNANSWERED_BEGAN);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(step(&u, 161 + i, 50, false, at += 59 * SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 170, 50, true, at + 60 * SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 170, 50, false, at += 61 * SECOND), UNANSWERED_CEASED);
	assert_int_equal(step(&u, 170, 50, false, at += 61 * SECOND), UNANSWERED_NONE);
	/* Who comes back is not answered either. */
	assert_int_equal(step(&u, 175, 50, false, at += SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 190, 50, false, at + 6 * SECOND), UNANSWERED_BEGAN);
}

static void one_answer_is_enough(void **state)
{
	struct look list[30];

	(void)state;
	for (unsigned int i = 0; i < 30; i++)
		list[i] = (struct look){"one of many", 1000 * (i + 1), i / 3, false,
					UNANSWERED_NONE};
	RUN(list);
}

static void doubtful_ones_do_not_count(void **state)
{
	const struct look list[] = {
		{"a full queue", 100, 0, true, UNANSWERED_NONE},
		{"a full queue", 200, 0, true, UNANSWERED_NONE},
		{"the first", 210, 0, false, UNANSWERED_NONE},
		{"more", 300, 0, false, UNANSWERED_NONE},
		{"the service is down", 400, 0, true, UNANSWERED_NONE},
		{"nobody", 400, 0, false, UNANSWERED_NONE},
		{"nobody", 400, 0, false, UNANSWERED_NONE},
		{"nobody", 400, 0, false, UNANSWERED_NONE},
		{"nobody", 400, 0, false, UNANSWERED_NONE},
	};

	(void)state;
	RUN(list);
}

static void counters_that_began_anew_are_no_syns(void **state)
{
	struct unanswered u = {0};

	(void)state;
	assert_int_equal(step(&u, 1000, 50, false, T0), UNANSWERED_NONE);
	assert_int_equal(step(&u, 5, 50, false, T0 + SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 9, 50, false, T0 + 9 * SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 14, 50, false, T0 + 20 * SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 15, 50, false, T0 + 21 * SECOND), UNANSWERED_BEGAN);
}

/* What a daemon before this one reported is over then. */
static void the_first_answer_after_a_start_is_an_end(void **state)
{
	const struct look list[] = {
		{"nobody comes", 0, 0, false, UNANSWERED_NONE},
		{"not answered", 2, 0, false, UNANSWERED_NONE},
		{"the service is down", 4, 0, true, UNANSWERED_NONE},
		{"the first answer", 5, 1, false, UNANSWERED_FIRST_END},
		{"the second", 6, 2, false, UNANSWERED_NONE},
		{"the service is down", 9, 2, true, UNANSWERED_NONE},
		{"the third", 9, 3, false, UNANSWERED_NONE},
	};
	const struct look reported[] = {
		{"many", 50, 0, false, UNANSWERED_NONE},
		{"nobody", 50, 0, false, UNANSWERED_NONE},
		{"nobody", 50, 0, false, UNANSWERED_NONE},
		{"nobody", 50, 0, false, UNANSWERED_NONE},
		{"nobody", 50, 0, false, UNANSWERED_NONE},
		{"nobody", 50, 0, false, UNANSWERED_BEGAN},
		{"the first answer", 51, 1, false, UNANSWERED_ENDED},
		{"the second", 52, 2, false, UNANSWERED_NONE},
	};
	struct unanswered u = {0};

	(void)state;
	go_on(&u, list, sizeof(list) / sizeof(list[0]));
	u = (struct unanswered){0};
	go_on(&u, reported, sizeof(reported) / sizeof(reported[0]));
}

static void an_end_of_watching_is_an_end(void **state)
{
	struct unanswered u = {0};

	(void)state;
	assert_int_equal(unanswered_stop(&u), UNANSWERED_FIRST_END);
	assert_int_equal(unanswered_stop(&u), UNANSWERED_NONE);
	assert_int_equal(step(&u, 100, 50, false, T0), UNANSWERED_NONE);
	assert_int_equal(step(&u, 150, 50, false, T0 + SECOND), UNANSWERED_NONE);
	assert_int_equal(step(&u, 150, 50, false, T0 + 6 * SECOND), UNANSWERED_BEGAN);
	assert_int_equal(unanswered_stop(&u), UNANSWERED_ENDED);
	assert_int_equal(unanswered_stop(&u), UNANSWERED_NONE);
	assert_false(u.reported);
}

/* No packet of the server was ever seen, and handshakes complete or not: one look a second. */
static void handshakes_prove_another_way(void **state)
{
	static const struct {
		const char *words;
		unsigned int syns, established;
		enum unanswered_news news;
	} list[] = {
		{"the first", 20, 0, UNANSWERED_NONE},
		{"more", 30, 0, UNANSWERED_NONE},
		{"more", 40, 0, UNANSWERED_NONE},
		{"more", 50, 0, UNANSWERED_NONE},
		{"more", 60, 0, UNANSWERED_NONE},
		{"no handshake completes: a filter", 70, 0, UNANSWERED_BEGAN},
		{"one completes", 71, 1, UNANSWERED_ENDED},
		{"none", 100, 1, UNANSWERED_NONE},
		{"none", 200, 1, UNANSWERED_NONE},
		{"none", 300, 1, UNANSWERED_NONE},
		{"none", 400, 1, UNANSWERED_NONE},
		{"none", 500, 1, UNANSWERED_NONE},
		{"none", 600, 1, UNANSWERED_NONE},
		{"none for long: it is known", 700, 1, UNANSWERED_NONE},
	};
	/* Handshakes with a peer, before the first look. */
	const struct unanswered_look first = {.established = 7};
	struct unanswered u = {0};

	(void)state;
	assert_int_equal(unanswered_step(&u, &first, T0), UNANSWERED_NONE);
	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct unanswered_look l = {
			.syns = list[i].syns,
			.established = 7 + list[i].established,
			.unseen = true,
		};
		enum unanswered_news news = unanswered_step(&u, &l, T0 + (i + 1) * SECOND);

		if (news != list[i].news)
			fail_msg("%u, %s: %d", i, list[i].words, news);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_answered),
		cmocka_unit_test(few_do_not_count),
		cmocka_unit_test(it_ends_where_nobody_asks_any_more),
		cmocka_unit_test(one_answer_is_enough),
		cmocka_unit_test(doubtful_ones_do_not_count),
		cmocka_unit_test(counters_that_began_anew_are_no_syns),
		cmocka_unit_test(the_first_answer_after_a_start_is_an_end),
		cmocka_unit_test(an_end_of_watching_is_an_end),
		cmocka_unit_test(handshakes_prove_another_way),
	};

	return cmocka_run_group_tests_name("unanswered", tests, NULL, NULL);
}
