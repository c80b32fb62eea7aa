/* SPDX-License-Identifier: GPL-2.0-only */
/* See traffic_watch.h. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/node.h"
#include "daemon/traffic_watch.h"
#include "sense/listen_queue.h"

/* Count from the beginning: as far back as the ring of map waits reaches. */
#define EVERYTHING_NS 0

/* ---- samples ---- */

static void take_counters(const struct hokm_counters *c, struct observe_sample *s)
{
	s->syn = c->syn_local;
	s->syn_ack = c->syn_ack;
	s->established = c->established;
	s->refused = c->refused;
	s->filtered = c->rst_filter + c->rst_join;
	s->answered = c->switched + c->upgrade_4xx + c->upgrade_5xx + c->upgrade_other;
	s->answer_5xx = c->upgrade_5xx;
	s->pongs = c->out_pong;
	s->reset = c->reset_server;
	s->abnormal = c->abnormal_server;
	s->close_error = c->close_1011 + c->close_1012 + c->close_1013;
	s->unserved = c->unserved;
	s->ended = c->reset_server + c->abnormal_server + c->abnormal_client + c->close_server +
		   c->close_client;
}

/* The requests of one kind that are late; *oldest_ns: when the oldest that waits began. */
static int take_waits(struct node *n, const struct service *svc, enum hokm_signal signal,
		      uint64_t now_ns, uint32_t *late, uint64_t *oldest_ns)
{
	enum hokm_bpf_wait kind = signal == HOKM_SIGNAL_PING ? HOKM_WAIT_PING : HOKM_WAIT_UPGRADE;
	uint64_t from_ns, to_ns;
	uint32_t all;
	int err = hokm_bpf_count_waits(
		n->bpf, svc->slot, kind, EVERYTHING_NS, now_ns, &all, oldest_ns);

	*late = 0;
	/* Nearly always nothing waits, and no second look is needed. */
	if (err || !all || !observe_late_range(&svc->observe, signal, now_ns, &from_ns, &to_ns))
		return err;
	return hokm_bpf_count_waits(n->bpf, svc->slot, kind, from_ns, to_ns, late, NULL);
}

/* SYNs without any packet of the server: what the signals judge leaves by another interface. */
#define UNSEEN_SYNS 3

/*
 * Is a queue of the server full? Only asked while SYNs stay unanswered, and not while connections
 * are being terminated: kernels before 6.9 do all requests of sock_diag under one lock, and a
 * request that waits for the lock of a socket would hold up this thread.
 */
static void take_queue(const struct node *n, struct service *svc, struct observe_sample *s)
{
	int queue;

	if (n->terminating || !observe_asks_queue(&svc->observe, s))
		return;
	queue = listen_queue(svc->vip, svc->conf->port);
	if (queue < 0)
		log_debug("service %s: could not read its queue: %s", svc->conf->name,
			  strerror(-queue));
	s->queue_full = queue == LISTEN_FULL;
}

#define PACE_NS NS_PER_S

/* How long upgrades take at this service, once a second. */
static void take_pace(struct node *n, struct service *svc, uint64_t now_ns)
{
	struct hokm_latency latency;

	if (svc->recent_ns && now_ns < svc->recent_ns + PACE_NS)
		return;
	if (!svc->recent_ns)
		recent_init(&svc->recent, now_ns);
	svc->recent_ns = now_ns;
	if (!hokm_bpf_get_latency(n->bpf, svc->slot, &latency))
		recent_take(&svc->recent, latency.upgrade, now_ns);
	observe_pace(&svc->observe, svc->recent.median_ns);
}

static int sample(struct node *n, struct service *svc, uint64_t now_ns, struct observe_sample *s)
{
	struct hokm_suspect suspect;
	struct hokm_counters counters;
	int err;

	memset(s, 0, sizeof(*s));
	take_pace(n, svc, now_ns);
	err = hokm_bpf_get_counters(n->bpf, svc->slot, &counters);
	if (!err)
		err = hokm_bpf_get_suspect(n->bpf, svc->slot, &suspect);
	if (!err)
		err = take_waits(n, svc, HOKM_SIGNAL_UPGRADE, now_ns, &s->late_upgrades,
				 &svc->oldest_upgrade_ns);
	if (!err)
		err = take_waits(n, svc, HOKM_SIGNAL_PING, now_ns, &s->late_pings,
				 &svc->oldest_ping_ns);
	if (err)
		return err;
	take_counters(&counters, s);
	take_queue(n, svc, s);
	svc->unseen = !counters.packets_out && counters.syn_local >= UNSEEN_SYNS;
	s->suspect_until_ns = suspect.until_ns;
	return 0;
}

