/* SPDX-License-Identifier: GPL-2.0-only */
/* See sweep.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/node.h"
#include "daemon/replication.h"
#include "daemon/sweep.h"
#include "decide/stale.h"
#include "sense/conn_socket.h"

#define SLICE    1024
#define EVERY_NS NS_PER_S
/* So long without an answer a connection is reported as stale. */
#define STALE_NS (5 * NS_PER_S)
/* The filter in front of conns keeps the bits of deleted entries for this long. */
#define BITS_NS (10 * NS_PER_S)
/* Most such events of one walk: all connections of an unresponsive server are stale. */
#define STALE_A_WALK 100

/* Reported once: by the first walk that finds the connection beyond the limit. */
static void report_stale(struct sweep *w, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct in_addr client = hokm_addr_to_ipv4(&k->client);
	char addr[INET_ADDRSTRLEN];
	enum hokm_reason why;
	uint64_t ns = stale_ns(c, w->began_ns, &why);

	if (ns < STALE_NS || ns - STALE_NS >= w->began_ns - w->before_ns)
		return;
	if (w->stale++ >= STALE_A_WALK || !inet_ntop(AF_INET, &client, addr, sizeof(addr))) {
		w->stats.stale_unreported++;
		return;
	}
	w->stats.stale_reported++;
	events_add(w->node->events, "stale", why, "%s:%u: %s for %llu ms", addr,
		   ntohs(k->client_port), hokm_reason_text(why),
		   (unsigned long long)(ns / NS_PER_MS));
}

static bool is_player(const struct hokm_conn *c)
{
	return c->target == HOKM_LOCAL && c->tcp_state == HOKM_TCP_ESTABLISHED;
}

/*
 * A steered connection whose holder does not have it any more: this node did not see its end,
 * because the server's packets go to the client directly. Not decided at once: what the holder
 * replicates arrives a little later.
 */
static bool closed_at_holder(struct sweep *w, const struct hokm_conn_key *k,
			     const struct hokm_conn *c)
{
	return c->target != HOKM_LOCAL && w->now_ns > conn_last_ns(c) + CONN_CLOSED_NS &&
	       replication_lacks(w->replication, c->target, k);
}

/* The kernel, or what confines this process, has no sock_diag for it. */
static bool never_tells(int err)
{
	return err == -EPERM || err == -EACCES || err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT;
}

/*
 * Is a connection that is silent for idle_timeout over? As long as its socket is here it is not: a
 * player who waits says nothing. Without its entry the next owner would reset it. The kernel is not
 * asked while connections are being terminated: kernels before 6.9 do all requests of sock_diag
 * under one lock. It is asked again later when it cannot say for the moment (no memory, no free
 * descriptor). Where it can never say, the time decides, as it does for servers in another network
 * namespace.
 */
static bool has_expired(const struct sweep *w, const struct hokm_conn_key *k,
			const struct hokm_conn *c)
{
	const struct service *svc = services_by_slot(&w->node->services, k->service);
	int found;

	if (c->target != HOKM_LOCAL || !svc)
		return true;
	if (w->node->terminating ||
	    !conn_asked_for(k, c, w->before_ns, w->began_ns, w->node->conf->idle_ns))
		return false;
	found = conn_socket(svc->vip, htons(svc->conf->port), hokm_addr_to_ipv4(&k->client),
			    k->client_port);
	return !found || never_tells(found);
}

/* Not 0: the entry is deleted. */
static int sweep_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct sweep *w = arg;
	enum conn_fate fate = conn_fate(c, w->now_ns, w->node->conf->idle_ns);

	if (w->bits)
		hokm_bpf_bits_put(w->node->bpf, k);
	if (fate == CONN_STAYS && closed_at_holder(w, k, c))
		fate = CONN_LEFT;
	if (fate == CONN_EXPIRED && !has_expired(w, k, c))
		fate = CONN_STAYS;
	if (fate == CONN_EXPIRED)
		w->stats.expired++;
	else if (fate == CONN_LEFT)
		w->stats.left++;
	if (fate != CONN_STAYS) {
		replication_gone(w->replication, k, c);
		return 1;
	}
	/*
	 * Its sequence numbers may have moved; a late bare ACK of the server moves them too. The
	 * packet path stamps known connections with its coarse clock.
	 */
	if (c->s2c.last_ns + HOKM_CLOCK_COARSE_NS >= w->before_ns ||
	    c->c2s.last_data_ns + HOKM_CLOCK_COARSE_NS >= w->before_ns)
		replication_renew(w->replication, k, c);
	report_stale(w, k, c);
	if (is_player(c) && k->service < HOKM_MAX_SERVICES)
		w->players[k->service]++;
	return 0;
}

static void reset(struct sweep *w, uint64_t now_ns)
{
	memset(&w->cursor, 0, sizeof(w->cursor));
	memset(w->players, 0, sizeof(w->players));
	w->before_ns = w->began_ns;
	w->next_ns = now_ns + EVERY_NS;
	w->stale = 0;
	w->running = false;
	w->bits = false;
}

/* Does this walk make the filter anew? When a program stores an entry just now, the next does. */
static bool begin_bits(const struct sweep *w, uint64_t now_ns)
{
	int err;

	if (now_ns < w->bits_ns)
		return false;
	err = hokm_bpf_bits_begin(w->node->bpf);
	if (err && err != -EAGAIN)
		log_warn("could not make the filter of connections anew: %s", strerror(-err));
	return !err;
}

static void finish(struct sweep *w, uint64_t now_ns)
{
	struct services *services = &w->node->services;

	for (unsigned int s = 0; s < services->n; s++)
		services->list[s].players = w->players[services->list[s].slot];
	services->counted_ns = w->began_ns;
	if (w->bits) {
		hokm_bpf_bits_end(w->node->bpf);
		w->bits_ns = now_ns + BITS_NS;
	}
	reset(w, now_ns);
}

void sweep_init(struct sweep *w, struct node *n, struct replication *r)
{
	w->node = n;
	w->replication = r;
}

void sweep_run(struct sweep *w, uint64_t now_ns)
{
	bool done = false;
	int err;

	if (!w->running && now_ns < w->next_ns)
		return;
	if (!w->running) {
		w->began_ns = now_ns;
		w->bits = begin_bits(w, now_ns);
	}
	if (!w->before_ns)
		w->before_ns = now_ns;
	w->running = true;
	w->now_ns = now_ns;
	err = hokm_bpf_sweep_conns(w->node->bpf, &w->cursor, SLICE, sweep_one, w, &done);
	if (err < 0) {
		log_warn("could not walk through map conns: %s; starting over", strerror(-err));
		reset(w, now_ns);
	} else if (done) {
		finish(w, now_ns);
	}
}

static int count_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	int64_t *n = arg;

	(void)k;
	*n += is_player(c);
	return 0;
}

int64_t sweep_count_players(struct hokm_bpf *b)
{
	int64_t n = 0;
	int err = hokm_bpf_walk_conns(b, false, count_one, &n);

	return err ? err : n;
}
