/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants: the lease of the VIP by agreement of a majority (docs/architecture.md). This file has
 * what a member of the group keeps (map grants), and what pulses say of it. hokm/grant.h has the
 * rules.
 *
 * A member is a machine that answers pulses with grants: each node, and each witness. A grant is a
 * member's promise: "for this time I acknowledge no other owner". A node is owner only while its
 * own grant and those of enough other members run.
 */
#ifndef HOKM_ABI_GRANT_H
#define HOKM_ABI_GRANT_H

#include "hokm/abi_base.h"

/* What the sender of a probe wishes of the member that gets it. */
enum hokm_wish {
	HOKM_WISH_NONE,    /* nothing; the answer still says who has the member's grant */
	HOKM_WISH_OWN,     /* a grant: the first one, or the present one renewed */
	HOKM_WISH_RELEASE, /* the sender is not owner any more: its grant ends now */
};

/* What the member answers. */
enum hokm_verdict {
	HOKM_VERDICT_NONE,    /* nothing was wished */
	HOKM_VERDICT_GRANTED, /* the wish was granted */
	HOKM_VERDICT_HELD,    /* another owner has the grant, see the holder and the rest */
	HOKM_VERDICT_OLD,     /* the epoch of the wish is too old, see the epoch */
	HOKM_VERDICT_SILENT,  /* the member was made a moment ago and does not know its promises */
	HOKM_VERDICT_REFUSED, /* the time that was asked for is longer than the member allows */
	HOKM_VERDICT_BUSY,    /* the member answered another probe at this moment: ask again */
	HOKM_VERDICT_ABSENT,  /* the member takes no part, whatever is wished */
};

/**
 * struct hokm_pulse_grant - the part of a pulse that is about grants
 * @epoch: probe: epoch of the wish; answer: the greatest epoch that the member has seen
 * @wish_epoch: answer: epoch of the wish that is answered; probe: epoch with which the wish began
 *              by which the sender owns now; 0: it does not own by grants of members that promise
 * @length_us: time that is asked for, from the moment of the answer on; in an answer the time that
 *             is granted, or, when nothing is, the longest time for which the member grants
 * @left_us: answer: rest of the member's grant, if another one has it
 * @holder: answer: address of the node that has the member's grant; 0: nobody
 * @wish: enum hokm_wish
 * @verdict: answer: enum hokm_verdict
 * @rsv: zero
 */
struct hokm_pulse_grant {
	__be64 epoch;
	__be64 wish_epoch;
	__be32 length_us;
	__be32 left_us;
	__be32 holder;
	__u8 wish;
	__u8 verdict;
	__u8 rsv[2];
};
_Static_assert(sizeof(struct hokm_pulse_grant) == 32, "pulse grant");

/**
 * struct hokm_promise - what a member has promised to others
 * @word: the owner it was promised to, and until when: hokm_grant_word(). Changed by
 *        compare-and-swap only.
 * @epoch: the greatest epoch of a wish that was granted, or released; it only grows
 * @silent_until_ns: grants nothing until this boot time; 0: takes no part at all
 * @longest_ns: the longest grant that it gives
 */
struct hokm_promise {
	__u64 word;
	__u64 epoch;
	__u64 silent_until_ns;
	__u64 longest_ns;
};
_Static_assert(sizeof(struct hokm_promise) == 32, "promise");

/**
 * struct hokm_wished - the newest wish of a peer that this node has answered
 * @epoch: its epoch
 * @sent_ns: when its probe was sent, on the clock of the peer; a microsecond more for each wish
 *           that came after it and was granted late
 *
 * A wish counts only when it is newer: it has a greater epoch, or the same one and was sent later.
 * One of the same epoch that was sent earlier begins and prolongs nothing (hokm_grant_late_wish()).
 * So a probe that was recorded counts never again, also when the peer's daemon has started anew.
 */
struct hokm_wished {
	__u64 epoch;
	__u64 sent_ns;
};
_Static_assert(sizeof(struct hokm_wished) == 16, "wished");

/**
 * struct hokm_granted - what a peer or witness has answered to the wishes of this node
 * @end: end of its grant to this node, on this node's clock and never too late, and the wish that
 *       it granted: hokm_grant_end_word()
 * @seen_epoch: the greatest epoch that it has seen
 * @answered_ns: when it answered last
 * @held_until_ns: end of its grant to another owner, never too early; 0: none
 * @holder: address of that owner
 * @verdict: enum hokm_verdict of its last answer
 * @rsv: zero
 * @longest_ns: the longest grant that it gives, as its last answer without a grant said; 0: unknown
 * @wished: the other direction: its own newest wish
 */
