/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See notes.h. Commands of checks and hooks are looked at, and keys without an effect. A file that
 * is missing is no error: the configuration may be checked on another machine, and the daemon
 * starts without it.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/trusted.h"
#include "base/units.h"
#include "conf/notes.h"

/* ---- checks ---- */

/* Does the command only ask whether a process is there, by signal 0? */
static bool sends_signal_0(const char *command)
{
	char copy[CONF_PATH_MAX], *argv[CONF_ARGS_MAX + 1];
	const char *name;
	int n;

	memcpy(copy, command, sizeof(copy));
	n = words_split(copy, argv, CONF_ARGS_MAX);
	name = n > 0 ? strrchr(argv[0], '/') : NULL;
	if (!name || (strcmp(name, "/killall") != 0 && strcmp(name, "/pkill") != 0 &&
		      strcmp(name, "/kill") != 0))
		return false;
	for (int i = 1; i < n; i++)
		if (!strcmp(argv[i], "-0") || !strcmp(argv[i], "-s0"))
			return true;
	return false;
}

/* keepalived runs such a script as root; here it always fails, with a healthy server. */
static void note_signals(const struct conf *c, FILE *to)
{
	for (unsigned int s = 0; s < c->n_services; s++)
		for (unsigned int i = 0; i < c->services[s].n_checks; i++) {
			const struct conf_check *k = &c->services[s].checks[i];

			if (k->kind == CHECK_EXEC && sends_signal_0(k->path))
				fprintf(to,
					"note: service %s: check `%s` fails for most processes. "
					"The agent's user %s may signal its own processes only. "
					"pgrep needs no such right.\n",
					c->services[s].name, k->path, c->agent_user);
		}
}

/* ---- hooks ---- */

/* May the user run the file? Asked by a child that has become this user. 0 or -errno. */
static int runs_as(const char *user, const char *file)
{
	int status;
	pid_t pid;

	/* Only root can become another user. */
	if (geteuid() != 0)
		return access(file, X_OK) ? -errno : 0;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		int err = caps_become(user);

		_exit(!err && access(file, X_OK) ? errno : -err);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* `key` is its whole name. The command is not run if others may change it and it has privileges. */
static void note_command(const char *key, const char command[CONF_PATH_MAX], const char *user,
			 bool privileged, FILE *to)
{
	char copy[CONF_PATH_MAX], *argv[CONF_ARGS_MAX + 1];
	char problem[CONF_PATH_MAX + 64];
	struct stat st;
	int err;

	memcpy(copy, command, sizeof(copy));
	if (words_split(copy, argv, CONF_ARGS_MAX) < 1)
		return;
	if (stat(argv[0], &st)) {
		fprintf(to, "note: %s: %s: %s\n", key, argv[0], strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		fprintf(to, "note: %s: %s is not a file\n", key, argv[0]);
	} else {
		if (privileged && !trusted_file(argv[0], problem, sizeof(problem)))
			fprintf(to, "note: %s: %s is not run with privileges: %s\n", key, argv[0],
				problem);
		err = runs_as(user, argv[0]);
		if (err)
			fprintf(to, "note: %s: user %s cannot run %s: %s\n", key, user, argv[0],
				strerror(-err));
	}
}

/* False, with a note: the user does not exist. */
static bool note_user(const char *key, const char *user, FILE *to)
{
	if (getpwnam(user))
		return true;
	fprintf(to, "note: %s: there is no user %s on this machine\n", key, user);
	return false;
}

static void note_hooks(const struct conf *c, FILE *to)
{
	bool any = false;
	char key[CONF_NAME_MAX];

	for (enum conf_hook h = 0; h < CONF_HOOKS; h++)
		any |= c->hooks.command[h][0] != '\0';
	if (!any)
		return;
	if (!note_user("hooks.user", c->hooks.user, to))
		return;
	for (enum conf_hook h = 0; h < CONF_HOOKS; h++) {
		snprintf(key, sizeof(key), "hooks.%s", conf_hook_name(h));
		note_command(key, c->hooks.command[h], c->hooks.user,
			     c->hooks.caps || caps_is_root(c->hooks.user), to);
	}
}

static void note_recover(const struct conf *c, FILE *to)
{
	for (unsigned int s = 0; s < c->n_services; s++) {
		const struct conf_recover *r = &c->services[s].recover;

		if (r->command[0] && note_user("service.recover.user", r->user, to))
			note_command("service.recover.command", r->command, r->user,
				     caps_is_root(r->user), to);
	}
}

static void note_fifo(const struct conf *c, FILE *to)
{
	const char *path = c->hooks.fifo, *slash = strrchr(path, '/');
	char folder[CONF_PATH_MAX];
	struct stat st;

	if (!slash)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
	if (stat(folder, &st))
		fprintf(to, "note: hooks.fifo: %s: %s\n", folder, strerror(errno));
	else if (!lstat(path, &st) && !S_ISFIFO(st.st_mode))
		fprintf(to, "note: hooks.fifo: %s is there, and is no FIFO\n", path);
}

/* The user may be in the environment: the file alone is looked at. */
static void note_etcd(const struct conf *c, FILE *to)
{
	const struct conf_etcd *e = &c->etcd;

	if (c->arbiter != CONF_ARBITER_ETCD || !e->credentials[0])
		return;
	for (unsigned int i = 0; i < e->n_endpoints; i++)
		if (!strncmp(e->endpoint[i], "http:", 5))
			fprintf(to,
				"note: etcd.endpoints: %s gets the password in clear: use https\n",
				e->endpoint[i]);
}

static void note_majority(const struct conf *c, FILE *to)
{
	if (conf_majority_possible(c))
		fprintf(to,
			"note: arbiter: of nodes that cannot hear each other each one owns the "
			"VIP. With arbiter = majority only those of a majority can: two owners "
			"never, and none while fewer than %u of the %u nodes are there\n",
			c->n_nodes / 2 + 1, c->n_nodes);
}

/* An address that nobody asks. */
static void note_gateway(const struct conf *c, FILE *to)
{
	if (!c->gateway.s_addr || c->arbiter == CONF_ARBITER_GATEWAY)
		return;
	fprintf(to, "note: gateway: it does nothing here. %s.\n",
		c->arbiter != CONF_ARBITER_AUTO ? "It needs arbiter = gateway or auto"
		: c->n_witnesses                ? "The witness decides"
		: conf_has_foreign_node(c)      ? "A node has peer = vrrp"
					   : "With more than two nodes it needs arbiter = gateway");
}

/* The key is for an arbiter that is asked, and a majority is not asked. */
static void note_isolation(const struct conf *c, FILE *to)
{
	if (c->on_isolation != CONF_ISOLATION_KEEP || c->arbiter == CONF_ARBITER_GATEWAY ||
	    c->arbiter == CONF_ARBITER_ETCD)
		return;
	fprintf(to, "note: on_isolation: keep does nothing here. %s.\n",
		conf_majority(c) ? "An owner that no majority grants ends to be owner"
				 : "It needs arbiter = gateway or etcd");
}

void conf_notes(const struct conf *c, FILE *to)
{
	note_signals(c, to);
	note_hooks(c, to);
	note_recover(c, to);
	note_fifo(c, to);
	note_etcd(c, to);
	note_majority(c, to);
	note_gateway(c, to);
	note_isolation(c, to);
}
