/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See replication.h. At each tick of the pulse, in this order:
 *
 *   1. changes of the packet path -> every link
 *   2. a slice of conns -> the link of each peer that needs the whole list, while there is room in
 *      its window
 *   3. links -> datagrams, each over the path that its peer is reached by (repl_paths.h)
 *
 * Changes are read before the slice, so a slice never contains something older than a change that
 * was sent before it. Datagrams of peers are entered when they arrive, and acknowledged after all
 * that waited were read. They only change map replica, and show in map peers that the peer is
 * alive; nothing is decided there, so this handler leaves no note for settle().
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "act/replica.h"
#include "base/log.h"
#include "daemon/ended_inbox.h"
#include "daemon/node.h"
#include "daemon/repl_paths.h"
#include "daemon/replication.h"
#include "decide/repl_record.h"

#define LIST_SLICE 512
/* Datagrams read in one turn of the loop: a flood must not delay the timers. */
#define READS 64
/* Datagrams sent in one tick to one peer. */
#define SENDS         64
#define LOST_EVERY_NS NS_PER_S
/* A warning follows when a peer is alive but its replication is silent for so long. */
#define MUTE_NS (5 * NS_PER_S)

struct peer_link {
	struct repl_link *link; /* NULL: no peer has this slot */
	struct in_addr addr;
	struct hokm_conn_cursor cursor; /* of the list */
	bool warm;                      /* as reported last */
	uint64_t mute_ns;               /* since when it is alive but not connected; 0: it is not */
	bool mute_reported;
};

struct replication {
	struct node *node;
	struct replica *replica;
	struct ended_inbox *ended;
	uint64_t tags;          /* a digest of our services' tags */
	uint64_t lost, lost_ns; /* counter changes_lost at the last look, and when that was */
	uint64_t changed_ns;    /* the last tick with a change, or with more to send */
	struct peer_link peers[HOKM_MAX_PEERS];
	struct repl_paths paths;
};

static bool has_link(const struct replication *r, unsigned int slot)
{
	return r && slot < HOKM_MAX_PEERS && r->peers[slot].link;
}

/* ---- links ---- */

static int new_link(struct replication *r, struct peer_link *p, struct in_addr addr)
{
	struct repl_conf conf = {.vrid = r->node->conf->vrid};
	int err = 0;

	memset(p, 0, sizeof(*p));
	p->addr = addr;
	if (getrandom(&conf.session, sizeof(conf.session), 0) != sizeof(conf.session))
		err = -EIO;
	conf.session |= 1;
	if (!err)
		err = conf_repl_keys(r->node->conf, addr, &conf.keys);
	if (!err)
		err = repl_new(&conf, &p->link);
	explicit_bzero(&conf, sizeof(conf));
	return err;
}

static int renew_keys(struct replication *r, struct peer_link *p)
{
	struct repl_keys keys;
	int err = conf_repl_keys(r->node->conf, p->addr, &keys);

	if (!err)
		repl_set_keys(p->link, &keys);
	explicit_bzero(&keys, sizeof(keys));
	return err;
}

static void drop_link(struct replication *r, unsigned int slot)
{
	struct peer_link *p = &r->peers[slot];

	if (p->link || replica_count(r->replica, (uint8_t)slot))
		replica_forget(r->replica, (uint8_t)slot);
	repl_free(p->link);
	repl_paths_forget(&r->paths, slot);
	memset(p, 0, sizeof(*p));
}

/*
 * A link to each peer, none to a slot without one. A link that is right stays unless `anew`: a
 * reload that changes nothing here interrupts no stream, and neither does another secret.
 */
static int set_links(struct replication *r, bool anew)
{
	int err = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *peer = &r->node->peers.list[slot];
		struct peer_link *p = &r->peers[slot];
		bool same = p->link && p->addr.s_addr == peer->addr.s_addr;

		if (!peer->used) {
			drop_link(r, slot);
			continue;
		}
		if (!err && same && !anew)
			err = renew_keys(r, p);
		if (err || (same && !anew))
			continue;
		if (p->link && !same)
			replica_forget(r->replica, (uint8_t)slot);
		repl_free(p->link);
		err = new_link(r, p, peer->addr);
	}
	return err;
}

int replication_reconf(struct replication *r)
{
	uint64_t tags;
	int err;

	if (!r)
		return 0;
	/*
	 * With other services the replicas of both sides are incomplete: all is replicated again.
	 */
	tags = services_digest(&r->node->services);
	err = set_links(r, tags != r->tags);
	r->tags = tags;
	if (err)
		log_error("could not set up replication: %s", strerror(-err));
	return err;
}

/* ---- out ---- */

static uint32_t tag_of(const struct replication *r, unsigned int slot)
{
	const struct service *svc = services_by_slot(&r->node->services, slot);

	return svc ? svc->tag : 0;
}

