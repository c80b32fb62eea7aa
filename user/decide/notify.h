/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications: which event becomes a message, on which channel, and when. Pure (rule 9,
 * docs/architecture.md): times are arguments, and nothing is sent here.
 *
 *   notify_kinds.c   a line of the event stream -> struct notify_event, by one table
 *   notify.c         struct notify_event -> messages of one channel
 *   agent/notify_text.c   a message -> its words
 *
 * A struct notify_state belongs to one channel. An event that passes the filter waits in `waiting`
 * until its group is complete, the rate allows a message and the quiet hours are over. Then all
 * that waits becomes one message, which is `out` until notify_sent() or notify_failed(). After a
 * failure its items wait again, so that a channel that comes back gets one message for all of them.
 *
 * Invariants: `waiting` and `out` together have at most NOTIFY_ITEMS_MAX items. What does not fit
 * is counted in `dropped`, and the next message says how many. A critical item is dropped last.
 * What never came here is counted in `lost`, and asks for no message of its own: nobody knows
 * whether the channel would have reported it.
 *
 * All structs have fixed sizes and no pointers: they travel in messages between processes.
 */
#ifndef HOKM_DECIDE_NOTIFY_H
#define HOKM_DECIDE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hokm/names.h"

#define NOTIFY_ITEMS_MAX    64
#define NOTIFY_PROBLEMS_MAX 32
#define NOTIFY_SUBJECT_MAX  32
#define NOTIFY_PART_MAX     15 /* of each name in "NODE/SERVICE" and "PEER/PATH" */
#define NOTIFY_KNOWN_MAX    32
#define NOTIFY_WORD_MAX     16
#define NOTIFY_LINE_MAX     160

enum notify_severity { NOTIFY_INFO, NOTIFY_WARNING, NOTIFY_CRITICAL, NOTIFY_SEVERITIES };

/*
 * The kinds that a channel can be limited to. A kind is a bit of a filter. Its number is on disk in
 * the queue of a channel: a new one comes last.
 */
#define NOTIFY_KINDS(X)                                                       \
	X(STATE, "state", "the VRRP state of the node")                       \
	X(SERVICE, "service", "the state of a service")                       \
	X(PANIC, "panic", "no node is healthy")                               \
	X(PASSIVE, "passive", "a fault in the traffic of a service")          \
	X(PEER, "peer", "peers, witnesses and their majority; their secrets") \
	X(REPLICA, "replica", "whether a peer's connections are known here")  \
	X(STEERING, "steering", "whether frames can be steered to a peer")    \
	X(TAKEOVER, "takeover", "clients of a peer that was taken for dead")  \
	X(LINK, "link", "the interface")                                      \
	X(CONFLICT, "conflict", "another machine or node has the VIP")        \
	X(KERNEL, "kernel", "what the daemon sets in the kernel")             \
	X(CONFIG, "config", "the configuration")                              \
	X(OPERATOR, "operator", "orders of the operator")                     \
	X(DNS, "dns", "the DNS record of the group")                          \
	X(DRILL, "drill", "a drill of the failover failed")                   \
	X(TEST, "test", "a test of the channel")                              \
	X(ANSWERS, "answers", "whether SYNs to a service are answered")
#define NOTIFY_KIND_ENUM(id, name, text) NOTIFY_K_##id,
enum notify_kind { NOTIFY_KINDS(NOTIFY_KIND_ENUM) NOTIFY_KIND_COUNT };

/* What an event means for the problem with its kind and subject. */
enum notify_effect {
	NOTIFY_ONCE,  /* nothing: it is reported by itself */
	NOTIFY_OPEN,  /* the problem begins, or goes on with another reason */
	NOTIFY_CLOSE, /* the problem is over; without a problem nothing is reported */
	NOTIFY_WEAK,  /* as NOTIFY_OPEN, but a problem that is more severe stays as it is */
	NOTIFY_DONE,  /* the problem is over; without a problem it is reported by itself */
};

/*
 * A moment by two clocks. Operators read the wall clock, which may be set at any time: durations
 * are of the boot clock. Only over a boot of the machine nothing but the wall clock is left.
 */
struct notify_time {
	int64_t wall_s;
	uint64_t boot_ns; /* 0: of an earlier boot */
};

/* How long it was from one moment to another, in seconds; 0 when it would be less. */
int64_t notify_passed_s(struct notify_time from, struct notify_time to);

#define NOTIFY_PLAYERS_UNKNOWN UINT32_MAX

