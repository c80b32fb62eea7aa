/* SPDX-License-Identifier: GPL-2.0-only */
/* See etcd_watch.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/etcd_watch.h"
#include "daemon/node.h"

#define START_NS (2 * NS_PER_S)
/* The machine asks the arbiter so often at least while it wants to become owner. */
#define WANTS_NS (100 * NS_PER_MS)

static const struct conf_node *self_of(const struct etcd_watch *w)
{
	return &w->node->conf->nodes[w->node->conf->self];
}

/* ---- the process that asks ---- */

/* The address of a node, or 0.0.0.0 for nobody. False: it is no node of this group. */
static bool holder_of(const struct etcd_watch *w, struct in_addr addr, enum tie_holder *holder)
{
	const struct conf_node *of = conf_node_at(w->node->conf, addr);

	*holder = !of ? TIE_NOBODY : of == self_of(w) ? TIE_SELF : TIE_THEIRS;
	return of || !addr.s_addr;
}

static void on_reply(const struct etcd_reply *r, void *arg)
{
	struct etcd_watch *w = arg;
	enum tie_holder holder = TIE_NOBODY;
	char addr[INET_ADDRSTRLEN];

	/* One that is too late: another question was asked since. */
	if (r->seq != w->question.seq)
		return;
	w->reply = *r;
	if (r->valid)
		w->settings.cluster = r->cluster;
	if (r->valid && !holder_of(w, r->holder, &holder)) {
		w->reply.valid = false;
		snprintf(w->reply.text, sizeof(w->reply.text),
			 "the record is of another group: its holder %s is no node here; "
			 "set another etcd.prefix",
			 inet_ntop(AF_INET, &r->holder, addr, sizeof(addr)) ? addr : "?");
	}
	w->answer = (struct tie_answer){.valid = w->reply.valid};
	if (w->reply.valid) {
		w->answer.moved = r->moved;
		w->answer.record = (struct tie_record){
			.revision = r->revision,
			.epoch = r->epoch,
			.hold_ns = r->hold_ms * NS_PER_MS,
			.holder = holder};
	}
	w->answered = true;
	inbox_note(&w->node->inbox, INBOX_POLICY);
}

static void settings_of(const struct etcd_watch *w, struct etcd_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->conf = w->node->conf->etcd;
	conf_etcd_key(w->node->conf, s->key);
}

/* The question on its way has no answer: the next one does not wait for it. */
static void forget_question(struct etcd_watch *w)
{
	w->answered = false;
	w->question.seq++;
	w->tie.sent = TIE_NONE;
}

static void start_client(struct etcd_watch *w, uint64_t now_ns)
{
	const struct conf *c = w->node->conf;

	if (w->running || now_ns < w->start_ns)
		return;
	settings_of(w, &w->settings);
	w->read_ns = now_ns;
	w->start_ns = now_ns + START_NS;
	w->running = true;
	if (w->client) {
		etcd_client_restart(w->client, &w->settings);
		return;
	}
	/* A failure is logged there. */
	w->running = !etcd_client_open(
		w->node->event, c->agent_user, &w->settings, on_reply, w, &w->client);
}

/* Only another process can read them. */
static void read_files_again(struct etcd_watch *w, uint64_t now_ns)
{
	const struct conf_etcd *c = &w->settings.conf;

	if (!w->running || !tie_files_due(&w->tie, w->read_ns, now_ns) ||
	    !(c->credentials[0] || c->ca_file[0] || c->cert_file[0] || c->key_file[0]))
		return;
	w->read_ns = now_ns;
	etcd_client_restart(w->client, &w->settings);
	forget_question(w);
}

