/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process that asks etcd; see etcd_client.h. In this order it takes its settings; reads secrets
 * and certificates; becomes the user of the agent without capabilities; confines itself like the
 * notifier (agent/sandbox.h), because the names of endpoints are resolved when they are used; and
 * answers questions until the daemon closes the socket.
 *
 * What cannot be prepared is the answer to each question, so that status shows it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/etcd_http.h"
#include "agent/messages.h"
#include "agent/sandbox.h"
#include "base/log.h"

#define SETTINGS_MS 5000

static int take_settings(struct etcd_settings *s)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};

	if (poll(&p, 1, SETTINGS_MS) != 1 || recv(AGENT_FD, s, sizeof(*s), MSG_TRUNC) != sizeof(*s))
		return -EPIPE;
	return s->conf.n_endpoints && s->conf.n_endpoints <= CONF_ETCD_ENDPOINTS_MAX ? 0 : -EINVAL;
}

/* The newest question: for those before it the daemon waits no longer. 0 or -EPIPE. */
static int take_question(struct etcd_question *q)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};
	bool some = false;

	while (!some || poll(&p, 1, 0) > 0) {
		ssize_t n = recv(AGENT_FD, q, sizeof(*q), MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n != sizeof(*q) || q->op >= ETCD_OPS)
			return -EPIPE;
		else
			some = true;
	}
	return 0;
}

static int serve(struct etcd_http *h)
{
	struct etcd_question q;
	struct etcd_reply r;

	etcd_http_log_in(h);
	while (!take_question(&q)) {
		etcd_http_ask(h, &q, &r);
		if (!h->superseded && send(AGENT_FD, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
			return 1;
	}
	return 0;
}

int etcd_child_main(int argc, char **argv)
{
	static struct etcd_settings settings;
	static struct etcd_http h = {.settings = &settings};
	int code = 1;

	agent_started(argc, argv);
	if (take_settings(&settings)) {
		log_error("the process that asks etcd got no settings that it understands");
		_exit(2);
	}
	etcd_http_read_files(&h);
	if (!agent_become(argv[1]) && !sandbox_warm_up()) {
		etcd_http_open(&h);
		if (!sandbox_enter_with_names())
			code = serve(&h);
	}
	etcd_http_close(&h);
	_exit(code);
}
