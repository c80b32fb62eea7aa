/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting the agent process. It uses fork(): with vfork() or posix_spawn() the parent would wait
 * until the child, at ordinary priority, has read the program from disk, and the parent is the
 * thread that sends the adverts. Between fork and exec the child makes only calls that are safe in
 * a copy of a process with several threads (signal-safety(7)); arguments and environment are made
 * before.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/messages.h"
#include "base/log.h"

#define ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define ENV_SECRETS_MAX 8

struct words {
	char name[16], verb[16], user[64], level[16];
	char path[sizeof(ENV_PATH)], journal[128];
	char *argv[5];
	char *envp[3 + ENV_SECRETS_MAX];
};

/* What a DNS job may need of the environment: secrets, and where systemd puts them. */
static const char *const env_dns[] = {
	"CF_API_TOKEN=", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=",
	"DO_API_TOKEN=", "DNS_TSIG_KEY=",      "DNS_TSIG_SECRET=",       "CREDENTIALS_DIRECTORY="};
#define ENV_DNS (sizeof(env_dns) / sizeof(env_dns[0]))
_Static_assert(ENV_DNS <= ENV_SECRETS_MAX, "there is room for all");

/* The same for the process that asks etcd. */
static const char *const env_etcd[] = {"ETCD_USER=", "ETCD_PASSWORD=", "CREDENTIALS_DIRECTORY="};
#define ENV_ETCD (sizeof(env_etcd) / sizeof(env_etcd[0]))
_Static_assert(ENV_ETCD <= ENV_SECRETS_MAX, "there is room for all");

/* The variables themselves, not copies of them: a copy would be one more place with a secret. */
static void add_env(struct words *w, const char *const *names, size_t n)
{
	unsigned int at = w->envp[1] ? 2 : 1;

	for (char **e = environ; *e; e++)
		for (size_t i = 0; i < n; i++)
			if (!strncmp(*e, names[i], strlen(names[i])) && at < 2 + ENV_SECRETS_MAX)
				w->envp[at++] = *e;
}

static void fill_words(struct words *w, const char *verb, const char *user)
{
	/* With this variable the agent logs in the same form as the daemon. */
	const char *journal = getenv("JOURNAL_STREAM");

	memset(w, 0, sizeof(*w));
	snprintf(w->name, sizeof(w->name), "hokm-xdp");
	snprintf(w->verb, sizeof(w->verb), "%s", verb);
	snprintf(w->user, sizeof(w->user), "%s", user);
	snprintf(w->level, sizeof(w->level), "%s", log_level_name(log_get_level()));
	snprintf(w->path, sizeof(w->path), "%s", ENV_PATH);
	w->argv[0] = w->name;
	w->argv[1] = w->verb;
	w->argv[2] = w->user;
	w->argv[3] = w->level;
	w->envp[0] = w->path;
	if (!journal)
		return;
	snprintf(w->journal, sizeof(w->journal), "JOURNAL_STREAM=%s", journal);
	w->envp[1] = w->journal;
}

/* Leaves the socket as AGENT_FD, /dev/null as stdin and stdout, stderr, and nothing else. */
static bool move_files(int fd)
{
	int null_fd;

	if (fd == AGENT_FD) {
		if (fcntl(fd, F_SETFD, 0))
			return false;
	} else if (dup2(fd, AGENT_FD) < 0) {
		return false;
	}
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(null_fd, 1) == 1 &&
	       !close_range(AGENT_FD + 1, ~0U, 0);
}

/*
 * Resets what the child inherited from the daemon: real-time priority, blocked signals, handlers.
 */
static void reset_process(void)
{
	const struct sched_param param = {.sched_priority = 0};
	const struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	if (sched_setscheduler(0, SCHED_OTHER, &param) || setpgid(0, 0))
		_exit(AGENT_NOT_STARTED);
	/* This fails for SIGKILL, SIGSTOP and the signals of libc, as expected. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		_exit(AGENT_NOT_STARTED);
}

static void child(const struct words *w, int fd)
{
	reset_process();
	if (move_files(fd))
		execve("/proc/self/exe", w->argv, w->envp);
	_exit(AGENT_NOT_STARTED);
}

static int spawn(const struct words *w, int *fd, pid_t *pid)
{
	int pair[2];
	int err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	*pid = fork();
	if (*pid == 0)
		child(w, pair[1]);
	err = *pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	*fd = pair[0];
	return 0;
}

int agent_spawn(const char *user, int *fd, pid_t *pid)
{
	struct words w;

	fill_words(&w, "agent", user);
	return spawn(&w, fd, pid);
}

int agent_spawn_dns(const char *user, int *fd, pid_t *pid)
{
	struct words w;

	fill_words(&w, "dns-job", user);
	add_env(&w, env_dns, ENV_DNS);
	return spawn(&w, fd, pid);
}

int agent_spawn_etcd(const char *user, int *fd, pid_t *pid)
{
	struct words w;

	fill_words(&w, "etcd-client", user);
	add_env(&w, env_etcd, ENV_ETCD);
	return spawn(&w, fd, pid);
}

int agent_spawn_notifier(const char *user, int *fd, pid_t *pid)
{
	struct words w;

	fill_words(&w, "notifier", user);
	return spawn(&w, fd, pid);
}

int agent_spawn_listener(const char *user, int *fd, pid_t *pid)
{
	struct words w;

	fill_words(&w, "listener", user);
	return spawn(&w, fd, pid);
}
