/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp test`: numbered checks of a node, each with what is expected and what was seen.
 *
 *   report.c     the rows, as text, JSON and JUnit XML, pure
 *   from_facts.c rows from the facts of the doctor (doctor/findings.h), pure
 *   active.c     rows of what the test does itself: health, game, DNS, notifications
 *   drill.c      the drill on the owner
 *   drill_guard.c whether one may begin that nobody watches, pure
 *   players.c    the players of a drill, on another machine
 *   test_main.c  the command
 *
 * A row passes, fails, or is skipped with a reason. What was not looked at never passes.
 */
#ifndef HOKM_TEST_REPORT_H
#define HOKM_TEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TEST_ROWS_MAX 128

enum test_result { TEST_SKIP, TEST_PASS, TEST_FAIL };

enum test_category {
	TEST_CONNECTIVITY,
	TEST_HEALTH,
	TEST_GAME,
	TEST_VRRP,
	TEST_FAILOVER,
	TEST_DNS,
	TEST_NOTIFY,
	TEST_CATEGORIES,
};

struct test_row {
	enum test_category category;
	enum test_result result;
	char name[80], expected[160];
	char seen[320]; /* of a row that is skipped: why */
	char next[320]; /* of a row that failed: what to do; "" when that is not known */
	uint64_t took_ns;
};

struct test_report {
	unsigned int n;
	struct test_row rows[TEST_ROWS_MAX];
};

const char *test_category_name(enum test_category c);
/* TEST_CATEGORIES: it is none. */
enum test_category test_category_find(const char *name);
const char *test_result_name(enum test_result r);

/* A new row, skipped as yet. When there is no room it takes the place of the last one. */
struct test_row *test_add(struct test_report *t, enum test_category c, const char *name,
			  const char *expected);
/* What was seen. Returns r. */
struct test_row *test_end(struct test_row *r, enum test_result result, const char *seen, ...)
	__attribute__((format(printf, 3, 4)));
unsigned int test_count(const struct test_report *t, enum test_result r);

void test_show(const struct test_report *t, FILE *to);
/* 0 or -errno. */
int test_list(const struct test_report *t, const char *node, FILE *to);
/* One suite for each category that has rows. Errors are those of the stream. */
void test_junit(const struct test_report *t, const char *node, FILE *to);

#endif
