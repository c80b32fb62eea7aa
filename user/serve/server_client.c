/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One client of the control server: its requests, the replies, its pauses and deadlines, its end.
 * server.h lists the files and the invariants, base/ctl_proto.h describes the protocol.
 *
 *   [ request -> handler -> reply ]* -> closed
 *
 * Any fault of a client is answered if possible and counted, and the client is disconnected;
 * nothing else happens (rule 8, docs/architecture.md).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "serve/server.h"

#define ERROR_MAX         512
#define DEADLINE_SLACK_US 10000

void ctl_client_free(struct ctl_client *c)
{
	ctl_events_forget(c);
	ctl_stream_forget(c);
	LIST_REMOVE(c, link);
	c->server->n_clients--;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->deadline);
	sd_event_source_disable_unref(c->pause);
	if (c->fd >= 0)
		close(c->fd);
	frame_reader_free(&c->in);
	frame_writer_free(&c->out);
	free(c);
}

/* The client asks too much: its next request waits. True: it is not read until then. */
static bool begin_pause(struct ctl_client *c)
{
	uint64_t wait_ns = budget_wait_ns(&c->budget, clock_now_ns());
	int err;

	if (!wait_ns)
		return false;
	err = sd_event_source_set_time_relative(c->pause, wait_ns / 1000 + 1);
	if (err >= 0)
		err = sd_event_source_set_enabled(c->pause, SD_EVENT_ONESHOT);
	if (err >= 0)
		err = sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
	if (err < 0) {
		log_error("ctl: could not make a client wait: %s", strerror(-err));
		return false;
	}
	c->server->stats.paused++;
	return true;
}

void ctl_client_watch(struct ctl_client *c)
{
	uint32_t want = frame_writer_pending(&c->out) ? EPOLLOUT : EPOLLIN;
	int err;

	if (c->following)
		want |= EPOLLIN;
	else if (want == EPOLLIN && begin_pause(c))
		want = 0;
	err = sd_event_source_set_io_events(c->io, want);
	if (err < 0)
		log_error("ctl: could not watch a client: %s", strerror(-err));
}

/* From now on the present request or reply may take CTL_TIMEOUT_NS. */
static void restart_deadline(struct ctl_client *c)
{
	int err;

	if (c->following) {
		err = sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
	} else {
		err = sd_event_source_set_time_relative(c->deadline, CTL_TIMEOUT_NS / 1000);
		if (err >= 0)
			err = sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT);
	}
	if (err < 0)
		log_error("ctl: could not set a client's deadline: %s", strerror(-err));
}

json_t *ctl_error_reply(int code, const char *text)
{
	return json_pack("{s:b, s:o, s:i}", "ok", 0, "error", frame_text(text), "code", code);
}

void ctl_send_error(int fd, int code, const char *text)
{
	struct frame_writer w = {0};
	json_t *msg = ctl_error_reply(code, text);

	if (!msg || frame_writer_add(&w, msg, CTL_REPLY_MAX) || frame_writer_flush(&w, fd))
		log_debug("ctl: an error could not be sent to a client: %s", text);
	json_decref(msg);
	frame_writer_free(&w);
}

/* Disconnects a client because of its fault. */
static void client_fail(struct ctl_client *c, uint64_t *counter, int code, const char *text)
{
	(*counter)++;
	log_debug("ctl: client disconnected: %s", text);
	/* In the middle of a reply an error would be malformed too. */
	if (!frame_writer_pending(&c->out))
		ctl_send_error(c->fd, code, text);
	ctl_client_free(c);
}

/* ---- one request ---- */

