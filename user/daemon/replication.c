/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication, put together. On each tick of the pulse, in this order:
 *
 *   changes of the packet path      -> every link
 *   lists that a peer still needs   -> its link, a slice of conns at a time while its window has
 * room links                           -> datagrams
 *
 * Reading changes before a slice makes their order right: what a slice sees is never older than a
 * change that was told before it. Datagrams from peers are read when they come, below pulses and
 * adverts in priority, and acknowledged when all that waited are read.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "act/replica.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"
#include "hokm/siphash.h"
#include "sense/repl_sock.h"

#define LIST_SLICE    512
#define READS         64 /* datagrams a wake-up: a flood must not starve the timers */
#define SENDS         64 /* datagrams a tick and peer */
#define LOST_EVERY_NS NS_PER_S
#define MUTE_NS \
	(5 * NS_PER_S) /* a peer that lives and says nothing here for so long: worth a line */

struct peer_link {
	struct repl_link *link; /* NULL: nobody has this slot */
	struct in_addr addr;
	struct hokm_conn_cursor cursor; /* of the list */
	bool warm;                      /* last announced */
	uint64_t mute_ns; /* since when it is alive but not connected; 0: it is not so */
	bool mute_told;
};

struct daemon_repl {
	struct repl_sock *sock;
	struct replica *replica;
	sd_event_source *io;
	__u64 key[2];
	uint64_t tags;          /* of our services, in one number */
	uint64_t lost, lost_ns; /* changes_lost, when it was looked at last */
	struct peer_link peers[HOKM_MAX_PEERS];
};

/* ---- links ---- */

/*
 * Who says it and to whom is part of the key: nothing counts on another link, or on its way back.
 */
static void direct_key(const struct daemon_repl *r, struct in_addr from, struct in_addr to,
		       __u64 key[2])
{
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t way[4] = {from.s_addr, to.s_addr, htobe32(i)};

		key[i] = siphash_bytes(way, sizeof(way), r->key);
	}
}

static int new_link(struct daemon *d, struct peer_link *p, struct in_addr addr)
{
	struct repl_conf conf = {.vrid = d->conf->vrid};
	int err;

	memset(p, 0, sizeof(*p));
	p->addr = addr;
	if (getrandom(&conf.session, sizeof(conf.session), 0) != sizeof(conf.session))
		return -EIO;
	conf.session |= 1;
	direct_key(d->repl, d->conf->nodes[d->conf->self].addr, addr, conf.key);
	direct_key(d->repl, addr, d->conf->nodes[d->conf->self].addr, conf.peer_key);
	err = repl_new(&conf, &p->link);
	explicit_bzero(&conf, sizeof(conf));
	return err;
}

/* Links that are right stay, but for anew: a reload that changes nothing here breaks no stream. */
static int set_links(struct daemon *d, bool anew)
{
	struct daemon_repl *r = d->repl;
	bool used[HOKM_MAX_PEERS] = {false};
	int err = 0;

	for (unsigned int i = 0; i < d->conf->n_nodes; i++) {
		struct in_addr addr = d->conf->nodes[i].addr;
		uint8_t slot = d->nodes[i].slot;
		struct peer_link *p;

		if (slot >= HOKM_MAX_PEERS)
			continue;
		used[slot] = true;
		p = &r->peers[slot];
		if (err || (p->link && p->addr.s_addr == addr.s_addr && !anew))
			continue;
		if (p->link && p->addr.s_addr != addr.s_addr)
			replica_forget(r->replica, slot);
		repl_free(p->link);
		err = new_link(d, p, addr);
	}
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		if (used[slot])
			continue;
		if (r->peers[slot].link || replica_count(r->replica, (uint8_t)slot))
			replica_forget(r->replica, (uint8_t)slot);
		repl_free(r->peers[slot].link);
		memset(&r->peers[slot], 0, sizeof(r->peers[slot]));
	}
	return err;
}

/*
 * What was told of a service that was none of ours is not known: with another set all is told
 * again.
 */
static uint64_t tags_of(const struct daemon *d)
{
	uint64_t sum = 0;

	for (unsigned int s = 0; s < d->conf->n_services; s++)
		sum = sum * 31 + d->services[s].tag;
	return sum;
}

