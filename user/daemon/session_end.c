/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ending connections that live here. Causes, each by active checks or by an operator, never by
 * passive signals:
 *
 *   a service is DOWN with its process hung, and a peer can take its players (decide/unresponsive)
 *   the time of a drain is over
 *
 * One walk through conns at a time serves all services that wait for it; one that is asked for in
 * the middle of it gets the next walk.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/session_end.h"
#include "decide/unresponsive.h"

#define SLICE      128 /* connections a millisecond: SOCK_DESTROY takes some microseconds each */
#define SLICE_MOST TICKLE_MAX
#define LISTEN_NS  (50 * NS_PER_MS) /* between a server's word and our look at it, at most */

/* ---- the walk ---- */

struct batch {
	struct daemon *d;
	struct tickle_conn conns[SLICE_MOST];
	unsigned int n;
};

static int service_of_slot(const struct daemon *d, unsigned int slot)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].slot == slot)
			return (int)s;
	return -1;
}

static void flush(struct batch *b)
{
	struct daemon_ending *e = &b->d->ending;
	int n;

	if (!b->n)
		return;
	n = session_reset_send(&b->d->reset, b->conns, b->n);
	if (n < 0)
		log_error("ending %u connections failed: %s; their players wait for their own "
			  "time-out",
			  b->n, strerror(-n));
	e->ended += n > 0 ? (unsigned int)n : 0;
	b->n = 0;
}

static int end_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct batch *b = arg;
	struct daemon *d = b->d;
	int s = service_of_slot(d, k->service);

	if (s < 0 || !(d->ending.walking & 1u << k->service) || c->target != HOKM_LOCAL ||
	    c->flags & HOKM_CONN_ENDED || !(c->flags & HOKM_CONN_OPENED))
		return 0;
	d->ending.asked[k->service]++;
	b->conns[b->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = d->conf->vips[d->conf->services[s].vip],
		.client_port = k->client_port,
		.port = htobe16(d->conf->services[s].port),
		.seq = c->s2c.seq_next,
		.ack = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.known = c->s2c.packets > 0,
	};
	if (b->n == SLICE_MOST)
		flush(b);
	return 0;
}

static void walk_over(struct daemon *d)
{
	struct daemon_ending *e = &d->ending;
	unsigned int asked = 0;

	for (unsigned int s = 0; s < d->conf->n_services; s++) {
		const char *name = d->conf->services[s].name;
		uint8_t slot = d->services[s].slot;
		const char *why = hokm_reason_text(e->reason[slot]);

		if (!(e->walking & 1u << slot))
			continue;
		log_info("service %s: ended %u connections: reason=%s (%s)", name, e->asked[slot],
			 hokm_reason_name(e->reason[slot]), why);
		if (e->asked[slot])
			events_add(d->events, "service", e->reason[slot],
				   "%s: %u connections ended: %s", name, e->asked[slot], why);
		asked += e->asked[slot];
	}
	if (asked > e->ended)
		log_info("%u of them had no socket here: their clients were sent an RST all the "
			 "same",
			 asked - e->ended);
	e->walking = 0;
}

static void keep_quiet(struct daemon *d, uint64_t now_ns)
{
	d->ending.quiet_ns = now_ns;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->ending.walking & 1u << d->services[s].slot)
			daemon_ending_quiet(d, s, now_ns);
}

static void begin_walk(struct daemon *d, uint64_t now_ns)
{
	struct daemon_ending *e = &d->ending;

	e->walking = e->wanted;
	e->wanted = 0;
	memset(e->asked, 0, sizeof(e->asked));
	e->ended = 0;
	memset(&e->cursor, 0, sizeof(e->cursor));
	keep_quiet(d, now_ns);
}

