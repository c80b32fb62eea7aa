/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program of a witness: one socket, one timer, one loop. What answers the nodes is its kernel
 * (witness_kernel.h), or, where that cannot be had or is not wanted, the process itself.
 *
 * The kernel answers whatever the process does. So a process that ends by SIGTERM takes the program
 * away, and one that ends in any other way leaves it to the next process: killed, or by SIGUSR1,
 * which a restart sends, or because its address moved to another interface. SIGHUP reads the
 * configuration again. The process keeps two capabilities, for maps and for the program; it reads
 * no packet.
 *
 * A process that answers by itself does so at real-time priority with memory locked, for an answer
 * that is late is none. It keeps no privilege: what needs one is done before the first packet is
 * read. Therefore it cannot read its configuration again, and is silent after a restart for as long
 * as a grant may last.
 *
 * The socket is open in both cases: two processes cannot be the same witness.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "base/timer.h"
#include "path/bpf_clock.h"
#include "sense/link.h"
#include "witness/witness_kernel.h"
#include "witness/witness_report.h"
#include "witness/witness_run.h"
#include "witness/witness_sock.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"
#define RT_PRIORITY  40
#define TICK_NS      NS_PER_S
#define PACKETS      64 /* of one turn of the loop: the timer and signals have their turn too */

/* What the process keeps while its kernel answers: maps, and the program on the interface. */
#define KERNEL_CAPS (1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN)

