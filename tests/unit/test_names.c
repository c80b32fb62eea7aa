/* SPDX-License-Identifier: GPL-2.0-only */
/* Every value of every shared enum has a name of its own; a value out of range has "?". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "hokm/names.h"

typedef const char *(*name_fn)(unsigned int);

/*
 * Names are for scripts, metrics and JSON: they have lower case, digits, '-' and '_', and are
 * unique.
 */
static void check_words(name_fn fn, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const char *word = fn(i);

		assert_non_null(word);
		assert_true(*word);
		for (const char *p = word; *p; p++)
			assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) ||
				    *p == '-' || *p == '_');
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(word, fn(k));
	}
	assert_string_equal(fn(count), "?");
	assert_string_equal(fn(UINT_MAX), "?");
}

static void check_texts(name_fn fn, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		assert_non_null(fn(i));
		assert_true(strlen(fn(i)) > 3);
	}
	assert_string_equal(fn(count), "?");
}

static void words(void **state)
{
	(void)state;
	check_words(hokm_vrrp_state_name, HOKM_VRRP_STATE_COUNT);
	check_words(hokm_svc_state_name, HOKM_SVC_STATE_COUNT);
	check_words(hokm_tcp_state_name, HOKM_TCP_STATE_COUNT);
	check_words(hokm_event_kind_name, HOKM_EVENT_KIND_COUNT);
	check_words(hokm_counter_name, HOKM_CTR_COUNT);
	check_words(hokm_reason_name, HOKM_REASON_COUNT);
}

static void texts(void **state)
{
	(void)state;
	check_texts(hokm_counter_text, HOKM_CTR_COUNT);
	check_texts(hokm_reason_text, HOKM_REASON_COUNT);
}

/* The index of a counter is the place of its field. */
static void counter_places(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct hokm_counters), HOKM_CTR_COUNT * sizeof(__u64));
#define PLACE(name, text)                                                                        \
	assert_int_equal(offsetof(struct hokm_counters, name), HOKM_CTR_##name * sizeof(__u64)); \
	assert_string_equal(hokm_counter_name(HOKM_CTR_##name), #name);
	HOKM_COUNTERS(PLACE)
}

static void some_words(void **state)
{
	(void)state;
	assert_string_equal(hokm_vrrp_state_name(HOKM_VRRP_MASTER), "master");
	assert_string_equal(hokm_svc_state_name(HOKM_SVC_DRAIN), "drain");
	assert_string_equal(hokm_tcp_state_name(HOKM_TCP_SYN_ACK), "syn-ack");
	assert_string_equal(hokm_reason_name(HOKM_R_CHECK_TIMEOUT), "check-timeout");
	assert_string_equal(hokm_reason_text(HOKM_R_LEASE_LOST),
			    "the lease ran out before an advert could renew it");
}

static void kinds_from_words(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HOKM_EVENT_KIND_COUNT; i++)
		assert_int_equal(hokm_event_kind_from_name(hokm_event_kind_name(i)), (int)i);
	assert_int_equal(hokm_event_kind_from_name("?"), -1);
	assert_int_equal(hokm_event_kind_from_name(""), -1);
	assert_int_equal(hokm_event_kind_from_name("OPEN"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(texts),
		cmocka_unit_test(some_words),
		cmocka_unit_test(counter_places),
		cmocka_unit_test(kinds_from_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
