/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a node looks: what each sign of trouble does to a calm pace, and that calm must last
 * before the pace follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#include <cmocka.h>

#include "decide/pulse_pace.h"

#define MS   1000000ULL
#define AT   (10000 * MS)
#define EACH (10 * MS)
#define CALM (30 * MS)

static const struct pulse_pace_conf conf = {EACH, CALM};

static struct pulse_pace_seen calm_at(uint64_t now_ns)
{
	return (struct pulse_pace_seen){.steady = true, .heard_ns = now_ns};
}

/* A pace that is calm since long. */
static struct pulse_pace calm(void)
{
	return (struct pulse_pace){.calm_since_ns = AT - 5000 * MS};
}

static void calm_must_last(void **state)
{
	struct pulse_pace p = {0};
	struct pulse_pace_seen seen = calm_at(AT);

	(void)state;
	assert_int_equal(pulse_pace_step(&p, &conf, &seen, AT), EACH);
	seen = calm_at(AT + PULSE_PACE_NS - 1);
	assert_int_equal(pulse_pace_step(&p, &conf, &seen, AT + PULSE_PACE_NS - 1), EACH);
	seen = calm_at(AT + PULSE_PACE_NS);
	assert_int_equal(pulse_pace_step(&p, &conf, &seen, AT + PULSE_PACE_NS), CALM);
}

static void each_sign_ends_the_calm(void **state)
{
	static const struct {
		struct pulse_pace_seen seen;
		uint64_t each_ns;
	} rows[] = {
		{{true, false, AT}, CALM},
		{{false, false, AT}, EACH}, /* something is under way */
		{{true, true, AT}, EACH},   /* a connection changed */
		{{true, false, 0}, EACH},   /* a member never answered */
		{{true, false, AT - 45 * MS + 1}, CALM},
		{{true, false, AT - 45 * MS}, EACH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pulse_pace p = calm();
		struct pulse_pace_seen well = calm_at(AT + CALM);

		assert_int_equal(pulse_pace_step(&p, &conf, &rows[i].seen, AT), rows[i].each_ns);
		/* After a sign of trouble the calm must last again. */
		assert_int_equal(pulse_pace_step(&p, &conf, &well, AT + CALM), rows[i].each_ns);
	}
}

/* Whatever the intervals are: an answer that is missing at the next look ends the calm there. */
static void one_missing_answer_ends_the_calm(void **state)
{
	static const struct pulse_pace_conf confs[] = {
		{10 * MS, 30 * MS}, {20 * MS, 33 * MS}, {10 * MS, 25 * MS}, {10 * MS, 20 * MS},
		{5 * MS, 10 * MS},  {10 * MS, 11 * MS}, {1 * MS, 250 * MS}, {4 * MS, 250 * MS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
		const uint64_t calm_ns = confs[i].calm_ns, late_ns = calm_ns / 3;
		struct pulse_pace_seen seen = calm_at(AT - calm_ns);
		struct pulse_pace p = calm();

		assert_int_equal(pulse_pace_step(&p, &confs[i], &seen, AT), calm_ns);
		seen = calm_at(AT - 2 * calm_ns + late_ns);
		assert_int_equal(pulse_pace_step(&p, &confs[i], &seen, AT), confs[i].pulse_ns);
	}
}

static void a_disturbance_ends_the_calm(void **state)
{
	struct pulse_pace p = calm();
	struct pulse_pace_seen seen = calm_at(AT);

	(void)state;
	pulse_pace_disturb(&p);
	assert_int_equal(pulse_pace_step(&p, &conf, &seen, AT), EACH);
	seen = calm_at(AT + PULSE_PACE_NS);
	assert_int_equal(pulse_pace_step(&p, &conf, &seen, AT + PULSE_PACE_NS), CALM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calm_must_last),
		cmocka_unit_test(each_sign_ends_the_calm),
		cmocka_unit_test(one_missing_answer_ends_the_calm),
		cmocka_unit_test(a_disturbance_ends_the_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
