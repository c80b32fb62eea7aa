/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node that is about to become owner announces it in its signed answers to pulses, as long as its
 * daemon has that in map own.
 */
#include "fixture.h"
#include "pulse_spec.h"

#define XDP_VERDICT_TX 3
#define NONCE          77

static struct hokm_pulse answered(struct fix *x, uint64_t sent)
{
	struct hokm_pulse p = pulse_probe_of(x, 0, NONCE, sent);
	struct frame f;

	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	return pulse_out(x);
}

static void answers_announce(void **state)
{
	struct hokm_own own = {.state = HOKM_VRRP_BACKUP, .successor = HOKM_NO_PEER};
	struct fix *x = *state;
	struct hokm_pulse answer;

	fix_own(x, &own);
	assert_false(answered(x, 1).flags & HOKM_PULSE_ANNOUNCES);
	own.announces = 1;
	fix_own(x, &own);
	answer = answered(x, 2);
	assert_true(answer.flags & HOKM_PULSE_ANNOUNCES);
	assert_int_equal(answer.lease_left_ns, 0);
	assert_int_equal(answer.tag, htobe64(pulse_own_tag(x, 0, &answer)));
	own.announces = 0;
	fix_own(x, &own);
	assert_false(answered(x, 3).flags & HOKM_PULSE_ANNOUNCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(answers_announce),
	};

	return cmocka_run_group_tests_name("announces", tests, fix_open, fix_close);
}
