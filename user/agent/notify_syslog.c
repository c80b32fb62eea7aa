/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notifications to the log of this machine, one line each: a datagram in the form of syslog(3) to
 * /dev/log, where journald or a syslog daemon listens.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/notify_deliver.h"

#define SOCKET "/dev/log"

static int priority(enum notify_severity severity)
{
	static const int levels[] = {LOG_INFO, LOG_WARNING, LOG_CRIT};

	return LOG_DAEMON | levels[severity];
}

static int open_log(const struct conf_notify *c)
{
	const char *path = c->endpoint[0] ? c->endpoint : SOCKET;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int send_item(int fd, const struct notify_message *m, const struct notify_item *i)
{
	char line[1024], words[NOTIFY_TITLE_MAX];
	const struct notify_event *e = &i->event;
	char vip[32] = "", players[24] = "";
	int n;

	if (notify_of_node(m))
		snprintf(vip, sizeof(vip), " vip=%s", m->who->vip);
	if (notify_has_players(m, e))
		snprintf(players, sizeof(players), " players=%u", e->players);
	n = snprintf(line, sizeof(line),
		     "<%d>hokm-xdp[%d]: %s%s kind=%s reason=%s (%s) node=%s instance=%s%s%s",
		     priority((enum notify_severity)e->severity), (int)getpid(),
		     i->mark == NOTIFY_OVER ? "over: " : "", notify_words(i, words, sizeof(words)),
		     notify_kind_name(e->kind), hokm_reason_name(e->reason),
		     hokm_reason_text(e->reason), m->who->node, m->who->instance, vip, players);
	if (n < 0)
		return -EINVAL;
	return send(fd, line, strnlen(line, sizeof(line)), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int fill(struct delivery *d, const struct notify_message *m)
{
	int fd = open_log(d->conf), err = fd < 0 ? fd : 0;

	for (unsigned int i = 0; !err && i < m->n; i++)
		err = send_item(fd, m, &m->items[i]);
	if (fd >= 0)
		close(fd);
	if (err)
		deliver_say(d, DELIVER_RETRY, "%s: %s",
			    d->conf->endpoint[0] ? d->conf->endpoint : SOCKET, strerror(-err));
	else
		deliver_say(d, DELIVER_OK, "written");
	return 0;
}

const struct deliver_type deliver_syslog = {.fill = fill};
