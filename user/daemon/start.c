/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking possession, in an order in which each step can still be undone without a trace, and giving
 * back in reverse. What an earlier daemon pinned is adopted: its slots are kept, so that the
 * connections which name them stay true.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/random.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/lock.h"
#include "daemon/replication.h"

#define DAEMON_RT_PRIORITY 50

/* The slot that holds `addr` already, else a free one, else -ENOSPC. */
static int peer_slot(const struct hokm_cfg *cfg, const struct hokm_addr *addr, unsigned int taken)
{
	int free_slot = -ENOSPC;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (cfg->peer[i].used && !memcmp(&cfg->peer[i].addr, addr, sizeof(*addr)))
			return (int)i;
		if (!cfg->peer[i].used && !(taken & (1u << i)) && free_slot < 0)
			free_slot = (int)i;
	}
	return free_slot;
}

static int service_slot(const struct hokm_cfg *cfg, const struct hokm_addr *vip, __be16 port,
			unsigned int taken)
{
	int free_slot = -ENOSPC;

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		const struct hokm_service_key *k = &cfg->service[i];

		if (k->used && k->port == port && !memcmp(&k->vip, vip, sizeof(*vip)))
			return (int)i;
		if (!k->used && !(taken & (1u << i)) && free_slot < 0)
			free_slot = (int)i;
	}
	return free_slot;
}

/* Slots of peers by falling priority. */
static void fill_order(const struct conf *c, const struct daemon_node *nodes, struct hokm_cfg *cfg)
{
	cfg->n_order = 0;
	for (int priority = 255; priority > 0; priority--)
		for (unsigned int i = 0; i < c->n_nodes; i++)
			if (i != c->self && c->nodes[i].priority == priority)
				cfg->order[cfg->n_order++] = nodes[i].slot;
}

static int fill_peers(struct daemon *d, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = d->conf;
	unsigned int taken = 0;

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		struct hokm_addr addr = hokm_addr_from_ipv4(c->nodes[i].addr);
		int slot;

		d->nodes[i].slot = HOKM_NO_PEER;
		if (i == c->self)
			continue;
		slot = peer_slot(old, &addr, taken);
		if (slot < 0)
			return slot;
		taken |= 1u << slot;
		d->nodes[i].slot = (uint8_t)slot;
		cfg->peer[slot].addr = addr;
		cfg->peer[slot].used = 1;
		cfg->peer[slot].priority = c->nodes[i].priority;
		if (slot >= cfg->n_peers)
			cfg->n_peers = (__u8)(slot + 1);
		if (!old->peer[slot].used && hokm_bpf_clear_peer(d->bpf, (unsigned int)slot))
			return -EIO;
	}
	fill_order(c, d->nodes, cfg);
	return 0;
}

static int fill_services(struct daemon *d, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = d->conf;
	unsigned int taken = 0;

	for (unsigned int s = 0; s < c->n_services; s++) {
		const struct conf_service *cs = &c->services[s];
		struct hokm_addr vip = hokm_addr_from_ipv4(c->vips[cs->vip]);
		struct hokm_service state;
		int slot = service_slot(old, &vip, htons(cs->port), taken);

		if (slot < 0)
			return slot;
		taken |= 1u << slot;
		d->services[s].slot = (uint8_t)slot;
		d->services[s].tag = hokm_service_tag(c->vips[cs->vip], cs->port);
		d->services[s].adopted = HOKM_SVC_INIT;
		if (old->service[slot].used &&
		    !hokm_bpf_get_service(d->bpf, (unsigned int)slot, &state) &&
		    (state.state == HOKM_SVC_UP || state.state == HOKM_SVC_DOWN))
			d->services[s].adopted = state.state;
		cfg->service[slot].vip = vip;
		cfg->service[slot].port = htons(cs->port);
		cfg->service[slot].used = 1;
		if (slot >= cfg->n_services)
			cfg->n_services = (__u8)(slot + 1);
	}
	return 0;
}

