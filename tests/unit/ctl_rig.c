/* SPDX-License-Identifier: GPL-2.0-only */
/* A control server for tests; see ctl_rig.h. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/frame.h"
#include "serve/server.h"
#include "ctl_rig.h"

static int verb_echo(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)error;
	(void)size;
	*data = args ? json_deep_copy(args) : NULL;
	return 0;
}

static int verb_text(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	*data = json_pack("{s:s}", "text", "it is done");
	return 0;
}

static int verb_fail(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)data;
	snprintf(error, size, "this node is not owner");
	return -EPERM;
}

static int verb_mute(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)data;
	(void)error;
	(void)size;
	return -EIO;
}

/* A reply that no socket buffer takes at once: 8 MiB. */
static int verb_huge(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	size_t len = 8u << 20;
	char *text = malloc(len + 1);

	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	if (!text)
		return -ENOMEM;
	memset(text, 'x', len);
	text[len] = '\0';
	*data = json_pack("{s:s}", "text", text);
	free(text);
	return 0;
}

/* ---- count ---- */

struct count {
	json_int_t frames, bytes;
	bool fail, busy, deaf;
};

static int count_prepare(void *arg, const json_t *args, void **job, char *error, size_t size)
{
	struct count *c;

	(void)arg;
	if (json_is_true(json_object_get(args, "refuse"))) {
		snprintf(error, size, "not today");
		return -EPERM;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->frames = json_integer_value(json_object_get(args, "frames"));
	c->bytes = json_integer_value(json_object_get(args, "bytes"));
	c->fail = json_is_true(json_object_get(args, "fail"));
	c->busy = json_is_true(json_object_get(args, "busy"));
	c->deaf = json_is_true(json_object_get(args, "deaf"));
	*job = c;
	return 0;
}

static int count_run(void *job, struct ctl_stream *s, char *error, size_t size)
{
	struct count *c = job;
	char *fill = calloc(1, (size_t)c->bytes + 1);
	char *text = NULL;
	int err = fill ? 0 : -ENOMEM;

	/* The thread has ordinary priority, whatever that of the loop is. */
	if (!err && (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != SCHED_OTHER) {
		snprintf(error, size, "works with real-time priority");
		err = -EIO;
	}
	if (fill)
		memset(fill, 'x', (size_t)c->bytes);
	while (c->deaf)
		(void)pause();
	while (!err && c->busy)
		err = ctl_stream_check(s);
	for (json_int_t i = 1; !err && i <= c->frames; i++) {
		int n = asprintf(&text, "{\"n\":%lld,\"fill\":\"%s\"}", (long long)i, fill);

		err = n < 0 ? -ENOMEM : 0;
		if (!err && c->fail && i == c->frames) {
			snprintf(error, size, "cannot count any further");
			err = -EIO;
		}
		if (!err)
			err = ctl_stream_send(s, text, (size_t)n, i < c->frames);
		free(text);
		text = NULL;
	}
	free(fill);
	return err;
}

static const struct ctl_work count_work = {
	.prepare = count_prepare, .run = count_run, .free = free};

const struct ctl_verb ctl_rig_verbs[] = {
	{.name = "echo", .handler = verb_echo},
	{.name = "text", .handler = verb_text},
	{.name = "fail", .handler = verb_fail},
	{.name = "mute", .handler = verb_mute},
	{.name = "huge", .handler = verb_huge},
	{.name = "act", .acts = true, .handler = verb_text},
	{.name = "maybe", .acts_with = "level", .handler = verb_text},
	{.name = "count", .work = &count_work},
	{.name = NULL},
};

void ctl_rig_dir(struct ctl_rig *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "/tmp/hokm-ctl-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	/* Other users must reach the socket, so that the server itself denies them access. */
	assert_int_equal(chmod(r->dir, 0755), 0);
	snprintf(r->path, sizeof(r->path), "%s/run/node.sock", r->dir);
}

void ctl_rig_open(struct ctl_rig *r, const char *group)
{
	ctl_rig_open_for(r, group, NULL);
}

void ctl_rig_open_for(struct ctl_rig *r, const char *look, const char *act)
{
	const struct ctl_groups groups = {.look = look, .act = act};

	ctl_rig_dir(r);
	assert_true(sd_event_new(&r->event) >= 0);
	assert_int_equal(events_open(r->event, -1, NULL, NULL, &r->events), 0);
	assert_int_equal(ctl_server_open(r->event, r->path, &groups, ctl_rig_verbs, r, r->events,
					 NULL, &r->server),
			 0);
}

static void remove_dirs(struct ctl_rig *r)
{
	char run[80];

	snprintf(run, sizeof(run), "%s/run", r->dir);
	unlink(r->path);
	rmdir(run);
	assert_int_equal(rmdir(r->dir), 0);
}

void ctl_rig_close(struct ctl_rig *r)
{
	ctl_server_close(r->server);
	assert_int_equal(access(r->path, F_OK), -1);
	events_close(r->events);
	sd_event_unref(r->event);
	remove_dirs(r);
}

static void fill_budgets(struct ctl_server *s)
{
	for (struct ctl_client *c = LIST_FIRST(&s->clients); c; c = LIST_NEXT(c, link))
		c->budget.left_ns = 60 * (int64_t)NS_PER_S;
}

void ctl_rig_turn(struct ctl_rig *r)
{
	int n;

	do {
		if (r->at_any_cost)
			fill_budgets(r->server);
		n = sd_event_run(r->event, 2000);
		assert_true(n >= 0);
	} while (n > 0);
}

static void serve(struct ctl_rig *r, const struct ctl_verb *verbs, int ready)
{
	const struct ctl_groups nobody = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sd_event_new(&r->event) < 0 || events_open(r->event, -1, NULL, NULL, &r->events) ||
	    ctl_server_open(r->event, r->path, &nobody, verbs, r, r->events, NULL, &r->server))
		_exit(1);
	for (int i = 1; i <= 3; i++)
		events_add(r->events, "operator", HOKM_R_OPERATOR, "event %d", i);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	_exit(sd_event_loop(r->event) < 0);
}

void ctl_rig_fork(struct ctl_rig *r, const struct ctl_verb *verbs)
{
	int ready[2];
	char byte;

	ctl_rig_dir(r);
	assert_int_equal(pipe(ready), 0);
	r->child = fork();
	assert_true(r->child >= 0);
	if (r->child == 0)
		serve(r, verbs, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

void ctl_rig_join(struct ctl_rig *r)
{
	int status;

	if (r->child > 0) {
		kill(r->child, SIGKILL);
		assert_int_equal(waitpid(r->child, &status, 0), r->child);
	}
	remove_dirs(r);
}

int ctl_rig_connect(const struct ctl_rig *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", r->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

void ctl_rig_send(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void ctl_rig_send_frame(int fd, const char *text)
{
	size_t len = strlen(text);
	unsigned char head[FRAME_HEAD] = {
		0, (unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len};

	ctl_rig_send(fd, head, sizeof(head));
	ctl_rig_send(fd, text, len);
}

json_t *ctl_rig_frame(struct ctl_rig *r, int fd)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	struct frame_reader in;
	char error[128] = "";
	json_t *msg = NULL;
	int ret;

	frame_reader_init(&in, CTL_REPLY_MAX);
	while ((ret = frame_reader_fill(&in, fd)) == -EAGAIN) {
		assert_true(clock_now_ns() < give_up_ns);
		ctl_rig_turn(r);
	}
	assert_int_equal(ret, 1);
	assert_int_equal(frame_reader_take(&in, &msg, error, sizeof(error)), 0);
	frame_reader_free(&in);
	return msg;
}

void ctl_rig_wait_closed(struct ctl_rig *r, int fd)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	char buf[65536];
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return;
		assert_true(n > 0 || errno == EAGAIN);
		assert_true(clock_now_ns() < give_up_ns);
		ctl_rig_turn(r);
	}
}

void ctl_rig_assert_error(json_t *reply, int code, const char *part)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	assert_true(json_is_false(json_object_get(reply, "ok")));
	assert_int_equal(json_integer_value(json_object_get(reply, "code")), code);
	assert_non_null(error);
	if (!strstr(error, part))
		fail_msg("\"%s\" does not contain \"%s\"", error, part);
	json_decref(reply);
}

struct ctl_server_stats ctl_rig_stats(const struct ctl_rig *r)
{
	struct ctl_server_stats s;

	ctl_server_get_stats(r->server, &s);
	return s;
}

int ctl_rig_setup(void **state)
{
	static struct ctl_rig r;

	ctl_rig_open(&r, NULL);
	*state = &r;
	return 0;
}

int ctl_rig_teardown(void **state)
{
	ctl_rig_close(*state);
	return 0;
}