/* ---- verdicts ---- */

static void report_cleared(struct node *n, const char *name, const struct observe_verdict *v)
{
	const char *text = hokm_reason_text(v->reason);

	log_info("service %s is no longer suspect: reason=%s (%s)", name,
		 hokm_reason_name(v->reason), text);
	events_add(n->events, "passive", v->reason, "%s: %s", name, text);
}

static void report_tripped(struct node *n, const char *name, const struct observe_verdict *v,
			   uint64_t now_ns)
{
	const char *text = hokm_reason_text(v->reason);
	uint64_t hold_ms = v->until_ns > now_ns ? (v->until_ns - now_ns) / NS_PER_MS : 0;

	log_warn("service %s suspect reason=%s (%s): %llu of %llu; "
		 "new players go to a peer for %llu ms, active checks run now",
		 name, hokm_reason_name(v->reason), text, (unsigned long long)v->wrong,
		 (unsigned long long)v->all, (unsigned long long)hold_ms);
	events_add(n->events, "passive", v->reason, "%s: %s: %llu of %llu, held for %llu ms", name,
		   text, (unsigned long long)v->wrong, (unsigned long long)v->all,
		   (unsigned long long)hold_ms);
}

static void carry_out(struct node *n, struct service *svc, const struct observe_verdict *v,
		      uint64_t now_ns)
{
	switch (v->change) {
	case OBSERVE_SAME:
		return;
	case OBSERVE_TRIPPED:
		apply_hold_suspect(n->apply, svc->slot, v->until_ns);
		report_tripped(n, svc->conf->name, v, now_ns);
		service_alert(svc, true, now_ns);
		return;
	case OBSERVE_RENEWED:
		apply_hold_suspect(n->apply, svc->slot, v->until_ns);
		return;
	case OBSERVE_CLEARED:
		apply_hold_suspect(n->apply, svc->slot, 0);
		report_cleared(n, svc->conf->name, v);
		service_alert(svc, false, now_ns);
		return;
	case OBSERVE_DOUBTED:
		/* Not in the log: a client who is turned away rightly can cause many of them. */
		service_doubt(svc, now_ns);
		return;
	}
}

const char *traffic_watch_end_text(enum hokm_reason why)
{
	if (why == HOKM_R_NOT_CONFIGURED)
		return "passive checks are off, so nothing sees whether SYNs are answered";
	return hokm_reason_text(why);
}

static void report_answers(struct node *n, struct service *svc, enum unanswered_news news,
			   enum hokm_reason why)
{
	const char *name = svc->conf->name, *text = traffic_watch_end_text(why);

	if (news == UNANSWERED_FIRST_END)
		svc->answers_end = why;
	if (news != UNANSWERED_ENDED && news != UNANSWERED_CEASED)
		return;
	log_info("service %s: syns-unanswered is over: reason=%s (%s)", name, hokm_reason_name(why),
		 text);
	events_add(n->events, "passive", why, "%s: %s", name, text);
}

/*
 * The active checks reach the service without leaving the machine. What only clients meet, such as
 * a packet filter, nobody else sees.
 */
static void watch_answers(struct node *n, struct service *svc, const struct observe_sample *s,
			  uint64_t now_ns)
{
	const struct unanswered_look look = {
		.syns = s->syn,
		.answered = s->syn_ack + s->refused,
		.established = s->established,
		.unseen = svc->unseen,
		.doubtful = s->queue_full || svc->health != HOKM_SVC_UP,
	};
	const char *name = svc->conf->name;
	struct unanswered *u = &svc->unanswered;
	uint64_t before = u->syns, since_ns = u->since_ns;
	enum unanswered_news news = unanswered_step(u, &look, now_ns);

	if (news == UNANSWERED_BEGAN) {
		log_warn("service %s: reason=syns-unanswered: "
			 "%llu SYNs of clients arrived in %llu s, and none was answered, "
			 "although the checks pass: look for a packet filter on this machine "
			 "that closes port %u (nft list ruleset)",
			 name, (unsigned long long)(s->syn - before),
			 (unsigned long long)((now_ns - since_ns) / NS_PER_S), svc->conf->port);
		events_add(n->events, "passive", HOKM_R_SYNS_UNANSWERED, "%s: %s", name,
			   hokm_reason_text(HOKM_R_SYNS_UNANSWERED));
	}
	report_answers(n, svc, news,
		       news == UNANSWERED_CEASED ? HOKM_R_SYNS_CEASED : HOKM_R_SYNS_ANSWERED);
}

