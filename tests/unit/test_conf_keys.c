/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Derived keys: stable (the values were computed with another implementation), different by label
 * and secret; service tags; addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_int.h"

static void set_secret(struct conf *c, const char *secret)
{
	memset(c, 0, sizeof(*c));
	c->secret_len = strlen(secret);
	memcpy(c->secret, secret, c->secret_len);
}

static void vectors(void **state)
{
	static const uint8_t pulse[16] = {0x2d, 0x8a, 0xe0, 0x74, 0xc5, 0x2d, 0xf6, 0x10,
					  0x3a, 0x8c, 0xed, 0xdc, 0x55, 0x6e, 0x0c, 0xfe};
	static const uint8_t repl[16] = {0x66, 0x5c, 0x95, 0x09, 0x0b, 0x6f, 0x49, 0xed,
					 0xef, 0xbe, 0xd0, 0x09, 0x87, 0xe0, 0x42, 0x48};
	static struct conf c;
	struct hokm_keys k;
	__u64 key[2];
	char password[9];
	uint8_t bytes[16];

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_pulse_key(&c, &k), 0);
	memcpy(bytes, k.pulse, sizeof(bytes)); /* little-endian words on the hosts of the tests */
	assert_memory_equal(bytes, pulse, sizeof(pulse));
	assert_int_equal(conf_repl_key(&c, key), 0);
	memcpy(bytes, key, sizeof(bytes));
	assert_memory_equal(bytes, repl, sizeof(repl));
	assert_int_equal(conf_derive_password(&c, password), 0);
	assert_string_equal(password, "gdBblvaJ");
}

static void differ(void **state)
{
	static struct conf c;
	uint8_t a[32], b[32];
	struct hokm_keys k1, k2;

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_derive(&c, "one", a, sizeof(a)), 0);
	assert_int_equal(conf_derive(&c, "two", b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(conf_derive(&c, "one", b, sizeof(b)), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(conf_pulse_key(&c, &k1), 0);
	set_secret(&c, "0123456789abcdeg");
	assert_int_equal(conf_pulse_key(&c, &k2), 0);
	assert_memory_not_equal(&k1, &k2, sizeof(k1));
}

static void refused(void **state)
{
	static struct conf c;
	char label[128];
	uint8_t out[8];

	(void)state;
	set_secret(&c, "");
	assert_int_equal(conf_derive(&c, "one", out, sizeof(out)), -EINVAL);
	set_secret(&c, "0123456789abcdef");
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	assert_int_equal(conf_derive(&c, label, out, sizeof(out)), -EINVAL);
}

static void service_tags(void **state)
{
	const struct in_addr a = {.s_addr = htonl(0xc0a80119)}, b = {.s_addr = htonl(0xc0a8011a)};

	(void)state;
	assert_int_equal(hokm_service_tag(a, 8765), hokm_service_tag(a, 8765));
	assert_int_equal(hokm_service_tag(a, 8765), 0x52db0738);
	assert_int_not_equal(hokm_service_tag(a, 8765), hokm_service_tag(a, 8766));
	assert_int_not_equal(hokm_service_tag(a, 8765), hokm_service_tag(b, 8765));
	assert_int_not_equal(hokm_service_tag(a, 8765), 0);
}

static void addresses(void **state)
{
	const struct in_addr a = {.s_addr = htonl(0xc0a80119)};
	static const uint8_t mapped[16] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 25};
	struct hokm_addr m = hokm_addr_from_ipv4(a);

	(void)state;
	assert_memory_equal(&m, mapped, sizeof(mapped));
	assert_int_equal(hokm_addr_to_ipv4(&m).s_addr, a.s_addr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),   cmocka_unit_test(differ),
		cmocka_unit_test(refused),   cmocka_unit_test(service_tags),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
