/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takeover of the connections of one dead peer; takeover.h has the states, timers and invariants.
 */
#include <string.h>

#include "decide/takeover.h"

#define MS             1000000ULL
#define NS             1000000000ULL
#define CREDIT_MOST_NS (10 * MS) /* how long unused allowance is kept */

const uint64_t takeover_rounds_ns[TAKEOVER_ROUNDS] = {
	0, 200 * MS, 400 * MS, 600 * MS, 900 * MS, 1500 * MS, 3000 * MS};

void takeover_init(struct takeover *t)
{
	memset(t, 0, sizeof(*t));
}

/* How many connections the rate allows since the last call, at most TAKEOVER_MOST. */
static unsigned int allowance(struct takeover *t, unsigned int rate, uint64_t now_ns)
{
	uint64_t most;

	if (now_ns - t->credit_ns > CREDIT_MOST_NS)
		t->credit_ns = now_ns - CREDIT_MOST_NS;
	most = (now_ns - t->credit_ns) * rate / NS;
	if (most > TAKEOVER_MOST)
		most = TAKEOVER_MOST;
	t->credit_ns += most * NS / rate;
	return (unsigned int)most;
}

/* The burst with which a takeover begins: what the rate allows for one step, at least 1. */
static unsigned int first_burst(unsigned int rate)
{
	uint64_t most = rate * TAKEOVER_STEP_NS / NS;

	if (most > TAKEOVER_MOST)
		return TAKEOVER_MOST;
	return most ? (unsigned int)most : 1;
}

static void begin(struct takeover *t, uint64_t now_ns)
{
	takeover_init(t);
	t->running = t->walking = true;
	t->began_ns = t->credit_ns = now_ns;
}

/* Between two rounds: the next one begins when its time has come. */
static enum takeover_step next_round(struct takeover *t, uint64_t now_ns)
{
	if (t->round == TAKEOVER_ROUNDS) {
		t->running = false;
		t->done = true;
		return TAKEOVER_OVER;
	}
	if (now_ns - t->began_ns < takeover_rounds_ns[t->round])
		return TAKEOVER_IDLE;
	t->walking = true;
	return TAKEOVER_ROUND;
}

enum takeover_step takeover_tick(struct takeover *t, bool due, unsigned int rate, uint64_t now_ns,
				 unsigned int *quota)
{
	enum takeover_step step;

	*quota = 0;
	if (!due) {
		step = t->running ? TAKEOVER_OVER : TAKEOVER_IDLE;
		takeover_init(t);
		return step;
	}
	if (t->done)
		return TAKEOVER_IDLE;
	if (!t->running) {
		begin(t, now_ns);
		*quota = first_burst(rate);
		return TAKEOVER_BEGIN;
	}
	/* A gratuitous ARP within this tick may have called begin() with a later time. */
	if (now_ns < t->credit_ns)
		now_ns = t->credit_ns;
	step = t->walking ? TAKEOVER_WALK : next_round(t, now_ns);
	if (step == TAKEOVER_WALK || step == TAKEOVER_ROUND)
		*quota = allowance(t, rate, now_ns);
	return step;
}

void takeover_walked(struct takeover *t, uint64_t now_ns)
{
	(void)now_ns;
	t->walking = false;
	t->round++;
}

uint64_t takeover_next_ns(const struct takeover *t, uint64_t now_ns)
{
	return t->running && t->walking ? now_ns + TAKEOVER_STEP_NS : 0;
}
