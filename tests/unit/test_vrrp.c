/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine: times, start and restart, MASTER. vrrp_rig.h explains the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>

#include "vrrp_rig.h"

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
		uint64_t lease_ns = vrrp_lease_ns(rows[i].version, 0, adver_ns);
		uint64_t down_ns = vrrp_master_down_ns(rows[i].version, rows[i].priority, adver_ns);

		assert_int_equal(vrrp_skew_ns(rows[i].version, rows[i].priority, adver_ns) / 1000,
				 rows[i].skew_us);
		assert_int_equal(down_ns / 1000, rows[i].down_us);
		assert_int_equal(lease_ns, 3 * adver_ns - adver_ns / 4);
		assert_true(lease_ns + adver_ns / 4 < down_ns);
	}
	/* Absurd intervals saturate. */
	assert_true(vrrp_master_down_ns(3, 1, UINT64_MAX) == UINT64_MAX);
	assert_true(vrrp_lease_ns(3, 1, UINT64_MAX) <= UINT64_MAX);
	assert_true(vrrp_skew_ns(3, 1, UINT64_MAX / 2) <= vrrp_skew_ns(3, 1, UINT64_MAX));
}

/*
 * Before an upgrade an owner sends adverts with a long interval: its lease ends before
 * Master_Down of every backup that heard one of them a little earlier. With its ordinary interval
 * it is short again.
 */
static void a_longer_interval_makes_a_longer_lease(void **state)
{
	struct vrrp_conf conf = {.version = 3, .priority = 110, .adver_ns = 100 * RIG_MS};
	struct vrrp_event ev = {.kind = VRRP_EV_START, .adopted_lease_ns = 200 * RIG_MS};
	const uint64_t now_ns = 100 * RIG_MS, long_ns = 1000 * RIG_MS;
	struct vrrp_actions acts;
	struct vrrp v;

	(void)state;
	vrrp_init(&v, &conf, now_ns);
	vrrp_step(&v, &ev, now_ns, &acts);
	ev = (struct vrrp_event){.kind = VRRP_EV_SENT, .sent_ns = now_ns};
	vrrp_step(&v, &ev, now_ns, &acts);
	assert_int_equal(v.state, HOKM_VRRP_MASTER);
	for (int i = 0; i < 2; i++) {
		conf.adver_ns = i ? 100 * RIG_MS : long_ns;
		vrrp_reconf(&v, &conf, now_ns);
		ev = (struct vrrp_event){.kind = VRRP_EV_RENEW};
		vrrp_step(&v, &ev, now_ns, &acts);
		assert_int_equal(acts.n, 1);
		assert_int_equal(acts.a[0].kind, VRRP_ACT_ADVERT);
		assert_int_equal(acts.a[0].priority, 110);
		ev = (struct vrrp_event){.kind = VRRP_EV_SENT, .sent_ns = now_ns};
		vrrp_step(&v, &ev, now_ns, &acts);
		assert_int_equal(acts.a[0].kind, VRRP_ACT_LEASE);
		assert_int_equal(acts.a[0].until_ns, now_ns + vrrp_lease_ns(3, 0, conf.adver_ns));
		assert_int_equal(v.lease_until_ns, acts.a[0].until_ns);
	}
	/* A backup that heard only the first of the adverts, an eighth of the interval earlier. */
	for (unsigned int priority = 1; priority < 255; priority++)
		assert_true(
			now_ns + vrrp_lease_ns(3, 0, long_ns) <
			now_ns - long_ns / 8 + vrrp_master_down_ns(3, (uint8_t)priority, long_ns));
}

static const struct rig_step start[] = {
	STORY(rig_init,
	      "alone: nothing happens before the start, and the lease is free after Master_Down"),
	{"after 1: timer", "", "", "init", -1},
	{"advert 1 from 1", "", "", "init"},
	{"sent", "", "", "init"},
	{"fault", "", "", "init"},
	{"start", "", "state", "backup started", 350},
	{"start", "", "", "backup", 350},
	/* No preempt delay: there is no live owner to preempt. */
	{"timer", "", "advert:128", "backup"},
	{"sent 1 ago", "", "lease:274 raise state", "master master-down", 99},
};

