/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications about a DNS record (decide/notify.h): a trouble of the record is a problem, which
 * is repeated while it is critical, and whose end is reported. A and AAAA are apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/notify_text.h"
#include "base/clock.h"

#define NOON     (12 * 60)
#define S(n)     ((uint64_t)(n)*NS_PER_S)
#define START    S(100000)
#define REPEAT_S 1800

#define NAME      "game.example.com"
#define CONTESTED NAME " A: the record has 203.0.113.27, another node's address"
#define CHANGED   NAME " A: 203.0.113.26 is replaced by 203.0.113.27"
#define FAILED    NAME " A: Cloudflare answered GET with HTTP 500: no words"
#define LEFT      NAME " A: this node does not write it any more"

static struct notify_state state;
static struct notify_conf conf;

static int reset(void **unused)
{
	(void)unused;
	memset(&state, 0, sizeof(state));
	conf = (struct notify_conf){.least = NOTIFY_WARNING,
				    .kinds = ~0u,
				    .per_hour = 60,
				    .recovery = true,
				    .repeat_ns = S(REPEAT_S)};
	return 0;
}

static void take(enum hokm_reason reason, const char *text, uint64_t at_s)
{
	struct notify_event e;

	assert_true(notify_event_from("dns", reason, text, &e));
	assert_int_equal(e.kind, NOTIFY_K_DNS);
	notify_take(&state, &conf, &e, START + S(at_s));
}

/* How many events the message of that moment has; they are in state.out. 0: there is none. */
static unsigned int message(uint64_t at_s)
{
	unsigned int n = 0;

	if (notify_due(&state, &conf, START + S(at_s), NOON, true))
		n = state.n_out;
	if (n)
		notify_sent(&state);
	return n;
}

static void says(enum notify_mark mark, enum notify_severity severity, const char *text)
{
	assert_int_equal(state.out[0].mark, mark);
	assert_int_equal(state.out[0].event.severity, severity);
	assert_string_equal(state.out[0].event.text, text);
}

static void a_contested_record_is_repeated_until_it_is_right(void **unused)
{
	(void)unused;
	take(HOKM_R_DNS_CONTESTED, CONTESTED, 0);
	assert_int_equal(message(1), 1);
	says(NOTIFY_NEWS, NOTIFY_CRITICAL, CONTESTED);
	assert_int_equal(message(REPEAT_S - 1), 0);
	assert_int_equal(message(REPEAT_S + 1), 1);
	says(NOTIFY_STILL, NOTIFY_CRITICAL, CONTESTED);
	take(HOKM_R_DNS_CHANGED, CHANGED, 2000);
	assert_int_equal(message(2001), 1);
	says(NOTIFY_OVER, NOTIFY_CRITICAL, CHANGED);
	assert_int_equal(message(20000), 0);
}

static void a_node_that_left_the_record_reminds_of_nothing(void **unused)
{
	(void)unused;
	take(HOKM_R_DNS_REFUSED, NAME " A: the record does not exist", 0);
	assert_int_equal(message(1), 1);
	take(HOKM_R_DNS_LEFT, LEFT, 60);
	assert_int_equal(message(61), 1);
	says(NOTIFY_OVER, NOTIFY_CRITICAL, LEFT);
	assert_int_equal(message(20000), 0);
	/* It had no trouble. */
	take(HOKM_R_DNS_LEFT, LEFT, 20001);
	assert_int_equal(message(20002), 0);
}

static void a_change_is_news_only_for_who_wants_that(void **unused)
{
	(void)unused;
	take(HOKM_R_DNS_CHANGED, CHANGED, 0);
	assert_int_equal(message(1), 0);
	conf.least = NOTIFY_INFO;
	take(HOKM_R_DNS_CHANGED, CHANGED, 10);
	assert_int_equal(message(11), 1);
	says(NOTIFY_NEWS, NOTIFY_INFO, CHANGED);
	/* It is one message when it ends a problem, too. */
	take(HOKM_R_DNS_FAILED, FAILED, 20);
	assert_int_equal(message(21), 1);
	take(HOKM_R_DNS_CHANGED, CHANGED, 30);
	assert_int_equal(message(31), 1);
	says(NOTIFY_OVER, NOTIFY_WARNING, CHANGED);
	/* Who wants no end of a problem wants the change. */
	conf.recovery = false;
	take(HOKM_R_DNS_FAILED, FAILED, 40);
	assert_int_equal(message(41), 1);
	take(HOKM_R_DNS_CHANGED, CHANGED, 50);
	assert_int_equal(message(51), 1);
	says(NOTIFY_NEWS, NOTIFY_INFO, CHANGED);
}

