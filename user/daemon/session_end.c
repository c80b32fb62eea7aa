/* SPDX-License-Identifier: GPL-2.0-only */
/* See session_end.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/timer.h"
#include "daemon/node.h"
#include "daemon/replication.h"
#include "daemon/session_end.h"
#include "decide/unresponsive.h"

/* Connections a slice: SOCK_DESTROY takes some microseconds for each. One slice is one batch. */
#define SLICE    128
#define SLICE_NS NS_PER_MS
#define QUIET_NS (2 * NS_PER_S)
_Static_assert(SLICE <= TICKLE_MAX, "a slice fits into a batch of the ender");
/* We see that the server sent something after this time at most. */
#define LISTEN_NS (50 * NS_PER_MS)

/* ---- the walk ---- */

struct batch {
	struct session_end *e;
	struct tickle_conn conns[SLICE];
	unsigned int n;
};

/* Is the connection among those that this walk ends? */
static bool is_meant(const struct session_end *e, uint8_t slot, const struct hokm_conn *c)
{
	uint64_t since_ns = e->walk_since_ns[slot];

	if (!(e->walking & 1u << slot))
		return false;
	return !since_ns || (c->upgrade_ns && c->upgrade_ns <= since_ns);
}

static int end_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct batch *b = arg;
	struct session_end *e = b->e;
	const struct service *svc = services_by_slot(&e->node->services, k->service);

	if (!svc || !is_meant(e, svc->slot, c) || c->target != HOKM_LOCAL ||
	    c->flags & HOKM_CONN_ENDED || !(c->flags & HOKM_CONN_OPENED) || b->n == SLICE)
		return 0;
	if (e->forgetting) {
		replication_gone(e->replication, k, c);
		return 1; /* deletes the entry */
	}
	e->found[svc->slot]++;
	b->conns[b->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = svc->vip,
		.client_port = k->client_port,
		.port = htobe16(svc->conf->port),
		.seq = c->s2c.seq_next,
		.ack = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.known = c->s2c.packets > 0,
		.service = svc->slot,
	};
	return 0;
}

/*
 * None of the service's connections had a socket here: its server is in another network namespace
 * (a container behind NAT). Its sockets were sent a RST, and so were the clients. No packet tells
 * the packet path that the connections are over, so their entries are deleted by another walk.
 * Returns how many connections had their socket elsewhere.
 */
static uint64_t note_orphans(struct session_end *e, uint8_t slot)
{
	uint64_t elsewhere = ender_elsewhere(e->ender, slot) - e->elsewhere[slot];

	if (e->found[slot] && elsewhere == e->found[slot])
		e->orphaned |= 1u << slot;
	return elsewhere;
}

static void report_sockets(const struct session_end *e, uint64_t elsewhere, bool stuck)
{
	if (stuck)
		log_error("the kernel does not end a socket, because its lock is held; "
			  "all clients were notified, %llu sockets are left",
			  (unsigned long long)(ender_left(e->ender) - e->left));
	else if (elsewhere)
		log_info("%llu of them had no socket on this node; "
			 "a RST was sent to their clients, and to their server",
			 (unsigned long long)elsewhere);
}

static void report(struct session_end *e, bool stuck)
{
	const struct services *services = &e->node->services;
	uint64_t elsewhere = 0;

	for (unsigned int s = 0; s < services->n; s++) {
		const char *name = services->list[s].conf->name;
		uint8_t slot = services->list[s].slot;
		const char *why = hokm_reason_text(e->reason[slot]);

		if (!(e->walking & 1u << slot) || (e->walk_since_ns[slot] && !e->found[slot]))
			continue;
		log_info("service %s: terminated %u connections: reason=%s (%s)", name,
			 e->found[slot], hokm_reason_name(e->reason[slot]), why);
		if (e->found[slot])
			events_add(e->node->events, "service", e->reason[slot],
				   "%s: %u connections terminated: %s", name, e->found[slot], why);
		elsewhere += note_orphans(e, slot);
	}
	report_sockets(e, elsewhere, stuck);
}

static void keep_quiet(struct session_end *e, uint64_t now_ns)
{
	const struct services *services = &e->node->services;

	e->quiet_ns = now_ns;
	for (unsigned int s = 0; s < services->n; s++)
		if (e->walking & 1u << services->list[s].slot)
			session_end_quiet(e->node, &services->list[s], now_ns);
}

