/* SPDX-License-Identifier: GPL-2.0-only */
/* What the doctor advises in state fault goes by the reason: no cable mends a game server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/facts.h"
#include "doctor/findings.h"

static const struct row {
	const char *reason, *advice;
} rows[] = {
	{"link-down", "cable"},
	{"segment-silent", "start_delay"},
	{"path-lost", "bpftool"},
	{"service-down", "hokm-xdp probe"},
	{"started", "first checks"},
	{"maint", "ctl ready"},
	{"operator", "ctl undrain"},
	{"gateway-silent", "cut off from the network"},
	{"etcd-silent", "etcd"},
	{"etcd-refused", "on the other node"},
	/* Of a later version. */
	{"not-known-here", "ctl events --kind state"},
};

static void the_reason_has_its_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings found;
		struct facts f;

		facts_init(&f);
		f.agent = true;
		snprintf(f.state, sizeof(f.state), "fault");
		snprintf(f.reason, sizeof(f.reason), "%s", rows[i].reason);
		doctor_judge(&f, &found);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.list[0].id, "fault");
		if (!strstr(found.list[0].next, rows[i].advice))
			fail_msg("%s: %s", rows[i].reason, found.list[0].next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_reason_has_its_advice)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
