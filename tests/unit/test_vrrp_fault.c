/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine: FAULT, what ends it, and new settings by a reload. vrrp_rig.h explains the
 * tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vrrp_rig.h"

static const struct rig_step fault[] = {
	STORY(rig_master, "the owner fails; the node it hears during FAULT is followed afterwards"),
	{"fault maint", "", "lower advert:0 state", "fault", -1},
	{"fault link-down", "", "", "fault"},
	{"after 500: timer", "", "", "fault", -1},
	{"advert 100 from 1", "", "", "fault"},
	{"pulse", "", "", "fault"},
	{"after 100: clear service-up", "", "state", "backup ready", 250},

	STORY(rig_backup, "the owner is silent for longer than Master_Down: Skew_Time is left"),
	{"fault service-down", "", "state", "fault", -1},
	{"advert 200 from 1", "", "", "fault"},
	{"after 340: clear service-up", "", "state", "backup service-up", 50},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master master-down"},

	STORY(rig_backup, "only the goodbye of the owner counts"),
	{"fault service-down", "", "state", "fault"},
	{"advert 200 from 1", "", "", "fault"},
	{"advert 0 from 3", "", "", "fault"},
	{"clear panic-hold", "", "state", "backup panic-hold", 350},
	{"fault service-down", "", "state", "fault"},
	{"advert 0 from 1", "", "", "fault"},
	{"clear service-up", "", "state", "backup", 50},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master priority-zero"},

	STORY(rig_backup, "without a link, silence proves nothing"),
	{"advert 200 from 1", "", "", "backup", 350},
	{"fault link-down", "deaf", "state", "fault"},
	{"after 1000: clear service-up", "", "state", "backup link-up", 350},

	STORY(rig_backup, "nor when the link went down during FAULT"),
	{"fault service-down", "", "state", "fault"},
	{"pulse", "deaf", "", "fault"},
	{"after 1000: clear service-up", "", "state", "backup", 350},

	STORY(rig_backup, "a node that was cut off from peers and gateway has not heard the owner"),
	{"advert 200 from 1", "", "", "backup", 350},
	{"fault gateway-silent", "deaf", "state", "fault"},
	{"pulse", "deaf", "", "fault"},
	{"after 1000: clear service-up", "", "state", "backup gateway-answers", 350},

	STORY(rig_backup, "the daemon stops in FAULT"),
	{"fault gateway-silent", "", "state", "fault"},
	{"clear service-up", "", "state", "backup gateway-answers"},
	{"fault etcd-silent", "", "state", "fault"},
	{"clear service-up", "", "state", "backup etcd-answers"},
	{"fault operator", "", "state", "fault"},
	{"handover operator", "", "", "fault"},
	{"clear service-up", "", "state", "backup operator"},
	{"fault operator", "", "state", "fault"},
	{"stop stopped", "", "state", "init stopped", -1},
	{"stop stopped", "", "", "init"},
};

static const struct rig_step reloaded[] = {
	STORY(rig_master, "a shorter interval shortens the lease, because the peers wait less"),
	{"reload every 20", "", "", "master", 20},
	{"timer", "", "advert:128", "master", 20},
	{"sent", "", "lease:55", "master", 20},
	{"reload every 1000", "", "", "master", 20},

	STORY(rig_master, "sent at the former interval, and the new lease would be over already"),
	{"timer", "", "advert:128", "master"},
	{"reload every 20", "", "", "master"},
	{"after 60: sent 60 ago", "", "lower state", "backup lease-lost"},

	STORY(rig_backup,
	      "a shorter interval shortens Master_Down, a longer one does not prolong it"),
	{"reload every 20", "", "", "backup", 70},
	{"reload every 1000", "", "", "backup", 70},

	STORY(rig_backup, "the owner still advertises every 300 ms"),
	{"advert 100 every 300 from 1", "", "", "backup", 1050},
	{"reload every 20", "", "", "backup", 1050},
	{"reload delay 5", "", "", "backup", 5},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:55 raise state", "master preempt"},
};

static void test_fault(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, fault);
}

static void test_reload(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, reloaded);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
