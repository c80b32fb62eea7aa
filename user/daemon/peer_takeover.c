/* SPDX-License-Identifier: GPL-2.0-only */
/* See peer_takeover.h. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act/tickle.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/timer.h"
#include "daemon/node.h"
#include "daemon/peer_takeover.h"
#include "daemon/replication.h"
#include "decide/takeover.h"

#define SLICE         256
#define SLICES_A_STEP 4
/* A slice of the map is whole buckets: it may bring more than was asked for. */
#define QUEUE 4096

_Static_assert(TAKEOVER_MOST <= TICKLE_MAX, "one step is one call of tickle_send()");

struct dead_peer {
	struct takeover decide;
	struct hokm_conn_cursor cursor;
	bool walked; /* the end of the map was reached; the queue may still have entries */
	unsigned int n, at;
	struct tickle_conn queue[QUEUE];
	uint64_t sent; /* notifications of this death, of all rounds */
};

struct peer_takeover {
	struct node *node;
	struct replication *replication;
	struct tickle *tickle;
	sd_event_source *timer;
	uint64_t next_ns; /* the next step; 0: at the next tick */
	struct dead_peer peers[HOKM_MAX_PEERS];
};

/* ---- the walk ---- */

struct walk {
	const struct services *services;
	struct hokm_bpf *bpf;
	struct dead_peer *p;
	unsigned int slot;
	uint64_t now_ns;
};

/* Before the RST goes out: what the packet path notes of the answer is not overwritten. */
static void note_notified(const struct walk *w, const struct hokm_conn_key *k,
			  const struct hokm_replica *r)
{
	struct hokm_replica noted = *r;
	int err;

	if (r->answered_ns)
		return;
	noted.answered_ns = w->now_ns;
	err = hokm_bpf_set_replica(w->bpf, k, &noted);
	if (err)
		log_warn("could not note in map replica that a client is notified: %s",
			 strerror(-err));
}

static int queue_one(const struct hokm_conn_key *k, const struct hokm_replica *r, void *arg)
{
	const struct walk *w = arg;
	struct dead_peer *p = w->p;
	const struct service *svc;

	if (r->holder != w->slot || r->gone || p->n == QUEUE)
		return 0;
	svc = services_by_slot(w->services, k->service);
	if (!svc)
		return 0;
	note_notified(w, k, r);
	p->queue[p->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = svc->vip,
		.client_port = k->client_port,
		.port = htobe16(svc->conf->port),
		.seq = r->seq_next,
		.ack = r->ack_next,
		.known = r->seq_next || r->ack_next,
	};
	return 0;
}

static void fill_queue(struct peer_takeover *t, unsigned int slot)
{
	struct dead_peer *p = &t->peers[slot];
	struct walk w = {
		.services = &t->node->services,
		.bpf = t->node->bpf,
		.p = p,
		.slot = slot,
		.now_ns = clock_now_ns(),
	};
	int err;

	p->n = p->at = 0;
	err = hokm_bpf_sweep_replica(t->node->bpf, &p->cursor, SLICE, queue_one, &w, &p->walked);
	if (err >= 0)
		return;
	log_error("could not walk through map replica: %s; "
		  "some clients of a dead peer are notified later",
		  strerror(-err));
	p->walked = true;
}

/* Notifies at most `quota` clients. True when the walk is at its end. */
static bool notify(struct peer_takeover *t, unsigned int slot, unsigned int quota)
{
	struct dead_peer *p = &t->peers[slot];
	int sent;

	for (int i = 0; i < SLICES_A_STEP && p->at == p->n && !p->walked; i++)
		fill_queue(t, slot);
	if (quota > p->n - p->at)
		quota = p->n - p->at;
	if (!quota)
		return p->walked && p->at == p->n;
	sent = tickle_send(t->tickle, &p->queue[p->at], quota);
	if (sent < 0 && sent != -EAGAIN && sent != -ENOBUFS) {
		log_warn("could not notify clients of a dead peer: %s", strerror(-sent));
		sent = (int)quota;
	}
	p->at += sent > 0 ? (unsigned int)sent : 0;
	p->sent += sent > 0 ? (unsigned int)sent : 0;
	return p->walked && p->at == p->n;
}

