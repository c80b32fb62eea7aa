/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults are reported once for each sender, and a flood of senders does not flood the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "decide/senders.h"

#define SECOND 1000000000ULL
#define START  (1000 * SECOND)

static struct in_addr host(uint32_t n)
{
	return (struct in_addr){.s_addr = htonl(0x0a000000U + n)};
}

static void once_for_each_sender_and_fault(void **state)
{
	struct senders s = {0};

	(void)state;
	assert_true(senders_report(&s, host(1), 7, START));
	assert_false(senders_report(&s, host(1), 7, START + 1));
	assert_false(senders_report(&s, host(1), 7, START + 86400 * SECOND));
	assert_true(senders_report(&s, host(1), 8, START + 86401 * SECOND));
	assert_true(senders_report(&s, host(2), 7, START + 86402 * SECOND));
	assert_false(senders_report(&s, host(2), 7, START + 86403 * SECOND));
}

static void flood_of_senders_is_bounded(void **state)
{
	struct senders s = {0};
	unsigned int n = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++)
		n += senders_report(&s, host(i), 7, START + i * SECOND / 10000);
	assert_int_equal(n, SENDERS_BURST);
	/* A minute later others are reported. */
	assert_true(senders_report(&s, host(200000), 7, START + 61 * SECOND));
	assert_false(senders_report(&s, host(0), 7, START + 61 * SECOND));
}

/* The oldest of a full list is forgotten, and only that one. */
static void full_list_forgets_the_oldest(void **state)
{
	struct senders s = {0};
	uint64_t now_ns = START;

	(void)state;
	for (uint32_t i = 0; i <= SENDERS_KEPT; i++, now_ns += 60 * SECOND)
		assert_true(senders_report(&s, host(i), 7, now_ns));
	assert_false(senders_report(&s, host(1), 7, now_ns));
	assert_true(senders_report(&s, host(0), 7, now_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_for_each_sender_and_fault),
		cmocka_unit_test(flood_of_senders_is_bounded),
		cmocka_unit_test(full_list_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