int daemon_apply_conf(struct daemon *d)
{
	const struct conf *c = d->conf;
	struct hokm_cfg old, cfg;
	struct hokm_keys keys;
	int err = hokm_bpf_get_cfg(d->bpf, &old);

	if (!err && !hokm_bpf_half_open_sets(d->bpf))
		err = -EIO;
	if (err)
		return err;
	memset(&cfg, 0, sizeof(cfg));
	cfg.addr = hokm_addr_from_ipv4(c->nodes[c->self].addr);
	err = link_mac(c->interface, cfg.mac);
	if (!err)
		err = fill_peers(d, &old, &cfg);
	if (!err)
		err = fill_services(d, &old, &cfg);
	if (err)
		return err;
	cfg.vrid = c->vrid;
	cfg.pulse_port = htons(c->pulse_port);
	cfg.repl_port = c->replicate ? htons(c->repl_port) : 0;
	cfg.pulse_nonce = d->nonce;
	cfg.hash_seed = old.hash_seed ? old.hash_seed : d->nonce;
	cfg.half_open_mask = hokm_bpf_half_open_sets(d->bpf) - 1;
	cfg.peer_dead_ns = c->peer_dead_ns;
	cfg.daemon_stale_ns = c->daemon_stale_ns;
	cfg.suspect_ns = c->observe.limit[HOKM_SIGNAL_REFUSED].on ? c->observe.hold_ns : 0;
	for (unsigned int i = 0; i < c->n_vips; i++)
		cfg.vip[cfg.n_vips++] = hokm_addr_from_ipv4(c->vips[i]);
	d->want.n_vips = c->n_vips;
	memcpy(d->want.vips, c->vips, sizeof(d->want.vips));

	err = conf_pulse_key(c, &keys);
	if (!err)
		err = hokm_bpf_set_keys(d->bpf, &keys);
	if (!err)
		err = hokm_bpf_set_cfg(d->bpf, &cfg);
	if (!err)
		pulse_set_key(d->pulse, &keys, d->nonce, c->vrid);
	explicit_bzero(&keys, sizeof(keys));
	return err;
}

static void vrrp_conf_of(const struct conf *c, struct vrrp_conf *v)
{
	memset(v, 0, sizeof(*v));
	v->version = (uint8_t)c->vrrp_version;
	v->priority = c->nodes[c->self].priority;
	v->adver_ns = c->advert_ns;
	v->preempt = c->preempt;
	v->preempt_delay_ns = c->preempt_delay_ns;
	v->addr = c->nodes[c->self].addr;
}

void daemon_reconf_vrrp(struct daemon *d)
{
	struct vrrp_conf v;

	vrrp_conf_of(d->conf, &v);
	vrrp_reconf(&d->vrrp, &v, clock_now_ns());
}

/* What the pins say of us: the lease of the daemon before, never more than that. */
static int adopt_own(struct daemon *d)
{
	struct vrrp_conf v;
	struct hokm_own own;
	int err = hokm_bpf_get_own(d->bpf, &own);

	if (err)
		return err;
	vrrp_conf_of(d->conf, &v);
	vrrp_init(&d->vrrp, &v, clock_now_ns());
	d->want.own = own;
	if (!d->adopted)
		d->want.own.successor = HOKM_NO_PEER;
	d->want.vip_raised = d->adopted && own.lease_until_ns > clock_now_ns();
	d->epoch = own.epoch;
	return 0;
}

static int open_senses(struct daemon *d, const unsigned char mac[6])
{
	const struct conf *c = d->conf;
	int ifindex = hokm_bpf_ifindex(d->bpf);
	struct in_addr self = c->nodes[c->self].addr;
	int err = pulse_open(ifindex, self, c->pulse_port, &d->pulse);

	if (!err)
		err = vrrp_sock_open(ifindex, self, c->multicast, &d->vrrp_sock);
	if (!err)
		err = apply_open(c, d->bpf, mac, &d->apply);
	if (!err)
		err = daemon_apply_conf(d);
	if (!err)
		err = adopt_own(d);
	if (!err)
		err = link_watch_open(d->event, ifindex, daemon_link_changed, d, &d->link);
	if (!err)
		d->link_up = link_watch_up(d->link);
	if (!err)
		err = hooks_open(d->event, c, &d->hooks);
	return err;
}

