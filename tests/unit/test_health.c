/* SPDX-License-Identifier: GPL-2.0-only */
/* The health of one active check: counter, intervals, lost results, hurry, new settings, alert. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "decide/health.h"

#define MS 1000000ULL
#define T0 (1000000 * MS)

static const struct health_conf conf = {
	.rise = 2,
	.fall = 3,
	.interval_ns = 5000 * MS,
	.fastinter_ns = 1000 * MS,
	.downinter_ns = 2000 * MS,
	.timeout_ns = 10000 * MS,
};

/* Runs a check of 10 ms when it is due. True when the state changed. */
static bool check(struct health *h, uint64_t *now_ns, bool good)
{
	*now_ns = health_next_ns(h);
	assert_false(h->running);
	assert_true(health_start(h, *now_ns));
	*now_ns += 10 * MS;
	return health_result(h, h->seq, good ? HOKM_R_CHECK_OK : HOKM_R_CHECK_REFUSED, *now_ns);
}

static uint64_t gap_ms(const struct health *h)
{
	return (health_next_ns(h) - h->started_ns) / MS;
}

/* A row is a series of results; after each: value, state, change, time until the next check. */
static void test_counter(void **state)
{
	static const struct {
		const char *results; /* '+' passed, '-' failed */
		const char *values;  /* 0 .. 4 */
		const char *ups;     /* 'U' or 'd' */
		const char *changed; /* '!' changed, '.' not */
		const char *gaps;    /* i interval, f fastinter, d downinter */
	} rows[] = {
		{"+", "4", "U", "!", "i"},
		{"-", "0", "d", "!", "d"},
		{"++-+", "4434", "UUUU", "!...", "iifi"},
		{"+---", "4320", "UUUd", "!..!", "iffd"},
		{"+--+--", "432432", "UUUUUU", "!.....", "iffiff"},
		{"-+", "01", "dd", "!.", "df"},
		{"-++", "014", "ddU", "!.!", "dfi"},
		{"-+-+-", "01010", "ddddd", "!....", "dfdfd"},
		{"---", "000", "ddd", "!..", "ddd"},
		{"+---+-++---", "43201014320", "UUUddddUUUd", "!..!...!..!", "iffdfdfiffd"},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct health h;
		uint64_t now_ns = T0;

		health_init(&h, &conf, T0, 0);
		assert_false(health_up(&h));
		for (size_t i = 0; rows[r].results[i]; i++) {
			bool changed = check(&h, &now_ns, rows[r].results[i] == '+');
			char gap = rows[r].gaps[i];
			uint64_t want_ms = gap == 'i' ? 5000 : gap == 'f' ? 1000 : 2000;

			if (h.value != (unsigned int)(rows[r].values[i] - '0') ||
			    health_up(&h) != (rows[r].ups[i] == 'U') ||
			    changed != (rows[r].changed[i] == '!') || gap_ms(&h) != want_ms)
				fail_msg("row %zu, result %zu: value %u up %d changed %d gap %llu",
					 r, i, h.value, health_up(&h), changed,
					 (unsigned long long)gap_ms(&h));
			assert_true(!changed || h.changed_ns == now_ns);
			assert_int_equal(h.last_ns, now_ns);
			assert_int_equal(h.took_ns, 10 * MS);
		}
	}
}

static void test_rise_fall_of_one(void **state)
{
	struct health_conf c = conf;
	struct health h;
	uint64_t now_ns;

	(void)state;
	/* 0 counts as 1. */
	for (c.rise = 0; c.rise < 2; c.rise++)
		for (c.fall = 0; c.fall < 2; c.fall++) {
			health_init(&h, &c, T0, 0);
			for (int i = 0; i < 6; i++) {
				assert_true(check(&h, &now_ns, i % 2));
				assert_int_equal(health_up(&h), i % 2);
				assert_int_equal(gap_ms(&h), i % 2 ? 5000 : 2000);
			}
		}
}

static void test_first_check_is_spread(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, &conf, T0, 40 * MS);
	assert_int_equal(health_next_ns(&h), T0 + 40 * MS);
	assert_false(health_start(&h, T0 + 40 * MS - 1));
	assert_true(health_start(&h, T0 + 40 * MS));
	assert_false(health_start(&h, T0 + 40 * MS)); /* one is running */
	assert_false(health_start(&h, T0 + 9000 * MS));
}

