/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine (RFC 9568 section 6.4, RFC 2338 for version 2, FAULT as in keepalived), with
 * leases and the gapless handover between two hokm-xdp nodes (DESIGN section 6).
 *
 * Pure: (machine, event, now) -> actions. All I/O is the caller's: it carries the actions out in
 * the order given and reports back what really happened (an advert that left is VRRP_EV_SENT).
 *
 * Timers (one at a time, `timer_at_ns`, 0 when none runs; the caller sends VRRP_EV_TIMER when due,
 * after it gave every advert that was waiting: only then is silence silence)
 *   BACKUP  Master_Down_Timer, or the preempt delay or the next look at the pulses when sooner
 *   MASTER  Adver_Timer
 *
 * Invariants
 *   - MASTER is entered, and a lease action given, only by VRRP_EV_SENT of an advert with own
 * priority.
 *   - lease end = moment just before the advert was sent + 3 * adver - adver / 4, that is before
 * any peer's Master_Down_Interval (3 * adver + skew) counted from that advert can end.
 *   - MASTER with an expired lease is not renewed: the machine goes to BACKUP (LEASE_LOST) and
 * waits like anybody else, for another may own the VIP by now.
 *   - while a pulsing peer holds a lease (view.lease_until_ns > now), BACKUP never becomes MASTER:
 * it claims (sends its advert when its priority is higher and preempting is allowed) and looks
 * again. A lease that was last seen running and ended unseen counts for adver / 4 longer.
 *
 * When there is one owner at most. Two leases never run at the same moment as long as, between any
 * two nodes,
 *   - adverts arrive within less than adver / 4 or, for any part of them that is lost, pulses do
 *     (an answer at least every adver / 4, so the asking daemon must get the CPU that often too):
 *     the lease ends before Master_Down can, and a running lease is seen;
 *   - two nodes that wait for Master_Down at the same time (no owner) wait for different moments,
 *     further apart than an advert takes: Skew_Time does that for nodes that heard the same last
 *     advert. Nodes that start without any owner can race; the loser yields on the winner's first
 *     advert or pulse;
 *   - the peer being preempted answers pulses. One that does not (keepalived) is preempted as VRRP
 *     does it: both own while one advert travels, or, when its daemon is stopped just then, until
 *     its lease ends.
 * A partition that stops adverts and pulses both gives two owners: no timer can prevent that, only
 * an arbiter. When it heals, the lower one yields on the first advert or pulse.
 */
#ifndef HOKM_VRRP_H
#define HOKM_VRRP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"
#include "decide/vrrp_wire.h"

struct vrrp_conf {
	uint8_t version;
	uint8_t priority; /* configured, 1..254 */
	uint64_t adver_ns;
	bool preempt;
	uint64_t preempt_delay_ns; /* delays only preempting a live owner */
	struct in_addr addr;       /* own: breaks ties */
};

/* What pulses say of the other nodes, at the moment of an event. Zero when there are none. */
struct vrrp_view {
	bool peer_holds; /* a pulsing peer holds an unexpired lease */
	/* the latest end of a peer's lease in our clock, may be past; 0: none */
	uint64_t lease_until_ns;
	struct in_addr holder; /* peer_holds: who; of several, the one that wins an election */
	uint8_t holder_priority;
	bool owner_pulses;      /* the peer whose adverts we follow answers pulses (is hokm-xdp) */
	uint64_t owner_seen_ns; /* what the owner's pulses say is at least as new as this moment */
	bool may_preempt;       /* policy: we are healthy and not held back by the operator */
	bool best_successor;    /* no other peer is a better successor of the owner than we are */
	bool deaf;              /* no link: that no advert comes means nothing */
};

enum vrrp_event_kind {
	VRRP_EV_START,  /* begin; `adopted_lease_ns`: the lease of before a restart, else 0 */
	VRRP_EV_STOP,   /* give up and end */
	VRRP_EV_TIMER,  /* timer_at_ns has come */
	VRRP_EV_ADVERT, /* a valid advert of a peer */
	VRRP_EV_SENT,   /* the advert asked for with the last VRRP_ACT_ADVERT left at `sent_ns` */
	VRRP_EV_SEND_FAILED,
	VRRP_EV_FAULT,    /* not eligible any more, with reason; hand over when MASTER */
	VRRP_EV_CLEAR,    /* eligible again */
	VRRP_EV_HANDOVER, /* operator: give the VIP away now */
	VRRP_EV_PULSE,    /* the view changed */
};

