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
	assert_int_equal(claims_defend(&c, true, NOW), -1);
	claims_note(&c, first, 1, NOW);
	assert_int_equal(claims_defend(&c, true, NOW), 1);
	assert_int_equal(claims_defend(&c, true, NOW), -1);
	/* A claim in between has misled clients: it is answered when the ten seconds are over. */
	for (uint64_t t = NOW; t < NOW + 10 * S; t += S / 10) {
		claims_note(&c, second, 1, t);
		assert_int_equal(claims_defend(&c, true, t), -1);
	}
	assert_int_equal(claims_defend(&c, true, NOW + 10 * S), 1);
	assert_int_equal(claims_defend(&c, true, NOW + 30 * S), -1);
}

/* A forgotten keepalived announces all of its addresses at the same moment, again and again. */
static void each_vip_is_defended_by_itself(void **state)
{
	struct claims c = {0};

	(void)state;
	for (uint64_t t = NOW; t < NOW + 30 * S; t += 10 * S) {
		claims_note(&c, first, 0, t);
		claims_note(&c, first, 2, t);
		assert_int_equal(claims_defend(&c, true, t), 0);
		assert_int_equal(claims_defend(&c, true, t), 2);
		assert_int_equal(claims_defend(&c, true, t), -1);
	}
	claims_note(&c, first, 1, NOW + 21 * S);
	claims_note(&c, first, 2, NOW + 21 * S);
	assert_int_equal(claims_defend(&c, true, NOW + 21 * S), 1);
	assert_int_equal(claims_defend(&c, true, NOW + 21 * S), -1);
	claims_note(&c, first, HOKM_MAX_VIPS, NOW + 50 * S); /* no VIP */
	assert_int_equal(claims_defend(&c, true, NOW + 50 * S), 2);
	assert_int_equal(claims_defend(&c, true, NOW + 50 * S), -1);
}

static void each_vip_is_reported(void **state)
{
	const struct claim *one;
	struct claims c = {0};

	(void)state;
	claims_note(&c, first, 0, NOW);
	claims_note(&c, first, 1, NOW);
	claims_note(&c, first, 1, NOW);
	one = claims_report(&c, NOW + S);
	assert_non_null(one);
	assert_int_equal(one->vip, 0);
	assert_int_equal(one->n, 1);
	one = claims_report(&c, NOW + S);
	assert_non_null(one);
	assert_int_equal(one->vip, 1);
	assert_int_equal(one->n, 2);
	assert_null(claims_report(&c, NOW + S));
}

static void who_does_not_own_defends_nothing(void **state)
{
	struct claims c = {0};

	(void)state;
	claims_note(&c, first, 0, NOW);
	assert_int_equal(claims_defend(&c, false, NOW), -1);
	assert_int_equal(claims_defend(&c, true, NOW + 1), -1); /* it announced itself meanwhile */
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
	claims_note(&c, first, 1, NOW);
	claims_note(&c, second, 0, NOW);
	claims_note(&c, first, 2, NOW);
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
		cmocka_unit_test(each_vip_is_defended_by_itself),
		cmocka_unit_test(each_vip_is_reported),
		cmocka_unit_test(who_does_not_own_defends_nothing),
		cmocka_unit_test(reported_after_a_second_and_each_minute),
		cmocka_unit_test(a_node_with_a_new_mac_is_forgotten),
		cmocka_unit_test(a_full_list_forgets_the_most_silent),
	};

	return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
