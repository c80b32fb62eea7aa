/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Start of the agent process by posix_spawn: the daemon has locked memory and real-time priority,
 * a fork would copy its page tables and fault on every page it then writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/agent_spawn.h"
#include "base/log.h"

#define ENV_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int prepare_files(posix_spawn_file_actions_t *files, int fd)
{
	int err = posix_spawn_file_actions_adddup2(files, fd, AGENT_FD);

	if (!err)
		err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, AGENT_FD + 1);
	return -err;
}

static int prepare_attr(posix_spawnattr_t *attr)
{
	const struct sched_param param = {.sched_priority = 0};
	const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
			    POSIX_SPAWN_SETSCHEDULER;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setflags(attr, flags);
	if (!err)
		err = posix_spawnattr_setpgroup(attr, 0);
	if (!err)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	if (!err)
		err = posix_spawnattr_setschedpolicy(attr, SCHED_OTHER);
	if (!err)
		err = posix_spawnattr_setschedparam(attr, &param);
	return -err;
}

static int spawn(char **argv, char **envp, int fd, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err = -posix_spawn_file_actions_init(&files);

	if (err)
		return err;
	err = -posix_spawnattr_init(&attr);
	if (err)
		goto out_files;
	err = prepare_files(&files, fd);
	if (!err)
		err = prepare_attr(&attr);
	if (!err)
		err = -posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
out_files:
	posix_spawn_file_actions_destroy(&files);
	return err;
}

/* argv and envp are char *const []: strings of our own, so that no const is cast away. */
static int spawn_words(const char *user, int fd, pid_t *pid)
{
	const char *journal = getenv("JOURNAL_STREAM"); /* so that its log lines look like ours */
	char name[] = "hokm-xdp", verb[] = "agent", path[] = ENV_PATH;
	char user_word[64], level[16], journal_word[128];
	char *argv[] = {name, verb, user_word, level, NULL};
	char *envp[] = {path, journal ? journal_word : NULL, NULL};

	snprintf(user_word, sizeof(user_word), "%s", user);
	snprintf(level, sizeof(level), "%s", log_level_name(log_get_level()));
	if (journal)
		snprintf(journal_word, sizeof(journal_word), "JOURNAL_STREAM=%s", journal);
	return spawn(argv, envp, fd, pid);
}

int agent_spawn(const char *user, int *fd, pid_t *pid)
{
	int pair[2];
	int err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	err = spawn_words(user, pair[1], pid);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	*fd = pair[0];
	return 0;
}
