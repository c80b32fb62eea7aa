/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See orders_file.h. `text` belongs to the thread while `running` is set; `next` is the newest
 * change, which the loop copies to `text` before it starts the thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/orders_file.h"
#include "act/save.h"
#include "base/log.h"
#include "base/rt_thread.h"
#include "conf/conf.h"

struct orders_file {
	char path[CONF_PATH_MAX];
	char fresh[CONF_PATH_MAX + 4]; /* the second file */
	char folder[CONF_PATH_MAX];
	sd_event_source *source;
	int done; /* eventfd: the thread has ended */
	pthread_t thread;
	bool running, again, failed;
	struct orders next;
	/* the thread's */
	char text[ORDERS_TEXT_MAX];
	size_t len; /* 0: no order is in force, the file goes */
	int err;
};

/* ---- read ---- */

static const char *read_fd(int fd, struct orders *o)
{
	char text[ORDERS_TEXT_MAX];
	const char *why;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return strerror(errno);
	why = save_why_not_trusted(&st, ORDERS_TEXT_MAX);
	if (why)
		return why;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return strerror(errno);
	return orders_parse(text, (size_t)n, o) ? "it is damaged" : NULL;
}

void orders_file_read(const struct orders_file *f, struct orders *o)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why;

	memset(o, 0, sizeof(*o));
	if (fd < 0 && errno == ENOENT)
		return;
	why = fd < 0 ? strerror(errno) : read_fd(fd, o);
	if (fd >= 0)
		close(fd);
	if (why)
		log_error("the state file %s is ignored, no order of the operator is in force: %s; "
			  "give the order again, or remove the file",
			  f->path, why);
}

/* ---- write: on the thread ---- */

static int sync_folder(const struct orders_file *f)
{
	int fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int write_text(const struct orders_file *f)
{
	int err = 0;

	if (f->len)
		err = save_text(f->folder, f->fresh, f->path, f->text, f->len);
	else if (unlink(f->path))
		return errno == ENOENT ? 0 : -errno;
	return err ? err : sync_folder(f);
}

static void *work(void *arg)
{
	struct orders_file *f = arg;
	uint64_t one = 1;

	f->err = write_text(f);
	if (write(f->done, &one, sizeof(one)) != sizeof(one))
		f->err = f->err ? f->err : -EIO;
	return NULL;
}

/* ---- the loop's side ---- */

static void begin(struct orders_file *f)
{
	f->len = orders_any(&f->next) ? orders_print(&f->next, f->text) : 0;
	f->again = false;
	f->err = -pthread_create(&f->thread, NULL, work, f);
	f->running = f->err == 0;
}

static void take(struct orders_file *f)
{
	bool failed_before = f->failed;

	f->running = false;
	f->failed = f->err != 0;
	if (f->failed && !failed_before)
		log_error("could not write the state file %s: %s; "
			  "a restart of the daemon would not know the operator's orders",
			  f->path, strerror(-f->err));
	else if (failed_before && !f->failed)
		log_info("the state file %s is written", f->path);
}

/* Waits for the thread, if there is one. */
static void end(struct orders_file *f)
{
	if (f->running)
		pthread_join(f->thread, NULL);
	take(f);
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct orders_file *f = arg;
	uint64_t n;

	(void)s;
	(void)revents;
	if (read(fd, &n, sizeof(n)) != sizeof(n) || !f->running)
		return 0;
	rt_thread_over(f->thread);
	take(f);
	if (f->again)
		orders_file_write(f, &f->next);
	return 0;
}

void orders_file_write(struct orders_file *f, const struct orders *o)
{
	if (o != &f->next)
		f->next = *o;
	f->again = f->running;
	if (f->running)
		return;
	begin(f);
	if (!f->running)
		take(f);
}

bool orders_file_busy(const struct orders_file *f)
{
	return f->running;
}

bool orders_file_saved(const struct orders_file *f)
{
	return !f->running && !f->failed;
}

bool orders_file_failed(const struct orders_file *f)
{
	return f->failed;
}

int orders_file_open(sd_event *event, const char *path, struct orders_file **out)
{
	struct orders_file *f = calloc(1, sizeof(*f));
	char buf[CONF_PATH_MAX];
	int err;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->fresh, sizeof(f->fresh), "%s.new", f->path);
	memcpy(buf, f->path, sizeof(buf));
	snprintf(f->folder, sizeof(f->folder), "%s", dirname(buf));
	f->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = f->done < 0 ? -errno
			  : sd_event_add_io(event, &f->source, f->done, EPOLLIN, on_done, f);
	if (err < 0) {
		log_error("could not prepare the state file %s: %s", path, strerror(-err));
		orders_file_close(f);
		return err;
	}
	*out = f;
	return 0;
}

void orders_file_close(struct orders_file *f)
{
	if (!f)
		return;
	if (f->running)
		end(f);
	if (f->again) {
		begin(f);
		end(f);
	}
	sd_event_source_disable_unref(f->source);
	if (f->done >= 0)
		close(f->done);
	free(f);
}
