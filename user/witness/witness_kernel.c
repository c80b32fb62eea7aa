/* SPDX-License-Identifier: GPL-2.0-only */
/* See witness_kernel.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sense/link.h"
#include "witness/witness_kernel.h"
#include "witness/witness_sock.h"

/* How often a foreign program that took the place of ours is reported. */
#define AGAIN_NS (10 * NS_PER_S)

/* ---- slots ---- */

static int slot_of(const struct hokm_cfg *old, const struct hokm_cfg *cfg,
		   const struct hokm_addr *addr)
{
	int free_slot = -ENOSPC;

	for (int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (old->peer[i].used && !memcmp(&old->peer[i].addr, addr, sizeof(*addr)))
			return i;
		if (!old->peer[i].used && !cfg->peer[i].used && free_slot < 0)
			free_slot = i;
	}
	return free_slot;
}

int witness_slots(const struct conf *c, const struct hokm_cfg *old, struct hokm_cfg *cfg,
		  uint8_t slot[HOKM_MAX_PEERS])
{
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		const struct hokm_addr addr = hokm_addr_from_ipv4(c->nodes[i].addr);
		const int at = i < HOKM_MAX_PEERS ? slot_of(old, cfg, &addr) : -ENOSPC;

		if (at < 0)
			return at;
		slot[i] = (uint8_t)at;
		cfg->peer[at].addr = addr;
		cfg->peer[at].used = 1;
		cfg->peer[at].priority = c->nodes[i].priority;
		if (at >= cfg->n_peers)
			cfg->n_peers = (__u8)(at + 1);
	}
	return 0;
}

uint64_t witness_promise(const struct witness_kernel *k, unsigned int n_nodes, uint64_t word)
{
	const uint32_t member = hokm_grant_member(word);

	for (unsigned int i = 0; i < n_nodes; i++)
		if (member == HOKM_GRANT_PEER((uint32_t)k->slot[i]))
			return (word & ~0xffULL) | HOKM_GRANT_PEER(i);
	return (word & ~0xffULL) | HOKM_GRANT_NOBODY;
}

/* ---- the configuration ---- */

static int fill_cfg(struct witness_kernel *k, const struct conf *c, unsigned int self,
		    const struct hokm_cfg *old, struct hokm_cfg *cfg)
{
	int err;

	memset(cfg, 0, sizeof(*cfg));
	cfg->addr = hokm_addr_from_ipv4(c->witnesses[self].addr);
	cfg->vrid = c->vrid;
	cfg->pulse_port = htons(c->pulse_port);
	cfg->peer_dead_ns = c->peer_dead_ns;
	cfg->players_dead_ns = c->players_dead_ns;
	cfg->daemon_stale_ns = c->daemon_stale_ns;
	err = link_mac(k->interface, cfg->mac);
	return err ? err : witness_slots(c, old, cfg, k->slot);
}

/* Nothing of the node that had a slot before belongs to the next one. */
static int clear_new_slots(struct witness_kernel *k, const struct hokm_cfg *old,
			   const struct hokm_cfg *cfg)
{
	int err = 0;

	for (unsigned int i = 0; i < HOKM_MAX_PEERS && !err; i++)
		if (cfg->peer[i].used && !old->peer[i].used)
			err = hokm_bpf_clear_peer(k->bpf, i);
	return err;
}

/* The keys come first: a node of the new configuration must find its own. */
static int write_cfg(struct witness_kernel *k, const struct conf *c, const struct hokm_cfg *cfg)
{
	struct hokm_keys keys = {0};
	int err = conf_pulse_keys(c, cfg, &keys);

	if (!err)
		err = hokm_bpf_set_keys(k->bpf, &keys);
	if (!err)
		err = hokm_bpf_set_cfg(k->bpf, cfg);
	explicit_bzero(&keys, sizeof(keys));
	return err;
}

int witness_kernel_configure(struct witness_kernel *k, const struct conf *c, unsigned int self)
{
	struct hokm_cfg old, cfg;
	int err = hokm_bpf_get_cfg(k->bpf, &old);

	if (!err)
		err = fill_cfg(k, c, self, &old, &cfg);
	if (!err)
		err = clear_new_slots(k, &old, &cfg);
	if (!err)
		err = write_cfg(k, c, &cfg);
	if (err)
		log_error("could not write the configuration to the maps of the witness: %s",
			  strerror(-err));
	else
		hokm_bpf_allow_grants(k->bpf, conf_longest_grant_ns(c));
	return err;
}