/* ---- results of active checks ---- */

/*
 * With passive checks off, the packet path still steers new players away after a refused SYN: good
 * results of all checks of the service, begun after it, end that.
 */
static void clear_suspect(struct node *n, const struct service *svc)
{
	struct hokm_suspect suspect;

	if (svc->observe.conf.on || svc->health != HOKM_SVC_UP ||
	    hokm_bpf_get_suspect(n->bpf, svc->slot, &suspect))
		return;
	for (unsigned int i = 0; i < svc->conf->n_checks; i++)
		if (svc->checks[i].health.reason != HOKM_R_CHECK_OK ||
		    svc->checks[i].health.started_ns <= suspect.since_ns)
			return;
	if (suspect.until_ns)
		apply_hold_suspect(n->apply, svc->slot, 0);
}

static void show_results(struct node *n, struct service *svc, uint64_t now_ns)
{
	for (unsigned int i = 0; i < svc->conf->n_checks; i++) {
		const struct health *h = &svc->checks[i].health;
		struct observe_verdict v;

		if (!svc->checks[i].fresh)
			continue;
		svc->checks[i].fresh = false;
		/* A check that the agent lost proves nothing about the service. */
		if (h->reason != HOKM_R_CHECK_AGENT) {
			const struct observe_result r = {
				i, h->reason == HOKM_R_CHECK_OK, h->doubting, h->started_ns};

			observe_check(&svc->observe, &r, now_ns, &v);
			carry_out(n, svc, &v, now_ns);
		}
		clear_suspect(n, svc);
	}
}

/* ---- the watch ---- */

void traffic_watch_prepare(const struct node *n)
{
	for (unsigned int s = 0; s < n->services.n; s++)
		(void)listen_queue(n->services.list[s].vip, n->services.list[s].conf->port);
}

static void take_sample(struct node *n, struct service *svc, uint64_t now_ns)
{
	struct observe_verdict v;
	struct observe_sample now;
	int err = sample(n, svc, now_ns, &now);

	if (err) {
		if (!svc->observe_failed)
			log_error("passive checks of service %s: could not read the maps: %s; "
				  "active checks go on",
				  svc->conf->name, strerror(-err));
		svc->observe_failed = true;
		return;
	}
	svc->observe_failed = false;
	observe_step(&svc->observe, &now, svc->health == HOKM_SVC_UP && !svc->unseen, now_ns, &v);
	carry_out(n, svc, &v, now_ns);
	watch_answers(n, svc, &now, now_ns);
}

uint64_t traffic_watch_next_ns(const struct node *n, uint64_t now_ns)
{
	uint64_t next_ns = 0;

	for (unsigned int s = 0; s < n->services.n; s++) {
		uint64_t at_ns = observe_next_ns(&n->services.list[s].observe, now_ns);

		if (at_ns && (!next_ns || at_ns < next_ns))
			next_ns = at_ns;
	}
	return next_ns;
}

bool traffic_watch_asks(const struct node *n, unsigned int slot, enum hokm_signal signal,
			uint64_t now_ns)
{
	const struct service *svc = services_by_slot(&n->services, slot);

	return svc && svc->health == HOKM_SVC_UP && observe_asks(&svc->observe, signal, now_ns);
}

void traffic_watch(struct node *n, uint32_t refused, uint32_t turned_away, uint64_t now_ns)
{
	for (unsigned int s = 0; s < n->services.n; s++) {
		struct service *svc = &n->services.list[s];
		bool refuses = refused & 1u << svc->slot;
		bool early = (refused | turned_away) & 1u << svc->slot;
		uint64_t next_ns;

		show_results(n, svc, now_ns);
		if (!svc->observe.conf.on)
			report_answers(n, svc, unanswered_stop(&svc->unanswered),
				       HOKM_R_NOT_CONFIGURED);
		next_ns = observe_next_ns(&svc->observe, now_ns);
		if ((early && svc->observe.conf.on) || (next_ns && now_ns >= next_ns))
			take_sample(n, svc, now_ns);
		if (refuses)
			service_hurry(svc, now_ns);
	}
}
