/* SPDX-License-Identifier: GPL-2.0-only */
/* When a path that is silent alone is reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide/path_news.h"

#define MS 1000000ULL

struct step {
	uint64_t at_ms;
	bool answers, alive;
	bool news, silent;
};

static void play(const struct step *steps, unsigned int n)
{
	struct path_news p = {0};

	for (unsigned int i = 0; i < n; i++) {
		bool news = path_news_step(
			&p, steps[i].answers, steps[i].alive, 1000000 * MS + steps[i].at_ms * MS);

		if (news != steps[i].news || p.silent != steps[i].silent)
			fail_msg("step %u: news %d, silent %d", i, news, p.silent);
	}
}

#define PLAY(...)                                \
	play((const struct step[]){__VA_ARGS__}, \
	     sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static void path_that_is_silent_alone_is_reported_once(void **state)
{
	(void)state;
	PLAY({0, true, true, false, false}, {10, false, true, false, false},
	     {2009, false, true, false, false}, {2010, false, true, true, true},
	     {9000, false, true, false, true}, {9010, true, true, true, false},
	     {9020, true, true, false, false});
}

/* Never seen, as with a wrong address. */
static void path_that_never_answered_is_reported(void **state)
{
	(void)state;
	PLAY({0, false, true, false, false}, {2000, false, true, true, true});
}

static void silence_of_all_paths_is_no_news_of_one(void **state)
{
	(void)state;
	PLAY({0, true, true, false, false}, {10, false, false, false, false},
	     {60000, false, false, false, false}, {60010, false, true, false, false},
	     {62009, false, true, false, false}, {62010, false, true, true, true},
	     /* The peer dies: the path is silent as before, and answers first when it is back. */
	     {70000, false, false, false, true}, {80000, true, true, true, false});
}

static void lost_pulses_are_no_news(void **state)
{
	(void)state;
	PLAY({0, true, true, false, false}, {10, false, true, false, false},
	     {1900, false, true, false, false}, {1910, true, true, false, false},
	     {1920, false, true, false, false}, {3900, false, true, false, false},
	     {3920, false, true, true, true});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_that_is_silent_alone_is_reported_once),
		cmocka_unit_test(path_that_never_answered_is_reported),
		cmocka_unit_test(silence_of_all_paths_is_no_news_of_one),
		cmocka_unit_test(lost_pulses_are_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