static void test_foreign_results(void **state)
{
	struct health h;
	uint32_t seq;

	(void)state;
	health_init(&h, &conf, T0, 0);
	assert_false(health_result(&h, h.seq, HOKM_R_CHECK_OK, T0)); /* none is running */
	assert_true(health_start(&h, T0));
	seq = h.seq;
	assert_false(health_result(&h, seq - 1, HOKM_R_CHECK_OK, T0 + 1));
	assert_false(health_result(&h, seq + 1, HOKM_R_CHECK_OK, T0 + 1));
	assert_true(h.running);
	assert_false(h.known);
	assert_true(health_result(&h, seq, HOKM_R_CHECK_TIMEOUT, T0 + 2));
	assert_int_equal(h.reason, HOKM_R_CHECK_TIMEOUT);
	assert_false(health_result(&h, seq, HOKM_R_CHECK_OK, T0 + 3)); /* a second time */
	assert_false(health_up(&h));
}

/* Without a result, a check has failed when its timeout and two seconds are over. */
static void test_lost_result(void **state)
{
	uint64_t now_ns = T0;
	struct health h;
	uint32_t seq;

	(void)state;
	health_init(&h, &conf, T0, 0);
	check(&h, &now_ns, true);
	assert_true(health_start(&h, health_next_ns(&h)));
	for (int lost = 1; lost <= 3; lost++) {
		seq = h.seq;
		now_ns = h.started_ns + 12000 * MS;
		assert_int_equal(health_next_ns(&h), now_ns);
		assert_false(health_start(&h, now_ns - 1));
		assert_int_equal(h.seq, seq);
		/* It counts as failed, and the next check starts in the same call. */
		assert_true(health_start(&h, now_ns));
		assert_int_equal(h.seq, seq + 1);
		assert_int_equal(h.reason, HOKM_R_CHECK_AGENT);
		assert_int_equal(health_up(&h), lost < 3);
		/* Its late result is ignored: it is not that of the running check. */
		assert_false(health_result(&h, seq, HOKM_R_CHECK_OK, now_ns));
		assert_true(h.running);
	}
	assert_int_equal(h.changed_ns, now_ns);
}

/* A check that the agent lost does not count, unless there was no result for too long. */
static void test_lost_by_the_agent(void **state)
{
	struct health h;
	uint64_t now = T0, last;

	(void)state;
	health_init(&h, &conf, T0, 0);
	assert_false(health_lost(&h, now)); /* none was running */
	check(&h, &now, true);
	last = now;
	now = health_next_ns(&h);
	for (int i = 0; i < 5; i++) {
		assert_true(health_start(&h, now));
		assert_false(health_lost(&h, now));
		assert_false(h.running);
		assert_int_equal(h.value, 4);
		assert_int_equal(health_next_ns(&h), now + conf.fastinter_ns);
		now = health_next_ns(&h);
	}
	/* It counts as failed interval + timeout + 2 s after the last result. */
	now = last + conf.interval_ns + conf.timeout_ns + 2000 * MS;
	assert_true(health_start(&h, now - 1));
	assert_false(health_lost(&h, now - 1));
	assert_int_equal(h.value, 4);
	h.next_ns = now;
	assert_true(health_start(&h, now));
	assert_false(health_lost(&h, now));
	assert_int_equal(h.value, 3);
	assert_int_equal(h.reason, HOKM_R_CHECK_AGENT);
}

/* After a check that took longer than its interval, one check starts at once. */
static void test_slow_check(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, &conf, T0, 0);
	assert_true(health_start(&h, T0));
	health_result(&h, h.seq, HOKM_R_CHECK_OK, T0 + 9000 * MS);
	assert_int_equal(health_next_ns(&h), T0 + 9000 * MS);
	assert_int_equal(h.took_ns, 9000 * MS);
}

