/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop: what happens, and in which order it is looked at.
 *
 *   pulse timer   every pulse_ns: sign of life, probes out, what the peers answered -> evaluate
 *   VRRP socket   adverts -> VRRP_EV_ADVERT
 *   VRRP timer    vrrp.timer_at_ns -> VRRP_EV_TIMER, once the socket was read empty: an advert that
 *                 waits there was in time, however late this process got the CPU
 *   garp timer    repeats of the gratuitous ARP
 *
 * Whatever happens ends in decide() and step(): sense, policy, VRRP machine, actions, timer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"

#define ADVERTS_PER_WAKEUP 64 /* a flood must not starve the timers */
#define DISCARD_LOG_NS     (60 * NS_PER_S)
#define STOP_WAIT_NS       (2 * NS_PER_S)
#define STOP_LINGER_NS     (300 * NS_PER_MS)
#define STOP_HOOKS_NS      (2 * NS_PER_S)
#define LATE_LOG_NS        (200 * NS_PER_MS)

static uint64_t ns_to_us_up(uint64_t ns)
{
	return (ns + 999) / 1000;
}

/* Arms a one-shot timer for a moment of the boot clock; 0 turns it off. */
void daemon_arm(sd_event_source *s, uint64_t at_ns)
{
	int err;

	if (!at_ns) {
		err = sd_event_source_set_enabled(s, SD_EVENT_OFF);
	} else {
		err = sd_event_source_set_time(s, ns_to_us_up(at_ns));
		if (err >= 0)
			err = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	}
	if (err < 0)
		log_error("could not arm a timer: %s", strerror(-err));
}

/* ---- decide ---- */

static void decide_services(struct daemon *d)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		const struct daemon_service *svc = &d->services[s];

		d->want.service[svc->slot].tag = svc->tag;
		d->want.service[svc->slot].state = (__u8)d->policy.svc[s];
	}
}

static void step(struct daemon *d, struct vrrp_event *ev)
{
	struct vrrp_event next = *ev;
	bool more = true;

	/* An advert leads to SENT, SENT to no advert: two rounds; the bound is for a mistake. */
	for (int round = 0; more && round < 4; round++) {
		enum hokm_vrrp_state from = d->vrrp.state;
		struct vrrp_actions acts;

		next.view = d->policy.view;
		vrrp_step(&d->vrrp, &next, clock_now_ns(), &acts);
		more = daemon_act(d, &acts, from, &next);
	}
	daemon_arm(d->vrrp_timer, d->vrrp.timer_at_ns);
}

static void announce_policy(struct daemon *d, const struct policy_output *was)
{
	const struct policy_output *p = &d->policy;

	if (p->panic && !was->panic) {
		log_error("PANIC HOLD: no node has a healthy service; this node keeps the VIP and "
			  "goes on trying");
		events_add(d->events, "state", HOKM_R_PANIC_HOLD, "%s",
			   hokm_reason_text(HOKM_R_PANIC_HOLD));
	} else if (!p->panic && was->panic) {
		log_info("panic hold is over");
		events_add(d->events, "state", p->reason, "panic hold is over");
	}
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (p->svc[s] != was->svc[s]) {
			const struct daemon_service *svc = &d->services[s];

			log_info("service %s %s -> %s reason=%s", d->conf->services[s].name,
				 hokm_svc_state_name(was->svc[s]), hokm_svc_state_name(p->svc[s]),
				 hokm_reason_name(svc->reason));
			events_add(d->events, "service", svc->reason, "%s %s -> %s: %s",
				   d->conf->services[s].name, hokm_svc_state_name(was->svc[s]),
				   hokm_svc_state_name(p->svc[s]), hokm_reason_text(svc->reason));
		}
}

