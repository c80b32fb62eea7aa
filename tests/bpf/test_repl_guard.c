/* SPDX-License-Identifier: GPL-2.0-only */
/* The guard of replication messages (bpf/repl_guard.h): which senders and which lengths pass. */
#include <arpa/inet.h>

#include "fixture.h"

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static void repl_on(struct fix *x)
{
	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
}

static void expect_repl(struct fix *x, const struct ip_spec *ip, unsigned int len, bool pass,
			enum hokm_counter c)
{
	unsigned char payload[2000] = {0};
	uint64_t before = fix_count(x, HOKM_NODE_SLOT, c);
	struct frame f;

	frame_udp(&f, &(struct eth_spec){.from = PEER0_MAC}, ip, REPL_PORT, payload, len);
	if (pass)
		expect_pass(x, &f);
	else
		expect_drop(x, &f, HOKM_NODE_SLOT, c);
	if (pass)
		assert_int_equal(fix_count(x, HOKM_NODE_SLOT, c), before + 1);
}

static void replication_is_for_peers(void **state)
{
	const struct ip_spec good = {.ttl = 255};
	uint8_t payload[100] = {0};
	struct fix *x = *state;
	struct frame f;

	repl_on(x);
	expect_repl(x, &good, HOKM_REPL_MIN, true, HOKM_CTR_replication_seen);
	expect_repl(x, &good, HOKM_REPL_MAX, true, HOKM_CTR_replication_seen);
	expect_repl(x, &good, HOKM_REPL_MIN - 1, false, HOKM_CTR_drop_repl_short);
	expect_repl(x, &good, HOKM_REPL_MAX + 1, false, HOKM_CTR_drop_repl_short);
	expect_repl(x, &(struct ip_spec){.ttl = 254}, 100, false, HOKM_CTR_drop_repl_ttl);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .frag = 0x2000}, 100, false,
		    HOKM_CTR_drop_repl_short);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .src = OTHER_ADDR}, 100, false,
		    HOKM_CTR_drop_repl_source);
	expect_repl(x, &(struct ip_spec){.ttl = 255, .src = CLIENT_ADDR}, 100, false,
		    HOKM_CTR_drop_repl_source);
	/* A wrong UDP length. */
	for (int more = -1; more <= 1; more += 2) {
		frame_udp(&f, &(struct eth_spec){.from = PEER0_MAC}, &good, REPL_PORT, payload,
			  sizeof(payload));
		f.b[f.l3 + 20 + 5] = (uint8_t)(f.b[f.l3 + 20 + 5] + more);
		expect_drop(x, &f, HOKM_NODE_SLOT, HOKM_CTR_drop_repl_short);
	}
}

static void without_replication_the_port_is_not_guarded(void **state)
{
	unsigned char payload[8] = {0};
	struct fix *x = *state;
	struct frame f;

	frame_udp(&f, &(struct eth_spec){.from = OTHER_MAC},
		  &(struct ip_spec){.src = OTHER_ADDR, .ttl = 64}, REPL_PORT, payload, 8);
	expect_pass(x, &f); /* replication is off */
	assert_int_equal(NODE(x, replication_seen), 0);
	repl_on(x);
	frame_udp(&f, &(struct eth_spec){.from = OTHER_MAC},
		  &(struct ip_spec){.src = OTHER_ADDR, .ttl = 64}, REPL_PORT + 1, payload, 8);
	expect_pass(x, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(replication_is_for_peers),
		HOKM_TEST(without_replication_the_port_is_not_guarded),
	};

	return cmocka_run_group_tests_name("repl_guard", tests, fix_open, fix_close);
}