static void begin_walk(struct session_end *e, uint64_t now_ns)
{
	e->forgetting = e->orphaned;
	e->walking = e->forgetting ? e->orphaned : e->wanted;
	if (e->forgetting)
		e->orphaned = 0;
	else
		e->wanted = 0;
	/* Entries are forgotten of those connections only that were ended. */
	if (!e->forgetting)
		memcpy(e->walk_since_ns, e->waits_since_ns, sizeof(e->walk_since_ns));
	memset(e->found, 0, sizeof(e->found));
	for (uint8_t s = 0; s < HOKM_MAX_SERVICES; s++)
		e->elsewhere[s] = ender_elsewhere(e->ender, s);
	e->left = ender_left(e->ender);
	e->walked = false;
	memset(&e->cursor, 0, sizeof(e->cursor));
	keep_quiet(e, now_ns);
}

/* One slice; e->walked: it was the last. */
static void walk_slice(struct session_end *e)
{
	struct batch b = {.e = e};
	bool done = false;
	int err = hokm_bpf_sweep_conns(e->node->bpf, &e->cursor, SLICE, end_one, &b, &done);

	if (b.n)
		e->last_batch = ender_give(e->ender, b.conns, b.n, true);
	if (err < 0)
		log_error("could not walk through map conns: %s; "
			  "not every connection is terminated",
			  strerror(-err));
	e->walked = err < 0 || done;
}

/* Clients do not wait for a socket of the server whose lock is held. */
void session_end_walk(struct session_end *e, uint64_t now_ns)
{
	bool stuck = ender_stuck(e->ender, now_ns);

	if (!e->walking && (e->wanted || e->orphaned))
		begin_walk(e, now_ns);
	if (!e->walking)
		return;
	if (now_ns >= e->quiet_ns + QUIET_NS / 2)
		keep_quiet(e, now_ns);
	if (!e->walked && (stuck || ender_has_room(e->ender)))
		walk_slice(e);
	if (e->walked && (stuck || ender_done(e->ender, e->last_batch))) {
		if (!e->forgetting)
			report(e, stuck);
		e->walking = 0;
	}
	e->next_ns = e->walking || e->wanted || e->orphaned ? now_ns + SLICE_NS : 0;
}

void session_end_service(struct session_end *e, struct service *svc, enum hokm_reason reason)
{
	e->wanted |= 1u << svc->slot;
	e->waits_since_ns[svc->slot] = 0;
	e->reason[svc->slot] = reason;
	svc->terminated_ns = clock_now_ns();
}

/* The same for those alone whose upgrade request has waited since that moment. */
static void end_waiters(struct session_end *e, const struct service *svc, uint64_t since_ns)
{
	if (e->wanted & 1u << svc->slot && !e->waits_since_ns[svc->slot])
		return;
	e->wanted |= 1u << svc->slot;
	e->waits_since_ns[svc->slot] = since_ns;
	e->reason[svc->slot] = HOKM_R_SHUTDOWN_SESSIONS;
}

void session_end_quiet(struct node *n, const struct service *svc, uint64_t now_ns)
{
	n->want.service[svc->slot].ending_until_ns = now_ns + QUIET_NS;
	(void)apply_sync(n->apply, &n->want); /* a failure is logged there, and tried again */
}

/* ---- unresponsive servers ---- */

static bool check_runs(const struct service *svc)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (svc->checks[i].health.running)
			return true;
	return false;
}

/* The last result of a check was that nothing came back; only_down: a check that is down. */
static bool is_unresponsive(const struct service *svc, bool only_down)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
		const struct health *h = &svc->checks[i].health;

		if (h->known && (!only_down || !health_up(h)) && unresponsive_reason(h->reason))
			return true;
	}
	return false;
}

/*
 * How long the checks waited without an answer: an unresponsive server sent nothing all that time.
 * Less the time that may pass before we see what it sent.
 */
static uint64_t longest_wait(const struct service *svc)
{
	uint64_t most_ns = 0;

	for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
		const struct health *h = &svc->checks[i].health;

		if (h->known && !health_up(h) && unresponsive_reason(h->reason) &&
		    h->took_ns > most_ns)
			most_ns = h->took_ns;
	}
	return most_ns > LISTEN_NS ? most_ns - LISTEN_NS : 0;
}