static void test_hurry(void **state)
{
	uint64_t now_ns = T0;
	struct health h;
	uint32_t seq;

	(void)state;
	health_init(&h, &conf, T0, 0);
	check(&h, &now_ns, true);
	now_ns += 100 * MS;
	health_hurry(&h, now_ns);
	assert_int_equal(health_next_ns(&h), now_ns);
	assert_true(health_start(&h, now_ns));
	seq = h.seq;
	health_result(&h, seq, HOKM_R_CHECK_OK, now_ns + MS);

	/* Once in fastinter. */
	health_hurry(&h, now_ns + 999 * MS);
	assert_int_equal(health_next_ns(&h), now_ns + 5000 * MS);
	now_ns += 1000 * MS;
	health_hurry(&h, now_ns);
	assert_int_equal(health_next_ns(&h), now_ns);

	/* While a check runs: it continues, and another one follows. */
	assert_true(health_start(&h, now_ns));
	seq = h.seq;
	now_ns += 1000 * MS;
	health_hurry(&h, now_ns);
	assert_true(h.running);
	assert_int_equal(h.seq, seq);
	health_result(&h, seq, HOKM_R_CHECK_OK, now_ns + MS);
	assert_int_equal(health_next_ns(&h), now_ns + MS);
	assert_true(health_start(&h, now_ns + MS));
	health_result(&h, h.seq, HOKM_R_CHECK_OK, now_ns + 2 * MS);
	assert_int_equal(health_next_ns(&h), now_ns + 5001 * MS);

	/* A hurry never delays a check. */
	health_hurry(&h, health_next_ns(&h) + 5 * MS);
	assert_int_equal(health_next_ns(&h), now_ns + 5001 * MS);
}

/* A check of a doubt has one attempt, and counts when it is good. */
static void test_doubt(void **state)
{
	uint64_t now_ns = T0;
	struct health h;

	(void)state;
	health_init(&h, &conf, T0, 0);
	check(&h, &now_ns, true);
	now_ns += 100 * MS;
	health_doubt(&h, now_ns);
	assert_int_equal(health_next_ns(&h), now_ns);
	assert_true(health_start(&h, now_ns));
	assert_true(health_single(&h));
	assert_int_equal(health_timeout_ns(&h), conf.timeout_ns);
	assert_false(health_result(&h, h.seq, HOKM_R_CHECK_REFUSED, now_ns + MS));
	assert_int_equal(h.value, 4);
	assert_int_equal(h.reason, HOKM_R_CHECK_REFUSED);
	assert_int_equal(health_next_ns(&h), now_ns + MS);

	/* It is repeated at once. The check after that has its attempts and counts. */
	for (int i = 0; i < 2; i++) {
		now_ns += MS;
		health_doubt(&h, now_ns);
		assert_true(health_start(&h, now_ns));
		assert_int_equal(health_single(&h), i == 0);
		if (i == 0)
			health_result(&h, h.seq, HOKM_R_CHECK_REFUSED, now_ns + MS);
		assert_int_equal(h.value, 4);
	}
	health_result(&h, h.seq, HOKM_R_CHECK_REFUSED, now_ns + MS);
	assert_int_equal(h.value, 3);

	/* Once in fastinter, a hurry or a doubt. */
	check(&h, &now_ns, true);
	assert_int_equal(h.value, 4);
	now_ns += 1500 * MS;
	health_hurry(&h, now_ns);
	health_doubt(&h, now_ns + 999 * MS);
	assert_true(health_start(&h, now_ns + 999 * MS));
	assert_false(health_single(&h));
	health_result(&h, h.seq, HOKM_R_CHECK_OK, now_ns + 999 * MS);
}

/* A doubt while a check runs: whatever that one finds counts, and a failure ends the doubt. */
static void test_doubt_behind_a_check(void **state)
{
	static const enum hokm_reason found[] = {HOKM_R_CHECK_OK, HOKM_R_CHECK_TIMEOUT};
	struct health h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t now_ns = T0;

		health_init(&h, &conf, T0, 0);
		check(&h, &now_ns, true);
		now_ns = health_next_ns(&h);
		assert_true(health_start(&h, now_ns));
		health_doubt(&h, now_ns);
		assert_false(health_single(&h));
		health_result(&h, h.seq, found[i], now_ns + MS);
		assert_int_equal(h.value, 4 - i);
		assert_true(health_start(&h, now_ns + MS));
		assert_int_equal(health_single(&h), found[i] == HOKM_R_CHECK_OK);
	}
	/* An alert takes its place: its check counts. */
	health_init(&h, &conf, T0, 0);
	assert_true(health_start(&h, T0));
	health_result(&h, h.seq, HOKM_R_CHECK_OK, T0);
	health_doubt(&h, T0 + MS);
	health_alert(&h, true, T0 + MS);
	assert_true(health_start(&h, T0 + MS));
	health_result(&h, h.seq, HOKM_R_CHECK_REFUSED, T0 + 2 * MS);
	assert_int_equal(h.value, 3);
}

/*
 * A client comes back every fastinter and is turned away, and a check takes five times as long. The
 * checks leave room between them, more and more of it.
 */
