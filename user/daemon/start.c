/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See start.h. In the order of the steps each one can still be undone without a trace. Maps that an
 * earlier daemon pinned are adopted with their slots, so that the entries of connections stay
 * valid.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/configure.h"
#include "daemon/daemon.h"
#include "daemon/front_ops.h"
#include "daemon/interface.h"
#include "daemon/lock.h"
#include "daemon/loop.h"
#include "daemon/reload.h"
#include "daemon/start.h"
#include "daemon/traffic_watch.h"
#include "daemon/upgrade.h"
#include "path/bpf_clock.h"

#define RT_PRIORITY 50
/* A daemon that ended less than so long ago had watched the link until then. */
#define HEARD_NS    (10 * NS_PER_S)
#define ETCD_END_MS 1000

/* Takes what the maps say of this node: the lease of the daemon before, and nothing more. */
static int adopt_own(struct daemon *d)
{
	struct apply_want *want = &d->node.want;
	uint64_t now_ns = clock_now_ns();
	struct vrrp_conf v;
	int err = hokm_bpf_get_own(d->node.bpf, &want->own);

	if (err)
		return err;
	configure_vrrp(d->node.conf, &v);
	vrrp_init(&d->vrrp, &v, now_ns);
	if (!d->adopted)
		want->own.successor = HOKM_NO_PEER;
	want->vip_raised = d->adopted && node_owner_until(&d->node) > now_ns;
	/* An owner that restarts has offered the VIP already, if it ever had to: rule 7. */
	if (want->vip_raised)
		d->policy.offered_ns = now_ns;
	/* One whose grants have ended is over, also if this configuration needs no grants. */
	if (d->adopted && !want->vip_raised && want->own.lease_until_ns) {
		want->own.lease_until_ns = 0;
		(void)apply_own(d->node.apply, want); /* a failure is logged there */
	}
	d->epoch = want->own.epoch;
	gateway_watch_init(&d->gateway, &d->node);
	etcd_watch_init(&d->etcd, &d->node);
	segment_watch_init(&d->segment, &d->node,
			   d->adopted && want->own.state != HOKM_VRRP_FAULT &&
				   (now_ns - want->own.daemon_ns < HEARD_NS ||
				    node_owner_until(&d->node) > now_ns));
	/* Nothing is known yet of what the peers hold. */
	guess_note_change(&d->guess, now_ns);
	want->own.guess_until_ns = d->guess.until_ns;
	return 0;
}

static int open_path(struct daemon *d)
{
	struct node *n = &d->node;
	int err;

	d->bpf_opts.longest_grant_ns = conf_longest_grant_ns(n->conf);
	err = hokm_bpf_open(n->conf, &d->bpf_opts, &n->bpf, &d->adopted);
	if (!err)
		err = events_open(n->event, hokm_bpf_events_fd(n->bpf), loop_on_kernel_event, d,
				  &n->events);
	if (!err)
		err = d->front_ops->open(d, n->event, n->conf, n->events, &d->front);
	return err;
}

static int open_network(struct daemon *d, const unsigned char mac[6])
{
	struct node *n = &d->node;
	int err = heartbeat_open(&d->heartbeat, n);

	/* The fences come before the local routes, which they are for. */
	if (!err)
		err = upkeep_open(&d->upkeep, n);
	if (!err)
		err = apply_open(n->conf, n->bpf, mac, d->bpf_opts.adopt_address, &n->apply);
	if (!err)
		err = configure_node(n, d->heartbeat.pulse);
	if (!err)
		err = adopt_own(d);
	if (!err)
		err = quorum_open(&d->quorum, n, &d->heartbeat, &d->gateway,
				  d->node.want.vip_raised);
	announcing_open(&d->announcing, n);
	if (!err)
		err = steering_open(&d->steering, n, d->adopted);
	if (!err)
		err = link_watch_open(n->event, hokm_bpf_ifindex(n->bpf), interface_on_link, d,
				      &d->link);
	if (!err)
		d->link_up = link_watch_up(d->link);
	if (!err && !d->link_up)
		log_warn("interface %s %s", n->conf->interface, link_watch_text(d->link));
	return err;
}

static int open_upgrade(struct daemon *d)
{
	const struct upgrade_of of = {
		.node = &d->node,
		.vrrp = &d->vrrp,
		.hooks = d->hooks,
		.checks = &d->checks,
		.dns = &d->dns,
		.notify = &d->notify,
		.publish = &d->publish,
		.etcd = &d->etcd,
		.longer_grant_ns = &d->quorum.longer_ns,
		.upkeep = &d->upkeep,
		.ender = d->session_end.ender,
		.reload = &d->reload,
		.reload_reads = reload_reads,
		.reload_harms = reload_harms,
		.operator= & d->operator};

	return upgrade_open(&of, &d->upgrade);
}

