/* SPDX-License-Identifier: GPL-2.0-only */
/* See inbox.h. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/inbox.h"

void inbox_note(struct inbox *in, enum inbox_note note)
{
	in->notes |= note;
}

void inbox_note_timer(struct inbox *in, enum inbox_note note, enum late_kind kind, uint64_t due_us)
{
	uint64_t now_ns = clock_now_ns(), due_ns = due_us * (NS_PER_MS / 1000);

	late_note(&in->late[kind], now_ns > due_ns ? now_ns - due_ns : 0, now_ns);
	in->notes |= note;
}

void inbox_note_vrrp(struct inbox *in, const struct vrrp_event *ev)
{
	if (in->n_events == INBOX_EVENTS) {
		log_error("an event of the VRRP machine was dropped: %u wait already",
			  in->n_events);
		return;
	}
	in->events[in->n_events++] = *ev;
	in->notes |= INBOX_VRRP;
}

void inbox_note_refused(struct inbox *in, unsigned int service_slot)
{
	in->refused |= 1u << service_slot;
	in->notes |= INBOX_REFUSED;
}

void inbox_note_turned_away(struct inbox *in, unsigned int service_slot)
{
	in->turned_away |= 1u << service_slot;
	in->notes |= INBOX_REFUSED;
}

void inbox_note_harmless(struct inbox *in)
{
	in->harmless = true;
}

unsigned int inbox_take(struct inbox *in, unsigned int mask)
{
	unsigned int notes = in->notes & mask;

	in->notes &= ~mask;
	return notes;
}

void inbox_begin(struct inbox *in, uint64_t now_ns)
{
	if (!in->began_ns)
		in->began_ns = now_ns;
}

void inbox_end(struct inbox *in, uint64_t now_ns)
{
	late_note(&in->late[LATE_TURN], now_ns - in->began_ns, now_ns);
	inbox_done(in);
}

void inbox_done(struct inbox *in)
{
	in->began_ns = 0;
	in->harmless = false;
	in->ticks = 0;
	in->beaten = false;
	in->refused = 0;
	in->turned_away = 0;
	in->n_events = 0;
}

void inbox_count_turn(struct inbox *in, unsigned int notes)
{
	for (unsigned int i = 0; i < INBOX_KINDS; i++)
		in->turns[i] += notes >> i & 1;
	in->turns[INBOX_KINDS] += notes == 0;
}

const char *inbox_turn_name(unsigned int i)
{
	static const char *const names[INBOX_KINDS + 1] = {
		"pulse",    "policy",   "vrrp",   "checks", "refused", "garp",
		"takeover", "sessions", "reload", "link",   "kernel",  "other",
	};

	return names[i];
}
