/* SPDX-License-Identifier: GPL-2.0-only */
/* See reload.h. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rt_thread.h"
#include "daemon/configure.h"
#include "daemon/conflict.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/shared_keys.h"
#include "daemon/upgrade.h"

/* Bytes of the reason that the operator is shown: the first errors of the file. */
#define TEXT_MAX 2048

struct reload {
	struct daemon *d;
	sd_event_source *source;
	int fd; /* eventfd: the thread has read the file */
	pthread_t thread;
	bool running;
	bool put_off; /* the thread has read the file, and an upgrade keeps it from being used */
	bool again;   /* requested while the thread ran, which may have read the file too early */
	char file[CONF_PATH_MAX];
	/* The thread's results, read after it was joined. */
	struct conf *conf;
	int err;
	char *errors;
	size_t errors_len;
	const char *phase;
	char text[TEXT_MAX]; /* phase "refused": why */
};

/* ---- the thread ---- */

static int derive(struct conf *c, FILE *errors)
{
	int err = conf_complete_password(c);

	if (err)
		fprintf(errors, "no VRRP password can be derived from the secret: %s\n",
			strerror(-err));
	return err;
}

/* Has ordinary priority: what the daemon starts does not inherit its real-time priority. */
static void *read_conf(void *arg)
{
	struct reload *r = arg;
	uint64_t one = 1;
	FILE *f = open_memstream(&r->errors, &r->errors_len);

	r->err = f ? conf_load(r->file, true, f, &r->conf) : -ENOMEM;
	if (!r->err)
		r->err = derive(r->conf, f);
	if (r->err) {
		conf_free(r->conf);
		r->conf = NULL;
	}
	if (f && fclose(f))
		r->err = r->err ? r->err : -ENOMEM;
	if (write(r->fd, &one, sizeof(one)) != sizeof(one))
		r->err = r->err ? r->err : -EIO;
	return NULL;
}

/* ---- the swap ---- */

/* Gives the maps a configuration. The services begin anew. */
static int use_conf(struct daemon *d, struct conf *c)
{
	struct node *n = &d->node;

	n->conf = c;
	memset(&n->services, 0, sizeof(n->services));
	memset(n->want.service, 0, sizeof(n->want.service));
	return configure_node(n, d->heartbeat.pulse);
}

/* Everything that keeps settings of its own. */
static void reconf_all(struct daemon *d)
{
	struct vrrp_conf v;

	configure_vrrp(d->node.conf, &v);
	vrrp_reconf(&d->vrrp, &v, clock_now_ns());
	quorum_reconf(&d->quorum);
	pulse_paths_reconf(&d->heartbeat.paths);
	upkeep_look_for_paths(&d->upkeep);
	gateway_watch_reconf(&d->gateway);
	etcd_watch_reconf(&d->etcd);
	heartbeat_set_interval(&d->heartbeat);
	hooks_reconf(d->hooks, d->node.conf);
	check_runner_reconf(&d->checks, d->node.conf);
	notify_feed_reconf(&d->notify);
	publish_reconf(&d->publish, d->node.conf);
	/* A failure is logged; what was replicated before stays. */
	(void)replication_reconf(d->replication);
	(void)agreement_reconf(&d->agreement);
	notify_ends_reconf(&d->notify_ends);
}

/* Clients may have another host in mind for a VIP that this node owns from now on. */
static void announce_new_vips(struct daemon *d, const struct conf *was)
{
	const struct conf *c = d->node.conf;
	unsigned int known = 0;

	for (unsigned int i = 0; i < c->n_vips; i++)
		for (unsigned int o = 0; o < was->n_vips; o++)
			known += c->vips[i].s_addr == was->vips[o].s_addr;
	if (known == c->n_vips || !d->node.want.vip_raised)
		return;
	announcing_vips(&d->announcing);
	inbox_note(&d->node.inbox, INBOX_GARP);
}

static int swap(struct daemon *d, struct conf *wanted)
{
	struct services old = d->node.services;
	struct conf *was = d->node.conf;
	uint64_t now_ns = clock_now_ns();
	int err = use_conf(d, wanted);

	if (err) {
		if (use_conf(d, was))
			log_error("could not restore the former configuration: "
				  "restart the daemon");
		d->node.services = old;
		conf_free(wanted);
		return err;
	}
	services_init_checks(&d->node.services, &wanted->observe, now_ns);
	services_carry_over(&d->node.services, &old, &wanted->observe, now_ns);
	reconf_all(d);
	announce_new_vips(d, was);
	conflict_reconf(&d->claims, was, wanted);
	conf_free(was);
	return 0;
}

