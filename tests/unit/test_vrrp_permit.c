/* SPDX-License-Identifier: GPL-2.0-only */
/* The VRRP machine while the operator's hook has not permitted to become owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vrrp_rig.h"

static const struct rig_step ways[] = {
	STORY(rig_backup, "the owner is silent: no advert before the permission"),
	{"after 350: timer", "unpermitted", "ask", "backup", 16},
	{"timer", "unpermitted", "ask", "backup", 16},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master master-down", 100},

	STORY(rig_backup, "the owner is silent: no advert before the arbiter allows it"),
	{"after 350: timer", "undecided", "", "backup", 16},
	{"timer", "undecided, unpermitted", "", "backup", 16},
	{"timer", "", "advert:128", "backup"},
	{"sent", "", "lease:275 raise state", "master master-down", 100},
	{"timer", "undecided", "advert:128", "master"},

	STORY(rig_backup, "refused: a lower node becomes owner, and this one follows it"),
	{"after 350: timer", "unpermitted", "ask", "backup", 16},
	{"advert 100 from 3", "unpermitted, held back", "", "backup", 350},
	{"pulse", "held back", "", "backup", 350},

	STORY(rig_backup, "the owner hands the VIP over"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, unpermitted", "ask", "backup"},
	{"pulse", "fresh, best, unpermitted", "ask", "backup"},
	{"pulse", "fresh, best", "advert:128", "backup"},
	{"sent", "fresh", "lease:275 raise state", "master handed-over", 100},

	/* An owner that let go would wait for an answer that takes seconds. */
	STORY(rig_backup, "preempting: the owner is not asked to let go before the permission"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 every 1000 from 1", "stale, lease 2750", "", "backup", 10},
	{"timer", "stale, lease 2740, unpermitted", "ask", "backup", 16},
	{"timer", "stale, lease 2724", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 2724", "", "backup", 1},
	{"after 1: pulse", "fresh, unpermitted", "advert:128", "backup"},
	{"sent", "stale", "lease:275 raise state", "master preempt", 100},

	/* The owner lets go for our sake: nobody else comes after it. */
	STORY(rig_backup, "the permission expires between claim and release"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 every 1000 from 1", "stale, lease 2750", "", "backup", 10},
	{"timer", "stale, lease 2740", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 2740", "", "backup", 1},
	{"advert 0 from 1", "stale, best, unpermitted", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, unpermitted", "advert:128", "backup"},
	{"sent", "fresh, unpermitted", "lease:275 raise state", "master handed-over", 100},

	STORY(rig_backup, "the same, and its pulses are lost"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 from 1", "stale, lease 275", "", "backup", 10},
	{"timer", "stale, lease 265", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 265", "", "backup", 1},
	{"advert 0 from 1", "unpermitted", "", "backup", 50},
	{"timer", "unpermitted", "advert:128", "backup"},
	{"sent", "unpermitted", "lease:275 raise state", "master priority-zero", 100},

	STORY(rig_backup, "another owner comes: the permission is needed anew"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 from 1", "stale, lease 275", "", "backup", 10},
	{"timer", "stale, lease 265", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 265", "", "backup", 1},
	{"advert 0 from 1", "unpermitted", "", "backup", 50},
	{"advert 200 from 3", "", "", "backup", 350},
	{"advert 0 from 3", "stale, best", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, unpermitted", "ask", "backup"},

	STORY(rig_backup, "no claim is sent again without a permission"),
	{"reload every 100 delay 10", "", "", "backup"},
	{"advert 100 every 1000 from 1", "stale, lease 2750", "", "backup", 10},
	{"timer", "stale, lease 2740", "advert:128 probe", "backup", 1},
	{"sent", "stale, lease 2740", "", "backup", 1},
	{"after 100: timer", "stale, lease 2640, unpermitted", "ask probe", "backup", 2},
	{"after 1: timer", "stale, lease 2639", "", "backup", 1},
	{"timer", "stale, lease 2638", "advert:128 probe", "backup", 4},

	STORY(rig_init, "a lease of before a restart is continued"),
	{"start adopting 200", "unpermitted", "advert:128", "init"},
	{"sent", "unpermitted", "lease:275 raise state", "master adopted"},

	STORY(rig_master, "an owner goes on"),
	{"timer", "unpermitted", "advert:128", "master"},
	{"sent", "unpermitted", "lease:275", "master"},
	/* Safety demands that it gives up. */
	{"fault service-down", "unpermitted", "lower advert:0 state", "fault service-down", -1},
	{"clear service-up", "unpermitted", "state", "backup"},
	STORY(rig_master, "the operator takes the VIP away"),
	{"handover operator", "unpermitted", "lower advert:0 state", "backup operator"},
	STORY(rig_master, "a higher node owns"),
	{"advert 200 from 1", "unpermitted", "lower state", "backup higher-priority"},
	STORY(rig_master, "the daemon stops"),
	{"stop stopped", "unpermitted", "lower advert:0 state", "init stopped", -1},
};

static const struct rig_step refusals[] = {
	STORY(rig_backup, "refused after a hand-over: the owner that let go is informed"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, unpermitted", "ask", "backup"},
	{"refused", "fresh, best, unpermitted", "advert:0", "backup"},
	{"pulse", "fresh, best, unpermitted", "ask", "backup"},
	STORY(rig_backup, "refused before any owner was heard"),
	{"after 350: timer", "unpermitted", "ask", "backup", 16},
	{"refused", "unpermitted", "advert:0", "backup", 16},
	STORY(rig_backup, "refused while another one owns: it has nothing to say"),
	{"advert 100 from 1", "stale, lease 275", "", "backup"},
	{"refused", "stale, lease 275, unpermitted", "", "backup"},
	STORY(rig_backup, "refused while a keepalived owns"),
	{"advert 100 from 1", "", "", "backup"},
	{"refused", "unpermitted", "", "backup"},
	STORY(rig_backup, "by grants, refused while another one is granted"),
	{"refused", "occupied, unpermitted", "", "backup"},
	{"refused", "free, unpermitted", "advert:0", "backup"},
	STORY(rig_master, "an answer that comes too late"),
	{"refused", "unpermitted", "", "master"},

	STORY(rig_master, "the successor is refused: this node takes the VIP back at once"),
	{"handover operator", "", "lower advert:0 state", "backup operator", 350},
	{"after 100: advert 0 from 1", "stale, best", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best", "advert:128", "backup"},
	{"sent", "fresh", "lease:275 raise state", "master handed-over", 100},
};

static void a_refusal_makes_nobody_wait(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, refusals);
}

static void no_way_to_the_vip_goes_around_the_hook(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, ways);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_makes_nobody_wait),
		cmocka_unit_test(no_way_to_the_vip_goes_around_the_hook),
	};

	return cmocka_run_group_tests_name("vrrp: permission", tests, NULL, NULL);
}
