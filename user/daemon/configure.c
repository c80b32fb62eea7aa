/* SPDX-License-Identifier: GPL-2.0-only */
/* See configure.h. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/configure.h"
#include "daemon/node.h"
#include "sense/link.h"

/*
 * The slot that has `addr` already, else a free one, else -ENOSPC. Peers get the lowest free slot,
 * witnesses the highest one. A machine that was the other kind before gets a slot anew.
 */
static int peer_slot(const struct hokm_cfg *cfg, const struct hokm_addr *addr, bool witness,
		     unsigned int taken)
{
	int free_slot = -ENOSPC;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const unsigned int slot = witness ? HOKM_MAX_PEERS - 1 - i : i;
		const struct hokm_peer_cfg *p = &cfg->peer[slot];

		if (p->used && p->witness == witness && !memcmp(&p->addr, addr, sizeof(*addr)))
			return (int)slot;
		if (!p->used && !(taken & (1u << slot)) && free_slot < 0)
			free_slot = (int)slot;
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

/* Slots of peers in the order of falling priority. */
static void fill_order(const struct node *n, struct hokm_cfg *cfg)
{
	const struct conf *c = n->conf;

	cfg->n_order = 0;
	for (int priority = 255; priority > 0; priority--)
		for (unsigned int i = 0; i < c->n_nodes; i++)
			if (i != c->self && c->nodes[i].priority == priority)
				cfg->order[cfg->n_order++] = n->peers.by_node[i];
}

/* A peer that had this slot before keeps what is known of it. */
static void set_peer(struct peer *p, const struct conf_node *cn, bool known)
{
	if (!known)
		memset(p, 0, sizeof(*p));
	p->used = true;
	memcpy(p->name, cn->name, sizeof(p->name));
	p->addr = cn->addr;
	p->priority = cn->priority;
	p->kind = cn->peer;
}

/* Gives a peer or witness its slot. Returns the slot or -errno. */
static int take_slot(struct node *n, struct in_addr ipv4, bool witness, const struct hokm_cfg *old,
		     struct hokm_cfg *cfg, unsigned int *taken)
{
	struct hokm_addr addr = hokm_addr_from_ipv4(ipv4);
	int slot = peer_slot(old, &addr, witness, *taken);

	if (slot < 0)
		return slot;
	*taken |= 1u << slot;
	cfg->peer[slot].addr = addr;
	cfg->peer[slot].used = 1;
	cfg->peer[slot].witness = witness;
	if (slot >= cfg->n_peers)
		cfg->n_peers = (__u8)(slot + 1);
	if (!old->peer[slot].used && hokm_bpf_clear_peer(n->bpf, (unsigned int)slot))
		return -EIO;
	return slot;
}

static int fill_peer(struct node *n, unsigned int node, const struct hokm_cfg *old,
		     struct hokm_cfg *cfg, unsigned int *taken)
{
	const struct conf_node *cn = &n->conf->nodes[node];
	int slot = take_slot(n, cn->addr, false, old, cfg, taken);

	if (slot < 0)
		return slot;
	n->peers.by_node[node] = (uint8_t)slot;
	set_peer(&n->peers.list[slot], cn, old->peer[slot].used);
	cfg->peer[slot].priority = cn->priority;
	return 0;
}

static int fill_witnesses(struct node *n, const struct hokm_cfg *old, struct hokm_cfg *cfg,
			  unsigned int *taken)
{
	memset(n->peers.witnesses, 0, sizeof(n->peers.witnesses));
	for (unsigned int i = 0; i < n->conf->n_witnesses; i++) {
		const struct conf_witness *cw = &n->conf->witnesses[i];
		int slot = take_slot(n, cw->addr, true, old, cfg, taken);

		if (slot < 0)
			return slot;
		n->peers.witnesses[slot].used = true;
		memcpy(n->peers.witnesses[slot].name, cw->name, sizeof(cw->name));
		n->peers.witnesses[slot].addr = cw->addr;
	}
	return 0;
}

static int fill_peers(struct node *n, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = n->conf;
	unsigned int taken = 0;
	int err = 0;

	memset(n->peers.by_node, HOKM_NO_PEER, sizeof(n->peers.by_node));
	for (unsigned int i = 0; i < c->n_nodes && !err; i++)
		if (i != c->self)
			err = fill_peer(n, i, old, cfg, &taken);
	if (err)
		return err;
	/* By the nodes alone: a slot of a witness is none of `list`. */
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (!(taken & (1u << slot)))
			n->peers.list[slot].used = false;
	err = fill_witnesses(n, old, cfg, &taken);
	if (err)
		return err;
	n->peers.dead_ns = c->peer_dead_ns;
	n->peers.players_dead_ns = c->players_dead_ns;
	n->peers.stale_ns = c->daemon_stale_ns;
	n->peers.n_paths = c->nodes[c->self].n_paths;
	fill_order(n, cfg);
	return 0;
}

/*
 * A path keeps its interface, as far as it is the same one; where it ends is looked for when the
 * daemon runs (daemon/pulse_paths.h).
 */
static int fill_paths(const struct node *n, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = n->conf;
	const struct conf_node *self = &c->nodes[c->self];
	int err = 0;

	for (unsigned int i = 0; i < self->n_paths; i++) {
		struct hokm_path_cfg *path = &cfg->path[i];

		if (old->path[i].addr == self->paths[i].s_addr)
			*path = old->path[i];
		path->addr = self->paths[i].s_addr;
		memset(path->peer, 0, sizeof(path->peer));
		for (unsigned int node = 0; node < c->n_nodes; node++)
			if (n->peers.by_node[node] < HOKM_MAX_PEERS)
				path->peer[n->peers.by_node[node]] = c->nodes[node].paths[i].s_addr;
	}
	for (unsigned int i = 0; i < HOKM_MAX_PATHS; i++)
		for (unsigned int slot = 0; !err && slot < HOKM_MAX_PEERS; slot++)
			if (cfg->path[i].addr != old->path[i].addr ||
			    cfg->path[i].peer[slot] != old->path[i].peer[slot])
				err = hokm_bpf_clear_path_peer(n->bpf, i + 1, slot);
	return err;
}

static void set_service(struct node *n, struct service *svc, const struct conf_service *cs,
			uint8_t slot, bool known)
{
	struct hokm_service state;

	memset(svc, 0, sizeof(*svc));
	svc->conf = cs;
	svc->vip = n->conf->vips[cs->vip];
	svc->slot = slot;
	svc->tag = hokm_service_tag(svc->vip, cs->port);
	svc->adopted = HOKM_SVC_INIT;
	if (known && !hokm_bpf_get_service(n->bpf, slot, &state) &&
	    (state.state == HOKM_SVC_UP || state.state == HOKM_SVC_DOWN))
		svc->adopted = state.state;
}

static int fill_services(struct node *n, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = n->conf;
	unsigned int taken = 0;

	n->services.n = c->n_services;
	for (unsigned int s = 0; s < c->n_services; s++) {
		const struct conf_service *cs = &c->services[s];
		struct hokm_addr vip = hokm_addr_from_ipv4(c->vips[cs->vip]);
		int slot = service_slot(old, &vip, htons(cs->port), taken);

		if (slot < 0)
			return slot;
		taken |= 1u << slot;
		set_service(n, &n->services.list[s], cs, (uint8_t)slot, old->service[slot].used);
		cfg->service[slot].vip = vip;
		cfg->service[slot].port = htons(cs->port);
		cfg->service[slot].used = 1;
		if (slot >= cfg->n_services)
			cfg->n_services = (__u8)(slot + 1);
	}
	return 0;
}

static void fill_settings(const struct node *n, const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	const struct conf *c = n->conf;

	cfg->vrid = c->vrid;
	cfg->pulse_port = htons(c->pulse_port);
	cfg->repl_port = c->replicate ? htons(c->repl_port) : 0;
	cfg->pulse_nonce = n->nonce;
	cfg->hash_seed = old->hash_seed ? old->hash_seed : n->nonce;
	cfg->boot_ahead_ns = clock_boot_ahead_ns();
	cfg->half_open_mask = hokm_bpf_half_open_sets(n->bpf) - 1;
	cfg->peer_dead_ns = c->peer_dead_ns;
	cfg->players_dead_ns = c->players_dead_ns;
	cfg->daemon_stale_ns = c->daemon_stale_ns;
	cfg->linger_ns = c->linger_ns;
	cfg->suspect_ns = c->observe.limit[HOKM_SIGNAL_REFUSED].on ? c->observe.hold_ns : 0;
	for (unsigned int i = 0; i < c->n_vips; i++)
		cfg->vip[cfg->n_vips++] = hokm_addr_from_ipv4(c->vips[i]);
}

static int fill_cfg(struct node *n, struct hokm_cfg *cfg)
{
	struct hokm_cfg old;
	int err = hokm_bpf_get_cfg(n->bpf, &old);

	if (!err && !hokm_bpf_half_open_sets(n->bpf))
		err = -EIO;
	if (err)
		return err;
	memset(cfg, 0, sizeof(*cfg));
	cfg->addr = hokm_addr_from_ipv4(n->conf->nodes[n->conf->self].addr);
	err = link_mac(n->conf->interface, cfg->mac);
	if (!err)
		err = fill_peers(n, &old, cfg);
	if (!err)
		err = fill_paths(n, &old, cfg);
	if (!err)
		err = fill_services(n, &old, cfg);
	if (!err)
		fill_settings(n, &old, cfg);
	return err;
}

/* The keys come first: a peer of the new configuration must find its own. */
static int write_cfg(struct node *n, const struct hokm_cfg *cfg, struct pulse *pulse)
{
	struct pulse_signer s = {
		.addr = n->conf->nodes[n->conf->self].addr,
		.vrid = n->conf->vrid,
		.nonce = n->nonce,
	};
	int err = conf_pulse_keys(n->conf, cfg, &s.keys);

	memcpy(s.mac, cfg->mac, sizeof(s.mac));
	if (!err)
		err = hokm_bpf_set_keys(n->bpf, &s.keys);
	if (!err)
		err = hokm_bpf_set_cfg(n->bpf, cfg);
	if (!err)
		pulse_set_signer(pulse, &s);
	explicit_bzero(&s, sizeof(s));
	return err;
}

int configure_node(struct node *n, struct pulse *pulse)
{
	struct hokm_cfg cfg;
	int err = fill_cfg(n, &cfg);

	if (err)
		return err;
	n->want.n_vips = n->conf->n_vips;
	memcpy(n->want.vips, n->conf->vips, sizeof(n->want.vips));
	return write_cfg(n, &cfg, pulse);
}

int configure_mac(struct node *n, struct pulse *pulse, const unsigned char mac[6], bool *changed)
{
	struct hokm_cfg cfg;
	int err = hokm_bpf_get_cfg(n->bpf, &cfg);

	*changed = !err && memcmp(cfg.mac, mac, sizeof(cfg.mac)) != 0;
	if (!*changed)
		return err;
	memcpy(cfg.mac, mac, sizeof(cfg.mac));
	err = hokm_bpf_set_cfg(n->bpf, &cfg);
	pulse_set_mac(pulse, mac);
	apply_set_mac(n->apply, mac);
	return err;
}

void configure_vrrp(const struct conf *c, struct vrrp_conf *v)
{
	memset(v, 0, sizeof(*v));
	v->version = (uint8_t)c->vrrp_version;
	v->priority = c->nodes[c->self].priority;
	v->adver_ns = c->advert_ns;
	v->preempt = c->preempt;
	v->preempt_delay_ns = c->preempt_delay_ns;
	v->addr = c->nodes[c->self].addr;
}

/* An empty password stands for authentication type 0, as keepalived without auth_pass has it. */
void configure_wire(const struct conf *c, struct vrrp_wire_conf *w)
{
	memset(w, 0, sizeof(*w));
	w->version = (uint8_t)c->vrrp_version;
	w->vrid = c->vrid;
	w->adver_ns = c->advert_ns;
	w->use_pass = c->vrrp_version == 2 && c->vrrp_password[0][0];
	memcpy(w->password, c->vrrp_password[0], sizeof(w->password));
	memcpy(w->also, c->vrrp_password[1], sizeof(w->also));
	w->checksum_pseudo = c->checksum_pseudo;
}
