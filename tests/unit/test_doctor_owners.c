/* SPDX-License-Identifier: GPL-2.0-only */
/* Two owners, as the doctor finds them: by the pulses of the other one, or by its adverts. */
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
	bool here, by_pulses, by_adverts;
	const char *evidence, *cause; /* parts of them; NULL: it is not found */
} rows[] = {
	{true, true, false, "the pulses of backup say", "adverts do not pass"},
	{true, false, true, "the adverts of backup say", "pulses do not pass"},
	{true, false, false, NULL, NULL},
	{false, true, false, NULL, NULL},
	{false, false, true, NULL, NULL},
};

static const struct finding *two_owners(const struct findings *found)
{
	for (unsigned int i = 0; i < found->n; i++)
		if (!strcmp(found->list[i].id, "two-owners"))
			return &found->list[i];
	return NULL;
}

static void they_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct finding *two;
		struct findings found;
		struct facts f;

		facts_init(&f);
		f.n_peers = 1;
		snprintf(f.peers[0].name, sizeof(f.peers[0].name), "backup");
		f.owner = rows[i].here;
		f.peers[0].owner = rows[i].by_pulses;
		f.peers[0].rival = rows[i].by_adverts;
		doctor_judge(&f, &found);
		two = two_owners(&found);
		if (!two != !rows[i].evidence)
			fail_msg("row %zu: found %d", i, two != NULL);
		if (two && (!strstr(two->evidence, rows[i].evidence) ||
			    !strstr(two->cause, rows[i].cause)))
			fail_msg("row %zu: %s: %s", i, two->evidence, two->cause);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(they_are_found)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
