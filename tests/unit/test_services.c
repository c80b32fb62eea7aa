/* SPDX-License-Identifier: GPL-2.0-only */
/* A reload of services: each check goes on with its own health, wherever the file has it now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/services.h"

#define T0  (1000 * NS_PER_S)
#define NOW (T0 + 100 * NS_PER_S)

/* A check is a letter: w websocket, h http, H http with another path, t tcp. */
static struct conf_check check_of(char letter)
{
	struct conf_check c = {
		.kind = letter == 'w'   ? CHECK_WEBSOCKET
			: letter == 't' ? CHECK_TCP
					: CHECK_HTTP,
		.interval_ns = 5 * NS_PER_S,
		.fastinter_ns = NS_PER_S,
		.downinter_ns = NS_PER_S,
		.timeout_ns = NS_PER_S,
		.rise = 2,
		.fall = 3,
	};

	snprintf(c.path, sizeof(c.path), "%s", letter == 'H' ? "/other" : "/health");
	return c;
}

/* One service for each word of `checks`, such as "wh t". */
static unsigned int conf_of(const char *checks, struct conf_service *list)
{
	unsigned int n = 0;

	memset(list, 0, HOKM_MAX_SERVICES * sizeof(*list));
	for (const char *p = checks; *p; p++) {
		if (*p == ' ') {
			n++;
			continue;
		}
		list[n].checks[list[n].n_checks++] = check_of(*p);
	}
	return n + 1;
}

/* Tags are counted from `tag` on. */
static void begin(struct services *s, const char *checks, struct conf_service *list, uint32_t tag,
		  uint64_t now_ns)
{
	static const struct observe_conf off;

	memset(s, 0, sizeof(*s));
	s->n = conf_of(checks, list);
	for (unsigned int i = 0; i < s->n; i++) {
		s->list[i].conf = &list[i];
		s->list[i].tag = tag + i;
	}
	services_init_checks(s, &off, now_ns);
}

/* The check has this result, and is running again when `runs`. Its number is returned. */
static uint32_t result(struct service_check *c, bool up, bool runs)
{
	enum hokm_reason reason = up ? HOKM_R_CHECK_OK : HOKM_R_CHECK_STATUS;

	assert_true(health_start(&c->health, T0 + NS_PER_S));
	health_result(&c->health, c->health.seq, reason, T0 + NS_PER_S);
	snprintf(c->detail, sizeof(c->detail), "%s", up ? "well" : "bad");
	if (runs)
		assert_true(health_start(&c->health, T0 + 90 * NS_PER_S));
	return c->health.seq;
}

static struct services old_s, new_s;
static struct conf_service old_c[HOKM_MAX_SERVICES], new_c[HOKM_MAX_SERVICES];

static void reload(const char *checks, uint32_t tag)
{
	static const struct observe_conf off;

	begin(&new_s, checks, new_c, tag, NOW);
	services_carry_over(&new_s, &old_s, &off, NOW);
}

/* Each letter of a word is the health of one check: U up, D down, ? unknown. */
static void expect(const char *words)
{
	unsigned int s = 0, i = 0;

	for (const char *p = words; *p; p++) {
		const struct health *h = &new_s.list[s].checks[i++].health;

		if (*p == ' ') {
			s++;
			i = 0;
			continue;
		}
		if ((!h->known ? '?' : health_up(h) ? 'U' : 'D') != *p)
			fail_msg("%s: check %u of service %u is another", words, i - 1, s);
	}
}

static void a_check_keeps_its_own_health(void **state)
{
	static const struct {
		const char *before, *after, *health; /* before: the first is UP, the others DOWN */
	} rows[] = {
		{"wh", "wh", "UD"}, {"wh", "hw", "DU"},   {"wht", "twh", "DUD"}, {"hH", "Hh", "DU"},
		{"wh", "h", "D"},   {"wh", "twh", "?UD"}, {"wh", "wht", "UD?"},  {"wh", "wt", "U?"},
		{"wh", "Hw", "DU"}, {"hw", "Hw", "UD"},   {"hH", "H", "D"},      {"w", "hw", "?U"},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		begin(&old_s, rows[r].before, old_c, 1, T0);
		for (unsigned int i = 0; i < old_c[0].n_checks; i++)
			result(&old_s.list[0].checks[i], i == 0, false);
		reload(rows[r].after, 1);
		expect(rows[r].health);
		for (unsigned int i = 0; i < new_c[0].n_checks; i++) {
			const struct service_check *c = &new_s.list[0].checks[i];

			assert_string_equal(c->detail, !c->health.known        ? ""
						       : health_up(&c->health) ? "well"
									       : "bad");
		}
	}
}

/* A reply names place and number: none may count for a check that came to the place later. */
static void a_reply_counts_for_no_other_check(void **state)
{
	uint32_t seq[2];

	(void)state;
	begin(&old_s, "wh", old_c, 1, T0);
	for (unsigned int i = 0; i < 2; i++)
		seq[i] = result(&old_s.list[0].checks[i], true, true);
	reload("hw", 1);
	for (unsigned int i = 0; i < 2; i++) {
		struct health *h = &new_s.list[0].checks[i].health;

		/* It begins again at once, under a number that no reply on its way has. */
		assert_true(health_start(h, NOW));
		assert_int_not_equal(h->seq, seq[0]);
		assert_int_not_equal(h->seq, seq[1]);
	}
	/* A check that stays where it is goes on waiting for its reply. */
	reload("wh", 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(new_s.list[0].checks[i].health.running);
		assert_int_equal(new_s.list[0].checks[i].health.seq, seq[i]);
	}
}

/* The first service is gone: the replies to the others name places that are others' now. */
static void a_service_that_moves_loses_no_reply(void **state)
{
	uint32_t seq;

	(void)state;
	begin(&old_s, "w w", old_c, 1, T0);
	seq = result(&old_s.list[1].checks[0], true, true);
	reload("w", 2);
	expect("U");
	assert_true(health_start(&new_s.list[0].checks[0].health, NOW));
	assert_int_not_equal(new_s.list[0].checks[0].health.seq, seq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_check_keeps_its_own_health),
		cmocka_unit_test(a_reply_counts_for_no_other_check),
		cmocka_unit_test(a_service_that_moves_loses_no_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
