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
#include "decide/repl.h"

static void set_secret(struct conf *c, const char *secret)
{
	memset(c, 0, sizeof(*c));
	c->n_secrets = 1;
	c->secrets[0].len = strlen(secret);
	memcpy(c->secrets[0].text, secret, c->secrets[0].len);
}

static void vectors(void **state)
{
	static const uint8_t repl[16] = {0x66, 0x5c, 0x95, 0x09, 0x0b, 0x6f, 0x49, 0xed,
					 0xef, 0xbe, 0xd0, 0x09, 0x87, 0xe0, 0x42, 0x48};
	static struct conf c;
	__u64 key[2];
	char password[9];
	uint8_t bytes[16];

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_repl_key(c.secrets, key), 0);
	memcpy(bytes, key, sizeof(bytes)); /* little-endian words on the hosts of the tests */
	assert_memory_equal(bytes, repl, sizeof(repl));
	assert_int_equal(conf_derive_password(c.secrets, password), 0);
	assert_string_equal(password, "dQgych1v");
}

static struct in_addr ipv4(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

/* A node and its peers in slots 1 and 5. */
static struct hokm_cfg group(const char *self, const char *peer1, const char *peer5)
{
	struct hokm_cfg cfg = {.addr = hokm_addr_from_ipv4(ipv4(self)), .n_peers = 6};

	cfg.peer[1].addr = hokm_addr_from_ipv4(ipv4(peer1));
	cfg.peer[1].used = 1;
	cfg.peer[5].addr = hokm_addr_from_ipv4(ipv4(peer5));
	cfg.peer[5].used = 1;
	return cfg;
}

static void pulse_vectors(void **state)
{
	static const __u64 from[2] = {0x7d4ea879c6163ec8ULL, 0x64cc5f8cf5d0bb60ULL};
	static const __u64 to[2] = {0x479c116c07c243d0ULL, 0xc72480f74d30e2d0ULL};
	const struct hokm_cfg cfg = group("192.168.1.26", "192.168.1.28", "192.168.1.27");
	static struct conf c;
	struct hokm_keys k;

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_pulse_keys(&c, &cfg, &k), 0);
	assert_memory_equal(k.from[0][5], from, sizeof(from));
	assert_memory_equal(k.to[5], to, sizeof(to));
}

/* What one node signs with is what the other verifies with, and no two ways share a key. */
static void each_way_has_its_own_key(void **state)
{
	const struct hokm_cfg cfg_a = group("192.168.1.26", "192.168.1.27", "192.168.1.28");
	const struct hokm_cfg cfg_b = group("192.168.1.27", "192.168.1.28", "192.168.1.26");
	static struct conf c;
	struct hokm_keys a, b;
	const size_t size = sizeof(a.from[0][0]);
	const __u64 *keys[6];

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_pulse_keys(&c, &cfg_a, &a), 0);
	assert_int_equal(conf_pulse_keys(&c, &cfg_b, &b), 0);
	assert_memory_equal(a.to[1], b.from[0][5], size);
	assert_memory_equal(a.from[0][1], b.to[5], size);
	keys[0] = a.to[1];
	keys[1] = a.from[0][1];
	keys[2] = a.to[5];
	keys[3] = a.from[0][5];
	keys[4] = b.to[1];
	keys[5] = b.from[0][1];
	for (unsigned int i = 0; i < 6; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], size);
}

/* A key that an attacker knows would verify a forged pulse while a peer comes or goes. */
static void slot_without_a_peer_has_a_secret_key(void **state)
{
	const struct hokm_cfg cfg = group("192.168.1.26", "192.168.1.27", "192.168.1.28");
	static const __u64 zero[2];
	static struct conf c;
	struct hokm_keys k1, k2;

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_pulse_keys(&c, &cfg, &k1), 0);
	set_secret(&c, "0123456789abcdeg");
	assert_int_equal(conf_pulse_keys(&c, &cfg, &k2), 0);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		assert_memory_not_equal(k1.from[0][slot], zero, sizeof(zero));
		assert_memory_not_equal(k1.to[slot], zero, sizeof(zero));
		assert_memory_not_equal(k1.from[0][slot], k2.from[0][slot], sizeof(zero));
		assert_memory_not_equal(k1.to[slot], k2.to[slot], sizeof(zero));
	}
}

/* While a secret is replaced: the first one signs, both verify. */
static void first_secret_signs_and_both_verify(void **state)
{
	const struct hokm_cfg cfg = group("192.168.1.26", "192.168.1.27", "192.168.1.28");
	const struct in_addr peer = ipv4("192.168.1.27");
	static struct conf old, both;
	struct hokm_keys k_old, k_new, k;
	struct repl_keys r_old, r;

	(void)state;
	set_secret(&old, "0123456789abcdef");
	old.n_nodes = 1;
	old.nodes[0].addr = ipv4("192.168.1.26");
	both = old;
	set_secret(&both, "0123456789abcdeg");
	assert_int_equal(conf_pulse_keys(&both, &cfg, &k_new), 0);
	both.secrets[1] = old.secrets[0];
	both.n_secrets = 2;
	both.nodes[0] = old.nodes[0];
	assert_int_equal(conf_pulse_keys(&old, &cfg, &k_old), 0);
	assert_int_equal(conf_pulse_keys(&both, &cfg, &k), 0);
	assert_int_equal(k_old.n, 1);
	assert_int_equal(k.n, 2);
	assert_memory_equal(k.to, k_new.to, sizeof(k.to));
	assert_memory_equal(k.from[0], k_new.from[0], sizeof(k.from[0]));
	assert_memory_equal(k.from[1], k_old.from[0], sizeof(k.from[1]));
	assert_int_equal(conf_repl_keys(&old, peer, &r_old), 0);
	assert_int_equal(conf_repl_keys(&both, peer, &r), 0);
	assert_int_equal(r.n_verify, 2);
	assert_memory_equal(r.verify[1], r_old.verify[0], sizeof(r.verify[1]));
	assert_memory_not_equal(r.sign, r_old.sign, sizeof(r.sign));
	both.n_secrets = 0;
	assert_int_equal(conf_pulse_keys(&both, &cfg, &k), -EINVAL);
	assert_int_equal(conf_repl_keys(&both, peer, &r), -EINVAL);
}

static void differ(void **state)
{
	static struct conf c;
	uint8_t a[32], b[32];

	(void)state;
	set_secret(&c, "0123456789abcdef");
	assert_int_equal(conf_derive(c.secrets, "one", a, sizeof(a)), 0);
	assert_int_equal(conf_derive(c.secrets, "two", b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(conf_derive(c.secrets, "one", b, sizeof(b)), 0);
	assert_memory_equal(a, b, sizeof(a));
}

static void refused(void **state)
{
	static struct conf c;
	char label[128];
	uint8_t out[8];

	(void)state;
	set_secret(&c, "");
	assert_int_equal(conf_derive(c.secrets, "one", out, sizeof(out)), -EINVAL);
	set_secret(&c, "0123456789abcdef");
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	assert_int_equal(conf_derive(c.secrets, label, out, sizeof(out)), -EINVAL);
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
		cmocka_unit_test(vectors),
		cmocka_unit_test(pulse_vectors),
		cmocka_unit_test(each_way_has_its_own_key),
		cmocka_unit_test(slot_without_a_peer_has_a_secret_key),
		cmocka_unit_test(first_secret_signs_and_both_verify),
		cmocka_unit_test(differ),
		cmocka_unit_test(refused),
		cmocka_unit_test(service_tags),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