struct program {
	const char *file;
	struct conf *conf;
	unsigned int self; /* which witness of conf */
	bool stays;        /* the kernel goes on answering when the process ends */
	struct witness witness;
	struct witness_kernel kernel;
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

/* The address may have moved to another interface: there the kernel hears no pulse. */
static bool has_moved(const struct program *p)
{
	char interface[IF_NAMESIZE];
	unsigned int self;

	if (conf_find_witness(p->conf, p->conf->witnesses[p->self].name, &self, interface) ||
	    !strcmp(interface, p->interface))
		return false;
	log_error("the address of the witness is on %s, its XDP program on %s: "
		  "the next process moves the program",
		  interface, p->interface);
	return true;
}

/* By its kernel, and in which mode of XDP, or by its process. */
static const char *way(const struct program *p)
{
	if (!p->kernel.bpf)
		return "in user space";
	if (p->kernel.missing)
		return "NOT: its XDP program is missing";
	return !strcmp(hokm_bpf_mode(p->kernel.bpf), "native")
		       ? "in XDP (native)"
		       : "in XDP (generic)";
}

static int on_tick(sd_event_source *s, uint64_t usec, void *arg)
{
	struct program *p = arg;
	const uint64_t now_ns = clock_now_ns();

	(void)s;
	(void)usec;
	if (p->kernel.bpf && has_moved(p)) {
		p->stays = true;
		return sd_event_exit(p->event, EX_UNAVAILABLE);
	}
	if (p->kernel.bpf) {
		witness_kernel_watch(&p->kernel, now_ns);
		witness_kernel_read(&p->kernel, &p->witness);
	} else {
		read_mac(p);
	}
	witness_report_tick(&p->report, &p->witness, way(p), now_ns);
	timer_arm(p->tick, now_ns + TICK_NS);
	return 0;
}

/* ---- reload ---- */

/* What a running witness cannot change; NULL: nothing of it differs. */
static const char *fixed_key(const struct program *p, const struct conf *c, unsigned int self)
{
	const struct conf_witness *a = &p->conf->witnesses[p->self], *b = &c->witnesses[self];

	if (strcmp(a->name, b->name) != 0 || a->addr.s_addr != b->addr.s_addr)
		return "witness.address";
	if (a->mode != b->mode)
		return "witness.mode";
	if (p->conf->vrid != c->vrid)
		return "vrrp.vrid";
	if (p->conf->pulse_port != c->pulse_port)
		return "pulse.port";
	return strcmp(p->conf->bpffs, c->bpffs) != 0 ? "bpffs" : NULL;
}

/* Which witness of the file this one is, by its address; -1: none. */
static int find_again(const struct program *p, const struct conf *c)
{
	for (unsigned int i = 0; i < c->n_witnesses; i++)
		if (c->witnesses[i].addr.s_addr == p->witness.addr.s_addr)
			return (int)i;
	return -1;
}

/* Takes c over, or frees it. */
static int use_conf(struct program *p, struct conf *c)
{
	const int self = find_again(p, c);
	const char *fixed = self < 0 ? "witness" : fixed_key(p, c, (unsigned int)self);
	int err;

	if (fixed) {
		log_error("reload refused: %s is another one in %s: that needs a restart", fixed,
			  p->file);
		conf_free(c);
		return -EINVAL;
	}
	err = witness_kernel_configure(&p->kernel, c, (unsigned int)self);
	if (!err)
		err = witness_init(&p->witness, c, (unsigned int)self, clock_now_ns());
	/* The maps may have part of it. */
	if (err)
		(void)witness_kernel_configure(&p->kernel, p->conf, p->self);
	conf_free(err ? c : p->conf);
	if (err)
		return err;
	p->conf = c;
	p->self = (unsigned int)self;
	log_set_level((enum log_level)c->log_level);
	witness_report_again(&p->report);
	return 0;
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct program *p = arg;
	struct conf *c = NULL;

	(void)s;
	(void)si;
	if (!p->kernel.bpf) {
		log_warn("reload refused: this witness answers in user space, "
			 "and has no right to read %s again: restart it",
			 p->file);
		return 0;
	}
	if (conf_load(p->file, false, stderr, &c))
		log_error("reload refused: %s is wrong, nothing changes", p->file);
	else if (!use_conf(p, c))
		log_info("%s was read again: %u nodes", p->file, p->witness.n_nodes);
	return 0;
}

/* Whether the next process finds the pins: it goes by the file as it is now. */
static bool is_found_again(const struct program *p)
{
	struct conf *c = NULL;
	bool found = true;

	/* A file that is wrong starts no process: the kernel goes on until it is right. */
	if (!conf_load(p->file, false, stderr, &c)) {
		const int self = find_again(p, c);

		found = self >= 0 && !strcmp(p->conf->bpffs, c->bpffs) &&
			!strcmp(p->conf->witnesses[p->self].name, c->witnesses[self].name);
	}
	conf_free(c);
	return found;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct program *p = arg;
	const bool restart = si->ssi_signo == SIGUSR1 && p->kernel.bpf;
	const char *then = "";

	p->stays = restart && is_found_again(p);
	if (p->stays)
		then = "; the kernel goes on answering for the next process";
	else if (restart)
		then = "; the next process is another witness by the file, or has another bpffs";
	log_info("stopping: signal %u%s", si->ssi_signo, then);
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int open_loop(struct program *p)
{
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	err = sd_event_new(&p->event);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGTERM, on_signal, p);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGINT, on_signal, p);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGUSR1, on_signal, p);
	if (err >= 0)
		err = sd_event_add_signal(p->event, NULL, SIGHUP, on_hangup, p);
	if (err >= 0)
		err = sd_event_set_watchdog(p->event, true);
	if (err >= 0 && !p->kernel.bpf)
		err = sd_event_add_io(p->event, &p->packets, p->fd, EPOLLIN, on_packets, p);
	if (err >= 0)
		err = timer_add(p->event, &p->tick, SD_EVENT_PRIORITY_NORMAL, on_tick, p);
	return err < 0 ? err : 0;
}

/* ---- start ---- */

/*
 * The thread of the log keeps its rights until all threads change the user together: one that had
 * dropped them could not. That change takes its rights away. Afterwards locked memory would leave
 * no room for its stack. Without root the program stays the user that it is.
 */
