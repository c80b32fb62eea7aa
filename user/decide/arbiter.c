/* SPDX-License-Identifier: GPL-2.0-only */
/* See arbiter.h. */
#include <string.h>

#include "decide/arbiter.h"

/* Counts anew. What was silent is silent until it answers. */
static void begin(struct gateway *g, uint64_t now_ns)
{
	if (g->phase != GATEWAY_SILENT)
		g->phase = GATEWAY_ASKING;
	g->since_ns = now_ns;
	g->asked_ns = g->open_ns = 0;
}

/* The newest answer that counts, or the moment from which a missing one counts. */
static uint64_t heard_ns(const struct gateway *g, const struct hokm_gateway *seen)
{
	return seen->answered_ns > g->since_ns ? seen->answered_ns : g->since_ns;
}

/* A stamp may be a little newer than the clock reading: the kernel writes them meanwhile. */
static bool within(uint64_t stamp_ns, uint64_t now_ns, uint64_t limit_ns)
{
	return stamp_ns && (int64_t)(now_ns - stamp_ns) < (int64_t)limit_ns;
}

static void judge(struct gateway *g, const struct gateway_input *in, uint64_t now_ns)
{
	/* The last question is so old that no answer can come any more. */
	if (g->asked_ns && !within(g->asked_ns, now_ns, in->limit_ns))
		begin(g, now_ns);
	if (in->seen->answered_ns > g->since_ns &&
	    within(in->seen->answered_ns, now_ns, in->limit_ns))
		g->phase = GATEWAY_ANSWERS;
	else if (g->open_ns && in->seen->answered_ns < g->open_ns &&
		 !within(g->open_ns, now_ns, in->limit_ns))
		g->phase = GATEWAY_SILENT;
}

static void ask(struct gateway *g, const struct hokm_gateway *seen, uint64_t gap_ns,
		uint64_t now_ns, struct gateway_output *out)
{
	out->ask = !within(g->asked_ns, now_ns, gap_ns);
	if (!out->ask)
		return;
	if (!g->open_ns || seen->answered_ns >= g->open_ns)
		g->open_ns = now_ns;
	g->asked_ns = now_ns;
}

/* Another MAC address answered last, after the newest question that has no other answer. */
static bool changed(const struct gateway *g, const struct hokm_gateway *seen)
{
	return g->open_ns && seen->answered_ns < g->open_ns && seen->other_ns >= g->open_ns;
}

/* The known MAC address is silent for so long that another one counts. */
static bool replaced(const struct gateway *g, const struct gateway_input *in, uint64_t now_ns)
{
	if (in->peer_heard && g->phase == GATEWAY_PEER)
		return changed(g, in->seen) && !within(g->open_ns, now_ns, GATEWAY_LEARN_PEER_NS);
	return !within(heard_ns(g, in->seen), now_ns, GATEWAY_LEARN_NS);
}

/* The first answer, or that of a gateway that replaces another one. */
static void learn(struct gateway *g, const struct gateway_input *in, uint64_t now_ns,
		  struct gateway_output *out)
{
	const struct hokm_gateway *seen = in->seen;

	if (seen->other_mac == seen->mac || !within(seen->other_ns, now_ns, GATEWAY_SLOW_NS))
		return;
	if (seen->mac && !replaced(g, in, now_ns))
		return;
	out->learn = seen->other_mac;
	/* Its next answer counts: ask at once. */
	g->asked_ns = 0;
}

void gateway_step(struct gateway *g, const struct gateway_input *in, uint64_t now_ns,
		  struct gateway_output *out)
{
	memset(out, 0, sizeof(*out));
	if (!in->on) {
		memset(g, 0, sizeof(*g));
		return;
	}
	if (in->renewed || g->phase == GATEWAY_OFF)
		begin(g, now_ns);
	learn(g, in, now_ns, out);
	if (in->peer_heard) {
		/* What only another router answered in a divided network does not count here. */
		if (g->phase != GATEWAY_PEER)
			g->open_ns = g->asked_ns = 0;
		g->phase = GATEWAY_PEER;
		ask(g, in->seen, changed(g, in->seen) ? GATEWAY_CHANGED_NS : GATEWAY_SLOW_NS,
		    now_ns, out);
		return;
	}
	if (g->phase == GATEWAY_PEER)
		begin(g, now_ns);
	judge(g, in, now_ns);
	ask(g, in->seen, in->limit_ns / GATEWAY_TRIES, now_ns, out);
	out->undecided = g->phase != GATEWAY_ANSWERS;
	out->bars = g->phase == GATEWAY_SILENT && !(in->keep && in->owns);
}

uint64_t gateway_limit_ns(uint64_t adver_ns)
{
	return adver_ns;
}

const char *gateway_phase_name(enum gateway_phase phase)
{
	static const char *const names[] = {
		[GATEWAY_OFF] = "off",       [GATEWAY_PEER] = "not-needed",
		[GATEWAY_ASKING] = "asked",  [GATEWAY_ANSWERS] = "answers",
		[GATEWAY_SILENT] = "silent",
	};

	return (unsigned int)phase < sizeof(names) / sizeof(names[0]) ? names[phase] : "?";
}