static void open_ends(struct daemon *d)
{
	const struct notify_ends_of of = {
		.feed = &d->notify,
		.node = &d->node,
		.link_up = &d->link_up,
		.policy = &d->policy,
		.agreement = &d->agreement,
		.steering = &d->steering,
		.rivals = &d->rivals,
		.quorum = &d->quorum,
		.gateway = &d->gateway,
		.etcd = &d->etcd,
	};

	notify_ends_open(&d->notify_ends, &of);
}

static int open_concerns(struct daemon *d)
{
	struct node *n = &d->node;
	int err = hooks_open(n->event, n->conf, &d->hooks);

	if (!err) {
		permission_init(&d->permission, n, d->hooks);
		recovery_init(&d->recovery, n, d->hooks);
	}
	services_init_checks(&n->services, &n->conf->observe, clock_now_ns());
	traffic_watch_prepare(n);
	if (!err)
		err = replication_open(n, &d->ended.in, &d->heartbeat.paths, &d->replication);
	if (!err)
		err = agreement_open(&d->agreement, n, d->replication);
	if (!err)
		err = session_end_open(&d->session_end, n, d->replication);
	if (!err)
		err = peer_takeover_open(n, d->replication, &d->takeover);
	sweep_init(&d->sweep, n, d->replication);
	ended_init(&d->ended, n, d->replication, d->session_end.ender);
	if (!err)
		err = operator_open(&d->operator, n, &d->drain);
	if (!err)
		err = dns_open(&d->dns, n, false);
	if (!err)
		err = reload_open(d, &d->reload);
	if (!err)
		err = open_upgrade(d);
	if (!err)
		err = loop_start(d);
	if (!err)
		err = check_runner_start(&d->checks, n->event);
	return err;
}

static int check_interface(const struct conf *c)
{
	if (if_nametoindex(c->interface))
		return 0;
	log_error("there is no interface %s on this node: "
		  "set `interface` in %s to one of `ip link show`",
		  c->interface, c->file);
	return -ENODEV;
}

static int take_possession(struct daemon *d)
{
	struct node *n = &d->node;
	unsigned char mac[6];
	int err = check_interface(n->conf);

	limits_raise_files();
	if (!err)
		err = caps_check();
	if (!err)
		err = bpf_clock_check();
	if (!err)
		err = link_mac(n->conf->interface, mac);
	/* The locks come first: a second daemon on this machine must change nothing. */
	if (!err)
		err = lock_node(n->conf, &d->lock);
	if (!err)
		err = check_runner_open(&d->checks, n->event, n->conf, &n->services, &n->inbox);
	/* Loading the packet path takes a moment, in which an owner may send an advert. */
	if (!err)
		err = adverts_open(&d->adverts, n);
	if (!err)
		err = open_path(d);
	if (!err)
		err = open_network(d, mac);
	if (!err)
		err = open_concerns(d);
	if (!err)
		err = notify_feed_open(&d->notify, n);
	if (!err)
		open_ends(d);
	if (!err)
		err = publish_open(&d->publish, d, n, d->front_ops);
	if (!err)
		err = caps_keep(n->conf->hooks.caps != 0);
	/* The threads have the capabilities that are left. */
	if (!err)
		err = upkeep_start(&d->upkeep);
	if (!err)
		err = ender_start(d->session_end.ender);
	if (!err)
		err = heartbeat_start_thread(&d->heartbeat);
	if (!err)
		caps_realtime(RT_PRIORITY);
	return err;
}

/* The packet path goes on without a daemon: never as owner, and without sending probes. */
static void leave_path(struct daemon *d)
{
	struct node *n = &d->node;
	struct hokm_cfg cfg;

	/* Nothing asks for grants any more, also when the loop ended because of an error. */
	heartbeat_wish_nothing(&d->heartbeat);
	n->want.own.lease_until_ns = 0;
	n->want.own.state = HOKM_VRRP_INIT;
	/* Later they are given because no daemon shows a sign of life (bpf/guess.h). */
	n->want.own.guess_until_ns = clock_now_ns() + n->conf->daemon_stale_ns;
	apply_own(n->apply, &n->want);
	if (hokm_bpf_get_cfg(n->bpf, &cfg))
		return;
	cfg.pulse_nonce = 0;
	if (hokm_bpf_set_cfg(n->bpf, &cfg))
		log_error("could not write map cfg; run `hokm-xdp cleanup`");
}

