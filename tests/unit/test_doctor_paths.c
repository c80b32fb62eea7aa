/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the doctor finds about the paths of the pulses: each path of two nodes with a cable beside
 * the segment answers, is lost, or has never answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "doctor/facts.h"
#include "doctor/findings.h"

#define ANSWERS 0
#define NEVER   -1

static const struct row {
	int64_t segment_ms, cable_ms; /* since its last answer, or one of the two above */
	const char *why;              /* the own path is not in use; NULL: it is */
	const char *id, *evidence;    /* NULL: nothing is found about a path */
} rows[] = {
	{ANSWERS, ANSWERS, NULL, NULL, NULL},
	{ANSWERS, NEVER, NULL, "pulse-path-never",
	 "backup has never answered a pulse over path 1 (10.0.0.27)"},
	{ANSWERS, 12300, NULL, "pulse-path-lost",
	 "backup has answered no pulse over path 1 (10.0.0.27) for 12.3 s"},
	{5000, ANSWERS, NULL, "segment-lost", "none over the segment for 5.0 s"},
	{NEVER, ANSWERS, NULL, "segment-lost", "never answered a pulse over the segment"},
	{ANSWERS, NEVER, "no interface has it", "pulse-path-unusable",
	 "path 1 (10.0.0.26) is not in use: no interface has it"},
	/* The node or its daemon is silent, whatever the way. */
	{60000, 60000, NULL, NULL, NULL},
	{NEVER, NEVER, NULL, NULL, NULL},
};

static struct fact_path path_of(const char *address, int64_t ms)
{
	struct fact_path p = {.in_use = true, .answers = ms == ANSWERS, .seen_ms = ms};

	snprintf(p.address, sizeof(p.address), "%s", address);
	return p;
}

static void see(const struct row *row, struct facts *f)
{
	struct fact_peer *p = &f->peers[0];

	facts_init(f);
	f->daemon = FACT_ANSWERS;
	f->n_peers = 1;
	snprintf(p->name, sizeof(p->name), "backup");
	p->pulsing = row->segment_ms == ANSWERS || row->cable_ms == ANSWERS;
	p->n_paths = 2;
	p->paths[0] = path_of("192.168.1.27", row->segment_ms);
	p->paths[1] = path_of("10.0.0.27", row->cable_ms);
	p->paths[1].in_use = !row->why;
	f->n_own_paths = 1;
	snprintf(f->own_paths[0].address, sizeof(f->own_paths[0].address), "10.0.0.26");
	snprintf(f->own_paths[0].why, sizeof(f->own_paths[0].why), "%s", row->why ? row->why : "");
}

static bool is_of_paths(const char *id)
{
	return !strcmp(id, "pulse-path-unusable") || !strcmp(id, "pulse-path-never") ||
	       !strcmp(id, "pulse-path-lost") || !strcmp(id, "segment-lost");
}

static void each_path_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct finding *of_paths = NULL;
		struct findings found;
		struct facts f;

		see(&rows[i], &f);
		doctor_judge(&f, &found);
		for (unsigned int k = 0; k < found.n; k++) {
			if (!is_of_paths(found.list[k].id))
				continue;
			assert_null(of_paths);
			of_paths = &found.list[k];
		}
		if (!rows[i].id) {
			assert_null(of_paths);
			continue;
		}
		assert_non_null(of_paths);
		assert_string_equal(of_paths->id, rows[i].id);
		assert_non_null(strstr(of_paths->evidence, rows[i].evidence));
	}
}

/*
 * A node without a second path has a list of one, or none where the daemon is of another version.
 */
static void no_second_path(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	for (unsigned int n = 0; n < 2; n++) {
		see(&(struct row){.segment_ms = 5000, .cable_ms = 5000}, &f);
		f.n_own_paths = 0;
		f.peers[0].n_paths = n;
		doctor_judge(&f, &found);
		for (unsigned int k = 0; k < found.n; k++)
			assert_false(is_of_paths(found.list[k].id));
	}
}

/* What goes over the segment alone ends with it: adverts, replication and steered frames. */
static void a_lost_segment_is_one_finding(void **state)
{
	static const int64_t segment_ms[] = {5000, NEVER};
	struct findings found;
	struct facts f;
	struct fact_peer *p = &f.peers[0];

	(void)state;
	for (size_t i = 0; i < sizeof(segment_ms) / sizeof(segment_ms[0]); i++) {
		see(&(struct row){.segment_ms = segment_ms[i], .cable_ms = ANSWERS}, &f);
		f.agent = p->fresh = p->owner = p->replicated = p->warm = true;
		p->adverts_ms = segment_ms[i] == NEVER ? -1 : 60000;
		snprintf(p->not_steerable, sizeof(p->not_steerable), "no probe arrives");
		doctor_judge(&f, &found);
		assert_int_equal(found.n, 1);
		assert_string_equal(found.list[0].id, "segment-lost");
		/* The segment answers: each is a fault of its own. */
		p->paths[0].answers = true;
		doctor_judge(&f, &found);
		assert_int_equal(found.n, 3);
		assert_string_equal(found.list[0].id, "adverts-missing");
		assert_string_equal(found.list[1].id, "replication-blocked");
		assert_string_equal(found.list[2].id, "not-steerable");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_is_judged),
		cmocka_unit_test(no_second_path),
		cmocka_unit_test(a_lost_segment_is_one_finding),
	};

	return cmocka_run_group_tests_name("doctor's paths", tests, NULL, NULL);
}
