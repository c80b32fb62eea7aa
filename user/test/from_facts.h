/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the categories connectivity and vrrp, from the facts of the doctor; see report.h. */
#ifndef HOKM_TEST_FROM_FACTS_H
#define HOKM_TEST_FROM_FACTS_H

#include "doctor/findings.h"
#include "test/report.h"

/*
 * Adds the rows of one category; none for a category that does not rest on facts. A row fails when
 * the doctor has one of its findings, and then has its evidence and what to do next. Pure.
 */
void test_from_facts(const struct facts *f, enum test_category c, struct test_report *t);

#endif