static void walk_slice(struct daemon *d, uint64_t now_ns)
{
	struct daemon_ending *e = &d->ending;
	struct batch b = {.d = d};
	bool done = false;
	int err;

	if (!e->walking && e->wanted)
		begin_walk(d, now_ns);
	if (!e->walking)
		return;
	if (now_ns >= e->quiet_ns + ENDING_QUIET_NS / 2)
		keep_quiet(d, now_ns);
	err = hokm_bpf_sweep_conns(d->bpf, &e->cursor, SLICE, end_one, &b, &done);
	flush(&b);
	if (err < 0)
		log_error("walk through conns failed: %s; not every connection is ended",
			  strerror(-err));
	if (err < 0 || done)
		walk_over(d);
	if (e->walking || e->wanted)
		daemon_arm(e->timer, now_ns + NS_PER_MS);
}

void daemon_ending_quiet(struct daemon *d, unsigned int service, uint64_t now_ns)
{
	d->want.service[d->services[service].slot].ending_until_ns = now_ns + ENDING_QUIET_NS;
	(void)apply_sync(d->apply, &d->want); /* logged there, tried again */
}

void daemon_end_service(struct daemon *d, unsigned int service, enum hokm_reason reason)
{
	uint8_t slot = d->services[service].slot;

	d->ending.wanted |= 1u << slot;
	d->ending.reason[slot] = reason;
	d->services[service].ended_ns = clock_now_ns();
	walk_slice(d, clock_now_ns());
}

/* ---- causes ---- */

static bool serves(const struct daemon *d, const struct hokm_peer *p, uint32_t tag, uint64_t now_ns)
{
	if (!daemon_peer_answers(d, p, now_ns) ||
	    now_ns >= p->daemon_seen_ns + d->conf->daemon_stale_ns)
		return false;
	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++)
		if (be32toh(p->svc[i].tag) == tag)
			return p->svc[i].state == HOKM_SVC_UP;
	return false;
}

/* One that sends adverts and no pulses (keepalived) counts as healthy (DESIGN rule 5). */
static bool up_on_a_peer(const struct daemon *d, uint32_t tag, uint64_t now_ns)
{
	for (unsigned int i = 0; i < d->conf->n_nodes; i++) {
		uint8_t slot = d->nodes[i].slot;

		if (slot < HOKM_MAX_PEERS &&
		    (d->advert_ns[slot] || serves(d, &d->peers[slot], tag, now_ns)))
			return true;
	}
	return false;
}

static bool is_asked(const struct daemon *d, unsigned int s)
{
	for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++)
		if (d->services[s].checks[i].running)
			return true;
	return false;
}

/* Has a check that is down come to no end; or, down or not yet, the last one of any. */
static bool is_hung(const struct daemon *d, unsigned int s, bool down)
{
	for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++) {
		const struct health *h = &d->services[s].checks[i];

		if (h->known && (!down || !health_up(h)) && unresponsive_reason(h->reason))
			return true;
	}
	return false;
}

/*
 * For how long the checks that came to no end waited: all the while a hung server has been silent.
 * Less what may lie between a server's word and our look at it.
 */
static uint64_t longest_wait(const struct daemon *d, unsigned int s)
{
	uint64_t most_ns = 0;

	for (unsigned int i = 0; i < d->conf->services[s].n_checks; i++) {
		const struct health *h = &d->services[s].checks[i];

		if (h->known && !health_up(h) && unresponsive_reason(h->reason) &&
		    h->took_ns > most_ns)
			most_ns = h->took_ns;
	}
	return most_ns > LISTEN_NS ? most_ns - LISTEN_NS : 0;
}

/* All that only the server's process can have made: answers to upgrades, frames, records. */
static uint64_t words_of(const struct hokm_counters *c)
{
	return c->switched + c->upgrade_4xx + c->upgrade_5xx + c->upgrade_other +
	       c->out_continuation + c->out_text + c->out_binary + c->out_close + c->out_ping +
	       c->out_pong + c->out_records;
}

/*
 * While a check is out, so that DOWN finds an answer at once even if a single one has led to it,
 * and from the first that came to no end. A healthy server's checks are out for a moment only: it
 * costs nothing to listen then.
 */
