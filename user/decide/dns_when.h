/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a node reads or writes its DNS record: a pure machine, one for each record type.
 *
 * Only the owner writes, and it writes because it became owner, by an order of the operator, or
 * to continue what failed. An owner whose record holds the address of another node afterwards does
 * not write it again: two nodes that both take themselves for the owner would flip the record
 * without end. The record is contested then, and is reported as that, until the next change of the
 * owner or `dns start`, or until it is certain that no other node owns: then the other one wrote
 * late, and the owner writes once more. It does so once as long as that stays certain, because what
 * writes the record again then is no owner that would stop by itself.
 *
 * Where two owners can be, an owner looks at the record soon: when another node falls silent or is
 * heard again, and after its own write while it hears none. The pauses between these looks double
 * until they are verify_ns.
 *
 * The circuit breaker is closed while the provider works. After a number of failures in a row, or
 * at once when the credentials are refused, it opens, and nothing is asked for a while. Then it is
 * half open: one attempt decides.
 *
 * Times are of one clock that never jumps. Random numbers come from a seed.
 */
#ifndef HOKM_DECIDE_DNS_WHEN_H
#define HOKM_DECIDE_DNS_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct dns_when_conf {
	uint64_t failover_ns;     /* from ownership to the write */
	uint64_t failback_ns;     /* the same, when another node still serves */
	uint64_t min_interval_ns; /* between two changes */
	uint64_t verify_ns;       /* between two looks at a record that is right */
	uint64_t doubt_ns;        /* the first of them where there may be two owners */
	uint64_t retry_ns;        /* after the first failure; it doubles */
	uint64_t retry_max_ns;
	unsigned int breaker_fall; /* failures in a row that open the breaker */
	uint64_t breaker_ns;       /* how long it is open */
};

/* How an attempt ended. */
enum dns_result {
	DNS_SAME,    /* the record has the wanted address */
	DNS_CHANGED, /* it has it now */
	DNS_OTHER,   /* a look found another address of the group */
	DNS_REFUSED, /* the plan or the provider refuses: the same attempt would fail again */
	DNS_FAILED,  /* no answer, or a failure of the provider */
	DNS_LIMITED, /* too many requests */
	DNS_DENIED,  /* the credentials */
};

enum dns_state {
	DNS_AWAY, /* this node is not owner */
	DNS_WAITING,
	DNS_RUNNING,
	DNS_RIGHT,
	DNS_STUCK, /* refused */
	DNS_CONTESTED,
	DNS_STOPPED, /* by the operator */
};

enum dns_breaker { DNS_CLOSED, DNS_OPEN, DNS_HALF_OPEN };

/* What to do now. */
enum dns_act { DNS_ACT_NONE, DNS_ACT_WRITE, DNS_ACT_LOOK };

struct dns_when {
	struct dns_when_conf conf;
	uint64_t seed;
	enum dns_state state;
	bool owner, stopped;
	bool serves;       /* another node is healthy, as last seen */
	uint64_t pause_ns; /* before the next look */
	uint64_t asked_ns; /* the end of the last attempt */
	enum dns_act running;
	bool write;         /* a write is due at at_ns, else a look */
	bool order;         /* by the operator: no delay counts */
	bool contest;       /* the write that is due ends a contest */
	bool ended;         /* one was ended, and no other node could own since */
	uint64_t at_ns;     /* the next attempt; UINT64_MAX: none */
	uint64_t change_ns; /* before this moment the next change would come too soon */
	unsigned int failures;
	enum dns_breaker breaker;
	uint64_t open_until_ns;
};

void dns_when_init(struct dns_when *w, const struct dns_when_conf *conf, uint64_t seed);

/*
 * A moment by two clocks, because a change is remembered beyond a restart. The wall clock may be
 * set at any time, and the boot clock begins anew with each boot.
 */
struct dns_moment {
	int64_t wall_s;   /* 0: never */
	uint64_t boot_ns; /* 0: of an earlier boot */
};

/*
 * An earlier daemon of this node has changed the record. In the same boot the boot clock says how
 * long ago that was. Over a boot the wall clock does, but it was at least before this boot: a clock
 * that was set back makes the next change wait for min_interval from the boot, and not longer.
 */
void dns_when_recall(struct dns_when *w, const struct dns_moment *change,
		     const struct dns_moment *now);

/*
 * Ownership, as often as the caller likes. `serves`: another node is healthy, so that a record that
 * names it hurts nobody. `was_right`: an earlier daemon of this node was owner and its record was
 * right; then the record is looked at, and not written. Returns true when an attempt that runs must
 * be stopped at once.
 */
bool dns_when_owner(struct dns_when *w, bool owner, bool serves, bool was_right, uint64_t now_ns);

/*
 * As often, after the former: is it certain that no other node owns? A contest is ended only when
 * it was so for a while.
 */
void dns_when_sole(struct dns_when *w, bool sole, uint64_t now_ns);

/*
 * For a monitor, which is owner as long as it can see: the record is to be compared and written
 * again, because the view has changed. Orders of the operator stay as they are. True as above.
 */
bool dns_when_renew(struct dns_when *w, uint64_t now_ns);

/* The operator's order to write now, or, with `stop`, not to write any more. True as above. */
bool dns_when_order(struct dns_when *w, bool stop, uint64_t now_ns);

/*
 * When the next attempt may begin: its time has come, the last change is long enough ago, and the
 * breaker is not open. UINT64_MAX: none is planned.
 */
uint64_t dns_when_due_ns(const struct dns_when *w);

/* What is due. Until its result nothing else is. */
enum dns_act dns_when_next(struct dns_when *w, uint64_t now_ns);

/* The end of the attempt. retry_ns: what the provider asks to wait, 0 for nothing. */
void dns_when_result(struct dns_when *w, enum dns_result r, uint64_t retry_ns, uint64_t now_ns);

const char *dns_state_name(enum dns_state s);
const char *dns_breaker_name(enum dns_breaker b);
const char *dns_result_name(enum dns_result r);

#endif