static const struct rig_step adopt[] = {
	STORY(rig_init, "the lease of before the restart still runs: it is renewed"),
	{"start adopting 90", "", "advert:128", "init"},
	{"after 1: sent", "", "lease:275 raise state", "master adopted", 100},

	STORY(rig_init, "the lease of before the restart is over"),
	{"start adopting -1", "", "lower state", "backup started", 350},

	STORY(rig_init, "the lease of before the restart runs, but a peer holds one as well"),
	{"start adopting 90", "lease 10", "lower state", "backup started"},

	STORY(rig_init, "the advert cannot be sent"),
	{"start adopting 90", "", "advert:128", "init"},
	{"send failed", "", "lower state", "backup send-failed", 350},

	STORY(rig_init, "the advert leaves when the lease is over"),
	{"start adopting 90", "", "advert:128", "init"},
	{"after 90: sent 90 ago", "", "lower state", "backup lease-lost"},

	STORY(rig_init, "the daemon stops before the advert left"),
	{"start adopting 90", "", "advert:128", "init"},
	{"stop stopped", "", "lower state", "init", -1},
	{"sent", "", "", "init"},
};

static const struct rig_step master_rows[] = {
	{"timer", "", "advert:128", "master", 100},
	/* Early: nothing happens. Late: the next one is due when it would have been anyway. */
	{"after 99: timer", "", "", "master", 1},
	{"after 130: timer", "", "advert:128", "master", 70},
	{"after 250: timer", "", "advert:128", "master", 100},
	{"after 275: timer", "", "lower state", "backup lease-lost", 350},
	{"after 275: pulse", "", "lower state", "backup lease-lost"},
	{"after 300: handover", "", "lower state", "backup lease-lost"},
	{"after 300: fault link-down", "", "lower state", "fault link-down"},
	/* The lease is over and another node is owner: it is followed at once. */
	{"after 300: advert 100 from 1", "held back", "lower state", "backup lease-lost", 350},
	/* Adverts of higher, equal and lower priority. The higher address breaks a tie. */
	{"advert 129 from 1", "", "lower state", "backup higher-priority", 350},
	{"advert 129 every 200 from 1", "", "lower state", "backup", 700},
	{"advert 128 from 3", "", "lower state", "backup higher-priority"},
	{"after 40: advert 128 from 1", "", "advert:128 garp", "master", 60},
	{"after 40: advert 127 from 3", "", "advert:128 garp", "master", 60},
	{"after 40: advert 0 from 3", "", "advert:128", "master", 100},
	/* After a partition, before both can steer to each other. */
	{"advert 129 from 1", "rival deaf", "", "master", 100},
	{"pulse", "lease 10 of 1/129, rival deaf", "", "master", 100},
	{"after 40: advert 127 from 3", "rival deaf, rival unseen", "advert:128", "master", 60},
	/* No pulses come, but replication: it may not know of us yet. */
	{"advert 129 from 1", "rival deaf, rival unseen", "advert:128", "master", 100},
	{"advert 128 from 3", "rival deaf, rival unseen", "advert:128", "master", 100},
	/* In the name of a peer that is dead: forged, for all that is known. */
	{"advert 255 from 1", "unproven", "discard", "master", 100},
	{"advert 128 from 3", "unproven", "discard", "master", 100},
	{"after 40: advert 127 from 3", "unproven", "advert:128 garp", "master", 60},
	{"after 300: advert 129 from 1", "unproven", "lower state", "backup lease-lost", 350},
	/* Pulses that show no lease, and that of a higher, an equal and a lower node. */
	{"pulse", "stale", "", "master", 100},
	{"pulse", "lease 10 of 1/129", "lower state", "backup other-owner", 350},
	{"pulse", "lease 10 of 3/128", "lower state", "backup other-owner"},
	{"pulse", "lease 10 of 1/128", "advert:128 garp", "master", 100},
	/* Orders, and events that mean nothing to a MASTER. */
	{"handover operator", "", "lower advert:0 state", "backup operator", 350},
	{"fault service-down", "", "lower advert:0 state", "fault service-down", -1},
	{"stop stopped", "", "lower advert:0 state", "init stopped", -1},
	{"clear", "", "", "master", 100},
	{"start", "", "", "master", 100},
	/* No advert was asked for. */
	{"sent", "", "", "master", 100},
	{"send failed", "", "", "master", 100},
};

