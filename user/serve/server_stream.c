/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long replies: a thread walks, sorts and sends, while the loop goes on.
 *
 *   loop    request -> prepare -> thread started .......... done_fd -> next request
 *   thread                        run: frames to the socket, blocking, with deadlines
 *
 * The thread writes to the socket of the client directly, so it works as fast as the client reads,
 * and nothing is queued. It polls the socket together with what can stop it early: the client
 * closes, the loop wants it to stop (stop_fd), or one of two deadlines passes. The loop reads the
 * result when done_fd says that it is there, and joins no thread. One that does not stop in time
 * when the server is closed keeps its reply and the socket, and ends with the process.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rt_thread.h"
#include "serve/server.h"

#define STACK_BYTES (512 * 1024)
#define ERROR_MAX   512
/* How long the end of the daemon waits for a thread that is to stop. */
#define FORGET_MS 1000

struct ctl_stream {
	struct ctl_client *client; /* of the loop */
	const struct ctl_work *work;
	void *job;
	pthread_t thread; /* detached when it is over */
	sd_event_source *done;
	int done_fd, stop_fd; /* eventfds */
	/* of the thread */
	int fd;
	uint64_t stall_ns, give_up_ns;
	int err; /* why the reply is incomplete */
	uint64_t cost_ns;
};

/* ---- on the thread ---- */

/* Waits until the client can receive more, for at most timeout_ms. 0, or why to stop. */
static int wait_client(const struct ctl_stream *s, short events, int timeout_ms)
{
	struct pollfd p[] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = s->fd, .events = events}};
	int n;

	do {
		n = poll(p, 2, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (p[0].revents)
		return -ECANCELED;
	if (p[1].revents & (POLLHUP | POLLERR))
		return -EPIPE;
	return n == 0 && timeout_ms ? -ETIMEDOUT : 0;
}

static int flush(struct ctl_stream *s, struct frame_writer *w)
{
	int err;

	while ((err = frame_writer_flush(w, s->fd)) == -EAGAIN) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = s->give_up_ns > now_ns ? s->give_up_ns - now_ns : 0;

		if (!left_ns)
			return -ETIMEDOUT;
		if (left_ns > s->stall_ns)
			left_ns = s->stall_ns;
		err = wait_client(s, POLLOUT, (int)(left_ns / NS_PER_MS) + 1);
		if (err)
			return err;
	}
	return err;
}

int ctl_stream_send(struct ctl_stream *s, const char *json, size_t len, bool more)
{
	static const char last_head[] = "{\"ok\":true,\"data\":";
	static const char more_head[] = "{\"ok\":true,\"more\":true,\"data\":";
	const char *head = more ? more_head : last_head;
	const struct iovec parts[] = {
		{.iov_base = (void *)(uintptr_t)head, .iov_len = strlen(head)},
		{.iov_base = (void *)(uintptr_t)json, .iov_len = len},
		{.iov_base = (void *)(uintptr_t) "}", .iov_len = 1},
	};
	struct frame_writer w = {0};

	if (!s->err)
		s->err = frame_writer_add_text(&w, parts, 3, CTL_REPLY_MAX);
	if (!s->err)
		s->err = flush(s, &w);
	frame_writer_free(&w);
	return s->err;
}

int ctl_stream_check(struct ctl_stream *s)
{
	if (!s->err)
		s->err = clock_now_ns() < s->give_up_ns ? wait_client(s, 0, 0) : -ETIMEDOUT;
	return s->err;
}

static void send_error(struct ctl_stream *s, int err, const char *text)
{
	json_t *msg = ctl_error_reply(-err, text[0] ? text : strerror(-err));
	struct frame_writer w = {0};

	s->err = msg ? frame_writer_add(&w, msg, CTL_REPLY_MAX) : -ENOMEM;
	if (!s->err)
		s->err = flush(s, &w);
	json_decref(msg);
	frame_writer_free(&w);
}

static void *stream_thread(void *arg)
{
	struct ctl_stream *s = arg;
	char error[ERROR_MAX] = "";
	struct timespec cpu;
	uint64_t one = 1;
	int err = s->work->run(s->job, s, error, sizeof(error));

	if (err && !s->err)
		send_error(s, err, error);
	if (!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu))
		s->cost_ns = (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec;
	/* Adding 1 to an eventfd at 0 cannot block. On an error the client stays until the end. */
	if (write(s->done_fd, &one, sizeof(one)) != sizeof(one))
		log_error("ctl: could not signal the end of a long reply: %s", strerror(errno));
	return NULL;
}

