/* SPDX-License-Identifier: GPL-2.0-only */
/* Lateness: the worst since the start stays, the recent worst is forgotten after two minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/inbox.h"

#define AT(seconds) (1000 * NS_PER_S + (uint64_t)((seconds) * (double)NS_PER_S))

static void the_worst_stays(void **state)
{
	struct late l = {0};

	(void)state;
	late_note(&l, 5, AT(0));
	late_note(&l, 90, AT(1));
	late_note(&l, 7, AT(500));
	assert_int_equal(l.worst_ns, 90);
}

static void the_recent_worst_is_forgotten(void **state)
{
	static const struct {
		double at;
		uint64_t late_ns, recent_ns;
	} rows[] = {
		{0, 90, 90}, {59, 5, 90}, /* the same minute */
		{61, 7, 90},              /* the next one */
		{122, 3, 7},              /* the 90 are two minutes old */
		{400, 2, 2},              /* after a pause nothing older counts */
	};
	struct late l = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		late_note(&l, rows[i].late_ns, AT(rows[i].at));
		assert_int_equal(late_recent_ns(&l, AT(rows[i].at)), rows[i].recent_ns);
	}
	assert_int_equal(late_recent_ns(&l, AT(600)), 0);
}

/* Each power of two has a place of its own, and what is later than all of them the last. */
static void the_counts_are_a_distribution(void **state)
{
	static const struct {
		uint64_t late_ns;
		unsigned int place;
	} rows[] = {
		{0, 0},           {999, 0},
		{1000, 1},        {1999, 1},
		{2000, 2},        {3999, 2},
		{4000, 3},        {NS_PER_MS, 10},
		{1023999, 10},    {1024000, 11},
		{NS_PER_S, 20},   {4194303999, 22},
		{4194304000, 23}, {3600 * NS_PER_S, 23},
		{UINT64_MAX, 23},
	};
	uint64_t sum = 0;
	struct late l = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = l.places[rows[i].place];

		late_note(&l, rows[i].late_ns, AT((double)i));
		assert_int_equal(l.places[rows[i].place], before + 1);
	}
	for (unsigned int i = 0; i < LATE_PLACES; i++)
		sum += l.places[i];
	assert_int_equal(sum, sizeof(rows) / sizeof(rows[0]));
}

static void a_timer_notes_how_late_it_is(void **state)
{
	uint64_t now_us = clock_now_ns() / 1000;
	static struct inbox in;

	(void)state;
	inbox_note_timer(&in, INBOX_GARP, LATE_GARP, now_us - 30000);
	assert_int_equal(in.notes, INBOX_GARP);
	assert_in_range(in.late[LATE_GARP].worst_ns, 30 * NS_PER_MS, 10 * NS_PER_S);
	/* A timer that fires early is not late. */
	inbox_note_timer(&in, INBOX_CHECKS, LATE_CHECK, now_us + 60000000);
	assert_int_equal(in.late[LATE_CHECK].worst_ns, 0);
}

static void each_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LATE_KINDS; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(late_name((enum late_kind)i),
						late_name((enum late_kind)j));
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	unsigned int *fired = arg;

	(void)s;
	(void)usec;
	(*fired)++;
	return 0;
}

/* Setting what is set does nothing; but a timer that has fired is not set any more. */
static void a_timer_set_to_the_same_moment_fires_again(void **state)
{
	const uint64_t past_ns = clock_now_ns() - NS_PER_S;
	sd_event_source *timer = NULL;
	unsigned int fired = 0;
	sd_event *event = NULL;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(timer_add(event, &timer, 0, on_timer, &fired), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		timer_arm(timer, past_ns);
		timer_arm(timer, past_ns);
		assert_true(sd_event_run(event, 10 * NS_PER_S / 1000) > 0);
		assert_int_equal(fired, i);
		assert_int_equal(sd_event_run(event, 0), 0);
	}
	timer_arm(timer, past_ns);
	timer_arm(timer, 0);
	assert_int_equal(sd_event_run(event, 0), 0);
	/* Another moment replaces the one that is set. */
	timer_arm(timer, clock_now_ns() + 3600 * NS_PER_S);
	timer_arm(timer, past_ns);
	assert_true(sd_event_run(event, 10 * NS_PER_S / 1000) > 0);
	assert_int_equal(fired, 4);
	sd_event_source_unref(timer);
	sd_event_unref(event);
}

/* The quiet tick began it, and found news that the whole of the work has to see. */
static void a_turn_lasts_from_its_first_begin(void **state)
{
	static struct inbox in;

	(void)state;
	inbox_begin(&in, 1000 * NS_PER_MS);
	inbox_begin(&in, 1030 * NS_PER_MS);
	inbox_end(&in, 1040 * NS_PER_MS);
	assert_int_equal(in.late[LATE_TURN].worst_ns, 40 * NS_PER_MS);
	/* The next turn has a beginning of its own. */
	inbox_begin(&in, 2000 * NS_PER_MS);
	inbox_end(&in, 2050 * NS_PER_MS);
	assert_int_equal(in.late[LATE_TURN].worst_ns, 50 * NS_PER_MS);
}

static void turns_are_counted_by_reason(void **state)
{
	static struct inbox in;

	(void)state;
	inbox_count_turn(&in, INBOX_TICK);
	inbox_count_turn(&in, INBOX_TICK | INBOX_KERNEL);
	inbox_count_turn(&in, 0);
	for (unsigned int i = 0; i <= INBOX_KINDS; i++) {
		bool once = 1u << i == INBOX_KERNEL || i == INBOX_KINDS;

		assert_int_equal(in.turns[i], 1u << i == INBOX_TICK ? 2 : once);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(inbox_turn_name(i), inbox_turn_name(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_stays),
		cmocka_unit_test(the_recent_worst_is_forgotten),
		cmocka_unit_test(the_counts_are_a_distribution),
		cmocka_unit_test(a_timer_notes_how_late_it_is),
		cmocka_unit_test(each_kind_has_a_name_of_its_own),
		cmocka_unit_test(a_timer_set_to_the_same_moment_fires_again),
		cmocka_unit_test(a_turn_lasts_from_its_first_begin),
		cmocka_unit_test(turns_are_counted_by_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
