/* SPDX-License-Identifier: GPL-2.0-only */
/* The doctor and several VIPs: each of them must be where the owner is, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "doctor/facts.h"
#include "doctor/rules.h"

static void each_vip_counts(void **state)
{
	static const struct {
		bool owner;
		unsigned int here; /* bits */
		int vip_here;
		const char *vip;
	} cases[] = {
		{true, 7, 1, "192.168.1.25"},  {true, 6, 0, "192.168.1.25"},
		{true, 5, 0, "192.168.1.24"},  {true, 3, 0, "192.168.1.23"},
		{true, 0, 0, "192.168.1.25"},  {false, 0, 0, "192.168.1.25"},
		{false, 1, 1, "192.168.1.25"}, {false, 4, 1, "192.168.1.23"},
	};
	static const char *const vips[] = {"192.168.1.25", "192.168.1.24", "192.168.1.23"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct finding out = {0};
		struct facts f;

		facts_init(&f);
		f.owner = cases[i].owner;
		for (; f.n_vips < 3; f.n_vips++)
			snprintf(f.vips[f.n_vips], sizeof(f.vips[0]), "%s", vips[f.n_vips]);
		memcpy(f.vip, f.vips[0], sizeof(f.vip));
		facts_judge_vips(&f, cases[i].here);
		if (f.vip_here != cases[i].vip_here || strcmp(f.vip, cases[i].vip) != 0)
			fail_msg("case %zu: %d, %s", i, f.vip_here, f.vip);
		/* The finding of an owner names the one that it lacks. */
		assert_int_equal(rule_vip_missing(&f, &out), f.owner && !cases[i].vip_here);
		if (f.owner && !cases[i].vip_here)
			assert_non_null(strstr(out.evidence, cases[i].vip));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vip_counts),
	};

	return cmocka_run_group_tests_name("doctor: VIPs", tests, NULL, NULL);
}