static int settle_in_user(const struct conf *c)
{
	int err = log_queue_start(NULL);

	if (err)
		return err;
	caps_realtime(RT_PRIORITY);
	return caps_become(geteuid() == 0 ? c->agent_user : CAPS_SAME_USER);
}

/* A thread has the capabilities of the one that starts it. */
static int settle_with_kernel(void)
{
	int err = caps_keep_only(KERNEL_CAPS);

	return err ? err : log_queue_start(NULL);
}

static void report_start(const struct program *p)
{
	const struct conf *c = p->conf;
	const uint64_t now_ns = clock_now_ns(), until_ns = p->witness.promise.silent_until_ns;

	log_info("witness %s of %u nodes, port %u on %s, answers %s", c->witnesses[p->self].name,
		 c->n_nodes, c->pulse_port, p->interface, way(p));
	if (!conf_majority(c)) {
		char arrangement[CONF_ARRANGEMENT_MAX];

		log_warn("this witness is asked by nobody: %s", conf_arrangement(c, arrangement));
	} else if (now_ns < until_ns) {
		log_info("silent for %" PRIu64 " ms, as long as a grant of an earlier run may last",
			 (uint64_t)((until_ns - now_ns) / NS_PER_MS));
	} else {
		log_info("the promises of an earlier run are known");
	}
}

/*
 * Lets the kernel answer, if it is to and can. It goes by its own clock, and the process writes
 * into its maps until when it is silent: in a time namespace it would grant at once, or never. A
 * process that answers by itself has one clock.
 */
static int open_kernel(struct program *p)
{
	const struct conf *c = p->conf;
	const struct conf_witness *w = &c->witnesses[p->self];
	char advice[LIMITS_ADVICE];
	int err = 0;

	if (w->mode != CONF_WITNESS_USER) {
		err = bpf_clock_check();
		if (!err)
			err = witness_kernel_open(&p->kernel, c, p->self, p->interface);
		if (!err || err == -EEXIST || w->mode == CONF_WITNESS_XDP)
			return err;
		log_warn("no XDP program can answer here (%s): the process answers in user space%s",
			 strerror(-err), limits_advice(err, advice));
	}
	/* Its promises would not be known to the process, nor those of the process to it. */
	err = hokm_bpf_remove_witness(c, p->self, witness_sock_process);
	return err < 0 ? err : 0;
}

static int start(struct program *p)
{
	const struct conf *c = p->conf;
	char advice[LIMITS_ADVICE];
	int err = link_mac(p->interface, p->witness.mac);

	limits_raise_files();
	if (err) {
		log_error("%s: its MAC address could not be read: %s", p->interface,
			  strerror(-err));
		return err;
	}
	p->fd = witness_sock_open(c->witnesses[p->self].addr, c->pulse_port);
	if (p->fd < 0)
		return p->fd;
	err = open_kernel(p);
	/* The silence begins after the last promise of an earlier process. */
	if (!err)
		err = witness_init(&p->witness, c, p->self, clock_now_ns());
	if (!err && p->kernel.bpf)
		witness_kernel_read(&p->kernel, &p->witness);
	else if (!err)
		read_mac(p);
	if (!err)
		err = p->kernel.bpf ? settle_with_kernel() : settle_in_user(c);
	if (!err)
		err = open_loop(p);
	if (err)
		log_error("the witness could not start: %s%s", strerror(-err),
			  limits_advice(err, advice));
	else
		report_start(p);
	return err;
}

/* A clean end takes away what answers. */
static void leave(struct program *p)
{
	if (!p->kernel.bpf || p->stays)
		return;
	witness_kernel_close(&p->kernel);
	if (hokm_bpf_remove_witness(p->conf, p->self, witness_sock_process) < 0)
		log_error(
			"the XDP program of the witness is still on %s: hokm-xdp witness --remove",
			p->interface);
}

