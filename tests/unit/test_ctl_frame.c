/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames over a socket pair: complete, in pieces, too long, truncated, not JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/frame.h"

struct pair {
	int fd[2];
	struct frame_reader in;
	struct frame_writer out;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd))
		return -1;
	frame_reader_init(&p->in, 1000);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	frame_reader_free(&p->in);
	frame_writer_free(&p->out);
	close(p->fd[0]);
	if (p->fd[1] >= 0)
		close(p->fd[1]);
	free(p);
	return 0;
}

static void hang_up(struct pair *p)
{
	close(p->fd[1]);
	p->fd[1] = -1;
}

static void put(struct pair *p, const char *bytes, size_t len)
{
	assert_int_equal(write(p->fd[1], bytes, len), (ssize_t)len);
}

static void test_round_trip(void **state)
{
	struct pair *p = *state;
	json_t *msg = json_pack("{s:s, s:i}", "verb", "status", "n", 5);
	char error[128];
	json_t *got;

	assert_int_equal(frame_writer_add(&p->out, msg, 1000), 0);
	assert_int_equal(frame_writer_add(&p->out, msg, 1000), 0);
	assert_int_equal(frame_writer_pending(&p->out), 2 * (4 + 23));
	assert_int_equal(frame_writer_flush(&p->out, p->fd[1]), 0);
	assert_int_equal(frame_writer_pending(&p->out), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), 1);
		assert_int_equal(frame_reader_take(&p->in, &got, error, sizeof(error)), 0);
		assert_true(json_equal(got, msg));
		json_decref(got);
		assert_false(frame_reader_begun(&p->in));
	}
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EAGAIN);
	hang_up(p);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -ENODATA);
	json_decref(msg);
}

static void test_byte_by_byte(void **state)
{
	struct pair *p = *state;
	const char bytes[] = "\0\0\0\x07{\"a\":1}";
	char error[128];
	json_t *got;

	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EAGAIN);
		assert_int_equal(frame_reader_begun(&p->in), i > 0);
		put(p, bytes + i, 1);
	}
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), 1);
	assert_int_equal(frame_reader_take(&p->in, &got, error, sizeof(error)), 0);
	assert_int_equal(json_integer_value(json_object_get(got, "a")), 1);
	json_decref(got);
}

static void test_bad_lengths(void **state)
{
	struct pair *p = *state;

	put(p, "\0\0\x03\xe9", 4);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EMSGSIZE);
	frame_reader_init(&p->in, 1000);
	put(p, "\xff\xff\xff\xff", 4);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EMSGSIZE);
	frame_reader_init(&p->in, 1000);
	put(p, "\0\0\0\0", 4);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EBADMSG);
	frame_reader_init(&p->in, 1000);
	put(p, "\0\0\x03\xe8{", 5);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EAGAIN);
	hang_up(p);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), -EPIPE);
}

static void test_not_an_object(void **state)
{
	static const char *const bad[] = {
		"nonsense", "[1,2]", "{\"a\":1,\"a\":2}", "{\"a\":", "{\"a\":\"\xff\"}", "\"x\""};
	struct pair *p = *state;
	char error[256];
	json_t *got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char head[4] = {0, 0, 0, (char)strlen(bad[i])};

		put(p, head, 4);
		put(p, bad[i], strlen(bad[i]));
		error[0] = '\0';
		assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), 1);
		assert_int_equal(frame_reader_take(&p->in, &got, error, sizeof(error)), -EBADMSG);
		assert_null(got);
		assert_true(strlen(error) > 0);
	}
}

static void test_deep_nesting(void **state)
{
	struct pair *p = *state;
	char *deep = malloc(100004);
	char error[256];
	json_t *got;

	(void)state;
	assert_non_null(deep);
	memcpy(deep, "\0\x01\x86\xa0", 4);
	memset(deep + 4, '[', 100000);
	frame_reader_init(&p->in, 200000);
	put(p, deep, 100004);
	assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), 1);
	assert_int_equal(frame_reader_take(&p->in, &got, error, sizeof(error)), -EBADMSG);
	free(deep);
}

static void test_cap_of_the_writer(void **state)
{
	struct pair *p = *state;
	json_t *msg = json_pack("{s:s}", "text", "0123456789012345678901234567890");
	json_t *small = json_pack("{s:i}", "a", 1);
	char error[128];
	json_t *got;

	assert_int_equal(frame_writer_add(&p->out, small, 1000), 0);
	assert_int_equal(frame_writer_add(&p->out, msg, 20), -EMSGSIZE);
	/* The frames that were queued before are unchanged. */
	assert_int_equal(frame_writer_pending(&p->out), 4 + 7);
	assert_int_equal(frame_writer_add(&p->out, small, 7), 0);
	assert_int_equal(frame_writer_flush(&p->out, p->fd[1]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(frame_reader_fill(&p->in, p->fd[0]), 1);
		assert_int_equal(frame_reader_take(&p->in, &got, error, sizeof(error)), 0);
		assert_true(json_equal(got, small));
		json_decref(got);
	}
	json_decref(msg);
	json_decref(small);
}

static void test_backlog(void **state)
{
	struct pair *p = *state;
	json_t *msg = json_pack("{s:s}", "text", "some kilobytes are needed to fill a socket");
	unsigned int sent = 0, got = 0;
	char error[128];
	int ret = 0;

	/*
	 * More than fits into the socket; reading and flushing in turns: all frames arrive in
	 * order.
	 */
	while (ret == 0) {
		for (int i = 0; i < 500; i++, sent++)
			assert_int_equal(frame_writer_add(&p->out, msg, 1000), 0);
		ret = frame_writer_flush(&p->out, p->fd[1]);
		assert_true(ret == 0 || ret == -EAGAIN);
		assert_true(sent < 10000000);
	}
	while (got < sent) {
		json_t *one;

		ret = frame_reader_fill(&p->in, p->fd[0]);
		if (ret == -EAGAIN) {
			ret = frame_writer_flush(&p->out, p->fd[1]);
			assert_true(ret == 0 || ret == -EAGAIN);
			assert_int_equal(frame_writer_add(&p->out, msg, 1000), 0);
			sent++;
			assert_true(frame_writer_flush(&p->out, p->fd[1]) <= 0);
			continue;
		}
		assert_int_equal(ret, 1);
		assert_int_equal(frame_reader_take(&p->in, &one, error, sizeof(error)), 0);
		assert_true(json_equal(one, msg));
		json_decref(one);
		got++;
	}
	json_decref(msg);
}

static void test_broken_pipe(void **state)
{
	struct pair *p = *state;
	json_t *msg = json_object();

	hang_up(p);
	assert_int_equal(frame_writer_add(&p->out, msg, 10), 0);
	assert_int_equal(frame_writer_flush(&p->out, p->fd[0]), -EPIPE);
	json_decref(msg);
}

static void test_text(void **state)
{
	json_t *s = frame_text("caf\xc3\xa9");

	(void)state;
	assert_string_equal(json_string_value(s), "caf\xc3\xa9");
	json_decref(s);
	s = frame_text("caf\xe9");
	assert_string_equal(json_string_value(s), "caf?");
	json_decref(s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),    TEST(test_byte_by_byte), TEST(test_bad_lengths),
		TEST(test_not_an_object), TEST(test_deep_nesting), TEST(test_cap_of_the_writer),
		TEST(test_backlog),       TEST(test_broken_pipe),  cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
