/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may use the control server: by group, by what is asked, and how much. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/frame.h"
#include "ctl_rig.h"
#include "decide/budget.h"

/*
 * Sends a request as the user `nobody` in the given groups. Exits with the code of the reply, 0 for
 * success, 99 without a reply.
 */
static void ask_as_nobody(const struct ctl_rig *r, const char *request, const gid_t *groups,
			  size_t n)
{
	const char head[4] = {0, 0, 0, (char)strlen(request)};
	const struct passwd *pw = getpwnam("nobody");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 15};
	struct frame_reader in;
	char error[64];
	json_t *reply;
	int fd;

	if (!pw || setgroups(n, groups) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
		_exit(98);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", r->path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		_exit(97);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* The server may deny access before the request is written. */
	if ((send(fd, head, sizeof(head), MSG_NOSIGNAL) < 0 ||
	     send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) &&
	    errno != EPIPE)
		_exit(96);
	frame_reader_init(&in, 100000);
	if (frame_reader_fill(&in, fd) != 1 || frame_reader_take(&in, &reply, error, sizeof(error)))
		_exit(99);
	_exit(json_is_true(json_object_get(reply, "ok"))
		      ? 0
		      : (int)json_integer_value(json_object_get(reply, "code")));
}

static int code_of(struct ctl_rig *r, const char *request, const gid_t *groups, size_t n)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0)
		ask_as_nobody(r, request, groups, n);
	while (waitpid(child, &status, WNOHANG) == 0) {
		ctl_rig_turn(r);
		assert_true(clock_now_ns() < give_up_ns);
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int code_as_nobody(struct ctl_rig *r, const gid_t *groups, size_t n)
{
	return code_of(r, "{\"verb\":\"text\"}", groups, n);
}

static gid_t gid_of(const char *group)
{
	const struct group *g = getgrnam(group);

	assert_non_null(g);
	return g->gr_gid;
}

/* Members of ctl_group look, those of ctl_admin_group act; the socket lets in both and no other. */
static void who_may_look_does_not_act(void **state)
{
	static const char text[] = "{\"verb\":\"text\"}", act[] = "{\"verb\":\"act\"}";
	static const char maybe[] = "{\"verb\":\"maybe\"}";
	static const char level[] = "{\"verb\":\"maybe\",\"args\":{\"level\":1}}";
	static const char events[] = "{\"verb\":\"events\"}";
	const gid_t look = gid_of("daemon"), admin = gid_of("bin"), other = gid_of("sys");
	struct ctl_rig r;

	(void)state;
	ctl_rig_open_for(&r, "daemon", "bin");
	assert_int_equal(code_of(&r, text, &other, 1), 97);
	assert_int_equal(code_of(&r, text, &look, 1), 0);
	assert_int_equal(code_of(&r, maybe, &look, 1), 0);
	assert_int_equal(code_of(&r, events, &look, 1), 0);
	assert_int_equal(ctl_rig_stats(&r).denied, 0);
	assert_int_equal(code_of(&r, act, &look, 1), EACCES);
	assert_int_equal(code_of(&r, level, &look, 1), EACCES);
	assert_int_equal(ctl_rig_stats(&r).denied, 2);
	assert_int_equal(code_of(&r, text, &admin, 1), 0);
	assert_int_equal(code_of(&r, act, &admin, 1), 0);
	assert_int_equal(code_of(&r, level, &admin, 1), 0);
	assert_int_equal(ctl_rig_stats(&r).denied, 2);
	ctl_rig_close(&r);

	/* One of the two groups alone. */
	ctl_rig_open_for(&r, NULL, "bin");
	assert_int_equal(code_of(&r, text, &look, 1), 97);
	assert_int_equal(code_of(&r, act, &admin, 1), 0);
	ctl_rig_close(&r);
	ctl_rig_open_for(&r, "bin", "bin");
	assert_int_equal(code_of(&r, act, &admin, 1), 0);
	ctl_rig_close(&r);
}

/* What a daemon finds that was stopped: an order is not carried out, a question does no harm. */
static void an_order_of_a_client_that_gave_up_is_none(void **state)
{
	static const struct {
		const char *request;
		unsigned int carried_out;
	} rows[] = {
		{"{\"verb\":\"act\"}", 0},
		{"{\"verb\":\"maybe\",\"args\":{\"level\":1}}", 0},
		{"{\"verb\":\"maybe\"}", 1},
		{"{\"verb\":\"text\"}", 1},
	};
	struct ctl_rig *r = *state;
	uint64_t requests = 0;
	int fd;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = ctl_rig_connect(r);
		ctl_rig_send_frame(fd, rows[i].request);
		close(fd);
		ctl_rig_turn(r);
		requests += rows[i].carried_out;
		assert_int_equal(ctl_rig_stats(r).requests, requests);
	}
	/* One that sends nothing more, but waits for the reply, did not give up. */
	fd = ctl_rig_connect(r);
	ctl_rig_send_frame(fd, rows[0].request);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	json_decref(ctl_rig_frame(r, fd));
	assert_int_equal(ctl_rig_stats(r).requests, requests + 1);
	close(fd);
}

