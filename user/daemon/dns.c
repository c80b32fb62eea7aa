/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/dns_job.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/dns.h"
#include "daemon/dns_report.h"
#include "daemon/node.h"

#define RETRY_NS       (1 * NS_PER_S)
#define RETRY_MAX_NS   (60 * NS_PER_S)
#define BREAKER_FALL   5
#define BREAKER_NS     (120 * NS_PER_S)
#define WRITE_AGAIN_NS (10 * NS_PER_S)
#define DOUBT_NS       (5 * NS_PER_S)
#define REPLIES_MAX    4 /* of one job in a tick: an honest one sends three in all */

static const struct conf_dns *conf_of(const struct dns *d)
{
	return &d->node->conf->dns;
}

static const char *wanted(const struct dns *d, unsigned int t)
{
	const struct conf *c = d->node->conf;
	unsigned int whose = d->line[t].whose;

	if (d->book.held[t][0])
		return d->book.held[t];
	return whose < c->n_nodes ? conf_dns_value(c, whose, (enum conf_dns_type)t) : "";
}

/* ---- jobs ---- */

static void reap(struct dns_line *l)
{
	int status;
	pid_t got = l->pid > 0 ? waitpid(l->pid, &status, WNOHANG) : 0;

	if (got > 0 || (got < 0 && errno == ECHILD))
		l->pid = 0;
}

