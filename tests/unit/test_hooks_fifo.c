/* SPDX-License-Identifier: GPL-2.0-only */
/* The FIFO of the hooks: its lines, and what it must not do when it cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks_rig.h"

/* Opens the hooks anew, with this FIFO. */
static void with_fifo(struct hooks_rig *r)
{
	hooks_close(r->hooks);
	hooks_path(r, r->conf.hooks.fifo, sizeof(r->conf.hooks.fifo), "fifo");
	assert_int_equal(hooks_open(r->event, &r->conf, &r->hooks), 0);
}

/* What waits in the FIFO; "" when nothing does. */
static void read_lines(const struct hooks_rig *r, char *buf, size_t size)
{
	int fd = open(r->conf.hooks.fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Programs that read keepalived's FIFO parse this. */
static void lines_as_keepalived_writes_them(void **state)
{
	struct hooks_rig *r = *state;
	struct stat st;
	char got[512];

	with_fifo(r);
	assert_int_equal(stat(r->conf.hooks.fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	hooks_call(r, true, HOKM_VRRP_MASTER); /* is no change yet */
	hooks_call(r, false, HOKM_VRRP_MASTER);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	hooks_call(r, false, HOKM_VRRP_FAULT);
	hooks_call(r, false, HOKM_VRRP_INIT);
	assert_false(hooks_busy(r->hooks));
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" MASTER 110\n"
				 "INSTANCE \"game one\" BACKUP 110\n"
				 "INSTANCE \"game one\" FAULT 110\n"
				 "INSTANCE \"game one\" STOP 110\n");
	assert_int_equal(hooks_stats_of(r).fifo_lost, 0);
}

/* A change is in the FIFO at once, although a hook does not end. */
static void a_hook_that_does_not_end_does_not_delay_a_line(void **state)
{
	struct hooks_rig *r = *state;
	char got[64];

	with_fifo(r);
	hooks_after(r, "exec sleep 1000");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	read_lines(r, got, sizeof(got));
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" BACKUP 110\n");
}

/* Without a reader the loop must not stand still, and no line may be cut. */
static void a_full_fifo_holds_nothing_up(void **state)
{
	struct hooks_rig *r = *state;
	const char *line = "INSTANCE \"game one\" MASTER 110\n";
	char got[32 << 10];
	unsigned int wrote = 0, i;

	with_fifo(r);
	for (; wrote < 100000 && !hooks_stats_of(r).fifo_lost; wrote++)
		hooks_call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 1);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 2);
	for (i = 0; i < 16; i++)
		read_lines(r, got, sizeof(got));
	assert_string_equal(got, "");
	hooks_call(r, false, HOKM_VRRP_MASTER);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, line);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 2);
}

/* A file or a link in its place is neither written to nor followed. */
static void what_is_no_fifo_is_left_alone(void **state)
{
	struct hooks_rig *r = *state;
	char got[64];

	hooks_path(r, r->conf.hooks.fifo, sizeof(r->conf.hooks.fifo), "fifo");
	assert_int_equal(symlink(r->out, r->conf.hooks.fifo), 0);
	with_fifo(r);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 1);
	assert_int_equal(unlink(r->conf.hooks.fifo), 0);
	assert_int_equal(link(r->out, r->conf.hooks.fifo), 0);
	with_fifo(r);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 1);
	hooks_read(r, got, sizeof(got));
	assert_string_equal(got, "");
}

/* The operator chooses who may read. */
static void a_fifo_of_the_operator_keeps_its_mode(void **state)
{
	struct hooks_rig *r = *state;
	struct stat st;
	char got[64];

	hooks_path(r, r->conf.hooks.fifo, sizeof(r->conf.hooks.fifo), "fifo");
	assert_int_equal(mkfifo(r->conf.hooks.fifo, 0600), 0);
	assert_int_equal(chmod(r->conf.hooks.fifo, 0640), 0);
	with_fifo(r);
	assert_int_equal(stat(r->conf.hooks.fifo, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	hooks_call(r, false, HOKM_VRRP_FAULT);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" FAULT 110\n");
}

/* A program that reads it may remove it, and make its own. */
static void one_that_is_made_anew_gets_the_next_line(void **state)
{
	struct hooks_rig *r = *state;
	char got[64];

	with_fifo(r);
	assert_int_equal(unlink(r->conf.hooks.fifo), 0);
	hooks_call(r, false, HOKM_VRRP_MASTER);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" MASTER 110\n");
	assert_int_equal(unlink(r->conf.hooks.fifo), 0);
	assert_int_equal(mkfifo(r->conf.hooks.fifo, 0600), 0);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" BACKUP 110\n");
	assert_int_equal(hooks_stats_of(r).fifo_lost, 0);
	/* What has its place and is no FIFO is left alone, and does not stay in the way. */
	assert_int_equal(unlink(r->conf.hooks.fifo), 0);
	assert_int_equal(symlink(r->out, r->conf.hooks.fifo), 0);
	hooks_call(r, false, HOKM_VRRP_FAULT);
	assert_int_equal(hooks_stats_of(r).fifo_lost, 1);
	assert_int_equal(unlink(r->conf.hooks.fifo), 0);
	hooks_call(r, false, HOKM_VRRP_BACKUP);
	read_lines(r, got, sizeof(got));
	assert_string_equal(got, "INSTANCE \"game one\" BACKUP 110\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOOK_TEST(lines_as_keepalived_writes_them),
		HOOK_TEST(a_hook_that_does_not_end_does_not_delay_a_line),
		HOOK_TEST(a_full_fifo_holds_nothing_up),
		HOOK_TEST(what_is_no_fifo_is_left_alone),
		HOOK_TEST(a_fifo_of_the_operator_keeps_its_mode),
		HOOK_TEST(one_that_is_made_anew_gets_the_next_line),
	};
	int err = hooks_prepare();

	return err ? err : cmocka_run_group_tests_name("hooks: FIFO", tests, NULL, NULL);
}
