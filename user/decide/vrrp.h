/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VRRP machine of one instance (RFC 9568 section 6.4; RFC 2338 for version 2; FAULT as in
 * keepalived), with leases and with the handover without a gap between two hokm-xdp nodes
 * (docs/architecture.md). A pure machine: (machine, event, now) -> actions. The caller carries the
 * actions out in the order given, and reports what really happened: an advert that was sent is the
 * event VRRP_EV_SENT.
 *
 *   INIT     not started, or stopped
 *   BACKUP   listens to the adverts of the owner
 *   MASTER   owner: holds the lease and sends adverts
 *   FAULT    not eligible (policy.h): remembers what it hears and never becomes MASTER
 *
 * vrrp.c has the table of transitions; vrrp_backup.c has the ways from BACKUP to the lease.
 *
 * Timers. One runs at a time (timer_at_ns; 0: none). The caller sends VRRP_EV_TIMER when it is due,
 * and before that every advert that was waiting: only then does no advert mean that none came.
 *   BACKUP   Master_Down_Timer: no advert of the owner
 *            Skew_Time: the owner has sent priority 0; shorter when nobody competes
 *            preempt delay: until this node preempts an owner of lower priority
 *            look: until it asks the peers by pulse again whether a lease has ended
 *   MASTER   Adver_Timer: the next advert; a quarter of it after an advert that could not be sent
 *   INIT, FAULT   none
 *
 * Invariants
 *   - MASTER is entered, and a lease is given, only by VRRP_EV_SENT of an advert with own priority.
 *   - The lease ends 3 * adver - adver / 4 after the moment just before that advert was sent. This
 *     is before the Master_Down_Interval (3 * adver + skew) of any peer, counted from that advert.
 *   - With a peer that answers no pulses (keepalived) it ends adver earlier than that peer's
 *     Master_Down_Interval, and adver / 4 more: the peer may have missed this advert and counts
 * from the one before.
 *   - A MASTER whose lease has expired does not renew it: another node may own the VIP by now. The
 *     machine goes to BACKUP (LEASE_LOST) and waits as every node does.
 *   - While a peer that answers pulses holds a lease (view.lease_until_ns > now), BACKUP does not
 *     become MASTER. It claims: it sends its advert, if its priority is higher and it may preempt,
 *     and looks again. A lease that was last seen running counts for adver / 4 beyond its end.
 *
 * By grants (view.by_grants). A majority of the members must grant this node as well: BACKUP
 * becomes MASTER only while it does, and a MASTER without it goes to BACKUP at once (NO_MAJORITY).
 * The caller asks the members for grants while `wants` names a way to the VIP, or in MASTER. What
 * pulses say of leases decides nothing then, unless one member only stands in (view.stand_in): of
 * two owners one yields, as after a partition.
 *
 * One owner at most (rule 1, docs/architecture.md): two leases never run at the same moment as long
 * as these hold between any two nodes (by grants without a stand-in: always):
 *   - Adverts arrive within less than adver / 4. Where adverts are lost, pulses arrive instead: an
 *     answer at least every adver / 4, for which the asking daemon must get the CPU so often too.
 *     Then a lease ends before Master_Down can, and a lease that runs is seen. A peer without
 * pulses (keepalived) must not miss two adverts in a row of an owner whose daemon then stops.
 *   - Two nodes that find the VIP free at the same moment announce it in their pulses before they
 *     become owner, and each asks the other one meanwhile (vrrp_backup.c). Without pulses they wait
 *     for moments that differ by more than the travel time of an advert: Skew_Time provides that
 * for nodes that heard the same last advert. Those that start without any owner can race: the loser
 *     yields on the first advert of the winner.
 *   - A peer that is preempted answers pulses. One that does not (keepalived) is preempted as VRRP
 *     specifies it: both own the VIP while one advert travels or, when the daemon of the peer is
 *     stopped just then, until its lease ends.
 * A partition that stops both adverts and pulses makes two owners: no timer can prevent that, only
 * an arbiter can. When it heals, the owner with the lower priority yields on the first advert or
 * pulse, as soon as the other one can steer to it: until then the other one would reset the
 * connections that it holds. For the same reason the owner that stays corrects the ARP tables of
 * the clients as soon as it can steer to the other. Both wait for VRRP_PATIENCE_NS at most.
 */
