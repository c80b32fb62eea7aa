/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control server: it listens, and accepts clients that may look or act. server.h lists the
 * files and the invariants; a client that was accepted is in server_client.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/server.h"

#define ACCEPTS_PER_S 500 /* many connections at once must not delay the loop */

static int on_accept(sd_event_source *src, int listen_fd, uint32_t revents, void *arg)
{
	struct ctl_server *s = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	uid_t uid = 0;
	enum ctl_role role;
	int err;

	(void)src;
	(void)revents;
	if (fd < 0) {
		/*
		 * When no file descriptor is left, the rate limit of this source keeps the loop
		 * from spinning.
		 */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			log_debug("ctl: accept failed: %s", strerror(errno));
		return 0;
	}
	role = ctl_role_of(s, fd, &uid);
	if (role == CTL_ROLE_NONE) {
		s->stats.denied++;
		ctl_send_error(fd, EACCES,
			       "permission denied: "
			       "root or a member of ctl_group or ctl_admin_group may ask");
	} else if (s->n_clients >= CTL_CLIENTS_MAX) {
		s->stats.busy++;
		ctl_send_error(fd, EBUSY,
			       "too many clients; try again, or stop some `ctl events -f`");
	} else {
		err = ctl_client_new(s, fd, role, uid);
		if (!err)
			return 0;
		log_error("ctl: could not accept a client: %s", strerror(-err));
	}
	close(fd);
	return 0;
}

static int watch_listener(struct ctl_server *s)
{
	int err = sd_event_add_io(s->event, &s->accept, s->listener.fd, EPOLLIN, on_accept, s);

	if (err >= 0)
		err = sd_event_source_set_priority(s->accept, CTL_PRIORITY);
	if (err >= 0)
		err = sd_event_source_set_ratelimit(s->accept, 1000000, ACCEPTS_PER_S);
	if (err < 0)
		log_error("control socket: could not watch it: %s", strerror(-err));
	return err < 0 ? err : 0;
}

int ctl_server_listen(struct ctl_server *s, struct ctl_listener *fresh)
{
	struct ctl_listener former = s->listener;
	sd_event_source *accept = s->accept;
	int err;

	s->listener = *fresh;
	s->accept = NULL;
	err = watch_listener(s);
	if (err) {
		sd_event_source_disable_unref(s->accept);
		ctl_listener_close(fresh);
		s->listener = former;
		s->accept = accept;
		return err;
	}
	sd_event_source_disable_unref(accept);
	ctl_listener_close(&former);
	return 0;
}

int ctl_server_open(sd_event *event, const char *path, const struct ctl_groups *groups,
		    const struct ctl_verb *verbs, void *arg, struct events *events,
		    const struct event_names *names, struct ctl_server **out)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->event = event;
	s->verbs = verbs;
	s->arg = arg;
	s->events = events;
	s->listener.fd = -1;
	s->stream_stall_ns = CTL_STREAM_STALL_NS;
	s->stream_max_ns = CTL_STREAM_MAX_NS;
	LIST_INIT(&s->clients);
	if (names) {
		s->names = *names;
		s->has_names = true;
		if (!s->names.arg)
			s->names.arg = arg;
	}
	err = ctl_access_open(s, groups);
	if (!err)
		err = ctl_listener_open(&s->listener, path, s->gid, true);
	if (!err)
		err = watch_listener(s);
	if (!err)
		err = ctl_again_open(s);
	if (err) {
		ctl_server_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void ctl_server_close(struct ctl_server *s)
{
	if (!s)
		return;
	for (struct ctl_client *c = LIST_FIRST(&s->clients), *next; c; c = next) {
		next = LIST_NEXT(c, link);
		ctl_client_free(c);
	}
	ctl_again_close(s);
	sd_event_source_disable_unref(s->accept);
	ctl_listener_close(&s->listener);
	free(s);
}

uid_t ctl_server_asker(const struct ctl_server *s)
{
	return s->asker;
}

void ctl_server_get_stats(const struct ctl_server *s, struct ctl_server_stats *out)
{
	*out = s->stats;
}