static void cut_off(struct dns_line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void kill_job(struct dns_line *l)
{
	cut_off(l);
	if (l->pid > 0 && kill(l->pid, SIGKILL) && errno != ESRCH)
		log_error("could not kill DNS job %d: %s", (int)l->pid, strerror(errno));
}

static void make_request(const struct dns *d, unsigned int t, enum dns_op op,
			 struct dns_request *req)
{
	const struct conf *c = d->node->conf;

	memset(req, 0, sizeof(*req));
	req->op = op;
	req->type = t;
	req->force = d->book.force && d->book.held[t][0];
	req->conf = c->dns;
	req->known = d->line[t].hosts;
	snprintf(req->want, sizeof(req->want), "%s", wanted(d, t));
	/* An order of the operator counts more. */
	if (!d->book.held[t][0] && !d->line[t].when.order)
		req->keep = d->line[t].keep;
	for (unsigned int i = 0; i < c->n_nodes; i++)
		snprintf(req->group.value[req->group.n++], DNS_ADDRESS_MAX, "%s",
			 conf_dns_value(c, i, (enum conf_dns_type)t));
	/* What this node wrote by order, or may have written, is the group's too. */
	if (d->book.right[t][0])
		memcpy(req->group.value[req->group.n++], d->book.right[t], DNS_ADDRESS_MAX);
	if (d->book.tried[t][0])
		memcpy(req->group.value[req->group.n++], d->book.tried[t], DNS_ADDRESS_MAX);
}
_Static_assert(CONF_NODES_MAX + 2 <= DNS_VALUES_MAX, "the group has room for two more");

/* A change was made: do the name servers have it too? */
static void begin_watch(struct dns *d, unsigned int t, const struct dns_reply *r)
{
	struct dns_line *l = &d->line[t];
	struct dns_request req;

	make_request(d, t, DNS_OP_WATCH, &req);
	memcpy(req.want, l->want, sizeof(req.want));
	if (r->hidden)
		req.conf.propagation_ns = 0;
	dns_watch_begin(&l->watch, &req, r->zone);
}

/* What was found counts for nobody's decision. It is in status, log and history. */
static void tick_watch(struct dns *d, unsigned int t, bool owner, uint64_t now_ns)
{
	struct dns_watch *w = &d->line[t].watch;
	const char *type = conf_dns_type_name((enum conf_dns_type)t);

	if (!owner)
		dns_watch_stop(w);
	if (!dns_watch_tick(w, d->node->conf->agent_user, now_ns))
		return;
	if (w->last.result == DNS_SAME)
		log_info("dns: %s %s: %s", conf_of(d)->record, type, w->last.text);
	else
		log_warn("dns: %s %s: %s", conf_of(d)->record, type, w->last.text);
	dns_note(d, t, "seen", w->last.text);
}

static void note_change(struct dns *d, unsigned int t, uint64_t now_ns)
{
	d->book.changed_s[t] = dns_wall_s();
	d->book.changed_ns[t] = now_ns;
}

static void end_job(struct dns *d, unsigned int t, const struct dns_reply *r, uint64_t now_ns)
{
	struct dns_line *l = &d->line[t];

	/*
	 * It has said all. One that does not end by itself would keep the next one from its start.
	 */
	kill_job(l);
	dns_report_result(d, t, r);
	/* The provider may have moved: the next job asks for its name. */
	if (r->result == DNS_FAILED)
		l->hosts_until_ns = 0;
	if (r->result == DNS_CHANGED)
		note_change(d, t, now_ns);
	if (r->result == DNS_CHANGED ||
	    (r->result == DNS_SAME && dns_set_find(&r->present, l->want) < r->present.n)) {
		memcpy(d->book.right[t], l->want, DNS_ADDRESS_MAX);
		d->book.mine[t] = true;
		dns_file_write(d->file, &d->book);
	}
	if (r->result == DNS_CHANGED)
		begin_watch(d, t, r);
	l->last = *r;
	l->last_ns = now_ns;
	l->known = true;
	dns_when_result(&l->when, (enum dns_result)r->result, r->retry_ns, now_ns);
	dns_report_breaker(d, t);
}

/* The job has not replied that it is done. The next attempt reads the record first. */
static void fail_job(struct dns *d, unsigned int t, const char *why, uint64_t now_ns)
{
	struct dns_line *l = &d->line[t];
	struct dns_reply r = {.kind = DNS_DONE, .result = DNS_FAILED, .present = l->present};

	kill_job(l);
	if (l->far == DNS_ACCEPTED)
		snprintf(r.text, sizeof(r.text), "%s; the provider had accepted the change", why);
	else if (l->far == DNS_ASK)
		snprintf(r.text, sizeof(r.text), "%s; the record has the old value or %s", why,
			 l->want);
	else
		snprintf(r.text, sizeof(r.text), "%s; it had not changed the record", why);
	end_job(d, t, &r, now_ns);
}

/* Remembers how far a job has come. It may change the record when it is given leave. */
static void note_reply(struct dns_line *l, const struct dns_reply *r, bool leave)
{
	l->present = r->present;
	if (r->present.n && r->hosts.n) {
		l->hosts = r->hosts;
		if (r->hosts_ttl_s)
			l->hosts_until_ns = l->start_ns + r->hosts_ttl_s * NS_PER_S;
	}
	if (r->kind != DNS_ASK || leave)
		l->far = r->kind;
}

static void start_job(struct dns *d, unsigned int t, enum dns_op op, uint64_t now_ns)
{
	struct dns_line *l = &d->line[t];
	struct dns_request req;
	char why[96];
	int err;

	make_request(d, t, op, &req);
	req.fresh = now_ns < l->hosts_until_ns;
	l->start_ns = now_ns;
	memcpy(l->want, req.want, sizeof(l->want));
	memset(&l->present, 0, sizeof(l->present));
	l->far = DNS_REPLY_KINDS;
	err = dns_job_start(d->node->conf->agent_user, &req, &l->fd, &l->pid);
	l->by_ns = now_ns + dns_job_longest_ns(&req.conf);
	if (!err)
		return;
	l->fd = -1;
	l->pid = 0;
	snprintf(why, sizeof(why), "the job could not be started: %s", strerror(-err));
	fail_job(d, t, why, now_ns);
}

/*
 * The provider has accepted the change. It is remembered now: a job that dies before its last reply
 * must not make the record a foreign one.
 */
static void note_accepted(struct dns *d, unsigned int t, const struct dns_reply *r, uint64_t now_ns)
{
	memcpy(d->book.right[t], d->line[t].want, DNS_ADDRESS_MAX);
	note_change(d, t, now_ns);
	dns_file_write(d->file, &d->book);
	log_info("dns: %s accepted the change: %s", conf_dns_provider_name(conf_of(d)->provider),
		 r->text);
}

/*
 * The job may change the record now. It can be killed, by an order too, before anybody learns
 * whether it did.
 */
static int allow_job(struct dns *d, unsigned int t, bool owner)
{
	const struct dns_line *l = &d->line[t];
	const char *want = l->want, *tried = d->book.tried[t];

	if (owner && strcmp(tried, want) != 0) {
		/* The record still has the one before: that stays the group's if this job fails. */
		if (tried[0] && dns_set_find(&l->present, tried) < l->present.n)
			memcpy(d->book.right[t], tried, DNS_ADDRESS_MAX);
		memcpy(d->book.tried[t], want, DNS_ADDRESS_MAX);
		dns_file_write(d->file, &d->book);
	}
	return dns_job_allow(l->fd, owner);
}

/* What the job has sent. The owner is asked for leave, and is what it was at this tick. */
static void take_replies(struct dns *d, unsigned int t, bool owner, uint64_t now_ns)
{
	struct dns_line *l = &d->line[t];
	struct dns_reply r;
	int err = 0;

	for (unsigned int i = 0; l->fd >= 0 && !err; i++) {
		err = i == REPLIES_MAX ? -EBADMSG : dns_job_receive(l->fd, &r);
		if (!err)
			note_reply(l, &r, owner);
		if (!err && r.kind == DNS_DONE)
			end_job(d, t, &r, now_ns);
		else if (!err && r.kind == DNS_ASK)
			err = allow_job(d, t, owner);
		else if (!err)
			note_accepted(d, t, &r, now_ns);
	}
	if (l->fd < 0)
		return;
	if (err != -EAGAIN)
		fail_job(d, t, err == -EBADMSG ? "the job sent nonsense" : "the job died", now_ns);
	else if (now_ns >= l->by_ns)
		fail_job(d, t, "the job took too long", now_ns);
}

/* ---- the tick ---- */

/* What a monitor has chosen. */
static void choose(struct dns *d, unsigned int t, const struct dns_owner *o)
{
	const struct conf *c = d->node->conf;
	struct dns_line *l = &d->line[t];

	l->whose = o->node;
	l->keep.n = 0;
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (o->keep & (1u << i))
			snprintf(l->keep.value[l->keep.n++], DNS_ADDRESS_MAX, "%s",
				 conf_dns_value(c, i, (enum conf_dns_type)t));
}

static void tick_line(struct dns *d, unsigned int t, const struct dns_owner *o, uint64_t now_ns)
{
	struct dns_line *l = &d->line[t];
	uint64_t replied_ns = l->last_ns;
	bool was_right;
	enum dns_act act;

	dns_report_held(d, t);
	choose(d, t, o);
	was_right = o->adopted && d->book.mine[t] && !strcmp(d->book.right[t], wanted(d, t));
	reap(l);
	/* A monitor that sees nothing for a while has written what it wrote all the same. */
	if (!o->owner && d->book.mine[t] && !d->monitor) {
		d->book.mine[t] = false;
		dns_file_write(d->file, &d->book);
	}
	if (dns_when_owner(&l->when, o->owner, o->serves, was_right, now_ns))
		kill_job(l);
	if (!o->owner || d->book.stopped)
		dns_report_left(d, t);
	dns_when_sole(&l->when, o->sole, now_ns);
	l->renew = (l->renew || o->renew) && !d->book.held[t][0];
	if (l->renew && !l->when.order) {
		l->renew = false;
		if (dns_when_renew(&l->when, now_ns))
			kill_job(l);
	}
	take_replies(d, t, o->owner && !o->hold, now_ns);
	/* Refused because of a doubt, not for good. */
	if (o->hold && l->last_ns != replied_ns && l->last.result == DNS_REFUSED)
		l->renew = true;
	tick_watch(d, t, o->owner, now_ns);
	if (l->pid > 0 || o->hold)
		return;
	act = dns_when_next(&l->when, now_ns);
	if (act != DNS_ACT_NONE)
		start_job(d, t, act == DNS_ACT_WRITE ? DNS_OP_WRITE : DNS_OP_LOOK, now_ns);
}

bool dns_busy(const struct dns *d)
{
	return d->line[CONF_DNS_A].pid > 0 || d->line[CONF_DNS_AAAA].pid > 0;
}

void dns_tick(struct dns *d, const struct dns_owner o[CONF_DNS_TYPES], uint64_t now_ns)
{
	if (!d->on)
		return;
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++)
		if (d->line[t].used)
			tick_line(d, t, &o[t], now_ns);
	dns_file_tick(d->file, &d->book);
	if (!dns_file_failed(d->file) || now_ns < d->retry_ns)
		return;
	d->retry_ns = now_ns + WRITE_AGAIN_NS;
	dns_file_write(d->file, &d->book);
}