#ifndef HOKM_VRRP_H
#define HOKM_VRRP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hokm/names.h"
#include "decide/vrrp_wire.h"

/* After a partition: how long two owners wait until they can steer to each other. */
#define VRRP_PATIENCE_NS 1000000000ULL
/* Gratuitous ARP against adverts of others: at most one in this time. */
#define VRRP_CORRECT_GAP_NS 1000000000ULL
/* One-way loss that begins anew is reported again after this time. */
#define VRRP_ONE_WAY_GAP_NS 60000000000ULL

struct vrrp_conf {
	uint8_t version;
	uint8_t priority; /* as configured, 1..254 */
	uint64_t adver_ns;
	bool preempt;
	uint64_t preempt_delay_ns; /* before an owner that is alive is preempted */
	struct in_addr addr;       /* of this node: decides between equal priorities */
};

/* What pulses say of the peers at the moment of an event. All zero when no peer answers pulses. */
struct vrrp_view {
	bool peer_holds; /* a peer holds a lease that has not expired */
	/* the latest end of a peer's lease, in our clock; may be past; 0: none is known */
	uint64_t lease_until_ns;
	struct in_addr holder; /* peer_holds: that peer; of several, the winner of an election */
	uint8_t holder_priority;
	uint64_t holder_seen_ns; /* what the holder's pulses say is not older than this */
	bool owner_pulses;       /* the owner that is followed answers pulses: it is hokm-xdp */
	uint64_t owner_seen_ns;  /* what the owner's pulses say is not older than this */
	bool may_preempt;        /* policy.h: this node is healthy and the operator allows it */
	bool undecided;          /* the arbiter has not allowed yet to become owner (arbiter.h) */
	bool unpermitted;        /* the operator's hook has not permitted to become owner */
	/*
	 * A peer that could become owner, too, answers pulses. Each such peer's answers are not
	 * older than asked_ns. One announces that it becomes owner: it wins the election, or it
	 * loses it.
	 */
	bool contested, better_announces, lesser_announces;
	uint64_t asked_ns;
	bool best_successor; /* no peer is a better successor of the owner than this node */
	/*
	 * No link, a silent one, or cut off from peers and gateway: that no advert comes proves
	 * nothing.
	 */
	bool deaf;
	/* the greatest priority of a peer that answers no pulses and so sees no lease; 0: none */
	uint8_t mute_priority;
	/*
	 * There are two nodes, and the other one answers no pulses (keepalived): for what it gives
	 * up no third node competes.
	 */
	bool uncontested;
	/*
	 * The rival (in ADVERT its sender, else the holder) is hokm-xdp and has no fresh answer of
	 * this node: it cannot steer to us yet. Or, in ADVERT, only its replication shows that it
	 * is alive: it may have to hear of us.
	 */
	bool rival_deaf;
	bool rival_unseen; /* ADVERT: we have no fresh answer of the sender, and cannot steer to it
			    */
	/*
	 * ADVERT: its sender is known to answer pulses, and answers none, and nothing else shows
	 * that the advert is its own (peer_sight.h). Anybody can forge one, so it ends no lease.
	 */
	bool unproven;

	/* The lease is by grants (grants.h). All false: the timers of VRRP and pulses decide. */
	bool by_grants;
	bool granted;      /* a majority of the members grants this node now */
	bool free;         /* a majority grants no other node now */
	bool occupied;     /* a member, or this node as one, grants another node now */
	bool absent_holds; /* a peer that takes no part has a lease: by VRRP's timers it owns */
	bool stand_in; /* one member promises nothing (stand_in.h): two nodes may have a majority */
	bool lapsed;   /* the packet path has stopped owning, even if `granted` allows a return */
	bool kept;     /* what is granted was granted to this node as owner */
	bool stood;    /* it stopped by a proof that the clock of this node stood still */
	/*
	 * a claim cannot win: no majority is in touch, or this node does not know its promises yet
	 */
	bool barred;
};

