/* SPDX-License-Identifier: GPL-2.0-only */
/* See hook_fifo.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/hook_fifo.h"
#include "act/hook_spawn.h"
#include "base/log.h"

/* A descriptor or -errno. */
static int open_fifo(const char *path)
{
	struct stat st;
	int fd;

	if (mkfifo(path, 0600) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISFIFO(st.st_mode))
		return fd;
	close(fd);
	return -EEXIST;
}

void hook_fifo_open(struct hook_fifo *f, const char *path)
{
	*f = (struct hook_fifo){.path = path, .fd = -1};
	if (!path[0])
		return;
	f->fd = open_fifo(path);
	if (f->fd >= 0)
		return;
	log_error("hooks.fifo: could not open %s: %s; the next change of the state tries again",
		  path, f->fd == -EEXIST ? "it is there, and is no FIFO" : strerror(-f->fd));
	f->fd = -1;
}

/* A reader may have removed the FIFO, or made it anew: ours would be read by nobody then. */
static bool is_there(const struct hook_fifo *f)
{
	struct stat there, ours;

	return f->fd >= 0 && !lstat(f->path, &there) && !fstat(f->fd, &ours) &&
	       there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

static void open_again(struct hook_fifo *f)
{
	if (is_there(f))
		return;
	hook_fifo_close(f);
	f->fd = open_fifo(f->path);
}

void hook_fifo_close(struct hook_fifo *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void hook_fifo_write(struct hook_fifo *f, const char *instance, const struct hook_call *call)
{
	char line[CONF_NAME_MAX + 64];
	int n, err;

	if (!f->path[0])
		return;
	n = snprintf(line, sizeof(line), "INSTANCE \"%s\" %s %u\n", instance,
		     hook_state_word(call->state), call->priority);
	open_again(f);
	/* Shorter than PIPE_BUF: the kernel takes it whole, or refuses it. */
	if (f->fd >= 0 && write(f->fd, line, (size_t)n) == n) {
		f->full = false;
		return;
	}
	err = f->fd < 0 ? -f->fd : errno;
	if (f->fd < 0)
		f->fd = -1;
	f->lost++;
	if (f->full)
		return;
	f->full = true;
	log_error("hooks.fifo: state %s was not written to %s: %s", hook_state_word(call->state),
		  f->path, err == EAGAIN ? "it is full, because nobody reads it" : strerror(err));
}