/* A client that asks without a break is not read for a while, and nobody else waits for it. */
static void a_flood_of_requests_is_held_back(void **state)
{
	const uint64_t began_ns = clock_now_ns();
	struct ctl_rig *r = *state;
	int flood = ctl_rig_connect(r), other = ctl_rig_connect(r);
	char replies[4096];
	uint64_t most = BUDGET_BURST_NS / BUDGET_REQUEST_NS + 1, now_ns;

	do {
		for (int i = 0; i < 100; i++)
			(void)!send(flood, "\0\0\0\x0f{\"verb\":\"text\"}", 19,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		ctl_rig_turn(r);
		while (recv(flood, replies, sizeof(replies), 0) > 0)
			;
		now_ns = clock_now_ns();
	} while (now_ns < began_ns + NS_PER_S);
	most += (now_ns - began_ns) / BUDGET_SHARE / BUDGET_REQUEST_NS + 1;
	assert_in_range(ctl_rig_stats(r).requests, 10, most);
	assert_true(ctl_rig_stats(r).paused > 0);
	ctl_rig_send_frame(other, "{\"verb\":\"text\"}");
	json_decref(ctl_rig_frame(r, other));
	close(flood);
	close(other);
}

static void test_access(void **state)
{
	const struct group *g = getgrnam("daemon");
	struct ctl_rig r;
	gid_t gid;

	(void)state;
	assert_int_equal(geteuid(), 0);
	assert_non_null(g);
	gid = g->gr_gid;
	ctl_rig_open(&r, "daemon");
	/* The mode of the socket denies access; with mode 0666, the server does. */
	assert_int_equal(code_as_nobody(&r, NULL, 0), 97);
	assert_int_equal(chmod(r.path, 0666), 0);
	assert_int_equal(code_as_nobody(&r, NULL, 0), EACCES);
	assert_int_equal(ctl_rig_stats(&r).denied, 1);
	assert_int_equal(ctl_rig_stats(&r).requests, 0);
	/* The mode that the server sets admits a member of the group. */
	assert_int_equal(chmod(r.path, 0660), 0);
	assert_int_equal(code_as_nobody(&r, &gid, 1), 0);
	assert_int_equal(ctl_rig_stats(&r).denied, 1);
	ctl_rig_close(&r);

	/* Without ctl_group, a member of that group is denied access. */
	ctl_rig_open(&r, "");
	assert_int_equal(chmod(r.path, 0666), 0);
	assert_int_equal(code_as_nobody(&r, &gid, 1), EACCES);
	ctl_rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access),
		cmocka_unit_test(who_may_look_does_not_act),
		cmocka_unit_test_setup_teardown(
			an_order_of_a_client_that_gave_up_is_none, ctl_rig_setup, ctl_rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_flood_of_requests_is_held_back, ctl_rig_setup, ctl_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