/* Sense and decide; what changed becomes an event of the machine. */
static void decide(struct daemon *d)
{
	struct policy_output was = d->policy;
	struct vrrp_event ev = {.kind = VRRP_EV_PULSE};
	struct policy_input in;

	daemon_sense(d, &in);
	policy_decide(&in, &d->policy);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (d->peers[i].epoch > d->epoch)
			d->epoch = d->peers[i].epoch;
	decide_services(d);
	announce_policy(d, &was);
	if (!d->vrrp_started || d->stopping)
		return;
	if (!d->policy.eligible && d->vrrp.state != HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_FAULT;
	else if (d->policy.eligible && d->vrrp.state == HOKM_VRRP_FAULT)
		ev.kind = VRRP_EV_CLEAR;
	ev.reason = d->policy.reason;
	/* The steering of new connections changes before the ownership that follows from it. */
	apply_sync(d->apply, &d->want);
	step(d, &ev);
}

void daemon_evaluate(struct daemon *d)
{
	decide(d);
	apply_sync(d->apply, &d->want);
}

void daemon_vrrp_event(struct daemon *d, struct vrrp_event *ev)
{
	decide(d);
	if (d->vrrp_started)
		step(d, ev);
}

void daemon_start_vrrp_when_known(struct daemon *d)
{
	struct vrrp_event ev = {.kind = VRRP_EV_START};
	struct hokm_own own;

	if (d->vrrp_started || d->stopping)
		return;
	decide(d);
	/*
	 * A lease that still runs is carried on at once: that is what a restart that moves nothing
	 * is.
	 */
	if (d->adopted && !hokm_bpf_get_own(d->bpf, &own) && own.state == HOKM_VRRP_MASTER)
		ev.adopted_lease_ns = own.lease_until_ns;
	if (!ev.adopted_lease_ns && !daemon_health_known(d))
		return;
	d->vrrp_started = true;
	step(d, &ev);
	daemon_evaluate(d);
	(void)sd_notify(0, "READY=1");
	log_info("started on %s (%s XDP), VRID %u priority %u, %s", d->conf->interface,
		 hokm_bpf_mode(d->bpf), d->conf->vrid, d->vrrp.conf.priority,
		 d->adopted ? "adopted what was pinned" : "fresh");
}

/* ---- sources ---- */

/* Counted, and said once a minute. */
static void discard(struct daemon *d, enum vrrp_discard why, struct in_addr source, uint64_t now_ns)
{
	char addr[INET_ADDRSTRLEN];

	d->stats.discarded[why]++;
	for (unsigned int i = 0; i < d->conf->n_nodes; i++)
		if (d->conf->nodes[i].addr.s_addr == source.s_addr)
			d->nodes[i].discarded++;
	if (d->stats.discard_logged_ns[why] &&
	    now_ns < d->stats.discard_logged_ns[why] + DISCARD_LOG_NS)
		return;
	d->stats.discard_logged_ns[why] = now_ns;
	if (!inet_ntop(AF_INET, &source, addr, sizeof(addr)))
		return;
	log_warn("advert from %s %s: reason=%s (%s)", addr,
		 why == VRRP_BAD_ADDRS ? "is strange" : "discarded", vrrp_discard_name(why),
		 vrrp_discard_text(why));
}

/* Two nodes that do not mean the same VIPs: RFC 9568 section 7.1 lets it be said, not discarded. */
static bool same_vips(const struct conf *c, const struct vrrp_advert *a)
{
	if (a->n_addrs != c->n_vips)
		return false;
	for (unsigned int i = 0; i < c->n_vips; i++) {
		bool there = false;

		for (unsigned int j = 0; j < a->n_addrs; j++)
			there |= a->addrs[j].s_addr == c->vips[i].s_addr;
		if (!there)
			return false;
	}
	return true;
}

static void take_advert(struct daemon *d, const uint8_t *packet, size_t len)
{
	struct vrrp_event ev = {.kind = VRRP_EV_ADVERT};
	struct in_addr source = {0};
	struct vrrp_wire_conf w;
	enum vrrp_discard bad;
	uint8_t slot;

	daemon_wire_conf(d->conf, &w);
	bad = vrrp_wire_parse(&w, packet, len, &ev.advert);
	explicit_bzero(w.password, sizeof(w.password));
	if (len >= 20)
		memcpy(&source, packet + 12, sizeof(source));
	slot = daemon_slot_of(d, ev.advert.source);
	if (bad == VRRP_BAD_NONE && slot >= HOKM_MAX_PEERS)
		bad = VRRP_BAD_SOURCE;
	if (bad != VRRP_BAD_NONE) {
		discard(d, bad, source, clock_now_ns());
		return;
	}
	if (!same_vips(d->conf, &ev.advert))
		discard(d, VRRP_BAD_ADDRS, source, clock_now_ns());
	d->stats.adverts_received++;
	d->advert_ns[slot] = ev.advert.priority ? clock_now_ns() : 0;
	daemon_vrrp_event(d, &ev);
}

static void read_adverts(struct daemon *d)
{
	uint8_t packet[2048];

	for (int i = 0; i < ADVERTS_PER_WAKEUP; i++) {
		ssize_t n = vrrp_sock_recv(d->vrrp_sock, packet, sizeof(packet));

		if (n == -EAGAIN)
			return;
		if (n < 0) {
			log_warn("reading adverts failed: %s", strerror((int)-n));
			return;
		}
		take_advert(d, packet, (size_t)n);
	}
}

static int on_vrrp_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	(void)s;
	(void)fd;
	(void)revents;
	read_adverts(arg);
	return 0;
}

