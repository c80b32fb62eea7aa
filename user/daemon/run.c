/* SPDX-License-Identifier: GPL-2.0-only */
/* See run.h: options, and exit codes as in sysexits.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "act/apply.h"
#include "base/caps.h"
#include "base/command.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "conf/conf.h"
#include "daemon/await.h"
#include "daemon/last_words.h"
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
	bool wait;      /* cleanup: when nobody needs the packet path any more */
	bool terminate; /* cleanup: the connections on this node before */
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
	case EAGAIN:
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

static const struct command_option run_options[] = {
	{"config", 'c', true, "FILE", "the configuration (" DEFAULT_CONF ")"},
	{"replace", 'r', true, NULL, "replace a foreign XDP program on the interface"},
	{"generic", 'g', true, NULL, "attach XDP in generic mode only, for tests"},
	{"adopt-address", 'a', true, NULL, "take over a VIP address that is configured already"},
	{NULL, 0, false, NULL, NULL},
};

const struct command run_command = {
	.name = "run",
	.operands = "",
	.summary = "the daemon of this node, in the foreground",
	.about = "Runs the daemon of this node in the foreground, as the unit does. "
		 "It finds by the addresses of this machine which node of the file it is. "
		 "SIGHUP makes it read the file again, SIGTERM ends it.",
	.options = run_options,
};

static const struct command_option cleanup_options[] = {
	{"config", 'c', true, "FILE", "the configuration (" DEFAULT_CONF ")"},
	{"wait", 'w', true, NULL, "wait until no connection is steered any more"},
	{"terminate", 't', true, NULL,
	 "terminate the connections of players on this node before: "
	 "they connect to the owner at once"},
	{NULL, 0, false, NULL, NULL},
};

const struct command cleanup_command = {
	.name = "cleanup",
	.operands = "",
	.summary = "remove what a stopped daemon left",
	.about = "Removes the programs, pins, routes and sysctls that a stopped daemon left in the "
		 "kernel so that it goes on steering. Does nothing while a daemon runs. "
		 "Players on this node would notice only after their timeouts that it serves them "
		 "no more, unless --terminate is given.",
	.options = cleanup_options,
};

/* Returns 0, 1 when help was asked for, or -EINVAL. */
static int parse(int argc, char **argv, const struct command *command, struct run_opts *o)
{
	struct command_line l;
	int c;

	memset(o, 0, sizeof(*o));
	o->file = DEFAULT_CONF;
	command_begin(&l, command, argc, argv, stdout, stderr);
	while ((c = command_next(&l)) > 0) {
		if (c == 'c')
			o->file = l.value;
		else if (c == 'r')
			o->bpf.replace_foreign = true;
		else if (c == 'g')
			o->bpf.generic_only = true;
		else if (c == 'a')
			o->bpf.adopt_address = true;
		else if (c == 'w')
			o->wait = true;
		else if (c == 't')
			o->terminate = true;
		else
			c = command_wrong(&l, "unexpected argument `%s`", l.value);
		if (c < 0)
			break;
	}
	return c == COMMAND_HELP ? 1 : c ? -EINVAL : 0;
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
	int err = parse(argc, argv, &run_command, &o);

	if (err)
		return err > 0 ? EX_OK : EX_USAGE;
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

/* A daemon that was killed leaves its socket. lock_node() saw that no process listens on it. */
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

static void terminate(const struct conf *c)
{
	int64_t n = last_words(c);

	if (n > 0)
		printf("%s: terminated %lld connections\n", c->nodes[c->self].name, (long long)n);
}

/*
 * Removes all that a daemon of this node left, or of another name. One that runs (-EADDRINUSE) has
 * addresses, routes and sysctls of its own, which look like those.
 */
static int cleanup(const struct conf *c, bool terminates)
{
	struct node_lock lock;
	int err = lock_node(c, &lock);
	int err_other;

	if (!err) {
		if (terminates)
			terminate(c);
		err = hokm_bpf_cleanup(c);
		err_other = err == -EADDRINUSE ? 0 : apply_cleanup(c);
		err = err ? err : err_other;
		err_other = remove_socket(c);
		err = err ? err : err_other;
		if (err)
			log_error("could not remove everything: %s", strerror(-err));
		else
			printf("%s: no packet path, VIP, route or sysctl of hokm-xdp is left\n",
			       c->nodes[c->self].name);
	}
	unlock_node(&lock);
	return err;
}

int daemon_cleanup_main(int argc, char **argv)
{
	struct conf *c = NULL;
	struct run_opts o;
	int daemon_runs = 0;
	int err = parse(argc, argv, &cleanup_command, &o);

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
		err = daemon_runs < 0 ? daemon_runs : cleanup(c, o.terminate);
	conf_free(c);
	return exit_code(err);
}
