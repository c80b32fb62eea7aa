/* SPDX-License-Identifier: GPL-2.0-only */
/* See tie.h. */
#include <string.h>

#include "decide/quiet.h"
#include "decide/tie.h"

#define MS 1000000ULL
/* A node that neither owns nor wants to gives the record back after this time. */
#define IDLE_NS (1000 * MS)
/* So long after the begin it is not silent yet. */
#define START_NS (3000 * MS)
/* The reading of a node that waits for its turn. */
#define WAITING_NS     (250 * MS)
#define RETRY_LEAST_NS (20 * MS)
#define RETRY_MOST_NS  (500 * MS)
/* Two and a half steps, where it is stepped once in QUIET_NS. */
#define CALM_NS (QUIET_NS / 2 * 5)
/* A holder claims again four times before its right ends. */
#define CLAIMS_A_HOLD 4
/* For clocks of different rates. */
#define DRIFT_PART 32

/* A stamp may be a little newer than the clock reading: the kernel writes them meanwhile. */
static bool within(uint64_t stamp_ns, uint64_t now_ns, uint64_t limit_ns)
{
	return stamp_ns && (int64_t)(now_ns - stamp_ns) < (int64_t)limit_ns;
}

static uint64_t with_drift(uint64_t ns)
{
	return ns + ns / DRIFT_PART;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t tie_last_ns(uint64_t dead_ns, uint64_t pulse_ns, uint64_t lease_ns)
{
	return dead_ns + 2 * pulse_ns + lease_ns;
}

uint64_t tie_wait_ns(uint64_t last_ns)
{
	return with_drift(last_ns);
}

/* ---- answers ---- */

static void take_record(struct tie *t, const struct tie_record *r, uint64_t now_ns)
{
	if (!t->known || r->revision != t->record.revision)
		t->noted_ns = now_ns;
	t->known = true;
	t->record = *r;
}

static void take_answer(struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	const struct tie_answer *a = in->answer;
	uint64_t gap_ns = in->times.timeout_ns / 4;

	/* The process that asks has died, or was held up for longer than it may take. */
	if (!a && t->sent != TIE_NONE && !within(t->sent_ns, now_ns, 2 * t->limit_ns))
		t->sent = TIE_NONE;
	if (!a || t->sent == TIE_NONE)
		return;
	if (!a->valid) {
		gap_ns = gap_ns < RETRY_LEAST_NS ? RETRY_LEAST_NS : gap_ns;
		t->retry_ns = now_ns + (gap_ns > RETRY_MOST_NS ? RETRY_MOST_NS : gap_ns);
	} else {
		take_record(t, &a->record, now_ns);
		t->answered_ns = now_ns;
		t->open_ns = 0;
		if (t->sent == TIE_CLAIM && a->moved && a->record.holder == TIE_SELF)
			t->held_ns = t->sent_ns + t->claim_ns;
	}
	t->sent = TIE_NONE;
}

/* ---- what holds now ---- */

static bool holds(const struct tie *t, uint64_t now_ns)
{
	return t->known && t->record.holder == TIE_SELF && now_ns < t->held_ns;
}

/* The record is nobody's, this node's, or of a holder that has not claimed it again in time. */
static bool claimable(const struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	const uint64_t hold_ns = later_of(in->times.hold_ns, t->record.hold_ns);

	return t->known && (t->record.holder != TIE_THEIRS ||
			    !within(t->noted_ns, now_ns, with_drift(hold_ns)));
}

/* The other node cannot be owner any more without the record. */
static bool ended(const struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	const uint64_t wait_ns = in->times.wait_ns;

	return !within(later_of(in->alive_ns, t->began_ns), now_ns, wait_ns) ||
	       !within(later_of(t->deaf_ns, t->began_ns), now_ns, in->times.hold_ns + wait_ns);
}

static enum tie_phase judge(const struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	if (holds(t, now_ns))
		return TIE_HOLDS;
	/* What asks it needs a moment to start. */
	if (!t->answered_ns && within(t->began_ns, now_ns, START_NS))
		return TIE_ASKED;
	if (t->open_ns && !within(t->open_ns, now_ns, in->times.timeout_ns))
		return TIE_SILENT;
	if (t->answered_ns >= t->silent_ns && !claimable(t, in, now_ns))
		return TIE_OTHER;
	return t->phase == TIE_SILENT && t->open_ns ? TIE_SILENT : TIE_ASKED;
}

/* ---- questions ---- */

static enum tie_op next(const struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	const bool mine = t->known && t->record.holder == TIE_SELF;
	const bool leaves = mine &&
			    (t->phase == TIE_PEER || (t->idle_ns && now_ns - t->idle_ns > IDLE_NS));
	const uint64_t again_ns = in->times.hold_ns - in->times.hold_ns / CLAIMS_A_HOLD;

	/* Only a claim does not wait for the answer to a reading. */
	if ((t->sent != TIE_NONE && t->sent != TIE_READ) || now_ns < t->retry_ns)
		return TIE_NONE;
	if (t->phase != TIE_PEER && claimable(t, in, now_ns) &&
	    (in->owns || holds(t, now_ns) || (in->wants && ended(t, in, now_ns))) &&
	    !(holds(t, now_ns) && t->held_ns - now_ns > again_ns) && !leaves)
		return TIE_CLAIM;
	if (t->sent != TIE_NONE)
		return TIE_NONE;
	if (leaves)
		return TIE_RELEASE;
	return now_ns >= t->due_ns ? TIE_READ : TIE_NONE;
}

static void ask(struct tie *t, const struct tie_input *in, uint64_t now_ns, struct tie_output *out)
{
	out->ask = next(t, in, now_ns);
	if (out->ask == TIE_NONE)
		return;
	out->limit_ns = t->phase == TIE_PEER ? later_of(in->times.timeout_ns, TIE_PATIENT_NS)
					     : in->times.timeout_ns;
	t->sent = out->ask;
	t->sent_ns = now_ns;
	t->limit_ns = out->limit_ns;
	/* The right ends before the other node can see that the record is free. */
	if (out->ask == TIE_RELEASE)
		t->held_ns = 0;
	if (out->ask == TIE_CLAIM)
		t->claim_ns = in->times.hold_ns;
	if (!t->open_ns)
		t->open_ns = now_ns;
	t->due_ns = now_ns +
		    (t->phase == TIE_PEER    ? TIE_SLOW_NS
		     : in->owns || in->wants ? later_of(in->times.timeout_ns / 2, WAITING_NS)
					     : IDLE_NS);
}

/* ---- the step ---- */

static void note_silence(struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	if (within(in->heard_ns, now_ns, in->times.dead_ns)) {
		/* What this node may do is from here on by the peer's word: see 1. */
		t->silent_ns = t->right_ns = t->held_ns = 0;
		if (!t->peer_ns)
			t->peer_ns = now_ns;
	} else if (!t->silent_ns) {
		t->peer_ns = 0;
		t->silent_ns = t->deaf_ns = t->due_ns = now_ns;
		t->right_ns = in->lease_until_ns;
		/* A question that is on its way is older, and was not urgent. */
		if (t->open_ns)
			t->open_ns = now_ns;
	}
	if (in->owns || in->wants)
		t->idle_ns = 0;
	else if (!t->idle_ns)
		t->idle_ns = now_ns;
}

/*
 * A daemon that was held up has sent no probe, and taken in no answer: it counts anew. While the
 * peer is heard ticks are quiet, and two steps that are as far apart as those are no break.
 */
static void note_break(struct tie *t, const struct tie_input *in, uint64_t now_ns)
{
	const uint64_t half_ns = in->times.timeout_ns / 2;
	const uint64_t limit_ns = t->phase == TIE_PEER ? later_of(half_ns, CALM_NS) : half_ns;

	if (!within(t->stepped_ns, now_ns, limit_ns) && t->open_ns)
		t->open_ns = now_ns;
	if (!within(t->stepped_ns, now_ns, in->times.dead_ns))
		t->deaf_ns = now_ns;
	t->stepped_ns = now_ns;
}

static void judge_owner(const struct tie *t, const struct tie_input *in, uint64_t now_ns,
			struct tie_output *out)
{
	const uint64_t right_ns = later_of(t->right_ns, t->held_ns);
	const bool keeps = in->keep && in->owns &&
			   (t->phase == TIE_SILENT || t->phase == TIE_ASKED);

	/* It may have heard the other one, and let it own, since it claimed. */
	out->undecided = t->phase != TIE_HOLDS || (!in->owns && !ended(t, in, now_ns));
	out->until_ns = keeps ? UINT64_MAX : right_ns;
	out->bars = in->owns ? !keeps && now_ns >= right_ns : t->phase == TIE_SILENT;
}

static void judge_in_touch(const struct tie *t, const struct tie_input *in, uint64_t now_ns,
			   struct tie_output *out)
{
	out->until_ns = in->heard_ns + in->times.last_ns;
	out->undecided = !in->owns &&
			 within(t->peer_ns, now_ns, in->times.dead_ns * (in->second ? 3 : 1));
}

void tie_step(struct tie *t, const struct tie_input *in, uint64_t now_ns, struct tie_output *out)
{
	memset(out, 0, sizeof(*out));
	out->until_ns = UINT64_MAX;
	if (!in->on) {
		memset(t, 0, sizeof(*t));
		return;
	}
	if (t->phase == TIE_OFF)
		t->began_ns = t->due_ns = now_ns;
	take_answer(t, in, now_ns);
	note_silence(t, in, now_ns);
	note_break(t, in, now_ns);
	t->phase = t->silent_ns ? judge(t, in, now_ns) : TIE_PEER;
	ask(t, in, now_ns, out);
	if (t->phase == TIE_HOLDS && !holds(t, now_ns))
		t->phase = TIE_ASKED;
	if (tie_decides(t->phase))
		judge_owner(t, in, now_ns, out);
	else
		judge_in_touch(t, in, now_ns, out);
}

bool tie_files_due(const struct tie *t, uint64_t read_ns, uint64_t now_ns)
{
	if (within(read_ns, now_ns, TIE_FILES_AGAIN_NS))
		return false;
	if (t->open_ns && !within(t->open_ns, now_ns, TIE_FILES_AGAIN_NS))
		return t->phase == TIE_PEER || t->phase == TIE_SILENT;
	return t->phase == TIE_PEER && !within(read_ns, now_ns, TIE_FILES_NS);
}

const char *tie_phase_name(enum tie_phase phase)
{
	static const char *const names[] = {
		[TIE_OFF] = "off",     [TIE_PEER] = "not-needed",   [TIE_ASKED] = "asked",
		[TIE_HOLDS] = "holds", [TIE_OTHER] = "other-holds", [TIE_SILENT] = "silent",
	};

	return (unsigned int)phase < sizeof(names) / sizeof(names[0]) ? names[phase] : "?";
}
