/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's side of a DNS job; see dns_job.h. What a job sends is not trusted. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/dns_job.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/wait_fd.h"

#define AWAIT_NS (120 * NS_PER_S) /* Route53 needs up to a minute until INSYNC */
#define REQUESTS 12               /* of a job, in a row, each with its own timeout */

int dns_job_start(const char *user, const struct dns_request *req, int *fd, pid_t *pid)
{
	int err = agent_spawn_dns(user, fd, pid);

	if (err)
		return err;
	if (send(*fd, req, sizeof(*req), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*req))
		return 0;
	err = -errno;
	close(*fd);
	*fd = -1;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
	return err;
}

static bool is_set(const struct dns_set *set)
{
	if (set->n > DNS_VALUES_MAX)
		return false;
	for (unsigned int i = 0; i < set->n; i++)
		if (!ascii_text(set->value[i], DNS_ADDRESS_MAX))
			return false;
	return true;
}

int dns_job_receive(int fd, struct dns_reply *r)
{
	ssize_t n = recv(fd, r, sizeof(*r), MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return -EPIPE;
	if (n != sizeof(*r) || r->kind >= DNS_REPLY_KINDS || r->result > DNS_DENIED ||
	    r->hosts_ttl_s > DNS_HOSTS_MAX_S || r->servers > CONF_DNS_SERVERS_MAX ||
	    r->have > r->servers || !is_set(&r->present) || !is_set(&r->after) ||
	    !is_set(&r->hosts) || !ascii_text(r->zone, sizeof(r->zone)) ||
	    !ascii_text(r->text, sizeof(r->text)))
		return -EBADMSG;
	return 0;
}

int dns_job_allow(int fd, bool yes)
{
	const struct dns_go go = {.yes = yes};

	return send(fd, &go, sizeof(go), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(go) ? 0 : -errno;
}

uint64_t dns_job_longest_ns(const struct conf_dns *c)
{
	return AWAIT_NS + REQUESTS * c->timeout_ns;
}

/* Waits for replies until the last one. */
static int converse(int fd, uint64_t by_ns, bool allow, struct dns_reply *out)
{
	for (;;) {
		int err = wait_fd(fd, POLLIN, by_ns);

		if (err)
			return err;
		err = dns_job_receive(fd, out);
		if (!err && out->kind == DNS_ASK)
			err = dns_job_allow(fd, allow);
		if (err && err != -EAGAIN)
			return err;
		if (!err && out->kind == DNS_DONE)
			return 0;
	}
}

int dns_job_run(const char *user, const struct dns_request *req, bool allow, struct dns_reply *out)
{
	uint64_t by_ns = clock_now_ns() + dns_job_longest_ns(&req->conf);
	pid_t pid = 0;
	int fd = -1;
	int err = dns_job_start(user, req, &fd, &pid);

	if (err)
		return err;
	err = converse(fd, by_ns, allow, out);
	close(fd);
	if (err)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}
