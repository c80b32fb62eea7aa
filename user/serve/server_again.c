/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket comes back when another program removes it or its folder (architecture rule
 * 12): until then nobody can ask this process anything, and `run` would find no other daemon there.
 *
 * The folder is watched by inotify. What cannot be made again now is tried again later, at growing
 * distances. The lock of the folder is not waited for: the loop of the daemon does that.
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
static int watch_folder(struct ctl_server *s)
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
	err = sd_event_add_inotify(
		s->event, &fresh, folder, IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF,
		on_folder, s);
	if (err < 0)
		return err;
	sd_event_source_disable_unref(s->again.folder);
	s->again.folder = fresh;
	return 0;
}

static void look(struct ctl_server *s)
{
	struct ctl_listener fresh;
	int err = 0;

	if (ctl_listener_there(&s->listener))
		return;
	err = ctl_listener_open(&fresh, s->listener.path, s->gid, false);
	if (!err)
		err = ctl_server_listen(s, &fresh);
	if (!err)
		err = watch_folder(s);
	if (err) {
		try_later(s);
		return;
	}
	s->again.gap_us = FIRST_US;
	log_warn("control socket %s: another program removed it, it is back", s->listener.path);
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
	err = watch_folder(s);
	if (err)
		log_info("control socket %s: its removal would not be seen (%s)", s->listener.path,
			 strerror(-err));
	return 0;
}

void ctl_again_close(struct ctl_server *s)
{
	sd_event_source_disable_unref(s->again.folder);
	sd_event_source_disable_unref(s->again.retry);
}
