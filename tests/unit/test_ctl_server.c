/* SPDX-License-Identifier: GPL-2.0-only */
/* The control server with raw clients: correct, broken and slow ones. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/frame.h"
#include "ctl_rig.h"

/* ---- inotify, which may have no watch left for us ---- */

static struct {
	bool none_left;
	unsigned int begun;
} watches;

int sd_event_add_inotify(sd_event *e, sd_event_source **out, const char *path, uint32_t mask,
			 sd_event_inotify_handler_t handler, void *userdata)
{
	int (*next)(sd_event *, sd_event_source **, const char *, uint32_t,
		    sd_event_inotify_handler_t, void *);

	if (watches.none_left)
		return -ENOSPC;
	*(void **)&next = dlsym(RTLD_NEXT, "sd_event_add_inotify");
	assert_non_null(next);
	watches.begun++;
	return next(e, out, path, mask, handler, userdata);
}

/* ---- clients ---- */

static json_t *ask(struct ctl_rig *r, int fd, const char *request)
{
	ctl_rig_send_frame(fd, request);
	return ctl_rig_frame(r, fd);
}

/* The server still answers. */
static void assert_alive(struct ctl_rig *r)
{
	int fd = ctl_rig_connect(r);
	json_t *reply = ask(r, fd, "{\"verb\":\"text\"}");

	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	close(fd);
	ctl_rig_turn(r);
}

static void test_verbs(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);
	json_t *reply = ask(r, fd, "{\"verb\":\"echo\",\"args\":{\"limit\":5}}");
	json_t *data = json_object_get(reply, "data");

	assert_true(json_is_true(json_object_get(reply, "ok")));
	assert_int_equal(json_integer_value(json_object_get(data, "limit")), 5);
	json_decref(reply);
	reply = ask(r, fd, "{\"verb\":\"echo\"}");
	assert_true(json_is_object(json_object_get(reply, "data")));
	json_decref(reply);
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"fail\"}"), EPERM, "this node is not owner");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"mute\"}"), EIO, "nput/output error");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"explode\"}"), EOPNOTSUPP,
			     "no verb \"explode\"; it has events, echo, text");
	/* Two requests at once: both are answered, in order. */
	ctl_rig_send_frame(fd, "{\"verb\":\"text\"}");
	ctl_rig_send_frame(fd, "{\"verb\":\"fail\"}");
	reply = ctl_rig_frame(r, fd);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	ctl_rig_assert_error(ctl_rig_frame(r, fd), EPERM, "owner");
	assert_int_equal(ctl_rig_stats(r).requests, 7);
	close(fd);
}

