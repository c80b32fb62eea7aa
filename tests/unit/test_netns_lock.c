/* SPDX-License-Identifier: GPL-2.0-only */
/* One daemon for each network namespace: who gets the lock, and who does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/netns_lock.h"
#include "own_netns.h"

#define FILE_NAME "/etc/hokm-xdp/hokm-xdp.conf"
#define NOBODY    65534

static struct own_netns ns;

static int take(struct netns_lock *l)
{
	*l = NETNS_LOCK_NONE;
	return netns_lock_take(FILE_NAME, l);
}

static void the_second_one_is_refused(void **state)
{
	struct netns_lock first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	assert_int_equal(take(&second), -EADDRINUSE);
	assert_int_equal(second.name, -1);
	assert_int_equal(second.words, -1);
	netns_lock_release(&first);
	assert_int_equal(take(&second), 0);
	netns_lock_release(&second);
	netns_lock_release(&second); /* nothing to do */
}

static void each_namespace_has_its_own(void **state)
{
	struct netns_lock first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	own_netns_enter(ns.b);
	assert_int_equal(take(&second), 0);
	netns_lock_release(&second);
	own_netns_enter(ns.a);
	netns_lock_release(&first);
}

/* A file with a long name is cut where the words are, and not where the lock is. */
static void a_long_name_of_the_file_is_no_way_around(void **state)
{
	struct netns_lock first = NETNS_LOCK_NONE, second = NETNS_LOCK_NONE;
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(netns_lock_take(name, &first), 0);
	assert_int_equal(netns_lock_take(name, &second), -EADDRINUSE);
	netns_lock_release(&first);
}

static void the_end_of_its_process_releases_it(void **state)
{
	struct netns_lock l;
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		c = take(&l) ? 'n' : 'y';
		(void)!write(ready[1], &c, 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(take(&l), -EADDRINUSE);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(take(&l), 0);
	netns_lock_release(&l);
	close(ready[0]);
	close(ready[1]);
}

/* Any user may take a free name, and must not keep the daemon from starting by that. */
static void a_name_that_another_user_took_does_not_count(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "\0hokm-xdp"};
	struct netns_lock l;
	int fd;

	(void)state;
	assert_int_equal(seteuid(NOBODY), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa,
			      offsetof(struct sockaddr_un, sun_path) + 1 + strlen("hokm-xdp")),
			 0);
	assert_int_equal(take(&l), 0);
	netns_lock_release(&l);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_one_is_refused),
		cmocka_unit_test(each_namespace_has_its_own),
		cmocka_unit_test(a_long_name_of_the_file_is_no_way_around),
		cmocka_unit_test(the_end_of_its_process_releases_it),
		cmocka_unit_test(a_name_that_another_user_took_does_not_count),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
