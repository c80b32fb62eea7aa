/* SPDX-License-Identifier: GPL-2.0-only */
/* The egress program counts this node's probes: that they come there proves that it sees. */
#include "pulse_spec.h"

#define OUT(x) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_out)

static void leave(struct fix *x, const struct eth_spec *eth, const struct ip_spec *ip,
		  uint16_t port, unsigned int len)
{
	static const uint8_t payload[sizeof(struct hokm_pulse)];
	struct frame f;

	frame_udp(&f, eth, ip, port, payload, len);
	fix_egress(x, &f);
	assert_int_equal(x->verdict, EGRESS_PASS);
}

static void own_probes_are_counted(void **state)
{
	const struct eth_spec plain = {.from = OWN_MAC, .to = PEER0_MAC};
	const struct eth_spec tagged = {.from = OWN_MAC, .to = PEER0_MAC, .tags = 1};
	const struct ip_spec probe = {.src = OWN_ADDR, .dst = PEER0_ADDR, .ttl = 255};
	struct fix *x = *state;

	leave(x, &plain, &probe, PULSE_PORT, sizeof(struct hokm_pulse));
	assert_int_equal(OUT(x), 1);
	leave(x, &tagged, &probe, PULSE_PORT, sizeof(struct hokm_pulse));
	assert_int_equal(OUT(x), 2);
	assert_int_equal(fix_count_all(x), 2);
}

static void nothing_else_is(void **state)
{
	const struct eth_spec eth = {.from = OWN_MAC, .to = PEER0_MAC};
	const struct ip_spec probe = {.src = OWN_ADDR, .dst = PEER0_ADDR},
			     guest = {.src = OTHER_ADDR, .dst = PEER0_ADDR},
			     vip = {.src = VIP_ADDR, .dst = PEER0_ADDR},
			     part = {.src = OWN_ADDR, .dst = PEER0_ADDR, .frag = 1};
	struct fix *x = *state;

	leave(x, &eth, &probe, REPL_PORT, sizeof(struct hokm_pulse));
	leave(x, &eth, &guest, PULSE_PORT, sizeof(struct hokm_pulse));
	leave(x, &eth, &vip, PULSE_PORT, sizeof(struct hokm_pulse));
	leave(x, &eth, &part, PULSE_PORT, sizeof(struct hokm_pulse));
	assert_int_equal(fix_count_all(x), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(own_probes_are_counted),
		HOKM_TEST(nothing_else_is),
	};

	return cmocka_run_group_tests_name("pulse_out", tests, fix_open, fix_close);
}
