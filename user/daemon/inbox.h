/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inbox: what the handlers of the event loop noted since the last settle().
 *
 * A handler (of a socket, a timer, an agent reply, a kernel event, a ctl verb, a reload, a link
 * change) stores what it learnt in the state of its own concern, sets a note here, and returns. It
 * decides nothing and changes nothing in the kernel. settle() takes the notes once a turn.
 */
#ifndef HOKM_DAEMON_INBOX_H
#define HOKM_DAEMON_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/late.h"
#include "decide/vrrp.h"

enum inbox_note {
	INBOX_TICK = 1u << 0,   /* a pulse is due; `ticks` says how many are */
	INBOX_POLICY = 1u << 1, /* something that the policy reads has changed */
	INBOX_VRRP = 1u << 2,   /* `events` for the VRRP machine */
	INBOX_CHECKS = 1u << 3, /* an active check is due, or a result arrived */
	/* services of `refused` refused a connection, or those of `turned_away` a client */
	INBOX_REFUSED = 1u << 4,
	INBOX_GARP = 1u << 5,     /* the next gratuitous ARP is due */
	INBOX_TAKEOVER = 1u << 6, /* the next step of a peer takeover is due */
	INBOX_SESSIONS = 1u << 7, /* the next step of terminating sessions is due */
	INBOX_RELOAD = 1u << 8,   /* the new configuration was read */
	INBOX_LINK = 1u << 9,     /* the interface has its link back or another MAC, or is gone */
	INBOX_KERNEL = 1u << 10,  /* the kernel announced a change of what the daemon sets */
};

#define INBOX_KINDS 11

/* One wake-up of the VRRP socket, and a few events of other sources. */
#define INBOX_ADVERTS 64 /* adverts a turn: a flood must not delay the timers */
#define INBOX_EVENTS  (INBOX_ADVERTS + 8)

struct inbox {
	unsigned int notes;
	bool harmless; /* a handler ran, and what it learnt shows where a quiet tick looks */
	uint64_t ticks;
	bool beaten;          /* the heartbeat of these ticks is done */
	uint64_t began_ns;    /* when the work at these notes began; 0: it has not */
	uint32_t refused;     /* one bit for each service slot */
	uint32_t turned_away; /* the same */
	unsigned int n_events;
	struct vrrp_event events[INBOX_EVENTS];
	struct late late[LATE_KINDS];
	/* Turns of the loop since the start, by the bit of the note; the last: without a note. */
	uint64_t turns[INBOX_KINDS + 1];
};

void inbox_note(struct inbox *in, enum inbox_note note);
/* A timer that was due at this moment fired; also notes how late that is. */
void inbox_note_timer(struct inbox *in, enum inbox_note note, enum late_kind kind, uint64_t due_us);
/* Appends an event for the VRRP machine. A full queue drops it, which is logged. */
void inbox_note_vrrp(struct inbox *in, const struct vrrp_event *ev);
/* The packet path saw that a service refused a connection. */
void inbox_note_refused(struct inbox *in, unsigned int service_slot);
/* It saw that the server of a service may have turned a client away: its counters tell. */
void inbox_note_turned_away(struct inbox *in, unsigned int service_slot);

/*
 * Instead of a note, by a handler that runs often: a tick after it may be quiet (decide/quiet.h),
 * because what it changed shows where such a tick looks.
 */
void inbox_note_harmless(struct inbox *in);

/* Takes the notes of `mask` out; the rest stays until inbox_done(). */
unsigned int inbox_take(struct inbox *in, unsigned int mask);
void inbox_done(struct inbox *in);
/*
 * The work at the notes begins, or goes on: how long the turn takes counts from the first call. The
 * end notes it, and is inbox_done() too.
 */
void inbox_begin(struct inbox *in, uint64_t now_ns);
void inbox_end(struct inbox *in, uint64_t now_ns);

/* A turn of the loop had these notes. The name of a reason in JSON. */
void inbox_count_turn(struct inbox *in, unsigned int notes);
const char *inbox_turn_name(unsigned int i);

#endif