static void ask(struct etcd_watch *w)
{
	struct etcd_question *q = &w->question;
	const struct tie_record *r = &w->tie.record;
	const bool claims = w->out.ask == TIE_CLAIM;

	if (w->out.ask == TIE_NONE)
		return;
	q->seq++;
	q->op = w->out.ask == TIE_READ ? ETCD_READ : ETCD_WRITE;
	q->limit_ns = w->out.limit_ns;
	q->revision = r->revision;
	/* A claim over another holder begins a new epoch; one that goes on does not. */
	q->epoch = r->epoch + (claims && r->holder != TIE_SELF);
	q->holder = claims ? self_of(w)->addr : (struct in_addr){0};
	/* Never shorter than what is counted here. */
	q->hold_ms = claims ? (w->tie.claim_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
	if (w->client && !etcd_client_ask(w->client, q))
		return;
	memset(&w->reply, 0, sizeof(w->reply));
	snprintf(w->reply.text, sizeof(w->reply.text), "the process that asks etcd does not run");
	w->answer = (struct tie_answer){.valid = false};
	w->answered = true;
}

/* ---- the peer ---- */

static const struct peer *peer_of(const struct node *n)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (n->peers.list[slot].used)
			return &n->peers.list[slot];
	return NULL;
}

static void fill_input(const struct etcd_watch *w, const struct vrrp *v, uint64_t now_ns,
		       struct tie_input *in)
{
	const struct conf *c = w->node->conf;
	const struct peer *p = peer_of(w->node);
	const struct vrrp_conf *own = &v->conf;
	uint64_t theirs_ns = own->adver_ns > v->owner_adver_ns ? own->adver_ns : v->owner_adver_ns;

	in->owns = v->state == HOKM_VRRP_MASTER;
	in->wants = v->state == HOKM_VRRP_BACKUP && v->undecided_ns &&
		    now_ns - v->undecided_ns < WANTS_NS;
	in->keep = c->on_isolation == CONF_ISOLATION_KEEP;
	in->second = p && vrrp_beats(p->priority, p->addr, self_of(w)->priority, self_of(w)->addr);
	/* Over any path, as the policy counts it. */
	in->heard_ns = p ? p->map.newest_sent_ns : 0;
	in->alive_ns = p ? p->map.alive_ns : 0;
	in->lease_until_ns = w->node->want.own.lease_until_ns;
	in->times.dead_ns = c->peer_dead_ns;
	in->times.last_ns = tie_last_ns(
		c->peer_dead_ns, c->pulse_ns, vrrp_lease_ns(own->version, 0, own->adver_ns));
	in->times.wait_ns = tie_wait_ns(tie_last_ns(
		c->peer_dead_ns, c->pulse_ns, vrrp_lease_ns(own->version, 0, theirs_ns)));
	in->times.timeout_ns = c->etcd.timeout_ns;
	in->times.hold_ns = c->etcd.hold_ns;
	in->answer = w->answered ? &w->answer : NULL;
}

/* ---- reports ---- */

/* That etcd does not answer is worth a word also while it is not needed. */
static void report_failing(struct etcd_watch *w, uint64_t now_ns)
{
	const struct tie *t = &w->tie;
	bool failing = t->open_ns && now_ns - t->open_ns > w->node->conf->etcd.timeout_ns &&
		       !w->reply.valid && w->reply.text[0];

	if (failing == w->failing || (!failing && t->open_ns))
		return;
	w->failing = failing;
	if (failing)
		log_warn("arbiter etcd: no answer: %s%s", w->reply.text,
			 tie_decides(t->phase) ? "" : "; nothing moves while the peer is heard");
	else
		log_info("arbiter etcd: %s answers", w->reply.endpoint);
}

static void report_phase(struct etcd_watch *w)
{
	enum tie_phase phase = w->tie.phase, was = w->reported;
	const struct tie_record *r = &w->tie.record;
	enum hokm_reason why;

	if (phase == was || phase == TIE_ASKED)
		return;
	w->reported = phase;
	if (phase == TIE_HOLDS || phase == TIE_OTHER)
		log_info("arbiter etcd: no peer is heard, and %s the record, epoch %llu",
			 phase == TIE_HOLDS ? "this node holds" : "the other node holds",
			 (unsigned long long)r->epoch);
	if (phase != TIE_SILENT && was != TIE_SILENT)
		return;
	why = phase == TIE_SILENT ? HOKM_R_ETCD_SILENT : HOKM_R_ETCD_ANSWERS;
	log_line(phase == TIE_SILENT ? LOG_LVL_WARN : LOG_LVL_INFO,
		 "arbiter etcd: reason=%s (%s)%s%s", hokm_reason_name(why), hokm_reason_text(why),
		 phase == TIE_SILENT ? ": " : "", phase == TIE_SILENT ? w->reply.text : "");
	/* The word before the colon is what a notification is about: its end must have the same. */
	events_add(w->node->events, "state", why, "etcd: %s", hokm_reason_text(why));
}