/* ---- the result ---- */

/*
 * Nothing changed. `see` is for the log and for who asked, `fmt` also for the event. Frees the
 * configuration.
 */
__attribute__((format(printf, 3, 4))) static bool refuse(struct reload *r, const char *see,
							 const char *fmt, ...)
{
	char why[TEXT_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	snprintf(r->text, sizeof(r->text), "%s%s", why, see);
	log_error("reload refused, nothing changed: %s", r->text);
	events_add(r->d->node.events, "config", HOKM_R_RELOAD_REFUSED, "reload refused: %s", why);
	conf_free(r->conf);
	return false;
}

/* Without the end of the last line. */
static void keep_text(struct reload *r, const char *text)
{
	size_t len = strlen(text);

	if (len && text[len - 1] == '\n')
		len--;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)len, text);
}

/* The errors of the file, each as a line of the log. */
static bool refuse_file(struct reload *r)
{
	char *save = NULL;

	keep_text(r, r->errors_len ? r->errors : strerror(-r->err));
	log_error("reload refused, nothing changed: %s", strerror(-r->err));
	for (char *line = r->errors_len ? strtok_r(r->errors, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		log_error("%s", line);
	events_add(r->d->node.events, "config", HOKM_R_RELOAD_REFUSED,
		   "reload refused: the file has errors; `hokm-xdp check-config` shows where");
	return false;
}

#define SEE_SHARED "; see \"Change what the nodes share\" in docs/operation.md"

/*
 * Why a file must not be taken while the peers are as they are, however the daemon comes to it: by
 * a reload or an upgrade.
 */
struct harm {
	char why[TEXT_MAX / 2];
	const char *see; /* "; see ...", for who asked: a constant */
};

__attribute__((format(printf, 3, 4))) static bool harms(struct harm *h, const char *see,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	h->see = see;
	return true;
}

static bool has_secret(const struct conf *c, const struct conf_secret *s)
{
	for (unsigned int i = 0; i < c->n_secrets; i++)
		if (c->secrets[i].len == s->len && !memcmp(c->secrets[i].text, s->text, s->len))
			return true;
	return false;
}

/*
 * An alive peer that signs with a secret which the file does not have any more, or NULL. With the
 * reload the two nodes would not hear each other, and both would own the VIP.
 */
static const char *unheard_peer(const struct node *n, const struct conf *wanted)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *p = &n->peers.list[slot];
		unsigned int secret = p->map.secret;

		if (p->used && secret && secret <= n->conf->n_secrets &&
		    peers_sight(&n->peers, slot, clock_now_ns()).by == PEER_BY_PULSE &&
		    !has_secret(wanted, &n->conf->secrets[secret - 1]))
			return p->name;
	}
	return NULL;
}

static bool has_node(const struct conf *c, struct in_addr addr)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == addr.s_addr)
			return true;
	return false;
}

/* Does the peer own the VIP? Only an owner sends adverts. */
static bool owns_vip(const struct hokm_peer *map, enum peer_sign by, uint64_t now_ns)
{
	return by == PEER_BY_ADVERT ||
	       (by == PEER_BY_PULSE &&
		(map->state == HOKM_VRRP_MASTER || map->lease_until_ns > now_ns));
}

/*
 * The players of the peer in this slot as a reason to go on knowing it, or NULL. Silent pulses are
 * one path's silence: another sign of life keeps its players (rule 11, docs/architecture.md).
 * Without replication nothing counts them.
 */
static const char *players_need(const struct daemon *d, unsigned int slot,
				const struct peer_sight *sight)
{
	const bool pulses = sight->by == PEER_BY_PULSE;
	struct replication_status replica;

	if (!replication_get_status(d->replication, slot, &replica))
		return pulses ? "runs, and without replication nobody here knows its players; "
				"stop hokm-xdp there first (hokm-xdp cleanup)"
			      : NULL;
	if (sight->players_dead || !replica.entries)
		return NULL;
	return pulses ? "has players; drain it first, or terminate them there "
			"(hokm-xdp cleanup --terminate)"
		      : "has players, and shows life without pulses; mend the path first, "
			"or terminate them there and restart hokm-xdp here";
}

