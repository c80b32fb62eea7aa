/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers: a wheel of WHEEL_SIZE slots of one millisecond, each a doubly linked list. The slot of a
 * timer is its due time modulo the size. A timer that is not due when its slot is run stays in it.
 *
 * Invariant: no armed timer is due before wheel.now_ms, because a time in the past becomes the next
 * slot.
 */
#include "players.h"

void timer_stop(struct timer *t)
{
	if (!t->pprev)
		return;
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->pprev = NULL;
}

void timer_arm(struct wheel *w, struct timer *t, uint64_t due_ms)
{
	struct timer **slot;

	timer_stop(t);
	t->due_ms = due_ms > w->now_ms ? due_ms : w->now_ms + 1;
	slot = &w->slots[t->due_ms % WHEEL_SIZE];
	t->next = *slot;
	if (t->next)
		t->next->pprev = &t->next;
	*slot = t;
	t->pprev = slot;
}

/*
 * The due timers are moved to a separate list first. So fn may arm and stop any timer, also one on
 * that list: its links stay valid there.
 */
static void run_slot(struct wheel *w, timer_fn fn, void *arg)
{
	struct timer *due = NULL;
	struct timer *t, *next;

	for (t = w->slots[w->now_ms % WHEEL_SIZE]; t; t = next) {
		next = t->next;
		if (t->due_ms > w->now_ms)
			continue;
		timer_stop(t);
		t->next = due;
		if (due)
			due->pprev = &t->next;
		due = t;
		t->pprev = &due;
	}
	while ((t = due)) {
		timer_stop(t);
		fn(t, arg);
	}
}

void wheel_run(struct wheel *w, uint64_t now_ms, timer_fn fn, void *arg)
{
	while (w->now_ms < now_ms) {
		w->now_ms++;
		run_slot(w, fn, arg);
	}
}