static void test_folder_and_mode(void **state)
{
	struct ctl_rig *r = *state;
	struct stat st;
	char run[80];

	snprintf(run, sizeof(run), "%s/run", r->dir);
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(r->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void test_garbage(void **state)
{
	static const char *const bad[] = {
		"nonsense",       "[]", "{}", "{\"verb\":5}", "{\"verb\":\"a\",\"args\":[]}",
		"{\"verb\":null}"};
	const unsigned int n = sizeof(bad) / sizeof(bad[0]);
	struct ctl_rig *r = *state;

	for (unsigned int i = 0; i < n; i++) {
		int fd = ctl_rig_connect(r);

		ctl_rig_assert_error(ask(r, fd, bad[i]), EBADMSG, "");
		ctl_rig_wait_closed(r, fd);
		close(fd);
		assert_int_equal(ctl_rig_stats(r).garbage, i + 1);
	}
	assert_int_equal(ctl_rig_stats(r).requests, 0);
	assert_alive(r);
}

static void test_bad_lengths(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	ctl_rig_send(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	ctl_rig_assert_error(ctl_rig_frame(r, fd), EMSGSIZE, "too long");
	ctl_rig_wait_closed(r, fd);
	close(fd);
	assert_int_equal(ctl_rig_stats(r).oversized, 1);

	fd = ctl_rig_connect(r);
	ctl_rig_send(fd, "\0\0\x10\x01", 4);
	ctl_rig_assert_error(ctl_rig_frame(r, fd), EMSGSIZE, "too long");
	close(fd);
	assert_int_equal(ctl_rig_stats(r).oversized, 2);

	fd = ctl_rig_connect(r);
	ctl_rig_send(fd, "\0\0\0\0", 4);
	ctl_rig_assert_error(ctl_rig_frame(r, fd), EBADMSG, "empty");
	close(fd);
	assert_int_equal(ctl_rig_stats(r).garbage, 1);
	assert_alive(r);
}

static void test_cut_off(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);

	ctl_rig_send(fd, "\0\0\0\x20{\"verb\"", 11);
	shutdown(fd, SHUT_WR);
	ctl_rig_assert_error(ctl_rig_frame(r, fd), EBADMSG, "cut off");
	ctl_rig_wait_closed(r, fd);
	close(fd);
	assert_int_equal(ctl_rig_stats(r).garbage, 1);

	/* The same, and the client closes before the reply. */
	fd = ctl_rig_connect(r);
	ctl_rig_send(fd, "\0\0\0\x20{\"verb\"", 11);
	close(fd);
	ctl_rig_turn(r);
	assert_int_equal(ctl_rig_stats(r).garbage, 2);

	/* A client that connects and closes is no error. */
	close(ctl_rig_connect(r));
	ctl_rig_turn(r);
	assert_int_equal(ctl_rig_stats(r).garbage, 2);

	/* A client that has shut down its writing side gets its reply. */
	fd = ctl_rig_connect(r);
	ctl_rig_send_frame(fd, "{\"verb\":\"text\"}");
	shutdown(fd, SHUT_WR);
	json_decref(ctl_rig_frame(r, fd));
	close(fd);
	assert_int_equal(ctl_rig_stats(r).requests, 1);
	assert_alive(r);
}

static void test_deadlines(void **state)
{
	struct ctl_rig *r = *state;
	uint64_t began_ns = clock_now_ns();
	int half = ctl_rig_connect(r), silent = ctl_rig_connect(r), lazy = ctl_rig_connect(r);
	int patient = ctl_rig_connect(r);

	ctl_rig_send(half, "\0\0\0\x20{\"verb\"", 11);
	ctl_rig_send_frame(lazy, "{\"verb\":\"huge\"}");
	ctl_rig_send_frame(patient, "{\"verb\":\"events\",\"args\":{\"follow\":true}}");
	json_decref(ctl_rig_frame(r, patient));
	ctl_rig_assert_error(ctl_rig_frame(r, half), ETIMEDOUT, "not complete");
	ctl_rig_assert_error(ctl_rig_frame(r, silent), ETIMEDOUT, "not complete");
	while (ctl_rig_stats(r).timed_out < 3) {
		assert_true(clock_now_ns() < began_ns + CTL_RIG_PATIENCE_NS);
		ctl_rig_turn(r);
	}
	assert_true(clock_now_ns() - began_ns >= CTL_TIMEOUT_NS);
	ctl_rig_wait_closed(r, half);
	ctl_rig_wait_closed(r, lazy);
	/* A follower has no deadline. */
	events_add(r->events, "state", HOKM_R_STARTED, "late");
	json_decref(ctl_rig_frame(r, patient));
	assert_int_equal(ctl_rig_stats(r).timed_out, 3);
	close(half);
	close(silent);
	close(lazy);
	close(patient);
	ctl_rig_turn(r);
}

static void test_huge_reply(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);
	json_t *reply = ask(r, fd, "{\"verb\":\"huge\"}");
	json_t *text = json_object_get(json_object_get(reply, "data"), "text");

	assert_int_equal(json_string_length(text), 8u << 20);
	json_decref(reply);
	close(fd);
}

static void test_many_clients(void **state)
{
	struct ctl_rig *r = *state;
	int fd[CTL_CLIENTS_MAX], extra;
	json_t *reply;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		fd[i] = ctl_rig_connect(r);
		ctl_rig_turn(r);
	}
	extra = ctl_rig_connect(r);
	ctl_rig_assert_error(ctl_rig_frame(r, extra), EBUSY, "too many clients");
	ctl_rig_wait_closed(r, extra);
	close(extra);
	assert_int_equal(ctl_rig_stats(r).busy, 1);
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		reply = ask(r, fd[i], "{\"verb\":\"text\"}");
		assert_true(json_is_true(json_object_get(reply, "ok")));
		json_decref(reply);
		close(fd[i]);
	}
	ctl_rig_turn(r);
	assert_alive(r);
}

