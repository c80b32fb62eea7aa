/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting the agent process. */
#ifndef HOKM_AGENT_SPAWN_H
#define HOKM_AGENT_SPAWN_H

#include <sys/types.h>

/* Exit status of a child that could not exec the program. */
#define AGENT_NOT_STARTED 127

/*
 * Starts `/proc/self/exe agent USER LEVEL` in its own process group, with ordinary scheduling, an
 * empty signal mask, a short environment, and no descriptors but /dev/null, stderr and its socket.
 * Waits for nothing: a child that cannot exec exits with AGENT_NOT_STARTED. *fd is the daemon's end
 * of the socket (non-blocking, CLOEXEC), which the caller closes. Returns 0 or -errno.
 */
int agent_spawn(const char *user, int *fd, pid_t *pid);

/*
 * The same for `dns-job USER LEVEL` (agent/dns_job.h). Its environment also has the credentials of
 * DNS providers that this process was given.
 */
int agent_spawn_dns(const char *user, int *fd, pid_t *pid);

/*
 * The same for `etcd-client USER LEVEL` (agent/etcd_client.h). Its environment also has the user
 * and the password for etcd that this process was given.
 */
int agent_spawn_etcd(const char *user, int *fd, pid_t *pid);

/* The same for `notifier USER LEVEL` (agent/notifier.h). */
int agent_spawn_notifier(const char *user, int *fd, pid_t *pid);

/* The same for `listener USER LEVEL` (agent/http_listener.h). */
int agent_spawn_listener(const char *user, int *fd, pid_t *pid);

#endif
