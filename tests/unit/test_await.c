/* SPDX-License-Identifier: GPL-2.0-only */
/* How often a wait for what a node needs is reported. tests/netns/test_waits.sh has the waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/await.h"

#define LOOK_NS (200 * NS_PER_MS)

/* A look each 0.2 s for an hour; every so many looks the reason is another one. Reports in all. */
static unsigned int reports(unsigned int other_each)
{
	uint64_t said_ns = 0;
	unsigned int n = 0;

	for (unsigned int i = 1; i <= 5 * 3600; i++) {
		const uint64_t now_ns = i * LOOK_NS;

		if (!await_is_due(!other_each || i % other_each, now_ns - said_ns))
			continue;
		said_ns = now_ns;
		n++;
	}
	return n;
}

static void the_same_reason_each_minute(void **state)
{
	(void)state;
	assert_int_equal(reports(0), 60);
}

/* Soon, and two that take turns at each look do not fill the log. */
static void another_reason_soon(void **state)
{
	(void)state;
	assert_true(await_is_due(false, 5 * NS_PER_S));
	assert_false(await_is_due(false, 5 * NS_PER_S - 1));
	assert_int_equal(reports(1), 720);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_reason_each_minute),
		cmocka_unit_test(another_reason_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
