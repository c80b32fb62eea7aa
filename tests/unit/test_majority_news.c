/* SPDX-License-Identifier: GPL-2.0-only */
/* What is reported of the majority, and when: user/decide/majority_news.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/majority_news.h"

#define MS 1000000ULL
#define S  (1000 * MS)

/* The same three members all the time; a majority is two. */
struct look {
	uint64_t at_ns;
	unsigned int in_touch; /* 0: grants are off */
	bool reported;
	enum majority_reported what;
};

static void go_through(const struct look *looks, size_t n)
{
	struct majority_news news = {0};

	for (size_t i = 0; i < n; i++) {
		const struct majority_seen seen = {.in_force = looks[i].in_touch,
						   .in_touch = looks[i].in_touch,
						   .majority = 2,
						   .limit_ns = S};
		bool changed = majority_news_step(&news, &seen, 100 * S + looks[i].at_ns);

		if (changed != looks[i].reported || news.reported != looks[i].what)
			fail_msg("look %zu: reported %d, what %d", i, changed, news.reported);
	}
}

#define GO(...)                                                      \
	do {                                                         \
		static const struct look looks[] = {__VA_ARGS__};    \
		go_through(looks, sizeof(looks) / sizeof(looks[0])); \
	} while (0)

static void each_change_is_told_once(void **state)
{
	(void)state;
	GO({0, 2, true, MAJORITY_THERE}, {S, 3, false, MAJORITY_THERE},
	   {2 * S, 1, false, MAJORITY_THERE}, {3 * S - 1, 1, false, MAJORITY_THERE},
	   {3 * S, 1, true, MAJORITY_LACKING}, {9 * S, 1, false, MAJORITY_LACKING},
	   {10 * S, 2, true, MAJORITY_THERE}, {11 * S, 2, false, MAJORITY_THERE});
}

static void a_short_gap_is_no_news(void **state)
{
	(void)state;
	GO({0, 2, true, MAJORITY_THERE}, {S, 1, false, MAJORITY_THERE},
	   {S + S / 2, 2, false, MAJORITY_THERE}, {2 * S, 1, false, MAJORITY_THERE},
	   {3 * S - 1, 1, false, MAJORITY_THERE});
}

static void a_node_that_never_had_a_majority_is_reported(void **state)
{
	(void)state;
	GO({0, 1, false, MAJORITY_NOTHING}, {MAJORITY_START_NS - 1, 1, false, MAJORITY_NOTHING},
	   {MAJORITY_START_NS, 1, true, MAJORITY_LACKING},
	   {MAJORITY_START_NS + S, 1, false, MAJORITY_LACKING});
}

static void what_was_told_ends_with_the_grants(void **state)
{
	(void)state;
	GO({0, 2, true, MAJORITY_THERE}, {S, 1, false, MAJORITY_THERE},
	   {2 * S, 1, true, MAJORITY_LACKING}, {3 * S, 0, true, MAJORITY_NOTHING},
	   {4 * S, 0, false, MAJORITY_NOTHING}, {5 * S, 1, false, MAJORITY_NOTHING},
	   {6 * S, 2, true, MAJORITY_THERE}, {7 * S, 0, true, MAJORITY_NOTHING});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_is_told_once),
		cmocka_unit_test(a_short_gap_is_no_news),
		cmocka_unit_test(a_node_that_never_had_a_majority_is_reported),
		cmocka_unit_test(what_was_told_ends_with_the_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