static void put_all(struct replication *r, const struct repl_record *rec, uint64_t born_ns,
		    uint64_t now_ns)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (r->peers[i].link)
			repl_put(r->peers[i].link, rec, born_ns, now_ns);
}

/* In this tick of the pulse, whichever moment of it. */
static void note_change(struct replication *r)
{
	r->changed_ns = r->node->peers.tick_ns;
}

static void take_change(const struct hokm_change *c, void *arg)
{
	struct replication *r = arg;
	uint64_t now_ns = r->node->peers.tick_ns;
	struct repl_record rec = repl_record_of_change(c, tag_of(r, c->key.service), now_ns);

	note_change(r);
	if (rec.tag)
		put_all(r, &rec, c->now_ns, now_ns);
}

static bool is_replicated(const struct hokm_conn *c)
{
	return c->target == HOKM_LOCAL && c->flags & HOKM_CONN_OPENED &&
	       !(c->flags & HOKM_CONN_ENDED);
}

static bool record_of(const struct replication *r, const struct hokm_conn_key *k,
		      const struct hokm_conn *c, uint8_t what, struct repl_record *rec)
{
	*rec = repl_record_of_conn(k, c, what, tag_of(r, k->service), r->node->peers.tick_ns);
	return rec->tag != 0;
}

static void replicate(struct replication *r, const struct hokm_conn_key *k,
		      const struct hokm_conn *c, uint8_t what)
{
	struct repl_record rec;

	if (r && is_replicated(c) && record_of(r, k, c, what, &rec))
		put_all(r, &rec, r->node->peers.tick_ns, r->node->peers.tick_ns);
}

void replication_renew(struct replication *r, const struct hokm_conn_key *k,
		       const struct hokm_conn *c)
{
	replicate(r, k, c, REPL_HAVE);
}

void replication_gone(struct replication *r, const struct hokm_conn_key *k,
		      const struct hokm_conn *c)
{
	replicate(r, k, c, REPL_GONE);
}

struct listing {
	struct replication *r;
	struct repl_link *link;
};

static int list_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	const struct listing *l = arg;
	uint64_t now_ns = l->r->node->peers.tick_ns;
	struct repl_record rec;

	if (is_replicated(c) && record_of(l->r, k, c, REPL_HAVE, &rec))
		repl_put(l->link, &rec, now_ns, now_ns);
	return 0;
}

static void feed_list(struct replication *r, unsigned int slot, uint64_t now_ns)
{
	struct peer_link *p = &r->peers[slot];
	struct listing l = {.r = r, .link = p->link};
	bool done = false;
	int err;

	if (repl_wants_list(p->link, now_ns)) {
		repl_list_begin(p->link, now_ns);
		memset(&p->cursor, 0, sizeof(p->cursor));
		r->ended->due[slot] = true;
	}
	if (!repl_listing(p->link))
		return;
	note_change(r);
	if (!repl_has_room(p->link))
		return;
	err = hokm_bpf_sweep_conns(r->node->bpf, &p->cursor, LIST_SLICE, list_one, &l, &done);
	if (err < 0) {
		log_warn("could not walk through map conns for a peer: %s; starting over",
			 strerror(-err));
		repl_lost(p->link);
	} else if (done) {
		repl_list_end(p->link, now_ns);
	}
}

static void send_link(struct replication *r, unsigned int slot, uint64_t now_ns)
{
	struct repl_link *link = r->peers[slot].link;
	unsigned char buf[HOKM_REPL_MAX];

	repl_paths_choose(&r->paths, slot, repl_connected(link, now_ns), now_ns);
	for (int i = 0; i < SENDS; i++) {
		size_t len = repl_next(link, now_ns, buf);

		/* A datagram that cannot be sent counts as lost on the way: it is repeated. */
		if (!len || repl_paths_send(&r->paths, slot, buf, len))
			return;
	}
	/* There may be more. */
	note_change(r);
}

/* Changes that found no room in their ring were never seen: every peer gets the whole list. */
static void look_for_lost(struct replication *r, uint64_t now_ns)
{
	const struct services *services = &r->node->services;
	struct hokm_counters c;
	uint64_t lost = 0;

	if (now_ns < r->lost_ns + LOST_EVERY_NS)
		return;
	for (unsigned int s = 0; s < services->n; s++)
		if (!hokm_bpf_get_counters(r->node->bpf, services->list[s].slot, &c))
			lost += c.changes_lost;
	if (lost > r->lost && r->lost_ns) {
		log_warn("%llu changes of connections found no room in map changes: "
			 "the whole list is replicated to every peer",
			 (unsigned long long)(lost - r->lost));
		for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
			if (r->peers[i].link)
				repl_lost(r->peers[i].link);
	}
	r->lost = lost;
	r->lost_ns = now_ns;
}

