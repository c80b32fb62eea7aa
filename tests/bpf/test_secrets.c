/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The secret is replaced: pulses of the first and of the second one count while there are two, what
 * this node sends has the first one, and a secret that was removed counts no more. Steered probes:
 * test_steer_probe.c.
 */
#include "pulse_spec.h"

#define XDP_VERDICT_TX 3

#define PEER_NONCE 0xabcdefull

/* Signs the pulse of peer 0 with the key of the second secret. */
static void sign_second(const struct fix *x, struct hokm_pulse *p)
{
	p->tag = htobe64(
		hokm_pulse_tag(p, htonl(pulse_peer_addr(0)), htonl(OWN_ADDR), x->keys.from[1][0]));
}

/* While a secret is replaced, pulses of both count; what goes out has the first one. */
static void no_pulse_of_either_secret_is_lost(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p, got;
	struct frame f;

	pulse_secrets(x, 2);
	for (uint64_t i = 1; i <= 4; i++) {
		p = pulse_probe_of(x, 0, PEER_NONCE, i);
		if (i % 2)
			sign_second(x, &p);
		pulse_frame_of(&f, 0, &p);
		fix_ingress(x, &f);
		assert_int_equal(x->verdict, XDP_VERDICT_TX);
		got = pulse_out(x);
		assert_int_equal(be64toh(got.tag), pulse_own_tag(x, 0, &got));
	}
	for (uint64_t i = 1; i <= 4; i++) {
		p = pulse_answer_of(x, 0, fix_now());
		if (i % 2)
			sign_second(x, &p);
		pulse_frame_of(&f, 0, &p);
		fix_ingress(x, &f);
		assert_int_equal(fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_pulse_answers), i);
		assert_int_equal(fix_peer(x, 0).secret, 1 + i % 2);
	}
	assert_int_equal(fix_count_drops(x), 0);
	p.tag ^= 1;
	pulse_frame_of(&f, 0, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
}

static void removed_secret_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = pulse_probe_of(x, 0, PEER_NONCE, 1);
	struct frame f;

	sign_second(x, &p);
	pulse_frame_of(&f, 0, &p);
	assert_int_equal(fix_peer(x, 0).wrong_tag_ns, 0);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
	assert_int_not_equal(fix_peer(x, 0).wrong_tag_ns, 0);
	assert_int_equal(fix_peer(x, 1).wrong_tag_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(no_pulse_of_either_secret_is_lost),
		HOKM_TEST(removed_secret_is_refused),
	};

	return cmocka_run_group_tests_name("secrets", tests, fix_open, fix_close);
}
