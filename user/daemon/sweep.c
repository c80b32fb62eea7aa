/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk through conns. A slice a pulse tick, a whole walk about once a second: ended entries
 * leave after a while (late segments still find their target), and so do steered ones that their
 * holder has no more; silent ones expire after idle_timeout, those that have become stale since the
 * walk before are told of, and the established ones served here are the players that status shows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"
#include "decide/stale.h"

#define SWEEP_SLICE    1024
#define SWEEP_EVERY_NS NS_PER_S
#define SWEEP_ENDED_NS (10 * NS_PER_S) /* both FINs or RST seen */
#define SWEEP_HALF_NS  (60 * NS_PER_S) /* one FIN seen: a steerer never sees the server's */
#define STALE_NS       (5 * NS_PER_S)  /* without an answer: worth an event */
#define STALE_A_WALK   100 /* events of it, at most: a hung server has all of them stale */

enum fate { STAYS, LEFT, EXPIRED };

static enum fate fate_of(const struct hokm_conn *c, uint64_t now_ns, uint64_t idle_limit_ns)
{
	uint64_t last = conn_last_ns(c);
	uint64_t idle_ns = now_ns > last ? now_ns - last : 0;

	/* One packet of something unknown that never came back: a scan, or a flood of ACKs. */
	if (c->flags & HOKM_CONN_ADOPTED && c->c2s.packets <= 1 && idle_ns > SWEEP_ENDED_NS)
		return EXPIRED;
	switch (c->tcp_state) {
	case HOKM_TCP_CLOSED:
	case HOKM_TCP_RESET:
		return idle_ns > SWEEP_ENDED_NS ? LEFT : STAYS;
	case HOKM_TCP_FIN_CLIENT:
	case HOKM_TCP_FIN_SERVER:
		return idle_ns > SWEEP_HALF_NS ? LEFT : STAYS;
	default:
		return idle_ns > idle_limit_ns ? EXPIRED : STAYS;
	}
}

/* Told once: by the first walk that finds it past the limit. */
static void tell_stale(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct daemon_sweep *w = &d->sweep;
	struct in_addr client = hokm_addr_to_ipv4(&k->client);
	char addr[INET_ADDRSTRLEN];
	enum hokm_reason why;
	uint64_t ns = stale_ns(c, w->began_ns, &why);

	if (ns < STALE_NS || ns - STALE_NS >= w->began_ns - w->before_ns)
		return;
	if (w->stale++ >= STALE_A_WALK || !inet_ntop(AF_INET, &client, addr, sizeof(addr))) {
		d->stats.stale_untold++;
		return;
	}
	d->stats.stale_told++;
	events_add(d->events, "stale", why, "%s:%u: %s for %llu ms", addr, ntohs(k->client_port),
		   hokm_reason_text(why), (unsigned long long)(ns / NS_PER_MS));
}

static bool is_player(const struct hokm_conn *c)
{
	return c->target == HOKM_LOCAL && c->tcp_state == HOKM_TCP_ESTABLISHED;
}

/*
 * Steered, silent, and its holder has it no more: the server's end of it went to the client
 * directly. Not at once, for what the holder tells is a little late.
 */
static bool ended_there(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	return c->target != HOKM_LOCAL && d->sweep.now_ns > conn_last_ns(c) + SWEEP_ENDED_NS &&
	       daemon_repl_lacks(d, c->target, k);
}

static int sweep_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct daemon *d = arg;
	enum fate fate = fate_of(c, d->sweep.now_ns, d->conf->idle_ns);

	if (fate == STAYS && ended_there(d, k, c))
		fate = LEFT;
	if (fate == EXPIRED)
		d->stats.conns_expired++;
	else if (fate == LEFT)
		d->stats.conns_left++;
	if (fate != STAYS) {
		daemon_repl_gone(d, k, c);
		return 1;
	}
	/*
	 * Its numbers may have moved since the last walk: a server's bare ACK, late, moves them
	 * too.
	 */
	if (c->s2c.last_ns >= d->sweep.before_ns || c->c2s.last_data_ns >= d->sweep.before_ns)
		daemon_repl_renew(d, k, c);
	tell_stale(d, k, c);
	if (is_player(c) && k->service < HOKM_MAX_SERVICES)
		d->sweep.players[k->service]++;
	return 0;
}

static void sweep_reset(struct daemon *d, uint64_t now_ns)
{
	uint64_t before_ns = d->sweep.began_ns;

	memset(&d->sweep, 0, sizeof(d->sweep));
	d->sweep.before_ns = before_ns;
	d->sweep.next_ns = now_ns + SWEEP_EVERY_NS;
}

static void sweep_done(struct daemon *d, uint64_t now_ns)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		d->services[s].players = d->sweep.players[d->services[s].slot];
	sweep_reset(d, now_ns);
}

void daemon_sweep_slice(struct daemon *d, uint64_t now_ns)
{
	bool done = false;
	int err;

	if (!d->sweep.running && now_ns < d->sweep.next_ns)
		return;
	if (!d->sweep.running)
		d->sweep.began_ns = now_ns;
	if (!d->sweep.before_ns)
		d->sweep.before_ns = now_ns;
	d->sweep.running = true;
	d->sweep.now_ns = now_ns;
	err = hokm_bpf_sweep_conns(d->bpf, &d->sweep.cursor, SWEEP_SLICE, sweep_one, d, &done);
	if (err < 0) {
		log_warn("walk through conns failed: %s; starting over", strerror(-err));
		sweep_reset(d, now_ns);
	} else if (done) {
		sweep_done(d, now_ns);
	}
}

uint64_t daemon_players(const struct daemon *d)
{
	uint64_t n = 0;

	for (unsigned int s = 0; s < d->conf->n_services; s++)
		n += d->services[s].players;
	return n;
}

static int count_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	int64_t *n = arg;

	(void)k;
	*n += is_player(c);
	return 0;
}

int64_t daemon_count_players(struct daemon *d)
{
	int64_t n = 0;
	int err = hokm_bpf_walk_conns(d->bpf, false, count_one, &n);

	return err ? err : n;
}
