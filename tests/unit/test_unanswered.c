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

/* One look a second, from counters of 100 and 50 on. */
static void run(const struct look *list, unsigned int n)
{
	struct unanswered u = {0};

	assert_int_equal(unanswered_step(&u, 100, 50, false, T0), UNANSWERED_NONE);
	for (unsigned int i = 0; i < n; i++) {
		enum unanswered_news news = unanswered_step(
			&u, 100 + list[i].syns, 50 + list[i].answered, list[i].doubtful,
			T0 + (i + 1) * SECOND);

		if (news != list[i].news)
			fail_msg("%u, %s: %d", i, list[i].words, news);
	}
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
	assert_int_equal(unanswered_step(&u, 100, 50, false, T0), UNANSWERED_NONE);
	for (unsigned int i = 1; i < UNANSWERED_SYNS; i++)
		assert_int_equal(unanswered_step(&u, 100 + i, 50, false, T0 + i * 60 * SECOND),
				 UNANSWERED_NONE);
	assert_int_equal(unanswered_step(&u, 100 + UNANSWERED_SYNS, 50, false, T0 + 3600 * SECOND),
			 UNANSWERED_BEGAN);
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
	assert_int_equal(unanswered_step(&u, 1000, 50, false, T0), UNANSWERED_NONE);
	assert_int_equal(unanswered_step(&u, 5, 50, false, T0 + SECOND), UNANSWERED_NONE);
	assert_int_equal(unanswered_step(&u, 9, 50, false, T0 + 9 * SECOND), UNANSWERED_NONE);
	assert_int_equal(unanswered_step(&u, 14, 50, false, T0 + 20 * SECOND), UNANSWERED_NONE);
	assert_int_equal(unanswered_step(&u, 15, 50, false, T0 + 21 * SECOND), UNANSWERED_BEGAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_answered),
		cmocka_unit_test(few_do_not_count),
		cmocka_unit_test(one_answer_is_enough),
		cmocka_unit_test(doubtful_ones_do_not_count),
		cmocka_unit_test(counters_that_began_anew_are_no_syns),
	};

	return cmocka_run_group_tests_name("unanswered", tests, NULL, NULL);
}