/* ---- reports ---- */

static void report_warm(struct replication *r, unsigned int slot)
{
	struct peer_link *p = &r->peers[slot];
	const char *name = r->node->peers.list[slot].name;
	/* A list that nothing is added to any more is worth little. */
	bool warm = repl_warm(p->link) && !p->mute_reported;
	enum hokm_reason reason = warm ? HOKM_R_REPLICA_WARM : HOKM_R_REPLICA_COLD;

	if (warm == p->warm)
		return;
	p->warm = warm;
	log_info("peer %s: %s (%llu)", name, hokm_reason_text(reason),
		 (unsigned long long)replica_count(r->replica, (uint8_t)slot));
	events_add(r->node->events, "peer", reason, "%s: %s", name, hokm_reason_text(reason));
}

/* A peer whose pulses arrive but whose replication does not: something is in its way. */
static void report_mute(struct replication *r, unsigned int slot, uint64_t now_ns)
{
	struct peer_link *p = &r->peers[slot];

	if (repl_connected(p->link, now_ns))
		p->mute_reported = false;
	if (repl_connected(p->link, now_ns) || !peers_sight(&r->node->peers, slot, now_ns).fresh) {
		p->mute_ns = 0;
		return;
	}
	if (!p->mute_ns)
		p->mute_ns = now_ns;
	if (p->mute_reported || now_ns < p->mute_ns + MUTE_NS)
		return;
	p->mute_reported = true;
	p->warm = false;
	events_add(r->node->events, "peer", HOKM_R_REPLICA_COLD,
		   "%s: it answers pulses, but no replication arrives from it at UDP port %u",
		   r->node->peers.list[slot].name, r->node->conf->repl_port);
	log_warn("peer %s answers pulses, but no valid replication messages arrive from it: check "
		 "that UDP port %u is open between the nodes, that replication is enabled there, "
		 "and that the secret is the same",
		 r->node->peers.list[slot].name, r->node->conf->repl_port);
}

void replication_run(struct replication *r, uint64_t now_ns)
{
	int n;

	if (!r)
		return;
	n = hokm_bpf_read_changes(r->node->bpf, take_change, r);
	if (n < 0)
		log_warn("could not read map changes: %s", strerror(-n));
	look_for_lost(r, now_ns);
	repl_paths_follow(&r->paths, now_ns);
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (!r->peers[i].link)
			continue;
		feed_list(r, i, now_ns);
		send_link(r, i, now_ns);
		report_mute(r, i, now_ns);
		report_warm(r, i);
	}
	replica_slice(r->replica);
}

/* ---- in ---- */

static void take_datagram(struct replication *r, uint8_t slot, const void *buf, size_t len,
			  uint64_t now_ns)
{
	struct repl_received in;

	repl_receive(r->peers[slot].link, buf, len, now_ns, &in);
	/* Before its records: a holder that answers no pulses is not dead. */
	if (in.fault == REPL_BAD_NONE)
		peers_note_sign(r->node->bpf, slot, now_ns);
	r->node->peers.list[slot].repl_ns = repl_heard_ns(r->peers[slot].link);
	for (unsigned int i = 0; i < in.n; i++) {
		const struct repl_record *rec = &in.records[i];
		const struct service *svc = services_by_tag(&r->node->services, rec->tag);
		unsigned int service = svc ? svc->slot : HOKM_NODE_SLOT;
		int err = 0;

		ended_note(r->ended, r->node->bpf, slot, rec, service, now_ns);
		if (rec->what != REPL_ENDED)
			err = replica_apply(r->replica, slot, rec, service, now_ns);
		if (rec->what == REPL_END)
			r->ended->due[slot] = true;
		if (err < 0) {
			log_warn("could not write map replica: %s", strerror(-err));
			return;
		}
	}
}

/* An acknowledgement that cannot be sent is repeated by the next one, at the next tick at last. */
static void acknowledge(struct replication *r)
{
	unsigned char buf[HOKM_REPL_MAX];

	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		struct peer_link *p = &r->peers[i];
		size_t len = p->link ? repl_acknowledge(p->link, clock_now_ns(), buf) : 0;

		if (len)
			(void)repl_paths_send(&r->paths, i, buf, len);
	}
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	unsigned char buf[HOKM_REPL_MAX];
	struct replication *r = arg;

	(void)s;
	(void)revents;
	for (int i = 0; i < READS && ended_has_room(r->ended); i++) {
		uint8_t slot;
		ssize_t n = repl_paths_recv(&r->paths, fd, buf, sizeof(buf), &slot);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			log_warn("could not read replication messages: %s", strerror((int)-n));
			break;
		}
		if (has_link(r, slot))
			take_datagram(r, slot, buf, (size_t)n, clock_now_ns());
	}
	acknowledge(r);
	/* Is the replica complete, and what is to be ended? A quiet tick looks for both. */
	inbox_note_harmless(&r->node->inbox);
	return 0;
}