static int open_rest(struct daemon *d)
{
	int err = daemon_loop_start(d);

	if (!err)
		err = daemon_health_start(d);
	if (!err)
		err = caps_keep();
	if (!err)
		caps_realtime(DAEMON_RT_PRIORITY);
	return err;
}

static int check_interface(const struct conf *c)
{
	if (if_nametoindex(c->interface))
		return 0;
	log_error("there is no interface %s on this node: set `interface` in %s to one of "
		  "`ip link show`",
		  c->interface, c->file);
	return -ENODEV;
}

int daemon_start(struct daemon *d)
{
	const struct conf *c = d->conf;
	unsigned char mac[6];
	int err;

	d->started_ns = clock_now_ns();
	if (getrandom(&d->nonce, sizeof(d->nonce), 0) != sizeof(d->nonce))
		return -EIO;
	d->nonce |= 1; /* 0 means: no daemon */
	err = check_interface(c);
	if (!err)
		err = caps_check();
	if (!err)
		err = link_mac(c->interface, mac);
	/* The lock first: a second daemon of this node must not touch anything. */
	if (!err)
		err = lock_node(c, &d->lock_fd);
	if (!err)
		err = agent_open(d->event, c->agent_user, daemon_health_reply, daemon_agent_died, d,
				 &d->agent);
	if (!err)
		err = hokm_bpf_open(c, &d->bpf_opts, &d->bpf, &d->adopted);
	if (!err)
		err = events_open(d->event, hokm_bpf_events_fd(d->bpf), daemon_kernel_event, d,
				  &d->events);
	if (!err)
		err = ctl_server_open(d->event, c->socket, c->ctl_group, daemon_verbs, d, d->events,
				      &daemon_event_names, &d->ctl);
	if (!err)
		err = open_senses(d, mac);
	if (!err)
		err = daemon_repl_open(d);
	if (!err)
		err = daemon_ending_open(d);
	if (!err)
		err = daemon_takeover_open(d);
	if (!err)
		err = reload_open(d, &d->reload);
	if (!err)
		err = open_rest(d);
	if (err) {
		log_error("could not start: %s; %s", strerror(-err),
			  d->adopted ? "what was pinned before stays, without an owner"
				     : "nothing is left behind");
		daemon_close(d, d->adopted);
	}
	return err;
}

/* The packet path goes on without a daemon: never as owner, and asking nobody. */
static void leave_path(struct daemon *d)
{
	struct hokm_cfg cfg;

	d->want.own.lease_until_ns = 0;
	d->want.own.state = HOKM_VRRP_INIT;
	apply_own(d->apply, &d->want);
	if (hokm_bpf_get_cfg(d->bpf, &cfg))
		return;
	cfg.pulse_nonce = 0;
	if (hokm_bpf_set_cfg(d->bpf, &cfg))
		log_error("could not write map cfg; run `hokm-xdp cleanup`");
}

void daemon_close(struct daemon *d, bool keep_path)
{
	daemon_loop_stop(d);
	reload_close(d->reload);
	daemon_takeover_close(d);
	daemon_ending_close(d);
	daemon_repl_close(d);
	hooks_close(d->hooks);
	link_watch_close(d->link);
	if (d->apply)
		leave_path(d);
	apply_close(d->apply, keep_path);
	vrrp_sock_close(d->vrrp_sock);
	pulse_close(d->pulse);
	agent_close(d->agent);
	ctl_server_close(d->ctl);
	events_close(d->events);
	if (d->bpf && !keep_path && hokm_bpf_cleanup(d->conf))
		log_error("could not remove the packet path; run `hokm-xdp cleanup`");
	hokm_bpf_close(d->bpf);
	unlock_node(d->lock_fd);
}
