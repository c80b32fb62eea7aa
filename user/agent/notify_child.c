/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notifier process. It gives up its privileges as the agent does, and may then resolve names,
 * open sockets, and write to its folder, which the daemon passes over the socket.
 *
 * When the daemon closes the socket, the notifier saves its queue, tries for a moment to send what
 * is ready ("the node was stopped"), saves again and ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/messages.h"
#include "agent/notifier.h"
#include "agent/notify_store.h"
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/log.h"

#define LINGER_NS (1 * NS_PER_S)
#define WAIT_MS   60000
#define LINGER_MS 50
#define TAKE_MAX  64 /* messages a turn */

struct child {
	struct engine engine;
	int dir;
	bool loaded; /* the queue was looked for on disk */
	bool failed; /* the last write failed */
	struct notify_who who;
	struct notify_known known;
	unsigned int n_expected, n_channels;
	struct conf_notify channels[CONF_NOTIFY_MAX];
};

static void keep_history(const struct channel *c, const struct delivery *d, void *arg)
{
	const struct child *k = arg;

	(void)store_add_history(k->dir, &k->engine, c, d);
}

static void save(struct child *k)
{
	int err = store_save_queue(k->dir, &k->engine);
	int err_status = store_save_status(k->dir, &k->engine);

	err = err ? err : err_status;
	if (err && !k->failed)
		log_error("notifier: its folder cannot be written: %s; "
			  "a restart would not know what waits",
			  strerror(-err));
	k->failed = err != 0;
	k->engine.changed = false;
}

static void use_channels(struct child *k)
{
	engine_configure(&k->engine, &k->who, k->channels, k->n_channels);
	explicit_bzero(k->channels, sizeof(k->channels));
	if (!k->loaded) {
		int err = store_load_queue(k->dir, &k->engine);

		if (err && err != -ENOENT) {
			log_error("notifier: what waited on disk is lost: %s; "
				  "each channel reports that, and the log has the events",
				  err == -EPROTONOSUPPORT
					  ? "another version of the program wrote it"
				  : err == -EBADMSG ? "the file is damaged"
						    : strerror(-err));
			engine_unread(&k->engine);
		}
	}
	k->loaded = true;
	engine_know(&k->engine, &k->known, clock_now_ns());
}

static void take_fd(struct child *k, struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (k->dir >= 0)
		close(k->dir);
	k->dir = fd;
}

static void take_msg(struct child *k, const struct notify_msg *m)
{
	switch (m->type) {
	case NOTIFY_MSG_WHO:
		k->who = m->who;
		k->known = m->known;
		k->n_expected = m->n < CONF_NOTIFY_MAX ? m->n : CONF_NOTIFY_MAX;
		k->n_channels = 0;
		if (!k->n_expected)
			use_channels(k);
		break;
	case NOTIFY_MSG_CHANNEL:
		if (k->n_channels == k->n_expected)
			break;
		k->channels[k->n_channels++] = m->channel;
		if (k->n_channels == k->n_expected)
			use_channels(k);
		break;
	default:
		engine_lost(&k->engine, m->n);
		engine_take(&k->engine, &m->event, clock_now_ns());
		break;
	}
}

/* Returns 0, or -EPIPE when the daemon closed the socket. */
static int take_messages(struct child *k)
{
	for (unsigned int i = 0; i < TAKE_MAX; i++) {
		char control[CMSG_SPACE(sizeof(int))];
		struct notify_msg m;
		struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
		struct msghdr h = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(AGENT_FD, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n != sizeof(m))
			return -EPIPE;
		if (m.type == NOTIFY_MSG_WHO)
			take_fd(k, &h);
		take_msg(k, &m);
		explicit_bzero(&m, sizeof(m));
	}
	return 0;
}

static bool is_busy(const struct engine *e)
{
	for (unsigned int i = 0; i < e->n; i++)
		if (e->channels[i].delivery)
			return true;
	return false;
}

/* What waits for its group is sent now: there will be no more of the group. */
static void linger(struct child *k)
{
	const uint64_t by_ns = clock_now_ns() + LINGER_NS;

	for (unsigned int i = 0; i < k->engine.n; i++)
		if (k->engine.channels[i].state.group_until_ns)
			k->engine.channels[i].state.group_until_ns = 1;
	save(k);
	do {
		engine_run(&k->engine, clock_now_ns());
		if (!is_busy(&k->engine))
			break;
		engine_wait(&k->engine, -1, LINGER_MS, clock_now_ns());
	} while (clock_now_ns() < by_ns);
	save(k);
}

static void serve(struct child *k)
{
	int err = 0;

	while (!err) {
		engine_wait(&k->engine, AGENT_FD, WAIT_MS, clock_now_ns());
		err = take_messages(k);
		if (k->engine.changed)
			save(k);
		engine_run(&k->engine, clock_now_ns());
		if (k->engine.changed)
			save(k);
	}
	linger(k);
}

static int run(const char *user)
{
	static struct child k = {.dir = -1};
	int err = agent_become(user);

	prctl(PR_SET_NAME, "hokm-notifier", 0, 0, 0);
	if (!err)
		err = sandbox_warm_up();
	if (!err)
		err = engine_open(&k.engine, keep_history, &k);
	if (!err)
		err = sandbox_enter_with_names();
	if (err) {
		log_error("notifier: could not start: %s", strerror(-err));
		return 1;
	}
	serve(&k);
	engine_close(&k.engine);
	return 0;
}

int notifier_main(int argc, char **argv)
{
	agent_started(argc, argv);
	_exit(run(argv[1]));
}
