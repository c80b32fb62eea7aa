/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine in BACKUP: it waits, follows an owner, preempts one that sends no pulses
 * (keepalived), and takes the lease. vrrp_rig.h explains the tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>

#include "vrrp_rig.h"

static const struct rig_step rows[] = {
	{"after 349: timer", "", "", "backup", 1},
	{"after 350: timer", "", "advert:128", "backup"},
	/* The node slept for more than half an interval past the timer: it asks first, and waits a
	   quarter. */
	{"after 400: timer", "", "advert:128", "backup"},
	{"after 401: timer", "", "probe", "backup", 25},
	/* Only the timer concludes that the owner is silent. */
	{"after 1000: pulse", "", "", "backup", -650},
	{"after 1000: advert 200 from 1", "", "", "backup", 350},
	/* An advert that may not be preempted starts Master_Down again. */
	{"after 100: advert 200 from 1", "", "", "backup", 350},
	{"advert 128 every 1000 from 1", "", "", "backup", 3500},
	{"advert 200 every 1000 from 1", "", "", "backup", 3500},
	{"after 100: advert 100 from 1", "held back", "", "backup", 350},
	{"advert 127 from 3", "", "", "backup", 350},
	/* An owner without pulses says goodbye: Skew_Time, even for the best successor. */
	{"advert 0 from 1", "best", "", "backup", 50},
	/* A lease runs, or ran out unseen less than a quarter of an interval ago. */
	{"after 350: timer", "lease 200 of 1/200", "", "backup", 100},
	{"after 350: timer", "lease 20 of 1/200", "", "backup", 45},
	{"after 350: timer", "lease -24", "", "backup", 1},
	{"after 350: timer", "lease -25", "advert:128", "backup"},
	/* Events that mean nothing to a BACKUP, and those that end it. */
	{"sent", "", "", "backup", 350},
	{"send failed", "", "", "backup", 350},
	{"handover", "", "", "backup", 350},
	{"clear", "", "", "backup", 350},
	{"fault service-down", "", "state", "fault service-down", -1},
	{"stop stopped", "", "state", "init stopped", -1},
};

/* Each row alone, in a BACKUP that started in this moment: Master_Down is due in 350 ms. */
static void test_rows(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_backup(&r);
		rig_run(&r, "a row in BACKUP", &rows[i], 1);
		if (r.ev.kind == VRRP_EV_ADVERT)
			assert_int_equal(r.v.owner.s_addr, r.ev.advert.source.s_addr);
	}
}

static const struct rig_step goodbye[] = {
	STORY(rig_backup, "the owner says goodbye"),
	{"advert 200 from 1", "", "", "backup"},
	/* This node does not follow the sender: the owner is alive. */
	{"after 10: advert 0 from 3", "", "", "backup", 340},
	{"advert 0 from 1", "", "", "backup", 50},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master priority-zero", 100},

	STORY(rig_backup, "with a single peer nobody competes: Skew_Time is 1/8"),
	{"advert 200 every 1000 from 1", "uncontested", "", "backup", 3500},
	{"advert 0 every 1000 from 1", "uncontested", "", "backup", 125},
	{"timer", "uncontested", "advert:128", "backup"},
	{"sent", "uncontested", "lease:275 raise state", "master priority-zero", 100},

	STORY(rig_backup, "but not shorter than keepalived may take to remove its addresses"),
	{"advert 200 every 100 from 1", "uncontested", "", "backup", 350},
	{"advert 0 every 100 from 1", "uncontested", "", "backup", 50},
	{"reload every 400", "uncontested", "", "backup"},
	{"advert 200 every 400 from 1", "uncontested", "", "backup", 1400},
	{"advert 0 every 400 from 1", "uncontested", "", "backup", 100},

	STORY(rig_backup, "such a peer is silent: it may be alive, so Master_Down stays as it is"),
	{"advert 200 every 1000 from 1", "uncontested", "", "backup", 3500},
	{"timer", "uncontested", "advert:128", "backup"},
	{"sent", "uncontested", "lease:275 raise state", "master master-down", 100},

	STORY(rig_backup, "another node is quicker after the goodbye"),
	{"advert 200 from 1", "", "", "backup"},
	{"advert 0 from 1", "", "", "backup"},
	{"after 20: advert 150 from 3", "", "", "backup", 350},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master master-down"},
};

static void never_preempts(struct rig *r)
{
	rig_backup(r);
	r->v.conf.preempt = false;
}

static void preempts_at_once(struct rig *r)
{
	rig_backup(r);
	r->v.conf.preempt_delay_ns = 0;
}

static const struct rig_step preempt_keepalived[] = {
	STORY(rig_backup, "the preempt delay counts from the first lower advert"),
	{"after 50: advert 100 from 1", "", "", "backup", 350},
	{"after 300: advert 100 from 1", "", "", "backup", 350},
	{"after 300: advert 100 every 1000 from 1", "", "", "backup", 1400},
	{"after 1399: pulse", "", "", "backup", 1},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master preempt"},

	STORY(rig_backup, "the owner dies during the delay: nobody waits for a dead owner"),
	{"advert 100 from 1", "", "", "backup"},
	{"after 350: timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master master-down"},

	STORY(rig_backup, "a higher advert or being held back ends the delay, and it begins anew"),
	{"advert 100 every 1000 from 1", "", "", "backup", 2000},
	{"after 1900: advert 200 every 1000 from 3", "", "", "backup", 3500},
	{"advert 100 every 1000 from 1", "", "", "backup", 2000},
	{"after 1000: pulse", "held back", "", "backup", 2500},
	{"advert 100 every 1000 from 1", "", "", "backup", 2000},

	STORY(never_preempts, "preempting is switched off"),
	{"advert 100 every 1000 from 1", "", "", "backup", 3500},

	STORY(preempts_at_once, "no preempt delay"),
	{"advert 100 from 1", "", "", "backup"},
	{"timer", "", "advert:128", "backup"},
};