/* ---- orders ---- */

static void order(struct dns *d, bool stop, const char *what, const char *text)
{
	uint64_t now_ns = clock_now_ns();

	d->book.stopped = stop;
	log_info("operator: dns %s: %s", what, text);
	events_add(d->node->events, "operator", HOKM_R_OPERATOR, "dns %s: %s", what, text);
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++) {
		struct dns_line *l = &d->line[t];

		if (!l->used)
			continue;
		dns_note(d, t, what, text);
		/* The operator may know better than a monitor that sees nothing. */
		if (d->monitor && d->book.held[t][0])
			(void)dns_when_owner(&l->when, true, false, false, now_ns);
		if (dns_when_order(&l->when, stop, now_ns))
			kill_job(l);
	}
	dns_file_write(d->file, &d->book);
}

/* The address in the form that it is compared in. False with the words of the refusal. */
static bool take_address(const struct dns *d, enum conf_dns_type t, const char *address,
			 char held[DNS_ADDRESS_MAX], char *error, size_t size)
{
	int family = t == CONF_DNS_AAAA ? AF_INET6 : AF_INET;
	unsigned char raw[16];

	if (inet_pton(family, address, raw) != 1)
		snprintf(error, size, "\"%.64s\" is no address", address);
	else if (!d->line[t].used)
		snprintf(error, size, "this node has no address for a record of type %s",
			 conf_dns_type_name(t));
	else if (!inet_ntop(family, raw, held, DNS_ADDRESS_MAX))
		snprintf(error, size, "the address cannot be written as text");
	else
		return true;
	return false;
}