/* ---- entry ---- */

void etcd_watch_init(struct etcd_watch *w, struct node *n)
{
	memset(w, 0, sizeof(*w));
	w->node = n;
	w->out.until_ns = UINT64_MAX;
}

void etcd_watch_close(struct etcd_watch *w, int wait_ms)
{
	etcd_client_close(w->client, wait_ms);
	w->client = NULL;
	w->running = false;
}

/* The prefix is a part of the key, and the endpoints are those of the list. */
static bool same_settings(const struct etcd_settings *a, const struct etcd_settings *b)
{
	const struct conf_etcd *x = &a->conf, *y = &b->conf;

	return !strcmp(a->key, b->key) && !strcmp(x->list, y->list) &&
	       !strcmp(x->credentials, y->credentials) && !strcmp(x->ca_file, y->ca_file) &&
	       !strcmp(x->cert_file, y->cert_file) && !strcmp(x->key_file, y->key_file) &&
	       x->timeout_ns == y->timeout_ns && x->hold_ns == y->hold_ns;
}

void etcd_watch_reconf(struct etcd_watch *w)
{
	const bool heard = w->tie.phase == TIE_PEER;
	struct etcd_settings s;
	bool another;

	if (!w->running)
		return;
	settings_of(w, &s);
	s.cluster = w->settings.cluster;
	/* Files that were renewed are read again, but not while the answers count. */
	if (!heard && same_settings(&s, &w->settings))
		return;
	/* Another cluster may be named while the nodes hear each other. */
	if (heard && memcmp(s.conf.endpoint, w->settings.conf.endpoint, sizeof(s.conf.endpoint)))
		s.cluster = 0;
	another = !s.cluster || strcmp(s.key, w->settings.key) != 0;
	w->read_ns = clock_now_ns();
	w->settings = s;
	etcd_client_restart(w->client, &w->settings);
	forget_question(w);
	/* The right to own is by the record that was claimed. */
	if (!another)
		return;
	w->tie.known = false;
	w->tie.held_ns = 0;
}

static void turn_off(struct etcd_watch *w)
{
	const struct tie_input off = {.on = false};

	if (w->client)
		etcd_client_restart(w->client, NULL);
	w->running = false;
	w->start_ns = 0;
	forget_question(w);
	tie_step(&w->tie, &off, 0, &w->out);
	/* Only its end may be of interest: nothing was reported that does not end with it. */
	report_phase(w);
	w->failing = false;
	memset(&w->reply, 0, sizeof(w->reply));
}

void etcd_watch_run(struct etcd_watch *w, const struct vrrp *v, uint64_t now_ns)
{
	struct tie_input in = {.on = w->node->conf->arbiter == CONF_ARBITER_ETCD};

	if (!in.on) {
		if (w->tie.phase != TIE_OFF)
			turn_off(w);
		return;
	}
	start_client(w, now_ns);
	fill_input(w, v, now_ns, &in);
	tie_step(&w->tie, &in, now_ns, &w->out);
	w->answered = false;
	ask(w);
	read_files_again(w, now_ns);
	report_failing(w, now_ns);
	report_phase(w);
}

enum hokm_reason etcd_watch_bars(const struct etcd_watch *w)
{
	if (!w->out.bars)
		return HOKM_R_NONE;
	return w->tie.phase == TIE_SILENT ? HOKM_R_ETCD_SILENT : HOKM_R_ETCD_REFUSED;
}
