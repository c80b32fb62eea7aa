/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child process of the daemon, as agent/agent_spawn.h starts it: its socket, its pidfd, its end.
 * The agent, the notifier, the listener and the process that asks etcd are such children; what is
 * said over the socket, and when another one is started, is the business of each of them.
 *
 *   runs    fd and pidfd are open
 *   dying   only pidfd: it was killed, or its socket was closed; its end is awaited
 *   none    neither: child_start() may be called
 *
 * Nothing here waits but child_end() and child_cut(): the same thread sends the adverts. The child
 * is reaped when its pidfd becomes readable, so no SIGCHLD is needed, and no signal can go to
 * another process that has got the same number.
 */
#ifndef HOKM_CHILD_H
#define HOKM_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

/* One of agent/agent_spawn.h. */
typedef int (*child_spawn_fn)(const char *user, int *fd, pid_t *pid);

/*
 * A child has ended and is reaped; its handle is `none`. `info` is zero if another one reaped it.
 */
typedef void (*child_ended_fn)(pid_t pid, const siginfo_t *info, void *arg);

/* Its fields are read by the owner of the handle, and written by the functions below. */
struct child {
	pid_t pid; /* 0: none */
	int fd;    /* the daemon's end of its socket; -1: not open */
	int pidfd; /* -1: not open */
	void *arg; /* of both callbacks */
	child_ended_fn ended_fn;
	sd_event_source *io, *ended;
};

/* A handle without a child. */
void child_init(struct child *c);

/*
 * Starts a child; the handle must be `none`. Returns 0 or -errno, and then nothing is left of it.
 * `fn` gets `arg`.
 */
int child_start(struct child *c, sd_event *event, child_spawn_fn spawn, const char *user,
		child_ended_fn fn, void *arg);

/* Calls `fn` with the `arg` of child_start() when its socket can be read. 0 or -errno. */
int child_read(struct child *c, sd_event *event, sd_event_io_handler_t fn);

/* Undoes child_start() before the loop has run: kills and reaps the child. Nobody is called. */
void child_discard(struct child *c);

/* Closes its socket: nothing more is read from it, and a child that reads its socket ends. */
void child_hang_up(struct child *c);

/* Closes its socket, and kills it. Its end is reported as any other. */
void child_kill(struct child *c);

/*
 * Closes its socket, waits for its end for wait_ms, and kills it then. Nobody is called. False: it
 * had to be killed.
 */
bool child_end(struct child *c, int wait_ms);

/* Kills it, and waits for its end for wait_ms at most. Nobody is called. */
void child_cut(struct child *c, int wait_ms);

/* "status" or "signal": what info->si_status is. */
const char *child_ended_with(const siginfo_t *info);

#endif
