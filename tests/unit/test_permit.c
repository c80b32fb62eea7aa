/* SPDX-License-Identifier: GPL-2.0-only */
/* The permission to become owner: each answer, and what time does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "decide/permit.h"

#define S  1000000000ULL
#define T0 (100 * S)

static const struct permit_conf permits = {.wait_ns = 2 * S, .silence = true};
static const struct permit_conf refuses = {.wait_ns = 2 * S, .silence = false};

static void word_at(struct permit *p, const struct permit_conf *c, uint64_t now_ns,
		    enum permit_word word)
{
	permit_step(p, c, false, now_ns);
	assert_int_equal(p->word, word);
	assert_int_equal(permit_allows(p, c), word == PERMIT_GIVEN);
}

static void without_a_wait_nothing_is_needed(void **state)
{
	const struct permit_conf none = {0};
	const struct permit p = {0};

	(void)state;
	assert_true(permit_allows(&p, &none));
	assert_false(permit_allows(&p, &permits));
}

static void an_answer_holds_for_a_while(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		const enum permit_word word = yes ? PERMIT_GIVEN : PERMIT_REFUSED;
		struct permit p = {0};

		assert_true(permit_ask(&p, T0));
		/* One question at a time. */
		assert_false(permit_ask(&p, T0 + S));
		permit_answer(&p, p.number, yes, T0 + S);
		word_at(&p, &permits, T0 + S, word);
		assert_false(permit_ask(&p, T0 + 2 * S));
		word_at(&p, &permits, T0 + S + PERMIT_LASTS_NS - 1, word);
		word_at(&p, &permits, T0 + S + PERMIT_LASTS_NS, PERMIT_NONE);
		assert_true(permit_ask(&p, T0 + S + PERMIT_LASTS_NS));
	}
}

static void silence_counts_as_the_key_says_and_is_bounded(void **state)
{
	struct permit p = {0}, q = {0};

	(void)state;
	assert_true(permit_ask(&p, T0));
	word_at(&p, &permits, T0 + 2 * S - 1, PERMIT_ASKED);
	word_at(&p, &permits, T0 + 2 * S, PERMIT_GIVEN);
	assert_true(permit_ask(&q, T0));
	word_at(&q, &refuses, T0 + 2 * S, PERMIT_REFUSED);
	/* An answer that comes too late changes nothing. */
	permit_answer(&q, q.number, true, T0 + 3 * S);
	word_at(&q, &refuses, T0 + 3 * S, PERMIT_REFUSED);
}

/* The hook that was asked before a change of the state may still run. */
static void an_answer_to_an_older_question_does_not_count(void **state)
{
	struct permit p = {0};
	uint64_t older;

	(void)state;
	assert_true(permit_ask(&p, T0));
	older = p.number;
	permit_reset(&p);
	permit_answer(&p, older, true, T0);
	word_at(&p, &permits, T0, PERMIT_NONE);
	assert_true(permit_ask(&p, T0));
	permit_answer(&p, older, true, T0);
	word_at(&p, &permits, T0, PERMIT_ASKED);
	permit_answer(&p, p.number, false, T0);
	word_at(&p, &permits, T0, PERMIT_REFUSED);
}

/* The peers must know it all the time: between two questions they would hand the VIP over. */
static void a_refusal_lasts_until_the_hook_permits(void **state)
{
	const struct permit_conf none = {0};
	struct permit p = {0};
	uint64_t now_ns = T0;

	(void)state;
	assert_false(permit_refuses(&p, &permits));
	for (int i = 0; i < 3; i++) {
		assert_true(permit_ask(&p, now_ns));
		assert_int_equal(permit_refuses(&p, &permits), i > 0);
		permit_answer(&p, p.number, false, now_ns);
		assert_true(permit_refuses(&p, &permits));
		assert_false(permit_refuses(&p, &none));
		now_ns += PERMIT_LASTS_NS;
		word_at(&p, &permits, now_ns, PERMIT_NONE);
		assert_true(permit_refuses(&p, &permits));
	}
	assert_true(permit_ask(&p, now_ns));
	permit_answer(&p, p.number, true, now_ns);
	assert_false(permit_refuses(&p, &permits));
	assert_true(permit_allows(&p, &permits));
	/* Silence that counts as a refusal is one; a change of the state ends it. */
	permit_reset(&p);
	assert_true(permit_ask(&p, now_ns));
	word_at(&p, &refuses, now_ns + 2 * S, PERMIT_REFUSED);
	assert_true(permit_refuses(&p, &refuses));
	permit_reset(&p);
	assert_false(permit_refuses(&p, &refuses));
}

/* A hook that refuses is not run again and again while the VIP is in good hands. */
static void nobody_asks_while_a_healthy_peer_owns(void **state)
{
	struct permit p = {0};
	uint64_t now_ns = T0, lasts_ns = PERMIT_LASTS_NS;

	(void)state;
	/* It would preempt the peer, and asks by itself. */
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(permit_ask(&p, now_ns));
		permit_answer(&p, p.number, false, now_ns);
		permit_step(&p, &permits, true, now_ns + lasts_ns - 1);
		assert_int_equal(p.word, PERMIT_REFUSED);
		assert_true(permit_refuses(&p, &permits));
		now_ns += lasts_ns;
		permit_step(&p, &permits, true, now_ns);
		assert_int_equal(p.word, PERMIT_NONE);
		assert_false(permit_refuses(&p, &permits));
		if (i < PERMIT_DOUBLED)
			lasts_ns *= 2;
	}
	/* The peer fails: the long refusal is over at once, and the node goes on refusing. */
	assert_true(permit_ask(&p, now_ns));
	permit_answer(&p, p.number, false, now_ns);
	word_at(&p, &permits, now_ns + PERMIT_LASTS_NS, PERMIT_NONE);
	assert_true(permit_refuses(&p, &permits));
	assert_int_equal(p.refusals, 0);
	/* One permission ends the series. */
	assert_true(permit_ask(&p, now_ns));
	permit_answer(&p, p.number, true, now_ns);
	assert_int_equal(p.refusals, 0);
	/* An operator mends the hook: the refusal of the next hand-over lasts no longer. */
	now_ns += 20 * PERMIT_LASTS_NS;
	for (unsigned int i = 0; i < 3; i++) {
		permit_step(&p, &permits, true, now_ns);
		assert_true(permit_ask(&p, now_ns));
		permit_answer(&p, p.number, false, now_ns);
		permit_step(&p, &permits, true, now_ns + PERMIT_LASTS_NS);
		assert_false(permit_refuses(&p, &permits));
		now_ns += 2 * PERMIT_LASTS_NS;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_wait_nothing_is_needed),
		cmocka_unit_test(an_answer_holds_for_a_while),
		cmocka_unit_test(silence_counts_as_the_key_says_and_is_bounded),
		cmocka_unit_test(an_answer_to_an_older_question_does_not_count),
		cmocka_unit_test(a_refusal_lasts_until_the_hook_permits),
		cmocka_unit_test(nobody_asks_while_a_healthy_peer_owns),
	};

	return cmocka_run_group_tests_name("permit", tests, NULL, NULL);
}
