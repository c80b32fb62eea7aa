/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop. Each turn waits for one event, whose handler notes what happened, and then
 * settles:
 *
 *   signals         SIGHUP reads the configuration again, SIGTERM and SIGINT stop
 *   VRRP socket     adverts (adverts.c)
 *   VRRP timer      the VRRP machine's timer, after the socket was read empty
 *   pulse           the heartbeat (heartbeat.c): every 10 to 30 ms, and with it all that is looked
 *                   at regularly; the loop waits no longer than until the next one
 *   garp timer      repeats of the gratuitous ARP
 *   link            the interface lost or got its link
 *   kernel events   the packet path saw a refused connection
 *   agent, timers   active checks (check_runner.c)
 *   replication     datagrams of peers (replication.c)
 *   takeover, session end   steps of a millisecond or less
 *   ctl             requests of operators (serve/)
 */
#ifndef HOKM_DAEMON_LOOP_H
#define HOKM_DAEMON_LOOP_H

struct daemon;
struct hokm_event;

/* Makes the event loop, with signals and the watchdog. 0 or -errno, logged. */
int loop_open(struct daemon *d);
/* Adds timers and sockets, when everything else is open. 0 or -errno, logged. */
int loop_start(struct daemon *d);
/* Runs until the daemon has stopped. 0 or -errno, logged. */
int loop_run(struct daemon *d);
void loop_stop(struct daemon *d);

/* A handler that start.c gives to the source it opens. `arg` is the daemon. */
void loop_on_kernel_event(const struct hokm_event *record, void *arg);

#endif
