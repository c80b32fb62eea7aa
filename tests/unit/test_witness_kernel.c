/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of nodes in the promise of a witness's kernel: they outlive processes and changes of
 * the configuration, and none of them means two nodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "witness/witness_kernel.h"
#include "witness/witness_report.h"

#define NONE 255

static struct in_addr addr_of(unsigned int host)
{
	return (struct in_addr){.s_addr = htonl(0x0a000000 + host)};
}

/* The nodes with these last bytes of their addresses, up to a 0. */
static void nodes(struct conf *c, const unsigned int *hosts)
{
	c->n_nodes = 0;
	for (; hosts[c->n_nodes]; c->n_nodes++) {
		assert_true(c->n_nodes < CONF_NODES_MAX);
		c->nodes[c->n_nodes].addr = addr_of(hosts[c->n_nodes]);
	}
}

/* Which node has each slot, by the last byte of its address; 0: none. */
static void holders(const struct hokm_cfg *cfg, unsigned int *hosts)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		hosts[i] = cfg->peer[i].used ? ntohl(cfg->peer[i].addr.w[3]) & 0xff : 0;
}

static void nodes_keep_their_slots(void **state)
{
	/* One file after another, and who has the first four slots then. */
	static const struct {
		unsigned int file[5], slots[4];
	} rows[] = {
		{{1, 2}, {1, 2, 0, 0}}, {{2, 1}, {1, 2, 0, 0}},    {{2}, {0, 2, 0, 0}},
		{{3, 2}, {3, 2, 0, 0}}, {{4, 2}, {0, 2, 4, 0}},    {{4, 2, 5}, {5, 2, 4, 0}},
		{{6, 5}, {5, 0, 0, 6}}, {{6, 5, 7}, {5, 7, 0, 6}},
	};
	static struct conf c;
	struct hokm_cfg old = {0}, cfg;
	uint8_t slot[HOKM_MAX_PEERS];
	unsigned int has[HOKM_MAX_PEERS];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&cfg, 0, sizeof(cfg));
		memset(slot, NONE, sizeof(slot));
		nodes(&c, rows[i].file);
		assert_int_equal(witness_slots(&c, &old, &cfg, slot), 0);
		holders(&cfg, has);
		if (memcmp(has, rows[i].slots, sizeof(rows[i].slots)) != 0)
			fail_msg("row %zu: slots %u %u %u %u", i, has[0], has[1], has[2], has[3]);
		for (unsigned int n = 0; n < c.n_nodes; n++) {
			assert_int_equal(has[slot[n]], rows[i].file[n]);
			assert_true(slot[n] < cfg.n_peers);
		}
		old = cfg;
	}
}

/* Eight nodes, of which one is replaced: its number must not mean two of them. */
static void a_full_group_changes_one_at_a_time(void **state)
{
	const unsigned int full[] = {1, 2, 3, 4, 5, 6, 7, 8, 0};
	const unsigned int other[] = {1, 2, 3, 4, 5, 6, 7, 9, 0};
	const unsigned int without[] = {1, 2, 3, 4, 5, 6, 7, 0};
	static struct conf c;
	struct hokm_cfg first = {0}, none = {0}, cfg = {0};
	uint8_t slot[HOKM_MAX_PEERS];

	(void)state;
	nodes(&c, full);
	assert_int_equal(witness_slots(&c, &none, &first, slot), 0);
	nodes(&c, other);
	assert_int_equal(witness_slots(&c, &first, &cfg, slot), -ENOSPC);
	memset(&cfg, 0, sizeof(cfg));
	nodes(&c, without);
	assert_int_equal(witness_slots(&c, &first, &cfg, slot), 0);
	first = cfg;
	memset(&cfg, 0, sizeof(cfg));
	nodes(&c, other);
	assert_int_equal(witness_slots(&c, &first, &cfg, slot), 0);
	assert_int_equal(slot[7], 7);
}

static void a_promise_names_the_node_of_its_slot(void **state)
{
	const struct witness_kernel k = {.slot = {5, 0}};
	const uint64_t until_ns = 77000000;

	(void)state;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const uint64_t word = hokm_grant_word(HOKM_GRANT_PEER(i), until_ns);
		const uint64_t got = witness_promise(&k, 2, word);
		const uint32_t want = i == 5   ? HOKM_GRANT_PEER(0)
				      : i == 0 ? HOKM_GRANT_PEER(1)
					       : HOKM_GRANT_NOBODY;

		assert_int_equal(hokm_grant_member(got), want);
		assert_int_equal(hokm_grant_until_ns(got), until_ns);
	}
}

/* A process that was held up compares with a probe that its kernel has heard since. */
static void a_probe_after_the_look_at_the_clock_is_heard(void **state)
{
	const uint64_t now_ns = 1000 * NS_PER_S;
	static struct witness w = {.n_nodes = 2};
	struct witness_report r = {0};

	(void)state;
	w.nodes[0].heard_ns = now_ns + NS_PER_MS;
	w.nodes[1].heard_ns = now_ns - 20 * NS_PER_S;
	witness_report_tick(&r, &w, "in XDP (native)", now_ns);
	assert_true(r.hears[0]);
	assert_false(r.hears[1]);
	assert_string_equal(r.status,
			    "answers in XDP (native); granted to nobody; 1 of 2 nodes ask");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_keep_their_slots),
		cmocka_unit_test(a_full_group_changes_one_at_a_time),
		cmocka_unit_test(a_promise_names_the_node_of_its_slot),
		cmocka_unit_test(a_probe_after_the_look_at_the_clock_is_heard),
	};

	return cmocka_run_group_tests_name("witness kernel", tests, NULL, NULL);
}