struct notify_event {
	uint32_t kind, severity, effect; /* enum notify_kind, notify_severity, notify_effect */
	uint32_t reason;                 /* enum hokm_reason */
	uint32_t hold_s;                 /* a problem that ends within this time is not reported */
	uint32_t players;                /* connections of this node at that moment, or
					    NOTIFY_PLAYERS_UNKNOWN */
	struct notify_time at;
	char subject[NOTIFY_SUBJECT_MAX]; /* a service, a peer, or the type of a DNS record; "" for
					     the node itself */
	char from[NOTIFY_WORD_MAX], to[NOTIFY_WORD_MAX]; /* "" without a change of state */
	char text[NOTIFY_LINE_MAX];
};

enum notify_mark { NOTIFY_NEWS, NOTIFY_STILL, NOTIFY_OVER };

struct notify_item {
	struct notify_event event;
	uint32_t mark; /* enum notify_mark */
	uint32_t spare;
	struct notify_time since; /* when the problem began */
};

struct notify_conf {
	uint32_t least;       /* enum notify_severity */
	uint32_t kinds;       /* bits of enum notify_kind */
	uint32_t per_hour;    /* messages */
	bool recovery;        /* report that a problem is over */
	bool quiet;           /* quiet hours are set */
	uint16_t quiet_from;  /* minutes of the local day */
	uint16_t quiet_until; /* before quiet_from: after midnight */
	uint64_t group_ns;    /* how long the first event waits for more */
	uint64_t repeat_ns;   /* of a critical problem that goes on; 0: never */
};

struct notify_problem {
	bool open, told;
	struct notify_event event; /* the newest of the problem */
	struct notify_time since;
	uint64_t due_ns; /* reported: when to repeat; else when its hold is over. 0: never */
};

struct notify_state {
	unsigned int n_waiting, n_out;
	struct notify_item waiting[NOTIFY_ITEMS_MAX];
	struct notify_item out[NOTIFY_ITEMS_MAX];
	uint32_t dropped;     /* since the last message that reported it */
	uint32_t lost;        /* the same; events that did not come here */
	uint32_t out_dropped; /* both, as said by the message that is out */
	uint64_t dropped_total;
	uint64_t group_until_ns; /* 0: nothing waits */
	uint64_t out_cost_ns;    /* what the message that is out took of the rate */
	uint64_t rate_ns;        /* when the rate has forgotten all messages */
	struct notify_problem problems[NOTIFY_PROBLEMS_MAX];
};

/* Takes an event in. */
void notify_take(struct notify_state *s, const struct notify_conf *c, const struct notify_event *e,
		 uint64_t now_ns);

/*
 * What the configuration names. A problem of anything else is over: no part of the daemon would
 * ever report its end. A subject is a name, NODE/SERVICE at a monitor of DNS, or PEER/PATH.
 */
struct notify_known {
	uint32_t dns; /* this process writes a DNS record */
	uint32_t n;
	char name[NOTIFY_KNOWN_MAX][NOTIFY_SUBJECT_MAX]; /* nodes, witnesses, services, paths */
};

/* The configuration that counts from now on. */
void notify_know(struct notify_state *s, const struct notify_conf *c,
		 const struct notify_known *known, struct notify_time now, uint64_t now_ns);

/*
 * Moves on with the time: holds that are over, repeats that are due. `minute` is the minute of the
 * local day. True when a message is ready: s->out has its items, until notify_sent() or
 * notify_failed(). `may_send` is false while the channel cannot be used.
 */
bool notify_due(struct notify_state *s, const struct notify_conf *c, uint64_t now_ns,
		unsigned int minute, bool may_send);

/* The message that is out has arrived, or will never be sent again. */
void notify_sent(struct notify_state *s);
/* It has not arrived: its items wait again, before all others. */
void notify_failed(struct notify_state *s);

/* When notify_due() has something to do at the latest; UINT64_MAX: only after an event. */
uint64_t notify_next_ns(const struct notify_state *s, const struct notify_conf *c, uint64_t now_ns,
			unsigned int minute);

/* The most severe of some items. */
enum notify_severity notify_worst(const struct notify_item *items, unsigned int n);

/*
 * A line of the daemon's event stream as an event. `what` and `text` are those of struct
 * event_line: a text has the form "NAME: words", "NAME FROM -> TO: words" or "FROM -> TO: words".
 * False when the line is nothing that is notified.
 */
bool notify_event_from(const char *what, enum hokm_reason reason, const char *text,
		       struct notify_event *out);

/* What the operator can do about the event; "" when nothing is to be done. */
const char *notify_advice(const struct notify_event *e);

const char *notify_kind_name(unsigned int kind);
const char *notify_kind_text(unsigned int kind);
/* -1 when no kind has this name. */
int notify_kind_from_name(const char *name);
const char *notify_severity_name(unsigned int severity);

#endif