static const struct ctl_verb *find_verb(const struct ctl_server *s, const char *name)
{
	for (const struct ctl_verb *v = s->verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static int unknown_verb(const struct ctl_server *s, const char *name, char *error, size_t size)
{
	int n = snprintf(error, size, "this daemon has no verb \"%.32s\"; it has events", name);

	for (const struct ctl_verb *v = s->verbs; v->name && n > 0 && (size_t)n < size; v++)
		n += snprintf(error + n, size - (size_t)n, ", %s", v->name);
	return -EOPNOTSUPP;
}

static bool is_order(const struct ctl_verb *v, const json_t *args)
{
	return v && (v->acts || (v->acts_with && json_object_get(args, v->acts_with)));
}

/* May the client do this? Looking is for every client, acting for those who may act. */
static bool may(const struct ctl_client *c, const struct ctl_verb *v, const json_t *args)
{
	return !is_order(v, args) || c->role == CTL_ROLE_ACTS;
}

/* The client has closed the connection, and not only its own direction. */
static bool is_gone(const struct ctl_client *c)
{
	struct pollfd p = {.fd = c->fd};

	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

static int deny(struct ctl_client *c, char *error, size_t size)
{
	c->server->stats.denied++;
	snprintf(error, size, "permission denied: root or a member of ctl_admin_group may do this");
	return -EACCES;
}

/*
 * Runs the verb. Returns the reply as a new reference, NULL without memory; it is not sent when a
 * thread makes the reply (c->stream).
 */
static json_t *answer(struct ctl_client *c, const char *verb, const json_t *args)
{
	struct ctl_server *s = c->server;
	const struct ctl_verb *v = find_verb(s, verb);
	char error[ERROR_MAX] = "";
	json_t *data = NULL;
	int err;

	s->asker = c->uid;
	if (!strcmp(verb, "events"))
		err = ctl_events_verb(c, args, &data, error, sizeof(error));
	else if (v && !may(c, v, args))
		err = deny(c, error, sizeof(error));
	else if (v && v->work)
		err = ctl_stream_start(c, v->work, args, error, sizeof(error));
	else if (v)
		err = v->handler(s->arg, args, &data, error, sizeof(error));
	else
		err = unknown_verb(s, verb, error, sizeof(error));
	if (err) {
		json_decref(data);
		return ctl_error_reply(-err, error[0] ? error : strerror(-err));
	}
	if (!data)
		data = json_object();
	return json_pack("{s:b, s:o}", "ok", 1, "data", data);
}

static int queue_reply(struct ctl_client *c, json_t *reply)
{
	int err = reply ? frame_writer_add(&c->out, reply, CTL_REPLY_MAX) : -ENOMEM;

	json_decref(reply);
	if (err != -EMSGSIZE)
		return err;
	reply = ctl_error_reply(EMSGSIZE, "the answer is too long; ask for less");
	err = reply ? frame_writer_add(&c->out, reply, CTL_REPLY_MAX) : -ENOMEM;
	json_decref(reply);
	return err;
}

/* CPU time of this thread. */
static uint64_t cpu_now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t))
		return 0;
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* The request that has arrived, as a new reference. NULL: the client was freed. */
static json_t *take_request(struct ctl_client *c, const char **verb, json_t **args)
{
	struct ctl_server *s = c->server;
	char error[ERROR_MAX];
	json_t *msg;

	if (frame_reader_take(&c->in, &msg, error, sizeof(error))) {
		client_fail(c, &s->stats.garbage, EBADMSG, error);
		return NULL;
	}
	*verb = json_string_value(json_object_get(msg, "verb"));
	*args = json_object_get(msg, "args");
	if (!*verb || (*args && !json_is_object(*args))) {
		json_decref(msg);
		client_fail(c, &s->stats.garbage, EBADMSG,
			    "a request is {\"verb\": \"…\", \"args\": {…}}");
		return NULL;
	}
	/*
	 * A daemon that was stopped finds orders that nobody waits for any more. The client has
	 * read that it was not answered, and two of them may come in another order.
	 */
	if (is_order(find_verb(s, *verb), *args) && is_gone(c)) {
		log_warn("ctl: the order %.32s is not carried out: its client gave up", *verb);
		json_decref(msg);
		ctl_client_free(c);
		return NULL;
	}
	return msg;
}

/* Handles a complete request. False: the client was freed. */
static bool client_request(struct ctl_client *c)
{
	const char *verb;
	json_t *args, *reply, *msg = take_request(c, &verb, &args);
	uint64_t began_ns;
	int err = 0;

	if (!msg)
		return false;
	c->server->stats.requests++;
	c->asked = true;
	began_ns = cpu_now_ns();
	reply = answer(c, verb, args);
	budget_spend(&c->budget, cpu_now_ns() - began_ns, clock_now_ns());
	json_decref(msg);
	if (c->stream)
		json_decref(reply);
	else
		err = queue_reply(c, reply);
	if (err) {
		log_error("ctl: could not make a reply: %s", strerror(-err));
		ctl_client_free(c);
		return false;
	}
	if (!c->stream)
		restart_deadline(c);
	return true;
}

/* A follower sends nothing more: this only notices its end. False: the client was freed. */
static bool follower_read(struct ctl_client *c)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, sizeof(byte), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n > 0)
		c->server->stats.garbage++;
	ctl_client_free(c);
	return false;
}

