/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of the operator's orders: what was given is read again, anything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act/orders.h"

#define BOOT   "3f1c1c52-5a39-4a52-8d27-6d1c9a3a8f0e"
#define HEAD   "hokm-xdp orders 1\nboot " BOOT "\n"
#define NO(t_) t_, sizeof(t_) - 1

#define M                                         \
	{                                         \
		.on = true, .since_s = 1764331200 \
	}
#define D                                                                                  \
	{                                                                                  \
		.on = true, .since_s = 1764331260, .uid = 1000, .until_ns = 86400000000000 \
	}
#define S                                                   \
	{                                                   \
		.on = true, .since_s = 5, .uid = UINT32_MAX \
	}

static const struct {
	struct orders orders;
	const char *text;
} good[] = {
	{{.boot = BOOT}, HEAD "end\n"},
	{{.boot = ""}, "hokm-xdp orders 1\nboot \nend\n"},
	{{.boot = BOOT, .of = {[ORDER_MAINT] = M}}, HEAD "maint 1764331200 0\nend\n"},
	{{.boot = BOOT, .of = {[ORDER_DRAIN] = D}},
	 HEAD "drain 1764331260 1000 86400000000000\nend\n"},
	{{.boot = BOOT, .of = {[ORDER_STANDBY] = S}}, HEAD "standby 5 4294967295\nend\n"},
	{{.boot = BOOT, .of = {[ORDER_MAINT] = M, [ORDER_DRAIN] = D, [ORDER_STANDBY] = S}},
	 HEAD "maint 1764331200 0\ndrain 1764331260 1000 86400000000000\n"
	      "standby 5 4294967295\nend\n"},
};

static void what_was_ordered_is_read_again(void **state)
{
	char buf[ORDERS_TEXT_MAX];
	struct orders o;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t len = orders_print(&good[i].orders, buf);

		assert_string_equal(buf, good[i].text);
		assert_int_equal(len, strlen(good[i].text));
		assert_int_equal(orders_parse(buf, len, &o), 0);
		assert_int_equal(orders_any(&o), i > 1);
		assert_string_equal(o.boot, good[i].orders.boot);
		for (unsigned int k = 0; k < ORDER_COUNT; k++) {
			assert_int_equal(o.of[k].on, good[i].orders.of[k].on);
			assert_int_equal(o.of[k].since_s, good[i].orders.of[k].since_s);
			assert_int_equal(o.of[k].uid, good[i].orders.of[k].uid);
			assert_int_equal(o.of[k].until_ns, good[i].orders.of[k].until_ns);
		}
	}
}

static void the_longest_text_fits(void **state)
{
	struct orders o = {.boot = BOOT}, again;
	char buf[ORDERS_TEXT_MAX];
	size_t len;

	(void)state;
	for (unsigned int k = 0; k < ORDER_COUNT; k++) {
		o.of[k] = (struct order){.on = true, .since_s = UINT64_MAX, .uid = UINT32_MAX};
		o.of[k].until_ns = k == ORDER_DRAIN ? UINT64_MAX : 0;
	}
	len = orders_print(&o, buf);
	assert_true(len < ORDERS_TEXT_MAX && len == strlen(buf));
	assert_int_equal(orders_parse(buf, len, &again), 0);
}

static void damaged_text_is_no_order(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		{NO("")},
		{NO("end\n")},
		{NO("\n")},
		{NO(HEAD)},
		{NO(HEAD "maint 1 0\n")},
		{NO(HEAD "maint 1 0\nend")},
		{NO(HEAD "maint 1 0\nend\n\n")},
		{NO(HEAD "maint 1 0\nend\nend\n")},
		{NO(HEAD "\nmaint 1 0\nend\n")},
		{NO(HEAD "maint 1\nend\n")},
		{NO(HEAD "maint\nend\n")},
		{NO(HEAD "maint 1 0 0\nend\n")},
		{NO(HEAD "maint 01 0\nend\n")},
		{NO(HEAD "maint -1 0\nend\n")},
		{NO(HEAD "maint +1 0\nend\n")},
		{NO(HEAD "maint  1 0\nend\n")},
		{NO(HEAD "maint 1 4294967296\nend\n")},
		{NO(HEAD "maint 18446744073709551616 0\nend\n")},
		{NO(HEAD "maint 1 0\r\nend\n")},
		{NO(HEAD "maint 1 0\0\nend\n")},
		{NO(HEAD "maint 1 0\nmaint 2 0\nend\n")},
		{NO(HEAD "standby 1 0\nmaint 1 0\nend\n")},
		{NO(HEAD "maintenance 1 0\nend\n")},
		{NO(HEAD "drain 1 0\nend\n")},
		{NO(HEAD "reboot 1 0\nend\n")},
		{NO("hokm-xdp orders 2\nboot " BOOT "\nmaint 1 0\nend\n")},
		{NO("hokm-xdp orders 1\nmaint 1 0\nend\n")},
		{NO("hokm-xdp orders 1\nboot " BOOT "0\nmaint 1 0\nend\n")},
	};
	struct orders o;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (orders_parse(bad[i].text, bad[i].len, &o) != -EINVAL)
			fail_msg("row %zu was accepted", i);
		assert_false(orders_any(&o));
	}
}

/* A file that was cut off at any byte, or with any byte changed, gives no order or the same. */
static void no_single_damage_makes_another_order(void **state)
{
	char buf[ORDERS_TEXT_MAX], bad[ORDERS_TEXT_MAX + 1] = "";
	size_t last = sizeof(good) / sizeof(good[0]) - 1;
	size_t len = orders_print(&good[last].orders, buf);
	struct orders o;

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(orders_parse(buf, cut, &o), -EINVAL);
	for (size_t at = 0; at < len; at++)
		for (unsigned int value = 0; value < 256; value++) {
			memcpy(bad, buf, len + 1);
			bad[at] = (char)value;
			if (orders_parse(bad, len, &o))
				assert_false(orders_any(&o));
			else
				assert_true(orders_any(&o));
		}
	memset(bad, 'x', sizeof(bad));
	assert_int_equal(orders_parse(bad, sizeof(bad), &o), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_ordered_is_read_again),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(damaged_text_is_no_order),
		cmocka_unit_test(no_single_damage_makes_another_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