/* Each row alone, in a MASTER that took its lease in this moment. */
static void test_master_rows(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(master_rows) / sizeof(master_rows[0]); i++) {
		rig_master(&r);
		rig_run(&r, "a row in MASTER", &master_rows[i], 1);
		if (r.v.state != HOKM_VRRP_MASTER) {
			assert_int_equal(r.v.lease_until_ns, 0);
			assert_int_equal(r.v.sending, VRRP_SENDING_NONE);
		}
		/* A BACKUP follows the winner. */
		if (r.v.reason == HOKM_R_HIGHER_PRIORITY)
			assert_int_equal(r.v.owner.s_addr, r.ev.advert.source.s_addr);
		else if (r.v.reason == HOKM_R_OTHER_OWNER)
			assert_int_equal(r.v.owner.s_addr, r.ev.view.holder.s_addr);
		else if (r.ev.kind != VRRP_EV_ADVERT)
			assert_int_equal(r.v.owner.s_addr, 0);
	}
}

static const struct rig_step renewal[] = {
	STORY(rig_master, "each advert that left renews the lease"),
	{"timer", "", "advert:128", "master"},
	{"after 2: sent 2 ago", "", "lease:273", "master", 98},
	{"sent", "", "", "master", 98},
	/* Asked for in time, but stuck in the send call until the lease was over. */
	{"timer", "", "advert:128", "master"},
	{"after 175: sent 175 ago", "", "lower state", "backup lease-lost"},
	{"sent", "", "", "backup lease-lost"},

	STORY(rig_master,
	      "adverts that cannot be sent are sent again after a quarter, while the lease runs"),
	{"timer", "", "advert:128", "master", 100},
	{"send failed", "", "", "master", 25},
	{"timer", "", "advert:128", "master"},
	{"send failed", "", "", "master", 25},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:275", "master", 100},
	{"timer", "", "advert:128", "master"},
	{"after 165: send failed", "", "", "master", 10},
	{"timer", "", "lower state", "backup send-failed", 350},

	STORY(rig_master,
	      "a lower node shows a lease: it gets an advert, and gratuitous ARP follows"),
	{"pulse", "lease 200 of 1/100", "advert:128 garp", "master"},
	{"sent", "", "lease:275", "master"},
	{"after 10: pulse", "lease 190 of 1/100", "", "master"},
	{"after 10: pulse", "", "garp", "master"},
	{"after 10: pulse", "", "", "master"},
};