/*
 * Why this node must go on knowing the peer in this slot, as the end of a sentence, or NULL. It
 * hears nothing of a node that it does not know, and both would own where the peer owns the VIP. An
 * owner that sends its adverts to each peer would not be heard by it. And it resets the players on
 * such a node, whose packets it does not steer there any more.
 */
static const char *why_needed(const struct daemon *d, unsigned int slot, uint64_t now_ns)
{
	const struct peer *p = &d->node.peers.list[slot];
	const struct peer_sight sight = peers_sight(&d->node.peers, slot, now_ns);
	const bool master = d->vrrp.state == HOKM_VRRP_MASTER;

	if (!master && owns_vip(&p->map, sight.by, now_ns))
		return "owns the VIP; move the VIP to another node first";
	if (master && !d->node.conf->multicast && sight.by == PEER_BY_PULSE)
		return "runs; stop hokm-xdp there first";
	return players_need(d, slot, &sight);
}

static bool forgets_peer(const struct daemon *d, const struct conf *wanted, struct harm *h)
{
	const uint64_t now_ns = clock_now_ns();
	const char *why = NULL, *peer = NULL;

	for (unsigned int slot = 0; !why && slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *p = &d->node.peers.list[slot];

		if (p->used && !has_node(wanted, p->addr))
			why = why_needed(d, slot, now_ns);
		peer = p->name;
	}
	return why &&
	       harms(h, "; see \"Change the address of a node\" in docs/operation.md",
		     "the file has no node with the address of peer %s, which %s", peer, why);
}

/*
 * A peer that has not read the former change of the members yet, has read another one, or waits for
 * it (*waits), or NULL. With one change more, its majority and that of this node may have no member
 * in common.
 */
static const char *peer_behind(const struct daemon *d, const struct conf *wanted, bool *waits)
{
	const struct agree *there[HOKM_MAX_PEERS];
	struct agree here, want;
	int slot;

	/* Also when this node goes by no majority now: its peer may, by members of its own. */
	if (!conf_majority(wanted) || !conf_members_differ(d->node.conf, wanted) ||
	    conf_agree(d->node.conf, &here) || conf_agree(wanted, &want))
		return NULL;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		there[i] = agreement_there(&d->agreement, i, clock_now_ns());
	slot = agree_behind(&here, &want, there);
	if (slot < 0)
		return NULL;
	*waits = agree_waits(&here, there[slot]);
	return d->node.peers.list[slot].name;
}

/*
 * This owner goes by the members of the file before the present one, until those of the present one
 * grant it. Then only the file before may follow.
 */
static bool waits_for_members(const struct daemon *d, const struct conf *wanted)
{
	return quorum_behind(&d->quorum) && conf_members_differ(d->node.conf, wanted) &&
	       !quorum_goes_by(&d->quorum, wanted);
}

/* Two members that count different majorities must have one in common. */
static bool parts_members(const struct daemon *d, const struct conf *wanted, struct harm *h)
{
	bool peer_waits = false;
	const char *peer = peer_behind(d, wanted, &peer_waits);
	char why[CONF_NAME_MAX + 80] = "too many members change at once";
	const bool waits = waits_for_members(d, wanted);
	const bool other = peer && !waits && !peer_waits;

	if (conf_majorities_meet(d->node.conf, wanted) && !peer && !waits)
		return false;
	if (waits)
		snprintf(why, sizeof(why),
			 "the members of the reload before do not grant this owner yet");
	else if (peer_waits)
		snprintf(why, sizeof(why),
			 "the members of the reload before do not grant peer %s yet", peer);
	else if (peer)
		snprintf(why, sizeof(why),
			 "peer %s has other members than this node and than the file", peer);
	return harms(h,
		     other ? "; see docs/arbiters.md, \"Different members on the nodes\""
			   : "; see docs/arbiters.md, \"Change the members\"",
		     "%s", why);
}

/* Two nodes would own the VIP with this file, or players would be reset. */
static bool is_harmful(const struct daemon *d, const struct conf *wanted, struct harm *h)
{
	const char *peer = unheard_peer(&d->node, wanted);

	if (peer)
		return harms(h, "; see \"Replace the secret\" in docs/operation.md",
			     "peer %s signs with a secret that the file does not have", peer);
	return forgets_peer(d, wanted, h) || parts_members(d, wanted, h);
}

