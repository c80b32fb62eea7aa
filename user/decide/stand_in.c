/* SPDX-License-Identifier: GPL-2.0-only */
/* See stand_in.h. */
#include <string.h>

#include "decide/stand_in.h"
#include "hokm/grant.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * A node that asks the gateway and hears nobody for longer than this was cut off meanwhile. A few
 * answers may be lost. An owner whose peer is cut off asks the gateway when half of its grant is
 * over: with the time until the first question this is less, if the grant is long for the pulses.
 */
static uint64_t patience_ns(const struct stand_in_conf *c)
{
	return later(c->length_ns / 4, 4 * c->pulse_ns);
}

static void note_touch(struct stand_in *s, const struct stand_in_conf *c,
		       const struct stand_in_input *in)
{
	uint64_t heard_ns = later(in->answered_ns, in->sign_ns);

	if (heard_ns > s->heard_ns + c->length_ns ||
	    (s->unheard_ns && heard_ns > s->unheard_ns + patience_ns(c)))
		s->since_ns = heard_ns;
	if (heard_ns >= s->unheard_ns)
		s->unheard_ns = 0;
	s->heard_ns = later(s->heard_ns, heard_ns);
	if (in->sign_ns >= s->asked_peer_ns)
		s->asked_peer_ns = 0;
}

static bool asks_in_vain(const struct stand_in *s, const struct stand_in_conf *c, uint64_t now_ns)
{
	return s->unheard_ns && now_ns > s->unheard_ns + patience_ns(c);
}

static bool in_touch(const struct stand_in *s, const struct stand_in_conf *c, uint64_t now_ns)
{
	return s->heard_ns && now_ns < s->heard_ns + c->length_ns;
}

/* So long one that is alone. */
static uint64_t sole_ns(const struct stand_in_conf *c)
{
	return later(c->length_ns, c->sole_ns);
}

/* While the peer does not know its promises. So need_ns() finds that it was seen lately. */
static uint64_t barred_ns(const struct stand_in_conf *c)
{
	uint64_t some_ns = STAND_IN_BARRED_GRANTS * c->length_ns;

	if (some_ns > STAND_IN_SOLE_NS / 2)
		some_ns = later(c->length_ns, STAND_IN_SOLE_NS / 2);
	return some_ns < sole_ns(c) ? some_ns : sole_ns(c);
}

/* So long an owner may use an answer. */
static uint64_t length_ns(const struct stand_in_conf *c, const struct stand_in_input *in,
			  uint64_t now_ns)
{
	if (in->owns && in->peer_barred)
		return barred_ns(c);
	if (!in->owns || !in->sign_ns || now_ns < in->sign_ns + STAND_IN_SOLE_NS)
		return c->length_ns;
	return later(sole_ns(c), in->longer_ns);
}

/* Since the peer was seen, it may have used an answer of the gateway for so long. */
static uint64_t need_ns(const struct stand_in_conf *c, const struct stand_in_input *in,
			uint64_t now_ns)
{
	bool lately = in->seen_ns && now_ns < in->seen_ns + STAND_IN_SOLE_NS / 4 * 3;

	if (!lately)
		return hokm_grant_kept_ns(c->longest_ns);
	/* It may not know yet that this node knows its promises: see length_ns(). */
	if (now_ns < in->barred_ns + STAND_IN_SOLE_NS)
		return hokm_grant_kept_ns(barred_ns(c));
	return hokm_grant_kept_ns(c->length_ns);
}

/* When the peer, silent as it is now, surely owns no more. */
static uint64_t silent_at_ns(const struct stand_in *s, const struct stand_in_conf *c,
			     const struct stand_in_input *in, uint64_t now_ns)
{
	uint64_t at_ns = later(in->sign_ns, s->since_ns) + need_ns(c, in, now_ns);
	/* It has time to answer. */
	uint64_t arp_ns = (s->asked_peer_ns ? s->asked_peer_ns : now_ns) + c->pulse_ns / 2;

	return later(later(at_ns, arp_ns), in->lease_ns);
}

/* Where VRRP's timers alone would decide, when would they? */
static uint64_t timers_at_ns(const struct stand_in_conf *c, const struct stand_in_input *in,
			     uint64_t now_ns)
{
	if (!in->overdue || now_ns < in->seen_ns + c->length_ns)
		return UINT64_MAX;
	return in->lease_ns ? in->lease_ns + c->adver_ns / 4 : now_ns;
}

static void step_claimant(const struct stand_in *s, const struct stand_in_conf *c,
			  const struct stand_in_input *in, uint64_t now_ns,
			  struct stand_in_output *out)
{
	uint64_t timers_ns = timers_at_ns(c, in, now_ns);
	bool in_vain = asks_in_vain(s, c, now_ns);

	out->silent_ns = in->sign_ns;
	out->free_at_ns = silent_at_ns(s, c, in, now_ns);
	/* The timers need no silence: they decide also where the gateway answers now and then. */
	if (timers_ns < out->free_at_ns || (in_vain && timers_ns <= now_ns)) {
		out->free_at_ns = timers_ns;
		out->silent_ns = UINT64_MAX;
		in_vain = false;
	}
	if (now_ns >= out->free_at_ns && !in_vain && in_touch(s, c, now_ns))
		out->counts = HOKM_STAND_IN_CLAIMS;
}

/* Answers that are late by half a pulse are missing. */
static bool wants_answer(const struct stand_in_conf *c, const struct stand_in_input *in,
			 uint64_t length, uint64_t now_ns)
{
	if (in->owns && now_ns < in->granted_ns)
		return in->best_ns < now_ns + length / 2 + (in->of_gateway ? c->pulse_ns : 0);
	return in->stands && now_ns >= in->sign_ns + c->each_ns + c->pulse_ns / 2;
}

void stand_in_step(struct stand_in *s, const struct stand_in_conf *c,
		   const struct stand_in_input *in, uint64_t now_ns, struct stand_in_output *out)
{
	uint64_t length = length_ns(c, in, now_ns);

	memset(out, 0, sizeof(*out));
	note_touch(s, c, in);
	out->length_ns = length;
	if (wants_answer(c, in, length, now_ns) && now_ns >= s->last_ns + c->pulse_ns / 2) {
		out->ask_gateway = true;
		out->ask_peer = !in->owns || now_ns >= in->granted_ns;
		s->last_ns = now_ns;
		if (!s->unheard_ns)
			s->unheard_ns = now_ns;
		out->look_ns = now_ns + (out->ask_peer ? STAND_IN_LOOK_NS : c->pulse_ns / 2);
		if (out->ask_peer && !s->asked_peer_ns)
			s->asked_peer_ns = now_ns;
	}
	if (in->owns && now_ns < in->granted_ns)
		out->counts = HOKM_STAND_IN_RENEWS;
	else
		step_claimant(s, c, in, now_ns, out);
}

uint64_t stand_in_question(struct stand_in_asked *a, uint64_t open_ns, uint64_t limit_ns,
			   uint64_t now_ns)
{
	uint64_t from_ns = now_ns;

	if (open_ns && now_ns < open_ns + limit_ns)
		from_ns = open_ns;
	else if (a->again_ns && now_ns < a->again_ns + limit_ns)
		from_ns = a->again_ns;
	a->again_ns = from_ns == now_ns ? 0 : now_ns;
	return from_ns;
}
