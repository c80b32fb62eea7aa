/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine in BACKUP: waiting, following, preempting a keepalived; the take itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>

#include "vrrp_rig.h"

#define B HOKM_VRRP_BACKUP
#define M HOKM_VRRP_MASTER

static const struct rig_step rows[] = {
	{.kind = VRRP_EV_TIMER, .after_ms = 349, .did = "", .state = B, .timer_ms = 1},
	{.kind = VRRP_EV_TIMER, .after_ms = 350, .did = "advert:128", .state = B},
	/* Slept for more than half an interval past it: asks first, and waits a quarter. */
	{.kind = VRRP_EV_TIMER, .after_ms = 400, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_TIMER, .after_ms = 401, .did = "probe", .state = B, .timer_ms = 25},
	/* Silence is concluded in TIMER only. */
	{.kind = VRRP_EV_PULSE, .after_ms = 1000, .did = "", .state = B, .timer_ms = -650},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .after_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	/* followed */
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .after_ms = 100,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 128,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 3500},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 3500},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .held_back = true,
	 .after_ms = 100,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 127,
	 .from = 3,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	/* goodbye of one that does not pulse: Skew_Time, however good a successor we are */
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .best = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 50},
	/* a lease that runs, or ran out unseen less than adver / 4 ago */
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 350,
	 .holds_ms = 200,
	 .holder = 1,
	 .holder_priority = 200,
	 .did = "",
	 .state = B,
	 .timer_ms = 100},
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 350,
	 .holds_ms = 20,
	 .holder = 1,
	 .holder_priority = 200,
	 .did = "",
	 .state = B,
	 .timer_ms = 45},
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 350,
	 .holds_ms = -24,
	 .did = "",
	 .state = B,
	 .timer_ms = 1},
	{.kind = VRRP_EV_TIMER, .after_ms = 350, .holds_ms = -25, .did = "advert:128", .state = B},
	/* words that are not for us */
	{.kind = VRRP_EV_SENT, .did = "", .state = B, .timer_ms = 350},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = B, .timer_ms = 350},
	{.kind = VRRP_EV_HANDOVER, .did = "", .state = B, .timer_ms = 350},
	{.kind = VRRP_EV_CLEAR, .did = "", .state = B, .timer_ms = 350},
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_SERVICE_DOWN,
	 .did = "state",
	 .state = HOKM_VRRP_FAULT,
	 .why = HOKM_R_SERVICE_DOWN,
	 .timer_ms = -1},
	{.kind = VRRP_EV_STOP,
	 .reason = HOKM_R_STOPPED,
	 .did = "state",
	 .state = HOKM_VRRP_INIT,
	 .why = HOKM_R_STOPPED,
	 .timer_ms = -1},
};

/* Each row alone, in a BACKUP that started in this moment: Master_Down in 350 ms. */
static void test_rows(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_backup(&r);
		rig_run(&r, "backup row", &rows[i], 1);
		if (rows[i].kind == VRRP_EV_ADVERT)
			assert_int_equal(ntohl(r.v.owner.s_addr) & 0xff, rows[i].from);
	}
}

static void test_goodbye(void **state)
{
	static const struct rig_step steps[] = {
		{.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .did = "", .state = B},
		/* Not of whom we follow: the owner lives. */
		{.kind = VRRP_EV_ADVERT,
		 .priority = 0,
		 .from = 3,
		 .after_ms = 10,
		 .did = "",
		 .state = B,
		 .timer_ms = 340},
		{.kind = VRRP_EV_ADVERT,
		 .priority = 0,
		 .from = 1,
		 .did = "",
		 .state = B,
		 .timer_ms = 50},
		{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
		{.kind = VRRP_EV_SENT,
		 .did = "lease:275 raise state",
		 .state = M,
		 .why = HOKM_R_PRIORITY_ZERO,
		 .timer_ms = 100},
	};
	/* Another one was quicker. */
	static const struct rig_step overtaken[] = {
		{.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .did = "", .state = B},
		{.kind = VRRP_EV_ADVERT, .priority = 0, .from = 1, .did = "", .state = B},
		{.kind = VRRP_EV_ADVERT,
		 .priority = 150,
		 .from = 3,
		 .after_ms = 20,
		 .did = "",
		 .state = B,
		 .timer_ms = 350},
		{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
		{.kind = VRRP_EV_SENT,
		 .did = "lease:275 raise state",
		 .state = M,
		 .why = HOKM_R_MASTER_DOWN},
	};
	struct rig r;

	(void)state;
	rig_backup(&r);
	RIG_RUN(&r, steps);
	rig_backup(&r);
	RIG_RUN(&r, overtaken);
}

static const struct rig_step preempt_keepalived_delayed[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .after_ms = 50,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .after_ms = 300,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .after_ms = 300,
	 .did = "",
	 .state = B,
	 .timer_ms = 1400},
	{.kind = VRRP_EV_PULSE, .after_ms = 1399, .did = "", .state = B, .timer_ms = 1},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .did = "lease:275 raise state", .state = M, .why = HOKM_R_PREEMPT},
};