int witness_kernel_open(struct witness_kernel *k, const struct conf *c, unsigned int self,
			const char *interface)
{
	int err;

	memset(k, 0, sizeof(*k));
	snprintf(k->interface, sizeof(k->interface), "%s", interface);
	snprintf(k->bpffs, sizeof(k->bpffs), "%s", c->bpffs);
	err = hokm_bpf_open_witness(c, self, interface, witness_sock_process, &k->bpf, &k->adopted);
	if (!err)
		err = witness_kernel_configure(k, c, self);
	if (!err)
		err = hokm_bpf_get_counters(k->bpf, HOKM_NODE_SLOT, &k->since);
	if (!err)
		err = hokm_bpf_attach_witness(k->bpf);
	if (err)
		witness_kernel_close(k);
	return err;
}

void witness_kernel_close(struct witness_kernel *k)
{
	hokm_bpf_close(k->bpf);
	k->bpf = NULL;
}

/* ---- what it does ---- */

static void read_counters(const struct witness_kernel *k, struct witness *w)
{
	struct hokm_counters now;

	if (hokm_bpf_get_counters(k->bpf, HOKM_NODE_SLOT, &now))
		return;
#define SINCE(name) (now.name - k->since.name)
	w->answered = SINCE(pulse_probes);
	w->discarded[WITNESS_SOURCE] = SINCE(drop_pulse_source);
	w->discarded[WITNESS_TTL] = SINCE(drop_pulse_ttl);
	w->discarded[WITNESS_SHORT] = SINCE(drop_pulse_short);
	w->discarded[WITNESS_VERSION] = SINCE(drop_pulse_version);
	w->discarded[WITNESS_TAG] = SINCE(drop_pulse_tag);
	w->discarded[WITNESS_MAC] = SINCE(drop_pulse_mac);
	w->discarded[WITNESS_KIND] = SINCE(drop_pulse_nonce);
	w->discarded[WITNESS_REPLAY] = SINCE(drop_pulse_replay);
#undef SINCE
}

void witness_kernel_read(const struct witness_kernel *k, struct witness *w)
{
	const struct hokm_grants *g = hokm_bpf_grants(k->bpf);
	struct hokm_peer peer;

	w->promise = g->own;
	w->promise.word = witness_promise(k, w->n_nodes, HOKM_GRANT_READ(&g->own.word));
	for (unsigned int i = 0; i < w->n_nodes; i++)
		if (!hokm_bpf_get_peer(k->bpf, k->slot[i], &peer))
			w->nodes[i].heard_ns = peer.alive_ns;
	read_counters(k, w);
}

/* ---- what others change ---- */

static void watch_mac(struct witness_kernel *k)
{
	struct hokm_cfg cfg;
	uint8_t mac[6];

	if (link_mac(k->interface, mac) || hokm_bpf_get_cfg(k->bpf, &cfg) ||
	    !memcmp(cfg.mac, mac, sizeof(mac)))
		return;
	memcpy(cfg.mac, mac, sizeof(mac));
	if (hokm_bpf_set_cfg(k->bpf, &cfg))
		log_error("could not write the MAC address of %s to map cfg", k->interface);
}

/* The interface may have been made again. */
static int watch_program(struct witness_kernel *k)
{
	const int ifindex = (int)if_nametoindex(k->interface);
	int err = 0;

	if (!ifindex)
		return -ENODEV;
	if (ifindex != hokm_bpf_ifindex(k->bpf))
		err = hokm_bpf_move(k->bpf, ifindex);
	return err ? err : hokm_bpf_again_ingress(k->bpf);
}

/* Without them the promises end with the process: the next one is silent first. */
static void note_pins(struct witness_kernel *k, int pins)
{
	char text[HOKM_AGAIN_TEXT_MAX];

	if (pins < 0 && !k->unpinned)
		log_error("the pins of the witness are gone, and could not be put back: %s",
			  hokm_bpf_again_text(pins, k->bpffs, text));
	k->unpinned = pins < 0;
}

void witness_kernel_watch(struct witness_kernel *k, uint64_t now_ns)
{
	const bool was_missing = k->missing;
	char text[HOKM_AGAIN_TEXT_MAX];
	int again, pins;

	if (now_ns < k->again_ns)
		return;
	watch_mac(k);
	/* A link that is made again is pinned in their folder. */
	pins = hokm_bpf_again_pins(k->bpf);
	note_pins(k, pins);
	again = watch_program(k);
	k->missing = again < 0;
	/* Without the interface there is nothing to try, and it may come back at any moment. */
	k->again_ns = k->missing && again != -ENODEV ? now_ns + AGAIN_NS : 0;
	if (k->missing && !(was_missing && again == -ENODEV))
		log_error("%s has no XDP program of the witness, and it could not be put back: %s",
			  k->interface, hokm_bpf_again_text(again, k->bpffs, text));
	if (again > 0 || pins > 0)
		log_warn("put back what was removed: %s%s%s", again > 0 ? "the XDP program" : "",
			 again > 0 && pins > 0 ? ", " : "", pins > 0 ? "pins" : "");
}
