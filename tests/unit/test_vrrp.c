/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine: times, start and restart, MASTER. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "vrrp_rig.h"

#define B HOKM_VRRP_BACKUP
#define M HOKM_VRRP_MASTER
#define F HOKM_VRRP_FAULT
#define I HOKM_VRRP_INIT

/* RFC 9568 section 6.1, RFC 2338 section 6.2. */
static void test_times(void **state)
{
	static const struct {
		uint8_t version, priority;
		uint64_t adver_ms, skew_us, down_us;
	} rows[] = {
		{3, 128, 100, 50000, 350000},         {3, 254, 1000, 7812, 3007812},
		{3, 1, 1000, 996093, 3996093},        {3, 100, 10, 6093, 36093},
		{2, 128, 1000, 500000, 3500000},      {2, 128, 5000, 500000, 15500000},
		{2, 254, 1000, 7812, 3007812},        {2, 1, 255000, 996093, 765996093},
		{3, 100, 40950, 24953906, 147803906},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t adver_ns = rows[i].adver_ms * RIG_MS;
		uint64_t lease_ns = vrrp_lease_ns(adver_ns);
		uint64_t down_ns = vrrp_master_down_ns(rows[i].version, rows[i].priority, adver_ns);

		assert_int_equal(vrrp_skew_ns(rows[i].version, rows[i].priority, adver_ns) / 1000,
				 rows[i].skew_us);
		assert_int_equal(down_ns / 1000, rows[i].down_us);
		assert_int_equal(lease_ns, 3 * adver_ns - adver_ns / 4);
		assert_true(lease_ns + adver_ns / 4 < down_ns);
	}
	/* Absurd intervals saturate. */
	assert_true(vrrp_master_down_ns(3, 1, UINT64_MAX) == UINT64_MAX);
	assert_true(vrrp_lease_ns(UINT64_MAX) <= UINT64_MAX);
	assert_true(vrrp_skew_ns(3, 1, UINT64_MAX / 2) <= vrrp_skew_ns(3, 1, UINT64_MAX));
}

static void test_start(void **state)
{
	static const struct rig_step alone[] = {
		{.kind = VRRP_EV_TIMER, .after_ms = 1, .did = "", .state = I, .timer_ms = -1},
		{.kind = VRRP_EV_ADVERT, .priority = 1, .from = 1, .did = "", .state = I},
		{.kind = VRRP_EV_SENT, .did = "", .state = I},
		{.kind = VRRP_EV_FAULT, .did = "", .state = I},
		{.kind = VRRP_EV_START,
		 .did = "state",
		 .state = B,
		 .why = HOKM_R_STARTED,
		 .timer_ms = 350},
		{.kind = VRRP_EV_START, .did = "", .state = B, .timer_ms = 350},
		/* No preempt delay: there is no live owner to preempt. */
		{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = B},
		{.kind = VRRP_EV_SENT,
		 .sent_ms = 1,
		 .did = "lease:274 raise state",
		 .state = M,
		 .why = HOKM_R_MASTER_DOWN,
		 .timer_ms = 99},
	};
	struct rig r;

	(void)state;
	rig_init(&r);
	RIG_RUN(&r, alone);
}

static const struct rig_step adopt_runs[] = {
	{.kind = VRRP_EV_START, .adopted_ms = 90, .did = "advert:128", .state = I},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 1,
	 .did = "lease:275 raise state",
	 .state = M,
	 .why = HOKM_R_ADOPTED,
	 .timer_ms = 100},
};

static const struct rig_step adopt_expired[] = {
	{.kind = VRRP_EV_START,
	 .adopted_ms = -1,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_STARTED,
	 .timer_ms = 350},
};

static const struct rig_step adopt_other_owner[] = {
	{.kind = VRRP_EV_START,
	 .adopted_ms = 90,
	 .holds_ms = 10,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_STARTED},
};

static const struct rig_step adopt_not_sent[] = {
	{.kind = VRRP_EV_START, .adopted_ms = 90, .did = "advert:128", .state = I},
	{.kind = VRRP_EV_SEND_FAILED,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_SEND_FAILED,
	 .timer_ms = 350},
};

static const struct rig_step adopt_too_late[] = {
	{.kind = VRRP_EV_START, .adopted_ms = 90, .did = "advert:128", .state = I},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 90,
	 .sent_ms = 90,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST},
};

static const struct rig_step adopt_stopped[] = {
	{.kind = VRRP_EV_START, .adopted_ms = 90, .did = "advert:128", .state = I},
	{.kind = VRRP_EV_STOP,
	 .reason = HOKM_R_STOPPED,
	 .did = "lower state",
	 .state = I,
	 .timer_ms = -1},
	{.kind = VRRP_EV_SENT, .did = "", .state = I},
};