/* The same for a floating address: the id of a node's machine, or the name of that node. */
static bool take_id(const struct dns *d, const char *id, char held[DNS_ADDRESS_MAX], char *error,
		    size_t size)
{
	const struct conf *c = d->node->conf;

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		if (strcmp(id, c->nodes[i].cloud_id) != 0 && strcmp(id, c->nodes[i].name) != 0)
			continue;
		memcpy(held, c->nodes[i].cloud_id, DNS_ADDRESS_MAX);
		return true;
	}
	snprintf(error, size, "\"%.64s\" is neither a node nor the cloud_id of one", id);
	return false;
}

const char *dns_order_set(struct dns *d, const char *address, bool force, char *error, size_t size)
{
	enum conf_dns_type t = strchr(address, ':') ? CONF_DNS_AAAA : CONF_DNS_A;
	char text[96];
	bool good;

	if (conf_dns_floating(conf_of(d)->provider))
		good = take_id(d, address, d->book.held[t = CONF_DNS_A], error, size);
	else
		good = take_address(d, t, address, d->book.held[t], error, size);
	if (!good)
		return NULL;
	d->book.force = force;
	snprintf(text, sizeof(text), "%s%s, until start", d->book.held[t],
		 force ? " by force" : "");
	order(d, false, "set", text);
	return d->line[t].when.owner
		       ? "the record is being changed; it keeps this address until `dns start`"
		       : "this node is not owner: it will write this address when it is; "
			 "give the order to the owner too";
}

