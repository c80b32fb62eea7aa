/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arbiter `etcd` (docs/architecture.md): while two nodes do not hear each other, a record in an
 * etcd cluster says which of them may be owner. Pure.
 *
 * The record has an epoch and a holder. A node changes it by a transaction that compares the
 * revision which etcd gave to the record: of two nodes that try it from the same revision, one
 * succeeds. A holder claims the record again and again, which is a change too.
 *
 *   OFF      another arbiter, or none
 *   PEER     the peer is heard: the record decides nothing. It is read slowly, so that connection
 *            and revision are ready when they matter, and a claim of this node is given back
 *   ASKED    the peer is silent, and this node has no word of etcd that counts
 *   HOLDS    this node holds the record: it may own
 *   OTHER    the other node holds it
 *   SILENT   neither peer nor etcd is heard. An owner goes on to the end of its right, with `keep`
 *            for longer; nobody becomes owner
 *
 * Why there are never two owners. Moments are of one clock each; rates differ by 1/32 at most.
 *   1. While an owner hears its peer, VRRP and pulses decide, as without an arbiter. It was heard
 *      at the moment at which the probe was *sent* that the newest answer belongs to.
 *   2. When it has heard none for dead_ns, the lease that it has then is the last one that it may
 *      have without the record. No lease without the record lasts longer than tie_last_ns() after
 *      the moment at which the peer was last heard.
 *   3. A node that is no owner claims only after tie_wait_ns() without any sign of life of the
 *      other one. Each answer that the other one may count has left here just after such a sign. So
 *      the right of 2 has ended before the claim is sent, also if the other daemon was stopped: the
 *      lease in the kernel of the other node ends by itself.
 *   4. A claim gives a right for hold_ns, counted from the moment at which the transaction was
 *      *sent*. The record says this time. The other node may claim over it only when it has seen
 *      the same revision for so long and 1/32 more, counted from the moment at which it first saw
 *      it. Its own hold_ns counts where that is longer. With a shorter hold_ns a holder
 *      claims again only when its right is not longer than that any more.
 *   5. A node that has begun, or whose memory is new, counts 3 and 4 from its begin.
 *   6. Two nodes without an owner that hear each other again would both take the VIP: the one with
 *      the higher priority waits for dead_ns, the other one three times as long.
 * A peer that shows signs of life and answers nothing for hold_ns (a cut in one direction) does not
 * count for 3 any more: it cannot hear our answers either.
 */
#ifndef HOKM_DECIDE_TIE_H
#define HOKM_DECIDE_TIE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * While the peer is heard, the record is read so often, and its answer is awaited so long: nothing
 * waits for it, and a login takes long.
 */
#define TIE_SLOW_NS    5000000000ULL
#define TIE_PATIENT_NS 2000000000ULL

enum tie_phase { TIE_OFF, TIE_PEER, TIE_ASKED, TIE_HOLDS, TIE_OTHER, TIE_SILENT };
enum tie_holder { TIE_NOBODY, TIE_SELF, TIE_THEIRS };
enum tie_op { TIE_NONE, TIE_READ, TIE_CLAIM, TIE_RELEASE };

struct tie_record {
	uint64_t revision; /* of its last change; 0: there is no record */
	uint64_t epoch;
	uint64_t hold_ns; /* so long the holder may own after its claim; 0: nobody's */
	enum tie_holder holder;
};

/* The result of a question. */
struct tie_answer {
	bool valid; /* etcd answered */
	bool moved; /* the transaction was carried out */
	struct tie_record record;
};

struct tie_times {
	uint64_t dead_ns;    /* so old is the newest answer of a peer that is silent */
	uint64_t last_ns;    /* tie_last_ns() */
	uint64_t wait_ns;    /* tie_wait_ns() */
	uint64_t timeout_ns; /* of a question */
	uint64_t hold_ns;    /* the right that a claim gives */
};

/* All zero at the start. */
struct tie {
	enum tie_phase phase;
	uint64_t began_ns, stepped_ns;
	uint64_t silent_ns; /* since when the peer is silent; 0: it is heard */
	uint64_t deaf_ns;   /* the same, counted from the last break of the daemon */
	uint64_t peer_ns;   /* since when it is heard; 0: it is silent */
	uint64_t right_ns;  /* the last lease without the record ends then */
	uint64_t held_ns;   /* the right that the last claim gave ends then; 0: none */
	uint64_t idle_ns;   /* since when this node neither owns nor wants to; 0: it does */

	/* the question on its way */
	enum tie_op sent;
	uint64_t sent_ns, limit_ns;
	uint64_t claim_ns;    /* the hold_ns of the claim on its way */
	uint64_t due_ns;      /* of the next reading */
	uint64_t retry_ns;    /* no question before that */
	uint64_t open_ns;     /* the first question after the newest answer; 0: none */
	uint64_t answered_ns; /* the newest answer; 0: none */

	bool known; /* the record was read */
	struct tie_record record;
	uint64_t noted_ns; /* when this revision was first seen */
};

struct tie_input {
	bool on; /* the arbiter is etcd */
	bool owns;
	bool wants;              /* only the arbiter keeps this node from becoming owner */
	bool second;             /* the other node has the higher priority */
	bool keep;               /* on_isolation */
	uint64_t heard_ns;       /* when the probe was sent that was answered last; 0: never */
	uint64_t alive_ns;       /* the newest sign of life of the peer, of any kind; 0: none */
	uint64_t lease_until_ns; /* of the lease in the packet path; 0: none */
	struct tie_times times;
	const struct tie_answer *answer; /* to the last question, or NULL */
};

struct tie_output {
	enum tie_op ask;   /* with t->record as what is expected; it replaces one on its way */
	uint64_t limit_ns; /* how long its answer is awaited */
	bool undecided;    /* do not become owner now, but stay what you are */
	bool bars;         /* not eligible */
	uint64_t until_ns; /* no lease may last longer */
};

void tie_step(struct tie *t, const struct tie_input *in, uint64_t now_ns, struct tie_output *out);

/*
 * How long after its peer was last heard the lease of an owner ends at the latest: see 2 above.
 * lease_ns: of a lease that is taken now.
 */
uint64_t tie_last_ns(uint64_t dead_ns, uint64_t pulse_ns, uint64_t lease_ns);
/* How long a node waits before its claim: see 3 above. last_ns: that of the other node. */
uint64_t tie_wait_ns(uint64_t last_ns);

/*
 * Certificates, authorities and passwords are read again so often, so that renewed ones are used
 * before they are needed; and where etcd does not answer, because that may be for an old one.
 */
#define TIE_FILES_NS       3600000000000ULL
#define TIE_FILES_AGAIN_NS 15000000000ULL

/*
 * Whether that is due. read_ns: they were read then. A question on its way has no answer then, so
 * it is never due while the answers of etcd let a node own or keep it from that.
 */
bool tie_files_due(const struct tie *t, uint64_t read_ns, uint64_t now_ns);

/* Do the words of etcd count for ownership now? */
static inline bool tie_decides(enum tie_phase phase)
{
	return phase != TIE_OFF && phase != TIE_PEER;
}

const char *tie_phase_name(enum tie_phase phase);

#endif