static int on_vrrp_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct vrrp_event ev = {.kind = VRRP_EV_TIMER};
	struct daemon *d = arg;

	(void)s;
	(void)usec;
	read_adverts(d);
	if (d->vrrp.timer_at_ns && d->vrrp.timer_at_ns <= clock_now_ns())
		daemon_vrrp_event(d, &ev);
	else
		daemon_arm(d->vrrp_timer, d->vrrp.timer_at_ns);
	return 0;
}

static int on_garp_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	(void)usec;
	if (d->vrrp.state != HOKM_VRRP_MASTER)
		return 0;
	apply_garp(d->apply, &d->want);
	if (d->garp_left > 1) {
		d->garp_left--;
		daemon_arm(d->garp_timer, clock_now_ns() + DAEMON_GARP_GAP_NS);
	} else if (d->conf->garp_refresh_ns) {
		daemon_arm(d->garp_timer, clock_now_ns() + d->conf->garp_refresh_ns);
	}
	return 0;
}

/* Several ticks at once, or one long after the last: somebody else had the CPU. */
static void note_lateness(struct daemon *d, uint64_t ticks, uint64_t now_ns)
{
	uint64_t due_ns = d->pulse_ns ? d->pulse_ns + d->conf->pulse_ns : now_ns;
	uint64_t late_ns = ticks && now_ns > due_ns ? now_ns - due_ns : 0;

	if (!d->asking_ns || late_ns > d->conf->peer_dead_ns / 2) {
		d->asked_ns = d->pulse_ns;
		d->asking_ns = now_ns;
	}
	d->pulse_ns = now_ns;
	if (late_ns > d->stats.late_max_ns)
		d->stats.late_max_ns = late_ns;
	if (late_ns > LATE_LOG_NS)
		log_warn("the daemon got the CPU %llu ms late",
			 (unsigned long long)(late_ns / NS_PER_MS));
}

/*
 * A stopping node steers what still reaches it to its successor; it goes once that one has the
 * lease and its gratuitous ARP had time to arrive.
 */
static void finish_stop(struct daemon *d, uint64_t now_ns)
{
	if (d->policy.view.peer_holds && d->stop_by_ns > now_ns + STOP_LINGER_NS &&
	    !d->want.vip_raised)
		d->stop_by_ns = now_ns + STOP_LINGER_NS;
	if (now_ns < d->stop_by_ns ||
	    (hooks_busy(d->hooks) && now_ns < d->stop_by_ns + STOP_HOOKS_NS))
		return;
	if (sd_event_exit(d->event, 0) < 0)
		log_error("could not leave the event loop");
}

static int on_pulse_timer(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct daemon *d = arg;
	uint64_t now_ns = clock_now_ns();
	uint64_t ticks;

	(void)s;
	(void)revents;
	if (read(fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return 0;
	note_lateness(d, ticks, now_ns);
	d->want.own.daemon_ns = now_ns;
	d->want.own.asking_ns = d->asking_ns;
	d->want.own.asked_ns = d->asked_ns;
	apply_own(d->apply, &d->want);
	for (unsigned int i = 0; i < d->conf->n_nodes; i++)
		if (i != d->conf->self)
			(void)pulse_probe(d->pulse, d->conf->nodes[i].addr, now_ns);
	daemon_evaluate(d);
	daemon_start_vrrp_when_known(d);
	daemon_repl_tick(d, now_ns);
	daemon_takeover_tick(d, now_ns);
	daemon_ending_tick(d, now_ns);
	daemon_observe(d, now_ns);
	if (d->stopping)
		finish_stop(d, now_ns);
	daemon_sweep_slice(d, now_ns);
	return 0;
}

void daemon_kernel_event(const struct hokm_event *record, void *arg)
{
	struct daemon *d = arg;

	if (record->kind != HOKM_EV_REFUSED && record->kind != HOKM_EV_REPLAYED)
		return;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].slot == record->service) {
			daemon_observe_now(d, s);
			daemon_health_hurry(d, s);
		}
}

