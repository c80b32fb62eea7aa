/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp run` and `hokm-xdp cleanup`: options, signals, exit codes (sysexits.h).
 */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/lock.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"

struct run_opts {
	const char *file;
	struct hokm_bpf_opts bpf;
};

static int exit_code(int err)
{
	switch (-err) {
	case 0:
		return EX_OK;
	case EPERM:
	case EACCES:
		return EX_NOPERM;
	case EINVAL:
	case ENOENT: /* a user, group or folder that the configuration names */
	case ENOTDIR:
	case ENAMETOOLONG:
		return EX_CONFIG;
	case ENODEV:
	case EADDRINUSE:
	case EBUSY:
	case EPROTO:
		return EX_UNAVAILABLE;
	case ENOTSUP:
		return EX_OSERR;
	default:
		return EXIT_FAILURE;
	}
}

static int parse(int argc, char **argv, bool run, struct run_opts *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"replace", no_argument, NULL, 'r'},
		{"generic", no_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	memset(o, 0, sizeof(*o));
	o->file = DEFAULT_CONF;
	optind = 1;
	while ((c = getopt_long(argc, argv, run ? "c:rgh" : "c:h", longs, NULL)) != -1) {
		if (c == 'c')
			o->file = optarg;
		else if (c == 'r' && run)
			o->bpf.replace_foreign = true;
		else if (c == 'g' && run)
			o->bpf.generic_only = true;
		else if (c == 'h') {
			printf("usage: hokm-xdp %s [-c FILE]%s\n", argv[0],
			       run ? " [--replace] [--generic]" : "");
			return 1;
		} else {
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "hokm-xdp %s: `%s` is one word too many\n", argv[0], argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct daemon *d = arg;

	(void)s;
	if (si->ssi_signo == SIGHUP)
		(void)reload_start(d->reload);
	else
		daemon_stop(d);
	return 0;
}

static int open_event(struct daemon *d)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&mask, signals[i]);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	err = sd_event_new(&d->event);
	for (size_t i = 0; err >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		err = sd_event_add_signal(d->event, NULL, signals[i], on_signal, d);
	if (err >= 0)
		err = sd_event_set_watchdog(d->event, true);
	return err < 0 ? err : 0;
}

/* After the loop: does the packet path stay for the players that are left? */
static bool players_left(struct daemon *d)
{
	int64_t n = daemon_count_players(d);

	if (n < 0)
		log_error("could not count the players left: %s; the packet path stays pinned",
			  strerror((int)-n));
	else if (n > 0)
		log_warn("%lld players are still on this node: the packet path stays pinned, never "
			 "as "
			 "owner, so that they play on; `hokm-xdp cleanup` removes it",
			 (long long)n);
	else
		log_info("no player is left on this node: everything is removed");
	return n != 0;
}

int daemon_run_main(int argc, char **argv)
{
	struct daemon *d = NULL;
	struct run_opts o;
	int err = parse(argc, argv, true, &o);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	d = calloc(1, sizeof(*d));
	if (!d)
		return EX_OSERR;
	d->lock_fd = -1;
	d->pulse_fd = -1;
	d->bpf_opts = o.bpf;
	err = conf_load(o.file, true, stderr, &d->conf);
	if (err) {
		free(d);
		return err == -EINVAL ? EX_CONFIG : err == -ENOENT ? EX_NOINPUT : exit_code(err);
	}
	log_set_level((enum log_level)d->conf->log_level);
	err = open_event(d);
	if (err)
		log_error("could not set up the event loop: %s", strerror(-err));
	else
		err = daemon_start(d);
	if (!err) {
		err = sd_event_loop(d->event);
		if (err < 0)
			log_error("the event loop failed: %s", strerror(-err));
		daemon_close(d, players_left(d));
	}
	sd_event_unref(d->event);
	conf_free(d->conf);
	free(d);
	return exit_code(err);
}

/*
 * A daemon that was killed leaves its socket. Who holds the lock knows that nobody listens on it.
 */
static int remove_socket(const struct conf *c)
{
	struct stat st;
	int err;

	if (lstat(c->socket, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode) || !unlink(c->socket))
		return 0;
	err = -errno;
	log_error("could not remove the control socket %s: %s", c->socket, strerror(-err));
	return err;
}

int daemon_cleanup_main(int argc, char **argv)
{
	struct conf *c = NULL;
	struct run_opts o;
	int lock = -1;
	int err = parse(argc, argv, false, &o);
	int err_other;

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	err = conf_load(o.file, true, stderr, &c);
	if (err)
		return err == -EINVAL ? EX_CONFIG : err == -ENOENT ? EX_NOINPUT : exit_code(err);
	err = lock_node(c, &lock);
	if (!err) {
		err = hokm_bpf_cleanup(c);
		err_other = apply_cleanup(c);
		err = err ? err : err_other;
		err_other = remove_socket(c);
		err = err ? err : err_other;
		if (err)
			log_error("could not remove everything: %s", strerror(-err));
		else
			printf("%s: no packet path, VIP, route or sysctl of hokm-xdp is left\n",
			       c->nodes[c->self].name);
	}
	unlock_node(lock);
	conf_free(c);
	return exit_code(err);
}
