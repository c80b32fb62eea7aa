/* SPDX-License-Identifier: GPL-2.0-only */
/* Which change of a DNS record is planned, and which is refused (decide/dns_plan.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/dns_plan.h"

#define A "192.0.2.26" /* the nodes of the group */
#define B "192.0.2.27"
#define X "198.51.100.1" /* others */
#define Y "198.51.100.2"

struct plan_case {
	const char *what;
	const char *present, *want;
	enum dns_mode mode;
	bool force; /* or, of a floating address, whether one that no machine has is taken */
	enum dns_verdict verdict;
	enum dns_why why;
	const char *after; /* the values after the change */
};

#define CHANGE(values) DNS_CHANGE, DNS_WHY_NOT, values
#define KEEP(values)   DNS_NO_CHANGE, DNS_WHY_NOT, values
#define REFUSE(why)    DNS_REFUSE, DNS_WHY_##why, NULL

static const struct plan_case cases[] = {
	{"the record names the other node", A, B, DNS_REPLACE, false, CHANGE(B)},
	{"it names this node already", B, B, DNS_REPLACE, false, KEEP(B)},
	{"a stranger's address stays", X, B, DNS_REPLACE, false, REFUSE(FOREIGN)},
	{"unless it is forced", X, B, DNS_REPLACE, true, CHANGE(B)},
	{"a record is never created", "", B, DNS_REPLACE, true, REFUSE(MISSING)},
	{"a value is never deleted", A " " X, B, DNS_REPLACE, true, REFUSE(SEVERAL)},
	{"nor when the wanted one is there", B " " X, B, DNS_REPLACE, true, REFUSE(SEVERAL)},
	{"of several the group's is replaced", X " " A " " Y, B, DNS_MEMBER, false,
	 CHANGE(X " " B " " Y)},
	{"of several the group's is there", X " " B, B, DNS_MEMBER, false, KEEP(X " " B)},
	{"two of the group are not chosen from", A " " B, B, DNS_MEMBER, false, REFUSE(AMBIGUOUS)},
	{"no member is the group's", X " " Y, B, DNS_MEMBER, true, REFUSE(NONE_OURS)},
	{"one value as a set", A, B, DNS_MEMBER, false, CHANGE(B)},
	{"an address of an operator's choice", A, X, DNS_REPLACE, false, CHANGE(X)},
	{"and what it left, seen by another", X, A, DNS_REPLACE, false, REFUSE(FOREIGN)},
	{"a floating address moves", A, B, DNS_FLOATING, false, CHANGE(B)},
	{"it is there already", B, B, DNS_FLOATING, false, KEEP(B)},
	{"a stranger has it", X, B, DNS_FLOATING, false, REFUSE(FOREIGN)},
	{"no machine has it", "", B, DNS_FLOATING, false, REFUSE(MISSING)},
	{"no machine has it, and it is taken", "", B, DNS_FLOATING, true, CHANGE(B)},
	{"IPv6", "2001:db8::26", B, DNS_REPLACE, false, REFUSE(FOREIGN)},
};

static void fill(struct dns_set *set, const char *words)
{
	char buf[256], *save = NULL;

	memset(set, 0, sizeof(*set));
	snprintf(buf, sizeof(buf), "%s", words);
	for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save))
		snprintf(set->value[set->n++], DNS_ADDRESS_MAX, "%s", w);
}

static void run_case(const struct plan_case *c)
{
	struct dns_set present, group, after;
	struct dns_plan p;
	const struct dns_plan_input in = {
		.want = c->want,
		.present = &present,
		.group = &group,
		.mode = c->mode,
		.take_unassigned = c->mode == DNS_FLOATING && c->force,
		.force = c->mode != DNS_FLOATING && c->force};

	fill(&present, c->present);
	fill(&group, A " " B);
	dns_plan(&in, &p);
	if (p.verdict != c->verdict || p.why != c->why)
		fail_msg("%s: verdict %d, why %d", c->what, p.verdict, p.why);
	if (!c->after)
		return;
	fill(&after, c->after);
	assert_int_equal(p.after.n, after.n);
	for (unsigned int i = 0; i < after.n; i++)
		if (strcmp(p.after.value[i], after.value[i]) != 0)
			fail_msg("%s: value %u is %s", c->what, i, p.after.value[i]);
}

static void only_what_is_ours_is_replaced(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(&cases[i]);
}

/* A monitor leaves the address of a healthy node alone, and nothing else. */
static void what_is_kept_is_not_replaced(void **state)
{
	static const struct {
		const char *present, *keep;
		enum dns_mode mode;
		enum dns_verdict verdict;
	} kept[] = {
		{A, A, DNS_REPLACE, DNS_LEFT},         {A, A " " B, DNS_REPLACE, DNS_LEFT},
		{A, B, DNS_REPLACE, DNS_CHANGE},       {B, A " " B, DNS_REPLACE, DNS_NO_CHANGE},
		{X " " A, A, DNS_MEMBER, DNS_LEFT},    {X " " A, B, DNS_MEMBER, DNS_CHANGE},
		{X, A " " B, DNS_REPLACE, DNS_REFUSE}, {"", A " " B, DNS_REPLACE, DNS_REFUSE},
		{A " " B, A, DNS_MEMBER, DNS_REFUSE},  {A, A, DNS_FLOATING, DNS_LEFT},
		{A, B, DNS_FLOATING, DNS_CHANGE},
	};
	struct dns_set present, group, keep;
	struct dns_plan plan;

	(void)state;
	fill(&group, A " " B);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct dns_plan_input in = {
			.want = B,
			.present = &present,
			.group = &group,
			.keep = &keep,
			.mode = kept[i].mode};

		fill(&present, kept[i].present);
		fill(&keep, kept[i].keep);
		dns_plan(&in, &plan);
		if (plan.verdict != kept[i].verdict)
			fail_msg("case %zu: verdict %d", i, (int)plan.verdict);
	}
}

static void sets_are_compared_in_any_order(void **state)
{
	struct dns_set a, b;

	(void)state;
	fill(&a, A " " X);
	fill(&b, X " " A);
	assert_true(dns_set_equal(&a, &b));
	fill(&b, X " " X);
	assert_false(dns_set_equal(&a, &b));
	fill(&b, X);
	assert_false(dns_set_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_ours_is_replaced),
		cmocka_unit_test(what_is_kept_is_not_replaced),
		cmocka_unit_test(sets_are_compared_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