enum vrrp_event_kind {
	VRRP_EV_START,       /* leave INIT; adopted_lease_ns: a lease from before a restart, or 0 */
	VRRP_EV_STOP,        /* hand the VIP over and go to INIT */
	VRRP_EV_TIMER,       /* timer_at_ns has come */
	VRRP_EV_ADVERT,      /* a valid advert of a peer was received */
	VRRP_EV_SENT,        /* the advert of the last VRRP_ACT_ADVERT was sent, at sent_ns */
	VRRP_EV_SEND_FAILED, /* it could not be sent */
	VRRP_EV_FAULT,       /* this node is not eligible any more, with the reason */
	VRRP_EV_CLEAR,       /* this node is eligible again */
	VRRP_EV_HANDOVER,    /* the operator asked for a failover */
	VRRP_EV_PULSE,       /* the view has changed */
	VRRP_EV_REFUSED,     /* the operator's hook refuses that this node becomes owner */
	VRRP_EV_RENEW,       /* an owner is to send its advert now, and so to renew its lease */
};

struct vrrp_event {
	enum vrrp_event_kind kind;
	struct vrrp_advert advert; /* ADVERT */
	uint64_t sent_ns;          /* SENT: the time just before the system call */
	uint64_t adopted_lease_ns; /* START */
	enum hokm_reason reason;   /* FAULT, CLEAR, HANDOVER, STOP */
	struct vrrp_view view;
};

enum vrrp_action_kind {
	/* send an advert with `priority`; then report SENT or SEND_FAILED, except for priority 0 */
	VRRP_ACT_ADVERT,
	VRRP_ACT_LEASE,   /* hold the lease until until_ns */
	VRRP_ACT_RAISE,   /* became MASTER: add the VIP address, gratuitous ARP, hooks */
	VRRP_ACT_LOWER,   /* no longer MASTER: drop the lease at once, then delete the address */
	VRRP_ACT_GARP,    /* repeat the gratuitous ARP: another node has acted as owner */
	VRRP_ACT_STATE,   /* the state has changed: report `state` and `reason` of the machine */
	VRRP_ACT_PROBE,   /* send a pulse to the peers now; their answers are VRRP_EV_PULSE */
	VRRP_ACT_DISCARD, /* the advert was unproven: count it */
	VRRP_ACT_ASK,     /* take_reason would make it owner: ask for the permission (view) */
	VRRP_ACT_ONE_WAY, /* the sender goes on although it was answered: report it */
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

/* The purpose of the advert for which VRRP_EV_SENT is awaited. */
enum vrrp_sending {
	VRRP_SENDING_NONE,
	VRRP_SENDING_CLAIM, /* BACKUP: asks the owner to release its lease; SENT changes nothing */
	VRRP_SENDING_TAKE,  /* BACKUP, or INIT with an adopted lease: SENT makes this node MASTER */
	VRRP_SENDING_RENEW, /* MASTER: SENT extends the lease */
};

struct vrrp {
	struct vrrp_conf conf;
	enum hokm_vrrp_state state;
	enum hokm_reason reason; /* of the last state change */
	uint64_t since_ns;       /* of the last state change */
	uint64_t timer_at_ns;
	uint64_t lease_until_ns; /* MASTER: own lease; INIT: the adopted one; else 0 */
	enum vrrp_sending sending;
	enum hokm_reason take_reason; /* TAKE: the reason for becoming MASTER */
	bool send_failed;             /* MASTER: the last advert could not be sent */
	bool rival;                   /* MASTER: a peer that must yield still shows a lease */
	uint64_t yield_at_ns;         /* MASTER: yields then to a rival that is deaf; 0: none */
	uint64_t correct_at_ns;       /* MASTER: gratuitous ARP against an unseen rival; 0: none */