int daemon_repl_reconf(struct daemon *d)
{
	uint64_t tags;
	__u64 key[2];
	bool anew;
	int err;

	if (!d->repl)
		return 0;
	err = conf_repl_key(d->conf, key);
	if (!err) {
		tags = tags_of(d);
		anew = memcmp(key, d->repl->key, sizeof(key)) != 0 || tags != d->repl->tags;
		memcpy(d->repl->key, key, sizeof(key));
		d->repl->tags = tags;
		err = set_links(d, anew);
	}
	explicit_bzero(key, sizeof(key));
	if (err)
		log_error("could not set replication up: %s", strerror(-err));
	return err;
}

/* ---- out ---- */

static uint32_t tag_of(const struct daemon *d, unsigned int slot)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].slot == slot)
			return d->services[s].tag;
	return 0;
}

static unsigned int slot_of(const struct daemon *d, uint32_t tag)
{
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (d->services[s].tag == tag)
			return d->services[s].slot;
	return HOKM_NODE_SLOT;
}

static void put_all(struct daemon_repl *r, const struct repl_record *rec, uint64_t born_ns,
		    uint64_t now_ns)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (r->peers[i].link)
			repl_put(r->peers[i].link, rec, born_ns, now_ns);
}

static void take_change(const struct hokm_change *c, void *arg)
{
	struct daemon *d = arg;
	struct repl_record rec = {
		.client = c->key.client,
		.client_port = c->key.client_port,
		.what = c->kind == HOKM_CHANGE_OPEN ? REPL_HAVE : REPL_GONE,
		.tag = tag_of(d, c->key.service),
		.isn = c->isn,
		.seq_next = c->seq_next,
		.ack_next = c->ack_next,
	};

	if (rec.tag)
		put_all(d->repl, &rec, c->now_ns, d->pulse_ns);
}

static bool is_told(const struct hokm_conn *c)
{
	return c->target == HOKM_LOCAL && c->flags & HOKM_CONN_OPENED &&
	       !(c->flags & HOKM_CONN_ENDED);
}

static bool record_of(const struct daemon *d, const struct hokm_conn_key *k,
		      const struct hokm_conn *c, uint8_t what, struct repl_record *rec)
{
	uint64_t began_ns = c->established_ns ? c->established_ns : c->created_ns;
	uint64_t age_ms = d->pulse_ns > began_ns ? (d->pulse_ns - began_ns) / NS_PER_MS : 0;

	*rec = (struct repl_record){
		.client = k->client,
		.client_port = k->client_port,
		.what = what,
		.tag = tag_of(d, k->service),
		.isn = c->isn,
		.seq_next = c->s2c.packets ? c->s2c.seq_next : 0,
		.ack_next = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.age_ms = age_ms < UINT32_MAX ? (uint32_t)age_ms : UINT32_MAX,
	};
	return rec->tag != 0;
}

void daemon_repl_renew(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct repl_record rec;

	if (d->repl && is_told(c) && record_of(d, k, c, REPL_HAVE, &rec))
		put_all(d->repl, &rec, d->pulse_ns, d->pulse_ns);
}

void daemon_repl_gone(struct daemon *d, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	struct repl_record rec;

	if (d->repl && is_told(c) && record_of(d, k, c, REPL_GONE, &rec))
		put_all(d->repl, &rec, d->pulse_ns, d->pulse_ns);
}

struct listing {
	struct daemon *d;
	struct repl_link *link;
};

static int list_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	const struct listing *l = arg;
	struct repl_record rec;

	if (is_told(c) && record_of(l->d, k, c, REPL_HAVE, &rec))
		repl_put(l->link, &rec, l->d->pulse_ns, l->d->pulse_ns);
	return 0;
}

static void feed_list(struct daemon *d, struct peer_link *p, uint64_t now_ns)
{
	struct listing l = {.d = d, .link = p->link};
	bool done = false;
	int err;

	if (repl_wants_list(p->link, now_ns)) {
		repl_list_begin(p->link, now_ns);
		memset(&p->cursor, 0, sizeof(p->cursor));
	}
	if (!repl_listing(p->link) || !repl_has_room(p->link))
		return;
	err = hokm_bpf_sweep_conns(d->bpf, &p->cursor, LIST_SLICE, list_one, &l, &done);
	if (err < 0) {
		log_warn("walk through conns for a peer failed: %s; starting over", strerror(-err));
		repl_lost(p->link);
	} else if (done) {
		repl_list_end(p->link, now_ns);
	}
}