struct vrrp_event {
	enum vrrp_event_kind kind;
	struct vrrp_advert advert; /* ADVERT */
	uint64_t sent_ns;          /* SENT: clock just before the send call */
	uint64_t adopted_lease_ns; /* START */
	enum hokm_reason reason;   /* FAULT, CLEAR, HANDOVER, STOP */
	struct vrrp_view view;
};

enum vrrp_action_kind {
	/* send one with `priority`; then report SENT or SEND_FAILED (not for priority 0) */
	VRRP_ACT_ADVERT,
	VRRP_ACT_LEASE, /* hold the lease until `until_ns` */
	VRRP_ACT_RAISE, /* became MASTER: VIP address, gratuitous ARP, hooks */
	VRRP_ACT_LOWER, /* stopped being MASTER: drop the lease at once, then the address */
	VRRP_ACT_GARP,  /* repeat the gratuitous ARP (another owner was heard) */
	VRRP_ACT_STATE, /* the state changed: tell everybody; machine holds state and reason */
	VRRP_ACT_PROBE, /* ask the peers by pulse right now, look again at timer_at_ns */
};

struct vrrp_action {
	enum vrrp_action_kind kind;
	uint8_t priority;
	uint64_t until_ns;
};

#define VRRP_ACTIONS_MAX 8
struct vrrp_actions {
	unsigned int n;
	struct vrrp_action a[VRRP_ACTIONS_MAX];
};

/* What the advert is for whose SENT is awaited. */
enum vrrp_sending {
	VRRP_SENDING_NONE,
	VRRP_SENDING_CLAIM, /* BACKUP: asks a pulsing owner to let go; SENT changes nothing */
	VRRP_SENDING_TAKE,  /* BACKUP, or INIT with an adopted lease: SENT makes us MASTER */
	VRRP_SENDING_RENEW, /* MASTER: SENT extends the lease */
};

struct vrrp {
	struct vrrp_conf conf;
	enum hokm_vrrp_state state;
	enum hokm_reason reason; /* of the last state change */
	uint64_t since_ns;       /* of the last state change */
	uint64_t timer_at_ns;
	uint64_t lease_until_ns; /* MASTER: ours; INIT: the adopted one; else 0 */
	enum vrrp_sending sending;
	enum hokm_reason take_reason; /* TAKE: reason of the state that follows */
	bool send_failed;             /* MASTER: the last advert did not leave */
	bool rival;                   /* MASTER: a peer that must yield still shows a lease */

	/* whom we follow: BACKUP, and FAULT, where it is only remembered */
	struct in_addr owner; /* whose adverts we follow, 0 when unknown, 0 in MASTER */
	uint8_t owner_priority;
	uint64_t owner_adver_ns;      /* learned from the owner (v3), else configured */
	uint64_t master_down_at_ns;   /* 0 in FAULT: we were deaf, silence proves nothing */
	enum hokm_reason down_reason; /* for taking then: MASTER_DOWN or PRIORITY_ZERO */
	bool looked_twice;            /* the timer came late and we waited for fresh pulses once */

	/* BACKUP, on the way to the lease */
	uint64_t preempt_at_ns; /* when the preempt delay is over, 0: not preempting */
	bool claiming;          /* asked for the lease, waiting until the peer lets go */
	uint64_t claim_ns;      /* when we asked first */
	uint64_t claim_at_ns;   /* when to ask again */
	/* a pulsing owner said priority 0 then: its pulse must confirm. 0: no */
	uint64_t released_ns;
	uint64_t look_at_ns; /* claiming or released: next probe */
	uint64_t look_gap_ns;
};

void vrrp_init(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns);

/* New settings (reload). Never a state change by itself; a running timer is kept or shortened. */
void vrrp_reconf(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns);

/* Feeds one event; fills *out (cleared first). */
void vrrp_step(struct vrrp *v, const struct vrrp_event *ev, uint64_t now_ns,
	       struct vrrp_actions *out);

/* Skew_Time and Master_Down_Interval in ns for a priority and interval, by version. */
uint64_t vrrp_skew_ns(uint8_t version, uint8_t priority, uint64_t adver_ns);
uint64_t vrrp_master_down_ns(uint8_t version, uint8_t priority, uint64_t adver_ns);
uint64_t vrrp_lease_ns(uint64_t adver_ns);

#endif
