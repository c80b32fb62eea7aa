/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Upkeep: what the daemon set in the kernel stays set (architecture rule 12). Addresses, routes,
 * sysctls, programs, filters, pins and fences are read back by the keeper (act/keeper.h) when the
 * kernel announces a change, and now and then without one. What others removed is put back; what
 * cannot be put back, or is removed again and again, is a reason to hand the VIP over.
 *
 * Invariants: a job for the keeper begins at the earliest 50 ms after the one before, and 0.8 s
 * after it while others go on removing things. Only for pins, for a link that is in doubt, and for
 * the XDP program while no pulse comes, there is a job each 0.1 s even then: without pins the end
 * of the daemon would end its programs, and without link or program nodes take each other for dead.
 * What a job finds is handled by one settle().
 */
#ifndef HOKM_DAEMON_UPKEEP_H
#define HOKM_DAEMON_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "act/keeper.h"
#include "decide/egress_sight.h"
#include "decide/removals.h"
#include "sense/kernel_watch.h"

struct node;

/* What keeps the node from owning. */
struct upkeep_lack {
	uint64_t until_ns; /* the node should not own the VIP until then */
	uint64_t found_ns; /* when that was found last */
	const char *by;    /* what was gone then */
};

struct upkeep {
	struct node *node;
	struct keeper *keeper;
	struct kernel_watch *watch;
	sd_event_source *done, *put; /* the keeper is, the VIP worker is */
	sd_event_source *pins;       /* watches their folder; NULL: it could not be watched */
	bool returning;              /* the interface is made again: it is looked for and set up */
	bool returned;               /* noted: all that it needs is there */
	struct keep_job job; /* what is due; of its addresses and routes only when it is given */
	uint64_t next_ns;    /* no job before */
	uint64_t gap_ns;
	uint64_t urgent_ns; /* no job for urgent parts alone before */
	/* When a part, some parts, and all parts are due without an announcement. */
	uint64_t soon_ns, often_ns, full_ns;
	uint64_t failing_ns[KEEP_PARTS]; /* since when a part cannot be put back; 0: it is there */
	uint64_t retry_ns[KEEP_PARTS];
	/* Since when it is not there; 0: it is. Of parts that upkeep_is_passing() waits for. */
	uint64_t missed_ns[KEEP_PARTS];
	uint64_t unset_ns;   /* since when what is wanted cannot be set; 0: it is set */
	uint64_t lacking_ns; /* since when an address or route is awaited; 0: none is */
	struct upkeep_lack broken, unpinned;
	struct removals removals[KEEP_PARTS];
	unsigned int routes_gone; /* of the interface, that were removed by a program */
	uint64_t routes_gone_ns;  /* since when they are counted; 0: none is */
	struct egress_sight sight;
	uint64_t sight_ns; /* when the counters for it are read next */
	/* For status. */
	uint64_t count[KEEP_PARTS]; /* how many things were put back */
	uint64_t count_ns;          /* the last time; 0: never */
	enum keep_part count_part;  /* what it was */
	struct keep_result last;
};

/* Fences the other interfaces. Comes before the routes of the VIPs are added. 0 or -errno. */
int upkeep_open(struct upkeep *u, struct node *n);
/* Begins to listen and to read back. Comes when the capabilities are given up. 0 or -errno. */
int upkeep_start(struct upkeep *u);
void upkeep_close(struct upkeep *u);

/*
 * Takes what the keeper found, and gives it the next job when one is due. Returns true when VIP
 * addresses were put back: then clients and switches need gratuitous ARP.
 */
bool upkeep_run(struct upkeep *u, uint64_t now_ns);

/*
 * The interface is made again: the keeper looks for it, and sets up sysctls, programs, pins and
 * fences, and the group of this socket (-1: none). upkeep_found() is the index that it has now, 0
 * without one. upkeep_returned() is true once, when all is there and the interface has the node's
 * own address. Until upkeep_settled(), what is put back was not removed by others.
 */
void upkeep_return(struct upkeep *u, int group_fd);
int upkeep_found(const struct upkeep *u);
bool upkeep_returned(struct upkeep *u);
void upkeep_settled(struct upkeep *u);

/*
 * Pulses ceased a moment ago: the link may be lost, and the kernel tells it only later. True each
 * 0.1 s until it would have said it. Asked before upkeep_run(), the answer comes with its job.
 */
bool upkeep_doubts_link(const struct upkeep *u, uint64_t now_ns);
/*
 * The state of the link of this interface is to be read, for this doubt of the link watch. The
 * state is there when upkeep_link() returns the number of a doubt, else it returns 0.
 */
void upkeep_read_link(struct upkeep *u, int ifindex, uint64_t doubt);
uint64_t upkeep_link(const struct upkeep *u, struct link_state *s);
/* 0, or -errno: the last time the state could not be read. It is read again. */
int upkeep_link_error(const struct upkeep *u);

/*
 * Where the node's paths end, as the last job found; 0 when it did not look. They are looked for
 * when an address or an interface changes, and when this is called.
 */
unsigned int upkeep_paths(const struct upkeep *u, const struct path_place **places);
void upkeep_look_for_paths(struct upkeep *u);

/*
 * Something that was announced, or that failed and is due again, waits for the keeper or for the
 * end of the gap: no longer than a job lasts, and the gap. What fails waits for its next turn
 * instead, and then this is false.
 */
bool upkeep_waits(const struct upkeep *u);
/* No pulse comes: when the XDP program is looked for next. 0: pulses come. */
uint64_t upkeep_look_ns(const struct upkeep *u, uint64_t now_ns);

/* Does the keeper work on something now? Then the kernel may have its thread. */
bool upkeep_works(const struct upkeep *u);

/*
 * The interface lacks the node's own address: this node can send no advert and no pulse, but its
 * kernel still answers those of the peers.
 */
bool upkeep_lacks_self(const struct upkeep *u);
/* True while the node lacks something in the kernel without which it should not own the VIP. */
bool upkeep_broken(const struct upkeep *u, uint64_t now_ns);
/*
 * True while its pins cannot be put back, and for a while afterwards. All works, and would end with
 * the daemon.
 */
bool upkeep_unpinned(const struct upkeep *u, uint64_t now_ns);
/*
 * What that is, as a noun without an article; NULL while neither is true. *waits_ns: 0 while it
 * is gone, else it is back, and so long the node waits until it counts as there.
 */
const char *upkeep_obstacle(const struct upkeep *u, uint64_t now_ns, uint64_t *waits_ns);

#endif
