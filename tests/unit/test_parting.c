/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last adverts before the daemon is replaced: spread, never later after the first than two
 * owners would allow, and never gone with a lease that is too short for what follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "decide/parting.h"

#define MS      1000000ULL
#define LONG_NS (2750 * MS) /* of adverts of UPGRADE_ADVERT_NS */
#define START   (1000 * MS)

/*
 * Ticks at these times in ms, ended by UINT_MAX. Each advert that is asked for gives a lease of
 * lease_ms. `says` has a character a tick: a advert, . wait, g go, s stay.
 */
struct row {
	const char *name;
	unsigned int lease_ms;
	unsigned int at_ms[16];
	const char *says;
};

static const struct row rows[] = {
	{"ticks of 10 ms", 2750, {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110}, "a....a....ag"},
	{"ticks of 25 ms", 2750, {0, 25, 50, 75, 100, 125}, "a.a.ag"},
	{"the third tick is late", 2750, {0, 50, 151}, "aag"},
	{"the second tick is late", 2750, {0, 151}, "ag"},
	{"pulses of 500 ms", 2750, {0, 500}, "ag"},
	{"the lease is used up: another round",
	 2750,
	 {0, 50, 100, 1900, 1950, 2000, 2010},
	 "aaaaaag"},
	{"at the limit of what is needed", 2750, {0, 50, 100, 1850}, "aaag"},
	{"beyond it", 2750, {0, 50, 100, 1851}, "aaaa"},
	{"a short lease: half of it must be left", 275, {0, 50, 100, 237}, "aaag"},
	{"less is left", 275, {0, 50, 100, 238}, "aaaa"},
	{"three rounds, and always too late", 2750, {0, 2700, 5400, 8100}, "aaas"},
};

static char letter(enum parting_do d)
{
	switch (d) {
	case PARTING_ADVERT:
		return 'a';
	case PARTING_WAIT:
		return '.';
	case PARTING_GO:
		return 'g';
	case PARTING_STAY:
		return 's';
	}
	return '?';
}

static void adverts_are_spread_and_the_lease_lasts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct parting p = parting_begin();
		uint64_t until_ns = START;

		for (size_t k = 0; r->says[k]; k++) {
			uint64_t now_ns = START + r->at_ms[k] * MS;
			char got = letter(
				parting_step(&p, true, until_ns, r->lease_ms * MS, now_ns));

			if (got != r->says[k])
				fail_msg("%s, tick %zu: %c", r->name, k, got);
			if (got == 'a')
				until_ns = now_ns + r->lease_ms * MS;
		}
	}
}

static void a_backup_waits_for_nothing(void **state)
{
	struct parting p = parting_begin();

	(void)state;
	assert_int_equal(parting_step(&p, false, 0, LONG_NS, START), PARTING_GO);
	/* Not even when it was owner a moment ago. */
	p = parting_begin();
	assert_int_equal(parting_step(&p, true, 0, LONG_NS, START), PARTING_ADVERT);
	assert_int_equal(parting_step(&p, false, 0, LONG_NS, START + MS), PARTING_GO);
}

/* Whatever the ticks: t3 - t1 <= PARTING_NS in a round, and enough is left when the daemon goes. */
static void random_ticks(void **state)
{
	(void)state;
	srand(12);
	for (int i = 0; i < 20000; i++) {
		struct parting p = parting_begin();
		uint64_t now_ns = START, until_ns = 0, first_ns = 0;
		unsigned int sent = 0, ticks = 0;
		enum parting_do d;

		do {
			d = parting_step(&p, true, until_ns, LONG_NS, now_ns);
			if (d == PARTING_ADVERT) {
				if (p.left == PARTING_ADVERTS - 1)
					first_ns = now_ns;
				assert_true(now_ns - first_ns <= PARTING_NS);
				until_ns = now_ns + LONG_NS;
				sent++;
			}
			if (d == PARTING_GO)
				assert_true(until_ns - now_ns >= PARTING_LEFT_NS);
			now_ns += (uint64_t)(rand() % (rand() % 8 ? 60 : 4000)) * MS + MS;
			assert_true(++ticks < 1000);
		} while (d == PARTING_ADVERT || d == PARTING_WAIT);
		assert_in_range(sent, 1, PARTING_ADVERTS * PARTING_ROUNDS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adverts_are_spread_and_the_lease_lasts),
		cmocka_unit_test(a_backup_waits_for_nothing),
		cmocka_unit_test(random_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