/* What stays when the daemon ends. Neither makes the node an owner. */
enum leave {
	LEAVE_NOTHING,
	LEAVE_PROGRAMS, /* they steer what still comes here to the owner */
	LEAVE_PATH,     /* and routes and sysctls, for players of this node */
};

/* The steps of take_possession() in reverse. */
static void give_back(struct daemon *d, enum leave leave)
{
	struct node *n = &d->node;

	loop_stop(d);
	etcd_watch_close(&d->etcd, ETCD_END_MS);
	publish_close(&d->publish);
	notify_feed_close(&d->notify);
	reload_close(d->reload);
	upgrade_close(d->upgrade);
	dns_close(&d->dns);
	operator_close(&d->operator);
	peer_takeover_close(d->takeover);
	session_end_close(&d->session_end);
	replication_close(d->replication);
	hooks_close(d->hooks);
	upkeep_close(&d->upkeep);
	link_watch_close(d->link);
	if (n->apply)
		leave_path(d);
	/* An address that may still be there needs the programs, which let no ARP out for it. */
	if (apply_close(n->apply, leave == LEAVE_PATH) && leave == LEAVE_NOTHING)
		leave = LEAVE_PROGRAMS;
	adverts_close(&d->adverts);
	steering_close(&d->steering);
	quorum_close(&d->quorum);
	heartbeat_close(&d->heartbeat);
	check_runner_close(&d->checks);
	d->front_ops->close(d->front);
	events_close(n->events);
	if (n->bpf && leave == LEAVE_NOTHING && hokm_bpf_cleanup(n->conf))
		log_error("could not remove the packet path; run `hokm-xdp cleanup`");
	hokm_bpf_close(n->bpf);
	unlock_node(&d->lock);
	sd_event_unref(n->event);
	conf_free(n->conf);
	free(d);
}

int daemon_start(struct conf *c, const struct hokm_bpf_opts *opts, const struct daemon_front *front,
		 struct daemon **out)
{
	struct daemon *d = calloc(1, sizeof(*d));
	char advice[LIMITS_ADVICE];
	int err;

	*out = NULL;
	if (!d) {
		conf_free(c);
		return -ENOMEM;
	}
	d->node.conf = c;
	d->bpf_opts = *opts;
	d->front_ops = front;
	d->lock = NODE_LOCK_NONE;
	d->steering.fd = -1;
	d->started_ns = clock_now_ns();
	err = loop_open(d);
	if (!err && getrandom(&d->node.nonce, sizeof(d->node.nonce), 0) != sizeof(d->node.nonce))
		err = -EIO;
	d->node.nonce |= 1; /* 0 stands for: no daemon */
	if (!err)
		err = take_possession(d);
	if (err) {
		log_error("could not start: %s%s; %s", strerror(-err), limits_advice(err, advice),
			  d->adopted ? "what was pinned before stays, without an owner"
				     : "nothing is left behind");
		give_back(d, d->adopted ? LEAVE_PATH : LEAVE_NOTHING);
		return err;
	}
	*out = d;
	return 0;
}

/* Without a peer there is nobody to steer to. */
static bool lingers(const struct conf *c)
{
	return c->linger_ns && c->n_nodes > 1;
}

static enum leave what_stays(struct daemon *d)
{
	const struct conf *c = d->node.conf;
	int64_t n = sweep_count_players(d->node.bpf);

	if (n < 0) {
		log_error("could not count the players that are left: %s; "
			  "the packet path stays pinned",
			  strerror((int)-n));
		return LEAVE_PATH;
	}
	if (n > 0) {
		log_warn("%lld players are still on this node: "
			 "the packet path stays pinned for them, never as owner; "
			 "`hokm-xdp cleanup` removes it",
			 (long long)n);
		return LEAVE_PATH;
	}
	if (lingers(c)) {
		log_info("no player is left on this node; the programs stay for %llu s at most, "
			 "and steer new connections to the owner; `hokm-xdp cleanup` removes them",
			 (unsigned long long)(c->linger_ns / NS_PER_S));
		return LEAVE_PROGRAMS;
	}
	log_info("no player is left on this node: everything is removed");
	return LEAVE_NOTHING;
}

void daemon_close(struct daemon *d)
{
	give_back(d, what_stays(d));
}
