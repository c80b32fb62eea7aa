/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine between two hokm-xdp nodes: handover and claim, confirmed by pulses (DESIGN 6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>

#include "vrrp_rig.h"

#define B HOKM_VRRP_BACKUP
#define M HOKM_VRRP_MASTER

#define HEARD_OWNER                                                                 \
	{                                                                           \
		.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .pulses = true, \
		.holds_ms = 275, .did = "", .state = B                              \
	}

static const struct rig_step release_quick[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 1},
	/* An answer of before that advert proves nothing. */
	{.kind = VRRP_EV_TIMER,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 2},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 1,
	 .pulses = true,
	 .fresh = true,
	 .best = true,
	 .did = "advert:128",
	 .state = B},
	{.kind = VRRP_EV_SENT,
	 .pulses = true,
	 .fresh = true,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_HANDED_OVER,
	 .timer_ms = 100},
};

/* Confirmed by the timer's own look. */
static const struct rig_step release_by_timer[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_TIMER, .pulses = true, .fresh = true, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_HANDED_OVER},
};

/* Not the best successor: Skew_Time, so that the better one wins. */
static const struct rig_step release_second_best[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 50},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 10,
	 .pulses = true,
	 .fresh = true,
	 .best = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 40},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_PRIORITY_ZERO},
};

/* It dies before its pulse can confirm: Skew_Time. Probes go out at 1, 3, 7, 15, 31 ms. */
static const struct rig_step release_silent[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 1},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 2},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 4},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 8},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 16},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 16},
	{.kind = VRRP_EV_TIMER, .did = "probe", .state = B, .timer_ms = 3},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_PRIORITY_ZERO},
};

/* It says goodbye, but its lease runs on: not before that is over. */
static const struct rig_step release_keeps[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .holds_ms = 80,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 10,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 70,
	 .did = "",
	 .state = B},
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 40,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 30,
	 .holder = 1,
	 .holder_priority = 200,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 31,
	 .pulses = true,
	 .fresh = true,
	 .did = "advert:128",
	 .state = B},
};

/* It changes its mind, or another takes over. */
static const struct rig_step release_back[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 150,
	 .from = 3,
	 .after_ms = 1,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_PULSE,
	 .pulses = true,
	 .fresh = true,
	 .best = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
};

/* Its regular advert was overtaken by its goodbye: the pulses settle it, for Skew_Time. */
static const struct rig_step release_reordered[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .pulses = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 1},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 1,
	 .pulses = true,
	 .fresh = true,
	 .did = "advert:128",
	 .state = B},
};

static const struct rig_step release_stayed[] = {
	HEARD_OWNER,
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .after_ms = 50,
	 .pulses = true,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 1,
	 .pulses = true,
	 .fresh = true,
	 .did = "",
	 .state = B},
};

static void test_release(void **state)
{
	struct rig r;

	(void)state;
	rig_backup(&r);
	RIG_RUN(&r, release_reordered);
	rig_backup(&r);
	RIG_RUN(&r, release_stayed);
	rig_backup(&r);
	RIG_RUN(&r, release_quick);
	rig_backup(&r);
	RIG_RUN(&r, release_by_timer);
	rig_backup(&r);
	RIG_RUN(&r, release_second_best);
	rig_backup(&r);
	RIG_RUN(&r, release_silent);
	rig_backup(&r);
	RIG_RUN(&r, release_keeps);
	rig_backup(&r);
	RIG_RUN(&r, release_back);
}

/* A pulsing owner of lower priority whose delay is over in 10 ms; it advertises each second. */
#define RETURNED                                                                        \
	{                                                                               \
		.kind = VRRP_EV_ADVERT, .priority = 100, .from = 1, .adver_ms = 1000,   \
		.pulses = true, .holds_ms = 2750, .did = "", .state = B, .timer_ms = 10 \
	}
#define CLAIMS                                                                                 \
	{.kind = VRRP_EV_TIMER,                                                                \
	 .pulses = true,                                                                       \
	 .holds_ms = 2740,                                                                     \
	 .did = "advert:128 probe",                                                            \
	 .state = B,                                                                           \
	 .timer_ms = 1},                                                                       \
	{                                                                                      \
		.kind = VRRP_EV_SENT, .pulses = true, .holds_ms = 2740, .did = "", .state = B, \
		.timer_ms = 1                                                                  \
	}

static void claiming(struct rig *r)
{
	static const struct rig_step steps[] = {RETURNED, CLAIMS};

	rig_backup(r);
	r->v.conf.preempt_delay_ns = 10 * RIG_MS;
	RIG_RUN(r, steps);
}

static const struct rig_step claim_let_go[] = {
	{.kind = VRRP_EV_TIMER,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 2739,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 2},
	/* No lease any more, but said before we asked: it may have none yet. */
	{.kind = VRRP_EV_PULSE, .pulses = true, .did = "", .state = B},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 1,
	 .pulses = true,
	 .fresh = true,
	 .did = "advert:128",
	 .state = B},
	{.kind = VRRP_EV_SENT,
	 .pulses = true,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_PREEMPT,
	 .timer_ms = 100},
};

