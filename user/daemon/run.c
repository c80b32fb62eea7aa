/* SPDX-License-Identifier: GPL-2.0-only */
/* See run.h: options, and exit codes as in sysexits.h. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "act/apply.h"
#include "base/caps.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "conf/conf.h"
#include "daemon/await.h"
#include "daemon/linger_wait.h"
#include "daemon/lock.h"
#include "daemon/loop.h"
#include "daemon/run.h"
#include "daemon/start.h"
#include "path/bpf.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"

struct run_opts {
	const char *file;
	struct hokm_bpf_opts bpf;
	bool wait; /* cleanup: when nobody needs the packet path any more */
};

/*
 * The unit does not start a daemon again that ended with EX_USAGE, EX_NOPERM or EX_CONFIG. So they
 * stand only for what no later start can mend: command line, capabilities, the text of the file.
 */
static int exit_code(int err)
{
	switch (-err) {
	case 0:
		return EX_OK;
	case EPERM:
	case EACCES:
	case EXDEV: /* a time namespace */
		return EX_NOPERM;
	case EINVAL:
	case ENOENT: /* a user, group or directory that the configuration names may come later */
	case ENOTDIR:
	case ENAMETOOLONG:
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

static int conf_exit_code(int err)
{
	switch (-err) {
	case EINVAL:
	case EADDRNOTAVAIL:
	case ENAMETOOLONG:
		return EX_CONFIG;
	case ENOENT:
		return EX_NOINPUT;
	case EINTR: /* stopped while it waited */
		return EX_OK;
	default:
		return exit_code(err);
	}
}

static int parse(int argc, char **argv, bool run, struct run_opts *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"replace", no_argument, NULL, 'r'},
		{"generic", no_argument, NULL, 'g'},
		{"adopt-address", no_argument, NULL, 'a'},
		{"wait", no_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	memset(o, 0, sizeof(*o));
	o->file = DEFAULT_CONF;
	optind = 1;
	while ((c = getopt_long(argc, argv, run ? "c:rgah" : "c:wh", longs, NULL)) != -1) {
		if (c == 'c')
			o->file = optarg;
		else if (c == 'r' && run)
			o->bpf.replace_foreign = true;
		else if (c == 'g' && run)
			o->bpf.generic_only = true;
		else if (c == 'a' && run)
			o->bpf.adopt_address = true;
		else if (c == 'w' && !run)
			o->wait = true;
		else if (c == 'h') {
			printf("usage: hokm-xdp %s [-c FILE]%s\n", argv[0],
			       run ? " [--replace] [--generic] [--adopt-address]" : " [--wait]");
			return 1;
		} else {
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "hokm-xdp %s: unexpected argument `%s`\n", argv[0], argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/*
 * The unit restarts within 100 ms, which is right for a daemon that crashed. An attempt to start
 * that failed would be repeated at that rate, and each one loads the programs anew.
 */
static void wait_before_restart(int err)
{
	const struct timespec pause = {.tv_sec = 2};
	sigset_t stop;

	if (!getenv("NOTIFY_SOCKET"))
		return;
	(void)sd_notifyf(0, "STATUS=could not start: %s; the log says more", strerror(-err));
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	if (!sigprocmask(SIG_BLOCK, &stop, NULL))
		(void)sigtimedwait(&stop, NULL, &pause);
}

int daemon_run_main(int argc, char **argv, const struct daemon_front *front)
{
	struct daemon *d;
	struct conf *c = NULL;
	struct run_opts o;
	int err = parse(argc, argv, true, &o);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	/* The memory has secrets: no core dump, not even one that a handler of the system takes. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		log_warn("core dumps of this daemon could not be turned off: %s", strerror(errno));
	err = log_queue_start(caps_drop_all);
	if (err)
		log_warn("could not start the thread that writes the log: %s; "
			 "the daemon waits when what reads the log stands still",
			 strerror(-err));
	err = await_conf(o.file, &c);
	if (err)
		return conf_exit_code(err);
	log_set_level((enum log_level)c->log_level);
	err = conf_complete_password(c);
	if (err) {
		log_error("no VRRP password can be derived from the secret: %s", strerror(-err));
		conf_free(c);
		return exit_code(err);
	}
	err = daemon_start(c, &o.bpf, front, &d);
	if (err) {
		wait_before_restart(err);
		return exit_code(err);
	}
	err = loop_run(d);
	daemon_close(d);
	return exit_code(err);
}

/* A daemon that was killed leaves its socket. While we hold the lock, no daemon listens on it. */
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

/* Removes all that a daemon of this node left. */
static int cleanup(const struct conf *c)
{
	int lock = -1;
	int err = lock_node(c, &lock);
	int err_other;

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
	return err;
}

int daemon_cleanup_main(int argc, char **argv)
{
	struct conf *c = NULL;
	struct run_opts o;
	int daemon_runs = 0;
	int err = parse(argc, argv, false, &o);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
	err = conf_load(o.file, true, stderr, &c);
	if (err)
		return conf_exit_code(err);
	if (o.wait)
		daemon_runs = linger_wait(c);
	if (daemon_runs > 0)
		printf("%s: a daemon runs, nothing is removed\n", c->nodes[c->self].name);
	else
		err = daemon_runs < 0 ? daemon_runs : cleanup(c);
	conf_free(c);
	return exit_code(err);
}
