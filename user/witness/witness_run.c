/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program of a witness: one socket, one timer, one loop. Its configuration is read once; it is
 * started anew for another one, and is silent then for as long as a grant may last.
 *
 * It answers at real-time priority with memory locked, for an answer that is late is none. It keeps
 * no privilege: what needs one is done before the first packet is read.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "base/timer.h"
#include "sense/link.h"
#include "witness/witness_report.h"
#include "witness/witness_run.h"
#include "witness/witness_sock.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"
#define RT_PRIORITY  40
#define TICK_NS      NS_PER_S
#define PACKETS      64 /* of one turn of the loop: the timer and signals have their turn too */

struct program {
	struct witness witness;
	struct witness_report report;
	char interface[IF_NAMESIZE];
	int fd;
	sd_event *event;
	sd_event_source *packets, *tick;
};

/* ---- the loop ---- */

static int on_packets(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct program *p = arg;

	(void)s;
	(void)revents;
	witness_sock_serve(fd, &p->witness, PACKETS);
	witness_report_holder(&p->report, &p->witness, clock_now_ns());
	return 0;
}

/* The interface may have another MAC address now, or be another one: a bond, one made again. */
static void read_mac(struct program *p)
{
	uint8_t mac[6];

	if (!link_mac(p->interface, mac))
		memcpy(p->witness.mac, mac, sizeof(mac));
}

static int on_tick(sd_event_source *s, uint64_t usec, void *arg)
{
	struct program *p = arg;
	const uint64_t now_ns = clock_now_ns();

	(void)s;
	(void)usec;
	read_mac(p);
	witness_report_tick(&p->report, &p->witness, now_ns);
	timer_arm(p->tick, now_ns + TICK_NS);
	return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	(void)arg;
	log_info("stopping: signal %u", si->ssi_signo);
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int open_loop(struct program *p)
{
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) || signal(SIGHUP, SIG_IGN) == SIG_ERR ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	err = sd_event_new(&p->event);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGTERM, on_signal, p);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGINT, on_signal, p);
	if (err >= 0)
		err = sd_event_set_watchdog(p->event, true);
	if (err >= 0)
		err = sd_event_add_io(p->event, &p->packets, p->fd, EPOLLIN, on_packets, p);
	if (err >= 0)
		err = timer_add(p->event, &p->tick, SD_EVENT_PRIORITY_NORMAL, on_tick, p);
	return err < 0 ? err : 0;
}

/* ---- start ---- */

/* Without root the program stays the user that it is. */
static int give_up_privileges(const struct conf *c)
{
	caps_realtime(RT_PRIORITY);
	return caps_become(geteuid() == 0 ? c->agent_user : CAPS_SAME_USER);
}

static void report_start(const struct program *p, const struct conf *c, unsigned int self)
{
	log_info("witness %s of %u nodes, port %u on %s", c->witnesses[self].name, c->n_nodes,
		 c->pulse_port, p->interface);
	if (conf_majority(c)) {
		log_info("silent for %" PRIu64 " ms, as long as a grant of an earlier run may last",
			 (uint64_t)(hokm_grant_silence_ns(p->witness.promise.longest_ns) /
				    NS_PER_MS));
	} else {
		char arrangement[CONF_ARRANGEMENT_MAX];

		log_warn("this witness is asked by nobody: %s", conf_arrangement(c, arrangement));
	}
}

static int start(struct program *p, const struct conf *c, unsigned int self)
{
	int err = link_mac(p->interface, p->witness.mac);

	if (err) {
		log_error("%s: its MAC address could not be read: %s", p->interface,
			  strerror(-err));
		return err;
	}
	p->fd = witness_sock_open(p->witness.addr, c->pulse_port);
	if (p->fd < 0)
		return p->fd;
	/*
	 * The thread keeps its rights until all threads change the user together: one that had
	 * dropped them could not. That change takes its rights away. Afterwards locked memory would
	 * leave no room for its stack.
	 */
	err = log_queue_start(NULL);
	if (!err)
		err = give_up_privileges(c);
	if (!err)
		err = open_loop(p);
	if (err)
		log_error("the witness could not start: %s", strerror(-err));
	else
		report_start(p, c, self);
	return err;
}

static void close_all(struct program *p)
{
	sd_event_source_disable_unref(p->packets);
	sd_event_source_disable_unref(p->tick);
	sd_event_unref(p->event);
	if (p->fd >= 0)
		close(p->fd);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

static int run(const struct conf *c, unsigned int self, const char *interface)
{
	struct program *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	snprintf(p->interface, sizeof(p->interface), "%s", interface);
	err = witness_init(&p->witness, c, self, clock_now_ns());
	if (!err)
		err = start(p, c, self);
	if (!err) {
		(void)sd_notify(0, "READY=1");
		timer_arm(p->tick, clock_now_ns());
		err = sd_event_loop(p->event);
	}
	close_all(p);
	return err;
}

/* ---- command line ---- */

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration (" DEFAULT_CONF ")"},
	{"name", 'n', false, "NAME", "this witness of the file; its address must be here"},
	{NULL, 0, false, NULL, NULL},
};

const struct command witness_command = {
	.name = "witness",
	.operands = "",
	.summary = "a member that grants the VIP to an owner, in the foreground",
	.about = "Runs a witness in the foreground, as the unit hokm-xdp-witness does. "
		 "It has no VIP and no game: it answers the pulses of the nodes, and grants the "
		 "VIP to one of them at a time, so that two nodes have a majority. "
		 "It finds by the addresses of this machine which witness of the file it is. "
		 "SIGTERM ends it.",
	.options = options,
};

static int parse(int argc, char **argv, const char **file, const char **name)
{
	struct command_line l;
	int c;

	command_begin(&l, &witness_command, argc, argv, stdout, stderr);
	while ((c = command_next(&l)) > 0) {
		if (c == 'c')
			*file = l.value;
		else if (c == 'n')
			*name = l.value;
		else
			c = command_wrong(&l, "unexpected argument `%s`", l.value);
		if (c < 0)
			break;
	}
	return c == COMMAND_HELP ? 1 : c ? -EINVAL : 0;
}

/* Which witness this machine is. An exit code: the address may come later, a name does not. */
static int find_self(const struct conf *c, const char *name, unsigned int *self,
		     char interface[IF_NAMESIZE])
{
	int err = conf_find_witness(c, name, self, interface);

	if (err == -ENOENT && name)
		log_error("%s has no witness %s", c->file, name);
	else if (err == -ENOENT)
		log_error("%s has no witness: write witness NAME { address = \"...\" }", c->file);
	else if (err == -EADDRNOTAVAIL)
		log_error("this machine has the address of no witness%s%s", name ? " " : "",
			  name ? name : "");
	else if (err)
		log_error("the addresses of this machine cannot be read: %s", strerror(-err));
	return !err ? EX_OK : err == -ENOENT ? EX_CONFIG : EX_UNAVAILABLE;
}

int witness_main(int argc, char **argv)
{
	const char *file = DEFAULT_CONF, *name = NULL;
	char interface[IF_NAMESIZE] = "";
	struct conf *c = NULL;
	unsigned int self = 0;
	int err = parse(argc, argv, &file, &name);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	/* The memory has secrets. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		log_warn("core dumps could not be turned off: %s", strerror(errno));
	err = conf_load(file, false, stderr, &c);
	if (err)
		return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
	log_set_level((enum log_level)c->log_level);
	err = find_self(c, name, &self, interface);
	if (!err)
		err = run(c, self, interface) ? EX_UNAVAILABLE : EX_OK;
	conf_free(c);
	return err;
}