/* Dies during the delay: no delay for a dead owner. */
static const struct rig_step preempt_keepalived_dies[] = {
	{.kind = VRRP_EV_ADVERT, .priority = 100, .from = 1, .did = "", .state = B},
	{.kind = VRRP_EV_TIMER, .after_ms = 350, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_MASTER_DOWN},
};

/* A higher one, or being held back, ends the wait; then it begins anew. */
static const struct rig_step preempt_keepalived_ended[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 2000},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 3,
	 .adver_ms = 1000,
	 .after_ms = 1900,
	 .did = "",
	 .state = B,
	 .timer_ms = 3500},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 2000},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 1000,
	 .held_back = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 2500},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 2000},
};

static const struct rig_step preempt_keepalived_never[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 3500},
};

static const struct rig_step preempt_keepalived_at_once[] = {
	{.kind = VRRP_EV_ADVERT, .priority = 100, .from = 1, .did = "", .state = B},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
};

/* The owner is keepalived: no pulses. */
static void test_preempt_keepalived(void **state)
{
	struct rig r;

	(void)state;
	rig_backup(&r);
	RIG_RUN(&r, preempt_keepalived_delayed);
	rig_backup(&r);
	RIG_RUN(&r, preempt_keepalived_dies);
	rig_backup(&r);
	RIG_RUN(&r, preempt_keepalived_ended);
	rig_backup(&r);
	r.v.conf.preempt = false;
	RIG_RUN(&r, preempt_keepalived_never);
	rig_backup(&r);
	r.v.conf.preempt_delay_ns = 0;
	RIG_RUN(&r, preempt_keepalived_at_once);
}

static const struct rig_step take_fails_unsent[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = B, .timer_ms = 25},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .did = "lease:275 raise state", .state = M},
};

static const struct rig_step take_fails_preempt_unsent[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 1000,
	 .did = "",
	 .state = B,
	 .timer_ms = 2000},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = B, .timer_ms = 25},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .did = "lease:275 raise state", .state = M},
};

/* Stuck in the send call for more than adver / 4: another may have taken it. */
static const struct rig_step take_fails_late[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 26,
	 .sent_ms = 26,
	 .did = "",
	 .state = B,
	 .timer_ms = 50},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 25,
	 .sent_ms = 25,
	 .did = "lease:250 raise state",
	 .state = M},
};

/* Between asking and SENT a peer's lease or advert came. */
static const struct rig_step take_fails_lease_came[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .holds_ms = 100, .did = "", .state = B, .timer_ms = 50},
};

static const struct rig_step take_fails_advert_came[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_SENT, .did = "", .state = B, .timer_ms = 350},
};

static const struct rig_step take_fails_slept[] = {
	{.kind = VRRP_EV_TIMER, .after_ms = 5000, .did = "probe", .state = B, .timer_ms = 25},
	/* Fresh pulses: alive after all. */
	{.kind = VRRP_EV_TIMER,
	 .holds_ms = 150,
	 .holder = 1,
	 .holder_priority = 200,
	 .did = "",
	 .state = B,
	 .timer_ms = 100},
	{.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .did = "", .state = B},
	{.kind = VRRP_EV_TIMER, .after_ms = 5000, .did = "probe", .state = B, .timer_ms = 25},
	/* Still nothing; and late again: once is enough. */
	{.kind = VRRP_EV_TIMER, .after_ms = 5000, .did = "advert:128", .state = B},
};

static void test_take_fails(void **state)
{
	struct rig r;

	(void)state;
	rig_backup(&r);
	RIG_RUN(&r, take_fails_unsent);
	rig_backup(&r);
	RIG_RUN(&r, take_fails_preempt_unsent);
	rig_backup(&r);
	RIG_RUN(&r, take_fails_late);
	rig_backup(&r);
	RIG_RUN(&r, take_fails_lease_came);
	rig_backup(&r);
	RIG_RUN(&r, take_fails_advert_came);
	rig_backup(&r);
	RIG_RUN(&r, take_fails_slept);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_preempt_keepalived),
		cmocka_unit_test(test_take_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