static void begin_round(struct dead_peer *p)
{
	memset(&p->cursor, 0, sizeof(p->cursor));
	p->walked = false;
	p->n = p->at = 0;
}

/* ---- steps ---- */

static void report_begin(struct peer_takeover *t, unsigned int slot)
{
	unsigned long long n = replication_entries(t->replication, slot);
	const char *name = t->node->peers.list[slot].name;

	PROBE_TAKEOVER_BEGIN(name, n);
	log_warn("peer %s is dead: notifying its %llu clients reason=%s", name, n,
		 hokm_reason_name(HOKM_R_TAKEOVER));
	events_add(t->node->events, "peer", HOKM_R_TAKEOVER, "%s: %s (%llu)", name,
		   hokm_reason_text(HOKM_R_TAKEOVER), n);
}

static void report_end(const struct peer_takeover *t, unsigned int slot)
{
	const char *name = t->node->peers.list[slot].name;
	unsigned long long sent = t->peers[slot].sent;

	PROBE_TAKEOVER_END(name, sent);
	log_info("clients of dead peer %s: %llu notifications sent", name, sent);
}

static void step_peer(struct peer_takeover *t, unsigned int slot, uint64_t now_ns)
{
	const struct node *n = t->node;
	struct dead_peer *p = &t->peers[slot];
	bool owner = n->want.own.state == HOKM_VRRP_MASTER && node_owner_until(n) > now_ns &&
		     replication_entries(t->replication, slot);
	bool due = owner && peers_path_sees_dead(&n->peers, slot, now_ns);
	unsigned int quota;

	switch (takeover_tick(&p->decide, due, n->conf->tell_rate, now_ns, &quota)) {
	case TAKEOVER_IDLE:
		return;
	case TAKEOVER_OVER:
		report_end(t, slot);
		return;
	case TAKEOVER_BEGIN:
		p->sent = 0;
		report_begin(t, slot);
		begin_round(p);
		break;
	case TAKEOVER_ROUND:
		begin_round(p);
		break;
	case TAKEOVER_WALK:
		break;
	}
	if (notify(t, slot, quota))
		takeover_walked(&p->decide, now_ns);
}

void peer_takeover_run(struct peer_takeover *t, uint64_t now_ns)
{
	t->next_ns = 0;
	if (!t->replication)
		return;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		uint64_t at_ns;

		if (!t->node->peers.list[slot].used)
			continue;
		step_peer(t, slot, now_ns);
		at_ns = takeover_next_ns(&t->peers[slot].decide, now_ns);
		if (at_ns && (!t->next_ns || at_ns < t->next_ns))
			t->next_ns = at_ns;
	}
}

void peer_takeover_arm(struct peer_takeover *t)
{
	timer_arm(t->timer, t->next_ns);
}

/* ---- open and close ---- */

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct peer_takeover *t = arg;

	(void)s;
	inbox_note_timer(&t->node->inbox, INBOX_TAKEOVER, LATE_TAKEOVER, usec);
	return 0;
}

int peer_takeover_open(struct node *n, struct replication *r, struct peer_takeover **out)
{
	struct peer_takeover *t = calloc(1, sizeof(*t));
	int err;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->node = n;
	t->replication = r;
	err = tickle_open(&t->tickle);
	if (err) {
		peer_takeover_close(t);
		return err;
	}
	err = timer_add(n->event, &t->timer, NODE_PRIO_REPL, on_timer, t);
	if (err) {
		log_error("could not set up the timer of takeovers: %s", strerror(-err));
		peer_takeover_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void peer_takeover_close(struct peer_takeover *t)
{
	if (!t)
		return;
	sd_event_source_disable_unref(t->timer);
	tickle_close(t->tickle);
	free(t);
}
