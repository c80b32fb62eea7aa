/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine: FAULT and what ends it, new settings by a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vrrp_rig.h"

#define B HOKM_VRRP_BACKUP
#define M HOKM_VRRP_MASTER
#define F HOKM_VRRP_FAULT
#define I HOKM_VRRP_INIT

/* From MASTER: the successor is to take it; heard during the FAULT, it is followed after. */
static const struct rig_step fault_from_master[] = {
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_MAINT,
	 .did = "lower advert:0 state",
	 .state = F,
	 .timer_ms = -1},
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_LINK_DOWN, .did = "", .state = F},
	{.kind = VRRP_EV_TIMER, .after_ms = 500, .did = "", .state = F, .timer_ms = -1},
	{.kind = VRRP_EV_ADVERT, .priority = 100, .from = 1, .did = "", .state = F},
	{.kind = VRRP_EV_PULSE, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .after_ms = 100,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .why = HOKM_R_READY,
	 .timer_ms = 250},
};

/* Silent for longer than Master_Down: Skew_Time is left. */
static const struct rig_step fault_owner_dead[] = {
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_SERVICE_DOWN,
	 .did = "state",
	 .state = F,
	 .timer_ms = -1},
	{.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .after_ms = 340,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .why = HOKM_R_SERVICE_UP,
	 .timer_ms = 50},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_MASTER_DOWN},
};

static const struct rig_step fault_goodbye[] = {
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_SERVICE_DOWN, .did = "state", .state = F},
	{.kind = VRRP_EV_ADVERT, .priority = 200, .from = 1, .did = "", .state = F},
	{.kind = VRRP_EV_ADVERT, .priority = 0, .from = 3, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .reason = HOKM_R_PANIC_HOLD,
	 .did = "state",
	 .state = B,
	 .why = HOKM_R_PANIC_HOLD,
	 .timer_ms = 350},
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_SERVICE_DOWN, .did = "state", .state = F},
	{.kind = VRRP_EV_ADVERT, .priority = 0, .from = 1, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .timer_ms = 50},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_PRIORITY_ZERO},
};

/* Without a link nothing can be heard: that nothing was heard means nothing. */
static const struct rig_step fault_deaf[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 200,
	 .from = 1,
	 .did = "",
	 .state = B,
	 .timer_ms = 350},
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_LINK_DOWN,
	 .deaf = true,
	 .did = "state",
	 .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .after_ms = 1000,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .why = HOKM_R_LINK_UP,
	 .timer_ms = 350},
};

static const struct rig_step fault_deaf_later[] = {
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_SERVICE_DOWN, .did = "state", .state = F},
	{.kind = VRRP_EV_PULSE, .deaf = true, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .after_ms = 1000,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .timer_ms = 350},
};

static const struct rig_step fault_stop[] = {
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_OPERATOR, .did = "state", .state = F},
	{.kind = VRRP_EV_HANDOVER, .reason = HOKM_R_OPERATOR, .did = "", .state = F},
	{.kind = VRRP_EV_CLEAR,
	 .reason = HOKM_R_SERVICE_UP,
	 .did = "state",
	 .state = B,
	 .why = HOKM_R_OPERATOR},
	{.kind = VRRP_EV_FAULT, .reason = HOKM_R_OPERATOR, .did = "state", .state = F},
	{.kind = VRRP_EV_STOP,
	 .reason = HOKM_R_STOPPED,
	 .did = "state",
	 .state = I,
	 .why = HOKM_R_STOPPED,
	 .timer_ms = -1},
	{.kind = VRRP_EV_STOP, .reason = HOKM_R_STOPPED, .did = "", .state = I},
};

static void test_fault(void **state)
{
	struct rig r;

	(void)state;
	rig_master(&r);
	RIG_RUN(&r, fault_from_master);
	rig_backup(&r);
	RIG_RUN(&r, fault_owner_dead);
	rig_backup(&r);
	RIG_RUN(&r, fault_goodbye);
	rig_backup(&r);
	RIG_RUN(&r, fault_deaf);
	rig_backup(&r);
	RIG_RUN(&r, fault_deaf_later);
	rig_backup(&r);
	RIG_RUN(&r, fault_stop);
}

static void reconf(struct rig *r, uint64_t adver_ms, uint64_t delay_ms)
{
	struct vrrp_conf conf = r->v.conf;

	conf.adver_ns = adver_ms * RIG_MS;
	conf.preempt_delay_ns = delay_ms * RIG_MS;
	vrrp_reconf(&r->v, &conf, r->now_ns);
}

/* A shorter interval: the lease follows it, for the peers' patience does. */
static const struct rig_step reconf_shorter[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M, .timer_ms = 20},
	{.kind = VRRP_EV_SENT, .did = "lease:55", .state = M, .timer_ms = 20},
};

/* Sent at the former interval: the lease that the new one allows is over already. */
static const struct rig_step reconf_shortened_away[] = {
	{.kind = VRRP_EV_SENT,
	 .after_ms = 60,
	 .sent_ms = 60,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST},
};

static const struct rig_step reconf_renew[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
};

static const struct rig_step reconf_owner_300[] = {
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .adver_ms = 300,
	 .did = "",
	 .state = B,
	 .timer_ms = 1050},
};

static const struct rig_step reconf_delay_over[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
	{.kind = VRRP_EV_SENT, .did = "lease:55 raise state", .state = M, .why = HOKM_R_PREEMPT},
};

static void test_reconf(void **state)
{
	struct rig r;

	(void)state;
	rig_master(&r);
	reconf(&r, 20, 2000);
	assert_int_equal(r.v.state, M);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 20 * RIG_MS);
	RIG_RUN(&r, reconf_shorter);
	reconf(&r, 1000, 2000);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 20 * RIG_MS);

	rig_master(&r);
	RIG_RUN(&r, reconf_renew);
	reconf(&r, 20, 2000);
	RIG_RUN(&r, reconf_shortened_away);

	rig_backup(&r);
	reconf(&r, 20, 2000);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 70 * RIG_MS);
	reconf(&r, 1000, 2000);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 70 * RIG_MS);

	/* The owner still advertises every 300 ms. */
	rig_backup(&r);
	RIG_RUN(&r, reconf_owner_300);
	reconf(&r, 20, 2000);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 1050 * RIG_MS);
	reconf(&r, 20, 5);
	assert_int_equal(r.v.timer_at_ns, r.now_ns + 5 * RIG_MS);
	RIG_RUN(&r, reconf_delay_over);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_reconf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