static void send_link(struct daemon *d, struct peer_link *p, uint64_t now_ns)
{
	unsigned char buf[HOKM_REPL_MAX];

	for (int i = 0; i < SENDS; i++) {
		size_t len = repl_next(p->link, now_ns, buf);

		/* What cannot be sent counts as lost on the way: it is repeated. */
		if (!len || repl_sock_send(d->repl->sock, p->addr, buf, len))
			return;
	}
}

/* Changes that found no room in the ring: everybody gets a new list. */
static void look_for_lost(struct daemon *d, uint64_t now_ns)
{
	struct daemon_repl *r = d->repl;
	struct hokm_counters c;
	uint64_t lost = 0;

	if (now_ns < r->lost_ns + LOST_EVERY_NS)
		return;
	for (unsigned int s = 0; s < d->conf->n_services; s++)
		if (!hokm_bpf_get_counters(d->bpf, d->services[s].slot, &c))
			lost += c.changes_lost;
	if (lost > r->lost && r->lost_ns) {
		log_warn("%llu openings and ends of connections found no room on their way to the "
			 "daemon: peers get a whole list",
			 (unsigned long long)(lost - r->lost));
		for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
			if (r->peers[i].link)
				repl_lost(r->peers[i].link);
	}
	r->lost = lost;
	r->lost_ns = now_ns;
}

/* ---- what people are told ---- */

static bool peer_lives(const struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	const struct hokm_peer *p = &d->peers[slot];

	return daemon_peer_answers(d, p, now_ns) && p->daemon_seen_ns &&
	       now_ns < p->daemon_seen_ns + d->conf->daemon_stale_ns;
}

static void announce(struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	struct peer_link *p = &d->repl->peers[slot];
	const char *name = daemon_peer_name(d, slot);
	bool warm = repl_warm(p->link);

	if (!name)
		return;
	if (warm != p->warm) {
		enum hokm_reason reason = warm ? HOKM_R_REPLICA_WARM : HOKM_R_REPLICA_COLD;

		p->warm = warm;
		log_info("peer %s: %s (%llu)", name, hokm_reason_text(reason),
			 (unsigned long long)replica_count(d->repl->replica, (uint8_t)slot));
		events_add(d->events, "peer", reason, "%s: %s", name, hokm_reason_text(reason));
	}
	if (!peer_lives(d, slot, now_ns) || repl_connected(p->link, now_ns)) {
		p->mute_ns = 0;
		p->mute_told = false;
		return;
	}
	if (!p->mute_ns)
		p->mute_ns = now_ns;
	if (p->mute_told || now_ns < p->mute_ns + MUTE_NS)
		return;
	p->mute_told = true;
	log_warn("peer %s answers pulses, but its replication messages do not arrive or do not "
		 "count: is UDP port %u open between the nodes, replication enabled there, and the "
		 "secret the same?",
		 name, d->conf->repl_port);
}

void daemon_repl_tick(struct daemon *d, uint64_t now_ns)
{
	struct daemon_repl *r = d->repl;
	int n;

	if (!r)
		return;
	n = hokm_bpf_read_changes(d->bpf, take_change, d);
	if (n < 0)
		log_warn("reading map changes failed: %s", strerror(-n));
	look_for_lost(d, now_ns);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (!r->peers[i].link)
			continue;
		feed_list(d, &r->peers[i], now_ns);
		send_link(d, &r->peers[i], now_ns);
		announce(d, i, now_ns);
	}
	replica_slice(r->replica);
}

/* ---- in ---- */

static void take_datagram(struct daemon *d, uint8_t slot, const void *buf, size_t len,
			  uint64_t now_ns)
{
	struct daemon_repl *r = d->repl;
	struct repl_received in;

	repl_receive(r->peers[slot].link, buf, len, now_ns, &in);
	for (unsigned int i = 0; i < in.n; i++) {
		int err = replica_apply(r->replica, slot, &in.records[i],
					slot_of(d, in.records[i].tag), now_ns);

		if (err < 0) {
			log_warn("writing map replica failed: %s", strerror(-err));
			return;
		}
	}
}