static void test_adopt(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	RIG_RUN(&r, adopt_runs);
	rig_init(&r);
	RIG_RUN(&r, adopt_expired);
	rig_init(&r);
	RIG_RUN(&r, adopt_other_owner);
	rig_init(&r);
	RIG_RUN(&r, adopt_not_sent);
	rig_init(&r);
	RIG_RUN(&r, adopt_too_late);
	rig_init(&r);
	RIG_RUN(&r, adopt_stopped);
}

static const struct rig_step master_rows_rows[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M, .timer_ms = 100},
	/* Early: nothing. Late: the next one is due where it would have been. */
	{.kind = VRRP_EV_TIMER, .after_ms = 99, .did = "", .state = M, .timer_ms = 1},
	{.kind = VRRP_EV_TIMER, .after_ms = 130, .did = "advert:128", .state = M, .timer_ms = 70},
	{.kind = VRRP_EV_TIMER, .after_ms = 250, .did = "advert:128", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_TIMER,
	 .after_ms = 275,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST,
	 .timer_ms = 350},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 275,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST},
	{.kind = VRRP_EV_HANDOVER,
	 .after_ms = 300,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST},
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_LINK_DOWN,
	 .after_ms = 300,
	 .did = "lower state",
	 .state = F,
	 .why = HOKM_R_LINK_DOWN},
	/* Expired, and somebody else is owner: followed at once. */
	{.kind = VRRP_EV_ADVERT,
	 .priority = 100,
	 .from = 1,
	 .held_back = true,
	 .after_ms = 300,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST,
	 .timer_ms = 350},
	/* adverts */
	{.kind = VRRP_EV_ADVERT,
	 .priority = 129,
	 .from = 1,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_HIGHER_PRIORITY,
	 .timer_ms = 350},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 129,
	 .from = 1,
	 .adver_ms = 200,
	 .did = "lower state",
	 .state = B,
	 .timer_ms = 700},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 128,
	 .from = 3,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_HIGHER_PRIORITY},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 128,
	 .from = 1,
	 .after_ms = 40,
	 .did = "advert:128 garp",
	 .state = M,
	 .timer_ms = 60},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 127,
	 .from = 3,
	 .after_ms = 40,
	 .did = "advert:128 garp",
	 .state = M,
	 .timer_ms = 60},
	{.kind = VRRP_EV_ADVERT,
	 .priority = 0,
	 .from = 3,
	 .after_ms = 40,
	 .did = "advert:128",
	 .state = M,
	 .timer_ms = 100},
	/* pulses */
	{.kind = VRRP_EV_PULSE, .pulses = true, .did = "", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_PULSE,
	 .holds_ms = 10,
	 .holder = 1,
	 .holder_priority = 129,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_OTHER_OWNER,
	 .timer_ms = 350},
	{.kind = VRRP_EV_PULSE,
	 .holds_ms = 10,
	 .holder = 3,
	 .holder_priority = 128,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_OTHER_OWNER},
	{.kind = VRRP_EV_PULSE,
	 .holds_ms = 10,
	 .holder = 1,
	 .holder_priority = 128,
	 .did = "advert:128 garp",
	 .state = M,
	 .timer_ms = 100},
	/* words */
	{.kind = VRRP_EV_HANDOVER,
	 .reason = HOKM_R_OPERATOR,
	 .did = "lower advert:0 state",
	 .state = B,
	 .why = HOKM_R_OPERATOR,
	 .timer_ms = 350},
	{.kind = VRRP_EV_FAULT,
	 .reason = HOKM_R_SERVICE_DOWN,
	 .did = "lower advert:0 state",
	 .state = F,
	 .why = HOKM_R_SERVICE_DOWN,
	 .timer_ms = -1},
	{.kind = VRRP_EV_STOP,
	 .reason = HOKM_R_STOPPED,
	 .did = "lower advert:0 state",
	 .state = I,
	 .why = HOKM_R_STOPPED,
	 .timer_ms = -1},
	{.kind = VRRP_EV_CLEAR, .did = "", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_START, .did = "", .state = M, .timer_ms = 100},
	/* No advert was asked for: nobody's SENT. */
	{.kind = VRRP_EV_SENT, .did = "", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = M, .timer_ms = 100},
};

