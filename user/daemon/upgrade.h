/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Upgrade: the daemon is replaced by the binary that is installed now, in the same process, so that
 * systemd keeps its main PID. Nothing moves, and no connection breaks (rule 7).
 *
 *   judge    a thread runs `PROGRAM accepts FILE`: the new binary itself says whether it accepts
 *            the configuration and the pinned maps. If it does not, nothing changes. Nor does
 *            anything if the running daemon would refuse a reload of the file for its peers' sake:
 *            a file with another secret would make the nodes deaf to each other, and both own.
 *            What the running daemon cannot read, because a newer version wrote it, it does not
 *            judge.
 *   wait     for what must end by itself: a hook, a file that is being written, a thread of the
 * daemon that works in the kernel. Of a thread that waits for a lock there exec waits for the end,
 *            for as long as the lock is held, and the lease would run out meanwhile
 *   part     an owner sends three adverts with a long interval, which give it a long lease
 *            (decide/parting.h). What has begun meanwhile is waited for too, and a reload is put
 *            off. If the lease is too short then, the daemon stays.
 *   replace  the child processes are killed and the log is written, UPGRADE_END_MS for each of
 *            these at most; exec; the new daemon adopts the pins and the lease
 *
 * The long lease. A lease of profile fast (275 ms) may be shorter than a start. In VRRP version 3
 * the backups learn the interval from each advert. With an interval L of UPGRADE_ADVERT_NS
 *
 *   first advert sent at t1, last one at t3: the lease ends at t3 + 2.75 L at the latest
 *   a backup that heard at least the first: Master_Down ends after t1 + 3 L
 *
 * so there are never two owners as long as t3 - t1 and the travel time of an advert are less than
 * L / 4 together: t3 - t1 is PARTING_NS at most, which leaves 100 ms. The adverts are sent at ticks
 * of the pulse, PARTING_GAP_NS apart at least; an advert that comes too late after the first is not
 * sent. A backup that lost all three sees the lease in the owner's pulses;
 * one that sends no pulses and has a higher priority makes the node keep its ordinary lease, as
 * version 2 does, whose intervals are fixed (and a second at least).
 *
 * By grants the owner also asks the members for a long grant, UPGRADE_GRANT_NS, and goes when lease
 * and grants both last. The new daemon asks for ordinary grants again.
 */
#ifndef HOKM_DAEMON_UPGRADE_H
#define HOKM_DAEMON_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check_runner;
struct conf;
struct dns;
struct ender;
struct hooks;
struct node;
struct operator_orders;
struct reload;
struct upkeep;
struct vrrp;
struct upgrade; /* opaque */

/* The concerns that an upgrade needs, borrowed. */
struct upgrade_of {
	struct node *node;
	struct vrrp *vrrp;
	struct hooks *hooks;
	struct check_runner *checks;
	struct dns *dns;
	struct notify_feed *notify;
	struct publish *publish;
	struct etcd_watch *etcd;
	const struct upkeep *upkeep;
	const struct ender *ender;
	const struct operator_orders *operator;
	struct reload *const *reload; /* that of the daemon, opened later */
	bool (*reload_reads)(const struct reload *r);
	bool (*reload_harms)(const struct reload *r, const struct conf *wanted, char *why,
			     size_t size);
	uint64_t *longer_grant_ns; /* of struct quorum */
};

/* The interval of the last adverts. A longer one that is configured stays. */
#define UPGRADE_ADVERT_NS 1000000000ULL
/* As long as the lease of such an advert. */
#define UPGRADE_GRANT_NS 3000000000ULL
/* How long the end of each child, and the log, may hold up exec. */
#define UPGRADE_END_MS 100

/* From main(), before the first daemon: argv[0] is "run". Borrowed. */
void upgrade_remember(int argc, char **argv);

/* 0 or -errno, logged. */
int upgrade_open(const struct upgrade_of *of, struct upgrade **out);
/* NULL is fine. */
void upgrade_close(struct upgrade *u);

/* Begins. Returns 0, or -errno with the reason written to `why`. */
int upgrade_start(struct upgrade *u, char *why, size_t size);

/*
 * From settle() at each tick, before the VRRP machine. Does not return when the new binary takes
 * over.
 */
void upgrade_tick(struct upgrade *u, uint64_t now_ns);

/* From the request until the new binary has taken over, or was refused. */
bool upgrade_works(const struct upgrade *u);
/* The last adverts are sent: their interval must stay. */
bool upgrade_parts(const struct upgrade *u);

/* How far it is: "none", "judging", "refused", "parting", or "done" in the new daemon. */
const char *upgrade_phase(const struct upgrade *u);
/* refused: why. done: the version before. Otherwise "". */
const char *upgrade_text(const struct upgrade *u);
/* The path of the binary that would take over. */
const char *upgrade_program(const struct upgrade *u);

/* `hokm-xdp accepts FILE`: may this binary take over from the daemon that runs? Prints why not. */
int daemon_accepts_main(int argc, char **argv);

#endif