	/*
	 * MASTER: adverts that lose the election. Anybody may forge them: the answers are bounded.
	 */
	uint64_t answered_ns;     /* the last one was answered by an advert; 0: never */
	uint64_t stop_answer_ns;  /* the last answer to priority 0, done or due; 0: never */
	uint64_t corrected_ns;    /* gratuitous ARP was sent last */
	uint64_t lesser_since_ns; /* when the present series of them began; 0: none */
	uint64_t lesser_ns;       /* its newest */
	uint64_t one_way_ns;      /* when one-way loss was reported; 0: never */
	bool one_way;             /* reported for this series */
	/*
	 * MASTER: the node that was owner before this one preempted it, while its adverts have not
	 * ceased for a Master_Down_Interval: it does not hear this node, and both own
	 */
	struct in_addr heedless;
	uint64_t heedless_since_ns, heedless_ns; /* its first advert since then, and its newest */

	/* the owner that is followed; in FAULT it is only remembered */
	struct in_addr owner; /* sender of the adverts that are followed; 0: none, as in MASTER */
	uint8_t owner_priority;
	uint64_t owner_adver_ns;    /* of the owner's adverts (v3), else as configured */
	uint64_t master_down_at_ns; /* 0 in FAULT after a loss of the link */
	uint64_t ask_at_ns; /* by grants: the members may be asked from then on, though no owner was
			       heard; 0: not before Master_Down */
	enum hokm_reason down_reason; /* then: MASTER_DOWN or PRIORITY_ZERO */
	bool looked_twice;            /* the timer fired late, and fresh pulses were awaited once */

	/* BACKUP: on the way to the lease */
	uint64_t preempt_at_ns; /* end of the preempt delay; 0: not preempting */
	/*
	 * An owner did not give way: it does not hear this node, or does not know it. Until a
	 * reload, or an owner whose pulses show that it does, this node preempts only an owner that
	 * is seen by pulses, and waits twice as long for others before it takes the VIP
	 */
	bool unmoved;
	bool claiming;        /* claims were sent; the owner has not released its lease yet */
	uint64_t claim_ns;    /* when the first claim was sent */
	uint64_t claim_at_ns; /* when to send the next one */
	/* when the owner sent priority 0; its pulse must confirm it. 0: it did not */
	uint64_t released_ns;
	bool claimed; /* it did so because this node claimed: with a permission, if one is needed */
	uint64_t look_at_ns;  /* claiming, released or announced: time of the next probe */
	uint64_t look_gap_ns; /* from that probe to the one after it */

	/*
	 * since when the pulses announce that this node becomes owner as soon as it may; 0: they do
	 * not
	 */
	uint64_t announced_ns;
	uint64_t undecided_ns; /* when only the arbiter kept it from the lease; 0: it did not */

	/* BACKUP, by grants */
	enum hokm_reason wants; /* the way that is open as soon as it is granted; NONE: none */
	bool was_occupied;      /* since it became BACKUP another node had grants */
};

/* The order of the election (RFC 9568 section 6.4.3): priority, then address as a number. */
static inline bool vrrp_beats(uint8_t priority, struct in_addr addr, uint8_t than,
			      struct in_addr than_addr)
{
	if (priority != than)
		return priority > than;
	return ntohl(addr.s_addr) > ntohl(than_addr.s_addr);
}

/* State INIT, no timer. */
void vrrp_init(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns);

/* New settings. The state does not change; a timer that runs is kept or shortened. */
void vrrp_reconf(struct vrrp *v, const struct vrrp_conf *conf, uint64_t now_ns);

/* Handles one event and fills *out with the actions that follow from it. */
void vrrp_step(struct vrrp *v, const struct vrrp_event *ev, uint64_t now_ns,
	       struct vrrp_actions *out);

/*
 * Skew_Time, Master_Down_Interval (by version) and the duration of a lease; see vrrp_time.c.
 * mute_priority: as in struct vrrp_view.
 */
uint64_t vrrp_skew_ns(uint8_t version, uint8_t priority, uint64_t adver_ns);
uint64_t vrrp_master_down_ns(uint8_t version, uint8_t priority, uint64_t adver_ns);
uint64_t vrrp_lease_ns(uint8_t version, uint8_t mute_priority, uint64_t adver_ns);

#endif
