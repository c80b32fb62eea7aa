/* SPDX-License-Identifier: GPL-2.0-only */
/* See recover.h. */
#include "decide/recover.h"

const char *recover_state_name(enum recover_state s)
{
	static const char *const names[] = {
		[RECOVER_IDLE] = "idle", [RECOVER_WAITS] = "waits",     [RECOVER_RUNS] = "runs",
		[RECOVER_HELD] = "held", [RECOVER_LIMITED] = "limited", [RECOVER_SPENT] = "spent",
	};

	return (unsigned int)s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

unsigned int recover_within_hour(const struct recover *r, uint64_t now_ns)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < RECOVER_LIMIT_MAX; i++)
		n += r->starts_ns[i] && now_ns - r->starts_ns[i] < RECOVER_HOUR_NS;
	return n;
}

static void begin(struct recover *r, uint64_t now_ns)
{
	r->state = RECOVER_RUNS;
	r->attempts++;
	r->newest = (r->newest + 1) % RECOVER_LIMIT_MAX;
	r->starts_ns[r->newest] = now_ns;
}

/* An attempt that runs is left to end: its number counts, whatever the service does meanwhile. */
static enum recover_do is_up(struct recover *r)
{
	bool tell = r->was_up && r->attempts && r->state != RECOVER_IDLE;

	r->was_up = true;
	r->limit_told = false;
	if (r->state == RECOVER_RUNS)
		return RECOVER_NOTHING;
	r->state = RECOVER_IDLE;
	r->next_ns = 0;
	if (tell)
		return RECOVER_TELL_UP;
	r->attempts = 0;
	return RECOVER_NOTHING;
}

static enum recover_do at_limit(struct recover *r)
{
	bool told = r->limit_told;

	r->state = RECOVER_LIMITED;
	r->limit_told = true;
	return told ? RECOVER_NOTHING : RECOVER_TELL_LIMIT;
}

static enum recover_do is_down(struct recover *r, const struct recover_conf *c,
			       const struct recover_view *v, uint64_t now_ns)
{
	/* It was UP for less than one call: this failure is a new one. */
	if (r->state == RECOVER_IDLE)
		r->attempts = 0;
	if (v->held) {
		r->state = RECOVER_HELD;
		return RECOVER_NOTHING;
	}
	if (now_ns < r->next_ns || v->busy) {
		r->state = RECOVER_WAITS;
		return RECOVER_NOTHING;
	}
	if (r->attempts >= c->attempts) {
		bool told = r->state == RECOVER_SPENT;

		r->state = RECOVER_SPENT;
		return told ? RECOVER_NOTHING : RECOVER_GIVE_UP;
	}
	if (recover_within_hour(r, now_ns) >= c->limit)
		return at_limit(r);
	begin(r, now_ns);
	return RECOVER_RUN;
}

enum recover_do recover_step(struct recover *r, const struct recover_conf *c,
			     const struct recover_view *v, uint64_t now_ns)
{
	if (v->up)
		return is_up(r);
	if (r->state == RECOVER_RUNS || !v->down || !r->was_up)
		return RECOVER_NOTHING;
	if (!c->on) {
		r->state = RECOVER_IDLE;
		return RECOVER_NOTHING;
	}
	return is_down(r, c, v, now_ns);
}

void recover_ended(struct recover *r, const struct recover_conf *c, uint64_t now_ns)
{
	uint64_t pause_ns = c->backoff_ns;

	if (r->state != RECOVER_RUNS)
		return;
	for (unsigned int i = 1; i < r->attempts && pause_ns < RECOVER_PAUSE_MAX_NS; i++)
		pause_ns *= 2;
	if (pause_ns > RECOVER_PAUSE_MAX_NS)
		pause_ns = RECOVER_PAUSE_MAX_NS;
	r->next_ns = now_ns + pause_ns;
	r->state = RECOVER_WAITS;
}