static void test_doubts_are_spaced(void **state)
{
	const struct health_conf slow = {
		.rise = 2,
		.fall = 3,
		.interval_ns = 60000 * MS,
		.fastinter_ns = 1000 * MS,
		.downinter_ns = 2000 * MS,
		.timeout_ns = 10000 * MS,
	};
	uint64_t now_ns = T0, end_ns = 0;
	unsigned int n = 0, doubts = 0;
	struct health h;

	(void)state;
	health_init(&h, &slow, T0, 0);
	check(&h, &now_ns, true);
	for (; now_ns < T0 + 600000 * MS; now_ns += 1000 * MS) {
		health_doubt(&h, now_ns);
		if (h.running && now_ns >= h.started_ns + 5000 * MS) {
			health_result(&h, h.seq, HOKM_R_CHECK_OK, now_ns);
			end_ns = now_ns;
		}
		if (!health_start(&h, now_ns))
			continue;
		assert_true(now_ns >= end_ns + slow.fastinter_ns);
		n++;
		doubts += health_single(&h);
	}
	assert_in_range(n, 10, 18);
	assert_int_equal(doubts, n);
	/* Nobody was turned away for a while: a doubt is checked at once. */
	while (h.running || now_ns < h.doubt_from_ns + 60000 * MS) {
		if (!h.running)
			now_ns = health_next_ns(&h);
		(void)health_start(&h, now_ns);
		health_result(&h, h.seq, HOKM_R_CHECK_OK, now_ns);
	}
	health_doubt(&h, now_ns);
	assert_true(health_start(&h, now_ns));
	health_result(&h, h.seq, HOKM_R_CHECK_OK, now_ns + 500 * MS);
	health_doubt(&h, now_ns + 1100 * MS);
	assert_int_equal(health_next_ns(&h), now_ns + 1500 * MS);
	now_ns += 1500 * MS;
	for (int i = 0; i < 3; i++) {
		health_doubt(&h, now_ns);
		assert_int_equal(health_next_ns(&h), now_ns);
		assert_true(health_start(&h, now_ns));
		assert_int_equal(health_single(&h), i != 2);
		health_result(&h, h.seq, HOKM_R_CHECK_REFUSED, now_ns);
	}
}

static void test_reconf(void **state)
{
	struct health_conf c = conf;
	uint64_t now_ns = T0;
	struct health h;

	(void)state;
	health_init(&h, &conf, T0, 0);
	check(&h, &now_ns, true);
	check(&h, &now_ns, false);
	assert_int_equal(h.value, 3);
	/*
	 * Same thresholds: the counter stays. A shorter interval applies at once, a longer one
	 * later.
	 */
	c.fastinter_ns = 200 * MS;
	health_reconf(&h, &c, now_ns);
	assert_int_equal(h.value, 3);
	assert_int_equal(health_next_ns(&h), now_ns + 200 * MS);
	health_reconf(&h, &conf, now_ns);
	assert_int_equal(health_next_ns(&h), now_ns + 200 * MS);
	/* Other thresholds: the state stays, and the counter starts again. */
	c.rise = 5;
	c.fall = 7;
	health_reconf(&h, &c, now_ns);
	assert_true(health_up(&h));
	assert_int_equal(h.value, 11);
	for (int i = 0; i < 7; i++)
		assert_int_equal(check(&h, &now_ns, false), i == 6);
	c.rise = 1;
	health_reconf(&h, &c, now_ns);
	assert_false(health_up(&h));
	assert_int_equal(h.value, 0);
	/* Before the first result the state is unknown, and a running check continues. */
	health_init(&h, &conf, T0, 0);
	assert_true(health_start(&h, T0));
	health_reconf(&h, &c, T0);
	assert_true(h.running);
	assert_false(health_up(&h));
	assert_true(health_result(&h, h.seq, HOKM_R_CHECK_OK, T0 + MS));
	assert_true(health_up(&h));
}

