/* SPDX-License-Identifier: GPL-2.0-only */
/* An established connection that was served: for test_own_hand.c and test_own_hand_lo.c. */
#ifndef HOKM_TEST_OWN_HAND_H
#define HOKM_TEST_OWN_HAND_H

#include "syn_spec.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define SISN 5000u

/* A WebSocket on which the server has sent something. */
static inline void established(struct fix *x)
{
	struct hokm_conn c;

	in_syn(x, &LINUX_SYN);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = SISN, .ack = ISN + 1));
	expect_in_pass(x, SEG(.flags = ACK, .seq = ISN + 1, .ack = SISN + 1));
	fix_out(x, SEG(.flags = ACK | PSH, .seq = SISN + 1, .ack = ISN + 1, .payload = 1));
	assert_true(fix_conn(x, &c));
	c.ws = HOKM_WS_OPEN;
	fix_conn_put(x, &c);
}

static inline struct hokm_conn conn_of(struct fix *x)
{
	struct hokm_conn c;

	assert_true(fix_conn(x, &c));
	return c;
}

#endif
