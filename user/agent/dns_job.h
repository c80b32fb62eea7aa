/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS jobs, as their parent sees them: a process without privileges for one task at a DNS provider
 * (see agent/dns_messages.h for the messages, agent/dns_job.c for what it does).
 *
 * A job starts as a child of the daemon or of the command `hokm-xdp dns`, by an exec of this
 * program. It reads the file of the credentials before it gives up its privileges, so neither its
 * parent nor its arguments have them.
 */
#ifndef HOKM_AGENT_DNS_JOB_H
#define HOKM_AGENT_DNS_JOB_H

#include <sys/types.h>

#include "agent/dns_messages.h"

/* The process: `hokm-xdp dns-job USER LEVEL`. Never returns. */
int dns_job_main(int argc, char **argv);

/*
 * Starts a job. Waits for nothing. *fd is its socket (non-blocking, CLOEXEC), *pid the process,
 * which the caller reaps. Returns 0 or -errno.
 */
int dns_job_start(const char *user, const struct dns_request *req, int *fd, pid_t *pid);

/* Takes one reply; texts in it are valid then. 0, -EAGAIN when there is none yet, -EPIPE when the
 * job is gone, -EBADMSG when it is not valid. */
int dns_job_receive(int fd, struct dns_reply *r);

/* Answers DNS_ASK. 0 or -errno. */
int dns_job_allow(int fd, bool yes);

/* The longest time of a job with this configuration, by which its parent kills it. */
uint64_t dns_job_longest_ns(const struct conf_dns *c);

/*
 * Runs a job in the foreground. `allow` is the answer to DNS_ASK. 0 and its last reply in *out, or
 * -errno.
 */
int dns_job_run(const char *user, const struct dns_request *req, bool allow, struct dns_reply *out);

#endif