void daemon_link_changed(bool up, bool gone, void *arg)
{
	struct daemon *d = arg;

	d->link_up = up;
	log_warn("interface %s %s", d->conf->interface,
		 gone ? "was removed"
		 : up ? "has its link back"
		      : "lost its link");
	events_add(d->events, "link", up ? HOKM_R_LINK_UP : HOKM_R_LINK_DOWN, "%s",
		   hokm_reason_text(up ? HOKM_R_LINK_UP : HOKM_R_LINK_DOWN));
	daemon_evaluate(d);
}

int daemon_add_timer(struct daemon *d, sd_event_source **out, int64_t priority,
		     sd_event_time_handler_t fn)
{
	int err = sd_event_add_time(d->event, out, CLOCK_BOOTTIME, 0, 1, fn, d);

	if (err >= 0)
		err = sd_event_source_set_priority(*out, priority);
	if (err >= 0)
		err = sd_event_source_set_enabled(*out, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

/*
 * The pulse is the one timer that runs for ever: a periodic descriptor of its own costs two system
 * calls a tick less than one that is armed again each time.
 */
static int open_pulse_timer(struct daemon *d)
{
	int err;

	d->pulse_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->pulse_fd < 0)
		return -errno;
	err = daemon_set_pulse(d);
	if (!err)
		err = sd_event_add_io(d->event, &d->pulse_timer, d->pulse_fd, EPOLLIN,
				      on_pulse_timer, d);
	if (err >= 0)
		err = sd_event_source_set_priority(d->pulse_timer, DAEMON_PRIO_PULSE);
	return err < 0 ? err : 0;
}

int daemon_set_pulse(struct daemon *d)
{
	uint64_t ns = d->conf->pulse_ns;
	struct itimerspec t = {
		.it_interval = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)},
		.it_value = {0, 1},
	};

	return timerfd_settime(d->pulse_fd, 0, &t, NULL) ? -errno : 0;
}

int daemon_loop_start(struct daemon *d)
{
	int err = daemon_add_timer(d, &d->vrrp_timer, DAEMON_PRIO_VRRP, on_vrrp_timer);

	if (!err)
		err = open_pulse_timer(d);
	if (!err)
		err = daemon_add_timer(d, &d->garp_timer, DAEMON_PRIO_PULSE, on_garp_timer);
	if (!err)
		err = sd_event_add_io(d->event, &d->vrrp_io, vrrp_sock_fd(d->vrrp_sock), EPOLLIN,
				      on_vrrp_readable, d);
	if (err >= 0)
		err = sd_event_source_set_priority(d->vrrp_io, DAEMON_PRIO_VRRP);
	if (err < 0) {
		log_error("could not set the event loop up: %s", strerror(-err));
		return err;
	}
	return 0;
}

void daemon_loop_stop(struct daemon *d)
{
	d->vrrp_timer = sd_event_source_disable_unref(d->vrrp_timer);
	d->pulse_timer = sd_event_source_disable_unref(d->pulse_timer);
	if (d->pulse_fd >= 0)
		close(d->pulse_fd);
	d->pulse_fd = -1;
	d->garp_timer = sd_event_source_disable_unref(d->garp_timer);
	d->health_timer = sd_event_source_disable_unref(d->health_timer);
	d->vrrp_io = sd_event_source_disable_unref(d->vrrp_io);
}

void daemon_stop(struct daemon *d)
{
	struct vrrp_event ev = {.kind = VRRP_EV_STOP, .reason = HOKM_R_STOPPED};

	if (d->stopping)
		return;
	log_info("stopping: the VIP goes to a peer if this node has it");
	(void)sd_notify(0, "STOPPING=1");
	d->stopping = true;
	d->stop_by_ns = clock_now_ns();
	if (!d->vrrp_started)
		return;
	decide(d);
	if (d->vrrp.state == HOKM_VRRP_MASTER && d->policy.successor != HOKM_NO_PEER)
		d->stop_by_ns += STOP_WAIT_NS;
	step(d, &ev);
}
