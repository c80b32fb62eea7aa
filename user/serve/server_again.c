/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket comes back when another program removes it or its folder, or renames a file
 * over it (architecture rule 12): until then nobody can ask this process anything, and `run` would
 * find no other daemon there.
 *
 * The folder is watched by inotify. What cannot be made again now, the socket or the watch, is
 * tried again later, at growing distances. The lock of the folder is not waited for: the loop of
 * the daemon does that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "serve/server.h"

#define FIRST_US    1000000ULL
#define MOST_US     64000000ULL
#define ACCURACY_US 100000
/* A file that is renamed over the socket gives the folder IN_MOVED_TO, and no IN_DELETE. */
#define REMOVED (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

static void look(struct ctl_server *s);

static int on_folder(sd_event_source *src, const struct inotify_event *event, void *arg)
{
	(void)src;
	(void)event;
	look(arg);
	return 0;
}

static int on_retry(sd_event_source *src, uint64_t usec, void *arg)
{
	(void)src;
	(void)usec;
	look(arg);
	return 0;
}

static void try_later(struct ctl_server *s)
{
	int err = sd_event_source_set_time_relative(s->again.retry, s->again.gap_us);

	if (err >= 0)
		err = sd_event_source_set_enabled(s->again.retry, SD_EVENT_ONESHOT);
	if (err < 0)
		log_error("control socket: could not set a timer: %s", strerror(-err));
	s->again.gap_us = s->again.gap_us * 2 < MOST_US ? s->again.gap_us * 2 : MOST_US;
}

/* The new watch begins before the former one ends, as in upkeep.c. */
static int begin_watch(struct ctl_server *s)
{
	char folder[CONF_PATH_MAX];
	sd_event_source *fresh = NULL;
	char *slash;
	int err;

	snprintf(folder, sizeof(folder), "%s", s->listener.path);
	slash = strrchr(folder, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	err = sd_event_add_inotify(s->event, &fresh, folder, REMOVED, on_folder, s);
	if (err < 0)
		return err;
	sd_event_source_disable_unref(s->again.folder);
	s->again.folder = fresh;
	return 0;
}

/* The first failure of several in a row is logged. */
static int watch_folder(struct ctl_server *s)
{
	int err = begin_watch(s);

	if (err && !s->again.unwatched)
		log_info("control socket %s: its removal would not be seen (%s)", s->listener.path,
			 strerror(-err));
	s->again.unwatched = err != 0;
	return err;
}

static int listen_again(struct ctl_server *s)
{
	struct ctl_listener fresh;
	int err = ctl_listener_open(&fresh, s->listener.path, s->gid, false);

	if (!err)
		err = ctl_server_listen(s, &fresh);
	if (!err)
		log_warn("control socket %s: another program removed it, it is back",
			 s->listener.path);
	return err;
}

static void look(struct ctl_server *s)
{
	bool there = ctl_listener_there(&s->listener);
	int err = 0;

	if (there && !s->again.unwatched)
		return;
	if (!there)
		err = listen_again(s);
	if (!err)
		err = watch_folder(s);
	/* It may have been removed again before the watch began. */
	if (!err && !ctl_listener_there(&s->listener))
		err = -ENOENT;
	if (err)
		try_later(s);
	else
		s->again.gap_us = FIRST_US;
}

int ctl_again_open(struct ctl_server *s)
{
	int err = sd_event_add_time_relative(
		s->event, &s->again.retry, CLOCK_MONOTONIC, 0, ACCURACY_US, on_retry, s);

	s->again.gap_us = FIRST_US;
	if (err >= 0)
		err = sd_event_source_set_enabled(s->again.retry, SD_EVENT_OFF);
	if (err >= 0)
		err = sd_event_source_set_priority(s->again.retry, CTL_PRIORITY);
	if (err < 0)
		return err;
	if (watch_folder(s))
		try_later(s);
	return 0;
}

void ctl_again_close(struct ctl_server *s)
{
	sd_event_source_disable_unref(s->again.folder);
	sd_event_source_disable_unref(s->again.retry);
}
