/* SPDX-License-Identifier: GPL-2.0-only */
/* See steer_test.h. */
#include "decide/steer_test.h"

#define MS       1000000ULL
#define FIRST_NS (1000 * MS)
#define LOSS_NS  (1000 * MS)

#define SOON_NS  (20 * MS)   /* from probe to probe while an answer is awaited */
#define LATER_NS (1000 * MS) /* otherwise */

static uint64_t patience_ns(const struct steer_test *t)
{
	return t->state == STEER_GOOD ? LOSS_NS : FIRST_NS;
}

bool steer_test_look(struct steer_test *t, const struct steer_signs *s, uint64_t now_ns)
{
	bool waits;

	if (s->refused)
		t->state = STEER_BAD;
	if (!s->alive || s->refused) {
		t->asked_ns = 0;
		return false;
	}
	if (s->arrived) {
		t->state = STEER_GOOD;
		t->asked_ns = 0;
	} else if (t->asked_ns && now_ns - t->asked_ns >= patience_ns(t)) {
		t->state = STEER_BAD;
	}
	if (now_ns < t->next_ns && t->next_ns - now_ns <= LATER_NS)
		return false;
	waits = !s->arrived && t->state != STEER_BAD;
	t->next_ns = now_ns + (waits ? SOON_NS : LATER_NS);
	if (!s->arrived && !t->asked_ns)
		t->asked_ns = now_ns;
	return true;
}
