/* SPDX-License-Identifier: GPL-2.0-only */
/* Foreign claims of a VIP: when the owner answers them, and when they are reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "decide/claims.h"

#define S   1000000000ULL
#define NOW (1000 * S)

static const uint8_t first[6] = {2, 0, 0, 0, 0, 1}, second[6] = {2, 0, 0, 0, 0, 2};

static void one_announcement_in_ten_seconds(void **state)
{
	struct claims c = {0};

	(void)state;
	assert_false(claims_defend(&c, true, NOW));
	claims_note(&c, first, 1, NOW);
	assert_true(claims_defend(&c, true, NOW));
	assert_int_equal(c.vip, 1);
	assert_false(claims_defend(&c, true, NOW));
	/* A claim in between has misled clients: it is answered when the ten seconds are over. */
	for (uint64_t t = NOW; t < NOW + 10 * S; t += S / 10) {
		claims_note(&c, second, 0, t);
		assert_false(claims_defend(&c, true, t));
	}
	assert_true(claims_defend(&c, true, NOW + 10 * S));
	assert_false(claims_defend(&c, true, NOW + 30 * S));
}

static void who_does_not_own_defends_nothing(void **state)
{
	struct claims c = {0};

	(void)state;
	claims_note(&c, first, 0, NOW);
	assert_false(claims_defend(&c, false, NOW));
	assert_false(claims_defend(&c, true, NOW + 1)); /* it announced itself meanwhile */
}

static void reported_after_a_second_and_each_minute(void **state)
{
	const struct claim *one;
	struct claims c = {0};

	(void)state;
	claims_note(&c, first, 1, NOW);
	assert_null(claims_report(&c, NOW + S - 1));
	claims_note(&c, first, 1, NOW + S / 2);
	one = claims_report(&c, NOW + S);
	assert_non_null(one);
	assert_memory_equal(one->mac, first, 6);
	assert_int_equal(one->n, 2);
	assert_int_equal(one->vip, 1);
	assert_null(claims_report(&c, NOW + S));
	assert_null(claims_report(&c, NOW + 120 * S)); /* it has stopped */
	claims_note(&c, first, 1, NOW + 30 * S);
	assert_null(claims_report(&c, NOW + 60 * S));
	assert_non_null(claims_report(&c, NOW + 61 * S));
}

static void a_node_with_a_new_mac_is_forgotten(void **state)
{
	struct claims c = {0};

	(void)state;
	claims_note(&c, first, 0, NOW);
	claims_note(&c, second, 0, NOW);
	claims_forget(&c, first);
	claims_forget(&c, first);
	assert_int_equal(c.n, 1);
	assert_memory_equal(claims_report(&c, NOW + S)->mac, second, 6);
	assert_null(claims_report(&c, NOW + S));
}

static void a_full_list_forgets_the_most_silent(void **state)
{
	struct claims c = {0};
	uint8_t mac[6] = {2, 0, 0, 0, 1, 0};

	(void)state;
	claims_note(&c, first, 0, NOW);
	for (unsigned int i = 0; i < CLAIMS_KEPT; i++) {
		mac[5] = (uint8_t)i;
		claims_note(&c, mac, 0, NOW + i + 1);
	}
	assert_int_equal(c.n, CLAIMS_KEPT);
	for (unsigned int i = 0; i < CLAIMS_KEPT; i++)
		assert_memory_not_equal(c.list[i].mac, first, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_announcement_in_ten_seconds),
		cmocka_unit_test(who_does_not_own_defends_nothing),
		cmocka_unit_test(reported_after_a_second_and_each_minute),
		cmocka_unit_test(a_node_with_a_new_mac_is_forgotten),
		cmocka_unit_test(a_full_list_forgets_the_most_silent),
	};

	return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
