/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One question at a time to the daemon, each with a connection of its own. Nothing here waits for
 * an answer, nor for a place in the queue of connections, which is full when the daemon has been
 * stopped for minutes: a daemon that is stopped must not stop the screen.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/ctl_proto.h"
#include "top/top.h"

void top_link_init(struct top_link *l)
{
	memset(l, 0, sizeof(*l));
	l->conn.fd = -1;
}

void top_link_close(struct top_link *l)
{
	if (l->verb)
		ctl_conn_close(&l->conn);
	l->verb = NULL;
}

static int send_question(struct top_link *l, json_t *args)
{
	json_t *msg = json_pack("{s:s, s:o}", "verb", l->verb, "args", args);
	struct frame_writer w = {0};
	int err = msg ? frame_writer_add(&w, msg, CTL_REQUEST_MAX) : -ENOMEM;

	if (!err)
		err = frame_writer_flush(&w, l->conn.fd);
	/* A daemon that denies access closes at once: its reply is still there. */
	if (err == -EPIPE || err == -ECONNRESET)
		err = 0;
	frame_writer_free(&w);
	json_decref(msg);
	return err;
}

int top_link_ask(struct top_link *l, const char *verb, json_t *args, uint64_t now_ns)
{
	int err = args ? 0 : -ENOMEM;

	top_link_close(l);
	if (!err)
		err = ctl_conn_open_now(&l->conn, l->path);
	if (err) {
		json_decref(args);
		return err;
	}
	l->verb = verb;
	l->asked_ns = now_ns;
	l->until_ns = now_ns + CTL_CLIENT_TIMEOUT_S * NS_PER_S;
	err = send_question(l, args);
	if (err)
		top_link_close(l);
	return err;
}

int top_link_answer(struct top_link *l, json_t **reply, uint64_t now_ns)
{
	char error[128];
	int err = frame_reader_fill(&l->conn.in, l->conn.fd);

	*reply = NULL;
	if (err == -EAGAIN && now_ns < l->until_ns)
		return err;
	if (err == -EAGAIN)
		err = -ETIMEDOUT;
	else if (err > 0)
		err = frame_reader_take(&l->conn.in, reply, error, sizeof(error));
	top_link_close(l);
	return err;
}

uint64_t top_link_waits_ns(const struct top_link *l, uint64_t now_ns)
{
	return l->verb && now_ns > l->asked_ns ? now_ns - l->asked_ns : 0;
}

int top_link_fd(const struct top_link *l)
{
	return l->verb ? l->conn.fd : -1;
}

const char *top_link_why(int err)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
		return "nobody listens on its socket";
	case ETIMEDOUT:
		return "it does not answer: its process is stopped or stuck";
	case ENODATA:
	case EPIPE:
	case ECONNRESET:
		return "it closed the connection";
	case EACCES:
	case EPERM:
		return "permission denied: only root and members of ctl_group may ask";
	default:
		return strerror(-err);
	}
}
