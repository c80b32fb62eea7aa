/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine when the lease is by grants of a majority. vrrp_rig.h explains the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vrrp_rig.h"

static const struct rig_step ways[] = {
	STORY(rig_backup,
	      "the owner's grants end: a majority makes this node owner, no timer does"),
	{"advert 200 from 1", "fresh, lease 20, occupied", "", "backup", 350},
	{"after 20: pulse", "stale, free", "", "backup"},
	{"after 1: pulse", "stale, lease 10, granted", "advert:128", "backup"},
	{"sent", "stale, lease 10, granted", "lease:275 raise state", "master granted", 100},

	STORY(rig_backup, "cut off from an owner that others see: Master_Down takes nothing"),
	{"advert 200 from 1", "fresh, lease 20, occupied", "", "backup", 350},
	{"timer", "occupied", "", "backup", 100},
	{"timer", "occupied", "", "backup", 100},
	{"timer", "free", "", "backup", 16},
	{"after 1: pulse", "granted", "advert:128", "backup"},

	STORY(rig_backup, "in the minority: nothing is known of grants, and nothing is taken"),
	{"advert 200 from 1", "fresh, occupied", "", "backup", 350},
	{"timer", "free", "", "backup", 16},
	{"timer", "free", "", "backup", 16},
	{"after 5000: timer", "free", "", "backup", 16},

	STORY(rig_backup, "no owner was ever seen: Master_Down opens the way"),
	{"pulse", "free", "", "backup", 350},
	{"timer", "free", "", "backup", 16},
	{"after 1: pulse", "granted", "advert:128", "backup"},
	{"sent", "granted", "lease:275 raise state", "master master-down", 100},

	STORY(rig_backup, "the owner hands the VIP over"),
	{"advert 200 from 1", "fresh, occupied", "", "backup"},
	{"advert 0 from 1", "fresh, best, occupied", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, free", "", "backup"},
	{"pulse", "fresh, best, granted", "advert:128", "backup"},
	{"sent", "fresh, granted", "lease:275 raise state", "master handed-over", 100},

	STORY(rig_backup, "handed over to another node: this one waits for Skew_Time"),
	{"advert 200 from 1", "fresh, occupied", "", "backup"},
	{"advert 0 from 1", "fresh, occupied", "", "backup", 50},
	{"after 1: pulse", "fresh, granted", "", "backup", 49},
	{"timer", "fresh, granted", "advert:128", "backup"},

	STORY(rig_backup, "preempting: the owner lets go, and the members grant this node"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 from 1", "fresh, lease 20, occupied", "", "backup", 10},
	{"timer", "fresh, lease 20, occupied", "advert:128 probe", "backup", 1},
	{"sent", "fresh, occupied", "", "backup", 1},
	{"after 1: pulse", "fresh, free", "", "backup"},
	{"pulse", "fresh, granted", "advert:128", "backup"},
	{"sent", "granted", "lease:275 raise state", "master preempt", 100},

	STORY(rig_backup, "a node that cannot win does not preempt until it can"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 from 1", "fresh, occupied, barred", "", "backup", 350},
	{"after 20: pulse", "fresh, occupied, barred", "", "backup"},
	{"advert 100 from 1", "fresh, occupied", "", "backup", 10},
	{"timer", "fresh, occupied", "advert:128 probe", "backup", 1},

	STORY(rig_init, "after a start: an owner that takes no part is waited for"),
	{"start", "lease 500, absent-holds, free", "state", "backup started", 25},
	{"timer", "lease 475, absent-holds, free", "", "backup", 325},
	{"timer", "lease 150, absent-holds, granted", "", "backup", 100},
	{"after 50: pulse", "lease 100, absent-holds, granted", "", "backup", 50},
	{"after 1: pulse", "stale, granted", "advert:128", "backup"},
	{"sent", "granted", "lease:275 raise state", "master granted", 100},

	STORY(rig_backup, "preempting one that takes no part: it has let go before"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 from 1", "fresh, lease 200, absent-holds, free", "", "backup", 10},
	{"timer", "fresh, lease 190, absent-holds, free", "advert:128 probe", "backup", 1},
	{"sent", "fresh, lease 190, absent-holds, granted", "", "backup", 1},
	{"after 1: pulse", "fresh, lease 189, absent-holds, granted", "", "backup"},
	{"after 1: pulse", "fresh, granted", "advert:128", "backup"},
	{"sent", "granted", "lease:275 raise state", "master preempt", 100},

	STORY(rig_backup, "one that takes no part becomes owner while the advert is sent"),
	{"advert 200 from 1", "fresh, occupied", "", "backup", 350},
	{"pulse", "granted", "advert:128", "backup"},
	{"sent", "lease 300, absent-holds, granted", "", "backup"},

	STORY(rig_backup, "the hook is asked as soon as nobody has grants, not before"),
	{"advert 200 from 1", "fresh, occupied, unpermitted", "", "backup", 350},
	{"after 20: pulse", "free, unpermitted", "ask", "backup"},
	{"pulse", "free", "", "backup"},
	{"pulse", "granted", "advert:128", "backup"},

	STORY(rig_backup, "the grants end while the advert is sent"),
	{"advert 200 from 1", "fresh, occupied", "", "backup", 350},
	{"pulse", "granted", "advert:128", "backup"},
	{"sent", "free", "", "backup"},
};

static const struct rig_step owners[] = {
	STORY(rig_master, "without the grants of a majority this node is owner no longer"),
	{"pulse", "granted", "", "master", 100},
	{"timer", "granted", "advert:128", "master"},
	{"sent", "granted", "lease:275", "master"},
	{"after 30: pulse", "free", "lower state", "backup no-majority", 25},
	/* It has seen nobody's grants since: the others come first. */
	{"after 1: pulse", "granted", "", "backup", 24},

	STORY(rig_master, "its clock stood still, as a member or the next owner shows"),
	{"after 30: pulse", "free, lapsed, stood", "lower state", "backup clock-stood", 25},
	{"after 25: timer", "occupied", "", "backup", 325},

	STORY(rig_master, "no advert renews the lease while the grants have lapsed"),
	{"after 200: timer", "granted, lapsed", "", "master", 25},
	{"after 75: timer", "granted, lapsed", "lower state", "backup no-majority", 25},

	STORY(rig_master, "a node whose grants have lapsed does not dispute what others own"),
	{"advert 100 from 1", "granted, lapsed", "", "master"},
	{"advert 100 from 1", "granted", "advert:128 garp", "master"},

	STORY(rig_master, "nor does it send an advert, to which the next owner would yield"),
	{"timer", "granted, lapsed", "", "master", 25},
	{"timer", "granted, lapsed", "", "master", 25},
	{"timer", "granted", "advert:128", "master", 100},
	{"advert 0 from 1", "granted, lapsed", "", "master"},

	STORY(rig_master, "an old pulse of a former owner ends nothing"),
	{"pulse", "lease 20 of 1/200, granted", "", "master", 100},

	STORY(rig_master,
	      "a member promises nothing: of two owners the lesser one yields by pulse"),
	{"after 10: pulse", "lease 20 of 1/200, seen 10, granted, stand-in", "", "master", 90},
	{"pulse", "lease 20 of 1/200, seen 9, granted, stand-in, lapsed", "", "master", 90},
	{"pulse", "lease 20 of 1/200, seen 9, granted", "", "master", 90},
	{"pulse", "lease 20 of 1/200, seen 9, granted, stand-in", "lower state",
	 "backup other-owner", 350},

	STORY(rig_master, "who yields does not take the VIP again by the grants that it had"),
	{"after 10: pulse", "lease 20 of 1/200, seen 9, granted, occupied, stand-in, kept",
	 "lower state", "backup other-owner", 350},
	{"pulse", "lease 20 of 1/200, seen 9, granted, occupied, stand-in, kept", "", "backup"},
	{"after 40: pulse", "granted, stand-in", "advert:128", "backup"},

	STORY(rig_master,
	      "and the better one corrects the clients, also when the other has yielded"),
	{"after 10: pulse", "lease 20 of 1/100, seen 10, granted, stand-in", "", "master", 90},
	{"pulse", "lease 20 of 1/100, seen 9, granted, stand-in", "advert:128 garp", "master", 90},
	{"pulse", "lease 20 of 1/100, seen 8, granted, stand-in", "", "master", 90},
	{"pulse", "granted, stand-in", "garp", "master", 90},

	STORY(rig_master, "a node that preempts gets the VIP, and is not disputed"),
	{"pulse", "granted", "", "master"},
	{"advert 200 from 1", "granted", "lower state", "backup higher-priority", 350},
	{"after 1: pulse", "free", "", "backup", 349},
	{"after 1: pulse", "occupied", "", "backup", 348},

	STORY(rig_master, "a node that was deaf asks the members, and waits for no advert"),
	{"fault link-down", "granted, deaf", "lower advert:0 state", "fault link-down"},
	{"after 500: clear check-ok", "free", "state", "backup link-up", 25},
	{"timer", "free", "", "backup", 325},
	{"after 1: pulse", "granted", "advert:128", "backup"},
	{"sent", "granted", "lease:275 raise state", "master granted", 100},

	STORY(rig_init, "after a restart: the lease goes on if the grants run"),
	{"start adopting 200", "granted", "advert:128", "init"},
	{"sent", "granted", "lease:275 raise state", "master adopted"},
	STORY(rig_init, "after a restart: grants that have ended end the lease"),
	{"start adopting 200", "free", "lower state", "backup started"},
	STORY(rig_init, "after a start: the members are asked, no advert is awaited"),
	{"start", "free", "state", "backup started", 25},
	{"timer", "free", "", "backup", 325},
	{"after 1: pulse", "granted", "advert:128", "backup"},
	STORY(rig_init, "after a start: an owner that is heard is followed"),
	{"start", "occupied", "state", "backup started", 25},
	{"advert 200 from 1", "fresh, occupied", "", "backup", 350},
	STORY(rig_master, "after a long pause, too"),
	{"after 300: pulse", "free, lapsed", "lower state", "backup no-majority", 25},
	STORY(rig_master, "also when the grants are longer than the lease"),
	{"after 300: pulse", "granted", "lower state", "backup lease-lost", 25},
	STORY(rig_master, "who let go waits for the node that is to follow"),
	{"handover operator", "granted", "lower advert:0 state", "backup operator", 350},
	STORY(rig_init, "after a restart: its clock stood still, as is known before the advert"),
	{"start adopting 200", "granted", "advert:128", "init"},
	{"sent", "free, lapsed, stood", "lower state", "backup clock-stood"},
	STORY(rig_init, "after a restart: they end while the advert is sent"),
	{"start adopting 200", "granted", "advert:128", "init"},
	{"sent", "free", "lower state", "backup no-majority"},
};

static void only_granted_nodes_become_owner(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, ways);
}

static void owners_without_grants_let_go(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, owners);
}

/* The members are asked only by a node that may become owner now. */
static void wishes_follow_the_ways(void **state)
{
	static const struct {
		const char *title;
		struct rig_step row[2];
		enum hokm_reason wants;
	} cases[] = {
		{"nobody was heard", {{"pulse", "free", "", "backup"}}, HOKM_R_NONE},
		{"Master_Down is over",
		 {{"after 350: timer", "free", "", "backup"}},
		 HOKM_R_MASTER_DOWN},
		{"the owner has grants",
		 {{"advert 200 from 1", "fresh, occupied", "", "backup"}},
		 HOKM_R_GRANTED},
		{"an owner by adverts alone",
		 {{"advert 200 from 1", "fresh, free", "", "backup"}},
		 HOKM_R_NONE},
		{"Master_Down is over, and one that takes no part owns",
		 {{"after 350: timer", "lease 100, absent-holds, free", "", "backup"}},
		 HOKM_R_NONE},
		{"handed over to this node",
		 {{"advert 0 from 1", "fresh, best, occupied", "probe", "backup"}},
		 HOKM_R_HANDED_OVER},
		{"the hook has not permitted",
		 {{"advert 200 from 1", "fresh, occupied", "", "backup"},
		  {"pulse", "free, unpermitted", "ask", "backup"}},
		 HOKM_R_NONE},
		{"not eligible", {{"fault service-down", "free", "state", "fault"}}, HOKM_R_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;

		rig_backup(&r);
		rig_run(&r, cases[i].title, cases[i].row, cases[i].row[1].happens ? 2 : 1);
		if (r.v.wants != cases[i].wants)
			fail_msg("%s: wants %s", cases[i].title, hokm_reason_name(r.v.wants));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_granted_nodes_become_owner),
		cmocka_unit_test(owners_without_grants_let_go),
		cmocka_unit_test(wishes_follow_the_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