/* Adverts every second: a wait is longer than the lease of the rig otherwise. */
static const struct rig_step partition[] = {
	STORY(rig_master, "a better owner that cannot steer to us yet gets a second, and no more"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 129 from 1", "rival deaf", "", "master"},
	{"after 999: pulse", "lease 2000 of 1/129, rival deaf", "", "master"},
	{"after 1: advert 129 from 1", "rival deaf", "lower state", "backup higher-priority"},

	STORY(rig_master, "of one without pulses we are heard first, twice an interval at most"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 129 from 1", "rival deaf, rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"after 10: advert 129 from 1", "rival deaf, rival unseen", "", "master"},
	{"after 500: advert 129 from 1", "rival deaf, rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"after 490: advert 129 from 1", "rival deaf, rival unseen", "lower state",
	 "backup higher-priority"},

	STORY(rig_master, "it gives way when it hears us: we stay"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 129 from 1", "rival deaf, rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"after 10: advert 0 from 1", "rival deaf, rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},

	STORY(rig_master, "it can steer to us: we yield at once"),
	{"advert 129 from 1", "rival deaf", "", "master"},
	{"after 10: pulse", "lease 200 of 1/129", "lower state", "backup other-owner"},

	STORY(rig_master, "the next partition has its own second"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 129 from 1", "rival deaf", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"after 510: advert 129 from 1", "rival deaf", "", "master"},
	{"after 1000: advert 129 from 1", "rival deaf", "lower state", "backup higher-priority"},

	STORY(rig_master, "the clients of a lesser owner are drawn here when we can steer to it"),
	{"advert 100 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:275", "master"},
	{"after 10: pulse", "lease 200 of 1/100", "advert:128 garp", "master"},

	STORY(rig_master, "or after a second"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 100 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"timer", "", "advert:128 garp", "master"},
	{"sent", "", "lease:2750", "master"},
	{"timer", "", "advert:128", "master"},

	STORY(rig_master, "also when its adverts are far apart, or an advert comes in between"),
	{"reload every 10000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:27500", "master"},
	{"advert 100 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:27500", "master"},
	{"after 1000: timer", "", "advert:128 garp", "master"},
	{"sent", "", "lease:27500", "master"},
	{"reload every 800", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2200", "master"},
	{"after 10: advert 100 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2200", "master"},
	{"after 790: timer", "", "advert:128", "master"},
	{"sent", "", "lease:2200", "master"},
	{"after 210: timer", "", "advert:128 garp", "master"},
	{"sent", "", "lease:2200", "master"},

	STORY(rig_master, "also when the lesser owner ends a moment later"),
	{"reload every 10000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:27500", "master"},
	{"advert 100 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:27500", "master"},
	{"after 500: advert 0 from 1", "rival unseen", "advert:128", "master"},
	{"sent", "", "lease:27500", "master"},
	{"after 500: timer", "", "advert:128 garp", "master"},
};

static const struct rig_step wait_begins[] = {
	STORY(rig_master, "a better owner that cannot steer to us is heard once, and no more"),
	{"reload every 1000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
	{"advert 129 from 1", "rival deaf, rival unseen", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
};
static const struct rig_step one_renewal[] = {
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:2750", "master"},
};

/* Otherwise the node would never have quiet ticks again (quiet.h). Its wait is over at 4.5 s. */
static void test_wait_for_a_rival_is_forgotten(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, wait_begins);
	for (unsigned int s = 1; s <= 6; s++) {
		rig_run(&r, "renewal", one_renewal, 2);
		assert_int_equal(r.v.yield_at_ns != 0, s < 5);
	}
}

/* Forged adverts of a lesser node, one each millisecond: the answers do not flood the link. */
static void test_forged_adverts_cause_no_flood(void **state)
{
	unsigned int adverts = 0, garps = 0, reports = 0;
	struct rig r;

	(void)state;
	rig_master(&r);
	for (unsigned int ms = 0; ms < 10000; ms++) {
		struct vrrp_event ev = {.kind = VRRP_EV_ADVERT,
					.advert = {.version = 3, .priority = ms % 2 ? 100 : 0}};

		ev.advert.adver_ns = 100 * RIG_MS;
		ev.advert.source.s_addr = htonl(0x0a000001);
		r.now_ns += RIG_MS;
		for (int round = 0; round < 2; round++) {
			struct vrrp_actions acts;

			vrrp_step(&r.v, &ev, r.now_ns, &acts);
			ev.kind = VRRP_EV_TIMER;
			for (unsigned int a = 0; a < acts.n; a++) {
				adverts += acts.a[a].kind == VRRP_ACT_ADVERT;
				garps += acts.a[a].kind == VRRP_ACT_GARP;
				reports += acts.a[a].kind == VRRP_ACT_ONE_WAY;
			}
			if (r.v.sending == VRRP_SENDING_RENEW) {
				struct vrrp_event sent = {.kind = VRRP_EV_SENT,
							  .sent_ns = r.now_ns};

				vrrp_step(&r.v, &sent, r.now_ns, &acts);
			}
		}
		assert_int_equal(r.v.state, HOKM_VRRP_MASTER);
	}
	/* 100 intervals: two answers to lesser nodes in each at most, and eight to priority 0. */
	assert_true(adverts >= 100 && adverts <= 1100);
	assert_true(garps >= 5 && garps <= 11);
	assert_int_equal(reports, 1);
}

static const struct rig_step one_way[] = {
	STORY(rig_master, "a peer that does not hear the answers is reported once"),
	{"advert 100 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:275", "master"},
	{"after 20: advert 100 from 1", "", "", "master"},
	{"after 60: advert 100 from 1", "", "advert:128", "master"},
	{"sent", "", "lease:275", "master"},
	{"reload every 2000", "", "", "master"},
	{"timer", "", "advert:128", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 1000: advert 100 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 5000: advert 100 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 2000: advert 100 from 1", "", "one-way advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 2000: advert 100 from 1", "", "advert:128 garp", "master"},
};

static void test_one_way(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, one_way);
}

static void test_partition(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, partition);
}

static void test_start(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, start);
}

static void test_adopt(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, adopt);
}

static void test_renewal(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, renewal);
}

/* The clock near its end, endless intervals: nothing wraps around, nothing crashes. */
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
		cmocka_unit_test(test_times),
		cmocka_unit_test(a_longer_interval_makes_a_longer_lease),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_master_rows),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_wait_for_a_rival_is_forgotten),
		cmocka_unit_test(test_forged_adverts_cause_no_flood),
		cmocka_unit_test(test_one_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
