/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heartbeat: at each beat this node writes its sign of life into map own, where its kernel
 * takes it from when it answers pulses, and sends a probe to every peer and witness, over all
 * paths. A peer that does not answer is asked by ARP as well. The beats are a pulse interval apart,
 * or a calm one (decide/pulse_pace.h).
 */
#ifndef HOKM_DAEMON_HEARTBEAT_H
#define HOKM_DAEMON_HEARTBEAT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/pulse_paths.h"
#include "decide/pulse_clock.h"
#include "decide/pulse_pace.h"
#include "decide/senders.h"
#include "hokm/abi.h"
#include "sense/pulse.h"

struct node;
struct renewal;
struct renewal_report;

struct heartbeat {
	struct node *node;
	struct pulse *pulse; /* of the segment */
	struct pulse_paths paths;
	struct pulse_clock clock;
	struct pulse_pace pace;
	uint64_t owner_stamp, owner_asks_ns; /* of its newest probe, and when a look found it */
	uint64_t late_ns;                    /* of the pulse that was taken last */
	sd_event_source *due;                /* pending when a pulse is due beside other events */
	struct renewal *renewal;             /* sends the probes, over all paths */
	struct pulse_wish wish;              /* of all probes */
	struct senders senders;              /* whose pulses of another version were reported */
	uint64_t ahead_ns;                   /* clock_boot_ahead_ns() as the packet path has it */
};

/* The socket of the probes. 0 or -errno. */
int heartbeat_open(struct heartbeat *h, struct node *n);
/* The thread that sends probes when the loop is late. 0 or -errno. */
int heartbeat_start_thread(struct heartbeat *h);
/* Pulses are due from now on. 0 or -errno. */
int heartbeat_start(struct heartbeat *h);
void heartbeat_stop(struct heartbeat *h);
void heartbeat_close(struct heartbeat *h);
/* Takes the interval of the configuration. */
void heartbeat_set_interval(struct heartbeat *h);

/*
 * Waits until `fd` is readable or the next pulse is due. Returns 1 when fd is readable, 0 when the
 * pulse may be due, or -errno. It is one system call: a timer that is a file descriptor costs
 * another one, and so does the event loop, with much more of the caches.
 */
int heartbeat_wait(const struct heartbeat *h, int fd);
/* Is a pulse due? Then it is taken, and noted for settle(). */
bool heartbeat_take(struct heartbeat *h);
/*
 * A pulse that is due is taken by the event loop, after events that come before it and before those
 * that come after it. 0 or -errno.
 */
int heartbeat_offer(struct heartbeat *h);

/* The interface was made again, with this index. 0 or -errno. */
int heartbeat_set_interface(struct heartbeat *h, int ifindex);

/*
 * The node has looked: how soon is the next beat? steady: nothing but routine is under way.
 * replicates: a connection of this node has changed. owner: another owner; 0: this node owns.
 */
void heartbeat_pace(struct heartbeat *h, bool steady, bool replicates, struct in_addr owner);
/* Something is going on: the next beat comes after the shorter interval. */
void heartbeat_hurry(struct heartbeat *h);

/* One beat. ticks: how many pulses were due since the last one. */
void heartbeat_beat(struct heartbeat *h, uint64_t ticks);
/* The peers have just been read: asks those by ARP whose pulses are silent. */
void heartbeat_ask_silent(struct heartbeat *h);
/*
 * An advert came from a peer. If its pulses are silent, as after a partition, it is asked by ARP:
 * the kernels of both nodes know each other's MAC address then, and the next probe goes out at
 * once.
 */
void heartbeat_ask(struct heartbeat *h, struct in_addr peer);
/* A packet was dropped: a member that sends pulses of another version is reported once. */
void heartbeat_dropped(struct heartbeat *h, const struct hokm_event *record);
/* Sends a probe to every peer and witness. */
void heartbeat_probe(struct heartbeat *h);
/* What the thread did that sends probes when the loop is late (renewal.h). */
void heartbeat_renewal(const struct heartbeat *h, struct renewal_report *out);
/* What the probes wish from now on (quorum.h). It is copied. */
void heartbeat_wish(struct heartbeat *h, const struct pulse_wish *wish);
/* The end: the members are free for another owner. Before heartbeat_open() it does nothing. */
void heartbeat_wish_nothing(struct heartbeat *h);

#endif
