/* SPDX-License-Identifier: GPL-2.0-only */
/* See segment.h. */
#include <string.h>

#include "decide/segment.h"

void segment_lost(struct segment *s)
{
	memset(s, 0, sizeof(*s));
}

static enum segment_proof prove(const struct segment *s, const struct segment_seen *seen,
				uint64_t now_ns)
{
	if (seen->peer_ns && seen->peer_ns >= s->since_ns)
		return SEGMENT_PEER;
	if (seen->frames > s->frames)
		return SEGMENT_FRAME;
	return now_ns - s->since_ns >= seen->delay_ns ? SEGMENT_DELAY : SEGMENT_NONE;
}

enum segment_proof segment_step(struct segment *s, const struct segment_seen *seen, uint64_t now_ns)
{
	if (!seen->link_up) {
		segment_lost(s);
		return SEGMENT_NONE;
	}
	if (s->proof)
		return s->proof;
	if (!s->since_ns) {
		s->since_ns = now_ns;
		s->frames = seen->frames;
	}
	s->proof = prove(s, seen, now_ns);
	return s->proof;
}