/* ---- events ---- */

static json_int_t seq_of(const json_t *line)
{
	return json_integer_value(json_object_get(line, "seq"));
}

static json_t *events_of(json_t *reply)
{
	json_t *list = json_object_get(json_object_get(reply, "data"), "events");

	assert_true(json_is_array(list));
	return list;
}

static void test_events_recent(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r);
	json_t *reply;

	for (int i = 1; i <= 10; i++)
		events_add(r->events, i % 2 ? "state" : "hook", HOKM_R_OPERATOR, "%d", i);
	reply = ask(r, fd, "{\"verb\":\"events\",\"args\":{\"recent\":3}}");
	assert_int_equal(json_array_size(events_of(reply)), 3);
	assert_int_equal(seq_of(json_array_get(events_of(reply), 0)), 8);
	json_decref(reply);
	/* The newest N of this kind, not those of this kind among the newest N. */
	reply = ask(r, fd, "{\"verb\":\"events\",\"args\":{\"recent\":3,\"kinds\":[\"hook\"]}}");
	assert_int_equal(json_array_size(events_of(reply)), 3);
	assert_int_equal(seq_of(json_array_get(events_of(reply), 0)), 6);
	json_decref(reply);
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"kinds\":[\"opne\"]}}"),
			     EINVAL, "no such kind of event: opne; there are open, closed");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"kinds\":5}}"), EINVAL,
			     "kinds");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"recent\":-1}}"), EINVAL,
			     "recent");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"recent\":1025}}"), EINVAL,
			     "recent");
	ctl_rig_assert_error(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"follow\":1}}"), EINVAL,
			     "follow");
	close(fd);
}

static void test_events_follow(void **state)
{
	struct ctl_rig *r = *state;
	int all = ctl_rig_connect(r), some = ctl_rig_connect(r);
	json_t *line;

	events_add(r->events, "state", HOKM_R_STARTED, "before");
	line = ask(r, all, "{\"verb\":\"events\",\"args\":{\"follow\":true,\"recent\":5}}");
	assert_int_equal(json_array_size(events_of(line)), 1);
	json_decref(line);
	json_decref(ask(r, some,
			"{\"verb\":\"events\",\"args\":{\"follow\":true,\"kinds\":[\"peer\"]}}"));
	assert_int_equal(ctl_rig_stats(r).followers, 2);
	events_add(r->events, "state", HOKM_R_MASTER_DOWN, "one");
	events_add(r->events, "peer", HOKM_R_NONE, "two");
	for (int i = 2; i <= 3; i++) {
		line = ctl_rig_frame(r, all);
		assert_int_equal(seq_of(line), i);
		json_decref(line);
	}
	line = ctl_rig_frame(r, some);
	assert_string_equal(json_string_value(json_object_get(line, "text")), "two");
	json_decref(line);

	/* A follower that sends something is closed; the other one continues. */
	ctl_rig_send_frame(some, "{\"verb\":\"text\"}");
	ctl_rig_wait_closed(r, some);
	assert_int_equal(ctl_rig_stats(r).garbage, 1);
	assert_int_equal(ctl_rig_stats(r).followers, 1);
	events_add(r->events, "peer", HOKM_R_NONE, "three");
	json_decref(ctl_rig_frame(r, all));
	close(all);
	close(some);
	ctl_rig_turn(r);
	assert_int_equal(ctl_rig_stats(r).followers, 0);
	events_add(r->events, "peer", HOKM_R_NONE, "nobody hears this");
}

