/* SPDX-License-Identifier: GPL-2.0-only */
/* See monitor.h. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/timer.h"
#include "daemon/monitor.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"
#define CREDENTIAL   "hokm-dns"
#define TICK_NS      (200 * NS_PER_MS)
#define BUSY_NS      (20 * NS_PER_MS) /* while a job at the provider runs */

_Static_assert(sizeof(((struct conf *)NULL)->nodes) / sizeof(struct conf_node) <= DNS_MONITOR_NODES,
	       "the machine knows all nodes");

/* ---- one turn ---- */

/* Reports the begin and the end of a time in which nothing is seen. Both records see the same. */
static void report_blind(struct monitor *m, enum dns_view view)
{
	bool blind = view == DNS_VIEW_BLIND;
	enum hokm_reason reason = blind ? HOKM_R_DNS_BLIND : HOKM_R_DNS_SEES;

	if (blind == m->blind || view == DNS_VIEW_STARTING)
		return;
	m->blind = blind;
	if (blind)
		log_error("dns: no node is healthy in the view of this monitor, "
			  "which may be cut off itself: the record is left as it is");
	else
		log_info("dns: %s", hokm_reason_text(reason));
	events_add(m->node.events, "dns", reason, "%s%s", hokm_reason_text(reason),
		   blind ? ": the record is left as it is" : "");
}

/* A node went DOWN. Do the others still answer, or does this monitor see nothing any more? */
static void look_again(struct monitor *m, uint64_t now_ns)
{
	for (unsigned int i = 0; i < m->node.conf->n_nodes; i++)
		if (m->watch[i].sight == DNS_SIGHT_UP)
			monitor_watch_hurry(&m->watch[i], now_ns);
}

static void decide(struct monitor *m, uint64_t now_ns, struct dns_owner out[CONF_DNS_TYPES])
{
	struct dns_monitor_node nodes[CONF_NODES_MAX];
	unsigned int n = m->node.conf->n_nodes;

	for (unsigned int i = 0; i < n; i++)
		monitor_watch_see(&m->watch[i], &nodes[i]);
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++) {
		struct dns_monitor *d = &m->decide[t];
		bool due = dns_monitor_see(d, nodes, n, now_ns);

		out[t] = (struct dns_owner){
			.owner = d->acts || m->dns.book.held[t][0],
			.hold = d->view == DNS_VIEW_DOUBT,
			.renew = due,
			.node = d->began ? d->want : n,
			.keep = d->keep,
		};
	}
}

static void turn(struct monitor *m)
{
	struct dns_owner want[CONF_DNS_TYPES];
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < m->node.conf->n_nodes; i++)
		monitor_watch_turn(&m->watch[i], now_ns);
	decide(m, now_ns, want);
	report_blind(m, m->decide[0].view);
	if (m->decide[0].view == DNS_VIEW_DOUBT)
		look_again(m, now_ns);
	dns_tick(&m->dns, want, now_ns);
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++)
		if (m->decide[t].failback && m->dns.line[t].when.state == DNS_RIGHT)
			dns_monitor_done(&m->decide[t]);
	notify_feed_run(&m->notify);
	timer_arm(m->tick, now_ns + (dns_busy(&m->dns) ? BUSY_NS : TICK_NS));
}

/* ---- the loop ---- */

static int on_turn(sd_event_source *s, void *arg)
{
	(void)s;
	turn(arg);
	return 0;
}

