/* SPDX-License-Identifier: GPL-2.0-only */
/* See loop.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "daemon/conflict.h"
#include "daemon/daemon.h"
#include "daemon/loop.h"
#include "daemon/reload.h"
#include "daemon/settle.h"
#include "daemon/traffic_watch.h"
#include "sense/events.h"

/* ---- handlers ---- */

/* The VIP is handed over; the loop ends when the successor has it, or a little later. */
static void stop(struct daemon *d)
{
	struct vrrp_event ev = {.kind = VRRP_EV_STOP, .reason = HOKM_R_STOPPED};

	if (d->stopping)
		return;
	log_info("stopping: the VIP goes to a peer if this node has it");
	(void)sd_notify(0, "STOPPING=1");
	d->stopping = true;
	d->stop_by_ns = clock_now_ns();
	hooks_stop(d->hooks);
	inbox_note_vrrp(&d->node.inbox, &ev);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	if (si->ssi_signo == SIGHUP)
		(void)reload_start(d->reload);
	else
		stop(d);
	return 0;
}

/* An advert that waits in the socket was in time, however late this process got the CPU. */
static int on_vrrp_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct vrrp_event ev = {.kind = VRRP_EV_TIMER};
	struct daemon *d = arg;

	(void)s;
	inbox_note_timer(&d->node.inbox, INBOX_VRRP, LATE_VRRP, usec);
	adverts_read(&d->adverts);
	inbox_note_vrrp(&d->node.inbox, &ev);
	return 0;
}

static int on_garp_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	inbox_note_timer(&d->node.inbox, INBOX_GARP, LATE_GARP, usec);
	return 0;
}

#define SERVER_ERROR 500 /* RFC 9110 section 15 */
/* IP bytes of a server that sends no data: SYN-ACK, a few ACKs, FIN or RST, with their options. */
#define BARE_BYTES 500

/*
 * By which signal may the server have turned the client away? The counters tell, and this only says
 * when to look: early, and not with the next sample. HOKM_SIGNAL_COUNT: it has not.
 */
static enum hokm_signal may_turn_away(const struct hokm_event *r)
{
	if (r->kind == HOKM_EV_NOT_UPGRADED && r->status >= SERVER_ERROR)
		return HOKM_SIGNAL_STATUS;
	if (r->kind == HOKM_EV_CLOSED && r->close_side == HOKM_SIDE_SERVER &&
	    r->bytes_out <= BARE_BYTES)
		return HOKM_SIGNAL_UNSERVED;
	return HOKM_SIGNAL_COUNT;
}

static void note_turned_away(struct node *n, const struct hokm_event *r)
{
	enum hokm_signal signal = may_turn_away(r);

	if (signal != HOKM_SIGNAL_COUNT && r->service < HOKM_MAX_SERVICES &&
	    traffic_watch_asks(n, r->service, signal, clock_now_ns()))
		inbox_note_turned_away(&n->inbox, r->service);
}

void loop_on_kernel_event(const struct hokm_event *record, void *arg)
{
	struct daemon *d = arg;

	if (record->kind == HOKM_EV_DROP)
		adverts_dropped(&d->adverts, record);
	if (record->kind == HOKM_EV_DROP)
		heartbeat_dropped(&d->heartbeat, record);
	if (record->kind == HOKM_EV_VIP_CLAIM)
		conflict_note(&d->claims, record);
	if ((record->kind == HOKM_EV_REFUSED || record->kind == HOKM_EV_REPLAYED) &&
	    record->service < HOKM_MAX_SERVICES)
		inbox_note_refused(&d->node.inbox, record->service);
	note_turned_away(&d->node, record);
}

/* ---- the loop ---- */

int loop_open(struct daemon *d)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	sd_event **event = &d->node.event;
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&mask, signals[i]);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	err = sd_event_new(event);
	for (size_t i = 0; err >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		err = sd_event_add_signal(*event, NULL, signals[i], on_signal, d);
	if (err >= 0)
		err = sd_event_set_watchdog(*event, true);
	if (err < 0)
		log_error("could not set up the event loop: %s", strerror(-err));
	return err < 0 ? err : 0;
}

int loop_start(struct daemon *d)
{
	sd_event *event = d->node.event;
	int err = timer_add(event, &d->vrrp_timer, NODE_PRIO_VRRP, on_vrrp_timer, d);

	if (!err)
		err = heartbeat_start(&d->heartbeat);
	if (!err)
		err = timer_add(event, &d->garp_timer, NODE_PRIO_GARP, on_garp_timer, d);
	if (!err)
		err = adverts_start(&d->adverts);
	if (err)
		log_error("could not set up the event loop: %s", strerror(-err));
	return err;
}

/*
 * Quiet ticks are settled here, between two looks of the event loop at its sources. Returns 0 when
 * there may be more to do, or -errno.
 */
static int wait_for_news(struct daemon *d)
{
	const int fd = sd_event_get_fd(d->node.event);
	int ready;

	if (fd < 0)
		return fd;
	do
		ready = heartbeat_wait(&d->heartbeat, fd);
	while (!ready && settle_quiet(d));
	if (ready > 0)
		ready = events_look(d->node.events);
	return ready < 0 ? ready : heartbeat_offer(&d->heartbeat);
}

/* One handler, if there is something to handle. */
static int turn(struct daemon *d)
{
	sd_event *event = d->node.event;
	int err = heartbeat_offer(&d->heartbeat);

	if (err >= 0)
		err = sd_event_prepare(event);
	if (!err) {
		/* What was noted while settling is settled in this turn, without a wait. */
		if (!d->node.inbox.notes)
			err = wait_for_news(d);
		if (err >= 0)
			err = sd_event_wait(event, 0);
	}
	return err > 0 ? sd_event_dispatch(event) : err;
}

int loop_run(struct daemon *d)
{
	int err = 0;

	d->running = true;
	while (d->running && err >= 0) {
		err = turn(d);
		if (err >= 0)
			settle(d);
	}
	if (err < 0)
		log_error("the event loop failed: %s", strerror(-err));
	return err < 0 ? err : 0;
}

void loop_stop(struct daemon *d)
{
	d->vrrp_timer = sd_event_source_disable_unref(d->vrrp_timer);
	d->garp_timer = sd_event_source_disable_unref(d->garp_timer);
	heartbeat_stop(&d->heartbeat);
	adverts_stop(&d->adverts);
}