static void listen_to_server(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	struct daemon_service *svc = &d->services[s];
	struct hokm_counters c;
	uint64_t words;

	if (!is_asked(d, s) && !is_hung(d, s, false))
		return;
	if (hokm_bpf_get_counters(d->bpf, svc->slot, &c))
		return;
	words = words_of(&c);
	if (!svc->said_ns || words != svc->said) {
		svc->said = words;
		svc->said_ns = now_ns;
	}
}

static void look_at_service(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	struct daemon_service *svc = &d->services[s];
	struct unresponsive_input in;

	listen_to_server(d, s, now_ns);
	in = (struct unresponsive_input){
		.health = svc->health,
		.keep = d->conf->services[s].on_marked_down == CONF_KEEP,
		.players = svc->players,
		.active_ns = svc->said_ns,
		.terminated_ns = svc->ended_ns,
		.waited_ns = longest_wait(d, s),
		.now_ns = now_ns,
	};

	if (svc->health != HOKM_SVC_DOWN) {
		if (!d->drain)
			svc->ended_ns = 0;
		return;
	}
	in.no_answer = is_hung(d, s, true);
	in.peer_up = in.no_answer && up_on_a_peer(d, svc->tag, now_ns);
	if (unresponsive_due(&in))
		daemon_end_service(d, s, HOKM_R_SHUTDOWN_SESSIONS);
}

/* With nobody to go to they would come back here, to be ended again: then they stay. */
static void end_drained(struct daemon *d, unsigned int s, uint64_t now_ns)
{
	struct daemon_service *svc = &d->services[s];
	const char *name = d->conf->services[s].name;

	if (up_on_a_peer(d, svc->tag, now_ns)) {
		svc->drain_kept = false;
		daemon_end_service(d, s, HOKM_R_DRAIN_TIMEOUT);
		return;
	}
	if (svc->drain_kept)
		return;
	svc->drain_kept = true;
	log_warn("service %s: the drain's time is over, but no peer serves it: its players stay "
		 "until one does, or `hokm-xdp ctl undrain`",
		 name);
	events_add(d->events, "service", HOKM_R_DRAIN_TIMEOUT,
		   "%s: %s, but no peer serves it: its players stay", name,
		   hokm_reason_text(HOKM_R_DRAIN_TIMEOUT));
}

/* The drain's time is over: everybody goes, again each second while somebody is left. */
static void look_at_drain(struct daemon *d, uint64_t now_ns)
{
	uint64_t players = daemon_players(d);

	if (!d->drain)
		return;
	if (!players && d->sweep.before_ns > d->drain_ns && !d->drained) {
		d->drained = true;
		log_info("the drain is complete: no player is left here");
		events_add(d->events, "operator", HOKM_R_DRAINED, "%s",
			   hokm_reason_text(HOKM_R_DRAINED));
	}
	if (!d->drain_until_ns || now_ns < d->drain_until_ns || d->drained)
		return;
	d->drain_until_ns = now_ns + UNRESPONSIVE_AGAIN_NS;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		end_drained(d, s, now_ns);
}

void daemon_ending_tick(struct daemon *d, uint64_t now_ns)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		look_at_service(d, s, now_ns);
	look_at_drain(d, now_ns);
}

/* ---- open and close ---- */

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	walk_slice(arg, clock_now_ns());
	return 0;
}

int daemon_ending_open(struct daemon *d)
{
	int err = session_reset_open(&d->reset);

	if (err)
		return err;
	err = daemon_add_timer(d, &d->ending.timer, DAEMON_PRIO_REPL, on_timer);
	if (err)
		log_error("could not set the timer of endings up: %s", strerror(-err));
	return err;
}

void daemon_ending_close(struct daemon *d)
{
	d->ending.timer = sd_event_source_disable_unref(d->ending.timer);
	session_reset_close(&d->reset);
}