/* The turn comes after it. */
static int on_tick(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	(void)arg;
	return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	(void)arg;
	log_info("stopping: signal %u; the record is left as it is", si->ssi_signo);
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int open_loop(struct monitor *m)
{
	sd_event **event = &m->node.event;
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return -errno;
	err = sd_event_new(event);
	if (err >= 0)
		err = sd_event_add_signal(*event, NULL, SIGTERM, on_signal, m);
	if (err >= 0)
		err = sd_event_add_signal(*event, NULL, SIGINT, on_signal, m);
	if (err >= 0)
		err = sd_event_set_watchdog(*event, true);
	if (err >= 0)
		err = sd_event_add_post(*event, &m->turn, on_turn, m);
	if (err >= 0)
		err = timer_add(*event, &m->tick, SD_EVENT_PRIORITY_NORMAL, on_tick, m);
	return err < 0 ? err : 0;
}

/* ---- start ---- */

/*
 * Better nodes than the one that an earlier run wrote were DOWN: their failback is still to come.
 */
static void recall(struct monitor *m, unsigned int t)
{
	const struct conf *c = m->node.conf;
	struct dns_monitor_node nodes[CONF_NODES_MAX];
	uint8_t priority = UINT8_MAX;

	for (unsigned int i = 0; i < c->n_nodes; i++) {
		monitor_watch_see(&m->watch[i], &nodes[i]);
		if (m->dns.book.mine[t] &&
		    !strcmp(m->dns.book.right[t], conf_dns_value(c, i, (enum conf_dns_type)t)))
			priority = c->nodes[i].priority;
	}
	dns_monitor_recall(&m->decide[t], nodes, c->n_nodes, priority);
}

static int open_parts(struct monitor *m)
{
	struct node *n = &m->node;
	int err = events_open(n->event, -1, NULL, NULL, &n->events);

	for (unsigned int i = 0; !err && i < n->conf->n_nodes; i++)
		err = monitor_watch_open(&m->watch[i], n->event, n->conf, i, n->events);
	if (!err)
		err = dns_open(&m->dns, n, true);
	if (!err)
		err = notify_feed_open(&m->notify, n);
	if (!err)
		err = m->front_ops->open(m, n->event, n->conf, n->events, &m->front);
	for (unsigned int t = 0; !err && t < CONF_DNS_TYPES; t++) {
		dns_monitor_init(&m->decide[t], n->conf->dns.failback_ns,
				 monitor_watch_settle_ns(n->conf));
		recall(m, t);
	}
	return err;
}

static void close_all(struct monitor *m)
{
	m->front_ops->close(m->front);
	dns_close(&m->dns);
	notify_feed_close(&m->notify);
	for (unsigned int i = 0; i < m->node.conf->n_nodes; i++)
		monitor_watch_close(&m->watch[i]);
	events_close(m->node.events);
	sd_event_source_disable_unref(m->tick);
	sd_event_source_disable_unref(m->turn);
	sd_event_unref(m->node.event);
	conf_free(m->node.conf);
	free(m);
}

static int run(struct conf *c, const struct monitor_front *front)
{
	struct monitor *m = calloc(1, sizeof(*m));
	char advice[LIMITS_ADVICE];
	int err;

	if (!m) {
		conf_free(c);
		return -ENOMEM;
	}
	m->node.conf = c;
	m->node.nonce = clock_now_ns() | 1;
	m->front_ops = front;
	limits_raise_files();
	err = open_loop(m);
	if (!err)
		err = open_parts(m);
	if (!err) {
		log_info("monitor of %u nodes, %s", c->n_nodes,
			 c->dns.watch == CONF_DNS_PUBLIC ? "at their public addresses"
							 : "at their own addresses");
		(void)sd_notify(0, "READY=1");
		timer_arm(m->tick, clock_now_ns());
		err = sd_event_loop(m->node.event);
	} else {
		log_error("the monitor could not start: %s%s", strerror(-err),
			  limits_advice(err, advice));
	}
	close_all(m);
	return err;
}

/*
 * Without root everything runs as the user that this process is, and systemd's credential counts
 * more than a file that only root can read. The queue of notifications is beside the history.
 */
static void adapt(struct conf *c)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[CONF_PATH_MAX];

	if (geteuid() != 0)
		snprintf(c->agent_user, sizeof(c->agent_user), "%s", CAPS_SAME_USER);
	if (folder && snprintf(path, sizeof(path), "%s/" CREDENTIAL, folder) < (int)sizeof(path) &&
	    !access(path, F_OK))
		c->dns.credentials[0] = '\0';
	conf_dns_as_monitor(c);
}

static int load(const char *file, struct conf **out)
{
	int err = conf_load(file, false, stderr, out);

	if (err)
		return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
	log_set_level((enum log_level)(*out)->log_level);
	if ((*out)->dns.provider == CONF_DNS_NONE || (*out)->dns.mode != CONF_DNS_MONITOR)
		log_error(
			"%s: for a monitor, section dns needs record, provider and mode = monitor",
			file);
	else if (monitor_watch_prepare(*out))
		return EX_OK;
	conf_free(*out);
	return EX_CONFIG;
}

int monitor_main(int argc, char **argv, const struct monitor_front *front)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	const char *file = DEFAULT_CONF;
	struct conf *c = NULL;
	int code, opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			file = optarg;
		else
			printf("usage: hokm-xdp dns monitor [-c FILE]\n");
		if (opt != 'c')
			return opt == 'h' ? EX_OK : EX_USAGE;
	}
	code = load(file, &c);
	if (code)
		return code;
	adapt(c);
	return run(c, front) ? EX_UNAVAILABLE : EX_OK;
}