/* That the provider does not answer says nothing about who wrote the record. */
static void a_failure_ends_no_contest(void **unused)
{
	(void)unused;
	conf.least = NOTIFY_CRITICAL;
	take(HOKM_R_DNS_CONTESTED, CONTESTED, 0);
	assert_int_equal(message(1), 1);
	take(HOKM_R_DNS_FAILED, FAILED, 10);
	assert_int_equal(message(11), 0);
	assert_int_equal(message(REPEAT_S + 1), 1);
	says(NOTIFY_STILL, NOTIFY_CRITICAL, CONTESTED);
	conf.least = NOTIFY_WARNING;
	take(HOKM_R_DNS_FAILED, FAILED, REPEAT_S + 10);
	assert_int_equal(message(REPEAT_S + 11), 0);
	/* The other way round it is more severe, and so it is news. */
	reset(NULL);
	take(HOKM_R_DNS_FAILED, FAILED, 0);
	assert_int_equal(message(1), 1);
	take(HOKM_R_DNS_CONTESTED, CONTESTED, 10);
	assert_int_equal(message(11), 1);
	says(NOTIFY_NEWS, NOTIFY_CRITICAL, CONTESTED);
}

static void the_types_of_a_record_and_the_view_of_a_monitor_are_apart(void **unused)
{
	(void)unused;
	take(HOKM_R_DNS_BLIND, "the DNS monitor sees no node that is healthy: it is left", 0);
	take(HOKM_R_DNS_REFUSED, NAME " A: the record does not exist", 0);
	take(HOKM_R_DNS_REFUSED, NAME " AAAA: the record does not exist", 0);
	assert_int_equal(message(1), 3);
	take(HOKM_R_DNS_CHANGED, NAME " AAAA: 2001:db8::26 is replaced by 2001:db8::27", 10);
	assert_int_equal(message(11), 1);
	assert_string_equal(state.out[0].event.subject, "AAAA");
	assert_int_equal(message(REPEAT_S + 1), 2);
	assert_string_equal(state.out[0].event.subject, "");
	assert_string_equal(state.out[1].event.subject, "A");
}

static void the_message_names_the_record(void **unused)
{
	static const struct notify_who who = {"primary", "hokm", "192.168.1.25"};
	static char body[NOTIFY_BODY_MAX];
	struct notify_message m = {.who = &who, .items = state.out, .n = 1};
	char title[NOTIFY_TITLE_MAX];

	(void)unused;
	take(HOKM_R_DNS_CONTESTED, CONTESTED, 0);
	assert_int_equal(message(1), 1);
	assert_string_equal(notify_title(&m, title, sizeof(title)),
			    "[critical] hokm primary: " CONTESTED);
	assert_non_null(strstr(notify_body(&m, body, sizeof(body)), "why:     " CONTESTED));
	assert_non_null(strstr(body, "to do:   See which node owns"));
	assert_int_equal(message(REPEAT_S + 1), 1);
	assert_string_equal(notify_title(&m, title, sizeof(title)),
			    "[critical] hokm primary: still " CONTESTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_contested_record_is_repeated_until_it_is_right, reset),
		cmocka_unit_test_setup(a_node_that_left_the_record_reminds_of_nothing, reset),
		cmocka_unit_test_setup(a_change_is_news_only_for_who_wants_that, reset),
		cmocka_unit_test_setup(a_failure_ends_no_contest, reset),
		cmocka_unit_test_setup(the_types_of_a_record_and_the_view_of_a_monitor_are_apart,
				       reset),
		cmocka_unit_test_setup(the_message_names_the_record, reset),
	};

	return cmocka_run_group_tests_name("notify_dns", tests, NULL, NULL);
}
