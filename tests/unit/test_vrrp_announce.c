/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine announces that it becomes owner before it does, where a peer that answers pulses
 * could become owner at the same moment. vrrp_rig.h explains the tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vrrp_rig.h"

/* Master_Down is over, and the node has announced that it becomes owner. */
static void announced(struct rig *r)
{
	static const struct rig_step steps[] = {
		{"timer", "asked 0", "probe", "backup", 1},
	};

	rig_backup(r);
	rig_run(r, "on the way to an announcement", steps, 1);
	assert_true(r->v.announced_ns > 0);
}

static const struct rig_step master_down[] = {
	STORY(rig_backup, "no peer answers pulses: at once"),
	{"timer", "", "advert:128", "backup"},

	STORY(announced, "all have answered since, and nobody announces it too"),
	{"timer", "asked 0", "advert:128", "backup"},
	{"sent", "asked 0", "lease:275 raise state", "master master-down"},

	STORY(announced, "a pulse is as good as the timer"),
	{"after 1: timer", "asked 1", "probe", "backup", 2},
	{"after 1: pulse", "asked 0", "", "backup", 1},
	{"timer", "asked 1", "advert:128", "backup"},

	STORY(announced, "an answer to a probe from before proves nothing"),
	{"timer", "asked 1", "probe", "backup", 2},
	{"timer", "asked 3", "probe", "backup", 4},
	{"timer", "asked 0", "advert:128", "backup"},

	STORY(announced, "and one that came long ago does not: this node had no CPU"),
	{"after 100: timer", "asked 80", "probe", "backup"},
	{"timer", "asked 0", "advert:128", "backup"},

	STORY(announced, "a better node announces it: the lesser one gives way for an interval"),
	{"pulse", "asked 0", "", "backup"},
	{"after 1: pulse", "asked 0, better announces", "", "backup", 100},
	{"timer", "asked 0", "probe", "backup", 1},
	{"timer", "asked 0", "advert:128", "backup"},

	STORY(announced, "a lesser node announces it: the better one waits until it gives way"),
	{"timer", "asked 0, lesser announces", "probe", "backup", 2},
	{"timer", "asked 0, lesser announces", "probe", "backup", 4},
	{"timer", "asked 0", "advert:128", "backup"},

	STORY(announced, "or becomes owner"),
	{"timer", "asked 0, lesser announces", "probe", "backup", 2},
	{"timer", "asked 0, lease 270 of 1/100", "", "backup"},

	STORY(announced, "an advert of an owner comes"),
	{"advert 200 from 3", "asked 0, lease 275", "", "backup", 350},

	STORY(announced, "the peers cease to answer: nobody competes"),
	{"timer", "", "advert:128", "backup"},

	STORY(announced, "the permission has lapsed: it announces anew when it is there again"),
	{"timer", "asked 0, unpermitted", "ask", "backup", 16},
	{"timer", "asked 0", "probe", "backup", 1},
	{"timer", "asked 0", "advert:128", "backup"},

	STORY(announced, "the advert cannot be sent: nobody waits for this node"),
	{"timer", "asked 0", "advert:128", "backup"},
	{"send failed", "asked 0", "", "backup", 25},
	{"timer", "asked 0", "probe", "backup", 1},
};

static const struct rig_step handed_over[] = {
	STORY(rig_backup, "one answer confirms both: the lease is free, and nobody else takes it"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best, asked 5", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, asked 0", "advert:128", "backup"},

	STORY(rig_backup, "the former owner takes it back meanwhile"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best, asked 5", "probe", "backup", 1},
	{"after 1: pulse", "fresh, best, asked 0, better announces", "", "backup", 100},
};

/* Nobody waits for a node that may not become owner. */
static const struct rig_step unpermitted[] = {
	STORY(announced, "at Master_Down"),
	{"timer", "asked 0, unpermitted", "ask", "backup", 16},
};

static const struct rig_step released[] = {
	STORY(rig_backup, "and the owner that let go for it is dead"),
	{"advert 200 from 1", "stale, lease 275", "", "backup"},
	{"advert 0 from 1", "stale, best, asked 5", "probe", "backup", 1},
	{"after 100: timer", "asked 0, unpermitted", "ask probe", "backup"},
};

static void test_master_down(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, master_down);
}

static void test_unpermitted(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, unpermitted);
	assert_int_equal(r.v.announced_ns, 0);
	RIG_TELL(&r, released);
	assert_int_equal(r.v.announced_ns, 0);
}

static void test_handed_over(void **state)
{
	struct rig r;

	(void)state;
	RIG_TELL(&r, handed_over);
	assert_int_equal(r.v.announced_ns, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_master_down),
		cmocka_unit_test(test_unpermitted),
		cmocka_unit_test(test_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