/* ---- what was ended in another's place ---- */

bool replication_has_room(const struct replication *r, unsigned int slot)
{
	return has_link(r, slot) && repl_has_room(r->peers[slot].link);
}

bool replication_inform(struct replication *r, unsigned int slot, const struct hokm_conn_key *k,
			const struct hokm_replica *entry, uint64_t now_ns)
{
	struct repl_record rec = {
		.client = k->client,
		.client_port = k->client_port,
		.what = REPL_ENDED,
		.tag = tag_of(r, k->service),
		.isn = entry->isn,
		.age_ms = repl_age_ms(entry->answered_ns, now_ns),
	};

	if (!rec.tag || !has_link(r, slot) || !repl_streaming(r->peers[slot].link))
		return false;
	repl_put(r->peers[slot].link, &rec, now_ns, now_ns);
	return true;
}

/* ---- open and close ---- */

static int open_all(struct replication *r, const struct pulse_paths *pulses)
{
	int err = repl_paths_open(&r->paths, r->node, pulses, on_readable, r);

	if (!err)
		err = replica_open(r->node->bpf, &r->replica);
	r->tags = services_digest(&r->node->services);
	if (!err)
		err = set_links(r, true);
	return err;
}

int replication_open(struct node *n, struct ended_inbox *ended, const struct pulse_paths *pulses,
		     struct replication **out)
{
	struct replication *r;
	int err;

	*out = NULL;
	if (!n->conf->replicate)
		return 0;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->node = n;
	r->ended = ended;
	err = open_all(r, pulses);
	if (err) {
		log_error("could not set up replication: %s", strerror(-err));
		replication_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void replication_close(struct replication *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		repl_free(r->peers[i].link);
	replica_close(r->replica);
	repl_paths_close(&r->paths);
	free(r);
}

int replication_set_interface(struct replication *r, int ifindex)
{
	return r ? repl_paths_set_interface(&r->paths, ifindex) : 0;
}

/* ---- questions ---- */

struct repl_link *replication_link(const struct replication *r, unsigned int slot)
{
	return has_link(r, slot) ? r->peers[slot].link : NULL;
}

bool replication_cold(const struct replication *r)
{
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (has_link(r, i) && !repl_warm(r->peers[i].link) &&
		    peers_sight(&r->node->peers, i, r->node->peers.tick_ns).fresh)
			return true;
	return false;
}

bool replication_changes(const struct replication *r)
{
	return r && r->changed_ns && r->changed_ns == r->node->peers.tick_ns;
}

/* A peer whose kernel is alive holds its connections, whatever its daemon does. */
bool replication_complete(const struct replication *r, uint64_t now_ns)
{
	if (!r || replica_full(r->replica))
		return false;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		const struct repl_link *l = r->peers[i].link;

		if (l && peers_sight(&r->node->peers, i, now_ns).by == PEER_BY_PULSE &&
		    !(repl_connected(l, now_ns) && repl_warm(l)))
			return false;
	}
	return true;
}

bool replication_lacks(struct replication *r, unsigned int slot, const struct hokm_conn_key *k)
{
	const struct repl_link *l;
	struct hokm_replica entry;
	int err;

	if (!has_link(r, slot))
		return false;
	l = r->peers[slot].link;
	if (!repl_connected(l, r->node->peers.tick_ns) || !repl_warm(l) || replica_full(r->replica))
		return false;
	err = hokm_bpf_get_replica(r->node->bpf, k, &entry);
	return err == -ENOENT || (!err && entry.holder != slot);
}

uint64_t replication_entries(const struct replication *r, unsigned int slot)
{
	return r && slot < HOKM_MAX_PEERS ? replica_count(r->replica, (uint8_t)slot) : 0;
}

uint64_t replication_full(const struct replication *r)
{
	return r ? replica_full(r->replica) : 0;
}

bool replication_get_status(const struct replication *r, unsigned int slot,
			    struct replication_status *out)
{
	const struct peer_link *p;

	if (!has_link(r, slot))
		return false;
	p = &r->peers[slot];
	out->connected = repl_connected(p->link, clock_now_ns());
	out->warm = repl_warm(p->link) && !p->mute_reported; /* as the event says */
	out->peer_warm = repl_peer_warm(p->link);
	out->entries = replica_count(r->replica, (uint8_t)slot);
	out->path = r->paths.to[slot].at;
	repl_get_stats(p->link, clock_now_ns(), &out->stats);
	return true;
}
