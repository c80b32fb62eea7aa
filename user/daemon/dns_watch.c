/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_watch.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/dns_job.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/dns_watch.h"

#define GRACE_NS (30 * NS_PER_S) /* beside dns.propagation, until the job is killed */

void dns_watch_init(struct dns_watch *w)
{
	memset(w, 0, sizeof(*w));
	w->fd = -1;
}

void dns_watch_stop(struct dns_watch *w)
{
	w->due = false;
	if (w->fd < 0)
		return;
	close(w->fd);
	w->fd = -1;
	if (kill(w->pid, SIGKILL) && errno != ESRCH)
		log_error("could not kill DNS job %d: %s", (int)w->pid, strerror(errno));
}

void dns_watch_close(struct dns_watch *w)
{
	dns_watch_stop(w);
	while (w->pid > 0 && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
}

void dns_watch_begin(struct dns_watch *w, const struct dns_request *req, const char *zone)
{
	dns_watch_stop(w);
	w->known = w->ended = false;
	w->req = *req;
	w->req.op = DNS_OP_WATCH;
	snprintf(w->req.conf.zone, sizeof(w->req.conf.zone), "%s", zone);
	w->due = req->conf.propagation_ns > 0;
}

/* Always true: the job is over. */
static bool fail(struct dns_watch *w, const char *why)
{
	dns_watch_stop(w);
	memset(&w->last, 0, sizeof(w->last));
	w->last.kind = DNS_DONE;
	w->last.result = DNS_FAILED;
	snprintf(w->last.text, sizeof(w->last.text), "the name servers were not asked: %s", why);
	w->known = w->ended = true;
	return true;
}

static bool start(struct dns_watch *w, const char *user, uint64_t now_ns)
{
	int err = dns_job_start(user, &w->req, &w->fd, &w->pid);

	w->due = false;
	w->by_ns = now_ns + w->req.conf.propagation_ns + GRACE_NS;
	if (!err)
		return false;
	w->fd = -1;
	w->pid = 0;
	return fail(w, strerror(-err));
}

/* One reply a tick is enough: there is one for each server at most. */
static bool take(struct dns_watch *w, uint64_t now_ns)
{
	struct dns_reply r;
	int err = dns_job_receive(w->fd, &r);

	if (err == -EAGAIN)
		return now_ns >= w->by_ns ? fail(w, "the job took too long") : false;
	if (err || (r.kind != DNS_SEEN && r.kind != DNS_DONE))
		return fail(w, err == -EPIPE ? "the job died" : "the job sent nonsense");
	w->last = r;
	w->known = true;
	w->ended = r.kind == DNS_DONE;
	if (w->ended)
		dns_watch_stop(w);
	return w->ended;
}

bool dns_watch_tick(struct dns_watch *w, const char *user, uint64_t now_ns)
{
	int status;
	pid_t got;

	if (w->fd >= 0)
		return take(w, now_ns);
	got = w->pid > 0 ? waitpid(w->pid, &status, WNOHANG) : 0;
	if (got > 0 || (got < 0 && errno == ECHILD))
		w->pid = 0;
	return w->due && w->pid == 0 && start(w, user, now_ns);
}