/* ---- on the thread of the loop ---- */

static void stream_free(struct ctl_stream *s)
{
	sd_event_source_disable_unref(s->done);
	if (s->done_fd >= 0)
		close(s->done_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	s->work->free(s->job);
	free(s);
}

/* The thread is over. Returns why the reply is incomplete, or 0. cost_ns: its CPU time. */
static int stream_end(struct ctl_stream *s, uint64_t *cost_ns)
{
	struct ctl_client *c = s->client;
	int err = s->err;

	*cost_ns = s->cost_ns;
	c->stream = NULL;
	c->server->n_streams--;
	stream_free(s);
	return err;
}

static int on_done(sd_event_source *src, int fd, uint32_t revents, void *arg)
{
	struct ctl_stream *s = arg;
	struct ctl_client *c = s->client;
	uint64_t cost_ns;
	int err;

	(void)src;
	(void)fd;
	(void)revents;
	rt_thread_over(s->thread);
	err = stream_end(s, &cost_ns);
	ctl_client_streamed(c, cost_ns, err);
	return 0;
}

void ctl_stream_forget(struct ctl_client *c)
{
	struct ctl_stream *s = c->stream;
	struct pollfd p = {.events = POLLIN};
	uint64_t one = 1, cost_ns;

	if (!s)
		return;
	if (write(s->stop_fd, &one, sizeof(one)) != sizeof(one))
		log_error("ctl: a long reply could not be stopped: %s", strerror(errno));
	p.fd = s->done_fd;
	rt_thread_over(s->thread);
	if (poll(&p, 1, FORGET_MS) == 1) {
		(void)stream_end(s, &cost_ns);
		return;
	}
	log_warn("ctl: a long reply does not end");
	sd_event_source_disable_unref(s->done);
	c->stream = NULL;
	c->fd = -1;
	c->server->n_streams--;
}

/*
 * Ordinary priority, whatever the thread of the loop has. Set explicitly, or glibc takes over the
 * priority of the loop.
 */
static int start_thread(struct ctl_stream *s)
{
	const struct sched_param ordinary = {.sched_priority = 0};
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	err = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!err)
		err = pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	if (!err)
		err = pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	/* Without this the priority would be that of the loop, which is invalid for this policy. */
	if (!err)
		err = pthread_attr_setschedparam(&attr, &ordinary);
	if (!err)
		err = pthread_create(&s->thread, &attr, stream_thread, s);
	pthread_attr_destroy(&attr);
	return -err;
}

static int stream_open(struct ctl_stream *s)
{
	struct ctl_client *c = s->client;
	int err;

	s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->done_fd < 0 || s->stop_fd < 0)
		return -errno;
	err = sd_event_add_io(c->server->event, &s->done, s->done_fd, EPOLLIN, on_done, s);
	if (err >= 0)
		err = sd_event_source_set_priority(s->done, CTL_PRIORITY);
	if (err >= 0)
		err = sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
	if (err >= 0)
		err = sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
	if (err >= 0)
		err = start_thread(s);
	if (err >= 0)
		return 0;
	if (sd_event_source_set_enabled(c->io, SD_EVENT_ON) < 0)
		log_error("ctl: could not watch a client");
	return err;
}

int ctl_stream_start(struct ctl_client *c, const struct ctl_work *work, const json_t *args,
		     char *error, size_t error_size)
{
	struct ctl_server *server = c->server;
	struct ctl_stream *s;
	void *job = NULL;
	int err;

	if (server->n_streams >= CTL_STREAMS_MAX) {
		server->stats.busy++;
		snprintf(error, error_size,
			 "%d long listings are being made already; "
			 "try again when one of them is complete",
			 CTL_STREAMS_MAX);
		return -EBUSY;
	}
	err = work->prepare(server->arg, args, &job, error, error_size);
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s) {
		work->free(job);
		return -ENOMEM;
	}
	s->client = c;
	s->work = work;
	s->job = job;
	s->fd = c->fd;
	s->stall_ns = server->stream_stall_ns;
	s->give_up_ns = clock_now_ns() + server->stream_max_ns;
	err = stream_open(s);
	if (err) {
		snprintf(error, error_size, "could not start the thread: %s", strerror(-err));
		stream_free(s);
		return err;
	}
	c->stream = s;
	server->n_streams++;
	return 0;
}
