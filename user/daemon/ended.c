/* SPDX-License-Identifier: GPL-2.0-only */
/* See ended.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "act/ender.h"
#include "base/log.h"
#include "daemon/ended.h"
#include "daemon/node.h"
#include "daemon/replication.h"
#include "daemon/session_end.h"
#include "decide/ghost.h"

/* Entries of the replica that a walk visits at a tick. */
#define SLICE 1024
/* Connections ended at a tick: SOCK_DESTROY takes some microseconds for each. */
#define BATCH 128
_Static_assert(BATCH <= TICKLE_MAX, "one batch is one of the ender");
/* ---- informing ---- */

struct walk {
	struct ended *e;
	unsigned int slot;
	uint64_t now_ns;
};

static int inform_one(const struct hokm_conn_key *k, const struct hokm_replica *r, void *arg)
{
	const struct walk *w = arg;

	if (r->holder == w->slot && r->answered_ns &&
	    replication_inform(w->e->replication, w->slot, k, r, w->now_ns))
		w->e->peers[w->slot].informed++;
	return 0;
}

static void report_informed(const struct ended *e, unsigned int slot)
{
	const struct ended_peer *p = &e->peers[slot];

	if (p->informed)
		log_info("peer %s is informed of %u connections that this node ended in its place",
			 e->node->peers.list[slot].name, p->informed);
}

static void walk_slice(struct ended *e, unsigned int slot, uint64_t now_ns)
{
	struct walk w = {.e = e, .slot = slot, .now_ns = now_ns};
	struct ended_peer *p = &e->peers[slot];
	bool done = false;
	int err = hokm_bpf_sweep_replica(e->node->bpf, &p->cursor, SLICE, inform_one, &w, &done);

	if (err < 0)
		log_warn("could not walk through map replica: %s; "
			 "a peer is informed later of connections that this node ended",
			 strerror(-err));
	if (err >= 0 && !done)
		return;
	report_informed(e, slot);
	p->walking = false;
}

static void inform(struct ended *e, unsigned int slot, uint64_t now_ns)
{
	bool dead = peers_sight(&e->node->peers, slot, now_ns).players_dead;
	struct ended_peer *p = &e->peers[slot];

	if (e->in.due[slot] || (p->dead && !dead)) {
		e->in.due[slot] = false;
		memset(&p->cursor, 0, sizeof(p->cursor));
		p->walking = true;
		p->informed = 0;
	}
	p->dead = dead;
	if (p->walking && !replication_entries(e->replication, slot))
		p->walking = false;
	if (p->walking && !dead && replication_has_room(e->replication, slot))
		walk_slice(e, slot, now_ns);
}

/* ---- being informed ---- */

/* The connections of one batch that are ended here. */
struct batch {
	unsigned int n;
	struct hokm_conn_key key[BATCH];
	struct hokm_conn conn[BATCH];
	struct tickle_conn addrs[BATCH];
};

static void choose(struct ended *e, const struct ended_record *r, struct batch *b)
{
	const struct service *svc = services_by_slot(&e->node->services, r->key.service);
	struct hokm_conn *c = &b->conn[b->n];

	if (!svc || hokm_bpf_get_conn(e->node->bpf, &r->key, c) ||
	    !ghost_is(c, r->isn, r->ended_ns, e->node->peers.asking_ns))
		return;
	b->key[b->n] = r->key;
	b->addrs[b->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&r->key.client),
		.vip = svc->vip,
		.client_port = r->key.client_port,
		.port = htobe16(svc->conf->port),
	};
	if (r->replaced)
		e->replaced++;
	else
		e->peers[r->peer].ended++;
}

/* The RSTs of these ends prove nothing about the server. */
static void keep_quiet(struct ended *e, const struct batch *b, uint64_t now_ns)
{
	uint32_t quiet = 0;

	for (unsigned int i = 0; i < b->n; i++)
		quiet |= 1u << b->key[i].service;
	for (unsigned int s = 0; s < e->node->services.n; s++) {
		const struct service *svc = &e->node->services.list[s];

		if (quiet & 1u << svc->slot)
			session_end_quiet(e->node, svc, now_ns);
	}
}

/* The sockets are destroyed: their entries go too. */
static void forget_batch(struct ended *e, const struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++) {
		replication_gone(e->replication, &b->key[i], &b->conn[i]);
		(void)hokm_bpf_delete_conn(e->node->bpf, &b->key[i]);
	}
}

static void report_ended(struct ended *e)
{
	if (e->replaced)
		log_info("%u connections ended here: their clients had gone without a word, "
			 "and connections with the same addresses and ports are on a peer",
			 e->replaced);
	e->replaced = 0;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const char *name = e->node->peers.list[slot].name;
		unsigned int n = e->peers[slot].ended;

		e->peers[slot].ended = 0;
		if (!n)
			continue;
		log_warn("peer %s: reason=%s (%s): %u connections ended here", name,
			 hokm_reason_name(HOKM_R_ENDED_BY_PEER),
			 hokm_reason_text(HOKM_R_ENDED_BY_PEER), n);
		events_add(e->node->events, "peer", HOKM_R_ENDED_BY_PEER, "%s: %s (%u)", name,
			   hokm_reason_text(HOKM_R_ENDED_BY_PEER), n);
	}
}

/* Gives a batch to the ender; at a later tick the entries of its connections are forgotten. */
static void end_queued(struct ended *e, uint64_t now_ns)
{
	static struct batch b; /* too large for the stack */
	unsigned int n = e->in.n < BATCH ? e->in.n : BATCH;

	if (e->batch) {
		keep_quiet(e, &b, now_ns);
		if (!ender_done(e->ender, e->batch))
			return;
		forget_batch(e, &b);
		e->batch = 0;
	}
	if (!ender_has_room(e->ender))
		return;
	b.n = 0;
	for (unsigned int i = 0; i < n; i++)
		choose(e, &e->in.queue[i], &b);
	ended_drop(&e->in, n);
	if (b.n) {
		keep_quiet(e, &b, now_ns);
		e->batch = ender_give(e->ender, b.addrs, b.n, false);
	} else if (!e->in.n) {
		report_ended(e);
	}
}

/* ---- both ---- */

void ended_init(struct ended *e, struct node *n, struct replication *r, struct ender *ender)
{
	e->node = n;
	e->replication = r;
	e->ender = ender;
}

bool ended_is_idle(const struct ended *e)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (e->node->peers.list[slot].used && (e->in.due[slot] || e->peers[slot].walking))
			return false;
	return !e->batch && !e->in.n;
}

void ended_run(struct ended *e, uint64_t now_ns)
{
	if (!e->replication)
		return;
	end_queued(e, now_ns);
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (e->node->peers.list[slot].used)
			inform(e, slot, now_ns);
}