/* Each row alone, in a MASTER that took its lease in this moment. */
static void test_master_rows(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(master_rows_rows) / sizeof(master_rows_rows[0]); i++) {
		rig_master(&r);
		rig_run(&r, "master row", &master_rows_rows[i], 1);
		if (r.v.state != M) {
			assert_int_equal(r.v.lease_until_ns, 0);
			assert_int_equal(r.v.sending, VRRP_SENDING_NONE);
		}
		if (master_rows_rows[i].why == HOKM_R_HIGHER_PRIORITY)
			assert_int_equal(ntohl(r.v.owner.s_addr) & 0xff, master_rows_rows[i].from);
		else if (master_rows_rows[i].why == HOKM_R_OTHER_OWNER)
			assert_int_equal(ntohl(r.v.owner.s_addr) & 0xff,
					 master_rows_rows[i].holder);
		else if (master_rows_rows[i].kind != VRRP_EV_ADVERT)
			assert_int_equal(r.v.owner.s_addr, 0);
	}
}

static const struct rig_step renewal_renew[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 2,
	 .sent_ms = 2,
	 .did = "lease:273",
	 .state = M,
	 .timer_ms = 98},
	{.kind = VRRP_EV_SENT, .did = "", .state = M, .timer_ms = 98},
	/* Asked for in time, but stuck in the send call until the lease was over. */
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
	{.kind = VRRP_EV_SENT,
	 .after_ms = 175,
	 .sent_ms = 175,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_LEASE_LOST},
	{.kind = VRRP_EV_SENT, .did = "", .state = B, .why = HOKM_R_LEASE_LOST},
};

static const struct rig_step renewal_failing[] = {
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = M, .timer_ms = 25},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
	{.kind = VRRP_EV_SEND_FAILED, .did = "", .state = M, .timer_ms = 25},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
	{.kind = VRRP_EV_SENT, .did = "lease:275", .state = M, .timer_ms = 100},
	{.kind = VRRP_EV_TIMER, .did = "advert:128", .state = M},
	{.kind = VRRP_EV_SEND_FAILED, .after_ms = 165, .did = "", .state = M, .timer_ms = 10},
	{.kind = VRRP_EV_TIMER,
	 .did = "lower state",
	 .state = B,
	 .why = HOKM_R_SEND_FAILED,
	 .timer_ms = 350},
};

static const struct rig_step renewal_rival[] = {
	{.kind = VRRP_EV_PULSE,
	 .holds_ms = 200,
	 .holder = 1,
	 .holder_priority = 100,
	 .did = "advert:128 garp",
	 .state = M},
	{.kind = VRRP_EV_SENT, .did = "lease:275", .state = M},
	{.kind = VRRP_EV_PULSE,
	 .after_ms = 10,
	 .holds_ms = 190,
	 .holder = 1,
	 .holder_priority = 100,
	 .did = "",
	 .state = M},
	{.kind = VRRP_EV_PULSE, .after_ms = 10, .did = "garp", .state = M},
	{.kind = VRRP_EV_PULSE, .after_ms = 10, .did = "", .state = M},
};

static void test_renewal(void **state)
{
	struct rig r;

	(void)state;
	rig_master(&r);
	RIG_RUN(&r, renewal_renew);
	rig_master(&r);
	RIG_RUN(&r, renewal_failing);
	rig_master(&r);
	RIG_RUN(&r, renewal_rival);
}

/* A clock at the end of time, intervals of for ever: nothing wraps, nothing crashes. */
static void test_extremes(void **state)
{
	static const uint64_t advers[] = {0, 1, 10 * RIG_MS, UINT64_MAX / 3, UINT64_MAX};
	struct vrrp_actions acts;
	struct vrrp v;

	(void)state;
	for (size_t i = 0; i < sizeof(advers) / sizeof(advers[0]); i++) {
		struct vrrp_conf conf = {.version = 3,
					 .priority = 1,
					 .adver_ns = advers[i],
					 .preempt = true,
					 .preempt_delay_ns = UINT64_MAX};

		vrrp_init(&v, &conf, 5);
		for (unsigned int kind = VRRP_EV_START; kind <= VRRP_EV_PULSE; kind++)
			for (unsigned int again = 0; again < 20; again++) {
				struct vrrp_event ev = {
					.kind = (enum vrrp_event_kind)((kind + again) % 10)};

				ev.advert.priority = (uint8_t)(again * 25);
				ev.advert.adver_ns = UINT64_MAX - again;
				ev.sent_ns = UINT64_MAX - 1000;
				ev.view.lease_until_ns = UINT64_MAX;
				ev.view.may_preempt = true;
				vrrp_step(&v, &ev, UINT64_MAX - 1000 + kind, &acts);
				assert_true(acts.n <= VRRP_ACTIONS_MAX);
				assert_true(v.state < HOKM_VRRP_STATE_COUNT);
			}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),   cmocka_unit_test(test_start),
		cmocka_unit_test(test_adopt),   cmocka_unit_test(test_master_rows),
		cmocka_unit_test(test_renewal), cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