/* Reads what has arrived. False: the client was freed. */
static bool client_read(struct ctl_client *c)
{
	struct ctl_server *s = c->server;
	int err = frame_reader_fill(&c->in, c->fd);

	switch (err) {
	case 1:
		return client_request(c);
	case -EAGAIN:
		return true;
	case -EMSGSIZE:
		client_fail(c, &s->stats.oversized, EMSGSIZE, "the request is too long");
		return false;
	case -EBADMSG:
		client_fail(c, &s->stats.garbage, EBADMSG, "the request is empty");
		return false;
	case -EPIPE:
		client_fail(c, &s->stats.garbage, EBADMSG, "the request was cut off");
		return false;
	default: /* closed between requests, or a connection error */
		ctl_client_free(c);
		return false;
	}
}

/* Sends what is queued. False: the client was freed. */
static bool client_write(struct ctl_client *c)
{
	int err;

	if (!frame_writer_pending(&c->out))
		return true;
	err = frame_writer_flush(&c->out, c->fd);
	if (!err && c->dropped) {
		ctl_events_caught_up(c);
		err = frame_writer_flush(&c->out, c->fd);
	}
	if (err && err != -EAGAIN) {
		ctl_client_free(c);
		return false;
	}
	if (!err)
		restart_deadline(c);
	return true;
}

static int on_client(sd_event_source *src, int fd, uint32_t revents, void *arg)
{
	struct ctl_client *c = arg;

	(void)src;
	(void)fd;
	if ((revents & EPOLLOUT) && !client_write(c))
		return 0;
	if (revents & EPOLLIN) {
		if (c->following && !follower_read(c))
			return 0;
		/* The reply is sent in a later turn: settle() carries the request out before. */
		if (!c->following && !frame_writer_pending(&c->out) && !client_read(c))
			return 0;
	} else if (revents & (EPOLLHUP | EPOLLERR)) {
		ctl_client_free(c);
		return 0;
	}
	ctl_client_watch(c);
	return 0;
}

void ctl_client_streamed(struct ctl_client *c, uint64_t cost_ns, int err)
{
	if (err) {
		c->server->stats.timed_out += err == -ETIMEDOUT;
		log_debug("ctl: client disconnected in the middle of a long reply: %s",
			  strerror(-err));
		ctl_client_free(c);
		return;
	}
	err = sd_event_source_set_enabled(c->io, SD_EVENT_ON);
	if (err < 0) {
		log_error("ctl: could not watch a client: %s", strerror(-err));
		ctl_client_free(c);
		return;
	}
	budget_spend(&c->budget, cost_ns, clock_now_ns());
	restart_deadline(c);
	ctl_client_watch(c);
}

static int on_pause_over(sd_event_source *src, uint64_t usec, void *arg)
{
	struct ctl_client *c = arg;

	(void)src;
	(void)usec;
	restart_deadline(c);
	ctl_client_watch(c);
	return 0;
}

static int on_deadline(sd_event_source *src, uint64_t usec, void *arg)
{
	struct ctl_client *c = arg;

	(void)src;
	(void)usec;
	if (frame_writer_pending(&c->out))
		client_fail(c, &c->server->stats.timed_out, ETIMEDOUT, "the reply was not read");
	else if (frame_reader_begun(&c->in) || !c->asked)
		client_fail(c, &c->server->stats.timed_out, ETIMEDOUT,
			    "the request was not complete in time");
	else
		ctl_client_free(c);
	return 0;
}

/* ---- its begin ---- */

int ctl_client_new(struct ctl_server *s, int fd, enum ctl_role role, uid_t uid)
{
	struct ctl_client *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->server = s;
	c->fd = fd;
	c->uid = uid;
	c->role = role;
	budget_init(&c->budget, clock_now_ns());
	frame_reader_init(&c->in, CTL_REQUEST_MAX);
	err = sd_event_add_io(s->event, &c->io, fd, EPOLLIN, on_client, c);
	if (err >= 0)
		err = sd_event_add_time_relative(
			s->event, &c->deadline, CLOCK_MONOTONIC, CTL_TIMEOUT_NS / 1000,
			DEADLINE_SLACK_US, on_deadline, c);
	if (err >= 0)
		err = sd_event_add_time_relative(s->event, &c->pause, CLOCK_MONOTONIC, 0,
						 DEADLINE_SLACK_US, on_pause_over, c);
	if (err >= 0)
		err = sd_event_source_set_enabled(c->pause, SD_EVENT_OFF);
	if (err >= 0)
		err = sd_event_source_set_priority(c->io, CTL_PRIORITY);
	if (err >= 0)
		err = sd_event_source_set_priority(c->deadline, CTL_PRIORITY);
	if (err >= 0)
		err = sd_event_source_set_priority(c->pause, CTL_PRIORITY);
	if (err < 0) {
		sd_event_source_disable_unref(c->io);
		sd_event_source_disable_unref(c->deadline);
		sd_event_source_disable_unref(c->pause);
		free(c);
		return err;
	}
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->n_clients++;
	return 0;
}
