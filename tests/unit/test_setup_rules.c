/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet filters of `hokm-xdp setup`: its own table of nftables, and the commands for those of
 * other programs, on both nodes and on the witness.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "setup/plan.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECRET   "secret = \"0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210\"\n"
#define GROUP(path_a, path_b)                                                     \
	SECRET "vip = {\"192.168.1.25\"}\n"                                       \
	       "node primary { address = \"192.168.1.26\" priority = 110 " path_a \
	       " }\nnode backup { address = \"192.168.1.27\" " path_b             \
	       " }\nwitness third { address = \"10.9.8.7\" }\nservice game { port = 8765 }\n"

struct row {
	const char *self;
	int kind; /* of commands; -1: the table */
	const char *has, *lacks;
};

/* Caller: free(). */
static char *filter_of(const struct conf *c, const struct row *r)
{
	struct in_addr self;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(inet_pton(AF_INET, r->self, &self), 1);
	if (r->kind < 0)
		assert_int_equal(setup_rules(c, self, to), 0);
	else
		assert_int_equal(setup_firewall_commands((enum setup_firewall)r->kind,
							 "inet filter input", c, self, "", to),
				 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void check(const char *text, const struct row *rows, size_t n)
{
	struct conf *c;

	assert_int_equal(conf_load_text(text, false, stderr, &c), 0);
	for (size_t i = 0; i < n; i++) {
		char *rules = filter_of(c, &rows[i]);

		if (!strstr(rules, rows[i].has) || strstr(rules, rows[i].lacks))
			fail_msg("row %zu: %s", i, rules);
		free(rules);
	}
	conf_free(c);
}

static void no_filter_lets_in_a_stranger(void **state)
{
	static const struct row rows[] = {
		{"192.168.1.26", -1, "elements = { 192.168.1.27, 10.9.8.7 }", "192.168.1.26"},
		{"192.168.1.27", -1, "@peers udp dport 8766 accept\n", "192.168.1.27"},
		{"192.168.1.27", -1, "\t\tudp dport 8766 drop\n", "policy drop"},
		{"192.168.1.27", -1, "@peers udp dport 8767 accept\n", "8767 tcp"},
		{"192.168.1.27", -1, "\t\tudp dport 8767 drop\n", "112 drop"},
		{"192.168.1.27", -1, "ip daddr 192.168.1.25 tcp dport 8765 accept\n", "8765 drop"},
		{"10.9.8.7", -1, "elements = { 192.168.1.26, 192.168.1.27 }", "112"},
		{"10.9.8.7", -1, "udp dport 8766", "8765"},
		{"192.168.1.26", SETUP_NFT,
		 "nft insert rule inet filter input ip saddr 192.168.1.27 udp", "%"},
		{"192.168.1.26", SETUP_UFW, "ufw allow proto udp from 10.9.8.7 to any port 8766\n",
		 "@"},
		{"192.168.1.26", SETUP_UFW, "ufw allow 8765/tcp\nufw reload\n", "#"},
		{"192.168.1.26", SETUP_FIREWALLD, "port=\"8767\" protocol=\"udp\" accept'\n", "@"},
		{"10.9.8.7", SETUP_FIREWALLD, "port=\"8766\" protocol=\"udp\" accept'\n", "vrrp"},
	};

	(void)state;
	check(GROUP("", ""), rows, COUNT(rows));
}

/* Pulses and replication come over a second path; nothing else is accepted from there. */
static void a_filter_knows_the_paths(void **state)
{
	static const struct row rows[] = {
		{"192.168.1.26", -1,
		 "\t\tip saddr { 10.0.0.27, 10.1.0.27 } udp dport { 8766, 8767 } accept\n",
		 "10.0.0.26"},
		{"192.168.1.27", -1,
		 "\t\tip saddr { 10.0.0.26, 10.1.0.26 } udp dport { 8766, 8767 } accept\n",
		 "10.0.0.27"},
		{"10.9.8.7", -1, "elements = { 192.168.1.26, 192.168.1.27 }", "10.0.0"},
		{"192.168.1.26", SETUP_NFT, "ip saddr 10.1.0.27 udp dport 8767 accept\n",
		 "10.1.0.26"},
		{"192.168.1.26", SETUP_NFT, "ip saddr 10.1.0.27 udp dport 8766 accept\n",
		 "10.1.0.27 meta l4proto"},
		{"192.168.1.26", SETUP_UFW, "ufw allow proto udp from 10.0.0.27 to any port 8767\n",
		 "-s 10.0.0.27"},
		{"192.168.1.26", SETUP_FIREWALLD, "source address=\"10.0.0.27\" port port=\"8766\"",
		 "10.0.0.26"},
		{"10.9.8.7", SETUP_UFW, "8766", "10.0.0"},
	};

	(void)state;
	check(GROUP("path = {\"10.0.0.26\", \"10.1.0.26\"}",
		    "path = {\"10.0.0.27\", \"10.1.0.27\"}"),
	      rows, COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_filter_lets_in_a_stranger),
		cmocka_unit_test(a_filter_knows_the_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
