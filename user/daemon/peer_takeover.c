/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takeover: the players of a dead peer are told. decide/takeover says when and how many; here map
 * replica is walked, and RST and tickle go out.
 *
 * Whose client says that it knows is marked by the packet path in the entry (gone) and left out by
 * the next walk. Entries stay until the peer is back and has told its new list: whoever sends
 * something late is answered by the packet path as long as they are there.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/session_end.h"
#include "daemon/replication.h"
#include "decide/takeover.h"

#define CONFIRM_LIMITS 2 /* of peer_dead: a single late pulse ends nobody's game */
#define SLICE          256
#define QUEUE          4096 /* a slice of the map is whole buckets: may be more than was asked for */

_Static_assert(TAKEOVER_MOST <= TICKLE_MAX, "one step is one call of tickle_send()");

struct peer_takeover {
	struct takeover decide;
	struct hokm_conn_cursor cursor;
	bool walked; /* the map's end was reached; the queue may not be empty yet */
	unsigned int n, at;
	struct tickle_conn queue[QUEUE];
	uint64_t told; /* of this death, each round counted */
};

struct daemon_takeover {
	sd_event_source *timer;
	struct peer_takeover peers[HOKM_MAX_PEERS];
};

struct walk {
	struct daemon *d;
	struct peer_takeover *p;
	unsigned int slot;
};

static const struct conf_service *service_of(const struct daemon *d, unsigned int slot)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].slot == slot)
			return &d->conf->services[s];
	return NULL;
}

static int queue_one(const struct hokm_conn_key *k, const struct hokm_replica *r, void *arg)
{
	struct walk *w = arg;
	struct peer_takeover *p = w->p;
	const struct conf_service *cs;

	if (r->holder != w->slot || r->gone || p->n == QUEUE)
		return 0;
	cs = service_of(w->d, k->service);
	if (!cs)
		return 0;
	p->queue[p->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = w->d->conf->vips[cs->vip],
		.client_port = k->client_port,
		.port = htobe16(cs->port),
		.seq = r->seq_next,
		.ack = r->ack_next,
		.known = r->seq_next || r->ack_next,
	};
	return 0;
}

static void fill_queue(struct daemon *d, struct peer_takeover *p, unsigned int slot)
{
	struct walk w = {.d = d, .p = p, .slot = slot};
	int err;

	p->n = p->at = 0;
	err = hokm_bpf_sweep_replica(d->bpf, &p->cursor, SLICE, queue_one, &w, &p->walked);
	if (err >= 0)
		return;
	log_error("walk through the replica failed: %s; some players of a dead peer are told later",
		  strerror(-err));
	p->walked = true;
}

/* Tells at most quota of them; true when the walk is at its end. */
static bool tell(struct daemon *d, struct peer_takeover *p, unsigned int slot, unsigned int quota)
{
	unsigned int slices = 0;

	while (p->at == p->n && !p->walked && slices++ < 4)
		fill_queue(d, p, slot);
	if (quota > p->n - p->at)
		quota = p->n - p->at;
	if (quota) {
		int sent = tickle_send(d->reset.tickle, &p->queue[p->at], quota);

		if (sent < 0 && sent != -EAGAIN && sent != -ENOBUFS) {
			log_warn("could not tell players of a dead peer: %s", strerror(-sent));
			sent = (int)quota;
		}
		p->at += sent > 0 ? (unsigned int)sent : 0;
		p->told += sent > 0 ? (unsigned int)sent : 0;
	}
	return p->walked && p->at == p->n;
}

static void announce(struct daemon *d, const struct peer_takeover *p, unsigned int slot,
		     bool begins)
{
	const char *name = daemon_peer_name(d, slot);

	if (begins) {
		log_warn("peer %s is dead: telling its %llu players reason=%s", name ? name : "?",
			 (unsigned long long)daemon_repl_entries(d, slot),
			 hokm_reason_name(HOKM_R_TAKEOVER));
		events_add(d->events, "peer", HOKM_R_TAKEOVER, "%s: %s (%llu)", name ? name : "?",
			   hokm_reason_text(HOKM_R_TAKEOVER),
			   (unsigned long long)daemon_repl_entries(d, slot));
	} else {
		log_info("players of dead peer %s: told %llu times in all", name ? name : "?",
			 (unsigned long long)p->told);
	}
}

static void begin_round(struct peer_takeover *p)
{
	memset(&p->cursor, 0, sizeof(p->cursor));
	p->walked = false;
	p->n = p->at = 0;
}

static void step_peer(struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	struct peer_takeover *p = &d->takeover->peers[slot];
	const struct hokm_peer *peer = &d->peers[slot];
	bool owner = d->vrrp.state == HOKM_VRRP_MASTER && d->want.own.lease_until_ns > now_ns &&
		     daemon_repl_entries(d, slot);
	/*
	 * Who was not asked could not answer: a daemon that got no CPU must not end anybody's game.
	 */
	uint64_t since_ns = daemon_silent_since_ns(d, peer);
	uint64_t silent_ns = !peer->seen_ns      ? UINT64_MAX
			     : now_ns > since_ns ? now_ns - since_ns
						 : 0;
	enum takeover_step step;
	unsigned int quota;

	step = takeover_tick(&p->decide, owner, silent_ns, CONFIRM_LIMITS * d->conf->peer_dead_ns,
			     d->conf->tell_rate, now_ns, &quota);
	switch (step) {
	case TAKEOVER_IDLE:
		return;
	case TAKEOVER_OVER:
		announce(d, p, slot, false);
		return;
	case TAKEOVER_BEGIN:
		p->told = 0;
		announce(d, p, slot, true);
		begin_round(p);
		break;
	case TAKEOVER_ROUND:
		begin_round(p);
		break;
	case TAKEOVER_WALK:
		break;
	}
	if (tell(d, p, slot, quota))
		takeover_walked(&p->decide, now_ns);
}

void daemon_takeover_tick(struct daemon *d, uint64_t now_ns)
{
	uint64_t next_ns = 0;

	if (!d->takeover || !d->repl)
		return;
	for (unsigned int i = 0; i < d->conf->n_nodes; i++) {
		uint8_t slot = d->nodes[i].slot;
		uint64_t at_ns;

		if (slot >= HOKM_MAX_PEERS)
			continue;
		step_peer(d, slot, now_ns);
		at_ns = takeover_next_ns(&d->takeover->peers[slot].decide, now_ns);
		if (at_ns && (!next_ns || at_ns < next_ns))
			next_ns = at_ns;
	}
	if (next_ns)
		daemon_arm(d->takeover->timer, next_ns);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	daemon_takeover_tick(arg, clock_now_ns());
	return 0;
}

int daemon_takeover_open(struct daemon *d)
{
	int err;

	d->takeover = calloc(1, sizeof(*d->takeover));
	if (!d->takeover)
		return -ENOMEM;
	err = daemon_add_timer(d, &d->takeover->timer, DAEMON_PRIO_REPL, on_timer);
	if (err)
		log_error("could not set the timer of takeovers up: %s", strerror(-err));
	return err;
}

void daemon_takeover_close(struct daemon *d)
{
	if (!d->takeover)
		return;
	sd_event_source_disable_unref(d->takeover->timer);
	free(d->takeover);
	d->takeover = NULL;
}