/* What only the server's process can have made: answers to upgrades, frames, TLS records. */
static uint64_t made_by_server(const struct hokm_counters *c)
{
	return c->switched + c->upgrade_4xx + c->upgrade_5xx + c->upgrade_other +
	       c->out_continuation + c->out_text + c->out_binary + c->out_close + c->out_ping +
	       c->out_pong + c->out_records;
}

/*
 * Counts what the server sends while a check runs, and after one had no answer, so that the answer
 * is there when the service goes DOWN, even by its first failed check. The checks of a healthy
 * server run for a moment only, so this costs nothing then.
 */
static void listen_to_server(struct session_end *e, struct service *svc, uint64_t now_ns)
{
	struct hokm_counters c;
	uint64_t sent;

	if (!check_runs(svc) && !is_unresponsive(svc, false))
		return;
	if (hokm_bpf_get_counters(e->node->bpf, svc->slot, &c))
		return;
	sent = made_by_server(&c);
	if (!svc->active_ns || sent != svc->sent) {
		svc->sent = sent;
		svc->active_ns = now_ns;
	}
}

static bool anybody_waits(const struct session_end *e, const struct service *svc, uint64_t now_ns)
{
	uint32_t n = 0;

	return !hokm_bpf_count_waits(e->node->bpf, svc->slot, HOKM_WAIT_UPGRADE, 0, now_ns, &n,
				     NULL) &&
	       n > 0;
}

static void look_for_waiters(struct session_end *e, struct service *svc,
			     const struct unresponsive_input *in)
{
	uint64_t since_ns;

	if (!unresponsive_waiters_due(in, &since_ns))
		return;
	svc->waiters_ns = in->now_ns;
	if (anybody_waits(e, svc, in->now_ns))
		end_waiters(e, svc, since_ns);
}

static void look_at_service(struct session_end *e, struct service *svc, bool draining,
			    uint64_t now_ns)
{
	struct unresponsive_input in;

	listen_to_server(e, svc, now_ns);
	if (svc->health != HOKM_SVC_DOWN) {
		if (!draining)
			svc->terminated_ns = 0;
		svc->waiters_ns = 0;
		return;
	}
	in = (struct unresponsive_input){
		.health = svc->health,
		.no_answer = is_unresponsive(svc, true),
		.keep = svc->conf->on_marked_down == CONF_KEEP,
		.players = svc->players,
		.active_ns = svc->active_ns,
		.terminated_ns = svc->terminated_ns,
		.waiters_ns = svc->waiters_ns,
		.waited_ns = longest_wait(svc),
		.pace_ns = observe_after_ns(&svc->observe, HOKM_SIGNAL_UPGRADE),
		.now_ns = now_ns,
	};
	in.peer_up = in.no_answer && peers_serve(&e->node->peers, svc->tag, now_ns);
	if (unresponsive_due(&in))
		session_end_service(e, svc, HOKM_R_SHUTDOWN_SESSIONS);
	else
		look_for_waiters(e, svc, &in);
}

void session_end_tick(struct session_end *e, bool draining, uint64_t now_ns)
{
	struct services *services = &e->node->services;

	for (unsigned int s = 0; s < services->n; s++)
		look_at_service(e, &services->list[s], draining, now_ns);
}

/* ---- open and close ---- */

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct session_end *e = arg;

	(void)s;
	inbox_note_timer(&e->node->inbox, INBOX_SESSIONS, LATE_SESSIONS, usec);
	return 0;
}

void session_end_arm(struct session_end *e)
{
	timer_arm(e->timer, e->next_ns);
}

int session_end_open(struct session_end *e, struct node *n, struct replication *r)
{
	int err;

	e->node = n;
	e->replication = r;
	err = ender_open(&e->ender);
	if (err)
		return err;
	err = timer_add(n->event, &e->timer, NODE_PRIO_REPL, on_timer, e);
	if (err)
		log_error("could not set up the timer of session ends: %s", strerror(-err));
	return err;
}

bool session_end_is_calm(const struct session_end *e)
{
	return !e->wanted && !e->walking && !e->orphaned;
}

void session_end_close(struct session_end *e)
{
	e->timer = sd_event_source_disable_unref(e->timer);
	ender_close(e->ender);
	e->ender = NULL;
}
