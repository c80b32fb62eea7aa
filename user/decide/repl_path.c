/* SPDX-License-Identifier: GPL-2.0-only */
/* See repl_path.h. */
#include "decide/repl_path.h"
#include "hokm/abi.h"

#define PATHS (1 + HOKM_MAX_PATHS)

/* The next path after this one that answers, or this one again. */
static unsigned int next_of(unsigned int at, uint32_t answers)
{
	for (unsigned int i = 1; i < PATHS; i++)
		if (answers >> (at + i) % PATHS & 1)
			return (at + i) % PATHS;
	return at;
}

/* The first one that answers: the segment before all others. */
static unsigned int first_of(uint32_t answers)
{
	return next_of(PATHS - 1, answers);
}

static void look_at_segment(struct repl_path *r, const struct repl_path_input *in, uint64_t now_ns)
{
	const bool answers = in->answers >> HOKM_PATH_SEGMENT & 1;

	if (!answers || !in->fresh || (in->connected && r->at == HOKM_PATH_SEGMENT))
		r->blocked = false;
	if (!answers)
		r->segment_ns = 0;
	else if (!r->segment_ns)
		r->segment_ns = now_ns;
}

static unsigned int choose(struct repl_path *r, const struct repl_path_input *in, uint64_t now_ns)
{
	if (!in->answers)
		return r->at;
	if (!(in->answers >> r->at & 1))
		return first_of(in->answers);
	if (in->fresh && !in->connected && now_ns - r->since_ns >= REPL_PATH_TRY_NS) {
		r->blocked |= r->at == HOKM_PATH_SEGMENT;
		r->since_ns = now_ns;
		return next_of(r->at, in->answers);
	}
	if (r->segment_ns && !r->blocked && now_ns - r->segment_ns >= REPL_PATH_BACK_NS)
		return HOKM_PATH_SEGMENT;
	return r->at;
}

bool repl_path_step(struct repl_path *r, const struct repl_path_input *in, uint64_t now_ns)
{
	unsigned int from = r->at;

	if (!r->since_ns || in->connected || !in->fresh)
		r->since_ns = now_ns;
	look_at_segment(r, in, now_ns);
	r->at = choose(r, in, now_ns);
	if (r->at != from)
		r->since_ns = now_ns;
	if (r->at == r->said)
		return false;
	if (!in->connected && (from != r->said || in->answers >> from & 1))
		return false;
	r->said = r->at;
	return true;
}