bool reload_harms(const struct reload *r, const struct conf *wanted, char *why, size_t size)
{
	const char *key = shared_keys_changed(r->d->node.conf, wanted);
	const struct daemon *d = r->d;
	const char *peer = key ? shared_keys_peer(&d->node.peers, d->replication, clock_now_ns())
			       : NULL;
	struct harm h;

	if (peer)
		harms(&h, SEE_SHARED,
		      "%s is another one in the file, and peer %s runs, or stopped a moment ago",
		      key, peer);
	else if (!is_harmful(r->d, wanted, &h))
		return false;
	snprintf(why, size, "%s%s", h.why, h.see);
	return true;
}

static bool try_swap(struct reload *r)
{
	struct node *n = &r->d->node;
	const char *key = r->err ? NULL : conf_needs_restart(n->conf, r->conf);
	struct harm h;

	if (r->err)
		return refuse_file(r);
	if (key)
		return refuse(r,
			      shared_keys_has(key)
				      ? ", and not on one node after the other" SEE_SHARED
				      : "",
			      "%s can only be changed by a restart", key);
	if (is_harmful(r->d, r->conf, &h))
		return refuse(r, h.see, "%s", h.why);
	r->err = swap(r->d, r->conf);
	if (r->err) {
		keep_text(r, strerror(-r->err));
		log_error("reload failed, the former configuration stays: %s", r->text);
		events_add(n->events, "config", HOKM_R_RELOAD_REFUSED, "reload failed: %s",
			   r->text);
		return false;
	}
	log_set_level((enum log_level)n->conf->log_level);
	log_info("reloaded %s", r->file);
	events_add(n->events, "config", HOKM_R_RELOADED, "reloaded");
	return true;
}

static void forget(struct reload *r)
{
	free(r->errors);
	r->errors = NULL;
	r->errors_len = 0;
	r->conf = NULL;
}

bool reload_finish(struct reload *r)
{
	bool swapped;

	if (!r->running)
		return false;
	/* It would undo the long lease. The new daemon reads the file anyway. */
	r->put_off = upgrade_parts(r->d->upgrade);
	if (r->put_off)
		return false;
	rt_thread_over(r->thread);
	r->running = false;
	swapped = try_swap(r);
	r->phase = swapped ? "done" : "refused";
	forget(r);
	if (r->again)
		(void)reload_start(r);
	else
		(void)sd_notify(0, "READY=1");
	return swapped;
}

const char *reload_phase(const struct reload *r)
{
	return r->phase;
}

const char *reload_text(const struct reload *r)
{
	return r->text;
}

bool reload_put_off(const struct reload *r)
{
	return r->put_off;
}

bool reload_reads(const struct reload *r)
{
	/* One that is put off was read. */
	return r && r->running && !r->put_off;
}

/* ---- open, start, close ---- */

static int on_read(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct reload *r = arg;
	uint64_t n;

	(void)s;
	(void)revents;
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		inbox_note(&r->d->node.inbox, INBOX_RELOAD);
	return 0;
}

int reload_open(struct daemon *d, struct reload **out)
{
	struct reload *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->d = d;
	r->phase = "none";
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = r->fd < 0 ? -errno
			: sd_event_add_io(d->node.event, &r->source, r->fd, EPOLLIN, on_read, r);
	if (err < 0) {
		reload_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void reload_close(struct reload *r)
{
	if (!r)
		return;
	if (r->running) {
		pthread_join(r->thread, NULL);
		conf_free(r->conf);
		forget(r);
	}
	sd_event_source_disable_unref(r->source);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

int reload_start(struct reload *r)
{
	uint64_t now_us = clock_now_ns() / 1000;
	int err;

	r->again = r->running;
	r->phase = "reading";
	r->text[0] = '\0';
	if (r->running)
		return 0;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us);
	memcpy(r->file, r->d->node.conf->file, sizeof(r->file));
	err = -pthread_create(&r->thread, NULL, read_conf, r);
	r->running = err == 0;
	if (err) {
		r->phase = "refused";
		snprintf(r->text, sizeof(r->text), "no thread could be started: %s",
			 strerror(-err));
		log_error("could not start the reload: %s", strerror(-err));
	}
	return err;
}
