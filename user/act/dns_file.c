/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_file.h. While `running` is set, `text` belongs to the thread. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/dns_file.h"
#include "act/save.h"
#include "base/log.h"
#include "base/rt_thread.h"

#define FILE_MAX (1u << 18)

struct dns_file {
	char path[CONF_DNS_PATH_MAX];
	char fresh[CONF_DNS_PATH_MAX + 4];
	char folder[CONF_DNS_PATH_MAX];
	pthread_t thread;
	bool running, again, failed;
	/* the thread's */
	char *text;
	int err;
	atomic_bool done;
};

static const char *read_fd(int fd, struct dns_book *b)
{
	const char *why = NULL;
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st))
		return strerror(errno);
	why = save_why_not_trusted(&st, FILE_MAX);
	text = why ? NULL : malloc(FILE_MAX);
	if (!text)
		return why ? why : "out of memory";
	n = read(fd, text, FILE_MAX);
	if (n < 0)
		why = strerror(errno);
	else if (dns_book_parse(text, (size_t)n, b))
		why = "it is damaged";
	free(text);
	return why;
}

static void read_book(const struct dns_file *f, struct dns_book *b)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why;

	memset(b, 0, sizeof(*b));
	if (fd < 0 && errno == ENOENT)
		return;
	why = fd < 0 ? strerror(errno) : read_fd(fd, b);
	if (fd >= 0)
		close(fd);
	if (why)
		log_error("the file %s is ignored: %s; its history is lost, "
			  "and no order of `hokm-xdp dns` is in force",
			  f->path, why);
}

/* ---- on the thread ---- */

static void *work(void *arg)
{
	struct dns_file *f = arg;

	f->err = save_text(f->folder, f->fresh, f->path, f->text, strlen(f->text));
	atomic_store(&f->done, true);
	return NULL;
}

/* ---- the loop's side ---- */

static void take(struct dns_file *f)
{
	const bool was_fine = !f->failed;

	f->failed = f->err != 0;
	f->running = false;
	if (was_fine && f->failed)
		log_error("could not write %s: %s; "
			  "a restart would not know the orders of `hokm-xdp dns`",
			  f->path, strerror(-f->err));
}

/* Waits for the thread. */
static void end(struct dns_file *f)
{
	pthread_join(f->thread, NULL);
	take(f);
}

void dns_file_write(struct dns_file *f, const struct dns_book *b)
{
	json_t *o;

	f->again = f->running;
	if (f->running)
		return;
	o = dns_book_json(b);
	free(f->text);
	f->text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	atomic_store(&f->done, false);
	f->err = f->text ? -pthread_create(&f->thread, NULL, work, f) : -ENOMEM;
	f->running = f->err == 0;
	if (!f->running)
		take(f);
}

void dns_file_tick(struct dns_file *f, const struct dns_book *b)
{
	if (!f->running || !atomic_load(&f->done))
		return;
	rt_thread_over(f->thread);
	take(f);
	if (f->again)
		dns_file_write(f, b);
}

bool dns_file_busy(const struct dns_file *f)
{
	return f->running;
}

bool dns_file_failed(const struct dns_file *f)
{
	return f->failed;
}

int dns_file_open(const char *path, struct dns_book *b, struct dns_file **out)
{
	struct dns_file *f = calloc(1, sizeof(*f));
	const char *slash = strrchr(path, '/');

	*out = NULL;
	if (!f)
		return -ENOMEM;
	/* The path is absolute. */
	snprintf(f->folder, sizeof(f->folder), "%.*s", (int)(slash - path) + 1, path);
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->fresh, sizeof(f->fresh), "%s.new", path);
	read_book(f, b);
	*out = f;
	return 0;
}

void dns_file_close(struct dns_file *f, const struct dns_book *b)
{
	if (!f)
		return;
	if (f->running)
		end(f);
	if (f->again)
		dns_file_write(f, b);
	if (f->running)
		end(f);
	free(f->text);
	free(f);
}