struct hokm_granted {
	__u64 end;
	__u64 seen_epoch;
	__u64 answered_ns;
	__u64 held_until_ns;
	__be32 holder;
	__u8 verdict;
	__u8 rsv[3];
	__u64 longest_ns;
	struct hokm_wished wished;
};
_Static_assert(sizeof(struct hokm_granted) == 64, "granted");

/* For what an answer of the gateway counts as the grant of a third member (decide/stand_in.h). */
enum hokm_stand_in {
	HOKM_STAND_IN_NOTHING,
	HOKM_STAND_IN_RENEWS, /* for an owner whose grants have not ended */
	HOKM_STAND_IN_CLAIMS, /* for any wish, while no sign of life of the peer comes */
};

/**
 * struct hokm_gateway - what the arbiter `gateway` has answered (user/decide/arbiter.h)
 * @addr: its address, and
 * @mac: its MAC address in the first six bytes of memory, 0: not known yet; both from the daemon
 * @stand_in: enum hokm_stand_in, from the daemon as all up to @rsv and from @asked_ns on
 * @member: the slot of the gateway among the members
 * @peer: the slot of the only peer
 * @rsv: zero
 * @answered_ns: when an ARP answer to this node came from both
 * @other_mac: another MAC address that answered for @addr last, and
 * @other_ns: when
 * @asked_ns: the moment from which the next answer counts, not later than its question was sent; 0:
 *            no question is open. The XDP program clears it with the answer.
 * @used_ns: for so long after @asked_ns an answer counts as a grant
 * @silent_ns: CLAIMS: a sign of life of the peer that is newer than this ends it
 */
struct hokm_gateway {
	__be32 addr;
	__u8 stand_in;
	__u8 member;
	__u8 peer;
	__u8 rsv;
	__u64 mac;
	__u64 answered_ns;
	__u64 other_mac;
	__u64 other_ns;
	__u64 asked_ns;
	__u64 used_ns;
	__u64 silent_ns;
};
_Static_assert(sizeof(struct hokm_gateway) == 64, "gateway");

/**
 * union hokm_count - which grants this node counts; what is read and written as one word
 * @majority: members that must grant, this node among them; 0: grants do not count here, VRRP's
 *            timers alone decide
 * @apart: bit by slot: the grant of this one is not counted
 * @word: both
 */
union hokm_count {
	struct {
		__u16 majority;
		__u16 apart;
	};
	__u32 word;
};

/**
 * struct hokm_stood - the proof that the clock of this node stood still (hokm/grant_count.h)
 * @void_below: a wish that began with an epoch below this one counts no more; it only grows
 * @since_epoch: epoch with which the wish began that a proof ended last, and
 * @seen_ns: when; 0: never
 * @reported_ns: the @seen_ns that the daemon reported last
 * @owner: address of the node that was granted meanwhile; 0: not known
 * @rsv: zero
 * @granted_ns: by slot of the member: when the newest answer came that granted
 */
struct hokm_stood {
	__u64 void_below;
	__u64 since_epoch;
	__u64 seen_ns;
	__u64 reported_ns;
	__be32 owner;
	__u32 rsv;
	__u64 granted_ns[HOKM_MAX_PEERS];
};
_Static_assert(sizeof(struct hokm_stood) == 104, "stood");

/**
 * struct hokm_grants - value of grants, one entry
 * @own: the promises of this node as a member. The XDP program makes those to peers, the daemon the
 *       one to this node itself, by the same rules.
 * @wish: enum hokm_wish of this node. The daemon changes it and @wish_epoch with
 *        hokm_grants_set_wish() before it sends a probe with that wish.
 * @count: which members must grant
 * @wish_epoch: epoch of the wish. It grows while the node owns (hokm_grants_raise()).
 * @end: until when a majority has granted, and which wish: hokm_grant_end_word(). The XDP program
 *       writes it when an answer comes. hokm_grants_end_ns() reads it.
 * @since_epoch: epoch with which this wish began; from the daemon, as @wish
 * @member: by slot of the peer
 * @gateway: the arbiter where no majority decides
 * @stood: what ends a wish whose grants count for too long
 *
 * What the gates read lies in the first cache line.
 */
struct hokm_grants {
	struct hokm_promise own;
	__u32 wish;
	union hokm_count count;
	__u64 wish_epoch;
	__u64 end;
	__u64 since_epoch;
	struct hokm_granted member[HOKM_MAX_PEERS];
	struct hokm_gateway gateway;
	struct hokm_stood stood;
};
_Static_assert(sizeof(struct hokm_grants) == 744, "grants");

#endif