/* On alert: a check at once, then every fastinter, and with a short timeout. */
static void test_alert(void **state)
{
	struct health_conf c = conf;
	uint64_t now_ns = T0;
	struct health h;

	(void)state;
	c.alert_timeout_ns = 300 * MS;
	health_init(&h, &c, T0, 0);
	check(&h, &now_ns, true);
	assert_int_equal(health_timeout_ns(&h), 10000 * MS);
	now_ns += 100 * MS;
	health_alert(&h, true, now_ns);
	assert_true(h.alert);
	assert_int_equal(health_timeout_ns(&h), 300 * MS);
	assert_int_equal(health_next_ns(&h), now_ns);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(check(&h, &now_ns, i < 2 || i > 7), i == 4 || i == 9);
		assert_int_equal(gap_ms(&h), 1000);
	}
	/* The state follows the counter as before. */
	assert_true(health_up(&h));
	assert_int_equal(h.value, 4);
	/* The alert is set again: no extra check. */
	health_alert(&h, true, now_ns);
	assert_int_equal(gap_ms(&h), 1000);
	/* New settings do not end the alert. */
	health_reconf(&h, &c, now_ns);
	assert_int_equal(health_timeout_ns(&h), 300 * MS);
	/* At the end: the next check comes as planned, then the usual intervals apply. */
	health_alert(&h, false, now_ns);
	assert_false(h.alert);
	assert_int_equal(gap_ms(&h), 1000);
	assert_int_equal(health_timeout_ns(&h), 10000 * MS);
	check(&h, &now_ns, true);
	assert_int_equal(gap_ms(&h), 5000);
	health_alert(&h, false, now_ns);
	assert_int_equal(gap_ms(&h), 5000);
}

/* A running check may take its long timeout: the alert abandons it, and ignores its result. */
static void test_alert_abandons_a_check(void **state)
{
	struct health_conf c = conf;
	uint64_t now_ns = T0;
	struct health h;
	uint32_t seq;

	(void)state;
	c.alert_timeout_ns = 300 * MS;
	health_init(&h, &c, T0, 0);
	check(&h, &now_ns, true);
	now_ns = health_next_ns(&h);
	assert_true(health_start(&h, now_ns));
	seq = h.seq;
	health_hurry(&h, now_ns);
	now_ns += 2000 * MS;
	health_alert(&h, true, now_ns);
	assert_false(h.running);
	assert_int_equal(h.value, 4); /* no result was counted */
	assert_int_equal(health_next_ns(&h), now_ns);
	assert_false(health_result(&h, seq, HOKM_R_CHECK_TIMEOUT, now_ns));
	assert_true(health_start(&h, now_ns));
	assert_int_equal(h.seq, seq + 1);
	assert_false(health_result(&h, seq, HOKM_R_CHECK_TIMEOUT, now_ns));
	assert_true(h.running);
	assert_int_equal(h.value, 4);
	/* The alert is set again: the new check continues; its hard limit is the short one. */
	health_alert(&h, true, now_ns);
	assert_true(h.running);
	assert_int_equal(health_next_ns(&h), now_ns + 2300 * MS);
	/* The hurry was for the abandoned check. */
	health_result(&h, h.seq, HOKM_R_CHECK_TIMEOUT, now_ns + 300 * MS);
	assert_int_equal(h.value, 3);
	assert_int_equal(health_next_ns(&h), now_ns + 1000 * MS);
	/* The end of the alert does not abandon a check. */
	now_ns += 1000 * MS;
	assert_true(health_start(&h, now_ns));
	health_alert(&h, false, now_ns);
	assert_true(h.running);
	assert_int_equal(health_next_ns(&h), now_ns + 12000 * MS);
}

/* The timeout of an alert never makes a check longer. */
static void test_alert_timeouts(void **state)
{
	static const struct {
		uint64_t timeout_ms, alert_ms, want_ms;
	} rows[] = {
		{10000, 1000, 1000},
		{10000, 0, 10000},
		{250, 1000, 250},
		{250, 250, 250},
	};
	struct health_conf c = conf;
	struct health h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c.timeout_ns = rows[i].timeout_ms * MS;
		c.alert_timeout_ns = rows[i].alert_ms * MS;
		health_init(&h, &c, T0, 40 * MS);
		assert_int_equal(health_timeout_ns(&h), c.timeout_ns);
		health_alert(&h, true, T0); /* also before the first check */
		assert_int_equal(health_timeout_ns(&h), rows[i].want_ms * MS);
		assert_true(health_start(&h, T0));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_rise_fall_of_one),
		cmocka_unit_test(test_first_check_is_spread),
		cmocka_unit_test(test_foreign_results),
		cmocka_unit_test(test_lost_result),
		cmocka_unit_test(test_lost_by_the_agent),
		cmocka_unit_test(test_slow_check),
		cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_doubt_behind_a_check),
		cmocka_unit_test(test_doubts_are_spaced),
		cmocka_unit_test(test_reconf),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_alert_abandons_a_check),
		cmocka_unit_test(test_alert_timeouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