/* What cannot be sent is said at the next tick, or by the next acknowledgement. */
static void acknowledge(struct daemon *d)
{
	unsigned char buf[HOKM_REPL_MAX];

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		struct peer_link *p = &d->repl->peers[i];
		size_t len = p->link ? repl_acknowledge(p->link, clock_now_ns(), buf) : 0;

		if (len)
			(void)repl_sock_send(d->repl->sock, p->addr, buf, len);
	}
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	unsigned char buf[HOKM_REPL_MAX];
	struct daemon *d = arg;

	(void)s;
	(void)fd;
	(void)revents;
	for (int i = 0; i < READS; i++) {
		struct in_addr from;
		ssize_t n = repl_sock_recv(d->repl->sock, buf, sizeof(buf), &from);
		uint8_t slot;

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			log_warn("reading replication messages failed: %s", strerror((int)-n));
			break;
		}
		slot = daemon_slot_of(d, from);
		if (slot < HOKM_MAX_PEERS && d->repl->peers[slot].link)
			take_datagram(d, slot, buf, (size_t)n, clock_now_ns());
	}
	acknowledge(d);
	return 0;
}

/* ---- open, close, show ---- */

int daemon_repl_open(struct daemon *d)
{
	const struct conf *c = d->conf;
	int err;

	if (!c->replicate)
		return 0;
	d->repl = calloc(1, sizeof(*d->repl));
	if (!d->repl)
		return -ENOMEM;
	err = repl_sock_open(hokm_bpf_ifindex(d->bpf), c->nodes[c->self].addr, c->repl_port,
			     &d->repl->sock);
	if (!err)
		err = replica_open(d->bpf, &d->repl->replica);
	if (!err)
		err = conf_repl_key(c, d->repl->key);
	d->repl->tags = tags_of(d);
	if (!err)
		err = set_links(d, true);
	if (!err)
		err = sd_event_add_io(d->event, &d->repl->io, repl_sock_fd(d->repl->sock), EPOLLIN,
				      on_readable, d);
	if (err >= 0)
		err = sd_event_source_set_priority(d->repl->io, DAEMON_PRIO_REPL);
	if (err < 0) {
		log_error("could not set replication up: %s", strerror(-err));
		daemon_repl_close(d);
		return err;
	}
	return 0;
}

void daemon_repl_close(struct daemon *d)
{
	if (!d->repl)
		return;
	sd_event_source_disable_unref(d->repl->io);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		repl_free(d->repl->peers[i].link);
	replica_close(d->repl->replica);
	repl_sock_close(d->repl->sock);
	explicit_bzero(d->repl->key, sizeof(d->repl->key));
	free(d->repl);
	d->repl = NULL;
}

bool daemon_repl_cold(const struct daemon *d)
{
	for (unsigned int i = 0; d->repl && i < HOKM_MAX_PEERS; i++)
		if (d->repl->peers[i].link && peer_lives(d, i, d->pulse_ns) &&
		    !repl_warm(d->repl->peers[i].link))
			return true;
	return false;
}

bool daemon_repl_lacks(struct daemon *d, unsigned int slot, const struct hokm_conn_key *k)
{
	const struct repl_link *l;
	struct hokm_replica r;
	int err;

	if (!d->repl || slot >= HOKM_MAX_PEERS || !d->repl->peers[slot].link)
		return false;
	l = d->repl->peers[slot].link;
	if (!repl_connected(l, d->pulse_ns) || !repl_warm(l) || replica_full(d->repl->replica))
		return false;
	err = hokm_bpf_get_replica(d->bpf, k, &r);
	return err == -ENOENT || (!err && r.holder != slot);
}

bool daemon_repl_status(struct daemon *d, unsigned int slot, struct daemon_repl_status *out)
{
	const struct peer_link *p;

	if (!d->repl || slot >= HOKM_MAX_PEERS || !d->repl->peers[slot].link)
		return false;
	p = &d->repl->peers[slot];
	out->connected = repl_connected(p->link, clock_now_ns());
	out->warm = repl_warm(p->link);
	out->peer_warm = repl_peer_warm(p->link);
	out->entries = replica_count(d->repl->replica, (uint8_t)slot);
	repl_get_stats(p->link, clock_now_ns(), &out->stats);
	return true;
}

uint64_t daemon_repl_full(const struct daemon *d)
{
	return d->repl ? replica_full(d->repl->replica) : 0;
}

uint64_t daemon_repl_entries(const struct daemon *d, unsigned int slot)
{
	return d->repl && slot < HOKM_MAX_PEERS ? replica_count(d->repl->replica, (uint8_t)slot)
						: 0;
}