/* It has no pulses, and so it is preempted as VRRP specifies it. */
static void preempted(struct rig *r)
{
	static const struct rig_step steps[] = {
		{"advert 100 every 1000 from 1", "", "", "backup", 2000},
		{"timer", "", "advert:128", "backup"},
		{"sent", "", "lease:275 raise state", "master preempt"},
		/* No step is to be late for the lease. */
		{"reload every 2000", "", "", "master"},
		{"timer", "", "advert:128", "master"},
		{"sent", "", "lease:5500", "master"},
	};

	rig_backup(r);
	rig_run(r, "on the way to preempting", steps, sizeof(steps) / sizeof(steps[0]));
}

static const struct rig_step preempt_in_vain[] = {
	STORY(preempted, "an owner that does not hear that it was preempted stays the owner"),
	{"after 500: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 3900: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 200: advert 100 every 1000 from 1", "", "one-way lower state", "backup one-way",
	 7000},
	/*
	 * No owner is preempted again before a pulse of it comes, or a reload. When it is silent,
	 * another backup that does not know this node is to be the first.
	 */
	{"after 900: advert 100 every 1000 from 1", "", "", "backup", 7000},
	{"after 900: pulse", "", "", "backup", 6100},
	{"after 100: advert 90 every 1000 from 3", "", "", "backup", 7000},
	{"after 100: advert 100 every 1000 from 1", "fresh", "", "backup", 2000},
	{"after 100: pulse", "", "", "backup", 6900},
	{"after 100: advert 100 every 1000 from 1", "", "", "backup", 7000},
	{"reload every 2000", "", "", "backup"},
	{"after 100: advert 100 every 1000 from 1", "", "", "backup", 2000},

	STORY(preempted, "the same, it ends, and a node that does not know this one comes back"),
	{"after 500: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4100: advert 100 every 1000 from 1", "", "one-way lower state", "backup one-way"},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:5500 raise state", "master master-down"},
	{"after 5400: timer", "", "advert:128", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 5400: timer", "", "advert:128", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 500: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4100: advert 100 every 1000 from 3", "", "lower state", "backup one-way", 7000},

	STORY(preempted, "many adverts of another lesser node, and one of the preempted one"),
	{"after 500: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4100: advert 100 every 1000 from 3", "", "one-way advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 100: advert 100 every 1000 from 1", "", "", "master"},

	STORY(preempted, "it has given way: adverts in its name that come later are forged"),
	{"after 5400: timer", "", "advert:128", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 3000: timer", "", "advert:128", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 500: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 1", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4100: advert 100 every 1000 from 1", "", "one-way advert:128 garp", "master"},

	STORY(preempted, "another node than the one that was preempted"),
	{"after 500: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4000: advert 100 every 1000 from 3", "", "advert:128 garp", "master"},
	{"sent", "", "lease:5500", "master"},
	{"after 4100: advert 100 every 1000 from 3", "", "one-way advert:128 garp", "master"},
};

static const struct rig_step take_fails[] = {
	STORY(rig_backup,
	      "the advert cannot be sent, and is sent again after a quarter of an interval"),
	{"timer", "", "advert:128", "backup"},
	{"send failed", "", "", "backup", 25},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master"},

	STORY(rig_backup, "the same when a lower owner is preempted"),
	{"advert 100 every 1000 from 1", "", "", "backup", 2000},
	{"timer", "", "advert:128", "backup"},
	{"send failed", "", "", "backup", 25},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master"},

	STORY(rig_backup,
	      "stuck in the send call for over a quarter: another node may have the lease"),
	{"timer", "", "advert:128", "backup"},
	{"after 26: sent 26 ago", "", "", "backup", 50},
	{"timer", "", "advert:128", "backup"},
	{"after 25: sent 25 ago", "", "lease:250 raise state", "master"},

	STORY(rig_backup, "a lease of a peer is seen between asking and SENT"),
	{"timer", "", "advert:128", "backup"},
	{"sent", "lease 100", "", "backup", 50},

	STORY(rig_backup, "an advert of a peer comes between asking and SENT"),
	{"timer", "", "advert:128", "backup"},
	{"advert 200 from 1", "", "", "backup", 350},
	{"sent", "", "", "backup", 350},

	STORY(rig_backup, "the timer comes much too late"),
	{"after 5000: timer", "", "probe", "backup", 25},
	/* Fresh pulses: the owner is alive. */
	{"timer", "lease 150 of 1/200", "", "backup", 100},
	{"advert 200 from 1", "", "", "backup"},
	{"after 5000: timer", "", "probe", "backup", 25},
	/* Late again without any pulse: asking once is enough. */
	{"after 5000: timer", "", "advert:128", "backup"},
};

static void test_goodbye(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, goodbye);
}

static void test_preempt_keepalived(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, preempt_keepalived);
}

static void test_preempt_in_vain(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, preempt_in_vain);
}

static void test_take_fails(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, take_fails);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_preempt_keepalived),
		cmocka_unit_test(test_preempt_in_vain),
		cmocka_unit_test(test_take_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