const char *dns_order_start(struct dns *d)
{
	memset(d->book.held, 0, sizeof(d->book.held));
	d->book.force = false;
	order(d, false, "start",
	      d->monitor ? "the record follows the checks" : "the record follows the owner");
	return d->monitor ? "the record follows the checks again, and is being written"
			  : "the record follows the owner again";
}

const char *dns_order_stop(struct dns *d)
{
	order(d, true, "stop", "the record is left as it is");
	return d->monitor ? "this monitor leaves the record as it is until `dns start`"
			  : "this node leaves the record as it is until `dns start`";
}

/* ---- open and close ---- */

static void open_line(struct dns *d, unsigned int t, uint64_t now_ns)
{
	const struct conf_dns *c = conf_of(d);
	const struct dns_when_conf when = {
		.failover_ns = c->failover_ns,
		.failback_ns = c->failback_ns,
		.min_interval_ns = c->min_interval_ns,
		.verify_ns = c->verify_ns,
		.doubt_ns = DOUBT_NS,
		.retry_ns = RETRY_NS,
		.retry_max_ns = RETRY_MAX_NS,
		.breaker_fall = BREAKER_FALL,
		.breaker_ns = BREAKER_NS,
	};
	struct dns_line *l = &d->line[t];
	const struct dns_moment change = {d->book.changed_s[t], d->book.changed_ns[t]};
	const struct dns_moment now = {dns_wall_s(), now_ns};

	l->whose = d->node->conf->self;
	/* All nodes have an address for it, or none has. */
	l->used = conf_dns_value(d->node->conf, 0, (enum conf_dns_type)t)[0] != '\0';
	dns_when_init(&l->when, &when, d->node->nonce + t);
	if (d->book.stopped)
		(void)dns_when_order(&l->when, true, now_ns);
	dns_when_recall(&l->when, &change, &now);
}

/* From now on the book is of this boot. */
static void begin_boot(struct dns_book *b)
{
	if (!boot_id_is_this(b->boot_id))
		memset(b->changed_ns, 0, sizeof(b->changed_ns));
	boot_id_read(b->boot_id);
}

int dns_open(struct dns *d, struct node *n, bool monitor)
{
	const char *file = monitor ? n->conf->dns.monitor_state : n->conf->dns.state_file;
	int err;

	d->node = n;
	d->monitor = monitor;
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++) {
		d->line[t].fd = -1;
		dns_watch_init(&d->line[t].watch);
	}
	if (n->conf->dns.provider == CONF_DNS_NONE)
		return 0;
	if (!monitor && n->conf->dns.mode == CONF_DNS_MONITOR) {
		log_info("dns: a monitor writes %s, not this node", n->conf->dns.record);
		return 0;
	}
	err = dns_file_open(file, &d->book, &d->file);
	if (err)
		return err;
	d->on = true;
	begin_boot(&d->book);
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++)
		open_line(d, t, clock_now_ns());
	log_info("dns: the %s writes %s at %s%s", monitor ? "monitor" : "owner",
		 n->conf->dns.record, conf_dns_provider_name(n->conf->dns.provider),
		 d->book.stopped ? "; stopped by the operator" : "");
	return 0;
}

void dns_close(struct dns *d)
{
	for (unsigned int t = 0; d->on && t < CONF_DNS_TYPES; t++) {
		struct dns_line *l = &d->line[t];

		kill_job(l);
		if (l->pid > 0)
			while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
				;
		l->pid = 0;
		dns_watch_close(&l->watch);
	}
	dns_file_close(d->file, &d->book);
	d->file = NULL;
	d->on = false;
}

void dns_cut(struct dns *d, int wait_ms)
{
	const struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (unsigned int t = 0; d->on && t < CONF_DNS_TYPES; t++) {
		struct dns_line *l = &d->line[t];

		kill_job(l);
		reap(l);
		for (int i = 0; i < wait_ms && l->pid > 0; i++) {
			nanosleep(&pause, NULL);
			reap(l);
		}
	}
	d->on = false;
}

bool dns_saving(const struct dns *d)
{
	return d->on && dns_file_busy(d->file);
}