/* It does not hear: asked again every interval until its lease is over. */
static const struct rig_step claim_deaf_owner[] = {
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 99,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 200,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 2},
	{.kind = VRRP_EV_TIMER,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 198,
	 .did = "advert:128 probe",
	 .state = B,
	 .timer_ms = 4},
	{.kind = VRRP_EV_SEND_FAILED,
	 .pulses = true,
	 .holds_ms = 198,
	 .did = "",
	 .state = B,
	 .timer_ms = 4},
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 25,
	 .pulses = true,
	 .fresh = true,
	 .holds_ms = 173,
	 .did = "advert:128 probe",
	 .state = B},
	{.kind = VRRP_EV_SENT, .pulses = true, .holds_ms = 173, .did = "", .state = B},
	/* Dead now: its lease ends unseen, and the grace (a quarter of its own second). */
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 423,
	 .holds_ms = -249,
	 .did = "advert:128 probe",
	 .state = B},
	{.kind = VRRP_EV_SENT, .holds_ms = -249, .did = "", .state = B},
	{.kind = VRRP_EV_TIMER, .after_ms = 20, .holds_ms = -269, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .did = "lease:275 raise state", .state = M, .why = HOKM_R_PREEMPT},
};

static const struct rig_step claim_higher[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 3,
	 .pulses = true,
	 .holds_ms = 275,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
};

/* Whoever let go for us is told not to wait. */
static const struct rig_step claim_held_back[] = {
	{.kind = VRRP_EV_PULSE,
	 .pulses = true,
	 .fresh = true,
	 .held_back = true,
	 .did = "advert:0",
	 .state = B,
	 .timer_ms = 3490},
	{.kind = VRRP_EV_PULSE, .pulses = true, .fresh = true, .did = "", .state = B},
};

static const struct rig_step claim_held_back_advert[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .held_back = true,
	 .did = "advert:0",
	 .state = B,
	 .timer_ms = 350},
};

static const struct rig_step claim_fault[] = {
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_SERVICE_DOWN,
	 .did = "advert:0 state",
	 .state = HOKM_VRRP_FAULT,
	 .timer_ms = -1},
};

static const struct rig_step claim_handed[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 1,
	 .pulses = true,
	 .best = true,
	 .did = "probe",
	 .state = B,
	 .timer_ms = 1},
	{.kind = VRRP_EV_TIMER,
	 .pulses = true,
	 .fresh = true,
	 .best = true,
	 .did = "advert:128",
	 .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_HANDED_OVER},
};

#define CLAIMING_RUN(r, steps)     \
	do {                       \
		claiming(r);       \
		RIG_RUN(r, steps); \
	} while (0)

static void test_claim(void **state)
{
	struct rig r;

	(void)state;
	CLAIMING_RUN(&r, claim_deaf_owner);
	CLAIMING_RUN(&r, claim_higher);
	CLAIMING_RUN(&r, claim_held_back);
	CLAIMING_RUN(&r, claim_held_back_advert);
	CLAIMING_RUN(&r, claim_fault);
	CLAIMING_RUN(&r, claim_handed);
	CLAIMING_RUN(&r, claim_let_go);
	assert_false(r.v.claiming);
	assert_int_equal(r.v.preempt_at_ns, 0);
}

/*
 * It advertises, but the newest pulse shows no lease: it is from before the owner took it. Not
 * free; asked, and taken only when a newer pulse says so.
 */
static void test_claim_from_new_owner(void **state)
{
	static const struct rig_step steps[] = {
		{.kind = VRRP_EV_ADVERT,
		 .priority = 100,
		 .from = 1,
		 .pulses = true,
		 .did = "",
		 .state = B,
		 .timer_ms = 10},
		{.kind = VRRP_EV_TIMER,
		 .pulses = true,
		 .did = "advert:128 probe",
		 .state = B,
		 .timer_ms = 1},
		{.kind = VRRP_EV_SENT, .pulses = true, .did = "", .state = B},
		{.kind = VRRP_EV_PULSE, .pulses = true, .did = "", .state = B},
	};
	struct rig r;

	(void)state;
	rig_backup(&r);
	r.v.conf.preempt_delay_ns = 10 * RIG_MS;
	RIG_RUN(&r, steps);
}

/*
 * Its adverts are lost, its pulses tell of its lease: preempted like any live owner, after the
 * delay.
 */
static void test_claim_by_pulse_alone(void **state)
{
	static const struct rig_step steps[] = {
		{.kind = VRRP_EV_TIMER,
		 .holds_ms = 200,
		 .holder = 1,
		 .holder_priority = 100,
		 .did = "",
		 .state = B,
		 .timer_ms = 10},
		{.kind = VRRP_EV_TIMER,
		 .holds_ms = 190,
		 .holder = 1,
		 .holder_priority = 100,
		 .pulses = true,
		 .did = "advert:128 probe",
		 .state = B,
		 .timer_ms = 1},
		{.kind = VRRP_EV_SENT, .holds_ms = 190, .pulses = true, .did = "", .state = B},
		{.kind = VRRP_EV_PULSE,
		 .after_ms = 1,
		 .pulses = true,
		 .fresh = true,
		 .did = "advert:128",
		 .state = B},
		{.kind = VRRP_EV_SENT,
		 .pulses = true,
		 .did = "lease:275 raise state",
		 .state = M,
		 .why = HOKM_R_PREEMPT},
	};
	struct rig r;

	(void)state;
	rig_backup(&r);
	r.v.conf.preempt_delay_ns = 10 * RIG_MS;
	RIG_RUN(&r, steps);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_claim_from_new_owner),
		cmocka_unit_test(test_claim_by_pulse_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