static void test_slow_follower(void **state)
{
	struct ctl_rig *r = *state;
	int slow = ctl_rig_connect(r), quick = ctl_rig_connect(r);
	json_int_t seen = 0, missing = 0, last = 0, total = 0;
	json_t *line;

	json_decref(ask(r, slow, "{\"verb\":\"events\",\"args\":{\"follow\":true}}"));
	json_decref(ask(r, quick, "{\"verb\":\"events\",\"args\":{\"follow\":true}}"));
	/* More than the socket and the backlog hold; one follower reads, the other does not. */
	while (ctl_rig_stats(r).dropped < 100) {
		for (int i = 0; i < 100; i++)
			events_add(r->events, "operator", HOKM_R_OPERATOR, "line %0120d", i);
		for (int i = 0; i < 100; i++) {
			line = ctl_rig_frame(r, quick);
			assert_int_equal(seq_of(line), ++total);
			json_decref(line);
		}
		assert_true(total < 100000);
	}
	/* Now it reads: each event, or, in its place, how many are missing. */
	while (seen + missing < total) {
		json_t *dropped;

		line = ctl_rig_frame(r, slow);
		dropped = json_object_get(line, "dropped");
		if (dropped) {
			missing += json_integer_value(dropped);
			last += json_integer_value(dropped);
		} else {
			assert_int_equal(seq_of(line), ++last);
			seen++;
		}
		json_decref(line);
	}
	assert_int_equal(missing, ctl_rig_stats(r).dropped);
	assert_true(seen > 1000);
	/* It has caught up: from here on no event is missing. */
	events_add(r->events, "operator", HOKM_R_OPERATOR, "again");
	line = ctl_rig_frame(r, slow);
	assert_int_equal(seq_of(line), total + 1);
	json_decref(line);
	close(slow);
	close(quick);
	ctl_rig_turn(r);
}

static void test_close_with_clients(void **state)
{
	struct ctl_rig *r = *state;
	int fd = ctl_rig_connect(r), half = ctl_rig_connect(r);

	json_decref(ask(r, fd, "{\"verb\":\"events\",\"args\":{\"follow\":true}}"));
	ctl_rig_send(half, "\0\0", 2);
	ctl_rig_turn(r);
	ctl_server_close(r->server);
	r->server = NULL;
	ctl_rig_wait_closed(r, fd);
	ctl_rig_wait_closed(r, half);
	events_add(r->events, "state", HOKM_R_STOPPED, "to nobody");
	close(fd);
	close(half);
}

/* ---- the socket ---- */

static int open_second(struct ctl_rig *r, const char *path, const char *group)
{
	const struct ctl_groups groups = {.look = group};
	struct ctl_server *s;
	int err = ctl_server_open(r->event, path, &groups, ctl_rig_verbs, r, r->events, NULL, &s);

	if (err)
		assert_null(s);
	else
		ctl_server_close(s);
	return err;
}

static void test_live_socket_is_left(void **state)
{
	struct ctl_rig *r = *state;

	assert_int_equal(open_second(r, r->path, NULL), -EADDRINUSE);
	ctl_rig_turn(r);
	assert_alive(r);
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ctl_rig *r = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/stale.sock", r->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	assert_int_equal(access(sa.sun_path, F_OK), 0);
	assert_int_equal(open_second(r, sa.sun_path, NULL), 0);
	assert_int_equal(access(sa.sun_path, F_OK), -1);
}

