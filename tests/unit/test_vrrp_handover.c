/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine between two hokm-xdp nodes: handover and claim, which pulses confirm
 * (docs/architecture.md). vrrp_rig.h explains the tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vrrp_rig.h"

static const struct rig_step release[] = {
	STORY(rig_backup, "the owner says goodbye, and its pulse confirms that it let go"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup", 1},
	/* An answer from before that advert proves nothing. */
	{"timer", "stale, best", "probe", "backup", 2},
	{"after 1: pulse", "fresh, best", "advert:128", "backup"},
	{"sent", "fresh", "lease:275 raise state", "master handed-over", 100},

	STORY(rig_backup, "the timer finds the confirmation"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup"},
	{"timer", "fresh", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master handed-over"},

	STORY(rig_backup, "a better successor exists: Skew_Time, so that the better one wins"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale", "", "backup", 50},
	{"after 10: pulse", "fresh, best", "", "backup", 40},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master priority-zero"},

	STORY(rig_backup,
	      "the owner dies before its pulse confirms: fewer and fewer probes, then Skew_Time"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup", 1},
	{"timer", "", "probe", "backup", 2},
	{"timer", "", "probe", "backup", 4},
	{"timer", "", "probe", "backup", 8},
	{"timer", "", "probe", "backup", 16},
	{"timer", "", "probe", "backup", 16},
	{"timer", "", "probe", "backup", 3},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master priority-zero"},

	STORY(rig_backup, "the owner says goodbye, but its lease runs on: not before that is over"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, lease 80, best", "probe", "backup"},
	{"after 10: pulse", "fresh, lease 70", "", "backup"},
	{"after 40: timer", "fresh, lease 30 of 1/200", "probe", "backup"},
	{"after 31: pulse", "fresh", "advert:128", "backup"},

	STORY(rig_backup, "another node takes over"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup"},
	{"after 1: advert 150 from 3", "", "", "backup", 350},
	{"pulse", "fresh, best", "", "backup", 350},

	STORY(rig_backup, "the goodbye overtook a regular advert: for Skew_Time the pulses decide"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup"},
	{"advert 200 from 1", "stale", "", "backup", 1},
	{"after 1: pulse", "fresh", "advert:128", "backup"},

	STORY(rig_backup, "after Skew_Time an advert means that the owner stays"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup"},
	{"after 50: advert 200 from 1", "stale", "", "backup", 350},
	{"after 1: pulse", "fresh", "", "backup"},
};

/* The preempt delay is over 10 ms after the first advert of a lower owner. */
static void delay_10(struct rig *r)
{
	rig_backup(r);
	r->v.conf.preempt_delay_ns = 10 * RIG_MS;
}

/* A pulsing owner of lower priority, which advertises each second, was asked for the lease. */
static void claiming(struct rig *r)
{
	static const struct rig_step steps[] = {
		{"advert 100 every 1000 from 1", "stale, lease 2750", "", "backup", 10},
		{"timer", "stale, lease 2740", "advert:128 probe", "backup", 1},
		{"sent", "stale, lease 2740", "", "backup", 1},
	};

	delay_10(r);
	rig_run(r, "on the way to a claim", steps, 3);
}

static const struct rig_step claim[] = {
	STORY(claiming, "the owner does not hear: asked each interval until its lease is over"),
	{"after 99: timer", "fresh, lease 200", "probe", "backup", 2},
	{"timer", "fresh, lease 198", "advert:128 probe", "backup", 4},
	{"send failed", "stale, lease 198", "", "backup", 4},
	{"after 25: timer", "fresh, lease 173", "advert:128 probe", "backup"},
	{"sent", "stale, lease 173", "", "backup"},
	/* It is dead: its lease ends unseen, then the grace of a quarter of its interval. */
	{"after 423: timer", "lease -249", "advert:128 probe", "backup"},
	{"sent", "lease -249", "", "backup"},
	{"after 20: timer", "lease -269", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master preempt"},

	STORY(claiming, "a higher node owns meanwhile"),
	{"advert 200 from 3", "stale, lease 275", "", "backup", 350},

	STORY(claiming,
	      "held back: an owner that let go for this node learns that it need not wait"),
	{"pulse", "fresh, held back", "advert:0", "backup", 3490},
	{"pulse", "fresh", "", "backup"},

	STORY(claiming, "held back when an advert comes"),
	{"advert 100 from 1", "held back", "advert:0", "backup", 350},

	STORY(claiming, "a service fails"),
	{"fault service-down", "", "advert:0 state", "fault", -1},

	STORY(claiming, "the owner says goodbye"),
	{"advert 0 from 1", "stale, best", "probe", "backup", 1},
	{"timer", "fresh, best", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master handed-over"},

	STORY(claiming, "the owner lets go"),
	{"timer", "fresh, lease 2739", "probe", "backup", 2},
	/* No lease, but that was before it was asked: it may not have taken it yet. */
	{"pulse", "stale", "", "backup"},
	{"after 1: pulse", "fresh", "advert:128", "backup"},
	{"sent", "stale", "lease:275 raise state", "master preempt", 100},
};

static const struct rig_step claim_by_pulses[] = {
	STORY(delay_10,
	      "the newest pulse is older than the owner's lease: only a newer one frees it"),
	{"advert 100 from 1", "stale", "", "backup", 10},
	{"timer", "stale", "advert:128 probe", "backup", 1},
	{"sent", "stale", "", "backup"},
	{"pulse", "stale", "", "backup"},

	STORY(delay_10,
	      "the adverts are lost, the pulses show the lease: preempted like any live owner"),
	{"timer", "lease 200 of 1/100", "", "backup", 10},
	{"timer", "stale, lease 190 of 1/100", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 190", "", "backup"},
	{"after 1: pulse", "fresh", "advert:128", "backup"},
	{"sent", "stale", "lease:275 raise state", "master preempt"},
};

static void test_release(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, release);
}

static void test_claim(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, claim);
	assert_false(r.v.claiming);
	assert_int_equal(r.v.preempt_at_ns, 0);
}

static void test_claim_by_pulses(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, claim_by_pulses);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_claim_by_pulses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