static void close_all(struct program *p)
{
	sd_event_source_disable_unref(p->packets);
	sd_event_source_disable_unref(p->tick);
	sd_event_unref(p->event);
	witness_kernel_close(&p->kernel);
	if (p->fd >= 0)
		close(p->fd);
	conf_free(p->conf);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* Takes c over. */
static int run(struct conf *c, const char *file, unsigned int self, const char *interface)
{
	struct program *p = calloc(1, sizeof(*p));
	int err;

	if (!p) {
		conf_free(c);
		return -ENOMEM;
	}
	p->fd = -1;
	p->file = file;
	p->conf = c;
	p->self = self;
	snprintf(p->interface, sizeof(p->interface), "%s", interface);
	err = start(p);
	if (!err) {
		(void)sd_notify(0, "READY=1");
		timer_arm(p->tick, clock_now_ns());
		err = sd_event_loop(p->event);
		leave(p);
	}
	close_all(p);
	return err;
}

/* ---- command line ---- */

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration (" DEFAULT_CONF ")"},
	{"name", 'n', false, "NAME", "this witness of the file; its address must be here"},
	{"remove", 'r', true, NULL, "remove what a witness that was killed left in the kernel"},
	{"remove-all", 'a', true, NULL, "the same for each witness here, without a configuration"},
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
		 "Its kernel answers, also while the process does not run. SIGTERM ends both, "
		 "SIGUSR1 the process alone, for a restart. SIGHUP reads the configuration again.",
	.options = options,
};

struct asked {
	const char *file, *name;
	bool remove, remove_all;
};

static int parse(int argc, char **argv, struct asked *a)
{
	struct command_line l;
	int c;

	command_begin(&l, &witness_command, argc, argv, stdout, stderr);
	while ((c = command_next(&l)) > 0) {
		if (c == 'c')
			a->file = l.value;
		else if (c == 'n')
			a->name = l.value;
		else if (c == 'r')
			a->remove = true;
		else if (c == 'a')
			a->remove_all = true;
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

static int remove_left(const struct conf *c, unsigned int self)
{
	/* A process that runs has the port, and would put back what is removed. */
	int fd = witness_sock_open(c->witnesses[self].addr, c->pulse_port);
	int err = fd < 0 ? fd : hokm_bpf_remove_witness(c, self, witness_sock_process);

	if (fd >= 0)
		close(fd);
	if (fd == -EADDRINUSE)
		log_error("the witness %s runs: stop it first", c->witnesses[self].name);
	if (err >= 0)
		printf("%s: no XDP program and no pin of the witness is left\n",
		       c->witnesses[self].name);
	return err < 0 ? EX_UNAVAILABLE : EX_OK;
}

static int remove_all(void)
{
	int n;

	if (geteuid() != 0) {
		log_error("only root sees what a witness left in the kernel");
		return EX_NOPERM;
	}
	n = hokm_bpf_remove_witnesses(witness_sock_process);
	if (n >= 0)
		printf("no XDP program of a witness that does not run is left: %d removed\n", n);
	return n < 0 ? EX_UNAVAILABLE : EX_OK;
}

int witness_main(int argc, char **argv)
{
	struct asked a = {.file = DEFAULT_CONF};
	char interface[IF_NAMESIZE] = "";
	struct conf *c = NULL;
	unsigned int self = 0;
	int err = parse(argc, argv, &a);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	if (a.remove_all)
		return remove_all();
	err = conf_load(a.file, false, stderr, &c);
	if (err)
		return err == -EINVAL ? EX_CONFIG : EX_NOINPUT;
	log_set_level((enum log_level)c->log_level);
	err = find_self(c, a.name, &self, interface);
	if (!err && !a.remove)
		return run(c, a.file, self, interface) ? EX_UNAVAILABLE : EX_OK;
	if (!err)
		err = remove_left(c, self);
	conf_free(c);
	return err;
}