static void test_no_socket_there(void **state)
{
	struct ctl_rig *r = *state;
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/run/file.sock", r->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(open_second(r, path, NULL), -EEXIST);
	assert_int_equal(unlink(path), 0);

	snprintf(path, sizeof(path), "%s/run/%0120d.sock", r->dir, 0);
	assert_int_equal(open_second(r, path, NULL), -ENAMETOOLONG);
	assert_int_equal(open_second(r, "relative.sock", NULL), -EINVAL);
	snprintf(path, sizeof(path), "%s/no/such/a.sock", r->dir);
	assert_int_equal(open_second(r, path, NULL), -ENOENT);
	snprintf(path, sizeof(path), "%s/run/b.sock", r->dir);
	assert_int_equal(open_second(r, path, "no-such-group"), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_another_ones_socket_is_left(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ctl_rig *r = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* Another process has replaced the socket by its own. */
	assert_int_equal(unlink(r->path), 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", r->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ctl_server_close(r->server);
	r->server = NULL;
	assert_int_equal(access(r->path, F_OK), 0);
	assert_int_equal(unlink(r->path), 0);
	close(fd);
}

/* Waits until the server has made its socket again. */
static void wait_for_socket(struct ctl_rig *r)
{
	uint64_t end = clock_now_ns() + CTL_RIG_PATIENCE_NS;

	while (access(r->path, F_OK) && clock_now_ns() < end)
		ctl_rig_turn(r);
	assert_int_equal(access(r->path, F_OK), 0);
	assert_alive(r);
}

static void test_removed_socket_comes_back(void **state)
{
	struct ctl_rig *r = *state;
	int client = ctl_rig_connect(r);
	char folder[100], file[160];
	struct stat st;

	json_decref(ask(r, client, "{\"verb\":\"text\"}"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink(r->path), 0);
		wait_for_socket(r);
	}
	assert_int_equal(stat(r->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	/* With its folder, and again: the new folder is watched. */
	snprintf(folder, sizeof(folder), "%s/run", r->dir);
	for (int i = 0; i < 2; i++) {
		const mode_t was = umask(0077); /* that of the unit */

		assert_int_equal(unlink(r->path), 0);
		assert_int_equal(rmdir(folder), 0);
		wait_for_socket(r);
		umask(was);
		assert_int_equal(stat(folder, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0755);
	}
	/* What is no socket stays, and the socket comes when it is gone. */
	snprintf(file, sizeof(file), "%s/other", r->dir);
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(rename(file, r->path), 0);
	assert_int_equal(unlink(r->path), 0);
	wait_for_socket(r);
	/* A client that was connected stays so. */
	json_decref(ask(r, client, "{\"verb\":\"text\"}"));
	close(client);
}

/* By a rename, as programs do that replace files: the folder never lacks a file of that name. */
static void test_replaced_socket_comes_back(void **state)
{
	uint64_t end = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct ctl_rig *r = *state;
	struct stat other, st;

	/* It stays open, so that no new file gets its inode. Nobody listens on it. */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/other", r->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(stat(sa.sun_path, &other), 0);
	assert_int_equal(rename(sa.sun_path, r->path), 0);
	do {
		ctl_rig_turn(r);
	} while ((stat(r->path, &st) || st.st_ino == other.st_ino) && clock_now_ns() < end);
	assert_int_not_equal(st.st_ino, other.st_ino);
	assert_alive(r);
	close(fd);
}

/* The new folder cannot be watched when the socket comes back, and can be a moment later. */
static void test_a_watch_that_failed_is_tried_again(void **state)
{
	uint64_t end = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	struct ctl_rig *r = *state;
	unsigned int begun;
	char folder[100];

	snprintf(folder, sizeof(folder), "%s/run", r->dir);
	watches.none_left = true;
	assert_int_equal(unlink(r->path), 0);
	assert_int_equal(rmdir(folder), 0);
	wait_for_socket(r);
	watches.none_left = false;
	begun = watches.begun;
	while (watches.begun == begun && clock_now_ns() < end)
		ctl_rig_turn(r);
	assert_int_not_equal(watches.begun, begun);
	assert_int_equal(unlink(r->path), 0);
	wait_for_socket(r);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ctl_rig_setup, ctl_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_verbs),
		TEST(test_folder_and_mode),
		TEST(test_garbage),
		TEST(test_bad_lengths),
		TEST(test_cut_off),
		TEST(test_deadlines),
		TEST(test_huge_reply),
		TEST(test_many_clients),
		TEST(test_events_recent),
		TEST(test_events_follow),
		TEST(test_slow_follower),
		TEST(test_close_with_clients),
		TEST(test_live_socket_is_left),
		TEST(test_stale_socket_is_replaced),
		TEST(test_no_socket_there),
		TEST(test_another_ones_socket_is_left),
		TEST(test_removed_socket_comes_back),
		TEST(test_replaced_socket_comes_back),
		TEST(test_a_watch_that_failed_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
